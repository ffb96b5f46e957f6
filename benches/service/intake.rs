//! Events in: single ones against a minimal handler with one INSERT per request, batches against a plain multi-row
//! INSERT.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post as post_route;
use sqlx::PgPool;
use uuid::Uuid;

use crate::cpu::Cpu;
use crate::load::{drive, post};
use crate::setup::{Bench, CONNECTIONS, KEY};

const TIME: Duration = Duration::from_secs(5);
const ACCOUNTS: u64 = 2_000;

/// A usage event; `n` makes its id and its account.
pub fn event(n: u64) -> String {
    let today = gtm::kernel::clock::Clock::System.now().date_naive();
    format!(
        r#"{{"specversion":"1.0","id":"bench-{n:012}","source":"/bench","type":"gtm.usage.recorded","subject":"acc_{:06}","data":{{"date":"{today}","activeUsers":1,"features":{{"api":1}}}}}}"#,
        n % ACCOUNTS
    )
}

async fn baseline_handler(State(pool): State<PgPool>, body: Bytes) -> StatusCode {
    let text = String::from_utf8(body.to_vec()).unwrap();
    sqlx::query("INSERT INTO plain (id, body) VALUES ($1, $2::json)")
        .bind(Uuid::now_v7())
        .bind(text)
        .execute(&pool)
        .await
        .unwrap();
    StatusCode::ACCEPTED
}

async fn baseline_server(pool: PgPool) -> SocketAddr {
    let router = Router::new().route("/", post_route(baseline_handler)).with_state(pool);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the baseline ends with the process")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

pub async fn run(bench: &Bench) {
    bench.database("plain").await;
    let pool = bench.pool("plain", CONNECTIONS).await;
    sqlx::raw_sql("CREATE TABLE plain (id uuid PRIMARY KEY, body json NOT NULL)")
        .execute(&pool)
        .await
        .unwrap();
    let baseline = baseline_server(pool.clone()).await;
    let service = bench.service("intake").await;

    for (connections, target) in [(64, 2.0), (256, 3.0)] {
        let mut plain = Vec::new();
        let mut ours = Vec::new();
        let (mut of_plain, mut of_ours) = (String::new(), String::new());
        // Turn and turn about, so that both see the same machine.
        for round in 0..3_u64 {
            let body = |n: u64, into: &mut Vec<u8>| post("/", "application/json", KEY, &event(n), into);
            let before = bench.cpu();
            let outcome = drive(baseline, connections, TIME, body).await;
            of_plain = Cpu::told_since(before, bench.cpu(), outcome.requests);
            plain.push(outcome.per_second());
            let offset = (connections as u64 * 10 + round) << 32;
            let body = move |n: u64, into: &mut Vec<u8>| {
                post("/v1/events", "application/cloudevents+json", KEY, &event(offset + n), into);
            };
            let before = bench.cpu();
            let outcome = drive(service.address, connections, TIME, body).await;
            of_ours = Cpu::told_since(before, bench.cpu(), outcome.requests);
            ours.push(outcome.per_second());
            drain(&service.app.platform.pool).await;
        }
        let (plain, ours) = (median(plain), median(ours));
        println!(
            "intake, single events, {connections} connections: {ours:.0}/s against {plain:.0}/s of one INSERT per \
             request: {:.2} x (target {target} x)\n  ours{of_ours}\n  plain{of_plain}",
            ours / plain
        );
    }
    batches(bench, &pool, service.address).await;
    drain(&service.app.platform.pool).await;
    service.stop().await;
}

/// Single events over 64 connections and nothing else, for a profiler.
pub async fn profile(bench: &Bench) {
    let service = bench.service("intake").await;
    let body = |n: u64, into: &mut Vec<u8>| {
        post("/v1/events", "application/cloudevents+json", KEY, &event(n), into);
    };
    let before = bench.cpu();
    let outcome = drive(service.address, 64, 4 * TIME, body).await;
    println!(
        "profile: {:.0} single events/s over 64 connections{}",
        outcome.per_second(),
        Cpu::told_since(before, bench.cpu(), outcome.requests)
    );
    drain(&service.app.platform.pool).await;
    service.stop().await;
}

/// Batches of 100 over 4 connections, against multi-row inserts of 100 over as many.
async fn batches(bench: &Bench, pool: &PgPool, address: SocketAddr) {
    const CLIENTS: usize = 4;
    let mut of_ours = String::new();
    let mut plain = Vec::new();
    let mut ours = Vec::new();
    for round in 0..3_u64 {
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            let pool = pool.clone();
            tasks.spawn(async move {
                let mut rows = 0_u64;
                while start.elapsed() < TIME {
                    let ids: Vec<Uuid> = (0..100).map(|_| Uuid::now_v7()).collect();
                    let bodies: Vec<String> = (0..100).map(|n| event(rows + n)).collect();
                    sqlx::query("INSERT INTO plain (id, body) SELECT i, b::json FROM unnest($1::uuid[], $2::text[]) AS t (i, b)")
                        .bind(&ids)
                        .bind(&bodies)
                        .execute(&pool)
                        .await
                        .unwrap();
                    rows += 100;
                }
                rows
            });
        }
        let mut rows = 0;
        while let Some(done) = tasks.join_next().await {
            rows += done.unwrap();
        }
        plain.push(rows as f64 / start.elapsed().as_secs_f64());
        let offset = (10_000 + round) << 32;
        let before = bench.cpu();
        let outcome = drive(address, CLIENTS, TIME, move |n, into| {
            let events: Vec<String> = (0..100).map(|k| event(offset + n * 100 + k)).collect();
            let body = format!("[{}]", events.join(","));
            post("/v1/events", "application/cloudevents-batch+json", KEY, &body, into);
        })
        .await;
        of_ours = Cpu::told_since(before, bench.cpu(), outcome.requests * 100);
        ours.push(outcome.per_second() * 100.0);
    }
    let (plain, ours) = (median(plain), median(ours));
    println!(
        "intake, batches of 100, {CLIENTS} connections: {ours:.0} events/s against {plain:.0} rows/s of a plain \
         multi-row INSERT: {:.2} x (target 0.5 x)\n  ours{of_ours}",
        ours / plain
    );
}

/// Waits until all accepted events are applied and their accounts looked at, so that one run does not pay for another.
pub async fn drain(pool: &PgPool) {
    loop {
        let (waiting,): (i64,) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM (SELECT FROM inbox LIMIT 1) i)
                    + (SELECT count(*) FROM (SELECT FROM job WHERE due_at <= now() + interval '1 second' LIMIT 1) j)",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        if waiting == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
