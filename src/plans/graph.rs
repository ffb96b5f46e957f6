//! Tasks and gates as a graph: what comes before what.
//!
//! Promises: tasks have the numbers of their places in the plan, gates those after them; a name that leads nowhere makes no
//! edge. Everything here takes time in proportion to tasks and dependencies, and no recursion, whatever the plan looks like.

use std::collections::{HashMap, VecDeque};

use super::model::{Plan, TaskId};

/// The order that a plan asks for.
#[derive(Debug)]
pub struct Graph<'p> {
    plan: &'p Plan,
    places: HashMap<&'p str, usize>,
    before: Edges,
    after: Edges,
}

/// Neighbours of each node, one node after the other in one list.
#[derive(Debug)]
struct Edges {
    starts: Vec<usize>,
    nodes: Vec<usize>,
}

impl Edges {
    /// From pairs (of, neighbour); neighbours keep the order of the pairs.
    fn new(count: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0; count + 1];
        for (of, _) in pairs.clone() {
            starts[of + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut nodes = vec![0; starts[count]];
        for (of, neighbour) in pairs {
            nodes[next[of]] = neighbour;
            next[of] += 1;
        }
        Self { starts, nodes }
    }

    fn of(&self, node: usize) -> &[usize] {
        &self.nodes[self.starts[node]..self.starts[node + 1]]
    }
}

impl<'p> Graph<'p> {
    /// The graph of a plan. Where a name is used twice, the first one has it.
    pub fn of(plan: &'p Plan) -> Self {
        let mut places = HashMap::with_capacity(plan.tasks.len() + plan.gates.len());
        let names = plan.tasks.iter().map(|task| &task.id).chain(plan.gates.iter().map(|gate| &gate.id));
        for (at, id) in names.enumerate() {
            places.entry(id.0.as_str()).or_insert(at);
        }
        let count = plan.tasks.len() + plan.gates.len();
        let task = |id: &TaskId| places.get(id.0.as_str()).copied().filter(|at| *at < plan.tasks.len());
        let mut pairs = Vec::with_capacity(count * 2);
        for (at, of) in plan.tasks.iter().enumerate() {
            pairs.extend(of.depends_on.iter().filter_map(task).map(|before| (before, at)));
        }
        for (place, gate) in plan.gates.iter().enumerate() {
            let at = plan.tasks.len() + place;
            pairs.extend(gate.after.iter().filter_map(task).map(|before| (before, at)));
            pairs.extend(gate.before.iter().filter_map(task).map(|after| (at, after)));
        }
        let after = Edges::new(count, pairs.iter().copied());
        let before = Edges::new(count, pairs.iter().map(|(before, after)| (*after, *before)));
        Self { plan, places, before, after }
    }

    /// Tasks and gates together.
    pub fn len(&self) -> usize {
        self.plan.tasks.len() + self.plan.gates.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of the nodes are tasks; they come first.
    pub fn tasks(&self) -> usize {
        self.plan.tasks.len()
    }

    /// The number of a task or gate.
    pub fn place(&self, id: &TaskId) -> Option<usize> {
        self.places.get(id.0.as_str()).copied()
    }

    /// The name of a node.
    pub fn name(&self, node: usize) -> &'p TaskId {
        match node.checked_sub(self.plan.tasks.len()) {
            None => &self.plan.tasks[node].id,
            Some(gate) => &self.plan.gates[gate].id,
        }
    }

    /// What must be done before a node, directly.
    pub fn before(&self, node: usize) -> &[usize] {
        self.before.of(node)
    }

    /// What waits for a node, directly.
    pub fn after(&self, node: usize) -> &[usize] {
        self.after.of(node)
    }

    /// All nodes, each after those before it; what is free comes in the order of the document. Otherwise the cycles,
    /// one of the shortest of each knot, each in the order in which its nodes would have to be done.
    pub fn order(&self) -> Result<Vec<usize>, Vec<Vec<usize>>> {
        let mut left: Vec<usize> = (0..self.len()).map(|node| self.before(node).len()).collect();
        let mut free: VecDeque<usize> = (0..self.len()).filter(|node| left[*node] == 0).collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(node) = free.pop_front() {
            order.push(node);
            for after in self.after(node) {
                left[*after] -= 1;
                if left[*after] == 0 {
                    free.push_back(*after);
                }
            }
        }
        if order.len() == self.len() { Ok(order) } else { Err(self.cycles()) }
    }

    fn cycles(&self) -> Vec<Vec<usize>> {
        let knots = self.knots();
        let mut knot_of = vec![0; self.len()];
        for (at, knot) in knots.iter().enumerate() {
            for node in knot {
                knot_of[*node] = at;
            }
        }
        let mut cycles: Vec<Vec<usize>> = knots
            .iter()
            .filter_map(|knot| self.shortest(*knot.iter().min()?, |node| knot_of[node] == knot_of[knot[0]]))
            .collect();
        cycles.sort_unstable();
        cycles
    }

    /// A shortest way from a node back to itself through `within`; none where there is none.
    fn shortest(&self, from: usize, within: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        let mut came_from = HashMap::new();
        let mut next = VecDeque::from([from]);
        while let Some(node) = next.pop_front() {
            for after in self.after(node).iter().copied().filter(|after| within(*after)) {
                if after == from {
                    let mut way = vec![node];
                    while way.last() != Some(&from) {
                        way.push(came_from[way.last().unwrap_or(&from)]);
                    }
                    way.reverse();
                    return Some(way);
                }
                came_from.entry(after).or_insert_with(|| {
                    next.push_back(after);
                    node
                });
            }
        }
        None
    }

    /// The strongly connected components (Tarjan's algorithm, with a stack of its own).
    fn knots(&self) -> Vec<Vec<usize>> {
        const UNSEEN: usize = usize::MAX;
        let count = self.len();
        let (mut index, mut low) = (vec![UNSEEN; count], vec![0; count]);
        let mut open = vec![false; count];
        let (mut stack, mut knots, mut seen) = (Vec::new(), Vec::new(), 0);
        for root in 0..count {
            if index[root] != UNSEEN {
                continue;
            }
            let mut calls = vec![(root, 0)];
            while let Some((node, child)) = calls.pop() {
                if child == 0 {
                    (index[node], low[node]) = (seen, seen);
                    seen += 1;
                    stack.push(node);
                    open[node] = true;
                }
                if let Some(after) = self.after(node).get(child).copied() {
                    calls.push((node, child + 1));
                    if index[after] == UNSEEN {
                        calls.push((after, 0));
                    } else if open[after] {
                        low[node] = low[node].min(index[after]);
                    }
                    continue;
                }
                if low[node] == index[node] {
                    let first = stack.iter().rposition(|held| *held == node).unwrap_or_default();
                    let knot = stack.split_off(first);
                    for node in &knot {
                        open[*node] = false;
                    }
                    knots.push(knot);
                }
                if let Some((parent, _)) = calls.last() {
                    low[*parent] = low[*parent].min(low[node]);
                }
            }
        }
        knots
    }
}

/// For each node, all that comes before it, directly or not.
#[derive(Debug)]
pub struct Ancestors {
    words: usize,
    bits: Vec<u64>,
}

impl Ancestors {
    /// `order` is the order of the graph.
    pub fn of(graph: &Graph<'_>, order: &[usize]) -> Self {
        let words = graph.len().div_ceil(64);
        let mut bits = vec![0u64; words * graph.len()];
        for node in order.iter().copied() {
            for before in graph.before(node) {
                for word in 0..words {
                    bits[node * words + word] |= bits[before * words + word];
                }
                bits[node * words + before / 64] |= 1 << (before % 64);
            }
        }
        Self { words, bits }
    }

    /// Whether `before` must be done before `node`.
    pub fn has(&self, node: usize, before: usize) -> bool {
        self.bits[node * self.words + before / 64] >> (before % 64) & 1 == 1
    }
}
