//! The decision: which motion an account gets now, and what follows from it.
//!
//! Promises: [`decide`] is total and deterministic, reads nothing but its arguments, and does not depend on
//! the order in which a branch lists its candidates. What it returns explains itself: every rule tried,
//! every score, every guardrail, as positions and numbers that `document` turns into words.
//!
//! Order of precedence. A motion that already holds the account continues, and a continuation does nothing;
//! what the account asked for stops it all the same (do-not-contact, preferences, a pause), for then the
//! motion should no longer run. Otherwise the first of these that fails names the outcome, and all that
//! fail are listed: what is forbidden (preferences, do-not-contact, pause, deal stage) → blocked; missing
//! data → deferred; a competing holder → conflict; the touch budget → blocked.

mod confidence;
mod decision;
mod effects;
mod guardrails;
mod scoring;
#[cfg(test)]
mod tests;

pub use decision::*;
pub use scoring::round6;

use crate::kernel::clock::DateTime;
use crate::motions::model::{Ledger, Outcome, Signals};
use crate::motions::policy::vocabulary::Scope;
use crate::motions::policy::{Branch, Policy};

/// Decides for one account. The ledger's touches need only reach back over the policy's window; claims that
/// have expired at `now` are not seen.
pub fn decide(policy: &Policy, signals: &Signals, ledger: &Ledger, now: DateTime) -> Decision {
    let scope = Scope { signals, ledger, now };
    let scores = scoring::scores(policy, scope);
    let (trials, matched) = ladder(policy.branches(), scope);
    let candidates = scoring::rank(policy.branches().get(matched), &scores, policy);
    let confidence = confidence::of(policy, signals, &scores, &candidates, now);
    let Some(chosen) = candidates.first().copied() else {
        return monitoring(policy, scores, trials, matched, confidence, now);
    };
    let candidate = &policy.branches()[matched].candidates[chosen.candidate];
    let continues = ledger.claims.iter().any(|claim| claim.motion == chosen.motion && claim.expires_at > now);
    let guardrails = guardrails::check(policy, scope, candidate, continues);
    let outcome = outcome(&guardrails, continues);
    let withheld = guardrails[GuardrailId::PartnerConsent as usize].verdict == Verdict::Failed;
    let effects = effects::of(policy, scope, candidate, outcome, withheld);
    let wake_at = wake_at(&guardrails);
    let waits_for = waits_for(&guardrails);
    Decision {
        decided_at: now,
        outcome,
        motion: Some(chosen.motion),
        exit_state: exit_state(outcome, &candidate.exit),
        branches: trials,
        matched,
        scores,
        candidates,
        confidence,
        guardrails,
        partner_data_withheld: withheld,
        effects,
        wake_at,
        waits_for,
    }
}

/// Tries the branches in order up to the first that holds.
fn ladder(branches: &[Branch], scope: Scope<'_>) -> (Vec<BranchTrial>, usize) {
    let mut trials = Vec::with_capacity(branches.len());
    for branch in branches {
        let failing = branch.when.failing(scope);
        trials.push(BranchTrial { matched: failing == 0, failing });
        if failing == 0 {
            break;
        }
    }
    let matched = trials.len().saturating_sub(1);
    (trials, matched)
}

fn monitoring(
    policy: &Policy,
    scores: [MotionScore; 5],
    branches: Vec<BranchTrial>,
    matched: usize,
    confidence: Confidence,
    now: DateTime,
) -> Decision {
    Decision {
        decided_at: now,
        outcome: Outcome::Monitoring,
        motion: None,
        exit_state: policy
            .branches()
            .get(matched)
            .map_or_else(|| "idle".into(), |branch| branch.exit.clone()),
        branches,
        matched,
        scores,
        candidates: Vec::new(),
        confidence,
        guardrails: GuardrailId::ALL.map(|id| Guardrail::not_applicable(id, NotApplicable::NoMotion)),
        partner_data_withheld: false,
        effects: Vec::new(),
        wake_at: None,
        waits_for: WaitsFor::default(),
    }
}

fn outcome(guardrails: &[Guardrail; 11], continues: bool) -> Outcome {
    let fails = |class: Class| {
        guardrails
            .iter()
            .any(|guardrail| guardrail.verdict == Verdict::Failed && guardrail.id.class() == class)
    };
    if fails(Class::Forbidden) {
        Outcome::Blocked
    } else if continues {
        Outcome::Continued
    } else if fails(Class::Data) {
        Outcome::Deferred
    } else if fails(Class::Exclusivity) {
        Outcome::Conflict
    } else if fails(Class::Budget) {
        Outcome::Blocked
    } else {
        Outcome::Executed
    }
}

fn exit_state(outcome: Outcome, exit: &std::sync::Arc<str>) -> std::sync::Arc<str> {
    match outcome {
        Outcome::Executed | Outcome::Continued | Outcome::Monitoring => exit.clone(),
        other => other.name().into(),
    }
}

/// What stops a decision: failed guardrails that do more than withhold.
fn stopping(guardrails: &[Guardrail; 11]) -> impl Iterator<Item = &Guardrail> {
    guardrails.iter().filter(|guardrail| guardrail.stops())
}

/// When time alone would let the decision through: the latest instant at which what stops it ends, when
/// all of it ends by time.
fn wake_at(guardrails: &[Guardrail; 11]) -> Option<DateTime> {
    let mut latest = None;
    for guardrail in stopping(guardrails) {
        latest = latest.max(Some(guardrail.detail.ends_at()?));
    }
    latest
}

fn waits_for(guardrails: &[Guardrail; 11]) -> WaitsFor {
    stopping(guardrails).fold(WaitsFor::default(), |all, guardrail| all.and(guardrail.released_by()))
}
