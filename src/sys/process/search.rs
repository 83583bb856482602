//! Finding processes again by what their environment holds.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::thread;
use std::time::Duration;

use super::facts::{self, Facts, Identity, is_alive};
use crate::sys::clock::Deadline;

/// A process that is younger than this and has no environment may just be on its way to its
/// program.
const YOUNG: Duration = Duration::from_secs(5);

/// How long such a process is given to arrive.
const PATIENCE: Duration = Duration::from_millis(100);

const PAUSE: Duration = Duration::from_millis(5);

/// The living processes of this user whose environment, as it was when their program was started,
/// has `name` with the value `value`. Sorted by id; we ourselves are not among them.
pub(crate) fn find_by_environ(name: &str, value: &OsStr) -> Vec<Identity> {
    find(name, value, 0)
}

/// The same among those that were not started before `since` was: of all others no environment is
/// read, which is most of the work where there are many.
pub(crate) fn find_younger_by_environ(
    name: &str,
    value: &OsStr,
    since: &Identity,
) -> Vec<Identity> {
    find(name, value, since.start)
}

fn find(name: &str, value: &OsStr, since: u64) -> Vec<Identity> {
    let mut wanted = OsString::from(name);
    wanted.push("=");
    wanted.push(value);
    let mut found = Vec::new();
    let mut unsettled = facts::all();
    let own = std::process::id();
    unsettled.retain(|facts| {
        !facts.is_zombie() && !facts.kernel && facts.pid != own && facts.start >= since
    });
    let deadline = Deadline::after(PATIENCE);
    loop {
        unsettled.retain(|facts| match examine(facts, &wanted) {
            Verdict::Match => {
                found.push(facts.identity());
                false
            }
            Verdict::Other => false,
            Verdict::TooEarly => true,
        });
        if unsettled.is_empty() || deadline.expired() {
            break;
        }
        thread::sleep(PAUSE);
    }
    found.retain(is_alive);
    found.sort_unstable_by_key(|identity| identity.pid);
    found
}

enum Verdict {
    Match,
    Other,
    /// It has no environment yet.
    TooEarly,
}

fn examine(facts: &Facts, wanted: &OsStr) -> Verdict {
    match facts::environment(facts.pid) {
        Some(environment) if environment.iter().any(|pair| pair == wanted) => Verdict::Match,
        Some(environment) if is_nothing(&environment) && is_starting(facts) => Verdict::TooEarly,
        _ => Verdict::Other,
    }
}

fn is_nothing(environment: &[OsString]) -> bool {
    environment.iter().all(|pair| pair.as_bytes().is_empty())
}

fn is_starting(facts: &Facts) -> bool {
    facts::age(facts.start) < YOUNG && is_alive(&facts.identity())
}
