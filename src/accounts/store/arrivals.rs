//! Arrivals: events that were made durable in groups and are not yet sorted to their accounts.
//!
//! Promises: an event is in an arrival or in `event`, at every moment in one of them. Nobody waits in a circle: use cases lock
//! their account first and arrivals then, in the order of these; the background work waits neither for arrivals nor, once it
//! holds some, for accounts.

use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::StoredEvent;
use crate::kernel::clock::DateTime;

/// What waits in the background's view.
#[derive(Debug)]
pub struct Waiting {
    /// There are arrivals.
    pub arrivals: bool,
    /// Accounts with events in the inbox, those in the hottest lane and waiting longest first.
    pub accounts: Vec<String>,
}

/// What there is to apply; of accounts with events in the inbox at most so many.
pub async fn waiting(conn: &mut PgConnection, accounts_max: i64) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"SELECT EXISTS (SELECT FROM arrival) AS "arrivals!",
                  ARRAY (
                    SELECT account_id FROM (
                      SELECT DISTINCT ON (account_id) account_id, lane, seq
                      FROM (SELECT account_id, lane, seq FROM inbox ORDER BY lane, seq LIMIT 4 * $1::bigint) AS oldest
                      ORDER BY account_id, lane, seq) AS first
                    ORDER BY lane, seq LIMIT $1::bigint) AS "accounts!""#,
        accounts_max,
    )
    .fetch_one(conn)
    .await
}

/// Takes the oldest arrivals that nobody holds, hot ones first, until `limit` events are reached, and sorts their events;
/// gives these in the order of their arrival, and says whether anybody was ever erased, so that they have to be looked
/// through. They count as being applied: none of them is put into the inbox.
pub async fn take_arrivals(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<(Vec<StoredEvent>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH next AS MATERIALIZED (
             SELECT a.lane, a.seq
             FROM (SELECT lane, seq, sum(events) OVER (ORDER BY lane, seq) - events AS before
                   -- As many as there can be of a single event each.
                   FROM (SELECT lane, seq, events FROM arrival ORDER BY lane, seq LIMIT $1) AS few) AS n
             JOIN arrival a USING (lane, seq)
             WHERE n.before < $1 ORDER BY a.lane, a.seq FOR UPDATE OF a SKIP LOCKED),
           taken AS (DELETE FROM arrival a USING next n WHERE a.lane = n.lane AND a.seq = n.seq RETURNING a.*),
           sorted AS MATERIALIZED (
             SELECT t.lane, t.seq, t.received_at, u.*
             FROM taken t CROSS JOIN LATERAL unnest(t.account_ids, t.ids, t.sources, t.event_ids, t.types, t.occurred_at,
                                                    t.data, t.attributes) WITH ORDINALITY
               AS u (account_id, id, source, event_id, type, occurred_at, data, attributes, n)),
           stored AS (
             INSERT INTO event (account_id, received_at, id, source, event_id, type, occurred_at, data, attributes)
             SELECT account_id, received_at, id, source, event_id, type, occurred_at, data, attributes FROM sorted
             -- Those of one account side by side.
             ORDER BY account_id)
           SELECT lane AS "lane!", account_id AS "account_id!", received_at AS "received_at!", id AS "id!",
                  source AS "source!", event_id AS "event_id!", type AS "type_name!", occurred_at AS "occurred_at!",
                  data AS "data!: Json<Box<RawValue>>", EXISTS (SELECT FROM suppression) AS "guarded!"
           FROM sorted ORDER BY lane, seq, n"#,
        limit,
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

/// Sorts the arrivals that hold events of some accounts, and puts all their events into the inbox; waits for whoever is
/// about to sort one of them. What was accepted before this call is then in the inbox or applied.
pub async fn sort_arrivals(conn: &mut PgConnection, account_ids: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"WITH next AS MATERIALIZED (
             -- In one order, so that two who wait for arrivals never wait in a circle.
             SELECT lane, seq FROM arrival WHERE account_ids && $1::text[] ORDER BY lane, seq FOR UPDATE),
           taken AS (DELETE FROM arrival a USING next n WHERE a.lane = n.lane AND a.seq = n.seq RETURNING a.*),
           sorted AS MATERIALIZED (
             SELECT t.lane, t.seq, t.received_at, u.*
             FROM taken t CROSS JOIN LATERAL unnest(t.account_ids, t.ids, t.sources, t.event_ids, t.types, t.occurred_at,
                                                    t.data, t.attributes) WITH ORDINALITY
               AS u (account_id, id, source, event_id, type, occurred_at, data, attributes, n)),
           stored AS (
             INSERT INTO event (account_id, received_at, id, source, event_id, type, occurred_at, data, attributes)
             SELECT account_id, received_at, id, source, event_id, type, occurred_at, data, attributes FROM sorted)
           INSERT INTO inbox (lane, account_id, received_at, id)
           SELECT lane, account_id, received_at, id FROM sorted ORDER BY lane, seq, n"#,
        account_ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts sorted events into the inbox, in their order: for accounts that somebody is busy with.
pub async fn queue_events(conn: &mut PgConnection, events: &[StoredEvent]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let lanes: Vec<i16> = events.iter().map(|event| event.lane).collect();
    let accounts: Vec<&str> = events.iter().map(|event| event.account_id.as_str()).collect();
    let received: Vec<DateTime> = events.iter().map(|event| event.received_at).collect();
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    sqlx::query!(
        r#"INSERT INTO inbox (lane, account_id, received_at, id)
           SELECT lane, account_id, received_at, id
           FROM unnest($1::int2[], $2::text[], $3::timestamptz[], $4::uuid[]) WITH ORDINALITY
             AS q (lane, account_id, received_at, id, n)
           ORDER BY n"#,
        &lanes,
        &accounts as &[&str],
        &received,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}
