//! What routing asks of those who can fetch newer facts: a decision that waits for data says so, and somebody goes.

use super::consequences::Considered;
use crate::kernel::clock::DateTime;
use crate::motions::decide::{GuardrailId, Verdict};
use crate::platform::jobs::NewJob;

/// A group of signals that is too old to decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    Crm,
    Partner,
}

/// Whoever can ask the systems outside for newer facts.
pub trait Freshen: Send + Sync {
    /// The kind of its jobs.
    fn kind(&self) -> &'static str;

    /// The job that refreshes a group of an account's signals; none where no system serves it.
    fn job(&self, account_id: &str, stale: Stale, now: DateTime) -> Option<NewJob>;
}

/// What a decision waits for.
pub(super) fn wanted(made: &Considered, by: &dyn Freshen, now: DateTime) -> Vec<NewJob> {
    let stale = |id| match id {
        GuardrailId::CrmFreshness => Some(Stale::Crm),
        GuardrailId::PartnerSync => Some(Stale::Partner),
        _ => None,
    };
    let failed = made.decision.guardrails.iter().filter(|one| one.verdict == Verdict::Failed);
    failed.filter_map(|one| by.job(&made.account_id, stale(one.id)?, now)).collect()
}
