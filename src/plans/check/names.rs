//! Whether the names of a plan are names, each is there once, and all lead somewhere; who waits for whom in a circle.

use std::collections::{BTreeSet, HashSet};

use super::{Fault, FaultCode, Faults, LIST_MAX, TITLE_MAX, escaped, fits};
use crate::kernel::ids::check_caller_id;
use crate::kernel::text::nearest;
use crate::plans::graph::Graph;
use crate::plans::model::{Plan, Role, TaskId};

/// The most days off of one holder.
const DAYS_OFF_MAX: usize = 1_000;
/// How many names of a cycle a message tells.
const CYCLE_TOLD_MAX: usize = 20;
/// Among how many names a misspelt one is searched for.
const SEARCHED_MAX: usize = 2_000;

/// What the names of a plan are looked up in.
pub(super) struct Names<'c> {
    pub plan: &'c Plan,
    pub graph: &'c Graph<'c>,
}

impl Names<'_> {
    /// The name of the task or gate that stands at `at`.
    pub(super) fn own(&self, id: &TaskId, at: usize, pointer: impl Fn() -> String, faults: &mut Faults) {
        if let Err(error) = check_caller_id(&id.0) {
            faults.add(FaultCode::Malformed, pointer(), error.to_string());
        }
        if self.graph.place(id).is_some_and(|first| first != at) {
            let detail = format!("`{id}` is the name of another task or gate already: names are used once");
            faults.add(FaultCode::Duplicate, pointer(), detail);
        }
    }

    pub(super) fn role(&self, role: &Role, pointer: impl Fn() -> String, faults: &mut Faults) {
        if self.plan.roles.contains_key(role) {
            return;
        }
        if role.0.is_empty() {
            return faults.add(
                FaultCode::NoOwner,
                pointer(),
                "nobody is named: write one of the plan's roles",
            );
        }
        let known = self.plan.roles.keys().map(|role| role.0.as_str());
        let meant = meant(&role.0, known);
        let detail = format!("there is no role `{role}` among the plan's roles{meant}");
        faults.add(FaultCode::Unknown, pointer(), detail);
    }

    /// Names of tasks that `own` (if any) has in a list.
    pub(super) fn tasks(
        &self,
        ids: &[TaskId],
        own: Option<usize>,
        pointer: impl Fn() -> String,
        faults: &mut Faults,
    ) {
        if ids.len() > LIST_MAX.max(self.plan.tasks.len()) {
            return faults.add(FaultCode::TooLarge, pointer(), format!("{} entries", ids.len()));
        }
        let mut seen = HashSet::new();
        for (index, id) in ids.iter().enumerate() {
            let pointer = || format!("{}/{index}", pointer());
            match self.graph.place(id) {
                None => {
                    let known = self.plan.tasks.iter().map(|task| task.id.0.as_str()).take(SEARCHED_MAX);
                    let detail = format!("there is no task `{id}`{}", meant(&id.0, known));
                    faults.add(FaultCode::Unknown, pointer(), detail);
                }
                Some(at) if at >= self.plan.tasks.len() => {
                    let detail = format!("`{id}` is a gate: list what waits for it in the gate's `before`");
                    faults.add(FaultCode::Unknown, pointer(), detail);
                }
                Some(at) if Some(at) == own => {
                    faults.add(FaultCode::Cycle, pointer(), format!("`{id}` waits for itself"));
                }
                Some(_) => {}
            }
            if ids.len() > 1 && !seen.insert(id) {
                faults.add(FaultCode::Duplicate, pointer(), format!("`{id}` is listed twice"));
            }
        }
    }

    /// Everything about the roles.
    pub(super) fn holders(&self, faults: &mut Faults) {
        for (role, holder) in &self.plan.roles {
            let place = |field: &str| format!("#/roles/{}{field}", escaped(&role.0));
            if let Err(error) = check_caller_id(&role.0) {
                faults.add(FaultCode::Malformed, place(""), error.to_string());
            }
            fits(|| place("/title"), &holder.title, TITLE_MAX, true, faults);
            for (field, text) in
                [("/name", &holder.name), ("/email", &holder.email), ("/repId", &holder.rep_id)]
            {
                if let Some(text) = text {
                    fits(|| place(field), text, TITLE_MAX, true, faults);
                }
            }
            if let Some(name) =
                holder.calendar.as_ref().filter(|name| !self.plan.calendars.contains_key(*name))
            {
                let known = self.plan.calendars.keys().map(String::as_str);
                let detail = format!("there is no calendar `{name}` in the plan{}", meant(name, known));
                faults.add(FaultCode::Unknown, place("/calendar"), detail);
            }
            if holder.days_off.len() > DAYS_OFF_MAX {
                let detail = format!("{} days off; at most {DAYS_OFF_MAX}", holder.days_off.len());
                faults.add(FaultCode::TooLarge, place("/daysOff"), detail);
            }
            if let Some(fallback) = &holder.fallback {
                self.role(fallback, || place("/fallback"), faults);
            }
        }
        self.fallback_circles(faults);
    }

    /// Each circle of fallbacks once, at the role that comes first by name.
    fn fallback_circles(&self, faults: &mut Faults) {
        let mut told = BTreeSet::new();
        for first in self.plan.roles.keys() {
            let mut way = vec![first];
            while let Some(next) = self.plan.roles.get(way[way.len() - 1]).and_then(|at| at.fallback.as_ref())
            {
                if let Some(begin) = way.iter().position(|role| *role == next) {
                    let circle = &way[begin..];
                    if circle.iter().all(|role| told.insert(*role)) {
                        let names: Vec<String> =
                            circle.iter().chain([&next]).map(|role| format!("`{role}`")).collect();
                        let pointer = format!("#/roles/{}/fallback", escaped(&circle[0].0));
                        let detail = format!(
                            "{}: the fallbacks lead in a circle and reach nobody else; end one of them",
                            names.join(" → ")
                        );
                        faults.add(FaultCode::Cycle, pointer, detail);
                    }
                    break;
                }
                way.push(next);
            }
        }
    }

    /// A cycle, in the order in which its nodes wait for each other.
    pub(super) fn cycle(&self, cycle: &[usize], faults: &mut Faults) {
        // One that waits for itself was told where it says so.
        let [first, .., last] = cycle else { return };
        let named = |node: &usize| {
            let kind = if *node < self.graph.tasks() { "" } else { "gate " };
            format!("{kind}`{}`", self.graph.name(*node))
        };
        let mut names: Vec<String> = cycle.iter().take(CYCLE_TOLD_MAX).map(named).collect();
        if cycle.len() > CYCLE_TOLD_MAX {
            names.push(format!("{} more", cycle.len() - CYCLE_TOLD_MAX));
        }
        names.push(named(first));
        let pointer = match first.checked_sub(self.graph.tasks()) {
            None => {
                let of = &self.plan.tasks[*first];
                let at = of.depends_on.iter().position(|id| id == self.graph.name(*last));
                at.map_or_else(|| format!("#/tasks/{first}"), |at| format!("#/tasks/{first}/dependsOn/{at}"))
            }
            Some(gate) => format!("#/gates/{gate}"),
        };
        let detail = format!(
            "these wait for each other and none can begin: {}; take one of the dependencies away",
            names.join(" → ")
        );
        faults.0.push(Fault { pointer, code: FaultCode::Cycle, detail });
    }
}

fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
