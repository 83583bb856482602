//! Runs of jobs: who has begun, who has ended, and who is dead.

use std::path::PathBuf;

use super::scratch;
use crate::{
    model::Processor,
    store::queue::run::{End, How, Start, State as RunState, Task},
};

fn task() -> Task {
    Task {
        label: "h".to_owned(),
        event: "Stop".to_owned(),
        argv: vec!["true".to_owned()],
        dir: None,
        project: "/".into(),
        environment: PathBuf::new(),
        told: std::collections::BTreeMap::new(),
        outlives_environment: false,
        stdin: String::new(),
        limit_ms: 1,
        memory_mb: None,
        cpu_s: None,
        streams: None,
        vocabulary: Processor::ClaudeCode,
        hand_over: None,
    }
}

#[test]
fn a_start_that_was_declared_dead_never_begins() {
    let scratch = scratch();
    let runs = scratch.queue.runs().unwrap();
    let start = Start { job: "a".to_owned(), number: 1 };
    runs.prepare(&start, &task()).unwrap();
    assert_eq!(runs.settle(&start, None).unwrap(), RunState::Dead { has_begun: false });
    assert!(runs.begin(&start).unwrap().is_none());
    assert_eq!(Start::parse(&start.name()), Some(start));
}

#[test]
fn whoever_looks_sees_the_same_end() {
    let scratch = scratch();
    let runs = scratch.queue.runs().unwrap();
    let start = Start { job: "a".to_owned(), number: 1 };
    runs.prepare(&start, &task()).unwrap();
    let (mut begun, told) = runs.begin(&start).unwrap().unwrap();
    assert_eq!(told, task());
    assert_eq!(runs.settle(&start, None).unwrap(), RunState::AtWork);
    assert_eq!(runs.worker(&start).unwrap().pid, std::process::id());
    let end = End { how: How::Exited(0), ..End::default() };
    begun.ended(&end).unwrap();
    assert_eq!(runs.settle(&start, None).unwrap(), RunState::Ended(end.clone()));
    drop(begun);
    assert_eq!(runs.settle(&start, None).unwrap(), RunState::Ended(end));
    assert!(runs.begin(&start).unwrap().is_none(), "it is not run again");
    runs.remove(&start).unwrap();
    assert!(runs.begin(&start).unwrap().is_none());
}

#[test]
fn a_worker_that_died_has_begun_and_not_ended() {
    let scratch = scratch();
    let runs = scratch.queue.runs().unwrap();
    let start = Start { job: "a".to_owned(), number: 2 };
    runs.prepare(&start, &task()).unwrap();
    drop(runs.begin(&start).unwrap().unwrap());
    assert_eq!(runs.settle(&start, None).unwrap(), RunState::Dead { has_begun: true });
    assert_eq!(runs.all().unwrap(), [start]);
}

/// What a limit of its own has done to a hook is told in words.
#[test]
fn ends_are_told_in_words() {
    let told = |how: How| how.to_string();
    assert_eq!(told(How::Exited(3)), "exit 3");
    assert_eq!(told(How::Signalled(9)), "signal 9");
    assert_eq!(told(How::Signalled(24)), "signal 24: its processor time was over");
}
