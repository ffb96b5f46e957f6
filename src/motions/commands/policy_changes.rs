//! How a version comes into force: reviewed, at once or at an instant, and back.
//!
//! Promises: what is in force changes in one transaction with the rows of the activations that end and begin and with the audit
//! entry; a scheduled activation happens once, on the base that it was asked for on, or stops and RevOps is told; roll-backs
//! lead further back each time and never forth. What may happen is decided in `policy::change`.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::policies::NAME_MAX;
use super::{ACTIVATE, MotionError, Motions, Notice, PolicyFaults};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::kernel::json::sha256;
use crate::motions::policy::change::{
    self, ActivationKind, ActivationStatus, Asked, Course, Hindrance, ReviewVerdict, Waiting, Word,
};
use crate::motions::store::{self, ActivationLine, ActivationRow, ActiveRow, Ending, PolicyRow, ReviewRow};
use crate::platform::http::Fault;
use crate::platform::jobs::{self, Claimed, Lane, NewJob};
use crate::platform::{audit, db};

/// Who puts in force what was scheduled.
const WORKER: &str = "worker:policies";
/// Who is told when a scheduled activation is stopped.
const TOLD: &str = "revops_director";
/// Where the history of activations is.
const HISTORY: &str = "/v1/policies/activations";
/// The longest note and comment, in characters.
const NOTE_MAX: usize = 2_000;
/// The wait after the first failure; doubled with each further one.
const RETRY_FIRST: chrono::TimeDelta = chrono::TimeDelta::seconds(2);
/// Jobs of one round.
const GROUP: i64 = 20;

/// A review.
#[derive(Debug, Clone)]
pub struct ReviewAsk {
    /// Who reviews.
    pub name: String,
    pub verdict: ReviewVerdict,
    pub comment: Option<String>,
    /// The caller.
    pub actor: String,
}

/// What asks for a version to come into force.
#[derive(Debug, Clone)]
pub struct ActivateAsk {
    /// Now when left out or past.
    pub at: Option<DateTime>,
    pub note: Option<String>,
    pub actor: String,
}

/// What asks for the version before.
#[derive(Debug, Clone)]
pub struct RollBackAsk {
    pub note: String,
    /// The version to lead away from; refused when another one is in force.
    pub from: Option<String>,
    pub actor: String,
}

/// A version with what was said of it.
#[derive(Debug)]
pub struct PolicyView {
    pub row: PolicyRow,
    pub reviews: Vec<ReviewRow>,
}

impl Motions {
    /// A version with its reviews.
    pub async fn read_policy(&self, version: &str) -> Result<PolicyView, MotionError> {
        let row = store::find_policy(&self.pool, version).await?;
        let row = row.ok_or_else(|| MotionError::NoPolicy(version.to_owned()))?;
        let mut conn = self.pool.acquire().await?;
        Ok(PolicyView { row, reviews: store::reviews(&mut conn, version).await? })
    }

    /// Keeps what somebody says of a version that they did not make.
    pub async fn review_policy(&self, version: &str, ask: &ReviewAsk) -> Result<PolicyView, MotionError> {
        let name = ask.name.trim();
        let comment = ask.comment.as_deref().map(str::trim).filter(|comment| !comment.is_empty());
        let mut faults = Vec::new();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            faults.push(Fault::new("#/name", format!("must have 1 to {NAME_MAX} characters")));
        }
        if comment.is_none() && ask.verdict == ReviewVerdict::Object {
            faults.push(Fault::new("#/comment", "must say what is wrong with it, so that it can be changed"));
        }
        faults.extend(too_long("#/comment", comment));
        if !faults.is_empty() {
            return Err(MotionError::Invalid(faults));
        }
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        if !store::hold_policy(&mut tx, version).await? {
            return Err(MotionError::NoPolicy(version.to_owned()));
        }
        let review = ReviewRow {
            person: change::person(name),
            name: name.to_owned(),
            actor: ask.actor.clone(),
            verdict: ask.verdict.name().to_owned(),
            comment: comment.map(str::to_owned),
            at: now,
        };
        store::insert_review(&mut tx, version, &review).await?;
        let details = json!({
            "verdict": review.verdict, "name": format!("sha256:{}", hex::encode(sha256(name.as_bytes()))),
        });
        note(&mut tx, (&ask.actor, "policy.reviewed"), version, details, now).await?;
        tx.commit().await?;
        self.read_policy(version).await
    }

    /// Puts a version in force for all replicas, from the moment this commits, or has it put in force at an instant.
    pub async fn activate_policy(&self, version: &str, ask: &ActivateAsk) -> Result<PolicyView, MotionError> {
        let why = ask.note.as_deref().map(str::trim).filter(|why| !why.is_empty());
        if let Some(fault) = too_long("#/note", why) {
            return Err(MotionError::Invalid(vec![fault]));
        }
        let mut tx = db::begin(&self.pool).await?;
        let active = store::lock_active(&mut tx).await?.ok_or(MotionError::NoneActive)?;
        let now = self.clock.now();
        // Compiled here too: what this release cannot compile must not come into force.
        self.policies.get(&mut tx, version).await?;
        let words = words(&mut tx, version).await?;
        let waiting = store::scheduled_activation(&mut tx).await?;
        let waiting = waiting.map(|row| Waiting { version: row.version, due_at: row.due_at });
        let asked = Asked {
            version,
            at: ask.at,
            now,
            in_force: &active.version,
            waiting: waiting.as_ref(),
            words: &words,
            rule: self.review,
        };
        let due_at = match change::asked(&asked).map_err(MotionError::Hindered)? {
            Course::Already => {
                tx.rollback().await?;
                return self.read_policy(version).await;
            }
            Course::Now => now,
            Course::At(at) => at,
        };
        let mut row = ActivationRow {
            id: new_id(now),
            version: version.to_owned(),
            kind: ActivationKind::Activation.name().to_owned(),
            status: ActivationStatus::Scheduled.name().to_owned(),
            base: Some(active.version.clone()),
            back_to: None,
            asked_by: ask.actor.clone(),
            asked_at: now,
            note: why.map(str::to_owned),
            due_at,
            approved_by: change::approval(&words).map(str::to_owned),
            in_force_at: None,
            ended_at: None,
            ended_by: None,
            ended_why: None,
        };
        if due_at > now {
            store::insert_activation(&mut tx, &row).await?;
            let job = NewJob {
                key: row.id.to_string(),
                payload: json!({}).to_string(),
                lane: Lane::Normal,
                due_at,
            };
            jobs::enqueue(&mut tx, ACTIVATE, &[job], now).await?;
            let details = json!({ "activation": row.id, "base": row.base, "at": due_at });
            note(&mut tx, (&ask.actor, "policy.scheduled"), version, details, now).await?;
            tx.commit().await?;
            self.activate.notify_one();
            return self.read_policy(version).await;
        }
        ActivationStatus::InForce.name().clone_into(&mut row.status);
        (row.back_to, row.in_force_at) = (Some(active.activation_id), Some(now));
        let replaced = Ending { status: ActivationStatus::Replaced.name(), by: &ask.actor, why: None };
        store::end_activation(&mut tx, active.activation_id, &replaced, now).await?;
        store::insert_activation(&mut tx, &row).await?;
        in_force(&mut tx, &row, &active, (&ask.actor, "policy.activated"), now).await?;
        tx.commit().await?;
        self.read_policy(version).await
    }

    /// Puts back what was in force before, whatever reviews say: the way out when something is wrong. It leads to what was in
    /// force before the version that is put back, when it is asked for again, and never to what was rolled back.
    pub async fn roll_back_policy(&self, ask: &RollBackAsk) -> Result<ActivationLine, MotionError> {
        let why = needed_note(&ask.note)?;
        let mut tx = db::begin(&self.pool).await?;
        let active = store::lock_active(&mut tx).await?.ok_or(MotionError::NoneActive)?;
        let now = self.clock.now();
        let hindered = |hindrance| MotionError::Hindered(vec![hindrance]);
        if let Some(from) = ask.from.as_ref().filter(|from| **from != active.version) {
            let (base, in_force) = (from.clone(), active.version.clone());
            return Err(hindered(Hindrance::BaseChanged { base, in_force }));
        }
        let present = store::find_activation(&mut tx, active.activation_id).await?;
        let before = match present.and_then(|present| present.back_to) {
            Some(id) => store::find_activation(&mut tx, id).await?,
            None => None,
        };
        let before =
            before.ok_or_else(|| hindered(Hindrance::NothingBefore { version: active.version.clone() }))?;
        self.policies.get(&mut tx, &before.version).await?;
        let row = ActivationRow {
            id: new_id(now),
            version: before.version,
            kind: ActivationKind::Rollback.name().to_owned(),
            status: ActivationStatus::InForce.name().to_owned(),
            base: Some(active.version.clone()),
            back_to: before.back_to,
            asked_by: ask.actor.clone(),
            asked_at: now,
            note: Some(why.to_owned()),
            due_at: now,
            approved_by: None,
            in_force_at: Some(now),
            ended_at: None,
            ended_by: None,
            ended_why: None,
        };
        let ended = Ending { status: ActivationStatus::RolledBack.name(), by: &ask.actor, why: Some(why) };
        store::end_activation(&mut tx, active.activation_id, &ended, now).await?;
        store::insert_activation(&mut tx, &row).await?;
        in_force(&mut tx, &row, &active, (&ask.actor, "policy.rolled_back"), now).await?;
        tx.commit().await?;
        self.read_activation(row.id).await
    }

    /// Calls off what waits for its instant.
    pub async fn call_off_policy(
        &self,
        version: &str,
        why: &str,
        actor: &str,
    ) -> Result<ActivationLine, MotionError> {
        let why = needed_note(why)?;
        let mut tx = db::begin(&self.pool).await?;
        store::lock_active(&mut tx).await?;
        let now = self.clock.now();
        if !store::hold_policy(&mut tx, version).await? {
            return Err(MotionError::NoPolicy(version.to_owned()));
        }
        let waiting = store::scheduled_activation(&mut tx).await?.filter(|row| row.version == version);
        let Some(row) = waiting else {
            let version = version.to_owned();
            return Err(MotionError::Hindered(vec![Hindrance::NotScheduled { version }]));
        };
        let ended = Ending { status: ActivationStatus::CalledOff.name(), by: actor, why: Some(why) };
        store::end_activation(&mut tx, row.id, &ended, now).await?;
        let details = json!({ "activation": row.id });
        note(&mut tx, (actor, "policy.called_off"), version, details, now).await?;
        tx.commit().await?;
        self.read_activation(row.id).await
    }

    async fn read_activation(&self, id: Uuid) -> Result<ActivationLine, MotionError> {
        let found = store::list_activations(&self.pool, Some(id), None, 1).await?;
        found.into_iter().next().ok_or(MotionError::Database(sqlx::Error::RowNotFound))
    }

    /// Puts in force what is due; gives how much that was.
    pub async fn activate_due(&self) -> Result<usize, MotionError> {
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        if jobs::due_kinds(&mut conn, &[ACTIVATE], now).await?.is_empty() {
            return Ok(0);
        }
        let due = jobs::claim(&mut conn, ACTIVATE, now, GROUP).await?;
        drop(conn);
        for job in &due {
            let done = self.activate_scheduled(job).await;
            let mut conn = self.pool.acquire().await?;
            match done {
                Ok(()) => jobs::finish(&mut conn, std::slice::from_ref(job)).await?,
                Err(error) => {
                    tracing::error!(job = job.key, attempt = job.attempts, %error, "a policy could not be put in force");
                    let wait = RETRY_FIRST * 2_i32.pow(u32::try_from(job.attempts).unwrap_or(1).min(10));
                    let now = self.clock.now();
                    jobs::fail(&mut conn, job, &error.to_string(), now + wait, now).await?;
                }
            }
        }
        Ok(due.len())
    }

    /// Puts in force what was scheduled, or stops it. Done twice, it is done once.
    async fn activate_scheduled(&self, job: &Claimed) -> Result<(), MotionError> {
        let Ok(id) = job.key.parse::<Uuid>() else { return Ok(()) };
        let mut tx = db::begin(&self.pool).await?;
        let Some(active) = store::lock_active(&mut tx).await? else { return Ok(()) };
        let now = self.clock.now();
        let is_due =
            |row: &ActivationRow| row.status == ActivationStatus::Scheduled.name() && row.due_at <= now;
        let Some(mut row) = store::find_activation(&mut tx, id).await?.filter(is_due) else { return Ok(()) };
        let words = words(&mut tx, &row.version).await?;
        let base = row.base.as_deref().unwrap_or_default();
        let mut hindrances = change::due(&row.version, base, &active.version, &words, self.review);
        match self.policies.get(&mut tx, &row.version).await {
            Ok(_) => {}
            Err(MotionError::Policy(PolicyFaults(faults))) => {
                hindrances
                    .push(Hindrance::Faulty { faults: faults.iter().map(ToString::to_string).collect() });
            }
            Err(error) => return Err(error),
        }
        if hindrances.is_empty() {
            row.approved_by = change::approval(&words).map(str::to_owned);
            (row.back_to, row.in_force_at) = (Some(active.activation_id), Some(now));
            let replaced = Ending { status: ActivationStatus::Replaced.name(), by: WORKER, why: None };
            store::end_activation(&mut tx, active.activation_id, &replaced, now).await?;
            store::begin_activation(&mut tx, &row).await?;
            in_force(&mut tx, &row, &active, (WORKER, "policy.activated"), now).await?;
            tx.commit().await?;
            return Ok(());
        }
        let says: Vec<String> = hindrances.iter().map(Hindrance::says).collect();
        let why = says.join(" ");
        let stopped = Ending { status: ActivationStatus::Stopped.name(), by: WORKER, why: Some(&why) };
        store::end_activation(&mut tx, row.id, &stopped, now).await?;
        let codes: Vec<&str> = hindrances.iter().map(Hindrance::code).collect();
        let details = json!({ "activation": row.id, "askedBy": row.asked_by, "hindrances": codes });
        note(&mut tx, (WORKER, "policy.stopped"), &row.version, details, now).await?;
        let notice = Notice {
            role: TOLD,
            title: "A scheduled policy was stopped",
            body: format!("{} was to come into force now and did not: {why}", row.version),
            path: HISTORY,
        };
        self.tell.tell(&mut tx, &notice, now).await?;
        tx.commit().await?;
        self.deliver.notify_one();
        Ok(())
    }
}

/// Has decisions made by an activation from now on, and notes it.
async fn in_force(
    conn: &mut PgConnection,
    row: &ActivationRow,
    before: &ActiveRow,
    (actor, action): (&str, &str),
    now: DateTime,
) -> Result<(), MotionError> {
    store::put_in_force(conn, row, actor, now).await?;
    let details = json!({ "previous": before.version, "activation": row.id, "askedBy": row.asked_by });
    note(conn, (actor, action), &row.version, details, now).await
}

/// An entry about a version in the audit log.
async fn note(
    conn: &mut PgConnection,
    (actor, action): (&str, &str),
    version: &str,
    details: serde_json::Value,
    now: DateTime,
) -> Result<(), MotionError> {
    let entry = audit::Entry::new(actor, action, format!("policy:{version}"), details);
    audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    Ok(())
}

/// What was said of a version; nobody says more of it until the transaction ends.
async fn words(conn: &mut PgConnection, version: &str) -> Result<Vec<Word>, MotionError> {
    store::hold_policy(conn, version).await?;
    let reviews = store::reviews(conn, version).await?.into_iter();
    let word = |review: ReviewRow| {
        let verdict = ReviewVerdict::parse(&review.verdict)?;
        Some(Word { person: review.person, name: review.name, verdict })
    };
    Ok(reviews.filter_map(word).collect())
}

fn too_long(pointer: &str, text: Option<&str>) -> Option<Fault> {
    let long = text.is_some_and(|text| text.chars().count() > NOTE_MAX);
    long.then(|| Fault::new(pointer, format!("is longer than {NOTE_MAX} characters")))
}

/// The note of what is not done without one.
fn needed_note(note: &str) -> Result<&str, MotionError> {
    let note = note.trim();
    if note.is_empty() || note.chars().count() > NOTE_MAX {
        let detail = format!("must say why, in 1 to {NOTE_MAX} characters; it is kept");
        return Err(MotionError::Invalid(vec![Fault::new("#/note", detail)]));
    }
    Ok(note)
}
