//! The worker: runs the hook of one start, holds it to its limits, and writes its end down.
//!
//! In a session of its own; the hook in another one, so that the end of neither reaches the other
//! by accident. Invariant: the hook runs only after the begin was written, and once it has run the
//! end is written before anything else is done.

use std::{ffi::OsString, path::Path, time::Duration};

use crate::{
    store::queue::{
        Error, Queue, environment,
        logs::{Logs, Outputs},
        run::{Begun, End, How, MARK, Start, Task},
        streams, wake,
    },
    sys::{
        clock::{self, Deadline},
        memory::Shared,
        place::Places,
        process::{self, Allowance, Command, Status, Stdin},
        signal,
    },
};

use super::hand_over::Due;

/// What is told when nobody knows any more what the hook is to find in its environment.
const GONE: &str = "its environment is gone (after a logout); with `\"durability\": \"power\"` it \
                    runs without";

/// From TERM to KILL.
const GRACE: Duration = Duration::from_millis(1500);

/// Between two looks at how much it has said.
const LOOK: Duration = Duration::from_secs(2);

/// How long the end is tried to be written, for example while the disk is full, and how often.
const STUBBORN: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes of stdout in which an answer is looked for, and of stderr that are told.
const ANSWER: u64 = 64 << 10;
const LAST_WORDS: u64 = 2 << 10;

/// Runs one start to its end.
pub(crate) fn work(queue: &Queue, start: &Start, places: &Places) -> Result<(), Error> {
    signal::outlive_full_files();
    let runs = queue.runs()?;
    let Some((mut run, task)) = runs.begin(start)? else { return Ok(()) };
    let logs = queue.logs().ok();
    let began = clock::boot_now();
    let at = clock::wall_text(clock::wall_now());
    let mut due = None;
    let (how, heard) = match take_up(&task, places) {
        Ok(taken) => {
            due = taken;
            perform(&task, start, logs.as_ref(), &places.temp_dir, due.as_mut())
        }
        Err(how) => (how, Heard::default()),
    };
    let took = clock::boot_now().saturating_sub(began);
    let mut end = End {
        how,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        stdout: heard.stdout,
        stderr: heard.stderr,
    };
    if let Some(due) = &mut due {
        due.ran(&task, &end);
    }
    write_end(&mut run, &mut end)?;
    if let Some(due) = due {
        due.close(&task, &end);
    }
    if let Some(logs) = &logs {
        close(logs, start, &task, &end, &at);
    }
    drop(run);
    wake::tell(queue);
    Ok(())
}

/// A hook that was left to the other processor is taken up first; how it ended if that one has
/// run it.
fn take_up(task: &Task, places: &Places) -> Result<Option<Due>, How> {
    let state_dir = places.state_dir.as_deref();
    let taken = task.hand_over.as_ref().map(|one| Due::take_up(one, task, state_dir));
    taken.transpose()
}

/// What it said, as far as that was kept.
#[derive(Default)]
struct Heard {
    stdout: String,
    stderr: String,
}

fn perform(
    task: &Task,
    start: &Start,
    logs: Option<&Logs>,
    scratch: &Path,
    due: Option<&mut Due>,
) -> (How, Heard) {
    let not_started = |why: String| (How::NotStarted(why), Heard::default());
    let variables = match environment::load(&task.environment) {
        Some(variables) => variables,
        None if task.outlives_environment => environment::Variables::new(),
        None => return not_started(GONE.to_owned()),
    };
    let mut env: std::collections::BTreeMap<OsString, OsString> = variables
        .into_iter()
        .chain(task.told.clone())
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    env.insert(MARK.into(), start.name().into());
    if let Some((name, value)) = due.and_then(Due::start) {
        env.insert(name.into(), value.into());
    }
    let payload = Shared::new(task.stdin.as_bytes(), scratch);
    let stdin = match payload.reader() {
        Ok(stdin) => stdin,
        Err(error) => return not_started(format!("no payload: {error}")),
    };
    let dir = task.dir.as_ref().filter(|dir| dir.is_dir()).unwrap_or(&task.project);
    let command = Command {
        argv: task.argv.iter().map(OsString::from).collect(),
        env: env.into(),
        dir: Some(dir.clone()),
        stdin: Stdin::File(stdin),
        marker: task.label.clone(),
    };
    // Without a log it runs all the same, and what it says is lost.
    let outputs = logs.and_then(|logs| logs.open(start).ok());
    let how = run(&command, task, outputs.as_ref());
    let heard = |kind, most, is_tail| {
        let bytes = logs.map(|logs| logs.part(start, kind, most, is_tail)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    (how, Heard { stdout: heard("out", ANSWER, false), stderr: heard("err", LAST_WORDS, true) })
}

fn run(command: &Command, task: &Task, outputs: Option<&Outputs>) -> How {
    let allowance = Allowance {
        memory: task.memory_mb.map(|megabytes| megabytes.saturating_mul(1 << 20)),
        cpu_s: task.cpu_s,
    };
    let files = process::Outputs {
        stdout: outputs.map(|files| &files.stdout),
        stderr: outputs.map(|files| &files.stderr),
    };
    // Told to end, we end the hook.
    let watch = signal::watch().ok();
    let started = process::within(allowance, || process::detach(command, files));
    let pid = match started {
        Ok(pid) => pid,
        Err(error) => return How::NotStarted(error.to_string()),
    };
    let hook = process::identity(pid);
    let deadline = Deadline::after(Duration::from_millis(task.limit_ms));
    let is_told = || watch.as_ref().is_some_and(|watch| watch.arrived().is_some());
    while !deadline.expired() && !is_told() {
        let next = deadline.min(Deadline::after(LOOK));
        if let Some(status) = process::wait_detached(pid, next, watch.as_ref()) {
            return how(&status);
        }
        if let Some(outputs) = outputs {
            outputs.trim();
        }
    }
    let is_told = is_told();
    if let Some(hook) = hook {
        // Who outlives KILL outlives everything.
        let _survivor = process::end_group(&hook, GRACE);
    }
    process::forget_ended();
    if is_told { How::Cancelled } else { How::TimedOut }
}

fn how(status: &Status) -> How {
    match status {
        Status::Exited(code) => How::Exited(*code),
        Status::Signalled(signal) => How::Signalled(*signal),
        Status::TimedOut => How::TimedOut,
        Status::Cancelled => How::Cancelled,
        Status::NotStarted(error) | Status::Lost(error) => How::NotStarted(error.to_string()),
    }
}

/// As long as the end is not written, the hook counts as one that never ended.
fn write_end(begun: &mut Begun<'_>, end: &mut End) -> Result<(), Error> {
    let deadline = Deadline::after(STUBBORN);
    loop {
        match begun.ended(end) {
            Err(error) if deadline.expired() => return Err(error),
            Err(_) => {
                // For the bare fact there may be room.
                end.stdout.clear();
                end.stderr.clear();
                if begun.ended(end).is_ok() {
                    return Ok(());
                }
                std::thread::sleep(PAUSE);
            }
            Ok(()) => return Ok(()),
        }
    }
}

fn close(logs: &Logs, start: &Start, task: &Task, end: &End, at: &str) {
    let attempt = task.told.get("CPH_ATTEMPT").map_or("1", String::as_str);
    let head =
        format!("hook: {}\nevent: {}\nbegan: {at}\nattempt: {attempt}\n", task.label, task.event);
    let foot = format!("--- {} after {} ms\n", end.how, end.took_ms);
    // The end is written; a log less is no reason to run the job again.
    let (text, _no_log) = logs.close(start, &head, &foot);
    if let Some(wanted) = &task.streams {
        let _no_stream = streams::add(wanted, start, task, end, &text);
    }
}
