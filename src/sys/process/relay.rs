//! The next child is started where the last one has ended, before anybody else has had a turn.
//!
//! Whoever polls for the end of a child is woken on the processor on which it slept last, which may
//! be busy for as long as a child takes, while the other one has nothing to do. A thread that waits
//! for a child is woken on the processor on which the child ends. So for each place a thread waits
//! for the child there, and starts what was prepared to come next; the set learns of both
//! afterwards, and where children end fast one after the other, of several at a time: to wake
//! somebody on another processor takes longer than to start a child. Knows nothing of what children
//! say. Invariants: nothing is started behind a child that did not end well, or while the set is to
//! decide first; nor what does not come before all that such ends let start of which the set has not
//! decided yet; each prepared child is started once or given back.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    process::{Pid, WaitId, WaitIdOptions, waitid},
};

use super::{
    Id,
    spawn::{self, Ears, Prepared},
    turn,
};
use crate::sys::{spread, trace};

/// What a thread of ours needs of stack.
const STACK: usize = 128 << 10;

/// Where a child stands in the order of all that may be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Lower ones come first.
    pub(crate) order: u32,
    /// Behind it only what comes before this is started.
    pub(crate) before: u32,
}

/// A child that a thread waits for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waited {
    pub(super) id: Id,
    pub(super) pid: u32,
    /// Where it reports. Open until the set has been told of its end.
    pub(super) report: Option<RawFd>,
    /// As in [`Place`].
    pub(super) before: u32,
}

/// What is prepared.
struct Next {
    id: Id,
    place: Place,
    prepared: Prepared,
}

/// What the set is told.
pub(super) enum Told {
    Ended {
        id: Id,
        is_well: bool,
    },
    /// It is about to be started.
    Follows {
        id: Id,
        behind: Id,
    },
    Started {
        id: Id,
        at: Instant,
        child: io::Result<(u32, Ears)>,
    },
}

impl Told {
    /// Whether the set is to decide before anything else is started.
    fn is_bad(&self) -> bool {
        match self {
            Self::Ended { is_well, .. } => !is_well,
            Self::Follows { .. } => false,
            Self::Started { child, .. } => child.is_err(),
        }
    }
}

struct State {
    /// In the order of their places.
    next: VecDeque<Next>,
    to_wait: Vec<Waited>,
    told: Vec<Told>,
    threads: usize,
    /// Threads that wait for something to wait for.
    idle: usize,
    /// What comes before this place, and only that, comes before everything that the ends let start
    /// that were told; and that were told and heard.
    before_told: u32,
    before_heard: u32,
    /// The set will hear what is told without being woken, and soon.
    will_look: bool,
    /// Children that nothing follows by itself.
    barred: BTreeSet<Id>,
    /// The set is to decide first.
    is_held: bool,
    is_over: bool,
}

impl State {
    fn new() -> Self {
        Self {
            next: VecDeque::new(),
            to_wait: Vec::new(),
            told: Vec::new(),
            threads: 0,
            idle: 0,
            before_told: u32::MAX,
            before_heard: u32::MAX,
            will_look: false,
            barred: BTreeSet::new(),
            is_held: false,
            is_over: false,
        }
    }

    /// Whether what was told can wait until the set looks by itself: for each child that runs
    /// somebody who may follow it is prepared.
    fn can_wait(&self) -> bool {
        self.will_look && !self.is_held && self.next.len() >= self.threads - self.idle
    }
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    /// Where others may have something to say of a child, which is to be heard first.
    others: RawFd,
    /// Readable when something was told.
    bell: OwnedFd,
    rope: OwnedFd,
}

pub(super) struct Relay {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // When it is full it is readable too.
        let _ = rustix::io::write(&self.rope, b"!");
    }

    /// Whether nothing waits to be heard that was said by a child, or by others of it.
    fn is_silent(&self, waited: &Waited) -> bool {
        let mut polled: Vec<_> =
            waited.report.into_iter().chain([self.others]).map(watched).collect();
        matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
    }

    /// Waits for children, one after the other.
    fn serve(&self) {
        turn::be_short();
        let mut child = self.another();
        while let Some(waited) = child {
            // The child runs here too. Woken elsewhere, because somebody else waits for this processor,
            // we would start the next one where another child runs, and this place would idle.
            spread::stay();
            let is_well = ended_well(waited.pid);
            spread::roam();
            child = self.pass_on(&waited, is_well).or_else(|| self.another());
        }
    }

    fn another(&self) -> Option<Waited> {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return None;
            }
            if let Some(waited) = state.to_wait.pop() {
                return Some(waited);
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Tells of an end, and starts what comes next.
    fn pass_on(&self, waited: &Waited, is_well: bool) -> Option<Waited> {
        let is_silent = is_well && self.is_silent(waited);
        let next = {
            let mut state = self.lock();
            state.told.push(Told::Ended { id: waited.id, is_well });
            state.is_held |= !is_well;
            let is_barred = state.barred.remove(&waited.id);
            let is_free = is_silent && !is_barred && !state.is_held && !state.is_over;
            state.before_told = state.before_told.min(waited.before);
            let before = state.before_told.min(state.before_heard);
            let next = state.next.pop_front_if(|next| is_free && next.place.order < before);
            let follows =
                next.as_ref().map(|next| Told::Follows { id: next.id, behind: waited.id });
            state.told.extend(follows);
            next
        };
        let Some(Next { id, place, prepared }) = next else {
            self.ring();
            return None;
        };
        let at = Instant::now();
        let child = prepared.start();
        let known = child.as_ref().ok().map(|(pid, ears)| (*pid, ears.report_number()));
        let can_wait = {
            let mut state = self.lock();
            state.is_held |= known.is_none();
            state.told.push(Told::Started { id, at, child });
            state.can_wait()
        };
        if !can_wait {
            self.ring();
        }
        known.map(|(pid, report)| Waited { id, pid, report, before: place.before })
    }
}

#[expect(unsafe_code, reason = "who waits does not own what is heard")]
fn watched(number: RawFd) -> PollFd<'static> {
    // SAFETY: the number is only asked whether it is readable, while the set, which has been told of
    // nothing yet, holds it open; were it another file's by then, the answer could only be wrong.
    PollFd::from_borrowed_fd(unsafe { BorrowedFd::borrow_raw(number) }, PollFlags::IN)
}

/// Waits for the end of a child, which stays a zombie.
fn ended_well(pid: u32) -> bool {
    let Some(pid) = Pid::from_raw(pid.cast_signed()) else { return false };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Ok(status) => return status.is_some_and(|status| status.exit_status() == Some(0)),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

impl Relay {
    /// Nothing follows while `others` is readable, which outlives this.
    pub(super) fn new(others: RawFd) -> io::Result<Self> {
        let (bell, rope) = spawn::pipe()?;
        for end in [&bell, &rope] {
            fcntl_setfl(end, OFlags::NONBLOCK)?;
        }
        let state = Mutex::new(State::new());
        let shared = Shared { state, work: Condvar::new(), others, bell, rope };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Has a thread wait for a child; false when there is none to be had.
    pub(super) fn wait_for(&self, waited: Waited) -> bool {
        let mut state = self.shared.lock();
        if state.idle <= state.to_wait.len() {
            let theirs = Arc::clone(&self.shared);
            let builder = thread::Builder::new().name("relay".to_owned()).stack_size(STACK);
            let _starting = trace::scope("thread.start");
            if builder.spawn(move || theirs.serve()).is_err() {
                return false;
            }
            state.threads += 1;
        }
        state.to_wait.push(waited);
        drop(state);
        self.shared.work.notify_one();
        true
    }

    /// Prepares a child, to come at its place among all that are prepared.
    pub(super) fn put(&self, id: Id, place: Place, prepared: Prepared) {
        let mut state = self.shared.lock();
        let at = state.next.partition_point(|next| next.place.order < place.order);
        state.next.insert(at, Next { id, place, prepared });
    }

    /// The first of what is prepared, if it comes before this place, for whoever starts it now.
    pub(super) fn take_first(&self, before: u32) -> Option<(Id, Place, Prepared)> {
        let mut state = self.shared.lock();
        let next = state.next.pop_front_if(|next| next.place.order < before)?;
        Some((next.id, next.place, next.prepared))
    }

    /// Takes back what was not started.
    pub(super) fn take_back(&self) -> Vec<Id> {
        let next = std::mem::take(&mut self.shared.lock().next);
        next.into_iter().map(|next| next.id).collect()
    }

    /// What was told since the last time.
    pub(super) fn told(&self) -> Vec<Told> {
        let mut rings = [0; 1024];
        let _ = rustix::io::read(&self.shared.bell, &mut rings);
        let mut state = self.shared.lock();
        let before = std::mem::replace(&mut state.before_told, u32::MAX);
        state.before_heard = state.before_heard.min(before);
        std::mem::take(&mut state.told)
    }

    /// The set will look whether something was told, within milliseconds: nobody has to wake it for
    /// what can wait as long.
    pub(super) fn will_be_looked_at(&self) {
        self.shared.lock().will_look = true;
    }

    /// Whether something was told. From now on the set is woken for everything.
    pub(super) fn has_told(&self) -> bool {
        let mut state = self.shared.lock();
        state.will_look = false;
        !state.told.is_empty()
    }

    /// Nothing follows this child by itself. To be said before its words are read.
    pub(super) fn bar(&self, id: Id) {
        self.shared.lock().barred.insert(id);
    }

    /// Nothing follows anything until [`Self::go_on`].
    pub(super) fn hold(&self) {
        self.shared.lock().is_held = true;
    }

    /// The set has decided what follows from what it was told.
    pub(super) fn go_on(&self) {
        let mut state = self.shared.lock();
        state.before_heard = u32::MAX;
        state.is_held = state.told.iter().any(Told::is_bad);
    }
}

impl AsFd for Relay {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.bell.as_fd()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_over = true;
        state.next.clear();
        drop(state);
        self.shared.work.notify_all();
    }
}
