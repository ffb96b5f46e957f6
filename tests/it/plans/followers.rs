//! Those who follow plans: told in order, in the same transaction, and able to hold it up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use gtm::plans::commands::{Deed, Followers, PlanError, PlanFollower, Plans};
use gtm::plans::lifecycle::{Action, Happening};
use gtm::plans::model::{PlanKind, TaskId};
use gtm::plans::{Happened, What};
use serde_json::json;
use sqlx::PgConnection;

use super::{create, document};
use crate::harness::Service;

/// Notes what it is told; skips `routing` when `intake` is done, and does not want the plan to be called off.
struct Follower(Arc<Mutex<Vec<&'static str>>>);

impl PlanFollower for Follower {
    fn after<'a>(
        &'a self,
        plans: &'a Plans,
        conn: &'a mut PgConnection,
        happened: &'a [Happened],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), PlanError>> {
        Box::pin(async move {
            self.0.lock().unwrap().extend(happened.iter().map(|one| one.what.name()));
            for one in happened {
                let done = one.what == What::Task(Happening::Done);
                if done && one.name.as_ref().is_some_and(|name| name.0 == "intake") {
                    let row = plans.of_kind(conn, one.plan_id, one.kind).await?;
                    let task = plans.task_named(conn, &row, &TaskId("routing".to_owned())).await?;
                    let deed = Deed { action: Action::Skip, result: None, by: "follower".to_owned() };
                    plans.task_event(conn, now, task.unwrap().id, &deed).await?;
                }
                if matches!(one.what, What::Cancelled { .. }) {
                    return Err(PlanError::Follower("it must not end".into()));
                }
            }
            Ok(())
        })
    }
}

#[tokio::test]
async fn followers_act_in_the_same_transaction_and_can_hold_it_up() {
    let service = Service::sandbox().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let follower: Box<dyn PlanFollower> = Box::new(Follower(told.clone()));
    let followers = Followers(BTreeMap::from([(PlanKind::HandoffDesign, vec![follower])]));
    let plans = Plans { followers: Arc::new(followers), ..service.running.app.plans.clone() };

    let id = create(&service, &document(&service)).await;
    let start = gtm::plans::commands::Start { by: "test".to_owned(), ..Default::default() };
    plans.start_alone(id, &start, false).await.unwrap();
    let view = plans.read(id).await.unwrap();
    let result = Some(json!({ "outputs": [] }));
    let deed = Deed { action: Action::Complete { token: None }, result, by: "test".to_owned() };
    plans.task(view.tasks[0].id, &deed).await.unwrap();
    let expected = ["started", "task_ready", "task_done", "task_ready", "task_ready", "task_skipped"];
    assert_eq!(*told.lock().unwrap(), expected);
    let view = plans.read(id).await.unwrap();
    assert_eq!(view.tasks[1].state.status.name(), "skipped");

    assert!(plans.cancel_alone(id, "test", "x").await.is_err());
    assert_eq!(plans.read(id).await.unwrap().row.status, "running", "nothing of it is left");
    service.expect_intact_audit().await;
    service.stop().await;
}
