//! Reading decisions back.

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A recorded decision.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DecisionRow {
    pub account_id: String,
    pub id: Uuid,
    pub decided_at: DateTime,
    pub policy_version: String,
    pub trigger: String,
    pub outcome: String,
    pub motion: Option<String>,
    pub document: Json<Box<RawValue>>,
    pub ledger: Json<Box<RawValue>>,
    pub resumes: Option<Uuid>,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    pub account_id: Option<String>,
    pub outcome: Option<String>,
    pub motion: Option<String>,
    pub policy_version: Option<String>,
    pub from: Option<DateTime>,
    pub to: Option<DateTime>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// Decisions, newest first.
pub async fn list_decisions(pool: &PgPool, filter: &DecisionFilter) -> Result<Vec<DecisionRow>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(
        "SELECT account_id, id, decided_at, policy_version, trigger, outcome, motion, document, ledger, resumes \
         FROM decision WHERE true",
    );
    if let Some(account_id) = &filter.account_id {
        query.push(" AND account_id = ").push_bind(account_id);
    }
    if let Some(outcome) = &filter.outcome {
        query.push(" AND outcome = ").push_bind(outcome);
    }
    if let Some(motion) = &filter.motion {
        query.push(" AND motion = ").push_bind(motion);
    }
    if let Some(version) = &filter.policy_version {
        query.push(" AND policy_version = ").push_bind(version);
    }
    if let Some(from) = filter.from {
        query.push(" AND decided_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(" AND decided_at < ").push_bind(to);
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    query.build_query_as().fetch_all(pool).await
}

/// One decision by its id.
pub async fn find_decision(pool: &PgPool, id: Uuid) -> Result<Option<DecisionRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT account_id, id, decided_at, policy_version, trigger, outcome, motion, document, ledger, resumes \
         FROM decision WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await
}

/// The document of a decision of an account, as text.
pub async fn decision_document(
    conn: &mut PgConnection,
    account_id: &str,
    id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT document::text AS "document!" FROM decision WHERE account_id = $1 AND id = $2"#,
        account_id,
        id
    )
    .fetch_optional(conn)
    .await
}

/// The stored texts of a decision, to the letter.
pub struct DecisionTexts {
    pub id: Uuid,
    pub document: String,
    pub ledger: String,
}

/// The stored texts of decisions.
pub async fn decision_texts(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<DecisionTexts>, sqlx::Error> {
    sqlx::query_as!(
        DecisionTexts,
        r#"SELECT id, document::text AS "document!", ledger::text AS "ledger!" FROM decision WHERE id = ANY ($1)"#,
        ids
    )
    .fetch_all(conn)
    .await
}

/// How many accounts stand at each outcome and motion now.
pub async fn standing_counts(pool: &PgPool) -> Result<Vec<(String, Option<String>, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT outcome, motion, count(*) FROM motion_state GROUP BY 1, 2 ORDER BY 3 DESC")
        .fetch_all(pool)
        .await
}

/// Something that routing did, in a timeline.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TimelineRow {
    pub id: Uuid,
    pub at: DateTime,
    pub kind: String,
    pub title: String,
    pub detail: Json<serde_json::Value>,
}

/// Decisions, touches and conflicts of an account, newest first; `before` is the id of the last one seen.
pub async fn list_timeline(
    pool: &PgPool,
    account_id: &str,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<TimelineRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM ( \
           SELECT id, decided_at AS at, 'decision' AS kind, \
                  outcome || coalesce(' ' || motion, '') AS title, \
                  json_build_object('outcome', outcome, 'motion', motion, 'exitState', exit_state, \
                    'matchedRule', matched_rule, 'confidence', confidence, 'trigger', trigger, \
                    'policyVersion', policy_version, 'reasoning', document #>> '{recommendation,reasoning}') AS detail \
           FROM decision WHERE account_id = $1 \
           UNION ALL \
           SELECT id, touched_at, 'touch', origin || coalesce(' ' || motion, ''), \
                  json_build_object('origin', origin, 'motion', motion, 'decisionId', decision_id) \
           FROM touch WHERE account_id = $1 \
           UNION ALL \
           SELECT id, opened_at, 'conflict', wanted_motion || ' against ' || holder_motion, \
                  json_build_object('holder', holder_motion, 'wanted', wanted_motion, 'resolution', resolution, \
                    'resolvedAt', resolved_at, 'resolvedBy', resolved_by, 'note', note) \
           FROM conflict WHERE account_id = $1 \
         ) AS entry WHERE ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
    )
    .bind(account_id)
    .bind(before)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// When the account that was looked at longest ago was looked at.
pub async fn oldest_look(pool: &PgPool) -> Result<Option<DateTime>, sqlx::Error> {
    sqlx::query_scalar!("SELECT min(evaluated_at) FROM motion_state").fetch_one(pool).await
}
