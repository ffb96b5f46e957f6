//! From the list to the signature; what is refused; who is erased.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{alerts, customer, id_of, people, plan, read, running};
use crate::handoffs::sales_team;
use crate::harness::{Service, expect_fitting_plan};
use crate::stories::event_at;

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_goes_from_the_list_to_the_signature() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let end = customer(&service, "acme", 100).await;
    let coming = service.get("/v1/renewals/upcoming?days=120").await;
    let row = &coming["data"][0];
    assert_eq!(
        (row["accountId"].as_str(), row["deadline"].as_str()),
        (Some("acme"), Some(end.to_string().as_str()))
    );
    assert_eq!(row["value"], json!({"amount": "64800.00", "currency": "USD"}));
    assert_eq!(
        (row["tier"]["tier"].as_str(), row["risk"]["risk"].as_str()),
        (Some("growth"), Some("green")),
        "{row:#}"
    );
    assert_eq!(row["renewalId"], Value::Null);
    assert_eq!(service.get("/v1/renewals/upcoming?days=90").await["total"], 0);

    let preview = plan(&service, json!({"accountId": "acme", "dryRun": true})).await;
    assert_eq!(preview["deadline"], json!(end.to_string()));
    assert_eq!(service.get("/v1/renewals").await["data"], json!([]), "a preview writes nothing");
    assert_eq!(service.number("SELECT count(*) FROM plan").await, 0);
    let made = plan(&service, json!({"accountId": "acme", "why": "it comes"})).await;
    let id = id_of(&made);
    for part in ["play", "tier", "deadline", "rating", "tasks", "checkpoints", "pattern", "proposal"] {
        assert_eq!(made[part], preview[part], "{part}: the preview said so");
    }
    assert_eq!(made["pattern"]["kind"], "pipeline", "{:#}", made["pattern"]);
    assert_eq!(made["people"]["ae"]["name"], "ada Smith", "the account's owner is known");
    let again = service.send(Method::POST, "/v1/renewals", Some(json!({"accountId": "acme"})), 409).await;
    assert_eq!(again["renewalId"], json!(id));
    let begun = service.get("/v1/renewals/upcoming?days=120").await;
    assert_eq!(begun["data"][0]["renewalId"], json!(id));

    // What is missing is named, and mended by a new version.
    let refused = service.send(Method::POST, &format!("/v1/renewals/{id}/start"), Some(json!({})), 409).await;
    assert_eq!(refused["code"], "preflight");
    let named: Vec<&str> =
        refused["findings"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(named.contains(&"no_person:product"), "{named:?}");
    let path = format!("/v1/renewals/{id}");
    let patch = json!({"people": people(), "why": "the team is complete"});
    let without = service.request(Method::PATCH, &path).json(&patch).send().await.unwrap();
    assert_eq!(without.status(), StatusCode::PRECONDITION_REQUIRED);
    let tag = service.request(Method::GET, &path).send().await.unwrap().headers()["etag"].clone();
    let changed = service
        .request(Method::PATCH, &path)
        .header("if-match", tag.clone())
        .json(&patch)
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(changed["version"], 2);
    let stale =
        service.request(Method::PATCH, &path).header("if-match", tag).json(&patch).send().await.unwrap();
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    let log = service.get(&format!("{path}/changes")).await;
    let versions = log["data"].as_array().unwrap();
    assert_eq!((versions.len(), versions[1]["why"].as_str()), (2, Some("the team is complete")));
    assert!(!versions[1]["words"].as_array().unwrap().is_empty());

    let running = service.send(Method::POST, &format!("{path}/start"), Some(json!({})), 200).await;
    assert_eq!(running["status"], "running");
    documents(&service, &id, end).await;
    let closed = service
        .send(
            Method::POST,
            &format!("{path}/close"),
            Some(json!({"outcome": "expanded", "note": "two more teams"})),
            200,
        )
        .await;
    assert_eq!((closed["status"].as_str(), closed["outcome"].as_str()), (Some("closed"), Some("expanded")));
    service.send(Method::POST, &format!("{path}/close"), Some(json!({"outcome": "lost"})), 409).await;
    service.send(Method::POST, &format!("{path}/checkpoints/1"), Some(json!({"rating": "green"})), 409).await;
    service.advance("P120D").await;
    assert_eq!(alerts(&service, &id).await, BTreeMap::new(), "nothing fires after the end");
    service.expect_intact_audit().await;
    service.stop().await;
}

/// The documents of the renewal of Acme.
async fn documents(service: &Service, id: &str, end: NaiveDate) {
    let path = format!("/v1/renewals/{id}");
    let markdown = service.text(&format!("{path}/packet"), "text/markdown").await;
    let told = end.format("%a %-d %b %Y").to_string();
    for text in [
        r"# Renewal of Acme \<Corp\>",
        told.as_str(),
        "Ann Lee (Head of Finance)",
        "Cleo (Customer Success Manager)",
        "64,800 USD",
    ] {
        assert!(markdown.contains(text), "{text} in\n{markdown}");
    }
    let html = service.text(&format!("{path}/packet"), "text/html").await;
    assert!(
        html.starts_with("<!doctype html>") && html.contains("Acme &lt;Corp&gt;") && html.contains("<svg")
    );
    let document = service.get(&format!("{path}/plan.json")).await;
    assert_eq!(document["kind"], "renewal");
    expect_fitting_plan(service, &document).await;
    let tasks = document["tasks"].as_array().unwrap().len();
    let table = service.text(&format!("{path}/tasks.csv?format=generic"), "text/csv").await;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    assert_eq!(reader.records().count(), tasks + 6, "and six rows of escalation");
    for format in ["hubspot", "salesforce"] {
        let table = service.text(&format!("{path}/tasks.csv?format={format}"), "text/csv").await;
        assert!(table.split("\r\n").count() > tasks, "{format}");
    }
    let calendar = service.text(&format!("{path}/calendar.ics"), "text/calendar").await;
    let parsed = ical::IcalParser::new(calendar.as_bytes()).next().unwrap().unwrap();
    assert_eq!(parsed.events.len(), tasks + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_request_is_named() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    service
        .events(&[event_at(service.now(), "gtm.account.upserted", "empty", json!({"name": "Empty"}))])
        .await;
    let body = json!({"accountId": "acme", "play": "exec_save", "deadline": "2020-01-01", "people": {"boss": {"name": "B"}}});
    let problem = service.send(Method::POST, "/v1/renewals", Some(body), 422).await;
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["#/play", "#/deadline", "#/people/boss"]);
    let none = service.send(Method::POST, "/v1/renewals", Some(json!({"accountId": "empty"})), 422).await;
    assert_eq!(none["errors"][0]["pointer"], "#/deadline");
    service.send(Method::POST, "/v1/renewals", Some(json!({"accountId": "nobody"})), 404).await;
    service.send(Method::GET, "/v1/renewals/upcoming?days=500", None, 422).await;
    let id = running(&service, "acme", json!({})).await;
    service
        .send(Method::POST, &format!("/v1/renewals/{id}/checkpoints/99"), Some(json!({"rating": "red"})), 404)
        .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_is_gone_from_notes_and_packets() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    let id = running(&service, "acme", json!({"risk": "red"})).await;
    for number in [1, 2] {
        let path = format!("/v1/renewals/{id}/checkpoints/{number}");
        let note = json!({"rating": "red", "note": "Ann Lee (ann@acme.com) does not answer"});
        service.send(Method::POST, &path, Some(note), 200).await;
    }
    let before = service.text(&format!("/v1/renewals/{id}/packet"), "text/markdown").await;
    assert!(before.contains("Ann Lee"));
    let export = service.get("/v1/accounts/acme/export").await.to_string();
    assert!(export.contains("does not answer"));
    service.send(Method::DELETE, "/v1/accounts/acme/personal-data?contactId=c1", None, 200).await;
    let after = service.text(&format!("/v1/renewals/{id}/packet"), "text/markdown").await;
    assert!(!after.contains("Ann") && !after.contains("ann@acme.com"), "{after}");
    let held = read(&service, &id).await.to_string();
    assert!(!held.contains("Ann Lee") && !held.contains("ann@acme.com"), "{held}");
    service.expect_intact_audit().await;
    service.stop().await;
}
