//! Writing what happened to handoffs, with everything that follows from it.
//!
//! Promises: whatever happens to a handoff is one transaction under its account's lock: the row, the turn, the line of its
//! timeline, the commands that leave, the audit entry and the job for the next step of its clock. A handoff that needs an
//! owner is given to somebody in the same transaction, under the roster's lock, which is taken after those of accounts and
//! handoffs. People who are alerted are locked after it, and jobs after them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::alerts::Telling;
use super::{DRAIN, DRAIN_KEY, HandoffError, Handoffs, SLA_WORKER, STEP};
use crate::handoffs::assign::names::{RepId, TeamId};
use crate::handoffs::assign::outcome::{Assigned, Route};
use crate::handoffs::assign::{Outcome, Request, Roster, Snapshot, assign_many, rotations};
use crate::handoffs::availability::{self, Absences};
use crate::handoffs::effects::{self, Scene};
use crate::handoffs::handoff::{Handoff, Happening, Status};
use crate::handoffs::lifecycle;
use crate::handoffs::package::{Package, Receipt};
use crate::handoffs::recheck::written;
use crate::handoffs::sla::{Basis, Restart, SlaClock};
use crate::handoffs::store::{self, EndedTurn, NewReceipt, NewTurn, TimelineRow};
use crate::handoffs::types::HandoffType;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::kernel::json::sha256;
use crate::platform::audit;
use crate::platform::jobs::{self, Lane, NewJob};
use crate::platform::outbox::{self, Cause, NewEffect};

/// A handoff under its account's lock, and what has happened to it in this transaction.
#[derive(Debug, Clone)]
pub(super) struct Changing {
    pub handoff: Handoff,
    pub package: Package,
    /// It has no row yet.
    pub new: bool,
    pub happened: Vec<Happening>,
    /// Its clock counts by other hours, which is written also where it is no news.
    pub counts_anew: bool,
    /// Assignment gave another answer than the last one, which is written also where it is no news.
    pub answered_anew: bool,
    /// Who is to have it, when a person said so.
    pub chosen: Option<RepId>,
    /// Whose decision another turn would be.
    pub restart: Restart,
    pub receipts: Vec<Receipt>,
}

impl Changing {
    /// A handoff as it was read.
    pub fn of(handoff: Handoff) -> Result<Self, HandoffError> {
        let package = serde_json::from_str(handoff.package.get())?;
        Ok(Self {
            handoff,
            package,
            new: false,
            happened: Vec::new(),
            counts_anew: false,
            answered_anew: false,
            chosen: None,
            restart: Restart::Automatic,
            receipts: Vec::new(),
        })
    }

    pub fn waits(&self) -> bool {
        self.handoff.status == Status::Pending
    }

    /// There is something to write. What waits and goes on waiting for the same reason has nothing.
    fn is_changed(&self) -> bool {
        self.new || self.counts_anew || self.answered_anew || !self.happened.is_empty()
    }

    fn ended_turn(&self, now: DateTime) -> Option<EndedTurn> {
        self.happened.iter().find_map(|happening| match happening {
            Happening::TurnEnded { reason, .. } => Some(EndedTurn {
                account_id: self.handoff.account_id.clone(),
                handoff_id: self.handoff.id,
                ended_at: now,
                reason: *reason,
            }),
            _ => None,
        })
    }
}

impl Handoffs {
    /// Writes changes and what follows from them; those that wait are given to whoever can take them.
    pub(super) async fn settle(
        &self,
        conn: &mut PgConnection,
        mut changing: Vec<Changing>,
        actor: &str,
        now: DateTime,
    ) -> Result<Vec<Changing>, HandoffError> {
        let ended: Vec<EndedTurn> = changing.iter().filter_map(|one| one.ended_turn(now)).collect();
        let credits = store::end_turns(conn, &ended).await?;
        let waiting = changing.iter().any(Changing::waits);
        let roster = if waiting || !credits.is_empty() {
            // What was taken from somebody is taken in the rows too, before loads are counted.
            let lost = changing.iter_mut().filter(|one| !one.new && !one.happened.is_empty() && one.waits());
            let lost: Vec<&mut Changing> = lost.collect();
            let rows: Vec<Handoff> = lost.iter().map(|one| one.handoff.clone()).collect();
            self.update(conn, &rows).await?;
            for one in lost {
                one.handoff.version += 1;
            }
            self.give(conn, &mut changing, &credits, now).await?
        } else {
            if !ended.is_empty() {
                store::lock_roster(conn).await?;
            }
            self.rosters.current(conn).await?.roster.clone()
        };
        changing.retain(|one| one.is_changed() || one.waits());
        self.write(conn, &mut changing, &roster, actor, now).await?;
        // Whoever lost one may have room for what waits. The roster's lock is held: nobody is just now being told to
        // wait because of what ends here.
        if !ended.is_empty() && store::somebody_waits(conn).await? {
            jobs::enqueue(conn, DRAIN, &[job(DRAIN_KEY.to_owned(), &json!({}), now)], now).await?;
        }
        Ok(changing)
    }

    /// Lets time pass up to when somebody does something, in the transaction of what they do: whether the background
    /// work has looked yet plays no part in what happened. Gives the handoffs as they then stand.
    pub(super) async fn catch_up(
        &self,
        conn: &mut PgConnection,
        changing: Vec<Changing>,
        before: DateTime,
        now: DateTime,
    ) -> Result<Vec<Changing>, HandoffError> {
        let (mut late, mut stands) = (Vec::new(), Vec::with_capacity(changing.len()));
        for mut one in changing {
            one.happened = lifecycle::pass_time_before(&mut one.handoff, before, now)?;
            if one.happened.is_empty() { stands.push(one) } else { late.push(one) }
        }
        if !late.is_empty() {
            let settled = self.settle(conn, late, SLA_WORKER, now).await?;
            let settled = settled.into_iter().map(|one| Changing::of(one.handoff));
            stands.extend(settled.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(stands)
    }

    async fn update(&self, conn: &mut PgConnection, rows: &[Handoff]) -> Result<(), HandoffError> {
        let done = store::update_handoffs(conn, rows).await?;
        if done == rows.len() as u64 { Ok(()) } else { Err(HandoffError::Moved) }
    }

    /// Gives what waits to whoever can take it, after taking back the turns that are to be credited.
    async fn give(
        &self,
        conn: &mut PgConnection,
        changing: &mut [Changing],
        credits: &[Outcome],
        now: DateTime,
    ) -> Result<Arc<Roster>, HandoffError> {
        store::lock_roster(conn).await?;
        let (roster, absences) = self.load(conn, now).await?;
        let waiting = || changing.iter().filter(|one| one.waits());
        let mut teams: BTreeSet<TeamId> =
            waiting().flat_map(|one| rotations(&one.handoff.request, &roster)).collect();
        teams.extend(credits.iter().filter_map(rotated));
        let mut snapshot = self.snapshot(conn, (&roster, &absences), None, &teams, now).await?;
        let before = snapshot.rotations().clone();
        for outcome in credits {
            snapshot.credit_turn(outcome);
        }
        let outcomes = outcomes(changing, &mut snapshot, now);
        for one in changing.iter_mut().filter(|one| one.waits()) {
            let Some(outcome) = outcomes.get(&one.handoff.id) else { continue };
            self.place(one, outcome.clone(), (&roster, &absences), now)?;
        }
        let moved =
            snapshot.rotations().iter().filter(|(team, rotation)| before.get(*team) != Some(*rotation));
        super::write_rotations(conn, moved, now).await?;
        Ok(roster)
    }

    fn place(
        &self,
        one: &mut Changing,
        outcome: Outcome,
        (roster, absences): (&Roster, &Absences),
        now: DateTime,
    ) -> Result<(), HandoffError> {
        let terms = self.promised(&one.handoff, roster)?.sla.clone();
        let hours = match terms.basis {
            Basis::Wall => None,
            Basis::Business => {
                Some(availability::hours(roster, &one.handoff.request.team, outcome.rep(), absences))
            }
        };
        one.answered_anew = one.handoff.assignment.as_ref() != Some(&outcome);
        let happened = lifecycle::place(&mut one.handoff, outcome, &terms, one.restart, hours, now)?;
        one.happened.extend(happened);
        one.happened.extend(lifecycle::alarm(&mut one.handoff, now));
        Ok(())
    }

    /// The type of a handoff.
    pub(super) fn handoff_type(&self, name: &str) -> Result<&HandoffType, HandoffError> {
        self.types.get(name).ok_or_else(|| HandoffError::NoType(name.to_owned()))
    }

    /// The type of a handoff with what is promised for it: the terms that its clock began with; before it has one, those
    /// in force for its type and segment.
    pub(super) fn promised(
        &self,
        handoff: &Handoff,
        roster: &Roster,
    ) -> Result<Cow<'_, HandoffType>, HandoffError> {
        let found = self.handoff_type(&handoff.handoff_type)?;
        let running = handoff.clock.as_ref().map(SlaClock::terms);
        let terms = running.or_else(|| roster.terms(&handoff.handoff_type, &handoff.segment));
        Ok(match terms.filter(|terms| **terms != found.sla) {
            Some(terms) => Cow::Owned(HandoffType { sla: terms.clone(), ..found.clone() }),
            None => Cow::Borrowed(found),
        })
    }

    async fn write(
        &self,
        conn: &mut PgConnection,
        changing: &mut [Changing],
        roster: &Roster,
        actor: &str,
        now: DateTime,
    ) -> Result<(), HandoffError> {
        let mut rows = Rows::default();
        for one in changing.iter() {
            let handoff_type = self.promised(&one.handoff, roster)?;
            rows.tell(one, &handoff_type, roster, actor, now)?;
        }
        store::insert_handoffs(conn, &rows.new).await?;
        self.update(conn, &rows.changed).await?;
        store::insert_turns(conn, &rows.turns).await?;
        store::insert_entries(conn, &rows.entries).await?;
        store::insert_receipts(conn, &rows.receipts).await?;
        outbox::enqueue(conn, &rows.effects, now).await?;
        self.tell(conn, rows.tellings, roster, now).await?;
        jobs::enqueue(conn, STEP, &rows.steps, now).await?;
        jobs::enqueue(conn, DRAIN, &rows.drains, now).await?;
        audit::append_all(conn, now, &rows.log).await?;
        for one in changing.iter_mut().filter(|one| !one.new && one.is_changed()) {
            one.handoff.version += 1;
        }
        Ok(())
    }
}

/// The team whose rotation an assignment took a turn of.
fn rotated(outcome: &Outcome) -> Option<TeamId> {
    match outcome {
        Outcome::Assigned(Assigned { rotation: Some(rotated), .. }) => Some(rotated.team.clone()),
        _ => None,
    }
}

/// Who takes each of those that wait; whom a person chose takes it before the others are looked at.
fn outcomes(changing: &[Changing], snapshot: &mut Snapshot, now: DateTime) -> BTreeMap<Uuid, Outcome> {
    let (chosen, open): (Vec<&Changing>, Vec<&Changing>) =
        changing.iter().filter(|one| one.waits()).partition(|one| one.chosen.is_some());
    let mut outcomes = BTreeMap::new();
    for one in chosen {
        let Some(rep) = one.chosen.clone() else { continue };
        let outcome = Outcome::Assigned(Assigned {
            rep,
            route: Route::Chosen,
            cover_for: None,
            rotation: None,
            tried: Vec::new(),
        });
        snapshot.apply(&outcome, now);
        outcomes.insert(one.handoff.id, outcome);
    }
    let requests: Vec<Request> = open.iter().map(|one| one.handoff.request.clone()).collect();
    outcomes.extend(assign_many(&requests, snapshot, now).outcomes);
    outcomes
}

/// What a transaction writes.
#[derive(Default)]
struct Rows {
    new: Vec<Handoff>,
    changed: Vec<Handoff>,
    turns: Vec<NewTurn>,
    entries: Vec<TimelineRow>,
    receipts: Vec<NewReceipt>,
    effects: Vec<NewEffect>,
    tellings: Vec<Telling>,
    steps: Vec<NewJob>,
    drains: Vec<NewJob>,
    log: BTreeMap<String, Vec<audit::Entry>>,
}

impl Rows {
    fn tell(
        &mut self,
        one: &Changing,
        handoff_type: &HandoffType,
        roster: &Roster,
        actor: &str,
        now: DateTime,
    ) -> Result<(), HandoffError> {
        let handoff = &one.handoff;
        let scene = Scene { handoff, package: &one.package, handoff_type, roster, now };
        for happening in &one.happened {
            self.happened(&scene, happening, actor)?;
        }
        // What is held was shown to nobody yet.
        for receipt in one.receipts.iter().filter(|_| handoff.status != Status::Held) {
            self.shared(handoff, receipt, actor)?;
        }
        if let Some(due_at) = lifecycle::next_step_at(handoff, now)? {
            self.steps.push(job(handoff.id.to_string(), &json!({ "accountId": handoff.account_id }), due_at));
        }
        if let Some(due_at) = lifecycle::looks_at(handoff, now).filter(|_| one.waits()) {
            self.drains.push(job(DRAIN_KEY.to_owned(), &json!({}), due_at));
        }
        if one.is_changed() {
            let list = if one.new { &mut self.new } else { &mut self.changed };
            list.push(handoff.clone());
        }
        Ok(())
    }

    fn happened(
        &mut self,
        scene: &Scene<'_>,
        happening: &Happening,
        actor: &str,
    ) -> Result<(), HandoffError> {
        let (handoff, now) = (scene.handoff, scene.now);
        let details = serde_json::to_value(happening)?;
        let entry = TimelineRow {
            account_id: handoff.account_id.clone(),
            handoff_id: handoff.id,
            id: new_id(now),
            at: now,
            kind: happening.name().to_owned(),
            actor: actor.to_owned(),
            doc: Json(RawValue::from_string(details.to_string())?),
            once: happening.once(),
        };
        let effects = effects::of(scene, happening);
        self.effects.extend(effects.commands.iter().map(|command| {
            let account_id = handoff.account_id.clone();
            let cause = Cause::Entry { account_id, handoff_id: handoff.id, entry_id: entry.id };
            NewEffect::new(cause, command.destination, &command.data, now).hot(scene.is_urgent())
        }));
        self.tellings.extend(effects.alert.map(|alert| Telling { entry_id: entry.id, alert }));
        if let (Happening::Assigned { owner, turn, .. }, Some(outcome)) = (happening, &handoff.assignment) {
            self.turns.push(NewTurn {
                account_id: handoff.account_id.clone(),
                handoff_id: handoff.id,
                number: *turn,
                owner_id: owner.to_string(),
                outcome: outcome.clone(),
                assigned_at: now,
                credited: false,
            });
        }
        self.log(
            handoff,
            &format!("handoff.{}", happening.name()),
            logged(happening, handoff, details),
            actor,
        );
        self.entries.push(entry);
        Ok(())
    }

    fn shared(&mut self, handoff: &Handoff, receipt: &Receipt, actor: &str) -> Result<(), HandoffError> {
        let details = json!({
            "partnerId": receipt.partner_id, "purpose": purpose_logged(receipt), "fields": receipt.fields.len(),
        });
        self.log(handoff, "handoff.shared", details, actor);
        self.receipts.push(NewReceipt {
            account_id: handoff.account_id.clone(),
            id: new_id(receipt.shared_at),
            handoff_id: handoff.id,
            partner_id: receipt.partner_id.clone(),
            contact_id: receipt.contact_id.clone(),
            purpose: receipt.purpose.clone(),
            fields: receipt.fields.clone(),
            consent: serde_json::to_value(&receipt.consent)?,
            shared_at: receipt.shared_at,
        });
        Ok(())
    }

    fn log(&mut self, handoff: &Handoff, action: &str, details: serde_json::Value, actor: &str) {
        let entry = audit::Entry::new(actor, action, format!("handoff:{}", handoff.id), details);
        self.log.entry(handoff.account_id.clone()).or_default().push(entry);
    }
}

/// What the audit log keeps of something that happened: words that somebody wrote by their digest, because they may name
/// people; and the seal of the package once the handoff is not held.
fn logged(happening: &Happening, handoff: &Handoff, mut details: serde_json::Value) -> serde_json::Value {
    let in_words = !matches!(happening, Happening::TurnEnded { .. });
    for words in ["reason", "question", "answer"].into_iter().filter(|_| in_words) {
        if let Some(said) = details.get(words).and_then(serde_json::Value::as_str) {
            details[words] = written(&sha256(said.as_bytes())).into();
        }
    }
    let never_held = matches!(happening, Happening::Created { .. }) && handoff.status != Status::Held;
    if never_held || matches!(happening, Happening::Released { .. }) {
        let digest = handoff.package_digest.trim_start_matches("\\x");
        details["package"] = format!("sha256:{digest}").into();
    }
    details
}

/// The purpose that a share rested on, without the person whom it names.
fn purpose_logged(receipt: &Receipt) -> String {
    let named = receipt.contact_id.is_some() && receipt.purpose.matches(':').count() >= 2;
    match receipt.purpose.rsplit_once(':').filter(|_| named) {
        Some((reach, _)) => format!("{reach}:~"),
        None => receipt.purpose.clone(),
    }
}

/// A job that is due at an instant.
pub(super) fn job(key: String, payload: &serde_json::Value, due_at: DateTime) -> NewJob {
    NewJob { key, payload: payload.to_string(), lane: Lane::Normal, due_at }
}
