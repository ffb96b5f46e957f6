//! `define_handoff`: how handoffs of a segment are to go, designed from a goal and a promised response time.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::words::{at, each, percent, unwritten};

/// Whom the design is for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SegmentDesigned)]
enum DesignedFor {
    Enterprise,
    MidMarket,
    Smb,
    Partner,
}

/// What the handoffs are to bring.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GoalDesigned)]
enum Goal {
    Pipeline,
    Expansion,
    ProductActivation,
    AbmCampaign,
}

/// What is known of capacity besides what the service measures.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = CapacityKnown)]
struct Capacity {
    /// In words, kept with the design.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// How many people work on it, where it is not the number on the roster.
    #[serde(skip_serializing_if = "Option::is_none")]
    reps: Option<u32>,
    /// How long somebody is busy with one, in working time, such as 45m.
    #[serde(skip_serializing_if = "Option::is_none")]
    handling: Option<String>,
    /// Which part of that lies before the customer has been contacted, such as 10m.
    #[serde(skip_serializing_if = "Option::is_none")]
    preparing: Option<String>,
    /// How many handoffs come in a week, instead of those that were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrivals_per_week: Option<f64>,
}

/// Something that must be there before the launch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = DependencyKnown)]
struct Dependency {
    /// Such as a scoring model, a sequence, a talk track.
    name: String,
    /// Whether it is there already.
    #[serde(default)]
    ready: bool,
}

/// What is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The accounts whose handoffs are designed.
    segment: DesignedFor,
    /// What they are to bring: new pipeline, expansion of customers, activation of the product, an ABM campaign.
    goal: Goal,
    /// From the handoff to the first contact, such as 2h or 1d: the promise that is to be kept.
    response_sla: String,
    /// The share of handoffs that is to be answered in time, from 0.5 to 0.999; 0.9 when left out.
    service_level: Option<f64>,
    /// The type of handoff, such as `mql_to_sales`; the one that serves segment and goal when left out.
    handoff_type: Option<String>,
    /// The team that receives, by its id; the type's own when left out.
    team: Option<String>,
    /// Pods of that team that are to have them; found when left out.
    #[serde(default)]
    pods: Vec<String>,
    /// What the user knows of capacity; the rest is measured from the handoffs of the last weeks.
    capacity: Option<Capacity>,
    /// Systems, content and decisions that must be there before the launch, as the user names them.
    #[serde(default)]
    dependencies: Vec<Dependency>,
    /// The first day on which it is to hold, as YYYY-MM-DD; four weeks from now when left out.
    launch: Option<NaiveDate>,
    /// Who makes the design, by name; the key's name when left out.
    author: Option<String>,
    /// True (the default): compute the whole design, tell it and write nothing. False: keep it as a draft with its plan.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one makes no second design.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct DefineHandoff;

impl Tool for DefineHandoff {
    type Input = Input;
    const NAME: &'static str = "define_handoff";
    const TITLE: &'static str = "Design the handoffs of a segment";
    const DESCRIPTION: &'static str = "Design how handoffs of a segment are to go: who gets them (account owner, pods, \
        rotation), whether the promised response time can be kept with the people there are and how many it takes, the \
        escalation tree, what must be ready by when, and the plan to the launch. A dry run (the default) tells all of it. What \
        is kept is a draft: RevOps and sales leadership sign it (sign_handoff_design), then it is made live \
        (apply_handoff_design). It changes no routing by itself.";
    const CALLS: &'static [&'static str] = &["make_handoff_design"];
    const EFFECT: Effect = Effect::Adds;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let list = |empty: bool, value: Value| if empty { Value::Null } else { value };
        let structured = calls
            .to("make_handoff_design")
            .body(json!({
                "segment": input.segment,
                "goal": input.goal,
                "responseSla": input.response_sla,
                "serviceLevel": input.service_level,
                "handoffType": input.handoff_type,
                "team": input.team,
                "pods": list(input.pods.is_empty(), json!(input.pods)),
                "capacity": input.capacity,
                "dependencies": list(input.dependencies.is_empty(), json!(input.dependencies)),
                "launch": input.launch,
                "author": input.author,
            }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let text = unwritten(input.dry_run, "keep it as a draft", design(&structured));
        Ok(Told { text, structured })
    }
}

/// A design in a few lines: how it routes, whether the promise holds, what may go wrong, what comes next.
pub fn design(design: &Value) -> String {
    let mut lines = vec![
        format!(
            "{} {} for {}, version {}: {}. {} to {}, first contact within {}.",
            at(design, "/designId"),
            at(design, "/goal"),
            at(design, "/segment"),
            at(design, "/version"),
            at(design, "/status"),
            at(design, "/handoffType"),
            at(design, "/team"),
            at(design, "/inputs/responseSla"),
        ),
        format!(
            "Routing: {} ({})",
            at(design, "/packet/routing/choice"),
            at(design, "/packet/routing/because")
        ),
        format!("Response time: {}", at(design, "/packet/model/recommendation")),
    ];
    if let Some(level) = design.pointer("/inputs/serviceLevel").filter(|level| level.is_number()) {
        lines.push(format!("Wanted in time: {}", percent(level, "")));
    }
    let told = [("/packet/model/risks", "Risk", "/says"), ("/preflight", "Before the plan runs", "/text")];
    for (list, name, says) in told {
        lines.extend(each(design, list).map(|one| format!("{name}: {}", at(one, says))));
    }
    let open = each(design, "/packet/intake").filter(|one| one["whatToDo"].is_string());
    lines.extend(open.map(|one| format!("Brief: {} {}", at(one, "/says"), at(one, "/whatToDo"))));
    lines.extend(
        each(design, "/approvals")
            .map(|one| format!("Signed by {} for {}.", at(one, "/name"), at(one, "/role"))),
    );
    if design["application"].is_object() {
        lines.push(format!(
            "Application: {}, due {}.",
            at(design, "/application/status"),
            at(design, "/application/dueAt")
        ));
    }
    lines.extend(
        each(design, "/baseChanged")
            .map(|one| format!("Changed since it was made, so that it cannot be applied: {}", at(one, ""))),
    );
    lines.join("\n")
}
