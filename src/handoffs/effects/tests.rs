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
        ],
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
fn who_acknowledges_late_is_on_record_and_no_longer_alerted() {
    let late = start() + minutes(121);
    let mut handoff = assigned();
    let happened = act(&mut handoff, &Action::Acknowledge, late).unwrap();
    assert!(matches!(happened[0], Happening::Step { step: StepKind::AcknowledgeBreach, .. }), "{happened:?}");
    assert!(told(&handoff, &happened).iter().all(|effects| *effects == Effects::default()));
    // The worker that is there first alerts the owner and the role.
    let mut handoff = assigned();
    let happened = pass_time(&mut handoff, late).unwrap();
    let alert = told(&handoff, &happened).remove(0).alert.unwrap();
    assert_eq!((alert.to[0].rep_id.as_str(), alert.role.as_deref()), ("ada", Some("marketing_manager")));
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
        (None, "product", vec![], None, Some("revops_manager")),
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
