//! A run at one moment, and how it is said in a few words.
//!
//! Does not know where it is kept. Invariants: what is said is short whatever the run is, and says
//! of all that failed as much as it can.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    session::{active, machine::Machine},
    store::runs::Event,
    sys::{dir::PrivateDir, place::Env},
    tasks::{
        TaskFile,
        file::Task,
        run::{folder, now_ms},
        schedule::Outcome,
    },
};

/// The format of the files.
const VERSION: u32 = 1;

/// Runs with more tasks are told by numbers alone.
const MOST_TASKS: usize = 200;

/// With more tasks a line has only those that run and those that failed.
const MOST_IN_LINE: usize = 12;

/// Tasks of a report.
const MOST_IN_REPORT: usize = 20;

/// Artifacts of a task in a report.
const MOST_ARTIFACTS: usize = 5;

/// Characters of what a task says of itself, and of why it failed.
const LONGEST: usize = 120;

/// How long a process may take from its start to the lock of its run.
const STARTING: u64 = 60_000;

/// That work of tasks waits in their worktrees.
pub(crate) fn unmerged(run: &str, tasks: &[String]) -> String {
    let mut names = tasks.iter().take(MOST_IN_REPORT).cloned().collect::<Vec<_>>().join(", ");
    if tasks.len() > MOST_IN_REPORT {
        names.push_str(" and others");
    }
    format!(
        "Not merged yet: the work of {names}. `cph runs merge {run}` brings in what has succeeded; \
         the rest stays in its worktrees."
    )
}

/// The process of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pid: u32,
    /// When the kernel started it.
    start: u64,
    boot: String,
}

impl Owner {
    /// Of the session that has started us.
    pub(crate) fn of_caller(session: &str, env: &Env, machine: &dyn Machine) -> Option<Self> {
        let active::Record { pid, start, boot, .. } =
            active::Record::of_caller(session, env, machine)?;
        Some(Self { pid, start, boot })
    }

    pub(super) fn is_gone(&self, machine: &dyn Machine) -> bool {
        self.boot != machine.boot() || machine.start_of(self.pid) != Some(self.start)
    }
}

/// A run at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(super) version: u32,
    pub(crate) run: String,
    /// Whose run it is; `None`: of nobody who is told.
    pub(crate) session: Option<String>,
    /// The process of the session, where it is known.
    #[serde(default)]
    pub(crate) owner: Option<Owner>,
    /// `starting`, `running`, or how it ended.
    pub(crate) status: String,
    /// When it was written, in milliseconds since 1970.
    pub(super) at_ms: i64,
    pub(crate) total: usize,
    pub(crate) ended: usize,
    pub(crate) tasks: Vec<Shown>,
    /// Tasks whose work in worktrees was not merged when it ended.
    #[serde(default)]
    pub(crate) unmerged: Vec<String>,
}

/// A task of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) name: String,
    /// `waiting`, `running`, or the name of an outcome.
    pub(crate) state: String,
    pub(crate) percent: Option<u64>,
    pub(crate) text: String,
    pub(crate) reason: String,
    /// Why nothing is heard of it while it runs.
    #[serde(default)]
    pub(crate) notice: String,
    pub(crate) artifacts: Vec<PathBuf>,
    /// Where its artifacts will be: its directory for results, and the files that it promises.
    pub(crate) promised: Vec<PathBuf>,
}

impl Shown {
    /// Whether there is nothing more to come.
    pub(crate) fn has_ended(&self) -> bool {
        Outcome::named(&self.state).is_some()
    }

    pub(crate) fn is_done(&self) -> bool {
        Outcome::named(&self.state).is_some_and(Outcome::is_done)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_ended() && !self.is_done()
    }

    /// What it does, in a few words.
    pub(crate) fn words(&self) -> String {
        let percent = self.percent.map(|percent| format!("{percent}%"));
        let texts = [&self.notice, &self.text, &self.name];
        let text = texts.into_iter().find(|text| !text.is_empty()).cloned().unwrap_or_default();
        match &*self.state {
            "running" => percent.into_iter().chain([text]).collect::<Vec<_>>().join(" "),
            "skipped" | "waiting" => self.state.clone(),
            _ if self.is_done() => "✓ done".to_owned(),
            state => format!("✗ {state}"),
        }
    }

    /// How it ended, as a line of a list.
    fn report(&self) -> String {
        let name = &self.name;
        if !self.is_done() {
            let state = match &*self.state {
                "running" => "interrupted",
                "waiting" => "not run",
                state => state,
            };
            let why =
                if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
            return format!("- {name}: {state}{why}");
        }
        let paths = self.artifacts.iter().take(MOST_ARTIFACTS);
        let mut paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
        let others = self.artifacts.len() - paths.len();
        if others > 0 {
            paths.push(format!("and {others} more"));
        }
        if self.state == "skipped" {
            return format!("- {name}: skipped");
        }
        if paths.is_empty() {
            return format!("- {name}: done, no artifact");
        }
        format!("- {name}: {}", paths.join(", "))
    }
}

impl Snapshot {
    /// A run that is about to be driven. `base` is what its relative paths start from.
    pub(crate) fn new(
        run: &PrivateDir,
        id: &str,
        base: &Path,
        session: Option<String>,
        file: &TaskFile,
    ) -> Self {
        let shown = |task: &Task| {
            let cwd =
                file.cwd.iter().chain(&task.cwd).fold(base.to_owned(), |dir, part| dir.join(part));
            let plain =
                task.artifacts.iter().filter(|path| !path.contains(['*', '?', '[', '{', '$']));
            let results = folder::output_dir_in(run, &task.name);
            Shown {
                name: task.name.clone(),
                state: "waiting".to_owned(),
                percent: None,
                text: String::new(),
                reason: String::new(),
                notice: String::new(),
                artifacts: Vec::new(),
                promised: plain.map(|path| cwd.join(path)).chain([results]).collect(),
            }
        };
        let is_small = file.tasks.len() <= MOST_TASKS;
        Self {
            version: VERSION,
            run: id.to_owned(),
            session,
            owner: None,
            status: "starting".to_owned(),
            at_ms: now_ms(),
            total: file.tasks.len(),
            ended: 0,
            tasks: if is_small { file.tasks.iter().map(shown).collect() } else { Vec::new() },
            unmerged: Vec::new(),
        }
    }

    /// Takes an event down; whether it is worth a look before long.
    pub(crate) fn note(&mut self, event: &Event) -> bool {
        let text = |key: &str| event.detail.get(key).and_then(serde_json::Value::as_str);
        match &*event.kind {
            "run_start" => "running".clone_into(&mut self.status),
            "run_end" => {
                text("status").unwrap_or("failed").clone_into(&mut self.status);
                let names = event.detail.get("unmerged").and_then(serde_json::Value::as_array);
                let names = names.into_iter().flatten().filter_map(serde_json::Value::as_str);
                self.unmerged = names.map(str::to_owned).collect();
            }
            "done" => self.ended += 1,
            _ => {}
        }
        let name = event.task.as_deref();
        let Some(task) = self.tasks.iter_mut().find(|task| Some(&*task.name) == name) else {
            return event.kind.starts_with("run_") || event.kind == "done";
        };
        match &*event.kind {
            "start" => {
                "running".clone_into(&mut task.state);
                task.notice.clear();
            }
            "silent" | "stopped" | "alive" => {
                task.notice = short(text("reason").unwrap_or_default());
            }
            "progress" => {
                task.percent = event.detail.get("percent").and_then(serde_json::Value::as_u64);
                task.text = short(text("text").unwrap_or_default());
            }
            "artifact" => task.artifacts.extend(text("path").map(PathBuf::from)),
            "error" | "blocked" => task.reason = short(text("reason").unwrap_or_default()),
            "retry" | "hold" => "waiting".clone_into(&mut task.state),
            "done" => text("outcome").unwrap_or("failed").clone_into(&mut task.state),
            _ => return false,
        }
        true
    }

    /// Whether it is of a format that we understand.
    pub(super) fn is_of_now(&self) -> bool {
        self.version == VERSION
    }

    /// The run as it is when its driver has died.
    pub(super) fn interrupted(self) -> Self {
        Self { status: "interrupted".to_owned(), ..self }
    }

    /// Whether a process is about to drive it.
    pub(super) fn is_starting(&self) -> bool {
        self.status == "starting" && now_ms().abs_diff(self.at_ms) < STARTING
    }

    pub(crate) fn has_ended(&self) -> bool {
        !matches!(&*self.status, "starting" | "running")
    }

    /// Whether this announces the other one.
    pub(crate) fn is_starting_for(&self, other: &Self) -> bool {
        self.is_starting() && (&self.run, &self.session) == (&other.run, &other.session)
    }

    /// How long ago that was, in milliseconds.
    pub(crate) fn age_ms(&self) -> i64 {
        now_ms().saturating_sub(self.at_ms)
    }

    /// The number of the run: newer ones have higher ones.
    pub(crate) fn number(&self) -> u64 {
        self.run.trim_start_matches('R').parse().unwrap_or(0)
    }

    /// Its tasks, with their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Shown)> {
        self.tasks.iter().enumerate().map(|(at, task)| (at + 1, task))
    }

    /// `R42 — W1 80% parsing; W2 ✓ done; W3 waiting`
    pub(crate) fn line(&self) -> String {
        let one = |(number, task): (usize, &Shown)| format!("W{number} {}", task.words());
        let mut parts: Vec<String> = Vec::new();
        if self.tasks.is_empty() || self.tasks.len() > MOST_IN_LINE {
            parts.push(format!("{} of {} tasks ended", self.ended, self.total));
            let is_running = |(_, task): &(usize, &Shown)| task.state == "running";
            let has_failed = |(_, task): &(usize, &Shown)| task.has_failed();
            parts.extend(self.numbered().filter(is_running).map(one).take(MOST_IN_LINE));
            parts.extend(self.numbered().filter(has_failed).map(one).take(MOST_IN_LINE / 2));
        } else {
            parts.extend(self.numbered().map(one));
        }
        format!("{} — {}", self.run, parts.join("; "))
    }

    /// How it ended, with artifacts and failures.
    pub(crate) fn report(&self) -> String {
        let mut lines = vec![format!("Run {} has ended: {}.", self.run, self.status)];
        // What failed must be known; of the others the last ones gather what came before.
        let mut told: Vec<_> = self.numbered().collect();
        told.sort_by_key(|(number, task)| (task.is_done(), std::cmp::Reverse(*number)));
        let others = told.len().saturating_sub(MOST_IN_REPORT);
        told.truncate(MOST_IN_REPORT);
        told.sort_by_key(|(number, _)| *number);
        lines.extend(told.iter().map(|(_, task)| task.report()));
        if self.tasks.is_empty() {
            lines.push(format!("{} of {} tasks ended.", self.ended, self.total));
        }
        if others > 0 {
            lines.push(format!("- and {others} more"));
        }
        if !self.unmerged.is_empty() {
            lines.push(unmerged(&self.run, &self.unmerged));
        }
        if self.status != "succeeded" {
            lines.push(format!(
                "`cph runs show {0}` tells more; `cph runs resume {0}` goes on.",
                self.run
            ));
        } else if others > 0 || self.tasks.is_empty() {
            lines.push(format!("`cph runs show {}` tells all.", self.run));
        }
        lines.join("\n")
    }
}

/// At most so much of a text, in one line.
fn short(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{source::SourceFile, sys::dir};

    fn run(tasks: usize) -> Snapshot {
        let mut text = "tasks:\n".to_owned();
        for number in 1..=tasks {
            text += "  - {name: t";
            text += &number.to_string();
            text += ", run: 'true'}\n";
        }
        let (file, _) = crate::tasks::read(&SourceFile::new("t", text)).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let dir = dir::open_private_dir(&scratch.path().join("r")).unwrap();
        let mut run = Snapshot::new(&dir, "R1", Path::new("/p"), None, &file);
        note(&mut run, "run_start", None, &json!({}));
        run
    }

    fn note(run: &mut Snapshot, kind: &str, task: Option<&str>, detail: &Value) {
        let detail = detail.as_object().unwrap().clone();
        let task = task.map(str::to_owned);
        run.note(&Event { at_ms: 0, task, worker: None, kind: kind.to_owned(), detail });
    }

    fn end(run: &mut Snapshot, number: usize, outcome: &str) {
        note(run, "done", Some(&format!("t{number}")), &json!({ "outcome": outcome }));
    }

    #[test]
    fn a_line_of_many_tasks_has_what_runs_and_what_failed() {
        let mut run = run(30);
        (1..=20).for_each(|number| end(&mut run, number, "succeeded"));
        end(&mut run, 21, "failed");
        note(&mut run, "start", Some("t25"), &json!({}));
        note(&mut run, "progress", Some("t25"), &json!({ "percent": 5, "text": "x\ty" }));
        assert_eq!(run.line(), "R1 — 21 of 30 tasks ended; W25 5% x y; W21 ✗ failed");
    }

    #[test]
    fn who_is_not_heard_of_is_said_to_be() {
        let mut run = run(1);
        note(&mut run, "start", Some("t1"), &json!({}));
        note(&mut run, "progress", Some("t1"), &json!({ "percent": 5, "text": "x" }));
        let kept = serde_json::to_string(&run).unwrap();
        note(&mut run, "stopped", Some("t1"), &json!({ "reason": "stopped by a signal" }));
        assert_eq!(run.line(), "R1 — W1 5% stopped by a signal");
        note(&mut run, "alive", Some("t1"), &json!({ "cpu_ms": 3 }));
        assert_eq!(run.line(), "R1 — W1 5% x");
        // As it was written before there were notices.
        let old = kept.replace(r#""notice":"","#, "");
        assert_ne!(old, kept);
        assert_eq!(serde_json::from_str::<Snapshot>(&old).unwrap(), run);
    }

    #[test]
    fn a_report_is_short_and_has_every_failure_that_it_can() {
        let mut run = run(60);
        (1..=59).for_each(|number| end(&mut run, number, "succeeded"));
        for number in [3, 40] {
            let reason = json!({ "reason": format!("exit {number}\n{}", "x".repeat(500)) });
            note(&mut run, "error", Some(&format!("t{number}")), &reason);
            end(&mut run, number, "failed");
        }
        for artifact in 0..9 {
            note(
                &mut run,
                "artifact",
                Some("t60"),
                &json!({ "path": format!("/kept/{artifact}") }),
            );
        }
        end(&mut run, 60, "skipped");
        end(&mut run, 60, "succeeded");
        note(&mut run, "run_end", None, &json!({ "status": "failed" }));
        let report = run.report();
        let lines: Vec<_> = report.lines().collect();
        assert_eq!(lines.len(), 23, "{report}");
        assert!(
            lines[1].starts_with("- t3: failed (exit 3 xxx") && lines[1].len() < 160,
            "{report}"
        );
        assert!(lines[2].starts_with("- t40: failed (exit 40"), "{report}");
        assert_eq!(lines[20], "- t60: /kept/0, /kept/1, /kept/2, /kept/3, /kept/4, and 4 more");
        assert_eq!(lines[21], "- and 40 more");
    }

    #[test]
    fn work_that_is_not_merged_is_in_the_report() {
        let mut run = run(1);
        end(&mut run, 1, "succeeded");
        let detail = json!({ "status": "succeeded", "unmerged": ["t1"] });
        note(&mut run, "run_end", None, &detail);
        insta::assert_snapshot!(run.report(), @r"
        Run R1 has ended: succeeded.
        - t1: done, no artifact
        Not merged yet: the work of t1. `cph runs merge R1` brings in what has succeeded; the rest stays in its worktrees.
        ");
    }

    #[test]
    fn an_interrupted_run_says_what_had_not_ended() {
        let mut run = run(3);
        end(&mut run, 1, "skipped");
        note(&mut run, "start", Some("t2"), &json!({}));
        insta::assert_snapshot!(run.interrupted().report(), @r"
        Run R1 has ended: interrupted.
        - t1: skipped
        - t2: interrupted
        - t3: not run
        `cph runs show R1` tells more; `cph runs resume R1` goes on.
        ");
    }
}
