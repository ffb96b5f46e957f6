//! Handoffs: what a look at a million clocks costs that are not due, how fast ten thousand steps of one minute are done,
//! and how many handoffs are made in a second.

use std::time::{Duration, Instant};

use gtm::handoffs::commands::{Handoffs, OpenAsk};
use gtm::handoffs::import::Import;
use gtm::platform::jobs::Lane;
use serde_json::json;
use sqlx::PgPool;

use crate::intake::{drain, median};
use crate::setup::Bench;

/// Looks of one measurement.
const TICKS: usize = 400;
const FEW: i64 = 1_000;
const MANY: i64 = 1_000_000;
/// Handoffs whose step falls due in the same minute.
const DUE: i64 = 10_000;
const TASKS: u64 = 16;
/// Handoffs that are made, each for an account of its own.
const MADE: u64 = 4_000;
const REPS: usize = 8;

pub async fn run(bench: &Bench) {
    let service = bench.service("handoffs").await;
    let (handoffs, pool) = (service.app.handoffs.clone(), service.app.platform.pool.clone());
    company(&service.app, &pool).await;
    created(&handoffs, &pool).await;
    due(&handoffs, &pool).await;
    idle(&handoffs, &pool).await;
    service.stop().await;
}

/// A team of reps without caps, and one account that can be handed over.
async fn company(app: &gtm::app::App, pool: &PgPool) {
    let reps = (0..REPS).map(|n| json!({"id": format!("rep_{n}"), "name": format!("Rep {n}"), "email": "r@acme.com", "team": "sales"}));
    let roster = json!({"teams": [{"id": "sales"}], "reps": reps.collect::<Vec<_>>()});
    let import = Import { roster: Some(serde_json::from_value(roster).unwrap()), files: Vec::new() };
    app.handoffs.import_roster(&import, false, "bench").await.unwrap();
    let event = |kind: &str, data: serde_json::Value| json!({"specversion": "1.0", "id": kind, "source": "/bench", "type": kind, "subject": "acc", "data": data});
    let events = json!([
        event("gtm.account.upserted", json!({"name": "Bench", "employeeCount": 300})),
        event(
            "gtm.contact.upserted",
            json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"})
        ),
        event("gtm.note.added", json!({"text": "Month end takes a week", "kind": "pain_point"})),
    ]);
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("content-type", "application/cloudevents-batch+json".parse().unwrap());
    let now = app.platform.clock.now();
    let decoded = gtm::accounts::events::decode(&headers, events.to_string().as_bytes(), now);
    let gtm::accounts::events::Decoded::Batch(events) = decoded else { panic!("a batch") };
    let events = events.into_iter().map(|event| event.unwrap().addressed().unwrap()).collect();
    app.accounts.intake.take(events, Lane::Normal).await.unwrap();
    drain(pool).await;
}

/// Copies the account with its contact and its note, under the names `<prefix>_1` and so on.
async fn accounts(pool: &PgPool, prefix: &str, count: i64) {
    for copy in [
        "INSERT INTO account SELECT (jsonb_populate_record(a, jsonb_build_object('account_id', $1 || '_' || k))).*
         FROM account a, generate_series(1, $2) k WHERE a.account_id = 'acc'",
        "INSERT INTO contact SELECT (jsonb_populate_record(c, jsonb_build_object('account_id', $1 || '_' || k))).*
         FROM contact c, generate_series(1, $2) k WHERE c.account_id = 'acc'",
        "INSERT INTO note SELECT (jsonb_populate_record(n, jsonb_build_object('account_id', $1 || '_' || k))).*
         FROM note n, generate_series(1, $2) k WHERE n.account_id = 'acc'",
    ] {
        sqlx::query(copy).bind(prefix).bind(count).execute(pool).await.unwrap();
    }
    sqlx::raw_sql("ANALYZE").execute(pool).await.unwrap();
}

fn ask(account_id: String) -> OpenAsk {
    OpenAsk {
        handoff_type: "mql_to_sales".to_owned(),
        cause: format!("bench:{account_id}"),
        account_id,
        deal_id: None,
        from_team: None,
        to_team: None,
        owner_id: None,
        skills: std::collections::BTreeSet::new(),
        dry_run: false,
        decision_id: None,
        requested_by: "bench".to_owned(),
    }
}

async fn created(handoffs: &Handoffs, pool: &PgPool) {
    accounts(pool, "made", i64::try_from(MADE).unwrap()).await;
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let handoffs = handoffs.clone();
        tasks.spawn(async move {
            for n in (task..MADE).step_by(usize::try_from(TASKS).unwrap()) {
                handoffs.open(&ask(format!("made_{}", n + 1))).await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let rate = MADE as f64 / start.elapsed().as_secs_f64();
    println!("handoffs made, each with its package and owner, {TASKS} callers: {rate:.0}/s");
}

/// Ten thousand owners who have not acknowledged, all in the same minute.
async fn due(handoffs: &Handoffs, pool: &PgPool) {
    let first = handoffs.open(&ask("acc".to_owned())).await.unwrap().handoff;
    accounts(pool, "due", DUE).await;
    let mut tx = gtm::platform::db::begin(pool).await.unwrap();
    for copy in DUE_COPIES {
        sqlx::query(copy).bind(first.id).bind(DUE).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let start = Instant::now();
    handoffs.work.notify_one();
    let left = "SELECT count(*) FROM handoff_entry WHERE doc ->> 'step' = 'acknowledge_breach'";
    while sqlx::query_scalar::<_, i64>(left).fetch_one(pool).await.unwrap() < DUE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = start.elapsed().as_secs_f64();
    println!("{DUE} steps that fall due in the same minute, all done: {took:.1} s (target 10 s)");
}

/// Copies of a handoff with its turn, two hours old, and the jobs of their clocks.
const DUE_COPIES: [&str; 3] = [
    "INSERT INTO handoff SELECT (jsonb_populate_record(h, jsonb_build_object(
       'account_id', 'due_' || k, 'id', md5('due' || k)::uuid,
       'request', jsonb_set(h.request::jsonb, '{handoffId}', to_jsonb(md5('due' || k)::uuid::text)),
       'clock', jsonb_set(h.clock::jsonb, '{startedAt}', to_jsonb(h.created_at - interval '2 hours 1 minute'))))).*
     FROM handoff h, generate_series(1, $2) k WHERE h.id = $1",
    "INSERT INTO handoff_turn SELECT (jsonb_populate_record(t, jsonb_build_object(
       'account_id', 'due_' || k, 'handoff_id', md5('due' || k)::uuid))).*
     FROM handoff_turn t, generate_series(1, $2) k WHERE t.handoff_id = $1",
    "INSERT INTO job (kind, key, payload, lane, due_at, created_at)
     SELECT 'handoff_step', md5('due' || k)::uuid::text, json_build_object('accountId', 'due_' || k), 1,
            h.created_at - interval '1 minute', h.created_at
     FROM handoff h, generate_series(1, $2) k WHERE h.id = $1",
];

/// The same look with a thousand and with a million clocks that run.
async fn idle(handoffs: &Handoffs, pool: &PgPool) {
    sqlx::raw_sql("DELETE FROM job WHERE kind = 'handoff_step'").execute(pool).await.unwrap();
    let mut costs = Vec::new();
    for pending in [FEW, MANY] {
        sqlx::query(
            "INSERT INTO job (kind, key, payload, lane, due_at, created_at)
             SELECT 'handoff_step', md5($1 || ' ' || k), '{\"accountId\": \"acc\"}', 1,
                    now() + interval '1 day' + k * interval '1 second', now()
             FROM generate_series(1, $1) k",
        )
        .bind(pending)
        .execute(pool)
        .await
        .unwrap();
        sqlx::raw_sql("VACUUM ANALYZE job").execute(pool).await.unwrap();
        sqlx::raw_sql("CHECKPOINT").execute(pool).await.unwrap();
        let mut ticks = Vec::with_capacity(TICKS);
        for _ in 0..TICKS {
            let start = Instant::now();
            assert_eq!(handoffs.work_due().await.unwrap(), 0);
            ticks.push(start.elapsed().as_secs_f64() * 1e6);
        }
        costs.push(median(ticks));
    }
    println!(
        "a look for what is due, nothing being so: {:.0} µs with {FEW} clocks, {:.0} µs with {MANY}: {:.2} x (target 1.2 x)",
        costs[0],
        costs[1],
        costs[1] / costs[0]
    );
}
