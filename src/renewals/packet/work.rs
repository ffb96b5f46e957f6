//! What is done when and by whom: timeline, responsibilities, material, checkpoints, rules of escalation.

use std::collections::BTreeMap;

use crate::kernel::document::block::{Block, Inline, Line, Text, labelled, plain};
use crate::kernel::text::sentence_list;
use crate::plans::model::{Role, Task};
use crate::renewals::build::{due_date, is_milestone};
use crate::renewals::measures::told_date;
use crate::renewals::plays::{ENABLEMENT, stage_title};
use crate::renewals::telling::Telling;
use crate::renewals::tracker::CheckpointStatus;

fn short(date: chrono::NaiveDate) -> String {
    date.format("%a %-d %b").to_string()
}

fn title(task: &Task) -> Line {
    if is_milestone(task) { vec![Inline::Strong(Text::new(&task.title))] } else { plain(&task.title) }
}

fn status(telling: &Telling<'_>, task: &Task) -> String {
    let Some(progress) = telling.progress.get(&task.id) else { return "waits".to_owned() };
    match progress.done_at {
        Some(at) => format!("done {}", short(telling.plays.calendar().local_date(at))),
        None => progress.status.replace('_', " "),
    }
}

/// All tasks by their dates, without the checkpoints, which have a table of their own.
pub(super) fn timeline(telling: &Telling<'_>) -> Vec<Block> {
    let rows = telling.by_date().into_iter().filter(|task| !task.checkpoint).map(|task| {
        let ends = telling.ends_on(task);
        let late = !telling.is_done(&task.id) && due_date(task).is_some_and(|due| due < ends);
        let due = if late { format!("⚠ {}", short(ends)) } else { short(ends) };
        [
            plain(short(telling.begins_on(task))),
            plain(due),
            title(task),
            plain(telling.who(&task.owner)),
            plain(stage_title(&task.stage)),
            plain(status(telling, task)),
        ]
    });
    let mut blocks = vec![
        Block::heading("Timeline"),
        Block::table(["Begins", "Done by", "What", "Who", "Stage", "Status"], rows),
        Block::Paragraph(plain(
            "Milestones are in bold; dates are counted back from the renewal date over working days.",
        )),
    ];
    blocks.push(Block::Paragraph(labelled("Shape", told(telling).shape())));
    if let Some(gate) = telling.plan.gates.first() {
        let asks: Vec<String> = gate.checks.iter().map(|check| check.asks.clone()).collect();
        let text = format!("{} says that it may go on. {}", telling.who(&gate.keeper), asks.join(" "));
        blocks.push(Block::Paragraph(labelled(&gate.title, text)));
    }
    blocks
}

/// Such as `24 hours`.
fn length(length: crate::kernel::calendar::Length) -> String {
    match length.total_seconds() {
        seconds if seconds % 3_600 == 0 => {
            let hours = seconds / 3_600;
            if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") }
        }
        _ => length.to_string(),
    }
}

/// The plan as the documents of all plans tell it.
fn told<'a>(telling: &Telling<'a>) -> crate::plans::document::Told<'a> {
    crate::plans::document::Told {
        plan: telling.plan,
        schedule: telling.schedule,
        tasks: None,
        gates: None,
        zone: telling.plays.calendar().zone(),
        stage: |id| stage_title(id).to_owned(),
    }
}

/// All tasks over time.
pub(super) fn chart(telling: &Telling<'_>) -> Block {
    crate::plans::document::gantt(&told(telling))
}

/// Who does what, and who stands in.
pub(super) fn responsibilities(telling: &Telling<'_>) -> Vec<Block> {
    let mut of_role: BTreeMap<&Role, Vec<&Task>> = BTreeMap::new();
    for task in telling.by_date().into_iter().filter(|task| !task.checkpoint) {
        of_role.entry(&task.owner).or_default().push(task);
    }
    let mut roles: Vec<(&Role, Vec<&Task>)> = of_role.into_iter().collect();
    // Whoever has most to do comes first.
    roles.sort_by_key(|(role, tasks)| (std::cmp::Reverse(tasks.len()), *role));
    let rows = roles.into_iter().map(|(role, tasks)| {
        let holder = telling.holder(role);
        let person =
            holder.and_then(|holder| holder.name.clone()).unwrap_or_else(|| "not named yet".to_owned());
        let fallback = holder.and_then(|holder| holder.fallback.as_ref()).map(|role| telling.who(role));
        let titles: Vec<String> = tasks.iter().map(|task| task.title.clone()).collect();
        [
            plain(holder.map_or(role.0.as_str(), |holder| holder.title.as_str())),
            plain(person),
            plain(fallback.unwrap_or_else(|| "nobody".to_owned())),
            plain(titles.join("; ")),
        ]
    });
    vec![Block::heading("Who does what"), Block::table(["Role", "Person", "Stands in", "Tasks"], rows)]
}

/// What is prepared, for whom, by when.
pub(super) fn material(telling: &Telling<'_>) -> Vec<Block> {
    let tasks: Vec<&Task> = telling.by_date().into_iter().filter(|task| task.stage == ENABLEMENT).collect();
    if tasks.is_empty() {
        return Vec::new();
    }
    let personas = &telling.plays.file().personas;
    let text = |task: &Task, key: &str| {
        let asset = task.data.get("asset").and_then(|asset| asset.get(key));
        asset.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let rows = tasks.into_iter().map(|task| {
        let persona = text(task, "persona");
        let persona = personas.get(&persona).map_or(persona.clone(), |persona| persona.title.clone());
        [
            plain(told_date(telling.ends_on(task))),
            plain(&task.title),
            plain(kind_title(&text(task, "kind"))),
            plain(persona),
            plain(telling.who(&task.owner)),
            plain(status(telling, task)),
        ]
    });
    vec![
        Block::heading("Material"),
        Block::table(["Ready by", "What", "Kind", "For", "Who makes it", "Status"], rows),
    ]
}

/// Kinds of material as people name them; others as the file has them.
fn kind_title(kind: &str) -> &str {
    match kind {
        "deck" => "Deck",
        "faq" => "FAQ",
        "roi" => "ROI analysis",
        "roadmap" => "Roadmap update",
        "comparison" => "Comparison",
        "training" => "Training",
        "report" => "Report",
        other => other,
    }
}

/// The tracker.
pub(super) fn checkpoints(telling: &Telling<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::heading("Checkpoints")];
    if telling.checkpoints.is_empty() {
        blocks.push(Block::Paragraph(plain("The renewal date is too near for one: look every day.")));
        return blocks;
    }
    let calendar = telling.plays.calendar();
    let rows = telling.checkpoints.iter().map(|one| {
        let checkpoint = &one.checkpoint;
        let date = told_date(calendar.local_date(checkpoint.due_at - chrono::TimeDelta::microseconds(1)));
        let (state, said) = match (&checkpoint.held, one.status) {
            (Some(held), _) => {
                (format!("held {}, {}", short(calendar.local_date(held.at)), held.rating), held.note.clone())
            }
            (None, CheckpointStatus::Missed) => ("missed; hold it now".to_owned(), String::new()),
            (None, CheckpointStatus::Escalated) => ("missed and escalated".to_owned(), String::new()),
            (None, CheckpointStatus::Skipped) => ("not held; a later one was".to_owned(), String::new()),
            (None, _) => ("to come".to_owned(), String::new()),
        };
        [
            plain(checkpoint.n.to_string()),
            plain(date),
            plain(telling.who(&checkpoint.owner)),
            plain(state),
            plain(said),
        ]
    });
    blocks.push(Block::table(["No.", "Date", "Who holds it", "Status", "What was said"], rows));
    blocks
}

/// What happens by itself when things go wrong, and what has happened.
pub(super) fn rules(telling: &Telling<'_>) -> Vec<Block> {
    let (handling, terms) = (&telling.plan.error_handling, &telling.plays.file().terms);
    let who = |roles: &[Role]| -> Vec<String> { roles.iter().map(|role| telling.who(role)).collect() };
    let times = match handling.retries {
        1 => "once more".to_owned(),
        2 => "twice more".to_owned(),
        n => format!("{n} times more"),
    };
    let wait = length(handling.rung_after);
    let tell = sentence_list(&who(&handling.guardrail.tell));
    let lines = vec![
        plain(format!(
            "A checkpoint that is missed is asked for {times}, {wait} apart; so is a task that failed."
        )),
        plain(format!(
            "Then it goes to {}, one after the other, {wait} apart.",
            who(&handling.ladder).join(" → ")
        )),
        plain(format!("Red at {} checkpoints in a row: {tell} are told at once.", terms.red_checkpoints)),
        plain(format!(
            "{} milestones not done on their day: {tell} are told at once.",
            terms.slipped_milestones
        )),
        plain(format!(
            "{} failures or missed checkpoints within {}: {tell} are told at once.",
            handling.guardrail.exceeded,
            length(handling.guardrail.within)
        )),
    ];
    let mut blocks = vec![Block::heading("When it goes wrong"), Block::List(lines)];
    if !telling.fired.is_empty() {
        let calendar = telling.plays.calendar();
        let rows = telling.fired.iter().map(|fired| {
            [
                plain(told_date(calendar.local_date(fired.at))),
                plain(&fired.title),
                plain(sentence_list(&who(&fired.tell))),
                plain(&fired.body),
            ]
        });
        blocks.push(Block::subheading("What has happened"));
        blocks.push(Block::table(["When", "What", "Told", ""], rows));
    }
    blocks
}
