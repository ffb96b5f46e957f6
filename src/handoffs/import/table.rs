//! A CSV text as rows with the line numbers that an editor shows.
//!
//! Promises: names of columns are compared in lower case; a row with too few or too many cells is a fault of that row.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A table.
pub(super) struct Table {
    /// Positions by name, from 0.
    pub columns: BTreeMap<String, usize>,
    pub rows: Vec<Row>,
    pub faults: Vec<CellFault>,
}

pub(super) struct Row {
    /// From 1; that of the header is 1.
    pub line: u64,
    pub cells: Vec<String>,
}

/// Something wrong at a place of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CellFault {
    pub line: u64,
    /// From 1.
    pub column: u64,
    /// The name of the column.
    pub path: String,
    pub message: String,
}

impl CellFault {
    pub(super) fn new(line: u64, column: usize, path: &str, message: impl Into<String>) -> Self {
        Self { line, column: column as u64 + 1, path: path.to_owned(), message: message.into() }
    }
}

/// Reads a text; a byte order mark is passed over.
pub(super) fn read(text: &str) -> Table {
    // With line feeds alone, the last line too, counting them gives the numbers of lines.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let text = if text.ends_with('\n') { text } else { text + "\n" };
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut table = Table { columns: BTreeMap::new(), rows: Vec::new(), faults: Vec::new() };
    let mut record = csv::StringRecord::new();
    let mut width = None;
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return table,
            Err(error) => {
                table.faults.push(CellFault::new(reader.position().line(), 0, "", error.to_string()));
                return table;
            }
        }
        // The reader stands behind the row: back over its end and the line breaks within its cells.
        let within = record.as_slice().matches('\n').count() as u64;
        let line = reader.position().line().saturating_sub(1 + within);
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        match width {
            None => {
                width = Some(cells.len());
                table.head(line, cells);
            }
            Some(width) if width != cells.len() => {
                let message = format!("the row has {} cells, the header has {width}", cells.len());
                table.faults.push(CellFault::new(line, cells.len().min(width), "", message));
            }
            Some(_) => table.rows.push(Row { line, cells }),
        }
    }
}

impl Table {
    fn head(&mut self, line: u64, names: Vec<String>) {
        for (at, name) in names.into_iter().enumerate() {
            let name = name.to_lowercase();
            match self.columns.entry(name) {
                Entry::Vacant(place) => drop(place.insert(at)),
                Entry::Occupied(known) => {
                    let message = format!("there are two columns `{}`", known.key());
                    self.faults.push(CellFault::new(line, at, known.key(), message));
                }
            }
        }
    }
}

/// Line and column of a byte of a text, from 1.
pub(super) fn position(text: &str, byte: usize) -> (u64, u64) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() as u64 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
    (line, column)
}
