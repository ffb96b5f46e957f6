//! Looking after connected systems: alarms that reach somebody, reading again on schedule and after an absence.
//!
//! Promises: alarms are rows, raised by one replica at a time, and telling one is a delivery of the same transaction; an
//! absence of the service that is longer than systems repeat their calls has everything read again, and so has the time
//! that the settings say.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::ConnectorError;
use crate::connectors::limits::Quota;
use crate::connectors::mail::BRIEFING;
use crate::connectors::store;
use crate::connectors::watch::{self, Alarm, CONFIRMED, Kind, SERVICE, Seen, Waiting};
use crate::connectors::{Connectors, Registry};
use crate::handoffs::ALERT;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::platform::db;
use crate::platform::dead::RETRY_MAX;
use crate::platform::outbox::{self, Cause, NewEffect, people};

/// How old what a system said of a quota may be to be an alarm still.
const QUOTA_FRESH: Duration = Duration::from_hours(1);

impl Connectors {
    /// One look at everything; `own` are the service's own quotas.
    pub async fn watch(&self, own: &[(&'static str, Quota)]) -> Result<(), ConnectorError> {
        let now = self.clock.now();
        let sources = store::source_states(&self.pool).await?;
        for connector in self.registry.all().filter(|one| one.source.is_some()) {
            let before = sources.iter().find(|state| state.connector == connector.name);
            connector.set_failing(before.is_some_and(|state| state.failing_since.is_some()));
            self.catch_up(&connector.name, before.map(|state| state.watched_at), now).await?;
        }
        let names: Vec<String> = self.registry.all().map(|one| one.name.clone()).collect();
        let standings = store::standings(&self.pool, &names, RETRY_MAX).await?;
        #[expect(clippy::cast_precision_loss, reason = "counting ends long before 2^52")]
        let dead = standings.iter().map(|standing| standing.dead).sum::<i64>() as f64;
        metrics::gauge!("gtm_dead_letters", "kind" => "received").set(dead);
        let heard = standings.into_iter().filter(|standing| {
            self.registry.get(&standing.connector).is_some_and(|one| one.inbound.is_some())
        });
        let calls = heard.filter_map(|standing| Some((standing.connector, standing.last_received_at?)));
        let seen = Seen {
            quotas: quotas(&self.registry, own),
            calls: calls.collect(),
            waiting: self.waiting().await?,
            people: self.for_people().await?,
            // One that was taken out of the settings stalls nobody.
            sources: sources.into_iter().filter(|state| names.contains(&state.connector)).collect(),
        };
        measure(&seen, now);
        let live = self.raise(&seen, now).await?;
        self.measure_alarms(&live);
        Ok(())
    }

    /// Reads everything of a system again when the service was away for longer than its calls are repeated, or when its
    /// time has come.
    async fn catch_up(
        &self,
        name: &str,
        watched_at: Option<DateTime>,
        now: DateTime,
    ) -> Result<(), ConnectorError> {
        let after = TimeDelta::hours(self.watch.catch_up_after_hours.into());
        if let Some(watched_at) = watched_at
            && after > TimeDelta::zero()
            && now - watched_at >= after
        {
            let hours = (now - watched_at).num_hours();
            tracing::warn!(
                connector = name,
                hours,
                "the service was away; everything is read again, for what was said meanwhile"
            );
            self.begin_sync(name).await?;
        } else if self.is_due(name, now).await? {
            tracing::info!(connector = name, "its time has come; everything is read again");
            self.begin_sync(name).await?;
        }
        Ok(store::note_watched(&self.pool, name, now).await?)
    }

    /// Whether the last reading of everything is over and long ago. One under way goes on by itself, and the first is
    /// somebody's to begin, once the mapping is as it should be.
    async fn is_due(&self, name: &str, now: DateTime) -> Result<bool, ConnectorError> {
        let readings = self.progress(name).await?;
        let is_over = readings.iter().all(|one| one.finished_at.is_some());
        let begun_at = readings.iter().map(|one| one.started_at).max();
        Ok(is_over && begun_at.is_some_and(|at| self.watch.is_due(name, at, now)))
    }

    /// Deliveries that failed and wait, by destination.
    async fn waiting(&self) -> Result<Vec<Waiting>, ConnectorError> {
        let waiting = outbox::held_back(&self.pool).await?;
        let told = |one: outbox::HeldBack| Waiting {
            connector: self.registry.serving(&one.destination).unwrap_or(SERVICE).to_owned(),
            destination: one.destination,
            count: one.count,
            since: one.since,
        };
        Ok(waiting.into_iter().map(told).collect())
    }

    /// Commands about people that somebody has to see to.
    async fn for_people(&self) -> Result<Vec<(String, String, i64, DateTime)>, ConnectorError> {
        let waiting = people::for_people(&self.pool).await?;
        let told = |one: people::ForPeople| {
            let recipient = people::recipient(&one.destination);
            let connector = self.registry.serving(recipient).unwrap_or(SERVICE).to_owned();
            (connector, one.destination, one.count, one.since)
        };
        Ok(waiting.into_iter().map(told).collect())
    }

    /// Raises and ends alarms; gives those that are live.
    async fn raise(&self, seen: &Seen, now: DateTime) -> Result<Vec<Alarm>, ConnectorError> {
        let concerns = watch::concerns(seen, &self.watch, now);
        let mut tx = db::begin(&self.pool).await?;
        store::lock_alarms(&mut tx).await?;
        let changes = watch::changes(concerns, &store::alarms(&mut tx).await?, now);
        store::write_alarms(&mut tx, &changes.live).await?;
        store::end_alarms(&mut tx, now - CONFIRMED, now).await?;
        let told: Vec<NewEffect> = changes.told.iter().flat_map(|alarm| self.effects(alarm, now)).collect();
        outbox::enqueue(&mut tx, &told, now).await?;
        tx.commit().await?;
        for alarm in &changes.told {
            tracing::warn!(
                connector = alarm.connector,
                kind = alarm.kind,
                subject = alarm.subject,
                "{}",
                alarm.said
            );
        }
        if !told.is_empty() {
            self.handoffs.deliver.notify_one();
        }
        Ok(changes.live)
    }

    /// How people are told of an alarm.
    fn effects(&self, alarm: &Alarm, now: DateTime) -> Vec<NewEffect> {
        let (id, settings) = (new_id(now), &self.watch);
        let priority = if alarm.level > 1 { "urgent" } else { "high" };
        let title = match alarm.kind.as_str() {
            "quota" => format!("{}: a quota runs out", alarm.connector),
            "stalled" => format!("{} cannot be read", alarm.connector),
            "silent" => format!("{} is silent", alarm.connector),
            "people" => format!("{}: somebody is to be forgotten", alarm.connector),
            _ => format!("{} takes no deliveries", alarm.connector),
        };
        let alert = json!({
            "channel": settings.channel, "to": [], "role": settings.role, "title": title, "body": alarm.said,
            "priority": priority, "accountName": alarm.connector, "path": "/v1/connectors", "actions": [],
        });
        let mut effects = vec![NewEffect::new(Cause::Alarm(id), ALERT, &alert, now).hot(true)];
        if !settings.emails.is_empty() {
            let mail = json!({
                "template": "alarm", "to": settings.emails, "subject": title, "variables": {"summary": alarm.said},
            });
            effects.push(NewEffect::new(Cause::Alarm(id), BRIEFING, &mail, now).hot(true));
        }
        effects
    }

    /// What is over reads 0 and does not keep its last level.
    fn measure_alarms(&self, live: &[Alarm]) {
        let names = self.registry.all().map(|one| one.name.as_str()).chain([SERVICE]);
        for (name, kind) in names.flat_map(|name| Kind::ALL.map(|kind| (name, kind))) {
            let of = live.iter().filter(|alarm| alarm.connector == name && alarm.kind == kind.name());
            let level = of.map(|alarm| alarm.level).max().unwrap_or(0);
            metrics::gauge!("gtm_alarms", "connector" => name.to_owned(), "kind" => kind.name()).set(level);
        }
    }
}

/// The quotas of all systems and the service's own.
fn quotas(registry: &Registry, own: &[(&'static str, Quota)]) -> Vec<(String, String, Quota)> {
    let of = |one: &crate::connectors::Connector| {
        let limits = one.limits.as_ref().map(|limits| limits.quotas(QUOTA_FRESH)).unwrap_or_default();
        let name = one.name.clone();
        limits.into_iter().map(move |(window, quota)| (name.clone(), window, quota)).collect::<Vec<_>>()
    };
    let mut quotas: Vec<_> = registry.all().flat_map(of).collect();
    quotas.extend(own.iter().map(|(name, quota)| (SERVICE.to_owned(), (*name).to_owned(), *quota)));
    quotas
}

/// How old what is known of each system is, and how much of the service's own quotas is used.
fn measure(seen: &Seen, now: DateTime) {
    #[expect(clippy::cast_precision_loss, reason = "ages are far below 2^53 seconds")]
    let age = |at: DateTime| (now - at).num_seconds().max(0) as f64;
    let mut heard: std::collections::BTreeMap<&str, DateTime> = std::collections::BTreeMap::new();
    let read = seen.sources.iter().filter_map(|state| Some((state.connector.as_str(), state.read_at?)));
    for (name, at) in seen.calls.iter().map(|(name, at)| (name.as_str(), *at)).chain(read) {
        heard.entry(name).and_modify(|newest| *newest = at.max(*newest)).or_insert(at);
    }
    for (name, at) in heard {
        metrics::gauge!("gtm_source_age_seconds", "connector" => name.to_owned()).set(age(at));
    }
    for (_, name, quota) in seen.quotas.iter().filter(|(connector, ..)| connector == SERVICE) {
        metrics::gauge!("gtm_own_quota_used_ratio", "quota" => name.clone()).set(quota.ratio());
    }
}
