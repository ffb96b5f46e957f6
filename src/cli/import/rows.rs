//! From files to events, row by row.
//!
//! Promises: the same files and mapping give the same events in the same order; a row that cannot be used is
//! a fault with file, line and column and never stops the import; two different rows that would make the same
//! event id are found here, where the service would take the second for a repeat of the first and lose it.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde_json::{Map, Value, json};

use super::contract;
use super::dates::{Dates, Shift};
use super::lookup::{self, Lookup};
use super::mapping::{EventMapping, FileMapping, Mapping};
use super::spec::{Field, Kind, Origin, Spec};
use super::table::{Cells, Table};
use super::template::Template;
use super::value;
use crate::kernel::clock::DateTime;
use crate::kernel::json::sha256;

/// Reads the rows of all files of a mapping in order.
pub struct Rows<'m> {
    mapping: &'m Mapping,
    files: Vec<OpenFile<'m>>,
    current: usize,
    moment: Moment,
    seen: HashMap<[u64; 2], Seen>,
    /// What `contract` compares times with.
    now: DateTime,
}

struct OpenFile<'m> {
    mapping: &'m FileMapping,
    path: PathBuf,
    table: Table,
    lookups: BTreeMap<String, Lookup>,
    /// Columns that the mapping names, no event needs, and the file has not.
    absent: Vec<String>,
}

/// What all rows share in time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment {
    pub shift: Shift,
    /// The newest event time of all files, after the shift.
    pub newest: Option<DateTime>,
}

/// Where an id was used first, and for what.
struct Seen {
    file: usize,
    line: u64,
    content: [u64; 2],
}

/// One row and what became of it.
#[derive(Debug)]
pub struct Row {
    /// The place of its file in the mapping.
    pub file: usize,
    pub cells: Cells,
    pub events: Vec<Value>,
    /// Events that an earlier row made in exactly the same way.
    pub repeats: u64,
    pub faults: Vec<RowFault>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Empty where it is the row as a whole.
    pub column: String,
    pub reason: String,
}

impl RowFault {
    pub fn new(column: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { column: column.into(), reason: reason.into() }
    }
}

impl<'m> Rows<'m> {
    /// Opens all files and checks that the columns which the mapping names exist.
    pub fn open(mapping: &'m Mapping, dir: &Path, moment: Moment, now: DateTime) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for file in &mapping.files {
            let path = dir.join(&file.file);
            if file.optional && !path.exists() {
                continue;
            }
            let table =
                Table::open(&path, file.delimiter.unwrap_or(mapping.text.delimiter), mapping.text.encoding)?;
            let lookups = file
                .lookups
                .iter()
                .map(|(name, lookup)| Ok((name.clone(), Lookup::read(dir, lookup, &mapping.text)?)))
                .collect::<anyhow::Result<_>>()?;
            let mut open = OpenFile { mapping: file, path, table, lookups, absent: Vec::new() };
            open.absent = open.check_columns()?;
            files.push(open);
        }
        if files.is_empty() {
            bail!("none of the files of the mapping {:?} lies in {}", mapping.name, dir.display());
        }
        Ok(Self { mapping, files, current: 0, moment, seen: HashMap::new(), now })
    }

    /// The files in reading order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().map(|file| file.path.clone()).collect()
    }

    /// The same files by the names that the mapping gives them.
    pub fn file_names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.mapping.file.display().to_string()).collect()
    }

    /// Columns that are absent and need not be there, by file.
    pub fn absent_columns(&self) -> Vec<String> {
        let sentence = |file: &OpenFile<'_>, column: &String| format!("Left empty: {}", file.missing(column));
        self.files
            .iter()
            .flat_map(|file| file.absent.iter().map(move |column| sentence(file, column)))
            .collect()
    }

    /// The header of a file.
    pub fn header(&self, file: usize) -> &[String] {
        &self.files[file].table.header.names
    }

    /// The next row; nothing at the end of the last file.
    pub fn next_row(&mut self) -> anyhow::Result<Option<Row>> {
        while let Some(file) = self.files.get_mut(self.current) {
            if let Some(read) = file.table.next_row()? {
                let mut row = match read {
                    Ok(cells) => self.make(cells),
                    Err(bad) => Row {
                        file: self.current,
                        cells: bad.cells,
                        events: Vec::new(),
                        repeats: 0,
                        faults: vec![RowFault::new("", bad.reason)],
                    },
                };
                self.set_aside_repeats(&mut row);
                return Ok(Some(row));
            }
            self.current += 1;
        }
        Ok(None)
    }

    /// The newest event time of all rows that can be read, before any shift.
    pub fn newest_time(mut self) -> anyhow::Result<Option<DateTime>> {
        let mut newest = None;
        while let Some(file) = self.files.get_mut(self.current) {
            let Some(read) = file.table.next_row()? else {
                self.current += 1;
                continue;
            };
            let Ok(cells) = read else { continue };
            let reading = self.reading(&cells);
            for event in &self.files[self.current].mapping.events {
                if let Ok(true) = reading.applies(event)
                    && let Ok(Some(at)) = reading.own_time(event)
                {
                    newest = newest.max(Some(at));
                }
            }
        }
        Ok(newest)
    }

    fn reading<'r>(&'r self, cells: &'r Cells) -> Reading<'r> {
        let file = &self.files[self.current];
        let text = &self.mapping.text;
        Reading {
            mapping: self.mapping,
            file,
            cells,
            newest: self.moment.newest,
            dates: Dates { formats: &text.date_formats, offset: text.utc_offset, shift: self.moment.shift },
        }
    }

    fn make(&self, cells: Cells) -> Row {
        let (mut events, mut faults) = (Vec::new(), Vec::new());
        let reading = self.reading(&cells);
        for event in &self.files[self.current].mapping.events {
            match reading.applies(event) {
                Ok(true) => match reading.event(event) {
                    Ok(made) => match contract::check(&made, self.now) {
                        Ok(()) => events.push(made),
                        Err(broken) => faults.extend(broken),
                    },
                    Err(found) => faults.extend(found),
                },
                Ok(false) => {}
                Err(fault) => faults.push(fault),
            }
        }
        // Several events of a row often fail for the same cell.
        let mut distinct: Vec<RowFault> = Vec::new();
        for fault in faults {
            if !distinct.contains(&fault) {
                distinct.push(fault);
            }
        }
        Row { file: self.current, cells, events, repeats: 0, faults: distinct }
    }

    fn set_aside_repeats(&mut self, row: &mut Row) {
        let mut kept = Vec::with_capacity(row.events.len());
        for event in std::mem::take(&mut row.events) {
            let id = event["id"].as_str().unwrap_or_default();
            let content = fingerprint(&event.to_string());
            match self.seen.entry(fingerprint(id)) {
                Entry::Vacant(free) => {
                    free.insert(Seen { file: row.file, line: row.cells.line, content });
                    kept.push(event);
                }
                Entry::Occupied(used) if used.get().content == content => row.repeats += 1,
                Entry::Occupied(used) => {
                    let first = used.get();
                    row.faults.push(RowFault::new(
                        "",
                        format!(
                            "makes the event id {id:?}, which line {} of {} used for different contents; the \
                             mapping's id must name what tells the rows apart",
                            first.line,
                            self.files[first.file].mapping.file.display(),
                        ),
                    ));
                }
            }
        }
        row.events = kept;
    }
}

/// 128 bits that tell texts of one import apart; not kept beyond it.
fn fingerprint(text: &str) -> [u64; 2] {
    [0_u8, 1].map(|salt| {
        let mut hasher = DefaultHasher::new();
        (salt, text).hash(&mut hasher);
        hasher.finish()
    })
}

impl OpenFile<'_> {
    /// A column that does not exist is a fault of the mapping, not of thousands of rows; where the mapping says that
    /// columns are optional, those that no event needs are given back.
    fn check_columns(&self) -> anyhow::Result<Vec<String>> {
        let (mut faults, mut absent) = (Vec::new(), Vec::new());
        let needed: Vec<String> = self.mapping.events.iter().flat_map(EventMapping::needed_columns).collect();
        for lookup in self.lookups.values() {
            if self.table.header.find(&lookup.match_column).is_none() {
                faults.push(self.missing(&lookup.match_column));
            }
        }
        for column in self.mapping.events.iter().flat_map(EventMapping::columns) {
            if self.table.header.find(&column).is_some() {
                continue;
            }
            let fault =
                match column.split_once('.').and_then(|(name, rest)| Some((self.lookups.get(name)?, rest))) {
                    Some((lookup, rest)) if lookup.has_column(rest) => continue,
                    Some((lookup, rest)) => {
                        format!("{} has no column {rest:?}{}", lookup.file, lookup.hint(rest))
                    }
                    None if self.mapping.optional_columns && !needed.contains(&column) => {
                        if !absent.contains(&column) {
                            absent.push(column);
                        }
                        continue;
                    }
                    None => self.missing(&column),
                };
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        if faults.is_empty() { Ok(absent) } else { bail!(faults.join("\n")) }
    }

    fn missing(&self, column: &str) -> String {
        let hint = lookup::hint(column, &self.table.header);
        format!("{} has no column {column:?}{hint}", self.mapping.file.display())
    }
}

/// One row with all that is needed to read it.
struct Reading<'r> {
    mapping: &'r Mapping,
    file: &'r OpenFile<'r>,
    cells: &'r Cells,
    newest: Option<DateTime>,
    dates: Dates<'r>,
}

impl Reading<'_> {
    /// The text of a column of this row or of a row that is looked up.
    fn cell(&self, column: &str) -> Result<&str, RowFault> {
        if let Some(position) = self.file.table.header.find(column) {
            return Ok(self.cells.cells[position].trim());
        }
        if self.file.absent.iter().any(|absent| absent == column) {
            return Ok("");
        }
        // Checked when the file was opened: the rest is a lookup.
        let (name, rest) = column.split_once('.').unwrap_or((column, ""));
        let Some(lookup) = self.file.lookups.get(name) else {
            return Err(RowFault::new(column, "is no column"));
        };
        let key = self.cell(&lookup.match_column)?;
        lookup
            .cell(key, rest)
            .map(str::trim)
            .map_err(|reason| RowFault::new(lookup.match_column.clone(), reason))
    }

    fn row_hash(&self) -> String {
        hex::encode(&sha256(self.cells.cells.join("\u{1f}").as_bytes())[..12])
    }

    fn fill(&self, template: &Template) -> Result<String, RowFault> {
        template.fill(
            || self.row_hash(),
            |column| match self.cell(column)? {
                "" => Err(RowFault::new(column, "is empty")),
                text => Ok(text.to_owned()),
            },
        )
    }

    fn applies(&self, event: &EventMapping) -> Result<bool, RowFault> {
        for condition in &event.when {
            if !condition.holds(self.cell(&condition.column)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The event's time where it comes from the row itself.
    fn own_time(&self, event: &EventMapping) -> Result<Option<DateTime>, RowFault> {
        match &event.time {
            Some(time) if !time.needs_newest() => Ok(self
                .value(time)?
                .and_then(|value| chrono::DateTime::parse_from_rfc3339(value.as_str()?).ok())
                .map(|at| at.to_utc())),
            _ => Ok(None),
        }
    }

    fn event(&self, event: &EventMapping) -> Result<Value, Vec<RowFault>> {
        let mut faults = Vec::new();
        let mut keep = |made: Result<Option<Value>, RowFault>| {
            made.unwrap_or_else(|fault| {
                faults.push(fault);
                None
            })
        };
        let id = keep(self.fill(&event.id).map(|id| Some(id.into())));
        let subject = keep(self.value(&event.subject).and_then(|subject| match subject {
            Some(Value::String(_)) => Ok(subject),
            _ => Err(RowFault::new(origin(&event.subject), "names no account")),
        }));
        let time = event.time.as_ref().and_then(|time| keep(self.value(time)));
        let data = self.object(&event.data, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut made = json!({
            "specversion": "1.0",
            "id": id,
            "source": self.mapping.source,
            "type": event.event_type,
            "subject": subject,
            "data": data.unwrap_or_else(|| json!({})),
        });
        if let Some(time) = time {
            made["time"] = time;
        }
        Ok(made)
    }

    /// A value, with all its faults noted and not only the first.
    fn object(&self, spec: &Spec, faults: &mut Vec<RowFault>) -> Option<Value> {
        match spec {
            Spec::Object(members) => {
                let mut object = Map::new();
                for (name, spec) in members {
                    let value = self.object(spec, faults);
                    match (self.fill(name), value) {
                        (Ok(name), Some(value)) => drop(object.insert(name, value)),
                        (Ok(_), None) => {}
                        (Err(fault), _) => faults.push(fault),
                    }
                }
                (!object.is_empty()).then(|| object.into())
            }
            Spec::List(items) => {
                let list: Vec<Value> = items.iter().filter_map(|item| self.object(item, faults)).collect();
                (!list.is_empty()).then(|| list.into())
            }
            Spec::Constant(value) => Some(value.clone()),
            Spec::Field(_) => self.value(spec).unwrap_or_else(|fault| {
                faults.push(fault);
                None
            }),
        }
    }

    fn value(&self, spec: &Spec) -> Result<Option<Value>, RowFault> {
        match spec {
            Spec::Field(field) => self.field(field),
            Spec::Constant(value) => Ok(Some(value.clone())),
            Spec::Object(_) | Spec::List(_) => {
                let mut faults = Vec::new();
                let value = self.object(spec, &mut faults);
                faults.into_iter().next().map_or(Ok(value), Err)
            }
        }
    }

    fn field(&self, field: &Field) -> Result<Option<Value>, RowFault> {
        let (column, text) = match &field.origin {
            Origin::Newest => {
                return Ok(self.newest.map(|at| match field.kind {
                    Kind::Date => at.date_naive().to_string().into(),
                    _ => value::instant(at).into(),
                }));
            }
            Origin::Template(template) => (origin_column(&field.origin), self.fill(template)?),
            Origin::Columns(columns) => {
                let mut found = (columns.first().cloned().unwrap_or_default(), String::new());
                for column in columns {
                    let text = self.cell(column)?;
                    if !text.is_empty() {
                        found = (column.clone(), text.to_owned());
                        break;
                    }
                }
                found
            }
        };
        let dates = match field.formats.as_slice() {
            [] => self.dates.clone(),
            formats => Dates { formats, ..self.dates },
        };
        value::convert(&text, field, &self.mapping.text, &dates)
            .map_err(|reason| RowFault::new(column, reason))
    }
}

/// The column that a fault of a value is reported at.
fn origin(spec: &Spec) -> String {
    match spec {
        Spec::Field(field) => origin_column(&field.origin),
        _ => String::new(),
    }
}

fn origin_column(origin: &Origin) -> String {
    match origin {
        Origin::Columns(columns) => columns.first().cloned().unwrap_or_default(),
        Origin::Template(template) => template.columns().next().unwrap_or_default().to_owned(),
        Origin::Newest => String::new(),
    }
}
