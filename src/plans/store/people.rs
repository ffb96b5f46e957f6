//! What plans hold about people, as one list of documents.

use sqlx::PgConnection;
use uuid::Uuid;

/// A document that can hold somebody.
#[derive(Debug)]
pub struct HeldDoc {
    pub plan_id: Uuid,
    /// `version`, `changes`, `why`, `objective`, `paused`, `task`, `title`, `entry` or `gate`.
    pub part: String,
    /// Which of them: a version, a task, an entry, a gate.
    pub key: String,
    /// JSON text; of `why`, `objective` and `title` a JSON string.
    pub doc: String,
}

/// Locks the plans of an account, in order.
pub async fn lock_plans_of(conn: &mut PgConnection, account_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM plan WHERE account_id = $1 ORDER BY id FOR NO KEY UPDATE", account_id)
        .fetch_all(conn)
        .await?;
    Ok(())
}

/// Everything of an account's plans that people may stand in. What was left by an erasure of a kind is as it was.
pub async fn docs(conn: &mut PgConnection, account_id: &str) -> Result<Vec<HeldDoc>, sqlx::Error> {
    sqlx::query_as!(
        HeldDoc,
        r#"SELECT plan_id AS "plan_id!", part AS "part!", key AS "key!", doc AS "doc!" FROM (
             SELECT plan_id, 'version' AS part, version::text AS key, doc::text AS doc
               FROM plan_version WHERE account_id = $1
             UNION ALL SELECT plan_id, 'changes', version::text, changes::text FROM plan_version WHERE account_id = $1
             UNION ALL SELECT plan_id, 'why', version::text, to_json(why)::text FROM plan_version WHERE account_id = $1
             UNION ALL SELECT id, 'objective', '', to_json(objective)::text FROM plan WHERE account_id = $1
             UNION ALL SELECT id, 'paused', '', paused::text FROM plan WHERE account_id = $1 AND paused IS NOT NULL
             UNION ALL SELECT plan_id, 'task', id::text, result::text FROM plan_task
               WHERE account_id = $1 AND result IS NOT NULL
             UNION ALL SELECT plan_id, 'title', id::text, to_json(title)::text FROM plan_task WHERE account_id = $1
             UNION ALL SELECT plan_id, 'entry', id::text, doc::text FROM plan_entry WHERE account_id = $1
             UNION ALL SELECT plan_id, 'gate', name, state::text FROM plan_gate WHERE account_id = $1) AS d
           ORDER BY plan_id, part, key"#,
        account_id,
    )
    .fetch_all(conn)
    .await
}

/// Writes what is left of documents.
pub async fn rewrite(conn: &mut PgConnection, account_id: &str, left: &[HeldDoc]) -> Result<(), sqlx::Error> {
    if left.is_empty() {
        return Ok(());
    }
    let plans: Vec<Uuid> = left.iter().map(|held| held.plan_id).collect();
    let column = |get: fn(&HeldDoc) -> &str| left.iter().map(get).collect::<Vec<_>>();
    sqlx::query!(
        r#"WITH l AS MATERIALIZED (
             SELECT * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS l (plan_id, part, key, doc)),
           versions AS (
             UPDATE plan_version v SET
               doc = coalesce((SELECT l.doc::json FROM l WHERE l.plan_id = v.plan_id AND l.part = 'version'
                               AND l.key = v.version::text), v.doc),
               changes = coalesce((SELECT l.doc::json FROM l WHERE l.plan_id = v.plan_id AND l.part = 'changes'
                                   AND l.key = v.version::text), v.changes),
               why = coalesce((SELECT l.doc::json #>> '{}' FROM l WHERE l.plan_id = v.plan_id AND l.part = 'why'
                               AND l.key = v.version::text), v.why)
             WHERE v.account_id = $1 AND v.plan_id IN (SELECT plan_id FROM l)),
           plans AS (
             UPDATE plan p SET
               objective = coalesce((SELECT l.doc::json #>> '{}' FROM l WHERE l.plan_id = p.id AND l.part = 'objective'),
                                    p.objective),
               paused = coalesce((SELECT l.doc::json FROM l WHERE l.plan_id = p.id AND l.part = 'paused'), p.paused)
             WHERE p.account_id = $1 AND p.id IN (SELECT plan_id FROM l)),
           tasks AS (
             UPDATE plan_task t SET
               result = coalesce((SELECT l.doc::json FROM l WHERE l.plan_id = t.plan_id AND l.part = 'task'
                                  AND l.key = t.id::text), t.result),
               title = coalesce((SELECT l.doc::json #>> '{}' FROM l WHERE l.plan_id = t.plan_id AND l.part = 'title'
                                 AND l.key = t.id::text), t.title)
             WHERE t.account_id = $1 AND t.plan_id IN (SELECT plan_id FROM l)),
           gates AS (
             UPDATE plan_gate g SET state = l.doc::json FROM l
             WHERE g.account_id = $1 AND g.plan_id = l.plan_id AND l.part = 'gate' AND l.key = g.name)
           UPDATE plan_entry e SET doc = l.doc::json FROM l
           WHERE e.account_id = $1 AND e.plan_id = l.plan_id AND l.part = 'entry' AND l.key = e.id::text"#,
        account_id,
        &plans,
        &column(|held| &held.part) as &[&str],
        &column(|held| &held.key) as &[&str],
        &column(|held| &held.doc) as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}
