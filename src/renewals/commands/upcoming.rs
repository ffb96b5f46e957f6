//! The list of coming renewals.
//!
//! Promises: found by an index, judged by the facts as they are now. Accounts are read as their applied events make them,
//! without holding them.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{RenewalError, Renewals};
use crate::accounts::Current;
use crate::accounts::commands::{glance, glance_after};
use crate::accounts::model::AccountState;
use crate::kernel::clock::DateTime;
use crate::renewals::measures::measure;
use crate::renewals::plays::Plays;
use crate::renewals::store;
use crate::renewals::upcoming::{Coming, Starts, coming, next_date, sort};

/// Accounts of one step.
const STEP: i64 = 200;
/// Accounts whose renewals are judged for one answer: beyond that the list says that it is cut.
const ACCOUNTS_MAX: usize = 5_000;

/// Coming renewals, and those of them that are under way.
#[derive(Debug)]
pub struct Upcoming {
    /// As they are to be begun.
    pub list: Vec<Coming>,
    /// The open renewals of accounts of the list, with their dates.
    pub open: BTreeMap<String, Vec<(Uuid, NaiveDate)>>,
    /// More accounts have something that renews in time than one answer looks at.
    pub cut: bool,
    pub today: NaiveDate,
}

impl Renewals {
    /// What renews within so many days.
    pub async fn upcoming(&self, within_days: u32) -> Result<Upcoming, RenewalError> {
        let now = self.clock.now();
        let today = self.plays.calendar().local_date(now);
        let until = today.checked_add_days(Days::new(within_days.into())).unwrap_or(today);
        let mut found = Upcoming { list: Vec::new(), open: BTreeMap::new(), cut: false, today };
        let (mut after, mut looked_at, mut starts) = (String::new(), 0, Starts::default());
        loop {
            let ids = store::next_within(&self.pool, until, &after, STEP).await?;
            let Some(last) = ids.last() else { break };
            after.clone_from(last);
            looked_at += ids.len();
            let mut conn = self.pool.acquire().await?;
            for (account_id, state) in glance(&mut conn, &ids).await? {
                let current = Current { account_id, state, version: 0 };
                let sight = self.sight(&mut conn, &current, now).await?;
                let measures = measure(&self.plays, &sight.known(&current));
                found.list.extend(coming(&self.plays, &current.state, &measures, within_days, &mut starts));
            }
            for (account_id, id, deadline) in store::open_of(&mut conn, &ids).await? {
                found.open.entry(account_id).or_default().push((id, deadline));
            }
            if looked_at >= ACCOUNTS_MAX {
                found.cut = true;
                break;
            }
        }
        sort(&mut found.list);
        Ok(found)
    }

    /// Notes the next dates of all accounts anew: for those that were there before anybody noted them, and for dates that
    /// have passed.
    pub async fn note_all_dates(&self) -> Result<(), sqlx::Error> {
        let mut after = String::new();
        loop {
            let mut conn = self.pool.acquire().await?;
            let states = glance_after(&mut conn, &after, STEP).await?;
            let Some((last, _)) = states.last() else { return Ok(()) };
            last.clone_into(&mut after);
            let states: Vec<(&str, &AccountState)> =
                states.iter().map(|(id, state)| (id.as_str(), state)).collect();
            note(&mut conn, &self.plays, &states, self.clock.now()).await?;
        }
    }
}

/// Notes the next dates of accounts; gives those of them that have open renewals.
pub(super) async fn note(
    conn: &mut PgConnection,
    plays: &Plays,
    states: &[(&str, &AccountState)],
    now: DateTime,
) -> Result<Vec<String>, sqlx::Error> {
    if states.is_empty() {
        return Ok(Vec::new());
    }
    let today = plays.calendar().local_date(now);
    let ids: Vec<&str> = states.iter().map(|(id, _)| *id).collect();
    let dates: Vec<(&str, Option<NaiveDate>)> =
        states.iter().map(|(id, state)| (*id, next_date(plays, state, today))).collect();
    store::note_dates(conn, &ids, &dates).await
}
