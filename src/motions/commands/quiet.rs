//! Looks that find nothing new: most of them, so they are read, decided and noted together.
//!
//! Promises: an account counts as quiet only when a decision would say what the latest one says and would do nothing; a
//! panic over one account makes it a matter for a decision of its own and takes nobody with it.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sqlx::PgConnection;

use super::consequences::fingerprint;
use super::orchestrate::{TOUCHES_READ, wake};
use super::{MotionError, Policies};
use crate::accounts::model::AccountState;
use crate::kernel::clock::DateTime;
use crate::motions::decide::decide;
use crate::motions::model::Outcome;
use crate::motions::policy::Policy;
use crate::motions::signals::{self, Failing};
use crate::motions::store::{self, Guards};
use crate::platform::jobs::NewJob;

/// Accounts about which there is nothing new to say.
#[derive(Default)]
pub(super) struct Quiet {
    pub accounts: HashSet<String>,
    /// When time alone will change that; for the caller to ask for.
    pub wakes: Vec<NewJob>,
}

/// Finds the quiet ones among accounts and notes that they were looked at. What changes afterwards asks for a look of
/// its own, so the accounts need not be locked.
pub(super) async fn find_quiet(
    conn: &mut PgConnection,
    policies: &Policies,
    accounts: &[(&str, &AccountState)],
    failing: Failing,
    now: DateTime,
) -> Result<Quiet, MotionError> {
    if accounts.is_empty() {
        return Ok(Quiet::default());
    }
    let ids: Vec<String> = accounts.iter().map(|(account_id, _)| (*account_id).to_owned()).collect();
    let guards = store::guards_of(conn, &ids, now - TOUCHES_READ, now).await?;
    let mut quiet = Quiet::default();
    for (account_id, state) in accounts {
        let Some(guards) = guards.get(*account_id) else { continue };
        let Some(version) = &guards.policy_version else { continue };
        let policy = policies.get(conn, version).await?;
        policies.note_latest(&policy);
        let Some(look) = calmly(account_id, || Look::at(&policy, state, guards, failing, now)) else {
            continue;
        };
        if look.is_quiet {
            quiet.wakes.extend(look.wake_at.map(|at| wake(account_id, at, now)));
            quiet.accounts.insert((*account_id).to_owned());
        }
    }
    let looked_at: Vec<String> = quiet.accounts.iter().cloned().collect();
    store::note_evaluated(conn, &looked_at, now).await?;
    metrics::counter!("gtm_evaluations_total", "outcome" => "unchanged", "recorded" => "false")
        .increment(quiet.accounts.len() as u64);
    Ok(quiet)
}

struct Look {
    is_quiet: bool,
    wake_at: Option<DateTime>,
}

impl Look {
    fn at(policy: &Policy, state: &AccountState, guards: &Guards, failing: Failing, now: DateTime) -> Self {
        let signals = signals::derive(policy.definitions(), state, failing, now);
        let decision = decide(policy, &signals, &guards.ledger(state), now);
        // What is to be done is done again, though it says the same: a hold that is over is taken anew.
        let idle = decision.outcome != Outcome::Executed;
        let latest = guards.latest.as_ref();
        let is_quiet =
            idle && latest.is_some_and(|latest| latest.fingerprint == fingerprint(&decision, policy));
        Self { is_quiet, wake_at: decision.wake_at }
    }
}

/// What `look` gives; nothing when it panics.
fn calmly<T>(account_id: &str, look: impl FnOnce() -> T) -> Option<T> {
    let looked = catch_unwind(AssertUnwindSafe(look));
    if looked.is_err() {
        tracing::error!(account = account_id, "a look panicked; the account is decided about alone");
    }
    looked.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_panics_is_nothing_found() {
        assert_eq!(calmly("acc_1", || 7), Some(7));
        assert_eq!(calmly("acc_1", || -> i32 { panic!("a fault in the rules") }), None);
    }
}
