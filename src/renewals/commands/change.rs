//! What people do to a renewal: it is changed, started, closed.
//!
//! Promises: a change makes a new version of the plan, in which what is done stays as it was; what people choose for the risk
//! stays until they let go of it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::create::RACES_MAX;
use super::propose::{context_of, logged};
use super::read::View;
use super::{RenewalError, Renewals};
use crate::accounts::Current;
use crate::kernel::clock::DateTime;
use crate::kernel::json::sha256;
use crate::plans::Change;
use crate::plans::commands::PlanError;
use crate::plans::model::{Plan, Role};
use crate::plans::schedule::schedule;
use crate::platform::db;
use crate::platform::http::{ETag, Precondition};
use crate::renewals::adapt::kept;
use crate::renewals::build::is_milestone;
use crate::renewals::measures::{facts, measure};
use crate::renewals::model::{Person, Risk, Terms, Tier};
use crate::renewals::renewal::{Outcome, Renewal, Status};
use crate::renewals::store::{self, NewAppointment};

/// What is to be different; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct Revision {
    pub play: Option<String>,
    pub tier: Option<Tier>,
    pub risk: RiskChange,
    pub deadline: Option<NaiveDate>,
    pub compressed: Option<bool>,
    /// By role; none within takes the person out.
    pub people: BTreeMap<Role, Option<Person>>,
    pub why: String,
    pub dry_run: bool,
}

/// Who decides the risk from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RiskChange {
    /// Whoever did before.
    #[default]
    Stays,
    /// The rating.
    Rated,
    /// People, who set this level.
    Set(Risk),
}

/// A new version.
#[derive(Debug)]
pub struct Revised {
    pub view: View,
    pub changes: Vec<Change>,
}

/// How a renewal ended.
#[derive(Debug, Clone)]
pub struct Closing {
    pub outcome: Outcome,
    pub note: Option<String>,
}

impl Renewals {
    /// Changes a renewal; none where nothing would be different.
    pub async fn revise(
        &self,
        id: Uuid,
        revision: &Revision,
        precondition: &Precondition,
        by: &str,
    ) -> Result<Revised, RenewalError> {
        let mut races = 0;
        loop {
            match self.revise_once(id, revision, precondition, by).await {
                Err(error) if error.is_race() && races < RACES_MAX => races += 1,
                outcome => return outcome,
            }
        }
    }

    async fn revise_once(
        &self,
        id: Uuid,
        revision: &Revision,
        precondition: &Precondition,
        by: &str,
    ) -> Result<Revised, RenewalError> {
        let mut tx = db::begin(&self.pool).await?;
        let (current, renewal) = self.lock_renewal(&mut tx, id).await?;
        let present = self.etag(&mut tx, &renewal).await?;
        precondition.check_change(Some(&present)).map_err(RenewalError::Precondition)?;
        if renewal.status == Status::Closed {
            return Err(RenewalError::Status(renewal.status.name()));
        }
        let now = self.clock.now();
        let mut terms = renewal.terms.clone();
        apply(&mut terms, revision);
        let mut changed = renewal.clone();
        match revision.risk {
            RiskChange::Set(risk) => {
                changed.risk_pinned = true;
                terms.risk = risk;
            }
            RiskChange::Rated => {
                changed.risk_pinned = false;
                terms.risk = renewal.rating.risk;
            }
            RiskChange::Stays => {}
        }
        if terms.deadline != renewal.deadline
            && let Some(other) = store::open_at(&mut tx, &renewal.account_id, terms.deadline).await?
        {
            return Err(RenewalError::UnderWay { id: other, deadline: terms.deadline });
        }
        self.check(&terms, now)?;
        let (renewal, changes) =
            self.revise_in(&mut tx, &current, changed, terms, (by, &revision.why), now).await?;
        let sight = self.sight(&mut tx, &current, now).await?;
        let view = self.view_in(&mut tx, renewal.id, Some(sight)).await?;
        self.end(tx, revision.dry_run).await?;
        Ok(Revised { view, changes })
    }

    /// Writes a new version with these terms, under the account's lock. What is done, begun or past stays.
    pub(super) async fn revise_in(
        &self,
        conn: &mut PgConnection,
        current: &Current,
        mut renewal: Renewal,
        terms: Terms,
        (by, why): (&str, &str),
        now: DateTime,
    ) -> Result<(Renewal, Vec<Change>), RenewalError> {
        let sight = self.sight(conn, current, now).await?;
        let measures = measure(&self.plays, &sight.known(current));
        let state = self.read_plan(conn, &renewal).await?;
        let deadline_moved = terms.deadline != renewal.deadline;
        if terms.risk != renewal.risk {
            renewal.risk_since = now;
        }
        renewal.facts = facts(&measures, terms.deadline);
        renewal.choose(terms);
        renewal.would_be = (renewal.rating.risk != renewal.risk).then_some(renewal.rating.risk);
        let kept = kept(&state.plan, &state.progress, now);
        // The context stays what it was when the plan was made: it says what was decided on.
        let context = context_of(&state.plan);
        let start_at = state.plan.start_at;
        let plan = self.plan_of(&renewal.terms, &renewal.facts, context.as_ref(), (start_at, now), &kept)?;
        let changes = self.revise_plan(conn, &renewal, &state, plan.clone(), (by, why), now).await?;
        if !changes.is_empty() {
            renewal.versioned_at = now;
        }
        store::update(conn, &renewal).await?;
        if !changes.is_empty() {
            self.appoint(conn, &renewal, Some(&state.plan), &plan, deadline_moved, now).await?;
            let mut details = logged(&renewal.terms, &renewal.rating);
            details["changes"] = changes.len().into();
            details["why"] = format!("sha256:{}", hex::encode(sha256(why.as_bytes()))).into();
            self.log(conn, &renewal, "renewal.revised", details, by, now).await?;
        }
        self.enqueue_look(conn, &renewal, now).await?;
        Ok((renewal, changes))
    }

    /// Notes the days of milestones that are new or were moved, and the milestones that are gone.
    pub(super) async fn appoint(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        before: Option<&Plan>,
        after: &Plan,
        deadline_moved: bool,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        let dates = schedule(after).map_err(PlanError::Invalid)?;
        let known = store::appointments(conn, &renewal.account_id, renewal.id).await?;
        let mut new = Vec::new();
        for (task, slot) in after.tasks.iter().zip(&dates.slots).filter(|(task, _)| is_milestone(task)) {
            let last = known
                .iter()
                .find(|one| one.task == task.id && one.dropped_at.is_none())
                .and_then(|one| one.appointments.last());
            if last.is_none_or(|last| last.due_at != slot.end_at) {
                new.push(NewAppointment {
                    task: task.id.clone(),
                    title: task.title.clone(),
                    due_at: slot.end_at,
                    with_deadline: deadline_moved,
                });
            }
        }
        let gone: Vec<&str> = before
            .into_iter()
            .flat_map(|plan| &plan.tasks)
            .filter(|task| is_milestone(task) && !after.tasks.iter().any(|other| other.id == task.id))
            .map(|task| task.id.0.as_str())
            .collect();
        store::drop_appointments(conn, &renewal.account_id, renewal.id, &gone, now).await?;
        Ok(store::add_appointments(conn, &renewal.account_id, renewal.id, now, &new).await?)
    }

    /// Lets a renewal run.
    pub async fn start(
        &self,
        id: Uuid,
        waived: &[String],
        by: &str,
        dry_run: bool,
    ) -> Result<View, RenewalError> {
        let mut tx = db::begin(&self.pool).await?;
        let (current, renewal) = self.lock_renewal(&mut tx, id).await?;
        let now = self.clock.now();
        self.start_in(&mut tx, renewal, waived, by, now).await?;
        let sight = self.sight(&mut tx, &current, now).await?;
        let view = self.view_in(&mut tx, id, Some(sight)).await?;
        if dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(view)
    }

    pub(super) async fn start_in(
        &self,
        conn: &mut PgConnection,
        mut renewal: Renewal,
        waived: &[String],
        by: &str,
        now: DateTime,
    ) -> Result<(), RenewalError> {
        if renewal.status != Status::Planned {
            return Err(RenewalError::Status(renewal.status.name()));
        }
        self.start_plan(conn, &renewal, waived, by, now).await?;
        renewal.status = Status::Running;
        renewal.started_at = Some(now);
        store::update(conn, &renewal).await?;
        let details = json!({ "waived": waived });
        self.log(conn, &renewal, "renewal.started", details, by, now).await?;
        self.enqueue_look(conn, &renewal, now).await
    }

    /// Closes a renewal: nothing of it fires any more.
    pub async fn close(
        &self,
        id: Uuid,
        closing: &Closing,
        by: &str,
        dry_run: bool,
    ) -> Result<View, RenewalError> {
        let mut tx = db::begin(&self.pool).await?;
        let (current, mut renewal) = self.lock_renewal(&mut tx, id).await?;
        if renewal.status == Status::Closed {
            return Err(RenewalError::Status(renewal.status.name()));
        }
        let now = self.clock.now();
        // What was due before it was closed has happened.
        self.look_in(&mut tx, &renewal, now).await?;
        self.close_plan(&mut tx, &renewal, by, now).await?;
        renewal.status = Status::Closed;
        renewal.closed_at = Some(now);
        renewal.outcome = Some(closing.outcome);
        renewal.close_note.clone_from(&closing.note);
        store::update(&mut tx, &renewal).await?;
        let mut details =
            json!({ "outcome": closing.outcome, "risk": renewal.risk, "score": renewal.rating.score });
        if let Some(note) = &closing.note {
            details["note"] = format!("sha256:{}", hex::encode(sha256(note.as_bytes()))).into();
        }
        self.log(&mut tx, &renewal, "renewal.closed", details, by, now).await?;
        let sight = self.sight(&mut tx, &current, now).await?;
        let view = self.view_in(&mut tx, id, Some(sight)).await?;
        self.end(tx, dry_run).await?;
        Ok(view)
    }

    /// Commits what was done, or leaves it undone where it was a look only.
    async fn end(&self, tx: db::Tx, dry_run: bool) -> Result<(), RenewalError> {
        if dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(())
    }

    /// The tag of a renewal as it stands.
    pub(super) async fn etag(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
    ) -> Result<ETag, RenewalError> {
        let version = self.plan_version(conn, renewal).await?;
        ETag::of(&json!([renewal.id, version, renewal.status, renewal.risk_pinned]))
            .map_err(RenewalError::Precondition)
    }
}

fn apply(terms: &mut Terms, revision: &Revision) {
    if let Some(play) = &revision.play {
        terms.play.clone_from(play);
    }
    terms.tier = revision.tier.unwrap_or(terms.tier);
    terms.deadline = revision.deadline.unwrap_or(terms.deadline);
    terms.compressed = revision.compressed.unwrap_or(terms.compressed);
    for (role, person) in &revision.people {
        match person {
            Some(person) => terms.people.insert(role.clone(), person.clone()),
            None => terms.people.remove(role),
        };
    }
}
