//! What a new rating does to a plan that runs.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::json;

use crate::plans::model::TaskId;
use crate::renewals::adapt::{Standing, Verdict, kept, verdict};
use crate::renewals::model::{Risk, Tier};
use crate::renewals::samples::{Scene, plan, terms};
use crate::renewals::telling::Progress;

fn standing(risk: Risk, score: u32, scene: &Scene) -> Standing {
    Standing { risk, since: scene.now - TimeDelta::days(30), pinned: false, score }
}

#[test]
fn a_rating_that_says_nothing_new_changes_nothing() {
    let scene = Scene::new(&json!({}), &json!({"usage": {"trendPct": -30.0, "plateau": true}}));
    let rating = scene.rating();
    assert_eq!(rating.risk, Risk::Yellow);
    let found = verdict(&scene.plays, &standing(Risk::Yellow, 30, &scene), &rating, scene.now);
    assert_eq!(found, Verdict::Stays);
}

#[test]
fn worse_changes_at_once_and_says_why() {
    let mut scene = Scene::new(
        &json!({}),
        &json!({"usage": {"trendPct": -60.0, "depth": 20.0}, "crm": {"openTickets": 5}}),
    );
    scene.left = 1;
    let rating = scene.rating();
    let Verdict::Changes { to, why } =
        verdict(&scene.plays, &standing(Risk::Yellow, 26, &scene), &rating, scene.now)
    else {
        panic!()
    };
    assert_eq!(to, Risk::Red);
    assert_eq!(
        why,
        "The score went from 26 to 72. Mostly usage falling (adoption, 20 points), usage collapsing (adoption, 15 points) and usage shallow (adoption, 15 points)."
    );
    let pinned = Standing { pinned: true, ..standing(Risk::Yellow, 26, &scene) };
    let Verdict::Wavers { would_be, why } = verdict(&scene.plays, &pinned, &rating, scene.now) else {
        panic!()
    };
    assert_eq!(would_be, Risk::Red);
    assert!(why.ends_with("The level was set by people and stays."), "{why}");
}

#[test]
fn better_waits() {
    let scene = Scene::new(&json!({}), &json!({}));
    let rating = scene.rating();
    let fresh = Standing { since: scene.now - TimeDelta::days(2), ..standing(Risk::Red, 60, &scene) };
    let Verdict::Wavers { would_be, .. } = verdict(&scene.plays, &fresh, &rating, scene.now) else {
        panic!()
    };
    assert_eq!(would_be, Risk::Green);
    let Verdict::Changes { to, why } =
        verdict(&scene.plays, &standing(Risk::Red, 60, &scene), &rating, scene.now)
    else {
        panic!()
    };
    assert_eq!(to, Risk::Green);
    assert!(why.ends_with("No sign of risk is left."), "{why}");
}

#[test]
fn what_is_done_begun_or_past_is_kept() {
    let scene = Scene::new(&json!({}), &json!({}));
    let plan = plan(&scene, &terms("exec-save", Tier::Growth, Risk::Red, "2027-02-26"), &[]);
    let progress =
        |status: &str, done: bool| Progress { status: status.to_owned(), done_at: done.then_some(scene.now) };
    let states = BTreeMap::from([
        (TaskId("context-review".into()), progress("done", true)),
        (TaskId("forecast-entry".into()), progress("claimed", false)),
        (TaskId("stakeholder-map".into()), progress("ready", false)),
        (TaskId("play-brief".into()), progress("waiting", false)),
    ]);
    let found: Vec<String> =
        kept(&plan, &states, scene.now + TimeDelta::days(8)).into_iter().map(|task| task.id.0).collect();
    assert_eq!(found, ["context-review", "forecast-entry", "checkpoint-1"]);
}
