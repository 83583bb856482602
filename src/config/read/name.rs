//! What the name of an event in a file means.
//!
//! Does not look at what stands under it. Invariant: an exact name of either vocabulary wins
//! over every guess.

use crate::{
    model::{
        Event, Processor,
        event::{EVENTS, Row, Spelling},
    },
    source::Span,
};

use super::{
    super::nearest::{folded, nearest},
    dialect,
};

/// An event and how its name was understood.
#[derive(Clone, Debug)]
pub(super) struct Named<'n> {
    pub(super) written: &'n str,
    pub(super) event: Event,
    pub(super) vocabulary: Processor,
    pub(super) how: How,
    /// Where the name stands.
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// A name of one of the vocabularies.
    Exact,
    /// An older name.
    Legacy,
    /// The right letters in another case or with other separators.
    Folded,
    Unknown,
}

impl Named<'_> {
    /// The name that should stand there.
    pub(super) fn proper(&self) -> &str {
        self.event.name_or_own(self.vocabulary)
    }
}

/// The event that a name means in a file of `by`.
pub(super) fn resolve(name: &str, span: Span, by: Processor) -> Named<'_> {
    let (event, spelling) = Event::named(name, by);
    let (event, vocabulary, how) = match spelling {
        Spelling::Exact => (event, by, How::Exact),
        Spelling::Foreign => (event, by.other(), How::Exact),
        Spelling::Legacy => (event, by, How::Legacy),
        Spelling::Unknown => match fold(name, by) {
            Some((folded, vocabulary)) => (folded, vocabulary, How::Folded),
            None => (event, by, How::Unknown),
        },
    };
    Named { written: name, event, vocabulary, how, span }
}

/// The exact name that a name is read as, where it is another one.
pub(crate) fn proper_name(name: &str, by: Processor) -> Option<String> {
    let named = resolve(name, Span::new(0, 0), by);
    matches!(named.how, How::Legacy | How::Folded).then(|| named.proper().to_owned())
}

fn fold(name: &str, by: Processor) -> Option<(Event, Processor)> {
    // The names of events are made of letters alone.
    let bare = folded(name);
    let is_it = |own: &str| own.eq_ignore_ascii_case(&bare);
    [by, by.other()].into_iter().find_map(|vocabulary| {
        let of = |row: &&Row| row.name_for(vocabulary).is_some_and(is_it);
        Some((Event::Known(EVENTS.iter().find(of)?), vocabulary))
    })
}

/// What to do about a name that no table has.
pub(crate) fn advice(name: &str) -> String {
    if let Some(advice) = well_known(name) {
        return advice;
    }
    let bare = folded(name);
    let stem = bare.strip_prefix("on").unwrap_or(&bare);
    match nearest(stem, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`cph events` lists the events".to_owned(),
    }
}

/// The same, of a name of which it is known what people expect of it.
pub(super) fn well_known(name: &str) -> Option<String> {
    let bare = folded(name);
    if let Some((_, event, command)) = GIT_HOOKS.iter().find(|(name, ..)| *name == bare) {
        return Some(format!(
            "this is the name of a git hook; use `{event}` with the matcher `Bash` and an `if` such \
             as \"Bash(git {command} *)\", or a hook of git itself"
        ));
    }
    if let Some((_, advice)) = INVENTED.iter().find(|(name, _)| *name == bare) {
        return Some(format!("there is no such event; use {advice}"));
    }
    let (tool, ours) = dialect::of_event(name)?;
    Some(match ours {
        Some(ours) => format!("this is an event of {tool}; `{ours}` comes nearest"),
        None => format!("this is an event of {tool}, and nothing comes near it"),
    })
}

fn names() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().flat_map(|row| [row.claude, row.orchestrator]).flatten()
}

/// Hooks of git, and what comes near them: the event, and the command of git.
const GIT_HOOKS: &[(&str, &str, &str)] = &[
    ("precommit", BEFORE, "commit"),
    ("postcommit", AFTER, "commit"),
    ("commitmsg", BEFORE, "commit"),
    ("preparecommitmsg", BEFORE, "commit"),
    ("prepush", BEFORE, "push"),
    ("postpush", AFTER, "push"),
    ("prerebase", BEFORE, "rebase"),
    ("premerge", BEFORE, "merge"),
    ("premergecommit", BEFORE, "merge"),
    ("postmerge", AFTER, "merge"),
    ("postcheckout", AFTER, "checkout"),
    ("postrewrite", AFTER, "rebase"),
    ("prereceive", BEFORE, "push"),
    ("postreceive", AFTER, "push"),
];
const BEFORE: &str = "PreToolUse";
const AFTER: &str = "PostToolUse";

/// Names that people expect, and what gives them the same.
const INVENTED: &[(&str, &str)] = &[
    ("postfileedit", AFTER_EDIT),
    ("fileedit", AFTER_EDIT),
    ("postedit", AFTER_EDIT),
    ("afteredit", AFTER_EDIT),
    ("onsave", AFTER_EDIT),
    ("onfilesave", AFTER_EDIT),
    ("onfilechange", AFTER_EDIT),
    ("postfilewrite", AFTER_EDIT),
    ("postwrite", AFTER_EDIT),
    ("filesaved", AFTER_EDIT),
    ("prefileedit", BEFORE_EDIT),
    ("preedit", BEFORE_EDIT),
    ("beforeedit", BEFORE_EDIT),
    ("prefilewrite", BEFORE_EDIT),
    ("prewrite", BEFORE_EDIT),
    ("prebash", BEFORE_COMMAND),
    ("precommand", BEFORE_COMMAND),
    ("prebashcommand", BEFORE_COMMAND),
    ("postbash", "`PostToolUse` with the matcher `Bash`"),
    ("postcommand", "`PostToolUse` with the matcher `Bash`"),
    ("postcompaction", "`PostCompact`"),
    ("precompaction", "`PreCompact`"),
    ("onerror", "`PostToolUseFailure` or `StopFailure`"),
    ("toolerror", "`PostToolUseFailure`"),
    ("ontaskcomplete", "`Stop`, or `TaskComplete` of the orchestrator"),
    ("posttask", "`Stop`, or `TaskComplete` of the orchestrator"),
    ("pretask", "`UserPromptSubmit`, or `PreTaskExecute` of the orchestrator"),
    ("onstart", "`SessionStart`"),
    ("onexit", "`SessionEnd`"),
    ("postsession", "`SessionEnd`"),
    ("presession", "`SessionStart`"),
];

const AFTER_EDIT: &str = "`PostToolUse` with the matcher `Edit|Write`";
const BEFORE_EDIT: &str = "`PreToolUse` with the matcher `Edit|Write`";
const BEFORE_COMMAND: &str = "`PreToolUse` with the matcher `Bash`";

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(name: &str, by: Processor) -> Named<'_> {
        super::resolve(name, Span::new(0, 0), by)
    }

    #[test]
    fn exact_names_of_both_vocabularies_come_first() {
        let claude = resolve("TaskCreated", Processor::ClaudeCode);
        assert_eq!((claude.how, claude.proper()), (How::Exact, "TaskCreated"));
        let old = resolve("TaskCreated", Processor::TaskOrchestrator);
        assert_eq!((old.how, old.proper()), (How::Legacy, "TaskBreakdown"));
        let foreign = resolve("Stop", Processor::TaskOrchestrator);
        assert_eq!(foreign.vocabulary, Processor::ClaudeCode);
        assert_eq!(foreign.how, How::Exact);
    }

    #[test]
    fn names_are_made_of_letters() {
        assert!(names().all(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic())));
    }

    #[test]
    fn other_spellings_are_recognised() {
        for name in ["preToolUse", "pretooluse", "pre_tool_use", "pre-tool-use"] {
            let named = resolve(name, Processor::ClaudeCode);
            assert_eq!((named.how, named.proper()), (How::Folded, "PreToolUse"), "{name}");
        }
    }

    #[test]
    fn advice_names_the_way() {
        for (name, part) in [
            ("PreCommit", "git hook"),
            (
                "pre-push",
                "`PreToolUse` with the matcher `Bash` and an `if` such as \"Bash(git push *)\"",
            ),
            ("post-merge", "`PostToolUse` with the matcher `Bash`"),
            ("PostFileEdit", "`Edit|Write`"),
            ("onSessionStart", "did you mean `SessionStart`?"),
            ("PostToolUsage", "did you mean `PostToolUse`?"),
            ("BeforeAgent", "Gemini CLI; `UserPromptSubmit` comes nearest"),
            ("PostDeploy", "cph events"),
        ] {
            assert!(advice(name).contains(part), "{name}: {}", advice(name));
        }
    }
}
