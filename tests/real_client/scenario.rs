//! A scenario: hooks, project files, a scripted conversation, and how the session is held.
//!
//! The same scenario runs natively (its hooks in `.claude/settings.json`) and through cph (the
//! same JSON in `.claude/hooks.json`, then `cph install`). It does not judge what came of it.
//! In every text, `{hooks}`, `{project}`, `{home}` and `{root}` stand for paths of the run.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    api::Api,
    client::{self, Options},
    hook_log::HookLog,
    outcome::Outcome,
    script::{Script, Turn},
    stage::Stage,
    terminal::{self, Step},
};

/// How long a scripted turn waits for a hook: the watcher of files may take seconds.
const HOOK_WAIT: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
pub(super) struct Scenario {
    project: Option<String>,
    /// The JSON under `hooks`.
    hooks: Map<String, Value>,
    /// The same in the user's own file.
    user_hooks: Map<String, Value>,
    /// Name, path (with placeholders), body.
    scripts: Vec<(String, String, String)>,
    project_files: Vec<(String, String)>,
    home_files: Vec<(String, String)>,
    /// Other keys of the project's `.claude/settings.json`.
    settings: Map<String, Value>,
    script: Script,
    options: Options,
    steps: Option<Vec<Step>>,
    /// Hooks that may still run when the client is gone.
    settling: Vec<String>,
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

    /// Waits after the session until no run of the hook is alive any more.
    pub(super) fn settles(mut self, name: &str) -> Self {
        self.settling.push(name.to_owned());
        self
    }

    /// The hooks where Claude Code itself reads them.
    pub(super) fn run_native(&self, client: &Path) -> Outcome {
        let stage = self.stage();
        let mut settings = self.settings.clone();
        settings.insert("hooks".to_owned(), self.hooks.clone().into());
        stage.write_project(".claude/settings.json", &json_text(&settings, &stage));
        if !self.user_hooks.is_empty() {
            let text = json_text(&hook_file(&self.user_hooks), &stage);
            stage.write_home(".claude/settings.json", &text);
        }
        self.run_on(client, stage)
    }

    /// The same hooks in front of which cph stands.
    pub(super) fn run_cph(&self, client: &Path) -> Outcome {
        let stage = self.stage();
        if !self.settings.is_empty() {
            let text = json_text(&self.settings, &stage);
            stage.write_project(".claude/settings.json", &text);
        }
        let text = json_text(&hook_file(&self.hooks), &stage);
        stage.write_project(".claude/hooks.json", &text);
        if !self.user_hooks.is_empty() {
            let text = json_text(&hook_file(&self.user_hooks), &stage);
            stage.write_home(".claude/hooks.json", &text);
            stage.cph(&["install", "--scope", "user", "--trust-all"]);
        }
        stage.cph(&["install", "--scope", "project", "--trust-all"]);
        self.run_on(client, stage)
    }

    /// Directories, scripts and files, but no configuration yet.
    fn stage(&self) -> Stage {
        let stage = Stage::new(self.project.as_deref().unwrap_or("project"));
        let log = HookLog::new(stage.root());
        for (name, path, body) in &self.scripts {
            log.write_script(Path::new(&fill(path, &stage)), name, &fill(body, &stage));
        }
        for (path, text) in &self.project_files {
            stage.write_project(path, &fill(text, &stage));
        }
        for (path, text) in &self.home_files {
            stage.write_home(path, &fill(text, &stage));
        }
        stage
    }

    /// Holds the session on a stage that has its configuration.
    fn run_on(&self, client: &Path, stage: Stage) -> Outcome {
        let log = HookLog::new(stage.root());
        let (watched, script) = (log.clone(), self.filled_script(&stage));
        let wait = move |name: &str, times| {
            watched.await_end(name, times, HOOK_WAIT);
        };
        let api = Api::start(&script, Box::new(wait)).unwrap();
        let options = self.filled_options(&stage);
        let mut outcome = match &self.steps {
            None => Outcome::headless(client::run_headless(client, &stage, &api.url(), &options)),
            Some(steps) => {
                let held = terminal::hold(client, &stage, &api.url(), &options, steps, &log);
                Outcome::interactive(held)
            }
        };
        for name in &self.settling {
            let settled = log.await_gone(name, HOOK_WAIT);
            assert!(settled, "{name} still runs");
        }
        outcome.gather(Arc::new(stage), &log, &api.requests());
        outcome
    }

    fn filled_options(&self, stage: &Stage) -> Options {
        let mut options = self.options.clone();
        for text in options
            .arguments
            .iter_mut()
            .chain(options.environment.iter_mut().map(|(_, value)| value))
        {
            *text = fill(text, stage);
        }
        options
    }

    fn filled_script(&self, stage: &Stage) -> Script {
        let fill_turns =
            |turns: &[Turn]| turns.iter().map(|t| t.map(&|s| fill(s, stage))).collect();
        Script {
            main: fill_turns(&self.script.main),
            agents: self
                .script
                .agents
                .iter()
                .map(|(marker, turns)| (marker.clone(), fill_turns(turns)))
                .collect(),
        }
    }
}

/// Puts the paths of the run in place of the placeholders.
fn fill(text: &str, stage: &Stage) -> String {
    let root = stage.root();
    [
        ("{hooks}", root.join("hooks")),
        ("{project}", stage.project().to_owned()),
        ("{home}", stage.home()),
        ("{root}", root.to_owned()),
    ]
    .iter()
    .fold(text.to_owned(), |text, (name, path)| text.replace(name, &path.display().to_string()))
}

fn add_group(hooks: &mut Map<String, Value>, event: &str, group: Value) {
    let groups = hooks.entry(event).or_insert_with(|| json!([]));
    groups.as_array_mut().unwrap().push(group);
}

fn hook_file(hooks: &Map<String, Value>) -> Map<String, Value> {
    Map::from_iter([("hooks".to_owned(), hooks.clone().into())])
}

fn json_text(value: &Map<String, Value>, stage: &Stage) -> String {
    fill(&serde_json::to_string_pretty(value).unwrap(), stage)
}
