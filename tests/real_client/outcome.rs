//! What came of a session, and whether two sessions came to the same.
//!
//! An outcome is compared by its portrait: a text without ids, paths and times, so that a
//! difference is shown line by line. What may differ between a native run and one through cph is
//! written down in the tables of [`super::portrait`] and in [`assert_same`], nowhere else.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use similar::TextDiff;

use super::{
    api::Request,
    client::Headless,
    hook_log::{HookLog, HookRun},
    portrait::Plain,
    stage::Stage,
    terminal::Held,
};

/// The line of a portrait for every notice that a hook failed, however worded.
const WARNED: &str = "user was warned of a failing hook";

#[derive(Default)]
pub(super) struct Outcome {
    /// The client's exit code; nothing when a signal ended it.
    pub(super) exit: Option<i32>,
    /// The stream of a headless session.
    pub(super) lines: Vec<Value>,
    pub(super) stderr: String,
    /// The screens of an interactive session.
    pub(super) screen: String,
    /// Every run of a hook script, in order of start.
    pub(super) runs: Vec<HookRun>,
    /// Every `start NAME PID` and `end NAME PID EXIT`, as they came.
    pub(super) sequence: Vec<String>,
    /// What the model was told, turn by turn: only what no earlier turn had.
    pub(super) told: Vec<Vec<String>>,
    /// What `http` hooks were told: path and payload.
    pub(super) posts: Vec<(String, String)>,
    /// Files of the project that neither the scenario's configuration nor cph put there.
    pub(super) files: BTreeMap<String, String>,
    stage: Option<Arc<Stage>>,
}

impl Outcome {
    pub(super) fn headless(session: Headless) -> Self {
        Self { exit: session.exit, lines: session.lines, stderr: session.stderr, ..Self::default() }
    }

    pub(super) fn interactive(session: Held) -> Self {
        Self { exit: session.exit, screen: session.screen, ..Self::default() }
    }

    /// Takes in what the session left on its stage and at the API.
    pub(super) fn gather(&mut self, stage: Arc<Stage>, log: &HookLog, requests: &[Request]) {
        self.runs = log.runs();
        self.sequence = log.sequence();
        self.told = told(requests);
        self.posts = requests
            .iter()
            .filter(|request| !request.path.starts_with("/v1/"))
            .map(|request| (request.path.clone(), request.body.to_string()))
            .collect();
        read_files(stage.project(), stage.project(), &mut self.files);
        self.stage = Some(stage);
    }

    pub(super) fn stage(&self) -> &Stage {
        self.stage.as_deref().expect("gathered")
    }

    /// Runs of one hook.
    pub(super) fn runs_of(&self, name: &str) -> Vec<&HookRun> {
        self.runs.iter().filter(|run| run.name == name).collect()
    }

    /// The only run of a hook.
    pub(super) fn run_of(&self, name: &str) -> &HookRun {
        let runs = self.runs_of(name);
        assert_eq!(runs.len(), 1, "{name} ran {} times", runs.len());
        runs[0]
    }

    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether the model was told this, at any turn.
    pub(super) fn model_saw(&self, text: &str) -> bool {
        self.told.iter().flatten().any(|told| told.contains(text))
    }

    /// In how many turns the model was told this anew.
    pub(super) fn turns_with(&self, text: &str) -> usize {
        let tells = |turn: &&Vec<String>| turn.iter().any(|told| told.contains(text));
        self.told.iter().filter(tells).count()
    }

    /// The stream's last line: how the session ended.
    pub(super) fn result(&self) -> &Value {
        let last = self.lines.iter().rfind(|line| line["type"] == "result");
        last.unwrap_or(&Value::Null)
    }

    /// Whether the user could read this: in the stream, on stderr or on the screen.
    pub(super) fn user_saw(&self, text: &str) -> bool {
        let notices = self.lines.iter().filter(|line| is_notice(line));
        notices.map(Value::to_string).any(|line| line.contains(text))
            || self.stderr.contains(text)
            || self.screen.contains(text)
    }

    /// Messages to the user in the stream: what hooks said and what the client says of them.
    fn notices(&self) -> impl Iterator<Item = &Value> {
        let lines = self.lines.iter();
        lines.filter(|line| line["subtype"] == "informational")
    }

    /// Whether the user was told that a hook failed, in whoever's words.
    pub(super) fn user_was_warned(&self) -> bool {
        self.notices().any(is_warning)
    }

    /// Prints the portrait; libtest shows it when the test fails.
    pub(super) fn show(&self, way: &str) {
        println!("---- {way} ----\n{}", self.portrait());
        if std::env::var_os("CPH_SHOW_STREAM").is_some() {
            for line in &self.lines {
                println!("{line}");
            }
            println!("{}", self.screen);
        }
    }

    /// The whole outcome as text that two equal sessions share.
    pub(super) fn portrait(&self) -> String {
        let plain = Plain::new(self.stage());
        let mut text = String::new();
        let exit = self.exit.map_or("signal".to_owned(), |code| code.to_string());
        writeln!(text, "exit: {exit}").unwrap();
        let result = self.result();
        let said = plain.told(result["result"].as_str().unwrap_or_default());
        writeln!(text, "result: {} {} {said}", result["subtype"], result["is_error"]).unwrap();
        writeln!(text, "stderr: {}", plain.text(&self.stderr)).unwrap();
        for (n, turn) in self.told.iter().enumerate() {
            writeln!(text, "told {n}: {}", plain.turn(turn)).unwrap();
        }
        for (path, payload) in &self.posts {
            writeln!(text, "posted to {path}: {}", plain.text(payload)).unwrap();
        }
        for notice in self.notices().filter(|notice| !is_warning(notice)) {
            let content = notice["content"].as_str().unwrap_or_default();
            writeln!(text, "user was told: {}", plain.told(content)).unwrap();
        }
        if self.user_was_warned() {
            writeln!(text, "{WARNED}").unwrap();
        }
        for (path, content) in &self.files {
            writeln!(text, "file {path}: {}", plain.text(content)).unwrap();
        }
        let mut runs: Vec<_> = self.runs.iter().map(|run| plain.run(run)).collect();
        runs.sort();
        text.extend(runs);
        text
    }
}

/// The client's notice that a gate gave no usable answer, or cph's own, which says which and why.
fn is_warning(notice: &Value) -> bool {
    let content = notice["content"].as_str().unwrap_or_default();
    notice["tag"] == "hook_no_verdict" || content.contains(" says: cph: ")
}

/// Lines of the stream that are neither the conversation nor a hook's own record.
fn is_notice(line: &Value) -> bool {
    let record = ["hook_started", "hook_progress", "hook_response", "init"];
    line["type"] == "result"
        || line["type"] == "system" && !record.iter().any(|kind| line["subtype"] == *kind)
}

/// Fails with a readable difference when the two sessions did not come to the same.
pub(super) fn assert_same(native: &Outcome, cph: &Outcome) {
    let (left, mut right) = (native.portrait(), cph.portrait());
    // cph tells the user of failing hooks of which the client says nothing: more is no loss.
    if !native.user_was_warned() {
        right = right.replace(&format!("{WARNED}\n"), "");
    }
    let difference = TextDiff::from_lines(&left, &right);
    assert!(
        left == right,
        "natively (-) and through cph (+) differ:\n{}",
        difference.unified_diff().context_radius(1)
    );
}

/// What each turn added: the part behind the longest beginning that an earlier turn shares.
fn told(requests: &[Request]) -> Vec<Vec<String>> {
    let mut earlier: Vec<Vec<String>> = Vec::new();
    let mut added = Vec::new();
    for request in requests.iter().filter(|request| request.is_turn()) {
        let all = blocks(&request.body["messages"]);
        let shared = earlier.iter().map(|known| common_beginning(known, &all)).max();
        added.push(all[shared.unwrap_or(0)..].to_vec());
        earlier.push(all);
    }
    added
}

fn common_beginning(left: &[String], right: &[String]) -> usize {
    left.iter().zip(right).take_while(|(l, r)| l == r).count()
}

/// Every block that is not the scripted assistant's own, with its role.
fn blocks(messages: &Value) -> Vec<String> {
    let mut blocks = Vec::new();
    for message in messages.as_array().into_iter().flatten() {
        let role = message["role"].as_str().unwrap_or_default();
        match &message["content"] {
            _ if role == "assistant" => {}
            Value::String(text) => blocks.push(format!("{role}: {text}")),
            content => {
                let parts = content.as_array().into_iter().flatten();
                blocks.extend(parts.map(|part| block(role, part)));
            }
        }
    }
    blocks
}

fn block(role: &str, part: &Value) -> String {
    match part["type"].as_str() {
        Some("text") => format!("{role}: {}", part["text"].as_str().unwrap_or_default()),
        Some("tool_result") => {
            let kind = if part["is_error"] == true { "error" } else { "result" };
            let content = match &part["content"] {
                Value::String(text) => text.clone(),
                content => content
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|part| part["text"].as_str().map_or(part.to_string(), str::to_owned))
                    .collect(),
            };
            format!("{kind} of {}: {content}", part["tool_use_id"].as_str().unwrap_or_default())
        }
        _ => format!("{role}: {part}"),
    }
}

/// Files below a directory, without what configures the run.
fn read_files(root: &Path, dir: &Path, files: &mut BTreeMap<String, String>) {
    const CONFIGURATION: [&str; 4] = [".claude", ".task_orchestrator", ".gitignore", ".git"];
    let mut entries: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if CONFIGURATION.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            read_files(root, &path, files);
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(texts: &[&str]) -> Request {
        let messages: Vec<_> =
            texts.iter().map(|text| json!({ "role": "user", "content": text })).collect();
        Request {
            path: "/v1/messages".to_owned(),
            body: json!({ "messages": messages, "tools": [{}] }),
        }
    }

    fn outcome(requests: &[Request]) -> Outcome {
        let stage = Stage::new("project");
        let log = HookLog::new(stage.root());
        let mut outcome = Outcome::default();
        outcome.gather(Arc::new(stage), &log, requests);
        outcome
    }

    #[test]
    fn a_turn_is_told_what_no_earlier_turn_had() {
        let requests = [request(&["a"]), request(&["x"]), request(&["a", "b"])];
        let expected = [["user: a"], ["user: x"], ["user: b"]];
        assert_eq!(told(&requests), expected);
    }

    #[test]
    #[should_panic(expected = "+told 0: user: b")]
    fn a_difference_is_shown_line_by_line() {
        assert_same(&outcome(&[request(&["a"])]), &outcome(&[request(&["b"])]));
    }

    #[test]
    fn the_place_of_a_run_makes_no_difference() {
        let mut outcomes = [outcome(&[]), outcome(&[])];
        for outcome in &mut outcomes {
            outcome.stderr = outcome.stage().project().display().to_string();
        }
        assert_same(&outcomes[0], &outcomes[1]);
    }
}
