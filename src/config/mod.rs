//! What was configured, and how far it is trusted.

pub(crate) mod trust;
