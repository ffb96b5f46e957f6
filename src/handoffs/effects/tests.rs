//! Who is told of what, where that is not plain from the words.

use super::*;
use crate::handoffs::assign::file::RosterFile;
use crate::handoffs::lifecycle::tests::{assigned, minutes, rep, start};
use crate::handoffs::lifecycle::{Action, act, pass_time};
use crate::handoffs::package::tests::{World, handoff_type};
use crate::handoffs::package::{self};

fn roster() -> Roster {
    let file: RosterFile = serde_json::from_value(json!({
        "teams": [{"id": "sales", "channel": "#sales"}, {"id": "marketing", "channel": "#leads"}],
        "reps": [
            {"id": "ada", "name": "Ada", "email": "ada@seller.com", "team": "sales"},
            {"id": "mia", "name": "Mia", "email": "mia@seller.com", "team": "marketing"},
            {"id": "meg", "name": "Meg", "email": "meg@seller.com", "team": "marketing"},
        ],
        "roles": [{"id": "marketing_manager", "reps": ["meg"]}, {"id": "revops_manager", "reps": ["meg"]}],
    }))
    .unwrap();
    file.check().unwrap()
}

/// The effects of everything that happened to a handoff.
fn told(handoff: &Handoff, happened: &[Happening]) -> Vec<Effects> {
    let handoff_type = handoff_type("mql_to_sales");
    let package = package::build(&World::prospect().inputs(), "mql_to_sales", &handoff_type);
    let roster = roster();
    let scene =
        Scene { handoff, package: &package, handoff_type: &handoff_type, roster: &roster, now: start() };
    happened.iter().map(|happening| of(&scene, happening)).collect()
}

#[test]
fn who_does_not_acknowledge_is_alerted_and_who_looks_after_them_too() {
    let late = start() + minutes(121);
    let mut handoff = assigned();
    let happened = pass_time(&mut handoff, late).unwrap();
    let alert = told(&handoff, &happened).remove(0).alert.unwrap();
    let people: Vec<(&str, bool)> =
        alert.to.iter().map(|person| (person.rep_id.as_str(), person.looks_after)).collect();
    assert_eq!(people, [("ada", false), ("meg", true)], "the owner, and who holds the role");
    assert_eq!(alert.role.as_deref(), Some("marketing_manager"));
    let matters: Vec<Matters> = alert.to.iter().map(|person| alert.matters.to(person)).collect();
    assert_eq!(matters, [Matters::UntilAcknowledged, Matters::WhileUnanswered]);
}

#[test]
fn an_escalation_reaches_somebody_also_where_nobody_holds_the_role() {
    let handoff = assigned();
    let handoff_type = handoff_type("mql_to_sales");
    let package = package::build(&World::prospect().inputs(), "mql_to_sales", &handoff_type);
    let people = |more: Value| {
        let mut file = json!({
            "teams": [{"id": "sales"}],
            "reps": [rep_of("ada"), rep_of("lea"), rep_of("fay"), rep_of("meg"), rep_of("kim")],
        });
        for (pointer, value) in more.as_object().unwrap() {
            let (object, field) = pointer.rsplit_once('/').unwrap();
            file.pointer_mut(object).unwrap()[field] = value.clone();
        }
        let roster = serde_json::from_value::<RosterFile>(file).unwrap().check().unwrap();
        let scene = Scene {
            handoff: &handoff,
            package: &package,
            handoff_type: &handoff_type,
            roster: &roster,
            now: start(),
        };
        let alert = of(&scene, &Happening::QueueAlarm { since: start() }).alert.unwrap();
        assert_eq!(alert.role.as_deref(), Some("revops_manager"), "the role is named all the same");
        alert.to.iter().map(|person| person.rep_id.to_string()).collect::<Vec<_>>()
    };
    let roles = json!([{"id": "revops_manager", "reps": ["meg", "kim"]}]);
    assert_eq!(people(json!({"/roles": roles, "/teams/0/lead": "lea"})), ["meg", "kim"]);
    assert_eq!(people(json!({"/roles": roles, "/reps/3/leaving": true})), ["kim"], "not to a leaver");
    assert_eq!(people(json!({"/teams/0/lead": "lea", "/teams/0/fallbackOwner": "fay"})), ["lea"]);
    assert_eq!(people(json!({"/teams/0/fallbackOwner": "fay"})), ["fay"]);
    assert!(people(json!({})).is_empty());
}

fn rep_of(id: &str) -> Value {
    json!({"id": id, "name": id, "email": "x", "team": "sales"})
}

#[test]
fn who_sent_it_hears_that_it_was_rejected_for_good() {
    let channel = |text: &str| Some(text.to_owned());
    let rejected = |reroute: bool, sender: Option<&str>, from: &str| {
        let mut handoff = assigned();
        (handoff.previous_owner, handoff.from_team) = (sender.map(str::to_owned), from.to_owned());
        let action = Action::Reject { reason: "they want support".to_owned(), reroute };
        let happened = act(&mut handoff, &action, start()).unwrap();
        told(&handoff, &happened).remove(0)
    };
    for (sender, from, to, told_in, role) in [
        (Some("mia"), "marketing", vec![rep("mia")], channel("#leads"), None),
        // A name of the CRM that is nobody on the roster.
        (Some("4711"), "marketing", vec![], channel("#leads"), None),
        (None, "marketing", vec![], channel("#leads"), None),
        (Some("mia"), "product", vec![rep("mia")], None, None),
        (None, "product", vec![rep("meg")], None, Some("revops_manager")),
    ] {
        let effects = rejected(false, sender, from);
        let alert = effects.alert.unwrap();
        let ids: Vec<RepId> = alert.to.iter().map(|person| person.rep_id.clone()).collect();
        assert_eq!(
            (ids, &alert.channel, alert.role.as_deref()),
            (to, &told_in, role),
            "{sender:?} of {from}"
        );
        assert_eq!(alert.body, "Ada gave it back. Reason: they want support");
        assert_eq!(alert.matters, Matters::Always);
        assert_eq!(effects.commands[0].destination, LOG_ACTIVITY);
        assert_eq!(effects.commands[0].data["ownerId"], json!(sender));
    }
    assert_eq!(rejected(true, Some("mia"), "marketing"), Effects::default(), "somebody else is asked");
}
