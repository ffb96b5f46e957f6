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
            // The number is IDLE_IN_TRANSACTION_SECONDS.
            Box::pin(async move {
                connection.execute("SET idle_in_transaction_session_timeout = '30s'").await.map(drop)
            })
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
