//! Conflicts between outputs: raised, documented, decided with a rationale, applied.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::files::one_line;
use super::{Loaded, ProgrammeError, Programmes};
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::http::Fault;
use crate::programmes::course::COORDINATOR;
use crate::programmes::store::{self, ConflictRow, Made, NewFile};

/// A conflict that somebody has seen.
#[derive(Debug, Clone)]
pub struct Raised {
    /// The agent who has seen it.
    pub agent: String,
    pub files: Vec<String>,
    pub description: String,
    pub by: String,
}

/// What the coordinator decided.
#[derive(Debug, Clone)]
pub struct Decided {
    pub decision: String,
    pub rationale: String,
    pub by: String,
}

impl Programmes {
    /// Notes a conflict and writes it down in the workspace.
    pub async fn raise(&self, id: Uuid, raised: &Raised) -> Result<ConflictRow, ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        self.plans.lock(&mut tx, id).await?;
        let loaded = self.load(&mut tx, id).await?;
        self.check_raised(&mut tx, &loaded, raised).await?;
        let number =
            store::insert_conflict(&mut tx, id, &raised.agent, &raised.files, &raised.description, now)
                .await?;
        let root = &loaded.definition.root;
        let files: String = raised.files.iter().map(|file| format!("- `{root}/{file}`\n")).collect();
        let text = format!(
            "# Conflict {number}\n\nRaised by {} on {}.\n\n## Files\n\n{files}\n## What contradicts what\n\n{}\n\n## Decision\n\nNot yet.\n",
            raised.agent,
            now.date_naive(),
            raised.description
        );
        let path = format!("{}/{number:03}.md", loaded.definition.folders.conflicts);
        self.document(
            &mut tx,
            &loaded,
            Document {
                path,
                text,
                agent: &raised.agent,
                by: &raised.by,
                message: format!("conflict: {}", one_line(&raised.description)),
            },
            now,
        )
        .await?;
        tx.commit().await?;
        self.conflict(id, number).await
    }

    async fn check_raised(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        raised: &Raised,
    ) -> Result<(), ProgrammeError> {
        let mut faults = Vec::new();
        let agents = loaded.definition.agent_ids();
        if !agents.contains(&raised.agent.as_str()) {
            faults.push(Fault::new(
                "#/agent",
                crate::programmes::fault::unknown("agent", &raised.agent, &agents),
            ));
        }
        if raised.files.is_empty() {
            faults.push(Fault::new("#/files", "name the files that contradict each other"));
        }
        if raised.description.trim().is_empty() {
            faults.push(Fault::new("#/description", "say what contradicts what"));
        }
        for (place, path) in raised.files.iter().enumerate() {
            if store::file(conn, loaded.row.id, path, None).await?.is_none() {
                faults.push(Fault::new(format!("#/files/{place}"), format!("there is no file `{path}`")));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(ProgrammeError::Invalid(faults)) }
    }

    /// Writes the coordinator's decision with its rationale.
    pub async fn decide(
        &self,
        id: Uuid,
        number: i32,
        decided: &Decided,
    ) -> Result<ConflictRow, ProgrammeError> {
        let mut faults = Vec::new();
        for (pointer, text) in [("#/decision", &decided.decision), ("#/rationale", &decided.rationale)] {
            if text.trim().is_empty() {
                faults.push(Fault::new(pointer, "is empty: a decision has a reason"));
            }
        }
        if !faults.is_empty() {
            return Err(ProgrammeError::Invalid(faults));
        }
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        self.plans.lock(&mut tx, id).await?;
        let loaded = self.load(&mut tx, id).await?;
        let known = store::conflicts(&mut tx, id).await?;
        let conflict = known
            .iter()
            .find(|of| of.number == number)
            .ok_or(ProgrammeError::NoConflict { programme: id, number })?;
        let words = (decided.decision.as_str(), decided.rationale.as_str(), decided.by.as_str());
        if !store::decide_conflict(&mut tx, id, number, words, now).await? {
            return Err(ProgrammeError::Conflict { number, fault: "was decided already" });
        }
        let root = &loaded.definition.root;
        let files: String = conflict.files.iter().map(|file| format!("- `{root}/{file}`\n")).collect();
        let text = format!(
            "# Decision on conflict {number}\n\nBy {} on {}.\n\n## What contradicted what\n\n{}\n\n## Decision\n\n{}\n\n\
             ## Rationale\n\n{}\n\n## To be changed\n\n{files}",
            decided.by,
            now.date_naive(),
            conflict.description,
            decided.decision,
            decided.rationale
        );
        let path = format!("{}/{number:03}.md", loaded.definition.folders.decisions);
        let message = format!("decision: {}", one_line(&decided.decision));
        self.document(
            &mut tx,
            &loaded,
            Document { path, text, agent: COORDINATOR, by: &decided.by, message },
            now,
        )
        .await?;
        tx.commit().await?;
        self.conflict(id, number).await
    }

    /// Notes that a file was changed because of a decision.
    pub(super) async fn apply(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        number: i32,
        path: &str,
    ) -> Result<(), ProgrammeError> {
        let known = store::conflicts(conn, id).await?;
        let conflict = known
            .iter()
            .find(|of| of.number == number)
            .ok_or(ProgrammeError::NoConflict { programme: id, number })?;
        if !conflict.files.iter().any(|file| file == path) {
            return Err(ProgrammeError::Conflict { number, fault: "is not about this file" });
        }
        if !store::apply_conflict(conn, id, number, path).await? {
            return Err(ProgrammeError::Conflict { number, fault: "is not decided yet" });
        }
        Ok(())
    }

    pub async fn conflicts(&self, id: Uuid) -> Result<Vec<ConflictRow>, ProgrammeError> {
        let mut conn = self.pool.acquire().await?;
        store::find_programme(&mut conn, id).await?.ok_or(ProgrammeError::NoProgramme(id))?;
        Ok(store::conflicts(&mut conn, id).await?)
    }

    async fn conflict(&self, id: Uuid, number: i32) -> Result<ConflictRow, ProgrammeError> {
        let found = self.conflicts(id).await?.into_iter().find(|of| of.number == number);
        found.ok_or(ProgrammeError::NoConflict { programme: id, number })
    }

    /// Writes a document of the coordination into the workspace, on the branch of the phase that is under way.
    async fn document(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        document: Document<'_>,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let file = NewFile { path: document.path.clone(), content: document.text, kind: None };
        let made = Made { agent: document.agent, task: None, at: now, by: document.by };
        let versions = store::insert_files(conn, loaded.row.id, &[file], made).await?;
        let phase = self.under_way(conn, loaded).await?;
        let entry = json!({
            "kind": "commit", "phase": phase, "agent": document.agent, "message": document.message, "files": versions,
        });
        store::add_entry(conn, loaded.row.id, &format!("document:{}", document.path), &entry, now).await?;
        Ok(())
    }

    /// The branch of the first phase that is not merged; nothing when all are, then it is `main`.
    async fn under_way(&self, conn: &mut PgConnection, loaded: &Loaded) -> Result<String, ProgrammeError> {
        let entries = store::entries(conn, loaded.row.id).await?;
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        let merged = |phase: &str| entries.iter().any(|entry| entry.once == format!("phase:{phase}"));
        let open =
            loaded.definition.phases.iter().find(|phase| {
                view.plan.tasks.iter().any(|task| task.stage == phase.id) && !merged(&phase.id)
            });
        Ok(open.map(|phase| phase.branch.clone()).unwrap_or_default())
    }
}

struct Document<'d> {
    path: String,
    text: String,
    agent: &'d str,
    by: &'d str,
    message: String,
}
