//! Single cases of the fold, as stories.

use serde_json::{Value, json};

use super::{Applied, UsageEntry, apply, refold_usage_day};
use crate::accounts::events::{Event, Mode, Outcome, Parts};
use crate::accounts::model::{
    AccountState, NAMES_KEPT, OverlapKind, RECORDS_KEPT, SyncSource, TICKETS_KEPT, UsageDay, value,
};
use crate::kernel::clock::DateTime;

fn at(text: &str) -> DateTime {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// An event of the day 2026-11-20 at a time of day.
fn event(id: &str, event_type: &str, time: &str, data: &Value) -> Event {
    let parts = Parts {
        source: Some("/crm"),
        id: Some(id),
        event_type: Some(event_type),
        subject: Some("acc_1"),
        time: Some(&format!("2026-11-20T{time}:00Z")),
        content_type: None,
        data: Some(&data.to_string()),
    };
    Event::parse(parts, at("2026-11-20T12:00:00Z")).unwrap()
}

/// Applies one event after the other; gives the state and what came of the last.
fn told(events: &[Event]) -> (AccountState, Applied) {
    let mut state = AccountState::default();
    let mut last = Applied::default();
    for event in events {
        last = apply(&mut state, event);
    }
    (state, last)
}

#[test]
fn a_late_event_leaves_newer_facts_and_fills_what_is_unknown() {
    let newer = event("e2", "gtm.account.upserted", "10:00", &json!({"name": "Acme", "seats": 50}));
    let late = event("e1", "gtm.account.upserted", "09:00", &json!({"name": "Old", "industry": "Steel"}));
    let (state, applied) = told(&[newer, late]);
    assert_eq!(value(&state.profile.name).unwrap(), "Acme");
    assert_eq!(value(&state.profile.industry).unwrap(), "Steel");
    assert_eq!(value(&state.profile.seats), Some(&50));
    assert!(applied.changed && applied.relevant);
    assert_eq!(applied.identity.name, None, "the late name is not what the account is called");
}

#[test]
fn null_clears_and_is_known_to_be_cleared() {
    let (state, _) = told(&[
        event("e1", "gtm.account.upserted", "09:00", &json!({"name": "Acme", "ownerId": "rep-1"})),
        event("e2", "gtm.account.upserted", "10:00", &json!({"name": "Acme", "ownerId": null})),
        event("e3", "gtm.account.upserted", "08:00", &json!({"name": "Acme", "ownerId": "rep-0"})),
    ]);
    assert_eq!(value(&state.profile.owner_id), None);
    assert_eq!(state.profile.owner_id.unwrap().stamp.as_of, at("2026-11-20T10:00:00Z"));
}

#[test]
fn an_outbound_activity_is_a_touch_and_an_inbound_one_is_not() {
    let (state, outbound) = told(&[
        event(
            "e1",
            "gtm.activity.logged",
            "09:00",
            &json!({"activityType": "Email", "direction": "inbound"}),
        ),
        event(
            "e2",
            "gtm.activity.logged",
            "10:00",
            &json!({"activityType": "Call", "direction": "outbound", "contactId": "c-1",
                    "occurredAt": "2026-11-19T08:00:00Z"}),
        ),
    ]);
    let touch = outbound.touch.unwrap();
    assert_eq!((touch.channel.as_str(), touch.at), ("call", at("2026-11-19T08:00:00Z")));
    assert_eq!(touch.contact_id.unwrap().as_str(), "c-1");
    assert_eq!((state.engagement.inbound, state.engagement.outbound), (1, 1));
    assert_eq!(state.engagement.first_at, Some(at("2026-11-19T08:00:00Z")));
    assert_eq!(state.engagement.last_inbound_at, Some(at("2026-11-20T09:00:00Z")));
    let (_, inbound) = told(&[event(
        "e3",
        "gtm.activity.logged",
        "09:00",
        &json!({"activityType": "chat", "direction": "inbound"}),
    )]);
    assert_eq!(inbound.touch, None);
}

#[test]
fn people_notes_and_outcomes_leave_the_state_alone() {
    let contact = json!({"contactId": "c-1", "firstName": "Ana", "email": "ana@acme.com"});
    let (state, applied) = told(&[event("e1", "gtm.contact.upserted", "09:00", &contact)]);
    assert_eq!(state, AccountState::default());
    assert!(!applied.changed && !applied.relevant);
    assert_eq!(applied.identity.email_domain.as_deref(), Some("acme.com"));
    let change = applied.contact.unwrap();
    assert_eq!(value(&change.said.first_name).unwrap(), "Ana");
    assert_eq!(change.said.phone, None);

    let note = json!({"text": "Wants SSO", "kind": "Pain-Point"});
    let (state, applied) = told(&[event("e2", "gtm.note.added", "09:00", &note)]);
    assert_eq!(state, AccountState::default());
    let note = applied.note.unwrap();
    assert_eq!((note.text.as_str(), note.kind.as_deref()), ("Wants SSO", Some("pain_point")));

    let outcome = json!({"handoffId": "0193d2a0-7c00-7000-8000-000000000001", "outcome": "meeting_booked"});
    let (state, applied) = told(&[event("e3", "gtm.handoff.outcome", "09:00", &outcome)]);
    assert_eq!(state, AccountState::default());
    assert_eq!(applied.outcome.unwrap().outcome, Outcome::MeetingBooked);
}

#[test]
fn money_keeps_its_digits_and_brings_its_currency() {
    let (state, _) = told(&[
        event(
            "e1",
            "gtm.deal.upserted",
            "09:00",
            &json!({"dealId": "d-1", "stage": "Discovery",
            "amount": {"amount": "120000.10", "currency": "eur"}}),
        ),
        event(
            "e2",
            "gtm.subscription.upserted",
            "09:00",
            &json!({"subscriptionId": "s-1", "mrr": "99.90",
            "currency": "USD"}),
        ),
    ]);
    let deal = &state.deals["d-1"];
    assert_eq!(value(&deal.amount).unwrap(), "120000.10");
    assert_eq!(value(&deal.currency).unwrap(), "EUR");
    assert_eq!(value(&state.subscriptions["s-1"].mrr).unwrap(), "99.90");
    assert_eq!(value(&state.subscriptions["s-1"].currency).unwrap(), "USD");
}

#[test]
fn what_is_left_out_of_an_overlap_means_that_it_exists() {
    let overlap = |id, time, data| event(id, "gtm.partner.overlap", time, &data);
    let (state, _) = told(&[
        overlap("e1", "09:00", json!({"partnerId": "aws", "overlapType": "tech_stack"})),
        overlap("e2", "10:00", json!({"partnerId": "aws", "overlapType": "customer", "active": false})),
    ]);
    let aws = &state.overlaps["aws"];
    assert!(aws[&OverlapKind::TechStack].value.active);
    assert!((aws[&OverlapKind::TechStack].value.strength - 1.0).abs() < f64::EPSILON);
    assert!(!aws[&OverlapKind::Customer].value.active);
}

#[test]
fn a_source_never_falls_back_behind_what_it_confirmed() {
    let synced =
        |id, time, up_to| event(id, "gtm.source.synced", time, &json!({"source": "crm", "syncedAt": up_to}));
    let (state, applied) =
        told(&[synced("e1", "09:00", "2026-11-20T09:00:00Z"), synced("e2", "10:00", "2026-11-20T08:00:00Z")]);
    assert_eq!(state.syncs[&SyncSource::Crm].value, at("2026-11-20T09:00:00Z"));
    assert!(!applied.changed);
}

fn used(id: &str, time: &str, mode: &str, users: u64) -> Event {
    let data = json!({"date": "2026-11-20", "mode": mode, "activeUsers": users,
                      "features": {"export": users, "unused": 0}});
    event(id, "gtm.usage.recorded", time, &data)
}

#[test]
fn departments_add_up_and_a_replacement_stands_for_what_was_before() {
    let day = |events: &[Event]| {
        let (state, applied) = told(events);
        assert_eq!(applied.refold_usage_day, None);
        state.usage.days.into_values().next().unwrap()
    };
    let added = day(&[used("e1", "08:00", "add", 3), used("e2", "09:00", "add", 4)]);
    assert_eq!((added.active_users, added.volume()), (7, 7));
    assert!(!added.features.contains_key("unused"));
    let replaced = day(&[used("e1", "08:00", "add", 3), used("e2", "09:00", "replace", 4)]);
    assert_eq!((replaced.active_users, replaced.first_add), (4, None));
    let late_base = day(&[used("e2", "09:00", "add", 4), used("e1", "08:00", "replace", 3)]);
    assert_eq!(late_base.active_users, 7);
    let outdated = day(&[used("e2", "09:00", "replace", 4), used("e1", "08:00", "add", 3)]);
    assert_eq!(outdated.active_users, 4);
}

#[test]
fn a_replacement_between_additions_asks_for_the_day_to_be_folded_anew() {
    let events =
        [used("e1", "08:00", "add", 3), used("e3", "10:00", "add", 5), used("e2", "09:00", "replace", 4)];
    let (mut state, applied) = told(&events);
    let date = "2026-11-20".parse().unwrap();
    assert_eq!(applied.refold_usage_day, Some(date));
    assert!(applied.changed && applied.relevant);
    refold_usage_day(&mut state, date, &events);
    assert_eq!(state.usage.days[&date].active_users, 9);
}

#[test]
fn the_seats_of_a_day_are_those_of_the_newest_statement_even_an_outdated_count() {
    let entry = |time: &str, mode, seats| UsageEntry {
        stamp: event(time, "gtm.usage.recorded", time, &json!({"date": "2026-11-20"})).stamp(),
        mode,
        active_users: 1,
        seats,
        features: std::collections::BTreeMap::new(),
    };
    let day = UsageDay::from_entries(&[
        entry("08:00", Mode::Add, Some(10)),
        entry("07:00", Mode::Add, Some(5)),
        entry("09:00", Mode::Replace, None),
    ]);
    assert_eq!(day.seats.unwrap().value, 10);
    assert_eq!(UsageDay::from_entries(&[]), UsageDay::default());
}

#[test]
fn every_collection_is_bounded_and_what_stays_does_not_depend_on_the_order() {
    let stamp = |n: usize| format!("{:02}:{:02}", n / 60 % 12, n % 60);
    let key = |n: usize| format!("k{n:05}");
    let case = |event_type: &str, count: usize, data: &dyn Fn(usize) -> Value| {
        let mut events: Vec<Event> =
            (0..count).map(|n| event(&n.to_string(), event_type, &stamp(n), &data(n))).collect();
        let (forwards, last) = told(&events);
        events.reverse();
        let (backwards, _) = told(&events);
        assert_eq!(forwards, backwards, "{event_type}");
        assert!(last.dropped.is_some(), "{event_type}");
        forwards
    };
    let over = RECORDS_KEPT + 5;
    let deals = case("gtm.deal.upserted", over, &|n| json!({"dealId": key(n), "stage": "x"}));
    assert_eq!(deals.deals.len(), RECORDS_KEPT);
    let subscriptions = case("gtm.subscription.upserted", over, &|n| json!({"subscriptionId": key(n)}));
    assert_eq!(subscriptions.subscriptions.len(), RECORDS_KEPT);
    let referrals = case("gtm.partner.referral", over, &|n| json!({"partnerId": key(n)}));
    assert_eq!(referrals.referrals.len(), RECORDS_KEPT);
    let overlaps =
        case("gtm.partner.overlap", over, &|n| json!({"partnerId": key(n), "overlapType": "customer"}));
    assert_eq!(overlaps.overlaps.len(), RECORDS_KEPT);

    let over = NAMES_KEPT + 5;
    let intents = case("gtm.intent.observed", over, &|n| json!({"kind": key(n)}));
    assert_eq!(intents.intents.len(), NAMES_KEPT);
    let consents = case("gtm.consent.changed", over, &|n| json!({"purpose": key(n), "granted": true}));
    assert_eq!(consents.consents.len(), NAMES_KEPT);
    let usage = case(
        "gtm.usage.recorded",
        over,
        &|n| json!({"date": "2026-11-20", "department": key(n), "features": {key(n): 1}}),
    );
    assert_eq!(usage.usage.departments.len(), NAMES_KEPT);
    assert_eq!(usage.usage.days.values().next().unwrap().features.len(), NAMES_KEPT);

    // Each ticket is told of twice, so that one that went can come back.
    let tickets = case(
        "gtm.support.ticket",
        TICKETS_KEPT * 2,
        &|n| json!({"ticketId": key(n % (TICKETS_KEPT + 50)), "status": "open"}),
    );
    assert_eq!(tickets.tickets.len(), TICKETS_KEPT);
}
