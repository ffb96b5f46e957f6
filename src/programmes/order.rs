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
            let own = plan.gates.iter_mut().find(|of| of.id == gate.id);
            own.into_iter().for_each(|own| own.after.push(task.id.clone()));
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
