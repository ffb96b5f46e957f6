//! What a decision is: outcome, explanation and effects as values.
//!
//! Promises: positions refer to the policy whose version is stored with the decision; numbers are rounded,
//! so that a decision written and read back is equal to itself; reason codes are stable.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::motions::model::{DealStage, Motion, Outcome};
use crate::motions::policy::{Candidate, HandoffBlock, Policy};

/// A decision for one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub decided_at: DateTime,
    pub outcome: Outcome,
    /// The motion that is right now, executed or not; absent when monitoring.
    pub motion: Option<Motion>,
    /// The candidate's exit where it was executed or continues; `idle`, `deferred`, `blocked`, `conflict`.
    pub exit_state: Arc<str>,
    /// The branches that were tried, in order; the last one matched.
    pub branches: Vec<BranchTrial>,
    /// The position of the branch that matched.
    pub matched: usize,
    /// In the order of [`Motion::ALL`].
    pub scores: [MotionScore; 5],
    /// The candidates of the matched branch, best first.
    pub candidates: Vec<Ranked>,
    pub confidence: Confidence,
    /// In the order of [`GuardrailId::ALL`].
    pub guardrails: [Guardrail; 11],
    pub partner_data_withheld: bool,
    /// What is to be done, in order; empty unless executed or in conflict.
    pub effects: Vec<Effect>,
    /// When time alone would let a stopped decision through.
    pub wake_at: Option<DateTime>,
    /// What would let a stopped decision through.
    pub waits_for: WaitsFor,
}

impl Decision {
    /// The chosen candidate with its skill, parallel actions, exit and handoff; none when monitoring.
    pub fn candidate<'p>(&self, policy: &'p Policy) -> Option<&'p Candidate> {
        let best = self.candidates.first()?;
        policy.branches().get(self.matched)?.candidates.get(best.candidate)
    }

    /// The guardrails that stop the decision.
    pub fn stopped_by(&self) -> impl Iterator<Item = &Guardrail> {
        self.guardrails.iter().filter(|guardrail| guardrail.stops())
    }
}

/// A branch that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchTrial {
    pub matched: bool,
    /// One bit for each part of the condition that did not hold.
    pub failing: u32,
}

/// A motion's score: its weight times the weights of the indicators that fired.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MotionScore {
    pub motion: Motion,
    /// 0 up to the motion's weight, 6 decimals.
    pub score: f64,
    /// Share of the motion's indicators that fired, by weight: 0–1, 6 decimals.
    pub fit: f64,
    /// One bit for each indicator that fired.
    pub fired: u32,
}

/// A candidate in its rank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// The position in the branch.
    pub candidate: usize,
    pub motion: Motion,
    pub score: f64,
}

/// How sure the decision is, and of what that is made. All 0–1, 4 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Confidence {
    pub value: f64,
    /// How well the chosen motion fits: the share of its indicators that fired.
    pub fit: f64,
    /// Its lead over the next candidate of the branch, relative to its own score; 1 when it is alone.
    pub lead: f64,
    /// The share of the five groups of signals that are present and fresh.
    pub evidence: f64,
}

/// The guardrails, in the order in which they are reported. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailId {
    MotionExclusivity,
    UsageDataDays,
    CrmFreshness,
    PartnerSync,
    TouchBudget,
    MotionPreferences,
    DoNotContact,
    MotionPause,
    DealStageFreeze,
    PartnerConsent,
    AccountOwnership,
}

impl GuardrailId {
    pub const ALL: [Self; 11] = [
        Self::MotionExclusivity,
        Self::UsageDataDays,
        Self::CrmFreshness,
        Self::PartnerSync,
        Self::TouchBudget,
        Self::MotionPreferences,
        Self::DoNotContact,
        Self::MotionPause,
        Self::DealStageFreeze,
        Self::PartnerConsent,
        Self::AccountOwnership,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::MotionExclusivity => "motion_exclusivity",
            Self::UsageDataDays => "usage_data_days",
            Self::CrmFreshness => "crm_freshness",
            Self::PartnerSync => "partner_sync",
            Self::TouchBudget => "touch_budget",
            Self::MotionPreferences => "motion_preferences",
            Self::DoNotContact => "do_not_contact",
            Self::MotionPause => "motion_pause",
            Self::DealStageFreeze => "deal_stage_freeze",
            Self::PartnerConsent => "partner_consent",
            Self::AccountOwnership => "account_ownership",
        }
    }

    /// What failing means.
    pub fn class(self) -> Class {
        match self {
            Self::MotionPreferences | Self::DoNotContact | Self::MotionPause | Self::DealStageFreeze => {
                Class::Forbidden
            }
            Self::UsageDataDays | Self::CrmFreshness | Self::PartnerSync => Class::Data,
            Self::MotionExclusivity => Class::Exclusivity,
            Self::TouchBudget => Class::Budget,
            Self::PartnerConsent | Self::AccountOwnership => Class::Shaping,
        }
    }
}

/// What the failing of a guardrail does, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Blocked.
    Forbidden,
    /// Deferred.
    Data,
    /// Conflict.
    Exclusivity,
    /// Blocked.
    Budget,
    /// Shapes what is done and never stops it.
    Shaping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GuardrailVerdict)]
pub enum Verdict {
    Passed,
    Failed,
    NotApplicable,
}

/// A guardrail as it was checked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guardrail {
    pub id: GuardrailId,
    pub verdict: Verdict,
    pub detail: Detail,
}

impl Guardrail {
    pub fn not_applicable(id: GuardrailId, reason: NotApplicable) -> Self {
        Self { id, verdict: Verdict::NotApplicable, detail: Detail::NotApplicable { reason } }
    }

    /// Whether it failed and that stops the decision.
    pub fn stops(&self) -> bool {
        self.verdict == Verdict::Failed && self.id.class() != Class::Shaping
    }
}

/// Why a guardrail has nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GuardrailNotApplicable)]
pub enum NotApplicable {
    /// No motion is wanted.
    NoMotion,
    /// The guardrail is for other motions.
    OtherMotions,
    /// The motion already runs: nothing new is done.
    Continuation,
    /// Nothing of a partner would be shared.
    NoPartnerData,
    /// The CRM names no owner.
    NoOwner,
}

/// What a guardrail saw. Names of fields are said at each variant, because only there the published schema reads them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = GuardrailFacts)]
pub enum Detail {
    NotApplicable {
        reason: NotApplicable,
    },
    /// No competing motion holds the account.
    Free,
    /// A competing motion holds it until then.
    #[serde(rename_all = "camelCase")]
    Held {
        claim_id: Uuid,
        by: Motion,
        until: DateTime,
    },
    /// `RevOps` decided that the wanted motion takes over from the holder.
    #[serde(rename_all = "camelCase")]
    TakesOver {
        claim_id: Uuid,
        from: Motion,
    },
    UsageDays {
        days: u32,
        needed: u32,
    },
    /// Data as of then, against the oldest that is taken.
    #[serde(rename_all = "camelCase")]
    Age {
        as_of: Option<DateTime>,
        max_age_hours: u32,
    },
    #[serde(rename_all = "camelCase")]
    Touches {
        count: u32,
        limit: u32,
        window_days: u32,
        frees_at: Option<DateTime>,
    },
    /// The account allows only other motions.
    NotAllowed,
    /// The account does not want this motion.
    BlockedMotion,
    PreferencesAllow,
    #[serde(rename_all = "camelCase")]
    Contact {
        do_not_contact: bool,
    },
    NotPaused,
    #[serde(rename_all = "camelCase")]
    Paused {
        until: DateTime,
        conflict_id: Uuid,
    },
    DealStage {
        stage: DealStage,
    },
    #[serde(rename_all = "camelCase")]
    Consent {
        granted: bool,
        expires_at: Option<DateTime>,
    },
    /// The CRM's owner takes the handoff, before every routing rule.
    Owned,
}

impl Detail {
    /// When what is seen ends by time alone.
    pub fn ends_at(&self) -> Option<DateTime> {
        match self {
            Self::Held { until, .. } | Self::Paused { until, .. } => Some(*until),
            Self::Touches { frees_at, .. } => *frees_at,
            _ => None,
        }
    }
}

impl Guardrail {
    /// What would release it.
    pub fn released_by(&self) -> WaitsFor {
        match self.id {
            GuardrailId::MotionExclusivity => WaitsFor::CONFLICT_RESOLUTION.and(WaitsFor::TIME),
            GuardrailId::UsageDataDays => WaitsFor::USAGE,
            GuardrailId::CrmFreshness => WaitsFor::CRM_SYNC,
            GuardrailId::PartnerSync => WaitsFor::PARTNER_SYNC,
            GuardrailId::TouchBudget | GuardrailId::MotionPause => WaitsFor::TIME,
            GuardrailId::MotionPreferences | GuardrailId::DoNotContact => WaitsFor::PREFERENCE,
            GuardrailId::DealStageFreeze => WaitsFor::DEAL_STAGE,
            GuardrailId::PartnerConsent => WaitsFor::CONSENT,
            GuardrailId::AccountOwnership => WaitsFor::default(),
        }
    }
}

/// A set of things that a stopped decision waits for; serialised as a list of names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Awaited>", from = "Vec<Awaited>")]
pub struct WaitsFor(u8);

/// One thing that a stopped decision may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    CrmSync,
    PartnerSync,
    Usage,
    Consent,
    Preference,
    DealStage,
    ConflictResolution,
    Time,
}

impl Awaited {
    pub const ALL: [Self; 8] = [
        Self::CrmSync,
        Self::PartnerSync,
        Self::Usage,
        Self::Consent,
        Self::Preference,
        Self::DealStage,
        Self::ConflictResolution,
        Self::Time,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::CrmSync => "crm_sync",
            Self::PartnerSync => "partner_sync",
            Self::Usage => "usage",
            Self::Consent => "consent",
            Self::Preference => "preference",
            Self::DealStage => "deal_stage",
            Self::ConflictResolution => "conflict_resolution",
            Self::Time => "time",
        }
    }
}

impl WaitsFor {
    pub const CRM_SYNC: Self = Self::of(Awaited::CrmSync);
    pub const PARTNER_SYNC: Self = Self::of(Awaited::PartnerSync);
    pub const USAGE: Self = Self::of(Awaited::Usage);
    pub const CONSENT: Self = Self::of(Awaited::Consent);
    pub const PREFERENCE: Self = Self::of(Awaited::Preference);
    pub const DEAL_STAGE: Self = Self::of(Awaited::DealStage);
    pub const CONFLICT_RESOLUTION: Self = Self::of(Awaited::ConflictResolution);
    pub const TIME: Self = Self::of(Awaited::Time);

    const fn of(awaited: Awaited) -> Self {
        Self(1 << awaited as u8)
    }

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn contains(self, awaited: Awaited) -> bool {
        self.0 & Self::of(awaited).0 != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Awaited> {
        Awaited::ALL.into_iter().filter(move |awaited| self.contains(*awaited))
    }
}

impl From<WaitsFor> for Vec<Awaited> {
    fn from(set: WaitsFor) -> Self {
        set.iter().collect()
    }
}

impl From<Vec<Awaited>> for WaitsFor {
    fn from(list: Vec<Awaited>) -> Self {
        list.into_iter().fold(Self::default(), |set, awaited| set.and(Self::of(awaited)))
    }
}

/// What is to be done; performed by others in one transaction, in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Effect {
    /// The holder gives way: `RevOps` switched.
    Release { claim_id: Uuid },
    /// The ledger's `switch_to` is used up.
    ConsumeSwitch,
    /// The motion takes the account and these pairs.
    Claim { motion: Motion, expires_at: DateTime, pairs: Arc<[Arc<str>]> },
    /// One touch of the account, at the decision's instant.
    Touch,
    /// A downstream skill is called; `skill_payload` makes its data.
    CallSkill { skill: Arc<str> },
    /// Responsibility passes to a team; to the CRM's owner first where there is one.
    OpenHandoff { handoff: HandoffBlock, crm_owner_first: bool },
    /// Partner data was left out for want of this consent: to be audited.
    WithholdPartnerData { purpose: Arc<str> },
    /// The wanted motion meets a holder: `RevOps` decides.
    OpenConflict { holder_claim: Uuid, holder: Motion, wanted: Motion },
}
