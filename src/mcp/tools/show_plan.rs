//! `show_plan`: a plan and how far it has come.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::{self, Schema};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, each};

/// What of plans and tasks is long: the document, and what was handed over with each task.
const LONG: [(&str, &str); 2] = [("PlanWire", "plan"), ("TaskWire", "result")];

/// Which plan, and how it is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The plan, by its id as `list_plans` gives it; a designId, renewalId or programmeId will do.
    plan_id: Uuid,
    /// True: the text is the whole report in Markdown, with owners, dates and what happened.
    #[serde(default)]
    #[schema(default = false)]
    report: bool,
}

pub struct ShowPlan;

impl Tool for ShowPlan {
    type Input = Input;
    const NAME: &'static str = "show_plan";
    const TITLE: &'static str = "Show a plan";
    const DESCRIPTION: &'static str = "Show a plan and how far it has come: its shape, every task with its status, owner and \
        dates, who works on it, gates and what was said of their checks, the tasks on which the end hangs, dates that cannot \
        be kept. With report true the text is the report for people. What was handed over with a task is told by show_task.";
    const CALLS: &'static [&'static str] = &["get_plan", "get_plan_report"];
    const EFFECT: Effect = Effect::Reads;

    fn output(operations: &Operations) -> Option<Schema> {
        output(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let mut structured = calls.to("get_plan").path("planId", &input.plan_id).json().await?;
        bare(&mut structured);
        let text = if input.report {
            let report = calls.to("get_plan_report").path("planId", &input.plan_id);
            report.accept("text/markdown").text().await?
        } else {
            plan(&structured)
        };
        Ok(Told { text, structured })
    }
}

/// The schema of a first call's answer as far as plans and tasks come without what is long.
pub fn output(calls: &[&str], operations: &Operations) -> Option<Schema> {
    let answer = operations.get(calls.first()?)?.answer.as_ref()?;
    Some(schema::output_lacking(answer, &operations.components, &LONG))
}

/// Takes what is long out of a plan.
pub fn bare(plan: &mut Value) {
    if let Some(fields) = plan.as_object_mut() {
        fields.remove("plan");
    }
    bare_tasks(plan, "tasks");
}

/// Takes what was handed over out of a list of tasks.
pub fn bare_tasks(holder: &mut Value, list: &str) {
    for task in holder.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(fields) = task.as_object_mut() {
            fields.remove("result");
        }
    }
}

/// A plan in a few lines.
pub fn plan(plan: &Value) -> String {
    let mut lines = vec![format!(
        "{} {} {}, version {}: {}",
        at(plan, "/planId"),
        at(plan, "/kind"),
        at(plan, "/status"),
        at(plan, "/version"),
        at(plan, "/objective")
    )];
    lines.extend(each(plan, "/tasks").map(|task| format!("- {}", task_line(task))));
    lines.extend(
        each(plan, "/gates").map(|gate| format!("Gate {}: {}", at(gate, "/name"), at(gate, "/status"))),
    );
    lines.extend(each(plan, "/impossible").map(|one| format!("Cannot be kept: {}", at(one, "/text"))));
    lines.join("\n")
}

/// A task in a line.
pub fn task_line(task: &Value) -> String {
    let held = match task["heldBy"].as_str() {
        Some(by) => format!(", {by} works on it until {}", at(task, "/heldUntil")),
        None => String::new(),
    };
    format!(
        "{} {}: {}, {} (work {}, owner {}, {} to {}){held}",
        at(task, "/taskId"),
        at(task, "/name"),
        at(task, "/title"),
        at(task, "/status"),
        at(task, "/work"),
        at(task, "/owner"),
        at(task, "/startAt"),
        at(task, "/endAt"),
    )
}
