//! What the processors did, which other people's work on the machine changes less than it changes rates: the time of this
//! process (client and service) and of Postgres, as Linux counts it. Elsewhere there is nothing to read, and nothing is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The kernel counts in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Processor time since the start of each process.
#[derive(Clone, Copy)]
pub struct Cpu {
    here: Duration,
    postgres: Duration,
}

impl Cpu {
    /// Now; `root` is where the cluster lies.
    pub fn now(root: &Path) -> Option<Self> {
        let pid = std::fs::read_to_string(postmaster_file(root)?).ok()?;
        let pid: u32 = pid.lines().next()?.trim().parse().ok()?;
        let mut postgres = Duration::ZERO;
        for entry in std::fs::read_dir("/proc").ok()?.flatten() {
            let Some(found) = Stat::read(&entry.path().join("stat")) else { continue };
            if found.parent == pid || entry.file_name().to_str() == Some(&pid.to_string()) {
                postgres += found.own;
            }
            if entry.file_name().to_str() == Some(&pid.to_string()) {
                // Of sessions that have ended.
                postgres += found.of_ended;
            }
        }
        Some(Self { here: Stat::read(Path::new("/proc/self/stat"))?.own, postgres })
    }

    /// What was used since, for each of so many events.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub fn told_since(before: Option<Self>, now: Option<Self>, events: u64) -> String {
        let (Some(before), Some(now)) = (before, now) else { return String::new() };
        let each = |now: Duration, before: Duration| {
            now.saturating_sub(before).as_secs_f64() * 1e6 / events.max(1) as f64
        };
        format!(
            "; processor time for each: {:.0} µs client and service, {:.0} µs Postgres",
            each(now.here, before.here),
            each(now.postgres, before.postgres)
        )
    }
}

fn postmaster_file(root: &Path) -> Option<PathBuf> {
    let below = std::fs::read_dir(root).ok()?.flatten().map(|entry| entry.path().join("postmaster.pid"));
    std::iter::once(root.join("postmaster.pid")).chain(below).find(|path| path.exists())
}

struct Stat {
    parent: u32,
    own: Duration,
    of_ended: Duration,
}

impl Stat {
    fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        // The name of the program, in brackets, may hold anything.
        let fields: Vec<&str> = text.rsplit(')').next()?.split_whitespace().collect();
        let ticks = |from: usize| {
            let ticks = fields.get(from..from + 2)?.iter().map(|field| field.parse::<u32>().ok());
            Some(TICK * ticks.sum::<Option<u32>>()?)
        };
        Some(Self { parent: fields.get(1)?.parse().ok()?, own: ticks(11)?, of_ended: ticks(13)? })
    }
}
