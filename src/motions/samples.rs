//! Accounts, signals and ledgers for the tests of this slice: the worked example, and arbitrary ones.

use std::collections::BTreeMap;

use chrono::{Days, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use crate::accounts::model::{AccountState, Fact, Intent, Overlap, OverlapKind, Stamp, SyncSource, UsageDay};
use crate::kernel::clock::DateTime;
use crate::motions::model::*;
use crate::motions::policy::{Format, Policy};

/// A Wednesday at noon.
pub fn now() -> DateTime {
    "2026-11-18T12:00:00Z".parse().unwrap()
}

pub fn hours_ago(hours: i64) -> DateTime {
    now() - TimeDelta::hours(hours)
}

pub fn stamp(at: DateTime, source: &str) -> Stamp {
    Stamp { as_of: at, tie: 0, source: source.to_owned() }
}

pub fn fact<T>(value: T, at: DateTime, source: &str) -> Fact<T> {
    Fact::new(value, stamp(at, source))
}

pub fn known<T>(value: T) -> Option<Fact<Option<T>>> {
    Some(fact(Some(value), hours_ago(2), "crm"))
}

/// The policy that ships as the default.
pub fn policy() -> Policy {
    Policy::built_in("default").unwrap().unwrap()
}

/// The default policy with one text replaced by another.
pub fn policy_with(changes: &[(&str, &str)]) -> Policy {
    let mut text = crate::motions::policy::BUILT_IN[0].1.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "the default policy has no `{from}`");
        text = text.replacen(from, to, 1);
    }
    Policy::compile(&text, Format::Toml).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// Days of usage that end `until` days before today, oldest first, by the uses on each.
pub fn days(state: &mut AccountState, until: u64, length: u64, active_users: u64, features: &[(&str, u64)]) {
    let today = now().date_naive();
    for back in until..until + length {
        let day = today - Days::new(back);
        let features = features.iter().map(|(name, uses)| ((*name).to_owned(), *uses)).collect();
        state.usage.days.insert(day, UsageDay { active_users, features, ..UsageDay::default() });
        state.usage.first_day = state.usage.first_day.map_or(Some(day), |first| Some(first.min(day)));
    }
    state.usage.latest = Some(stamp(hours_ago(1), "product"));
}

/// The account of the source's example: mid-market, depth 72 and levelled off, API use moving up while
/// another feature moves down, a new department, AWS and Salesforce as partners, no deal.
pub fn worked_example() -> AccountState {
    let mut state = AccountState::default();
    let before = [("api", 20), ("exports", 10), ("integrations", 25), ("reports", 22), ("team_seats", 24)];
    let lately = [("api", 40), ("exports", 10), ("integrations", 25), ("reports", 2), ("team_seats", 24)];
    days(&mut state, 7, 42, 22, &before);
    days(&mut state, 0, 7, 22, &lately);
    let today = now().date_naive();
    state.usage.departments.insert("engineering".to_owned(), today - Days::new(40));
    state.usage.departments.insert("finance".to_owned(), today - Days::new(3));
    state.profile.name = known("Acme".to_owned());
    state.profile.employee_count = known(650);
    state.profile.seats = known(30);
    for (partner, kind, strength) in [
        ("aws", OverlapKind::Customer, 0.9),
        ("aws", OverlapKind::TechStack, 0.6),
        ("salesforce", OverlapKind::TechStack, 0.7),
    ] {
        let overlap = fact(Overlap { strength, active: true }, hours_ago(3), "partner");
        state.overlaps.entry(partner.to_owned()).or_default().insert(kind, overlap);
    }
    for source in [SyncSource::Crm, SyncSource::Partner] {
        state.syncs.insert(source, fact(hours_ago(1), hours_ago(1), "sync"));
    }
    state
        .intents
        .insert("evaluation".to_owned(), fact(Intent { strength: 0.4, detail: None }, hours_ago(48), "web"));
    state
}

/// The worked example's ledger: nothing runs, and partner data may be shared.
pub fn consenting() -> Ledger {
    let consent = ConsentView { granted: true, legal_basis: Some("consent".to_owned()), expires_at: None };
    Ledger { consents: BTreeMap::from([("partner_data_sharing".to_owned(), consent)]), ..Ledger::default() }
}

pub fn claim(motion: Motion, claimed_at: DateTime) -> Claim {
    Claim {
        id: Uuid::from_u128(7_000 + motion as u128),
        motion,
        claimed_at,
        expires_at: claimed_at + TimeDelta::hours(72),
        decision_id: Uuid::from_u128(9_000),
        reasoning: "It fitted.".to_owned(),
    }
}

pub fn touch(at: DateTime) -> Touch {
    Touch { at, origin: "email".to_owned() }
}

fn around_now() -> impl Strategy<Value = DateTime> {
    // Hours and odd seconds, so that boundaries are hit and missed.
    (-300_i64..24, prop_oneof![Just(0_i64), -1_i64..=1])
        .prop_map(|(h, s)| now() + TimeDelta::hours(h) + TimeDelta::seconds(s))
}

fn provenance() -> impl Strategy<Value = Provenance> {
    (prop::option::of(around_now()), any::<bool>()).prop_map(|(as_of, degraded)| Provenance {
        source: "any".to_owned(),
        as_of,
        degraded,
    })
}

fn share() -> impl Strategy<Value = f64> {
    (0_u32..=100).prop_map(|n| f64::from(n) / 100.0)
}

fn percent() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0_u32..=10_000).prop_map(|n| f64::from(n) / 100.0),
        Just(70.0),
        Just(40.0),
        Just(39.99),
        Just(70.01)
    ]
}

fn partner_id() -> impl Strategy<Value = String> {
    prop_oneof![Just("aws"), Just("salesforce"), Just("snowflake"), Just("other")].prop_map(str::to_owned)
}

fn usage() -> impl Strategy<Value = UsageSignals> {
    let signal = prop_oneof![
        Just("new_department_users"),
        Just("api_usage_spike"),
        Just("usage_spike"),
        Just("seats_nearly_full")
    ];
    (
        (percent(), percent(), percent(), percent()),
        (0_u32..40, 0_u32..90, prop::option::of(-100_i32..400), any::<bool>()),
        (0_u64..200, prop::option::of(0_u64..300)),
        prop::collection::vec(signal.prop_map(str::to_owned), 0..3),
        prop::collection::vec("[a-c]", 0..3),
        provenance(),
    )
        .prop_map(
            |(
                (depth, breadth, frequency, penetration),
                (days, history, trend, plateau),
                (wau, seats),
                expansion,
                top,
                provenance,
            )| UsageSignals {
                depth,
                breadth,
                frequency,
                penetration,
                days,
                history_days: history,
                trend_pct: trend.map(f64::from),
                plateau,
                weekly_active_users: wau,
                seats,
                top_features: top,
                expansion_signals: expansion,
                provenance,
            },
        )
}

fn crm() -> impl Strategy<Value = CrmSignals> {
    (
        (prop::option::of("[A-Z][a-z]{2}"), prop::option::of("[a-z]{3}"), prop::option::of(0_u64..5_000)),
        (prop::option::of("[a-z]{3}"), prop::option::of(Just("rep-1".to_owned()))),
        prop::collection::btree_set(1_usize..7, 0..3),
        (any::<bool>(), 0_u32..3, any::<bool>()),
        provenance(),
    )
        .prop_map(
            |(
                (name, industry, employee_count),
                (plan_tier, owner_id),
                stages,
                (prior, open_tickets, escalated),
                provenance,
            )| {
                let open_stages: Vec<DealStage> = stages.into_iter().map(|i| DealStage::ALL[i]).collect();
                CrmSignals {
                    name,
                    industry,
                    country: None,
                    employee_count,
                    plan_tier,
                    owner_id,
                    territory: None,
                    tech_stack: Vec::new(),
                    active_deals: u32::try_from(open_stages.len()).unwrap(),
                    deal_stage: open_stages.last().copied().unwrap_or(DealStage::None),
                    deal: None,
                    open_stages,
                    unknown_stages: Vec::new(),
                    prior_engagement: prior,
                    open_tickets,
                    ticket_escalated: escalated,
                    provenance,
                }
            },
        )
}

fn partner() -> impl Strategy<Value = PartnerSignals> {
    let kind = prop_oneof![
        Just(OverlapKind::Customer),
        Just(OverlapKind::Opportunity),
        Just(OverlapKind::Prospect),
        Just(OverlapKind::TechStack)
    ];
    let overlap = (partner_id(), kind, share()).prop_map(|(partner_id, overlap_type, strength)| {
        PartnerOverlap { partner_id, overlap_type, strength }
    });
    (
        prop::collection::vec(overlap, 0..4),
        prop::collection::vec(partner_id(), 0..2),
        prop::option::of(around_now()),
        provenance(),
    )
        .prop_map(|(mut overlaps, referrals, synced_at, provenance)| {
            overlaps.sort_by(|a, b| a.partner_id.cmp(&b.partner_id));
            PartnerSignals { overlaps, referrals, synced_at, provenance }
        })
}

/// Any signals that an account may have.
pub fn any_signals() -> impl Strategy<Value = Signals> {
    let segment = prop::sample::select(Segment::ALL.to_vec());
    let lifecycle = (segment, prop::option::of("[a-z]{4}"), share(), provenance()).prop_map(
        |(segment, stage, icp_fit, provenance)| LifecycleSignals {
            segment,
            segment_basis: "seats".to_owned(),
            stage,
            icp_fit,
            provenance,
        },
    );
    let kind = prop_oneof![Just("budget"), Just("expansion"), Just("evaluation"), Just("other")]
        .prop_map(str::to_owned);
    let intent = (prop::collection::btree_map(kind, share(), 0..3), provenance())
        .prop_map(|(kinds, provenance)| IntentSignals { kinds, provenance });
    (lifecycle, usage(), crm(), partner(), intent).prop_map(|(lifecycle, usage, crm, partner, intent)| {
        Signals { lifecycle, usage, crm, partner, intent }
    })
}

/// Any ledger: claims live and expired, touches in and out of the window, pauses, preferences, consents.
pub fn any_ledger() -> impl Strategy<Value = Ledger> {
    let motion = || prop::sample::select(Motion::ALL.to_vec());
    let claims = prop::collection::vec((motion(), around_now(), any::<u128>()), 0..3).prop_map(|claims| {
        let build = |(motion, at, id)| Claim { id: Uuid::from_u128(id), ..claim(motion, at) };
        claims.into_iter().map(build).collect()
    });
    let touches = prop::collection::vec(around_now().prop_map(touch), 0..4);
    let pauses = prop::collection::vec((motion(), around_now()), 0..2).prop_map(|pauses| {
        let build = |(motion, until)| Pause { motion, until, conflict_id: Uuid::from_u128(1) };
        pauses.into_iter().map(build).collect()
    });
    let preferences = (
        prop::collection::vec(motion(), 0..2),
        prop::collection::vec(motion(), 0..2),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(allowed, blocked, do_not_contact)| PreferenceView {
            allowed,
            blocked,
            do_not_contact,
        });
    let consents = prop::option::of((any::<bool>(), prop::option::of(around_now()))).prop_map(|consent| {
        let view =
            consent.map(|(granted, expires_at)| ConsentView { granted, legal_basis: None, expires_at });
        view.into_iter().map(|view| ("partner_data_sharing".to_owned(), view)).collect()
    });
    (claims, touches, pauses, preferences, consents, prop::option::of(motion())).prop_map(
        |(claims, touches, pauses, preferences, consents, switch_to)| Ledger {
            claims,
            touches,
            pauses,
            preferences,
            consents,
            switch_to,
        },
    )
}
