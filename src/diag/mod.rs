//! What is wrong with a user's text, as values; the renderers stand beside.
//!
//! Does not decide what is a fault, and prints nothing. Invariant: reading never stops at the
//! first fault; faults are collected and the good part is returned beside them.

mod fix;
pub(crate) mod render;
mod rule;

use std::sync::Arc;

pub(crate) use fix::{Edit, Fix};
pub(crate) use rule::{Rule, Severity};

use crate::source::{SourceFile, Span};

/// One finding, at a place of a text if it has one.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub(crate) rule: &'static Rule,
    /// As the rule has it, unless the configuration says otherwise.
    pub(crate) severity: Severity,
    /// What is wrong: lower case, present tense, no full stop, names in backticks.
    pub(crate) message: String,
    pub(crate) place: Option<Place>,
    /// What stands beside the carets.
    pub(crate) label: Option<String>,
    /// What follows from it, what else is known.
    pub(crate) notes: Vec<String>,
    /// Other places that belong to it, each with what it is.
    pub(crate) related: Vec<(Place, String)>,
    /// What to do.
    pub(crate) help: Option<String>,
    /// What to do, as a change that loses nothing.
    pub(crate) fix: Option<Fix>,
}

/// A place of a text that the reader should look at.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) span: Span,
    /// JSON Pointer of the value; empty for the whole document or where there is none.
    pub(crate) pointer: String,
}

impl Diagnostic {
    pub(crate) fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message: message.into(),
            place: None,
            label: None,
            notes: Vec::new(),
            related: Vec::new(),
            help: None,
            fix: None,
        }
    }

    #[must_use]
    pub(crate) fn at(mut self, file: &Arc<SourceFile>, span: Span, pointer: &str) -> Self {
        self.place = Some(Place { file: Arc::clone(file), span, pointer: pointer.to_owned() });
        self
    }

    #[must_use]
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Another place that belongs to the finding.
    #[must_use]
    pub(crate) fn related(mut self, place: Place, what: impl Into<String>) -> Self {
        self.related.push((place, what.into()));
        self
    }

    #[must_use]
    pub(crate) fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// `file:line:column: message`, for places where one line is all there is.
    pub(crate) fn one_line(&self) -> String {
        match &self.place {
            Some(place) => {
                let at = place.file.position(place.span.start);
                let path = place.file.path().display();
                format!("{path}:{}:{}: {}", at.line, at.column, self.message)
            }
            None => self.message.clone(),
        }
    }

    fn sort_key(&self) -> (Option<(&std::path::Path, usize)>, &'static str, &str) {
        let place = self.place.as_ref().map(|p| (p.file.path(), p.span.start));
        (place, self.rule.name, &self.message)
    }
}

/// Sorts by file, place and rule, so that no output depends on the order of work.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
}
