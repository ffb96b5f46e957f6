//! Every way out against every fault: what follows is the same for all of them, and what an operator reads says what to do.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use gtm::connectors::{ConnectorSettings, Registry, Tools};
use gtm::kernel::clock::Clock;
use gtm::platform::outbox::{self, Next, Outgoing, Sender, Sent, Unsent};
use serde_json::{Value, json};

use crate::fakes::server::{Answer, Asked, Fake};

const DELIVERY: &str = "0193d2a0-7c00-7000-8000-000000000001";
const DEAL: &str = "006xx000001a2b3AAA";
const ACCOUNT: &str = "001xx000003DGb2AAG";

/// A way out: where it leads, how it is set up, what it is to deliver, and how the system says that all is well.
struct Way {
    name: &'static str,
    destination: &'static str,
    settings: fn(&str) -> Value,
    data: fn() -> Value,
    well: fn(&Asked) -> Answer,
    /// Whether an answer of 200 that is nonsense is seen to be nonsense; others take every 200 for a yes.
    reads_answers: bool,
}

fn ways() -> [Way; 7] {
    let hubspot = |url: &str| json!({"hubspot": {"token": "pat", "base_url": url, "calls_per_second": 1000.0, "search_lag_secs": 0, "timeout_ms": 400}});
    let salesforce = |url: &str| json!({"salesforce": {"url": url, "client_id": "cid", "client_secret": "cs", "calls_per_second": 1000.0}});
    let of_salesforce =
        |_: &Asked| Answer::Json(200, json!({"id": "00Txx000001a2b3AAA", "success": true, "errors": []}));
    let alert = || json!({"channel": "#sales", "to": [], "title": "t", "body": "b", "priority": "high"});
    [
        Way {
            name: "hubspot",
            destination: "crm/update_deal",
            settings: hubspot,
            data: || json!({"dealId": "900", "handoffType": "mql_to_sales"}),
            well: |_| Answer::Json(200, json!({"id": "900"})),
            reads_answers: true,
        },
        Way {
            name: "hubspot",
            destination: "crm/log_activity",
            settings: hubspot,
            data: || json!({"subject": "s", "description": "d", "accountId": "512", "dealId": "900"}),
            well: |_| Answer::Json(201, json!({"id": "1"})),
            reads_answers: true,
        },
        Way {
            name: "salesforce",
            destination: "crm/update_deal",
            settings: salesforce,
            data: || json!({"dealId": DEAL, "handoffType": "mql_to_sales"}),
            well: of_salesforce,
            reads_answers: false,
        },
        Way {
            name: "salesforce",
            destination: "crm/log_activity",
            settings: salesforce,
            data: || json!({"subject": "s", "description": "d", "accountId": ACCOUNT, "dealId": DEAL}),
            well: of_salesforce,
            reads_answers: false,
        },
        Way {
            name: "slack",
            destination: "messaging/alert",
            settings: |url| json!({"slack": {"token": "xoxb", "base_url": url}}),
            data: alert,
            well: |_| Answer::Json(200, json!({"ok": true, "ts": "1.0"})),
            reads_answers: true,
        },
        Way {
            name: "slack",
            destination: "messaging/digest",
            settings: |url| json!({"slack": {"webhook_url": format!("{url}/services/T000/B000/XXXX")}}),
            data: alert,
            well: |_| Answer::Text(200, "ok"),
            reads_answers: false,
        },
        Way {
            name: "resend",
            destination: "email/briefing",
            settings: |url| json!({"resend": {"token": "re", "from": "a@b.example", "base_url": url}}),
            data: || json!({"to": ["rep@example.com"], "subject": "s"}),
            well: |_| Answer::Json(200, json!({"id": "49a3999c"})),
            reads_answers: false,
        },
    ]
}

impl Way {
    fn sender(&self, url: &str) -> Arc<dyn Sender> {
        let settings: ConnectorSettings = serde_json::from_value((self.settings)(url)).unwrap();
        let client = outbox::client(Duration::from_millis(400)).unwrap();
        let tools = Tools { clock: Clock::System, client };
        let registry = Registry::new(&settings, &tools).unwrap_or_else(|faults| panic!("{faults:?}"));
        registry.senders(&settings).into_iter().find(|(to, _)| *to == self.destination).unwrap().1
    }

    async fn deliver(&self, sender: &dyn Sender) -> Result<Sent, Unsent> {
        let payload =
            json!({"type": self.destination, "timestamp": "2026-01-01T00:00:00Z", "data": (self.data)()});
        let outgoing = Outgoing {
            id: DELIVERY.parse().unwrap(),
            account_id: if self.name == "salesforce" { ACCOUNT } else { "512" },
            destination: self.destination,
            payload: &payload.to_string(),
            attempts: 1,
            unsure: false,
            now: Clock::System.now(),
        };
        sender.send(outgoing).await
    }

    /// Delivers once to a system that answers like this, and to one that is well again.
    async fn through(&self, fault: Option<Answer>) -> (Result<Sent, Unsent>, Result<Sent, Unsent>) {
        let well = self.well;
        let faulty = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let still = faulty.clone();
        let fake = Fake::start(move |asked, _| {
            // Tokens are given out all the time: what is looked at is what happens to the work.
            if asked.path == "/services/oauth2/token" {
                let url = format!("http://{}", asked.header("host"));
                return Answer::Json(
                    200,
                    json!({"access_token": "t", "instance_url": url, "token_type": "Bearer"}),
                );
            }
            match &fault {
                Some(answer) if still.load(std::sync::atomic::Ordering::Relaxed) => answer.clone(),
                _ => well(asked),
            }
        })
        .await;
        let sender = self.sender(&fake.url(""));
        let first = self.deliver(&*sender).await;
        faulty.store(false, std::sync::atomic::Ordering::Relaxed);
        (first, self.deliver(&*sender).await)
    }
}

/// What an answer means to all of them.
fn faults() -> [(&'static str, Answer, Option<Next>, bool, &'static str); 11] {
    let (planned, never) = (Some(Next::Planned), Some(Next::Never));
    let rest = |secs| Some(Next::Rest(TimeDelta::seconds(secs)));
    [
        ("slow", Answer::Silent, planned, true, "It is tried again by itself"),
        ("broken off", Answer::Broken, planned, true, "It is tried again by itself"),
        ("401", Answer::Text(401, "no"), rest(300), true, "Put a new token into the settings"),
        ("403", Answer::Text(403, "no"), planned, false, "Give the token the missing scope"),
        ("404", Answer::Text(404, "no"), never, false, "It was deleted there"),
        ("409", Answer::Text(409, "no"), never, false, "send it again"),
        ("422", Answer::Text(422, "no"), never, false, "send it again"),
        ("429", Answer::Limited(7), rest(7), true, "It is tried again by itself"),
        ("500", Answer::Text(500, "no"), planned, true, "It is tried again by itself"),
        ("503", Answer::Text(503, "<html>"), planned, true, "It is tried again by itself"),
        ("malformed", Answer::Text(200, "<html>"), None, true, "the system has changed"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_each_system_has_the_consequence_that_the_documents_say() {
    for way in ways() {
        let (first, _) = way.through(None).await;
        assert!(first.is_ok(), "{} {}: {first:?}", way.name, way.destination);
        for (fault, answer, next, down, advice) in faults() {
            let case = format!("{} {} {fault}", way.name, way.destination);
            let (first, second) = way.through(Some(answer)).await;
            assert!(second.is_ok(), "{case}: afterwards it arrives: {second:?}");
            if fault == "malformed" && !way.reads_answers {
                assert!(first.is_ok(), "{case}: {first:?}");
                continue;
            }
            let unsent = first.expect_err(&case);
            assert_eq!(unsent.down, down, "{case}: {unsent:?}");
            assert!(unsent.error.contains(advice), "{case}: {}", unsent.error);
            match (unsent.next, next) {
                // A note whose end is unknown waits until search can have seen it.
                (Next::After(wait), Some(Next::Planned)) => assert!(wait <= TimeDelta::zero(), "{case}"),
                (got, Some(wanted)) => assert_eq!(got, wanted, "{case}: {}", unsent.error),
                (got, None) => assert!(matches!(got, Next::Planned | Next::After(_)), "{case}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_not_there_at_all_surely_took_nothing() {
    // A port that nobody listens on any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for way in ways() {
        let sender = way.sender(&format!("http://{gone}"));
        let unsent = way.deliver(&*sender).await.unwrap_err();
        assert!(unsent.down && !unsent.unsure, "{}: {unsent:?}", way.name);
        assert!(unsent.error.contains("no connection to the receiver"), "{}: {}", way.name, unsent.error);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_says_who_calls() {
    for way in ways() {
        let well = way.well;
        let fake = Fake::start(move |asked, _| match asked.path.as_str() {
            "/services/oauth2/token" => {
                let url = format!("http://{}", asked.header("host"));
                Answer::Json(200, json!({"access_token": "t", "instance_url": url}))
            }
            _ => well(asked),
        })
        .await;
        way.deliver(&*way.sender(&fake.url(""))).await.unwrap();
        for asked in fake.asked() {
            let agent = asked.header("user-agent");
            assert!(agent.starts_with("gtm-motion-orchestrator/"), "{} {}: {agent}", way.name, asked.path);
        }
    }
}
