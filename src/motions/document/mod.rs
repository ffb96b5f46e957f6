//! The decision as the API tells it: the answer to `orchestrate`, stored as given and complete enough to be
//! computed again.
//!
//! Promises: [`document`] is a function of its arguments; every document has a reasoning in plain words and
//! a sentence for each guardrail; `handoff` is there only when the decision makes one; nothing of a partner
//! is told in a handoff or to a skill without the consent that the policy names.

mod explain;
mod payload;
#[cfg(test)]
mod tests;
mod wire;

use uuid::Uuid;

pub use payload::skill_payload;
pub use wire::*;

use crate::accounts::model::OverlapKind;
use crate::kernel::ids::AccountId;
use crate::motions::decide::Decision;
use crate::motions::model::{Ledger, Motion, Outcome, PartnerOverlap, Signals};
use crate::motions::policy::{Policy, current_motion};

/// What a document says besides the decision itself.
#[derive(Debug, Clone)]
pub struct Meta {
    pub account_id: AccountId,
    pub decision_id: Uuid,
    pub dry_run: bool,
}

/// Tells a decision. `policy`, `signals` and `ledger` are those it was made from.
pub fn document(
    policy: &Policy,
    signals: &Signals,
    ledger: &Ledger,
    decision: &Decision,
    meta: &Meta,
) -> DecisionDocument {
    let candidate = decision.candidate(policy);
    DecisionDocument {
        account_id: meta.account_id.to_string(),
        decision_id: meta.decision_id,
        policy_version: policy.version().to_owned(),
        decided_at: decision.decided_at,
        dry_run: meta.dry_run,
        outcome: decision.outcome,
        analysis: analysis(signals, ledger, decision),
        recommendation: Recommendation {
            motion: decision.motion,
            confidence: two_decimals(decision.confidence.value),
            reasoning: explain::reasoning(policy, signals, ledger, decision),
            next_skill: candidate.map(|candidate| candidate.skill.to_string()),
            parallel_actions: candidate
                .map(|candidate| candidate.parallel.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
        },
        handoff: handoff(policy, signals, decision),
        exit_state: decision.exit_state.to_string(),
        matched_rule: policy
            .branches()
            .get(decision.matched)
            .map_or_else(String::new, |branch| branch.id.clone()),
        confidence: explain::confidence(policy, signals, decision),
        scores: explain::scores(policy, decision),
        candidates: candidates(policy, decision),
        branches: explain::branches(policy, decision),
        guardrails: explain::guardrails(policy, signals, decision),
        waits_for: decision.waits_for.iter().collect(),
        wake_at: decision.wake_at,
        signals: signals.clone(),
    }
}

fn analysis(signals: &Signals, ledger: &Ledger, decision: &Decision) -> Analysis {
    let mut partner_overlap: Vec<String> = Vec::new();
    for overlap in &signals.partner.overlaps {
        if !partner_overlap.contains(&overlap.partner_id) {
            partner_overlap.push(overlap.partner_id.clone());
        }
    }
    let deal_status =
        if signals.crm.active_deals == 0 { "no_active_opportunity" } else { signals.crm.deal_stage.name() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–100")]
    let usage_score = signals.usage.depth.clamp(0.0, 100.0).round() as u8;
    Analysis {
        current_motion: current_motion(signals, ledger, decision.decided_at),
        segment_fit: signals.lifecycle.segment,
        usage_score,
        partner_overlap,
        deal_status: deal_status.to_owned(),
    }
}

fn candidates(policy: &Policy, decision: &Decision) -> Vec<CandidateView> {
    let Some(branch) = policy.branches().get(decision.matched) else { return Vec::new() };
    let view = |(rank, ranked): (usize, &crate::motions::decide::Ranked)| {
        let rules = branch.candidates.get(ranked.candidate)?;
        Some(CandidateView {
            motion: ranked.motion,
            score: ranked.score,
            chosen: rank == 0,
            next_skill: rules.skill.to_string(),
            exit_state: rules.exit.to_string(),
        })
    };
    decision.candidates.iter().enumerate().filter_map(view).collect()
}

fn handoff(policy: &Policy, signals: &Signals, decision: &Decision) -> Option<HandoffView> {
    let block = decision.candidate(policy)?.handoff.as_ref()?;
    if decision.outcome != Outcome::Executed {
        return None;
    }
    Some(HandoffView {
        target_team: block.team.to_string(),
        handoff_type: block.handoff_type.to_string(),
        context: HandoffContext {
            top_features: signals.usage.top_features.clone(),
            expansion_signals: signals.usage.expansion_signals.clone(),
            partner_context: if decision.partner_data_withheld {
                None
            } else {
                partner_context(policy, signals)
            },
        },
        urgency: block.urgency,
        sla: block.sla.to_string(),
        owner_id: signals.crm.owner_id.clone(),
    })
}

/// The strongest relation of a partner with the account, in words; a referral where there is no overlap.
pub fn partner_context(policy: &Policy, signals: &Signals) -> Option<String> {
    if let Some(overlap) = strongest(&signals.partner.overlaps) {
        let name = policy.partner_name(&overlap.partner_id);
        return Some(match overlap.overlap_type {
            OverlapKind::Customer => format!("{name} customer, eligible for co-sell"),
            OverlapKind::Opportunity => format!("{name} has an open opportunity there, eligible for co-sell"),
            OverlapKind::Prospect => format!("{name} prospect, an introduction is possible"),
            OverlapKind::TechStack => format!("{name} is in its technology stack, eligible for co-sell"),
        });
    }
    let partner = signals.partner.referrals.first()?;
    Some(format!("Referred by {}", policy.partner_name(partner)))
}

/// By strength, then customer before opportunity before prospect before technology, then by partner.
fn strongest(overlaps: &[PartnerOverlap]) -> Option<&PartnerOverlap> {
    overlaps.iter().min_by(|a, b| {
        b.strength
            .total_cmp(&a.strength)
            .then(a.overlap_type.cmp(&b.overlap_type))
            .then(a.partner_id.cmp(&b.partner_id))
    })
}

fn two_decimals(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The reasoning alone, as a claim or a conflict keeps it.
pub fn reasoning(policy: &Policy, signals: &Signals, ledger: &Ledger, decision: &Decision) -> String {
    explain::reasoning(policy, signals, ledger, decision)
}

/// A motion's words inside a sentence.
fn inline(motion: Motion) -> String {
    motion.label().to_lowercase()
}
