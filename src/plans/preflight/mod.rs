//! Whether everything is there before a plan runs: people, what tasks begin with, what they hand on, dates.
//!
//! Promises: each thing that is missing is named with what to do; a finding that blocks has a name under which a person may
//! waive it. Findings come in the order of the document and are the same for the same plan and knowledge.
//! Leaves out: faults of the document itself, which [`check`](mod@super::check) refuses.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::{checked, escaped};
use super::graph::{Ancestors, Graph};
use super::model::{Plan, Role};
use super::schedule::schedule;
use crate::kernel::text::sentence_list;

/// What is known outside of the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Reps of the roster who are active, by id; none where nobody looked.
    pub reps: Option<BTreeSet<String>>,
    /// Inputs that are there already, by the names that tasks use.
    pub given: BTreeSet<String>,
}

/// Something to be looked at before the plan runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanFinding)]
pub struct Finding {
    /// By which it is waived, such as `no_person:revops_director`.
    pub name: String,
    pub code: FindingCode,
    /// Whether the plan may not run before it is mended or waived.
    pub blocks: bool,
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What is missing and what to do.
    pub text: String,
}

/// The kinds of finding. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// A role has no person or agent, and neither has anybody who stands in.
    NoPerson,
    /// A role has no person and somebody stands in.
    StandIn,
    /// Nobody stands in for a role.
    NoFallback,
    /// The roster has no such active rep.
    NotOnRoster,
    /// Nothing makes what a task begins with.
    InputMissing,
    /// What a task begins with is made by one that need not be done before it.
    InputUnordered,
    /// Two tasks hand on the same thing.
    OutputTwice,
    /// A task hands nothing on by which one could see that it was done.
    NoDeliverable,
    /// A task cannot keep a date.
    Impossible,
}

impl FindingCode {
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPerson => "no_person",
            Self::StandIn => "stand_in",
            Self::NoFallback => "no_fallback",
            Self::NotOnRoster => "not_on_roster",
            Self::InputMissing => "input_missing",
            Self::InputUnordered => "input_unordered",
            Self::OutputTwice => "output_twice",
            Self::NoDeliverable => "no_deliverable",
            Self::Impossible => "impossible",
        }
    }

    /// Whether a plan with it may run without somebody's word.
    fn blocks(self) -> bool {
        match self {
            Self::NoPerson
            | Self::NotOnRoster
            | Self::InputMissing
            | Self::InputUnordered
            | Self::Impossible => true,
            Self::StandIn | Self::NoFallback | Self::OutputTwice | Self::NoDeliverable => false,
        }
    }
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, code: FindingCode, of: &str, pointer: String, text: String) {
        let name = format!("{}:{of}", code.name());
        self.0.push(Finding { name, code, blocks: code.blocks(), pointer, text });
    }
}

/// What is to be looked at before the plan runs. A plan with faults has none: it is refused before.
pub fn preflight(plan: &Plan, known: &Known) -> Vec<Finding> {
    let Ok((graph, order)) = checked(plan) else { return Vec::new() };
    let mut findings = Findings::default();
    people(plan, known, &mut findings);
    deliverables(plan, &graph, &order, known, &mut findings);
    if let Ok(schedule) = schedule(plan) {
        for one in schedule.impossible {
            let place = graph.place(&one.task).unwrap_or_default();
            findings.add(FindingCode::Impossible, &one.task.0, format!("#/tasks/{place}"), one.text);
        }
    }
    findings.0
}

/// Whoever is to act for a role: its own holder, or the first who stands in and is somebody.
pub fn acting<'p>(plan: &'p Plan, role: &'p Role) -> Option<&'p Role> {
    let mut at = role;
    // A plan without faults has no circle; one with a circle has an end here as well.
    for _ in 0..=plan.roles.len() {
        let holder = plan.roles.get(at)?;
        if holder.is_somebody() {
            return Some(at);
        }
        at = holder.fallback.as_ref()?;
    }
    None
}

impl super::model::Holder {
    /// Whether a person or an agent is named.
    pub fn is_somebody(&self) -> bool {
        self.name.is_some() || self.rep_id.is_some() || self.email.is_some()
    }
}

fn people(plan: &Plan, known: &Known, findings: &mut Findings) {
    let mut used: BTreeMap<&Role, Vec<String>> = BTreeMap::new();
    for task in &plan.tasks {
        used.entry(&task.owner).or_default().push(format!("task `{}`", task.id));
    }
    for gate in &plan.gates {
        used.entry(&gate.keeper).or_default().push(format!("gate `{}`", gate.id));
    }
    for role in &plan.error_handling.ladder {
        used.entry(role).or_default().push("the escalation ladder".to_owned());
    }
    for role in &plan.error_handling.guardrail.tell {
        used.entry(role).or_default().push("the guardrail".to_owned());
    }
    for (role, uses) in used {
        let Some(holder) = plan.roles.get(role) else { continue };
        let pointer = || format!("#/roles/{}", escaped(&role.0));
        let needed = needed(&uses);
        match acting(plan, role) {
            None => findings.add(
                FindingCode::NoPerson,
                &role.0,
                pointer(),
                format!("Nobody is {} (`{role}`), who is needed for {needed}: name a person, or a role that stands in.", holder.title),
            ),
            Some(other) if other != role => findings.add(
                FindingCode::StandIn,
                &role.0,
                pointer(),
                format!("Nobody is {} (`{role}`); `{other}` stands in for {needed}.", holder.title),
            ),
            Some(_) => {}
        }
        if holder.fallback.is_none() {
            let text =
                format!("Nobody stands in for {} (`{role}`): name a fallback for {needed}.", holder.title);
            findings.add(FindingCode::NoFallback, &role.0, pointer(), text);
        }
        if let (Some(rep), Some(reps)) = (&holder.rep_id, &known.reps)
            && !reps.contains(rep)
        {
            let text = format!(
                "The roster has no active rep `{rep}`, who is {} (`{role}`): correct the id, or name somebody else.",
                holder.title
            );
            findings.add(FindingCode::NotOnRoster, &role.0, pointer(), text);
        }
    }
}

/// What somebody is needed for, cut to a few.
fn needed(uses: &[String]) -> String {
    const TOLD_MAX: usize = 4;
    if uses.len() <= TOLD_MAX {
        return sentence_list(uses);
    }
    format!("{} and {} more", uses[..TOLD_MAX].join(", "), uses.len() - TOLD_MAX)
}

fn deliverables(plan: &Plan, graph: &Graph<'_>, order: &[usize], known: &Known, findings: &mut Findings) {
    let mut makers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, task) in plan.tasks.iter().enumerate() {
        for output in &task.outputs {
            makers.entry(output).or_default().push(at);
        }
    }
    let ancestors = Ancestors::of(graph, order);
    for (at, task) in plan.tasks.iter().enumerate() {
        for (index, input) in task.inputs.iter().enumerate() {
            let pointer = format!("#/tasks/{at}/inputs/{index}");
            let of = format!("{}:{input}", task.id);
            if known.given.contains(input) {
                continue;
            }
            let made = makers.get(input.as_str()).map_or(&[][..], Vec::as_slice);
            if made.iter().any(|maker| ancestors.has(at, *maker)) {
                continue;
            }
            if let Some(maker) = made.iter().find(|maker| **maker != at) {
                let maker = &plan.tasks[*maker].id;
                let text = format!(
                    "`{}` begins with `{input}`, which `{maker}` makes and which need not be there by then: let `{}` depend on `{maker}`.",
                    task.id, task.id
                );
                findings.add(FindingCode::InputUnordered, &of, pointer, text);
            } else {
                let text = format!(
                    "`{}` begins with `{input}`, which no task makes and nobody has given: give it, or add the task that makes it.",
                    task.id
                );
                findings.add(FindingCode::InputMissing, &of, pointer, text);
            }
        }
        if task.outputs.is_empty() && !task.is_milestone() {
            let text = format!("`{}` hands nothing on by which one could see that it was done.", task.id);
            findings.add(FindingCode::NoDeliverable, &task.id.0, format!("#/tasks/{at}/outputs"), text);
        }
        for output in &task.outputs {
            if let Some(first) =
                makers.get(output.as_str()).and_then(|made| made.first()).filter(|first| **first < at)
            {
                let text = format!("`{}` and `{}` both make `{output}`.", plan.tasks[*first].id, task.id);
                findings.add(
                    FindingCode::OutputTwice,
                    &format!("{}:{output}", task.id),
                    format!("#/tasks/{at}/outputs"),
                    text,
                );
            }
        }
    }
}
