//! One hook on its own, run as a dispatch would run it: same process, stdin, environment, limit,
//! and its answer read in the same way.
//!
//! Invariants: no claim is taken, no record, journal line or job is left; only what is trusted
//! runs, unless the request trusts everything; the host's own file for variables is never written
//! to.

use std::{path::PathBuf, time::Duration};

use crate::{
    config::{
        integration::{Integration, Scripts},
        merge,
        trust::{Held, ScriptVerdict, Suspension, Trust},
    },
    model::{
        Event, Payload, Processor,
        answer::{self, Answer, End},
        fold::{self, Folding, Voice},
        hook::{Entry, Handler, Hook, HookId, NativeKind},
        job::Terms,
        matcher::MatchedAs,
        orders::Orders,
        paths::Dirs,
        when,
    },
    session::{
        delivery::{Moment, OccurrenceId},
        memory::Memory,
        recursion::{self, Nesting},
    },
    store::queue::order::Order,
    sys::{
        clock::Deadline,
        dir::{self, PrivateDir},
        memory::Shared,
        place::Env,
        process::{Command, Ending, Environment, Limits},
    },
};

use super::{
    Firing, Request, Spoken, background, choose,
    feed::Feed,
    http::Allowed,
    invocation,
    run::{self, Call, Stage},
    situation::Situation,
};

/// Everything that can be said about one run.
pub(crate) struct Trial {
    pub(crate) event: Event,
    pub(crate) fired_by: Processor,
    pub(crate) hook: Hook,
    /// The vocabulary that it is told the event in.
    pub(crate) vocabulary: Processor,
    /// Why each of the hook's entries does not mean the payload; `None`: it does.
    pub(crate) entries: Vec<Option<String>>,
    /// What else is to be known about what was run.
    pub(crate) notes: Vec<String>,
    /// As which it would be a background job.
    pub(crate) job: Option<Terms>,
    pub(crate) limit: Duration,
    /// What it read, or what was posted.
    pub(crate) stdin: Vec<u8>,
    pub(crate) end: End,
    pub(crate) ended: String,
    pub(crate) took: Duration,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// As the host counts it: of a background job only what can still be told.
    pub(crate) answer: Answer,
    /// What the host would be told if this were the only hook.
    pub(crate) spoken: Spoken,
    /// With what it wakes the session, if it does.
    pub(crate) wakes: Option<String>,
    /// What it wrote to `CLAUDE_ENV_FILE`, on events that have one.
    pub(crate) variables: Option<String>,
}

impl Trial {
    /// Whether any of its entries means the payload.
    pub(crate) fn is_meant(&self) -> bool {
        self.entries.iter().any(Option::is_none)
    }

    /// Whether an interpreter that did not find its script exited with 2, which hosts take for
    /// a refusal.
    pub(crate) fn is_missing_script(&self) -> bool {
        let [stdout, stderr] = [&self.stdout, &self.stderr].map(|b| String::from_utf8_lossy(b));
        self.end == End::Exited(2) && answer::is_missing_script(&stdout, &stderr)
    }

    /// Whether it ran, and nothing that it said is lost.
    pub(crate) fn is_sound(&self) -> bool {
        let ran = self.job.is_none() || self.end == End::Exited(0);
        ran && !self.is_missing_script()
            && self.answer.faults.iter().all(|fault| fault.kind.is_harmless())
    }
}

/// Why a hook was not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotRun {
    #[error("the hook is not configured for this event any more")]
    Gone,
    #[error("it is {0} and does not run until `cph trust` approves it")]
    Untrusted(&'static str),
    #[error("{} was changed since it was trusted, and `trust.scripts` is \"strict\"", paths(.0))]
    Scripts(Vec<PathBuf>),
    #[error("it is a `{}` hook: only Claude Code itself can run it", .0.name())]
    Native(NativeKind),
    #[error("{0} dispatches stand above this one (`max_depth`): no hook runs here")]
    TooDeep(u32),
}

fn paths(all: &[PathBuf]) -> String {
    all.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Runs a hook of the requested event on a payload.
pub(crate) fn try_out(
    request: &Request,
    env: &Env,
    payload: &Payload,
    hook: &HookId,
) -> Result<Trial, NotRun> {
    // Nobody waits but who asked: the hook's own limit is the only one.
    let request = Request { behind: true, ..request.clone() };
    let situation = Situation::seen(&request, env, payload);
    let trust = match &situation.places.state_dir {
        _ if request.trust_all => Trust::everything(&situation.root),
        Some(state_dir) => Trust::seen(state_dir, &situation.root),
        None => Trust::nothing(&situation.root),
    };
    let found = find(&situation, &trust, hook)?;
    let nesting = Nesting::parse(env.text(recursion::DEPTH), env.text(recursion::INSIDE));
    if nesting.is_too_deep(found.integration.max_depth()) {
        return Err(NotRun::TooDeep(nesting.depth));
    }
    let firing =
        Firing { request: &request, env, payload, situation: &situation, conduct: &nowhere };
    Ok(Bench { firing, found }.run(&nesting))
}

/// What a part of cph does depends on the runs of a session.
fn nobody(_: &Orders, _: &[u8]) -> Result<Vec<u8>, String> {
    Err("a part of cph acts in a session only".to_owned())
}

/// The same for a firing as a whole.
fn nowhere(_: &Situation, orders: &Orders, payload: &[u8]) -> Result<Vec<u8>, String> {
    nobody(orders, payload)
}

/// A hook that may run.
struct Found {
    hook: Hook,
    integration: Integration,
    notes: Vec<String>,
}

fn find(situation: &Situation, trust: &Trust, id: &HookId) -> Result<Found, NotRun> {
    let memory = || situation.state.as_ref().map(Memory::seen).unwrap_or_default();
    let loaded = choose::load(situation, trust, memory, None);
    let integration = loaded.integration.clone();
    let is_it = |entry: &Entry| merge::id_of(entry) == *id;
    let judged = || loaded.files.iter().map(|file| &file.judged);
    let held = judged().flat_map(|judged| &judged.held).find(|(entry, _)| is_it(entry));
    let notes = held.map(|(_, why)| held_text(*why).to_owned()).into_iter().collect();
    let waits = judged().flat_map(|judged| &judged.suspended).find(|(entry, _)| is_it(entry));
    let waits = waits.map(|(_, why)| match why {
        Suspension::New => "new",
        Suspension::Changed => "changed",
    });
    let hooks = merge::merge(loaded.into_running()).hooks;
    let hook = hooks.into_iter().find(|hook| hook.id() == id);
    let hook = hook.ok_or_else(|| waits.map_or(NotRun::Gone, NotRun::Untrusted))?;
    if let Handler::Native { kind, .. } = hook.handler() {
        return Err(NotRun::Native(*kind));
    }
    let mut found = Found { hook, integration, notes };
    look_at_scripts(&mut found, trust)?;
    Ok(found)
}

fn held_text(why: Held) -> &'static str {
    match why {
        Held::Changed => "it was changed; as a gate it runs as it was approved, here too",
        Held::Removed => "it was removed; as a gate it runs on until `cph trust` approves that",
    }
}

fn look_at_scripts(found: &mut Found, trust: &Trust) -> Result<(), NotRun> {
    let entry = found.hook.leading();
    if !entry.origin.layer.is_of_project() {
        return Ok(());
    }
    match trust.scripts(entry, found.integration.scripts() == Scripts::Strict) {
        ScriptVerdict::Same => {}
        ScriptVerdict::Suspended { changes, .. } => {
            return Err(NotRun::Scripts(changes.into_iter().map(|change| change.path).collect()));
        }
        ScriptVerdict::Told(changes) => {
            let told = changes.iter().map(|change| {
                format!("{} was changed since it was trusted", change.path.display())
            });
            found.notes.extend(told);
        }
    }
    Ok(())
}

/// A hook and its firing, ready to run.
struct Bench<'b> {
    firing: Firing<'b>,
    found: Found,
}

impl Bench<'_> {
    fn run(self, nesting: &Nesting) -> Trial {
        let situation = self.firing.situation;
        let occurrence = OccurrenceId::new(&Moment::now());
        let mut environment = self.firing.environment(nesting, &occurrence);
        let variables = EnvFile::new(situation, &mut environment);
        let (entries, matched_as) = self.matches();
        let stdin = self.stdin(&occurrence, matched_as.tool_name_shown);
        let job = self.job(&occurrence, &stdin, &mut environment);
        let stdin = if job.as_ref().is_some_and(|terms| terms.batch.is_some()) {
            [b"{\"batch\":[", stdin.trim_ascii(), b"]}\n"].concat()
        } else {
            stdin
        };
        let stage = self.stage(&environment, &occurrence);
        let limit = self.limit(&stage, job.is_some());
        let ending = self.perform(&stage, &stdin, limit);
        let hook = &self.found.hook;
        let end = run::end_of(&ending.status);
        let read = stage.answer(hook, &ending);
        let answer = if job.is_some() { too_late(read, &end, &ending.stdout) } else { read };
        Trial {
            spoken: self.spoken(&answer, matched_as),
            wakes: run::wakes(hook, &ending),
            vocabulary: hook.vocabulary(situation.fired_by),
            event: situation.event.clone(),
            fired_by: situation.fired_by,
            variables: variables.and_then(|file| file.text()),
            ended: run::ended_text(&ending.status),
            took: ending.took,
            stdout: ending.stdout,
            stderr: ending.stderr,
            notes: self.found.notes,
            hook: self.found.hook,
            entries,
            job,
            limit,
            stdin,
            end,
            answer,
        }
    }

    /// Why each entry does not mean the payload, and how the hook is to run all the same.
    fn matches(&self) -> (Vec<Option<String>>, MatchedAs) {
        let Firing { payload, situation, .. } = self.firing;
        let dirs = Dirs { project: &situation.root, home: situation.places.home.as_deref() };
        let firing = when::Firing::new(payload, situation.fired_by, dirs);
        let hook = &self.found.hook;
        let why = |(entry, choice): (&Entry, when::Choice)| match choice {
            when::Choice::Runs(_) => None,
            when::Choice::Not(why) => Some(why.sentence(entry, payload)),
        };
        let entries = firing.choices(hook).map(why).collect();
        (entries, firing.selects(hook).unwrap_or(MatchedAs::ITSELF))
    }

    fn stdin(&self, occurrence: &OccurrenceId, tool_shown: Option<&'static str>) -> Vec<u8> {
        let Firing { payload, situation, .. } = self.firing;
        let name = occurrence.to_string();
        let (event, by) = (&situation.event, situation.fired_by);
        let feed = Feed::new(event, by, &name, payload, situation.scratch());
        let hook = &self.found.hook;
        let call = Call { hook, place: 0, tool_shown, may_grant: true, answered: None };
        feed.bytes(&call, &[]).into_owned()
    }

    /// The terms of a hook that nobody waits for, and what its environment has beside the others'.
    fn job(
        &self,
        occurrence: &OccurrenceId,
        stdin: &[u8],
        environment: &mut Environment,
    ) -> Option<Terms> {
        let hook = &self.found.hook;
        if !hook.is_background() || hook.settings.rewake == Some(true) {
            return None;
        }
        let (terms, _) = Terms::read(&hook.settings.further);
        let event = self.firing.situation.event.canonical();
        let id = Order::name(&occurrence.to_string(), event, &hook.id().0);
        let mut told = vec![("CPH_JOB_ID", id), ("CPH_ATTEMPT", "1".to_owned())];
        if let Some(batch) = &terms.batch {
            let item = background::of_payload(&String::from_utf8_lossy(stdin), &batch.by);
            let item = if item == batch.by { String::new() } else { item };
            told.extend([("CPH_BATCH_SIZE", "1".to_owned()), ("CPH_BATCH_PATHS", item)]);
        }
        for (name, value) in told {
            environment.set(name, value);
        }
        Some(terms)
    }

    fn stage<'s>(
        &'s self,
        environment: &'s Environment,
        occurrence: &'s OccurrenceId,
    ) -> Stage<'s> {
        let situation = self.firing.situation;
        Stage {
            event: &situation.event,
            fired_by: situation.fired_by,
            environment,
            env: self.firing.env,
            env_files: None,
            situation,
            session: None,
            allowed: Allowed { integration: &self.found.integration },
            job_logs: self.found.integration.job_logs(),
            dir: situation.dir(),
            deadline: situation.deadline,
            state: None,
            conduct: &nobody,
            occurrence: occurrence.as_str(),
            meanwhile: &|| {},
        }
    }

    fn limit(&self, stage: &Stage<'_>, is_job: bool) -> Duration {
        let own = run::own_limit(stage.event, &self.found.hook);
        let least = Duration::from_secs(background::DEFAULT_LIMIT_S);
        match self.found.hook.settings.timeout {
            None if is_job => own.max(least),
            _ => own,
        }
    }

    fn perform(&self, stage: &Stage<'_>, stdin: &[u8], limit: Duration) -> Ending {
        let hook = &self.found.hook;
        let limits = run::limits(Deadline::after(limit));
        if matches!(hook.handler(), Handler::Http { .. }) {
            return match stage.request(hook, stdin.to_vec(), &limits) {
                Ok(request) => run::posted(&request),
                Err(sentence) => run::not_started(sentence),
            };
        }
        let scratch = self.firing.situation.scratch();
        let shared = Shared::new(stdin, scratch);
        match stage.command(hook, stage.environment.clone(), || shared.reader()) {
            Ok(command) => wait_for(command, limits, hook.is_background()),
            Err(sentence) => run::not_started(sentence),
        }
    }

    /// What cph would say if this were the only hook.
    fn spoken(&self, answer: &Answer, matched_as: MatchedAs) -> Spoken {
        let situation = self.firing.situation;
        let label = self.found.hook.label();
        let voices = [Voice { label: &label, answer, may_grant: matched_as.may_grant }];
        let folding = Folding {
            event: &situation.event,
            fired_by: situation.fired_by,
            voices: &voices,
            input: answer.updated_input.as_ref().filter(|_| matched_as.may_grant),
            notices: &[],
        };
        let folded = fold::fold(&folding, &mut |_| None);
        Spoken { stdout: folded.stdout, stderr: folded.stderr, exit: folded.exit }
    }
}

fn wait_for(mut command: Command, limits: Limits, is_background: bool) -> Ending {
    if is_background {
        background::drop_tokens(&mut command);
    }
    let mut set = run::watched_set();
    set.start(command, limits);
    let ended = set.next().map(|(_, ending)| ending);
    ended.unwrap_or_else(|| run::not_started("it was lost".to_owned()))
}

/// What is left of the answer of a job: what can still be told at a later event.
fn too_late(answer: Answer, end: &End, stdout: &[u8]) -> Answer {
    let is_told = *end == End::Exited(0) && stdout.trim_ascii_start().starts_with(b"{");
    let Answer { context, message, faults, .. } = answer;
    Answer {
        context: context.filter(|_| is_told),
        message: message.filter(|_| is_told),
        faults,
        ..Answer::default()
    }
}

/// The file for variables: one of our own, which is gone afterwards.
struct EnvFile {
    dir: PrivateDir,
}

impl EnvFile {
    const NAME: &str = "variables";

    /// Where the event has one; it stands in the environment from then on.
    fn new(situation: &Situation, environment: &mut Environment) -> Option<Self> {
        let has_one = situation.event.row().is_some_and(|row| row.has_env_file);
        let is_wanted = has_one && situation.fired_by == Processor::ClaudeCode;
        // The host's is none of ours.
        environment.retain(|name| name != invocation::ENV_FILE);
        let path = situation.scratch().join(format!("cph-test-{}", std::process::id()));
        let dir = is_wanted.then(|| dir::open_private_dir(&path).ok())??;
        drop(dir.create_new(Self::NAME).ok()?);
        environment.set(invocation::ENV_FILE, dir.path().join(Self::NAME));
        Some(Self { dir })
    }

    fn text(&self) -> Option<String> {
        let bytes = std::fs::read(self.dir.path().join(Self::NAME)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|text| !text.is_empty())
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        // Nobody misses it, and there is nobody to tell.
        let _gone =
            self.dir.remove(Self::NAME).is_ok() && std::fs::remove_dir(self.dir.path()).is_ok();
    }
}
