//! Hooks in the background: left in the queue, and a runner is woken.
//!
//! Does not wait for them. Invariants: nobody who waits for this dispatch waits for them: they
//! hold none of its descriptors and stand in a session of their own; where nothing can be queued
//! the hook is started here and now, and the user is told.

use std::{
    fs::{self, File},
    path::PathBuf,
};

use crate::{
    config::integration::JobLogs,
    json::Node,
    model::{
        hook::Hook,
        job::{Durability, Terms},
    },
    store::queue::{
        Queue,
        environment::{self, Environments, Variables},
        order::{HandOver, Order, Seen},
        streams::Streams,
        wake,
    },
    sys::{
        clock,
        dir::PrivateDir,
        place::{self, Env},
        process::{self, Command, Outputs},
    },
};

use super::{run::Stage, situation::Situation};

/// Where the logs are of what is started here, below the state of a project.
const LOGS: &str = "background";

/// Logs that are kept: the latest.
const KEPT: usize = 200;

/// How long a run may take, in seconds, where nothing is said: what Claude Code gives a command.
pub(super) const DEFAULT_LIMIT_S: u64 = 600;

/// Leaves a hook to the queue; what the user should know about that.
///
/// With a hand-over it is run only if the other processor does not run it.
pub(super) fn leave(
    hook: &Hook,
    stage: &Stage<'_>,
    mut command: Command,
    payload: &[u8],
    hand_over: Option<HandOver>,
) -> Result<Option<String>, String> {
    drop_tokens(&mut command);
    let label = hook.label();
    // The terms of a hook that is waited for mean nothing, there as here.
    let (terms, faults) =
        if hook.is_background() { Terms::read(&hook.settings.further) } else { Default::default() };
    let mut told: Vec<String> = faults
        .iter()
        .map(|(field, why)| format!("`{field}` of `{label}` is ignored: {why}"))
        .collect();
    match queue(hook, stage, &command, payload, terms, hand_over) {
        Ok(None) => {}
        Ok(Some(sleepy)) => {
            told.push(format!("`{label}` waits: no runner can be started: {sleepy}"));
        }
        Err(why) => {
            start(stage.state, stage.occurrence, &hook.id().0, &command)?;
            told.push(format!(
                "`{label}` was started without the queue, and is not retried: {why}"
            ));
        }
    }
    Ok((!told.is_empty()).then(|| told.join("; ")))
}

/// Leaves an order; why no runner will see it now, if so.
fn queue(
    hook: &Hook,
    stage: &Stage<'_>,
    command: &Command,
    payload: &[u8],
    terms: Terms,
    hand_over: Option<HandOver>,
) -> Result<Option<String>, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let places = &stage.situation.places;
    let state_dir = places.state_dir.as_ref().ok_or("there is no home directory to keep it in")?;
    let queue = Queue::open(state_dir).map_err(|error| text(&error))?;
    let environments = Environments::open(places).map_err(|error| text(&error))?;
    let environments = environments.ok_or("there is no place for its environment")?;
    let is_lasting = terms.durability == Durability::Power;
    let (shared, told) = divided(&command.env, stage.env, is_lasting);
    let environment = environments.keep(&shared).map_err(|error| text(&error))?;
    let order = order(hook, stage, command, payload, terms, told, environment)?;
    let order = Order { hand_over, streams: streams(stage), ..order };
    queue.spool().map_err(|error| text(&error))?.leave(&order).map_err(|error| text(&error))?;
    Ok(wake::wake(&queue, stage.env).err().map(|error| error.to_string()))
}

/// What is no secret, and what most programs need: kept with jobs that survive the machine's end.
const PLAIN: &[&str] = &[
    "HOME",
    "LANG",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TMPDIR",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// What comes from the host, which many jobs share, and what is told of this event.
fn divided(
    all: &process::Environment,
    host: &Env,
    is_lasting: bool,
) -> (Variables, Vec<(String, String)>) {
    let (mut shared, mut told) = (Variables::new(), Vec::new());
    for (name, value) in all.iter() {
        let (Some(key), Some(text)) = (name.to_str(), value.to_str()) else { continue };
        let is_of_host = host.get(key) == Some(value);
        if !is_of_host || is_lasting && PLAIN.contains(&key) {
            told.push((key.to_owned(), text.to_owned()));
        }
        if is_of_host {
            shared.insert(key.to_owned(), text.to_owned());
        }
    }
    (shared, told)
}

/// Where what jobs say is wanted in one stream.
fn streams(stage: &Stage<'_>) -> Option<Streams> {
    if stage.job_logs == JobLogs::None {
        return None;
    }
    let dir = stage.situation.places.claude_dir.as_ref()?.join("logs");
    // What is no UTF-8 cannot be written into an order.
    dir.to_str()?;
    Some(Streams { dir, has_all: stage.job_logs == JobLogs::All })
}

fn order(
    hook: &Hook,
    stage: &Stage<'_>,
    command: &Command,
    payload: &[u8],
    terms: Terms,
    told: Vec<(String, String)>,
    environment: PathBuf,
) -> Result<Order, String> {
    let situation = stage.situation;
    let argv = command.argv.iter().map(|word| word.to_str().map(str::to_owned));
    let argv = argv.collect::<Option<Vec<_>>>().ok_or("its command line is no UTF-8")?;
    let payload = String::from_utf8(payload.to_vec()).map_err(|_| "its payload is no UTF-8")?;
    let (event, id) = (situation.event.canonical(), &hook.id().0);
    let dir = command.dir.clone().or_else(|| place::working_dir().ok());
    if dir.as_ref().is_some_and(|dir| dir.to_str().is_none()) || situation.root.to_str().is_none() {
        return Err("its directory is no UTF-8".to_owned());
    }
    let limit = stage.event.row().map_or(0, |row| row.timeout_s).max(DEFAULT_LIMIT_S);
    let limit_ms = hook.settings.timeout.map_or(u128::from(limit) * 1000, |own| own.as_millis());
    let base = dir.as_deref().unwrap_or(&situation.root);
    let fresh = terms.fresh.iter().map(|path| Seen::now(base.join(of_payload(&payload, path))));
    let item = terms.batch.as_ref().map(|batch| of_payload(&payload, &batch.by));
    Ok(Order {
        id: Order::name(stage.occurrence, event, id),
        occurrence: stage.occurrence.to_owned(),
        project: situation.root.clone(),
        session: stage.session.clone(),
        event: event.to_owned(),
        vocabulary: hook.vocabulary(stage.fired_by),
        hook: id.clone(),
        label: hook.label(),
        at: clock::wall_text(clock::wall_now()),
        boot: clock::boot_id(),
        since_boot_ms: u64::try_from(clock::boot_now().as_millis()).unwrap_or(u64::MAX),
        argv,
        fresh: fresh.collect(),
        item: item.filter(|text| terms.batch.as_ref().is_some_and(|batch| batch.by != *text)),
        dir,
        environment,
        told,
        payload,
        limit_ms: u64::try_from(limit_ms).unwrap_or(u64::MAX),
        terms,
        streams: None,
        hand_over: None,
    })
}

/// The text in the payload that members joined by dots lead to; where there is none, the words
/// themselves.
pub(super) fn of_payload(payload: &str, members: &str) -> String {
    let root = Node::document(payload).ok();
    let found =
        root.and_then(|root| members.split('.').try_fold(root, |node, name| node.get(name)));
    let text = found.and_then(|node| node.as_str()).map(std::borrow::Cow::into_owned);
    text.unwrap_or_else(|| members.to_owned())
}

/// Sees to it that somebody looks at what an earlier runner or dispatch left behind.
pub(super) fn revive(situation: &Situation, env: &Env) -> Result<(), String> {
    let Some(state_dir) = &situation.places.state_dir else { return Ok(()) };
    let queue = Queue::existing(state_dir).map_err(|error| error.to_string())?;
    let woken = queue.map_or(Ok(()), |queue| wake::wake_if_needed(&queue, env));
    woken.map_err(|error| error.to_string())
}

/// Starts one here and now; nobody sees to what becomes of it.
fn start(
    state: Option<&PrivateDir>,
    occurrence: &str,
    hook: &str,
    command: &Command,
) -> Result<(), String> {
    let log = state.and_then(|state| log(state, &format!("{occurrence}-{hook}.log")));
    let file = log.as_ref().map(|(file, _)| file);
    let outputs = Outputs { stdout: file, stderr: file };
    process::detach(command, outputs).map(drop).map_err(|error| error.to_string())
}

/// A process that outlives the session has no use for the session's tokens.
pub(super) fn drop_tokens(command: &mut Command) {
    command.env.retain(|name| !name.to_str().is_some_and(environment::is_token));
}

/// A new log.
pub(super) fn log(state: &PrivateDir, name: &str) -> Option<(File, PathBuf)> {
    let logs = state.subdir(LOGS).ok()?;
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    let file = logs.create_new(&name).ok()?;
    Some((file, logs.path().join(name)))
}

/// Removes all logs but the latest.
pub(super) fn sweep(state: &PrivateDir) {
    let Ok(logs) = state.subdir(LOGS) else { return };
    let names = logs.list().unwrap_or_default();
    if names.len() <= KEPT {
        return;
    }
    let age = |name: &std::ffi::OsString| {
        fs::metadata(logs.path().join(name)).and_then(|data| data.modified()).ok()
    };
    let mut dated: Vec<_> = names.into_iter().map(|name| (age(&name), name)).collect();
    dated.sort_unstable();
    for (_, name) in &dated[..dated.len() - KEPT] {
        // One that cannot be removed now is tried again at the next session.
        let _stays = logs.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::dir;

    #[test]
    fn the_latest_logs_stay() {
        let scratch = tempfile::tempdir().unwrap();
        let state = dir::open_private_dir(&scratch.path().join("state")).unwrap();
        for index in 0..KEPT + 5 {
            drop(log(&state, &format!("{index:03}")).unwrap());
        }
        sweep(&state);
        let left = state.subdir(LOGS).unwrap().list().unwrap();
        assert_eq!(left.len(), KEPT);
        assert!(left.contains(&format!("{}", KEPT + 4).into()));
    }
}
