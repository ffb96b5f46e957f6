//! `RevOps` resolves a conflict: keep the holder, switch to the motion that wanted in, or pause both.

use uuid::Uuid;

use super::orchestrate::{Ask, Decided, Trigger};
use super::{MotionError, Motions};
use crate::accounts;
use crate::motions::store::{self, Conflict};
use crate::platform::{audit, db};

/// What `RevOps` decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The holder stays; the other motion waits for its claim to end.
    Keep,
    /// The motion that wanted in takes over, if no other guardrail forbids it.
    Switch,
    /// Neither runs for the policy's pause.
    Pause,
}

impl Resolution {
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Switch => "switch",
            Self::Pause => "pause",
        }
    }
}

/// A resolved conflict, and the decision that followed from it (on a switch).
pub struct Resolved {
    pub conflict: Conflict,
    pub decided: Option<Decided>,
}

/// What is to be done about a conflict.
#[derive(Debug, Clone)]
pub struct Resolving {
    pub resolution: Resolution,
    /// Why.
    pub note: String,
    pub by: String,
    /// Only say what would follow.
    pub dry_run: bool,
}

impl Motions {
    /// Resolves an open conflict, in one transaction with what follows from it.
    pub async fn resolve_conflict(&self, id: Uuid, how: &Resolving) -> Result<Resolved, MotionError> {
        let Resolving { resolution, note, by, dry_run } = how;
        let (resolution, dry_run) = (*resolution, *dry_run);
        let found = store::find_conflict(&self.pool, id).await?.ok_or(MotionError::NoConflict(id))?;
        let account_id = found.account_id;
        let mut tx = db::begin(&self.pool).await?;
        let follower = self.accounts.follower.as_ref();
        let current = accounts::commands::lock_current(&mut tx, &account_id, follower, self.clock.now())
            .await?
            .ok_or_else(|| MotionError::NoAccount(account_id.clone()))?;
        let now = self.clock.now();
        let resolved =
            store::resolve_conflict(&mut tx, &account_id, id, resolution.name(), note, by, now).await?;
        let Some(conflict) = resolved else {
            let resolution = found.resolution.unwrap_or_else(|| "resolved meanwhile".to_owned());
            return Err(MotionError::AlreadyResolved { id, resolution });
        };
        let entry = audit::Entry::new(
            by.as_str(),
            "conflict.resolved",
            format!("conflict:{id}"),
            serde_json::json!({
                "resolution": resolution.name(),
                "holder": conflict.holder_motion,
                "wanted": conflict.wanted_motion,
                "note": note,
            }),
        );
        audit::append(&mut tx, &account_id, now, &[entry]).await?;
        if resolution == Resolution::Pause {
            let version = store::active_version(&mut tx).await?.ok_or(MotionError::NoneActive)?;
            let policy = self.policies.get(&mut tx, &version).await?;
            let until = now + policy.guardrails().conflict_pause;
            let both = [conflict.holder_motion.as_str(), conflict.wanted_motion.as_str()];
            store::pause_motions(&mut tx, &account_id, &both, until, id).await?;
            store::release_claims(&mut tx, &[(&account_id, conflict.holder_claim)], "paused", now).await?;
            store::lapse_conflicts(&mut tx, &[&account_id], now).await?;
        }
        let decided = match resolution {
            Resolution::Keep => None,
            Resolution::Switch | Resolution::Pause => {
                let ask = Ask {
                    account_id: account_id.clone(),
                    trigger: Trigger::Resolution,
                    dry_run,
                    policy_version: None,
                    actor: by.clone(),
                    answer: None,
                };
                Some(self.decide_in(&mut tx, &current, &ask, now).await?)
            }
        };
        if dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
            self.ring();
        }
        Ok(Resolved { conflict, decided })
    }
}
