//! The figures on top of the file: TOML, each key known, each value within its bounds.

use chrono::NaiveDate;
use toml::{Table, Value};

use crate::kernel::text::nearest;
use crate::programmes::fault::{Faults, unknown};

/// The keys that may be there, with the table they stand in.
const KEYS: [&str; 22] = [
    "company",
    "product",
    "website",
    "currency",
    "start",
    "scenario",
    "sales_motion",
    "deal_size",
    "sales_cycle_days",
    "monthly_budget",
    "sales_cost_per_month",
    "gross_margin",
    "annual_churn",
    "annual_expansion",
    "onboarding_days",
    "rates.lead_to_mql",
    "rates.mql_to_sql",
    "rates.sql_to_opportunity",
    "rates.opportunity_to_won",
    "targets.cac",
    "targets.payback_months",
    "targets.net_revenue_retention",
];

/// The front matter while it is read.
pub(super) struct Front<'f> {
    values: Vec<(String, Value)>,
    text: &'f str,
    pub faults: &'f mut Faults,
}

impl<'f> Front<'f> {
    /// Reads the TOML; its first line is the second of the file.
    pub fn new(text: &'f str, faults: &'f mut Faults) -> Self {
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                let line =
                    error.span().map_or(1, |span| crate::programmes::fault::line_at(text, span.start)) + 1;
                faults.add(line, "", format!("the figures on top are not TOML: {}", error.message()));
                Table::new()
            }
        };
        let mut values = Vec::new();
        for (key, value) in table {
            match value {
                Value::Table(inner) => {
                    values.extend(inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
                }
                value => values.push((key, value)),
            }
        }
        let mut front = Self { values, text, faults };
        front.refuse_unknown();
        front
    }

    fn refuse_unknown(&mut self) {
        let names: Vec<String> = self.values.iter().map(|(key, _)| key.clone()).collect();
        for name in names.iter().filter(|name| !KEYS.contains(&name.as_str())) {
            let line = self.line(name);
            let message = match nearest(name, KEYS) {
                Some(near) => format!("`{name}` is not known here; did you mean `{near}`?"),
                None => format!("`{name}` is not known here"),
            };
            self.faults.add(line, name.as_str(), message);
        }
    }

    /// The line of a key in the file, or that of the top.
    pub fn line(&self, path: &str) -> usize {
        let (table, key) = path.split_once('.').map_or(("", path), |(table, key)| (table, key));
        let mut current = "";
        for (index, line) in self.text.lines().enumerate() {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                current = name;
            } else if current == table && line.split('=').next().is_some_and(|name| name.trim() == key) {
                return index + 2;
            }
        }
        1
    }

    fn get(&self, path: &str) -> Option<&Value> {
        self.values.iter().find(|(key, _)| key == path).map(|(_, value)| value)
    }

    fn missing(&mut self, path: &str, what: &str) {
        self.faults.add(1, path, format!("is missing; write `{path} = …` on top: {what}"));
    }

    pub fn text(&mut self, path: &str, what: &str) -> String {
        match self.get(path) {
            Some(Value::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
            Some(_) => {
                let line = self.line(path);
                self.faults.add(line, path, format!("must be a text in quotes: {what}"));
                String::new()
            }
            None => {
                self.missing(path, what);
                String::new()
            }
        }
    }

    /// A number from `min` to `max`.
    pub fn number(&mut self, path: &str, min: f64, max: f64, what: &str) -> f64 {
        let value = match self.get(path) {
            #[expect(clippy::cast_precision_loss, reason = "figures of a business are far below 2^52")]
            Some(Value::Integer(number)) => Some(*number as f64),
            Some(Value::Float(number)) => Some(*number),
            Some(Value::String(text)) => super::sections::number(text),
            Some(_) => None,
            None => {
                self.missing(path, what);
                return min;
            }
        };
        match value {
            Some(number) if (min..=max).contains(&number) => number,
            found => {
                let line = self.line(path);
                let found = found.map_or_else(|| "no number".to_owned(), |number| number.to_string());
                self.faults.add(line, path, format!("must be {min} to {max}, it is {found}: {what}"));
                min.max(0.01)
            }
        }
    }

    /// A fraction above 0, at most 1.
    pub fn rate(&mut self, path: &str, what: &str) -> f64 {
        self.number(path, 0.0001, 1.0, what)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds given")]
    pub fn whole(&mut self, path: &str, min: u32, max: u32, what: &str) -> u32 {
        self.number(path, f64::from(min), f64::from(max), what).round() as u32
    }

    pub fn date(&mut self, path: &str, what: &str) -> NaiveDate {
        let text = match self.get(path) {
            Some(Value::Datetime(date)) => date.to_string(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => {
                self.missing(path, what);
                return NaiveDate::default();
            }
        };
        text.get(..10).and_then(|day| day.parse().ok()).unwrap_or_else(|| {
            let line = self.line(path);
            self.faults.add(line, path, format!("`{text}` is no date such as 2026-02-10: {what}"));
            NaiveDate::default()
        })
    }

    /// One of several names.
    pub fn one_of<T: Copy>(&mut self, path: &str, names: &[(&'static str, T)], what: &str) -> T {
        let written = self.text(path, what);
        let found = names.iter().find(|(name, _)| *name == written);
        if found.is_none() && !written.is_empty() {
            let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            let line = self.line(path);
            self.faults.add(line, path, unknown(what, &written, &known));
        }
        found.unwrap_or(&names[0]).1
    }
}
