//! `kill -9` in the middle of a run.

use serde_json::json;

use super::{begin, paths, read, until_done};
use crate::harness::DataDir;
use crate::process::Process;

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
    let programme = read(&process.client, &id).await;
    let tasks = programme["plan"]["tasks"].as_array().unwrap().len();
    let number = |query: &'static str| sqlx::query_scalar::<_, i64>(query).fetch_one(&database.pool);
    assert_eq!(
        number("SELECT count(*) FROM programme_file WHERE kind IS NOT NULL AND version > 1").await.unwrap(),
        0
    );
    let commits = number("SELECT count(*) FROM programme_entry WHERE once LIKE 'task:%'").await.unwrap();
    assert_eq!(usize::try_from(commits).unwrap(), tasks);
    assert_eq!(number("SELECT count(*) FROM programme_entry WHERE once LIKE 'phase:%'").await.unwrap(), 4);
    // As many as a run has that nobody disturbs.
    let undisturbed = begin(&process.client, json!({})).await;
    until_done(&process.client, &undisturbed).await;
    assert_eq!(paths(&process.client, &id).await, paths(&process.client, &undisturbed).await);
    process.kill().await;
}
