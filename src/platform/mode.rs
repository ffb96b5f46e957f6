//! Whether a database is live or a sandbox, and where a sandbox's clock stands.
//!
//! Promises: what a database is, it is from its first start on and for good; a sandbox's time never runs backwards.
//!
//! Owns the table `service_mode`.

use sqlx::PgPool;

use crate::kernel::clock::DateTime;

/// What a database was made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    pub sandbox: bool,
    /// Where the clock was left; means nothing for a live database.
    pub sandbox_now: DateTime,
}

/// What the database is. A new one becomes a sandbox or not, as asked, and `present` is its first instant.
pub async fn settle(pool: &PgPool, sandbox: bool, present: DateTime) -> Result<Mode, sqlx::Error> {
    let mode = if sandbox { "sandbox" } else { "live" };
    let marked = sqlx::query!(
        r#"INSERT INTO service_mode AS m (mode, sandbox_now) VALUES ($1, $2)
           ON CONFLICT (only_row) DO UPDATE SET mode = m.mode RETURNING mode, sandbox_now"#,
        mode,
        present,
    )
    .fetch_one(pool)
    .await?;
    Ok(Mode { sandbox: marked.mode == "sandbox", sandbox_now: marked.sandbox_now })
}

/// Notes where the sandbox's clock stands, for its next start.
pub async fn note_clock(pool: &PgPool, now: DateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE service_mode SET sandbox_now = $1", now).execute(pool).await.map(drop)
}
