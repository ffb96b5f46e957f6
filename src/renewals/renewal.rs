//! One renewal, as it is kept.
//!
//! Promises: the value is the row, column by column.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::adapt::Standing;
use super::model::{Risk, Terms, Tier};
use super::rating::Rating;
use crate::kernel::clock::DateTime;

/// Where a renewal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalStatus)]
pub enum Status {
    Planned,
    Running,
    Closed,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Closed => "closed",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalOutcome)]
pub enum Outcome {
    /// At about the same amount.
    Renewed,
    Expanded,
    Reduced,
    Lost,
    /// It was no renewal after all.
    Cancelled,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Renewed => "renewed",
            Self::Expanded => "expanded",
            Self::Reduced => "reduced",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One renewal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Renewal {
    pub account_id: String,
    pub id: Uuid,
    pub status: Status,
    pub terms: Terms,
    pub play: String,
    pub tier: Tier,
    pub risk: Risk,
    pub deadline: NaiveDate,
    pub risk_since: DateTime,
    /// People have set the risk.
    pub risk_pinned: bool,
    pub rating: Rating,
    /// What the plan's texts were made with, by the names that texts use.
    pub facts: BTreeMap<String, String>,
    /// What the risk would be by the latest rating, where another level holds.
    pub would_be: Option<Risk>,
    pub rated_at: DateTime,
    /// When the present version of the plan was made.
    pub versioned_at: DateTime,
    pub created_at: DateTime,
    pub created_by: String,
    pub started_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    pub outcome: Option<Outcome>,
    pub close_note: Option<String>,
}

impl Renewal {
    /// The risk under which it runs.
    pub fn standing(&self) -> Standing {
        Standing {
            risk: self.risk,
            since: self.risk_since,
            pinned: self.risk_pinned,
            score: self.rating.score,
        }
    }

    /// Takes over what was chosen.
    pub fn choose(&mut self, terms: Terms) {
        (self.play, self.tier) = (terms.play.clone(), terms.tier);
        (self.risk, self.deadline) = (terms.risk, terms.deadline);
        self.terms = terms;
    }
}
