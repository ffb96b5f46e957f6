//! The dates of a renewal for a calendar program (RFC 5545).
//!
//! Promises: each task and checkpoint is an event of whole days, because calendar programs show events and many hide to-dos.
//! Its UID is made from the renewal and the task and never changes, and SEQUENCE grows with each version, so that importing
//! a newer file moves what is there and doubles nothing; what a version no longer has comes as cancelled. Checkpoints and
//! milestones ring in the afternoon before. No line has more than 75 octets, which the ready-made writers do not keep.
//! Equal inputs give the same text.

use chrono::{Days, NaiveDate};

use super::build::{is_milestone, number_of};
use super::plays::stage_title;
use super::telling::Telling;
use crate::plans::model::Task;

/// The longest line, in octets, without its end.
const LINE_MAX: usize = 75;
/// Nine hours before the midnight at which a day begins.
const ALARM: &str = "-PT9H";

/// The calendar.
pub fn calendar(telling: &Telling<'_>) -> String {
    let mut lines = Lines::default();
    lines.plain("BEGIN", "VCALENDAR");
    lines.plain("VERSION", "2.0");
    lines.plain("PRODID", "-//GTM Motion Orchestrator//Renewals//EN");
    lines.plain("CALSCALE", "GREGORIAN");
    lines.plain("METHOD", "PUBLISH");
    lines.text("X-WR-CALNAME", &format!("Renewal of {}", telling.account));
    for task in &telling.plan.tasks {
        lines.event(telling, &of_task(telling, task));
    }
    for removed in telling.removed {
        let (id, title) = (removed.id.0.clone(), removed.title.clone());
        let gone = Event {
            id,
            title,
            detail: String::new(),
            from: removed.on,
            to: removed.on,
            rings: false,
            cancelled: true,
        };
        lines.event(telling, &gone);
    }
    let title = format!("Renewal date of {}", telling.account);
    let on = telling.terms.deadline;
    let renewal = Event {
        id: "deadline".to_owned(),
        title,
        detail: String::new(),
        from: on,
        to: on,
        rings: true,
        cancelled: false,
    };
    lines.event(telling, &renewal);
    lines.plain("END", "VCALENDAR");
    lines.0
}

/// An event of whole days, up to and with the last.
struct Event {
    id: String,
    title: String,
    detail: String,
    from: NaiveDate,
    to: NaiveDate,
    rings: bool,
    cancelled: bool,
}

fn of_task(telling: &Telling<'_>, task: &Task) -> Event {
    let held =
        |n: u32| telling.checkpoints.iter().any(|one| one.checkpoint.n == n && one.checkpoint.held.is_some());
    let over = telling.is_done(&task.id) || number_of(task).is_some_and(held);
    let owner = format!("{}. Owner: {}.", stage_title(&task.stage), telling.who(&task.owner));
    let detail = if task.detail.is_empty() { owner } else { format!("{}\n{owner}", task.detail) };
    Event {
        id: task.id.0.clone(),
        title: format!("{}{}: {}", if over { "✓ " } else { "" }, telling.account, task.title),
        detail,
        from: telling.begins_on(task),
        to: telling.ends_on(task),
        rings: !over && (task.checkpoint || is_milestone(task)),
        cancelled: false,
    }
}

/// Content lines, folded.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn event(&mut self, telling: &Telling<'_>, event: &Event) {
        let after = event.to.checked_add_days(Days::new(1)).unwrap_or(event.to);
        self.plain("BEGIN", "VEVENT");
        self.text("UID", &format!("{}.{}@gtm", event.id, telling.id));
        self.plain("DTSTAMP", &telling.made_at.format("%Y%m%dT%H%M%SZ").to_string());
        self.plain("SEQUENCE", &telling.version.saturating_sub(1).to_string());
        self.plain("DTSTART;VALUE=DATE", &event.from.format("%Y%m%d").to_string());
        self.plain("DTEND;VALUE=DATE", &after.format("%Y%m%d").to_string());
        self.text("SUMMARY", &event.title);
        if !event.detail.is_empty() {
            self.text("DESCRIPTION", &event.detail);
        }
        self.plain("STATUS", if event.cancelled { "CANCELLED" } else { "CONFIRMED" });
        // Nobody is busy because something is to be done on a day.
        self.plain("TRANSP", "TRANSPARENT");
        self.plain("CLASS", "PRIVATE");
        self.plain("CATEGORIES", "Renewal");
        if event.rings {
            self.plain("BEGIN", "VALARM");
            self.plain("ACTION", "DISPLAY");
            self.plain("TRIGGER", ALARM);
            self.text("DESCRIPTION", &event.title);
            self.plain("END", "VALARM");
        }
        self.plain("END", "VEVENT");
    }

    /// A line whose value is ours.
    fn plain(&mut self, name: &str, value: &str) {
        let line = format!("{name}:{value}");
        let mut rest = line.as_str();
        // The space that marks a folded line counts too.
        let mut room = LINE_MAX;
        while rest.len() > room {
            let (here, next) = rest.split_at(fold(rest, room));
            self.0.push_str(here);
            self.0.push_str("\r\n ");
            (rest, room) = (next, LINE_MAX - 1);
        }
        self.0.push_str(rest);
        self.0.push_str("\r\n");
    }

    /// A line whose value is a text of people.
    fn text(&mut self, name: &str, text: &str) {
        let mut escaped = String::with_capacity(text.len() + 8);
        for c in text.replace("\r\n", "\n").chars() {
            match c {
                '\\' | ';' | ',' => escaped.extend(['\\', c]),
                '\n' => escaped.push_str("\\n"),
                // Others have no place in a calendar.
                c if c.is_control() && c != '\t' => {}
                c => escaped.push(c),
            }
        }
        self.plain(name, &escaped);
    }
}

/// Where a line that is longer than `room` octets is folded: between two characters that are no spaces, because some readers
/// take spaces at the end or the beginning of a line away.
fn fold(line: &str, room: usize) -> usize {
    let is_space = |c: Option<char>| c.is_some_and(char::is_whitespace);
    let between = |at: &usize| line.is_char_boundary(*at);
    let kind =
        |at: &usize| !is_space(line[..*at].chars().next_back()) && !is_space(line[*at..].chars().next());
    let kindly = (1..=room).rev().filter(between).find(kind);
    kindly.or_else(|| (1..=room).rev().find(between)).unwrap_or(line.len())
}
