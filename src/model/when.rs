//! When a hook runs: all that an entry asks for, put to one payload.
//!
//! Does not know trust, claims or strategies; those decide later whether a hook that is meant is
//! also started. Invariants: a hook runs when any of its entries is meant; an entry is meant when
//! everything it asks for holds.

use std::cell::OnceCell;

use super::{
    Payload, Processor,
    hook::{Entry, Hook},
    matcher::{MatchedAs, Matcher, Outcome, Reason},
    paths::{self, Dirs, Meeting, Named},
    permission::{self, Verdict},
};

/// One payload, and what must be known to judge by it.
#[derive(Debug)]
pub(crate) struct Firing<'f> {
    payload: &'f Payload,
    fired_by: Processor,
    dirs: Dirs<'f>,
    /// Found when the first hook asks for them: a tool input can be long.
    named: OnceCell<Named<'f>>,
}

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Runs(MatchedAs),
    Not(Why),
}

/// Why an entry is not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Disabled,
    /// It is for other processors.
    Processor,
    /// The matcher asks for a field that the payload lacks.
    Lacks(Box<str>),
    /// The matcher asks for another value of a field.
    Differs(Box<str>),
    /// The matcher is a list without a name.
    NoNames,
    /// The matcher is an expression that JavaScript would refuse.
    Unreadable,
    /// None of the payload's paths is meant.
    Paths,
    /// The payload names no path.
    NoPath,
    /// `if` does not apply.
    Condition(&'static str),
}

impl<'f> Firing<'f> {
    pub(crate) fn new(payload: &'f Payload, fired_by: Processor, dirs: Dirs<'f>) -> Self {
        Self { payload, fired_by, dirs, named: OnceCell::new() }
    }

    /// How the hook is to run; `None` if it is not meant. Where several entries are meant, the
    /// hook keeps the rights that any of them gives it.
    pub(crate) fn selects(&self, hook: &Hook) -> Option<MatchedAs> {
        let runs = hook.active().filter_map(|entry| match self.choice(hook, entry) {
            Choice::Runs(matched_as) => Some(matched_as),
            Choice::Not(_) => None,
        });
        runs.max_by_key(|matched_as| matched_as.may_grant)
    }

    /// Every entry of the hook and what became of it.
    pub(crate) fn choices<'h>(&self, hook: &'h Hook) -> impl Iterator<Item = (&'h Entry, Choice)> {
        hook.entries.iter().map(move |entry| (entry, self.choice(hook, entry)))
    }

    fn choice(&self, hook: &Hook, entry: &Entry) -> Choice {
        self.judge(hook, entry).map_or_else(Choice::Not, Choice::Runs)
    }

    /// The cheap questions first.
    fn judge(&self, hook: &Hook, entry: &Entry) -> Result<MatchedAs, Why> {
        if !hook.is_enabled() || entry.settings.enabled == Some(false) {
            return Err(Why::Disabled);
        }
        if entry.processors.as_ref().is_some_and(|only| !only.contains(&self.fired_by)) {
            return Err(Why::Processor);
        }
        let matched_as = match Matcher::of(entry).matches(self.payload) {
            Outcome::Yes(matched_as) => matched_as,
            Outcome::No(reason) | Outcome::Never(reason) => return Err(reason.into()),
        };
        self.meets_paths(entry)?;
        self.meets_condition(entry, matched_as)
    }

    fn meets_paths(&self, entry: &Entry) -> Result<(), Why> {
        if entry.paths.is_empty() {
            return Ok(());
        }
        let named = self.named.get_or_init(|| Named::of(self.payload));
        let cwd = paths::working_dir(self.payload, self.dirs.project);
        match paths::meet(&entry.paths, named, &cwd, self.dirs.project) {
            Meeting::Meets => Ok(()),
            Meeting::Misses => Err(Why::Paths),
            Meeting::NoPath => Err(Why::NoPath),
        }
    }

    fn meets_condition(&self, entry: &Entry, matched_as: MatchedAs) -> Result<MatchedAs, Why> {
        let Some(rule) = &entry.condition else { return Ok(matched_as) };
        match permission::Rule::parse(rule).verdict(self.payload, &entry.event, self.dirs) {
            Verdict::Applies => Ok(matched_as),
            Verdict::AppliesUnsure { may_grant, .. } => {
                Ok(MatchedAs { may_grant: may_grant && matched_as.may_grant, ..matched_as })
            }
            Verdict::Not(reason) => Err(Why::Condition(reason)),
        }
    }
}

impl From<Reason<'_>> for Why {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Lacks(field) => Self::Lacks(field.into()),
            Reason::Differs(field) => Self::Differs(field.into()),
            Reason::NoNames => Self::NoNames,
            Reason::Unreadable => Self::Unreadable,
        }
    }
}

impl Why {
    /// One sentence for `cph explain`: lower case, no full stop.
    pub(crate) fn sentence(&self, entry: &Entry, payload: &Payload) -> String {
        let matcher = entry.matcher.as_deref().unwrap_or_default();
        match self {
            Self::Disabled => "it is switched off (`enabled`)".to_owned(),
            Self::Processor => {
                let only = entry.processors.iter().flatten().map(|only| only.name());
                format!("it is for {} only (`processors`)", only.collect::<Vec<_>>().join(", "))
            }
            Self::Lacks(field) => {
                format!("its matcher `{matcher}` asks for `{field}`, which the payload lacks")
            }
            Self::Differs(field) => {
                let value = payload.node(field).map_or("missing", |node| node.raw());
                format!("its matcher `{matcher}` does not mean the {field} {value}")
            }
            Self::NoNames => format!("its matcher `{matcher}` is a list without a name"),
            Self::Unreadable => format!("its matcher `{matcher}` is no regular expression"),
            Self::Paths => {
                format!("no path of the payload is meant by {}", entry.paths.join(", "))
            }
            Self::NoPath => "the payload names no path (`paths`)".to_owned(),
            Self::Condition(reason) => {
                let rule = entry.condition.as_deref().unwrap_or_default();
                format!("its condition `{rule}` does not apply: {reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        model::{
            Event,
            hook::{Handler, HookId, Settings},
            origin::{Layer, Origin},
            payload,
        },
        source::{SourceFile, Span},
    };

    fn entry(event: &str, by: Processor, matcher: &str) -> Entry {
        let file = SourceFile::new("hooks.json", "{}");
        let (span, pointer) = (Span::new(0, 2), String::new());
        Entry {
            event: Event::named(event, by).0,
            vocabulary: by,
            matcher: Some(matcher.to_owned()),
            paths: Vec::new(),
            processors: None,
            condition: None,
            handler: Handler::Command { command: "x".into(), args: None, shell: None },
            settings: Settings::default(),
            id: None,
            label: None,
            origin: Origin { layer: Layer::User, owner: None, file, span, pointer },
        }
    }

    fn claude(matcher: &str) -> Entry {
        entry("PreToolUse", Processor::ClaudeCode, matcher)
    }

    fn hook(entries: Vec<Entry>) -> Hook {
        let event = entries[0].event.clone();
        Hook { identity: HookId("h".into()).into(), event, entries, settings: Settings::default() }
    }

    fn firing(payload: &Payload) -> Firing<'_> {
        let dirs = Dirs { project: Path::new("/p"), home: None };
        Firing::new(payload, Processor::ClaudeCode, dirs)
    }

    /// Why the only entry of a hook does not run for a payload.
    fn why(entry: Entry, payload: &Value) -> Option<String> {
        let (hook, payload) = (hook(vec![entry]), payload::of(payload));
        let (entry, choice) = firing(&payload).choices(&hook).next().unwrap();
        assert_eq!(matches!(choice, Choice::Runs(_)), firing(&payload).selects(&hook).is_some());
        match choice {
            Choice::Runs(_) => None,
            Choice::Not(why) => Some(why.sentence(entry, &payload)),
        }
    }

    fn edit() -> Value {
        json!({"tool_name": "Edit", "cwd": "/p", "tool_input": {"file_path": "/p/src/a.py"}})
    }

    #[test]
    fn an_entry_runs_when_all_it_asks_for_holds() {
        let entry = Entry {
            paths: vec!["src/**".into()],
            condition: Some("Edit(*.py)".into()),
            processors: Some(vec![Processor::ClaudeCode]),
            ..claude("Edit|Write")
        };
        assert_eq!(why(entry, &edit()), None);
    }

    #[test]
    fn each_reason_is_told() {
        let only = Some(vec![Processor::TaskOrchestrator]);
        let condition = Some("Edit(*.rs)".to_owned());
        let bash = json!({"tool_name": "Bash", "tool_input": {}});
        let orchestrators = entry("PreTaskExecute", Processor::TaskOrchestrator, "type:fix");
        let cases = [
            (Entry { processors: only, ..claude("") }, edit(), "it is for task_orchestrator only"),
            (claude("Bash"), edit(), "its matcher `Bash` does not mean the tool_name \"Edit\""),
            (claude("*.ts"), edit(), "its matcher `*.ts` is no regular expression"),
            (claude("|"), edit(), "its matcher `|` is a list without a name"),
            (orchestrators, edit(), "its matcher `type:fix` asks for `task_type`, which"),
            (Entry { paths: vec!["docs/**".into()], ..claude("") }, edit(), "no path of the"),
            (Entry { paths: vec!["**".into()], ..claude("") }, bash, "the payload names no path"),
            (Entry { condition, ..claude("") }, edit(), "its condition `Edit(*.rs)` does not"),
        ];
        for (entry, payload, expected) in cases {
            let why = why(entry, &payload).expect(expected);
            assert!(why.starts_with(expected), "{why}");
        }
        let mut hook = hook(vec![claude("")]);
        hook.settings.enabled = Some(false);
        let payload = payload::of(&edit());
        assert_eq!(firing(&payload).choices(&hook).next().unwrap().1, Choice::Not(Why::Disabled));
        assert_eq!(firing(&payload).selects(&hook), None);
    }

    #[test]
    fn a_condition_off_tool_events_never_runs() {
        let condition = Some("Bash(git *)".to_owned());
        let stop = entry("Stop", Processor::ClaudeCode, "");
        let why = why(Entry { condition, ..stop }, &json!({"tool_name": "Bash"})).unwrap();
        assert!(why.contains("events of tool calls only"), "{why}");
    }

    #[test]
    fn any_entry_makes_the_hook_run_with_the_best_rights() {
        let monitor = json!({"tool_name": "Monitor", "tool_input": {"command": "ls $!"}});
        let payload = payload::of(&monitor);
        let select = |entries| firing(&payload).selects(&hook(entries));
        let as_bash = MatchedAs { tool_name_shown: Some("Bash"), may_grant: false };
        assert_eq!(select(vec![claude("Edit"), claude("Bash")]), Some(as_bash));
        assert_eq!(select(vec![claude("Bash"), claude("")]), Some(MatchedAs::ITSELF));
        assert_eq!(select(vec![claude(""), claude("Bash")]), Some(MatchedAs::ITSELF));
        assert_eq!(select(vec![claude("Edit")]), None);
        // What is run only because nothing is known may refuse, not grant.
        let unsure = Entry { condition: Some("Bash(rm -r *)".into()), ..claude("Monitor") };
        let itself = MatchedAs { may_grant: false, ..MatchedAs::ITSELF };
        assert_eq!(select(vec![unsure]), Some(itself));
    }
}
