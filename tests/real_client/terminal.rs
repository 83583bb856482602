//! The client in a terminal: tmux with a socket and a configuration of its own.
//!
//! It types what the steps say and waits for what they name, each with a deadline. It does not
//! know what the session is about; whatever happens, its tmux server is gone afterwards.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::json;

use super::{
    client::{self, Options},
    hook_log::HookLog,
    stage::Stage,
};
use crate::wait;

/// For one step. The client takes three seconds to come up on an idle machine.
const STEP_LIMIT: Duration = Duration::from_mins(2);

/// How long the screen may take to show what was typed or answered, before it is done again.
const SETTLE: Duration = Duration::from_secs(2);

/// Between typed text and Enter: together they would be taken for pasted text.
const KEYSTROKE: Duration = Duration::from_millis(200);

/// What a user does, and what he waits for.
#[derive(Clone)]
pub(super) enum Step {
    /// Types a line and presses Enter.
    Type(&'static str),
    /// Waits for a question on the screen and presses keys (tmux's names) until it is gone: the
    /// client ignores what comes within a moment of the question.
    Answer(&'static str, &'static str),
    /// Waits until the screen shows this.
    See(&'static str),
    /// Waits until the hook has ended so many times.
    Hook(&'static str, usize),
    /// Writes a file of the project.
    Write(&'static str, &'static str),
}

/// What an interactive session left.
pub(super) struct Held {
    pub(super) exit: Option<i32>,
    /// Every screen seen at the end of a step, then the last one.
    pub(super) screen: String,
}

struct Tmux<'a> {
    socket: PathBuf,
    stage: &'a Stage,
}

/// Holds a session: starts the client, takes the steps, leaves it with `/exit`.
pub(super) fn hold(
    client: &Path,
    stage: &Stage,
    url: &str,
    options: &Options,
    steps: &[Step],
    log: &HookLog,
) -> Held {
    accept_dialogs(stage);
    let tmux = Tmux { socket: stage.root().join("tmux"), stage };
    let exit_file = stage.root().join("exit");
    tmux.start(client, url, options, &exit_file);
    tmux.take(&Step::See("❯"), log);
    let mut screens = Vec::new();
    for step in steps {
        tmux.take(step, log);
        screens.push(tmux.screen());
    }
    tmux.leave(&exit_file);
    let exit = fs::read_to_string(exit_file).unwrap();
    Held { exit: exit.trim().parse().ok(), screen: screens.join("\n") }
}

/// The state of a user who has been through every first-start dialog.
fn accept_dialogs(stage: &Stage) {
    let key_end = &client::KEY[client::KEY.len() - 20..];
    let remembered = json!({
        "hasCompletedOnboarding": true,
        "theme": "dark",
        "customApiKeyResponses": { "approved": [key_end], "rejected": [] },
        "projects": { stage.project().display().to_string(): { "hasTrustDialogAccepted": true } },
    });
    stage.write_home(".claude.json", &remembered.to_string());
}

impl Tmux<'_> {
    fn command(&self) -> Command {
        let mut command = self.stage.command(Path::new("tmux"));
        command
            .args(["-f", "/dev/null", "-S"])
            .arg(&self.socket)
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh");
        command
    }

    fn start(&self, client: &Path, url: &str, options: &Options, exit_file: &Path) {
        let mut tmux = self.command();
        tmux.args(["new-session", "-d", "-x", "180", "-y", "50", "-s", "s"]);
        let given = options.environment.iter().cloned();
        let ours = client::environment(url).map(|(name, value)| (name.to_owned(), value));
        for (name, value) in ours.into_iter().chain(given) {
            tmux.arg("-e").arg(format!("{name}={value}"));
        }
        // The status line tells the exit code, written in one step so that it is never half there.
        let wrapper = r#"exit=$1; shift; "$@"; echo $? > "$exit.new"; mv "$exit.new" "$exit""#;
        tmux.args(["/bin/sh", "-c", wrapper, "session"])
            .arg(exit_file)
            .arg(client)
            .args(&options.arguments);
        let output = tmux.output().expect("tmux is missing: run .ci/fetch-client");
        assert!(output.status.success(), "tmux: {output:?}");
    }

    fn take(&self, step: &Step, log: &HookLog) {
        match step {
            Step::Type(line) => self.enter(line),
            Step::Answer(question, keys) => self.answer(question, keys),
            Step::See(text) => self.await_screen(text),
            Step::Hook(name, times) => {
                let ended = log.await_end(name, *times, STEP_LIMIT);
                assert!(ended, "{name} did not end {times} times:\n{}", self.screen());
            }
            Step::Write(path, text) => self.stage.write_project(path, text),
        }
    }

    /// Types the line, sees that it stands there, and presses Enter. A client that has just come to
    /// the end of something may drop what is typed: then the line is emptied and typed again.
    fn enter(&self, line: &str) {
        let typed = wait::until(STEP_LIMIT, || {
            self.send(&["C-u"]);
            self.send(&["-l", line]);
            wait::until(SETTLE, || self.screen().contains(line))
        });
        assert!(typed, "cannot type {line:?}:\n{}", self.screen());
        self.send(&["Enter"]);
    }

    /// Leaves with `/exit`, asked for again while the client is still there.
    fn leave(&self, exit_file: &Path) {
        let gone = wait::until(STEP_LIMIT, || {
            for keys in [["C-u"].as_slice(), &["-l", "/exit"], &["Enter"]] {
                // The client may be gone before the last key: then there is nobody to send it to.
                self.try_send(keys);
                wait::until(KEYSTROKE, || exit_file.exists());
            }
            wait::until(SETTLE, || exit_file.exists())
        });
        assert!(gone, "the client did not leave:\n{}", self.screen());
    }

    fn answer(&self, question: &str, keys: &str) {
        self.await_screen(question);
        let gone = wait::until(STEP_LIMIT, || {
            self.send(&keys.split(' ').collect::<Vec<_>>());
            wait::until(SETTLE, || !self.screen().contains(question))
        });
        assert!(gone, "{question:?} stays:\n{}", self.screen());
    }

    fn send(&self, keys: &[&str]) {
        assert!(self.try_send(keys), "tmux cannot send {keys:?}");
    }

    fn try_send(&self, keys: &[&str]) -> bool {
        let mut tmux = self.command();
        tmux.args(["send-keys", "-t", "s"]).args(keys);
        tmux.output().unwrap().status.success()
    }

    fn await_screen(&self, text: &str) {
        let seen = wait::until(STEP_LIMIT, || self.screen().contains(text));
        assert!(seen, "never saw {text:?}:\n{}", self.screen());
    }

    fn screen(&self) -> String {
        let captured = self.command().args(["capture-pane", "-p", "-t", "s"]).output();
        String::from_utf8_lossy(&captured.unwrap().stdout).into_owned()
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        drop(self.command().arg("kill-server").output());
    }
}
