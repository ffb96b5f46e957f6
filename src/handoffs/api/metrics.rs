//! Figures of handoffs and of the rotations that share them out.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::handoffs::commands::Handoffs;
use crate::handoffs::metrics::{GroupBy, HandoffMetrics, PoolMetrics};
use crate::kernel::clock::DateTime;
use crate::platform::http::{Json, Problem, ProblemDocument, Query, Scoped, scope};

/// Which handoffs to measure.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HandoffMetricsQuery {
    /// Handoffs that were made from this instant on; 28 days before `to` when left out.
    from: Option<DateTime>,
    /// Handoffs that were made before this instant; all up to now when left out. At most 400 days after `from`.
    to: Option<DateTime>,
    /// Tell the figures of each group, too.
    #[param(inline)]
    group_by: Option<GroupBy>,
}

/// Which turns to measure.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PoolMetricsQuery {
    /// Turns that began from this instant on; 28 days before `to` when left out.
    from: Option<DateTime>,
    /// Turns that began before this instant; all up to now when left out. At most 400 days after `from`.
    to: Option<DateTime>,
}

/// Measure handoffs
///
/// Of the handoffs that were made in a stretch of time, as they stand now: times to contact, meeting and owner, deadlines,
/// conversion, ratings and completeness with their targets, and what went another way. A figure with nothing to compute it
/// from is null.
#[utoipa::path(
    get, path = "/v1/metrics/handoffs", tag = "handoffs", operation_id = "measure_handoffs",
    security(("api_key" = ["handoffs:read"])),
    params(HandoffMetricsQuery),
    responses(
        (status = 200, body = HandoffMetrics, description = "The total, and the groups by key."),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "The instants make no stretch of time, or one that is too long."),
    )
)]
pub async fn measure_handoffs(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::HandoffsRead>,
    Query(query): Query<HandoffMetricsQuery>,
) -> Result<Json<HandoffMetrics>, Problem> {
    Ok(Json(handoffs.handoff_metrics(query.from, query.to, query.group_by).await?))
}

/// Measure the rotations
///
/// Of each team: what each rep took and was due in a stretch of time, how far the accounts of the rotation are from even
/// now, and what reached the team's people another way. The deviation is kept over the whole life of a rotation; editing
/// the roster does not reset it.
#[utoipa::path(
    get, path = "/v1/metrics/pools", tag = "handoffs", operation_id = "measure_pools",
    security(("api_key" = ["handoffs:read"])),
    params(PoolMetricsQuery),
    responses(
        (status = 200, body = PoolMetrics, description = "The rotation of each team on the roster."),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "The instants make no stretch of time, or one that is too long."),
    )
)]
pub async fn measure_pools(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::HandoffsRead>,
    Query(query): Query<PoolMetricsQuery>,
) -> Result<Json<PoolMetrics>, Problem> {
    Ok(Json(handoffs.pool_metrics(query.from, query.to).await?))
}
