//! `show_programme`: a programme as it stands: phases, gates, advice.

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::{self, Schema};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::tools::show_plan::{bare, task_line};
use crate::mcp::words::{at, each};

/// Which programme.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The programme, by its id as `run_programme` gives it, or `list_plans` with the kind programme (as planId).
    programme_id: Uuid,
}

pub struct ShowProgramme;

impl Tool for ShowProgramme {
    type Input = Input;
    const NAME: &'static str = "show_programme";
    const TITLE: &'static str = "Show a programme";
    const DESCRIPTION: &'static str = "Show a GTM programme as it stands: how far each phase is, durations, the coordinator's \
        advice, the tasks that can be worked on now, and each quality gate with its checks: what was computed, what the \
        coordinator has still to attest (review_gate), and what fails in which file. Its files are the resources \
        gtm://programmes/{programmeId}/files/{path}.";
    const CALLS: &'static [&'static str] = &["get_programme", "list_programme_gates", "list_programme_files"];
    const EFFECT: Effect = Effect::Reads;

    fn output(operations: &Operations) -> Option<Schema> {
        let answer = |call: &str| operations.get(call)?.answer.clone();
        let root = json!({
            "type": "object",
            "required": ["programme", "gates", "files"],
            "properties": {
                "programme": answer(Self::CALLS[0])?,
                "gates": answer(Self::CALLS[1])?,
                "files": answer(Self::CALLS[2])?,
            },
        });
        let long = [("PlanWire", "plan"), ("TaskWire", "result")];
        Some(schema::output_lacking(&root, &operations.components, &long))
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let of = |call: &'static str| calls.to(call).path("programmeId", &input.programme_id);
        let mut programme = of("get_programme").json().await?;
        bare_programme(&mut programme);
        let gates = of("list_programme_gates").json().await?;
        let files = of("list_programme_files").json().await?;
        let mut lines = self::programme(&programme);
        lines.extend(self::gates(&gates));
        let now =
            |task: &&Value| ["ready", "claimed", "escalated"].iter().any(|status| task["status"] == *status);
        lines.extend(
            each(&programme, "/plan/tasks").filter(now).map(|task| format!("Now: {}", task_line(task))),
        );
        lines.extend(each(&files, "/data").map(|file| format!("File {}", at(file, "/path"))));
        lines.push(format!("Advice: {}", at(&programme, "/advice/run")));
        let structured = json!({ "programme": programme, "gates": gates, "files": files });
        Ok(Told { text: lines.join("\n"), structured })
    }
}

/// Gates that are not passed, each with what is still to be done.
pub fn gates(gates: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for gate in each(gates, "/data") {
        lines.push(format!("Gate {} ({}): {}", at(gate, "/gate"), at(gate, "/title"), at(gate, "/status")));
        if gate["status"] != "open" && gate["status"] != "failed" {
            continue;
        }
        for check in each(gate, "/checks").filter(|check| check["passed"] != true) {
            let who = if check["computed"] == true { "computed" } else { "to be attested" };
            lines.push(format!("- {} ({who}): {}", at(check, "/check"), at(check, "/asks")));
            lines.extend(
                each(check, "/findings")
                    .map(|found| format!("  {}: {}", at(found, "/file"), at(found, "/message"))),
            );
        }
    }
    lines
}

/// Takes what is long out of a programme.
pub fn bare_programme(programme: &mut Value) {
    programme.get_mut("plan").into_iter().for_each(bare);
}

/// A programme in a few lines: whether it is held, and how far each phase is.
pub fn programme(programme: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "{} {} of {}, version {}: {}.",
        at(programme, "/programmeId"),
        at(programme, "/product"),
        at(programme, "/company"),
        at(programme, "/plan/version"),
        at(programme, "/plan/status")
    )];
    if let Some(paused) = programme.pointer("/plan/paused").filter(|paused| paused.is_object()) {
        lines.push(format!(
            "Held since {} by {}: {}. Nobody is given a task of it until resume_programme.",
            at(paused, "/at"),
            at(paused, "/by"),
            at(paused, "/why")
        ));
    }
    lines.extend(each(programme, "/phases").map(|phase| {
        format!(
            "{}: {} of {} tasks, {} of {} gates",
            at(phase, "/title"),
            at(phase, "/done"),
            at(phase, "/tasks"),
            at(phase, "/gatesPassed"),
            at(phase, "/gates")
        )
    }));
    lines
}
