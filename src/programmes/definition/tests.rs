//! What ships is whole; each slip is found at its line with what was probably meant.

use super::*;

fn faults(path: &str, from: &str, to: &str) -> Vec<String> {
    let mut source = Source::shipped();
    let text = source.files.get_mut(path).unwrap();
    assert!(text.contains(from), "{path} has no `{from}`");
    *text = text.replacen(from, to, 1);
    Definition::read(&source).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn what_ships_is_the_programme_of_the_source() {
    let definition = Definition::shipped().unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert_eq!(definition.agent_ids(), AGENTS);
    let phases: Vec<(&str, u32, Order)> =
        definition.phases.iter().map(|of| (of.id.as_str(), of.estimated_minutes, of.order)).collect();
    assert_eq!(
        phases,
        [
            ("strategy", 30, Order::Sequential),
            ("pipeline-building", 45, Order::Parallel),
            ("execution", 60, Order::Parallel),
            ("analysis", 20, Order::Parallel)
        ]
    );
    let minutes: Vec<Vec<u32>> =
        definition.phases.iter().map(|of| of.steps.iter().map(|step| step.minutes).collect()).collect();
    assert_eq!(minutes, [vec![15, 8, 7], vec![45; 4], vec![60; 5], vec![15, 15, 10]]);
    let branches: Vec<&str> = definition.phases.iter().map(|of| of.branch.as_str()).collect();
    assert_eq!(
        branches,
        ["phase-1-strategy", "phase-2-pipeline-building", "phase-3-execution", "phase-4-analysis"]
    );
    let checks: Vec<usize> =
        definition.phases.iter().map(|of| of.gates.iter().map(|gate| gate.checks.len()).sum()).collect();
    // 12, 7 and 6 of the source; besides them what the files of different agents must have in common.
    assert_eq!(checks, [12, 9, 9, 4]);
    assert_eq!(definition.scenarios.len(), 4);
}

#[test]
fn each_slip_is_found_at_its_line() {
    let cases = [
        (
            "phases/1-strategy.toml",
            "agent = \"coordinator\"",
            "agent = \"cordinator\"",
            "did you mean `coordinator`?",
        ),
        (
            "phases/1-strategy.toml",
            "rule = \"budget_sums\"",
            "rule = \"budget_sum\"",
            "did you mean `budget_sums`?",
        ),
        ("phases/1-strategy.toml", "kind = \"persona\"", "kind = \"personas\"", "did you mean `persona`?"),
        (
            "phases/1-strategy.toml",
            "each = \"persona\"",
            "each = \"person\"",
            "`person` is no thing to make one file for each of",
        ),
        ("phases/1-strategy.toml", "each = \"persona\"\n", "", "a folder needs `each"),
        (
            "phases/1-strategy.toml",
            "charts = [\"budget\"]",
            "charts = [\"budgets\"]",
            "did you mean `budget`?",
        ),
        (
            "phases/1-strategy.toml",
            "after = [\"core-messaging\"]",
            "after = [\"core-mesaging\"]",
            "did you mean `core-messaging`?",
        ),
        ("phases/1-strategy.toml", "rule = \"budget_sums\"\n", "", "a check is never assumed"),
        (
            "phases/1-strategy.toml",
            "inputs = [\"CONFIG.md\"]",
            "inputs = [\"pipeline/workflows.md\"]",
            "is made later, in phase 2",
        ),
        ("phases/1-strategy.toml", "minutes = 15", "minutes = 0", "a time above 0"),
        ("phases/1-strategy.toml", "purpose =", "purposes =", "did you mean `purpose`?"),
        (
            "phases/2-pipeline-building.toml",
            "against = \"pipeline/scoring-model.md\"\n",
            "",
            "compares two files",
        ),
        (
            "phases/2-pipeline-building.toml",
            "path = \"pipeline/workflows.md\"",
            "path = \"pipeline/crm-config.md\"",
            "is made twice",
        ),
        (
            "phases/2-pipeline-building.toml",
            "path = \"pipeline/workflows.md\"",
            "path = \"../workflows.md\"",
            "below the root",
        ),
        (
            "phases/2-pipeline-building.toml",
            "needs = [\"demand-gen/lead-scoring.md\"]",
            "needs = [\"demand-gen/lead-scorings.md\"]",
            "did you mean `demand-gen/lead-scoring.md`?",
        ),
        (
            "phases/2-pipeline-building.toml",
            "path = \"pipeline/workflows.md\"",
            "path = \"pipeline/flows.md\"",
            "there is no text for it: write `templates/pipeline/flows.md`",
        ),
        ("templates/pipeline/workflows.md", "{% endfor %}", "{% endif %}", "unknown statement endif"),
        (
            "agents.toml",
            "fallback = \"coordinator\"",
            "fallback = \"brand-messaging\"",
            "cannot stand in for itself",
        ),
        ("programme.toml", "run = \"full\"", "run = \"fully\"", "did you mean `full`?"),
        ("programme.toml", "id = \"scaling\"", "id = \"scalling\"", "did you mean `scaling`?"),
        ("programme.toml", "rule = \"handoff_complete\"", "rule = \"handoffs\"", "no gate checks `handoffs`"),
    ];
    for (path, from, to, expected) in cases {
        let found = faults(path, from, to);
        let fault = found.iter().find(|fault| fault.contains(expected));
        let fault = fault.unwrap_or_else(|| panic!("{expected}: {found:#?}"));
        assert!(fault.starts_with(&format!("{path}:")), "{fault}");
    }
}

#[test]
fn a_fault_names_the_line_on_which_it_stands() {
    let text = &Source::shipped().files["phases/1-strategy.toml"];
    let line = text.lines().position(|line| line.contains("rule = \"metrics_tied\"")).unwrap() + 1;
    let found = faults("phases/1-strategy.toml", "rule = \"metrics_tied\"", "rule = \"metric_tied\"");
    assert_eq!(
        found,
        [format!(
            "phases/1-strategy.toml:{line}: metrics-tied: `metric_tied` is no rule; did you mean `metrics_tied`?"
        )]
    );
}

#[test]
fn a_folder_replaces_what_it_has() {
    let folder = std::env::temp_dir().join(format!("gtm-definition-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(folder.join("templates/pipeline")).unwrap();
    std::fs::write(folder.join("templates/pipeline/workflows.md"), "# Ours\n").unwrap();
    let definition = Definition::read(&Source::with_folder(&folder).unwrap()).unwrap();
    assert_eq!(definition.templates["pipeline/workflows.md"], "# Ours\n");
    assert_eq!(definition.phases.len(), 4);
    // With one phase of its own it has no other, and whatever names another is a fault.
    std::fs::create_dir_all(folder.join("phases")).unwrap();
    std::fs::write(folder.join("phases/1-strategy.toml"), &Source::shipped().files["phases/1-strategy.toml"])
        .unwrap();
    let source = Source::with_folder(&folder).unwrap();
    let phases: Vec<&String> = source.files.keys().filter(|path| path.starts_with("phases/")).collect();
    assert_eq!(phases, ["phases/1-strategy.toml"]);
    let found = Definition::read(&source).unwrap_err();
    assert!(found.iter().any(|fault| fault.message.contains("`execution` is no phase")), "{found:#?}");
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(Source::with_folder(&folder).is_err());
}
