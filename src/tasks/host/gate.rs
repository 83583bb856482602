//! Calls that need an artifact: refused until it is there, then told where it is.
//!
//! Invariants: a refusal ends by itself, with its task or after a time; a call that needs nothing
//! of a run is not touched.

use std::path::Path;

use serde_json::{Value, json};

use crate::tasks::{
    live::{Live, Shown, Snapshot},
    reference::{self, What},
    run::now_ms,
};

use super::Scene;

pub(super) fn answer(scene: &Scene<'_>) -> Option<Value> {
    let input = scene.payload.get("tool_input")?;
    let live = Live::seen(scene.state)?;
    let mut gate =
        Gate { scene, live: &live, runs: Vec::new(), refusals: Vec::new(), late: Vec::new() };
    gate.runs = live.untold(Some(scene.session()));
    if input.to_string().contains("${tasks.") {
        gate.runs.extend(live.told(scene.session()));
    }
    if gate.runs.is_empty() {
        return None;
    }
    // The newest first: its tasks are meant.
    gate.runs.sort_by_key(|run| std::cmp::Reverse(number(run)));
    let rewritten = gate.rewritten(input);
    gate.verdict(&rewritten, input)
}

fn number(run: &Snapshot) -> u64 {
    run.run.trim_start_matches('R').parse().unwrap_or(0)
}

struct Gate<'g> {
    scene: &'g Scene<'g>,
    live: &'g Live<'g>,
    runs: Vec<Snapshot>,
    refusals: Vec<String>,
    late: Vec<String>,
}

impl Gate<'_> {
    fn verdict(&self, rewritten: &Value, input: &Value) -> Option<Value> {
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

    /// The input with the paths of artifacts put in.
    fn rewritten(&mut self, input: &Value) -> Value {
        match input {
            Value::String(text) => {
                self.look_for_paths(text);
                self.replaced(text).into()
            }
            Value::Array(all) => all.iter().map(|one| self.rewritten(one)).collect(),
            Value::Object(all) => {
                let fields = all.iter().map(|(key, one)| (key.clone(), self.rewritten(one)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
    }

    fn replaced(&mut self, text: &str) -> String {
        let mut result = String::new();
        let mut done = 0;
        for reference in reference::all(text).into_iter().flatten() {
            let Some(value) = self.value(&reference.task, reference.what) else { continue };
            result.push_str(&text[done..reference.range.start]);
            result.push_str(&value);
            done = reference.range.end;
        }
        result.push_str(&text[done..]);
        result
    }

    /// The value of a task; `None` leaves the text as it is.
    fn value(&mut self, name: &str, what: What) -> Option<String> {
        let found = self.runs.iter().find_map(|run| {
            let task = run.tasks.iter().find(|task| task.name == name)?;
            Some((run.clone(), task.clone()))
        });
        let (run, task) = found?;
        if !task.is_done() {
            self.refuse(&run, &task);
            return None;
        }
        let path = |path: &std::path::PathBuf| path.display().to_string();
        match what {
            What::Artifact(at) => task.artifacts.get(at).map(path),
            What::Artifacts => Some(task.artifacts.iter().map(path).collect::<Vec<_>>().join(" ")),
            What::Outcome => Some(task.state),
            // What it said is in the database: too far for a hook.
            What::Output => None,
        }
    }

    /// A path below which the artifacts of a task are going to be.
    fn look_for_paths(&mut self, text: &str) {
        if text.contains('\n') || text.len() > 4096 {
            return;
        }
        let cwd = self.scene.text("cwd").map_or(self.scene.root, Path::new);
        let path = cwd.join(text);
        let needs = |task: &&Shown| {
            !task.is_done() && task.promised.iter().any(|promised| path.starts_with(promised))
        };
        let found = self
            .runs
            .iter()
            .find_map(|run| Some((run.clone(), run.tasks.iter().find(needs)?.clone())));
        if let Some((run, task)) = found {
            self.refuse(&run, &task);
        }
    }

    /// Refuses a call that needs what is not there, unless that was refused for long enough.
    fn refuse(&mut self, run: &Snapshot, task: &Shown) {
        let id = &run.run;
        let name = &task.name;
        if run.has_ended() || task.has_ended() {
            let state = if task.has_ended() { &task.state } else { &run.status };
            let reason =
                if task.reason.is_empty() { String::new() } else { format!(" ({})", task.reason) };
            self.refusals.push(format!(
                "task `{name}` of run {id} is {state}{reason}: its artifact will not come; go on \
                 without it, or `cph runs resume {id}`"
            ));
            return;
        }
        let mut blocks = self.live.blocks(id);
        let since = *blocks.entry(name.clone()).or_insert_with(now_ms);
        self.live.note_blocks(id, &blocks);
        let most = i64::try_from(self.scene.orders.block.as_millis()).unwrap_or(i64::MAX);
        if now_ms().saturating_sub(since) >= most {
            self.late.push(format!(
                "cph: `{name}` of run {id} is not done after {} s of waiting; the call goes on \
                 without its artifact",
                self.scene.orders.block.as_secs()
            ));
            return;
        }
        self.refusals.push(format!(
            "this call needs the artifact of `{name}`, which run {id} has not made yet ({}); do \
             something else first, or end your turn to wait for it",
            run.line()
        ));
    }
}
