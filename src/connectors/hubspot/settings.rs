//! `[connectors.hubspot]`.
//!
//! Promises: everything but the credentials has a default that fits a portal as HubSpot makes it; a value that cannot
//! work stops the start with its key.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fields::{self, Form, Kind};
use crate::connectors::consent::{ConsentField, ConsentObject};
use crate::connectors::settings::Secret;

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Access token of a private app; without one nothing is read or written.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Client secret of the app, by which webhooks are believed; without one none are taken.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The address of our webhook exactly as the app's settings name it: HubSpot signs it.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Forms of signature that are believed. Only `v3` is safe against repetition; the others are for old set-ups.
    #[serde(default = "only_v3")]
    pub signatures: Vec<Version>,
    /// Webhooks of another portal are refused.
    #[serde(default)]
    pub portal_id: Option<u64>,
    #[serde(default = "base_url")]
    pub base_url: String,
    #[serde(default)]
    pub paths: Paths,
    /// Calls a second, of which `burst` may come at once. Private apps are allowed 100 or 190 in ten seconds.
    #[serde(default = "calls_per_second")]
    pub calls_per_second: f64,
    #[serde(default = "burst")]
    pub burst: u32,
    /// How long one call may take.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// A note whose writing broke off is looked for after so long: search lags behind writing.
    #[serde(default = "search_lag_secs")]
    pub search_lag_secs: u32,
    /// The company property that holds our account id; without one the account id is the company's own id.
    #[serde(default)]
    pub account_id_property: Option<String>,
    /// Accounts are found by domain and name instead, where the company has no account id of ours.
    #[serde(default)]
    pub match_accounts: bool,
    /// Field of ours to property of theirs, beside the usual ones; an empty property leaves a field out.
    #[serde(default)]
    pub fields: Fields,
    /// Deal stage (identifier or label) to stage of ours.
    #[serde(default)]
    pub stages: BTreeMap<String, String>,
    /// The stage of a deal that was deleted there: it is open no more.
    #[serde(default = "deleted_stage")]
    pub deleted_deal_stage: String,
    /// Lifecycle stage (identifier or label) to stage of ours.
    #[serde(default)]
    pub lifecycle: BTreeMap<String, String>,
    /// The company property that holds the segment, and what its values mean.
    #[serde(default)]
    pub segment_property: Option<String>,
    #[serde(default)]
    pub segments: BTreeMap<String, String>,
    /// HubSpot owner (id or e-mail address) to rep of the roster; others keep their id.
    #[serde(default)]
    pub owners: BTreeMap<String, String>,
    /// Properties that say yes or no to a purpose.
    #[serde(default)]
    pub consents: Vec<ConsentField>,
    /// Whether a handoff makes its owner the owner of the deal.
    #[serde(default = "yes")]
    pub set_owner: bool,
    /// Raised after a change of the mapping, so that what is read again counts over what was read before.
    #[serde(default)]
    pub mapping_version: u32,
}

/// A form of signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Version {
    V1,
    V2,
    V3,
}

/// Where the parts of the API are: HubSpot moves them with its versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Paths {
    pub objects: String,
    /// Associations of one object, before `/{type}/{id}/associations/{type}`.
    pub associations: String,
    pub owners: String,
    pub properties: String,
    pub pipelines: String,
    pub account: String,
    pub token_info: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            objects: "/crm/v3/objects".to_owned(),
            associations: "/crm/v4/objects".to_owned(),
            owners: "/crm/v3/owners".to_owned(),
            properties: "/crm/v3/properties".to_owned(),
            pipelines: "/crm/v3/pipelines".to_owned(),
            account: "/account-info/v3/details".to_owned(),
            token_info: "/oauth/v2/private-apps/get/access-token-info".to_owned(),
        }
    }
}

/// Properties by field of ours, by kind of object.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fields {
    pub companies: BTreeMap<String, String>,
    pub contacts: BTreeMap<String, String>,
    pub deals: BTreeMap<String, String>,
}

fn only_v3() -> Vec<Version> {
    vec![Version::V3]
}

fn base_url() -> String {
    "https://api.hubapi.com".to_owned()
}

fn calls_per_second() -> f64 {
    8.0
}

fn burst() -> u32 {
    20
}

fn timeout_ms() -> u64 {
    10_000
}

fn search_lag_secs() -> u32 {
    30
}

fn deleted_stage() -> String {
    "closed_lost".to_owned()
}

fn yes() -> bool {
    true
}

/// Microseconds by which a mapping can be raised without reaching the next change, which is counted in milliseconds.
const MAPPING_VERSION_MAX: u32 = 999;

impl Settings {
    /// What no single key shows; else the key and its fault.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.token.is_none() && self.client_secret.is_none() {
            return Err((
                "token",
                "needs a token (to read and write) or a client_secret (for webhooks)".into(),
            ));
        }
        let is_url = |url: &str| reqwest::Url::parse(url).is_ok_and(|url| url.has_host());
        let signs_url = self.signatures.iter().any(|version| *version != Version::V1);
        match &self.public_url {
            Some(url) if !is_url(url) => {
                return Err((
                    "public_url",
                    format!("`{url}` is no address like https://example.com/v1/webhooks/hubspot"),
                ));
            }
            None if self.client_secret.is_some() && signs_url => {
                return Err((
                    "public_url",
                    "is required for webhooks: HubSpot signs the address it calls".into(),
                ));
            }
            _ => {}
        }
        if !is_url(&self.base_url) {
            return Err(("base_url", format!("`{}` is no address", self.base_url)));
        }
        if self.signatures.is_empty() {
            return Err(("signatures", "names no form of signature: no webhook could be believed".into()));
        }
        if !(self.calls_per_second > 0.0 && self.calls_per_second.is_finite()) {
            return Err(("calls_per_second", "must be above zero".into()));
        }
        if self.mapping_version > MAPPING_VERSION_MAX {
            return Err(("mapping_version", format!("is at most {MAPPING_VERSION_MAX}")));
        }
        for (key, kind) in [
            ("fields.companies", Kind::Company),
            ("fields.contacts", Kind::Contact),
            ("fields.deals", Kind::Deal),
        ] {
            let known = fields::known(kind);
            let wrong = self.chosen(kind).keys().find(|name| !known.iter().any(|(field, ..)| field == name));
            if let Some(name) = wrong {
                let near = crate::kernel::text::nearest(name, known.iter().map(|(field, ..)| *field));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                return Err((key, format!("there is no field `{name}`{hint}")));
            }
        }
        Ok(())
    }

    fn chosen(&self, kind: Kind) -> &BTreeMap<String, String> {
        match kind {
            Kind::Company => &self.fields.companies,
            Kind::Contact => &self.fields.contacts,
            Kind::Deal => &self.fields.deals,
        }
    }

    /// Field, form and property of everything that is read of a kind of object.
    pub(super) fn mapping(&self, kind: Kind) -> impl Iterator<Item = (&'static str, Form, &str)> {
        let chosen = self.chosen(kind);
        fields::known(kind).iter().filter_map(move |(field, form, usual)| {
            let property = chosen.get(*field).map_or(*usual, String::as_str);
            (!property.is_empty()).then_some((*field, *form, property))
        })
    }

    /// The properties to ask for of a kind of object, each once.
    pub(super) fn properties(&self, kind: Kind) -> Vec<&str> {
        let mut names: Vec<&str> = self.mapping(kind).map(|(_, _, property)| property).collect();
        let also: &[&str] = match kind {
            Kind::Company => &["name", "domain", "lifecyclestage"],
            Kind::Contact => &["email", "associatedcompanyid", "hs_legal_basis"],
            Kind::Deal => &["dealname", "dealstage", "pipeline", "closedate"],
        };
        names.extend(also);
        let object = match kind {
            Kind::Company => Some(ConsentObject::Companies),
            Kind::Contact => Some(ConsentObject::Contacts),
            Kind::Deal => None,
        };
        names.extend(
            self.consents.iter().filter(|one| Some(one.object) == object).map(|one| one.property.as_str()),
        );
        if kind == Kind::Company {
            names.extend(self.account_id_property.as_deref());
            names.extend(self.segment_property.as_deref());
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether a company's own id is the account id.
    pub(super) fn uses_company_id(&self) -> bool {
        self.account_id_property.is_none() && !self.match_accounts
    }

    /// The `source` of events.
    pub(super) fn event_source(&self) -> String {
        self.portal_id.map_or_else(|| super::NAME.to_owned(), |portal| format!("{}/{portal}", super::NAME))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fault(table: Value) -> Option<(&'static str, String)> {
        serde_json::from_value::<Settings>(table).unwrap().check().err()
    }

    #[test]
    fn what_cannot_work_stops_the_start_with_its_key() {
        let key = |table: Value| fault(table).map(|(key, _)| key);
        assert_eq!(key(json!({"token": "t"})), None);
        assert_eq!(
            key(json!({"client_secret": "s", "public_url": "https://example.com/v1/webhooks/hubspot"})),
            None
        );
        assert_eq!(
            key(json!({"client_secret": "s", "signatures": ["v1"]})),
            None,
            "v1 does not sign the address"
        );
        assert_eq!(key(json!({})), Some("token"));
        assert_eq!(key(json!({"client_secret": "s"})), Some("public_url"));
        assert_eq!(key(json!({"client_secret": "s", "public_url": "example.com"})), Some("public_url"));
        assert_eq!(key(json!({"token": "t", "base_url": "nowhere"})), Some("base_url"));
        assert_eq!(key(json!({"token": "t", "signatures": []})), Some("signatures"));
        assert_eq!(key(json!({"token": "t", "calls_per_second": 0.0})), Some("calls_per_second"));
        assert_eq!(key(json!({"token": "t", "mapping_version": 1000})), Some("mapping_version"));
        let (key, fault) =
            fault(json!({"token": "t", "fields": {"companies": {"employeCount": "x"}}})).unwrap();
        assert_eq!((key, fault.contains("did you mean employeeCount?")), ("fields.companies", true));
        assert!(serde_json::from_value::<Settings>(json!({"token": "t", "tokken": 1})).is_err());
    }

    #[test]
    fn each_property_is_asked_for_once_whatever_it_is_for() {
        let settings: Settings = serde_json::from_value(json!({
            "token": "t", "fields": {"companies": {"tier": "domain", "industry": ""}},
            "account_id_property": "name", "consents": [{"purpose": "p", "object": "companies", "property": "ok"}],
        }))
        .unwrap();
        let asked = settings.properties(Kind::Company);
        assert_eq!(asked.iter().filter(|name| ["domain", "name", "ok"].contains(name)).count(), 3);
        assert!(!asked.contains(&"industry"));
    }
}
