//! Children that run side by side, driven by one thread.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::exit::ChildSignals;
use super::facts::Identity;
use super::relay::{Place, Relay, Told, Waited};
use super::running::{Part, Running, Said, Why};
use super::spawn::{Channels, Ears, Prepared};
use super::{Command, Ending, Limits, Status, Voices, crowd, descriptors, turn};
use crate::sys::clock::Deadline;
use crate::sys::signal::{self, Watch};

/// How long to wait when the kernel has no means to wait properly.
const BREATH: Duration = Duration::from_millis(10);

/// How long the end of a child may go unheard in whose place another one has been started, while
/// children end one after the other.
const HEARD_WITHIN: Duration = Duration::from_millis(2);

/// What a child has that does not report.
const HOOK: Channels = Channels { voices: Voices::Apart, report: false };

/// Names a child of one [`Set`], in the order of starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(u32);

/// Children that run side by side. More may be started at any time.
///
/// Dropping it kills what still runs.
#[derive(Debug)]
pub(crate) struct Set {
    running: BTreeMap<Id, Running>,
    finished: VecDeque<(Id, Ending)>,
    started: u32,
    /// Where no descriptor tells the end of a child.
    child_signals: Option<ChildSignals>,
    watch: Option<Watch>,
    cancelled: bool,
    relay: Option<Relay>,
    /// Limits of what is prepared, with the time from start to deadline.
    prepared: BTreeMap<Id, (Limits, Option<Duration>)>,
    /// What was started since the last turn, and behind whom.
    started_behind: Vec<(Id, Id)>,
    /// Something has followed somebody lately: more will.
    is_brisk: bool,
}

/// What woke us.
#[derive(Clone, Copy)]
enum Wake {
    Told,
    SomeChild,
    Relay,
    Child(Id, Part),
    /// One of those that are watched beside the children, by place.
    Other(usize),
}

/// What happened while [`Set::turn`] waited.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Prepared children that were started, and behind whom each.
    pub(crate) started: Vec<(Id, Id)>,
    /// What children have said lately, in the order of their start. What is said after the last
    /// turn before the ending stands in the ending.
    pub(crate) said: Vec<(Id, Said)>,
    pub(crate) ended: Vec<(Id, Ending)>,
    /// Places of the other descriptors that are ready.
    pub(crate) ready: Vec<usize>,
}

impl Set {
    /// A set that does not care about signals to ourselves.
    pub(crate) fn new() -> Self {
        signal::stop_ignoring_children();
        descriptors::keep_to_ourselves();
        turn::be_short();
        Self {
            running: BTreeMap::new(),
            finished: VecDeque::new(),
            started: 0,
            child_signals: None,
            watch: None,
            cancelled: false,
            relay: None,
            prepared: BTreeMap::new(),
            started_behind: Vec::new(),
            is_brisk: false,
        }
    }

    /// A set that ends its children when we are told to end.
    pub(crate) fn with_watch(watch: Watch) -> Self {
        let mut set = Self::new();
        set.watch = Some(watch);
        set
    }

    /// Starts a child. Whatever goes wrong is told by [`Self::next`].
    ///
    /// A command whose deadline has passed, and any command after [`Self::cancel`], is not started.
    pub(crate) fn start(&mut self, command: Command, limits: Limits) -> Id {
        let started = self.attempt(command, limits, HOOK);
        self.insert(started)
    }

    /// As [`Self::start`], for a child that may report; to be used with [`Self::turn`].
    pub(crate) fn start_with_report(
        &mut self,
        command: Command,
        limits: Limits,
        voices: Voices,
    ) -> Id {
        let started = self.attempt(command, limits, Channels { voices, report: true });
        self.insert(started)
    }

    /// As [`Self::start`] for many; several are started at the same time, from [`crowd::LEAST`] on.
    ///
    /// The ids come in the order of the commands.
    pub(crate) fn start_all(&mut self, commands: Vec<(Command, Limits)>) -> Vec<Id> {
        if commands.len() < crowd::LEAST {
            return commands
                .into_iter()
                .map(|(command, limits)| self.start(command, limits))
                .collect();
        }
        if let Err(error) = self.prepare() {
            let told = error.to_string();
            let failed = || Status::NotStarted(io::Error::other(told.clone()));
            return commands.iter().map(|_| self.insert(Err(failed()))).collect();
        }
        let is_cancelled = self.is_cancelled();
        let started = crowd::each(commands, |(command, limits)| {
            if is_cancelled { Err(Status::Cancelled) } else { begin(command, limits, HOOK) }
        });
        started
            .into_iter()
            .map(|started| {
                let attended = started.and_then(|running| self.attend(running));
                self.insert(attended)
            })
            .collect()
    }

    fn insert(&mut self, started: Result<Running, Status>) -> Id {
        let id = Id(self.started);
        self.started += 1;
        match started {
            Ok(running) => {
                self.running.insert(id, running);
            }
            Err(status) => self.finished.push_back((id, Ending::without_run(status))),
        }
        id
    }

    fn attempt(
        &mut self,
        command: Command,
        limits: Limits,
        channels: Channels,
    ) -> Result<Running, Status> {
        if self.is_cancelled() {
            return Err(Status::Cancelled);
        }
        self.prepare().map_err(Status::NotStarted)?;
        let running = begin(command, limits, channels)?;
        self.attend(running)
    }

    /// What must be there before a child can end.
    fn prepare(&mut self) -> io::Result<()> {
        if crate::sys::use_posix() { self.listen_to_children() } else { Ok(()) }
    }

    /// Makes sure that the end of a child will be noticed.
    fn attend(&mut self, mut running: Running) -> Result<Running, Status> {
        if !running.has_exit_descriptor() {
            if let Err(error) = self.listen_to_children() {
                running.abandon();
                return Err(Status::NotStarted(error));
            }
            // It may have ended before we listened.
            running.look();
        }
        Ok(running)
    }

    pub(super) fn listen_to_children(&mut self) -> io::Result<()> {
        if self.child_signals.is_none() {
            self.child_signals = Some(ChildSignals::new()?);
        }
        Ok(())
    }

    /// Which process a child is; `None` when it has ended or was never started.
    pub(crate) fn identity(&self, id: Id) -> Option<Identity> {
        self.running.get(&id)?.identity()
    }

    /// Tells all children to end: TERM, their grace, KILL.
    pub(crate) fn cancel(&mut self) {
        self.cancelled = true;
        for running in self.running.values_mut() {
            running.terminate(Why::Cancelled);
        }
    }

    /// Whether the children were told to end, by [`Self::cancel`] or by a signal to us.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled || self.watch.as_ref().is_some_and(|watch| watch.arrived().is_some())
    }

    /// Waits until a child ended; `None` when none is left. Children that end at the same time
    /// are told in the order of their start.
    pub(crate) fn next(&mut self) -> Option<(Id, Ending)> {
        loop {
            if let Some(ended) = self.finished.pop_front() {
                return Some(ended);
            }
            if self.running.is_empty() {
                return None;
            }
            for wake in self.wait(&[], Deadline::never()) {
                self.on_wake(wake);
            }
            self.step();
        }
    }

    /// Waits until a child says something or ends, one of `others` is readable, a signal to end
    /// arrives, or `deadline` has passed. Also with no child running.
    pub(crate) fn turn(&mut self, others: &[BorrowedFd<'_>], deadline: Deadline) -> Turn {
        let mut turn = Turn::default();
        let deadline = if self.finished.is_empty() { deadline } else { Deadline::passed() };
        for wake in self.wait(others, deadline) {
            match wake {
                Wake::Other(place) => turn.ready.push(place),
                wake => self.on_wake(wake),
            }
        }
        for (id, running) in &mut self.running {
            turn.said.extend(running.take_said().map(|said| (*id, said)));
        }
        self.step();
        turn.started = std::mem::take(&mut self.started_behind);
        turn.ended.extend(self.finished.drain(..));
        turn
    }

    /// Prepares a child that is started the moment another one has ended well, until it is taken
    /// back ([`Self::take_back`]). `None` where that cannot be done.
    ///
    /// Its deadline is `timeout` after its start, whatever `limits` say. Nothing is started so while
    /// `others` is readable, which must outlive the set and is the same in all calls.
    pub(crate) fn prepare_next(
        &mut self,
        (command, voices): (Command, Voices),
        limits: Limits,
        timeout: Option<Duration>,
        place: Place,
        others: BorrowedFd<'_>,
    ) -> Option<Id> {
        if crate::sys::use_posix() || self.is_cancelled() {
            return None;
        }
        if self.relay.is_none() {
            self.relay = Relay::new(others.as_raw_fd()).ok();
        }
        let relay = self.relay.as_ref()?;
        let prepared = Prepared::new(command, Channels { voices, report: true }).ok()?;
        let id = Id(self.started);
        self.started += 1;
        self.prepared.insert(id, (limits, timeout));
        relay.put(id, place, prepared);
        Some(id)
    }

    /// What is prepared may follow this child.
    pub(crate) fn may_be_followed(&mut self, id: Id, before: u32) {
        let Some(relay) = &self.relay else { return };
        let Some(running) = self.running.get_mut(&id) else { return };
        if let Some((pid, report)) = running.hand_over_end()
            && !relay.wait_for(Waited { id, pid, report, before })
        {
            self.notice_end(id);
        }
    }

    /// Nobody else notices the end of this child.
    fn notice_end(&mut self, id: Id) {
        let Some(mut running) = self.running.remove(&id) else { return };
        running.take_back_end();
        match self.attend(running) {
            Ok(running) => drop(self.running.insert(id, running)),
            Err(status) => self.finished.push_back((id, Ending::without_run(status))),
        }
    }

    /// Starts the first of what is prepared at once, if it comes before this place; as behind
    /// somebody it is not told.
    pub(crate) fn start_prepared(&mut self, before: u32) -> Option<Id> {
        let (id, place, prepared) = self.relay.as_ref()?.take_first(before)?;
        let at = Instant::now();
        let child = prepared.start();
        let known = child.as_ref().ok().map(|(pid, ears)| (*pid, ears.report_number()));
        self.take_in(id, at, child);
        let waited = known.map(|(pid, report)| Waited { id, pid, report, before: place.before });
        if let (Some(waited), Some(relay)) = (waited, &self.relay)
            && !relay.wait_for(waited)
        {
            self.notice_end(id);
        }
        Some(id)
    }

    /// Takes back what was prepared and is not started.
    pub(crate) fn take_back(&mut self) -> Vec<Id> {
        let ids = self.relay.as_ref().map(Relay::take_back).unwrap_or_default();
        for id in &ids {
            self.prepared.remove(id);
        }
        ids
    }

    /// What is prepared does not follow this child by itself. Whoever reports is barred.
    pub(crate) fn bar(&self, id: Id) {
        if let Some(relay) = self.relay.as_ref().filter(|_| self.running.contains_key(&id)) {
            relay.bar(id);
        }
    }

    /// What is prepared follows nobody until [`Self::go_on`]; to be said before others are heard.
    pub(crate) fn hold(&self) {
        if let Some(relay) = &self.relay {
            relay.hold();
        }
    }

    /// What follows from all that was told has been decided.
    pub(crate) fn go_on(&self) {
        if let Some(relay) = &self.relay {
            relay.go_on();
        }
    }

    fn hear_relay(&mut self) {
        self.is_brisk = true;
        for told in self.relay.as_ref().map(Relay::told).unwrap_or_default() {
            match told {
                Told::Ended { id, .. } => {
                    if let Some(running) = self.running.get_mut(&id) {
                        running.look();
                    }
                }
                Told::Follows { id, behind } => self.started_behind.push((id, behind)),
                Told::Started { id, at, child } => self.take_in(id, at, child),
            }
        }
    }

    /// A prepared child was started at this time, or could not be.
    fn take_in(&mut self, id: Id, at: Instant, child: io::Result<(u32, Ears)>) {
        let Some((mut limits, timeout)) = self.prepared.remove(&id) else { return };
        let left = timeout.map(|timeout| timeout.saturating_sub(at.elapsed()));
        limits.deadline = left.map_or(Deadline::never(), Deadline::after);
        match child {
            Ok(child) => {
                let mut running = Running::of(child, limits, at);
                if self.cancelled {
                    running.terminate(Why::Cancelled);
                }
                self.running.insert(id, running);
            }
            Err(error) => {
                // Who ended before is told before.
                self.step();
                let status = Status::NotStarted(error);
                self.finished.push_back((id, Ending::without_run(status)));
            }
        }
    }

    /// Tells one child to end, as at its deadline.
    pub(crate) fn end(&mut self, id: Id) {
        if let Some(running) = self.running.get_mut(&id) {
            running.terminate(Why::Late);
        }
    }

    /// Sleeps until something happened or is due.
    fn wait(&mut self, others: &[BorrowedFd<'_>], deadline: Deadline) -> Vec<Wake> {
        let Some(relay) = self.relay.as_ref().filter(|_| self.is_brisk) else {
            return self.sleep(others, deadline.remaining());
        };
        relay.will_be_looked_at();
        let most = deadline.remaining().map_or(HEARD_WITHIN, |left| left.min(HEARD_WITHIN));
        let mut wakes = self.sleep(others, Some(most));
        let has_told = relay.has_told();
        if has_told && !wakes.iter().any(|wake| matches!(wake, Wake::Relay)) {
            wakes.push(Wake::Relay);
        }
        self.is_brisk = !wakes.is_empty();
        wakes
    }

    fn sleep(&self, others: &[BorrowedFd<'_>], most: Option<Duration>) -> Vec<Wake> {
        let (mut polled, wakes): (Vec<PollFd<'_>>, Vec<Wake>) = self
            .descriptors()
            .chain(others.iter().enumerate().map(|(place, other)| (*other, Wake::Other(place))))
            .map(|(descriptor, wake)| (PollFd::from_borrowed_fd(descriptor, PollFlags::IN), wake))
            .unzip();
        let idle = self.running.values().filter_map(Running::idle_for);
        let idle = idle.chain(most).min();
        match poll(&mut polled, idle.map(timespec).as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Vec::new(),
            // Out of memory or of descriptors. Deadlines hold all the same.
            Err(_) => {
                std::thread::sleep(BREATH);
                return vec![Wake::SomeChild];
            }
        }
        let ready = |(descriptor, wake): (PollFd<'_>, Wake)| {
            (!descriptor.revents().is_empty()).then_some(wake)
        };
        polled.into_iter().zip(wakes).filter_map(ready).collect()
    }

    fn descriptors(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Wake)> {
        // The watch stays readable; once is enough.
        let watch = self.watch.as_ref().filter(|_| !self.cancelled);
        let told = watch.map(|watch| (watch.as_fd(), Wake::Told));
        let child = self.child_signals.as_ref().map(|pipe| (pipe.as_fd(), Wake::SomeChild));
        let children = self.running.iter().flat_map(|(id, running)| {
            running.descriptors().map(|(descriptor, part)| (descriptor, Wake::Child(*id, part)))
        });
        let relay = self.relay.as_ref().map(|relay| (relay.as_fd(), Wake::Relay));
        // Last those by which pipes are read to their end: what is told to be readable must be so.
        told.into_iter().chain(children).chain(child).chain(relay)
    }

    fn on_wake(&mut self, wake: Wake) {
        match wake {
            Wake::Told => self.cancel(),
            Wake::SomeChild => {
                if let Some(signals) = &self.child_signals {
                    signals.drain();
                }
                self.running.values_mut().for_each(Running::look_for_end);
            }
            Wake::Relay => self.hear_relay(),
            Wake::Other(_) => {}
            Wake::Child(id, part) => {
                if matches!(part, Part::Report) {
                    self.bar(id);
                }
                if let Some(running) = self.running.get_mut(&id) {
                    running.on_ready(part);
                }
            }
        }
    }

    /// Does what is due, and takes out what is done with.
    fn step(&mut self) {
        let done = self.running.extract_if(.., |_, running| running.step());
        self.finished.extend(done.map(|(id, running)| (id, running.finish())));
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        while let Some((_, running)) = self.running.pop_first() {
            running.abandon();
        }
    }
}

/// Starts a child, unless it is too late for it.
fn begin(command: Command, limits: Limits, channels: Channels) -> Result<Running, Status> {
    if limits.deadline.expired() {
        let told = format!("no time is left to start {}", command.marker);
        return Err(Status::NotStarted(io::Error::new(io::ErrorKind::TimedOut, told)));
    }
    Running::start(command, limits, channels).map_err(Status::NotStarted)
}

fn timespec(span: Duration) -> Timespec {
    // Beyond what the clock can count there is nothing to wait for.
    Timespec::try_from(span).unwrap_or(Timespec { tv_sec: i64::from(i32::MAX), tv_nsec: 0 })
}
