//! Answers in JSON that are written out in a command.

use crate::{
    diag::{Diagnostic, Rule},
    json::{Keys, Kind as JsonKind, Node},
    lint::shell::{
        facts::{PRINTERS, jq},
        subject::{Piece, Subject},
    },
    model::{
        Event,
        event::{PlainText, Refusal},
    },
    shell::{
        Command, Part, Simple, Target, Word,
        walk::{Around, Stream},
    },
    source::Span,
};

pub(super) static ANSWER_NOT_JSON: Rule = Rule::error(
    "answer-not-json",
    "an answer looks like JSON and is none",
    "What begins with `{` and ends with `}` is read as JSON. If it cannot be read, all of the answer is \
     lost, a refusal too. Single quotes around names, a comma after the last member and quotes that \
     the shell takes away are the usual reasons: write the JSON in single quotes, or let `jq -n` make \
     it.",
);

pub(super) static ANSWER_OF_ANOTHER_EVENT: Rule = Rule::error(
    "answer-of-another-event",
    "`hookEventName` in an answer is missing or names another event",
    "`hookSpecificOutput` counts only with the `hookEventName` of the event that was fired. Otherwise \
     Claude Code throws the answer away, and a refusal in it refuses nothing.",
);

pub(super) static ANSWER_UNKNOWN_DECISION: Rule = Rule::error(
    "answer-unknown-decision",
    "a decision that the event does not know",
    "Top-level `decision` is `block` (or the old `approve`); `permissionDecision` is `allow`, `deny`, \
     `ask` or `defer`; `behavior` of a `PermissionRequest` is `allow` or `deny`. With any other word the \
     whole answer is thrown away, and what was to be refused happens.",
);

pub(super) static ANSWER_OLD_DECISION: Rule = Rule::hint(
    "answer-old-decision",
    "an answer in the old form",
    "On `PreToolUse`, `decision` and `reason` have been replaced: write `hookSpecificOutput` with \
     `permissionDecision` (`allow`, `deny`, `ask`) and `permissionDecisionReason`. Elsewhere \
     `\"decision\": \"approve\"` says nothing: leave it out.",
);

pub(super) static ANSWER_FIELD_IGNORED: Rule = Rule::warning(
    "answer-field-ignored",
    "an answer has a field that the event does not read",
    "Fields such as `permissionDecision` and `additionalContext` count inside `hookSpecificOutput` \
     only, and each event reads only some: `additionalContext` is lost on `SessionEnd`, \
     `permissionDecision` on `PostToolUse`. Claude Code says nothing about it.",
);

/// Fields that stand inside `hookSpecificOutput`.
const INNER: &[&str] = &[
    "additionalContext",
    "permissionDecision",
    "permissionDecisionReason",
    "updatedInput",
    "hookEventName",
    "updatedToolOutput",
];

/// What may print an answer that is written out.
const WRITERS: Keys = PRINTERS.and(Keys::of(&["jq"]));

pub(super) fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let event = &subject.entry.event;
    let is_read = event.row().is_some() && event.answers().plain_text != PlainText::Verbatim;
    if !is_read || subject.entry.settings.background == Some(true) || !subject.may_run(WRITERS) {
        return;
    }
    subject.programs(|piece, simple, command, around| {
        if !matches!(around.streams.stdout, Stream::Own(1) | Stream::Unknown) {
            return;
        }
        let Some(text) = answer(simple, command) else { return };
        let is_sure = around.streams.stdout == Stream::Own(1);
        let place = Place { piece, span: command.span };
        match text.document() {
            Some(json) => {
                if let Ok(root) = Node::document(&json)
                    && (is_sure
                        || root.get("hookSpecificOutput").is_some()
                        || root.get("decision").is_some())
                {
                    judge(subject, &place, root, around, found);
                }
            }
            None if is_sure && !text.expands => {
                let message = "this looks like JSON and cannot be read as such".to_owned();
                let one = piece.home.found(&ANSWER_NOT_JSON, message, command.span);
                let one = one.help("print one object, with keys and texts in double quotes");
                found.push(match Node::document(&text.plain) {
                    Err(fault) => one.note(fault.message),
                    Ok(_) => one,
                });
            }
            None => {}
        }
    });
}

struct Place<'s> {
    piece: &'s Piece<'s>,
    span: Span,
}

impl Place<'_> {
    fn found(&self, rule: &'static Rule, message: String) -> Diagnostic {
        self.piece.home.found(rule, message, self.span)
    }
}

/// A text that is printed, with what is not known put in.
struct Answer {
    /// Expansions as a bare word.
    plain: String,
    /// Expansions as a JSON string.
    quoted: String,
    expands: bool,
}

impl Answer {
    fn of(make: impl Fn(&dyn Fn(&Part) -> String) -> String, expands: bool) -> Option<Self> {
        let plain = make(&|_| "x".to_owned());
        let shown = plain.trim();
        (shown.starts_with('{') && shown.ends_with('}')).then(|| Self {
            quoted: make(&|_| "\"x\"".to_owned()),
            plain,
            expands,
        })
    }

    fn document(&self) -> Option<String> {
        [&self.plain, &self.quoted].into_iter().find(|text| Node::document(text).is_ok()).cloned()
    }
}

fn expands(words: &[&Word]) -> bool {
    words.iter().any(|word| word.literal().is_none())
}

/// The JSON that a command prints, with a text for each value that is not known.
pub(super) fn printed_json(simple: &Simple, command: &Command) -> Option<String> {
    answer(simple, command)?.document()
}

/// What a command prints, if that looks like JSON.
fn answer(simple: &Simple, command: &Command) -> Option<Answer> {
    match simple.words.first()?.bare()? {
        "echo" => {
            let words: Vec<_> = simple.words[1..]
                .iter()
                .skip_while(|word| {
                    word.bare()
                        .is_some_and(|text| matches!(text, "-n" | "-e" | "-ne" | "-en" | "-E"))
                })
                .collect();
            let join = |value: &dyn Fn(&Part) -> String| {
                words.iter().map(|word| word.with(value)).collect::<Vec<_>>().join(" ")
            };
            Answer::of(join, expands(&words))
        }
        "printf" => {
            let format = simple.words.get(1)?;
            let rest: Vec<_> = simple.words[2..].iter().collect();
            let is_format = format.literal().is_some_and(|text| text.contains('{'));
            if is_format {
                let unknown = format.literal().is_some_and(|text| text.contains('%'));
                return Answer::of(|value| formatted(&format.with(value), value), unknown);
            }
            let join = |value: &dyn Fn(&Part) -> String| {
                rest.iter().map(|word| word.with(value)).collect()
            };
            Answer::of(join, expands(&rest))
        }
        "cat" if simple.words.len() == 1 => {
            let body =
                command.redirections.iter().find_map(|redirection| match &redirection.target {
                    Target::Document(body) => body.get(),
                    Target::Word(_) => None,
                })?;
            Answer::of(|value| body.with(value), expands(&[body]))
        }
        "jq" => {
            let jq = jq(simple)?;
            // What it makes out of nothing is all in the filter.
            let text = from_filter(&jq.filter)?;
            Answer::of(|_| text.clone(), true)
        }
        _ => None,
    }
}

/// What `printf` makes of a format.
fn formatted(format: &str, value: &dyn Fn(&Part) -> String) -> String {
    let unknown = value(&Part::Arithmetic);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => match rest.next() {
                Some('%') => text.push('%'),
                _ => text.push_str(&unknown),
            },
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                // `\\"` is how a quote in a string gets through.
                Some(c) => text.push(c),
                None => {}
            },
            c => text.push(c),
        }
    }
    text
}

/// An object constructor of `jq` as JSON; `None` for everything more clever.
fn from_filter(filter: &str) -> Option<String> {
    let filter = filter.trim();
    if !filter.starts_with('{') || !filter.ends_with('}') {
        return None;
    }
    let (mut json, mut rest) = (String::new(), filter.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                json.push('"');
                loop {
                    match rest.next()? {
                        '"' => break,
                        // An interpolation may hold anything.
                        '\\' if rest.peek() == Some(&'(') => return None,
                        '\\' => json.extend(['\\', rest.next()?]),
                        c => json.push(c),
                    }
                }
                json.push('"');
            }
            '$' => {
                while rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_').is_some() {}
                json.push_str("\"x\"");
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::from(c);
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                match name.as_str() {
                    "true" | "false" | "null" => json.push_str(&name),
                    _ => json.extend(["\"", &name, "\""]),
                }
            }
            c if c.is_whitespace() || c.is_ascii_digit() || "{}[]:,".contains(c) => json.push(c),
            _ => return None,
        }
    }
    Some(json)
}

fn judge(
    subject: &Subject<'_>,
    place: &Place<'_>,
    root: Node<'_>,
    around: &Around<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let (event, answers) = (&subject.entry.event, subject.entry.event.answers());
    let name = event.name_or_own(subject.entry.vocabulary);
    let is_of_many = asks_for_event(subject, place.piece);
    if let Some(specific) =
        root.get("hookSpecificOutput").filter(|node| node.kind() == JsonKind::Object)
    {
        let said = specific.get("hookEventName").and_then(|node| node.as_str());
        match said.as_deref() {
            None => {
                let message = "`hookSpecificOutput` needs `hookEventName`".to_owned();
                let one = place.found(&ANSWER_OF_ANOTHER_EVENT, message);
                found.push(one.help(format!("add \"hookEventName\": \"{name}\"")));
            }
            Some("x") => {}
            Some(other) if !event.names().contains(&other) => {
                if !is_of_many {
                    let message = format!("this answers `{other}`, and the event is `{name}`");
                    let one = place.found(&ANSWER_OF_ANOTHER_EVENT, message);
                    found.push(one.help(format!("write \"hookEventName\": \"{name}\"")));
                }
                return;
            }
            Some(_) => {}
        }
        specific_fields(place, specific, event, name, found);
    }
    if is_of_many && around.is_conditional {
        return;
    }
    top_fields(place, root, event, name, found);
    if let Some(decision) = root.get("decision").and_then(|node| node.as_str()) {
        match (decision.as_ref(), answers.refusal) {
            ("approve" | "block", Refusal::PermissionDecision) if name == "PreToolUse" => {
                let message = "`decision` is the old form on `PreToolUse`".to_owned();
                let one = place.found(&ANSWER_OLD_DECISION, message);
                let now = if decision == "block" { "deny" } else { "allow" };
                found.push(one.help(format!(
                    "write \"hookSpecificOutput\" with \"permissionDecision\": \"{now}\""
                )));
            }
            ("x", _) | ("block", Refusal::Block | Refusal::PermissionDecision) => {}
            ("approve", Refusal::Block) => {
                let message = "`\"decision\": \"approve\"` says nothing here".to_owned();
                found.push(place.found(&ANSWER_OLD_DECISION, message).help("leave it out"));
            }
            ("approve" | "block", _) => {
                let message = format!("`{name}` does not read `decision`");
                found.push(place.found(&ANSWER_FIELD_IGNORED, message));
            }
            (word, _) => {
                let message = format!("`decision` is never `{word}`: it is `block` or not there");
                found.push(place.found(&ANSWER_UNKNOWN_DECISION, message));
            }
        }
    }
}

/// Whether a script looks at the event's name, and so may answer each as it should be.
fn asks_for_event(subject: &Subject<'_>, piece: &Piece<'_>) -> bool {
    let texts =
        piece.script.and_then(|index| subject.scripts[index].text()).map(|file| file.text());
    texts.unwrap_or(subject.command()).contains("hook_event_name")
}

fn specific_fields(
    place: &Place<'_>,
    specific: Node<'_>,
    event: &Event,
    name: &str,
    found: &mut Vec<Diagnostic>,
) {
    let answers = event.answers();
    for member in specific.members() {
        let field = member.key.as_ref();
        let known = field == "hookEventName"
            || (field == "additionalContext" && answers.context)
            || answers.fields.contains(&field)
            || (field == "decision" && answers.refusal == Refusal::PermissionBehaviour);
        if !known {
            let message = format!("`{name}` does not read `hookSpecificOutput.{field}`");
            found.push(place.found(&ANSWER_FIELD_IGNORED, message));
            continue;
        }
        let said = match field {
            "permissionDecision" | "action" => member.value.as_str(),
            "decision" => member.value.get("behavior").and_then(|node| node.as_str()),
            _ => None,
        };
        if let Some(said) =
            said.filter(|said| said != "x" && !answers.decisions.contains(&said.as_ref()))
        {
            let all = answers.decisions.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
            let message = format!("`{field}` is never `{said}`");
            let one = place.found(&ANSWER_UNKNOWN_DECISION, message);
            found.push(one.help(format!("write one of {}", all.join(", "))));
        }
    }
}

fn top_fields(
    place: &Place<'_>,
    root: Node<'_>,
    event: &Event,
    name: &str,
    found: &mut Vec<Diagnostic>,
) {
    let answers = event.answers();
    for member in root.members() {
        let message = match member.key.as_ref() {
            field if INNER.contains(&field) => {
                let message = format!("`{field}` counts inside `hookSpecificOutput` only");
                let one = place.found(&ANSWER_FIELD_IGNORED, message);
                found.push(one.help(format!(
                    "write {{\"hookSpecificOutput\": {{\"hookEventName\": \"{name}\", \"{field}\": …}}}}"
                )));
                continue;
            }
            "systemMessage" if !answers.message => {
                format!("`{name}` does not show a `systemMessage`")
            }
            "continue" if !answers.stops && member.value.as_bool() == Some(false) => {
                format!("`\"continue\": false` has no effect on `{name}`")
            }
            _ => continue,
        };
        found.push(place.found(&ANSWER_FIELD_IGNORED, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_jq_become_json() {
        let cases = [
            (
                "{decision:\"block\", reason:$why}",
                Some("{\"decision\":\"block\", \"reason\":\"x\"}"),
            ),
            ("{a:{b:true,c:[1,null]}}", Some("{\"a\":{\"b\":true,\"c\":[1,null]}}")),
            ("{a:.x}", None),
            ("{a:\"b\\(.c)\"}", None),
            (".a", None),
        ];
        for (filter, json) in cases {
            assert_eq!(from_filter(filter).as_deref(), json, "{filter}");
        }
    }
}
