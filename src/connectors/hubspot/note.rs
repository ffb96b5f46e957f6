//! A handoff noted on its deal and company.
//!
//! Promises: a note carries its delivery's id, and after an attempt whose end is unknown it is looked for before it is
//! written again. Search lags behind writing by moments, so such an attempt is followed by a pause; what search shows
//! only after that is the one way to a second note.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::HubSpot;
use super::deal::{is_object_id, lacks_property};
use super::provision::DELIVERY_ID;
use super::wire::{Object, Page};
use crate::connectors::vendor::{Trouble, TroubleKind};
use crate::platform::outbox::{Next, Outgoing, Sender, Sent, Unsent};

/// Characters of a note: HubSpot keeps 65,536 with its markup.
const BODY_MAX: usize = 60_000;
const NOTE_TO_COMPANY: u16 = 190;
const NOTE_TO_DEAL: u16 = 214;

/// What is to be noted, in the outbox's words.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogActivity {
    #[serde(default)]
    subject: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    deal_id: Option<String>,
    #[serde(default)]
    owner_id: Option<String>,
    #[serde(default)]
    owner_email: Option<String>,
}

/// Serves `crm/log_activity`.
pub(super) struct NoteSender {
    hubspot: Arc<HubSpot>,
}

impl Sender for NoteSender {
    fn provider(&self) -> &'static str {
        super::NAME
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(self.note(outgoing))
    }
}

impl NoteSender {
    pub(super) fn new(hubspot: Arc<HubSpot>) -> Self {
        Self { hubspot }
    }

    async fn note(&self, outgoing: Outgoing<'_>) -> Result<Sent, Unsent> {
        let activity: LogActivity = outgoing.data()?;
        let id = outgoing.id.to_string();
        if outgoing.attempts > 1 && self.is_written(&id).await? {
            return Ok(Sent::of(200));
        }
        let deal = activity.deal_id.as_deref().filter(|id| is_object_id(id));
        let company = self.company(outgoing.account_id).await?;
        if deal.is_none() && company.is_none() {
            return Err(Unsent::never(format!(
                "HubSpot has no company for account `{}` and no deal is named, so there is nothing to note this on. Give \
                 the company the account's id (connectors.hubspot.account_id_property), then send this again",
                outgoing.account_id
            )));
        }
        let owner = match activity.owner_id.as_deref() {
            Some(rep) => self.hubspot.owner_of(rep, activity.owner_email.as_deref()).await?,
            None => None,
        };
        let at = envelope_time(outgoing.payload).unwrap_or_else(|| outgoing.now.to_rfc3339());
        let body = body(&activity, &id, &at, owner.as_deref(), company.as_deref(), deal);
        let written = self.write(&body).await;
        written.map(|()| Sent::of(201)).map_err(|trouble| self.later(trouble))
    }

    /// Whether an earlier attempt came through.
    async fn is_written(&self, id: &str) -> Result<bool, Trouble> {
        let body = json!({
            "limit": 1, "after": "0", "sorts": [], "properties": [DELIVERY_ID],
            "filterGroups": [{"filters": [{"propertyName": DELIVERY_ID, "operator": "EQ", "value": id}]}],
        });
        match self.hubspot.search::<Page<Object>>("notes", &body).await {
            Ok(page) => Ok(!page.results.is_empty()),
            // Without the property no note can carry it.
            Err(trouble) if trouble.kind == TroubleKind::Invalid => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// The company of an account.
    async fn company(&self, account_id: &str) -> Result<Option<String>, Trouble> {
        let settings = &self.hubspot.settings;
        let Some(property) = &settings.account_id_property else {
            let own = settings.uses_company_id() && is_object_id(account_id);
            return Ok(own.then(|| account_id.to_owned()));
        };
        let found = self.hubspot.companies_with(property, account_id).await?;
        Ok(found.into_iter().next().map(|company| company.id))
    }

    async fn write(&self, body: &Value) -> Result<(), Trouble> {
        let path = format!("{}/notes", self.hubspot.settings.paths.objects);
        let write = || self.hubspot.send::<Value>(Method::POST, &path, body);
        match write().await {
            Err(trouble) if lacks_property(&trouble) => {
                self.hubspot.provision("notes").await?;
                write().await.map(drop)
            }
            other => other.map(drop),
        }
    }

    /// A write whose end is unknown is repeated only when search can have seen it.
    fn later(&self, trouble: Trouble) -> Unsent {
        use TroubleKind::{Down, Malformed, Unreached};
        let unknown = matches!(trouble.kind, Down | Malformed | Unreached);
        let lag = TimeDelta::seconds(i64::from(self.hubspot.settings.search_lag_secs));
        let unsent = Unsent::from(trouble);
        match unsent.next {
            Next::Planned if unknown => Unsent { next: Next::After(lag), ..unsent },
            Next::After(wait) if unknown => Unsent { next: Next::After(wait.max(lag)), ..unsent },
            _ => unsent,
        }
    }
}

/// When it happened: the same over all attempts.
fn envelope_time(payload: &str) -> Option<String> {
    let envelope: Value = serde_json::from_str(payload).ok()?;
    envelope["timestamp"].as_str().map(str::to_owned)
}

fn body(
    activity: &LogActivity,
    id: &str,
    at: &str,
    owner: Option<&str>,
    company: Option<&str>,
    deal: Option<&str>,
) -> Value {
    let link = |kind: u16, id: &str| json!({"types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}], "to": {"id": id}});
    let company = company.map(|id| link(NOTE_TO_COMPANY, id));
    let deal = deal.map(|id| link(NOTE_TO_DEAL, id));
    let associations: Vec<Value> = company.into_iter().chain(deal).collect();
    let mut properties = json!({
        "hs_timestamp": at, "hs_note_body": html(&activity.subject, &activity.description), DELIVERY_ID: id,
    });
    if let Some(owner) = owner {
        properties["hubspot_owner_id"] = json!(owner);
    }
    json!({ "associations": associations, "properties": properties })
}

/// Plain text as the simple markup of a note.
fn html(subject: &str, description: &str) -> String {
    let mut body = String::new();
    if !subject.is_empty() {
        body = format!("<strong>{}</strong><br>", escaped(subject));
    }
    for (number, line) in description.lines().enumerate() {
        let line = escaped(line);
        if body.len() + line.len() > BODY_MAX {
            body.push_str("<br>…");
            break;
        }
        if number > 0 {
            body.push_str("<br>");
        }
        body.push_str(&line);
    }
    body
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_others_is_text_and_a_long_text_ends_within_the_limit() {
        assert_eq!(html("A & B", "<b>\nx"), "<strong>A &amp; B</strong><br>&lt;b&gt;<br>x");
        let long = "many words\n".repeat(20_000);
        let body = html("", &long);
        assert!(body.len() <= BODY_MAX + 16 && body.ends_with("<br>…"), "{}", body.len());
    }
}
