//! Alarms of connected systems: a source that stalls, a quota that runs out and a system that falls silent reach somebody,
//! once, and show where people look.

use chrono::TimeDelta;
use gtm::connectors::limits::Quota;
use gtm::connectors::source::Group;
use serde_json::{Value, json};

use crate::connect_hubspot::{SECRET, change, connected_to, webhook};
use crate::fakes::hubspot::{Bad, HubSpot};
use crate::harness::Service;
use crate::stories;

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
    service.refresh("512", Group::Crm).await
}

/// Has the worker read everything that is due.
async fn read_due(service: &Service) -> usize {
    let mut count = 0;
    loop {
        match service.running.app.connectors.fetch_due().await.unwrap() {
            0 => return count,
            more => count += more,
        }
    }
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
                 '{\"data\": {\"accountId\": \"acc_1\", \"contactIds\": [\"person-1\"]}}', 'pending', $1, $1)",
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
    assert!(!settled.to_string().contains("person-1"), "whom it was about is forgotten: {settled}");
    service.send(reqwest::Method::POST, &path, Some(json!({})), 404).await;
    pass(&service, TimeDelta::minutes(6));
    look(&service, &[]).await;
    let listed = service.get("/v1/connectors").await;
    assert_eq!(listed["data"][0]["alarms"], json!([]), "{listed}");
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_read_again_on_schedule_once_somebody_began() {
    let portal = HubSpot::start().await;
    portal.put("companies", "512", &json!({"name": "Acme"}), &json!({}));
    let mut connectors = connected_to(&portal);
    connectors["watch"] = json!({"catch_up_after_hours": 0, "read_every_hours": {"hubspot": 6}});
    let service = Service::connected_sandbox(&connectors).await;
    look(&service, &[]).await;
    pass(&service, TimeDelta::hours(7));
    look(&service, &[]).await;
    assert_eq!(read_due(&service).await, 0, "the first reading is somebody's to begin");
    service.send(reqwest::Method::POST, "/v1/connectors/hubspot/sync", None, 202).await;
    assert!(read_due(&service).await > 0);

    // Made there, and no call tells of it.
    portal.put("companies", "513", &json!({"name": "Umbrella"}), &json!({}));
    pass(&service, TimeDelta::minutes(6 * 60 - 1));
    look(&service, &[]).await;
    assert_eq!(read_due(&service).await, 0, "not yet");
    service.send(reqwest::Method::GET, "/v1/accounts/513", None, 404).await;
    pass(&service, TimeDelta::minutes(1));
    look(&service, &[]).await;
    look(&service, &[]).await;
    assert!(read_due(&service).await > 0);
    assert!(service.get("/v1/accounts/513").await.to_string().contains("Umbrella"));
    look(&service, &[]).await;
    assert_eq!(read_due(&service).await, 0, "the next is in six hours");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_degrades_its_group_and_decisions_say_so_until_it_answers() {
    let portal = HubSpot::start().await;
    portal.put("companies", "512", &json!({"name": "Acme", "domain": "acme.com"}), &json!({}));
    let service = watched(&portal).await;
    service.events(&stories::worked_example(service.now(), "512", TimeDelta::zero())).await;
    let degraded =
        |decision: &Value, group: &str| decision["signals"][group]["provenance"]["degraded"].clone();
    let before = service.orchestrate("512").await;
    assert_eq!(degraded(&before, "crm"), false, "{before}");

    portal.fail("GET", "/companies/512", Bad::Answer(503, "", json!({"message": "down"})));
    assert!(!refresh(&service).await);
    let failing = service.orchestrate("512").await;
    assert_eq!((degraded(&failing, "crm"), degraded(&failing, "partner")), (json!(true), json!(false)));
    for confidence in ["/confidence/evidence", "/confidence/value", "/recommendation/confidence"] {
        let of = |decision: &Value| decision.pointer(confidence).unwrap().as_f64().unwrap();
        assert!(of(&failing) < of(&before), "{confidence}: {} and {}", of(&failing), of(&before));
    }
    let said = failing["confidence"]["explanation"].as_str().unwrap();
    assert!(said.contains("The CRM cannot be read at present"), "{said}");
    let path = format!("/v1/decisions/{}", failing["decisionId"].as_str().unwrap());
    let page = gtm::motions::explain::whole(
        gtm::motions::explain::Page { width: gtm::motions::explain::WIDTH, now: service.now() },
        &failing,
    );
    assert!(page.contains("its source does not answer"), "{page}");

    assert!(refresh(&service).await);
    assert_eq!(degraded(&service.orchestrate("512").await, "crm"), false);
    let replayed = service.post(&format!("{path}/replay"), json!({})).await;
    assert_eq!(replayed["identical"], true, "it is decided from what it saw: {replayed}");

    // Another replica saw it fail: this one reads that from the notes when it next looks.
    sqlx::query("UPDATE source_state SET failing_since = $1, last_error = 'down'")
        .bind(service.now())
        .execute(&service.database.pool)
        .await
        .unwrap();
    assert_eq!(degraded(&service.orchestrate("512").await, "crm"), false, "asking costs no look");
    look(&service, &[]).await;
    assert_eq!(degraded(&service.orchestrate("512").await, "crm"), true);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_decision_has_old_facts_fetched_for_the_next_one() {
    let portal = HubSpot::start().await;
    portal.put("companies", "512", &json!({"name": "Acme", "domain": "acme.com"}), &json!({}));
    let service = watched(&portal).await;
    let asked = "SELECT count(*) FROM job WHERE kind = 'connector_refresh'";
    service.events(&[stories::event("gtm.account.upserted", "512", json!({"name": "Acme"}))]).await;
    pass(&service, TimeDelta::days(30));
    service.advance("PT1M").await;
    assert_eq!(service.number(asked).await, 0, "nobody asked for a decision");
    let path = "/v1/accounts/512/orchestrate";
    service.post(path, json!({"dryRun": true})).await;
    assert_eq!(service.number(asked).await, 0, "a preview does nothing");
    let watching = service.orchestrate("512").await;
    assert_eq!(watching["outcome"], "monitoring", "{watching}");
    service.orchestrate("512").await;
    assert_eq!(
        service.number("SELECT count(*) FROM job WHERE key = 'crm/512'").await,
        1,
        "one look for both"
    );
    assert_eq!(service.number(asked).await, 1, "no system serves the other group");

    assert_eq!(read_due(&service).await, 1);
    assert_eq!(portal.seen("GET", "/companies/512/associations/contacts").len(), 1);
    let fresh = service.orchestrate("512").await;
    assert_eq!(fresh["signals"]["crm"]["provenance"]["asOf"], json!(service.now()), "{fresh}");
    assert_eq!(service.number(asked).await, 0, "what is fresh is not fetched");
    service.stop().await;
}
