//! Rows of other files by a key: usage rows know only their subscription, the subscriptions know the account.
//!
//! Promises: each lookup file is read once and kept in memory; a key that stands on two rows with different
//! contents is refused when the file is read, because either answer could be the wrong one.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::mapping::{LookupMapping, TextRules};
use super::table::{Header, Table};
use crate::kernel::text::nearest;

/// A file that can be asked by key.
#[derive(Debug)]
pub struct Lookup {
    /// The column of the asking row with the key.
    pub match_column: String,
    /// For the text of a fault.
    pub file: String,
    pub key: String,
    header: Header,
    rows: HashMap<String, (u64, Vec<String>)>,
}

impl Lookup {
    /// Reads the file of a lookup.
    pub fn read(dir: &Path, mapping: &LookupMapping, rules: &TextRules) -> anyhow::Result<Self> {
        let path = dir.join(&mapping.file);
        let mut table = Table::open(&path, rules.delimiter, rules.encoding)?;
        let key = mapping.key.clone().unwrap_or_else(|| mapping.match_column.clone());
        let column = table.header.find(&key).with_context(|| {
            format!("{} has no column {key:?}{}", path.display(), hint(&key, &table.header))
        })?;
        let mut rows: HashMap<String, (u64, Vec<String>)> = HashMap::new();
        while let Some(row) = table.next_row()? {
            // A broken row is reported when its own file is imported; here it is merely not found.
            let Ok(row) = row else { continue };
            let key = row.cells[column].trim().to_owned();
            match rows.get(&key) {
                Some((line, cells)) if *cells != row.cells => bail!(
                    "{} cannot be looked up in: {key:?} stands on line {line} and on line {} with different contents",
                    path.display(),
                    row.line
                ),
                _ => drop(rows.insert(key, (row.line, row.cells))),
            }
        }
        Ok(Self {
            match_column: mapping.match_column.clone(),
            file: mapping.file.display().to_string(),
            key,
            header: table.header,
            rows,
        })
    }

    /// The cell of a column in the row with this key, or why there is none.
    pub fn cell(&self, key: &str, column: &str) -> Result<&str, String> {
        let Some(position) = self.header.find(column) else {
            return Err(format!("{} has no column {column:?}", self.file));
        };
        match self.rows.get(key.trim()) {
            Some((_, cells)) => Ok(&cells[position]),
            None => Err(format!("no row of {} has {} {key:?}", self.file, self.key)),
        }
    }

    pub fn has_column(&self, column: &str) -> bool {
        self.header.find(column).is_some()
    }

    /// The likely correction of a misspelt column.
    pub fn hint(&self, column: &str) -> String {
        hint(column, &self.header)
    }
}

/// `; did you mean "seats"?`, or the columns that there are.
pub fn hint(column: &str, header: &Header) -> String {
    nearest(column, header.names.iter().map(String::as_str)).map_or_else(
        || format!("; it has {}", header.names.join(", ")),
        |near| format!("; did you mean {near:?}?"),
    )
}
