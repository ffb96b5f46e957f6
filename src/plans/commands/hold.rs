//! Holding a plan that runs, and letting it go on.
//!
//! Promises: of a plan that is held nobody is given a task, whoever they are and after whatever restart, until somebody lets it go
//! on; what was claimed before may be completed, and what follows from that follows. Once it goes on, what is planned moves by as
//! long as it was held, as a new version with that reason.

use sqlx::PgConnection;
use uuid::Uuid;

use super::change::Locked;
use super::{PlanError, Plans};
use crate::kernel::clock::DateTime;
use crate::plans::happening::What;
use crate::plans::store::Paused;

impl Plans {
    /// Holds a plan that runs.
    pub async fn pause(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        id: Uuid,
        by: &str,
        why: &str,
    ) -> Result<(), PlanError> {
        let mut one = self.load(conn, id, Locked::None).await?;
        if let Some(paused) = one.row.paused {
            return Err(PlanError::Paused(paused));
        }
        if !one.is_running() {
            return Err(PlanError::Status { status: one.row.status, asked: "held" });
        }
        one.row.paused = Some(Paused { at: now, by: by.to_owned(), why: why.to_owned() });
        one.happened.push((None, What::Paused { why: why.to_owned() }));
        self.settle(conn, one, by, now).await?;
        Ok(())
    }

    /// Lets a plan go on that is held.
    pub async fn resume(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
        id: Uuid,
        by: &str,
    ) -> Result<(), PlanError> {
        let mut one = self.load(conn, id, Locked::None).await?;
        let Some(paused) = one.row.paused.clone() else {
            let status = if one.is_running() { "not held".to_owned() } else { one.row.status };
            return Err(PlanError::Status { status, asked: "let go on" });
        };
        one.row.go_on(now);
        let held = now - paused.at;
        one.happened.push((None, What::Resumed { secs: held.num_seconds() }));
        let (version, mut plan) = (one.row.version, one.plan.clone());
        self.settle(conn, one, by, now).await?;
        plan.start_at += held;
        let why = format!("It was held for {} minutes: {}", held.num_minutes(), paused.why);
        self.revise(conn, now, id, version, plan, by, &why).await?;
        Ok(())
    }
}
