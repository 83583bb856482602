//! What is known about sessions: who runs, who fired, what was delivered and answered.

pub(crate) mod delivery;
pub(crate) mod frame;
pub(crate) mod handover;
pub(crate) mod ledger;
pub(crate) mod memory;
pub(crate) mod record;
pub(crate) mod recursion;
pub(crate) mod strategy;
