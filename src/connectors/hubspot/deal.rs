//! A handoff written to its deal.
//!
//! Promises: the same delivery sent again writes the same values; missing properties are made once and the write is
//! repeated; an owner who cannot be found is a failure that says so, after everything else was written.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{HubSpot, NO_SUCH_PROPERTY};
use super::provision::{COMPLETED_AT, HANDOFF_TYPE, PACKAGE_ID, PREVIOUS_OWNER, UNDONE_AT};
use crate::connectors::vendor::{Trouble, TroubleKind};
use crate::platform::outbox::{Outgoing, Sender, Sent, Unsent};

/// What is to be written, in the outbox's words.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateDeal {
    deal_id: String,
    #[serde(default)]
    owner_id: Option<String>,
    #[serde(default)]
    owner_email: Option<String>,
    #[serde(default)]
    handoff_completed_at: Option<String>,
    #[serde(default)]
    handoff_undone_at: Option<String>,
    #[serde(default)]
    handoff_type: Option<String>,
    #[serde(default)]
    previous_owner: Option<String>,
    #[serde(default)]
    handoff_package_id: Option<String>,
}

impl UpdateDeal {
    /// The properties to write. An empty text clears: a handoff is either completed or undone.
    fn properties(&self, owner: Option<&str>) -> Map<String, Value> {
        let or_empty = |value: &Option<String>| json!(value.as_deref().unwrap_or_default());
        let mut properties = Map::from_iter([
            (COMPLETED_AT.to_owned(), or_empty(&self.handoff_completed_at)),
            (UNDONE_AT.to_owned(), or_empty(&self.handoff_undone_at)),
        ]);
        let said = [
            (HANDOFF_TYPE, self.handoff_type.as_deref()),
            (PREVIOUS_OWNER, self.previous_owner.as_deref()),
            (PACKAGE_ID, self.handoff_package_id.as_deref()),
            ("hubspot_owner_id", owner),
        ];
        properties
            .extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
        properties
    }
}

/// Serves `crm/update_deal`.
pub(super) struct DealSender {
    hubspot: Arc<HubSpot>,
}

impl Sender for DealSender {
    fn provider(&self) -> &'static str {
        super::NAME
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(self.write(outgoing))
    }
}

impl DealSender {
    pub(super) fn new(hubspot: Arc<HubSpot>) -> Self {
        Self { hubspot }
    }

    async fn write(&self, outgoing: Outgoing<'_>) -> Result<Sent, Unsent> {
        let update: UpdateDeal = outgoing.data()?;
        if !is_object_id(&update.deal_id) {
            return Err(Unsent::never(format!(
                "deal `{}` is not HubSpot's: its deals have numbers for ids. Tell of deals with the ids that they have \
                 there",
                update.deal_id
            )));
        }
        let rep = update.owner_id.as_deref().filter(|_| self.hubspot.settings.set_owner);
        let owner = match rep {
            Some(rep) => self.hubspot.owner_of(rep, update.owner_email.as_deref()).await?,
            None => None,
        };
        self.patch(&update.deal_id, &json!({ "properties": update.properties(owner.as_deref()) })).await?;
        match (rep, owner) {
            (Some(rep), None) => Err(Unsent::never(format!(
                "the handoff is written to deal {}, its owner is not: rep `{rep}` is no owner in HubSpot{}. Add \
                 the owner to connectors.hubspot.owners or invite them there, then send this again; \
                 connectors.hubspot.set_owner = false leaves owners alone",
                update.deal_id,
                update.owner_email.map_or_else(String::new, |email| format!(" by id or by {email}")),
            ))),
            _ => Ok(Sent::of(200)),
        }
    }

    async fn patch(&self, deal: &str, body: &Value) -> Result<(), Trouble> {
        let path = format!("{}/deals/{deal}", self.hubspot.settings.paths.objects);
        let write = || self.hubspot.send::<Value>(Method::PATCH, &path, body);
        match write().await {
            Err(trouble) if lacks_property(&trouble) => {
                self.hubspot.provision("deals").await?;
                write().await.map(drop)
            }
            other => other.map(drop),
        }
    }
}

/// Whether a text is an id of HubSpot.
pub(super) fn is_object_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a write was refused because the portal lacks a property of ours.
pub(super) fn lacks_property(trouble: &Trouble) -> bool {
    trouble.kind == TroubleKind::Invalid && trouble.said.starts_with(NO_SUCH_PROPERTY)
}
