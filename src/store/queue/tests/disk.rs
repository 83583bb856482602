//! When what the database holds reaches the disk.

use super::*;
use crate::model::job::Durability;

/// A short log is left to the next one, which finds everything in it; a long one is taken in.
#[test]
fn a_log_is_left_behind_until_it_is_long() {
    let scratch = scratch();
    let log = scratch.queue.dir.path().join("jobs.db-wal");
    let length = || log.metadata().map_or(0, |log| log.len());
    for number in 0..3 {
        let mut jobs = scratch.queue.jobs().unwrap();
        jobs.take(&[Order::sample(&format!("o-{number}"), "h", Terms::default())]).unwrap();
        drop(jobs);
        assert!(length() > 0);
        assert_eq!(scratch.queue.jobs().unwrap().counts().unwrap().waiting, number + 1);
    }
    let before = length();
    drop(scratch.queue.jobs().unwrap());
    assert_eq!(length(), before, "to look writes nothing");
    let mut jobs = scratch.queue.jobs().unwrap();
    let many: Vec<_> =
        (0..2000).map(|n| Order::sample(&format!("p-{n}"), "h", Terms::default())).collect();
    jobs.take(&many).unwrap();
    drop(jobs);
    assert!(!log.exists(), "{}", length());
    assert_eq!(scratch.queue.jobs().unwrap().counts().unwrap().waiting, 2003);
}

/// What is to survive the end of the machine does not lie in a database that would not.
#[test]
fn a_new_database_is_on_the_disk_before_it_holds_a_lasting_job() {
    let scratch = scratch();
    let size = || scratch.queue.dir.path().join("jobs.db").metadata().unwrap().len();
    let terms = Terms { durability: Durability::Power, ..Terms::default() };
    let mut jobs = scratch.queue.jobs().unwrap();
    jobs.take(&[Order::sample("o-1", "h", Terms::default())]).unwrap();
    assert_eq!(size(), 4096, "only its head is there");
    jobs.take(&[Order::sample("o-2", "h", terms)]).unwrap();
    assert!(size() > 4096, "the tables are in the log alone");
}
