//! Reads what guards an account.

use std::collections::HashMap;

use serde::Deserialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::accounts::model::{AccountState, Consent, Fact, Known, person_in_purpose, value};
use crate::kernel::clock::DateTime;
use crate::motions::model::{Claim, ConsentView, Ledger, Motion, Pause, PreferenceView, Touch};
use crate::platform::audit::Chain;

/// What the database holds of an account's guards, read after the account's lock was taken: in the statement
/// that waits for the lock, it could be older than what the other side committed.
pub struct Guards {
    /// Claims not yet released; among them those that have expired since.
    pub claims: Vec<Claim>,
    pub touches: Vec<Touch>,
    pub pauses: Vec<Pause>,
    /// A competing motion that `RevOps` switched to while the holder's claim still lives.
    pub switch_to: Option<Motion>,
    pub latest: Option<Latest>,
    /// The policy version in force.
    pub policy_version: Option<String>,
    /// The end of the account's audit chain.
    pub chain: Chain,
}

impl Guards {
    /// The ledger that a decision sees: these guards, and what the account asked for.
    pub fn ledger(&self, state: &AccountState) -> Ledger {
        let motions = |known: &Known<Vec<String>>| {
            let names = value(known).map(Vec::as_slice).unwrap_or_default();
            names.iter().filter_map(|name| Motion::from_name(name)).collect()
        };
        let consent = |fact: &Fact<Consent>| ConsentView {
            granted: fact.value.granted,
            legal_basis: fact.value.legal_basis.clone(),
            expires_at: fact.value.expires_at,
        };
        Ledger {
            claims: self.claims.clone(),
            touches: self.touches.clone(),
            pauses: self.pauses.clone(),
            preferences: PreferenceView {
                allowed: motions(&state.preferences.allowed_motions),
                blocked: motions(&state.preferences.blocked_motions),
                do_not_contact: value(&state.preferences.do_not_contact).copied().unwrap_or(false),
            },
            consents: state
                .consents
                .iter()
                .filter(|(purpose, _)| person_in_purpose(purpose).is_none())
                .map(|(purpose, fact)| (purpose.clone(), consent(fact)))
                .collect(),
            switch_to: self.switch_to,
        }
    }
}

/// The account's latest recorded decision.
#[derive(Debug, Clone, Deserialize)]
pub struct Latest {
    pub decision_id: Uuid,
    pub outcome: String,
    pub fingerprint: String,
    pub evaluated_at: DateTime,
}

/// Reads the guards of one account as they stand at `now`; touches since `touches_after` (exclusive).
pub async fn guards(
    conn: &mut PgConnection,
    account_id: &str,
    touches_after: DateTime,
    now: DateTime,
) -> Result<Guards, sqlx::Error> {
    let one = [account_id.to_owned()];
    let mut found = guards_of(conn, &one, touches_after, now).await?;
    found.remove(account_id).ok_or(sqlx::Error::RowNotFound)
}

/// Reads the guards of several accounts, by account id.
pub async fn guards_of(
    conn: &mut PgConnection,
    account_ids: &[String],
    touches_after: DateTime,
    now: DateTime,
) -> Result<HashMap<String, Guards>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.account_id AS "account_id!",
             (SELECT version FROM policy_active) AS policy_version,
             (SELECT json_agg(json_build_object('id', id, 'motion', motion, 'claimedAt', claimed_at,
                       'expiresAt', expires_at, 'decisionId', decision_id, 'reasoning', reasoning)
                     ORDER BY claimed_at, id)
              FROM motion_claim m WHERE m.account_id = a.account_id AND m.released_at IS NULL)
               AS "claims: Json<Vec<Claim>>",
             (SELECT json_agg(json_build_object('at', touched_at, 'origin', origin) ORDER BY touched_at, id)
              FROM touch t WHERE t.account_id = a.account_id AND t.touched_at > $2)
               AS "touches: Json<Vec<Touch>>",
             (SELECT json_agg(json_build_object('motion', motion, 'until', until, 'conflictId', conflict_id)
                     ORDER BY motion)
              FROM motion_pause p WHERE p.account_id = a.account_id AND p.until > $3)
               AS "pauses: Json<Vec<Pause>>",
             (SELECT c.wanted_motion FROM conflict c
              JOIN motion_claim h ON h.account_id = c.account_id AND h.id = c.holder_claim
              WHERE c.account_id = a.account_id AND c.resolution = 'switch' AND h.released_at IS NULL
              ORDER BY c.resolved_at DESC LIMIT 1) AS switch_to,
             (SELECT json_build_object('decision_id', decision_id, 'outcome', outcome,
                       'fingerprint', fingerprint, 'evaluated_at', evaluated_at)
              FROM motion_state s WHERE s.account_id = a.account_id) AS "latest: Json<Latest>",
             head.seq AS "seq?", head.hash AS "hash?"
           FROM unnest($1::text[]) AS a (account_id)
           LEFT JOIN audit_head head ON head.account_id = a.account_id"#,
        account_ids,
        touches_after,
        now,
    )
    .fetch_all(conn)
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let chain = match (row.seq, row.hash) {
            (Some(seq), Some(hash)) => Chain::at(&row.account_id, seq, &hash)
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            _ => Chain::start(&row.account_id),
        };
        let guards = Guards {
            claims: row.claims.map(|json| json.0).unwrap_or_default(),
            touches: row.touches.map(|json| json.0).unwrap_or_default(),
            pauses: row.pauses.map(|json| json.0).unwrap_or_default(),
            switch_to: row.switch_to.as_deref().and_then(Motion::from_name),
            latest: row.latest.map(|json| json.0),
            policy_version: row.policy_version,
            chain,
        };
        found.insert(row.account_id, guards);
    }
    Ok(found)
}

/// Releases claims, each named with its account, which frees the pairs they own.
pub async fn release_claims(
    conn: &mut PgConnection,
    claims: &[(&str, Uuid)],
    reason: &str,
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if claims.is_empty() {
        return Ok(());
    }
    let (accounts, ids): (Vec<&str>, Vec<Uuid>) = claims.iter().copied().unzip();
    sqlx::query!(
        r#"UPDATE motion_claim SET released_at = $4, release_reason = $3
           WHERE (account_id, id) IN (SELECT * FROM unnest($1::text[], $2::uuid[])) AND released_at IS NULL"#,
        &accounts as &[&str],
        &ids,
        reason,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A contact with an account that an event reported.
pub struct ReportedTouch {
    pub account_id: String,
    /// The event's id: one event is one touch.
    pub id: Uuid,
    pub at: DateTime,
    pub channel: String,
}

/// Adds touches that events reported.
pub async fn add_touches(conn: &mut PgConnection, touches: &[ReportedTouch]) -> Result<(), sqlx::Error> {
    if touches.is_empty() {
        return Ok(());
    }
    let accounts: Vec<&str> = touches.iter().map(|t| t.account_id.as_str()).collect();
    let ids: Vec<Uuid> = touches.iter().map(|t| t.id).collect();
    let at: Vec<DateTime> = touches.iter().map(|t| t.at).collect();
    let channels: Vec<&str> = touches.iter().map(|t| t.channel.as_str()).collect();
    sqlx::query!(
        r#"INSERT INTO touch (account_id, id, touched_at, origin)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[])
           ON CONFLICT DO NOTHING"#,
        &accounts as &[&str],
        &ids,
        &at,
        &channels as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes back touches that events reported, because the events were another account's.
pub async fn take_back_touches(
    conn: &mut PgConnection,
    account_ids: &[&str],
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"DELETE FROM touch t USING unnest($1::text[], $2::uuid[]) AS m (account_id, id)
           WHERE t.account_id = m.account_id AND t.id = m.id AND t.decision_id IS NULL"#,
        account_ids as &[&str],
        ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rests motions on an account until an instant; a longer rest that is already there stays.
pub async fn pause_motions(
    conn: &mut PgConnection,
    account_id: &str,
    motions: &[&str],
    until: DateTime,
    conflict_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"INSERT INTO motion_pause AS p (account_id, motion, until, conflict_id)
           SELECT $1, m, $3, $4 FROM unnest($2::text[]) AS m
           ON CONFLICT (account_id, motion) DO UPDATE
             SET until = greatest(p.until, excluded.until), conflict_id = excluded.conflict_id"#,
        account_id,
        motions as &[&str],
        until,
        conflict_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}
