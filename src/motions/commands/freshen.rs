//! What routing asks of those who can fetch newer facts: a decision that waits for data says so, and somebody goes; who
//! asks for a decision has old facts fetched for the next one.

use super::consequences::Considered;
use crate::kernel::clock::DateTime;
use crate::motions::decide::{GuardrailId, Verdict};
use crate::motions::signals::Failing;
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

    /// The groups whose system cannot be read at present, as far as this process knows: asks nobody.
    fn failing(&self) -> Failing;
}

/// What a decision waits for, and where somebody asked for it also what is older than the policy takes, whether or not
/// this decision needs it.
pub(super) fn wanted(made: &Considered, is_asked: bool, by: &dyn Freshen, now: DateTime) -> Vec<NewJob> {
    let stale = |id| match id {
        GuardrailId::CrmFreshness => Some(Stale::Crm),
        GuardrailId::PartnerSync => Some(Stale::Partner),
        _ => None,
    };
    let failed = made.decision.guardrails.iter().filter(|one| one.verdict == Verdict::Failed);
    let waits_for = failed.filter_map(|one| stale(one.id));
    let old = old(made, now).into_iter().filter(|_| is_asked);
    waits_for.chain(old).filter_map(|stale| by.job(&made.account_id, stale, now)).collect()
}

/// The groups that are older than the policy takes; exactly as old is taken.
fn old(made: &Considered, now: DateTime) -> Vec<Stale> {
    let (signals, gates) = (&made.signals, made.policy.guardrails());
    let groups = [
        (Stale::Crm, signals.crm.provenance.as_of, gates.crm.max_age),
        (Stale::Partner, signals.partner.synced_at, gates.partner.max_age),
    ];
    let is_old = |(stale, at, max_age): (Stale, Option<DateTime>, chrono::TimeDelta)| {
        at.is_none_or(|at| now - at > max_age).then_some(stale)
    };
    groups.into_iter().filter_map(is_old).collect()
}
