//! Laws that hold whatever happens in whatever order: random stories of a few accounts, told to a sandbox.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::Service;
use crate::{stories, truths};

const ACCOUNTS: usize = 3;
const STORIES: u32 = 8;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// Something that an account's events say, by its number.
    Said(usize, Saying),
    /// Somebody asks for a decision about an account, or for all.
    Orchestrate(Option<usize>),
    /// Somebody decides about the oldest open conflict.
    Resolve(&'static str),
    /// Time passes, in hours.
    Advance(u32),
}

#[derive(Clone, Debug)]
enum Saying {
    Employees(u32),
    Overlap(bool),
    Referred,
    Synced,
    Touched,
    Used(u32),
    DealAt(&'static str),
    Blocks(&'static [&'static str]),
    DoNotContact(bool),
    Consents(bool),
}

fn saying() -> impl Strategy<Value = Saying> {
    let motions: &[&[&str]] = &[&[], &["sales_assist"], &["plg_self_serve", "partner_co_sell"]];
    prop_oneof![
        4 => prop::sample::select(&[20, 800, 5_000][..]).prop_map(Saying::Employees),
        2 => any::<bool>().prop_map(Saying::Overlap),
        1 => Just(Saying::Referred),
        3 => Just(Saying::Synced),
        2 => Just(Saying::Touched),
        2 => (1..200_u32).prop_map(Saying::Used),
        2 => prop::sample::select(&["discovery", "negotiation", "closedwon"][..]).prop_map(Saying::DealAt),
        1 => prop::sample::select(motions).prop_map(Saying::Blocks),
        1 => any::<bool>().prop_map(Saying::DoNotContact),
        1 => any::<bool>().prop_map(Saying::Consents),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let hours = prop::sample::select(&[1, 5, 23, 24, 48, 71, 72, 73, 168][..]);
    prop_oneof![
        8 => (0..ACCOUNTS, saying()).prop_map(|(account, saying)| Step::Said(account, saying)),
        4 => prop::option::weighted(0.8, 0..ACCOUNTS).prop_map(Step::Orchestrate),
        2 => prop::sample::select(&["keep", "switch", "pause"][..]).prop_map(Step::Resolve),
        4 => hours.prop_map(Step::Advance),
    ]
}

/// What is said, true now.
fn events(service: &Service, account: &str, saying: &Saying) -> Vec<Value> {
    let now = service.now();
    let say = |kind: &str, data: Value| stories::event_at(now, kind, account, data);
    match saying {
        Saying::Employees(count) => vec![stories::employees(account, *count)],
        Saying::Overlap(active) => vec![say(
            "gtm.partner.overlap",
            json!({"partnerId": "aws", "overlapType": "tech_stack", "strength": 0.9, "active": active}),
        )],
        Saying::Referred => {
            vec![say("gtm.partner.referral", json!({"partnerId": "aws", "referredAt": now}))]
        }
        // As far ahead as is taken, so that the freshness of sources does not stop most of what could happen.
        Saying::Synced => ["crm", "partner"]
            .map(|source| {
                say("gtm.source.synced", json!({"source": source, "syncedAt": now + TimeDelta::hours(23)}))
            })
            .into(),
        Saying::Touched => vec![stories::touched(now, account)],
        Saying::Used(count) => vec![say(
            "gtm.usage.recorded",
            json!({"date": now.date_naive(), "activeUsers": 30, "features": {"api": count}}),
        )],
        Saying::DealAt(stage) => vec![say("gtm.deal.upserted", json!({"dealId": "deal_1", "stage": stage}))],
        Saying::Blocks(motions) => vec![say("gtm.preference.changed", json!({"blockedMotions": motions}))],
        Saying::DoNotContact(on) => vec![say("gtm.preference.changed", json!({"doNotContact": on}))],
        Saying::Consents(granted) => {
            vec![say("gtm.consent.changed", json!({"purpose": "partner_data_sharing", "granted": granted}))]
        }
    }
}

fn name(account: usize) -> String {
    format!("acc_{account}")
}

async fn happen(service: &Service, step: &Step) {
    match step {
        Step::Said(account, saying) => {
            service.events(&events(service, &name(*account), saying)).await;
        }
        Step::Orchestrate(Some(account)) => {
            service.orchestrate(&name(*account)).await;
        }
        Step::Orchestrate(None) => {
            let all: Vec<String> = (0..ACCOUNTS).map(name).collect();
            let answer = service.post("/v1/orchestrations", json!({"accountIds": all})).await;
            assert_eq!(answer["decided"], ACCOUNTS, "{answer:#}");
        }
        Step::Resolve(resolution) => {
            let queue = service.get("/v1/conflicts?status=open").await;
            let Some(oldest) = queue["data"].as_array().unwrap().last() else { return };
            let path = format!("/v1/conflicts/{}/resolve", oldest["conflictId"].as_str().unwrap());
            service.post(&path, json!({"resolution": resolution, "note": "by chance"})).await;
        }
        Step::Advance(hours) => {
            service.advance(&format!("PT{hours}H")).await;
        }
    }
}

/// How every story begins, so that none is dull: one account waits for its CRM, one is disputed, one is not to be
/// contacted for a while.
fn beginning() -> Vec<Step> {
    vec![
        Step::Orchestrate(None),
        Step::Said(1, Saying::Employees(20)),
        Step::Said(2, Saying::DoNotContact(true)),
        Step::Orchestrate(None),
        Step::Said(2, Saying::DoNotContact(false)),
        Step::Orchestrate(Some(2)),
    ]
}

/// Tells one story and looks at everything that came of it; gives the outcomes that occurred.
async fn tell(steps: &[Step]) -> BTreeSet<String> {
    let service = Service::sandbox().await;
    for account in 0..ACCOUNTS {
        // What the CRM says of the first account is too old to act on.
        let age = TimeDelta::hours(if account == 0 { 25 } else { 0 });
        service.events(&stories::worked_example(service.now(), &name(account), age)).await;
    }
    for step in beginning().iter().chain(steps) {
        happen(&service, step).await;
    }
    truths::check(&service.database).await;
    for (account, at, touches) in truths::touches_before_decisions(&service.database.pool).await {
        assert!(
            touches < 2,
            "{account} was touched at {at} although {touches} touches lay in the last 7 days"
        );
    }
    service.expect_intact_audit().await;
    let decisions: Vec<(String, String)> = sqlx::query_as("SELECT id::text, outcome FROM decision")
        .fetch_all(&service.database.pool)
        .await
        .unwrap();
    for (id, _) in &decisions {
        service.expect_identical_replay(id).await;
    }
    service.stop().await;
    decisions.into_iter().map(|(_, outcome)| outcome).collect()
}

#[test]
fn whatever_happens_the_laws_hold() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut outcomes = BTreeSet::new();
    let mut runner = TestRunner::new(Config {
        cases: STORIES,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let seen = std::cell::RefCell::new(&mut outcomes);
    runner
        .run(&prop::collection::vec(step(), 20..45), |steps| {
            seen.borrow_mut().extend(runtime.block_on(tell(&steps)));
            Ok(())
        })
        .unwrap();
    for outcome in ["blocked", "conflict", "continued", "deferred", "executed"] {
        assert!(outcomes.contains(outcome), "no story had this outcome: {outcome}");
    }
}
