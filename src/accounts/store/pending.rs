//! Events that wait to be applied, and the accounts they are applied to.

use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::accounts::events::Event;
use crate::accounts::model::AccountState;
use crate::kernel::clock::DateTime;

/// Accounts with pending events, those in the hottest lane and waiting longest first.
pub async fn pending_accounts(conn: &mut PgConnection, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT account_id FROM (
             SELECT DISTINCT ON (account_id) account_id, lane, seq
             FROM (SELECT account_id, lane, seq FROM inbox ORDER BY lane, seq LIMIT 4 * $1::bigint) AS oldest
             ORDER BY account_id, lane, seq) AS first
           ORDER BY lane, seq LIMIT $1::bigint"#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether the account has events that were accepted but not yet applied.
pub async fn has_pending(conn: &mut PgConnection, account_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM inbox WHERE account_id = $1) AS "pending!""#,
        account_id
    )
    .fetch_one(conn)
    .await
}

/// Makes sure that each account has its row, of which nothing is known yet. Ids sorted by the caller.
pub async fn ensure_accounts(
    conn: &mut PgConnection,
    account_ids: &[String],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"INSERT INTO account (account_id, state, created_at, changed_at)
           SELECT a, '{}', $2, $2 FROM unnest($1::text[]) AS a
           WHERE NOT EXISTS (SELECT FROM account WHERE account_id = a)
           ORDER BY a ON CONFLICT DO NOTHING"#,
        account_ids,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account's row, locked by whoever read it.
pub struct Locked {
    pub account_id: String,
    pub state: AccountState,
    pub version: i64,
}

/// Locks the accounts that nobody else is working on, and reads their state.
pub async fn lock_idle_accounts(
    conn: &mut PgConnection,
    account_ids: &[String],
) -> Result<Vec<Locked>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id, state AS "state: Json<AccountState>", version FROM account
           WHERE account_id = ANY ($1) ORDER BY account_id FOR NO KEY UPDATE SKIP LOCKED"#,
        account_ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Locked { account_id: row.account_id, state: row.state.0, version: row.version })
        .collect())
}

/// Waits for one account's lock and reads its state, and whether it has events that were accepted but not yet
/// applied. Everything accepted before this call began is seen; nothing and false when nobody ever heard of it.
pub async fn lock_account(
    conn: &mut PgConnection,
    account_id: &str,
) -> Result<(Option<Locked>, bool), sqlx::Error> {
    if let Some((locked, pending)) = lock_existing(conn, account_id).await? {
        return Ok((Some(locked), pending));
    }
    if has_pending(conn, account_id).await? {
        return Ok((None, true));
    }
    // No row, and afterwards nothing pending: another transaction may have made the row and applied its first
    // events between the two looks. Then the row is there by now.
    Ok(lock_existing(conn, account_id)
        .await?
        .map_or((None, false), |(locked, pending)| (Some(locked), pending)))
}

async fn lock_existing(
    conn: &mut PgConnection,
    account_id: &str,
) -> Result<Option<(Locked, bool)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT account_id, state AS "state: Json<AccountState>", version,
                  EXISTS (SELECT FROM inbox WHERE account_id = $1) AS "pending!"
           FROM account WHERE account_id = $1 FOR NO KEY UPDATE"#,
        account_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        (Locked { account_id: row.account_id, state: row.state.0, version: row.version }, row.pending)
    }))
}

/// An event as it lies in the store.
pub struct StoredEvent {
    /// The lane it came in by; 1 (normal) when it was read without its inbox row.
    pub lane: i16,
    pub account_id: String,
    pub received_at: DateTime,
    pub id: Uuid,
    pub source: String,
    pub event_id: String,
    pub type_name: String,
    pub occurred_at: DateTime,
    pub data: Box<RawValue>,
}

impl StoredEvent {
    /// The event again, typed; the reason when this version does not accept it any more.
    pub fn parse(&self) -> Result<Event, String> {
        Event::parse_stored(
            &self.source,
            &self.event_id,
            &self.type_name,
            &self.account_id,
            self.occurred_at,
            self.received_at,
            self.data.get(),
        )
        .map_err(|rejected| rejected.detail())
    }
}

/// Takes the pending events of locked accounts out of the inbox, in the order of their arrival; and says whether anybody
/// was ever erased, so that the events have to be looked through.
pub async fn take_pending(
    conn: &mut PgConnection,
    account_ids: &[String],
) -> Result<(Vec<StoredEvent>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH taken AS (
             DELETE FROM inbox WHERE account_id = ANY ($1) RETURNING account_id, received_at, id, lane, seq)
           SELECT t.lane, e.account_id, e.received_at, e.id, e.source, e.event_id, e.type AS type_name, e.occurred_at,
                  e.data AS "data!: Json<Box<RawValue>>", EXISTS (SELECT FROM suppression) AS "guarded!"
           -- OFFSET 0: event by event through the key. A planner that expects a good part of the partition to be
           -- pending would otherwise sort all of it.
           FROM taken t CROSS JOIN LATERAL (
             SELECT * FROM event e
             WHERE e.account_id = t.account_id AND e.received_at = t.received_at AND e.id = t.id OFFSET 0) AS e
           ORDER BY t.seq"#,
        account_ids
    )
    .fetch_all(conn)
    .await?;
    let guarded = rows.first().is_some_and(|row| row.guarded);
    let events = rows
        .into_iter()
        .map(|row| StoredEvent {
            lane: row.lane,
            account_id: row.account_id,
            received_at: row.received_at,
            id: row.id,
            source: row.source,
            event_id: row.event_id,
            type_name: row.type_name,
            occurred_at: row.occurred_at,
            data: row.data.0,
        })
        .collect();
    Ok((events, guarded))
}

/// An event that is not in the inbox any more.
pub(super) struct KeptEvent {
    pub(super) account_id: String,
    pub(super) received_at: DateTime,
    pub(super) id: Uuid,
    pub(super) source: String,
    pub(super) event_id: String,
    pub(super) type_name: String,
    pub(super) occurred_at: DateTime,
    pub(super) data: Json<Box<RawValue>>,
}

impl From<KeptEvent> for StoredEvent {
    fn from(row: KeptEvent) -> Self {
        Self {
            lane: 1,
            account_id: row.account_id,
            received_at: row.received_at,
            id: row.id,
            source: row.source,
            event_id: row.event_id,
            type_name: row.type_name,
            occurred_at: row.occurred_at,
            data: row.data.0,
        }
    }
}

/// All usage events of one account and day that are applied or being applied: those still waiting are left
/// out, because they will be counted when their turn comes.
pub async fn usage_events_of_day(
    conn: &mut PgConnection,
    account_id: &str,
    date: &str,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let rows = sqlx::query_as!(
        KeptEvent,
        r#"SELECT e.account_id, e.received_at, e.id, e.source, e.event_id, e.type AS type_name, e.occurred_at,
                  e.data AS "data!: Json<Box<RawValue>>"
           FROM event e
           WHERE e.account_id = $1 AND e.type = 'gtm.usage.recorded' AND e.data ->> 'date' = $2
             AND NOT EXISTS (SELECT FROM inbox i WHERE i.account_id = e.account_id AND i.id = e.id)
             AND NOT EXISTS (SELECT FROM inbox_dead d WHERE d.account_id = e.account_id AND d.id = e.id)"#,
        account_id,
        date,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(StoredEvent::from).collect())
}

/// The activities among the newest events of an account, so that an account with many events of other kinds costs no
/// more than one with few.
pub async fn recent_activities(
    conn: &mut PgConnection,
    account_id: &str,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let rows = sqlx::query_as!(
        KeptEvent,
        r#"SELECT e.account_id AS "account_id!", e.received_at AS "received_at!", e.id AS "id!", e.source AS "source!",
                  e.event_id AS "event_id!", e.type AS "type_name!", e.occurred_at AS "occurred_at!",
                  e.data AS "data!: Json<Box<RawValue>>"
           FROM (SELECT * FROM event WHERE account_id = $1 ORDER BY received_at DESC, id DESC LIMIT 1000) AS e
           WHERE e.type = 'gtm.activity.logged'"#,
        account_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(StoredEvent::from).collect())
}
