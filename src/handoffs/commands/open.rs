//! Opening a handoff: the package is gathered, an owner found, the clock started.
//!
//! Promises: one cause opens one handoff, however often it is told; for an account, a kind and a deal one is under way at a
//! time; what fails a hard guardrail is held and says what releases it; a preview writes nothing.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::change::Changing;
use super::{HandoffError, Handoffs};
use crate::accounts::Current;
use crate::accounts::commands::{Portrait, lock_current, portrait};
use crate::accounts::model::{AccountState, Known, value};
use crate::handoffs::assign::Request;
use crate::handoffs::assign::names::{RepId, TeamId};
use crate::handoffs::assign::snapshot::Firm;
use crate::handoffs::handoff::{Handoff, Happening, Status};
use crate::handoffs::package::{
    self, Activity, Completeness, DecisionContext, Hold, Inputs, Note, Package, Person, Receipt, Sharing,
    Withheld,
};
use crate::handoffs::sla::Restart;
use crate::handoffs::store;
use crate::handoffs::types::HandoffType;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::{AccountId, new_id};
use crate::kernel::json::{canonical, sha256};
use crate::motions::Urgency;
use crate::platform::db;

/// What asks for a handoff.
#[derive(Debug, Clone)]
pub struct OpenAsk {
    pub handoff_type: String,
    pub account_id: String,
    pub deal_id: Option<String>,
    /// Instead of the type's.
    pub from_team: Option<String>,
    pub to_team: Option<String>,
    /// Who is to have it.
    pub owner_id: Option<RepId>,
    /// What its owner must know, beside what the type asks for.
    pub skills: BTreeSet<String>,
    /// Write nothing.
    pub dry_run: bool,
    /// Such as `decision:<id>`: told again, it is the same handoff.
    pub cause: String,
    pub decision_id: Option<Uuid>,
    pub requested_by: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Opened {
    pub handoff: Handoff,
    pub package: Package,
    pub withheld: Vec<Withheld>,
    /// False when it was there already.
    pub new: bool,
}

/// What a package is made of, and for whom.
pub(super) struct Gathered {
    /// As the receiver may see it.
    pub package: Package,
    /// Of all that is known, whatever the receiver may see of it.
    pub completeness: Completeness,
    pub holds: Vec<Hold>,
    pub receipts: Vec<Receipt>,
    pub withheld: Vec<Withheld>,
    segment: String,
    urgency: Option<Urgency>,
}

impl Handoffs {
    /// Opens a handoff, or says which one is there already.
    pub async fn open(&self, ask: &OpenAsk) -> Result<Opened, HandoffError> {
        let handoff_type = self.handoff_type(&ask.handoff_type)?.clone();
        let mut tx = db::begin(&self.pool).await?;
        let current = self.lock_account(&mut tx, &ask.account_id).await?;
        // Read under the lock, which may have been long in coming.
        let now = self.clock.now();
        let deal_id = ask.deal_id.as_deref();
        let found = store::existing(&mut tx, &ask.account_id, &ask.cause, &ask.handoff_type, deal_id).await?;
        if let Some(id) = found {
            return self.there_already(&mut tx, ask, id).await;
        }
        if let Some(owner) = &ask.owner_id {
            self.check_owner(&mut tx, owner).await?;
        }
        let gathered = self.gather(&mut tx, &current, ask, &handoff_type, now).await?;
        let withheld = gathered.withheld.clone();
        let opening = opening(ask, &current, &handoff_type, gathered, now)?;
        let mut settled = self.settle(&mut tx, vec![opening], &ask.requested_by, now).await?;
        let Some(opened) = settled.pop() else { return Err(HandoffError::Moved) };
        if ask.dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(Opened { handoff: opened.handoff, package: opened.package, withheld, new: true })
    }

    async fn there_already(
        &self,
        conn: &mut PgConnection,
        ask: &OpenAsk,
        id: Uuid,
    ) -> Result<Opened, HandoffError> {
        let key = (ask.account_id.clone(), id);
        let handoff = store::lock_handoffs(conn, &[key]).await?.pop().ok_or(HandoffError::NoHandoff(id))?;
        let package = serde_json::from_str(handoff.package.get())?;
        Ok(Opened { handoff, package, withheld: Vec::new(), new: false })
    }

    /// Locks an account with every event applied that was accepted before.
    pub(super) async fn lock_account(
        &self,
        conn: &mut PgConnection,
        account_id: &str,
    ) -> Result<Current, HandoffError> {
        let follower = self.accounts.follower.as_ref();
        let current = lock_current(conn, account_id, follower, self.clock.now()).await?;
        current.ok_or_else(|| HandoffError::NoAccount(account_id.to_owned()))
    }

    /// Whom a person chose must be on the roster and stay there.
    pub(super) async fn check_owner(
        &self,
        conn: &mut PgConnection,
        owner: &RepId,
    ) -> Result<(), HandoffError> {
        let held = self.rosters.current(conn).await?;
        match held.roster.rep(owner.as_str()) {
            Some(rep) if !rep.leaving => Ok(()),
            Some(_) => Err(HandoffError::Owner(format!("{owner} is leaving and is given nothing more"))),
            None => Err(HandoffError::Owner(format!("{owner} is not on the roster; see /v1/reps"))),
        }
    }

    /// Gathers the package of a handoff as things stand now.
    pub(super) async fn gather(
        &self,
        conn: &mut PgConnection,
        current: &Current,
        ask: &OpenAsk,
        handoff_type: &HandoffType,
        now: DateTime,
    ) -> Result<Gathered, HandoffError> {
        let account_id = AccountId::parse(current.account_id.clone())?;
        let seen = self.motions.seen(conn, &current.state, now).await?;
        let decided = match ask.decision_id {
            Some(id) => self.motions.handed_over(conn, &current.account_id, id).await?,
            None => None,
        };
        let (people, notes, activities) = told(portrait(conn, &current.account_id).await?);
        let decision = decided.as_ref().map(|(reasoning, view)| DecisionContext {
            decision_id: ask.decision_id,
            reasoning: reasoning.clone(),
            top_features: view.context.top_features.clone(),
            expansion_signals: view.context.expansion_signals.clone(),
            partner_context: view.context.partner_context.clone(),
        });
        let inputs = Inputs {
            account_id: &account_id,
            state: &current.state,
            signals: &seen.signals,
            people: &people,
            notes: &notes,
            activities: &activities,
            deal_id: ask.deal_id.as_deref(),
            decision: decision.as_ref(),
            partner_purpose: &seen.partner_purpose,
            now,
        };
        let package = package::build(&inputs, &ask.handoff_type, handoff_type);
        let mut gathered = Gathered {
            completeness: package::completeness(&package, handoff_type),
            holds: package::holds(&package, handoff_type),
            package,
            receipts: Vec::new(),
            withheld: Vec::new(),
            segment: seen.signals.lifecycle.segment.name().to_owned(),
            urgency: decided.map(|(_, view)| view.urgency),
        };
        let partners = &seen.signals.partner;
        let partner = partners.overlaps.first().map(|overlap| &overlap.partner_id);
        if let Some(partner_id) = partner.or(partners.referrals.first()).filter(|_| handoff_type.for_partner)
        {
            let sharing = Sharing {
                partner_id,
                purpose: &seen.partner_purpose,
                consents: &current.state.consents,
                people: &people,
                now,
            };
            let shared = package::share(&gathered.package, &sharing);
            (gathered.package, gathered.receipts, gathered.withheld) =
                (shared.package, shared.receipts, shared.withheld);
        }
        Ok(gathered)
    }

    /// Gathers the package of a held handoff anew, and what routing reads with it, before anybody has it; gives what still
    /// holds it.
    pub(super) async fn gather_anew(
        &self,
        conn: &mut PgConnection,
        current: &Current,
        one: &mut Changing,
        now: DateTime,
    ) -> Result<Vec<Hold>, HandoffError> {
        let held = &mut one.handoff;
        let handoff_type = self.handoff_type(&held.handoff_type)?.clone();
        let ask = OpenAsk {
            handoff_type: held.handoff_type.clone(),
            account_id: held.account_id.clone(),
            deal_id: held.deal_id.clone(),
            from_team: Some(held.from_team.clone()),
            to_team: Some(held.to_team.clone()),
            owner_id: None,
            skills: BTreeSet::new(),
            dry_run: false,
            cause: held.cause.clone(),
            decision_id: held.decision_id,
            requested_by: held.requested_by.clone(),
        };
        let gathered = self.gather(conn, current, &ask, &handoff_type, now).await?;
        (held.package, held.package_digest) = sealed(&gathered.package)?;
        store::replace_package(conn, held).await?;
        (held.completeness, held.missing) = (gathered.completeness.percent, gathered.completeness.missing);
        held.segment = gathered.segment;
        known_now(held, current)?;
        (one.package, one.receipts) = (gathered.package, gathered.receipts);
        Ok(gathered.holds)
    }

    /// Wakes those who go on with what was committed.
    pub(super) fn ring(&self) {
        self.deliver.notify_one();
        self.work.notify_one();
    }
}

fn told(portrait: Portrait) -> (Vec<Person>, Vec<Note>, Vec<Activity>) {
    let people = portrait.people.into_iter().map(|row| Person { id: row.contact_id, contact: row.doc });
    let notes = portrait.notes.into_iter().map(|note| Note {
        kind: note.kind,
        text: note.text,
        at: note.noted_at,
        source: note.source,
    });
    let activities = portrait.activities.into_iter().map(|(at, activity)| Activity {
        direction: activity.direction.value().map(|direction| direction.name().to_owned()),
        contact_id: activity.contact_id.value().map(ToString::to_string),
        subject: activity.subject.value().cloned(),
        activity_type: activity.activity_type,
        at,
    });
    (people.collect(), notes.collect(), activities.collect())
}

/// A new handoff, held or in want of an owner.
fn opening(
    ask: &OpenAsk,
    current: &Current,
    handoff_type: &HandoffType,
    gathered: Gathered,
    now: DateTime,
) -> Result<Changing, HandoffError> {
    let id = new_id(now);
    let Gathered { package, completeness, holds, receipts, segment, urgency, .. } = gathered;
    let to_team = ask.to_team.clone().unwrap_or_else(|| handoff_type.to_team.clone());
    let mut happened = vec![Happening::Created { cause: ask.cause.clone() }];
    if !holds.is_empty() {
        happened
            .push(Happening::Held { codes: holds.iter().map(|hold| hold.code.name().to_owned()).collect() });
    }
    let state = &current.state;
    let request = Request {
        handoff_id: id,
        firm: firm(&current.account_id, state, &segment)?,
        team: TeamId::parse(&to_team)?,
        skills: handoff_type.skills.union(&ask.skills).cloned().collect(),
        // Whom a person chose is asked first also when what is missing arrives later.
        crm_owner: ask
            .owner_id
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| value(&state.profile.owner_id).cloned()),
        lost_by: BTreeSet::new(),
        priority: u8::from(urgency.unwrap_or(handoff_type.urgency) < Urgency::High),
        waiting_since: now,
    };
    let (package_text, package_digest) = sealed(&package)?;
    let handoff = Handoff {
        account_id: current.account_id.clone(),
        id,
        handoff_type: ask.handoff_type.clone(),
        status: if holds.is_empty() { Status::Pending } else { Status::Held },
        from_team: ask.from_team.clone().unwrap_or_else(|| handoff_type.from_team.clone()),
        to_team,
        deal_id: ask.deal_id.clone(),
        cause: ask.cause.clone(),
        decision_id: ask.decision_id,
        requested_by: ask.requested_by.clone(),
        segment,
        urgency: urgency.unwrap_or(handoff_type.urgency),
        previous_owner: previous_owner(ask, state),
        package: package_text,
        package_digest,
        completeness: completeness.percent,
        missing: completeness.missing,
        held_for: Some(holds).filter(|holds| !holds.is_empty()),
        request,
        owner_id: None,
        assignment: None,
        clock: None,
        hours: None,
        due_at: None,
        breached_at: None,
        reassignments: 0,
        fell_back: false,
        waiting_since: now,
        alarmed_at: None,
        created_at: now,
        assigned_at: None,
        acknowledged_at: None,
        contacted_at: None,
        meeting_at: None,
        closed_at: None,
        close_reason: None,
        nps: None,
        question: None,
        version: 1,
    };
    let (chosen, restart) = (ask.owner_id.clone(), Restart::Automatic);
    Ok(Changing {
        handoff,
        package,
        new: true,
        happened,
        counts_anew: false,
        answered_anew: false,
        chosen,
        restart,
        receipts,
    })
}

/// A package as it is stored, and its digest in the notation of the database.
fn sealed(package: &Package) -> Result<(Box<serde_json::value::RawValue>, String), HandoffError> {
    let text = serde_json::value::to_raw_value(package)?;
    let digest = sha256(&canonical(package)?);
    Ok((text, format!("\\x{}", hex::encode(digest))))
}

/// Who is responsible on the side that hands over: the deal's owner, or the account's.
fn previous_owner(ask: &OpenAsk, state: &AccountState) -> Option<String> {
    let deal = ask.deal_id.as_ref().and_then(|id| state.deals.get(id));
    deal.and_then(|deal| value(&deal.owner_id)).or_else(|| value(&state.profile.owner_id)).cloned()
}

/// What routing reads of an account, as it is known now: for what has waited since it was read. An owner whom a person
/// chose stays.
pub(super) fn known_now(waits: &mut Handoff, current: &Current) -> Result<(), HandoffError> {
    waits.request.firm = firm(&current.account_id, &current.state, &waits.segment)?;
    let owner = value(&current.state.profile.owner_id).cloned();
    if waits.request.crm_owner.is_none() || waits.request.crm_owner == waits.previous_owner {
        waits.request.crm_owner = owner;
    }
    Ok(())
}

fn firm(account_id: &str, state: &AccountState, segment: &str) -> Result<Firm, HandoffError> {
    let profile = &state.profile;
    let text = |known: &Known<String>| value(known).cloned();
    Ok(Firm {
        account_id: AccountId::parse(account_id.to_owned())?,
        domain: text(&profile.domain),
        country: text(&profile.country),
        region: text(&profile.region),
        industry: text(&profile.industry),
        segment: Some(segment.to_owned()),
        employees: value(&profile.employee_count).copied(),
        revenue: value(&profile.annual_revenue)
            .and_then(|revenue| revenue.amount.split('.').next()?.parse().ok()),
    })
}
