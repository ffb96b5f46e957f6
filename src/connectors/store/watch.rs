//! The SQL of how systems are doing: when something was last read from them, and the alarms about them.

use sqlx::{PgConnection, PgPool};

use crate::connectors::watch::{Alarm, SourceState};
use crate::kernel::clock::DateTime;

/// Of all systems that were ever looked after.
pub(in crate::connectors) async fn source_states(pool: &PgPool) -> Result<Vec<SourceState>, sqlx::Error> {
    sqlx::query_as!(
        SourceState,
        "SELECT connector, watched_at, read_at, failing_since, last_error FROM source_state ORDER BY connector",
    )
    .fetch_all(pool)
    .await
}

/// Notes that the service looks after a system.
pub(in crate::connectors) async fn note_watched(
    pool: &PgPool,
    connector: &str,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO source_state AS s (connector, watched_at) VALUES ($1, $2)
         ON CONFLICT (connector) DO UPDATE SET watched_at = greatest(s.watched_at, $2)",
        connector,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes that a system answered; to the minute, because nobody needs to know it better.
pub(in crate::connectors) async fn note_read(
    pool: &PgPool,
    connector: &str,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO source_state AS s (connector, watched_at, read_at) VALUES ($1, $2, $2)
         ON CONFLICT (connector) DO UPDATE SET read_at = $2, failing_since = NULL, last_error = NULL
         WHERE s.read_at IS NULL OR s.read_at <= $2::timestamptz - interval '1 minute' OR s.failing_since IS NOT NULL",
        connector,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes that a system could not be read, and why.
pub(in crate::connectors) async fn note_failing(
    pool: &PgPool,
    connector: &str,
    error: &str,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO source_state AS s (connector, watched_at, failing_since, last_error) VALUES ($1, $3, $3, $2)
         ON CONFLICT (connector) DO UPDATE SET failing_since = coalesce(s.failing_since, $3), last_error = $2",
        connector,
        error,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Holds all alarms until the end of the transaction: replicas raise them one after the other.
pub(in crate::connectors) async fn lock_alarms(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("LOCK TABLE alarm IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    Ok(())
}

/// All alarms there ever were: one for each thing that can be amiss.
pub(in crate::connectors) async fn alarms(conn: &mut PgConnection) -> Result<Vec<Alarm>, sqlx::Error> {
    sqlx::query_as!(
        Alarm,
        "SELECT connector, kind, subject, level, said, raised_at, seen_at, ended_at, told_at, told_level FROM alarm
         ORDER BY connector, kind, subject",
    )
    .fetch_all(conn)
    .await
}

/// Those that are live.
pub(in crate::connectors) async fn live_alarms(pool: &PgPool) -> Result<Vec<Alarm>, sqlx::Error> {
    let mut conn = pool.acquire().await?;
    let mut all = alarms(&mut conn).await?;
    all.retain(|alarm| alarm.ended_at.is_none());
    Ok(all)
}

/// Writes alarms as they now are.
pub(in crate::connectors) async fn write_alarms(
    conn: &mut PgConnection,
    rows: &[Alarm],
) -> Result<(), sqlx::Error> {
    fn text<'a>(rows: &'a [Alarm], get: fn(&'a Alarm) -> &'a str) -> Vec<&'a str> {
        rows.iter().map(get).collect()
    }
    let at = |get: fn(&Alarm) -> DateTime| rows.iter().map(get).collect::<Vec<_>>();
    let number = |get: fn(&Alarm) -> i32| rows.iter().map(get).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO alarm (connector, kind, subject, level, said, raised_at, seen_at, told_at, told_level)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[],
                              $7::timestamptz[], $8::timestamptz[], $9::int[])
         ON CONFLICT (connector, kind, subject) DO UPDATE SET
           level = excluded.level, said = excluded.said, raised_at = excluded.raised_at, seen_at = excluded.seen_at,
           ended_at = NULL, told_at = excluded.told_at, told_level = excluded.told_level",
        &text(rows, |row| &row.connector) as &[&str],
        &text(rows, |row| &row.kind) as &[&str],
        &text(rows, |row| &row.subject) as &[&str],
        &number(|row| row.level),
        &text(rows, |row| &row.said) as &[&str],
        &at(|row| row.raised_at),
        &at(|row| row.seen_at),
        &at(|row| row.told_at),
        &number(|row| row.told_level),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends live alarms that were not seen since.
pub(in crate::connectors) async fn end_alarms(
    conn: &mut PgConnection,
    seen_before: DateTime,
    now: DateTime,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE alarm SET ended_at = $2 WHERE ended_at IS NULL AND seen_at < $1",
        seen_before,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
