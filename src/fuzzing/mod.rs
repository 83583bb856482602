//! What must hold whatever bytes arrive: the targets of `fuzz/`, which drives them with generated
//! inputs.
//!
//! Does not generate anything. Invariant: a broken property panics, with the input as the only
//! thing needed to see it again.

mod answer;
mod configuration;
mod payload;
mod script;

pub use answer::answer;
pub use configuration::configuration;
pub use payload::payload;
pub use script::script;

use crate::source::Span;

/// A span that a text has: inside it, and on characters.
fn assert_inside(text: &str, span: Span, what: &str) {
    assert!(text.get(span.range()).is_some(), "{what}: {span:?} is no part of the text");
}
