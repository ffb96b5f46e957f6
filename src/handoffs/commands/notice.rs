//! What slices that know no people tell those who hold a role: the alert is addressed by the roster.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{HandoffError, Rosters};
use crate::handoffs::effects::ALERT;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::motions::commands::{MotionError, Notice, Tell};
use crate::platform::outbox::{self, Cause, NewEffect};

/// Tells the people who hold a role.
#[derive(Clone)]
pub struct RoleHolders {
    pub rosters: Rosters,
}

impl Tell for RoleHolders {
    fn tell<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        notice: &'a Notice<'a>,
        now: DateTime,
    ) -> BoxFuture<'a, Result<(), MotionError>> {
        Box::pin(async move {
            let data = json!({
                "channel": Value::Null,
                "to": self.people(conn, notice.role).await?,
                "role": notice.role,
                "title": notice.title,
                "body": notice.body,
                "priority": "high",
                "path": notice.path,
            });
            let effect = NewEffect::new(Cause::Digest(new_id(now)), ALERT, &data, now);
            Ok(outbox::enqueue(conn, &[effect], now).await?)
        })
    }
}

impl RoleHolders {
    /// Nobody where the roster cannot be read: the role is told all the same, and what is told has happened.
    async fn people(&self, conn: &mut PgConnection, role: &str) -> Result<Vec<Value>, MotionError> {
        let held = match self.rosters.current(conn).await {
            Ok(held) => held,
            Err(HandoffError::Database(error)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(role, %error, "the roster cannot be read; an alert names nobody");
                return Ok(Vec::new());
            }
        };
        let reps = held.roster.holders(role).into_iter().filter_map(|id| held.roster.rep(id.as_str()));
        Ok(reps.map(|rep| json!({ "repId": rep.id, "name": rep.name, "email": rep.email })).collect())
    }
}
