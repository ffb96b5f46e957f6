//! What of an account's facts matters to a renewal, measured once: for the rating, the tier and the texts of a play.
//!
//! Promises: a function of facts and an instant. What is not known is none and never zero. Money is added in one currency
//! only; what is in another is counted apart. Each group says where its newest fact came from and when it was true.
//! Leaves out people: nothing here names one.

use std::collections::BTreeMap;

use chrono::{Days, Months, NaiveDate, TimeDelta};

use super::model::Cause;
use super::money::Money;
use super::plays::Plays;
use crate::accounts::model::{AccountState, Stamp, Subscription, value};
use crate::kernel::clock::DateTime;
use crate::motions::model::{Segment, Signals};

/// Ratings of tickets older than this say nothing of today: half a year.
const SATISFACTION_WINDOW: TimeDelta = TimeDelta::days(180);
/// Seats are compared with those of half a year ago.
const SEATS_WINDOW_DAYS: u64 = 180;

/// Where a measure comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    pub source: Option<String>,
    pub as_of: Option<DateTime>,
}

/// The groups of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    Account,
    Forecast,
    Usage,
    Sentiment,
    Issues,
    Consent,
}

impl Group {
    pub const ALL: [Self; 6] =
        [Self::Account, Self::Forecast, Self::Usage, Self::Sentiment, Self::Issues, Self::Consent];

    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Forecast => "forecast",
            Self::Usage => "usage",
            Self::Sentiment => "sentiment",
            Self::Issues => "issues",
            Self::Consent => "consent",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Account => "Account and ownership",
            Self::Forecast => "Forecast",
            Self::Usage => "Usage",
            Self::Sentiment => "Sentiment",
            Self::Issues => "Open issues",
            Self::Consent => "Consent and wishes",
        }
    }
}

/// What a fact rests on: each has an origin of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    Crm,
    Segment,
    Contracts,
    Usage,
    Tickets,
    Conversations,
    Intents,
    /// That it left before.
    History,
    Wishes,
}

/// An amount with its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worth {
    pub amount: Money,
    pub currency: String,
}

/// A score that somebody gave at a handoff, with the instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nps {
    pub score: u8,
    pub at: DateTime,
}

/// What measures are made of.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub account_id: &'a str,
    pub state: &'a AccountState,
    pub signals: &'a Signals,
    /// How many people can be reached who have not opted out.
    pub reachable: usize,
    /// How often the account has left, and when last.
    pub left: usize,
    pub left_at: Option<DateTime>,
    pub nps: Option<Nps>,
    pub now: DateTime,
}

/// The measures.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures {
    pub account_id: String,
    pub name: Option<String>,
    pub segment: Segment,
    pub said_tier: Option<String>,
    /// Of the live subscriptions, in the currency of the file.
    pub yearly: Option<Worth>,
    /// Live subscriptions in another currency, or without one that can be told.
    pub uncounted: usize,
    pub live_subscriptions: usize,
    pub usage_days: u32,
    pub depth: Option<f64>,
    pub trend: Option<f64>,
    pub plateau: bool,
    pub active_users: Option<u64>,
    pub seats: Option<u64>,
    pub top_features: Vec<String>,
    pub open_tickets: Option<u32>,
    pub escalated: u32,
    /// Mean of the ratings of closed tickets, and how many there are.
    pub satisfaction: Option<(f64, usize)>,
    /// What ratings run up to.
    pub satisfaction_of: u32,
    pub nps: Option<Nps>,
    /// The strongest intent of the kind, 0–1.
    pub churn_intent: f64,
    pub price_intent: f64,
    /// Seats now and half a year ago, by subscriptions.
    pub seats_by_contract: Option<(u64, u64)>,
    pub auto_renew_off: usize,
    pub left: usize,
    pub churned: bool,
    /// Days since the account last said something; none where it never did or nothing is logged.
    pub silent_days: Option<i64>,
    pub reachable: usize,
    pub do_not_contact: bool,
    /// Whether an open deal is a renewal.
    pub renewal_deal: bool,
    pub any_deal: bool,
    pub today: NaiveDate,
    pub origins: BTreeMap<Evidence, Origin>,
}

impl Measures {
    pub fn origin(&self, evidence: Evidence) -> Origin {
        self.origins.get(&evidence).cloned().unwrap_or_default()
    }

    /// The share of seats in use, in percent.
    pub fn seat_use(&self) -> Option<f64> {
        let (users, seats) = (self.active_users?, self.seats.filter(|seats| *seats > 0)?);
        Some(percent(users, seats))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of users and seats stay far below 2^53")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64 * 100.0
}

/// Kinds of intent that say that the account looks for the door, and that the price is the matter.
const CHURN_WORDS: [&str; 5] = ["churn", "cancel", "competitor", "leav", "switch"];
const PRICE_WORDS: [&str; 4] = ["pric", "discount", "budget_cut", "downgrade"];

/// Measures an account.
pub fn measure(plays: &Plays, known: &Known<'_>) -> Measures {
    let Known { state, signals, now, .. } = *known;
    let today = now.date_naive();
    let live: Vec<&Subscription> =
        state.subscriptions.values().filter(|subscription| is_live(subscription, today)).collect();
    let (yearly, uncounted) = yearly(plays, &live);
    let has_usage = signals.usage.days > 0;
    let intent = |words: &[&str]| {
        let of = signals.intent.kinds.iter().filter(|(kind, _)| {
            let kind = kind.to_lowercase();
            words.iter().any(|word| kind.contains(word))
        });
        of.map(|(_, strength)| *strength).fold(0.0, f64::max)
    };
    let escalated = state.tickets.values().filter(|fact| fact.value.escalated == Some(true));
    let escalated = if signals.crm.ticket_escalated { escalated.count() } else { 0 };
    Measures {
        account_id: known.account_id.to_owned(),
        name: signals.crm.name.clone(),
        segment: signals.lifecycle.segment,
        said_tier: value(&state.profile.tier).cloned(),
        yearly,
        uncounted,
        live_subscriptions: live.len(),
        usage_days: signals.usage.days,
        depth: has_usage.then_some(signals.usage.depth),
        trend: signals.usage.trend_pct,
        plateau: signals.usage.plateau,
        active_users: has_active_users(state).then_some(signals.usage.weekly_active_users),
        seats: signals.usage.seats,
        top_features: signals.usage.top_features.clone(),
        open_tickets: (!state.tickets.is_empty()).then_some(signals.crm.open_tickets),
        escalated: u32::try_from(escalated).unwrap_or(u32::MAX),
        satisfaction: satisfaction(state, f64::from(plays.file().terms.satisfaction_of), now),
        satisfaction_of: plays.file().terms.satisfaction_of,
        nps: known.nps,
        churn_intent: intent(&CHURN_WORDS),
        price_intent: intent(&PRICE_WORDS),
        seats_by_contract: seats_by_contract(state, today),
        auto_renew_off: live
            .iter()
            .filter(|subscription| value(&subscription.auto_renew) == Some(&false))
            .count(),
        left: known.left,
        churned: value(&state.lifecycle.stage).is_some_and(|stage| stage.to_lowercase().contains("churn")),
        silent_days: state.engagement.last_inbound_at.map(|at| (now - at).num_days().max(0)),
        reachable: known.reachable,
        do_not_contact: value(&state.preferences.do_not_contact) == Some(&true),
        renewal_deal: signals.crm.active_deals > 0
            && state.deals.values().any(|deal| is_renewal(plays, deal)),
        any_deal: !state.deals.is_empty(),
        today,
        origins: origins(known),
    }
}

/// Whether days of usage say how many people were active: some sources count uses only.
fn has_active_users(state: &AccountState) -> bool {
    state.usage.days.values().any(|day| day.active_users > 0)
}

/// Whether a subscription runs on a date; trials do not renew.
pub fn is_live(subscription: &Subscription, on: NaiveDate) -> bool {
    let begun = value(&subscription.start_date).is_none_or(|start| *start <= on);
    let ended = value(&subscription.end_date).is_some_and(|end| *end < on);
    begun && !ended && value(&subscription.trial) != Some(&true)
}

/// Whether a deal is about a renewal, by its name or source.
pub fn is_renewal(plays: &Plays, deal: &crate::accounts::model::Deal) -> bool {
    let texts = [value(&deal.name), value(&deal.source)];
    let words = &plays.file().terms.deal_words;
    texts.into_iter().flatten().any(|text| {
        let text = text.to_lowercase();
        words.iter().any(|word| text.contains(word.as_str()))
    })
}

/// The yearly value of subscriptions in the file's currency, and how many could not be counted. A subscription that names
/// no currency is in that of the file.
pub fn yearly(plays: &Plays, live: &[&Subscription]) -> (Option<Worth>, usize) {
    let currency = &plays.file().terms.currency;
    let (mut sum, mut counted, mut uncounted) = (Money::default(), 0, 0);
    for subscription in live {
        let ours = value(&subscription.currency).is_none_or(|other| other == currency);
        match value(&subscription.mrr).and_then(|text| Money::parse(text)).filter(|_| ours) {
            Some(monthly) => {
                sum = sum.plus(monthly.times(12));
                counted += 1;
            }
            None => uncounted += 1,
        }
    }
    ((counted > 0).then(|| Worth { amount: sum, currency: currency.clone() }), uncounted)
}

/// The mean of the ratings of late; one that is beyond the scale is of another.
fn satisfaction(state: &AccountState, of: f64, now: DateTime) -> Option<(f64, usize)> {
    let lately = state.tickets.values().filter(|fact| now - fact.stamp.as_of <= SATISFACTION_WINDOW);
    let ratings: Vec<f64> =
        lately.filter_map(|fact| fact.value.satisfaction).filter(|rating| *rating <= of).collect();
    #[expect(clippy::cast_precision_loss, reason = "at most as many as tickets are kept")]
    let mean = ratings.iter().sum::<f64>() / ratings.len() as f64;
    (!ratings.is_empty()).then(|| ((mean * 100.0).round() / 100.0, ratings.len()))
}

/// Seats that were under contract half a year ago, and those of today.
fn seats_by_contract(state: &AccountState, today: NaiveDate) -> Option<(u64, u64)> {
    let before = today.checked_sub_days(Days::new(SEATS_WINDOW_DAYS))?;
    let seats = |on: NaiveDate| {
        let live = state.subscriptions.values().filter(|subscription| is_live(subscription, on));
        let said = live.filter_map(|subscription| value(&subscription.seats));
        said.copied().fold(0, u64::saturating_add)
    };
    let (now, then) = (seats(today), seats(before));
    (then > 0).then_some((now, then))
}

/// When a subscription renews next, from a date on: its end, or the next turn of the term that is assumed.
pub fn next_renewal(
    plays: &Plays,
    subscription: &Subscription,
    from: NaiveDate,
) -> Option<(NaiveDate, bool)> {
    if let Some(end) = value(&subscription.end_date) {
        return (*end >= from).then_some((*end, false));
    }
    let start = *value(&subscription.start_date)?;
    let term = plays.file().terms.assumed_term_months;
    (1..=MAX_TERMS)
        .find_map(|turn| start.checked_add_months(Months::new(term * turn)).filter(|date| *date >= from))
        .map(|date| (date, true))
}

/// Terms that are looked through for the next one: a century of months.
const MAX_TERMS: u32 = 1_200;

/// The newest of stamps.
#[derive(Default)]
struct Newest<'a>(Option<(DateTime, &'a str)>);

impl<'a> Newest<'a> {
    fn see(&mut self, stamp: &'a Stamp) {
        let said = (stamp.as_of, stamp.source.as_str());
        if self.0.is_none_or(|known| known < said) {
            self.0 = Some(said);
        }
    }

    fn origin(self) -> Origin {
        let (as_of, source) = self.0.unzip();
        Origin { source: source.map(str::to_owned), as_of }
    }
}

fn origins(known: &Known<'_>) -> BTreeMap<Evidence, Origin> {
    let Known { state, signals, .. } = *known;
    let of_signals = |provenance: &crate::motions::model::Provenance| Origin {
        source: provenance.as_of.map(|_| provenance.source.clone()),
        as_of: provenance.as_of,
    };
    let mut contracts = Newest::default();
    for subscription in state.subscriptions.values() {
        macro_rules! see {
            ($($fact:ident),*) => { $( subscription.$fact.iter().for_each(|fact| contracts.see(&fact.stamp)); )* };
        }
        see!(plan_tier, seats, mrr, currency, start_date, end_date, auto_renew, trial);
    }
    let mut tickets = Newest::default();
    state.tickets.values().for_each(|fact| tickets.see(&fact.stamp));
    let mut wishes = Newest::default();
    state.consents.values().for_each(|fact| wishes.see(&fact.stamp));
    let preferences = &state.preferences;
    preferences.do_not_contact.iter().for_each(|fact| wishes.see(&fact.stamp));
    preferences.allowed_motions.iter().for_each(|fact| wishes.see(&fact.stamp));
    preferences.blocked_motions.iter().for_each(|fact| wishes.see(&fact.stamp));
    let mut said = Newest::default();
    state.engagement.latest.iter().for_each(|stamp| said.see(stamp));
    let history = Origin { source: known.left_at.map(|_| "notes".to_owned()), as_of: known.left_at };
    BTreeMap::from([
        (Evidence::Crm, of_signals(&signals.crm.provenance)),
        (Evidence::Segment, of_signals(&signals.lifecycle.provenance)),
        (Evidence::Contracts, contracts.origin()),
        (Evidence::Usage, of_signals(&signals.usage.provenance)),
        (Evidence::Tickets, tickets.origin()),
        (Evidence::Conversations, said.origin()),
        (Evidence::Intents, of_signals(&signals.intent.provenance)),
        (Evidence::History, history),
        (Evidence::Wishes, wishes.origin()),
    ])
}

/// The facts that texts of a play may use, as far as they are known.
pub fn facts(measures: &Measures, deadline: NaiveDate) -> BTreeMap<String, String> {
    let mut facts: BTreeMap<&str, String> = BTreeMap::new();
    let name = measures.name.clone().unwrap_or_else(|| measures.account_id.clone());
    facts.insert("account", name);
    facts.insert("deadline", told_date(deadline));
    facts.insert("as_of", told_date(measures.today));
    if let Some(worth) = &measures.yearly {
        facts.insert("value", told_worth(worth));
    }
    if let Some(seats) = measures.seats {
        facts.insert("seats", seats.to_string());
    }
    if let Some(users) = measures.active_users {
        facts.insert("active_users", users.to_string());
        facts.insert("seats_used", users.min(measures.seats.unwrap_or(users)).to_string());
    }
    if let Some(depth) = measures.depth {
        facts.insert("depth", format!("{depth:.0}"));
    }
    if !measures.top_features.is_empty() {
        let named: Vec<String> =
            measures.top_features.iter().take(3).map(|name| name.replace('_', " ")).collect();
        facts.insert("top_features", crate::kernel::text::sentence_list(&named));
    }
    if let Some(open) = measures.open_tickets {
        facts.insert("open_tickets", if open == 1 { "1 ticket".into() } else { format!("{open} tickets") });
    }
    if let Some((mean, count)) = measures.satisfaction {
        facts.insert("satisfaction", told_ratings(mean, measures.satisfaction_of, count));
    }
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()
}

/// Such as `4.2 of 5 over 3 ratings`.
pub fn told_ratings(mean: f64, of: u32, count: usize) -> String {
    let ratings = if count == 1 { "1 rating".to_owned() } else { format!("{count} ratings") };
    format!("{mean:.1} of {of} over {ratings}")
}

/// Such as `Wed 18 Nov 2026`.
pub fn told_date(date: NaiveDate) -> String {
    date.format("%a %-d %b %Y").to_string()
}

/// Such as `84,000 USD`.
pub fn told_worth(worth: &Worth) -> String {
    format!("{} {}", worth.amount.told(), worth.currency)
}

/// An amount as it came, such as `5,400 USD`; what is no number stays as it is.
pub fn told_amount(amount: &str, currency: Option<&str>) -> String {
    let told = Money::parse(amount).map_or_else(|| amount.to_owned(), Money::told);
    currency.map_or(told.clone(), |currency| format!("{told} {currency}"))
}

/// What a cause is called in a sentence.
pub fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Relationship => "the relationship",
        Cause::Service => "service",
        Cause::Value => "value",
        Cause::Price => "price",
        Cause::Adoption => "adoption",
    }
}
