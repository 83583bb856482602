//! What the kernel says that a process does.

use super::*;

/// Whether all processes of a group are found in a state, before long; one by one and together.
fn comes_to(group: u32, state: State) -> bool {
    let deadline = Deadline::after(LONG * 2);
    while !deadline.expired() {
        let all = facts_of_all();
        let mut states = all.iter().filter(|facts| facts.group == group).map(|facts| facts.state);
        let alone = facts_of(group).and_then(|facts| facts.state);
        if alone == Some(state) && states.all(|one| one == Some(state)) {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn a_process_that_was_stopped_is_told_from_one_that_sleeps() {
    let mut set = Set::new();
    // A child of its own: the shell itself might be replaced by it.
    let id = set.start(sh("sleep 600 & wait"), Limits { grace: SOON, ..limits() });
    let pid = set.identity(id).unwrap().pid;
    let group = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    let tell = |signal| rustix::process::kill_process_group(group, signal).unwrap();
    assert!(comes_to(pid, State::Sleeping));
    tell(rustix::process::Signal::STOP);
    assert!(comes_to(pid, State::Stopped));
    tell(rustix::process::Signal::CONT);
    assert!(comes_to(pid, State::Sleeping));
    // Nobody waits for it yet.
    tell(rustix::process::Signal::KILL);
    assert!(comes_to(pid, State::Zombie));
    assert!(matches!(set.next().unwrap().1.status, Status::Signalled(9)));
}
