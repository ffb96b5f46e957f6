//! The explanation of the worked example, as a rep would read it.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::kernel::ids::AccountId;
use crate::motions::decide::decide;
use crate::motions::document::{Meta, document};
use crate::motions::model::Ledger;
use crate::motions::samples;
use crate::motions::signals::{Failing, derive};

fn page() -> Page {
    Page { width: WIDTH, now: samples::now() + TimeDelta::minutes(5) }
}

fn decision(ledger: &Ledger, dry_run: bool) -> Value {
    let policy = samples::policy();
    let signals =
        derive(policy.definitions(), &samples::worked_example(), Failing::default(), samples::now());
    let decision = decide(&policy, &signals, ledger, samples::now());
    let account_id = AccountId::parse("acc_12345").unwrap();
    let meta = Meta { account_id, decision_id: Uuid::from_u128(1), dry_run };
    serde_json::to_value(document(&policy, &signals, ledger, &decision, &meta)).unwrap()
}

#[test]
fn the_whole_explanation_has_every_part_in_order() {
    let text = whole(page(), &decision(&samples::consenting(), false));
    let parts = [
        "acc_12345",
        "Sales assist, started",
        "5 min ago",
        "Sales assist fits:",
        "How sure:",
        "Evidence",
        "usage ",
        "Rules, in order",
        "✗ self_serve_expansion",
        "fails: ",
        "✓ plateau_with_partner",
        "· keep_watching",
        "Scores",
        "→ sales_assist",
        "Guardrails",
        "✓ touch_budget",
        "What it set in motion",
        "calls revops/opportunity_scoring",
        "hands over to sales",
        "within 48h",
        "policy default-",
    ];
    let mut rest = text.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing after its turn in:\n{text}"));
        rest = &rest[at..];
    }
    let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 110, "{widest}:\n{text}");
}

#[test]
fn a_stopped_decision_says_what_would_let_it_through() {
    let ledger = Ledger {
        touches: vec![samples::touch(samples::hours_ago(30)), samples::touch(samples::hours_ago(20))],
        ..samples::consenting()
    };
    let text = summary(page(), &decision(&ledger, false));
    assert!(text.contains("wanted, not allowed now"), "{text}");
    assert!(text.contains("It is looked at again by itself on\n  2026-11-24 06:00 UTC"), "{text}");
    assert!(!text.contains("What it set in motion"), "{text}");
}

#[test]
fn a_preview_says_so() {
    let text = summary(page(), &decision(&samples::consenting(), true));
    assert!(text.contains("(preview)") && text.contains("What it would set in motion"), "{text}");
}

#[test]
fn a_document_of_another_release_is_shown_as_it_is() {
    let text = whole(page(), &json!({ "accountId": "a", "novel": true }));
    assert!(text.contains("\"novel\": true"));
}
