//! Records of Salesforce as events. Pure.
//!
//! Promises: a record of the interface, of an Outbound Message and of a change event say the same in the same words; a
//! field that is not there says nothing, an empty one clears; a value that could not be taken (a website that is no
//! address) is left out, so that it costs the record nothing.
//! Leaves out: what the words mean; the policy knows stages by their names.

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Mapping, ids};
use crate::connectors::consent::ConsentObject;
use crate::connectors::inbound::Saying;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::check_caller_id;

/// Who says it; an organisation has one connector.
pub(super) const SOURCE: &str = "salesforce";
/// The open stages that every organisation begins with; the policies that ship know them.
const STAGES: [&str; 8] = [
    "Prospecting",
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Id. Decision Makers",
    "Perception Analysis",
    "Proposal/Price Quote",
    "Negotiation/Review",
];
/// Characters of a website or an e-mail address that are kept.
const ADDRESS_MAX: usize = 254;

/// Where a record comes from, which gives what it says an identity and a time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'a> {
    /// It was read: its version is its own, and it is as new as this.
    Read { at: DateTime },
    /// It was sent with an id of its own, and says when, or not.
    Sent { id: &'a str, time: Option<DateTime> },
}

/// What a record says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) sayings: Vec<Saying>,
    /// Names that no mapping knows: `stage Legal`.
    pub(super) unknown: Vec<String>,
}

/// A record, with the kind that it is of.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) object: &'a str,
    pub(super) fields: &'a Map<String, Value>,
    pub(super) origin: Origin<'a>,
    /// The account that was asked about, where that is known already.
    pub(super) subject: Option<&'a str>,
}

/// What a record says; the name of a field that it cannot say it without.
pub(super) fn said(record: Record<'_>, mapping: &Mapping) -> Result<Said, &'static str> {
    match record.object {
        "Account" => record.account(mapping),
        "Contact" => record.contact(mapping),
        "Opportunity" => record.deal(mapping),
        _ => Ok(Said::default()),
    }
}

/// An instant as Salesforce writes it: `2026-01-31T10:00:00.000+0000`, in messages with `Z`.
pub(super) fn instant(text: &str) -> Option<DateTime> {
    let parsed = chrono::DateTime::parse_from_rfc3339(text)
        .or_else(|_| chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    parsed.ok().map(|at| at.to_utc())
}

/// The host of a website, without `www.`; none when it is no address.
pub(super) fn host(website: &str) -> Option<String> {
    let website = website.trim().to_lowercase();
    let rest = website.split_once("://").map_or(website.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host).trim_end_matches('.');
    let labels = || host.split('.');
    let plain = host.chars().all(|c| c.is_alphanumeric() || "-.".contains(c));
    (plain && host.len() <= ADDRESS_MAX && labels().count() > 1 && labels().all(|label| !label.is_empty()))
        .then(|| host.to_owned())
}

impl Record<'_> {
    fn account(self, mapping: &Mapping) -> Result<Said, &'static str> {
        let name = self.text("Name").ok_or("Name")?;
        let mut data = Map::new();
        data.insert("name".to_owned(), name.into());
        self.put(&mut data, "Website", "domain", |value| value.as_str().and_then(host).map(Value::from));
        self.put(&mut data, "Industry", "industry", text);
        self.put(&mut data, "NumberOfEmployees", "employeeCount", count);
        self.put(&mut data, "AnnualRevenue", "annualRevenue", |value| {
            self.money(value, mapping).filter(|_| number(value).is_some_and(|n| n.as_f64() >= Some(0.0)))
        });
        self.put(&mut data, "BillingCountry", "country", text);
        self.put(&mut data, "BillingState", "region", text);
        self.put_owner(&mut data, mapping);
        if let Some(created) = self.text("CreatedDate").and_then(instant) {
            data.insert("createdAt".to_owned(), json!(created));
        }
        let subject = self.account_id(self.text("Id").unwrap_or_default(), self.fields, mapping);
        let mut said = Said::default();
        said.sayings.push(self.saying("gtm.account.upserted", subject.as_deref(), data.into()));
        if let Some(value) = self.text(&mapping.lifecycle_field).filter(|_| !mapping.lifecycle.is_empty()) {
            match mapping.lifecycle.get(value) {
                Some(stage) => {
                    let data = json!({ "stage": stage });
                    said.sayings.push(self.saying("gtm.lifecycle.changed", subject.as_deref(), data));
                }
                None => said.unknown.push(format!("{} {value}", mapping.lifecycle_field)),
            }
        }
        said.sayings.extend(self.consents(ConsentObject::Companies, subject.as_deref(), "", mapping));
        if let (Origin::Read { at }, Some(subject)) = (self.origin, &subject) {
            said.sayings.push(synced(subject, at));
        }
        Ok(said)
    }

    /// What fields say yes or no to; one that says neither says nothing.
    fn consents(
        self,
        object: ConsentObject,
        subject: Option<&str>,
        person: &str,
        mapping: &Mapping,
    ) -> Vec<Saying> {
        // Nothing else says whose consent it is.
        let Some(subject) = subject else { return Vec::new() };
        let of = mapping.consents.iter().filter(|consent| consent.object == object);
        of.filter_map(|consent| {
            let granted = flag(self.fields.get(&consent.property)?)?;
            let data = json!({ "purpose": consent.purpose_of(person), "granted": granted });
            let mut saying = self.saying("gtm.consent.changed", Some(subject), data);
            saying.id = format!("{}/{}", saying.id, consent.part());
            Some(saying)
        })
        .collect()
    }

    fn contact(self, mapping: &Mapping) -> Result<Said, &'static str> {
        let id = self.text("Id").and_then(ids::full).ok_or("Id")?;
        let mut data = Map::new();
        data.insert("contactId".to_owned(), id.clone().into());
        self.put(&mut data, "FirstName", "firstName", text);
        self.put(&mut data, "LastName", "lastName", text);
        self.put(&mut data, "Title", "title", text);
        self.put(&mut data, "Phone", "phone", text);
        self.put(&mut data, "HasOptedOutOfEmail", "optedOut", flag);
        self.put(&mut data, "Email", "email", email);
        let subject = self.of_account(mapping);
        if subject.is_none() && !data.contains_key("email") {
            return Err("AccountId");
        }
        let mut sayings = vec![self.saying("gtm.contact.upserted", subject.as_deref(), data.into())];
        sayings.extend(self.consents(ConsentObject::Contacts, subject.as_deref(), &id, mapping));
        Ok(Said { sayings, unknown: Vec::new() })
    }

    fn deal(self, mapping: &Mapping) -> Result<Said, &'static str> {
        let id = self.text("Id").and_then(ids::full).ok_or("Id")?;
        let name = self.text("StageName").ok_or("StageName")?;
        // Nothing else says whose a deal is.
        let subject = self.of_account(mapping).ok_or("AccountId")?;
        let mut said = Said::default();
        let (stage, closed) = self.stage(name, mapping, &mut said.unknown);
        let mut data = Map::new();
        data.insert("dealId".to_owned(), id.into());
        data.insert("stage".to_owned(), stage.into());
        self.put(&mut data, "Name", "name", text);
        self.put(&mut data, "Amount", "amount", |value| self.money(value, mapping));
        self.put(&mut data, "LeadSource", "source", text);
        self.put_owner(&mut data, mapping);
        let day = self.text("CloseDate").and_then(|day| day.get(..10)?.parse::<NaiveDate>().ok());
        if let Some(day) = day {
            data.insert("expectedCloseDate".to_owned(), json!(day));
        }
        let closed_at = day.and_then(|day| Some(day.and_hms_opt(0, 0, 0)?.and_utc()));
        match (closed, closed_at, self.time()) {
            (Some(true), Some(at), Some(changed)) => {
                data.insert("closedAt".to_owned(), json!(at.min(changed)));
            }
            (Some(true), at, changed) => {
                data.extend(at.or(changed).map(|at| ("closedAt".to_owned(), json!(at))));
            }
            // Opened again, perhaps.
            (Some(false), ..) => {
                data.insert("closedAt".to_owned(), Value::Null);
            }
            (None, ..) => {}
        }
        said.sayings.push(self.saying("gtm.deal.upserted", Some(&subject), data.into()));
        Ok(said)
    }

    /// Our name of a stage, and whether the deal is closed, where that is known.
    fn stage(self, name: &str, mapping: &Mapping, unknown: &mut Vec<String>) -> (String, Option<bool>) {
        let is = |field: &str| self.fields.get(field).and_then(flag).and_then(|value| value.as_bool());
        let mapped = mapping.stages.get(name);
        match (is("IsClosed"), is("IsWon")) {
            (_, Some(true)) => ("Closed Won".to_owned(), Some(true)),
            (Some(true), Some(false)) => ("Closed Lost".to_owned(), Some(true)),
            (closed, _) => {
                let own = STAGES.contains(&name) || name == "Closed Won" || name == "Closed Lost";
                if mapped.is_none() && !own {
                    unknown.push(format!("stage {name}"));
                }
                (mapped.cloned().unwrap_or_else(|| name.to_owned()), closed)
            }
        }
    }

    fn text(&self, field: &str) -> Option<&str> {
        let text = self.fields.get(field)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// A field under our name: nothing where there is none, null where it is empty, left out where it does not fit.
    fn put(
        &self,
        data: &mut Map<String, Value>,
        field: &str,
        name: &str,
        read: impl FnOnce(&Value) -> Option<Value>,
    ) {
        match self.fields.get(field) {
            None => {}
            Some(Value::Null) => drop(data.insert(name.to_owned(), Value::Null)),
            Some(Value::String(text)) if text.trim().is_empty() => {
                drop(data.insert(name.to_owned(), Value::Null));
            }
            Some(value) => data.extend(read(value).map(|value| (name.to_owned(), value))),
        }
    }

    /// The rep, by the mapping of e-mail addresses and ids; else the user's id.
    fn put_owner(&self, data: &mut Map<String, Value>, mapping: &Mapping) {
        let Some(id) = self.text("OwnerId").and_then(ids::full) else { return };
        let email = self.fields.get("Owner").and_then(|owner| owner["Email"].as_str());
        let is = |who: &str| {
            email.is_some_and(|email| email.eq_ignore_ascii_case(who))
                || ids::full(who).is_some_and(|who| who == id)
        };
        let rep = mapping.owners.iter().find(|(_, who)| is(who)).map(|(rep, _)| rep.clone());
        data.insert("ownerId".to_owned(), rep.unwrap_or(id).into());
    }

    fn money(&self, value: &Value, mapping: &Mapping) -> Option<Value> {
        let amount = number(value)?;
        let currency = self.text("CurrencyIsoCode").or(mapping.currency.as_deref());
        Some(match currency {
            Some(currency) => json!({ "amount": amount, "currency": currency }),
            None => amount,
        })
    }

    /// The account of a contact or a deal.
    fn of_account(&self, mapping: &Mapping) -> Option<String> {
        let none = Map::new();
        let account = self.fields.get("Account").and_then(Value::as_object).unwrap_or(&none);
        self.account_id(self.text("AccountId").unwrap_or_default(), account, mapping)
    }

    /// Our id of an account: what was asked about, else the mapped field, else Salesforce's own id.
    fn account_id(&self, own: &str, account: &Map<String, Value>, mapping: &Mapping) -> Option<String> {
        match (self.subject, &mapping.account_field) {
            (Some(subject), _) => Some(subject.to_owned()),
            (None, Some(field)) => {
                let id = account.get(field)?.as_str()?;
                check_caller_id(id).is_ok().then(|| id.to_owned())
            }
            (None, None) => ids::of(ids::ACCOUNT, own),
        }
    }

    /// When the record was changed.
    fn time(&self) -> Option<DateTime> {
        let stamped = || {
            ["SystemModstamp", "LastModifiedDate"].iter().find_map(|field| self.text(field).and_then(instant))
        };
        match self.origin {
            Origin::Sent { time: Some(time), .. } => Some(time),
            _ => stamped(),
        }
    }

    fn saying(&self, event_type: &'static str, subject: Option<&str>, data: Value) -> Saying {
        let what = event_type.rsplit('.').nth(1).unwrap_or(event_type);
        let time = self.time();
        let id = match self.origin {
            Origin::Sent { id, .. } => format!("{id}/{what}"),
            Origin::Read { .. } => {
                let version = time.map(|at| at.timestamp_millis()).unwrap_or_default();
                let id = self.text("Id").unwrap_or_default();
                // With what is said: once a mapping was mended, the same version says something else.
                let said = digest(&[what, subject.unwrap_or_default(), &data.to_string()]);
                format!("{}/{id}/{version}/{what}/{said}", self.object)
            }
        };
        let subject = subject.map(str::to_owned);
        Saying { source: SOURCE.to_owned(), id, event_type, subject, time, data }
    }
}

/// That everything of the CRM is known up to an instant.
pub(super) fn synced(subject: &str, at: DateTime) -> Saying {
    Saying {
        source: SOURCE.to_owned(),
        id: format!("synced/{subject}/{}", at.timestamp_millis()),
        event_type: "gtm.source.synced",
        subject: Some(subject.to_owned()),
        time: Some(at),
        data: json!({ "source": "crm", "syncedAt": at }),
    }
}

/// A short digest of some texts.
fn digest(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex::encode(&digest.finalize()[..8])
}

fn text(value: &Value) -> Option<Value> {
    value.as_str().map(|text| text.trim().into())
}

fn email(value: &Value) -> Option<Value> {
    let text = value.as_str()?.trim();
    let (name, domain) = text.split_once('@')?;
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
    (text.len() <= ADDRESS_MAX && plain(name) && plain(domain)).then(|| text.into())
}

/// Messages hold numbers as text.
fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            let number: f64 = text.trim().parse().ok()?;
            number.is_finite().then(|| json!(number))
        }
        _ => None,
    }
}

fn count(value: &Value) -> Option<Value> {
    let count = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Some(count.into())
}

fn flag(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(text) => text.trim().parse::<bool>().ok().map(Value::from),
        _ => None,
    }
}
