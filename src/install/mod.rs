//! Installing: what stands in settings files so that events reach `cph dispatch`.
//!
//! Does not know how hooks are read or run; it is told the hooks. Invariants: what others wrote
//! keeps its bytes; a file is the old or the new one, never something between; what was installed
//! can be taken back.

mod plan;
mod registration;

pub(crate) use plan::{GRACE, Options, registrations};
pub(crate) use registration::{Dispatch, Handler, Registration, Scope, is_ours};
