//! A look ahead at the clock of a handoff.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::handoffs::commands::{Handoffs, PreviewAsk};
use crate::handoffs::sla::SlaPreview;
use crate::kernel::clock::DateTime;
use crate::platform::http::{Json, Problem, ProblemDocument, Query, Scoped, scope};

/// Of what to look ahead.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PreviewQuery {
    /// The type of handoff, such as `mql_to_sales`.
    r#type: String,
    /// The team that takes over; the type's when left out.
    team: Option<String>,
    /// The account's segment, such as `enterprise`; the terms for all of the type when left out.
    segment: Option<String>,
    /// The rep who would have it; only the team's hours count when left out.
    rep: Option<String>,
    /// When it would begin; now when left out.
    at: Option<DateTime>,
}

/// Preview the clock of a handoff
///
/// When a handoff that begins at some instant would be due, every step with its time, and what each day gives to it
/// and why. The same arithmetic as the clock of a real handoff.
#[utoipa::path(
    get, path = "/v1/sla/preview", tag = "roster", operation_id = "preview_sla",
    security(("api_key" = ["config:read"])),
    params(PreviewQuery),
    responses(
        (status = 200, body = SlaPreview, description = "Steps and days."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such type, team or rep."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "The calendars leave no working time."),
    )
)]
pub async fn preview_sla(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::ConfigRead>,
    Query(query): Query<PreviewQuery>,
) -> Result<Json<SlaPreview>, Problem> {
    let PreviewQuery { r#type: type_name, team, segment, rep, at } = query;
    Ok(Json(handoffs.preview_sla(&PreviewAsk { type_name, team, segment, rep, at }).await?))
}
