//! The budget over whatever comes, and when and of what a digest is made.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::handoffs::handoff::Status;
use crate::kernel::calendar::{CalendarDraft, OpenTime, WeekHoursDraft, WorkCalendar, Zone};
use crate::kernel::clock::DateTime;

/// A Monday.
fn at(time: &str) -> DateTime {
    format!("2027-01-11T{time}:00Z").parse().unwrap()
}

fn terms(budget: u16) -> AlertTerms {
    AlertTerms { budget, ..AlertTerms::default() }
}

fn rep(id: &str) -> RepId {
    RepId::parse(id).unwrap()
}

/// Alerts by the seconds since the one before, and whether they are urgent.
fn course() -> impl Strategy<Value = Vec<(i64, bool)>> {
    prop::collection::vec(
        (prop_oneof![Just(0), 0..600_i64, Just(1_800), Just(3_600)], prop::bool::weighted(0.2)),
        0..120,
    )
}

proptest! {
    #[test]
    fn what_is_not_urgent_never_exceeds_the_budget_in_any_window_and_what_is_urgent_always_passes(
        budget in 0..8_u16,
        course in course(),
    ) {
        let (terms, mut sent, mut now) = (terms(budget), Sent::default(), at("09:00"));
        let mut passed: Vec<(DateTime, bool)> = Vec::new();
        for (gap, urgent) in course {
            now += TimeDelta::seconds(gap);
            let window = now - terms.window.as_delta();
            let had = passed.iter().filter(|one| one.0 > window).count();
            let priority = if urgent { Urgency::Urgent } else { Urgency::High };
            let passes = sent.admit(priority, &terms, now);
            prop_assert_eq!(passes, urgent || had < usize::from(budget), "as if nothing were ever forgotten");
            if passes {
                passed.push((now, urgent));
            }
            prop_assert!(sent.0.len() <= usize::from(budget), "and no more is remembered than is needed");
        }
        for (from, _) in &passed {
            let until = *from + terms.window.as_delta();
            let within = passed.iter().filter(|one| !one.1 && (*from..until).contains(&one.0)).count();
            prop_assert!(within <= usize::from(budget), "{within} from {from} on");
        }
    }

    #[test]
    fn everybody_who_is_named_is_reached_once_or_held_once(
        names in prop::collection::vec("[a-e]", 0..8),
        spent in prop::collection::btree_set("[a-e]", 0..5),
    ) {
        let now = at("09:00");
        let mut sent: BTreeMap<RepId, Sent> =
            spent.iter().map(|id| (rep(id), Sent(vec![now]))).collect();
        let mut alert = alert(&names);
        let held = split(&mut alert, &mut sent, &terms(1), now);
        let ids = |people: &[Person]| people.iter().map(|one| one.rep_id.to_string()).collect::<Vec<_>>();
        let named: BTreeSet<String> = names.into_iter().collect();
        let expected = |held: bool| named.iter().filter(|id| spent.contains(*id) == held).cloned().collect::<Vec<_>>();
        prop_assert_eq!(ids(&alert.to), expected(false));
        prop_assert_eq!(ids(&held), expected(true));
    }

    #[test]
    fn a_digest_comes_while_its_person_works_and_no_later_than_agreed_or_than_work_begins(
        minutes in 0..7 * 24 * 60_i64,
        after in 1..600_u16,
    ) {
        let now = at("00:00") + TimeDelta::minutes(minutes);
        let terms = AlertTerms { digest_after: Length::minutes(after), ..AlertTerms::default() };
        let calendar = office();
        let due = digest_at(&calendar, &terms, now);
        prop_assert!(due >= now && calendar.is_open(due), "{due}");
        let agreed = now + terms.digest_after.as_delta();
        let begins = calendar.next_opening(calendar.open_until(now).unwrap_or(now)).unwrap();
        prop_assert_eq!(due, if calendar.is_open(agreed) { agreed.min(begins) } else { begins });
    }
}

fn alert(names: &[String]) -> Alert {
    let person = |id: &String| Person { rep_id: rep(id), name: None, email: None, looks_after: false };
    Alert {
        channel: None,
        to: names.iter().map(person).collect(),
        role: None,
        title: "A handoff is due soon".to_owned(),
        body: String::new(),
        priority: Urgency::High,
        account_id: "acme".to_owned(),
        account_name: "Acme".to_owned(),
        handoff_id: Uuid::from_u128(1),
        path: path_of(Uuid::from_u128(1)),
        step: None,
        matters: Matters::UntilAcknowledged,
    }
}

/// Nine to five with an hour of lunch, from Monday to Friday.
fn office() -> WorkCalendar {
    let day = || vec!["09:00-12:00".to_owned(), "13:00-17:00".to_owned()];
    let hours = WeekHoursDraft {
        monday: day(),
        tuesday: day(),
        wednesday: day(),
        thursday: day(),
        friday: day(),
        ..WeekHoursDraft::default()
    };
    WorkCalendar::new(&CalendarDraft { zone: "UTC".to_owned(), hours, special_days: vec![] }).unwrap()
}

#[test]
fn an_alert_one_window_ago_no_longer_counts_and_one_from_a_wrong_clock_far_ahead_does_not() {
    let terms = terms(1);
    let mut sent = Sent(vec![at("09:00")]);
    let micro = TimeDelta::microseconds(1);
    assert!(!sent.clone().admit(Urgency::High, &terms, at("10:00") - micro));
    assert!(sent.admit(Urgency::High, &terms, at("10:00")));
    assert_eq!(sent, Sent(vec![at("10:00")]));
    // A clock a little behind counts what another one has written; nobody is silenced until a year ahead has come.
    assert!(!sent.clone().admit(Urgency::High, &terms, at("09:30")));
    assert!(Sent(vec![at("10:00") + TimeDelta::days(365)]).admit(Urgency::High, &terms, at("10:00")));
}

#[test]
fn a_digest_waits_for_the_next_hours_of_work_when_these_end_too_soon() {
    let terms = terms(1);
    let tomorrow = TimeDelta::days(1);
    for (now, due) in [
        (at("09:30"), at("10:30")),
        (at("11:00"), at("13:00")),
        (at("11:30"), at("13:00")),
        (at("12:10"), at("13:00")),
        (at("16:30"), at("09:00") + tomorrow),
        (at("23:00"), at("09:00") + tomorrow),
        (at("08:30"), at("09:00")),
    ] {
        assert_eq!(digest_at(&office(), &terms, now), due, "held at {now}");
    }
    let always = WorkCalendar::around_the_clock(Zone::utc());
    assert_eq!(digest_at(&always, &terms, at("23:00")), at("23:00") + TimeDelta::hours(1));
    let draft =
        CalendarDraft { zone: "UTC".to_owned(), hours: WeekHoursDraft::default(), special_days: vec![] };
    if let Ok(never) = WorkCalendar::new(&draft) {
        assert_eq!(digest_at(&never, &terms, at("23:00")), at("23:00") + TimeDelta::hours(1));
    }
}

fn held(matters: Matters, status: Status, owner: &str) -> HeldAlert {
    HeldAlert {
        account_id: "acme".to_owned(),
        id: Uuid::from_u128(7),
        handoff_id: Uuid::from_u128(1),
        account_name: "Acme".to_owned(),
        title: "A handoff is due soon".to_owned(),
        body: String::new(),
        priority: Urgency::High,
        matters,
        held_at: at("09:00"),
        status,
        owner_id: Some(rep(owner)),
    }
}

#[test]
fn what_is_told_in_a_digest_is_what_is_still_so() {
    use Dropped::{AlreadyDone, HandoffOver, NotTheOwner, TheOwnerAgain};
    use Matters::{UntilAcknowledged, UntilContacted, WhileNotOwner};
    for (matters, status, owner, expected) in [
        (UntilAcknowledged, Status::Assigned, "ada", None),
        (UntilAcknowledged, Status::Acknowledged, "ada", Some(AlreadyDone)),
        (UntilAcknowledged, Status::MeetingBooked, "ada", Some(AlreadyDone)),
        (UntilContacted, Status::Acknowledged, "ada", None),
        (UntilContacted, Status::Contacted, "ada", Some(AlreadyDone)),
        (UntilContacted, Status::Assigned, "ben", Some(NotTheOwner)),
        (UntilContacted, Status::Pending, "ben", Some(NotTheOwner)),
        (UntilContacted, Status::Lost, "ada", Some(HandoffOver)),
        (WhileNotOwner, Status::Assigned, "ben", None),
        (WhileNotOwner, Status::RolledBack, "ada", None),
        (WhileNotOwner, Status::Assigned, "ada", Some(TheOwnerAgain)),
        (Matters::Always, Status::Rejected, "ben", None),
        (Matters::Always, Status::Assigned, "ada", None),
    ] {
        let found = pointless(&held(matters, status, owner), &rep("ada"));
        assert_eq!(found, expected, "{matters:?}, {status:?}, of {owner}");
    }
}

#[test]
fn a_digest_tells_the_most_pressing_first() {
    let person = Person { rep_id: rep("ada"), name: Some("Ada".to_owned()), email: None, looks_after: false };
    let mut alerts = vec![held(Matters::Always, Status::Assigned, "ada"); 3];
    (alerts[0].title, alerts[0].priority) = ("a deadline".to_owned(), Urgency::Medium);
    (alerts[1].title, alerts[1].held_at) = ("second".to_owned(), at("09:10"));
    alerts[2].title = "first".to_owned();
    let data = command(&person, alerts);
    let titles: Vec<&str> =
        data["alerts"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["first", "second", "a deadline"]);
    assert_eq!(
        (&data["title"], &data["priority"]),
        (&json!("3 more things about your handoffs"), &json!("high"))
    );
    assert_eq!(data["to"][0]["repId"], "ada");
}
