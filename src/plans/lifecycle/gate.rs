//! A gate as far as it has come: what was found, and whether it lets go on.
//!
//! Promises: a gate passes when each of its checks has a verdict and all hold, and not before; who may say it is who the
//! check names: the service where it is computed, a person where it is attested; once passed it stays passed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::clock::DateTime;
use crate::kernel::text::sentence_list;
use crate::plans::model::{CheckedBy, Gate};

/// The states of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateStatus {
    /// Something in front of it is not done.
    Waiting,
    /// It can be looked at.
    Open,
    /// Something does not hold; it can be looked at again.
    Failed,
    Passed,
}

impl GateStatus {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Open, Self::Failed, Self::Passed];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Failed => "failed",
            Self::Passed => "passed",
        }
    }

    /// The status of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A gate of a running plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateState {
    pub status: GateStatus,
    /// The last one of each check.
    #[serde(default)]
    pub verdicts: BTreeMap<String, Verdict>,
}

impl Default for GateState {
    fn default() -> Self {
        Self { status: GateStatus::Waiting, verdicts: BTreeMap::new() }
    }
}

/// What was found of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub holds: bool,
    /// Why; where a file or field is at fault, which.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Who said so: a person or agent, or the part of the service that computed it.
    pub by: String,
    pub at: DateTime,
}

/// Why verdicts were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateRefused {
    #[error("gate `{gate}` is {} and can be looked at while it is open or failed", .status.name())]
    Closed { gate: String, status: GateStatus },
    #[error("gate `{gate}` has no check {}; it has {}", quoted(.unknown), quoted(.known))]
    Unknown { gate: String, unknown: Vec<String>, known: Vec<String> },
    #[error("{} of gate `{gate}` {}", quoted(.checks), whose(*.by))]
    NotTheirs { gate: String, checks: Vec<String>, by: CheckedBy },
}

fn quoted(names: &[String]) -> String {
    sentence_list(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>())
}

fn whose(by: CheckedBy) -> &'static str {
    match by {
        CheckedBy::Computed => "is found out by the service from data, and nobody can attest it",
        CheckedBy::Attested => "is attested by the keeper, and cannot be computed",
    }
}

/// Takes verdicts of one kind; gives what the gate now is.
pub fn review(
    state: &mut GateState,
    gate: &Gate,
    by: CheckedBy,
    verdicts: BTreeMap<String, Verdict>,
) -> Result<GateStatus, GateRefused> {
    let name = gate.id.0.clone();
    if !matches!(state.status, GateStatus::Open | GateStatus::Failed) {
        return Err(GateRefused::Closed { gate: name, status: state.status });
    }
    let known: BTreeMap<&str, CheckedBy> =
        gate.checks.iter().map(|check| (check.id.as_str(), check.by)).collect();
    let unknown: Vec<String> =
        verdicts.keys().filter(|id| !known.contains_key(id.as_str())).cloned().collect();
    if !unknown.is_empty() {
        let known = known.into_keys().map(str::to_owned).collect();
        return Err(GateRefused::Unknown { gate: name, unknown, known });
    }
    let others: Vec<String> =
        verdicts.keys().filter(|id| known.get(id.as_str()) != Some(&by)).cloned().collect();
    if !others.is_empty() {
        let owner = match by {
            CheckedBy::Computed => CheckedBy::Attested,
            CheckedBy::Attested => CheckedBy::Computed,
        };
        return Err(GateRefused::NotTheirs { gate: name, checks: others, by: owner });
    }
    state.verdicts.extend(verdicts);
    let found = |id: &str| state.verdicts.get(id).map(|verdict| verdict.holds);
    state.status = if gate.checks.iter().any(|check| found(&check.id) == Some(false)) {
        GateStatus::Failed
    } else if gate.checks.iter().all(|check| found(&check.id) == Some(true)) {
        GateStatus::Passed
    } else {
        GateStatus::Open
    };
    Ok(state.status)
}
