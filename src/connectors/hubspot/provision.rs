//! The custom properties that handoffs are written to, made where they are missing.
//!
//! Promises: what is there already is left as it is; two replicas that make them at once do no harm.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::HubSpot;
use crate::connectors::vendor::{Trouble, TroubleKind};

/// The group in which the properties stand on a record's page.
const GROUP: &str = "gtm_orchestrator";

/// A property of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Custom {
    pub name: &'static str,
    label: &'static str,
    kind: &'static str,
    field: &'static str,
    description: &'static str,
}

const fn custom(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    field: &'static str,
    description: &'static str,
) -> Custom {
    Custom { name, label, kind, field, description }
}

pub(super) const COMPLETED_AT: &str = "gtm_handoff_completed_at";
pub(super) const UNDONE_AT: &str = "gtm_handoff_undone_at";
pub(super) const HANDOFF_TYPE: &str = "gtm_handoff_type";
pub(super) const PREVIOUS_OWNER: &str = "gtm_previous_owner";
pub(super) const PACKAGE_ID: &str = "gtm_handoff_package_id";
pub(super) const DELIVERY_ID: &str = "gtm_delivery_id";

/// Of deals.
pub(super) const DEALS: &[Custom] = &[
    custom(
        COMPLETED_AT,
        "GTM handoff completed",
        "datetime",
        "date",
        "When the deal was handed to its owner.",
    ),
    custom(
        UNDONE_AT,
        "GTM handoff undone",
        "datetime",
        "date",
        "When the handoff was cancelled or rolled back.",
    ),
    custom(HANDOFF_TYPE, "GTM handoff type", "string", "text", "The kind of the last handoff."),
    custom(
        PREVIOUS_OWNER,
        "GTM previous owner",
        "string",
        "text",
        "Who had the deal before the last handoff.",
    ),
    custom(
        PACKAGE_ID,
        "GTM handoff package",
        "string",
        "text",
        "The id of the last handoff and its package.",
    ),
];

/// Of notes.
pub(super) const NOTES: &[Custom] = &[custom(
    DELIVERY_ID,
    "GTM delivery",
    "string",
    "text",
    "Tells a note that was written from one that was not.",
)];

/// The properties of a collection.
pub(super) fn of_collection(collection: &str) -> &'static [Custom] {
    if collection == "notes" { NOTES } else { DEALS }
}

impl Custom {
    fn body(&self) -> Value {
        json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field, "groupName": GROUP,
            "description": self.description,
        })
    }
}

impl HubSpot {
    /// Makes the properties of a collection that are not there.
    pub(super) async fn provision(&self, collection: &str) -> Result<(), Trouble> {
        let path = format!("{}/{collection}", self.settings.paths.properties);
        let group = json!({"name": GROUP, "label": "GTM orchestrator", "displayOrder": -1});
        self.make(&format!("{path}/groups"), &group).await?;
        for custom in of_collection(collection) {
            self.make(&path, &custom.body()).await?;
        }
        tracing::info!(connector = super::NAME, collection, "the custom properties of handoffs were made");
        Ok(())
    }

    async fn make(&self, path: &str, body: &Value) -> Result<(), Trouble> {
        match self.send::<Value>(Method::POST, path, body).await {
            Ok(_) => Ok(()),
            // It is there: made before, or by somebody else just now.
            Err(trouble)
                if trouble.kind == TroubleKind::Conflict || trouble.said.contains("already exists") =>
            {
                Ok(())
            }
            Err(trouble) => {
                let name = body["name"].as_str().unwrap_or_default();
                let said = format!("property {name} is missing and cannot be made: {}", trouble.said);
                Err(Trouble { said, ..trouble })
            }
        }
    }
}
