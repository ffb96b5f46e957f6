//! The tools, one in each file: what an agent that has never seen the service is told, and the calls of the API behind it.
//!
//! A further tool is a file here with a type that is a [`Tool`], and its line in [`all`].

mod advance_handoff;
mod apply_handoff_design;
mod change_handoff_design;
mod change_programme;
mod change_renewal;
mod claim_task;
mod close_renewal;
mod complete_task;
mod create_handoff;
mod decide_programme_conflict;
mod define_handoff;
mod explain_decision;
mod fail_task;
mod find_accounts;
mod get_account_signals;
mod get_account_timeline;
mod heartbeat_task;
mod hold_renewal_checkpoint;
mod list_conflicts;
mod list_decisions;
mod list_handoffs;
mod list_plans;
mod list_programme_conflicts;
mod list_tasks;
mod list_upcoming_renewals;
mod measure_handoffs;
mod measure_pools;
mod orchestrate_account;
mod pause_programme;
mod plan_renewal;
mod preview_sla;
mod raise_programme_conflict;
mod replay_decision;
mod resolve_conflict;
mod resume_programme;
mod retry_task;
mod review_gate;
mod review_plan_gate;
mod roll_back_handoff_design;
mod run_programme;
mod show_handoff;
mod show_handoff_design;
mod show_plan;
mod show_programme;
mod show_renewal;
mod show_task;
mod sign_handoff_design;
mod skip_task;
mod start_plan;
#[cfg(test)]
mod tests;
mod verify_audit;
mod watch_sla;

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
    tools.add::<watch_sla::WatchSla>();
    tools.add::<define_handoff::DefineHandoff>();
    tools.add::<show_handoff_design::ShowHandoffDesign>();
    tools.add::<sign_handoff_design::SignHandoffDesign>();
    tools.add::<apply_handoff_design::ApplyHandoffDesign>();
    tools.add::<change_handoff_design::ChangeHandoffDesign>();
    tools.add::<roll_back_handoff_design::RollBackHandoffDesign>();
    tools.add::<list_upcoming_renewals::ListUpcomingRenewals>();
    tools.add::<plan_renewal::PlanRenewal>();
    tools.add::<show_renewal::ShowRenewal>();
    tools.add::<hold_renewal_checkpoint::HoldRenewalCheckpoint>();
    tools.add::<change_renewal::ChangeRenewal>();
    tools.add::<close_renewal::CloseRenewal>();
    tools.add::<list_plans::ListPlans>();
    tools.add::<show_plan::ShowPlan>();
    tools.add::<start_plan::StartPlan>();
    tools.add::<review_plan_gate::ReviewPlanGate>();
    tools.add::<list_tasks::ListTasks>();
    tools.add::<show_task::ShowTask>();
    tools.add::<claim_task::ClaimTask>();
    tools.add::<heartbeat_task::HeartbeatTask>();
    tools.add::<complete_task::CompleteTask>();
    tools.add::<fail_task::FailTask>();
    tools.add::<skip_task::SkipTask>();
    tools.add::<retry_task::RetryTask>();
    tools.add::<run_programme::RunProgramme>();
    tools.add::<show_programme::ShowProgramme>();
    tools.add::<review_gate::ReviewGate>();
    tools.add::<change_programme::ChangeProgramme>();
    tools.add::<pause_programme::PauseProgramme>();
    tools.add::<resume_programme::ResumeProgramme>();
    tools.add::<list_programme_conflicts::ListProgrammeConflicts>();
    tools.add::<raise_programme_conflict::RaiseProgrammeConflict>();
    tools.add::<decide_programme_conflict::DecideProgrammeConflict>();
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
