//! Random graphs, played by an executor that has a clock of its own.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]

use std::{cmp::Reverse, collections::BinaryHeap};

use proptest::prelude::*;

use super::*;
use crate::{source::SourceFile, tasks::read::read};

/// A graph with what its tasks take and need.
#[derive(Clone, Debug)]
struct Case {
    dependencies: Vec<Vec<usize>>,
    lengths: Vec<u64>,
    /// At most one resource of three for each task.
    resources: Vec<Option<u8>>,
    priorities: Vec<i64>,
    fails: Vec<bool>,
    workers: usize,
    /// A worker gets its next task before its last one is closed, where it may.
    hands_over: bool,
}

fn cases(most: usize) -> impl Strategy<Value = Case> {
    let size = prop_oneof![3 => 1..60_usize, 1 => 1..=most];
    (size, any::<u64>(), 1..9_usize, 0..4_u64).prop_map(|(count, seed, workers, density)| {
        let mut dice = seed | 1;
        let mut roll = move |sides: u64| {
            // Xorshift: the shape matters, not the quality.
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % sides
        };
        let mut case = Case {
            dependencies: Vec::new(),
            lengths: Vec::new(),
            resources: Vec::new(),
            priorities: Vec::new(),
            fails: Vec::new(),
            workers,
            hands_over: seed % 2 == 0,
        };
        for index in 0..count as u64 {
            let many = if index == 0 { 0 } else { roll(density + 1) };
            let mut mine: Vec<usize> = (0..many).map(|_| roll(index) as usize).collect();
            mine.sort_unstable();
            mine.dedup();
            case.dependencies.push(mine);
            case.lengths.push(1 + roll(20));
            case.resources.push((roll(4) == 0).then(|| roll(3) as u8));
            case.priorities.push(roll(3) as i64);
            case.fails.push(roll(25) == 0);
        }
        case
    })
}

/// Tasks with these properties, made by the reader like any others.
fn tasks(case: &Case) -> Vec<Task> {
    let source = SourceFile::new("t", "tasks: [{name: x, run: x}]");
    let (file, _) = read(&source).unwrap();
    let make = |index: usize| Task {
        name: index.to_string(),
        family: index.to_string(),
        priority: case.priorities[index],
        resources: case.resources[index].iter().map(u8::to_string).collect(),
        ..file.tasks[0].clone()
    };
    (0..case.lengths.len()).map(make).collect()
}

/// What happened: start and end of every task that ran, and how each ended.
#[derive(Debug)]
struct Played {
    times: Vec<Option<(u64, u64)>>,
    outcomes: Vec<Option<Outcome>>,
    most_at_once: usize,
}

impl Played {
    fn end(&self) -> u64 {
        self.times.iter().flatten().map(|(_, end)| *end).max().unwrap_or(0)
    }
}

fn play(case: &Case, graph: &Graph, on_failure: OnFailure, by_batch: bool) -> Played {
    let tasks = tasks(case);
    let lengths: Vec<f64> = case.lengths.iter().map(|length| *length as f64).collect();
    let mut schedule = Schedule::new(&tasks, graph, &lengths, on_failure, by_batch);
    let count = tasks.len();
    let mut played =
        Played { times: vec![None; count], outcomes: vec![None; count], most_at_once: 0 };
    let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut now = 0;
    loop {
        while running.len() < case.workers {
            let Some(index) = schedule.next(|_| true) else { break };
            assert!(played.times[index].is_none(), "{index} starts twice");
            played.times[index] = Some((now, now + case.lengths[index]));
            running.push(Reverse((now + case.lengths[index], index)));
        }
        played.most_at_once = played.most_at_once.max(running.len());
        let Some(Reverse((end, index))) = running.pop() else { break };
        now = end;
        let outcome = if case.fails[index] { Outcome::Failed } else { Outcome::Succeeded };
        if case.hands_over && outcome.is_done() {
            let next = schedule.next_besides(index, |_| true);
            if let Some(next) = next {
                assert!(played.times[next].is_none(), "{next} starts twice");
                played.times[next] = Some((now, now + case.lengths[next]));
                running.push(Reverse((now + case.lengths[next], next)));
            }
        }
        for (index, outcome) in [(index, outcome)].into_iter().chain(schedule.ended(index, outcome))
        {
            assert!(played.outcomes[index].replace(outcome).is_none(), "{index} ends twice");
        }
    }
    assert!(schedule.is_over());
    played
}

fn graph(case: &Case) -> Graph {
    Graph::new(case.dependencies.clone()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_starts_early_and_everything_ends(case in cases(2000), by_batch: bool, stop: bool) {
        let graph = graph(&case);
        let on_failure = if stop { OnFailure::Stop } else { OnFailure::Continue };
        let played = play(&case, &graph, on_failure, by_batch);
        prop_assert!(played.most_at_once <= case.workers);
        for index in 0..graph.len() {
            let outcome = played.outcomes[index];
            prop_assert!(outcome.is_some(), "{} has not ended", index);
            let ran = matches!(outcome, Some(Outcome::Succeeded | Outcome::Failed));
            prop_assert_eq!(ran, played.times[index].is_some());
            let Some((start, _)) = played.times[index] else { continue };
            for &before in &graph.dependencies[index] {
                prop_assert_eq!(played.outcomes[before], Some(Outcome::Succeeded));
                prop_assert!(played.times[before].unwrap().1 <= start);
            }
        }
        if !stop {
            let is_behind_failure = |index: &usize| {
                (0..graph.len()).any(|other| case.fails[other] && graph.comes_before(other, *index))
            };
            let few = (0..graph.len()).take(60);
            for index in few {
                let is_blocked = played.outcomes[index] == Some(Outcome::Blocked);
                prop_assert_eq!(is_blocked, is_behind_failure(&index));
            }
        }
    }

    #[test]
    fn resources_are_held_by_one_task_at_a_time(case in cases(400), by_batch: bool) {
        let played = play(&case, &graph(&case), OnFailure::Continue, by_batch);
        for resource in 0..3 {
            let holds = |index: &usize| case.resources[*index] == Some(resource);
            let mut spans: Vec<_> =
                (0..case.lengths.len()).filter(holds).filter_map(|i| played.times[i]).collect();
            spans.sort_unstable();
            prop_assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        }
    }

    /// With a worker for every task, each starts when its own dependencies are done, which is
    /// never after their whole batch is.
    #[test]
    fn never_worse_than_by_batch(mut case in cases(2000)) {
        case.workers = case.lengths.len();
        case.resources.fill(None);
        case.fails.fill(false);
        let graph = graph(&case);
        let free = play(&case, &graph, OnFailure::Stop, false);
        let by_batch = play(&case, &graph, OnFailure::Stop, true);
        for index in 0..graph.len() {
            prop_assert!(free.times[index].unwrap().0 <= by_batch.times[index].unwrap().0);
        }
        let lengths: Vec<f64> = case.lengths.iter().map(|length| *length as f64).collect();
        let path = graph.critical_path(&lengths);
        prop_assert_eq!(free.end(), path.iter().map(|index| case.lengths[*index]).sum::<u64>());
    }

    /// With few workers no order is always best, but no worker idles while a task could start:
    /// so the end comes at the latest after a fair share of all work and the longest chain.
    #[test]
    fn no_worker_idles_while_a_task_could_start(mut case in cases(2000)) {
        case.resources.fill(None);
        case.fails.fill(false);
        let graph = graph(&case);
        let free = play(&case, &graph, OnFailure::Stop, false);
        let lengths: Vec<f64> = case.lengths.iter().map(|length| *length as f64).collect();
        let longest: u64 =
            graph.critical_path(&lengths).iter().map(|index| case.lengths[*index]).sum();
        let all: u64 = case.lengths.iter().sum();
        prop_assert!(free.end() <= all / case.workers as u64 + longest);
    }
}

#[test]
fn higher_priorities_and_longer_chains_come_first() {
    let source = SourceFile::new(
        "t",
        "tasks:
- {name: short, run: x}
- {name: long, run: x}
- {name: behind, run: x, dependencies: long}
- {name: first, run: x, priority: 1}
",
    );
    let (file, graph) = read(&source).unwrap();
    let mut schedule = Schedule::new(&file.tasks, &graph, &[1.0; 4], OnFailure::Stop, false);
    let order: Vec<_> = std::iter::from_fn(|| schedule.next(|_| true)).collect();
    assert_eq!(order, [3, 1, 0]);
}

#[test]
fn the_next_one_may_come_before_the_last_one_is_closed() {
    let text = "tasks:
- {name: a, run: x, priority: 9}
- {name: b, run: x, resources: r, priority: 8}
- {name: c, run: x, priority: 2}
- {name: behind a, run: x, dependencies: a, priority: 1}
- {name: d, run: x}
";
    let (file, graph) = read(&SourceFile::new("t", text)).unwrap();
    let new = |by_batch| {
        let mut schedule = Schedule::new(&file.tasks, &graph, &[1.0; 5], OnFailure::Stop, by_batch);
        assert_eq!([schedule.next(|_| true), schedule.next(|_| true)], [Some(0), Some(1)]);
        schedule
    };
    let mut schedule = new(false);
    assert_eq!(schedule.next_besides(1, |_| true), None, "another may wait for its resource");
    assert_eq!(schedule.next_besides(0, |_| true), Some(2));
    assert_eq!(schedule.next_besides(0, |_| true), None, "what is behind it comes first");
    schedule.ended(0, Outcome::Succeeded);
    assert_eq!(schedule.next(|_| true), Some(3));
    assert_eq!(new(true).next_besides(0, |_| true), None);
}

#[test]
fn a_task_that_is_put_back_lets_go_and_comes_again() {
    let source = SourceFile::new(
        "t",
        "tasks: [{name: a, run: x, resources: r}, {name: b, run: x, resources: r}]",
    );
    let (file, graph) = read(&source).unwrap();
    let mut schedule = Schedule::new(&file.tasks, &graph, &[1.0; 2], OnFailure::Continue, false);
    assert_eq!(schedule.next(|_| true), Some(0));
    assert_eq!(schedule.next(|_| true), None);
    schedule.put_back(0);
    assert_eq!(schedule.next(|_| true), Some(1));
    schedule.again(0);
    assert_eq!(schedule.next(|_| true), None, "its resource is held");
    schedule.ended(1, Outcome::Failed);
    assert_eq!(schedule.next(|_| true), Some(0));
    schedule.put_back(0);
    assert_eq!(schedule.stop(), [(0, Outcome::NotRun)]);
    assert!(schedule.is_over());
}
