//! The stories run through the real fold and the real decision.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::archetype::TABLE;
use super::company::{Company, cohort};
use super::teller::Teller;
use super::*;
use crate::accounts::events::{Event, Parts};
use crate::accounts::fold;
use crate::accounts::model::{AccountState, value};
use crate::kernel::ids::new_id;
use crate::motions::decide::{Decision, Effect, decide};
use crate::motions::model::{Claim, ConsentView, Ledger, Motion, Outcome, PreferenceView, Touch};
use crate::motions::policy::Policy;
use crate::motions::signals::{Failing, derive};

fn at(text: &str) -> DateTime {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// A Friday morning; the stories must not depend on it, see the property below.
fn now() -> DateTime {
    at("2026-11-20T09:30:00Z")
}

fn parse(event: &Value, now: DateTime) -> Event {
    let text = |name: &str| event[name].as_str();
    let data = event["data"].to_string();
    let parts = Parts {
        source: text("source"),
        id: text("id"),
        event_type: text("type"),
        subject: text("subject"),
        time: text("time"),
        content_type: None,
        data: Some(&data),
    };
    Event::parse(parts, now).unwrap_or_else(|rejected| panic!("{event}: {}", rejected.detail()))
}

/// An account as the service would keep it.
#[derive(Default)]
struct Account {
    state: AccountState,
    ledger: Ledger,
}

impl Account {
    fn hear(&mut self, events: &[Value], now: DateTime) {
        for event in events {
            let applied = fold::apply(&mut self.state, &parse(event, now));
            if let Some(touch) = applied.touch {
                self.ledger.touches.push(Touch { at: touch.at, origin: touch.channel });
            }
        }
        let preferences = &self.state.preferences;
        let motions = |known: Option<&Vec<String>>| -> Vec<Motion> {
            known.into_iter().flatten().filter_map(|name| Motion::from_name(name)).collect()
        };
        self.ledger.preferences = PreferenceView {
            allowed: motions(value(&preferences.allowed_motions)),
            blocked: motions(value(&preferences.blocked_motions)),
            do_not_contact: value(&preferences.do_not_contact).copied().unwrap_or(false),
        };
        for (purpose, fact) in &self.state.consents {
            let consent = ConsentView {
                granted: fact.value.granted,
                legal_basis: fact.value.legal_basis.clone(),
                expires_at: fact.value.expires_at,
            };
            self.ledger.consents.insert(purpose.clone(), consent);
        }
    }

    fn decide(&mut self, policy: &Policy, now: DateTime) -> Decision {
        let signals = derive(policy.definitions(), &self.state, Failing::default(), now);
        let decision = decide(policy, &signals, &self.ledger, now);
        for effect in &decision.effects {
            match effect {
                Effect::Claim { motion, expires_at, .. } => self.ledger.claims.push(Claim {
                    id: new_id(now),
                    motion: *motion,
                    claimed_at: now,
                    expires_at: *expires_at,
                    decision_id: new_id(now),
                    reasoning: String::new(),
                }),
                Effect::Touch => self.ledger.touches.push(Touch { at: now, origin: "decision".to_owned() }),
                _ => {}
            }
        }
        decision
    }
}

/// The rule and the outcome after the opening and after each beat.
fn told(policy: &Policy, company: &Company, now: DateTime) -> Vec<(String, Outcome)> {
    let mut account = Account::default();
    let mut opening = Teller::of_history(company, now);
    story::opening(&mut opening);
    account.hear(&opening.into_events(), now);
    let mut seen = Vec::new();
    let mut look = |account: &mut Account, at| {
        let decision = account.decide(policy, at);
        seen.push((policy.branches()[decision.matched].id.clone(), decision.outcome));
    };
    look(&mut account, now);
    for (number, beat) in company.archetype.beats().iter().enumerate() {
        let tick = company.first_beat_tick + beat.after_ticks;
        let at = now + TimeDelta::seconds(i64::try_from(tick).unwrap());
        let mut teller = Teller::of_tick(company, at, tick);
        story::beat(&mut teller, number);
        account.hear(&teller.into_events(), at);
        look(&mut account, at);
    }
    seen
}

fn expected(company: &Company) -> Vec<(String, Outcome)> {
    company.archetype.entry().expected.iter().map(|one| (one.rule.to_owned(), one.outcome)).collect()
}

fn default_policy() -> Policy {
    Policy::built_in("default").unwrap().unwrap()
}

#[test]
fn contracts_run_today_and_some_end_within_a_quarter() {
    for now in
        ["2026-01-01T00:00:00Z", "2026-11-20T09:30:00Z", "2028-02-29T12:00:00Z", "2028-12-31T23:59:00Z"]
    {
        let today = at(now).date_naive();
        let events = history(7, at(now));
        let contracts = events
            .iter()
            .filter(|event| event["type"] == "gtm.subscription.upserted" && event["data"]["trial"] != true);
        let day = |text: &Value| text.as_str().unwrap().parse::<chrono::NaiveDate>().unwrap();
        let left: Vec<i64> = contracts
            .map(|event| {
                let data = &event["data"];
                assert!(day(&data["startDate"]) < today, "{now}: {event}");
                (day(&data["endDate"]) - today).num_days()
            })
            .collect();
        assert!(left.iter().all(|days| (0..=366).contains(days)), "{now}: {left:?}");
        let near = left.iter().filter(|days| **days <= 90).count();
        assert!((left.len() / 10..=left.len() / 2).contains(&near), "{now}: {near} of {}", left.len());
    }
}

#[test]
fn every_company_lives_its_story() {
    let policy = default_policy();
    for number in [0, 1, 7] {
        for company in cohort(1, number) {
            let seen = told(&policy, &company, now());
            assert_eq!(seen, expected(&company), "{:?} {}", company.archetype, company.id);
        }
    }
}

#[test]
fn the_table_covers_every_branch_and_nearly_every_outcome_within_two_minutes() {
    assert!(TABLE.iter().enumerate().all(|(row, entry)| entry.archetype as usize == row));
    assert!(TABLE.iter().all(|entry| entry.expected.len() == entry.beats.len() + 1));
    assert_eq!(TABLE.iter().map(|entry| entry.count).sum::<usize>(), 120);
    let policy = default_policy();
    let (mut rules, mut outcomes) = (BTreeSet::new(), BTreeSet::new());
    for entry in &TABLE {
        rules.extend(entry.expected.iter().map(|one| one.rule));
        outcomes.extend(entry.expected.iter().map(|one| one.outcome));
    }
    assert_eq!(rules.len(), policy.branches().len());
    assert_eq!(outcomes.len(), 6, "all outcomes occur");
    let companies = cohort(1, 0);
    for entry in TABLE.iter().filter(|entry| !entry.beats.is_empty()) {
        let first = companies.iter().filter(|company| company.archetype == entry.archetype);
        let last_beat_of_first =
            first.map(|company| company.first_beat_tick + entry.beats.last().unwrap().after_ticks).min();
        assert!(last_beat_of_first.unwrap() <= 120, "{:?}", entry.archetype);
    }
}

#[test]
fn the_stream_has_about_two_events_a_second_and_ends_no_cohort_early() {
    let demo = Demo::new(1);
    let events: usize = (0..COHORT_TICKS).map(|tick| demo.live(now(), tick).len()).sum();
    let ticks = usize::try_from(COHORT_TICKS).unwrap();
    assert!((ticks * 3 / 2..ticks * 3).contains(&events), "{events}");
    for number in [0, 3] {
        for company in cohort(1, number) {
            let last = company.archetype.beats().last().map_or(0, |beat| beat.after_ticks);
            assert!(company.first_beat_tick + last < COHORT_TICKS, "{}", company.id);
        }
    }
    assert!(!demo.live(now(), COHORT_TICKS * 5 + 2).is_empty(), "it never runs dry");
}

#[test]
fn newcomers_arrive_with_their_history() {
    let demo = Demo::new(1);
    let events: Vec<Value> =
        (COHORT_TICKS..2 * COHORT_TICKS).flat_map(|tick| demo.live(now(), tick)).collect();
    let known: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["type"] == "gtm.account.upserted")
        .filter_map(|event| event["subject"].as_str())
        .collect();
    for company in cohort(1, 1) {
        assert!(known.contains(company.id.as_str()), "{}", company.id);
    }
}

#[test]
fn the_history_is_two_months_of_a_company() {
    let events = history(1, now());
    let accounts: BTreeSet<&str> = events.iter().filter_map(|event| event["subject"].as_str()).collect();
    assert_eq!(accounts.len(), 120);
    assert!(accounts.iter().all(|id| id.starts_with(ID_PREFIX)));
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events {
        *types.entry(event["type"].as_str().unwrap()).or_default() += 1;
    }
    assert!(types["gtm.usage.recorded"] > 4_000, "{types:?}");
    assert!(types.len() >= 10, "{types:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5))]

    #[test]
    fn the_same_arguments_tell_the_same_and_every_event_is_valid(
        seed in any::<u64>(), minutes in 0_i64..600_000, tick in 0_u64..5_000,
    ) {
        let now = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
        let demo = Demo::new(seed);
        let mut events = demo.history(now);
        for tick in tick..tick + 30 {
            let later = now + TimeDelta::seconds(i64::try_from(tick).unwrap());
            let told = demo.live(later, tick);
            prop_assert_eq!(&told, &live(seed, later, tick));
            for event in &told {
                parse(event, later);
            }
            events.extend(told);
        }
        prop_assert_eq!(&events[..50], &history(seed, now)[..50]);
        let mut ids = BTreeSet::new();
        for event in &events {
            prop_assert!(ids.insert((event["source"].to_string(), event["id"].to_string())), "{}", event);
        }
        for event in demo.history(now) {
            parse(&event, now);
        }
    }

    #[test]
    fn the_stories_hold_on_every_day_of_the_week_and_for_every_seed(
        seed in any::<u64>(), hours in 0_i64..24 * 14,
    ) {
        let now = at("2026-03-02T00:30:00Z") + TimeDelta::hours(hours);
        let policy = default_policy();
        for company in cohort(seed, 0) {
            let seen = told(&policy, &company, now);
            prop_assert_eq!(seen, expected(&company), "{:?} {}", company.archetype, company.id);
        }
    }
}
