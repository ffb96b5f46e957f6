//! Creates a cluster and brings its server up or down. Runs under the start lock, so one process at a time.
//!
//! Promises: `data` appears only when complete (`initdb` works in a directory beside it, which is renamed), so a kill
//! at any moment leaves either no cluster or a whole one. A server that is up is adopted; what a killed one left
//! behind is removed first. Removing a pid file is safe: Postgres itself refuses a second server on live shared
//! memory. Leaves out: choosing directories and programs.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use uuid::Uuid;

use super::{
    Durability, PORT, SUPERUSER,
    error::{Error, at},
    locate::Programs,
    place::Place,
    process::{PidFile, Status, serves, signal},
};

/// How often a change of state is looked for: an ordinary start takes about 30 ms.
const POLL: Duration = Duration::from_millis(5);
/// Recovery after a crash replays the log written since the last checkpoint, which may take minutes.
const START_SECONDS: u64 = 300;
/// A fast shutdown ends sessions at once but writes a checkpoint.
const STOP_SECONDS: u64 = 60;
/// Children of a killed server hold its shared memory for a moment; that long the start is tried again.
const ORPHANS: Duration = Duration::from_secs(10);
/// Above this size in bytes the log is put aside as `server.log.1` at the next start.
const LOG_MAX: u64 = 8 << 20;

/// The major version that made the cluster, `None` when there is no cluster yet.
pub(super) fn made_by(place: &Place) -> Result<Option<u32>, Error> {
    let data = place.data();
    if !data.exists() {
        return Ok(None);
    }
    let version = fs::read_to_string(data.join("PG_VERSION")).ok();
    let major = version.and_then(|text| text.trim().split('.').next()?.parse().ok());
    major.map(Some).ok_or(Error::Foreign { root: data })
}

/// A cluster keeps the durability that it was made with: a server without fsync must never serve real data.
pub(super) fn check_durability(place: &Place, asked: Durability) -> Result<(), Error> {
    let path = place.root.join("made-as");
    match fs::read_to_string(&path) {
        Ok(made) if made.trim() != asked.name() => Err(Error::OtherDurability {
            root: place.root.clone(),
            made: made.trim().into(),
            asked: asked.name(),
        }),
        Ok(_) => Ok(()),
        Err(source) => Err(at("read", &path)(source)),
    }
}

/// Runs `initdb` and puts the result in place in one step.
pub(super) fn initialise(place: &Place, programs: &Programs, durability: Durability) -> Result<(), Error> {
    for entry in fs::read_dir(&place.root).map_err(at("list", &place.root))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("init-") {
            // What an interrupted attempt left; one that is still being written to is only wasted space.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let mut made_as = place.open("made-as")?;
    made_as
        .set_len(0)
        .and_then(|()| made_as.write_all(durability.name().as_bytes()))
        .map_err(at("write made-as in", &place.root))?;
    let draft = place.root.join(format!("init-{}", Uuid::now_v7().simple()));
    let mut command = place.account.command(&programs.dir.join("initdb"));
    command.arg("-D").arg(&draft).args(["-U", SUPERUSER, "-E", "UTF8", "--locale=C"]);
    // Whoever can open the socket may enter: its directory is private, and there is no network listener.
    command.args(["--auth-local=trust", "--auth-host=reject"]);
    command.arg(match durability {
        Durability::Durable => "--data-checksums",
        Durability::Test => "--no-sync",
    });
    let output = command.stdin(Stdio::null()).output().map_err(at("run initdb in", &place.root))?;
    if !output.status.success() {
        let _ = fs::remove_dir_all(&draft);
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return Err(Error::Init { root: place.root.clone(), said: last_lines(&said) });
    }
    fs::rename(&draft, place.data()).map_err(at("rename to data", &draft))?;
    if durability == Durability::Durable {
        File::open(&place.root).and_then(|root| root.sync_all()).map_err(at("sync", &place.root))?;
    }
    Ok(())
}

/// The server on this cluster, if one is up. Waits while one starts or stops; clears what a dead one left behind.
pub(super) fn adopt(place: &Place) -> Result<Option<i32>, Error> {
    let begun = Instant::now();
    loop {
        let Some(found) = PidFile::read(&place.pid_file()) else {
            return clear_remains(place).map(|()| None);
        };
        if !serves(found.pid, &place.data()) {
            return clear_remains(place).map(|()| None);
        }
        if found.status == Status::Ready && place.socket().exists() {
            return Ok(Some(found.pid));
        }
        if found.status == Status::Ready {
            // Something that tidies temporary directories took the socket: nobody can connect any more.
            stop(place, None)?;
            continue;
        }
        if begun.elapsed() > Duration::from_secs(START_SECONDS) {
            return Err(Error::Slow { pid: found.pid, seconds: START_SECONDS, log: place.log() });
        }
        thread::sleep(POLL);
    }
}

/// Removes the pid file and the socket lock of a server that is gone.
fn clear_remains(place: &Place) -> Result<(), Error> {
    for path in [place.pid_file(), place.socket_lock()] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(at("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Starts a server and waits until it accepts connections. The caller has made sure that none is up.
pub(super) fn launch(place: &Place, programs: &Programs, durability: Durability) -> Result<Child, Error> {
    let begun = Instant::now();
    loop {
        let mut child = spawn(place, programs, durability)?;
        if wait_ready(place, &mut child)? {
            return Ok(child);
        }
        let said = last_lines(&fs::read_to_string(place.log()).unwrap_or_default());
        let orphans = said.contains("still in use") || said.contains("lock file");
        if !orphans || begun.elapsed() > ORPHANS {
            return Err(Error::Launch { log: place.log(), said });
        }
        thread::sleep(Duration::from_millis(100));
        if !PidFile::read(&place.pid_file()).is_some_and(|found| serves(found.pid, &place.data())) {
            clear_remains(place)?;
        }
    }
}

/// True when ready, false when the server has ended.
fn wait_ready(place: &Place, child: &mut Child) -> Result<bool, Error> {
    let begun = Instant::now();
    let pid = i32::try_from(child.id()).unwrap_or(0);
    loop {
        if PidFile::read(&place.pid_file()) == Some(PidFile { pid, status: Status::Ready }) {
            return Ok(true);
        }
        if child.try_wait().map_err(at("wait for the server of", &place.root))?.is_some() {
            return Ok(false);
        }
        if begun.elapsed() > Duration::from_secs(START_SECONDS) {
            return Err(Error::Slow { pid, seconds: START_SECONDS, log: place.log() });
        }
        thread::sleep(POLL);
    }
}

fn spawn(place: &Place, programs: &Programs, durability: Durability) -> Result<Child, Error> {
    let path = place.log();
    if fs::metadata(&path).is_ok_and(|found| found.len() > LOG_MAX) {
        fs::rename(&path, path.with_extension("log.1")).map_err(at("rename", &path))?;
    }
    let log = place.open("server.log")?;
    let copy = log.try_clone().map_err(at("open", &path))?;
    let mut command = place.account.command(&programs.dir.join("postgres"));
    arguments(&mut command, &place.data(), &place.open_socket_dir()?, durability);
    // A group of its own: Ctrl-C in a terminal must reach this program, which drains its work, and not the database.
    command.process_group(0).stdin(Stdio::null()).stdout(copy).stderr(log);
    command.spawn().map_err(at("run postgres on", &place.root))
}

/// The whole configuration stands on the command line, where `ps` shows it and no file can contradict it.
fn arguments(command: &mut Command, data: &Path, socket_dir: &Path, durability: Durability) {
    command.arg("-D").arg(data).arg("-k").arg(socket_dir).arg("-p").arg(PORT.to_string());
    let always = [
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "shared_buffers=128MB",
        "timezone=UTC",
        "jit=off",
        "log_checkpoints=off",
    ];
    let chosen: &[&str] = match durability {
        Durability::Durable => &[
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "autovacuum=on",
            "max_connections=100",
            "max_wal_size=2GB",
        ],
        // Nothing here outlives its test, so nothing is written twice and nothing is waited for.
        Durability::Test => &[
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "min_wal_size=32MB",
            "max_wal_size=256MB",
            "autovacuum=off",
            "max_connections=500",
            "max_parallel_workers_per_gather=0",
        ],
    };
    for setting in always.iter().chain(chosen) {
        command.args(["-c", setting]);
    }
}

/// Fast shutdown: sessions are ended, a checkpoint is written. Returns when the server is gone.
pub(super) fn stop(place: &Place, child: Option<&mut Child>) -> Result<(), Error> {
    let Some(found) = PidFile::read(&place.pid_file()).filter(|found| serves(found.pid, &place.data()))
    else {
        return Ok(());
    };
    signal(found.pid, Signal::INT);
    let begun = Instant::now();
    // The pid file goes last. The process itself may linger as a zombie of somebody who does not reap it.
    while PidFile::read(&place.pid_file()).is_some_and(|now| now.pid == found.pid)
        && serves(found.pid, &place.data())
    {
        if begun.elapsed() > Duration::from_secs(STOP_SECONDS) {
            return Err(Error::Stop { pid: found.pid, seconds: STOP_SECONDS, log: place.log() });
        }
        thread::sleep(POLL);
    }
    if let Some(child) = child.filter(|child| i32::try_from(child.id()) == Ok(found.pid)) {
        child.wait().map_err(at("wait for the server of", &place.root))?;
    }
    Ok(())
}

/// The end of a text, short enough for an error message.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}
