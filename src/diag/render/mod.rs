//! Findings as text for people and as data for programs.
//!
//! Does not decide where they go. Invariant: what comes from a user's file cannot control the
//! terminal.

pub(crate) mod github;
pub(crate) mod json;
pub(crate) mod sarif;
pub(crate) mod text;

use std::path::Path;

/// The path as it is shown: relative to `base` where it lies below it.
pub(crate) fn shown(path: &Path, base: Option<&Path>) -> String {
    let relative = base.and_then(|base| path.strip_prefix(base).ok());
    let path = relative.filter(|path| !path.as_os_str().is_empty()).unwrap_or(path);
    path.to_string_lossy().into_owned()
}
