//! The roster as it is written: configuration as data, not yet checked.
//!
//! Promises: fields it does not know are refused, names are plain text, and [`RosterFile::check`] says everything that is
//! wrong with it at once.

use serde::{Deserialize, Serialize};

use super::caps::Cap;
use super::roster::{Overflow, Range, StepRule};
use super::rotation::ReturnPolicy;

/// Everything about who takes handoffs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RosterFile {
    pub teams: Vec<TeamFile>,
    pub reps: Vec<RepFile>,
    pub territories: Vec<TerritoryFile>,
    pub named_accounts: Vec<NamedAccountFile>,
    pub segments: Vec<SegmentFile>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TeamFile {
    pub id: String,
    /// The id when left out.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub channel: Option<String>,
    #[serde(default)]
    pub fallback_owner: Option<String>,
    #[serde(default)]
    pub returning: ReturnPolicy,
    #[serde(default)]
    pub overflow: Overflow,
    /// [`StepRule::DEFAULT`] when left out.
    #[serde(default)]
    pub order: Option<Vec<StepRule>>,
}

/// A rep.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepFile {
    pub id: String,
    pub name: String,
    pub email: String,
    pub team: String,
    #[serde(default)]
    pub manager: Option<String>,
    #[serde(default)]
    pub pods: Vec<String>,
    #[serde(default)]
    pub skills: Vec<String>,
    /// 1 when left out.
    #[serde(default)]
    pub weight: Option<u32>,
    #[serde(default)]
    pub capacity: Option<u32>,
    #[serde(default)]
    pub caps: Vec<Cap>,
    #[serde(default)]
    pub leaving: bool,
}

/// Where something leads to: a rep, or a team's rotation, or that of a pod in the team.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TargetFile {
    pub rep: Option<String>,
    pub team: Option<String>,
    pub pod: Option<String>,
}

/// What a territory takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MatchFile {
    pub countries: Vec<String>,
    pub regions: Vec<String>,
    pub industries: Vec<String>,
    pub segments: Vec<String>,
    /// Whole domains (`acme.com`) and ends of domains (`.gov.uk` or `*.gov.uk`).
    pub domains: Vec<String>,
    pub employees: Range,
    pub revenue: Range,
}

/// A territory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TerritoryFile {
    pub id: String,
    #[serde(default)]
    pub priority: u32,
    /// The teams whose requests it takes; all when left out.
    #[serde(default)]
    pub teams: Vec<String>,
    #[serde(default, rename = "match")]
    pub matches: MatchFile,
    pub to: TargetFile,
}

/// The owner of one account, by its id or its domain.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedAccountFile {
    pub account: String,
    pub rep: String,
}

/// Where a segment leads to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SegmentFile {
    pub segment: String,
    #[serde(default)]
    pub teams: Vec<String>,
    pub to: TargetFile,
}
