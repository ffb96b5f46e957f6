//! Policies: versioned data that says what the words mean, what each motion is judged by, which rule leads
//! where, and what guards an account.
//!
//! Promises: a [`Policy`] in hand has passed every check, so that deciding by it cannot fail; a file with
//! faults gives all of them at once, each with its place. Equal content has one version, whatever format
//! and comments it came with. Cloning shares; a policy never changes.

mod cel;
pub mod change;
mod fault;
mod json;
mod model;
mod position;
mod read;
mod section;
#[cfg(test)]
mod tests;
mod tree;
pub mod vocabulary;

use std::sync::Arc;

pub use fault::{Fault, FaultCode};
pub use model::*;
pub use vocabulary::{WordEntry, current_motion, live_claims, vocabulary};

use crate::kernel::clock::DateTime;
use crate::kernel::json::{canonical, sha256};
use crate::motions::model::{Ledger, Motion, Signals};
use fault::Faults;
use vocabulary::Scope;

/// Longest policy file in bytes.
pub const FILE_MAX: usize = 256 * 1024;

/// The policies that ship with the service, by name: the default, which is put in force on an empty database, and a
/// second one that adds a branch to it.
pub const BUILT_IN: [(&str, &str); 2] = [
    ("default", include_str!("../../../config/policies/default.toml")),
    ("product-led-sales", include_str!("../../../config/policies/product-led-sales.toml")),
];

/// The format of a policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Toml,
    Json,
}

/// A checked policy. Cheap to clone and to share between threads.
#[derive(Debug, Clone)]
pub struct Policy(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    version: String,
    content: serde_json::Value,
    rules: Rules,
}

impl Policy {
    /// Parses, checks and compiles a policy file.
    ///
    /// # Errors
    /// All faults of the file, in file order.
    pub fn compile(text: &str, format: Format) -> Result<Self, Vec<Fault>> {
        let read = cel::on_deep_stack(|| {
            let faults = Faults::new(text);
            match compile(format, &faults) {
                Some(policy) if faults.is_empty() => Ok(policy),
                _ => Err(faults.into_sorted()),
            }
        });
        read.unwrap_or_else(|error| {
            let faults = Faults::new(text);
            let message = format!("the policy was not read: no thread could be started ({error}); try again");
            faults.add(FaultCode::TooLarge, &(0..0), "", message);
            Err(faults.into_sorted())
        })
    }

    /// The policy that ships as the default.
    ///
    /// # Errors
    /// Never in a released build: a test compiles the file.
    pub fn built_in(name: &str) -> Option<Result<Self, Vec<Fault>>> {
        let (_, text) = BUILT_IN.into_iter().find(|(known, _)| *known == name)?;
        Some(Self::compile(text, Format::Toml))
    }

    /// `<name>-<first 12 hex digits of the SHA-256 of the canonical content>`.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    pub fn name(&self) -> &str {
        &self.0.rules.name
    }

    pub fn description(&self) -> &str {
        &self.0.rules.description
    }

    /// The content as JSON without comments; it compiles to the same version.
    pub fn content(&self) -> &serde_json::Value {
        &self.0.content
    }

    pub fn definitions(&self) -> &Definitions {
        &self.0.rules.definitions
    }

    /// How a motion is judged.
    pub fn motion(&self, motion: Motion) -> &MotionRules {
        &self.0.rules.motions[motion.index()]
    }

    /// The ladder; the last branch takes every account.
    pub fn branches(&self) -> &[Branch] {
        &self.0.rules.branches
    }

    pub fn guardrails(&self) -> &Guardrails {
        &self.0.rules.guardrails
    }

    pub fn confidence(&self) -> &ConfidenceRules {
        &self.0.rules.confidence
    }

    /// A downstream skill by its name.
    pub fn skill(&self, name: &str) -> Option<&Skill> {
        self.0.rules.skills.iter().find(|skill| &*skill.name == name)
    }

    pub fn skills(&self) -> &[Skill] {
        &self.0.rules.skills
    }

    /// The name of a partner for readers; the id where the policy has none.
    pub fn partner_name<'a>(&'a self, partner_id: &'a str) -> &'a str {
        self.0.rules.partners.get(partner_id).map_or(partner_id, String::as_str)
    }

    /// Whether an account belongs in the priority lane.
    pub fn is_hot(&self, signals: &Signals, ledger: &Ledger, now: DateTime) -> bool {
        self.0.rules.hot.holds(Scope { signals, ledger, now })
    }
}

fn compile(format: Format, faults: &Faults<'_>) -> Option<Policy> {
    if faults.text().len() > FILE_MAX {
        let message = format!("the file has {} bytes, at most {FILE_MAX} are taken", faults.text().len());
        faults.add(FaultCode::TooLarge, &(0..0), "", message);
        return None;
    }
    let node = tree::parse(format, faults)?;
    let rules = read::rules(&node, faults);
    let content = node.to_json();
    let Ok(bytes) = canonical(&content) else {
        faults.add(FaultCode::Syntax, &(0..0), "", "the content has no canonical form");
        return None;
    };
    let digest = hex::encode(&sha256(&bytes)[..6]);
    let version = format!("{}-{digest}", rules.name);
    Some(Policy(Arc::new(Inner { version, content, rules })))
}
