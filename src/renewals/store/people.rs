//! What people have written about renewals, which may name others: read and rewritten.

use sqlx::PgConnection;
use uuid::Uuid;

/// A text that is kept about a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldNote {
    pub renewal_id: Uuid,
    /// `close` for the note of the end, `checkpoint` for that of a checkpoint, `told` for what was told.
    pub kind: String,
    /// The number of the checkpoint, or the key of what was told.
    pub place: String,
    pub text: String,
}

/// The kinds of text.
pub const NOTES: [&str; 4] = ["close", "checkpoint", "told", "terms"];

/// All texts of an account.
pub async fn notes(conn: &mut PgConnection, account_id: &str) -> Result<Vec<HeldNote>, sqlx::Error> {
    sqlx::query_as!(
        HeldNote,
        r#"SELECT id AS "renewal_id!", 'close' AS "kind!", '' AS "place!", close_note AS "text!"
           FROM renewal WHERE account_id = $1 AND close_note IS NOT NULL
           UNION ALL
           SELECT id, 'terms', '', terms::text FROM renewal WHERE account_id = $1
           UNION ALL
           SELECT renewal_id, 'checkpoint', number::text, note FROM renewal_checkpoint
           WHERE account_id = $1 AND note <> ''
           UNION ALL
           SELECT renewal_id, 'told', key, doc::text FROM renewal_firing WHERE account_id = $1
           ORDER BY 1, 2, 3"#,
        account_id,
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of texts.
pub async fn rewrite_notes(
    conn: &mut PgConnection,
    account_id: &str,
    left: &[HeldNote],
) -> Result<(), sqlx::Error> {
    for kind in NOTES {
        let of: Vec<&HeldNote> = left.iter().filter(|note| note.kind == kind).collect();
        if of.is_empty() {
            continue;
        }
        let ids: Vec<Uuid> = of.iter().map(|note| note.renewal_id).collect();
        let places: Vec<&str> = of.iter().map(|note| note.place.as_str()).collect();
        let texts: Vec<&str> = of.iter().map(|note| note.text.as_str()).collect();
        match kind {
            "close" => {
                sqlx::query!(
                    r#"UPDATE renewal r SET close_note = n.text
                       FROM unnest($2::uuid[], $3::text[]) AS n (id, text)
                       WHERE r.account_id = $1 AND r.id = n.id"#,
                    account_id,
                    &ids,
                    &texts as &[&str],
                )
                .execute(&mut *conn)
                .await?;
            }
            "terms" => {
                sqlx::query!(
                    r#"UPDATE renewal r SET terms = n.text::json
                       FROM unnest($2::uuid[], $3::text[]) AS n (id, text)
                       WHERE r.account_id = $1 AND r.id = n.id"#,
                    account_id,
                    &ids,
                    &texts as &[&str],
                )
                .execute(&mut *conn)
                .await?;
            }
            "checkpoint" => {
                sqlx::query!(
                    r#"UPDATE renewal_checkpoint c SET note = n.text
                       FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (id, place, text)
                       WHERE c.account_id = $1 AND c.renewal_id = n.id AND c.number::text = n.place"#,
                    account_id,
                    &ids,
                    &places as &[&str],
                    &texts as &[&str],
                )
                .execute(&mut *conn)
                .await?;
            }
            _ => {
                sqlx::query!(
                    r#"UPDATE renewal_firing f SET doc = n.text::json
                       FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n (id, place, text)
                       WHERE f.account_id = $1 AND f.renewal_id = n.id AND f.key = n.place"#,
                    account_id,
                    &ids,
                    &places as &[&str],
                    &texts as &[&str],
                )
                .execute(&mut *conn)
                .await?;
            }
        }
    }
    Ok(())
}
