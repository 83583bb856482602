//! What could not be done, with what to do about it.

use std::fmt::Display;

use super::{
    exit::Exit,
    output::{BAD, DIM, Output, styled},
};

/// A command that could not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    /// What went wrong: lower case, no full stop, names the file.
    message: String,
    /// What led to it, outermost first.
    causes: Vec<String>,
    /// What to do.
    hints: Vec<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// Something that the system or the environment did not let us do.
    pub(super) fn of(error: &dyn std::error::Error) -> Self {
        let mut failure = Self::new(Exit::Failed, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            failure.causes.push(cause.to_string());
            source = cause.source();
        }
        failure
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Prints it; gives the exit code.
    pub(super) fn tell(self, output: &Output) -> Exit {
        output.complain(format_args!("{}: {}", styled(BAD, "error"), self.message));
        for cause in &self.causes {
            // Many errors repeat their source in their own sentence.
            if !self.message.contains(cause.as_str()) {
                output.complain(format_args!("  {} {cause}", styled(DIM, "caused by:")));
            }
        }
        for hint in &self.hints {
            output.complain(format_args!("  {} {hint}", styled(DIM, "hint:")));
        }
        self.exit
    }
}

impl<E: Display + std::error::Error> From<&E> for Failure {
    fn from(error: &E) -> Self {
        Self::of(error)
    }
}
