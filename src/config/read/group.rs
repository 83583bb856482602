//! What stands under an event: groups of handlers, and everything that people write instead.
//!
//! Does not know the fields of a handler (`handler`). Invariant: decided entry by entry; good and
//! broken shapes may stand side by side.

use super::{
    Reader, Spot,
    fields::Fields,
    name::{How, Named},
    rules,
};
use crate::{
    diag::{Diagnostic, Rule},
    json::Kind,
    model::Processor,
};

/// What a group says for all its handlers.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) matcher: Option<String>,
    pub(super) paths: Vec<String>,
    pub(super) processors: Option<Vec<Processor>>,
    pub(super) enabled: Option<bool>,
    pub(super) label: Option<String>,
}

/// Fields of a group; the last two are those of a record.
pub(super) const FIELDS: &[&str] = &[
    "matcher",
    "description",
    "name",
    "processors",
    "paths",
    "enabled",
    "hooks",
    "event",
    "trigger",
];

/// Any of these makes an object a group or a handler.
const MARKS: &[&str] =
    &["hooks", "command", "script", "hook", "shell", "bash", "url", "prompt", "tool", "type"];

impl Reader<'_> {
    pub(super) fn event_value(&mut self, named: &Named<'_>, value: &Spot<'_>) {
        match value.node.kind() {
            Kind::Array => {
                for item in value.items() {
                    self.event_item(named, &item);
                }
            }
            Kind::Object if MARKS.iter().any(|mark| value.node.get(mark).is_some()) => {
                self.single_object(named, value);
            }
            Kind::String => self.plain_string(named, value),
            Kind::Null => {}
            kind => {
                let message =
                    format!("`{}` holds {kind}, but must be an array of groups", named.written);
                let found = self.not_a_hook(message, value, named);
                self.report(found.help("nothing in it is a command to run: if it belongs to another tool, move it there"));
            }
        }
    }

    fn single_object(&mut self, named: &Named<'_>, value: &Spot<'_>) {
        // A record of an array has its event inside and was explained there.
        if value.node.get("event").or_else(|| value.node.get("trigger")).is_none() {
            let message = format!("`{}` holds one object, but must be an array", named.written);
            let found = self.forgiven(&rules::SINGLE_OBJECT, message, value, named);
            self.report(found.label("read as an array of one").help("put it between `[` and `]`"));
        }
        let fields = self.fields(value);
        self.group_or_handler(named, &fields, true);
    }

    fn event_item(&mut self, named: &Named<'_>, item: &Spot<'_>) {
        match item.node.kind() {
            Kind::Object => {
                let fields = self.fields(item);
                self.group_or_handler(named, &fields, false);
            }
            Kind::String => self.plain_string(named, item),
            kind => {
                let message =
                    format!("an entry of `{}` is {kind}, but must be a group", named.written);
                let found = self.not_a_hook(message, item, named);
                self.report(found);
            }
        }
    }

    fn group_or_handler(&mut self, named: &Named<'_>, fields: &Fields<'_>, is_explained: bool) {
        let Ok(matcher) = self.matcher(named, fields) else {
            return;
        };
        let group = self.group(fields, matcher);
        match fields.get("hooks") {
            Some(hooks) => self.handlers(named, fields, &group, &hooks),
            None => self.flat(named, fields, &group, is_explained),
        }
    }

    fn group(&mut self, fields: &Fields<'_>, matcher: Option<String>) -> Group {
        let label = fields.text("name").or_else(|| fields.text("description"));
        Group {
            matcher,
            paths: self.strings(fields, "paths").unwrap_or_default(),
            processors: self.processors(fields),
            enabled: self.flag(fields, "enabled"),
            label: label.map(std::borrow::Cow::into_owned),
        }
    }

    fn handlers(
        &mut self,
        named: &Named<'_>,
        fields: &Fields<'_>,
        group: &Group,
        hooks: &Spot<'_>,
    ) {
        for member in &fields.members {
            if !FIELDS.contains(&member.key.as_ref()) {
                self.hint_unknown_key(&fields.at, member, "group");
            }
        }
        match hooks.node.kind() {
            Kind::Array => {
                for item in hooks.items() {
                    self.inner(named, group, &item);
                }
            }
            Kind::Object => {
                let message = "`hooks` of a group is one object, but must be an array";
                let found = self.forgiven(&rules::SINGLE_OBJECT, message, hooks, named);
                self.report(found.label("read as an array of one"));
                self.inner(named, group, hooks);
            }
            Kind::String => self.inner(named, group, hooks),
            kind => {
                let message = format!("`hooks` of a group is {kind}, but must be an array");
                let found = self.not_a_hook(message, hooks, named);
                self.report(found);
            }
        }
    }

    /// One handler inside a group.
    fn inner(&mut self, named: &Named<'_>, group: &Group, item: &Spot<'_>) {
        match item.node.kind() {
            Kind::Object => {
                let fields = self.fields(item);
                self.handler(named, &fields, group, false);
            }
            Kind::String => {
                self.report_plain_string(named, item);
                self.plain_entry(named, group, item);
            }
            kind => {
                let message = format!("a handler is {kind}, but must be an object");
                let found = self.not_a_hook(message, item, named);
                self.report(found);
            }
        }
    }

    /// A handler where a group should stand.
    fn flat(&mut self, named: &Named<'_>, fields: &Fields<'_>, group: &Group, is_explained: bool) {
        if !is_explained {
            let message = "a handler stands where a group must be";
            let found = self.forgiven(&rules::FLAT_HANDLER, message, &fields.at, named);
            self.report(found.label("read as a group of its own").help(
                "wrap it: {\"matcher\": \"...\", \"hooks\": [{\"type\": \"command\", ...}]}",
            ));
        }
        self.handler(named, fields, group, true);
    }

    /// The old form: a string is a command.
    fn plain_string(&mut self, named: &Named<'_>, spot: &Spot<'_>) {
        self.report_plain_string(named, spot);
        self.plain_entry(named, &Group::default(), spot);
    }

    fn report_plain_string(&mut self, named: &Named<'_>, spot: &Spot<'_>) {
        let message = "a bare string is the old form of a command hook";
        let found = self.forgiven(&rules::LEGACY_STRING, message, spot, named);
        self.report(
            found.help("write {\"hooks\": [{\"type\": \"command\", \"command\": \"...\"}]}"),
        );
    }

    /// A finding with what Claude Code would make of the same text.
    pub(super) fn forgiven(
        &self,
        rule: &'static Rule,
        message: impl Into<String>,
        spot: &Spot<'_>,
        named: &Named<'_>,
    ) -> Diagnostic {
        let found = self.at(rule, message, spot);
        match consequence(named) {
            Some(note) => found.note(note),
            None => found,
        }
    }

    pub(super) fn not_a_hook(
        &self,
        message: impl Into<String>,
        spot: &Spot<'_>,
        named: &Named<'_>,
    ) -> Diagnostic {
        self.forgiven(&rules::NOT_A_HOOK, message, spot, named).label("left out")
    }
}

/// What Claude Code does with a broken entry of an event in its settings.
fn consequence(named: &Named<'_>) -> Option<&'static str> {
    if named.how != How::Exact {
        // It ignores the whole event; the finding about the name says so.
        return None;
    }
    match named.event.name_for(Processor::ClaudeCode)? {
        "PreToolUse" | "PermissionRequest" => Some(
            "in a settings file Claude Code switches off every hook of the file for this, without \
             a word in headless sessions",
        ),
        _ => Some("in a settings file Claude Code ignores this part"),
    }
}
