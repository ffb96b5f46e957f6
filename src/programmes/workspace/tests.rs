//! The repository is one that git itself finds whole, its history reads as laid down, and the same history gives the same commits.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("gtm-workspace-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs git itself; nothing where it is not installed.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn author(name: &str) -> Author {
    Author { name: name.to_owned(), email: format!("{name}@example.com"), commits_as: name.to_owned() }
}

fn at(minute: u32) -> DateTime {
    format!("2026-02-10T09:{minute:02}:00Z").parse().unwrap()
}

fn commit(topic: Option<&str>, phase: &str, agent: &str, path: &str, text: &str, minute: u32) -> Entry {
    Entry::Commit {
        topic: topic.map(str::to_owned),
        phase: phase.to_owned(),
        author: author(agent),
        message: format!("work: write {path}"),
        files: vec![(path.to_owned(), text.to_owned())],
        at: at(minute),
    }
}

fn step(topic: &str, phase: &str, agent: &str, minute: u32) -> Entry {
    let message = format!("merge: {topic}");
    Entry::Step {
        topic: topic.to_owned(),
        phase: phase.to_owned(),
        author: author(agent),
        message,
        at: at(minute),
    }
}

fn phase(phase: &str, minute: u32) -> Entry {
    let message = format!("merge: {phase}");
    Entry::Phase { phase: phase.to_owned(), author: author("coordinator"), message, at: at(minute) }
}

/// Two phases; in the second two agents work side by side.
fn history() -> Vec<Entry> {
    vec![
        commit(None, "", "coordinator", "CONFIG.md", "config", 0),
        commit(Some("strategy/initial"), "phase-1", "coordinator", "workspace/strategy/a.md", "a", 1),
        commit(Some("strategy/initial"), "phase-1", "coordinator", "workspace/strategy/b.md", "b", 2),
        step("strategy/initial", "phase-1", "coordinator", 3),
        commit(None, "phase-1", "coordinator", "workspace/status/coordinator.md", "done", 4),
        phase("phase-1", 5),
        commit(Some("campaigns/x"), "phase-2", "demand-gen", "workspace/demand-gen/x.md", "x", 6),
        commit(Some("pipeline/y"), "phase-2", "pipeline-manager", "workspace/pipeline/y.md", "y", 7),
        commit(Some("campaigns/x"), "phase-2", "demand-gen", "workspace/demand-gen/z.md", "z", 8),
        step("pipeline/y", "phase-2", "pipeline-manager", 9),
        step("campaigns/x", "phase-2", "demand-gen", 10),
        phase("phase-2", 11),
    ]
}

#[test]
fn git_finds_the_repository_whole_and_its_history_as_laid_down() {
    let folder = Folder::new();
    build(&folder.0, &history()).unwrap();
    assert_eq!(std::fs::read_to_string(folder.0.join("workspace/demand-gen/z.md")).unwrap(), "z");
    let Some(found) = git(&folder.0, &["fsck", "--full", "--strict"]) else { return };
    assert!(found.trim().is_empty(), "{found}");
    assert_eq!(git(&folder.0, &["status", "--porcelain"]).unwrap(), "");
    let first_parents = git(&folder.0, &["log", "--first-parent", "--format=%s", "main"]).unwrap();
    let expected = [
        "[coordinator] merge: phase-2",
        "[coordinator] merge: phase-1",
        "[coordinator] work: write CONFIG.md",
    ];
    assert_eq!(first_parents.lines().collect::<Vec<_>>(), expected);
    let merges = git(&folder.0, &["log", "--merges", "--format=%P", "main"]).unwrap();
    assert!(merges.lines().all(|line| line.split(' ').count() == 2));
    let branches = git(&folder.0, &["branch", "--format=%(refname:short)"]).unwrap();
    let expected =
        ["gtm/campaigns/x", "gtm/phase-1", "gtm/phase-2", "gtm/pipeline/y", "gtm/strategy/initial", "main"];
    assert_eq!(branches.lines().collect::<Vec<_>>(), expected);
    // Every file that any commit wrote is there in the end.
    let files = git(&folder.0, &["ls-tree", "-r", "--name-only", "main"]).unwrap();
    assert_eq!(files.lines().count(), 7);
    let dates = git(&folder.0, &["log", "--all", "--format=%aI"]).unwrap();
    assert!(dates.lines().all(|date| date.starts_with("2026-02-10T09:")));
}

#[test]
fn the_same_history_gives_the_same_commits_wherever_it_stopped() {
    let whole = Folder::new();
    build(&whole.0, &history()).unwrap();
    let head = |folder: &Folder| {
        git2::Repository::open(&folder.0).unwrap().refname_to_id("refs/heads/main").unwrap()
    };
    for stopped in 1..history().len() {
        let folder = Folder::new();
        build(&folder.0, &history()[..stopped]).unwrap();
        // And again, as after a crash.
        build(&folder.0, &history()[..stopped]).unwrap();
        build(&folder.0, &history()).unwrap();
        assert_eq!(head(&folder), head(&whole), "stopped after {stopped}");
        if let Some(count) = git(&folder.0, &["rev-list", "--all", "--count"]) {
            assert_eq!(count.trim(), "12", "stopped after {stopped}");
        }
    }
}

#[test]
fn an_unfinished_phase_is_what_lies_in_the_folder() {
    let folder = Folder::new();
    build(&folder.0, &history()[..5]).unwrap();
    let repository = git2::Repository::open(&folder.0).unwrap();
    assert_eq!(repository.head().unwrap().name().unwrap(), "refs/heads/gtm/phase-1");
    assert!(folder.0.join("workspace/strategy/b.md").exists());
}

#[test]
fn an_archive_has_all_and_nothing_leaves_the_folder() {
    let folder = Folder::new();
    build(&folder.0, &history()).unwrap();
    let packed = archive::pack(&folder.0, "programme").unwrap();
    assert_eq!(packed, archive::pack(&folder.0, "programme").unwrap());
    let other = Folder::new();
    archive::unpack(&packed, &other.0).unwrap();
    archive::unpack(&packed, &other.0).unwrap();
    if let Some(found) = git(&other.0, &["fsck", "--full", "--strict"]) {
        assert!(found.trim().is_empty(), "{found}");
        assert_eq!(git(&other.0, &["status", "--porcelain"]).unwrap(), "");
    }
    let mut builder =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    // Written by hand: the library refuses to write such a name.
    header.as_gnu_mut().unwrap().name[..10].copy_from_slice(b"a/../../no");
    header.set_cksum();
    builder.append(&header, &b"x"[..]).unwrap();
    let packed = builder.into_inner().unwrap().finish().unwrap();
    assert!(archive::unpack(&packed, &other.0).unwrap_err().to_string().contains("outside of the folder"));
}
