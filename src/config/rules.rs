//! What can be wrong with hook files: every kind of finding of this floor.
//!
//! Invariant: a name stays for ever; it is the documentation anchor.

use crate::diag::Rule;

pub(crate) static FILE_UNREADABLE: Rule = Rule::error(
    "file-unreadable",
    "a hook file is there but cannot be read",
    "The path names a directory, a dangling link, a pipe or device, a file without permission, or \
     one of more than 2 MiB. Its hooks do not run. A path that names nothing at all is fine: no \
     hook file has to exist.",
);
pub(crate) static NOT_UTF8: Rule = Rule::error(
    "not-utf-8",
    "a hook file is not encoded in UTF-8",
    "JSON files are UTF-8. Other encodings (Latin-1, UTF-16) cannot be told apart reliably, so \
     nothing of the file is used. Save it again as UTF-8.",
);
pub(crate) static BYTE_ORDER_MARK: Rule = Rule::hint(
    "byte-order-mark",
    "a hook file begins with a byte order mark",
    "cph skips the mark; other programs that read the file may refuse it. Save the file as \"UTF-8 \
     without BOM\".",
);
pub(crate) static INVALID_JSON: Rule = Rule::error(
    "invalid-json",
    "a hook file is not valid JSON",
    "A document that cannot be parsed has no entries that could be told apart, so none of it takes \
     effect. Claude Code, too, ignores a whole settings file that is invalid. The place is where \
     reading stopped; the mistake is there or shortly before.",
);
pub(crate) static PATH_OUTSIDE_PROJECT: Rule = Rule::error(
    "path-outside-project",
    "`integration.shared_hooks_path` leads out of the project",
    "The setting comes with a clone, so it may name a file of the clone only: neither an absolute \
     path elsewhere, nor one that climbs out with `..` or through a symbolic link. Your own hooks \
     belong into `~/.claude/hooks.json`.",
);
pub(crate) static NOT_A_HOOK_FILE: Rule = Rule::error(
    "not-a-hook-file",
    "the outermost shape of the file is not that of a hook file",
    "A hook file is an object with a `hooks` object of events, each an array of groups:\n\n\
     ```json\n{\"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"x\"}]}]}}\n```",
);
pub(crate) static NO_HOOKS: Rule = Rule::hint(
    "no-hooks",
    "a hook file holds no hooks",
    "The file is valid and nothing in it says that something should run. If it belongs to another \
     program that keeps its settings under the same name, leave it alone.",
);
pub(crate) static EVENTS_AT_TOP_LEVEL: Rule = Rule::warning(
    "events-at-top-level",
    "events stand beside `hooks` instead of under it",
    "cph reads them as if they stood under `hooks`. In a settings file Claude Code ignores them, \
     and for `PreToolUse` and `PermissionRequest` it ignores the whole file.",
);
pub(crate) static HOOKS_AS_RECORDS: Rule = Rule::warning(
    "hooks-as-records",
    "hooks stand in an array of records instead of under their events",
    "cph reads records that name their `event` (or `trigger`). In a settings file Claude Code \
     ignores the whole file for an array of objects under `hooks`.",
);
pub(crate) static FOREIGN_DIALECT: Rule = Rule::error(
    "foreign-dialect",
    "a hook file of another tool (Cursor, Copilot, Gemini) under a known name",
    "Other agents have hook files that look alike, with events of almost the same names. Their \
     hooks expect another payload and answer in another form, so they are not run as if they were \
     Claude Code's. Each event that has a counterpart is named.",
);
pub(crate) static DUPLICATE_KEY: Rule = Rule::warning(
    "duplicate-key",
    "a key stands twice in one object",
    "Most JSON readers silently keep the last value. For events cph reads both, so that no hook is \
     lost; for other keys the last one counts.",
);
pub(crate) static UNKNOWN_KEY: Rule = Rule::hint(
    "unknown-key",
    "a group or handler has a field that nobody reads",
    "It may be misspelt, or belong to another program. Claude Code ignores unknown fields too and \
     removes them from a settings file when it next writes it. Keys that begin with `_`, `$` or \
     `//` are taken for comments.",
);
pub(crate) static UNKNOWN_EVENT: Rule = Rule::warning(
    "unknown-event",
    "an event that neither Claude Code nor the orchestrator has",
    "Hooks under it are kept, because new versions bring new events, but nothing known fires it. \
     Names of git hooks and invented names are the usual reason.",
);
pub(crate) static EVENT_SPELLING: Rule = Rule::warning(
    "event-spelling",
    "the name of an event in another case or with other separators",
    "cph understands `preToolUse` and `pre_tool_use`; Claude Code ignores every name but the exact \
     one.",
);
pub(crate) static LEGACY_EVENT: Rule = Rule::warning(
    "legacy-event",
    "an older name of an event",
    "The name comes from older documents. It is understood and means the event it became.",
);
pub(crate) static SINGLE_OBJECT: Rule = Rule::warning(
    "single-object",
    "one object where an array must be",
    "cph reads it as an array of one. Claude Code ignores the event, and for `PreToolUse` and \
     `PermissionRequest` the whole settings file.",
);
pub(crate) static FLAT_HANDLER: Rule = Rule::warning(
    "flat-handler",
    "a handler stands where a group of handlers must be",
    "Under an event stand groups, and handlers stand in the `hooks` array of a group:\n\n\
     ```json\n{\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"x\"}]}\n```\n\n\
     cph reads the flat form. Claude Code drops it, and under `PreToolUse` and `PermissionRequest` \
     it drops every hook of the settings file.",
);
pub(crate) static LEGACY_STRING: Rule = Rule::warning(
    "legacy-string",
    "a bare string as a hook",
    "The old form `\"Stop\": [\"~/x.sh\"]` is read as a command hook. Claude Code drops such an \
     entry, and under `PreToolUse` and `PermissionRequest` it drops every hook of the settings file.",
);
pub(crate) static NOT_A_HOOK: Rule = Rule::error(
    "not-a-hook",
    "something that cannot be understood as a hook",
    "The entry is left out; all others of the file still run.",
);
pub(crate) static MATCHER_FORM: Rule = Rule::warning(
    "matcher-form",
    "a matcher that is no string",
    "Matchers are strings such as `Edit|Write`. cph reads the tool names out of arrays and objects \
     and says what is lost, usually a file pattern: say that with `if` on the handler or with \
     `paths`. Claude Code drops the group, or with `PreToolUse` and `PermissionRequest` the file.",
);
pub(crate) static UNREADABLE_MATCHER: Rule = Rule::error(
    "unreadable-matcher",
    "a matcher that names no tool in any known way",
    "When the hook should run cannot be told, so it is left out.",
);
pub(crate) static MISSING_TYPE: Rule = Rule::warning(
    "missing-type",
    "a handler without `type`",
    "cph tells the type from the other fields. Claude Code drops the handler, or with `PreToolUse` \
     and `PermissionRequest` the whole settings file.",
);
pub(crate) static UNKNOWN_TYPE: Rule = Rule::error(
    "unknown-type",
    "a handler of a type that does not exist",
    "The types are `command`, `http`, `prompt`, `agent`, `mcp_tool` (Claude Code's) and \
     `background` (a command that nobody waits for).",
);
pub(crate) static COMMAND_ALIAS: Rule = Rule::warning(
    "field-alias",
    "a field under another name or in another form",
    "`script`, `hook`, `shell` and `bash` are read as `command`, `timeoutSec` as `timeout`, \
     `failClosed` as `onFailure`. Claude Code knows none of them.",
);
pub(crate) static MISSING_FIELD: Rule = Rule::error(
    "missing-field",
    "a handler lacks the field that says what it runs",
    "`command` hooks need `command`, `http` hooks `url`, `prompt` and `agent` hooks `prompt`, \
     `mcp_tool` hooks `server` and `tool`.",
);
pub(crate) static FIELD_TYPE: Rule = Rule::warning(
    "field-type",
    "a field has a value of the wrong type",
    "What can be read without doubt (`\"5\"` for a number) is read, other values are left out. \
     Claude Code drops the handler, or with `PreToolUse` and `PermissionRequest` the settings file.",
);
pub(crate) static UNKNOWN_VALUE: Rule = Rule::error(
    "unknown-value",
    "a field has a value that does not exist",
    "The allowed values are named in the finding.",
);
pub(crate) static TIMEOUT_NOT_POSITIVE: Rule = Rule::warning(
    "timeout-not-positive",
    "a time limit of zero or less",
    "cph uses the event's own limit instead. Claude Code drops the handler, or with `PreToolUse` \
     and `PermissionRequest` every hook of the settings file.",
);
pub(crate) static TIMEOUT_IN_MILLISECONDS: Rule = Rule::warning(
    "timeout-in-milliseconds",
    "a time limit that looks like milliseconds",
    "`timeout` is in seconds. 5000 is an hour and 23 minutes in which a hook that hangs keeps \
     everybody waiting.",
);
pub(crate) static GATE_IN_BACKGROUND: Rule = Rule::error(
    "gate-in-background",
    "a gate that is said to run in the background",
    "A gate can stop something, so somebody has to wait for its answer. It runs in the foreground.",
);
pub(crate) static JOB_TERMS: Rule = Rule::error(
    "job-terms",
    "terms of a background job that cannot be understood",
    "`retry`, `rate_limit`, `batch`, `limits`, `priority`, `on_busy`, `fresh`, `queue` and \
     `durability` say how a hook in the background is run. A field that is wrong is left out, and \
     the others count.",
);
pub(crate) static JOB_TERMS_IN_FOREGROUND: Rule = Rule::hint(
    "job-terms-in-foreground",
    "terms of a background job on a hook that is waited for",
    "They count for hooks with `async`, `background` or `\"type\": \"background\"` only.",
);
pub(crate) static BLOCK_IN_BACKGROUND: Rule = Rule::warning(
    "block-in-background",
    "`onFailure: \"block\"` on a hook in the background",
    "Nobody waits for a hook in the background, so its failure cannot refuse anything. If it was \
     meant as a gate, it must not be in the background.",
);
pub(crate) static UNKNOWN_PRESET: Rule = Rule::error(
    "unknown-preset",
    "`integration.presets` names a preset that does not exist",
    "Presets come with cph; the finding names them.",
);
pub(crate) static OUT_OF_RANGE: Rule = Rule::warning(
    "out-of-range",
    "a number of `integration` outside its range",
    "The nearest allowed value is used.",
);
pub(crate) static WEAKENED_BY_PROJECT: Rule = Rule::warning(
    "weakened-by-project",
    "a project file sets what the user's own file has decided",
    "Files of a project come with `git clone`. They can add hooks to the user's own, but neither \
     switch those off nor make them gentler: where the user has a hook, the user's fields count.",
);
pub(crate) static DUPLICATE_ID: Rule = Rule::warning(
    "duplicate-id",
    "two different hooks of one event have the same `id`",
    "Ids tell hooks apart in `after`, in records and in messages. The later hook gets a suffix.",
);
pub(crate) static RESERVED_ID: Rule = Rule::error(
    "reserved-id",
    "an `id` that looks like one that cph gives itself",
    "Hooks without an `id` are named by twelve hexadecimal digits that depend on what they run. An \
     `id` of that form could pass for another hook, so it is ignored.",
);
pub(crate) static UNKNOWN_AFTER: Rule = Rule::error(
    "unknown-after",
    "`after` names a hook that does not exist, or that runs later",
    "`after` names hooks of the same event by their `id`. The hook runs without waiting for it.",
);
pub(crate) static AFTER_CYCLE: Rule = Rule::error(
    "after-cycle",
    "hooks wait for each other in a circle",
    "The last edge of the circle is ignored, so that all of them run.",
);
