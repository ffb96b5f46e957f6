//! Tasks from the command line: the program as a process of its own, against a running service.

use serde_json::{Value, json};

use super::{act, claim, document, running, story, task};
use crate::designs::line::{gtm, said};
use crate::harness::{DataDir, Service};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_escalated_is_tried_again_and_what_nobody_needs_is_skipped() {
    let service = Service::sandbox().await;
    let out = DataDir::new();
    let id = running(&service, &document(&service)).await;
    let named = |task: &Value| task["taskId"].as_str().unwrap().to_owned();
    let intake = named(&task(&service, id, "intake").await);
    let early = gtm(&service, &out.0, &["tasks", "retry", &intake]).await;
    assert!(!early.status.success());
    let told = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(told.contains("ready cannot be given the action retry"), "{told}");
    for _ in 0..3 {
        let task = claim(&service, "agent-1").await;
        act(&service, &task, "fail", json!({ "lease": task["lease"], "reason": "no access" }), 200).await;
    }
    let escalated = said(&gtm(&service, &out.0, &["tasks", "--status", "escalated"]).await);
    assert!(escalated.contains(&intake), "{escalated}");
    let again = said(&gtm(&service, &out.0, &["tasks", "retry", &intake]).await);
    assert_eq!(again.trim(), "Do intake is ready.");
    // It has as many retries as at first.
    let task_again = claim(&service, "agent-1").await;
    let failed = json!({ "lease": task_again["lease"], "reason": "no access yet" });
    assert_eq!(act(&service, &task_again, "fail", failed, 200).await["status"], "ready");

    let skipped =
        said(&gtm(&service, &out.0, &["tasks", "skip", &intake, "it was agreed on the phone"]).await);
    assert!(skipped.starts_with("Do intake is skipped"), "{skipped}");
    let kept = task(&service, id, "intake").await;
    assert_eq!(
        (&kept["status"], &kept["result"]["note"]),
        (&json!("skipped"), &json!("it was agreed on the phone"))
    );
    for next in ["routing", "enablement"] {
        assert_eq!(task(&service, id, next).await["status"], "ready", "what waited goes on: {next}");
    }
    let told: Vec<String> = story(&service, id).await;
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    for line in ["task_escalated:intake", "task_reopened:intake", "task_skipped:intake"] {
        assert_eq!(told.iter().filter(|one| **one == line).count(), 1, "{line}: {told:?}");
    }
    assert!(!gtm(&service, &out.0, &["tasks", "retry", &intake]).await.status.success(), "it is over");
    service.expect_intact_audit().await;
    service.stop().await;
}
