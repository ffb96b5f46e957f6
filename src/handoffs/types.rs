//! The kinds of handoff, as data: teams, focus, required fields, terms, urgency; and what opens them and how much of it
//! people are told at once.
//!
//! Promises: the file that ships is part of the program; an unknown key is an error, and all that is wrong with
//! values comes at once, with the place. Leaves out which fields a package can have and which teams and roles
//! exist: who assigns and packs checks those.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::alerts::AlertTerms;
use super::sla::{Basis, SlaTerms};
use crate::kernel::calendar::Length;
use crate::motions::Urgency;

/// The types that ship, as a file that documents itself.
pub const DEFAULT_TYPES: &str = include_str!("../../config/handoffs.toml");

/// One kind of handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HandoffType {
    pub from_team: String,
    pub to_team: String,
    /// What the report dwells on.
    pub focus: Vec<String>,
    /// Fields of the package that count double for its completeness and are flagged when missing, such as
    /// `qualification.score`.
    pub required: Vec<String>,
    /// The receiver passes it to a partner: the package is cut down to what live consents allow.
    pub for_partner: bool,
    /// What a rep of the rotation must know to take it.
    pub skills: BTreeSet<String>,
    /// Less complete than so many percent, it is held; 0 holds none for this reason.
    pub hold_below: u8,
    pub urgency: Urgency,
    pub sla: SlaTerms,
}

/// Which events open handoffs, and of which type. None where a table names nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// What lies back further is history and opens nothing.
    pub max_age: Length,
    /// By the lifecycle stage that an account comes into, compared without regard to case.
    lifecycle: BTreeMap<String, String>,
    /// By the deal stage that a deal comes into, in the service's own names, such as `closed_won`.
    deal: BTreeMap<String, String>,
    /// By the kind of intent that is observed.
    intent: BTreeMap<String, String>,
}

impl Triggers {
    /// The type that a lifecycle stage opens.
    pub fn lifecycle(&self, stage: &str) -> Option<&str> {
        self.lifecycle.get(&stage.to_lowercase()).map(String::as_str)
    }

    /// The type that a deal stage opens.
    pub fn deal(&self, stage: &str) -> Option<&str> {
        self.deal.get(stage).map(String::as_str)
    }

    /// The type that an intent opens.
    pub fn intent(&self, kind: &str) -> Option<&str> {
        self.intent.get(kind).map(String::as_str)
    }

    /// What opens a type: each a kind of event, such as `lifecycle`, and its word.
    pub fn opening(&self, handoff_type: &str) -> Vec<(&'static str, &str)> {
        let tables = [("lifecycle", &self.lifecycle), ("deal", &self.deal), ("intent", &self.intent)];
        let entries =
            tables.into_iter().flat_map(|(name, table)| table.iter().map(move |entry| (name, entry)));
        let opening = entries.filter(|(_, (_, opens))| opens.as_str() == handoff_type);
        opening.map(|(name, (word, _))| (name, word.as_str())).collect()
    }

    fn all(&self) -> impl Iterator<Item = (String, &String)> {
        let tables = [("lifecycle", &self.lifecycle), ("deal", &self.deal), ("intent", &self.intent)];
        tables.into_iter().flat_map(|(name, table)| {
            table.iter().map(move |(key, opens)| (format!("triggers.{name}.{key}"), opens))
        })
    }
}

/// All kinds of handoff by name, such as `mql_to_sales`, and what opens them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandoffTypes {
    types: BTreeMap<String, HandoffType>,
    triggers: Triggers,
    alerts: AlertTerms,
}

/// One thing wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypesFault {
    /// Such as `types.mql_to_sales.sla.budget`; empty for the file as a whole.
    pub path: String,
    pub message: String,
}

impl fmt::Display for TypesFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    defaults: DefaultTerms,
    triggers: Triggers,
    #[serde(default)]
    alerts: AlertTerms,
    types: BTreeMap<String, WrittenType>,
}

/// What holds for a type that does not say otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultTerms {
    hold_below: u8,
    basis: Basis,
    owner_alert_after: Length,
    manager_alert_after: Length,
    reassign_after: Length,
    max_reassignments: u8,
    #[serde(default = "SlaTerms::usual_wait_for_answer")]
    wait_for_answer: Length,
    fallback_to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenType {
    from_team: String,
    to_team: String,
    focus: Vec<String>,
    required: Vec<String>,
    #[serde(default)]
    for_partner: bool,
    #[serde(default)]
    skills: BTreeSet<String>,
    hold_below: Option<u8>,
    urgency: Urgency,
    sla: WrittenTerms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTerms {
    budget: Length,
    basis: Option<Basis>,
    remind_before: Option<Length>,
    acknowledge_within: Option<Length>,
    owner_alert_after: Option<Length>,
    manager_alert_after: Option<Length>,
    reassign_after: Option<Length>,
    max_reassignments: Option<u8>,
    wait_for_answer: Option<Length>,
    escalate_to: String,
    fallback_to: Option<String>,
}

impl HandoffTypes {
    /// Reads a file of types. A fault of form stops at the first; all faults of values come at once.
    pub fn parse(text: &str) -> Result<Self, Vec<TypesFault>> {
        let file: File = toml::from_str(text)
            .map_err(|error| vec![TypesFault { path: String::new(), message: error.to_string() }])?;
        let File { defaults, triggers, alerts, types } = file;
        let types: BTreeMap<String, HandoffType> =
            types.into_iter().map(|(name, written)| (name, completed(written, &defaults))).collect();
        let mut faults: Vec<TypesFault> =
            types.iter().flat_map(|(name, found)| faults(name, found)).collect();
        let unknown = triggers.all().filter(|(_, opens)| !types.contains_key(*opens));
        faults.extend(
            unknown
                .map(|(path, opens)| TypesFault { path, message: format!("`{opens}` is none of the types") }),
        );
        let wrong = alerts.faults().into_iter();
        faults.extend(wrong.map(|(key, message)| TypesFault { path: format!("alerts.{key}"), message }));
        if faults.is_empty() { Ok(Self { types, triggers, alerts }) } else { Err(faults) }
    }

    pub fn get(&self, name: &str) -> Option<&HandoffType> {
        self.types.get(name)
    }

    pub fn triggers(&self) -> &Triggers {
        &self.triggers
    }

    /// How much of it a person is told at once.
    pub fn alerts(&self) -> &AlertTerms {
        &self.alerts
    }

    /// By name, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HandoffType)> {
        self.types.iter().map(|(name, found)| (name.as_str(), found))
    }
}

/// The type with what it leaves to the defaults.
fn completed(written: WrittenType, defaults: &DefaultTerms) -> HandoffType {
    let sla = written.sla;
    let terms = SlaTerms {
        budget: sla.budget,
        basis: sla.basis.unwrap_or(defaults.basis),
        remind_before: sla.remind_before,
        acknowledge_within: sla.acknowledge_within,
        owner_alert_after: sla.owner_alert_after.unwrap_or(defaults.owner_alert_after),
        manager_alert_after: sla.manager_alert_after.unwrap_or(defaults.manager_alert_after),
        reassign_after: sla.reassign_after.unwrap_or(defaults.reassign_after),
        max_reassignments: sla.max_reassignments.unwrap_or(defaults.max_reassignments),
        wait_for_answer: sla.wait_for_answer.unwrap_or(defaults.wait_for_answer),
        escalate_to: sla.escalate_to,
        fallback_to: sla.fallback_to.unwrap_or_else(|| defaults.fallback_to.clone()),
    };
    HandoffType {
        from_team: written.from_team,
        to_team: written.to_team,
        focus: written.focus,
        required: written.required,
        for_partner: written.for_partner,
        skills: written.skills,
        hold_below: written.hold_below.unwrap_or(defaults.hold_below),
        urgency: written.urgency,
        sla: terms,
    }
}

fn faults(name: &str, found: &HandoffType) -> Vec<TypesFault> {
    let mut faults = Vec::new();
    let mut wrong = |key: &str, message: String| {
        let path = if key.is_empty() { format!("types.{name}") } else { format!("types.{name}.{key}") };
        faults.push(TypesFault { path, message });
    };
    if !is_name(name) {
        wrong("", "a type's name is written in small letters, such as `mql_to_sales`".to_owned());
    }
    for (key, team) in [("from_team", &found.from_team), ("to_team", &found.to_team)] {
        if !is_name(team) {
            wrong(key, format!("`{team}` is no team: write a name such as `customer_success`"));
        }
    }
    if found.focus.iter().any(|focus| focus.trim().is_empty()) {
        wrong("focus", "one of the texts is empty".to_owned());
    }
    if found.skills.iter().any(|skill| skill.trim().is_empty()) {
        wrong("skills", "one of the skills is empty".to_owned());
    }
    if found.hold_below > 100 {
        wrong("hold_below", format!("`{}` is no percentage: write 0 to 100", found.hold_below));
    }
    for (index, field) in found.required.iter().enumerate() {
        let key = format!("required[{index}]");
        if !field.split('.').all(is_name) {
            wrong(&key, format!("`{field}` is no field: write a path such as `qualification.score`"));
        } else if found.required[..index].contains(field) {
            wrong(&key, format!("`{field}` is listed twice"));
        }
    }
    for fault in found.sla.faults() {
        wrong(&format!("sla.{}", fault.key), fault.message);
    }
    faults
}

/// Small letters, digits and `_`, beginning with a letter.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_that_ship_are_as_promised() {
        let types = HandoffTypes::parse(DEFAULT_TYPES).unwrap();
        let promised = [
            ("closed_to_cs", 24, "cs_manager", Urgency::High),
            ("expansion_to_sales", 8, "revops_manager", Urgency::High),
            ("mql_to_sales", 4, "marketing_manager", Urgency::High),
            ("partner_to_sales", 48, "sales_manager", Urgency::Medium),
            ("plg_to_sales", 48, "sales_manager", Urgency::Medium),
            ("sales_to_partner", 48, "partner_manager", Urgency::Medium),
            ("sql_to_ae", 2, "sales_manager", Urgency::High),
        ];
        let found: Vec<_> = types
            .iter()
            .map(|(name, of)| {
                (name, of.sla.budget.total_seconds() / 3_600, of.sla.escalate_to.as_str(), of.urgency)
            })
            .collect();
        assert_eq!(found, promised);
        for (name, of) in types.iter() {
            let after = [of.sla.owner_alert_after, of.sla.manager_alert_after, of.sla.reassign_after];
            assert_eq!(after, [1, 4, 24].map(Length::hours), "{name}");
            assert_eq!(of.sla.basis, Basis::Wall, "{name}");
            assert!(of.sla.acknowledge_within.is_some() && !of.focus.is_empty(), "{name}");
            assert!(of.required.contains(&"contacts".to_owned()), "{name}: someone must be contacted");
        }
    }

    #[test]
    fn all_faults_of_values_come_at_once() {
        let text = DEFAULT_TYPES
            .replace("types.mql_to_sales", "types.MQL")
            .replace("to_team = \"partner\"", "to_team = \"\"")
            .replace("\"deal.id\", \"deal.amount\"", "\"deal.id\", \"deal.id\", \"Deal amount\"")
            .replace(
                "budget = \"8h\"",
                "budget = \"2d\"\nbasis = \"business\"\nmanager_alert_after = \"30m\"",
            )
            .replace("remind_before = \"30m\"", "remind_before = \"2h\"\nmax_reassignments = 200")
            .replace("escalate_to = \"cs_manager\"", "escalate_to = \" \"")
            .replace("budget = 6", "budget = 2000")
            .replace("digest_after = \"1h\"", "digest_after = \"8d\"");
        let faults = HandoffTypes::parse(&text).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        let expected = [
            "types.MQL",
            "types.closed_to_cs.required[3]",
            "types.closed_to_cs.required[4]",
            "types.closed_to_cs.sla.escalate_to",
            "types.expansion_to_sales.sla.budget",
            "types.expansion_to_sales.sla.manager_alert_after",
            "types.sales_to_partner.to_team",
            "types.sql_to_ae.sla.remind_before",
            "types.sql_to_ae.sla.max_reassignments",
            "triggers.lifecycle.mql",
            "alerts.budget",
            "alerts.digest_after",
        ];
        assert_eq!(paths, expected, "{faults:#?}");
        assert!(faults[4].to_string().contains("write working hours, such as `16h`"), "{}", faults[4]);
    }

    #[test]
    fn a_fault_of_form_names_its_line() {
        let slip = DEFAULT_TYPES.replace("escalate_to = \"cs_manager\"", "escalates_to = \"cs_manager\"");
        let faults = HandoffTypes::parse(&slip).unwrap_err();
        assert!(faults[0].to_string().contains("escalates_to") && faults[0].to_string().contains("line "));
        let length = DEFAULT_TYPES.replace("budget = \"24h\"", "budget = \"one day\"");
        let faults = HandoffTypes::parse(&length).unwrap_err();
        assert!(faults[0].to_string().contains("`one day` is no length of time"), "{}", faults[0]);
    }
}
