//! What is told of handoffs besides their rows: the report, whether the owner was briefed, the part in the timeline of an
//! account.

use std::collections::HashSet;

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::{HandoffError, Handoffs};
use crate::handoffs::effects::{ALERT, BRIEFING, LOG_ACTIVITY, Scene, UPDATE_DEAL};
use crate::handoffs::handoff::Handoff;
use crate::handoffs::package::Package;
use crate::handoffs::report::{self, Action};
use crate::handoffs::store::{self, AccountLineRow};
use crate::motions::commands::{TimelineLine, TimelineSource};
use crate::platform::outbox::{self, Delivery};

impl Handoffs {
    /// Of some handoffs, those whose owner was sent the briefing.
    pub async fn briefed(&self, ids: &[Uuid]) -> Result<HashSet<Uuid>, HandoffError> {
        Ok(outbox::delivered_for(&self.pool, ids, BRIEFING).await?.into_iter().collect())
    }

    /// The report of a handoff, as Markdown or HTML.
    pub async fn report(&self, handoff: &Handoff, html: bool) -> Result<String, HandoffError> {
        let package: Package = serde_json::from_str(handoff.package.get())?;
        let held = self.roster().await?;
        let deliveries = self.deliveries(handoff).await?;
        let (roster, now) = (held.roster.as_ref(), self.clock.now());
        let handoff_type = self.promised(handoff, roster)?;
        let scene = Scene { handoff, package: &package, handoff_type: &handoff_type, roster, now };
        let actions = actions(handoff, &deliveries);
        Ok(if html { scene.told(&actions, report::html) } else { scene.told(&actions, report::markdown) })
    }
}

/// What handoffs tell of an account.
#[derive(Debug, Clone)]
pub struct HandoffTimeline {
    pub pool: PgPool,
}

impl TimelineSource for HandoffTimeline {
    fn lines<'a>(
        &'a self,
        account_id: &'a str,
        before: Option<Uuid>,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<TimelineLine>, sqlx::Error>> {
        Box::pin(async move {
            let rows = store::account_timeline(&self.pool, account_id, before, limit).await?;
            let line = |row: AccountLineRow| TimelineLine {
                id: row.id,
                at: row.at,
                kind: row.kind,
                title: row.title,
                detail: row.detail.0,
            };
            Ok(rows.into_iter().map(line).collect())
        })
    }
}

/// What really happened: our own part, and the deliveries that succeeded.
fn actions(handoff: &Handoff, deliveries: &[Delivery]) -> Vec<Action> {
    let mut done = vec![Action { label: "Handoff package compiled".to_owned(), at: handoff.created_at }];
    if let Some(clock) = &handoff.clock {
        done.push(Action { label: "SLA clock started".to_owned(), at: clock.started_at() });
    }
    // Whom the budget kept from an alert is told in a digest.
    let label = |delivery: &Delivery| match delivery.destination.as_str() {
        UPDATE_DEAL => "Deal updated in the CRM".to_owned(),
        LOG_ACTIVITY => "Note logged in the CRM".to_owned(),
        ALERT if names_nobody(delivery) => "Team alerted".to_owned(),
        ALERT => "Team and owner alerted".to_owned(),
        BRIEFING => "Briefing e-mail sent".to_owned(),
        other => format!("Delivered to {other}"),
    };
    let kept = |provider: Option<&str>| {
        if provider == Some("local") { " (kept here: no system connected)" } else { "" }
    };
    done.extend(deliveries.iter().filter_map(|delivery| {
        let label = format!("{}{}", label(delivery), kept(delivery.provider.as_deref()));
        Some(Action { label, at: delivery.delivered_at? })
    }));
    done.sort_by_key(|action| action.at);
    done
}

/// Whether an alert names no person.
fn names_nobody(delivery: &Delivery) -> bool {
    let body: Value = serde_json::from_str(delivery.payload.get()).unwrap_or_default();
    body["data"]["to"].as_array().is_some_and(Vec::is_empty)
}
