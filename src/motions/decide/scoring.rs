//! Scores of motions and the ranking of a branch's candidates.

use super::decision::{MotionScore, Ranked};
use crate::motions::model::Motion;
use crate::motions::policy::vocabulary::Scope;
use crate::motions::policy::{Branch, Policy};

/// Six decimals: what is stored, and exact when read back.
pub fn round6(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// The score of every motion, in the order of [`Motion::ALL`].
pub fn scores(policy: &Policy, scope: Scope<'_>) -> [MotionScore; 5] {
    Motion::ALL.map(|motion| {
        let rules = policy.motion(motion);
        let (mut fired, mut fit) = (0, 0.0);
        for (index, indicator) in rules.indicators.iter().enumerate() {
            if indicator.when.holds(scope) {
                fired |= 1 << index;
                fit += indicator.weight;
            }
        }
        MotionScore { motion, score: round6(rules.weight * fit), fit: round6(fit), fired }
    })
}

/// The candidates of a branch, best first: by score, then by the motion's own weight, then by its place in
/// [`Motion::ALL`]. The order of the file plays no part.
pub fn rank(branch: Option<&Branch>, scores: &[MotionScore; 5], policy: &Policy) -> Vec<Ranked> {
    let candidates = branch.map_or(&[][..], |branch| &branch.candidates);
    let mut ranked: Vec<Ranked> = Vec::with_capacity(candidates.len());
    for (candidate, rules) in candidates.iter().enumerate() {
        ranked.push(Ranked { candidate, motion: rules.motion, score: scores[rules.motion.index()].score });
    }
    let weight = |ranked: &Ranked| policy.motion(ranked.motion).weight;
    ranked.sort_unstable_by(|a, b| {
        b.score.total_cmp(&a.score).then(weight(b).total_cmp(&weight(a))).then(a.motion.cmp(&b.motion))
    });
    ranked
}
