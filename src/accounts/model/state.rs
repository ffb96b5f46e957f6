//! The state of one account: the sum of all events about it, as one document.
//!
//! Promises: it is bounded (each collection names its limit), it serialises to the stored form, and its
//! default is an account of which nothing is known.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::fact::{Fact, Stamp};
use crate::kernel::clock::DateTime;

/// A fact that may be unknown; a known `None` is a value that was cleared.
pub type Known<T> = Option<Fact<Option<T>>>;

/// The value of a [`Known`], when there is one.
pub fn value<T>(known: &Known<T>) -> Option<&T> {
    known.as_ref().and_then(|fact| fact.value.as_ref())
}

/// How many days of usage are kept, counted back from the newest day: two windows of 28 days and a week.
pub const USAGE_DAYS_KEPT: i64 = 63;
/// How many support tickets are kept, the newest by stamp.
pub const TICKETS_KEPT: usize = 200;
/// How many deals, partners with overlaps, referrals and subscriptions are kept each: far more than a real
/// account has. Beyond it the last by id stay, because only a rule that looks at nothing but the key gives
/// the same state for every order of events.
pub const RECORDS_KEPT: usize = 1_000;
/// How many kinds of intent, consent purposes, departments, and features of a day are kept each; the last
/// by name stay.
pub const NAMES_KEPT: usize = 500;

/// Everything known about an account that is not about a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountState {
    pub profile: Profile,
    pub lifecycle: Lifecycle,
    pub usage: Usage,
    /// By deal id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deals: BTreeMap<String, Deal>,
    /// By partner id, then by kind of overlap.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overlaps: BTreeMap<String, BTreeMap<OverlapKind, Fact<Overlap>>>,
    /// By partner id: when the partner referred the account.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub referrals: BTreeMap<String, Fact<DateTime>>,
    /// By kind: budget, expansion, evaluation and whatever else a source observes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub intents: BTreeMap<String, Fact<Intent>>,
    /// By source: the newest instant up to which it says it is in step.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub syncs: BTreeMap<SyncSource, Fact<DateTime>>,
    /// By purpose.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub consents: BTreeMap<String, Fact<Consent>>,
    pub preferences: Preferences,
    /// By subscription id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subscriptions: BTreeMap<String, Subscription>,
    /// By ticket id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tickets: BTreeMap<String, Fact<Ticket>>,
    pub engagement: Engagement,
}

/// Firmographics and ownership, as the CRM has them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_count: Known<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annual_revenue: Known<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub territory: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_tier: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seats: Known<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tech_stack: Known<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Known<DateTime>,
}

/// Where the account stands in its life, as the lifecycle source has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Known<String>,
    /// A segment said by the source; it wins over the one computed from size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Known<String>,
}

/// Product usage by account-day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// The last [`USAGE_DAYS_KEPT`] days up to the newest, those with usage.
    pub days: BTreeMap<NaiveDate, UsageDay>,
    /// The first day ever recorded.
    pub first_day: Option<NaiveDate>,
    /// By department: the first day it was seen.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub departments: BTreeMap<String, NaiveDate>,
    /// The newest stamp of any usage event.
    pub latest: Option<Stamp>,
}

/// One day's usage: what was said last as a replacement, plus what was added after that.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsageDay {
    pub active_users: u64,
    /// Seats said with usage on this day, the newest statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seats: Option<Fact<u64>>,
    /// Uses by feature.
    pub features: BTreeMap<String, u64>,
    /// The stamp of the replacement that the day stands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Stamp>,
    /// Stamps of the first and last addition since then: a replacement that falls between them needs the
    /// day computed anew from its events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_add: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_add: Option<Stamp>,
}

impl UsageDay {
    /// All uses of all features on the day.
    pub fn volume(&self) -> u64 {
        self.features.values().sum()
    }
}

/// A deal (opportunity). Field by field, so that a partial update never clears what it does not name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deal {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Known<String>,
    /// As the CRM calls it; policies map it to a stage of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Known<String>,
    /// Decimal text, never a float.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_close_date: Known<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Known<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products: Known<Vec<String>>,
    /// One statement: a newer one replaces it as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualification: Known<Qualification>,
}

/// An amount of money as a source gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Decimal text, never a float.
    pub amount: String,
    /// Three capitals, when the source named one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<String>,
}

/// How well a deal is qualified.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Qualification {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_confirmed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_process: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pain_points: Vec<String>,
    /// What the framework adds of its own, by name; decimal fractions are text.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// What kind of relation a partner has with the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlapKind {
    Customer,
    Opportunity,
    Prospect,
    TechStack,
}

/// A partner's relation with the account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// 0–1.
    pub strength: f64,
    pub active: bool,
}

/// An observed intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// 0–1.
    pub strength: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// The sources whose freshness is tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncSource {
    Crm,
    Partner,
    Analytics,
    Lifecycle,
}

/// Consent of the account for one purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    pub granted: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub legal_basis: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<DateTime>,
}

/// What the account asked for explicitly. Motion names as given; policies know which exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Preferences {
    /// When known and not empty: these motions and no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_motions: Known<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_motions: Known<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_contact: Known<bool>,
}

/// A subscription to the product.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subscription {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_tier: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seats: Known<u64>,
    /// Monthly recurring revenue, decimal text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mrr: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Known<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Known<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Known<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_renew: Known<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Known<bool>,
}

/// A support ticket, as last reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub satisfaction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub escalated: Option<bool>,
}

/// Conversations with the account, counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Engagement {
    pub inbound: u64,
    pub outbound: u64,
    pub first_at: Option<DateTime>,
    pub last_inbound_at: Option<DateTime>,
    pub last_outbound_at: Option<DateTime>,
    /// The newest stamp of any activity.
    pub latest: Option<Stamp>,
}
