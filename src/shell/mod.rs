//! Shell lines and scripts as values: words, lists, compound commands, redirections.
//!
//! Reads what POSIX shells and bash have in common with what people write into hooks; does not run
//! or expand anything, and knows nothing of hooks. Invariants: a text that is not understood is
//! [`Unclear`], never a shorter script; every span lies in the text that was read; reading takes
//! no more than a bounded depth of stack, whatever the text is.

pub(crate) mod ends;
mod read;
#[cfg(test)]
mod tests;
pub(crate) mod walk;
mod words;

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use crate::source::Span;

pub(crate) use read::{read, read_as_one, read_within};

/// Where reading stopped, and that it did: the text is no script that we understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear {
    /// Byte offset.
    pub(crate) at: usize,
    /// A quote begins there and does not end: no shell reads that.
    pub(crate) is_unclosed: bool,
}

/// Commands one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct List(pub(crate) Vec<Item>);

/// One chain of a list.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) first: Pipeline,
    pub(crate) rest: Vec<(Join, Pipeline)>,
    /// It ends with `&`.
    pub(crate) is_background: bool,
}

/// What stands between two pipelines of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands side by side; one alone is a pipeline too.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    /// It begins with `!`.
    pub(crate) is_negated: bool,
    pub(crate) stages: Vec<Command>,
}

/// A command with what is redirected for it.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) kind: Kind,
    /// In the order in which they are applied.
    pub(crate) redirections: Vec<Redirection>,
    pub(crate) span: Span,
}

/// What a command is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Simple(Simple),
    /// `{ …; }`
    Group(List),
    /// `( … )`
    Subshell(List),
    If {
        /// Condition and body.
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    /// `while` and `until`.
    Loop {
        condition: List,
        body: List,
    },
    /// `for` and `select`.
    For {
        variable: String,
        words: Vec<Word>,
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<Arm>,
    },
    Function {
        name: String,
        body: Box<Command>,
    },
    /// `[[ … ]]`
    Test(Vec<Word>),
    /// `(( … ))`
    Arithmetic(String),
}

/// Assignments, a program and its arguments; each may be missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simple {
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) words: Vec<Word>,
}

#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    /// One word, or the words of an array.
    pub(crate) values: Vec<Word>,
    pub(crate) is_array: bool,
}

/// One way of a `case`.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) patterns: Vec<Word>,
    pub(crate) body: List,
}

#[derive(Clone, Debug)]
pub(crate) struct Redirection {
    /// The descriptor that is redirected; `None`: both stdout and stderr (`&>`).
    pub(crate) descriptor: Option<u32>,
    pub(crate) operator: Operator,
    pub(crate) target: Target,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `<`
    In,
    /// `>` and `>|`
    Out,
    /// `>>`
    Append,
    /// `>&` and `<&`
    Duplicate,
    /// `<>`
    Both,
    /// `<<`, `<<-`
    Document,
    /// `<<<`
    Text,
}

#[derive(Clone, Debug)]
pub(crate) enum Target {
    Word(Word),
    /// The text of a here-document, known once its lines have been read.
    Document(Arc<OnceLock<Word>>),
}

/// A word, or the text of a here-document.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) parts: Vec<Part>,
    pub(crate) span: Span,
}

/// How a part of a word is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// Its value is split into words and its globs are expanded.
    None,
    Single,
    Double,
}

#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Text that means itself; with [`Quote::None`] it may hold globs.
    Text {
        text: String,
        quote: Quote,
        span: Span,
    },
    Variable(Variable),
    /// `$(…)` and backticks.
    Command {
        list: List,
    },
    /// `<(…)` and `>(…)`
    Process {
        list: List,
        span: Span,
    },
    /// `$((…))`: always a number.
    Arithmetic,
}

/// `$x`, `${x}`, `${x:-y}`, `$1`, `$?`.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) quote: Quote,
    pub(crate) operation: Operation,
    /// What stands behind the operator.
    pub(crate) operand: Vec<Part>,
    pub(crate) is_braced: bool,
    pub(crate) span: Span,
}

/// What `${…}` does with a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Value,
    /// `:-`, `-`
    Default,
    /// `:=`, `=`
    Assign,
    /// `:?`, `?`
    Require,
    /// `:+`, `+`
    Alternative,
    /// Cutting, replacing, length, indirection.
    Other,
}

impl Word {
    /// The word without its quotes, if nothing of it has to be expanded.
    pub(crate) fn literal(&self) -> Option<Cow<'_, str>> {
        if let [Part::Text { text, .. }] = self.parts.as_slice() {
            return Some(Cow::Borrowed(text));
        }
        let mut whole = String::new();
        for part in &self.parts {
            match part {
                Part::Text { text, .. } => whole.push_str(text),
                _ => return None,
            }
        }
        Some(Cow::Owned(whole))
    }

    /// The word without its quotes; what would be expanded is asked of `value`.
    pub(crate) fn with(&self, value: &dyn Fn(&Part) -> String) -> String {
        let mut whole = String::new();
        self.write(&mut whole, value);
        whole
    }

    /// The same, at the end of a text.
    pub(crate) fn write(&self, whole: &mut String, value: &dyn Fn(&Part) -> String) {
        for part in &self.parts {
            match part {
                Part::Text { text, .. } => whole.push_str(text),
                other => whole.push_str(&value(other)),
            }
        }
    }

    /// Every variable in it, also behind the operators of others.
    pub(crate) fn variables(&self) -> Vec<&Variable> {
        let mut found = Vec::new();
        variables(&self.parts, &mut found);
        found
    }

    /// The word if it is written without quotes and expansions.
    pub(crate) fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quote: Quote::None, .. }] => Some(text),
            _ => None,
        }
    }
}

impl Variable {
    /// The value as it is, not split into words.
    pub(crate) fn quoted(name: &str, span: Span) -> Self {
        Self {
            name: name.to_owned(),
            quote: Quote::Double,
            operation: Operation::Value,
            operand: Vec::new(),
            is_braced: true,
            span,
        }
    }
}

impl Command {
    /// The words of the command itself: not those of commands inside of it.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Word> {
        let (assignments, word, words, arms): (&[_], _, &[_], &[_]) = match &self.kind {
            Kind::Simple(simple) => (&simple.assignments, None, &simple.words, &[]),
            Kind::For { words, .. } | Kind::Test(words) => (&[], None, words, &[]),
            Kind::Case { word, arms } => (&[], Some(word), &[], arms),
            _ => (&[], None, &[], &[]),
        };
        let values = assignments.iter().flat_map(|assignment: &Assignment| &assignment.values);
        let patterns = arms.iter().flat_map(|arm: &Arm| &arm.patterns);
        let targets =
            self.redirections.iter().filter_map(|redirection| match &redirection.target {
                Target::Word(word) => Some(word),
                Target::Document(body) => body.get(),
            });
        values.chain(word).chain(words).chain(patterns).chain(targets)
    }

    pub(crate) fn simple(&self) -> Option<&Simple> {
        match &self.kind {
            Kind::Simple(simple) => Some(simple),
            _ => None,
        }
    }
}

impl Simple {
    /// The name of the program, without its directory, if it is literal.
    pub(crate) fn program(&self) -> Option<Cow<'_, str>> {
        let name = |path: &str| path.bytes().rposition(|byte| byte == b'/').map_or(0, |at| at + 1);
        Some(match self.words.first()?.literal()? {
            Cow::Borrowed(path) => Cow::Borrowed(&path[name(path)..]),
            Cow::Owned(path) => Cow::Owned(path[name(&path)..].to_owned()),
        })
    }

    /// The literal text of a word; the program is word 0.
    pub(crate) fn literal(&self, index: usize) -> Option<Cow<'_, str>> {
        self.words.get(index)?.literal()
    }
}

fn variables<'p>(parts: &'p [Part], found: &mut Vec<&'p Variable>) {
    for part in parts {
        if let Part::Variable(variable) = part {
            found.push(variable);
            variables(&variable.operand, found);
        }
    }
}

impl Item {
    /// All pipelines of the chain.
    pub(crate) fn pipelines(&self) -> impl Iterator<Item = &Pipeline> {
        std::iter::once(&self.first).chain(self.rest.iter().map(|(_, pipeline)| pipeline))
    }
}
