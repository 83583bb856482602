//! The fields of one mapping: taken by name, each with the form that it must have.
//!
//! Does not know what fields mean. Invariant: a value of another form is told and counts as
//! missing.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    config::nearest::nearest,
    diag::Diagnostic,
    model::glob::{Glob, Stars},
    source::Span,
};

use super::{
    super::{
        file::Work,
        rules,
        yaml::{Node, Value},
    },
    Reader, first_line, quantity,
};

/// Bytes of an argument that Linux does not take any more (`MAX_ARG_STRLEN`).
const LONGEST_ARGUMENT: usize = 128 << 10;

pub(super) struct Fields<'r, 's, 'n> {
    reader: &'r mut Reader<'s>,
    node: &'n Node,
}

/// A text and where it stands.
pub(super) type Placed = (String, Span);

impl<'r, 's, 'n> Fields<'r, 's, 'n> {
    /// The mapping; what it is instead, keys that are unknown and keys that come twice are told.
    pub(super) fn of(
        reader: &'r mut Reader<'s>,
        node: &'n Node,
        known: &[&'static str],
        what: &str,
    ) -> Option<Self> {
        let Value::Map(members) = &node.value else {
            let message = format!("{what} must be a mapping, not {}", node.kind());
            reader.tell(Diagnostic::new(&rules::SHAPE, message), first_line(node.span));
            return None;
        };
        let mut seen: Vec<&str> = Vec::new();
        for (key, _) in members {
            let name = key.text().unwrap_or_default();
            if seen.contains(&name) {
                let message = format!("`{name}` is written twice");
                reader.tell(Diagnostic::new(&rules::DUPLICATE_KEY, message), key.span);
            } else if !known.contains(&name) {
                let found =
                    Diagnostic::new(&rules::UNKNOWN_KEY, format!("{what} has no field `{name}`"));
                let found = match nearest(name, known.iter().copied()) {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.help(format!("there are {}", known.join(", "))),
                };
                reader.tell(found, key.span);
            }
            seen.push(name);
        }
        Some(Self { reader, node })
    }

    pub(super) fn tell(&mut self, found: Diagnostic, span: Span) {
        self.reader.tell(found, span);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.node.get(name).is_some()
    }

    /// Where the mapping begins.
    pub(super) fn head(&self) -> Span {
        self.node.get("name").map_or_else(|| first_line(self.node.span), |name| name.span)
    }

    fn wrong(&mut self, name: &str, wanted: &str, node: &Node) {
        let message = format!("`{name}` must be {wanted}, not {}", node.kind());
        let span = if node.span.start == node.span.end { self.key(name) } else { node.span };
        let span = if matches!(node.value, Value::Scalar { .. }) { span } else { first_line(span) };
        self.reader.tell(Diagnostic::new(&rules::SHAPE, message), span);
    }

    /// Where a key stands.
    fn key(&self, name: &str) -> Span {
        let Value::Map(members) = &self.node.value else { return self.node.span };
        let key = members.iter().find(|(key, _)| key.text() == Some(name));
        key.map_or(self.node.span, |(key, _)| key.span)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<Placed> {
        let node = self.node.get(name)?;
        if node.text().is_none() {
            self.wrong(name, "a text", node);
        }
        Some((node.text()?.to_owned(), node.span))
    }

    /// One of some words.
    pub(super) fn word(&mut self, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let (text, span) = self.text(name)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let message = format!("`{name}` is {}, not `{text}`", words.join(" or "));
            self.tell(Diagnostic::new(&rules::VALUE, message), span);
        }
        found
    }

    pub(super) fn truth(&mut self, name: &str) -> Option<bool> {
        self.word(name, &["true", "false"]).map(|word| word == "true")
    }

    pub(super) fn integer(&mut self, name: &str, least: i64, most: i64) -> Option<(i64, Span)> {
        let (text, span) = self.text(name)?;
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Some((number, span)),
            _ => {
                let message = match most {
                    i64::MAX => format!("`{name}` is a whole number from {least}, not `{text}`"),
                    _ => format!("`{name}` is a whole number from {least} to {most}, not `{text}`"),
                };
                self.tell(Diagnostic::new(&rules::VALUE, message), span);
                None
            }
        }
    }

    pub(super) fn duration(&mut self, name: &str) -> Option<Duration> {
        self.quantity(name, quantity::duration, "a time such as `90`, `500ms`, `10m` or `1h30m`")
    }

    pub(super) fn size(&mut self, name: &str) -> Option<u64> {
        self.quantity(name, quantity::size, "a size such as `512M` or `2G`")
    }

    fn quantity<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        wanted: &str,
    ) -> Option<T> {
        let (text, span) = self.text(name)?;
        let value = read(&text);
        if value.is_none() {
            let message = format!("`{name}` is {wanted}, not `{text}`");
            self.tell(Diagnostic::new(&rules::VALUE, message), span);
        }
        value
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn list(&mut self, name: &str) -> Option<Vec<Placed>> {
        let node = self.node.get(name)?;
        if let Some(text) = node.text() {
            return Some(vec![(text.to_owned(), node.span)]);
        }
        let Value::List(items) = &node.value else {
            self.wrong(name, "a list of texts", node);
            return None;
        };
        let mut texts = Vec::new();
        for item in items {
            match item.text() {
                Some(text) => texts.push((text.to_owned(), item.span)),
                None => self.wrong(name, "a list of texts", item),
            }
        }
        Some(texts)
    }

    /// Names without repetitions, sorted.
    pub(super) fn names(&mut self, name: &str) -> Vec<String> {
        let names = self.list(name).unwrap_or_default();
        let mut names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        names
    }

    pub(super) fn globs(&mut self, name: &str) -> Vec<String> {
        let mut globs = Vec::new();
        for (glob, span) in self.list(name).unwrap_or_default() {
            if let Some(why) = Glob::new(&glob, Stars::WithinName).fault() {
                let message = format!("`{glob}` is no pattern: {why}");
                self.tell(Diagnostic::new(&rules::VALUE, message), span);
            }
            globs.push(glob);
        }
        globs
    }

    /// A line for a shell, or a list of words.
    pub(super) fn line_or_words(&mut self, name: &str) -> Option<Work> {
        let node = self.node.get(name)?;
        if let Some(text) = node.text() {
            if text.trim().is_empty() {
                let found = Diagnostic::new(&rules::VALUE, format!("`{name}` is empty"));
                self.tell(found, node.span);
                return None;
            }
            let line = text.to_owned();
            return self.is_an_argument(name, &line, node.span).then_some(Work::Line(line));
        }
        if !matches!(node.value, Value::List(_)) {
            self.wrong(name, "a command or a list of words", node);
            return None;
        }
        let words = self.list(name)?;
        if words.is_empty() {
            let found = Diagnostic::new(&rules::VALUE, format!("`{name}` is empty"));
            self.tell(found, node.span);
            return None;
        }
        let fits = words.iter().all(|(word, span)| self.is_an_argument(name, word, *span));
        fits.then(|| Work::Words(words.into_iter().map(|(word, _)| word).collect()))
    }

    /// Whether a process can be given this.
    fn is_an_argument(&mut self, name: &str, text: &str, span: Span) -> bool {
        let fits = text.len() < LONGEST_ARGUMENT;
        if !fits {
            let kib = text.len() >> 10;
            let found = format!("`{name}` has {kib} KiB: no process can be given so much");
            let found = Diagnostic::new(&rules::VALUE, found).help("put it into a script");
            self.tell(found, first_line(span));
        }
        fits
    }

    /// A mapping from names to texts.
    pub(super) fn texts_by_name(&mut self, name: &str) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let Some(node) = self.node.get(name) else { return all };
        let Value::Map(members) = &node.value else {
            self.wrong(name, "a mapping from names to texts", node);
            return all;
        };
        for (key, value) in members {
            let variable = key.text().unwrap_or_default();
            if variable.is_empty() || variable.contains(['=', '\0']) {
                let message = format!("`{variable}` is no name of a variable");
                self.tell(Diagnostic::new(&rules::VALUE, message), key.span);
            } else if all.contains_key(variable) {
                let message = format!("`{variable}` is written twice");
                self.tell(Diagnostic::new(&rules::DUPLICATE_KEY, message), key.span);
            } else if let Some(text) = value.text() {
                all.insert(variable.to_owned(), text.to_owned());
            } else {
                self.wrong(name, "a mapping from names to texts", value);
            }
        }
        all
    }

    /// The fields of a mapping below this one, if it is a mapping.
    pub(super) fn inner(
        &mut self,
        name: &str,
        known: &[&'static str],
    ) -> Option<Fields<'_, 's, 'n>> {
        let node = self.node.get(name)?;
        matches!(node.value, Value::Map(_)).then_some(())?;
        Fields::of(self.reader, node, known, &format!("`{name}`"))
    }

    /// Tells when something is there that is no mapping.
    pub(super) fn must_be_mapping(&mut self, name: &str) {
        if let Some(node) = self.node.get(name)
            && !matches!(node.value, Value::Map(_))
        {
            self.wrong(name, "a mapping", node);
        }
    }
}
