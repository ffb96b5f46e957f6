//! Policies on their way into force: reviewed by somebody else, at an instant, on the base that they were asked for on.

use chrono::TimeDelta;
use gtm::motions::commands::ACTIVATE;
use gtm::platform::jobs::{self, Lane, NewJob};
use serde_json::{Value, json};

use super::{REQUIRED, actions, approve, history, instant, live, post, rolled_back, somebody, stored, told};
use crate::designs::company;
use crate::harness::Service;
use crate::stories;

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_reviewed_by_somebody_who_did_not_make_it() {
    let service = Service::sandbox().await;
    let other = somebody(&service).await;
    let mine = stored(&service, "mine").await;
    let review = |name: &str| json!({"name": name, "verdict": "approve"});
    let same_key = post(&service, &mine, "reviews", review("Tom Baker"), 409).await;
    assert_eq!(same_key["code"], "second_person_needed", "with the key that stored it: {same_key:#}");
    let same_name = post(&other, &mine, "reviews", review(" rosa DIAZ "), 409).await;
    assert_eq!(same_name["code"], "second_person_needed", "under the author's name: {same_name:#}");
    let faults = post(&other, &mine, "reviews", json!({"name": " ", "verdict": "object"}), 422).await;
    let pointers: Vec<&Value> =
        faults["errors"].as_array().unwrap().iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(pointers, ["#/name", "#/comment"], "all faults at once");
    post(&other, "none-000000000000", "reviews", review("Tom Baker"), 404).await;

    let approved = approve(&other, &mine).await;
    assert_eq!(
        (&approved["reviews"][0]["name"], &approved["reviews"][0]["verdict"]),
        (&json!("Tom Baker"), &json!("approve"))
    );
    let again = json!({"name": "tom baker", "verdict": "object", "comment": "no, wait"});
    assert_eq!(post(&other, &mine, "reviews", again, 409).await["code"], "already_reviewed");
    let objection =
        json!({"name": "Mia Novak", "verdict": "object", "comment": "the weights are those of last year"});
    post(&other, &mine, "reviews", objection, 200).await;
    assert_eq!(other.get(&format!("/v1/policies/{mine}")).await["reviews"].as_array().unwrap().len(), 2);
    // Nobody needs a review here, and who objects is heard all the same.
    let refused = post(&service, &mine, "activate", json!({}), 409).await;
    assert_eq!((&refused["code"], &refused["hindrances"]), (&json!("objection"), &json!(["objection"])));
    assert!(refused["detail"].as_str().unwrap().starts_with("Mia Novak objected."), "{refused:#}");

    // The database holds it whatever the code does.
    for (statement, constraint) in [
        (
            "INSERT INTO policy_review (version, person, name, actor, verdict, at, made_with, maker)
             SELECT version, maker, author, 'key:another', 'approve', now(), created_by, maker FROM policy WHERE maker <> ''",
            "policy_review_second",
        ),
        (
            "INSERT INTO policy_review (version, person, name, actor, verdict, at, made_with, maker)
             SELECT version, maker, author, 'key:another', 'approve', now(), created_by, '' FROM policy WHERE maker <> ''",
            "policy_review_version",
        ),
        (
            "INSERT INTO policy_activation (id, version, kind, status, base, asked_by, asked_at, due_at, approved_by)
             SELECT gen_random_uuid(), p.version, 'activation', 'scheduled', a.version, 'x', now(), now(), 'mia novak'
             FROM policy p, policy_active a WHERE p.maker <> ''",
            "policy_activation_approved",
        ),
        ("UPDATE policy_active SET version = (SELECT version FROM policy WHERE maker <> '')", "policy_active_activation"),
    ] {
        let error = sqlx::query(statement).execute(&service.database.pool).await.unwrap_err().to_string();
        assert!(error.contains(constraint), "{error}");
    }
    assert_eq!(actions(&service).await[..2], ["policy.reviewed", "policy.reviewed"]);
    let entries = service.get("/v1/audit?accountId=@system&action=policy.reviewed").await.to_string();
    assert!(
        !entries.contains("Tom Baker") && !entries.contains("Mia"),
        "people are no part of the log: {entries}"
    );
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_review_is_required_nothing_but_a_roll_back_goes_without() {
    let service = Service::sandbox_with(&[REQUIRED]).await;
    let other = somebody(&service).await;
    let default = live(&service).await;
    let mine = stored(&service, "mine").await;
    for body in [json!({}), json!({"at": service.now() + TimeDelta::hours(1)})] {
        let refused = post(&service, &mine, "activate", body, 409).await;
        assert_eq!(refused["code"], "review_required");
        assert!(refused["detail"].as_str().unwrap().contains(&mine), "it says of which: {refused:#}");
    }
    assert_eq!(told(&history(&service).await), [(default.as_str(), "in_force")], "nothing came of it");
    // What is in force is so already, reviewed or not.
    post(&service, &default, "activate", json!({}), 200).await;

    approve(&other, &mine).await;
    let activated = post(&service, &mine, "activate", json!({"note": "spring"}), 200).await;
    assert_eq!(activated["active"], true);
    let newest = &history(&service).await[0];
    assert_eq!((&newest["approvedBy"], &newest["note"]), (&json!("Tom Baker"), &json!("spring")));
    let back = rolled_back(&service, json!({"note": "too many handoffs"}), 200).await;
    assert_eq!(
        (&back["version"], &back["approvedBy"]),
        (&json!(default), &json!(null)),
        "nobody had to be asked"
    );

    // An objection that comes while it waits stops it at its instant.
    let at = service.now() + TimeDelta::hours(1);
    post(&service, &mine, "activate", json!({ "at": at }), 200).await;
    let objection =
        json!({"name": "Mia Novak", "verdict": "object", "comment": "we know why it was taken back"});
    post(&other, &mine, "reviews", objection, 200).await;
    service.advance("PT2H").await;
    let newest = &history(&service).await[0];
    assert_eq!((&newest["version"], &newest["status"]), (&json!(mine), &json!("stopped")));
    assert!(newest["endedWhy"].as_str().unwrap().starts_with("Mia Novak objected."), "{newest:#}");
    assert_eq!(live(&service).await, default);
    let refused = post(&service, &mine, "activate", json!({}), 409).await;
    assert_eq!(refused["hindrances"], json!(["objection"]));
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_version_comes_into_force_once_at_its_instant_over_a_restart_and_on_two_services() {
    let first = Service::sandbox().await;
    let default = live(&first).await;
    let mine = stored(&first, "mine").await;
    let at = first.now() + TimeDelta::hours(6);
    let waits = post(&first, &mine, "activate", json!({"at": at, "note": "from Monday on"}), 200).await;
    assert_eq!((&waits["active"], instant(&waits["scheduledAt"])), (&json!(false), at));
    first.advance("PT5H").await;
    assert_eq!(live(&first).await, default, "not before its instant");
    let (one, two) = (first.replica(&[]).await, first.replica(&[]).await);
    first.stop().await;
    let (to, wanted) = (at.to_rfc3339(), &json!("in_force"));
    tokio::join!(one.pass_to(&to), two.pass_to(&to));
    let after = history(&one).await;
    assert_eq!(told(&after), [(mine.as_str(), "in_force"), (default.as_str(), "replaced")]);
    assert_eq!(
        (instant(&after[0]["inForceAt"]), instant(&after[1]["endedAt"])),
        (at, at),
        "at its own instant"
    );
    assert_eq!((&after[0]["status"], &after[0]["base"]), (wanted, &json!(default)));
    assert_eq!(actions(&one).await[..2], ["policy.activated", "policy.scheduled"]);

    // A worker that died between its commit and the end of its job leaves the job: done again, it changes nothing.
    let id = after[0]["activationId"].as_str().unwrap().to_owned();
    let again = NewJob { key: id, payload: "{}".to_owned(), lane: Lane::Normal, due_at: one.now() };
    let mut conn = one.database.pool.acquire().await.unwrap();
    jobs::enqueue(&mut conn, ACTIVATE, &[again], one.now()).await.unwrap();
    drop(conn);
    one.advance("PT1M").await;
    assert_eq!(one.number("SELECT count(*) FROM job WHERE kind = 'policy_activate'").await, 0);
    assert_eq!(history(&one).await, after);
    one.events(&stories::without_partners(one.now(), "acc_1", TimeDelta::zero())).await;
    assert_eq!(one.orchestrate("acc_1").await["policyVersion"], json!(mine), "decisions are made by it");
    one.expect_intact_audit().await;
    two.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_passes_by_itself_brings_a_scheduled_version_into_force() {
    let service = Service::live(&[]).await;
    let mine = stored(&service, "mine").await;
    let at = service.now() + TimeDelta::milliseconds(400);
    post(&service, &mine, "activate", json!({ "at": at }), 200).await;
    service.until("SELECT version LIKE 'mine-%' FROM policy_active").await;
    let newest = &history(&service).await[0];
    assert!(instant(&newest["inForceAt"]) >= at, "{newest:#}");
    service.stop().await;
}

/// What people were told of policies.
async fn alerts(service: &Service) -> Vec<Value> {
    let effects = service.get("/v1/sandbox/effects").await;
    let data = effects.as_array().unwrap().iter().map(|effect| effect["payload"]["data"].clone());
    data.filter(|data| data["title"] == "A scheduled policy was stopped").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_version_stops_when_its_base_has_changed_and_revops_is_told() {
    let service = Service::sandbox().await;
    company(&service).await;
    let (mine, yours) = (stored(&service, "mine").await, stored(&service, "yours").await);
    let default = live(&service).await;
    let at = json!({"at": service.now() + TimeDelta::hours(6)});
    post(&service, &mine, "activate", at.clone(), 200).await;
    // One waits at a time, and what waits is not put in force beside it.
    for (version, body) in [(&yours, at.clone()), (&mine, json!({}))] {
        let refused = post(&service, version, "activate", body, 409).await;
        assert_eq!(refused["code"], "scheduled", "{refused:#}");
    }
    assert_eq!(
        post(&service, &default, "activate", at.clone(), 409).await["hindrances"],
        json!(["in_force", "scheduled"])
    );
    post(&service, &yours, "activate", json!({}), 200).await;
    service.advance("PT7H").await;
    assert_eq!(live(&service).await, yours);
    let after = history(&service).await;
    assert_eq!(
        told(&after),
        [(yours.as_str(), "in_force"), (mine.as_str(), "stopped"), (default.as_str(), "replaced")]
    );
    let why = format!("{yours} is in force and not {default}.");
    assert!(after[1]["endedWhy"].as_str().unwrap().starts_with(&why), "{:#}", after[1]);
    let told_of = alerts(&service).await;
    assert_eq!(told_of.len(), 1);
    assert_eq!(
        (&told_of[0]["role"], &told_of[0]["to"][0]["repId"]),
        (&json!("revops_director"), &json!("rosa"))
    );
    assert!(told_of[0]["body"].as_str().unwrap().contains(&why), "{:#}", told_of[0]);

    // What counts is what is in force at the instant: away and back again is as before.
    let at = json!({"at": service.now() + TimeDelta::hours(6)});
    post(&service, &mine, "activate", at, 200).await;
    post(&service, &default, "activate", json!({}), 200).await;
    rolled_back(&service, json!({"note": "not that"}), 200).await;
    service.advance("PT7H").await;
    assert_eq!(live(&service).await, mine);
    assert_eq!(alerts(&service).await.len(), 1);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_version_is_called_off_and_one_that_no_longer_compiles_stops() {
    let service = Service::sandbox().await;
    let mine = stored(&service, "mine").await;
    let default = live(&service).await;
    let at = json!({"at": service.now() + TimeDelta::hours(6)});
    post(&service, &mine, "activate", at.clone(), 200).await;
    post(&service, &mine, "call-off", json!({"note": " "}), 422).await;
    assert_eq!(
        post(&service, &default, "call-off", json!({"note": "x"}), 409).await["code"],
        "not_scheduled"
    );
    let off = post(&service, &mine, "call-off", json!({"note": "after the holidays"}), 200).await;
    assert_eq!((&off["status"], &off["endedWhy"]), (&json!("called_off"), &json!("after the holidays")));
    assert_eq!(post(&service, &mine, "call-off", json!({"note": "x"}), 409).await["code"], "not_scheduled");
    service.advance("PT7H").await;
    assert_eq!(live(&service).await, default);
    assert_eq!(alerts(&service).await, Vec::<Value>::new(), "what somebody called off surprises nobody");

    // Another release, which has compiled nothing yet and has other rules for policies; and by now a review is required.
    let at = json!({"at": service.now() + TimeDelta::hours(6)});
    post(&service, &mine, "activate", at, 200).await;
    let broken = "UPDATE policy SET body = replace(body, 'usage_depth', 'usage_dept') WHERE maker <> ''";
    sqlx::query(broken).execute(&service.database.pool).await.unwrap();
    let next = service.replica(&[REQUIRED]).await;
    service.stop().await;
    next.advance("PT7H").await;
    let newest = &history(&next).await[0];
    assert_eq!((&newest["version"], &newest["status"]), (&json!(mine), &json!("stopped")));
    let why = newest["endedWhy"].as_str().unwrap();
    assert!(why.contains("lacks the approval of a second person"), "{why}");
    assert!(why.contains("This release finds faults in it:") && why.contains("usage_dept"), "{why}");
    assert_eq!(alerts(&next).await.len(), 1);
    assert_eq!(live(&next).await, default);
    next.expect_intact_audit().await;
    next.stop().await;
}
