//! What a project's hooks do must not depend on who registered them.
//!
//! Each test is one scenario, run natively and through cph; the check holds for both runs, and the
//! runs must come to the same. The tables of tolerated differences are in `portrait`.
//!
//! | module | what must be equal |
//! |---|---|
//! | [`events`] | every event that a headless session fires reaches its hook with its payload |
//! | [`interactive`] | the same for those that need a terminal, and their refusals |
//! | [`gates`] | refusing by exit code and in JSON, asking, allowing, rewriting, failing closed |
//! | [`stops`] | going on at a stop, `continue: false`, identical stops in a row |
//! | [`contexts`] | contexts, plain text, titles, messages, files to watch, texts that are too long |
//! | [`matchers`] | which hooks a call chooses: names, patterns, `if`, legacy names, duplicates |
//! | [`kinds`] | `http`, `prompt`, deferring, waking, guarding `Monitor` as `Bash` |
//! | [`processes`] | arguments, environment, time limits, large payloads, parallel calls |

mod contexts;
mod events;
mod gates;
mod interactive;
mod kinds;
mod matchers;
mod processes;
mod stops;
