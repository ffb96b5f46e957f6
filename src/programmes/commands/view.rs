//! Reading runs: how far they are, their files, their history as a repository.

use chrono::TimeDelta;
use serde::Deserialize;
use uuid::Uuid;

use super::make::author;
use super::{Loaded, ProgrammeError, Programmes};
use crate::kernel::clock::DateTime;
use crate::plans::commands::PlanView;
use crate::plans::{GateStatus, TaskStatus};
use crate::programmes::definition::CONFIG;
use crate::programmes::deliverable::Kind;
use crate::programmes::store::{self, FileHead, FileRow, ProgrammeFilter, ProgrammeRow};
use crate::programmes::workspace::{Entry, archive, build};

/// A run as it stands.
#[derive(Debug, Clone)]
pub struct ProgrammeView {
    pub row: ProgrammeRow,
    pub plan: PlanView,
    pub phases: Vec<PhaseView>,
    /// The source's estimate of a whole run in minutes, side by side and one after the other.
    pub source_estimate: (u32, u32),
    pub actual: Actual,
    pub files: Vec<FileHead>,
}

/// How far a phase is.
#[derive(Debug, Clone)]
pub struct PhaseView {
    pub id: String,
    pub title: String,
    pub done: usize,
    pub tasks: usize,
    pub gates_passed: usize,
    pub gates: usize,
    /// The source's estimate.
    pub estimated_minutes: u32,
    pub planned_start: Option<DateTime>,
    pub planned_end: Option<DateTime>,
    pub ended_at: Option<DateTime>,
}

/// What it took, as far as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Actual {
    pub started_at: Option<DateTime>,
    pub ended_at: Option<DateTime>,
    /// From the start to the last task that is done, without the time in which it was held.
    pub elapsed: Option<TimeDelta>,
}

/// An entry of the history as it is kept.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Kept {
    Commit {
        #[serde(default)]
        topic: Option<String>,
        phase: String,
        agent: String,
        message: String,
        /// Whether the configuration is part of it.
        #[serde(default)]
        config: bool,
        files: Vec<(String, i32)>,
    },
    Step {
        topic: String,
        phase: String,
        agent: String,
        message: String,
    },
    Phase {
        phase: String,
        agent: String,
        message: String,
    },
}

impl Programmes {
    /// A run as it stands.
    pub async fn read(&self, id: Uuid) -> Result<ProgrammeView, ProgrammeError> {
        let mut conn = self.pool.acquire().await?;
        let loaded = self.load(&mut conn, id).await?;
        let plan = self.plans.read_on(&mut conn, id).await?;
        let files = store::heads(&mut conn, id).await?;
        let phases = phases(&loaded, &plan);
        let ended = plan.tasks.iter().filter_map(|row| row.ended_at).max();
        let actual = Actual {
            started_at: plan.row.started_at,
            ended_at: plan.row.ended_at,
            elapsed: plan.row.started_at.zip(ended).map(|(from, to)| {
                (to - from - TimeDelta::seconds(plan.row.paused_secs)).max(TimeDelta::zero())
            }),
        };
        let definition = &loaded.definition;
        Ok(ProgrammeView {
            source_estimate: (definition.estimated_parallel_minutes, definition.estimated_sequential_minutes),
            row: loaded.row,
            plan,
            phases,
            actual,
            files,
        })
    }

    /// Refuses a run that is not there.
    pub async fn exists(&self, id: Uuid) -> Result<(), ProgrammeError> {
        let mut conn = self.pool.acquire().await?;
        store::find_programme(&mut conn, id).await?.map(|_| ()).ok_or(ProgrammeError::NoProgramme(id))
    }

    /// Runs, newest first.
    pub async fn list(&self, filter: &ProgrammeFilter) -> Result<Vec<ProgrammeRow>, ProgrammeError> {
        let mut conn = self.pool.acquire().await?;
        Ok(store::list_programmes(&mut conn, filter).await?)
    }

    /// A file in its newest version or a certain one. `CONFIG.md` is the configuration.
    pub async fn file(&self, id: Uuid, path: &str, version: Option<i32>) -> Result<FileRow, ProgrammeError> {
        let mut conn = self.pool.acquire().await?;
        let row = store::find_programme(&mut conn, id).await?.ok_or(ProgrammeError::NoProgramme(id))?;
        if path == CONFIG {
            return Ok(FileRow {
                path: CONFIG.to_owned(),
                version: 1,
                content: row.config,
                kind: None,
                agent: super::super::course::COORDINATOR.to_owned(),
                task: None,
                made_at: row.created_at,
                made_by: row.created_by,
            });
        }
        let found = store::file(&mut conn, id, path, version).await?;
        found.ok_or_else(|| ProgrammeError::NoFile { programme: id, path: path.to_owned() })
    }

    /// The history of a run, as its repository has it.
    pub async fn history(&self, id: Uuid) -> Result<Vec<Entry>, ProgrammeError> {
        let mut conn = self.pool.acquire().await?;
        let loaded = self.load(&mut conn, id).await?;
        let entries = store::entries(&mut conn, id).await?;
        let files = store::all_files(&mut conn, id).await?;
        let mut history = Vec::with_capacity(entries.len());
        for entry in entries {
            history.push(told(&loaded, &files, serde_json::from_value(entry.doc)?, entry.at));
        }
        Ok(history)
    }

    /// The workspace of a run as a repository in a `tar.gz`.
    pub async fn archive(&self, id: Uuid) -> Result<Vec<u8>, ProgrammeError> {
        let history = self.history(id).await?;
        let written = tokio::task::spawn_blocking(move || -> Result<Vec<u8>, ProgrammeError> {
            let folder = Scratch::new()?;
            build(&folder.0, &history)?;
            Ok(archive::pack(&folder.0, &format!("programme-{id}"))?)
        });
        written.await?
    }

    /// The JSON Schema of a kind of deliverable.
    pub fn schema(&self, kind: &str) -> Result<serde_json::Value, ProgrammeError> {
        Kind::named(kind).map(Kind::schema).ok_or_else(|| ProgrammeError::NoKind(kind.to_owned()))
    }
}

/// A folder that is gone with its value.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("gtm-programme-{}", Uuid::new_v4()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a folder of an archive could not be removed");
        }
    }
}

fn told(loaded: &Loaded, files: &[FileRow], kept: Kept, at: DateTime) -> Entry {
    let author = |agent: &str| author(&loaded.definition, &loaded.business, agent);
    match kept {
        Kept::Commit { topic, phase, agent, message, config, files: versions } => {
            let root = &loaded.definition.root;
            let content = |path: &str, version: i32| {
                let found = files.iter().find(|file| file.path == path && file.version == version);
                found.map(|file| file.content.clone()).unwrap_or_default()
            };
            let mut texts: Vec<(String, String)> = versions
                .iter()
                .map(|(path, version)| (format!("{root}/{path}"), content(path, *version)))
                .collect();
            if config {
                texts.push((CONFIG.to_owned(), loaded.row.config.clone()));
            }
            Entry::Commit { topic, phase, author: author(&agent), message, files: texts, at }
        }
        Kept::Step { topic, phase, agent, message } => {
            Entry::Step { topic, phase, author: author(&agent), message, at }
        }
        Kept::Phase { phase, agent, message } => Entry::Phase { phase, author: author(&agent), message, at },
    }
}

fn phases(loaded: &Loaded, view: &PlanView) -> Vec<PhaseView> {
    let of = |phase: &crate::programmes::definition::Phase| {
        let own: Vec<usize> =
            (0..view.plan.tasks.len()).filter(|place| view.plan.tasks[*place].stage == phase.id).collect();
        if own.is_empty() {
            return None;
        }
        let row = |place: &usize| view.tasks.get(*place);
        let slot = |place: &usize| view.schedule.slots.get(*place);
        let is_over = |place: &usize| row(place).is_some_and(|row| row.state.status.is_final());
        let gates: Vec<GateStatus> = phase
            .gates
            .iter()
            .filter_map(|gate| {
                view.gates.iter().find(|row| row.name == crate::programmes::course::gate_id(&gate.id))
            })
            .map(|row| row.state.status)
            .collect();
        Some(PhaseView {
            id: phase.id.clone(),
            title: phase.title.clone(),
            done: own
                .iter()
                .filter(|place| row(place).is_some_and(|row| row.state.status == TaskStatus::Done))
                .count(),
            tasks: own.len(),
            gates_passed: gates.iter().filter(|status| **status == GateStatus::Passed).count(),
            gates: gates.len(),
            estimated_minutes: phase.estimated_minutes,
            planned_start: own.iter().filter_map(slot).map(|slot| slot.start_at).min(),
            planned_end: own.iter().filter_map(slot).map(|slot| slot.end_at).max(),
            ended_at: own
                .iter()
                .all(is_over)
                .then(|| own.iter().filter_map(row).filter_map(|row| row.ended_at).max())
                .flatten(),
        })
    };
    loaded.definition.phases.iter().filter_map(of).collect()
}
