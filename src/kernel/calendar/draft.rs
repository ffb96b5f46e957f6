//! How people write a calendar, and everything that can be wrong with it.
//!
//! Promises: all faults come at once, each with the place, a stable code and, where one is likely, what was
//! meant. What passes is open at some time of every few years, has no overlaps and names a real zone; written
//! back it is the same calendar.
//!
//! ```json
//! { "zone": "Europe/Berlin",
//!   "hours": { "monday": ["09:00-12:30", "13:30-17:00"], "friday": ["09:00-15:00"] },
//!   "specialDays": [
//!     { "on": "12-25", "name": "Christmas Day" },
//!     { "on": "2027-03-26", "name": "Good Friday" },
//!     { "on": "12-24", "name": "Christmas Eve", "hours": ["09:00-12:00"] } ] }
//! ```

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::block::BlockError;
use super::{Block, MonthDay, Special, WorkCalendar, Zone};

/// The most blocks that one day may have.
const BLOCKS_MAX: usize = 12;
/// The most special days of a calendar: holidays of decades.
const SPECIAL_DAYS_MAX: usize = 1_000;
/// The longest name of a special day, in characters.
const NAME_MAX: usize = 100;

/// A calendar as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CalendarDraft {
    /// A name of the IANA database, such as `Europe/Berlin`.
    pub zone: String,
    pub hours: WeekHoursDraft,
    /// Holidays and days with hours of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special_days: Vec<SpecialDayDraft>,
}

/// Blocks such as `09:00-12:30` for each day of the week; a day without any is closed. A block over midnight is
/// written as two: `22:00-24:00`, and `00:00-06:00` on the next day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WeekHoursDraft {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub monday: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tuesday: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wednesday: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thursday: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub friday: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub saturday: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sunday: Vec<String>,
}

impl WeekHoursDraft {
    /// The days with their names, from Monday.
    fn days(&self) -> [(&'static str, &[String]); 7] {
        [
            ("monday", &self.monday),
            ("tuesday", &self.tuesday),
            ("wednesday", &self.wednesday),
            ("thursday", &self.thursday),
            ("friday", &self.friday),
            ("saturday", &self.saturday),
            ("sunday", &self.sunday),
        ]
    }
}

/// A day that does not have the hours of its weekday.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpecialDayDraft {
    /// One date, `2027-03-26`, or a day of every year, `12-25`. The one date goes before.
    pub on: String,
    /// Shown where time does not count because of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its own blocks; without any it is closed all day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<String>,
}

/// One thing wrong with a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CalendarFault {
    /// Where, such as `hours.monday[1]`.
    pub path: String,
    pub code: CalendarFaultCode,
    pub message: String,
    /// What was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suggestion: Option<String>,
}

/// The kinds of fault. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalendarFaultCode {
    UnknownZone,
    /// A block is not of the form `09:00-17:00`.
    NoBlock,
    /// A block ends before or where it starts.
    EndsBeforeStart,
    /// Two blocks of a day have time in common.
    Overlap,
    /// Neither a date nor a day of the year.
    NoDate,
    /// A special day is listed twice.
    Duplicate,
    /// A list or a text is longer than a calendar needs.
    TooLarge,
    /// No day of the week leaves any time open.
    NeverOpen,
}

impl fmt::Display for CalendarFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " ({suggestion})"),
            None => Ok(()),
        }
    }
}

/// Collects faults while a draft is read.
#[derive(Default)]
struct Faults(Vec<CalendarFault>);

impl Faults {
    fn add(&mut self, code: CalendarFaultCode, path: &str, message: String, suggestion: Option<String>) {
        self.0.push(CalendarFault { path: path.to_owned(), code, message, suggestion });
    }
}

/// The calendar, or all that is wrong with the draft.
pub(super) fn check(draft: &CalendarDraft) -> Result<WorkCalendar, Vec<CalendarFault>> {
    let mut faults = Faults::default();
    let zone = Zone::find(&draft.zone).unwrap_or_else(|meant| {
        let message = format!("there is no time zone `{}`", draft.zone);
        let hint = meant.map_or_else(
            || "write a name of the IANA database, such as `Europe/Berlin`".to_owned(),
            |name| format!("did you mean `{name}`?"),
        );
        faults.add(CalendarFaultCode::UnknownZone, "zone", message, Some(hint));
        Zone::utc()
    });
    let week =
        draft.hours.days().map(|(name, texts)| blocks(texts, &format!("hours.{name}"), true, &mut faults));
    let mut calendar = WorkCalendar { zone, week, dated: BTreeMap::new(), yearly: BTreeMap::new() };
    special_days(&draft.special_days, &mut calendar, &mut faults);
    if never_open(draft, &calendar) {
        let message = "no time is ever open: every day of the week is closed or a holiday".to_owned();
        let hint = Some("give at least one day hours, such as `\"monday\": [\"09:00-17:00\"]`".to_owned());
        faults.add(CalendarFaultCode::NeverOpen, "hours", message, hint);
    }
    if faults.0.is_empty() { Ok(calendar) } else { Err(faults.0) }
}

/// A week that was written without hours, or a holiday on each day of every year. Single dates do not help: they
/// come to an end.
fn never_open(draft: &CalendarDraft, calendar: &WorkCalendar) -> bool {
    let nothing_written = draft.hours.days().iter().all(|(_, texts)| texts.is_empty());
    let closed_days = calendar.yearly.values().filter(|special| special.blocks.is_empty()).count();
    let open_yearly = calendar.yearly.len() > closed_days;
    (nothing_written && !open_yearly) || closed_days >= 366
}

/// The blocks of a day in order; `weekly` tells whether they belong to a day of the week.
fn blocks(texts: &[String], path: &str, weekly: bool, faults: &mut Faults) -> Vec<Block> {
    if texts.len() > BLOCKS_MAX {
        let message = format!("{} blocks on one day; at most {BLOCKS_MAX}", texts.len());
        faults.add(CalendarFaultCode::TooLarge, path, message, None);
        return Vec::new();
    }
    let mut found: Vec<Block> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match Block::parse(text) {
            Ok(block) => match found.iter().find(|other| other.overlaps(block)) {
                Some(other) => {
                    let message = format!("`{block}` overlaps `{other}`");
                    faults.add(CalendarFaultCode::Overlap, &path, message, None);
                }
                None => found.push(block),
            },
            Err(error) => no_block(error, text, &path, weekly, faults),
        }
    }
    found.sort_unstable();
    found
}

fn no_block(error: BlockError, text: &str, path: &str, weekly: bool, faults: &mut Faults) {
    let code = CalendarFaultCode::EndsBeforeStart;
    match error {
        BlockError::Form => {
            let hint = Some("write from and to as on a clock, such as `09:00-12:30` or `22:00-24:00`".into());
            faults.add(CalendarFaultCode::NoBlock, path, format!("`{text}` is no block of hours"), hint);
        }
        BlockError::Empty => faults.add(code, path, format!("`{text}` ends where it starts"), None),
        BlockError::Backwards => {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            let next = if weekly { "the next day" } else { "a special day of its own for the next day" };
            let hint = format!(
                "over midnight, write `{}-24:00` here and `00:00-{}` on {next}",
                from.trim(),
                to.trim()
            );
            faults.add(code, path, format!("`{text}` ends before it starts"), Some(hint));
        }
    }
}

/// When a special day is.
enum On {
    Date(NaiveDate),
    Yearly(MonthDay),
}

fn special_days(drafts: &[SpecialDayDraft], calendar: &mut WorkCalendar, faults: &mut Faults) {
    if drafts.len() > SPECIAL_DAYS_MAX {
        let message = format!("{} special days; at most {SPECIAL_DAYS_MAX}", drafts.len());
        faults.add(CalendarFaultCode::TooLarge, "specialDays", message, None);
        return;
    }
    for (index, draft) in drafts.iter().enumerate() {
        let path = format!("specialDays[{index}]");
        if draft.name.as_ref().is_some_and(|name| name.chars().count() > NAME_MAX) {
            let message = format!("longer than {NAME_MAX} characters");
            faults.add(CalendarFaultCode::TooLarge, &format!("{path}.name"), message, None);
        }
        let blocks = blocks(&draft.hours, &format!("{path}.hours"), false, faults);
        let special = Special { name: draft.name.clone(), blocks };
        let before = match on(&draft.on) {
            Some(On::Date(date)) => calendar.dated.insert(date.to_epoch_days(), special),
            Some(On::Yearly(day)) => calendar.yearly.insert(day, special),
            None => {
                let message = format!("`{}` is neither a date nor a day of the year", draft.on);
                let hint = Some("write `2027-03-26`, or `12-25` for every year".to_owned());
                faults.add(CalendarFaultCode::NoDate, &format!("{path}.on"), message, hint);
                None
            }
        };
        if before.is_some() {
            let message = format!("`{}` is listed twice", draft.on);
            faults.add(CalendarFaultCode::Duplicate, &format!("{path}.on"), message, None);
        }
    }
}

fn on(text: &str) -> Option<On> {
    let digits = |text: &str, count: usize| {
        (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u16>().ok())?
    };
    let parts: Vec<&str> = text.split('-').collect();
    let small = |text: &str| digits(text, 2).and_then(|number| u8::try_from(number).ok());
    match parts.as_slice() {
        [year, month, day] => {
            let (month, day) = (small(month)?, small(day)?);
            let year = i32::from(digits(year, 4)?);
            NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day)).map(On::Date)
        }
        [month, day] => MonthDay::new(small(month)?, small(day)?).map(On::Yearly),
        _ => None,
    }
}

impl TryFrom<CalendarDraft> for WorkCalendar {
    type Error = String;

    fn try_from(draft: CalendarDraft) -> Result<Self, String> {
        Self::new(&draft)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

impl From<WorkCalendar> for CalendarDraft {
    fn from(calendar: WorkCalendar) -> Self {
        let texts = |blocks: &[Block]| blocks.iter().map(ToString::to_string).collect::<Vec<_>>();
        let special = |on: String, special: &Special| SpecialDayDraft {
            on,
            name: special.name.clone(),
            hours: texts(&special.blocks),
        };
        let yearly = calendar.yearly.iter().map(|(day, of)| special(day.to_string(), of));
        let dated = calendar.dated.iter().filter_map(|(day, of)| {
            NaiveDate::from_epoch_days(*day).map(|date| special(date.to_string(), of))
        });
        let special_days = yearly.chain(dated).collect();
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] =
            calendar.week.each_ref().map(|blocks| texts(blocks));
        let hours = WeekHoursDraft { monday, tuesday, wednesday, thursday, friday, saturday, sunday };
        Self { zone: calendar.zone.name().to_owned(), hours, special_days }
    }
}
