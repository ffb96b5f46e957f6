//! Reading plans of all kinds.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::wire::{self, EntryWire, PlanStatus, PlanSummary, PlanWire, VersionWire};
use crate::kernel::calendar::Zone;
use crate::kernel::document::{html, markdown};
use crate::plans::commands::Plans;
use crate::plans::document::{Told, whole};
use crate::plans::lifecycle::{GateState, TaskState};
use crate::plans::model::{Plan, PlanKind};
use crate::plans::store::PlanFilter;
use crate::plans::wording::spelled;
use crate::platform::http::{
    Fault, Json, NoFilter, Page, PageParams, Paged, Path, Problem, ProblemDocument, Query, Scoped, scope,
};

/// Which plans to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct PlanQuery {
    #[param(inline)]
    kind: Option<PlanKind>,
    #[param(inline)]
    status: Option<PlanStatus>,
    /// Only plans of this account.
    account_id: Option<String>,
}

/// List plans
///
/// Of all kinds, newest first.
#[utoipa::path(
    get, path = "/v1/plans", tag = "plans", operation_id = "list_plans",
    security(("api_key" = ["plans:read"])),
    params(PlanQuery, PageParams),
    responses((status = 200, body = Page<PlanSummary>, description = "Plans, newest first."))
)]
pub async fn list_plans(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansRead>,
    Paged { filter, page }: Paged<PlanQuery>,
) -> Result<Json<Page<PlanSummary>>, Problem> {
    let filter = PlanFilter {
        kind: filter.kind,
        status: filter.status.map(PlanStatus::name),
        account_id: filter.account_id,
        before: page.after()?,
        limit: page.fetch(),
    };
    let rows: Vec<PlanSummary> = plans.list(&filter).await?.iter().map(PlanSummary::from).collect();
    Ok(Json(page.cut(rows, |row| row.plan_id, |row| row)))
}

/// Read a plan
///
/// The document of its present version with dates, shape and critical path, and how far each task and gate has come. The
/// `ETag` is that of the version.
#[utoipa::path(
    get, path = "/v1/plans/{planId}", tag = "plans", operation_id = "get_plan",
    security(("api_key" = ["plans:read"])),
    params(("planId" = Uuid, Path, description = "The plan.")),
    responses(
        (status = 200, body = PlanWire, description = "The plan."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such plan."),
    )
)]
pub async fn get_plan(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    wire::answer(&plans.read(id).await?)
}

/// Which version.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct VersionQuery {
    /// The present one when left out.
    #[param(minimum = 1)]
    version: Option<i32>,
}

/// Read the document of a plan
///
/// As it was written, by `GET /v1/plans/schema.json`.
#[utoipa::path(
    get, path = "/v1/plans/{planId}/plan.json", tag = "plans", operation_id = "get_plan_document",
    security(("api_key" = ["plans:read"])),
    params(("planId" = Uuid, Path, description = "The plan."), VersionQuery),
    responses(
        (status = 200, body = Plan, description = "The document."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such plan, or no such version of it."),
    )
)]
pub async fn get_plan_document(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    Query(query): Query<VersionQuery>,
) -> Result<Response, Problem> {
    wire::document(&plans, id, query.version).await
}

/// Read the change log of a plan
///
/// Every version with who made it, when, why, and what differs from the one before, newest first.
#[utoipa::path(
    get, path = "/v1/plans/{planId}/changes", tag = "plans", operation_id = "list_plan_changes",
    security(("api_key" = ["plans:read"])),
    params(("planId" = Uuid, Path, description = "The plan."), PageParams),
    responses(
        (status = 200, body = Page<VersionWire>, description = "Versions, newest first."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such plan."),
    )
)]
pub async fn list_plan_changes(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<VersionWire>>, Problem> {
    wire::changes(&plans, id, &page).await
}

/// Read the timeline of a plan
///
/// Everything that happened to it, newest first.
#[utoipa::path(
    get, path = "/v1/plans/{planId}/timeline", tag = "plans", operation_id = "list_plan_timeline",
    security(("api_key" = ["plans:read"])),
    params(("planId" = Uuid, Path, description = "The plan."), PageParams),
    responses(
        (status = 200, body = Page<EntryWire>, description = "Lines, newest first."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such plan."),
    )
)]
pub async fn list_plan_timeline(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<EntryWire>>, Problem> {
    let rows = plans.timeline(id, page.after()?, page.fetch()).await?;
    let rows: Vec<EntryWire> = rows.into_iter().map(EntryWire::from).collect();
    Ok(Json(page.cut(rows, |row| row.entry_id, |row| row)))
}

/// In which zone.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct ZoneQuery {
    /// A name of the IANA database, such as `Europe/Berlin`; UTC when left out.
    zone: Option<String>,
}

/// Read a plan as a document for people
///
/// Timeline, chart, critical path, responsibilities, gates and what happens when something goes wrong. Markdown, or one HTML
/// document when `Accept` prefers it.
#[utoipa::path(
    get, path = "/v1/plans/{planId}/report", tag = "plans", operation_id = "get_plan_report",
    security(("api_key" = ["plans:read"])),
    params(("planId" = Uuid, Path, description = "The plan."), ZoneQuery),
    responses(
        (status = 200, description = "The document.", content(
            (String = "text/markdown"),
            (String = "text/html"),
        )),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such plan."),
    )
)]
pub async fn get_plan_report(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    Query(query): Query<ZoneQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let zone = match query.zone.as_deref().map(Zone::find) {
        None => Zone::utc(),
        Some(Ok(zone)) => zone,
        Some(Err(meant)) => {
            let hint = meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            let detail = format!("there is no such time zone{hint}");
            return Err(Problem::invalid(vec![Fault::new("#/zone", detail)]));
        }
    };
    let view = plans.read(id).await?;
    let tasks: Vec<TaskState> = view.tasks.iter().map(|task| task.state.clone()).collect();
    let gates: Vec<GateState> = view.gates.iter().map(|gate| gate.state.clone()).collect();
    let running = view.row.started_at.is_some();
    let told = Told {
        plan: &view.plan,
        schedule: &view.schedule,
        tasks: running.then_some(tasks.as_slice()),
        gates: running.then_some(gates.as_slice()),
        zone: &zone,
        stage: spelled,
    };
    let title = format!("Plan: {}", view.plan.objective);
    let blocks = whole(&told, &title);
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = |kinds: &[&str]| kinds.iter().filter_map(|kind| accept.find(kind)).min();
    let wants_html = match (first(&["text/html"]), first(&["text/markdown", "text/plain"])) {
        (Some(html), Some(other)) => html < other,
        (html, _) => html.is_some(),
    };
    let (content_type, text) = if wants_html {
        ("text/html; charset=utf-8", html::render(&title, &blocks))
    } else {
        ("text/markdown; charset=utf-8", markdown::render(&blocks))
    };
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}
