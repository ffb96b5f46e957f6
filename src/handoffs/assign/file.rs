//! The roster as it is written: configuration as data, not yet checked.
//!
//! Promises: fields it does not know are refused, names are plain text, and [`RosterFile::check`] says everything that is
//! wrong with it at once. A field that is left out reads as its default, and a default is not written: what is read and
//! written again is the same. An id that is left out is empty, which the check refuses, unless a path names it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caps::Cap;
use super::roster::{Overflow, Range, StepRule, fold};
use super::rotation::ReturnPolicy;
use crate::handoffs::sla::SlaTerms;
use crate::kernel::calendar::{CalendarDraft, SpecialDayDraft, WeekHoursDraft};

/// Everything about who takes handoffs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = Roster)]
pub struct RosterFile {
    pub calendars: Vec<CalendarFile>,
    pub teams: Vec<TeamFile>,
    pub reps: Vec<RepFile>,
    pub territories: Vec<TerritoryFile>,
    pub named_accounts: Vec<NamedAccountFile>,
    pub segments: Vec<SegmentFile>,
    pub roles: Vec<RoleFile>,
    pub sla_terms: Vec<TermsFile>,
}

/// When somebody works.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Calendar)]
pub struct CalendarFile {
    #[serde(default)]
    pub id: String,
    /// A name of the IANA database, such as `Europe/Berlin`.
    pub zone: String,
    pub hours: WeekHoursDraft,
    /// Holidays and days with hours of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special_days: Vec<SpecialDayDraft>,
}

impl CalendarFile {
    /// The calendar without its name.
    pub fn draft(&self) -> CalendarDraft {
        let Self { zone, hours, special_days, .. } = self.clone();
        CalendarDraft { zone, hours, special_days }
    }
}

/// A team.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Team)]
pub struct TeamFile {
    #[serde(default)]
    pub id: String,
    /// The id when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the team is told of its handoffs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who takes what nobody took in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_owner: Option<String>,
    /// A rep, of this team or another, who may note the absences of the team's members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// When the team works; around the clock when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// What becomes of the turns that somebody missed while absent.
    #[serde(default, skip_serializing_if = "usual")]
    pub returning: ReturnPolicy,
    #[serde(default, skip_serializing_if = "usual")]
    pub overflow: Overflow,
    /// The ways to an owner, in the order in which they are tried; the usual five when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<StepRule>>,
}

/// A rep.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Rep)]
pub struct RepFile {
    #[serde(default)]
    pub id: String,
    pub name: String,
    pub email: String,
    pub team: String,
    /// Another rep, who is told when nothing happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// When the rep works; the team's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// The part in the rotation relative to the others; 1 when left out, 0 takes no part in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// The most open handoffs at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<Cap>,
    /// A leaver is given nothing more.
    #[serde(default, skip_serializing_if = "usual")]
    pub leaving: bool,
}

/// Whether a value is what it is when left out.
fn usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Where something leads to: a rep, or a team's rotation, or that of a pod in the team.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = RosterTarget)]
pub struct TargetFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rep: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
}

/// What a territory takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = TerritoryMatch)]
pub struct MatchFile {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub industries: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// Whole domains (`acme.com`) and ends of domains (`.gov.uk` or `*.gov.uk`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    #[serde(skip_serializing_if = "usual")]
    pub employees: Range,
    /// Annual, in whole units of the company's reporting currency.
    #[serde(skip_serializing_if = "usual")]
    pub revenue: Range,
}

/// A territory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Territory)]
pub struct TerritoryFile {
    #[serde(default)]
    pub id: String,
    /// Lower first.
    #[serde(default, skip_serializing_if = "usual")]
    pub priority: u32,
    /// The teams whose requests it takes; all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    #[serde(default, rename = "match", skip_serializing_if = "usual")]
    pub matches: MatchFile,
    pub to: TargetFile,
}

/// The owners of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NamedAccount)]
pub struct NamedAccountFile {
    /// The account's id or its domain, in any case.
    #[serde(default)]
    pub account: String,
    /// Several where the account has an owner in each of several teams.
    pub reps: Vec<String>,
}

/// Where a segment leads to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Segment)]
pub struct SegmentFile {
    /// Made of the segment and the teams when left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    pub segment: String,
    /// The teams whose requests it takes; all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    pub to: TargetFile,
    /// The ways to an owner for this segment, in the order in which they are tried; the team's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<StepRule>>,
}

/// What is promised for handoffs of a type, or of a type and a segment, instead of what the type itself says. Handoffs
/// that somebody has already keep the terms that they began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SlaTermsEntry)]
pub struct TermsFile {
    #[serde(default)]
    pub id: String,
    /// Such as `mql_to_sales`.
    pub handoff_type: String,
    /// Such as `enterprise`; all that have no terms of their own when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    pub terms: SlaTerms,
}

/// Who holds a role: the people who are told what a handoff type says to this role.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Role)]
pub struct RoleFile {
    /// As handoff types name it, such as `sales_manager`.
    #[serde(default)]
    pub id: String,
    /// All of them are told.
    pub reps: Vec<String>,
}

impl SegmentFile {
    /// The rule's id: the one that was given, else such as `mid-market` or `mid-market.sales`.
    pub fn key(&self) -> String {
        if !self.id.is_empty() {
            return self.id.clone();
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() || "_.:".contains(c) { c } else { '-' };
        let parts = std::iter::once(&self.segment).chain(&self.teams);
        let parts: Vec<String> = parts.map(|part| fold(part).chars().map(plain).collect()).collect();
        parts.join(".")
    }
}
