//! Shapes and their words, and that a sweep finds the same steps as trying all pairs.

use proptest::prelude::*;

use super::*;
use crate::kernel::calendar::Length;
use crate::plans::graph::Ancestors;
use crate::plans::model::Duration;
use crate::plans::samples::{any_plan, diamond, id, task};

fn plan(edges: &[(&str, &[&str])]) -> Plan {
    let mut plan = diamond();
    plan.gates.clear();
    let hours = Duration::Time(Length::hours(1));
    plan.tasks = edges.iter().map(|(name, after)| task(name, "cro", hours, after)).collect();
    plan
}

#[test]
fn one_after_the_other_is_a_pipeline() {
    // What is said twice changes nothing.
    let found = pattern(&plan(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"])]));
    assert_eq!(found.kind, PatternKind::Pipeline);
    assert_eq!(found.explanation, "Pipeline: each stage needs the one before: `a` → `b` → `c`.");
    let alone = pattern(&plan(&[("a", &[])]));
    assert_eq!((alone.kind, alone.of), (PatternKind::Pipeline, Step::Tasks));
    assert_eq!(alone.explanation, "Pipeline: there is one task, `a`.");
}

#[test]
fn what_runs_side_by_side_and_comes_together_is_a_diamond() {
    let found = pattern(&diamond());
    assert_eq!((found.kind, found.of), (PatternKind::Diamond, Step::Stages));
    assert_eq!(
        found.explanation,
        "Diamond: `routing` and `enablement` do not need each other and run side by side; the gate `ready` waits for all of \
         them. In order: `intake` → (`routing` and `enablement`) → gate `ready` → `approval`."
    );
    let without =
        pattern(&plan(&[("a", &[]), ("b", &["a"]), ("b2", &["b"]), ("c", &["a"]), ("d", &["b2", "c"])]));
    assert_eq!(without.kind, PatternKind::Diamond);
    assert_eq!(
        without.segments[1],
        Segment::Parallel {
            branches: vec![vec!["b".to_owned(), "b2".to_owned()], vec!["c".to_owned()]],
            merge: Merge::Step { name: "d".to_owned() }
        }
    );
}

#[test]
fn branches_that_nothing_brings_together_are_a_graph_and_so_is_a_tangle() {
    let open = pattern(&plan(&[("a", &[]), ("b", &["a"]), ("c", &["a"])]));
    assert_eq!(open.kind, PatternKind::Graph);
    assert!(open.explanation.contains("nothing brings them together before the end"), "{}", open.explanation);
    let tangle = pattern(&plan(&[
        ("a", &[]),
        ("b", &["a"]),
        ("c", &["a"]),
        ("d", &["b", "c"]),
        ("e", &["b"]),
        ("f", &["d", "e"]),
    ]));
    assert_eq!(tangle.kind, PatternKind::Graph);
    assert_eq!(
        tangle.explanation,
        "Graph: `b`, `c`, `d` and `e` depend on each other neither in a row nor as separate branches."
    );
}

#[test]
fn stages_that_wait_for_each_other_are_told_in_tasks() {
    let mut plan = plan(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    (plan.tasks[0].stage, plan.tasks[1].stage, plan.tasks[2].stage) = ("x".into(), "y".into(), "x".into());
    let found = pattern(&plan);
    assert_eq!((found.kind, found.of), (PatternKind::Pipeline, Step::Tasks));
}

#[test]
fn a_gate_within_a_stage_does_not_tear_it_apart() {
    let mut plan = diamond();
    plan.tasks[3].stage = "enablement".to_owned();
    plan.tasks[1].stage = "intake".to_owned();
    let found = pattern(&plan);
    assert_eq!((found.kind, found.of), (PatternKind::Pipeline, Step::Stages));
    assert_eq!(found.explanation, "Pipeline: each stage needs the one before: `intake` → `enablement`.");
}

proptest! {
    #[test]
    fn the_steps_that_are_told_alone_are_those_that_everything_passes_through(plan in any_plan()) {
        let graph = Graph::of(&plan);
        let order = graph.order().unwrap();
        let ancestors = Ancestors::of(&graph, &order);
        let through = |node: usize| {
            let others = (0..graph.len()).filter(|other| *other != node);
            others.into_iter().all(|other| ancestors.has(node, other) || ancestors.has(other, node))
        };
        let expected: Vec<&TaskId> =
            order.iter().filter(|node| through(**node)).map(|node| graph.name(*node)).collect();
        let segments = Shape::of_tasks(&graph).segments();
        let alone = segments.into_iter().filter_map(|segment| match segment {
            Segment::Step { name } => Some(id(&name)),
            Segment::Gate { gate } => Some(gate),
            Segment::Parallel { .. } | Segment::Mesh { .. } => None,
        });
        let found: Vec<TaskId> = alone.collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_step_is_told_once(plan in any_plan()) {
        let graph = Graph::of(&plan);
        let segments = Shape::of_tasks(&graph).segments();
        let mut told: Vec<String> = segments.into_iter().flat_map(|segment| match segment {
            Segment::Step { name } => vec![name],
            Segment::Gate { gate } => vec![gate.0],
            Segment::Parallel { branches, .. } => branches.concat(),
            Segment::Mesh { names } => names,
        }).collect();
        told.sort_unstable();
        let mut all: Vec<String> = (0..graph.len()).map(|node| graph.name(node).0.clone()).collect();
        all.sort_unstable();
        prop_assert_eq!(told, all);
        prop_assert!(!pattern(&plan).explanation.is_empty());
    }
}
