//! The background work of renewals.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::commands::{RenewalError, Renewals};
use crate::platform::worker::{self, Pace};

/// How long the worker sleeps when nobody rings: the longest that a rule is late.
const IDLE: Duration = Duration::from_millis(500);

/// Does what is due until told to stop.
pub async fn work(renewals: Renewals, stop: CancellationToken, beat: impl Fn(bool)) {
    let pace = Pace { stop: &stop, wake: &renewals.work, idle: IDLE };
    worker::run("renewals", pace, beat, || async {
        let done = renewals.work_due().await?;
        Ok::<_, RenewalError>(done)
    })
    .await;
}
