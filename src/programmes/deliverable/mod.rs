//! One file of a workspace: a head in TOML between two lines `+++`, then Markdown.
//!
//! TOML because the configuration, the settings and the policies are TOML: one reader, exact places, no surprises with bare
//! words. Promises: what is rendered is read back the same; whoever made it, the data is checked against the type of its kind and
//! the first fault is named with its path. Leaves out whether it is right; gates say that.

pub mod data;
mod kind;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use kind::Kind;

use super::business::markdown;

/// The largest deliverable, in bytes.
pub const SIZE_MAX: usize = 512 * 1024;

/// Whether a path is that of a deliverable: Markdown, and no chart.
pub fn is_document(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| ending == "md")
}

/// A deliverable as it is made and checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProgrammeDeliverable)]
pub struct Deliverable {
    pub title: String,
    /// Slugs of the personas whom it speaks of.
    #[serde(default)]
    pub personas: Vec<String>,
    #[serde(default)]
    pub competitors: Vec<String>,
    #[serde(default)]
    pub channels: Vec<String>,
    /// Texts of the messaging library that it quotes, by id.
    #[serde(default)]
    pub messages: BTreeMap<String, String>,
    /// Figures that it states, by name, such as `monthly_budget`.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
    /// What its kind carries.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
    /// Markdown, without a heading of the first rank.
    pub body: String,
}

/// Who made it, as the head says besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'o> {
    pub agent: &'o str,
    pub phase: u32,
    pub step: &'o str,
    /// What one agent alone was asked to do, in the words of whoever asked.
    pub task: Option<&'o str>,
}

/// A deliverable is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Malformed {
    /// A JSON pointer below the deliverable, such as `/data/lines/0/amount`; empty for the whole.
    pub path: String,
    pub message: String,
}

impl Deliverable {
    /// The file as it lies in the workspace.
    pub fn render(&self, kind: Kind, origin: &Origin<'_>) -> String {
        let head = WrittenHead {
            title: &self.title,
            agent: origin.agent,
            phase: origin.phase,
            step: origin.step,
            task: origin.task,
            kind: kind.name(),
            personas: &self.personas,
            competitors: &self.competitors,
            channels: &self.channels,
            figures: &self.figures,
            messages: &self.messages,
            data: without_nulls(Value::Object(self.data.clone())),
        };
        let head = toml::to_string(&head).unwrap_or_default();
        format!("+++\n{}\n+++\n\n# {}\n\n{}\n", head.trim_end(), self.title, self.body.trim())
    }

    /// Reads a file back.
    pub fn parse(text: &str) -> Result<(Self, Kind), Malformed> {
        let whole = |message: String| Malformed { path: String::new(), message };
        let parts = markdown::parts(text)
            .ok_or_else(|| whole("begins with no head between two lines `+++`".to_owned()))?;
        let head: Head = toml::from_str(parts.front)
            .map_err(|error| whole(format!("its head is not as it must be: {}", error.message())))?;
        let kind = Kind::named(&head.kind)
            .ok_or_else(|| whole(format!("`{}` is no kind of deliverable", head.kind)))?;
        let body = parts.body.trim();
        let body = body.strip_prefix(&format!("# {}", head.title)).unwrap_or(body).trim();
        let data = serde_json::to_value(head.data).map_err(|error| whole(error.to_string()))?;
        let Value::Object(data) = data else { return Err(whole("its data is no table".to_owned())) };
        let deliverable = Self {
            title: head.title,
            personas: head.personas,
            competitors: head.competitors,
            channels: head.channels,
            messages: head.messages,
            figures: head.figures,
            data,
            body: body.to_owned(),
        };
        deliverable.check(kind)?;
        Ok((deliverable, kind))
    }

    /// Whether it has all that its kind needs.
    pub fn check(&self, kind: Kind) -> Result<(), Malformed> {
        let fault = |path: &str, message: String| Err(Malformed { path: path.to_owned(), message });
        if self.title.trim().is_empty() || self.title.contains('\n') {
            return fault("/title", "must be one line that is not empty".to_owned());
        }
        if self.body.trim().is_empty() {
            return fault("/body", "is empty".to_owned());
        }
        if self.body.len() > SIZE_MAX {
            return fault("/body", format!("has {} bytes, at most {SIZE_MAX} are kept", self.body.len()));
        }
        if self.body.contains('\0') {
            return fault("/body", "has characters that no text has".to_owned());
        }
        if let Some((name, _)) = self.figures.iter().find(|(_, value)| !value.is_finite()) {
            return fault(&format!("/figures/{name}"), "is no number".to_owned());
        }
        kind.check(&self.data)
    }

    /// The data as the type of its kind.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Malformed> {
        kind::read(&self.data)
    }
}

/// TOML knows no null; what is not there is left out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// The head in the order in which it is read by people: what it is, whom it names, what it states, its data.
#[derive(Serialize)]
struct WrittenHead<'h> {
    title: &'h str,
    agent: &'h str,
    phase: u32,
    step: &'h str,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'h str>,
    kind: &'h str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    personas: &'h [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    competitors: &'h [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    channels: &'h [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    figures: &'h BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    messages: &'h BTreeMap<String, String>,
    #[serde(skip_serializing_if = "is_empty_object")]
    data: Value,
}

fn is_empty_object(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

#[derive(Deserialize)]
struct Head {
    title: String,
    kind: String,
    #[serde(default)]
    personas: Vec<String>,
    #[serde(default)]
    competitors: Vec<String>,
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    messages: BTreeMap<String, String>,
    #[serde(default)]
    figures: BTreeMap<String, f64>,
    #[serde(default)]
    data: toml::Table,
}
