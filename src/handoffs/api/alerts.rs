//! Alerts that were held back because somebody had too many, and what became of them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::handoffs::commands::Handoffs;
use crate::handoffs::store::{HeldAlertRow, HeldFilter};
use crate::kernel::clock::DateTime;
use crate::motions::Urgency;
use crate::platform::http::{Json, Page, PageParams, Paged, Problem, Scoped, scope};

/// What became of an alert that was held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Waits for its digest.
    Held,
    /// It was told in a digest.
    Digested,
    /// There was no point in telling it any more.
    Dropped,
}

impl AlertState {
    fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Digested => "digested",
            Self::Dropped => "dropped",
        }
    }
}

/// An alert that was held back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HeldAlert)]
pub struct AlertWire {
    pub alert_id: Uuid,
    /// Whom it was for.
    pub rep_id: String,
    pub account_id: String,
    pub account_name: String,
    pub handoff_id: Uuid,
    pub title: String,
    pub body: String,
    #[schema(inline)]
    pub priority: Urgency,
    /// Why it was held: `over_budget`.
    pub reason: String,
    pub held_at: DateTime,
    /// `held`, `digested` or `dropped`.
    #[schema(value_type = AlertState)]
    pub state: String,
    /// When it was told or dropped.
    #[schema(required = true)]
    pub settled_at: Option<DateTime>,
    /// The digest that it was told in.
    #[schema(required = true)]
    pub digest_id: Option<Uuid>,
    /// `handoff_over`, `not_the_owner`, `already_done`, `the_owner_again` or `off_the_roster`.
    #[schema(required = true)]
    pub dropped_because: Option<String>,
}

impl From<HeldAlertRow> for AlertWire {
    fn from(row: HeldAlertRow) -> Self {
        Self {
            alert_id: row.id,
            rep_id: row.rep_id.into(),
            account_id: row.account_id,
            account_name: row.account_name,
            handoff_id: row.handoff_id,
            title: row.title,
            body: row.body,
            priority: row.priority,
            reason: row.reason,
            held_at: row.held_at,
            state: row.state,
            settled_at: row.settled_at,
            digest_id: row.digest_id,
            dropped_because: row.dropped_because,
        }
    }
}

/// Which held alerts to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct AlertQuery {
    /// Only what was for this rep.
    rep_id: Option<String>,
    #[param(inline)]
    state: Option<AlertState>,
    /// Only what is about this handoff.
    handoff_id: Option<Uuid>,
}

/// List alerts that were held back
///
/// A person gets so many alerts that are not urgent at once as the budget allows; the others are told in a digest, or not
/// at all once there is no point in it. Newest first. Alerts that went out at once are among the deliveries.
#[utoipa::path(
    get, path = "/v1/alerts", tag = "handoffs", operation_id = "list_alerts",
    security(("api_key" = ["handoffs:read"])),
    params(AlertQuery, PageParams),
    responses((status = 200, body = Page<AlertWire>, description = "Alerts, newest first."))
)]
pub async fn list_alerts(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::HandoffsRead>,
    Paged { filter, page }: Paged<AlertQuery>,
) -> Result<Json<Page<AlertWire>>, Problem> {
    let filter = HeldFilter {
        rep_id: filter.rep_id,
        state: filter.state.map(AlertState::name),
        handoff_id: filter.handoff_id,
        before: page.after()?,
        limit: page.fetch(),
    };
    let rows = handoffs.held_alerts(&filter).await?;
    Ok(Json(page.cut(rows, |row| row.id, AlertWire::from)))
}
