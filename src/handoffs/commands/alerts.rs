//! Alerts on their way out: at once within each person's budget, the rest in a digest.
//!
//! Promises: whom an alert reaches now is decided under the lock of each person that it names, in the transaction of what
//! it tells of; what is held is a row of the same transaction, with the job for its digest. A digest and the marks on
//! what is in it are one transaction too, so that every held alert is in one digest or dropped with a reason, and never
//! in two.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::change::job;
use super::{DIGEST, HandoffError, Handoffs};
use crate::handoffs::alerts::{self, Alert, AlertTerms, HeldAlert, Person, Sent, digest_at};
use crate::handoffs::assign::Roster;
use crate::handoffs::assign::names::RepId;
use crate::handoffs::effects;
use crate::handoffs::store::{self, HeldAlertRow, HeldFilter, Settled};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::motions::Urgency;
use crate::platform::db;
use crate::platform::jobs::{self, Claimed, NewJob};
use crate::platform::outbox::{self, Cause, NewEffect};

/// The most alerts in one digest; what is beyond comes in another one right afterwards.
const DIGEST_MAX: u16 = 200;
/// Why an alert is held.
const OVER_BUDGET: &str = "over_budget";

/// An alert, and the entry of the timeline that it tells of.
#[derive(Debug, Clone)]
pub(super) struct Telling {
    pub entry_id: Uuid,
    pub alert: Alert,
}

/// What becomes of alerts.
#[derive(Default)]
struct Parted {
    effects: Vec<NewEffect>,
    held: Vec<HeldAlertRow>,
    digests: Vec<NewJob>,
}

impl Handoffs {
    /// Sends alerts to whom they may reach now, and holds the rest. Locks the people who are named: called before jobs
    /// are written and after everything else is locked.
    pub(super) async fn tell(
        &self,
        conn: &mut PgConnection,
        tellings: Vec<Telling>,
        roster: &Roster,
        now: DateTime,
    ) -> Result<(), HandoffError> {
        let people: Vec<String> =
            tellings.iter().flat_map(|one| &one.alert.to).map(|person| person.rep_id.to_string()).collect();
        let mut sent = if people.is_empty() {
            BTreeMap::new()
        } else {
            let people: Vec<&str> = people.iter().map(String::as_str).collect();
            store::lock_budgets(conn, &people).await?
        };
        let parted = part(tellings, &mut sent, (roster, self.types.alerts()), now);
        if !sent.is_empty() {
            store::write_budgets(conn, &sent).await?;
        }
        store::insert_held(conn, &parted.held).await?;
        outbox::enqueue(conn, &parted.effects, now).await?;
        jobs::enqueue(conn, DIGEST, &parted.digests, now).await?;
        Ok(())
    }

    /// Sends a person the digest of what is held, and drops what there is no point in telling any more.
    pub(super) async fn digest_due(&self, job: &Claimed) -> Result<(), HandoffError> {
        let rep = RepId::parse(&job.key)?;
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        store::lock_budgets(&mut tx, &[rep.as_str()]).await?;
        let held = store::held_for(&mut tx, &rep, DIGEST_MAX.into()).await?;
        if held.is_empty() {
            return Ok(());
        }
        let full = held.len() >= usize::from(DIGEST_MAX);
        let roster = self.rosters.current(&mut tx).await?.roster.clone();
        let digest_id = new_id(now);
        let (told, settled) = sorted_out(held, &rep, &roster);
        if store::settle_held(&mut tx, &settled, digest_id, now).await? != settled.len() as u64 {
            return Err(HandoffError::Moved);
        }
        if !told.is_empty() {
            let data = alerts::command(&Person::of(&roster, &rep), told);
            let digest = NewEffect::new(Cause::Digest(digest_id), effects::DIGEST, &data, now);
            outbox::enqueue(&mut tx, &[digest], now).await?;
        }
        if full {
            jobs::enqueue(&mut tx, DIGEST, &[self::job(rep.to_string(), &json!({}), now)], now).await?;
        }
        tx.commit().await?;
        self.deliver.notify_one();
        Ok(())
    }

    /// Alerts that were held back, newest first.
    pub async fn held_alerts(&self, filter: &HeldFilter) -> Result<Vec<HeldAlertRow>, HandoffError> {
        Ok(store::list_held(&self.pool, filter).await?)
    }
}

/// What is sent at once, and what is held and until when.
fn part(
    tellings: Vec<Telling>,
    sent: &mut BTreeMap<RepId, Sent>,
    (roster, terms): (&Roster, &AlertTerms),
    now: DateTime,
) -> Parted {
    let mut parted = Parted::default();
    for Telling { entry_id, mut alert } in tellings {
        let named = !alert.to.is_empty();
        for person in alerts::split(&mut alert, sent, terms, now) {
            let calendar = roster.rep(person.rep_id.as_str()).map(|rep| roster.calendar_of_rep(rep));
            let due_at = calendar.map_or(now, |calendar| digest_at(&calendar, terms, now));
            parted.digests.push(job(person.rep_id.to_string(), &json!({}), due_at));
            parted.held.push(held(&alert, entry_id, person, now));
        }
        if !named || alert.reaches_anybody() {
            let cause =
                Cause::Entry { account_id: alert.account_id.clone(), handoff_id: alert.handoff_id, entry_id };
            let hot = alert.priority == Urgency::Urgent;
            parted.effects.push(NewEffect::new(cause, effects::ALERT, &alert.data(), now).hot(hot));
        }
    }
    parted
}

fn held(alert: &Alert, entry_id: Uuid, person: Person, now: DateTime) -> HeldAlertRow {
    HeldAlertRow {
        account_id: alert.account_id.clone(),
        id: new_id(now),
        matters: alert.matters.to(&person),
        rep_id: person.rep_id,
        handoff_id: alert.handoff_id,
        entry_id,
        account_name: alert.account_name.clone(),
        title: alert.title.clone(),
        body: alert.body.clone(),
        priority: alert.priority,
        reason: OVER_BUDGET.to_owned(),
        held_at: now,
        state: "held".to_owned(),
        digest_id: None,
        settled_at: None,
        dropped_because: None,
    }
}

/// What is worth telling still, and what becomes of each.
fn sorted_out(held: Vec<HeldAlert>, rep: &RepId, roster: &Roster) -> (Vec<HeldAlert>, Vec<Settled>) {
    let gone = roster.rep(rep.as_str()).is_none().then_some(alerts::Dropped::OffTheRoster);
    let mut told = Vec::new();
    let mut settled = Vec::with_capacity(held.len());
    for alert in held {
        let dropped = gone.or_else(|| alerts::pointless(&alert, rep));
        settled.push(Settled {
            account_id: alert.account_id.clone(),
            id: alert.id,
            dropped_because: dropped.map(alerts::Dropped::name),
        });
        if dropped.is_none() {
            told.push(alert);
        }
    }
    (told, settled)
}
