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
#[derive(Default)]
pub struct Found {
    /// Accounts known by a key: (key, account).
    pub known: Vec<(String, String)>,
    /// The account that a person named for a key: (key, account).
    pub pins: Vec<(String, String)>,
    /// Accounts that a person ruled out for a key: (key, account).
    pub exclusions: Vec<(String, String)>,
}

/// Accounts known by some keys, at most `limit` for each, and corrections of those keys.
pub async fn match_candidates(
    conn: &mut PgConnection,
    keys: &[String],
    limit: i64,
) -> Result<Found, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH k AS MATERIALIZED (SELECT DISTINCT key FROM unnest($1::text[]) AS k (key))
           SELECT 'known' AS "kind!", k.key AS "key!", i.account_id AS "account_id!"
           FROM k CROSS JOIN LATERAL (
             SELECT account_id FROM account_identity i WHERE i.key = k.key ORDER BY account_id LIMIT $2) AS i
           UNION ALL
           SELECT 'known', k.key, a.account_id
           FROM k JOIN account a ON a.account_id = substr(k.key, 4) AND k.key LIKE 'id:%'
           UNION ALL
           SELECT 'pin', key, account_id FROM match_pin WHERE key IN (SELECT key FROM k)
           UNION ALL
           SELECT 'exclusion', key, account_id FROM match_exclusion WHERE key IN (SELECT key FROM k)"#,
        keys,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let mut found = Found::default();
    for row in rows {
        let list = match row.kind.as_str() {
            "known" => &mut found.known,
            "pin" => &mut found.pins,
            _ => &mut found.exclusions,
        };
        list.push((row.key, row.account_id));
    }
    Ok(found)
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
