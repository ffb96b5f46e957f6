//! What handoffs hold about people: read and rewritten. The one way to change a package that is sealed.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A handoff with all that can hold somebody, as it is stored.
#[derive(Debug)]
pub struct HeldPackage {
    pub id: Uuid,
    /// Not handed to anybody yet: its package is not sealed.
    pub is_held: bool,
    pub package: String,
    pub close_reason: Option<String>,
    pub question: Option<String>,
}

/// What is left of a handoff.
#[derive(Debug)]
pub struct LeftPackage {
    pub id: Uuid,
    /// JSON text.
    pub package: String,
    /// As in `handoff`.
    pub digest: Vec<u8>,
    pub close_reason: Option<String>,
    pub question: Option<String>,
}

/// Handoffs of an account.
pub async fn packages(conn: &mut PgConnection, account_id: &str) -> Result<Vec<HeldPackage>, sqlx::Error> {
    sqlx::query_as!(
        HeldPackage,
        r#"SELECT id, status = 'held' AS "is_held!", package::text AS "package!", close_reason, question
           FROM handoff WHERE account_id = $1 ORDER BY id"#,
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of packages, sealed ones too: under the account's lock, with the new digests in the audit log.
pub async fn rewrite_packages(
    conn: &mut PgConnection,
    account_id: &str,
    left: &[LeftPackage],
) -> Result<(), sqlx::Error> {
    if left.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = left.iter().map(|handoff| handoff.id).collect();
    let packages: Vec<&str> = left.iter().map(|handoff| handoff.package.as_str()).collect();
    let digests: Vec<&[u8]> = left.iter().map(|handoff| handoff.digest.as_slice()).collect();
    let reasons: Vec<Option<&str>> = left.iter().map(|handoff| handoff.close_reason.as_deref()).collect();
    let questions: Vec<Option<&str>> = left.iter().map(|handoff| handoff.question.as_deref()).collect();
    sqlx::query!("SELECT set_config('gtm.erasure', 'on', true)").fetch_one(&mut *conn).await?;
    sqlx::query!(
        r#"UPDATE handoff h SET package = l.package::json, package_digest = l.digest, close_reason = l.reason,
                  question = l.question, version = h.version + 1
           FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::text[])
             AS l (id, package, digest, reason, question)
           WHERE h.account_id = $1 AND h.id = l.id"#,
        account_id,
        &ids,
        &packages as &[&str],
        &digests as &[&[u8]],
        &reasons as &[Option<&str>],
        &questions as &[Option<&str>],
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("SELECT set_config('gtm.erasure', 'off', true)").fetch_one(conn).await.map(drop)
}

/// A JSON text under its id.
#[derive(Debug)]
pub struct HeldDoc {
    pub id: Uuid,
    pub handoff_id: Uuid,
    pub doc: String,
}

/// Lines of the timelines of an account's handoffs.
pub async fn entry_docs(conn: &mut PgConnection, account_id: &str) -> Result<Vec<HeldDoc>, sqlx::Error> {
    sqlx::query_as!(
        HeldDoc,
        r#"SELECT id, handoff_id, doc::text AS "doc!" FROM handoff_entry WHERE account_id = $1 ORDER BY id"#,
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of lines.
pub async fn rewrite_entries(
    conn: &mut PgConnection,
    account_id: &str,
    left: &[HeldDoc],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = left.iter().map(|line| line.id).collect();
    let handoffs: Vec<Uuid> = left.iter().map(|line| line.handoff_id).collect();
    let docs: Vec<&str> = left.iter().map(|line| line.doc.as_str()).collect();
    sqlx::query!(
        r#"UPDATE handoff_entry e SET doc = l.doc::json
           FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS l (id, handoff_id, doc)
           WHERE e.account_id = $1 AND e.handoff_id = l.handoff_id AND e.id = l.id"#,
        account_id,
        &ids,
        &handoffs,
        &docs as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Receipts of an account as JSON objects: what was shown of whom, to whom, on which purpose and consent.
pub async fn receipt_docs(conn: &mut PgConnection, account_id: &str) -> Result<Vec<HeldDoc>, sqlx::Error> {
    sqlx::query_as!(
        HeldDoc,
        r#"SELECT id, handoff_id, json_build_object('partnerId', partner_id, 'contactId', contact_id, 'purpose', purpose,
                  'fields', fields, 'consent', consent, 'sharedAt', shared_at)::text AS "doc!"
           FROM share_receipt WHERE account_id = $1 ORDER BY id"#,
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of receipts, from the form in which [`receipt_docs`] gives them.
pub async fn rewrite_receipts(
    conn: &mut PgConnection,
    account_id: &str,
    left: &[HeldDoc],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = left.iter().map(|receipt| receipt.id).collect();
    let docs: Vec<&str> = left.iter().map(|receipt| receipt.doc.as_str()).collect();
    sqlx::query!(
        r#"UPDATE share_receipt r SET contact_id = l.doc ->> 'contactId', purpose = l.doc ->> 'purpose',
                  consent = l.doc -> 'consent'
           FROM (SELECT id, doc::json AS doc FROM unnest($2::uuid[], $3::text[]) AS l (id, doc)) AS l
           WHERE r.account_id = $1 AND r.id = l.id"#,
        account_id,
        &ids,
        &docs as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The stored package of a handoff, to the letter.
#[derive(Debug)]
pub struct SealedPackage {
    pub account_id: String,
    pub id: Uuid,
    pub package: String,
}

/// The stored packages of handoffs.
pub async fn sealed_packages(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<SealedPackage>, sqlx::Error> {
    sqlx::query_as!(
        SealedPackage,
        r#"SELECT account_id, id, package::text AS "package!" FROM handoff WHERE id = ANY ($1)"#,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Something that was shown to a partner.
#[derive(Debug)]
pub struct SharedOn {
    pub handoff_id: Uuid,
    pub partner_id: String,
    pub contact_id: Option<String>,
    pub fields: Vec<String>,
    pub shared_at: DateTime,
}

/// What of an account was shared on a consent for a purpose.
pub async fn shared_on(
    conn: &mut PgConnection,
    account_id: &str,
    purpose: &str,
) -> Result<Vec<SharedOn>, sqlx::Error> {
    sqlx::query_as!(
        SharedOn,
        "SELECT handoff_id, partner_id, contact_id, fields, shared_at FROM share_receipt
         WHERE account_id = $1 AND purpose = $2 ORDER BY id",
        account_id,
        purpose,
    )
    .fetch_all(conn)
    .await
}

/// An alert that was held, with what was said in it.
#[derive(Debug)]
pub struct HeldWords {
    pub id: Uuid,
    pub handoff_id: Uuid,
    pub title: String,
    pub body: String,
}

/// What held alerts of an account say.
pub async fn held_words(conn: &mut PgConnection, account_id: &str) -> Result<Vec<HeldWords>, sqlx::Error> {
    sqlx::query_as!(
        HeldWords,
        "SELECT id, handoff_id, title, body FROM held_alert WHERE account_id = $1 ORDER BY id",
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of held alerts.
pub async fn rewrite_held(
    conn: &mut PgConnection,
    account_id: &str,
    left: &[HeldWords],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = left.iter().map(|words| words.id).collect();
    let titles: Vec<&str> = left.iter().map(|words| words.title.as_str()).collect();
    let bodies: Vec<&str> = left.iter().map(|words| words.body.as_str()).collect();
    sqlx::query!(
        r#"UPDATE held_alert h SET title = l.title, body = l.body
           FROM unnest($2::uuid[], $3::text[], $4::text[]) AS l (id, title, body)
           WHERE h.account_id = $1 AND h.id = l.id"#,
        account_id,
        &ids,
        &titles as &[&str],
        &bodies as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}
