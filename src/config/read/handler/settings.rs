//! The settings of a handler: everything that does not decide what runs.

use std::{collections::BTreeMap, time::Duration};

use super::super::{Reader, Spot, fields::Fields, rules};
use crate::{
    json::Keys,
    model::{
        hook::{OnFailure, Settings},
        job::{self, Terms},
    },
};

/// Fields that are read here.
pub(super) const FIELDS: &[&str] = &[
    "enabled",
    "gate",
    "order",
    "after",
    "timeout",
    "timeoutSec",
    "onFailure",
    "failClosed",
    "async",
    "background",
    "asyncRewake",
    "once",
    "statusMessage",
    "rewakeMessage",
    "rewakeSummary",
    "retry",
    "rate_limit",
    "batch",
    "cache",
    "limits",
    "warm",
    "target",
    "priority",
    "on_busy",
    "fresh",
    "queue",
    "durability",
];

/// Fields that other parts read as they are written.
const FURTHER: &[&str] = &["cache", "warm", "target"];

/// Few hooks have one of them.
const SELDOM: Keys = Keys::of(FURTHER).and(Keys::of(job::FIELDS));

/// Claude Code's own cap, in seconds: 2147483647 ms.
const LONGEST_S: f64 = 2_147_483.647;

/// A limit from here on is probably meant in milliseconds.
const SUSPICIOUS_S: f64 = 1000.0;

fn further(fields: &Fields<'_>) -> BTreeMap<String, String> {
    if !fields.may_have(SELDOM) {
        return BTreeMap::new();
    }
    let keys = FURTHER.iter().chain(job::FIELDS);
    let raw = |key: &&str| Some(fields.get(key)?.node.raw().to_owned());
    keys.filter_map(|key| raw(key).map(|raw| ((*key).to_owned(), raw))).collect()
}

impl Reader<'_> {
    pub(super) fn settings(&mut self, fields: &Fields<'_>) -> Settings {
        let rewake = self.flag(fields, "asyncRewake");
        let background = self.flag(fields, "background").or(self.flag(fields, "async"));
        let further = further(fields);
        if self.is_thorough() && !further.is_empty() {
            self.job_terms(fields, &further);
        }
        Settings {
            enabled: self.flag(fields, "enabled"),
            gate: self.flag(fields, "gate"),
            order: self.order(fields),
            after: self.strings(fields, "after").unwrap_or_default(),
            timeout: self.timeout(fields),
            on_failure: self.on_failure(fields),
            background: if rewake == Some(true) { Some(true) } else { background },
            rewake,
            once: self.flag(fields, "once"),
            status_message: self.string(fields, "statusMessage"),
            further,
        }
    }

    /// What is wrong with the terms of background jobs.
    fn job_terms(&mut self, fields: &Fields<'_>, further: &BTreeMap<String, String>) {
        for (field, why) in Terms::read(further).1 {
            let Some(spot) = fields.get(field) else { continue };
            let message = format!("`{field}` cannot be understood: {why}");
            let found = self.at(&rules::JOB_TERMS, message, &spot).label("left out");
            self.report(found);
        }
    }

    /// A hook cannot both stop something and run behind its back. It stays a gate: to skip one
    /// is worse than to wait for it.
    pub(super) fn settle_gate(&mut self, fields: &Fields<'_>, settings: &mut Settings) {
        if self.is_thorough() {
            self.doubt_background(fields, settings);
        }
        if settings.gate != Some(true) || settings.background != Some(true) {
            return;
        }
        let at = fields.get("gate").unwrap_or(fields.at);
        let message = "a gate cannot run in the background: its answer would come too late";
        let found = self.at(&rules::GATE_IN_BACKGROUND, message, &at);
        self.report(
            found
                .label("runs in the foreground")
                .help("remove `gate`, or `async`, `asyncRewake` or `background`"),
        );
        settings.background = Some(false);
        settings.rewake = None;
    }

    /// What does not go together with being waited for, or with not being waited for.
    fn doubt_background(&mut self, fields: &Fields<'_>, settings: &Settings) {
        let is_background = settings.background == Some(true);
        if is_background
            && settings.on_failure == Some(OnFailure::Block)
            && let Some(spot) = fields.get("onFailure").or_else(|| fields.get("failClosed"))
        {
            let message = "nobody waits for this hook, so its failure refuses nothing";
            let found = self.at(&rules::BLOCK_IN_BACKGROUND, message, &spot);
            self.report(found.help("remove `async` or `background` if it is a gate"));
        }
        if is_background || !fields.may_have(SELDOM) {
            return;
        }
        let first = job::FIELDS.iter().find_map(|field| Some((*field, fields.get(field)?)));
        if let Some((field, spot)) = first {
            let message = format!("`{field}` has no effect on a hook that is waited for");
            let found = self.at(&rules::JOB_TERMS_IN_FOREGROUND, message, &spot);
            self.report(found.help("add \"async\": true"));
        }
    }

    fn order(&mut self, fields: &Fields<'_>) -> Option<i64> {
        let spot = fields.get("order")?;
        let order = spot.node.as_i64();
        if order.is_none() {
            self.wrong_type(&spot, "an integer");
        }
        order
    }

    fn timeout(&mut self, fields: &Fields<'_>) -> Option<Duration> {
        let spot = match (fields.get("timeout"), fields.get("timeoutSec")) {
            (Some(spot), _) => spot,
            (None, Some(spot)) => {
                let found =
                    self.at(&rules::COMMAND_ALIAS, "`timeoutSec` is read as `timeout`", &spot);
                self.report(found.help("write `timeout`, in seconds"));
                spot
            }
            (None, None) => return None,
        };
        let seconds = self.number(&spot)?;
        if seconds.is_nan() || seconds <= 0.0 {
            let message = format!("a time limit of {} s lets nothing run", spot.node.raw());
            let found = self.at(&rules::TIMEOUT_NOT_POSITIVE, message, &spot).label("left out");
            self.report(found.note(
                "in a settings file Claude Code drops the entry, and with PreToolUse and \
                 PermissionRequest every hook of the file",
            ));
            return None;
        }
        if seconds >= SUSPICIOUS_S {
            self.suspicious(&spot, seconds);
        }
        Some(Duration::from_secs_f64(seconds.min(LONGEST_S)))
    }

    fn suspicious(&mut self, spot: &Spot<'_>, seconds: f64) {
        let message = format!("`timeout` is in seconds: {seconds} s are {:.0} min", seconds / 60.0);
        let found = self.at(&rules::TIMEOUT_IN_MILLISECONDS, message, spot);
        self.report(found.help(format!("write {} if milliseconds were meant", seconds / 1000.0)));
    }

    fn on_failure(&mut self, fields: &Fields<'_>) -> Option<OnFailure> {
        let Some(spot) = fields.get("onFailure") else {
            return self.fail_closed(fields);
        };
        match spot.node.as_str().as_deref() {
            Some("continue") => Some(OnFailure::Continue),
            Some("block") => Some(OnFailure::Block),
            _ => {
                let message = "`onFailure` must be \"continue\" or \"block\"";
                let found = self.at(&rules::UNKNOWN_VALUE, message, &spot);
                self.report(found.label("read as \"block\", the careful meaning"));
                Some(OnFailure::Block)
            }
        }
    }

    /// Cursor's name for it.
    fn fail_closed(&mut self, fields: &Fields<'_>) -> Option<OnFailure> {
        let is_closed = self.flag(fields, "failClosed")?;
        let meaning = if is_closed { OnFailure::Block } else { OnFailure::Continue };
        let spot = fields.get("failClosed")?;
        let word = if is_closed { "block" } else { "continue" };
        let message = format!("`failClosed` is read as \"onFailure\": \"{word}\"");
        let found = self.at(&rules::COMMAND_ALIAS, message, &spot);
        self.report(found.help(format!("write \"onFailure\": \"{word}\"")));
        Some(meaning)
    }
}
