//! Moving matched events from one account to another, and what it takes to rebuild the account they leave.

use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::pending::KeptEvent;
use super::{Locked, StoredEvent};
use crate::accounts::model::AccountState;
use crate::kernel::clock::DateTime;

/// An event on its way from one account to another, or back to the unmatched ones.
#[derive(Debug, Clone)]
pub struct Move {
    pub from: String,
    pub received_at: DateTime,
    pub id: Uuid,
    /// None: the account is not clear any more.
    pub to: Option<String>,
}

/// Accounts that hold events matched by a key, by id.
pub async fn accounts_matched_by(conn: &mut PgConnection, key: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT DISTINCT account_id FROM matched_event WHERE key = $1 ORDER BY account_id",
        key
    )
    .fetch_all(conn)
    .await
}

/// Waits for the locks of several accounts, in the order of their ids, and reads their state. Pending events are
/// left where they are.
pub async fn lock_accounts(
    conn: &mut PgConnection,
    account_ids: &[String],
) -> Result<Vec<Locked>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id, state AS "state: Json<AccountState>", version FROM account
           WHERE account_id = ANY ($1) ORDER BY account_id FOR NO KEY UPDATE"#,
        account_ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Locked { account_id: row.account_id, state: row.state.0, version: row.version })
        .collect())
}

/// The kept events that were matched by a key.
pub async fn events_matched_by(conn: &mut PgConnection, key: &str) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let rows = sqlx::query_as!(
        KeptEvent,
        r#"SELECT e.account_id, e.received_at, e.id, e.source, e.event_id, e.type AS type_name, e.occurred_at,
                  e.data AS "data!: Json<Box<RawValue>>"
           FROM matched_event m JOIN event e USING (account_id, received_at, id)
           WHERE m.key = $1 ORDER BY e.account_id, e.id"#,
        key
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(StoredEvent::from).collect())
}

/// The applied events of one account in the order of their arrival, so many after `after`.
pub async fn applied_events(
    conn: &mut PgConnection,
    account_id: &str,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let rows = sqlx::query_as!(
        KeptEvent,
        r#"SELECT e.account_id, e.received_at, e.id, e.source, e.event_id, e.type AS type_name, e.occurred_at,
                  e.data AS "data!: Json<Box<RawValue>>"
           FROM event e
           WHERE e.account_id = $1 AND ($2::uuid IS NULL OR e.id > $2)
             AND NOT EXISTS (SELECT FROM inbox i WHERE i.account_id = e.account_id AND i.id = e.id)
             AND NOT EXISTS (SELECT FROM inbox_dead d WHERE d.account_id = e.account_id AND d.id = e.id)
           ORDER BY e.id LIMIT $3"#,
        account_id,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(StoredEvent::from).collect())
}

/// Takes events from the accounts that hold them, with their notes, and puts them into the queues of others or
/// back among the unmatched. One statement, so an event is in one place at every moment.
pub async fn move_events(conn: &mut PgConnection, moves: &[Move], now: DateTime) -> Result<(), sqlx::Error> {
    let from: Vec<&str> = moves.iter().map(|m| m.from.as_str()).collect();
    let received: Vec<DateTime> = moves.iter().map(|m| m.received_at).collect();
    let ids: Vec<Uuid> = moves.iter().map(|m| m.id).collect();
    let to: Vec<Option<&str>> = moves.iter().map(|m| m.to.as_deref()).collect();
    sqlx::query!(
        r#"WITH m AS MATERIALIZED (
             SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::text[])
               AS m (account_id, received_at, id, goes_to)),
           waiting AS (DELETE FROM inbox i USING m WHERE i.account_id = m.account_id AND i.id = m.id),
           dead AS (DELETE FROM inbox_dead d USING m WHERE d.account_id = m.account_id AND d.id = m.id),
           noted AS (DELETE FROM note n USING m WHERE n.account_id = m.account_id AND n.id = m.id),
           gone AS (
             DELETE FROM event e USING m
             WHERE e.account_id = m.account_id AND e.received_at = m.received_at AND e.id = m.id
             RETURNING e.*, m.goes_to),
           keyed AS (
             DELETE FROM matched_event k USING m WHERE k.account_id = m.account_id AND k.id = m.id
             RETURNING k.*, m.goes_to),
           stored AS (
             INSERT INTO event (account_id, received_at, id, source, event_id, type, occurred_at, data, attributes)
             SELECT goes_to, received_at, id, source, event_id, type, occurred_at, data, attributes
             FROM gone WHERE goes_to IS NOT NULL),
           queued AS (
             INSERT INTO inbox (lane, account_id, received_at, id)
             SELECT 1, goes_to, received_at, id FROM gone WHERE goes_to IS NOT NULL ORDER BY id),
           traced AS (
             INSERT INTO matched_event (account_id, received_at, id, key)
             SELECT goes_to, received_at, id, key FROM keyed WHERE goes_to IS NOT NULL),
           reopened AS (
             INSERT INTO unmatched_event (id, received_at, lane, source, event_id, type, occurred_at, data, attributes,
                                          looked_at)
             SELECT id, received_at, 1, source, event_id, type, occurred_at, data, attributes, $5
             FROM gone WHERE goes_to IS NULL)
           INSERT INTO unmatched_key (id, key)
           SELECT k.id, k.key FROM keyed k JOIN gone USING (id) WHERE k.goes_to IS NULL"#,
        &from as &[&str],
        &received,
        &ids,
        &to as &[Option<&str>],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the people of an account and what it is known by, before both are written anew.
pub async fn forget_people_and_keys(conn: &mut PgConnection, account_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"WITH people AS (DELETE FROM contact WHERE account_id = $1)
           DELETE FROM account_identity WHERE account_id = $1"#,
        account_id
    )
    .execute(conn)
    .await?;
    Ok(())
}
