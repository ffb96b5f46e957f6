//! The list of coming renewals.

use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::wire::MoneyWire;
use crate::platform::http::{Fault, Json, Problem, ProblemDocument, Query, Scoped, scope};
use crate::renewals::commands::Renewals;
use crate::renewals::rating::{PlayProposal, Rating, TierProposal};
use crate::renewals::upcoming::{Basis, Urgency, when_to_start};

/// How far ahead the list looks when nobody says: a quarter.
const DAYS_DEFAULT: u32 = 90;
/// The furthest that it looks.
const DAYS_MAX: u32 = 400;
/// Rows of an answer when nobody says, and at most.
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// How far ahead to look, and for how many.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct UpcomingQuery {
    /// Within so many days.
    #[param(minimum = 1, maximum = 400, default = 90)]
    days: Option<u32>,
    /// At most so many rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// A renewal that comes, with what is proposed for it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UpcomingRenewal)]
pub struct ComingWire {
    pub account_id: String,
    pub name: Option<String>,
    pub deadline: NaiveDate,
    /// What ends: subscriptions and deals.
    pub basis: Vec<Basis>,
    /// A year of what ends.
    pub value: Option<MoneyWire>,
    pub tier: TierProposal,
    pub risk: Rating,
    pub play: PlayProposal,
    /// The last day on which the whole play still fits.
    pub start_by: NaiveDate,
    pub urgency: Urgency,
    /// In words.
    pub when_to_start: String,
    /// The renewal that is under way for it.
    pub renewal_id: Option<Uuid>,
    /// Renewals of the same account that come later within the horizon.
    pub later: usize,
}

/// Coming renewals.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UpcomingRenewals)]
pub struct UpcomingWire {
    /// What is to be begun first, first.
    pub data: Vec<ComingWire>,
    /// All that there are, shown or not.
    pub total: usize,
    /// More accounts renew in time than one answer looks at: ask for fewer days.
    pub cut: bool,
}

/// List coming renewals
///
/// Subscriptions that end and renewal deals that close within so many days, with the tier, risk and play that would be
/// proposed, the value at stake and the latest day to begin. What is late to begin comes first, then what must begin within a
/// week; among equals the redder, the more valuable, the earlier.
#[utoipa::path(
    get, path = "/v1/renewals/upcoming", tag = "plans", operation_id = "list_upcoming_renewals",
    security(("api_key" = ["plans:read"])),
    params(UpcomingQuery),
    responses(
        (status = 200, body = UpcomingWire, description = "Coming renewals, most urgent first."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "A number is out of range."),
    )
)]
pub async fn list_upcoming_renewals(
    State(renewals): State<Renewals>,
    _caller: Scoped<scope::PlansRead>,
    Query(query): Query<UpcomingQuery>,
) -> Result<Json<UpcomingWire>, Problem> {
    let (days, limit) = (query.days.unwrap_or(DAYS_DEFAULT), query.limit.unwrap_or(LIMIT_DEFAULT));
    let mut faults = Vec::new();
    if !(1..=DAYS_MAX).contains(&days) {
        faults.push(Fault::new("days", format!("is out of range: write 1 to {DAYS_MAX}")));
    }
    if !(1..=LIMIT_MAX).contains(&limit) {
        faults.push(Fault::new("limit", format!("is out of range: write 1 to {LIMIT_MAX}")));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let found = renewals.upcoming(days).await?;
    let total = found.list.len();
    let data = found.list.into_iter().take(limit).map(|one| {
        let open = found.open.get(&one.account_id).map(Vec::as_slice).unwrap_or_default();
        // A renewal stands for the dates that belong together, whichever of them it was made for.
        let covers = |deadline: &NaiveDate| {
            one.basis.iter().any(|basis| basis.date == *deadline) || *deadline == one.deadline
        };
        ComingWire {
            renewal_id: open.iter().find(|(_, deadline)| covers(deadline)).map(|(id, _)| *id),
            when_to_start: when_to_start(one.start_by, found.today),
            account_id: one.account_id,
            name: one.name,
            deadline: one.deadline,
            basis: one.basis,
            value: one.value.map(MoneyWire::from),
            tier: one.tier,
            risk: one.rating,
            play: one.play,
            start_by: one.start_by,
            urgency: one.urgency,
            later: one.later,
        }
    });
    Ok(Json(UpcomingWire { data: data.collect(), total, cut: found.cut }))
}
