//! The fields of the decision document.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::motions::decide::{Awaited, Detail, GuardrailId, Verdict};
use crate::motions::model::{Family, Motion, Outcome, Segment, Signals};
use crate::motions::policy::Urgency;

/// A decision with everything that explains it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionDocument {
    pub account_id: String,
    pub analysis: Analysis,
    pub recommendation: Recommendation,
    /// Absent (null) where no responsibility passes now.
    #[schema(required)]
    pub handoff: Option<HandoffView>,
    pub exit_state: String,
    pub outcome: Outcome,
    pub decision_id: Uuid,
    pub policy_version: String,
    pub decided_at: DateTime,
    /// Nothing was written but this preview.
    pub dry_run: bool,
    /// The id of the branch that matched.
    pub matched_rule: String,
    pub confidence: ConfidenceView,
    /// All five motions.
    pub scores: Vec<ScoreView>,
    /// The candidates of the matched branch, best first.
    pub candidates: Vec<CandidateView>,
    /// All branches, in order.
    pub branches: Vec<BranchView>,
    pub guardrails: Vec<GuardrailView>,
    /// What would let a stopped decision through.
    pub waits_for: Vec<Awaited>,
    /// When time alone would let it through.
    #[schema(required)]
    pub wake_at: Option<DateTime>,
    /// What the decision saw, with source and time of every group.
    pub signals: Signals,
}

/// Where the account stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionAnalysis)]
pub struct Analysis {
    pub current_motion: Family,
    pub segment_fit: Segment,
    /// Usage depth as a whole number, 0–100.
    #[schema(minimum = 0, maximum = 100)]
    pub usage_score: u8,
    /// Partners with an active overlap, by id.
    pub partner_overlap: Vec<String>,
    /// `no_active_opportunity`, or the furthest stage of an open deal.
    pub deal_status: String,
}

/// What is right now, executed or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionRecommendation)]
pub struct Recommendation {
    /// Absent (null) when no motion is called for.
    #[schema(required)]
    pub motion: Option<Motion>,
    /// 0–1, two decimals.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: f64,
    pub reasoning: String,
    #[schema(required)]
    pub next_skill: Option<String>,
    pub parallel_actions: Vec<String>,
}

/// The handoff that the decision makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionHandoff)]
pub struct HandoffView {
    pub target_team: String,
    pub handoff_type: String,
    pub context: HandoffContext,
    pub urgency: Urgency,
    /// As the policy has it, such as `48h`.
    pub sla: String,
    /// The CRM's owner of the account, who takes it before every routing rule.
    #[schema(required)]
    pub owner_id: Option<String>,
}

/// What the receiving team is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionHandoffContext)]
pub struct HandoffContext {
    pub top_features: Vec<String>,
    pub expansion_signals: Vec<String>,
    /// Absent (null) without a partner, or without the consent to share.
    #[schema(required)]
    pub partner_context: Option<String>,
}

/// How sure the decision is, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionConfidence)]
pub struct ConfidenceView {
    pub value: f64,
    /// Share of the chosen motion's indicators that fired.
    pub fit: f64,
    /// Lead over the next candidate.
    pub lead: f64,
    /// Share of the five groups of signals that are present and fresh.
    pub evidence: f64,
    pub explanation: String,
}

/// A motion's score and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MotionScore)]
pub struct ScoreView {
    pub motion: Motion,
    pub weight: f64,
    pub score: f64,
    pub indicators: Vec<IndicatorView>,
}

/// An indicator and what it added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IndicatorScore)]
pub struct IndicatorView {
    pub id: String,
    pub condition: String,
    pub fired: bool,
    pub weight: f64,
    /// Motion weight × indicator weight where it fired, else 0.
    pub contribution: f64,
}

/// A candidate in its rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionCandidate)]
pub struct CandidateView {
    pub motion: Motion,
    pub score: f64,
    pub chosen: bool,
    pub next_skill: String,
    pub exit_state: String,
}

/// A branch and how it was met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BranchTrial)]
pub struct BranchView {
    pub id: String,
    pub says: String,
    pub condition: String,
    pub verdict: BranchVerdict,
    /// The parts of the condition that did not hold.
    pub failing: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BranchVerdict {
    Matched,
    NotMatched,
    /// An earlier branch had matched.
    NotTried,
}

/// A guardrail and what it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GuardrailResult)]
pub struct GuardrailView {
    pub id: GuardrailId,
    pub outcome: Verdict,
    /// Whether a failure stops the decision; otherwise it only shapes what is done.
    pub blocking: bool,
    /// A sentence for a reader.
    pub detail: String,
    /// The same in numbers and instants.
    pub facts: Detail,
}
