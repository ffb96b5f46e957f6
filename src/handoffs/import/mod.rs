//! A roster brought in as a whole: one file of everything, tables of reps and territories, or both.
//!
//! Promises: a whole roster (JSON or TOML) takes the place of everything that was there; a row of a table (CSV) takes the
//! place of what its columns say about the entry with its id, and leaves the rest of the entry and all others as they
//! are. Whole rosters come before tables, tables in the order in which they are given. All faults come at once, those
//! of a table with line and column. Nothing is written here.
//! Leaves out: tables of the other kinds, of which companies have few.

mod cells;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::assign::Roster;
use super::assign::check::{RosterFault, RosterFaultCode};
use super::assign::file::RosterFile;
use super::entries::{Entries, Entry, Kind, in_order};
use rows::Source;

/// A file as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RosterImportFile)]
pub struct File {
    /// Its end says what it is: `.json` and `.toml` hold a whole roster, `.csv` a table of reps or of territories.
    pub name: String,
    pub text: String,
}

/// What is brought in.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// A whole roster that is no file.
    pub roster: Option<RosterFile>,
    pub files: Vec<File>,
}

/// One thing wrong with what is brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RosterImportFault)]
pub struct ImportFault {
    /// The file, where it lies in one.
    #[schema(required = true)]
    pub file: Option<String>,
    /// From 1.
    #[schema(required = true)]
    pub line: Option<u64>,
    /// From 1: of a table the number of the column, else of the character.
    #[schema(required = true)]
    pub column: Option<u64>,
    /// The name of the column, or the place in the roster, such as `reps[3].team`.
    pub path: String,
    pub message: String,
    /// Where in the request it is.
    #[serde(skip)]
    pub pointer: String,
}

impl std::fmt::Display for ImportFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [self.file.clone(), self.line.map(|n| n.to_string()), self.column.map(|n| n.to_string())];
        let place: Vec<String> = parts.into_iter().flatten().collect();
        let path = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        match place.as_slice() {
            [] => write!(f, "{path}{}", self.message),
            place => write!(f, "{}: {path}{}", place.join(":"), self.message),
        }
    }
}

/// Where an entry came from.
enum Origin {
    /// From a whole roster, by its place in the list; with the file, by its place among the files.
    Whole {
        file: Option<usize>,
        index: usize,
    },
    Row {
        file: usize,
        source: Source,
    },
}

/// The entries that there would be, and their roster.
pub fn plan(present: &Entries, import: &Import) -> Result<(Entries, Roster), Vec<ImportFault>> {
    let mut gathered =
        Gathered { import, entries: present.clone(), origins: BTreeMap::new(), faults: Vec::new() };
    let mut whole = 0;
    if let Some(roster) = &import.roster {
        gathered.take_whole(None, roster.clone());
        whole += 1;
    }
    for (at, file) in import.files.iter().enumerate().filter(|(_, file)| !file.is("csv")) {
        gathered.read_whole(at, file);
        whole += 1;
    }
    if whole > 1 {
        gathered.add(None, None, "", "there is more than one whole roster; each would replace the others");
    }
    for (at, file) in import.files.iter().enumerate().filter(|(_, file)| file.is("csv")) {
        gathered.read_table(at, file);
    }
    let mut faults = match gathered.entries.file().check() {
        Ok(roster) if gathered.faults.is_empty() => return Ok((gathered.entries, roster)),
        Ok(_) => gathered.faults,
        Err(found) => gathered.with_faults(&found).faults,
    };
    faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    Err(faults)
}

impl File {
    fn is(&self, end: &str) -> bool {
        self.name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(end))
    }
}

struct Gathered<'i> {
    import: &'i Import,
    entries: Entries,
    origins: BTreeMap<(Kind, String), Origin>,
    faults: Vec<ImportFault>,
}

impl Gathered<'_> {
    /// Notes a fault; `place` is line and column.
    fn add(
        &mut self,
        file: Option<usize>,
        place: Option<(u64, u64)>,
        path: &str,
        message: impl Into<String>,
    ) {
        let within = pointer(path);
        let pointer = match file {
            Some(at) => format!("#/files/{at}/text"),
            None if within.is_empty() || self.import.roster.is_none() => "#".to_owned(),
            None => format!("#/roster/{within}"),
        };
        self.faults.push(ImportFault {
            file: file.map(|at| self.import.files[at].name.clone()),
            line: place.map(|place| place.0),
            column: place.map(|place| place.1),
            path: path.to_owned(),
            message: message.into(),
            pointer,
        });
    }

    fn read_whole(&mut self, at: usize, file: &File) {
        if file.is("json") {
            match serde_json::from_str(&file.text) {
                Ok(roster) => self.take_whole(Some(at), roster),
                Err(error) => {
                    let place = (error.line() as u64, error.column() as u64);
                    self.add(Some(at), Some(place), "", error.to_string());
                }
            }
        } else if file.is("toml") {
            match toml::from_str(&file.text) {
                Ok(roster) => self.take_whole(Some(at), roster),
                Err(error) => {
                    let place = error.span().map(|span| table::position(&file.text, span.start));
                    self.add(Some(at), place, "", error.message());
                }
            }
        } else {
            self.add(
                Some(at),
                None,
                "",
                "the name must end in .json, .toml or .csv, which says what it holds",
            );
        }
    }

    fn take_whole(&mut self, file: Option<usize>, roster: RosterFile) {
        // Entries have one place for each id: what stands twice is found before they are made.
        for fault in roster.check().err().into_iter().flatten() {
            if fault.code == RosterFaultCode::Duplicate {
                self.add(file, None, &fault.path, fault.message);
            }
        }
        self.origins.clear();
        let mut lists: BTreeMap<Kind, usize> = BTreeMap::new();
        let entries: Vec<Entry> = in_order(roster).collect();
        for entry in &entries {
            let index = lists.entry(entry.kind()).or_default();
            self.origins.insert(entry.key(), Origin::Whole { file, index: *index });
            *index += 1;
        }
        self.entries = entries.into_iter().collect();
    }

    fn read_table(&mut self, at: usize, file: &File) {
        let read = rows::read(&file.text, &self.entries);
        for (entry, source) in read.entries {
            self.origins.insert(entry.key(), Origin::Row { file: at, source });
            self.entries.put(entry);
        }
        for fault in read.faults {
            self.add(Some(at), Some((fault.line, fault.column)), &fault.path, fault.message);
        }
    }

    /// Adds what is wrong with the whole, each fault where it came from.
    fn with_faults(mut self, found: &[RosterFault]) -> Self {
        for fault in found {
            let message = match &fault.suggestion {
                Some(suggestion) => format!("{} (did you mean `{suggestion}`?)", fault.message),
                None => fault.message.clone(),
            };
            let place = self.entries.place(fault).map(|(key, inner)| (key.clone(), inner));
            let origin = place.as_ref().and_then(|(key, _)| self.origins.get(key));
            let (file, line_and_column, path) = match (origin, &place) {
                (Some(Origin::Whole { file, index }), Some(((kind, _), inner))) => {
                    let path = format!("{}[{index}].{inner}", kind.list());
                    (*file, None, path.trim_end_matches('.').to_owned())
                }
                (Some(Origin::Row { file, source }), Some((_, inner))) => {
                    let (column, name) = source.column(inner);
                    (Some(*file), Some((source.line, column)), name)
                }
                (_, Some(((kind, id), inner))) => (None, None, format!("{} {id}: {inner}", kind.words())),
                (_, None) => (None, None, fault.path.clone()),
            };
            // A duplicate within a whole roster has been told of with its own place.
            let told = fault.code == RosterFaultCode::Duplicate
                && self.faults.iter().any(|known| known.path == path && known.message == fault.message);
            if !told {
                self.add(file, line_and_column, &path, message);
            }
        }
        self
    }
}

/// `reps[3].caps[0]` as `reps/3/caps/0`; a place that is no path as nothing.
pub fn pointer(path: &str) -> String {
    if path.contains(' ') {
        return String::new();
    }
    path.replace("].", "/").replace(['[', '.'], "/").replace(']', "")
}
