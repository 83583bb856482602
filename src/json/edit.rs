//! Changes to JSON text by splicing: what is not changed keeps its very bytes.
//!
//! Does not know what the values mean. Invariants: a [`Draft`] is always a valid document; an
//! edit touches only the container it is asked to change, in the style that the file already has
//! (indentation, line endings, one-line objects); of duplicate keys the last is the one that
//! counts, as for every common parser.

mod style;

use std::{cell::OnceCell, ops::Range};

use crate::source::{Part, SourceFile, Span};

use super::{Fault, Kind, Node, parts, pointer};
use style::{Layout, Style};

/// A JSON document that is being edited.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    text: String,
    style: Style,
    /// Where the values of the text are, since somebody asked; `None` within: too long for that.
    parts: OnceCell<Option<Vec<Part>>>,
}

/// An edit that the document does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("`{pointer}` is {found}, not {wanted}")]
    WrongKind { pointer: String, found: Kind, wanted: Kind },
    #[error("there is nothing at `{pointer}`")]
    Missing { pointer: String },
    #[error("the new value for `{pointer}` is no JSON: {message}")]
    BadValue { pointer: String, message: String },
}

/// The direct children of a container, as spans.
struct Container {
    kind: Kind,
    /// Offset behind the opening bracket.
    open: usize,
    /// Offset of the closing bracket.
    close: usize,
    children: Vec<Child>,
    layout: Layout,
}

/// One member or item; an item has no key, so that the first three are the same.
#[derive(Clone, Copy)]
struct Child {
    start: usize,
    key_end: usize,
    value: usize,
    end: usize,
}

impl Draft {
    pub(crate) fn new(text: impl Into<String>) -> Result<Self, Fault> {
        let text = text.into();
        let parts = parts::read(&text);
        let root = match &parts {
            Some(parts) => Node::of_parts(&text, parts),
            None => Node::document(&text)?,
        };
        let style = Style::of(root, &text);
        Ok(Self { text, style, parts: parts.into() })
    }

    /// A draft of what a file holds; `None` where it is no document.
    pub(crate) fn of_file(file: &SourceFile) -> Option<Self> {
        let root = Node::indexed(file).ok()?;
        let (text, style) = (file.text().to_owned(), Style::of(root, file.text()));
        Some(Self { text, style, parts: file.known_parts().map(<[_]>::to_vec).into() })
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// The document as it stands now.
    pub(crate) fn root(&self) -> Node<'_> {
        match self.parts.get_or_init(|| parts::read(&self.text)) {
            Some(parts) => Node::of_parts(&self.text, parts),
            None => Node::document(&self.text).expect("BUG: an edit left broken JSON"),
        }
    }

    /// The value that a pointer names.
    pub(crate) fn find(&self, pointer: &str) -> Option<Node<'_>> {
        pointer::find(self.root(), pointer)
    }

    /// Gives a member of an object a value (JSON text), in place of what it has or behind the
    /// last member. Objects on the way that are missing are made.
    pub(crate) fn set(&mut self, pointer: &str, value: &str) -> Result<(), Refused> {
        check(pointer, value)?;
        if let Some(old) = self.find(pointer) {
            let span = old.span();
            let layout = self.layout_of(pointer);
            let new = self.style.render(value, &layout);
            self.replace(span.range(), &new);
            return Ok(());
        }
        let (parent, key) = split(pointer);
        if self.find(parent).is_none() {
            let nested = format!("{{{}:{value}}}", quoted(&key));
            return self.set(parent, &nested);
        }
        let container = self.container(parent, Kind::Object)?;
        let member = self.member(&container, &key, value);
        self.put(&container, container.children.len(), &member);
        Ok(())
    }

    /// Puts an item (JSON text) into an array, before the item that has the index now; an index
    /// past the end appends. A missing array is made.
    pub(crate) fn insert(
        &mut self,
        pointer: &str,
        index: usize,
        value: &str,
    ) -> Result<(), Refused> {
        check(pointer, value)?;
        if self.find(pointer).is_none() {
            return self.set(pointer, &format!("[{value}]"));
        }
        let container = self.container(pointer, Kind::Array)?;
        let item = self.style.render(value, &container.layout);
        self.put(&container, index.min(container.children.len()), &item);
        Ok(())
    }

    /// As [`Self::insert`], with the blanks that the item has: for one that stood at the same depth
    /// of the same document. The array must be there.
    pub(crate) fn insert_as_written(
        &mut self,
        pointer: &str,
        index: usize,
        value: &str,
    ) -> Result<(), Refused> {
        check(pointer, value)?;
        let container = self.container(pointer, Kind::Array)?;
        self.put(&container, index.min(container.children.len()), value);
        Ok(())
    }

    /// Appends an item (JSON text) to an array; a missing array is made.
    pub(crate) fn push(&mut self, pointer: &str, value: &str) -> Result<(), Refused> {
        self.insert(pointer, usize::MAX, value)
    }

    /// Takes a member or an item out. All members of that key go: with only the last gone an
    /// earlier one, which nobody saw, would come to life.
    pub(crate) fn remove(&mut self, pointer: &str) -> Result<(), Refused> {
        if pointer.is_empty() || self.find(pointer).is_none() {
            return Err(Refused::Missing { pointer: pointer.to_owned() });
        }
        let (parent, step) = split(pointer);
        let node = self.find(parent).expect("BUG: a child without its parent");
        if node.kind() == Kind::Object {
            return self.remove_members(parent, |key| key == step);
        }
        let index = step.parse().expect("BUG: an item without an index");
        let mut list = self.container(parent, Kind::Array)?;
        self.cut(&mut list, index);
        Ok(())
    }

    /// Takes members out of an object by their keys.
    pub(crate) fn remove_members(
        &mut self,
        pointer: &str,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<(), Refused> {
        let mut object = self.container(pointer, Kind::Object)?;
        let members = self.find(pointer).into_iter().flat_map(|node| node.each_member());
        let meant = members.enumerate().filter(|(_, member)| is_meant(&member.key));
        let places: Vec<_> = meant.map(|(index, _)| index).collect();
        for index in places.into_iter().rev() {
            self.cut(&mut object, index);
        }
        Ok(())
    }

    /// The container at a pointer, with the layout that a child of it has or would have.
    fn container(&self, pointer: &str, wanted: Kind) -> Result<Container, Refused> {
        let Some(node) = self.find(pointer) else {
            return Err(Refused::Missing { pointer: pointer.to_owned() });
        };
        if node.kind() != wanted {
            let (pointer, found) = (pointer.to_owned(), node.kind());
            return Err(Refused::WrongKind { pointer, found, wanted });
        }
        let children = children(node);
        let (open, close) = (node.span().start + 1, node.span().end - 1);
        let layout = match children.last() {
            Some(last) => {
                let before = children.iter().rev().nth(1).map_or(open, |child| child.end);
                Layout::seen(&self.text[before..last.start], &self.style, children.len() > 1)
            }
            None if pointer.is_empty() => self.style.outermost(),
            None => self.layout_of(pointer).deeper(&self.style),
        };
        Ok(Container { kind: wanted, open, close, children, layout })
    }

    /// How the value at a pointer is laid out: as a child of its parent.
    fn layout_of(&self, pointer: &str) -> Layout {
        if pointer.is_empty() {
            return self.style.root();
        }
        let (parent, _) = split(pointer);
        let kind = self.find(parent).map_or(Kind::Object, |node| node.kind());
        self.container(parent, kind).map_or_else(|_| self.style.root(), |found| found.layout)
    }

    fn member(&self, container: &Container, key: &str, value: &str) -> String {
        let colon = match container.children.last() {
            Some(last) => self.colon_of(*last),
            None => self.style.colon(),
        };
        let value = self.style.render(value, &container.layout);
        format!("{}{colon}{value}", quoted(key))
    }

    /// What stands between key and value of a member, unless it runs over a line.
    fn colon_of(&self, member: Child) -> &str {
        let colon = &self.text[member.key_end..member.value];
        if colon.contains('\n') { self.style.colon() } else { colon }
    }

    fn put(&mut self, container: &Container, index: usize, new: &str) {
        let separator = container.layout.separator().concat();
        let (at, text) = match (container.children.get(index), container.children.last()) {
            (Some(next), _) => (next.start..next.start, format!("{new},{separator}")),
            (None, Some(last)) => (last.end..last.end, format!(",{separator}{new}")),
            (None, None) => {
                let end = self.style.end_of(&container.layout, container.kind).concat();
                let start = self.style.start_of(&container.layout, container.kind).concat();
                (container.open..container.close, format!("{start}{new}{end}"))
            }
        };
        self.replace(at, &text);
    }

    /// Takes a child out; of the container only what stands before it is known afterwards.
    fn cut(&mut self, container: &mut Container, index: usize) {
        let child = container.children[index];
        let next = container.children.get(index + 1);
        let range = match (index.checked_sub(1), next) {
            (_, Some(next)) => child.start..next.start,
            (Some(previous), None) => container.children[previous].end..child.end,
            (None, None) => container.open..container.close,
        };
        // The next one stands where this one stood.
        container.children.truncate(index + usize::from(next.is_some()));
        container.close -= range.len();
        self.replace(range, "");
    }

    /// The only way in which the text changes.
    fn replace(&mut self, range: Range<usize>, new: &str) {
        self.text.replace_range(range, new);
        self.parts.take();
    }
}

fn children(node: Node<'_>) -> Vec<Child> {
    if node.kind() == Kind::Object {
        let child = |member: super::Member<'_>| Child {
            start: member.key_span.start,
            key_end: member.key_span.end,
            value: member.value.span().start,
            end: member.value.span().end,
        };
        return node.members().into_iter().map(child).collect();
    }
    let child = |Span { start, end }| Child { start, key_end: start, value: start, end };
    node.items().iter().map(|item| child(item.span())).collect()
}

fn check(pointer: &str, value: &str) -> Result<(), Refused> {
    match Node::document(value) {
        Ok(_) => Ok(()),
        Err(fault) => {
            Err(Refused::BadValue { pointer: pointer.to_owned(), message: fault.message })
        }
    }
}

/// The pointer of the parent, and the last step.
fn split(pointer: &str) -> (&str, String) {
    let (parent, step) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    (parent, step.replace("~1", "/").replace("~0", "~"))
}

/// A string as JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
