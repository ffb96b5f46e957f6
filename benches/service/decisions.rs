//! Complete durable decisions against pgbench's TPC-B-like transaction at the same number of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gtm::motions::commands::{Ask, Trigger};
use gtm::platform::jobs::Lane;

use crate::intake::{drain, median};
use crate::setup::{Bench, CONNECTIONS};

const SECONDS: u32 = 5;
const ACCOUNTS: u64 = 5_000;

/// Everything that is known of an account that gets a motion: 35 days of usage, a partner, a CRM in step.
fn account(n: u64) -> Vec<String> {
    let now = gtm::kernel::clock::Clock::System.now();
    let today = now.date_naive();
    let subject = format!("acc_{n:06}");
    let event = |id: String, kind: &str, data: String| {
        format!(
            r#"{{"specversion":"1.0","id":"{subject}-{id}","source":"/bench","type":"{kind}","subject":"{subject}","data":{data}}}"#
        )
    };
    let mut events = vec![
        event(
            "a".into(),
            "gtm.account.upserted",
            r#"{"name":"Bench","employeeCount":800,"seats":100}"#.into(),
        ),
        event(
            "s".into(),
            "gtm.source.synced",
            format!(r#"{{"source":"crm","syncedAt":"{}"}}"#, now.to_rfc3339()),
        ),
        event(
            "p".into(),
            "gtm.source.synced",
            format!(r#"{{"source":"partner","syncedAt":"{}"}}"#, now.to_rfc3339()),
        ),
        event("o".into(), "gtm.partner.overlap", r#"{"partnerId":"aws","overlapType":"customer"}"#.into()),
    ];
    for back in 1..=35 {
        let date = today - chrono::TimeDelta::days(back);
        events.push(event(
            format!("u{back}"),
            "gtm.usage.recorded",
            format!(r#"{{"date":"{date}","activeUsers":40,"features":{{"api":90,"integrations":60,"reports":10,"alerts":5}}}}"#),
        ));
    }
    events
}

pub async fn run(bench: &Bench) {
    let service = bench.service("decisions").await;
    let app = service.app.clone();
    for n in 0..ACCOUNTS {
        let texts = account(n);
        let now = app.platform.clock.now();
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("content-type", "application/cloudevents-batch+json".parse().unwrap());
        let body = format!("[{}]", texts.join(","));
        let gtm::accounts::events::Decoded::Batch(events) =
            gtm::accounts::events::decode(&headers, body.as_bytes(), now)
        else {
            panic!("a batch");
        };
        let events = events.into_iter().map(|event| event.unwrap().addressed().unwrap()).collect();
        app.accounts.intake.take(events, Lane::Bulk).await.unwrap();
    }
    drain(&app.platform.pool).await;

    let mut ours = Vec::new();
    let mut plain = Vec::new();
    for _ in 0..3 {
        plain.push(bench.pgbench(CONNECTIONS, SECONDS).await);
        let next = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (motions, next) = (app.motions.clone(), next.clone());
            tasks.spawn(async move {
                let mut done = 0_u64;
                while start.elapsed() < Duration::from_secs(u64::from(SECONDS)) {
                    let account_id = format!("acc_{:06}", next.fetch_add(1, Ordering::Relaxed) % ACCOUNTS);
                    let ask = Ask {
                        account_id,
                        trigger: Trigger::Api,
                        dry_run: false,
                        policy_version: None,
                        actor: "bench".to_owned(),
                        answer: None,
                    };
                    assert!(motions.orchestrate(ask).await.unwrap().recorded);
                    done += 1;
                }
                done
            });
        }
        let mut done = 0;
        while let Some(count) = tasks.join_next().await {
            done += count.unwrap();
        }
        ours.push(done as f64 / start.elapsed().as_secs_f64());
    }
    let (ours, plain) = (median(ours), median(plain));
    println!(
        "decisions, {CONNECTIONS} connections: {ours:.0} recorded decisions/s against {plain:.0} TPC-B-like \
         transactions/s of pgbench: {:.2} x (target 0.4 x)",
        ours / plain
    );
    service.stop().await;
}
