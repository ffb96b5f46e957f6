//! The use cases of connectors: taking calls in, reading them, asking systems for what they only hinted at.

mod ask;
mod custody;
mod dead;
mod fetch;
mod read;
mod watch;

use axum::http::HeaderMap;
use uuid::Uuid;

use super::inbound::{About, Call, Refusal, Reply};
use super::store::{self, Standing};
use super::watch::{Alarm, SERVICE, SourceState};
use super::{Connectors, Finding};
use crate::accounts::IntakeError;
use crate::handoffs::commands::HandoffError;
use crate::kernel::ids::new_id;
use crate::platform::audit::AuditError;
use crate::platform::dead::RETRY_MAX;

pub use super::store::{DeadReceived, ReceivedFilter, ReceivedRow, SyncProgress};
pub use ask::Asker;
pub use custody::CallCustodian;
pub use dead::{preview_dead, retry_dead};

/// The kind of job that reads one changed object; its key is `connector/object/id`.
pub const FETCH: &str = "connector_fetch";
/// The kind of job that reads everything about an account; its key is `group/account`.
pub const REFRESH: &str = "connector_refresh";
/// The kind of job that reads a page of everything; its key is `connector/object`.
pub const SYNC: &str = "connector_sync";
/// All of them, in the order in which they are done: what somebody waits for before what takes long.
pub const KINDS: [&str; 3] = [REFRESH, FETCH, SYNC];

/// Why something about a connector could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    #[error("no connector `{name}` is set up{}", hint(.known))]
    Unknown { name: String, known: Vec<String> },
    #[error("the call is not believed: {0}")]
    Refused(#[from] Refusal),
    #[error("`{0}` cannot be read from")]
    NoSource(String),
    #[error("`{0}` does not take calls")]
    NoInbound(String),
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the payload of a job is not what this version writes: {0}")]
    Payload(#[from] serde_json::Error),
}

fn hint(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; those that are: {}", known.join(", ")) }
}

/// How a connector is doing.
pub struct Overview<'a> {
    pub connector: &'a super::Connector,
    pub standing: Option<Standing>,
    pub progress: Vec<SyncProgress>,
    pub source: Option<SourceState>,
    pub alarms: Vec<Alarm>,
}

impl Connectors {
    pub(super) fn connector(&self, name: &str) -> Result<&super::Connector, ConnectorError> {
        self.registry.get(name).ok_or_else(|| ConnectorError::Unknown {
            name: name.to_owned(),
            known: self.registry.all().map(|one| one.name.clone()).collect(),
        })
    }

    /// Takes a call in: checked, durable, then answered.
    pub async fn receive(
        &self,
        name: &str,
        headers: &HeaderMap,
        body: &[u8],
        path: &str,
        path_secret: Option<&str>,
    ) -> Result<Reply, ConnectorError> {
        let connector = self.connector(name)?;
        let inbound = connector.inbound.as_ref().ok_or_else(|| ConnectorError::NoInbound(name.to_owned()))?;
        let call = Call { headers, body, path_secret, path, now: self.clock.now() };
        if let Err(refusal) = inbound.verify(&call) {
            metrics::counter!("gtm_calls_refused_total", "connector" => connector.name.clone(), "why" => refusal.name())
                .increment(1);
            tracing::warn!(connector = name, why = refusal.name(), "a call to a connector was not believed");
            return Err(refusal.into());
        }
        if let Some(reply) = inbound.greeting(&call) {
            return Ok(reply);
        }
        self.keep(name, &inbound.about(&call), body).await?;
        Ok(inbound.reply(&call))
    }

    /// Keeps a believed call as it came, to be read at once.
    pub async fn keep(&self, name: &str, about: &About, body: &[u8]) -> Result<Uuid, ConnectorError> {
        let now = self.clock.now();
        let id = new_id(now);
        store::insert_received(&self.pool, id, name, about, body, now).await?;
        self.work.notify_one();
        Ok(id)
    }

    /// Calls that were received, newest first.
    pub async fn received(
        &self,
        which: ReceivedFilter<'_>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<ReceivedRow>, ConnectorError> {
        Ok(store::list(&self.pool, which, before, limit).await?)
    }

    /// One call with its body.
    pub async fn received_one(&self, id: Uuid) -> Result<Option<(ReceivedRow, Vec<u8>)>, ConnectorError> {
        Ok(store::find(&self.pool, id).await?)
    }

    /// How all connectors are doing, and what is amiss with the service itself.
    pub async fn overview(&self) -> Result<(Vec<Overview<'_>>, Vec<Alarm>), ConnectorError> {
        let names: Vec<String> = self.registry.all().map(|one| one.name.clone()).collect();
        let mut standings = store::standings(&self.pool, &names, RETRY_MAX).await?;
        let mut sources = store::source_states(&self.pool).await?;
        let mut alarms = store::live_alarms(&self.pool).await?;
        let mut all = Vec::new();
        for connector in self.registry.all() {
            let name = &connector.name;
            let standing = taken(&mut standings, |standing| standing.connector == *name);
            let source = taken(&mut sources, |source| source.connector == *name);
            let progress = self.progress(name).await?;
            let of_connector = alarms.extract_if(.., |alarm| alarm.connector == *name).collect();
            all.push(Overview { connector, standing, progress, source, alarms: of_connector });
        }
        alarms.retain(|alarm| alarm.connector == SERVICE);
        Ok((all, alarms))
    }

    /// How far the readings of everything have come.
    pub async fn progress(&self, name: &str) -> Result<Vec<SyncProgress>, ConnectorError> {
        let mut conn = self.pool.acquire().await?;
        Ok(store::progress(&mut conn, name).await?)
    }

    /// Tries everything that a connector needs, and says what has become of its calls.
    pub async fn check(&self, name: &str) -> Result<Vec<Finding>, ConnectorError> {
        let connector = self.connector(name)?;
        let mut findings = match &connector.check {
            Some(check) => check.check().await,
            None => Vec::new(),
        };
        if let Some(inbound) = &connector.inbound {
            let standing = store::standings(&self.pool, &[name.to_owned()], RETRY_MAX).await?.pop();
            findings.push(heard(&inbound.address(name), standing.as_ref()));
        }
        Ok(findings)
    }
}

/// The one that fits, taken out.
fn taken<T>(all: &mut Vec<T>, fits: impl Fn(&T) -> bool) -> Option<T> {
    let at = all.iter().position(fits)?;
    Some(all.swap_remove(at))
}

/// What has become of a system's calls, and where they are to come.
fn heard(address: &str, standing: Option<&Standing>) -> Finding {
    match standing {
        Some(standing) if standing.dead > 0 => Finding::amiss(
            "calls",
            format!(
                "{} could not be understood: `gtm dead list --kind received` says why; mend the mapping, then `gtm dead retry \
                 --kind received`.",
                standing.dead
            ),
        ),
        Some(Standing { last_received_at: Some(last), .. }) => {
            let last = last.format("%a %d %b %Y, %H:%M UTC");
            Finding::well("calls", format!("The last came on {last}. {address}"))
        }
        _ => Finding::well("calls", format!("None has come yet. {address}")),
    }
}
