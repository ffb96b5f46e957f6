//! A file of plays as it is written: see `config/renewals.toml`, which documents itself.
//!
//! Promises: an unknown key is an error; texts that name something elsewhere in the file keep their place, so that a
//! wrong one is shown with its line.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::kernel::calendar::{CalendarDraft, Length};
use crate::renewals::model::{Cause, Tier};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub terms: FileTerms,
    /// The hours by which work is counted.
    pub calendar: CalendarDraft,
    pub roles: BTreeMap<String, RoleTerms>,
    pub personas: BTreeMap<String, Persona>,
    pub rating: Rating,
    pub base: Layer,
    pub plays: BTreeMap<String, Play>,
    pub risks: Risks,
    pub tiers: Tiers,
}

/// What holds for all plays.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileTerms {
    pub currency: String,
    pub retries: u8,
    pub ladder: Vec<Spanned<String>>,
    pub rung_after: Length,
    pub red_checkpoints: u8,
    pub slipped_milestones: u8,
    pub within: Length,
    pub tell: Vec<Spanned<String>>,
    pub assumed_term_months: u32,
    pub one_renewal_days: u32,
    pub gate_keeper: Spanned<String>,
    pub satisfaction_of: u32,
    pub deal_words: Vec<String>,
}

/// A role in a renewal.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleTerms {
    pub title: String,
    pub fallback: Option<Spanned<String>>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub rep: Option<String>,
}

/// Somebody at the customer to whom talking points are addressed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// In this order they are told.
    pub order: u8,
    pub title: String,
    /// Words of job titles, in small letters.
    pub titles: Vec<String>,
}

/// How risk is rated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rating {
    pub yellow_from: u32,
    pub red_from: u32,
    pub margin: u32,
    pub hold_days: u32,
    pub signs: BTreeMap<String, Sign>,
}

/// What one sign of risk counts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    pub points: u32,
    /// Where it begins, in the unit of the sign; some have none.
    pub at: Option<f64>,
    pub cause: Cause,
}

/// What a layer adds.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layer {
    pub tasks: Vec<Step>,
    pub assets: Vec<Asset>,
    pub points: Vec<Point>,
    pub proof: Vec<Proof>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub id: Spanned<String>,
    pub title: Spanned<String>,
    /// What is there afterwards.
    pub gives: String,
    #[serde(default)]
    pub detail: String,
    pub stage: Spanned<String>,
    pub owner: Spanned<String>,
    pub days: u16,
    pub least: Option<u16>,
    pub before: u16,
    #[serde(default)]
    pub after: Vec<Spanned<String>>,
    #[serde(default)]
    pub milestone: bool,
}

/// Something that is prepared for those who talk with the customer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    pub id: Spanned<String>,
    pub kind: String,
    pub title: Spanned<String>,
    pub persona: Spanned<String>,
    pub owner: Spanned<String>,
    pub days: u16,
    pub least: Option<u16>,
    pub before: u16,
    #[serde(default)]
    pub after: Vec<Spanned<String>>,
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    pub persona: Spanned<String>,
    pub say: Spanned<String>,
}

/// Something that can be shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub claim: String,
    pub evidence: Spanned<String>,
}

/// A play.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    pub title: String,
    pub summary: String,
    pub causes: Vec<Cause>,
    /// Proposed from this score on, whatever the causes are.
    pub from_score: Option<u32>,
    #[serde(default)]
    pub tasks: Vec<Step>,
    #[serde(default)]
    pub assets: Vec<Asset>,
    #[serde(default)]
    pub points: Vec<Point>,
    #[serde(default)]
    pub proof: Vec<Proof>,
}

/// The three levels of risk.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risks {
    pub green: RiskLevel,
    pub yellow: RiskLevel,
    pub red: RiskLevel,
}

/// How a level of risk is watched.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskLevel {
    pub title: String,
    /// Calendar days from one checkpoint to the next.
    pub every: u16,
    pub overseer: Spanned<String>,
    pub oversight: String,
    #[serde(default)]
    pub tasks: Vec<Step>,
    #[serde(default)]
    pub assets: Vec<Asset>,
    #[serde(default)]
    pub points: Vec<Point>,
    #[serde(default)]
    pub proof: Vec<Proof>,
}

/// The three tiers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    pub strategic: TierTerms,
    pub growth: TierTerms,
    pub scale: TierTerms,
}

impl Tiers {
    pub fn each(&self) -> [(Tier, &TierTerms); 3] {
        [(Tier::Strategic, &self.strategic), (Tier::Growth, &self.growth), (Tier::Scale, &self.scale)]
    }
}

/// What a tier gets.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierTerms {
    pub title: String,
    /// In units of the file's currency, a year.
    pub value_from: u32,
    pub segments: Vec<String>,
    /// The share of all lead times, in percent.
    pub lead: u16,
    pub top: Spanned<String>,
    #[serde(default)]
    pub without: Vec<Spanned<String>>,
    #[serde(default)]
    pub stand_in: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub tasks: Vec<Step>,
    #[serde(default)]
    pub assets: Vec<Asset>,
    #[serde(default)]
    pub points: Vec<Point>,
    #[serde(default)]
    pub proof: Vec<Proof>,
}

/// The additions of a layer, whatever kind of layer it is.
#[derive(Debug, Clone, Copy)]
pub struct Additions<'a> {
    pub tasks: &'a [Step],
    pub assets: &'a [Asset],
    pub points: &'a [Point],
    pub proof: &'a [Proof],
}

macro_rules! additions {
    ($($layer:ty),*) => {
        $(impl $layer {
            /// What it adds to a play.
            pub fn additions(&self) -> Additions<'_> {
                Additions { tasks: &self.tasks, assets: &self.assets, points: &self.points, proof: &self.proof }
            }
        })*
    };
}

additions!(Layer, Play, RiskLevel, TierTerms);
