//! All tasks over time, as a chart.
//!
//! Promises: bars lie where the dates are, to a tenth of a pixel; what is on the critical path has its own colour, a task of
//! no length is a diamond; the deadline is a line. A plan of more tasks than fit a page is told by stages.

use chrono::TimeDelta;

use super::{Told, instant};
use crate::kernel::clock::DateTime;
use crate::kernel::document::block::{Block, Text};
use crate::kernel::document::drawing::{Anchor, Canvas, Colour};

/// More rows than this are gathered by stage.
const ROWS_MAX: usize = 120;
const WIDTH: u32 = 960;
/// Where the words of a row end and time begins.
const LEFT: f64 = 260.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 34.0;
const ROW: f64 = 22.0;
/// The longest name of a row, in characters.
const NAME_MAX: usize = 38;
/// At most so many marks along the top.
const MARKS_MAX: i64 = 9;

const BAR: Colour = Colour("#7b93b0");
const CRITICAL: Colour = Colour("#c2410c");
const GATE: Colour = Colour("#6d28d9");
const RULE: Colour = Colour("#d9dee4");
const DEADLINE: Colour = Colour("#b91c1c");
const INK: Colour = Colour("#1f2933");

struct Row {
    name: String,
    start: DateTime,
    end: DateTime,
    colour: Colour,
}

/// The chart and what it shows in words.
pub fn gantt(told: &Told<'_>) -> Block {
    let rows = rows(told);
    let schedule = told.schedule;
    let last = told.plan.deadline.map_or(schedule.ends_at, |deadline| deadline.max(schedule.ends_at));
    let axis = Axis { from: schedule.starts_at, to: last.max(schedule.starts_at + TimeDelta::hours(1)) };
    let height = TOP + ROW * f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX)) + 10.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand pixels at most"
    )]
    let mut canvas = Canvas::new(WIDTH, height as u32);
    let mark = axis.step();
    let mut at = axis.from;
    while at <= axis.to {
        canvas.line((axis.x(at), TOP - 6.0), (axis.x(at), height - 6.0), RULE);
        let day = at.with_timezone(&told.zone.offset_at(at)).format("%-d %b").to_string();
        canvas.words((axis.x(at) + 2.0, TOP - 12.0), Anchor::Start, INK, &day);
        at += mark;
    }
    let mut y = TOP;
    for row in &rows {
        canvas.words((LEFT - 8.0, y + 14.0), Anchor::End, INK, &short(&row.name));
        let words =
            format!("{}: {} to {}", row.name, instant(row.start, told.zone), instant(row.end, told.zone));
        let (from, to) = (axis.x(row.start), axis.x(row.end));
        if row.start == row.end {
            canvas.diamond((from, y + 10.0), 6.0, row.colour, &words);
        } else {
            canvas.bar((from, y + 3.0), ((to - from).max(1.0), 14.0), row.colour, &words);
        }
        y += ROW;
    }
    if let Some(deadline) = told.plan.deadline {
        canvas.line((axis.x(deadline), TOP - 6.0), (axis.x(deadline), height - 6.0), DEADLINE);
    }
    let words = format!(
        "{} tasks from {} to {}; those on the critical path stand out.",
        told.plan.tasks.len(),
        instant(schedule.starts_at, told.zone),
        instant(schedule.ends_at, told.zone)
    );
    Block::Figure { drawing: canvas.finish("Tasks over time"), words: Text::new(&words) }
}

/// A row for each task and gate, or for each stage where those are too many.
fn rows(told: &Told<'_>) -> Vec<Row> {
    let tasks = told.plan.tasks.iter().zip(&told.schedule.slots);
    if told.plan.tasks.len() + told.plan.gates.len() <= ROWS_MAX {
        let tasks = tasks.map(|(task, slot)| Row {
            name: task.title.clone(),
            start: slot.start_at,
            end: slot.end_at,
            colour: if slot.critical { CRITICAL } else { BAR },
        });
        let gates = told.plan.gates.iter().zip(&told.schedule.gates).map(|(gate, slot)| Row {
            name: gate.title.clone(),
            start: slot.opens_at,
            end: slot.opens_at,
            colour: GATE,
        });
        let mut rows: Vec<Row> = tasks.chain(gates).collect();
        rows.sort_by_key(|row| (row.start, row.end));
        return rows;
    }
    let mut stages: Vec<Row> = Vec::new();
    for (task, slot) in tasks {
        let colour = if slot.critical { CRITICAL } else { BAR };
        let name = (told.stage)(&task.stage);
        match stages.iter_mut().find(|row| row.name == name) {
            Some(row) => {
                (row.start, row.end) = (row.start.min(slot.start_at), row.end.max(slot.end_at));
                if slot.critical {
                    row.colour = CRITICAL;
                }
            }
            None => {
                stages.push(Row { name, start: slot.start_at, end: slot.end_at, colour });
            }
        }
    }
    stages.truncate(ROWS_MAX);
    stages
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    format!("{}…", name.chars().take(NAME_MAX - 1).collect::<String>())
}

/// Instants as places.
struct Axis {
    from: DateTime,
    to: DateTime,
}

impl Axis {
    #[expect(clippy::cast_precision_loss, reason = "pixels need fewer digits than microseconds have")]
    fn x(&self, at: DateTime) -> f64 {
        let whole = (self.to - self.from).num_seconds().max(1) as f64;
        let part = (at - self.from).num_seconds() as f64 / whole;
        LEFT + part.clamp(0.0, 1.0) * (f64::from(WIDTH) - LEFT - RIGHT)
    }

    /// From one mark to the next: whole days.
    fn step(&self) -> TimeDelta {
        let days = (self.to - self.from).num_days() + 1;
        let steps = [1, 2, 7, 14, 28, 56, 91, 182, 364];
        let fits = steps.into_iter().find(|step| days / step < MARKS_MAX);
        TimeDelta::days(fits.unwrap_or(days / MARKS_MAX + 1))
    }
}
