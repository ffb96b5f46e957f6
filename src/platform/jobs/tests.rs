//! The promises of jobs, each against a real database. Leases run out by being set back, never by waiting.

use chrono::TimeDelta;
use futures_util::future::join_all;
use sqlx::PgPool;

use super::dead::DeadJobs;
use super::*;
use crate::platform::db;
use crate::testing;

const KIND: &str = "test";

fn at(seconds: i64) -> DateTime {
    chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn job(key: &str, payload: &str, lane: Lane, due_at: DateTime) -> NewJob {
    NewJob { key: key.to_owned(), payload: format!("{payload:?}"), lane, due_at }
}

fn normal(key: &str, due_at: DateTime) -> NewJob {
    job(key, "x", Lane::Normal, due_at)
}

async fn ask(pool: &PgPool, jobs: &[NewJob]) {
    enqueue(&mut pool.acquire().await.unwrap(), KIND, jobs, at(0)).await.unwrap();
}

async fn take(pool: &PgPool, now: DateTime, limit: i64) -> Vec<Claimed> {
    claim(&mut pool.acquire().await.unwrap(), KIND, now, limit).await.unwrap()
}

async fn done(pool: &PgPool, jobs: &[Claimed]) {
    finish(&mut pool.acquire().await.unwrap(), jobs).await.unwrap();
}

async fn failed(pool: &PgPool, job: &Claimed, retry_at: DateTime) {
    fail(&mut pool.acquire().await.unwrap(), job, "broken", retry_at, at(0)).await.unwrap();
}

/// As if the workers that hold leases had been gone for long.
async fn run_out_leases(pool: &PgPool) {
    sqlx::query(
        "UPDATE job SET leased_until = clock_timestamp() - interval '1 second' WHERE leased_until > now()",
    )
    .execute(pool)
    .await
    .unwrap();
}

async fn count(pool: &PgPool, table: &str) -> i64 {
    let text = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(pool).await.unwrap()
}

fn keys(jobs: &[Claimed]) -> Vec<&str> {
    jobs.iter().map(|job| job.key.as_str()).collect()
}

#[tokio::test]
async fn asking_fifty_times_at_once_leaves_one_row_due_at_the_earliest() {
    let database = testing::database().await;
    let pool = &database.pool;
    join_all((0..50).map(|n| async move { ask(pool, &[normal("a", at(50 - n))]).await })).await;
    assert_eq!(count(pool, "job").await, 1);
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(next_due(&mut conn, KIND).await.unwrap(), Some(at(1)));
    // Within one call, too.
    ask(pool, &[normal("b", at(9)), normal("b", at(3)), normal("b", at(7))]).await;
    assert_eq!(count(pool, "job").await, 2);
    assert_eq!(keys(&take(pool, at(3), 10).await), ["a", "b"]);
}

#[tokio::test]
async fn what_one_worker_holds_no_other_gets_and_many_at_once_share_without_overlap() {
    let database = testing::database().await;
    let pool = &database.pool;
    let asked: Vec<NewJob> = (0..100).map(|n| normal(&format!("k{n:03}"), at(n))).collect();
    ask(pool, &asked).await;
    let shares = join_all((0..8).map(|_| take(pool, at(200), 20))).await;
    let mut taken: Vec<&str> = shares.iter().flat_map(|share| keys(share)).collect();
    taken.sort_unstable();
    let distinct = taken.len();
    taken.dedup();
    assert_eq!(taken.len(), distinct, "a job was given to two workers");
    // A worker that met the locks of another got less than it asked for; the rest is still there.
    let rest = take(pool, at(200), 100).await;
    assert_eq!(rest.len() + distinct, 100);
    assert!(take(pool, at(200), 100).await.is_empty());
    assert!(take(pool, at(200) + TimeDelta::days(1), 100).await.is_empty(), "business time ends no lease");
}

#[tokio::test]
async fn hot_jobs_go_first_and_within_a_lane_the_oldest() {
    let database = testing::database().await;
    let pool = &database.pool;
    let mut asked = vec![job("bulk", "x", Lane::Bulk, at(0)), job("hot", "x", Lane::Hot, at(99))];
    // Asked for in an order that is neither that of their keys nor that of their instants.
    asked.extend([7, 2, 9, 4, 1, 8, 3, 6, 5].map(|n| normal(&format!("n{}", 9 - n), at(n))));
    ask(pool, &asked).await;
    assert_eq!(keys(&take(pool, at(100), 4).await), ["hot", "n8", "n7", "n6"]);
    assert_eq!(keys(&take(pool, at(100), 4).await), ["n5", "n4", "n3", "n2"]);
    assert_eq!(keys(&take(pool, at(100), 4).await), ["n1", "n0", "bulk"]);
    // Asked for again in a hotter lane, a job moves there.
    ask(pool, &[normal("x", at(1)), job("y", "x", Lane::Bulk, at(0))]).await;
    ask(pool, &[job("y", "x", Lane::Hot, at(5))]).await;
    assert_eq!(keys(&take(pool, at(100), 4).await), ["y", "x"]);
}

#[tokio::test]
async fn asked_for_while_it_runs_a_job_runs_exactly_once_more_for_the_reason_given_then() {
    let database = testing::database().await;
    let pool = &database.pool;
    ask(pool, &[job("a", "event", Lane::Normal, at(0))]).await;
    let first = take(pool, at(0), 1).await;
    for _ in 0..20 {
        ask(pool, &[job("a", "wake", Lane::Normal, at(7))]).await;
        ask(pool, &[job("a", "sweep", Lane::Normal, at(9))]).await;
    }
    assert!(take(pool, at(10), 1).await.is_empty(), "it is still running");
    done(pool, &first).await;
    assert!(take(pool, at(6), 1).await.is_empty(), "it is not due yet");
    let second = take(pool, at(7), 1).await;
    assert_eq!((keys(&second), second[0].payload.get()), (vec!["a"], r#""wake""#));
    assert_eq!(second[0].attempts, 1, "a new run counts its attempts anew");
    done(pool, &second).await;
    assert_eq!(count(pool, "job").await, 0);
}

#[tokio::test]
async fn a_worker_that_comes_back_late_changes_nothing() {
    let database = testing::database().await;
    let pool = &database.pool;
    ask(pool, &[normal("a", at(0))]).await;
    let late = take(pool, at(0), 1).await;
    run_out_leases(pool).await;
    let present = take(pool, at(0), 1).await;
    assert_eq!((present[0].id, present[0].attempts), (late[0].id, 2), "a lease that ran out is taken over");
    assert!(present[0].lease > late[0].lease);
    done(pool, &late).await;
    failed(pool, &late[0], at(1_000)).await;
    assert!(take(pool, at(2_000), 1).await.is_empty(), "the present worker still holds it");
    done(pool, &present).await;
    assert_eq!(count(pool, "job").await, 0);
    // It is asked for anew, under a new token.
    ask(pool, &[normal("a", at(0))]).await;
    done(pool, &present).await;
    assert_eq!(count(pool, "job").await, 1);
}

#[tokio::test]
async fn asking_for_a_job_whose_worker_is_gone_takes_it_back() {
    let database = testing::database().await;
    let pool = &database.pool;
    ask(pool, &[normal("a", at(0))]).await;
    let late = take(pool, at(0), 1).await;
    ask(pool, &[normal("a", at(5))]).await;
    run_out_leases(pool).await;
    ask(pool, &[normal("a", at(3))]).await;
    done(pool, &late).await;
    let again = take(pool, at(0), 1).await;
    assert_eq!(keys(&again), ["a"], "what was due before is still due");
    done(pool, &again).await;
    assert_eq!(count(pool, "job").await, 0, "one run answers every wish");
}

#[tokio::test]
async fn a_failed_job_comes_back_and_is_set_aside_after_its_last_attempt() {
    let database = testing::database().await;
    let pool = &database.pool;
    ask(pool, &[normal("a", at(0))]).await;
    for attempt in 1..=MAX_ATTEMPTS {
        let now = at(i64::from(attempt) * 10);
        let taken = take(pool, now, 1).await;
        assert_eq!(taken[0].attempts, attempt);
        failed(pool, &taken[0], now + TimeDelta::seconds(10)).await;
        assert!(take(pool, now + TimeDelta::seconds(9), 1).await.is_empty());
    }
    assert_eq!((count(pool, "job").await, count(pool, "job_dead").await), (0, 1));
    let (key, attempts, error): (String, i32, String) =
        sqlx::query_as("SELECT key, attempts, error FROM job_dead").fetch_one(pool).await.unwrap();
    assert_eq!((key.as_str(), attempts, error.as_str()), ("a", MAX_ATTEMPTS, "broken"));
    ask(pool, &[normal("a", at(0))]).await;
    assert_eq!(take(pool, at(0), 1).await[0].attempts, 1, "asked for anew it has all its attempts");
}

async fn set_aside(pool: &PgPool, key: &str) {
    ask(pool, &[normal(key, at(0))]).await;
    sqlx::query("UPDATE job SET attempts = $1 WHERE key = $2")
        .bind(MAX_ATTEMPTS - 1)
        .bind(key)
        .execute(pool)
        .await
        .unwrap();
    failed(pool, &take(pool, at(0), 1).await[0], at(1)).await;
}

#[tokio::test]
async fn what_was_set_aside_is_put_back_once_and_is_on_record() {
    let database = testing::database().await;
    let pool = &database.pool;
    for key in ["a", "b", "c"] {
        set_aside(pool, key).await;
    }
    let all = dead::list(pool, DeadJobs::default(), None, 10).await.unwrap();
    assert_eq!(all.iter().map(|job| job.key.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
    assert_eq!((all[0].attempts, all[0].error.as_str(), all[0].failed_at), (MAX_ATTEMPTS, "broken", at(0)));
    // Asked for again meanwhile: it stays one job.
    ask(pool, &[normal("c", at(50))]).await;
    let one = DeadJobs { id: Some(all[0].id), ..DeadJobs::default() };
    let answers = join_all((0..4).map(|_| dead::retry(pool, one, "key:x", at(7)))).await;
    assert_eq!(answers.into_iter().map(|answer| answer.unwrap().count).sum::<i64>(), 1);
    assert_eq!((count(pool, "job").await, count(pool, "job_dead").await), (1, 2));
    assert_eq!(take(pool, at(7), 9).await[0].attempts, 1, "due now, with all its attempts before it");

    let rest = dead::retry(pool, DeadJobs { kind: Some(KIND), ..DeadJobs::default() }, "key:x", at(8)).await;
    assert_eq!((rest.as_ref().unwrap().count, rest.as_ref().unwrap().left), (2, 0));
    assert_eq!(rest.unwrap().groups[0].of, KIND);
    assert_eq!(keys(&take(pool, at(8), 9).await), ["a", "b"]);
    let none = dead::retry(pool, DeadJobs::default(), "key:x", at(9)).await.unwrap();
    assert_eq!((none.count, count(pool, "audit_entry").await), (0, 2), "what does nothing is not on record");
}

#[tokio::test]
async fn a_wish_outlives_the_failure_of_the_run_it_came_in() {
    let database = testing::database().await;
    let pool = &database.pool;
    // The retry comes after what was asked for: one run serves both.
    ask(pool, &[normal("a", at(0))]).await;
    let first = take(pool, at(0), 1).await;
    ask(pool, &[normal("a", at(1))]).await;
    failed(pool, &first[0], at(10)).await;
    assert!(take(pool, at(9), 1).await.is_empty(), "the pause after a failure is kept");
    done(pool, &take(pool, at(10), 1).await).await;
    assert_eq!(count(pool, "job").await, 0);

    // The retry comes before what was asked for: that is still to come.
    ask(pool, &[normal("b", at(0))]).await;
    let first = take(pool, at(0), 1).await;
    ask(pool, &[normal("b", at(100))]).await;
    failed(pool, &first[0], at(10)).await;
    done(pool, &take(pool, at(10), 1).await).await;
    done(pool, &take(pool, at(100), 1).await).await;
    assert_eq!(count(pool, "job").await, 0);

    // The run was the last: the job is set aside, and begins anew for the wish.
    ask(pool, &[normal("c", at(0))]).await;
    sqlx::query("UPDATE job SET attempts = $1").bind(MAX_ATTEMPTS - 1).execute(pool).await.unwrap();
    let last = take(pool, at(0), 1).await;
    ask(pool, &[normal("c", at(5))]).await;
    failed(pool, &last[0], at(10)).await;
    assert_eq!((count(pool, "job").await, count(pool, "job_dead").await), (1, 1));
    assert_eq!(take(pool, at(5), 1).await[0].attempts, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn askers_and_workers_over_the_same_jobs_never_deadlock() {
    let database = testing::database().await;
    let pool = &database.pool;
    // Capitals and digits, which collations order differently from bytes.
    let names: Vec<String> = (0..40)
        .map(|n| format!("{}{n}", if n % 2 == 0 { "a" } else { "B" }))
        .chain(["_x", "-y", ".z", "0", "Z"].map(str::to_owned))
        .collect();
    let asker = |turned: bool| {
        let names = &names;
        async move {
            for _ in 0..40 {
                let mut jobs: Vec<NewJob> = names.iter().map(|name| normal(name, at(0))).collect();
                if turned {
                    jobs.reverse();
                }
                let mut tx = db::begin(pool).await.unwrap();
                enqueue(&mut tx, KIND, &jobs, at(0)).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    };
    let worker = || async {
        let mut held = Vec::new();
        for round in 0..60 {
            held.extend(take(pool, at(1), 25).await);
            if round % 3 == 2 {
                // In the order in which they were taken, which is not that of their keys.
                held.reverse();
                done(pool, &std::mem::take(&mut held)).await;
            }
        }
        done(pool, &held).await;
    };
    tokio::join!(asker(false), asker(true), worker(), worker());
    for _ in 0..3 {
        done(pool, &take(pool, at(1), 100).await).await;
    }
    assert_eq!(count(pool, "job").await, 0, "nothing is stuck");
}

#[tokio::test]
async fn kinds_with_something_due_are_those_that_a_claim_would_find_something_of() {
    let database = testing::database().await;
    let pool = &database.pool;
    let kinds =
        async |now| due_kinds(&mut pool.acquire().await.unwrap(), &["other", KIND], now).await.unwrap();
    ask(pool, &[job("later", "x", Lane::Bulk, at(10))]).await;
    assert_eq!(kinds(at(9)).await, Vec::<String>::new());
    assert_eq!(kinds(at(10)).await, [KIND]);
    let held = take(pool, at(10), 1).await;
    assert_eq!(kinds(at(10)).await, Vec::<String>::new(), "somebody has it in hand");
    run_out_leases(pool).await;
    assert_eq!(kinds(at(10)).await, [KIND]);
    done(pool, &held).await;
    assert_eq!(kinds(at(10)).await, Vec::<String>::new());
}
