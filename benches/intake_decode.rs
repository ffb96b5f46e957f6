//! What one event costs before it is stored, and after: decoding with all checks, and the fold.
//!
//! Run with `cargo bench --bench intake_decode`. The aim is less than 5 µs for a small event, so that one
//! core takes in far more than the database can store.

use std::hint::black_box;

use axum::http::{HeaderMap, HeaderValue};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gtm::accounts::events::{Arrived, Decoded, Event, decode};
use gtm::accounts::fold::apply;
use gtm::accounts::model::AccountState;
use gtm::kernel::clock::DateTime;
use serde_json::json;

fn now() -> DateTime {
    chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

/// Events of different sizes, as structured bodies.
fn bodies() -> [(&'static str, String); 4] {
    let event = |event_type: &str, data: serde_json::Value| {
        json!({"specversion": "1.0", "id": "evt-0193d2a0", "source": "/product/analytics", "type": event_type,
               "subject": "acc_12345", "time": "2027-01-15T07:30:00.123Z",
               "datacontenttype": "application/json", "data": data})
        .to_string()
    };
    [
        ("lifecycle", event("gtm.lifecycle.changed", json!({"stage": "customer"}))),
        (
            "usage",
            event(
                "gtm.usage.recorded",
                json!({"date": "2027-01-14", "activeUsers": 72, "seats": 100,
                       "features": {"export": 14, "api": 230, "dashboards": 71}}),
            ),
        ),
        (
            "account",
            event(
                "gtm.account.upserted",
                json!({"name": "Acme Corporation", "domain": "https://www.acme.com", "industry": "Software",
                       "employeeCount": 1200, "annualRevenue": {"amount": "250000000", "currency": "USD"},
                       "country": "us", "ownerId": "rep_7", "planTier": "team",
                       "techStack": ["AWS", "Salesforce", "Snowflake"]}),
            ),
        ),
        (
            "deal",
            event(
                "gtm.deal.upserted",
                json!({"dealId": "d-1", "name": "Expansion", "amount": "120000.50", "currency": "USD",
                       "stage": "Negotiation", "expectedCloseDate": "2027-03-31", "products": ["core", "sso"],
                       "qualification": {"score": 82, "framework": "MEDDIC", "budgetConfirmed": true,
                                         "painPoints": ["manual reporting", "audit"]}}),
            ),
        ),
    ]
}

fn headers(content_type: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    headers
}

fn single(body: &str) -> Option<Event> {
    match decode(&headers("application/cloudevents+json"), body.as_bytes(), now()) {
        Decoded::Single(event) => event.ok().and_then(Arrived::addressed),
        Decoded::Batch(_) | Decoded::Refused(_) => None,
    }
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    let structured = headers("application/cloudevents+json");
    for (name, body) in bodies() {
        assert!(single(&body).is_some(), "the {name} event is well formed");
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter(|| decode(&structured, black_box(body.as_bytes()), now()));
        });
    }
    let mut binary = headers("application/json");
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "evt-0193d2a0"),
        ("ce-source", "/product/analytics"),
        ("ce-type", "gtm.lifecycle.changed"),
        ("ce-subject", "acc_12345"),
        ("ce-time", "2027-01-15T07:30:00.123Z"),
    ] {
        binary.insert(name, HeaderValue::from_static(value));
    }
    group.bench_function("lifecycle, binary", |bencher| {
        bencher.iter(|| decode(&binary, black_box(br#"{"stage": "customer"}"#), now()));
    });
    let batch = format!("[{}]", vec![bodies()[1].1.clone(); 1_000].join(","));
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("batch of 1,000 usage events", |bencher| {
        let headers = headers("application/cloudevents-batch+json");
        bencher.iter(|| decode(&headers, black_box(batch.as_bytes()), now()));
    });
    group.finish();
}

fn folding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold");
    let events: Vec<Event> = bodies().iter().filter_map(|(_, body)| single(body)).collect();
    let mut state = AccountState::default();
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("four events into a known state", |bencher| {
        bencher.iter(|| {
            for event in &events {
                black_box(apply(&mut state, black_box(event)));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, decoding, folding);
criterion_main!(benches);
