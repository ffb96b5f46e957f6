//! The calls that are made to HubSpot, one by one: how each fault ends, that nothing is written twice, and that the
//! requests are those of the official client.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use gtm::connectors::inbound::ObjectRef;
use gtm::connectors::source::KnownAccount;
use gtm::connectors::vendor::TroubleKind;
use gtm::connectors::{ConnectorSettings, Registry, Tools};
use gtm::kernel::clock::Clock;
use gtm::platform::outbox::{self, Next, Outgoing, Sender, Sent, Unsent};
use serde_json::{Value, json};

use crate::captures::shapes;
use crate::connect_hubspot::connected_to;
use crate::fakes::hubspot::{Bad, HubSpot};

const DELIVERY: &str = "0193d2a0-7c00-7000-8000-000000000001";

fn registry(settings: &Value) -> (Registry, ConnectorSettings) {
    let settings: ConnectorSettings = serde_json::from_value(settings.clone()).unwrap();
    let client = outbox::client(Duration::from_secs(5)).unwrap();
    let tools = Tools { clock: Clock::System, client };
    (Registry::new(&settings, &tools).unwrap_or_else(|faults| panic!("{faults:?}")), settings)
}

fn sender(settings: &Value, destination: &str) -> Arc<dyn Sender> {
    let (registry, settings) = registry(settings);
    registry.senders(&settings).into_iter().find(|(to, _)| *to == destination).unwrap().1
}

async fn send(settings: &Value, destination: &str, attempts: i32, data: &Value) -> Result<Sent, Unsent> {
    let payload = json!({"type": destination, "timestamp": "2026-01-01T00:00:00Z", "data": data}).to_string();
    let now = Clock::System.now();
    let id = DELIVERY.parse().unwrap();
    let unsure = attempts > 1;
    let outgoing = Outgoing { id, account_id: "512", destination, payload: &payload, attempts, unsure, now };
    sender(settings, destination).send(outgoing).await
}

fn deal_update() -> Value {
    json!({
        "dealId": "900", "accountId": "512", "ownerId": "77", "handoffCompletedAt": "2026-01-01T00:00:00Z",
        "handoffType": "mql_to_sales", "previousOwner": null, "handoffPackageId": "p-1",
    })
}

fn note() -> Value {
    json!({"activityType": "note", "subject": "Handoff", "description": "mql_to_sales", "accountId": "512", "dealId": "900", "ownerId": "77"})
}

async fn portal_with_deal() -> HubSpot {
    let portal = HubSpot::start().await;
    portal.put("companies", "512", &json!({"name": "Acme", "domain": "acme.com"}), &json!({}));
    portal.put("contacts", "1", &json!({"email": "ann@acme.com"}), &json!({"companies": ["512"]}));
    portal.put("contacts", "2", &json!({"email": "bob@acme.com"}), &json!({"companies": ["512"]}));
    portal.put("deals", "900", &json!({"dealstage": "contractsent"}), &json!({"companies": ["512"]}));
    let ours = [
        "gtm_handoff_completed_at",
        "gtm_handoff_undone_at",
        "gtm_handoff_type",
        "gtm_previous_owner",
        "gtm_handoff_package_id",
    ];
    portal.portal().properties.get_mut("deals").unwrap().extend(ours.map(str::to_owned));
    portal.portal().properties.get_mut("notes").unwrap().insert("gtm_delivery_id".to_owned());
    portal
}

fn error(message: &str) -> Value {
    json!({"status": "error", "message": message, "correlationId": "c-9"})
}

#[tokio::test]
async fn each_fault_of_a_write_ends_as_the_table_says() {
    let portal = portal_with_deal().await;
    let settings = connected_to(&portal);
    let (minutes, seconds) = (TimeDelta::minutes, TimeDelta::seconds);
    let scopes = json!({"message": "scopes", "errors": [{"context": {"requiredGranularScopes": ["crm.objects.deals.write"]}}]});
    let daily = json!({"message": "You have reached your daily limit.", "policyName": "DAILY"});
    let secondly = json!({"message": "You have reached your secondly limit.", "policyName": "SECONDLY"});
    let rolling = json!({"message": "limit", "policyName": "TEN_SECONDLY_ROLLING"});
    let cases = [
        (Bad::Answer(400, "", error("bad value")), Next::Never, "bad value"),
        (Bad::Answer(401, "", error("expired")), Next::Rest(minutes(5)), "new token"),
        (Bad::Answer(403, "", scopes), Next::Planned, "crm.objects.deals.write"),
        (Bad::Answer(404, "", error("no deal")), Next::Never, "deleted there"),
        (Bad::Answer(409, "", error("conflict")), Next::Never, "conflict"),
        (Bad::Answer(422, "", error("unprocessable")), Next::Never, "unprocessable"),
        (Bad::Answer(423, "", error("locked")), Next::Rest(seconds(2)), "locked"),
        (Bad::Answer(429, "", daily), Next::Rest(minutes(60)), "daily"),
        (Bad::Answer(429, "", secondly), Next::Rest(seconds(1)), "secondly"),
        (Bad::Answer(429, "", rolling.clone()), Next::Rest(seconds(10)), "limit"),
        (Bad::Answer(429, "retry-after: 33\r\n", rolling), Next::Rest(seconds(33)), "limit"),
        (Bad::Answer(477, "retry-after: 86400\r\n", error("moving")), Next::Rest(minutes(24 * 60)), "moving"),
        (Bad::Answer(500, "", json!("<html>")), Next::Planned, "<html>"),
        (Bad::Answer(503, "retry-after: 7\r\n", error("busy")), Next::After(seconds(7)), "busy"),
        (Bad::Answer(200, "", json!("<html>")), Next::Planned, "answered what cannot be read"),
        (Bad::Reset, Next::Planned, "could not be reached"),
        (Bad::Silence, Next::Planned, "no answer in time"),
    ];
    for (bad, next, told) in cases {
        portal.fail("PATCH", "/deals/900", bad.clone());
        let mut settings = settings.clone();
        settings["hubspot"]["timeout_ms"] = json!(if matches!(bad, Bad::Silence) { 200 } else { 5_000 });
        let unsent = send(&settings, "crm/update_deal", 1, &deal_update()).await.unwrap_err();
        assert_eq!(unsent.next, next, "{bad:?}: {unsent:?}");
        assert!(unsent.error.contains(told), "{bad:?}: {}", unsent.error);
        assert!(!unsent.error.contains("pat-na1"), "no token in {}", unsent.error);
    }
    assert_eq!(send(&settings, "crm/update_deal", 2, &deal_update()).await, Ok(Sent::of(200)));
}

#[tokio::test]
async fn a_deal_that_cannot_be_written_says_what_to_do() {
    let portal = portal_with_deal().await;
    let settings = connected_to(&portal);
    let mut foreign = deal_update();
    foreign["dealId"] = json!("opp-1");
    let unsent = send(&settings, "crm/update_deal", 1, &foreign).await.unwrap_err();
    assert_eq!(unsent.next, Next::Never);
    assert!(unsent.error.contains("`opp-1` is not HubSpot's"), "{}", unsent.error);

    // A rep who is nobody there: everything else is written, and the rest is said.
    let mut stranger = deal_update();
    stranger["ownerId"] = json!("ada");
    stranger["ownerEmail"] = json!("ada@seller.com");
    let unsent = send(&settings, "crm/update_deal", 1, &stranger).await.unwrap_err();
    assert_eq!(unsent.next, Next::Never);
    assert!(
        unsent.error.contains("connectors.hubspot.owners") && unsent.error.contains("ada@seller.com"),
        "{}",
        unsent.error
    );
    let written = portal.portal().objects[&("deals".to_owned(), "900".to_owned())]["properties"].clone();
    assert_eq!(written["gtm_handoff_package_id"], "p-1");
    let mut left_alone = settings.clone();
    left_alone["hubspot"]["set_owner"] = json!(false);
    assert!(send(&left_alone, "crm/update_deal", 2, &stranger).await.is_ok());
    let mut mapped = settings.clone();
    mapped["hubspot"]["owners"] = json!({"4711": "ada"});
    assert!(send(&mapped, "crm/update_deal", 2, &stranger).await.is_ok());
    let written = portal.portal().objects[&("deals".to_owned(), "900".to_owned())]["properties"].clone();
    assert_eq!(written["hubspot_owner_id"], "4711");

    // What was handed over and taken back is no longer completed.
    let undone = json!({"dealId": "900", "handoffType": "mql_to_sales", "handoffPackageId": "p-1", "handoffUndoneAt": "2026-01-02T00:00:00Z"});
    send(&settings, "crm/update_deal", 1, &undone).await.unwrap();
    let written = portal.portal().objects[&("deals".to_owned(), "900".to_owned())]["properties"].clone();
    assert_eq!(
        (&written["gtm_handoff_completed_at"], &written["gtm_handoff_undone_at"]),
        (&json!(""), &json!("2026-01-02T00:00:00Z"))
    );
}

#[tokio::test]
async fn missing_properties_that_may_not_be_made_are_named() {
    let portal = HubSpot::start().await;
    portal.put("deals", "900", &json!({}), &json!({}));
    portal.fail("POST", "/properties/deals", Bad::Answer(409, "", error("group already exists")));
    portal.fail("POST", "/properties/deals", Bad::Answer(403, "", error("not allowed")));
    let unsent = send(&connected_to(&portal), "crm/update_deal", 1, &deal_update()).await.unwrap_err();
    assert!(
        unsent.error.contains("gtm_handoff_completed_at is missing and cannot be made"),
        "{}",
        unsent.error
    );
    assert_eq!(unsent.next, Next::Planned);
}

#[tokio::test]
async fn a_note_whose_answer_was_lost_is_found_and_not_written_again() {
    let portal = portal_with_deal().await;
    let mut settings = connected_to(&portal);
    portal.fail("POST", "/objects/notes", Bad::DoneThenReset);
    settings["hubspot"]["search_lag_secs"] = json!(30);
    let unsent = send(&settings, "crm/log_activity", 1, &note()).await.unwrap_err();
    assert_eq!(unsent.next, Next::After(TimeDelta::seconds(30)), "search has to see it first");
    assert_eq!(send(&settings, "crm/log_activity", 2, &note()).await, Ok(Sent::of(200)));
    assert_eq!(portal.notes().len(), 1);
    assert_eq!(portal.notes()[0]["properties"]["gtm_delivery_id"], DELIVERY);

    // One that never arrived is written by the second attempt.
    let other = portal_with_deal().await;
    let settings = connected_to(&other);
    other.fail("POST", "/objects/notes", Bad::Reset);
    assert!(send(&settings, "crm/log_activity", 1, &note()).await.is_err());
    assert_eq!(send(&settings, "crm/log_activity", 2, &note()).await, Ok(Sent::of(201)));
    assert_eq!(other.notes().len(), 1);
    let mut lost = note();
    lost["dealId"] = Value::Null;
    let mut by_property = settings.clone();
    by_property["hubspot"]["account_id_property"] = json!("name");
    let unsent = send(&by_property, "crm/log_activity", 1, &lost).await.unwrap_err();
    assert!(unsent.next == Next::Never && unsent.error.contains("account_id_property"), "{}", unsent.error);
}

#[tokio::test]
async fn an_account_is_read_whole_and_ends_fresh() {
    let portal = portal_with_deal().await;
    portal.portal().stages =
        vec![json!({"id": "contractsent", "label": "Contract Sent", "metadata": {"probability": "0.9"}})];
    let (registry, _) = registry(&connected_to(&portal));
    let source = registry.get("hubspot").unwrap().source.clone().unwrap();
    let types = |sayings: &[gtm::connectors::inbound::Saying]| -> Vec<&'static str> {
        sayings.iter().map(|saying| saying.event_type).collect()
    };
    let by_id = KnownAccount { account_id: "512".to_owned(), domain: None };
    let sayings = source.account(&by_id).await.unwrap();
    assert_eq!(
        types(&sayings),
        [
            "gtm.account.upserted",
            "gtm.contact.upserted",
            "gtm.contact.upserted",
            "gtm.deal.upserted",
            "gtm.source.synced"
        ]
    );
    let object = ObjectRef { object: "contacts".to_owned(), id: "1".to_owned() };
    let alone = source.object(&object).await.unwrap();
    assert_eq!(alone[0], sayings[1], "the same statement, whichever way it was read");
    let object = ObjectRef { object: "companies".to_owned(), id: "512".to_owned() };
    let alone = source.object(&object).await.unwrap();
    assert!(!types(&alone).contains(&"gtm.source.synced"), "one object does not make the account fresh");
    // Another account with the company's domain: the same facts, said of it.
    let by_domain = KnownAccount { account_id: "acc_1".to_owned(), domain: Some("acme.com".to_owned()) };
    let sayings = source.account(&by_domain).await.unwrap();
    assert!(sayings.iter().all(|saying| saying.subject.as_deref() == Some("acc_1")), "{sayings:?}");
    let unknown = KnownAccount { account_id: "acc_2".to_owned(), domain: None };
    assert_eq!(types(&source.account(&unknown).await.unwrap()), ["gtm.source.synced"]);

    let gone = ObjectRef { object: "deals".to_owned(), id: "901".to_owned() };
    assert_eq!(source.object(&gone).await.unwrap(), [], "gone without a trace: nothing to say");
    portal.fail("GET", "/deals/900", Bad::Answer(403, "", error("no")));
    let deal = ObjectRef { object: "deals".to_owned(), id: "900".to_owned() };
    assert_eq!(source.object(&deal).await.unwrap_err().kind, TroubleKind::Forbidden);
    portal.fail("GET", "/pipelines", Bad::Answer(403, "", error("no")));
    assert_eq!(registry_deal(&portal, &deal).await, "contractsent", "a stage is said without its pipeline");
}

async fn registry_deal(portal: &HubSpot, deal: &ObjectRef) -> String {
    let (registry, _) = registry(&connected_to(portal));
    let sayings = registry.get("hubspot").unwrap().source.clone().unwrap().object(deal).await.unwrap();
    sayings[0].data["stage"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_check_names_everything_that_is_missing() {
    let portal = HubSpot::start().await;
    portal.portal().scopes = Some(vec!["crm.objects.companies.read", "crm.objects.deals.write"]);
    portal.fail("GET", "/owners", Bad::Answer(403, "", error("no owners")));
    let (registry, _) = registry(&connected_to(&portal));
    let findings = registry.get("hubspot").unwrap().check.clone().unwrap().check().await;
    let of = |what: &str| {
        findings.iter().find(|one| one.what == what).unwrap_or_else(|| panic!("{what}: {findings:#?}"))
    };
    assert!(of("webhooks").ok && of("token").ok && of("scope crm.objects.deals.write").ok);
    assert!(of("token").detail.contains("33"));
    let missing = of("scope crm.schemas.deals.write");
    assert!(!missing.ok && missing.detail.contains("add it in HubSpot"), "{missing:?}");
    assert!(
        !of("owners").ok
            && !of("property gtm_handoff_type of deals").ok
            && !of("property gtm_delivery_id of notes").ok
    );
    assert!(of("mapping of companies").ok);
    let mapping = of("mapping of deals");
    assert!(!mapping.ok && mapping.detail.contains("fit"), "{mapping:?}");

    // A token that HubSpot says nothing about is tried by reads; a refused one ends the check.
    portal.portal().scopes = None;
    portal.fail("GET", "/objects/deals", Bad::Answer(403, "", error("no deals")));
    let (registry, _) = self::registry(&connected_to(&portal));
    let findings = registry.get("hubspot").unwrap().check.clone().unwrap().check().await;
    let deals = findings.iter().find(|one| one.what == "scope crm.objects.deals.read").unwrap();
    assert!(!deals.ok && findings.iter().any(|one| one.what == "scope crm.objects.companies.read" && one.ok));
    let mut refused = connected_to(&portal);
    refused["hubspot"]["token"] = json!("pat-na1-wrong");
    refused["hubspot"]["public_url"] = json!("http://example.com/v1/webhooks/hubspot");
    let (registry, _) = self::registry(&refused);
    let findings = registry.get("hubspot").unwrap().check.clone().unwrap().check().await;
    assert_eq!(
        findings.iter().map(|one| (one.what.as_str(), one.ok)).collect::<Vec<_>>(),
        [("webhooks", false), ("token", false)]
    );
    assert!(
        findings[1].detail.contains("new token") && !findings[1].detail.contains("pat-na1"),
        "{}",
        findings[1].detail
    );
}

/// The requests of the official client, by name.
fn captured(name: &str) -> Value {
    crate::captures::captured(include_str!("../fixtures/hubspot/requests.json"), name)
}

#[tokio::test]
async fn requests_are_those_of_the_official_client() {
    let portal = portal_with_deal().await;
    portal.portal().owners = vec![json!({"id": "77", "email": "rep@example.com"})];
    let mut settings = connected_to(&portal);
    settings["hubspot"]["owners"] = json!({"someone@example.com": "someone"});
    let (registry, _) = registry(&settings);
    let source = registry.get("hubspot").unwrap().source.clone().unwrap();
    portal.put(
        "deals",
        "900",
        &json!({"dealstage": "x", "hubspot_owner_id": "77"}),
        &json!({"companies": ["512"]}),
    );
    let object = |object: &str, id: &str| ObjectRef { object: object.to_owned(), id: id.to_owned() };
    source.object(&object("companies", "512")).await.unwrap();
    source.object(&object("deals", "900")).await.unwrap();
    let known = KnownAccount { account_id: "acc".to_owned(), domain: Some("acme.com".to_owned()) };
    source.account(&known).await.unwrap();
    let mut update = deal_update();
    update["ownerId"] = json!("rep");
    update["ownerEmail"] = json!("rep@example.com");
    portal.portal().properties.get_mut("deals").unwrap().remove("gtm_handoff_type");
    send(&settings, "crm/update_deal", 1, &update).await.unwrap();
    send(&settings, "crm/log_activity", 1, &note()).await.unwrap();

    let of = |name: &str, method: &str, path: &str| {
        let captured = captured(name);
        let target =
            reqwest::Url::parse(&format!("http://h{}", captured["target"].as_str().unwrap())).unwrap();
        assert_eq!(captured["method"], method, "{name}");
        let seen = portal.seen(method, path).into_iter().find(|seen| seen.path == target.path());
        let seen = seen.unwrap_or_else(|| panic!("{name}: no {method} {}", target.path()));
        assert!(seen.authorised, "{name}");
        let wanted: Vec<(String, String)> = target.query_pairs().into_owned().collect();
        (seen, wanted, captured["body"].clone())
    };
    // Bodies have the same members of the same types.
    for (name, method, path) in [
        ("company_search", "POST", "/companies/search"),
        ("contacts_batch", "POST", "/contacts/batch/read"),
        ("deal_update", "PATCH", "/deals/900"),
        ("note_create", "POST", "/objects/notes"),
    ] {
        let (seen, _, body) = of(name, method, path);
        assert_eq!(shapes(&seen.body), shapes(&body), "{name}: {}", seen.body);
    }
    // Queries are the same, whatever properties are asked for.
    for (name, path) in [
        ("company", "/companies/512"),
        ("company_contacts", "/associations/contacts"),
        ("owner_by_email", "/owners"),
        ("owner_by_id", "/owners/77"),
        ("pipelines", "/pipelines/deals"),
    ] {
        let (seen, wanted, _) = of(name, "GET", path);
        let keep = |query: &[(String, String)]| -> Vec<(String, String)> {
            query
                .iter()
                .filter(|(key, _)| !["properties", "associations"].contains(&key.as_str()))
                .cloned()
                .collect()
        };
        assert_eq!(keep(&seen.query), keep(&wanted), "{name}");
        let repeats =
            |query: &[(String, String)]| query.iter().filter(|(key, _)| key == "properties").count() > 1;
        assert_eq!(repeats(&seen.query), repeats(&wanted), "{name}: properties repeat the key");
    }
    // Properties and groups are made for deals here and for companies there.
    let made = portal.seen("POST", "/properties/deals");
    let group = captured("group_create")["body"].clone();
    assert_eq!((made[0].path.as_str(), &made[0].body), ("/crm/v3/properties/deals/groups", &group));
    let members = |body: &Value| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let wanted: Vec<String> =
        members(&captured("property_create")["body"]).into_iter().filter(|key| key != "options").collect();
    let ours: Vec<String> = members(&made[1].body).into_iter().filter(|key| key != "description").collect();
    assert_eq!(ours, wanted);
}
