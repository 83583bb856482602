//! What the runner does without starting anything.

use super::*;
use crate::{model::job::Terms, store::queue::order::Order};

/// However many wait in the spool, they are taken in by and by, each once, and the first is next.
/// `CPH_STRESS` for a hundred thousand.
#[test]
fn a_spool_of_any_size_is_taken_in() {
    let env = Env::default();
    let is_stress = Env::current().get("CPH_STRESS").is_some();
    let many: usize = if is_stress { 100_000 } else { 3000 };
    let scratch = tempfile::tempdir().unwrap();
    let queue = Queue::open(&scratch.path().join("state")).unwrap();
    let spool = queue.spool().unwrap();
    for number in 0..many {
        let hook = format!("h{}", number % 7);
        spool.leave(&Order::sample(&format!("o-{number:06}"), &hook, Terms::default())).unwrap();
    }
    let held = queue.try_lock().unwrap().unwrap();
    let mut skipped = BTreeSet::new();
    let mut runner = Runner::new(&queue, &env, &held, &mut skipped);
    let mut jobs = queue.jobs().unwrap();
    let began = std::time::Instant::now();
    let mut rounds = 1;
    while runner.take_in(&mut jobs).unwrap() {
        rounds += 1;
    }
    println!("{many} orders taken in by {rounds} rounds in {:?}", began.elapsed());
    assert_eq!(rounds, many.div_ceil(MOST_IN_ROUND));
    assert!(spool.names().unwrap().is_empty());
    assert_eq!(jobs.counts().unwrap().waiting, many as u64);
    let choice = runner.lanes.choose(&jobs, std::iter::empty()).unwrap();
    let first = jobs.pick(&choice.next().unwrap().1).unwrap().unwrap();
    assert_eq!(first.orders[0].occurrence, "o-000000");
}
