//! The one way into the database: pools, transactions and migrations.
//!
//! Promises: no statement that was answered Ok is lost because a caller went away (see [`begin`]); no transaction
//! stays open for longer than [`IDLE_IN_TRANSACTION_SECONDS`] without work; nobody waits for a connection for longer
//! than [`ACQUIRE_SECONDS`]. Leaves out: retries, which are the caller's to decide.

use std::time::Duration;

use sqlx::{
    Executor, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// A transaction that is not bound to the borrow of a pool.
pub type Tx = sqlx::Transaction<'static, sqlx::Postgres>;

/// Every change of the schema, compiled in from `migrations/`.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Seconds that a request waits for a connection before it fails: longer than any healthy queue, shorter than the
/// patience of a client.
pub const ACQUIRE_SECONDS: u64 = 5;
/// Seconds after which the server ends a session that holds a transaction open and does nothing.
pub const IDLE_IN_TRANSACTION_SECONDS: u64 = 30;

/// What every session is set to. The time is [`IDLE_IN_TRANSACTION_SECONDS`]. Every statement goes through a key,
/// whatever its arguments: one plan for all saves planning, and a plan that was made while a table was empty must not
/// read all of it once it is full.
const SESSION: &str = "SET idle_in_transaction_session_timeout = '30s'; SET plan_cache_mode = force_generic_plan; \
                       SET enable_seqscan = off";

/// Opens a pool of at most `max_connections`, and one connection to see that the server answers.
///
/// A connection is not pinged before each use, which would cost a round trip per statement; that is sound only
/// because transactions begin through [`begin`].
pub async fn connect(options: PgConnectOptions, max_connections: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            // A statement and not a start-up parameter, because connection poolers refuse unknown parameters.
            Box::pin(async move { connection.execute(SESSION).await.map(drop) })
        })
        .connect_with(options.application_name("gtm"))
        .await
}

/// Begins a transaction. The only place that may call the pool's own `begin`.
///
/// When the future of that call is dropped half-way (a client hangs up, a timeout fires), BEGIN may already be on its
/// way, and the connection goes back to the pool inside a transaction: what others write on it later is answered Ok
/// and never committed. On a task of its own the call always runs to its end; if nobody waits for the result any
/// more, it is dropped as a whole transaction, which rolls back.
pub async fn begin(pool: &PgPool) -> Result<Tx, sqlx::Error> {
    let pool = pool.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the wrapper that the ban points to; the task is short"
    )]
    let begun = tokio::spawn(async move { pool.begin().await }).await;
    begun.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// Brings the schema up to date. Replicas that start together wait for each other.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    MIGRATIONS.run(pool).await
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};

    use super::*;
    use crate::testing;

    /// Drops a begin after it was polled `polls` times, so that it is cut off at a different point each time.
    async fn cancelled_begin(pool: &PgPool, polls: usize) {
        let mut begun = Box::pin(begin(pool));
        for _ in 0..polls {
            if let Some(done) = begun.as_mut().now_or_never() {
                drop(done);
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_cancelled_begin_loses_no_later_write() {
        let database = testing::database().await;
        let pool = &database.pool;
        sqlx::query("CREATE TABLE written (id bigint)").execute(pool).await.unwrap();
        let mut answered_ok = 0;
        // Whether a cut hits the wrong moment is chance, hence the rounds.
        for polls in (1..=5).cycle().take(60) {
            join_all((0..8).map(|_| cancelled_begin(pool, polls))).await;
            let writes =
                (0..20_i64).map(|id| sqlx::query("INSERT INTO written VALUES ($1)").bind(id).execute(pool));
            answered_ok += join_all(writes).await.into_iter().flatten().count();
        }
        pool.close().await;

        let fresh = connect(database.options.clone(), 1).await.unwrap();
        let committed: i64 =
            sqlx::query_scalar("SELECT count(*) FROM written").fetch_one(&fresh).await.unwrap();
        assert_eq!((answered_ok, committed), (1200, 1200), "what was answered Ok is there");
    }

    #[tokio::test]
    async fn a_transaction_nobody_waits_for_is_rolled_back() {
        let database = testing::database().await;
        sqlx::query("CREATE TABLE written (id bigint)").execute(&database.pool).await.unwrap();
        let mut tx = begin(&database.pool).await.unwrap();
        sqlx::query("INSERT INTO written VALUES (1)").execute(&mut *tx).await.unwrap();
        drop(tx);
        let mut tx = begin(&database.pool).await.unwrap();
        sqlx::query("INSERT INTO written VALUES (2)").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let kept: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM written").fetch_all(&database.pool).await.unwrap();
        assert_eq!(kept, [2]);
    }

    #[tokio::test]
    async fn every_session_gives_up_an_idle_transaction() {
        let database = testing::database().await;
        let limit: String = sqlx::query_scalar("SHOW idle_in_transaction_session_timeout")
            .fetch_one(&database.pool)
            .await
            .unwrap();
        assert_eq!(limit, format!("{IDLE_IN_TRANSACTION_SECONDS}s"));
    }
}
