//! Whole runs with the built-in drafter: every output, all gates, a repository that git finds whole.

use std::path::Path;
use std::process::Command;

use gtm::programmes::business::EXAMPLE;
use gtm::programmes::definition::Definition;
use gtm::programmes::deliverable::is_document;
use gtm::programmes::workspace::archive::unpack;
use reqwest::Method;
use serde_json::json;

use super::{ask, begin, paths, read, text, until_done};
use crate::client::Client;
use crate::harness::{DataDir, Service, expect_fitting_plan};

/// Runs git itself; nothing where it is not installed.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The workspace of a run in a folder.
pub(super) async fn workspace(service: &Client, id: &str) -> DataDir {
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

/// No subject stands in a history twice.
pub(super) fn check_subjects(log: &str) {
    let mut seen = std::collections::BTreeSet::new();
    let twice: Vec<&str> = log.lines().filter(|subject| !seen.insert(*subject)).collect();
    assert!(twice.is_empty(), "{twice:?}");
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
        "gtm/campaigns/partner-referrals-2026-q1",
        "gtm/campaigns/all-channels-2026-q1",
        "gtm/campaigns/google-ads-search-launch-2026-q1",
        "gtm/enablement/kit-v1",
        "gtm/pipeline/crm-setup",
        "gtm/customer-success/onboarding-v1",
        "gtm/analytics/attribution-model",
    ] {
        assert!(branches.lines().any(|line| line == branch), "{branch}: {branches}");
    }
    // What lies on the branch of a channel is about that channel.
    let own = ["log", "--no-merges", "--name-only", "--format=", "gtm/campaigns/webinars-2026-q1", "--not"];
    let others = ["gtm/phase-1-strategy", "--", "workspace/demand-gen"];
    let files = run(&[&own[..], &others].concat());
    let files: Vec<&str> = files.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        files,
        ["workspace/demand-gen/ad-creative/webinars.md", "workspace/demand-gen/campaigns/webinars.md"],
        "{files:?}"
    );
    let all = run(&["log", "--format=%s", "main"]);
    check_subjects(&all);
    assert!(all.contains("[demand-gen] campaign: brief the campaign on Webinars\n"), "{all}");
    assert!(all.contains("[demand-gen] merge: campaign design on Webinars into phase 2\n"), "{all}");
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

/// The program on a database of its own, where no service runs.
struct CommandLine {
    database: gtm::testing::TestDatabase,
    data: DataDir,
    /// Where workspaces go.
    out: DataDir,
}

impl CommandLine {
    async fn new() -> Self {
        let database = gtm::testing::database().await;
        let (data, out) = (DataDir::new(), DataDir::new());
        std::fs::write(data.0.join("CONFIG.md"), EXAMPLE).unwrap();
        Self { database, data, out }
    }

    fn config(&self) -> String {
        self.data.0.join("CONFIG.md").display().to_string()
    }

    async fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gtm"));
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(&self.data.0)
            .env("DATABASE_URL", self.database.url())
            .env("GTM_LOG__FILTER", "error");
        command.output().await.unwrap()
    }

    /// What a command says that succeeds.
    async fn said(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments).await;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&done.stderr));
        said
    }

    /// The documents that a command gives: one, or one for each row of a list.
    async fn documents(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let said = self.said(&[arguments, &["--json"]].concat()).await;
        let read = serde_json::Deserializer::from_str(&said).into_iter();
        read.map(|one| one.unwrap_or_else(|error| panic!("{error}: {said}"))).collect()
    }
}

/// The id that a command says of the run that it began.
fn begun(said: &str) -> &str {
    let line =
        said.lines().find_map(|line| line.strip_prefix("Programme ")).unwrap_or_else(|| panic!("{said}"));
    line.split(':').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_runs_a_programme_without_a_service() {
    let cli = CommandLine::new().await;
    let folder = cli.out.0.join("workspace-of-run");
    let (config, folder_name) = (cli.config(), folder.to_str().unwrap());
    let strategy = ["programme", "run", "--phase", "strategy", "--config", &config, "--out", folder_name];
    let said = cli.said(&strategy).await;
    assert!(
        said.contains("✓ Buyer persona profiles (coordinator)") && said.contains("✓ gate “strategy” passed"),
        "{said}"
    );
    assert!(folder.join("workspace/strategy/gtm-strategy.md").exists());
    // A folder with changes that nobody committed is not written over.
    std::fs::write(folder.join("workspace/strategy/gtm-strategy.md"), "mine").unwrap();
    let refused = cli.run(&strategy).await;
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("changes that nobody committed"));
    let said = cli.said(&["agent", "run", "coordinator", "--task", "Analyse the competitors"]).await;
    assert!(said.contains("Competitive landscape"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_runs_every_mode_of_the_source() {
    let cli = CommandLine::new().await;
    let config = cli.config();
    let said = cli.said(&["programme", "run", "--phases", "all", "--config", &config]).await;
    let all = begun(&said).to_owned();
    for line in
        ["(full)", "✓ gate “analysis” passed", "estimated for a whole run: 150 min", "critical path: "]
    {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let build = ["programme", "run", "--phases", "pipeline-building,execution", "--config", &config];
    let said = cli.said(&build).await;
    assert!(said.contains("(build-and-execute)") && !said.contains("gate “strategy”"), "{said}");
    assert!(said.contains("✓ gate “pipeline-building” passed") && said.contains("✓ gate “execution” passed"));
    let built = cli.documents(&["programme", "status", begun(&said)]).await;
    assert_eq!(built[0]["basedOn"], json!(all));
    let said = cli.said(&["programme", "run", "--phase", "analysis", "--config", &config]).await;
    assert!(said.contains("(analysis)") && said.contains("✓ gate “analysis” passed"), "{said}");
    // All that the scenario needs was run in this quarter, so nothing is missing.
    assert!(!said.contains("  ! ") && said.contains("Advice: run `analysis`"), "{said}");

    let task = "Analyze last month's campaign performance";
    let said = cli.said(&["agent", "run", "growth-analyst", "--task", task]).await;
    assert!(said.contains("(single-agent)"), "{said}");
    let id = begun(&said);
    let text = cli.said(&["programme", "files", id, "analytics/performance-analysis.md"]).await;
    assert!(text.contains(&format!("\ntask = \"{task}\"\n")), "{text}");
    assert!(text.contains(&format!("\n\n> Asked for: {task}\n\n")), "{text}");

    // All branches go to a remote by the git of this machine.
    let (remote, folder) = (cli.out.0.join("remote.git"), cli.out.0.join("exported"));
    let (remote_name, folder_name) = (remote.to_str().unwrap(), folder.to_str().unwrap());
    if git(&cli.out.0, &["init", "--quiet", "--bare", remote_name]).is_some() {
        cli.said(&["programme", "export", &all, "--out", folder_name, "--push", remote_name]).await;
        let branches = |folder: &Path| {
            git(folder, &["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads"]).unwrap()
        };
        assert_eq!(branches(&remote), branches(&folder));
        assert!(branches(&remote).contains("refs/heads/gtm/phase-4-analysis "), "{}", branches(&remote));
        assert_eq!(git(&remote, &["fsck", "--full", "--strict"]).unwrap().trim(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_watches_goes_on_and_people_hand_in_by_the_command_line() {
    let cli = CommandLine::new().await;
    let config = cli.config();
    let strategy = ["programme", "run", "--phase", "strategy", "--config", &config];
    // Where no service runs, the one of the command ends with it; the next command takes the run up again.
    let said = cli.said(&[&strategy[..], &["--detach"]].concat()).await;
    assert!(said.contains("as soon as a service runs") && !said.contains("✓ gate “analytics”"), "{said}");
    let first = begun(&said).to_owned();
    let said = cli.said(&["programme", "run", "--resume", &first]).await;
    assert!(said.contains("✓ gate “analytics” passed") && said.contains(": done (strategy)"), "{said}");

    let person = ["--detach", "--worker", "coordinator=person"];
    let said = cli.said(&[&strategy[..], &person].concat()).await;
    let second = begun(&said).to_owned();
    let claimed = cli.documents(&["tasks", "claim", "mette", "--kind", "coordinator"]).await;
    let task = &claimed[0]["tasks"][0];
    assert_eq!(task["planId"], json!(second));
    let (id, lease) = (task["taskId"].as_str().unwrap(), task["lease"].to_string());
    let path = task["outputs"][0].as_str().unwrap();
    // What a person writes; here what the drafter wrote for the other run.
    let files = cli.documents(&["programme", "files", &first]).await;
    let made = files.iter().map(|row| row["path"].as_str().unwrap());
    let made: Vec<&str> = made.filter(|of| of.starts_with(path) && is_document(of)).collect();
    assert!(!made.is_empty(), "{path}");
    let mut submit = vec!["programme".to_owned(), "submit".to_owned(), id.to_owned()];
    for (place, path) in made.iter().enumerate() {
        let text = cli.said(&["programme", "files", &first, path]).await;
        let file = cli.out.0.join(format!("{place}.md"));
        std::fs::write(&file, text).unwrap();
        submit.push(format!("{path}={}", file.display()));
    }
    let submit: Vec<&str> = submit.iter().map(String::as_str).collect();
    // An old number is not the claim's.
    assert!(!cli.run(&[&submit[..], &["--lease", "1000000"]].concat()).await.status.success());
    let said = cli.said(&[&submit[..], &["--lease", &lease]].concat()).await;
    assert!(said.contains(" is done."), "{said}");
    for path in &made {
        let text = cli.said(&["programme", "files", &second, path]).await;
        assert_eq!(text, cli.said(&["programme", "files", &first, path]).await);
    }
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
