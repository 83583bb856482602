//! What runs have said does not fill the disk.

use std::time::Duration;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Logs of so many bytes, each a step older than the one before; their names.
fn leave(
    scratch: &Scratch,
    count: u32,
    bytes: u64,
    youngest: Duration,
    step: Duration,
) -> Vec<String> {
    let dir = scratch.queue.dir.subdir("logs").unwrap();
    let now = crate::sys::clock::wall_now();
    let log = |number: u32| {
        let name = format!("j{number}.1.log");
        let file = dir.create_new(&name).unwrap();
        // Without contents it takes no room.
        file.set_len(bytes).unwrap();
        file.set_modified(now - youngest - step * number).unwrap();
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
    let names = leave(&scratch, 2005, 1, Duration::ZERO, MINUTE);
    assert_eq!(left(&scratch), names[..2000].iter().cloned().collect());
}

#[test]
fn the_oldest_of_too_much_go() {
    let scratch = scratch();
    let names = leave(&scratch, 10, 20 << 20, Duration::ZERO, MINUTE);
    assert_eq!(left(&scratch), names[..6].iter().cloned().collect());
}

#[test]
fn what_is_too_old_goes() {
    let scratch = scratch();
    // Of a month nearly five hours are left.
    let names = leave(&scratch, 10, 1, Duration::from_mins((24 * 30 - 5) * 60 + 30), HOUR);
    assert_eq!(left(&scratch), names[..5].iter().cloned().collect());
}
