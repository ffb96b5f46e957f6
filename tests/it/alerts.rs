//! Who is told what about handoffs, and when: at once within the budget, the rest in a digest, and each thing once.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::handoffs::{act, happened, id_of, open, prospect, read, sales_team};
use crate::harness::Service;
use crate::stories::{event, event_at};

/// The alerts that named a rep and went out at once, newest first.
async fn alerted(service: &Service, rep: &str) -> Vec<Value> {
    let all = service.get("/v1/deliveries?destination=messaging/alert&limit=200").await;
    let names = |one: &&Value| {
        one["payload"]["data"]["to"].as_array().unwrap().iter().any(|person| person["repId"] == rep)
    };
    all["data"].as_array().unwrap().iter().filter(names).cloned().collect()
}

async fn listed(service: &Service, path: &str) -> Vec<Value> {
    service.get(path).await["data"].as_array().unwrap().clone()
}

/// Hands over so many accounts to a rep in one instant.
pub async fn busy(service: &Service, rep: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let account = format!("busy_{n}");
        prospect(service, &account).await;
        let body = json!({"handoffType": "plg_to_sales", "accountId": account, "ownerId": rep});
        ids.push(id_of(&open(service, body).await));
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_budget_comes_in_one_digest_without_what_no_longer_matters() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let ids = busy(&service, "ada", 10).await;
    assert_eq!(alerted(&service, "ada").await.len(), 6);
    let held = listed(&service, "/v1/alerts?repId=ada&state=held").await;
    let about: Vec<&str> = held.iter().map(|one| one["handoffId"].as_str().unwrap()).collect();
    assert_eq!(
        about,
        ids[6..].iter().rev().map(String::as_str).collect::<Vec<_>>(),
        "newest first: {held:#?}"
    );
    assert!(held.iter().all(|one| one["reason"] == "over_budget" && one["settledAt"].is_null()));

    // One of those held is over, another one goes to ben; both before the digest.
    act(&service, &ids[6], "lose", json!({}), 200).await;
    act(&service, &ids[7], "reassign", json!({"ownerId": "ben"}), 200).await;
    assert_eq!(alerted(&service, "ben").await.len(), 1, "everybody has a budget of their own");
    assert_eq!(listed(&service, "/v1/deliveries?destination=messaging/digest").await, Vec::<Value>::new());
    service.advance("PT59M").await;
    assert_eq!(listed(&service, "/v1/deliveries?destination=messaging/digest").await, Vec::<Value>::new());
    service.advance("PT1M").await;
    let digests = listed(&service, "/v1/deliveries?destination=messaging/digest").await;
    assert_eq!(digests.len(), 1, "{digests:#?}");
    let digest = &digests[0];
    assert_eq!((&digest["accountId"], &digest["handoffId"]), (&json!("@system"), &Value::Null));
    let told = digest["payload"]["data"]["alerts"].as_array().unwrap();
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|one| (one["priority"].as_str().unwrap(), one["handoffId"].as_str().unwrap()))
        .collect();
    let expected = [("high", ids[8].as_str()), ("high", &ids[9]), ("medium", &ids[7])];
    assert_eq!(told, expected, "the last one says that it is ben's now");
    assert_eq!(digest["payload"]["data"]["to"][0]["email"], "ada@seller.com");

    let became = |path: String| {
        let service = &service;
        async move {
            let rows = listed(service, &path).await;
            rows.iter()
                .map(|one| (one["state"].clone(), one["droppedBecause"].clone(), one["digestId"].clone()))
                .collect::<Vec<_>>()
        }
    };
    let dropped = |why: &str| (json!("dropped"), json!(why), Value::Null);
    assert_eq!(became(format!("/v1/alerts?handoffId={}", ids[6])).await, [dropped("handoff_over")]);
    let digested = (json!("digested"), Value::Null, digest["digestId"].clone());
    assert_eq!(
        became(format!("/v1/alerts?handoffId={}", ids[7])).await,
        [digested.clone(), dropped("not_the_owner")]
    );
    assert_eq!(became(format!("/v1/alerts?handoffId={}", ids[9])).await, [digested]);
    let page = service.get("/v1/alerts?repId=ada&limit=3").await;
    let rest = format!("/v1/alerts?repId=ada&limit=3&cursor={}", page["nextCursor"].as_str().unwrap());
    let rest = service.get(&rest).await;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["nextCursor"]), (2, &Value::Null));
    service.advance("PT30M").await;
    assert_eq!(listed(&service, "/v1/deliveries?destination=messaging/digest").await.len(), 1, "once");
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_urgent_is_told_at_once_whatever_the_budget() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let ids = busy(&service, "ada", 8).await;
    for id in &ids {
        act(&service, id, "acknowledge", json!({}), 200).await;
    }
    // All are overdue at the same instant: 48 hours and one.
    service.advance("PT49H").await;
    let alerts = alerted(&service, "ada").await;
    let steps =
        |kind: &str| alerts.iter().filter(|one| one["payload"]["data"]["step"]["kind"] == kind).count();
    assert_eq!((steps("remind"), steps("alert_owner")), (6, 8), "{alerts:#?}");
    let held = listed(&service, "/v1/alerts?repId=ada").await;
    let reminders = held.iter().filter(|one| one["title"] == "A handoff is due soon").count();
    assert_eq!((held.len(), reminders), (4, 2), "two of the first round, and two reminders");
    let because: Vec<&Value> = held.iter().map(|one| &one["droppedBecause"]).collect();
    let (told, known) = (&Value::Null, &json!("already_done"));
    assert_eq!(because, [told, told, known, known], "who has acknowledged one knows of it");
    assert_eq!(listed(&service, "/v1/deliveries?destination=messaging/digest").await.len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn working_something_out_anew_with_the_same_result_tells_nobody_and_writes_nothing() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    for id in ["ada", "ben"] {
        let body = json!({"from": service.now()});
        service.send(Method::POST, &format!("/v1/reps/{id}/absences"), Some(body), 201).await;
    }
    let id = id_of(&open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acme"})).await);
    service.advance("PT1M").await;
    let (told, version) = ("SELECT count(*) FROM delivery", "SELECT version FROM handoff");
    let before = (service.number(told).await, service.number(version).await, happened(&service, &id).await);
    for n in 0..3 {
        // Each edit of the roster has the queue looked at again, and each event the account.
        let ida =
            json!({"id": format!("ida{n}"), "name": "Ida", "email": "ida@seller.com", "team": "partner"});
        service.send(Method::PUT, &format!("/v1/reps/ida{n}"), Some(ida), 201).await;
        service.events(&[event("gtm.account.upserted", "acme", json!({"name": format!("Acme {n}")}))]).await;
        service.advance("PT1M").await;
    }
    let after = (service.number(told).await, service.number(version).await, happened(&service, &id).await);
    assert_eq!(after, before);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handoff_that_is_sent_back_tells_those_it_came_from() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let mia = json!({"id": "mia", "name": "Mia Berg", "email": "mia@seller.com", "team": "marketing"});
    service.send(Method::PUT, "/v1/reps/mia", Some(mia), 201).await;
    for (account, owner) in [("owned", Some("mia")), ("nobodys", None)] {
        prospect(&service, account).await;
        if let Some(owner) = owner {
            service
                .events(&[event("gtm.account.upserted", account, json!({"name": "Acme", "ownerId": owner}))])
                .await;
        }
        let body =
            json!({"handoffType": "mql_to_sales", "accountId": account, "dealId": "d1", "ownerId": "ada"});
        let id = id_of(&open(&service, body).await);
        let body = json!({"reason": "they want support", "reroute": false});
        assert_eq!(act(&service, &id, "reject", body, 200).await["status"], "rejected");
        let sent = listed(&service, &format!("/v1/deliveries?handoffId={id}&limit=20")).await;
        let rejected: Vec<&Value> = sent
            .iter()
            .map(|one| &one["payload"]["data"])
            .filter(|data| data.to_string().contains("rejected") || !data["handoffUndoneAt"].is_null())
            .collect();
        assert_eq!(rejected.len(), 3, "an alert, a note, and the deal: {sent:#?}");
        let alert = rejected.iter().find(|data| data["to"].is_array()).unwrap();
        assert!(
            alert["body"].as_str().unwrap().contains("ada Smith gave it back. Reason: they want support")
        );
        // Marketing has no channel: with nobody responsible there, a role is told.
        match owner {
            Some(owner) => {
                assert_eq!((&alert["to"][0]["repId"], &alert["role"]), (&json!(owner), &Value::Null));
            }
            None => assert_eq!((&alert["to"], &alert["role"]), (&json!([]), &json!("revops_manager"))),
        }
        assert_eq!(alert["channel"], Value::Null, "not the channel of the receiving team");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_is_told_late_carries_the_time_at_which_it_was_so() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let outcome = |id: &str, what: &str| json!({"handoffId": id, "outcome": what});
    for (account, what) in [("a", "contacted"), ("b", "meeting_booked"), ("c", "converted")] {
        prospect(&service, account).await;
        let body = json!({"handoffType": "mql_to_sales", "accountId": account, "ownerId": "ada"});
        let id = id_of(&open(&service, body).await);
        let spoken = service.now() + TimeDelta::minutes(90);
        // Known after the deadline of four hours.
        service.advance("PT5H").await;
        assert_eq!(read(&service, &id).await["sla"]["breached"], true);
        service.events(&[event_at(spoken, "gtm.handoff.outcome", account, outcome(&id, what))]).await;
        service.advance("PT1S").await;
        let told = read(&service, &id).await;
        assert_eq!(told["status"], what);
        assert_eq!(told["sla"]["breached"], false, "{what}: {told:#}");
        let at: chrono::DateTime<chrono::Utc> = told["contactedAt"].as_str().unwrap().parse().unwrap();
        assert_eq!(at, spoken, "{what}");
    }
    prospect(&service, "d").await;
    let early = service.now() - TimeDelta::hours(1);
    let body = json!({"handoffType": "mql_to_sales", "accountId": "d", "ownerId": "ada"});
    let id = id_of(&open(&service, body).await);
    service.events(&[event_at(early, "gtm.handoff.outcome", "d", outcome(&id, "contacted"))]).await;
    service.advance("PT1S").await;
    let told = read(&service, &id).await;
    assert_eq!(told["contactedAt"], told["assignedAt"], "not before somebody had it");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_of_an_account_tells_of_handoffs_and_consents_in_one_stream() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    let consent = json!({"purpose": "partner_data_sharing", "granted": true, "legalBasis": "consent"});
    service.events(&[event("gtm.consent.changed", "acme", consent)]).await;
    service.advance("PT1S").await;
    let id = id_of(&open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acme"})).await);
    act(&service, &id, "acknowledge", json!({}), 200).await;
    service.advance("PT1S").await;
    service.events(&[event("gtm.account.upserted", "acme", json!({"name": "Acme Bank"}))]).await;
    service.advance("PT1S").await;
    let whole = listed(&service, "/v1/accounts/acme/timeline?limit=200").await;
    let titles: Vec<&str> = whole.iter().map(|one| one["title"].as_str().unwrap()).collect();
    let wanted = [
        "gtm.account.upserted",
        "mql_to_sales: acknowledged",
        "mql_to_sales: assigned",
        "mql_to_sales: created",
        "partner_data_sharing granted",
    ];
    let place = |title: &str| {
        titles.iter().position(|one| *one == title).unwrap_or_else(|| panic!("{title}: {titles:?}"))
    };
    let places = wanted.map(place);
    assert!(places.is_sorted(), "newest first: {titles:?}");
    let assigned = &whole[places[2]];
    assert_eq!((&assigned["kind"], &assigned["detail"]["handoffId"]), (&json!("handoff"), &json!(id)));
    assert_eq!(whole[places[4]]["kind"], "consent");
    // Page by page it is the same stream.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/v1/accounts/acme/timeline?limit=2{cursor}")).await;
        paged.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, whole);
    service.stop().await;
}
