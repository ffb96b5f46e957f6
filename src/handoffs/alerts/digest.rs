//! What becomes of alerts that were held: when their digest comes, and what is in it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AlertTerms, Matters, Person, path_of};
use crate::handoffs::assign::names::RepId;
use crate::handoffs::handoff::Status;
use crate::kernel::calendar::{OpenTime, WorkCalendar};
use crate::kernel::clock::DateTime;
use crate::motions::Urgency;

/// An alert that was held, and how its handoff stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAlert {
    pub account_id: String,
    pub id: Uuid,
    pub handoff_id: Uuid,
    pub account_name: String,
    pub title: String,
    pub body: String,
    pub priority: Urgency,
    pub matters: Matters,
    pub held_at: DateTime,
    pub status: Status,
    pub owner_id: Option<RepId>,
}

/// Why a held alert is not told any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertDropped)]
pub enum Dropped {
    /// The handoff has ended.
    HandoffOver,
    /// Somebody else has the handoff by now.
    NotTheOwner,
    /// What it asks for is done.
    AlreadyDone,
    /// The person who was to hear that it is gone has it again.
    TheOwnerAgain,
    /// The person is no longer on the roster.
    OffTheRoster,
}

impl Dropped {
    pub fn name(self) -> &'static str {
        match self {
            Self::HandoffOver => "handoff_over",
            Self::NotTheOwner => "not_the_owner",
            Self::AlreadyDone => "already_done",
            Self::TheOwnerAgain => "the_owner_again",
            Self::OffTheRoster => "off_the_roster",
        }
    }
}

/// Why there is no point in telling it any more; none when there is.
pub fn pointless(held: &HeldAlert, rep: &RepId) -> Option<Dropped> {
    let has_it = held.status.is_open() && held.owner_id.as_ref() == Some(rep);
    let last = match held.matters {
        Matters::Always => return None,
        Matters::WhileUnanswered => {
            return match held.status {
                over if over.is_final() => Some(Dropped::HandoffOver),
                status => (status > Status::Assigned).then_some(Dropped::AlreadyDone),
            };
        }
        Matters::WhileNotOwner => return has_it.then_some(Dropped::TheOwnerAgain),
        Matters::UntilAcknowledged => Status::Assigned,
        Matters::UntilContacted => Status::Acknowledged,
    };
    match held.status {
        over if over.is_final() => Some(Dropped::HandoffOver),
        _ if !has_it => Some(Dropped::NotTheOwner),
        status => (status > last).then_some(Dropped::AlreadyDone),
    }
}

/// When the digest comes for which an alert is held now: within working hours after the time that the terms say, and
/// when these hours end before that, as soon as the next begin. Somebody who never works again is told after that time.
pub fn digest_at(calendar: &WorkCalendar, terms: &AlertTerms, now: DateTime) -> DateTime {
    let usual = now + terms.digest_after.as_delta();
    // Nothing is looked for beyond what is needed: a calendar around the clock never closes.
    if calendar.is_open(usual) && calendar.between(now, usual) == terms.digest_after.as_delta() {
        return usual;
    }
    let closes = calendar.open_until(now).unwrap_or(now);
    calendar.next_opening(closes).unwrap_or(usual)
}

/// The data of the command that tells a person everything that was held: the most pressing first, then in the order in
/// which it happened.
pub fn command(person: &Person, mut alerts: Vec<HeldAlert>) -> Value {
    alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.priority), alert.held_at, alert.id));
    let items: Vec<Value> = alerts
        .iter()
        .map(|alert| {
            json!({
                "alertId": alert.id, "title": alert.title, "body": alert.body, "priority": alert.priority,
                "accountId": alert.account_id, "accountName": alert.account_name, "handoffId": alert.handoff_id,
                "path": path_of(alert.handoff_id), "heldAt": alert.held_at,
            })
        })
        .collect();
    let title = match items.len() {
        1 => "One more thing about your handoffs".to_owned(),
        several => format!("{several} more things about your handoffs"),
    };
    let priority = alerts.first().map_or(Urgency::Low, |alert| alert.priority);
    json!({ "to": [person], "title": title, "priority": priority, "alerts": items })
}
