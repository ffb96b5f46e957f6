//! From an approved version to the live roster, now or at an instant, and back.
//!
//! Promises: roster, design and audit log change in one transaction or not at all; a version is applied to the base that it
//! was made on, and to no other: asked for now it is refused with what has changed, at its instant it is stopped and
//! RevOps is told. A roll-back restores each entry as it was, unless somebody has changed it since.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::read::{Applied, DesignView};
use super::{APPLY, DesignError, Designs, KINDS};
use crate::designs::base::{About, Base, base, changed};
use crate::designs::brief::Segment;
use crate::designs::packet::plan::apply_task;
use crate::designs::store::{self, ApplicationRow, DesignRow, VersionRow};
use crate::handoffs::commands::HandoffError;
use crate::handoffs::{ALERT, Answers, Entry, Key, Kind, TeamId};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::platform::http::Fault;
use crate::platform::jobs::{self, Claimed, Lane, NewJob};
use crate::platform::outbox::{self, Cause, NewEffect};
use crate::platform::{audit, db};

/// Who applies what was scheduled.
const WORKER: &str = "worker:designs";
/// Who is told when a scheduled design is stopped.
const TOLD: &str = "revops_director";
/// The wait after the first failure; doubled with each further one.
const RETRY_FIRST: chrono::TimeDelta = chrono::TimeDelta::seconds(2);
/// Jobs of one round.
const GROUP: i64 = 20;

/// What asks for a version to become live.
#[derive(Debug, Clone)]
pub struct ApplyAsk {
    /// Now when left out or past.
    pub at: Option<DateTime>,
    pub actor: String,
    /// Say whether it would go live and write nothing.
    pub dry_run: bool,
}

/// An entry as it was and as it became.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replaced {
    kind: String,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    after: Value,
}

/// What a version puts, as it is stored.
#[derive(Debug, Deserialize)]
struct Put {
    kind: String,
    id: String,
    entry: Value,
}

impl Designs {
    /// Makes the newest version live, or has it made live at an instant.
    pub async fn apply(&self, id: Uuid, ask: &ApplyAsk) -> Result<DesignView, DesignError> {
        let mut tx = db::begin(&self.pool).await?;
        let mut row = store::lock_design(&mut tx, id).await?.ok_or(DesignError::NoDesign(id))?;
        let now = self.clock.now();
        may_be_applied(&row)?;
        let version = version_of(&mut tx, &row).await?;
        let changes = self.base_changes(&mut tx, &row, &version).await?;
        if !changes.is_empty() {
            return Err(DesignError::BaseChanged(changes));
        }
        let due_at = ask.at.unwrap_or(now);
        if ask.dry_run {
            let entries = entries_of(&version)?;
            self.handoffs.try_roster(&mut tx, &entries).await?;
            tx.rollback().await?;
            return self.would_stand(id, ask, due_at, now).await;
        }
        let mut application = ApplicationRow {
            id: new_id(now),
            design_id: id,
            version: row.version,
            status: "scheduled".to_owned(),
            asked_by: ask.actor.clone(),
            asked_at: now,
            due_at,
            applied_at: None,
            replaced: None,
            stopped_for: None,
            rolled_back_at: None,
            rolled_back_by: None,
            rolled_back_why: None,
        };
        if due_at > now {
            store::insert_application(&mut tx, &application).await?;
            let payload = json!({}).to_string();
            let job = NewJob { key: application.id.to_string(), payload, lane: Lane::Normal, due_at };
            jobs::enqueue(&mut tx, APPLY, &[job], now).await?;
            stands(&mut tx, &mut row, "scheduled", (&ask.actor, json!({ "at": due_at })), now).await?;
            tx.commit().await?;
            self.work.notify_one();
            return self.read(id).await;
        }
        let replaced = self.put(&mut tx, &version, &ask.actor, now).await?;
        application.status = "applied".to_owned();
        (application.applied_at, application.replaced) = (Some(now), Some(serde_json::to_string(&replaced)?));
        store::insert_application(&mut tx, &application).await?;
        self.task_done(&mut tx, id, &apply_task(), &ask.actor, now).await?;
        stands(&mut tx, &mut row, "applied", (&ask.actor, json!({})), now).await?;
        tx.commit().await?;
        self.handoffs.roster_changed();
        self.ring();
        self.read(id).await
    }

    /// A design as it would stand after an application.
    async fn would_stand(
        &self,
        id: Uuid,
        ask: &ApplyAsk,
        due_at: DateTime,
        now: DateTime,
    ) -> Result<DesignView, DesignError> {
        let mut view = self.read(id).await?;
        let waits = due_at > now;
        let status = if waits { "scheduled" } else { "applied" };
        status.clone_into(&mut view.row.status);
        view.applied = Some(Applied {
            version: view.row.version,
            status: status.to_owned(),
            asked_by: ask.actor.clone(),
            due_at,
            applied_at: (!waits).then_some(now),
            stopped_for: Vec::new(),
            rolled_back_at: None,
            rolled_back_why: None,
        });
        Ok(view)
    }

    /// Puts the entries of a version on the roster; gives what they replaced.
    async fn put(
        &self,
        conn: &mut PgConnection,
        version: &VersionRow,
        by: &str,
        now: DateTime,
    ) -> Result<Vec<Replaced>, DesignError> {
        let puts: Vec<Put> = serde_json::from_str(&version.entries)?;
        let entries = entries_of(version)?;
        let edited = self.handoffs.edit_roster(conn, (&entries, &[]), by, now).await?;
        let replaced = puts.into_iter().zip(edited.before).map(|(put, (_, before))| {
            let before = before.map(serde_json::to_value).transpose()?;
            Ok(Replaced { kind: put.kind, id: put.id, before, after: put.entry })
        });
        replaced.collect()
    }

    /// What has changed of what a version was made on.
    pub(super) async fn base_changes(
        &self,
        conn: &mut PgConnection,
        row: &DesignRow,
        version: &VersionRow,
    ) -> Result<Vec<String>, DesignError> {
        let before: Base = serde_json::from_str(&version.base)?;
        let held = self.handoffs.rosters.current(conn).await?;
        let segment = Segment::ALL.into_iter().find(|segment| segment.name() == row.segment);
        let about = About {
            team: row.team.clone(),
            segment: segment.unwrap_or(Segment::Partner),
            handoff_type: row.handoff_type.clone(),
        };
        Ok(changed(&before, &base(&about, &held.entries, held.edit.version, &self.handoffs.types)?))
    }

    /// Takes what was applied back, or calls off what waits.
    pub async fn roll_back(
        &self,
        id: Uuid,
        why: &str,
        actor: &str,
        dry_run: bool,
    ) -> Result<DesignView, DesignError> {
        if why.trim().is_empty() {
            return Err(DesignError::Invalid(vec![Fault::new("#/why", "say why; it is kept")]));
        }
        let mut tx = db::begin(&self.pool).await?;
        let mut row = store::lock_design(&mut tx, id).await?.ok_or(DesignError::NoDesign(id))?;
        let now = self.clock.now();
        if self.call_off(&mut tx, id, why).await? {
            stands(&mut tx, &mut row, "approved", (actor, json!({ "calledOff": true })), now).await?;
        } else {
            self.take_back(&mut tx, id, (why, actor), now).await?;
            stands(&mut tx, &mut row, "rolled_back", (actor, json!({})), now).await?;
        }
        if dry_run {
            tx.rollback().await?;
            let mut view = self.read(id).await?;
            view.row.status = row.status;
            return Ok(view);
        }
        tx.commit().await?;
        self.handoffs.roster_changed();
        self.read(id).await
    }

    async fn take_back(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        (why, actor): (&str, &str),
        now: DateTime,
    ) -> Result<(), DesignError> {
        let newest = store::newest_application(conn, id).await?;
        let Some(mut application) = newest.filter(|application| application.status == "applied") else {
            return Err(DesignError::NotNow("Nothing of this design is live or waits to be.".to_owned()));
        };
        let replaced: Vec<Replaced> = serde_json::from_str(application.replaced.as_deref().unwrap_or("[]"))?;
        self.restore(conn, &replaced, actor, now).await?;
        application.status = "rolled_back".to_owned();
        application.rolled_back_at = Some(now);
        application.rolled_back_by = Some(actor.to_owned());
        application.rolled_back_why = Some(why.to_owned());
        Ok(store::update_application(conn, &application).await?)
    }

    async fn restore(
        &self,
        conn: &mut PgConnection,
        replaced: &[Replaced],
        actor: &str,
        now: DateTime,
    ) -> Result<(), DesignError> {
        let held = self.handoffs.rosters.current(conn).await?;
        let mut since = Vec::new();
        let (mut puts, mut removes): (Vec<Entry>, Vec<Key>) = (Vec::new(), Vec::new());
        for one in replaced {
            let (kind, after) = (kind(&one.kind)?, entry(&one.kind, &one.after)?);
            if held.entries.get(kind, &one.id) != Some(&after) {
                since.push(format!("{} {} was changed since", kind.words(), one.id));
            }
            match &one.before {
                Some(before) => puts.push(entry(&one.kind, before)?),
                None => removes.push((kind, one.id.clone())),
            }
        }
        if !since.is_empty() {
            return Err(DesignError::BaseChanged(since));
        }
        self.handoffs.edit_roster(conn, (&puts, &removes), actor, now).await?;
        Ok(())
    }

    /// Does what is due; gives how much that was.
    pub async fn work_due(&self) -> Result<usize, DesignError> {
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        if jobs::due_kinds(&mut conn, &KINDS, now).await?.is_empty() {
            return Ok(0);
        }
        let due = jobs::claim(&mut conn, APPLY, now, GROUP).await?;
        drop(conn);
        for job in &due {
            match self.apply_due(job).await {
                Ok(()) => {
                    let mut conn = self.pool.acquire().await?;
                    jobs::finish(&mut conn, std::slice::from_ref(job)).await?;
                }
                Err(error) => {
                    tracing::error!(job = job.key, attempt = job.attempts, %error, "a design could not be applied");
                    let wait = RETRY_FIRST * 2_i32.pow(u32::try_from(job.attempts).unwrap_or(1).min(10));
                    let now = self.clock.now();
                    let mut conn = self.pool.acquire().await?;
                    jobs::fail(&mut conn, job, &error.to_string(), now + wait, now).await?;
                }
            }
        }
        Ok(due.len())
    }

    /// Applies what was scheduled, or stops it where its base has changed. Done twice, it is done once.
    async fn apply_due(&self, job: &Claimed) -> Result<(), DesignError> {
        let Ok(id) = job.key.parse::<Uuid>() else { return Ok(()) };
        let mut tx = db::begin(&self.pool).await?;
        let Some(design_id) = store::design_of_application(&mut tx, id).await? else { return Ok(()) };
        let mut row =
            store::lock_design(&mut tx, design_id).await?.ok_or(DesignError::NoDesign(design_id))?;
        let now = self.clock.now();
        let newest = store::newest_application(&mut tx, design_id).await?;
        let waits = |application: &ApplicationRow| {
            application.id == id && application.status == "scheduled" && application.due_at <= now
        };
        let Some(mut application) = newest.filter(waits) else { return Ok(()) };
        let version = version_of(&mut tx, &row).await?;
        let mut changes = self.base_changes(&mut tx, &row, &version).await?;
        if changes.is_empty() {
            match self.put(&mut tx, &version, WORKER, now).await {
                Ok(replaced) => {
                    application.status = "applied".to_owned();
                    application.applied_at = Some(now);
                    application.replaced = Some(serde_json::to_string(&replaced)?);
                    store::update_application(&mut tx, &application).await?;
                    self.task_done(&mut tx, design_id, &apply_task(), WORKER, now).await?;
                    stands(
                        &mut tx,
                        &mut row,
                        "applied",
                        (WORKER, json!({ "askedBy": application.asked_by })),
                        now,
                    )
                    .await?;
                    tx.commit().await?;
                    self.handoffs.roster_changed();
                    self.ring();
                    return Ok(());
                }
                // Nothing was written: the roster is checked before it is.
                Err(DesignError::Handoff(HandoffError::Roster(faults))) => {
                    changes = faults.into_iter().map(|fault| fault.detail).collect();
                }
                Err(error) => return Err(error),
            }
        }
        application.status = "stopped".to_owned();
        application.stopped_for = Some(serde_json::to_string(&changes)?);
        store::update_application(&mut tx, &application).await?;
        self.tell_stopped(&mut tx, &row, &changes, now).await?;
        stands(&mut tx, &mut row, "stopped", (WORKER, json!({ "changed": changes })), now).await?;
        tx.commit().await?;
        self.deliver.notify_one();
        Ok(())
    }

    async fn tell_stopped(
        &self,
        conn: &mut PgConnection,
        row: &DesignRow,
        changes: &[String],
        now: DateTime,
    ) -> Result<(), DesignError> {
        let held = self.handoffs.rosters.current(conn).await?;
        let data = json!({
            "channel": Value::Null,
            "to": people(&held.roster, TOLD, Some(&row.team)),
            "role": TOLD,
            "title": "A scheduled handoff design was stopped",
            "body": format!(
                "Design {} for {} was to go live now, but what it was made on has changed: {}. Make it anew and have it signed.",
                row.id, row.segment.replace('_', " "), changes.join("; ")
            ),
            "priority": "high",
            "path": format!("/v1/handoff-designs/{}", row.id),
        });
        let effect = NewEffect::new(Cause::Digest(new_id(now)), ALERT, &data, now);
        Ok(outbox::enqueue(conn, &[effect], now).await?)
    }
}

/// The people whom a role leads to, for an alert. Where nobody holds it, somebody of the team answers instead; of what
/// concerns no team alone, nobody.
pub(super) fn people(roster: &crate::handoffs::Roster, role: &str, team: Option<&str>) -> Vec<Value> {
    let ids = match team.and_then(|team| TeamId::parse(team).ok()) {
        None => roster.holders(role),
        Some(team) => match roster.answers_for(role, &team) {
            Answers::Holders(holders) => holders,
            Answers::Instead(rep) => vec![rep],
            Answers::Nobody => Vec::new(),
        },
    };
    let reps = ids.into_iter().filter_map(|id| roster.rep(id.as_str()));
    reps.map(|rep| json!({ "repId": rep.id, "name": rep.name, "email": rep.email })).collect()
}

/// What a version puts, as the roster has it.
fn entries_of(version: &VersionRow) -> Result<Vec<Entry>, DesignError> {
    let puts: Vec<Put> = serde_json::from_str(&version.entries)?;
    Ok(puts.iter().map(|put| entry(&put.kind, &put.entry)).collect::<Result<_, _>>()?)
}

fn may_be_applied(row: &DesignRow) -> Result<(), DesignError> {
    let why = match row.status.as_str() {
        "approved" | "rolled_back" | "stopped" => return Ok(()),
        "draft" => "It needs the sign-offs of RevOps and of sales leadership first: POST …/approvals.",
        "scheduled" => "It waits for its instant already; call it off first: POST …/rollback.",
        _ => "It is live already.",
    };
    Err(DesignError::NotNow(why.to_owned()))
}

/// The newest version of a design.
async fn version_of(conn: &mut PgConnection, row: &DesignRow) -> Result<VersionRow, DesignError> {
    let found = store::find_version(conn, row.id, row.version).await?;
    found.ok_or(DesignError::NoVersion(row.id, row.version))
}

/// Notes where a design stands, in its row and in the audit log.
async fn stands(
    conn: &mut PgConnection,
    row: &mut DesignRow,
    status: &str,
    (actor, mut details): (&str, Value),
    now: DateTime,
) -> Result<(), DesignError> {
    (row.status, row.changed_at) = (status.to_owned(), now);
    store::update_design(conn, row).await?;
    details["version"] = json!(row.version);
    let entry = audit::Entry::new(actor, format!("design.{status}"), format!("design:{}", row.id), details);
    audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    Ok(())
}

fn kind(name: &str) -> Result<Kind, serde_json::Error> {
    Kind::parse(name).ok_or_else(|| serde::de::Error::custom(format!("there is no kind of entry `{name}`")))
}

fn entry(name: &str, value: &Value) -> Result<Entry, serde_json::Error> {
    Entry::read(kind(name)?, &value.to_string())
}
