//! Making, changing and reading designs.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::wire::{ChangesWire, DesignLine, DesignStatus, DesignWire, VersionWire};
use crate::designs::brief::{Ask, Segment};
use crate::designs::commands::{DesignView, Designs, MakeAsk, ReviseAsk};
use crate::designs::store::DesignFilter;
use crate::handoffs::api::prefers_html;
use crate::plans::api::wire;
use crate::plans::model::Plan;
use crate::platform::http::{
    Created, Fault, IdempotencyParams, Json, Page, PageParams, Paged, Path, Precondition, Problem,
    ProblemDocument, Scoped, Tagged, scope,
};

/// Make a handoff design
///
/// From what is wanted to a packet that can be signed: intake, routing matrix, SLA tables, escalation tree, checklist,
/// enablement with due dates, and the plan that gets there. Computed on the live roster, types and policy and on the
/// handoffs of the last eight weeks. With `dryRun` the answer is the same and nothing is written.
#[utoipa::path(
    post, path = "/v1/handoff-designs", tag = "designs", operation_id = "make_handoff_design",
    security(("api_key" = ["plans:write"])),
    params(IdempotencyParams),
    extensions(("x-timeout-seconds" = json!(120))),
    request_body = Ask,
    responses(
        (status = 201, body = DesignWire, description = "The design, or the preview of it."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named; or nobody takes part in the team's rotation."),
    )
)]
pub async fn make_design(
    State(designs): State<Designs>,
    caller: Scoped<scope::PlansWrite>,
    Json(body): Json<Ask>,
) -> Result<Created<DesignWire>, Problem> {
    let dry_run = body.dry_run;
    let author = named(body.author.as_deref(), &caller.label)?;
    let ask = MakeAsk { inputs: body, author, actor: caller.actor(), dry_run };
    let view = designs.make(&ask).await?;
    let location = format!("/v1/handoff-designs/{}", view.row.id);
    Ok(Created { location, body: DesignWire::of(view, Vec::new(), dry_run) })
}

/// A name that somebody gave, else that of the key.
pub(super) fn named(given: Option<&str>, label: &str) -> Result<String, Problem> {
    let name = given.unwrap_or(label).trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::invalid(vec![Fault::new("#/author", "must have 1 to 200 characters")]));
    }
    Ok(name.to_owned())
}

/// A design with its tag.
pub(super) async fn told(designs: &Designs, view: DesignView) -> Result<Tagged<DesignWire>, Problem> {
    let changed = designs.base_of(&view).await?;
    Ok(Tagged { tag: view.tag.clone(), body: DesignWire::of(view, changed, false) })
}

/// Which designs to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DesignQuery {
    /// Only designs that stand so.
    #[param(inline)]
    status: Option<DesignStatus>,
    /// Only designs for this segment.
    #[param(inline)]
    segment: Option<Segment>,
}

/// List handoff designs
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/handoff-designs", tag = "designs", operation_id = "list_handoff_designs",
    security(("api_key" = ["plans:read"])),
    params(DesignQuery, PageParams),
    responses((status = 200, body = Page<DesignLine>, description = "Designs, newest first."))
)]
pub async fn list_designs(
    State(designs): State<Designs>,
    _caller: Scoped<scope::PlansRead>,
    Paged { filter, page }: Paged<DesignQuery>,
) -> Result<Json<Page<DesignLine>>, Problem> {
    let filter = DesignFilter {
        status: filter.status.map(DesignStatus::name),
        segment: filter.segment.map(Segment::name),
        before: page.after()?,
        limit: page.fetch(),
    };
    let rows = designs.list(&filter).await?;
    Ok(Json(page.cut(rows, |row| row.id, DesignLine::from)))
}

/// Read a handoff design
///
/// In its newest version, with its sign-offs, and with what has changed of what it was made on.
#[utoipa::path(
    get, path = "/v1/handoff-designs/{designId}", tag = "designs", operation_id = "get_handoff_design",
    security(("api_key" = ["plans:read"])),
    params(("designId" = Uuid, Path, description = "The design.")),
    responses(
        (status = 200, body = DesignWire, description = "The design, with its ETag."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such design."),
    )
)]
pub async fn get_design(
    State(designs): State<Designs>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let view = designs.read(id).await?;
    Ok(told(&designs, view).await?.into_response())
}

/// A change of a design.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = DesignChange)]
pub struct ChangeBody {
    /// What differs of the inputs, as a JSON merge patch (RFC 7396): `{"responseSla": "4h", "capacity": {"reps": null}}`.
    /// Empty to make the same design anew on what is live.
    #[schema(value_type = Object)]
    changes: Value,
    /// Kept with the version.
    why: String,
    /// Who changes it, by name; the key's name when left out.
    #[serde(default)]
    author: Option<String>,
    /// Say how it would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Change a handoff design
///
/// Makes a new version on what is live now, which nobody has signed; needs `If-Match`. What was scheduled of the version
/// before is called off. A live design is rolled back first.
#[utoipa::path(
    patch, path = "/v1/handoff-designs/{designId}", tag = "designs", operation_id = "change_handoff_design",
    security(("api_key" = ["plans:write"])),
    params(("designId" = Uuid, Path, description = "The design."), IdempotencyParams),
    extensions(("x-timeout-seconds" = json!(120))),
    request_body = ChangeBody,
    responses(
        (status = 200, body = DesignWire, description = "The new version, with its ETag."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such design."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is live."),
        (status = 412, body = ProblemDocument, content_type = "application/problem+json", description = "It has changed since it was read."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
        (status = 428, body = ProblemDocument, content_type = "application/problem+json", description = "If-Match is missing."),
    )
)]
pub async fn change_design(
    State(designs): State<Designs>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    precondition: Precondition,
    Json(body): Json<ChangeBody>,
) -> Result<Response, Problem> {
    let mut faults = Vec::new();
    if body.why.trim().is_empty() || body.why.chars().count() > 2_000 {
        faults.push(Fault::new("#/why", "say why in 1 to 2000 characters; it is kept with the version"));
    }
    if !body.changes.is_object() {
        faults.push(Fault::new("#/changes", "must be an object that names the inputs that differ"));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let author = named(body.author.as_deref(), &caller.label)?;
    let ask = ReviseAsk {
        changes: body.changes,
        author,
        actor: caller.actor(),
        why: body.why,
        dry_run: body.dry_run,
    };
    let view = designs.revise(id, &precondition, &ask).await?;
    // A version that was only looked at is made on what is live now.
    let changed = if ask.dry_run { Vec::new() } else { designs.base_of(&view).await? };
    Ok(Tagged { tag: view.tag.clone(), body: DesignWire::of(view, changed, false) }.into_response())
}

/// Read the change log of a handoff design
///
/// Every version with who, when, why, and what differs from the one before: of the request, and of the plan.
#[utoipa::path(
    get, path = "/v1/handoff-designs/{designId}/changes", tag = "designs", operation_id = "list_handoff_design_changes",
    security(("api_key" = ["plans:read"])),
    params(("designId" = Uuid, Path, description = "The design.")),
    responses(
        (status = 200, body = ChangesWire, description = "Versions, the newest first."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such design."),
    )
)]
pub async fn list_design_changes(
    State(designs): State<Designs>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<ChangesWire>, Problem> {
    let data = designs.changes(id).await?.into_iter().map(VersionWire::from).collect();
    Ok(Json(ChangesWire { data }))
}

/// Read the plan of a handoff design
///
/// The plan document of the newest version.
#[utoipa::path(
    get, path = "/v1/handoff-designs/{designId}/plan.json", tag = "designs", operation_id = "get_handoff_design_plan",
    security(("api_key" = ["plans:read"])),
    params(("designId" = Uuid, Path, description = "The design.")),
    responses(
        (status = 200, body = Plan, description = "The plan."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such design."),
    )
)]
pub async fn get_design_plan(
    State(designs): State<Designs>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    designs.found(id).await?;
    wire::document(&designs.plans, id, None).await
}

/// Read the packet of a handoff design as a document
///
/// Markdown, or one HTML document when `Accept` prefers it.
#[utoipa::path(
    get, path = "/v1/handoff-designs/{designId}/document", tag = "designs", operation_id = "get_handoff_design_document",
    security(("api_key" = ["plans:read"])),
    params(("designId" = Uuid, Path, description = "The design.")),
    responses(
        (status = 200, description = "The document.", content(
            (String = "text/markdown"),
            (String = "text/html"),
        )),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such design."),
    )
)]
pub async fn get_design_document(
    State(designs): State<Designs>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let html = prefers_html(&headers);
    let document = designs.document(id, html).await?;
    let content_type = if html { "text/html; charset=utf-8" } else { "text/markdown; charset=utf-8" };
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, content_type)], document).into_response())
}
