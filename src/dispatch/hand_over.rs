//! The end of a stand-down: the other processor has run the hook, or we run it now.
//!
//! Nobody waits for this; the user is told at the next event that can tell it.

use std::{ffi::OsString, time::Duration};

use crate::{
    config::{
        load::{self, Asking},
        locate::Roots,
        merge,
        read::Want,
    },
    model::{
        Event, Payload, Processor,
        answer::{Answer, End, Reply},
        hook::Hook,
    },
    session::{
        delivery::{self, MARK, OccurrenceId},
        handover::{Due, Handovers, Outcome},
    },
    store::{
        journal::{self, HookLine, Line},
        notices,
    },
    sys::{
        clock::Deadline,
        memory::Shared,
        place::Env,
        process::{Command, Ending, Set, Stdin},
        signal,
    },
};

use super::{Request, choose, invocation, run, situation::Situation, stand_down};

/// What became of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The other processor ran it, or somebody else sees to it.
    Settled,
    /// It ran here.
    Ran,
    /// It is no longer configured, or could not be started.
    Lost,
}

/// Waits for the other processor, then runs the hook if need be.
pub(crate) fn hand_over(
    occurrence: &str,
    request: &Request,
    env: &Env,
) -> Result<Ended, delivery::Error> {
    signal::outlive_full_files();
    let situation = Situation::of(request, env, &Payload::empty());
    let Some(occurrence) = OccurrenceId::parse(occurrence) else { return Ok(Ended::Settled) };
    let state = situation.reopen_state()?;
    let handovers = Handovers::open(state, stand_down::secrets(&situation)?)?;
    match handovers.watch(&occurrence)? {
        Outcome::Settled => Ok(Ended::Settled),
        Outcome::Run(due) => run_due(*due, &handovers, request, &situation),
    }
}

fn run_due(
    mut due: Due,
    handovers: &Handovers,
    request: &Request,
    situation: &Situation,
) -> Result<Ended, delivery::Error> {
    let event = Event::named(&due.note.event, Processor::ClaudeCode).0;
    let hook = find(&due, &event, request, situation);
    let (label, ended) = match (&hook, due.environment.take()) {
        (Some(hook), Some(environment)) => {
            let ending = run_hook(hook, &event, &mut due, environment, situation)?;
            (hook.label(), Ok(ending))
        }
        (None, _) => (due.note.hook.to_string(), Err("it is no longer configured")),
        (_, None) => (due.note.hook.to_string(), Err("its environment is gone (after a logout)")),
    };
    tell(&due, &event, &label, ended.as_ref().map_err(|why| *why), situation);
    let outcome = if ended.is_ok() { Ended::Ran } else { Ended::Lost };
    due.finish(handovers)?;
    Ok(outcome)
}

fn find(due: &Due, event: &Event, request: &Request, situation: &Situation) -> Option<Hook> {
    let roots = Roots {
        claude_dir: situation.places.claude_dir.clone(),
        project: Some(situation.root.clone()),
    };
    let trust = choose::trust_of(request, situation);
    let loaded = load::load(&Asking {
        roots: &roots,
        want: Want::Event(event),
        trust: Some(&trust),
        // A hook that stood down was known to be silent: it is no gate.
        is_gate: &|_| false,
        screen: None,
    });
    let hooks = merge::merge(loaded.into_running()).hooks;
    hooks.into_iter().find(|hook| *hook.id() == due.note.hook)
}

fn run_hook(
    hook: &Hook,
    event: &Event,
    due: &mut Due,
    environment: std::collections::BTreeMap<String, String>,
    situation: &Situation,
) -> Result<String, delivery::Error> {
    let starts = due.claim.start([hook.id()])?;
    let mut env: invocation::Environment =
        environment.into_iter().map(|(n, v)| (OsString::from(n), OsString::from(v))).collect();
    for start in &starts {
        env.insert(MARK.into(), start.mark().into());
    }
    let Some(line) = invocation::line(hook, &env) else { return Ok("cannot run here".to_owned()) };
    let payload = Shared::new(&due.note.payload, situation.scratch());
    let Ok(stdin) = payload.reader() else { return Ok("no payload".to_owned()) };
    let dir = Some(due.note.dir.clone()).filter(|dir| dir.is_dir());
    let argv = invocation::startable(line, &env, dir.as_deref());
    let command = Command { argv, env, dir, stdin: Stdin::File(stdin), marker: hook.label() };
    let ending = run_alone(command, hook, event);
    let (text, answer) = understood(hook, event, due, &ending);
    due.claim.done(hook.id(), &answer, answer.is_silent())?;
    Ok(text)
}

fn run_alone(command: Command, hook: &Hook, event: &Event) -> Ending {
    let default = event.row().map_or(600, |row| row.timeout_s);
    let limit = hook.settings.timeout.unwrap_or(Duration::from_secs(default));
    let mut set = Set::new();
    set.start(command, run::limits(Deadline::after(limit)));
    let ended = set.next();
    ended.map_or_else(|| unreachable!("BUG: a started hook never ends"), |(_, ending)| ending)
}

fn understood(hook: &Hook, event: &Event, due: &Due, ending: &Ending) -> (String, Answer) {
    let reply = Reply {
        end: run::end_of(&ending.status),
        stdout: &ending.stdout,
        stderr: &ending.stderr,
        cut: ending.stdout_cut || ending.stderr_cut,
        leaked: ending.leaked,
    };
    let vocabulary = hook.vocabulary(due.note.firing.processor);
    let answer = Answer::read(event, vocabulary, &reply, None);
    let text = match reply.end {
        End::Exited(0) => run::ended_text(&ending.status),
        _ => format!("{}, failed", run::ended_text(&ending.status)),
    };
    (text, answer.inert())
}

fn tell(
    due: &Due,
    event: &Event,
    label: &str,
    ended: Result<&String, &str>,
    situation: &Situation,
) {
    let Ok(state) = &situation.state else { return };
    let waited = due.note.wait.as_secs();
    let other = due.note.firing.processor.other();
    let what = match ended {
        Ok(ended) => format!("it ran in the background ({ended})"),
        Err(why) => format!("and it did not run here either: {why}"),
    };
    let text = format!("{other} did not run `{label}` within {waited} s: {what}");
    // The journal and the notice say the same: one of them may fail.
    let _journal_has_it = notices::leave(state, &text);
    let name = event.name_or_own(due.note.firing.processor);
    let mut line = Line::new(name, due.note.firing.processor.name());
    line.occurrence = Some(due.note.firing.occurrence.to_string());
    "handed over".clone_into(&mut line.outcome);
    line.faults.push(text);
    line.hooks.push(HookLine {
        id: due.note.hook.to_string(),
        label: label.to_owned(),
        what: "handed over".to_owned(),
        ended: ended.ok().cloned(),
        took_ms: None,
    });
    let _notice_has_it = journal::append(state, &line);
}
