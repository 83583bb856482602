//! From the bytes of one hook file to entries, forgivingly: what can be understood is taken, what
//! cannot is left out, and neither happens without a word.
//!
//! Does not know which files there are (`locate`) nor how entries meet (`merge`). Invariants: a
//! broken entry costs only itself; every entry that is left out has an error, every shape that
//! is forgiven a warning; with [`Want::Event`] the values of other events stay unopened.

mod dialect;
mod document;
mod fields;
mod group;
mod handler;
mod integration;
mod matcher;
mod name;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use dialect::explain_fault;
pub(crate) use name::{advice, proper_name};

use super::{integration::Integration, rules};
use crate::{
    diag::{Diagnostic, Rule},
    json::{Member, Node, pointer::Trail},
    model::{
        Event, Processor,
        hook::Entry,
        origin::{Layer, Origin},
    },
    source::{SourceFile, Span},
};

/// Every field of handlers and groups that is read, for advice; some stand in both.
pub(crate) fn known_fields() -> impl Iterator<Item = &'static str> {
    group::FIELDS.iter().copied().chain(handler::fields())
}

/// How much of a file is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want<'e> {
    /// Only the entries of one event, and no hints: what `dispatch` needs.
    Event(&'e Event),
    All,
}

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Belongs {
    pub(crate) layer: Layer,
    /// The processor whose file it is; `None` where it belongs to both.
    pub(crate) owner: Option<Processor>,
}

/// What one file says.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// In the order of the text.
    pub(crate) entries: Vec<Entry>,
    pub(crate) integration: Integration,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads one file.
pub(crate) fn read(source: &Arc<SourceFile>, belongs: Belongs, want: Want<'_>) -> Read {
    let mut reader = Reader {
        source,
        belongs,
        want,
        entries: Vec::new(),
        integration: Integration::default(),
        diagnostics: Vec::new(),
    };
    let root = match want {
        Want::All => Node::indexed(source),
        Want::Event(_) => Node::of_file(source),
    };
    match root {
        Ok(node) => reader.document(&Spot { node, trail: Trail::Root }),
        Err(fault) => reader.diagnostics.push(dialect::explain_fault(source, &fault)),
    }
    Read {
        entries: reader.entries,
        integration: reader.integration,
        diagnostics: reader.diagnostics,
    }
}

/// A value and the way to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'s> {
    pub(super) node: Node<'s>,
    trail: Trail<'s>,
}

impl<'s> Spot<'s> {
    pub(super) fn member(&'s self, member: &'s Member<'s>) -> Self {
        Self { node: member.value, trail: self.trail.key(&member.key) }
    }

    pub(super) fn items(&'s self) -> impl Iterator<Item = Self> {
        let place = |(index, node)| Self { node, trail: self.trail.item(index) };
        self.node.each_item().enumerate().map(place)
    }

    fn span(&self) -> Span {
        self.node.span()
    }

    pub(super) fn pointer(&self) -> String {
        self.trail.pointer()
    }
}

/// One file while it is read.
struct Reader<'f> {
    source: &'f Arc<SourceFile>,
    belongs: Belongs,
    want: Want<'f>,
    entries: Vec<Entry>,
    integration: Integration,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// The vocabulary in which a name that says nothing about it is understood.
    fn vocabulary(&self) -> Processor {
        self.belongs.owner.unwrap_or(Processor::ClaudeCode)
    }

    /// Whether hints are wanted too.
    fn is_thorough(&self) -> bool {
        matches!(self.want, Want::All)
    }

    fn wants(&self, event: &Event) -> bool {
        match self.want {
            Want::All => true,
            Want::Event(wanted) => wanted == event || is_same_unknown(wanted, event),
        }
    }

    fn at(&self, rule: &'static Rule, message: impl Into<String>, spot: &Spot<'_>) -> Diagnostic {
        Diagnostic::new(rule, message).at(self.source, spot.span(), spot.pointer())
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn origin(&self, spot: &Spot<'_>) -> Origin {
        Origin {
            layer: self.belongs.layer,
            owner: self.belongs.owner,
            file: Arc::clone(self.source),
            span: spot.span(),
            pointer: spot.pointer(),
        }
    }
}

/// A name that no table has means the same whoever fires it.
fn is_same_unknown(a: &Event, b: &Event) -> bool {
    matches!((a, b), (Event::Unknown { name: a, .. }, Event::Unknown { name: b, .. }) if a == b)
}
