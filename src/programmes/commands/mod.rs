//! The use cases of programmes.
//!
//! Promises: a run is made, changed and judged in transactions under the lock of its plan; what workers hand in is checked and kept in
//! the transaction in which their task is done, or refused with every fault; gates are judged in the transaction in which they open.

mod conflicts;
mod files;
mod follow;
mod gates;
mod make;
mod orders;
mod view;
mod work;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use uuid::Uuid;

use super::business::Business;
use super::definition::{Definition, Source};
use super::draft::DraftError;
use super::fault::Fault;
use super::model_worker::ModelWorker;
use super::selection::Missing;
use super::store::{self, ProgrammeRow};
use super::workspace::RepositoryError;
use crate::kernel::clock::Clock;
use crate::kernel::json::sha256;
use crate::plans::commands::{PlanError, Plans};
use crate::platform::db::Tx;
use crate::platform::http::{self, Problem};

pub use conflicts::{Decided, Raised};
pub use files::{Handed, HandedConflict, HandedFile, Revision};
pub use follow::ProgrammeFollower;
pub use gates::{Attested, CheckView, GateView};
pub use make::{Ask, Change, Made};
pub use view::{Actual, PhaseView, ProgrammeView};

/// Programmes: a handle to the use cases of this slice.
#[derive(Clone)]
pub struct Programmes {
    pub pool: PgPool,
    pub clock: Clock,
    pub plans: Plans,
    pub definitions: Definitions,
    /// The language model, where one is set up.
    pub model: Option<Arc<ModelWorker>>,
    /// Rung when a task may be there for the drafter or the model.
    pub work: Arc<Notify>,
}

/// The definition of new runs, and those of earlier ones.
#[derive(Clone)]
pub struct Definitions(Arc<Known>);

struct Known {
    present: Kept,
    source: Source,
    /// By digest.
    earlier: Mutex<BTreeMap<String, Arc<Definition>>>,
}

/// A definition with its digest.
#[derive(Debug, Clone)]
pub struct Kept {
    pub digest: String,
    pub definition: Arc<Definition>,
}

impl Definitions {
    /// Checks the definition that new runs are made from.
    pub fn new(source: Source) -> Result<Self, Vec<Fault>> {
        let definition = Arc::new(Definition::read(&source)?);
        let text = serde_json::to_vec(&source.files).unwrap_or_default();
        let present = Kept { digest: hex::encode(sha256(&text)), definition };
        Ok(Self(Arc::new(Known { present, source, earlier: Mutex::default() })))
    }

    /// The one for new runs.
    pub fn present(&self) -> &Kept {
        &self.0.present
    }

    /// The one of a run, as it was when the run was made.
    async fn of(&self, conn: &mut PgConnection, digest: &str) -> Result<Arc<Definition>, ProgrammeError> {
        if digest == self.0.present.digest {
            return Ok(self.0.present.definition.clone());
        }
        let known = self.0.earlier.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let files = store::definition(conn, digest).await?.unwrap_or_default();
        let source = Source { files: serde_json::from_value(files)? };
        let read = Definition::read(&source).map_err(|faults| ProgrammeError::Definition(listed(&faults)))?;
        let read = Arc::new(read);
        let mut earlier = self.0.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        earlier.insert(digest.to_owned(), read.clone());
        Ok(read)
    }

    /// Keeps the files of the present one.
    async fn keep(&self, conn: &mut PgConnection) -> Result<(), ProgrammeError> {
        let files = serde_json::to_value(&self.0.source.files)?;
        Ok(store::keep_definition(conn, &self.0.present.digest, &files).await?)
    }
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A run with everything that its row leads to.
struct Loaded {
    row: ProgrammeRow,
    definition: Arc<Definition>,
    business: Business,
}

impl Loaded {
    /// What one agent alone was asked to do.
    fn task(&self) -> Option<&str> {
        self.row.scope.get("task")?.as_str()
    }
}

/// Why a use case could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ProgrammeError {
    #[error("there is no programme {0}")]
    NoProgramme(Uuid),
    #[error("there is no file `{path}` in programme {programme}")]
    NoFile { programme: Uuid, path: String },
    #[error("programme {programme} has no gate or phase `{name}`; it has {known}")]
    NoGate { programme: Uuid, name: String, known: String },
    #[error("programme {programme} has no conflict {number}")]
    NoConflict { programme: Uuid, number: i32 },
    #[error("there is no kind of deliverable `{0}`")]
    NoKind(String),
    /// The configuration cannot be used.
    #[error("the configuration has {} faults", .0.len())]
    Config(Vec<Fault>),
    /// What was sent is wrong in itself.
    #[error("the request has {} faults", .0.len())]
    Invalid(Vec<http::Fault>),
    /// What the run builds on is not there.
    #[error("{} things that this run begins with are not there", .0.len())]
    Missing(Vec<Missing>),
    #[error("conflict {number} {fault}")]
    Conflict { number: i32, fault: &'static str },
    #[error("the definition that this run was made by cannot be read any more:\n{0}")]
    Definition(String),
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error("the archive could not be written: {0}")]
    Archive(#[from] std::io::Error),
    #[error("the work was broken off: {0}")]
    Broken(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("a stored document cannot be read: {0}")]
    Stored(#[from] serde_json::Error),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<ProgrammeError> for PlanError {
    fn from(error: ProgrammeError) -> Self {
        match error {
            ProgrammeError::Plan(error) => error,
            ProgrammeError::Invalid(faults) => Self::Request(faults),
            ProgrammeError::Database(error) => Self::Database(error),
            ProgrammeError::Stored(error) => Self::Stored(error),
            other => Self::Follower(Box::new(other)),
        }
    }
}

impl From<ProgrammeError> for Problem {
    fn from(error: ProgrammeError) -> Self {
        match error {
            ProgrammeError::NoProgramme(id) => Self::not_found("programme", id),
            ProgrammeError::NoFile { path, .. } => Self::not_found("file", path),
            ProgrammeError::NoGate { .. } => Self::not_found("gate", error),
            ProgrammeError::NoConflict { number, .. } => Self::not_found("conflict", number),
            ProgrammeError::NoKind(name) => Self::not_found("kind of deliverable", name),
            ProgrammeError::Config(faults) => {
                let place = |fault: &Fault| http::Fault::new("#/config", fault.to_string());
                Self::invalid(faults.iter().map(place).collect()).member("config", serde_json::json!(faults))
            }
            ProgrammeError::Invalid(faults) => Self::invalid(faults),
            ProgrammeError::Missing(ref missing) => {
                let missing = serde_json::to_value(missing).unwrap_or_default();
                Self::conflict("inputs_missing", told(&error)).member("missing", missing)
            }
            ProgrammeError::Conflict { .. } => Self::conflict("conflict_state", error.to_string()),
            ProgrammeError::Plan(error) => error.into(),
            ProgrammeError::Database(error) => error.into(),
            ProgrammeError::Definition(_)
            | ProgrammeError::Draft(_)
            | ProgrammeError::Repository(_)
            | ProgrammeError::Archive(_)
            | ProgrammeError::Broken(_)
            | ProgrammeError::Stored(_) => Self::internal(error),
        }
    }
}

/// What is missing, and what to do.
fn told(error: &ProgrammeError) -> String {
    let ProgrammeError::Missing(missing) = error else { return error.to_string() };
    let mut phases: Vec<String> = missing.iter().map(|of| format!("`{}`", of.made_in)).collect();
    phases.sort();
    phases.dedup();
    let inputs: Vec<String> = missing.iter().map(|of| format!("`{}`", of.input)).collect();
    format!(
        "{} {} not there: run {} first, or say by `basedOn` which run has made it",
        crate::kernel::text::sentence_list(&inputs),
        if inputs.len() == 1 { "is" } else { "are" },
        crate::kernel::text::sentence_list(&phases)
    )
}

impl Programmes {
    /// A run with its definition and its configuration.
    async fn load(&self, conn: &mut PgConnection, id: Uuid) -> Result<Loaded, ProgrammeError> {
        let row = store::find_programme(conn, id).await?.ok_or(ProgrammeError::NoProgramme(id))?;
        let definition = self.definitions.of(conn, &row.definition).await?;
        let business = Business::read(super::definition::CONFIG, &row.config, &definition.agent_ids())
            .map_err(ProgrammeError::Config)?;
        Ok(Loaded { row, definition, business })
    }

    /// Commits what was done, or leaves it undone where it was a look only.
    async fn close(&self, tx: Tx, dry_run: bool) -> Result<(), sqlx::Error> {
        if dry_run {
            return tx.rollback().await;
        }
        tx.commit().await?;
        self.ring();
        Ok(())
    }

    /// Wakes whoever works on tasks.
    pub fn ring(&self) {
        self.plans.ring();
        self.work.notify_one();
    }
}
