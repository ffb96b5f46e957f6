//! Dead jobs over HTTP: what was given up, and putting it back into the queue.

use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::dead::{self, DeadJob, DeadJobs};
use crate::kernel::clock::DateTime;
use crate::platform::dead::DeadRetried;
use crate::platform::http::{
    Json, Page, PageParams, Paged, Path, Platform, Problem, ProblemDocument, Scoped, scope,
};

/// The routes of dead jobs.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list_dead_jobs))
        .routes(routes!(retry_dead_job))
        .routes(routes!(retry_dead_jobs))
}

/// A job that failed too often and was set aside.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadJobWire {
    /// Names this dead letter; the same job gets another one when it is given up again.
    pub dead_letter_id: Uuid,
    /// What was to be done: `evaluate` looks at an account.
    pub kind: String,
    /// What it is about: of `evaluate`, the account.
    pub key: String,
    /// Why it was to be done.
    #[schema(value_type = Object)]
    pub payload: Value,
    pub attempts: i32,
    /// What the last attempt failed with.
    pub error: String,
    pub failed_at: DateTime,
}

impl From<DeadJob> for DeadJobWire {
    fn from(row: DeadJob) -> Self {
        Self {
            dead_letter_id: row.id,
            kind: row.kind,
            key: row.key,
            // The column holds JSON, so this cannot fail.
            payload: serde_json::from_str(row.payload.0.get()).unwrap_or(Value::Null),
            attempts: row.attempts,
            error: row.error,
            failed_at: row.failed_at,
        }
    }
}

/// Which dead jobs to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct DeadJobQuery {
    /// Only jobs of this kind.
    kind: Option<String>,
    /// Only jobs about this; of `evaluate`, the account.
    key: Option<String>,
}

/// Which dead jobs to put back; all of them where nothing is said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct RetryDeadJobs {
    /// Only jobs of this kind.
    kind: Option<String>,
    /// Only jobs about this; of `evaluate`, the account.
    key: Option<String>,
    /// Count them and put none back.
    dry_run: bool,
}

/// List dead jobs
///
/// Jobs that failed ten times, newest first.
#[utoipa::path(
    get, path = "/v1/dead-letters/jobs", tag = "dead letters", operation_id = "list_dead_jobs",
    security(("api_key" = ["decisions:read"])),
    params(DeadJobQuery, PageParams),
    responses((status = 200, body = Page<DeadJobWire>, description = "Dead jobs, newest first."))
)]
pub async fn list_dead_jobs(
    State(platform): State<Platform>,
    _caller: Scoped<scope::DecisionsRead>,
    Paged { filter, page }: Paged<DeadJobQuery>,
) -> Result<Json<Page<DeadJobWire>>, Problem> {
    let which = DeadJobs { id: None, kind: filter.kind.as_deref(), key: filter.key.as_deref() };
    let rows = dead::list(&platform.pool, which, page.after()?, page.fetch()).await?;
    Ok(Json(page.cut(rows, |row| row.id, DeadJobWire::from)))
}

/// Put a dead job back into the queue
///
/// Due now, with all its attempts before it. Asked for twice, it is put back once.
#[utoipa::path(
    post, path = "/v1/dead-letters/jobs/{deadLetterId}/retry", tag = "dead letters", operation_id = "retry_dead_job",
    security(("api_key" = ["decisions:write"])),
    params(("deadLetterId" = Uuid, Path, description = "The dead letter.")),
    responses(
        (status = 200, body = DeadRetried, description = "It is in the queue."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such dead letter, or it was put back before."),
    )
)]
pub async fn retry_dead_job(
    State(platform): State<Platform>,
    caller: Scoped<scope::DecisionsWrite>,
    Path(id): Path<Uuid>,
) -> Result<Json<DeadRetried>, Problem> {
    let which = DeadJobs { id: Some(id), ..DeadJobs::default() };
    let retried = dead::retry(&platform.pool, which, &caller.actor(), platform.clock.now()).await?;
    if retried.count == 0 {
        return Err(Problem::not_found("dead letter", id));
    }
    Ok(Json(retried))
}

/// Put many dead jobs back into the queue
///
/// Oldest first, 10,000 at the most in one call; `left` says how many remain. They let everything else go first.
/// With `dryRun` they are counted and stay.
#[utoipa::path(
    post, path = "/v1/dead-letters/jobs/retry", tag = "dead letters", operation_id = "retry_dead_jobs",
    security(("api_key" = ["decisions:write"])),
    request_body = RetryDeadJobs,
    responses((status = 200, body = DeadRetried, description = "How many, by kind."))
)]
pub async fn retry_dead_jobs(
    State(platform): State<Platform>,
    caller: Scoped<scope::DecisionsWrite>,
    Json(body): Json<RetryDeadJobs>,
) -> Result<Json<DeadRetried>, Problem> {
    let which = DeadJobs { id: None, kind: body.kind.as_deref(), key: body.key.as_deref() };
    if body.dry_run {
        let mut conn = platform.pool.acquire().await?;
        return Ok(Json(DeadRetried::new(true, dead::count(&mut conn, which).await?, 0)));
    }
    Ok(Json(dead::retry(&platform.pool, which, &caller.actor(), platform.clock.now()).await?))
}
