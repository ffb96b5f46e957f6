//! A real database for each test, in about twenty milliseconds.
//!
//! ```no_run
//! # async fn example() {
//! let database = gtm::testing::database().await;
//! sqlx::query("SELECT 1").execute(&database.pool).await.unwrap();
//! # }
//! ```
//!
//! All tests of a checkout share one server (see `server`); each call clones a database in
//! which the migrations have run already, and dropping the value drops the clone. With `TEST_DATABASE_URL` set, the
//! server named there is used instead; its role must be allowed to create databases.
//!
//! Promises: tests never see each other's rows; killed runs leave nothing for longer than half an hour. Leaves out:
//! durability, deliberately. Failures panic with their reason, because a test has no better use for an error.

mod server;

use std::{sync::mpsc, time::Duration};

use sqlx::{ConnectOptions, PgPool, postgres::PgConnectOptions};

use crate::platform::db;

/// Connections of one test: enough to show races, few enough for many tests at once on one server.
const CONNECTIONS: u32 = 8;
/// Longest wait for a database to go away at the end of a test; a later run drops what remains.
const DROP_WAIT: Duration = Duration::from_secs(10);

/// A migrated database of its own, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// Set up as the service sets up its own (see [`db::connect`]).
    pub pool: PgPool,
    /// For further pools on the same database, such as those of a second replica.
    pub options: PgConnectOptions,
    name: String,
}

/// Clones a fresh database.
pub async fn database() -> TestDatabase {
    let (name, options) = server::create().await.unwrap_or_else(|error| panic!("no test database: {error}"));
    let pool = db::connect(options.clone(), CONNECTIONS)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to test database {name}: {error}"));
    TestDatabase { pool, options, name }
}

impl TestDatabase {
    /// The address for a process of its own, such as the program under test (`DATABASE_URL`).
    pub fn url(&self) -> String {
        self.options.to_url_lossy().into()
    }
}

impl Drop for TestDatabase {
    /// Waits for the end, so that a run which ends right after its last test leaves nothing. Sessions that are still
    /// open are ended by the server.
    fn drop(&mut self) {
        let (done, wait) = mpsc::channel();
        server::remove(std::mem::take(&mut self.name), done);
        // A timeout is no reason to fail a test: the leftover is dropped by a later run.
        let _ = wait.recv_timeout(DROP_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_database_is_its_own_and_migrated() {
        let (one, two) = tokio::join!(database(), database());
        sqlx::query("CREATE TABLE mark (id int)").execute(&one.pool).await.unwrap();
        let seen: Option<String> =
            sqlx::query_scalar("SELECT to_regclass('mark')::text").fetch_one(&two.pool).await.unwrap();
        assert_eq!(seen, None, "the other test's table");
        let applied: i64 =
            sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&two.pool).await.unwrap();
        assert_eq!(usize::try_from(applied).unwrap(), db::MIGRATIONS.iter().count());
    }

    #[tokio::test]
    async fn the_url_leads_to_the_same_database() {
        let database = database().await;
        let pool = PgPool::connect(&database.url()).await.unwrap();
        let name: String =
            sqlx::query_scalar("SELECT current_database()::text").fetch_one(&pool).await.unwrap();
        assert_eq!(name, database.name);
    }

    #[tokio::test]
    async fn a_dropped_database_is_gone() {
        let (kept, dropped) = (database().await, database().await);
        let name = dropped.name.clone();
        drop(dropped);
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
            .bind(&name)
            .fetch_one(&kept.pool)
            .await
            .unwrap();
        assert_eq!(left, 0);
    }
}
