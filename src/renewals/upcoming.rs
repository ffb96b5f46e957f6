//! Which renewals are coming, what each of them would be, and by when it has to be begun.
//!
//! Promises: subscriptions and renewal deals that end near each other are one renewal; what is assumed says so. The value at
//! stake is that of the part that ends. What is late to begin comes first, then what must begin within a week; among equals
//! the redder, the more valuable, the earlier.
//! Leaves out: trials, and what has ended already.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::build::latest_start;
use super::measures::{Measures, Worth, is_renewal, next_renewal, yearly};
use super::model::{Risk, Terms, Tier};
use super::money::Money;
use super::plays::Plays;
use super::rating::{PlayProposal, Rating, TierProposal, propose_play, propose_tier, rate};
use crate::accounts::model::{AccountState, Subscription, value};

/// What is within so many days of its latest start begins now.
const NOW_DAYS: i64 = 7;

/// What a renewal rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalBasis)]
pub struct Basis {
    pub date: NaiveDate,
    /// `subscription` or `deal`.
    pub kind: String,
    pub id: String,
    /// Nobody said when it ends; a yearly term from its start is assumed.
    pub assumed: bool,
}

/// How soon it has to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalUrgency)]
pub enum Urgency {
    /// The latest sensible start has passed.
    Late,
    /// Within a week.
    Now,
    Soon,
}

/// A renewal that comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Coming {
    pub account_id: String,
    pub name: Option<String>,
    /// The earliest of the dates.
    pub deadline: NaiveDate,
    pub basis: Vec<Basis>,
    /// A year of what ends, where it can be told.
    pub value: Option<Worth>,
    pub tier: TierProposal,
    pub rating: Rating,
    pub play: PlayProposal,
    /// The last day on which the whole play still fits.
    pub start_by: NaiveDate,
    pub urgency: Urgency,
    /// Renewals of the same account that come later within the horizon.
    pub later: usize,
}

/// Dates that belong together.
struct Cluster<'a> {
    basis: Vec<Basis>,
    subscriptions: Vec<&'a Subscription>,
}

/// Latest starts that were computed: many renewals of a list have the same.
#[derive(Debug, Default)]
pub struct Starts(BTreeMap<(String, Tier, Risk, NaiveDate), NaiveDate>);

impl Starts {
    /// The last day on which a play can begin and keep all its dates.
    pub fn of(
        &mut self,
        plays: &Plays,
        play: &str,
        tier: Tier,
        risk: Risk,
        deadline: NaiveDate,
    ) -> NaiveDate {
        let key = (play.to_owned(), tier, risk, deadline);
        if let Some(known) = self.0.get(&key) {
            return *known;
        }
        let terms =
            Terms { play: play.to_owned(), tier, risk, deadline, compressed: false, people: BTreeMap::new() };
        let found = latest_start(plays, &terms).unwrap_or(deadline);
        self.0.insert(key, found);
        found
    }
}

/// The next renewal of an account within so many days, if there is one.
pub fn coming(
    plays: &Plays,
    state: &AccountState,
    measures: &Measures,
    within_days: u32,
    starts: &mut Starts,
) -> Option<Coming> {
    let until = measures.today.checked_add_days(Days::new(within_days.into()))?;
    let mut clusters = clusters(plays, state, measures.today);
    clusters.retain(|cluster| cluster.basis[0].date <= until);
    let later = clusters.len().checked_sub(1)?;
    let first = clusters.swap_remove(0);
    let deadline = first.basis[0].date;
    let (tier, rating) = (propose_tier(plays, measures), rate(plays, measures, deadline));
    let play = propose_play(plays, &rating);
    let start_by = starts.of(plays, &play.play, tier.tier, rating.risk, deadline);
    let days = (start_by - measures.today).num_days();
    let urgency = match days {
        ..0 => Urgency::Late,
        0..=NOW_DAYS => Urgency::Now,
        _ => Urgency::Soon,
    };
    let value = match first.subscriptions.as_slice() {
        [] => deal_value(plays, state, &first.basis),
        ending => yearly(plays, ending).0,
    };
    Some(Coming {
        account_id: measures.account_id.clone(),
        name: measures.name.clone(),
        deadline,
        basis: first.basis,
        value,
        tier,
        rating,
        play,
        start_by,
        urgency,
        later,
    })
}

/// The dates of an account from today on, those near each other together, the earliest first.
fn clusters<'a>(plays: &Plays, state: &'a AccountState, today: NaiveDate) -> Vec<Cluster<'a>> {
    let mut dates: Vec<(Basis, Option<&'a Subscription>)> = Vec::new();
    for (id, subscription) in &state.subscriptions {
        if value(&subscription.trial) == Some(&true) {
            continue;
        }
        if let Some((date, assumed)) = next_renewal(plays, subscription, today) {
            let basis = Basis { date, kind: "subscription".to_owned(), id: id.clone(), assumed };
            dates.push((basis, Some(subscription)));
        }
    }
    for (id, deal) in &state.deals {
        let open = value(&deal.closed_at).is_none() && is_renewal(plays, deal);
        if let Some(date) = value(&deal.expected_close_date).filter(|date| open && **date >= today) {
            let basis = Basis { date: *date, kind: "deal".to_owned(), id: id.clone(), assumed: false };
            dates.push((basis, None));
        }
    }
    dates.sort_by(|a, b| a.0.cmp(&b.0));
    let near = i64::from(plays.file().terms.one_renewal_days);
    let mut clusters: Vec<Cluster<'a>> = Vec::new();
    for (basis, subscription) in dates {
        let joins =
            clusters.last().is_some_and(|cluster| (basis.date - cluster.basis[0].date).num_days() <= near);
        if !joins {
            clusters.push(Cluster { basis: Vec::new(), subscriptions: Vec::new() });
        }
        if let Some(cluster) = clusters.last_mut() {
            cluster.basis.push(basis);
            cluster.subscriptions.extend(subscription);
        }
    }
    clusters
}

/// The next date on which something of an account renews, today included.
pub fn next_date(plays: &Plays, state: &AccountState, today: NaiveDate) -> Option<NaiveDate> {
    clusters(plays, state, today).first().map(|cluster| cluster.basis[0].date)
}

/// The amounts of deals in the file's currency.
fn deal_value(plays: &Plays, state: &AccountState, basis: &[Basis]) -> Option<Worth> {
    let currency = &plays.file().terms.currency;
    let amounts = basis.iter().filter_map(|basis| state.deals.get(&basis.id)).filter_map(|deal| {
        let ours = value(&deal.currency).is_none_or(|other| other == currency);
        value(&deal.amount).and_then(|text| Money::parse(text)).filter(|_| ours)
    });
    let amount = amounts.reduce(Money::plus)?;
    Some(Worth { amount, currency: currency.clone() })
}

/// Sorts a list as it is read: what begins first, first.
pub fn sort(list: &mut [Coming]) {
    list.sort_by(|a, b| {
        let key = |one: &Coming| {
            let worth = one.value.as_ref().map(|worth| worth.amount);
            (one.urgency, Reverse(one.rating.risk), Reverse(worth), one.deadline)
        };
        key(a).cmp(&key(b)).then_with(|| a.account_id.cmp(&b.account_id))
    });
}

/// How long until something begins, in words.
pub fn when_to_start(start_by: NaiveDate, today: NaiveDate) -> String {
    match (start_by - today).num_days() {
        days @ ..0 => format!("should have begun {} days ago", -days),
        0 => "begin today".to_owned(),
        1 => "begin by tomorrow".to_owned(),
        days => format!("begin within {days} days"),
    }
}
