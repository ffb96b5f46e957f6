//! What a programme consists of, as data: phases, steps, outputs, gates, agents, modes, scenarios, contracts.
//!
//! Ships in `config/programme/` and can be replaced by a folder of the same shape. Promises: a [`Definition`] leads nowhere
//! wrong: every agent, step, rule, kind, template and file that it names exists, every input is made before it is needed,
//! and a fault says the line. Leaves out what the files say ([`super::draft`]) and whether checks hold ([`super::gates`]).

mod build;
mod check;
mod load;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeMap;

use serde::Serialize;

pub use load::{SHIPPED, Source};

use super::fault::Fault;

/// The agents whom the source of the programme names; a definition may have others.
pub const AGENTS: [&str; 7] = [
    "coordinator",
    "brand-messaging",
    "growth-analyst",
    "demand-generation",
    "sales-enablement",
    "pipeline-manager",
    "customer-success",
];
/// Stands for all agents.
pub const ALL_AGENTS: &str = "*";
/// What a situation runs whose scenario says the phases.
pub const SCENARIO_PHASES: &str = "scenario";
/// The configuration, as an input.
pub const CONFIG: &str = "CONFIG.md";

/// A whole programme.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    pub name: String,
    /// The folder in which everything lies, such as `workspace`.
    pub root: String,
    /// What the source estimates for a whole run.
    pub estimated_parallel_minutes: u32,
    pub estimated_sequential_minutes: u32,
    pub agents: Vec<Agent>,
    /// By number.
    pub phases: Vec<Phase>,
    pub modes: Vec<Mode>,
    pub situations: Vec<Situation>,
    pub scenarios: Vec<ScenarioRule>,
    pub restart: Restart,
    pub contracts: Vec<Contract>,
    pub folders: Folders,
    /// Texts of deliverables by name.
    #[serde(skip)]
    pub templates: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    pub id: String,
    pub title: String,
    /// The name in brackets before a commit's message.
    pub commits_as: String,
    pub does: String,
    /// Where its files lie, below the root.
    pub folder: String,
    /// Who stands in when nobody fills it.
    pub fallback: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Sequential,
    Parallel,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    pub id: String,
    pub number: u32,
    pub title: String,
    pub purpose: String,
    pub order: Order,
    pub estimated_minutes: u32,
    /// Below `gtm/`; merged into `main` once.
    pub branch: String,
    pub steps: Vec<Step>,
    pub gates: Vec<Gate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub id: String,
    /// An agent, or [`ALL_AGENTS`].
    pub agent: String,
    pub title: String,
    pub minutes: u32,
    /// Below `gtm/`, with `{date}`, `{quarter}`, `{agent}` and `{channel}`; with that one there is a branch for each channel.
    pub branch: String,
    /// Steps that come first.
    pub after: Vec<String>,
    pub inputs: Vec<String>,
    pub activities: Vec<String>,
    pub outputs: Vec<Output>,
}

/// A file, or a folder of files, that a step makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Below the root; a folder ends with `/`. May contain `{agent}` and `{folder}`.
    pub path: String,
    pub about: String,
    /// What data the deliverable carries, one of [`super::deliverable::Kind`].
    pub kind: String,
    /// One file for each of these, in a folder.
    pub each: Option<Each>,
    /// One file for each of these, in a folder.
    pub items: Vec<Item>,
    /// The name of the template.
    pub template: String,
    /// Besides the inputs of the step.
    pub needs: Vec<String>,
    /// The message of its commit, without the agent; with `{count}`, `{names}`, `{onboarding_days}` and `{channel}`.
    pub commit: String,
    /// Charts beside it, by name.
    pub charts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    pub slug: String,
    pub title: String,
}

/// What a folder has one file for each of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    Persona,
    Competitor,
    Channel,
    Segment,
    Experiment,
}

impl Each {
    pub const ALL: [(&'static str, Self); 5] = [
        ("persona", Self::Persona),
        ("competitor", Self::Competitor),
        ("channel", Self::Channel),
        ("segment", Self::Segment),
        ("experiment", Self::Experiment),
    ];
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    pub id: String,
    pub title: String,
    /// Steps that must be done first.
    pub after: Vec<String>,
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub id: String,
    pub asks: String,
    /// A rule of [`super::gates`]; the coordinator attests it where there is none.
    pub rule: Option<String>,
    /// The file or folder that is looked at.
    pub file: String,
    /// The one that it is compared with.
    pub against: Option<String>,
    /// What must be there, as the rule needs it.
    pub sections: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mode {
    pub id: String,
    pub title: String,
    pub phases: Vec<String>,
    pub use_when: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Situation {
    pub id: String,
    pub says: String,
    /// A mode, or [`SCENARIO_PHASES`].
    pub run: String,
    pub agents: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioRule {
    pub id: String,
    pub title: String,
    pub phases: Vec<String>,
    pub focus: Vec<String>,
    pub risk: String,
}

/// When to begin anew instead of going on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    pub cac_over_target: f64,
    pub months_without_improvement: u32,
    /// What only people can say.
    pub asked: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    pub from: String,
    pub to: Vec<String>,
    pub path: String,
    pub about: String,
    pub rule: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Folders {
    pub status: String,
    pub conflicts: String,
    pub decisions: String,
    pub learnings: String,
}

impl Definition {
    /// Reads and checks a definition.
    pub fn read(source: &Source) -> Result<Self, Vec<Fault>> {
        check::definition(source)
    }

    /// The one that ships.
    pub fn shipped() -> Result<Self, Vec<Fault>> {
        Self::read(&Source::shipped())
    }

    pub fn agent(&self, id: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }

    pub fn agent_ids(&self) -> Vec<&str> {
        self.agents.iter().map(|agent| agent.id.as_str()).collect()
    }

    pub fn phase(&self, id: &str) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id == id)
    }

    pub fn mode(&self, id: &str) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.id == id)
    }

    /// All steps with their phases, in reading order.
    pub fn steps(&self) -> impl Iterator<Item = (&Phase, &Step)> {
        self.phases.iter().flat_map(|phase| phase.steps.iter().map(move |step| (phase, step)))
    }

    /// The agents who do a step.
    pub fn doers<'d>(&'d self, step: &Step) -> Vec<&'d Agent> {
        let all = step.agent == ALL_AGENTS;
        self.agents.iter().filter(|agent| all || agent.id == step.agent).collect()
    }
}

impl Output {
    /// The path for one agent.
    pub fn path_for(&self, agent: &Agent) -> String {
        self.path.replace("{agent}", &agent.id).replace("{folder}", &agent.folder)
    }

    pub fn is_folder(&self) -> bool {
        self.path.ends_with('/')
    }
}
