//! What a partner may see.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::company::{PURPOSE, days_ago, fact, known, note};
use super::*;
use crate::accounts::model::{Consent, Fact};

type Consents = BTreeMap<String, Fact<Consent>>;
/// Consents by what follows the purpose, who is then shared, and whether the company's data are.
type Case<'a> = (Vec<(&'a str, bool)>, &'a [&'a str], bool);

fn consent(granted: bool, expires_at: Option<DateTime>) -> Fact<Consent> {
    fact(Consent { granted, legal_basis: Some("consent".to_owned()), expires_at })
}

fn consents(said: &[(&str, bool)]) -> Consents {
    said.iter().map(|(purpose, granted)| (format!("{PURPOSE}{purpose}"), consent(*granted, None))).collect()
}

fn shared(world: &World, consents: &Consents) -> Shared {
    let sharing =
        Sharing { partner_id: "aws", purpose: PURPOSE, consents, people: &world.people, now: now() };
    share(&packed(world, "sales_to_partner"), &sharing)
}

fn contacts(shared: &Shared) -> Vec<&str> {
    shared.package.contacts.iter().map(|contact| contact.id.as_str()).collect()
}

#[test]
fn the_consent_that_reaches_least_far_decides() {
    let all = ["c-ines", "c-vera", "c-jonas"];
    // Ids with a hyphen stand in a purpose as a digest.
    let ines = |partner: &str| {
        let narrow = purposes("", "aws", Some("c-ines")).remove(0);
        format!(":{partner}:{}", narrow.rsplit(':').next().unwrap())
    };
    let (here, anywhere, elsewhere) = (ines("aws"), ines("*"), ines("salesforce"));
    let cases: [Case<'_>; 9] = [
        (vec![], &[], false),
        (vec![("", true)], &all, true),
        (vec![(":aws", true)], &all, true),
        (vec![(":salesforce", true)], &[], false),
        (vec![("", true), (":aws", false)], &[], false),
        (vec![("", true), (&here, false)], &all[1..], true),
        (vec![("", true), (&anywhere, false)], &all[1..], true),
        (vec![(":aws", false), (&anywhere, false), (&here, true)], &all[..1], false),
        (vec![("", false), (&elsewhere, true)], &[], false),
    ];
    for (said, people, company) in cases {
        let found = shared(&World::prospect(), &consents(&said));
        assert_eq!(contacts(&found), people, "{said:?}");
        assert_eq!(found.package.deal.is_some(), company, "{said:?}");
        assert_eq!(found.package.partner.overlaps.len(), usize::from(company), "{said:?}");
        assert_eq!(found.receipts.len(), people.len() + usize::from(company), "{said:?}");
    }
}

#[test]
fn a_consent_counts_until_its_end_and_nothing_wider_stands_in() {
    let second = chrono::TimeDelta::seconds(1);
    for (end, live) in [(None, true), (Some(now() + second), true), (Some(now()), false)] {
        let said: Consents =
            [(format!("{PURPOSE}:aws"), consent(true, end)), (PURPOSE.to_owned(), consent(true, None))]
                .into();
        let found = shared(&World::prospect(), &said);
        assert_eq!(found.package.deal.is_some(), live, "{end:?}");
        let reasons: Vec<_> = found.withheld.iter().map(|line| line.reason).collect();
        assert_eq!(reasons.contains(&WithheldReason::Expired), !live);
    }
}

#[test]
fn receipts_and_withholdings_say_what_and_on_which_consent() {
    let found = shared(&World::prospect(), &consents(&[(":aws", true)]));
    let of_company = &found.receipts.iter().find(|receipt| receipt.contact_id.is_none()).unwrap();
    assert_eq!(of_company.purpose, "partner_data_sharing:aws");
    assert_eq!(of_company.fields, ["deal", "qualification", "partner"]);
    assert_eq!((of_company.shared_at, of_company.consent.as_of), (now(), days_ago(1)));
    let ines = found.receipts.iter().find(|receipt| receipt.contact_id.as_deref() == Some("c-ines")).unwrap();
    assert_eq!(ines.fields, ["name", "title", "email", "phone"]);
    let omar = found.withheld.iter().find(|line| line.part == "contacts.c-omar").unwrap();
    assert_eq!((omar.reason, &omar.purpose), (WithheldReason::OptedOut, &None));

    let none = shared(&World::prospect(), &Consents::new());
    assert_eq!(none.receipts, []);
    let parts: Vec<&str> = none.withheld.iter().map(|line| line.part.as_str()).collect();
    let expected = [
        "contacts.c-ines",
        "contacts.c-vera",
        "contacts.c-jonas",
        "contacts.c-omar",
        "deal",
        "qualification",
        "partner",
    ];
    assert_eq!(parts, expected);
    assert_eq!(none.withheld[4].purpose.as_deref(), Some("partner_data_sharing:aws"));
    assert_eq!(none.package.company.name.as_deref(), Some("Halden Instruments"));
}

#[test]
fn a_text_that_mentions_somebody_is_withheld_wherever_it_stands() {
    let mut world = World::prospect();
    world.notes = vec![
        note("pain_point", "Omar waits for every signature", 1),
        note("pain_point", "Certificates are slow", 2),
    ];
    let deal = world.state.deals.get_mut("deal-481").unwrap();
    deal.name = known("Haddad, Omar: rollout".to_owned());
    deal.qualification = None;
    let found = shared(&world, &consents(&[("", true)]));
    assert_eq!(found.package.qualification.pain_points, ["Certificates are slow"]);
    assert_eq!(found.package.deal.unwrap().name, None);
    let mentions: Vec<_> =
        found.withheld.iter().filter(|line| line.reason == WithheldReason::MentionsPerson).collect();
    let parts: Vec<&str> = mentions.iter().map(|line| line.part.as_str()).collect();
    assert_eq!(parts, ["deal.name", "qualification.painPoints"]);
    assert!(mentions.iter().all(|line| line.contact_id.as_deref() == Some("c-omar")));
}

#[test]
fn prices_notes_scores_and_other_partners_are_shared_with_nobody() {
    let found = shared(&World::customer(), &consents(&[("", true)]));
    let text = serde_json::to_string(&found.package).unwrap();
    for secret in
        ["1250.5", "Halden pilot", "SSO", "salesforce", "Discovery call", "78", "MEDDIC", "96500000"]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("84000.00") && text.contains("Ines Moreau"), "{text}");
}

#[test]
fn two_people_never_meet_in_one_purpose() {
    let of = |partner: &str, contact: &str| purposes(PURPOSE, partner, Some(contact)).remove(0);
    assert_eq!(of("aws", "c_1"), "partner_data_sharing:aws:c_1");
    assert_ne!(of("aws", "C-1"), of("aws", "c_1"), "purposes are kept in small letters, with underscores");
    assert_ne!(of("a:b", "c"), of("a", "b:c"));
    assert!(of(&"p".repeat(128), &"c".repeat(128)).len() <= 64);
    assert_eq!(purposes(PURPOSE, "aws", None), ["partner_data_sharing:aws", "partner_data_sharing"]);
}

/// A person who is likely to be named in texts; some without parts, some who opted out.
fn somebody() -> impl Strategy<Value = Person> {
    let name = || prop_oneof![Just(String::new()), "[A-Z][a-zé]{2,6}", "[A-Z]'[A-Z][a-z]{2,4}", "\\PC{1,6}"];
    let email = prop_oneof![Just(String::new()), "[a-z]{3,6}\\.[a-z]{3,6}@[a-z]{3,5}\\.example"];
    let phone = prop_oneof![Just(String::new()), "\\+49 [0-9]{3} [0-9]{7}"];
    (name(), name(), email, phone, any::<bool>()).prop_map(|(first, last, email, phone, opted_out)| {
        let mut made = person("", &first, &last, "Head of IT", &email, &phone);
        made.contact.opted_out = known(opted_out);
        made
    })
}

/// What is said of somebody in a text.
fn marks(person: &Person) -> Vec<String> {
    let contact = &person.contact;
    let text = |known: &crate::accounts::model::Known<String>| value(known).cloned();
    let name = match (text(&contact.first_name), text(&contact.last_name)) {
        (Some(first), Some(last)) => Some(format!("{} {}", first.trim(), last.trim())),
        _ => None,
    };
    let all = [name, text(&contact.email), text(&contact.phone)].into_iter().flatten();
    // What is not to be seen, or consists of two characters, is not told from the text around it.
    all.filter(|mark| mark.trim().chars().count() > 2 && !mark.contains(['"', '\\'])).collect()
}

proptest! {
    #[test]
    fn nobody_without_a_live_consent_occurs_anywhere(
        people in prop::collection::vec(somebody(), 1..6),
        said in prop::collection::vec((0_usize..6, 0_usize..4, any::<bool>(), prop::option::of(-2_i64..3)), 0..8),
        places in prop::collection::vec((0_usize..6, 0_usize..7), 0..8),
    ) {
        let mut world = World::prospect();
        world.people = people.into_iter().enumerate().map(|(at, person)| Person { id: format!("c{at}"), ..person }).collect();
        let count = world.people.len();
        let consents: Consents = said
            .into_iter()
            .map(|(who, reach, granted, days)| {
                let purposes = purposes(PURPOSE, "aws", Some(&format!("c{}", who % count)));
                (purposes[reach].clone(), consent(granted, days.map(|days| days_ago(-days))))
            })
            .collect();
        for (who, place) in places {
            let marks = marks(&world.people[who % count]);
            let Some(mark) = marks.get(place % 3) else { continue };
            let text = format!("{mark} said so");
            let deal = world.state.deals.get_mut("deal-481").unwrap();
            match place {
                0 => deal.name = known(text),
                1 => deal.products = known(vec![text, "Audit Trail".to_owned()]),
                2 => world.state.profile.name = known(text),
                3 => world.notes.push(note("pain_point", &text, 1)),
                4 => deal.stage = known(text),
                5 => world.state.profile.industry = known(text),
                _ => world.people[(who + 1) % count].contact.title = known(text),
            }
        }
        let found = shared(&world, &consents);
        let told = serde_json::to_string(&found.package).unwrap().to_lowercase();
        for person in &world.people {
            let purposes = purposes(PURPOSE, "aws", Some(&person.id));
            let decides = purposes.iter().find_map(|purpose| consents.get(purpose));
            let live = decides.is_some_and(|fact| fact.value.granted && fact.value.expires_at.is_none_or(|end| end > now()));
            let allowed = live && value(&person.contact.opted_out) != Some(&true);
            let receipt = found.receipts.iter().any(|receipt| receipt.contact_id.as_deref() == Some(&person.id));
            prop_assert!(allowed || !receipt);
            for mark in marks(person).iter().filter(|_| !allowed) {
                prop_assert!(!told.contains(&mark.to_lowercase()), "{} in {}", mark, told);
            }
        }
    }
}
