//! Runs hooks: levels by `order`, side by side within one, chains by `after`.
//!
//! Does not decide which hooks run, nor what their answers mean together. Invariants: a hook
//! starts only when all of lower order, and all that it comes after, have ended; answers come
//! back in configuration order whatever the order of ending; nothing outlives the deadline.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use serde_json::Value;

use crate::{
    config::integration::JobLogs,
    model::{
        Event, Processor,
        answer::{Answer, End, Reply},
        fold::{self, Clash},
        hook::{Handler, Hook},
        orders::Orders,
    },
    session::delivery::Start,
    sys::{
        clock::{self, Deadline},
        dir::PrivateDir,
        process::{Command, Ending, Environment, Id, Limits, Set, Status, Stdin},
        signal, trace,
    },
};

use super::{
    background,
    feed::Feed,
    http::{self, Request},
    invocation,
    keeper::Keeper,
};

/// From TERM to KILL.
pub(super) const GRACE: Duration = Duration::from_millis(1500);
/// From the end of a hook until pipes that a grandchild holds are given up.
const LEAK_GRACE: Duration = Duration::from_millis(100);
/// Bytes kept of each of a hook's stdout and stderr.
const OUTPUT_CAP: usize = 4 << 20;

/// One hook that is to run.
#[derive(Clone, Debug)]
pub(super) struct Call<'h> {
    pub(super) hook: &'h Hook,
    /// Its place in configuration order.
    pub(super) place: usize,
    /// The tool's name as the hook is told, where that is not the payload's (`Monitor` as `Bash`).
    pub(super) tool_shown: Option<&'static str>,
    /// Whether its approval and its rewrite count.
    pub(super) may_grant: bool,
    /// What it answered before: to a holder that died, or to the other processor.
    pub(super) answered: Option<Answer>,
}

/// What became of a call.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    pub(super) answer: Answer,
    /// How it ended, in a few words.
    pub(super) ended: String,
    pub(super) took: Duration,
    /// The tool input that it saw, where that was not the payload's.
    pub(super) saw: Option<Value>,
    /// Kept for hooks that come after.
    pub(super) stdout: Vec<u8>,
    /// With what it wakes the session, if it does.
    pub(super) wakes: Option<String>,
    /// It was run here and now, not replayed.
    pub(super) is_fresh: bool,
    /// What the user should know about how it was run.
    pub(super) note: Option<String>,
}

/// Carries out a part of cph for this firing.
pub(super) type Conduct<'c> = dyn Fn(&Orders, &[u8]) -> Result<Vec<u8>, String> + 'c;

/// What all hooks of a dispatch share.
pub(super) struct Stage<'s> {
    pub(super) event: &'s Event,
    pub(super) fired_by: Processor,
    pub(super) environment: &'s Environment,
    pub(super) env: &'s crate::sys::place::Env,
    pub(super) env_files: Option<&'s super::env_file::EnvFiles>,
    pub(super) situation: &'s super::Situation,
    pub(super) session: Option<String>,
    pub(super) allowed: http::Allowed<'s>,
    pub(super) conduct: &'s Conduct<'s>,
    /// Which jobs are logged in one stream.
    pub(super) job_logs: JobLogs,
    pub(super) dir: Option<&'s std::path::Path>,
    /// When everything must have ended.
    pub(super) deadline: Deadline,
    /// Where logs of background hooks are kept.
    pub(super) state: Option<&'s PrivateDir>,
    pub(super) occurrence: &'s str,
    /// What can be done while hooks are at work; called each time that some were started.
    pub(super) meanwhile: &'s dyn Fn(),
}

impl Stage<'_> {
    /// The process of a hook. Its payload is asked for last: most faults need none.
    pub(super) fn command(
        &self,
        hook: &Hook,
        env: Environment,
        payload: impl FnOnce() -> std::io::Result<std::fs::File>,
    ) -> Result<Command, String> {
        let line = invocation::line(hook, &env);
        let line = line.ok_or_else(|| "only Claude Code itself can run it".to_owned())?;
        let stdin = payload().map_err(|error| format!("no payload: {error}"))?;
        let argv = invocation::startable(line, &env, self.dir);
        let dir = self.dir.map(std::path::Path::to_owned);
        Ok(Command { argv, env, dir, stdin: Stdin::File(stdin), marker: hook.label() })
    }

    /// What an `http` hook posts, if it may.
    pub(super) fn request(
        &self,
        hook: &Hook,
        body: Vec<u8>,
        limits: &Limits,
    ) -> Result<Request, String> {
        let Handler::Http { url, headers, allowed_env_vars } = hook.handler() else {
            unreachable!("BUG: a request of a hook that posts nothing");
        };
        let layer = hook.leading().origin.layer;
        if !self.allowed.permits(url, layer) {
            return Err(format!("{url} is not allowed by settings"));
        }
        Ok(Request {
            url: url.clone(),
            headers: http::headers(headers, allowed_env_vars, self.allowed, layer, self.env),
            body,
            timeout: limits.deadline.remaining().unwrap_or(Duration::from_mins(10)),
            cap: limits.output_cap,
        })
    }

    /// The hook's own time limit, or the event's, but never beyond the deadline.
    pub(super) fn limits(&self, hook: &Hook) -> Limits {
        limits(Deadline::after(own_limit(self.event, hook)).min(self.deadline))
    }

    /// What a hook has said.
    pub(super) fn answer(&self, hook: &Hook, ending: &Ending) -> Answer {
        let reply = Reply {
            end: end_of(&ending.status),
            stdout: &ending.stdout,
            stderr: &ending.stderr,
            cut: ending.stdout_cut || ending.stderr_cut,
            leaked: ending.leaked,
        };
        let vocabulary = hook.vocabulary(self.fired_by);
        Answer::read(self.event, vocabulary, &reply, hook.settings.on_failure)
    }
}

/// How long a hook may run on an event.
pub(super) fn own_limit(event: &Event, hook: &Hook) -> Duration {
    let default = event.row().map_or(600, |row| row.timeout_s);
    hook.settings.timeout.unwrap_or(Duration::from_secs(default))
}

/// All that came of it.
pub(super) struct Outcome {
    /// In the order of the calls.
    pub(super) ran: Vec<Ran>,
    pub(super) clashes: Vec<Clash>,
    /// We were told to end.
    pub(super) is_cancelled: bool,
}

/// Runs the calls, which stand in configuration order.
pub(super) fn run(
    calls: &[Call<'_>],
    stage: &Stage<'_>,
    feed: &mut Feed<'_>,
    keeper: &mut Keeper,
) -> Outcome {
    let mut runner = Runner::new(calls, stage, keeper);
    let mut clashes = Vec::new();
    for level in levels(calls) {
        runner.level(&level, feed);
        let rewrites: Vec<_> = level.iter().filter_map(|&index| runner.rewrite_of(index)).collect();
        if rewrites.is_empty() {
            continue;
        }
        let seen = feed.input();
        let joined = fold::join_rewrites(&seen, &rewrites);
        clashes.extend(joined.clashes);
        feed.rewrite(joined.input);
    }
    let is_cancelled = runner.set.as_ref().is_some_and(Set::is_cancelled);
    let ran = runner.finish();
    Outcome { ran, clashes, is_cancelled }
}

/// Runs the calls all at once, whatever their order says.
pub(super) fn run_at_once(
    calls: &[Call<'_>],
    stage: &Stage<'_>,
    feed: &mut Feed<'_>,
    keeper: &mut Keeper,
) -> Vec<Ran> {
    let mut runner = Runner::new(calls, stage, keeper);
    runner.level(&(0..calls.len()).collect::<Vec<_>>(), feed);
    runner.finish()
}

/// The calls by rising order. One that comes after a call of a higher order moves up to it.
pub(super) fn levels(calls: &[Call<'_>]) -> Vec<Vec<usize>> {
    let mut order: Vec<i64> = calls.iter().map(|call| call.hook.order()).collect();
    // Chains are short and have no cycles (merge sees to that): each round settles one link.
    for _ in 0..calls.len() {
        for index in 0..calls.len() {
            let before = predecessors(calls, index).map(|other| order[other]).max();
            order[index] = order[index].max(before.unwrap_or(i64::MIN));
        }
    }
    let mut levels: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (index, order) in order.into_iter().enumerate() {
        levels.entry(order).or_default().push(index);
    }
    levels.into_values().collect()
}

/// The calls whose hooks a call's `after` names, as far as they are part of this dispatch.
fn predecessors(calls: &[Call<'_>], index: usize) -> impl Iterator<Item = usize> {
    calls[index].hook.settings.after.iter().filter_map(move |id| {
        let found = calls.iter().position(|other| other.hook.id().0 == *id);
        found.filter(|&other| other != index)
    })
}

/// Where `http` hooks report their ends.
type Posted = (Sender<(usize, Ending)>, Receiver<(usize, Ending)>);

struct Runner<'r, 's> {
    calls: &'r [Call<'r>],
    stage: &'r Stage<'s>,
    keeper: &'r mut Keeper,
    ran: Vec<Option<Ran>>,
    /// Made when the first process is started.
    set: Option<Set>,
    processes: BTreeMap<Id, usize>,
    posts: usize,
    posted: Posted,
    /// What each call was fed, while it runs.
    saw: Vec<Option<Value>>,
}

impl<'r, 's> Runner<'r, 's> {
    fn new(calls: &'r [Call<'r>], stage: &'r Stage<'s>, keeper: &'r mut Keeper) -> Self {
        Self {
            calls,
            stage,
            keeper,
            ran: vec![None; calls.len()],
            set: None,
            processes: BTreeMap::new(),
            posts: 0,
            posted: mpsc::channel(),
            saw: vec![None; calls.len()],
        }
    }

    fn level(&mut self, level: &[usize], feed: &mut Feed<'_>) {
        let mut waiting: Vec<usize> = level.to_vec();
        loop {
            let (ready, rest): (Vec<_>, Vec<_>) =
                waiting.iter().partition(|&&index| self.is_ready(index));
            waiting = rest;
            self.start(&ready, feed);
            match self.next() {
                Some((index, ending)) => self.ended(index, &ending),
                None if waiting.is_empty() => return,
                // Only replayed answers were ready: look again.
                None if !ready.is_empty() => {}
                None => unreachable!("BUG: hooks wait for each other: {waiting:?}"),
            }
        }
    }

    fn is_ready(&self, index: usize) -> bool {
        predecessors(self.calls, index).all(|other| self.ran[other].is_some())
    }

    /// Starts calls side by side; what was answered before is not run again.
    fn start(&mut self, ready: &[usize], feed: &mut Feed<'_>) {
        let (known, fresh): (Vec<_>, Vec<_>) =
            ready.iter().partition(|&&index| self.calls[index].answered.is_some());
        for index in known {
            self.replay(index);
        }
        let calls = self.calls;
        let ids: Vec<_> = fresh.iter().map(|&index| calls[index].hook.id()).collect();
        if ids.is_empty() {
            return;
        }
        let starts = self.keeper.start(&ids);
        let (mut commands, mut started) = (Vec::new(), Vec::new());
        for (&index, start) in fresh.iter().zip(&starts) {
            self.saw[index] = feed.rewritten().cloned();
            let mark = start.as_ref().map(Start::mark);
            if let Some(command) = self.set_out(index, mark, feed) {
                commands.push(command);
                started.push((index, start.as_ref()));
            }
        }
        self.start_all(commands, &started);
        // Parts of cph answer here and now, and may take their time: the others are at work.
        for index in fresh {
            if let Handler::Orchestrator(orders) = calls[index].hook.handler() {
                let bytes = feed.bytes(&calls[index], &self.previous(index)).into_owned();
                self.conduct(index, orders, &bytes);
            }
        }
    }

    fn start_all(&mut self, commands: Vec<(Command, Limits)>, started: &[(usize, Option<&Start>)]) {
        if commands.is_empty() {
            return;
        }
        let set = self.set.get_or_insert_with(watched_set);
        let ids = set.start_all(commands);
        self.processes.extend(ids.iter().zip(started).map(|(&id, &(index, _))| (id, index)));
        let identified = ids
            .iter()
            .zip(started)
            .filter_map(|(&id, &(_, start))| Some((start?, set.identity(id)?)));
        self.keeper.spawned(&identified.collect::<Vec<_>>());
        (self.stage.meanwhile)();
    }

    fn replay(&mut self, index: usize) {
        let answer = self.calls[index].answered.clone().unwrap_or_default();
        self.ran[index] = Some(Ran {
            answer,
            ended: "answered before".to_owned(),
            took: Duration::ZERO,
            saw: None,
            stdout: Vec::new(),
            wakes: None,
            is_fresh: false,
            note: None,
        });
    }

    /// Gets a call on its way; what is left to be started and waited for here is given back.
    fn set_out(
        &mut self,
        index: usize,
        mark: Option<String>,
        feed: &mut Feed<'_>,
    ) -> Option<(Command, Limits)> {
        let call = &self.calls[index];
        let previous = self.previous(index);
        let limits = self.stage.limits(call.hook);
        if matches!(call.hook.handler(), Handler::Http { .. }) {
            let body = feed.bytes(call, &previous).into_owned();
            match self.stage.request(call.hook, body, &limits) {
                Ok(request) => self.post(index, request),
                Err(sentence) => self.ended(index, &not_started(sentence)),
            }
            return None;
        }
        if matches!(call.hook.handler(), Handler::Orchestrator(_)) {
            return None;
        }
        let is_left = call.hook.is_background() && call.hook.settings.rewake != Some(true);
        let command = match self.command(index, mark.filter(|_| !is_left), feed, &previous) {
            Ok(command) => command,
            Err(sentence) => {
                self.ended(index, &not_started(sentence));
                return None;
            }
        };
        if is_left {
            self.leave(index, command, &feed.bytes(&self.calls[index], &previous));
            return None;
        }
        Some((command, limits))
    }

    /// A part of cph answers here and now.
    fn conduct(&mut self, index: usize, orders: &Orders, payload: &[u8]) {
        let began = clock::boot_now();
        let mut ending = match (self.stage.conduct)(orders, payload) {
            Ok(stdout) => Ending { stdout, ..Ending::without_run(Status::Exited(0)) },
            Err(sentence) => not_started(sentence),
        };
        ending.took = clock::boot_now().saturating_sub(began);
        self.ended(index, &ending);
    }

    /// Leaves a hook to the background: it has ended as far as anybody here is concerned.
    fn leave(&mut self, index: usize, command: Command, payload: &[u8]) {
        let left = background::leave(self.calls[index].hook, self.stage, command, payload, None);
        let (ending, note) = match left {
            Ok(note) => (Ending::without_run(Status::Exited(0)), note),
            Err(sentence) => (not_started(sentence), None),
        };
        self.ended(index, &ending);
        if let Some(ran) = &mut self.ran[index] {
            ran.note = note;
        }
    }

    /// What the hooks that a call comes after have printed.
    fn previous(&self, index: usize) -> Vec<(String, Vec<u8>)> {
        predecessors(self.calls, index)
            .filter_map(|other| {
                let ran = self.ran[other].as_ref()?;
                Some((self.calls[other].hook.id().0.clone(), ran.stdout.clone()))
            })
            .collect()
    }

    fn command(
        &self,
        index: usize,
        mark: Option<String>,
        feed: &mut Feed<'_>,
        previous: &[(String, Vec<u8>)],
    ) -> Result<Command, String> {
        let call = &self.calls[index];
        let mut env = self.stage.environment.clone();
        if let Some(mark) = mark {
            env.set(crate::session::delivery::MARK, mark);
        }
        if let Some(files) = self.stage.env_files {
            // A hook without a file of its own gets the host's: better joined than lost.
            if let Ok(path) = files.part(index) {
                env.set(invocation::ENV_FILE, path);
            }
        }
        self.stage.command(call.hook, env, || feed.file(call, previous))
    }

    fn post(&mut self, index: usize, request: Request) {
        let sender = self.posted.0.clone();
        self.posts += 1;
        let _starting = trace::scope("thread.start");
        std::thread::spawn(move || {
            let ending = posted(&request);
            // The receiver lives as long as the dispatch, which may have ended at its deadline.
            let _nobody_waits = sender.send((index, ending));
        });
    }

    /// The next call that ended; `None` when nothing runs.
    fn next(&mut self) -> Option<(usize, Ending)> {
        if let Ok((index, ending)) = self.posted.1.try_recv() {
            self.posts -= 1;
            return Some((index, ending));
        }
        if let Some((id, ending)) = self.set.as_mut().and_then(Set::next) {
            let index = self.processes.remove(&id);
            return Some((index.unwrap_or_else(|| unreachable!("BUG: unknown child")), ending));
        }
        if self.posts == 0 {
            return None;
        }
        self.posts -= 1;
        self.posted.1.recv().ok()
    }

    fn ended(&mut self, index: usize, ending: &Ending) {
        let hook = self.calls[index].hook;
        let answer = self.stage.answer(hook, ending);
        let answer = if hook.is_background() && hook.settings.rewake != Some(true) {
            answer.inert()
        } else {
            answer
        };
        self.keeper.done(hook.id(), &answer, answer.is_silent());
        self.ran[index] = Some(Ran {
            answer,
            ended: ended_text(&ending.status),
            took: ending.took,
            saw: self.saw[index].take(),
            stdout: ending.stdout.clone(),
            wakes: wakes(hook, ending),
            is_fresh: true,
            note: None,
        });
    }

    fn rewrite_of(&self, index: usize) -> Option<(String, Value)> {
        let ran = self.ran[index].as_ref().filter(|_| self.calls[index].may_grant)?;
        let input = ran.answer.updated_input.as_ref()?;
        Some((self.calls[index].hook.label(), input.clone()))
    }

    fn finish(self) -> Vec<Ran> {
        let ran = self.ran.into_iter();
        ran.map(|ran| ran.unwrap_or_else(|| unreachable!("BUG: a hook was forgotten"))).collect()
    }
}

/// With what a hook wakes the session: like under Claude Code by exit code 2, with stderr, or
/// else with stdout.
pub(super) fn wakes(hook: &Hook, ending: &Ending) -> Option<String> {
    if hook.settings.rewake != Some(true) || !matches!(ending.status, Status::Exited(2)) {
        return None;
    }
    let texts = [&ending.stderr, &ending.stdout].map(|text| String::from_utf8_lossy(text));
    let said = texts.iter().map(|text| text.trim()).find(|text| !text.is_empty());
    Some(said.map_or_else(|| format!("`{}` asks for attention", hook.label()), str::to_owned))
}

/// The limits of a hook that must end at a deadline.
pub(super) fn limits(deadline: Deadline) -> Limits {
    Limits { deadline, grace: GRACE, output_cap: OUTPUT_CAP, leak_grace: LEAK_GRACE }
}

/// Children that are told to end when we are.
pub(super) fn watched_set() -> Set {
    signal::watch().map_or_else(|_| Set::new(), Set::with_watch)
}

/// Posts and waits for the end of it.
pub(super) fn posted(request: &Request) -> Ending {
    let began = clock::boot_now();
    let mut ending = match http::post(request) {
        Ok(body) => Ending { stdout: body, ..Ending::without_run(Status::Exited(0)) },
        Err(sentence) => not_started(sentence),
    };
    ending.took = clock::boot_now().saturating_sub(began);
    ending
}

pub(super) fn not_started(sentence: String) -> Ending {
    Ending::without_run(Status::NotStarted(std::io::Error::other(sentence)))
}

pub(super) fn end_of(status: &Status) -> End {
    match status {
        Status::Exited(code) => End::Exited(*code),
        Status::Signalled(signal) => End::Signalled(*signal),
        Status::TimedOut => End::TimedOut,
        Status::Cancelled => End::Cancelled,
        Status::NotStarted(error) | Status::Lost(error) => End::NotStarted(error.to_string()),
    }
}

pub(super) fn ended_text(status: &Status) -> String {
    match status {
        Status::Exited(code) => format!("exit {code}"),
        Status::Signalled(signal) => format!("signal {signal}"),
        Status::TimedOut => "time limit".to_owned(),
        Status::Cancelled => "cancelled".to_owned(),
        Status::NotStarted(error) => format!("not started: {error}"),
        Status::Lost(error) => format!("lost: {error}"),
    }
}
