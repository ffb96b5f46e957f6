//! A decision of the coordinator as work: for each file that it changes a task of the file's agent, in a new version of the plan.
//!
//! Promises: the task says the decision, the rationale and the file, and lies in the queue of whoever fills the agent; the gate
//! that is next waits for it, and so does the end of the run. A later version of the plan keeps it. Leaves out when a task is
//! done; the commands say that.

use serde_json::{Map, Value, json};

use super::course::{carrying, minutes};
use super::definition::Definition;
use super::selection::{Piece, maker, pieces};
use super::workers::Workers;
use crate::kernel::clock::DateTime;
use crate::plans::TaskId;
use crate::plans::model::{Duration, Plan, Role, Task};

/// What the coordinator decided of a conflict.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'d> {
    pub conflict: i32,
    /// The files that contradicted each other, and how.
    pub files: &'d [String],
    pub description: &'d str,
    pub decision: &'d str,
    pub rationale: &'d str,
    /// Where it is written down.
    pub document: &'d str,
    pub at: DateTime,
}

/// The conflict and the path of a task that applies a decision; nothing of any other task.
pub fn of(task: &Task) -> Option<(i32, &str)> {
    let conflict = i32::try_from(task.data.get("conflict")?.as_i64()?).ok()?;
    Some((conflict, task.data.get("path")?.as_str()?))
}

/// Adds the tasks of a decision to a plan, one for each file that somebody makes, all of them before a gate where one is named.
pub fn add(
    plan: &mut Plan,
    definition: &Definition,
    workers: &Workers,
    decision: &Decision<'_>,
    change: &[String],
    gate: Option<&str>,
) {
    let pieces = pieces(definition);
    for (place, path) in change.iter().enumerate() {
        let Some(piece) = maker(&pieces, path) else { continue };
        let task = task(definition, workers, decision, &piece, path, place + 1);
        if let Some(gate) = plan.gates.iter_mut().find(|of| Some(of.id.0.as_str()) == gate) {
            gate.after.push(task.id.clone());
        }
        plan.tasks.push(task);
    }
}

/// Keeps the tasks of decisions in a plan that was made anew, for whoever now fills their agents.
pub fn keep(before: &Plan, plan: &mut Plan, definition: &Definition, workers: &Workers) {
    let pieces = pieces(definition);
    for task in before.tasks.iter().filter(|task| of(task).is_some()) {
        let mut task = task.clone();
        let piece = of(&task).and_then(|(_, path)| maker(&pieces, path));
        if let Some(piece) = piece {
            let (work, carried) = carrying(definition, workers, &piece);
            task.work = work;
            for name in ["actingAgent", "worker"] {
                task.data.insert(name.to_owned(), carried.get(name).cloned().unwrap_or_default());
            }
        }
        for gate in before.gates.iter().filter(|gate| gate.after.contains(&task.id)) {
            if let Some(own) = plan.gates.iter_mut().find(|of| of.id == gate.id) {
                own.after.push(task.id.clone());
            }
        }
        plan.tasks.push(task);
    }
}

fn task(
    definition: &Definition,
    workers: &Workers,
    decision: &Decision<'_>,
    piece: &Piece<'_>,
    path: &str,
    number: usize,
) -> Task {
    let Decision { conflict, files, description, decision: decided, rationale, document, at } = *decision;
    let mut inputs: Vec<String> = [path, document].map(str::to_owned).to_vec();
    inputs.extend(files.iter().filter(|file| *file != path).cloned());
    let (work, mut data) = carrying(definition, workers, piece);
    let more: Map<String, Value> = [
        ("path", json!(path)),
        ("conflict", json!(conflict)),
        ("decision", json!(decided)),
        ("rationale", json!(rationale)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    data.extend(more);
    Task {
        id: TaskId(format!("decision-{conflict}:{number}")),
        title: format!("Apply decision {conflict} to {path} ({})", piece.agent.title.to_lowercase()),
        detail: format!(
            "Bring out a new version of `{path}` that applies the decision.\n\nDecision: {decided}\n\nRationale: {rationale}\n\n\
             What contradicted what: {description}"
        ),
        stage: piece.phase.id.clone(),
        owner: Role(piece.agent.id.clone()),
        work,
        inputs,
        outputs: vec![path.to_owned()],
        depends_on: Vec::new(),
        duration: Duration::Time(minutes(piece)),
        not_before: Some(at),
        due: None,
        checkpoint: false,
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::check::check as faults;
    use crate::programmes::course;
    use crate::programmes::draft::tests::example;
    use crate::programmes::selection::{Scope, select};
    use crate::programmes::workers::Worker;

    #[test]
    fn a_decision_is_a_task_for_each_file_before_its_gate_and_stays_when_others_fill_the_agents() {
        let (definition, business) = example();
        let selection = select(&definition, &Scope::default()).unwrap();
        let at: DateTime = "2026-02-10T09:00:00Z".parse().unwrap();
        let drafted = Workers::default();
        let made = |workers: &Workers| course::plan(&definition, &business, &selection, workers, at);
        let (before, mut plan) = (made(&drafted), made(&drafted));
        let files = ["demand-gen/lead-scoring.md", "strategy/personas/", "status/coordinator.md"];
        let files = files.map(str::to_owned);
        let decision = Decision {
            conflict: 7,
            files: &files,
            description: "They differ",
            decision: "The first holds",
            rationale: "It is measured",
            document: "strategy/decisions/007.md",
            at,
        };
        add(&mut plan, &definition, &drafted, &decision, &files, Some("gate:execution"));
        assert!(faults(&plan).is_empty(), "{:#?}", faults(&plan));
        // Nobody makes a status as an output, so nobody is asked for another.
        let own = |plan: &Plan| -> Vec<(String, String, String)> {
            let orders = plan.tasks.iter().filter(|task| of(task).is_some());
            orders.map(|task| (task.id.0.clone(), task.owner.0.clone(), task.work.clone())).collect()
        };
        let expected = [("decision-7:1", "demand-generation"), ("decision-7:2", "coordinator")];
        let filled = |queue: [&str; 2]| {
            let both = expected.iter().zip(queue);
            both.map(|((id, owner), queue)| ((*id).to_owned(), (*owner).to_owned(), queue.to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(own(&plan), filled(["drafter", "drafter"]));
        let gate =
            |plan: &Plan| plan.gates.iter().find(|gate| gate.id.0 == "gate:execution").unwrap().after.clone();
        assert_eq!(gate(&plan).len(), gate(&before).len() + 2);
        assert_eq!(of(&plan.tasks[plan.tasks.len() - 1]), Some((7, "strategy/personas/")));
        assert_eq!(of(&before.tasks[0]), None);

        let mut outside = Workers::default();
        outside.agents.insert("demand-generation".to_owned(), Worker::Outside);
        let mut next = made(&outside);
        keep(&plan, &mut next, &definition, &outside);
        assert!(faults(&next).is_empty(), "{:#?}", faults(&next));
        assert_eq!(own(&next), filled(["demand-generation", "drafter"]));
        assert_eq!(gate(&next), gate(&plan));
        assert_eq!(next.tasks[next.tasks.len() - 2].data["worker"], "outside");
    }
}
