//! Hooks that say yes to everything.

use std::borrow::Cow;

use crate::{
    diag::{Diagnostic, Rule},
    json::Node,
    lint::shell::{rules::answers::printed_json, subject::Subject},
    model::matcher::Matcher,
    shell::{Command, Kind, walk::Stream},
};

pub(super) static APPROVES_EVERYTHING: Rule = Rule::warning(
    "approves-everything",
    "a hook allows every call without having looked at it",
    "A hook without a matcher and an `if` that always answers `allow` switches all questions off: \
     what nobody has thought of is allowed too, whatever `permissions` says about asking. Name the \
     tools in the `matcher` and the calls in `if`, or look at the payload before you allow it.",
);

/// Regular expressions that mean every tool.
const ANYTHING: &[&str] = &[".*", "^.*$", ".+", "^.+$"];

/// Programs that look at nothing.
const BLIND: &[&str] = &["echo", "printf", "cat", "true", ":", "exit"];

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let entry = subject.entry;
    let is_wide = Matcher::of(entry).overlaps_everything()
        || entry.matcher.as_deref().is_some_and(|text| ANYTHING.contains(&text));
    let is_narrow = !is_wide || entry.condition.is_some() || !entry.paths.is_empty();
    let decides = matches!(entry.event.canonical(), "PreToolUse" | "PermissionRequest");
    if !decides || is_narrow || !subject.is_complete || looks(subject) {
        return;
    }
    subject.programs(|piece, simple, command, around| {
        let is_sure = around.streams.stdout == Stream::Own(1)
            && !around.is_conditional
            && around.function.is_none();
        let allows = || printed_json(simple, command).is_some_and(|json| allows(&json));
        if is_sure && allows() {
            let message = "this allows every call, whatever it is".to_owned();
            let one = piece.home.found(&APPROVES_EVERYTHING, message, command.span);
            found.push(one.help("name the tools in `matcher`, and the calls in `if`"));
        }
    });
}

fn allows(json: &str) -> bool {
    let Ok(root) = Node::document(json) else { return false };
    let text = |node: Option<Node<'_>>| node.and_then(|node| node.as_str().map(Cow::into_owned));
    let specific = root.get("hookSpecificOutput");
    let before = text(specific.and_then(|node| node.get("permissionDecision")));
    let decision = specific.and_then(|node| node.get("decision"));
    let asked = text(decision.and_then(|node| node.get("behavior")));
    let old = text(root.get("decision"));
    [before, asked].into_iter().flatten().any(|word| word == "allow")
        || old.is_some_and(|word| word == "approve")
}

/// Whether anything in it could depend on what is asked.
fn looks(subject: &Subject<'_>) -> bool {
    let mut looks = subject.scripts.iter().any(|script| script.shell_text().is_none());
    subject.commands(|_, command: &Command, _| {
        looks |= match &command.kind {
            Kind::Simple(simple) => {
                let name = simple.program();
                let starts_script = subject
                    .scripts
                    .iter()
                    .any(|script| simple.words.iter().any(|word| word.span == script.span));
                !starts_script && !name.is_some_and(|name| BLIND.contains(&name.as_ref()))
            }
            Kind::Group(_) | Kind::Subshell(_) => false,
            _ => true,
        };
    });
    looks
}
