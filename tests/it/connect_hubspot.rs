//! HubSpot from end to end: what it says becomes facts once, what happens to handoffs is written to it once, and
//! whatever goes wrong there ends as the fault table of its documentation says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fakes::hubspot::{Bad, HubSpot, TOKEN};
use crate::harness::Service;

pub const SECRET: &str = "client-secret";
const PUBLIC_URL: &str = "https://example.com/v1/webhooks/hubspot";

/// A connection to a portal, as `[connectors]` has it.
pub fn connected_to(portal: &HubSpot) -> Value {
    json!({ "hubspot": {
        "token": TOKEN, "client_secret": SECRET, "public_url": PUBLIC_URL, "base_url": portal.url(),
        "calls_per_second": 1_000.0, "burst": 100, "search_lag_secs": 0, "timeout_ms": 2_000,
        "fields": { "deals": {
            "qualification.score": "fit", "qualification.framework": "framework", "qualification.painPoints": "pains",
        } },
    } })
}

/// A company with a person and an open, qualified deal.
fn acme(portal: &HubSpot) {
    portal.put(
        "companies",
        "512",
        &json!({"name": "Acme", "domain": "acme.com", "numberofemployees": "300", "lifecyclestage": "opportunity"}),
        &json!({}),
    );
    let person =
        json!({"firstname": "Ann", "lastname": "Lee", "jobtitle": "VP Finance", "email": "ann@acme.com"});
    portal.put("contacts", "7", &person, &json!({"companies": ["512"]}));
    let deal = json!({
        "dealname": "Rollout", "dealstage": "contractsent", "amount": "48000.00", "deal_currency_code": "USD",
        "hs_analytics_source": "webinar", "fit": "82", "framework": "BANT", "pains": "Slow month end",
    });
    portal.put("deals", "900", &deal, &json!({"companies": ["512"]}));
}

/// A signed webhook: signature, time stamp and body.
fn signed(service: &Service, secret: &str, age_ms: i64, events: &Value) -> [String; 3] {
    let body = events.to_string();
    let timestamp = (service.now().timestamp_millis() - age_ms).to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("POST{PUBLIC_URL}{body}{timestamp}").as_bytes());
    [STANDARD.encode(mac.finalize().into_bytes()), timestamp, body]
}

/// Sends a signed webhook and gives the status of the answer.
pub async fn webhook(service: &Service, secret: &str, age_ms: i64, events: &Value) -> u16 {
    send(service, signed(service, secret, age_ms, events)).await
}

async fn send(service: &Service, [signature, timestamp, body]: [String; 3]) -> u16 {
    let answer = service
        .http
        .post(service.url("/v1/webhooks/hubspot"))
        .header("x-hubspot-signature-v3", signature)
        .header("x-hubspot-request-timestamp", timestamp)
        .body(body)
        .send()
        .await
        .unwrap();
    answer.status().as_u16()
}

pub fn change(kind: &str, id: u64) -> Value {
    json!({"eventId": 1, "subscriptionId": 25, "portalId": 33, "occurredAt": 1_462_216_307_945_i64, "attemptNumber": 0,
        "subscriptionType": kind, "objectId": id, "propertyName": "name", "propertyValue": "stale"})
}

/// Has everything that waits for a system tried at once, until `done`.
async fn hurry(service: &Service, done: &'static str) {
    while service.number(done).await == 0 {
        for table in [
            "UPDATE job SET due_at = now() WHERE due_at > now() AND kind LIKE 'connector%'",
            "UPDATE delivery SET due_at = now() WHERE due_at > now()",
        ] {
            sqlx::query(table).execute(&service.database.pool).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

const NOTHING_TO_FETCH: &str = "SELECT (count(*) = 0)::int::bigint FROM job WHERE kind LIKE 'connector%'";
const DELIVERED: &str = "SELECT (count(*) FILTER (WHERE status = 'delivered' AND destination LIKE 'crm/%') = 2)::int::bigint \
                         FROM delivery";

/// The account as soon as it holds a text.
async fn account_with(service: &Service, id: &str, text: &str) -> Value {
    loop {
        let answer = service.request(Method::GET, &format!("/v1/accounts/{id}")).send().await.unwrap();
        let account: Value = answer.json().await.unwrap();
        if account.to_string().contains(text) {
            return account;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_read_once_over_limits_faults_and_broken_connections() {
    let portal = HubSpot::start().await;
    for id in 101..106 {
        let name = format!("Company {id}");
        portal.put(
            "companies",
            &id.to_string(),
            &json!({ "name": name, "lifecyclestage": "lead" }),
            &json!({}),
        );
    }
    acme(&portal);
    portal.portal().page = 2;
    let limited = json!({"status": "error", "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"});
    let objects = "/objects/companies";
    portal.fail("GET", objects, Bad::Answer(429, "", limited));
    portal.fail("GET", objects, Bad::Answer(503, "retry-after: 1\r\n", json!("<html>busy</html>")));
    portal.fail("GET", objects, Bad::Reset);
    portal.fail("GET", objects, Bad::Answer(200, "", json!("{\"results\": [{\"id\"")));
    portal.fail("GET", "/objects/contacts", Bad::DoneThenReset);
    portal.fail("GET", "/objects/deals", Bad::Answer(401, "", json!({"message": "expired"})));

    let service = Service::connected(&connected_to(&portal)).await;
    service.send(Method::POST, "/v1/connectors/hubspot/sync", None, 202).await;
    hurry(&service, "SELECT (count(*) = 3)::int::bigint FROM sync_progress WHERE finished_at IS NOT NULL")
        .await;
    hurry(&service, NOTHING_TO_FETCH).await;
    let listed = service.get("/v1/connectors").await;
    let syncs = listed["data"][0]["syncs"].as_array().unwrap();
    let counts = |object: &str| {
        let sync = syncs.iter().find(|sync| sync["object"] == object).unwrap();
        (sync["objects"].as_u64(), sync["total"].as_u64())
    };
    assert_eq!(
        (counts("companies"), counts("deals")),
        ((Some(6), Some(6)), (Some(1), Some(1))),
        "{listed:#}"
    );
    assert_eq!(listed["data"][0]["quotas"]["day"], json!({"used": 250, "limit": 1000}));
    let pages: Vec<Option<String>> =
        portal.seen("GET", objects).iter().map(|seen| seen.query("after").map(str::to_owned)).collect();
    let goes_on = [None, None, None, None, None, Some("102"), Some("104")];
    assert_eq!(pages, goes_on.map(|after| after.map(str::to_owned)), "a page that failed is asked for again");
    let account = account_with(&service, "512", "ann@acme.com").await;
    for fact in ["\"Acme\"", "\"900\"", "contractsent", "opportunity"] {
        assert!(account.to_string().contains(fact), "{fact} in {account:#}");
    }

    let events = service
        .number("SELECT count(*) FROM event WHERE source = 'hubspot' AND event_id NOT LIKE 'synced/%'")
        .await;
    service.send(Method::POST, "/v1/connectors/hubspot/sync", None, 202).await;
    hurry(&service, NOTHING_TO_FETCH).await;
    assert_eq!(
        service
            .number("SELECT count(*) FROM event WHERE source = 'hubspot' AND event_id NOT LIKE 'synced/%'")
            .await,
        events,
        "what was read again was known"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_leads_to_the_facts_of_its_object_and_to_nothing_it_says_itself() {
    let portal = HubSpot::start().await;
    acme(&portal);
    let service = Service::connected(&connected_to(&portal)).await;
    let events = json!([
        change("deal.propertyChange", 900),
        change("company.creation", 512),
        change("contact.propertyChange", 7),
        change("deal.creation", 900),
        change("ticket.creation", 1),
    ]);
    assert_eq!(webhook(&service, "other", 0, &events).await, 401);
    assert_eq!(webhook(&service, SECRET, 301_000, &events).await, 401, "replayed too late");
    assert_eq!(service.number("SELECT count(*) FROM received").await, 0);
    // The first look at the deal breaks off; the calls come twice.
    portal.fail("GET", "/deals/900", Bad::Reset);
    for _ in 0..2 {
        assert_eq!(webhook(&service, SECRET, 0, &events).await, 200);
    }
    service.until_read().await;
    assert_eq!(service.number("SELECT sum(ignored) FROM received").await, 2);
    hurry(&service, NOTHING_TO_FETCH).await;
    let account = account_with(&service, "512", "contractsent").await.to_string();
    assert!(
        account.contains("Acme") && account.contains("ann@acme.com") && !account.contains("stale"),
        "{account}"
    );

    // Deleted there: looked for among the deleted, and open no more.
    portal.portal().objects.get_mut(&("deals".to_owned(), "900".to_owned())).unwrap()["archived"] =
        json!(true);
    assert_eq!(webhook(&service, SECRET, 0, &json!([change("deal.deletion", 900)])).await, 200);
    service.until_read().await;
    hurry(&service, NOTHING_TO_FETCH).await;
    let archived =
        portal.seen("GET", "/deals/900").into_iter().filter(|seen| seen.query("archived").is_some());
    assert_eq!(archived.count(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_person_is_dead_visible_and_read_again_when_asked() {
    let portal = HubSpot::start().await;
    acme(&portal);
    let mut without_token = connected_to(&portal);
    without_token["hubspot"].as_object_mut().unwrap().remove("token");
    let service = Service::connected(&without_token).await;
    assert_eq!(webhook(&service, SECRET, 0, &json!([change("company.propertyChange", 512)])).await, 200);
    service.until_read().await;
    let dead = service.get("/v1/dead-letters/received").await;
    let detail = dead["data"][0]["faults"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("connectors.hubspot.token"), "{detail}");
    let mended = service.reconnected(&connected_to(&portal)).await;
    service.stop().await;
    mended.post("/v1/dead-letters/received/retry", json!({"connector": "hubspot", "dryRun": false})).await;
    account_with(&mended, "512", "Acme").await;
    mended.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handoff_is_written_to_its_deal_and_noted_once() {
    let portal = HubSpot::start().await;
    acme(&portal);
    portal.portal().owners =
        vec![json!({"id": "77", "type": "PERSON", "email": "ada@seller.com", "archived": false})];
    let service = Service::connected(&connected_to(&portal)).await;
    assert_eq!(
        webhook(
            &service,
            SECRET,
            0,
            &json!([
                change("company.creation", 512),
                change("contact.creation", 7),
                change("deal.creation", 900),
            ])
        )
        .await,
        200
    );
    account_with(&service, "512", "ann@acme.com").await;
    account_with(&service, "512", "contractsent").await;
    let teams = ["sales", "customer_success", "partner", "marketing"].map(|id| json!({ "id": id }));
    let ada = json!({"id": "ada", "name": "Ada Smith", "email": "ada@seller.com", "team": "sales"});
    let roster = json!({"roster": {"teams": teams, "reps": [ada]}});
    service.send(Method::POST, "/v1/roster/import", Some(roster), 200).await;
    // The note is written and its answer lost; the deal is busy at first.
    portal.fail("PATCH", "/deals/900", Bad::Answer(423, "", json!({"message": "locked"})));
    portal.fail("POST", "/objects/notes", Bad::DoneThenReset);
    let body = json!({"handoffType": "mql_to_sales", "accountId": "512", "dealId": "900"});
    let handoff = service.send(Method::POST, "/v1/handoffs", Some(body), 201).await;
    assert_eq!(handoff["status"], "assigned", "{handoff:#}");
    hurry(&service, DELIVERED).await;

    let deal = portal.portal().objects[&("deals".to_owned(), "900".to_owned())]["properties"].clone();
    assert_eq!(deal["gtm_handoff_package_id"], handoff["handoffId"]);
    assert_eq!(
        (&deal["gtm_handoff_type"], &deal["hubspot_owner_id"]),
        (&json!("mql_to_sales"), &json!("77"))
    );
    assert!(deal["gtm_handoff_completed_at"].as_str().unwrap().starts_with("20"), "{deal}");
    assert_eq!(portal.seen("POST", "/properties/deals").len(), 6, "the group and five properties, made once");
    let [note] = portal.notes().try_into().unwrap();
    assert_eq!(note["properties"]["hubspot_owner_id"], "77");
    assert_eq!(note["sent"][0]["to"]["id"], "512");
    assert!(note["properties"]["hs_note_body"].as_str().unwrap().contains("mql_to_sales"), "{note}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_identical_call_sent_again_changes_nothing() {
    let portal = HubSpot::start().await;
    acme(&portal);
    let service = Service::connected(&connected_to(&portal)).await;
    let events = json!([change("company.creation", 512), change("deal.propertyChange", 900)]);
    let call = signed(&service, SECRET, 0, &events);
    assert_eq!(send(&service, call.clone()).await, 200);
    service.until_read().await;
    hurry(&service, NOTHING_TO_FETCH).await;
    account_with(&service, "512", "contractsent").await;
    service.until_applied().await;
    let told = "SELECT count(*) FROM event WHERE event_id NOT LIKE 'synced/%'";
    let (before, known) = (service.get("/v1/accounts/512").await, service.number(told).await);
    for _ in 0..2 {
        assert_eq!(send(&service, call.clone()).await, 200, "the same bytes under the same signature");
        service.until_read().await;
        hurry(&service, NOTHING_TO_FETCH).await;
    }
    service.until_applied().await;
    assert_eq!(service.number(told).await, known, "nothing was said that was not known");
    assert_eq!(service.get("/v1/accounts/512").await["state"], before["state"]);
    assert_eq!(service.number("SELECT count(*) FROM received WHERE status = 'dead'").await, 0);
    // Under a changed body or time the signature is none.
    for at in [1, 2] {
        let mut other = call.clone();
        other[at].push(if at == 1 { '1' } else { ' ' });
        assert_eq!(send(&service, other).await, 401);
    }
    service.stop().await;
}
