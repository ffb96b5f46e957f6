//! Whom a renewal that goes wrong calls, exactly once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::{alerts, count, customer, read, running};
use crate::handoffs::sales_team;
use crate::harness::Service;
use crate::harness::cut_short;

#[tokio::test(flavor = "multi_thread")]
async fn two_red_checkpoints_call_those_who_can_change_something_once() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    let id = running(&service, "acme", json!({"risk": "red"})).await;
    let replica = service.replica(&[]).await;
    let hold = async |number: u32, rating: &str, expected: u16| {
        let path = format!("/v1/renewals/{id}/checkpoints/{number}");
        service
            .send(Method::POST, &path, Some(json!({"rating": rating, "note": "no sponsor"})), expected)
            .await
    };
    let due = |renewal: &Value, number: usize| -> DateTime<Utc> {
        renewal["checkpoints"][number - 1]["dueAt"].as_str().unwrap().parse().unwrap()
    };
    let first = due(&read(&service, &id).await, 1);
    let until = |at: DateTime<Utc>, now: DateTime<Utc>| format!("PT{}S", (at - now).num_seconds());
    service.advance(&until(first - TimeDelta::hours(2), service.now())).await;
    hold(1, "red", 200).await;
    assert_eq!(count(&alerts(&service, &id).await, "The renewal stays red"), []);
    hold(1, "green", 409).await;
    let second = due(&read(&service, &id).await, 2);
    service.advance(&until(second - TimeDelta::hours(2), service.now())).await;
    let held = hold(2, "red", 200).await;
    let fired = held["escalations"].as_array().unwrap();
    assert!(
        fired.iter().any(|one| one["code"] == "red_after_checkpoints" && one["key"] == "red:2"),
        "{fired:#?}"
    );
    let told = [("cro".to_owned(), 1), ("finance".to_owned(), 1), ("product".to_owned(), 1)];
    assert_eq!(count(&alerts(&service, &id).await, "The renewal stays red"), told);

    // Whoever looks again, here or there, tells nobody twice, wherever it is cut off.
    for polls in 0..40 {
        sqlx::query(
            "INSERT INTO job (kind, key, payload, lane, due_at, created_at) VALUES ('renewal_look', $1, '{}', 1, now() - interval '1 year', now())
             ON CONFLICT (kind, key) DO UPDATE SET due_at = now() - interval '1 year', leased_until = NULL, lease = 0",
        )
        .bind(&id)
        .execute(&service.database.pool)
        .await
        .unwrap();
        let (_, there) = tokio::join!(
            cut_short(service.running.app.renewals.work_due(), polls),
            replica.running.app.renewals.work_due()
        );
        there.unwrap();
    }
    assert_eq!(count(&alerts(&service, &id).await, "The renewal stays red"), told);
    hold(3, "red", 200).await;
    assert_eq!(count(&alerts(&service, &id).await, "The renewal stays red"), told, "one row is told once");
    service.expect_intact_audit().await;
    replica.stop().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_checkpoints_climb_the_ladder_and_slipped_milestones_ring_even_after_failures() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    let id = running(&service, "acme", json!({"risk": "yellow"})).await;
    let renewal = read(&service, &id).await;
    let first: DateTime<Utc> = renewal["checkpoints"][0]["dueAt"].as_str().unwrap().parse().unwrap();
    let wait = (first - service.now()).num_seconds();
    service.advance(&format!("PT{}S", wait - 1)).await;
    assert_eq!(alerts(&service, &id).await, BTreeMap::new());
    service.advance("PT1S").await;
    assert_eq!(count(&alerts(&service, &id).await, "A checkpoint is overdue"), [("csm".to_owned(), 1)]);
    service.advance("PT24H").await;
    assert_eq!(
        count(&alerts(&service, &id).await, "A checkpoint is overdue"),
        [("csm".to_owned(), 2)],
        "two retries"
    );
    service.advance("PT24H").await;
    assert_eq!(count(&alerts(&service, &id).await, "A task of a plan needs you"), [("csm".to_owned(), 1)]);
    service.advance("PT48H").await;
    let climbed = [("cro".to_owned(), 1), ("csm".to_owned(), 1), ("renewal_director".to_owned(), 1)];
    assert_eq!(count(&alerts(&service, &id).await, "A task of a plan needs you"), climbed);
    assert_eq!(read(&service, &id).await["checkpoints"][0]["status"], "escalated");

    // The look that would ring fails: nothing of it is there, and the next one does it, once.
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON renewal_firing FOR EACH ROW EXECUTE FUNCTION refuse();",
    )
    .execute(&service.database.pool)
    .await
    .unwrap();
    let milestones: Vec<DateTime<Utc>> = renewal["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|task| task["milestone"] == true)
        .map(|task| task["endAt"].as_str().unwrap().parse().unwrap())
        .collect();
    let second = milestones[1];
    let clock = &service.running.app.platform.clock;
    clock.advance_to(second);
    while service
        .number("SELECT count(*) FROM job WHERE kind = 'renewal_look' AND last_error LIKE '%not now%'")
        .await
        == 0
    {
        service.running.app.renewals.work_due().await.unwrap();
    }
    assert_eq!(service.number("SELECT count(*) FROM renewal_firing").await, 0);
    sqlx::raw_sql("DROP TRIGGER refuse ON renewal_firing").execute(&service.database.pool).await.unwrap();
    service.advance("PT1H").await;
    let told = [("cro".to_owned(), 1), ("finance".to_owned(), 1), ("product".to_owned(), 1)];
    let title = "Milestones of the renewal slipped 2 times";
    assert_eq!(count(&alerts(&service, &id).await, title), told);
    let fired = &read(&service, &id).await["escalations"][0];
    assert_eq!(
        (fired["code"].as_str(), fired["key"].as_str()),
        (Some("milestones_slipped"), Some("slipped:2"))
    );
    let at: DateTime<Utc> = fired["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(at, second, "at its own time, however late it was noticed");
    service.expect_intact_audit().await;
    service.stop().await;
}
