//! What runs have said does not fill the disk.

use std::time::Duration;

use super::*;

/// Logs of so many bytes, each a minute older than the one before; their names.
fn leave(scratch: &Scratch, count: u32, bytes: u64, youngest: Duration) -> Vec<String> {
    let dir = scratch.queue.dir.subdir("logs").unwrap();
    let now = crate::sys::clock::wall_now();
    let log = |number: u32| {
        let name = format!("j{number}.1.log");
        let file = dir.create_new(&name).unwrap();
        // Without contents it takes no room.
        file.set_len(bytes).unwrap();
        file.set_modified(now - youngest - Duration::from_mins(1) * number).unwrap();
        name
    };
    (0..count).map(log).collect()
}

fn left(scratch: &Scratch) -> BTreeSet<String> {
    scratch.queue.logs().unwrap().sweep(&BTreeSet::new());
    let names = scratch.queue.dir.subdir("logs").unwrap().list().unwrap();
    names.into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn the_oldest_of_too_many_go() {
    let scratch = scratch();
    let names = leave(&scratch, 2005, 1, Duration::ZERO);
    assert_eq!(left(&scratch), names[..2000].iter().cloned().collect());
}

#[test]
fn the_oldest_of_too_much_go() {
    let scratch = scratch();
    let names = leave(&scratch, 10, 20 << 20, Duration::ZERO);
    assert_eq!(left(&scratch), names[..6].iter().cloned().collect());
}

#[test]
fn what_is_too_old_goes() {
    let scratch = scratch();
    let month = Duration::from_hours(24 * 30);
    let names = leave(&scratch, 10, 1, month - Duration::from_secs(290));
    // Nearly five minutes are left.
    assert_eq!(left(&scratch), names[..5].iter().cloned().collect());
}
