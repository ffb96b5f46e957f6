//! The calendar: read back by a parser that is not the writer's.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::documents::{golden, running};
use crate::plans::model::TaskId;
use crate::renewals::ics::calendar;
use crate::renewals::model::{Risk, Tier};
use crate::renewals::samples::{Scene, Told, date, terms};
use crate::renewals::telling::Removed;

/// An event as the parser sees it: its properties by name.
type Properties = BTreeMap<String, String>;

fn parse(text: &str) -> Vec<(Properties, usize)> {
    let mut calendars = ical::IcalParser::new(text.as_bytes());
    let parsed = calendars.next().unwrap().unwrap();
    assert!(calendars.next().is_none(), "one calendar");
    let read = |properties: &[ical::property::Property]| -> Properties {
        properties.iter().map(|one| (one.name.clone(), one.value.clone().unwrap_or_default())).collect()
    };
    assert_eq!(read(&parsed.properties)["VERSION"], "2.0");
    parsed.events.iter().map(|event| (read(&event.properties), event.alarms.len())).collect()
}

/// What every line of RFC 5545 must be.
fn check_lines(text: &str) {
    assert!(text.ends_with("END:VCALENDAR\r\n"), "{:?}", text.chars().rev().take(30).collect::<String>());
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "every line ends with CRLF");
    for line in text.split("\r\n") {
        assert!(line.len() <= 75, "{} octets: {line}", line.len());
    }
}

#[test]
fn it_reads_back() {
    let told = running();
    let text = calendar(&told.telling());
    golden("calendar.ics", &text);
    check_lines(&text);
    let events = parse(&text);
    assert_eq!(events.len(), told.plan.tasks.len() + 1, "every task and checkpoint, and the renewal date");
    let uids: std::collections::BTreeSet<&String> = events.iter().map(|(event, _)| &event["UID"]).collect();
    assert_eq!(uids.len(), events.len());
    let event =
        |id: &str| events.iter().find(|(event, _)| event["UID"].starts_with(&format!("{id}."))).unwrap();
    let (signature, alarms) = event("signature");
    assert_eq!(
        (signature["DTSTART"].as_str(), signature["DTEND"].as_str()),
        ("20270222", "20270224"),
        "two days, and the day after"
    );
    assert_eq!(*alarms, 1, "a milestone rings");
    assert_eq!(event("negotiation").1, 0);
    assert_eq!(event("deadline").0["DTSTART"], "20270226");
    assert!(event("context-review").0["SUMMARY"].starts_with('✓'), "it is done");
    assert!(event("checkpoint-2").0["DESCRIPTION"].contains("Anna Beck"));
}

#[test]
fn a_new_version_moves_events_and_cancels_what_is_gone() {
    let mut told = running();
    let before = parse(&calendar(&told.telling()));
    told.version = 3;
    told.removed =
        vec![Removed { id: TaskId("old-task".into()), title: "An old task".into(), on: date("2027-01-04") }];
    told.plan.tasks.retain(|task| task.id.0 != "negotiation");
    let after = parse(&calendar(&told.telling()));
    for (event, _) in &after {
        assert_eq!(event["SEQUENCE"], "2");
        let same = before.iter().find(|(old, _)| old["UID"] == event["UID"]);
        assert!(same.is_some() || event["STATUS"] == "CANCELLED");
    }
    let cancelled: Vec<&Properties> =
        after.iter().map(|(event, _)| event).filter(|event| event["STATUS"] == "CANCELLED").collect();
    assert_eq!(cancelled.len(), 1);
    assert!(cancelled[0]["UID"].starts_with("old-task."));
    assert_eq!(before[0].0["SEQUENCE"], "0");
}

proptest! {
    /// Whatever people write, the lines are whole, short and read back as they were.
    #[test]
    fn any_text_comes_through(title in "[ -~äöüß€✓🙂,;:\\\\\n]{1,200}") {
        let mut told = Told::new(Scene::new(&json!({}), &json!({})), terms("exec-save", Tier::Scale, Risk::Green, "2027-02-26"));
        told.plan.tasks.truncate(1);
        told.plan.tasks[0].title.clone_from(&title);
        let text = calendar(&told.telling());
        check_lines(&text);
        let events = parse(&text);
        let unescaped = events[0].0["SUMMARY"]
            .replace("\\\\", "\u{1}")
            .replace("\\n", "\n")
            .replace("\\N", "\n")
            .replace("\\,", ",")
            .replace("\\;", ";")
            .replace('\u{1}', "\\");
        let whole = format!("Northwind Traders: {title}");
        prop_assert_eq!(unescaped.trim_end(), whole.trim_end());
    }
}
