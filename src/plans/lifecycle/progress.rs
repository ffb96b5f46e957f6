//! What follows in a running plan from what was done: gates that open, tasks that become ready, the end.
//!
//! Promises: a task is ready exactly when everything before it is done or skipped, the gates in front of it have passed, and
//! the plan's start and its own date have come; asked for again it finds nothing new.

use super::{GateState, GateStatus, Happening, TaskState, TaskStatus, make_ready};
use crate::kernel::clock::DateTime;
use crate::plans::graph::Graph;
use crate::plans::model::Plan;

/// What follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// By the place of the task.
    pub happened: Vec<(usize, Happening)>,
    /// Gates that can be looked at from now on, by their places.
    pub opened: Vec<usize>,
    /// When the date of a task comes for which nothing else is missing.
    pub ready_at: Option<DateTime>,
    /// All is done and every gate has passed.
    pub done: bool,
}

/// Brings tasks and gates, which stand in the order of the plan, to where they are now.
pub fn progress(
    plan: &Plan,
    graph: &Graph<'_>,
    tasks: &mut [TaskState],
    gates: &mut [GateState],
    now: DateTime,
) -> Progress {
    let mut found = Progress::default();
    for place in 0..gates.len() {
        let node = graph.tasks() + place;
        let free = goes_on(graph, node, tasks, gates);
        if gates[place].status == GateStatus::Waiting && free {
            gates[place].status = GateStatus::Open;
            found.opened.push(place);
        } else if gates[place].status != GateStatus::Passed && !free {
            // A new version has put something in front of it that is not done.
            gates[place].status = GateStatus::Waiting;
        }
    }
    for (place, task) in plan.tasks.iter().enumerate() {
        if !matches!(tasks[place].status, TaskStatus::Waiting | TaskStatus::Ready) {
            continue;
        }
        if !goes_on(graph, place, tasks, gates) {
            tasks[place].status = TaskStatus::Waiting;
            continue;
        }
        let from = task.not_before.map_or(plan.start_at, |from| from.max(plan.start_at));
        if from <= now {
            found.happened.extend(make_ready(&mut tasks[place]).into_iter().map(|one| (place, one)));
        } else {
            tasks[place].status = TaskStatus::Waiting;
            found.ready_at = Some(found.ready_at.map_or(from, |at| at.min(from)));
        }
    }
    found.done = tasks.iter().all(|task| task.status.lets_go_on())
        && gates.iter().all(|gate| gate.status == GateStatus::Passed);
    found
}

/// Whether everything before a node lets go on.
fn goes_on(graph: &Graph<'_>, node: usize, tasks: &[TaskState], gates: &[GateState]) -> bool {
    graph.before(node).iter().all(|before| match before.checked_sub(graph.tasks()) {
        None => tasks[*before].status.lets_go_on(),
        Some(gate) => gates[gate].status == GateStatus::Passed,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::plans::samples::{at, diamond};

    fn ready(found: &Progress) -> Vec<usize> {
        found.happened.iter().map(|(place, _)| *place).collect()
    }

    #[test]
    fn a_diamond_is_walked_through_its_gate_to_the_end() {
        let plan = diamond();
        let graph = Graph::of(&plan);
        let mut tasks = vec![TaskState::default(); 4];
        let mut gates = vec![GateState::default()];
        let walk = |tasks: &mut Vec<TaskState>, gates: &mut Vec<GateState>, now| {
            progress(&plan, &graph, tasks, gates, now)
        };
        let before = walk(&mut tasks, &mut gates, plan.start_at - TimeDelta::hours(1));
        assert_eq!((ready(&before), before.ready_at), (vec![], Some(plan.start_at)));
        let now = at("2027-01-20T08:00:00Z");
        assert_eq!(ready(&walk(&mut tasks, &mut gates, now)), [0]);
        assert_eq!(walk(&mut tasks, &mut gates, now), Progress::default(), "nothing new");
        tasks[0].status = TaskStatus::Done;
        assert_eq!(ready(&walk(&mut tasks, &mut gates, now)), [1, 2]);
        (tasks[1].status, tasks[2].status) = (TaskStatus::Done, TaskStatus::Skipped);
        let opened = walk(&mut tasks, &mut gates, now);
        assert_eq!((ready(&opened), opened.opened), (vec![], vec![0]));
        gates[0].status = GateStatus::Passed;
        assert_eq!(ready(&walk(&mut tasks, &mut gates, now)), [3]);
        tasks[3].status = TaskStatus::Failed;
        assert!(!walk(&mut tasks, &mut gates, now).done, "what was given up is not done");
        tasks[3].status = TaskStatus::Done;
        assert!(walk(&mut tasks, &mut gates, now).done);
    }

    #[test]
    fn what_a_new_version_puts_in_front_is_waited_for() {
        let plan = diamond();
        let graph = Graph::of(&plan);
        let mut tasks = vec![TaskState::default(); 4];
        (tasks[1].status, tasks[2].status) = (TaskStatus::Ready, TaskStatus::Claimed);
        let mut gates = vec![GateState { status: GateStatus::Failed, ..GateState::default() }];
        let found = progress(&plan, &graph, &mut tasks, &mut gates, at("2027-01-20T08:00:00Z"));
        assert_eq!(ready(&found), [0]);
        assert_eq!((tasks[1].status, tasks[2].status), (TaskStatus::Waiting, TaskStatus::Claimed));
        assert_eq!(gates[0].status, GateStatus::Waiting);
    }
}
