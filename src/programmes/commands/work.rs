//! The workers that belong to the service: the built-in drafter and the language model.
//!
//! Promises: a task is claimed under a lease, worked on outside of any transaction, and completed by the same call as everybody's;
//! what cannot be done fails with a reason and goes the way of all failures. Nothing is worked on twice while its lease lives.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::files::{Handed, HandedFile};
use super::orders::work;
use super::{ProgrammeError, Programmes};
use crate::plans::Action;
use crate::plans::commands::{Claim, ClaimedTask, Deed};
use crate::programmes::deliverable::is_document;
use crate::programmes::draft::{Drafter, File, naming};
use crate::programmes::figures::Figures;
use crate::programmes::model_worker::{ModelWorker, Order};
use crate::programmes::selection::overlaps;
use crate::programmes::store::{self, FileRow};
use crate::programmes::workers::{DRAFTER, MODEL};

/// A draft takes milliseconds; a process that was killed has its tasks taken over after this.
const DRAFT_LEASE: TimeDelta = TimeDelta::seconds(10);
/// Tasks that are drafted at once.
const DRAFT_MAX: i64 = 4;
/// Why the drafter cannot apply a decision: it would write the same again, however often it is asked.
const DRAFTED_BEFORE: &str = "the drafter writes from the configuration alone, and would write the same again: let somebody else \
                              apply the decision (a new version that names the conflict), or skip the task where the file need \
                              not change";
/// So much of an input is shown to a model, in bytes: more, and it reads none of it well.
const INPUT_MAX: usize = 12_000;

impl Programmes {
    /// Drafts what is there to be drafted; gives how many tasks that were.
    pub async fn draft_due(&self) -> Result<usize, ProgrammeError> {
        let claim = Claim {
            agent: DRAFTER.to_owned(),
            works: Some(vec![DRAFTER.to_owned()]),
            plan_id: None,
            max: DRAFT_MAX,
            lease: DRAFT_LEASE,
            by: format!("worker:{DRAFTER}"),
            dry_run: false,
        };
        let claimed = self.plans.claim(&claim).await?;
        for task in &claimed {
            let handed = self.draft(task).await;
            self.hand_in(task, handed, DRAFTER).await?;
        }
        Ok(claimed.len())
    }

    /// The deliverables of a task by the built-in drafter.
    async fn draft(&self, task: &ClaimedTask) -> Result<Handed, String> {
        let loaded = {
            let mut conn = self.pool.acquire().await.map_err(|error| error.to_string())?;
            self.load(&mut conn, task.row.plan_id).await.map_err(|error| error.to_string())?
        };
        let drafter = Drafter::new(&loaded.definition, &loaded.business).asked(loaded.task());
        let Some((piece, only)) = work(&loaded.definition, &task.task) else {
            return Err(format!("the definition has no output for `{}`", task.row.name));
        };
        let drafted = drafter
            .draft(piece.phase.number, piece.step, piece.output, piece.agent)
            .map_err(|error| error.to_string())?;
        let mut files: Vec<_> = drafted.into_iter().filter(|file| is_document(&file.path)).collect();
        if let Some(only) = only {
            files.retain(|file| overlaps(&only, &file.path));
            let there = self.files_of(task.row.plan_id).await?;
            let same = |file: &File| there.iter().any(|of| of.path == file.path && of.content == file.text);
            if files.iter().all(same) {
                return Err(DRAFTED_BEFORE.to_owned());
            }
        }
        let handed = files.into_iter().map(|file| HandedFile {
            path: Some(file.path),
            deliverable: None,
            text: Some(file.text),
        });
        Ok(Handed { files: handed.collect(), conflicts: Vec::new() })
    }

    async fn files_of(&self, id: Uuid) -> Result<Vec<FileRow>, String> {
        let mut conn = self.pool.acquire().await.map_err(|error| error.to_string())?;
        store::files(&mut conn, id).await.map_err(|error| error.to_string())
    }

    /// Has the language model work on one task; gives how many that were.
    pub async fn model_due(&self) -> Result<usize, ProgrammeError> {
        let Some(model) = self.model.clone() else { return Ok(0) };
        let claim = Claim {
            agent: MODEL.to_owned(),
            works: Some(vec![MODEL.to_owned()]),
            plan_id: None,
            max: 1,
            lease: model.lease(),
            by: format!("worker:{MODEL}"),
            dry_run: false,
        };
        let claimed = self.plans.claim(&claim).await?;
        for task in &claimed {
            let handed = self.ask_model(&model, task).await;
            self.hand_in(task, handed, MODEL).await?;
        }
        Ok(claimed.len())
    }

    async fn ask_model(&self, model: &ModelWorker, task: &ClaimedTask) -> Result<Handed, String> {
        let id = task.row.plan_id;
        let mut conn = self.pool.acquire().await.map_err(|error| error.to_string())?;
        let loaded = self.load(&mut conn, id).await.map_err(|error| error.to_string())?;
        drop(conn);
        let there = self.files_of(id).await?;
        let Some((piece, only)) = work(&loaded.definition, &task.task) else {
            return Err(format!("the definition has no output for `{}`", task.row.name));
        };
        let figures = Figures::of(&loaded.business, &loaded.definition.restart);
        let inputs: Vec<(String, String)> = there
            .iter()
            .filter(|file| {
                file.kind.is_some() && task.task.inputs.iter().any(|input| overlaps(input, &file.path))
            })
            .map(|file| (file.path.clone(), shortened(&file.content)))
            .collect();
        let mut files = Vec::new();
        let mut paths = naming::paths(&loaded.business, &figures, piece.output, piece.agent);
        if let Some(only) = only {
            // A file that the configuration does not know is one that somebody else made.
            let known: Vec<String> = paths.into_iter().filter(|path| overlaps(&only, path)).collect();
            paths = if known.is_empty() { vec![only] } else { known };
        }
        for path in paths {
            let order = Order {
                agent: &piece.agent.title,
                does: &piece.agent.does,
                path: &path,
                about: &piece.output.about,
                detail: &task.task.detail,
                config: &loaded.row.config,
                inputs: &inputs,
                figures: &figures.named(&loaded.business),
                kind: &piece.output.kind,
            };
            let deliverable = model.write(&order).await.map_err(|error| format!("{path}: {error}"))?;
            files.push(HandedFile { path: Some(path), deliverable: Some(deliverable), text: None });
            // A folder may take longer than one lease.
            if self.plans.heartbeat(task.row.id, task.lease.token, model.lease(), false).await.is_err() {
                return Err("the lease ended while the model was asked".to_owned());
            }
        }
        Ok(Handed { files, conflicts: Vec::new() })
    }

    /// Completes a task with what was made, or fails it with the reason.
    async fn hand_in(
        &self,
        task: &ClaimedTask,
        handed: Result<Handed, String>,
        worker: &str,
    ) -> Result<(), ProgrammeError> {
        let token = Some(task.lease.token);
        let by = format!("worker:{worker}");
        let failed =
            |reason: String| Deed { action: Action::Fail { token, reason }, result: None, by: by.clone() };
        let deed = match handed {
            Ok(handed) => {
                let outputs: Vec<&String> =
                    handed.files.iter().filter_map(|file| file.path.as_ref()).collect();
                let result: Value = json!({ "outputs": outputs, "data": handed, "note": "" });
                Deed { action: Action::Complete { token }, result: Some(result), by: by.clone() }
            }
            Err(reason) => failed(reason),
        };
        let refused = match self.plans.task(task.row.id, &deed).await {
            Ok(_) => return Ok(()),
            Err(crate::plans::commands::PlanError::Request(faults)) => json!(faults).to_string(),
            // Somebody else has the task by now, or the run was called off: what was made is not needed.
            Err(crate::plans::commands::PlanError::Refused(refused)) => {
                tracing::info!(task = %task.row.id, %refused, "what was made came too late");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        match self.plans.task(task.row.id, &failed(refused)).await {
            Ok(_) | Err(crate::plans::commands::PlanError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= INPUT_MAX {
        return text.to_owned();
    }
    let mut end = INPUT_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\n\n(shortened)", &text[..end])
}
