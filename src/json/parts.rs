//! The index of a document: where each of its values begins and ends, written down in one pass.
//!
//! Checks nothing: the text is known to be JSON. Invariants: parts stand in the order of the text,
//! a container before what is in it, a key before its value; behind `next` the first part stands
//! that is not in this one.

use super::scan::{end_of_scalar, end_of_string};
use crate::source::{Part, Span};

/// Of the value that a span holds.
pub(super) fn parts(text: &str, whole: Span) -> Option<Vec<Part>> {
    let bytes = &text.as_bytes()[..whole.end];
    // A place takes four bytes.
    u32::try_from(bytes.len()).ok()?;
    let mut parts = Vec::with_capacity(bytes.len() / 12 + 4);
    let (mut open, mut at): (Vec<usize>, usize) = (Vec::new(), whole.start);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => at += 1,
            b'{' | b'[' => {
                open.push(parts.len());
                parts.push(part(at, at, 0));
                at += 1;
            }
            b'}' | b']' => {
                at += 1;
                let next = parts.len();
                let container: &mut Part = parts.get_mut(open.pop()?)?;
                *container = part(usize::try_from(container.start).ok()?, at, next);
            }
            byte => {
                let end = match byte {
                    b'"' => end_of_string(bytes, at),
                    _ => end_of_scalar(bytes, at),
                };
                parts.push(part(at, end, parts.len() + 1));
                at = end;
            }
        }
    }
    open.is_empty().then_some(parts)
}

/// All three are at most the length of the text, which fits.
fn part(start: usize, end: usize, next: usize) -> Part {
    let short = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    Part { start: short(start), end: short(end), next: short(next) }
}
