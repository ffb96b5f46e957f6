//! From events to decisions, and what guards them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Service, guardrail};
use crate::stories::{self, full_day};
use crate::truths;

async fn worked_example(service: &Service, account: &str) {
    worked_example_with_crm_of(service, account, TimeDelta::zero()).await;
}

/// The worked example with what the CRM says of it being as old as `age`.
async fn worked_example_with_crm_of(service: &Service, account: &str, age: TimeDelta) {
    service.events(&stories::worked_example(service.now(), account, age)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worked_example_goes_to_sales_assist() {
    let service = Service::sandbox().await;
    worked_example(&service, "acc_12345").await;
    let document = service.orchestrate("acc_12345").await;
    assert_eq!(document["outcome"], "executed", "{document:#}");
    assert_eq!(document["recommendation"]["motion"], "sales_assist");
    assert_eq!(document["exitState"], "sales_assist");
    assert_eq!(document["handoff"]["targetTeam"], "sales");
    assert_eq!(document["handoff"]["sla"], "48h");
    assert_eq!(document["analysis"]["partnerOverlap"], json!(["aws", "salesforce"]));

    let effects = service.get("/v1/sandbox/effects").await;
    let mut skills: Vec<&str> =
        effects.as_array().unwrap().iter().map(|e| e["destination"].as_str().unwrap()).collect();
    skills.sort_unstable();
    assert_eq!(
        skills,
        ["ecosystem/nearbound_signal", "plg/usage_depth_analyzer", "revops/opportunity_scoring"]
    );

    let again = service.orchestrate("acc_12345").await;
    assert_eq!(again["outcome"], "continued");
    assert_eq!(again["handoff"], Value::Null);
    assert_eq!(service.get("/v1/sandbox/effects").await.as_array().unwrap().len(), 3);

    for id in [&document["decisionId"], &again["decisionId"]] {
        let path = format!("/v1/decisions/{}/replay", id.as_str().unwrap());
        let replay = service.post(&path, json!({})).await;
        assert_eq!(replay, json!({"identical": true, "differences": []}));
    }
    let report = service.post("/v1/audit/verify", json!({})).await;
    assert_eq!(report["intact"], true, "{report:#}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_call_takes_holds_that_are_over_anew_and_answers_each_ask() {
    let service = Service::sandbox().await;
    let accounts = ["acc_1", "acc_2", "acc_3"];
    for account in accounts {
        worked_example(&service, account).await;
    }
    let outcomes = |answer: &Value| -> Vec<Value> {
        let results = answer["results"].as_array().unwrap();
        results
            .iter()
            .map(|result| {
                let decided = &result["decision"]["outcome"];
                if decided.is_null() { result["error"]["code"].clone() } else { decided.clone() }
            })
            .collect()
    };
    let first = service.post("/v1/orchestrations", json!({"accountIds": accounts})).await;
    assert_eq!(outcomes(&first), ["executed", "executed", "executed"], "{first:#}");

    service.advance("PT72H").await;
    for account in accounts {
        let now = service.now();
        let mut fresh = stories::usage(now, account, 3, &full_day());
        for source in ["crm", "partner"] {
            let synced = json!({"source": source, "syncedAt": now});
            fresh.push(stories::event("gtm.source.synced", account, synced));
        }
        service.events(&fresh).await;
    }
    // One account is named twice and one is unknown: neither is the fault of the others.
    let asked = ["acc_1", "acc_2", "nobody", "acc_1", "acc_3"];
    let second = service.post("/v1/orchestrations", json!({"accountIds": asked})).await;
    assert_eq!(
        outcomes(&second),
        ["executed", "executed", "not_found", "continued", "executed"],
        "{second:#}"
    );
    let expired = "SELECT count(*) FROM motion_claim WHERE release_reason = 'expired'";
    assert_eq!(service.number(expired).await, 3);
    assert_eq!(service.number("SELECT count(*) FROM touch").await, 6);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_decision_resumes_by_itself_when_what_it_waited_for_arrives() {
    let service = Service::sandbox().await;
    worked_example_with_crm_of(&service, "acc_1", TimeDelta::hours(25)).await;
    let stale = service.orchestrate("acc_1").await;
    assert_eq!(stale["outcome"], "deferred", "{stale:#}");
    assert_eq!(guardrail(&stale, "crm_freshness"), "failed");
    assert!(stale["waitsFor"].as_array().unwrap().contains(&json!("crm_sync")));
    let synced =
        stories::event("gtm.source.synced", "acc_1", json!({"source": "crm", "syncedAt": service.now()}));
    service.events(&[synced]).await;
    service.advance("PT1S").await;
    let newest = service.get("/v1/decisions?accountId=acc_1&limit=1").await["data"][0].clone();
    assert_eq!(newest["outcome"], "executed", "{newest:#}");
    let read = service.get(&format!("/v1/decisions/{}", newest["decisionId"].as_str().unwrap())).await;
    assert_eq!(read["resumes"], stale["decisionId"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_competing_motion_becomes_a_conflict_that_revops_resolves() {
    let service = Service::sandbox().await;
    worked_example(&service, "acc_1").await;
    assert_eq!(service.orchestrate("acc_1").await["recommendation"]["motion"], "sales_assist");
    // The account shrinks to a small one: now the product-led motion is wanted.
    let shrunk = stories::event(
        "gtm.account.upserted",
        "acc_1",
        json!({"name": "Example", "employeeCount": 20, "seats": 5}),
    );
    service.events(&[shrunk]).await;
    let wanted = service.orchestrate("acc_1").await;
    assert_eq!(wanted["recommendation"]["motion"], "plg_self_serve", "{wanted:#}");
    assert_eq!(wanted["outcome"], "conflict");
    let queue = service.get("/v1/conflicts?status=open").await;
    assert_eq!(queue["data"].as_array().unwrap().len(), 1);
    let conflict = &queue["data"][0];
    assert_eq!(conflict["holder"]["motion"], "sales_assist");
    let path = format!("/v1/conflicts/{}/resolve", conflict["conflictId"].as_str().unwrap());
    let resolved =
        service.post(&path, json!({"resolution": "switch", "note": "it is a small company"})).await;
    assert_eq!(resolved["decision"]["outcome"], "executed", "{resolved:#}");
    assert_eq!(resolved["status"], "resolved");
    service
        .send(reqwest::Method::POST, &path, Some(json!({"resolution": "keep", "note": "again"})), 409)
        .await;
    assert_eq!(service.post("/v1/audit/verify", json!({})).await["intact"], true);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_touch_within_seven_days_waits_for_the_first_to_be_over() {
    let service = Service::sandbox().await;
    worked_example(&service, "acc_1").await;
    let touch = |back| {
        let at = service.now() - TimeDelta::days(back);
        stories::event(
            "gtm.activity.logged",
            "acc_1",
            json!({"activityType": "email", "direction": "outbound", "occurredAt": at}),
        )
    };
    let mut today = full_day();
    today["date"] = json!(service.now().date_naive());
    let today = stories::event("gtm.usage.recorded", "acc_1", today);
    service.events(&[touch(6), touch(1), today]).await;
    let blocked = service.orchestrate("acc_1").await;
    assert_eq!(blocked["outcome"], "blocked", "{blocked:#}");
    assert_eq!(guardrail(&blocked, "touch_budget"), "failed");
    // A day later the first touch is seven days old; meanwhile the sources stay in step.
    let synced = |source: &str| {
        let at = service.now() + TimeDelta::hours(20);
        stories::event("gtm.source.synced", "acc_1", json!({"source": source, "syncedAt": at}))
    };
    service.events(&[synced("crm"), synced("partner")]).await;
    service.advance("P1D").await;
    let newest = service.get("/v1/decisions?accountId=acc_1&limit=1").await["data"][0].clone();
    assert_eq!(newest["outcome"], "executed", "{newest:#}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_motion_whose_hold_is_over_is_taken_again_at_the_next_look() {
    let service = Service::sandbox().await;
    worked_example(&service, "acc_1").await;
    service.advance("PT1S").await;
    let first = service.newest_decision("acc_1").await;
    assert_eq!(first["outcome"], "executed", "{first:#}");
    // Nobody looks for four days, in which the hold ends; then usage goes on as before.
    service.advance("P4D").await;
    let (now, mut day) = (service.now(), full_day());
    day["mode"] = json!("replace");
    let synced = |source: &str| {
        stories::event("gtm.source.synced", "acc_1", json!({"source": source, "syncedAt": now}))
    };
    let mut events = vec![synced("crm"), synced("partner")];
    events.extend(stories::usage(now, "acc_1", 4, &day));
    service.events(&events).await;
    service.advance("PT1S").await;
    let again = service.newest_decision("acc_1").await;
    assert_ne!(again["decisionId"], first["decisionId"], "what is executed is on record");
    assert_eq!((&again["outcome"], &again["matchedRule"]), (&first["outcome"], &first["matchedRule"]));
    let claims = "SELECT count(*) FROM motion_claim";
    assert_eq!(service.number(claims).await, 2);
    assert_eq!(service.get("/v1/deliveries").await["data"].as_array().unwrap().len(), 6);
    truths::check(&service.database).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_its_own_time_says_so() {
    let service = Service::sandbox().await;
    worked_example(&service, "acc_1").await;
    let touched = |back| stories::touched(service.now() - TimeDelta::days(back), "acc_1");
    let mut today = full_day();
    today["date"] = json!(service.now().date_naive());
    let today = stories::event("gtm.usage.recorded", "acc_1", today);
    service.events(&[touched(6), touched(1), today]).await;
    service.advance("PT1S").await;
    assert_eq!(service.newest_decision("acc_1").await["outcome"], "blocked");
    // Meanwhile the sources stay in step, so that time is all it waits for.
    let later = service.now() + TimeDelta::hours(20);
    let synced = |source: &str| {
        stories::event("gtm.source.synced", "acc_1", json!({"source": source, "syncedAt": later}))
    };
    service.events(&[synced("crm"), synced("partner")]).await;
    service.advance("P1D").await;
    let triggers: Vec<String> = sqlx::query_scalar("SELECT trigger FROM decision ORDER BY id")
        .fetch_all(&service.database.pool)
        .await
        .unwrap();
    assert_eq!(triggers, ["event", "wake"], "{:#}", service.newest_decision("acc_1").await);
    service.stop().await;
}
