//! Matchers: whether a group of hooks is meant by a payload.
//!
//! Does not know layers, conditions or paths (`when` joins them). Invariants: what Claude Code
//! would match is matched, and by the same rules; nothing is compiled before a payload needs it.
//!
//! Two languages share the field. Claude Code's own: a list of names, or an unanchored JavaScript
//! regular expression. The orchestrator's: predicates, `key:glob`. A text of the second form is
//! one of the second language where it stands under an orchestrator's event name, or where a key
//! is one of the known ones; but never under a Claude Code event whose values hold colons
//! themselves (`plugin:agent`), there it is a regular expression.

mod pattern;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, cell::OnceCell};

use super::{
    Event, Payload, Processor,
    event::Matching,
    hook::Entry,
    predicate::{self, Predicate, Verdict},
    tool,
};
use pattern::Pattern;

/// Fields whose values hold colons (`plugin:name`).
const COLON_FIELDS: &[&str] = &["agent_type", "command_name", "mcp_server_name"];

/// One matcher at one event.
#[derive(Debug)]
pub(crate) struct Matcher<'m> {
    text: Cow<'m, str>,
    form: Form<'m>,
    subject: Subject,
    /// Whether a `Monitor` call counts as one of `Bash` here.
    has_families: bool,
}

#[derive(Debug)]
enum Form<'m> {
    /// No matcher, `""` or `"*"`.
    Always,
    /// The event takes no matcher.
    Ignored,
    /// Names with these characters between them.
    Names(&'static [char]),
    Pattern(OnceCell<Result<Pattern, String>>),
    Predicates(Vec<Predicate<'m>>),
}

/// What names and patterns are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// A field, as it is.
    Field(&'static str),
    /// `tool_name`, under its old names too.
    Tool,
    /// The last part of `file_path`.
    FileName,
    /// `to_model`, without what names a variant.
    Model,
    /// An event that we do not know: a tool name if there is one.
    Unknown,
}

/// How a hook sees the payload that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatchedAs {
    /// The tool name to show in place of the payload's.
    pub(crate) tool_name_shown: Option<&'static str>,
    /// Whether its `allow` and its `updatedInput` count.
    pub(crate) may_grant: bool,
}

impl MatchedAs {
    pub(crate) const ITSELF: Self = Self { tool_name_shown: None, may_grant: true };
    const BASH: Self = Self { tool_name_shown: Some(tool::BASH), may_grant: false };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<'m> {
    Yes(MatchedAs),
    /// Not this payload.
    No(Reason<'m>),
    /// No payload at all.
    Never(Reason<'m>),
}

/// Why a matcher does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason<'m> {
    /// The payload lacks the field that it asks for.
    Lacks(&'m str),
    /// The field says something else.
    Differs(&'m str),
    /// A list without a name.
    NoNames,
    /// A regular expression that JavaScript would refuse.
    Unreadable,
}

impl<'m> Matcher<'m> {
    /// The matcher of an entry at its event.
    pub(crate) fn of(entry: &'m Entry) -> Self {
        Self::new(entry.matcher.as_deref(), &entry.event, entry.vocabulary)
    }

    /// A matcher under an event that was named in `vocabulary`.
    pub(crate) fn new(text: Option<&'m str>, event: &Event, vocabulary: Processor) -> Self {
        let text = text.unwrap_or_default();
        let (subject, matching) = subject(event);
        let has_families = matches!(event.canonical(), "PreToolUse" | "PermissionRequest");
        let simple = |text, form| Self { text, form, subject, has_families };
        if matches!(text, "" | "*") {
            return simple(text.into(), Form::Always);
        }
        if let Some(predicates) = predicates(text, matching, vocabulary) {
            return simple(text.into(), Form::Predicates(predicates));
        }
        let text = if subject == Subject::Model { without_variant(text) } else { text.into() };
        let form = match matching {
            Matching::Ignored => Form::Ignored,
            Matching::Wide { .. } => names_or_pattern(&text, "_- ", &['|', ',']),
            Matching::Narrow { .. } => names_or_pattern(&text, "_", &['|']),
        };
        simple(text, form)
    }

    pub(crate) fn matches(&self, payload: &Payload) -> Outcome<'_> {
        match &self.form {
            Form::Always | Form::Ignored => Outcome::Yes(MatchedAs::ITSELF),
            Form::Predicates(predicates) => all_hold(predicates, payload),
            Form::Names(_) if self.names().next().is_none() => Outcome::Never(Reason::NoNames),
            Form::Pattern(_) if self.pattern().is_none() => Outcome::Never(Reason::Unreadable),
            Form::Names(_) | Form::Pattern(_) => self.compare(payload),
        }
    }

    /// Why it can never match, or does not mean what it seems to.
    pub(crate) fn fault(&self) -> Option<String> {
        match &self.form {
            Form::Names(_) if self.names().next().is_none() => Some("no name in the list".into()),
            Form::Always | Form::Ignored | Form::Names(_) => None,
            Form::Pattern(cell) => self.read(cell).as_ref().err().cloned(),
            Form::Predicates(predicates) => predicates.iter().find_map(Predicate::fault),
        }
    }

    /// The names, as written, if it is a list of names.
    pub(crate) fn exact_names(&self) -> Option<Vec<&str>> {
        matches!(self.form, Form::Names(_)).then(|| self.names().collect())
    }

    /// Whether it accepts a value of the field that it is compared with.
    pub(crate) fn may_mean(&self, value: &str) -> bool {
        match self.form {
            Form::Always | Form::Ignored => true,
            Form::Predicates(_) => false,
            Form::Names(_) | Form::Pattern(_) => self.means(value),
        }
    }

    /// Whether it is a regular expression.
    pub(crate) fn is_pattern(&self) -> bool {
        matches!(self.form, Form::Pattern(_))
    }

    /// Whether it leaves out nothing that the host could fire.
    pub(crate) fn overlaps_everything(&self) -> bool {
        matches!(self.form, Form::Always | Form::Ignored)
    }

    /// Whether something was written that the event takes no notice of.
    pub(crate) fn is_ignored(&self) -> bool {
        matches!(self.form, Form::Ignored)
    }

    /// Whether it is of the orchestrator's language.
    pub(crate) fn is_predicate(&self) -> bool {
        matches!(self.form, Form::Predicates(_))
    }

    /// Whether a value of the field that it is compared with is meant; a predicate, which asks for
    /// fields of its own, means none.
    pub(crate) fn accepts_value(&self, value: &str) -> bool {
        match &self.form {
            Form::Always | Form::Ignored => true,
            Form::Predicates(_) => false,
            Form::Names(_) | Form::Pattern(_) => self.means(value),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let separators = if let Form::Names(separators) = self.form { separators } else { &[] };
        self.text.split(separators).map(str::trim).filter(|name| !name.is_empty())
    }

    fn compare(&self, payload: &Payload) -> Outcome<'_> {
        if self.subject == Subject::Unknown && payload.tool_name().is_none() {
            return Outcome::Yes(MatchedAs::ITSELF);
        }
        let field = match self.subject {
            Subject::Field(field) => field,
            Subject::Tool | Subject::Unknown => "tool_name",
            Subject::FileName => "file_path",
            Subject::Model => "to_model",
        };
        let Some(value) = payload.text(field) else {
            return Outcome::No(Reason::Lacks(field));
        };
        match () {
            () if self.means(&value) => Outcome::Yes(MatchedAs::ITSELF),
            () if self.means_family(&value, payload) => Outcome::Yes(MatchedAs::BASH),
            () => Outcome::No(Reason::Differs(field)),
        }
    }

    fn means(&self, value: &str) -> bool {
        match self.subject {
            Subject::Field(_) => self.accepts(value),
            Subject::Tool | Subject::Unknown => self.means_tool(value),
            Subject::FileName => self.accepts(value.rsplit(['/', '\\']).next().unwrap_or(value)),
            Subject::Model => self.means_model(value),
        }
    }

    fn means_tool(&self, value: &str) -> bool {
        let value = tool::current(value);
        match self.form {
            Form::Names(_) => {
                self.names().any(|name| name == value || tool::current(name) == value)
            }
            _ => self.accepts(value) || tool::former(value).any(|old| self.accepts(old)),
        }
    }

    /// A model that does not look like one of ours is meant by every matcher; nor do we know
    /// which dated release a short name stands for, so both spellings count.
    fn means_model(&self, value: &str) -> bool {
        let plain = without_variant(value);
        let undated = plain.rsplit_once('-').filter(|(_, end)| is_date(end)).map(|(name, _)| name);
        let is_known = plain.starts_with("claude-");
        !is_known || self.accepts(&plain) || undated.is_some_and(|name| self.accepts(name))
    }

    /// A `Monitor` call that has a command is guarded like one of `Bash`.
    fn means_family(&self, value: &str, payload: &Payload) -> bool {
        self.has_families && tool::is_shell_monitor(value, payload) && self.means_tool(tool::BASH)
    }

    fn accepts(&self, value: &str) -> bool {
        match self.form {
            Form::Names(_) => self.names().any(|name| name == value),
            _ => self.pattern().is_some_and(|pattern| pattern.is_in(value)),
        }
    }

    fn pattern(&self) -> Option<&Pattern> {
        let Form::Pattern(cell) = &self.form else { return None };
        self.read(cell).as_ref().ok()
    }

    fn read<'c>(&self, cell: &'c OnceCell<Result<Pattern, String>>) -> &'c Result<Pattern, String> {
        cell.get_or_init(|| Pattern::new(&self.text))
    }
}

/// What `FileChanged` watches for a matcher: each part is a path, taken literally.
pub(crate) fn watch_list(matcher: &str) -> impl Iterator<Item = &str> {
    matcher.split('|').map(str::trim).filter(|part| !part.is_empty())
}

fn subject(event: &Event) -> (Subject, Matching) {
    let Some(row) = event.row() else {
        return (Subject::Unknown, Matching::Wide { field: "tool_name" });
    };
    let subject = match (row.matching, row.claude) {
        (_, Some("PreModelSwitch" | "PostModelSwitch")) => Subject::Model,
        (_, Some("FileChanged")) => Subject::FileName,
        (Matching::Wide { field: "tool_name" }, _) => Subject::Tool,
        (Matching::Wide { field } | Matching::Narrow { field }, _) => Subject::Field(field),
        (Matching::Ignored, _) => Subject::Unknown,
    };
    (subject, row.matching)
}

fn predicates(text: &str, matching: Matching, vocabulary: Processor) -> Option<Vec<Predicate<'_>>> {
    let predicates = predicate::parse(text)?;
    let has_colons = matches!(matching, Matching::Wide { field } if COLON_FIELDS.contains(&field));
    let is_meant = match vocabulary {
        Processor::TaskOrchestrator => true,
        Processor::ClaudeCode => !has_colons && predicates.iter().any(Predicate::has_known_key),
    };
    is_meant.then_some(predicates)
}

fn all_hold<'m>(predicates: &[Predicate<'m>], payload: &Payload) -> Outcome<'m> {
    let fails = predicates.iter().find_map(|predicate| match predicate.verdict(payload) {
        Verdict::Holds => None,
        Verdict::Fails => Some(Reason::Differs(predicate.field())),
        Verdict::Lacks => Some(Reason::Lacks(predicate.field())),
    });
    fails.map_or(Outcome::Yes(MatchedAs::ITSELF), Outcome::No)
}

fn names_or_pattern<'m>(text: &str, further: &str, separators: &'static [char]) -> Form<'m> {
    let belongs =
        |c: char| c.is_ascii_alphanumeric() || further.contains(c) || separators.contains(&c);
    if text.chars().all(belongs) { Form::Names(separators) } else { Form::Pattern(OnceCell::new()) }
}

/// `claude-x[1m]` names a variant of a model, not another one.
fn without_variant(model: &str) -> Cow<'_, str> {
    if model.contains("[1m]") || model.contains("[2m]") {
        Cow::Owned(model.replace("[1m]", "").replace("[2m]", ""))
    } else {
        Cow::Borrowed(model)
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit())
}
