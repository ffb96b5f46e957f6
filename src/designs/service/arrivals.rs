//! When work comes in: how much in each hour of the week, how sure that is, and how much it comes in bursts.
//!
//! Promises: a pattern that was measured keeps the count that was measured; where a cell of the week was hit by few, it
//! borrows from its hour and its weekday. Days differ more than chance has them differ where the measured ones did.
//! Leaves out: seasons and growth; measure over the weeks that are like the ones to come.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate, Timelike as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dice::Dice;
use super::statistics::count;
use crate::kernel::calendar::Zone;
use crate::kernel::clock::DateTime;

/// Hours of a week, from Monday midnight.
pub const WEEK_HOURS: usize = 7 * 24;
/// How many arrivals, spread evenly, count beside those that were seen on the days, and in the hours of a day, so that
/// what was not seen yet is rare and not impossible.
const PRIOR: f64 = 2.0;
/// So much the number of arrivals of a day may vary by bursts, as the squared deviation of the day's factor; beyond that it
/// is not a pattern that a mean describes.
const BURSTS_MAX: f64 = 4.0;

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FigureSource)]
pub enum Source {
    /// From the service's own handoffs.
    Measured,
    /// By whoever asked.
    Given,
    /// By nobody: a usual value, to be replaced.
    Assumed,
}

impl Source {
    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Given => "given",
            Self::Assumed => "assumed",
        }
    }
}

/// Arrivals in the hours of a week.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals {
    /// Expected in each hour, from Monday midnight on the wall clock of `zone`.
    pub by_hour: Vec<f64>,
    pub zone: Zone,
    /// How many were counted for it; the fewer, the less sure is their number. None where it was given as certain.
    pub counted: Option<u32>,
    /// How much days differ beyond chance: the variance of a factor with mean 1 that each day has.
    pub bursts: f64,
    pub source: Source,
}

impl Arrivals {
    /// Expected in a week.
    pub fn per_week(&self) -> f64 {
        self.by_hour.iter().sum()
    }

    /// So many a week, each hour of which `open` says whether somebody works; a part of them comes while nobody does.
    pub fn given(per_week: f64, outside_share: f64, zone: Zone, open: &[bool], source: Source) -> Self {
        let opened = count(open.iter().filter(|open| **open).count());
        let closed = count(WEEK_HOURS) - opened;
        // Where there is nothing but one kind of hours, all come in those.
        let outside = if closed <= 0.0 {
            0.0
        } else if opened <= 0.0 {
            1.0
        } else {
            outside_share
        };
        let rate = |open: &bool| {
            let (share, hours) = if *open { (1.0 - outside, opened) } else { (outside, closed) };
            if share > 0.0 { per_week * share / hours } else { 0.0 }
        };
        Self { by_hour: open.iter().map(rate).collect(), zone, counted: None, bursts: 0.0, source }
    }

    /// As they were counted from one instant to another, which is at least a day later.
    pub fn measured(at: &[DateTime], (from, to): (DateTime, DateTime), zone: Zone) -> Self {
        let weeks = ((to - from).as_seconds_f64() / 604_800.0).max(1.0 / 7.0);
        let (mut days, mut hours) = (vec![PRIOR / 7.0; 7], vec![PRIOR / 24.0; 24]);
        let mut dates: BTreeMap<NaiveDate, u32> = BTreeMap::new();
        for at in at {
            let local = at.with_timezone(&zone.offset_at(*at));
            days[local.weekday().num_days_from_monday() as usize] += 1.0;
            hours[local.hour() as usize] += 1.0;
            *dates.entry(local.date_naive()).or_default() += 1;
        }
        let seen = count(at.len());
        let all = (seen + PRIOR).powi(2);
        let per_week = seen / weeks;
        let by_hour: Vec<f64> =
            days.iter().flat_map(|day| hours.iter().map(move |hour| per_week * day * hour / all)).collect();
        let counted = Some(u32::try_from(at.len()).unwrap_or(u32::MAX));
        let bursts = bursts(&by_hour, &dates, (from, to), &zone);
        Self { by_hour, zone, counted, bursts, source: Source::Measured }
    }

    /// What the true number may be, as a factor on the expected one.
    pub(super) fn uncertain(&self, dice: &mut Dice) -> f64 {
        match self.counted {
            Some(counted) if counted > 0 => dice.gamma_of_mean_one(f64::from(counted)),
            _ => 1.0,
        }
    }

    /// A day's own factor.
    pub(super) fn of_a_day(&self, dice: &mut Dice) -> f64 {
        if self.bursts > 0.0 { dice.gamma_of_mean_one(1.0 / self.bursts) } else { 1.0 }
    }

    /// Expected in the hour that the wall clock shows at an instant.
    pub(super) fn at(&self, at: DateTime) -> f64 {
        let local = at.with_timezone(&self.zone.offset_at(at));
        let hour = local.weekday().num_days_from_monday() * 24 + local.hour();
        self.by_hour.get(hour as usize).copied().unwrap_or_default()
    }
}

/// How much more the days differ than days of a Poisson process with these means do: the moment estimate of the variance
/// of the day's factor.
fn bursts(
    by_hour: &[f64],
    dates: &BTreeMap<NaiveDate, u32>,
    (from, to): (DateTime, DateTime),
    zone: &Zone,
) -> f64 {
    let local = |at: DateTime| at.with_timezone(&zone.offset_at(at)).date_naive();
    // Whole days only.
    let days = local(from).iter_days().skip(1).take_while(|date| *date < local(to));
    let (mut beyond, mut squares) = (0.0, 0.0);
    for date in days {
        let first = date.weekday().num_days_from_monday() as usize * 24;
        let expected: f64 = by_hour[first..first + 24].iter().sum();
        let seen = f64::from(dates.get(&date).copied().unwrap_or_default());
        beyond += (seen - expected).powi(2) - expected;
        squares += expected.powi(2);
    }
    if squares > 0.0 { (beyond / squares).clamp(0.0, BURSTS_MAX) } else { 0.0 }
}
