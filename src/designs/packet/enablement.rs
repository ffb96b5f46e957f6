//! What people and systems need, with the day by which it is to be there: worked back from the launch over working days.
//!
//! Promises: nothing is due on a day without hours, nothing after the launch; what is due in the past is said to be late and
//! not moved.

use std::sync::Arc;

use chrono::NaiveDate;

use super::{ChecklistLine, DependencyLine, EnablementLine};
use crate::designs::brief::Brief;
use crate::designs::playbook::Playbook;
use crate::designs::routing::Blueprint;
use crate::kernel::calendar::WorkCalendar;
use crate::kernel::clock::DateTime;

/// Systems are set up so many working days before the launch.
const CHECKLIST_DAYS: u16 = 2;
/// What a design depends on is there so many working days before the launch.
const DEPENDENCY_DAYS: u16 = 5;
/// Who brings what a design depends on, where nobody is named.
const DEPENDENCY_OWNER: &str = "revops_manager";

/// Days counted back from a launch.
pub struct Workback {
    calendar: Arc<WorkCalendar>,
    launch: NaiveDate,
    today: NaiveDate,
}

impl Workback {
    pub fn new(calendar: &Arc<WorkCalendar>, launch: NaiveDate, now: DateTime) -> Self {
        Self { calendar: calendar.clone(), launch, today: calendar.local_date(now) }
    }

    /// So many working days before the launch.
    pub fn before_launch(&self, days: u16) -> NaiveDate {
        self.before(self.launch, days)
    }

    /// So many working days before a day; the day itself where no working day comes.
    fn before(&self, date: NaiveDate, days: u16) -> NaiveDate {
        self.calendar.add_days(date, -i32::from(days)).unwrap_or(date)
    }
}

pub fn checklist(brief: &Brief, playbook: &Playbook, back: &Workback) -> Vec<ChecklistLine> {
    let line = |check: &crate::designs::playbook::Check| ChecklistLine {
        id: check.id.clone(),
        kind: check.kind,
        title: check.title.clone(),
        owner: check.owner.clone(),
        due_on: back.before_launch(CHECKLIST_DAYS),
    };
    playbook.checklist_of(brief).map(line).collect()
}

/// Each item once, or once for each pod; the earliest first.
pub fn enablement(
    brief: &Brief,
    playbook: &Playbook,
    blueprint: &Blueprint,
    back: &Workback,
) -> Vec<EnablementLine> {
    let mut lines = Vec::new();
    for item in playbook.enablement_of(brief) {
        let due_on = back.before_launch(item.ready_days);
        // The day on which it is due is the last of the work.
        let begin_on = back.before(due_on, item.work_days - 1);
        let pods: Vec<Option<String>> = if item.per_pod {
            blueprint.pods.iter().map(|pod| Some(pod.name.clone())).collect()
        } else {
            vec![None]
        };
        lines.extend(pods.into_iter().map(|pod| EnablementLine {
            id: pod.as_ref().map_or_else(|| item.id.clone(), |pod| format!("{}-{}", item.id, plain(pod))),
            kind: item.kind,
            title: item.title.clone(),
            pod,
            owner: item.owner.clone(),
            begin_on,
            due_on,
            work_days: item.work_days,
            is_late: begin_on < back.today,
        }));
    }
    lines.sort_by(|a, b| (a.due_on, &a.id).cmp(&(b.due_on, &b.id)));
    lines
}

pub fn dependencies(brief: &Brief, back: &Workback) -> Vec<DependencyLine> {
    let needed = back.before_launch(DEPENDENCY_DAYS);
    let line = |dependency: &crate::designs::brief::Dependency| {
        let due_on = dependency.ready_by.unwrap_or(needed);
        DependencyLine {
            name: dependency.name.clone(),
            owner: dependency.owner.clone().unwrap_or_else(|| DEPENDENCY_OWNER.to_owned()),
            ready: dependency.ready,
            due_on,
            is_late: !dependency.ready && (due_on > back.before_launch(1) || due_on < back.today),
        }
    };
    brief.dependencies.iter().map(line).collect()
}

/// A name as a part of an id.
pub fn plain(name: &str) -> String {
    let kept = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    kept.collect::<String>().trim_matches('-').to_owned()
}
