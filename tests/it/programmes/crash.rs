//! `kill -9` in the middle of a run.

use serde_json::json;

use super::run::{check_subjects, git, workspace};
use super::{begin, paths, until_done};
use crate::harness::DataDir;
use crate::process::Process;

/// The lines of a text in one order: what happens side by side is committed as it comes.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_with_nothing_lost_and_nothing_twice() {
    let database = gtm::testing::database().await;
    let data = DataDir::new();
    let url = database.url();
    let process = Process::start(&url, &data.0, &[]).await;
    let id = begin(&process.client, json!({})).await;
    // Killed at three places: while the strategy is drafted, while many work side by side, and late.
    let mut process = process;
    for files in [5, 40, 90] {
        while paths(&process.client, &id).await.len() < files {
            tokio::task::yield_now().await;
        }
        process.kill().await;
        process = Process::start(&url, &data.0, &[]).await;
    }
    until_done(&process.client, &id).await;
    let number = |query: &'static str| sqlx::query_scalar::<_, i64>(query).fetch_one(&database.pool);
    assert_eq!(
        number("SELECT count(*) FROM programme_file WHERE kind IS NOT NULL AND version > 1").await.unwrap(),
        0
    );
    assert_eq!(number("SELECT count(*) FROM programme_entry WHERE once LIKE 'phase:%'").await.unwrap(), 4);
    // As many as a run has that nobody disturbs.
    let undisturbed = begin(&process.client, json!({})).await;
    until_done(&process.client, &undisturbed).await;
    assert_eq!(paths(&process.client, &id).await, paths(&process.client, &undisturbed).await);
    // In both runs the same was noted, each thing once.
    let noted = |id: String| {
        sqlx::query_scalar::<_, String>(
            "SELECT once FROM programme_entry WHERE programme_id = $1::uuid ORDER BY once",
        )
        .bind(id)
        .fetch_all(&database.pool)
    };
    assert_eq!(noted(id.clone()).await.unwrap(), noted(undisturbed.clone()).await.unwrap());
    let (killed, whole) =
        (workspace(&process.client, &id).await, workspace(&process.client, &undisturbed).await);
    if let Some(found) = git(&killed.0, &["fsck", "--full", "--strict"]) {
        assert!(found.trim().is_empty(), "{found}");
        let run = |folder: &DataDir, arguments: &[&str]| git(&folder.0, arguments).unwrap();
        for subjects in [["log", "--format=%s", "main"], ["log", "--format=%s", "--all"]] {
            let (subjects, expected) = (run(&killed, &subjects), run(&whole, &subjects));
            check_subjects(&subjects);
            assert_eq!(sorted(&subjects), sorted(&expected));
        }
        let count = ["rev-list", "--count", "--all"];
        assert_eq!(run(&killed, &count), run(&whole, &count));
        assert_eq!(run(&killed, &["ls-files"]), run(&whole, &["ls-files"]));
        assert_eq!(run(&killed, &["status", "--porcelain"]), "");
    }
    process.kill().await;
}
