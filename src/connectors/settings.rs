//! The settings of connectors: one section for each system, read by its own folder.
//!
//! Promises: secrets come as text or from a file (`{ file = "/run/secrets/x" }`) and never show in debug output; a
//! section is refused as a whole, with the key that is wrong.
//! Leaves out: what a section holds; its connector says so in a type of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::watch::WatchSettings;
use crate::kernel::text::nearest;

/// `[connectors]`: who serves a destination that several could, and a table for each system.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ConnectorSettings {
    /// The connector that each kind of destination goes to, where several are set up: `crm`, `messaging`, `email`. Of
    /// several, the first serves and the others stand in for it.
    pub serve: BTreeMap<String, Chosen>,
    /// When something is an alarm, and who is told.
    pub watch: WatchSettings,
    #[serde(flatten)]
    sections: BTreeMap<String, Value>,
}

/// One connector, or several in the order in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Chosen {
    One(String),
    Several(Vec<String>),
}

impl std::fmt::Debug for ConnectorSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The tables hold secrets.
        let names: Vec<_> = self.sections.keys().collect();
        let mut shown = f.debug_struct("ConnectorSettings");
        shown.field("serve", &self.serve).field("watch", &self.watch).field("sections", &names).finish()
    }
}

impl ConnectorSettings {
    /// The sections that are there and not switched off (`enabled = false`).
    pub fn sections(&self) -> impl Iterator<Item = Section> {
        let on = |table: &&Value| !matches!(table.get("enabled"), Some(Value::Bool(false)));
        self.sections.iter().filter(move |(_, table)| on(table)).map(|(name, table)| {
            let mut table = table.clone();
            if let Some(map) = table.as_object_mut() {
                map.remove("enabled");
            }
            Section { name: name.clone(), table }
        })
    }

    /// Empty sections in place of those of these names that nobody wrote.
    pub(super) fn unwritten(&self, names: &[&str]) -> impl Iterator<Item = Section> {
        let missing = |name: &&&str| !self.sections.contains_key(**name);
        names
            .iter()
            .filter(missing)
            .map(|name| Section { name: (*name).to_owned(), table: Value::Object(serde_json::Map::new()) })
    }

    /// Every choice: the kind of destination, and a connector.
    pub(super) fn chosen(&self) -> impl Iterator<Item = (&str, &str)> {
        self.serve.iter().flat_map(|(kind, chosen)| {
            let names = match chosen {
                Chosen::One(name) => std::slice::from_ref(name),
                Chosen::Several(names) => names.as_slice(),
            };
            names.iter().map(|name| (kind.as_str(), name.as_str()))
        })
    }

    /// The connectors that were chosen for a destination, in order; none where nothing was said.
    pub(super) fn prefers(&self, destination: &str) -> Vec<&str> {
        let kind = destination.split('/').next().unwrap_or(destination);
        self.chosen().filter(|(of, _)| *of == kind).map(|(_, name)| name).collect()
    }
}

/// The table of one system.
pub struct Section {
    pub name: String,
    table: Value,
}

impl Section {
    /// Reads the table as the connector's own type, which should refuse unknown fields.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SetupFault> {
        serde_path_to_error::deserialize(&self.table).map_err(|error| {
            let path = error.path().to_string();
            let key = if path == "." { self.name.clone() } else { format!("{}.{path}", self.name) };
            SetupFault { key: format!("connectors.{key}"), fault: error.inner().to_string() }
        })
    }

    /// The tables below it, for a section that holds several of a kind.
    pub fn tables(&self) -> Result<Vec<Self>, SetupFault> {
        let Some(tables) = self.table.as_object() else {
            return Err(SetupFault {
                key: format!("connectors.{}", self.name),
                fault: "must be a table".to_owned(),
            });
        };
        let below = |(name, table): (&String, &Value)| Self {
            name: format!("{}.{name}", self.name),
            table: table.clone(),
        };
        Ok(tables.iter().map(below).collect())
    }

    /// A fault of one of its keys.
    pub fn fault(&self, key: &str, fault: impl Into<String>) -> SetupFault {
        SetupFault { key: format!("connectors.{}.{key}", self.name), fault: fault.into() }
    }
}

/// Why a connector cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {fault}")]
pub struct SetupFault {
    pub key: String,
    pub fault: String,
}

impl SetupFault {
    pub(super) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Self {
        let hint = nearest(name, known.clone()).map_or_else(
            || format!("those that there are: {}", known.collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean {near}?"),
        );
        Self { key: format!("connectors.{name}"), fault: format!("there is no such connector; {hint}") }
    }

    pub(super) fn unserved<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known = known.collect::<Vec<_>>().join(", ");
        Self {
            key: format!("connectors.serve.{kind}"),
            fault: format!("`{name}` is not connected; those that are: {known}"),
        }
    }

    pub(super) fn rivals(destination: &str, by: &[&str]) -> Self {
        let kind = destination.split('/').next().unwrap_or(destination);
        Self {
            key: format!("connectors.serve.{kind}"),
            fault: format!("{} could all serve `{destination}`: say which one does", by.join(", ")),
        }
    }
}

/// A secret: text, or a file that holds it (`{ file = "…" }`), without the line end.
#[derive(Debug, Clone)]
pub struct Secret(pub SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            // The environment gives what looks like a number as one.
            Number(i64),
            File { file: PathBuf },
        }
        let text = match Form::deserialize(deserializer)
            .map_err(|_| D::Error::custom("a secret is text, or { file = \"…\" }"))?
        {
            Form::Text(text) => text,
            Form::Number(number) => number.to_string(),
            Form::File { file } => {
                let text = std::fs::read_to_string(&file).map_err(|error| {
                    D::Error::custom(format!("{} cannot be read: {error}", file.display()))
                })?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
        };
        if text.is_empty() {
            return Err(D::Error::custom("a secret must not be empty"));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        token: Secret,
    }

    fn section(table: &Value) -> Result<Own, SetupFault> {
        let settings: ConnectorSettings = serde_json::from_value(json!({ "own": table })).unwrap();
        settings.sections().next().unwrap().read()
    }

    #[test]
    fn a_secret_is_text_or_a_file_and_never_shows() {
        let file = std::env::temp_dir().join(format!("gtm-secret-{}", uuid::Uuid::now_v7()));
        std::fs::write(&file, "s3cret\n").unwrap();
        let of_file = section(&json!({"token": {"file": file}})).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(of_file.token.0.expose_secret(), "s3cret");
        let of_text = section(&json!({"token": "s3cret", "enabled": true})).unwrap();
        assert_eq!(of_text.token.0.expose_secret(), "s3cret");
        assert!(!format!("{of_text:?}").contains("s3cret"));
        let settings: ConnectorSettings =
            serde_json::from_value(json!({"own": {"token": "s3cret"}})).unwrap();
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn faults_name_the_key() {
        let unknown = section(&json!({"token": "x", "tokken": 1})).unwrap_err();
        assert!(unknown.to_string().contains("connectors.own"), "{unknown}");
        let empty = section(&json!({"token": ""})).unwrap_err();
        assert_eq!(empty.to_string(), "connectors.own.token: a secret must not be empty");
        let missing = section(&json!({"token": {"file": "/nowhere/at/all"}})).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/at/all cannot be read"), "{missing}");
    }

    #[test]
    fn what_is_switched_off_is_not_there() {
        let settings: ConnectorSettings =
            serde_json::from_value(json!({"own": {"token": "x", "enabled": false}})).unwrap();
        assert_eq!(settings.sections().count(), 0);
    }
}
