//! `kill -9` under load, again and again: what was acknowledged is there, once, and what follows from it happens. Said as
//! events, as clients of Segment and `PostHog` say it, and by a mapped webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use gtm::platform::lifecycle::Lifecycle;
use gtm::testing::{self, TestDatabase};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::client::{ADMIN_KEY, Client};
use crate::harness::DataDir;
use crate::process::Process;
use crate::receiver::{Receiver, Reply};
use crate::{stories, truths};

const KILLS: usize = 20;
const FEEDERS: usize = 4;
/// The whole test, the work of a minute at the most; a service that never gets through fails here.
const PATIENCE: Duration = Duration::from_mins(3);

/// A mapped webhook.
const FEED: &str = r#"
[connectors.webhooks.feed]
proof = { kind = "header", header = "x-secret", secret = "open sesame" }
[[connectors.webhooks.feed.rules]]
type = "gtm.usage.recorded"
id = "/id"
subject = "/account"
data.date = { from = "/date" }
data.features = { from = "/uses" }
"#;

/// The service at present.
#[derive(Clone)]
struct Present {
    client: Client,
    /// Counts the starts.
    start: usize,
    /// It will not be killed: what has begun is finished, and nothing more begun.
    last: bool,
}

/// What a feeder was promised.
#[derive(Default)]
struct Told {
    /// Events that were acknowledged.
    events: BTreeSet<String>,
    /// Uses of the feature `clicks` by account, acknowledged.
    clicks: BTreeMap<String, u64>,
    /// Accounts of which the calls of other systems were acknowledged.
    tracked: BTreeSet<String>,
    /// Decisions that were answered.
    decisions: Vec<String>,
}

/// Tells the stories of accounts one after the other, each batch as often as it takes to be acknowledged, and has
/// them decided about.
struct Feeder {
    number: usize,
    now: DateTime<Utc>,
    present: watch::Receiver<Present>,
    acknowledged: watch::Sender<usize>,
    told: Told,
}

impl Feeder {
    async fn run(mut self) -> Told {
        let mut account = 0;
        while !self.present.borrow().last {
            let id = format!("acc_{}_{account}", self.number);
            let story = stories::worked_example(self.now, &id, TimeDelta::zero());
            self.tell(&story).await;
            for uses in 1..=3 {
                let day = json!({"date": self.now.date_naive(), "features": {"clicks": uses}});
                self.tell(&[stories::event("gtm.usage.recorded", &id, day)]).await;
                *self.told.clicks.entry(id.clone()).or_default() += uses;
            }
            self.decide(&id).await;
            self.track(&id).await;
            account += 1;
        }
        self.told
    }

    /// Uses a feature as a client of Segment, one of `PostHog` and a mapped webhook tell it, each as often as it takes.
    async fn track(&mut self, account: &str) {
        let track = json!({"event": "tracked", "userId": "u_1", "messageId": format!("m-{account}"), "groupId": account,
                           "timestamp": self.now});
        let capture = json!({"api_key": ADMIN_KEY, "event": "captured", "distinct_id": "u_1", "timestamp": self.now,
                             "uuid": format!("c-{account}"), "properties": {"$groups": {"company": account}}});
        let mapped =
            json!({"id": account, "account": account, "date": self.now.date_naive(), "uses": {"mapped": 1}});
        let calls = [("/v1/segment/v1/track", track), ("/batch/", capture), ("/v1/webhooks/feed", mapped)];
        for (path, body) in calls {
            loop {
                let Present { client, start, .. } = self.present.borrow_and_update().clone();
                let request = client.http.post(client.url(path)).basic_auth(&client.key, Some(""));
                let request = request.header("x-secret", "open sesame").json(&body);
                match request.send().await {
                    Ok(answer) if answer.status() == 503 => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Ok(answer) => {
                        assert_eq!(answer.status(), 200);
                        break;
                    }
                    Err(_) => drop(self.present.wait_for(|present| present.start > start).await.unwrap()),
                }
            }
        }
        self.told.tracked.insert(account.to_owned());
    }

    /// Sends a batch until it is acknowledged, to whichever service is there.
    async fn tell(&mut self, batch: &[Value]) {
        loop {
            let Present { client, start, .. } = self.present.borrow_and_update().clone();
            match client.try_batch(batch).await {
                Ok(answer) => {
                    assert_eq!(answer.status(), 202);
                    break;
                }
                // Cut off: whether it was stored is not known, so it is sent again.
                Err(_) => drop(self.present.wait_for(|present| present.start > start).await.unwrap()),
            }
        }
        self.told.events.extend(batch.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        self.acknowledged.send_modify(|count| *count += 1);
    }

    /// Asks once; an answer that comes is a promise.
    async fn decide(&mut self, account: &str) {
        let client = self.present.borrow().client.clone();
        let path = format!("/v1/accounts/{account}/orchestrate");
        let answer = client.request(reqwest::Method::POST, &path).json(&json!({})).send().await;
        let Ok(answer) = answer else { return };
        // A service that has just started may be too busy to decide in time, and says so: that promises nothing.
        if answer.status() == 503 {
            return;
        }
        assert_eq!(answer.status(), 200);
        if let Ok(document) = answer.json::<Value>().await {
            self.told.decisions.push(document["decisionId"].as_str().unwrap().to_owned());
        }
    }
}

/// How the service is started each time: with endpoints, on a data directory that stays.
struct Installation {
    database: TestDatabase,
    data: DataDir,
    receiver: Receiver,
}

impl Installation {
    async fn new() -> Self {
        // A receiver that fails now and then.
        let moods = (0..300)
            .map(|n| if n % 7 == 3 { Reply::Status(500, "", b"") } else { Reply::Status(200, "", b"") });
        let receiver = Receiver::start(moods).await;
        let mut settings = FEED.to_owned()
            + "[outbox]\nretry_schedule_secs = [1, 1, 1, 1, 1, 1, 1, 1, 1]\ntimeout_ms = 1000\n";
        for skill in ["revops/opportunity_scoring", "ecosystem/nearbound_signal", "plg/usage_depth_analyzer"]
        {
            writeln!(
                settings,
                "[outbox.endpoints.\"{skill}\"]\nurl = \"{}\"\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
                receiver.url()
            )
            .unwrap();
        }
        let data = DataDir::new();
        std::fs::write(data.0.join("gtm.toml"), settings).unwrap();
        Self { database: testing::database().await, data, receiver }
    }

    async fn start(&self) -> Process {
        let config = self.data.0.join("gtm.toml");
        let env = [("GTM_CONFIG", config.to_str().unwrap())];
        Process::start(&self.database.url(), &self.data.0, &env).await
    }

    async fn number(&self, query: &'static str) -> usize {
        let number: i64 = sqlx::query_scalar(query).fetch_one(&self.database.pool).await.unwrap();
        usize::try_from(number).unwrap()
    }

    /// As if the leases of the last process that was killed had run out: nobody waits a minute here.
    async fn run_out_leases(&self) {
        sqlx::query("UPDATE job SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL")
            .execute(&self.database.pool)
            .await
            .unwrap();
    }

    /// Waits until nothing is left to do.
    async fn settle(&self) {
        let left = "SELECT (SELECT count(*) FROM inbox)
                         + (SELECT count(*) FROM received WHERE status = 'waiting')
                         + (SELECT count(*) FROM job WHERE due_at <= now())
                         + (SELECT count(*) FROM delivery WHERE status IN ('pending', 'retrying'))";
        while self.number(left).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_twenty_times_under_load_the_service_keeps_every_promise() {
    tokio::time::timeout(PATIENCE, scenario()).await.expect("the service did not get through in time");
}

async fn scenario() {
    let installation = Installation::new().await;
    let mut process = installation.start().await;
    let present = |client: &Client, start, last| Present { client: client.clone(), start, last };
    let (place, _) = watch::channel(present(&process.client, 0, false));
    let (acknowledged, mut count) = watch::channel(0);
    let life = Lifecycle::new();
    let feeders = (0..FEEDERS).map(|number| {
        let (present, acknowledged) = (place.subscribe(), acknowledged.clone());
        let now = gtm::kernel::clock::Clock::System.now();
        life.run(Feeder { number, now, present, acknowledged, told: Told::default() }.run())
    });
    let feeders: Vec<_> = feeders.collect();
    for start in 1..=KILLS {
        // Each time after another number of acknowledgements, while the other feeders wait for theirs.
        let target = *count.borrow() + 1 + start * 7 % 5;
        count.wait_for(|count| *count >= target).await.unwrap();
        process.kill().await;
        if start == KILLS {
            installation.run_out_leases().await;
        }
        process = installation.start().await;
        place.send_replace(present(&process.client, start, start == KILLS));
    }
    let told: Vec<Told> = join_all(feeders).await.into_iter().map(|ended| ended.unwrap().unwrap()).collect();
    installation.settle().await;
    check_events(&installation, &process.client, &told).await;
    check_decisions(&installation, &told).await;
    check_deliveries(&installation).await;
    truths::check(&installation.database).await;
    process.client.expect_intact_audit().await;
    process.kill().await;
}

/// Every acknowledged event is stored once and has had its effect once.
async fn check_events(installation: &Installation, client: &Client, told: &[Told]) {
    let events: BTreeSet<&String> = told.iter().flat_map(|told| &told.events).collect();
    let stored: Vec<String> = sqlx::query_scalar("SELECT event_id FROM event WHERE source = '/test'")
        .fetch_all(&installation.database.pool)
        .await
        .unwrap();
    assert_eq!(stored.len(), events.len(), "an event is stored twice, or one that nobody sent");
    assert_eq!(stored.iter().collect::<BTreeSet<_>>(), events);
    for (account, clicks) in told.iter().flat_map(|told| &told.clicks) {
        let found = client.get(&format!("/v1/accounts/{account}")).await;
        let days = found["state"]["usage"]["days"].as_object().unwrap();
        let sum: u64 = days.values().filter_map(|day| day["features"]["clicks"].as_u64()).sum();
        assert_eq!(sum, *clicks, "uses of {account}");
        let api: u64 = days.values().filter_map(|day| day["features"]["api"].as_u64()).sum();
        assert_eq!(api, 40 * 90 + 1, "uses of {account} from its story");
    }
    let tracked: Vec<&String> = told.iter().flat_map(|told| &told.tracked).collect();
    assert!(!tracked.is_empty());
    for account in tracked {
        let found = client.get(&format!("/v1/accounts/{account}")).await;
        let days = found["state"]["usage"]["days"].as_object().unwrap();
        for feature in ["tracked", "captured", "mapped"] {
            let sum: u64 = days.values().filter_map(|day| day["features"][feature].as_u64()).sum();
            assert_eq!(sum, 1, "{feature} at {account}");
        }
    }
}

/// Every decision that was answered is on record, and every account got its motion.
async fn check_decisions(installation: &Installation, told: &[Told]) {
    let stored: Vec<String> = sqlx::query_scalar("SELECT id::text FROM decision")
        .fetch_all(&installation.database.pool)
        .await
        .unwrap();
    let stored: BTreeSet<String> = stored.into_iter().collect();
    let answered: Vec<&String> = told.iter().flat_map(|told| &told.decisions).collect();
    assert!(answered.iter().all(|id| stored.contains(*id)), "a decision that was answered is gone");
    let accounts: usize = told.iter().map(|told| told.clicks.len()).sum();
    let executed = installation
        .number("SELECT count(DISTINCT account_id) FROM decision WHERE outcome = 'executed'")
        .await;
    assert_eq!(executed, accounts, "an account was forgotten");
}

/// Every delivery reached its receiver at least once, and told apart by its id exactly once.
async fn check_deliveries(installation: &Installation) {
    let delivered: Vec<String> =
        sqlx::query_scalar("SELECT id::text FROM delivery WHERE status = 'delivered'")
            .fetch_all(&installation.database.pool)
            .await
            .unwrap();
    assert_eq!(delivered.len(), installation.number("SELECT count(*) FROM delivery").await);
    let mut bodies: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for request in installation.receiver.received() {
        let first = bodies.entry(request.header("webhook-id").to_owned()).or_insert(request.body.clone());
        assert_eq!(*first, request.body, "one id, one message");
    }
    assert_eq!(bodies.into_keys().collect::<BTreeSet<_>>(), delivered.into_iter().collect());
}
