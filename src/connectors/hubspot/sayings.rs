//! Objects of the CRM as events. Pure.
//!
//! Promises: an event's identity is the object, its change time and what of it is said, so that a webhook, a look and a
//! reading from the beginning say the same thing once; a field that cannot be taken is left out with a warning and costs
//! the others nothing. What a company has never had is left out, because other systems tell of companies too; an empty
//! field of a contact or deal, which is HubSpot's own, clears ours. Consent is never cleared by silence.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::fields::{self, Form, Kind};
use super::settings::{ConsentObject, Settings};
use super::stages::Catalogue;
use super::wire::Object;
use crate::connectors::inbound::Saying;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::check_caller_id;

/// Whose an object is: the account where it is known, else what the account is found by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Whose {
    pub company_id: Option<String>,
    pub subject: Option<String>,
    pub name: Option<String>,
    pub domain: Option<String>,
    /// The account is given and not the company's own: it becomes part of an event's identity.
    pub given: bool,
}

impl Whose {
    /// Of a company, as the settings say.
    pub(super) fn of_company(settings: &Settings, company: &Object) -> Self {
        let subject = match &settings.account_id_property {
            Some(property) => company.property(property).filter(|id| check_caller_id(id).is_ok()),
            None => (!settings.match_accounts).then_some(company.id.as_str()),
        };
        Self {
            company_id: Some(company.id.clone()),
            subject: subject.map(str::to_owned),
            name: company.property("name").map(str::to_owned),
            domain: company.property("domain").map(str::to_owned),
            given: false,
        }
    }

    /// Of a company by its id alone, where that is the account's.
    pub(super) fn of_company_id(id: &str) -> Self {
        Self { company_id: Some(id.to_owned()), subject: Some(id.to_owned()), ..Self::default() }
    }

    /// The same company for an account that asked.
    pub(super) fn for_account(self, account_id: &str) -> Self {
        let given = self.subject.as_deref() != Some(account_id);
        Self { subject: Some(account_id.to_owned()), given, ..self }
    }

    /// Whether an event about it finds an account.
    fn leads_somewhere(&self) -> bool {
        self.subject.is_some() || self.name.is_some() || self.domain.is_some()
    }

    /// Put into events that name no account.
    fn clues(&self, data: &mut Map<String, Value>) {
        if self.subject.is_none() {
            let clues = [("accountDomain", &self.domain), ("accountName", &self.name)];
            data.extend(
                clues.into_iter().filter_map(|(name, clue)| Some((name.to_owned(), json!(clue.as_ref()?)))),
            );
        }
    }
}

/// What objects are read with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub settings: &'a Settings,
    pub catalogue: &'a Catalogue,
    /// Owner to rep, where they differ.
    pub reps: &'a BTreeMap<String, String>,
    pub now: DateTime,
}

/// What was said, and what somebody should know of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub sayings: Vec<Saying>,
    pub warnings: Vec<String>,
}

impl Told {
    /// An event without the fields that it cannot be taken with.
    fn say(&mut self, mut saying: Saying, now: DateTime) {
        if let Err(rejected) = saying.arrived(now) {
            let mut left_out = Vec::new();
            for fault in &rejected.faults {
                let path: Vec<&str> = fault.pointer.split('/').skip(1).collect();
                let removed = match (path.as_slice(), saying.data.as_object_mut()) {
                    (["data", "qualification", inner, ..], Some(data)) => data
                        .get_mut("qualification")
                        .and_then(Value::as_object_mut)
                        .and_then(|inside| inside.remove(*inner)),
                    (["data", field, ..], Some(data)) => data.remove(*field),
                    _ => None,
                };
                left_out.extend(removed.map(|_| format!("{} {}", fault.pointer, fault.detail)));
            }
            if !left_out.is_empty() {
                self.warnings.push(format!("left out of {}: {}", saying.id, left_out.join("; ")));
            }
        }
        self.sayings.push(saying);
    }
}

impl Around<'_> {
    /// What a company says.
    pub(super) fn company(&self, company: &Object, whose: &Whose, told: &mut Told) {
        let mut data = self.data(Kind::Company, company);
        let name = company.property("name").or_else(|| company.property("domain"));
        let named = data.get("name").is_some_and(Value::is_string);
        if !named {
            data.insert(
                "name".to_owned(),
                json!(name.map_or_else(|| format!("Company {}", company.id), str::to_owned)),
            );
        }
        told.say(
            self.saying(Kind::Company, company, whose, "gtm.account.upserted", "account", data),
            self.now,
        );
        self.lifecycle(company, whose, told);
        self.consents(Kind::Company, company, whose, told);
        told.say(self.synced(whose), self.now);
    }

    fn lifecycle(&self, company: &Object, whose: &Whose, told: &mut Told) {
        let Some(id) = company.property("lifecyclestage") else { return };
        let stage = self.catalogue.lifecycle_stage(self.settings, id);
        if !stage.known {
            told.warnings.push(format!(
                "lifecycle stage `{}` ({id}) is not known and passed on by its name: say what it means in \
                 connectors.hubspot.lifecycle",
                stage.name
            ));
        }
        let mut data = Map::from_iter([("stage".to_owned(), json!(stage.name))]);
        let segment =
            self.settings.segment_property.as_deref().and_then(|property| company.property(property));
        if let Some(segment) = segment {
            let segment = self.settings.segments.get(segment).map_or(segment, String::as_str);
            data.insert("segment".to_owned(), json!(segment));
        }
        whose.clues(&mut data);
        told.say(
            self.saying(Kind::Company, company, whose, "gtm.lifecycle.changed", "lifecycle", data),
            self.now,
        );
    }

    /// What a contact says of the account that it belongs to.
    pub(super) fn contact(&self, contact: &Object, whose: &Whose, told: &mut Told) {
        if !whose.leads_somewhere() && contact.property("email").is_none() {
            told.warnings
                .push("contacts without a company and an e-mail address belong to no account".to_owned());
            return;
        }
        let mut data = self.data(Kind::Contact, contact);
        data.insert("contactId".to_owned(), json!(contact.id));
        if data.get("optedOut").is_some_and(Value::is_null) {
            data.remove("optedOut");
        }
        whose.clues(&mut data);
        told.say(
            self.saying(Kind::Contact, contact, whose, "gtm.contact.upserted", "contact", data),
            self.now,
        );
        if whose.leads_somewhere() {
            self.consents(Kind::Contact, contact, whose, told);
        }
    }

    /// What a deal says of the account that it belongs to.
    pub(super) fn deal(&self, deal: &Object, whose: &Whose, told: &mut Told) {
        if !whose.leads_somewhere() {
            told.warnings
                .push("deals without a company belong to no account: associate them in HubSpot".to_owned());
            return;
        }
        let Some(id) = deal.property("dealstage") else { return };
        let stage = self.catalogue.deal_stage(self.settings, id);
        if !stage.known {
            told.warnings.push(format!(
                "deal stage `{}` ({id}) is not known and passed on by its name: say what it means in \
                 connectors.hubspot.stages, or in the policy's definitions.deal_stages",
                stage.name
            ));
        }
        let mut data = self.data(Kind::Deal, deal);
        data.insert("dealId".to_owned(), json!(deal.id));
        data.insert("stage".to_owned(), json!(stage.name));
        let closed_at = deal.property("closedate").and_then(fields::instant).filter(|_| stage.closed);
        data.insert("closedAt".to_owned(), json!(closed_at));
        if stage.closed {
            data.remove("expectedCloseDate");
        }
        whose.clues(&mut data);
        told.say(self.saying(Kind::Deal, deal, whose, "gtm.deal.upserted", "deal", data), self.now);
    }

    /// What is left of an object that was deleted: a person not to be contacted, a deal that is open no more.
    pub(super) fn deleted(&self, kind: Kind, object: &Object, whose: &Whose, told: &mut Told) {
        let at = object.archived_at.or(object.updated_at);
        let (event_type, mut data) = match kind {
            Kind::Company => return,
            Kind::Contact => ("gtm.contact.upserted", json!({"contactId": object.id, "optedOut": true})),
            Kind::Deal => (
                "gtm.deal.upserted",
                json!({"dealId": object.id, "stage": self.settings.deleted_deal_stage, "closedAt": at}),
            ),
        };
        if !whose.leads_somewhere() {
            told.warnings.push(format!(
                "{} {} was deleted in HubSpot and names no company any more: say by an event what became of it",
                kind.one(),
                object.id
            ));
            return;
        }
        let mut data = data.as_object_mut().map(std::mem::take).unwrap_or_default();
        whose.clues(&mut data);
        let object = Object { updated_at: at, ..object.clone() };
        told.say(self.saying(kind, &object, whose, event_type, "deleted", data), self.now);
    }

    /// The CRM's facts of the account are as of now.
    pub(super) fn synced(&self, whose: &Whose) -> Saying {
        let mut data = Map::from_iter([
            ("source".to_owned(), json!("crm")),
            ("syncedAt".to_owned(), json!(self.now.to_rfc3339())),
        ]);
        whose.clues(&mut data);
        let of = whose.subject.as_deref().or(whose.company_id.as_deref()).unwrap_or_default();
        Saying {
            source: self.settings.event_source(),
            id: format!("synced/{of}/{}", self.now.timestamp_micros()),
            event_type: "gtm.source.synced",
            subject: whose.subject.clone(),
            time: Some(self.now),
            data: Value::Object(data),
        }
    }

    fn consents(&self, kind: Kind, object: &Object, whose: &Whose, told: &mut Told) {
        let about = if kind == Kind::Company { ConsentObject::Companies } else { ConsentObject::Contacts };
        for consent in self.settings.consents.iter().filter(|one| one.object == about) {
            let Some(granted) = object.property(&consent.property).and_then(fields::flag) else { continue };
            // A person's consent is kept under a purpose that reaches nobody else.
            let purpose = match about {
                ConsentObject::Companies => consent.purpose.clone(),
                ConsentObject::Contacts => format!("{}:*:{}", consent.purpose, object.id),
            };
            let mut data = Map::from_iter([
                ("purpose".to_owned(), json!(purpose)),
                ("granted".to_owned(), json!(granted)),
            ]);
            if let Some(basis) = object.property("hs_legal_basis").and_then(legal_basis) {
                data.insert("legalBasis".to_owned(), json!(basis));
            }
            whose.clues(&mut data);
            let part = format!("consent/{}", consent.purpose);
            told.say(self.saying(kind, object, whose, "gtm.consent.changed", &part, data), self.now);
        }
    }

    fn saying(
        &self,
        kind: Kind,
        object: &Object,
        whose: &Whose,
        event_type: &'static str,
        part: &str,
        data: Map<String, Value>,
    ) -> Saying {
        let changed = ["hs_lastmodifieddate", "lastmodifieddate"];
        let changed_at = object
            .updated_at
            .or_else(|| changed.into_iter().find_map(|name| object.property(name).and_then(fields::instant)))
            .unwrap_or(self.now);
        let version = self.settings.mapping_version;
        let mut id = format!("{}/{}/{}/{part}", kind.one(), object.id, changed_at.timestamp_millis());
        if let Some(company) = whose.company_id.as_ref().filter(|_| kind != Kind::Company) {
            id = format!("{id}/of/{company}");
        }
        if let Some(account) = whose.subject.as_ref().filter(|_| whose.given) {
            id = format!("{id}/for/{account}");
        }
        if version > 0 {
            id = format!("{id}/m{version}");
        }
        Saying {
            source: self.settings.event_source(),
            id,
            event_type,
            subject: whose.subject.clone(),
            time: Some(changed_at + TimeDelta::microseconds(i64::from(version))),
            data: Value::Object(data),
        }
    }

    /// The mapped fields.
    fn data(&self, kind: Kind, object: &Object) -> Map<String, Value> {
        let mut data = Map::new();
        for (field, form, property) in self.settings.mapping(kind) {
            let Some(found) = object.properties.get(property) else { continue };
            let clears = kind != Kind::Company || form == Form::Owner;
            let value = match found.as_deref().map(str::trim) {
                None if clears => Value::Null,
                None => continue,
                Some("") => Value::Null,
                Some(text) => match fields::value(form, text) {
                    Some(Value::String(owner)) if form == Form::Owner => {
                        json!(self.reps.get(&owner).unwrap_or(&owner))
                    }
                    Some(value) => value,
                    None => continue,
                },
            };
            match field.split_once('.') {
                None => drop(data.insert(field.to_owned(), value)),
                Some(_) if value.is_null() => {}
                Some((outer, inner)) => {
                    let outer = data.entry(outer.to_owned()).or_insert_with(|| json!({}));
                    outer[inner] = value;
                }
            }
        }
        data
    }
}

/// The strongest basis that is named; several stand between semicolons.
fn legal_basis(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let named =
        [("consent", "consent"), ("contract", "contract"), ("legitimate interest", "legitimate_interest")];
    named.into_iter().find(|(words, _)| text.contains(words)).map(|(_, basis)| basis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn settings(table: &Value) -> Settings {
        let mut whole = json!({"token": "t"});
        whole.as_object_mut().unwrap().extend(table.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn object(id: &str, properties: &Value) -> Object {
        let body = json!({"id": id, "properties": properties, "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-11-20T10:00:00.123Z", "archived": false, "newInThisVersion": {"x": 1}});
        serde_json::from_value(body).unwrap()
    }

    fn told(settings: &Settings, tell: impl Fn(&Around<'_>, &mut Told)) -> Told {
        let (catalogue, reps) = (Catalogue::default(), BTreeMap::from([("77".to_owned(), "ada".to_owned())]));
        let mut told = Told::default();
        tell(&Around { settings, catalogue: &catalogue, reps: &reps, now: now() }, &mut told);
        for saying in &told.sayings {
            assert!(saying.arrived(now()).is_ok(), "{saying:?} is taken");
        }
        told
    }

    #[test]
    fn a_company_says_its_account_its_stage_and_that_the_crm_is_fresh() {
        let settings =
            settings(&json!({"portal_id": 33, "segment_property": "size", "segments": {"XL": "enterprise"}}));
        let company = object(
            "512",
            &json!({
                "name": "Acme", "domain": "acme.com", "industry": null, "numberofemployees": "1500.0", "annualrevenue": "",
                "hubspot_owner_id": "77", "lifecyclestage": "customer", "createdate": "2025-01-01T00:00:00Z", "size": "XL",
            }),
        );
        let told = told(&settings, |around, told| {
            around.company(&company, &Whose::of_company(&settings, &company), told)
        });
        let [account, lifecycle, synced] = told.sayings.as_slice() else { panic!("{told:?}") };
        assert_eq!(
            (account.source.as_str(), account.id.as_str()),
            ("hubspot/33", "company/512/1795168800123/account")
        );
        assert_eq!(
            (account.subject.as_deref(), account.time),
            (Some("512"), Some("2026-11-20T10:00:00.123Z".parse().unwrap()))
        );
        assert_eq!(
            account.data,
            json!({
                "name": "Acme", "domain": "acme.com", "employeeCount": 1500, "annualRevenue": null, "ownerId": "ada",
                "createdAt": "2025-01-01T00:00:00+00:00",
            }),
            "what was never filled is left out, what was emptied is cleared"
        );
        assert_eq!(lifecycle.data, json!({"stage": "customer", "segment": "enterprise"}));
        assert_eq!(synced.data, json!({"source": "crm", "syncedAt": "2026-11-21T12:00:00+00:00"}));
        assert_eq!(told.warnings, Vec::<String>::new());
    }

    #[test]
    fn one_unusable_field_costs_the_others_nothing() {
        let settings = settings(&json!({}));
        let company = object(
            "512",
            &json!({"name": "Acme", "domain": "n/a", "country": "x".repeat(100), "state": "Utah"}),
        );
        let told = told(&settings, |around, told| {
            around.company(&company, &Whose::of_company(&settings, &company), told)
        });
        assert_eq!(told.sayings[0].data, json!({"name": "Acme", "region": "Utah"}));
        assert!(
            told.warnings[0].contains("/data/domain") && told.warnings[0].contains("/data/country"),
            "{:?}",
            told.warnings
        );
        let nameless = object("513", &json!({}));
        let told = self::told(&settings, |around, told| {
            around.company(&nameless, &Whose::of_company_id("513"), told)
        });
        assert_eq!(told.sayings[0].data["name"], "Company 513");
    }

    #[test]
    fn accounts_are_the_companys_own_a_propertys_or_sought() {
        let company = object("512", &json!({"name": "Acme", "domain": "acme.com", "gtm_account": "acc_1"}));
        let own = Whose::of_company(&settings(&json!({})), &company);
        assert_eq!(own.subject.as_deref(), Some("512"));
        let by_property = settings(&json!({"account_id_property": "gtm_account"}));
        assert_eq!(Whose::of_company(&by_property, &company).subject.as_deref(), Some("acc_1"));
        let without = object("513", &json!({"name": "Beta", "domain": "beta.com"}));
        assert_eq!(Whose::of_company(&by_property, &without).subject, None);
        let matched = settings(&json!({"match_accounts": true}));
        let sought = Whose::of_company(&matched, &company);
        let contact = object("1", &json!({"email": "ann@acme.com"}));
        let told = told(&matched, |around, told| around.contact(&contact, &sought, told));
        assert_eq!(told.sayings[0].subject, None);
        assert_eq!(told.sayings[0].data["accountDomain"], "acme.com");
        assert_eq!(told.sayings[0].data["accountName"], "Acme");
    }

    #[test]
    fn consent_is_said_where_it_is_clear_and_never_cleared_by_silence() {
        let settings = settings(&json!({"consents": [
            {"purpose": "partner_data_sharing", "object": "contacts", "property": "share_ok"},
        ]}));
        let says = |properties: Value| {
            let contact = object("9", &properties);
            let told =
                told(&settings, |around, told| around.contact(&contact, &Whose::of_company_id("512"), told));
            let opted_out = told.sayings[0].data.get("optedOut").cloned();
            (opted_out, told.sayings.into_iter().nth(1).map(|saying| saying.data))
        };
        assert_eq!(says(json!({"hs_email_optout": null, "share_ok": "maybe"})), (None, None));
        assert_eq!(says(json!({"hs_email_optout": "true"})), (Some(json!(true)), None));
        assert_eq!(says(json!({"hs_email_optout": "false"})), (Some(json!(false)), None));
        let given = json!({"share_ok": "true", "hs_legal_basis": "Legitimate interest – prospect/lead;Freely given consent from contact"});
        assert_eq!(
            says(given).1.unwrap(),
            json!({"purpose": "partner_data_sharing:*:9", "granted": true, "legalBasis": "consent"})
        );
        assert_eq!(says(json!({"share_ok": "no"})).1.unwrap()["granted"], false);
    }

    #[test]
    fn a_deal_is_expected_to_close_or_has_closed() {
        let settings = settings(
            &json!({"fields": {"deals": {"qualification.score": "fit", "qualification.painPoints": "pains", "source": ""}}}),
        );
        let deal = |stage: &str| {
            let deal = object(
                "900",
                &json!({
                    "dealname": "Rollout", "amount": "4.8E4", "dealstage": stage, "closedate": "2026-12-01T00:00:00Z",
                    "hs_analytics_source": "PAID", "fit": "82", "pains": "slow close;errors", "hubspot_owner_id": null,
                }),
            );
            let told = told(&settings, |around, told| around.deal(&deal, &Whose::of_company_id("512"), told));
            (told.sayings[0].clone(), told.warnings.len())
        };
        let (open, warnings) = deal("contractsent");
        assert_eq!((open.id.as_str(), warnings), ("deal/900/1795168800123/deal/of/512", 0));
        assert_eq!(
            open.data,
            json!({
                "dealId": "900", "name": "Rollout", "amount": "48000", "stage": "contractsent", "ownerId": null,
                "expectedCloseDate": "2026-12-01", "closedAt": null,
                "qualification": {"score": 82.0, "painPoints": ["slow close", "errors"]},
            })
        );
        let (won, _) = deal("closedwon");
        assert_eq!(
            (&won.data["stage"], &won.data["closedAt"]),
            (&json!("closed_won"), &json!("2026-12-01T00:00:00Z"))
        );
        assert!(won.data.get("expectedCloseDate").is_none());
        let (unknown, warnings) = deal("4711");
        assert_eq!((unknown.data["stage"].as_str(), warnings), (Some("4711"), 1));
    }

    #[test]
    fn what_was_deleted_is_no_longer_open_or_to_be_contacted() {
        let settings = settings(&json!({}));
        let deleted = Object { archived_at: Some(now()), ..object("900", &json!({})) };
        let whose = Whose::of_company_id("512");
        let say = |kind| {
            let told = told(&settings, |around, told| around.deleted(kind, &deleted, &whose, told));
            told.sayings.first().map(|saying| saying.data.clone())
        };
        assert_eq!(
            say(Kind::Deal),
            Some(json!({"dealId": "900", "stage": "closed_lost", "closedAt": "2026-11-21T12:00:00Z"}))
        );
        assert_eq!(say(Kind::Contact), Some(json!({"contactId": "900", "optedOut": true})));
        assert_eq!(say(Kind::Company), None);
        let homeless =
            told(&settings, |around, told| around.deleted(Kind::Deal, &deleted, &Whose::default(), told));
        assert_eq!((homeless.sayings.len(), homeless.warnings.len()), (0, 1));
    }

    #[test]
    fn a_raised_mapping_says_the_same_change_anew_and_a_moved_object_too() {
        let contact = object("9", &json!({"email": "ann@acme.com"}));
        let say = |version: u32, company: &str| {
            let settings = settings(&json!({"mapping_version": version}));
            let told = told(&settings, |around, told| {
                around.contact(&contact, &Whose::of_company_id(company), told)
            });
            (told.sayings[0].id.clone(), told.sayings[0].time.unwrap())
        };
        assert_eq!(say(0, "1"), say(0, "1"));
        assert!(say(0, "1").0 != say(0, "2").0 && say(0, "1").0 != say(1, "1").0);
        assert!(say(0, "1").1 < say(1, "1").1);
    }
}
