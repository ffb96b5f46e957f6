//! How the command line on the same machine finds a running service and proves itself.
//!
//! Promises: the file is readable by its owner alone; it is removed at the stop; a file whose process is gone
//! is not believed.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// Characters of the data directory that a label shows, from its end.
const DIRECTORY_SHOWN: usize = 100;

/// What the key of the command line is called. An announced service's names its installation, which a file in the
/// data directory keeps: two services whose directories have the same path on different machines are two.
pub(super) fn label(data_dir: &Path, announced: bool) -> io::Result<String> {
    let directory = data_dir.to_string_lossy();
    let skipped = directory.chars().count().saturating_sub(DIRECTORY_SHOWN);
    let directory: String = directory.chars().skip(skipped).collect();
    if !announced {
        return Ok(format!("one command in {directory}"));
    }
    Ok(format!("command line of {directory}, installation {}", installation(data_dir)?))
}

/// The id of the installation; made at its first start.
fn installation(data_dir: &Path) -> io::Result<Uuid> {
    let path = data_dir.join("installation");
    let known = || fs::read_to_string(&path).ok().and_then(|text| Uuid::parse_str(text.trim()).ok());
    if let Some(id) = known() {
        return Ok(id);
    }
    // Under its name only when complete; of two that start together both take the one that stands in the end.
    let draft = data_dir.join(format!("installation.{}", std::process::id()));
    fs::write(&draft, Uuid::new_v4().to_string())?;
    let made = fs::hard_link(&draft, &path);
    let _ = fs::remove_file(&draft);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => known().ok_or_else(|| io::Error::other(format!("{} holds no id; remove it", path.display()))),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_keeps_its_name_and_another_one_has_another() {
        let dirs = [0, 1].map(|_| std::env::temp_dir().join(format!("gtm-local-{}", Uuid::new_v4())));
        for dir in &dirs {
            fs::create_dir(dir).unwrap();
        }
        let first = label(&dirs[0], true).unwrap();
        assert_eq!(label(&dirs[0], true).unwrap(), first);
        assert_eq!(fs::read_dir(&dirs[0]).unwrap().count(), 1, "no draft is left");
        assert_ne!(installation(&dirs[0]).unwrap(), installation(&dirs[1]).unwrap());
        assert!(first.chars().count() <= 200, "it fits the table");
        for dir in dirs {
            fs::remove_dir_all(dir).unwrap();
        }
    }
}
