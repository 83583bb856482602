//! A scenario: hooks, project files, a scripted conversation, and how the session is held.
//!
//! Only a description: [`super::run`] carries it out, and the tests judge what came of it. In every
//! text, `{hooks}`, `{project}`, `{home}` and `{root}` stand for paths of the run; in the
//! configuration of hooks also `{api}` for the address of the scripted API.

use serde_json::{Map, Value, json};

use super::{
    client::Options,
    script::{Script, Turn},
    terminal::Step,
};

#[derive(Clone, Default)]
pub(super) struct Scenario {
    pub(super) project: Option<String>,
    /// The JSON under `hooks`.
    pub(super) hooks: Map<String, Value>,
    /// The same in the user's own file.
    pub(super) user_hooks: Map<String, Value>,
    /// Name, path (with placeholders), body.
    pub(super) scripts: Vec<(String, String, String)>,
    pub(super) project_files: Vec<(String, String)>,
    pub(super) home_files: Vec<(String, String)>,
    /// Other keys of the project's `.claude/settings.json`.
    pub(super) settings: Map<String, Value>,
    pub(super) script: Script,
    pub(super) options: Options,
    pub(super) steps: Option<Vec<Step>>,
    /// The client is on PATH too: tasks of runs start it.
    pub(super) has_workers: bool,
    /// Hooks that may still run when the client is gone.
    pub(super) settling: Vec<String>,
}

/// A command handler for a script of the scenario.
pub(super) fn run(name: &str) -> Value {
    json!({ "type": "command", "command": command(name) })
}

/// The command line of a script of the scenario.
pub(super) fn command(name: &str) -> String {
    format!("{{hooks}}/{name}.sh")
}

/// The body of a script that answers this on stdout.
pub(super) fn answer(answer: &Value) -> String {
    format!("cat <<'ANSWER'\n{answer}\nANSWER")
}

/// The same, for fields of the event's own output.
pub(super) fn output(event: &str, fields: &Value) -> String {
    let mut output = json!({ "hookEventName": event });
    let fields = fields.as_object().unwrap().clone();
    output.as_object_mut().unwrap().extend(fields);
    answer(&json!({ "hookSpecificOutput": output }))
}

/// The same, for a context.
pub(super) fn context(event: &str, text: &str) -> String {
    output(event, &json!({ "additionalContext": text }))
}

impl Scenario {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The name of the project directory (default: `project`).
    pub(super) fn project(mut self, name: &str) -> Self {
        self.project = Some(name.to_owned());
        self
    }

    /// A hook script outside the project that logs and then does `body`.
    pub(super) fn hook(self, name: &str, body: &str) -> Self {
        let path = command(name);
        self.hook_at(&path, name, body)
    }

    /// The same at a path of choice.
    pub(super) fn hook_at(mut self, path: &str, name: &str, body: &str) -> Self {
        self.scripts.push((name.to_owned(), path.to_owned(), body.to_owned()));
        self
    }

    /// A group of the configuration: event, matcher (`None`: no such key), handlers.
    pub(super) fn on<const N: usize>(
        self,
        event: &str,
        matcher: Option<&str>,
        handlers: [Value; N],
    ) -> Self {
        let mut group = Map::new();
        if let Some(matcher) = matcher {
            group.insert("matcher".to_owned(), matcher.into());
        }
        group.insert("hooks".to_owned(), Vec::from(handlers).into());
        self.group(event, group.into())
    }

    /// A group of the configuration, word for word.
    pub(super) fn group(mut self, event: &str, group: Value) -> Self {
        add_group(&mut self.hooks, event, group);
        self
    }

    /// A group in the file of the user instead of the project's.
    pub(super) fn for_the_user(mut self, event: &str, group: Value) -> Self {
        add_group(&mut self.user_hooks, event, group);
        self
    }

    /// Logs one event, whatever it matches: the shortest scenario there is.
    pub(super) fn observe(self, event: &str) -> Self {
        let name = event.to_ascii_lowercase();
        self.hook(&name, "").on(event, None, [run(&name)])
    }

    pub(super) fn file(mut self, path: &str, text: &str) -> Self {
        self.project_files.push((path.to_owned(), text.to_owned()));
        self
    }

    pub(super) fn home_file(mut self, path: &str, text: &str) -> Self {
        self.home_files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// A key of `.claude/settings.json` beside `hooks`.
    pub(super) fn setting(mut self, key: &str, value: Value) -> Self {
        self.settings.insert(key.to_owned(), value);
        self
    }

    /// The next turn of the main conversation.
    pub(super) fn turn(mut self, turn: impl Into<Turn>) -> Self {
        self.script.main.push(turn.into());
        self
    }

    /// The conversation of a subagent whose prompt contains `marker`.
    pub(super) fn agent<const N: usize>(mut self, marker: &str, turns: [Turn; N]) -> Self {
        self.script.agents.push((marker.to_owned(), turns.into()));
        self
    }

    /// What a request without tools is answered when it contains `marker`.
    pub(super) fn aside(mut self, marker: &str, answer: &str) -> Self {
        self.script.asides.push((marker.to_owned(), answer.to_owned()));
        self
    }

    /// What is answered to a POST to this path of the scripted API.
    pub(super) fn post(mut self, path: &str, answer: &Value) -> Self {
        self.script.posts.push((path.to_owned(), answer.to_string()));
        self
    }

    pub(super) fn prompt(mut self, prompt: &str) -> Self {
        prompt.clone_into(&mut self.options.prompt);
        self
    }

    pub(super) fn allowed_tools(mut self, tools: &str) -> Self {
        tools.clone_into(&mut self.options.allowed_tools);
        self
    }

    pub(super) fn argument(mut self, argument: &str) -> Self {
        self.options.arguments.push(argument.to_owned());
        self
    }

    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.options.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Holds the session in a terminal instead of `-p`.
    pub(super) fn in_terminal<const N: usize>(mut self, steps: [Step; N]) -> Self {
        self.steps = Some(steps.into());
        self
    }

    /// Runs start more sessions of the client; all together may take this long.
    pub(super) fn with_workers(mut self, deadline: std::time::Duration) -> Self {
        self.has_workers = true;
        self.options.deadline = deadline;
        self
    }

    /// Waits after the session until the hook has run and no run of it is alive any more.
    pub(super) fn settles(mut self, name: &str) -> Self {
        self.settling.push(name.to_owned());
        self
    }
}

fn add_group(hooks: &mut Map<String, Value>, event: &str, group: Value) {
    let groups = hooks.entry(event).or_insert_with(|| json!([]));
    groups.as_array_mut().unwrap().push(group);
}
