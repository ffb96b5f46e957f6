//! What holds for every sequence of assignments, rejections, absences and edits.

use std::sync::Mutex;

use proptest::prelude::*;

use super::turns::{enrolled, entrants, names, take, widest};
use super::*;
use crate::handoffs::assign::rotation::{Entrant, ReturnPolicy, UNIT};

/// What happens to a team, one at a time. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Event {
    Assign { skilled: bool },
    Reassign(usize),
    RollBack(usize),
    Finish(usize),
    Away(usize),
    Back(usize),
    Weight(usize, u32),
    Join(usize),
    Leave(usize),
    Minutes(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => any::<bool>().prop_map(|skilled| Event::Assign { skilled }),
        2 => any::<usize>().prop_map(Event::Reassign),
        1 => any::<usize>().prop_map(Event::RollBack),
        3 => any::<usize>().prop_map(Event::Finish),
        2 => any::<usize>().prop_map(Event::Away),
        2 => any::<usize>().prop_map(Event::Back),
        1 => (any::<usize>(), 0..20_u32).prop_map(|(at, weight)| Event::Weight(at, weight)),
        1 => any::<usize>().prop_map(Event::Join),
        1 => any::<usize>().prop_map(Event::Leave),
        2 => (1..200_i64).prop_map(Event::Minutes),
    ]
}

const REPS: usize = 8;

/// A team to which things happen.
struct World {
    weights: [u32; REPS],
    away: [bool; REPS],
    member: [bool; REPS],
    returning: &'static str,
    now: DateTime,
    snapshot: Snapshot,
    live: Vec<(Request, Outcome, DateTime)>,
}

impl World {
    fn new(returning: &'static str) -> Self {
        let snapshot = snapshot(&three());
        let (weights, away) = ([1; REPS], [false; REPS]);
        let mut world =
            Self { weights, away, member: [true; REPS], returning, now: noon(), snapshot, live: Vec::new() };
        world.edit();
        world
    }

    /// The roster as it is at present; who is no member of `sales` is of another team.
    fn edit(&mut self) {
        let reps = (0..REPS).map(|at| {
            let skills: &[&str] = if at % 3 == 0 { &["german"] } else { &[] };
            let caps = json!([{"limit": 4, "window": "hour", "kind": "rolling"}, {"limit": 9, "window": "day"}]);
            let team = if self.member[at] { "sales" } else { "elsewhere" };
            rep(&format!("r{at:03}"), json!({"weight": self.weights[at], "skills": skills, "team": team, "capacity": 6, "caps": caps}))
        });
        let team = json!({"returning": if self.returning == "capped" { json!({"capped": 2}) } else { json!(self.returning) }});
        let roster = roster_with(team, reps.collect(), json!({"teams": [{"id": "elsewhere"}]}));
        self.snapshot = self.snapshot.under(roster);
        self.calendar();
    }

    /// What the calendar says at the present instant.
    fn calendar(&mut self) {
        let spans = Spans::at_offset(self.now, FixedOffset::east_opt(3_600).unwrap());
        for (at, id) in names(REPS).iter().enumerate() {
            let kept = self.snapshot.standing(id).cloned().unwrap_or_else(present);
            let away = Availability::Absent { until: Some(self.now + TimeDelta::hours(2)), cover: None };
            let availability = if self.away[at] { away } else { Availability::Available };
            self.snapshot.set_standing(id, Standing { availability, spans, ..kept });
        }
    }

    fn happen(&mut self, event: &Event, id: u128) {
        match *event {
            Event::Assign { skilled } => {
                let skills = if skilled { ["german".to_owned()].into() } else { BTreeSet::new() };
                let request = Request { skills, waiting_since: self.now, ..request(id) };
                let outcome = assign(&request, &self.snapshot, self.now);
                self.check(&request, &outcome);
                self.snapshot.apply(&outcome, self.now);
                self.keep(request, outcome);
            }
            Event::Reassign(at) if !self.live.is_empty() => {
                let (mut request, before, at) = self.live.swap_remove(at % self.live.len());
                let outcome = reassign(&request, &before, at, &mut self.snapshot, self.now);
                request.lost_by.extend(before.rep().cloned());
                assert!(!request.lost_by.iter().any(|rep| Some(rep) == outcome.rep()));
                self.keep(request, outcome);
            }
            Event::RollBack(at) if !self.live.is_empty() => {
                let (_, outcome, at) = self.live.swap_remove(at % self.live.len());
                self.snapshot.credit_back(&outcome, at);
            }
            Event::Finish(at) => {
                let id = &names(REPS)[at % REPS];
                let kept = self.snapshot.standing(id).unwrap().clone();
                self.snapshot.set_standing(id, Standing { open: kept.open.saturating_sub(1), ..kept });
            }
            Event::Away(at) => self.away[at % REPS] = true,
            Event::Back(at) => self.away[at % REPS] = false,
            Event::Weight(at, weight) => self.weights[at % REPS] = weight,
            Event::Join(at) => self.member[at % REPS] = true,
            Event::Leave(at) => self.member[at % REPS] = false,
            Event::Minutes(minutes) => self.now += TimeDelta::minutes(minutes),
            Event::Reassign(_) | Event::RollBack(_) => {}
        }
        match event {
            Event::Weight(..) | Event::Join(_) | Event::Leave(_) => self.edit(),
            _ => self.calendar(),
        }
    }

    fn keep(&mut self, request: Request, outcome: Outcome) {
        if outcome.rep().is_some() {
            self.live.push((request, outcome, self.now));
        }
    }

    /// Whether a rep could take it, said without the code under test.
    fn able(&self, at: usize, request: &Request) -> bool {
        let id = &names(REPS)[at];
        let standing = self.snapshot.standing(id).unwrap();
        let given = |since: DateTime| standing.taken.iter().filter(|at| **at >= since).count();
        let local_midnight =
            (self.now + TimeDelta::hours(1)).date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
        let hour = self.now - TimeDelta::hours(1) + TimeDelta::microseconds(1);
        self.member[at]
            && !self.away[at]
            && self.weights[at] > 0
            && (request.skills.is_empty() || at.is_multiple_of(3))
            && standing.open < 6
            && given(hour) < 4
            && given(local_midnight - TimeDelta::hours(1)) < 9
    }

    /// Somebody able is chosen whenever there is one, and nobody else ever is; everyone has a reason.
    fn check(&self, request: &Request, outcome: &Outcome) {
        let able: Vec<String> =
            (0..REPS).filter(|at| self.able(*at, request)).map(|at| format!("r{at:03}")).collect();
        match rep_of(outcome) {
            Some(rep) => assert!(able.iter().any(|able| able == rep), "{rep} is not among {able:?}"),
            None => assert!(able.is_empty(), "{able:?} could have taken it"),
        }
        let last = &outcome.tried().last().unwrap().candidates;
        assert_eq!(last.len(), self.member.iter().filter(|member| **member).count());
        let agree = |c: &Candidate| {
            able.contains(&c.rep) == matches!(c.reasons[0], Reason::Chosen | Reason::LowerInRotation { .. })
        };
        assert!(last.iter().all(|candidate| !candidate.reasons.is_empty() && agree(candidate)));
    }

    fn members_sum(&self) -> i64 {
        let accounts =
            self.snapshot.rotation(&team_id("sales")).map_or(&[][..], |rotation| rotation.accounts());
        accounts.iter().filter(|account| account.member).map(|account| account.balance).sum()
    }
}

/// Weights of reps and, for each turn, who could take it.
fn comings_and_goings(most: usize) -> impl Strategy<Value = (Vec<u32>, Vec<Vec<bool>>)> {
    (2..=most, 1_u32..=1_000).prop_flat_map(|(count, heaviest)| {
        let able = prop::collection::vec(any::<bool>(), count);
        (prop::collection::vec(1..=heaviest, count), prop::collection::vec(able, 1..300))
    })
}

fn pick<'n>(all: &[Entrant<'n>], able: &[bool]) -> Vec<Entrant<'n>> {
    all.iter().zip(able).filter(|(_, able)| **able).map(|(entrant, _)| *entrant).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_reps_never_deviate_by_more_than_one_from_their_weighted_share(weights in prop::collection::vec(1_u32..=1_000, 1..12), turns in 1..600_i128) {
        let names = names(weights.len());
        let mut rotation = enrolled(&names);
        let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        let mut assigned = vec![0_i128; weights.len()];
        for taken in 1..=turns {
            assigned[take(&mut rotation, &entrants(&names, &weights), ReturnPolicy::NoCatchUp)] += 1;
            for (assigned, weight) in assigned.iter().zip(&weights) {
                prop_assert!((assigned * sum - taken * i128::from(*weight)).abs() <= sum);
            }
            prop_assert!(widest(&rotation) < UNIT);
        }
    }

    #[test]
    fn comings_and_goings_keep_within_what_is_proven_and_what_was_measured((weights, turns) in comings_and_goings(8)) {
        let names = names(weights.len());
        let all = entrants(&names, &weights);
        let mut rotation = enrolled(&names);
        let mut expected = vec![0.0_f64; names.len()];
        for able in &turns {
            let entrants = pick(&all, able);
            if entrants.is_empty() {
                prop_assert!(rotation.turn(&entrants, ReturnPolicy::NoCatchUp).is_none());
                continue;
            }
            let sum: f64 = entrants.iter().map(|entrant| f64::from(entrant.weight)).sum();
            let chosen = take(&mut rotation, &entrants, ReturnPolicy::NoCatchUp);
            for (at, _) in able.iter().enumerate().filter(|(_, able)| **able) {
                let paid = f64::from(u8::from(names[at] == *entrants[chosen].rep));
                expected[at] += f64::from(weights[at]) / sum - paid;
            }
            let proven = i64::try_from(names.len() - 1).unwrap() * UNIT;
            prop_assert!(widest(&rotation) <= proven.min(2 * UNIT));
            // The accounts are expected − assigned, as anybody would compute it.
            for (account, expected) in rotation.accounts().iter().zip(&expected) {
                #[expect(clippy::cast_precision_loss, reason = "compared to a billionth")]
                let balance = account.balance as f64 / UNIT as f64;
                prop_assert!((balance - expected).abs() < 1e-9, "{balance} {expected}");
            }
        }
    }

    #[test]
    fn weights_edited_at_every_turn_keep_within_what_is_proven(turns in prop::collection::vec(prop::collection::vec(0_u32..=1_000, 5), 1..300)) {
        let names = names(5);
        let mut rotation = enrolled(&names);
        for weights in &turns {
            let able: Vec<bool> = weights.iter().map(|weight| *weight > 0).collect();
            let entrants = pick(&entrants(&names, weights), &able);
            if let Some((turn, _)) = rotation.turn(&entrants, ReturnPolicy::NoCatchUp) {
                rotation.apply(&turn);
            }
            prop_assert!(widest(&rotation) <= 4 * UNIT);
        }
    }

    #[test]
    fn the_order_of_entrants_plays_no_part((weights, turns) in comings_and_goings(8), seed in any::<u64>()) {
        let names = names(weights.len());
        let all = entrants(&names, &weights);
        let mut rotation = enrolled(&names);
        for able in &turns {
            let one = pick(&all, able);
            let mut other = one.clone();
            other.sort_by_key(|entrant| (u64::from(entrant.weight) ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let first = rotation.turn(&one, ReturnPolicy::Proportional).map(|(turn, _)| turn);
            let second = rotation.turn(&other, ReturnPolicy::Proportional).map(|(turn, _)| turn);
            prop_assert_eq!(&first, &second);
            if let Some(turn) = &first {
                rotation.apply(turn);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_able_are_chosen_no_cap_is_passed_and_accounts_stay_even(
        events in prop::collection::vec(event(), 1..120),
        returning in prop::sample::select(vec!["noCatchUp", "capped", "proportional"]),
    ) {
        let mut world = World::new(returning);
        for (id, event) in (1..).zip(&events) {
            world.happen(event, id);
            prop_assert_eq!(world.members_sum(), 0, "after {:?}", event);
        }
        // All taken back, everybody is as if nothing had ever been assigned.
        let fixed = !events.iter().any(|event| matches!(event, Event::Join(_) | Event::Leave(_)));
        for (_, outcome, at) in std::mem::take(&mut world.live) {
            world.snapshot.credit_back(&outcome, at);
        }
        prop_assert_eq!(world.members_sum(), 0);
        if fixed && let Some(rotation) = world.snapshot.rotation(&team_id("sales")) {
            prop_assert_eq!(widest(rotation), 0);
        }
    }

    #[test]
    fn the_order_of_the_roster_and_of_the_batch_plays_no_part(seed in any::<u64>(), count in 1..20_u128) {
        let shuffle = |at: usize| (at as u64 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17);
        let mut reps: Vec<Value> = (0..6).map(|at| rep(&format!("r{at}"), json!({"weight": at + 1, "pods": ["p"]}))).collect();
        let territories = |order: [usize; 3]| {
            let list = [json!({"id": "a", "match": {"countries": ["fr"]}, "to": {"rep": "r0"}}), json!({"id": "c", "match": {}, "to": {"rep": "r5"}}), json!({"id": "b", "match": {}, "to": {"team": "sales", "pod": "p"}})];
            json!({"territories": order.map(|at| list[at].clone())})
        };
        let mut requests: Vec<Request> = (0..count).map(request).collect();
        let one = roster_with(Value::Null, reps.clone(), territories([0, 1, 2]));
        reps.sort_by_key(|rep| shuffle(rep["weight"].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap()));
        let other = roster_with(Value::Null, reps, territories([2, 1, 0]));
        prop_assert_eq!(&one, &other);
        let first = assign_many(&requests, &mut snapshot(&one), noon());
        requests.sort_by_key(|request| shuffle(usize::try_from(request.handoff_id.as_u128()).unwrap()));
        prop_assert_eq!(first, assign_many(&requests, &mut snapshot(&other), noon()));
    }
}

#[test]
fn under_a_lock_concurrent_assignments_are_as_fair_as_one_after_the_other() {
    let reps = (0..7).map(|at| {
        rep(&format!("r{at:03}"), json!({"weight": at + 1, "caps": [{"limit": 200, "window": "day"}]}))
    });
    let shared = Mutex::new(snapshot(&roster_with(Value::Null, reps.collect(), Value::Null)));
    std::thread::scope(|scope| {
        for thread in 0..4_u128 {
            let shared = &shared;
            scope.spawn(move || {
                for id in 0..175 {
                    let mut snapshot = shared.lock().unwrap();
                    let outcome = assign(&request(thread * 1_000 + id), &snapshot, noon());
                    snapshot.apply(&outcome, noon());
                }
            });
        }
    });
    let snapshot = shared.into_inner().unwrap();
    let open: Vec<u32> = names(7).iter().map(|rep| snapshot.standing(rep).unwrap().open).collect();
    assert_eq!(open, [25, 50, 75, 100, 125, 150, 175]);
}
