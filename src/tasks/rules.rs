//! What can be wrong with a task file.
//!
//! Invariant: a name stays for ever; it is the documentation anchor.

use crate::diag::Rule;

/// All of them. Each is an error: a plan that is not what was meant must not run.
pub(crate) static RULES: &[&Rule] = &[
    &UNREADABLE,
    &SHAPE,
    &UNKNOWN_KEY,
    &DUPLICATE_KEY,
    &MISSING,
    &VALUE,
    &DUPLICATE_NAME,
    &UNKNOWN_TASK,
    &CYCLE,
    &REFERENCE,
    &CONDITION,
    &MATRIX,
];

pub(super) static UNREADABLE: Rule = Rule::error(
    "task-file-unreadable",
    "the task file is no YAML document",
    "A task file is one YAML document with a list of tasks. Nothing in it was looked at.",
);

pub(super) static SHAPE: Rule = Rule::error(
    "task-field-type",
    "a field has a value of the wrong kind",
    "A text where a list is expected, or the like. `schemas/tasks.schema.json` has every field.",
);

pub(super) static UNKNOWN_KEY: Rule = Rule::error(
    "task-unknown-key",
    "a field that tasks do not have",
    "A misspelt field would silently change what runs, so it is an error.",
);

pub(super) static DUPLICATE_KEY: Rule =
    Rule::error("task-duplicate-key", "a field is written twice", "Only one of them could count.");

pub(super) static MISSING: Rule = Rule::error(
    "task-missing-field",
    "a field is missing",
    "Every task has a `name`, and either `run` or `prompt`.",
);

pub(super) static VALUE: Rule = Rule::error(
    "task-value",
    "a value that means nothing here",
    "A time is `90`, `500ms`, `10m` or `1h30m`; a size is `512M` or `2G`.",
);

pub(super) static DUPLICATE_NAME: Rule = Rule::error(
    "task-duplicate-name",
    "two tasks have one name",
    "Names stand for tasks in dependencies, logs and events.",
);

pub(super) static UNKNOWN_TASK: Rule = Rule::error(
    "task-unknown-dependency",
    "a dependency is no task of this file",
    "Name a task of the same file; of a task with a `matrix`, its name means all of its variants.",
);

pub(super) static CYCLE: Rule = Rule::error(
    "task-cycle",
    "tasks wait for each other in a circle",
    "None of them could ever start. Take one of the dependencies away.",
);

pub(super) static REFERENCE: Rule = Rule::error(
    "task-reference",
    "a `${...}` that stands for nothing",
    "`${tasks.NAME.output}`, `${tasks.NAME.outcome}`, `${tasks.NAME.artifacts[0]}` and \
     `${tasks.NAME.artifacts}` stand for values of tasks that are done: NAME must be among the \
     dependencies, directly or by way of others. `${matrix.KEY}` needs a `matrix` with that key.",
);

pub(super) static CONDITION: Rule = Rule::error(
    "task-condition",
    "a `when` that cannot be understood",
    "A condition is a value, `A == B` or `A != B`, joined by `&&` and `||`, with `!` for not. \
     Values are words, quoted texts, `${env.NAME}` or `${tasks.NAME.outcome}`.",
);

pub(super) static MATRIX: Rule = Rule::error(
    "task-matrix",
    "a `matrix` that makes no tasks, or too many",
    "A matrix maps names to lists of values; every combination becomes a task.",
);
