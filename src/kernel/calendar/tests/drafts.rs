//! What is refused, all at once and with what to do; what passes reads back the same.

use super::CalendarFaultCode::*;
use super::*;

fn faults(draft: &CalendarDraft) -> Vec<(String, CalendarFaultCode)> {
    let faults = WorkCalendar::new(draft).unwrap_err();
    faults.into_iter().map(|fault| (fault.path, fault.code)).collect()
}

#[test]
fn all_faults_come_at_once() {
    let mut draft = office("Europe/Berln");
    draft.hours.monday = texts(&["09:00-12:00", "11:59-13:00", "9-5"]);
    draft.hours.tuesday = texts(&["22:00-06:00", "10:00-10:00"]);
    draft.special_days = vec![
        special("2027-02-29", "No such day", &[]),
        special("13-01", "No such month", &[]),
        special("12-25", "Christmas", &["08:00-07:00"]),
        special("12-25", "Christmas again", &[]),
        special("2027-1-1", "Not as written", &[]),
        special("05-01", &"x".repeat(101), &[]),
    ];
    let expected = [
        ("zone", UnknownZone),
        ("hours.monday[1]", Overlap),
        ("hours.monday[2]", NoBlock),
        ("hours.tuesday[0]", EndsBeforeStart),
        ("hours.tuesday[1]", EndsBeforeStart),
        ("specialDays[0].on", NoDate),
        ("specialDays[1].on", NoDate),
        ("specialDays[2].hours[0]", EndsBeforeStart),
        ("specialDays[3].on", Duplicate),
        ("specialDays[4].on", NoDate),
        ("specialDays[5].name", TooLarge),
    ];
    assert_eq!(faults(&draft), expected.map(|(path, code)| (path.to_owned(), code)));
    let found = WorkCalendar::new(&draft).unwrap_err();
    assert_eq!(
        found[0].to_string(),
        "zone: there is no time zone `Europe/Berln` (did you mean `Europe/Berlin`?)"
    );
    let midnight = "over midnight, write `22:00-24:00` here and `00:00-06:00` on the next day";
    assert_eq!(found[3].suggestion.as_deref(), Some(midnight));
}

#[test]
fn a_calendar_that_is_never_open_is_refused() {
    let never = CalendarDraft {
        zone: "UTC".to_owned(),
        special_days: vec![special("2027-03-26", "One open day", &["09:00-17:00"])],
        ..CalendarDraft::default()
    };
    assert_eq!(faults(&never), [("hours".to_owned(), CalendarFaultCode::NeverOpen)]);
    let mut holidays = office("UTC");
    let days = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap().iter_days().take(366);
    holidays.special_days = days.map(|day| special(&MonthDay::of(day).to_string(), "closed", &[])).collect();
    assert_eq!(faults(&holidays), [("hours".to_owned(), CalendarFaultCode::NeverOpen)]);
    holidays.special_days.pop();
    assert!(WorkCalendar::new(&holidays).is_ok());
}

#[test]
fn long_lists_are_refused() {
    let mut draft = office("UTC");
    draft.hours.monday = (0..13).map(|hour| format!("{hour:02}:00-{hour:02}:30")).collect();
    draft.special_days = vec![special("12-25", "Christmas", &[]); 1_001];
    let expected = ["hours.monday", "specialDays"].map(|path| (path.to_owned(), TooLarge));
    assert_eq!(faults(&draft), expected);
}

#[test]
fn the_written_form_reads_back_and_refuses_what_it_does_not_know() {
    let text = r#"{"zone":"europe/berlin","hours":{"monday":["13:30-17:00","09:00-12:30"]},
        "specialDays":[{"on":"12-25","name":"Christmas Day"},{"on":"12-24","hours":["09:00-12:00"]}]}"#;
    let read: WorkCalendar = serde_json::from_str(text).unwrap();
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(
        written,
        r#"{"zone":"Europe/Berlin","hours":{"monday":["09:00-12:30","13:30-17:00"]},"specialDays":[{"on":"12-24","hours":["09:00-12:00"]},{"on":"12-25","name":"Christmas Day"}]}"#
    );
    assert_eq!(serde_json::from_str::<WorkCalendar>(&written).unwrap(), read);
    let unknown = text.replace("monday", "moonday");
    assert!(serde_json::from_str::<WorkCalendar>(&unknown).unwrap_err().to_string().contains("moonday"));
    let wrong = text.replace("13:30-17:00", "12:00-17:00").replace("europe/berlin", "Berlin");
    let error = serde_json::from_str::<WorkCalendar>(&wrong).unwrap_err().to_string();
    assert!(error.contains("did you mean `Europe/Berlin`?") && error.contains("overlaps"), "{error}");
}
