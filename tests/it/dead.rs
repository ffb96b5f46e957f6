//! What was accepted and then given up: visible, and put back once when the fault is mended.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::stories;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Takes the data of a type's events away and has them applied again, as if a release no longer understood them.
pub async fn kill_events(service: &Service, event_type: &str) {
    let pool = &service.database.pool;
    sqlx::query("UPDATE event SET data = '{}' WHERE type = $1").bind(event_type).execute(pool).await.unwrap();
    sqlx::query(
        "INSERT INTO inbox (lane, account_id, received_at, id)
         SELECT 1, account_id, received_at, id FROM event WHERE type = $1 ORDER BY id",
    )
    .bind(event_type)
    .execute(pool)
    .await
    .unwrap();
    service.advance("PT0S").await;
}

/// Sets an evaluation of an account aside.
pub async fn kill_job(service: &Service, account: &str) {
    sqlx::query(
        r#"INSERT INTO job_dead (id, kind, key, payload, attempts, error, failed_at)
           VALUES ($1, 'evaluate', $2, '"sweep"', 10, 'the policy could not be read', $3)"#,
    )
    .bind(uuid::Uuid::now_v7())
    .bind(account)
    .bind(service.now())
    .execute(&service.database.pool)
    .await
    .unwrap();
}

async fn retry(service: &Service, path: &str, body: Value, expected: u16) -> Value {
    service.send(Method::POST, &format!("/v1/dead-letters/{path}"), Some(body), expected).await
}

async fn audited(service: &Service, query: &str) -> usize {
    service.get(&format!("/v1/audit?{query}")).await["data"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_could_not_be_applied_is_seen_and_applied_once_when_it_can_be() {
    let service = Service::sandbox().await;
    for n in 1..=3 {
        let event =
            stories::event("gtm.lifecycle.changed", &format!("acc_{n}"), json!({"stage": "customer"}));
        service.events(&[event, stories::employees(&format!("acc_{n}"), 20)]).await;
    }
    service.advance("PT1S").await;
    kill_events(&service, "gtm.lifecycle.changed").await;
    // As if they had never been applied.
    sqlx::query("UPDATE account SET state = '{}'").execute(&service.database.pool).await.unwrap();

    let dead = service.get("/v1/dead-letters/events").await;
    assert_eq!(dead["data"].as_array().unwrap().len(), 3, "{dead:#}");
    let one = service.get("/v1/dead-letters/events?accountId=acc_1&type=gtm.lifecycle.changed").await;
    let one = one["data"][0].clone();
    assert_eq!((&one["accountId"], &one["type"]), (&json!("acc_1"), &json!("gtm.lifecycle.changed")));
    assert!(one["error"].as_str().unwrap().contains("stage"), "it says what is wrong: {one}");
    let nothing = service.get("/v1/dead-letters/events?type=gtm.note.added").await;
    assert_eq!(nothing["data"], json!([]));

    // Put back before the fault is mended, it is set aside again.
    let path = format!("events/{}/retry", one["deadLetterId"].as_str().unwrap());
    assert_eq!(retry(&service, &path, json!({}), 200).await["count"], 1);
    service.advance("PT1S").await;
    assert_eq!(service.number("SELECT count(*) FROM inbox_dead").await, 3);

    sqlx::query(r#"UPDATE event SET data = '{"stage": "customer"}' WHERE type = 'gtm.lifecycle.changed'"#)
        .execute(&service.database.pool)
        .await
        .unwrap();
    retry(&service, &path, json!({}), 200).await;
    retry(&service, &path, json!({}), 404).await;
    let account = service.get("/v1/accounts/acc_1").await;
    assert!(account["state"].to_string().contains("customer"), "{account:#}");
    assert_eq!(audited(&service, "accountId=acc_1&action=event.retried").await, 2);

    let preview = retry(&service, "events/retry", json!({"dryRun": true}), 200).await;
    let groups = json!([{"of": "gtm.lifecycle.changed", "count": 2}]);
    assert_eq!(preview, json!({"dryRun": true, "count": 2, "left": 0, "groups": groups}));
    assert_eq!(service.number("SELECT count(*) FROM inbox_dead").await, 2, "a preview moves nothing");
    let mine = retry(&service, "events/retry", json!({"accountId": "acc_2"}), 200).await;
    assert_eq!((&mine["count"], &mine["left"]), (&json!(1), &json!(0)));
    // Two who ask at once share what there is.
    let (a, b) = tokio::join!(
        retry(&service, "events/retry", json!({}), 200),
        retry(&service, "events/retry", json!({}), 200)
    );
    assert_eq!(a["count"].as_i64().unwrap() + b["count"].as_i64().unwrap(), 1);
    service.advance("PT1S").await;
    assert_eq!(service.number("SELECT count(*) FROM inbox_dead").await, 0);
    assert_eq!(audited(&service, "action=events.retried").await, 2);
    retry(&service, &format!("events/{NOBODY}/retry"), json!({}), 404).await;
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_that_was_given_up_is_seen_and_done_when_it_is_put_back() {
    let service = Service::sandbox().await;
    service.events(&stories::worked_example(service.now(), "acc_1", chrono::TimeDelta::zero())).await;
    service.advance("PT1S").await;
    sqlx::query("DELETE FROM motion_state").execute(&service.database.pool).await.unwrap();
    kill_job(&service, "acc_1").await;
    kill_job(&service, "acc_2").await;
    let before = service.number("SELECT count(*) FROM decision").await;
    let one = service.get("/v1/dead-letters/jobs?kind=evaluate&key=acc_1").await["data"][0].clone();
    assert_eq!((&one["key"], &one["attempts"]), (&json!("acc_1"), &json!(10)));
    assert_eq!(one["error"], "the policy could not be read");
    let preview = retry(&service, "jobs/retry", json!({"dryRun": true}), 200).await;
    assert_eq!(preview["groups"], json!([{"of": "evaluate", "count": 2}]));

    let path = format!("jobs/{}/retry", one["deadLetterId"].as_str().unwrap());
    assert_eq!(retry(&service, &path, json!({}), 200).await["count"], 1);
    retry(&service, &path, json!({}), 404).await;
    service.advance("PT1S").await;
    assert_eq!(service.number("SELECT count(*) FROM decision").await, before + 1);
    assert_eq!(retry(&service, "jobs/retry", json!({"kind": "evaluate"}), 200).await["count"], 1);
    service.advance("PT1S").await;
    assert_eq!(service.number("SELECT count(*) FROM job_dead").await, 0);
    assert_eq!(
        audited(&service, "action=job.retried").await + audited(&service, "action=jobs.retried").await,
        2
    );
    service.expect_intact_audit().await;
    service.stop().await;
}
