//! What reps and RevOps do with handoffs from day to day: questions, escalations that reach somebody, tables, reports that
//! say only what happened.

use chrono::{DateTime, TimeDelta, Utc};
use gtm::platform::outbox::{EndpointSettings, Outbox, OutboxSettings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::handoffs::{act, happened, id_of, open, prospect, read, sales_team};
use crate::harness::Service;
use crate::receiver::{Receiver, Reply};
use crate::stories::event;

fn due(handoff: &Value) -> DateTime<Utc> {
    handoff["slaDeadline"].as_str().unwrap().parse().unwrap()
}

/// The alerts of a handoff, oldest first.
async fn alerts(service: &Service, id: &str) -> Vec<Value> {
    let path = format!("/v1/deliveries?handoffId={id}&destination=messaging/alert");
    let mut alerts = service.get(&path).await["data"].as_array().unwrap().clone();
    alerts.reverse();
    alerts.into_iter().map(|alert| alert["payload"]["data"].clone()).collect()
}

fn people(alert: &Value) -> Vec<&str> {
    alert["to"].as_array().unwrap().iter().map(|person| person["repId"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_stops_the_clock_until_it_is_answered_and_only_once() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let mia = json!({"id": "mia", "name": "Mia Berg", "email": "mia@seller.com", "team": "marketing"});
    service.send(Method::PUT, "/v1/reps/mia", Some(mia), 201).await;
    prospect(&service, "acme").await;
    let company = json!({"name": "Acme", "ownerId": "mia"});
    service.events(&[event("gtm.account.upserted", "acme", company)]).await;
    let handoff = open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acme"})).await;
    let (id, first) = (id_of(&handoff), due(&handoff));
    let refused = act(&service, &id, "answer", json!({}), 409).await;
    assert!(refused["legal"].as_array().unwrap().contains(&json!("ask")), "{refused}");
    let empty = act(&service, &id, "ask", json!({"question": " "}), 422).await;
    assert_eq!(empty["errors"][0]["pointer"], "#/question");

    service.advance("PT1H").await;
    let asked = act(&service, &id, "ask", json!({"question": "Which plan do they have?"}), 200).await;
    assert_eq!(
        (&asked["status"], &asked["question"]),
        (&json!("acknowledged"), &json!("Which plan do they have?"))
    );
    assert_eq!(asked["sla"]["paused"], json!(["waiting_for_information"]));
    assert_eq!(due(&asked), first + TimeDelta::hours(24), "at the latest");
    let told = alerts(&service, &id).await;
    assert_eq!(people(told.last().unwrap()), ["mia"]);
    assert!(told.last().unwrap()["body"].as_str().unwrap().contains("Which plan do they have?"));

    service.advance("PT5H").await;
    assert_eq!(read(&service, &id).await["sla"]["remainingSeconds"], 3 * 3600, "five hours did not count");
    let answered = act(&service, &id, "answer", json!({"answer": "The team plan."}), 200).await;
    assert_eq!((&answered["question"], &answered["sla"]["paused"]), (&Value::Null, &json!([])));
    assert_eq!(due(&answered), first + TimeDelta::hours(5));
    let told = alerts(&service, &id).await;
    assert_eq!(people(told.last().unwrap()), [asked["assignedOwner"]["id"].as_str().unwrap()]);
    assert!(told.last().unwrap()["body"].as_str().unwrap().starts_with("The team plan."));

    let again = act(&service, &id, "ask", json!({"question": "And how many seats?"}), 200).await;
    assert_eq!(
        (&again["sla"]["paused"], due(&again)),
        (&json!([]), first + TimeDelta::hours(5)),
        "not once more"
    );
    service.advance("PT3H").await;
    let steps = happened(&service, &id).await;
    assert_eq!(
        steps,
        ["created", "assigned", "acknowledged", "asked", "answered", "asked", "remind", "breach"],
        "and no acknowledgement was missed"
    );
    act(&service, &id, "contact", json!({}), 200).await;
    assert_eq!(
        read(&service, &id).await["question"],
        Value::Null,
        "who has talked to them waits for nothing"
    );
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_nobody_holds_is_found_and_its_people_are_told_once_they_are_named() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    for account in ["before", "after"] {
        prospect(&service, account).await;
    }
    let unheld = async || {
        let found = service.get("/v1/roster/findings").await;
        let found = found["data"].as_array().unwrap().clone();
        let roles = found.iter().filter(|one| one["code"] == "role_unheld" && one["id"] == "sales_manager");
        roles.cloned().collect::<Vec<Value>>()
    };
    let body = |account: &str| json!({"handoffType": "sql_to_ae", "accountId": account, "ownerId": "ada"});
    let before = id_of(&open(&service, body("before")).await);
    let found = unheld().await;
    assert!(found[0]["message"].as_str().unwrap().contains("in sales meg is told instead"), "{found:#?}");
    let role = json!({"id": "sales_manager", "reps": ["ben", "nobody"]});
    let refused = service.send(Method::PUT, "/v1/roles/sales_manager", Some(role), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "#/reps/1", "{refused}");
    service.send(Method::PUT, "/v1/roles/sales_manager", Some(json!({"reps": ["ben"]})), 201).await;
    assert!(unheld().await.is_empty());
    let after = id_of(&open(&service, body("after")).await);
    // An hour to acknowledge.
    service.advance("PT1H").await;
    for id in [before, after] {
        let told = alerts(&service, &id).await;
        assert_eq!(people(told.last().unwrap()), ["ada", "ben"], "the owner, and who holds the role now");
    }
    let removed =
        service.request(Method::DELETE, "/v1/reps/ben").header("if-match", "*").send().await.unwrap();
    let problem: Value = removed.json().await.unwrap();
    assert!(problem.to_string().contains("role sales_manager"), "a role needs its people: {problem}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rosters_that_ship_answer_for_whatever_the_types_name() {
    let service = Service::sandbox().await;
    let file = |name: &str| {
        let path = format!("{}/config/roster/example/{name}", env!("CARGO_MANIFEST_DIR"));
        json!({"name": name, "text": std::fs::read_to_string(path).unwrap()})
    };
    let example = json!({"files": [file("teams.toml"), file("reps.csv"), file("territories.csv")]});
    for roster in [example, json!({"roster": gtm::demo::roster()})] {
        service.send(Method::POST, "/v1/roster/import", Some(roster), 200).await;
        assert_eq!(service.get("/v1/roster/findings").await["data"], json!([]));
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_a_skill_that_is_asked_for_is_passed_by() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let cleo = json!({"id": "cleo", "name": "Cleo", "email": "cleo@seller.com", "team": "sales", "skills": ["German"]});
    service.send(Method::PUT, "/v1/reps/cleo", Some(cleo), 201).await;
    for (n, skill) in ["german", "german", "french"].into_iter().enumerate() {
        let account = format!("acc_{n}");
        prospect(&service, &account).await;
        let body = json!({"handoffType": "mql_to_sales", "accountId": account, "skills": [skill]});
        let handoff = open(&service, body).await;
        if skill == "german" {
            assert_eq!(handoff["assignedOwner"]["id"], "cleo", "{handoff:#}");
        } else {
            let considered = handoff["assignment"]["considered"].as_array().unwrap();
            let ada = considered.iter().find(|one| one["repId"] == "ada").unwrap();
            assert_eq!(ada["reasons"], json!(["missing_skills"]), "{handoff:#}");
            assert_eq!(handoff["status"], "pending");
        }
    }
    let wrong = json!({"handoffType": "mql_to_sales", "accountId": "acc_0", "skills": [" "]});
    let refused = service.send(Method::POST, "/v1/handoffs", Some(wrong), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "#/skills/0");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_filter_lets_through_comes_as_a_table() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    for n in 0..3 {
        let account = format!("acc_{n}");
        prospect(&service, &account).await;
        open(&service, json!({"handoffType": "mql_to_sales", "accountId": account, "ownerId": "ada"})).await;
    }
    let last = service.get("/v1/handoffs?accountId=acc_2").await["data"][0]["handoffId"].clone();
    act(&service, last.as_str().unwrap(), "cancel", json!({"reason": "=cmd, \"quoted\""}), 200).await;
    let export = async |query: &str| {
        let text = service.text(&format!("/v1/handoffs/export{query}"), "text/csv").await;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<std::collections::HashMap<String, String>> =
            reader.deserialize().map(Result::unwrap).collect();
        rows
    };
    let all = export("").await;
    let accounts: Vec<&str> = all.iter().map(|row| row["account_id"].as_str()).collect();
    assert_eq!(accounts, ["acc_2", "acc_1", "acc_0"], "newest first");
    assert_eq!(all[0]["close_reason"], "'=cmd, \"quoted\"", "text, and no formula");
    assert_eq!((all[1]["owner_name"].as_str(), all[1]["status"].as_str()), ("ada Smith", "assigned"));
    assert_eq!(export("?status=assigned").await.len(), 2);
    assert!(export("?ownerId=ben").await.is_empty());
    service.send(Method::GET, "/v1/handoffs/export?state=assigned", None, 400).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_taken_are_those_that_arrived_and_no_others() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    let busy = || Reply::Status(500, "", b"busy");
    let (mail, chat) =
        (Receiver::start([busy(), busy()]).await, Receiver::start([Reply::Status(410, "", b"")]).await);
    let endpoint = |receiver: &Receiver| EndpointSettings {
        url: receiver.url(),
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
    };
    let settings = OutboxSettings {
        endpoints: [("email/briefing", &mail), ("messaging/alert", &chat)]
            .map(|(name, receiver)| (name.to_owned(), endpoint(receiver)))
            .into(),
        ..OutboxSettings::default()
    };
    let clock = service.running.app.platform.clock.clone();
    let outbox = Outbox::new(service.database.pool.clone(), clock.clone(), settings, []).unwrap();
    let id = id_of(
        &open(&service, json!({"handoffType": "mql_to_sales", "accountId": "acme", "dealId": "d1"})).await,
    );
    let told = async || {
        let report = service.text(&format!("/v1/handoffs/{id}/report"), "text/markdown").await;
        let words = ["Briefing e-mail sent", "alerted", "Deal updated in the CRM (kept here"];
        (words.map(|word| report.contains(word)), read(&service, &id).await["briefingSent"] == true)
    };
    assert_eq!(told().await, ([false; 3], false), "nothing has arrived");
    outbox.step().await.unwrap();
    // The mail is refused for now, the chat for good; what has no endpoint is kept by the service.
    assert_eq!(told().await, ([false, false, true], false));
    for _ in 0..2 {
        clock.advance_to(clock.now() + TimeDelta::minutes(10));
        outbox.step().await.unwrap();
    }
    assert_eq!(
        told().await,
        ([true, false, true], true),
        "in the end the mail arrives, and the alert does not"
    );
    service.stop().await;
}
