//! Unmatched and moved events on a real database: in one place at every moment, and no news lost.

use chrono::TimeDelta;
use sqlx::PgPool;
use uuid::Uuid;

use super::*;
use crate::accounts::events::{EventType, Unaddressed};
use crate::accounts::matching::clues;
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::jobs::Lane;
use crate::testing;

fn now() -> DateTime {
    chrono::DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").unwrap().to_utc()
}

/// Stores an event that speaks of a domain; gives its id.
async fn store_lead(pool: &PgPool, number: u128, domain: &str) -> Uuid {
    let data_text = format!(r#"{{"contactId": "c{number}", "email": "x@{domain}"}}"#);
    let event = Unaddressed {
        source: "/forms".to_owned(),
        id: number.to_string(),
        kept_id: None,
        event_type: EventType::ContactUpserted,
        time: now(),
        received_at: now(),
        clues: clues("gtm.contact.upserted", &data_text),
        attributes_text: None,
        data_text,
    };
    let mut rows = NewUnmatched::default();
    rows.push(Uuid::from_u128(number), Uuid::from_u128(1_000 + number), &event);
    insert_unmatched(pool, &rows, Lane::Normal, now()).await.unwrap().pop().unwrap_or_default()
}

/// Where events are: unmatched, in an account's queue, kept raw, traced to their keys.
async fn places(pool: &PgPool) -> (i64, i64, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM unmatched_event), (SELECT count(*) FROM inbox),
                (SELECT count(*) FROM event), (SELECT count(*) FROM matched_event)",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

async fn known(pool: &PgPool, key: &str, account_id: &str) {
    let mut conn = pool.acquire().await.unwrap();
    let identity = Identity { account_id: account_id.to_owned(), key: key.to_owned(), own: false };
    insert_identities(&mut conn, &[identity]).await.unwrap();
}

async fn waiting(pool: &PgPool) -> Vec<Uuid> {
    let mut conn = pool.acquire().await.unwrap();
    let found = lock_unmatched_before(&mut conn, now() - TimeDelta::hours(1), 10).await.unwrap();
    found.into_iter().map(|event| event.id).collect()
}

#[tokio::test]
async fn an_event_is_stored_once_and_routed_once() {
    let database = testing::database().await;
    let pool = &database.pool;
    ensure_event_partitions(pool, now()).await.unwrap();
    let id = store_lead(pool, 1, "eu.acme.com").await;
    assert_eq!(store_lead(pool, 1, "eu.acme.com").await, Uuid::nil(), "its identity is taken");
    assert_eq!(places(pool).await, (1, 0, 0, 0));
    let mut conn = pool.acquire().await.unwrap();
    let account = ["acme".to_owned()];
    assert_eq!(route_events(&mut conn, &[id], &account).await.unwrap().len(), 1);
    assert!(route_events(&mut conn, &[id], &account).await.unwrap().is_empty());
    assert_eq!(places(pool).await, (0, 1, 1, 2), "two keys: the domain and the one above it");
    assert_eq!(accounts_matched_by(&mut conn, "domain:acme.com").await.unwrap(), account);
}

#[tokio::test]
async fn news_of_a_key_reach_the_events_that_carry_it_and_no_others() {
    let database = testing::database().await;
    let pool = &database.pool;
    let (acme, zenith) = (store_lead(pool, 1, "acme.com").await, store_lead(pool, 2, "zenith.com").await);
    assert_eq!(waiting(pool).await.len(), 2, "what was never looked at is due");
    let mut conn = pool.acquire().await.unwrap();
    note_looked_at(&mut conn, &[acme, zenith], now(), now(), now()).await.unwrap();
    assert!(waiting(pool).await.is_empty());
    known(pool, "domain:acme.com", "a").await;
    known(pool, "domain:acme.com", "a").await;
    let before = now() - TimeDelta::hours(1);
    let work = spread_news(&mut conn, before, 10).await.unwrap();
    assert_eq!((work.news, work.due), (1, true), "what was known before is no news");
    assert_eq!(waiting(pool).await, [acme]);
    assert_eq!(spread_news(&mut conn, before, 10).await.unwrap().news, 0);
    // What comes in while a transaction that found nobody waiting is under way is looked at once more before long.
    let (young, soon) = (now() - TimeDelta::minutes(1), before - TimeDelta::minutes(1));
    note_looked_at(&mut conn, &[acme, zenith], now(), young, soon).await.unwrap();
    assert_eq!(waiting(pool).await.len(), 2);
    note_looked_at(&mut conn, &[acme, zenith], now(), now(), soon).await.unwrap();
    assert!(waiting(pool).await.is_empty());
}

#[tokio::test]
async fn a_moved_event_is_in_one_place_and_keeps_its_keys() {
    let database = testing::database().await;
    let pool = &database.pool;
    ensure_event_partitions(pool, now()).await.unwrap();
    let ids = [store_lead(pool, 1, "acme.com").await, store_lead(pool, 2, "acme.com").await];
    let mut conn = pool.acquire().await.unwrap();
    route_events(&mut conn, &ids, &["a".to_owned(), "a".to_owned()]).await.unwrap();
    let away = |id, to: Option<&str>| Move {
        from: "a".to_owned(),
        received_at: now(),
        id,
        to: to.map(str::to_owned),
    };
    let moves = [away(ids[0], Some("b")), away(ids[1], None)];
    move_events(&mut conn, &moves, now()).await.unwrap();
    assert_eq!(places(pool).await, (1, 1, 1, 1));
    assert_eq!(accounts_matched_by(&mut conn, "domain:acme.com").await.unwrap(), ["b"]);
    let back = lock_unmatched_with(&mut conn, "domain:acme.com").await.unwrap();
    assert_eq!(back.iter().map(|event| event.id).collect::<Vec<_>>(), [ids[1]]);
    // Once more: there is nothing left to move.
    move_events(&mut conn, &moves, now()).await.unwrap();
    assert_eq!(places(pool).await, (1, 1, 1, 1));
}

#[tokio::test]
async fn who_corrects_is_alone() {
    let database = testing::database().await;
    let (mut one, mut other) =
        (db::begin(&database.pool).await.unwrap(), db::begin(&database.pool).await.unwrap());
    assert!(try_share_matching(&mut one).await.unwrap());
    assert!(try_share_matching(&mut other).await.unwrap(), "those who route do not wait for each other");
    one.rollback().await.unwrap();
    other.rollback().await.unwrap();
    let mut correcting = db::begin(&database.pool).await.unwrap();
    hold_matching(&mut correcting).await.unwrap();
    let mut routing = db::begin(&database.pool).await.unwrap();
    assert!(!try_share_matching(&mut routing).await.unwrap());
}

#[tokio::test]
async fn unmatched_events_are_forgotten_with_the_raw_events_of_their_week() {
    let database = testing::database().await;
    let pool = &database.pool;
    ensure_event_partitions(pool, now()).await.unwrap();
    store_lead(pool, 1, "acme.com").await;
    drop_events_before(pool, now()).await.unwrap();
    assert_eq!(places(pool).await.0, 1, "its week is not over");
    drop_events_before(pool, now() + TimeDelta::weeks(1)).await.unwrap();
    assert_eq!(places(pool).await.0, 0);
    assert_ne!(store_lead(pool, 1, "acme.com").await, Uuid::nil(), "its identity is free again");
}

#[tokio::test]
async fn without_unmatched_events_there_are_no_news() {
    let database = testing::database().await;
    known(&database.pool, "domain:acme.com", "a").await;
    let mut conn = database.pool.acquire().await.unwrap();
    let work = spread_news(&mut conn, now(), 10).await.unwrap();
    assert_eq!((work.news, work.due), (0, false));
}
