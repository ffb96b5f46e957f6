//! Size: what an event costs with a thousand and with a million accounts, and how much memory the service takes with a
//! hundred thousand.

use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::intake::{drain, median};
use crate::load::{Connection, post};
use crate::setup::{Bench, KEY};

/// Accounts that get events in both measurements, and the population that they are part of.
const BUSY: u64 = 1_000;
const COPIES: u64 = 999;
const ROUNDS: u64 = 15;
const BATCH: usize = 100;
/// Accounts of the measurement of memory, and its limit.
const REMEMBERED: u64 = 100_000;
const MEMORY_MAX_MB: u64 = 150;

/// One usage event of an account; `round` makes its id.
fn event(account: &str, round: u64) -> String {
    let today = gtm::kernel::clock::Clock::System.now().date_naive();
    format!(
        r#"{{"specversion":"1.0","id":"{account}-{round}","source":"/bench","type":"gtm.usage.recorded","subject":"{account}","data":{{"date":"{today}","activeUsers":1,"seats":10,"features":{{"api":1}}}}}}"#
    )
}

/// Sends one event to each of the accounts, in batches.
async fn send(connection: &mut Connection, accounts: &[String], round: u64) {
    let mut request = Vec::new();
    for batch in accounts.chunks(BATCH) {
        let events: Vec<String> = batch.iter().map(|account| event(account, round)).collect();
        let body = format!("[{}]", events.join(","));
        request.clear();
        post("/v1/events", "application/cloudevents-batch+json", KEY, &body, &mut request);
        connection.exchange(&request).await;
    }
}

/// Microseconds from the first request until the last event is applied and its account looked at, per event.
async fn cost(
    connection: &mut Connection,
    pool: &PgPool,
    accounts: &[String],
    rounds: std::ops::Range<u64>,
) -> f64 {
    let mut costs = Vec::new();
    for round in rounds {
        let start = Instant::now();
        send(connection, accounts, round).await;
        drain(pool).await;
        costs.push(start.elapsed().as_secs_f64() * 1e6 / accounts.len() as f64);
    }
    median(costs)
}

pub async fn run(bench: &Bench) {
    let service = bench.service("scale").await;
    let pool = service.app.platform.pool.clone();
    let mut connection = Connection::open(service.address).await;
    let few: Vec<String> = (0..BUSY).map(|n| format!("acc_{n:04}")).collect();
    // The first round makes the accounts known; the second warms up.
    send(&mut connection, &few, 0).await;
    drain(&pool).await;
    let small = cost(&mut connection, &pool, &few, 1..ROUNDS).await;
    multiply(&pool).await;
    // As many accounts as before, spread over all.
    let spread: Vec<String> = (0..BUSY).map(|n| format!("acc_{n:04}_{}", n % COPIES + 1)).collect();
    // Until the pages have been written once since the checkpoint, and are as warm as before.
    cost(&mut connection, &pool, &spread, 100..110).await;
    let large = cost(&mut connection, &pool, &spread, 110..110 + ROUNDS).await;
    println!(
        "an event, stored, applied and its account looked at: {small:.0} µs with {BUSY} accounts, {large:.0} µs with {}: \
         {:.2} x (target 1.2 x)",
        BUSY * (COPIES + 1),
        large / small
    );
    service.stop().await;
    memory(bench).await;
}

/// Copies every account with all that belongs to it.
async fn multiply(pool: &PgPool) {
    let copies = [
        "INSERT INTO account SELECT account_id || '_' || k, state, name, domain, owner_id, version, created_at, changed_at
         FROM account, generate_series(1, $1) k",
        "INSERT INTO motion_state SELECT account_id || '_' || k, decision_id, outcome, motion, fingerprint, evaluated_at
         FROM motion_state, generate_series(1, $1) k",
        "INSERT INTO decision SELECT account_id || '_' || k, id, decided_at, policy_version, trigger, outcome, motion,
                exit_state, matched_rule, confidence, document, ledger, resumes
         FROM (SELECT DISTINCT ON (account_id) * FROM decision) d, generate_series(1, $1) k",
        "INSERT INTO audit_head SELECT account_id || '_' || k, seq, hash, false
         FROM audit_head, generate_series(1, $1) k WHERE account_id <> '@system'",
        "INSERT INTO event (account_id, received_at, id, source, event_id, type, occurred_at, data)
         SELECT account_id || '_' || k, received_at, id, source, event_id, type, occurred_at, data
         FROM (SELECT DISTINCT ON (account_id) * FROM event) e, generate_series(1, $1) k",
        "INSERT INTO event_key SELECT gen_random_uuid(), now() FROM generate_series(1, 1000 * $1)",
    ];
    for copy in copies {
        sqlx::query(copy).bind(i64::try_from(COPIES).unwrap()).execute(pool).await.unwrap();
    }
    sqlx::raw_sql("ANALYZE; CHECKPOINT").execute(pool).await.unwrap();
}

/// Resident memory of the service as its own process, after it took in and decided about many accounts.
async fn memory(bench: &Bench) {
    let url = bench.database_url("memory").await;
    let dir = bench.dir("memory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_gtm"))
        .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
        .arg(&dir)
        .env("DATABASE_URL", url)
        .env("GTM_ADMIN_KEY", KEY)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let address = loop {
        if let Some(file) = gtm::app::read_service_file(&dir) {
            break file.url.strip_prefix("http://").unwrap().parse().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let pool = bench.pool("memory", 2).await;
    let mut connection = Connection::open(address).await;
    let accounts: Vec<String> = (0..REMEMBERED).map(|n| format!("acc_{n:06}")).collect();
    send(&mut connection, &accounts, 0).await;
    drain(&pool).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let megabytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
    };
    println!(
        "memory with {REMEMBERED} accounts: {} MB resident, {} MB at the most (target {MEMORY_MAX_MB} MB)",
        megabytes("VmRSS:"),
        megabytes("VmHWM:")
    );
    child.kill().unwrap();
    child.wait().unwrap();
    pool.close().await;
}
