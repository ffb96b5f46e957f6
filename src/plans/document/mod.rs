//! A plan as parts of a document for people: timeline, responsibilities, critical path, gates, what happens when something
//! goes wrong, changes, and a chart of all tasks over time.
//!
//! Promises: the parts say what the plan and its schedule say, and nothing else; instants are told in the zone of the reader.
//! A slice puts them together with its own ([`kernel::document`](crate::kernel::document) writes both forms);
//! [`whole`] is the document of a plan that has no slice of its own to tell it.

mod gantt;
#[cfg(test)]
mod tests;

use super::change::{Change, words};
use super::lifecycle::{GateState, TaskState, TaskStatus};
use super::model::{CheckedBy, Plan, Role};
use super::pattern::{Step, pattern};
use super::preflight::acting;
use super::schedule::Schedule;
use super::wording::{duration, span, titled};
use crate::kernel::calendar::Zone;
use crate::kernel::clock::DateTime;
use crate::kernel::document::block::{Block, Line, Text, labelled, plain};

pub use gantt::gantt;

/// What a document is made from.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub plan: &'a Plan,
    pub schedule: &'a Schedule,
    /// How far each task has come, in the order of the plan; none before it runs.
    pub tasks: Option<&'a [TaskState]>,
    pub gates: Option<&'a [GateState]>,
    /// In which instants are told.
    pub zone: &'a Zone,
    /// What people call a stage.
    pub stage: fn(&str) -> String,
}

impl Told<'_> {
    /// The title of a task or a gate.
    fn title(&self, name: &str) -> Option<String> {
        let task = self.plan.tasks.iter().find(|task| task.id.0 == name).map(|task| &task.title);
        let gate = || self.plan.gates.iter().find(|gate| gate.id.0 == name).map(|gate| &gate.title);
        task.or_else(gate).cloned()
    }

    /// The shape of the plan in words, with stages, tasks and gates by their titles.
    pub fn shape(&self) -> String {
        let found = pattern(self.plan);
        titled(&found.explanation, |name| {
            let stages = found.of == Step::Stages && self.plan.tasks.iter().any(|task| task.stage == name);
            if stages { Some((self.stage)(name)) } else { self.title(name) }
        })
    }
}

/// `Tue 12 Jan 2027, 09:00`, by the clocks of a zone.
pub fn instant(at: DateTime, zone: &Zone) -> String {
    at.with_timezone(&zone.offset_at(at)).format("%a %-d %b %Y, %H:%M").to_string()
}

/// Who fills a role: a name where there is one, and who stands in where there is none.
pub fn who(plan: &Plan, role: &Role) -> String {
    let title =
        |role: &Role| plan.roles.get(role).map_or_else(|| role.to_string(), |holder| holder.title.clone());
    let name = |role: &Role| {
        let holder = plan.roles.get(role)?;
        holder.name.clone().or_else(|| holder.email.clone()).or_else(|| holder.rep_id.clone())
    };
    match acting(plan, role) {
        Some(own) if own == role => format!("{} ({})", name(role).unwrap_or_default(), title(role)),
        Some(other) => {
            format!("{} ({}, stands in for {})", name(other).unwrap_or_default(), title(other), title(role))
        }
        None => format!("{} – nobody yet", title(role)),
    }
}

/// A plan in all its parts, under its own title.
pub fn whole(told: &Told<'_>, title: &str) -> Vec<Block> {
    let mut blocks = vec![Block::Title(Text::new(title)), Block::Paragraph(plain(&told.plan.objective))];
    blocks.extend(summary(told));
    blocks.extend(timeline(told));
    blocks.push(gantt(told));
    blocks.extend(critical_path(told));
    blocks.extend(responsibilities(told));
    blocks.extend(gates(told));
    blocks.extend(when_it_goes_wrong(told));
    blocks.extend(success(told.plan));
    blocks
}

/// Dates, shape and what cannot be kept.
pub fn summary(told: &Told<'_>) -> Vec<Block> {
    let (plan, schedule) = (told.plan, told.schedule);
    let at = |at| instant(at, told.zone);
    let mut rows: Vec<[Line; 2]> =
        vec![[plain("Begins"), plain(at(schedule.starts_at))], [plain("Ends"), plain(at(schedule.ends_at))]];
    if let Some(deadline) = plan.deadline {
        rows.push([plain("Deadline"), plain(at(deadline))]);
        rows.push([plain("Must begin by"), plain(at(schedule.start_by))]);
    }
    rows.push([plain("Times"), plain(format!("{} (all instants in this zone)", told.zone.name()))]);
    rows.push([
        plain("Working time"),
        plain(format!(
            "{} one after the other; {} along the critical path",
            span(schedule.sequential),
            span(schedule.parallel)
        )),
    ]);
    rows.push([plain("Shape"), plain(told.shape())]);
    let mut blocks = vec![Block::table(["Plan", ""], rows)];
    if !schedule.impossible.is_empty() {
        let by_title = |text: &str| titled(text, |name| told.title(name));
        let lines = schedule.impossible.iter().map(|one| labelled("Cannot be kept", by_title(&one.text)));
        blocks.push(Block::Warning(lines.collect()));
    }
    blocks
}

/// All tasks in the order of the document with their dates.
pub fn timeline(told: &Told<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::heading("Timeline")];
    let mut stages: Vec<&str> = Vec::new();
    for task in &told.plan.tasks {
        if !stages.contains(&task.stage.as_str()) {
            stages.push(&task.stage);
        }
    }
    for stage in &stages {
        if stages.len() > 1 {
            blocks.push(Block::subheading((told.stage)(stage)));
        }
        let tasks = told.plan.tasks.iter().enumerate().filter(|(_, task)| task.stage == **stage);
        let rows = tasks.map(|(at, task)| {
            let slot = &told.schedule.slots[at];
            let title =
                if task.checkpoint { format!("{} (checkpoint)", task.title) } else { task.title.clone() };
            [
                plain(title),
                plain(who(told.plan, &task.owner)),
                plain(instant(slot.start_at, told.zone)),
                plain(instant(slot.end_at, told.zone)),
                plain(duration(task.duration)),
                plain(state(told, at)),
            ]
        });
        blocks.push(Block::table(["Task", "Who", "From", "To", "Takes", "Status"], rows.collect::<Vec<_>>()));
    }
    blocks
}

fn state(told: &Told<'_>, at: usize) -> String {
    let Some(state) = told.tasks.and_then(|tasks| tasks.get(at)) else {
        return if told.schedule.slots[at].critical {
            "on the critical path".to_owned()
        } else {
            slack(told, at)
        };
    };
    match state.status {
        TaskStatus::Claimed => state
            .lease
            .as_ref()
            .map_or_else(|| "claimed".to_owned(), |lease| format!("claimed by {}", lease.by)),
        status => status.name().to_owned(),
    }
}

fn slack(told: &Told<'_>, at: usize) -> String {
    format!("{} slack", span(told.schedule.slots[at].slack))
}

/// The chain on which the end hangs.
pub fn critical_path(told: &Told<'_>) -> Vec<Block> {
    let steps = told.plan.tasks.iter().zip(&told.schedule.slots);
    let titles: std::collections::HashMap<_, _> =
        steps.map(|(task, slot)| (&task.id, (task, slot))).collect();
    let lines = told.schedule.critical_path.iter().filter_map(|id| titles.get(id)).map(|(task, slot)| {
        labelled(
            &task.title,
            format!(
                "{} to {}, {}",
                instant(slot.earliest_start, told.zone),
                instant(slot.earliest_end, told.zone),
                who(told.plan, &task.owner)
            ),
        )
    });
    vec![
        Block::heading("Critical path"),
        Block::Paragraph(plain(format!(
            "The end hangs on these, one after the other; it is {} at the earliest.",
            instant(told.schedule.earliest_end, told.zone)
        ))),
        Block::Steps(lines.collect()),
    ]
}

/// Who does what, and who stands in.
pub fn responsibilities(told: &Told<'_>) -> Vec<Block> {
    let plan = told.plan;
    let rows = plan.roles.iter().map(|(role, holder)| {
        let tasks: Vec<&str> =
            plan.tasks.iter().filter(|task| task.owner == *role).map(|task| task.title.as_str()).collect();
        let keeps = plan.gates.iter().filter(|gate| gate.keeper == *role).map(|gate| gate.title.as_str());
        let all: Vec<&str> = tasks.into_iter().chain(keeps).collect();
        let fallback = holder.fallback.as_ref().map_or_else(|| "–".to_owned(), |role| who(plan, role));
        let all = if all.is_empty() { "–".to_owned() } else { all.join("; ") };
        [plain(&holder.title), plain(who(plan, role)), plain(all), plain(fallback)]
    });
    vec![
        Block::heading("Responsibilities"),
        Block::table(["Role", "Who", "Does", "Stands in"], rows.collect::<Vec<_>>()),
    ]
}

/// What must hold to go on; nothing where there is no gate.
pub fn gates(told: &Told<'_>) -> Vec<Block> {
    if told.plan.gates.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::heading("Gates")];
    for (at, gate) in told.plan.gates.iter().enumerate() {
        blocks.push(Block::subheading(&gate.title));
        let state = told.gates.and_then(|gates| gates.get(at));
        let rows = gate.checks.iter().map(|check| {
            let by = match check.by {
                CheckedBy::Computed => "computed".to_owned(),
                CheckedBy::Attested => format!("attested by {}", who(told.plan, &gate.keeper)),
            };
            let found = state.and_then(|state| state.verdicts.get(&check.id));
            let found = found.map_or_else(
                || "not looked at yet".to_owned(),
                |verdict| {
                    let holds = if verdict.holds { "holds" } else { "does not hold" };
                    if verdict.note.is_empty() {
                        holds.to_owned()
                    } else {
                        format!("{holds}: {}", verdict.note)
                    }
                },
            );
            [plain(&check.asks), plain(by), plain(found)]
        });
        blocks.push(Block::table(["What must hold", "Who says so", "Found"], rows.collect::<Vec<_>>()));
    }
    blocks
}

/// Retries, the ladder and the guardrail.
pub fn when_it_goes_wrong(told: &Told<'_>) -> Vec<Block> {
    let rules = &told.plan.error_handling;
    let tell: Vec<String> = rules.guardrail.tell.iter().map(|role| who(told.plan, role)).collect();
    let opening = format!(
        "What fails is tried again {} times. Then these are told, one every {}, until somebody settles it:",
        rules.retries, rules.rung_after
    );
    let guardrail = format!(
        "When this happens {} times within {}, these are told at once: {}.",
        rules.guardrail.exceeded,
        rules.guardrail.within,
        crate::kernel::text::sentence_list(&tell)
    );
    vec![
        Block::heading("When something goes wrong"),
        Block::Paragraph(plain(opening)),
        Block::Steps(rules.ladder.iter().map(|role| plain(who(told.plan, role))).collect()),
        Block::Paragraph(plain(guardrail)),
    ]
}

/// The figures that the plan is meant to move; nothing where none is named.
pub fn success(plan: &Plan) -> Vec<Block> {
    if plan.success_metrics.is_empty() {
        return Vec::new();
    }
    let rows = plan
        .success_metrics
        .iter()
        .map(|metric| [plain(&metric.name), plain(&metric.target), plain(&metric.measured_by)]);
    vec![
        Block::heading("What it is measured by"),
        Block::table(["Figure", "Target", "Measured by"], rows.collect::<Vec<_>>()),
    ]
}

/// One version's changes in words.
pub fn changes(list: &[Change]) -> Block {
    Block::List(list.iter().map(|change| plain(words(change))).collect())
}
