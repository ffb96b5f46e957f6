//! From the files of a definition to a [`Definition`], or to everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::written::{
    AgentsFile, Name, PhaseFile, ProgrammeFile, WrittenCheck, WrittenGate, WrittenOutput, WrittenStep,
};
use super::{ALL_AGENTS, CONFIG, Definition, Each, Fault, Source};
use crate::kernel::text::nearest;
use crate::programmes::business;
use crate::programmes::deliverable::{Kind, is_document};
use crate::programmes::draft::charts::CHARTS;
use crate::programmes::draft::template_fault;
use crate::programmes::fault::{Faults, line_at, unknown};
use crate::programmes::gates::rules::RULES;

/// One file while it is checked.
struct File<'t> {
    text: &'t str,
    faults: Faults,
}

impl<'t> File<'t> {
    fn of(source: &'t Source, path: &str) -> Self {
        let text = source.files.get(path).map_or("", String::as_str);
        let mut faults = Faults::of(path);
        if text.is_empty() {
            faults.add(0, "", "is missing or empty");
        }
        Self { text, faults }
    }

    fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        match toml::from_str(self.text) {
            Ok(read) => Some(read),
            Err(error) => {
                let line = error.span().map_or(0, |span| line_at(self.text, span.start));
                self.faults.add(line, "", with_suggestion(error.message()));
                None
            }
        }
    }

    fn at(&mut self, name: &Name, path: &str, message: impl Into<String>) {
        let line = line_at(self.text, name.span().start);
        self.faults.add(line, path, message);
    }

    /// Notes a name that is none of `known`.
    fn expect(&mut self, name: &Name, path: &str, what: &str, known: &[&str]) {
        if !known.contains(&name.get_ref().as_str()) {
            self.at(name, path, unknown(what, name.get_ref(), known));
        }
    }
}

/// What the reader of TOML says, with the key that was probably meant.
fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(wrong) = quoted.next().filter(|_| message.starts_with("unknown field")) else {
        return message.to_owned();
    };
    match nearest(wrong, quoted) {
        Some(near) => format!("`{wrong}` is not known here; did you mean `{near}`?"),
        None => message.to_owned(),
    }
}

pub(super) fn definition(source: &Source) -> Result<Definition, Vec<Fault>> {
    let mut agents_file = File::of(source, "agents.toml");
    let mut programme_file = File::of(source, "programme.toml");
    let agents: Option<AgentsFile> = agents_file.read();
    let programme: Option<ProgrammeFile> = programme_file.read();
    let mut phase_files = Vec::new();
    for path in source.files.keys().filter(|path| path.starts_with("phases/")) {
        let mut file = File::of(source, path);
        let read: Option<PhaseFile> = file.read();
        phase_files.push((file, read));
    }
    let form: Vec<Fault> = [agents_file.faults, programme_file.faults]
        .into_iter()
        .chain(phase_files.iter_mut().map(|(file, _)| std::mem::replace(&mut file.faults, Faults::of(""))))
        .flat_map(Faults::into_sorted)
        .collect();
    let (Some(agents), Some(programme)) = (agents, programme) else { return Err(form) };
    if !form.is_empty() {
        return Err(form);
    }
    let paths: Vec<&String> = source.files.keys().filter(|path| path.starts_with("phases/")).collect();
    let phases: Vec<(File<'_>, PhaseFile)> = phase_files
        .into_iter()
        .zip(paths)
        .filter_map(|((_, read), path)| Some((File::of(source, path), read?)))
        .collect();
    checked(source, agents, programme, phases)
}

fn checked(
    source: &Source,
    agents: AgentsFile,
    programme: ProgrammeFile,
    mut phases: Vec<(File<'_>, PhaseFile)>,
) -> Result<Definition, Vec<Fault>> {
    let mut faults = Vec::new();
    let agent_ids: Vec<&str> = agents.agents.iter().map(|agent| agent.id.get_ref().as_str()).collect();
    let mut file = File::of(source, "agents.toml");
    for agent in &agents.agents {
        file.expect(&agent.fallback, agent.id.get_ref(), "agent", &agent_ids);
        if agent.fallback.get_ref() == agent.id.get_ref() {
            file.at(&agent.fallback, agent.id.get_ref(), "an agent cannot stand in for itself");
        }
    }
    twice(&mut file, agents.agents.iter().map(|agent| &agent.id), "agent");
    faults.extend(file.faults.into_sorted());

    phases.sort_by_key(|(_, phase)| phase.number);
    let made = made(&phases);
    let mut known = Known { agents: agent_ids, made, steps: Vec::new(), paths: BTreeSet::new(), source };
    for (file, phase) in &mut phases {
        check_phase(file, phase, &mut known);
    }
    let phase_ids: Vec<String> = phases.iter().map(|(_, phase)| phase.id.get_ref().clone()).collect();
    let rules: BTreeSet<String> = rules_of(&phases);
    let mut file = File::of(source, "programme.toml");
    check_programme(&mut file, &programme, &phase_ids, &known, &rules);
    faults.extend(file.faults.into_sorted());
    faults.extend(template_faults(source));
    let mut done = Vec::new();
    for (file, phase) in phases {
        faults.extend(file.faults.into_sorted());
        done.push(phase);
    }
    if faults.is_empty() { Ok(super::build::built(source, agents, programme, done)) } else { Err(faults) }
}

/// Texts that cannot be read.
fn template_faults(source: &Source) -> Vec<Fault> {
    let mut found = Vec::new();
    for (path, text) in source.files.iter().filter(|(path, _)| path.starts_with("templates/")) {
        if let Some((line, message)) = template_fault(path, text) {
            let mut faults = Faults::of(path);
            faults.add(line, "", message);
            found.extend(faults.into_sorted());
        }
    }
    found
}

/// Which phase makes a path, and at which place in it.
type Made = BTreeMap<String, (u32, usize)>;

fn made(phases: &[(File<'_>, PhaseFile)]) -> Made {
    let mut made = Made::new();
    for (_, phase) in phases {
        for (place, step) in phase.steps.iter().enumerate() {
            for output in &step.outputs {
                made.entry(output.path.get_ref().clone()).or_insert((phase.number, place));
            }
        }
    }
    made
}

fn rules_of(phases: &[(File<'_>, PhaseFile)]) -> BTreeSet<String> {
    let checks = phases.iter().flat_map(|(_, phase)| phase.gates.iter().flat_map(|gate| &gate.checks));
    checks.filter_map(|check| check.rule.as_ref().map(|rule| rule.get_ref().clone())).collect()
}

struct Known<'s> {
    agents: Vec<&'s str>,
    made: Made,
    /// Of the phases so far.
    steps: Vec<String>,
    paths: BTreeSet<String>,
    source: &'s Source,
}

impl Known<'_> {
    /// What makes a file or a folder, or a part of it.
    fn maker(&self, path: &str) -> Option<(u32, usize)> {
        let fits = |made: &str| {
            made == path
                || (path.ends_with('/') && made.starts_with(path))
                || (made.ends_with('/') && path.starts_with(made))
        };
        self.made.iter().filter(|(made, _)| fits(made)).map(|(_, place)| *place).min()
    }
}

fn check_phase(file: &mut File<'_>, phase: &PhaseFile, known: &mut Known<'_>) {
    file.expect(&phase.order, "order", "order", &["sequential", "parallel"]);
    twice(file, phase.steps.iter().map(|step| &step.id), "step");
    for (place, step) in phase.steps.iter().enumerate() {
        let path = step.id.get_ref().clone();
        if step.agent.get_ref() != ALL_AGENTS {
            file.expect(&step.agent, &path, "agent", &known.agents);
        }
        if *step.minutes.get_ref() == 0 || step.outputs.is_empty() {
            file.at(&step.id, &path, "needs a time above 0 and at least one output");
        }
        let before: Vec<&str> = known.steps.iter().map(String::as_str).collect();
        for after in &step.after {
            file.expect(after, &path, "step before this one", &before);
        }
        for input in step.inputs.iter().chain(step.outputs.iter().flat_map(|output| &output.needs)) {
            check_input(file, input, &path, (phase.number, place), step, known);
        }
        for output in &step.outputs {
            check_output(file, output, &path, known);
        }
        known.steps.push(path);
    }
    let steps: Vec<&str> = phase.steps.iter().map(|step| step.id.get_ref().as_str()).collect();
    twice(file, phase.gates.iter().map(|gate| &gate.id), "gate");
    for gate in &phase.gates {
        check_gate(file, gate, &steps, phase.number, known);
    }
}

fn check_input(
    file: &mut File<'_>,
    input: &Name,
    path: &str,
    at: (u32, usize),
    step: &WrittenStep,
    known: &Known<'_>,
) {
    let name = input.get_ref();
    if name == CONFIG {
        return;
    }
    let own = step.outputs.iter().any(|output| output.path.get_ref() == name);
    match known.maker(name) {
        None => {
            let paths: Vec<&str> = known.made.keys().map(String::as_str).collect();
            let near = nearest(name, paths.iter().copied());
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            file.at(input, path, format!("`{name}` is needed and nobody makes it{near}"));
        }
        Some((phase, _)) if phase > at.0 => {
            file.at(input, path, format!("`{name}` is made later, in phase {phase}"));
        }
        Some(_) if own => file.at(input, path, format!("`{name}` is needed by the step that makes it")),
        Some(_) => {}
    }
}

fn check_output(file: &mut File<'_>, output: &WrittenOutput, step: &str, known: &mut Known<'_>) {
    let path = output.path.get_ref().clone();
    let safe = !path.starts_with('/') && !path.contains("..") && !path.contains("//") && !path.contains('\\');
    if !safe || !(path.ends_with('/') || is_document(&path)) {
        file.at(
            &output.path,
            step,
            format!("`{path}` must be a file `….md` or a folder `…/` below the root"),
        );
    }
    if !known.paths.insert(path.clone()) {
        file.at(&output.path, step, format!("`{path}` is made twice"));
    }
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    file.expect(&output.kind, &path, "kind of deliverable", &kinds);
    let each: Vec<&str> = Each::ALL.iter().map(|(name, _)| *name).collect();
    if let Some(name) = &output.each {
        file.expect(name, &path, "thing to make one file for each of", &each);
    }
    let parts = usize::from(output.each.is_some()) + usize::from(!output.items.is_empty());
    if path.ends_with('/') && parts != 1 {
        file.at(&output.path, &path, "a folder needs `each = \"…\"` or `items = […]`, and not both");
    } else if !path.ends_with('/') && parts > 0 {
        file.at(&output.path, &path, "a single file has neither `each` nor `items`; end the path with `/`");
    }
    for item in output.items.iter().filter(|item| business::slug(&item.slug) != item.slug) {
        file.at(
            &output.path,
            &path,
            format!("`{}` is no file name; write small letters, digits and hyphens", item.slug),
        );
    }
    let charts: Vec<&str> = CHARTS.iter().map(|(name, _)| *name).collect();
    for chart in &output.charts {
        file.expect(chart, &path, "chart", &charts);
    }
    let template = template_of(output);
    if !known.source.files.contains_key(&template) {
        let name = output.template.as_ref().unwrap_or(&output.path);
        file.at(name, &path, format!("there is no text for it: write `{template}`"));
    }
}

/// The template that an output names, or that is named after it.
pub(super) fn template_of(output: &WrittenOutput) -> String {
    let name = if let Some(name) = &output.template {
        name.get_ref().clone()
    } else {
        let path = output.path.get_ref().replace("{folder}/", "").replace("{agent}", "agent");
        format!("{}.md", path.trim_end_matches('/').trim_end_matches(".md"))
    };
    format!("templates/{name}")
}

fn check_gate(file: &mut File<'_>, gate: &WrittenGate, steps: &[&str], phase: u32, known: &Known<'_>) {
    for after in &gate.after {
        file.expect(after, gate.id.get_ref(), "step of this phase", steps);
    }
    if gate.after.is_empty() || gate.checks.is_empty() {
        file.at(&gate.id, gate.id.get_ref(), "a gate needs steps before it and checks");
    }
    twice(file, gate.checks.iter().map(|check| &check.id), "check");
    for check in &gate.checks {
        check_check(file, check, phase, known);
    }
}

fn check_check(file: &mut File<'_>, check: &WrittenCheck, phase: u32, known: &Known<'_>) {
    let path = check.id.get_ref();
    let rules: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    match (&check.rule, check.attested) {
        (Some(rule), false) => file.expect(rule, path, "rule", &rules),
        (None, true) => {}
        _ => file.at(
            &check.id,
            path,
            "write either `rule = \"…\"` or `attested = true`: a check is never assumed",
        ),
    }
    for name in std::iter::once(&check.file).chain(&check.against) {
        match known.maker(name.get_ref()) {
            None => file.at(name, path, format!("`{}` is looked at and nobody makes it", name.get_ref())),
            Some((made, _)) if made > phase => {
                file.at(name, path, format!("`{}` is made later, in phase {made}", name.get_ref()));
            }
            Some(_) => {}
        }
    }
    let rule = check.rule.as_ref().and_then(|rule| RULES.iter().find(|known| known.name == rule.get_ref()));
    if let Some(rule) = rule {
        if rule.needs_against && check.against.is_none() {
            file.at(
                &check.id,
                path,
                format!("the rule `{}` compares two files; write `against = \"…\"`", rule.name),
            );
        }
        if rule.needs_sections && check.sections.is_empty() {
            file.at(&check.id, path, format!("the rule `{}` needs `sections = […]`", rule.name));
        }
    }
}

fn twice<'n>(file: &mut File<'_>, names: impl Iterator<Item = &'n Name>, what: &str) {
    let mut seen = BTreeSet::new();
    for name in names {
        let text = name.get_ref();
        if !seen.insert(text.clone()) {
            file.at(name, "", format!("there is another {what} `{text}`"));
        }
        if business::slug(&text.replace('_', "-")) != text.replace('_', "-") {
            file.at(name, "", format!("`{text}` is no name; write small letters, digits and hyphens"));
        }
    }
}

fn check_programme(
    file: &mut File<'_>,
    programme: &ProgrammeFile,
    phases: &[String],
    known: &Known<'_>,
    rules: &BTreeSet<String>,
) {
    let phases: Vec<&str> = phases.iter().map(String::as_str).collect();
    let situations: Vec<&str> = programme.situations.iter().map(|of| of.id.get_ref().as_str()).collect();
    let modes: Vec<&str> = programme.modes.iter().map(|mode| mode.id.get_ref().as_str()).collect();
    let scenarios = business::Scenario::ALL.map(|(name, _)| name);
    twice(file, programme.modes.iter().map(|mode| &mode.id), "mode");
    twice(file, programme.situations.iter().map(|of| &of.id), "situation");
    for mode in &programme.modes {
        mode.phases.iter().for_each(|phase| file.expect(phase, mode.id.get_ref(), "phase", &phases));
        mode.use_when.iter().for_each(|name| file.expect(name, mode.id.get_ref(), "situation", &situations));
    }
    for situation in &programme.situations {
        let runs: Vec<&str> = modes.iter().copied().chain([super::SCENARIO_PHASES]).collect();
        file.expect(&situation.run, situation.id.get_ref(), "mode", &runs);
        situation
            .agents
            .iter()
            .for_each(|agent| file.expect(agent, situation.id.get_ref(), "agent", &known.agents));
    }
    for scenario in &programme.scenarios {
        file.expect(&scenario.id, "scenarios", "scenario", &scenarios);
        scenario.phases.iter().for_each(|phase| file.expect(phase, scenario.id.get_ref(), "phase", &phases));
    }
    for missing in
        scenarios.iter().filter(|name| !programme.scenarios.iter().any(|of| of.id.get_ref() == *name))
    {
        file.faults.add(0, "scenarios", format!("`{missing}` is missing"));
    }
    let over = &programme.restart.cac_over_target;
    if !(over.get_ref().is_finite() && *over.get_ref() >= 1.0)
        || *programme.restart.months_without_improvement.get_ref() == 0
    {
        let line = line_at(file.text, over.span().start);
        file.faults.add(line, "restart", "needs a factor of at least 1 and at least one month");
    }
    let mut everybody = known.agents.clone();
    everybody.push(ALL_AGENTS);
    for contract in &programme.contracts {
        let path = contract.path.get_ref();
        std::iter::once(&contract.from)
            .chain(&contract.to)
            .for_each(|agent| file.expect(agent, "contracts", "agent", &everybody));
        if known.maker(path).is_none() {
            file.at(&contract.path, "contracts", format!("nobody makes `{path}`"));
        }
        if let Some(rule) = contract.rule.as_ref().filter(|rule| !rules.contains(rule.get_ref())) {
            file.at(rule, "contracts", format!("no gate checks `{}`", rule.get_ref()));
        }
    }
}
