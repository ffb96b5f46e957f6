//! Who is able and who is not, at every boundary; and how it is told.

use super::*;
use crate::handoffs::assign::caps::{Cap, Span, Window, WindowKind};

/// Ada alone, with what is configured for her and how she stands; what is said of her.
fn ada(configured: Value, standing: Standing, request: &Request) -> Outcome {
    let roster = roster_with(Value::Null, vec![rep("ada", configured)], Value::Null);
    let mut snapshot = snapshot(&roster);
    snapshot.set_standing(&rep_id("ada"), standing);
    assign(request, &snapshot, noon())
}

#[test]
fn each_obstacle_has_its_code_its_sentence_and_its_end() {
    let taken =
        |minutes: &[i64]| Standing { taken: minutes.iter().map(|at| after(*at)).collect(), ..present() };
    let german = Request { skills: ["German".to_owned()].into(), ..request(1) };
    let plain = request(1);
    let none = || json!({});
    let cases = [
        (json!({"leaving": true}), present(), &plain, "", "", None),
        (none(), present(), &lost_by("ada"), "just_lost_it", "Ada just lost it", None),
        (json!({"skills": ["french"]}), present(), &german, "missing_skills", "Ada lacks german", None),
        (
            json!({"weight": 0}),
            present(),
            &plain,
            "no_weight",
            "Ada takes no part in the rotation (weight 0)",
            None,
        ),
        (none(), absent(600, None), &plain, "absent", "Ada is absent until 2027-03-10 22:00 UTC", Some(600)),
        (
            none(),
            closed(60),
            &plain,
            "outside_hours",
            "Ada is outside working hours, which begin at 2027-03-10 13:00 UTC",
            Some(60),
        ),
        (
            json!({"capacity": 12}),
            Standing { open: 12, ..present() },
            &plain,
            "full",
            "Ada has 12 of 12 open handoffs",
            None,
        ),
        (
            json!({"caps": [{"limit": 2, "window": "day"}]}),
            taken(&[-10, -720]),
            &plain,
            "cap_reached",
            "Ada has been given 2 of 2 per day, frees at 2027-03-11 00:00 UTC",
            Some(720),
        ),
    ];
    for (configured, standing, request, code, sentence, ends) in cases {
        let outcome = ada(configured.clone(), standing, request);
        if code.is_empty() {
            // A leaver is no longer of the team: nobody is left to look at.
            assert_eq!(queued(&outcome).why, outcome::Waiting::NoCandidates);
            continue;
        }
        assert_eq!(codes(&outcome, "ada"), [code], "{configured}");
        assert_eq!(queued(&outcome).wakes_at, ends.map(after), "{code}");
        let roster = roster_with(Value::Null, vec![rep("ada", Value::Null)], Value::Null);
        let told = explain(&outcome, &roster).join("\n");
        assert!(told.contains(&format!("Team sales: {sentence}.")), "{told}");
    }
}

#[test]
fn one_below_the_limit_is_able() {
    let cases = [
        (json!({"capacity": 12}), Standing { open: 11, ..present() }),
        (json!({"caps": [{"limit": 2, "window": "day"}]}), Standing { taken: vec![after(-10)], ..present() }),
        (json!({"skills": ["German "]}), present()),
    ];
    let german = Request { skills: ["german".to_owned()].into(), ..request(1) };
    for (configured, standing) in cases {
        let asked = if configured.get("skills").is_some() { &german } else { &request(1) };
        assert_eq!(rep_of(&ada(configured.clone(), standing, asked)), Some("ada"), "{configured}");
    }
    assert_eq!(codes(&ada(json!({"capacity": 0}), present(), &request(1)), "ada"), ["full"]);
}

#[test]
fn windows_end_where_they_say() {
    let cap = |window, kind| Cap { limit: 1, window, kind };
    let spans = present().spans;
    let cases = [
        // Rolling: what is exactly as old as the window is out.
        (Window::Hour, WindowKind::Rolling, -60, None),
        (Window::Hour, WindowKind::Rolling, -59, Some(1)),
        (Window::Day, WindowKind::Rolling, -24 * 60, None),
        (Window::Week, WindowKind::Rolling, -7 * 24 * 60 + 1, Some(1)),
        // Calendar: midnight belongs to the new day; the week began on Monday.
        (Window::Day, WindowKind::Calendar, -12 * 60, Some(12 * 60)),
        (Window::Day, WindowKind::Calendar, -12 * 60 - 1, None),
        (Window::Hour, WindowKind::Calendar, 0, Some(60)),
        (Window::Hour, WindowKind::Calendar, -1, None),
        (Window::Week, WindowKind::Calendar, -60 * 60, Some(108 * 60)),
        (Window::Week, WindowKind::Calendar, -60 * 60 - 1, None),
    ];
    for (window, kind, taken, frees) in cases {
        let reached = cap(window, kind).reached(&[after(taken)], &spans, noon());
        assert_eq!(
            reached.map(|reached| reached.frees_at),
            frees.map(|at| Some(after(at))),
            "{window:?} {kind:?} {taken}"
        );
    }
    // Beyond the limit, as many must leave as are too many.
    let taken = [-50, -10, -30].map(after);
    let reached = cap(Window::Hour, WindowKind::Rolling).reached(&taken, &spans, noon()).unwrap();
    assert_eq!((reached.taken, reached.frees_at), (3, Some(after(50))));
}

#[test]
fn days_are_the_reps_own() {
    let tokyo = Spans::at_offset(noon(), FixedOffset::east_opt(9 * 3600).unwrap());
    // 21:00 in Tokyo: the day began at 15:00 UTC the day before.
    assert_eq!(tokyo.day, Span { from: after(-21 * 60), until: after(3 * 60) });
    let cap = Cap { limit: 1, window: Window::Day, kind: WindowKind::Calendar };
    assert!(cap.reached(&[after(-13 * 60)], &tokyo, noon()).is_some());
    assert!(cap.reached(&[after(-13 * 60)], &present().spans, noon()).is_none());
}

#[test]
fn all_obstacles_are_listed_and_the_last_to_end_decides() {
    let configured =
        json!({"caps": [{"limit": 1, "window": "hour", "kind": "rolling"}, {"limit": 1, "window": "day"}]});
    let standing = Standing { taken: vec![after(-30)], ..closed(120) };
    let outcome = ada(configured, standing, &request(1));
    assert_eq!(codes(&outcome, "ada"), ["outside_hours", "cap_reached", "cap_reached"]);
    assert_eq!(queued(&outcome).wakes_at, Some(after(720)));
    // What ends by itself does not help who is full.
    let outcome = ada(json!({"capacity": 1}), Standing { open: 1, ..closed(120) }, &request(1));
    assert_eq!(queued(&outcome).wakes_at, None);
}

#[test]
fn an_obstacle_that_should_be_over_is_looked_at_again_soon() {
    let outcome = ada(json!({}), closed(-60), &request(1));
    assert_eq!(queued(&outcome).wakes_at, Some(after(1)));
}

#[test]
fn who_was_not_looked_up_is_given_nothing() {
    let roster = three();
    let only_ben =
        Snapshot::new(roster, [(rep_id("ben"), present()), (rep_id("nobody"), present())], BTreeMap::new());
    let outcome = assign(&request(1), &only_ben, noon());
    assert_eq!(rep_of(&outcome), Some("ben"));
    assert_eq!(codes(&outcome, "ada"), ["not_in_snapshot"]);
}

#[test]
fn the_code_of_a_reason_is_what_is_stored() {
    let roster = roster_with(
        Value::Null,
        vec![
            rep("ada", json!({"capacity": 1})),
            rep("ben", Value::Null),
            rep("cid", json!({"caps": [{"limit": 1, "window": "week"}]})),
            rep("dan", Value::Null),
        ],
        Value::Null,
    );
    let mut snapshot = snapshot(&roster);
    snapshot.set_standing(&rep_id("ada"), Standing { open: 1, ..absent(5, Some("ben")) });
    snapshot.set_standing(&rep_id("cid"), Standing { taken: vec![noon()], ..closed(5) });
    let outcome = assign(&request(1), &snapshot, noon());
    let stored = serde_json::to_value(&outcome).unwrap();
    let mut seen = 0;
    for (candidate, stored) in
        outcome.tried()[0].candidates.iter().zip(stored["tried"][0]["candidates"].as_array().unwrap())
    {
        for (reason, stored) in candidate.reasons.iter().zip(stored["reasons"].as_array().unwrap()) {
            assert_eq!(stored["code"], reason.code());
            seen += 1;
        }
    }
    assert_eq!(seen, 6);
    assert_eq!(serde_json::from_value::<Outcome>(stored).unwrap(), outcome);
}

#[test]
fn an_assignment_reads_as_an_answer() {
    let roster = three();
    let mut snapshot = snapshot(&roster);
    snapshot.set_standing(&rep_id("cid"), absent(60, Some("ben")));
    let owned = Request { crm_owner: Some("cid".into()), ..request(1) };
    let told = explain(&assign(&owned, &snapshot, noon()), &roster);
    assert_eq!(
        told,
        [
            "Ben takes it, covering for Cid (the account's owner).",
            "The account's owner: Cid is absent until 2027-03-10 13:00 UTC, covered by Ben.",
            "The account's owner: Ben was chosen.",
        ]
    );
    let told = explain(&assign(&request(2), &snapshot, noon()), &roster);
    assert_eq!(
        told,
        [
            "Ada takes it: next in turn (team sales).",
            "Team sales: Ada was chosen.",
            "Team sales: Ben is lower in the rotation: place 2 of 2, 0.50 behind the fair share.",
            "Team sales: Cid is absent until 2027-03-10 13:00 UTC, covered by Ben.",
        ]
    );
}
