//! Which part of a programme a run does: all of it, some phases, or one agent with a task; and whether what it builds on is there.
//!
//! Promises: what is missing is named with the phase that makes it; a task in words is matched to deliverables by its words, and what
//! was chosen is said. Leaves out when anything is done; see [`super::course`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::definition::{CONFIG, Definition, Output, Phase, Step};
use super::deliverable::is_document;
use super::fault::unknown;

/// The longest path, in bytes.
const PATH_MAX: usize = 200;

/// What somebody wants to run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProgrammeScope)]
pub struct Scope {
    /// Ids of phases, such as `strategy`; empty for all, unless an agent is named.
    #[serde(default)]
    pub phases: Vec<String>,
    /// One agent alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What that agent is to do, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
}

/// One output of one step by one agent: what becomes a task of the plan.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'d> {
    pub phase: &'d Phase,
    pub step: &'d Step,
    pub output: &'d Output,
    pub agent: &'d super::definition::Agent,
}

impl Piece<'_> {
    /// The name of its task, such as `gtm-strategy:personas`.
    pub fn task_id(&self) -> String {
        let path = self.path();
        let name = path.trim_end_matches('/').trim_end_matches(".md").rsplit('/').next().unwrap_or_default();
        if self.step.agent == super::definition::ALL_AGENTS {
            let kind = if path.starts_with(&self.agent.folder) { "playbook" } else { "told" };
            format!("{}:{}-{kind}", self.step.id, self.agent.id)
        } else {
            format!("{}:{name}", self.step.id)
        }
    }

    /// Below the root; a folder ends with `/`.
    pub fn path(&self) -> String {
        self.output.path_for(self.agent)
    }

    /// Whether it makes a file: its own, or one directly below its folder.
    pub fn has(&self, path: &str) -> bool {
        let own = self.path();
        let sound = path.len() <= PATH_MAX
            && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
            && path.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        sound
            && match own.strip_suffix('/') {
                Some(_) => {
                    path.strip_prefix(&own).is_some_and(|name| is_document(name) && !name.contains('/'))
                }
                None => path == own,
            }
    }
}

/// Who makes a file, or all files of a folder.
pub fn maker<'d>(pieces: &[Piece<'d>], path: &str) -> Option<Piece<'d>> {
    pieces.iter().find(|piece| piece.has(path) || (piece.output.is_folder() && piece.path() == path)).copied()
}

/// A part of a programme, in reading order.
#[derive(Debug, Clone)]
pub struct Selection<'d> {
    /// The mode that it amounts to, if it is one of the definition's.
    pub mode: Option<String>,
    pub phases: Vec<&'d Phase>,
    pub pieces: Vec<Piece<'d>>,
    /// The words of a single agent's task.
    pub task: Option<String>,
}

/// What a run builds on and that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgrammeMissing)]
pub struct Missing {
    pub input: String,
    /// The step that begins with it.
    pub needed_by: String,
    /// The phase that makes it.
    pub made_in: String,
}

/// Everything of the definition, in reading order.
pub fn pieces(definition: &Definition) -> Vec<Piece<'_>> {
    let mut made = Vec::new();
    for (phase, step) in definition.steps() {
        for agent in definition.doers(step) {
            made.extend(step.outputs.iter().map(|output| Piece { phase, step, output, agent }));
        }
    }
    made
}

/// What a scope means; each fault with its JSON pointer.
pub fn select<'d>(definition: &'d Definition, scope: &Scope) -> Result<Selection<'d>, Vec<(String, String)>> {
    let mut faults = Vec::new();
    let known: Vec<&str> = definition.phases.iter().map(|phase| phase.id.as_str()).collect();
    for (place, phase) in scope.phases.iter().enumerate() {
        if !known.contains(&phase.as_str()) {
            faults.push((format!("#/phases/{place}"), unknown("phase", phase, &known)));
        } else if scope.phases[..place].contains(phase) {
            faults.push((format!("#/phases/{place}"), format!("`{phase}` is named twice")));
        }
    }
    let agents = definition.agent_ids();
    match (&scope.agent, &scope.task) {
        (Some(agent), _) if !agents.contains(&agent.as_str()) => {
            faults.push(("#/agent".to_owned(), unknown("agent", agent, &agents)));
        }
        (Some(_), task) if task.as_ref().is_none_or(|task| task.trim().is_empty()) => {
            faults.push(("#/task".to_owned(), "say in a sentence what the agent is to do".to_owned()));
        }
        (None, Some(_)) => {
            faults.push(("#/agent".to_owned(), "name the agent who is to do the task".to_owned()));
        }
        _ => {}
    }
    if scope.agent.is_some() && !scope.phases.is_empty() {
        faults.push((
            "#/phases".to_owned(),
            "an agent alone runs without phases; leave one of both out".to_owned(),
        ));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(match (&scope.agent, &scope.task) {
        (Some(agent), Some(task)) => alone(definition, agent, task),
        _ => of_phases(definition, &scope.phases),
    })
}

fn of_phases<'d>(definition: &'d Definition, ids: &[String]) -> Selection<'d> {
    let wanted = |phase: &Phase| ids.is_empty() || ids.contains(&phase.id);
    let phases: Vec<&Phase> = definition.phases.iter().filter(|phase| wanted(phase)).collect();
    let names: Vec<&String> = phases.iter().map(|phase| &phase.id).collect();
    let mode = definition
        .modes
        .iter()
        .find(|mode| mode.phases.iter().eq(names.iter().copied()) && !mode.phases.is_empty());
    Selection {
        mode: mode.map(|mode| mode.id.clone()),
        pieces: pieces(definition).into_iter().filter(|piece| wanted(piece.phase)).collect(),
        phases,
        task: None,
    }
}

/// The deliverables of an agent that a task speaks of; the most of them that share the most words with it.
fn alone<'d>(definition: &'d Definition, agent: &str, task: &str) -> Selection<'d> {
    let own: Vec<Piece<'d>> =
        pieces(definition).into_iter().filter(|piece| piece.agent.id == agent).collect();
    let wanted = stems(task);
    let score = |piece: &Piece<'_>| {
        let about = stems(&format!("{} {}", piece.path().replace(['/', '-', '.'], " "), piece.output.about));
        wanted.intersection(&about).count()
    };
    let best = own.iter().map(score).max().unwrap_or_default();
    // Words that fit nothing leave the first deliverable of the agent: somebody sees it and says more.
    let chosen: Vec<Piece<'d>> = if best == 0 {
        own.into_iter().take(1).collect()
    } else {
        own.into_iter().filter(|piece| score(piece) == best).take(3).collect()
    };
    let mut phases: Vec<&Phase> = chosen.iter().map(|piece| piece.phase).collect();
    phases.dedup_by_key(|phase| phase.number);
    let mode = definition.modes.iter().find(|mode| mode.phases.is_empty()).map(|mode| mode.id.clone());
    Selection { mode, phases, pieces: chosen, task: Some(task.trim().to_owned()) }
}

/// The beginnings of the words of a text: `campaigns` and `campaign` are the same here.
pub(super) fn stems(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words
        .filter(|word| {
            word.len() > 3
                && !["with", "from", "that", "this", "last", "want", "need"].contains(&word.as_str())
        })
        .map(|word| word.chars().take(5).collect())
        .collect()
}

impl Selection<'_> {
    /// Whether a path, or something below or above it, is made by this selection.
    pub fn makes(&self, input: &str) -> bool {
        self.pieces.iter().any(|piece| overlaps(&piece.path(), input))
    }

    /// What the steps begin with and nobody makes or has made; `there` are the paths of files that exist.
    pub fn missing<'p>(
        &self,
        definition: &Definition,
        there: impl IntoIterator<Item = &'p str>,
    ) -> Vec<Missing> {
        let there: Vec<&str> = there.into_iter().collect();
        let mut missing: Vec<Missing> = Vec::new();
        for piece in &self.pieces {
            for input in piece.step.inputs.iter().chain(&piece.output.needs) {
                let given =
                    input == CONFIG || self.makes(input) || there.iter().any(|path| overlaps(input, path));
                if given || missing.iter().any(|of| of.input == *input) {
                    continue;
                }
                let maker = pieces(definition).into_iter().find(|piece| overlaps(&piece.path(), input));
                missing.push(Missing {
                    input: input.clone(),
                    needed_by: piece.step.id.clone(),
                    made_in: maker.map(|piece| piece.phase.id.clone()).unwrap_or_default(),
                });
            }
        }
        missing
    }
}

/// Whether two paths are the same, or one lies in the other.
pub fn overlaps(one: &str, other: &str) -> bool {
    one == other
        || (one.ends_with('/') && other.starts_with(one))
        || (other.ends_with('/') && one.starts_with(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Definition {
        Definition::shipped().unwrap()
    }

    fn scope(phases: &[&str]) -> Scope {
        Scope { phases: phases.iter().map(ToString::to_string).collect(), ..Scope::default() }
    }

    #[test]
    fn a_file_lies_where_its_task_puts_it() {
        let definition = definition();
        let pieces = pieces(&definition);
        let by = |path: &str| maker(&pieces, path).map(|piece| piece.path());
        for own in ["strategy/personas/cfo.md", "strategy/personas/"] {
            assert_eq!(by(own).as_deref(), Some("strategy/personas/"), "{own}");
        }
        assert_eq!(by("strategy/gtm-strategy.md").as_deref(), Some("strategy/gtm-strategy.md"));
        for wrong in [
            "strategy/personas/../x.md",
            "strategy/personas/a/b.md",
            "strategy/personas/x.sh",
            "/strategy/personas/x.md",
            "strategy/personas/ü.md",
        ] {
            assert_eq!(by(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn modes_are_those_of_the_source() {
        let definition = definition();
        for (phases, mode) in [
            (vec![], "full"),
            (vec!["strategy"], "strategy"),
            (vec!["pipeline-building", "execution"], "build-and-execute"),
            (vec!["execution", "pipeline-building"], "build-and-execute"),
            (vec!["analysis"], "analysis"),
        ] {
            assert_eq!(select(&definition, &scope(&phases)).unwrap().mode.as_deref(), Some(mode));
        }
        assert_eq!(select(&definition, &scope(&["strategy", "analysis"])).unwrap().mode, None);
    }

    #[test]
    fn what_a_mode_builds_on_is_named_with_the_phase_that_makes_it() {
        let definition = definition();
        let selection = select(&definition, &scope(&["pipeline-building", "execution"])).unwrap();
        let missing = selection.missing(&definition, []);
        assert!(
            missing.iter().any(|of| of.input == "strategy/personas/" && of.made_in == "strategy"),
            "{missing:?}"
        );
        assert!(missing.iter().all(|of| of.made_in == "strategy"), "{missing:?}");
        let all: Vec<String> = pieces(&definition).iter().map(Piece::path).collect();
        assert!(selection.missing(&definition, all.iter().map(String::as_str)).is_empty());
        let full = select(&definition, &Scope::default()).unwrap();
        assert!(full.missing(&definition, []).is_empty());
    }

    #[test]
    fn a_task_in_words_finds_its_deliverable() {
        let definition = definition();
        let cases = [
            (
                "demand-generation",
                "Design Google Ads campaign for Q2 product launch",
                "demand-gen/campaigns/",
            ),
            (
                "growth-analyst",
                "Analyze last month's campaign performance",
                "analytics/performance-analysis.md",
            ),
            ("sales-enablement", "Update the battle card of Gearbook", "sales-enablement/battle-cards/"),
            ("pipeline-manager", "Update the forecast", "pipeline/forecast-methodology.md"),
        ];
        for (agent, task, path) in cases {
            let scope =
                Scope { agent: Some(agent.to_owned()), task: Some(task.to_owned()), ..Scope::default() };
            let selection = select(&definition, &scope).unwrap();
            let paths: Vec<String> = selection.pieces.iter().map(Piece::path).collect();
            assert!(paths.contains(&path.to_owned()), "{task}: {paths:?}");
            assert_eq!(selection.mode.as_deref(), Some("single-agent"));
        }
    }

    #[test]
    fn every_fault_of_a_scope_has_its_pointer() {
        let definition = definition();
        let scope = Scope {
            phases: vec!["strategi".to_owned(), "execution".to_owned(), "execution".to_owned()],
            agent: Some("growth".to_owned()),
            task: None,
        };
        let faults = select(&definition, &scope).unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["#/phases/0", "#/phases/2", "#/agent", "#/phases"]);
        assert!(faults[0].1.contains("did you mean `strategy`?"));
        let nothing = Scope { agent: Some("coordinator".to_owned()), ..Scope::default() };
        assert_eq!(select(&definition, &nothing).unwrap_err()[0].0, "#/task");
    }

    #[test]
    fn names_of_tasks_are_unique() {
        let definition = definition();
        let names: Vec<String> = pieces(&definition).iter().map(Piece::task_id).collect();
        let unique: BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{names:?}");
    }
}
