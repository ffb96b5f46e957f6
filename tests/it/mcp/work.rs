//! Designs, renewals, tasks and programmes by the tools for AI agents: looked at first, then meant, and worked off to the end.

use serde_json::{Value, json};

use super::agent::{ask, refusal, told};
use super::tools::Checked;
use crate::harness::Service;
use crate::programmes::workers::from_drafter;
use crate::programmes::{begin, until_done};
use crate::{designs, programmes, renewals};

/// The same call, meant.
pub fn meant(arguments: &Value, key: &str) -> Value {
    let mut real = arguments.clone();
    real["dryRun"] = false.into();
    real["idempotencyKey"] = key.into();
    real
}

/// A design from its preview to its signatures and the live roster; gives its id.
pub async fn designs(agent: &mut Checked<'_>) -> Value {
    let service = agent.service;
    designs::company(service).await;
    let mut wanted = designs::wanted();
    wanted["dependencies"] = json!([{ "name": "scoring model v2", "ready": false }]);
    let preview = agent.told("define_handoff", wanted.clone()).await;
    assert_eq!(preview["designId"], Value::Null);
    assert_eq!(service.number("SELECT count(*) FROM handoff_design").await, 0);
    let real = meant(&wanted, "design-1");
    let made = agent.told("define_handoff", real.clone()).await;
    assert_eq!(made["packet"]["model"], preview["packet"]["model"], "the preview was right");
    let id = made["designId"].clone();
    assert_eq!(agent.told("define_handoff", real).await["designId"], id, "a repeat makes no second one");

    let look = json!({ "designId": id });
    let refused = refusal(service, "apply_handoff_design", look.clone()).await;
    assert!(refused.contains("sign-offs"), "{refused}");
    for (role, name) in [("revops", "Rosa Diaz"), ("sales_leadership", "Tom Baker")] {
        let sign = json!({ "designId": id, "role": role, "name": name, "version": 1 });
        let would = agent.told("sign_handoff_design", sign.clone()).await;
        let count = would["approvals"].as_array().unwrap().len();
        let signed = agent.told("sign_handoff_design", meant(&sign, role)).await;
        assert_eq!(signed["approvals"].as_array().unwrap().len(), count, "the look was right");
        assert_eq!((&would["status"], &would["approvals"][0]["role"]), (&signed["status"], &json!("revops")));
        assert_eq!(agent.told("sign_handoff_design", meant(&sign, role)).await, signed);
    }
    let second = json!({ "designId": id, "role": "revops", "name": "Tom Baker", "version": 1 });
    assert!(refusal(service, "sign_handoff_design", second).await.contains("already_signed"));

    let would = agent.told("apply_handoff_design", look.clone()).await;
    assert_eq!((&would["status"], &would["application"]["status"]), (&json!("applied"), &json!("applied")));
    let shown = agent.told("show_handoff_design", look.clone()).await;
    assert_eq!(
        (&shown["status"], &shown["application"]),
        (&json!("approved"), &Value::Null),
        "it was a look"
    );
    assert_eq!(service.number("SELECT count(*) FROM roster_entry WHERE kind = 'sla_terms'").await, 0);
    let later = json!({ "designId": id, "at": service.now() + chrono::TimeDelta::days(60) });
    assert_eq!(agent.told("apply_handoff_design", later).await["status"], "scheduled");
    let live = agent.told("apply_handoff_design", meant(&look, "design-live")).await;
    assert_eq!(live["status"], "applied");
    assert_eq!(agent.told("apply_handoff_design", meant(&look, "design-live")).await, live);
    agent.told("watch_sla", json!({ "groupBy": "team" })).await;
    id
}

/// The plan of another design: found, started, its tasks taken, kept, given back, done.
pub async fn tasks(agent: &mut Checked<'_>, live: &Value) {
    let service = agent.service;
    let made = agent.told("define_handoff", meant(&designs::wanted(), "design-2")).await;
    let id = &made["designId"];
    let listed = agent.told("list_plans", json!({ "kind": "handoff_design", "status": "draft" })).await;
    let ids: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|plan| &plan["planId"]).collect();
    assert!(ids.contains(&id) && ids.contains(&live), "{listed:#}");
    let plan = json!({ "planId": id });
    let missing: Vec<&Value> =
        made["preflight"].as_array().unwrap().iter().map(|finding| &finding["name"]).collect();
    let start = json!({ "planId": id, "waive": missing });
    assert_eq!(agent.told("start_plan", start.clone()).await["status"], "draft", "it was a look");
    assert_eq!(agent.told("start_plan", meant(&start, "start")).await["status"], "running");
    let begins = service.get(&format!("/v1/plans/{}/plan.json", id.as_str().unwrap())).await;
    service.pass_to(begins["startAt"].as_str().unwrap()).await;

    let claim = json!({ "agent": "planner", "planId": id, "lease": "1h" });
    let would = agent.told("claim_task", claim.clone()).await;
    let ready = json!({ "status": "ready", "planId": id });
    let before = agent.told("list_tasks", ready.clone()).await;
    assert_eq!(before["data"][0]["taskId"], would["tasks"][0]["taskId"], "it was left there");
    let first = agent.told("claim_task", meant(&claim, "claim-1")).await["tasks"][0].clone();
    assert_eq!(agent.told("claim_task", meant(&claim, "claim-1")).await["tasks"][0], first);
    assert_eq!(first["taskId"], would["tasks"][0]["taskId"]);
    let at_would = json!({ "taskId": first["taskId"], "lease": would["tasks"][0]["lease"] });
    assert!(
        refusal(service, "complete_task", at_would).await.contains("lease_lost"),
        "a look gives no lease"
    );

    let held = json!({ "taskId": first["taskId"], "lease": first["lease"], "for": "2h" });
    let would = agent.told("heartbeat_task", held.clone()).await;
    assert_eq!(
        agent.told("show_task", json!({ "taskId": first["taskId"] })).await["heldUntil"],
        first["leaseUntil"]
    );
    let kept = agent.told("heartbeat_task", meant(&held, "alive")).await;
    assert_eq!(
        (&kept["lease"], kept["leaseUntil"].as_str() >= would["leaseUntil"].as_str()),
        (&first["lease"], true)
    );
    let fail =
        json!({ "taskId": first["taskId"], "lease": first["lease"], "reason": "the scoring is not there" });
    assert_eq!(agent.told("fail_task", fail.clone()).await["status"], "ready");
    assert_eq!(agent.told("show_task", json!({ "taskId": first["taskId"] })).await["status"], "claimed");
    assert_eq!(agent.told("fail_task", meant(&fail, "fail")).await["failures"], 1);

    let again = agent.told("claim_task", meant(&claim, "claim-2")).await["tasks"][0].clone();
    let done = json!({ "taskId": again["taskId"], "lease": again["lease"], "outputs": again["outputs"], "note": "x" });
    assert_eq!(agent.told("complete_task", done.clone()).await["status"], "done");
    assert_eq!(agent.told("show_task", json!({ "taskId": again["taskId"] })).await["status"], "claimed");
    assert_eq!(agent.told("complete_task", meant(&done, "done")).await["status"], "done");
    let after = agent.told("list_tasks", ready).await;
    assert_ne!(after["data"][0]["taskId"], again["taskId"], "the plan goes on");
    let shown = agent.told("show_plan", plan).await;
    assert!(shown["plan"].is_null() && shown["tasks"][0]["result"].is_null(), "{shown:#}");
    agent.told("show_plan", json!({ "planId": id, "report": true })).await;
}

/// A renewal from the list of those that come to its first checkpoint.
pub async fn renewals(agent: &mut Checked<'_>) {
    let service = agent.service;
    renewals::customer(service, "globex", 100).await;
    let coming = agent.told("list_upcoming_renewals", json!({ "days": 120 })).await;
    assert_eq!(coming["data"][0]["accountId"], "globex", "{coming:#}");
    let ask = json!({ "accountId": "globex", "people": renewals::people(), "why": "it comes" });
    let would = agent.told("plan_renewal", ask.clone()).await;
    assert_eq!(service.number("SELECT count(*) FROM renewal").await, 0);
    let made = agent.told("plan_renewal", meant(&ask, "renewal")).await;
    assert_eq!((&made["play"], &made["tasks"]), (&would["play"], &would["tasks"]), "the preview was right");
    assert_eq!(agent.told("plan_renewal", meant(&ask, "renewal")).await["renewalId"], made["renewalId"]);
    let id = &made["renewalId"];
    let start = json!({ "planId": id, "waive": ["*"] });
    assert_eq!(agent.told("start_plan", start.clone()).await["status"], "draft");
    assert_eq!(agent.told("start_plan", meant(&start, "renewal-start")).await["status"], "running");

    let red = json!({ "renewalId": id, "number": 1, "rating": "red", "note": "the sponsor left" });
    let would = agent.told("hold_renewal_checkpoint", red.clone()).await;
    assert_eq!(would["checkpoints"][0]["held"]["rating"], "red");
    let shown = agent.told("show_renewal", json!({ "renewalId": id })).await;
    assert_eq!(shown["checkpoints"][0]["held"], Value::Null, "it was a look");
    let held = agent.told("hold_renewal_checkpoint", meant(&red, "red")).await;
    assert_eq!(held["checkpoints"][0]["status"], "held");
    assert!(refusal(service, "hold_renewal_checkpoint", red).await.contains("409"));
}

/// A programme that waits for its agents, and what is said of its gates.
pub async fn programmes(agent: &mut Checked<'_>) {
    let service = agent.service;
    let mut ask = programmes::ask(json!({ "phases": ["strategy"], "worker": "assistant" }));
    let would = agent.told("run_programme", ask.clone()).await;
    assert_eq!(would["programmeId"], Value::Null);
    assert_eq!(service.number("SELECT count(*) FROM programme").await, 0);
    ask["start"] = false.into();
    let made = agent.told("run_programme", meant(&ask, "programme")).await;
    assert_eq!(made["tasks"], would["tasks"]);
    let id = &made["programmeId"];
    let start = json!({ "planId": id });
    assert_eq!(agent.told("start_plan", start.clone()).await["status"], "draft");
    assert_eq!(agent.told("start_plan", meant(&start, "programme-start")).await["status"], "running");
    let shown = agent.told("show_programme", json!({ "programmeId": id })).await;
    assert_eq!((&shown["programme"]["plan"]["plan"], &shown["files"]["data"]), (&Value::Null, &json!([])));
    let gates = agent.told("review_gate", json!({ "programmeId": id, "gate": "strategy" })).await;
    assert_eq!(gates, shown["gates"]);
    let wrong = json!({ "programmeId": id, "gate": "strategy", "verdicts": [{ "check": "budget-sums", "holds": true, "reason": "x" }] });
    let refused = refusal(service, "review_gate", wrong).await;
    assert!(refused.contains("computed"), "{refused}");
    let broken = json!({ "config": "+++\ncompany = 7\n+++\n" });
    assert!(refusal(service, "run_programme", broken).await.contains("CONFIG.md"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_the_coordinators_work_and_the_programme_goes_on() {
    let service = Service::live(&[]).await;
    let drafted = begin(&service, json!({ "phases": ["strategy"] })).await;
    until_done(&service, &drafted).await;
    let run = programmes::ask(json!({ "phases": ["strategy"], "workers": { "coordinator": "assistant" } }));
    let made = told(&service, "run_programme", meant(&run, "run")).await;
    let id = made["programmeId"].as_str().unwrap();
    let claim = json!({ "agent": "assistant-1", "kinds": ["coordinator"], "planId": id, "lease": "1h" });
    let (mut taken, mut handed_in) = (0, 0);
    loop {
        taken += 1;
        let claimed = told(&service, "claim_task", meant(&claim, &format!("claim-{taken}"))).await;
        let Some(task) = claimed["tasks"].as_array().unwrap().first() else {
            if told(&service, "show_plan", json!({ "planId": id })).await["status"] == "done" {
                break;
            }
            tokio::task::yield_now().await;
            continue;
        };
        handed_in += 1;
        let mut hand_in =
            json!({ "taskId": task["taskId"], "lease": task["lease"], "data": { "files": [] } });
        let said = refusal(&service, "complete_task", hand_in.clone()).await;
        assert!(said.contains("#/data/files"), "what is missing is named: {said}");
        hand_in["data"]["files"] = from_drafter(&service, task).await;
        assert_eq!(told(&service, "complete_task", hand_in.clone()).await["status"], "done");
        let done = told(&service, "complete_task", meant(&hand_in, &format!("done-{taken}"))).await;
        assert_eq!((&done["status"], &done["taskId"]), (&json!("done"), &task["taskId"]));
    }
    assert!(handed_in >= 2, "the coordinator had work");
    until_done(&service, id).await;
    let shown = told(&service, "show_programme", json!({ "programmeId": id })).await;
    assert!(shown["gates"]["data"].as_array().unwrap().iter().all(|gate| gate["status"] == "passed"));
    let file = format!("gtm://programmes/{id}/files/strategy/gtm-strategy.md");
    for uri in [file, format!("gtm://plans/{id}/report"), format!("gtm://plans/{id}/plan.json")] {
        let read = ask(&service, "resources/read", json!({ "uri": uri })).await;
        assert!(read["contents"][0]["text"].as_str().unwrap().len() > 200, "{uri}: {read:#}");
    }
    service.expect_intact_audit().await;
    service.stop().await;
}
