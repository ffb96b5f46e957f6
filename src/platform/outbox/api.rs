//! Deliveries over HTTP: what left, what waits, what is dead, and sending it again.

use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::people;
use super::store::{self, Delivery, DeliveryFilter, Stuck};
use crate::kernel::clock::DateTime;
use crate::platform::audit;
use crate::platform::db;
use crate::platform::dead::DeadRetried;
use crate::platform::http::{
    Json, Page, PageParams, Paged, Path, Platform, Problem, ProblemDocument, Scoped, scope,
};

/// The routes of the outbox.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Platform: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(retry_delivery))
        .routes(routes!(retry_deliveries))
        .routes(routes!(settle_delivery))
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Not tried yet.
    Pending,
    /// Failed at least once; tried again at `dueAt`.
    Retrying,
    /// The receiver answered with success.
    Delivered,
    /// Given up; can be sent again.
    Dead,
    /// No endpoint is configured for its destination; kept, can be sent again.
    Recorded,
}

impl DeliveryStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Retrying => "retrying",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Recorded => "recorded",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "retrying" => Self::Retrying,
            "delivered" => Self::Delivered,
            "dead" => Self::Dead,
            "recorded" => Self::Recorded,
            // The table's constraint admits no other name.
            _ => Self::Pending,
        }
    }
}

/// One effect on its way out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryWire {
    /// Also the `webhook-id` and the `idempotency-key` of every attempt.
    pub delivery_id: Uuid,
    pub account_id: String,
    /// The decision that caused it; none when something else did.
    pub decision_id: Option<Uuid>,
    /// The handoff that caused it; none when something else did.
    pub handoff_id: Option<Uuid>,
    /// The digest that it is: of several handoffs, under the account `@system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_id: Option<Uuid>,
    /// The plan that caused it; under `@system` where that belongs to no account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<Uuid>,
    /// The erasure, or the event that ended a consent, that caused it; none when something else did.
    pub privacy_id: Option<Uuid>,
    /// The alarm that it tells of, under the account `@system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_id: Option<Uuid>,
    /// The skill or the command that is called.
    pub destination: String,
    pub status: DeliveryStatus,
    pub attempts: i32,
    /// When the next attempt is due; for finished ones, when they ended.
    pub due_at: DateTime,
    /// The HTTP status of the last answer.
    #[schema(required = true)]
    pub last_status: Option<i32>,
    #[schema(required = true)]
    pub last_error: Option<String>,
    pub created_at: DateTime,
    #[schema(required = true)]
    pub delivered_at: Option<DateTime>,
    /// Who delivered it: `webhook`, or `local` when the service kept it itself.
    pub provider: Option<String>,
    /// The body, the same in every attempt.
    #[schema(value_type = Object)]
    pub payload: Value,
}

impl From<Delivery> for DeliveryWire {
    fn from(row: Delivery) -> Self {
        Self {
            delivery_id: row.id,
            account_id: row.account_id,
            decision_id: row.decision_id,
            handoff_id: row.handoff_id,
            digest_id: row.digest_id,
            plan_id: row.plan_id,
            privacy_id: row.privacy_id,
            alarm_id: row.alarm_id,
            destination: row.destination,
            status: DeliveryStatus::from_name(&row.status),
            attempts: row.attempts,
            due_at: row.due_at,
            last_status: row.last_status,
            last_error: row.last_error,
            created_at: row.created_at,
            delivered_at: row.delivered_at,
            provider: row.provider,
            // The column holds JSON, so this cannot fail.
            payload: serde_json::from_str(row.payload.0.get()).unwrap_or(Value::Null),
        }
    }
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct DeliveryQuery {
    #[param(inline)]
    status: Option<DeliveryStatus>,
    /// Only deliveries to this skill.
    destination: Option<String>,
    /// Only deliveries about this account.
    account_id: Option<String>,
    /// Only deliveries of this decision.
    decision_id: Option<Uuid>,
    /// Only deliveries of this handoff.
    handoff_id: Option<Uuid>,
}

/// List deliveries
///
/// Outbound effects, newest first.
#[utoipa::path(
    get, path = "/v1/deliveries", tag = "deliveries", operation_id = "list_deliveries",
    security(("api_key" = ["decisions:read"])),
    params(DeliveryQuery, PageParams),
    responses((status = 200, body = Page<DeliveryWire>, description = "Deliveries, newest first."))
)]
pub async fn list_deliveries(
    State(platform): State<Platform>,
    _caller: Scoped<scope::DecisionsRead>,
    Paged { filter, page }: Paged<DeliveryQuery>,
) -> Result<Json<Page<DeliveryWire>>, Problem> {
    let filter = DeliveryFilter {
        status: filter.status.map(|status| status.name().to_owned()),
        destination: filter.destination,
        account_id: filter.account_id,
        decision_id: filter.decision_id,
        handoff_id: filter.handoff_id,
        before: page.after()?,
        limit: page.fetch(),
    };
    let rows = store::list(&platform.pool, &filter).await?;
    Ok(Json(page.cut(rows, |row| row.id, DeliveryWire::from)))
}

/// Read a delivery
#[utoipa::path(
    get, path = "/v1/deliveries/{deliveryId}", tag = "deliveries", operation_id = "get_delivery",
    security(("api_key" = ["decisions:read"])),
    params(("deliveryId" = Uuid, Path, description = "The delivery.")),
    responses(
        (status = 200, body = DeliveryWire, description = "The delivery."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such delivery."),
    )
)]
pub async fn get_delivery(
    State(platform): State<Platform>,
    _caller: Scoped<scope::DecisionsRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<DeliveryWire>, Problem> {
    let row = store::find(&platform.pool, id).await?.ok_or_else(|| Problem::not_found("delivery", id))?;
    Ok(Json(row.into()))
}

/// Send a delivery again
///
/// With the same id and body, from its first attempt. One that was delivered is left alone.
#[utoipa::path(
    post, path = "/v1/deliveries/{deliveryId}/retry", tag = "deliveries", operation_id = "retry_delivery",
    security(("api_key" = ["decisions:write"])),
    params(("deliveryId" = Uuid, Path, description = "The delivery.")),
    responses(
        (status = 200, body = DeliveryWire, description = "Waiting for its first attempt."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such delivery."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It was delivered."),
    )
)]
pub async fn retry_delivery(
    State(platform): State<Platform>,
    caller: Scoped<scope::DecisionsWrite>,
    Path(id): Path<Uuid>,
) -> Result<Json<DeliveryWire>, Problem> {
    let now = platform.clock.now();
    let found = store::find(&platform.pool, id).await?.ok_or_else(|| Problem::not_found("delivery", id))?;
    let mut tx = db::begin(&platform.pool).await?;
    let Some(row) = store::retry(&mut tx, id, now).await? else {
        return Err(Problem::conflict(
            "already_delivered",
            "This delivery reached its receiver; it is not sent again.",
        ));
    };
    let entry = audit::Entry::new(
        caller.actor(),
        "delivery.retried",
        format!("delivery:{id}"),
        serde_json::json!({ "destination": found.destination, "attempts": found.attempts }),
    );
    audit::append(&mut tx, &found.account_id, now, &[entry]).await?;
    tx.commit().await?;
    Ok(Json(row.into()))
}

/// Which deliveries to send again.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct RetryDeliveries {
    status: StuckStatus,
    /// Only deliveries to this destination.
    destination: Option<String>,
    /// Only deliveries about this account.
    account_id: Option<String>,
    /// Count them and leave them.
    dry_run: bool,
}

/// Deliveries that do not go out by themselves any more.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StuckStatus {
    /// Given up.
    #[default]
    Dead,
    /// No endpoint was configured.
    Recorded,
}

impl StuckStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Recorded => "recorded",
        }
    }
}

/// Send many deliveries again
///
/// In the order in which they were made, 10,000 at the most in one call; `left` says how many remain. With `dryRun` they
/// are counted and stay.
#[utoipa::path(
    post, path = "/v1/deliveries/retry", tag = "deliveries", operation_id = "retry_deliveries",
    security(("api_key" = ["decisions:write"])),
    request_body = RetryDeliveries,
    responses((status = 200, body = DeadRetried, description = "How many, by destination."))
)]
pub async fn retry_deliveries(
    State(platform): State<Platform>,
    caller: Scoped<scope::DecisionsWrite>,
    Json(asked): Json<RetryDeliveries>,
) -> Result<Json<DeadRetried>, Problem> {
    let which = Stuck {
        status: asked.status.name(),
        destination: asked.destination.as_deref(),
        account_id: asked.account_id.as_deref(),
    };
    let now = platform.clock.now();
    let mut tx = db::begin(&platform.pool).await?;
    let groups = store::count_stuck(&mut tx, which).await?;
    if asked.dry_run {
        return Ok(Json(DeadRetried::new(true, groups, 0)));
    }
    let count = store::retry_stuck(&mut tx, which, now).await?;
    if count > 0 {
        let details = serde_json::json!({
            "status": which.status, "destination": which.destination, "accountId": which.account_id, "count": count,
        });
        let entry =
            audit::Entry::new(caller.actor(), "deliveries.retried", "delivery:dead".to_owned(), details);
        audit::append(&mut tx, audit::SYSTEM, now, &[entry]).await?;
    }
    tx.commit().await?;
    Ok(Json(DeadRetried::new(false, groups, count)))
}

/// Note that a command about a person was seen to
///
/// For a recipient that cannot be told by itself (a CRM, a channel): somebody has erased the person there, or has had the
/// recipient stop using what it was shown. Whom the command was about is then forgotten.
#[utoipa::path(
    post, path = "/v1/deliveries/{deliveryId}/settle", tag = "deliveries", operation_id = "settle_delivery",
    security(("api_key" = ["decisions:write"])),
    params(("deliveryId" = Uuid, Path, description = "The delivery.")),
    responses(
        (status = 200, body = DeliveryWire, description = "It counts as delivered, by a person."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such command that waits for somebody."),
    )
)]
pub async fn settle_delivery(
    State(platform): State<Platform>,
    caller: Scoped<scope::DecisionsWrite>,
    Path(id): Path<Uuid>,
) -> Result<Json<DeliveryWire>, Problem> {
    let now = platform.clock.now();
    let missing = || Problem::not_found("command about a person that waits for somebody", id);
    let mut tx = db::begin(&platform.pool).await?;
    let account_id = people::settle(&mut tx, id, now).await?.ok_or_else(missing)?;
    let details = serde_json::json!({});
    let entry = audit::Entry::new(caller.actor(), "delivery.settled", format!("delivery:{id}"), details);
    audit::append(&mut tx, &account_id, now, &[entry]).await?;
    tx.commit().await?;
    let row = store::find(&platform.pool, id).await?.ok_or_else(missing)?;
    Ok(Json(row.into()))
}
