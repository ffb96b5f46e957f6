//! The plays, as data: what is done for a renewal, by play, level of risk and tier.
//!
//! Promises: the file that ships is part of the program. A file is checked when it is loaded: every fault comes at once,
//! with its line and, where one is likely, what was meant; every combination of play, risk and tier is put together and
//! leads to tasks whose dependencies end. Leaves out dates; [`super::build`] makes a plan of a combination.

mod check;
mod compose;
mod fault;
pub mod file;
#[cfg(test)]
mod tests;
pub mod texts;

use std::collections::BTreeMap;

use chrono::NaiveDate;

pub use compose::{Composed, ComposedTask, ENABLEMENT, STAGES, stage_title};
pub use fault::PlaysFault;
pub use file::{Asset, Play, Point, Proof, RiskLevel, Sign, Step, TierTerms};

use super::model::{Risk, Tier};
use crate::kernel::calendar::{CalendarDraft, WorkCalendar};
use file::File;

/// The plays that ship, as a file that documents itself.
pub const DEFAULT_PLAYS: &str = include_str!("../../../config/renewals.toml");

/// A checked file of plays.
#[derive(Debug, Clone, PartialEq)]
pub struct Plays {
    file: File,
    calendar: WorkCalendar,
}

impl Plays {
    /// Reads and checks a file.
    pub fn parse(text: &str) -> Result<Self, Vec<PlaysFault>> {
        check::read(text)
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    pub fn play(&self, name: &str) -> Option<&Play> {
        self.file.plays.get(name)
    }

    /// The names of all plays, in the order of names.
    pub fn names(&self) -> Vec<&str> {
        self.file.plays.keys().map(String::as_str).collect()
    }

    pub fn risk(&self, risk: Risk) -> &RiskLevel {
        match risk {
            Risk::Green => &self.file.risks.green,
            Risk::Yellow => &self.file.risks.yellow,
            Risk::Red => &self.file.risks.red,
        }
    }

    pub fn tier(&self, tier: Tier) -> &TierTerms {
        match tier {
            Tier::Strategic => &self.file.tiers.strategic,
            Tier::Growth => &self.file.tiers.growth,
            Tier::Scale => &self.file.tiers.scale,
        }
    }

    /// The days on which work is counted.
    pub fn calendar(&self) -> &WorkCalendar {
        &self.calendar
    }

    /// The calendar as it is written into a plan.
    pub fn calendar_draft(&self) -> &CalendarDraft {
        &self.file.calendar
    }

    /// What a combination asks for; none where the file has no such play.
    pub fn compose(&self, play: &str, risk: Risk, tier: Tier) -> Option<Composed<'_>> {
        compose::compose(self, play, risk, tier)
    }

    /// The last working day up to a date, or the date itself where no working day comes.
    pub fn working_day_by(&self, date: NaiveDate) -> NaiveDate {
        if self.calendar.is_working_day(date) {
            return date;
        }
        self.calendar.add_days(date, -1).unwrap_or(date)
    }

    /// The personas in the order in which they are told.
    pub fn personas(&self) -> Vec<(&str, &file::Persona)> {
        let mut all: Vec<(&str, &file::Persona)> =
            self.file.personas.iter().map(|(name, persona)| (name.as_str(), persona)).collect();
        all.sort_by_key(|(name, persona)| (persona.order, *name));
        all
    }

    /// The signs of risk that are rated, by code.
    pub fn signs(&self) -> &BTreeMap<String, Sign> {
        &self.file.rating.signs
    }
}
