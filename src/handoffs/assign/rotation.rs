//! Fair rotation: whose turn it is, kept as one exact account for each rep of a team.
//!
//! **The account.** At every turn one assignment is shared out among the reps who could have taken it, by weight;
//! each share is added to the rep's `balance`, and the one who takes the assignment pays [`UNIT`]. A balance is
//! therefore expected − assigned, in trillionths of an assignment: above 0 the rep is owed, below 0 ahead. Who
//! could not take it gains and loses nothing, so that absence, caps and hours leave no debt behind. The balances of
//! the members always sum to exactly 0.
//!
//! **The choice.** After the shares are added: whoever is owed a whole assignment goes first, the largest balance
//! before the others; else, among those who are owed anything, the one who would be owed a whole assignment
//! soonest at the present shares (`(UNIT − balance) / weight`, earliest deadline first); else the largest balance.
//! Ties go to the larger balance, then to the name that sorts first. No order of candidates plays a part.
//!
//! **What is certain** (n is the number of members; each line has a test in `tests/laws.rs` and `tests/turns.rs`).
//! - While the same reps can take every assignment, with the same weights, from even accounts on:
//!   |balance| < 1 for everyone, always. Each rep's k-th assignment has the window from when it is first owed to
//!   when it would be overdue; the windows can all be met, since the shares of one turn sum to one, and earliest
//!   deadline first meets all windows of unit jobs that can be met. (The largest balance alone, known as smooth
//!   weighted round robin, does not keep this: weights 784, 784, 20, 1 take it to 1.06.)
//! - Whoever is able or not and whatever the weights are, at every turn anew: |balance| ≤ n − 1.
//!   Let T(k) be the largest sum of k balances. It grows only at a turn that a rep c outside of these k took, one
//!   of them, j, having been able as well; the choice guarantees balance(j) < balance(c) + 2 after it, hence
//!   T(k−1) + T(k+1) ≥ T(k) − balance(j) + T(k) + balance(c) > 2·T(k) − 2. With T(0) = T(n) = 0 this gives
//!   T(k) ≤ k(n − k). For two reps the bound is therefore 1 under any sequence. For equal reps the widest balance of
//!   all sequences is ½ for two of them, 5/6 for three and 7/6 for four (every reachable state is visited by a test).
//! - No rule can keep everyone within 1 under any sequence: of eight reps let two at a time be able to take it.
//!   After four such turns four reps are ½ ahead; pair these, and two are 1 ahead; pair those, and one of them is
//!   1½ ahead, whoever is chosen. Random comings and goings stay below 2 (widest of 220 000 runs of 300 turns, 2 to 12 reps: 1.6; most stay within 1¼).
//! - A turn that is taken back is gone without trace, also from between later ones. Whoever has k of them taken back at
//!   once is owed up to k more than before, and gets the next turns until that is made up.
//!
//! **Exactness.** Integers only. A share is rounded down to 1/UNIT and what is left over goes, one each, to the
//! first names, so that shares of a turn sum to exactly UNIT. What is said above of balances is exact; the true
//! fraction `weight / sum` is away from them by less than t/UNIT after t turns. As a deviation from true fractions is
//! a multiple of 1/sum, it is at most 1, the end included, while t·sum ≤ UNIT: a billion turns at a sum of 1000. A
//! balance of the largest team stays below `MEMBERS_MAX`·UNIT = 10^16, far within 64 bits; products of a balance and a
//! weight are taken in 128.
//!
//! **Edits.** The identity of a rotation is its team: territories, pods, skills, weights, caps, hours may be
//! edited at will and no account changes. A new member starts at 0, the level of the others. A member who leaves
//! takes its balance along and the others share the difference evenly; one who comes back finds it again.

use serde::{Deserialize, Serialize};

use super::names::RepId;

/// One assignment, as an amount of an account.
pub const UNIT: i64 = 1_000_000_000_000;
/// The most members of one team: bounds every sum of balances.
pub const MEMBERS_MAX: usize = 10_000;
/// The largest weight of a rep.
pub const WEIGHT_MAX: u32 = 1_000;
/// How much faster than usual a rep who is catching up accrues: never a flood, at most double turns.
const CATCH_UP_RATE: u64 = 2;

/// What happens with the assignments that a rep missed while absent. Being outside working hours, at a cap or full is not
/// absence, and is never made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReturnPolicy {
    /// They are nobody's debt.
    #[default]
    NoCatchUp,
    /// At most so many are made up for, at twice the usual share.
    Capped(u32),
    /// All are made up for, at twice the usual share.
    Proportional,
}

impl ReturnPolicy {
    /// The most that may be owed for an absence.
    fn owed_max(self) -> i64 {
        match self {
            Self::NoCatchUp => 0,
            Self::Capped(max) => i64::from(max) * UNIT,
            Self::Proportional => i64::try_from(MEMBERS_MAX).unwrap_or(i64::MAX) * UNIT,
        }
    }
}

/// One rep's account in one team's rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub rep: RepId,
    /// Expected − assigned, in 1/[`UNIT`].
    pub balance: i64,
    /// What was missed while absent and is still to be made up for, in 1/[`UNIT`]; never negative.
    pub missed: i64,
    /// Whether the rep is of the team at present.
    pub member: bool,
}

/// A team's rotation: the accounts of its members and of those who were.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Account>", into = "Vec<Account>")]
pub struct Rotation {
    /// By name, each once.
    accounts: Vec<Account>,
}

/// A rep who could take a turn, or who is absent and would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrant<'a> {
    pub rep: &'a RepId,
    /// 1 to [`WEIGHT_MAX`].
    pub weight: u32,
    pub absent: bool,
}

/// One turn: who took it and what it did to the accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    pub chosen: RepId,
    /// Every account that moved, by name.
    pub moves: Vec<Move>,
}

/// One account before and after a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    pub rep: RepId,
    pub balance_before: i64,
    pub balance_after: i64,
    pub missed_before: i64,
    pub missed_after: i64,
}

/// An entrant's place in the order of turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The position among the entrants.
    pub entrant: usize,
    /// The balance after the turn.
    pub balance: i64,
}

/// Why an account changed without a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentKind {
    Joined,
    Returned,
    Left,
    /// A member who stayed and shares in the balance that a leaver took along or a returner brought.
    Settled,
}

/// A change of an account through a change of the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolment {
    pub rep: RepId,
    pub kind: EnrolmentKind,
    pub balance_before: i64,
    pub balance_after: i64,
}

impl From<Vec<Account>> for Rotation {
    fn from(mut accounts: Vec<Account>) -> Self {
        accounts.sort_by(|a, b| a.rep.cmp(&b.rep));
        accounts.dedup_by(|later, first| later.rep == first.rep);
        Self { accounts }
    }
}

impl From<Rotation> for Vec<Account> {
    fn from(rotation: Rotation) -> Self {
        rotation.accounts
    }
}

impl Rotation {
    /// The accounts, by name.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub fn account(&self, rep: &RepId) -> Option<&Account> {
        self.accounts.binary_search_by(|account| account.rep.cmp(rep)).ok().map(|at| &self.accounts[at])
    }

    /// Whether the accounts are those of exactly these members, given by name.
    pub fn is_of<'a>(&self, members: impl Iterator<Item = &'a RepId>) -> bool {
        self.accounts.iter().filter(|account| account.member).map(|account| &account.rep).eq(members)
    }

    /// Brings the accounts in step with the team. `members` by name, each once; what changed comes back.
    pub fn enrol(&mut self, members: &[&RepId]) -> Vec<Enrolment> {
        let before = self.accounts.clone();
        let (mut kinds, mut owed) = (Vec::new(), 0);
        for account in &mut self.accounts {
            let stays = members.binary_search(&&account.rep).is_ok();
            if account.member && !stays {
                owed += account.balance;
                kinds.push((account.rep.clone(), EnrolmentKind::Left));
            } else if !account.member && stays {
                owed -= account.balance;
                kinds.push((account.rep.clone(), EnrolmentKind::Returned));
            }
        }
        self.settle(owed, members);
        for rep in members {
            let new = Account { rep: (*rep).clone(), balance: 0, missed: 0, member: true };
            match self.accounts.binary_search_by(|account| account.rep.cmp(rep)) {
                Ok(at) => self.accounts[at].member = true,
                Err(at) => {
                    kinds.push((new.rep.clone(), EnrolmentKind::Joined));
                    self.accounts.insert(at, new);
                }
            }
        }
        self.enrolments(&before, &kinds)
    }

    /// Shares an amount evenly among those who are members before and after a change of the team. When nobody is,
    /// those who return begin at 0, as new ones do.
    fn settle(&mut self, owed: i64, members: &[&RepId]) {
        let staying = |account: &&mut Account| account.member && members.binary_search(&&account.rep).is_ok();
        let count = self.accounts.iter_mut().filter(staying).count();
        let mut parts = split(owed, &vec![1; count]).into_iter();
        for account in self.accounts.iter_mut().filter(staying) {
            account.balance += parts.next().unwrap_or(0);
        }
        for account in &mut self.accounts {
            let stays = members.binary_search(&&account.rep).is_ok();
            if count == 0 && stays {
                account.balance = 0;
            }
            account.member &= stays;
        }
    }

    fn enrolments(&self, before: &[Account], kinds: &[(RepId, EnrolmentKind)]) -> Vec<Enrolment> {
        let old = |rep: &RepId| before.iter().find(|account| account.rep == *rep);
        self.accounts
            .iter()
            .filter_map(|account| {
                let named = kinds.iter().find(|(rep, _)| *rep == account.rep).map(|(_, kind)| *kind);
                let balance_before = old(&account.rep).map_or(0, |account| account.balance);
                let moved = balance_before != account.balance;
                let kind = named.or(moved.then_some(EnrolmentKind::Settled))?;
                Some(Enrolment {
                    rep: account.rep.clone(),
                    kind,
                    balance_before,
                    balance_after: account.balance,
                })
            })
            .collect()
    }

    /// Whose turn it is among the entrants, each of whom stands once, and the order of all who could take it, the
    /// chosen one first. None when nobody can. An entrant without an account is taken to be at 0.
    pub fn turn(&self, entrants: &[Entrant<'_>], policy: ReturnPolicy) -> Option<(Turn, Vec<Place>)> {
        let mut by_name: Vec<usize> = (0..entrants.len()).collect();
        by_name.sort_by_key(|at| entrants[*at].rep);
        let entries = self.accrue(entrants, &by_name, policy);
        let mut order: Vec<&Entry> = entries.iter().filter(|entry| entry.weight > 0).collect();
        order.sort_by(|a, b| a.precedence(b));
        let first = order.first()?.entrant;
        let after = |entry: &Entry| entry.balance - if entry.entrant == first { UNIT } else { 0 };
        let moves = entries.iter().filter_map(|entry| {
            let moved = Move {
                rep: entrants[entry.entrant].rep.clone(),
                balance_before: entry.before.0,
                balance_after: after(entry),
                missed_before: entry.before.1,
                missed_after: entry.missed,
            };
            (moved.balance_before != moved.balance_after || moved.missed_before != moved.missed_after)
                .then_some(moved)
        });
        let turn = Turn { chosen: entrants[first].rep.clone(), moves: moves.collect() };
        let places = order.iter().map(|entry| Place { entrant: entry.entrant, balance: after(entry) });
        Some((turn, places.collect()))
    }

    /// The entrants, by name, after their shares of one assignment have been added.
    fn accrue(&self, entrants: &[Entrant<'_>], by_name: &[usize], policy: ReturnPolicy) -> Vec<Entry> {
        let catches_up = policy != ReturnPolicy::NoCatchUp;
        let mut accounts = self.accounts.iter().peekable();
        let mut entries: Vec<Entry> = Vec::with_capacity(by_name.len());
        for at in by_name.iter().copied() {
            let Entrant { rep, weight, absent } = entrants[at];
            while accounts.next_if(|account| account.rep < *rep).is_some() {}
            let before = accounts.peek().filter(|account| account.rep == *rep);
            let (balance, missed) = before.map_or((0, 0), |account| (account.balance, account.missed));
            let rate = if catches_up && missed > 0 { CATCH_UP_RATE } else { 1 };
            let weight = if absent { 0 } else { u64::from(weight) * rate };
            entries.push(Entry { entrant: at, before: (balance, missed), balance, missed, weight });
        }
        let weights: Vec<u64> = entries.iter().map(|entry| entry.weight).collect();
        for (entry, share) in entries.iter_mut().zip(split(UNIT, &weights)) {
            entry.balance += share;
        }
        if catches_up {
            make_up(&mut entries, entrants, policy.owed_max());
        }
        entries
    }

    /// Puts a turn into the accounts.
    pub fn apply(&mut self, turn: &Turn) {
        for moved in &turn.moves {
            self.shift(
                &moved.rep,
                moved.balance_after - moved.balance_before,
                moved.missed_after - moved.missed_before,
            );
        }
    }

    /// Takes a turn back, for an assignment that was rejected, moved or rolled back: every account is as if it had not been
    /// made, whatever turns came after it.
    pub fn credit_back(&mut self, turn: &Turn) {
        for moved in &turn.moves {
            self.shift(
                &moved.rep,
                moved.balance_before - moved.balance_after,
                moved.missed_before - moved.missed_after,
            );
        }
    }

    /// Adds to one account. What falls to a rep who has left is shared among the members, so that these
    /// still sum to 0; the leaver finds its own part when it comes back.
    fn shift(&mut self, rep: &RepId, balance: i64, missed: i64) {
        let at = self.accounts.binary_search_by(|account| account.rep.cmp(rep));
        let new = Account { rep: rep.clone(), balance: 0, missed: 0, member: true };
        let at = at.unwrap_or_else(|at| {
            self.accounts.insert(at, new);
            at
        });
        let account = &mut self.accounts[at];
        account.balance += balance;
        account.missed = (account.missed + missed).max(0);
        if !account.member {
            let members = self.accounts.iter().filter(|account| account.member).count();
            let parts = split(balance, &vec![1; members]);
            let others = self.accounts.iter_mut().filter(|account| account.member);
            others.zip(parts).for_each(|(account, part)| account.balance += part);
        }
    }
}

/// An entrant with its account in the middle of a turn.
struct Entry {
    /// The position among the entrants.
    entrant: usize,
    /// Balance and missed before the turn.
    before: (i64, i64),
    balance: i64,
    missed: i64,
    /// 0 for the absent.
    weight: u64,
}

impl Entry {
    /// Which of two goes first; see the head of this file. Entries stand by name, and sorting is stable: the last
    /// tie-break is the name.
    fn precedence(&self, other: &Self) -> std::cmp::Ordering {
        let class = |entry: &Self| match entry.balance {
            UNIT.. => 0_u8,
            1.. => 1,
            _ => 2,
        };
        let largest = other.balance.cmp(&self.balance);
        class(self)
            .cmp(&class(other))
            .then_with(|| if class(self) == 1 { self.sooner(other).then(largest) } else { largest })
    }

    /// Compares when each would be owed a whole assignment: `(UNIT − balance) / weight`, without dividing.
    fn sooner(&self, other: &Self) -> std::cmp::Ordering {
        let left = i128::from(UNIT - self.balance) * i128::from(other.weight);
        left.cmp(&(i128::from(UNIT - other.balance) * i128::from(self.weight)))
    }
}

/// Notes what the absent miss at this turn, and takes off what those who catch up gained over their usual share.
fn make_up(entries: &mut [Entry], entrants: &[Entrant<'_>], owed_max: i64) {
    let usual: u64 = entries
        .iter()
        .map(|entry| entrants[entry.entrant])
        .filter(|entrant| !entrant.absent)
        .map(|entrant| u64::from(entrant.weight))
        .sum();
    for entry in entries {
        let entrant = entrants[entry.entrant];
        let weight = u64::from(entrant.weight);
        if entrant.absent {
            entry.missed =
                (entry.missed + part(UNIT, weight, usual + weight)).min(owed_max.max(entry.missed));
        } else if entry.missed > 0 {
            let gained = entry.balance - entry.before.0 - part(UNIT, weight, usual);
            entry.missed = (entry.missed - gained.max(0)).max(0);
        }
    }
}

/// `amount · weight / total`, rounded down; 0 when the total is.
fn part(amount: i64, weight: u64, total: u64) -> i64 {
    let exact = (i128::from(amount) * i128::from(weight)).checked_div_euclid(i128::from(total));
    exact.and_then(|part| i64::try_from(part).ok()).unwrap_or(0)
}

/// Splits an amount by weight into parts that sum to exactly it: rounded down, and the rest one each to
/// the first that have weight. Nothing when nobody has.
fn split(amount: i64, weights: &[u64]) -> Vec<i64> {
    let total: u64 = weights.iter().sum();
    let mut parts: Vec<i64> = weights.iter().map(|weight| part(amount, *weight, total)).collect();
    if total > 0 {
        let mut rest = amount - parts.iter().sum::<i64>();
        for (part, _) in parts.iter_mut().zip(weights).filter(|(_, weight)| **weight > 0) {
            *part += i64::from(rest > 0);
            rest -= i64::from(rest > 0);
        }
    }
    parts
}
