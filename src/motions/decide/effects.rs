//! What a decision brings about, as data.

use std::sync::Arc;

use super::decision::Effect;
use super::guardrails;
use crate::kernel::clock::DateTime;
use crate::motions::model::Outcome;
use crate::motions::policy::vocabulary::Scope;
use crate::motions::policy::{Candidate, Policy};

/// The effects of an outcome, in the order in which they are performed.
pub fn of(
    policy: &Policy,
    scope: Scope<'_>,
    candidate: &Candidate,
    outcome: Outcome,
    withheld: bool,
) -> Vec<Effect> {
    match outcome {
        Outcome::Executed => executed(policy, scope, candidate, withheld),
        Outcome::Conflict => conflict(policy, scope, candidate),
        Outcome::Continued | Outcome::Monitoring | Outcome::Deferred | Outcome::Blocked => Vec::new(),
    }
}

fn executed(policy: &Policy, scope: Scope<'_>, candidate: &Candidate, withheld: bool) -> Vec<Effect> {
    let rules = policy.guardrails();
    let (ledger, motion) = (scope.ledger, candidate.motion);
    let mut effects = Vec::with_capacity(6 + candidate.parallel.len());
    // Whoever still holds a competing claim here gives way to a switch; else there is nobody.
    let rivals = guardrails::rivals(rules, ledger, motion, scope.now);
    effects.extend(rivals.map(|claim| Effect::Release { claim_id: claim.id }));
    if ledger.switch_to == Some(motion) {
        effects.push(Effect::ConsumeSwitch);
    }
    let expires_at = scope.now.checked_add_signed(rules.exclusivity).unwrap_or(DateTime::MAX_UTC);
    effects.push(Effect::Claim { motion, expires_at, pairs: rules.pairs[motion.index()].clone() });
    effects.push(Effect::Touch);
    let skills = std::iter::once(&candidate.skill).chain(&candidate.parallel);
    effects.extend(skills.map(|skill| Effect::CallSkill { skill: skill.clone() }));
    if let Some(handoff) = &candidate.handoff {
        let crm_owner_first = scope.signals.crm.owner_id.is_some();
        effects.push(Effect::OpenHandoff { handoff: handoff.clone(), crm_owner_first });
    }
    if withheld {
        effects.push(Effect::WithholdPartnerData { purpose: Arc::from(rules.consent_purpose.as_str()) });
    }
    effects
}

fn conflict(policy: &Policy, scope: Scope<'_>, candidate: &Candidate) -> Vec<Effect> {
    let wanted = candidate.motion;
    let holder = guardrails::holder(policy.guardrails(), scope.ledger, wanted, scope.now);
    let open = |claim: &crate::motions::model::Claim| Effect::OpenConflict {
        holder_claim: claim.id,
        holder: claim.motion,
        wanted,
    };
    holder.map(open).into_iter().collect()
}
