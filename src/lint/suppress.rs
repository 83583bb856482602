//! Findings that somebody has looked at and accepts, with a reason, where they stand.
//!
//! JSON has no comments, so there are two forms: in a hook file
//! `"integration": {"lint": {"ignore": [{"rule": "...", "reason": "..."}]}}`, for the project; and in
//! any object, also of Claude Code's own files, `"//": "cph-lint: allow RULE REASON"`, for what
//! stands in that object. Invariant: a suppression without a reason, or one that nothing needs, is
//! a finding itself.

use std::sync::Arc;

use super::{
    project::{File, Project},
    select::Selection,
    table::{Family, listed, rules},
};
use crate::{
    config::nearest::nearest,
    diag::{Diagnostic, Fix, Place, Rule},
    json::{Draft, Kind, Node, pointer},
    source::Span,
};

pub(super) static FAMILY: Family = Family {
    title: "Suppressions",
    rules: &[
        listed!(WITHOUT_REASON, "suppression-without-reason"),
        listed!(UNUSED, "suppression-unused"),
        listed!(UNKNOWN, "suppression-unknown-rule"),
    ],
    // They are known only when everything else has been found.
    check: |_, _| {},
};

static WITHOUT_REASON: Rule = Rule::warning(
    "suppression-without-reason",
    "a finding is suppressed, and nobody says why",
    "Whoever reads the file next cannot tell whether the reason still holds, so the suppression \
     does not count. Write it behind the name of the rule, or as `reason`.",
);

static UNUSED: Rule = Rule::warning(
    "suppression-unused",
    "a suppression of something that is not there",
    "What it allowed has been mended, or stands elsewhere. Left alone it would hide the next \
     finding of that kind.",
);

static UNKNOWN: Rule = Rule::warning(
    "suppression-unknown-rule",
    "a suppression of a rule that does not exist",
    "The name is misspelt, or of another version. `cph lint --explain all` lists the rules.",
);

/// With what a comment for the linter begins.
const MARK: &str = "cph-lint:";

struct Suppression {
    rule: String,
    has_reason: bool,
    /// Where it holds; `None`: in the whole project.
    within: Option<Span>,
    /// Where it stands.
    place: Place,
    /// Whether it can be removed without anything else.
    is_alone: bool,
    is_used: bool,
}

/// Takes out what is suppressed, and adds what is wrong with the suppressions.
pub(super) fn apply(project: &Project, selection: &Selection, diagnostics: &mut Vec<Diagnostic>) {
    let mut all: Vec<_> = project.files.iter().flat_map(of_file).collect();
    if all.is_empty() {
        return;
    }
    diagnostics.retain(|found| {
        let mut is_kept = true;
        for suppression in all.iter_mut().filter(|one| one.means(found)) {
            suppression.is_used = true;
            is_kept &= !suppression.has_reason;
        }
        is_kept
    });
    diagnostics.extend(all.iter().filter_map(|one| one.fault(selection)));
}

impl Suppression {
    fn means(&self, found: &Diagnostic) -> bool {
        let is_here = |span: Span| {
            found.place.as_ref().is_some_and(|place| {
                place.file.path() == self.place.file.path()
                    && span.start <= place.span.start
                    && place.span.end <= span.end
            })
        };
        self.rule == found.rule.name && self.within.is_none_or(is_here)
    }

    fn fault(&self, selection: &Selection) -> Option<Diagnostic> {
        let rule = &self.rule;
        if !rules().any(|listed| listed.rule.name == *rule) {
            let found = self.found(&UNKNOWN, format!("there is no rule `{rule}`"));
            let near = nearest(rule, rules().map(|listed| listed.rule.name));
            return Some(match near {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found,
            });
        }
        if !self.has_reason {
            let message = format!("`{rule}` is allowed here without a reason");
            let found = self.found(&WITHOUT_REASON, message).label("does not count");
            return Some(found.help("say why, behind the name of the rule or as `reason`"));
        }
        if self.is_used || !selection.wants(rule) {
            return None;
        }
        let message = format!("nothing here is found by `{rule}`");
        let found = self.found(&UNUSED, message).help("remove it");
        Some(match self.removal() {
            Some(fix) => found.fix(fix),
            None => found,
        })
    }

    fn found(&self, rule: &'static Rule, message: String) -> Diagnostic {
        let place = &self.place;
        Diagnostic::new(rule, message).at(&place.file, place.span, &place.pointer)
    }

    fn removal(&self) -> Option<Fix> {
        if !self.is_alone {
            return None;
        }
        let text = self.place.file.text();
        let mut draft = Draft::new(text).ok()?;
        draft.remove(&self.place.pointer).ok()?;
        Some(Fix::between("remove it", text, &draft.into_text()))
    }
}

fn of_file(file: &File) -> Vec<Suppression> {
    let text = file.source.text();
    let Some(root) = file.root() else { return Vec::new() };
    let mut found = Vec::new();
    if file.kind.is_hook_file() && text.contains("\"lint\"") {
        listed(file, root, &mut found);
    }
    if text.contains(MARK) {
        comments(file, root, &mut found);
    }
    found
}

/// Those of `integration.lint.ignore`.
fn listed(file: &File, root: Node<'_>, found: &mut Vec<Suppression>) {
    let at = "/integration/lint/ignore";
    let Some(list) = pointer::find(root, at) else { return };
    for (index, item) in list.items().into_iter().enumerate() {
        let text = |key: &str| item.get(key).and_then(|value| value.as_str());
        let Some(rule) = text("rule") else { continue };
        found.push(Suppression {
            rule: rule.into_owned(),
            has_reason: text("reason").is_some_and(|reason| !reason.trim().is_empty()),
            within: None,
            place: place(file, item.span(), pointer::join(at, &index.to_string())),
            is_alone: true,
            is_used: false,
        });
    }
}

/// Those that stand as comments in objects.
fn comments(file: &File, root: Node<'_>, found: &mut Vec<Suppression>) {
    let mut waiting = vec![(String::new(), root)];
    while let Some((at, node)) = waiting.pop() {
        for member in node.members() {
            let inner = pointer::join(&at, &member.key);
            if matches!(member.value.kind(), Kind::Object | Kind::Array) {
                waiting.push((inner, member.value));
            } else if member.key.starts_with("//") || member.key.starts_with('_') {
                let Some(text) = member.value.as_str() else { continue };
                let place = place(file, member.value.span(), inner);
                let mut these = comment(&text, node.span(), &place);
                let twins = node.members().iter().filter(|other| other.key == member.key).count();
                for one in &mut these {
                    one.is_alone &= twins == 1;
                }
                found.extend(these);
            }
        }
        let items = node.items().into_iter().enumerate();
        waiting.extend(items.map(|(index, item)| (pointer::join(&at, &index.to_string()), item)));
    }
}

/// `cph-lint: allow RULE[, RULE] REASON`
fn comment(text: &str, within: Span, place: &Place) -> Vec<Suppression> {
    let Some(rest) = text.trim().strip_prefix(MARK) else { return Vec::new() };
    let Some(mut rest) = rest.trim().strip_prefix("allow ").map(str::trim) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    loop {
        let (word, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        names.push(word.trim_end_matches([',', ':']).to_owned());
        rest = behind.trim();
        if !word.ends_with(',') || rest.is_empty() {
            break;
        }
    }
    let has_reason = rest.chars().any(char::is_alphanumeric);
    let is_alone = names.len() == 1;
    let one = |rule| Suppression {
        rule,
        has_reason,
        within: Some(within),
        place: place.clone(),
        is_alone,
        is_used: false,
    };
    names.into_iter().map(one).collect()
}

fn place(file: &File, span: Span, pointer: String) -> Place {
    Place { file: Arc::clone(&file.source), span, pointer }
}
