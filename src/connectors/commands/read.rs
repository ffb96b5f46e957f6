//! Reading stored calls: what they say is taken like any other event, what cannot be understood is set aside.
//!
//! Promises: a call ends as done only after everything it says is durable; a crash before that has it read again, which
//! counts as duplicates; a call with a fault is dead as a whole and visible, its good parts taken all the same; a panic
//! over one call is that call's fault and nobody else's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ConnectorError, FETCH};
use crate::accounts::EventFault;
use crate::accounts::commands::{Who, erase, take_arrived};
use crate::connectors::Connectors;
use crate::connectors::inbound::{
    Forgotten, HandoffAct, Inbound, ObjectRef, Reading, Received, Statement, Wish,
};
use crate::connectors::store::{self, Claimed, Ended};
use crate::handoffs::commands::{Deed, HandoffError};
use crate::handoffs::{Action, TurnEnd};
use crate::kernel::clock::DateTime;
use crate::platform::db;
use crate::platform::http::Fault;
use crate::platform::jobs::{self, Lane, NewJob};
use crate::platform::outbox;

/// Calls that one round reads.
const ROUND: i64 = 64;
/// How long a round may take before others read its calls, by the database's clock.
const LEASE_SECS: f64 = 60.0;
/// A call whose reading failed so often, by no fault that is known, is set aside.
const MAX_ATTEMPTS: i32 = 10;
/// How long calls wait whose reading failed for a reason that passes.
const RETRY: TimeDelta = TimeDelta::seconds(5);

/// A stored call while it is read.
struct Open {
    claimed: Claimed,
    reading: Reading,
    ended: Ended,
}

impl Connectors {
    /// Reads calls that wait; gives how many.
    pub async fn read_due(&self) -> Result<usize, ConnectorError> {
        let now = self.clock.now();
        let claimed = store::claim(&self.pool, now, ROUND, LEASE_SECS).await?;
        let count = claimed.len();
        // What failed before is read alone: should it fail for what it holds, it fails for itself.
        let (again, first): (Vec<Claimed>, Vec<Claimed>) =
            claimed.into_iter().partition(|one| one.attempts > 1);
        let mut outcome = self.read_round(first, now).await;
        for one in again {
            let read = self.read_round(vec![one], now).await;
            outcome = outcome.and(read);
        }
        outcome.map(|()| count)
    }

    /// Whether a call is due to be read, by whomever.
    pub async fn has_unread(&self) -> Result<bool, ConnectorError> {
        Ok(store::has_unread(&self.pool, self.clock.now()).await?)
    }

    /// Reads some calls; when it fails they wait, or are set aside after [`MAX_ATTEMPTS`].
    async fn read_round(&self, claimed: Vec<Claimed>, now: DateTime) -> Result<(), ConnectorError> {
        if claimed.is_empty() {
            return Ok(());
        }
        let held: Vec<(Uuid, i64, i32)> =
            claimed.iter().map(|one| (one.id, one.lease, one.attempts)).collect();
        let mut open: Vec<Open> = claimed.into_iter().map(|claimed| self.open(claimed)).collect();
        let Err(error) = self.take(&mut open, now).await else { return Ok(()) };
        // Nothing is lost: they wait, and what was taken of them is known by its identity.
        let (spent, waiting): (Vec<_>, Vec<_>) = held.into_iter().partition(|held| held.2 >= MAX_ATTEMPTS);
        let ended = |(id, lease, _): (Uuid, i64, i32)| Ended {
            id,
            lease,
            faults: store::faults_text(&[Fault::new(
                "",
                format!("taking it failed again and again: {error}"),
            )]),
            ..Ended::default()
        };
        let spent: Vec<Ended> = spent.into_iter().map(ended).collect();
        let mut conn = self.pool.acquire().await?;
        store::finish(&mut conn, &spent, now).await?;
        let waiting: Vec<(Uuid, i64)> = waiting.into_iter().map(|(id, lease, _)| (id, lease)).collect();
        store::give_back(&mut conn, &waiting, now + RETRY).await?;
        Err(error)
    }

    fn open(&self, claimed: Claimed) -> Open {
        let reading = self.read(&claimed);
        let ended = Ended { id: claimed.id, lease: claimed.lease, ..Ended::default() };
        Open { claimed, reading, ended }
    }

    fn read(&self, claimed: &Claimed) -> Reading {
        let Some(inbound) = self.inbound(&claimed.connector) else {
            let detail = format!("no connector `{}` is set up any more", claimed.connector);
            return Reading::fault("", detail);
        };
        let received = Received {
            id: claimed.id,
            received_at: claimed.received_at,
            about: &claimed.about,
            body: &claimed.body,
        };
        catch_unwind(AssertUnwindSafe(|| inbound.read(&received))).unwrap_or_else(|_| {
            Reading::fault("", "reading it made the connector panic; this is a fault of the service")
        })
    }

    fn inbound(&self, name: &str) -> Option<&dyn Inbound> {
        self.registry.get(name)?.inbound.as_deref()
    }

    async fn take(&self, open: &mut [Open], now: DateTime) -> Result<(), ConnectorError> {
        let mut changed: Vec<(String, ObjectRef)> = Vec::new();
        // By call, so that counts are a call's own; the intake joins what comes together anyway.
        for one in open.iter_mut() {
            let said = std::mem::take(&mut one.reading.said);
            let mut events = Vec::new();
            for (pointer, statement) in said {
                match statement {
                    Statement::Event(saying) => match saying.arrived(one.claimed.received_at) {
                        Ok(event) => events.push(event),
                        Err(rejected) => one.reading.faults.extend(placed(&pointer, &rejected.faults)),
                    },
                    Statement::Changed(object) => changed.push((one.claimed.connector.clone(), object)),
                    Statement::Act(act) => self.act(&one.claimed.connector, &act).await?,
                    Statement::Undelivered { delivery_id, why } => {
                        outbox::note_undelivered(&self.pool, delivery_id, &why).await?;
                    }
                    Statement::Erase(whom) => self.forget(&one.claimed.connector, &whom).await?,
                }
            }
            let (accepted, duplicates) = take_arrived(&self.accounts, events, Lane::Normal).await?;
            let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
            one.ended.accepted = number(accepted);
            one.ended.duplicates = number(duplicates);
            one.ended.ignored = number(one.reading.ignored);
            one.ended.faults = store::faults_text(&one.reading.faults);
            if one.ended.faults.is_some() {
                tracing::warn!(
                    connector = one.claimed.connector,
                    received = %one.claimed.id,
                    faults = one.reading.faults.len(),
                    "a call could not be understood: see /v1/dead-letters/received"
                );
            }
        }
        let ended: Vec<Ended> = open.iter_mut().map(|one| std::mem::take(&mut one.ended)).collect();
        let mut tx = db::begin(&self.pool).await?;
        ask_for(&mut tx, &changed, now).await?;
        store::finish(&mut tx, &ended, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Does what a person wants of a handoff, and tells the person what became of it. What does not fit any more is
    /// no failure: a button may be pressed twice, and a call may be read again.
    async fn act(&self, connector: &str, act: &HandoffAct) -> Result<(), ConnectorError> {
        let outcome = match self.wish(connector, act).await {
            Ok(outcome) => outcome,
            Err(HandoffError::Database(error)) => return Err(error.into()),
            Err(error) => error.to_string(),
        };
        if let (Some(inbound), Some(reply_to)) = (self.inbound(connector), &act.reply_to)
            && let Err(trouble) = inbound.tell(reply_to, &outcome).await
        {
            tracing::warn!(connector, %trouble, "a person could not be told what became of a wish");
        }
        Ok(())
    }

    /// Erases a person at every account that knows them. Said again it finds nothing.
    async fn forget(&self, connector: &str, whom: &Forgotten) -> Result<(), ConnectorError> {
        let who = match whom {
            Forgotten::Contact(id) => Who::Contact(id),
            Forgotten::Email(email) => Who::Email(email),
        };
        let erased = erase(&self.accounts, None, who, &format!("connector:{connector}")).await?;
        tracing::info!(
            connector,
            accounts = erased.len(),
            "a person was erased because the system asked for it"
        );
        Ok(())
    }

    async fn wish(&self, connector: &str, act: &HandoffAct) -> Result<String, HandoffError> {
        let by = format!("{connector}:{}", act.by);
        let deed = match &act.what {
            Wish::Do(action) => Deed::new(action.clone(), by),
            Wish::TakeOver => {
                let email = match (&act.email, self.inbound(connector)) {
                    (Some(email), _) => Some(email.clone()),
                    (None, Some(inbound)) => inbound.email_of(&act.by).await.unwrap_or_else(|trouble| {
                        tracing::warn!(connector, %trouble, "who pressed a button could not be found out");
                        None
                    }),
                    (None, None) => None,
                };
                let Some(rep) = self.handoffs.rep_by_email(email.as_deref()).await? else {
                    return Ok("You are not in the roster under the e-mail address that you have here, so this handoff \
                               cannot be given to you. Ask RevOps to add it."
                        .to_owned());
                };
                let action = Action::Reassign { reason: TurnEnd::Reassigned };
                Deed { next: Some(rep), ..Deed::new(action, by) }
            }
        };
        let handoff = self.handoffs.act(act.handoff_id, &deed).await?;
        Ok(format!("The handoff is now {}.", handoff.status.name()))
    }
}

/// Asks for what changed objects are now; many changes of one object make one look.
async fn ask_for(
    conn: &mut PgConnection,
    changed: &[(String, ObjectRef)],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    let job = |(connector, object): &(String, ObjectRef)| NewJob {
        key: format!("{connector}/{}/{}", object.object, object.id),
        payload: serde_json::json!({"connector": connector, "object": object.object, "id": object.id})
            .to_string(),
        lane: Lane::Normal,
        due_at: now,
    };
    let jobs: Vec<NewJob> = changed.iter().map(job).collect();
    jobs::enqueue(conn, FETCH, &jobs, now).await
}

/// Faults of an event, at their place in the call.
fn placed<'a>(pointer: &'a str, faults: &'a [EventFault]) -> impl Iterator<Item = Fault> + 'a {
    faults.iter().map(move |fault| {
        let detail = format!("made into an event, its {} {}", fault.pointer, fault.detail);
        Fault::new(pointer, detail)
    })
}
