//! `run_programme`: a GTM programme, from a business configuration to its files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::words::{at, each, unwritten};

/// Who does the work of an agent of the programme.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProgrammeFilledBy)]
pub enum Worker {
    /// Built in: computes and writes every deliverable from the configuration.
    Drafter,
    /// The language model that the service is set up with.
    Model,
    /// A program that takes tasks from the queue.
    Outside,
    /// An AI agent that takes tasks with these tools.
    Assistant,
    Person,
    /// Others stand in.
    Nobody,
}

/// What is to be run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The text of the business configuration (CONFIG.md): front matter between lines of three plus signs (company, product,
    /// budget, rates, targets), then market, personas, competitors, channels in Markdown. A refusal names every fault with its
    /// line.
    config: String,
    /// Ids of phases: strategy, pipeline-building, execution, analysis. All when left out.
    #[serde(default)]
    phases: Vec<String>,
    /// One agent alone, such as sales-enablement, instead of phases; give it a task.
    agent: Option<String>,
    /// With agent: what it is to do, in a sentence.
    task: Option<String>,
    /// Who fills all agents that workers does not name; the built-in drafter when left out.
    worker: Option<Worker>,
    /// Who fills which agent: coordinator, brand-messaging, growth-analyst, demand-generation, sales-enablement,
    /// pipeline-manager, customer-success. Say assistant for what you will do yourself with `claim_task`.
    #[serde(default)]
    workers: BTreeMap<String, Worker>,
    /// The run whose files this one builds on; the newest of the company that has what is needed when left out.
    based_on: Option<Uuid>,
    /// What may be missing before it runs, by the names that the refusal gives. Ask the user first.
    #[serde(default)]
    waive: Vec<String>,
    /// True: inputs that nobody has made may be missing.
    #[serde(default)]
    #[schema(default = false)]
    without_inputs: bool,
    /// False: make it as a draft that does not run yet.
    #[serde(default = "yes")]
    #[schema(default = true)]
    start: bool,
    /// True (the default): check the configuration, give the coordinator's advice, say what would be run, and write nothing.
    /// False: run it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one makes no second run.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct RunProgramme;

impl Tool for RunProgramme {
    type Input = Input;
    const NAME: &'static str = "run_programme";
    const TITLE: &'static str = "Run a GTM programme";
    const DESCRIPTION: &'static str = "Run a go-to-market programme for a business from its configuration: strategy and \
        foundation, pipeline building, execution, analysis, each held by quality gates, worked on by seven agents who may be \
        the built-in drafter, people, or you. A dry run (the default) checks everything and gives the coordinator's advice: \
        which mode fits the scenario, what is risky, whether figures say to go on or to begin anew. Follow it with \
        show_programme.";
    const CALLS: &'static [&'static str] = &["create_programme"];
    const EFFECT: Effect = Effect::Adds;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let all = input.worker.unwrap_or(Worker::Drafter);
        let structured = calls
            .to("create_programme")
            .body(json!({
                "config": input.config,
                "phases": input.phases,
                "agent": input.agent,
                "task": input.task,
                "workers": { "all": all, "agents": input.workers },
                "basedOn": input.based_on,
                "waive": input.waive,
                "withoutInputs": input.without_inputs,
                "start": input.start,
            }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let mut lines = vec![
            format!(
                "{} mode {}: {} tasks, {} gates.",
                at(&structured, "/programmeId"),
                at(&structured, "/mode"),
                at(&structured, "/tasks"),
                at(&structured, "/gates")
            ),
            format!("Advice: {} ({})", at(&structured, "/advice/run"), at(&structured, "/advice/because")),
            format!("Risk: {}", at(&structured, "/advice/risk")),
        ];
        lines.extend(each(&structured, "/advice/doubts").map(|one| format!("Doubt: {}", at(one, ""))));
        lines.extend(
            each(&structured, "/warnings")
                .map(|one| format!("Doubtful, line {}: {}", at(one, "/line"), at(one, "/message"))),
        );
        Ok(Told { text: unwritten(input.dry_run, "run it", lines.join("\n")), structured })
    }
}
