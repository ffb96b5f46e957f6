//! Accounts that the tests tell, as events.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// An event with an id of its own, true at `at`.
pub fn event_at(at: DateTime<Utc>, kind: &str, account: &str, data: Value) -> Value {
    let mut event = event(kind, account, data);
    event["time"] = at.to_rfc3339().into();
    event
}

/// An event with an id of its own, true when it arrives.
pub fn event(kind: &str, account: &str, data: Value) -> Value {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut event = json!({
        "specversion": "1.0", "id": format!("e{id}"), "source": "/test", "type": kind, "subject": account,
    });
    event["data"] = data;
    event
}

/// An event that does not name its account.
pub fn unaddressed(kind: &str, data: Value) -> Value {
    let mut event = event(kind, "", data);
    event.as_object_mut().unwrap().remove("subject");
    event
}

/// Daily usage over the `days` days up to the day before `now`.
pub fn usage(now: DateTime<Utc>, account: &str, days: i64, day: &Value) -> Vec<Value> {
    let usage = |back| {
        let mut data = day.clone();
        data["date"] = json!(now.date_naive() - TimeDelta::days(back));
        event("gtm.usage.recorded", account, data)
    };
    (1..=days).rev().map(usage).collect()
}

/// One day of usage of the worked example.
pub fn full_day() -> Value {
    json!({
        "activeUsers": 40,
        "features": {
            "api": 90, "integrations": 60, "team_seats": 50, "reports": 10, "alerts": 5, "exports": 5,
        },
    })
}

/// The account of the worked example: mid-market, usage plateaued at depth 72, AWS and Salesforce overlap, no
/// opportunity. What the CRM says of it is as old as `age`.
pub fn worked_example(now: DateTime<Utc>, account: &str, age: TimeDelta) -> Vec<Value> {
    let mut events = without_partners(now, account, age);
    events.extend([
        event("gtm.source.synced", account, json!({"source": "partner", "syncedAt": now})),
        event(
            "gtm.partner.overlap",
            account,
            json!({"partnerId": "aws", "overlapType": "customer", "strength": 0.9}),
        ),
        event(
            "gtm.partner.overlap",
            account,
            json!({"partnerId": "salesforce", "overlapType": "tech_stack", "strength": 0.5}),
        ),
    ]);
    events
}

/// The account of the worked example before partners were known there.
pub fn without_partners(now: DateTime<Utc>, account: &str, age: TimeDelta) -> Vec<Value> {
    let crm = now - age;
    let mut events = vec![
        event_at(
            crm,
            "gtm.account.upserted",
            account,
            json!({"name": "Example", "employeeCount": 800, "seats": 100, "domain": "example.com"}),
        ),
        event_at(crm, "gtm.source.synced", account, json!({"source": "crm", "syncedAt": crm})),
    ];
    events.extend(usage(now, account, 40, &full_day()));
    events.push(event(
        "gtm.usage.recorded",
        account,
        json!({"date": now.date_naive(), "activeUsers": 5, "department": "finance", "features": {"api": 1}}),
    ));
    events
}

/// Somebody wrote to the account.
pub fn touched(at: DateTime<Utc>, account: &str) -> Value {
    event(
        "gtm.activity.logged",
        account,
        json!({"activityType": "email", "direction": "outbound", "occurredAt": at}),
    )
}

/// The account has so many employees: its segment follows.
pub fn employees(account: &str, count: u32) -> Value {
    event(
        "gtm.account.upserted",
        account,
        json!({"name": "Example", "employeeCount": count, "seats": count / 8 + 1}),
    )
}
