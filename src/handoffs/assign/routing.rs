//! The ways to an owner and the walk along them.
//!
//! Promises: the order of ways is the team's own ([`StepRule`]); within a way people are asked in a fixed order (owner, cover,
//! the cover's cover; or the turns of a rotation). A way that leads to nobody able is left for the next one, unless it
//! may be waited for and somebody on it will be able in time.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::candidates::{Part, cover, obstacles};
use super::names::{RepId, TeamId};
use super::outcome::{
    Assigned, Candidate, Fallback, Outcome, Queued, Reason, Rotated, Route, Tried, Waiting,
};
use super::roster::{Overflow, Rep, Roster, Step, StepRule, Target, Team, fold};
use super::rotation::{Entrant, ReturnPolicy, Rotation};
use super::snapshot::{Request, Snapshot};
use crate::kernel::clock::DateTime;

/// How soon a handoff is tried again whose obstacles should be over already.
const WAKE_MIN: TimeDelta = TimeDelta::minutes(1);

/// Finds who takes a handoff over, or why it waits.
pub fn assign(request: &Request, snapshot: &Snapshot, now: DateTime) -> Outcome {
    let Some(team) = snapshot.roster.team(&request.team) else {
        let alarm_at = later(request.waiting_since, Overflow::default().alarm_minutes);
        let why = Waiting::UnknownTeam;
        return Outcome::Queued(Queued {
            why,
            wakes_at: None,
            alarm_at,
            fallback_at: None,
            tried: Vec::new(),
        });
    };
    let walk = Walk { request, snapshot, now };
    let fallback_at =
        team.fallback.is_some().then(|| later(request.waiting_since, team.overflow.fallback_minutes));
    let fallback_is_due = fallback_at.is_some_and(|at| at <= now);
    let mut tried: Vec<Tried> = Vec::new();
    for rule in order(request, team, &snapshot.roster) {
        let from = tried.len();
        for (route, way) in ways(rule.by, request, &snapshot.roster) {
            let found = match way {
                Way::Person { rep, team } => walk.person(&rep, team, rule.cover),
                Way::Pool { team, pod } => walk.pool(team, pod),
            };
            tried.push(Tried { route: route.clone(), candidates: found.candidates });
            if let Some((rep, cover_for, rotation)) = found.taker {
                return Outcome::Assigned(Assigned { rep, route, cover_for, rotation, tried });
            }
        }
        if !fallback_is_due && let Some(why) = walk.waits(*rule, &tried[from..]) {
            return walk.queued(team, fallback_at, why, tried);
        }
    }
    if fallback_is_due {
        return walk.fallback(team, fallback_at, tried);
    }
    let nobody = tried.iter().all(|tried| tried.candidates.is_empty());
    walk.queued(team, fallback_at, if nobody { Waiting::NoCandidates } else { Waiting::NobodyNow }, tried)
}

/// The teams whose rotations an assignment may read or change: what is to be locked, in this order, before the
/// snapshot is taken.
pub fn rotations(request: &Request, roster: &Roster) -> BTreeSet<TeamId> {
    let steps = roster.team(&request.team).into_iter().flat_map(|team| order(request, team, roster));
    let ways = steps.flat_map(|rule| ways(rule.by, request, roster));
    ways.filter_map(|(_, way)| match way {
        Way::Pool { team, .. } => Some(team.clone()),
        Way::Person { .. } => None,
    })
    .collect()
}

/// The ways for a request: those of its segment, where they are its own, else the team's.
fn order<'r>(request: &Request, team: &'r Team, roster: &'r Roster) -> &'r [StepRule] {
    let segment = request.firm.segment.as_deref().unwrap_or_default();
    let own = roster.segment_rule(segment, &team.id).and_then(|rule| rule.order.as_deref());
    own.unwrap_or(&team.order)
}

fn later(at: DateTime, minutes: u32) -> DateTime {
    at.checked_add_signed(TimeDelta::minutes(i64::from(minutes))).unwrap_or(DateTime::MAX_UTC)
}

/// Where a way leads.
enum Way<'r> {
    /// Somebody by name; with a team, only as one of it.
    Person {
        rep: String,
        team: Option<&'r TeamId>,
    },
    Pool {
        team: &'r TeamId,
        pod: Option<&'r str>,
    },
}

/// All ways of one kind for a request, in the order in which they are tried.
fn ways<'r>(step: Step, request: &'r Request, roster: &'r Roster) -> Vec<(Route, Way<'r>)> {
    let team = Some(&request.team);
    let person = |rep: &str| Way::Person { rep: rep.to_owned(), team };
    let serves =
        |teams: &std::collections::BTreeSet<TeamId>| teams.is_empty() || teams.contains(&request.team);
    match step {
        Step::AccountOwner => {
            request.crm_owner.iter().map(|rep| (Route::AccountOwner, person(rep))).collect()
        }
        Step::NamedAccount => {
            let keys = [Some(request.firm.account_id.as_str()), request.firm.domain.as_deref()];
            let found = keys.into_iter().flatten().filter_map(|key| roster.named.get_key_value(&fold(key)));
            found
                .flat_map(|(account, reps)| reps.iter().map(move |rep| (account, rep)))
                .map(|(account, rep)| {
                    (Route::NamedAccount { account: account.clone() }, person(rep.as_str()))
                })
                .collect()
        }
        Step::Territory => {
            let taking = roster.territories.iter().filter(|territory| serves(&territory.teams));
            taking
                .filter(|territory| territory.matches.takes(&request.firm))
                .map(|territory| (Route::Territory { id: territory.id.clone() }, leads(&territory.to)))
                .collect()
        }
        Step::Segment => {
            let segment = request.firm.segment.as_deref().map(fold).unwrap_or_default();
            let rule = roster.segment_rule(&segment, &request.team);
            rule.map(|rule| (Route::Segment { segment }, leads(&rule.to))).into_iter().collect()
        }
        Step::Team => {
            vec![(Route::Team { id: request.team.clone() }, Way::Pool { team: &request.team, pod: None })]
        }
    }
}

fn leads(to: &Target) -> Way<'_> {
    match to {
        Target::Rep(rep) => Way::Person { rep: rep.as_str().to_owned(), team: None },
        Target::Pool { team, pod } => Way::Pool { team, pod: pod.as_deref() },
    }
}

/// What a way leads to: who takes it, for whom, by which turn; and everyone who was looked at.
struct Found {
    taker: Option<(RepId, Option<RepId>, Option<Rotated>)>,
    candidates: Vec<Candidate>,
}

/// One request on its walk.
struct Walk<'a> {
    request: &'a Request,
    snapshot: &'a Snapshot,
    now: DateTime,
}

impl Walk<'_> {
    /// Somebody by name, or who covers for them.
    fn person(&self, name: &str, team: Option<&TeamId>, covered: bool) -> Found {
        let (mut candidates, mut next): (Vec<Candidate>, _) = (Vec::new(), name.to_owned());
        loop {
            let first = candidates.is_empty();
            let (mut reasons, rep) = self.reasons(&next, team.filter(|_| first));
            if candidates.iter().any(|asked| asked.rep == next) {
                reasons = vec![Reason::CoverLoop];
            } else if let Some(rep) = rep.filter(|_| reasons.is_empty()) {
                candidates.push(Candidate { rep: next, reasons: vec![Reason::Chosen] });
                let cover_for = (!first).then(|| RepId::parse(name).ok()).flatten();
                return Found { taker: Some((rep.id.clone(), cover_for, None)), candidates };
            }
            let cover = cover(&reasons).filter(|_| covered).map(|rep| rep.as_str().to_owned());
            candidates.push(Candidate { rep: next, reasons });
            match cover {
                Some(cover) => next = cover,
                None => return Found { taker: None, candidates },
            }
        }
    }

    fn reasons(&self, name: &str, team: Option<&TeamId>) -> (Vec<Reason>, Option<&Rep>) {
        let roster = &self.snapshot.roster;
        let Some(at) = roster.position(name) else { return (vec![Reason::NotOnRoster], None) };
        let rep = &roster.reps()[at];
        if team.is_some_and(|team| rep.team != *team) {
            return (vec![Reason::OtherTeam { team: rep.team.clone() }], Some(rep));
        }
        (obstacles(self.snapshot, at, self.request, Part::Named, self.now), Some(rep))
    }

    /// Whose turn it is in a team, or in a pod of it.
    fn pool(&self, team: &TeamId, pod: Option<&str>) -> Found {
        let roster = &self.snapshot.roster;
        let policy = roster.team(team).map_or(ReturnPolicy::NoCatchUp, |team| team.returning);
        let of_pod = |at: &&usize| pod.is_none_or(|pod| roster.reps()[**at].pods.contains(pod));
        let (mut entrants, mut unable) = (Vec::new(), Vec::new());
        for at in roster.members(team).iter().filter(of_pod) {
            let rep = &roster.reps()[*at];
            let reasons = obstacles(self.snapshot, *at, self.request, Part::Pool, self.now);
            let absent = matches!(reasons.as_slice(), [Reason::Absent { .. }]);
            if reasons.is_empty() || (absent && policy != ReturnPolicy::NoCatchUp) {
                entrants.push(Entrant { rep: &rep.id, weight: rep.weight, absent });
            }
            if !reasons.is_empty() {
                unable.push(Candidate { rep: rep.id.as_str().to_owned(), reasons });
            }
        }
        self.turn(team, &entrants, policy, unable)
    }

    fn turn(
        &self,
        team: &TeamId,
        entrants: &[Entrant<'_>],
        policy: ReturnPolicy,
        unable: Vec<Candidate>,
    ) -> Found {
        let roster = &self.snapshot.roster;
        let members = || roster.members(team).iter().map(|at| &roster.reps()[*at].id);
        let kept = self.snapshot.rotations.get(team);
        let mut enrolled = Rotation::default();
        let mut enrolments = Vec::new();
        let rotation = match kept {
            Some(rotation) if rotation.is_of(members()) => rotation,
            _ => {
                enrolled.clone_from(kept.unwrap_or(&Rotation::default()));
                enrolments = enrolled.enrol(&members().collect::<Vec<_>>());
                &enrolled
            }
        };
        let Some((turn, places)) = rotation.turn(entrants, policy) else {
            return Found { taker: None, candidates: unable };
        };
        let of = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let mut candidates = Vec::with_capacity(places.len() + unable.len());
        for (place, at) in (1..).zip(&places) {
            let lower = Reason::LowerInRotation { place, of, balance: at.balance };
            let reasons = vec![if place == 1 { Reason::Chosen } else { lower }];
            candidates.push(Candidate { rep: entrants[at.entrant].rep.as_str().to_owned(), reasons });
        }
        candidates.extend(unable);
        let taker = turn.chosen.clone();
        let rotated = Rotated { team: team.clone(), enrolments, turn };
        Found { taker: Some((taker, None, Some(rotated))), candidates }
    }

    /// Whether the handoff waits for somebody on the ways that were just tried.
    fn waits(&self, rule: StepRule, tried: &[Tried]) -> Option<Waiting> {
        let until = later(self.request.waiting_since, rule.wait_minutes);
        let able_at = |tried: &&Tried| {
            tried
                .candidates
                .iter()
                .any(|candidate| candidate.able_at().is_some_and(|at| at > self.now && at <= until))
        };
        let route = tried.iter().find(able_at)?.route.clone();
        Some(Waiting::ForRoute { route, until })
    }

    fn queued(&self, team: &Team, fallback_at: Option<DateTime>, why: Waiting, tried: Vec<Tried>) -> Outcome {
        let candidates = tried.iter().flat_map(|tried| &tried.candidates);
        let wakes_at = candidates.filter_map(Candidate::able_at).min();
        Outcome::Queued(Queued {
            why,
            wakes_at: wakes_at.map(|at| if at > self.now { at } else { self.now + WAKE_MIN }),
            alarm_at: later(self.request.waiting_since, team.overflow.alarm_minutes),
            fallback_at,
            tried,
        })
    }

    /// The fallback owner takes it: rather a cover who is there than an absent owner, rather an absent owner than
    /// nobody, and nobody over a cap.
    fn fallback(&self, team: &Team, fallback_at: Option<DateTime>, mut tried: Vec<Tried>) -> Outcome {
        let Some(owner) = &team.fallback else {
            return self.queued(team, fallback_at, Waiting::NobodyNow, tried);
        };
        let mut found = self.person(owner.as_str(), None, true);
        let away = |reason: &Reason| matches!(reason, Reason::Absent { .. } | Reason::OutsideHours { .. });
        let first = found.candidates.first_mut().filter(|first| first.reasons.iter().all(away));
        if found.taker.is_none()
            && let Some(first) = first
        {
            first.reasons.insert(0, Reason::Chosen);
            found.taker = Some((owner.clone(), None, None));
        }
        tried.push(Tried { route: Route::Fallback, candidates: found.candidates });
        match found.taker {
            Some((rep, cover_for, _)) => Outcome::Fallback(Fallback { rep, cover_for, tried }),
            None => self.queued(team, fallback_at, Waiting::FallbackCannot { rep: owner.clone() }, tried),
        }
    }
}
