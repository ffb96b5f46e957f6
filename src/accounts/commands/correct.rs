//! Matching people and companies to accounts, and keeping what people corrected.

use crate::accounts::Accounts;
use crate::accounts::matching::{Candidate, Match, Query, rank};
use crate::accounts::model::value;
use crate::accounts::store;
pub use crate::accounts::store::Correction;
use crate::kernel::ids::AccountId;
use crate::platform::audit::{self, AuditError};
use crate::platform::db;

/// Candidates that one look-up weighs.
const CANDIDATES_MAX: i64 = 200;

/// The accounts that a person or company could belong to, best first.
pub async fn find_matches(accounts: &Accounts, mut query: Query) -> Result<Vec<Match>, sqlx::Error> {
    let mut conn = accounts.pool.acquire().await?;
    let keys = query.keys();
    let found = store::match_candidates(&mut conn, &keys, CANDIDATES_MAX).await?;
    query.pinned = found.pinned.and_then(|id| AccountId::parse(id).ok());
    query.ruled_out = found.ruled_out.into_iter().filter_map(|id| AccountId::parse(id).ok()).collect();
    let candidates: Vec<Candidate> = store::read_accounts(&mut conn, &found.account_ids)
        .await?
        .into_iter()
        .filter_map(|view| {
            let profile = &view.state.profile;
            Some(Candidate {
                account_id: AccountId::parse(view.row.account_id).ok()?,
                domain: value(&profile.domain).cloned(),
                name: value(&profile.name).cloned(),
                country: value(&profile.country).cloned(),
                region: value(&profile.region).cloned(),
                has_owner: view.row.owner_id.is_some(),
                last_activity_at: view.state.engagement.latest.as_ref().map(|stamp| stamp.as_of),
            })
        })
        .collect();
    Ok(rank(&query, &candidates))
}

/// Keeps a correction; false when there is no such account.
pub async fn correct_match(accounts: &Accounts, correction: &Correction<'_>) -> Result<bool, AuditError> {
    let now = accounts.clock.now();
    let mut tx = db::begin(&accounts.pool).await?;
    if store::read_accounts(&mut tx, &[correction.account_id.to_owned()]).await?.is_empty() {
        return Ok(false);
    }
    store::correct_match(&mut tx, correction, now).await?;
    let action = if correction.belongs { "match.pinned" } else { "match.ruled_out" };
    let entry = audit::Entry::new(
        correction.by,
        action,
        format!("match:{}", correction.key),
        serde_json::json!({ "note": correction.note }),
    );
    audit::append(&mut tx, correction.account_id, now, &[entry]).await?;
    tx.commit().await?;
    Ok(true)
}
