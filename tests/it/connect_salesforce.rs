//! Salesforce: what changes there is read once it is known, what handoffs write arrives once, whatever goes wrong
//! between the two.

use gtm::connectors::source::Group;
use serde_json::{Value, json};

use crate::fakes::salesforce::{ACCOUNT, CONTACT, DEAL, ORGANISATION, Salesforce, USER, error};
use crate::fakes::server::{Answer, Asked};
use crate::harness::Service;
use crate::stories::event;

/// A real Outbound Message; see the file.
const MESSAGE: &str = include_str!("../fixtures/salesforce/outbound_message.xml");
/// Requests of the official clients; see the file.
const REQUESTS: &str = include_str!("../fixtures/salesforce/requests.json");
const ACCOUNT_PATH: &str = "/v1/accounts/001xx000003DGb2AAG";

/// An Outbound Message about an object.
fn message(object: &str, id: &str) -> String {
    MESSAGE.replace("sf:Opportunity\"", &format!("sf:{object}\"")).replace("0067F000003pmdWQAQ", id)
}

/// Posts a call as Salesforce does; the answer's status and body.
async fn call(service: &Service, secret: &str, body: String) -> (u16, String) {
    let answer = service
        .http
        .post(service.url(&format!("/v1/webhooks/salesforce/{secret}")))
        .header("content-type", "text/xml; charset=utf-8")
        .header("soapaction", "\"\"")
        .body(body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits until calls are read and what they name was fetched or put off.
async fn settled(service: &Service) {
    service.until_read().await;
    let due = "SELECT count(*) FROM job WHERE kind LIKE 'connector%' AND due_at <= now()";
    while service.number(due).await + service.number("SELECT count(*) FROM inbox").await > 0 {
        tokio::task::yield_now().await;
    }
}

/// Tells it of a change of an object, and waits until that is read.
async fn hear(service: &Service, object: &str, id: &str) {
    let (status, answer) = call(service, "sesame", message(object, id)).await;
    assert_eq!(status, 200, "{answer}");
    settled(service).await;
}

/// Two who could have a handoff of the deal; Ada does, who is a user there.
async fn handed_over(salesforce: &Salesforce) -> Service {
    let service = Service::connected(&salesforce.settings()).await;
    let rep = |id: &str, weight: u32| json!({"id": id, "name": id, "email": format!("{id}@example.com"), "team": "sales", "weight": weight});
    let teams = json!([{"id": "sales"}, {"id": "marketing"}, {"id": "partner"}, {"id": "customer_success"}]);
    let roster = json!({"teams": teams, "reps": [rep("ada", 1), rep("ben", 0)]});
    service.post("/v1/roster/import", json!({"roster": roster})).await;
    let contact = json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"});
    let deal = json!({"dealId": DEAL, "stage": "qualification", "qualification": {"score": 82}});
    service
        .events(&[
            event("gtm.account.upserted", ACCOUNT, json!({"name": "Acme", "employeeCount": 300})),
            event("gtm.contact.upserted", ACCOUNT, contact),
            event("gtm.deal.upserted", ACCOUNT, deal),
        ])
        .await;
    let asked = json!({"handoffType": "mql_to_sales", "accountId": ACCOUNT, "dealId": DEAL});
    let handoff = service.send(reqwest::Method::POST, "/v1/handoffs", Some(asked), 201).await;
    assert_eq!(handoff["assignedOwner"]["id"], "ada", "{handoff}");
    service
}

/// A request of the official clients, by its method and the beginning of its target.
fn captured(method: &str, path: &str) -> Value {
    let file: Value = serde_json::from_str(REQUESTS).unwrap();
    let fits = |one: &&Value| one["method"] == method && one["target"].as_str().unwrap().starts_with(path);
    file["requests"].as_array().unwrap().iter().find(fits).unwrap().clone()
}

/// What a query asks for, and of what.
fn soql(query: &str) -> (Vec<String>, String) {
    let all: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let [(name, text)] = all.try_into().unwrap();
    assert_eq!(name, "q");
    let (fields, rest) = text.strip_prefix("SELECT ").unwrap().split_once(" FROM ").unwrap();
    (fields.split(", ").flat_map(|field| field.split(',')).map(str::to_owned).collect(), rest.to_owned())
}

/// Waits for a delivery to have this status; has retries due at once.
async fn until(service: &Service, destination: &str, status: &str) -> Value {
    loop {
        let page = service.get(&format!("/v1/deliveries?destination={destination}")).await;
        if let Some(one) = page["data"].as_array().unwrap().iter().find(|one| one["status"] == status) {
            return one.clone();
        }
        if status != "retrying" {
            sqlx::query("UPDATE delivery SET due_at = created_at WHERE status = 'retrying'")
                .execute(&service.database.pool)
                .await
                .unwrap();
        }
        tokio::task::yield_now().await;
    }
}

/// What was asked last at a path.
fn last(salesforce: &Salesforce, path: &str) -> Asked {
    salesforce.fake.asked().into_iter().rfind(|asked| asked.path.starts_with(path)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_believed_acknowledged_and_what_it_names_is_read() {
    let salesforce = Salesforce::start().await;
    let service = Service::connected(&salesforce.settings()).await;
    let (status, _) = call(&service, "barley", message("Opportunity", DEAL)).await;
    assert_eq!(status, 401);
    let foreign = message("Opportunity", DEAL).replace(ORGANISATION, "00D7F00000107XtUAI");
    assert_eq!(call(&service, "sesame", foreign).await.0, 401);
    assert_eq!(service.number("SELECT count(*) FROM received").await, 0, "what is not believed is not kept");
    let (status, ack) = call(&service, "sesame", message("Opportunity", DEAL)).await;
    assert_eq!(status, 200);
    assert!(ack.contains("<Ack>true</Ack>"), "{ack}");
    hear(&service, "Account", ACCOUNT).await;
    hear(&service, "Contact", CONTACT).await;
    hear(&service, "Opportunity", DEAL).await;
    let account = service.get(ACCOUNT_PATH).await.to_string();
    for known in ["Acme", "acme.com", "Negotiation/Review", "\"customer\"", "\"ada\"", "Acme renewal"] {
        assert!(account.contains(known), "{known}: {account}");
    }
    let people = service.number("SELECT count(*) FROM contact WHERE doc::text LIKE '%ann@acme.com%'").await;
    assert_eq!(people, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_come_twice_or_late_change_nothing() {
    let salesforce = Salesforce::start().await;
    let service = Service::connected(&salesforce.settings()).await;
    hear(&service, "Account", ACCOUNT).await;
    let newer =
        json!({"StageName": "Proposal/Price Quote", "SystemModstamp": "2026-06-02T10:00:00.000+0000"});
    salesforce.change("Opportunity", &newer);
    hear(&service, "Opportunity", DEAL).await;
    let deals = "SELECT count(*) FROM event WHERE type = 'gtm.deal.upserted'";
    assert_eq!(service.number(deals).await, 1);
    hear(&service, "Opportunity", DEAL).await;
    assert_eq!(service.number(deals).await, 1, "the same version is one event");
    // What is read late, from an older copy, is older.
    let older = json!({"StageName": "Prospecting", "SystemModstamp": "2026-06-01T10:00:00.000+0000"});
    salesforce.change("Opportunity", &older);
    hear(&service, "Opportunity", DEAL).await;
    assert_eq!(service.number(deals).await, 2);
    let account = service.get(ACCOUNT_PATH).await.to_string();
    assert!(account.contains("Proposal/Price Quote") && !account.contains("Prospecting"), "{account}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_is_kept_among_the_dead() {
    let salesforce = Salesforce::start().await;
    let service = Service::connected(&salesforce.settings()).await;
    assert_eq!(
        call(&service, "sesame", "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>".to_owned()).await.0,
        200
    );
    service.until_read().await;
    let dead = service.get("/v1/dead-letters/received").await;
    let detail = dead["data"][0]["faults"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("document type"), "{detail}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_read_page_by_page_with_a_token_that_ends_on_the_way() {
    let salesforce = Salesforce::start().await;
    {
        let mut org = salesforce.org.lock().unwrap();
        let accounts = org.records.get_mut("Account").unwrap();
        for id in ["001xx000003DGb3AAG", "001xx000003DGb4AAG", "001xx000003DGb5AAG", "001xx000003DGb6AAG"] {
            let mut account = accounts[0].clone();
            account["Id"] = json!(id);
            accounts.push(account);
        }
    }
    let service = Service::connected(&salesforce.settings()).await;
    let expired = error(401, "INVALID_SESSION_ID", "Session expired or invalid");
    let unwell = error(503, "SERVER_UNAVAILABLE", "try later");
    salesforce.trouble("query", vec![expired, unwell]);
    let path = "/v1/connectors/salesforce/sync";
    service.send(reqwest::Method::POST, path, Some(json!({})), 202).await;
    let read = "SELECT count(*) FROM sync_progress WHERE finished_at IS NOT NULL";
    while service.number(read).await < 3 {
        // What waits for a system that is not well is due at once.
        sqlx::query("UPDATE job SET due_at = now() - interval '1 second' WHERE kind = 'connector_sync' AND due_at > now()")
            .execute(&service.database.pool)
            .await
            .unwrap();
        service.running.app.connectors.fetch.notify_one();
        tokio::task::yield_now().await;
    }
    settled(&service).await;
    let listed = service.get("/v1/connectors").await;
    let connectors = listed["data"].as_array().unwrap();
    let syncs = &connectors.iter().find(|one| one["name"] == "salesforce").unwrap()["syncs"];
    let accounts = syncs.as_array().unwrap().iter().find(|one| one["object"] == "Account").unwrap();
    assert_eq!((&accounts["objects"], &accounts["total"]), (&json!(5), &json!(5)), "{listed}");
    assert_eq!(service.number("SELECT count(*) FROM event WHERE type = 'gtm.account.upserted'").await, 5);
    let tokens = salesforce.fake.asked_at("/services/oauth2/token").len();
    assert_eq!(tokens, 2, "one at the start, one for the one that ended");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_read_by_its_id_or_by_its_domain() {
    let salesforce = Salesforce::start().await;
    let service = Service::connected(&salesforce.settings()).await;
    assert!(service.refresh(ACCOUNT, Group::Crm).await);
    settled(&service).await;
    let fresh = "SELECT count(*) FROM event WHERE type = 'gtm.source.synced'";
    assert_eq!(service.number(fresh).await, 1, "said once, when all was read");
    let known = json!({"name": "Acme", "domain": "acme.com"});
    service.events(&[event("gtm.account.upserted", "acc_1", known)]).await;
    while !service.refresh("acc_1", Group::Crm).await {
        tokio::task::yield_now().await;
    }
    let asked = last(&salesforce, "/services/data/v60.0/query");
    assert!(asked.query.contains("Opportunity"), "people and deals too: {}", asked.query);
    // As the official clients ask: the people of an account by its id, an account by its website.
    let asked: Vec<(String, Vec<String>, String)> = salesforce
        .fake
        .asked_at("/services/data/v60.0/query")
        .into_iter()
        .map(|asked| {
            assert!(asked.method == "GET" && asked.header("authorization").starts_with("Bearer 00Dxx!"));
            let (fields, of) = soql(&asked.query);
            (asked.path, fields, of)
        })
        .collect();
    for (path, shared) in [("query?", ["Id", "Email", "Title"].as_slice()), ("query/?", &["Id", "Name"])] {
        let theirs = captured("GET", &format!("/services/data/v60.0/{path}"));
        let (at, query) = theirs["target"].as_str().unwrap().split_once('?').unwrap();
        let (fields, of) = soql(query);
        assert!(shared.iter().all(|field| fields.contains(&(*field).to_owned())), "{fields:?}");
        let condition = of.split(" LIMIT ").next().unwrap();
        let ours = asked.iter().find(|(_, _, ours)| ours.starts_with(condition));
        let (path, fields, _) = ours.unwrap_or_else(|| panic!("{condition}: {asked:#?}"));
        assert_eq!(path, at.trim_end_matches('/'));
        assert!(shared.iter().all(|field| fields.contains(&(*field).to_owned())), "{fields:?}");
    }
    settled(&service).await;
    let of_acc_1 = "SELECT count(*) FROM event WHERE account_id = 'acc_1' AND type = 'gtm.deal.upserted'";
    assert_eq!(service.number(of_acc_1).await, 1);
    assert!(!service.refresh("acc_2", Group::Crm).await, "nobody knows it");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handoff_is_written_to_the_deal_and_as_an_activity_as_official_clients_would() {
    let salesforce = Salesforce::start().await;
    let service = handed_over(&salesforce).await;
    assert_eq!(until(&service, "crm/update_deal", "delivered").await["provider"], "salesforce");
    until(&service, "crm/log_activity", "delivered").await;
    let asked = last(&salesforce, "/services/oauth2/token");
    let token = captured("POST", "/services/oauth2/token");
    assert_eq!(String::from_utf8(asked.body.clone()).unwrap(), token["body"].as_str().unwrap());
    assert_eq!(asked.header("content-type"), token["content_type"].as_str().unwrap());
    let deal = last(&salesforce, "/services/data/v60.0/sobjects/Opportunity");
    let theirs = captured("PATCH", "/services/data/v60.0/sobjects/Opportunity");
    assert_eq!((deal.method.as_str(), deal.path.as_str()), ("PATCH", theirs["target"].as_str().unwrap()));
    assert_eq!(deal.header("content-type"), theirs["content_type"].as_str().unwrap());
    assert!(deal.header("authorization").starts_with("Bearer 00Dxx!"));
    assert_eq!(deal.json()["OwnerId"], USER, "by the e-mail address of the settings");
    assert!(deal.json()["GTM_Handoff_Completed_At__c"].as_str().unwrap().ends_with('Z'), "{:?}", deal.json());
    let upsert = last(&salesforce, "/services/data/v60.0/sobjects/Task/GTM_Delivery_Id__c/");
    assert_eq!(upsert.method.as_str(), "PATCH");
    // An upsert is by a field that is unique, and that field stands in the address alone.
    let theirs = captured("PATCH", "/services/data/v60.0/sobjects/Account/External_Id__c/");
    let steps = |target: &str| target.split('/').count();
    assert_eq!(steps(&upsert.path), steps(theirs["target"].as_str().unwrap()));
    assert_eq!(upsert.header("content-type"), theirs["content_type"].as_str().unwrap());
    assert!(
        theirs["body"].get("External_Id__c").is_none() && upsert.json().get("GTM_Delivery_Id__c").is_none()
    );
    let theirs = captured("POST", "/services/data/v60.0/sobjects/Task");
    let own = upsert.json();
    for field in own.as_object().unwrap().keys() {
        assert!(theirs["body"].get(field).is_some(), "{field} is a field of theirs");
    }
    assert_eq!((&own["Status"], &own["WhatId"]), (&json!("Completed"), &json!(DEAL)));
    let user = salesforce.fake.asked().into_iter().find(|asked| asked.query.contains("User")).unwrap();
    assert_eq!(user.path, "/services/data/v60.0/query");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_now_arrives_later_and_what_got_lost_is_not_written_twice() {
    let salesforce = Salesforce::start().await;
    let troubles = [
        ("query", vec![Answer::Text(200, "<html>not what was asked for</html>")]),
        (
            "sobjects/Opportunity",
            vec![
                error(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"),
                error(403, "INSUFFICIENT_ACCESS_OR_READONLY", "not yet"),
                Answer::Broken,
            ],
        ),
        (
            "sobjects/Task",
            vec![
                error(500, "UNKNOWN_EXCEPTION", "an unexpected error"),
                Answer::Text(503, "<html>Down for maintenance</html>"),
                Answer::Silent,
                Answer::Broken,
            ],
        ),
    ];
    for (at, trouble) in troubles {
        salesforce.trouble(at, trouble);
    }
    let service = handed_over(&salesforce).await;
    until(&service, "crm/update_deal", "delivered").await;
    until(&service, "crm/log_activity", "delivered").await;
    assert_eq!(salesforce.records("Task").len(), 1, "an activity is one, whatever was heard of it");
    let bodies: Vec<Vec<u8>> = salesforce
        .writes()
        .into_iter()
        .filter(|asked| asked.path.contains("Task"))
        .map(|asked| asked.body)
        .collect();
    assert!(bodies.windows(2).all(|two| two[0] == two[1]), "the same bytes each time");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ended_is_renewed_and_the_write_goes_on() {
    let salesforce = Salesforce::start().await;
    let service = Service::connected(&salesforce.settings()).await;
    hear(&service, "Account", ACCOUNT).await;
    salesforce.expire();
    hear(&service, "Opportunity", DEAL).await;
    assert!(service.get(ACCOUNT_PATH).await.to_string().contains("Negotiation/Review"));
    assert_eq!(salesforce.fake.asked_at("/services/oauth2/token").len(), 2);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_rest_the_destination_and_say_so() {
    let salesforce = Salesforce::start().await;
    salesforce.refuse();
    let service = handed_over(&salesforce).await;
    let delivery = until(&service, "crm/update_deal", "retrying").await;
    assert!(
        delivery["lastError"].as_str().unwrap().contains("check client_id and client_secret"),
        "{delivery}"
    );
    let due: chrono::DateTime<chrono::Utc> = delivery["dueAt"].as_str().unwrap().parse().unwrap();
    assert!((due - service.now()).num_seconds() > 250, "{delivery}");
    let found = service.post("/v1/connectors/salesforce/check", json!({})).await;
    let token = found["findings"].as_array().unwrap().iter().find(|one| one["what"] == "token").unwrap();
    assert_eq!(token["ok"], false);
    assert!(!found.to_string().contains("csec"), "{found}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn used_up_calls_rest_the_destination_for_an_hour() {
    let spent = error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    for (answer, least) in [(spent, 3_500), (Answer::Limited(120), 110)] {
        let salesforce = Salesforce::start().await;
        salesforce.trouble("", vec![answer.clone(), answer]);
        let service = handed_over(&salesforce).await;
        let delivery = until(&service, "crm/update_deal", "retrying").await;
        assert!(delivery["lastError"].as_str().unwrap().contains("takes no more calls"), "{delivery}");
        let due: chrono::DateTime<chrono::Utc> = delivery["dueAt"].as_str().unwrap().parse().unwrap();
        assert!((due - service.now()).num_seconds() > least, "{delivery}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_succeed_is_dead_at_once_and_says_what_to_do() {
    let missing = error(404, "NOT_FOUND", "The requested resource does not exist");
    let conflict = error(409, "CONFLICT", "somebody else changed it");
    let required = error(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [CloseDate]");
    for (answer, says) in
        [(missing, "deleted there"), (conflict, "Mend the mapping"), (required, "CloseDate")]
    {
        let salesforce = Salesforce::start().await;
        salesforce.trouble("sobjects/Opportunity", vec![answer]);
        let service = handed_over(&salesforce).await;
        let delivery = until(&service, "crm/update_deal", "dead").await;
        assert!(delivery["lastError"].as_str().unwrap().contains(says), "{delivery}");
        assert_eq!(delivery["attempts"], 1, "{delivery}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_custom_fields_activities_are_searched_for_and_deals_wait_for_somebody() {
    let salesforce = Salesforce::start().await;
    salesforce.without_custom_fields();
    let service = handed_over(&salesforce).await;
    let dead = until(&service, "crm/update_deal", "dead").await;
    let said = dead["lastError"].as_str().unwrap();
    assert!(said.contains("No such column") && said.contains("create the field there"), "{said}");
    assert!(said.contains("cannot be made: INSUFFICIENT_ACCESS"), "{said}");
    until(&service, "crm/log_activity", "delivered").await;
    let [task] = salesforce.records("Task").try_into().unwrap();
    // The same again, as after an answer that got lost.
    sqlx::query("UPDATE delivery SET status = 'retrying', due_at = created_at, delivered_at = NULL WHERE destination = 'crm/log_activity'")
        .execute(&service.database.pool)
        .await
        .unwrap();
    until(&service, "crm/log_activity", "delivered").await;
    assert_eq!(salesforce.records("Task"), [task], "it was found");
    let found = service.post("/v1/connectors/salesforce/check", json!({})).await;
    let amiss: Vec<&str> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["ok"] == false)
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert!(amiss.contains(&"field Opportunity.GTM_Handoff_Id__c"), "{amiss:?}");
    assert!(amiss.contains(&"field Task.GTM_Delivery_Id__c"), "{amiss:?}");
    // Once somebody has created them, it goes out.
    salesforce.org.lock().unwrap().create_custom_fields();
    let path = format!("/v1/deliveries/{}/retry", dead["deliveryId"].as_str().unwrap());
    service.post(&path, json!({})).await;
    until(&service, "crm/update_deal", "delivered").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_nobody_has_mapped_is_passed_on_and_reported() {
    let salesforce = Salesforce::start().await;
    let service = Service::connected(&salesforce.settings()).await;
    hear(&service, "Account", ACCOUNT).await;
    salesforce.change("Opportunity", &json!({"StageName": "Legal Review"}));
    hear(&service, "Opportunity", DEAL).await;
    assert!(service.get(ACCOUNT_PATH).await.to_string().contains("Legal Review"), "by its own name");
    let found = service.post("/v1/connectors/salesforce/check", json!({})).await;
    let unknown =
        found["findings"].as_array().unwrap().iter().find(|one| one["what"] == "unknown stage Legal Review");
    assert_eq!(unknown.unwrap()["ok"], false, "{found}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_fields_are_made_where_our_user_may_and_shown_to_it_alone() {
    let salesforce = Salesforce::start().await;
    salesforce.lets_create();
    let service = handed_over(&salesforce).await;
    until(&service, "crm/update_deal", "delivered").await;
    until(&service, "crm/log_activity", "delivered").await;
    let made = salesforce.org.lock().unwrap().made.clone();
    let names: Vec<&str> = made.iter().filter_map(|one| one["FullName"].as_str()).collect();
    assert!(names.contains(&"Opportunity.GTM_Handoff_Completed_At__c"), "{names:?}");
    let completed =
        made.iter().find(|one| one["FullName"] == "Opportunity.GTM_Handoff_Completed_At__c").unwrap();
    assert_eq!(completed["Metadata"]["type"], "DateTime");
    let assigned = made.iter().find(|one| one["AssigneeId"].is_string()).unwrap();
    assert_eq!(assigned["AssigneeId"], USER, "to our own user");
    let shown =
        made.iter().filter(|one| one["Field"].as_str().is_some_and(|name| name.starts_with("Opportunity.")));
    assert_eq!(shown.count(), 5);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_all_well_or_names_what_is_missing() {
    let salesforce = Salesforce::start().await;
    let mut settings = salesforce.settings();
    settings["salesforce"]["client_proof"] = json!("basic");
    let service = Service::connected(&settings).await;
    let found = service.post("/v1/connectors/salesforce/check", json!({})).await;
    assert_eq!(found["ok"], true, "{found}");
    let limits = found["findings"].as_array().unwrap().iter().find(|one| one["what"] == "limits").unwrap();
    assert_eq!(limits["detail"], "18 of 5000 calls of 24 hours are used.");
    settings["salesforce"]["api_version"] = json!("99.0");
    let newer = service.reconnected(&settings).await;
    let found = newer.post("/v1/connectors/salesforce/check", json!({})).await;
    let version =
        found["findings"].as_array().unwrap().iter().find(|one| one["what"] == "api_version").unwrap();
    assert_eq!(version["ok"], false);
    assert!(version["detail"].as_str().unwrap().contains("at most 60.0"), "{version}");
    newer.stop().await;
    service.stop().await;
}
