//! What a decision gives agents to do: tasks of the plan, each for a new version of one file.
//!
//! Promises: such a task is done only by a version that differs from the one that lies there, and then the file counts as changed
//! by the decision; a version that is put by hand and names the conflict does the task as well. A run that is over gets no tasks
//! any more: then a version that is put by hand is all there is.

use serde_json::json;
use sqlx::PgConnection;

use super::conflicts::decision_path;
use super::files::{Accepted, accept, one_line};
use super::follow::Status;
use super::gates::COMPUTED_BY;
use super::{Loaded, ProgrammeError, Programmes};
use crate::kernel::clock::DateTime;
use crate::plans::commands::{Deed, PlanView};
use crate::plans::model::Task;
use crate::plans::{Action, GateStatus, TaskRow};
use crate::platform::http::Fault;
use crate::programmes::definition::Definition;
use crate::programmes::draft::naming;
use crate::programmes::figures::Figures;
use crate::programmes::order::{self, Decision};
use crate::programmes::selection::{Piece, maker, overlaps, pieces};
use crate::programmes::store::{self, ConflictRow};

impl Programmes {
    /// Gives agents the tasks of a decision, before the gate that is next.
    pub(super) async fn give(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        conflict: &ConflictRow,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        let (Some(decision), Some(rationale)) = (&conflict.decision, &conflict.rationale) else {
            return Ok(());
        };
        if view.row.ended_at.is_some() {
            return Ok(());
        }
        let document = decision_path(loaded, conflict.number);
        let decided = Decision {
            conflict: conflict.number,
            files: &conflict.files,
            description: &conflict.description,
            decision,
            rationale,
            document: &document,
            at: now,
        };
        let next = view.gates.iter().find(|gate| gate.state.status != GateStatus::Passed);
        let next = next.map(|gate| gate.name.as_str());
        let mut plan = view.plan.clone();
        let workers = serde_json::from_value(loaded.row.workers.clone())?;
        order::add(&mut plan, &loaded.definition, &workers, &decided, &conflict.change, next);
        let by = conflict.decided_by.as_deref().unwrap_or(COMPUTED_BY);
        let why = format!("decision on conflict {}: {}", conflict.number, one_line(decision));
        self.plans.revise(conn, now, loaded.row.id, view.row.version, plan, by, &why).await?;
        Ok(())
    }

    /// Skips the tasks of a decision that nobody needs any more.
    pub(super) async fn withdraw(
        &self,
        conn: &mut PgConnection,
        view: &PlanView,
        conflict: i32,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        for (_, row) in open(view).filter(|(task, _)| order::of(task).is_some_and(|(of, _)| of == conflict)) {
            let note = format!("conflict {conflict} is settled: its check finds nothing any more");
            let deed = Deed {
                action: Action::Skip,
                result: Some(json!({ "note": note })),
                by: COMPUTED_BY.to_owned(),
            };
            self.plans.task_event(conn, now, row.id, &deed).await?;
        }
        Ok(())
    }

    /// A task of a decision is done: the new version is checked and kept, and the decision is applied to its file.
    pub(super) async fn applied(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        (task, row): (&Task, &TaskRow),
        view: &PlanView,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let Some((number, path)) = order::of(task) else { return Ok(()) };
        let Some(piece) = maker(&pieces(&loaded.definition), path) else { return Ok(()) };
        let (accepted, conflicts) =
            accept(row.result.as_ref(), &piece, loaded.task()).map_err(ProgrammeError::Invalid)?;
        let changed = self.changed(conn, loaded, path, accepted).await?;
        let by = row.ended_by.clone().unwrap_or_else(|| piece.agent.id.clone());
        let branch = self.branch(conn, loaded, &piece, path).await?;
        let mut versions = self.keep(conn, loaded, &piece, changed, (&by, now)).await?;
        self.apply(conn, loaded.row.id, number, path).await?;
        let outputs: Vec<String> = versions.iter().map(|(path, _)| path.clone()).collect();
        let status = Status { piece: &piece, status: "complete", outputs: &outputs, blockers: None, view };
        versions.extend(self.write_status(conn, loaded, &status, (&by, now)).await?);
        let said = row.result.as_ref().and_then(|result| result.get("note")?.as_str());
        let said = said.map(one_line).filter(|said| !said.is_empty());
        let said = said.unwrap_or_else(|| format!("apply decision {number}"));
        let entry = json!({
            "kind": "commit", "topic": branch.0, "phase": branch.1, "agent": piece.agent.id,
            "message": format!("revise: {said} in {path}"), "files": versions,
        });
        store::add_entry(conn, loaded.row.id, &format!("task:{}", task.id), &entry, now).await?;
        self.handed_over(conn, loaded, &piece, (&conflicts, &by), now).await
    }

    /// The files that differ from what lies there; a fault where none does, or where one is not what the task is about.
    async fn changed(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        path: &str,
        accepted: Vec<Accepted>,
    ) -> Result<Vec<Accepted>, ProgrammeError> {
        let fault = |detail: String| Err(ProgrammeError::Invalid(vec![Fault::new("#/data/files", detail)]));
        let mut changed = Vec::new();
        for file in accepted {
            if !overlaps(path, &file.path) {
                return fault(format!("`{}` is not what this task changes, which is `{path}`", file.path));
            }
            let there = store::file(conn, loaded.row.id, &file.path, None).await?;
            if there.is_none_or(|there| there.content != file.text) {
                changed.push(file);
            }
        }
        if changed.is_empty() {
            return fault(unchanged(path));
        }
        Ok(changed)
    }

    /// The branch of a new version of a file: that of its step while it goes on, that of its phase while it is not merged, then the
    /// one that is under way.
    pub(super) async fn branch(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        piece: &Piece<'_>,
        path: &str,
    ) -> Result<(Option<String>, String), ProgrammeError> {
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        let entries = store::entries(conn, loaded.row.id).await?;
        let has = |once: String| entries.iter().any(|entry| entry.once == once);
        let made = view.plan.tasks.iter().any(|task| task.id.0 == piece.task_id());
        if !made || has(format!("phase:{}", piece.phase.id)) {
            return Ok((None, self.under_way(conn, loaded).await?));
        }
        let (business, definition) = (&loaded.business, &loaded.definition);
        let channel = naming::channel_of(business, piece.step, piece.output, path);
        let part = channel.map(|of| format!(":{}", of.slug)).unwrap_or_default();
        let topic = (!has(format!("step:{}:{}{part}", piece.step.id, piece.agent.id))).then(|| {
            let figures = Figures::of(business, &definition.restart);
            naming::branch(business, &figures, piece.step, piece.agent, channel)
        });
        Ok((topic, piece.phase.branch.clone()))
    }
}

/// What is said of a version that changes nothing.
pub(super) fn unchanged(path: &str) -> String {
    format!(
        "`{path}` is the same as the version that lies there: hand in one that applies the decision, or skip the task where \
         the file need not change"
    )
}

/// The open tasks of a plan.
fn open(view: &PlanView) -> impl Iterator<Item = (&Task, &TaskRow)> {
    view.plan.tasks.iter().zip(&view.tasks).filter(|(_, row)| !row.state.status.is_final())
}

/// The open task of a decision for a file.
pub(super) fn open_order<'v>(view: &'v PlanView, conflict: i32, path: &str) -> Option<&'v TaskRow> {
    let about = |task: &Task| order::of(task).is_some_and(|(of, own)| of == conflict && overlaps(own, path));
    open(view).find(|(task, _)| about(task)).map(|(_, row)| row)
}

/// What a task of a run is about, and which file alone where it applies a decision.
pub(super) fn work<'d>(definition: &'d Definition, task: &Task) -> Option<(Piece<'d>, Option<String>)> {
    let pieces = pieces(definition);
    match order::of(task) {
        Some((_, path)) => Some((maker(&pieces, path)?, Some(path.to_owned()))),
        None => Some((pieces.into_iter().find(|piece| piece.task_id() == task.id.0)?, None)),
    }
}
