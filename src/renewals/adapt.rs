//! When signals change: whether the plan changes with them, and what stays of it.
//!
//! Promises: a risk that people have set is never changed, only spoken of. What is done, begun or past stays exactly as it
//! was. A rating that says what the plan says changes nothing.

use std::collections::BTreeMap;

use super::measures::cause_words;
use super::model::Risk;
use super::plays::Plays;
use super::rating::{Rating, rerate};
use super::telling::Progress;
use crate::kernel::clock::DateTime;
use crate::kernel::text::sentence_list;
use crate::plans::model::{Plan, Task, TaskId};

/// The risk under which a plan runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub risk: Risk,
    /// Since when.
    pub since: DateTime,
    /// People have set it.
    pub pinned: bool,
    pub score: u32,
}

/// What a new rating means for a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Stays,
    /// The level holds, although the score would say something else: a margin, a waiting time, or people.
    Wavers {
        would_be: Risk,
        why: String,
    },
    Changes {
        to: Risk,
        why: String,
    },
}

/// What a rating means for a plan that runs.
pub fn verdict(plays: &Plays, standing: &Standing, rating: &Rating, now: DateTime) -> Verdict {
    if rating.risk == standing.risk {
        return Verdict::Stays;
    }
    let why = why(standing, rating);
    if standing.pinned {
        return Verdict::Wavers {
            would_be: rating.risk,
            why: format!("{why} The level was set by people and stays."),
        };
    }
    let to = rerate(plays, standing.risk, standing.since, rating.score, now);
    if to == standing.risk {
        let text = format!("{why} It stays {} until that has held for a while.", standing.risk);
        return Verdict::Wavers { would_be: rating.risk, why: text };
    }
    Verdict::Changes { to, why }
}

/// How the score moved and by what, in a sentence or two.
fn why(standing: &Standing, rating: &Rating) -> String {
    let leading: Vec<String> = rating
        .reasons
        .iter()
        .take(3)
        .map(|reason| {
            format!(
                "{} ({}, {} points)",
                reason.code.replace('_', " "),
                cause_words(reason.cause),
                reason.points
            )
        })
        .collect();
    let moved = format!("The score went from {} to {}.", standing.score, rating.score);
    if leading.is_empty() {
        format!("{moved} No sign of risk is left.")
    } else {
        format!("{moved} Mostly {}.", sentence_list(&leading))
    }
}

/// The tasks of a plan that a new version keeps as they are: those that are no longer open, and checkpoints that are past.
pub fn kept(plan: &Plan, progress: &BTreeMap<TaskId, Progress>, now: DateTime) -> Vec<Task> {
    let begun = |task: &Task| {
        progress.get(&task.id).is_some_and(|progress| {
            progress.done_at.is_some() || !["waiting", "ready"].contains(&progress.status.as_str())
        })
    };
    let past = |task: &Task| task.checkpoint && task.due.is_some_and(|due| due <= now);
    plan.tasks.iter().filter(|task| begun(task) || past(task)).cloned().collect()
}
