//! A workspace as a git repository, made from what happened in a run.
//!
//! Branches as the source of the programme lays down: `main`; `gtm/phase-…` for each phase, merged into `main` once; below
//! `gtm/` a branch for each step, merged into its phase when the step is done. Messages read `[agent] action: description`.
//! Promises: the same history gives the same commits, to the byte, so a repository that is made again after a crash, or on another
//! machine, has nothing twice and nothing missing. Written with libgit2: there is nothing else to install, and a repository
//! is whole or an error. Leaves out pushing, which whoever has the repository does with git itself.

pub mod archive;
mod repository;
#[cfg(test)]
mod tests;

use crate::kernel::clock::DateTime;

pub use repository::{RepositoryError, build};

/// Something that happened in a run and is seen in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Files were written by an agent.
    Commit {
        /// Of the step, below `gtm/`; nothing for what belongs to the phase itself.
        topic: Option<String>,
        /// Below `gtm/`.
        phase: String,
        author: Author,
        /// Without the agent.
        message: String,
        /// Paths from the root of the repository, with their texts.
        files: Vec<(String, String)>,
        at: DateTime,
    },
    /// A step is done: its branch goes into the phase.
    Step { topic: String, phase: String, author: Author, message: String, at: DateTime },
    /// The gates of a phase have passed: it goes into `main`.
    Phase { phase: String, author: Author, message: String, at: DateTime },
}

/// Who signs a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub name: String,
    pub email: String,
    /// In the brackets of the message.
    pub commits_as: String,
}

impl Entry {
    /// The message of its commit.
    pub fn message(&self) -> String {
        let (author, message) = match self {
            Self::Commit { author, message, .. }
            | Self::Step { author, message, .. }
            | Self::Phase { author, message, .. } => (author, message),
        };
        format!("[{}] {message}", author.commits_as)
    }
}
