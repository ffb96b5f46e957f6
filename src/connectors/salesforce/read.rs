//! Reading from the organisation: an object, an account with its people and deals, everything page by page.

use std::sync::PoisonError;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::client::Found;
use super::hear::OBJECTS;
use super::say::{self, Origin, Record};
use super::{Org, ids, soql};
use crate::connectors::inbound::{ObjectRef, Saying};
use crate::connectors::source::{Group, KnownAccount, Source, SourcePage};
use crate::connectors::vendor::{Trouble, TroubleKind};
use crate::kernel::clock::DateTime;

/// Accounts last: with them they count as fresh, and by then their people and deals are there.
const READING_ORDER: [&str; 3] = ["Contact", "Opportunity", "Account"];
/// People and deals of one account that are read: the newest ones.
const OF_ACCOUNT_MAX: usize = 500;
/// Accounts whose website holds a domain that are looked through for the one whose it is.
const NAMESAKES_MAX: usize = 50;
/// Unknown names that are remembered.
const UNKNOWN_MAX: usize = 100;

impl Source for Org {
    fn group(&self) -> Group {
        Group::Crm
    }

    fn objects(&self) -> &'static [&'static str] {
        &READING_ORDER
    }

    fn object<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Vec<Saying>, Trouble>> {
        Box::pin(async move {
            let at = self.clock.now();
            let kind = self.kind(&object.object)?;
            let found = self.select(kind, &format!("Id = {}", soql::literal(&object.id))).await?;
            if found.records.is_empty() {
                return Err(self.nothing(format!("no {kind} {}", object.id)));
            }
            let mut sayings = self.said(kind, &found.records, at, None);
            // One object says nothing of the age of the others.
            sayings.retain(|saying| saying.event_type != "gtm.source.synced");
            Ok(sayings)
        })
    }

    fn account<'a>(&'a self, account: &'a KnownAccount) -> BoxFuture<'a, Result<Vec<Saying>, Trouble>> {
        Box::pin(async move {
            let at = self.clock.now();
            let record = self.account_of(account).await?;
            let id = record["Id"].as_str().unwrap_or_default().to_owned();
            let subject = Some(account.account_id.as_str());
            let mut sayings = self.said("Account", &[record], at, subject);
            // Fresh only once all of it was read: said last, below.
            sayings.retain(|saying| saying.event_type != "gtm.source.synced");
            for kind in &OBJECTS[1..] {
                let newest = format!(
                    "AccountId = {} ORDER BY SystemModstamp DESC LIMIT {OF_ACCOUNT_MAX}",
                    soql::literal(&id)
                );
                let found = self.select(kind, &newest).await?;
                sayings.extend(self.said(kind, &found.records, at, subject));
            }
            sayings.push(say::synced(&account.account_id, at));
            Ok(sayings)
        })
    }

    fn page<'a>(
        &'a self,
        object: &'a str,
        cursor: Option<&'a str>,
    ) -> BoxFuture<'a, Result<SourcePage, Trouble>> {
        Box::pin(async move {
            let at = self.clock.now();
            let kind = self.kind(object)?;
            let found = match cursor {
                Some(cursor) => self.client.more(cursor).await,
                None => self.all(kind).await,
            };
            let found = match found {
                // A place in a reading is kept for two days there; what was read before is known here.
                Err(trouble) if trouble.said.starts_with("INVALID_QUERY_LOCATOR") => self.all(kind).await?,
                found => found?,
            };
            Ok(SourcePage {
                sayings: self.said(kind, &found.records, at, None),
                objects: found.records.len() as u64,
                total: Some(found.total_size),
                next: found.next_records_url,
            })
        })
    }
}

impl Org {
    fn nothing(&self, said: String) -> Trouble {
        self.client.vendor.trouble(TroubleKind::Missing, said)
    }

    fn kind(&self, object: &str) -> Result<&'static str, Trouble> {
        let kind = OBJECTS.into_iter().find(|kind| *kind == object);
        kind.ok_or_else(|| self.nothing(format!("objects of the kind {object} are not read")))
    }

    async fn select(&self, kind: &str, condition: &str) -> Result<Found, Trouble> {
        self.client.query(&format!("{} WHERE {condition}", soql::select(kind, &self.mapping))).await
    }

    async fn all(&self, kind: &str) -> Result<Found, Trouble> {
        self.client.query(&soql::select(kind, &self.mapping)).await
    }

    /// The account that is meant: by the mapped field, by its own id, or by its website.
    async fn account_of(&self, account: &KnownAccount) -> Result<Value, Trouble> {
        let id = &account.account_id;
        let by_id = match &self.mapping.account_field {
            Some(field) => Some(format!("{field} = {} LIMIT 2", soql::literal(id))),
            None => ids::of(ids::ACCOUNT, id).map(|id| format!("Id = {}", soql::literal(&id))),
        };
        if let Some(condition) = by_id {
            let found = self.select("Account", &condition).await?.records;
            if !found.is_empty() {
                return self.only(found, &format!("the id {id}"));
            }
        }
        let Some(domain) = account.domain.as_deref() else {
            return Err(self.nothing(format!("no Account has the id {id}, and no domain is known of it")));
        };
        let condition = format!("Website LIKE {} LIMIT {NAMESAKES_MAX}", soql::holding(domain));
        let mut found = self.select("Account", &condition).await?.records;
        found.retain(|record| record["Website"].as_str().and_then(say::host).as_deref() == Some(domain));
        if found.is_empty() {
            return Err(self.nothing(format!("no Account has the id {id} or the website {domain}")));
        }
        self.only(found, &format!("the website {domain}"))
    }

    fn only(&self, mut found: Vec<Value>, by: &str) -> Result<Value, Trouble> {
        match (found.pop(), found.as_slice()) {
            (Some(one), []) => Ok(one),
            (None, _) => Err(self.nothing(format!("no Account has {by}"))),
            _ => {
                let said = format!("several Accounts have {by}; merge them, or set account_field");
                Err(self.client.vendor.trouble(TroubleKind::Conflict, said))
            }
        }
    }

    /// What records say; what no mapping knows is told in the log.
    fn said(
        &self,
        kind: &'static str,
        records: &[Value],
        at: DateTime,
        subject: Option<&str>,
    ) -> Vec<Saying> {
        let (mut sayings, none) = (Vec::new(), Map::new());
        for record in records {
            let fields = record.as_object().unwrap_or(&none);
            let record_id = record["Id"].as_str().unwrap_or_default();
            let origin = Origin::Read { at };
            match say::said(Record { object: kind, fields, origin, subject }, &self.mapping) {
                Ok(said) => {
                    said.unknown.into_iter().for_each(|unknown| self.note_unknown(unknown, record_id));
                    sayings.extend(said.sayings);
                }
                // A deal without an account, for example; there is nobody to say it of.
                Err(lacks) => {
                    tracing::debug!(kind, record_id, lacks, "a record says nothing without this field");
                }
            }
        }
        sayings
    }

    /// Tells once of a name that no mapping knows; the check lists them.
    fn note_unknown(&self, unknown: String, record_id: &str) {
        let mut all = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < UNKNOWN_MAX && !all.contains(&unknown) {
            tracing::warn!(unknown, record_id, "no mapping knows this; it is passed on by name");
            all.insert(unknown);
        }
    }
}
