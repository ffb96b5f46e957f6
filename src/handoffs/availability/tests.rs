//! Who is there and when: by example at the boundaries, and as laws.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::handoffs::assign::file::RosterFile;

fn at(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn rep_id(id: &str) -> RepId {
    RepId::parse(id).unwrap()
}

/// Ada keeps the hours of Berlin, Ben those of New York, Cid his team's, which are Berlin's; Dan's team has none.
fn roster() -> Roster {
    let weekdays = |hours: &str| json!({"monday": [hours], "tuesday": [hours], "wednesday": [hours], "thursday": [hours], "friday": [hours]});
    let rep = |id: &str, team: &str, calendar: Option<&str>| json!({"id": id, "name": id, "email": format!("{id}@acme.com"), "team": team, "calendar": calendar});
    let file = json!({
        "calendars": [
            {"id": "berlin", "zone": "Europe/Berlin", "hours": weekdays("09:00-17:00"), "specialDays": [{"on": "2027-03-29", "name": "Easter Monday"}]},
            {"id": "newyork", "zone": "America/New_York", "hours": weekdays("09:00-17:00")},
        ],
        "teams": [{"id": "sales", "calendar": "berlin"}, {"id": "success"}],
        "reps": [
            rep("ada", "success", Some("berlin")), rep("ben", "sales", Some("newyork")), rep("cid", "sales", None),
            rep("dan", "success", None),
        ],
    });
    serde_json::from_value::<RosterFile>(file).unwrap().check().unwrap()
}

fn absence(rep: &str, from: &str, to: Option<&str>, cover: Option<&str>) -> Absence {
    let id = Uuid::from_u128(u128::try_from(at(from).timestamp()).unwrap());
    Absence { id, rep: rep_id(rep), from: at(from), to: to.map(at), cover: cover.map(rep_id) }
}

fn seen(rep: &str, absences: &[Absence], now: &str) -> Availability {
    let roster = roster();
    let absences = absences.iter().cloned().collect();
    availability(&roster, roster.rep(rep).unwrap(), &absences, at(now))
}

fn closed(opens_at: &str) -> Availability {
    Availability::OutsideHours { opens_at: Some(at(opens_at)) }
}

fn away(until: &str, cover: Option<&str>) -> Availability {
    Availability::Absent { until: Some(at(until)), cover: cover.map(rep_id) }
}

#[test]
fn hours_are_those_of_the_own_calendar_then_the_team_then_around_the_clock() {
    let open = Availability::Available;
    let cases = [
        // The Friday before clocks go forward in Berlin; New York has summer time already.
        ("ada", "2027-03-26T08:00:00Z", open.clone()),
        ("ada", "2027-03-26T07:59:59Z", closed("2027-03-26T08:00:00Z")),
        // Closing time is closed; Monday is a holiday, and on Tuesday the clocks have changed.
        ("ada", "2027-03-26T16:00:00Z", closed("2027-03-30T07:00:00Z")),
        ("cid", "2027-03-29T10:00:00Z", closed("2027-03-30T07:00:00Z")),
        ("ben", "2027-03-29T13:00:00Z", open.clone()),
        ("ben", "2027-03-29T12:59:59Z", closed("2027-03-29T13:00:00Z")),
        ("dan", "2027-03-28T01:30:00Z", open),
    ];
    for (rep, now, expected) in cases {
        assert_eq!(seen(rep, &[], now), expected, "{rep} {now}");
    }
}

#[test]
fn an_absence_lasts_from_its_first_instant_until_hours_begin_after_its_last() {
    let week = [
        absence("ada", "2027-03-22T00:00:00Z", Some("2027-03-24T20:00:00Z"), Some("ben")),
        // Joins the first one, and names nobody.
        absence("ada", "2027-03-24T20:00:00Z", Some("2027-03-25T10:00:00Z"), None),
    ];
    assert_eq!(
        seen("ada", &week, "2027-03-21T23:59:59Z"),
        closed("2027-03-25T10:00:00Z"),
        "no hours before it"
    );
    assert_eq!(seen("ada", &week, "2027-03-22T00:00:00Z"), away("2027-03-25T10:00:00Z", Some("ben")));
    assert_eq!(seen("ada", &week, "2027-03-24T20:00:00Z"), away("2027-03-25T10:00:00Z", None));
    assert_eq!(seen("ada", &week, "2027-03-25T10:00:00Z"), Availability::Available);
    // It ends on a Friday evening: back after Easter Monday.
    let evening = [absence("ada", "2027-03-26T08:00:00Z", Some("2027-03-26T19:00:00Z"), None)];
    assert_eq!(seen("ada", &evening, "2027-03-26T12:00:00Z"), away("2027-03-30T07:00:00Z", None));
    let endless = [absence("ada", "2027-03-22T00:00:00Z", None, Some("cid"))];
    let gone = Availability::Absent { until: None, cover: Some(rep_id("cid")) };
    assert_eq!(seen("ada", &endless, "2030-01-01T00:00:00Z"), gone);
}

#[test]
fn of_several_absences_the_last_that_names_somebody_says_who_stands_in() {
    let both = [
        absence("ada", "2027-03-22T00:00:00Z", Some("2027-03-26T00:00:00Z"), Some("ben")),
        absence("ada", "2027-03-23T00:00:00Z", Some("2027-03-24T00:00:00Z"), Some("cid")),
    ];
    assert_eq!(seen("ada", &both, "2027-03-23T12:00:00Z"), away("2027-03-26T08:00:00Z", Some("cid")));
    assert_eq!(seen("ada", &both, "2027-03-24T12:00:00Z"), away("2027-03-26T08:00:00Z", Some("ben")));
}

#[test]
fn the_clock_counts_while_team_and_owner_work_and_the_owner_is_there() {
    let roster = roster();
    let sales = TeamId::parse("sales").unwrap();
    let absences: Absences =
        [absence("ben", "2027-03-26T14:00:00Z", Some("2027-03-26T15:00:00Z"), None)].into_iter().collect();
    let (from, to) = (at("2027-03-26T00:00:00Z"), at("2027-03-27T00:00:00Z"));
    let hours = |owner: Option<&str>, absences: &Absences| {
        shift(&roster, &sales, owner.map(rep_id).as_ref(), absences).between(from, to).num_minutes()
    };
    assert_eq!(hours(None, &absences), 480, "the team's day");
    assert_eq!(hours(Some("cid"), &absences), 480);
    // 13:00 to 16:00 in UTC is open in both places.
    assert_eq!(hours(Some("ben"), &Absences::default()), 180);
    assert_eq!(hours(Some("ben"), &absences), 120);
    assert_eq!(hours(Some("nobody"), &absences), 480);
    let zone =
        shift(&roster, &sales, Some(&rep_id("ben")), &absences).calendar().unwrap().zone().name().to_owned();
    assert_eq!(zone, "Europe/Berlin", "days are the team's");
}

#[test]
fn caps_count_by_the_wall_clock_of_the_rep_when_clocks_change() {
    let roster = roster();
    let day = |rep: &str, now: &str| spans(&roster, roster.rep(rep).unwrap(), at(now)).day;
    let sunday = day("ada", "2027-03-28T12:00:00Z");
    assert_eq!((sunday.from, sunday.until), (at("2027-03-27T23:00:00Z"), at("2027-03-28T22:00:00Z")));
    assert_eq!(day("ben", "2027-03-28T03:00:00Z").from, at("2027-03-27T04:00:00Z"));
    assert_eq!(day("dan", "2027-03-28T03:00:00Z").from, at("2027-03-28T00:00:00Z"));
}

#[test]
fn covers_that_lead_back_are_found_only_where_their_times_meet() {
    let known: Absences = [
        absence("ben", "2027-03-22T00:00:00Z", Some("2027-03-24T00:00:00Z"), Some("cid")),
        absence("cid", "2027-03-23T00:00:00Z", None, Some("ada")),
        absence("dan", "2027-03-22T00:00:00Z", None, Some("dan2")),
    ]
    .into_iter()
    .collect();
    let circle = |from: &str, to: Option<&str>, cover: &str| {
        let way = known.circle(&absence("ada", from, to, Some(cover)))?;
        Some(way.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(circle("2027-03-20T00:00:00Z", None, "ben").as_deref(), Some("ada ben cid ada"));
    assert_eq!(circle("2027-03-20T00:00:00Z", Some("2027-03-23T00:00:00Z"), "ben"), None, "ends before");
    assert_eq!(circle("2027-03-24T00:00:00Z", None, "ben"), None, "begins after");
    assert_eq!(circle("2027-03-24T00:00:00Z", None, "cid").as_deref(), Some("ada cid ada"));
    assert_eq!(circle("2027-03-20T00:00:00Z", None, "dan"), None);
}

fn instants() -> impl Strategy<Value = DateTime> {
    // Ten weeks around the changes of clocks in spring.
    (0_i64..70 * 24 * 60).prop_map(|minutes| at("2027-02-22T00:00:00Z") + TimeDelta::minutes(minutes))
}

fn absences(rep: &'static str) -> impl Strategy<Value = Vec<Absence>> {
    let one =
        (instants(), prop::option::weighted(0.8, 1_i64..10_000)).prop_map(move |(from, minutes)| Absence {
            id: Uuid::from_u128(u128::try_from(from.timestamp()).unwrap_or_default()),
            rep: rep_id(rep),
            from,
            to: minutes.map(|minutes| from + TimeDelta::minutes(minutes)),
            cover: None,
        });
    prop::collection::vec(one, 0..4)
}

proptest! {
    #[test]
    fn what_is_said_of_the_future_comes_true(who in prop::sample::select(vec!["ada", "ben", "cid", "dan"]), gone in absences("ben"), now in instants()) {
        let roster = roster();
        let gone: Absences = gone.into_iter().map(|absence| Absence { rep: rep_id(who), ..absence }).collect();
        let rep = roster.rep(who).unwrap();
        let seen = |at| availability(&roster, rep, &gone, at);
        match seen(now) {
            Availability::Available => prop_assert!(gone.of(&rep.id).iter().all(|absence| !absence.holds(now))),
            Availability::OutsideHours { opens_at: back } | Availability::Absent { until: back, .. } => {
                if let Some(back) = back {
                    prop_assert!(back > now);
                    prop_assert_eq!(seen(back), Availability::Available);
                    prop_assert_ne!(seen(back - TimeDelta::microseconds(1)), Availability::Available);
                } else {
                    prop_assert!(gone.of(&rep.id).iter().any(|absence| absence.to.is_none()));
                }
            }
        }
    }

    #[test]
    fn the_clock_of_the_own_team_counts_exactly_when_its_owner_is_available(gone in absences("cid"), now in instants()) {
        let roster = roster();
        let gone: Absences = gone.into_iter().collect();
        let cid = roster.rep("cid").unwrap();
        let counts = shift(&roster, &cid.team, Some(&cid.id), &gone).is_open(now);
        prop_assert_eq!(counts, availability(&roster, cid, &gone, now) == Availability::Available);
    }

    #[test]
    fn covers_that_were_let_in_one_by_one_never_lead_back(
        wishes in prop::collection::vec((0_usize..4, 0_usize..4, 0_i64..40, 1_i64..20), 1..16),
        minute in 0_i64..60,
    ) {
        let names = ["ada", "ben", "cid", "dan"];
        let start = at("2027-03-22T00:00:00Z");
        let mut known: Vec<Absence> = Vec::new();
        for (number, (who, cover, from, length)) in wishes.into_iter().enumerate() {
            let from = start + TimeDelta::minutes(from);
            let to = Some(from + TimeDelta::minutes(length));
            let new = Absence {
                id: Uuid::from_u128(number as u128), rep: rep_id(names[who]), from, to, cover: Some(rep_id(names[cover])),
            };
            if who != cover && known.iter().cloned().collect::<Absences>().circle(&new).is_none() {
                known.push(new);
            }
        }
        // Somebody in a circle is covered by one who is away too, and so on; all others can be taken away one after another.
        let now = start + TimeDelta::minutes(minute);
        let mut held: Vec<&Absence> = known.iter().filter(|absence| absence.holds(now)).collect();
        loop {
            let away: Vec<&RepId> = held.iter().map(|absence| &absence.rep).collect();
            let before = held.len();
            held.retain(|absence| absence.cover.as_ref().is_some_and(|cover| away.contains(&cover)));
            if held.len() == before {
                break;
            }
        }
        prop_assert!(held.is_empty(), "{held:?}");
    }
}
