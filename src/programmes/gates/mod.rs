//! Gates: what must hold before a phase goes on, computed from the files themselves.
//!
//! Promises: a check that a rule computes is never assumed and never attested away; a check without a rule waits for the coordinator's
//! word. A finding names the file and the reason. Rules read what lies in the workspace, whoever made it, and compare it with the
//! configuration and with other files. Leaves out when gates are looked at; the plan says that.

pub mod rules;
#[cfg(test)]
pub mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::business::Business;
use super::definition::{Check, Gate};
use super::deliverable::{Deliverable, Kind, is_document};

/// Why a check fails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgrammeFinding)]
pub struct Finding {
    /// Below the root of the workspace.
    pub file: String,
    pub message: String,
    /// The file, or the folder, that it contradicts; nothing where it is wrong by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
}

impl Finding {
    /// Of a file that is wrong by itself.
    pub fn of(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), message: message.into(), against: None }
    }
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgrammeCheckVerdict)]
pub struct Verdict {
    pub check: String,
    pub asks: String,
    /// Nothing while it waits for the coordinator's word.
    pub passed: Option<bool>,
    pub findings: Vec<Finding>,
}

/// The files of a workspace, read once.
#[derive(Debug)]
pub struct Workspace {
    files: BTreeMap<String, (Deliverable, Kind)>,
    /// Files that are no deliverables.
    broken: Vec<Finding>,
}

impl Workspace {
    /// Reads all deliverables; `files` are texts by path below the root. Charts are no deliverables.
    pub fn read<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let mut workspace = Self { files: BTreeMap::new(), broken: Vec::new() };
        for (path, text) in files.into_iter().filter(|(path, _)| is_document(path)) {
            match Deliverable::parse(text) {
                Ok(read) => {
                    workspace.files.insert(path.to_owned(), read);
                }
                Err(fault) => {
                    let at = if fault.path.is_empty() { String::new() } else { format!("{}: ", fault.path) };
                    workspace.broken.push(Finding::of(path, format!("{at}{}", fault.message)));
                }
            }
        }
        workspace
    }

    /// All deliverables by path.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Deliverable, Kind)> {
        self.files.iter().map(|(path, (deliverable, kind))| (path.as_str(), deliverable, *kind))
    }

    /// The deliverable of a path, or those below a folder.
    pub fn below<'w>(&'w self, path: &'w str) -> impl Iterator<Item = (&'w str, &'w Deliverable, Kind)> {
        self.all()
            .filter(move |(file, _, _)| *file == path || (path.ends_with('/') && file.starts_with(path)))
    }

    /// What cannot be read, at a path or below it.
    pub fn broken_at(&self, path: &str) -> Vec<Finding> {
        let fits = |file: &str| file == path || (path.ends_with('/') && file.starts_with(path));
        self.broken.iter().filter(|finding| fits(&finding.file)).cloned().collect()
    }
}

/// Looks at all checks of a gate.
pub fn judge(gate: &Gate, business: &Business, workspace: &Workspace) -> Vec<Verdict> {
    gate.checks.iter().map(|check| verdict(check, business, workspace)).collect()
}

fn verdict(check: &Check, business: &Business, workspace: &Workspace) -> Verdict {
    let verdict =
        |passed, findings| Verdict { check: check.id.clone(), asks: check.asks.clone(), passed, findings };
    if check.rule.is_none() {
        return verdict(None, Vec::new());
    }
    let findings = judge_check(check, business, workspace);
    verdict(Some(findings.is_empty()), findings)
}

/// What speaks against a check that is computed.
pub fn judge_check(check: &Check, business: &Business, workspace: &Workspace) -> Vec<Finding> {
    let Some(rule) = rules::RULES.iter().find(|rule| Some(rule.name) == check.rule.as_deref()) else {
        let message = format!("there is no rule `{}`", check.rule.as_deref().unwrap_or_default());
        return vec![Finding::of(&check.file, message)];
    };
    let mut findings = Vec::new();
    for path in std::iter::once(check.file.as_str()).chain(check.against.as_deref()) {
        let broken = workspace.broken_at(path);
        if broken.is_empty() && workspace.below(path).next().is_none() {
            findings.push(Finding::of(path, "is not there"));
        }
        findings.extend(broken);
    }
    // A rule has nothing to say about what is not there.
    if findings.is_empty() {
        findings = (rule.find)(&rules::Look { business, workspace, check });
    }
    findings.sort();
    findings.dedup();
    findings
}
