//! JSON as text: a tree over the very bytes, so that every value knows where it stands.
//!
//! Does not know what the values mean. Invariant: nothing is thrown away that a strict parser
//! would keep; order and duplicate keys survive, and only what is asked for is parsed.

pub(crate) mod edit;
pub(crate) mod frame;
mod keys;
mod node;
mod parts;
pub(crate) mod pointer;
mod scan;
pub(crate) mod write;

pub(crate) use edit::Draft;
pub(crate) use keys::Keys;
pub(crate) use node::{Fault, Kind, Member, Node};
