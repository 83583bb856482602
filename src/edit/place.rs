//! Where in a text an entry stands, and whether it can be edited there.
//!
//! Does not edit. Invariant: a pointer that is given out names one value of the text, not one of
//! several with the same key.

use std::sync::Arc;

use crate::{
    diag::Diagnostic,
    json::{Fault, Kind, Node, edit::Draft, pointer},
    model::{Event, Processor, event::Spelling, hook::Entry},
    source::{SourceFile, Span},
};

use super::{Error, NOT_EDITABLE};

/// An entry's place in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Of the handler, or of the bare string.
    pub(super) pointer: String,
    /// Of the group that it stands in; the same where it stands in place of one.
    pub(super) group: String,
}

impl Place {
    /// Whether it stands in the place of a group.
    pub(super) fn is_flat(&self) -> bool {
        self.pointer == self.group
    }
}

/// A file whose text is a document.
pub(super) fn open(source: &Arc<SourceFile>) -> Result<Draft, Error> {
    let is_blank = source.text().trim_matches(['\u{feff}', ' ', '\n', '\r', '\t']).is_empty();
    let text = if is_blank { EMPTY } else { source.text() };
    Draft::new(text).map_err(|fault| no_json(source, &fault))
}

/// What a hook file begins with.
const EMPTY: &str = "{}\n";

fn no_json(source: &Arc<SourceFile>, fault: &Fault) -> Error {
    let message = format!("invalid JSON: {}", fault.message);
    let found = Diagnostic::new(&NOT_EDITABLE, message)
        .at(source, Span::new(fault.at, fault.at), "")
        .help("correct it first; `cph lint` tells more");
    Error::Refused(Box::new(found))
}

pub(super) fn refused(
    source: &Arc<SourceFile>,
    span: Span,
    at: &str,
    message: impl Into<String>,
    help: &str,
) -> Error {
    let found = Diagnostic::new(&NOT_EDITABLE, message).at(source, span, at).help(help);
    Error::Refused(Box::new(found))
}

/// Finds an entry that was read from this very text.
pub(super) fn find(
    source: &Arc<SourceFile>,
    root: Node<'_>,
    entry: &Entry,
) -> Result<Place, Error> {
    let at = &entry.origin.pointer;
    unique(source, root, at)?;
    let node = pointer::find(root, at).filter(|node| node.span() == entry.origin.span);
    if node.is_none() {
        let help = "write each key once; `cph lint` shows the places";
        return Err(refused(source, entry.origin.span, at, "this entry cannot be named", help));
    }
    Ok(Place { pointer: at.clone(), group: group_of(at) })
}

/// Refuses a pointer on whose way a key stands twice: which one counts depends on the reader.
pub(super) fn unique(source: &Arc<SourceFile>, root: Node<'_>, at: &str) -> Result<(), Error> {
    let mut node = root;
    let mut here = String::new();
    for step in at.split('/').skip(1) {
        let key = step.replace("~1", "/").replace("~0", "~");
        if node.kind() == Kind::Object {
            let members = node.members();
            let mut same = members.iter().filter(|member| member.key == key);
            if let (Some(_), Some(second)) = (same.next(), same.next()) {
                let message = format!("`{key}` stands here a second time");
                let at = pointer::join(&here, &key);
                let help = "join the two first: readers differ in which one counts";
                return Err(refused(source, second.key_span, &at, message, help));
            }
        }
        here = format!("{here}/{step}");
        let Some(next) = pointer::find(root, &here) else { return Ok(()) };
        node = next;
    }
    Ok(())
}

/// The group of a handler: what stands before its `hooks`, unless that is the outermost one.
fn group_of(at: &str) -> String {
    let steps: Vec<_> = at.split('/').skip(1).collect();
    let inner = steps.iter().rposition(|step| *step == "hooks").filter(|index| {
        // The handler itself, or an item of the list.
        *index > 0 && steps.len() - index <= 2
    });
    match inner {
        Some(index) => steps[..index].iter().fold(String::new(), |at, step| format!("{at}/{step}")),
        None => at.to_owned(),
    }
}

/// Where the events of a document stand: below `hooks`, or at the top where it has them there.
pub(super) fn base(source: &Arc<SourceFile>, root: Node<'_>) -> Result<&'static str, Error> {
    if root.kind() != Kind::Object {
        let message = format!("a hook file is an object, but this is {}", root.kind());
        return Err(refused(source, root.span(), "", message, SHAPE));
    }
    unique(source, root, "/hooks")?;
    match root.get("hooks") {
        Some(hooks) if hooks.kind() == Kind::Object => Ok("/hooks"),
        Some(hooks) => {
            let message = format!("`hooks` is {}, but must be an object", hooks.kind());
            Err(refused(source, hooks.span(), "/hooks", message, SHAPE))
        }
        None if root.members().iter().any(|member| is_event(&member.key)) => Ok(""),
        None => Ok("/hooks"),
    }
}

fn is_event(key: &str) -> bool {
    Event::named(key, Processor::ClaudeCode).1 != Spelling::Unknown
}

/// The pointer of an event's array, there or not.
pub(super) fn event_array(
    source: &Arc<SourceFile>,
    root: Node<'_>,
    event: &str,
) -> Result<String, Error> {
    let at = pointer::join(base(source, root)?, event);
    unique(source, root, &at)?;
    match pointer::find(root, &at) {
        Some(node) if node.kind() != Kind::Array => {
            let message = format!("`{event}` holds {}, but must be an array", node.kind());
            Err(refused(source, node.span(), &at, message, "put it between `[` and `]`"))
        }
        _ => Ok(at),
    }
}

const SHAPE: &str = "write {\"hooks\": {\"EVENT\": [...]}} first";

/// The pointer of the parent, and the last step.
pub(super) fn parent(at: &str) -> (&str, &str) {
    at.rsplit_once('/').unwrap_or(("", at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_told_from_pointers() {
        for (at, group) in [
            ("/hooks/Stop/0/hooks/1", "/hooks/Stop/0"),
            ("/hooks/Stop/0/hooks", "/hooks/Stop/0"),
            ("/hooks/Stop/0", "/hooks/Stop/0"),
            ("/hooks/Stop", "/hooks/Stop"),
            ("/hooks/Stop/hooks/0", "/hooks/Stop"),
            ("/Stop/0/hooks/0", "/Stop/0"),
            ("/Stop/hooks/0", "/Stop"),
            ("/Stop/0", "/Stop/0"),
            ("/hooks/3", "/hooks/3"),
            ("/hooks/3/hooks/0", "/hooks/3"),
            ("/3", "/3"),
        ] {
            assert_eq!(group_of(at), group, "{at}");
        }
    }
}
