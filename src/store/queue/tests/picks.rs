//! What is picked to run, and what comes between.

use super::*;

/// The first that waits, picked.
fn picked(jobs: &Jobs) -> Picked {
    let lanes = jobs.lanes().unwrap();
    jobs.pick(&jobs.head(&lanes[0]).unwrap().unwrap()).unwrap().unwrap()
}

/// Whoever was told that a job is cancelled must not see it run.
#[test]
fn what_is_cancelled_after_it_was_picked_does_not_run() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    jobs.take(&orders(2, "h", &Terms { batch: Some(Batch::default()), ..Terms::default() }))
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(60));
    jobs.promote().unwrap();
    let both = picked(&jobs);
    assert_eq!(both.orders.len(), 2);
    let mut person = scratch.queue.jobs().unwrap();
    assert_eq!(person.cancel(&[both.orders[1].id.clone()]).unwrap(), 1);
    assert!(!jobs.begin(&both, false).unwrap());
    assert_eq!(states(&jobs), [("waiting", 1), ("cancelled", 1)]);
    let one = picked(&jobs);
    let id = std::slice::from_ref(&one.start.job);
    assert_eq!((one.orders.len(), one.start.number), (1, 1));
    assert!(jobs.begin(&one, false).unwrap());
    assert!(!jobs.begin(&one, false).unwrap(), "it runs");
    person.cancel(id).unwrap();
    jobs.finish(&one.start, &Outcome { is_cancelled: true, ..Outcome::default() }).unwrap();
    person.purge(id).unwrap();
    assert!(!jobs.begin(&one, false).unwrap(), "it is forgotten");
}

/// The paths of a batch have to fit into the environment; each arrives, whatever runs that takes.
#[test]
fn a_batch_is_no_longer_than_its_paths_fit() {
    let scratch = scratch();
    let mut jobs = scratch.queue.jobs().unwrap();
    let batch = Batch { max_size: 6, ..Batch::default() };
    let terms = Terms { batch: Some(batch), ..Terms::default() };
    let mut all = orders(6, "h", &terms);
    for (order, of) in all.iter_mut().zip(["a", "a", "b", "b", "c", "d"]) {
        order.item = Some(of.repeat(30_000));
    }
    jobs.take(&all).unwrap();
    let mut seen = Vec::new();
    for count in [5, 1] {
        let run = picked(&jobs);
        assert_eq!(run.orders.len(), count);
        seen.extend(run.orders.iter().map(|order| order.occurrence.clone()));
        assert!(jobs.begin(&run, false).unwrap());
    }
    assert_eq!(seen, all.iter().map(|order| order.occurrence.clone()).collect::<Vec<_>>());
}
