//! From a play and a deadline to a plan: tasks with dates, checkpoints, the gate before the offer, roles, rules.
//!
//! Promises: dates are counted back from the deadline and fall on working days; what was done in an earlier version of the
//! plan stays as it was; equal inputs give the same plan. Where enablement and work with the customer run side by side, both
//! meet at the gate `ready-to-offer`, before anybody names a price.
//! Leaves out: whether the dates can be kept. [`crate::plans`] computes that, and nothing of it is hidden.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};

use super::context::Context;
use super::model::{Person, Terms};
use super::plays::texts::filled;
use super::plays::{Composed, ComposedTask, ENABLEMENT, Plays};
use crate::kernel::calendar::{OpenTime as _, WorkCalendar};
use crate::kernel::clock::DateTime;
use crate::plans::model::{
    CheckedBy, Direction, Duration, ErrorHandling, Gate, GateCheck, Guardrail, Holder, Plan, PlanKind, Role,
    SuccessMetric, Task, TaskId,
};
use crate::plans::schedule::schedule;

/// The gate between what is prepared and what is offered.
pub const GATE: &str = "ready-to-offer";
/// The calendar of everybody without one of their own.
pub const CALENDAR: &str = "business";
/// The kind of work of a checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// No play begins earlier than so many days before its deadline.
const LEAD_MAX: u64 = 800;
/// More checkpoints than anybody holds: weekly for more than a year.
const CHECKPOINTS_MAX: u64 = 60;

/// What a plan is made of.
#[derive(Debug, Clone)]
pub struct Recipe<'a> {
    pub plays: &'a Plays,
    pub terms: &'a Terms,
    /// What texts may use, as [`super::measures::facts`] gives it.
    pub facts: &'a BTreeMap<String, String>,
    /// When the renewal began; nothing is earlier.
    pub start_at: DateTime,
    pub now: DateTime,
    pub context: Option<&'a Context>,
    /// What stays as it was: tasks that are done, checkpoints that were held or are past.
    pub kept: &'a [Task],
}

/// Whether any working time is left before a deadline.
pub fn is_time_left(plays: &Plays, deadline: NaiveDate, now: DateTime) -> bool {
    closing(plays, deadline) > now
}

/// The last day on which a play can begin and keep all its dates.
pub fn latest_start(plays: &Plays, terms: &Terms) -> Option<NaiveDate> {
    let begin =
        terms.deadline.checked_sub_days(Days::new(LEAD_MAX))?.and_time(chrono::NaiveTime::MIN).and_utc();
    let facts = BTreeMap::new();
    let recipe =
        Recipe { plays, terms, facts: &facts, start_at: begin, now: begin, context: None, kept: &[] };
    let mut plan = build(&recipe)?;
    plan.tasks.retain(|task| !task.checkpoint);
    let start_by = schedule(&plan).ok()?.start_by;
    Some(plays.calendar().local_date(start_by))
}

/// Makes the plan; none where there is no such play.
pub fn build(recipe: &Recipe<'_>) -> Option<Plan> {
    let Recipe { plays, terms, .. } = *recipe;
    let whole = plays.compose(&terms.play, terms.risk, terms.tier)?;
    let mut tasks: Vec<Task> = whole.tasks.iter().map(|task| recipe.task(task)).collect();
    tasks.extend(recipe.checkpoints(&whole));
    recipe.keep(&mut tasks);
    let file = plays.file();
    let gates = gate(&tasks, file.terms.gate_keeper.get_ref()).into_iter().collect();
    let account = recipe.facts.get("account").cloned().unwrap_or_default();
    let mut ladder: Vec<Role> = file.terms.ladder.iter().map(|role| Role(role.get_ref().clone())).collect();
    ladder.push(Role(whole.tier.top.get_ref().clone()));
    Some(Plan {
        kind: PlanKind::Renewal,
        objective: format!("{account} renews by {}.", super::measures::told_date(terms.deadline)),
        start_at: recipe.start_at,
        deadline: Some(recipe.closing(terms.deadline)),
        direction: Direction::Workback,
        tasks,
        gates,
        roles: recipe.roles(),
        calendars: BTreeMap::from([(CALENDAR.to_owned(), plays.calendar_draft().clone())]),
        error_handling: ErrorHandling {
            retries: file.terms.retries,
            ladder,
            rung_after: file.terms.rung_after,
            guardrail: Guardrail {
                exceeded: file.terms.slipped_milestones,
                within: file.terms.within,
                tell: file.terms.tell.iter().map(|role| Role(role.get_ref().clone())).collect(),
            },
        },
        success_metrics: metrics(recipe.facts),
        context: recipe.document(&whole),
    })
}

impl Recipe<'_> {
    /// When the last working day up to a date closes.
    fn closing(&self, date: NaiveDate) -> DateTime {
        closing(self.plays, date)
    }

    /// By when something is done that should be done on a day: when that day closes, or, where it has passed, as soon as can
    /// be. The day that it should have been done on stays in the task's data.
    fn due(&self, date: NaiveDate) -> DateTime {
        let from = self.start_at.max(self.now);
        let closing = self.closing(date);
        if closing > from {
            return closing;
        }
        let calendar = self.plays.calendar();
        let today = calendar.local_date(from);
        let next = |date: NaiveDate| calendar.add_days(date, 1).unwrap_or(date);
        let first = if calendar.is_working_day(today) { today } else { next(today) };
        let closes = self.hours(first).1;
        if closes > from { closes } else { self.hours(next(first)).1 }
    }

    /// When a working day opens and closes; the day in UTC where it has no hours.
    fn hours(&self, date: NaiveDate) -> (DateTime, DateTime) {
        hours(self.plays.calendar(), date)
    }

    /// The day so many days before the deadline.
    fn before(&self, days: u16) -> NaiveDate {
        self.terms.deadline.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN)
    }

    /// The title with its facts; as it is written where one is not known.
    fn told(&self, text: &str) -> String {
        filled(text, self.facts).unwrap_or_else(|_| text.replace(['{', '}'], ""))
    }

    fn task(&self, task: &ComposedTask<'_>) -> Task {
        let days = if self.terms.compressed { task.least } else { task.days };
        let mut data = Map::from_iter([
            ("dueDate".to_owned(), json!(self.plays.working_day_by(self.before(task.before)))),
            ("leastDays".to_owned(), json!(task.least)),
        ]);
        if task.milestone {
            data.insert("milestone".to_owned(), json!(true));
        }
        if let Some(asset) = task.asset {
            data.insert("asset".to_owned(), json!({"kind": asset.kind, "persona": asset.persona.get_ref()}));
        }
        let title = self.told(task.title);
        Task {
            id: TaskId(task.id.to_owned()),
            detail: task.detail.to_owned(),
            stage: task.stage.to_owned(),
            owner: Role(task.owner.to_owned()),
            work: if task.asset.is_some() { "prepare" } else { "act" }.to_owned(),
            inputs: Vec::new(),
            outputs: vec![self.told(task.gives)],
            title,
            depends_on: task.after.iter().map(|id| TaskId((*id).to_owned())).collect(),
            duration: Duration::WorkingDays(days),
            not_before: (self.now > self.start_at).then_some(self.now),
            due: Some(self.due(self.before(task.before))),
            checkpoint: false,
            data,
        }
    }

    /// The days on which people look, from now to the deadline: so many days apart, counted back from it.
    fn checkpoint_days(&self, every: u16) -> Vec<NaiveDate> {
        let from = self.plays.calendar().local_date(self.now);
        let last = self.plays.working_day_by(self.before(1));
        let mut days: BTreeSet<NaiveDate> = (1..=CHECKPOINTS_MAX)
            .map_while(|turn| self.terms.deadline.checked_sub_days(Days::new(turn * u64::from(every))))
            .take_while(|day| *day > from)
            .map(|day| self.plays.working_day_by(day))
            .filter(|day| *day > from)
            .collect();
        if days.is_empty() && last > from {
            days.insert(last);
        }
        days.into_iter().collect()
    }

    fn checkpoints(&self, whole: &Composed<'_>) -> Vec<Task> {
        let held: Vec<&Task> = self.kept.iter().filter(|task| task.checkpoint).collect();
        let taken: BTreeSet<NaiveDate> = held.iter().filter_map(|task| date_of(task)).collect();
        let next = held.iter().filter_map(|task| number_of(task)).max().unwrap_or(0) + 1;
        let days = self.checkpoint_days(whole.risk.every).into_iter().filter(|day| !taken.contains(day));
        days.zip(next..).map(|(day, n)| self.checkpoint(whole, n, day)).collect()
    }

    fn checkpoint(&self, whole: &Composed<'_>, n: u32, day: NaiveDate) -> Task {
        let (opens, closes) = self.hours(day);
        Task {
            id: TaskId(format!("checkpoint-{n}")),
            title: format!("Checkpoint {n}: where the renewal stands"),
            detail: "Rate the risk green, yellow or red, say why, and name every milestone that slipped."
                .to_owned(),
            stage: "governance".to_owned(),
            owner: Role(whole.overseer.to_owned()),
            work: CHECKPOINT.to_owned(),
            inputs: Vec::new(),
            outputs: vec![format!("the rating of checkpoint {n}")],
            depends_on: Vec::new(),
            duration: Duration::WorkingDays(1),
            not_before: Some(opens.max(self.start_at)),
            due: Some(closes),
            checkpoint: true,
            data: Map::from_iter([("number".to_owned(), json!(n)), ("date".to_owned(), json!(day))]),
        }
    }

    /// Puts what stays in place of what was made anew; what depended on a task that is gone depends on it no more.
    fn keep(&self, tasks: &mut Vec<Task>) {
        let kept: BTreeMap<&TaskId, &Task> = self.kept.iter().map(|task| (&task.id, task)).collect();
        let mut stay: Vec<Task> = Vec::with_capacity(tasks.len() + kept.len());
        let made: BTreeSet<TaskId> = tasks.iter().map(|task| task.id.clone()).collect();
        stay.extend(self.kept.iter().filter(|task| !made.contains(&task.id)).cloned());
        stay.extend(tasks.drain(..).map(|task| kept.get(&task.id).map_or(task, |kept| (*kept).clone())));
        let there: BTreeSet<TaskId> = stay.iter().map(|task| task.id.clone()).collect();
        for task in &mut stay {
            task.depends_on.retain(|id| there.contains(id));
        }
        *tasks = stay;
    }

    fn roles(&self) -> BTreeMap<Role, Holder> {
        let nobody = Person::default();
        let roles = self.plays.file().roles.iter().map(|(name, role)| {
            let named = self.terms.people.get(&Role(name.clone())).unwrap_or(&nobody);
            let holder = Holder {
                title: role.title.clone(),
                name: named.name.clone().or_else(|| role.name.clone()),
                email: named.email.clone().or_else(|| role.email.clone()),
                rep_id: named.rep_id.clone().or_else(|| role.rep.clone()),
                fallback: role.fallback.as_ref().map(|fallback| Role(fallback.get_ref().clone())),
                calendar: Some(CALENDAR.to_owned()),
                days_off: Vec::new(),
            };
            (Role(name.clone()), holder)
        });
        roles.collect()
    }

    fn document(&self, whole: &Composed<'_>) -> Map<String, Value> {
        let mut document = Map::from_iter([
            (
                "play".to_owned(),
                json!({"name": whole.name, "title": whole.play.title, "summary": whole.play.summary}),
            ),
            ("tier".to_owned(), json!(self.terms.tier)),
            ("risk".to_owned(), json!({"level": self.terms.risk, "oversight": whole.risk.oversight})),
            ("deadline".to_owned(), json!(self.terms.deadline)),
            ("accountName".to_owned(), json!(self.facts.get("account"))),
        ]);
        if let Some(context) = self.context {
            document.insert("known".to_owned(), json!(context));
        }
        document
    }
}

/// When the last working day up to a date closes.
fn closing(plays: &Plays, date: NaiveDate) -> DateTime {
    hours(plays.calendar(), plays.working_day_by(date)).1
}

/// When a day opens and closes; the day in UTC where it has no hours.
pub fn hours(calendar: &WorkCalendar, date: NaiveDate) -> (DateTime, DateTime) {
    let midnight = date.and_time(chrono::NaiveTime::MIN).and_utc();
    // Wherever the zone lies, the day is within a day of the same date in UTC.
    let around = calendar.intervals(midnight - TimeDelta::days(1), midnight + TimeDelta::days(2));
    let of_day: Vec<_> = around.iter().filter(|open| calendar.local_date(open.from) == date).collect();
    let first = of_day.first().map_or(midnight, |open| open.from);
    let last = of_day.last().map_or(midnight + TimeDelta::days(1), |open| open.to);
    (first, last)
}

/// The gate between work and material on one side and the offer on the other, where both sides have tasks.
fn gate(tasks: &[Task], keeper: &str) -> Option<Gate> {
    let of = |stage: &str| {
        tasks.iter().filter(|task| task.stage == stage).map(|task| &task.id).collect::<BTreeSet<_>>()
    };
    let (actions, enablement, commercial) = (of("actions"), of(ENABLEMENT), of("commercial"));
    if actions.is_empty() || enablement.is_empty() || commercial.is_empty() {
        return None;
    }
    let prepared: BTreeSet<&TaskId> = actions.union(&enablement).copied().collect();
    let needed: BTreeSet<&TaskId> =
        tasks.iter().filter(|task| prepared.contains(&task.id)).flat_map(|task| &task.depends_on).collect();
    let after: Vec<TaskId> = tasks
        .iter()
        .map(|task| &task.id)
        .filter(|id| prepared.contains(id) && !needed.contains(id))
        .cloned()
        .collect();
    let before: Vec<TaskId> = tasks
        .iter()
        .filter(|task| {
            task.stage == "commercial" && !task.depends_on.iter().any(|id| commercial.contains(id))
        })
        .map(|task| task.id.clone())
        .collect();
    let check = |id: &str, asks: &str| GateCheck {
        id: id.to_owned(),
        asks: asks.to_owned(),
        by: CheckedBy::Attested,
    };
    Some(Gate {
        id: TaskId(GATE.to_owned()),
        title: "Ready to offer".to_owned(),
        after,
        before,
        keeper: Role(keeper.to_owned()),
        checks: vec![
            check(
                "one-story",
                "Messages, proof and material say the same, and everybody who talks with the customer has them.",
            ),
            check("issues-answered", "Every open issue has an answer that the customer knows."),
        ],
    })
}

/// The number of a checkpoint.
pub fn number_of(task: &Task) -> Option<u32> {
    task.data.get("number").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())
}

/// The day on which a task should be done, counted back from the deadline, whether it has passed or not.
pub fn due_date(task: &Task) -> Option<NaiveDate> {
    task.data.get("dueDate").and_then(Value::as_str).and_then(|text| text.parse().ok())
}

/// The day of a checkpoint.
pub fn date_of(task: &Task) -> Option<NaiveDate> {
    task.data.get("date").and_then(Value::as_str).and_then(|text| text.parse().ok())
}

/// Whether a task is a milestone.
pub fn is_milestone(task: &Task) -> bool {
    task.data.get("milestone").and_then(Value::as_bool) == Some(true)
}

fn metrics(facts: &BTreeMap<String, String>) -> Vec<SuccessMetric> {
    let metric = |name: &str, target: String, measured_by: &str| SuccessMetric {
        name: name.to_owned(),
        target,
        measured_by: measured_by.to_owned(),
    };
    let value = facts
        .get("value")
        .map_or_else(|| "100 % of the yearly value".to_owned(), |value| format!("{value} a year"));
    vec![
        metric("Renewed value", value, "the amount of the signed renewal against the yearly value before"),
        metric(
            "Expansion",
            "more than before".to_owned(),
            "seats and amount of the new term against the old",
        ),
        metric("Risk", "green at signature".to_owned(), "the last checkpoint"),
    ]
}
