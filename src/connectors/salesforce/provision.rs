//! The custom fields that handoffs are written to, made where they are missing and our user may make them.
//!
//! Promises: what is there is left as it is; a field that is made is shown to nobody but our own user, by a permission set
//! of its own; where making is not allowed the organisation is not asked for it again and again.
//! Leaves out: fields that only mappings name; those are the organisation's own.

use std::sync::PoisonError;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Org, soql};
use crate::connectors::vendor::{Trouble, TroubleKind};

/// The permission set that shows the fields to our user.
const PERMISSIONS: &str = "GTM_Orchestrator";
/// How long it is not tried again to make the fields of an object.
const TRY_AGAIN: TimeDelta = TimeDelta::hours(1);
/// Characters of a text field, and of a delivery's id.
const TEXT: u16 = 255;
const ID: u16 = 36;

impl Org {
    /// Makes what an object lacks; false where nothing was tried.
    pub(super) async fn provision(&self, object: &'static str) -> Result<bool, Trouble> {
        let now = self.clock.now();
        {
            let mut tried = self.provisioned.lock().unwrap_or_else(PoisonError::into_inner);
            let recently = tried.get(object).is_some_and(|at| now - *at < TRY_AGAIN);
            if !self.makes_fields || recently {
                return Ok(false);
            }
            tried.insert(object, now);
        }
        let fields = self.custom_fields(object);
        for (name, metadata) in &fields {
            let body = json!({ "FullName": format!("{object}.{name}"), "Metadata": metadata });
            self.make("tooling/sobjects/CustomField", &body, name).await?;
        }
        let set = self.permission_set().await?;
        for (name, _) in &fields {
            let body = json!({
                "ParentId": set, "SobjectType": object, "Field": format!("{object}.{name}"), "PermissionsRead": true,
                "PermissionsEdit": true,
            });
            self.make("sobjects/FieldPermissions", &body, name).await?;
        }
        tracing::info!(connector = "salesforce", object, "the custom fields of handoffs were made");
        Ok(true)
    }

    /// The fields of ours, with what each is.
    fn custom_fields(&self, object: &str) -> Vec<(&str, Value)> {
        let label = |name: &str| name.trim_end_matches("__c").replace('_', " ");
        if object == "Task" {
            let name = self.delivery_field.as_str();
            let metadata = json!({
                "label": label(name), "type": "Text", "length": ID, "externalId": true, "unique": true,
                "caseSensitive": false,
            });
            return vec![(name, metadata)];
        }
        let of = |name| {
            let metadata = if self.fields.is_instant(name) {
                json!({ "label": label(name), "type": "DateTime" })
            } else {
                json!({ "label": label(name), "type": "Text", "length": TEXT })
            };
            (name, metadata)
        };
        self.fields.all().map(of).collect()
    }

    /// Makes one thing; what is there already is as good.
    async fn make(&self, path: &str, body: &Value, name: &str) -> Result<(), Trouble> {
        match self.client.write(Method::POST, path, body).await {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.said.starts_with("DUPLICATE") => Ok(()),
            Err(trouble) => {
                let said = format!("{name} is missing and cannot be made: {}", trouble.said);
                Err(Trouble { said, ..trouble })
            }
        }
    }

    /// Our permission set, which our user has.
    async fn permission_set(&self) -> Result<String, Trouble> {
        let named = soql::ids("PermissionSet", &format!("Name = {} LIMIT 1", soql::literal(PERMISSIONS)));
        let found = self.client.query(&named).await?.records;
        if let Some(id) = found.first().and_then(|set| set["Id"].as_str()) {
            return Ok(id.to_owned());
        }
        let body = json!({ "Name": PERMISSIONS, "Label": "GTM orchestrator" });
        let made: Value = self.client.write(Method::POST, "sobjects/PermissionSet", &body).await?.json()?;
        let malformed = |said| self.client.vendor.trouble(TroubleKind::Malformed, said);
        let set = made["id"].as_str().ok_or_else(|| malformed("the new permission set has no id"))?;
        let me = self.client.user_info().await?;
        let me = me["user_id"].as_str().ok_or_else(|| malformed("it does not say who our user is"))?;
        let body = json!({ "AssigneeId": me, "PermissionSetId": set });
        self.make("sobjects/PermissionSetAssignment", &body, PERMISSIONS).await?;
        Ok(set.to_owned())
    }
}
