//! The outermost shape of a file: where its events stand.
//!
//! Does not know what stands under an event (`group`). Invariant: every event of the file is
//! either read, or named in a finding.

use super::{
    Reader, Spot, dialect, fields,
    name::{self, How, Named},
    rules,
};
use crate::{
    diag::{Diagnostic, Rule, Severity},
    json::{Kind, Member},
    model::event::Spelling,
    model::{Event, Processor},
};

/// Top-level keys that are no events, whatever they look like.
const OTHER_KEYS: &[&str] = &["hooks", "integration"];

/// What is said of shapes from which everything is read all the same.
const SHAPES: &[&Rule] = &[
    &rules::SINGLE_OBJECT,
    &rules::FLAT_HANDLER,
    &rules::LEGACY_STRING,
    &rules::MISSING_TYPE,
    &rules::COMMAND_ALIAS,
];

/// An event's name and value.
struct Under<'t> {
    named: Named<'t>,
    value: Spot<'t>,
}

impl Reader<'_> {
    pub(super) fn document(&mut self, root: &Spot<'_>) {
        match root.node.kind() {
            Kind::Object => self.object(root),
            Kind::Array => self.records(root),
            kind => {
                let message = format!("a hook file is an object, but this is {kind}");
                let found = self.at(&rules::NOT_A_HOOK_FILE, message, root);
                self.report(found.help(SHAPE));
            }
        }
    }

    fn object(&mut self, root: &Spot<'_>) {
        let members = root.node.members();
        self.integration_of(root, &members);
        let mut found_hooks = false;
        for member in members.iter().filter(|m| m.key == "hooks") {
            if found_hooks {
                self.report_duplicate(root, member, "both are read");
            }
            found_hooks = true;
            self.hooks(root, &root.member(member));
        }
        self.top_level(root, &members, found_hooks);
    }

    fn integration_of(&mut self, root: &Spot<'_>, members: &[Member<'_>]) {
        let mut all = members.iter().filter(|m| m.key == "integration").rev();
        let Some(last) = all.next() else {
            return;
        };
        if all.next().is_some() {
            self.report_duplicate(root, last, "the last one counts");
        }
        self.read_integration(&root.member(last));
    }

    /// The value of `hooks`.
    fn hooks(&mut self, root: &Spot<'_>, hooks: &Spot<'_>) {
        match hooks.node.kind() {
            Kind::Object if looks_like_group(hooks) => {
                let message = "`hooks` holds a hook, but no event says when it runs";
                let found = self.at(&rules::NOT_A_HOOK_FILE, message, hooks);
                self.report(found.help(SHAPE));
            }
            Kind::Object => {
                let members = hooks.node.members();
                let all = members.iter().map(|m| self.under(hooks, m)).collect();
                self.events(root, all);
            }
            Kind::Array => self.records(hooks),
            Kind::Null => {}
            kind => {
                let message = format!("`hooks` is {kind}, but must be an object");
                let found = self.at(&rules::NOT_A_HOOK_FILE, message, hooks);
                self.report(found.label("nothing here takes effect").help(SHAPE));
            }
        }
    }

    fn under<'t>(&self, at: &'t Spot<'t>, member: &'t Member<'t>) -> Under<'t> {
        let named = name::resolve(&member.key, member.key_span, self.vocabulary());
        Under { named, value: at.member(member) }
    }

    /// Events that stand beside `hooks`, or instead of it.
    fn top_level(&mut self, root: &Spot<'_>, members: &[Member<'_>], has_hooks: bool) {
        let is_candidate = |m: &&Member<'_>| {
            !OTHER_KEYS.contains(&m.key.as_ref())
                && !fields::is_comment(&m.key)
                && matches!(m.value.kind(), Kind::Array | Kind::Object | Kind::String)
        };
        let all: Vec<_> =
            members.iter().filter(is_candidate).map(|m| self.under(root, m)).collect();
        let is_known =
            |u: &Under<'_>| u.named.how != How::Unknown && u.value.node.kind() != Kind::String;
        if !all.iter().any(is_known) {
            if !has_hooks {
                self.no_hooks(root, members);
            }
            return;
        }
        let events: Vec<_> = all.into_iter().filter(|u| is_known(u) || is_event_like(u)).collect();
        if let Some(first) = events.first() {
            let message = "events stand at the top level, but belong under `hooks`";
            let found = Diagnostic::new(&rules::EVENTS_AT_TOP_LEVEL, message);
            let found = found.at(self.source, first.named.span, first.value.pointer());
            self.report(found.label("read as if under `hooks`").note(TOP_LEVEL));
        }
        self.events(root, events);
    }

    fn no_hooks(&mut self, root: &Spot<'_>, members: &[Member<'_>]) {
        let only_integration = members.iter().any(|m| m.key == "integration");
        if only_integration || (members.is_empty() && !self.is_thorough()) {
            return;
        }
        let mut found = self.at(&rules::NO_HOOKS, "no `hooks` in this file", root);
        if !members.is_empty() {
            found.severity = Severity::Warning;
        }
        let keys: Vec<_> = members.iter().take(6).map(|m| format!("`{}`", m.key)).collect();
        let found = match keys.as_slice() {
            [] => found,
            keys => found.note(format!("none of its keys is an event: {}", keys.join(", "))),
        };
        let advice = |m: &Member<'_>| {
            let advice = name::well_known(&m.key)?;
            Some(format!("`{}`: {advice}", m.key))
        };
        let found = members.iter().take(6).filter_map(advice).fold(found, Diagnostic::note);
        self.report(found.help(SHAPE));
    }

    /// Reads events; those of a file that was written for another tool are explained instead.
    fn events(&mut self, root: &Spot<'_>, mut all: Vec<Under<'_>>) {
        let is_ours = |u: &Under<'_>| matches!(u.named.how, How::Exact | How::Legacy);
        if !all.iter().all(is_ours) {
            let names: Vec<_> = all.iter().map(|u| u.named.written).collect();
            if let Some(dialect) = dialect::recognise(root.node, &names) {
                let (ours, theirs): (Vec<_>, Vec<_>) = all.into_iter().partition(is_ours);
                self.foreign(dialect, &theirs);
                all = ours;
            }
        }
        for (index, under) in all.iter().enumerate() {
            let name = under.named.written;
            if all[..index].iter().any(|earlier| earlier.named.written == name) {
                let message = format!("`{name}` stands here a second time; both are read");
                let found = Diagnostic::new(&rules::DUPLICATE_KEY, message)
                    .at(self.source, under.named.span, under.value.pointer())
                    .note("Claude Code and most JSON readers keep only the last one");
                self.report(found);
            }
            self.event(&under.named, &under.value);
        }
    }

    fn foreign(&mut self, dialect: &dialect::Dialect, theirs: &[Under<'_>]) {
        let Some(first) = theirs.first() else {
            return;
        };
        let tool = dialect.tool;
        let message = format!("this file is written for {tool}; its events are left out");
        let mut found = Diagnostic::new(&rules::FOREIGN_DIALECT, message)
            .at(self.source, first.named.span, first.value.pointer())
            .label(format!("an event of {tool}"));
        for under in theirs {
            let name = under.named.written;
            found = found.note(match dialect.ours(name) {
                Some(ours) => format!("`{name}` corresponds to `{ours}`"),
                None => format!("`{name}` has no counterpart here"),
            });
        }
        self.report(found.help(format!(
            "keep this file where {tool} reads it, and write the hooks under Claude Code's names; \
             payload and answers differ, so look at the scripts too"
        )));
    }

    /// One event by its name: a name that needed a guess is reported.
    fn event(&mut self, named: &Named<'_>, value: &Spot<'_>) {
        if !self.wants(&named.event) {
            return;
        }
        match named.how {
            How::Exact => {}
            How::Legacy | How::Folded => {
                let proper = named.proper();
                let message = format!("`{}` is read as `{proper}`", named.written);
                let rule = match named.how {
                    How::Legacy => &rules::LEGACY_EVENT,
                    _ => &rules::EVENT_SPELLING,
                };
                let found = Diagnostic::new(rule, message)
                    .at(self.source, named.span, value.pointer())
                    .note("Claude Code knows events by their exact names only and ignores others");
                self.report(found.help(format!("write `{proper}`")));
            }
            How::Unknown => return self.unknown_event(named, value),
        }
        self.event_value(named, value);
    }

    /// An event that no table has: its hooks are kept under that name, for a version that fires
    /// it; what is no hook at all is explained by the name alone, and so is a shape that is
    /// forgiven: whoever corrects the name hears of it then.
    fn unknown_event(&mut self, named: &Named<'_>, value: &Spot<'_>) {
        let (found_before, entries_before) = (self.diagnostics.len(), self.entries.len());
        self.event_value(named, value);
        let is_kept = self.entries.len() > entries_before;
        let is_empty = value.node.kind() == Kind::Array && value.node.items().is_empty();
        let message =
            format!("neither Claude Code nor the orchestrator has an event `{}`", named.written);
        let mut found = Diagnostic::new(&rules::UNKNOWN_EVENT, message)
            .at(self.source, named.span, value.pointer())
            .help(name::advice(named.written));
        if is_kept {
            found = found.label("kept, but nothing known fires it");
            let is_shape = |one: &Diagnostic| SHAPES.iter().any(|rule| rule.name == one.rule.name);
            let below = self.diagnostics.split_off(found_before);
            self.diagnostics.extend(below.into_iter().filter(|one| !is_shape(one)));
        } else {
            self.diagnostics.truncate(found_before);
            found = found.label("left out");
            found.severity = if is_empty { Severity::Warning } else { Severity::Error };
        }
        self.diagnostics.insert(found_before, found);
    }

    /// An array of records, each with its event inside.
    fn records(&mut self, array: &Spot<'_>) {
        if array.node.is_empty() {
            let found = self.at(&rules::NO_HOOKS, "`hooks` is an empty array", array);
            return self.report(if self.source.text().contains("\"last_remote_check\"") {
                found.note("this looks like a file of Laravel Voyager, which is no concern of ours")
            } else {
                found.help(SHAPE)
            });
        }
        let message = "hooks stand in an array of records, but belong under their events";
        let found = self.at(&rules::HOOKS_AS_RECORDS, message, array);
        self.report(found.note(RECORDS).help(SHAPE));
        for item in array.items() {
            self.record(&item);
        }
    }

    fn record(&mut self, item: &Spot<'_>) {
        let fields = self.fields(item);
        let event = ["event", "trigger"].into_iter().find_map(|key| fields.get(key));
        let Some(name) = event.as_ref().and_then(|spot| spot.node.as_str()) else {
            let message = "no `event` says when this hook runs";
            let found = self.at(&rules::NOT_A_HOOK, message, item).label("left out");
            return self.report(found.help(SHAPE));
        };
        let span = event.as_ref().map_or(item.span(), Spot::span);
        let named = name::resolve(&name, span, self.vocabulary());
        self.event(&named, item);
    }
}

/// A key that nobody could mean otherwise: a capitalised name over an array.
fn is_event_like(under: &Under<'_>) -> bool {
    under.value.node.kind() == Kind::Array
        && under.named.written.starts_with(|c: char| c.is_ascii_uppercase())
}

fn looks_like_group(hooks: &Spot<'_>) -> bool {
    let mut members = hooks.node.each_member();
    let is_event =
        |m: Member<'_>| Event::named(&m.key, Processor::ClaudeCode).1 != Spelling::Unknown;
    members.any(|m| ["hooks", "command", "matcher"].contains(&m.key.as_ref()))
        && !hooks.node.each_member().any(is_event)
}

const SHAPE: &str = "write {\"hooks\": {\"EVENT\": [{\"matcher\": \"TOOL\", \"hooks\": [{\"type\": \
                     \"command\", \"command\": \"...\"}]}]}}";
const TOP_LEVEL: &str = "in a settings file Claude Code ignores them there; `PreToolUse` or \
                         `PermissionRequest` outside `hooks` switches the whole file off";
const RECORDS: &str = "in a settings file Claude Code switches the whole file off for this";
