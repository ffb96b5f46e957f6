//! The tools, one in each file: what an agent that has never seen the service is told, and the calls of the API behind it.
//!
//! A further tool is a file here with a type that is a [`Tool`], and its line in [`all`].

mod advance_handoff;
mod create_handoff;
mod explain_decision;
mod find_accounts;
mod get_account_signals;
mod get_account_timeline;
mod list_conflicts;
mod list_decisions;
mod list_handoffs;
mod measure_handoffs;
mod measure_pools;
mod orchestrate_account;
mod preview_sla;
mod replay_decision;
mod resolve_conflict;
mod show_handoff;
#[cfg(test)]
mod tests;
mod verify_audit;

use super::calls::Operations;
use super::tool::{Entry, Tool};

/// All tools, in the order in which they are listed; those that do not fit the API become faults.
pub fn all(operations: &Operations, faults: &mut Vec<String>) -> Vec<Entry> {
    let mut tools = Tools { operations, faults, entries: Vec::new() };
    tools.add::<find_accounts::FindAccounts>();
    tools.add::<get_account_signals::GetAccountSignals>();
    tools.add::<get_account_timeline::GetAccountTimeline>();
    tools.add::<orchestrate_account::OrchestrateAccount>();
    tools.add::<list_decisions::ListDecisions>();
    tools.add::<explain_decision::ExplainDecision>();
    tools.add::<replay_decision::ReplayDecision>();
    tools.add::<list_conflicts::ListConflicts>();
    tools.add::<resolve_conflict::ResolveConflict>();
    tools.add::<create_handoff::CreateHandoff>();
    tools.add::<list_handoffs::ListHandoffs>();
    tools.add::<show_handoff::ShowHandoff>();
    tools.add::<advance_handoff::AdvanceHandoff>();
    tools.add::<preview_sla::PreviewSla>();
    tools.add::<measure_handoffs::MeasureHandoffs>();
    tools.add::<measure_pools::MeasurePools>();
    tools.add::<verify_audit::VerifyAudit>();
    tools.entries
}

struct Tools<'a> {
    operations: &'a Operations,
    faults: &'a mut Vec<String>,
    entries: Vec<Entry>,
}

impl Tools<'_> {
    fn add<T: Tool>(&mut self) {
        match Entry::of::<T>(self.operations) {
            Some(entry) => self.entries.push(entry),
            None => self.faults.push(format!("{}: its first call has no answer in JSON", T::NAME)),
        }
    }
}
