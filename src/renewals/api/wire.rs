//! Renewals as the API tells them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::plans::Pattern;
use crate::plans::model::{Role, TaskId};
use crate::plans::pattern::pattern;
use crate::renewals::build::{due_date, is_milestone};
use crate::renewals::commands::{Proposal, View};
use crate::renewals::context::Context;
use crate::renewals::measures::Worth;
use crate::renewals::model::{Person, Risk, Tier};
use crate::renewals::money::Money;
use crate::renewals::rating::{PlayProposal, Rating, TierProposal};
use crate::renewals::renewal::{Outcome, Renewal, Status};
use crate::renewals::tracker::{CheckpointStatus, Firing, Held};

/// An amount with its currency.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RenewalMoney)]
pub struct MoneyWire {
    #[schema(value_type = String, example = "64800.00")]
    pub amount: Money,
    #[schema(example = "USD")]
    pub currency: String,
}

impl From<Worth> for MoneyWire {
    fn from(worth: Worth) -> Self {
        Self { amount: worth.amount, currency: worth.currency }
    }
}

/// A renewal in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalSummary)]
pub struct SummaryWire {
    pub renewal_id: Uuid,
    pub account_id: String,
    pub status: Status,
    pub play: String,
    pub tier: Tier,
    pub risk: RiskWire,
    pub deadline: NaiveDate,
    pub score: u32,
    pub created_at: DateTime,
    pub created_by: String,
    pub started_at: Option<DateTime>,
    pub closed_at: Option<DateTime>,
    pub outcome: Option<Outcome>,
    pub close_note: Option<String>,
}

/// The level of risk, and how it came about.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalRiskState)]
pub struct RiskWire {
    pub level: Risk,
    /// Since when.
    pub since: DateTime,
    /// People have set it: the rating does not change it.
    pub pinned: bool,
    /// What it would be by the latest rating, where another level holds.
    pub would_be: Option<Risk>,
    pub rated_at: DateTime,
}

impl From<&Renewal> for SummaryWire {
    fn from(renewal: &Renewal) -> Self {
        Self {
            renewal_id: renewal.id,
            account_id: renewal.account_id.clone(),
            status: renewal.status,
            play: renewal.play.clone(),
            tier: renewal.tier,
            risk: RiskWire {
                level: renewal.risk,
                since: renewal.risk_since,
                pinned: renewal.risk_pinned,
                would_be: renewal.would_be,
                rated_at: renewal.rated_at,
            },
            deadline: renewal.deadline,
            score: renewal.rating.score,
            created_at: renewal.created_at,
            created_by: renewal.created_by.clone(),
            started_at: renewal.started_at,
            closed_at: renewal.closed_at,
            outcome: renewal.outcome,
            close_note: renewal.close_note.clone(),
        }
    }
}

/// A task as it is planned and as far as it has come.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalTask)]
pub struct TaskWire {
    pub task_id: TaskId,
    pub title: String,
    pub stage: String,
    pub owner: Role,
    pub start_at: DateTime,
    pub end_at: DateTime,
    /// The day on which it should be done, counted back from the deadline.
    pub due_date: Option<NaiveDate>,
    /// It is planned later than that.
    pub late: bool,
    pub milestone: bool,
    pub critical: bool,
    pub status: String,
    pub done_at: Option<DateTime>,
}

/// A checkpoint.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalCheckpoint)]
pub struct CheckpointWire {
    pub number: u32,
    pub due_at: DateTime,
    pub owner: Role,
    pub status: CheckpointStatus,
    pub held: Option<Held>,
}

/// A renewal with its plan.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Renewal)]
pub struct RenewalWire {
    #[serde(flatten)]
    pub summary: SummaryWire,
    pub account: String,
    /// The version of its plan.
    pub version: u32,
    pub compressed: bool,
    #[schema(value_type = BTreeMap<String, Person>)]
    pub people: BTreeMap<Role, Person>,
    pub rating: Rating,
    pub objective: String,
    pub pattern: Pattern,
    /// In the order of their dates.
    pub tasks: Vec<TaskWire>,
    pub checkpoints: Vec<CheckpointWire>,
    /// What the rules have told.
    pub escalations: Vec<Firing>,
    /// What helps where dates cannot be kept.
    pub remedies: Vec<String>,
    /// What was known when the plan was made.
    pub context: Option<Context>,
}

impl RenewalWire {
    pub fn tell(view: &View) -> Self {
        let plan = &view.state.plan;
        let mut tasks: Vec<TaskWire> = plan
            .tasks
            .iter()
            .zip(&view.state.schedule.slots)
            .filter(|(task, _)| !task.checkpoint)
            .map(|(task, slot)| {
                let progress = view.state.progress.get(&task.id);
                let due_date = due_date(task);
                let done_at = progress.and_then(|progress| progress.done_at);
                let planned = (slot.end_at - chrono::TimeDelta::microseconds(1)).date_naive();
                TaskWire {
                    task_id: task.id.clone(),
                    title: task.title.clone(),
                    stage: task.stage.clone(),
                    owner: task.owner.clone(),
                    start_at: slot.start_at,
                    end_at: slot.end_at,
                    late: done_at.is_none() && due_date.is_some_and(|due| planned > due),
                    due_date,
                    milestone: is_milestone(task),
                    critical: slot.critical,
                    status: progress.map_or_else(|| "waiting".to_owned(), |progress| progress.status.clone()),
                    done_at,
                }
            })
            .collect();
        tasks.sort_by_key(|task| (task.end_at, task.start_at));
        let checkpoints = view.checkpoints.iter().map(|one| CheckpointWire {
            number: one.checkpoint.n,
            due_at: one.checkpoint.due_at,
            owner: one.checkpoint.owner.clone(),
            status: one.status,
            held: one.checkpoint.held.clone(),
        });
        Self {
            summary: SummaryWire::from(&view.renewal),
            account: view.account.clone(),
            version: view.state.version,
            compressed: view.renewal.terms.compressed,
            people: view.renewal.terms.people.clone(),
            rating: view.renewal.rating.clone(),
            objective: plan.objective.clone(),
            pattern: pattern(plan),
            tasks,
            checkpoints: checkpoints.collect(),
            escalations: view.fired.clone(),
            remedies: view.remedies.clone(),
            context: view.context(),
        }
    }
}

/// A renewal that was made, with what had been proposed for it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MadeRenewal)]
pub struct MadeWire {
    #[serde(flatten)]
    pub renewal: RenewalWire,
    pub proposal: ProposalWire,
}

/// What is proposed, each with why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalProposal)]
pub struct ProposalWire {
    #[schema(inline)]
    pub tier: TierProposal,
    pub risk: Rating,
    #[schema(inline)]
    pub play: PlayProposal,
}

impl From<Proposal> for ProposalWire {
    fn from(proposal: Proposal) -> Self {
        Self { tier: proposal.tier, risk: proposal.rating, play: proposal.play }
    }
}
