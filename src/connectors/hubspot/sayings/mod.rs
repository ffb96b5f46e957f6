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
use super::settings::Settings;
use super::stages::Catalogue;
use super::wire::Object;
use crate::connectors::consent::ConsentObject;
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
            let purpose = consent.purpose_of(&object.id);
            let mut data = Map::from_iter([
                ("purpose".to_owned(), json!(purpose)),
                ("granted".to_owned(), json!(granted)),
            ]);
            if let Some(basis) = object.property("hs_legal_basis").and_then(legal_basis) {
                data.insert("legalBasis".to_owned(), json!(basis));
            }
            whose.clues(&mut data);
            let saying = self.saying(kind, object, whose, "gtm.consent.changed", &consent.part(), data);
            told.say(saying, self.now);
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
mod tests;
