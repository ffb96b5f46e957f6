//! Renewals from the list of those that come to the signature: proposals, the plan, its documents, rules that fire once,
//! ratings that change the plan.

mod alarms;
mod ratings;
mod ravenstack;
mod story;

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::stories::{event, usage};

/// A customer whose contract ends in so many days.
pub async fn customer(service: &Service, id: &str, days: i64) -> NaiveDate {
    let (now, end) = (service.now(), service.now().date_naive() + TimeDelta::days(days));
    let mut events = vec![
        event(
            "gtm.account.upserted",
            id,
            json!({"name": "Acme <Corp>", "domain": "acme.com", "employeeCount": 800, "ownerId": "ada"}),
        ),
        event("gtm.source.synced", id, json!({"source": "crm", "syncedAt": now})),
        event(
            "gtm.contact.upserted",
            id,
            json!({"contactId": "c1", "firstName": "Ann", "lastName": "Lee", "title": "Head of Finance",
                   "email": "ann@acme.com", "isPrimary": true}),
        ),
        event(
            "gtm.subscription.upserted",
            id,
            json!({"subscriptionId": "s1", "planTier": "Pro", "seats": 100, "mrr": "5400.00", "currency": "USD",
                   "startDate": end - TimeDelta::days(365), "endDate": end, "autoRenew": true}),
        ),
        event(
            "gtm.activity.logged",
            id,
            json!({"activityType": "call", "direction": "inbound", "occurredAt": now - TimeDelta::days(2)}),
        ),
    ];
    events.extend(usage(
        now,
        id,
        40,
        &json!({"activeUsers": 70, "features": {"reports": 60, "api": 40, "alerts": 20}}),
    ));
    service.events(&events).await;
    service.until_applied().await;
    end
}

/// Six renewals that nobody has started.
pub async fn populate(service: &Service) {
    for n in 0..6 {
        let account = format!("customer_{n}");
        customer(service, &account, 100).await;
        plan(service, json!({"accountId": account})).await;
    }
}

/// Usage collapses, a ticket is escalated.
async fn trouble(service: &Service, id: &str) {
    let now = service.now();
    let mut events: Vec<Value> = (0..14)
        .map(|back| {
            let day = json!({"date": now.date_naive() - TimeDelta::days(back), "activeUsers": 4, "features": {"reports": 1}, "mode": "replace"});
            event("gtm.usage.recorded", id, day)
        })
        .collect();
    events.push(event(
        "gtm.support.ticket",
        id,
        json!({"ticketId": "t1", "status": "open", "priority": "urgent", "escalated": true}),
    ));
    service.events(&events).await;
}

async fn plan(service: &Service, body: Value) -> Value {
    service.send(Method::POST, "/v1/renewals", Some(body), 201).await
}

fn id_of(renewal: &Value) -> String {
    renewal["renewalId"].as_str().unwrap().to_owned()
}

async fn read(service: &Service, id: &str) -> Value {
    service.get(&format!("/v1/renewals/{id}")).await
}

/// Alerts about a renewal that have left, by title and the role that they were for.
async fn alerts(service: &Service, id: &str) -> BTreeMap<(String, String), usize> {
    let effects = service.get("/v1/sandbox/effects").await;
    let mut found = BTreeMap::new();
    for effect in effects.as_array().unwrap() {
        let data = &effect["payload"]["data"];
        if effect["destination"] == "messaging/alert" && data["planId"] == *id {
            let text = |field: &str| data[field].as_str().unwrap().to_owned();
            *found.entry((text("title"), text("role"))).or_default() += 1;
        }
    }
    found
}

fn count(alerts: &BTreeMap<(String, String), usize>, title: &str) -> Vec<(String, usize)> {
    let of = alerts.iter().filter(|((found, _), _)| found == title);
    of.map(|((_, role), count)| (role.clone(), *count)).collect()
}

/// Everybody who takes part.
pub fn people() -> Value {
    let person = |name: &str| json!({"name": name, "email": format!("{}@seller.com", name.to_lowercase())});
    json!({"csm": person("Cleo"), "product": person("Pia"), "finance": person("Fay"), "exec_sponsor": person("Ed"),
           "renewal_director": person("Rob"), "cro": person("Kim"), "ceo": person("Lou"), "ae": person("Al")})
}

/// A renewal that runs, with everybody named.
async fn running(service: &Service, account: &str, more: Value) -> String {
    let mut body = json!({"accountId": account, "people": people(), "start": true, "waive": ["*"]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    id_of(&plan(service, body).await)
}
