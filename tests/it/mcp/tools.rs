//! What agents do is what the API does: scopes, dry runs, keys for repeats, faults, the audit log; and every answer fits the
//! schema that was published for it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::agent::{ask, call, refusal, schemas, stop, text, told, with_scopes};
use super::{steering, work};
use crate::handoffs::{prospect, sales_team};
use crate::harness::Service;
use crate::stories::{employees, worked_example};

/// Checks answers against the published schemas.
pub struct Checked<'s> {
    pub service: &'s Service,
    schemas: Map<String, Value>,
    inputs: Map<String, Value>,
    called: BTreeSet<String>,
}

fn fits(schema: &Value, value: &Value, what: &str) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let fault = |fault: jsonschema::ValidationError<'_>| format!("{}: {fault}", fault.instance_path());
    let faults: Vec<String> = validator.iter_errors(value).map(fault).collect();
    assert!(faults.is_empty(), "{what}: {faults:#?}\n{value:#}");
}

impl Checked<'_> {
    pub async fn told(&mut self, tool: &str, arguments: Value) -> Value {
        fits(&self.inputs[tool], &arguments, tool);
        let answer = told(self.service, tool, arguments).await;
        fits(&self.schemas[tool], &answer, tool);
        self.called.insert(tool.to_owned());
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_fits_its_schema_and_nothing_is_written_before_it_is_meant() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    service.events(&worked_example(service.now(), "acc_1", TimeDelta::zero())).await;
    let (inputs, schemas) = schemas(&service).await;
    let mut agent = Checked { service: &service, schemas, inputs, called: BTreeSet::new() };
    decisions(&mut agent).await;
    handoffs(&mut agent).await;
    let design = work::designs(&mut agent).await;
    work::tasks(&mut agent, &design).await;
    work::renewals(&mut agent).await;
    work::programmes(&mut agent).await;
    steering::designs(&mut agent, &design).await;
    steering::tasks(&mut agent).await;
    steering::renewals(&mut agent).await;
    steering::programmes(&mut agent).await;
    assert_eq!(agent.told("verify_audit", json!({})).await["intact"], true);
    let uncalled: Vec<&String> = agent.schemas.keys().filter(|tool| !agent.called.contains(*tool)).collect();
    assert!(uncalled.is_empty(), "every tool's answer is checked here: {uncalled:?}");
    stop(service).await;
}

/// An account is looked at, decided on, explained, and a conflict over it resolved.
async fn decisions(agent: &mut Checked<'_>) {
    let service = agent.service;
    let found = agent.told("find_accounts", json!({ "name": "acme" })).await;
    assert_eq!(found["data"][0]["accountId"], "acme");
    let signals = agent.told("get_account_signals", json!({ "accountId": "acc_1" })).await;
    assert!(signals["signals"]["usage"]["depth"].is_number());

    let preview = agent.told("orchestrate_account", json!({ "accountId": "acc_1" })).await;
    assert_eq!((&preview["dryRun"], &preview["outcome"]), (&json!(true), &json!("executed")));
    assert_eq!(service.number("SELECT count(*) FROM decision").await, 0);
    let real = json!({ "accountId": "acc_1", "dryRun": false, "idempotencyKey": "one" });
    let decided = agent.told("orchestrate_account", real.clone()).await;
    let again = agent.told("orchestrate_account", real).await;
    assert_eq!(decided, again, "the same key gives the same answer");
    assert_eq!(service.number("SELECT count(*) FROM decision").await, 1);

    let explained = agent.told("explain_decision", json!({ "decisionId": decided["decisionId"] })).await;
    let newest = agent.told("explain_decision", json!({ "accountId": "acc_1" })).await;
    assert_eq!(explained["decision"], newest["decision"]);
    let said = explained["explanation"].as_str().unwrap();
    assert!(["Evidence", "Rules, in order", "Guardrails"].iter().all(|part| said.contains(part)), "{said}");
    agent.told("replay_decision", json!({ "decisionId": decided["decisionId"] })).await;
    let listed =
        agent.told("list_decisions", json!({ "outcome": "executed", "motion": "sales_assist" })).await;
    assert_eq!(listed["data"][0]["decisionId"], decided["decisionId"]);
    agent.told("get_account_timeline", json!({ "accountId": "acc_1" })).await;

    service.events(&[employees("acc_1", 20)]).await;
    let wanted = json!({ "accountId": "acc_1", "dryRun": false, "idempotencyKey": "two" });
    assert_eq!(agent.told("orchestrate_account", wanted).await["outcome"], "conflict");
    let conflicts = agent.told("list_conflicts", json!({ "status": "open" })).await;
    let conflict = &conflicts["data"][0]["conflictId"];
    let mut resolve = json!({ "conflictId": conflict, "resolution": "switch", "note": "it is small" });
    let would = agent.told("resolve_conflict", resolve.clone()).await;
    assert_eq!(would["decision"]["outcome"], "executed", "{would:#}");
    assert_eq!(
        agent.told("list_conflicts", json!({ "status": "open" })).await["data"][0]["conflictId"],
        *conflict
    );
    resolve["dryRun"] = false.into();
    resolve["idempotencyKey"] = "three".into();
    let resolved = agent.told("resolve_conflict", resolve.clone()).await;
    assert_eq!(resolved, agent.told("resolve_conflict", resolve).await, "a repeat resolves nothing twice");
    assert_eq!(agent.told("list_conflicts", json!({ "status": "open" })).await["data"], json!([]));
}

/// A handoff from its preview to its outcome, and what is measured of it.
async fn handoffs(agent: &mut Checked<'_>) {
    let service = agent.service;
    let mut handover = json!({ "handoffType": "mql_to_sales", "accountId": "acme", "dealId": "d1" });
    let preview = agent.told("create_handoff", handover.clone()).await;
    let of_acme = "SELECT count(*) FROM handoff WHERE account_id = 'acme'";
    assert_eq!(service.number(of_acme).await, 0);
    handover["dryRun"] = false.into();
    handover["idempotencyKey"] = "four".into();
    let opened = agent.told("create_handoff", handover.clone()).await;
    assert_eq!(opened["assignedOwner"]["id"], preview["assignedOwner"]["id"], "the preview was right");
    assert_eq!(agent.told("create_handoff", handover).await["handoffId"], opened["handoffId"]);
    assert_eq!(service.number(of_acme).await, 1);
    let id = &opened["handoffId"];
    let shown = agent.told("show_handoff", json!({ "handoffId": id })).await;
    assert_eq!(shown["package"]["company"]["name"], "Acme <Corp>");
    assert!(
        agent.told("list_handoffs", json!({ "ownerId": shown["assignedOwner"]["id"] })).await["data"][0]["handoffId"]
            == *id
    );

    let mut contact = json!({ "handoffId": id, "action": "contact" });
    assert_eq!(agent.told("advance_handoff", contact.clone()).await["status"], "contacted");
    assert_eq!(
        agent.told("show_handoff", json!({ "handoffId": id })).await["status"],
        "assigned",
        "it was a look"
    );
    contact["dryRun"] = false.into();
    contact["idempotencyKey"] = "five".into();
    assert_eq!(agent.told("advance_handoff", contact).await["status"], "contacted");
    for (number, action) in
        [json!({ "action": "reassign", "ownerId": "meg" }), json!({ "action": "convert", "nps": 9 })]
            .into_iter()
            .enumerate()
    {
        let mut deed = action;
        deed["handoffId"] = id.clone();
        deed["dryRun"] = false.into();
        deed["idempotencyKey"] = format!("six-{number}").into();
        agent.told("advance_handoff", deed).await;
    }
    let ended = agent.told("show_handoff", json!({ "handoffId": id })).await;
    assert_eq!((&ended["status"], &ended["nps"]), (&json!("converted"), &json!(9)));

    agent.told("preview_sla", json!({ "type": "mql_to_sales" })).await;
    let measured = agent.told("measure_handoffs", json!({ "groupBy": "type" })).await;
    assert_eq!(measured["total"]["count"], service.number("SELECT count(*) FROM handoff").await);
    agent.told("measure_pools", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_each_action_writes_nothing() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    let open =
        json!({ "handoffType": "mql_to_sales", "accountId": "acme", "dryRun": false, "idempotencyKey": "k" });
    let id = told(&service, "create_handoff", open).await["handoffId"].clone();
    let before = (
        service.get(&format!("/v1/handoffs/{}", id.as_str().unwrap())).await,
        service.number("SELECT count(*) FROM audit_entry").await,
        service.number("SELECT count(*) FROM delivery").await,
    );
    for (action, status) in [
        (json!({ "action": "acknowledge" }), "acknowledged"),
        (json!({ "action": "contact" }), "contacted"),
        (json!({ "action": "meeting" }), "meeting_booked"),
        (json!({ "action": "convert", "nps": 10 }), "converted"),
        (json!({ "action": "lose", "reason": "no budget" }), "lost"),
        (json!({ "action": "reject", "reason": "not mine", "reroute": false }), "rejected"),
        (json!({ "action": "reject", "reason": "not mine" }), "assigned"),
        (json!({ "action": "reassign" }), "assigned"),
        (json!({ "action": "cancel" }), "cancelled"),
        (json!({ "action": "rollback" }), "rolled_back"),
    ] {
        let mut look = action.clone();
        look["handoffId"] = id.clone();
        assert_eq!(told(&service, "advance_handoff", look).await["status"], status, "{action}");
    }
    let after = (
        service.get(&format!("/v1/handoffs/{}", id.as_str().unwrap())).await,
        service.number("SELECT count(*) FROM audit_entry").await,
        service.number("SELECT count(*) FROM delivery").await,
    );
    assert_eq!(before, after);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_offered_what_it_is_enough_for_and_told_what_it_lacks() {
    let service = Service::sandbox().await;
    prospect(&service, "acme").await;
    let reader = with_scopes(&service, &["decisions:read"]).await;
    let list = ask(&reader, "tools/list", json!({})).await;
    let names: Vec<&str> =
        list["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let expected = [
        "find_accounts",
        "get_account_signals",
        "get_account_timeline",
        "list_decisions",
        "explain_decision",
        "list_conflicts",
    ];
    assert_eq!(names, expected);
    assert_eq!(list["cacheScope"], "private", "another key sees another list");
    let said =
        refusal(&reader, "create_handoff", json!({ "handoffType": "mql_to_sales", "accountId": "acme" }))
            .await;
    assert!(said.contains("handoffs:write") && said.contains("whoever runs the service"), "{said}");
    assert_eq!(ask(&reader, "resources/list", json!({})).await["resources"], json!([]));
    let templates = ask(&reader, "resources/templates/list", json!({})).await;
    assert_eq!(templates["resourceTemplates"].as_array().unwrap().len(), 1, "{templates:#}");
    let report = ask(&reader, "resources/read", json!({ "uri": "gtm://vocabulary" })).await;
    assert!(report["message"].as_str().unwrap().contains("config:read"), "{report:#}");
    let all = ask(&service, "tools/list", json!({})).await;
    assert_eq!(all["tools"].as_array().unwrap().len(), 51);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_got_wrong_is_told_at_once_and_in_its_own_words() {
    let service = Service::sandbox().await;
    prospect(&service, "acme").await;
    let said =
        refusal(&service, "create_handoff", json!({ "handofType": "x", "accountId": 7, "dryRun": "no" }))
            .await;
    for place in ["handofType", "did you mean", "#/accountId", "#/dryRun"] {
        assert!(said.contains(place), "{place}: {said}");
    }
    let said =
        refusal(&service, "create_handoff", json!({ "handoffType": "mql_to_sale", "accountId": "a b" }))
            .await;
    assert!(
        said.contains("#/handoffType") && said.contains("mql_to_sales") && said.contains("#/accountId"),
        "{said}"
    );
    let said = refusal(&service, "list_handoffs", json!({ "limit": 500 })).await;
    assert!(said.contains("#/limit") && said.contains("200"), "{said}");
    let open = json!({ "handoffType": "mql_to_sales", "accountId": "acme", "dryRun": false });
    let said = refusal(&service, "create_handoff", open.clone()).await;
    assert!(said.contains("#/idempotencyKey") && said.contains("UUID"), "{said}");
    let mut strange = open;
    strange["idempotencyKey"] = "ü x".into();
    assert!(refusal(&service, "create_handoff", strange).await.contains("#/idempotencyKey"));
    let said = refusal(&service, "get_account_signals", json!({ "accountId": "nobody" })).await;
    assert!(said.contains("404") && said.contains("nobody"), "{said}");
    let said = refusal(&service, "explain_decision", json!({})).await;
    assert!(said.contains("either a decisionId or an accountId"), "{said}");
    let misplaced =
        json!({ "handoffId": "01900000-0000-7000-8000-000000000000", "action": "contact", "nps": 5 });
    let said = refusal(&service, "advance_handoff", misplaced).await;
    assert!(said.contains("#/nps") && said.contains("does not go with this action"), "{said}");
    let refused = call(&service, "get_account_signals", json!({ "accountId": "nobody" })).await;
    let problem = &refused["_meta"]["gtm/problem"];
    assert_eq!((&problem["status"], &problem["code"]), (&json!(404), &json!("not_found")), "{refused:#}");
    assert!(!problem["requestId"].is_null());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_names_the_key_of_the_agent() {
    let service = Service::sandbox().await;
    service.events(&worked_example(service.now(), "acc_1", TimeDelta::zero())).await;
    let agent = with_scopes(&service, &["decisions:write"]).await;
    let real = json!({ "accountId": "acc_1", "dryRun": false, "idempotencyKey": "once" });
    told(&agent, "orchestrate_account", real).await;
    let keys = service.get("/v1/keys").await;
    let key = keys["data"].as_array().unwrap().iter().find(|key| key["label"] == "agent").unwrap();
    let log = service.get("/v1/audit?accountId=acc_1").await;
    let actor = format!("key:{}", key["id"].as_str().or(key["keyId"].as_str()).unwrap());
    assert!(log["data"].as_array().unwrap().iter().any(|entry| entry["actor"] == *actor), "{actor}: {log:#}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_can_be_read_and_conversations_begun() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    prospect(&service, "acme").await;
    let open =
        json!({ "handoffType": "mql_to_sales", "accountId": "acme", "dryRun": false, "idempotencyKey": "k" });
    told(&service, "create_handoff", open).await;
    told(
        &service,
        "orchestrate_account",
        json!({ "accountId": "acme", "dryRun": false, "idempotencyKey": "d" }),
    )
    .await;
    let listed = ask(&service, "resources/list", json!({})).await;
    let uris: Vec<&str> =
        listed["resources"].as_array().unwrap().iter().map(|one| one["uri"].as_str().unwrap()).collect();
    for kind in ["gtm://handoffs/", "gtm://policies/", "gtm://vocabulary", "gtm://event-types"] {
        assert!(uris.iter().any(|uri| uri.starts_with(kind)), "{kind}: {uris:?}");
    }
    let decision = service.newest_decision("acme").await["decisionId"].as_str().unwrap().to_owned();
    let explanation = format!("gtm://decisions/{decision}/explanation");
    for uri in uris.into_iter().chain([explanation.as_str()]) {
        let read = ask(&service, "resources/read", json!({ "uri": uri })).await;
        let contents = &read["contents"][0];
        assert_eq!(contents["uri"], uri, "{read:#}");
        assert!(contents["text"].as_str().unwrap().len() > 100, "{uri}: {contents:#}");
        if uri.starts_with("gtm://handoffs/") {
            assert_eq!(contents["mimeType"], "text/markdown");
            assert!(contents["text"].as_str().unwrap().starts_with('#'), "{contents:#}");
        }
    }
    let missing = ask(&service, "resources/read", json!({ "uri": "gtm://handoffs/x/reports" })).await;
    assert_eq!(missing["code"], -32602, "{missing:#}");
    assert!(missing["message"].as_str().unwrap().contains("gtm://handoffs/{handoffId}/report"));

    let prompts = ask(&service, "prompts/list", json!({})).await;
    assert_eq!(prompts["prompts"].as_array().unwrap().len(), 6);
    let begun = ask(
        &service,
        "prompts/get",
        json!({ "name": "handoff_orchestration", "arguments": { "account": "Acme" } }),
    )
    .await;
    let said = begun["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(said.contains("Acme") && said.contains("create_handoff"), "{said}");
    let wrong = ask(&service, "prompts/get", json!({ "name": "handoff_orchestration" })).await;
    assert!(wrong["message"].as_str().unwrap().contains("account is missing"), "{wrong:#}");
    let report = call(
        &service,
        "show_handoff",
        json!({ "handoffId": service.get("/v1/handoffs").await["data"][0]["handoffId"], "report": true }),
    )
    .await;
    assert!(text(&report).starts_with('#'), "{}", text(&report));
    service.stop().await;
}
