//! A text put into a line of a shell, so that the shell reads what was meant.
//!
//! Knows of the language only what quotes are. Invariant: where it is not sure what stands before
//! a place, nothing is put there that could mean something.

/// What a place of a line is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// The words as they are written behind `before`; `None` where that is not known.
pub(super) fn put_into(before: &str, words: &[String]) -> Option<String> {
    if words.iter().all(|word| is_plain(word)) {
        return Some(words.join(" "));
    }
    let place = quotes(before)?;
    let quoted = words.iter().map(|word| match place {
        Quotes::None if is_plain(word) => word.clone(),
        Quotes::None => quoted(word),
        Quotes::Single => word.replace('\'', r"'\''"),
        Quotes::Double => in_double_quotes(word),
    });
    Some(quoted.collect::<Vec<_>>().join(" "))
}

/// The same for PowerShell, whose quotes are others: only words without any need of them.
pub(super) fn put_into_powershell(_before: &str, words: &[String]) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:-".contains(c);
    let all_plain = words.iter().all(|word| !word.is_empty() && word.chars().all(is_plain));
    all_plain.then(|| words.join(" "))
}

/// A text as one word.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Where the first here-document of a line begins, if it has one; else its length.
pub(super) fn before_documents(line: &str) -> usize {
    let begins = line
        .match_indices("<<")
        .find(|(at, _)| !line[at + 2..].starts_with('<') && !line[..*at].ends_with('<'));
    begins.map_or(line.len(), |(at, _)| line[at..].find('\n').map_or(line.len(), |end| at + end))
}

/// Whether a shell takes it for itself, wherever it stands.
fn is_plain(word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "_./+:@%,=-".contains(c);
    !word.is_empty() && word.chars().all(is_plain)
}

fn in_double_quotes(word: &str) -> String {
    let mut kept = String::new();
    for c in word.chars() {
        if matches!(c, '"' | '$' | '`' | '\\') {
            kept.push('\\');
        }
        kept.push(c);
    }
    kept
}

fn quotes(before: &str) -> Option<Quotes> {
    let is_unclear = ["`", "$(", "<<", "#", "$'"].iter().any(|mark| before.contains(mark));
    if is_unclear {
        return None;
    }
    let mut quotes = Quotes::None;
    let mut chars = before.chars();
    while let Some(c) = chars.next() {
        quotes = match (quotes, c) {
            (Quotes::None, '\'') => Quotes::Single,
            (Quotes::None, '"') => Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => Quotes::None,
            (Quotes::None | Quotes::Double, '\\') => {
                // What stands behind it is itself; at the end it would take our first letter.
                chars.next()?;
                quotes
            }
            _ => quotes,
        };
    }
    Some(quotes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn put(before: &str, word: &str) -> Option<String> {
        put_into(before, &[word.to_owned()])
    }

    #[test]
    fn plain_words_stay_and_others_are_quoted() {
        assert_eq!(put("cat \"$(x)\" ", "/a/b-c.md").unwrap(), "/a/b-c.md");
        assert_eq!(put("cat ", "/a b").unwrap(), "'/a b'");
        assert_eq!(put("cat '", "it's").unwrap(), r"it'\''s");
        assert_eq!(put("cat \"", "$x").unwrap(), r"\$x");
        assert_eq!(put_into("cat ", &["a b".into(), "c".into()]).unwrap(), "'a b' c");
        for before in ["cat \\", "cat $(ls ", "cat `ls ", "# don't\ncat ", "cat $'"] {
            assert_eq!(put(before, "a b"), None, "{before}");
        }
    }

    #[test]
    fn here_documents_are_left_alone() {
        assert_eq!(before_documents("cat x"), 5);
        assert_eq!(before_documents("cat <<< x"), 9);
        assert_eq!(before_documents("cat > x <<'E'\nbody\nE\n"), 13);
    }

    /// What `sh` prints for a line.
    #[expect(clippy::disallowed_methods, reason = "a test may start a shell by itself")]
    fn by_shell(line: &str) -> String {
        let _apart = crate::sys::process::apart::starting();
        let said = std::process::Command::new("/bin/sh").args(["-c", line]).env_clear().output();
        String::from_utf8(said.unwrap().stdout).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The judge is a shell.
        #[test]
        fn a_shell_reads_what_was_put_in(word in "[ -~äß]{1,20}", at in 0..3_usize) {
            let places = [("printf %s ", ""), ("printf %s 'x", "'"), ("printf %s \"x", "\"")];
            let (before, behind) = places[at];
            let line = format!("{before}{}{behind}", put(before, &word).unwrap());
            let prefix = if at == 0 { "" } else { "x" };
            prop_assert_eq!(by_shell(&line), format!("{prefix}{word}"));
        }
    }
}
