//! Arrivals on a real database: taken once, sorted once, seen by every call.

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use super::*;
use crate::accounts::events::{Event, Parts};
use crate::accounts::intake::event_key;
use crate::accounts::model::value;
use crate::accounts::store::{Fresh, NewEvents};
use crate::kernel::ids::new_id;
use crate::testing;

/// Nobody who follows.
struct Nobody;

impl Follower for Nobody {
    fn after_apply<'a>(
        &'a self,
        _conn: &'a mut PgConnection,
        _batch: &'a mut Batch,
        _now: DateTime,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async { Ok(()) })
    }

    fn after_move<'a>(
        &'a self,
        _conn: &'a mut PgConnection,
        _moves: &'a [Move],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async { Ok(()) })
    }

    fn after_commit(&self, _batch: Option<&Batch>) {}
}

fn now() -> DateTime {
    chrono::DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").unwrap().to_utc()
}

/// Stores a group of events `(account, employees)`, whose ids say both; gives how many were new.
async fn store_group(pool: &PgPool, lane: Lane, group: &[(&str, u32)]) -> usize {
    store::ensure_event_partitions(pool, now()).await.unwrap();
    let event = |(account, employees): &(&str, u32)| {
        let parts = Parts {
            source: Some("/crm"),
            id: Some(&format!("{account}-{employees}")),
            event_type: Some("gtm.account.upserted"),
            subject: Some(account),
            time: Some(&format!("2026-11-20T11:{employees:02}:00Z")),
            data: Some(&format!(r#"{{"name": "A", "employeeCount": {employees}}}"#)),
            ..Parts::default()
        };
        Event::parse(parts, now()).unwrap()
    };
    let events: Vec<Event> = group.iter().map(event).collect();
    let mut rows = NewEvents::with_capacity(events.len());
    for event in &events {
        rows.push(event_key(&event.source, &event.id), new_id(now()), event);
    }
    let mut conn = pool.acquire().await.unwrap();
    match store::insert_events(&mut conn, &rows, lane, now()).await.unwrap() {
        Fresh::All => events.len(),
        Fresh::Some(keys) => keys.len(),
    }
}

async fn counts(pool: &PgPool) -> (i64, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT coalesce(sum(events), 0)::bigint FROM arrival), (SELECT count(*) FROM inbox),
                (SELECT count(*) FROM event)",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

async fn employees(pool: &PgPool, account_id: &str) -> Option<u64> {
    let mut tx = db::begin(pool).await.unwrap();
    let current = lock_current(&mut tx, account_id, &Nobody, now()).await.unwrap();
    tx.commit().await.unwrap();
    current.and_then(|current| value(&current.state.profile.employee_count).copied())
}

#[tokio::test]
async fn of_a_group_only_what_is_new_is_stored() {
    let database = testing::database().await;
    let pool = &database.pool;
    assert_eq!(store_group(pool, Lane::Normal, &[("a", 1), ("b", 2)]).await, 2);
    assert_eq!(store_group(pool, Lane::Normal, &[("b", 2), ("c", 3), ("a", 1)]).await, 1);
    assert_eq!(store_group(pool, Lane::Normal, &[("c", 3)]).await, 0);
    assert_eq!(counts(pool).await, (3, 0, 0));
    let round = apply_next(pool, &Nobody, now()).await.unwrap();
    assert_eq!((round.events, round.arrived, round.caught_up), (3, [0, 3, 0], true));
    assert_eq!(counts(pool).await, (0, 3, 3), "the rows of the accounts are made in the next round");
    assert_eq!(apply_next(pool, &Nobody, now()).await.unwrap().events, 3);
    assert_eq!(counts(pool).await, (0, 0, 3));
    assert_eq!(apply_next(pool, &Nobody, now()).await.unwrap().events, 0);
    for (account, count) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(employees(pool, account).await, Some(count));
    }
}

#[tokio::test]
async fn a_call_about_an_account_sorts_what_arrived_for_it_and_leaves_the_rest_in_the_inbox() {
    let database = testing::database().await;
    let pool = &database.pool;
    store_group(pool, Lane::Normal, &[("a", 1), ("b", 2)]).await;
    store_group(pool, Lane::Bulk, &[("c", 3)]).await;
    assert_eq!(employees(pool, "a").await, Some(1), "also of an account that had no row");
    assert_eq!(counts(pool).await, (1, 1, 2), "what is about others alone stays as it arrived");
    assert_eq!(employees(pool, "nobody").await, None);
    let round = apply_next(pool, &Nobody, now()).await.unwrap();
    assert_eq!((round.events, round.arrived), (2, [0, 0, 1]));
    assert_eq!((employees(pool, "b").await, employees(pool, "c").await), (Some(2), Some(3)));
}

#[tokio::test]
async fn events_of_an_account_that_somebody_holds_wait_in_the_inbox() {
    let database = testing::database().await;
    let pool = &database.pool;
    store_group(pool, Lane::Normal, &[("a", 1), ("b", 1)]).await;
    assert_eq!((employees(pool, "a").await, employees(pool, "b").await), (Some(1), Some(1)));
    store_group(pool, Lane::Hot, &[("a", 2), ("b", 2)]).await;
    let mut holder = db::begin(pool).await.unwrap();
    store::lock_account(&mut holder, "a").await.unwrap();
    let round = apply_next(pool, &Nobody, now()).await.unwrap();
    assert_eq!(round.arrived, [2, 0, 0]);
    assert_eq!(counts(pool).await, (0, 1, 4));
    holder.rollback().await.unwrap();
    assert_eq!(employees(pool, "a").await, Some(2));
    assert_eq!(counts(pool).await, (0, 0, 4));
}

#[tokio::test]
async fn a_call_waits_for_whoever_is_sorting_and_then_sees_what_arrived() {
    let database = testing::database().await;
    let pool = &database.pool;
    store_group(pool, Lane::Normal, &[("a", 1)]).await;
    assert_eq!(employees(pool, "a").await, Some(1));
    store_group(pool, Lane::Normal, &[("a", 2), ("b", 2)]).await;
    // The background work has taken the group and not yet found the account busy.
    let mut sorting = db::begin(pool).await.unwrap();
    let (events, _) = store::take_arrivals(&mut sorting, 10).await.unwrap();
    assert_eq!(events.len(), 2);
    let call = employees(pool, "a");
    let rest = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(pool).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        let (locked, _) = store::lock_idle_accounts(&mut sorting, &["a".to_owned()], false).await.unwrap();
        assert!(locked.is_empty(), "the call holds it");
        store::queue_events(&mut sorting, &events).await.unwrap();
        sorting.commit().await.unwrap();
    };
    let (seen, ()) = tokio::join!(call, rest);
    assert_eq!(seen, Some(2));
}
