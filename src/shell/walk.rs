//! Every command of a script in the order of the text, with what it reads from and writes to.
//!
//! Does not follow control flow: what may never run is visited too. Invariant: where a stream
//! leads is either certain or [`Stream::Unknown`].

use super::{Command, Item, Kind, List, Operator, Part, Redirection, Simple, Target, Word};

/// Where a descriptor of a command leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// What the script itself was started with: 0, 1 or 2.
    Own(u32),
    /// Another command of the script.
    Pipe,
    /// A substitution takes it.
    Captured,
    /// `/dev/null`, or closed.
    Nothing,
    File,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) stdin: Stream,
    pub(crate) stdout: Stream,
    pub(crate) stderr: Stream,
}

/// What is around a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'s> {
    pub(crate) streams: Streams,
    /// The function in whose body it stands.
    pub(crate) function: Option<&'s str>,
    /// It may run more than once or not at all: loops, conditions, functions.
    pub(crate) is_conditional: bool,
    /// It runs beside what follows: `&`.
    pub(crate) is_background: bool,
    /// The list in which it stands, and its place there.
    pub(crate) list: &'s List,
    pub(crate) item: usize,
    /// How many pipelines of its chain stand before it.
    pub(crate) link: usize,
}

impl<'s> Around<'s> {
    pub(crate) fn chain(&self) -> &'s Item {
        &self.list.0[self.item]
    }
}

/// Visits every command, compound ones before what is in them.
pub(crate) fn walk<'s>(script: &'s List, visit: &mut dyn FnMut(&'s Command, &Around<'s>)) {
    let (stdin, stdout, stderr) = (Stream::Own(0), Stream::Own(1), Stream::Own(2));
    let start = Around {
        streams: Streams { stdin, stdout, stderr },
        function: None,
        is_conditional: false,
        is_background: false,
        list: script,
        item: 0,
        link: 0,
    };
    Walk { visit }.list(script, start);
}

struct Walk<'v, 's> {
    visit: &'v mut dyn FnMut(&'s Command, &Around<'s>),
}

impl<'s> Walk<'_, 's> {
    fn list(&mut self, list: &'s List, mut around: Around<'s>) {
        around.list = list;
        for (index, item) in list.0.iter().enumerate() {
            around.item = index;
            self.item(item, &mut around);
        }
    }

    fn item(&mut self, item: &'s Item, around: &mut Around<'s>) {
        for (link, pipeline) in item.pipelines().enumerate() {
            let last = pipeline.stages.len() - 1;
            for (index, stage) in pipeline.stages.iter().enumerate() {
                let mut inner = Around { link, ..*around };
                inner.is_conditional |= link > 0;
                inner.is_background |= item.is_background;
                if index > 0 {
                    inner.streams.stdin = Stream::Pipe;
                }
                if index < last {
                    inner.streams.stdout = Stream::Pipe;
                }
                self.command(stage, &mut inner);
                // `exec >&2` counts for all that follows.
                if last == 0 && is_bare_exec(stage) {
                    around.streams = inner.streams;
                }
            }
        }
    }

    fn command(&mut self, command: &'s Command, around: &mut Around<'s>) {
        for redirection in &command.redirections {
            apply(redirection, &mut around.streams);
        }
        (self.visit)(command, around);
        for redirection in &command.redirections {
            match &redirection.target {
                Target::Word(word) => self.word(word, around),
                Target::Document(body) => {
                    if let Some(word) = body.get() {
                        self.word(word, around);
                    }
                }
            }
        }
        let inner = Around { is_conditional: true, ..*around };
        match &command.kind {
            Kind::Simple(simple) => self.simple(simple, around),
            Kind::Group(list) | Kind::Subshell(list) => self.list(list, *around),
            Kind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    self.list(condition, *around);
                    self.list(body, inner);
                }
                if let Some(list) = otherwise {
                    self.list(list, inner);
                }
            }
            Kind::Loop { condition, body } => {
                self.list(condition, *around);
                self.list(body, inner);
            }
            Kind::For { words, body, .. } => {
                self.words(words, around);
                self.list(body, inner);
            }
            Kind::Case { word, arms } => {
                self.word(word, around);
                for arm in arms {
                    self.words(&arm.patterns, around);
                    self.list(&arm.body, inner);
                }
            }
            Kind::Function { name, body } => self.function(name, body, inner),
            Kind::Test(words) => self.words(words, around),
            Kind::Arithmetic(_) => {}
        }
    }

    /// Who calls it decides where its streams lead.
    fn function(&mut self, name: &'s str, body: &'s Command, mut around: Around<'s>) {
        around.function = Some(name);
        let (stdin, stdout) = (Stream::Unknown, Stream::Unknown);
        around.streams = Streams { stdin, stdout, stderr: Stream::Unknown };
        self.command(body, &mut around);
    }

    fn simple(&mut self, simple: &'s Simple, around: &Around<'s>) {
        for assignment in &simple.assignments {
            self.words(&assignment.values, around);
        }
        self.words(&simple.words, around);
    }

    fn words(&mut self, words: &'s [Word], around: &Around<'s>) {
        for word in words {
            self.word(word, around);
        }
    }

    fn word(&mut self, word: &'s Word, around: &Around<'s>) {
        self.parts(&word.parts, around);
    }

    fn parts(&mut self, parts: &'s [Part], around: &Around<'s>) {
        for part in parts {
            let mut inner = *around;
            match part {
                Part::Command { list, .. } => {
                    inner.streams.stdout = Stream::Captured;
                    self.list(list, inner);
                }
                Part::Process { list, .. } => {
                    inner.streams.stdout = Stream::Captured;
                    inner.streams.stdin = Stream::Unknown;
                    self.list(list, inner);
                }
                Part::Variable(variable) => self.parts(&variable.operand, around),
                Part::Text { .. } | Part::Arithmetic => {}
            }
        }
    }
}

/// `exec` that only redirects.
fn is_bare_exec(command: &Command) -> bool {
    command
        .simple()
        .is_some_and(|simple| simple.words.len() == 1 && simple.words[0].bare() == Some("exec"))
}

fn apply(redirection: &Redirection, streams: &mut Streams) {
    let stream = match &redirection.target {
        Target::Document(_) => Stream::File,
        Target::Word(word) => match (redirection.operator, word.literal().as_deref()) {
            (Operator::Duplicate, Some("0")) => streams.stdin,
            (Operator::Duplicate, Some("1")) => streams.stdout,
            (Operator::Duplicate, Some("2")) => streams.stderr,
            (Operator::Duplicate, Some("-")) | (_, Some("/dev/null")) => Stream::Nothing,
            (Operator::Duplicate, _) | (_, None) => Stream::Unknown,
            (_, Some("/dev/stdin")) => streams.stdin,
            (_, Some("/dev/stdout")) => streams.stdout,
            (_, Some("/dev/stderr")) => streams.stderr,
            _ => Stream::File,
        },
    };
    // A file whose name is not known is a file all the same.
    let is_file = matches!(redirection.operator, Operator::Out | Operator::Append | Operator::In);
    let stream = match (stream, &redirection.target) {
        (Stream::Unknown, Target::Word(_)) if is_file => Stream::File,
        (stream, _) if redirection.operator == Operator::Text => {
            let _ = stream;
            Stream::File
        }
        (stream, _) => stream,
    };
    match redirection.descriptor {
        Some(0) => streams.stdin = stream,
        Some(1) => streams.stdout = stream,
        Some(2) => streams.stderr = stream,
        None => (streams.stdout, streams.stderr) = (stream, stream),
        Some(_) => {}
    }
}
