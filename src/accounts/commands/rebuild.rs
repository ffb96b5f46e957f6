//! Rebuilding an account from its raw events, without some of them.
//!
//! Promises: an account is rebuilt only when its kept events give exactly what is known of it, state and people;
//! otherwise part of it rests on events that are no longer kept (or on rules of an earlier version), and nothing is
//! changed, because what cannot be computed again must not be lost.

use std::collections::{BTreeMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::folding::Folding;
use super::{Current, Folded, Occasion, people_of, write_people};
use crate::accounts::model::{AccountState, Contact};
use crate::accounts::store::{self, Identity, Locked};
use crate::kernel::clock::DateTime;
use crate::platform::jobs::Lane;

/// Events that are read at once.
const PAGE: i64 = 1_000;

/// A locked account as it is to be without some of its events.
pub(super) enum Rebuilt {
    /// Everything known of it follows from the events that are left.
    Anew(Box<Folding>),
    /// It stays as it is.
    AsItWas(Box<Locked>),
}

impl Rebuilt {
    pub(super) fn is_anew(&self) -> bool {
        matches!(self, Self::Anew(_))
    }
}

/// Computes a locked account without the events that are to leave it. Called before they leave.
pub(super) async fn without(
    conn: &mut PgConnection,
    locked: Locked,
    leaving: &HashSet<Uuid>,
) -> Result<Rebuilt, sqlx::Error> {
    let account_id = locked.account_id.clone();
    let blank = || {
        let state = AccountState::default();
        Folding::new(vec![Locked { account_id: account_id.clone(), state, version: locked.version }])
    };
    let (mut all, mut rest) = (blank(), blank());
    let mut after = None;
    loop {
        let page = store::applied_events(conn, &account_id, after, PAGE).await?;
        for stored in &page {
            all.add(stored);
            if !leaving.contains(&stored.id) {
                rest.add(stored);
            }
        }
        after = page.last().map(|stored| stored.id);
        if i64::try_from(page.len()).is_ok_and(|count| count < PAGE) {
            break;
        }
    }
    for (folding, leaving) in [(&mut all, None), (&mut rest, Some(leaving))] {
        for (account_id, date) in std::mem::take(&mut folding.refold) {
            let mut entries = store::usage_events_of_day(conn, &account_id, &date.to_string()).await?;
            entries.retain(|entry| leaving.is_none_or(|leaving| !leaving.contains(&entry.id)));
            folding.replace_day(&account_id, date, &entries);
        }
    }
    let people: BTreeMap<String, Contact> = store::list_contacts(conn, &account_id)
        .await?
        .into_iter()
        .map(|row| (row.contact_id, row.doc))
        .collect();
    let explained = people_of(&mut all, BTreeMap::new()).into_iter().map(|row| (row.contact_id, row.doc));
    let complete = all.state(&account_id) == Some(&locked.state) && explained.eq(people);
    if !complete {
        return Ok(Rebuilt::AsItWas(Box::new(locked)));
    }
    rest.insist();
    Ok(Rebuilt::Anew(Box::new(rest)))
}

/// Writes the account as computed; gives it for those who follow accounts.
pub(super) async fn write(
    conn: &mut PgConnection,
    rebuilt: Rebuilt,
    now: DateTime,
) -> Result<Vec<Folded>, sqlx::Error> {
    let mut folding = match rebuilt {
        Rebuilt::Anew(folding) => folding,
        Rebuilt::AsItWas(locked) => {
            let Locked { account_id, state, version } = *locked;
            let current = Current { account_id, state, version };
            let (relevant, lane) = (true, Lane::Normal);
            return Ok(vec![Folded { current, relevant, lane, asked_at: None, settled: false }]);
        }
    };
    let changes = folding.changes();
    for change in &changes {
        store::forget_people_and_keys(conn, change.account_id).await?;
    }
    store::update_accounts(conn, &changes, now).await?;
    write_people(conn, &mut folding, now).await?;
    let identities: Vec<Identity> = std::mem::take(&mut folding.identities);
    store::insert_identities(conn, &identities).await?;
    Ok(folding.finish(Occasion::UseCase, 0).accounts)
}
