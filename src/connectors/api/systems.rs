//! How each connected system is doing, and what can be asked of it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connectors::commands::{Overview, SyncProgress};
use crate::connectors::limits::Quota;
use crate::connectors::watch::Alarm;
use crate::connectors::{Connectors, Finding};
use crate::kernel::clock::DateTime;
use crate::platform::http::{Json, Path, Problem, ProblemDocument, Scoped, scope};

/// How old what a system said of its quotas may be to be told: they are those of a day at the most.
const QUOTA_TOLD: Duration = Duration::from_hours(24);

/// A connected system.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorWire {
    pub name: String,
    /// Where it calls us; none when it does not.
    #[schema(required = true)]
    pub webhook_path: Option<String>,
    /// Destinations of deliveries that it serves.
    pub serves: Vec<String>,
    /// The group of signals that it keeps fresh.
    #[schema(required = true)]
    pub group: Option<String>,
    /// When it last called us.
    #[schema(required = true)]
    pub last_received_at: Option<DateTime>,
    /// When something was last read from it, to the minute.
    #[schema(required = true)]
    pub read_at: Option<DateTime>,
    /// Since when nothing can be read from it; none while it can.
    #[schema(required = true)]
    pub failing_since: Option<DateTime>,
    /// Why nothing can be read from it.
    #[schema(required = true)]
    pub error: Option<String>,
    /// Calls that wait to be read.
    pub waiting: i64,
    /// Calls that could not be understood.
    pub dead: i64,
    /// How much of what the system allows is used, by window, as last heard of.
    pub quotas: BTreeMap<String, Quota>,
    /// How far readings of everything have come, by kind of object.
    pub syncs: Vec<SyncWire>,
    /// What somebody should know of it now.
    pub alarms: Vec<AlarmWire>,
}

/// Something that is amiss.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmWire {
    /// `quota`, `stalled`, `silent`, `undelivered` or `people`.
    pub kind: String,
    /// What of it: the window of a quota, the destination of deliveries; empty where there is only one thing.
    pub subject: String,
    /// 1, or 2 when it is worse: a quota of which 90 % are used.
    pub level: i32,
    /// What is amiss and what to do.
    pub said: String,
    pub raised_at: DateTime,
}

impl From<Alarm> for AlarmWire {
    fn from(alarm: Alarm) -> Self {
        let Alarm { kind, subject, level, said, raised_at, .. } = alarm;
        Self { kind, subject, level, said, raised_at }
    }
}

/// How far a reading of everything has come.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncWire {
    pub object: String,
    pub started_at: DateTime,
    /// Objects read so far.
    pub objects: i64,
    /// Objects in all, where the system says so.
    #[schema(required = true)]
    pub total: Option<i64>,
    pub changed_at: DateTime,
    /// None while it is under way.
    #[schema(required = true)]
    pub finished_at: Option<DateTime>,
    /// Why it does not go on.
    #[schema(required = true)]
    pub error: Option<String>,
}

impl From<SyncProgress> for SyncWire {
    fn from(row: SyncProgress) -> Self {
        Self {
            object: row.object,
            started_at: row.started_at,
            objects: row.objects,
            total: row.total,
            changed_at: row.changed_at,
            finished_at: row.finished_at,
            error: row.last_error,
        }
    }
}

impl From<Overview<'_>> for ConnectorWire {
    fn from(overview: Overview<'_>) -> Self {
        let Overview { connector, standing, progress, source, alarms } = overview;
        let path = connector.inbound.as_ref().map(|_| format!("/v1/webhooks/{}", connector.name));
        Self {
            name: connector.name.clone(),
            webhook_path: path,
            serves: connector.senders.iter().map(|(to, _)| (*to).to_owned()).collect(),
            group: connector.source.as_ref().map(|source| source.group().name().to_owned()),
            last_received_at: standing.as_ref().and_then(|standing| standing.last_received_at),
            waiting: standing.as_ref().map_or(0, |standing| standing.waiting),
            dead: standing.as_ref().map_or(0, |standing| standing.dead),
            quotas: connector.limits.as_ref().map(|limits| limits.quotas(QUOTA_TOLD)).unwrap_or_default(),
            syncs: progress.into_iter().map(SyncWire::from).collect(),
            read_at: source.as_ref().and_then(|source| source.read_at),
            failing_since: source.as_ref().and_then(|source| source.failing_since),
            error: source.and_then(|source| source.last_error),
            alarms: alarms.into_iter().map(AlarmWire::from).collect(),
        }
    }
}

/// The connected systems.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectorList {
    pub data: Vec<ConnectorWire>,
    /// What somebody should know of the service itself: its own quotas, deliveries to endpoints.
    pub alarms: Vec<AlarmWire>,
}

/// What a check found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckAnswer {
    /// Nothing is amiss.
    pub ok: bool,
    pub findings: Vec<Finding>,
}

/// How far readings have come.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SyncAnswer {
    pub syncs: Vec<SyncWire>,
}

/// List connected systems
///
/// What each does here, when it was last heard of and last read, what waits, how much of its quotas is used, and what is
/// amiss with it.
#[utoipa::path(
    get, path = "/v1/connectors", tag = "connectors", operation_id = "list_connectors",
    security(("api_key" = ["config:read"])),
    responses((status = 200, body = ConnectorList, description = "All connectors, by name."))
)]
pub async fn list_connectors(
    State(connectors): State<Connectors>,
    _caller: Scoped<scope::ConfigRead>,
) -> Result<Json<ConnectorList>, Problem> {
    let (overviews, alarms) = connectors.overview().await?;
    let data = overviews.into_iter().map(ConnectorWire::from).collect();
    Ok(Json(ConnectorList { data, alarms: alarms.into_iter().map(AlarmWire::from).collect() }))
}

/// Try what a connector needs
///
/// Credentials, scopes, properties and webhooks, as far as the system lets us look; nothing is written there.
#[utoipa::path(
    post, path = "/v1/connectors/{connector}/check", tag = "connectors", operation_id = "check_connector",
    security(("api_key" = ["config:write"])),
    params(("connector" = String, Path, description = "The connector, as the settings name it.")),
    responses(
        (status = 200, body = CheckAnswer, description = "One finding for each thing tried."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No such connector is set up."),
    )
)]
pub async fn check_connector(
    State(connectors): State<Connectors>,
    _caller: Scoped<scope::ConfigWrite>,
    Path(connector): Path<String>,
) -> Result<Json<CheckAnswer>, Problem> {
    let findings = connectors.check(&connector).await?;
    Ok(Json(CheckAnswer { ok: findings.iter().all(|finding| finding.ok), findings }))
}

/// Read everything of a system from the beginning
///
/// Page by page in the background, within the system's limits; `GET /v1/connectors` shows how far it has come. A
/// reading that is under way goes on where it is.
#[utoipa::path(
    post, path = "/v1/connectors/{connector}/sync", tag = "connectors", operation_id = "sync_connector",
    security(("api_key" = ["config:write"])),
    params(("connector" = String, Path, description = "The connector, as the settings name it.")),
    responses(
        (status = 202, body = SyncAnswer, description = "It is under way."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No such connector is set up."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "The connector cannot be read from."),
    )
)]
pub async fn sync_connector(
    State(connectors): State<Connectors>,
    _caller: Scoped<scope::ConfigWrite>,
    Path(connector): Path<String>,
) -> Result<(axum::http::StatusCode, Json<SyncAnswer>), Problem> {
    let syncs = connectors.begin_sync(&connector).await?.into_iter().map(SyncWire::from).collect();
    Ok((axum::http::StatusCode::ACCEPTED, Json(SyncAnswer { syncs })))
}
