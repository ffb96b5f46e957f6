//! Handoff designs over the API: from a request to live routing and back, by two people, on the base that they were made on.

mod demo;
pub mod line;
mod plan;
mod watch;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::handoffs::{act, id_of, open, prospect, read};
use crate::harness::{Service, expect_fitting_plan};
use crate::stories::event;

/// Six in sales around the clock, with their roles; four of them are the enterprise pod.
pub async fn company(service: &Service) {
    let rep = |id: &str, pods: &[&str]| json!({"id": id, "name": format!("{id} Smith"), "email": format!("{id}@seller.com"), "team": "sales", "pods": pods, "manager": "meg"});
    let lead = |id: &str| json!({"id": id, "name": id, "email": format!("{id}@seller.com"), "team": "sales", "weight": 0});
    let roster = json!({
        "teams": [
            {"id": "sales", "channel": "#sales", "fallbackOwner": "meg", "overflow": {"alarmMinutes": 60, "fallbackMinutes": 240}},
            {"id": "customer_success"}, {"id": "partner"}, {"id": "marketing"},
        ],
        "reps": [
            rep("ada", &["enterprise"]), rep("ben", &["enterprise"]), rep("cid", &["enterprise"]), rep("dee", &["enterprise"]),
            rep("eva", &[]), rep("fin", &[]), lead("meg"), lead("rosa"), lead("tom"), lead("mia"),
        ],
        "roles": [
            {"id": "revops_director", "reps": ["rosa"]}, {"id": "cro", "reps": ["tom"]}, {"id": "marketing_leader", "reps": ["mia"]},
        ],
    });
    service.send(Method::POST, "/v1/roster/import", Some(json!({"roster": roster})), 200).await;
}

pub fn wanted() -> Value {
    json!({
        "segment": "enterprise", "goal": "pipeline", "responseSla": "2h", "author": "Rosa Diaz",
        "capacity": {"handling": "30m", "preparing": "5m", "arrivalsPerWeek": 60.0, "notes": ["two are new"]},
        "dependencies": [{"name": "scoring model v2"}],
    })
}

async fn make(service: &Service, body: Value) -> Value {
    service.send(Method::POST, "/v1/handoff-designs", Some(body), 201).await
}

/// Six designs with their plans, on the roster of `roster::populate`.
pub async fn populate(service: &Service) {
    for _ in 0..6 {
        let body = json!({"segment": "smb", "goal": "pipeline", "responseSla": "1d", "team": "acc_0"});
        make(service, body).await;
    }
}

fn design_id(design: &Value) -> String {
    design["designId"].as_str().unwrap().to_owned()
}

async fn sign(service: &Service, id: &str, role: &str, name: &str, expected: u16) -> Value {
    let path = format!("/v1/handoff-designs/{id}/approvals");
    service.send(Method::POST, &path, Some(json!({"role": role, "name": name})), expected).await
}

async fn approved(service: &Service, id: &str) -> Value {
    sign(service, id, "revops", "Rosa Diaz", 200).await;
    sign(service, id, "sales_leadership", "Tom Baker", 200).await
}

async fn post(service: &Service, id: &str, below: &str, body: Value, expected: u16) -> Value {
    service.send(Method::POST, &format!("/v1/handoff-designs/{id}/{below}"), Some(body), expected).await
}

/// What was told under a title, newest first.
async fn alerts(service: &Service, title: &str) -> Vec<Value> {
    let effects = service.get("/v1/sandbox/effects").await;
    let effects =
        effects.as_array().unwrap().iter().filter(|effect| effect["destination"] == "messaging/alert");
    let data = effects.map(|effect| effect["payload"]["data"].clone());
    data.filter(|data| data["title"].as_str().is_some_and(|found| found.starts_with(title))).collect()
}

async fn change(service: &Service, id: &str, body: Value, tag: Option<&str>, expected: u16) -> Value {
    let mut request = service.request(Method::PATCH, &format!("/v1/handoff-designs/{id}")).json(&body);
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status, expected, "{body:#}");
    body
}

async fn tag(service: &Service, id: &str) -> String {
    let answer = service.request(Method::GET, &format!("/v1/handoff-designs/{id}")).send().await.unwrap();
    answer.headers()["etag"].to_str().unwrap().to_owned()
}

/// An enterprise that can be handed over.
async fn enterprise(service: &Service, id: &str) {
    prospect(service, id).await;
    let size = json!({"name": format!("{id} Corp"), "employeeCount": 5_000});
    service.events(&[event("gtm.account.upserted", id, size)]).await;
}

async fn hand_over(service: &Service, id: &str) -> Value {
    open(service, json!({"handoffType": "mql_to_sales", "accountId": id})).await
}

fn budget_minutes(handoff: &Value) -> i64 {
    let at = |name: &str| handoff[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    (at("slaDeadline") - at("assignedAt")).num_minutes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_design_becomes_live_routing_and_is_taken_back() {
    let service = Service::sandbox().await;
    company(&service).await;
    enterprise(&service, "before").await;
    let before = hand_over(&service, "before").await;
    assert_eq!(budget_minutes(&before), 240, "the type's own terms");

    let mut preview = wanted();
    preview["dryRun"] = json!(true);
    let previewed = make(&service, preview).await;
    assert_eq!(previewed["designId"], Value::Null);
    assert_eq!(service.get("/v1/handoff-designs").await["data"], json!([]), "a preview writes nothing");

    let design = make(&service, wanted()).await;
    let id = design_id(&design);
    assert_eq!(design["packet"]["model"], previewed["packet"]["model"], "the same request, the same figures");
    assert_eq!((design["status"].as_str(), design["version"].as_i64()), (Some("draft"), Some(1)));
    assert_eq!(design["packet"]["routing"]["choice"], "pod");
    assert_eq!(design["pattern"]["kind"], "diamond", "{:#}", design["pattern"]);
    let holder = |role: &str| {
        let roles = design["packet"]["roles"].as_array().unwrap();
        roles.iter().find(|line| line["role"] == role).unwrap()["name"].clone()
    };
    assert_eq!((holder("cro"), holder("enablement_lead")), (json!("tom"), Value::Null), "the roster's roles");
    let missing: Vec<&str> =
        design["preflight"].as_array().unwrap().iter().filter_map(|found| found["name"].as_str()).collect();
    assert!(!missing.is_empty(), "nobody is the CRM administrator");

    let refused = post(&service, &id, "apply", json!({}), 409).await;
    assert!(refused["detail"].as_str().unwrap().contains("sign-offs"), "{refused:#}");
    approved(&service, &id).await;
    let live = post(&service, &id, "apply", json!({}), 200).await;
    assert_eq!(
        (live["status"].as_str(), live["application"]["status"].as_str()),
        (Some("applied"), Some("applied"))
    );

    // New handoffs of the segment have the new terms and the pod; what ran keeps what it began with.
    enterprise(&service, "after").await;
    let after = hand_over(&service, "after").await;
    assert_eq!(budget_minutes(&after), 120, "{after:#}");
    assert!(
        ["ada", "ben", "cid", "dee"].contains(&after["assignedOwner"]["id"].as_str().unwrap()),
        "{after:#}"
    );
    assert_eq!(budget_minutes(&read(&service, &id_of(&before)).await), 240);
    let terms = service.get("/v1/sla-terms/mql_to_sales.enterprise").await;
    assert_eq!(
        (terms["terms"]["budget"].as_str(), terms["segment"].as_str()),
        (Some("2h"), Some("enterprise"))
    );
    let ahead = service.get("/v1/sla/preview?type=mql_to_sales&segment=enterprise").await;
    let smb = service.get("/v1/sla/preview?type=mql_to_sales&segment=smb").await;
    let hours = |preview: &Value| {
        let at = |name: &str| preview[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        (at("dueAt") - at("startsAt")).num_hours()
    };
    assert_eq!((hours(&ahead), hours(&smb)), (2, 4));
    let report = service.text(&format!("/v1/handoffs/{}/report", id_of(&after)), "text/markdown").await;
    assert!(report.contains("first contact within 2 hours"), "{report}");
    // A reassignment by hand keeps the terms too.
    act(&service, &id_of(&before), "reassign", json!({"ownerId": "eva"}), 200).await;
    assert_eq!(budget_minutes(&read(&service, &id_of(&before)).await), 240);

    assert_eq!(post(&service, &id, "apply", json!({}), 409).await["code"], "not_now");
    let back = post(&service, &id, "rollback", json!({"why": "the pod is not ready"}), 200).await;
    assert_eq!(
        (back["status"].as_str(), back["application"]["rolledBackWhy"].as_str()),
        (Some("rolled_back"), Some("the pod is not ready"))
    );
    enterprise(&service, "later").await;
    assert_eq!(budget_minutes(&hand_over(&service, "later").await), 240);
    service.send(Method::GET, "/v1/sla-terms/mql_to_sales.enterprise", None, 404).await;
    // As it is signed and its base is as it was, it can be applied again.
    assert_eq!(post(&service, &id, "apply", json!({}), 200).await["status"], "applied");
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_sign_and_a_change_is_signed_anew() {
    let service = Service::sandbox().await;
    company(&service).await;
    let id = design_id(&make(&service, wanted()).await);
    sign(&service, &id, "revops", " Rosa Diaz ", 200).await;
    let same = sign(&service, &id, "sales_leadership", "rosa diaz", 409).await;
    assert_eq!(same["code"], "second_person_needed", "{same:#}");
    assert_eq!(sign(&service, &id, "revops", "Tom Baker", 409).await["code"], "already_signed");
    let faults = sign(&service, &id, "sales_leadership", " ", 422).await;
    assert_eq!(faults["errors"][0]["pointer"], "#/name");
    // The database holds it whatever the code does.
    let alone = sqlx::query(
        "INSERT INTO design_application (id, design_id, version, status, asked_by, asked_at, due_at)
         SELECT gen_random_uuid(), id, version, 'scheduled', 'x', now(), now() FROM handoff_design",
    );
    let error = alone.execute(&service.database.pool).await.unwrap_err().to_string();
    assert!(error.contains("design_application_sales"), "{error}");
    assert_eq!(sign(&service, &id, "sales_leadership", "Tom Baker", 200).await["status"], "approved");

    let body = json!({"changes": {"responseSla": "4h", "capacity": {"notes": null}}, "why": "two hours are too few", "author": "Tom Baker"});
    change(&service, &id, body.clone(), None, 428).await;
    change(&service, &id, body.clone(), Some("\"old\""), 412).await;
    let reason = change(&service, &id, json!({"changes": [], "why": " "}), None, 422).await;
    assert_eq!(reason["errors"].as_array().unwrap().len(), 2, "{reason:#}");
    let wrong = json!({"changes": {"segmnt": "smb"}, "why": "x"});
    let present = tag(&service, &id).await;
    change(&service, &id, wrong, Some(&present), 422).await;
    let changed = change(&service, &id, body, Some(&present), 200).await;
    assert_eq!((changed["version"].as_i64(), changed["status"].as_str()), (Some(2), Some("draft")));
    assert_eq!(changed["approvals"], json!([]), "nobody has signed this version");
    let stale = json!({"role": "revops", "name": "Rosa Diaz", "version": 1});
    post(&service, &id, "approvals", stale, 409).await;

    let changes = service.get(&format!("/v1/handoff-designs/{id}/changes")).await;
    let newest = &changes["data"][0];
    assert_eq!(
        (newest["version"].as_i64(), newest["why"].as_str(), newest["author"].as_str()),
        (Some(2), Some("two hours are too few"), Some("Tom Baker"))
    );
    assert!(newest["inputs"].to_string().contains("responseSla"), "{newest:#}");
    assert!(
        newest["plan"]
            .as_array()
            .unwrap()
            .iter()
            .any(|change| change["says"].as_str().unwrap().contains("4h")),
        "{newest:#}"
    );
    assert_eq!(changes["data"][1]["plan"], json!([]));
    let plan = service.get(&format!("/v1/handoff-designs/{id}/plan.json")).await;
    assert_eq!(plan["kind"], "handoff_design");
    expect_fitting_plan(&service, &plan).await;
    assert!(plan["objective"].as_str().unwrap().contains("4h"));
    let markdown = service.text(&format!("/v1/handoff-designs/{id}/document"), "text/markdown").await;
    let html = service.text(&format!("/v1/handoff-designs/{id}/document"), "text/html").await;
    assert!(
        markdown.starts_with("# Handoff design: enterprise, pipeline") && html.starts_with("<!doctype html>")
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_request_is_named() {
    let service = Service::sandbox().await;
    company(&service).await;
    let mut wrong = wanted();
    wrong["segment"] = json!("enterprize");
    wrong["responseSla"] = json!("soon");
    wrong["launch"] = json!("2020-01-01");
    let refused = service.send(Method::POST, "/v1/handoff-designs", Some(wrong), 422).await;
    let pointers: Vec<&str> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["#/segment", "#/responseSla", "#/launch"]);
    let unknown = json!({"segment": "smb", "goal": "pipeline", "responseSla": "2h", "reps": 3});
    service.send(Method::POST, "/v1/handoff-designs", Some(unknown), 422).await;
    let nobody = json!({"segment": "partner", "goal": "expansion", "responseSla": "2h"});
    let refused = service.send(Method::POST, "/v1/handoff-designs", Some(nobody), 422).await;
    assert_eq!(refused["code"], "no_routing", "{refused:#}");
    service.send(Method::GET, "/v1/handoff-designs/0198c0de-0000-7000-8000-000000000000", None, 404).await;
    // Terms of a type that there is none of.
    let terms = json!({"handoffType": "mql_to_sale", "terms": {"budget": "2h", "basis": "wall", "ownerAlertAfter": "1h",
        "managerAlertAfter": "4h", "reassignAfter": "24h", "maxReassignments": 2, "escalateTo": "x", "fallbackTo": "y"}});
    let refused = service.send(Method::PUT, "/v1/sla-terms/t", Some(terms), 422).await;
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("mql_to_sales"), "{refused:#}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_on_something_else_is_not_applied() {
    let service = Service::sandbox().await;
    company(&service).await;
    let id = design_id(&make(&service, wanted()).await);
    approved(&service, &id).await;
    // Somebody of another team is no concern of it.
    let other = json!({"name": "Pia", "email": "p@x.com", "team": "partner"});
    service.send(Method::PUT, "/v1/reps/pia", Some(other), 201).await;
    assert_eq!(service.get(&format!("/v1/handoff-designs/{id}")).await["baseChanged"], json!([]));
    let zoe = json!({"name": "Zoe", "email": "z@x.com", "team": "sales"});
    service.send(Method::PUT, "/v1/reps/zoe", Some(zoe), 201).await;
    let refused = post(&service, &id, "apply", json!({}), 409).await;
    assert_eq!(
        (refused["code"].as_str(), &refused["changed"]),
        (Some("base_changed"), &json!(["rep zoe is new"]))
    );
    assert_eq!(service.number("SELECT count(*) FROM design_application").await, 0);
    assert_eq!(service.number("SELECT count(*) FROM roster_entry WHERE kind = 'sla_terms'").await, 0);
    // Made anew and signed, it goes.
    let present = tag(&service, &id).await;
    change(&service, &id, json!({"changes": {}, "why": "Zoe came"}), Some(&present), 200).await;
    approved(&service, &id).await;
    post(&service, &id, "apply", json!({}), 200).await;
    // Back only to what nobody has touched since.
    let answer = service.request(Method::GET, "/v1/sla-terms/mql_to_sales.enterprise").send().await.unwrap();
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let mut terms: Value = answer.json().await.unwrap();
    terms["terms"]["budget"] = json!("3h");
    let put = service.request(Method::PUT, "/v1/sla-terms/mql_to_sales.enterprise").header("if-match", etag);
    assert_eq!(put.json(&terms).send().await.unwrap().status(), 200);
    let refused = post(&service, &id, "rollback", json!({"why": "x"}), 409).await;
    assert_eq!(refused["changed"], json!(["SLA terms mql_to_sales.enterprise was changed since"]));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_design_goes_live_at_its_instant_or_stops_and_says_why() {
    let service = Service::sandbox().await;
    company(&service).await;
    let id = design_id(&make(&service, wanted()).await);
    approved(&service, &id).await;
    let at = service.now() + TimeDelta::hours(6);
    let waits = post(&service, &id, "apply", json!({"at": at}), 200).await;
    assert_eq!(waits["status"], "scheduled");
    assert_eq!(post(&service, &id, "apply", json!({}), 409).await["code"], "not_now");
    service.advance("PT5H").await;
    assert_eq!(service.get(&format!("/v1/handoff-designs/{id}")).await["status"], "scheduled");
    service.advance("PT1H").await;
    let live = service.get(&format!("/v1/handoff-designs/{id}")).await;
    assert_eq!(live["status"], "applied");
    let applied: DateTime<Utc> = live["application"]["appliedAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(applied, at, "at its own instant");
    post(&service, &id, "rollback", json!({"why": "trial over"}), 200).await;

    // Called off before its instant.
    let at = service.now() + TimeDelta::hours(6);
    post(&service, &id, "apply", json!({"at": at}), 200).await;
    let off = post(&service, &id, "rollback", json!({"why": "later"}), 200).await;
    assert_eq!(
        (off["status"].as_str(), &off["application"]["stoppedFor"]),
        (Some("approved"), &json!(["later"]))
    );
    service.advance("PT7H").await;
    assert_eq!(service.get(&format!("/v1/handoff-designs/{id}")).await["status"], "approved");

    // Its base changes while it waits.
    let at = service.now() + TimeDelta::hours(6);
    post(&service, &id, "apply", json!({"at": at}), 200).await;
    let zoe = json!({"name": "Zoe", "email": "z@x.com", "team": "sales"});
    service.send(Method::PUT, "/v1/reps/zoe", Some(zoe), 201).await;
    service.advance("PT7H").await;
    let stopped = service.get(&format!("/v1/handoff-designs/{id}")).await;
    assert_eq!(
        (stopped["status"].as_str(), &stopped["application"]["stoppedFor"]),
        (Some("stopped"), &json!(["rep zoe is new"]))
    );
    assert_eq!(service.number("SELECT count(*) FROM roster_entry WHERE kind = 'sla_terms'").await, 0);
    let told = alerts(&service, "A scheduled handoff design was stopped").await;
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["role"], &told[0]["to"][0]["repId"]), (&json!("revops_director"), &json!("rosa")));
    service.expect_intact_audit().await;
    service.stop().await;
}
