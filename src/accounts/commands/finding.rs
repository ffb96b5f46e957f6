//! Finding the accounts of people, companies and events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;

use crate::accounts::Accounts;
use crate::accounts::matching::{Candidate, Corrections, Match, Query, rank};
use crate::accounts::model::value;
use crate::accounts::store::{self, AccountView};
use crate::kernel::ids::AccountId;

/// Accounts known by one key that a look-up weighs.
const CANDIDATES_MAX: i64 = 200;

/// The accounts that a person or company could belong to, best first.
pub async fn find_matches(accounts: &Accounts, query: Query) -> Result<Vec<Match>, sqlx::Error> {
    let mut conn = accounts.pool.acquire().await?;
    Ok(weigh(&mut conn, vec![query]).await?.pop().unwrap_or_default())
}

/// For each query the accounts that could be meant, best first. Two round trips, however many queries.
pub(super) async fn weigh(
    conn: &mut PgConnection,
    queries: Vec<Query>,
) -> Result<Vec<Vec<Match>>, sqlx::Error> {
    let keys: BTreeSet<String> = queries.iter().flat_map(Query::keys).collect();
    if keys.is_empty() {
        return Ok(queries.into_iter().map(|_| Vec::new()).collect());
    }
    let keys: Vec<String> = keys.into_iter().collect();
    let found = store::match_candidates(conn, &keys, CANDIDATES_MAX).await?;
    let ids: BTreeSet<String> = found.known.iter().map(|(_, account_id)| account_id.clone()).collect();
    let ids: Vec<String> = ids.into_iter().collect();
    let views = if ids.is_empty() { Vec::new() } else { store::read_accounts(conn, &ids).await? };

    let said = corrections(found.pins, found.exclusions);
    let mut holders: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut domains: HashMap<&str, Vec<String>> = HashMap::new();
    for (key, account_id) in &found.known {
        holders.entry(key).or_default().push(account_id);
        if let Some(domain) = key.strip_prefix("domain:") {
            domains.entry(account_id).or_default().push(domain.to_owned());
        }
    }
    let known: BTreeMap<&str, Candidate> = views
        .iter()
        .filter_map(|view| {
            let known_domains = domains.remove(view.row.account_id.as_str()).unwrap_or_default();
            Some((view.row.account_id.as_str(), candidate(view, known_domains)?))
        })
        .collect();
    let ranked = queries.into_iter().map(|query| {
        let query = said.apply(query);
        let own: BTreeSet<&str> =
            query.keys().iter().filter_map(|key| holders.get(key.as_str())).flatten().copied().collect();
        let candidates: Vec<Candidate> = own.iter().filter_map(|id| known.get(id)).cloned().collect();
        rank(&query, &candidates)
    });
    Ok(ranked.collect())
}

fn candidate(view: &AccountView, known_domains: Vec<String>) -> Option<Candidate> {
    let profile = &view.state.profile;
    Some(Candidate {
        account_id: AccountId::parse(view.row.account_id.clone()).ok()?,
        domain: value(&profile.domain).cloned(),
        name: value(&profile.name).cloned(),
        country: value(&profile.country).cloned(),
        region: value(&profile.region).cloned(),
        known_domains,
        has_owner: view.row.owner_id.is_some(),
        last_activity_at: view.state.engagement.latest.as_ref().map(|stamp| stamp.as_of),
    })
}

fn corrections(pins: Vec<(String, String)>, exclusions: Vec<(String, String)>) -> Corrections {
    let mut said = Corrections::default();
    for (key, account_id) in pins {
        said.pins.extend(AccountId::parse(account_id).ok().map(|account_id| (key, account_id)));
    }
    for (key, account_id) in exclusions {
        said.exclusions.entry(key).or_default().extend(AccountId::parse(account_id).ok());
    }
    said
}
