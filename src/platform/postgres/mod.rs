//! A Postgres server of our own, started with the service: no database to install a user for, no password, no port.
//!
//! Uses the server programs of this machine (`locate`), as an account other than root (`account`), in a private
//! directory (`place`), reachable by a socket in it and by nothing else.
//!
//! Who stops it: **the last one out.** Every user of a cluster, in any process, holds a shared lock on it.
//! [`start`] starts the server or attaches to the one that is up; [`Embedded::stop`] gives the lock back and stops
//! the server if nobody else holds one. The system drops the lock of a killed process, so the count is never wrong.
//! Dropping an [`Embedded`] without `stop` leaves the server up; so does a kill. The next start adopts it.
//!
//! Promises: a kill -9 of this program, of the server, or of both, at any moment, heals at the next start, and what
//! was committed in a durable cluster is there. Leaves out: upgrades between major versions (the error says so),
//! back-ups, and tuning beyond one small service.

mod account;
mod error;
mod launch;
mod locate;
mod place;
mod process;

#[cfg(test)]
mod tests;

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

pub use error::Error;

use error::at;
use place::Place;

/// Only a part of the socket's file name: nothing listens on a network.
const PORT: u16 = 5432;
/// The role that `initdb` creates and everybody connects as.
const SUPERUSER: &str = "gtm";
/// Longest wait for another process that is starting or stopping the same cluster. Recovery may be part of it.
const LOCK_SECONDS: u64 = 300;

/// What the data is worth. Fixed when the cluster is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power cut: fsync, checksums.
    Durable,
    /// For tests: fast, many connections, lost when the machine goes down.
    Test,
}

impl Durability {
    fn name(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Test => "test",
        }
    }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// A directory for this cluster alone, created when missing.
    pub root: PathBuf,
    /// What the data is worth.
    pub durability: Durability,
    /// The directory with `postgres` and `initdb`; `None` searches for it.
    pub binaries: Option<PathBuf>,
}

/// A server that is up, and this user's share in keeping it so.
#[derive(Debug)]
pub struct Embedded {
    place: Place,
    users: File,
    child: Option<Child>,
}

/// Starts the server on a cluster, making the cluster first when there is none, or attaches to the running one.
/// Returns when it accepts connections: one or two seconds for the first start, below 0.1 s for later ones, below 1 ms
/// to attach.
pub async fn start(options: Options) -> Result<Embedded, Error> {
    tokio::task::spawn_blocking(move || start_blocking(&options)).await.map_err(|_| Error::Interrupted)?
}

fn start_blocking(options: &Options) -> Result<Embedded, Error> {
    let place = Place::settle(&options.root, options.durability)?;
    let _turn = lock_start(&place)?;
    let users = place.open("users.lock")?;
    users.lock_shared().map_err(at("lock", &place.root))?;
    let made_by = launch::made_by(&place)?;
    if made_by.is_some() {
        launch::check_durability(&place, options.durability)?;
        if launch::adopt(&place)?.is_some() {
            return Ok(Embedded { place, users, child: None });
        }
    }
    let programs = locate::locate(options.binaries.as_deref(), place.account, made_by)?;
    if made_by.is_none() {
        launch::initialise(&place, &programs, options.durability)?;
    }
    let child = launch::launch(&place, &programs, options.durability)?;
    Ok(Embedded { place, users, child: Some(child) })
}

impl Embedded {
    /// How to connect to `database`; `postgres` always exists. Nothing is taken from the environment that matters.
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.place.socket_dir())
            .port(PORT)
            .username(SUPERUSER)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    /// Where the cluster really is, which may differ from the root that was asked for.
    pub fn root(&self) -> &Path {
        &self.place.root
    }

    /// Gives up this user's share. If it was the last one, ends all sessions, stops the server and waits for its end.
    pub async fn stop(self) -> Result<(), Error> {
        tokio::task::spawn_blocking(move || self.stop_blocking()).await.map_err(|_| Error::Interrupted)?
    }

    fn stop_blocking(mut self) -> Result<(), Error> {
        let _turn = lock_start(&self.place)?;
        self.users.unlock().map_err(at("unlock", &self.place.root))?;
        match self.users.try_lock() {
            Ok(()) => launch::stop(&self.place, self.child.as_mut()),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(source)) => Err(at("lock", &self.place.root)(source)),
        }
    }
}

/// One process at a time starts or stops. The lock ends with the returned file.
fn lock_start(place: &Place) -> Result<File, Error> {
    let file = place.open("start.lock")?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(at("lock", &place.root)(source)),
            Err(TryLockError::WouldBlock) if begun.elapsed() > Duration::from_secs(LOCK_SECONDS) => {
                return Err(Error::Busy { lock: place.root.join("start.lock"), seconds: LOCK_SECONDS });
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(2)),
        }
    }
}
