//! How sure a decision is: fit of the chosen motion, its lead, and the evidence behind it, weighted by the
//! policy. A decision to keep watching has evidence and nothing to be sure of: its value is 0.

use chrono::TimeDelta;

use super::decision::{Confidence, MotionScore, Ranked};
use crate::kernel::clock::DateTime;
use crate::motions::model::{Provenance, Signals};
use crate::motions::policy::Policy;

pub fn of(
    policy: &Policy,
    signals: &Signals,
    scores: &[MotionScore; 5],
    candidates: &[Ranked],
    now: DateTime,
) -> Confidence {
    let rules = policy.confidence();
    let evidence = evidence(signals, &rules.fresh_within, now);
    let Some(best) = candidates.first() else {
        return Confidence { value: 0.0, fit: 0.0, lead: 0.0, evidence };
    };
    let fit = scores[best.motion.index()].fit;
    let lead = match candidates.get(1) {
        None => 1.0,
        Some(_) if best.score <= 0.0 => 0.0,
        Some(next) => (best.score - next.score) / best.score,
    };
    let value = rules.fit_weight * fit + rules.lead_weight * lead + rules.evidence_weight * evidence;
    Confidence { value: round4(value), fit: round4(fit), lead: round4(lead), evidence }
}

fn round4(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The share of the groups that are present and fresh.
fn evidence(signals: &Signals, fresh_within: &[TimeDelta; 5], now: DateTime) -> f64 {
    let groups = [
        &signals.lifecycle.provenance,
        &signals.usage.provenance,
        &signals.crm.provenance,
        &signals.partner.provenance,
        &signals.intent.provenance,
    ];
    let fresh = groups.iter().zip(fresh_within).filter(|(group, max_age)| is_fresh(group, **max_age, now));
    #[expect(clippy::cast_precision_loss, reason = "at most five")]
    let share = fresh.count() as f64 / 5.0;
    share
}

fn is_fresh(group: &Provenance, max_age: TimeDelta, now: DateTime) -> bool {
    !group.degraded && group.as_of.is_some_and(|as_of| now - as_of <= max_age)
}
