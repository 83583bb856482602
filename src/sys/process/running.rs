//! One child from its start to its ending. Decides what is due; the [`super::Set`] waits.

use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, waitpid};

use super::facts::{self, Identity};
use super::family::Family;
use super::spawn::Channels;
use super::stream::Stream;
use super::{Command, Ending, Limits, Status, exit, spawn};
use crate::sys::clock::Deadline;

/// How long the kernel may take to end what got KILL.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

/// How often the family of a child that has exited is looked at until it is gone too, after TERM
/// and after KILL.
const FAMILY_PAUSE: Duration = Duration::from_millis(20);
const KILL_PAUSE: Duration = Duration::from_millis(2);

/// Why we end a child.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    Late,
    Cancelled,
}

impl Why {
    fn status(self) -> Status {
        match self {
            Self::Late => Status::TimedOut,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

#[derive(Debug)]
enum Phase {
    /// Nothing was sent to it.
    Working,
    /// It got TERM.
    Ending { why: Why, kill_at: Deadline },
    /// It got KILL.
    Killed { why: Why, pipes_until: Deadline, give_up: Deadline },
}

#[derive(Debug)]
struct Exit {
    status: Status,
    /// When its pipes are given up.
    pipes_until: Deadline,
}

#[derive(Debug)]
pub(super) struct Running {
    pid: u32,
    /// Readable when the child ended; taken away then, for it stays readable.
    exit_descriptor: Option<OwnedFd>,
    /// Somebody else notices its end, and tells it.
    is_waited_for: bool,
    stdout: Stream,
    stderr: Stream,
    report: Stream,
    /// The child's ends of its pipes; let go when it has ended.
    mouths: Vec<OwnedFd>,
    limits: Limits,
    phase: Phase,
    exit: Option<Exit>,
    started: Instant,
    family: Family,
}

impl Running {
    pub(super) fn start(
        command: Command,
        limits: Limits,
        channels: Channels,
    ) -> std::io::Result<Self> {
        let started = Instant::now();
        let (pid, ears) = spawn::spawn(command, channels)?;
        let mut running = Self::of((pid, ears), limits, started);
        running.take_back_end();
        Ok(running)
    }

    /// A child whose end somebody else notices.
    pub(super) fn of(child: (u32, spawn::Ears), limits: Limits, started: Instant) -> Self {
        let (pid, ears) = child;
        let pipes = [Some(ears.stdout), ears.stderr, ears.report];
        let (mouths, is_waited_for) = (ears.mouths, true);
        Self { is_waited_for, mouths, ..Self::new(pid, pipes, limits, started) }
    }

    /// Somebody else notices its end from now on: its number, and by which descriptor it reports.
    pub(super) fn hand_over_end(&mut self) -> Option<(u32, Option<RawFd>)> {
        self.exit_descriptor.take()?;
        self.is_waited_for = true;
        Some((self.pid, self.report.pipe().map(AsRawFd::as_raw_fd)))
    }

    /// Nobody else does.
    pub(super) fn take_back_end(&mut self) {
        self.is_waited_for = false;
        self.exit_descriptor = self.pid().and_then(exit::descriptor);
    }

    fn new(pid: u32, pipes: [Option<OwnedFd>; 3], limits: Limits, started: Instant) -> Self {
        let [stdout, stderr, report] = pipes.map(|pipe| Stream::new(pipe, limits.output_cap));
        Self {
            pid,
            exit_descriptor: None,
            is_waited_for: false,
            stdout,
            stderr,
            report,
            mouths: Vec::new(),
            limits,
            phase: Phase::Working,
            exit: None,
            started,
            family: Family::of_child(pid),
        }
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.pid.cast_signed())
    }

    pub(super) fn identity(&self) -> Option<Identity> {
        facts::identity(self.pid)
    }

    /// Whether its end is told by a descriptor, not by SIGCHLD.
    pub(super) fn has_exit_descriptor(&self) -> bool {
        self.exit_descriptor.is_some()
    }

    /// Some child has ended, as SIGCHLD tells. Of whom somebody else waits for he shall tell: what
    /// he has started behind it belongs to its end.
    pub(super) fn look_for_end(&mut self) {
        if !self.is_waited_for {
            self.look();
        }
    }

    /// What to wait for, with what to do then, in this order: with its exit the pipes are read to
    /// their end, and what is readable no longer would be waited for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Part)> {
        let exit = self.exit_descriptor.as_ref().filter(|_| self.exit.is_none());
        let parts = [
            (self.stdout.pipe(), Part::Stdout),
            (self.stderr.pipe(), Part::Stderr),
            (self.report.pipe(), Part::Report),
            (exit, Part::Exit),
        ];
        parts.into_iter().filter_map(|(descriptor, part)| Some((descriptor?.as_fd(), part)))
    }

    /// Reacts to a descriptor that is ready.
    pub(super) fn on_ready(&mut self, part: Part) {
        match part {
            Part::Exit => self.look(),
            Part::Stdout => self.stdout.read(),
            Part::Stderr => self.stderr.read(),
            Part::Report => self.report.read(),
        }
    }

    /// Notices that the child ended, if it did.
    pub(super) fn look(&mut self) {
        if self.exit.is_none()
            && let Some(status) = self.pid().and_then(exit::look)
        {
            let pipes_until = Deadline::after(self.limits.leak_grace);
            self.exit = Some(Exit { status, pipes_until });
            if !self.mouths.is_empty() {
                self.mouths.clear();
                // Mostly nobody else holds them, and there is nothing to wait for.
                self.stdout.drain();
                self.stderr.drain();
            }
        }
    }

    /// How long nothing is due, unless a descriptor becomes ready; `None` for ever.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let until = match (&self.phase, &self.exit) {
            (Phase::Working, None) => self.limits.deadline,
            (Phase::Working, Some(exit)) => exit.pipes_until,
            (Phase::Ending { kill_at, .. }, None) => *kill_at,
            (Phase::Ending { kill_at, .. }, Some(_)) if self.is_closed() => {
                kill_at.min(Deadline::after(FAMILY_PAUSE))
            }
            (Phase::Ending { kill_at, .. }, Some(exit)) => kill_at.min(exit.pipes_until),
            (Phase::Killed { give_up, .. }, None) => *give_up,
            (Phase::Killed { give_up, .. }, Some(_)) => give_up.min(Deadline::after(KILL_PAUSE)),
        };
        until.remaining()
    }

    /// Does what is due; true when the child is done with.
    pub(super) fn step(&mut self) -> bool {
        match self.phase {
            Phase::Working => {
                if self.exit.is_none() && self.limits.deadline.expired() {
                    self.terminate(Why::Late);
                }
                self.is_closed()
            }
            Phase::Ending { why, kill_at } => {
                let over = self.is_closed() && self.family.is_gone();
                if !over && kill_at.expired() {
                    self.kill(why);
                }
                over
            }
            Phase::Killed { pipes_until, give_up, .. } => {
                let closed = !self.has_open_pipes() || pipes_until.expired();
                give_up.expired() || self.exit.is_some() && closed && self.family.is_gone()
            }
        }
    }

    /// Tells it to end, unless it has ended or was told before.
    pub(super) fn terminate(&mut self, why: Why) {
        if self.exit.is_some() || !matches!(self.phase, Phase::Working) {
            return;
        }
        self.family.look();
        self.family.signal(Signal::TERM);
        // A stopped process acts on it only when it goes on.
        self.family.signal(Signal::CONT);
        self.phase = Phase::Ending { why, kill_at: Deadline::after(self.limits.grace) };
    }

    fn kill(&mut self, why: Why) {
        self.family.look();
        self.family.signal(Signal::KILL);
        self.phase = Phase::Killed {
            why,
            pipes_until: Deadline::after(self.limits.leak_grace),
            give_up: Deadline::after(KILL_PATIENCE),
        };
    }

    fn has_open_pipes(&self) -> bool {
        self.stdout.is_open() || self.stderr.is_open()
    }

    /// The child exited, and nothing more is to be read.
    fn is_closed(&self) -> bool {
        let waited = |exit: &Exit| !self.has_open_pipes() || exit.pipes_until.expired();
        self.exit.as_ref().is_some_and(waited)
    }

    /// Waits for the child, which has ended, and says how.
    pub(super) fn finish(mut self) -> Ending {
        self.stdout.drain();
        self.stderr.drain();
        let leaked = self.has_open_pipes();
        self.report.drain();
        // Its status is known.
        self.reap();
        let status = match (self.phase, self.exit) {
            (Phase::Ending { why, .. } | Phase::Killed { why, .. }, _) => why.status(),
            (Phase::Working, Some(exit)) => exit.status,
            (Phase::Working, None) => unreachable!("BUG: a child that still works is not finished"),
        };
        let (stdout, stdout_cut) = self.stdout.finish();
        let (stderr, stderr_cut) = self.stderr.finish();
        let (report, _) = self.report.finish();
        let took = self.started.elapsed();
        Ending { status, stdout, stderr, report, stdout_cut, stderr_cut, leaked, took }
    }

    /// Ends it at once, without a word from it.
    pub(super) fn abandon(mut self) {
        self.family.look();
        self.family.signal(Signal::KILL);
        self.reap();
    }

    /// Takes the zombie away, if it is one.
    fn reap(&self) {
        if let Some(pid) = self.pid() {
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }

    /// What was said since the last time this was asked.
    pub(super) fn take_said(&mut self) -> Option<Said> {
        let said = Said {
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
            report: self.report.take(),
        };
        let is_nothing = said.stdout.is_empty() && said.stderr.is_empty() && said.report.is_empty();
        (!is_nothing).then_some(said)
    }
}

/// What of a child became ready.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Exit,
    Stdout,
    Stderr,
    Report,
}

/// Bytes that a child has said lately.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) report: Vec<u8>,
}
