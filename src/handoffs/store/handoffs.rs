//! The rows of handoffs, their turns and their timeline.
//!
//! Promises: a row is [`Handoff`] as JSON, column by column, so nothing is mapped by hand; a change is written only over
//! the version that was read; all rows of one kind are one statement.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::handoffs::assign::Outcome;
use crate::handoffs::handoff::{Handoff, TurnEnd};
use crate::kernel::clock::DateTime;

/// Reads handoffs and locks them, in the order of their keys. The accounts are locked by the caller.
pub async fn lock_handoffs(
    conn: &mut PgConnection,
    keys: &[(String, Uuid)],
) -> Result<Vec<Handoff>, sqlx::Error> {
    let (accounts, ids): (Vec<String>, Vec<Uuid>) = keys.iter().cloned().unzip();
    let rows = sqlx::query_scalar!(
        r#"SELECT row_to_json(h) AS "handoff!: Json<Handoff>" FROM handoff h
           JOIN unnest($1::text[], $2::uuid[]) AS k (account_id, id)
             ON h.account_id = k.account_id AND h.id = k.id
           ORDER BY h.account_id, h.id FOR UPDATE OF h"#,
        &accounts,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// One handoff by its id, as it stands.
pub async fn find_handoff(pool: &PgPool, id: Uuid) -> Result<Option<Handoff>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row_to_json(h) AS "handoff!: Json<Handoff>" FROM handoff h WHERE id = $1"#,
        id
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| row.0))
}

/// The score that was given last at a handoff of an account, with its instant.
pub async fn latest_nps(
    conn: &mut PgConnection,
    account_id: &str,
) -> Result<Option<(u8, DateTime)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT nps AS "nps!", coalesce(closed_at, contacted_at, created_at) AS "at!" FROM handoff
           WHERE account_id = $1 AND nps IS NOT NULL ORDER BY 2 DESC, id DESC LIMIT 1"#,
        account_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| Some((u8::try_from(row.nps).ok()?, row.at))))
}

/// The account of a handoff.
pub async fn account_of(conn: &mut PgConnection, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT account_id FROM handoff WHERE id = $1", id).fetch_optional(conn).await
}

/// The accounts of handoffs, for those that there are.
pub async fn keys_of(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows =
        sqlx::query!("SELECT account_id, id FROM handoff WHERE id = ANY ($1)", ids).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.id)).collect())
}

/// The handoff that a cause made, or that is under way for the same account, kind and deal.
pub async fn existing(
    conn: &mut PgConnection,
    account_id: &str,
    cause: &str,
    handoff_type: &str,
    deal_id: Option<&str>,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM (
             SELECT id, 0 AS place FROM handoff WHERE account_id = $1 AND cause = $2
             UNION ALL
             SELECT id, 1 FROM handoff
             WHERE account_id = $1 AND type = $3 AND coalesce(deal_id, '') = coalesce($4, '') AND status IN
               ('held', 'pending', 'assigned', 'acknowledged', 'contacted', 'meeting_booked')) AS found
           ORDER BY place LIMIT 1"#,
        account_id,
        cause,
        handoff_type,
        deal_id,
    )
    .fetch_optional(conn)
    .await
}

/// Of some accounts, the handoffs that are held for want of information.
pub async fn held_of(
    conn: &mut PgConnection,
    account_ids: &[String],
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT account_id, id FROM handoff WHERE status = 'held' AND account_id = ANY ($1)",
        account_ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.id)).collect())
}

/// A place in the queue.
#[derive(Debug, Clone)]
pub struct Place {
    pub account_id: String,
    pub id: Uuid,
    pub waiting_since: DateTime,
}

/// What waits for somebody behind a place, longest first.
pub async fn queued(
    conn: &mut PgConnection,
    behind: Option<&Place>,
    limit: i64,
) -> Result<Vec<Place>, sqlx::Error> {
    sqlx::query_as!(
        Place,
        "SELECT account_id, id, waiting_since FROM handoff
         WHERE status = 'pending' AND (waiting_since, id) > (coalesce($1, '-infinity'::timestamptz), $2::uuid)
         ORDER BY waiting_since, id LIMIT $3",
        behind.map(|place| place.waiting_since),
        behind.map_or(Uuid::nil(), |place| place.id),
        limit
    )
    .fetch_all(conn)
    .await
}

/// Whether anything waits for somebody.
pub async fn somebody_waits(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // Through the order of the queue, which has an index of what waits alone.
    let first = sqlx::query_scalar!(
        "SELECT id FROM handoff WHERE status = 'pending' ORDER BY waiting_since, id LIMIT 1"
    );
    Ok(first.fetch_optional(conn).await?.is_some())
}

/// Whether what happens once to a handoff has happened.
pub async fn has_happened(
    pool: &PgPool,
    account_id: &str,
    handoff_id: Uuid,
    once: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM handoff_entry
                          WHERE account_id = $1 AND handoff_id = $2 AND once = $3) AS "there!""#,
        account_id,
        handoff_id,
        once,
    )
    .fetch_one(pool)
    .await
}

/// What a rep has open.
pub async fn open_of(conn: &mut PgConnection, owner_id: &str) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT account_id, id FROM handoff WHERE owner_id = $1
           AND status IN ('assigned', 'acknowledged', 'contacted', 'meeting_booked')",
        owner_id
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.id)).collect())
}

/// Handoffs whose clock counts the working time of these reps and teams.
pub async fn counting_hours(
    conn: &mut PgConnection,
    reps: &[&str],
    teams: &[&str],
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id, id FROM handoff
           WHERE status IN ('assigned', 'acknowledged') AND hours IS NOT NULL AND (owner_id = ANY ($1) OR to_team = ANY ($2))"#,
        reps as &[&str],
        teams as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.id)).collect())
}

/// Makes the rows of new handoffs.
pub async fn insert_handoffs(conn: &mut PgConnection, new: &[Handoff]) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO handoff SELECT * FROM json_populate_recordset(NULL::handoff, $1::json)",
        Json(new) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes where handoffs stand, each over the version that was read; gives how many were still at it. What was handed
/// over is not written again.
pub async fn update_handoffs(conn: &mut PgConnection, changed: &[Handoff]) -> Result<u64, sqlx::Error> {
    if changed.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query!(
        r#"UPDATE handoff h SET
             status = r.status, segment = r.segment, urgency = r.urgency, completeness = r.completeness,
             missing = r.missing, held_for = r.held_for, request = r.request, owner_id = r.owner_id,
             assignment = r.assignment, clock = r.clock, hours = r.hours, due_at = r.due_at,
             breached_at = r.breached_at, reassignments = r.reassignments, fell_back = r.fell_back,
             waiting_since = r.waiting_since, alarmed_at = r.alarmed_at, assigned_at = r.assigned_at, acknowledged_at = r.acknowledged_at,
             contacted_at = r.contacted_at, meeting_at = r.meeting_at, closed_at = r.closed_at,
             close_reason = r.close_reason, nps = r.nps, question = r.question, version = r.version + 1
           FROM json_populate_recordset(NULL::handoff, $1::json) AS r
           WHERE h.account_id = r.account_id AND h.id = r.id AND h.version = r.version"#,
        Json(changed) as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Gives a held handoff a newer package, before it was handed to anybody.
pub async fn replace_package(conn: &mut PgConnection, handoff: &Handoff) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE handoff SET package = $3::text::json, package_digest = $4::text::bytea
         WHERE account_id = $1 AND id = $2 AND status = 'held'",
        handoff.account_id,
        handoff.id,
        handoff.package.get(),
        handoff.package_digest,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A turn that begins.
#[derive(Debug, Clone, Serialize)]
pub struct NewTurn {
    pub account_id: String,
    pub handoff_id: Uuid,
    pub number: u16,
    pub owner_id: String,
    pub outcome: Outcome,
    pub assigned_at: DateTime,
    pub credited: bool,
}

/// A turn that ends.
#[derive(Debug, Clone)]
pub struct EndedTurn {
    pub account_id: String,
    pub handoff_id: Uuid,
    pub ended_at: DateTime,
    pub reason: TurnEnd,
}

/// Begins turns.
pub async fn insert_turns(conn: &mut PgConnection, turns: &[NewTurn]) -> Result<(), sqlx::Error> {
    if turns.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO handoff_turn SELECT * FROM json_populate_recordset(NULL::handoff_turn, $1::json)",
        Json(turns) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the turns that run; gives the answers of assignment of those that are to be credited back.
pub async fn end_turns(conn: &mut PgConnection, ended: &[EndedTurn]) -> Result<Vec<Outcome>, sqlx::Error> {
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let accounts: Vec<&str> = ended.iter().map(|turn| turn.account_id.as_str()).collect();
    let ids: Vec<Uuid> = ended.iter().map(|turn| turn.handoff_id).collect();
    let at: Vec<DateTime> = ended.iter().map(|turn| turn.ended_at).collect();
    let reasons: Vec<&str> = ended.iter().map(|turn| turn.reason.name()).collect();
    let credits: Vec<bool> = ended.iter().map(|turn| turn.reason.credits_back()).collect();
    let rows = sqlx::query!(
        r#"UPDATE handoff_turn t SET ended_at = e.at, end_reason = e.reason, credited = e.credited
           FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::bool[])
             AS e (account_id, handoff_id, at, reason, credited)
           WHERE t.account_id = e.account_id AND t.handoff_id = e.handoff_id AND t.ended_at IS NULL
           RETURNING t.outcome AS "outcome!: Json<Outcome>", t.credited"#,
        &accounts as &[&str],
        &ids,
        &at,
        &reasons as &[&str],
        &credits,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter(|row| row.credited).map(|row| row.outcome.0).collect())
}

/// A line of the timeline.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub struct TimelineRow {
    pub account_id: String,
    pub handoff_id: Uuid,
    pub id: Uuid,
    pub at: DateTime,
    pub kind: String,
    pub actor: String,
    pub doc: Json<Box<RawValue>>,
    pub once: Option<String>,
}

/// Adds to timelines. What happens once and is there already is a fault of the caller: the transaction fails.
pub async fn insert_entries(conn: &mut PgConnection, entries: &[TimelineRow]) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO handoff_entry SELECT * FROM json_populate_recordset(NULL::handoff_entry, $1::json)",
        Json(entries) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Everything that happened to a handoff, oldest first.
pub async fn timeline(
    pool: &PgPool,
    account_id: &str,
    handoff_id: Uuid,
) -> Result<Vec<TimelineRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT account_id, handoff_id, id, at, kind, actor, doc, once FROM handoff_entry
         WHERE account_id = $1 AND handoff_id = $2 ORDER BY at, id",
    )
    .bind(account_id)
    .bind(handoff_id)
    .fetch_all(pool)
    .await
}

/// What happened to handoffs of an account, or was shown to a partner with one.
#[derive(Debug, Clone)]
pub struct AccountLineRow {
    pub id: Uuid,
    pub at: DateTime,
    pub kind: String,
    pub title: String,
    pub detail: Json<serde_json::Value>,
}

/// What happened to the handoffs of an account, newest first; `before` is the id of the last one seen.
pub async fn account_timeline(
    pool: &PgPool,
    account_id: &str,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<AccountLineRow>, sqlx::Error> {
    sqlx::query_as!(
        AccountLineRow,
        r#"SELECT id AS "id!", at AS "at!", kind AS "kind!", title AS "title!",
                  detail AS "detail!: Json<serde_json::Value>" FROM (
             (SELECT e.id, e.at, 'handoff' AS kind, h.type || ': ' || replace(e.kind, '_', ' ') AS title,
                     json_build_object('handoffId', e.handoff_id, 'handoffType', h.type, 'what', e.kind,
                       'actor', e.actor, 'detail', e.doc) AS detail
              FROM handoff_entry e JOIN handoff h ON h.account_id = e.account_id AND h.id = e.handoff_id
              WHERE e.account_id = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT $3)
             UNION ALL
             (SELECT id, shared_at, 'share', partner_id || ': ' || coalesce(contact_id, 'the company'),
                     json_build_object('handoffId', handoff_id, 'partnerId', partner_id, 'contactId', contact_id,
                       'purpose', purpose, 'fields', fields)
              FROM share_receipt WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3)) AS line
           ORDER BY id DESC LIMIT $3"#,
        account_id,
        before.unwrap_or(Uuid::max()),
        limit,
    )
    .fetch_all(pool)
    .await
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct HandoffFilter {
    pub status: Option<&'static str>,
    pub handoff_type: Option<String>,
    pub owner_id: Option<String>,
    pub account_id: Option<String>,
    /// Past its deadline at this instant, without contact; or before it.
    pub overdue: Option<(bool, DateTime)>,
    /// Only handoffs before this one, newest first.
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Handoffs, newest first.
pub async fn list_handoffs(pool: &PgPool, filter: &HandoffFilter) -> Result<Vec<Handoff>, sqlx::Error> {
    let mut query = listing("", filter);
    let rows: Vec<Json<Handoff>> = query.build_query_scalar().fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The statement of [`list_handoffs`], behind a prefix such as `EXPLAIN`. Each filter has an index in the order of the
/// list. Only deadlines have another order: where nothing else narrows the list, what is overdue is found by its
/// deadlines first and sorted then, because the way through the newest would pass by everything that is not.
pub(super) fn listing(prefix: &str, filter: &HandoffFilter) -> QueryBuilder<Postgres> {
    let narrowed = filter.status.is_some()
        || [&filter.handoff_type, &filter.owner_id, &filter.account_id].into_iter().any(Option::is_some);
    let mut query = QueryBuilder::<Postgres>::new(prefix);
    query.push("SELECT row_to_json(h) FROM ");
    match filter.overdue {
        Some((true, now)) if !narrowed => {
            query.push("(SELECT * FROM handoff WHERE status IN ('assigned', 'acknowledged') AND due_at <= ");
            // Keeps the planner from mixing both.
            query.push_bind(now).push(" OFFSET 0) h WHERE true");
        }
        _ => {
            query.push("handoff h WHERE true");
        }
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status);
    }
    if let Some(handoff_type) = &filter.handoff_type {
        query.push(" AND type = ").push_bind(handoff_type.clone());
    }
    if let Some(owner_id) = &filter.owner_id {
        query.push(" AND owner_id = ").push_bind(owner_id.clone());
    }
    if let Some(account_id) = &filter.account_id {
        query.push(" AND account_id = ").push_bind(account_id.clone());
    }
    if let Some((overdue, now)) = filter.overdue.filter(|(overdue, _)| narrowed || !overdue) {
        query.push(if overdue { " AND (" } else { " AND NOT coalesce(" });
        query.push("status IN ('assigned', 'acknowledged') AND due_at <= ").push_bind(now);
        query.push(if overdue { ")" } else { ", false)" });
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    query
}

/// A receipt of what a partner was shown.
#[derive(Debug, Clone, Serialize)]
pub struct NewReceipt {
    pub account_id: String,
    pub id: Uuid,
    pub handoff_id: Uuid,
    pub partner_id: String,
    pub contact_id: Option<String>,
    pub purpose: String,
    pub fields: Vec<String>,
    pub consent: serde_json::Value,
    pub shared_at: DateTime,
}

/// Keeps receipts.
pub async fn insert_receipts(conn: &mut PgConnection, receipts: &[NewReceipt]) -> Result<(), sqlx::Error> {
    if receipts.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO share_receipt SELECT * FROM json_populate_recordset(NULL::share_receipt, $1::json)",
        Json(receipts) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
