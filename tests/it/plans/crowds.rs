//! Many who look for work at once, over two services: no task goes to two of them, and none is left lying.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use gtm::platform::lifecycle::Lifecycle;
use serde_json::{Value, json};

use super::{document, running};
use crate::harness::Service;

const CLAIMERS: usize = 64;
const TASKS: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_who_look_for_work_no_two_get_the_same_task() {
    let one = Service::live(&[]).await;
    let two = one.replica(&[]).await;
    let mut wide = document(&one);
    wide["gates"] = json!([]);
    let task = |n: usize| {
        json!({ "id": format!("t{n}"), "title": "Draft", "stage": "all", "owner": "cro", "work": "draft",
                "outputs": [format!("{n}.md")], "duration": { "time": "1h" } })
    };
    wide["tasks"] = (0..TASKS).map(task).collect();
    let id = running(&one, &wide).await;
    let clients = [one.client.clone(), two.client.clone()];
    let life = Lifecycle::new();
    let claimers = (0..CLAIMERS).map(|n| {
        let client = clients[n % 2].clone();
        life.run(async move {
            let (mut mine, mut idle) = (Vec::new(), 0);
            // Nothing to take may mean that others hold the rows just now.
            while idle < 20 {
                let body = json!({ "agent": format!("agent-{n}"), "kinds": ["draft"], "max": 1 + n % 3 });
                let answer = client.post("/v1/tasks/claim", body).await;
                let tasks = answer["tasks"].as_array().unwrap().clone();
                idle = if tasks.is_empty() { idle + 1 } else { 0 };
                for task in tasks {
                    let path = format!("/v1/tasks/{}/complete", task["taskId"].as_str().unwrap());
                    let done = client.post(&path, json!({ "lease": task["lease"] })).await;
                    assert_eq!(done["status"], "done");
                    mine.push(task["name"].as_str().unwrap().to_owned());
                }
            }
            mine
        })
    });
    let mut all: Vec<String> = Vec::new();
    for ended in join_all(claimers).await {
        all.extend(ended.unwrap().unwrap());
    }
    let told: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), told.len()), (TASKS, TASKS), "each once");
    let claims = sqlx::query_scalar::<_, i64>(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM plan_entry WHERE what = 'task_claimed' GROUP BY name) AS c",
    );
    assert_eq!(claims.fetch_one(&one.database.pool).await.unwrap(), 1);
    let plan: Value = one.get(&format!("/v1/plans/{id}")).await;
    assert_eq!(plan["status"], "done");
    one.expect_intact_audit().await;
    two.stop().await;
    one.stop().await;
}
