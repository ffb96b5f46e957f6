//! Designs and their plans from the command line: the program as a process of its own, against a running service.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::company;
use crate::client::ADMIN_KEY;
use crate::harness::{DataDir, Service, expect_fitting_plan};

/// Runs the program in a folder against the service.
pub async fn gtm(service: &Service, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gtm"));
    command
        .args(arguments)
        .args(["--url", &format!("http://{}", service.running.address)])
        .env("GTM_API_KEY", ADMIN_KEY)
        .current_dir(folder);
    command.output().await.unwrap()
}

/// What it said, where it did what it was told.
#[track_caller]
pub fn said(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_design_is_made_written_and_run_from_the_command_line() {
    let service = Service::sandbox().await;
    company(&service).await;
    let out = DataDir::new();
    let define = [
        "define-handoff",
        "--segment",
        "enterprise",
        "--goal",
        "pipeline",
        "--response-sla",
        "2h",
        "--handling",
        "30m",
        "--preparing",
        "5m",
        "--arrivals-per-week",
        "60",
        "--author",
        "Rosa Diaz",
        "--out",
        "packet",
        "--save-plan",
    ];
    let told = said(&gtm(&service, &out.0, &define).await);
    assert!(told.contains("2h") && told.contains("Written: packet/handoff-design.md"), "{told}");
    let packet = out.0.join("packet");
    let markdown = std::fs::read_to_string(packet.join("handoff-design.md")).unwrap();
    assert!(markdown.starts_with("# Handoff design: enterprise, pipeline"), "{markdown}");
    assert!(
        std::fs::read_to_string(packet.join("handoff-design.html")).unwrap().starts_with("<!doctype html>")
    );
    let design = json_of(&packet.join("design.json"));
    let id = design["designId"].as_str().unwrap().to_owned();
    let plan = json_of(&packet.join("plan.json"));
    expect_fitting_plan(&service, &plan).await;
    // Saved where the sources have it, under a name that tells when.
    let plans: Vec<_> = std::fs::read_dir(out.0.join(".claude/plans")).unwrap().map(Result::unwrap).collect();
    let name = plans[0].file_name().into_string().unwrap();
    assert!(plans.len() == 1 && name.starts_with("plan-2") && name.ends_with("Z.json"), "{name}");
    assert_eq!(json_of(&plans[0].path()), plan);

    // Its plan is run by the same program, which says who stands in for whom.
    let started = said(&gtm(&service, &out.0, &["plan", "start", &id]).await);
    assert!(started.starts_with("It runs.") && started.contains("stands in"), "{started}");
    let again = gtm(&service, &out.0, &["plan", "start", &id]).await;
    assert!(!again.status.success(), "it runs already: {again:?}");
    service.pass_to(plan["startAt"].as_str().unwrap()).await;
    let claimed = said(&gtm(&service, &out.0, &["tasks", "claim", "agent-7", "--json"]).await);
    let claimed: Value = serde_json::from_str(&claimed).unwrap();
    let (task, lease) =
        (claimed["tasks"][0]["taskId"].as_str().unwrap(), claimed["tasks"][0]["lease"].to_string());
    let alive = gtm(&service, &out.0, &["tasks", "heartbeat", task, "--lease", &lease, "--for", "1h"]).await;
    assert!(said(&alive).starts_with("Held until "));
    let given_up = said(&gtm(&service, &out.0, &["tasks", "give-up", task, "nobody knows"]).await);
    assert!(given_up.contains("is failed"), "{given_up}");
    let gate = ["plan", "review", &id, "ready-to-sign", "--by", "Rosa Diaz", "--holds", "enablement-ready"];
    let early = gtm(&service, &out.0, &gate).await;
    assert!(!early.status.success(), "the gate waits: {early:?}");
    let off = said(&gtm(&service, &out.0, &["plan", "cancel", &id, "another quarter"]).await);
    assert!(off.contains("cancelled"), "{off}");
    assert_eq!(service.get(&format!("/v1/plans/{id}")).await["status"], json!("cancelled"));
    service.expect_intact_audit().await;
    service.stop().await;
}
