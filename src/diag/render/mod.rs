//! Findings as text for people and as data for programs.
//!
//! Does not decide where they go. Invariant: what comes from a user's file cannot control the
//! terminal.

pub(crate) mod github;
pub(crate) mod json;
pub(crate) mod sarif;
pub(crate) mod text;

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

/// The path as it is shown: relative to `base` where it lies below it.
pub(crate) fn shown(path: &Path, base: Option<&Path>) -> String {
    let relative = base.and_then(|base| below(path, base));
    let path = relative.filter(|path| !path.as_os_str().is_empty()).unwrap_or(path);
    path.to_str().map_or_else(|| path.to_string_lossy().into_owned(), str::to_owned)
}

/// The rest of a path behind another one. Nearly every path is written as that one and goes on with a
/// name; only others have to be taken apart.
fn below<'p>(path: &'p Path, base: &Path) -> Option<&'p Path> {
    let bytes = path.as_os_str().as_bytes();
    let rest = bytes.strip_prefix(base.as_os_str().as_bytes()).unwrap_or_default();
    match rest {
        [b'/', name, ..] if *name != b'/' => Some(Path::new(OsStr::from_bytes(&rest[1..]))),
        _ => path.strip_prefix(base).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_is_shown_as_it_goes_on() {
        for (path, base, expected) in [
            ("/a/b/c", "/a", "b/c"),
            ("/a/b", "/a/", "b"),
            ("/ab/c", "/a", "/ab/c"),
            ("/a", "/a", "/a"),
            ("/a//b", "/a", "b"),
            ("/x/y", "/a", "/x/y"),
        ] {
            assert_eq!(shown(Path::new(path), Some(Path::new(base))), expected);
        }
    }
}
