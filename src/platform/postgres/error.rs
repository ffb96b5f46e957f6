//! What can go wrong between "I want a database" and "it answers", each with the next step in its text.
//!
//! Promises: whoever reads only the message knows what to do. Leaves out: errors of a running database, which
//! are `sqlx::Error`.

use std::path::{Path, PathBuf};

/// Why the embedded database could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing usable in any of the places that were searched.
    #[error(
        "no PostgreSQL {wanted} server programs were found: install them (Debian, Ubuntu: `apt install postgresql`; \
         macOS: `brew install postgresql@17`), or point GTM_PG_BIN at the directory that holds `postgres` and \
         `initdb`, or set DATABASE_URL to a server that already runs"
    )]
    NoPrograms {
        /// The version that would do, for example `15 or newer`.
        wanted: String,
    },
    /// A directory was named explicitly and does not do.
    #[error(
        "the PostgreSQL programs in {} cannot be used: {why}; point GTM_PG_BIN (or the option) at a directory with \
         `postgres` and `initdb` of version {wanted}, or unset it to search the usual places", dir.display()
    )]
    UnusablePrograms {
        /// The directory that was named.
        dir: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The version that would do.
        wanted: String,
    },
    /// Postgres refuses to run as root and there is nobody to run it as.
    #[error(
        "PostgreSQL does not run as root and this machine has neither a `postgres` nor a `nobody` account: start \
         this program as an ordinary user, or set DATABASE_URL to a server that already runs"
    )]
    NoAccount,
    /// The cluster belongs to another account.
    #[error(
        "the database in {} belongs to user id {owner} but this program runs as {me}: run it as that user, or \
         choose another data directory", root.display()
    )]
    OtherOwner {
        /// The cluster root.
        root: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who asks.
        me: u32,
    },
    /// The directory holds something that this launcher did not put there.
    #[error(
        "{} holds other files and no database of this program: choose an empty or new directory", root.display()
    )]
    Foreign {
        /// The cluster root.
        root: PathBuf,
    },
    /// A test cluster was opened as a durable one, or the other way round.
    #[error(
        "the database in {} was made as `{made}` and cannot be opened as `{asked}`: choose another directory",
        root.display()
    )]
    OtherDurability {
        /// The cluster root.
        root: PathBuf,
        /// How it was made.
        made: String,
        /// How it was to be opened.
        asked: &'static str,
    },
    /// The cluster lives elsewhere (see `place`) and that place is gone.
    #[error(
        "{} says that the database is in {}, which does not exist: bring that directory back (restore it from a \
         backup), or delete the first file to begin with an empty database", note.display(), target.display()
    )]
    Lost {
        /// The file that names the place.
        note: PathBuf,
        /// The place.
        target: PathBuf,
    },
    /// Somebody else holds the name of our directory.
    #[error(
        "{} is not a private directory of user id {uid}: remove it, or choose a data directory with a shorter path",
        dir.display()
    )]
    NotPrivate {
        /// The socket directory or the fall-back cluster root.
        dir: PathBuf,
        /// Who should own it.
        uid: u32,
    },
    /// Another process is starting or stopping the same cluster and does not finish.
    #[error(
        "another process has held {} for {seconds} s: see whether it hangs (`fuser {}`), end it and try again",
        lock.display(), lock.display()
    )]
    Busy {
        /// The lock file.
        lock: PathBuf,
        /// How long this process waited.
        seconds: u64,
    },
    /// `initdb` failed.
    #[error("creating the database in {} failed, nothing was kept; initdb said: {said}", root.display())]
    Init {
        /// The cluster root.
        root: PathBuf,
        /// The end of its output.
        said: String,
    },
    /// `postgres` went away before it was ready.
    #[error("the database did not start; full log in {}; its last words: {said}", log.display())]
    Launch {
        /// The server's log file.
        log: PathBuf,
        /// The end of that log.
        said: String,
    },
    /// `postgres` runs but is not ready within the limit.
    #[error(
        "the database (process {pid}) is not ready after {seconds} s; it may still be recovering: watch {} and try \
         again when it says that it accepts connections", log.display()
    )]
    Slow {
        /// The server process.
        pid: i32,
        /// How long this process waited.
        seconds: u64,
        /// The server's log file.
        log: PathBuf,
    },
    /// The server does not end.
    #[error("the database (process {pid}) did not stop within {seconds} s: see {}, then end it by hand", log.display())]
    Stop {
        /// The server process.
        pid: i32,
        /// How long this process waited.
        seconds: u64,
        /// The server's log file.
        log: PathBuf,
    },
    /// A file operation failed.
    #[error("could not {doing} {}: {source}; check the owner, the permissions and the free space", path.display())]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The worker thread of the launcher ended early, which happens only when the runtime shuts down or on a bug.
    #[error("the database launcher was interrupted: start the program again")]
    Interrupted,
}

/// Gives a file error its verb and path: `fs::write(..).map_err(at("write", path))`.
pub(super) fn at(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { doing, path, source }
}
