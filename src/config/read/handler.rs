//! One handler: what runs, and its settings.
//!
//! Does not know in which shape the handler stood. Invariant: what decides *what* runs must be
//! sound, or the handler is left out; a setting that cannot be understood is left out alone.

mod orders;
mod settings;

use std::collections::BTreeMap;

use super::{Reader, Spot, fields::Fields, group, group::Group, name::Named, rules};
use crate::{
    config::nearest::nearest,
    diag::Severity,
    json::Kind,
    model::{
        Processor,
        hook::{Entry, Handler, NativeKind, Settings, Shell},
    },
};

/// Other names for `command` that hold a command. `shell` does so only when it names no shell.
const COMMAND_ALIASES: &[&str] = &["script", "hook", "shell", "bash"];

/// Keys beside which a command may be missing because they hold something else.
const NO_COMMANDS: &[&str] = &["cmd", "callback", "commands", "run", "exec", "inline", "actions"];

/// What decides what runs.
const RUNS: &[&str] = &[
    "type",
    "command",
    "args",
    "shell",
    "url",
    "headers",
    "allowedEnvVars",
    "server",
    "tool",
    "input",
    "prompt",
    "model",
    "continueOnBlock",
];

/// Fields of a handler that say neither what runs nor how.
const ACCEPTED: &[&str] =
    &["id", "name", "description", "if", "paths", "processors", "cloud", "event", "trigger"];

/// The handler types that there are.
const KINDS: &[&str] =
    &["command", "http", "prompt", "agent", "mcp_tool", "background", "orchestrator"];

/// Every field of a handler.
pub(super) fn fields() -> impl Iterator<Item = &'static str> {
    [RUNS, ACCEPTED, orders::FIELDS, settings::FIELDS].into_iter().flatten().copied()
}

impl Reader<'_> {
    /// Reads one handler; `is_flat`: it stands in the place of its group.
    pub(super) fn handler(
        &mut self,
        named: &Named<'_>,
        fields: &Fields<'_>,
        group: &Group,
        is_flat: bool,
    ) {
        let Some(kind) = self.kind(named, fields, is_flat) else {
            return;
        };
        let Some(handler) = self.what_runs(named, fields, kind) else {
            return;
        };
        let mut settings = self.settings(fields);
        if kind == "background" {
            settings.background = Some(true);
        }
        self.settle_gate(fields, &mut settings);
        if !is_flat && group.enabled == Some(false) {
            settings.enabled = Some(false);
        }
        self.hint_unknown_keys(fields, is_flat);
        let entry = self.entry(named, fields, group, handler, settings, is_flat);
        self.entries.push(entry);
    }

    fn entry(
        &mut self,
        named: &Named<'_>,
        fields: &Fields<'_>,
        group: &Group,
        handler: Handler,
        settings: Settings,
        is_flat: bool,
    ) -> Entry {
        // In a flat handler the group's fields are its own, and have been read.
        let (paths, processors) = if is_flat {
            (None, None)
        } else {
            (self.strings(fields, "paths"), self.processors(fields))
        };
        let own_label = fields.text("name").or_else(|| fields.text("description"));
        Entry {
            event: named.event.clone(),
            vocabulary: named.vocabulary,
            matcher: group.matcher.clone(),
            paths: paths.unwrap_or_else(|| group.paths.clone()),
            processors: processors.or_else(|| group.processors.clone()),
            condition: self.string(fields, "if"),
            handler,
            settings,
            id: self.string(fields, "id").filter(|id| !id.is_empty()),
            label: own_label.map(std::borrow::Cow::into_owned).or_else(|| group.label.clone()),
            origin: self.origin(&fields.at),
        }
    }

    /// A command that was written as a bare string.
    pub(super) fn plain_entry(&mut self, named: &Named<'_>, group: &Group, spot: &Spot<'_>) {
        let command = spot.node.as_str().unwrap_or_default().into_owned();
        if command.trim().is_empty() {
            let found = self.not_a_hook("the command is empty", spot, named);
            return self.report(found);
        }
        self.entries.push(Entry {
            event: named.event.clone(),
            vocabulary: named.vocabulary,
            matcher: group.matcher.clone(),
            paths: group.paths.clone(),
            processors: group.processors.clone(),
            condition: None,
            handler: Handler::Command { command, args: None, shell: None },
            settings: Settings { enabled: group.enabled, ..Settings::default() },
            id: None,
            label: group.label.clone(),
            origin: self.origin(spot),
        });
    }

    /// The handler's type; where it is missing, what its fields say.
    fn kind(
        &mut self,
        named: &Named<'_>,
        fields: &Fields<'_>,
        is_flat: bool,
    ) -> Option<&'static str> {
        let Some(spot) = fields.get("type") else {
            let kind = guess_kind(fields);
            if !is_flat {
                let message = format!("`type` is missing; read as \"{kind}\"");
                let found = self.forgiven(&rules::MISSING_TYPE, message, &fields.at, named);
                self.report(found.help(format!("add \"type\": \"{kind}\"")));
            }
            return Some(kind);
        };
        let written = spot.node.as_str();
        let written = written.as_deref().unwrap_or_default();
        if let Some(kind) = KINDS.iter().find(|kind| **kind == written) {
            return Some(kind);
        }
        if ["script", "shell", "bash", "cmd"].contains(&written) && has_command(fields) {
            let message = format!("the type \"{written}\" is read as \"command\"");
            let mut found = self.forgiven(&rules::UNKNOWN_TYPE, message, &spot, named);
            found.severity = Severity::Warning;
            self.report(found.help("write \"type\": \"command\""));
            return Some("command");
        }
        self.unknown_type(named, &spot, written);
        None
    }

    fn unknown_type(&mut self, named: &Named<'_>, spot: &Spot<'_>, written: &str) {
        let message = match spot.node.kind() {
            Kind::String => format!("there is no handler type \"{written}\""),
            kind => format!("`type` is {kind}, but must be a string"),
        };
        let found = self.forgiven(&rules::UNKNOWN_TYPE, message, spot, named);
        let found = found.label("this entry is left out");
        self.report(match nearest(written, KINDS.iter().copied()) {
            Some(near) => found.help(format!("did you mean \"{near}\"?")),
            None => found.help(format!("the types are {}", quoted(KINDS))),
        });
    }

    fn what_runs(&mut self, named: &Named<'_>, fields: &Fields<'_>, kind: &str) -> Option<Handler> {
        match kind {
            "http" => self.http(named, fields),
            "orchestrator" => self.orchestrator(named, fields),
            "prompt" => self.native(named, fields, NativeKind::Prompt, &["prompt"]),
            "agent" => self.native(named, fields, NativeKind::Agent, &["prompt"]),
            "mcp_tool" => self.native(named, fields, NativeKind::McpTool, &["server", "tool"]),
            _ => self.command(named, fields),
        }
    }

    fn command(&mut self, named: &Named<'_>, fields: &Fields<'_>) -> Option<Handler> {
        let Some(spot) = self.command_spot(named, fields) else {
            self.no_command(named, fields);
            return None;
        };
        let args = self.args(named, fields).ok()?;
        if let Some(command) = spot.node.as_str().filter(|text| !text.trim().is_empty()) {
            let shell = if args.is_some() { None } else { self.shell(fields) };
            return Some(Handler::Command { command: command.into_owned(), args, shell });
        }
        let words: Option<Vec<_>> =
            spot.node.items().iter().map(|w| w.as_str().map(String::from)).collect();
        let mut words = words.filter(|w| w.first().is_some_and(|w| !w.is_empty()));
        let Some(words) = words.as_mut().filter(|_| args.is_none()) else {
            let message = match spot.node.kind() {
                Kind::String => "the command is empty".to_owned(),
                kind => format!("the command is {kind}, but must be a string"),
            };
            let found = self.not_a_hook(message, &spot, named);
            self.report(found);
            return None;
        };
        let found =
            self.forgiven(&rules::COMMAND_ALIAS, "the command is an array of words", &spot, named);
        self.report(
            found
                .label("read as program and arguments, without a shell")
                .help("write the program under `command` and the others under `args`"),
        );
        let command = words.remove(0);
        Some(Handler::Command { command, args: Some(std::mem::take(words)), shell: None })
    }

    /// The value of `command`, or of another name for it.
    fn command_spot<'t>(&mut self, named: &Named<'_>, fields: &'t Fields<'t>) -> Option<Spot<'t>> {
        if let Some(spot) = fields.get("command") {
            return Some(spot);
        }
        let alias = COMMAND_ALIASES.iter().find(|alias| is_command_alias(fields, alias))?;
        let spot = fields.get(alias)?;
        let message = format!("`{alias}` is read as `command`");
        let found = self.forgiven(&rules::COMMAND_ALIAS, message, &spot, named);
        self.report(found.help("write `command`"));
        Some(spot)
    }

    fn no_command(&mut self, named: &Named<'_>, fields: &Fields<'_>) {
        let found = self.forgiven(&rules::MISSING_FIELD, "no `command`", &fields.at, named);
        let found = found.label("left out");
        let other = NO_COMMANDS.iter().find(|key| fields.has(key));
        self.report(match other {
            Some(key) => found.help(format!(
                "`{key}` is not read: other programs give it other meanings; write the shell line \
                 under `command`"
            )),
            None => found.help("write {\"type\": \"command\", \"command\": \"...\"}"),
        });
    }

    fn args(&mut self, named: &Named<'_>, fields: &Fields<'_>) -> Result<Option<Vec<String>>, ()> {
        let Some(spot) = fields.get("args") else {
            return Ok(None);
        };
        let words: Option<Vec<_>> =
            spot.node.items().iter().map(|w| w.as_str().map(String::from)).collect();
        match (spot.node.kind(), words) {
            (Kind::Null, _) => Ok(None),
            (Kind::Array, Some(words)) => Ok(Some(words)),
            _ => {
                let found = self.not_a_hook("`args` must be an array of strings", &spot, named);
                self.report(found);
                Err(())
            }
        }
    }

    fn shell(&mut self, fields: &Fields<'_>) -> Option<Shell> {
        let spot = fields.get("shell")?;
        match spot.node.as_str().as_deref() {
            Some("bash") => Some(Shell::Bash),
            Some("powershell" | "pwsh") => Some(Shell::Powershell),
            // The value of the alias; reported there.
            Some(_) if !fields.has("command") => None,
            Some("sh") => None,
            _ => {
                let message = "`shell` must be \"bash\" or \"powershell\"";
                let found = self.at(&rules::UNKNOWN_VALUE, message, &spot);
                self.report(found.label("run by `/bin/sh` instead"));
                None
            }
        }
    }

    fn http(&mut self, named: &Named<'_>, fields: &Fields<'_>) -> Option<Handler> {
        let url = self.required(named, fields, "url")?;
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            let at = fields.get("url").unwrap_or(fields.at);
            let found =
                self.not_a_hook("the URL begins neither with http:// nor https://", &at, named);
            self.report(found);
            return None;
        }
        let allowed_env_vars = self.strings(fields, "allowedEnvVars").unwrap_or_default();
        Some(Handler::Http { url, headers: self.headers(fields), allowed_env_vars })
    }

    fn headers(&mut self, fields: &Fields<'_>) -> BTreeMap<String, String> {
        let Some(spot) = fields.get("headers") else {
            return BTreeMap::new();
        };
        if !matches!(spot.node.kind(), Kind::Object | Kind::Null) {
            self.wrong_type(&spot, "an object of strings");
        }
        let inner = self.fields(&spot);
        let names: Vec<_> = inner.members.iter().map(|m| m.key.clone().into_owned()).collect();
        let read = |name: String| self.string(&inner, &name).map(|value| (name, value));
        names.into_iter().filter_map(read).collect()
    }

    fn native(
        &mut self,
        named: &Named<'_>,
        fields: &Fields<'_>,
        kind: NativeKind,
        required: &[&str],
    ) -> Option<Handler> {
        for key in required {
            self.required(named, fields, key)?;
        }
        Some(Handler::Native { kind, raw: fields.at.node.raw().to_owned() })
    }

    fn required(&mut self, named: &Named<'_>, fields: &Fields<'_>, key: &str) -> Option<String> {
        let spot = fields.get(key);
        let text = spot.as_ref().and_then(|s| s.node.as_str()).filter(|t| !t.trim().is_empty());
        if text.is_none() {
            let message = format!("no `{key}`");
            let at = spot.as_ref().unwrap_or(&fields.at);
            let found = self.forgiven(&rules::MISSING_FIELD, message, at, named);
            self.report(found.label("left out").help(format!("`{key}` must be a string")));
        }
        text.map(std::borrow::Cow::into_owned)
    }

    /// The processors to which a group or handler is restricted; unknown ones are left out, and
    /// if none is left there is no restriction: a hook too many is better than one too few.
    pub(super) fn processors(&mut self, fields: &Fields<'_>) -> Option<Vec<Processor>> {
        let spot = fields.get("processors")?;
        let spots = self.string_spots(&spot)?;
        let mut known = Vec::new();
        for (name, spot) in spots {
            match Processor::named(&name) {
                Some(processor) => known.push(processor),
                None => self.unknown_processor(&name, &spot),
            }
        }
        (!known.is_empty()).then_some(known)
    }

    fn unknown_processor(&mut self, name: &str, spot: &Spot<'_>) {
        let names = Processor::ALL.map(Processor::name);
        let message = format!("there is no processor \"{name}\"");
        let found = self.at(&rules::UNKNOWN_VALUE, message, spot);
        self.report(match nearest(name, names) {
            Some(near) => found.help(format!("did you mean \"{near}\"?")),
            None => found.help(format!("the processors are {}", quoted(&names))),
        });
    }

    fn hint_unknown_keys(&mut self, fields: &Fields<'_>, is_flat: bool) {
        if !self.is_thorough() {
            return;
        }
        for member in &fields.members {
            let key = member.key.as_ref();
            let is_known = RUNS.contains(&key)
                || ACCEPTED.contains(&key)
                || orders::FIELDS.contains(&key)
                || settings::FIELDS.contains(&key)
                || is_flat && group::FIELDS.contains(&key)
                || !fields.has("command") && is_command_alias(fields, key);
            if !is_known {
                self.hint_unknown_key(&fields.at, member, "handler");
            }
        }
    }
}

fn guess_kind(fields: &Fields<'_>) -> &'static str {
    match () {
        () if has_command(fields) => "command",
        () if fields.has("url") => "http",
        () if fields.has("prompt") => "prompt",
        () if fields.has("server") && fields.has("tool") => "mcp_tool",
        () => "command",
    }
}

fn has_command(fields: &Fields<'_>) -> bool {
    fields.has("command") || COMMAND_ALIASES.iter().any(|alias| is_command_alias(fields, alias))
}

fn is_command_alias(fields: &Fields<'_>, key: &str) -> bool {
    let text = fields.text(key);
    let names_a_shell = matches!(text.as_deref(), Some("bash" | "powershell" | "pwsh" | "sh"));
    COMMAND_ALIASES.contains(&key) && text.is_some() && !(key == "shell" && names_a_shell)
}

pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
