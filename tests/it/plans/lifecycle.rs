//! One plan from its draft to its end, over HTTP.

use gtm::platform::db;
use reqwest::Method;
use serde_json::{Value, json};

use super::{act, claim, complete_next, create, document, plan, running, story, task};
use crate::harness::Service;

#[tokio::test]
async fn a_plan_is_started_worked_on_and_done() {
    let service = Service::sandbox().await;
    let mut missing = document(&service);
    missing["tasks"][1]["inputs"] = json!(["scoring"]);
    let id = create(&service, &missing).await;
    let path = format!("/v1/plans/{id}");

    let refused = service.send(Method::POST, &format!("{path}/start"), Some(json!({})), 409).await;
    assert_eq!(refused["code"], "plan_not_ready");
    assert_eq!(refused["findings"][0]["name"], "input_missing:routing:scoring", "{refused:#}");
    let unknown = json!({ "waive": ["no_person:nobody"] });
    let unknown = service.send(Method::POST, &format!("{path}/start"), Some(unknown), 422).await;
    assert!(unknown["errors"][0]["detail"].as_str().unwrap().contains("is nothing that is missing"));
    service.post(&format!("{path}/start"), json!({ "given": ["scoring"] })).await;
    let again = service.send(Method::POST, &format!("{path}/start"), Some(json!({})), 409).await;
    assert_eq!((&again["code"], &again["status"]), (&json!("illegal_transition"), &json!(409)), "{again:#}");

    assert_eq!(complete_next(&service).await, "intake");
    assert_eq!(complete_next(&service).await, "routing");
    let gate = format!("{path}/gates/ready/review");
    let verdict = json!({ "by": "Sam", "verdicts": { "fits": { "holds": true } } });
    let early = service.send(Method::POST, &gate, Some(verdict.clone()), 409).await;
    assert_eq!(early["code"], "illegal_transition");
    assert_eq!(complete_next(&service).await, "enablement");
    assert_eq!(service.post("/v1/tasks/claim", json!({ "agent": "a" })).await, json!({ "tasks": [] }));
    let unsaid = json!({ "by": "Sam", "verdicts": { "fits": { "holds": false } } });
    service.send(Method::POST, &gate, Some(unsaid), 422).await;
    let no = json!({ "by": "Sam", "verdicts": { "fits": { "holds": false, "note": "routing.md names no owner" } } });
    assert_eq!(service.post(&gate, no).await["status"], "failed");
    assert_eq!(service.post(&gate, verdict).await["status"], "passed");
    assert_eq!(complete_next(&service).await, "approval");

    let done = service.get(&path).await;
    assert_eq!(
        (&done["status"], &done["gates"][0]["verdicts"]["fits"]["by"]),
        (&json!("done"), &json!("Sam"))
    );
    assert_eq!(done["pattern"]["kind"], "diamond");
    assert_eq!(done["criticalPath"][0], "intake");
    assert_eq!(done["tasks"][0]["result"]["outputs"], json!(["intake.md"]));
    let told = story(&service, id).await;
    let milestones: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|line| !line.starts_with("task_claimed") && !line.starts_with("task_ready"))
        .collect();
    assert_eq!(
        milestones,
        [
            "created",
            "started",
            "task_done:intake",
            "task_done:routing",
            "task_done:enablement",
            "gate_opened:ready",
            "gate_failed:ready",
            "gate_passed:ready",
            "task_done:approval",
            "done",
        ]
    );
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_what_does() {
    let service = Service::sandbox().await;
    let id = running(&service, &document(&service)).await;
    let waiting = task(&service, id, "routing").await;
    let refused = act(&service, &waiting, "complete", json!({}), 409).await;
    assert_eq!(
        (&refused["code"], &refused["legal"]),
        (&json!("illegal_transition"), &json!(["skip", "give_up"]))
    );
    let taken = claim(&service, "agent-1").await;
    let held = act(&service, &taken, "complete", json!({}), 409).await;
    assert_eq!(held["code"], "task_held");
    let other = act(
        &service,
        &taken,
        "fail",
        json!({ "lease": taken["lease"].as_i64().unwrap() + 1, "reason": "no" }),
        409,
    )
    .await;
    assert_eq!(other["code"], "lease_lost");
    assert_eq!(other["legal"], json!(["heartbeat", "complete", "fail", "skip", "give_up"]));
    act(&service, &taken, "retry", json!(null), 409).await;
    act(&service, &taken, "complete", json!({ "lease": taken["lease"] }), 200).await;
    // Said again by whoever did it, it is so already.
    act(&service, &taken, "complete", json!({ "lease": taken["lease"] }), 200).await;
    let done = act(&service, &taken, "skip", json!({ "reason": "late" }), 409).await;
    assert_eq!(done["legal"], json!([]));
    service.send(Method::GET, "/v1/tasks/01890000-0000-7000-8000-000000000000", None, 404).await;
    let faults = json!({ "agent": "a b", "max": 0, "kinds": [], "lease": "1s" });
    let faults = service.send(Method::POST, "/v1/tasks/claim", Some(faults), 422).await;
    assert_eq!(faults["errors"].as_array().unwrap().len(), 4, "{faults:#}");
    service.stop().await;
}

#[tokio::test]
async fn a_lease_that_runs_out_gives_the_task_to_somebody_else() {
    let service = Service::sandbox().await;
    let id = running(&service, &document(&service)).await;
    let first = claim(&service, "agent-1").await;
    service.advance("PT50M").await;
    act(&service, &first, "heartbeat", json!({ "lease": first["lease"], "for": "1h" }), 200).await;
    service.advance("PT50M").await;
    assert_eq!(task(&service, id, "intake").await["heldBy"], "agent-1", "it was kept");
    service.advance("PT10M").await;
    let back = task(&service, id, "intake").await;
    assert_eq!((&back["status"], &back["failures"]), (&json!("ready"), &json!(1)));
    let second = claim(&service, "agent-2").await;
    assert_eq!((&second["name"], &second["attempt"]), (&json!("intake"), &json!(2)));
    for action in ["complete", "heartbeat"] {
        let late = act(&service, &first, action, json!({ "lease": first["lease"] }), 409).await;
        assert_eq!(late["code"], "lease_lost", "{action}");
    }
    act(&service, &second, "complete", json!({ "lease": second["lease"] }), 200).await;
    service.stop().await;
}

#[tokio::test]
async fn a_new_version_keeps_what_is_done_and_tells_what_differs() {
    let service = Service::sandbox().await;
    let plans = &service.running.app.plans;
    let mut changed = document(&service);
    let id = running(&service, &changed).await;
    assert_eq!(complete_next(&service).await, "intake");
    let held = claim(&service, "agent-1").await;
    changed["tasks"][0]["title"] = json!("Ask everybody");
    changed["tasks"][2]["dependsOn"] = json!(["intake", "brief"]);
    changed["tasks"].as_array_mut().unwrap().insert(
        1,
        json!({ "id": "brief", "title": "Brief them", "stage": "intake", "owner": "cro", "work": "draft",
                "outputs": ["brief.md"], "dependsOn": ["intake"], "duration": { "time": "1h" } }),
    );
    // Somebody else's version in between is not overwritten.
    let mut tx = db::begin(&plans.pool).await.unwrap();
    let stale = plans.revise(&mut tx, service.now(), id, 7, plan(&changed), "test", "x").await.unwrap_err();
    assert!(stale.to_string().contains("is at version 1 and not at 7"), "{stale}");
    let revised =
        plans.revise(&mut tx, service.now(), id, 1, plan(&changed), "test", "more people").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((revised.version, revised.changes.len()), (2, 3));

    assert_eq!(task(&service, id, "intake").await["status"], "done");
    assert_eq!(task(&service, id, "enablement").await["status"], "waiting", "for what is new");
    act(&service, &held, "complete", json!({ "lease": held["lease"] }), 200).await;
    let log = service.get(&format!("/v1/plans/{id}/changes")).await;
    assert_eq!((&log["data"][0]["why"], &log["data"][0]["version"]), (&json!("more people"), &json!(2)));
    assert_eq!(
        log["data"][0]["summary"],
        json!([
            "Task `intake`: title “Ask everybody” instead of “Do intake”.",
            "Task `brief` (Brief them) was added.",
            "Task `enablement`: depends on now also `brief`.",
        ])
    );
    let first = service.get(&format!("/v1/plans/{id}/plan.json?version=1")).await;
    assert_eq!(first["tasks"].as_array().unwrap().len(), 4);
    let answer = service.request(Method::GET, &format!("/v1/plans/{id}")).send().await.unwrap();
    assert!(answer.headers().contains_key("etag"));

    // What is taken out is over, also for whoever works on it.
    let brief = claim(&service, "agent-1").await;
    assert_eq!(brief["name"], "brief");
    let mut tx = db::begin(&plans.pool).await.unwrap();
    let back = plan(&document(&service));
    let mut back = back;
    back.start_at = plan(&changed).start_at;
    back.deadline = plan(&changed).deadline;
    plans.revise(&mut tx, service.now(), id, 2, back, "test", "as before").await.unwrap();
    tx.commit().await.unwrap();
    let gone = act(&service, &brief, "complete", json!({ "lease": brief["lease"] }), 409).await;
    assert_eq!(gone["code"], "task_taken_out");
    assert_eq!(task(&service, id, "enablement").await["status"], "ready");
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test]
async fn tasks_wait_for_their_dates_and_a_plan_that_is_called_off_is_over() {
    let service = Service::sandbox().await;
    let mut dated = document(&service);
    dated["tasks"][0]["notBefore"] = json!(service.now() + chrono::TimeDelta::hours(30));
    let id = running(&service, &dated).await;
    service.advance("PT29H").await;
    assert_eq!(task(&service, id, "intake").await["status"], "waiting");
    service.advance("PT1H").await;
    assert_eq!(task(&service, id, "intake").await["status"], "ready");
    let cancelled =
        service.post(&format!("/v1/plans/{id}/cancel"), json!({ "reason": "the deal is lost" })).await;
    assert_eq!(cancelled["status"], "cancelled");
    let open: Vec<&Value> =
        cancelled["tasks"].as_array().unwrap().iter().map(|task| &task["status"]).collect();
    assert!(open.iter().all(|status| **status == json!("skipped")), "{open:?}");
    assert_eq!(service.post("/v1/tasks/claim", json!({ "agent": "a" })).await, json!({ "tasks": [] }));
    let listed = service.get("/v1/plans?kind=handoff_design&status=cancelled").await;
    assert_eq!(listed["data"][0]["planId"], json!(id));
    assert_eq!(service.get("/v1/plans?kind=renewal").await["data"], json!([]));
    service.stop().await;
}

#[tokio::test]
async fn a_plan_is_told_to_people_in_both_forms() {
    let service = Service::sandbox().await;
    let id = running(&service, &document(&service)).await;
    let path = format!("/v1/plans/{id}/report?zone=Europe/Berlin");
    let text = service.text(&path, "text/markdown").await;
    assert!(text.contains("Dana (RevOps Director)") && text.contains("## Critical path"), "{text}");
    assert!(service.text(&path, "text/html").await.contains("<svg "));
    let nowhere = format!("/v1/plans/{id}/report?zone=Europe/Berlim");
    let nowhere = service.send(Method::GET, &nowhere, None, 422).await;
    assert!(nowhere["errors"][0]["detail"].as_str().unwrap().contains("did you mean `Europe/Berlin`?"));
    service.stop().await;
}
