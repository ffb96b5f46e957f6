//! Packets against their golden files, and what they must never lack.

use std::path::Path;

use chrono::TimeDelta;
use serde_json::json;

use crate::plans::model::{Role, TaskId};
use crate::plans::schedule::schedule;
use crate::renewals::build::{date_of, number_of};
use crate::renewals::model::{Risk, Tier};
use crate::renewals::packet::{to_html, to_markdown};
use crate::renewals::samples::{Scene, Told, at, plan, terms};
use crate::renewals::telling::{Progress, Standing};
use crate::renewals::tracker::{Checkpoint, CheckpointStatus, Firing, Held, RuleCode};

/// Compares with a file in `golden`, or writes it where `UPDATE_DOCS` is set.
pub fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/renewals/golden").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{name} differs from its golden file; run with UPDATE_DOCS=1 and read what changed:\n{text}"
    );
}

/// A renewal in its third week: something is done, a checkpoint was held, one was missed.
pub fn running() -> Told {
    let scene = Scene::new(
        &json!({"tickets": {"T-2": {"value": {"status": "open", "priority": "urgent", "escalated": true}}}}),
        &json!({"usage": {"trendPct": -34.0}, "crm": {"ticketEscalated": true}}),
    );
    let mut told = Told::new(scene, terms("value-realization", Tier::Strategic, Risk::Yellow, "2027-02-26"));
    let done = Progress { status: "done".to_owned(), done_at: Some(at("2026-12-01T15:00:00Z")) };
    told.progress.insert(TaskId("context-review".into()), done);
    told.progress
        .insert(TaskId("forecast-entry".into()), Progress { status: "ready".to_owned(), done_at: None });
    let checkpoints: Vec<Checkpoint> = told
        .plan
        .tasks
        .iter()
        .filter(|task| task.checkpoint)
        .map(|task| Checkpoint {
            n: number_of(task).unwrap(),
            due_at: task.due.unwrap(),
            owner: task.owner.clone(),
            held: None,
        })
        .collect();
    told.checkpoints = checkpoints
        .into_iter()
        .map(|mut checkpoint| {
            let status = match checkpoint.n {
                1 => {
                    checkpoint.held = Some(Held {
                        at: checkpoint.due_at - TimeDelta::hours(3),
                        rating: Risk::Yellow,
                        note: "The sponsor has changed; we know the new one | not yet *well*.".to_owned(),
                        by: "key:anna".to_owned(),
                    });
                    CheckpointStatus::Held
                }
                2 => CheckpointStatus::Missed,
                _ => CheckpointStatus::Upcoming,
            };
            Standing { checkpoint, status }
        })
        .collect();
    told.fired = vec![Firing {
        code: RuleCode::MilestonesSlipped,
        key: "slipped:2".to_owned(),
        at: at("2027-01-08T17:00:00Z"),
        tell: ["cro", "product", "finance"].map(|role| Role(role.to_owned())).to_vec(),
        title: "Milestones of the renewal slipped 2 times".to_owned(),
        body: "Not done on their day: \"Work out the value together with the customer\" and \"Review results and goals with the customer\". Decide what gives way.".to_owned(),
    }];
    told
}

#[test]
fn the_packet_of_a_renewal_that_runs() {
    let told = running();
    golden("running.md", &to_markdown(&told.telling()));
    golden("running.html", &to_html(&told.telling()));
}

#[test]
fn the_packet_of_one_that_begins_too_late() {
    let mut scene = Scene::new(
        &json!({"subscriptions": null, "deals": null, "usage": {"days": null}, "tickets": null, "profile": {"ownerId": null}}),
        &json!({"usage": {"days": 0, "depth": 0.0, "trendPct": null, "seats": null, "topFeatures": []},
                "lifecycle": {"segment": "enterprise"}, "intent": {"kinds": {"churn_risk": 0.7}, "provenance": {"source": "/cs", "asOf": "2026-11-19T00:00:00Z"}}}),
    );
    (scene.reachable, scene.left) = (0, 1);
    let mut terms = terms("exec-save", Tier::Strategic, Risk::Red, "2026-12-18");
    terms.people.clear();
    let mut told = Told::new(scene, terms);
    told.counterparts.clear();
    let text = to_markdown(&told.telling());
    golden("late.md", &text);
    for wanted in [
        "dates cannot be kept",
        "What helps",
        "Nobody is named for",
        "What is not known",
        "Left out, because it is not known",
        "Nothing yet: no figure",
        "nobody is known; ask for an introduction",
    ] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
}

#[test]
fn both_forms_say_the_same_and_texts_of_others_stay_texts() {
    let mut told = running();
    told.plan.tasks[0].title =
        "<script>alert(1)</script> | *bold* [x](http://x.example)\nnew line".to_owned();
    told.schedule = schedule(&told.plan).unwrap();
    let (markdown, html) = (to_markdown(&told.telling()), to_html(&told.telling()));
    assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"));
    assert!(markdown.contains(r"\<script\>") && !markdown.contains("*bold* [x]"));
    for heading in [
        "Timeline",
        "Who does what",
        "What to say",
        "Material",
        "Checkpoints",
        "When it goes wrong",
        "What was known",
    ] {
        assert!(
            markdown.contains(&format!("## {heading}")) && html.contains(&format!(">{heading}</h2>")),
            "{heading}"
        );
    }
    let rows = |text: &str, of: &str| text.matches(of).count();
    assert_eq!(rows(&markdown, "\n|") - rows(&markdown, "\n|---"), rows(&html, "<tr>"), "as many rows");
}

#[test]
fn every_task_person_and_day_is_in_the_packet() {
    let told = running();
    let text = to_markdown(&told.telling());
    for task in told.plan.tasks.iter().filter(|task| !task.checkpoint) {
        assert!(text.contains(&task.title), "{}", task.title);
    }
    for task in told.plan.tasks.iter().filter(|task| task.checkpoint) {
        let day = date_of(task).unwrap().format("%a %-d %b %Y").to_string();
        assert!(text.contains(&day), "{day}");
    }
    for reason in &told.rating.reasons {
        assert!(text.contains(&reason.text));
    }
    let again = plan(&told.scene, &told.terms, &[]);
    assert_eq!(again, told.plan);
}
