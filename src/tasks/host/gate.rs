//! Calls that need an artifact: refused until it is there, then told where it is.
//!
//! Invariants: a refusal ends by itself, with its task or after a time; a call that needs nothing
//! of a run is not touched; a path is put into a command as one word, whatever is in it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::tasks::{
    live::{Live, Shown, Snapshot},
    reference::{self, Reference, What},
    run::now_ms,
};

use super::{Scene, words};

/// Tools that put their input into files as it is: only the path of the file is looked at.
const WRITERS: &[&str] = &["Write", "Edit", "MultiEdit", "NotebookEdit"];

/// Tools that give a shell a line, where it stands, and how words are put into it.
const SHELLS: &[(&str, &str, Put)] = &[
    ("Bash", "command", words::put_into),
    ("Monitor", "command", words::put_into),
    ("PowerShell", "command", words::put_into_powershell),
];

/// Words as they are written behind the text before them; `None` where that is not known.
type Put = fn(&str, &[String]) -> Option<String>;

pub(super) fn answer(scene: &Scene<'_>) -> Option<Value> {
    let input = scene.payload.get("tool_input")?;
    let live = Live::seen(scene.state)?;
    let mut runs = live.untold_to(scene.session()).own;
    if input.to_string().contains("${tasks.") {
        runs.extend(live.told(scene.session()));
    }
    if runs.is_empty() {
        return None;
    }
    // The newest first: its tasks are meant.
    runs.sort_by_key(|run| std::cmp::Reverse(run.number()));
    let (awaited, refusals, late) = (Vec::new(), Vec::new(), Vec::new());
    let mut gate = Gate { scene, live: &live, runs, awaited, refusals, late };
    let rewritten = gate.rewritten("", input);
    gate.verdict(&rewritten, input)
}

/// What stands for a reference.
enum Found {
    /// Words; most often one.
    Words(Vec<String>),
    /// It is none of ours.
    Nothing,
    /// It was refused.
    Refused,
}

struct Gate<'g> {
    scene: &'g Scene<'g>,
    live: &'g Live<'g>,
    runs: Vec<Snapshot>,
    /// What the call needs: the place of a run, and the name of its task.
    awaited: Vec<(usize, String)>,
    refusals: Vec<String>,
    late: Vec<String>,
}

impl Gate<'_> {
    fn verdict(mut self, rewritten: &Value, input: &Value) -> Option<Value> {
        for (at, run) in self.runs.iter().enumerate() {
            let of_run = self.awaited.iter().filter(|(place, _)| *place == at);
            let names: Vec<_> = of_run.map(|(_, name)| format!("`{name}`")).collect();
            if !names.is_empty() {
                self.refusals.push(format!(
                    "this call needs the artifact of {}, which run {} has not made yet ({}); do \
                     something else first, or end your turn to wait for it",
                    names.join(" and "),
                    run.run,
                    run.line()
                ));
            }
        }
        let mut said = json!({ "hookEventName": "PreToolUse" });
        if !self.refusals.is_empty() {
            said["permissionDecision"] = "deny".into();
            said["permissionDecisionReason"] = self.refusals.join("; ").into();
        } else if rewritten != input {
            said["updatedInput"] = rewritten.clone();
        } else if self.late.is_empty() {
            return None;
        }
        let mut answer = json!({ "hookSpecificOutput": said });
        if !self.late.is_empty() {
            answer["systemMessage"] = self.late.join("; ").into();
        }
        Some(answer)
    }

    /// The input with the paths of artifacts put in; `key` is the field in which it stands.
    fn rewritten(&mut self, key: &str, input: &Value) -> Value {
        match input {
            Value::String(text) => self.rewritten_text(key, text).into(),
            Value::Array(all) => all.iter().map(|one| self.rewritten(key, one)).collect(),
            Value::Object(all) => {
                let fields = all.iter().map(|(key, one)| (key.clone(), self.rewritten(key, one)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
    }

    fn rewritten_text(&mut self, key: &str, text: &str) -> String {
        let tool = self.scene.text("tool_name").unwrap_or_default();
        let is_path = key.contains("path") || key.contains("file");
        if is_path {
            self.look_for_path(text);
        } else if WRITERS.contains(&tool) {
            return text.to_owned();
        }
        let shell = SHELLS.iter().find(|(name, field, _)| (*name, *field) == (tool, key));
        self.replaced(text, shell.map(|(_, _, put)| *put))
    }

    /// `put` is for the line of a shell.
    fn replaced(&mut self, text: &str, put: Option<Put>) -> String {
        // What a here-document says is a file as it will be.
        let end = put.map_or(text.len(), |_| words::before_documents(text));
        let mut result = String::new();
        let mut done = 0;
        for reference in reference::all(&text[..end]).into_iter().flatten() {
            let Found::Words(found) = self.value(&reference) else { continue };
            let before = &text[..reference.range.start];
            let put = put.map_or_else(|| Some(found.join(" ")), |put| put(before, &found));
            let Some(put) = put else {
                self.refuse_because(format!(
                    "the artifact of `{}` is {:?}, whose name means something to a shell; write \
                     it into the command yourself",
                    reference.task,
                    found.join(" ")
                ));
                continue;
            };
            result.push_str(&text[done..reference.range.start]);
            result.push_str(&put);
            done = reference.range.end;
        }
        result.push_str(&text[done..]);
        result
    }

    /// The newest run with a task like this, and the task.
    fn find(&self, is_meant: impl Fn(&Shown) -> bool) -> Option<(usize, Shown)> {
        self.runs
            .iter()
            .enumerate()
            .find_map(|(at, run)| Some((at, run.tasks.iter().find(|task| is_meant(task))?.clone())))
    }

    /// The value of a task.
    fn value(&mut self, reference: &Reference) -> Found {
        let Some((at, task)) = self.find(|task| task.name == reference.task) else {
            return Found::Nothing;
        };
        if !task.is_done() {
            return if self.refuse(at, &task) { Found::Refused } else { Found::Nothing };
        }
        let path = |path: &PathBuf| path.display().to_string();
        let id = &self.runs[at].run;
        let why = match reference.what {
            What::Artifact(at) => match task.artifacts.get(at) {
                Some(artifact) => return Found::Words(vec![path(artifact)]),
                None => format!("has made {} artifacts", task.artifacts.len()),
            },
            What::Artifacts => return Found::Words(task.artifacts.iter().map(path).collect()),
            What::Outcome => return Found::Words(vec![task.state]),
            // What it said is in the database: too far for a hook.
            What::Output => format!("has its output in `cph runs logs {id} {}`", task.name),
        };
        self.refuse_because(format!("task `{}` of run {id} {why}", task.name));
        Found::Refused
    }

    /// A path below which the artifacts of a task are going to be.
    fn look_for_path(&mut self, text: &str) {
        let cwd = self.scene.text("cwd").map_or(self.scene.root, Path::new);
        let path = cwd.join(text);
        let is_promised = |task: &Shown| {
            !task.is_done() && task.promised.iter().any(|promised| path.starts_with(promised))
        };
        if let Some((at, task)) = self.find(is_promised) {
            self.refuse(at, &task);
        }
    }

    fn refuse_because(&mut self, why: String) {
        if !self.refusals.contains(&why) {
            self.refusals.push(why);
        }
    }

    /// Refuses a call that needs what is not there, unless that was refused for long enough;
    /// whether it did.
    fn refuse(&mut self, at: usize, task: &Shown) -> bool {
        let run = &self.runs[at];
        let (id, name) = (&run.run, &task.name);
        if run.has_ended() || task.has_ended() {
            let state = if task.has_ended() { &task.state } else { &run.status };
            let reason =
                if task.reason.is_empty() { String::new() } else { format!(" ({})", task.reason) };
            self.refuse_because(format!(
                "task `{name}` of run {id} is {state}{reason}: its artifact will not come; go on \
                 without it, or `cph runs resume {id}`"
            ));
            return true;
        }
        let awaited = (at, name.clone());
        if self.awaited.contains(&awaited) {
            return true;
        }
        let mut blocks = self.live.blocks(id);
        let now = now_ms();
        let before = blocks.get(name).copied();
        // A clock that was set back must not make it last longer.
        let since = before.map_or(now, |since| now.min(since));
        blocks.insert(name.clone(), since);
        let is_counted = before == Some(since) || self.live.note_blocks(id, &blocks);
        let most = i64::try_from(self.scene.orders.block.as_millis()).unwrap_or(i64::MAX);
        if is_counted && now - since < most {
            self.awaited.push(awaited);
            return true;
        }
        let why = if is_counted {
            format!("after {} s of waiting", self.scene.orders.block.as_secs())
        } else {
            "and how long it is waited for cannot be noted".to_owned()
        };
        let late = format!(
            "cph: `{name}` of run {id} is not done {why}; the call goes on without its artifact"
        );
        if !self.late.contains(&late) {
            self.late.push(late);
        }
        false
    }
}
