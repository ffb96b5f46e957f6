//! Measurements of what waits: taken now and then, so that reading them costs the database nothing.
//!
//! Promises: one cheap statement for each owner of a queue, however long the queue is (counting ends at
//! [`COUNTED_MAX`]); what has become empty reads 0 and does not keep its last number. What lies in the database is the
//! same on every replica: of several, take the largest and not the sum.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use metrics::{Unit, describe_gauge, describe_histogram, gauge};

use super::App;
use crate::accounts::intake::QUEUE_REQUESTS_MAX;
use crate::accounts::store;
use crate::connectors::limits::Quota;
use crate::handoffs::commands::KINDS;
use crate::handoffs::handoff::Status;
use crate::handoffs::store::{LiveRow, handoff_gauges};
use crate::kernel::clock::DateTime;
use crate::motions::commands::{self as motions, EVENT_TO_DECISION};
use crate::plans::commands as plans;
use crate::plans::lifecycle::TaskStatus;
use crate::plans::model::PlanKind;
use crate::plans::store::{PlanGauge, plan_gauges};
use crate::platform::jobs::{self, Lane};
use crate::platform::outbox;
use crate::renewals::commands as renewals;

/// Counting a queue ends here: more is as bad, and counting it would be a burden of its own.
const COUNTED_MAX: i64 = 100_000;

const INBOX: &str = "gtm_inbox_events";
const INBOX_AGE: &str = "gtm_inbox_oldest_seconds";
const JOBS: &str = "gtm_jobs_due";
const JOBS_LATE: &str = "gtm_jobs_overdue_seconds";
const DELIVERIES: &str = "gtm_deliveries_waiting";
const DELIVERIES_LATE: &str = "gtm_deliveries_overdue_seconds";
const HANDOFFS: &str = "gtm_handoffs_open";
const HANDOFFS_OVERDUE: &str = "gtm_handoffs_overdue";
const HANDOFFS_WAITING: &str = "gtm_handoffs_waiting_oldest_seconds";
const PLANS: &str = "gtm_plans_running";
const PLANS_LATE: &str = "gtm_plans_past_deadline";
const TASKS: &str = "gtm_tasks_open";
const TASKS_LATE: &str = "gtm_tasks_overdue";
const DEAD: &str = "gtm_dead_letters";
const INTAKE: &str = "gtm_intake_requests_waiting";
const CONNECTIONS: &str = "gtm_database_connections";

/// Takes the measurements of one service.
#[derive(Clone)]
pub(super) struct Gauges {
    app: App,
    /// Destinations that had something waiting: they read 0 when nothing does any more.
    destinations: Arc<Mutex<BTreeSet<String>>>,
}

impl Gauges {
    pub(super) fn new(app: App) -> Self {
        describe();
        Self { app, destinations: Arc::default() }
    }

    /// One round.
    pub(super) async fn sample(&self) -> Result<(), sqlx::Error> {
        let pool = &self.app.platform.pool;
        let now = self.app.platform.clock.now();
        self.process();
        let inbox = store::inbox_gauges(pool, COUNTED_MAX).await?;
        for lane in &inbox.lanes {
            let name = Lane::from_number(lane.lane).name();
            gauge!(INBOX, "lane" => name).set(number(lane.count));
            gauge!(INBOX_AGE, "lane" => name).set(seconds_since(lane.oldest, now));
        }
        let queues = jobs::gauges(
            pool,
            &[&KINDS[..], &plans::KINDS[..], &renewals::KINDS[..], &motions::KINDS[..]].concat(),
            now,
            COUNTED_MAX,
        )
        .await?;
        for queue in queues.queues {
            let lane = Lane::from_number(queue.lane).name();
            gauge!(JOBS, "kind" => queue.kind.clone(), "lane" => lane).set(number(queue.due));
            gauge!(JOBS_LATE, "kind" => queue.kind, "lane" => lane).set(seconds_since(queue.oldest, now));
        }
        let deliveries = outbox::gauges(pool, COUNTED_MAX).await?;
        self.deliveries(&deliveries.lanes, now);
        handoffs(&handoff_gauges(pool, now, COUNTED_MAX).await?, now);
        let (running, tasks) = plan_gauges(pool, now, COUNTED_MAX).await?;
        planned(&running, &tasks);
        for (kind, count) in [("event", inbox.dead), ("job", queues.dead), ("delivery", deliveries.dead)] {
            gauge!(DEAD, "kind" => kind).set(number(count));
        }
        Ok(())
    }

    /// What this process alone knows.
    fn process(&self) {
        gauge!(INTAKE).set(number(i64::try_from(self.app.accounts.intake.waiting()).unwrap_or(i64::MAX)));
        let pool = &self.app.platform.pool;
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        gauge!(CONNECTIONS, "state" => "used").set(f64::from(pool.size().saturating_sub(idle)));
        gauge!(CONNECTIONS, "state" => "idle").set(f64::from(idle));
        gauge!(CONNECTIONS, "state" => "allowed").set(f64::from(pool.options().get_max_connections()));
    }

    fn deliveries(&self, lanes: &[outbox::Gauge], now: DateTime) {
        let mut known = self.destinations.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.iter().filter(|known| lanes.iter().all(|lane| lane.destination != **known)) {
            gauge!(DELIVERIES, "destination" => gone.clone()).set(0.0);
            gauge!(DELIVERIES_LATE, "destination" => gone.clone()).set(0.0);
        }
        for lane in lanes {
            gauge!(DELIVERIES, "destination" => lane.destination.clone()).set(number(lane.waiting));
            gauge!(DELIVERIES_LATE, "destination" => lane.destination.clone())
                .set(seconds_since(lane.due_at, now));
        }
        known.extend(lanes.iter().map(|lane| lane.destination.clone()));
    }
}

/// What a process can take, by name.
pub(super) type OwnQuotas = [(&'static str, Quota); 2];

/// What was used at two looks in a row: a moment is no alarm.
pub(super) fn lasting(before: Option<OwnQuotas>, now: OwnQuotas) -> OwnQuotas {
    now.map(|(name, quota)| {
        let earlier = before.and_then(|before| before.into_iter().find(|(other, _)| *other == name));
        let used = earlier.map_or(0, |(_, earlier)| earlier.used.min(quota.used));
        (name, Quota { used, ..quota })
    })
}

/// What this process can take, and how much of it is used.
pub(super) fn own_quotas(app: &App) -> OwnQuotas {
    let pool = &app.platform.pool;
    let used = u64::from(pool.size()).saturating_sub(pool.num_idle() as u64);
    let limit = u64::from(pool.options().get_max_connections());
    [
        (
            "intake_requests",
            Quota { used: app.accounts.intake.waiting() as u64, limit: QUEUE_REQUESTS_MAX as u64 },
        ),
        ("database_connections", Quota { used, limit }),
    ]
}

/// Handoffs that are not over; a status that none is in reads 0.
fn handoffs(rows: &[LiveRow], now: DateTime) {
    for status in Status::ALL.into_iter().filter(|status| !status.is_final()) {
        let row = rows.iter().find(|row| row.status == status.name());
        gauge!(HANDOFFS, "status" => status.name()).set(row.map_or(0.0, |row| number(row.count)));
    }
    gauge!(HANDOFFS_OVERDUE).set(number(rows.iter().map(|row| row.overdue).sum()));
    gauge!(HANDOFFS_WAITING).set(seconds_since(rows.iter().filter_map(|row| row.oldest).min(), now));
}

/// Plans that run and tasks that are not over; a kind or status that none is in reads 0.
fn planned(running: &[PlanGauge], tasks: &[PlanGauge]) {
    for kind in PlanKind::ALL {
        let row = running.iter().find(|row| row.name == kind.name());
        gauge!(PLANS, "kind" => kind.name()).set(row.map_or(0.0, |row| number(row.count)));
        gauge!(PLANS_LATE, "kind" => kind.name()).set(row.map_or(0.0, |row| number(row.overdue)));
    }
    for status in TaskStatus::ALL.into_iter().filter(|status| !status.is_final()) {
        let row = tasks.iter().find(|row| row.name == status.name());
        gauge!(TASKS, "status" => status.name()).set(row.map_or(0.0, |row| number(row.count)));
    }
    gauge!(TASKS_LATE).set(number(tasks.iter().map(|row| row.overdue).sum()));
}

fn describe() {
    describe_histogram!(
        EVENT_TO_DECISION,
        Unit::Seconds,
        "From receiving an event to the outcome of the look it asked for"
    );
    describe_gauge!(INBOX, "Events that are stored and not applied yet");
    describe_gauge!(INBOX_AGE, Unit::Seconds, "Age of the oldest of them");
    describe_gauge!(JOBS, "Jobs that are due or running");
    describe_gauge!(JOBS_LATE, Unit::Seconds, "How long the oldest of them has been due");
    describe_gauge!(DELIVERIES, "Deliveries that are not made yet");
    describe_gauge!(DELIVERIES_LATE, Unit::Seconds, "How long the oldest of them has been due");
    describe_gauge!(HANDOFFS, "Handoffs that are not over");
    describe_gauge!(HANDOFFS_OVERDUE, "Handoffs past their deadline without contact");
    describe_gauge!(HANDOFFS_WAITING, Unit::Seconds, "How long the longest of them has waited for an owner");
    describe_gauge!(PLANS, "Plans that run");
    describe_gauge!(PLANS_LATE, "Plans that run past their deadline");
    describe_gauge!(TASKS, "Tasks of plans that run and are not over");
    describe_gauge!(TASKS_LATE, "Tasks past their planned end");
    describe_gauge!(DEAD, "Dead letters");
    describe_gauge!(INTAKE, "Requests of this process whose events wait to be stored");
    describe_gauge!(CONNECTIONS, "Database connections of this process");
}

/// A count as a gauge has it.
#[expect(clippy::cast_precision_loss, reason = "counts end long before 2^52")]
fn number(count: i64) -> f64 {
    count as f64
}

/// Seconds from an instant to the present; 0 for what lies ahead or is not there.
fn seconds_since(at: Option<DateTime>, now: DateTime) -> f64 {
    at.map_or(0.0, |at| (now - at).max(TimeDelta::zero()).as_seconds_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::wire;
    use crate::handoffs::types::{DEFAULT_TYPES, HandoffTypes};
    use crate::kernel::clock::Clock;
    use crate::platform::audit::Signer;
    use crate::platform::http::Platform;
    use crate::platform::lifecycle::Lifecycle;
    use crate::platform::outbox::Outbox;
    use crate::renewals::plays::{DEFAULT_PLAYS, Plays};
    use crate::settings::Settings;
    use crate::testing;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use std::sync::Arc;

    const ROWS: &str = r#"
        INSERT INTO inbox (lane, account_id, received_at, id)
          SELECT 0, 'a', now.at - interval '90 s' * n, gen_random_uuid() FROM generate_series(1, 2) AS n, now;
        INSERT INTO job (kind, key, payload, lane, due_at, created_at)
          SELECT 'evaluate', n::text, '"sweep"', 2, now.at - interval '60 s' * n, now.at
          FROM generate_series(-5, 3) AS n, now;
        INSERT INTO delivery (account_id, id, destination, decision_id, payload, status, due_at, created_at)
          SELECT 'a', gen_random_uuid(), d.destination, gen_random_uuid(), '{}', d.status, now.at - interval '7 s', now.at
          FROM now, (VALUES ('x', 'pending'), ('x', 'retrying'), ('y', 'dead'), ('y', 'recorded')) AS d (destination, status);
        INSERT INTO job_dead (id, kind, key, payload, attempts, error, failed_at)
          SELECT gen_random_uuid(), 'evaluate', 'a', '{}', 10, 'e', now.at FROM now;
        INSERT INTO account (account_id, state, version, created_at, changed_at) SELECT 'a', '{}', 1, at, at FROM now;
        INSERT INTO handoff (account_id, id, type, status, from_team, to_team, cause, requested_by, segment, urgency, package,
            package_digest, completeness, missing, request, owner_id, clock, waiting_since, created_at, assigned_at, due_at)
          SELECT 'a', gen_random_uuid(), 't' || n, status, 'm', 's', 'c' || n, 't', 'smb', 'high', '{}', '', 100, '[]', '{}',
                 owner, '{}', at - interval '30 s' * n, at, at, at + interval '1 s' * (n - 3)
          FROM now, (VALUES (1, 'pending', NULL), (2, 'pending', NULL), (3, 'assigned', 'ada'), (4, 'assigned', 'ada'))
                 AS h (n, status, owner);"#;

    #[test]
    fn a_moment_is_no_alarm() {
        let of = |used| {
            [
                ("intake_requests", Quota { used, limit: 10 }),
                ("database_connections", Quota { used: 1, limit: 8 }),
            ]
        };
        let used = |quotas: OwnQuotas| quotas.map(|(_, quota)| quota.used);
        assert_eq!(used(lasting(None, of(9))), [0, 0]);
        assert_eq!(used(lasting(Some(of(2)), of(9))), [2, 1]);
        assert_eq!(used(lasting(Some(of(9)), of(8))), [8, 1]);
    }

    #[tokio::test]
    async fn what_waits_is_measured_and_reads_0_once_it_is_gone() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let _guard = metrics::set_default_local_recorder(&recorder);
        let database = testing::database().await;
        let pool = &database.pool;
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let platform = Platform::new(pool.clone(), Clock::manual(now), Lifecycle::new(), Signer::generate());
        let types = HandoffTypes::parse(DEFAULT_TYPES).unwrap();
        let plays = Plays::parse(DEFAULT_PLAYS).unwrap();
        let settings = Settings::load(None, []).unwrap();
        let outbox = Outbox::new(platform.pool.clone(), platform.clock.clone(), settings.outbox.clone(), []);
        let outbox = Arc::new(outbox.unwrap());
        let programmes = super::super::programme_parts(&settings, &platform.clock.clone()).unwrap();
        let (app, _intake, _desk) =
            wire(platform, types, plays, Arc::default(), outbox, programmes, &settings);
        let gauges = Gauges::new(app);
        let prepare = "CREATE TABLE now AS SELECT to_timestamp(1800000000) AS at";
        sqlx::raw_sql(prepare).execute(pool).await.unwrap();
        sqlx::raw_sql(ROWS).execute(pool).await.unwrap();
        gauges.sample().await.unwrap();
        let seen = recorder.handle().render();
        for line in [
            r#"gtm_inbox_events{lane="hot"} 2"#,
            r#"gtm_inbox_oldest_seconds{lane="hot"} 180"#,
            r#"gtm_inbox_events{lane="bulk"} 0"#,
            r#"gtm_jobs_due{kind="evaluate",lane="bulk"} 4"#,
            r#"gtm_jobs_overdue_seconds{kind="evaluate",lane="bulk"} 180"#,
            r#"gtm_jobs_due{kind="evaluate",lane="hot"} 0"#,
            r#"gtm_deliveries_waiting{destination="x"} 2"#,
            r#"gtm_deliveries_overdue_seconds{destination="x"} 7"#,
            r#"gtm_dead_letters{kind="delivery"} 1"#,
            r#"gtm_dead_letters{kind="job"} 1"#,
            r#"gtm_dead_letters{kind="event"} 0"#,
            r#"gtm_handoffs_open{status="pending"} 2"#,
            r#"gtm_handoffs_open{status="assigned"} 2"#,
            r#"gtm_handoffs_open{status="held"} 0"#,
            "gtm_handoffs_overdue 1",
            "gtm_handoffs_waiting_oldest_seconds 60",
            r"gtm_intake_requests_waiting 0",
            r#"gtm_database_connections{state="allowed"} 8"#,
        ] {
            assert!(seen.lines().any(|seen| seen == line), "{line} is not in\n{seen}");
        }
        assert!(!seen.contains(r#"destination="y""#), "nothing waits there");
        sqlx::raw_sql("DELETE FROM inbox; DELETE FROM job; DELETE FROM delivery; DELETE FROM handoff")
            .execute(pool)
            .await
            .unwrap();
        gauges.sample().await.unwrap();
        let seen = recorder.handle().render();
        for line in [
            r#"gtm_inbox_events{lane="hot"} 0"#,
            r#"gtm_inbox_oldest_seconds{lane="hot"} 0"#,
            r#"gtm_jobs_due{kind="evaluate",lane="bulk"} 0"#,
            r#"gtm_deliveries_waiting{destination="x"} 0"#,
            r#"gtm_deliveries_overdue_seconds{destination="x"} 0"#,
            r#"gtm_handoffs_open{status="pending"} 0"#,
            "gtm_handoffs_overdue 0",
            "gtm_handoffs_waiting_oldest_seconds 0",
        ] {
            assert!(seen.lines().any(|seen| seen == line), "{line} is not in\n{seen}");
        }
    }
}
