//! Crossbeam's words for partners, populations and overlaps, and what is said by them. Pure.
//!
//! An overlap has no time of change. What it says is true as of the reading; its identity is what it says and the hour, so
//! that a page that is read again adds nothing, and a relation that ends and begins anew is still heard.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DurationRound, TimeDelta};
use serde_json::{Value, json};

use super::NAME;
use crate::accounts::commands::domain_of;
use crate::connectors::inbound::Saying;
use crate::kernel::clock::DateTime;

/// The kinds of relation that populations stand for.
const KINDS: [&str; 4] = ["customer", "prospect", "opportunity", "tech_stack"];
/// The standard populations, by their standard type and their usual name.
const STANDARD: [(&str, &str); 3] =
    [("customers", "customer"), ("prospects", "prospect"), ("open_opportunities", "opportunity")];

/// How Crossbeam's words are read.
#[derive(Debug)]
pub(super) struct Words {
    record_is_account: bool,
    partners: BTreeMap<String, String>,
    populations: BTreeMap<String, &'static str>,
    pub referrals: BTreeSet<String>,
}

impl Words {
    /// From the settings; a population that stands for no known kind is a fault, with its name.
    pub fn new(
        record_is_account: bool,
        partners: BTreeMap<String, String>,
        populations: &BTreeMap<String, String>,
        referrals: Vec<String>,
    ) -> Result<Self, (String, String)> {
        let mut known: BTreeMap<String, &'static str> =
            STANDARD.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        for (name, kind) in populations {
            let Some(kind) = KINDS.iter().find(|one| *one == kind) else {
                let fault = format!("`{kind}` is no kind of overlap; there are {}", KINDS.join(", "));
                return Err((name.clone(), fault));
            };
            known.insert(plain(name), kind);
        }
        Ok(Self {
            record_is_account,
            partners,
            populations: known,
            referrals: referrals.into_iter().collect(),
        })
    }

    /// The kind that a population stands for: by its segment or standard type, else by its name.
    pub fn kind(&self, population: &Value) -> Option<&'static str> {
        // What the settings say of a name goes before what Crossbeam says of its type.
        ["name", "segment", "standard_type"]
            .iter()
            .find_map(|member| self.populations.get(&plain(population[*member].as_str()?)).copied())
    }

    /// Our id of a row's partner.
    pub fn partner(&self, row: &Value) -> Option<String> {
        let id = row["partner_id"].as_str()?;
        let ours = self.partners.get(id).or_else(|| self.partners.get(row["partner_name"].as_str()?));
        Some(ours.cloned().unwrap_or_else(|| id.to_owned()))
    }

    /// The account that a row names. A lead's record is a person of the CRM and no account.
    pub fn subject(&self, row: &Value) -> Option<String> {
        let of_a_lead = ["record_type", "partner_record_type"].iter().any(|name| row[*name] == "lead");
        row["record_id"].as_str().filter(|_| self.record_is_account && !of_a_lead).map(str::to_owned)
    }

    /// The kinds of a list of populations, and the names of those that stand for none.
    pub fn kinds(&self, populations: &Value) -> (BTreeSet<&'static str>, Vec<String>) {
        let (mut kinds, mut unknown) = (BTreeSet::new(), Vec::new());
        for population in populations.as_array().into_iter().flatten() {
            match self.kind(population) {
                Some(kind) => drop(kinds.insert(kind)),
                None => unknown.push(population["name"].as_str().unwrap_or("(without a name)").to_owned()),
            }
        }
        (kinds, unknown)
    }

    /// What a row of overlaps says as of now; a tombstone ends whatever the partner had there by that record.
    pub fn row(&self, row: &Value, subject: Option<&str>, now: DateTime) -> Vec<Saying> {
        let Some(partner) = self.partner(row) else { return Vec::new() };
        let gone = row["is_deleted"] == Value::Bool(true);
        let (mut kinds, unknown) = self.kinds(&row["partner_populations"]);
        if gone && kinds.is_empty() {
            kinds = STANDARD.iter().map(|(_, kind)| *kind).collect();
        }
        for name in unknown {
            tracing::warn!(
                partner,
                population = name,
                "a population of a partner stands for no kind of overlap; name it under [connectors.crossbeam.populations]"
            );
        }
        let pair = ["crossbeam_record_id", "partner_crossbeam_record_id"]
            .map(|name| row[name].as_str().unwrap_or("none").to_owned());
        let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
        let said = |kind: &&str| Saying {
            source: NAME.to_owned(),
            id: format!("overlap/{}/{}/{kind}/{}/{}", pair[0], pair[1], !gone, hour.timestamp()),
            event_type: "gtm.partner.overlap",
            subject: subject.map(str::to_owned).or_else(|| self.subject(row)),
            time: Some(now),
            data: with_clues(json!({ "partnerId": partner, "overlapType": kind, "active": !gone }), row),
        };
        kinds.iter().map(said).collect()
    }
}

/// Adds what an account can be found by: a lead has no site, and its address says where the person works.
pub(super) fn with_clues(mut data: Value, row: &Value) -> Value {
    let sites = ["record_website", "record_domain", "record_email", "partner_record_email"];
    if let Some(domain) = sites.iter().find_map(|name| domain_of(row[*name].as_str()?)) {
        data["domain"] = domain.into();
    }
    if let Some(name) = row["record_name"].as_str().filter(|name| !name.contains('@')) {
        data["accountName"] = name.into();
    }
    data
}

/// The words of a name without case, spaces and hyphens.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

/// The rows of an answer: its documentation calls them `items`, its examples `data`.
pub(super) fn rows(answer: &Value) -> Option<&Vec<Value>> {
    answer["data"].as_array().or_else(|| answer["items"].as_array())
}

/// Where an answer goes on, and whether there is more now or only once something changes. Only the cursor of an address
/// is taken, so that nothing is asked elsewhere than where the settings say.
pub(super) fn next(answer: &Value) -> (Option<String>, bool) {
    let pagination = &answer["pagination"];
    let of_address = || {
        let query = pagination["next_href"].as_str()?.split_once('?')?.1;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == "cursor").map(|(_, value)| value.into_owned())
    };
    let cursor = pagination["next_cursor"].as_str().map(str::to_owned).or_else(of_address);
    (cursor, pagination["has_more"] == Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn words() -> Words {
        let partners = BTreeMap::from([("Justice League, Inc.".to_owned(), "justice".to_owned())]);
        let populations = BTreeMap::from([("Tech Users".to_owned(), "tech_stack".to_owned())]);
        Words::new(true, partners, &populations, Vec::new()).unwrap()
    }

    fn row() -> Value {
        json!({
            "partner_id": "9ca31720", "partner_name": "Justice League, Inc.", "record_id": "002K", "record_name": "Wayne",
            "record_website": "www.wayne.enterprises/home", "crossbeam_record_id": "a", "partner_crossbeam_record_id": "b",
            "partner_populations": [
                {"id": 1, "name": "Prospects"}, {"id": 2, "name": "tech-users"}, {"id": 3, "name": "VIP"},
                {"id": 4, "name": "Ours", "standard_type": "customers"},
            ],
        })
    }

    #[test]
    fn populations_become_overlaps_and_those_that_stand_for_nothing_none() {
        let now = "2026-11-21T15:10:00Z".parse().unwrap();
        let said = words().row(&row(), None, now);
        let kinds: Vec<&str> = said.iter().filter_map(|one| one.data["overlapType"].as_str()).collect();
        assert_eq!(kinds, ["customer", "prospect", "tech_stack"]);
        let one = &said[0];
        assert_eq!((one.subject.as_deref(), one.data["partnerId"].as_str()), (Some("002K"), Some("justice")));
        assert_eq!(
            (one.data["active"].as_bool(), one.data["domain"].as_str()),
            (Some(true), Some("wayne.enterprises"))
        );
        let again = words().row(&row(), None, now + TimeDelta::minutes(40));
        assert_eq!(again[0].id, one.id, "read again it is the same");
        assert_eq!(words().kinds(&row()["partner_populations"]).1, ["VIP"]);
    }

    #[test]
    fn a_tombstone_ends_the_relation() {
        let now = "2026-11-21T15:10:00Z".parse().unwrap();
        let mut gone = row();
        gone["is_deleted"] = json!(true);
        let said = words().row(&gone, Some("acc_1"), now);
        assert_eq!(said.len(), 3);
        assert!(
            said.iter().all(|one| one.data["active"] == false && one.subject.as_deref() == Some("acc_1"))
        );
        gone["partner_populations"] = json!([]);
        assert_eq!(words().row(&gone, None, now).len(), 3, "of whatever kind it was");
    }

    #[test]
    fn both_shapes_of_an_answer_are_read() {
        let (items, data) = (json!({"items": [1]}), json!({"data": [1], "warnings": []}));
        assert_eq!((rows(&items).map(Vec::len), rows(&data).map(Vec::len)), (Some(1), Some(1)));
        assert_eq!(rows(&json!({"rows": [1]})), None);
        let more = json!({"pagination": {"has_more": true, "next_href": "https://elsewhere.example/x?limit=2&cursor=a%3D"}});
        assert_eq!(next(&more), (Some("a=".to_owned()), true));
        let last = json!({"pagination": {"has_more": false, "next_cursor": "b"}});
        assert_eq!(next(&last), (Some("b".to_owned()), false));
        assert_eq!(next(&json!({})), (None, false));
    }

    /// See the file.
    const ANSWERS: &str = include_str!("../../../tests/fixtures/crossbeam/answers.json");

    fn answers() -> Vec<(String, Value)> {
        let file: Value = serde_json::from_str(ANSWERS).unwrap();
        file["answers"].as_object().unwrap().clone().into_iter().collect()
    }

    #[test]
    fn every_overlap_of_the_documented_examples_becomes_events() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let overlaps: Vec<_> =
            answers().into_iter().filter(|(path, _)| path.starts_with("/v1/overlaps/")).collect();
        assert_eq!(overlaps.len(), 4);
        for (path, answer) in overlaps {
            for row in rows(&answer).unwrap() {
                let said = words().row(row, None, now);
                assert!(!said.is_empty(), "{row}");
                for saying in said {
                    // A lead's record is no account: the event finds its account by where the person works.
                    let of_accounts = path.contains("accounts");
                    assert_eq!(saying.subject.is_some(), of_accounts, "{path}: {saying:?}");
                    assert!(saying.data["domain"].is_string(), "{path}: {saying:?}");
                    assert!(!saying.data.to_string().contains('@'), "{path}: {saying:?}");
                    saying.arrived(now).unwrap_or_else(|refused| panic!("{refused:?}: {saying:?}"));
                }
            }
        }
    }

    #[test]
    fn every_answer_of_the_documented_examples_is_a_page() {
        let mut cursors = Vec::new();
        for (path, answer) in answers() {
            assert!(!rows(&answer).unwrap_or_else(|| panic!("{path}")).is_empty(), "{path}");
            let (cursor, more) = next(&answer);
            assert!(cursor.is_some() || !more, "{path}: more, and nowhere to go on");
            if let Some(cursor) = cursor {
                let said = answer["pagination"]["next_cursor"].as_str();
                assert!(said.is_none_or(|said| said == cursor), "{path}");
                cursors.push((path, more));
            }
        }
        let at = |end: &str| cursors.iter().find(|(path, _)| path.ends_with(end)).map(|(_, more)| *more);
        // Pages by number have no cursor, a bookmark has one though there is no more for now.
        assert_eq!(
            (at("/partners"), at("/audit-logs"), at("/overlaps/leads")),
            (None, Some(true), Some(false))
        );
    }

    #[test]
    fn every_population_of_the_documented_examples_is_known_or_named() {
        let kinds = |path: &str| {
            let answer = answers().into_iter().find(|(known, _)| known == path).unwrap().1;
            let (kinds, unknown) = words().kinds(&answer["data"]);
            (kinds.into_iter().collect::<Vec<_>>(), unknown)
        };
        let leads = || vec!["Leads".to_owned()];
        assert_eq!(kinds("/v1/partner-populations"), (vec!["customer", "opportunity"], Vec::new()));
        assert_eq!(kinds("/v1/partner-populations/:id"), (vec!["customer"], Vec::new()));
        assert_eq!(kinds("/v1/populations"), (vec!["opportunity"], leads()));
        assert_eq!(kinds("/v1/populations/:id"), (Vec::new(), leads()));
    }
}
