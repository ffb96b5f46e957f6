//! What `postmaster.pid` says, and whether it is still true.
//!
//! Promises: a process counts as our server only when it is alive, no zombie, and was started with our data
//! directory on its command line, so that a pid which the system gave to somebody else is never signalled. Leaves
//! out: waiting, which is the launcher's.

use std::{fs, path::Path, process::Command};

use rustix::process::{Pid, Signal, kill_process};

/// The contents of `postmaster.pid` that matter here. The server writes the file line by line while it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    pub(super) status: Status,
}

/// The eighth line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Still starting or recovering, or the line is not written yet.
    Starting,
    /// Accepts connections.
    Ready,
    /// Is shutting down.
    Stopping,
}

impl PidFile {
    /// `None` when the file does not exist or does not begin with a process id.
    pub(super) fn read(path: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(path).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        let status = match lines.nth(6).map(str::trim) {
            Some("ready") => Status::Ready,
            Some("stopping") => Status::Stopping,
            _ => Status::Starting,
        };
        Some(Self { pid, status })
    }
}

/// True when `pid` is a living server on `data`.
pub(super) fn serves(pid: i32, data: &Path) -> bool {
    if Path::new("/proc/self/stat").exists() { serves_by_proc(pid, data) } else { serves_by_ps(pid, data) }
}

fn serves_by_proc(pid: i32, data: &Path) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie's command line is empty, but it may take seconds until somebody reaps it: say so explicitly.
    if is_zombie(stat.rsplit(')').next().unwrap_or_default()) {
        return false;
    }
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    arguments.windows(2).any(|pair| pair == [&b"-D"[..], data.as_os_str().as_encoded_bytes()])
}

/// Where there is no `/proc` (macOS): the same two questions to `ps`.
fn serves_by_ps(pid: i32, data: &Path) -> bool {
    let asked = Command::new("ps").args(["-ww", "-o", "stat=,command=", "-p", &pid.to_string()]).output();
    let Ok(output) = asked else { return false };
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    !is_zombie(&line) && line.contains(&format!("-D {} ", data.display()))
}

/// Whether a process state (the first letter) means dead but not yet reaped.
fn is_zombie(state: &str) -> bool {
    state.trim_start().starts_with(['Z', 'X'])
}

/// Sends a signal; false when the process does not exist or is not ours to signal.
pub(super) fn signal(pid: i32, signal: Signal) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_pid_file_in_every_stage() {
        let whole = "4711\n/d\n1763683200\n5432\n/s\n\n  1234 5678\nready   \n";
        assert_eq!(PidFile::parse(whole), Some(PidFile { pid: 4711, status: Status::Ready }));
        let stopping = whole.replace("ready   ", "stopping");
        assert_eq!(PidFile::parse(&stopping), Some(PidFile { pid: 4711, status: Status::Stopping }));
        assert_eq!(PidFile::parse("4711\n/d\n"), Some(PidFile { pid: 4711, status: Status::Starting }));
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("-4711\n"), None, "a negative id would signal a whole group");
        assert_eq!(PidFile::parse("not a number\n"), None);
    }

    #[test]
    fn a_living_stranger_is_not_our_server() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(!serves(me, Path::new("/no/such/cluster")));
        assert!(!serves_by_ps(me, Path::new("/no/such/cluster")));
    }

    #[test]
    fn a_zombie_is_dead() {
        assert!(is_zombie(" Z 1 2 3"));
        assert!(is_zombie("Z+   (postgres)"));
        assert!(!is_zombie(" S 1 2 3"));
    }
}
