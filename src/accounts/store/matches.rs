//! What accounts are known by, and what people corrected.

use sqlx::PgConnection;

use crate::kernel::clock::DateTime;

/// A person's word on where something belongs.
pub struct Correction<'a> {
    /// `domain:…`, `name:…` or `id:…`.
    pub key: &'a str,
    pub account_id: &'a str,
    pub belongs: bool,
    pub note: &'a str,
    pub by: &'a str,
}

/// What is stored about some keys.
pub struct Found {
    pub account_ids: Vec<String>,
    /// The account that a person named for the surest key that has a correction.
    pub pinned: Option<String>,
    /// Accounts that a person ruled out.
    pub ruled_out: Vec<String>,
}

/// Accounts known by one of some keys (the surest first), and corrections of those keys.
pub async fn match_candidates(
    conn: &mut PgConnection,
    keys: &[String],
    limit: i64,
) -> Result<Found, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT
             (SELECT array_agg(account_id) FROM (
                SELECT account_id FROM account_identity WHERE key = ANY ($1)
                UNION SELECT a.account_id FROM account a
                      JOIN unnest($1::text[]) AS k (key) ON k.key = 'id:' || a.account_id
                LIMIT $2) AS known) AS "account_ids: Vec<String>",
             (SELECT p.account_id FROM match_pin p
              JOIN unnest($1::text[]) WITH ORDINALITY AS k (key, place) ON k.key = p.key
              ORDER BY k.place LIMIT 1) AS pinned,
             (SELECT array_agg(account_id) FROM match_exclusion WHERE key = ANY ($1))
               AS "ruled_out: Vec<String>""#,
        keys,
        limit,
    )
    .fetch_one(conn)
    .await?;
    Ok(Found {
        account_ids: row.account_ids.unwrap_or_default(),
        pinned: row.pinned,
        ruled_out: row.ruled_out.unwrap_or_default(),
    })
}

/// Keeps a correction: a key is pinned to one account at most, and not to one that it was ruled out of.
pub async fn correct_match(
    conn: &mut PgConnection,
    correction: &Correction<'_>,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if correction.belongs {
        sqlx::query!(
            r#"WITH freed AS (DELETE FROM match_exclusion WHERE key = $1 AND account_id = $2)
               INSERT INTO match_pin (key, account_id, pinned_at, pinned_by, note) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (key) DO UPDATE SET account_id = excluded.account_id,
                 pinned_at = excluded.pinned_at, pinned_by = excluded.pinned_by, note = excluded.note"#,
            correction.key,
            correction.account_id,
            now,
            correction.by,
            correction.note,
        )
        .execute(conn)
        .await?;
    } else {
        sqlx::query!(
            r#"WITH unpinned AS (DELETE FROM match_pin WHERE key = $1 AND account_id = $2)
               INSERT INTO match_exclusion (key, account_id, excluded_at, excluded_by, note)
               VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (key, account_id) DO UPDATE
                 SET excluded_at = excluded.excluded_at, excluded_by = excluded.excluded_by,
                     note = excluded.note"#,
            correction.key,
            correction.account_id,
            now,
            correction.by,
            correction.note,
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}
