//! What is known about sessions: who runs, who fired, what was delivered and answered.
//!
//! Knows nothing of configuration files. Invariant: what lies in the project may have come with a
//! clone; it is never followed out of the project and never believed against the kernel.

pub(crate) mod active;
pub(crate) mod delivery;
pub(crate) mod detect;
pub(crate) mod handover;
pub(crate) mod ledger;
pub(crate) mod live;
pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod once;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod recursion;
pub(crate) mod state;
pub(crate) mod strategy;
