//! Where answers go: tables for people, JSON for programs.
//!
//! Promises: with `--json` standard output holds the API's JSON and nothing else (a list is one object per
//! line); tables fit the width of a terminal and have neither colour nor a width limit elsewhere; a reader
//! that goes away (`| head`) ends the program quietly.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::kernel::clock::{Clock, DateTime};
use crate::motions::explain::{Page, WIDTH};

/// Standard output, and how to write to it.
#[derive(Debug, Clone)]
pub struct Screen {
    pub json: bool,
    /// A person sits there.
    pub terminal: bool,
    /// The present, for ages.
    pub now: DateTime,
}

impl Screen {
    pub fn new(json: bool) -> Self {
        Self { json, terminal: io::stdout().is_terminal(), now: Clock::System.now() }
    }

    /// Columns that running text may take.
    pub fn width(&self) -> usize {
        if !self.terminal {
            return WIDTH;
        }
        Table::new().width().map_or(WIDTH, usize::from).clamp(40, 120)
    }

    /// How an explanation is laid out here.
    pub fn page(&self) -> Page {
        Page { width: self.width(), now: self.now }
    }

    /// Writes text and a line break.
    #[expect(clippy::unused_self, reason = "whoever writes was given the screen")]
    pub fn line(&self, text: impl AsRef<str>) {
        let mut out = io::stdout().lock();
        if let Err(error) = writeln!(out, "{}", text.as_ref())
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            // Nobody reads any more: there is nothing left to do and nobody to tell.
            std::process::exit(0);
        }
    }

    /// One document: for programs as it is, for people through `show`.
    pub fn document(&self, document: &Value, show: impl FnOnce(&Value) -> String) {
        if self.json {
            self.line(format!("{document:#}"));
        } else {
            self.line(show(document).trim_end());
        }
    }

    /// A list: one object per line, or a table with a sentence when it is empty.
    pub fn list(&self, rows: &[Value], empty: &str, headers: &[&str], cells: impl Fn(&Value) -> Vec<String>) {
        if self.json {
            for row in rows {
                self.line(row.to_string());
            }
        } else if rows.is_empty() {
            self.line(empty);
        } else {
            self.line(self.table(headers, rows.iter().map(cells)));
        }
    }

    /// A table without frames.
    pub fn table(&self, headers: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_header(headers.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
        } else {
            table.force_no_tty();
            table.set_header(headers.iter().map(Cell::new));
        }
        for row in rows {
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n")
    }
}
