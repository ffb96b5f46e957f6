//! A plan as a document: what is to be done, by whom, in which order, and by when.
//!
//! Promises: one value holds everything that was agreed, and nothing of how far it has come, so that a version is never
//! changed and the difference of two versions is all that was decided in between. Names inside a plan (tasks, gates, roles)
//! lead somewhere once [`mod@crate::plans::check`] has found no fault.
//! Leaves out: dates that follow from the rest; [`mod@crate::plans::schedule`] computes them.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::kernel::calendar::{CalendarDraft, Length};
use crate::kernel::clock::DateTime;

/// What a plan is for; a slice owns each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    HandoffDesign,
    Renewal,
    Programme,
}

impl PlanKind {
    pub const ALL: [Self; 3] = [Self::HandoffDesign, Self::Renewal, Self::Programme];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::HandoffDesign => "handoff_design",
            Self::Renewal => "renewal",
            Self::Programme => "programme",
        }
    }

    /// The kind of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One version of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    pub kind: PlanKind,
    /// In a sentence, what is reached when all is done.
    pub objective: String,
    /// Nothing starts earlier.
    pub start_at: DateTime,
    /// By when all is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime>,
    /// Which end the dates hang on.
    pub direction: Direction,
    /// In the order in which people read them; what must come before what is said by `depends_on`.
    pub tasks: Vec<Task>,
    /// Where everything waits until somebody has looked, or until something has been computed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Everybody who is named, by role.
    pub roles: BTreeMap<Role, Holder>,
    /// The hours by which work is counted, by name; `Holder::calendar` names them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calendars: BTreeMap<String, CalendarDraft>,
    pub error_handling: ErrorHandling,
    /// What tells afterwards whether it was worth it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub success_metrics: Vec<SuccessMetric>,
    /// What was known when the plan was made, and is passed on to whoever works on a task.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub context: Map<String, Value>,
}

/// Which end of a plan is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Everything as early as it can be, from the start.
    Forward,
    /// Everything as late as it may be, back from the deadline.
    Workback,
}

/// The name of a task within its plan, such as `routing-blueprint`: 1 to 128 of `A-Za-z0-9_.:-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "routing-blueprint")]
pub struct TaskId(pub String);

/// The name of a role, such as `revops_director`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = PlanRole, value_type = String, example = "revops_director")]
pub struct Role(pub String);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing to be done by one role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Task {
    pub id: TaskId,
    pub title: String,
    /// What exactly, for whoever does it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The heading it stands under, such as `routing`; a phase of a programme.
    pub stage: String,
    pub owner: Role,
    /// What kind of work it is, for those who claim by kind, such as `review` or `draft`.
    pub work: String,
    /// What must be there to begin: names of documents, fields, decisions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// What is there afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// What must be done before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<TaskId>,
    #[schema(value_type = TaskDuration)]
    pub duration: Duration,
    /// Not earlier, whatever else is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime>,
    /// Not later, whatever else has time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DateTime>,
    /// A checkpoint is looked at: one that is missed counts, see [`ErrorHandling`].
    #[serde(default)]
    pub checkpoint: bool,
    /// Belongs to the kind of plan.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
}

/// What schemas call it, which take a `Duration` for a text.
type TaskDuration = Duration;

/// How long a task takes whoever does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TaskDuration)]
pub enum Duration {
    /// So many working days of the owner, whole: from the opening of the first to the closing of the last. At least one.
    WorkingDays(u16),
    /// So much of the owner's working time.
    Time(Length),
}

/// A place where a plan waits: what is behind it does not start before everything in front is done and the gate has passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// Shares the names of tasks.
    pub id: TaskId,
    pub title: String,
    /// What must be done first.
    pub after: Vec<TaskId>,
    /// What waits.
    pub before: Vec<TaskId>,
    /// Who says that it may go on.
    pub keeper: Role,
    /// What is looked at.
    pub checks: Vec<GateCheck>,
}

/// One thing that must hold for a gate to pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateCheck {
    /// Unique within the gate.
    pub id: String,
    /// In a sentence, what must hold.
    pub asks: String,
    pub by: CheckedBy,
}

/// Who finds out whether a check holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckedBy {
    /// The service, from data.
    Computed,
    /// The keeper, by name and with a reason.
    Attested,
}

/// Who fills a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holder {
    /// As written under a document.
    pub title: String,
    /// The person or the agent, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The rep of the roster, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rep_id: Option<String>,
    /// The role that stands in when this one is missing or does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Role>,
    /// Names one of the plan's calendars; around the clock without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Days off besides those of the calendar.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days_off: Vec<NaiveDate>,
}

/// What happens when something does not go as planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorHandling {
    /// How often a failed task or a missed checkpoint is tried again before the ladder is climbed. Two by default.
    pub retries: u8,
    /// Who is told, one after the other.
    pub ladder: Vec<Role>,
    /// From one rung to the next, in wall time.
    #[schema(value_type = String, example = "24h")]
    pub rung_after: Length,
    /// What counts as too much in too short a time.
    pub guardrail: Guardrail,
}

/// So many failures within a window, and those named are told at once, whatever rung was reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrail {
    /// Two by the sources.
    pub exceeded: u8,
    /// 48 hours by the sources; rolling.
    #[schema(value_type = String, example = "48h")]
    pub within: Length,
    pub tell: Vec<Role>,
}

/// A figure that the plan is meant to move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SuccessMetric {
    pub name: String,
    /// As written, with its unit, such as `90 %`.
    pub target: String,
    /// Where the figure comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub measured_by: String,
}
