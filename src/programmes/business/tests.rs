//! The example is read whole; each slip is found at its line.

use super::*;
use crate::programmes::definition::AGENTS;

fn faults_of(change: &[(&str, &str)]) -> Vec<String> {
    let mut text = EXAMPLE.to_owned();
    for (from, to) in change {
        assert!(text.contains(from), "the example has no `{from}`");
        text = text.replacen(from, to, 1);
    }
    Business::read("CONFIG.md", &text, &AGENTS).unwrap_err().iter().map(ToString::to_string).collect()
}

fn line_of(part: &str) -> usize {
    EXAMPLE.lines().position(|line| line.contains(part)).unwrap() + 1
}

#[test]
fn the_example_is_complete() {
    let business = Business::read("CONFIG.md", EXAMPLE, &AGENTS).unwrap();
    assert_eq!(business.monthly_budget_cents, 3_600_000);
    assert_eq!(business.personas.len(), 3);
    assert_eq!(business.personas[0].objections[1].says, "My operators will not type");
    assert_eq!(business.channels[0].personas, ["maintenance-lead", "plant-manager"]);
    assert_eq!((business.results.len(), business.cohorts.len(), business.experiments.len()), (14, 4, 2));
    assert_eq!(business.market.employees_max, 900);
    assert_eq!(business.value_props[0].proofs.len(), 2);
    assert!(business.warnings.is_empty(), "{:?}", business.warnings);
}

#[test]
fn every_slip_comes_at_once_with_its_line() {
    let faults = faults_of(&[
        ("deal_size = 18600", "deal_sise = 18600"),
        ("gross_margin = 0.81", "gross_margin = 81"),
        ("scenario = \"new_market\"", "scenario = \"new_markets\""),
        ("- Watches: Output against plan", "- Watchess: Output against plan"),
        ("Personas: Maintenance lead, Plant manager", "Personas: Maintenence lead, Plant manager"),
        ("| cac | 14,000 |", "| cacc | 14,000 |"),
        ("| 2025-12 | Webinars |", "| 2025-12 | Webinar |"),
        ("## Voice", "## Voices"),
    ]);
    let expected = [
        "deal_size: is missing",
        "Voice` is missing",
        "did you mean `deal_size`",
        "did you mean `new_market`",
        "must be 0.0001 to 1, it is 81",
        "Watches: is missing",
        "did you mean `Watches`",
        "did you mean `Maintenance lead`",
        "did you mean `cac`",
        "did you mean `Voice`",
        "did you mean `Webinars`",
    ];
    for part in expected {
        assert!(faults.iter().any(|fault| fault.contains(part)), "{part}: {faults:#?}");
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    let at = |part: &str, line: usize| {
        let found = faults.iter().find(|fault| fault.contains(part)).unwrap();
        assert!(found.starts_with(&format!("CONFIG.md:{line}:")), "{found} is not at {line}");
    };
    at("did you mean `deal_size`", line_of("deal_size = 18600"));
    at("it is 81", line_of("gross_margin"));
    at("did you mean `Watches`", line_of("- Watches: Output against plan"));
    at("did you mean `Webinars`", line_of("| 2025-12 | Webinars"));
}

#[test]
fn what_contradicts_itself_is_said_before_anything_runs() {
    let cases = [
        (("- Share: 30 %", "- Share: 40 %"), "add up to 110 %"),
        (("sales_cycle_days = 60", "sales_cycle_days = 400"), "a sales cycle of 400 days does not fit"),
        (("| cac | 14,000 |", "| cac | 15,000 |"), "`targets.cac` on top says 14000"),
        (("| 2026-08-31 |\n| Customers", "| 2026-02-01 |\n| Customers"), "before the programme begins"),
        (("currency = \"USD\"", "currency = \"Dollar\""), "is no currency"),
        (
            (
                "| Omar Haddad | Revenue operations | pipeline-manager |",
                "| Omar Haddad | Revenue operations | pipelines-manager |",
            ),
            "did you mean `pipeline-manager`",
        ),
        (("| new_revenue |", "| new_customers |"), "needs a goal with the metric `new_revenue`"),
        (("| 1,120 | 49 | 18 |", "| 1,120 | 49 | 80 |"), "a later stage has more than an earlier one"),
        (("| 21 | 21 | 20 | 20 | 19 |", "| 21 | 21 | 20 | 22 | 19 |"), "counts that do not rise"),
    ];
    for ((from, to), expected) in cases {
        let faults = faults_of(&[(from, to)]);
        assert!(faults.len() == 1 && faults[0].contains(expected), "{expected}: {faults:#?}");
    }
    let nobody = faults_of(&[
        ("- Personas: Maintenance lead, IT and OT security lead", "- Personas: Maintenance lead"),
        ("- Personas: Plant manager, IT and OT security lead", "- Personas: Plant manager"),
    ]);
    assert!(nobody[0].contains("no channel reaches `IT and OT security lead`"), "{nobody:?}");
    assert!(
        Business::read("CONFIG.md", "# Nothing", &AGENTS).unwrap_err()[0]
            .message
            .contains("must begin with figures")
    );
}
