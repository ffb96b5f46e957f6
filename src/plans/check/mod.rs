//! Whether a plan can be meant: every fault, each with its place and what to do.
//!
//! Promises: all faults come at once, in the order of the document; a plan without any has names that lead somewhere, no
//! cycle, an owner for everything, calendars that open, and a deadline after its start. Leaves out: whether it can be
//! done in time ([`schedule`](mod@super::schedule)) and whether the people are there ([`preflight`](mod@super::preflight)).

mod names;
#[cfg(test)]
mod tests;
mod times;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::graph::Graph;
use super::model::{ErrorHandling, Gate, Plan, Role, Task};
use crate::kernel::ids::check_caller_id;
use names::Names;

/// The most tasks of a plan.
pub const TASKS_MAX: usize = 20_000;
/// The most gates, roles and calendars of a plan, each.
pub const GROUP_MAX: usize = 1_000;
/// The most entries of a list within a task or gate.
const LIST_MAX: usize = 1_000;
/// The longest title, name and entry of a list, in characters.
const TITLE_MAX: usize = 300;
/// The longest text, in characters.
const TEXT_MAX: usize = 10_000;
/// The most retries that error handling may ask for.
pub const RETRIES_MAX: u8 = 10;

/// One thing wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanFault)]
pub struct Fault {
    /// Where, as a JSON pointer, such as `#/tasks/3/owner`.
    pub pointer: String,
    pub code: FaultCode,
    /// What is wrong and what to do.
    pub detail: String,
}

/// The kinds of fault. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlanFaultCode)]
pub enum FaultCode {
    /// What must be there is missing.
    Missing,
    /// A text, a number or a list is larger than allowed.
    TooLarge,
    /// A name is not of the form that names have.
    Malformed,
    /// The same name or entry is there twice.
    Duplicate,
    /// A name leads nowhere.
    Unknown,
    /// Things wait for each other.
    Cycle,
    /// Nobody is named.
    NoOwner,
    /// Dates contradict each other.
    Dates,
    /// A calendar has faults.
    Calendar,
    /// The dates lie farther away than is looked.
    TooFar,
}

/// Faults while they are gathered.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, code: FaultCode, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault { pointer: pointer.into(), code, detail: detail.into() });
    }
}

/// A key of an object as part of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Every fault of a plan; none where it can be scheduled.
pub fn check(plan: &Plan) -> Vec<Fault> {
    checked(plan).map_or_else(|faults| faults, |_| Vec::new())
}

/// The graph of a plan without faults and its order.
pub(super) fn checked(plan: &Plan) -> Result<(Graph<'_>, Vec<usize>), Vec<Fault>> {
    let mut faults = Faults::default();
    let graph = Graph::of(plan);
    sizes(plan, &mut faults);
    text("#/objective", &plan.objective, TEXT_MAX, true, &mut faults);
    let names = Names { plan, graph: &graph };
    for (at, task) in plan.tasks.iter().enumerate() {
        one_task(&names, at, task, &mut faults);
    }
    for (at, gate) in plan.gates.iter().enumerate() {
        one_gate(&names, at, gate, &mut faults);
    }
    names.holders(&mut faults);
    error_handling(&names, &plan.error_handling, &mut faults);
    times::check(plan, &mut faults);
    let order = graph.order();
    if let Err(cycles) = &order {
        for cycle in cycles {
            names.cycle(cycle, &mut faults);
        }
    }
    match order {
        Ok(order) if faults.0.is_empty() => Ok((graph, order)),
        _ => Err(faults.0),
    }
}

fn sizes(plan: &Plan, faults: &mut Faults) {
    if plan.tasks.is_empty() {
        faults.add(FaultCode::Missing, "#/tasks", "a plan has at least one task");
    }
    for (pointer, count, max) in [
        ("#/tasks", plan.tasks.len(), TASKS_MAX),
        ("#/gates", plan.gates.len(), GROUP_MAX),
        ("#/roles", plan.roles.len(), GROUP_MAX),
        ("#/calendars", plan.calendars.len(), GROUP_MAX),
        ("#/successMetrics", plan.success_metrics.len(), GROUP_MAX),
        ("#/context", plan.context.len(), GROUP_MAX),
    ] {
        if count > max {
            let detail = format!("{count} entries; a plan has at most {max}: make several plans of it");
            faults.add(FaultCode::TooLarge, pointer, detail);
        }
    }
}

fn one_task(names: &Names<'_>, at: usize, task: &Task, faults: &mut Faults) {
    let place = |field: &str| format!("#/tasks/{at}/{field}");
    names.own(&task.id, at, || place("id"), faults);
    fits(|| place("title"), &task.title, TITLE_MAX, true, faults);
    fits(|| place("detail"), &task.detail, TEXT_MAX, false, faults);
    fits(|| place("stage"), &task.stage, TITLE_MAX, true, faults);
    fits(|| place("work"), &task.work, TITLE_MAX, true, faults);
    names.role(&task.owner, || place("owner"), faults);
    list(|| place("inputs"), &task.inputs, faults);
    list(|| place("outputs"), &task.outputs, faults);
    names.tasks(&task.depends_on, Some(at), || place("dependsOn"), faults);
    times::task(names.plan, task, place, faults);
}

fn one_gate(names: &Names<'_>, at: usize, gate: &Gate, faults: &mut Faults) {
    let place = |field: &str| format!("#/gates/{at}/{field}");
    names.own(&gate.id, names.plan.tasks.len() + at, || place("id"), faults);
    fits(|| place("title"), &gate.title, TITLE_MAX, true, faults);
    names.role(&gate.keeper, || place("keeper"), faults);
    if gate.after.is_empty() {
        let detail = format!("nothing leads to gate `{}`: name what must be done before it", gate.id);
        faults.add(FaultCode::Missing, place("after"), detail);
    }
    names.tasks(&gate.after, None, || place("after"), faults);
    names.tasks(&gate.before, None, || place("before"), faults);
    if gate.checks.is_empty() {
        let detail = format!("gate `{}` looks at nothing: name at least one thing that must hold", gate.id);
        faults.add(FaultCode::Missing, place("checks"), detail);
    }
    for (index, check) in gate.checks.iter().enumerate() {
        let pointer = format!("#/gates/{at}/checks/{index}");
        if let Err(error) = check_caller_id(&check.id) {
            faults.add(FaultCode::Malformed, format!("{pointer}/id"), error.to_string());
        }
        if gate.checks[..index].iter().any(|other| other.id == check.id) {
            let detail = format!("gate `{}` has the check `{}` twice", gate.id, check.id);
            faults.add(FaultCode::Duplicate, format!("{pointer}/id"), detail);
        }
        fits(|| format!("{pointer}/asks"), &check.asks, TITLE_MAX, true, faults);
    }
}

fn error_handling(names: &Names<'_>, rules: &ErrorHandling, faults: &mut Faults) {
    if rules.retries > RETRIES_MAX {
        let detail = format!("{} retries; at most {RETRIES_MAX}", rules.retries);
        faults.add(FaultCode::TooLarge, "#/errorHandling/retries", detail);
    }
    if rules.rung_after.is_zero() {
        let detail = "from one rung to the next passes some time, such as `24h`";
        faults.add(FaultCode::Dates, "#/errorHandling/rungAfter", detail);
    }
    if rules.guardrail.within.is_zero() {
        let detail = "a window has some length, such as `48h`";
        faults.add(FaultCode::Dates, "#/errorHandling/guardrail/within", detail);
    }
    if rules.guardrail.exceeded == 0 {
        let detail = "the guardrail is exceeded by at least one failure; two is usual";
        faults.add(FaultCode::Missing, "#/errorHandling/guardrail/exceeded", detail);
    }
    told(names, "#/errorHandling/ladder", &rules.ladder, "an escalation", faults);
    told(names, "#/errorHandling/guardrail/tell", &rules.guardrail.tell, "an exceeded guardrail", faults);
}

fn told(names: &Names<'_>, pointer: &str, roles: &[Role], what: &str, faults: &mut Faults) {
    if roles.is_empty() {
        faults.add(FaultCode::NoOwner, pointer, format!("nobody is told of {what}: name at least one role"));
    }
    for (index, role) in roles.iter().enumerate() {
        names.role(role, || format!("{pointer}/{index}"), faults);
        if roles[..index].contains(role) {
            let detail = format!("`{role}` is told twice: each role stands in the list once");
            faults.add(FaultCode::Duplicate, format!("{pointer}/{index}"), detail);
        }
    }
}

fn text(pointer: &str, text: &str, max: usize, needed: bool, faults: &mut Faults) {
    fits(|| pointer.to_owned(), text, max, needed, faults);
}

/// Whether a text is there and not too long. Counting characters is left to those that could be too long.
fn fits(pointer: impl Fn() -> String, text: &str, max: usize, needed: bool, faults: &mut Faults) {
    if needed && text.trim().is_empty() {
        faults.add(FaultCode::Missing, pointer(), "is empty: write what people are to read here");
    }
    if text.len() > max && text.chars().count() > max {
        let detail = format!("{} characters; at most {max}", text.chars().count());
        faults.add(FaultCode::TooLarge, pointer(), detail);
    }
}

/// A list of names of things.
fn list(pointer: impl Fn() -> String, entries: &[String], faults: &mut Faults) {
    if entries.len() > LIST_MAX {
        let detail = format!("{} entries; at most {LIST_MAX}", entries.len());
        return faults.add(FaultCode::TooLarge, pointer(), detail);
    }
    for (index, entry) in entries.iter().enumerate() {
        fits(|| format!("{}/{index}", pointer()), entry, TITLE_MAX, true, faults);
        if entries[..index].contains(entry) {
            let detail = format!("`{entry}` is listed twice");
            faults.add(FaultCode::Duplicate, format!("{}/{index}", pointer()), detail);
        }
    }
}
