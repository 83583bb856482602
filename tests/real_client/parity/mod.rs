//! What a project's hooks do must not depend on who registered them.
//!
//! Each test is one scenario, run natively and through cph; the check holds for both runs, and the
//! runs must come to the same. The tables of tolerated differences are in `portrait`.

mod contexts;
mod events;
mod gates;
mod interactive;
mod kinds;
mod matchers;
mod processes;
mod stops;
