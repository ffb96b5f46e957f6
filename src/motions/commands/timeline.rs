//! Everything that happened to an account, from all slices that know something of it, in one stream.
//!
//! Promises: one statement for each slice and page, however much happened. Ids are time-ordered in all of them, so one
//! order serves all and a cursor names a place in it.

use futures_util::future::{BoxFuture, try_join_all};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{MotionError, Motions};
use crate::accounts;
use crate::accounts::commands::EventRow;
use crate::kernel::clock::DateTime;
use crate::motions::store::{self, TimelineRow};

/// The type of the events that say what somebody consents to.
const CONSENT_CHANGED: &str = "gtm.consent.changed";

/// One thing that happened to an account.
#[derive(Debug, Clone)]
pub struct TimelineLine {
    pub id: Uuid,
    pub at: DateTime,
    /// What it is: `event`, `decision` and so on; each slice has its own.
    pub kind: String,
    /// In a few words.
    pub title: String,
    /// Particulars, by kind.
    pub detail: Value,
}

/// A slice that knows of things that happened to accounts. This is how they reach the one stream without routing
/// knowing who is there: the application hands them over.
pub trait TimelineSource: Send + Sync {
    /// What it knows of an account, newest first: ids before that of the last one seen, at most so many.
    fn lines<'a>(
        &'a self,
        account_id: &'a str,
        before: Option<Uuid>,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<TimelineLine>, sqlx::Error>>;
}

impl Motions {
    /// Everything that happened to an account, newest first; `before` is the id of the last one seen.
    pub async fn timeline(
        &self,
        account_id: &str,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<TimelineLine>, MotionError> {
        if accounts::commands::view(&self.accounts, account_id).await?.is_none() {
            return Err(MotionError::NoAccount(account_id.to_owned()));
        }
        let events = accounts::commands::list_events(&self.pool, account_id, before, limit).await?;
        let ours = store::list_timeline(&self.pool, account_id, before, limit).await?;
        let others = self.timelines.iter().map(|source| source.lines(account_id, before, limit));
        let others = try_join_all(others).await?;
        let mut lines: Vec<TimelineLine> = events.into_iter().map(event).collect();
        lines.extend(ours.into_iter().map(line));
        lines.extend(others.into_iter().flatten());
        lines.sort_by_key(|line| std::cmp::Reverse(line.id));
        lines.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(lines)
    }
}

fn event(row: EventRow) -> TimelineLine {
    let data: Value = serde_json::from_str(row.data.0.get()).unwrap_or_default();
    let (kind, title) = if row.r#type == CONSENT_CHANGED {
        ("consent", consent(&data))
    } else {
        ("event", row.r#type.clone())
    };
    TimelineLine {
        id: row.id,
        at: row.occurred_at,
        kind: kind.to_owned(),
        title,
        detail: json!({
            "type": row.r#type, "source": row.source, "id": row.event_id, "receivedAt": row.received_at,
            "data": data, "attributes": row.attributes.map_or_else(|| json!({}), |kept| json!(kept.0)),
        }),
    }
}

/// Such as `partner_data_sharing granted for c1`.
fn consent(data: &Value) -> String {
    let what = if data["granted"] == true { "granted" } else { "withdrawn" };
    let purpose = data["purpose"].as_str().unwrap_or_default();
    match data["contactId"].as_str() {
        Some(contact) => format!("{purpose} {what} for {contact}"),
        None => format!("{purpose} {what}"),
    }
}

fn line(row: TimelineRow) -> TimelineLine {
    TimelineLine { id: row.id, at: row.at, kind: row.kind, title: row.title, detail: row.detail.0 }
}
