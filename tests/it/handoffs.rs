//! Handoffs from the first word to the outcome: the package, the owner, the clock, the escalation, each once.

use gtm::handoffs::assign::names::RepId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::stories::{event, event_at, worked_example};

fn rep(id: &str) -> Value {
    json!({"id": id, "name": format!("{id} Smith"), "email": format!("{id}@seller.com"), "team": "sales", "manager": "meg"})
}

/// A team of two with a manager, open around the clock.
pub async fn sales_team(service: &Service) {
    let mut meg = rep("meg");
    meg["weight"] = json!(0);
    meg.as_object_mut().unwrap().remove("manager");
    let teams: Vec<Value> = ["customer_success", "partner", "marketing"]
        .iter()
        .map(|team| json!({"id": team}))
        .chain([json!({"id": "sales", "channel": "#sales", "overflow": {"alarmMinutes": 60, "fallbackMinutes": 240}, "fallbackOwner": "meg"})])
        .collect();
    let roster = json!({"teams": teams, "reps": [rep("ada"), rep("ben"), meg]});
    service.send(Method::POST, "/v1/roster/import", Some(json!({"roster": roster})), 200).await;
}

/// A company with somebody to talk to and a qualified deal.
pub async fn prospect(service: &Service, id: &str) {
    let contact = json!({
        "contactId": "c1", "firstName": "Ann", "lastName": "Lee", "title": "VP Finance", "email": "ann@acme.com",
        "isPrimary": true,
    });
    let deal = json!({
        "dealId": "d1", "name": "Acme rollout", "stage": "qualification", "amount": "48000.00", "currency": "USD",
        "source": "webinar", "qualification": {"score": 82, "framework": "BANT", "painPoints": ["Slow month end"]},
    });
    service
        .events(&[
            event(
                "gtm.account.upserted",
                id,
                json!({"name": "Acme <Corp>", "domain": "acme.com", "employeeCount": 300}),
            ),
            event("gtm.contact.upserted", id, contact),
            event("gtm.deal.upserted", id, deal),
        ])
        .await;
}

pub async fn open(service: &Service, body: Value) -> Value {
    service.send(Method::POST, "/v1/handoffs", Some(body), 201).await
}

pub async fn act(service: &Service, id: &str, action: &str, body: Value, expected: u16) -> Value {
    service.send(Method::POST, &format!("/v1/handoffs/{id}/{action}"), Some(body), expected).await
}

pub async fn read(service: &Service, id: &str) -> Value {
    service.get(&format!("/v1/handoffs/{id}")).await
}

/// What happened, by name; a step by the name of the step.
pub async fn happened(service: &Service, id: &str) -> Vec<String> {
    let timeline = service.get(&format!("/v1/handoffs/{id}/timeline")).await;
    let entries = timeline["data"].as_array().unwrap().iter().filter(|entry| entry["kind"] != "delivery");
    entries
        .map(|entry| entry["detail"]["step"].as_str().or(entry["kind"].as_str()).unwrap().to_owned())
        .collect()
}

pub fn id_of(handoff: &Value) -> String {
    handoff["handoffId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handoff_goes_from_its_package_to_its_outcome() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    let body = json!({"handoffType": "mql_to_sales", "accountId": "acme", "dealId": "d1"});
    let mut preview = body.clone();
    preview["dryRun"] = json!(true);
    let previewed = open(&service, preview).await;
    assert_eq!(previewed["status"], "assigned");
    assert_eq!(service.get("/v1/handoffs").await["data"], json!([]), "a preview writes nothing");

    let handoff = open(&service, body.clone()).await;
    assert_eq!(handoff["status"], "assigned", "{handoff:#}");
    let owner = handoff["assignedOwner"]["id"].as_str().unwrap();
    assert!(["ada", "ben"].contains(&owner), "{owner}");
    assert_eq!(handoff["assignedOwner"], previewed["assignedOwner"], "the preview said so");
    let due: chrono::DateTime<chrono::Utc> = handoff["slaDeadline"].as_str().unwrap().parse().unwrap();
    assert_eq!((due - service.now()).num_minutes(), 240);
    assert_eq!(handoff["package"]["contacts"][0]["role"], "economic_buyer");
    assert_eq!(handoff["package"]["deal"]["amount"], "48000.00");
    assert!(!handoff["assignment"]["considered"].as_array().unwrap().is_empty());
    let id = id_of(&handoff);

    let again = service.send(Method::POST, "/v1/handoffs", Some(body), 409).await;
    assert_eq!(again["handoffId"], json!(id));

    service.advance("PT1S").await;
    assert_eq!(read(&service, &id).await["briefingSent"], true);
    act(&service, &id, "acknowledge", json!({}), 200).await;
    act(&service, &id, "acknowledge", json!({}), 200).await;
    service.advance("PT1H").await;
    let contacted = act(&service, &id, "contact", json!({}), 200).await;
    assert_eq!(contacted["sla"]["breached"], false);
    let refused = act(&service, &id, "reject", json!({"reason": "not mine"}), 409).await;
    assert_eq!(refused["code"], "illegal_transition");
    assert!(refused["legal"].as_array().unwrap().contains(&json!("convert")));
    act(&service, &id, "meeting", json!({}), 200).await;
    let outcome = json!({"handoffId": id, "outcome": "converted", "nps": 9});
    service.events(&[event("gtm.handoff.outcome", "acme", outcome)]).await;
    service.advance("PT1S").await;
    let done = read(&service, &id).await;
    assert_eq!((done["status"].as_str(), done["nps"].as_u64()), (Some("converted"), Some(9)), "{done:#}");
    assert_eq!(
        happened(&service, &id).await,
        ["created", "assigned", "acknowledged", "contacted", "meeting_booked", "converted", "turn_ended"]
    );
    service.advance("P3D").await;
    assert_eq!(happened(&service, &id).await.len(), 7, "nothing happens to what is over");

    let report = service.text(&format!("/v1/handoffs/{id}/report"), "text/markdown").await;
    for part in ["Ann Lee", "48,000", "Briefing e-mail sent", "Slow month end"] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let html = service.text(&format!("/v1/handoffs/{id}/report"), "text/html").await;
    assert!(html.starts_with("<!doctype html>") && !html.contains("<Corp>"), "{html}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_is_escalated_step_by_step_and_passed_on() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    let handoff = open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acme"})).await;
    let (id, first) = (id_of(&handoff), handoff["assignedOwner"]["id"].clone());
    let steps = [
        ("PT2H", "acknowledge_breach"),
        ("PT1H", "remind"),
        ("PT1H", "breach"),
        ("PT1H", "alert_owner"),
        ("PT3H", "alert_manager"),
    ];
    let mut expected = vec!["created".to_owned(), "assigned".to_owned()];
    for (wait, step) in steps {
        service.advance(wait).await;
        expected.push(step.to_owned());
        assert_eq!(happened(&service, &id).await, expected);
    }
    let overdue = service.get("/v1/handoffs?overdue=true").await;
    assert_eq!(overdue["data"][0]["handoffId"], json!(id));
    service.advance("PT20H").await;
    expected.extend(["reassign", "turn_ended", "assigned"].map(str::to_owned));
    assert_eq!(happened(&service, &id).await, expected);
    let passed_on = read(&service, &id).await;
    assert_ne!(passed_on["assignedOwner"]["id"], first, "never the same again");
    assert_eq!(passed_on["sla"]["remainingSeconds"], 4 * 3600);
    let alerts = service.get(&format!("/v1/deliveries?handoffId={id}&destination=messaging/alert")).await;
    let manager = alerts["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|alert| alert["payload"]["data"]["step"]["kind"] == "alert_manager");
    assert_eq!(manager.unwrap()["payload"]["data"]["to"][0]["repId"], "meg");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handoff_that_lacks_something_is_held_and_goes_on_by_itself() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let company = json!({"name": "Acme", "domain": "acme.com", "employeeCount": 300});
    service.events(&[event("gtm.account.upserted", "acme", company)]).await;
    let held = open(&service, json!({"handoffType": "sql_to_ae", "accountId": "acme"})).await;
    assert_eq!(held["status"], "held");
    let codes: Vec<&str> =
        held["heldFor"].as_array().unwrap().iter().map(|hold| hold["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["no_customer_contact", "no_qualification"]);
    let id = id_of(&held);
    let contact = json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"});
    service.events(&[event("gtm.contact.upserted", "acme", contact)]).await;
    service.advance("PT1S").await;
    assert_eq!(read(&service, &id).await["heldFor"].as_array().unwrap().len(), 1);
    let note = json!({"text": "Month end takes a week", "kind": "pain_point"});
    service.events(&[event("gtm.note.added", "acme", note)]).await;
    service.advance("PT1S").await;
    let released = read(&service, &id).await;
    assert_eq!(released["status"], "assigned", "{released:#}");
    assert_eq!(released["package"]["contacts"][0]["email"], "ann@acme.com");
    assert_eq!(happened(&service, &id).await, ["created", "held", "held", "released", "assigned"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_and_events_open_handoffs_once() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    service.events(&worked_example(service.now(), "acme", chrono::TimeDelta::zero())).await;
    let contact = json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"});
    service.events(&[event("gtm.contact.upserted", "acme", contact)]).await;
    let decision = service.post("/v1/accounts/acme/orchestrate", json!({})).await;
    service.advance("PT1S").await;
    let handoffs = service.get("/v1/handoffs?accountId=acme").await;
    let listed = handoffs["data"].as_array().unwrap();
    assert_eq!(listed.len(), 1, "{handoffs:#}");
    assert_eq!(listed[0]["decisionId"], decision["decisionId"]);
    assert_eq!(listed[0]["handoffType"], decision["handoff"]["handoffType"]);
    let old = event_at(
        service.now() - chrono::TimeDelta::days(30),
        "gtm.deal.upserted",
        "acme",
        json!({"dealId": "old", "stage": "closedwon", "amount": "10.00"}),
    );
    let won = json!({"dealId": "new", "stage": "Closed Won", "amount": "90000.00", "products": ["Core"],
        "qualification": {"painPoints": ["Slow month end"]}});
    let closed = event("gtm.deal.upserted", "acme", won.clone());
    service.events(&[old, closed]).await;
    service.events(&[event("gtm.deal.upserted", "acme", won)]).await;
    service.advance("PT1S").await;
    let won = service.get("/v1/handoffs?type=closed_to_cs").await;
    let won = won["data"].as_array().unwrap();
    assert_eq!(won.len(), 1, "the deal that was won now, and once: {won:#?}");
    assert_eq!((won[0]["dealId"].as_str(), won[0]["status"].as_str()), (Some("new"), Some("pending")));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stage_and_intent_that_ships_opens_its_type_once() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let stages = [("mql", "mql_to_sales"), ("sql", "sql_to_ae"), ("pql", "plg_to_sales")];
    for (stage, kind) in stages {
        prospect(&service, stage).await;
        let reached = json!({"stage": stage});
        for _ in 0..2 {
            service.events(&[event("gtm.lifecycle.changed", stage, reached.clone())]).await;
        }
        service.advance("PT1S").await;
        let opened = service.get(&format!("/v1/handoffs?accountId={stage}")).await;
        let kinds: Vec<&Value> =
            opened["data"].as_array().unwrap().iter().map(|handoff| &handoff["handoffType"]).collect();
        assert_eq!(kinds, [kind], "{stage}");
    }
    prospect(&service, "grows").await;
    service.events(&[event("gtm.intent.observed", "grows", json!({"kind": "expansion"}))]).await;
    service.advance("PT1S").await;
    let opened = service.get("/v1/handoffs?accountId=grows").await;
    assert_eq!(opened["data"][0]["handoffType"], "expansion_to_sales", "{opened:#}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_given_back_counts_for_nobody() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    for n in 0..4 {
        prospect(&service, &format!("acc_{n}")).await;
    }
    let first = open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acc_0"})).await;
    let (id, owner) = (id_of(&first), first["assignedOwner"]["id"].as_str().unwrap().to_owned());
    let undone = act(&service, &id, "rollback", json!({"reason": "wrong account"}), 200).await;
    assert_eq!(undone["status"], "rolled_back");
    let second = open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acc_1"})).await;
    assert_eq!(second["assignedOwner"]["id"], json!(owner), "it is still the turn of whoever had it");
    let given_back = act(&service, &id_of(&second), "reject", json!({"reason": "on my way out"}), 200).await;
    let other = given_back["assignedOwner"]["id"].as_str().unwrap().to_owned();
    assert_ne!(other, owner);
    act(&service, &id_of(&second), "reject", json!({"reason": "nor mine", "reroute": false}), 200).await;
    service.advance("PT31M").await;
    let third = open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acc_2"})).await;
    service.advance("PT31M").await;
    let late = act(&service, &id_of(&third), "rollback", json!({}), 409).await;
    assert_eq!(late["code"], "rollback_too_late", "{late:#}");
    let chosen =
        open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acc_3", "ownerId": "meg"})).await;
    assert_eq!(chosen["assignedOwner"]["id"], "meg");
    let wrong = json!({"handoffType": "mql", "accountId": "a b", "ownerId": "nobody"});
    let faults = service.send(Method::POST, "/v1/handoffs", Some(wrong), 422).await;
    assert_eq!(faults["errors"].as_array().unwrap().len(), 2, "{faults:#}");
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_take_waits_and_goes_to_whoever_comes_back() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    let mut absences = Vec::new();
    for id in ["ada", "ben"] {
        let body = json!({"from": service.now()});
        absences.push(service.send(Method::POST, &format!("/v1/reps/{id}/absences"), Some(body), 201).await);
    }
    let waiting = open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acme"})).await;
    assert_eq!(
        (waiting["status"].as_str(), waiting["assignment"]["outcome"].as_str()),
        (Some("pending"), Some("queued"))
    );
    let id = id_of(&waiting);
    service.advance("PT1H").await;
    assert_eq!(happened(&service, &id).await, ["created", "queued", "queue_alarm"]);
    let path = format!("/v1/reps/ben/absences/{}", absences[1]["absenceId"].as_str().unwrap());
    service.send(Method::DELETE, &path, None, 204).await;
    service.advance("PT1S").await;
    let taken = read(&service, &id).await;
    assert_eq!(taken["assignedOwner"]["id"], "ben", "{taken:#}");

    prospect(&service, "other").await;
    let body = json!({"from": service.now()});
    service.send(Method::POST, "/v1/reps/ben/absences", Some(body), 201).await;
    let other = id_of(&open(&service, json!({"handoffType": "mql_to_sales", "accountId": "other"})).await);
    service.advance("PT4H").await;
    let fallen_back = read(&service, &other).await;
    assert_eq!(
        (fallen_back["assignedOwner"]["id"].as_str(), fallen_back["fellBack"].as_bool()),
        (Some("meg"), Some(true))
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_leaver_has_goes_to_others_and_can_be_seen_before() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    for n in 0..4 {
        let account = format!("acc_{n}");
        prospect(&service, &account).await;
        open(&service, json!({"handoffType": "sql_to_ae", "accountId": account, "ownerId": "ada"})).await;
    }
    let look = service.post("/v1/reps/ada/offboard", json!({"dryRun": true})).await;
    assert_eq!(look["moved"].as_array().unwrap().len(), 4);
    let of = async |rep: &str| {
        let listed = service.get(&format!("/v1/handoffs?ownerId={rep}")).await;
        listed["data"].as_array().unwrap().len()
    };
    assert_eq!((of("ada").await, of("ben").await), (4, 0), "a preview moves nothing");
    // One part after the other, where it is more than one call passes on.
    let ada = RepId::parse("ada").unwrap();
    let part = service.running.app.handoffs.off_board(&ada, 3, false, "test").await.unwrap();
    assert_eq!((part.moved.len(), part.left, of("ada").await, of("ben").await), (3, 1, 1, 3));
    let moved = service.post("/v1/reps/ada/offboard", json!({})).await;
    assert_eq!((moved["moved"].as_array().unwrap().len(), &moved["left"]), (1, &json!(0)));
    assert!(moved["moved"].as_array().unwrap().iter().all(|one| one["to"]["id"] == "ben"), "{moved:#}");
    assert_eq!((of("ada").await, of("ben").await), (0, 4));
    let again = service.post("/v1/reps/ada/offboard", json!({})).await;
    assert_eq!(again["moved"], json!([]));
    prospect(&service, "late").await;
    let late = open(&service, json!({"handoffType": "sql_to_ae", "accountId": "late"})).await;
    assert_eq!(late["assignedOwner"]["id"], "ben", "a leaver is given nothing more");
    let ids: Vec<Value> = service.get("/v1/handoffs?ownerId=ben").await["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|handoff| handoff["handoffId"].clone())
        .collect();
    let body = json!({"handoffIds": ids, "dryRun": true});
    let rerouted = service.post("/v1/handoffs/reroute", body).await;
    let statuses: Vec<&Value> =
        rerouted["moved"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, vec![&json!("pending"); 5], "nobody else is there");
    assert_eq!(of("ben").await, 5, "it was a look");
    // Somebody comes, and all of it is passed on.
    let cy = json!({"id": "cy", "name": "Cy", "email": "cy@seller.com", "team": "sales"});
    service.send(Method::PUT, "/v1/reps/cy", Some(cy), 201).await;
    let moved = service.post("/v1/handoffs/reroute", json!({"handoffIds": ids})).await;
    assert!(moved["moved"].as_array().unwrap().iter().all(|one| one["to"]["id"] == "cy"), "{moved:#}");
    assert_eq!((of("ben").await, of("cy").await), (0, 5));
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_shown_what_consents_allow_and_a_receipt_is_kept_once_it_is_handed_over() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let ida = json!({"id": "ida", "name": "Ida Berg", "email": "ida@seller.com", "team": "partner"});
    service.send(Method::PUT, "/v1/reps/ida", Some(ida), 201).await;
    for account in ["open", "closed"] {
        let deal = json!({"dealId": "d1", "stage": "qualification", "qualification": {"score": 70}});
        // A referral without any overlap is a partner too.
        let referral = json!({"partnerId": "aws", "referredAt": service.now()});
        service
            .events(&[
                event("gtm.account.upserted", account, json!({"name": "Acme", "employeeCount": 300})),
                event("gtm.deal.upserted", account, deal),
                event("gtm.partner.referral", account, referral),
            ])
            .await;
    }
    let consent = json!({"purpose": "partner_data_sharing", "granted": true, "legalBasis": "consent"});
    service.events(&[event("gtm.consent.changed", "open", consent)]).await;
    let mut ids = Vec::new();
    for account in ["open", "closed"] {
        let handoff = open(&service, json!({"handoffType": "sales_to_partner", "accountId": account})).await;
        assert_eq!(handoff["heldFor"][0]["code"], "no_customer_contact", "{handoff:#}");
        ids.push(id_of(&handoff));
    }
    let receipts = "SELECT count(*) FROM share_receipt";
    assert_eq!(service.number(receipts).await, 0, "what is held was shown to nobody");
    for account in ["open", "closed"] {
        let contact =
            json!({"contactId": "c1", "firstName": "Ann", "lastName": "Lee", "email": "ann@acme.com"});
        service.events(&[event("gtm.contact.upserted", account, contact)]).await;
    }
    service.advance("PT1S").await;
    let (shared, withheld) = (read(&service, &ids[0]).await, read(&service, &ids[1]).await);
    assert_eq!(shared["assignedOwner"]["id"], "ida", "{shared:#}");
    assert!(shared["package"].to_string().contains("ann@acme.com"));
    assert!(!withheld["package"].to_string().contains("ann@acme.com"), "nobody consented: {withheld:#}");
    assert!(service.number(receipts).await > 0);
    let of_closed = "SELECT count(*) FROM share_receipt WHERE account_id = 'closed'";
    assert_eq!(service.number(of_closed).await, 0);
    service.stop().await;
}
