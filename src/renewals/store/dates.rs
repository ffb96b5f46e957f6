//! The next dates on which something renews, by account.

use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Notes the next dates of accounts, and gives the open renewals of the accounts that are named: one round trip for
/// whoever follows accounts.
pub async fn note_dates(
    conn: &mut PgConnection,
    accounts: &[&str],
    dates: &[(&str, Option<NaiveDate>)],
) -> Result<Vec<String>, sqlx::Error> {
    let (ids, next): (Vec<&str>, Vec<Option<NaiveDate>>) = dates.iter().copied().unzip();
    sqlx::query_scalar!(
        r#"WITH told AS MATERIALIZED (SELECT * FROM unnest($2::text[], $3::date[]) AS t (account_id, next_on)),
             noted AS (
               INSERT INTO renewal_date AS d (account_id, next_on)
               SELECT account_id, next_on FROM told WHERE next_on IS NOT NULL
               ON CONFLICT (account_id) DO UPDATE SET next_on = excluded.next_on WHERE d.next_on <> excluded.next_on),
             gone AS (
               DELETE FROM renewal_date d USING told
               WHERE d.account_id = told.account_id AND told.next_on IS NULL)
           SELECT DISTINCT account_id AS "account_id!" FROM renewal
           WHERE account_id = ANY ($1) AND status <> 'closed'"#,
        accounts as &[&str],
        &ids as &[&str],
        &next as &[Option<NaiveDate>],
    )
    .fetch_all(conn)
    .await
}

/// Accounts of which something renews up to a date, by what was last noted; in the order of ids behind one.
pub async fn next_within(
    pool: &PgPool,
    until: NaiveDate,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT account_id FROM renewal_date WHERE next_on <= $1 AND account_id > $2 ORDER BY account_id LIMIT $3",
        until,
        after,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// The open renewals of accounts, with their dates.
pub async fn open_of(
    conn: &mut PgConnection,
    accounts: &[String],
) -> Result<Vec<(String, Uuid, NaiveDate)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT account_id, id, deadline FROM renewal WHERE account_id = ANY ($1) AND status <> 'closed'
         ORDER BY account_id, deadline",
        accounts,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.id, row.deadline)).collect())
}
