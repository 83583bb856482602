//! What each hook reads on stdin: the host's bytes, or what was made of them.
//!
//! Does not start hooks. Invariants: a hook that was written for the vocabulary that fired, when
//! nothing was rewritten, reads the host's payload byte for byte; hooks that read the same share
//! one copy of it.

use std::{borrow::Cow, fs::File, io, path::Path};

use serde_json::{Value, json};

use crate::{
    model::{Event, Processor, payload::Payload, vocabulary},
    sys::memory::Shared,
};

use super::run::Call;

/// What hooks that a call comes after have printed, by hook id.
pub(super) type Previous = [(String, Vec<u8>)];

/// The payload of one dispatch, and what has become of its input.
pub(super) struct Feed<'p> {
    event: &'p Event,
    fired_by: Processor,
    occurrence: &'p str,
    payload: Cow<'p, Payload>,
    rewritten: Option<Value>,
    /// Where copies lie on systems that cannot share memory.
    scratch: &'p Path,
    copies: Vec<(Vec<u8>, Shared)>,
}

impl<'p> Feed<'p> {
    pub(super) fn new(
        event: &'p Event,
        fired_by: Processor,
        occurrence: &'p str,
        payload: &'p Payload,
        scratch: &'p Path,
    ) -> Self {
        let payload = Cow::Borrowed(payload);
        let (rewritten, copies) = (None, Vec::new());
        Self { event, fired_by, occurrence, payload, rewritten, scratch, copies }
    }

    /// The tool input as it stands.
    pub(super) fn input(&self) -> Value {
        let own = || self.payload.input().and_then(|n| serde_json::from_str(n.raw()).ok());
        self.rewritten.clone().or_else(own).unwrap_or_else(|| json!({}))
    }

    /// The tool input, if it is no longer the host's.
    pub(super) fn rewritten(&self) -> Option<&Value> {
        self.rewritten.as_ref()
    }

    /// From now on hooks see this input.
    pub(super) fn rewrite(&mut self, input: Value) {
        if input != self.input() {
            self.payload = Cow::Owned(self.payload.with_input(&input));
            self.rewritten = Some(input);
        }
    }

    /// The payload as it stands.
    pub(super) fn payload(&self) -> &Payload {
        &self.payload
    }

    /// What a hook reads.
    pub(super) fn bytes(&self, call: &Call<'_>, previous: &Previous) -> Cow<'_, [u8]> {
        let mut payload = Cow::Borrowed(&*self.payload);
        if let Some(name) = call.tool_shown {
            payload = Cow::Owned(payload.with_text("tool_name", name));
        }
        let vocabulary = call.hook.vocabulary(self.fired_by);
        if vocabulary == self.fired_by && previous.is_empty() {
            return match payload {
                Cow::Borrowed(payload) => Cow::Borrowed(payload.bytes()),
                Cow::Owned(payload) => Cow::Owned(payload.bytes().to_vec()),
            };
        }
        let told = vocabulary::Told {
            event: self.event,
            fired_by: self.fired_by,
            occurrence: self.occurrence,
            previous,
        };
        Cow::Owned(vocabulary::translate(&payload, vocabulary, &told))
    }

    /// A file from which a hook reads it.
    pub(super) fn file(&mut self, call: &Call<'_>, previous: &Previous) -> io::Result<File> {
        let bytes = self.bytes(call, previous).into_owned();
        if let Some((_, copy)) = self.copies.iter().find(|(known, _)| *known == bytes) {
            return copy.reader();
        }
        let copy = Shared::new(&bytes, self.scratch);
        let file = copy.reader();
        self.copies.push((bytes, copy));
        file
    }
}
