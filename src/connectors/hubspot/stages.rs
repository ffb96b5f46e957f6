//! Stages of deals and of the lifecycle, in the portal's own numbers and in ours. Pure.
//!
//! Promises: the settings decide first; that a deal is won or lost is taken from the pipeline's own data; whatever else
//! is passed on by HubSpot's name and marked as not known.

use std::collections::BTreeMap;

use serde_json::Value;

use super::settings::Settings;
use super::wire::{Pipeline, Stage};

/// The identifiers that every portal begins with; policies know them.
const USUAL: [&str; 7] = [
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
];
/// The lifecycle stages that every portal begins with.
const LIFECYCLE: [&str; 8] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];

/// What a portal calls its stages.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    pub pipelines: Vec<Pipeline>,
    /// Labels of lifecycle stages, by identifier.
    pub lifecycle: BTreeMap<String, String>,
}

/// A stage as we say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub name: String,
    pub closed: bool,
    /// Said by the settings, by the pipeline or by every portal; otherwise it is only passed on.
    pub known: bool,
}

impl Catalogue {
    fn stage(&self, id: &str) -> Option<&Stage> {
        self.pipelines.iter().flat_map(|pipeline| &pipeline.stages).find(|stage| stage.id == id)
    }

    /// Whether the portal's pipelines hold a stage.
    pub(super) fn has_stage(&self, id: &str) -> bool {
        self.stage(id).is_some()
    }

    /// The stage of a deal.
    pub(super) fn deal_stage(&self, settings: &Settings, id: &str) -> Said {
        let stage = self.stage(id);
        let label = stage.map(|stage| stage.label.as_str()).filter(|label| !label.is_empty());
        let end = stage.and_then(end).or(match id {
            "closedwon" => Some("closed_won"),
            "closedlost" => Some("closed_lost"),
            _ => None,
        });
        if let Some(name) = mapped(&settings.stages, id, label) {
            let closed = end.is_some() || ["closedwon", "closedlost"].contains(&key(name).as_str());
            return Said { name: name.to_owned(), closed, known: true };
        }
        if let Some(end) = end {
            return Said { name: end.to_owned(), closed: true, known: true };
        }
        if USUAL.contains(&id) {
            return Said { name: id.to_owned(), closed: false, known: true };
        }
        Said { name: label.unwrap_or(id).to_owned(), closed: false, known: false }
    }

    /// The stage of a company's lifecycle.
    pub(super) fn lifecycle_stage(&self, settings: &Settings, id: &str) -> Said {
        let label = self.lifecycle.get(id).map(String::as_str).filter(|label| !label.is_empty());
        if let Some(name) = mapped(&settings.lifecycle, id, label) {
            return Said { name: name.to_owned(), closed: false, known: true };
        }
        let known = LIFECYCLE.contains(&id);
        let name = if known { id } else { label.unwrap_or(id) };
        Said { name: name.to_owned(), closed: false, known }
    }
}

/// Whether a lifecycle stage can be said without the portal's labels.
pub(super) fn is_usual_lifecycle(id: &str) -> bool {
    LIFECYCLE.contains(&id)
}

/// Won or lost, as the pipeline has it: a closed stage, won when its probability is 1.
fn end(stage: &Stage) -> Option<&'static str> {
    let text = |name: &str| match stage.metadata.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let probability = text("probability").and_then(|text| text.parse::<f64>().ok());
    let closed = match text("isClosed").as_deref() {
        Some("true") => true,
        Some("false") => return None,
        _ => probability.is_some_and(|share| share <= 0.0 || share >= 1.0),
    };
    closed.then(|| if probability.is_some_and(|share| share >= 1.0) { "closed_won" } else { "closed_lost" })
}

fn mapped<'s>(map: &'s BTreeMap<String, String>, id: &str, label: Option<&str>) -> Option<&'s str> {
    let names = |name: &str| map.iter().find(|(from, _)| key(from) == key(name)).map(|(_, to)| to.as_str());
    names(id).or_else(|| names(label?))
}

/// Letters and digits only, so that `Contract Sent` and `contractsent` are one name.
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(table: &Value) -> Settings {
        let mut whole = json!({"token": "t"});
        whole.as_object_mut().unwrap().extend(table.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn catalogue() -> Catalogue {
        let stage =
            |id: &str, label: &str, metadata: Value| json!({"id": id, "label": label, "metadata": metadata});
        let pipelines = json!([{"id": "1", "label": "Renewals", "stages": [
            stage("101", "Legal", json!({"probability": "0.4", "isClosed": "false"})),
            stage("102", "Signed", json!({"probability": "1.0", "isClosed": "true"})),
            stage("103", "Gone", json!({"probability": "0.0", "isClosed": "true"})),
            stage("104", "Parked", json!({"probability": "0.0", "isClosed": "false"})),
            stage("105", "Old win", json!({"probability": "1.0"})),
        ]}]);
        let lifecycle = BTreeMap::from([("4711".to_owned(), "Champion".to_owned())]);
        Catalogue { pipelines: serde_json::from_value(pipelines).unwrap(), lifecycle }
    }

    #[test]
    fn won_and_lost_come_from_the_pipeline_and_nothing_else_is_guessed() {
        let settings = settings(&json!({}));
        let said = |id: &str| {
            let said = catalogue().deal_stage(&settings, id);
            (said.name, said.closed, said.known)
        };
        assert_eq!(said("102"), ("closed_won".to_owned(), true, true));
        assert_eq!(said("103"), ("closed_lost".to_owned(), true, true));
        assert_eq!(said("105"), ("closed_won".to_owned(), true, true), "older portals do not say isClosed");
        assert_eq!(said("101"), ("Legal".to_owned(), false, false), "passed on by its label");
        assert_eq!(
            said("104"),
            ("Parked".to_owned(), false, false),
            "a probability of 0 does not close an open stage"
        );
        assert_eq!(said("999"), ("999".to_owned(), false, false), "not even in a pipeline");
        assert_eq!(said("contractsent"), ("contractsent".to_owned(), false, true));
        assert_eq!(Catalogue::default().deal_stage(&settings, "closedwon").name, "closed_won");
    }

    #[test]
    fn the_settings_decide_first_by_identifier_or_label() {
        let settings = settings(&json!({
            "stages": {"legal": "negotiation", "103": "closing", "Signed": "closed_won"}, "lifecycle": {"4711": "customer"},
        }));
        let said = |id: &str| catalogue().deal_stage(&settings, id);
        assert_eq!(said("101"), Said { name: "negotiation".to_owned(), closed: false, known: true });
        assert_eq!(said("103"), Said { name: "closing".to_owned(), closed: true, known: true });
        assert_eq!(said("102").name, "closed_won");
        assert_eq!(catalogue().lifecycle_stage(&settings, "4711").name, "customer");
        let plain = self::settings(&json!({}));
        let champion = catalogue().lifecycle_stage(&plain, "4711");
        assert_eq!((champion.name.as_str(), champion.known), ("Champion", false));
        assert!(catalogue().lifecycle_stage(&plain, "customer").known);
    }
}
