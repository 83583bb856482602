//! What is wrong with a user's text, as values; the renderers stand beside.
//!
//! Does not decide what is a fault, and prints nothing. Invariant: reading never stops at the
//! first fault; faults are collected and the good part is returned beside them.

mod fix;
pub(crate) mod render;
mod rule;

use std::{cmp::Ordering, sync::Arc};

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
    /// All of that as it goes to a reader, where that was wanted when it was found.
    pub(crate) written: Option<Vec<u8>>,
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
            written: None,
        }
    }

    #[must_use]
    pub(crate) fn at(
        mut self,
        file: &Arc<SourceFile>,
        span: Span,
        pointer: impl Into<String>,
    ) -> Self {
        self.place = Some(Place { file: Arc::clone(file), span, pointer: pointer.into() });
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

    /// By file, place, rule and message.
    fn order(&self, other: &Self) -> Ordering {
        let place = match (&self.place, &other.place) {
            (Some(a), Some(b)) => a.order(b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        place
            .then_with(|| self.rule.name.cmp(other.rule.name))
            .then_with(|| self.message.cmp(&other.message))
    }
}

impl Place {
    fn order(&self, other: &Self) -> Ordering {
        // Most neighbours are of one file, and paths are long.
        let file = if Arc::ptr_eq(&self.file, &other.file) {
            Ordering::Equal
        } else {
            self.file.path().cmp(other.file.path())
        };
        file.then_with(|| self.span.start.cmp(&other.span.start))
    }
}

/// Sorts by file, place and rule, so that no output depends on the order of work.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(Diagnostic::order);
}
