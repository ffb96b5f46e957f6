//! What every handler may reach, and the platform's own workers.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;

use super::ops::{self, Health, Heartbeat};
use super::problem::Problem;
use crate::kernel::clock::Clock;
use crate::platform::audit::{self, Recheck, Signer};
use crate::platform::http::idempotency;
use crate::platform::keys::Keys;
use crate::platform::lifecycle::Lifecycle;

/// How often the uses of keys are written.
const USES_EVERY: Duration = Duration::from_secs(10);
/// How often expired answers are forgotten.
const PURGE_EVERY: Duration = Duration::from_mins(10);
/// How often the ends of the audit chains are signed: the window in which a rewritten tail could go unseen.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(5);
/// How often measurements are folded, so that they take no memory when nobody reads them.
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// The machinery behind the handlers. Cheap to clone. The state of the service holds one and gives it out by
/// `FromRef` (`#[derive(FromRef)]`); a handler that needs nothing else takes `State<Platform>`.
#[derive(Clone)]
pub struct Platform {
    /// The database.
    pub pool: PgPool,
    /// The present instant.
    pub clock: Clock,
    /// Who calls.
    pub keys: Keys,
    /// Work that outlives a request.
    pub life: Lifecycle,
    /// The background workers and whether they are well.
    pub health: Health,
    /// Signs the audit log.
    pub signer: Arc<Signer>,
    /// What else the verification of the audit log looks at.
    pub rechecks: Arc<[Box<dyn Recheck>]>,
}

impl Platform {
    /// The machinery over a database.
    pub fn new(pool: PgPool, clock: Clock, life: Lifecycle, signer: Signer) -> Self {
        Self {
            keys: Keys::new(pool.clone(), clock.clone()),
            health: Health::default(),
            signer: Arc::new(signer),
            rechecks: Arc::new([]),
            pool,
            clock,
            life,
        }
    }

    /// Adds the slices' checks of what the audit log refers to.
    #[must_use]
    pub fn rechecking(mut self, rechecks: Vec<Box<dyn Recheck>>) -> Self {
        self.rechecks = rechecks.into();
        self
    }

    /// Starts the platform's own workers: uses of keys, expired answers, checkpoints, measurements. Call once.
    pub fn start(&self) {
        let platform = self.clone();
        self.every("key-uses", USES_EVERY, move || {
            let keys = platform.keys.clone();
            async move { Ok(keys.write_uses().await?) }
        });
        let platform = self.clone();
        self.every("idempotency-purge", PURGE_EVERY, move || {
            let platform = platform.clone();
            async move { Ok(idempotency::purge(&platform.pool, platform.clock.now()).await.map(drop)?) }
        });
        let platform = self.clone();
        self.every("audit-checkpoint", CHECKPOINT_EVERY, move || {
            let platform = platform.clone();
            async move {
                let now = platform.clock.now();
                Ok(audit::checkpoint::make(&platform.pool, &platform.signer, now).await.map(drop)?)
            }
        });
        self.every("metrics-fold", FOLD_EVERY, || async {
            ops::metrics_handle().run_upkeep();
            Ok(())
        });
    }

    /// Does at once what the workers do in their turns to clean up: forgets expired answers, pins the audit chains.
    /// For a sandbox, where the time that passes is not the workers' own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tidy_up(&self) -> Result<(), Problem> {
        let now = self.clock.now();
        while idempotency::purge(&self.pool, now).await? > 0 {}
        audit::checkpoint::make(&self.pool, &self.signer, now).await?;
        Ok(())
    }

    /// A worker that does a round, waits, and does a last round at the stop. A failed round is logged and repeated at
    /// the next turn.
    fn every<F, R>(&self, name: &'static str, interval: Duration, mut round: F)
    where
        F: FnMut() -> R + Send + 'static,
        R: Future<Output = Result<(), Problem>> + Send,
    {
        let soft = self.life.soft().clone();
        // A round may take as long as the wait before it counts as stuck.
        let pulse = self.health.watch(name, interval * 2 + Duration::from_secs(30));
        self.life.spawn(name, async move {
            loop {
                let last = soft.is_cancelled();
                report(name, &pulse, round().await);
                if last {
                    return Ok::<_, std::convert::Infallible>(());
                }
                tokio::select! {
                    () = soft.cancelled() => {}
                    () = tokio::time::sleep(interval) => {}
                }
            }
        });
    }
}

fn report(name: &'static str, pulse: &Heartbeat, outcome: Result<(), Problem>) {
    match outcome {
        Ok(()) => pulse.beat(),
        Err(error) => {
            tracing::warn!(worker = name, %error, "a round failed");
            pulse.failed(error);
        }
    }
}
