//! Reading from systems: an object that changed, an account that went stale, everything from the beginning.
//!
//! Promises: nothing is held open while a system is asked; what it says is durable before the work counts as done; a
//! page of a whole reading is taken once, and a crash repeats at most that page, which adds nothing; a system that
//! takes no more calls, or refuses our credentials, is left alone for its time without the work being given up.

use chrono::TimeDelta;
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use serde_json::Value;

use super::{ConnectorError, FETCH, KINDS, REFRESH, SYNC};
use crate::accounts::commands::{glance, take_arrived};
use crate::accounts::model::value;
use crate::connectors::Connectors;
use crate::connectors::inbound::{ObjectRef, Saying};
use crate::connectors::source::{Group, KnownAccount, Source};
use crate::connectors::store;
use crate::connectors::vendor::{Trouble, TroubleKind};
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::jobs::{self, Claimed, Lane, NewJob};

/// Jobs of a kind that one round takes.
const ROUND: i64 = 16;
/// Calls under way at once; the pace of each system is its own.
const SIDE_BY_SIDE: usize = 4;
/// Pause after a first failure; doubled with each further one, up to an hour.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(10);
const RETRY_MAX: TimeDelta = TimeDelta::hours(1);

#[derive(Deserialize)]
struct FetchJob {
    connector: String,
    object: String,
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshJob {
    group: String,
    account_id: String,
}

#[derive(Deserialize)]
struct SyncJob {
    connector: String,
    object: String,
}

/// How a piece of work ended.
enum Done {
    Well,
    /// There is more of it, at once.
    Again,
    /// It will pass.
    Later(Trouble),
    /// It will not: noted, and over.
    Over(Trouble),
}

impl Connectors {
    /// Reads what is asked for; gives how much that was.
    pub async fn fetch_due(&self) -> Result<usize, ConnectorError> {
        let due = {
            let mut conn = self.pool.acquire().await?;
            jobs::due_kinds(&mut conn, &KINDS, self.clock.now()).await?
        };
        let mut count = 0;
        for kind in KINDS.into_iter().filter(|kind| due.iter().any(|due| due == kind)) {
            count += self.fetch_kind(kind).await?;
        }
        Ok(count)
    }

    async fn fetch_kind(&self, kind: &'static str) -> Result<usize, ConnectorError> {
        let claimed = {
            let mut conn = self.pool.acquire().await?;
            jobs::claim(&mut conn, kind, self.clock.now(), ROUND).await?
        };
        let count = claimed.len();
        let mut work = stream::iter(claimed)
            .map(|job| async move {
                let outcome = self.fetch_one(kind, &job).await;
                self.end(kind, &job, outcome).await
            })
            .buffer_unordered(SIDE_BY_SIDE);
        while let Some(ended) = work.next().await {
            ended?;
        }
        Ok(count)
    }

    async fn fetch_one(&self, kind: &str, job: &Claimed) -> Result<Done, ConnectorError> {
        let payload = job.payload.get();
        match kind {
            FETCH => self.fetch_object(&serde_json::from_str(payload)?).await,
            REFRESH => self.refresh_account(&serde_json::from_str(payload)?).await,
            _ => self.sync_page(&serde_json::from_str(payload)?).await,
        }
    }

    fn source(&self, name: &str) -> Option<&dyn Source> {
        self.registry.get(name)?.source.as_deref()
    }

    async fn fetch_object(&self, asked: &FetchJob) -> Result<Done, ConnectorError> {
        // Taken out of the settings meanwhile: there is nobody left to ask.
        let Some(source) = self.source(&asked.connector) else { return Ok(Done::Well) };
        let object = ObjectRef { object: asked.object.clone(), id: asked.id.clone() };
        match self.noted(&asked.connector, source.object(&object).await).await? {
            Ok(sayings) => self.say(&sayings, Lane::Normal).await.map(|()| Done::Well),
            Err(trouble) => Ok(judged(trouble)),
        }
    }

    /// Notes whether a system could be read from, here at once and for the other replicas in its row.
    async fn noted<T>(
        &self,
        connector: &str,
        outcome: Result<T, Trouble>,
    ) -> Result<Result<T, Trouble>, ConnectorError> {
        let now = self.clock.now();
        let is_down = outcome.as_ref().is_err_and(|trouble| trouble.kind.is_down());
        if let Some(connector) = self.registry.get(connector) {
            connector.set_failing(is_down);
        }
        match &outcome {
            Err(trouble) if is_down => {
                store::note_failing(&self.pool, connector, &trouble.to_string(), now).await?;
            }
            // What it says of one object is an answer, too.
            _ => store::note_read(&self.pool, connector, now).await?,
        }
        Ok(outcome)
    }

    async fn refresh_account(&self, asked: &RefreshJob) -> Result<Done, ConnectorError> {
        let keeping = Group::ALL.into_iter().find(|group| group.name() == asked.group);
        let keeping = keeping.and_then(|group| self.registry.keeping(group));
        let found = keeping.and_then(|one| Some((&one.name, one.source.as_deref()?)));
        let Some((connector, source)) = found else { return Ok(Done::Well) };
        let known = self.known(&asked.account_id).await?;
        match self.noted(connector, source.account(&known).await).await? {
            Ok(sayings) => self.say(&sayings, Lane::Normal).await.map(|()| Done::Well),
            Err(trouble) => Ok(judged(trouble)),
        }
    }

    /// What a source is told of the account that it is asked about.
    async fn known(&self, account_id: &str) -> Result<KnownAccount, ConnectorError> {
        let mut conn = self.pool.acquire().await?;
        let found = glance(&mut conn, &[account_id.to_owned()]).await?.pop();
        let domain = found.and_then(|(_, state)| value(&state.profile.domain).cloned());
        Ok(KnownAccount { account_id: account_id.to_owned(), domain })
    }

    async fn sync_page(&self, asked: &SyncJob) -> Result<Done, ConnectorError> {
        let Some(source) = self.source(&asked.connector) else { return Ok(Done::Well) };
        let (connector, object) = (asked.connector.as_str(), asked.object.as_str());
        let progress = self.progress(connector).await?.into_iter().find(|one| one.object == object);
        let Some(progress) = progress.filter(|one| one.finished_at.is_none()) else { return Ok(Done::Well) };
        let page = source.page(object, progress.cursor.as_deref()).await;
        let page = match self.noted(connector, page).await? {
            Ok(page) => page,
            Err(trouble) => {
                let mut conn = self.pool.acquire().await?;
                let said = trouble.to_string();
                store::stumble(&mut conn, connector, object, &said, self.clock.now()).await?;
                return Ok(judged(trouble));
            }
        };
        // What somebody waits for, and what happens now, goes before it.
        self.say(&page.sayings, Lane::Bulk).await?;
        let now = self.clock.now();
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let step = (number(page.objects), page.next.as_deref(), page.total.map(number));
        let mut tx = db::begin(&self.pool).await?;
        store::advance(&mut tx, connector, object, step, now).await?;
        let after = page.next.is_none().then(|| next_object(source, object)).flatten();
        jobs::enqueue(
            &mut tx,
            SYNC,
            &after.map(|next| sync_job(connector, next, now)).into_iter().collect::<Vec<_>>(),
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(if page.next.is_some() { Done::Again } else { Done::Well })
    }

    /// Takes what a system said; what it said wrong is logged and costs the rest nothing.
    async fn say(&self, sayings: &[Saying], lane: Lane) -> Result<(), ConnectorError> {
        let now = self.clock.now();
        let mut arrived = Vec::with_capacity(sayings.len());
        for saying in sayings {
            match saying.arrived(now) {
                Ok(event) => arrived.push(event),
                Err(rejected) => {
                    let faults: Vec<String> =
                        rejected.faults.iter().map(|f| format!("{} {}", f.pointer, f.detail)).collect();
                    metrics::counter!("gtm_sayings_refused_total", "source" => saying.source.clone())
                        .increment(1);
                    tracing::warn!(
                        source = saying.source,
                        id = saying.id,
                        event_type = saying.event_type,
                        faults = faults.join("; "),
                        "a system said what cannot be taken; mend the mapping"
                    );
                }
            }
        }
        Ok(take_arrived(&self.accounts, arrived, lane).await.map(drop)?)
    }

    async fn end(
        &self,
        kind: &'static str,
        job: &Claimed,
        outcome: Result<Done, ConnectorError>,
    ) -> Result<(), ConnectorError> {
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        match outcome {
            Ok(Done::Well) => jobs::finish(&mut tx, std::slice::from_ref(job)).await?,
            Ok(Done::Again) => {
                // Finished and asked for again: its attempts begin anew with each page.
                jobs::finish(&mut tx, std::slice::from_ref(job)).await?;
                jobs::enqueue(&mut tx, kind, &[again(job, now)], now).await?;
            }
            Ok(Done::Over(trouble)) => {
                tracing::warn!(kind, job = job.key, %trouble, "nothing to read there");
                jobs::finish(&mut tx, std::slice::from_ref(job)).await?;
            }
            Ok(Done::Later(trouble)) => {
                let tries = tries(job) + 1;
                let wait = trouble.rest().unwrap_or_default().max(backoff(tries));
                tracing::warn!(kind, job = job.key, %trouble, retry_secs = wait.num_seconds(), "a system could not be read");
                // Not a failure of the work, which would be given up in time: it waits for the system, however long.
                jobs::finish(&mut tx, std::slice::from_ref(job)).await?;
                let later = NewJob { payload: tried(job, tries), due_at: now + wait, ..again(job, now) };
                jobs::enqueue(&mut tx, kind, &[later], now).await?;
            }
            Err(error) => {
                tracing::error!(kind, job = job.key, attempt = job.attempts, %error, "reading from a system failed");
                jobs::fail(&mut tx, job, &error.to_string(), now + backoff(job.attempts), now).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Reads everything of a system from the beginning; a reading that is under way goes on.
    pub async fn begin_sync(&self, name: &str) -> Result<Vec<store::SyncProgress>, ConnectorError> {
        let connector = self.connector(name)?;
        let source = connector.source.as_deref().ok_or_else(|| ConnectorError::NoSource(name.to_owned()))?;
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        store::begin_progress(&mut tx, name, source.objects(), now).await?;
        let progress = store::progress(&mut tx, name).await?;
        let first = source
            .objects()
            .iter()
            .find(|object| progress.iter().any(|one| one.object == **object && one.finished_at.is_none()));
        let job: Vec<NewJob> = first.map(|object| sync_job(name, object, now)).into_iter().collect();
        jobs::enqueue(&mut tx, SYNC, &job, now).await?;
        tx.commit().await?;
        self.fetch.notify_one();
        Ok(progress)
    }
}

/// The same work once more.
fn again(job: &Claimed, now: DateTime) -> NewJob {
    NewJob { key: job.key.clone(), payload: job.payload.get().to_owned(), lane: job.lane, due_at: now }
}

fn sync_job(connector: &str, object: &str, now: DateTime) -> NewJob {
    NewJob {
        key: format!("{connector}/{object}"),
        payload: serde_json::json!({ "connector": connector, "object": object }).to_string(),
        // Hot accounts and what people wait for go first.
        lane: Lane::Bulk,
        due_at: now,
    }
}

/// The kind of objects that is read after one.
fn next_object(source: &dyn Source, object: &str) -> Option<&'static str> {
    let objects = source.objects();
    let at = objects.iter().position(|one| *one == object)?;
    objects.get(at + 1).copied()
}

/// What follows from a trouble.
fn judged(trouble: Trouble) -> Done {
    if trouble.passes() && trouble.kind != TroubleKind::Forbidden {
        Done::Later(trouble)
    } else {
        Done::Over(trouble)
    }
}

/// How often in a row a system could not be asked for a job.
fn tries(job: &Claimed) -> i32 {
    let payload: Option<Value> = serde_json::from_str(job.payload.get()).ok();
    payload.and_then(|payload| i32::try_from(payload["tries"].as_i64()?).ok()).unwrap_or(0)
}

/// The payload of a job that was tried so often.
fn tried(job: &Claimed, tries: i32) -> String {
    let mut payload: Value = serde_json::from_str(job.payload.get()).unwrap_or_default();
    payload["tries"] = tries.into();
    payload.to_string()
}

fn backoff(tries: i32) -> TimeDelta {
    let doublings = u32::try_from(tries.clamp(1, 10) - 1).unwrap_or(0);
    (RETRY_FIRST * 2_i32.pow(doublings)).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour() {
        assert_eq!([backoff(0), backoff(1), backoff(2)], [10, 10, 20].map(TimeDelta::seconds));
        assert_eq!(backoff(100), RETRY_MAX);
    }
}
