//! The way back, step by step, and the history that tells what was in force when and why.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use gtm::platform::db::MIGRATIONS;
use gtm::testing;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{REQUIRED, actions, file, history, live, post, rolled_back, somebody, stored, text, told};
use crate::client::{ADMIN_KEY, Client};
use crate::harness::{DataDir, Service};

#[tokio::test(flavor = "multi_thread")]
async fn roll_backs_lead_back_step_by_step_and_never_forth() {
    let service = Service::sandbox().await;
    let default = live(&service).await;
    let back = |note: &str| json!({ "note": note });
    let refused = rolled_back(&service, back("x"), 409).await;
    assert_eq!(refused["code"], "nothing_before", "{refused:#}");
    rolled_back(&service, back(" "), 422).await;
    let mut versions = Vec::new();
    for name in ["one", "two", "three"] {
        let version = stored(&service, name).await;
        post(&service, &version, "activate", json!({ "note": name }), 200).await;
        versions.push(version);
    }
    let [one, two, three] = [&versions[0], &versions[1], &versions[2]];
    assert_eq!(history(&service).await[0]["rollbackTo"], json!(two));
    let stale = rolled_back(&service, json!({"note": "x", "from": two}), 409).await;
    assert_eq!(stale["code"], "base_changed", "somebody was faster: {stale:#}");
    let put = rolled_back(&service, json!({"note": "wrong weights", "from": three}), 200).await;
    assert_eq!(
        (&put["version"], &put["base"], &put["rollbackTo"]),
        (&json!(two), &json!(three), &json!(one))
    );
    assert_eq!(rolled_back(&service, back("still wrong"), 200).await["version"], json!(one));
    // From there forward, and back to where it came from, not to what was rolled back.
    post(&service, three, "activate", json!({}), 200).await;
    assert_eq!(rolled_back(&service, back("no"), 200).await["version"], json!(one));
    assert_eq!(rolled_back(&service, back("all of it"), 200).await["version"], json!(default));
    assert_eq!(rolled_back(&service, back("x"), 409).await["code"], "nothing_before");

    let all = history(&service).await;
    assert_eq!(
        told(&all),
        [
            (default.as_str(), "in_force"),
            (one, "rolled_back"),
            (three, "rolled_back"),
            (one, "replaced"),
            (two, "rolled_back"),
            (three, "rolled_back"),
            (two, "replaced"),
            (one, "replaced"),
            (default.as_str(), "replaced"),
        ]
    );
    let first = all.last().unwrap();
    assert_eq!(
        (&first["kind"], &first["base"], &first["askedBy"]),
        (&json!("first"), &json!(null), &json!("system"))
    );
    assert_eq!(all[5]["endedWhy"], "wrong weights", "why it went");
    // One ends where the next begins, so that each instant has one answer.
    for pair in all.windows(2) {
        assert_eq!(pair[0]["inForceAt"], pair[1]["endedAt"], "{pair:#?}");
        assert_eq!(pair[0]["base"], pair[1]["version"]);
    }
    assert_eq!(actions(&service).await.iter().filter(|action| *action == "policy.rolled_back").count(), 4);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_follow_each_other() {
    let one = Service::sandbox().await;
    let two = one.replica(&[]).await;
    let default = live(&one).await;
    let mut versions = Vec::new();
    for name in ["one", "two", "three", "four", "five", "six"] {
        versions.push(stored(&one, name).await);
    }
    let activations = versions.iter().enumerate().map(async |(n, version)| {
        let service = if n % 2 == 0 { &one } else { &two };
        post(service, version, "activate", json!({}), 200).await;
    });
    join_all(activations).await;
    let all = history(&one).await;
    assert_eq!(all.len(), versions.len() + 1);
    let present: Vec<&Value> = all.iter().filter(|line| line["status"] == "in_force").collect();
    assert_eq!((present.len(), text(present[0], "version").to_owned()), (1, live(&two).await));
    // Each replaced the version of another, so that all of them are one line from the first to the last.
    let mut replaced: Vec<&str> = all.iter().filter_map(|line| line["base"].as_str()).collect();
    let ended = all.iter().filter(|line| line["status"] == "replaced");
    let mut ended: Vec<&str> = ended.map(|line| text(line, "version")).collect();
    replaced.sort_unstable();
    ended.sort_unstable();
    assert_eq!(replaced, ended);
    // Two who want to get away from the same version get away from it once.
    let away = json!({"note": "not that", "from": text(present[0], "version")});
    let path = "/v1/policies/rollback";
    let asked = [&one, &two].map(|service| service.request(Method::POST, path).json(&away).send());
    let mut answers: Vec<u16> =
        join_all(asked).await.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [200, 409]);
    assert_eq!(live(&one).await, text(present[0], "base"));
    for _ in 1..versions.len() {
        rolled_back(&two, json!({"note": "further"}), 200).await;
    }
    assert_eq!(live(&one).await, default, "each step back is one");
    one.expect_intact_audit().await;
    two.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_force_before_there_was_a_history_begins_it() {
    let database = testing::database().await;
    let mut conn = database.pool.acquire().await.unwrap();
    let run = async |conn: &mut sqlx::PgConnection, sql: &str| {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.unwrap();
    };
    run(&mut conn, "CREATE SCHEMA before; SET search_path = before").await;
    let (earlier, later): (Vec<_>, Vec<_>) = MIGRATIONS.iter().partition(|migration| migration.version < 16);
    for migration in earlier {
        run(&mut conn, migration.sql.as_str()).await;
    }
    run(
        &mut conn,
        "INSERT INTO policy VALUES ('old-1', 'old', '', 'toml', '2026-01-01T00:00:00Z', 'key:a');
         INSERT INTO policy_active (version, activated_at, activated_by) VALUES ('old-1', '2026-02-03T04:05:06.789Z', 'key:b')",
    )
    .await;
    for migration in later {
        run(&mut conn, migration.sql.as_str()).await;
    }
    let (version, kind, status, by): (String, String, String, String) = sqlx::query_as(
        "SELECT a.version, a.kind, a.status, a.asked_by FROM policy_active p JOIN policy_activation a ON a.id = p.activation_id",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!(
        (version.as_str(), kind.as_str(), status.as_str(), by.as_str()),
        ("old-1", "first", "in_force", "key:b")
    );
    // Ids sort by their instants, those of the service's own making included.
    let id: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM policy_activation").fetch_one(&mut *conn).await.unwrap();
    let at: DateTime<Utc> = "2026-02-03T04:05:06.789Z".parse().unwrap();
    let ids = [-1, 1].map(|millis| gtm::kernel::ids::new_id(at + TimeDelta::milliseconds(millis)));
    assert!(ids[0] < id && id < ids[1], "{ids:?} {id}");
    conn.close().await.unwrap();
}

/// Runs the program against a service.
async fn gtm(client: &Client, folder: &DataDir, arguments: &[&str]) -> (bool, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gtm"));
    command
        .args(arguments)
        .args(["--url", &client.base])
        .env("GTM_API_KEY", &client.key)
        .current_dir(&folder.0);
    let output = command.output().await.unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_goes_its_way_from_the_command_line() {
    let service = Service::sandbox_with(&[REQUIRED]).await;
    let (other, folder) = (somebody(&service).await, DataDir::new());
    assert_ne!(other.key, ADMIN_KEY);
    std::fs::write(folder.0.join("mine.toml"), file("mine")).unwrap();
    let (done, said) = gtm(&service, &folder, &["policy", "add", "mine.toml", "--author", "Rosa Diaz"]).await;
    assert!(done, "{said}");
    let mine = said.strip_prefix("Stored as ").unwrap().split(". ").next().unwrap().to_owned();
    let (done, said) = gtm(&service, &folder, &["policy", "activate", &mine]).await;
    assert!(!done && said.contains("lacks the approval of a second person"), "{said}");
    let (done, said) = gtm(&other, &folder, &["policy", "review", &mine, "--name", "Tom Baker"]).await;
    assert!(!done && said.contains("--approve"), "one of the two has to be said: {said}");
    let review = ["policy", "review", &mine, "--name", "Tom Baker", "--approve", "--comment", "as agreed"];
    let (done, said) = gtm(&other, &folder, &review).await;
    assert!(done && said.contains("Tom Baker  approve") && said.contains("as agreed"), "{said}");
    let (done, said) = gtm(&service, &folder, &["policy", "reviews", &mine]).await;
    assert!(done && said.contains("Tom Baker  approve"), "{said}");
    let at = (service.now() + TimeDelta::hours(2)).to_rfc3339();
    let activate = ["policy", "activate", &mine, "--at", &at, "--note", "spring"];
    let (done, said) = gtm(&service, &folder, &activate).await;
    assert!(done && said.contains("becomes the live one at"), "{said}");
    assert!(gtm(&service, &folder, &["policy"]).await.1.contains("at 2"), "the list shows that it waits");
    let (done, said) = gtm(&service, &folder, &["policy", "call-off", &mine, "--note", "now"]).await;
    assert!(done && said.starts_with("Called off"), "{said}");
    let (done, said) = gtm(&service, &folder, &["policy", "activate", &mine]).await;
    assert!(done && said.starts_with(&format!("Decisions are made by {mine}")), "{said}");
    let (done, said) =
        gtm(&service, &folder, &["policy", "rollback", "--note", "too eager", "--from", &mine]).await;
    assert!(done && said.ends_with(&format!("no longer by {mine}.\n")), "{said}");
    let (done, said) = gtm(&service, &folder, &["policy", "history"]).await;
    let statuses = ["in force", "rolled back", "called off", "replaced"];
    let lines: Vec<&str> = said.lines().skip(1).collect();
    assert!(done && lines.len() == 4, "{said}");
    assert!(lines.iter().zip(statuses).all(|(line, status)| line.contains(status)), "{said}");
    assert!(lines[1].contains("Tom Baker") && lines[1].contains("too eager"), "{said}");
    service.stop().await;
}
