//! One run of a scenario, natively or through cph, from the empty stage to the outcome.
//!
//! Natively its hooks are in `.claude/settings.json`; through cph the same JSON is in
//! `.claude/hooks.json` and `cph install` writes the settings. Nothing else differs.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    api::Api,
    client::{self, Options},
    hook_log::HookLog,
    outcome::Outcome,
    scenario::Scenario,
    script::{Script, Turn},
    stage::Stage,
    terminal,
};

/// How long a scripted turn waits for a hook: the watcher of files may take seconds, and a busy
/// machine twenty times that.
const HOOK_WAIT: Duration = Duration::from_mins(2);

/// The hooks where Claude Code itself reads them.
pub(super) fn natively(scenario: &Scenario, client: &Path) -> Outcome {
    let run = Run::prepare(scenario);
    let mut settings = scenario.settings.clone();
    settings.insert("hooks".to_owned(), scenario.hooks.clone().into());
    let text = run.json(&settings);
    run.stage.write_project(".claude/settings.json", &text);
    if !scenario.user_hooks.is_empty() {
        let text = run.json(&hook_file(&scenario.user_hooks));
        run.stage.write_home(".claude/settings.json", &text);
    }
    run.hold(client)
}

/// The hooks of the user, and a project whose files stand as they are written in the scenario.
pub(super) fn as_written(scenario: &Scenario, client: &Path) -> Outcome {
    let run = Run::prepare(scenario);
    let text = run.json(&hook_file(&scenario.user_hooks));
    run.stage.write_home(".claude/settings.json", &text);
    run.hold(client)
}

/// The hooks where Claude Code itself reads them, after the linter has repaired the file.
pub(super) fn repaired(scenario: &Scenario, client: &Path) -> Outcome {
    let run = Run::prepare(scenario);
    let mut settings = scenario.settings.clone();
    settings.insert("hooks".to_owned(), scenario.hooks.clone().into());
    run.stage.write_project(".claude/settings.json", &run.json(&settings));
    run.stage.cph(&["lint", "--fix"]);
    run.hold(client)
}

/// The project whose files stand as they are written, after the linter has repaired them.
pub(super) fn repaired_as_written(scenario: &Scenario, client: &Path) -> Outcome {
    let run = Run::prepare(scenario);
    run.stage.cph(&["lint", "--fix"]);
    run.hold(client)
}

/// The same hooks in front of which cph stands.
pub(super) fn through_cph(scenario: &Scenario, client: &Path) -> Outcome {
    let run = Run::prepare(scenario);
    if !scenario.settings.is_empty() {
        let text = run.json(&scenario.settings);
        run.stage.write_project(".claude/settings.json", &text);
    }
    let mut file = hook_file(&scenario.hooks);
    if !scenario.presets.is_empty() {
        file.insert("integration".to_owned(), json!({ "presets": scenario.presets }));
    }
    run.stage.write_project(".claude/hooks.json", &run.json(&file));
    if !scenario.user_hooks.is_empty() {
        let text = run.json(&hook_file(&scenario.user_hooks));
        run.stage.write_home(".claude/hooks.json", &text);
        run.stage.cph(&["install", "--scope", "user", "--trust-all"]);
    }
    run.stage.cph(&["install", "--scope", "project", "--trust-all"]);
    if scenario.has_workers {
        run.stage.link("claude", client);
    }
    run.hold(client)
}

/// The hooks where Claude Code itself reads them, and cph beside them, looking on.
pub(super) fn observed(scenario: &Scenario, client: &Path) -> Outcome {
    let run = Run::prepare(scenario);
    let mut settings = scenario.settings.clone();
    settings.insert("hooks".to_owned(), scenario.hooks.clone().into());
    run.stage.write_project(".claude/settings.json", &run.json(&settings));
    run.stage.cph(&["install", "--observe"]);
    run.hold(client)
}

/// The same hooks, reached by a plugin: trusted, but not installed.
pub(super) fn through_plugin(scenario: &Scenario, client: &Path, plugin: &Path) -> Outcome {
    let mut scenario = scenario.clone();
    scenario.options.arguments.extend(["--plugin-dir".to_owned(), plugin.display().to_string()]);
    let run = Run::prepare(&scenario);
    let text = run.json(&hook_file(&scenario.hooks));
    run.stage.write_project(".claude/hooks.json", &text);
    run.stage.cph(&["trust", "--yes"]);
    run.hold(client)
}

struct Run<'a> {
    scenario: &'a Scenario,
    stage: Stage,
    log: HookLog,
    api: Api,
}

impl<'a> Run<'a> {
    /// Directories, scripts, files and the API, but no configuration yet.
    fn prepare(scenario: &'a Scenario) -> Self {
        let stage = Stage::new(scenario.project.as_deref().unwrap_or("project"));
        let log = HookLog::new(stage.root());
        for (name, path, body) in &scenario.scripts {
            log.write_script(Path::new(&fill(path, &stage)), name, &fill(body, &stage));
        }
        for (path, text) in &scenario.project_files {
            stage.write_project(path, &fill(text, &stage));
        }
        for (path, text) in &scenario.programs {
            stage.write_program(path, &fill(text, &stage));
        }
        for (path, text) in &scenario.home_files {
            stage.write_home(path, &fill(text, &stage));
        }
        let watched = log.clone();
        let wait = move |name: &str, times| {
            watched.await_end(name, times, HOOK_WAIT);
        };
        let api = Api::start(&filled_script(&scenario.script, &stage), Box::new(wait)).unwrap();
        Self { scenario, stage, log, api }
    }

    /// A configuration as text, with the paths and the address of this run.
    fn json(&self, value: &Map<String, Value>) -> String {
        let text = serde_json::to_string_pretty(value).unwrap();
        fill(&text, &self.stage).replace("{api}", &self.api.url())
    }

    /// Holds the session and gathers what came of it.
    fn hold(self, client: &Path) -> Outcome {
        let (stage, url) = (&self.stage, self.api.url());
        let options = filled_options(&self.scenario.options, stage);
        let mut outcome = match &self.scenario.steps {
            None => Outcome::headless(client::run_headless(client, stage, &url, &options)),
            Some(steps) => {
                let held = terminal::hold(client, stage, &url, &options, steps, &self.log);
                Outcome::interactive(held)
            }
        };
        for name in &self.scenario.settling {
            let settled = self.log.await_gone(name, HOOK_WAIT);
            assert!(settled, "{name} has not run, or still runs");
        }
        let requests = self.api.requests();
        outcome.gather(Arc::new(self.stage), &self.log, &requests);
        outcome
    }
}

fn filled_options(options: &Options, stage: &Stage) -> Options {
    let mut options = options.clone();
    let values = options.environment.iter_mut().map(|(_, value)| value);
    for text in options.arguments.iter_mut().chain(values) {
        *text = fill(text, stage);
    }
    options
}

fn filled_script(script: &Script, stage: &Stage) -> Script {
    let fill_turns = |turns: &[Turn]| turns.iter().map(|t| t.map(&|s| fill(s, stage))).collect();
    let agents = script.agents.iter();
    Script {
        main: fill_turns(&script.main),
        agents: agents.map(|(marker, turns)| (marker.clone(), fill_turns(turns))).collect(),
        ..script.clone()
    }
}

/// Puts the paths of the run in place of the placeholders.
fn fill(text: &str, stage: &Stage) -> String {
    let root = stage.root();
    let paths = [
        ("{hooks}", root.join("hooks")),
        ("{project}", stage.project().to_owned()),
        ("{home}", stage.home()),
        ("{root}", root.to_owned()),
    ];
    paths
        .iter()
        .fold(text.to_owned(), |text, (name, path)| text.replace(name, &path.display().to_string()))
}

fn hook_file(hooks: &Map<String, Value>) -> Map<String, Value> {
    Map::from_iter([("hooks".to_owned(), hooks.clone().into())])
}
