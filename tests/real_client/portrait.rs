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
///
/// Every row must differ, because the host words an answer by its form and by the command that it
/// has registered: natively that is the exit code, stderr or plain stdout of the hook itself,
/// through cph it is one JSON object of `cph dispatch`.
const SAME_MEANING: &[(&str, &str)] = &[
    // Plain stdout natively, `additionalContext` through cph: the text is the same.
    (r"hook (success|additional context): ", "hook context: "),
    // The host names the source of a session with plain stdout only.
    (r"SessionStart:[a-z]+ hook context: ", "SessionStart hook context: "),
    // The registered command in front of stderr. cph answers in JSON, which has none; where it
    // must name hooks because several refused, it names them without the colon.
    (r"hook error: \[[^\]]*\]: ", "hook error: "),
    (r"\[(<root>/hooks/[^\]]*|cph dispatch [^\]]*)\]:? ", ""),
    (r#"hook blocking error from command: "[^"]*": "#, "hook blocking error: "),
    // For a call that has failed already, JSON can refuse nothing: a context is its only form.
    (r"PostToolUseFailure:(\w+) hook (blocking error|context): ", "PostToolUseFailure:$1 hook: "),
    // The host has no words in front of a reason in JSON when it guards `Monitor` as `Bash`.
    (r"PreToolUse:Monitor hook error: ", ""),
    // The host adds stderr on a line of its own; cph says in brackets why it is there.
    (
        r#"(onFailure is "block") \(was not found by the shell \(exit code 127\): ([\s\S]*)\)"#,
        "$1\n$2",
    ),
    // The same said twice: the host already has the words `timed out` from cph.
    (r#"(timed out; blocking because onFailure is "block") \(ran out of time\)"#, "$1"),
    // A text that is too long: both show its beginning and name a file that has it whole. The
    // host shows 2 KB; cph as much as the host lets through uncut.
    (
        r"<persisted-output>\nOutput too large [^\n]*\n\nPreview [^\n]*\n([^\n]*)\n[\s\S]*?</persisted-output>",
        "$1\n<the rest is in a file>",
    ),
    (
        r"(hook context: [^\n]*)\n[\s\S]*?\[cph: cut, \d+ of \d+ characters; whole in [^\]]*\]",
        "$1\n<the rest is in a file>",
    ),
    // The newline that ends stderr is not part of a reason in JSON.
    (r"\n+(?=\n\nOriginal prompt: )", ""),
    (r"\n+$", ""),
];

/// Pattern and replacement: one turn, told in several messages or in fewer.
const SAME_TURN: &[(&str, &str)] = &[
    // One message for every hook that refused, or one of cph with the reasons of all.
    (r"(user: Stop hook feedback:\n[\s\S]*?)\nuser: Stop hook feedback:\n", "$1\n"),
    // The host tells a refusal in JSON twice, one by exit code once.
    (r"(Stop hook feedback:\n([\s\S]*))\nsystem: (Subagent)?Stop hook blocking error: \2", "$1"),
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
    turns: Vec<(Regex, &'static str)>,
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
            turns: compile(SAME_TURN),
        }
    }

    pub(super) fn text(&self, text: &str) -> String {
        let text =
            self.paths.iter().fold(text.to_owned(), |text, (path, name)| text.replace(path, name));
        replace(&self.names, text)
    }

    /// A text that the model or the user was told.
    pub(super) fn told(&self, text: &str) -> String {
        replace(&self.meanings, replace(&self.household, self.text(text)))
    }

    /// What one turn told the model, a line or more each.
    pub(super) fn turn(&self, told: &[String]) -> String {
        let mut told: Vec<_> = told.iter().map(|told| self.told(told)).collect();
        // The host tells results of calls side by side as they come.
        for results in told.chunk_by_mut(|a, b| is_result(a) && is_result(b)) {
            results.sort();
        }
        replace(&self.turns, told.join("\n"))
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

fn is_result(told: &str) -> bool {
    told.starts_with("result of ") || told.starts_with("error of ")
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
