//! The rules about commands, by what they are about.

mod answers;
mod approval;
mod danger;
mod dialect;
mod files;
mod paths;
mod payload;
mod powershell;
mod refusals;
mod streams;
mod time;
mod variables;

use crate::{
    diag::Diagnostic,
    lint::table::{Listed, listed},
};

pub(super) use danger::in_http;
pub(super) use powershell::check as in_powershell;

use super::subject::Subject;

/// What looks at one command.
pub(super) static CHECKS: &[fn(&Subject<'_>, &mut Vec<Diagnostic>)] = &[
    refusals::check,
    files::check,
    paths::check,
    variables::check,
    payload::check,
    answers::check,
    approval::check,
    streams::check,
    danger::check,
    time::check,
    dialect::check,
];

/// In the order of the document.
pub(super) static RULES: &[Listed] = &[
    listed!(refusals::EXIT_1_IS_NO_REFUSAL, "exit-1-is-no-refusal"),
    listed!(refusals::REFUSAL_LOST, "refusal-lost"),
    listed!(refusals::REFUSAL_IN_WORDS_ONLY, "refusal-in-words-only"),
    listed!(refusals::EXIT_2_IGNORED, "exit-2-ignored"),
    listed!(refusals::REASON_ON_STDOUT, "reason-on-stdout"),
    listed!(refusals::REASON_THROWN_AWAY, "reason-thrown-away"),
    listed!(refusals::STOP_HOOK_WITHOUT_GUARD, "stop-hook-without-guard"),
    listed!(answers::ANSWER_NOT_JSON, "answer-not-json"),
    listed!(answers::ANSWER_OF_ANOTHER_EVENT, "answer-of-another-event"),
    listed!(answers::ANSWER_UNKNOWN_DECISION, "answer-unknown-decision"),
    listed!(answers::ANSWER_OLD_DECISION, "answer-old-decision"),
    listed!(answers::ANSWER_FIELD_IGNORED, "answer-field-ignored"),
    listed!(approval::APPROVES_EVERYTHING, "approves-everything"),
    listed!(streams::OUTPUT_UNSEEN, "output-unseen"),
    listed!(payload::PAYLOAD_FIELD_UNKNOWN, "payload-field-unknown"),
    listed!(payload::PAYLOAD_READ_TWICE, "payload-read-twice"),
    listed!(payload::PAYLOAD_RUNS_AS_CODE, "payload-runs-as-code"),
    listed!(payload::PAYLOAD_UNQUOTED, "payload-unquoted"),
    listed!(variables::VARIABLE_NOBODY_SETS, "variable-nobody-sets"),
    listed!(powershell::POWERSHELL_VARIABLE, "powershell-variable"),
    listed!(variables::FOREIGN_PLACEHOLDER, "foreign-placeholder"),
    listed!(variables::POSITIONAL_ARGUMENT, "positional-argument"),
    listed!(variables::ENV_FILE_ELSEWHERE, "env-file-elsewhere"),
    listed!(variables::ENV_FILE_OVERWRITTEN, "env-file-overwritten"),
    listed!(files::SCRIPT_MISSING, "script-missing"),
    listed!(files::SCRIPT_NOT_EXECUTABLE, "script-not-executable"),
    listed!(files::SCRIPT_WITHOUT_SHEBANG, "script-without-shebang"),
    listed!(files::SHEBANG_BROKEN, "shebang-broken"),
    listed!(files::SCRIPT_CRLF, "script-crlf"),
    listed!(paths::RELATIVE_SCRIPT_PATH, "relative-script-path"),
    listed!(paths::MACHINE_PATH, "machine-path"),
    listed!(paths::UNQUOTED_PROJECT_DIR, "unquoted-project-dir"),
    listed!(paths::PATH_NOT_EXPANDED, "path-not-expanded"),
    listed!(danger::HOOK_STARTS_CLAUDE, "hook-starts-claude"),
    listed!(danger::NEEDS_A_PASSWORD, "needs-a-password"),
    listed!(danger::REMOVES_TOO_MUCH, "removes-too-much"),
    listed!(danger::DOWNLOAD_IS_RUN, "download-is-run"),
    listed!(danger::SECRET_IN_CLEAR, "secret-in-clear"),
    listed!(streams::BACKGROUND_KEEPS_PIPES, "background-keeps-pipes"),
    listed!(streams::NEEDS_A_TERMINAL, "needs-a-terminal"),
    listed!(time::OUTLASTS_ITS_LIMIT, "outlasts-its-limit"),
    listed!(dialect::BASH_IN_SH, "bash-in-sh"),
    listed!(dialect::QUOTE_NOT_CLOSED, "quote-not-closed"),
];
