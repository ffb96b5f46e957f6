//! What an import or a preview came to, in numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::screen::Screen;
use super::super::words::thousands;

/// The numbers of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub file: String,
    pub rows: u64,
    /// Events made, by type.
    pub events: BTreeMap<String, u64>,
    /// Events that an earlier row of the files made in the same way.
    pub repeats: u64,
    /// Taken by the service.
    pub accepted: u64,
    /// Known to the service before.
    pub duplicates: u64,
    /// Rows with at least one fault.
    pub rejected_rows: u64,
}

impl Counts {
    pub fn events_made(&self) -> u64 {
        self.events.values().sum()
    }
}

/// A row for each file and event type.
pub fn by_type(screen: &Screen, counts: &[Counts]) -> String {
    let rows = counts.iter().flat_map(|file| {
        let mut first = vec![file.file.clone(), thousands(file.rows), thousands(file.rejected_rows)];
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (event_type, count) in &file.events {
            first.extend([event_type.clone(), thousands(*count)]);
            rows.push(std::mem::replace(&mut first, vec![String::new(), String::new(), String::new()]));
        }
        if rows.is_empty() {
            first.extend([String::new(), "0".to_owned()]);
            rows.push(first);
        }
        rows
    });
    screen.table(&["file", "rows", "with faults", "event type", "events"], rows)
}

/// A row for each file, and the sums.
pub fn by_file(screen: &Screen, counts: &[Counts]) -> String {
    let row = |file: &Counts| {
        vec![
            file.file.clone(),
            thousands(file.rows),
            thousands(file.events_made()),
            thousands(file.accepted),
            thousands(file.duplicates),
            thousands(file.rejected_rows),
        ]
    };
    let mut rows: Vec<Vec<String>> = counts.iter().map(row).collect();
    if counts.len() > 1 {
        rows.push(row(&total(counts)));
    }
    screen.table(&["file", "rows", "events", "accepted", "known already", "rows rejected"], rows)
}

/// The sums over all files.
pub fn total(counts: &[Counts]) -> Counts {
    let mut total = Counts { file: "in all".to_owned(), ..Counts::default() };
    for file in counts {
        total.rows += file.rows;
        total.repeats += file.repeats;
        total.accepted += file.accepted;
        total.duplicates += file.duplicates;
        total.rejected_rows += file.rejected_rows;
        for (event_type, count) in &file.events {
            *total.events.entry(event_type.clone()).or_default() += count;
        }
    }
    total
}
