//! What is wanted of a design, as flags.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::failure::Failure;

/// What is wanted.
#[derive(Debug, Args)]
pub struct Inputs {
    /// `enterprise`, `mid-market`, `smb` or `partner`.
    #[arg(long)]
    segment: String,
    /// `pipeline`, `expansion`, `product-activation` or `abm-campaign`.
    #[arg(long)]
    goal: String,
    /// From the handoff to the first contact, such as `2h` or `1d`.
    #[arg(long, value_name = "LENGTH")]
    response_sla: String,
    /// The clock that counts it: `wall` or `business`; the type's when left out.
    #[arg(long)]
    basis: Option<String>,
    /// The share that is to be answered in time; 0.9 when left out.
    #[arg(long, value_name = "SHARE")]
    service_level: Option<f64>,
    /// The type of handoff; the one that serves segment and goal when left out.
    #[arg(long, value_name = "TYPE")]
    handoff_type: Option<String>,
    /// The team that receives; the type's when left out.
    #[arg(long)]
    team: Option<String>,
    /// A pod of the team that is to have them.
    #[arg(long = "pod")]
    pods: Vec<String>,
    /// What is known of capacity, in words; kept with the design.
    #[arg(long, value_name = "NOTE")]
    capacity: Vec<String>,
    /// How many work on it, where it is not the number on the roster.
    #[arg(long)]
    reps: Option<u32>,
    /// How long one keeps a rep busy, such as `45m`.
    #[arg(long, value_name = "LENGTH")]
    handling: Option<String>,
    /// Which part of that lies before the contact, such as `10m`.
    #[arg(long, value_name = "LENGTH")]
    preparing: Option<String>,
    /// How many come in, instead of those that were measured.
    #[arg(long, value_name = "COUNT")]
    arrivals_per_week: Option<f64>,
    /// Which share of these comes while nobody works; 0.25 when left out.
    #[arg(long, value_name = "SHARE")]
    outside_share: Option<f64>,
    /// The most that a rep has open at once.
    #[arg(long, value_name = "COUNT")]
    at_once: Option<u32>,
    /// The most that a rep is given on a day.
    #[arg(long, value_name = "COUNT")]
    per_day: Option<u32>,
    /// What must be there before the launch: NAME, NAME=DATE, or NAME=ready.
    #[arg(long = "dependency", value_name = "NAME[=DATE]")]
    dependencies: Vec<String>,
    /// The first day on which it holds, such as 2027-03-01; four weeks from now when left out.
    #[arg(long, value_name = "DATE")]
    launch: Option<String>,
    /// Who fills a role: ROLE=NAME, such as `revops_director=Rosa Diaz`.
    #[arg(long = "owner", value_name = "ROLE=NAME")]
    owners: Vec<String>,
    /// Who makes the design, by name; the key's name when left out.
    #[arg(long)]
    author: Option<String>,
}

impl Inputs {
    /// The body of the request.
    pub fn body(&self) -> Result<Value, Failure> {
        let capacity = given([
            ("notes", (!self.capacity.is_empty()).then(|| json!(self.capacity))),
            ("reps", self.reps.map(|count| json!(count))),
            ("handling", self.handling.as_ref().map(|length| json!(length))),
            ("preparing", self.preparing.as_ref().map(|length| json!(length))),
            ("arrivalsPerWeek", self.arrivals_per_week.map(|count| json!(count))),
            ("outsideShare", self.outside_share.map(|share| json!(share))),
            ("atOnce", self.at_once.map(|count| json!(count))),
            ("perDay", self.per_day.map(|count| json!(count))),
        ]);
        let dependencies: Vec<Value> = self.dependencies.iter().map(|text| dependency(text)).collect();
        let mut owners = Map::new();
        for text in &self.owners {
            let (role, name) = text.split_once('=').ok_or_else(|| {
                Failure::usage(format!(
                    "--owner {text:?} names no role: write ROLE=NAME, such as cro=Tom Baker."
                ))
            })?;
            owners.insert(role.trim().replace('-', "_"), json!({ "name": name.trim() }));
        }
        let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
        Ok(Value::Object(given([
            ("segment", Some(json!(self.segment))),
            ("goal", Some(json!(self.goal))),
            ("responseSla", Some(json!(self.response_sla))),
            ("basis", text(&self.basis)),
            ("serviceLevel", self.service_level.map(|share| json!(share))),
            ("handoffType", text(&self.handoff_type)),
            ("team", text(&self.team)),
            ("pods", (!self.pods.is_empty()).then(|| json!(self.pods))),
            ("capacity", (!capacity.is_empty()).then_some(Value::Object(capacity))),
            ("dependencies", (!dependencies.is_empty()).then_some(Value::Array(dependencies))),
            ("launch", text(&self.launch)),
            ("owners", (!owners.is_empty()).then_some(Value::Object(owners))),
            ("author", text(&self.author)),
        ])))
    }
}

/// An object of what was given.
fn given<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn dependency(text: &str) -> Value {
    match text.rsplit_once('=') {
        Some((name, "ready")) => json!({ "name": name.trim(), "ready": true }),
        Some((name, date)) => json!({ "name": name.trim(), "readyBy": date.trim() }),
        None => json!({ "name": text.trim() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        inputs: Inputs,
    }

    fn body(flags: &[&str]) -> Result<Value, Failure> {
        let always = ["gtm", "--segment", "enterprise", "--goal", "pipeline", "--response-sla", "2h"];
        Line::parse_from(always.iter().chain(flags)).inputs.body()
    }

    #[test]
    fn flags_become_the_request() {
        assert_eq!(
            body(&[]).unwrap(),
            json!({"segment": "enterprise", "goal": "pipeline", "responseSla": "2h"})
        );
        let flags = [
            "--capacity",
            "two on leave",
            "--reps",
            "4",
            "--handling",
            "45m",
            "--dependency",
            "scoring v2=2027-02-10",
            "--dependency",
            "talk track=ready",
            "--owner",
            "revops-director=Rosa Diaz",
            "--pod",
            "us",
        ];
        let expected = json!({
            "segment": "enterprise", "goal": "pipeline", "responseSla": "2h", "pods": ["us"],
            "capacity": {"notes": ["two on leave"], "reps": 4, "handling": "45m"},
            "dependencies": [{"name": "scoring v2", "readyBy": "2027-02-10"}, {"name": "talk track", "ready": true}],
            "owners": {"revops_director": {"name": "Rosa Diaz"}},
        });
        assert_eq!(body(&flags).unwrap(), expected);
        assert!(body(&["--owner", "Rosa"]).unwrap_err().text.contains("ROLE=NAME"));
    }
}
