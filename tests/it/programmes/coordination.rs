//! What the coordinator does: attesting, deciding conflicts.

use reqwest::Method;
use serde_json::json;

use super::{begin, text, until_done, until_gate};
use crate::harness::{DataDir, Service};
use crate::process::Process;

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_computes_waits_for_the_coordinators_word() {
    let folder = DataDir::new();
    std::fs::create_dir_all(folder.0.join("phases")).unwrap();
    for (path, shipped) in
        gtm::programmes::definition::SHIPPED.iter().filter(|(path, _)| path.starts_with("phases/"))
    {
        let attested = shipped.replace("rule = \"positioning_framework\"", "attested = true");
        std::fs::write(folder.0.join(path), attested).unwrap();
    }
    let definition = folder.0.display().to_string();
    let service = Service::live(&[("GTM_PROGRAMMES__DEFINITION_DIR", &definition)]).await;
    let id = begin(&service, json!({ "phases": ["strategy"] })).await;
    let gate = loop {
        let gate = until_gate(&service, &id, "messaging", "open").await;
        if gate["checks"][1]["said"].is_object() {
            break gate;
        }
    };
    assert_eq!((&gate["checks"][0]["computed"], &gate["checks"][0]["passed"]), (&json!(false), &json!(null)));
    assert_eq!(gate["checks"][1]["passed"], json!(true));
    let path = format!("/v1/programmes/{id}/gates/messaging/review");
    let say = |check: &str, reason: &str| json!({ "verdicts": [{ "check": check, "holds": true, "reason": reason }] });
    let refused = service.send(Method::POST, &path, Some(say("positioning-framework", " ")), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "#/verdicts/0/reason");
    let refused = service.send(Method::POST, &path, Some(say("persona-variants", "I think so")), 422).await;
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("cannot be attested"), "{refused}");
    let refused = service.send(Method::POST, &path, Some(say("persona-variant", "I think so")), 422).await;
    assert!(
        refused["errors"][0]["detail"].as_str().unwrap().contains("did you mean `persona-variants`?"),
        "{refused}"
    );
    service
        .send(Method::POST, &format!("/v1/programmes/{id}/gates/nowhere/review"), Some(json!({})), 404)
        .await;
    service
        .send(Method::POST, &path, Some(say("positioning-framework", "Read to five plant managers")), 200)
        .await;
    until_done(&service, &id).await;
    let gate = until_gate(&service, &id, "messaging", "passed").await;
    assert_eq!(gate["checks"][0]["said"]["note"], "Read to five plant managers");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_keeps_the_definition_that_it_was_made_by() {
    let (folder, data) = (DataDir::new(), DataDir::new());
    std::fs::create_dir_all(folder.0.join("templates/strategy")).unwrap();
    let template = folder.0.join("templates/strategy/gtm-strategy.md");
    let shipped = gtm::programmes::definition::Definition::shipped().unwrap();
    let ours =
        format!("{}\nWritten as our house writes it.\n", shipped.templates["strategy/gtm-strategy.md"]);
    std::fs::write(&template, ours).unwrap();
    let database = gtm::testing::database().await;
    let definition = folder.0.display().to_string();
    let settings = [("GTM_PROGRAMMES__DEFINITION_DIR", definition.as_str())];
    let process = Process::start(&database.url(), &data.0, &settings).await;
    let draft = begin(&process.client, json!({ "phases": ["strategy"], "start": false })).await;
    process.kill().await;
    // The service goes on by what ships; the run, which was only made so far, by what it was made by.
    let process = Process::start(&database.url(), &data.0, &[]).await;
    process.client.send(Method::POST, &format!("/v1/programmes/{draft}/start"), Some(json!({})), 200).await;
    until_done(&process.client, &draft).await;
    let fresh = begin(&process.client, json!({ "phases": ["strategy"] })).await;
    until_done(&process.client, &fresh).await;
    let said = |text: String| text.contains("Written as our house writes it.");
    assert!(said(text(&process.client, &draft, "strategy/gtm-strategy.md").await));
    assert!(!said(text(&process.client, &fresh, "strategy/gtm-strategy.md").await));
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_raised_decided_and_applied() {
    let service = Service::live(&[]).await;
    let id = begin(&service, json!({ "phases": ["strategy"] })).await;
    until_done(&service, &id).await;
    let path = format!("/v1/programmes/{id}/conflicts");
    let raise = json!({
        "agent": "growth-analyst", "files": ["messaging/brand-voice.md"],
        "description": "The voice is plain, the dashboards are not",
    });
    let mut wrong = raise.clone();
    wrong["files"] = json!(["nothing.md"]);
    let refused = service.send(Method::POST, &path, Some(wrong), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "#/files/0");
    let raised = service.send(Method::POST, &path, Some(raise), 201).await;
    assert_eq!((&raised["number"], &raised["status"]), (&json!(1), &json!("open")));
    assert!(text(&service, &id, "conflicts/001.md").await.contains("The voice is plain"));

    let voice = text(&service, &id, "messaging/brand-voice.md").await;
    let file = format!("/v1/programmes/{id}/files/messaging/brand-voice.md");
    let put = json!({ "text": format!("{voice}\nDashboards too.\n"), "conflict": 1, "why": "as decided" });
    let early = service.send(Method::PUT, &file, Some(put.clone()), 409).await;
    assert!(early["detail"].as_str().unwrap().contains("is not decided yet"), "{early}");
    let decide = json!({ "decision": "Dashboards are plain as well", "rationale": "One reader, one voice" });
    let decided = service.send(Method::POST, &format!("{path}/1/decide"), Some(decide.clone()), 200).await;
    assert_eq!(decided["status"], "decided");
    service.send(Method::POST, &format!("{path}/1/decide"), Some(decide), 409).await;
    assert!(text(&service, &id, "strategy/decisions/001.md").await.contains("One reader, one voice"));
    service.send(Method::PUT, &file, Some(put), 200).await;
    let known = service.get(&path).await;
    assert_eq!(
        (&known["data"][0]["status"], &known["data"][0]["applied"]),
        (&json!("applied"), &json!(["messaging/brand-voice.md"]))
    );
    let archive =
        service.request(Method::GET, &format!("/v1/programmes/{id}/archive.tar.gz")).send().await.unwrap();
    assert_eq!(archive.status(), 200);
    service.stop().await;
}
