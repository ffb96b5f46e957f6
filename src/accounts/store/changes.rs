//! Writes what a batch of events has changed.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::accounts::model::{AccountState, Contact};
use crate::kernel::clock::DateTime;

/// A changed account.
pub struct AccountChange<'a> {
    pub account_id: &'a str,
    pub state: &'a AccountState,
    pub name: Option<&'a str>,
    pub domain: Option<&'a str>,
    pub owner_id: Option<&'a str>,
}

/// A changed person.
pub struct ContactRow {
    pub account_id: String,
    pub contact_id: String,
    pub doc: Contact,
}

/// A note that an event brought.
pub struct NewNote {
    pub account_id: String,
    /// The event's id.
    pub id: Uuid,
    pub noted_at: DateTime,
    pub kind: String,
    pub text: String,
    pub source: String,
}

/// An event that could not be applied.
pub struct DeadEvent {
    pub account_id: String,
    pub received_at: DateTime,
    pub id: Uuid,
    pub error: String,
}

/// A name or domain that an account goes by.
pub struct Identity {
    pub account_id: String,
    /// `domain:…` or `name:…`.
    pub key: String,
    /// The account itself goes by it, which says more than that one of its people does: news also when it was known.
    pub own: bool,
}

/// Writes changed accounts.
pub async fn update_accounts(
    conn: &mut PgConnection,
    changes: &[AccountChange<'_>],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = changes.iter().map(|c| c.account_id).collect();
    let states: Vec<String> = changes
        .iter()
        .map(|c| serde_json::to_string(c.state))
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let names: Vec<Option<&str>> = changes.iter().map(|c| c.name).collect();
    let domains: Vec<Option<&str>> = changes.iter().map(|c| c.domain).collect();
    let owners: Vec<Option<&str>> = changes.iter().map(|c| c.owner_id).collect();
    sqlx::query!(
        r#"UPDATE account a SET state = c.state::json, name = c.name, domain = c.domain, owner_id = c.owner_id,
                  version = a.version + 1, changed_at = $6
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
             AS c (account_id, state, name, domain, owner_id)
           WHERE a.account_id = c.account_id"#,
        &ids as &[&str],
        &states,
        &names as &[Option<&str>],
        &domains as &[Option<&str>],
        &owners as &[Option<&str>],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads people before they are changed, by (account, contact).
pub async fn contacts_by_id(
    conn: &mut PgConnection,
    account_ids: &[String],
    contact_ids: &[String],
) -> Result<Vec<ContactRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.account_id, c.contact_id, c.doc AS "doc: Json<Contact>"
           FROM contact c JOIN unnest($1::text[], $2::text[]) AS k (account_id, contact_id)
             USING (account_id, contact_id)"#,
        account_ids,
        contact_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ContactRow { account_id: row.account_id, contact_id: row.contact_id, doc: row.doc.0 })
        .collect())
}

/// Writes changed people.
pub async fn upsert_contacts(
    conn: &mut PgConnection,
    contacts: &[ContactRow],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if contacts.is_empty() {
        return Ok(());
    }
    let accounts: Vec<&str> = contacts.iter().map(|c| c.account_id.as_str()).collect();
    let ids: Vec<&str> = contacts.iter().map(|c| c.contact_id.as_str()).collect();
    let docs: Vec<String> = contacts
        .iter()
        .map(|c| serde_json::to_string(&c.doc))
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query!(
        r#"INSERT INTO contact (account_id, contact_id, doc, changed_at)
           SELECT account_id, contact_id, doc::json, $4
           FROM unnest($1::text[], $2::text[], $3::text[]) AS c (account_id, contact_id, doc)
           ON CONFLICT (account_id, contact_id) DO UPDATE
             SET doc = excluded.doc, changed_at = excluded.changed_at"#,
        &accounts as &[&str],
        &ids as &[&str],
        &docs,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds notes.
pub async fn insert_notes(conn: &mut PgConnection, notes: &[NewNote]) -> Result<(), sqlx::Error> {
    if notes.is_empty() {
        return Ok(());
    }
    let accounts: Vec<&str> = notes.iter().map(|n| n.account_id.as_str()).collect();
    let ids: Vec<Uuid> = notes.iter().map(|n| n.id).collect();
    let at: Vec<DateTime> = notes.iter().map(|n| n.noted_at).collect();
    let kinds: Vec<&str> = notes.iter().map(|n| n.kind.as_str()).collect();
    let texts: Vec<&str> = notes.iter().map(|n| n.text.as_str()).collect();
    let sources: Vec<&str> = notes.iter().map(|n| n.source.as_str()).collect();
    sqlx::query!(
        r#"INSERT INTO note (account_id, id, noted_at, kind, text, source)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[])
           ON CONFLICT DO NOTHING"#,
        &accounts as &[&str],
        &ids,
        &at,
        &kinds as &[&str],
        &texts as &[&str],
        &sources as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the names and domains that accounts go by; those that are new, or the account's own, are news for the unmatched
/// events, where there are any.
pub async fn insert_identities(conn: &mut PgConnection, identities: &[Identity]) -> Result<(), sqlx::Error> {
    if identities.is_empty() {
        return Ok(());
    }
    let accounts: Vec<&str> = identities.iter().map(|i| i.account_id.as_str()).collect();
    let keys: Vec<&str> = identities.iter().map(|i| i.key.as_str()).collect();
    let own: Vec<&str> = identities.iter().filter(|i| i.own).map(|i| i.key.as_str()).collect();
    sqlx::query!(
        r#"WITH new AS (
             INSERT INTO account_identity (key, account_id)
             SELECT key, account_id FROM unnest($1::text[], $2::text[]) AS i (key, account_id)
             ORDER BY 1, 2 ON CONFLICT DO NOTHING RETURNING key)
           INSERT INTO match_news (key)
           SELECT key FROM (SELECT key FROM new UNION SELECT unnest($3::text[])) AS news (key)
           WHERE EXISTS (SELECT FROM unmatched_event)"#,
        &keys as &[&str],
        &accounts as &[&str],
        &own as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets events aside that could not be applied.
pub async fn insert_dead_events(
    conn: &mut PgConnection,
    dead: &[DeadEvent],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if dead.is_empty() {
        return Ok(());
    }
    let accounts: Vec<&str> = dead.iter().map(|d| d.account_id.as_str()).collect();
    let received: Vec<DateTime> = dead.iter().map(|d| d.received_at).collect();
    let ids: Vec<Uuid> = dead.iter().map(|d| d.id).collect();
    let errors: Vec<&str> = dead.iter().map(|d| d.error.as_str()).collect();
    sqlx::query!(
        r#"INSERT INTO inbox_dead (account_id, received_at, id, error, failed_at)
           SELECT account_id, received_at, id, error, $5
           FROM unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::text[])
             AS d (account_id, received_at, id, error)
           ON CONFLICT DO NOTHING"#,
        &accounts as &[&str],
        &received,
        &ids,
        &errors as &[&str],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
