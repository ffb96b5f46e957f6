//! Finding the steps through which everything passes, and what lies between them.
//!
//! A step is one through which everything passes when everything before leads to it and it leads to everything after. In
//! an order of the graph that is so exactly when, of the steps up to it, it alone has nothing after it among them, and of
//! the steps from it on, it alone has nothing before it among them; both are counted in one sweep.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Merge, Segment};
use crate::plans::graph::Graph;
use crate::plans::model::{Plan, TaskId};

/// A step or a gate.
#[derive(Debug, Clone)]
enum Node {
    Step(String),
    Gate(TaskId),
}

/// Steps and gates in an order that keeps all dependencies.
pub(super) struct Shape {
    nodes: Vec<Node>,
    /// For each the places of those directly before it.
    before: Vec<Vec<usize>>,
}

impl Shape {
    /// In tasks.
    pub(super) fn of_tasks(graph: &Graph<'_>) -> Self {
        let order = graph.order().unwrap_or_default();
        let node = |node: usize| {
            let id = graph.name(node);
            if node < graph.tasks() { Node::Step(id.0.clone()) } else { Node::Gate(id.clone()) }
        };
        let edges = |node: usize| graph.before(node).to_vec();
        Self::ordered(&order, node, edges)
    }

    /// In stages; none where there is one stage alone or stages wait for each other in a circle.
    pub(super) fn of_stages(plan: &Plan, graph: &Graph<'_>) -> Option<Self> {
        let mut stages: Vec<&str> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let of_task: Vec<usize> = plan
            .tasks
            .iter()
            .map(|task| {
                *places.entry(task.stage.as_str()).or_insert_with(|| {
                    stages.push(&task.stage);
                    stages.len() - 1
                })
            })
            .collect();
        if stages.len() < 2 {
            return None;
        }
        let groups =
            |nodes: &[usize]| -> HashSet<usize> { nodes.iter().map(|node| of_task[*node]).collect() };
        let mut before: BTreeMap<usize, HashSet<usize>> = BTreeMap::new();
        let mut gates: Vec<&TaskId> = Vec::new();
        for node in 0..graph.len() {
            if node < graph.tasks() {
                let tasks = graph.before(node).iter().filter(|before| **before < graph.tasks());
                let others = tasks.map(|before| of_task[*before]).filter(|stage| *stage != of_task[node]);
                before.entry(of_task[node]).or_default().extend(others);
                continue;
            }
            let (front, behind) = (groups(graph.before(node)), groups(graph.after(node)));
            if front.is_disjoint(&behind) {
                let gate = stages.len() + gates.len();
                gates.push(graph.name(node));
                before.entry(gate).or_default().extend(&front);
                for stage in behind {
                    before.entry(stage).or_default().insert(gate);
                }
            } else {
                // A gate within a stage orders the others.
                for stage in behind {
                    let others = front.iter().filter(|front| **front != stage);
                    before.entry(stage).or_default().extend(others);
                }
            }
        }
        let count = stages.len() + gates.len();
        let order = order(count, &before)?;
        let node = |node: usize| match node.checked_sub(stages.len()) {
            None => Node::Step(stages[node].to_owned()),
            Some(gate) => Node::Gate(gates[gate].clone()),
        };
        let edges = |node: usize| before.get(&node).into_iter().flatten().copied().collect();
        Some(Self::ordered(&order, node, edges))
    }

    fn ordered(order: &[usize], node: impl Fn(usize) -> Node, edges: impl Fn(usize) -> Vec<usize>) -> Self {
        let mut place = vec![0; order.len()];
        for (at, node) in order.iter().enumerate() {
            place[*node] = at;
        }
        let nodes = order.iter().map(|at| node(*at)).collect();
        let before =
            order.iter().map(|node| edges(*node).iter().map(|edge| place[*edge]).collect()).collect();
        Self { nodes, before }
    }

    /// The places of the steps through which everything passes.
    fn cuts(&self) -> Vec<usize> {
        let count = self.nodes.len();
        // The first place behind each that waits for it, and the last place before each that it waits for.
        let mut next = vec![count; count];
        for (at, before) in self.before.iter().enumerate().rev() {
            for place in before {
                next[*place] = at;
            }
        }
        // How many up to each place have nothing after them up to there; how many from each on nothing before.
        let (mut ends, mut begins) = (vec![0i64; count + 1], vec![0i64; count + 1]);
        for at in 0..count {
            ends[at] += 1;
            ends[next[at]] -= 1;
            let last = self.before[at].iter().max().map_or(0, |last| last + 1);
            begins[last] += 1;
            begins[at + 1] -= 1;
        }
        let (mut open_ends, mut open_begins, mut cuts) = (0, 0, Vec::new());
        for at in 0..count {
            open_ends += ends[at];
            open_begins += begins[at];
            if (open_ends, open_begins) == (1, 1) {
                cuts.push(at);
            }
        }
        cuts
    }

    pub(super) fn segments(&self) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut from = 0;
        for cut in self.cuts().into_iter().chain([self.nodes.len()]) {
            if cut > from {
                segments.push(self.between(from, cut));
            }
            match self.nodes.get(cut) {
                Some(Node::Step(name)) => segments.push(Segment::Step { name: name.clone() }),
                Some(Node::Gate(gate)) => segments.push(Segment::Gate { gate: gate.clone() }),
                None => {}
            }
            from = cut + 1;
        }
        segments
    }

    /// What lies between two steps through which everything passes.
    fn between(&self, from: usize, to: usize) -> Segment {
        let mut branches: Vec<Vec<usize>> = Vec::new();
        let mut branch_of: Vec<usize> = Vec::with_capacity(to - from);
        // Joined where one waits for another; gathered in order, so that each branch is in order.
        let mut joined: Vec<usize> = (0..to - from).collect();
        for at in from..to {
            for before in self.before[at].iter().filter(|before| **before >= from) {
                let (a, b) = (root(&mut joined, at - from), root(&mut joined, before - from));
                joined[a.max(b)] = a.min(b);
            }
        }
        let mut places: HashMap<usize, usize> = HashMap::new();
        for at in 0..to - from {
            let root = root(&mut joined, at);
            let branch = *places.entry(root).or_insert_with(|| {
                branches.push(Vec::new());
                branches.len() - 1
            });
            branches[branch].push(at + from);
            branch_of.push(branch);
        }
        // In an order of the graph a chain is one whose neighbours all depend on each other directly.
        let chain = |branch: &Vec<usize>| branch.windows(2).all(|two| self.before[two[1]].contains(&two[0]));
        if branches.len() < 2 || !branches.iter().all(chain) {
            return Segment::Mesh { names: (from..to).map(|at| self.name(at)).collect() };
        }
        let merge = match self.nodes.get(to) {
            Some(Node::Gate(gate)) => Merge::Gate { gate: gate.clone() },
            Some(Node::Step(name)) => Merge::Step { name: name.clone() },
            None => Merge::Nowhere,
        };
        let named = |branch: &Vec<usize>| branch.iter().map(|at| self.name(*at)).collect();
        Segment::Parallel { branches: branches.iter().map(named).collect(), merge }
    }

    fn name(&self, at: usize) -> String {
        match &self.nodes[at] {
            Node::Step(name) => name.clone(),
            Node::Gate(gate) => gate.0.clone(),
        }
    }
}

fn root(joined: &mut [usize], mut at: usize) -> usize {
    while joined[at] != at {
        joined[at] = joined[joined[at]];
        at = joined[at];
    }
    at
}

/// An order of groups; none where they wait for each other.
fn order(count: usize, before: &BTreeMap<usize, HashSet<usize>>) -> Option<Vec<usize>> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut left = vec![0; count];
    for (node, others) in before {
        left[*node] = others.len();
        for other in others {
            after[*other].push(*node);
        }
    }
    let mut free: std::collections::BTreeSet<usize> = (0..count).filter(|node| left[*node] == 0).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(node) = free.pop_first() {
        order.push(node);
        for next in &after[node] {
            left[*next] -= 1;
            if left[*next] == 0 {
                free.insert(*next);
            }
        }
    }
    (order.len() == count).then_some(order)
}
