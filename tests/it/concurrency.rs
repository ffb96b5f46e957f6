//! Many callers, three services on one database, the same accounts: nothing is done twice and nothing is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use gtm::platform::audit::{self, Entry};
use gtm::platform::lifecycle::Lifecycle;
use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::{DataDir, Service};
use crate::process::Process;
use crate::{stories, truths};

const ACCOUNTS: usize = 20;
const CALLERS: usize = 64;
const ROUNDS: usize = 8;

/// What one caller does, round by round; gives the decisions that it was answered.
struct Caller {
    number: usize,
    client: Client,
    now: DateTime<Utc>,
    events: Arc<AtomicUsize>,
}

impl Caller {
    async fn run(self) -> Vec<String> {
        let mut decisions = Vec::new();
        for round in 0..ROUNDS {
            // All callers go through the accounts in step, so that many are at the same one at once.
            let account = format!("acc_{}", (self.number / 8 + round * 3) % ACCOUNTS);
            match (self.number + round) % 8 {
                0 => self.report(&account, round).await,
                1 => decisions.extend(self.bulk(&account).await),
                2 => self.resolve().await,
                3 => self.retry(&account).await,
                _ => decisions.push(id_of(&self.client.orchestrate(&account).await)),
            }
        }
        decisions
    }

    /// The account grows or shrinks, so that now one motion is right and now another that competes with it.
    async fn report(&self, account: &str, round: usize) {
        let count = if (self.number / 8 + round).is_multiple_of(2) { 20 } else { 800 };
        let mut events = vec![stories::employees(account, count)];
        if self.number == 0 {
            events.push(stories::touched(self.now, account));
        }
        self.client.events(&events).await;
        self.events.fetch_add(events.len(), Ordering::Relaxed);
    }

    async fn bulk(&self, account: &str) -> Vec<String> {
        let answer = self.client.post("/v1/orchestrations", json!({"accountIds": [account, "acc_0"]})).await;
        assert_eq!(answer["decided"], 2, "{answer}");
        answer["results"].as_array().unwrap().iter().map(|result| id_of(&result["decision"])).collect()
    }

    /// Decides about an open conflict, if there is one; somebody else may be faster.
    async fn resolve(&self) {
        let queue = self.client.get("/v1/conflicts?status=open&limit=1").await;
        let Some(conflict) = queue["data"][0]["conflictId"].as_str() else { return };
        let resolution = if self.number.is_multiple_of(3) { "pause" } else { "switch" };
        let answer = self
            .client
            .request(reqwest::Method::POST, &format!("/v1/conflicts/{conflict}/resolve"))
            .json(&json!({"resolution": resolution, "note": "as it comes"}))
            .send()
            .await
            .unwrap();
        assert!(matches!(answer.status().as_u16(), 200 | 409), "{:?}", answer.text().await);
    }

    /// Has a delivery sent again: writes to the account's audit chain without holding the account.
    async fn retry(&self, account: &str) {
        let page = self.client.get(&format!("/v1/deliveries?accountId={account}&limit=1")).await;
        let Some(delivery) = page["data"][0]["deliveryId"].as_str() else { return };
        self.client.post(&format!("/v1/deliveries/{delivery}/retry"), json!({})).await;
    }
}

fn id_of(decision: &Value) -> String {
    decision["decisionId"].as_str().unwrap_or_else(|| panic!("no decision: {decision}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_callers_of_three_services_on_one_database_collide_nowhere() {
    let one = Service::live(&[]).await;
    let two = one.replica(&[]).await;
    let (other_dir, key) = (DataDir::new(), one.data().signing_key());
    let url = one.database.url();
    let three = Process::start(&url, &other_dir.0, &[("GTM_AUDIT__SIGNING_KEY_FILE", &key)]).await;
    let clients = [one.client.clone(), two.client.clone(), three.client.clone()];
    let now = one.now();
    let events = Arc::new(AtomicUsize::new(0));
    let tell = (0..ACCOUNTS).map(|n| {
        let (client, events) = (&clients[n % 3], events.clone());
        async move {
            let story = stories::worked_example(now, &format!("acc_{n}"), TimeDelta::zero());
            client.events(&story).await;
            events.fetch_add(story.len(), Ordering::Relaxed);
        }
    });
    join_all(tell).await;

    let life = Lifecycle::new();
    let callers = (0..CALLERS).map(|number| {
        let caller = Caller { number, client: clients[number % 3].clone(), now, events: events.clone() };
        life.run(caller.run())
    });
    let answered: Vec<String> =
        join_all(callers).await.into_iter().flat_map(|ended| ended.unwrap().unwrap()).collect();

    let stored: Vec<String> =
        sqlx::query_scalar("SELECT id::text FROM decision").fetch_all(&one.database.pool).await.unwrap();
    let stored: BTreeSet<&String> = stored.iter().collect();
    let distinct: BTreeSet<&String> = answered.iter().collect();
    assert_eq!(distinct.len(), answered.len(), "each answer is a decision of its own");
    assert!(distinct.is_subset(&stored), "every decision that was answered is on record");
    let taken = usize::try_from(one.number("SELECT count(*) FROM event").await).unwrap();
    assert_eq!(taken, events.load(Ordering::Relaxed), "every event that was acknowledged is stored once");
    truths::check(&one.database).await;
    one.expect_intact_audit().await;
    two.expect_intact_audit().await;
    three.client.expect_intact_audit().await;
    // The storm was one: all accounts were taken, and motions did compete.
    let claimed = one.number("SELECT count(DISTINCT account_id) FROM motion_claim").await;
    assert_eq!(usize::try_from(claimed).unwrap(), ACCOUNTS);
    assert!(one.number("SELECT count(*) FROM conflict").await > 0, "no motion ever met another");
    for id in answered.iter().step_by(answered.len() / 20) {
        two.expect_identical_replay(id).await;
    }
    three.kill().await;
    two.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_known_from_its_first_acknowledged_event_on() {
    let one = Service::live(&[]).await;
    let two = one.replica(&[]).await;
    // Whoever asks does so while the event is being applied: nobody is told that the account does not exist.
    let first_words = (0..16).map(|caller| {
        let (teller, asker) = (&one, &two);
        async move {
            for n in 0..20 {
                let account = format!("acc_{caller}_{n}");
                teller.events(&[stories::employees(&account, 20)]).await;
                let asker = if n % 2 == 0 { asker } else { teller };
                if n % 3 == 0 {
                    asker.get(&format!("/v1/accounts/{account}")).await;
                } else {
                    asker.orchestrate(&account).await;
                }
            }
        }
    });
    join_all(first_words).await;
    truths::check(&one.database).await;
    two.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_meets_somebody_else_at_the_audit_chain_asks_again() {
    let service = Service::sandbox().await;
    service.events(&stories::worked_example(service.now(), "acc_1", TimeDelta::zero())).await;
    // Somebody who does not hold the account writes to its chain, as when a delivery is sent again or a match
    // is corrected.
    let mut tx = gtm::platform::db::begin(&service.database.pool).await.unwrap();
    let entry = Entry::new("key:other", "delivery.retried", "delivery:x", json!({}));
    audit::append(&mut tx, "acc_1", service.now(), &[entry]).await.unwrap();
    let meanwhile = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while service.number(waiting).await == 0 {}
        tx.commit().await.unwrap();
    };
    let (decided, ()) = tokio::join!(service.orchestrate("acc_1"), meanwhile);
    assert_eq!(decided["outcome"], "executed");
    assert_eq!(service.number("SELECT count(*) FROM audit_entry WHERE account_id = 'acc_1'").await, 2);
    truths::check(&service.database).await;
    service.expect_intact_audit().await;
    service.stop().await;
}
