//! The documents of a renewal: plan, change log, packet, table, calendar.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::plans::model::Plan;
use crate::plans::{Change, words};
use crate::platform::http::{Json, Path, Problem, ProblemDocument, Query, Scoped, scope};
use crate::renewals::commands::Renewals;
use crate::renewals::sheet::Format;

/// One version of a plan in the change log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalVersion)]
pub struct VersionWire {
    pub version: u32,
    pub made_at: DateTime,
    pub made_by: String,
    pub why: String,
    /// What differs from the version before, in words.
    pub words: Vec<String>,
    /// The same as data: applied to the version before, it gives this one.
    pub changes: Vec<Change>,
}

/// The change log of a renewal's plan.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RenewalChanges)]
pub struct ChangesWire {
    /// Oldest first.
    pub data: Vec<VersionWire>,
}

/// Read the change log of a renewal
#[utoipa::path(
    get, path = "/v1/renewals/{renewalId}/changes", tag = "plans", operation_id = "list_renewal_changes",
    security(("api_key" = ["plans:read"])),
    params(("renewalId" = Uuid, Path, description = "The renewal.")),
    responses(
        (status = 200, body = ChangesWire, description = "Every version, oldest first, with what differs."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
    )
)]
pub async fn list_renewal_changes(
    State(renewals): State<Renewals>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<ChangesWire>, Problem> {
    let versions = renewals.changes(id).await?;
    let data = versions.into_iter().map(|one| VersionWire {
        version: one.version,
        made_at: one.made_at,
        made_by: one.made_by,
        why: one.why,
        words: one.changes.iter().map(words).collect(),
        changes: one.changes,
    });
    Ok(Json(ChangesWire { data: data.collect() }))
}

/// Read the plan of a renewal
///
/// The document of its present version, as it is also saved by `gtm renewal plan --save-plan`.
#[utoipa::path(
    get, path = "/v1/renewals/{renewalId}/plan.json", tag = "plans", operation_id = "get_renewal_plan",
    security(("api_key" = ["plans:read"])),
    params(("renewalId" = Uuid, Path, description = "The renewal.")),
    responses(
        (status = 200, body = Plan, description = "The plan."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
    )
)]
pub async fn get_renewal_plan(
    State(renewals): State<Renewals>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<Plan>, Problem> {
    Ok(Json(renewals.view(id).await?.state.plan))
}

/// Whether HTML comes before Markdown and plain text in what a client accepts.
fn prefers_html(accept: &str) -> bool {
    let first = |kinds: &[&str]| kinds.iter().filter_map(|kind| accept.find(kind)).min();
    match (first(&["text/html"]), first(&["text/markdown", "text/plain"])) {
        (Some(html), Some(markdown)) => html < markdown,
        (html, _) => html.is_some(),
    }
}

fn document(content_type: &'static str, name: &str, body: String) -> Response {
    let disposition = format!("inline; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body)
        .into_response()
}

/// Read the packet of a renewal
///
/// Timeline, responsibilities, talking points by persona, material, checkpoints, rules of escalation, and what was known, with
/// its sources. Markdown, or one HTML document when `Accept` prefers it.
#[utoipa::path(
    get, path = "/v1/renewals/{renewalId}/packet", tag = "plans", operation_id = "get_renewal_packet",
    security(("api_key" = ["plans:read"])),
    params(("renewalId" = Uuid, Path, description = "The renewal.")),
    responses(
        (status = 200, description = "The packet.", content(
            (String = "text/markdown"),
            (String = "text/html"),
        )),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
    )
)]
pub async fn get_renewal_packet(
    State(renewals): State<Renewals>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let html = prefers_html(accept);
    let body = renewals.packet(id, html).await?;
    Ok(if html {
        document("text/html; charset=utf-8", &format!("renewal-{id}.html"), body)
    } else {
        document("text/markdown; charset=utf-8", &format!("renewal-{id}.md"), body)
    })
}

/// For which system the table is.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct TasksQuery {
    #[param(inline)]
    format: Format,
}

/// Read the tasks of a renewal as a table
///
/// Open tasks, checkpoints and escalation rules, with the columns that the import of `HubSpot` or Salesforce takes.
#[utoipa::path(
    get, path = "/v1/renewals/{renewalId}/tasks.csv", tag = "plans", operation_id = "get_renewal_tasks",
    security(("api_key" = ["plans:read"])),
    params(("renewalId" = Uuid, Path, description = "The renewal."), TasksQuery),
    responses(
        (status = 200, description = "The table (RFC 4180).", content((String = "text/csv"))),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
    )
)]
pub async fn get_renewal_tasks(
    State(renewals): State<Renewals>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    Query(query): Query<TasksQuery>,
) -> Result<Response, Problem> {
    let body = renewals.tasks(id, query.format).await?;
    Ok(document("text/csv; charset=utf-8", &format!("renewal-{id}-{}.csv", query.format.name()), body))
}

/// Read the dates of a renewal as a calendar
///
/// For calendar programs (RFC 5545). Importing a newer version moves the events of the older one.
#[utoipa::path(
    get, path = "/v1/renewals/{renewalId}/calendar.ics", tag = "plans", operation_id = "get_renewal_calendar",
    security(("api_key" = ["plans:read"])),
    params(("renewalId" = Uuid, Path, description = "The renewal.")),
    responses(
        (status = 200, description = "The calendar.", content((String = "text/calendar"))),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
    )
)]
pub async fn get_renewal_calendar(
    State(renewals): State<Renewals>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let body = renewals.calendar(id).await?;
    Ok(document("text/calendar; charset=utf-8", &format!("renewal-{id}.ics"), body))
}
