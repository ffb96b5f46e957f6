//! The kinds of deliverable, each with the type of its data and its JSON Schema.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

use super::Malformed;
use super::data::{
    AttributionData, BattleCard, BudgetData, Campaign, Competitors, Dashboard, Dashboards, DealScoring,
    Document, EconomicsData, ExperimentFramework, ForecastData, Handoff, HealthData, Iteration, Journey,
    Kpis, LeadScoring, Messaging, Module, Objections, Onboarding, PersonaData, PitchDeck, Positioning,
    Reallocation, Recommendations, Review, RoiData, Segments, Sequence, Stages, Strategy, Tests, Touchpoints,
    ValueProps, Variants, VoiceData,
};

/// Declares the kinds: name in files, type of data.
macro_rules! kinds {
    ($($variant:ident, $name:literal, $type:ident;)*) => {
        /// What a deliverable is, and thereby what data it carries.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($variant),* }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As in heads and definitions.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Whether data is as the kind needs it.
            pub(super) fn check(self, data: &Map<String, Value>) -> Result<(), Malformed> {
                match self { $(Self::$variant => read::<$type>(data).map(|_| ())),* }
            }

            /// The JSON Schema of the data.
            fn data_schema(self) -> Value {
                let mut referred: Vec<(String, RefOr<Schema>)> = Vec::new();
                let own = match self {
                    $(Self::$variant => {
                        <$type as utoipa::ToSchema>::schemas(&mut referred);
                        <$type as PartialSchema>::schema()
                    })*
                };
                let mut schema = serde_json::to_value(own).unwrap_or_default();
                let defs: Map<String, Value> = referred
                    .into_iter()
                    .map(|(name, of)| (name, serde_json::to_value(of).unwrap_or_default()))
                    .collect();
                if !defs.is_empty() {
                    schema["$defs"] = Value::Object(defs);
                }
                schema
            }
        }
    };
}

kinds! {
    Document, "document", Document;
    Strategy, "strategy", Strategy;
    Persona, "persona", PersonaData;
    Competitors, "competitors", Competitors;
    Budget, "budget", BudgetData;
    Positioning, "positioning", Positioning;
    ValueProps, "value_props", ValueProps;
    Messaging, "messaging", Messaging;
    Voice, "voice", VoiceData;
    Attribution, "attribution", AttributionData;
    Kpis, "kpis", Kpis;
    Dashboards, "dashboards", Dashboards;
    Dashboard, "dashboard", Dashboard;
    ExperimentFramework, "experiment_framework", ExperimentFramework;
    Campaign, "campaign", Campaign;
    Variants, "variants", Variants;
    Sequence, "sequence", Sequence;
    LeadScoring, "lead_scoring", LeadScoring;
    DealScoring, "deal_scoring", DealScoring;
    Stages, "stages", Stages;
    Forecast, "forecast", ForecastData;
    Handoff, "handoff", Handoff;
    Onboarding, "onboarding", Onboarding;
    Health, "health", HealthData;
    Segments, "segments", Segments;
    PitchDeck, "pitch_deck", PitchDeck;
    BattleCard, "battle_card", BattleCard;
    Roi, "roi", RoiData;
    Objections, "objections", Objections;
    Tests, "tests", Tests;
    Module, "module", Module;
    Review, "review", Review;
    Journey, "journey", Journey;
    Touchpoints, "touchpoints", Touchpoints;
    Economics, "economics", EconomicsData;
    Recommendations, "recommendations", Recommendations;
    Reallocation, "reallocation", Reallocation;
    Iteration, "iteration", Iteration;
}

/// Reads data as a type; the fault has the JSON pointer of what is wrong.
pub(super) fn read<T: DeserializeOwned>(data: &Map<String, Value>) -> Result<T, Malformed> {
    let value = Value::Object(data.clone());
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let pointer = path.replace('[', "/").replace(']', "").replace('.', "/");
        let path = if path == "." { "/data".to_owned() } else { format!("/data/{pointer}") };
        Malformed { path, message: error.into_inner().to_string() }
    })
}

impl Kind {
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The JSON Schema of a whole deliverable of this kind, as a worker returns it.
    pub fn schema(self) -> Value {
        let mut data = self.data_schema();
        let defs = data.as_object_mut().and_then(|data| data.remove("$defs"));
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": false,
            "required": ["title", "body", "data"],
            "properties": {
                "title": {"type": "string", "minLength": 1},
                "personas": texts,
                "competitors": texts,
                "channels": texts,
                "messages": {"type": "object", "additionalProperties": {"type": "string"}},
                "figures": {"type": "object", "additionalProperties": {"type": "number"}},
                "data": data,
                "body": {"type": "string", "minLength": 1, "description": "Markdown below the title"},
            },
        });
        if let Some(defs) = defs {
            let text = serde_json::to_string(&json!({"schema": schema, "defs": defs})).unwrap_or_default();
            let text = text.replace("#/components/schemas/", "#/$defs/");
            if let Ok(Value::Object(mut both)) = serde_json::from_str(&text) {
                schema = both.remove("schema").unwrap_or(schema);
                schema["$defs"] = both.remove("defs").unwrap_or_default();
            }
        }
        schema
    }
}
