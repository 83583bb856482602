//! Rewrites what a session said into what two equal sessions share.
//!
//! Ids, paths, times and process numbers go. Beyond that, only what is written down in the tables
//! here may differ between a native run and one through cph.

use std::collections::BTreeMap;

use regress::Regex;

use super::{hook_log::HookRun, stage::Stage};

/// Pattern and replacement: what names the run, not what happened.
const NAMES_OF_THE_RUN: &[(&str, &str)] = &[
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", "<time>"),
    (r#""duration_ms":\d+"#, r#""duration_ms":<n>"#),
    (r"duration_ms: \d+", "duration_ms: <n>"),
    (r"\b[a-z]?[0-9a-f]{16,17}\b", "<id>"),
    (r"\b\d+\.sock\b", "<pid>.sock"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
];

/// Pattern and replacement: the host's own words, the same whatever hooks there are.
const HOUSEHOLD: &[(&str, &str)] = &[
    (r"# Environment\nYou have been invoked[\s\S]*?Today's date is \S+", "<environment>"),
    (r"<system-reminder>\nAttribution for git[\s\S]*?</system-reminder>", "<attribution>"),
];

/// Pattern and replacement: the same message in the host's words for a plain hook and for cph.
const SAME_MEANING: &[(&str, &str)] = &[
    // Plain stdout natively, `additionalContext` through cph: the text is the same.
    (r"hook (success|additional context): ", "hook context: "),
    // The command line in front of stderr; cph answers in JSON, which has none.
    (r"hook error: \[[^\]]*\]: ", "hook error: "),
];

/// Set by shells and by the run itself; no hook can rely on their values.
const UNCOMPARED_VARIABLES: &[&str] = &[
    "_",
    "SHLVL",
    "PWD",
    "OLDPWD",
    "CLAUDE_PID",
    "CLAUDE_ENV_FILE",
    "ANTHROPIC_BASE_URL",
    // A token: not compared, not printed.
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "TMUX",
    "TMUX_PANE",
];

/// What cph adds for hooks of either vocabulary.
const VARIABLES_OF_CPH: &[&str] = &["CPH_", "TASK_"];

/// Makes texts of one run plain.
pub(super) struct Plain {
    paths: Vec<(String, &'static str)>,
    names: Vec<(Regex, &'static str)>,
    household: Vec<(Regex, &'static str)>,
    meanings: Vec<(Regex, &'static str)>,
}

impl Plain {
    pub(super) fn new(stage: &Stage) -> Self {
        let compile = |table: &[(&str, &'static str)]| {
            table.iter().map(|(pattern, by)| (Regex::new(pattern).unwrap(), *by)).collect()
        };
        let (project, root) =
            (stage.project().display().to_string(), stage.root().display().to_string());
        Self {
            paths: vec![
                (slug(&project), "<project-slug>"),
                (project, "<project>"),
                (slug(&root), "<root-slug>"),
                (root, "<root>"),
            ],
            names: compile(NAMES_OF_THE_RUN),
            household: compile(HOUSEHOLD),
            meanings: compile(SAME_MEANING),
        }
    }

    pub(super) fn text(&self, text: &str) -> String {
        let text =
            self.paths.iter().fold(text.to_owned(), |text, (path, name)| text.replace(path, name));
        replace(&self.names, text)
    }

    /// A text that the model was told.
    pub(super) fn told(&self, text: &str) -> String {
        replace(&self.meanings, replace(&self.household, self.text(text)))
    }

    /// One run of a hook: everything that it could see.
    pub(super) fn run(&self, run: &HookRun) -> String {
        let exit = run.exit.map_or("killed".to_owned(), |code| code.to_string());
        let environment: BTreeMap<_, _> = run
            .environment
            .iter()
            .filter(|(key, _)| is_compared(key))
            .map(|(key, value)| (key, self.text(value)))
            .collect();
        format!(
            "hook {}: exit {exit} argv {:?}\n  told: {}  environment: {environment:?}\n",
            run.name,
            run.argv.iter().map(|argument| self.text(argument)).collect::<Vec<_>>(),
            self.text(&run.payload),
        )
    }
}

fn is_compared(variable: &str) -> bool {
    !UNCOMPARED_VARIABLES.contains(&variable)
        && !VARIABLES_OF_CPH.iter().any(|start| variable.starts_with(start))
}

fn replace(table: &[(Regex, &str)], text: String) -> String {
    table.iter().fold(text, |text, (pattern, by)| pattern.replace_all(&text, by))
}

/// The client's spelling of a path as one file name.
fn slug(path: &str) -> String {
    path.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}
