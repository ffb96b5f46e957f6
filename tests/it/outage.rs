//! Three days: a CRM that is away, and a service that is away. Nothing is lost, nothing is doubled, and what was kept back
//! goes out in order, hot accounts first, within the limits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use gtm::connectors::{ConnectorSettings, Registry, Tools};
use gtm::kernel::clock::Clock;
use gtm::platform::outbox::{self, Cause, NewEffect, Outbox, OutboxSettings};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::connect_hubspot::{SECRET, change, connected_to, webhook};
use crate::fakes::hubspot::{HubSpot, TOKEN};
use crate::fakes::server::{Answer, Fake};
use crate::harness::Service;

const ACCOUNTS: usize = 40;
/// Every so many accounts is a hot one.
const HOT: usize = 10;
/// Changes of each account over the outage.
const CHANGES: usize = 5;
/// Attempts side by side to one destination.
const SIDE_BY_SIDE: usize = 8;

/// A CRM that is away as long as `away` holds, and notes what it was told of which deal.
struct Crm {
    fake: Fake,
    away: Arc<AtomicBool>,
    told: Arc<Mutex<Vec<(String, String)>>>,
}

impl Crm {
    async fn start() -> Self {
        let (away, told) = (Arc::new(AtomicBool::new(true)), Arc::<Mutex<Vec<_>>>::default());
        let (gone, kept, limited) = (away.clone(), told.clone(), AtomicUsize::new(0));
        let fake = Fake::start(move |asked, _| {
            if gone.load(Ordering::Relaxed) {
                // However it is away: an error, a broken connection, nonsense.
                return match asked.body.len() % 3 {
                    0 => Answer::Text(503, "<html>Down for maintenance</html>"),
                    1 => Answer::Broken,
                    _ => Answer::Text(200, "<html>Sorry</html>"),
                };
            }
            // While everybody catches up it takes no more calls now and then.
            if limited.fetch_add(1, Ordering::Relaxed) % 50 == 49 {
                return Answer::Limited(10);
            }
            let deal = asked.path.rsplit('/').next().unwrap().to_owned();
            let said = asked.json()["properties"]["gtm_handoff_type"].as_str().unwrap().to_owned();
            kept.lock().unwrap().push((deal, said));
            Answer::Json(200, json!({"id": "1"}))
        })
        .await;
        Self { fake, away, told }
    }

    /// An outbox that writes to it, driven by hand on the service's clock.
    fn outbox(&self, service: &Service, settings: OutboxSettings) -> Outbox {
        let connectors = json!({"hubspot": {
            "token": TOKEN, "base_url": self.fake.url(""), "calls_per_second": 10_000.0, "burst": 100,
        }});
        let connectors: ConnectorSettings = serde_json::from_value(connectors).unwrap();
        let client = outbox::client(Duration::from_secs(5)).unwrap();
        let clock = clock(service);
        let registry = Registry::new(&connectors, &Tools { clock: clock.clone(), client }).unwrap();
        let senders = registry.senders(&connectors);
        Outbox::new(service.database.pool.clone(), clock, settings, senders).unwrap()
    }
}

fn clock(service: &Service) -> Clock {
    service.running.app.platform.clock.clone()
}

/// Moves time on.
fn pass(service: &Service, by: TimeDelta) {
    clock(service).advance_to(service.now() + by);
}

/// Writes that the deal of an account was handed over, for the n-th time.
async fn hand_over(service: &Service, account: usize, n: usize) {
    let data = json!({"dealId": format!("{}", 9_000 + account), "handoffType": format!("{n}")});
    let cause = Cause::Entry {
        account_id: format!("acc_{account}"),
        handoff_id: Uuid::now_v7(),
        entry_id: Uuid::now_v7(),
    };
    let effect =
        NewEffect::new(cause, "crm/update_deal", &data, service.now()).hot(account.is_multiple_of(HOT));
    let mut conn = service.database.pool.acquire().await.unwrap();
    outbox::enqueue(&mut conn, &[effect], service.now()).await.unwrap();
}

/// Sends what is due until nothing is.
async fn send_all(outbox: &Outbox) {
    while outbox.step().await.unwrap() > 0 {}
}

/// Checks that every deal was told everything, once and in order.
fn everything_once_and_in_order(told: &[(String, String)]) {
    let mut by_deal: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (deal, said) in told {
        by_deal.entry(deal).or_default().push(said);
    }
    assert_eq!(by_deal.len(), ACCOUNTS);
    let wanted: Vec<String> = (0..CHANGES).map(|n| n.to_string()).collect();
    for (deal, said) in by_deal {
        assert_eq!(said, wanted, "deal {deal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_that_is_away_for_three_days_is_told_everything_once_in_order_and_of_hot_accounts_first() {
    let (service, crm) = (Service::sandbox().await, Crm::start().await);
    let settings = OutboxSettings { concurrency: SIDE_BY_SIDE, ..OutboxSettings::default() };
    let outbox = crm.outbox(&service, settings.clone());
    let began = service.now();
    let steps = 3 * 24 * 2;
    for step in 0..steps {
        // Each account changes five times, spread over the days.
        for account in 0..ACCOUNTS {
            let every = steps / CHANGES;
            if step % every == account % every && step / every < CHANGES {
                hand_over(&service, account, step / every).await;
            }
        }
        send_all(&outbox).await;
        pass(&service, TimeDelta::minutes(30));
    }
    assert_eq!(service.now() - began, TimeDelta::days(3));
    let all = i64::try_from(ACCOUNTS * CHANGES).unwrap();
    assert_eq!(
        service.number("SELECT count(*) FROM delivery WHERE destination = 'crm/update_deal'").await,
        all
    );
    assert_eq!(
        service.number("SELECT count(*) FROM delivery WHERE status = 'dead'").await,
        0,
        "nothing is lost"
    );
    assert!(crm.told.lock().unwrap().is_empty());

    // It is back; one more change comes in meanwhile, and the service starts anew.
    crm.away.store(false, Ordering::Relaxed);
    let outbox = crm.outbox(&service, settings);
    let back = service.now();
    while service.number("SELECT count(*) FROM delivery WHERE status <> 'delivered'").await > 0 {
        send_all(&outbox).await;
        pass(&service, TimeDelta::seconds(5));
        assert!(service.now() - back < TimeDelta::minutes(15), "it does not wait for the schedule");
    }
    let told = crm.told.lock().unwrap().clone();
    everything_once_and_in_order(&told);
    let is_hot = |deal: &str| (deal.parse::<usize>().unwrap() - 9_000).is_multiple_of(HOT);
    let last_hot = told.iter().rposition(|(deal, _)| is_hot(deal)).unwrap();
    assert!(
        last_hot < told.len() / 2,
        "the last of the hot accounts was number {last_hot} of {}",
        told.len()
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_outage_beyond_the_schedule_gave_up_is_put_back_at_once_and_in_order() {
    let (service, crm) = (Service::sandbox().await, Crm::start().await);
    let settings = OutboxSettings {
        retry_schedule_secs: vec![5, 5],
        breaker_failures: 100_000,
        concurrency: SIDE_BY_SIDE,
        ..OutboxSettings::default()
    };
    let outbox = crm.outbox(&service, settings);
    for (account, n) in (0..ACCOUNTS).flat_map(|account| (0..CHANGES).map(move |n| (account, n))) {
        hand_over(&service, account, n).await;
    }
    while service.number("SELECT count(*) FROM delivery WHERE status <> 'dead'").await > 0 {
        send_all(&outbox).await;
        pass(&service, TimeDelta::seconds(10));
    }
    crm.away.store(false, Ordering::Relaxed);
    let asked = |dry_run: bool| json!({"destination": "crm/update_deal", "dryRun": dry_run});
    let path = "/v1/deliveries/retry";
    let preview = service.post(path, asked(true)).await;
    assert_eq!(
        (&preview["count"], &preview["groups"][0]["of"]),
        (&json!(ACCOUNTS * CHANGES), &json!("crm/update_deal"))
    );
    assert!(crm.told.lock().unwrap().is_empty(), "a preview sends nothing");
    assert_eq!(service.post(path, asked(false)).await["count"], ACCOUNTS * CHANGES);
    while service.number("SELECT count(*) FROM delivery WHERE status <> 'delivered'").await > 0 {
        send_all(&outbox).await;
        pass(&service, TimeDelta::seconds(5));
    }
    everything_once_and_in_order(&crm.told.lock().unwrap());
    assert_eq!(service.post(path, asked(false)).await["count"], 0, "nothing is left");
    let audit = service.get("/v1/audit?accountId=@system").await.to_string();
    assert!(audit.contains("deliveries.retried"), "{audit}");
    service.stop().await;
}

/// Reads from systems until nothing is due.
async fn read_all(service: &Service) {
    service.until_read().await;
    let connectors = &service.running.app.connectors;
    while connectors.fetch_due().await.unwrap() > 0 {}
    while service.number("SELECT count(*) FROM inbox").await > 0 {
        tokio::task::yield_now().await;
    }
}

/// Changes an object there.
fn changes(portal: &HubSpot, kind: &str, id: &str, properties: &Value, at: &str) {
    let mut portal = portal.portal();
    let object = portal.objects.get_mut(&(kind.to_owned(), id.to_owned())).unwrap();
    for (name, value) in properties.as_object().unwrap() {
        object["properties"][name] = value.clone();
    }
    object["updatedAt"] = json!(at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_away_for_three_days_learns_everything_once() {
    let portal = HubSpot::start().await;
    portal.portal().page = 7;
    for id in 500..530 {
        let id = id.to_string();
        let company = json!({"name": format!("Company {id}"), "domain": format!("c{id}.example")});
        portal.put("companies", &id, &company, &json!({}));
        portal.put(
            "deals",
            &format!("9{id}"),
            &json!({"dealname": "Rollout", "dealstage": "qualifiedtobuy"}),
            &json!({"companies": [id]}),
        );
    }
    let service = Service::connected_sandbox(&connected_to(&portal)).await;
    let connectors = service.running.app.connectors.clone();
    service.send(reqwest::Method::POST, "/v1/connectors/hubspot/sync", None, 202).await;
    read_all(&service).await;
    connectors.watch(&[]).await.unwrap();
    let deals = "SELECT count(*) FROM event WHERE type = 'gtm.deal.upserted'";
    assert_eq!(service.number(deals).await, 30);

    // Away. Twelve deals change there; what is told of the last of them within a day is repeated, the rest is not.
    pass(&service, TimeDelta::days(3));
    for id in 500..512 {
        let at = service.now() - TimeDelta::hours(30) + TimeDelta::minutes(id - 500);
        let at = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        changes(&portal, "deals", &format!("9{id}"), &json!({"dealstage": "contractsent"}), &at);
    }
    let asked_before = portal.seen("GET", "/objects").len();
    // Back: the portal repeats its calls, late, twice and out of order, before anybody has looked around.
    for id in [9_511, 9_509, 9_510, 9_511] {
        let told = json!([change("deal.propertyChange", id), change("deal.propertyChange", id - 1)]);
        assert_eq!(webhook(&service, SECRET, 0, &told).await, 200);
    }
    service.until_read().await;
    connectors.watch(&[]).await.unwrap();
    let listed = service.get("/v1/connectors").await;
    assert_eq!(
        listed["data"][0]["syncs"][0]["finishedAt"],
        Value::Null,
        "everything is read again by itself: {listed}"
    );
    read_all(&service).await;
    assert_eq!(service.number(deals).await, 42, "twelve changes, each once");
    let first = &portal.seen("GET", "/objects")[asked_before];
    assert!(
        first.path.contains("/deals/95"),
        "what was told goes before what is only looked for: {}",
        first.path
    );
    for id in [500, 505, 511] {
        let account = service.get(&format!("/v1/accounts/{id}")).await.to_string();
        assert!(account.contains("contractsent") && !account.contains("qualifiedtobuy"), "{account}");
    }
    // A look in time changes nothing, and reads nothing again.
    pass(&service, TimeDelta::hours(1));
    let asked = portal.seen("GET", "/objects").len();
    connectors.watch(&[]).await.unwrap();
    read_all(&service).await;
    assert_eq!(portal.seen("GET", "/objects").len(), asked);
    service.stop().await;
}
