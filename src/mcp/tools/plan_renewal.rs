//! `plan_renewal`: a renewal play for an account, worked back from the renewal date.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::words::{at, each, unwritten};
use crate::renewals::model::{Risk, Tier};

/// Somebody who fills a role; one of the three is enough.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = RoleFilledBy)]
pub struct Somebody {
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Where they are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Their id on the roster, where they are on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rep_id: Option<String>,
}

/// What is to be renewed. What is left out is proposed from the account's facts, with why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The account, by its id as `find_accounts` or `list_upcoming_renewals` gives it.
    account_id: String,
    /// How much the account gets: strategic, growth or scale. Proposed from its value when left out.
    tier: Option<Tier>,
    /// How likely it is that it does not renew; sets how often people look and who oversees it. Rated from usage, sentiment and
    /// open issues when left out; what you set here later ratings do not change.
    risk: Option<Risk>,
    /// The play: `exec-save`, `value-realization`, `pricing-refresh` or `adoption-accelerator`; the one for what is wrong when
    /// left out.
    play: Option<String>,
    /// The renewal date as YYYY-MM-DD; the next one by subscriptions and renewal deals when left out.
    deadline: Option<NaiveDate>,
    /// True: every task takes no longer than it must, where time is short.
    #[serde(default)]
    #[schema(default = false)]
    compressed: bool,
    /// Who fills which role: csm, ae, `exec_sponsor`, product, finance, `renewal_director`, cro. The account's owner is known
    /// without.
    #[serde(default)]
    people: BTreeMap<String, Somebody>,
    /// True: let it run at once. Refused while something is missing that is not waived.
    #[serde(default)]
    #[schema(default = false)]
    start: bool,
    /// With start: what may be missing, by the names that the refusal gives; `*` for all. Ask the user first.
    #[serde(default)]
    waive: Vec<String>,
    /// Why, for the change log.
    #[schema(max_length = 2000)]
    why: Option<String>,
    /// True (the default): tell the whole plan and write nothing. False: make it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one makes no second plan.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct PlanRenewal;

impl Tool for PlanRenewal {
    type Input = Input;
    const NAME: &'static str = "plan_renewal";
    const TITLE: &'static str = "Plan a renewal";
    const DESCRIPTION: &'static str = "Plan the renewal of an account: a play by tier, risk and what is wrong, its tasks worked \
        back from the renewal date with an owner and a day each, checkpoints, escalation, talking points. What you leave out \
        is proposed from what is known of the account, each with why. A dry run (the default) tells the plan; dates that \
        cannot be kept are shown, with what would help. Start it with start true, or later with start_plan.";
    const CALLS: &'static [&'static str] = &["create_renewal"];
    const EFFECT: Effect = Effect::Adds;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("create_renewal")
            .body(json!({
                "accountId": input.account_id,
                "tier": input.tier,
                "risk": input.risk,
                "play": input.play,
                "deadline": input.deadline,
                "compressed": input.compressed,
                "people": input.people,
                "start": input.start,
                "waive": input.waive,
                "why": input.why,
            }))
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let mut lines = vec![renewal(&structured)];
        for part in ["tier", "play"] {
            lines.push(format!("Proposed {part}: {}", at(&structured, &format!("/proposal/{part}/why"))));
        }
        Ok(Told { text: unwritten(input.dry_run, "make the plan", lines.join("\n")), structured })
    }
}

/// A renewal in a few lines: its terms, why it is rated so, its tasks and checkpoints, what helps.
pub fn renewal(renewal: &Value) -> String {
    let mut lines = vec![format!(
        "{} {} ({}) renews {}: {}, {}, risk {}, {}.",
        at(renewal, "/renewalId"),
        at(renewal, "/account"),
        at(renewal, "/accountId"),
        at(renewal, "/deadline"),
        at(renewal, "/play"),
        at(renewal, "/tier"),
        at(renewal, "/risk/level"),
        at(renewal, "/status"),
    )];
    lines.extend(each(renewal, "/rating/reasons").map(|one| format!("Seen: {}", at(one, "/text"))));
    for task in each(renewal, "/tasks") {
        let late = if task["late"] == true { ", LATER THAN IT SHOULD BE" } else { "" };
        lines.push(format!(
            "- {}: {} ({}, by {}){late}",
            at(task, "/taskId"),
            at(task, "/title"),
            at(task, "/owner"),
            at(task, "/endAt")
        ));
    }
    for one in each(renewal, "/checkpoints") {
        let held = match one["held"].as_object() {
            Some(_) => format!(" {}", at(one, "/held/rating")),
            None => String::new(),
        };
        lines.push(format!(
            "Checkpoint {}: {} ({}){held}",
            at(one, "/number"),
            at(one, "/dueAt"),
            at(one, "/status")
        ));
    }
    lines.extend(each(renewal, "/escalations").map(|one| format!("Told: {}", at(one, "/title"))));
    lines.extend(each(renewal, "/remedies").map(|one| format!("What helps: {}", at(one, ""))));
    lines.join("\n")
}
