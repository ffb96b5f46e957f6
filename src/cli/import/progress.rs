//! How far an import has come, on disk, so that a broken one goes on where it stopped.
//!
//! Promises: a row counts as done only when the service has answered for it and for all before it; a progress
//! file is used only for exactly the same inputs, mapping and service, and is ignored otherwise. Losing it
//! costs time and nothing else, because a repeated event is recognised by its id.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::dates::Shift;
use super::summary::Counts;
use crate::kernel::json::canonical;

/// What was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Progress {
    /// Digest of mapping, input files and service.
    inputs: String,
    /// The shift, in days: a resumed import must move dates as it did before.
    pub shift_days: i64,
    /// Rows done, over all files.
    pub rows_done: u64,
    /// By file.
    pub counts: Vec<Counts>,
}

/// The progress file of one import.
#[derive(Debug)]
pub struct ProgressFile {
    path: PathBuf,
}

impl Progress {
    pub fn begin(inputs: String, shift: Shift) -> Self {
        Self { inputs, shift_days: shift.days, rows_done: 0, counts: Vec::new() }
    }
}

/// What an import depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// The digest of mapping, files and service.
    pub digest: String,
    /// Line breaks in all files: about as many as there are rows.
    pub lines: u64,
}

/// Identifies an import by everything that it depends on.
pub fn inputs(mapping: &str, files: &[PathBuf], url: &str) -> anyhow::Result<Inputs> {
    let mut hashes = Vec::new();
    let mut lines = 0;
    for path in files {
        let mut file =
            std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 65_536];
        loop {
            let read = std::io::Read::read(&mut file, &mut buffer)
                .with_context(|| format!("cannot read {}", path.display()))?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            lines += u64::from(buffer[..read].iter().map(|byte| u32::from(*byte == b'\n')).sum::<u32>());
        }
        hashes.push(hex::encode(hasher.finalize()));
    }
    let all = canonical(&serde_json::json!({ "mapping": mapping, "files": hashes, "url": url }))?;
    Ok(Inputs { digest: hex::encode(&Sha256::digest(all)[..16]), lines })
}

impl ProgressFile {
    /// The file for these inputs below a directory.
    pub fn new(dir: &Path, inputs: &str) -> Self {
        Self { path: dir.join(format!("{inputs}.progress.json")) }
    }

    /// What was reached with these inputs; nothing when there is no usable file.
    pub fn read(&self, inputs: &str) -> Option<Progress> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        serde_json::from_str::<Progress>(&text).ok().filter(|progress| progress.inputs == inputs)
    }

    /// Writes through a neighbour, so that a crash leaves the old file or the new one.
    pub fn write(&self, progress: &Progress) -> anyhow::Result<()> {
        let place = || format!("cannot keep the progress in {}", self.path.display());
        if let Some(dir) = self.path.parent() {
            std::fs::create_dir_all(dir).with_context(place)?;
        }
        let neighbour = self.path.with_extension("new");
        std::fs::write(&neighbour, serde_json::to_vec(progress)?).with_context(place)?;
        std::fs::rename(&neighbour, &self.path).with_context(place)
    }

    /// The import is complete.
    pub fn remove(&self) {
        // What stays behind is ignored or resumes at the end: no harm either way.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Folder;
    use super::*;

    #[test]
    fn progress_is_kept_for_the_same_inputs_alone() {
        let folder = Folder::with("a.csv", b"x\n1\n");
        let files = [folder.path("a.csv")];
        let known = inputs("m", &files, "u").unwrap().digest;
        let file = ProgressFile::new(folder.root(), &known);
        assert_eq!(file.read(&known), None);
        let mut progress = Progress::begin(known.clone(), Shift::default());
        progress.rows_done = 7;
        file.write(&progress).unwrap();
        assert_eq!(file.read(&known), Some(progress));
        std::fs::write(folder.path("a.csv"), b"x\n2\n").unwrap();
        let changed = inputs("m", &files, "u").unwrap().digest;
        assert_ne!(changed, known);
        assert_eq!(file.read(&changed), None);
        assert_ne!(inputs("m", &files, "other").unwrap().digest, changed);
        file.remove();
        assert_eq!(file.read(&known), None);
    }
}
