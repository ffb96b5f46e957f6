//! Writing a workspace into a folder, as a git repository.

use std::path::{Path, PathBuf};

use clap::Args;
use git2::{Repository, StatusOptions};

use super::super::client::Client;
use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::path;
use crate::programmes::workspace::archive::unpack;

#[derive(Debug, Args)]
pub struct Export {
    id: String,
    /// Where to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Push all branches to this remote afterwards, with the git of this machine.
    #[arg(long, value_name = "REMOTE")]
    push: Option<String>,
}

pub async fn run(args: Export, context: &Context) -> anyhow::Result<()> {
    check(Some(&args.out))?;
    let client = context.client().await?;
    write(&client, &args.id, &args.out).await?;
    if let Some(remote) = &args.push {
        push(&args.out, remote)?;
    }
    let document = serde_json::json!({ "programmeId": args.id, "folder": args.out });
    context.screen.document(&document, |_| format!("The workspace is in {}.", args.out.display()));
    Ok(())
}

/// Refuses a folder in which something would be lost.
pub fn check(folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder.filter(|folder| folder.exists()) else { return Ok(()) };
    let refused = |text: String| Err(Failure::new(Exit::Refused, text));
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", folder.display())))?;
    if entries.count() == 0 {
        return Ok(());
    }
    if !folder.join(".git").exists() {
        return refused(format!(
            "{} has something in it that is no workspace; name an empty folder.",
            folder.display()
        ));
    }
    let repository = Repository::open(folder).map_err(|error| {
        Failure::new(Exit::Refused, format!("{} is no repository: {}", folder.display(), error.message()))
    })?;
    let mut options = StatusOptions::new();
    options.include_untracked(true);
    let changed = repository.statuses(Some(&mut options)).map(|found| found.len()).unwrap_or_default();
    if changed > 0 {
        return refused(format!(
            "{} has {changed} changes that nobody committed; commit them, or name another folder.",
            folder.display()
        ));
    }
    Ok(())
}

/// Writes the workspace of a run into a folder that was checked.
pub async fn write(client: &Client, id: &str, folder: &Path) -> Result<(), Failure> {
    let request = client.request(reqwest::Method::GET, &path(id, "/archive.tar.gz"));
    let answer = client.send(request).await?;
    let packed = answer.bytes().await.map_err(|error| Failure::unreachable(client.url(), &error))?;
    std::fs::create_dir_all(folder).and_then(|()| unpack(&packed, folder)).map_err(|error| {
        Failure::new(Exit::Refused, format!("{} cannot be written: {error}", folder.display()))
    })
}

fn push(folder: &Path, remote: &str) -> Result<(), Failure> {
    let done =
        std::process::Command::new("git").arg("-C").arg(folder).args(["push", remote, "--all"]).status();
    match done {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(
            Exit::Refused,
            format!("git push ended with {status}; the workspace is in {}.", folder.display()),
        )),
        Err(error) => {
            Err(Failure::new(Exit::Refused, format!("there is no git on this machine to push with: {error}")))
        }
    }
}
