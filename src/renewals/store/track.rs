//! How renewals go: checkpoints, days set for milestones, what the rules have fired.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::plans::model::TaskId;
use crate::renewals::model::Risk;
use crate::renewals::tracker::{Appointment, Firing, Held, Milestone};

/// How the checkpoints of a renewal went, by number.
pub async fn checkpoints(
    conn: &mut PgConnection,
    account_id: &str,
    renewal_id: Uuid,
) -> Result<Vec<(u32, Held)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT number, rating, note, held_at, held_by FROM renewal_checkpoint
         WHERE account_id = $1 AND renewal_id = $2 ORDER BY number",
        account_id,
        renewal_id,
    )
    .fetch_all(conn)
    .await?;
    let held = rows.into_iter().filter_map(|row| {
        let held =
            Held { at: row.held_at, rating: Risk::from_name(&row.rating)?, note: row.note, by: row.held_by };
        Some((u32::try_from(row.number).ok()?, held))
    });
    Ok(held.collect())
}

/// Notes how a checkpoint went.
pub async fn add_checkpoint(
    conn: &mut PgConnection,
    account_id: &str,
    renewal_id: Uuid,
    number: u32,
    held: &Held,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO renewal_checkpoint (account_id, renewal_id, number, rating, note, held_at, held_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        account_id,
        renewal_id,
        i32::try_from(number).unwrap_or(i32::MAX),
        held.rating.name(),
        held.note,
        held.at,
        held.by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A day that is set for a milestone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAppointment {
    pub task: TaskId,
    pub title: String,
    pub due_at: DateTime,
    pub with_deadline: bool,
}

/// Sets days for milestones.
pub async fn add_appointments(
    conn: &mut PgConnection,
    account_id: &str,
    renewal_id: Uuid,
    set_at: DateTime,
    new: &[NewAppointment],
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let tasks: Vec<&str> = new.iter().map(|one| one.task.0.as_str()).collect();
    let titles: Vec<&str> = new.iter().map(|one| one.title.as_str()).collect();
    let due: Vec<DateTime> = new.iter().map(|one| one.due_at).collect();
    let with: Vec<bool> = new.iter().map(|one| one.with_deadline).collect();
    sqlx::query!(
        r#"INSERT INTO renewal_appointment (account_id, renewal_id, task_id, set_at, title, due_at, with_deadline)
           SELECT $1, $2, n.task_id, $3, n.title, n.due_at, n.with_deadline
           FROM unnest($4::text[], $5::text[], $6::timestamptz[], $7::boolean[])
             AS n (task_id, title, due_at, with_deadline)
           -- Two versions of one instant: the later one counts.
           ON CONFLICT (account_id, renewal_id, task_id, set_at)
           DO UPDATE SET due_at = excluded.due_at, with_deadline = excluded.with_deadline, dropped_at = NULL"#,
        account_id,
        renewal_id,
        set_at,
        &tasks as &[&str],
        &titles as &[&str],
        &due,
        &with,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that milestones are no longer in the plan.
pub async fn drop_appointments(
    conn: &mut PgConnection,
    account_id: &str,
    renewal_id: Uuid,
    tasks: &[&str],
    at: DateTime,
) -> Result<(), sqlx::Error> {
    if tasks.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE renewal_appointment SET dropped_at = $4
         WHERE account_id = $1 AND renewal_id = $2 AND task_id = ANY ($3) AND dropped_at IS NULL",
        account_id,
        renewal_id,
        tasks as &[&str],
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The milestones of a renewal with all days that were set for them; when they were done is not said here.
pub async fn appointments(
    conn: &mut PgConnection,
    account_id: &str,
    renewal_id: Uuid,
) -> Result<Vec<Milestone>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT task_id, set_at, title, due_at, with_deadline, dropped_at FROM renewal_appointment
         WHERE account_id = $1 AND renewal_id = $2 ORDER BY task_id, set_at",
        account_id,
        renewal_id,
    )
    .fetch_all(conn)
    .await?;
    let mut milestones: Vec<Milestone> = Vec::new();
    for row in rows {
        let appointment =
            Appointment { set_at: row.set_at, due_at: row.due_at, with_deadline: row.with_deadline };
        match milestones.last_mut().filter(|last| last.task.0 == row.task_id) {
            Some(last) => {
                last.appointments.push(appointment);
                (last.title, last.dropped_at) = (row.title, row.dropped_at);
            }
            None => milestones.push(Milestone {
                task: TaskId(row.task_id),
                title: row.title,
                appointments: vec![appointment],
                done_at: None,
                dropped_at: row.dropped_at,
            }),
        }
    }
    Ok(milestones)
}

/// What the rules have fired, in the order of time.
pub async fn fired(
    conn: &mut PgConnection,
    account_id: &str,
    renewal_id: Uuid,
) -> Result<Vec<Firing>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT doc AS "doc!: Json<Firing>" FROM renewal_firing
           WHERE account_id = $1 AND renewal_id = $2 ORDER BY fired_at, key"#,
        account_id,
        renewal_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Notes what has fired; gives the keys of what had not been noted before.
pub async fn add_firings(
    conn: &mut PgConnection,
    account_id: &str,
    renewal_id: Uuid,
    firings: &[Firing],
    now: DateTime,
) -> Result<Vec<String>, sqlx::Error> {
    if firings.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<&str> = firings.iter().map(|firing| firing.key.as_str()).collect();
    let at: Vec<DateTime> = firings.iter().map(|firing| firing.at).collect();
    let docs: Vec<String> = firings
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query_scalar!(
        r#"INSERT INTO renewal_firing (account_id, renewal_id, key, fired_at, told_at, doc)
           SELECT $1, $2, n.key, n.at, $3, n.doc::json
           FROM unnest($4::text[], $5::timestamptz[], $6::text[]) AS n (key, at, doc)
           ON CONFLICT (account_id, renewal_id, key) DO NOTHING
           RETURNING key"#,
        account_id,
        renewal_id,
        now,
        &keys as &[&str],
        &at,
        &docs,
    )
    .fetch_all(conn)
    .await
}
