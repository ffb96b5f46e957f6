//! What handoffs do in Salesforce: the deal gets its owner and what happened to it, the account an activity.
//!
//! Promises: the same delivery writes the same bytes however often it is tried; an activity is not written twice: by a
//! unique field where the organisation has it, else by looking for it before a further attempt.

use std::collections::HashMap;
use std::sync::PoisonError;

use chrono::{SecondsFormat, TimeDelta};
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Org, ids, soql};
use crate::connectors::vendor::{Trouble, TroubleKind};
use crate::kernel::clock::DateTime;
use crate::platform::outbox::{Outgoing, Sender, Sent, Unsent};

pub(super) const UPDATE_DEAL: &str = "crm/update_deal";
pub(super) const LOG_ACTIVITY: &str = "crm/log_activity";

/// How long it is believed whose an e-mail address is.
const PERSON_KEPT: TimeDelta = TimeDelta::hours(12);
/// Characters of a task's subject and description that Salesforce keeps, less room for the reference.
const SUBJECT_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 31_000;
/// Tasks that are looked through for one that may have been written.
const SEARCHED: usize = 200;

/// A user's id by e-mail address, none where there is no such user, and when it was asked.
pub(super) type People = HashMap<String, (Option<String>, DateTime)>;

/// The fields of Opportunity that handoffs are written to, by their API names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fields {
    /// Date and time.
    handoff_completed_at: String,
    /// Text.
    handoff_type: String,
    /// Text.
    previous_owner: String,
    /// Text, unique to the handoff.
    handoff_id: String,
    /// Date and time; empty unless the handoff was taken back.
    handoff_undone_at: String,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            handoff_completed_at: "GTM_Handoff_Completed_At__c".to_owned(),
            handoff_type: "GTM_Handoff_Type__c".to_owned(),
            previous_owner: "GTM_Previous_Owner__c".to_owned(),
            handoff_id: "GTM_Handoff_Id__c".to_owned(),
            handoff_undone_at: "GTM_Handoff_Undone_At__c".to_owned(),
        }
    }
}

impl Fields {
    /// Whether a field holds date and time; the others hold text.
    pub(super) fn is_instant(&self, name: &str) -> bool {
        [&self.handoff_completed_at, &self.handoff_undone_at].iter().any(|field| *field == name)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.handoff_completed_at,
            &self.handoff_type,
            &self.previous_owner,
            &self.handoff_id,
            &self.handoff_undone_at,
        ];
        all.into_iter().map(String::as_str)
    }
}

/// What a deal is to be told; as handoffs write it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DealUpdate {
    deal_id: String,
    owner_id: Option<String>,
    owner_email: Option<String>,
    handoff_completed_at: Option<DateTime>,
    handoff_type: Option<String>,
    previous_owner: Option<String>,
    handoff_package_id: Option<String>,
    handoff_undone_at: Option<DateTime>,
}

/// What an activity says; as handoffs write it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    subject: String,
    #[serde(default)]
    description: String,
    account_id: String,
    deal_id: Option<String>,
    owner_id: Option<String>,
    owner_email: Option<String>,
}

impl Sender for Org {
    fn provider(&self) -> &'static str {
        "salesforce"
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(async move {
            if outgoing.destination == UPDATE_DEAL {
                self.update_deal(outgoing).await
            } else {
                self.log_activity(outgoing).await
            }
        })
    }
}

impl Org {
    async fn update_deal(&self, outgoing: Outgoing<'_>) -> Result<Sent, Unsent> {
        let update: DealUpdate = outgoing.data()?;
        let deal = ids::of(ids::OPPORTUNITY, &update.deal_id).ok_or_else(|| {
            Unsent::never(format!(
                "the deal `{}` is none of Salesforce: its id has to be that of the Opportunity (006…)",
                update.deal_id
            ))
        })?;
        let rep = (update.owner_id.as_deref(), update.owner_email.as_deref());
        let owner = self.user(rep, outgoing.now).await?;
        let body = deal_body(&update, owner, &self.fields);
        let path = format!("sobjects/Opportunity/{deal}");
        let answer = match self.client.write(Method::PATCH, &path, &body).await {
            Err(trouble) if self.is_lack_of_fields(&trouble) => match self.provision("Opportunity").await {
                Ok(true) => self.client.write(Method::PATCH, &path, &body).await?,
                Ok(false) => return Err(trouble.into()),
                // What was refused first is what somebody has to see to.
                Err(why) => {
                    let said = format!("{}; {}", trouble.said, why.said);
                    return Err(Trouble { said, ..trouble }.into());
                }
            },
            outcome => outcome?,
        };
        Ok(Sent::of(answer.status.as_u16()))
    }

    async fn log_activity(&self, outgoing: Outgoing<'_>) -> Result<Sent, Unsent> {
        let activity: Activity = outgoing.data()?;
        let about = self.about(&activity).await?;
        let rep = (activity.owner_id.as_deref(), activity.owner_email.as_deref());
        let owner = self.user(rep, outgoing.now).await?;
        let made_at = outgoing.id.get_timestamp().and_then(|at| {
            let (secs, nanos) = at.to_unix();
            DateTime::from_timestamp(i64::try_from(secs).ok()?, nanos)
        });
        let made_at = made_at.unwrap_or(outgoing.now);
        let reference = format!("[gtm {}]", outgoing.id);
        let body = task_body(&activity, &about, owner, made_at, &reference);
        let by_field = format!("sobjects/Task/{}/{}", self.delivery_field, outgoing.id);
        let answer = match self.client.write(Method::PATCH, &by_field, &body).await {
            // The organisation has no such field. Where it cannot be made the check says so.
            Err(trouble) if self.is_lack_of_field(&trouble) => {
                let made = self.provision("Task").await.unwrap_or_else(|why| {
                    tracing::warn!(connector = "salesforce", %why, "activities are searched for before they are repeated");
                    false
                });
                if made {
                    let answer = self.client.write(Method::PATCH, &by_field, &body).await?;
                    return Ok(Sent::of(answer.status.as_u16()));
                }
                if outgoing.attempts > 1 && self.was_logged(&activity, &about, made_at, &reference).await? {
                    return Ok(Sent::of(200));
                }
                self.client.write(Method::POST, "sobjects/Task", &body).await?
            }
            outcome => outcome?,
        };
        Ok(Sent::of(answer.status.as_u16()))
    }

    /// Whether a deal was refused because a field of ours is not there.
    fn is_lack_of_fields(&self, trouble: &Trouble) -> bool {
        trouble.kind == TroubleKind::Invalid
            && trouble.said.starts_with("INVALID_FIELD")
            && self.fields.all().any(|name| trouble.said.contains(name))
    }

    fn is_lack_of_field(&self, trouble: &Trouble) -> bool {
        matches!(trouble.kind, TroubleKind::Missing | TroubleKind::Invalid)
            && trouble.said.contains(&self.delivery_field)
    }

    /// Whether an earlier attempt arrived though its answer did not.
    async fn was_logged(
        &self,
        activity: &Activity,
        about: &str,
        made_at: DateTime,
        reference: &str,
    ) -> Result<bool, Trouble> {
        let soql = format!(
            "SELECT Id, Description FROM Task WHERE WhatId = {} AND Subject = {} AND CreatedDate >= {} LIMIT {SEARCHED}",
            soql::literal(about),
            soql::literal(&shortened(&activity.subject, SUBJECT_MAX)),
            // Their clock need not be ours.
            instant(made_at - TimeDelta::hours(1)),
        );
        let found = self.client.query(&soql).await?.records;
        Ok(found.iter().any(|task| task["Description"].as_str().is_some_and(|text| text.contains(reference))))
    }

    /// What an activity is about: the deal, else the account.
    async fn about(&self, activity: &Activity) -> Result<String, Unsent> {
        if let Some(deal) = activity.deal_id.as_deref().and_then(|id| ids::of(ids::OPPORTUNITY, id)) {
            return Ok(deal);
        }
        let id = &activity.account_id;
        if let Some(field) = &self.mapping.account_field {
            let soql = soql::ids("Account", &format!("{field} = {} LIMIT 1", soql::literal(id)));
            let found = self.client.query(&soql).await?.records;
            if let Some(id) = found.first().and_then(|account| account["Id"].as_str()) {
                return Ok(id.to_owned());
            }
        }
        ids::of(ids::ACCOUNT, id).ok_or_else(|| {
            Unsent::never(format!(
                "no Account of Salesforce is known to be `{id}`: use Salesforce's ids, or write ours into the field \
                 that account_field names"
            ))
        })
    }

    /// The user who is a rep there; none where nobody is, so that nothing is given to the wrong person.
    async fn user(
        &self,
        (rep, email): (Option<&str>, Option<&str>),
        now: DateTime,
    ) -> Result<Option<String>, Trouble> {
        let Some(rep) = rep else { return Ok(None) };
        let chosen = self.mapping.owners.get(rep).map(String::as_str);
        let who = chosen
            .unwrap_or_else(|| if ids::of(ids::USER, rep).is_some() { rep } else { email.unwrap_or(rep) });
        if let Some(id) = ids::of(ids::USER, who) {
            return Ok(Some(id));
        }
        if !who.contains('@') {
            tracing::warn!(
                rep,
                "no user of Salesforce is known to be this rep; name one in connectors.salesforce.owners"
            );
            return Ok(None);
        }
        let known = self.people.lock().unwrap_or_else(PoisonError::into_inner).get(who).cloned();
        if let Some((id, asked_at)) = known
            && now - asked_at < PERSON_KEPT
        {
            return Ok(id);
        }
        let active = format!("Email = {} AND IsActive = true LIMIT 2", soql::literal(who));
        let soql = soql::ids("User", &active);
        let found = self.client.query(&soql).await?.records;
        let id = match found.as_slice() {
            [one] => one["Id"].as_str().and_then(|id| ids::of(ids::USER, id)),
            others => {
                let count = others.len();
                tracing::warn!(
                    rep,
                    count,
                    "a rep's e-mail address has to be that of one active user of Salesforce"
                );
                None
            }
        };
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.insert(who.to_owned(), (id.clone(), now));
        Ok(id)
    }
}

/// Salesforce keeps milliseconds.
fn instant(at: DateTime) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn shortened(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

fn deal_body(update: &DealUpdate, owner: Option<String>, fields: &Fields) -> Value {
    let mut body = Map::new();
    let mut put = |field: &str, value: Value| drop(body.insert(field.to_owned(), value));
    if let Some(owner) = owner {
        put("OwnerId", owner.into());
    }
    if let Some(at) = update.handoff_completed_at {
        put(&fields.handoff_completed_at, instant(at).into());
        put(&fields.previous_owner, json!(update.previous_owner));
    }
    put(&fields.handoff_type, json!(update.handoff_type));
    put(&fields.handoff_id, json!(update.handoff_package_id));
    // A new handoff clears what an old one left.
    put(&fields.handoff_undone_at, json!(update.handoff_undone_at.map(instant)));
    Value::Object(body)
}

fn task_body(
    activity: &Activity,
    about: &str,
    owner: Option<String>,
    made_at: DateTime,
    reference: &str,
) -> Value {
    let mut body = json!({
        "Subject": shortened(&activity.subject, SUBJECT_MAX),
        "Description": format!("{}\n\n{reference}", shortened(&activity.description, DESCRIPTION_MAX)),
        "WhatId": about, "Status": "Completed", "Priority": "Normal", "ActivityDate": made_at.date_naive(),
    });
    if let Some(owner) = owner {
        body["OwnerId"] = owner.into();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(extra: &Value) -> DealUpdate {
        let mut data = json!({"dealId": "006xx000001a2b3AAA", "accountId": "a", "handoffType": "t", "handoffPackageId": "h"});
        data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value(data).unwrap()
    }

    #[test]
    fn a_deal_is_told_of_its_handoff_and_that_it_was_taken_back() {
        let fields = Fields::default();
        let done =
            update(&json!({"handoffCompletedAt": "2026-01-02T03:04:05.678901Z", "previousOwner": "ada"}));
        assert_eq!(
            deal_body(&done, Some("005".to_owned()), &fields),
            json!({
                "OwnerId": "005", "GTM_Handoff_Completed_At__c": "2026-01-02T03:04:05.678Z", "GTM_Previous_Owner__c": "ada",
                "GTM_Handoff_Type__c": "t", "GTM_Handoff_Id__c": "h", "GTM_Handoff_Undone_At__c": null,
            })
        );
        let undone = update(&json!({"handoffUndoneAt": "2026-01-03T00:00:00Z", "ownerId": null}));
        assert_eq!(
            deal_body(&undone, None, &fields),
            json!({
                "GTM_Handoff_Type__c": "t", "GTM_Handoff_Id__c": "h", "GTM_Handoff_Undone_At__c": "2026-01-03T00:00:00.000Z",
            })
        );
    }

    #[test]
    fn long_texts_are_cut_and_keep_their_reference() {
        let activity = Activity {
            subject: "ü".repeat(300),
            description: "ü".repeat(40_000),
            account_id: "a".to_owned(),
            deal_id: None,
            owner_id: None,
            owner_email: None,
        };
        let body = task_body(&activity, "001", None, DateTime::UNIX_EPOCH, "[gtm 1]");
        assert_eq!(body["Subject"].as_str().unwrap().chars().count(), 255);
        let description = body["Description"].as_str().unwrap();
        assert!(description.chars().count() < 32_000 && description.ends_with("[gtm 1]"));
        assert_eq!(body["ActivityDate"], "1970-01-01");
    }
}
