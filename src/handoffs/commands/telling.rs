//! What is told of a handoff besides its row: the report, and whether the owner was briefed.

use std::collections::HashSet;

use uuid::Uuid;

use super::{HandoffError, Handoffs};
use crate::handoffs::effects::{ALERT, BRIEFING, LOG_ACTIVITY, UPDATE_DEAL};
use crate::handoffs::handoff::Handoff;
use crate::handoffs::package::{Completeness, Package};
use crate::handoffs::report::{self, Action, Party, ReportInputs};
use crate::handoffs::{assign, sla::Basis};
use crate::kernel::calendar::Zone;
use crate::platform::outbox::{self, Delivery};

impl Handoffs {
    /// Of some handoffs, those whose owner was sent the briefing.
    pub async fn briefed(&self, ids: &[Uuid]) -> Result<HashSet<Uuid>, HandoffError> {
        Ok(outbox::delivered_for(&self.pool, ids, BRIEFING).await?.into_iter().collect())
    }

    /// The report of a handoff, as Markdown or HTML. Instants are told in the time of the receiving team.
    pub async fn report(&self, handoff: &Handoff, html: bool) -> Result<String, HandoffError> {
        let package: Package = serde_json::from_str(handoff.package.get())?;
        let handoff_type = self.handoff_type(&handoff.handoff_type)?;
        let held = self.roster().await?;
        let roster = &held.roster;
        let (_, deliveries) = self.timeline(handoff).await?;
        let name = |id: &str| roster.rep(id).map(|rep| rep.name.as_str());
        let why = handoff.assignment.as_ref();
        let why = why.and_then(|outcome| assign::explain(outcome, roster).into_iter().next());
        let calendar = roster.calendar_of_team(&handoff.request.team);
        let zone = match handoff_type.sla.basis {
            Basis::Business => calendar.zone().clone(),
            Basis::Wall => Zone::utc(),
        };
        let previous = handoff.previous_owner.as_deref();
        let inputs = ReportInputs {
            package: &package,
            type_name: &handoff.handoff_type,
            handoff_type,
            from: Party { team: &handoff.from_team, person: previous.map(|id| name(id).unwrap_or(id)) },
            to: Party {
                team: &handoff.to_team,
                person: handoff.owner_id.as_ref().map(|id| name(id.as_str()).unwrap_or(id.as_str())),
            },
            why: why.as_deref(),
            status: handoff.status.name(),
            due_at: handoff.due_at,
            zone: &zone,
            completeness: &Completeness { percent: handoff.completeness, missing: handoff.missing.clone() },
            holds: handoff.held_for.as_deref().unwrap_or_default(),
            actions: &actions(handoff, &deliveries),
            link: None,
        };
        Ok(if html { report::html(&inputs) } else { report::markdown(&inputs) })
    }
}

/// What really happened: our own part, and the deliveries that succeeded.
fn actions(handoff: &Handoff, deliveries: &[Delivery]) -> Vec<Action> {
    let mut done = vec![Action { label: "Handoff package compiled".to_owned(), at: handoff.created_at }];
    if let Some(clock) = &handoff.clock {
        done.push(Action { label: "SLA clock started".to_owned(), at: clock.started_at() });
    }
    let label = |destination: &str| match destination {
        UPDATE_DEAL => "Deal updated in the CRM".to_owned(),
        LOG_ACTIVITY => "Note logged in the CRM".to_owned(),
        ALERT => "Team and owner alerted".to_owned(),
        BRIEFING => "Briefing e-mail sent".to_owned(),
        other => format!("Delivered to {other}"),
    };
    let kept = |provider: Option<&str>| {
        if provider == Some("local") { " (kept here: no system connected)" } else { "" }
    };
    done.extend(deliveries.iter().filter_map(|delivery| {
        let label = format!("{}{}", label(&delivery.destination), kept(delivery.provider.as_deref()));
        Some(Action { label, at: delivery.delivered_at? })
    }));
    done.sort_by_key(|action| action.at);
    done
}
