//! Conflicts between outputs: raised by agents or found by the gates' rules, documented, decided with a rationale, settled.
//!
//! Promises: a check raises a conflict of two outputs once, until a later version settles it; what is settled needs nobody any
//! more, and the tasks of its decision are skipped. What a decision gives agents to do is in [`super::orders`].

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::files::one_line;
use super::gates::{COMPUTED_BY, gates};
use super::{Loaded, ProgrammeError, Programmes};
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::http::Fault;
use crate::programmes::contradiction::contradictions;
use crate::programmes::course::{COORDINATOR, gate_id};
use crate::programmes::definition::Check;
use crate::programmes::selection::overlaps;
use crate::programmes::store::{self, ConflictRow, Made, NewFile};

/// The longest description, decision and rationale, in characters.
const WORDS_MAX: usize = 2_000;

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
    /// The files that are to be changed; all of the conflict where none is named.
    pub change: Vec<String>,
    pub by: String,
}

impl Programmes {
    /// Notes a conflict and writes it down in the workspace.
    pub async fn raise(
        &self,
        id: Uuid,
        raised: &Raised,
        dry_run: bool,
    ) -> Result<ConflictRow, ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        self.plans.lock(&mut tx, id).await?;
        let loaded = self.load(&mut tx, id).await?;
        self.check_raised(&mut tx, &loaded, raised, "#").await?;
        let conflict = self.raise_on(&mut tx, &loaded, raised, None, self.clock.now()).await?;
        self.close(tx, dry_run).await?;
        Ok(conflict)
    }

    /// Faults of what is to be raised; `place` is where it stands in the request.
    pub(super) async fn check_raised(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        raised: &Raised,
        place: &str,
    ) -> Result<(), ProgrammeError> {
        let mut faults = Vec::new();
        let agents = loaded.definition.agent_ids();
        if !agents.contains(&raised.agent.as_str()) {
            let detail = crate::programmes::fault::unknown("agent", &raised.agent, &agents);
            faults.push(Fault::new(format!("{place}/agent"), detail));
        }
        if raised.files.is_empty() {
            let detail = "name the files that contradict each other";
            faults.push(Fault::new(format!("{place}/files"), detail));
        }
        faults.extend(said(
            &format!("{place}/description"),
            &raised.description,
            "say what contradicts what",
        ));
        for (at, path) in raised.files.iter().enumerate() {
            let twice = raised.files[..at].contains(path);
            if twice || store::file(conn, loaded.row.id, path, None).await?.is_none() {
                let detail =
                    if twice { "is named twice".to_owned() } else { format!("there is no file `{path}`") };
                faults.push(Fault::new(format!("{place}/files/{at}"), detail));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(ProgrammeError::Invalid(faults)) }
    }

    pub(super) async fn raise_on(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        raised: &Raised,
        found_by: Option<String>,
        now: DateTime,
    ) -> Result<ConflictRow, ProgrammeError> {
        let known = store::conflicts(conn, loaded.row.id).await?;
        let conflict = ConflictRow {
            programme_id: loaded.row.id,
            number: known.last().map_or(0, |last| last.number) + 1,
            raised_by: raised.agent.clone(),
            raised_at: now,
            files: raised.files.clone(),
            description: raised.description.trim().to_owned(),
            decision: None,
            rationale: None,
            decided_by: None,
            decided_at: None,
            applied: Vec::new(),
            found_by,
            change: Vec::new(),
            settled_at: None,
        };
        let message = format!("conflict: {}", one_line(&conflict.description));
        self.note(conn, loaded, &conflict, (&raised.agent, &raised.by, message), now).await?;
        Ok(conflict)
    }

    /// Raises what the rules of the run's gates find between outputs, and settles what they find no more.
    pub(super) async fn look(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        (agent, by): (&str, &str),
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        let checks: Vec<&Check> = gates(loaded)
            .filter(|(_, gate)| view.gates.iter().any(|row| row.name == gate_id(&gate.id)))
            .flat_map(|(_, gate)| &gate.checks)
            .collect();
        if checks.is_empty() {
            return Ok(());
        }
        let open = view.tasks.iter().filter(|row| !row.state.status.is_final());
        let awaited: BTreeSet<String> = open.map(|row| row.name.clone()).collect();
        let workspace = self.workspace(conn, loaded.row.id).await?;
        let found = contradictions(&loaded.definition, &loaded.business, checks, &workspace, &awaited);
        let known = store::conflicts(conn, loaded.row.id).await?;
        let unsettled: Vec<ConflictRow> =
            known.into_iter().filter(|of| of.found_by.is_some() && of.settled_at.is_none()).collect();
        for conflict in &unsettled {
            let still = |of: &&crate::programmes::contradiction::Contradiction| {
                conflict.found_by.as_ref() == Some(&of.check) && conflict.files == of.outputs
            };
            if !found.iter().any(|of| still(&of)) {
                let settled = ConflictRow { settled_at: Some(now), ..conflict.clone() };
                let message = format!("conflict: settle {}", conflict.number);
                self.note(conn, loaded, &settled, (agent, by, message), now).await?;
                self.withdraw(conn, &view, conflict.number, now).await?;
            }
        }
        for one in found {
            let known =
                |of: &ConflictRow| of.found_by.as_ref() == Some(&one.check) && of.files == one.outputs;
            if unsettled.iter().any(known) {
                continue;
            }
            let raised = Raised {
                agent: agent.to_owned(),
                files: one.outputs,
                description: one.description,
                by: COMPUTED_BY.to_owned(),
            };
            self.raise_on(conn, loaded, &raised, Some(one.check), now).await?;
        }
        Ok(())
    }

    /// Writes the coordinator's decision with its rationale, and gives the agents whose files it changes their tasks.
    pub async fn decide(
        &self,
        id: Uuid,
        number: i32,
        decided: &Decided,
        dry_run: bool,
    ) -> Result<ConflictRow, ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        self.plans.lock(&mut tx, id).await?;
        let loaded = self.load(&mut tx, id).await?;
        let conflict = self.conflict(&mut tx, id, number).await?;
        check_decided(&conflict, decided)?;
        let refused = |fault| Err(ProgrammeError::Conflict { number, fault });
        if conflict.decision.is_some() {
            return refused("was decided already");
        }
        if conflict.settled_at.is_some() {
            return refused("is settled: what its check found is not so any more");
        }
        let all = decided.change.is_empty();
        let conflict = ConflictRow {
            decision: Some(decided.decision.trim().to_owned()),
            rationale: Some(decided.rationale.trim().to_owned()),
            decided_by: Some(decided.by.clone()),
            decided_at: Some(now),
            change: if all { conflict.files.clone() } else { decided.change.clone() },
            ..conflict
        };
        let message = format!("decision: {}", one_line(&decided.decision));
        self.note(&mut tx, &loaded, &conflict, (COORDINATOR, &decided.by, message), now).await?;
        self.give(&mut tx, &loaded, &conflict, now).await?;
        self.close(tx, dry_run).await?;
        Ok(conflict)
    }

    /// Notes that a file was changed because of a decision.
    pub(super) async fn apply(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        number: i32,
        path: &str,
    ) -> Result<(), ProgrammeError> {
        let mut conflict = self.conflict(conn, id, number).await?;
        let refused = |fault| Err(ProgrammeError::Conflict { number, fault });
        let Some(own) = conflict.files.iter().find(|file| overlaps(file, path)).cloned() else {
            return refused("is not about this file");
        };
        if conflict.decision.is_none() {
            return refused("is not decided yet");
        }
        if !conflict.applied.contains(&own) {
            conflict.applied.push(own);
            store::keep_conflict(conn, &conflict).await?;
        }
        Ok(())
    }

    pub async fn conflicts(&self, id: Uuid) -> Result<Vec<ConflictRow>, ProgrammeError> {
        let mut conn = self.pool.acquire().await?;
        store::find_programme(&mut conn, id).await?.ok_or(ProgrammeError::NoProgramme(id))?;
        Ok(store::conflicts(&mut conn, id).await?)
    }

    pub(super) async fn conflict(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        number: i32,
    ) -> Result<ConflictRow, ProgrammeError> {
        let found = store::conflicts(conn, id).await?.into_iter().find(|of| of.number == number);
        found.ok_or(ProgrammeError::NoConflict { programme: id, number })
    }

    /// Keeps a conflict as it now is, and writes it and its decision into the workspace.
    async fn note(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        conflict: &ConflictRow,
        (agent, by, message): (&str, &str, String),
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        store::keep_conflict(conn, conflict).await?;
        let (folders, root) = (&loaded.definition.folders, &loaded.definition.root);
        let file = |path: String, content: String| NewFile { path, content, kind: None };
        let name = format!("{}/{:03}.md", folders.conflicts, conflict.number);
        let decision = decision_path(loaded, conflict.number);
        let mut files = vec![file(name.clone(), raised_text(conflict, root, &decision))];
        if let Some(text) = decided_text(conflict, root).filter(|_| conflict.settled_at.is_none()) {
            files.push(file(decision, text));
        }
        let made = Made { agent, task: None, at: now, by };
        let versions = store::insert_files(conn, loaded.row.id, &files, made).await?;
        let version = versions.iter().find(|(path, _)| *path == name).map_or(1, |(_, version)| *version);
        let phase = self.under_way(conn, loaded).await?;
        let entry = json!({ "kind": "commit", "phase": phase, "agent": agent, "message": message, "files": versions });
        store::add_entry(conn, loaded.row.id, &format!("document:{name}:{version}"), &entry, now).await?;
        Ok(())
    }

    /// The branch of the first phase that is not merged; nothing when all are, then it is `main`.
    pub(super) async fn under_way(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
    ) -> Result<String, ProgrammeError> {
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

/// Where the decision on a conflict is written down.
pub(super) fn decision_path(loaded: &Loaded, number: i32) -> String {
    format!("{}/{number:03}.md", loaded.definition.folders.decisions)
}

fn said(pointer: &str, text: &str, what: &str) -> Option<Fault> {
    if text.trim().is_empty() {
        return Some(Fault::new(pointer, format!("is empty: {what}")));
    }
    let long = text.chars().count() > WORDS_MAX;
    long.then(|| Fault::new(pointer, format!("is longer than {WORDS_MAX} characters")))
}

fn check_decided(conflict: &ConflictRow, decided: &Decided) -> Result<(), ProgrammeError> {
    let mut faults = Vec::new();
    for (pointer, text) in [("#/decision", &decided.decision), ("#/rationale", &decided.rationale)] {
        faults.extend(said(pointer, text, "a decision has a reason"));
    }
    for (place, file) in decided.change.iter().enumerate() {
        if !conflict.files.contains(file) || decided.change[..place].contains(file) {
            let known = conflict.files.join(", ");
            let detail = format!("`{file}` is none of the conflict's files, or named twice; it has {known}");
            faults.push(Fault::new(format!("#/change/{place}"), detail));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ProgrammeError::Invalid(faults)) }
}

fn listed(files: &[String], root: &str) -> String {
    files.iter().map(|file| format!("- `{root}/{file}`\n")).collect()
}

/// A conflict as it lies in the workspace.
fn raised_text(conflict: &ConflictRow, root: &str, decision: &str) -> String {
    let found = conflict.found_by.as_ref().map(|check| format!(", found by the check `{check}`"));
    let mut end = match &conflict.decision {
        Some(_) => format!("Written down in `{root}/{decision}`."),
        None if conflict.settled_at.is_some() => "None was needed.".to_owned(),
        None => "Not yet.".to_owned(),
    };
    if let Some(at) = conflict.settled_at {
        end.push_str(&format!("\n\n## Settled\n\nOn {}: the check finds nothing any more.", at.date_naive()));
    }
    format!(
        "# Conflict {}\n\nRaised by {} on {}{}.\n\n## Files\n\n{}\n## What contradicts what\n\n{}\n\n## Decision\n\n{end}\n",
        conflict.number,
        conflict.raised_by,
        conflict.raised_at.date_naive(),
        found.unwrap_or_default(),
        listed(&conflict.files, root),
        conflict.description,
    )
}

/// The decision on a conflict as it lies in the workspace; nothing where there is none.
fn decided_text(conflict: &ConflictRow, root: &str) -> Option<String> {
    Some(format!(
        "# Decision on conflict {}\n\nBy {} on {}.\n\n## What contradicted what\n\n{}\n\n## Decision\n\n{}\n\n\
         ## Rationale\n\n{}\n\n## To be changed\n\n{}",
        conflict.number,
        conflict.decided_by.as_ref()?,
        conflict.decided_at?.date_naive(),
        conflict.description,
        conflict.decision.as_ref()?,
        conflict.rationale.as_ref()?,
        listed(&conflict.change, root),
    ))
}
