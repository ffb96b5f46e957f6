//! The figures of handoffs, and the fairness of rotations, as they are told: pure.
//!
//! Promises: a figure with nothing to compute it from is null and never 0; a target is missed at exactly the target,
//! because targets say "more than"; means and shares are made from counts, so that equal fractions are equal numbers.
//! Leaves out: reading rows, which [`store`](super::store) does, and what the rotation guarantees, which stands with
//! [`Rotation`].

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::assign::names::TeamId;
use super::assign::rotation::{Rotation, UNIT};
use super::handoff::Status;
use crate::kernel::clock::DateTime;

/// More than this share of the handoffs with an outcome is to convert.
pub const CONVERSION_TARGET: f64 = 0.70;
/// Customers are to rate the handoff above this, of 10.
pub const NPS_TARGET: f64 = 8.0;
/// Packages are to be complete to more than this, in percent.
pub const COMPLETENESS_TARGET: f64 = 90.0;

/// What handoffs are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HandoffGrouping)]
pub enum GroupBy {
    /// The type of handoff.
    Type,
    /// The team that takes over.
    Team,
    /// Who has it, or had it last.
    Rep,
    /// The account's segment when it was handed over.
    Segment,
    /// The week in which it was made, by ISO 8601 in UTC; named by its Monday.
    Week,
}

impl GroupBy {
    pub const ALL: [Self; 5] = [Self::Type, Self::Team, Self::Rep, Self::Segment, Self::Week];

    /// The name in the API and in statements.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Team => "team",
            Self::Rep => "rep",
            Self::Segment => "segment",
            Self::Week => "week",
        }
    }
}

/// A stretch of time, its end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: DateTime,
    pub to: DateTime,
}

/// A figure that has a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Aim {
    /// Null where there is nothing to compute it from.
    #[schema(required = true)]
    pub value: Option<f64>,
    /// To be exceeded.
    pub target: f64,
    /// Whether the value exceeds the target.
    #[schema(required = true)]
    pub met: Option<bool>,
}

impl Aim {
    fn new(value: Option<f64>, target: f64) -> Self {
        Self { value, target, met: value.map(|value| value > target) }
    }
}

/// How long something took, in seconds of wall time. Percentiles lie between two values where they fall between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// Of how many handoffs.
    pub count: i64,
    #[schema(required = true)]
    pub p50_seconds: Option<f64>,
    #[schema(required = true)]
    pub p90_seconds: Option<f64>,
    #[schema(required = true)]
    pub p95_seconds: Option<f64>,
}

impl Times {
    /// From the percentiles 50, 90 and 95.
    pub fn new(count: i64, percentiles: Option<&[f64]>) -> Self {
        let at = |place: usize| percentiles.and_then(|all| all.get(place)).copied();
        Self { count, p50_seconds: at(0), p90_seconds: at(1), p95_seconds: at(2) }
    }
}

/// How handoffs stand with a deadline. Each that has the deadline is in one of the four counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deadline {
    /// Done by the deadline; at the deadline is in time. No owner before let a deadline pass.
    pub met: i64,
    /// Done late, or not done and the deadline has passed, in any owner's turn.
    pub breached: i64,
    /// Not done, and there is time left, or nobody has it yet.
    pub open: i64,
    /// Over before it was done and before the deadline: cancelled, lost, rejected or rolled back.
    pub ended_before: i64,
    /// `met / (met + breached)`.
    #[schema(required = true)]
    pub share: Option<f64>,
}

impl Deadline {
    pub fn new(met: i64, breached: i64, open: i64, ended_before: i64) -> Self {
        Self { met, breached, open, ended_before, share: share(met, met + breached) }
    }
}

/// Outcomes: `rate` is `converted / (converted + lost)`; what has no outcome yet and what was withdrawn do not count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    pub converted: i64,
    pub lost: i64,
    pub rate: Aim,
}

/// A mean with the number of values that it is made from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mean {
    pub count: i64,
    /// The sum of the values by their count.
    pub mean: Aim,
}

/// Handoffs that a fallback owner had to take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FellBack {
    pub count: i64,
    /// Of the handoffs that were given to anybody.
    pub assigned: i64,
    /// `count / assigned`.
    #[schema(required = true)]
    pub share: Option<f64>,
}

/// The figures of some handoffs, as they stand at the time of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffFigures)]
pub struct Figures {
    pub count: i64,
    /// How many are in each state; every state is named.
    pub by_status: BTreeMap<Status, i64>,
    /// From when it was made to the present owner's first contact with the customer.
    pub contact_time: Times,
    /// The first contact against its deadline.
    pub contact_sla: Deadline,
    /// From when it was made to the meeting that was booked, by the meeting's own time.
    pub meeting_time: Times,
    /// From when it was made to its first owner.
    pub assignment_time: Times,
    /// The owner's acknowledgement against its deadline, of the handoffs that had an owner and whose terms have one.
    pub acknowledgement: Deadline,
    pub conversion: Conversion,
    /// The mean of the customers' ratings of the handoff, each from 0 to 10; not promoters less detractors.
    pub nps: Mean,
    /// The mean completeness of what the receiver was told, in percent, of all handoffs.
    pub completeness: Mean,
    /// How many were given to another owner at least once.
    pub reassigned: i64,
    /// How many an owner gave back at least once, also those that another owner took then.
    pub rejected: i64,
    /// How many were undone soon after they were made.
    pub rolled_back: i64,
    /// How many wait for information now.
    pub held_now: i64,
    pub fell_back: FellBack,
}

/// What the rows of some handoffs amount to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// In the order of [`Status::ALL`].
    pub by_status: Vec<i64>,
    pub contact_time: Times,
    pub meeting_time: Times,
    pub assignment_time: Times,
    pub contact_sla: Deadline,
    pub acknowledgement: Deadline,
    pub ratings: i64,
    pub ratings_sum: i64,
    /// In percent, of all.
    pub completeness_sum: i64,
    pub reassigned: i64,
    pub rejected: i64,
    pub fell_back: i64,
    pub assigned: i64,
}

impl Figures {
    pub fn new(tally: Tally) -> Self {
        let counts = tally.by_status.into_iter().chain(std::iter::repeat(0));
        let by_status: BTreeMap<Status, i64> = Status::ALL.into_iter().zip(counts).collect();
        let of = |status| by_status.get(&status).copied().unwrap_or_default();
        let count = by_status.values().sum();
        let (converted, lost) = (of(Status::Converted), of(Status::Lost));
        Self {
            count,
            contact_time: tally.contact_time,
            contact_sla: tally.contact_sla,
            meeting_time: tally.meeting_time,
            assignment_time: tally.assignment_time,
            acknowledgement: tally.acknowledgement,
            conversion: Conversion {
                converted,
                lost,
                rate: Aim::new(share(converted, converted + lost), CONVERSION_TARGET),
            },
            nps: Mean {
                count: tally.ratings,
                mean: Aim::new(share(tally.ratings_sum, tally.ratings), NPS_TARGET),
            },
            completeness: Mean {
                count,
                mean: Aim::new(share(tally.completeness_sum, count), COMPLETENESS_TARGET),
            },
            reassigned: tally.reassigned,
            rejected: tally.rejected,
            rolled_back: of(Status::RolledBack),
            held_now: of(Status::Held),
            fell_back: FellBack {
                count: tally.fell_back,
                assigned: tally.assigned,
                share: share(tally.fell_back, tally.assigned),
            },
            by_status,
        }
    }
}

/// The figures of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffGroup)]
pub struct Group {
    /// A type, team, rep, segment, or the Monday of a week such as `2027-03-01`; null for those that no rep has.
    #[schema(required = true)]
    pub key: Option<String>,
    pub figures: Figures,
}

/// The figures of the handoffs that were made in a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandoffMetrics {
    pub from: DateTime,
    /// Exclusive.
    pub to: DateTime,
    #[schema(required = true)]
    pub group_by: Option<GroupBy>,
    pub total: Figures,
    /// By key; empty where nothing was asked to be grouped by.
    pub groups: Vec<Group>,
}

/// One rep in a team's rotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolRep {
    pub rep_id: String,
    /// Whether the rep is of the team at present; those who were keep their account.
    pub member: bool,
    /// The rep's part relative to the others, as it is now; null for who is not on the roster.
    #[schema(required = true)]
    pub weight: Option<u32>,
    /// Turns that began in the stretch of time and were not taken back.
    pub turns: i64,
    /// Handoffs that were the rep's due by these turns: each turn is shared out by weight among those who could have
    /// taken it.
    pub expected: f64,
    /// `turns / turns of the pool`.
    #[schema(required = true)]
    pub actual_share: Option<f64>,
    /// `expected / turns of the pool`.
    #[schema(required = true)]
    pub expected_share: Option<f64>,
    /// The rep's account: expected − taken since the rotation began, in handoffs. Above 0 the rep is owed, below 0
    /// ahead. Exact to the twelve decimals that the account is kept in.
    pub deviation: f64,
}

/// Handoffs that came to a team's reps another way than by a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolBypass {
    /// `account_owner`, `named_account`, `territory`, `segment`, `fallback` or `chosen` by a person.
    pub route: String,
    pub count: i64,
}

/// One team's rotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    pub team_id: String,
    pub reps: Vec<PoolRep>,
    /// Turns of all reps in the stretch of time.
    pub turns: i64,
    /// The largest deviation of a member, without its sign; null for a team without members.
    #[schema(required = true)]
    pub largest_deviation: Option<f64>,
    /// Handoffs to the team in the same time that took no turn of a rotation, by how they found their owner.
    pub outside: Vec<PoolBypass>,
    /// All of them.
    pub outside_count: i64,
}

/// The rotations of all teams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolMetrics {
    pub from: DateTime,
    /// Exclusive.
    pub to: DateTime,
    /// By team.
    pub pools: Vec<Pool>,
}

/// What one rep's turns in a rotation amount to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Took {
    pub turns: i64,
    /// What the turns of all did to the rep's account, in 1/[`UNIT`]: expected − taken.
    pub moved: i64,
}

/// A team's rotation: its account, its turns by rep, and what came another way.
pub fn pool(
    team: &TeamId,
    rotation: &Rotation,
    weights: &BTreeMap<&str, u32>,
    members: &BTreeSet<&str>,
    took: &BTreeMap<String, Took>,
    outside: Vec<PoolBypass>,
) -> Pool {
    let turns = took.values().map(|took| took.turns).sum();
    let balances: BTreeMap<&str, i64> =
        rotation.accounts().iter().map(|account| (account.rep.as_str(), account.balance)).collect();
    let known = balances.keys().chain(members).copied().chain(took.keys().map(String::as_str));
    let named: BTreeSet<&str> = known.collect();
    let reps: Vec<PoolRep> = named
        .into_iter()
        .map(|name| {
            let took = took.get(name).copied().unwrap_or_default();
            let expected = handoffs(took.moved) + number(took.turns);
            PoolRep {
                rep_id: name.to_owned(),
                member: members.contains(name),
                weight: weights.get(name).copied(),
                turns: took.turns,
                expected,
                actual_share: share(took.turns, turns),
                expected_share: (turns > 0).then(|| expected / number(turns)),
                deviation: handoffs(balances.get(name).copied().unwrap_or_default()),
            }
        })
        .collect();
    let largest = reps.iter().filter(|rep| rep.member).map(|rep| rep.deviation.abs()).max_by(f64::total_cmp);
    let outside_count = outside.iter().map(|bypass| bypass.count).sum();
    Pool { team_id: team.to_string(), reps, turns, largest_deviation: largest, outside, outside_count }
}

/// `part / whole`; nothing of nothing.
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| number(part) / number(whole))
}

/// An amount of an account in handoffs. Below a thousand handoffs the nearest number is written with the very decimals
/// of the account.
fn handoffs(amount: i64) -> f64 {
    number(amount) / number(UNIT)
}

#[expect(clippy::cast_precision_loss, reason = "counts and accounts of a thousand handoffs end before 2^53")]
fn number(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_compute_from_is_null_and_a_target_is_missed_at_the_target() {
        let none = Figures::new(Tally::default());
        assert_eq!((none.count, none.conversion.rate.value, none.conversion.rate.met), (0, None, None));
        assert_eq!(
            (none.nps.mean.value, none.completeness.mean.met, none.fell_back.share),
            (None, None, None)
        );
        assert_eq!((none.contact_sla.share, none.contact_time.p50_seconds), (None, None));
        assert_eq!(none.by_status.len(), Status::ALL.len(), "every state is named");

        let mut tally = Tally { by_status: vec![0; 11], ratings: 2, ratings_sum: 16, ..Tally::default() };
        (tally.by_status[6], tally.by_status[7]) = (7, 3);
        tally.completeness_sum = 901;
        let found = Figures::new(tally.clone());
        assert_eq!(found.conversion.rate, Aim { value: Some(0.7), target: 0.7, met: Some(false) });
        assert_eq!(found.nps.mean, Aim { value: Some(8.0), target: 8.0, met: Some(false) });
        assert_eq!(found.completeness.mean, Aim { value: Some(90.1), target: 90.0, met: Some(true) });
        tally.by_status[6] = 8;
        assert_eq!(Figures::new(tally).conversion.rate.met, Some(true));
    }

    #[test]
    fn a_pool_tells_shares_of_its_turns_and_deviations_from_its_accounts() {
        let doc = r#"[{"rep":"ada","balance":-333333333333,"missed":0,"member":true},
                      {"rep":"ben","balance":333333333333,"missed":0,"member":true},
                      {"rep":"old","balance":5000000000000,"missed":0,"member":false}]"#;
        let rotation: Rotation = serde_json::from_str(doc).unwrap();
        let members = BTreeSet::from(["ada", "ben"]);
        let weights = BTreeMap::from([("ada", 1), ("ben", 3)]);
        let took = BTreeMap::from([
            ("ada".to_owned(), Took { turns: 1, moved: 0 }),
            ("ben".to_owned(), Took { turns: 3, moved: -UNIT / 2 }),
            ("old".to_owned(), Took { turns: 0, moved: UNIT / 2 }),
        ]);
        let bypass = |route: &str, count| PoolBypass { route: route.to_owned(), count };
        let outside = vec![bypass("fallback", 2), bypass("territory", 1)];
        let found = pool(&TeamId::parse("sales").unwrap(), &rotation, &weights, &members, &took, outside);
        let seen: Vec<_> = found
            .reps
            .iter()
            .map(|rep| {
                (rep.rep_id.as_str(), rep.member, rep.weight, rep.expected, rep.actual_share, rep.deviation)
            })
            .collect();
        let expected = [
            ("ada", true, Some(1), 1.0, Some(0.25), -0.333_333_333_333),
            ("ben", true, Some(3), 2.5, Some(0.75), 0.333_333_333_333),
            ("old", false, None, 0.5, Some(0.0), 5.0),
        ];
        assert_eq!(seen, expected);
        assert_eq!((found.turns, found.outside_count), (4, 3));
        assert_eq!(found.largest_deviation, Some(0.333_333_333_333), "of those who are members");
        let text = serde_json::to_string(&found.reps[0].deviation).unwrap();
        assert_eq!(text, "-0.333333333333", "the decimals of the account");
    }
}
