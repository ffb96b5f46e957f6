//! What a programme does when something happens to its plan, in the same transaction.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::files::accept;
use super::make::piece_of;
use super::orders::work;
use super::{Definitions, Loaded, ProgrammeError, Programmes};
use crate::kernel::clock::DateTime;
use crate::plans::commands::{PlanError, PlanFollower, PlanView, Plans};
use crate::plans::{GateStatus, Happened, Happening, TaskId, What};
use crate::programmes::definition::Phase;
use crate::programmes::draft::naming;
use crate::programmes::figures::Figures;
use crate::programmes::order;
use crate::programmes::selection::Piece;
use crate::programmes::store::{self, Made, NewFile};

/// Follows the plans of programmes.
pub struct ProgrammeFollower {
    pub definitions: Definitions,
    /// Rung when a task may be there for the drafter or the model.
    pub work: Arc<Notify>,
}

impl PlanFollower for ProgrammeFollower {
    fn after<'a>(
        &'a self,
        plans: &'a Plans,
        conn: &'a mut PgConnection,
        happened: &'a [Happened],
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), PlanError>> {
        Box::pin(async move {
            let programmes = Programmes {
                pool: plans.pool.clone(),
                clock: plans.clock.clone(),
                plans: plans.clone(),
                definitions: self.definitions.clone(),
                model: None,
                work: self.work.clone(),
            };
            programmes.follow(conn, happened, now).await?;
            // Before the commit, so it may find nothing yet; it looks again by itself.
            self.work.notify_one();
            Ok(())
        })
    }
}

impl Programmes {
    async fn follow(
        &self,
        conn: &mut PgConnection,
        happened: &[Happened],
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let concerns = |one: &&Happened| {
            matches!(
                one.what,
                What::Task(
                    Happening::Done
                        | Happening::Skipped
                        | Happening::Escalated { .. }
                        | Happening::Failed { .. }
                ) | What::GateOpened
                    | What::Reviewed { .. }
                    | What::Done
            )
        };
        let relevant: Vec<&Happened> = happened.iter().filter(concerns).collect();
        let Some(first) = relevant.first() else { return Ok(()) };
        let loaded = self.load(conn, first.plan_id).await?;
        for one in relevant {
            let name = one.name.as_ref();
            match (&one.what, name) {
                (What::Task(Happening::Done), Some(task)) => self.done(conn, &loaded, task, now).await?,
                (What::Task(Happening::Skipped), Some(task)) => {
                    self.step_over(conn, &loaded, task, now).await?;
                }
                (
                    What::Task(Happening::Escalated { reason, .. } | Happening::Failed { reason }),
                    Some(task),
                ) => {
                    self.blocked(conn, &loaded, task, reason, now).await?;
                }
                (What::GateOpened, Some(gate)) => self.judge(conn, &loaded, gate, now).await?,
                (What::Reviewed { status: GateStatus::Passed, .. }, Some(gate)) => {
                    self.passed(conn, &loaded, gate, now).await?;
                }
                (What::Done, _) => self.ended(conn, &loaded, now).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A task is done: its files are checked and kept, its commit is noted, its agent's status written.
    async fn done(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        task: &TaskId,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        let both = view.plan.tasks.iter().zip(&view.tasks).find(|(_, row)| row.name == task.0);
        let Some((planned, row)) = both else { return Ok(()) };
        if order::of(planned).is_some() {
            return self.applied(conn, loaded, (planned, row), &view, now).await;
        }
        let Some(piece) = piece_of(&loaded.definition, &task.0) else { return Ok(()) };
        let by = row.ended_by.clone().unwrap_or_else(|| piece.agent.id.clone());
        let (accepted, conflicts) =
            accept(row.result.as_ref(), &piece, loaded.task()).map_err(ProgrammeError::Invalid)?;
        let mut versions = self.keep(conn, loaded, &piece, accepted, (&by, now)).await?;
        let outputs: Vec<String> = versions.iter().map(|(path, _)| path.clone()).collect();
        let status =
            Status { piece: &piece, status: "complete", outputs: &outputs, blockers: None, view: &view };
        versions.extend(self.write_status(conn, loaded, &status, (&by, now)).await?);
        let agent = acting(&view, task).unwrap_or(&piece.agent.id);
        self.commit_parts(conn, loaded, &piece, (agent, versions), now).await?;
        self.step_done(conn, loaded, &piece, &view, now).await?;
        self.handed_over(conn, loaded, &piece, (&conflicts, &by), now).await
    }

    /// Notes the commits of a task: one, or one on the branch of each channel.
    async fn commit_parts(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        piece: &Piece<'_>,
        (agent, versions): (&str, Vec<(String, i32)>),
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let (business, figures) =
            (&loaded.business, Figures::of(&loaded.business, &loaded.definition.restart));
        let of = |path: &str| naming::channel_of(business, piece.step, piece.output, path);
        let folder = format!("{}/", loaded.definition.folders.status);
        let (status, files): (Vec<_>, Vec<_>) =
            versions.into_iter().partition(|(path, _)| path.starts_with(&folder));
        let mut parts = Vec::new();
        for channel in naming::parts(business, piece.step) {
            let own =
                files.iter().filter(|(path, _)| of(path).map(|of| &of.slug) == channel.map(|of| &of.slug));
            let own: Vec<&(String, i32)> = own.collect();
            if !own.is_empty() {
                parts.push((channel, own));
            }
        }
        // What the agent says of itself lies on one branch, so that the newest is the one that is merged.
        match parts.last_mut() {
            Some((None, own)) => own.extend(&status),
            _ => parts.push((None, status.iter().collect())),
        }
        for (channel, files) in parts {
            let only_status = files.iter().all(|(path, _)| path.starts_with(&folder));
            let message = if only_status {
                format!("status: complete on {}", piece.path())
            } else {
                naming::commit_message(business, &figures, piece.output, channel)
            };
            let entry = json!({
                "kind": "commit",
                "topic": naming::branch(business, &figures, piece.step, piece.agent, channel),
                "phase": piece.phase.branch,
                "agent": agent,
                "message": message,
                "files": files,
            });
            let part = channel.map(|of| format!(":{}", of.slug)).unwrap_or_default();
            let once = format!("task:{}{part}", piece.task_id());
            store::add_entry(conn, loaded.row.id, &once, &entry, now).await?;
        }
        Ok(())
    }

    /// A task was skipped: its step may be over.
    async fn step_over(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        task: &TaskId,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let Some(piece) = piece_of(&loaded.definition, &task.0) else { return Ok(()) };
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        self.step_done(conn, loaded, &piece, &view, now).await
    }

    /// When all tasks of a step are over, its branches go into the phase.
    async fn step_done(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        piece: &Piece<'_>,
        view: &PlanView,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let of_step = view.tasks.iter().filter(|row| {
            piece_of(&loaded.definition, &row.name)
                .is_some_and(|other| other.step.id == piece.step.id && other.agent.id == piece.agent.id)
        });
        let mut states = of_step.map(|row| row.state.status);
        if !states.all(crate::plans::TaskStatus::lets_go_on) {
            return Ok(());
        }
        let figures = Figures::of(&loaded.business, &loaded.definition.restart);
        let title = crate::programmes::draft::words::small(&piece.step.title);
        for channel in naming::parts(&loaded.business, piece.step) {
            let on = channel.map(|of| format!(" on {}", of.name)).unwrap_or_default();
            let entry = json!({
                "kind": "step",
                "topic": naming::branch(&loaded.business, &figures, piece.step, piece.agent, channel),
                "phase": piece.phase.branch,
                "agent": piece.agent.id,
                "message": format!("merge: {title}{on} into phase {}", piece.phase.number),
            });
            let part = channel.map(|of| format!(":{}", of.slug)).unwrap_or_default();
            let once = format!("step:{}:{}{part}", piece.step.id, piece.agent.id);
            store::add_entry(conn, loaded.row.id, &once, &entry, now).await?;
        }
        Ok(())
    }

    /// A task cannot be done for now: its agent's status says why.
    async fn blocked(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        task: &TaskId,
        reason: &str,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        let planned = view.plan.tasks.iter().find(|of| of.id == *task);
        let Some((piece, _)) = planned.and_then(|of| work(&loaded.definition, of)) else { return Ok(()) };
        let status =
            Status { piece: &piece, status: "blocked", outputs: &[], blockers: Some(reason), view: &view };
        let versions = self.write_status(conn, loaded, &status, (&piece.agent.id, now)).await?;
        let version = versions.first().map_or(1, |(_, version)| *version);
        let entry = json!({
            "kind": "commit", "phase": piece.phase.branch, "agent": piece.agent.id,
            "message": format!("status: blocked on {}", piece.path()), "files": versions,
        });
        store::add_entry(conn, loaded.row.id, &format!("blocked:{task}:{version}"), &entry, now).await?;
        Ok(())
    }

    pub(super) async fn write_status(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        status: &Status<'_>,
        (by, now): (&str, DateTime),
    ) -> Result<Vec<(String, i32)>, ProgrammeError> {
        let agent = &status.piece.agent.id;
        let path = format!("{}/{agent}.md", loaded.definition.folders.status);
        let file = NewFile { path, content: status.text(&loaded.definition.root), kind: None };
        let made = Made { agent, task: None, at: now, by };
        Ok(store::insert_files(conn, loaded.row.id, &[file], made).await?)
    }

    /// A gate has passed: the phase goes into `main` once all its gates have.
    async fn passed(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        gate: &TaskId,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let name = gate.0.trim_start_matches("gate:");
        let phase = loaded.definition.phases.iter().find(|phase| phase.gates.iter().any(|of| of.id == name));
        let Some(phase) = phase else { return Ok(()) };
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        let open = |gate: &crate::programmes::definition::Gate| {
            let id = crate::programmes::course::gate_id(&gate.id);
            view.gates.iter().any(|row| row.name == id && row.state.status != GateStatus::Passed)
        };
        if phase.gates.iter().any(open) {
            return Ok(());
        }
        self.merge(conn, loaded, phase, now).await
    }

    async fn merge(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        phase: &Phase,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let entry = json!({
            "kind": "phase", "phase": phase.branch, "agent": crate::programmes::course::COORDINATOR,
            "message": format!("merge: phase {}, {}", phase.number, crate::programmes::draft::words::small(&phase.title)),
        });
        store::add_entry(conn, loaded.row.id, &format!("phase:{}", phase.id), &entry, now).await?;
        Ok(())
    }

    /// The run is over: phases without gates go into `main` as well.
    async fn ended(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        for phase in &loaded.definition.phases {
            if view.plan.tasks.iter().any(|task| task.stage == phase.id) {
                self.merge(conn, loaded, phase, now).await?;
            }
        }
        Ok(())
    }
}

/// Who stood in for the agent of a task, or the agent.
fn acting<'v>(view: &'v PlanView, task: &TaskId) -> Option<&'v str> {
    let task = view.plan.tasks.iter().find(|of| of.id == *task)?;
    task.data.get("actingAgent")?.as_str()
}

/// What an agent says after a task.
pub(super) struct Status<'s> {
    pub piece: &'s Piece<'s>,
    pub status: &'s str,
    pub outputs: &'s [String],
    pub blockers: Option<&'s str>,
    pub view: &'s PlanView,
}

impl Status<'_> {
    /// As the source of the programme has it: a few lines of YAML, every text in quotes that JSON has too.
    fn text(&self, root: &str) -> String {
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let outputs: String = self.outputs.iter().map(|path| format!("\n  - {root}/{path}")).collect();
        let outputs = if outputs.is_empty() { " []".to_owned() } else { outputs };
        let own = self.piece.task_id();
        let next = self.view.plan.tasks.iter().zip(&self.view.tasks).find(|(task, row)| {
            task.owner.0 == self.piece.agent.id && task.id.0 != own && !row.state.status.is_final()
        });
        let next = next.map_or_else(|| "none".to_owned(), |(task, _)| quoted(&task.title));
        format!(
            "agent: {}\nphase: {}\ntask: {}\nstatus: {}\noutputs:{outputs}\nblockers: {}\nnext: {next}\n",
            self.piece.agent.id,
            self.piece.phase.number,
            quoted(&self.piece.output.about),
            self.status,
            self.blockers.map_or_else(|| "none".to_owned(), quoted),
        )
    }
}
