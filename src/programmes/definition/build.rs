//! From checked files to a [`Definition`].

use super::check::template_of;
use super::written::{
    AgentsFile, Name, PhaseFile, ProgrammeFile, WrittenCheck, WrittenGate, WrittenOutput, WrittenStep,
};
use super::{
    Agent, Check, Contract, Definition, Each, Folders, Gate, Item, Mode, Order, Output, Phase, Restart,
    ScenarioRule, Situation, Source, Step,
};

fn texts(names: Vec<Name>) -> Vec<String> {
    names.into_iter().map(Name::into_inner).collect()
}

/// The definition of files in which nothing is wrong.
pub(super) fn built(
    source: &Source,
    agents: AgentsFile,
    programme: ProgrammeFile,
    phases: Vec<PhaseFile>,
) -> Definition {
    let folders = programme.folders;
    let restart = programme.restart;
    let agent = |of: super::written::WrittenAgent| Agent {
        id: of.id.into_inner(),
        title: of.title,
        commits_as: of.commits_as,
        does: of.does,
        folder: of.folder,
        fallback: of.fallback.into_inner(),
    };
    let templates = source
        .files
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix("templates/")?.to_owned(), text.clone())));
    Definition {
        name: programme.name,
        root: programme.root,
        estimated_parallel_minutes: programme.estimated_parallel_minutes,
        estimated_sequential_minutes: programme.estimated_sequential_minutes,
        agents: agents.agents.into_iter().map(agent).collect(),
        phases: phases.into_iter().map(phase).collect(),
        modes: programme
            .modes
            .into_iter()
            .map(|of| Mode {
                id: of.id.into_inner(),
                title: of.title,
                phases: texts(of.phases),
                use_when: texts(of.use_when),
            })
            .collect(),
        situations: programme
            .situations
            .into_iter()
            .map(|of| Situation {
                id: of.id.into_inner(),
                says: of.says,
                run: of.run.into_inner(),
                agents: texts(of.agents),
            })
            .collect(),
        scenarios: programme
            .scenarios
            .into_iter()
            .map(|of| ScenarioRule {
                id: of.id.into_inner(),
                title: of.title,
                phases: texts(of.phases),
                focus: of.focus,
                risk: of.risk,
            })
            .collect(),
        restart: Restart {
            cac_over_target: restart.cac_over_target.into_inner(),
            months_without_improvement: restart.months_without_improvement.into_inner(),
            asked: restart.asked,
        },
        contracts: programme
            .contracts
            .into_iter()
            .map(|of| Contract {
                from: of.from.into_inner(),
                to: texts(of.to),
                path: of.path.into_inner(),
                about: of.about,
                rule: of.rule.map(Name::into_inner),
            })
            .collect(),
        folders: Folders {
            status: folders.status,
            conflicts: folders.conflicts,
            decisions: folders.decisions,
            learnings: folders.learnings,
        },
        templates: templates.collect(),
    }
}

fn phase(of: PhaseFile) -> Phase {
    let order = if of.order.get_ref() == "sequential" { Order::Sequential } else { Order::Parallel };
    Phase {
        id: of.id.into_inner(),
        number: of.number,
        title: of.title,
        purpose: of.purpose,
        order,
        estimated_minutes: of.estimated_minutes,
        branch: of.branch,
        steps: of.steps.into_iter().map(step).collect(),
        gates: of.gates.into_iter().map(gate).collect(),
    }
}

fn step(of: WrittenStep) -> Step {
    Step {
        id: of.id.into_inner(),
        agent: of.agent.into_inner(),
        title: of.title,
        minutes: of.minutes.into_inner(),
        branch: of.branch,
        after: texts(of.after),
        inputs: texts(of.inputs),
        activities: of.activities,
        outputs: of.outputs.into_iter().map(output).collect(),
    }
}

fn output(of: WrittenOutput) -> Output {
    let template = template_of(&of).trim_start_matches("templates/").to_owned();
    let each = of.each.as_ref().and_then(|name| Each::ALL.iter().find(|(known, _)| known == name.get_ref()));
    Output {
        template,
        each: each.map(|(_, each)| *each),
        path: of.path.into_inner(),
        about: of.about,
        kind: of.kind.into_inner(),
        items: of.items.into_iter().map(|item| Item { slug: item.slug, title: item.title }).collect(),
        needs: texts(of.needs),
        commit: of.commit,
        charts: texts(of.charts),
    }
}

fn gate(of: WrittenGate) -> Gate {
    let check = |of: WrittenCheck| Check {
        id: of.id.into_inner(),
        asks: of.asks,
        rule: of.rule.map(Name::into_inner),
        file: of.file.into_inner(),
        against: of.against.map(Name::into_inner),
        sections: of.sections,
    };
    Gate {
        id: of.id.into_inner(),
        title: of.title,
        after: texts(of.after),
        checks: of.checks.into_iter().map(check).collect(),
    }
}
