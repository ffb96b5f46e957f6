//! Idempotency keys in time: leases that run out, answers that expire.

use super::*;
use crate::kernel::clock::Clock;
use crate::platform::audit::Signer;
use crate::platform::db;
use crate::platform::lifecycle::Lifecycle;
use crate::testing;

fn at(seconds: i64) -> DateTime {
    chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn slot(fingerprint: u8) -> Slot {
    Slot {
        api_key: Uuid::nil(),
        route: "POST /v1/things".into(),
        key: "k1".into(),
        fingerprint: [fingerprint; 32],
        lease: Uuid::now_v7(),
    }
}

fn platform(pool: &PgPool, clock: &Clock) -> Platform {
    Platform::new(pool.clone(), clock.clone(), Lifecycle::new(), Signer::generate())
}

#[tokio::test]
async fn a_crashed_request_blocks_its_key_until_its_lease_runs_out_and_cannot_answer_later() {
    let database = testing::database().await;
    let pool = &database.pool;
    let (crashed, next) = (slot(1), slot(2));
    let past = at(0);
    let taken = store::claim(pool, &crashed, past, past + KEPT, 60.0).await.unwrap().unwrap();
    assert!(taken.ours);
    let blocked = store::claim(pool, &next, past, past + KEPT, 60.0).await.unwrap().unwrap();
    assert!(!blocked.ours && blocked.status.is_none());

    sqlx::query("update idempotency_key set leased_until = now() - interval '1 second'")
        .execute(pool)
        .await
        .unwrap();
    assert!(store::claim(pool, &next, past, past + KEPT, 60.0).await.unwrap().unwrap().ours);
    let mut tx = db::begin(pool).await.unwrap();
    let late = Claim(crashed.clone()).keep(&mut tx, StatusCode::CREATED, &1).await.unwrap_err();
    assert_eq!(late.code(), "idempotency_in_progress");
    store::release(pool, &crashed).await.unwrap();
    Claim(next.clone()).keep(&mut tx, StatusCode::CREATED, &2).await.unwrap();
    tx.commit().await.unwrap();
    let stored = store::claim(pool, &next, past, past + KEPT, 60.0).await.unwrap().unwrap();
    assert_eq!((stored.ours, stored.status, stored.body), (false, Some(201), Some(b"2".to_vec())));
}

#[tokio::test]
async fn an_answer_kept_with_its_effect_survives_a_crash_and_vanishes_with_a_rollback() {
    let database = testing::database().await;
    let (pool, mine) = (&database.pool, slot(1));
    store::claim(pool, &mine, at(0), at(0) + KEPT, 60.0).await.unwrap();
    let mut tx = db::begin(pool).await.unwrap();
    Claim(mine.clone()).keep(&mut tx, StatusCode::CREATED, &1).await.unwrap();
    tx.rollback().await.unwrap();
    let found = store::claim(pool, &slot(1), at(0), at(0) + KEPT, 60.0).await.unwrap().unwrap();
    assert!(!found.ours && found.status.is_none(), "the effect did not happen, so there is no answer");
}

#[tokio::test]
async fn after_a_day_of_business_time_the_key_is_free_and_the_answer_forgotten() {
    let database = testing::database().await;
    let clock = Clock::manual(at(0));
    let platform = platform(&database.pool, &clock);
    let mine = slot(1);
    assert!(claim(&platform, &mine).await.unwrap().is_none());
    let mut conn = database.pool.acquire().await.unwrap();
    Claim(mine.clone()).keep(&mut conn, StatusCode::CREATED, &1).await.unwrap();

    clock.advance_to(at(24 * 3600 - 1));
    let stored = claim(&platform, &slot(1)).await.unwrap().unwrap();
    assert_eq!(stored.headers()[REPLAYED], "true");
    assert_eq!(purge(&database.pool, clock.now()).await.unwrap(), 0);

    clock.advance_to(at(24 * 3600));
    assert!(claim(&platform, &slot(7)).await.unwrap().is_none(), "free for another request");
    clock.advance_to(at(48 * 3600));
    assert_eq!(purge(&database.pool, clock.now()).await.unwrap(), 1);
}
