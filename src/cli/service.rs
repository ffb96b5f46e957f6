//! Which service a command talks to.
//!
//! Promises, in this order: the one named by `GTM_URL` with `GTM_API_KEY`; else the one that runs on this
//! machine's data directory, found and authenticated by the file it keeps there (ignored when its process is
//! gone); else one started here, for as long as the command runs.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::SecretString;
use serde::Deserialize;

use super::client::Client;
use super::failure::{Exit, Failure};

/// The file in the data directory by which a running service is found.
pub const FILE: &str = "service.json";

/// What a running service writes down about itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notice {
    url: String,
    key: SecretString,
    pid: i32,
}

/// Where to look for a service.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// Address of the service; its key is read from `GTM_API_KEY`.
    #[arg(long, env = "GTM_URL", global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Directory of the service on this machine.
    #[arg(long, env = "GTM_DATA_DIR", global = true, value_name = "DIR", default_value = "./gtm-data")]
    pub data_dir: PathBuf,
    /// Settings file, for a service that is started here.
    #[arg(long, env = "GTM_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Target {
    /// A client of the service that is named or running; nothing when neither is.
    pub fn running(&self) -> anyhow::Result<Option<Client>> {
        if let Some(url) = &self.url {
            let key = std::env::var("GTM_API_KEY").map_err(|_| {
                Failure::new(Exit::Refused, "GTM_URL names a service, but GTM_API_KEY holds no key to it.")
            })?;
            return Ok(Some(Client::new(url, key.into())?));
        }
        match notice(&self.data_dir)? {
            Some(notice) => Ok(Some(Client::new(&notice.url, notice.key)?)),
            None => Ok(None),
        }
    }
}

/// What the service running on a data directory says of itself; nothing when none runs.
fn notice(data_dir: &Path) -> anyhow::Result<Option<Notice>> {
    let path = data_dir.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    // A file that was cut short belongs to a service that died while it started.
    Ok(serde_json::from_str::<Notice>(&text).ok().filter(|notice| is_alive(notice.pid)))
}

/// Whether a process with this id exists, of whatever user.
fn is_alive(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid).filter(|_| pid > 0) else {
        return false;
    };
    match rustix::process::test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    }
}

#[cfg(test)]
mod tests {
    use super::super::import::fixture::Folder;
    use super::*;

    fn with_notice(pid: i64) -> Folder {
        let text = format!(
            r#"{{"url":"http://127.0.0.1:1","key":"k","pid":{pid},"startedAt":"2026-01-01T00:00:00Z"}}"#
        );
        Folder::with(FILE, text.as_bytes())
    }

    #[test]
    fn a_notice_counts_while_its_process_lives() {
        let alive = with_notice(i64::from(std::process::id()));
        assert_eq!(notice(alive.root()).unwrap().unwrap().url, "http://127.0.0.1:1");
        // Above the largest process id that Linux gives.
        let dead = with_notice(4_194_305);
        assert!(notice(dead.root()).unwrap().is_none());
        for nonsense in [0, -1] {
            assert!(notice(with_notice(nonsense).root()).unwrap().is_none());
        }
        assert!(notice(Folder::new().root()).unwrap().is_none());
        assert!(notice(Folder::with(FILE, b"{\"url\":").root()).unwrap().is_none());
    }
}
