//! Writes decisions and all that follows from them.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::platform::audit::Growth;

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
    /// Whether the account goes before others.
    pub hot: bool,
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

/// Writes decisions of different accounts, their claims with the pairs they own, their touches, deliveries and
/// conflicts, and their audit entries, in one statement. A pair that somebody else owns fails the whole statement
/// (`claim_exclusion_pkey`). Gives the accounts whose audit chains have moved on, for [`Growth::check`].
#[expect(clippy::too_many_lines, reason = "one statement, and one line for each of its columns")]
pub async fn record(
    conn: &mut PgConnection,
    decisions: &[NewDecision<'_>],
    audit: &Growth,
) -> Result<Vec<String>, sqlx::Error> {
    fn column<'a, 'b, T>(of: &'b [NewDecision<'a>], get: impl Fn(&'b NewDecision<'a>) -> T) -> Vec<T> {
        of.iter().map(get).collect()
    }
    let claim = |d: &NewDecision<'_>| d.claim.as_ref().map(|c| c.id);
    let (pair_accounts, pairs, pair_claims) = pairs(decisions);
    let (delivery_accounts, delivery_decisions, delivery_ids, destinations, payloads) = deliveries(decisions);
    let (entries, heads) = (&audit.entries, &audit.heads);
    sqlx::query_scalar!(
        r#"WITH d AS MATERIALIZED (
             SELECT * FROM unnest(
               $1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
               $9::text[], $10::float8[], $11::text[], $12::text[], $13::uuid[], $14::text[], $15::uuid[],
               $16::timestamptz[], $17::text[], $18::uuid[], $19::uuid[], $20::uuid[], $21::text[], $22::text[],
               $23::text[], $46::boolean[]) AS d
               (account_id, id, decided_at, policy_version, trigger, outcome, motion, exit_state,
                matched_rule, confidence, document, ledger, resumes, fingerprint, claim_id,
                expires_at, reasoning, touch_id, conflict_id, holder_claim, holder_motion, holder_reason,
                wanted_reason, hot)),
           decided AS (
             INSERT INTO decision (account_id, id, decided_at, policy_version, trigger, outcome, motion,
                                   exit_state, matched_rule, confidence, document, ledger, resumes)
             SELECT account_id, id, decided_at, policy_version, trigger, outcome, motion,
                    exit_state, matched_rule, confidence, document::json, ledger::json, resumes FROM d),
           stands AS (
             INSERT INTO motion_state (account_id, decision_id, outcome, motion, fingerprint, evaluated_at)
             SELECT account_id, id, outcome, motion, fingerprint, decided_at FROM d
             ON CONFLICT (account_id) DO UPDATE
               SET decision_id = excluded.decision_id, outcome = excluded.outcome, motion = excluded.motion,
                   fingerprint = excluded.fingerprint, evaluated_at = excluded.evaluated_at),
           claimed AS (
             INSERT INTO motion_claim (account_id, id, motion, claimed_at, expires_at, decision_id, reasoning)
             SELECT account_id, claim_id, motion, decided_at, expires_at, id, reasoning
             FROM d WHERE claim_id IS NOT NULL),
           owned AS (
             INSERT INTO claim_exclusion (account_id, pair, claim_id)
             SELECT * FROM unnest($24::text[], $25::text[], $26::uuid[])),
           touched AS (
             INSERT INTO touch (account_id, id, touched_at, origin, motion, decision_id)
             SELECT account_id, touch_id, decided_at, 'decision', motion, id FROM d WHERE touch_id IS NOT NULL),
           disputed AS (
             INSERT INTO conflict (account_id, id, opened_at, holder_claim, holder_motion, holder_reason,
                                   wanted_motion, wanted_reason, decision_id)
             SELECT account_id, conflict_id, decided_at, holder_claim, holder_motion, holder_reason,
                    motion, wanted_reason, id FROM d WHERE conflict_id IS NOT NULL
             ON CONFLICT (account_id, holder_claim, wanted_motion) DO NOTHING),
           called AS (
             INSERT INTO delivery (account_id, id, destination, decision_id, hot, payload, status, due_at, created_at)
             SELECT c.account_id, c.id, c.destination, c.decision_id, d.hot, c.payload::json, 'pending',
                    d.decided_at, d.decided_at
             FROM unnest($27::text[], $28::uuid[], $29::uuid[], $30::text[], $31::text[])
               AS c (account_id, decision_id, id, destination, payload)
             JOIN d ON d.id = c.decision_id),
           entry AS (
             INSERT INTO audit_entry (account_id, seq, at, actor, action, subject, details, prev_hash, hash)
             SELECT * FROM unnest($32::text[], $33::bigint[], $34::timestamptz[], $35::text[], $36::text[],
                                  $37::text[], $38::text[], $39::bytea[], $40::bytea[])),
           n AS MATERIALIZED (
             SELECT * FROM unnest($41::text[], $42::bigint[], $43::bytea[], $44::bigint[], $45::bytea[])
               AS n (account_id, seq, hash, seq_before, hash_before)),
           opened AS (
             INSERT INTO audit_head AS h (account_id, seq, hash, dirty)
             SELECT account_id, seq, hash, true FROM n WHERE seq_before = 0
             ON CONFLICT ON CONSTRAINT audit_head_pkey
             DO UPDATE SET seq = excluded.seq, hash = excluded.hash, dirty = true WHERE h.seq = 0
             RETURNING account_id),
           moved AS (
             UPDATE audit_head h SET seq = n.seq, hash = n.hash, dirty = true FROM n
             WHERE h.account_id = n.account_id AND n.seq_before > 0
               AND h.seq = n.seq_before AND h.hash = n.hash_before
             RETURNING h.account_id)
           SELECT account_id AS "account_id!" FROM opened UNION ALL SELECT account_id FROM moved"#,
        &column(decisions, |d| d.account_id) as &[&str],
        &column(decisions, |d| d.id),
        &column(decisions, |d| d.decided_at),
        &column(decisions, |d| d.policy_version) as &[&str],
        &column(decisions, |d| d.trigger) as &[&str],
        &column(decisions, |d| d.outcome) as &[&str],
        &column(decisions, |d| d.motion) as &[Option<&str>],
        &column(decisions, |d| d.exit_state) as &[&str],
        &column(decisions, |d| d.matched_rule) as &[&str],
        &column(decisions, |d| d.confidence),
        &column(decisions, |d| d.document) as &[&str],
        &column(decisions, |d| d.ledger) as &[&str],
        &column(decisions, |d| d.resumes) as &[Option<Uuid>],
        &column(decisions, |d| d.fingerprint) as &[&str],
        &column(decisions, claim) as &[Option<Uuid>],
        &column(decisions, |d| d.claim.as_ref().map(|c| c.expires_at)) as &[Option<DateTime>],
        &column(decisions, |d| d.claim.as_ref().map(|c| c.reasoning)) as &[Option<&str>],
        &column(decisions, |d| d.touch) as &[Option<Uuid>],
        &column(decisions, |d| d.conflict.as_ref().map(|c| c.id)) as &[Option<Uuid>],
        &column(decisions, |d| d.conflict.as_ref().map(|c| c.holder_claim)) as &[Option<Uuid>],
        &column(decisions, |d| d.conflict.as_ref().map(|c| c.holder_motion)) as &[Option<&str>],
        &column(decisions, |d| d.conflict.as_ref().map(|c| c.holder_reason)) as &[Option<&str>],
        &column(decisions, |d| d.conflict.as_ref().map(|c| c.wanted_reason)) as &[Option<&str>],
        &pair_accounts as &[&str],
        &pairs as &[&str],
        &pair_claims,
        &delivery_accounts as &[&str],
        &delivery_decisions,
        &delivery_ids,
        &destinations as &[&str],
        &payloads as &[&str],
        &entries.account_id,
        &entries.seq,
        &entries.at,
        &entries.actor,
        &entries.action,
        &entries.subject,
        &entries.details,
        &entries.prev_hash,
        &entries.hash,
        &heads.account_id,
        &heads.seq,
        &heads.hash,
        &heads.seq_before,
        &heads.hash_before,
        &column(decisions, |d| d.hot),
    )
    .fetch_all(conn)
    .await
}

/// The pairs that claims own, as columns: account, pair, claim.
fn pairs<'a>(decisions: &'a [NewDecision<'_>]) -> (Vec<&'a str>, Vec<&'a str>, Vec<Uuid>) {
    let (mut accounts, mut pairs, mut claims) = (Vec::new(), Vec::new(), Vec::new());
    for decision in decisions {
        let Some(claim) = &decision.claim else { continue };
        for pair in &claim.pairs {
            accounts.push(decision.account_id);
            pairs.push(pair.as_str());
            claims.push(claim.id);
        }
    }
    (accounts, pairs, claims)
}

/// Deliveries as columns: account, decision, id, destination, payload.
type DeliveryColumns<'a> = (Vec<&'a str>, Vec<Uuid>, Vec<Uuid>, Vec<&'a str>, Vec<&'a str>);

fn deliveries<'a>(decisions: &'a [NewDecision<'_>]) -> DeliveryColumns<'a> {
    let mut columns = DeliveryColumns::default();
    for decision in decisions {
        for delivery in &decision.deliveries {
            columns.0.push(decision.account_id);
            columns.1.push(decision.id);
            columns.2.push(delivery.id);
            columns.3.push(&delivery.destination);
            columns.4.push(&delivery.payload);
        }
    }
    columns
}

/// Notes, to the minute, that accounts were looked at and nothing had changed.
pub async fn note_evaluated(
    conn: &mut PgConnection,
    account_ids: &[String],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if account_ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE motion_state SET evaluated_at = $2
         WHERE account_id = ANY ($1) AND evaluated_at <= $2::timestamptz - interval '1 minute'",
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
