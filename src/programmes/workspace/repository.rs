//! Writes a repository with libgit2.

use std::collections::BTreeMap;
use std::path::Path;

use git2::build::{CheckoutBuilder, TreeUpdateBuilder};
use git2::{
    Commit, FileMode, Index, IndexEntry, IndexTime, Oid, Repository, RepositoryInitOptions, Signature, Time,
    Tree,
};

use super::{Author, Entry};
use crate::kernel::clock::DateTime;

/// A repository could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the workspace could not be written as a git repository: {0}")]
pub struct RepositoryError(#[from] git2::Error);

/// Writes the history into a directory and checks out the newest state: `main`, or the phase that is not merged yet. A
/// repository that is there already gets the same commits; what else it has stays.
pub fn build(folder: &Path, history: &[Entry]) -> Result<(), RepositoryError> {
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main").no_reinit(false);
    let repository = Repository::init_opts(folder, &options)?;
    let mut writer = Writer { repository: &repository, tips: BTreeMap::new(), files: BTreeMap::new() };
    let mut newest = MAIN.to_owned();
    for entry in history {
        newest = writer.write(entry)?;
    }
    for (branch, tip) in &writer.tips {
        repository.reference(
            &format!("refs/heads/{branch}"),
            *tip,
            true,
            "written from the history of the run",
        )?;
    }
    repository.set_head(&format!("refs/heads/{newest}"))?;
    if writer.tips.contains_key(&newest) {
        repository.checkout_head(Some(CheckoutBuilder::new().force()))?;
    }
    Ok(())
}

const MAIN: &str = "main";

struct Writer<'r> {
    repository: &'r Repository,
    /// The last commit of each branch.
    tips: BTreeMap<String, Oid>,
    /// What each branch changed since it left the one that it goes into.
    files: BTreeMap<String, BTreeMap<String, Oid>>,
}

impl Writer<'_> {
    /// Writes one entry and gives the branch that has the newest state.
    fn write(&mut self, entry: &Entry) -> Result<String, git2::Error> {
        let message = entry.message();
        match entry {
            Entry::Commit { topic, phase, author, files, at, .. } => {
                let phase = phase_branch(phase);
                let branch = topic.as_ref().map_or_else(|| phase.clone(), |topic| format!("gtm/{topic}"));
                let base = self
                    .tips
                    .get(&branch)
                    .or_else(|| self.tips.get(&phase))
                    .or_else(|| self.tips.get(MAIN))
                    .copied();
                let mut changed = BTreeMap::new();
                for (path, text) in files {
                    changed.insert(path.clone(), self.repository.blob(text.as_bytes())?);
                }
                let tree = self.tree(base, &changed)?;
                let parents: Vec<Oid> = base.into_iter().collect();
                let commit = self.commit(author, *at, &message, tree, &parents)?;
                self.files.entry(branch.clone()).or_default().extend(changed);
                // The first of all is where `main` begins.
                self.tips.entry(MAIN.to_owned()).or_insert(commit);
                self.tips.insert(branch, commit);
                Ok(if self.tips.contains_key(&phase) { phase } else { MAIN.to_owned() })
            }
            Entry::Step { topic, phase, author, at, .. } => {
                let phase = phase_branch(phase);
                self.merge(&format!("gtm/{topic}"), &phase, author, *at, &message)?;
                Ok(phase)
            }
            Entry::Phase { phase, author, at, .. } => {
                let phase = phase_branch(phase);
                self.merge(&phase, MAIN, author, *at, &message)?;
                Ok(MAIN.to_owned())
            }
        }
    }

    /// Joins a branch into another, with a commit of two parents even where none would be needed: each merge is seen.
    fn merge(
        &mut self,
        from: &str,
        into: &str,
        author: &Author,
        at: DateTime,
        message: &str,
    ) -> Result<(), git2::Error> {
        let Some(theirs) = self.tips.get(from).copied() else { return Ok(()) };
        let ours = self.tips.get(into).or_else(|| self.tips.get(MAIN)).copied();
        // A branch that was joined before and has nothing new since is not joined again.
        let Some(changed) = self.files.remove(from) else { return Ok(()) };
        let tree = self.tree(ours, &changed)?;
        let parents: Vec<Oid> = ours.into_iter().chain([theirs]).collect();
        let commit = self.commit(author, at, message, tree, &parents)?;
        self.files.entry(into.to_owned()).or_default().extend(changed);
        self.tips.insert(into.to_owned(), commit);
        Ok(())
    }

    /// The tree of a commit with some files on top.
    fn tree(&self, base: Option<Oid>, changed: &BTreeMap<String, Oid>) -> Result<Oid, git2::Error> {
        let Some(base) = base else { return self.first_tree(changed) };
        let below: Tree<'_> = self.repository.find_commit(base)?.tree()?;
        let mut update = TreeUpdateBuilder::new();
        for (path, blob) in changed {
            update.upsert(path.as_str(), *blob, FileMode::Blob);
        }
        update.create_updated(self.repository, &below)
    }

    /// The tree of the first commit: made without an empty one below it, which nothing would refer to.
    fn first_tree(&self, files: &BTreeMap<String, Oid>) -> Result<Oid, git2::Error> {
        let mut index = Index::new()?;
        for (path, blob) in files {
            index.add(&IndexEntry {
                ctime: IndexTime::new(0, 0),
                mtime: IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode: FileMode::Blob.into(),
                uid: 0,
                gid: 0,
                file_size: 0,
                id: *blob,
                flags: 0,
                flags_extended: 0,
                path: path.clone().into_bytes(),
            })?;
        }
        index.write_tree_to(self.repository)
    }

    fn commit(
        &self,
        author: &Author,
        at: DateTime,
        message: &str,
        tree: Oid,
        parents: &[Oid],
    ) -> Result<Oid, git2::Error> {
        let when = Time::new(at.timestamp(), 0);
        let signature = Signature::new(&author.name, &author.email, &when)?;
        let tree = self.repository.find_tree(tree)?;
        let parents: Vec<Commit<'_>> =
            parents.iter().map(|parent| self.repository.find_commit(*parent)).collect::<Result<_, _>>()?;
        let parents: Vec<&Commit<'_>> = parents.iter().collect();
        self.repository.commit(None, &signature, &signature, message, &tree, &parents)
    }
}

/// The branch of a phase; what belongs to none is `main`'s.
fn phase_branch(phase: &str) -> String {
    if phase.is_empty() { MAIN.to_owned() } else { format!("gtm/{phase}") }
}
