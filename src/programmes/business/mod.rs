//! The business configuration: one Markdown file that people read and write, from which a whole programme is made.
//!
//! The file has front matter in TOML (figures) and sections (market, product, personas, competitors, channels, goals …).
//! Promises: a [`Business`] is complete and agrees with itself: what is missing or contradictory was said with its line before
//! anything ran; what is only doubtful is a warning. Leaves out every figure that follows from others, see
//! [`super::figures`].

mod check;
mod front;
mod history;
pub mod markdown;
mod read;
mod sections;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// The example that ships, for trying out and for tests.
pub const EXAMPLE: &str = include_str!("../../../config/programme/example/CONFIG.md");

/// What a programme is made from. Rates are fractions, amounts are in [`Business::currency`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Business {
    pub company: String,
    pub product: String,
    pub website: String,
    pub currency: String,
    pub start: NaiveDate,
    pub scenario: Scenario,
    pub sales_motion: SalesMotion,
    /// First-year contract value, average.
    pub deal_size: f64,
    /// From opportunity to signature, in days.
    pub sales_cycle_days: u32,
    /// In hundredths of the currency.
    pub monthly_budget_cents: i64,
    pub sales_cost_per_month: f64,
    pub gross_margin: f64,
    pub annual_churn: f64,
    pub annual_expansion: f64,
    pub onboarding_days: u32,
    pub rates: Rates,
    pub targets: Targets,
    /// What the company says of itself.
    pub about: String,
    pub market: Market,
    pub offer: Offer,
    pub features: Vec<Feature>,
    pub value_props: Vec<ValueProp>,
    pub drivers: Vec<Driver>,
    pub personas: Vec<Persona>,
    pub competitors: Vec<Competitor>,
    pub channels: Vec<Channel>,
    pub goals: Vec<Goal>,
    pub team: Vec<Member>,
    pub voice: Voice,
    pub results: Vec<Outcome>,
    pub experiments: Vec<Trial>,
    pub cohorts: Vec<Cohort>,
    /// What is doubtful, for whoever starts the programme.
    pub warnings: Vec<Fault>,
}

/// What brings the programme about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProgrammeScenario)]
pub enum Scenario {
    NewProductLaunch,
    Scaling,
    NewMarket,
    QuarterlyPlanning,
}

impl Scenario {
    pub const ALL: [(&'static str, Self); 4] = [
        ("new_product_launch", Self::NewProductLaunch),
        ("scaling", Self::Scaling),
        ("new_market", Self::NewMarket),
        ("quarterly_planning", Self::QuarterlyPlanning),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::NewProductLaunch => "new_product_launch",
            Self::Scaling => "scaling",
            Self::NewMarket => "new_market",
            Self::QuarterlyPlanning => "quarterly_planning",
        }
    }
}

/// How the product is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SalesMotion {
    SelfServe,
    SalesAssisted,
    SalesLed,
}

impl SalesMotion {
    pub const ALL: [(&'static str, Self); 3] = [
        ("self_serve", Self::SelfServe),
        ("sales_assisted", Self::SalesAssisted),
        ("sales_led", Self::SalesLed),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::SelfServe => "self_serve",
            Self::SalesAssisted => "sales_assisted",
            Self::SalesLed => "sales_led",
        }
    }
}

/// Which part of each stage of the funnel reaches the next, over all channels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    pub lead_to_mql: f64,
    pub mql_to_sql: f64,
    pub sql_to_opportunity: f64,
    pub opportunity_to_won: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Targets {
    pub cac: f64,
    pub payback_months: f64,
    pub net_revenue_retention: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Market {
    pub size: String,
    pub segment: String,
    pub industries: Vec<String>,
    pub employees_min: u32,
    pub employees_max: u32,
    pub regions: Vec<String>,
    pub changes: Vec<String>,
}

/// The product in the words of the positioning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub category: String,
    pub need: String,
    pub key_benefit: String,
    pub alternative: String,
    pub differentiator: String,
    pub tagline: String,
    pub value_proposition: String,
    /// What a new customer does once, and then has seen what it is good for.
    pub activation: String,
    /// What a customer does who stays.
    pub habit: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    pub slug: String,
    pub name: String,
    pub benefit: String,
    pub outcome: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueProp {
    pub slug: String,
    pub name: String,
    pub promise: String,
    pub proofs: Vec<String>,
}

/// Something that costs a customer money each month, and how much less it costs with the product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driver {
    pub name: String,
    pub per_month: f64,
    pub unit: String,
    pub value: f64,
    pub improvement: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    pub slug: String,
    /// The title that the documents call it by, such as `Plant manager`.
    pub title: String,
    pub name: String,
    pub role: String,
    pub titles: Vec<String>,
    pub demographics: String,
    pub psychographics: String,
    pub goals: Vec<String>,
    pub pains: Vec<String>,
    pub triggers: Vec<String>,
    pub objections: Vec<Objection>,
    pub watches: String,
    pub reads: String,
    /// What is offered for a first talk.
    pub offer: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objection {
    pub says: String,
    pub answer: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Competitor {
    pub slug: String,
    pub name: String,
    pub kind: String,
    pub price: String,
    pub strengths: Vec<String>,
    pub weaknesses: Vec<String>,
    pub claim: String,
    pub win_when: String,
    pub lose_when: String,
    /// A question that makes the difference visible.
    pub trap: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    PaidSearch,
    PaidSocial,
    Organic,
    Events,
    Partner,
    Email,
}

impl ChannelKind {
    pub const ALL: [(&'static str, Self); 6] = [
        ("paid_search", Self::PaidSearch),
        ("paid_social", Self::PaidSocial),
        ("organic", Self::Organic),
        ("events", Self::Events),
        ("partner", Self::Partner),
        ("email", Self::Email),
    ];
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    pub slug: String,
    pub name: String,
    pub kind: ChannelKind,
    /// Of the monthly budget.
    pub share: f64,
    pub cost_per_visit: f64,
    pub visit_to_lead: f64,
    /// Slugs.
    pub personas: Vec<String>,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    pub slug: String,
    pub name: String,
    /// One of [`GOAL_METRICS`].
    pub metric: String,
    pub target: f64,
    pub by: NaiveDate,
}

/// What a goal may be measured by, and whether it is an amount (`money`), a `rate` or a `count`.
pub const GOAL_METRICS: [(&str, &str); 8] = [
    ("new_revenue", "money"),
    ("new_customers", "count"),
    ("opportunities", "count"),
    ("cac", "money"),
    ("payback_months", "count"),
    ("net_revenue_retention", "rate"),
    ("activation_rate", "rate"),
    ("annual_churn", "rate"),
];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    pub role: String,
    pub agent: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Voice {
    pub is: Vec<String>,
    pub is_not: Vec<String>,
    pub say: Vec<String>,
    pub avoid: Vec<String>,
    pub example: String,
}

/// What one channel did in one month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Such as `2026-01`.
    pub month: String,
    /// Slug.
    pub channel: String,
    pub spend: f64,
    pub visits: u64,
    pub leads: u64,
    pub mqls: u64,
    pub opportunities: u64,
    pub won: u64,
    pub revenue: f64,
}

/// What an experiment found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub name: String,
    pub control_visitors: u64,
    pub control_conversions: u64,
    pub variant_visitors: u64,
    pub variant_conversions: u64,
}

/// The customers of one quarter, and how many were left after each following one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    pub quarter: String,
    pub customers: u64,
    pub left: Vec<u64>,
}

impl Business {
    /// Reads a configuration; `file` is how faults call it, `agents` are those whom the team may fill.
    pub fn read(file: &str, text: &str, agents: &[&str]) -> Result<Self, Vec<Fault>> {
        read::business(file, text, agents)
    }
}

/// A name as a part of a path: small letters, digits and single hyphens.
pub fn slug(name: &str) -> String {
    let mut made = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            made.push(c.to_ascii_lowercase());
        } else if !made.ends_with('-') {
            made.push('-');
        }
    }
    made.trim_matches('-').to_owned()
}
