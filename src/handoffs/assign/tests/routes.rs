//! The ways to an owner, in their order, and what happens when those they lead to are away.

use super::*;
use crate::handoffs::assign::outcome::{Route, Waiting};

fn owned(by: &str) -> Request {
    Request { crm_owner: Some(by.into()), ..request(1) }
}

/// Sales with pods, a second team, territories, named accounts and a segment.
fn company(team: Value) -> Arc<Roster> {
    let reps = vec![
        rep("ada", json!({"pods": ["dach"]})),
        rep("ben", json!({"pods": ["dach"]})),
        rep("cid", Value::Null),
        rep("dan", json!({"team": "success"})),
    ];
    let more = json!({
        "teams": [{"id": "success"}],
        "territories": [
            {"id": "dach", "priority": 2, "match": {"countries": ["de", "at", "ch"]}, "to": {"team": "sales", "pod": "DACH"}},
            {"id": "public", "priority": 1, "match": {"domains": [".gov.de"]}, "to": {"rep": "cid"}},
            {"id": "customers", "teams": ["success"], "match": {}, "to": {"team": "success"}},
        ],
        "namedAccounts": [{"account": "Big.example", "reps": ["cid", "dan"]}],
        "segments": [{"segment": "Enterprise", "to": {"rep": "cid"}}],
    });
    roster_with(team, reps, more)
}

#[test]
fn a_segment_has_an_order_of_its_own_and_leaves_that_of_others_alone() {
    let own = json!({"segments": [{"segment": "enterprise", "to": {"rep": "cid"}, "order": [{"by": "segment"}, {"by": "team"}]}]});
    let reps = || ["ada", "ben", "cid"].map(|id| rep(id, Value::Null)).into();
    let roster = roster_with(Value::Null, reps(), own);
    let snapshot = snapshot(&roster);
    // The account's owner goes first by the usual order, but not where the segment says otherwise.
    let outcome = assign(&owned("ben"), &snapshot, noon());
    assert_eq!((rep_of(&outcome), route_of(&outcome)), (Some("cid"), "segment"));
    let mut other = owned("ben");
    other.firm.segment = Some("smb".into());
    let outcome = assign(&other, &snapshot, noon());
    assert_eq!((rep_of(&outcome), route_of(&outcome)), (Some("ben"), "account_owner"));
}

#[test]
fn the_first_way_that_leads_to_somebody_able_is_taken() {
    let roster = company(Value::Null);
    let snapshot = snapshot(&roster);
    let with = |change: fn(&mut Request)| {
        let mut request = request(1);
        change(&mut request);
        request
    };
    let cases = [
        (owned("ben"), "ben", "account_owner"),
        // A name that is nobody's, or of another team, is passed by.
        (owned("zoe"), "ada", "territory"),
        (owned("dan"), "ada", "territory"),
        (with(|r| r.firm.domain = Some("BIG.example".into())), "cid", "named_account"),
        (
            with(|r| {
                r.firm.domain = Some("big.example".into());
                r.team = team_id("success");
            }),
            "dan",
            "named_account",
        ),
        (with(|r| r.firm.domain = Some("stadt.gov.de".into())), "cid", "territory"),
        (with(|r| r.firm.country = Some("AT".into())), "ada", "territory"),
        (with(|r| r.firm.country = Some("fr".into())), "cid", "segment"),
        (
            with(|r| {
                r.firm.country = None;
                r.firm.segment = Some("smb".into());
            }),
            "ada",
            "team",
        ),
        (
            with(|r| {
                r.team = team_id("success");
                r.firm.country = None;
                r.firm.segment = None;
            }),
            "dan",
            "territory",
        ),
    ];
    for (request, rep, route) in cases {
        let outcome = assign(&request, &snapshot, noon());
        assert_eq!((rep_of(&outcome), route_of(&outcome)), (Some(rep), route), "{request:?}");
    }
    assert_eq!(codes(&assign(&owned("zoe"), &snapshot, noon()), "zoe"), ["not_on_roster"]);
    assert_eq!(codes(&assign(&owned("dan"), &snapshot, noon()), "dan"), ["other_team"]);
}

#[test]
fn what_must_be_locked_is_known_before() {
    let locked = |request: &Request| -> Vec<String> {
        rotations(request, &company(Value::Null)).iter().map(ToString::to_string).collect()
    };
    assert_eq!(locked(&owned("ben")), ["sales"]);
    assert_eq!(
        locked(&Request { team: team_id("success"), ..request(1) }),
        ["sales", "success"],
        "by the territory of its country"
    );
    assert_eq!(locked(&Request { team: team_id("nobody"), ..request(1) }), [""; 0]);
}

#[test]
fn owners_take_no_turn_and_pools_do() {
    let snapshot = snapshot(&company(Value::Null));
    let Outcome::Assigned(by_owner) = assign(&owned("ben"), &snapshot, noon()) else { panic!() };
    assert_eq!(by_owner.rotation, None);
    let Outcome::Assigned(by_turn) = assign(&request(1), &snapshot, noon()) else { panic!() };
    let rotated = by_turn.rotation.unwrap();
    // The pod shares the turn; the whole team is enrolled.
    assert_eq!(rotated.turn.moves.iter().map(|moved| moved.rep.as_str()).collect::<Vec<_>>(), ["ada", "ben"]);
    assert_eq!(rotated.enrolments.len(), 3);
}

#[test]
fn only_the_absent_are_owed_what_they_missed() {
    let reps = ["ada", "ben", "cid", "dan"].map(|id| rep(id, Value::Null));
    let roster = roster_with(json!({"returning": {"capped": 2}}), reps.into(), Value::Null);
    let mut snapshot = snapshot(&roster);
    snapshot.set_standing(&rep_id("cid"), absent(600, None));
    snapshot.set_standing(&rep_id("dan"), closed(600));
    for id in 0..20 {
        let outcome = assign(&request(id), &snapshot, noon());
        snapshot.apply(&outcome, noon());
    }
    let accounts = snapshot.rotation(&team_id("sales")).unwrap().accounts();
    let missed: Vec<i64> = accounts.iter().map(|account| account.missed / rotation::UNIT).collect();
    assert_eq!(missed, [0, 0, 2, 0]);
    assert!(accounts.iter().all(|account| account.balance == 0), "and nobody has paid for it");
}

#[test]
fn an_absent_owner_is_covered_and_gets_the_next_one_after_returning() {
    let mut snapshot = snapshot(&three());
    snapshot.set_standing(&rep_id("cid"), absent(60, Some("ben")));
    let Outcome::Assigned(covered) = assign(&owned("cid"), &snapshot, noon()) else { panic!() };
    assert_eq!((covered.rep.as_str(), covered.cover_for), ("ben", Some(rep_id("cid"))));
    assert_eq!(covered.route, Route::AccountOwner);
    snapshot.set_standing(&rep_id("cid"), present());
    assert_eq!(rep_of(&assign(&owned("cid"), &snapshot, after(60))), Some("cid"));
}

#[test]
fn covers_of_covers_are_asked_and_circles_end() {
    let mut snapshot = snapshot(&three());
    snapshot.set_standing(&rep_id("cid"), absent(60, Some("ben")));
    snapshot.set_standing(&rep_id("ben"), absent(60, Some("ada")));
    let outcome = assign(&owned("cid"), &snapshot, noon());
    assert_eq!((rep_of(&outcome), route_of(&outcome)), (Some("ada"), "account_owner"));
    snapshot.set_standing(&rep_id("ada"), absent(30, Some("cid")));
    let outcome = assign(&owned("cid"), &snapshot, noon());
    let circle: Vec<_> =
        outcome.tried()[0].candidates.iter().map(|c| (c.rep.as_str(), c.reasons[0].code())).collect();
    assert_eq!(circle, [("cid", "absent"), ("ben", "absent"), ("ada", "absent"), ("cid", "cover_loop")]);
    assert_eq!(queued(&outcome).wakes_at, Some(after(30)));
    snapshot.set_standing(&rep_id("cid"), absent(60, Some("cid")));
    assert_eq!(codes(&assign(&owned("cid"), &snapshot, noon()), "cid"), ["absent"]);
}

#[test]
fn what_happens_without_the_owner_is_the_teams_choice() {
    let order = |cover: bool, wait: u32| json!({"order": [{"by": "accountOwner", "cover": cover, "waitMinutes": wait}, {"by": "team"}]});
    let run = |cover, wait, until, at: i64| {
        let roster = roster_with(
            order(cover, wait),
            ["ada", "ben", "cid"].map(|id| rep(id, Value::Null)).into(),
            Value::Null,
        );
        let mut snapshot = snapshot(&roster);
        snapshot.set_standing(&rep_id("cid"), absent(until, Some("ben")));
        assign(&owned("cid"), &snapshot, after(at))
    };
    assert_eq!(rep_of(&run(true, 60, 30, 0)), Some("ben"), "the cover goes before waiting");
    assert_eq!(rep_of(&run(false, 0, 30, 0)), Some("ada"), "the rotation at once");
    let waits = run(false, 60, 60, 0);
    assert_eq!(queued(&waits).why, Waiting::ForRoute { route: Route::AccountOwner, until: after(60) });
    assert_eq!(queued(&waits).wakes_at, Some(after(60)), "back exactly at the end of patience");
    assert_eq!(rep_of(&run(false, 60, 61, 0)), Some("ada"), "back too late to wait for");
    assert_eq!(rep_of(&run(false, 60, 120, 60)), Some("ada"), "patience has ended");
}

#[test]
fn nobody_able_waits_with_an_alarm_and_then_falls_back() {
    let team = json!({"overflow": {"alarmMinutes": 30, "fallbackMinutes": 90}, "fallbackOwner": "boss"});
    let reps = vec![
        rep("ada", Value::Null),
        rep("ben", Value::Null),
        rep("boss", json!({"team": "heads", "capacity": 1})),
    ];
    let roster = roster_with(team, reps, json!({"teams": [{"id": "heads"}]}));
    let mut snapshot = snapshot(&roster);
    snapshot.set_standing(&rep_id("ada"), absent(600, None));
    snapshot.set_standing(&rep_id("ben"), closed(300));
    let waits = assign(&request(1), &snapshot, after(89));
    let waits = queued(&waits);
    assert_eq!((&waits.why, waits.wakes_at), (&Waiting::NobodyNow, Some(after(300))));
    assert_eq!((waits.alarm_at, waits.fallback_at), (after(30), Some(after(90))));
    let taken = assign(&request(1), &snapshot, after(90));
    assert!(matches!(taken, Outcome::Fallback(_)) && rep_of(&taken) == Some("boss"));
    // Rather somebody of the team who is back than the fallback owner.
    let mut back = snapshot.clone();
    back.set_standing(&rep_id("ben"), present());
    assert_eq!(rep_of(&assign(&request(1), &back, after(90))), Some("ben"));
    // Away in time of need is no obstacle, unless a cover is there; full is one.
    for (standing, rep) in [
        (closed(10), Some("boss")),
        (absent(10, None), Some("boss")),
        (absent(10, Some("ada")), Some("boss")),
        (Standing { open: 1, ..present() }, None),
    ] {
        snapshot.set_standing(&rep_id("boss"), standing);
        assert_eq!(rep_of(&assign(&request(1), &snapshot, after(90))), rep);
    }
    assert_eq!(
        queued(&assign(&request(1), &snapshot, after(90))).why,
        Waiting::FallbackCannot { rep: rep_id("boss") }
    );
    assert_eq!(rep_of(&assign(&lost_by("boss"), &snapshot, after(90))), None);
}

#[test]
fn a_cover_takes_the_place_of_an_absent_fallback_owner() {
    let reps = vec![rep("boss", json!({"weight": 0})), rep("vice", json!({"weight": 0}))];
    let roster =
        roster_with(json!({"fallbackOwner": "boss", "overflow": {"fallbackMinutes": 0}}), reps, Value::Null);
    let mut snapshot = snapshot(&roster);
    assert_eq!(rep_of(&assign(&request(1), &snapshot, noon())), Some("boss"), "0 minutes: at once");
    snapshot.set_standing(&rep_id("boss"), absent(10, Some("vice")));
    let Outcome::Fallback(fallback) = assign(&request(1), &snapshot, noon()) else { panic!() };
    assert_eq!((fallback.rep.as_str(), fallback.cover_for), ("vice", Some(rep_id("boss"))));
}

#[test]
fn an_unknown_team_waits_and_says_so() {
    let snapshot = snapshot(&three());
    let outcome = assign(&Request { team: team_id("slaes"), ..request(1) }, &snapshot, noon());
    assert_eq!(queued(&outcome).why, Waiting::UnknownTeam);
    assert!(explain(&outcome, snapshot.roster())[0].contains("not on the roster"));
}

#[test]
fn who_just_lost_it_does_not_get_it_again_on_any_way() {
    let roster = company(json!({"fallbackOwner": "ada", "overflow": {"fallbackMinutes": 0}}));
    let snapshot = snapshot(&roster);
    let mut request = Request { crm_owner: Some("ada".into()), ..lost_by("ada") };
    assert_eq!(rep_of(&assign(&request, &snapshot, noon())), Some("ben"));
    request.lost_by = ["ada", "ben", "cid"].map(rep_id).into();
    let outcome = assign(&request, &snapshot, noon());
    assert_eq!((rep_of(&outcome), codes(&outcome, "ada")), (None, vec!["just_lost_it"]));
}
