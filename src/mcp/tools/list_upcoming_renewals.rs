//! `list_upcoming_renewals`: which contracts end, and what is to be begun first.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::mcp::calls::{Calls, Refusal};
use crate::mcp::tool::{Effect, Told, Tool};
use crate::mcp::words::{at, each};

/// How far ahead to look.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// Within so many days; 90 when left out.
    #[schema(minimum = 1, maximum = 400, default = 90)]
    days: Option<u32>,
    /// At most so many rows; 20 when left out. The answer says how many there are.
    #[schema(minimum = 1, maximum = 1000, default = 20)]
    limit: Option<u32>,
}

pub struct ListUpcomingRenewals;

impl Tool for ListUpcomingRenewals {
    type Input = Input;
    const NAME: &'static str = "list_upcoming_renewals";
    const TITLE: &'static str = "List coming renewals";
    const DESCRIPTION: &'static str = "List the renewals that come, most urgent first: accounts whose subscriptions end or whose \
        renewal deals close, with the value at stake, the tier, risk and play that would be proposed and why, the last day on \
        which the whole play still fits, and the renewal plan where one is under way. Plan one with plan_renewal.";
    const CALLS: &'static [&'static str] = &["list_upcoming_renewals"];
    const EFFECT: Effect = Effect::Reads;

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let structured = calls
            .to("list_upcoming_renewals")
            .query("days", input.days)
            .query("limit", Some(input.limit.unwrap_or(20)))
            .json()
            .await?;
        let mut lines: Vec<String> = each(&structured, "/data")
            .map(|one| {
                let plan = match one["renewalId"].as_str() {
                    Some(id) => format!("under way as {id}"),
                    None => at(one, "/whenToStart"),
                };
                format!(
                    "- {} ({}) renews {}: {} {} a year, {}, {}, {}; {plan}",
                    at(one, "/accountId"),
                    at(one, "/name"),
                    at(one, "/deadline"),
                    at(one, "/value/amount"),
                    at(one, "/value/currency"),
                    at(one, "/tier/tier"),
                    at(one, "/risk/risk"),
                    at(one, "/play/play"),
                )
            })
            .collect();
        lines.push(format!("{} in all.", at(&structured, "/total")));
        if structured["cut"] == true {
            lines.push("More accounts renew than one answer looks at: ask for fewer days.".to_owned());
        }
        Ok(Told { text: lines.join("\n"), structured })
    }
}
