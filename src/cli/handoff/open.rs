//! `gtm handoff create`: hands an account over, or shows what would come of it.

use clap::Args;
use serde_json::{Map, Value};

use super::read;
use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

#[derive(Debug, Args)]
pub struct Create {
    /// The account.
    account: String,
    /// The type of handoff, such as `mql_to_sales`.
    #[arg(long = "type")]
    type_name: String,
    /// The deal that it is about.
    #[arg(long)]
    deal: Option<String>,
    /// The team that hands over; the type's when left out.
    #[arg(long)]
    from_team: Option<String>,
    /// The team that takes over; the type's when left out.
    #[arg(long)]
    to_team: Option<String>,
    /// The rep who is to have it; found by the rules of the roster when left out.
    #[arg(long)]
    owner: Option<String>,
    /// Show what would come of it and write nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Create {
    /// The body of the call: what was said and nothing else.
    fn body(self) -> Value {
        let said = [
            ("handoffType", Some(self.type_name)),
            ("accountId", Some(self.account)),
            ("dealId", self.deal),
            ("fromTeam", self.from_team),
            ("toTeam", self.to_team),
            ("ownerId", self.owner),
        ];
        let mut body: Map<String, Value> =
            said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
        if self.dry_run {
            body.insert("dryRun".to_owned(), true.into());
        }
        body.into()
    }
}

pub async fn create(client: &Client, args: Create, context: &Context) -> Result<(), Failure> {
    let dry_run = args.dry_run;
    let answer = client.post("/v1/handoffs", &args.body()).await?;
    context.screen.document(&answer, |answer| {
        let shown = read::shown(answer, &context.screen);
        if dry_run { format!("{shown}\nNothing was written.") } else { shown }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_said_is_sent() {
        let mut create = Create {
            account: "acc_1".to_owned(),
            type_name: "mql_to_sales".to_owned(),
            deal: None,
            from_team: None,
            to_team: None,
            owner: Some("ada".to_owned()),
            dry_run: false,
        };
        create.deal = Some("d1".to_owned());
        let body =
            json!({"handoffType": "mql_to_sales", "accountId": "acc_1", "dealId": "d1", "ownerId": "ada"});
        assert_eq!(create.body(), body);
    }
}
