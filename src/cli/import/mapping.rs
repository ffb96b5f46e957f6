//! The mapping file: which columns of which CSV become which events.
//!
//! Promises: a mapping is read and checked as a whole before any row is; a fault names the place in the
//! mapping (`files[0].events[1].data.seats`) and, for a misspelt key, the key that was probably meant.
//! Leaves out: whether the columns exist, which is checked when the CSV is opened.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::FixedOffset;
use serde::Deserialize;
use toml::Value as Toml;

use super::spec::{Columns, Condition, Spec};
use super::template::Template;

/// How to turn CSV files into events.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// For people.
    pub name: String,
    /// The `CloudEvents` source of all events; with the id their identity.
    pub source: String,
    pub text: TextRules,
    pub files: Vec<FileMapping>,
}

/// How cells are written.
#[derive(Debug, Clone)]
pub struct TextRules {
    /// One byte.
    pub delimiter: u8,
    pub encoding: Encoding,
    /// Formats of dates and instants, tried in order, in the syntax of `strftime`.
    pub date_formats: Vec<String>,
    /// The offset of instants written without one.
    pub utc_offset: FixedOffset,
    /// `,` where numbers are written 1.234,50.
    pub decimal: char,
    /// Lower case.
    pub true_words: Vec<String>,
    pub false_words: Vec<String>,
    /// Cells that mean "nothing", such as `NULL` or `n/a`; compared in lower case.
    pub empty_words: Vec<String>,
}

/// How the bytes of a file become text. A byte order mark wins over what is said here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "windows-1252")]
    Windows1252,
    #[serde(rename = "utf-16")]
    Utf16,
}

/// One CSV file and the events made of each of its rows.
#[derive(Debug, Clone)]
pub struct FileMapping {
    /// Relative to the directory given on the command line.
    pub file: PathBuf,
    /// May be absent from the directory.
    pub optional: bool,
    /// Columns that no event needs may be absent from the file: their fields stay empty.
    pub optional_columns: bool,
    pub delimiter: Option<u8>,
    /// By the name that columns are prefixed with: `{subscription.account_id}`.
    pub lookups: BTreeMap<String, LookupMapping>,
    pub events: Vec<EventMapping>,
}

/// Rows of another file, found by a key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupMapping {
    pub file: PathBuf,
    /// The column of this file that holds the key.
    #[serde(rename = "match")]
    pub match_column: String,
    /// The column of the other file with the same key; the same name when left out.
    pub key: Option<String>,
}

/// One event per row.
#[derive(Debug, Clone)]
pub struct EventMapping {
    pub event_type: String,
    /// The event's id. It must come from the row alone, so that a repeated import repeats it.
    pub id: Template,
    /// The account.
    pub subject: Spec,
    /// When it was true; the moment of arrival when left out.
    pub time: Option<Spec>,
    /// All must hold, else the row makes no such event.
    pub when: Vec<Condition>,
    pub data: Spec,
}

impl EventMapping {
    /// The columns without which the event cannot be made.
    pub fn needed_columns(&self) -> Vec<String> {
        let mut columns = Columns::default();
        columns.template(&self.id);
        columns.spec(&self.subject);
        columns.needed(&self.data);
        self.when.iter().for_each(|condition| columns.add(&condition.column));
        columns.into_sorted()
    }

    /// Every column that the event names.
    pub fn columns(&self) -> Vec<String> {
        let mut columns = Columns::default();
        columns.template(&self.id);
        columns.spec(&self.subject);
        columns.spec(&self.data);
        self.time.iter().for_each(|time| columns.spec(time));
        self.when.iter().for_each(|condition| columns.add(&condition.column));
        columns.into_sorted()
    }
}

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct MappingFault {
    pub place: String,
    pub reason: String,
}

impl MappingFault {
    pub fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    name: String,
    source: String,
    #[serde(default)]
    text: RawText,
    files: Vec<RawFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawText {
    delimiter: String,
    encoding: Encoding,
    date_formats: Vec<String>,
    utc_offset: String,
    decimal: char,
    true_words: Vec<String>,
    false_words: Vec<String>,
    empty_words: Vec<String>,
}

impl Default for RawText {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Self {
            delimiter: ",".to_owned(),
            encoding: Encoding::Utf8,
            date_formats: Vec::new(),
            utc_offset: "+00:00".to_owned(),
            decimal: '.',
            true_words: words(&["true", "yes", "y", "t", "1"]),
            false_words: words(&["false", "no", "n", "f", "0"]),
            empty_words: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    file: PathBuf,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    optional_columns: bool,
    delimiter: Option<String>,
    #[serde(default)]
    lookups: BTreeMap<String, LookupMapping>,
    events: Vec<RawEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    #[serde(rename = "type")]
    event_type: String,
    id: String,
    subject: Toml,
    time: Option<Toml>,
    when: Option<Toml>,
    #[serde(default = "empty_table")]
    data: Toml,
}

fn empty_table() -> Toml {
    Toml::Table(toml::Table::new())
}

impl Mapping {
    /// Reads a mapping file.
    pub fn parse(text: &str) -> Result<Self, MappingFault> {
        // The message of the TOML reader has line, column and a caret of its own.
        let raw: RawMapping = toml::from_str(text)
            .map_err(|error| MappingFault::new("the mapping", error.to_string().trim_end().to_owned()))?;
        if raw.source.is_empty() {
            return Err(MappingFault::new("source", "must not be empty"));
        }
        if raw.files.is_empty() {
            return Err(MappingFault::new("files", "names no file"));
        }
        let text = raw.text.check()?;
        let files = raw
            .files
            .into_iter()
            .enumerate()
            .map(|(n, file)| file.check(&format!("files[{n}]")))
            .collect::<Result<_, _>>()?;
        Ok(Self { name: raw.name, source: raw.source, text, files })
    }
}

impl RawText {
    fn check(self) -> Result<TextRules, MappingFault> {
        let utc_offset = self.utc_offset.parse::<FixedOffset>().map_err(|_| {
            MappingFault::new(
                "text.utc_offset",
                format!("{:?} is no offset like \"+02:00\"", self.utc_offset),
            )
        })?;
        if !matches!(self.decimal, '.' | ',') {
            return Err(MappingFault::new("text.decimal", "must be \".\" or \",\""));
        }
        let lower = |words: Vec<String>| words.into_iter().map(|word| word.to_lowercase()).collect();
        Ok(TextRules {
            delimiter: delimiter("text.delimiter", &self.delimiter)?,
            encoding: self.encoding,
            date_formats: self.date_formats,
            utc_offset,
            decimal: self.decimal,
            true_words: lower(self.true_words),
            false_words: lower(self.false_words),
            empty_words: lower(self.empty_words),
        })
    }
}

/// The delimiter's one byte; `tab` for a tab.
fn delimiter(place: &str, text: &str) -> Result<u8, MappingFault> {
    match text.as_bytes() {
        b"tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err(MappingFault::new(place, format!("{text:?} is no single ASCII character"))),
    }
}

impl RawFile {
    fn check(self, place: &str) -> Result<FileMapping, MappingFault> {
        if self.events.is_empty() {
            return Err(MappingFault::new(format!("{place}.events"), "makes no event"));
        }
        let delimiter =
            self.delimiter.map(|text| delimiter(&format!("{place}.delimiter"), &text)).transpose()?;
        let events = self
            .events
            .into_iter()
            .enumerate()
            .map(|(n, event)| event.check(&format!("{place}.events[{n}]")))
            .collect::<Result<_, _>>()?;
        Ok(FileMapping {
            file: self.file,
            optional: self.optional,
            optional_columns: self.optional_columns,
            delimiter,
            lookups: self.lookups,
            events,
        })
    }
}

impl RawEvent {
    fn check(self, place: &str) -> Result<EventMapping, MappingFault> {
        let id =
            Template::parse(&self.id).map_err(|reason| MappingFault::new(format!("{place}.id"), reason))?;
        if id.columns().next().is_none() && !id.has_row_hash() {
            return Err(MappingFault::new(
                format!("{place}.id"),
                "names no column: every row would have the same id; use {@hash} where rows have none",
            ));
        }
        // A bare text is a template here, because accounts are mostly named by one column or a prefix and one.
        let subject = match &self.subject {
            Toml::String(text) if text.contains('{') => Spec::template(&format!("{place}.subject"), text)?,
            other => Spec::parse(&format!("{place}.subject"), other)?,
        };
        Ok(EventMapping {
            event_type: self.event_type,
            id,
            subject,
            time: self.time.map(|time| Spec::parse_instant(&format!("{place}.time"), &time)).transpose()?,
            when: self
                .when
                .map(|when| Condition::parse_all(&format!("{place}.when"), &when))
                .transpose()?
                .unwrap_or_default(),
            data: Spec::parse(&format!("{place}.data"), &self.data)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Mapping::parse(text).unwrap_err().to_string()
    }

    const HEAD: &str = "name = \"n\"\nsource = \"/s\"\n";

    fn with_event(event: &str) -> String {
        format!("{HEAD}[[files]]\nfile = \"a.csv\"\n[[files.events]]\n{event}")
    }

    #[test]
    fn a_small_mapping_is_read() {
        let mapping = Mapping::parse(&with_event(
            "type = \"gtm.account.upserted\"\nid = \"a:{id}\"\nsubject = \"{id}\"\ntime = \"day\"\n\
             when = { column = \"kind\", is = [\"x\"] }\n\
             data = { name = \"title\", seats = { column = \"seats\", as = \"integer\" } }",
        ))
        .unwrap();
        assert_eq!(mapping.files[0].events[0].columns(), ["day", "id", "kind", "seats", "title"]);
        assert_eq!(mapping.text.delimiter, b',');
    }

    #[test]
    fn faults_name_their_place() {
        let unknown = fault(&with_event("type = \"t\"\nid = \"{i}\"\nsubject = \"{i}\"\nwhne = 1"));
        assert!(unknown.contains("whne") && unknown.contains("line"), "{unknown}");
        let kind = fault(&with_event(
            "type = \"t\"\nid = \"{i}\"\nsubject = \"{i}\"\ndata = { s = { column = \"s\", as = \"integr\" } }",
        ));
        assert!(kind.starts_with("files[0].events[0].data.s"), "{kind}");
        assert!(kind.contains("did you mean `integer`"), "{kind}");
        let constant = fault(&with_event("type = \"t\"\nid = \"same\"\nsubject = \"{i}\""));
        assert!(constant.starts_with("files[0].events[0].id: names no column"), "{constant}");
        assert!(fault(&format!("{HEAD}files = []")).starts_with("files:"));
        let offset = fault(&format!("{HEAD}files = []\n[text]\nutc_offset = \"Berlin\""));
        assert!(offset.starts_with("files") || offset.contains("utc_offset"), "{offset}");
    }
}
