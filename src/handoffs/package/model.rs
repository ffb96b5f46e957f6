//! The sections of a package, as they are stored with a handoff and told by the API.
//!
//! Promises: what is stored reads back equal; every list is bounded, and [`Package::omitted`] says how much was left
//! out of which. Instants are UTC, amounts are decimal text.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::model::{Amount, OverlapKind};
use crate::kernel::clock::DateTime;
use crate::motions::model::Segment;

/// Everything that the receiver of a handoff is told. It never changes once the handoff exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffPackage)]
pub struct Package {
    pub account_id: String,
    pub handoff_type: String,
    pub prepared_at: DateTime,
    pub company: Company,
    /// Whoever can be reached first, then the primary contact, then by role.
    pub contacts: Vec<PackageContact>,
    pub journey: Journey,
    pub qualification: QualificationPart,
    /// Absent (null) where there is no deal.
    #[schema(required)]
    pub deal: Option<DealPart>,
    pub expansion: Expansion,
    pub relationship: Relationship,
    pub promises: Promises,
    pub partner: PartnerPart,
    /// The decision that caused the handoff; absent (null) where something else did.
    #[schema(required)]
    pub decision: Option<DecisionContext>,
    /// The first is the headline.
    pub recommendations: Vec<Recommendation>,
    /// How many entries were left out, by the list they were left out of, such as `journey.touchpoints`.
    #[serde(default)]
    pub omitted: BTreeMap<String, u32>,
}

/// The company that is handed over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(as = PackageCompany)]
pub struct Company {
    pub name: Option<String>,
    pub website: Option<String>,
    pub industry: Option<String>,
    /// Employees.
    pub size: Option<u64>,
    pub segment: Option<Segment>,
    /// As the CRM has it.
    pub tier: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub annual_revenue: Option<Amount>,
    pub country: Option<String>,
    pub region: Option<String>,
    pub territory: Option<String>,
    pub plan_tier: Option<String>,
    pub lifecycle_stage: Option<String>,
    /// 0–1: how well it fits the ideal customer profile.
    pub icp_fit: Option<f64>,
    pub tech_stack: Vec<String>,
    /// The account's owner in the CRM.
    pub owner_id: Option<String>,
}

/// The part that a person is likely to play in buying.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BuyingRole {
    EconomicBuyer,
    Champion,
    ExecutiveSponsor,
    TechnicalEvaluator,
    Procurement,
    User,
    #[default]
    Unknown,
}

/// A person at the company.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PackageContact {
    pub id: String,
    pub name: Option<String>,
    pub title: Option<String>,
    /// Left out, like the telephone number, for who does not want to be contacted.
    pub email: Option<String>,
    pub phone: Option<String>,
    pub is_primary: bool,
    pub role: BuyingRole,
    /// The rule that the role was inferred by; absent (null) where none fitted.
    pub role_rule: Option<String>,
    pub opted_out: bool,
}

impl PackageContact {
    /// Whether the receiver may write to or call this person.
    pub fn is_reachable(&self) -> bool {
        !self.opted_out && (self.email.is_some() || self.phone.is_some())
    }
}

/// How the company came to us and what it did since.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Journey {
    pub source: Option<String>,
    /// What the source rests on: `deal`, `partner_referral`, `earliest_inbound`, `product_usage`.
    pub source_basis: Option<String>,
    pub first_touch: Option<DateTime>,
    /// Newest first.
    pub touchpoints: Vec<Touchpoint>,
    /// What the company read, watched or attended, newest first, each once.
    pub content_engaged: Vec<String>,
    /// Absent (null) where no usage was ever recorded.
    #[schema(required)]
    pub product_usage: Option<ProductUsage>,
}

/// One conversation or other activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Touchpoint {
    pub at: DateTime,
    /// Such as `call`, `email`, `webinar`.
    pub activity_type: String,
    /// `inbound` or `outbound`, where known.
    pub direction: Option<String>,
    pub contact_id: Option<String>,
    pub subject: Option<String>,
}

/// How the product is used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProductUsage {
    /// 0–100.
    pub depth: f64,
    /// Change in percent of the last fortnight against the one before.
    pub trend_pct: Option<f64>,
    pub plateau: bool,
    pub weekly_active_users: u64,
    pub seats: Option<u64>,
    /// Most used first.
    pub top_features: Vec<String>,
    pub as_of: Option<DateTime>,
}

/// How well the company is qualified.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QualificationPart {
    pub score: Option<f64>,
    /// What the score is: `deal` (as its framework counts), `product_usage` (depth, 0–100), `partner_overlap` (the
    /// strongest active overlap, 0–100).
    pub score_basis: Option<String>,
    /// `BANT`, `MEDDIC`, or as the CRM names it.
    pub framework: Option<String>,
    /// What the framework asks for, filled or not; empty for a framework that is not known here.
    pub elements: Vec<Element>,
    pub pain_points: Vec<String>,
    pub budget_confirmed: Option<bool>,
    pub timeline: Option<String>,
    pub decision_process: Option<String>,
}

/// One thing that a framework of qualification asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QualificationElement)]
pub struct Element {
    /// Such as `authority`.
    pub name: String,
    pub filled: bool,
    pub value: Option<String>,
}

/// The deal that the handoff is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DealPart {
    pub id: String,
    pub name: Option<String>,
    /// Decimal text.
    pub amount: Option<String>,
    pub currency: Option<String>,
    /// As the CRM calls it.
    pub stage: Option<String>,
    /// The day it closed; of an open deal the day it is expected to.
    pub close_date: Option<NaiveDate>,
    pub closed: bool,
    pub products: Vec<String>,
}

/// Signs that the company could buy more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Expansion {
    /// Such as `new_department_users`.
    pub signals: Vec<String>,
    /// Observed intent, strongest first.
    pub intents: Vec<IntentPart>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PackageIntent)]
pub struct IntentPart {
    pub kind: String,
    /// 0–1.
    pub strength: f64,
}

/// What the company has with us already.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Relationship {
    pub inbound_activities: u64,
    pub outbound_activities: u64,
    pub last_inbound_at: Option<DateTime>,
    pub last_outbound_at: Option<DateTime>,
    pub tickets: u32,
    pub open_tickets: u32,
    pub ticket_escalated: bool,
    /// The mean of rated tickets, on the source's scale, to two decimals.
    pub satisfaction: Option<f64>,
    /// What was paid, the latest start first.
    pub subscriptions: Vec<SubscriptionPart>,
    /// Deals that are closed, the latest first, without the one that is handed over.
    pub closed_deals: Vec<DealPart>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PackageSubscription)]
pub struct SubscriptionPart {
    pub id: String,
    pub plan_tier: Option<String>,
    pub seats: Option<u64>,
    /// Monthly recurring revenue, decimal text.
    pub mrr: Option<String>,
    pub currency: Option<String>,
    pub start_date: Option<NaiveDate>,
    pub end_date: Option<NaiveDate>,
    pub auto_renew: Option<bool>,
    pub trial: Option<bool>,
}

/// What was said that the receiver will be held to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Promises {
    /// Newest first, like the others.
    pub promised: Vec<Promise>,
    pub success_criteria: Vec<Promise>,
    pub next_steps: Vec<Promise>,
}

/// A note that binds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PackagePromise)]
pub struct Promise {
    pub text: String,
    pub source: String,
    pub at: DateTime,
    /// Against the deal's products; absent (null) where the type hands no scope over, or the deal names no product.
    pub scope: Option<ScopeCheck>,
}

/// A promise against what was sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PromiseScope)]
pub struct ScopeCheck {
    pub verdict: ScopeVerdict,
    /// Products of the deal that it names.
    pub sold: Vec<String>,
    /// What it names besides.
    pub not_sold: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PromiseScopeVerdict)]
pub enum ScopeVerdict {
    /// It names products of the deal and nothing else.
    InScope,
    /// It names something that is no product of the deal.
    OutOfScope,
    /// It names nothing that can be compared: somebody has to read it.
    Unclear,
}

/// What partners have to do with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PartnerPart {
    /// Every partner that is named below, by id: those with whom the company's data may be shared.
    pub partner_ids: Vec<String>,
    pub overlaps: Vec<OverlapPart>,
    /// Newest first.
    pub referrals: Vec<ReferralPart>,
    /// In words, as the decision had it.
    pub context: Option<String>,
    /// Consents to sharing with partners, as they stood.
    pub consents: Vec<ConsentPart>,
    /// How many more partners there are, who are not named for want of a live consent.
    pub withheld: u32,
    /// The purpose of the consent that would name them; absent (null) where none is withheld.
    pub withheld_for: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PackageOverlap)]
pub struct OverlapPart {
    pub partner_id: String,
    pub overlap_type: OverlapKind,
    /// 0–1.
    pub strength: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PackageReferral)]
pub struct ReferralPart {
    pub partner_id: String,
    pub referred_at: DateTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PackageConsent)]
pub struct ConsentPart {
    pub purpose: String,
    /// Given, and neither withdrawn nor past its end.
    pub live: bool,
    pub legal_basis: Option<String>,
    pub expires_at: Option<DateTime>,
}

/// The decision that caused a handoff, as far as the receiver is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(as = PackageDecision)]
pub struct DecisionContext {
    pub decision_id: Option<Uuid>,
    pub reasoning: String,
    pub top_features: Vec<String>,
    pub expansion_signals: Vec<String>,
    pub partner_context: Option<String>,
}

/// What to do first, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PackageRecommendation)]
pub struct Recommendation {
    /// The rule, such as `seats_nearly_full`.
    pub rule: String,
    pub text: String,
    /// The facts that it rests on, such as `journey.productUsage.depth = 72`.
    pub facts: Vec<String>,
}
