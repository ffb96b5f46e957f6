//! The API's answers, as far as they are used. Everything that a portal or a version may leave out is optional.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::kernel::clock::DateTime;

/// A company, contact, deal or note.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    #[serde(deserialize_with = "id")]
    pub id: String,
    #[serde(default)]
    pub properties: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub updated_at: Option<DateTime>,
    #[serde(default)]
    pub archived_at: Option<DateTime>,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub associations: BTreeMap<String, Associated>,
}

impl Object {
    /// A property that holds something.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The company that it belongs to: the primary one, else the first.
    pub(super) fn company(&self) -> Option<&str> {
        let links = self.associations.get("companies").map(|all| all.results.as_slice()).unwrap_or_default();
        let labelled =
            |link: &&Link| link.r#type.as_deref().is_some_and(|label| !label.ends_with("_unlabeled"));
        let primary = links.iter().find(labelled).or(links.first());
        self.property("associatedcompanyid").or_else(|| primary.map(|link| link.id.as_str()))
    }
}

/// The objects of one kind that an object goes with.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Associated {
    #[serde(default)]
    pub results: Vec<Link>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Link {
    #[serde(deserialize_with = "id")]
    pub id: String,
    #[serde(default)]
    pub r#type: Option<String>,
}

/// A page of anything.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    #[serde(default = "Vec::new")]
    pub results: Vec<T>,
    #[serde(default)]
    pub paging: Option<Paging>,
    #[serde(default)]
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// Where the next page begins.
    pub(super) fn next(&self) -> Option<String> {
        Some(self.paging.as_ref()?.next.as_ref()?.after.clone())
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    #[serde(default)]
    pub next: Option<NextPage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NextPage {
    #[serde(deserialize_with = "id")]
    pub after: String,
}

/// One end of an association.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    #[serde(deserialize_with = "id")]
    pub to_object_id: String,
}

/// Somebody who can own objects.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Owner {
    #[serde(deserialize_with = "id")]
    pub id: String,
    #[serde(default)]
    pub email: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pipeline {
    #[serde(default)]
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Stage {
    #[serde(deserialize_with = "id")]
    pub id: String,
    #[serde(default)]
    pub label: String,
    /// `probability` and `isClosed`, as text or plain.
    #[serde(default)]
    pub metadata: BTreeMap<String, Value>,
}

/// A property's definition.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Definition {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub options: Vec<Choice>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub value: String,
    #[serde(default)]
    pub label: String,
}

/// Whose token it is and what it may do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenInfo {
    #[serde(default)]
    pub hub_id: Option<u64>,
    #[serde(default)]
    pub scopes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    #[serde(default)]
    pub portal_id: Option<u64>,
}

/// An id, which versions write as text or as a number.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        Number(u64),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Text(text) => text,
        Form::Number(number) => number.to_string(),
    })
}
