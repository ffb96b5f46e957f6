//! `gtm renewal plan`: draws the plan of a renewal, and writes its documents.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::{account, documents, path, read};
use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::words::text;

/// Where plans are saved when nobody says.
const PLANS: &str = ".claude/plans";

#[derive(Debug, Args)]
pub struct Plan {
    /// The account, by its id or its name.
    #[arg(long)]
    account: String,
    /// exec-save, value-realization, pricing-refresh or adoption-accelerator; the one for what is wrong when left out.
    #[arg(long)]
    play: Option<String>,
    /// strategic, growth or scale; by value and segment when left out.
    #[arg(long)]
    tier: Option<String>,
    /// green, yellow or red; by the signals when left out.
    #[arg(long)]
    risk: Option<String>,
    /// The renewal date, such as 2027-03-01; the next one when left out.
    #[arg(long)]
    deadline: Option<String>,
    /// Every task takes no longer than it must.
    #[arg(long)]
    compressed: bool,
    /// Who fills a role, such as `csm=Anna Beck <anna@acme.com>`. May be repeated.
    #[arg(long = "person", value_name = "ROLE=NAME <E-MAIL>")]
    people: Vec<String>,
    /// Show what it would be and write nothing.
    #[arg(long, conflicts_with_all = ["start", "out", "save_plan"])]
    dry_run: bool,
    /// Let it run at once.
    #[arg(long)]
    start: bool,
    /// A finding of the pre-flight that is waived, by name; `*` for all. May be repeated.
    #[arg(long, value_name = "NAME", requires = "start")]
    waive: Vec<String>,
    /// Why, for the change log.
    #[arg(long)]
    why: Option<String>,
    /// Write packet, tables, calendar and plan into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Save the plan as plan-TIMESTAMP.json in this folder.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = PLANS)]
    save_plan: Option<PathBuf>,
}

/// A person as written: `Anna Beck <anna@acme.com>`.
pub(super) fn person(written: &str) -> Value {
    match written.split_once('<') {
        Some((name, email)) => {
            let (name, email) = (name.trim(), email.trim().trim_end_matches('>').trim());
            if name.is_empty() { json!({ "email": email }) } else { json!({ "name": name, "email": email }) }
        }
        None if written.contains('@') => json!({ "email": written.trim() }),
        None => json!({ "name": written.trim() }),
    }
}

/// People by role, as they were written.
pub(super) fn people(written: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut people = Map::new();
    for one in written {
        let Some((role, named)) =
            one.split_once('=').filter(|(role, named)| !role.is_empty() && !named.is_empty())
        else {
            return Err(Failure::usage(format!(
                "{one:?} names nobody: write a role and a person, such as `csm=Anna Beck <anna@acme.com>`."
            )));
        };
        people.insert(role.trim().to_owned(), person(named));
    }
    Ok(people)
}

impl Plan {
    /// The body of the call: what was said and nothing else.
    fn body(&self, account_id: String) -> Result<Value, Failure> {
        let said = [
            ("accountId", Some(account_id)),
            ("play", self.play.clone()),
            ("tier", self.tier.clone()),
            ("risk", self.risk.clone()),
            ("deadline", self.deadline.clone()),
            ("why", self.why.clone()),
        ];
        let mut body: Map<String, Value> =
            said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
        for (name, said) in [("compressed", self.compressed), ("dryRun", self.dry_run), ("start", self.start)]
        {
            if said {
                body.insert(name.to_owned(), true.into());
            }
        }
        let people = people(&self.people)?;
        if !people.is_empty() {
            body.insert("people".to_owned(), people.into());
        }
        if !self.waive.is_empty() {
            body.insert("waive".to_owned(), json!(self.waive));
        }
        Ok(body.into())
    }
}

pub async fn plan(client: &Client, args: Plan, context: &Context) -> anyhow::Result<()> {
    let account_id = account(client, &args.account).await?;
    let made = client.post("/v1/renewals", &args.body(account_id)?).await?;
    let id = text(&made, &["/renewalId"]);
    let mut notes = Vec::new();
    if let Some(folder) = &args.out {
        let written = documents::write_all(client, &id, folder).await?;
        notes.extend(written.iter().map(|place| format!("Written: {}", place.display())));
    }
    if let Some(folder) = &args.save_plan {
        let plan = client.get(&path(&id, "/plan.json")).await?;
        let place = documents::save_plan(&plan, folder, context.screen.now)?;
        notes.push(format!("Saved: {}", place.display()));
    }
    if args.dry_run {
        notes.push("Nothing was written.".to_owned());
    }
    context.screen.document(&made, |made| {
        let proposed = [("/proposal/tier/why", "tier"), ("/proposal/play/why", "play")]
            .map(|(pointer, name)| format!("  {name:<9} {}", text(made, &[pointer])));
        let mut lines = vec![read::shown(made, &context.screen), "Proposed because:".to_owned()];
        lines.extend(proposed);
        lines.extend(notes.clone());
        lines.join("\n")
    });
    if context.screen.json {
        // What was written is no part of the answer.
        for note in &notes {
            eprintln!("{note}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        plan: Plan,
    }

    fn parsed(line: &str) -> Plan {
        Line::parse_from(std::iter::once("plan").chain(line.split('|'))).plan
    }

    #[test]
    fn only_what_was_said_is_sent() {
        let plan =
            parsed("--account|Acme|--risk|red|--person|csm=Anna Beck <anna@acme.com>|--start|--waive|*");
        assert_eq!(
            plan.body("acme".to_owned()).unwrap(),
            json!({"accountId": "acme", "risk": "red", "start": true, "waive": ["*"],
                   "people": {"csm": {"name": "Anna Beck", "email": "anna@acme.com"}}})
        );
        assert_eq!(person("anna@acme.com"), json!({"email": "anna@acme.com"}));
        assert_eq!(person("Anna Beck"), json!({"name": "Anna Beck"}));
        assert!(people(&["csm".to_owned()]).unwrap_err().text.contains("names nobody"));
    }

    #[test]
    fn a_plan_is_saved_where_it_is_said_or_where_it_is_usual() {
        assert_eq!(parsed("--account|a|--save-plan").save_plan, Some(PathBuf::from(".claude/plans")));
        assert_eq!(parsed("--account|a|--save-plan|here").save_plan, Some(PathBuf::from("here")));
        assert_eq!(parsed("--account|a").save_plan, None);
        assert!(Line::try_parse_from(["plan", "--account", "a", "--dry-run", "--out", "x"]).is_err());
    }
}
