//! Reading decisions back.

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgPool, Postgres, QueryBuilder};
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

/// How many accounts stand at each outcome and motion now.
pub async fn standing_counts(pool: &PgPool) -> Result<Vec<(String, Option<String>, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT outcome, motion, count(*) FROM motion_state GROUP BY 1, 2 ORDER BY 3 DESC")
        .fetch_all(pool)
        .await
}
