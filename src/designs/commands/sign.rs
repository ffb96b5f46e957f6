//! Sign-offs: who agrees with a version, by name.
//!
//! Promises: a sign-off is for the version that was read; the two of a version come from two people, which the database
//! holds; with both the version is approved.

use uuid::Uuid;

use super::read::{DesignView, signature};
use super::{DesignError, Designs};
use crate::designs::packet::plan::sign_task;
use crate::designs::playbook::SignOff;
use crate::designs::store::{self, ApprovalRow};
use crate::kernel::json::sha256;
use crate::platform::http::Fault;
use crate::platform::{audit, db};

/// The longest name and comment.
const NAME_MAX: usize = 200;
const COMMENT_MAX: usize = 2_000;

/// A sign-off.
#[derive(Debug, Clone)]
pub struct SignAsk {
    pub sign: SignOff,
    /// Who signs.
    pub name: String,
    /// The version that was read; the newest when left out.
    pub version: Option<i32>,
    pub comment: Option<String>,
    /// The caller.
    pub actor: String,
    /// Say how it would then stand and write nothing.
    pub dry_run: bool,
}

impl Designs {
    /// Signs a version.
    pub async fn approve(&self, id: Uuid, ask: &SignAsk) -> Result<DesignView, DesignError> {
        let name = ask.name.trim();
        let mut faults = Vec::new();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            faults.push(Fault::new("#/name", format!("must have 1 to {NAME_MAX} characters")));
        }
        if ask.comment.as_ref().is_some_and(|comment| comment.chars().count() > COMMENT_MAX) {
            faults.push(Fault::new("#/comment", format!("is longer than {COMMENT_MAX} characters")));
        }
        if !faults.is_empty() {
            return Err(DesignError::Invalid(faults));
        }
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        let mut row = store::lock_design(&mut tx, id).await?.ok_or(DesignError::NoDesign(id))?;
        if ask.version.is_some_and(|version| version != row.version) {
            let detail = format!(
                "Version {} is not the newest; read version {} and sign that.",
                ask.version.unwrap_or_default(),
                row.version
            );
            return Err(DesignError::NotNow(detail));
        }
        if row.status != "draft" && row.status != "approved" {
            return Err(DesignError::NotNow(format!(
                "A design that is {} is not signed any more.",
                row.status.replace('_', " ")
            )));
        }
        let approval = ApprovalRow {
            role: ask.sign.name().to_owned(),
            name: name.to_owned(),
            actor: ask.actor.clone(),
            comment: ask.comment.clone(),
            at: now,
        };
        store::insert_approval(&mut tx, (id, row.version), &name.to_lowercase(), &approval).await?;
        let signed = store::approvals(&mut tx, id, row.version).await?;
        let details = serde_json::json!({
            "version": row.version, "role": approval.role, "name": format!("sha256:{}", hex::encode(sha256(name.as_bytes()))),
        });
        let mut entries =
            vec![audit::Entry::new(&ask.actor, "design.signed", format!("design:{id}"), details)];
        if SignOff::ALL.iter().all(|sign| signed.iter().any(|one| one.role == sign.name())) {
            (row.status, row.changed_at) = ("approved".to_owned(), now);
            store::update_design(&mut tx, &row).await?;
            let details = serde_json::json!({ "version": row.version });
            entries.push(audit::Entry::new(&ask.actor, "design.approved", format!("design:{id}"), details));
        }
        self.task_done(&mut tx, id, &sign_task(ask.sign), &ask.actor, now).await?;
        audit::append(&mut tx, audit::SYSTEM, now, &entries).await?;
        if ask.dry_run {
            tx.rollback().await?;
            let mut view = self.read(id).await?;
            view.row.status = row.status;
            view.signed = signed.into_iter().filter_map(signature).collect();
            return Ok(view);
        }
        tx.commit().await?;
        self.ring();
        self.read(id).await
    }
}
