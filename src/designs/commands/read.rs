//! Reading designs: one with all that was decided, lists, changes, documents.
//!
//! Promises: nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::make::tag;
use super::{DesignError, Designs};
use crate::designs::brief::Ask;
use crate::designs::document::{self, Told};
use crate::designs::packet::Packet;
use crate::designs::playbook::SignOff;
use crate::designs::store::{self, ApplicationRow, ApprovalRow, DesignFilter, DesignRow, VersionRow};
use crate::handoffs::TeamId;
use crate::kernel::calendar::Zone;
use crate::kernel::clock::DateTime;
use crate::plans::model::Plan;
use crate::plans::{Change, Finding, Pattern, pattern, schedule, words};
use crate::platform::http::ETag;

/// The most versions that a change log tells.
const VERSIONS_MAX: i64 = 1_000;

/// A sign-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub sign: SignOff,
    pub name: String,
    pub actor: String,
    pub comment: Option<String>,
    pub at: DateTime,
}

/// What became of a version that was to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub version: i32,
    pub status: String,
    pub asked_by: String,
    pub due_at: DateTime,
    pub applied_at: Option<DateTime>,
    pub stopped_for: Vec<String>,
    pub rolled_back_at: Option<DateTime>,
    pub rolled_back_why: Option<String>,
}

/// A design in its newest version.
#[derive(Debug, Clone)]
pub struct DesignView {
    pub row: DesignRow,
    pub inputs: Ask,
    pub packet: Packet,
    pub plan: Plan,
    pub author: String,
    pub actor: String,
    pub why: String,
    pub made_at: DateTime,
    pub signed: Vec<Signed>,
    pub applied: Option<Applied>,
    /// The shape of the plan.
    pub pattern: Pattern,
    /// What is missing before it runs.
    pub preflight: Vec<Finding>,
    pub tag: ETag,
}

/// A version, with what differs from the one before.
#[derive(Debug, Clone)]
pub struct VersionView {
    pub number: i32,
    pub author: String,
    pub actor: String,
    pub why: String,
    pub at: DateTime,
    /// Of inputs, in words.
    pub inputs: Vec<String>,
    /// Of the plan, as data and in words.
    pub plan: Vec<(Change, String)>,
}

/// What a view is made of.
pub(super) struct Rows {
    pub row: DesignRow,
    pub version: VersionRow,
    pub plan: Plan,
    pub preflight: Vec<Finding>,
    pub approvals: Vec<ApprovalRow>,
    pub application: Option<ApplicationRow>,
}

/// The sign-off of a row.
pub(super) fn signature(approval: ApprovalRow) -> Option<Signed> {
    let sign = SignOff::ALL.into_iter().find(|sign| sign.name() == approval.role)?;
    let ApprovalRow { name, actor, comment, at, .. } = approval;
    Some(Signed { sign, name, actor, comment, at })
}

/// The view of rows.
pub(super) fn view_of(rows: Rows) -> Result<DesignView, DesignError> {
    let Rows { row, version, plan, preflight, approvals, application } = rows;
    let applied = application.map(|application| {
        let stopped_for = application.stopped_for.as_deref().map(serde_json::from_str).transpose()?;
        Ok::<_, serde_json::Error>(Applied {
            version: application.version,
            status: application.status,
            asked_by: application.asked_by,
            due_at: application.due_at,
            applied_at: application.applied_at,
            stopped_for: stopped_for.unwrap_or_default(),
            rolled_back_at: application.rolled_back_at,
            rolled_back_why: application.rolled_back_why,
        })
    });
    Ok(DesignView {
        tag: tag(&row)?,
        inputs: serde_json::from_str(&version.inputs)?,
        packet: serde_json::from_str(&version.packet)?,
        pattern: pattern(&plan),
        preflight,
        plan,
        author: version.author,
        actor: version.actor,
        why: version.why,
        made_at: version.at,
        signed: approvals.into_iter().filter_map(signature).collect(),
        applied: applied.transpose()?,
        row,
    })
}

impl Designs {
    /// A design in its newest version.
    pub async fn read(&self, id: Uuid) -> Result<DesignView, DesignError> {
        let row = store::find_design(&self.pool, id).await?.ok_or(DesignError::NoDesign(id))?;
        let mut conn = self.pool.acquire().await?;
        let version = store::find_version(&mut conn, id, row.version).await?;
        let version = version.ok_or(DesignError::NoVersion(id, row.version))?;
        let approvals = store::approvals(&mut conn, id, row.version).await?;
        let application = store::newest_application(&mut conn, id).await?;
        // Whoever holds a connection while waiting for another may wait for each other.
        drop(conn);
        let (_, plan) = self.plans.document(id, Some(version.plan_version)).await?;
        let mut conn = self.pool.acquire().await?;
        let preflight = self.plans.preflight(&mut conn, &plan, &BTreeSet::new()).await?;
        view_of(Rows { row, version, plan, preflight, approvals, application })
    }

    /// Whether there is such a design.
    pub async fn found(&self, id: Uuid) -> Result<(), DesignError> {
        store::find_design(&self.pool, id).await?.map(drop).ok_or(DesignError::NoDesign(id))
    }

    /// What has changed of what the newest version was made on.
    pub async fn base_of(&self, view: &DesignView) -> Result<Vec<String>, DesignError> {
        if view.row.status == "applied" {
            return Ok(Vec::new());
        }
        let mut conn = self.pool.acquire().await?;
        let version = store::find_version(&mut conn, view.row.id, view.row.version).await?;
        let version = version.ok_or(DesignError::NoVersion(view.row.id, view.row.version))?;
        self.base_changes(&mut conn, &view.row, &version).await
    }

    /// Designs, newest first.
    pub async fn list(&self, filter: &DesignFilter) -> Result<Vec<DesignRow>, DesignError> {
        Ok(store::list_designs(&self.pool, filter).await?)
    }

    /// All versions with what each changed, the newest first.
    pub async fn changes(&self, id: Uuid) -> Result<Vec<VersionView>, DesignError> {
        let versions = store::versions(&self.pool, id).await?;
        if versions.is_empty() {
            return Err(DesignError::NoDesign(id));
        }
        let plans = self.plans.changes(id, None, VERSIONS_MAX).await?;
        let mut plans: BTreeMap<i32, Vec<Change>> =
            plans.into_iter().map(|(version, changes)| (version.version, changes)).collect();
        let mut views = Vec::with_capacity(versions.len());
        let mut before: Option<Value> = None;
        for version in versions {
            let inputs: Value = serde_json::from_str(&version.inputs)?;
            let told = before.as_ref().map(|last| inputs_changed(last, &inputs)).unwrap_or_default();
            // A version that shares its plan with the one before changed nothing of it.
            let changes = plans.remove(&version.plan_version).unwrap_or_default();
            let changed = changes.into_iter().map(|change| (change.clone(), words(&change))).collect();
            views.push(VersionView {
                number: version.number,
                author: version.author,
                actor: version.actor,
                why: version.why,
                at: version.at,
                inputs: told,
                plan: changed,
            });
            before = Some(inputs);
        }
        views.reverse();
        Ok(views)
    }

    /// The packet as a document.
    pub async fn document(&self, id: Uuid, html: bool) -> Result<String, DesignError> {
        let view = self.read(id).await?;
        let held = self.handoffs.roster().await?;
        let zone = TeamId::parse(&view.row.team)
            .map_or_else(|_| Zone::utc(), |team| held.roster.calendar_of_team(&team).zone().clone());
        let dates = schedule(&view.plan).ok();
        let signed: Vec<document::Signed> = view
            .signed
            .iter()
            .map(|signed| document::Signed {
                sign: signed.sign,
                name: signed.name.clone(),
                at: signed.at,
                comment: signed.comment.clone(),
            })
            .collect();
        let told = Told {
            packet: &view.packet,
            plan: &view.plan,
            schedule: dates.as_ref(),
            version: view.row.version,
            status: &view.row.status,
            author: &view.author,
            made_at: view.made_at,
            signed: &signed,
            zone: &zone,
        };
        Ok(if html { document::as_html(&told) } else { document::as_markdown(&told) })
    }
}

/// What differs of the inputs, in words, field by field.
fn inputs_changed(before: &Value, after: &Value) -> Vec<String> {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return Vec::new() };
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let told = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differing
        .map(|name| format!("{name}: {} instead of {}", told(after.get(name)), told(before.get(name))))
        .collect()
}
