//! What routing tells the slice that hands accounts over: which decisions ask for a handoff, and what they saw.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::consequences::Considered;
use super::{MotionError, Motions, Policies};
use crate::accounts::model::AccountState;
use crate::kernel::clock::DateTime;
use crate::motions::decide::Effect;
use crate::motions::document::{DecisionDocument, HandoffView};
use crate::motions::model::{DealStage, Signals};
use crate::motions::policy::stage_key;
use crate::motions::{signals, store};
use crate::platform::jobs::{Lane, NewJob};

/// The kind of job by which a decision asks for a handoff, in its own transaction: its key is the decision, its payload
/// names account, decision and handoff type.
pub const HAND_OVER: &str = "handoff_open";

/// What a package is made of besides facts.
pub struct Sight {
    pub signals: Signals,
    /// The consent that partner data needs.
    pub partner_purpose: String,
}

impl Motions {
    /// What the policy in force sees in a state.
    pub async fn seen(
        &self,
        conn: &mut PgConnection,
        state: &AccountState,
        now: DateTime,
    ) -> Result<Sight, MotionError> {
        let version = store::active_version(conn).await?.ok_or(MotionError::NoneActive)?;
        let policy = self.policies.get(conn, &version).await?;
        let signals = signals::derive(policy.definitions(), state, self.freshen.failing(), now);
        Ok(Sight { signals, partner_purpose: policy.guardrails().consent_purpose.clone() })
    }

    /// The reasoning of a decision and the handoff it made; none where it made none.
    pub async fn handed_over(
        &self,
        conn: &mut PgConnection,
        account_id: &str,
        id: Uuid,
    ) -> Result<Option<(String, HandoffView)>, MotionError> {
        let Some(text) = store::decision_document(conn, account_id, id).await? else { return Ok(None) };
        let document: DecisionDocument = serde_json::from_str(&text)?;
        Ok(document.handoff.map(|handoff| (document.recommendation.reasoning, handoff)))
    }
}

impl Policies {
    /// What a CRM's name of a deal stage means by the policy that was last in use; none for a name it does not know.
    pub fn deal_stage(&self, name: &str) -> Option<DealStage> {
        self.latest()?.definitions().deal_stages.get(&stage_key(name)).copied()
    }
}

/// The job that opens the handoff of a decision, where it makes one.
pub(super) fn hand_over(made: &Considered, now: DateTime) -> Option<NewJob> {
    let opens = |effect: &&Effect| matches!(effect, Effect::OpenHandoff { .. });
    let Some(Effect::OpenHandoff { handoff, .. }) = made.decision.effects.iter().find(opens) else {
        return None;
    };
    let id = made.document.decision_id;
    let payload =
        json!({ "accountId": made.account_id, "decisionId": id, "handoffType": &*handoff.handoff_type });
    Some(NewJob {
        key: format!("decision:{id}"),
        payload: payload.to_string(),
        lane: Lane::Normal,
        due_at: now,
    })
}
