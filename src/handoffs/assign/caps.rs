//! Caps: at most so many assignments in a window of time, several at once.
//!
//! Boundaries: a rolling window ends before the assignment that is exactly as old as it is long; a calendar window
//! begins with the first instant of the hour, day or week in the rep's own time zone and ends before the next. An
//! assignment that was credited back is no longer counted: the caller leaves it out of `taken`.

use chrono::{DurationRound, FixedOffset, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::kernel::clock::DateTime;

/// The length of a cap's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CapWindow)]
pub enum Window {
    Hour,
    Day,
    Week,
}

impl Window {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    fn length(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
            Self::Week => TimeDelta::weeks(1),
        }
    }
}

/// Where a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CapWindowKind)]
pub enum WindowKind {
    /// With the rep's own hour, day or week.
    #[default]
    Calendar,
    /// At every instant anew.
    Rolling,
}

/// At most `limit` assignments in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cap {
    /// At least 1.
    pub limit: u32,
    pub window: Window,
    #[serde(default)]
    pub kind: WindowKind,
}

/// A stretch of time: from `from`, before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    pub from: DateTime,
    pub until: DateTime,
}

/// The hour, day and week that hold the present instant, in a rep's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spans {
    pub hour: Span,
    pub day: Span,
    pub week: Span,
}

impl Spans {
    /// The spans at a fixed distance from UTC; weeks begin on Monday. A zone whose distance changes needs a calendar.
    pub fn at_offset(now: DateTime, offset: FixedOffset) -> Self {
        let shift = TimeDelta::seconds(i64::from(offset.local_minus_utc()));
        let local = now + shift;
        let span = |from: DateTime, length| Span { from: from - shift, until: from - shift + length };
        let hour = local.duration_trunc(TimeDelta::hours(1)).unwrap_or(local);
        let day = local.duration_trunc(TimeDelta::days(1)).unwrap_or(local);
        let monday = day - TimeDelta::days(i64::from(chrono::Datelike::weekday(&day).num_days_from_monday()));
        Self {
            hour: span(hour, TimeDelta::hours(1)),
            day: span(day, TimeDelta::days(1)),
            week: span(monday, TimeDelta::weeks(1)),
        }
    }

    fn of(&self, window: Window) -> Span {
        match window {
            Window::Hour => self.hour,
            Window::Day => self.day,
            Window::Week => self.week,
        }
    }
}

/// A cap that has been reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reached {
    pub cap: Cap,
    /// Assignments in the window.
    pub taken: u32,
    /// When the window holds fewer than the limit again, if nothing is added to it.
    pub frees_at: Option<DateTime>,
}

impl Cap {
    /// Whether the cap leaves no room for another one now. `taken` in any order.
    pub fn reached(&self, taken: &[DateTime], spans: &Spans, now: DateTime) -> Option<Reached> {
        let span = spans.of(self.window);
        let since = now.checked_sub_signed(self.window.length()).unwrap_or(DateTime::MIN_UTC);
        let counts = |at: &DateTime| match self.kind {
            WindowKind::Calendar => *at >= span.from,
            WindowKind::Rolling => *at > since,
        };
        let mut inside: Vec<DateTime> = taken.iter().copied().filter(counts).collect();
        let count = u32::try_from(inside.len()).unwrap_or(u32::MAX);
        let surplus = count.checked_sub(self.limit)?;
        let frees_at = match self.kind {
            WindowKind::Calendar => Some(span.until),
            WindowKind::Rolling => {
                inside.sort_unstable();
                // The surplus and one more must have left the window.
                inside.get(surplus as usize).and_then(|last| last.checked_add_signed(self.window.length()))
            }
        };
        Some(Reached { cap: *self, taken: count, frees_at })
    }
}
