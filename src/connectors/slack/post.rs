//! Posting: by the bot to a channel, or by an incoming webhook to its own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use super::blocks::{Alert, Layout, message};
use crate::connectors::vendor::{Trouble, TroubleKind, Vendor};
use crate::connectors::{Check, Finding};
use crate::kernel::clock::DateTime;
use crate::platform::outbox::{Outgoing, Sender, Sent, Unsent};

/// How long it is believed whose an e-mail address is.
const PERSON_KEPT: TimeDelta = TimeDelta::hours(12);
/// Messages that are searched for one that may have been posted.
const SEARCHED: u32 = 100;

/// A person's id by e-mail address, none where Slack knows nobody by it, and when it was asked.
type People = HashMap<String, (Option<String>, DateTime)>;

/// The bot.
pub(super) struct Bot {
    pub(super) vendor: Vendor,
    pub(super) client: reqwest::Client,
    pub(super) base: String,
    pub(super) token: SecretString,
    pub(super) channel: Option<String>,
    pub(super) layout: Layout,
    pub(super) people: Mutex<People>,
}

impl Sender for Bot {
    fn provider(&self) -> &'static str {
        "slack"
    }

    fn in_order(&self) -> bool {
        false
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(self.deliver(outgoing))
    }
}

impl Bot {
    async fn deliver(&self, outgoing: Outgoing<'_>) -> Result<Sent, Unsent> {
        let mut alert: Alert = outgoing.data()?;
        for person in &mut alert.to {
            if let Some(email) = &person.email {
                person.slack_id = self.person(email, outgoing.now).await?;
            }
        }
        // What is for one person and no channel goes to that person.
        let direct = || match alert.to.as_slice() {
            [person] => person.slack_id.clone(),
            _ => None,
        };
        let channel =
            alert.channel.clone().or_else(direct).or_else(|| self.channel.clone()).ok_or_else(|| {
                Unsent::never(
                    "the team has no channel in the roster, and connectors.slack.channel names none",
                )
            })?;
        if outgoing.unsure && self.was_posted(&channel, outgoing.id).await? {
            return Ok(Sent::of(200));
        }
        let mut body = message(&alert, &self.layout);
        body["channel"] = json!(channel);
        body["metadata"] = json!({
            "event_type": "gtm_alert",
            "event_payload": {"delivery_id": outgoing.id, "handoff_id": alert.handoff_id},
        });
        self.call("chat.postMessage", &body).await?;
        Ok(Sent::of(200))
    }

    /// Calls a method with a JSON body.
    async fn call(&self, method: &str, body: &Value) -> Result<Value, Trouble> {
        let request =
            self.client.post(format!("{}/{method}", self.base)).bearer_auth(self.token.expose_secret());
        self.vendor.json(request.json(body)).await
    }

    /// Calls a method that takes its arguments as a form only.
    async fn ask(&self, method: &str, arguments: &[(&str, &str)]) -> Result<Value, Trouble> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(arguments).finish();
        let request = self
            .client
            .post(format!("{}/{method}", self.base))
            .bearer_auth(self.token.expose_secret())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        self.vendor.json(request).await
    }

    /// Whether an earlier attempt arrived though its answer did not. A bot that may not read the channel cannot know:
    /// then the alert is posted again, because one too many is better than none.
    async fn was_posted(&self, channel: &str, delivery: Uuid) -> Result<bool, Trouble> {
        let made = delivery.get_timestamp().map_or(0, |at| at.to_unix().0);
        let (oldest, limit) = (made.to_string(), SEARCHED.to_string());
        let arguments =
            [("channel", channel), ("oldest", &oldest), ("limit", &limit), ("include_all_metadata", "true")];
        match self.ask("conversations.history", &arguments).await {
            Ok(history) => {
                let id = json!(delivery);
                let messages = history["messages"].as_array();
                Ok(messages
                    .into_iter()
                    .flatten()
                    .any(|one| one["metadata"]["event_payload"]["delivery_id"] == id))
            }
            Err(trouble) if matches!(trouble.kind, TroubleKind::Forbidden | TroubleKind::Missing) => {
                Ok(false)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Slack's id of whoever has an e-mail address.
    async fn person(&self, email: &str, now: DateTime) -> Result<Option<String>, Trouble> {
        let known = self.people.lock().unwrap_or_else(PoisonError::into_inner).get(email).cloned();
        if let Some((id, asked_at)) = known
            && now - asked_at < PERSON_KEPT
        {
            return Ok(id);
        }
        let id = match self.ask("users.lookupByEmail", &[("email", email)]).await {
            Ok(answer) => answer["user"]["id"].as_str().map(str::to_owned),
            // Named by name then; an alert does not wait for a scope.
            Err(trouble) if matches!(trouble.kind, TroubleKind::Missing | TroubleKind::Forbidden) => None,
            Err(trouble) => return Err(trouble),
        };
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.insert(email.to_owned(), (id.clone(), now));
        Ok(id)
    }

    /// The e-mail address of a person by Slack's id.
    pub(super) async fn email_of(&self, person: &str) -> Result<Option<String>, Trouble> {
        let answer = self.ask("users.info", &[("user", person)]).await?;
        Ok(answer["user"]["profile"]["email"].as_str().map(str::to_owned))
    }

    /// What of the set-up works.
    pub(super) async fn findings(&self) -> Vec<Finding> {
        let told = |what: &str, outcome: Result<String, Trouble>| match outcome {
            Ok(detail) => Finding::well(what, detail),
            Err(trouble) => Finding::amiss(what, trouble.to_string()),
        };
        let who = self.ask("auth.test", &[]).await.map(|answer| {
            let name = |key: &str| answer[key].as_str().unwrap_or("?").to_owned();
            format!("The bot is {} in {}.", name("user"), name("team"))
        });
        let people = self.ask("users.list", &[("limit", "1")]).await;
        let people = people.map(|_| "People can be named (users:read, users:read.email).".to_owned());
        let mut findings = vec![told("token", who), told("scope users:read", people)];
        findings.push(match &self.channel {
            None => {
                Finding::well("channel", "None is set: teams without a channel in the roster get no alerts.")
            }
            Some(channel) => {
                let found = self.ask("conversations.info", &[("channel", channel)]).await;
                told(
                    "channel",
                    found.map(|answer| match answer["channel"]["is_member"].as_bool() {
                        Some(false) => format!("{channel} is there; invite the bot into it."),
                        _ => format!("{channel} is there."),
                    }),
                )
            }
        });
        findings
    }
}

/// An incoming webhook.
pub(super) struct Hook {
    pub(super) vendor: Vendor,
    pub(super) client: reqwest::Client,
    /// Whoever has the address can post.
    pub(super) url: SecretString,
    pub(super) layout: Layout,
}

impl Sender for Hook {
    fn provider(&self) -> &'static str {
        "slack"
    }

    fn in_order(&self) -> bool {
        false
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(async move {
            let alert: Alert = outgoing.data()?;
            let request = self.client.post(self.url.expose_secret()).json(&message(&alert, &self.layout));
            let answer = self.vendor.call(request).await?;
            Ok(Sent::of(answer.status.as_u16()))
        })
    }
}

/// What Slack says of a message without content: the address is good.
const NOTHING_SAID: [&str; 3] = ["no_text", "invalid_payload", "missing_text_or_fallback_or_attachments"];

impl Check for Hook {
    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            // Nothing is posted: a message without content is refused by an address that is there, and by one that is not.
            let request = self.client.post(self.url.expose_secret()).json(&json!({}));
            let well = || {
                Finding::well("webhook_url", "It is there: alerts go to its one channel, without buttons.")
            };
            vec![match self.vendor.call(request).await {
                Ok(_) => well(),
                Err(trouble) if NOTHING_SAID.contains(&trouble.said.trim()) => well(),
                Err(trouble) => Finding::amiss("webhook_url", trouble.to_string()),
            }]
        })
    }
}
