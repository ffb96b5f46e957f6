//! The files of a definition as they are written: each name that leads somewhere keeps its place.

use serde::Deserialize;
use toml::Spanned;

pub(super) type Name = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentsFile {
    pub agents: Vec<WrittenAgent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAgent {
    pub id: Name,
    pub title: String,
    pub commits_as: String,
    pub does: String,
    pub folder: String,
    pub fallback: Name,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgrammeFile {
    pub name: String,
    pub root: String,
    pub estimated_parallel_minutes: u32,
    pub estimated_sequential_minutes: u32,
    pub modes: Vec<WrittenMode>,
    pub situations: Vec<WrittenSituation>,
    pub scenarios: Vec<WrittenScenario>,
    pub restart: WrittenRestart,
    pub contracts: Vec<WrittenContract>,
    pub folders: WrittenFolders,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenMode {
    pub id: Name,
    pub title: String,
    pub phases: Vec<Name>,
    #[serde(default)]
    pub use_when: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSituation {
    pub id: Name,
    pub says: String,
    pub run: Name,
    #[serde(default)]
    pub agents: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenScenario {
    pub id: Name,
    pub title: String,
    pub phases: Vec<Name>,
    pub focus: Vec<String>,
    pub risk: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRestart {
    pub cac_over_target: Spanned<f64>,
    pub months_without_improvement: Spanned<u32>,
    pub asked: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenContract {
    pub from: Name,
    pub to: Vec<Name>,
    pub path: Name,
    pub about: String,
    pub rule: Option<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFolders {
    pub status: String,
    pub conflicts: String,
    pub decisions: String,
    pub learnings: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhaseFile {
    pub id: Name,
    pub number: u32,
    pub title: String,
    pub purpose: String,
    pub order: Name,
    pub estimated_minutes: u32,
    pub branch: String,
    pub steps: Vec<WrittenStep>,
    #[serde(default)]
    pub gates: Vec<WrittenGate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenStep {
    pub id: Name,
    pub agent: Name,
    pub title: String,
    pub minutes: Spanned<u32>,
    pub branch: String,
    #[serde(default)]
    pub after: Vec<Name>,
    pub inputs: Vec<Name>,
    pub activities: Vec<String>,
    pub outputs: Vec<WrittenOutput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenOutput {
    pub path: Name,
    pub about: String,
    pub kind: Name,
    pub each: Option<Name>,
    #[serde(default)]
    pub items: Vec<WrittenItem>,
    pub template: Option<Name>,
    #[serde(default)]
    pub needs: Vec<Name>,
    pub commit: String,
    #[serde(default)]
    pub charts: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenItem {
    pub slug: String,
    pub title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGate {
    pub id: Name,
    pub title: String,
    pub after: Vec<Name>,
    pub checks: Vec<WrittenCheck>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCheck {
    pub id: Name,
    pub asks: String,
    pub rule: Option<Name>,
    /// Said where no rule computes it.
    #[serde(default)]
    pub attested: bool,
    pub file: Name,
    pub against: Option<Name>,
    #[serde(default)]
    pub sections: Vec<String>,
}
