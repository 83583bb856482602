//! Which task waits for which: order, levels, cycles, the critical path.
//!
//! Knows names and numbers of tasks, not what they do. Invariant: a [`Graph`] has no cycle.

use std::collections::{BTreeMap, HashMap, VecDeque};

use petgraph::{
    algo::{tarjan_scc, toposort},
    graph::{DiGraph, NodeIndex},
};

use crate::{config::nearest::nearest, diag::Diagnostic, source::Span};

use super::{file::Task, rules};

/// Tasks by number, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Graph {
    /// What each task waits for, sorted.
    pub(crate) dependencies: Vec<Vec<usize>>,
    /// What waits for each task, sorted.
    pub(crate) dependents: Vec<Vec<usize>>,
    /// An order in which every task comes after its dependencies.
    pub(crate) order: Vec<usize>,
    /// The batch of each task, from 0: one more than the latest of its dependencies.
    pub(crate) level: Vec<usize>,
}

/// The tasks that a name stands for: the task, or all variants of its matrix.
pub(crate) fn meant(tasks: &[Task], name: &str) -> Vec<usize> {
    let exact = tasks.iter().position(|task| task.name == name);
    match exact {
        Some(index) => vec![index],
        None => (0..tasks.len()).filter(|index| tasks[*index].family == name).collect(),
    }
}

/// Builds the graph; an error is everything that is wrong with the dependencies.
pub(crate) fn build(tasks: &[Task]) -> Result<Graph, Vec<(Diagnostic, Span)>> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, task) in tasks.iter().enumerate() {
        if task.family != task.name {
            by_name.entry(&task.family).or_default().push(index);
        }
    }
    for (index, task) in tasks.iter().enumerate() {
        by_name.insert(&task.name, vec![index]);
    }
    let mut faults = Vec::new();
    let mut dependencies = Vec::with_capacity(tasks.len());
    for task in tasks {
        let mut mine = Vec::new();
        for (name, span) in &task.dependencies {
            match by_name.get(name.as_str()) {
                Some(others) => mine.extend(others.iter().copied()),
                None => faults.push((unknown(name, &by_name), *span)),
            }
        }
        mine.sort_unstable();
        mine.dedup();
        dependencies.push(mine);
    }
    match Graph::new(dependencies) {
        Ok(graph) if faults.is_empty() => Ok(graph),
        Ok(_) => Err(faults),
        Err(cycles) => {
            faults.extend(cycles.iter().map(|cycle| cycle_fault(tasks, cycle)));
            Err(faults)
        }
    }
}

fn unknown(name: &str, known: &HashMap<&str, Vec<usize>>) -> Diagnostic {
    let mut names: Vec<&str> = known.keys().copied().collect();
    names.sort_unstable();
    let found = Diagnostic::new(&rules::UNKNOWN_TASK, format!("there is no task `{name}`"));
    match nearest(name, names) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    }
}

fn cycle_fault(tasks: &[Task], cycle: &[usize]) -> (Diagnostic, Span) {
    let names: Vec<_> = cycle.iter().map(|index| tasks[*index].name.as_str()).collect();
    let first = &tasks[cycle[0]];
    let next = cycle.get(1).map_or(first, |index| &tasks[*index]);
    let message = if let [_] = cycle {
        format!("`{}` waits for itself", first.name)
    } else {
        format!("tasks wait for each other: {} → {}", names.join(" → "), first.name)
    };
    let found = Diagnostic::new(&rules::CYCLE, message);
    let written =
        first.dependencies.iter().find(|(name, _)| *name == next.name || *name == next.family);
    (
        found.label("taking this one away would end it"),
        written.map_or(first.span, |(_, span)| *span),
    )
}

impl Graph {
    /// From what each task waits for; an error is one cycle for each knot, each beginning with its
    /// first task.
    pub(crate) fn new(dependencies: Vec<Vec<usize>>) -> Result<Self, Vec<Vec<usize>>> {
        let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(dependencies.len(), 0);
        for _ in &dependencies {
            graph.add_node(());
        }
        let mut dependents = vec![Vec::new(); dependencies.len()];
        for (index, mine) in dependencies.iter().enumerate() {
            for other in mine {
                graph.add_edge(NodeIndex::new(*other), NodeIndex::new(index), ());
                dependents[*other].push(index);
            }
        }
        let Ok(order) = toposort(&graph, None) else {
            return Err(cycles(&graph, &dependencies));
        };
        let order: Vec<usize> = order.into_iter().map(NodeIndex::index).collect();
        let mut level = vec![0; dependencies.len()];
        for &index in &order {
            level[index] =
                dependencies[index].iter().map(|other| level[*other] + 1).max().unwrap_or(0);
        }
        Ok(Self { dependencies, dependents, order, level })
    }

    pub(crate) fn len(&self) -> usize {
        self.dependencies.len()
    }

    /// Tasks by batch.
    pub(crate) fn batches(&self) -> Vec<Vec<usize>> {
        let count = self.level.iter().max().map_or(0, |most| most + 1);
        let mut batches = vec![Vec::new(); count];
        for (index, level) in self.level.iter().enumerate() {
            batches[*level].push(index);
        }
        batches
    }

    /// Whether `other` is a dependency of `task`, directly or by way of others.
    pub(crate) fn comes_before(&self, other: usize, task: usize) -> bool {
        let mut seen = vec![false; self.len()];
        let mut open = vec![task];
        while let Some(index) = open.pop() {
            for &before in &self.dependencies[index] {
                if before == other {
                    return true;
                }
                if !std::mem::replace(&mut seen[before], true) {
                    open.push(before);
                }
            }
        }
        false
    }

    /// For each task what it takes from its start to the end of the longest chain behind it.
    pub(crate) fn remaining(&self, lengths: &[f64]) -> Vec<f64> {
        let mut remaining = vec![0.0_f64; self.len()];
        for &index in self.order.iter().rev() {
            let behind = self.dependents[index].iter().map(|other| remaining[*other]);
            remaining[index] = lengths[index] + behind.fold(0.0, f64::max);
        }
        remaining
    }

    /// The chain that takes longest, from its first task on.
    pub(crate) fn critical_path(&self, lengths: &[f64]) -> Vec<usize> {
        let remaining = self.remaining(lengths);
        let longest = |candidates: &mut dyn Iterator<Item = usize>| {
            candidates.reduce(|best, one| if remaining[one] > remaining[best] { one } else { best })
        };
        let mut roots = (0..self.len()).filter(|index| self.dependencies[*index].is_empty());
        let mut path = Vec::new();
        let mut next = longest(&mut roots);
        while let Some(index) = next {
            path.push(index);
            next = longest(&mut self.dependents[index].iter().copied());
        }
        path
    }
}

/// The shortest cycle through the first task of each knot.
fn cycles(graph: &DiGraph<(), ()>, dependencies: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut knots: Vec<Vec<usize>> = tarjan_scc(graph)
        .into_iter()
        .map(|knot| knot.into_iter().map(NodeIndex::index).collect::<Vec<_>>())
        .filter(|knot| knot.len() > 1 || dependencies[knot[0]].contains(&knot[0]))
        .collect();
    for knot in &mut knots {
        knot.sort_unstable();
    }
    knots.sort();
    knots.iter().map(|knot| shortest_round(knot[0], dependencies)).collect()
}

/// From a task along what it waits for, back to itself.
fn shortest_round(start: usize, dependencies: &[Vec<usize>]) -> Vec<usize> {
    let mut from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(index) = open.pop_front() {
        for &next in &dependencies[index] {
            if next == start {
                let mut round = vec![index];
                while let Some(before) = from.get(&round[round.len() - 1]) {
                    round.push(*before);
                }
                round.reverse();
                return round;
            }
            if next != start && !from.contains_key(&next) {
                from.insert(next, index);
                open.push_back(next);
            }
        }
    }
    vec![start]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A, B, C; D after A, E after B; F after D and E.
    fn six() -> Graph {
        Graph::new(vec![vec![], vec![], vec![], vec![0], vec![1], vec![3, 4]]).unwrap()
    }

    #[test]
    fn batches_follow_the_longest_way() {
        let graph = six();
        assert_eq!(graph.batches(), [vec![0, 1, 2], vec![3, 4], vec![5]]);
        assert!(graph.comes_before(0, 5) && !graph.comes_before(2, 5) && !graph.comes_before(5, 0));
    }

    #[test]
    fn the_critical_path_takes_longest() {
        assert_eq!(six().critical_path(&[1.0; 6]), [0, 3, 5]);
        assert_eq!(six().critical_path(&[1.0, 5.0, 1.0, 1.0, 1.0, 1.0]), [1, 4, 5]);
        assert_eq!(six().critical_path(&[1.0, 1.0, 9.0, 1.0, 1.0, 1.0]), [2]);
        assert!(Graph::default().critical_path(&[]).is_empty());
    }

    #[test]
    fn cycles_are_spelled_out() {
        let knots = Graph::new(vec![vec![2], vec![0], vec![1], vec![3], vec![0]]).unwrap_err();
        assert_eq!(knots, [vec![0, 2, 1], vec![3]]);
        let knots = Graph::new(vec![vec![1, 2], vec![0], vec![0]]).unwrap_err();
        assert_eq!(knots, [vec![0, 1]]);
    }
}
