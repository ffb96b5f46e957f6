//! Writes one decision and all that follows from it.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::clock::DateTime;

/// A decision as a row, with its consequences.
pub struct NewDecision<'a> {
    pub account_id: &'a str,
    pub id: Uuid,
    pub decided_at: DateTime,
    pub policy_version: &'a str,
    pub trigger: &'a str,
    pub outcome: &'a str,
    pub motion: Option<&'a str>,
    pub exit_state: &'a str,
    pub matched_rule: &'a str,
    pub confidence: f64,
    /// The M5 document, as text.
    pub document: &'a str,
    pub ledger: &'a str,
    pub resumes: Option<Uuid>,
    pub fingerprint: &'a str,
    pub claim: Option<NewClaim<'a>>,
    /// The id of the touch that the decision makes.
    pub touch: Option<Uuid>,
    pub deliveries: Vec<NewDelivery>,
    pub conflict: Option<NewConflict<'a>>,
}

/// The hold that the decision takes.
pub struct NewClaim<'a> {
    pub id: Uuid,
    pub expires_at: DateTime,
    pub reasoning: &'a str,
    pub pairs: Vec<String>,
}

/// An effect that leaves the process.
pub struct NewDelivery {
    pub id: Uuid,
    pub destination: String,
    pub payload: String,
}

/// The question put to `RevOps`.
pub struct NewConflict<'a> {
    pub id: Uuid,
    pub holder_claim: Uuid,
    pub holder_motion: &'a str,
    pub holder_reason: &'a str,
    pub wanted_reason: &'a str,
}

/// Writes the decision, its claim with the pairs it owns, its touch, its deliveries and its conflict in one
/// statement. A pair that somebody else owns fails the whole statement (`claim_exclusion_pkey`).
pub async fn record(conn: &mut PgConnection, new: &NewDecision<'_>) -> Result<(), sqlx::Error> {
    let claim = new.claim.as_ref();
    let conflict = new.conflict.as_ref();
    let no_pairs = Vec::new();
    let delivery_ids: Vec<Uuid> = new.deliveries.iter().map(|d| d.id).collect();
    let destinations: Vec<&str> = new.deliveries.iter().map(|d| d.destination.as_str()).collect();
    let payloads: Vec<&str> = new.deliveries.iter().map(|d| d.payload.as_str()).collect();
    sqlx::query!(
        r#"WITH decided AS (
             INSERT INTO decision (account_id, id, decided_at, policy_version, trigger, outcome, motion,
                                   exit_state, matched_rule, confidence, document, ledger, resumes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::json, $12::text::json, $13)),
           stands AS (
             INSERT INTO motion_state (account_id, decision_id, outcome, motion, fingerprint, evaluated_at)
             VALUES ($1, $2, $6, $7, $14, $3)
             ON CONFLICT (account_id) DO UPDATE
               SET decision_id = excluded.decision_id, outcome = excluded.outcome, motion = excluded.motion,
                   fingerprint = excluded.fingerprint, evaluated_at = excluded.evaluated_at),
           claimed AS (
             INSERT INTO motion_claim (account_id, id, motion, claimed_at, expires_at, decision_id, reasoning)
             SELECT $1, $15, $7, $3, $16, $2, $17 WHERE $15::uuid IS NOT NULL),
           owned AS (
             INSERT INTO claim_exclusion (account_id, pair, claim_id)
             SELECT $1, pair, $15 FROM unnest($18::text[]) AS pair),
           touched AS (
             INSERT INTO touch (account_id, id, touched_at, origin, motion, decision_id)
             SELECT $1, $19, $3, 'decision', $7, $2 WHERE $19::uuid IS NOT NULL),
           disputed AS (
             INSERT INTO conflict (account_id, id, opened_at, holder_claim, holder_motion, holder_reason,
                                   wanted_motion, wanted_reason, decision_id)
             SELECT $1, $20, $3, $21, $22, $23, $7, $24, $2 WHERE $20::uuid IS NOT NULL
             ON CONFLICT (account_id, holder_claim, wanted_motion) DO NOTHING)
           INSERT INTO delivery (account_id, id, destination, decision_id, payload, status, due_at, created_at)
           SELECT $1, d.id, d.destination, $2, d.payload::json, 'pending', $3, $3
           FROM unnest($25::uuid[], $26::text[], $27::text[]) AS d (id, destination, payload)"#,
        new.account_id,
        new.id,
        new.decided_at,
        new.policy_version,
        new.trigger,
        new.outcome,
        new.motion,
        new.exit_state,
        new.matched_rule,
        new.confidence,
        new.document,
        new.ledger,
        new.resumes,
        new.fingerprint,
        claim.map(|c| c.id),
        claim.map(|c| c.expires_at),
        claim.map(|c| c.reasoning),
        claim.map_or(&no_pairs, |c| &c.pairs),
        new.touch,
        conflict.map(|c| c.id),
        conflict.map(|c| c.holder_claim),
        conflict.map(|c| c.holder_motion),
        conflict.map(|c| c.holder_reason),
        conflict.map(|c| c.wanted_reason),
        &delivery_ids,
        &destinations as &[&str],
        &payloads as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that accounts were looked at and nothing had changed.
pub async fn note_evaluated(
    conn: &mut PgConnection,
    account_ids: &[String],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE motion_state SET evaluated_at = greatest(evaluated_at, $2) WHERE account_id = ANY ($1)",
        account_ids,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Accounts that were looked at before `since` and wait for no job of `kind` that is due, those first that were
/// looked at longest ago.
pub async fn aged_accounts(
    conn: &mut PgConnection,
    since: DateTime,
    kind: &str,
    now: DateTime,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT m.account_id FROM motion_state m
           WHERE m.evaluated_at < $1
             AND NOT EXISTS (SELECT FROM job j WHERE j.kind = $3 AND j.key = m.account_id AND j.due_at <= $4)
           ORDER BY m.evaluated_at LIMIT $2"#,
        since,
        limit,
        kind,
        now,
    )
    .fetch_all(conn)
    .await
}
