//! Finds the Postgres server programs on this machine.
//!
//! Promises: a directory that was named (option, then `GTM_PG_BIN`) is used or refused with a reason, never
//! silently passed over; otherwise `pg_config`, then the well-known directories newest first, then `PATH`. Only
//! version 15 and newer is taken, and for an existing cluster only the version that made it. Leaves out: any
//! download.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use super::{account::Account, error::Error};

/// Oldest supported major version, the one that the service is developed and measured on.
const OLDEST: u32 = 15;

/// Parents of versioned directories and what follows the version: Debian, Red Hat, Homebrew (two), source builds,
/// Postgres.app.
const KNOWN: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/usr/local", "pgsql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A directory with usable server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

/// Finds programs that `account` can run. `made_by` is the major version of an existing cluster, which only the same
/// major version can open.
pub(super) fn locate(
    named: Option<&Path>,
    account: Account,
    made_by: Option<u32>,
) -> Result<Programs, Error> {
    let wanted = made_by.map_or_else(|| format!("{OLDEST} or newer"), |major| major.to_string());
    let fits = |major: u32| made_by.map_or(major >= OLDEST, |made| made == major);
    let named = named.map(Path::to_owned).or_else(|| env::var_os("GTM_PG_BIN").map(PathBuf::from));
    if let Some(dir) = named {
        let why = match version_of(&dir, account) {
            Ok(major) if fits(major) => return Ok(Programs { dir, major }),
            Ok(major) => format!("they are version {major}"),
            Err(why) => why,
        };
        return Err(Error::UnusablePrograms { dir, why, wanted });
    }
    let path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    pg_config(&path)
        .into_iter()
        .chain(newest_first(known_directories()))
        .chain(path.iter().filter_map(|dir| behind_link(dir)))
        .find_map(|dir| {
            let major = version_of(&dir, account).ok().filter(|major| fits(*major))?;
            Some(Programs { dir, major })
        })
        .ok_or(Error::NoPrograms { wanted })
}

/// Asks `postgres --version`, as the account that will run it, so that programs in a closed directory are noticed.
fn version_of(dir: &Path, account: Account) -> Result<u32, String> {
    if !dir.join("initdb").is_file() {
        return Err("there is no `initdb`".into());
    }
    let output = account
        .command(&dir.join("postgres"))
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`postgres` does not run as user id {}: {error}", account.uid))?;
    let said = String::from_utf8_lossy(&output.stdout);
    major_version(&said).ok_or_else(|| format!("`postgres --version` answered {:?}", said.trim()))
}

/// The major version in a line such as `postgres (Postgres) 15.18 (Debian 15.18-0+deb12u1)` or `… 18beta1`.
fn major_version(line: &str) -> Option<u32> {
    let after = line.split_once("(PostgreSQL) ")?.1;
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after[..digits].parse().ok()
}

/// The directory that the first `pg_config` on the path names.
fn pg_config(path: &[PathBuf]) -> Option<PathBuf> {
    let program = path.iter().map(|dir| dir.join("pg_config")).find(|program| program.is_file())?;
    let output = std::process::Command::new(program).arg("--bindir").stdin(Stdio::null()).output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(dir.trim())).filter(|dir| dir.is_absolute())
}

/// Every existing directory that matches [`KNOWN`], in no particular order.
fn known_directories() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (parent, prefix, below) in KNOWN {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let dir = entry.path().join(below);
            if entry.file_name().to_string_lossy().starts_with(prefix) && dir.join("postgres").is_file() {
                found.push(dir);
            }
        }
    }
    found
}

/// Orders by the version in the directory's own name, newest first; unversioned names last.
fn newest_first(mut dirs: Vec<PathBuf>) -> Vec<PathBuf> {
    let version = |dir: &PathBuf| {
        let name = dir.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let digits: String = name.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap_or(0)
    };
    dirs.sort_by_key(|dir| (std::cmp::Reverse(version(dir)), dir.clone()));
    dirs
}

/// The real home of `dir/postgres`: a link on the path stands alone, its neighbours are where it points to.
fn behind_link(dir: &Path) -> Option<PathBuf> {
    let program = dir.join("postgres").canonicalize().ok()?;
    program.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("postgres (PostgreSQL) 17"), Some(17));
        assert_eq!(major_version("mysqld 8.0"), None);
        assert_eq!(major_version("postgres (PostgreSQL) devel"), None);
    }

    #[test]
    fn prefers_the_newest_directory() {
        let sorted = newest_first(
            [
                "/opt/x/postgresql/bin",
                "/usr/lib/postgresql/9/bin",
                "/opt/x/postgresql@17/bin",
                "/usr/pgsql-16/bin",
            ]
            .map(PathBuf::from)
            .into(),
        );
        let expected = [
            "/opt/x/postgresql@17/bin",
            "/usr/pgsql-16/bin",
            "/usr/lib/postgresql/9/bin",
            "/opt/x/postgresql/bin",
        ];
        assert_eq!(sorted, expected.map(PathBuf::from));
    }

    #[test]
    fn a_named_directory_is_refused_with_the_way_out() {
        let account = Account::choose(Path::new("/x"), None).unwrap();
        let error = locate(Some(Path::new("/nonexistent")), account, None).unwrap_err().to_string();
        assert!(error.contains("/nonexistent") && error.contains("GTM_PG_BIN"), "{error}");
    }

    #[test]
    fn a_cluster_of_a_version_that_is_not_installed_is_refused() {
        let account = Account::choose(Path::new("/x"), None).unwrap();
        let error = locate(None, account, Some(14)).unwrap_err().to_string();
        assert!(error.contains("PostgreSQL 14"), "{error}");
    }
}
