//! From the text of a task file to tasks, with everything that is wrong with it.
//!
//! Does not run or look at anything else. Invariant: reading goes on after a finding, so that all
//! of them are told at once; a file with findings gives no tasks.

mod fields;
mod matrix;
mod quantity;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    diag::{self, Diagnostic},
    source::{SourceFile, Span},
};

use super::{
    condition::{self, Condition},
    file::{Limits, OnFailure, Retries, Task, TaskFile, Work},
    graph::{self, Graph},
    reference, rules,
    yaml::{self, Node},
};
use fields::Fields;

/// Every field of a file.
pub(super) const FILE: &[&str] = &[
    "version",
    "name",
    "max_workers",
    "min_workers",
    "on_failure",
    "worktree",
    "cwd",
    "env",
    "agent",
    "tasks",
];

/// Every field of a task.
pub(super) const TASK: &[&str] = &[
    "name",
    "run",
    "prompt",
    "dependencies",
    "type",
    "role",
    "priority",
    "timeout",
    "stall",
    "retries",
    "env",
    "cwd",
    "inputs",
    "artifacts",
    "limits",
    "resources",
    "worktree",
    "when",
    "matrix",
];

/// The format of task files that this reader knows.
const VERSION: i64 = 1;

/// More workers than any machine can use.
const MOST_WORKERS: i64 = 1000;

/// Reads a file; an error is all that is wrong with it, sorted.
pub(crate) fn read(source: &Arc<SourceFile>) -> Result<(TaskFile, Graph), Vec<Diagnostic>> {
    let mut reader = Reader { source, found: Vec::new() };
    let file = reader.file();
    let graph = file.as_ref().and_then(|file| reader.graph(file));
    match (file, graph, reader.found) {
        (Some(file), Some(graph), found) if found.is_empty() => Ok((file, graph)),
        (_, _, mut found) => {
            // Variants of a matrix share their places.
            diag::sort(&mut found);
            let key = |one: &Diagnostic| {
                (one.place.as_ref().map(|place| place.span), one.rule.name, one.message.clone())
            };
            found.dedup_by_key(|one| key(one));
            Err(found)
        }
    }
}

pub(super) struct Reader<'s> {
    source: &'s Arc<SourceFile>,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(super) fn tell(&mut self, found: Diagnostic, span: Span) {
        self.found.push(found.at(self.source, span, ""));
    }

    fn file(&mut self) -> Option<TaskFile> {
        let root = match yaml::parse(self.source.text()) {
            Ok(root) => root,
            Err(fault) => {
                let found =
                    Diagnostic::new(&rules::UNREADABLE, format!("no YAML: {}", fault.message));
                let end = self.source.text().len().min(fault.at + 1);
                let at = self.source.text().floor_char_boundary(fault.at.min(end));
                self.tell(found, Span::new(at, self.source.text().ceil_char_boundary(end)));
                return None;
            }
        };
        let mut fields = Fields::of(self, &root, FILE, "the file")?;
        if let Some((version, span)) = fields.integer("version", 1, i64::MAX)
            && version > VERSION
        {
            let found =
                Diagnostic::new(&rules::VALUE, format!("version {version} is newer than this cph"));
            fields.tell(found.help("update cph"), span);
        }
        let workers = |number: i64| usize::try_from(number).ok();
        let max_workers = fields.integer("max_workers", 1, MOST_WORKERS);
        let min_workers = fields.integer("min_workers", 1, MOST_WORKERS);
        if let (Some((least, span)), Some((most, _))) = (min_workers, max_workers)
            && least > most
        {
            let message = format!("`min_workers` {least} is more than `max_workers` {most}");
            fields.tell(Diagnostic::new(&rules::VALUE, message), span);
        }
        let mut file = TaskFile {
            name: fields.text("name").map(|(name, _)| name),
            max_workers: max_workers.and_then(|(number, _)| workers(number)),
            min_workers: min_workers.and_then(|(number, _)| workers(number)),
            on_failure: match fields.word("on_failure", &["stop", "continue"]) {
                Some("continue") => OnFailure::Continue,
                _ => OnFailure::Stop,
            },
            worktree: fields.truth("worktree").unwrap_or(false),
            cwd: fields.text("cwd").map(|(cwd, _)| cwd),
            env: fields.texts_by_name("env"),
            agent: fields.list("agent").map(|words| words.into_iter().map(|(w, _)| w).collect()),
            tasks: Vec::new(),
        };
        self.tasks(&root, &mut file);
        Some(file)
    }

    fn tasks(&mut self, root: &Node, file: &mut TaskFile) {
        let Some(tasks) = root.get("tasks") else {
            let found = Diagnostic::new(&rules::MISSING, "the file has no `tasks`");
            return self
                .tell(found.help("write `tasks:` and a list below it"), first_line(root.span));
        };
        let yaml::Value::List(items) = &tasks.value else {
            let message = format!("`tasks` must be a list, not {}", tasks.kind());
            let found = Diagnostic::new(&rules::SHAPE, message)
                .help("begin every task with `- name: NAME`");
            return self.tell(found, first_line(tasks.span));
        };
        if items.is_empty() {
            self.tell(Diagnostic::new(&rules::MISSING, "there is no task"), tasks.span);
        }
        for item in items {
            for variant in matrix::variants(self, item) {
                file.tasks.extend(self.task(&variant));
            }
        }
        self.names(file);
    }

    fn task(&mut self, variant: &matrix::Variant<'_>) -> Option<Task> {
        let node = &*variant.node;
        let mut fields = Fields::of(self, node, TASK, "a task")?;
        let work = work(&mut fields);
        let name = fields.text("name");
        if name.is_none() && node.get("name").is_none() {
            let found = Diagnostic::new(&rules::MISSING, "a task has no `name`");
            fields.tell(found, first_line(node.span));
        }
        let when = when(&mut fields);
        let task = Task {
            family: variant.family.clone(),
            name: String::new(),
            span: Span::new(0, 0),
            work: Work::Words(Vec::new()),
            dependencies: fields.list("dependencies").unwrap_or_default(),
            kind: fields.text("type").map(|(text, _)| text),
            role: fields.text("role").map(|(text, _)| text),
            priority: fields.integer("priority", -1_000_000, 1_000_000).map_or(0, |(n, _)| n),
            timeout: fields.duration("timeout"),
            stall: fields.duration("stall"),
            retries: retries(&mut fields),
            env: fields.texts_by_name("env"),
            cwd: fields.text("cwd").map(|(cwd, _)| cwd),
            inputs: fields.globs("inputs"),
            artifacts: fields.globs("artifacts"),
            limits: limits(&mut fields),
            resources: fields.names("resources"),
            worktree: fields.truth("worktree"),
            when,
        };
        let (name, span) = name?;
        let name = variant.name.clone().unwrap_or(name);
        is_a_name(&mut fields, &name, span).then_some(())?;
        Some(Task { name, span, work: work?, ..task })
    }

    fn names(&mut self, file: &TaskFile) {
        let mut first: BTreeMap<&str, Span> = BTreeMap::new();
        for task in &file.tasks {
            if let Some(before) = first.insert(&task.name, task.span) {
                let line = self.source.position(before.start).line;
                let message = format!("there are two tasks `{}`", task.name);
                let found = Diagnostic::new(&rules::DUPLICATE_NAME, message)
                    .label(format!("the other one is in line {line}"));
                self.tell(found, task.span);
            }
        }
    }

    /// Dependencies and references, once all names are known.
    fn graph(&mut self, file: &TaskFile) -> Option<Graph> {
        let graph = match graph::build(&file.tasks) {
            Ok(graph) => graph,
            Err(faults) => {
                for (found, span) in faults {
                    self.tell(found, span);
                }
                return None;
            }
        };
        for (index, task) in file.tasks.iter().enumerate() {
            for text in texts(task) {
                for found in reference::all(text) {
                    if let Some(message) = fault_of(found, file, &graph, index) {
                        let found = Diagnostic::new(&rules::REFERENCE, message)
                            .label(format!("in task `{}`", task.name));
                        self.tell(found, task.span);
                    }
                }
            }
        }
        Some(graph)
    }
}

/// All texts of a task that may refer to others.
pub(super) fn texts(task: &Task) -> Vec<&str> {
    let mut texts = task.work.texts();
    texts.extend(task.env.values().map(String::as_str));
    texts.extend(task.cwd.as_deref());
    texts.extend(task.when.iter().flat_map(Condition::texts));
    texts
}

fn fault_of(
    found: Result<reference::Reference, (std::ops::Range<usize>, String)>,
    file: &TaskFile,
    graph: &Graph,
    index: usize,
) -> Option<String> {
    let reference = match found {
        Ok(reference) => reference,
        Err((_, why)) => return Some(why),
    };
    let meant = graph::meant(&file.tasks, &reference.task);
    if meant.is_empty() {
        return Some(format!("there is no task `{}`", reference.task));
    }
    let is_before = |other: &usize| graph.comes_before(*other, index);
    (!meant.iter().all(is_before)).then(|| {
        format!("`{}` is not among the dependencies, so it has no value yet", reference.task)
    })
}

fn work(fields: &mut Fields<'_, '_, '_>) -> Option<Work> {
    let run = fields.line_or_words("run");
    let prompt = fields.text("prompt");
    match (run, prompt) {
        (Some(_), Some((_, span))) => {
            let found = Diagnostic::new(&rules::MISSING, "a task has `run` or `prompt`, not both");
            fields.tell(found, span);
            None
        }
        (Some(work), None) => Some(work),
        (None, Some((prompt, _))) => Some(Work::Prompt(prompt)),
        (None, None) => {
            if !fields.has("run") && !fields.has("prompt") {
                let found =
                    Diagnostic::new(&rules::MISSING, "a task has neither `run` nor `prompt`")
                        .help("`run` is a command, `prompt` is work for an agent");
                let span = fields.head();
                fields.tell(found, span);
            }
            None
        }
    }
}

fn when(fields: &mut Fields<'_, '_, '_>) -> Option<Condition> {
    let (text, span) = fields.text("when")?;
    let read = Condition::parse(&text).and_then(|condition| match condition::faults(&condition) {
        None => Ok(condition),
        Some(why) => Err(why),
    });
    read.map_err(|why| fields.tell(Diagnostic::new(&rules::CONDITION, why), span)).ok()
}

/// A number, or a mapping.
fn retries(fields: &mut Fields<'_, '_, '_>) -> Retries {
    let usual = Retries::default();
    let Some(mut inner) = fields.inner("retries", &["times", "backoff", "max_backoff"]) else {
        let times = fields.integer("retries", 0, 1000).map_or(0, |(times, _)| times);
        return Retries { times: u32::try_from(times).unwrap_or(0), ..usual };
    };
    let times = inner.integer("times", 0, 1000).map_or(1, |(times, _)| times);
    Retries {
        times: u32::try_from(times).unwrap_or(0),
        backoff: inner.duration("backoff").unwrap_or(usual.backoff),
        most: inner.duration("max_backoff").unwrap_or(usual.most),
    }
}

fn limits(fields: &mut Fields<'_, '_, '_>) -> Limits {
    if let Some(mut inner) = fields.inner("limits", &["memory", "cpu", "log"]) {
        return Limits {
            memory: inner.size("memory"),
            cpu: inner.duration("cpu"),
            log: inner.size("log"),
        };
    }
    fields.must_be_mapping("limits");
    Limits::default()
}

/// Names stand in lines, logs and references.
fn is_a_name(fields: &mut Fields<'_, '_, '_>, name: &str, span: Span) -> bool {
    let why = match name {
        "" => Some("a name is empty".to_owned()),
        name if name.len() > 200 => Some("a name has more than 200 bytes".to_owned()),
        name if name.contains(char::is_control) => {
            Some(format!("`{}` is no name: it has a character that does not show", name.trim()))
        }
        // There `${tasks.NAME.output}` would end.
        name if name.contains('}') => Some(format!("`{name}` is no name: it has a `}}`")),
        _ => None,
    };
    match why {
        Some(why) => {
            fields.tell(Diagnostic::new(&rules::VALUE, why), span);
            false
        }
        None => true,
    }
}

/// Carets under a whole list help nobody.
fn first_line(span: Span) -> Span {
    Span::new(span.start, span.end.min(span.start + 1))
}
