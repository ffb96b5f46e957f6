//! `gtm handoff ack`, `ask`, `answer`, `contact`, `reject`, `reassign`, `release`, `cancel`, `rollback`: what is done to one
//! handoff.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::{path, standing};
use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

#[derive(Debug, Subcommand)]
pub enum Act {
    /// Say that the owner has seen it.
    Ack { id: String },
    /// Ask those who handed over; the clock waits for the answer.
    Ask { id: String, question: String },
    /// Answer what the owner has asked.
    Answer {
        id: String,
        /// Left out where it was answered in another way.
        answer: Option<String>,
    },
    /// Say that the customer was contacted.
    Contact {
        id: String,
        /// When it was, such as 2027-03-01T09:30:00Z; now when left out.
        #[arg(long)]
        at: Option<String>,
    },
    /// Give it back: somebody else of the team gets it.
    Reject {
        id: String,
        reason: String,
        /// Give it back to the team that it came from instead, where it ends.
        #[arg(long)]
        to_sender: bool,
    },
    /// Give it to somebody else.
    Reassign {
        id: String,
        /// The rep; whoever is next by the routing when left out.
        #[arg(long)]
        owner: Option<String>,
    },
    /// Let a held handoff go on though something is missing.
    Release { id: String },
    /// End it.
    Cancel {
        id: String,
        #[arg(long)]
        reason: Option<String>,
    },
    /// Undo it, within 30 minutes of its making.
    Rollback {
        id: String,
        #[arg(long)]
        reason: Option<String>,
    },
}

impl Act {
    /// The handoff, what is done to it, and what is said along.
    fn call(self) -> (String, &'static str, Value) {
        let said = |name: &str, value: Option<String>| {
            let said = value.map(|value| (name.to_owned(), Value::from(value)));
            Value::Object(said.into_iter().collect::<Map<_, _>>())
        };
        match self {
            Self::Ack { id } => (id, "/acknowledge", json!({})),
            Self::Ask { id, question } => (id, "/ask", json!({ "question": question })),
            Self::Answer { id, answer } => (id, "/answer", said("answer", answer)),
            Self::Contact { id, at } => (id, "/contact", said("at", at)),
            Self::Reject { id, reason, to_sender } => {
                (id, "/reject", json!({ "reason": reason, "reroute": !to_sender }))
            }
            Self::Reassign { id, owner } => (id, "/reassign", said("ownerId", owner)),
            Self::Release { id } => (id, "/release", json!({})),
            Self::Cancel { id, reason } => (id, "/cancel", said("reason", reason)),
            Self::Rollback { id, reason } => (id, "/rollback", said("reason", reason)),
        }
    }
}

pub async fn act(client: &Client, act: Act, context: &Context) -> Result<(), Failure> {
    let (id, action, body) = act.call();
    let handoff = client.post(&path(&id, action), &body).await?;
    context.screen.document(&handoff, standing);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_said_is_sent() {
        let id = || "h1".to_owned();
        let calls = [
            (Act::Answer { id: id(), answer: None }, "/answer", json!({})),
            (Act::Contact { id: id(), at: Some("t".to_owned()) }, "/contact", json!({"at": "t"})),
            (
                Act::Reject { id: id(), reason: "r".to_owned(), to_sender: true },
                "/reject",
                json!({"reason": "r", "reroute": false}),
            ),
            (
                Act::Reassign { id: id(), owner: Some("ada".to_owned()) },
                "/reassign",
                json!({"ownerId": "ada"}),
            ),
        ];
        for (act, action, body) in calls {
            assert_eq!(act.call(), (id(), action, body));
        }
    }
}
