//! Changing, holding and ending what runs by the tools for AI agents: each looked at first, then meant, and the same when repeated.

use serde_json::{Value, json};

use super::agent::refusal;
use super::tools::Checked;
use super::work::meant;
use crate::programmes::until_done;
use crate::{designs, programmes};

/// A call that is looked at, meant and repeated; gives the looked-at answer and the meant one.
async fn thrice(agent: &mut Checked<'_>, tool: &str, arguments: &Value) -> (Value, Value) {
    let would = agent.told(tool, arguments.clone()).await;
    let real = meant(
        arguments,
        &format!("{tool}-{}", agent.service.number("SELECT count(*) FROM idempotency_key").await),
    );
    let done = agent.told(tool, real.clone()).await;
    assert_eq!(agent.told(tool, real).await, done, "{tool}: a repeat does nothing twice");
    (would, done)
}

/// A design that is live is taken back and made anew.
pub async fn designs(agent: &mut Checked<'_>, live: &Value) {
    let service = agent.service;
    let mut change = json!({ "designId": live, "version": 1, "changes": { "responseSla": "4h" }, "why": "two are not enough" });
    let refused = refusal(service, "change_handoff_design", change.clone()).await;
    assert!(refused.contains("Roll it back"), "{refused}");
    let back = json!({ "designId": live, "why": "the pods are not ready" });
    let shown = |of: &Value| of["status"].clone();
    let (would, done) = thrice(agent, "roll_back_handoff_design", &back).await;
    assert_eq!((shown(&would), shown(&done)), (json!("rolled_back"), json!("rolled_back")));
    assert_eq!(done["application"]["status"], "rolled_back");
    assert!(refusal(service, "roll_back_handoff_design", back).await.contains("Nothing of this design"));

    change["version"] = 7.into();
    assert!(refusal(service, "change_handoff_design", change.clone()).await.contains("412"));
    change["version"] = 1.into();
    let (would, done) = thrice(agent, "change_handoff_design", &change).await;
    assert_eq!((&would["version"], &done["version"]), (&json!(2), &json!(2)));
    assert_eq!((&would["inputs"]["responseSla"], &done["status"]), (&json!("4h"), &json!("draft")));
    assert_eq!(would["packet"]["model"], done["packet"]["model"], "the look was right");
}

/// A task that is skipped, one that is tried again, and what the keeper of a gate says.
pub async fn tasks(agent: &mut Checked<'_>) {
    let service = agent.service;
    let made = agent.told("define_handoff", meant(&designs::wanted(), "design-3")).await;
    let id = made["designId"].clone();
    let names: Vec<&Value> =
        made["preflight"].as_array().unwrap().iter().map(|finding| &finding["name"]).collect();
    agent.told("start_plan", meant(&json!({ "planId": id, "waive": names }), "start-3")).await;
    let begins = service.get(&format!("/v1/plans/{}/plan.json", id.as_str().unwrap())).await;
    service.pass_to(begins["startAt"].as_str().unwrap()).await;
    let claim = json!({ "agent": "planner", "planId": id });
    let mut task = Value::Null;
    for attempt in 0..3 {
        let claimed = agent.told("claim_task", meant(&claim, &format!("claim-3-{attempt}"))).await;
        task = claimed["tasks"][0].clone();
        let fail = json!({ "taskId": task["taskId"], "lease": task["lease"], "reason": "no access" });
        agent.told("fail_task", meant(&fail, &format!("fail-3-{attempt}"))).await;
        if attempt == 0 {
            let early = json!({ "taskId": task["taskId"] });
            assert!(refusal(service, "retry_task", early).await.contains("illegal_transition"));
        }
    }
    let of = json!({ "taskId": task["taskId"] });
    assert_eq!(agent.told("show_task", of.clone()).await["status"], "escalated");
    let (would, done) = thrice(agent, "retry_task", &of).await;
    assert_eq!(
        (&would["status"], &done["status"], &done["failures"]),
        (&json!("ready"), &json!("ready"), &json!(0))
    );
    let skip = json!({ "taskId": task["taskId"], "reason": "it is there already" });
    let (would, done) = thrice(agent, "skip_task", &skip).await;
    assert_eq!((&would["status"], &done["status"]), (&json!("skipped"), &json!("skipped")));

    let gate = begins["gates"][0].clone();
    let verdicts: serde_json::Map<String, Value> = gate["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["by"] == "attested")
        .map(|check| (check["id"].as_str().unwrap().to_owned(), json!({ "holds": true })))
        .collect();
    let review = json!({ "planId": id, "gate": gate["id"], "by": "Rosa Diaz", "verdicts": verdicts });
    assert!(refusal(service, "review_plan_gate", review.clone()).await.contains("is waiting"));
    for task in gate["after"].as_array().unwrap() {
        let tasks = service.get(&format!("/v1/tasks?planId={}&limit=200", id.as_str().unwrap())).await;
        let row = tasks["data"].as_array().unwrap().iter().find(|row| row["name"] == *task).unwrap().clone();
        if row["status"] != "skipped" {
            let skip = json!({ "taskId": row["taskId"], "reason": "for the gate" });
            agent.told("skip_task", meant(&skip, row["name"].as_str().unwrap())).await;
        }
    }
    let (would, done) = thrice(agent, "review_plan_gate", &review).await;
    assert_eq!(would, done, "the look was right");
    let shown = agent.told("show_plan", json!({ "planId": id })).await;
    let verdicts = shown["gates"][0]["verdicts"].as_object().unwrap();
    assert!(verdicts.values().any(|said| said["by"] == "Rosa Diaz"), "{verdicts:#?}");
}

/// A renewal whose play changes, and its end.
pub async fn renewals(agent: &mut Checked<'_>) {
    let service = agent.service;
    let listed = agent.told("list_plans", json!({ "kind": "renewal", "status": "running" })).await;
    let id = listed["data"][0]["planId"].clone();
    let version = agent.told("show_renewal", json!({ "renewalId": id })).await["version"].clone();
    let mut change =
        json!({ "renewalId": id, "version": 99, "play": "exec-save", "why": "the sponsor left" });
    assert!(refusal(service, "change_renewal", change.clone()).await.contains("412"));
    change["version"] = version;
    let (would, done) = thrice(agent, "change_renewal", &change).await;
    assert_eq!((&would["play"], &done["play"]), (&json!("exec-save"), &json!("exec-save")));
    assert_eq!(would["version"], done["version"], "the look was right");
    let close = json!({ "renewalId": id, "outcome": "lost", "note": "they went elsewhere" });
    let (would, done) = thrice(agent, "close_renewal", &close).await;
    assert_eq!((&would["status"], &done["status"]), (&json!("closed"), &json!("closed")));
    assert!(refusal(service, "close_renewal", close).await.contains("409"));
}

/// A programme that is held, whose agents change, and whose outputs contradict each other.
pub async fn programmes(agent: &mut Checked<'_>) {
    let service = agent.service;
    let ask = programmes::ask(json!({ "phases": ["strategy"], "worker": "assistant" }));
    let id = agent.told("run_programme", meant(&ask, "programme-2")).await["programmeId"].clone();
    let of = json!({ "programmeId": id });
    let mut hold = of.clone();
    hold["note"] = json!("The board meets first");
    assert!(refusal(service, "resume_programme", of.clone()).await.contains("not held"));
    let (would, held) = thrice(agent, "pause_programme", &hold).await;
    assert_eq!((&would["plan"]["paused"], &held["plan"]["paused"]["why"]), (&Value::Null, &hold["note"]));
    let claim = json!({ "agent": "assistant-1", "kinds": ["coordinator"], "planId": id });
    assert_eq!(agent.told("claim_task", claim.clone()).await["tasks"], json!([]));
    let shown = agent.told("show_programme", of.clone()).await;
    assert_eq!(shown["programme"]["plan"]["paused"]["why"], hold["note"]);
    let (_, on) = thrice(agent, "resume_programme", &of).await;
    assert_eq!(on["plan"]["paused"], Value::Null);
    assert_eq!(agent.told("claim_task", claim).await["tasks"].as_array().unwrap().len(), 1);

    let mut change = json!({ "programmeId": id, "version": 99, "worker": "drafter", "why": "nobody came" });
    assert!(refusal(service, "change_programme", change.clone()).await.contains("412"));
    change["version"] = on["plan"]["version"].clone();
    let (would, changed) = thrice(agent, "change_programme", &change).await;
    assert_eq!(
        (&would["workers"]["all"], &changed["workers"]["all"]),
        (&json!("assistant"), &json!("drafter"))
    );
    service.advance("PT1M").await;
    until_done(service, id.as_str().unwrap()).await;

    let mut raise = of.clone();
    raise["agent"] = json!("growth-analyst");
    raise["files"] = json!(["messaging/brand-voice.md"]);
    raise["description"] = json!("The voice is plain, the dashboards are not");
    let (would, raised) = thrice(agent, "raise_programme_conflict", &raise).await;
    assert_eq!(
        (&would["number"], &raised["number"], &raised["status"]),
        (&json!(1), &json!(1), &json!("open"))
    );
    let mut decide = of.clone();
    decide["number"] = 1.into();
    decide["decision"] = json!("Dashboards are plain as well");
    decide["rationale"] = json!("One reader, one voice");
    let (would, decided) = thrice(agent, "decide_programme_conflict", &decide).await;
    assert_eq!((&would["status"], &decided["change"]), (&json!("decided"), &raise["files"]));
    let known = agent.told("list_programme_conflicts", of).await;
    assert_eq!(known["data"], json!([decided]));
}
