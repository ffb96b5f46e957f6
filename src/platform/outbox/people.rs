//! What deliveries hold about people: read, rewritten, and the commands that ask recipients to do the same.
//!
//! Promises: a rewritten delivery keeps its id, and goes out as it then is; a command names those it is about for as long
//! as it waits, and no longer. A recipient is asked in a lane of its own, at its own endpoint.

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// Asks a recipient to erase people; the recipient's destination stands behind it.
pub const ERASURE: &str = "privacy/erasure";
/// Asks a recipient to stop using what it was shown; the recipient's destination stands behind it.
pub const RECALL: &str = "privacy/recall";

/// The lane of a command to a recipient.
pub fn lane(command: &str, recipient: &str) -> String {
    format!("{command}:{recipient}")
}

/// The recipient whom a command of this lane asks; the destination itself where it is no such lane.
pub fn recipient(destination: &str) -> &str {
    [ERASURE, RECALL]
        .iter()
        .find_map(|command| destination.strip_prefix(command)?.strip_prefix(':'))
        .unwrap_or(destination)
}

/// A delivery with all that can hold somebody.
#[derive(Debug)]
pub struct HeldDelivery {
    pub id: Uuid,
    pub destination: String,
    pub status: String,
    /// Tried at least once, the recipient may have it whatever came of it.
    pub attempts: i32,
    pub payload: Json<Box<RawValue>>,
    pub last_error: Option<String>,
    pub created_at: DateTime,
    pub delivered_at: Option<DateTime>,
    pub provider: Option<String>,
}

/// What is left of a delivery.
#[derive(Debug)]
pub struct LeftDelivery {
    pub id: Uuid,
    /// JSON text.
    pub payload: String,
    pub last_error: Option<String>,
}

/// Deliveries of an account in the order of their ids, so many after one; without commands about people.
pub async fn held(
    conn: &mut PgConnection,
    account_id: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<HeldDelivery>, sqlx::Error> {
    sqlx::query_as!(
        HeldDelivery,
        r#"SELECT id, destination, status, attempts, payload AS "payload: Json<Box<RawValue>>", last_error,
                  created_at, delivered_at, provider
           FROM delivery WHERE account_id = $1 AND id > $2 AND privacy_id IS NULL ORDER BY id LIMIT $3"#,
        account_id,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of deliveries.
pub async fn rewrite(
    conn: &mut PgConnection,
    account_id: &str,
    left: &[LeftDelivery],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = left.iter().map(|delivery| delivery.id).collect();
    let payloads: Vec<&str> = left.iter().map(|delivery| delivery.payload.as_str()).collect();
    let errors: Vec<Option<&str>> = left.iter().map(|delivery| delivery.last_error.as_deref()).collect();
    sqlx::query!(
        r#"UPDATE delivery d SET payload = l.payload::json, last_error = l.last_error
           FROM unnest($2::uuid[], $3::text[], $4::text[]) AS l (id, payload, last_error)
           WHERE d.account_id = $1 AND d.id = l.id"#,
        account_id,
        &ids,
        &payloads as &[&str],
        &errors as &[Option<&str>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Destinations that got something of handoffs of an account, or may have.
pub async fn recipients_of(
    conn: &mut PgConnection,
    account_id: &str,
    handoff_ids: &[Uuid],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT DISTINCT destination FROM delivery
         WHERE account_id = $1 AND handoff_id = ANY ($2) AND attempts > 0 ORDER BY destination",
        account_id,
        handoff_ids,
    )
    .fetch_all(conn)
    .await
}

/// A command about people to one recipient.
#[derive(Debug)]
pub struct Command {
    pub id: Uuid,
    /// From [`lane`].
    pub destination: String,
    /// JSON text. Whom it is about stands in `data.contactIds` and `data.emails`, which are forgotten once it is delivered.
    pub payload: String,
}

/// Puts commands into the outbox, each destination once for what caused them. Joins the caller's transaction.
pub async fn command(
    conn: &mut PgConnection,
    account_id: &str,
    cause: Uuid,
    commands: &[Command],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if commands.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = commands.iter().map(|command| command.id).collect();
    let destinations: Vec<&str> = commands.iter().map(|command| command.destination.as_str()).collect();
    let payloads: Vec<&str> = commands.iter().map(|command| command.payload.as_str()).collect();
    sqlx::query!(
        r#"INSERT INTO delivery (account_id, id, destination, privacy_id, payload, status, due_at, created_at)
           SELECT $1, id, destination, $2, payload::json, 'pending', $6, $6
           FROM unnest($3::uuid[], $4::text[], $5::text[]) AS c (id, destination, payload)
           ON CONFLICT ON CONSTRAINT delivery_once_privacy DO NOTHING"#,
        account_id,
        cause,
        &ids,
        &destinations as &[&str],
        &payloads as &[&str],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Commands that no system takes by itself: somebody has to see to them.
#[derive(Debug, Clone)]
pub struct ForPeople {
    pub destination: String,
    pub count: i64,
    /// When the oldest of them was made.
    pub since: DateTime,
}

/// Commands that wait for somebody, by destination.
pub async fn for_people(pool: &PgPool) -> Result<Vec<ForPeople>, sqlx::Error> {
    sqlx::query_as!(
        ForPeople,
        r#"SELECT destination, count(*) AS "count!", min(created_at) AS "since!" FROM delivery
           WHERE status = 'recorded' AND privacy_id IS NOT NULL GROUP BY destination ORDER BY destination"#,
    )
    .fetch_all(pool)
    .await
}

/// Notes that somebody has seen to a command: whom it was about is forgotten. Gives its account; none when it waits for
/// nobody.
pub async fn settle(conn: &mut PgConnection, id: Uuid, now: DateTime) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE delivery SET status = 'delivered', delivered_at = $2, provider = 'person', last_error = NULL,
                payload = (payload::jsonb #- '{data,contactIds}' #- '{data,emails}')::json
         WHERE id = $1 AND privacy_id IS NOT NULL AND status IN ('recorded', 'dead') RETURNING account_id",
        id,
        now,
    )
    .fetch_optional(conn)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lane_of_a_command_leads_to_its_recipient() {
        assert_eq!(recipient(&lane(ERASURE, "crm/log_activity")), "crm/log_activity");
        assert_eq!(recipient(&lane(RECALL, "email/briefing")), "email/briefing");
        assert_eq!(recipient("privacy/erasures"), "privacy/erasures");
        assert_eq!(recipient("crm/log_activity"), "crm/log_activity");
    }
}
