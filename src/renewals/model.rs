//! What a renewal is asked for with: the tier of the account, the level of risk, the people, the deadline.
//!
//! Promises: names are those of the API, of the file of plays and of the database.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plans::model::Role;

/// How much an account gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalTier)]
pub enum Tier {
    Strategic,
    Growth,
    Scale,
}

impl Tier {
    /// From the largest to the smallest.
    pub const ALL: [Self; 3] = [Self::Strategic, Self::Growth, Self::Scale];

    pub fn name(self) -> &'static str {
        match self {
            Self::Strategic => "strategic",
            Self::Growth => "growth",
            Self::Scale => "scale",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }
}

/// How likely it is that the account does not renew: sets how often people look and who oversees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalRisk)]
pub enum Risk {
    Green,
    Yellow,
    Red,
}

impl Risk {
    /// From the best to the worst.
    pub const ALL: [Self; 3] = [Self::Green, Self::Yellow, Self::Red];

    pub fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|risk| risk.name() == name)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a sign of risk is about, and what a play is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalCause)]
pub enum Cause {
    Relationship,
    Service,
    Value,
    Price,
    Adoption,
}

impl Cause {
    /// In this order equal ones win: what breaks a contract soonest comes first.
    pub const ALL: [Self; 5] = [Self::Relationship, Self::Service, Self::Value, Self::Price, Self::Adoption];

    pub fn name(self) -> &'static str {
        match self {
            Self::Relationship => "relationship",
            Self::Service => "service",
            Self::Value => "value",
            Self::Price => "price",
            Self::Adoption => "adoption",
        }
    }
}

/// Whoever fills a role in one renewal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = RenewalPerson)]
pub struct Person {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The rep of the roster, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rep_id: Option<String>,
}

/// What was chosen for one renewal; what people may overrule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RenewalTerms)]
pub struct Terms {
    /// A play of the file of plays, such as `exec-save`.
    pub play: String,
    pub tier: Tier,
    pub risk: Risk,
    /// The renewal date, or the milestone that everything is counted back from.
    pub deadline: NaiveDate,
    /// Every task takes no longer than it takes at the least.
    #[serde(default)]
    pub compressed: bool,
    /// By role, such as `csm`: whoever is not named is looked up, or named as missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<Role, Person>,
}
