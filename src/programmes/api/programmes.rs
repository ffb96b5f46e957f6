//! Runs: made, listed, read, changed.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::wire::{Document, ProgrammeMade, ProgrammeSummary, ProgrammeWire};
use crate::plans::api::wire::{self, VersionWire};
use crate::plans::model::Plan;
use crate::platform::http::{
    Fault, IdempotencyParams, Json, NoFilter, Page, PageParams, Paged, Path, Precondition, Problem,
    ProblemDocument, Query, Scoped, scope,
};
use crate::programmes::commands::{Ask, Change, ProgrammeError, Programmes};
use crate::programmes::selection::Scope;
use crate::programmes::store::ProgrammeFilter;
use crate::programmes::workers::Workers;

/// The longest reason of a change, in characters.
const WHY_MAX: usize = 1_000;

/// Which runs to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct ProgrammeQuery {
    /// Only runs of this company.
    company: Option<String>,
}

/// List programmes
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/programmes", tag = "programmes", operation_id = "list_programmes",
    security(("api_key" = ["plans:read"])),
    params(ProgrammeQuery, PageParams),
    responses((status = 200, body = Page<ProgrammeSummary>, description = "Runs, newest first."))
)]
pub async fn list_programmes(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Paged { filter, page }: Paged<ProgrammeQuery>,
) -> Result<Json<Page<ProgrammeSummary>>, Problem> {
    let filter = ProgrammeFilter { company: filter.company, before: page.after()?, limit: page.fetch() };
    let rows: Vec<ProgrammeSummary> =
        programmes.list(&filter).await?.iter().map(ProgrammeSummary::from).collect();
    Ok(Json(page.cut(rows, |row| row.programme_id, |row| row)))
}

/// What is to be run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProgrammeBody {
    /// The text of `CONFIG.md`.
    config: String,
    /// Ids of phases; all when left out.
    #[serde(default)]
    phases: Vec<String>,
    /// One agent alone, with a task.
    agent: Option<String>,
    task: Option<String>,
    /// Who fills the agents; the built-in drafter when left out.
    #[serde(default)]
    workers: Workers,
    /// The run whose files this one builds on; the newest of the company that has what is needed when left out.
    based_on: Option<Uuid>,
    /// Findings of the pre-flight that may be, by their names.
    #[serde(default)]
    waive: BTreeSet<String>,
    /// Whether inputs that nobody has made may be missing.
    #[serde(default)]
    without_inputs: bool,
    /// Whether it begins at once.
    #[serde(default = "yes")]
    #[schema(default = true)]
    start: bool,
    /// Says what would be run; keeps nothing.
    #[serde(default)]
    dry_run: bool,
}

fn yes() -> bool {
    true
}

/// Make a programme
///
/// From a business configuration. Everything that is missing or contradictory is said before anything runs: faults of the
/// configuration with their lines, inputs that are not there with the phase that makes them. The answer has the
/// coordinator's advice: whether the scenario fits, which mode to run, whether figures say to go on or to begin anew.
#[utoipa::path(
    post, path = "/v1/programmes", tag = "programmes", operation_id = "create_programme",
    security(("api_key" = ["plans:write"])),
    params(IdempotencyParams),
    request_body = ProgrammeBody,
    responses(
        (status = 201, body = ProgrammeMade, description = "It was made."),
        (status = 200, body = ProgrammeMade, description = "What would be made; the answer to a dry run."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "Inputs are not there; `missing` names them."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named; `config` has those of the configuration."),
    )
)]
pub async fn create_programme(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Json(body): Json<ProgrammeBody>,
) -> Result<Response, Problem> {
    let ask = Ask {
        config: body.config,
        scope: Scope { phases: body.phases, agent: body.agent, task: body.task },
        workers: body.workers,
        based_on: body.based_on,
        waive: body.waive,
        without_inputs: body.without_inputs,
        start: body.start,
        by: caller.actor(),
    };
    if body.dry_run {
        let made = ProgrammeMade::from(programmes.preview(&ask).await?);
        return Ok((StatusCode::OK, Json(made)).into_response());
    }
    let made = ProgrammeMade::from(programmes.create(&ask).await?);
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Read a programme
///
/// How far each phase is, the coordinator's advice, durations as estimated, planned and so far, and its plan. The `ETag` is
/// that of the plan's version.
#[utoipa::path(
    get, path = "/v1/programmes/{programmeId}", tag = "programmes", operation_id = "get_programme",
    security(("api_key" = ["plans:read"])),
    params(("programmeId" = Uuid, Path, description = "The programme.")),
    responses(
        (status = 200, body = ProgrammeWire, description = "The run as it stands."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
    )
)]
pub async fn get_programme(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    told(&programmes, id).await
}

async fn told(programmes: &Programmes, id: Uuid) -> Result<Response, Problem> {
    let view = programmes.read(id).await?;
    let body = ProgrammeWire::of(&view).map_err(ProgrammeError::from)?;
    wire::answer_with(&view.plan, body, StatusCode::OK)
}

/// What is changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProgrammeChange {
    /// Who fills the agents from now on.
    workers: Workers,
    why: String,
    /// Say whether it would be accepted and write nothing; the answer is the run as it stands.
    #[serde(default)]
    dry_run: bool,
}

/// Change a programme
///
/// Makes a new version of its plan in which others fill the agents. What is done stays done; what somebody works on goes on.
#[utoipa::path(
    patch, path = "/v1/programmes/{programmeId}", tag = "programmes", operation_id = "change_programme",
    security(("api_key" = ["plans:write"])),
    params(("programmeId" = Uuid, Path, description = "The programme."), IdempotencyParams),
    request_body = ProgrammeChange,
    responses(
        (status = 200, body = ProgrammeWire, description = "The run as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is over."),
        (status = 412, body = ProblemDocument, content_type = "application/problem+json", description = "It has changed since it was read."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
        (status = 428, body = ProblemDocument, content_type = "application/problem+json", description = "If-Match is missing."),
    )
)]
pub async fn change_programme(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    precondition: Precondition,
    Json(body): Json<ProgrammeChange>,
) -> Result<Response, Problem> {
    let view = programmes.read(id).await?;
    let version = wire::seen(&precondition, &view.plan.row)?;
    let change = Change { workers: body.workers, why: why("#/why", &body.why)?, by: caller.actor() };
    programmes.change(id, version, &change, body.dry_run).await?;
    told(&programmes, id).await
}

/// A reason, without the space around it.
fn why(pointer: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > WHY_MAX {
        let detail = format!("say why, in at most {WHY_MAX} characters");
        return Err(Problem::invalid(vec![Fault::new(pointer, detail)]));
    }
    Ok(text.to_owned())
}

/// Why a run is held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProgrammePause {
    /// Why, for whoever finds it held.
    note: String,
    /// Say whether it could be held and write nothing; the answer is the run as it stands.
    #[serde(default)]
    dry_run: bool,
}

/// Hold a programme
///
/// Nobody is given a task of it any more, whoever fills its agents, until it is resumed; other runs go on. What somebody has
/// claimed may be completed. It lasts over restarts; `plan.paused` says since when, by whom and why.
#[utoipa::path(
    post, path = "/v1/programmes/{programmeId}/pause", tag = "programmes", operation_id = "pause_programme",
    security(("api_key" = ["plans:write"])),
    params(("programmeId" = Uuid, Path, description = "The programme."), IdempotencyParams),
    request_body = ProgrammePause,
    responses(
        (status = 200, body = ProgrammeWire, description = "It is held."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not run, or is held already."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn pause_programme(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<ProgrammePause>,
) -> Result<Response, Problem> {
    programmes.pause(id, &why("#/note", &body.note)?, &caller.actor(), body.dry_run).await?;
    told(&programmes, id).await
}

/// How a run goes on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct ProgrammeResume {
    /// Say whether it could go on and write nothing; the answer is the run as it stands.
    dry_run: bool,
}

/// Resume a programme
///
/// It goes on where it was held. What is planned moves by as long as it was held, as a new version of its plan.
#[utoipa::path(
    post, path = "/v1/programmes/{programmeId}/resume", tag = "programmes", operation_id = "resume_programme",
    security(("api_key" = ["plans:write"])),
    params(("programmeId" = Uuid, Path, description = "The programme."), IdempotencyParams),
    request_body = ProgrammeResume,
    responses(
        (status = 200, body = ProgrammeWire, description = "It goes on."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is not held."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn resume_programme(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<ProgrammeResume>,
) -> Result<Response, Problem> {
    programmes.resume(id, &caller.actor(), body.dry_run).await?;
    told(&programmes, id).await
}

/// What may be missing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct ProgrammeStart {
    /// Findings of the pre-flight that may be, by their names.
    waive: BTreeSet<String>,
    /// Say whether it would run and write nothing; the answer is the run as it stands.
    dry_run: bool,
}

/// Start a programme
///
/// That was made with `start: false`.
#[utoipa::path(
    post, path = "/v1/programmes/{programmeId}/start", tag = "programmes", operation_id = "start_programme",
    security(("api_key" = ["plans:write"])),
    params(("programmeId" = Uuid, Path, description = "The programme."), IdempotencyParams),
    request_body = ProgrammeStart,
    responses(
        (status = 200, body = ProgrammeWire, description = "It runs."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is no draft, or something is missing; `findings` names it."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn start_programme(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<ProgrammeStart>,
) -> Result<Response, Problem> {
    programmes.start(id, body.waive, caller.actor(), body.dry_run).await?;
    told(&programmes, id).await
}

/// Read the change log of a programme
///
/// Every version of its plan with who made it, when, why, and what differs from the one before, newest first.
#[utoipa::path(
    get, path = "/v1/programmes/{programmeId}/changes", tag = "programmes", operation_id = "list_programme_changes",
    security(("api_key" = ["plans:read"])),
    params(("programmeId" = Uuid, Path, description = "The programme."), PageParams),
    responses(
        (status = 200, body = Page<VersionWire>, description = "Versions, newest first."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
    )
)]
pub async fn list_programme_changes(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<VersionWire>>, Problem> {
    programmes.exists(id).await?;
    wire::changes(&programmes.plans, id, &page).await
}

/// Which version.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct PlanVersion {
    /// The present one when left out.
    #[param(minimum = 1)]
    version: Option<i32>,
}

/// Read the plan of a programme
///
/// As a document, by `GET /v1/plans/schema.json`.
#[utoipa::path(
    get, path = "/v1/programmes/{programmeId}/plan.json", tag = "programmes", operation_id = "get_programme_plan",
    security(("api_key" = ["plans:read"])),
    params(("programmeId" = Uuid, Path, description = "The programme."), PlanVersion),
    responses(
        (status = 200, body = Plan, description = "The document."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme, or no such version."),
    )
)]
pub async fn get_programme_plan(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    Query(query): Query<PlanVersion>,
) -> Result<Response, Problem> {
    programmes.exists(id).await?;
    wire::document(&programmes.plans, id, query.version).await
}

/// Read the definition of programmes
///
/// Phases, steps, agents, outputs, gates, modes, scenarios and contracts, as new runs are made from them.
#[utoipa::path(
    get, path = "/v1/programmes/definition", tag = "programmes", operation_id = "get_programme_definition",
    security(("api_key" = ["plans:read"])),
    responses((status = 200, body = Object, description = "The definition."))
)]
pub async fn get_programme_definition(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
) -> Result<Json<Document>, Problem> {
    let definition = programmes.definitions.present().definition.clone();
    Ok(Json(serde_json::to_value(definition.as_ref()).map_err(ProgrammeError::from)?))
}

/// Read the schema of a kind of deliverable
///
/// The JSON Schema of what a worker hands in as `deliverable`.
#[utoipa::path(
    get, path = "/v1/programmes/schemas/{kind}", tag = "programmes", operation_id = "get_deliverable_schema",
    security(("api_key" = ["plans:read"])),
    params(("kind" = String, Path, description = "As the task's `data.kind` says, such as `budget`.")),
    responses(
        (status = 200, body = Object, description = "The schema."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such kind."),
    )
)]
pub async fn get_deliverable_schema(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path(kind): Path<String>,
) -> Result<Json<Document>, Problem> {
    Ok(Json(programmes.schema(&kind)?))
}
