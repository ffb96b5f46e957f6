//! API keys: `gtm_` and 43 characters of base64url, 256 random bits.
//!
//! Promises: a key is shown once, when it is made; stored is its SHA-256, which is enough because there is nothing to
//! guess in 256 random bits, and which makes the look-up itself the comparison. A revoked key stops at once on the
//! replica that revoked it and within [`TTL`] on all others; a request with a key seen in the last [`TTL`] needs no
//! round trip. The last use is noted to the minute, behind the requests. Every making and ending of a key is in the
//! audit log.
//! Leaves out: users and sessions; and rate limits.
//!
//! Owns the table `api_key`.

pub mod api;
mod first;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sqlx::PgPool;
use uuid::Uuid;

pub use first::{FirstKeyError, LocalKey, end_local_key, ensure_admin, local_key};

use super::http::{Caller, Problem, Scope};
use crate::kernel::clock::{Clock, DateTime};
use crate::kernel::json::{Hash, sha256};

/// Longest time for which a key is believed without asking the database: how long a revoked key may live on.
pub const TTL: Duration = Duration::from_secs(5);
/// Age at which one request reads the key again while the others go on with what is known.
const RENEW: Duration = Duration::from_secs(3);
/// Most keys kept in memory.
const CACHE_MAX: usize = 10_000;
/// How exactly the last use of a key is known.
const USE_STEP: TimeDelta = TimeDelta::minutes(1);

/// The keys of the service, with their short memory. Cloning shares it.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    pool: PgPool,
    clock: Clock,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    by_hash: HashMap<Hash, Known>,
    /// Uses not yet written.
    used: HashMap<Uuid, DateTime>,
    /// When a key was last forgotten: what was read before then may be of a key that has ended since.
    forgot_at: Option<Instant>,
}

struct Known {
    caller: Arc<Caller>,
    expires_at: Option<DateTime>,
    /// Before the row was read, so that an answer on its way counts as old.
    read_at: Instant,
    renewing: bool,
    use_noted_at: Option<DateTime>,
}

/// A look in the memory.
enum Memo {
    Fresh(Arc<Caller>, Option<DateTime>),
    /// Believable, and due to be read again by whoever sees this.
    Ageing(Arc<Caller>, Option<DateTime>),
    Unknown,
}

impl Keys {
    /// Keys in the database behind `pool`.
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self(Arc::new(Inner { pool, clock, memory: Mutex::default() }))
    }

    /// Whoever holds this key.
    ///
    /// # Errors
    /// 401 when the key is unknown, revoked or expired; 503 when that cannot be found out.
    pub async fn caller(&self, key: &str) -> Result<Arc<Caller>, Problem> {
        if !(16..=200).contains(&key.len()) {
            return Err(dead());
        }
        let hash = sha256(key.as_bytes());
        let memo = self.memory().look(&hash);
        let (caller, expires_at) = match memo {
            Memo::Fresh(caller, expires_at) => (caller, expires_at),
            Memo::Ageing(caller, expires_at) => match self.read(hash).await {
                Ok(answer) => answer.ok_or_else(dead)?,
                // The database is away; what was read within the TTL still counts.
                Err(_) => (caller, expires_at),
            },
            Memo::Unknown => self.read(hash).await?.ok_or_else(dead)?,
        };
        let now = self.0.clock.now();
        if expires_at.is_some_and(|end| end <= now) {
            return Err(dead());
        }
        self.memory().note_use(&hash, now);
        Ok(caller)
    }

    /// Reads a key and remembers it, or forgets it when it is gone.
    async fn read(&self, hash: Hash) -> Result<Option<(Arc<Caller>, Option<DateTime>)>, sqlx::Error> {
        let read_at = Instant::now();
        let live = store::live(&self.0.pool, &hash).await?;
        let mut memory = self.memory();
        let Some(live) = live else {
            memory.by_hash.remove(&hash);
            return Ok(None);
        };
        let scopes = live.scopes.iter().filter_map(|name| Scope::parse(name)).collect();
        let caller = Arc::new(Caller { key_id: live.id, label: live.label, scopes, rep_id: live.rep_id });
        memory.remember(hash, Arc::clone(&caller), live.expires_at, read_at);
        Ok(Some((caller, live.expires_at)))
    }

    /// Drops a revoked key from the memory of this replica.
    pub fn forget(&self, id: Uuid) {
        let mut memory = self.memory();
        memory.forgot_at = Some(Instant::now());
        memory.by_hash.retain(|_, known| known.caller.key_id != id);
    }

    /// Writes the uses noted since the last call. For a background worker, about every ten seconds, and once more
    /// at the stop.
    pub async fn write_uses(&self) -> Result<(), sqlx::Error> {
        let used = std::mem::take(&mut self.memory().used);
        if used.is_empty() {
            return Ok(());
        }
        let (ids, at): (Vec<_>, Vec<_>) = used.into_iter().unzip();
        store::note_uses(&self.0.pool, &ids, &at).await
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // A panic while the lock was held leaves a memory that is at worst stale.
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn look(&mut self, hash: &Hash) -> Memo {
        let Some(known) = self.by_hash.get_mut(hash) else { return Memo::Unknown };
        let (age, caller) = (known.read_at.elapsed(), Arc::clone(&known.caller));
        if age >= TTL {
            Memo::Unknown
        } else if age >= RENEW && !std::mem::replace(&mut known.renewing, true) {
            Memo::Ageing(caller, known.expires_at)
        } else {
            Memo::Fresh(caller, known.expires_at)
        }
    }

    fn remember(&mut self, hash: Hash, caller: Arc<Caller>, expires_at: Option<DateTime>, read_at: Instant) {
        if self.by_hash.len() >= CACHE_MAX {
            self.by_hash.retain(|_, known| known.read_at.elapsed() < TTL);
        }
        if self.by_hash.len() >= CACHE_MAX || self.forgot_at.is_some_and(|at| read_at <= at) {
            return;
        }
        let use_noted_at = self.by_hash.get(&hash).and_then(|known| known.use_noted_at);
        self.by_hash.insert(hash, Known { caller, expires_at, read_at, renewing: false, use_noted_at });
    }

    fn note_use(&mut self, hash: &Hash, now: DateTime) {
        let Some(known) = self.by_hash.get_mut(hash) else { return };
        if known.use_noted_at.is_none_or(|at| at + USE_STEP <= now) {
            known.use_noted_at = Some(now);
            self.used.insert(known.caller.key_id, now);
        }
    }
}

fn dead() -> Problem {
    Problem::unauthorized("This key is not known, has expired or was revoked.")
}

/// A key of 256 given bits.
fn spell(bits: &[u8; 32]) -> String {
    format!("gtm_{}", URL_SAFE_NO_PAD.encode(bits))
}
