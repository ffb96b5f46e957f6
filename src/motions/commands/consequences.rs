//! What a decision is made of and what follows from it, as rows ready to be written.
//!
//! Promises: pure but for new ids; everything that a recorded decision changes is here, so that one statement
//! ([`crate::motions::store::record()`]) can write it, for one account or for many.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::MotionError;
use super::orchestrate::Ask;
use crate::accounts::Current;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::{AccountId, new_id};
use crate::motions::decide::{Decision, Effect, Verdict, decide};
use crate::motions::document::{DecisionDocument, Meta, document, skill_payload};
use crate::motions::model::{Ledger, Motion, Outcome, Signals};
use crate::motions::policy::Policy;
use crate::motions::recheck::{DECISION_RECORDED, digest};
use crate::motions::signals::{self, Failing};
use crate::motions::store::{Guards, NewClaim, NewConflict, NewDecision, NewDelivery};
use crate::platform::audit;

/// A decision about one account with everything that it was made of.
pub(super) struct Considered {
    pub(super) account_id: String,
    pub(super) trigger: &'static str,
    pub(super) actor: String,
    pub(super) policy: Arc<Policy>,
    pub(super) guards: Guards,
    pub(super) decision: Decision,
    pub(super) document: DecisionDocument,
    pub(super) fingerprint: String,
    meta: Meta,
    pub(super) signals: Signals,
    ledger: Ledger,
    now: DateTime,
    /// The texts as they are stored, and as their digests stand in the audit log.
    document_text: String,
    ledger_text: String,
}

impl Considered {
    /// Decides about an account.
    pub(super) fn new(
        current: &Current,
        ask: &Ask,
        policy: Arc<Policy>,
        guards: Guards,
        failing: Failing,
        now: DateTime,
    ) -> Result<Self, MotionError> {
        let signals = signals::derive(policy.definitions(), &current.state, failing, now);
        let ledger = guards.ledger(&current.state);
        let decision = decide(&policy, &signals, &ledger, now);
        let meta = Meta {
            account_id: AccountId::parse(current.account_id.clone())?,
            decision_id: new_id(now),
            dry_run: ask.dry_run,
        };
        let document = document(&policy, &signals, &ledger, &decision, &meta);
        Ok(Self {
            account_id: current.account_id.clone(),
            trigger: ask.trigger.name(),
            actor: ask.actor.clone(),
            fingerprint: fingerprint(&decision, &policy),
            document_text: serde_json::to_string(&document)?,
            ledger_text: serde_json::to_string(&ledger)?,
            policy,
            guards,
            decision,
            document,
            meta,
            signals,
            ledger,
            now,
        })
    }

    /// Whether it says what the latest recorded decision says.
    pub(super) fn says_the_same(&self) -> bool {
        self.guards.latest.as_ref().is_some_and(|latest| latest.fingerprint == self.fingerprint)
    }

    /// The rows of the decision and of what follows from it.
    pub(super) fn rows(&self) -> Result<NewDecision<'_>, serde_json::Error> {
        let effects = &self.decision.effects;
        Ok(NewDecision {
            account_id: &self.account_id,
            id: self.document.decision_id,
            decided_at: self.now,
            policy_version: self.policy.version(),
            trigger: self.trigger,
            outcome: self.decision.outcome.name(),
            motion: self.document.recommendation.motion.map(Motion::name),
            exit_state: &self.document.exit_state,
            matched_rule: &self.document.matched_rule,
            confidence: self.document.recommendation.confidence,
            document: &self.document_text,
            ledger: &self.ledger_text,
            resumes: self.resumes(),
            fingerprint: &self.fingerprint,
            claim: self.claim(),
            touch: effects.contains(&Effect::Touch).then(|| new_id(self.now)),
            deliveries: self.deliveries()?,
            hot: self.policy.is_hot(&self.signals, &self.ledger, self.now),
            conflict: self.conflict(),
        })
    }

    /// What the audit log says of it.
    pub(super) fn entry(&self) -> audit::Entry {
        audit::Entry::new(
            &self.actor,
            DECISION_RECORDED,
            format!("decision:{}", self.document.decision_id),
            json!({
                "outcome": self.decision.outcome.name(),
                "motion": self.document.recommendation.motion.map(Motion::name),
                "policyVersion": self.policy.version(),
                "trigger": self.trigger,
                "decision": digest(&self.document_text),
                "ledger": digest(&self.ledger_text),
            }),
        )
    }

    /// The claims of holders that `RevOps` switched away from: they give way before the new claim is taken.
    pub(super) fn switched(&self) -> Vec<Uuid> {
        let effects = self.decision.effects.iter();
        effects
            .filter_map(|effect| match effect {
                Effect::Release { claim_id } => Some(*claim_id),
                _ => None,
            })
            .collect()
    }

    /// The claims that are over: the next claim frees the account from them.
    pub(super) fn expired(&self) -> Vec<Uuid> {
        let claims = self.guards.claims.iter();
        claims.filter(|claim| claim.expires_at <= self.now).map(|claim| claim.id).collect()
    }

    /// Whether the decision takes a hold.
    pub(super) fn claims(&self) -> bool {
        self.decision.effects.iter().any(|effect| matches!(effect, Effect::Claim { .. }))
    }

    /// The hold that the decision takes.
    fn claim(&self) -> Option<NewClaim<'_>> {
        self.decision.effects.iter().find_map(|effect| match effect {
            Effect::Claim { expires_at, pairs, .. } => Some(NewClaim {
                id: new_id(self.now),
                expires_at: *expires_at,
                reasoning: &self.document.recommendation.reasoning,
                pairs: pairs.iter().map(ToString::to_string).collect(),
            }),
            _ => None,
        })
    }

    /// The calls of downstream skills, each with its body: written once, sent as often as it takes.
    fn deliveries(&self) -> Result<Vec<NewDelivery>, serde_json::Error> {
        let skills = self.decision.effects.iter().filter_map(|effect| match effect {
            Effect::CallSkill { skill } => Some(skill),
            _ => None,
        });
        skills
            .map(|skill| {
                let data = skill_payload(
                    &self.policy,
                    skill,
                    &self.signals,
                    &self.ledger,
                    &self.decision,
                    &self.meta,
                );
                let body = json!({ "type": skill, "timestamp": self.now, "data": data });
                Ok(NewDelivery {
                    id: new_id(self.now),
                    destination: skill.to_string(),
                    payload: serde_json::to_string(&body)?,
                })
            })
            .collect()
    }

    /// The question for `RevOps`.
    fn conflict(&self) -> Option<NewConflict<'_>> {
        self.decision.effects.iter().find_map(|effect| match effect {
            Effect::OpenConflict { holder_claim, holder, .. } => Some(NewConflict {
                id: new_id(self.now),
                holder_claim: *holder_claim,
                holder_motion: holder.name(),
                holder_reason: self
                    .ledger
                    .claims
                    .iter()
                    .find(|claim| claim.id == *holder_claim)
                    .map_or("", |claim| &claim.reasoning),
                wanted_reason: &self.document.recommendation.reasoning,
            }),
            _ => None,
        })
    }

    /// The deferred, blocked or conflicting decision that this one resumes.
    fn resumes(&self) -> Option<Uuid> {
        let latest = self.guards.latest.as_ref()?;
        let waited = matches!(latest.outcome.as_str(), "deferred" | "blocked" | "conflict");
        let goes_on = matches!(self.decision.outcome, Outcome::Executed | Outcome::Continued);
        (waited && goes_on).then_some(latest.decision_id)
    }
}

/// What a decision says, without when and on which numbers: a look that says the same as the latest decision
/// is not put on record again.
pub(super) fn fingerprint(decision: &Decision, policy: &Policy) -> String {
    let failed = decision
        .guardrails
        .iter()
        .filter(|guardrail| guardrail.verdict == Verdict::Failed)
        .map(|guardrail| guardrail.id.name());
    let motion = decision.motion.map_or("none", Motion::name);
    let rule = policy.branches().get(decision.matched).map_or("", |branch| branch.id.as_str());
    let mut text = format!("{}:{motion}:{rule}", decision.outcome.name());
    for id in failed {
        text.push(':');
        text.push_str(id);
    }
    text
}
