//! `gtm import --preview`: everything but the sending.

use std::fmt::Write as _;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::screen::Screen;
use super::super::words::{counted, thousands};
use super::rows::{Row, Rows};
use super::summary::{self, Counts, total};

/// Faults that are printed; the rest are counted.
const FAULTS_SHOWN: usize = 20;

/// What an import would do.
#[derive(Debug, Default)]
pub struct Preview {
    pub counts: Vec<Counts>,
    /// The first ones, as `file:line:column: reason`.
    pub faults: Vec<String>,
    pub fault_count: u64,
    /// What the files have not and need not have, in sentences.
    pub absent: Vec<String>,
    /// The first event of each type.
    pub samples: BTreeMap<String, Value>,
}

/// Reads everything and sends nothing.
pub fn preview(mut rows: Rows<'_>) -> anyhow::Result<Preview> {
    let names = rows.file_names();
    let mut preview = Preview {
        counts: names.iter().map(|file| Counts { file: file.clone(), ..Counts::default() }).collect(),
        absent: rows.absent_columns(),
        ..Preview::default()
    };
    while let Some(row) = rows.next_row()? {
        preview.see(row, &names);
    }
    Ok(preview)
}

impl Preview {
    fn see(&mut self, row: Row, names: &[String]) {
        count(&mut self.counts[row.file], &row);
        for fault in &row.faults {
            self.fault_count += 1;
            if self.faults.len() < FAULTS_SHOWN {
                self.faults.push(place(&names[row.file], &row, &fault.column, &fault.reason));
            }
        }
        for event in row.events {
            let event_type = event["type"].as_str().unwrap_or_default().to_owned();
            self.samples.entry(event_type).or_insert(event);
        }
    }

    /// The preview for a program.
    pub fn json(&self) -> Value {
        json!({
            "files": self.counts,
            "faults": self.faults,
            "faultCount": self.fault_count,
            "absentColumns": self.absent,
            "samples": self.samples.values().collect::<Vec<_>>(),
        })
    }

    /// The preview for a person.
    pub fn show(&self, screen: &Screen) -> String {
        let mut out = summary::by_type(screen, &self.counts);
        let sum = total(&self.counts);
        let _ = write!(
            out,
            "\n\n{} would be sent, made of {}.",
            counted(sum.events_made(), "event"),
            counted(sum.rows, "row")
        );
        if sum.repeats > 0 {
            let _ = write!(out, " {} stand in the files more than once and go once.", thousands(sum.repeats));
        }
        for sentence in &self.absent {
            let _ = write!(out, "\n{sentence}");
        }
        out.push_str("\n\nOne event of each type:");
        for sample in self.samples.values() {
            let _ = write!(out, "\n  {sample}");
        }
        out.push_str("\n\n");
        if self.fault_count == 0 {
            out.push_str("No faults.");
        } else {
            let _ = write!(out, "{}:\n{}", counted(self.fault_count, "fault"), self.faults.join("\n"));
            let more = self.fault_count - self.faults.len() as u64;
            if more > 0 {
                let _ = write!(out, "\n… and {} more.", thousands(more));
            }
        }
        out
    }
}

/// Adds a row to the numbers of its file.
pub fn count(counts: &mut Counts, row: &Row) {
    counts.rows += 1;
    counts.repeats += row.repeats;
    counts.rejected_rows += u64::from(!row.faults.is_empty());
    for event in &row.events {
        *counts.events.entry(event["type"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
}

/// `file:line:column: reason`; without a column where it is the row as a whole.
pub fn place(file: &str, row: &Row, column: &str, reason: &str) -> String {
    let line = row.cells.line;
    if column.is_empty() {
        format!("{file}:{line}: {reason}")
    } else {
        format!("{file}:{line}:{column}: {reason}")
    }
}
