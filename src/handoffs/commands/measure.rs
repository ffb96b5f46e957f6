//! Handoffs one by one, as they were measured: what designs model from and the watch looks at.
//!
//! Promises: nothing is written; how a handoff stands with its deadline is what the figures say of it. Leaves out what they
//! amount to.

use super::{HandoffError, Handoffs};
use crate::handoffs::availability;
use crate::handoffs::commands::ahead;
use crate::handoffs::store;
use crate::kernel::calendar::OpenTime as _;
use crate::kernel::clock::DateTime;

pub use crate::handoffs::store::MeasureFilter;

/// A handoff as it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub id: uuid::Uuid,
    pub account_id: String,
    pub handoff_type: String,
    pub segment: String,
    pub team: String,
    /// Who has it, or had it last.
    pub owner: Option<String>,
    pub created_at: DateTime,
    /// When its first owner had it.
    pub assigned_at: Option<DateTime>,
    /// The first deadline that passed, or the one that is open.
    pub due_at: Option<DateTime>,
    pub contacted_at: Option<DateTime>,
    /// When it became late, where it did.
    pub late_at: Option<DateTime>,
    /// Whether the contact came by the deadline; none while that is open, or where it ended before.
    pub in_time: Option<bool>,
    /// From the owner's acknowledgement to the contact, in the owner's working time; none where they were one.
    pub preparing_secs: Option<f64>,
    /// From when it was made to when the receiving team next worked.
    pub closed_secs: f64,
    /// When somebody was told that nobody can take it.
    pub alarmed_at: Option<DateTime>,
    pub fell_back: bool,
    pub reassigned: bool,
    pub rejected: bool,
    /// What the owner had open when it was given to them, itself included.
    pub load: Option<i64>,
}

impl Handoffs {
    /// The first deadline after an instant.
    pub async fn next_due(&self, after: DateTime) -> Result<Option<DateTime>, HandoffError> {
        Ok(store::next_due(&self.pool, after).await?)
    }

    /// Whether anything was or is due in a stretch of time.
    pub async fn any_due(&self, from: DateTime, to: DateTime) -> Result<bool, HandoffError> {
        Ok(store::any_due(&self.pool, from, to).await?)
    }

    /// Handoffs of a stretch of time, the earliest first; with how many are told, whether there were more.
    pub async fn measured(&self, filter: &MeasureFilter) -> Result<(Vec<Measured>, bool), HandoffError> {
        let mut conn = self.pool.acquire().await?;
        let mut rows = store::measured(&mut conn, filter, self.clock.now()).await?;
        let (roster, absences) = self.load(&mut conn, filter.from).await?;
        let most = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let more = rows.len() > most;
        rows.truncate(most);
        let measured = rows.into_iter().map(|row| {
            let owner = row.owner_id.as_deref().and_then(|id| roster.rep(id));
            let preparing = row.acknowledged_at.zip(row.contacted_at).filter(|(seen, done)| done > seen);
            let preparing_secs = preparing.zip(owner).map(|((seen, done), rep)| {
                ahead::shift(&roster, rep, &absences).between(seen, done).as_seconds_f64()
            });
            let team = crate::handoffs::assign::names::TeamId::parse(&row.team).ok();
            let opens = team.and_then(|team| {
                availability::shift(&roster, &team, None, &absences).next_opening(row.created_at).ok()
            });
            Measured {
                id: row.id,
                account_id: row.account_id,
                handoff_type: row.handoff_type,
                segment: row.segment,
                team: row.team,
                owner: row.owner_id,
                created_at: row.created_at,
                assigned_at: row.first_assigned_at,
                due_at: row.due_at,
                contacted_at: row.contacted_at,
                late_at: row.late_at,
                in_time: row.in_time,
                preparing_secs: preparing_secs.filter(|secs| *secs > 0.0),
                closed_secs: opens.map_or(0.0, |at| (at - row.created_at).as_seconds_f64()),
                alarmed_at: row.alarmed_at,
                fell_back: row.fell_back,
                reassigned: row.reassignments > 0,
                rejected: row.rejected,
                load: row.load,
            }
        });
        Ok((measured.collect(), more))
    }
}
