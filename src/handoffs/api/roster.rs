//! The roster as a whole: out as one document, in as one document or as tables.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::handoffs::assign::file::RosterFile;
use crate::handoffs::commands::{Handoffs, Imported};
use crate::handoffs::entries::{Key, Kind};
use crate::handoffs::findings::{Finding, findings};
use crate::handoffs::import::{File, Import};
use crate::platform::http::{Fault, Json, Precondition, Problem, ProblemDocument, Scoped, scope};

/// The most files of one import.
const FILES_MAX: usize = 50;

/// Export the roster
///
/// Everything about who takes handoffs, as `POST /v1/roster/import` takes it. Absences are not part of it.
#[utoipa::path(
    get, path = "/v1/roster", tag = "roster", operation_id = "get_roster",
    security(("api_key" = ["config:read"])),
    responses((status = 200, body = RosterFile, description = "The roster; each list in the order of ids."))
)]
pub async fn get_roster(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::ConfigRead>,
    precondition: Precondition,
) -> Result<Response, Problem> {
    precondition.answer(handoffs.roster().await?.entries.file())
}

/// What somebody should look at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RosterFindings {
    pub data: Vec<Finding>,
}

/// Check the roster against the handoff types
///
/// Roles that nobody holds or no type names, teams that are missing, empty or without a fallback owner: with each what
/// happens meanwhile and what to do.
#[utoipa::path(
    get, path = "/v1/roster/findings", tag = "roster", operation_id = "find_roster_faults",
    security(("api_key" = ["config:read"])),
    responses((status = 200, body = RosterFindings, description = "What was found, by code and id; empty when all is well."))
)]
pub async fn find_roster_faults(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::ConfigRead>,
) -> Result<Json<RosterFindings>, Problem> {
    let held = handoffs.roster().await?;
    Ok(Json(RosterFindings { data: findings(&held.roster, &handoffs.types) }))
}

/// What is brought in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ImportBody {
    /// A whole roster, in the place of everything that is there.
    roster: Option<RosterFile>,
    /// Files: whole rosters end in `.json` or `.toml`, tables of reps or territories in `.csv`. Rows of a table change
    /// the entries with their ids and no others.
    #[serde(default)]
    files: Vec<File>,
    /// Say what would be done and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// An entry of the roster.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RosterEntryName {
    pub kind: Kind,
    pub id: String,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportAnswer {
    /// Nothing was written.
    pub dry_run: bool,
    pub added: Vec<RosterEntryName>,
    pub changed: Vec<RosterEntryName>,
    pub removed: Vec<RosterEntryName>,
    /// How many entries stay as they are.
    pub unchanged: usize,
}

impl ImportAnswer {
    fn new(imported: Imported, dry_run: bool) -> Self {
        let names =
            |keys: Vec<Key>| keys.into_iter().map(|(kind, id)| RosterEntryName { kind, id }).collect();
        Self {
            dry_run,
            added: names(imported.added),
            changed: names(imported.changed),
            removed: names(imported.removed),
            unchanged: imported.unchanged,
        }
    }
}

/// Import a roster
///
/// A whole roster, tables of reps and territories, or both, in one transaction. All faults come at once, those of
/// tables with file, line and column, in `errors` as text and in `faults` as data. Importing the same again changes
/// nothing. `dryRun` shows beforehand what would change.
#[utoipa::path(
    post, path = "/v1/roster/import", tag = "roster", operation_id = "import_roster",
    security(("api_key" = ["config:write"])),
    request_body = ImportBody,
    responses(
        (status = 200, body = ImportAnswer, description = "Imported, or the preview."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "A rep who would go is still needed; all reasons are named."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn import_roster(
    State(handoffs): State<Handoffs>,
    caller: Scoped<scope::ConfigWrite>,
    Json(body): Json<ImportBody>,
) -> Result<Json<ImportAnswer>, Problem> {
    let ImportBody { roster, files, dry_run } = body;
    if roster.is_none() && files.is_empty() {
        return Err(Problem::invalid(vec![Fault::new("#", "must hold a roster or files")]));
    }
    if files.len() > FILES_MAX {
        let detail = format!("has more than {FILES_MAX} files");
        return Err(Problem::invalid(vec![Fault::new("#/files", detail)]));
    }
    let imported = handoffs.import_roster(&Import { roster, files }, dry_run, &caller.actor()).await?;
    Ok(Json(ImportAnswer::new(imported, dry_run)))
}
