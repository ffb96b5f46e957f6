//! The sections below the figures, read by their keys and columns.

use chrono::NaiveDate;

use super::markdown::{Row, Section, Table};
use crate::programmes::fault::{Faults, unknown};

/// A section while it is read: asked for keys are ticked off, the others are faults at the end.
pub(super) struct Keys<'s, 'f> {
    section: &'s Section,
    path: String,
    asked: Vec<&'static str>,
    pub faults: &'f mut Faults,
}

impl<'s, 'f> Keys<'s, 'f> {
    pub fn new(section: &'s Section, path: impl Into<String>, faults: &'f mut Faults) -> Self {
        Self { section, path: path.into(), asked: Vec::new(), faults }
    }

    fn path_of(&self, key: &str) -> String {
        format!("{} / {key}", self.path)
    }

    /// All values of a key; `;` parts them as lines of a list do. Nothing is a fault.
    pub fn list(&mut self, key: &'static str, what: &str) -> Vec<String> {
        let found = self.list_optional(key);
        if found.is_empty() {
            let path = self.path_of(key);
            self.faults.add(self.section.line, path, format!("is missing; write `- {key}: …`: {what}"));
        }
        found
    }

    pub fn list_optional(&mut self, key: &'static str) -> Vec<String> {
        self.asked.push(key);
        let of_key = self.section.entries.iter().filter(|entry| entry.key.eq_ignore_ascii_case(key));
        let values = of_key.flat_map(|entry| entry.values.iter().flat_map(|value| value.split(';')));
        values.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
    }

    pub fn text(&mut self, key: &'static str, what: &str) -> String {
        self.asked.push(key);
        let found = self.section.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key));
        let text = found.map(|entry| entry.values.join(" ")).unwrap_or_default();
        if text.is_empty() {
            let (line, path) = (found.map_or(self.section.line, |entry| entry.line), self.path_of(key));
            self.faults.add(line, path, format!("is missing; write `- {key}: …`: {what}"));
        }
        text
    }

    /// Texts parted by commas.
    pub fn words(&mut self, key: &'static str, what: &str) -> Vec<String> {
        let text = self.text(key, what);
        text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
    }

    pub fn number(&mut self, key: &'static str, min: f64, max: f64, what: &str) -> f64 {
        let text = self.text(key, what);
        if let Some(value) = number(&text).filter(|value| (min..=max).contains(value)) {
            value
        } else {
            if !text.is_empty() {
                let (line, path) = (self.line(key), self.path_of(key));
                let message = format!("`{text}` is no number from {min} to {max}: {what}");
                self.faults.add(line, path, message);
            }
            min.max(0.01)
        }
    }

    pub fn line(&self, key: &str) -> usize {
        let found = self.section.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key));
        found.map_or(self.section.line, |entry| entry.line)
    }

    /// Keys that nobody asked for are slips.
    pub fn finish(self) {
        for entry in &self.section.entries {
            if !self.asked.iter().any(|key| key.eq_ignore_ascii_case(&entry.key)) {
                self.faults.add(entry.line, self.path.clone(), unknown("key here", &entry.key, &self.asked));
            }
        }
    }
}

/// A table of a section by its columns.
pub(super) struct Columns<'s> {
    table: Option<&'s Table>,
    places: Vec<Option<usize>>,
    path: String,
}

impl<'s> Columns<'s> {
    /// The first table of a section; a missing column is a fault, and so is one that is not known.
    pub fn new(section: &'s Section, columns: &[&str], faults: &mut Faults) -> Self {
        let path = section.title.clone();
        let Some(table) = section.tables.first() else {
            faults.add(
                section.line,
                &path,
                format!("needs a table with the columns {}", columns.join(" | ")),
            );
            return Self { table: None, places: Vec::new(), path };
        };
        let place = |column: &str| table.head.iter().position(|head| head.eq_ignore_ascii_case(column));
        let places: Vec<Option<usize>> = columns.iter().map(|column| place(column)).collect();
        for (column, _) in columns.iter().zip(&places).filter(|(_, place)| place.is_none()) {
            faults.add(table.line, &path, format!("the table has no column `{column}`"));
        }
        for head in
            table.head.iter().filter(|head| !columns.iter().any(|column| column.eq_ignore_ascii_case(head)))
        {
            faults.add(table.line, &path, unknown("column of this table", head, columns));
        }
        Self { table: Some(table), places, path }
    }

    pub fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        let rows = self.table.into_iter().flat_map(|table| &table.rows);
        rows.map(|row| Cells { row, columns: self })
    }
}

/// One row of a table.
pub(super) struct Cells<'c> {
    row: &'c Row,
    columns: &'c Columns<'c>,
}

impl Cells<'_> {
    pub fn line(&self) -> usize {
        self.row.line
    }

    pub fn raw(&self, column: usize) -> &str {
        let place = self.columns.places.get(column).copied().flatten();
        place.and_then(|place| self.row.cells.get(place)).map_or("", String::as_str)
    }

    pub fn text(&self, column: usize, what: &str, faults: &mut Faults) -> String {
        let text = self.raw(column);
        if text.is_empty() {
            faults.add(self.row.line, &self.columns.path, format!("this row has no {what}"));
        }
        text.to_owned()
    }

    pub fn number(&self, column: usize, what: &str, faults: &mut Faults) -> f64 {
        let text = self.raw(column);
        number(text).filter(|value| *value >= 0.0).unwrap_or_else(|| {
            let message = format!("`{text}` is no number; write the {what} such as 1,250 or 12.5 or 26 %");
            faults.add(self.row.line, &self.columns.path, message);
            0.0
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, far below 2^52"
    )]
    pub fn count(&self, column: usize, what: &str, faults: &mut Faults) -> u64 {
        self.number(column, what, faults).round() as u64
    }

    pub fn date(&self, column: usize, what: &str, faults: &mut Faults) -> NaiveDate {
        let text = self.raw(column);
        text.parse().unwrap_or_else(|_| {
            let message = format!("`{text}` is no date; write the {what} such as 2026-12-31");
            faults.add(self.row.line, &self.columns.path, message);
            NaiveDate::default()
        })
    }
}

/// `1,250`, `12.5`, `26 %` (0.26); thousands are parted by commas.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let (digits, scale) = text.strip_suffix('%').map_or((text, 1.0), |rest| (rest.trim(), 100.0));
    let plain: String = digits.chars().filter(|c| *c != ',' && *c != ' ').collect();
    let value: f64 = plain.parse().ok()?;
    value.is_finite().then_some(value / scale)
}
