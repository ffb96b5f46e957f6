//! What a design asks of people, as data: roles with their ladder, enablement, data and tools, figures of success.
//!
//! Promises: the file that ships is part of the program; every owner in it is a role, every fallback too, and fallbacks end
//! at one role that has none; a test reads it. Leaves out who the people are.

use std::sync::LazyLock;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::brief::{Brief, Goal, Segment};

/// The file that ships.
static SHIPPED: LazyLock<Playbook> = LazyLock::new(|| {
    toml::from_str(include_str!("../../config/designs.toml")).expect("a test reads the file that ships")
});

/// All of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    pub roles: IndexMap<String, RoleEntry>,
    pub enablement: Vec<Item>,
    pub checklist: Vec<Check>,
    pub metrics: Vec<Metric>,
}

/// Which sign-off a role gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignOff {
    Revops,
    SalesLeadership,
}

impl SignOff {
    pub const ALL: [Self; 2] = [Self::Revops, Self::SalesLeadership];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Revops => "revops",
            Self::SalesLeadership => "sales_leadership",
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Revops => "RevOps",
            Self::SalesLeadership => "sales leadership",
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleEntry {
    pub title: String,
    /// The rung of the ladder, from 1.
    pub ladder: Option<u8>,
    pub signs: Option<SignOff>,
    pub fallback: Option<String>,
}

/// What something is for; everything where nothing is named.
#[derive(Debug, Clone, Default, Deserialize)]
struct Fits {
    #[serde(default)]
    segments: Vec<Segment>,
    #[serde(default)]
    goals: Vec<Goal>,
}

impl Fits {
    fn holds(&self, brief: &Brief) -> bool {
        let segment = self.segments.is_empty() || self.segments.contains(&brief.segment);
        segment && (self.goals.is_empty() || self.goals.contains(&brief.goal))
    }
}

/// A kind of enablement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EnablementKind)]
pub enum ItemKind {
    Asset,
    TalkTrack,
    Sequence,
    Dashboard,
}

impl ItemKind {
    /// In a table.
    pub fn words(self) -> &'static str {
        match self {
            Self::Asset => "Asset",
            Self::TalkTrack => "Talk track",
            Self::Sequence => "Sequence",
            Self::Dashboard => "Dashboard",
        }
    }
}

/// Something that people need before they can work by a design.
#[derive(Debug, Clone, Deserialize)]
pub struct Item {
    pub id: String,
    pub kind: ItemKind,
    pub title: String,
    pub owner: String,
    /// Working days before the launch.
    pub ready_days: u16,
    pub work_days: u16,
    #[serde(default)]
    pub per_pod: bool,
    #[serde(flatten)]
    fits: Fits,
}

/// A kind of work on systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChecklistKind)]
pub enum CheckKind {
    Data,
    Integration,
    Automation,
}

impl CheckKind {
    /// In a table.
    pub fn words(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Integration => "Integration",
            Self::Automation => "Automation",
        }
    }
}

/// Something that must be so in the systems.
#[derive(Debug, Clone, Deserialize)]
pub struct Check {
    pub id: String,
    pub kind: CheckKind,
    pub title: String,
    pub owner: String,
    #[serde(flatten)]
    fits: Fits,
}

/// A figure of success.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub name: String,
    /// `{service_level}` stands for that of the design.
    pub target: String,
    pub measured_by: String,
}

impl Playbook {
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The names of all roles.
    pub fn role_names(&self) -> Vec<&str> {
        self.roles.keys().map(String::as_str).collect()
    }

    /// The roles that are told one after the other.
    pub fn ladder(&self) -> Vec<&str> {
        let mut rungs: Vec<(u8, &str)> =
            self.roles.iter().filter_map(|(name, role)| Some((role.ladder?, name.as_str()))).collect();
        rungs.sort_unstable();
        rungs.into_iter().map(|(_, name)| name).collect()
    }

    /// The title of a role; its name where there is no such role.
    pub fn title<'a>(&'a self, role: &'a str) -> &'a str {
        self.roles.get(role).map_or(role, |role| &role.title)
    }

    pub fn enablement_of<'a>(&'a self, brief: &'a Brief) -> impl Iterator<Item = &'a Item> {
        self.enablement.iter().filter(|item| item.fits.holds(brief))
    }

    pub fn checklist_of<'a>(&'a self, brief: &'a Brief) -> impl Iterator<Item = &'a Check> {
        self.checklist.iter().filter(|check| check.fits.holds(brief))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_file_that_ships_holds_together() {
        let book = Playbook::shipped();
        let roles: BTreeSet<&str> = book.role_names().into_iter().collect();
        assert_eq!(book.ladder(), ["revops_director", "sales_manager", "cro"]);
        let ends: BTreeSet<&str> = book
            .roles
            .keys()
            .map(|name| {
                let (mut last, mut steps) = (name.as_str(), 0);
                while let Some(next) = book.roles[last].fallback.as_deref() {
                    (last, steps) = (next, steps + 1);
                    assert!(roles.contains(last) && steps < roles.len(), "{name} leads in a circle");
                }
                last
            })
            .collect();
        assert_eq!(ends, BTreeSet::from(["executive_sponsor"]));
        for sign in SignOff::ALL {
            assert!(book.roles.values().any(|role| role.signs == Some(sign)), "{sign:?}");
        }
        let owners = book.enablement.iter().map(|item| &item.owner);
        for owner in owners.chain(book.checklist.iter().map(|check| &check.owner)) {
            assert!(roles.contains(owner.as_str()), "{owner}");
        }
        let ids =
            book.enablement.iter().map(|item| &item.id).chain(book.checklist.iter().map(|check| &check.id));
        let all: Vec<&String> = ids.collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "ids differ");
        // The sign-offs, which wait for all of it, take the last working day before the launch.
        assert!(book.enablement.iter().all(|item| item.ready_days >= 2 && item.work_days >= 1));
    }
}
