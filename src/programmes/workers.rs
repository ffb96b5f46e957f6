//! Who fills the agents of a run: five kinds of worker on one queue.
//!
//! Promises: each task names the queue on which its worker looks; an agent whom nobody fills is filled by the one who stands in,
//! and the task says for whom. A circle of agents whom nobody fills is a fault.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::definition::Definition;
use super::fault::unknown;

/// The queue of the built-in drafter.
pub const DRAFTER: &str = "drafter";
/// The queue of the language model.
pub const MODEL: &str = "model";

/// A kind of worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProgrammeWorker)]
pub enum Worker {
    /// The built-in drafter.
    Drafter,
    /// The language model of the settings.
    Model,
    /// A program that claims over the API, on a queue named after the agent.
    Outside,
    /// An AI agent that claims over MCP, on the same queue.
    Assistant,
    /// A person who claims by command line, console or API, on the same queue.
    Person,
    /// Nobody: whoever stands in does it.
    Nobody,
}

/// Which worker fills which agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProgrammeWorkers)]
pub struct Workers {
    /// For all that are not named.
    #[serde(default = "drafter")]
    pub all: Worker,
    /// By agent.
    #[serde(default)]
    pub agents: BTreeMap<String, Worker>,
}

fn drafter() -> Worker {
    Worker::Drafter
}

impl Default for Workers {
    fn default() -> Self {
        Self { all: drafter(), agents: BTreeMap::new() }
    }
}

/// Who does the work of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// The agent itself, or who stands in.
    pub agent: String,
    pub worker: Worker,
}

impl Workers {
    pub fn of(&self, agent: &str) -> Worker {
        self.agents.get(agent).copied().unwrap_or(self.all)
    }

    /// Who does the work of an agent; nothing where nobody along the line stands in.
    pub fn acting(&self, definition: &Definition, agent: &str) -> Option<Acting> {
        let mut at = agent.to_owned();
        for _ in 0..=definition.agents.len() {
            let worker = self.of(&at);
            if worker != Worker::Nobody {
                return Some(Acting { agent: at, worker });
            }
            at.clone_from(&definition.agent(&at)?.fallback);
        }
        None
    }

    /// Everything that is wrong, with its JSON pointer.
    pub fn faults(&self, definition: &Definition, has_model: bool) -> Vec<(String, String)> {
        let agents = definition.agent_ids();
        let mut faults = Vec::new();
        for (agent, _) in self.agents.iter().filter(|(agent, _)| !agents.contains(&agent.as_str())) {
            faults.push((format!("#/workers/agents/{agent}"), unknown("agent", agent, &agents)));
        }
        for agent in agents {
            match self.acting(definition, agent) {
                None => faults.push((
                    format!("#/workers/agents/{agent}"),
                    format!("nobody fills `{agent}`, nor anybody who stands in; name a worker for one of them"),
                )),
                Some(acting) if acting.worker == Worker::Model && !has_model => faults.push((
                    format!("#/workers/agents/{agent}"),
                    "there is no language model in the settings; set `programmes.model.base_url` and `.model`".to_owned(),
                )),
                Some(_) => {}
            }
        }
        faults
    }
}

impl Acting {
    /// The queue on which the worker looks.
    pub fn queue(&self) -> &str {
        match self.worker {
            Worker::Drafter => DRAFTER,
            Worker::Model => MODEL,
            Worker::Outside | Worker::Assistant | Worker::Person | Worker::Nobody => &self.agent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_missing_is_stood_in_for() {
        let definition = Definition::shipped().unwrap();
        let mut workers = Workers { all: Worker::Outside, ..Workers::default() };
        workers.agents.insert("demand-generation".to_owned(), Worker::Nobody);
        workers.agents.insert("growth-analyst".to_owned(), Worker::Drafter);
        let acting = workers.acting(&definition, "demand-generation").unwrap();
        assert_eq!((acting.agent.as_str(), acting.queue()), ("growth-analyst", DRAFTER));
        assert_eq!(workers.acting(&definition, "coordinator").unwrap().queue(), "coordinator");
        assert!(workers.faults(&definition, false).is_empty());
        // The coordinator and the analyst stand in for each other.
        workers.agents.insert("growth-analyst".to_owned(), Worker::Nobody);
        workers.agents.insert("coordinator".to_owned(), Worker::Nobody);
        workers.agents.insert("copywriter".to_owned(), Worker::Drafter);
        let faults = workers.faults(&definition, false);
        let pointers: Vec<&str> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert!(
            pointers.contains(&"#/workers/agents/copywriter")
                && pointers.contains(&"#/workers/agents/demand-generation"),
            "{faults:?}"
        );
    }

    #[test]
    fn a_model_must_be_set_up() {
        let definition = Definition::shipped().unwrap();
        let workers = Workers { all: Worker::Model, ..Workers::default() };
        assert_eq!(workers.faults(&definition, false).len(), 7);
        assert!(workers.faults(&definition, true).is_empty());
    }
}
