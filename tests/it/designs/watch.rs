//! The watch, which tells each occasion once; and designs that are modelled from what it measures.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{alerts, company, enterprise, hand_over, make, wanted};
use crate::handoffs::{act, id_of};
use crate::harness::Service;

/// Hands so many enterprises over, of which some are contacted in time.
async fn hand_over_many(service: &Service, name: &str, contacted: usize, not: usize) {
    for number in 0..contacted + not {
        let id = format!("{name}-{number}");
        enterprise(service, &id).await;
        let handoff = hand_over(service, &id).await;
        if number < contacted {
            act(service, &id_of(&handoff), "contact", json!({}), 200).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_tells_two_breaches_once_however_often_and_by_whom_it_looks() {
    let service = Service::sandbox().await;
    company(&service).await;
    hand_over_many(&service, "a", 1, 1).await;
    service.advance("PT5H").await;
    assert!(alerts(&service, "Response times of").await.is_empty(), "one breach is not two");
    hand_over_many(&service, "b", 0, 1).await;
    // A crash in the middle of telling: nothing of it is there, and the next look tells it.
    let break_it = "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                      IF new.action = 'sla.escalated' THEN RAISE EXCEPTION 'the disk is full'; END IF; RETURN new; END $$";
    let pool = &service.database.pool;
    sqlx::query(break_it).execute(pool).await.unwrap();
    sqlx::query("CREATE TRIGGER broken BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION broken()")
        .execute(pool)
        .await
        .unwrap();
    let moved = service
        .request(Method::POST, "/v1/sandbox/clock")
        .json(&json!({"advance": "PT5H"}))
        .send()
        .await
        .unwrap();
    assert_eq!(moved.status(), 500, "the look fails, and says so");
    assert_eq!(service.number("SELECT count(*) FROM watch_escalation").await, 0);
    sqlx::query("DROP TRIGGER broken ON audit_entry").execute(pool).await.unwrap();
    let replica = service.replica(&[]).await;
    let designs = [&service.running.app.designs, &replica.running.app.designs];
    let looks = (0..6).map(|number| designs[number % 2].look());
    for look in futures_util::future::join_all(looks).await {
        look.unwrap();
    }
    let told = alerts(&service, "Response times of segment enterprise").await;
    assert_eq!(told.len(), 2, "{told:#?}");
    let roles: std::collections::BTreeSet<&str> =
        told.iter().map(|data| data["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["cro", "marketing_leader"].into());
    assert!(
        told.iter().all(|data| data["rule"] == "guardrail" && !data["to"].as_array().unwrap().is_empty())
    );
    // The team is a scope of its own; owners are not told to leadership.
    assert_eq!(alerts(&service, "Response times of team sales").await.len(), 2);
    assert!(alerts(&service, "Response times of owner").await.is_empty());
    service.advance("PT20H").await;
    assert_eq!(service.number("SELECT count(*) FROM watch_escalation").await, 2, "once");

    let watch = service.get("/v1/sla-watch?under=true&groupBy=segment").await;
    assert_eq!(watch["escalations"].as_array().unwrap().len(), 2, "{watch:#}");
    replica.stop().await;
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_in_a_row_under_the_threshold_are_told() {
    // Short windows, and a guardrail that nothing breaches.
    let env = [
        ("GTM_WATCH__WINDOW", "24h"),
        ("GTM_WATCH__THRESHOLD", "0.9"),
        ("GTM_WATCH__LEAST", "3"),
        ("GTM_WATCH__GUARDRAIL_WITHIN", "1h"),
    ];
    let service = Service::sandbox_with(&env).await;
    company(&service).await;
    // From a midnight on.
    let midnight = (service.now() + TimeDelta::days(1)).date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
    let to = json!({"to": midnight});
    service.send(Method::POST, "/v1/sandbox/clock", Some(to), 200).await;
    for day in ["a", "b", "c"] {
        hand_over_many(&service, day, 1, 4).await;
        service.advance("P1D").await;
        let rules =
            "SELECT count(*) FROM watch_escalation WHERE rule = 'two_windows' AND scope_kind = 'segment'";
        let expected = i64::from(day != "a");
        assert_eq!(service.number(rules).await, expected, "after day {day}");
    }
    let told = alerts(&service, "Response times of segment enterprise").await;
    assert!(
        told.iter()
            .any(|data| data["body"].as_str().unwrap().starts_with("Two windows in a row under 90 %: 20 %")),
        "{told:#?}"
    );
    let owners = alerts(&service, "Response times of owner").await;
    assert!(owners.iter().all(|data| data["role"] == "sales_manager"), "{owners:#?}");
    // What is under says why, and who acts.
    let from = midnight;
    let watch =
        service.get(&format!("/v1/sla-watch?from={}&under=true", from.format("%Y-%m-%dT%H:%M:%SZ"))).await;
    let finding = &watch["findings"][0];
    assert_eq!(finding["scope"], json!({"kind": "segment", "name": "enterprise"}), "{watch:#}");
    assert_eq!((finding["inTime"].as_i64(), finding["late"].as_i64()), (Some(3), Some(12)));
    let causes = finding["causes"].as_array().unwrap();
    let counted: i64 = causes.iter().map(|cause| cause["count"].as_i64().unwrap()).sum();
    assert!(
        counted == 12
            && causes.iter().all(|cause| cause["evidence"].is_string() && cause["owner"].is_string()),
        "{causes:#?}"
    );
    let refused = service
        .send(Method::GET, "/v1/sla-watch?from=2027-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", None, 400)
        .await;
    assert_eq!(refused["code"], "invalid_query");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_design_is_modelled_from_what_was_measured() {
    let service = Service::sandbox().await;
    company(&service).await;
    let mut bare = wanted();
    bare["capacity"] = json!({});
    let input = |model: &Value, name: &str| {
        let inputs = model["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["name"] == name).unwrap_or_else(|| panic!("{model:#}")).clone()
    };
    for day in 0..8 {
        hand_over_many(&service, &format!("d{day}"), 0, 2).await;
        for number in 0..2 {
            let list = service.get(&format!("/v1/handoffs?accountId=d{day}-{number}")).await;
            let id = list["data"][0]["handoffId"].as_str().unwrap().to_owned();
            act(&service, &id, "acknowledge", json!({}), 200).await;
            service.advance("PT20M").await;
            act(&service, &id, "contact", json!({}), 200).await;
        }
        service.advance("P1D").await;
        if day == 2 {
            // Three days say what one takes, and nothing of a week.
            let model = make(&service, bare.clone()).await["packet"]["model"].clone();
            let arrivals = input(&model, "Handoffs");
            assert_eq!(arrivals["source"], "assumed", "{arrivals}");
            assert!(arrivals["note"].as_str().unwrap().contains("less than a week"), "{arrivals}");
            assert_eq!(input(&model, "Work up to the contact")["source"], "measured");
        }
    }
    let model = make(&service, bare).await["packet"]["model"].clone();
    assert_eq!(input(&model, "Handoffs")["source"], "measured", "{model:#}");
    let work = input(&model, "Work up to the contact");
    assert_eq!((work["source"].as_str(), work["value"].as_str()), (Some("measured"), Some("20 min")));
    assert!(model["risks"].as_array().unwrap().iter().any(|risk| risk["code"] == "short_history"));
    service.stop().await;
}
