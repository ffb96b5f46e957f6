//! The launcher against a real server: crashes, leftovers, races, awkward directories.
//!
//! Each test has a cluster of its own in the temporary directory and removes it, server included, even when it fails.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use rustix::process::Signal;
use sqlx::{ConnectOptions, Connection, Executor};
use uuid::Uuid;

use super::{process::PidFile, *};

/// A directory for one test.
struct Scratch {
    top: PathBuf,
    /// Where clusters of this test ended up.
    roots: Vec<PathBuf>,
}

impl Scratch {
    fn new() -> Self {
        let top = std::env::temp_dir().join(format!("gtm-pg-{}", Uuid::now_v7().simple()));
        fs::create_dir(&top).unwrap();
        Self { top, roots: Vec::new() }
    }

    fn options(&self, durability: Durability) -> Options {
        Options { root: self.top.join("cluster"), durability, binaries: None }
    }

    async fn start(&mut self, options: Options) -> Embedded {
        let embedded = start(options).await.unwrap();
        self.roots.push(embedded.place.root.clone());
        embedded
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for root in &self.roots {
            if let Some(found) = PidFile::read(&root.join("data/postmaster.pid"))
                && process::serves(found.pid, &root.join("data"))
            {
                process::signal(found.pid, Signal::KILL);
            }
            let _ = fs::remove_dir_all(root);
        }
        let _ = fs::remove_dir_all(&self.top);
    }
}

fn pid(embedded: &Embedded) -> i32 {
    PidFile::read(&embedded.place.pid_file()).unwrap().pid
}

async fn run(embedded: &Embedded, statement: &'static str) {
    let mut session = embedded.connect_options("postgres").connect().await.unwrap();
    session.execute(statement).await.unwrap();
    session.close().await.unwrap();
}

async fn count(embedded: &Embedded) -> i64 {
    let mut session = embedded.connect_options("postgres").connect().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut session).await.unwrap()
}

#[tokio::test]
async fn a_killed_server_starts_again_with_everything_committed() {
    let mut scratch = Scratch::new();
    let first = scratch.start(scratch.options(Durability::Durable)).await;
    run(&first, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id").await;
    let killed = pid(&first);
    assert!(process::signal(killed, Signal::KILL));
    while process::serves(killed, &first.place.data()) {
        tokio::task::yield_now().await;
    }
    drop(first);

    let second = scratch.start(scratch.options(Durability::Durable)).await;
    assert_ne!(pid(&second), killed);
    assert_eq!(count(&second).await, 1000);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_is_not_believed() {
    let mut scratch = Scratch::new();
    let first = scratch.start(scratch.options(Durability::Test)).await;
    let place = first.place.clone();
    let text = fs::read_to_string(place.pid_file()).unwrap();
    let old = pid(&first).to_string();
    first.stop().await.unwrap();
    for stranger in [1, std::process::id()] {
        let stale = text.replacen(&old, &stranger.to_string(), 1);
        fs::write(place.pid_file(), &stale).unwrap();
        fs::write(place.socket_lock(), &stale).unwrap();

        let again = scratch.start(scratch.options(Durability::Test)).await;
        assert_ne!(u32::try_from(pid(&again)).unwrap(), stranger);
        again.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_initdb_leaves_nothing_that_counts() {
    let mut scratch = Scratch::new();
    let programs = scratch.top.join("bin");
    fs::create_dir(&programs).unwrap();
    // Writes the beginnings of a cluster and dies of SIGKILL, as initdb does when the machine runs out of memory.
    let initdb = "#!/bin/sh\nmkdir \"$2\" && echo 15 > \"$2/PG_VERSION\"\nkill -9 $$\n";
    for (name, text) in [("initdb", initdb), ("postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 15.0'\n")] {
        fs::write(programs.join(name), text).unwrap();
        fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let options = Options { binaries: Some(programs), ..scratch.options(Durability::Test) };
    let error = start(options.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Init { .. }), "{error}");
    // When this program is killed together with initdb, it cannot tidy up either.
    fs::create_dir(options.root.join("init-0")).unwrap();

    let healed = scratch.start(scratch.options(Durability::Test)).await;
    assert!(!options.root.join("init-0").exists());
    run(&healed, "CREATE TABLE kept (id int)").await;
    healed.stop().await.unwrap();
}

#[tokio::test]
async fn racing_starts_share_one_server_and_the_last_one_stops_it() {
    let mut scratch = Scratch::new();
    let options = scratch.options(Durability::Test);
    let (one, two, three) = tokio::join!(start(options.clone()), start(options.clone()), start(options));
    let (one, two, three) = (one.unwrap(), two.unwrap(), three.unwrap());
    scratch.roots.push(one.place.root.clone());
    let pid_file = one.place.pid_file();
    assert_eq!((pid(&one), pid(&two)), (pid(&two), pid(&three)));
    one.stop().await.unwrap();
    three.stop().await.unwrap();
    run(&two, "SELECT 1").await;
    two.stop().await.unwrap();
    assert!(!pid_file.exists(), "nobody uses it any more");
}

#[tokio::test]
async fn a_server_that_was_left_running_is_adopted() {
    let mut scratch = Scratch::new();
    let first = scratch.start(scratch.options(Durability::Test)).await;
    let running = pid(&first);
    drop(first);
    let second = scratch.start(scratch.options(Durability::Test)).await;
    assert_eq!(pid(&second), running);
    let pid_file = second.place.pid_file();
    second.stop().await.unwrap();
    assert!(!pid_file.exists(), "the adopter was the last one");
}

#[tokio::test]
async fn a_server_whose_socket_was_swept_away_is_replaced() {
    let mut scratch = Scratch::new();
    let first = scratch.start(scratch.options(Durability::Durable)).await;
    run(&first, "CREATE TABLE kept AS SELECT 1 AS id").await;
    fs::remove_file(first.place.socket()).unwrap();
    let second = scratch.start(scratch.options(Durability::Durable)).await;
    assert_eq!(count(&second).await, 1);
    drop(first);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one() {
    let mut scratch = Scratch::new();
    let root = scratch.top.join("long-".repeat(20)).join("cluster");
    let embedded = scratch.start(Options { root, ..scratch.options(Durability::Test) }).await;
    run(&embedded, "SELECT 1").await;
    let socket_dir = embedded.place.socket_dir();
    assert_eq!(fs::metadata(&socket_dir).unwrap().permissions().mode() & 0o777, 0o700);
    embedded.stop().await.unwrap();
    fs::remove_dir(socket_dir).expect("an empty directory");
}

#[tokio::test]
async fn a_closed_parent_moves_the_cluster_when_root_runs_it() {
    let mut scratch = Scratch::new();
    let home = scratch.top.join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let options = Options { root: home.join("cluster"), ..scratch.options(Durability::Test) };
    let first = scratch.start(options.clone()).await;
    run(&first, "CREATE TABLE kept AS SELECT 1 AS id").await;
    let moved = first.root().to_owned();
    first.stop().await.unwrap();
    let expected = if rustix::process::geteuid().is_root() { "/var/tmp" } else { home.to_str().unwrap() };
    assert!(moved.starts_with(fs::canonicalize(expected).unwrap()), "{}", moved.display());

    let second = scratch.start(options).await;
    assert_eq!((second.root(), count(&second).await), (moved.as_path(), 1));
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_durable_cluster_is_never_silently_replaced() {
    let scratch = Scratch::new();
    let options = scratch.options(Durability::Durable);
    fs::create_dir(&options.root).unwrap();
    fs::write(options.root.join("moved-to"), "/nonexistent/gtm").unwrap();
    let error = start(options).await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
}

#[tokio::test]
async fn other_peoples_directories_are_left_alone() {
    let scratch = Scratch::new();
    let options = scratch.options(Durability::Durable);
    fs::create_dir(&options.root).unwrap();
    fs::write(options.root.join("thesis.tex"), "years of work").unwrap();
    let error = start(options.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
    assert_eq!(fs::read_dir(options.root).unwrap().count(), 1);
}

#[tokio::test]
async fn a_test_cluster_never_serves_real_data() {
    let mut scratch = Scratch::new();
    let running = scratch.start(scratch.options(Durability::Test)).await;
    let error = start(scratch.options(Durability::Durable)).await.unwrap_err();
    assert!(matches!(error, Error::OtherDurability { .. }), "{error}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_link_in_place_of_a_file_is_not_followed() {
    let mut scratch = Scratch::new();
    let first = scratch.start(scratch.options(Durability::Test)).await;
    let root = first.place.root.clone();
    first.stop().await.unwrap();
    let bait = scratch.top.join("bait");
    fs::write(&bait, "").unwrap();
    fs::remove_file(root.join("server.log")).unwrap();
    std::os::unix::fs::symlink(&bait, root.join("server.log")).unwrap();
    let error = start(scratch.options(Durability::Test)).await.unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
    assert_eq!(fs::metadata(bait).unwrap().len(), 0);
}
