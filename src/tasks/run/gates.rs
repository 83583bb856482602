//! Calls to hooks that are on their way.
//!
//! Does not decide what an answer means. Invariants: a gate holds up its own task alone; events
//! that nobody waits for are carried one after the other, in the order in which they happened.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde_json::{Map, Value};

use crate::sys::{
    clock::Deadline,
    process::{Ending, Id, Limits, Said, Set, Status},
};

use super::{
    herald::{Answer, Herald},
    leftovers::MARK,
    state::{Attempt, Finished},
};

/// How long hooks may take for one event.
const LIMIT: Duration = Duration::from_mins(11);

/// What an answer may have.
const LARGEST: usize = 4 << 20;

/// What waits for an answer.
#[derive(Debug)]
pub(super) enum Asker {
    /// A task, with the gate in front of it.
    Gate(Box<Attempt>),
    /// A task that has ended, with the hooks that may refuse what it has made.
    End(Box<Finished>),
    Nobody,
    /// The run itself.
    Run,
}

struct Call {
    event: &'static str,
    asker: Asker,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

pub(super) struct Calls<'h> {
    herald: &'h dyn Herald,
    /// The mark of the run, for everything that a call starts.
    token: String,
    /// Who listens does not change while a run goes on.
    listens: BTreeMap<&'static str, bool>,
    running: BTreeMap<Id, Call>,
    queue: VecDeque<(&'static str, Map<String, Value>)>,
    /// The call of the queue that is on its way.
    carried: Option<Id>,
}

impl<'h> Calls<'h> {
    pub(super) fn new(herald: &'h dyn Herald, token: &str) -> Self {
        Self {
            herald,
            token: token.to_owned(),
            listens: BTreeMap::new(),
            running: BTreeMap::new(),
            queue: VecDeque::new(),
            carried: None,
        }
    }

    pub(super) fn listens(&mut self, event: &'static str) -> bool {
        *self.listens.entry(event).or_insert_with(|| self.herald.listens(event))
    }

    /// Whether the answer to this event may be a refusal, so that somebody has to wait for it.
    pub(super) fn may_refuse(&mut self, event: &'static str) -> bool {
        self.listens(event) && self.herald.may_refuse(event)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.queue.is_empty()
    }

    /// Starts a call; its end comes from the set under the given id.
    pub(super) fn ask(
        &mut self,
        set: &mut Set,
        event: &'static str,
        payload: &Map<String, Value>,
        asker: Asker,
    ) -> Result<Id, (Asker, String)> {
        let bytes = serde_json::to_vec(payload).unwrap_or_default();
        let mut command = match self.herald.command(event, &bytes) {
            Ok(command) => command,
            Err(error) => return Err((asker, format!("hooks of {event}: {error}"))),
        };
        command.env.set(MARK, &self.token);
        let limits = Limits {
            deadline: Deadline::after(LIMIT),
            grace: Duration::from_secs(3),
            output_cap: LARGEST,
            leak_grace: Duration::from_millis(100),
        };
        let id = set.start(command, limits);
        let call = Call { event, asker, stdout: Vec::new(), stderr: Vec::new() };
        self.running.insert(id, call);
        Ok(id)
    }

    /// Tells an event that nobody waits for.
    pub(super) fn post(&mut self, event: &'static str, payload: Map<String, Value>) {
        self.queue.push_back((event, payload));
    }

    /// Starts the next call of the queue. Gives what went wrong.
    pub(super) fn carry(&mut self, set: &mut Set) -> Vec<String> {
        let mut faults = Vec::new();
        while self.carried.is_none() {
            let Some((event, payload)) = self.queue.pop_front() else { break };
            match self.ask(set, event, &payload, Asker::Nobody) {
                Ok(id) => self.carried = Some(id),
                Err((_, why)) => faults.push(why),
            }
        }
        faults
    }

    /// Whether the child is one of ours; if so, what it said is kept.
    pub(super) fn hear(&mut self, id: Id, said: &Said) -> bool {
        let Some(call) = self.running.get_mut(&id) else { return false };
        call.stdout.extend_from_slice(&said.stdout);
        call.stderr.extend_from_slice(&said.stderr);
        call.stdout.truncate(LARGEST);
        call.stderr.truncate(LARGEST);
        true
    }

    /// The answer of a call that has ended; `None` when the child is none of ours. For a call that
    /// was cut off with the run the last is false.
    pub(super) fn ended(&mut self, id: Id, mut ending: Ending) -> Option<(Asker, Answer, bool)> {
        let mut call = self.running.remove(&id)?;
        if self.carried == Some(id) {
            self.carried = None;
        }
        call.stdout.append(&mut ending.stdout);
        call.stderr.append(&mut ending.stderr);
        (ending.stdout, ending.stderr) = (call.stdout, call.stderr);
        let answer = Answer::of(call.event, &ending);
        Some((call.asker, answer, !matches!(ending.status, Status::Cancelled)))
    }
}
