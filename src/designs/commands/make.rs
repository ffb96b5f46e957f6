//! Making a design, and making it anew.
//!
//! Promises: a dry run writes nothing; a change is a new version with who, when and why, which nobody has signed; what was
//! scheduled of an older version is called off by it.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::facts::Facts;
use super::read::{DesignView, Rows, view_of};
use super::{DesignError, Designs};
use crate::designs::base::{About, base};
use crate::designs::brief::{Ask, Brief};
use crate::designs::packet::Design;
use crate::designs::store::{self, DesignRow, VersionRow};
use crate::handoffs::Entry;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::plans::commands::NewPlan;
use crate::platform::http::{ETag, Fault, Precondition};
use crate::platform::{audit, db};

/// What asks for a design.
#[derive(Debug, Clone)]
pub struct MakeAsk {
    pub inputs: Ask,
    /// Who makes it, by name.
    pub author: String,
    /// The caller.
    pub actor: String,
    pub dry_run: bool,
}

/// What asks for another version.
#[derive(Debug, Clone)]
pub struct ReviseAsk {
    /// What differs of the inputs, as a JSON merge patch (RFC 7396).
    pub changes: Value,
    pub author: String,
    pub actor: String,
    pub why: String,
    pub dry_run: bool,
}

/// Whoever made the first version says so by making it.
const FIRST: &str = "first version";

impl Designs {
    /// Makes a design.
    pub async fn make(&self, ask: &MakeAsk) -> Result<DesignView, DesignError> {
        let facts = self.facts().await?;
        let (brief, design, facts) = self.compute(&ask.inputs, facts).await?;
        let now = facts.now;
        let mut row = DesignRow {
            id: new_id(now),
            segment: String::new(),
            goal: String::new(),
            handoff_type: String::new(),
            team: String::new(),
            status: "draft".to_owned(),
            version: 1,
            created_at: now,
            changed_at: now,
        };
        about(&mut row, &brief);
        let mut version =
            version(&row, (&ask.inputs, &brief, &design), &facts, (&ask.author, &ask.actor, FIRST))?;
        let mut conn = self.pool.acquire().await?;
        let preflight = self.plans.preflight(&mut conn, &design.plan, &BTreeSet::new()).await?;
        drop(conn);
        if !ask.dry_run {
            let mut tx = db::begin(&self.pool).await?;
            let plan = NewPlan {
                id: Some(row.id),
                account_id: None,
                plan: design.plan.clone(),
                by: ask.actor.clone(),
                why: FIRST.to_owned(),
            };
            version.plan_version = self.plans.create(&mut tx, now, plan).await?.version;
            store::insert_design(&mut tx, &row).await?;
            store::insert_version(&mut tx, &version).await?;
            log(&mut tx, &row, &version, "made", now).await?;
            tx.commit().await?;
            self.ring();
        }
        view_of(Rows { row, version, plan: design.plan, preflight, approvals: Vec::new(), application: None })
    }

    /// Makes another version of a design, on what is live now.
    pub async fn revise(
        &self,
        id: Uuid,
        precondition: &Precondition,
        ask: &ReviseAsk,
    ) -> Result<DesignView, DesignError> {
        let facts = self.facts().await?;
        let row = store::find_design(&self.pool, id).await?.ok_or(DesignError::NoDesign(id))?;
        let mut conn = self.pool.acquire().await?;
        let present = store::find_version(&mut conn, id, row.version).await?;
        let present = present.ok_or(DesignError::NoVersion(id, row.version))?;
        drop(conn);
        let tag = tag(&row)?;
        precondition.check_change(Some(&tag)).map_err(DesignError::Precondition)?;
        let inputs = patched(&present.inputs, &ask.changes)?;
        let (brief, design, facts) = self.compute(&inputs, facts).await?;
        let now = facts.now;
        let mut tx = db::begin(&self.pool).await?;
        let mut locked = store::lock_design(&mut tx, id).await?.ok_or(DesignError::NoDesign(id))?;
        // Somebody may have been faster while the model computed.
        precondition.check_change(Some(&self::tag(&locked)?)).map_err(DesignError::Precondition)?;
        if locked.status == "applied" {
            let detail = "The design is live. Roll it back, or make another design that replaces it.";
            return Err(DesignError::NotNow(detail.to_owned()));
        }
        self.call_off(&mut tx, id, &format!("replaced by version {}", locked.version + 1)).await?;
        about(&mut locked, &brief);
        (locked.version, locked.status, locked.changed_at) = (locked.version + 1, "draft".to_owned(), now);
        let mut version =
            version(&locked, (&inputs, &brief, &design), &facts, (&ask.author, &ask.actor, &ask.why))?;
        let (plan, by, why) = (design.plan.clone(), &ask.actor, &ask.why);
        let revised = self.plans.revise(&mut tx, now, id, present.plan_version, plan, by, why).await?;
        version.plan_version = revised.version;
        let preflight = self.plans.preflight(&mut tx, &design.plan, &BTreeSet::new()).await?;
        store::insert_version(&mut tx, &version).await?;
        store::update_design(&mut tx, &locked).await?;
        log(&mut tx, &locked, &version, "changed", now).await?;
        if ask.dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        view_of(Rows {
            row: locked,
            version,
            plan: design.plan,
            preflight,
            approvals: Vec::new(),
            application: None,
        })
    }

    /// Wakes those who go on with what was committed.
    pub(super) fn ring(&self) {
        self.plans.work.notify_one();
        self.deliver.notify_one();
    }

    /// Ends what waits for its instant, with the reason.
    pub(super) async fn call_off(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        why: &str,
    ) -> Result<bool, DesignError> {
        let newest = store::newest_application(conn, id).await?;
        let Some(mut waiting) = newest.filter(|application| application.status == "scheduled") else {
            return Ok(false);
        };
        waiting.status = "stopped".to_owned();
        waiting.stopped_for = Some(serde_json::json!([why]).to_string());
        store::update_application(conn, &waiting).await?;
        Ok(true)
    }
}

/// The tag of a design's state, for those who change it.
pub fn tag(row: &DesignRow) -> Result<ETag, DesignError> {
    ETag::of(&(row.id, row.version, &row.status)).map_err(DesignError::Precondition)
}

/// The inputs with the changes laid over them.
fn patched(inputs: &str, changes: &Value) -> Result<Ask, DesignError> {
    let mut document: Value = serde_json::from_str(inputs)?;
    merge(&mut document, changes);
    serde_path_to_error::deserialize(document).map_err(|error| {
        let path = error.path().to_string().replace('.', "/");
        DesignError::Invalid(vec![Fault::new(format!("#/changes/{path}"), error.into_inner().to_string())])
    })
}

/// RFC 7396: objects are laid over objects, null takes out, all else replaces.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

fn about(row: &mut DesignRow, brief: &Brief) {
    brief.segment.name().clone_into(&mut row.segment);
    brief.goal.name().clone_into(&mut row.goal);
    row.handoff_type.clone_from(&brief.handoff_type);
    row.team = brief.team.to_string();
}

fn version(
    row: &DesignRow,
    (inputs, brief, design): (&Ask, &Brief, &Design),
    facts: &Facts,
    (author, actor, why): (&str, &str, &str),
) -> Result<VersionRow, DesignError> {
    let base = base(&About::of(brief), &facts.held.entries, facts.held.edit.version, &facts.types)?;
    let kinds: Vec<(String, String)> =
        design.entries.iter().map(Entry::key).map(|(kind, id)| (kind.name().to_owned(), id)).collect();
    let entries: Vec<Value> = kinds
        .into_iter()
        .zip(&design.entries)
        .map(|((kind, id), entry)| {
            Ok(serde_json::json!({ "kind": kind, "id": id, "entry": serde_json::to_value(entry)? }))
        })
        .collect::<Result<_, serde_json::Error>>()?;
    Ok(VersionRow {
        design_id: row.id,
        number: row.version,
        inputs: serde_json::to_string(inputs)?,
        packet: serde_json::to_string(&design.packet)?,
        plan_version: 1,
        entries: serde_json::to_string(&entries)?,
        base: serde_json::to_string(&base)?,
        author: author.trim().to_owned(),
        actor: actor.to_owned(),
        why: why.to_owned(),
        at: facts.now,
    })
}

/// Notes in the audit log what happened to a version: its content by digest.
pub(super) async fn log(
    conn: &mut PgConnection,
    row: &DesignRow,
    version: &VersionRow,
    action: &str,
    now: DateTime,
) -> Result<(), DesignError> {
    let digest = crate::kernel::json::sha256(format!("{}{}", version.packet, version.entries).as_bytes());
    let details = serde_json::json!({
        "version": version.number, "content": format!("sha256:{}", hex::encode(digest)),
    });
    let entry =
        audit::Entry::new(&version.actor, format!("design.{action}"), format!("design:{}", row.id), details);
    audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_laid_over_the_inputs() {
        let inputs = json!({"segment": "smb", "goal": "pipeline", "responseSla": "2h", "capacity": {"reps": 3, "handling": "1h"}});
        let ask = patched(
            &inputs.to_string(),
            &json!({"responseSla": "4h", "capacity": {"reps": null, "atOnce": 5}}),
        )
        .unwrap();
        assert_eq!(
            (ask.response_sla.as_str(), ask.capacity.reps, ask.capacity.at_once),
            ("4h", None, Some(5))
        );
        assert_eq!(ask.capacity.handling.as_deref(), Some("1h"), "what is not named stays");
        let wrong = patched(&inputs.to_string(), &json!({"capacity": {"repps": 3}})).unwrap_err();
        let DesignError::Invalid(faults) = wrong else { panic!("{wrong}") };
        assert!(faults[0].pointer.starts_with("#/changes/capacity"), "{faults:?}");
    }
}
