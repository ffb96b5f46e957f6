//! What was known of the account when a plan was made: forecast, usage, sentiment, open issues, consent and ownership.
//!
//! Promises: each fact carries its source and the instant at which it was true, as far as they are known; what is not known
//! is named, with what to do about it. The document is kept with the plan, so that people see later what was decided on.
//! Leaves out people at the customer: the packet reads them anew each time, so that an erasure reaches them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::measures::{Evidence, Group, Known, Measures, told_amount, told_date, told_ratings, told_worth};
use super::plays::Plays;
use crate::accounts::model::{Deal, Subscription, value};
use crate::kernel::clock::DateTime;

/// The most deals, subscriptions and tickets that are told one by one, the nearest first.
const LISTED_MAX: usize = 10;

/// What was known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalContext)]
pub struct Context {
    pub taken_at: DateTime,
    pub groups: Vec<FactGroup>,
    /// What is not known, and what to do about it.
    pub unknown: Vec<Unknown>,
}

/// Facts of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalFactGroup)]
pub struct FactGroup {
    /// `account`, `forecast`, `usage`, `sentiment`, `issues` or `consent`.
    pub name: String,
    pub title: String,
    pub facts: Vec<ContextFact>,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalFact)]
pub struct ContextFact {
    /// Such as `usage_depth`.
    pub name: String,
    pub label: String,
    /// For programs.
    pub value: Value,
    /// For people.
    pub text: String,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    /// When it was true.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_of: Option<DateTime>,
}

/// Something that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalUnknown)]
pub struct Unknown {
    pub what: String,
    pub what_to_do: String,
}

impl Context {
    /// The newest fact of all.
    pub fn newest(&self) -> Option<DateTime> {
        self.groups.iter().flat_map(|group| &group.facts).filter_map(|fact| fact.as_of).max()
    }
}

/// Gathers what is known.
pub fn gather(plays: &Plays, known: &Known<'_>, measures: &Measures) -> Context {
    let mut gathering = Gathering { measures, groups: Vec::new(), unknown: Vec::new() };
    gathering.account(known);
    gathering.forecast(plays, known);
    gathering.usage();
    gathering.sentiment();
    gathering.issues(known);
    gathering.consent(known);
    Context { taken_at: known.now, groups: gathering.groups, unknown: gathering.unknown }
}

struct Gathering<'a> {
    measures: &'a Measures,
    groups: Vec<FactGroup>,
    unknown: Vec<Unknown>,
}

/// A group that is being filled.
struct Filling<'g, 'a> {
    all: &'g mut Gathering<'a>,
    group: Group,
    facts: Vec<ContextFact>,
}

impl Filling<'_, '_> {
    fn fact(&mut self, on: Evidence, name: &str, label: &str, value: Value, text: impl Into<String>) {
        let origin = self.all.measures.origin(on);
        self.of(name, label, value, text, origin.source, origin.as_of);
    }

    fn of(
        &mut self,
        name: &str,
        label: &str,
        value: Value,
        text: impl Into<String>,
        source: Option<String>,
        as_of: Option<DateTime>,
    ) {
        let (name, label) = (name.to_owned(), label.to_owned());
        self.facts.push(ContextFact { name, label, value, text: text.into(), source, as_of });
    }

    fn unknown(&mut self, what: &str, what_to_do: &str) {
        self.all.unknown.push(Unknown { what: what.to_owned(), what_to_do: what_to_do.to_owned() });
    }

    fn done(self) {
        let (name, title) = (self.group.name().to_owned(), self.group.title().to_owned());
        self.all.groups.push(FactGroup { name, title, facts: self.facts });
    }
}

/// The stamp of a known fact.
macro_rules! stamped {
    ($fact:expr) => {
        ($fact.as_ref().map(|fact| fact.stamp.source.clone()), $fact.as_ref().map(|fact| fact.stamp.as_of))
    };
}

impl<'a> Gathering<'a> {
    fn fill(&mut self, group: Group) -> Filling<'_, 'a> {
        Filling { all: self, group, facts: Vec::new() }
    }

    fn account(&mut self, known: &Known<'_>) {
        let (profile, measures) = (&known.state.profile, self.measures);
        let mut group = self.fill(Group::Account);
        macro_rules! told {
            ($field:ident, $name:literal, $label:literal) => {
                if let Some(text) = value(&profile.$field) {
                    let (source, as_of) = stamped!(profile.$field);
                    group.of($name, $label, json!(text), text.to_string(), source, as_of);
                }
            };
        }
        told!(industry, "industry", "Industry");
        told!(country, "country", "Country");
        told!(employee_count, "employees", "Employees");
        told!(plan_tier, "plan_tier", "Plan");
        told!(territory, "territory", "Territory");
        let segment = measures.segment.name();
        group.fact(Evidence::Segment, "segment", "Segment", json!(segment), segment.replace('_', " "));
        if let Some(stage) = value(&known.state.lifecycle.stage) {
            let (source, as_of) = stamped!(known.state.lifecycle.stage);
            group.of("lifecycle_stage", "Lifecycle stage", json!(stage), stage.as_str(), source, as_of);
        }
        match value(&profile.owner_id) {
            Some(owner) => {
                let (source, as_of) = stamped!(profile.owner_id);
                group.of("owner", "Owner in the CRM", json!(owner), owner.as_str(), source, as_of);
            }
            None => group.unknown("who owns the account", "Set the account's owner in the CRM."),
        }
        group.done();
    }

    fn forecast(&mut self, plays: &Plays, known: &Known<'_>) {
        let measures = self.measures;
        let mut group = self.fill(Group::Forecast);
        match &measures.yearly {
            Some(worth) => group.fact(
                Evidence::Contracts,
                "yearly_value",
                "Yearly value",
                json!({"amount": worth.amount, "currency": worth.currency}),
                told_worth(worth),
            ),
            None => group.unknown(
                "what the contract is worth",
                "Send the subscriptions with their monthly amount, or the renewal deal with its amount.",
            ),
        }
        if measures.uncounted > 0 {
            let text =
                format!("{} subscriptions in another currency or without an amount", measures.uncounted);
            group.fact(Evidence::Contracts, "uncounted", "Not counted", json!(measures.uncounted), text);
        }
        if let Some((now, then)) = measures.seats_by_contract {
            let text = format!("{now}, {then} half a year ago");
            group.fact(
                Evidence::Contracts,
                "contract_seats",
                "Seats under contract",
                json!({"now": now, "before": then}),
                text,
            );
        }
        if measures.auto_renew_off > 0 {
            let text = format!("{} of {}", measures.auto_renew_off, measures.live_subscriptions);
            group.fact(
                Evidence::Contracts,
                "auto_renew_off",
                "Do not renew by themselves",
                json!(measures.auto_renew_off),
                text,
            );
        }
        let mut ending: Vec<_> = known
            .state
            .subscriptions
            .iter()
            .filter(|(_, subscription)| super::measures::is_live(subscription, measures.today))
            .filter_map(|(id, subscription)| {
                let (date, assumed) = super::measures::next_renewal(plays, subscription, measures.today)?;
                Some((date, assumed, id, subscription))
            })
            .collect();
        ending.sort_by_key(|(date, _, id, _)| (*date, *id));
        for (date, assumed, id, subscription) in ending.into_iter().take(LISTED_MAX) {
            let (source, as_of) = subscription_stamp(subscription);
            let text = told_subscription(subscription, date, assumed);
            let doc = json!({"subscriptionId": id, "renewsOn": date, "assumed": assumed});
            group.of("subscription", &format!("Subscription {id}"), doc, text, source, as_of);
        }
        let mut deals: Vec<_> = known
            .state
            .deals
            .iter()
            .filter(|(_, deal)| value(&deal.closed_at).is_none())
            .map(|(id, deal)| (value(&deal.expected_close_date).copied(), id, deal))
            .collect();
        deals.sort_by_key(|(close, id, _)| (close.is_none(), *close, *id));
        if deals.is_empty() {
            group.unknown(
                "the forecast of the renewal",
                "Open a renewal deal with amount and close date in the CRM.",
            );
        }
        for (close, id, deal) in deals.into_iter().take(LISTED_MAX) {
            let (source, as_of) = stamped!(deal.stage);
            let doc = json!({"dealId": id, "stage": value(&deal.stage), "amount": value(&deal.amount),
                             "currency": value(&deal.currency), "expectedCloseDate": close,
                             "isRenewal": super::measures::is_renewal(plays, deal)});
            group.of("deal", &format!("Deal {id}"), doc, told_deal(deal), source, as_of);
        }
        group.done();
    }

    fn usage(&mut self) {
        let measures = self.measures;
        let mut group = self.fill(Group::Usage);
        match measures.depth {
            Some(depth) => group.fact(
                Evidence::Usage,
                "usage_depth",
                "Depth of usage",
                json!(depth),
                format!("{depth:.0} of 100"),
            ),
            None => group
                .unknown("how much it is used", "Connect product analytics, or send the account's usage."),
        }
        match measures.trend {
            Some(trend) => {
                let text = format!("{trend:+.0} % in two weeks");
                group.fact(Evidence::Usage, "usage_trend", "Trend", json!(trend), text);
            }
            None if measures.usage_days > 0 => {
                group.unknown("where usage is going", "It takes four weeks of usage to compare.");
            }
            None => {}
        }
        if measures.plateau {
            group.fact(Evidence::Usage, "usage_plateau", "Plateau", json!(true), "usage has stopped growing");
        }
        if let Some(users) = measures.active_users {
            let of = measures.seats.map_or_else(String::new, |seats| format!(" of {seats} seats"));
            group.fact(
                Evidence::Usage,
                "active_users",
                "At work each week",
                json!(users),
                format!("{users}{of}"),
            );
        } else if let Some(seats) = measures.seats {
            group.fact(Evidence::Usage, "seats", "Seats", json!(seats), seats.to_string());
            group
                .unknown("how many of the seats are used", "Send the number of active users with the usage.");
        }
        if measures.seats.is_none() {
            group.unknown("how many seats there are", "Send the seats with the subscription or with usage.");
        }
        if !measures.top_features.is_empty() {
            let text = measures.top_features.join(", ").replace('_', " ");
            group.fact(Evidence::Usage, "top_features", "Most used", json!(measures.top_features), text);
        }
        group.done();
    }

    fn sentiment(&mut self) {
        let measures = self.measures;
        let mut group = self.fill(Group::Sentiment);
        match measures.satisfaction {
            Some((mean, count)) => {
                let text = told_ratings(mean, measures.satisfaction_of, count);
                group.fact(
                    Evidence::Tickets,
                    "satisfaction",
                    "Rating of support",
                    json!({"mean": mean, "ratings": count}),
                    text,
                );
            }
            None => group.unknown("how they rate support", "Send tickets with the customer's rating."),
        }
        match measures.nps {
            Some(nps) => group.of(
                "nps",
                "Would recommend us",
                json!(nps.score),
                format!("{} of 10", nps.score),
                Some("handoffs".to_owned()),
                Some(nps.at),
            ),
            None => group.unknown(
                "whether they would recommend us",
                "Ask for a score at the next handover or review.",
            ),
        }
        match measures.silent_days {
            Some(days) => {
                let text = if days == 1 { "1 day ago".to_owned() } else { format!("{days} days ago") };
                group.fact(Evidence::Conversations, "last_heard", "Last heard from", json!(days), text);
            }
            None => group
                .unknown("when they last said something", "Log calls, e-mails and meetings as activities."),
        }
        for (kind, strength) in
            [("churn_intent", measures.churn_intent), ("price_intent", measures.price_intent)]
        {
            if strength > 0.0 {
                let text = format!("{:.0} %", strength * 100.0);
                group.fact(
                    Evidence::Intents,
                    kind,
                    if kind == "churn_intent" { "Intent to leave" } else { "Talk of the price" },
                    json!(strength),
                    text,
                );
            }
        }
        if measures.left > 0 {
            group.fact(
                Evidence::History,
                "left_before",
                "Left before",
                json!(measures.left),
                format!("{} times", measures.left),
            );
        }
        group.done();
    }

    fn issues(&mut self, known: &Known<'_>) {
        let measures = self.measures;
        let mut group = self.fill(Group::Issues);
        match measures.open_tickets {
            Some(open) => {
                group.fact(Evidence::Tickets, "open_tickets", "Open tickets", json!(open), open.to_string());
            }
            None => {
                group.unknown("whether issues are open", "Connect the help desk, or send support tickets.");
            }
        }
        if measures.escalated > 0 {
            group.fact(
                Evidence::Tickets,
                "escalated",
                "Escalated",
                json!(measures.escalated),
                measures.escalated.to_string(),
            );
        }
        let mut open: Vec<_> = known
            .state
            .tickets
            .iter()
            .filter(|(_, fact)| fact.value.escalated == Some(true) && !is_closed(&fact.value.status))
            .collect();
        open.sort_by_key(|(id, fact)| (fact.stamp.as_of, *id));
        for (id, fact) in open.into_iter().take(LISTED_MAX) {
            let priority = fact.value.priority.as_deref().unwrap_or("no priority");
            let text = format!("{}, {priority}, escalated", fact.value.status);
            let doc = json!({"ticketId": id, "status": fact.value.status, "priority": fact.value.priority});
            let (source, as_of) = (Some(fact.stamp.source.clone()), Some(fact.stamp.as_of));
            group.of("ticket", &format!("Ticket {id}"), doc, text, source, as_of);
        }
        group.done();
    }

    fn consent(&mut self, known: &Known<'_>) {
        let measures = self.measures;
        let mut group = self.fill(Group::Consent);
        if measures.do_not_contact {
            group.fact(
                Evidence::Wishes,
                "do_not_contact",
                "Does not want to be contacted",
                json!(true),
                "yes: clear it before anybody writes",
            );
        }
        let live = known.state.consents.values().filter(|fact| {
            fact.value.granted && fact.value.expires_at.is_none_or(|expires| expires > known.now)
        });
        let live = live.count();
        if live > 0 {
            group.fact(Evidence::Wishes, "consents", "Live consents", json!(live), live.to_string());
        }
        group.fact(
            Evidence::Wishes,
            "reachable",
            "People who can be reached",
            json!(measures.reachable),
            measures.reachable.to_string(),
        );
        if measures.reachable == 0 {
            group.unknown("whom to talk to", "Add a contact with an e-mail address or a telephone number.");
        }
        group.done();
    }
}

/// Whether a ticket's status says that it is over, in the words that most systems use.
fn is_closed(status: &str) -> bool {
    ["closed", "solved", "resolved", "done"].contains(&status.to_lowercase().as_str())
}

fn subscription_stamp(subscription: &Subscription) -> (Option<String>, Option<DateTime>) {
    let stamps = [
        subscription.mrr.as_ref().map(|fact| &fact.stamp),
        subscription.end_date.as_ref().map(|fact| &fact.stamp),
        subscription.start_date.as_ref().map(|fact| &fact.stamp),
    ];
    let newest = stamps.into_iter().flatten().max();
    (newest.map(|stamp| stamp.source.clone()), newest.map(|stamp| stamp.as_of))
}

fn told_subscription(subscription: &Subscription, date: chrono::NaiveDate, assumed: bool) -> String {
    let mut parts = Vec::new();
    if let Some(plan) = value(&subscription.plan_tier) {
        parts.push(plan.clone());
    }
    if let Some(mrr) = value(&subscription.mrr) {
        let currency = value(&subscription.currency).map(String::as_str);
        parts.push(format!("{} a month", told_amount(mrr, currency)));
    }
    if let Some(seats) = value(&subscription.seats) {
        parts.push(format!("{seats} seats"));
    }
    let when = if assumed { "assumed to renew on" } else { "ends on" };
    parts.push(format!("{when} {}", told_date(date)));
    parts.join(", ")
}

fn told_deal(deal: &Deal) -> String {
    let mut parts = Vec::new();
    if let Some(stage) = value(&deal.stage) {
        parts.push(stage.clone());
    }
    if let Some(amount) = value(&deal.amount) {
        parts.push(told_amount(amount, value(&deal.currency).map(String::as_str)));
    }
    if let Some(close) = value(&deal.expected_close_date) {
        parts.push(format!("closes {}", told_date(*close)));
    }
    if parts.is_empty() { "nothing but its id is known".to_owned() } else { parts.join(", ") }
}
