//! How the command line on the same machine finds a running service and proves itself.
//!
//! Promises: the file is readable by its owner alone; it is removed at the stop; a file whose process is gone
//! is not believed.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::kernel::clock::DateTime;

/// Where a running service is, and a key for it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceFile {
    pub url: String,
    pub key: String,
    pub pid: u32,
    pub started_at: DateTime,
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("service.json")
}

/// Writes the file for this process.
pub(super) fn write_service_file(data_dir: &Path, file: &ServiceFile) -> io::Result<()> {
    let text = serde_json::to_string_pretty(file).map_err(io::Error::other)?;
    let target = path(data_dir);
    // A new file and a rename, so that nobody reads half of it and no old permissions stay.
    let draft = data_dir.join(format!("service.json.{}", file.pid));
    // A draft that a killed process with the same number left is in the way of `create_new`.
    let _ = fs::remove_file(&draft);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    io::Write::write_all(&mut options.open(&draft)?, text.as_bytes())?;
    fs::rename(draft, target)
}

/// Removes the file if it is this process's own.
pub(super) fn remove_service_file(data_dir: &Path) {
    if read_service_file(data_dir).is_some_and(|file| file.pid == std::process::id()) {
        // Whoever reads it afterwards sees that the process is gone.
        let _ = fs::remove_file(path(data_dir));
    }
}

/// The service that runs on this data directory, if one does.
pub fn read_service_file(data_dir: &Path) -> Option<ServiceFile> {
    let file: ServiceFile = serde_json::from_str(&fs::read_to_string(path(data_dir)).ok()?).ok()?;
    let pid = rustix::process::Pid::from_raw(i32::try_from(file.pid).ok()?)?;
    rustix::process::test_kill_process(pid).is_ok().then_some(file)
}
