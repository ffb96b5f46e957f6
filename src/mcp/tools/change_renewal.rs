//! `change_renewal`: another version of a renewal's plan.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::plan_renewal::{Somebody, renewal};
use crate::mcp::words::unwritten;
use crate::renewals::model::{Risk, Tier};

/// Which renewal, and what is to be different; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The renewal, by its id as `list_upcoming_renewals` or `plan_renewal` gives it.
    renewal_id: Uuid,
    /// The version that you have read, as `show_renewal` gives it, so that no change of others is lost.
    version: i32,
    /// How much the account gets: strategic, growth or scale.
    tier: Option<Tier>,
    /// How likely it is that it does not renew; what you set here later ratings do not change.
    risk: Option<Risk>,
    /// The play: `exec-save`, `value-realization`, `pricing-refresh` or `adoption-accelerator`.
    play: Option<String>,
    /// The renewal date as YYYY-MM-DD, where it has moved.
    deadline: Option<NaiveDate>,
    /// Whether every task takes no longer than it must.
    compressed: Option<bool>,
    /// Who fills which role from now on, as `plan_renewal` takes it; null takes the person out.
    #[serde(default)]
    #[schema(value_type = Object)]
    people: BTreeMap<String, Option<Somebody>>,
    /// Why, in a sentence, for the change log.
    #[schema(min_length = 1, max_length = 2000)]
    why: String,
    /// True (the default): say how the plan would then be and write nothing. False: change it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one changes nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

pub struct ChangeRenewal;

impl Tool for ChangeRenewal {
    type Input = Input;
    const NAME: &'static str = "change_renewal";
    const TITLE: &'static str = "Change a renewal";
    const DESCRIPTION: &'static str = "Change a renewal: another play, tier, risk, date or other people. A new \
        version of its plan is worked back from the date; what is done, begun or past stays as it was, and the \
        change log says what differs. A dry run (the default) tells the plan as it would then be.";
    const CALLS: &'static [&'static str] = &["change_renewal", "get_renewal"];
    const EFFECT: Effect = Effect::Changes;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let read = calls.to("get_renewal").path("renewalId", &input.renewal_id);
        let tag = read.seen("/version", input.version).await?;
        let structured = calls
            .to("change_renewal")
            .path("renewalId", &input.renewal_id)
            .body(json!({
                "tier": input.tier,
                "risk": input.risk,
                "play": input.play,
                "deadline": input.deadline,
                "compressed": input.compressed,
                "people": input.people,
                "why": input.why,
            }))
            .on(tag)
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        Ok(Told { text: unwritten(input.dry_run, "change it", renewal(&structured)), structured })
    }
}
