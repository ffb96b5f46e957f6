//! Many handoffs at once over two processes: each gets one owner, and the turns stay fair.

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::future::join_all;
use gtm::handoffs::assign::names::TeamId;
use gtm::handoffs::assign::rotation::{Rotation, UNIT};
use gtm::handoffs::commands::read_rotations;
use gtm::platform::lifecycle::Lifecycle;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::{DataDir, Service};
use crate::process::Process;
use crate::stories::event;
use crate::truths;

const HANDOFFS: usize = 1_000;
const CALLERS: usize = 64;
const REPS: usize = 7;

fn account(n: usize) -> String {
    format!("acc_{n:04}")
}

/// A company that is handed over as soon as somebody asks.
fn facts(id: &str) -> [Value; 3] {
    [
        event("gtm.account.upserted", id, json!({"name": id, "employeeCount": 300})),
        event(
            "gtm.contact.upserted",
            id,
            json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"}),
        ),
        event("gtm.note.added", id, json!({"text": "Month end takes a week", "kind": "pain_point"})),
    ]
}

async fn company(clients: &[Client; 2]) {
    let reps = (0..REPS).map(|n| {
        json!({"id": format!("rep_{n}"), "name": format!("Rep {n}"), "email": format!("r{n}@acme.com"), "team": "sales"})
    });
    let roster = json!({"teams": [{"id": "sales"}], "reps": reps.collect::<Value>()});
    clients[0].send(Method::POST, "/v1/roster/import", Some(json!({"roster": roster})), 200).await;
    let events: Vec<Value> = (0..HANDOFFS).flat_map(|n| facts(&account(n))).collect();
    join_all(events.chunks(300).enumerate().map(|(n, batch)| clients[n % 2].events(batch))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_handoffs_at_once_over_two_processes_are_shared_out_fairly() {
    let one = Service::live(&[]).await;
    let (other_dir, key) = (DataDir::new(), one.data().signing_key());
    let url = one.database.url();
    let two = Process::start(&url, &other_dir.0, &[("GTM_AUDIT__SIGNING_KEY_FILE", &key)]).await;
    let clients = [one.client.clone(), two.client.clone()];
    company(&clients).await;

    let life = Lifecycle::new();
    let began = Instant::now();
    let callers = (0..CALLERS).map(|caller| {
        let client = clients[caller % 2].clone();
        life.run(async move {
            for n in (caller..HANDOFFS).step_by(CALLERS) {
                let body = json!({"handoffType": "mql_to_sales", "accountId": account(n)});
                let opened = client.send(Method::POST, "/v1/handoffs", Some(body), 201).await;
                assert_eq!(opened["status"], "assigned", "{opened:#}");
            }
        })
    });
    for ended in join_all(callers).await {
        ended.unwrap().unwrap();
    }
    told(began);

    let owners: Vec<(String, i64)> = sqlx::query_as(
        "SELECT h.owner_id, count(*) FROM handoff h
         JOIN handoff_turn t ON t.account_id = h.account_id AND t.handoff_id = h.id AND t.owner_id = h.owner_id
         WHERE h.status = 'assigned' AND t.number = 1 AND t.ended_at IS NULL GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(&one.database.pool)
    .await
    .unwrap();
    let owners: BTreeMap<String, usize> =
        owners.into_iter().map(|(owner, count)| (owner, usize::try_from(count).unwrap())).collect();
    assert_eq!(owners.values().sum::<usize>(), HANDOFFS, "each has one owner with a turn that runs");
    assert_eq!(
        one.number("SELECT count(*) FROM handoff").await,
        one.number("SELECT count(*) FROM handoff_turn").await
    );
    assert_eq!(owners.len(), REPS);
    assert!(owners.values().all(|count| count.abs_diff(HANDOFFS / REPS) <= 1), "{owners:?}");
    check_accounts(&one, &owners).await;
    // Each is known by one line of a kind, one note to the CRM, one alert, sent or held, and one briefing. Nobody got more
    // alerts than the budget allows, and nobody less while there was any left.
    for query in [
        "SELECT count(*) FROM (SELECT FROM handoff_entry GROUP BY handoff_id, kind HAVING count(*) > 1) AS twice",
        "SELECT count(*) FROM (
           SELECT FROM (SELECT handoff_id FROM delivery UNION ALL SELECT handoff_id FROM held_alert) AS told
           GROUP BY handoff_id HAVING count(*) <> 3) AS other",
        "SELECT count(*) FROM (
           SELECT FROM delivery WHERE destination = 'messaging/alert'
           GROUP BY payload #>> '{data,to,0,repId}' HAVING count(*) <> 6) AS too_many_or_few",
    ] {
        assert_eq!(one.number(query).await, 0, "{query}");
    }
    truths::check(&one.database).await;
    one.expect_intact_audit().await;
    two.kill().await;
    one.stop().await;
}

#[expect(clippy::print_stdout, reason = "a figure that is worth a look, and no promise on a busy machine")]
fn told(began: Instant) {
    let took = began.elapsed().as_secs_f64();
    println!("{HANDOFFS} handoffs by {CALLERS} callers over two processes took {took:.1} s");
}

/// The accounts of the rotation say the same as the turns: what was expected less what was taken.
async fn check_accounts(service: &Service, owners: &BTreeMap<String, usize>) {
    let team = TeamId::parse("sales").unwrap();
    let mut conn = service.database.pool.acquire().await.unwrap();
    let rotations = read_rotations(&mut conn, &[team.clone()].into()).await.unwrap();
    let rotation: &Rotation = &rotations[&team];
    let (turns, members) = (i64::try_from(HANDOFFS).unwrap(), i64::try_from(REPS).unwrap());
    let mut sum = 0;
    for account in rotation.accounts() {
        let taken = i64::try_from(owners[account.rep.as_str()]).unwrap();
        // A share that does not come out even is rounded once a turn.
        let expected = turns * UNIT / members - taken * UNIT;
        assert!(account.balance.abs_diff(expected) <= HANDOFFS as u64, "{account:?}: {expected}");
        sum += account.balance;
    }
    assert_eq!(sum, 0);
}
