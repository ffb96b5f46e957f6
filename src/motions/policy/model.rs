//! A compiled policy: what the readers make of the file and what deciding reads.
//!
//! Promises: positions in here (branch, candidate, indicator) are those of the file, and a decision may
//! refer to them as long as it names the policy's version.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

pub use super::cel::Condition;
use crate::motions::model::{DealStage, Motion, Segment};

/// Most branches of a ladder, candidates of a branch and indicators of a motion.
pub const BRANCHES_MAX: usize = 16;
pub const CANDIDATES_MAX: usize = 5;
pub const INDICATORS_MAX: usize = 16;

/// Everything a policy file says.
#[derive(Debug, Default)]
pub struct Rules {
    pub name: String,
    pub description: String,
    pub definitions: Definitions,
    /// In the order of [`Motion::ALL`].
    pub motions: [MotionRules; 5],
    pub branches: Vec<Branch>,
    pub guardrails: Guardrails,
    pub confidence: ConfidenceRules,
    pub skills: Vec<Skill>,
    /// Display names by partner id.
    pub partners: BTreeMap<String, String>,
    pub hot: Condition,
}

/// How facts become signals.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    pub segment: SegmentRules,
    pub usage: UsageRules,
    pub expansion: ExpansionRules,
    pub icp: IcpRules,
    /// How long a referral counts.
    pub referral_window: TimeDelta,
    /// How long an observed intent counts.
    pub intent_window: TimeDelta,
    /// Stages by the CRM's name, lower case, letters and digits only.
    pub deal_stages: BTreeMap<String, DealStage>,
    /// Ticket statuses that mean closed, lower case.
    pub closed_tickets: Vec<String>,
}

/// Company size classes: by employees, else by seats, else by plan.
#[derive(Debug, Clone, Default)]
pub struct SegmentRules {
    pub smb_below_employees: u64,
    pub enterprise_from_employees: u64,
    pub smb_below_seats: u64,
    pub enterprise_from_seats: u64,
    /// By plan tier, lower case.
    pub plan_tiers: BTreeMap<String, Segment>,
}

/// Depth, trend and plateau of usage.
#[derive(Debug, Clone, Default)]
pub struct UsageRules {
    pub window_days: u32,
    pub catalogue_features: u32,
    pub expected_active_days: u32,
    pub breadth_weight: f64,
    pub frequency_weight: f64,
    pub penetration_weight: f64,
    pub top_features: usize,
    pub trend_days: u32,
    pub plateau_band_pct: f64,
    pub plateau_history_days: u32,
    pub plateau_depth: f64,
}

/// When growth shows in usage.
#[derive(Debug, Clone, Default)]
pub struct ExpansionRules {
    pub new_department_days: u32,
    pub spike_recent_days: u32,
    pub spike_base_days: u32,
    pub spike_factor: f64,
    /// Least uses in the recent days for a spike to count.
    pub spike_min_volume: u64,
    pub seats_full_pct: f64,
}

/// The ideal customer profile: each fact that is met adds its weight.
#[derive(Debug, Clone, Default)]
pub struct IcpRules {
    pub industry: Option<AnyOf>,
    pub country: Option<AnyOf>,
    pub tech_stack: Option<AnyOf>,
    pub employees: Option<Between>,
}

/// One of these texts, whatever their case; any known one when empty.
#[derive(Debug, Clone, Default)]
pub struct AnyOf {
    pub values: Vec<String>,
    pub weight: f64,
}

/// A range, both ends included.
#[derive(Debug, Clone, Default)]
pub struct Between {
    pub from: u64,
    pub to: u64,
    pub weight: f64,
}

/// How a motion is judged.
#[derive(Debug, Default)]
pub struct MotionRules {
    pub weight: f64,
    pub indicators: Vec<Indicator>,
}

/// One sign that speaks for a motion.
#[derive(Debug)]
pub struct Indicator {
    pub id: String,
    /// What the sign means in words, with `{word}` where a value belongs.
    pub says: Template,
    pub when: Condition,
    /// Share within the motion.
    pub weight: f64,
    /// Motion weight × indicator weight.
    pub contribution: f64,
}

/// A text with places for the values of words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Word(usize),
}

/// A rule of the ladder.
#[derive(Debug)]
pub struct Branch {
    pub id: String,
    pub says: String,
    pub when: Condition,
    /// Empty for the last branch alone.
    pub candidates: Vec<Candidate>,
    /// The exit state of a branch without candidates.
    pub exit: Arc<str>,
}

/// A motion that a branch may lead to, with what follows from it.
#[derive(Debug)]
pub struct Candidate {
    pub motion: Motion,
    pub skill: Arc<str>,
    pub parallel: Vec<Arc<str>>,
    pub exit: Arc<str>,
    pub handoff: Option<HandoffBlock>,
    /// A skill of it, or its handoff, carries partner data.
    pub shares_partner_data: bool,
}

/// The handoff that a candidate makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandoffBlock {
    pub team: Arc<str>,
    /// The handoff type, such as `plg_to_sales`.
    pub handoff_type: Arc<str>,
    pub urgency: Urgency,
    /// As written, such as `48h`.
    pub sla: Arc<str>,
    pub sla_seconds: i64,
}

#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    Low,
    #[default]
    Medium,
    High,
    Urgent,
}

impl Urgency {
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Urgent];

    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// What guards an account.
#[derive(Debug, Default)]
pub struct Guardrails {
    /// How long a motion owns the account.
    pub exclusivity: TimeDelta,
    /// Whether two motions compete, by their positions; symmetric, without the diagonal.
    pub competing: [[bool; 5]; 5],
    /// The pairs that a claim of each motion owns: itself with each competitor and with itself.
    pub pairs: [Arc<[Arc<str>]>; 5],
    pub touch_limit: u32,
    pub touch_window: TimeDelta,
    pub usage_days: UsageGate,
    pub crm: AgeGate,
    pub partner: AgeGate,
    pub frozen: Vec<DealStage>,
    /// The consent that partner data needs.
    pub consent_purpose: String,
    /// How long both motions rest when `RevOps` pauses both.
    pub conflict_pause: TimeDelta,
}

impl Guardrails {
    pub fn compete(&self, one: Motion, other: Motion) -> bool {
        self.competing[one.index()][other.index()]
    }
}

/// Motions that need some days of usage data.
#[derive(Debug, Default)]
pub struct UsageGate {
    pub motions: Vec<Motion>,
    pub min_days: u32,
}

/// Motions that need data of a source no older than this.
#[derive(Debug, Default)]
pub struct AgeGate {
    pub motions: Vec<Motion>,
    pub max_age: TimeDelta,
}

/// How sure a decision is.
#[derive(Debug, Default)]
pub struct ConfidenceRules {
    pub fit_weight: f64,
    pub lead_weight: f64,
    pub evidence_weight: f64,
    /// How old a group of signals may be to count as fresh: lifecycle, usage, CRM, partner, intent.
    pub fresh_within: [TimeDelta; 5],
}

/// A downstream skill and the data it gets.
#[derive(Debug)]
pub struct Skill {
    pub name: Arc<str>,
    pub data: Vec<SkillData>,
    /// Those of the data that leave only with the partner consent.
    pub needs_consent: Vec<SkillData>,
}

/// A part of what a skill is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkillData {
    UsageContext,
    UpgradeTriggers,
    Segment,
    UsageSummary,
    IntentSignals,
    AccountData,
    MotionHistory,
    PartnerIds,
    OverlapType,
    DealContext,
    PartnerContext,
}

impl SkillData {
    pub const ALL: [Self; 11] = [
        Self::UsageContext,
        Self::UpgradeTriggers,
        Self::Segment,
        Self::UsageSummary,
        Self::IntentSignals,
        Self::AccountData,
        Self::MotionHistory,
        Self::PartnerIds,
        Self::OverlapType,
        Self::DealContext,
        Self::PartnerContext,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::UsageContext => "usage_context",
            Self::UpgradeTriggers => "upgrade_triggers",
            Self::Segment => "segment",
            Self::UsageSummary => "usage_summary",
            Self::IntentSignals => "intent_signals",
            Self::AccountData => "account_data",
            Self::MotionHistory => "motion_history",
            Self::PartnerIds => "partner_ids",
            Self::OverlapType => "overlap_type",
            Self::DealContext => "deal_context",
            Self::PartnerContext => "partner_context",
        }
    }
}

/// The name of the pair of two motions, the same whichever is named first.
pub fn pair(one: Motion, other: Motion) -> String {
    let (first, second) = if one.name() <= other.name() { (one, other) } else { (other, one) };
    format!("{}|{}", first.name(), second.name())
}

/// A stage name of a CRM as the mapping knows it: lower case, letters and digits only, so that the label
/// `Closed Won` and the identifier `closedwon` are one name.
pub fn stage_key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
