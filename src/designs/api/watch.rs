//! The watch over response times.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::designs::commands::{Designs, EscalationView, WatchAsk};
use crate::designs::watch::compliance::Finding;
use crate::designs::watch::rule::Rule;
use crate::designs::watch::{Scope, ScopeKind};
use crate::kernel::clock::DateTime;
use crate::platform::http::{Json, Problem, ProblemDocument, Query, Scoped, scope};

/// What to look at.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WatchQuery {
    /// Handoffs whose deadline came from this instant on; one window before `to` when left out.
    from: Option<DateTime>,
    /// Handoffs whose deadline came before this instant; now when left out. At most 100 days after `from`.
    to: Option<DateTime>,
    /// Only scopes of this kind.
    #[param(inline)]
    group_by: Option<ScopeKind>,
    /// Only what is under the threshold.
    under: Option<bool>,
}

/// Something that was told to leadership, or to a manager.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WatchEscalation)]
pub struct EscalationWire {
    pub escalation_id: Uuid,
    pub scope: Scope,
    pub rule: Rule,
    /// The end of the second window, or the second breach.
    pub occasion: DateTime,
    /// Title, text and the roles that were told.
    #[schema(value_type = Object)]
    pub told: Value,
    pub at: DateTime,
}

impl From<EscalationView> for EscalationWire {
    fn from(view: EscalationView) -> Self {
        let EscalationView { id, scope, rule, occasion, told, at } = view;
        Self { escalation_id: id, scope, rule, occasion, told, at }
    }
}

/// How promises are kept.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaWatch)]
pub struct WatchWire {
    pub from: DateTime,
    pub to: DateTime,
    pub threshold: f64,
    /// By kind and name.
    pub findings: Vec<Finding>,
    /// There were more handoffs than one look takes in: the latest are missing.
    pub partial: bool,
    /// What was told since `from`, newest first.
    pub escalations: Vec<EscalationWire>,
}

/// Watch response times
///
/// Shares in time by segment, team and owner against the threshold, with how sure they are; under it, why handoffs were late,
/// the evidence, and who does what about it. Besides, what was escalated: two windows in a row under the threshold, or two
/// breaches of the guardrail in too short a time.
#[utoipa::path(
    get, path = "/v1/sla-watch", tag = "designs", operation_id = "watch_sla",
    security(("api_key" = ["handoffs:read"])),
    params(WatchQuery),
    responses(
        (status = 200, body = WatchWire, description = "Findings and escalations."),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "The instants make no stretch of time, or one that is too long."),
    )
)]
pub async fn watch_sla(
    State(designs): State<Designs>,
    _caller: Scoped<scope::HandoffsRead>,
    Query(query): Query<WatchQuery>,
) -> Result<Json<WatchWire>, Problem> {
    let WatchQuery { from, to, group_by, under } = query;
    let ask = WatchAsk { from, to, kind: group_by, only_under: under.unwrap_or_default() };
    let view = designs.watch(&ask).await?;
    Ok(Json(WatchWire {
        from: view.from,
        to: view.to,
        threshold: designs.terms.threshold,
        findings: view.findings,
        partial: view.partial,
        escalations: view.escalations.into_iter().map(EscalationWire::from).collect(),
    }))
}
