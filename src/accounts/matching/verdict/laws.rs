//! Laws of routing: order never matters, people always win.

use proptest::prelude::*;

use super::super::rank::{Candidate, rank};
use super::*;

const ACCOUNTS: [&str; 4] = ["a", "b", "c", "d"];
const KEYS: [&str; 3] = ["domain:eu.acme.com", "domain:acme.com", "name:acme"];

fn id(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

fn sought() -> Query {
    Query {
        domain: Some("eu.acme.com".to_owned()),
        name: Some("Acme Inc.".to_owned()),
        country: Some("DE".to_owned()),
        ..Query::default()
    }
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(values).prop_map(str::to_owned))
}

fn candidate(account_id: &'static str) -> impl Strategy<Value = Candidate> {
    (
        one_of(&["acme.com", "eu.acme.com", "zenith.com"]),
        one_of(&["Acme", "Acme Labs", "Zenith"]),
        one_of(&["DE", "FR"]),
        any::<bool>(),
        prop::option::of(0..3_i64),
    )
        .prop_map(move |(domain, name, country, has_owner, day)| Candidate {
            account_id: id(account_id),
            domain,
            name,
            country,
            region: None,
            known_domains: Vec::new(),
            has_owner,
            last_activity_at: day.and_then(|day| chrono::DateTime::from_timestamp(day, 0)),
        })
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    ACCOUNTS.map(candidate).prop_map(Vec::from)
}

fn corrections() -> impl Strategy<Value = Corrections> {
    let pair = || (prop::sample::select(&KEYS[..]), prop::sample::select(&ACCOUNTS[..]));
    (prop::collection::vec(pair(), 0..3), prop::collection::vec(pair(), 0..4)).prop_map(|(pins, denials)| {
        let mut said = Corrections::default();
        for (key, account) in denials {
            said.exclusions.entry(key.to_owned()).or_default().push(id(account));
        }
        for (key, account) in pins {
            // As corrections are kept: a pin takes back the exclusion of its own key and account.
            said.pins.insert(key.to_owned(), id(account));
            said.exclusions.entry(key.to_owned()).or_default().retain(|denied| *denied != id(account));
        }
        said
    })
}

proptest! {
    #[test]
    fn the_order_of_candidates_never_matters(
        (ordered, shuffled) in candidates().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        said in corrections(),
    ) {
        let query = said.apply(sought());
        let (one, other) = (rank(&query, &ordered), rank(&query, &shuffled));
        prop_assert_eq!(verdict(&one), verdict(&other));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn the_surest_pin_that_nobody_denied_wins(all in candidates(), said in corrections()) {
        let query = said.apply(sought());
        let first = KEYS.iter().enumerate().find_map(|(at, key)| {
            let account = said.pins.get(*key)?;
            let denied = KEYS[..=at].iter().any(|key| {
                said.exclusions.get(*key).is_some_and(|denied| denied.contains(account))
            });
            (!denied).then_some(account)
        });
        prop_assert_eq!(query.pinned.as_ref(), first);
        if let Some(account) = first {
            prop_assert_eq!(verdict(&rank(&query, &all)), Verdict::Clear(account.clone()));
        }
    }

    #[test]
    fn what_is_ruled_out_is_never_routed_to(all in candidates(), said in corrections()) {
        let query = said.apply(sought());
        if let Verdict::Clear(account) = verdict(&rank(&query, &all)) {
            let denied = said.exclusions.values().flatten().any(|denied| *denied == account);
            prop_assert!(!denied || query.pinned.as_ref() == Some(&account));
        }
    }

    #[test]
    fn whoever_is_chosen_by_rank_leads_clearly(all in candidates()) {
        let ranked = rank(&sought(), &all);
        if let Verdict::Clear(account) = verdict(&ranked) {
            prop_assert_eq!(&account, &ranked[0].account_id);
            prop_assert!(ranked[0].score >= CLEAR_SCORE_MIN);
            prop_assert!(ranked.get(1).is_none_or(|next| next.score + CLEAR_LEAD_MIN <= ranked[0].score));
        }
    }
}

#[test]
fn weak_equal_and_absent_evidence_is_told_apart() {
    let account = |account_id: &str, domain: Option<&str>, name: Option<&str>| Candidate {
        account_id: id(account_id),
        domain: domain.map(str::to_owned),
        name: name.map(str::to_owned),
        country: None,
        region: None,
        known_domains: Vec::new(),
        has_owner: account_id == "a",
        last_activity_at: None,
    };
    let of = |accounts: &[Candidate]| verdict(&rank(&sought(), accounts));
    assert_eq!(of(&[]), Verdict::Open(Why::NoCandidate));
    assert_eq!(of(&[account("a", None, Some("Acme"))]), Verdict::Open(Why::TooWeak));
    let twins = [account("a", Some("eu.acme.com"), None), account("b", Some("eu.acme.com"), None)];
    assert_eq!(of(&twins), Verdict::Open(Why::Ambiguous), "an owner orders, it does not choose");
    assert_eq!(of(&[account("a", Some("acme.com"), None)]), Verdict::Clear(id("a")), "a parent domain");
}
