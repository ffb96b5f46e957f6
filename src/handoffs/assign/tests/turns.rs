//! The accounts: what a turn does to them, what is certain of them and what cannot be, and that edits reset nothing.

use super::*;
use crate::handoffs::assign::rotation::{
    Account, EnrolmentKind, Entrant, MEMBERS_MAX, ReturnPolicy, Rotation, UNIT, WEIGHT_MAX,
};

/// Reps named `r000` and so on.
pub fn names(count: usize) -> Vec<RepId> {
    (0..count).map(|at| rep_id(&format!("r{at:03}"))).collect()
}

pub fn enrolled(names: &[RepId]) -> Rotation {
    let mut rotation = Rotation::default();
    rotation.enrol(&names.iter().collect::<Vec<_>>());
    rotation
}

pub fn entrants<'n>(names: &'n [RepId], weights: &[u32]) -> Vec<Entrant<'n>> {
    names.iter().zip(weights).map(|(rep, weight)| Entrant { rep, weight: *weight, absent: false }).collect()
}

/// One turn, put into the accounts; the position of the chosen.
pub fn take(rotation: &mut Rotation, entrants: &[Entrant<'_>], policy: ReturnPolicy) -> usize {
    let (turn, places) = rotation.turn(entrants, policy).unwrap();
    rotation.apply(&turn);
    places[0].entrant
}

pub fn widest(rotation: &Rotation) -> i64 {
    rotation.accounts().iter().map(|account| account.balance.abs()).max().unwrap_or(0)
}

fn balances(rotation: &Rotation) -> Vec<i64> {
    rotation.accounts().iter().map(|account| account.balance).collect()
}

const NO: ReturnPolicy = ReturnPolicy::NoCatchUp;

#[test]
fn a_thousand_over_seven_deviate_by_less_than_one_at_every_moment() {
    let (names, weights) = (names(7), [1, 2, 3, 4, 5, 6, 7]);
    let mut rotation = enrolled(&names);
    let mut assigned = [0_i64; 7];
    for taken in 1..=1_000_i64 {
        assigned[take(&mut rotation, &entrants(&names, &weights), NO)] += 1;
        for (assigned, weight) in assigned.iter().zip(weights) {
            assert!((assigned * 28 - taken * i64::from(weight)).abs() < 28, "{assigned} of {taken}");
        }
    }
    assert_eq!(assigned, [35, 71, 107, 143, 179, 215, 250]);
}

#[test]
fn equal_reps_take_turns_by_name() {
    let names = names(3);
    let mut rotation = enrolled(&names);
    let order: Vec<usize> = (0..7).map(|_| take(&mut rotation, &entrants(&names, &[1, 1, 1]), NO)).collect();
    assert_eq!(order, [0, 1, 2, 0, 1, 2, 0]);
}

#[test]
fn skewed_weights_stay_within_one_where_the_largest_balance_alone_does_not() {
    let weights = [784_u32, 784, 20, 1];
    let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
    let names = names(4);
    let (mut rotation, mut plain, mut plain_widest) = (enrolled(&names), [0_i64; 4], 0);
    for _ in 0..sum {
        take(&mut rotation, &entrants(&names, &weights), NO);
        assert!(widest(&rotation) < UNIT);
        plain.iter_mut().zip(weights).for_each(|(balance, weight)| *balance += i64::from(weight));
        let most = *plain.iter().max().unwrap();
        let chosen = plain.iter().position(|balance| *balance == most).unwrap();
        plain[chosen] -= sum;
        plain_widest = plain_widest.max(plain.iter().map(|balance| balance.abs()).max().unwrap());
    }
    assert_eq!(plain_widest * 100 / sum, 106);
}

#[test]
fn no_rule_keeps_eight_reps_within_one_when_two_at_a_time_are_able() {
    // A tournament: whoever is chosen meets another who was chosen as often.
    let names = names(8);
    let mut rotation = enrolled(&names);
    let mut ahead: Vec<usize> = (0..8).collect();
    while ahead.len() > 1 {
        ahead = ahead
            .chunks(2)
            .map(|pair| {
                let two = [names[pair[0]].clone(), names[pair[1]].clone()];
                pair[take(&mut rotation, &entrants(&two, &[1, 1]), NO)]
            })
            .collect();
    }
    assert_eq!(balances(&rotation)[ahead[0]], -UNIT * 3 / 2);
}

/// The widest balance of so many equal reps that any sequence of who is able can lead to, by visiting every state.
fn widest_of_all_sequences(count: usize) -> i64 {
    let names = names(count);
    let all = entrants(&names, &vec![1; count]);
    // States that differ by less than a share's rounding are the same one; 60 is divisible by all shares.
    let state = |rotation: &Rotation| -> Vec<i64> {
        balances(rotation).iter().map(|balance| (balance * 60 + balance.signum() * UNIT / 2) / UNIT).collect()
    };
    let (mut seen, mut open) = (BTreeSet::new(), vec![enrolled(&names)]);
    let mut most = 0;
    while let Some(rotation) = open.pop() {
        most = most.max(widest(&rotation));
        for able in 1..1_u32 << count {
            let able: Vec<_> = (0..count).filter(|at| able >> at & 1 == 1).map(|at| all[at]).collect();
            let mut next = rotation.clone();
            take(&mut next, &able, NO);
            if seen.insert(state(&next)) {
                open.push(next);
            }
        }
    }
    most
}

#[test]
fn up_to_three_equal_reps_stay_within_one_under_every_sequence_and_four_nearly() {
    let widest = [2, 3, 4].map(widest_of_all_sequences);
    let exact = [UNIT / 2, UNIT * 5 / 6, UNIT * 7 / 6];
    assert!(
        widest.iter().zip(exact).all(|(widest, exact)| (widest - exact).abs() < UNIT / 1_000_000),
        "{widest:?}"
    );
}

#[test]
fn a_turn_taken_back_leaves_no_trace_whatever_came_after_it() {
    let (names, weights) = (names(5), [3, 1, 4, 1, 5]);
    let all = entrants(&names, &weights);
    let mut rotation = enrolled(&names);
    take(&mut rotation, &all, NO);
    let before = rotation.clone();
    let (first, _) = rotation.turn(&all, NO).unwrap();
    rotation.apply(&first);
    let (second, _) = rotation.turn(&all[1..], NO).unwrap();
    rotation.apply(&second);
    rotation.credit_back(&first);
    let mut without = before.clone();
    without.apply(&second);
    assert_eq!(rotation, without);
    rotation.credit_back(&second);
    assert_eq!(rotation, before);
}

#[test]
fn who_was_credited_back_misses_no_turn() {
    let names = names(4);
    let all = entrants(&names, &[1; 4]);
    let mut rotation = enrolled(&names);
    let (turn, _) = rotation.turn(&all, NO).unwrap();
    rotation.apply(&turn);
    rotation.credit_back(&turn);
    // Passed by for the handoff that it lost; then everybody has one before anybody has two.
    assert_eq!(take(&mut rotation, &all[1..], NO), 0);
    assert_eq!([0; 3].map(|_| take(&mut rotation, &all, NO)), [2, 3, 0]);
}

#[test]
fn turns_taken_back_all_at_once_are_owed_and_made_up_at_once() {
    let names = names(2);
    let all = entrants(&names, &[1, 1]);
    let mut rotation = enrolled(&names);
    let turns: Vec<_> = (0..10)
        .map(|_| {
            let (turn, _) = rotation.turn(&all, NO).unwrap();
            rotation.apply(&turn);
            turn
        })
        .collect();
    turns.iter().filter(|turn| turn.chosen == names[0]).for_each(|turn| rotation.credit_back(turn));
    assert_eq!(balances(&rotation), [5 * UNIT / 2, -5 * UNIT / 2]);
    assert_eq!([0; 7].map(|_| take(&mut rotation, &all, NO)), [0, 0, 0, 0, 0, 0, 1]);
    assert!(widest(&rotation) < UNIT);
}

#[test]
fn absence_leaves_no_debt_and_no_claim() {
    let names = names(4);
    let all = entrants(&names, &[1; 4]);
    let mut rotation = enrolled(&names);
    for _ in 0..300 {
        take(&mut rotation, &all[1..], NO);
    }
    assert_eq!(rotation.account(&names[0]).unwrap().balance, 0);
    let turns = (0..40).filter(|_| take(&mut rotation, &all, NO) == 0).count();
    assert_eq!(turns, 10);
}

/// Turns of the first of four equal reps in the 120 after an absence of 120.
fn turns_after_absence(policy: ReturnPolicy) -> Vec<usize> {
    let names = names(4);
    let mut all = entrants(&names, &[1; 4]);
    let mut rotation = enrolled(&names);
    all[0].absent = true;
    for _ in 0..120 {
        assert_ne!(take(&mut rotation, &all, policy), 0);
    }
    all[0].absent = false;
    (0..120).map(|_| take(&mut rotation, &all, policy)).collect()
}

#[test]
fn who_returns_makes_up_as_the_policy_says_and_is_never_flooded() {
    // The usual share of 120 is 30. At double weight it is 2/5 of the turns, 0.15 more than usual at each.
    let cases = [
        (ReturnPolicy::NoCatchUp, 30),
        (ReturnPolicy::Capped(0), 30),
        (ReturnPolicy::Capped(3), 33),
        (ReturnPolicy::Capped(9), 39),
        (ReturnPolicy::Proportional, 48),
    ];
    for (policy, expected) in cases {
        let turns = turns_after_absence(policy);
        assert_eq!(turns.iter().filter(|rep| **rep == 0).count(), expected, "{policy:?}");
        let most = turns.windows(5).map(|five| five.iter().filter(|rep| **rep == 0).count()).max();
        assert!(most <= Some(3), "{policy:?}: {most:?} of five");
    }
}

#[test]
fn edits_of_the_team_reset_nothing() {
    let names = names(4);
    let of = |list: &[usize]| list.iter().map(|at| names[*at].clone()).collect::<Vec<_>>();
    let three = of(&[0, 1, 2]);
    let mut rotation = enrolled(&three);
    take(&mut rotation, &entrants(&three, &[1, 1, 1]), NO);
    let third = UNIT / 3;
    assert_eq!(balances(&rotation), [third + 1 - UNIT, third, third]);
    // A new member starts at the level of the others, who keep theirs.
    assert_eq!(rotation.enrol(&names.iter().collect::<Vec<_>>()).len(), 1);
    assert_eq!(balances(&rotation), [third + 1 - UNIT, third, third, 0]);
    // A leaver's balance is shared by the others, and found again.
    let left = rotation.enrol(&of(&[1, 2, 3]).iter().collect::<Vec<_>>());
    assert_eq!(
        left.iter().map(|change| change.kind).collect::<Vec<_>>(),
        [EnrolmentKind::Left, EnrolmentKind::Settled, EnrolmentKind::Settled, EnrolmentKind::Settled]
    );
    assert_eq!(rotation.accounts().iter().filter(|a| a.member).map(|a| a.balance).sum::<i64>(), 0);
    let back = rotation.enrol(&names.iter().collect::<Vec<_>>());
    assert_eq!(back[0].kind, EnrolmentKind::Returned);
    assert_eq!(rotation.account(&names[0]).unwrap().balance, third + 1 - UNIT);
    assert_eq!(balances(&rotation).iter().sum::<i64>(), 0);
    assert!(rotation.is_of(names.iter()) && !rotation.is_of(names[1..].iter()));
    assert_eq!(rotation.enrol(&names.iter().collect::<Vec<_>>()), []);
}

#[test]
fn the_last_to_leave_and_the_first_to_return_begin_even() {
    let names = names(3);
    let mut rotation = enrolled(&names);
    take(&mut rotation, &entrants(&names, &[1, 1, 1]), NO);
    rotation.enrol(&[]);
    rotation.enrol(&[&names[0], &names[2]]);
    assert!(rotation.accounts().iter().filter(|account| account.member).all(|account| account.balance == 0));
}

#[test]
fn a_turn_taken_back_after_its_rep_left_keeps_the_members_even() {
    let names = names(3);
    let mut rotation = enrolled(&names);
    let (turn, _) = rotation.turn(&entrants(&names, &[1, 1, 1]), NO).unwrap();
    rotation.apply(&turn);
    rotation.enrol(&[&names[1], &names[2]]);
    rotation.credit_back(&turn);
    let members = rotation.accounts().iter().filter(|account| account.member);
    assert_eq!(members.map(|account| account.balance).sum::<i64>(), 0);
    assert_eq!(rotation.account(&names[0]).unwrap().balance, 0);
}

#[test]
fn the_largest_team_at_the_largest_weights_does_not_overflow() {
    let names: Vec<RepId> = (0..MEMBERS_MAX).map(|at| rep_id(&format!("r{at:05}"))).collect();
    let far = i64::try_from(MEMBERS_MAX).unwrap() * UNIT;
    let account = |(at, rep): (usize, &RepId)| Account {
        rep: rep.clone(),
        balance: if at % 2 == 0 { far } else { -far },
        missed: far,
        member: true,
    };
    let rotation = Rotation::from(names.iter().enumerate().map(account).collect::<Vec<_>>());
    let (turn, places) =
        rotation.turn(&entrants(&names, &vec![WEIGHT_MAX; MEMBERS_MAX]), ReturnPolicy::Proportional).unwrap();
    assert_eq!((turn.chosen.as_str(), places.len()), ("r00000", MEMBERS_MAX));
    let moved: i64 = turn.moves.iter().map(|moved| moved.balance_after - moved.balance_before).sum();
    assert_eq!(moved, 0);
}

#[test]
fn accounts_are_stored_by_name_and_once() {
    let account = |rep: &str, balance| Account { rep: rep_id(rep), balance, missed: 0, member: true };
    let read: Rotation =
        serde_json::from_value(serde_json::to_value([account("b", 1), account("a", -1)]).unwrap()).unwrap();
    assert_eq!(balances(&read), [-1, 1]);
    assert_eq!(Vec::from(read).len(), 2);
}
