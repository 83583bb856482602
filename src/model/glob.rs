//! Globs: compiled when first needed, and not at all where a string compare will do.
//!
//! Does not know what is matched. Invariant: reading and matching never fail loudly; a glob that
//! cannot be read says neither yes nor no, so that its user can lean the safe way.

use std::cell::OnceCell;

use globset::{GlobBuilder, GlobMatcher};

use crate::sys::trace;

/// What makes a text more than a plain one.
const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// How far a star reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stars {
    /// Over everything: the text is a word.
    Anything,
    /// Up to the next `/`, unless it is `**`: the text is a path.
    WithinName,
}

#[derive(Debug)]
pub(crate) struct Glob<'g> {
    text: &'g str,
    stars: Stars,
    compiled: OnceCell<Result<GlobMatcher, String>>,
}

impl<'g> Glob<'g> {
    pub(crate) fn new(text: &'g str, stars: Stars) -> Self {
        Self { text, stars, compiled: OnceCell::new() }
    }

    /// Whether the whole of `subject` is meant; `None` if the glob cannot be read.
    pub(crate) fn matches(&self, subject: &str) -> Option<bool> {
        if self.is_plain() {
            return Some(self.text == subject);
        }
        self.compiled().as_ref().ok().map(|matcher| matcher.is_match(subject))
    }

    /// Why the glob cannot be read.
    pub(crate) fn fault(&self) -> Option<&str> {
        if self.is_plain() { None } else { self.compiled().as_ref().err().map(String::as_str) }
    }

    fn is_plain(&self) -> bool {
        !self.text.contains(SPECIAL)
    }

    fn compiled(&self) -> &Result<GlobMatcher, String> {
        self.compiled.get_or_init(|| {
            let _measured = trace::scope("glob.compile");
            let built = GlobBuilder::new(self.text)
                .literal_separator(self.stars == Stars::WithinName)
                .backslash_escape(true)
                .build();
            built.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_reach_as_far_as_they_should() {
        let cases = [
            (Stars::Anything, "feat*", "feat/x", Some(true)),
            (Stars::Anything, "feat", "feature", Some(false)),
            (Stars::Anything, "a?[0-9]{x,y}", "ab1y", Some(true)),
            (Stars::Anything, "a\\*", "a*", Some(true)),
            (Stars::WithinName, "src/*.rs", "src/a/b.rs", Some(false)),
            (Stars::WithinName, "src/**/*.rs", "src/b.rs", Some(true)),
            (Stars::WithinName, "src/**/*.rs", "src/a/b/c.rs", Some(true)),
            (Stars::WithinName, "src/**", "src/a/b", Some(true)),
            (Stars::WithinName, "src/**", "src", Some(false)),
            (Stars::WithinName, "**/x", "x", Some(true)),
            (Stars::WithinName, "[a", "[a", None),
            (Stars::WithinName, "{a", "{a", None),
        ];
        for (stars, glob, subject, expected) in cases {
            assert_eq!(Glob::new(glob, stars).matches(subject), expected, "{glob} {subject}");
        }
    }

    #[test]
    fn a_plain_text_is_never_compiled() {
        let glob = Glob::new("src/a.rs", Stars::WithinName);
        assert_eq!(glob.matches("src/a.rs"), Some(true));
        assert!(glob.fault().is_none() && glob.compiled.get().is_none());
        assert!(Glob::new("[", Stars::Anything).fault().is_some());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(glob in "[a/*?\\[\\]{},!\\\\^-]{0,12}|.*", subject in ".*") {
            let glob = Glob::new(&glob, Stars::WithinName);
            prop_assert_eq!(glob.matches(&subject).is_none(), glob.fault().is_some());
        }
    }
}
