//! What assignment does, case by case: asked of the assignment itself, with the roster as it would be.
//!
//! Promises: no case is told that was not run. Everybody is taken to be at work and to have room, but where the case says
//! otherwise.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use uuid::Uuid;

use super::Case;
use super::choose::{Plan, members};
use crate::designs::brief::Brief;
use crate::handoffs::commands::ahead;
use crate::handoffs::{Availability, Firm, Outcome, Rep, RepId, Request, Roster, Route, Step, Waiting};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;

/// Territories beyond these are not told one by one.
const TERRITORIES_MAX: usize = 12;

/// The cases, in the order of the ways.
pub fn matrix(brief: &Brief, plan: &Plan, after: &Arc<Roster>, at: DateTime) -> Vec<Case> {
    let Ok(account_id) = AccountId::parse("an-account") else { return Vec::new() };
    let asked = Asked { brief, after, at, account_id };
    let mut cases = Vec::new();
    let members = members(brief, after);
    let present = |_: &Rep| Availability::Available;
    if let [owner, ..] = members.as_slice() {
        let firm = asked.firm();
        cases.push(asked.case("It has an owner in the team", &firm, Some(owner), present));
        if let Some(cover) = members.iter().find(|rep| rep.id != owner.id) {
            let away = away(owner, Some(cover), at);
            cases.push(asked.case("Its owner is absent, and somebody covers", &firm, Some(owner), away));
        }
        let wait =
            plan.order.iter().find(|rule| rule.by == Step::AccountOwner).map_or(0, |rule| rule.wait_minutes);
        if wait > 0 {
            let back = at + TimeDelta::minutes(i64::from(wait) / 2);
            let soon = |rep: &Rep| {
                if rep.id == owner.id {
                    Availability::OutsideHours { opens_at: Some(back) }
                } else {
                    Availability::Available
                }
            };
            let case = format!("Its owner is back in {} minutes", wait / 2);
            cases.push(asked.case(&case, &firm, Some(owner), soon));
        }
    }
    if let Some((account, rep)) = after.named_accounts().find_map(|(account, reps)| {
        let of_team = reps.iter().filter_map(|rep| after.rep(rep.as_str()));
        Some((account, of_team.filter(|rep| rep.team == brief.team).min_by_key(|rep| &rep.id)?))
    }) && let Ok(account_id) = AccountId::parse(account)
    {
        let firm = Firm { account_id, ..asked.firm() };
        let case = format!("It is a named account, such as {account} of {}", rep.name);
        cases.push(asked.case(&case, &firm, None, present));
    }
    if plan.order.iter().any(|rule| rule.by == Step::Territory) {
        let serving = after
            .territories()
            .iter()
            .filter(|territory| territory.teams.is_empty() || territory.teams.contains(&brief.team));
        for territory in serving.take(TERRITORIES_MAX) {
            let firm = asked.firm_in(territory);
            let case = format!("It has no owner, in territory {}", territory.id);
            cases.push(asked.case(&case, &firm, None, present));
        }
    }
    cases.push(asked.case("It has no owner", &asked.firm(), None, present));
    let opens = Some(at + TimeDelta::hours(12));
    let night = move |_: &Rep| Availability::OutsideHours { opens_at: opens };
    cases.push(asked.case("Nobody works when it comes", &asked.firm(), None, night));
    cases
}

/// The owner away for two days.
fn away<'r>(owner: &'r Rep, cover: Option<&'r Rep>, at: DateTime) -> impl Fn(&Rep) -> Availability + use<'r> {
    move |rep: &Rep| {
        if rep.id != owner.id {
            return Availability::Available;
        }
        Availability::Absent {
            until: Some(at + TimeDelta::days(2)),
            cover: cover.map(|cover| cover.id.clone()),
        }
    }
}

struct Asked<'a> {
    brief: &'a Brief,
    after: &'a Arc<Roster>,
    at: DateTime,
    /// Of no account that is named.
    account_id: AccountId,
}

impl Asked<'_> {
    fn firm(&self) -> Firm {
        Firm {
            account_id: self.account_id.clone(),
            domain: None,
            country: None,
            region: None,
            industry: None,
            segment: self.brief.segment.of_accounts().map(str::to_owned),
            employees: None,
            revenue: None,
        }
    }

    /// A firm that a territory takes, as far as one example shows it.
    fn firm_in(&self, territory: &crate::handoffs::Territory) -> Firm {
        let first = |list: &BTreeSet<String>| list.first().cloned();
        let matches = &territory.matches;
        let domain =
            first(&matches.domains).or_else(|| first(&matches.suffixes).map(|end| format!("a{end}")));
        Firm {
            domain,
            country: first(&matches.countries),
            region: first(&matches.regions),
            industry: first(&matches.industries),
            employees: matches.employees.min.or(matches.employees.max),
            revenue: matches.revenue.min.or(matches.revenue.max),
            ..self.firm()
        }
    }

    fn case(
        &self,
        case: &str,
        firm: &Firm,
        owner: Option<&Rep>,
        available: impl Fn(&Rep) -> Availability,
    ) -> Case {
        let snapshot = ahead::snapshot(self.after, available, self.at);
        let request = Request {
            handoff_id: Uuid::nil(),
            firm: firm.clone(),
            team: self.brief.team.clone(),
            skills: BTreeSet::new(),
            crm_owner: owner.map(|rep| rep.id.to_string()),
            lost_by: BTreeSet::new(),
            priority: 0,
            waiting_since: self.at,
        };
        let outcome = ahead::assigned(&request, &snapshot, self.at);
        let (leads_to, because) = self.told(&outcome);
        Case { case: case.to_owned(), leads_to, because }
    }

    fn name(&self, rep: &RepId) -> String {
        self.after.rep(rep.as_str()).map_or_else(|| rep.to_string(), |rep| rep.name.clone())
    }

    fn told(&self, outcome: &Outcome) -> (String, String) {
        match outcome {
            Outcome::Assigned(assigned) => {
                let who = match &assigned.rotation {
                    Some(_) => self.pool(&assigned.route),
                    None => match &assigned.cover_for {
                        Some(owner) => {
                            format!("{}, who covers for {}", self.name(&assigned.rep), self.name(owner))
                        }
                        None => self.name(&assigned.rep),
                    },
                };
                (who, way(&assigned.route))
            }
            Outcome::Fallback(fallback) => (self.name(&fallback.rep), "the team's fallback owner".to_owned()),
            Outcome::Queued(queued) => {
                let mut then = vec![match &queued.why {
                    Waiting::ForRoute { route, .. } => format!("worth waiting for {}", way(route)),
                    Waiting::NobodyNow => "nobody can take it now".to_owned(),
                    Waiting::NoCandidates => "no way leads to anybody".to_owned(),
                    Waiting::UnknownTeam => "the team is not on the roster".to_owned(),
                    Waiting::FallbackCannot { .. } => "not even the fallback owner can".to_owned(),
                }];
                let minutes = |at: DateTime| (at - self.at).num_minutes();
                then.push(format!("alarm after {} min", minutes(queued.alarm_at)));
                then.extend(queued.fallback_at.map(|at| format!("fallback owner after {} min", minutes(at))));
                let waits = match queued.wakes_at {
                    Some(at) => format!("waits, up to {} min", minutes(at)),
                    None => "waits".to_owned(),
                };
                (waits, then.join("; "))
            }
        }
    }

    /// The rotation that a route leads to.
    fn pool(&self, route: &Route) -> String {
        let pod = match route {
            Route::Territory { id } => {
                self.after.territories().iter().find(|territory| territory.id == *id).map(|found| &found.to)
            }
            Route::Segment { segment } => {
                self.after.segment_rule(segment, &self.brief.team).map(|rule| &rule.to)
            }
            _ => None,
        };
        match pod {
            Some(crate::handoffs::Target::Pool { team, pod: Some(pod) }) => {
                format!("whoever has the turn in pod {pod} of {team}")
            }
            Some(crate::handoffs::Target::Pool { team, pod: None }) => {
                format!("whoever has the turn in {team}")
            }
            _ => format!("whoever has the turn in {}", self.brief.team),
        }
    }
}

/// A way, in a sentence.
fn way(route: &Route) -> String {
    match route {
        Route::AccountOwner => "the account's owner".to_owned(),
        Route::NamedAccount { account } => format!("named account {account}"),
        Route::Territory { id } => format!("territory {id}"),
        Route::Segment { segment } => format!("segment {segment}"),
        Route::Team { id } => format!("team {id}"),
        Route::Fallback => "the fallback owner".to_owned(),
        Route::Chosen => "chosen by hand".to_owned(),
    }
}
