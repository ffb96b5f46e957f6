//! Whole runs with the built-in drafter: every output, all gates, a repository that git finds whole.

use std::path::Path;
use std::process::Command;

use gtm::programmes::business::EXAMPLE;
use gtm::programmes::definition::Definition;
use gtm::programmes::workspace::archive::unpack;
use reqwest::Method;
use serde_json::json;

use super::{ask, begin, paths, read, text, until_done};
use crate::client::Client;
use crate::harness::{DataDir, Service, expect_fitting_plan};

/// Runs git itself; nothing where it is not installed.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The workspace of a run in a folder.
async fn workspace(service: &Client, id: &str) -> DataDir {
    let request = service.request(Method::GET, &format!("/v1/programmes/{id}/archive.tar.gz"));
    let packed = request.send().await.unwrap().bytes().await.unwrap();
    let folder = DataDir::new();
    unpack(&packed, &folder.0).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_run_makes_everything_and_its_history_reads_as_laid_down() {
    let service = Service::live(&[]).await;
    let id = begin(&service, json!({})).await;
    let programme = until_done(&service, &id).await;
    assert_eq!(programme["mode"], "full");
    assert_eq!(programme["durations"]["plannedParallelSeconds"], 175 * 60);
    assert_eq!(programme["durations"]["sourceParallelMinutes"], 150);
    assert!(programme["durations"]["actualSeconds"].is_i64());
    let made = paths(&service, &id).await;
    let definition = Definition::shipped().unwrap();
    for (_, step) in definition.steps() {
        for agent in definition.doers(step) {
            for output in &step.outputs {
                let path = output.path_for(agent);
                let there = made
                    .iter()
                    .any(|made| if path.ends_with('/') { made.starts_with(&path) } else { *made == path });
                assert!(there, "{path}");
            }
            assert!(made.contains(&format!("status/{}.md", agent.id)));
        }
    }
    let gates = service.get(&format!("/v1/programmes/{id}/gates")).await;
    for gate in gates["data"].as_array().unwrap() {
        assert_eq!(gate["status"], "passed", "{gate:#}");
    }
    let status = text(&service, &id, "status/growth-analyst.md").await;
    assert!(
        status.starts_with("agent: growth-analyst\nphase: 4\n") && status.contains("status: complete"),
        "{status}"
    );
    assert_eq!(text(&service, &id, "CONFIG.md").await, EXAMPLE);
    assert!(text(&service, &id, "strategy/budget-allocation-budget.svg").await.starts_with("<svg"));

    let folder = workspace(&service, &id).await;
    assert!(folder.0.join("workspace/strategy/gtm-strategy.md").exists());
    if let Some(found) = git(&folder.0, &["fsck", "--full", "--strict"]) {
        assert!(found.trim().is_empty(), "{found}");
        check_history(&folder.0);
    }
    service.expect_intact_audit().await;
    service.stop().await;
}

/// One merge per phase, the branches of the source, messages of its form, nothing twice.
fn check_history(folder: &Path) {
    let run = |arguments: &[&str]| git(folder, arguments).unwrap();
    assert_eq!(run(&["status", "--porcelain"]), "");
    let subjects = run(&["log", "--first-parent", "--format=%s", "main"]);
    let expected = [
        "[coordinator] merge: phase 4, analysis and iteration",
        "[coordinator] merge: phase 3, execution and optimisation",
        "[coordinator] merge: phase 2, pipeline building",
        "[coordinator] merge: phase 1, strategy and foundation",
        "[coordinator] setup: add the business configuration",
    ];
    assert_eq!(subjects.lines().collect::<Vec<_>>(), expected);
    let branches = run(&["branch", "--format=%(refname:short)"]);
    for branch in [
        "gtm/phase-1-strategy",
        "gtm/phase-2-pipeline-building",
        "gtm/phase-3-execution",
        "gtm/phase-4-analysis",
        "gtm/strategy/2026-02-10-initial",
        "gtm/campaigns/google-ads-search-2026-q1",
        "gtm/enablement/kit-v1",
        "gtm/pipeline/crm-setup",
        "gtm/customer-success/onboarding-v1",
        "gtm/analytics/attribution-model",
    ] {
        assert!(branches.lines().any(|line| line == branch), "{branch}: {branches}");
    }
    let all = run(&["log", "--format=%s", "main"]);
    let agents = [
        "coordinator",
        "brand-messaging",
        "growth-analyst",
        "demand-gen",
        "sales-enablement",
        "pipeline-manager",
        "customer-success",
    ];
    for subject in all.lines() {
        let (agent, rest) = subject.strip_prefix('[').and_then(|rest| rest.split_once("] ")).unwrap();
        assert!(agents.contains(&agent), "{subject}");
        assert!(
            rest.split_once(": ").is_some_and(|(action, said)| !action.is_empty() && !said.is_empty()),
            "{subject}"
        );
    }
    assert!(all.contains("[customer-success] playbook: design 14-day onboarding sequence"), "{all}");
    assert!(all.contains("[sales-enablement] assets: build competitive battle cards for Gearbook, OpsVista and Paper and chat groups"));
    // Each deliverable is added once and never changed in a run that nobody disturbs.
    let added = run(&[
        "log",
        "--no-merges",
        "--diff-filter=A",
        "--name-only",
        "--format=",
        "main",
        "--",
        "workspace",
    ]);
    let mut names: Vec<&str> = added.lines().filter(|line| !line.is_empty()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > 130, "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_go_side_by_side() {
    let service = Service::live(&[]).await;
    let one = begin(&service, json!({ "phases": ["strategy"] })).await;
    let other = begin(&service, json!({ "config": EXAMPLE.replace("Kelpline", "Marshlight").replace("kelpline", "marshlight"), "phases": ["strategy"] })).await;
    until_done(&service, &one).await;
    until_done(&service, &other).await;
    assert_eq!(paths(&service, &one).await, paths(&service, &other).await);
    assert!(text(&service, &one, "strategy/gtm-strategy.md").await.contains("Kelpline Shift"));
    let second = text(&service, &other, "strategy/gtm-strategy.md").await;
    assert!(second.contains("Marshlight Shift") && !second.contains("Kelpline"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_builds_on_what_was_made_before() {
    let service = Service::live(&[]).await;
    let build = json!({ "phases": ["pipeline-building", "execution"] });
    let refused = service.send(Method::POST, "/v1/programmes", Some(ask(build.clone())), 409).await;
    assert_eq!(refused["code"], "inputs_missing");
    let missing = refused["missing"].as_array().unwrap();
    assert!(
        missing.iter().any(|of| of["input"] == "strategy/personas/" && of["madeIn"] == "strategy"),
        "{missing:#?}"
    );
    assert!(refused["detail"].as_str().unwrap().contains("run `strategy` first"), "{refused}");

    let strategy = begin(&service, json!({ "phases": ["strategy"] })).await;
    let first = until_done(&service, &strategy).await;
    assert_eq!(first["mode"], "strategy");
    assert!(
        first["advice"]["doubts"][0].as_str().unwrap().contains("needs `pipeline-building`"),
        "{:#}",
        first["advice"]
    );
    let built = begin(&service, build).await;
    let second = until_done(&service, &built).await;
    assert_eq!((&second["mode"], &second["basedOn"]), (&json!("build-and-execute"), &json!(strategy)));
    // What it builds on lies in its workspace, as it was.
    let path = "strategy/gtm-strategy.md";
    assert_eq!(text(&service, &built, path).await, text(&service, &strategy, path).await);

    let alone = begin(
        &service,
        json!({ "agent": "growth-analyst", "task": "Analyze last month's campaign performance" }),
    )
    .await;
    let third = until_done(&service, &alone).await;
    assert_eq!((&third["mode"], &third["plan"]["gates"]), (&json!("single-agent"), &json!([])));
    assert!(paths(&service, &alone).await.contains(&"analytics/performance-analysis.md".to_owned()));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_before_anything_runs() {
    let service = Service::live(&[]).await;
    let wrong = EXAMPLE.replace("- Share: 30 %", "- Share: 40 %");
    let refused = service.send(Method::POST, "/v1/programmes", Some(json!({ "config": wrong })), 422).await;
    let fault = &refused["config"][0];
    assert!(
        fault["message"].as_str().unwrap().contains("add up to 110 %")
            && fault["line"].as_u64().unwrap() > 100,
        "{refused:#}"
    );
    let slip = ask(json!({ "phases": ["strategi"], "workers": { "agents": { "copywriter": "person" } } }));
    let refused = service.send(Method::POST, "/v1/programmes", Some(slip), 422).await;
    let pointers: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|of| of["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["#/workers/agents/copywriter", "#/phases/0"]);
    let dry = service.send(Method::POST, "/v1/programmes", Some(ask(json!({ "dryRun": true }))), 200).await;
    assert_eq!((&dry["programmeId"], &dry["mode"]), (&json!(null), &json!("full")));
    assert_eq!(dry["advice"]["course"]["advice"], "iterate");
    assert_eq!(service.number("SELECT count(*) FROM programme").await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_runs_a_programme_without_a_service() {
    let database = gtm::testing::database().await;
    let (data, out) = (DataDir::new(), DataDir::new());
    let config = data.0.join("CONFIG.md");
    std::fs::write(&config, EXAMPLE).unwrap();
    let folder = out.0.join("workspace-of-run");
    let run = |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gtm"));
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(&data.0)
            .env("DATABASE_URL", database.url())
            .env("GTM_LOG__FILTER", "error");
        command.output()
    };
    let (config, folder_name) = (config.to_str().unwrap(), folder.to_str().unwrap());
    let done = run(&["programme", "run", "--phase", "strategy", "--config", config, "--out", folder_name])
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(
        said.contains("✓ Buyer persona profiles (coordinator)") && said.contains("✓ gate “strategy” passed"),
        "{said}"
    );
    assert!(folder.join("workspace/strategy/gtm-strategy.md").exists());
    // A folder with changes that nobody committed is not written over.
    std::fs::write(folder.join("workspace/strategy/gtm-strategy.md"), "mine").unwrap();
    let refused = run(&["programme", "run", "--phase", "strategy", "--config", config, "--out", folder_name])
        .await
        .unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("changes that nobody committed"));
    let task = ["agent", "run", "coordinator", "--task", "Analyse the competitors"];
    let done = run(&task).await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("Competitive landscape"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_found_and_told_by_its_company() {
    let service = Service::live(&[]).await;
    let id = begin(&service, json!({ "phases": ["strategy"], "start": false })).await;
    assert_eq!(read(&service, &id).await["plan"]["status"], "draft");
    let rows = service.get("/v1/programmes?company=Kelpline").await;
    assert_eq!(rows["data"][0]["programmeId"], json!(id));
    assert_eq!(service.get("/v1/programmes?company=Nobody").await["data"], json!([]));
    service.send(Method::POST, &format!("/v1/programmes/{id}/start"), Some(json!({})), 200).await;
    until_done(&service, &id).await;
    let plan = service.get(&format!("/v1/programmes/{id}/plan.json")).await;
    assert_eq!(plan["kind"], "programme");
    expect_fitting_plan(&service, &plan).await;
    let changes = service.get(&format!("/v1/programmes/{id}/changes")).await;
    assert_eq!(changes["data"].as_array().unwrap().len(), 1);
    let schema = service.get("/v1/programmes/schemas/budget").await;
    assert_eq!(schema["properties"]["data"]["type"], "object");
    service.send(Method::GET, "/v1/programmes/schemas/nothing", None, 404).await;
    let definition = service.get("/v1/programmes/definition").await;
    assert_eq!(definition["phases"].as_array().unwrap().len(), 4);
    service.stop().await;
}
