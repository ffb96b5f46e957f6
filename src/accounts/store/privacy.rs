//! The rows of people: who is to stay erased, and everything in which somebody can stand.

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::accounts::privacy::Salt;
use crate::kernel::clock::DateTime;
use crate::kernel::json::Hash;

/// The salt of the installation, and how often the list of those who were erased has changed.
pub struct PrivacyHead {
    pub salt: Salt,
    pub version: i64,
}

/// Reads the salt.
pub async fn privacy_head(conn: &mut PgConnection) -> Result<PrivacyHead, sqlx::Error> {
    let row = sqlx::query!("SELECT salt, version FROM privacy_head").fetch_one(conn).await?;
    // A constraint holds the length.
    let salt = Salt::new(Hash::try_from(row.salt).unwrap_or_default());
    Ok(PrivacyHead { salt, version: row.version })
}

/// Everybody who was erased.
pub async fn suppressed_digests(conn: &mut PgConnection) -> Result<Vec<Hash>, sqlx::Error> {
    let rows = sqlx::query_scalar!("SELECT digest FROM suppression ORDER BY digest").fetch_all(conn).await?;
    Ok(rows.into_iter().filter_map(|digest| Hash::try_from(digest).ok()).collect())
}

/// Of some digests, those of people who were erased.
pub async fn suppressed_among(conn: &mut PgConnection, digests: &[Hash]) -> Result<Vec<Hash>, sqlx::Error> {
    let digests: Vec<&[u8]> = digests.iter().map(<[u8; 32]>::as_slice).collect();
    let rows =
        sqlx::query_scalar!("SELECT digest FROM suppression WHERE digest = ANY ($1)", &digests as &[&[u8]])
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().filter_map(|digest| Hash::try_from(digest).ok()).collect())
}

/// Keeps people from coming back; gives how many were not kept from it before.
pub async fn suppress(
    conn: &mut PgConnection,
    digests: &[Hash],
    erasure_id: Uuid,
    now: DateTime,
) -> Result<u64, sqlx::Error> {
    let digests: Vec<&[u8]> = digests.iter().map(<[u8; 32]>::as_slice).collect();
    let new = sqlx::query_scalar!(
        r#"WITH new AS (
             INSERT INTO suppression (digest, suppressed_at, erasure_id)
             SELECT DISTINCT d, $2::timestamptz, $3::uuid FROM unnest($1::bytea[]) AS d ORDER BY d
             ON CONFLICT DO NOTHING RETURNING 1),
           told AS (UPDATE privacy_head SET version = version + 1 WHERE EXISTS (SELECT FROM new))
           SELECT count(*) AS "new!" FROM new"#,
        &digests as &[&[u8]],
        now,
        erasure_id,
    )
    .fetch_one(conn)
    .await?;
    Ok(u64::try_from(new).unwrap_or_default())
}

/// Lets people come back; gives how many had been kept from it.
pub async fn lift(conn: &mut PgConnection, digests: &[Hash]) -> Result<u64, sqlx::Error> {
    let digests: Vec<&[u8]> = digests.iter().map(<[u8; 32]>::as_slice).collect();
    let gone = sqlx::query_scalar!(
        r#"WITH gone AS (DELETE FROM suppression WHERE digest = ANY ($1) RETURNING 1),
           told AS (UPDATE privacy_head SET version = version + 1 WHERE EXISTS (SELECT FROM gone))
           SELECT count(*) AS "gone!" FROM gone"#,
        &digests as &[&[u8]],
    )
    .fetch_one(conn)
    .await?;
    Ok(u64::try_from(gone).unwrap_or_default())
}

/// Records an erasure; `changed` is JSON text.
pub async fn insert_erasure(
    conn: &mut PgConnection,
    account_id: &str,
    id: Uuid,
    by: &str,
    changed: &str,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO erasure (account_id, id, erased_at, erased_by, changed) VALUES ($1, $2, $3, $4, $5::text::json)",
        account_id,
        id,
        now,
        by,
        changed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An event as it lies in the store, with all that can hold somebody.
#[derive(Debug)]
pub struct HeldEvent {
    pub received_at: DateTime,
    pub id: Uuid,
    pub occurred_at: DateTime,
    pub source: String,
    pub event_id: String,
    pub type_name: String,
    pub data: Json<Box<RawValue>>,
    pub attributes: Option<String>,
}

/// What is left of an event.
#[derive(Debug)]
pub struct BlankedEvent {
    pub received_at: DateTime,
    pub id: Uuid,
    pub event_id: String,
    pub data: String,
    pub attributes: Option<String>,
}

/// Events of an account in the order of their arrival, so many after a place.
pub async fn held_events(
    conn: &mut PgConnection,
    account_id: &str,
    after: Option<(DateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<HeldEvent>, sqlx::Error> {
    sqlx::query_as!(
        HeldEvent,
        r#"SELECT received_at, id, occurred_at, source, event_id, type AS type_name,
                  data AS "data: Json<Box<RawValue>>", attributes::text
           FROM event
           WHERE account_id = $1 AND (received_at, id) > (coalesce($2, '-infinity'::timestamptz), $3::uuid)
           ORDER BY received_at, id LIMIT $4"#,
        account_id,
        after.map(|(received_at, _)| received_at),
        after.map_or(Uuid::nil(), |(_, id)| id),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of events of an account.
pub async fn blank_events(
    conn: &mut PgConnection,
    account_id: &str,
    events: &[BlankedEvent],
) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let (received, ids, event_ids, data, attributes) = columns(events);
    sqlx::query!(
        r#"UPDATE event e SET event_id = b.event_id, data = b.data::json, attributes = b.attributes::json
           FROM unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[])
             AS b (received_at, id, event_id, data, attributes)
           WHERE e.account_id = $1 AND e.received_at = b.received_at AND e.id = b.id"#,
        account_id,
        &received,
        &ids,
        &event_ids as &[&str],
        &data as &[&str],
        &attributes as &[Option<&str>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Blanked events as columns: received, id, the sender's id, data, attributes.
type Columns<'a> = (Vec<DateTime>, Vec<Uuid>, Vec<&'a str>, Vec<&'a str>, Vec<Option<&'a str>>);

fn columns(events: &[BlankedEvent]) -> Columns<'_> {
    (
        events.iter().map(|event| event.received_at).collect(),
        events.iter().map(|event| event.id).collect(),
        events.iter().map(|event| event.event_id.as_str()).collect(),
        events.iter().map(|event| event.data.as_str()).collect(),
        events.iter().map(|event| event.attributes.as_deref()).collect(),
    )
}

/// Events without an account, in the order of their ids, so many after one.
pub async fn held_unmatched(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<HeldEvent>, sqlx::Error> {
    sqlx::query_as!(
        HeldEvent,
        r#"SELECT received_at, id, occurred_at, source, event_id, type AS type_name,
                  data AS "data: Json<Box<RawValue>>", attributes::text
           FROM unmatched_event WHERE id > $1 ORDER BY id LIMIT $2"#,
        after.unwrap_or_default(),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of events without an account.
pub async fn blank_unmatched(conn: &mut PgConnection, events: &[BlankedEvent]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let (_, ids, event_ids, data, attributes) = columns(events);
    sqlx::query!(
        r#"UPDATE unmatched_event e SET event_id = b.event_id, data = b.data::json, attributes = b.attributes::json
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS b (id, event_id, data, attributes)
           WHERE e.id = b.id"#,
        &ids,
        &event_ids as &[&str],
        &data as &[&str],
        &attributes as &[Option<&str>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets people of an account; gives how many there were.
pub async fn delete_contacts(
    conn: &mut PgConnection,
    account_id: &str,
    contact_ids: &[&str],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM contact WHERE account_id = $1 AND contact_id = ANY ($2)",
        account_id,
        contact_ids as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A text under its id.
#[derive(Debug)]
pub struct HeldText {
    pub id: Uuid,
    pub text: String,
}

/// Notes about an account.
pub async fn note_texts(conn: &mut PgConnection, account_id: &str) -> Result<Vec<HeldText>, sqlx::Error> {
    sqlx::query_as!(HeldText, "SELECT id, text FROM note WHERE account_id = $1 ORDER BY id", account_id)
        .fetch_all(conn)
        .await
}

/// Writes what is left of notes.
pub async fn blank_notes(
    conn: &mut PgConnection,
    account_id: &str,
    notes: &[HeldText],
) -> Result<(), sqlx::Error> {
    let (ids, texts) = texts(notes);
    sqlx::query!(
        r#"UPDATE note n SET text = b.text FROM unnest($2::uuid[], $3::text[]) AS b (id, text)
           WHERE n.account_id = $1 AND n.id = b.id"#,
        account_id,
        &ids,
        &texts as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn texts(held: &[HeldText]) -> (Vec<Uuid>, Vec<&str>) {
    held.iter().map(|held| (held.id, held.text.as_str())).unzip()
}

/// Why events of an account could not be applied.
pub async fn dead_errors(conn: &mut PgConnection, account_id: &str) -> Result<Vec<HeldText>, sqlx::Error> {
    sqlx::query_as!(
        HeldText,
        "SELECT id, error AS text FROM inbox_dead WHERE account_id = $1 ORDER BY id",
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of the reasons.
pub async fn blank_dead_errors(
    conn: &mut PgConnection,
    account_id: &str,
    errors: &[HeldText],
) -> Result<(), sqlx::Error> {
    let (ids, texts) = texts(errors);
    sqlx::query!(
        r#"UPDATE inbox_dead d SET error = b.text FROM unnest($2::uuid[], $3::text[]) AS b (id, text)
           WHERE d.account_id = $1 AND d.id = b.id"#,
        account_id,
        &ids,
        &texts as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The state of an account as it is stored.
pub async fn state_text(conn: &mut PgConnection, account_id: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT state::text AS "state!" FROM account WHERE account_id = $1"#, account_id)
        .fetch_optional(conn)
        .await
}

/// Notes that what is known of the people or the state of an account has changed; `state` is its new text, if it has one.
pub async fn rewrite_account(
    conn: &mut PgConnection,
    account_id: &str,
    state: Option<&str>,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE account SET state = coalesce($2::text::json, state), version = version + 1, changed_at = $3
           WHERE account_id = $1"#,
        account_id,
        state,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Accounts that know somebody by one of these addresses (in small letters) or ids, by id.
pub async fn accounts_of_person(
    pool: &PgPool,
    contact_ids: &[String],
    emails: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT account_id AS "account_id!" FROM (
             SELECT account_id FROM contact WHERE contact_id = ANY ($1)
             UNION SELECT account_id FROM contact WHERE lower(doc -> 'email' ->> 'value') = ANY ($2)) AS known
           ORDER BY account_id"#,
        contact_ids,
        emails,
    )
    .fetch_all(pool)
    .await
}

/// What events said of somebody.
#[derive(Debug)]
pub struct SaidOfPerson {
    pub contact_id: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub title: Option<String>,
    /// Of a conversation.
    pub subject: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
}

/// What the kept events of an account said of its people, old statements too.
pub async fn said_of_people(
    conn: &mut PgConnection,
    account_id: &str,
) -> Result<Vec<SaidOfPerson>, sqlx::Error> {
    sqlx::query_as!(
        SaidOfPerson,
        r#"SELECT DISTINCT data ->> 'contactId' AS contact_id, data ->> 'firstName' AS first_name,
                  data ->> 'lastName' AS last_name, data ->> 'title' AS title,
                  data ->> 'subject' AS subject,
                  data ->> 'email' AS email, data ->> 'phone' AS phone
           FROM event
           WHERE account_id = $1 AND type IN ('gtm.contact.upserted', 'gtm.activity.logged')
             AND data ->> 'contactId' IS NOT NULL"#,
        account_id
    )
    .fetch_all(conn)
    .await
}

/// What events without an account said of people with an e-mail address.
pub async fn said_without_account(conn: &mut PgConnection) -> Result<Vec<SaidOfPerson>, sqlx::Error> {
    sqlx::query_as!(
        SaidOfPerson,
        r#"SELECT NULL AS contact_id, data ->> 'firstName' AS first_name, data ->> 'lastName' AS last_name,
                  data ->> 'title' AS title, NULL AS subject, data ->> 'email' AS email, data ->> 'phone' AS phone
           FROM unmatched_event WHERE type = 'gtm.contact.upserted' AND data ->> 'email' IS NOT NULL"#
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of events that are being applied: their attributes go with what they said.
pub async fn blank_pending(
    conn: &mut PgConnection,
    account_ids: &[&str],
    events: &[BlankedEvent],
) -> Result<(), sqlx::Error> {
    let (received, ids, event_ids, data, _) = columns(events);
    sqlx::query!(
        r#"UPDATE event e SET event_id = b.event_id, data = b.data::json, attributes = NULL
           FROM unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[])
             AS b (account_id, received_at, id, event_id, data)
           WHERE e.account_id = b.account_id AND e.received_at = b.received_at AND e.id = b.id"#,
        account_ids as &[&str],
        &received,
        &ids,
        &event_ids as &[&str],
        &data as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}
