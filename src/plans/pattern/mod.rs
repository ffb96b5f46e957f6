//! The shape of a plan, found from its dependencies: a pipeline, a diamond with a merge, or a graph.
//!
//! Promises: the shape follows from what depends on what and from nothing else. It is told in stages where stages have an
//! order among themselves, and otherwise in tasks. A *pipeline* has one step after the other. A *diamond* has places where
//! two or more chains that do not need each other run side by side and come together in a gate or a step. Everything else
//! is a *graph*. Takes time in proportion to tasks and dependencies.
//! Leaves out: whether it would be better otherwise.

mod shape;
#[cfg(test)]
mod tests;
mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::graph::Graph;
use super::model::{Plan, TaskId};
use shape::Shape;

/// The shape of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pattern {
    pub kind: PatternKind,
    /// What the steps are.
    pub of: Step,
    /// In order.
    pub segments: Vec<Segment>,
    /// Why it is this shape, in a sentence or two.
    pub explanation: String,
}

/// The kinds of shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatternKind {
    Pipeline,
    Diamond,
    Graph,
}

/// What a shape is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Stages,
    Tasks,
}

/// A part of a shape; after it everything goes on together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "shape")]
#[schema(as = PlanSegment)]
pub enum Segment {
    /// One step that everything before leads to and everything after waits for.
    Step { name: String },
    /// A gate that everything passes.
    Gate { gate: TaskId },
    /// Chains that do not need each other.
    Parallel {
        branches: Vec<Vec<String>>,
        /// Where they come together.
        merge: Merge,
    },
    /// Steps that depend on each other in some other way.
    Mesh { names: Vec<String> },
}

/// Where chains that run side by side come together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "in")]
pub enum Merge {
    Gate {
        gate: TaskId,
    },
    /// Without a gate: the step after them waits for all.
    Step {
        name: String,
    },
    /// Nothing brings them together before the plan ends.
    Nowhere,
}

/// The shape of a plan without faults.
pub fn pattern(plan: &Plan) -> Pattern {
    let graph = Graph::of(plan);
    let by_stages = Shape::of_stages(plan, &graph);
    let of = if by_stages.is_some() { Step::Stages } else { Step::Tasks };
    let shape = by_stages.unwrap_or_else(|| Shape::of_tasks(&graph));
    let segments = shape.segments();
    let kind = kind(&segments);
    let explanation = words::explain(kind, of, &segments);
    Pattern { kind, of, segments, explanation }
}

fn kind(segments: &[Segment]) -> PatternKind {
    let mut kind = PatternKind::Pipeline;
    for segment in segments {
        let own = match segment {
            Segment::Step { .. } | Segment::Gate { .. } => PatternKind::Pipeline,
            Segment::Parallel { merge: Merge::Nowhere, .. } | Segment::Mesh { .. } => PatternKind::Graph,
            Segment::Parallel { .. } => PatternKind::Diamond,
        };
        kind = kind.max(own);
    }
    kind
}
