//! The values of motion routing: motions, the signals they are judged by, the ledger that guards them, and
//! the decision that comes out.
//!
//! Promises: a decision is a function of (policy, signals, ledger, now) and all four are values of this
//! module or of the policy; what is stored of a decision is enough to compute it again.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::model::OverlapKind;
use crate::kernel::clock::DateTime;

/// A way of going to market for one account.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    PlgSelfServe,
    SalesAssist,
    SalesLed,
    PartnerCoSell,
    PartnerSourced,
}

impl Motion {
    pub const ALL: [Self; 5] =
        [Self::PlgSelfServe, Self::SalesAssist, Self::SalesLed, Self::PartnerCoSell, Self::PartnerSourced];

    /// The name in policies, in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlgSelfServe => "plg_self_serve",
            Self::SalesAssist => "sales_assist",
            Self::SalesLed => "sales_led",
            Self::PartnerCoSell => "partner_co_sell",
            Self::PartnerSourced => "partner_sourced",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|motion| motion.name() == name)
    }

    /// The position in [`Motion::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The words for a reader.
    pub fn label(self) -> &'static str {
        match self {
            Self::PlgSelfServe => "Self-serve growth",
            Self::SalesAssist => "Sales assist",
            Self::SalesLed => "Sales-led",
            Self::PartnerCoSell => "Partner co-sell",
            Self::PartnerSourced => "Partner-sourced",
        }
    }

    /// Product-led, sales or partner.
    pub fn family(self) -> Family {
        match self {
            Self::PlgSelfServe => Family::Plg,
            Self::SalesAssist | Self::SalesLed => Family::Sales,
            Self::PartnerCoSell | Self::PartnerSourced => Family::Partner,
        }
    }
}

/// The family a motion belongs to; `analysis.currentMotion` speaks in these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    None,
    Plg,
    Sales,
    Partner,
}

impl Family {
    pub const ALL: [Self; 4] = [Self::None, Self::Plg, Self::Sales, Self::Partner];

    /// The name in policies and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Plg => "plg",
            Self::Sales => "sales",
            Self::Partner => "partner",
        }
    }
}

/// Company size class.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = SizeClass)]
pub enum Segment {
    Smb,
    MidMarket,
    Enterprise,
    Unknown,
}

impl Segment {
    pub const ALL: [Self; 4] = [Self::Smb, Self::MidMarket, Self::Enterprise, Self::Unknown];

    /// The name in policies and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smb => "smb",
            Self::MidMarket => "mid_market",
            Self::Enterprise => "enterprise",
            Self::Unknown => "unknown",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|segment| segment.name() == name)
    }
}

/// The stage of a deal in the service's own terms; policies map each CRM's names to these.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DealStage {
    /// No deal at all.
    None,
    /// Open, in a stage the mapping does not know: reported, never guessed to be closed.
    Open,
    Discovery,
    Qualification,
    Proposal,
    Negotiation,
    Closing,
    ClosedWon,
    ClosedLost,
}

impl DealStage {
    /// In the order in which a deal moves.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Open,
        Self::Discovery,
        Self::Qualification,
        Self::Proposal,
        Self::Negotiation,
        Self::Closing,
        Self::ClosedWon,
        Self::ClosedLost,
    ];

    /// The name in policies and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Open => "open",
            Self::Discovery => "discovery",
            Self::Qualification => "qualification",
            Self::Proposal => "proposal",
            Self::Negotiation => "negotiation",
            Self::Closing => "closing",
            Self::ClosedWon => "closed_won",
            Self::ClosedLost => "closed_lost",
        }
    }

    /// Whether a deal in this stage is still open.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::None | Self::ClosedWon | Self::ClosedLost)
    }
}

/// Where a group of signals came from and how fresh it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The source of the newest fact in the group; `none` when nothing is known.
    pub source: String,
    /// When the newest fact of the group was true.
    pub as_of: Option<DateTime>,
    /// The system that keeps the group fresh cannot be read at present: the stored values stand, and count as no evidence.
    #[serde(default)]
    pub degraded: bool,
}

/// What the decision sees of an account: five groups, each with its provenance, and what the account asked
/// for. Numbers are rounded to what is stored, so that a replay sees the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signals {
    pub lifecycle: LifecycleSignals,
    pub usage: UsageSignals,
    pub crm: CrmSignals,
    pub partner: PartnerSignals,
    pub intent: IntentSignals,
}

/// Segment and lifecycle stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleSignals {
    pub segment: Segment,
    /// Which evidence the segment rests on: `lifecycle`, `employee_count`, `seats`, `plan_tier`, `none`.
    pub segment_basis: String,
    pub stage: Option<String>,
    /// How well the account fits the ideal customer profile, 0–1, from policy.
    pub icp_fit: f64,
    pub provenance: Provenance,
}

/// Product usage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageSignals {
    /// 0–100, the weighted blend of the three that follow.
    pub depth: f64,
    /// 0–100: distinct features used in the window out of the catalogue.
    pub breadth: f64,
    /// 0–100: active days in the window out of the days expected.
    pub frequency: f64,
    /// 0–100: weekly active users out of seats.
    pub penetration: f64,
    /// Distinct recorded days.
    pub days: u32,
    /// Days from the first to the last recorded day, both counted.
    pub history_days: u32,
    /// Change in percent of the last trend window against the one before; absent without a basis.
    pub trend_pct: Option<f64>,
    pub plateau: bool,
    /// Highest daily active users of the last seven days.
    pub weekly_active_users: u64,
    pub seats: Option<u64>,
    /// The features most used in the window, most used first.
    pub top_features: Vec<String>,
    /// `new_department_users`, `<feature>_usage_spike`, `usage_spike`, `seats_nearly_full`.
    pub expansion_signals: Vec<String>,
    pub provenance: Provenance,
}

/// What the CRM knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrmSignals {
    pub name: Option<String>,
    pub industry: Option<String>,
    pub country: Option<String>,
    pub employee_count: Option<u64>,
    pub plan_tier: Option<String>,
    pub owner_id: Option<String>,
    pub territory: Option<String>,
    pub tech_stack: Vec<String>,
    /// Open deals.
    pub active_deals: u32,
    /// The furthest stage of an open deal; of the newest closed one when none is open.
    pub deal_stage: DealStage,
    /// The deal that stage belongs to.
    pub deal: Option<DealSignals>,
    /// The stages of all open deals, each once, in order.
    pub open_stages: Vec<DealStage>,
    /// Stage names of open deals that the mapping does not know.
    pub unknown_stages: Vec<String>,
    /// A deal, or a conversation, ever.
    pub prior_engagement: bool,
    /// Open tickets, and whether one of them is escalated.
    pub open_tickets: u32,
    pub ticket_escalated: bool,
    pub provenance: Provenance,
}

/// The deal that speaks for the account: what a downstream skill is told about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DealSignals {
    pub id: String,
    pub name: Option<String>,
    /// As the CRM calls it.
    pub stage_name: Option<String>,
    /// Decimal text, never a float.
    pub amount: Option<String>,
    pub currency: Option<String>,
    pub expected_close_date: Option<chrono::NaiveDate>,
}

/// What partners bring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartnerSignals {
    /// Active overlaps, strongest first within a partner; partners by id.
    pub overlaps: Vec<PartnerOverlap>,
    /// Partners who referred the account within the policy's window, newest first.
    pub referrals: Vec<String>,
    /// When the partner source last confirmed to be in step.
    pub synced_at: Option<DateTime>,
    pub provenance: Provenance,
}

/// One active overlap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartnerOverlap {
    pub partner_id: String,
    pub overlap_type: OverlapKind,
    /// 0–1.
    pub strength: f64,
}

/// Observed intent within the policy's window, by kind, 0–1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentSignals {
    pub kinds: std::collections::BTreeMap<String, f64>,
    pub provenance: Provenance,
}

/// What guards the account: who runs on it now, how often it was touched, what it asked for.
/// Read under the account's lock, stored with the decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Ledger {
    /// Claims that are neither released nor expired, oldest first.
    pub claims: Vec<Claim>,
    /// Touches of the last seven days, oldest first.
    pub touches: Vec<Touch>,
    /// Motions that `RevOps` paused on this account.
    pub pauses: Vec<Pause>,
    pub preferences: PreferenceView,
    /// Live consents by purpose, with their expiry; without those that name a person, because decisions hold no people.
    pub consents: std::collections::BTreeMap<String, ConsentView>,
    /// A motion that `RevOps` switched to by resolving a conflict: it may take over from the holder once.
    pub switch_to: Option<Motion>,
}

/// A motion's hold on an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    pub id: Uuid,
    pub motion: Motion,
    pub claimed_at: DateTime,
    /// From this instant on the claim no longer excludes others.
    pub expires_at: DateTime,
    pub decision_id: Uuid,
    /// Why it was taken: the reasoning of its decision.
    pub reasoning: String,
}

/// One contact with the account by any channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Touch {
    pub at: DateTime,
    /// `decision`, or the channel that an event reported.
    pub origin: String,
}

/// A motion that must rest on this account until an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    pub motion: Motion,
    pub until: DateTime,
    pub conflict_id: Uuid,
}

/// Explicit preferences, resolved to the motions that exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PreferenceView {
    /// Empty: all are allowed.
    pub allowed: Vec<Motion>,
    pub blocked: Vec<Motion>,
    pub do_not_contact: bool,
}

/// A consent as it stood when the decision was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentView {
    pub granted: bool,
    pub legal_basis: Option<String>,
    pub expires_at: Option<DateTime>,
}

/// How a decision ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The motion was taken: claim, touch, downstream calls, handoff.
    Executed,
    /// The motion already holds the account: nothing is done twice.
    Continued,
    /// No branch matched: keep watching.
    Monitoring,
    /// A data quality gate failed: waits for what is named.
    Deferred,
    /// A guardrail forbids it now.
    Blocked,
    /// A competing motion holds the account: `RevOps` decides.
    Conflict,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::Continued => "continued",
            Self::Monitoring => "monitoring",
            Self::Deferred => "deferred",
            Self::Blocked => "blocked",
            Self::Conflict => "conflict",
        }
    }
}
