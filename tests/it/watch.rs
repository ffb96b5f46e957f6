//! Alarms of connected systems: a source that stalls, a quota that runs out and a system that falls silent reach somebody,
//! once, and show where people look.

use chrono::TimeDelta;
use gtm::connectors::limits::Quota;
use gtm::connectors::source::Group;
use serde_json::{Value, json};

use crate::connect_hubspot::{SECRET, change, connected_to, webhook};
use crate::fakes::hubspot::{Bad, HubSpot};
use crate::harness::Service;

/// A service connected to a portal, with somebody to be told.
async fn watched(portal: &HubSpot) -> Service {
    let mut connectors = connected_to(portal);
    connectors["watch"] = json!({"channel": "#ops", "emails": ["ops@example.com"]});
    Service::connected_sandbox(&connectors).await
}

async fn look(service: &Service, own: &[(&'static str, Quota)]) {
    service.running.app.connectors.watch(own).await.unwrap();
}

fn pass(service: &Service, by: TimeDelta) {
    let clock = &service.running.app.platform.clock;
    clock.advance_to(clock.now() + by);
}

/// What was told: the alerts, oldest first.
async fn told(service: &Service) -> Vec<Value> {
    let page = service.get("/v1/deliveries?destination=messaging/alert").await;
    let mut all: Vec<Value> =
        page["data"].as_array().unwrap().iter().map(|one| one["payload"]["data"].clone()).collect();
    all.reverse();
    all
}

async fn refresh(service: &Service) -> bool {
    let connectors = &service.running.app.connectors;
    connectors.refresh_now("512", Group::Crm, std::time::Duration::from_secs(10)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_stalls_reaches_somebody_and_ends_once_it_can_be_read() {
    let portal = HubSpot::start().await;
    portal.put("companies", "512", &json!({"name": "Acme", "domain": "acme.com"}), &json!({}));
    let service = watched(&portal).await;
    assert!(refresh(&service).await);
    let first = service.get("/v1/connectors").await;
    assert!(first["data"][0]["readAt"].is_string(), "{first}");
    for _ in 0..2 {
        portal.fail("GET", "/companies/512", Bad::Answer(503, "", json!({"message": "down"})));
        assert!(!refresh(&service).await);
        look(&service, &[]).await;
        assert_eq!(told(&service).await, Vec::<Value>::new(), "a moment is no alarm");
        pass(&service, TimeDelta::minutes(29));
    }
    let listed = service.get("/v1/connectors").await;
    assert!(listed["data"][0]["failingSince"].is_string(), "{listed}");
    assert!(
        listed["data"][0]["error"].as_str().unwrap().contains("HubSpot is not well (503): down"),
        "{listed}"
    );
    look(&service, &[]).await;
    look(&service, &[]).await;
    let [alert] = told(&service).await.try_into().unwrap();
    assert_eq!((&alert["channel"], &alert["priority"]), (&json!("#ops"), &json!("urgent")), "{alert}");
    assert!(alert["title"].as_str().unwrap().contains("hubspot cannot be read"));
    assert!(alert["body"].as_str().unwrap().contains("gtm connect hubspot --check"), "{alert}");
    let mails = service.get("/v1/deliveries?destination=email/briefing").await;
    assert_eq!(mails["data"][0]["payload"]["data"]["to"], json!(["ops@example.com"]), "{mails}");
    let listed = service.get("/v1/connectors").await;
    assert_eq!(listed["data"][0]["alarms"][0]["kind"], "stalled", "{listed}");
    let metrics = service.http.get(service.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("gtm_alarms{connector=\"hubspot\",kind=\"stalled\"}"), "{metrics}");
    assert!(metrics.contains("gtm_source_age_seconds{connector=\"hubspot\"}"), "{metrics}");

    assert!(refresh(&service).await);
    pass(&service, TimeDelta::minutes(6));
    look(&service, &[]).await;
    let listed = service.get("/v1/connectors").await;
    assert_eq!(listed["data"][0]["alarms"], json!([]), "it is over: {listed}");
    assert_eq!(told(&service).await.len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_told_at_seventy_and_at_ninety_percent_upstream_and_our_own() {
    let portal = HubSpot::start().await;
    portal.put("companies", "512", &json!({"name": "Acme"}), &json!({}));
    let service = watched(&portal).await;
    let own = |used| [("intake_requests", Quota { used, limit: 8_192 })];
    look(&service, &own(5_734)).await;
    assert_eq!(told(&service).await.len(), 0, "just below");
    look(&service, &own(5_735)).await;
    look(&service, &own(5_735)).await;
    let [first] = told(&service).await.try_into().unwrap();
    assert!(
        first["body"].as_str().unwrap().starts_with("70 % of its quota `intake_requests` is used"),
        "{first}"
    );
    let listed = service.get("/v1/connectors").await;
    assert_eq!(
        (&listed["alarms"][0]["kind"], &listed["alarms"][0]["level"]),
        (&json!("quota"), &json!(1)),
        "{listed}"
    );
    look(&service, &own(7_373)).await;
    assert_eq!(told(&service).await[1]["priority"], "urgent");

    // What the system says of its own.
    let limits = service.running.app.connectors.registry.get("hubspot").unwrap().limits.clone().unwrap();
    limits.note("day", Quota { used: 950, limit: 1_000 });
    look(&service, &own(0)).await;
    let all = told(&service).await;
    let upstream = all.iter().find(|one| one["accountName"] == "hubspot").unwrap();
    assert!(
        upstream["body"].as_str().unwrap().starts_with("95 % of its quota `day` is used (950 of 1000)"),
        "{upstream}"
    );
    let listed = service.get("/v1/connectors").await;
    assert_eq!(listed["data"][0]["quotas"]["day"]["used"], 950, "{listed}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_falls_silent_and_deliveries_that_do_not_arrive_are_told() {
    let portal = HubSpot::start().await;
    let service = watched(&portal).await;
    look(&service, &[]).await;
    assert_eq!(webhook(&service, SECRET, 0, &json!([change("ticket.creation", 1)])).await, 200);
    service.until_read().await;
    pass(&service, TimeDelta::hours(71));
    look(&service, &[]).await;
    assert_eq!(told(&service).await.len(), 0);
    pass(&service, TimeDelta::hours(1));
    look(&service, &[]).await;
    let [silent] = told(&service).await.try_into().unwrap();
    assert!(silent["body"].as_str().unwrap().contains("connectors.watch.silent.hubspot"), "{silent}");
    let found = service.post("/v1/connectors/hubspot/check", json!({})).await;
    let calls = found["findings"].as_array().unwrap().iter().find(|one| one["what"] == "calls").unwrap();
    assert_eq!(calls["ok"], true, "{found}");

    sqlx::query(
        "INSERT INTO delivery (account_id, id, destination, digest_id, payload, status, attempts, due_at, created_at, last_error)
         VALUES ('acc_1', gen_random_uuid(), 'crm/update_deal', gen_random_uuid(), '{}', 'retrying', 3, $1, $2, 'HubSpot is not well (500)')",
    )
    .bind(service.now())
    .bind(service.now() - TimeDelta::minutes(60))
    .execute(&service.database.pool)
    .await
    .unwrap();
    look(&service, &[]).await;
    let all = told(&service).await;
    let stuck = all.iter().find(|one| one["title"] == "hubspot takes no deliveries").unwrap();
    let body = stuck["body"].as_str().unwrap();
    assert!(
        body.contains("1 to `crm/update_deal`") && !body.contains("(500)"),
        "what systems say may name people: {body}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_tell_an_alarm_once() {
    let portal = HubSpot::start().await;
    let service = watched(&portal).await;
    let quota = [("intake_requests", Quota { used: 99, limit: 100 })];
    let looks = (0..8).map(|_| {
        let connectors = service.running.app.connectors.clone();
        async move { connectors.watch(&quota).await.unwrap() }
    });
    futures_util::future::join_all(looks).await;
    assert_eq!(told(&service).await.len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_to_be_forgotten_where_no_system_can_be_told_is_somebodys_task() {
    let portal = HubSpot::start().await;
    let service = watched(&portal).await;
    sqlx::query(
        "INSERT INTO delivery (account_id, id, destination, privacy_id, payload, status, due_at, created_at)
         VALUES ('acc_1', gen_random_uuid(), 'privacy/erasure:crm/log_activity', gen_random_uuid(),
                 '{\"data\": {\"accountId\": \"acc_1\", \"contactIds\": [\"c1\"]}}', 'pending', $1, $1)",
    )
    .bind(service.now())
    .execute(&service.database.pool)
    .await
    .unwrap();
    // HubSpot was shown the person and takes no such command: it is not as if it had been told.
    let settings: gtm::connectors::ConnectorSettings = serde_json::from_value(connected_to(&portal)).unwrap();
    let connectors = &service.running.app.connectors;
    let outbox = gtm::platform::outbox::Outbox::new(
        service.database.pool.clone(),
        service.running.app.platform.clock.clone(),
        gtm::platform::outbox::OutboxSettings::default(),
        connectors.registry.senders(&settings),
    )
    .unwrap();
    outbox.step().await.unwrap();
    let listed = service.get("/v1/deliveries?status=recorded").await;
    let id = listed["data"][0]["deliveryId"].as_str().unwrap().to_owned();
    look(&service, &[]).await;
    let [alert] = told(&service).await.try_into().unwrap();
    assert_eq!(alert["title"], "hubspot: somebody is to be forgotten", "{alert}");
    assert!(alert["body"].as_str().unwrap().contains("gtm deliveries settle"), "{alert}");
    let path = format!("/v1/deliveries/{id}/settle");
    let settled = service.post(&path, json!({})).await;
    assert_eq!(
        (&settled["status"], &settled["provider"]),
        (&json!("delivered"), &json!("person")),
        "{settled}"
    );
    assert!(!settled.to_string().contains("c1"), "whom it was about is forgotten: {settled}");
    service.send(reqwest::Method::POST, &path, Some(json!({})), 404).await;
    pass(&service, TimeDelta::minutes(6));
    look(&service, &[]).await;
    let listed = service.get("/v1/connectors").await;
    assert_eq!(listed["data"][0]["alarms"], json!([]), "{listed}");
    service.expect_intact_audit().await;
    service.stop().await;
}
