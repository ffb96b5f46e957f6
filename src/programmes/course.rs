//! A selection as a plan: one task for each deliverable, in order, with gates between.
//!
//! Promises: the plan has no faults; an agent does one thing after the other; what a task begins with is made before it, in this
//! plan or earlier; each gate of the definition holds back what comes after it. Leaves out who works: roles are agents, and
//! whoever claims a task for an agent may be of any kind.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::business::Business;
use super::definition::{CONFIG, Definition, Gate as DefinedGate, Phase};
use super::deliverable::Kind;
use super::selection::{Piece, Selection, overlaps};
use super::workers::{Acting, Workers};
use crate::kernel::calendar::Length;
use crate::kernel::clock::DateTime;
use crate::plans::model::{
    CheckedBy, Direction, Duration, ErrorHandling, Gate, GateCheck, Guardrail, Holder, Plan, PlanKind, Role,
    SuccessMetric, Task, TaskId,
};

/// Who told that a gate waits, and who decides conflicts.
pub const COORDINATOR: &str = "coordinator";
/// Failed so often, a task is escalated.
const RETRIES: u8 = 2;

/// The plan of a selection that starts at an instant.
pub fn plan(
    definition: &Definition,
    business: &Business,
    selection: &Selection<'_>,
    workers: &Workers,
    start_at: DateTime,
) -> Plan {
    let tasks = tasks(definition, selection, workers);
    let gates = gates(definition, selection);
    let roles = roles(definition, business);
    let ladder: Vec<Role> =
        roles.contains_key(&role(COORDINATOR)).then(|| role(COORDINATOR)).into_iter().collect();
    Plan {
        kind: PlanKind::Programme,
        objective: objective(business, selection),
        start_at,
        deadline: None,
        direction: Direction::Forward,
        tasks,
        gates,
        roles,
        calendars: BTreeMap::new(),
        error_handling: ErrorHandling {
            retries: RETRIES,
            rung_after: Length::hours(24),
            guardrail: Guardrail { exceeded: 2, within: Length::hours(48), tell: ladder.clone() },
            ladder,
        },
        success_metrics: metrics(business),
        context: context(business, selection),
    }
}

fn role(id: &str) -> Role {
    Role(id.to_owned())
}

fn objective(business: &Business, selection: &Selection<'_>) -> String {
    if let Some(task) = &selection.task {
        format!("{}: {task}", business.product)
    } else {
        let titles: Vec<String> = selection.phases.iter().map(|phase| phase.title.to_lowercase()).collect();
        format!("{}: {}", business.product, crate::kernel::text::sentence_list(&titles))
    }
}

fn roles(definition: &Definition, business: &Business) -> BTreeMap<Role, Holder> {
    let holder = |agent: &super::definition::Agent| {
        let member = business.team.iter().find(|member| member.agent == agent.id);
        Holder {
            title: agent.title.clone(),
            name: member.map(|member| member.name.clone()),
            email: None,
            rep_id: None,
            fallback: Some(role(&agent.fallback)),
            calendar: None,
            days_off: Vec::new(),
        }
    };
    let mut roles: BTreeMap<Role, Holder> =
        definition.agents.iter().map(|agent| (role(&agent.id), holder(agent))).collect();
    // A circle of fallbacks is no one who stands in: who closes it stands alone.
    for start in definition.agents.iter().map(|agent| role(&agent.id)) {
        let (mut at, mut steps) = (start.clone(), 0);
        while let Some(next) = roles.get(&at).and_then(|holder| holder.fallback.clone()) {
            steps += 1;
            if next == start || steps > definition.agents.len() {
                if let Some(holder) = roles.get_mut(&at) {
                    holder.fallback = None;
                }
                break;
            }
            at = next;
        }
    }
    // A role that nobody fills, and for which nobody stands in, is the agent itself: a worker of any kind.
    for (id, holder) in &mut roles {
        if holder.name.is_none() && holder.fallback.is_none() {
            holder.name = Some(id.0.clone());
        }
    }
    roles
}

fn tasks(definition: &Definition, selection: &Selection<'_>, workers: &Workers) -> Vec<Task> {
    let mut made: Vec<Task> = Vec::new();
    for (place, piece) in selection.pieces.iter().enumerate() {
        let before = &selection.pieces[..place];
        made.push(task(definition, selection, workers, piece, before));
    }
    made
}

fn task(
    definition: &Definition,
    selection: &Selection<'_>,
    workers: &Workers,
    piece: &Piece<'_>,
    before: &[Piece<'_>],
) -> Task {
    let (work, data) = carrying(definition, workers, piece);
    let mut depends_on: Vec<TaskId> = Vec::new();
    // An agent does one thing after the other within a phase.
    let own = before.iter().rev().find(|of| of.agent.id == piece.agent.id && of.phase.id == piece.phase.id);
    depends_on.extend(own.map(|of| TaskId(of.task_id())));
    // The first of a step waits for all of the steps before.
    if own.is_none_or(|of| of.step.id != piece.step.id) {
        for step in &piece.step.after {
            let last = selection.pieces.iter().filter(|of| of.step.id == *step);
            depends_on.extend(last.map(|of| TaskId(of.task_id())));
        }
    }
    let mut inputs = Vec::new();
    for input in piece.step.inputs.iter().chain(&piece.output.needs) {
        let makers: Vec<&Piece<'_>> = selection
            .pieces
            .iter()
            .filter(|of| of.step.id != piece.step.id && overlaps(&of.path(), input))
            .collect();
        if makers.is_empty() {
            inputs.push(input.clone());
            continue;
        }
        inputs.extend(makers.iter().map(|of| of.path()));
        let same_phase = makers.iter().filter(|of| of.phase.id == piece.phase.id);
        depends_on.extend(same_phase.map(|of| TaskId(of.task_id())));
    }
    inputs.dedup();
    let mut seen = std::collections::BTreeSet::new();
    depends_on.retain(|id| seen.insert(id.clone()));
    Task {
        id: TaskId(piece.task_id()),
        title: format!("{} ({})", piece.output.about, piece.agent.title.to_lowercase()),
        detail: detail(selection, piece),
        stage: piece.phase.id.clone(),
        owner: role(&piece.agent.id),
        work,
        inputs,
        outputs: vec![piece.path()],
        depends_on,
        duration: Duration::Time(minutes(piece)),
        not_before: None,
        due: None,
        checkpoint: false,
        data,
    }
}

/// The queue in which the work on a piece lies, and what its worker must know besides.
pub(super) fn carrying(
    definition: &Definition,
    workers: &Workers,
    piece: &Piece<'_>,
) -> (String, Map<String, Value>) {
    let acting = workers.acting(definition, &piece.agent.id);
    let work = acting.as_ref().map_or(piece.agent.id.as_str(), Acting::queue).to_owned();
    (work, data(definition, piece, acting.as_ref()))
}

fn detail(selection: &Selection<'_>, piece: &Piece<'_>) -> String {
    let activities: Vec<String> = piece.step.activities.iter().map(|text| format!("- {text}")).collect();
    let asked = selection.task.as_ref().map(|task| format!("{task}\n\n")).unwrap_or_default();
    format!(
        "{asked}{} for step “{}”. The step:\n{}",
        piece.output.about,
        piece.step.title,
        activities.join("\n")
    )
}

/// The step's estimate in equal parts over its outputs, the first ones a minute longer where it does not divide.
pub(super) fn minutes(piece: &Piece<'_>) -> Length {
    let weights = vec![1.0; piece.step.outputs.len()];
    let parts = super::figures::split::split_count(u64::from(piece.step.minutes), &weights);
    let place = piece.step.outputs.iter().position(|output| output == piece.output).unwrap_or_default();
    Length::minutes(u16::try_from(parts.get(place).copied().unwrap_or(1)).unwrap_or(u16::MAX))
}

/// What a worker must know besides: the kind, the schema of what is to be handed in, the paths.
fn data(definition: &Definition, piece: &Piece<'_>, acting: Option<&Acting>) -> Map<String, Value> {
    let value = json!({
        "path": piece.path(),
        "root": definition.root,
        "step": piece.step.id,
        "phase": piece.phase.number,
        "kind": piece.output.kind,
        "actingAgent": acting.map(|acting| acting.agent.as_str()),
        "worker": acting.map(|acting| acting.worker),
        "schema": format!("/v1/programmes/schemas/{}", Kind::named(&piece.output.kind).map_or("document", Kind::name)),
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The gates whose steps are all selected, each before what comes after it.
fn gates(definition: &Definition, selection: &Selection<'_>) -> Vec<Gate> {
    let mut made = Vec::new();
    if selection.task.is_some() {
        return made;
    }
    for (place, phase) in selection.phases.iter().enumerate() {
        let next = selection.phases.get(place + 1).copied();
        made.extend(phase.gates.iter().map(|gate| one_gate(definition, selection, phase, gate, next)));
    }
    made
}

fn one_gate(
    definition: &Definition,
    selection: &Selection<'_>,
    phase: &Phase,
    gate: &DefinedGate,
    next: Option<&Phase>,
) -> Gate {
    let own = || selection.pieces.iter().filter(|of| of.phase.id == phase.id);
    let after = own().filter(|of| gate.after.contains(&of.step.id)).map(|of| TaskId(of.task_id())).collect();
    let waiting: Vec<&str> = phase
        .steps
        .iter()
        .filter(|step| {
            !gate.after.contains(&step.id) && step.after.iter().any(|before| gate.after.contains(before))
        })
        .map(|step| step.id.as_str())
        .collect();
    let first = |of: &&Piece<'_>| of.step.outputs.first() == Some(of.output);
    let before: Vec<TaskId> = if waiting.is_empty() {
        let of_next = selection.pieces.iter().filter(|of| next.is_some_and(|next| next.id == of.phase.id));
        // Only those that nothing of their own phase holds back.
        of_next.filter(|of| first(of) && of.step.after.is_empty()).map(|of| TaskId(of.task_id())).collect()
    } else {
        own()
            .filter(|of| waiting.contains(&of.step.id.as_str()))
            .filter(first)
            .map(|of| TaskId(of.task_id()))
            .collect()
    };
    let keeper = definition
        .agent(COORDINATOR)
        .or(definition.agents.first())
        .map_or(COORDINATOR, |agent| agent.id.as_str());
    Gate {
        id: TaskId(gate_id(&gate.id)),
        title: gate.title.clone(),
        after,
        before,
        keeper: role(keeper),
        checks: gate.checks.iter().map(check).collect(),
    }
}

/// Gates share the names of tasks; a gate may be called like its phase.
pub fn gate_id(id: &str) -> String {
    format!("gate:{id}")
}

fn check(check: &super::definition::Check) -> GateCheck {
    GateCheck {
        id: check.id.clone(),
        asks: check.asks.clone(),
        by: if check.rule.is_some() { CheckedBy::Computed } else { CheckedBy::Attested },
    }
}

fn metrics(business: &Business) -> Vec<SuccessMetric> {
    let metric = |goal: &super::business::Goal| SuccessMetric {
        name: goal.name.clone(),
        target: format!("{} by {}", super::draft::words::number(goal.target), goal.by),
        measured_by: goal.metric.clone(),
    };
    business.goals.iter().map(metric).collect()
}

fn context(business: &Business, selection: &Selection<'_>) -> Map<String, Value> {
    let phases: Vec<&str> = selection.phases.iter().map(|phase| phase.id.as_str()).collect();
    let value = json!({
        "company": business.company,
        "product": business.product,
        "scenario": business.scenario.name(),
        "mode": selection.mode,
        "phases": phases,
        "given": [CONFIG],
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::check::check as faults;
    use crate::plans::preflight::{Known, preflight};
    use crate::plans::schedule::schedule;
    use crate::programmes::draft::tests::example;
    use crate::programmes::selection::{Scope, select};

    fn made(scope: &Scope) -> Plan {
        let (definition, business) = example();
        let selection = select(&definition, scope).unwrap();
        plan(&definition, &business, &selection, &Workers::default(), "2026-02-10T09:00:00Z".parse().unwrap())
    }

    fn given(plan: &Plan) -> Known {
        // A run of some phases builds on what the others made.
        let made: std::collections::BTreeSet<&String> =
            plan.tasks.iter().flat_map(|task| &task.outputs).collect();
        let inputs = plan.tasks.iter().flat_map(|task| &task.inputs);
        Known { given: inputs.filter(|input| !made.contains(input)).cloned().collect(), ..Known::default() }
    }

    #[test]
    fn every_mode_makes_a_plan_without_faults() {
        for phases in [
            &[][..],
            &["strategy"],
            &["pipeline-building", "execution"],
            &["analysis"],
            &["strategy", "analysis"],
        ] {
            let plan =
                made(&Scope { phases: phases.iter().map(ToString::to_string).collect(), ..Scope::default() });
            assert!(faults(&plan).is_empty(), "{phases:?}: {:#?}", faults(&plan));
            let known = given(&plan);
            if phases.is_empty() {
                assert_eq!(known.given.iter().map(String::as_str).collect::<Vec<_>>(), [CONFIG]);
            }
            let findings: Vec<_> =
                preflight(&plan, &known).into_iter().filter(|finding| finding.blocks).collect();
            assert!(findings.is_empty(), "{findings:#?}");
        }
        let alone = made(&Scope {
            agent: Some("growth-analyst".to_owned()),
            task: Some("Analyse campaign performance".to_owned()),
            ..Scope::default()
        });
        assert!(faults(&alone).is_empty() && alone.gates.is_empty());
        assert!(alone.tasks[0].detail.starts_with("Analyse campaign performance"));
    }

    #[test]
    fn the_durations_are_those_of_the_source() {
        let full = schedule(&made(&Scope::default())).unwrap();
        let minutes = |phases: &[&str]| {
            let plan =
                made(&Scope { phases: phases.iter().map(ToString::to_string).collect(), ..Scope::default() });
            schedule(&plan).unwrap().parallel.num_minutes()
        };
        assert_eq!(
            [minutes(&["strategy"]), minutes(&["pipeline-building"]), minutes(&["execution"])],
            [30, 45, 60]
        );
        // The coordinator begins with what the analyst found, and then updates its own playbooks: 15, 15 and 10 minutes, where
        // the source estimates 20 for the phase as if nothing waited.
        assert_eq!(minutes(&["analysis"]), 40);
        assert_eq!(full.parallel.num_minutes(), 30 + 45 + 60 + 40);
        // 30, four times 45, five times 60, twice 15, and seven agents with 10 each.
        assert_eq!(full.sequential.num_minutes(), 30 + 180 + 300 + 30 + 70);
        assert!(full.critical_path.len() > 10);
    }

    #[test]
    fn a_gate_holds_back_what_comes_after_it() {
        let plan = made(&Scope::default());
        let gate = |id: &str| plan.gates.iter().find(|gate| gate.id.0 == gate_id(id)).unwrap();
        assert_eq!(gate("strategy").before, [TaskId("core-messaging:positioning".to_owned())]);
        assert_eq!(gate("messaging").before, [TaskId("analytics-foundation:attribution-model".to_owned())]);
        assert_eq!(gate("analytics").before.len(), 4);
        assert_eq!(gate("pipeline-building").before.len(), 5);
        assert_eq!(
            gate("execution").before,
            [TaskId("performance-analysis:performance-analysis".to_owned())]
        );
        assert!(gate("analysis").before.is_empty());
        assert_eq!(gate("analysis").after.len(), 3 + 4 + 14);
    }

    #[test]
    fn an_agent_whom_nobody_fills_has_somebody_who_stands_in() {
        let (definition, mut business) = example();
        business.team.retain(|member| member.agent == COORDINATOR);
        let selection = select(&definition, &Scope::default()).unwrap();
        let plan = plan(
            &definition,
            &business,
            &selection,
            &Workers::default(),
            "2026-02-10T09:00:00Z".parse().unwrap(),
        );
        assert!(faults(&plan).is_empty(), "{:#?}", faults(&plan));
        business.team.clear();
        let plan = super::plan(
            &definition,
            &business,
            &selection,
            &Workers::default(),
            "2026-02-10T09:00:00Z".parse().unwrap(),
        );
        assert!(faults(&plan).is_empty(), "{:#?}", faults(&plan));
        assert!(preflight(&plan, &given(&plan)).iter().all(|finding| !finding.blocks));
    }
}
