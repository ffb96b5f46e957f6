//! People are found however they are written, taken out for good, and nothing else is touched.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::kernel::clock::DateTime;

fn anna() -> Subject {
    let mut subject = Subject::default();
    subject.add_id("c-1007");
    subject.add_email("Anna.OBrien@acme.com");
    subject.add_phone("+49 30 1234567");
    subject.add_name(Some("Anna Maria"), Some("O'Brien"));
    subject
}

#[test]
fn somebody_in_a_sentence_is_taken_out_however_they_are_written() {
    let anna = anna();
    for (text, left) in [
        ("Ask Anna Maria O'Brien.", "Ask [erased]."),
        ("ANNA  MARIA O’BRIEN signs", "[erased] signs"),
        ("O'Brien, Anna Maria", "[erased]"),
        ("<b>Anna Maria O&#39;Brien</b>", "<b>[erased]</b>"),
        ("to <anna.obrien@ACME.com>, and others", "to <[erased]>, and others"),
        ("call (030) 123-45 67 or 110", "call [erased] or 110"),
        ("call +49301234567", "call [erased]"),
        ("see c-1007/deal and C-1007.", "see [erased]/deal and [erased]."),
        ("anna.obrien@acme.com, Anna Maria O'Brien, c-1007", "[erased], [erased], [erased]"),
    ] {
        assert_eq!(anna.redact_text(text).as_deref(), Some(left), "{text}");
    }
    for text in [
        "Anna and Mrs O'Brien",
        "joanna.obrien@acme.com",
        "anna.obrien@acme.com.au",
        "c-10071, c-1007-b",
        "12 seats for 1234 users",
        "Anna Marian O'Brien",
        "",
    ] {
        assert_eq!(anna.redact_text(text), None, "{text}");
    }
}

#[test]
fn a_title_goes_where_somebody_is_named_and_is_left_elsewhere() {
    let mut anna = anna();
    anna.add_particular("Head of IT");
    anna.add_particular("CFO");
    anna.add_particular("Table");
    assert_eq!(anna.redact_text("Anna Maria O'Brien, head of IT").as_deref(), Some("[erased], [erased]"));
    assert_eq!(
        anna.redact_text("<table>Anna Maria O'Brien, CFO").as_deref(),
        Some("<table>[erased], [erased]")
    );
    assert_eq!(anna.redact_text("ask the head of IT"), None);
}

#[test]
fn an_id_like_any_word_is_left_in_sentences_and_taken_out_where_it_is_an_id() {
    let mut subject = Subject::default();
    subject.add_id("lead");
    subject.add_id("42");
    assert_eq!(subject.redact_text("the lead waits for 42 days"), None);
    let left = subject.redact_json(r#"{"contactId":"42","note":"42 lead","contactIds":["lead","x"]}"#, &[]);
    assert_eq!(
        left.as_deref(),
        Some(r#"{"contactId":"erased:person","note":"42 lead","contactIds":["erased:person","x"]}"#)
    );
}

#[test]
fn an_object_about_somebody_loses_what_tells_of_them_and_nothing_else() {
    let document = json!({
        "company": {"name": "Anna Maria O'Brien Ltd"},
        "contacts": [
            {"id": "c-1007", "name": "A. O'Brien", "title": "CFO", "email": null, "isPrimary": true, "role": "champion"},
            {"id": "c-2", "name": "Bob Ray", "title": "CTO", "email": "bob@acme.com", "isPrimary": false},
        ],
        "keyContacts": [{"name": "Whoever", "title": "CFO", "email": "anna.obrien@acme.com"}],
        "deal": {"id": "c-1007", "name": "Rollout", "amount": 1.50},
        "consents": {"sharing:*:c-1007": {"granted": true}, "sharing": {"granted": true}},
        "purpose": format!("sharing:p1:{}", crate::accounts::model::id_in_purpose("c-1007")),
    });
    let left = anna().redact_json(&document.to_string(), &["company"]).unwrap();
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!(left["company"], document["company"], "a company keeps its name");
    assert_eq!(
        left["contacts"][0],
        json!({"id": ERASED_ID, "name": null, "title": null, "email": null, "isPrimary": true, "role": "champion"})
    );
    assert_eq!(left["contacts"][1], document["contacts"][1]);
    assert_eq!(left["keyContacts"][0], json!({"name": null, "title": null, "email": null}));
    assert_eq!(left["deal"], json!({"id": ERASED, "name": "Rollout", "amount": 1.50}));
    let purposes: Vec<&String> = left["consents"].as_object().unwrap().keys().collect();
    assert_eq!(purposes, ["sharing", "sharing:*:erased:person"]);
    assert_eq!(left["purpose"], "sharing:p1:erased:person");
}

#[test]
fn an_export_gives_the_places_that_an_erasure_changes() {
    let document = r#"{"a":[{"contactId":"c-1007","subject":"Hi","at":1}],"b":{"x/y":"ask anna.obrien@acme.com"},"c":1}"#;
    let found = anna().find_in_json(document, &[]);
    let found: Vec<(&str, &str)> = found.iter().map(|f| (f.pointer.as_str(), f.value.get())).collect();
    assert_eq!(
        found,
        [
            ("/a/0", r#"{"contactId":"c-1007","subject":"Hi","at":1}"#),
            ("/b/x~1y", r#""ask anna.obrien@acme.com""#)
        ]
    );
}

#[test]
fn an_event_stays_one_that_its_type_accepts() {
    use crate::accounts::events::{Event, Parts};
    let anna = anna();
    let now: DateTime = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    for (event_type, data) in [
        ("gtm.contact.upserted", json!({"contactId": "c-1007", "firstName": "Anna", "linkedIn": "x/anna"})),
        (
            "gtm.contact.upserted",
            json!({"contactId": "new", "email": "anna.obrien@acme.com", "company": "Acme"}),
        ),
        (
            "gtm.activity.logged",
            json!({"activityType": "call", "contactId": "c-1007", "subject": "Hi", "direction": "inbound"}),
        ),
        ("gtm.note.added", json!({"text": "Anna Maria O'Brien signs", "kind": "promise"})),
        (
            "gtm.deal.upserted",
            json!({"dealId": "d1", "stage": "won", "contactId": "c-1007", "name": "For Anna Maria O'Brien"}),
        ),
        ("gtm.consent.changed", json!({"purpose": "sharing:*:c-1007", "granted": true})),
        ("gtm.account.upserted", json!({"name": "Acme", "billingEmail": "anna.obrien@acme.com"})),
    ] {
        let left = anna.redact_event(event_type, &data.to_string()).unwrap();
        let parts = Parts {
            source: Some("/crm"),
            id: Some("1"),
            event_type: Some(event_type),
            subject: Some("acme"),
            data: Some(&left),
            ..Parts::default()
        };
        assert!(Event::parse(parts, now).is_ok(), "{left}");
        for mark in ["1007", "nna", "new", "Hi"] {
            assert!(!left.contains(mark), "{mark}: {left}");
        }
        assert_eq!(anna.redact_event(event_type, &left), None, "nothing is left to take out: {left}");
    }
    let kept =
        anna.redact_event("gtm.contact.upserted", r#"{"contactId":"c-1007","company":"Acme","phone":"1"}"#);
    assert_eq!(kept.as_deref(), Some(r#"{"contactId":"erased:person","company":"Acme"}"#));
}

#[test]
fn whoever_was_erased_is_known_again_under_the_salt_of_the_installation_only() {
    let data = r#"{"contactId":"c-1007","note":"cc 'Anna.OBrien@Acme.com'.","to":["x@y.example"]}"#;
    let handles = named_in(Some("acme"), data);
    let contact = Handle::Contact { account_id: "acme".into(), contact_id: "c-1007".into() };
    let email = Handle::Email("anna.obrien@acme.com".into());
    assert_eq!(handles, [contact.clone(), email.clone(), Handle::Email("x@y.example".into())]);
    assert_eq!(named_in(None, data).len(), 2, "an id means nothing without its account");
    assert_eq!(named_in(Some("acme"), r#"{"date":"2026-11-20","features":{"x":1}}"#), []);
    let (one, other) = (Salt::new([1; 32]), Salt::new([2; 32]));
    assert_eq!(one.digest(&email), Salt::new([1; 32]).digest(&email));
    assert_ne!(one.digest(&email), other.digest(&email));
    let elsewhere = Handle::Contact { account_id: "acmec-".into(), contact_id: "1007".into() };
    assert_ne!(one.digest(&contact), one.digest(&elsewhere));
    assert_ne!(one.digest(&contact), one.digest(&Handle::Email("acmec-1007".into())));
}

/// Somebody with marks that occur nowhere else, and the ways in which these are written.
fn person() -> impl Strategy<Value = (Subject, Vec<String>)> {
    ("[A-Z][a-z]{2,8}", "[A-Z][a-zäöü]{2,8}", "[a-z]{3,8}", "[1-9][0-9]{8}", "[a-z]{2}[0-9]{5}").prop_map(
        |(first, last, local, digits, id)| {
            let mut subject = Subject::default();
            let email = format!("{local}@mail.example");
            subject.add_name(Some(&first), Some(&last));
            subject.add_email(&email);
            subject.add_phone(&digits);
            subject.add_id(&id);
            let grouped = format!("0{} {}-{}", &digits[..2], &digits[2..5], &digits[5..]);
            let ways = vec![
                format!("{first} {last}"),
                format!("{last}, {first}").to_uppercase(),
                email.to_uppercase(),
                email,
                format!("+49{digits}"),
                grouped,
                id,
            ];
            (subject, ways)
        },
    )
}

proptest! {
    #[test]
    fn whatever_stands_around_it_no_mark_survives(
        (subject, ways) in person(),
        around in prop::collection::vec("[ ,;<>()\n]\\PC{0,12}[ ,;<>()\n]", 8),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let mut text = around[0].clone();
        let mut used = Vec::new();
        for (pick, around) in picks.iter().zip(&around[1..]) {
            let way = &ways[pick.index(ways.len())];
            text.push_str(way);
            text.push_str(around);
            used.push(way.clone());
        }
        let left = subject.redact_text(&text).unwrap();
        prop_assert_eq!(subject.redact_text(&left), None, "once is enough");
        for way in used.iter().filter(|way| !way.starts_with('0')) {
            prop_assert!(!left.contains(way.as_str()), "{way} in {left}");
        }
        let document = json!({"deep": [{"text": text}]}).to_string();
        let left = subject.redact_json(&document, &[]).unwrap();
        prop_assert_eq!(subject.redact_json(&left, &[]), None);
    }

    #[test]
    fn a_text_that_holds_nobody_is_untouched((subject, _) in person(), text in "[ a-zA-Z.,!?]{0,60}") {
        let holds = subject.emails().any(|email| text.to_lowercase().contains(email));
        let words = text::words_of(&text);
        let named = subject.names.iter().any(|name| words.windows(name.len()).any(|found| found == &name[..]));
        prop_assume!(!holds && !named);
        prop_assert_eq!(subject.redact_text(&text), None);
    }

    #[test]
    fn any_json_stays_json_with_its_shape((subject, ways) in person(), keys in prop::collection::vec("\\PC{0,6}", 1..5), number in any::<f64>()) {
        let number = if number.is_finite() { number } else { 0.5 };
        let mut object = serde_json::Map::new();
        for (key, way) in keys.iter().zip(ways.iter().cycle()) {
            object.insert(key.clone(), json!([way, number, null, {"inner": way}]));
        }
        let text = Value::Object(object.clone()).to_string();
        if let Some(left) = subject.redact_json(&text, &[]) {
            let left: Value = serde_json::from_str(&left).unwrap();
            prop_assert!(left.as_object().unwrap().len() <= object.len());
            for value in left.as_object().unwrap().values() {
                prop_assert_eq!(&value[1], &json!(number));
            }
        }
    }
}
