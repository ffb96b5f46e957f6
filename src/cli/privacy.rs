//! `gtm privacy`: what is held about people, and erasing them.
//!
//! Promises: nothing is erased that was not shown before: without `--yes` an erasure is a preview.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::{Client, segment};
use super::context::Context;
use super::words::{counted, text};

#[derive(Debug, Args)]
pub struct Privacy {
    #[command(subcommand)]
    action: Action,
}

/// Whom it is about; all people of the account where nothing is said.
#[derive(Debug, Args)]
struct Person {
    /// The account.
    account: String,
    /// One person, by the id that the CRM gives them.
    #[arg(long)]
    contact: Option<String>,
    /// One person, by an e-mail address that they have or had.
    #[arg(long, conflicts_with = "contact")]
    email: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Everything that is held about a person, or all people of an account, as JSON.
    Export {
        #[command(flatten)]
        person: Person,
        /// A file instead of standard output.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Erase a person, or all people of an account. Shows what would be changed; erases with --yes.
    Erase {
        #[command(flatten)]
        person: Person,
        /// Do it. It cannot be undone.
        #[arg(long)]
        yes: bool,
    },
    /// Let somebody who was erased come back, by their own wish.
    Lift {
        #[command(flatten)]
        person: Person,
    },
}

pub async fn run(args: Privacy, context: &Context) -> anyhow::Result<()> {
    let client = context.client().await?;
    match args.action {
        Action::Export { person, out } => {
            let export = client.json(request(&client, reqwest::Method::GET, &person, "export")).await?;
            match out {
                Some(path) => std::fs::write(&path, format!("{export:#}\n"))
                    .with_context(|| format!("cannot write {}", path.display()))?,
                None => context.screen.document(&export, |export| format!("{export:#}")),
            }
        }
        Action::Erase { person, yes } => {
            let asked = request(&client, reqwest::Method::DELETE, &person, "personal-data");
            let answer = client.json(asked.query(&[("dryRun", !yes)])).await?;
            context.screen.document(&answer, told);
        }
        Action::Lift { person } => {
            let asked = request(&client, reqwest::Method::DELETE, &person, "suppressions");
            let answer = client.json(asked).await?;
            context.screen.document(&answer, |answer| {
                let lifted = answer["lifted"].as_u64().unwrap_or_default();
                if lifted == 0 { "Nobody was kept away." } else { "They may come back." }.to_owned()
            });
        }
    }
    Ok(())
}

fn request(client: &Client, method: reqwest::Method, person: &Person, what: &str) -> reqwest::RequestBuilder {
    let path = format!("/v1/accounts/{}/{what}", segment(&person.account));
    let contact = person.contact.iter().map(|id| ("contactId", id));
    let email = person.email.iter().map(|email| ("email", email));
    client.request(method, &path).query(&contact.chain(email).collect::<Vec<_>>())
}

/// What an erasure changed, or would change.
fn told(answer: &Value) -> String {
    let preview = answer["dryRun"] == true;
    let rows = |name: &str| answer[name].as_object().into_iter().flatten();
    let mut out = match (rows("changed").count(), preview) {
        (0, _) => "Nothing is held.".to_owned(),
        (_, true) => "This would be changed:".to_owned(),
        (_, false) => format!("Erased ({}):", text(answer, &["/erasureId"])),
    };
    for (kind, count) in rows("changed") {
        let _ = write!(out, "\n  {kind}: {count}");
    }
    for (recipient, count) in rows("recipients") {
        let deliveries =
            counted(count.as_u64().unwrap_or_default(), "delivery").replace("deliverys", "deliveries");
        let asked = if preview { "would be asked to erase" } else { "is asked to erase" };
        let _ = write!(out, "\n  {recipient} {asked} what it got by {deliveries}");
    }
    for other in answer["alsoAt"].as_array().into_iter().flatten() {
        let _ = write!(out, "\n  also known at {}: erase there too", other.as_str().unwrap_or_default());
    }
    if preview {
        out.push_str("\nRun it again with --yes to erase. It cannot be undone.");
    }
    out
}
