//! The `integration` object of a file.
//!
//! Invariant: a field that cannot be understood is left out with an error that names what is
//! allowed; the others count.

use std::time::Duration;

use super::{Reader, Spot, fields::Fields, handler::quoted, rules};
use crate::{
    config::{
        integration::{JobLogs, Said, Scripts, Sync},
        nearest::nearest,
    },
    json::Kind,
    model::{Processor, strategy::Strategy},
};

pub(super) const FIELDS: &[&str] = &[
    "claude_code_aware",
    "deduplication_strategy",
    "shared_hooks_path",
    "presets",
    "dedup_window_ms",
    "handover_s",
    "live_s",
    "max_depth",
    "sync",
    "job_logs",
    "trust",
    "allowed_http_hook_urls",
    "http_hook_allowed_env_vars",
    // What `lint` accepts: read there.
    "lint",
];

/// Claude Code's names of the allow-lists, accepted too.
pub(super) const CAMEL_CASE: &[&str] = &["allowedHttpHookUrls", "httpHookAllowedEnvVars"];

const STRATEGIES: &[(&str, Strategy)] = &[
    ("orchestrator_priority", Strategy::Priority(Processor::TaskOrchestrator)),
    ("claude_code_priority", Strategy::Priority(Processor::ClaudeCode)),
    ("first_wins", Strategy::FirstWins),
    ("both", Strategy::Both),
];
const SYNCS: &[(&str, Sync)] = &[("auto", Sync::Auto), ("tell", Sync::Tell)];
const SCRIPTS: &[(&str, Scripts)] = &[("tell", Scripts::Tell), ("strict", Scripts::Strict)];

const JOB_LOGS: &[(&str, JobLogs)] =
    &[("none", JobLogs::None), ("errors", JobLogs::Errors), ("all", JobLogs::All)];

const MINUTE_MS: f64 = 60_000.0;
const DAY_S: f64 = 86_400.0;

impl Reader<'_> {
    pub(super) fn read_integration(&mut self, at: &Spot<'_>) {
        if at.node.kind() != Kind::Object {
            return self.wrong_type(at, "an object");
        }
        let fields = self.fields(at);
        self.integration.claude_code_aware = self
            .flag(&fields, "claude_code_aware")
            .and_then(|value| self.said(&fields, "claude_code_aware", value));
        self.integration.strategy = self.word(&fields, "deduplication_strategy", STRATEGIES);
        self.integration.shared_hooks_path = self
            .string(&fields, "shared_hooks_path")
            .filter(|path| !path.is_empty())
            .and_then(|value| self.said(&fields, "shared_hooks_path", value));
        self.presets(&fields);
        self.integration.dedup_window =
            self.duration(&fields, "dedup_window_ms", Duration::from_millis(1), MINUTE_MS);
        self.integration.handover =
            self.duration(&fields, "handover_s", Duration::from_secs(1), DAY_S);
        self.integration.live = self.duration(&fields, "live_s", Duration::from_secs(1), DAY_S);
        self.integration.max_depth = self.max_depth(&fields);
        self.integration.sync = self.word(&fields, "sync", SYNCS);
        self.integration.job_logs = self.word(&fields, "job_logs", JOB_LOGS);
        self.trust(&fields);
        self.allow_lists(&fields);
        self.unknown_fields(&fields);
    }

    fn said<T>(&self, fields: &Fields<'_>, key: &str, value: T) -> Option<Said<T>> {
        Some(Said { value, origin: self.origin(&fields.get(key)?) })
    }

    /// One of a few words.
    fn word<T: Copy>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<Said<T>> {
        let spot = fields.get(key)?;
        let written = spot.node.as_str().unwrap_or_default();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == written) {
            return Some(Said { value: *value, origin: self.origin(&spot) });
        }
        let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` must be one of {}", quoted(&names));
        let found = self.at(&rules::UNKNOWN_VALUE, message, &spot).label("left out");
        self.report(match nearest(&written, names) {
            Some(near) => found.help(format!("did you mean \"{near}\"?")),
            None => found,
        });
        None
    }

    fn duration(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        unit: Duration,
        most: f64,
    ) -> Option<Said<Duration>> {
        let spot = fields.get(key)?;
        let number = self.number(&spot)?;
        let number = self.within(&spot, number, 0.0, most);
        Some(Said { value: unit.mul_f64(number), origin: self.origin(&spot) })
    }

    fn max_depth(&mut self, fields: &Fields<'_>) -> Option<Said<u32>> {
        let spot = fields.get("max_depth")?;
        let number = self.number(&spot)?;
        let number = self.within(&spot, number, 1.0, 32.0);
        // Between 1 and 32 by now.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let value = number as u32;
        Some(Said { value, origin: self.origin(&spot) })
    }

    fn within(&mut self, spot: &Spot<'_>, number: f64, least: f64, most: f64) -> f64 {
        if number >= least && number <= most {
            return number;
        }
        let used = if number > most { most } else { least };
        let pointer = spot.pointer();
        let key = pointer.rsplit('/').next().unwrap_or_default();
        let message = format!("`{key}` must be between {least} and {most}");
        let found = self.at(&rules::OUT_OF_RANGE, message, spot);
        self.report(found.label(format!("read as {used}")));
        used
    }

    fn presets(&mut self, fields: &Fields<'_>) {
        let Some(spot) = fields.get("presets") else { return };
        for (value, spot) in self.string_spots(&spot).unwrap_or_default() {
            let origin = self.origin(&spot);
            self.integration.presets.push(Said { value, origin });
        }
    }

    fn trust(&mut self, fields: &Fields<'_>) {
        let Some(spot) = fields.get("trust") else {
            return;
        };
        if spot.node.kind() != Kind::Object {
            return self.wrong_type(&spot, "an object such as {\"scripts\": \"strict\"}");
        }
        let inner = self.fields(&spot);
        self.integration.scripts = self.word(&inner, "scripts", SCRIPTS);
    }

    /// A list that cannot be read allows nothing: it was meant to restrict.
    fn allow_lists(&mut self, fields: &Fields<'_>) {
        let mut read = |names: [&str; 2]| {
            let spot = names.into_iter().find_map(|name| fields.get(name))?;
            let value = self.string_spots(&spot).unwrap_or_default();
            let value = value.into_iter().map(|(text, _)| text).collect();
            Some(Said { value, origin: self.origin(&spot) })
        };
        let urls = read(["allowed_http_hook_urls", "allowedHttpHookUrls"]);
        let variables = read(["http_hook_allowed_env_vars", "httpHookAllowedEnvVars"]);
        self.integration.allowed_http_urls.extend(urls);
        self.integration.allowed_env_vars.extend(variables);
    }

    fn unknown_fields(&mut self, fields: &Fields<'_>) {
        for member in &fields.members {
            let key = member.key.as_ref();
            if !FIELDS.contains(&key) && !CAMEL_CASE.contains(&key) {
                self.hint_unknown_key(&fields.at, member, "`integration` object");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_has_its_name() {
        for (name, strategy) in STRATEGIES {
            assert_eq!(strategy.name(), *name);
        }
    }
}
