//! What follows a child, and what does not.

use std::os::fd::AsFd as _;

use super::*;

/// A set with a child that ends when it is told to, and what happens beside it.
struct Track {
    set: Set,
    first: Id,
    scratch: tempfile::TempDir,
    /// Somebody else's words.
    others: (std::io::PipeReader, std::io::PipeWriter),
    started: Vec<(Id, Id)>,
    ended: Vec<(Id, Status)>,
}

impl Track {
    /// The first child runs `script` when it may go on.
    fn new(script: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut set = Set::new();
        let script = format!("{}; {script}", until(&scratch, "go"));
        let first = set.start_with_report(sh(&script), limits(), Voices::Together);
        let others = std::io::pipe().unwrap();
        Self { set, first, scratch, others, started: Vec::new(), ended: Vec::new() }
    }

    /// Another child, which ends when it is told to, and then lets only what comes before this place
    /// follow.
    fn another(&mut self, name: &str, before: u32) -> Id {
        let words = sh(&until(&self.scratch, name));
        let id = self.set.start_with_report(words, limits(), Voices::Together);
        self.set.may_be_followed(id, before);
        id
    }

    fn say(&self, name: &str) {
        std::fs::File::create(self.scratch.path().join(name)).unwrap();
    }

    fn prepare(&mut self, script: &str, order: u32, timeout: Option<Duration>) -> Option<Id> {
        let place = Place { order, before: u32::MAX };
        let words = (sh(script), Voices::Together);
        self.set.prepare_next(words, limits(), timeout, place, self.others.0.as_fd())
    }

    /// Lets the first child go on, and what may follow it, until so many have ended.
    fn go(&mut self, before: u32, count: usize) {
        self.set.may_be_followed(self.first, before);
        self.say("go");
        self.wait(count);
    }

    fn wait(&mut self, count: usize) {
        let deadline = Deadline::after(LONG * 3);
        while self.ended.len() < count {
            assert!(!deadline.expired(), "{:?} {:?}", self.started, self.ended);
            let turn = self.set.turn(&[], deadline);
            let has_ended = |id: Id| self.ended.iter().any(|(ended, _)| *ended == id);
            assert!(turn.started.iter().all(|(_, behind)| !has_ended(*behind)), "told too late");
            self.started.extend(turn.started);
            self.ended.extend(turn.ended.into_iter().map(|(id, ending)| (id, ending.status)));
        }
    }

    fn statuses(&self) -> Vec<&Status> {
        self.ended.iter().map(|(_, status)| status).collect()
    }
}

fn until(scratch: &tempfile::TempDir, name: &str) -> String {
    format!("until test -e '{}'; do sleep 0.01; done", scratch.path().join(name).display())
}

#[test]
fn what_is_prepared_follows_who_ends_well_in_its_order() {
    let mut track = Track::new("true");
    let Some(second) = track.prepare("echo $0", 1, None) else { return };
    let third = track.prepare("exit 3", 2, None).unwrap();
    let fourth = track.prepare("true", 3, None).unwrap();
    track.go(u32::MAX, 3);
    assert_eq!(track.started, [(second, track.first), (third, second)]);
    let ended: Vec<_> = track.ended.iter().map(|(id, _)| *id).collect();
    assert_eq!(ended, [track.first, second, third]);
    let statuses = track.statuses();
    assert!(
        matches!(statuses[..], [Status::Exited(0), Status::Exited(0), Status::Exited(3)]),
        "{statuses:?}"
    );
    // Nothing follows who did not end well.
    assert_eq!(track.set.take_back(), [fourth]);
    assert_eq!(track.set.take_back(), []);
}

#[test]
fn nothing_follows_that_is_not_before_what_it_may_be() {
    let mut track = Track::new("true");
    let Some(second) = track.prepare("true", 5, None) else { return };
    track.go(5, 1);
    assert_eq!(track.started, []);
    assert_eq!(track.set.take_back(), [second]);
}

#[test]
fn what_an_end_lets_start_that_was_not_decided_comes_first() {
    let mut track = Track::new("true");
    let Some(second) = track.prepare("true", 1, None) else { return };
    let last = track.prepare("true", 7, None).unwrap();
    track.go(5, 2);
    assert_eq!(track.started, [(second, track.first)], "behind the first only what is before 5");
    track.another("other", u32::MAX);
    track.say("other");
    track.wait(3);
    assert_eq!(track.started.len(), 1, "nor behind others, until it is decided what comes at 5");
    track.set.go_on();
    let third = track.another("third", u32::MAX);
    track.say("third");
    track.wait(5);
    assert_eq!(track.started[1..], [(last, third)]);
}

#[test]
fn everything_is_told_soon_while_the_last_one_runs() {
    let mut track = Track::new("true");
    if track.prepare("true", 1, None).is_none() {
        return;
    }
    for order in 2..10 {
        track.prepare("true", order, None).unwrap();
    }
    track.prepare("sleep 600", 10, None).unwrap();
    let last = track.prepare("true", 11, None).unwrap();
    // Nobody has to wait for a place, so nothing of it is urgent.
    track.go(u32::MAX, 10);
    assert_eq!((track.started.len(), track.set.take_back()), (10, vec![last]));
}

#[cfg(target_os = "linux")]
#[test]
fn what_follows_may_run_wherever_we_may() {
    let mut track = Track::new("true");
    let told = |name: &str| track.scratch.path().join(name);
    let paths = ["second", "third"].map(told);
    let script =
        |path: &Path| format!("grep Cpus_allowed: /proc/self/status >'{}'", path.display());
    let [second, third] = paths.each_ref().map(|path| script(path));
    if track.prepare(&second, 1, None).is_none() {
        return;
    }
    track.prepare(&third, 2, None).unwrap();
    track.go(u32::MAX, 3);
    let ours = std::fs::read_to_string("/proc/self/status").unwrap();
    for path in paths {
        let theirs = std::fs::read_to_string(path).unwrap();
        assert!(ours.contains(&theirs) && !theirs.is_empty(), "{theirs}");
    }
}

#[test]
fn what_was_said_of_a_child_is_heard_before_anything_follows_it() {
    // By itself: both the word and the end are there when the set first looks.
    let mut track = Track::new("echo word >&9");
    let Some(second) = track.prepare("true", 1, None) else { return };
    track.go(u32::MAX, 1);
    assert_eq!((track.started.len(), track.set.take_back()), (0, vec![second]));
    // By others.
    let mut track = Track::new("true");
    let second = track.prepare("true", 1, None).unwrap();
    track.others.1.write_all(b"word").unwrap();
    track.go(u32::MAX, 1);
    assert_eq!((track.started.len(), track.set.take_back()), (0, vec![second]));
}

#[test]
fn after_a_bad_end_the_set_says_when_things_go_on() {
    let mut track = Track::new("exit 1");
    if track.prepare("true", 1, None).is_none() {
        return;
    }
    track.go(u32::MAX, 1);
    let again = track.set.start_with_report(sh("true"), limits(), Voices::Together);
    track.set.may_be_followed(again, u32::MAX);
    track.wait(2);
    assert_eq!(track.started, [], "it was not said");
    track.set.go_on();
    let again = track.set.start_with_report(sh("true"), limits(), Voices::Together);
    track.set.may_be_followed(again, u32::MAX);
    track.wait(4);
    assert_eq!(track.started.len(), 1);
}

#[test]
fn the_time_of_what_follows_begins_with_its_start() {
    let mut track = Track::new("sleep 0.3");
    let limit = Duration::from_millis(200);
    if track.prepare("sleep 600", 1, Some(limit)).is_none() {
        return;
    }
    track.go(u32::MAX, 2);
    let statuses = track.statuses();
    assert!(matches!(statuses[..], [Status::Exited(0), Status::TimedOut]), "{statuses:?}");
}

#[test]
fn what_cannot_be_started_is_told_and_holds_up_what_is_behind_it() {
    let mut track = Track::new("true");
    let file = track.scratch.path().join("gone");
    std::fs::File::create(&file).unwrap().write_all(b"#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let place = Place { order: 1, before: u32::MAX };
    let words = (command(&[file.to_str().unwrap()]), Voices::Together);
    let others = track.others.0.as_fd();
    let Some(second) = track.set.prepare_next(words, limits(), None, place, others) else { return };
    let third = track.prepare("true", 2, None).unwrap();
    std::fs::remove_file(&file).unwrap();
    track.go(u32::MAX, 2);
    assert_eq!(track.started, [(second, track.first)]);
    assert!(matches!(track.ended[1], (id, Status::NotStarted(_)) if id == second));
    assert_eq!(track.set.take_back(), [third]);
}

#[test]
fn where_signals_tell_of_ends_too_everybody_is_told_behind_whom() {
    for _ in 0..50 {
        let mut track = Track::new("true");
        track.set.listen_to_children().unwrap();
        let Some(second) = track.prepare("true", 1, None) else { return };
        track.go(u32::MAX, 2);
        assert_eq!(track.started, [(second, track.first)]);
    }
}

#[test]
fn what_is_prepared_may_be_started_at_once() {
    let mut track = Track::new("true");
    // What comes later may be prepared earlier.
    let Some(third) = track.prepare("true", 3, None) else { return };
    let second = track.prepare("true", 2, None).unwrap();
    assert_eq!(track.set.start_prepared(2), None, "something else comes first");
    assert_eq!(track.set.start_prepared(3), Some(second));
    track.wait(2);
    assert_eq!(track.started, [(third, second)], "it is followed as any other");
    assert_eq!(track.set.start_prepared(u32::MAX), None);
    let place = Place { order: 4, before: u32::MAX };
    let words = (command(&["/nonexistent/program"]), Voices::Together);
    let others = track.others.0.as_fd();
    let last = track.set.prepare_next(words, limits(), None, place, others);
    assert_eq!(track.set.start_prepared(u32::MAX), last);
    track.wait(3);
    assert!(matches!(track.ended[2], (id, Status::NotStarted(_)) if Some(id) == last));
}

#[test]
fn what_was_told_to_end_is_followed_by_nothing() {
    let mut track = Track::new("true");
    let Some(second) = track.prepare("true", 1, None) else { return };
    track.set.may_be_followed(track.first, u32::MAX);
    track.set.cancel();
    track.wait(1);
    assert_eq!((track.started.len(), track.set.take_back()), (0, vec![second]));
    assert!(track.prepare("true", 1, None).is_none());
}
