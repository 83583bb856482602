//! The end of a session: the host waits a second and a half, hooks may need longer.
//!
//! The whole dispatch is done by a second process in a session of its own, and this one waits for
//! it as long as the host does. Invariants: what was begun is finished, also when the host leaves
//! or ends us; what is said in time is said on.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::PathBuf,
};

use crate::{
    model::Processor,
    sys::{
        clock,
        memory::Shared,
        place,
        process::{self, Command, Status, Stdin},
        signal,
    },
};

use super::{Firing, Spoken, background, choose::Choice};

/// What the second process says.
struct Said {
    out: (File, PathBuf),
    err: (File, PathBuf),
}

/// What came of it.
pub(super) enum Outcome {
    /// It ended in time; what it said is to be said on.
    Ended(Spoken),
    /// It goes on.
    GoesOn,
    /// It could not be started, as a sentence: the hooks are to be run here.
    NotStarted(String),
}

/// Whether the work is to be done behind us.
pub(super) fn is_wanted(firing: &Firing<'_>, choice: &Choice) -> bool {
    let situation = firing.situation;
    let is_end = situation.fired_by == Processor::ClaudeCode
        && situation.event.canonical() == "SessionEnd"
        && !firing.request.behind
        && !firing.request.rewake;
    is_end && choice.meant.iter().any(|one| !choice.hooks[one.index].is_background())
}

/// Has it done.
pub(super) fn go(firing: &Firing<'_>) -> Outcome {
    let Ok(state) = &firing.situation.state else {
        return Outcome::NotStarted("no state can be kept".to_owned());
    };
    let name = format!("{}-{}", clock::boot_now().as_nanos(), std::process::id());
    let log = |kind: &str| background::log(state, &format!("session-end-{name}.{kind}"));
    let (Some(out), Some(err)) = (log("out"), log("err")) else {
        return Outcome::NotStarted("no log can be written".to_owned());
    };
    let said = Said { out, err };
    match start(firing, &said) {
        Ok(pid) => wait(firing, pid, said),
        Err(sentence) => {
            said.remove();
            Outcome::NotStarted(sentence)
        }
    }
}

fn start(firing: &Firing<'_>, said: &Said) -> Result<u32, String> {
    let request = firing.request;
    let program = place::own_program().map_err(|error| error.to_string())?;
    let mut argv: Vec<OsString> = vec![program.into(), "dispatch".into()];
    argv.push(request.event.as_str().into());
    argv.push("--behind".into());
    if let Some(registration) = &request.registration {
        argv.extend(["--reg".into(), registration.into()]);
    }
    if request.trust_all {
        argv.push("--trust-all".into());
    }
    if let Some(project) = &request.project {
        argv.extend(["--project".into(), project.into()]);
    }
    argv.extend(["--from".into(), firing.situation.fired_by.name().into()]);
    let payload = Shared::new(firing.payload.bytes(), firing.situation.scratch());
    let stdin = payload.reader().map_err(|error| error.to_string())?;
    let mut command = Command {
        argv,
        env: firing.env.to_map().into(),
        dir: firing.situation.dir().map(ToOwned::to_owned),
        stdin: Stdin::File(stdin),
        marker: "cph dispatch".to_owned(),
    };
    background::drop_tokens(&mut command);
    let outputs = process::Outputs { stdout: Some(&said.out.0), stderr: Some(&said.err.0) };
    process::detach(&command, outputs).map_err(|error| error.to_string())
}

fn wait(firing: &Firing<'_>, pid: u32, said: Said) -> Outcome {
    // Told to end, we leave: what was begun goes on without us.
    let watch = signal::watch().ok();
    match process::wait_detached(pid, firing.situation.deadline, watch.as_ref()) {
        Some(status) => Outcome::Ended(said.spoken(&status)),
        None => Outcome::GoesOn,
    }
}

impl Said {
    fn spoken(self, status: &Status) -> Spoken {
        let read = |path: &PathBuf| fs::read(path).unwrap_or_default();
        let exit = if matches!(status, Status::Exited(2)) { 2 } else { 0 };
        let spoken = Spoken { stdout: read(&self.out.1), stderr: read(&self.err.1), exit };
        self.remove();
        spoken
    }

    fn remove(self) {
        for (_, path) in [self.out, self.err] {
            // An empty log more is swept one day.
            let _left = fs::remove_file(path);
        }
    }
}
