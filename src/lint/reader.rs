//! What the reader and the merge find, in the table of all rules.
//!
//! Finds nothing itself: a file is read once, and what is wrong with it is said then.

use super::table::{Family, listed};
use crate::config::rules;

pub(super) static FAMILY: Family = Family {
    title: "Hook files",
    rules: &[
        listed!(rules::FILE_UNREADABLE, "file-unreadable"),
        listed!(rules::NOT_UTF8, "not-utf-8"),
        listed!(rules::BYTE_ORDER_MARK, "byte-order-mark"),
        listed!(rules::INVALID_JSON, "invalid-json"),
        listed!(rules::PATH_OUTSIDE_PROJECT, "path-outside-project"),
        listed!(rules::NOT_A_HOOK_FILE, "not-a-hook-file"),
        listed!(rules::NO_HOOKS, "no-hooks"),
        listed!(rules::EVENTS_AT_TOP_LEVEL, "events-at-top-level"),
        listed!(rules::HOOKS_AS_RECORDS, "hooks-as-records"),
        listed!(rules::FOREIGN_DIALECT, "foreign-dialect"),
        listed!(rules::DUPLICATE_KEY, "duplicate-key"),
        listed!(rules::UNKNOWN_KEY, "unknown-key"),
        listed!(rules::UNKNOWN_EVENT, "unknown-event"),
        listed!(rules::EVENT_SPELLING, "event-spelling"),
        listed!(rules::LEGACY_EVENT, "legacy-event"),
        listed!(rules::SINGLE_OBJECT, "single-object"),
        listed!(rules::FLAT_HANDLER, "flat-handler"),
        listed!(rules::LEGACY_STRING, "legacy-string"),
        listed!(rules::NOT_A_HOOK, "not-a-hook"),
        listed!(rules::MATCHER_FORM, "matcher-form"),
        listed!(rules::UNREADABLE_MATCHER, "unreadable-matcher"),
        listed!(rules::MISSING_TYPE, "missing-type"),
        listed!(rules::UNKNOWN_TYPE, "unknown-type"),
        listed!(rules::COMMAND_ALIAS, "field-alias"),
        listed!(rules::MISSING_FIELD, "missing-field"),
        listed!(rules::FIELD_TYPE, "field-type"),
        listed!(rules::UNKNOWN_VALUE, "unknown-value"),
        listed!(rules::TIMEOUT_NOT_POSITIVE, "timeout-not-positive"),
        listed!(rules::TIMEOUT_IN_MILLISECONDS, "timeout-in-milliseconds"),
        listed!(rules::GATE_IN_BACKGROUND, "gate-in-background"),
        listed!(rules::JOB_TERMS, "job-terms"),
        listed!(rules::JOB_TERMS_IN_FOREGROUND, "job-terms-in-foreground"),
        listed!(rules::BLOCK_IN_BACKGROUND, "block-in-background"),
        listed!(rules::UNKNOWN_PRESET, "unknown-preset"),
        listed!(rules::OUT_OF_RANGE, "out-of-range"),
        listed!(rules::WEAKENED_BY_PROJECT, "weakened-by-project"),
        listed!(rules::DUPLICATE_ID, "duplicate-id"),
        listed!(rules::RESERVED_ID, "reserved-id"),
        listed!(rules::UNKNOWN_AFTER, "unknown-after"),
        listed!(rules::AFTER_CYCLE, "after-cycle"),
    ],
    check: |_, _| {},
};
