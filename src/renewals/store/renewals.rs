//! The rows of renewals.
//!
//! Promises: a row is [`Renewal`] as JSON, column by column, so nothing is mapped by hand.

use chrono::NaiveDate;
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::renewals::renewal::Renewal;

/// Reads a renewal and locks it. The account is locked by the caller.
pub async fn lock(
    conn: &mut PgConnection,
    account_id: &str,
    id: Uuid,
) -> Result<Option<Renewal>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row_to_json(r) AS "renewal!: Json<Renewal>" FROM renewal r
           WHERE account_id = $1 AND id = $2 FOR UPDATE"#,
        account_id,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

/// One renewal by its id, as it stands.
pub async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Option<Renewal>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row_to_json(r) AS "renewal!: Json<Renewal>" FROM renewal r WHERE id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

/// The account of a renewal.
pub async fn account_of(conn: &mut PgConnection, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT account_id FROM renewal WHERE id = $1", id).fetch_optional(conn).await
}

/// The open renewal of an account at a date.
pub async fn open_at(
    conn: &mut PgConnection,
    account_id: &str,
    deadline: NaiveDate,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM renewal WHERE account_id = $1 AND deadline = $2 AND status <> 'closed'",
        account_id,
        deadline,
    )
    .fetch_optional(conn)
    .await
}

fn as_json(renewal: &Renewal) -> Result<Json<Box<RawValue>>, sqlx::Error> {
    serde_json::value::to_raw_value(renewal).map(Json).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

pub async fn insert(conn: &mut PgConnection, renewal: &Renewal) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO renewal SELECT * FROM jsonb_populate_record(NULL::renewal, $1)",
        as_json(renewal)? as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a renewal that the caller has locked.
pub async fn update(conn: &mut PgConnection, renewal: &Renewal) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE renewal r SET
             status = n.status, terms = n.terms, play = n.play, tier = n.tier, risk = n.risk, deadline = n.deadline,
             risk_since = n.risk_since, risk_pinned = n.risk_pinned, rating = n.rating, facts = n.facts,
             would_be = n.would_be, rated_at = n.rated_at, versioned_at = n.versioned_at, started_at = n.started_at, closed_at = n.closed_at,
             outcome = n.outcome, close_note = n.close_note
           FROM jsonb_populate_record(NULL::renewal, $1) n
           WHERE r.account_id = n.account_id AND r.id = n.id"#,
        as_json(renewal)? as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct RenewalFilter {
    pub status: Option<&'static str>,
    pub risk: Option<&'static str>,
    pub account_id: Option<String>,
    /// Only what is due by a date.
    pub due_by: Option<NaiveDate>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Renewals, newest first.
pub async fn list(pool: &PgPool, filter: &RenewalFilter) -> Result<Vec<Renewal>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT row_to_json(r) FROM renewal r WHERE true");
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status);
    }
    if let Some(risk) = filter.risk {
        query.push(" AND risk = ").push_bind(risk);
    }
    if let Some(account_id) = &filter.account_id {
        query.push(" AND account_id = ").push_bind(account_id);
    }
    if let Some(due_by) = filter.due_by {
        query.push(" AND deadline <= ").push_bind(due_by);
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    let rows: Vec<Json<Renewal>> = query.build_query_scalar().fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
