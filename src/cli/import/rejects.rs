//! Rows that could not be used, in a file of their own with the reason beside each.
//!
//! The file has the columns of its source and one more, so that it can be mended in a spreadsheet and
//! imported again by the same mapping: what was taken before is recognised by its ids.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::rows::{Row, RowFault};

/// The column with the reasons.
const REASON: &str = "rejected_because";

/// Writes `<name>.rejected.csv`, one for each source with rejected rows.
#[derive(Debug)]
pub struct Rejects {
    dir: PathBuf,
    /// Go on with the files of an interrupted import.
    append: bool,
    open: Vec<Option<(PathBuf, csv::Writer<File>)>>,
}

impl Rejects {
    pub fn new(dir: &Path, files: usize, append: bool) -> Self {
        Self { dir: dir.to_owned(), append, open: (0..files).map(|_| None).collect() }
    }

    /// Adds a row of a source file.
    pub fn add(
        &mut self,
        source: &Path,
        header: &[String],
        row: &Row,
        faults: &[RowFault],
    ) -> anyhow::Result<()> {
        let slot = &mut self.open[row.file];
        if slot.is_none() {
            *slot = Some(begin(&self.dir, source, header, self.append)?);
        }
        if let Some((_, writer)) = slot {
            // A ragged row is filled up, so that the reason stands in its own column.
            let blanks = header.len().saturating_sub(row.cells.cells.len());
            let cells = row.cells.cells.iter().map(String::as_str).chain(std::iter::repeat_n("", blanks));
            let reason = reason(faults);
            writer.write_record(cells.chain([reason.as_str()]))?;
        }
        Ok(())
    }

    /// Writes out what is pending, so that the progress on disk does not run ahead.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        for (path, writer) in self.open.iter_mut().flatten() {
            writer.flush().with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Writes everything out and gives the files.
    pub fn finish(self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (path, mut writer) in self.open.into_iter().flatten() {
            writer.flush().with_context(|| format!("cannot write {}", path.display()))?;
            files.push(path);
        }
        Ok(files)
    }
}

fn begin(
    dir: &Path,
    source: &Path,
    header: &[String],
    append: bool,
) -> anyhow::Result<(PathBuf, csv::Writer<File>)> {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let path = dir.join(format!("{stem}.rejected.csv"));
    let go_on = append && path.exists();
    let mut options = File::options();
    options.create(true).write(true);
    let file = if go_on { options.append(true) } else { options.truncate(true) }
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
    if !go_on {
        writer.write_record(header.iter().map(String::as_str).chain([REASON]))?;
    }
    Ok((path, writer))
}

fn reason(faults: &[RowFault]) -> String {
    let reasons: Vec<String> = faults
        .iter()
        .map(|fault| {
            if fault.column.is_empty() {
                fault.reason.clone()
            } else {
                format!("{}: {}", fault.column, fault.reason)
            }
        })
        .collect();
    reasons.join("; ")
}
