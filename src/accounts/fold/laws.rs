//! The laws of the fold, over generated histories.
//!
//! The histories are small and crowded on purpose: few accounts' worth of keys, few instants, so that
//! nearly every pair of events meets on the same fact.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{UsageEntry, apply, refold_usage_day};
use crate::accounts::events::{Event, EventType, Parts};
use crate::accounts::model::{AccountState, Contact, USAGE_DAYS_KEPT, UsageDay};
use crate::kernel::clock::DateTime;

fn start() -> DateTime {
    chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// A value that is present, null or left out.
fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<Value>> {
    prop_oneof![3 => value.prop_map(Some), 1 => Just(Some(Value::Null)), 1 => Just(None)].boxed()
}

fn word() -> BoxedStrategy<Value> {
    prop_oneof![Just(json!("a")), Just(json!("b")), Just(json!("c"))].boxed()
}

fn instant() -> BoxedStrategy<Value> {
    (0..5_i64).prop_map(|hour| json!((start() + TimeDelta::hours(hour)).to_rfc3339())).boxed()
}

/// Days close together, and now and then one that pushes others out of what is kept.
fn date() -> BoxedStrategy<Value> {
    let days = prop_oneof![5 => 0..3_i64, 1 => 40..45_i64, 1 => 60..70_i64];
    days.prop_map(|day| json!((start().date_naive() - TimeDelta::days(day)).to_string())).boxed()
}

/// The data of an event type: its required fields, and some of the others.
fn data(event_type: EventType) -> BoxedStrategy<Value> {
    let count = || (0..4_u64).prop_map(Value::from);
    let flag = || any::<bool>().prop_map(Value::from);
    let strength = || (0..=4_u8).prop_map(|quarter| json!(f64::from(quarter) / 4.0));
    let one_of = |names: &'static [&'static str]| proptest::sample::select(names).prop_map(Value::from);
    let features = || {
        let names = proptest::sample::select(&["x", "y", "z"][..]);
        proptest::collection::btree_map(names, 0..3_u64, 0..3).prop_map(|counts| json!(counts))
    };
    let words = || proptest::collection::vec(word(), 0..3).prop_map(Value::from);
    let qualification = || strength().prop_map(|score| json!({"score": score, "champion": "x", "own": 0.1}));
    let fields: Vec<(&'static str, BoxedStrategy<Option<Value>>)> = event_type
        .spec()
        .fields
        .iter()
        .map(|field| {
            let value: BoxedStrategy<Value> = match field.name {
                "date" | "expectedCloseDate" | "startDate" => date(),
                "createdAt" | "occurredAt" | "referredAt" | "syncedAt" | "closedAt" | "expiresAt" => {
                    instant()
                }
                "endDate" => Just(json!("2030-01-01")).boxed(),
                "employeeCount" | "seats" | "activeUsers" | "annualRevenue" | "amount" | "mrr" => {
                    count().boxed()
                }
                "features" => features().boxed(),
                "techStack" | "products" | "allowedMotions" | "blockedMotions" => words().boxed(),
                "qualification" => qualification().boxed(),
                "strength" | "satisfaction" | "nps" => strength().boxed(),
                "isPrimary" | "optedOut" | "active" | "granted" | "escalated" | "autoRenew" | "trial"
                | "doNotContact" => flag().boxed(),
                "direction" => one_of(&["inbound", "outbound"]).boxed(),
                "mode" => one_of(&["add", "replace"]).boxed(),
                "overlapType" => one_of(&["customer", "prospect"]).boxed(),
                "source" if event_type == EventType::SourceSynced => one_of(&["crm", "partner"]).boxed(),
                "outcome" => Just(json!("contacted")).boxed(),
                "handoffId" => Just(json!("0193d2a0-7c00-7000-8000-000000000001")).boxed(),
                "currency" => one_of(&["EUR", "USD"]).boxed(),
                "email" => Just(json!("ana@acme.com")).boxed(),
                "domain" => Just(json!("acme.com")).boxed(),
                _ => word(),
            };
            let value = if field.required { value.prop_map(Some).boxed() } else { maybe(value) };
            (field.name, value)
        })
        .collect();
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values
        .prop_map(move |values| {
            let said =
                names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Value::Object(said.collect())
        })
        .boxed()
}

/// Data of one of the types, usage more often than the rest.
fn any_data() -> BoxedStrategy<(EventType, Value)> {
    let types = prop_oneof![
        2 => proptest::sample::select(&EventType::ALL[..]),
        1 => Just(EventType::UsageRecorded),
    ];
    types.prop_flat_map(|event_type| data(event_type).prop_map(move |data| (event_type, data))).boxed()
}

/// Events with identities of their own, at few instants.
fn history(of: BoxedStrategy<(EventType, Value)>) -> BoxedStrategy<Vec<Event>> {
    let event = (of, 0..5_i64, proptest::sample::select(&["/crm", "/app"][..]));
    proptest::collection::vec(event, 1..24)
        .prop_map(|said| {
            let numbered = said.into_iter().enumerate();
            numbered
                .map(|(number, ((event_type, data), hour, source))| {
                    let time = (start() + TimeDelta::hours(hour)).to_rfc3339();
                    let parts = Parts {
                        source: Some(source),
                        id: Some(&number.to_string()),
                        event_type: Some(event_type.name()),
                        subject: Some("acc_1"),
                        time: Some(&time),
                        content_type: None,
                        data: Some(&data.to_string()),
                    };
                    Event::parse(parts, start()).unwrap()
                })
                .collect()
        })
        .boxed()
}

/// A history, and the same in another order with repetitions.
fn two_tellings(of: BoxedStrategy<(EventType, Value)>) -> BoxedStrategy<(Vec<Event>, Vec<Event>)> {
    history(of)
        .prop_flat_map(|events| {
            let again = proptest::collection::vec(proptest::sample::select(events.clone()), 0..8);
            (Just(events.clone()), again).prop_flat_map(|(events, again)| {
                let told: Vec<Event> = events.iter().cloned().chain(again).collect();
                (Just(events), Just(told).prop_shuffle())
            })
        })
        .boxed()
}

/// What a caller keeps: the state, the contacts, and the identities it has seen.
#[derive(Debug, Default, PartialEq)]
struct Kept {
    state: AccountState,
    contacts: BTreeMap<String, Contact>,
}

/// Applies a history the way a caller does: each identity once, days folded anew where that is asked for.
fn kept(events: &[Event]) -> Kept {
    let mut kept = Kept::default();
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut stored: Vec<&Event> = Vec::new();
    for event in events {
        if !seen.insert((&event.source, &event.id)) {
            continue;
        }
        stored.push(event);
        let before = kept.state.clone();
        let applied = apply(&mut kept.state, event);
        match applied.refold_usage_day {
            Some(date) => refold_usage_day(&mut kept.state, date, stored.iter().copied()),
            None => assert_eq!(applied.changed, kept.state != before, "{event:?}"),
        }
        if let Some(change) = applied.contact {
            kept.contacts.entry(change.contact_id.to_string()).or_default().merge(change.said);
        }
    }
    kept
}

fn usage_only() -> BoxedStrategy<(EventType, Value)> {
    data(EventType::UsageRecorded).prop_map(|data| (EventType::UsageRecorded, data)).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_and_the_repetition_of_events_do_not_matter((events, told) in two_tellings(any_data())) {
        prop_assert_eq!(kept(&events), kept(&told));
    }

    #[test]
    fn usage_step_by_step_is_usage_by_definition((events, told) in two_tellings(usage_only())) {
        let mut by_day: BTreeMap<NaiveDate, Vec<UsageEntry>> = BTreeMap::new();
        for (date, entry) in events.iter().filter_map(UsageEntry::of) {
            by_day.entry(date).or_default().push(entry);
        }
        let newest = *by_day.last_key_value().unwrap().0;
        let first = *by_day.first_key_value().unwrap().0;
        let defined: BTreeMap<NaiveDate, UsageDay> = by_day
            .into_iter()
            .filter(|(date, _)| *date > newest - TimeDelta::days(USAGE_DAYS_KEPT))
            .map(|(date, entries)| (date, UsageDay::from_entries(&entries)))
            .collect();
        let usage = kept(&told).state.usage;
        prop_assert_eq!(usage.days, defined);
        prop_assert_eq!(usage.first_day, Some(first));
    }

    #[test]
    fn the_state_reads_back_as_it_was_stored(events in history(any_data())) {
        let kept = kept(&events);
        let text = serde_json::to_string(&kept.state).unwrap();
        prop_assert_eq!(serde_json::from_str::<AccountState>(&text).unwrap(), kept.state);
        for contact in kept.contacts.into_values() {
            let text = serde_json::to_string(&contact).unwrap();
            prop_assert_eq!(serde_json::from_str::<Contact>(&text).unwrap(), contact);
        }
    }

    #[test]
    fn every_fact_is_that_of_the_newest_event_that_names_it(
        events in history(data(EventType::AccountUpserted)
            .prop_map(|data| (EventType::AccountUpserted, data)).boxed()),
    ) {
        let profile = serde_json::to_value(kept(&events).state.profile).unwrap();
        for field in EventType::AccountUpserted.spec().fields {
            let said = |event: &&Event| {
                serde_json::from_str::<Value>(&event.data_text).unwrap().get(field.name).is_some()
            };
            match events.iter().filter(said).max_by_key(|event| event.stamp()) {
                None => prop_assert!(profile.get(field.name).is_none(), "{}", field.name),
                Some(newest) => {
                    let cleared = serde_json::from_str::<Value>(&newest.data_text).unwrap()[field.name].is_null();
                    prop_assert_eq!(&profile[field.name]["source"], newest.source.as_str());
                    prop_assert_eq!(profile[field.name]["value"].is_null(), cleared);
                }
            }
        }
    }
}
