//! Reading accounts back: lists, one account, its people, its timeline.

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use super::ContactRow;
use crate::accounts::model::{AccountState, Contact};
use crate::kernel::clock::DateTime;

/// An account in a list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AccountRow {
    pub account_id: String,
    pub name: Option<String>,
    pub domain: Option<String>,
    pub owner_id: Option<String>,
    pub version: i64,
    pub created_at: DateTime,
    pub changed_at: DateTime,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    pub owner_id: Option<String>,
    pub domain: Option<String>,
    /// Part of the name, in any case.
    pub name_contains: Option<String>,
    /// Only accounts after this id, in the order of ids.
    pub after: Option<String>,
    pub limit: i64,
}

/// Accounts by id.
pub async fn list_accounts(pool: &PgPool, filter: &AccountFilter) -> Result<Vec<AccountRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(
        "SELECT account_id, name, domain, owner_id, version, created_at, changed_at FROM account WHERE true",
    );
    if let Some(owner_id) = &filter.owner_id {
        query.push(" AND owner_id = ").push_bind(owner_id);
    }
    if let Some(domain) = &filter.domain {
        query.push(" AND domain = ").push_bind(domain);
    }
    if let Some(name) = &filter.name_contains {
        query.push(" AND strpos(lower(name), lower(").push_bind(name).push(")) > 0");
    }
    if let Some(after) = &filter.after {
        query.push(" AND account_id > ").push_bind(after);
    }
    query.push(" ORDER BY account_id LIMIT ").push_bind(filter.limit);
    query.build_query_as().fetch_all(pool).await
}

/// The ids of accounts behind one, in their order.
pub async fn ids_after(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT account_id FROM account WHERE account_id > $1 ORDER BY account_id LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// One account with its state, without a lock.
pub struct AccountView {
    pub row: AccountRow,
    pub state: AccountState,
}

/// Reads accounts without locking them, in the order of their ids.
pub async fn read_accounts(
    conn: &mut PgConnection,
    account_ids: &[String],
) -> Result<Vec<AccountView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id, name, domain, owner_id, version, created_at, changed_at,
                  state AS "state: Json<AccountState>"
           FROM account WHERE account_id = ANY ($1) ORDER BY account_id"#,
        account_ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| AccountView {
            row: AccountRow {
                account_id: r.account_id,
                name: r.name,
                domain: r.domain,
                owner_id: r.owner_id,
                version: r.version,
                created_at: r.created_at,
                changed_at: r.changed_at,
            },
            state: r.state.0,
        })
        .collect())
}

/// The people of an account, by id.
pub async fn list_contacts(
    conn: &mut PgConnection,
    account_id: &str,
) -> Result<Vec<ContactRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id, contact_id, doc AS "doc: Json<Contact>" FROM contact
           WHERE account_id = $1 ORDER BY contact_id"#,
        account_id
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ContactRow { account_id: row.account_id, contact_id: row.contact_id, doc: row.doc.0 })
        .collect())
}

/// An event in a timeline.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct EventRow {
    pub id: Uuid,
    pub received_at: DateTime,
    pub occurred_at: DateTime,
    pub source: String,
    pub event_id: String,
    pub r#type: String,
    pub data: Json<Box<RawValue>>,
    /// `datacontenttype`, `dataschema` and extensions, where the sender gave any.
    pub attributes: Option<Json<Box<RawValue>>>,
}

/// Events of an account, newest first; `before` is the id of the last one seen.
pub async fn list_events(
    pool: &PgPool,
    account_id: &str,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<EventRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, received_at, occurred_at, source, event_id, type, data, attributes FROM event \
         WHERE account_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
    )
    .bind(account_id)
    .bind(before)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// A note about an account.
#[derive(Debug, Clone)]
pub struct NoteRow {
    pub noted_at: DateTime,
    pub kind: String,
    pub text: String,
    pub source: String,
}

/// Notes about an account, newest first.
pub async fn list_notes(
    conn: &mut PgConnection,
    account_id: &str,
    limit: i64,
) -> Result<Vec<NoteRow>, sqlx::Error> {
    sqlx::query_as!(
        NoteRow,
        "SELECT noted_at, kind, text, source FROM note WHERE account_id = $1 ORDER BY noted_at DESC, id LIMIT $2",
        account_id,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether events wait to be applied, or unmatched ones for a look at what became known; what another transaction
/// is busy with counts as waiting.
pub async fn has_work(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM inbox) OR EXISTS (SELECT FROM match_news)
                  OR EXISTS (SELECT FROM unmatched_event WHERE looked_at = '-infinity') AS "waits!""#
    )
    .fetch_one(pool)
    .await
}

/// How much waits in a lane of the inbox.
#[derive(Debug, Clone)]
pub struct InboxLane {
    pub lane: i16,
    pub count: i64,
    /// When the event that waits longest was received.
    pub oldest: Option<DateTime>,
}

/// What waits and what was given up, for the metrics.
#[derive(Debug, Clone)]
pub struct InboxGauges {
    /// All three lanes.
    pub lanes: Vec<InboxLane>,
    pub dead: i64,
}

/// Measures the inbox; counting ends at `counted_max`.
pub async fn inbox_gauges(pool: &PgPool, counted_max: i64) -> Result<InboxGauges, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.lane AS "lane!", q.count AS "count!", q.oldest, d.dead AS "dead!"
           FROM (VALUES (0::int2), (1::int2), (2::int2)) AS l (lane)
           CROSS JOIN LATERAL (
             SELECT count(*) AS count, min(i.received_at) AS oldest FROM (
               SELECT received_at FROM inbox WHERE lane = l.lane ORDER BY seq LIMIT $1) AS i) AS q
           CROSS JOIN (SELECT count(*) AS dead FROM (SELECT FROM inbox_dead LIMIT $1) AS few) AS d"#,
        counted_max,
    )
    .fetch_all(pool)
    .await?;
    let dead = rows.first().map_or(0, |row| row.dead);
    let lanes = rows
        .into_iter()
        .map(|row| InboxLane { lane: row.lane, count: row.count, oldest: row.oldest })
        .collect();
    Ok(InboxGauges { lanes, dead })
}
