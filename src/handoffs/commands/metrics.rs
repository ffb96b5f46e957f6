//! The figures of handoffs, and how fairly the rotations shared them out.
//!
//! Promises: nothing is written; a stretch of time that cannot be read in one go is refused.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::{HandoffError, Handoffs, read_rotations};
use crate::handoffs::assign::names::TeamId;
use crate::handoffs::assign::rotation::Rotation;
use crate::handoffs::metrics::{
    Deadline, Figures, Group, GroupBy, HandoffMetrics, Period, PoolBypass, PoolMetrics, Tally, Times, Took,
    pool,
};
use crate::handoffs::store::{self, TallyRow};
use crate::kernel::clock::DateTime;
use crate::platform::http::{Fault, Problem};

/// How far back figures reach when nobody says: four whole weeks.
pub const PERIOD_DEFAULT: TimeDelta = TimeDelta::days(28);
/// The longest stretch of one answer: a year and what surrounds it.
pub const PERIOD_MAX: TimeDelta = TimeDelta::days(400);

impl Handoffs {
    /// The figures of the handoffs that were made in a stretch of time: the last 28 days when nothing is said.
    pub async fn handoff_metrics(
        &self,
        from: Option<DateTime>,
        to: Option<DateTime>,
        group_by: Option<GroupBy>,
    ) -> Result<HandoffMetrics, HandoffError> {
        let now = self.clock.now();
        let period = period(from, to, now)?;
        let rows = store::handoff_tallies(&self.pool, &period, group_by.map(GroupBy::name), now).await?;
        let (totals, groups): (Vec<TallyRow>, Vec<TallyRow>) = rows.into_iter().partition(|row| row.total);
        let groups = groups.into_iter().filter(|_| group_by.is_some());
        Ok(HandoffMetrics {
            from: period.from,
            to: period.to,
            group_by,
            total: totals.into_iter().next().map_or_else(|| Figures::new(Tally::default()), figures),
            groups: groups.map(|row| Group { key: row.key.clone(), figures: figures(row) }).collect(),
        })
    }

    /// The rotation of each team on the roster: how its turns in a stretch of time fell, and how its accounts stand now.
    pub async fn pool_metrics(
        &self,
        from: Option<DateTime>,
        to: Option<DateTime>,
    ) -> Result<PoolMetrics, HandoffError> {
        let period = period(from, to, self.clock.now())?;
        let mut turns: BTreeMap<String, BTreeMap<String, Took>> = BTreeMap::new();
        let mut outside: BTreeMap<String, Vec<PoolBypass>> = BTreeMap::new();
        for row in store::turns_between(&self.pool, &period).await? {
            if let Some(rep) = row.rep_id {
                let took = Took { turns: row.turns, moved: row.moved };
                turns.entry(row.team_id).or_default().insert(rep, took);
            } else if let Some(route) = row.route {
                outside.entry(row.team_id).or_default().push(PoolBypass { route, count: row.turns });
            }
        }
        let mut conn = self.pool.acquire().await?;
        let roster = self.rosters.current(&mut conn).await?.roster.clone();
        let teams: BTreeSet<TeamId> = roster.teams().map(|team| team.id.clone()).collect();
        let mut rotations = read_rotations(&mut conn, &teams).await?;
        let reps = roster.reps();
        let weights: BTreeMap<&str, u32> = reps.iter().map(|rep| (rep.id.as_str(), rep.weight)).collect();
        let pools = teams.iter().map(|team| {
            let members = roster.members(team).iter().map(|at| reps[*at].id.as_str()).collect();
            let rotation: Rotation = rotations.remove(team).unwrap_or_default();
            let took = turns.remove(team.as_str()).unwrap_or_default();
            let bypasses = outside.remove(team.as_str()).unwrap_or_default();
            pool(team, &rotation, &weights, &members, &took, bypasses)
        });
        Ok(PoolMetrics { from: period.from, to: period.to, pools: pools.collect() })
    }
}

/// The stretch that was asked for; up to now and 28 days long where an end is left out.
fn period(from: Option<DateTime>, to: Option<DateTime>, now: DateTime) -> Result<Period, HandoffError> {
    // What was made in this very instant counts, and the end is exclusive.
    let present = now + TimeDelta::microseconds(1);
    let to = to.unwrap_or_else(|| from.map_or(present, |from| present.max(from)));
    let from = from.or_else(|| to.checked_sub_signed(PERIOD_DEFAULT)).unwrap_or(to);
    let fault = |detail: String| {
        let problem =
            Problem::bad_request("invalid_query", "These two instants do not make a period; see errors.");
        Err(HandoffError::Precondition(problem.faults([Fault::new("query:from", detail)])))
    };
    if from > to {
        return fault(format!("lies after `to`, {to}"));
    }
    if to - from > PERIOD_MAX {
        return fault(format!(
            "lies more than {} days before `to`; ask for less at a time",
            PERIOD_MAX.num_days()
        ));
    }
    Ok(Period { from, to })
}

fn figures(row: TallyRow) -> Figures {
    Figures::new(Tally {
        by_status: row.by_status,
        contact_time: Times::new(row.contacted, row.contact_seconds.as_deref()),
        meeting_time: Times::new(row.meetings, row.meeting_seconds.as_deref()),
        assignment_time: Times::new(row.assigned, row.assignment_seconds.as_deref()),
        contact_sla: Deadline::new(row.met, row.breached, row.open, row.ended_before),
        acknowledgement: Deadline::new(
            row.acknowledge_met,
            row.acknowledge_breached,
            row.acknowledge_open,
            row.acknowledge_ended_before,
        ),
        ratings: row.ratings,
        ratings_sum: row.ratings_sum,
        completeness_sum: row.completeness_sum,
        reassigned: row.reassigned,
        rejected: row.rejected,
        fell_back: row.fell_back,
        assigned: row.assigned,
    })
}
