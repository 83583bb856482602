//! What `cph trust` shows: a difference that can be read without being deceived.
//!
//! Prints nothing. Invariant: nothing of a file reaches the terminal that could move its cursor,
//! hide text or turn its direction.

use std::{fmt::Write as _, path::Path};

use similar::TextDiff;

/// Lines around a change.
const CONTEXT: usize = 3;

/// The difference between the trusted text of a file and what it says now, as unified diff. A
/// missing side is an empty one.
pub(crate) fn diff(file: &Path, trusted: Option<&[u8]>, current: Option<&[u8]>) -> String {
    let text = |bytes: Option<&[u8]>| visible(&String::from_utf8_lossy(bytes.unwrap_or_default()));
    let (old, new) = (text(trusted), text(current));
    let name = visible(&file.display().to_string());
    let side = |bytes: Option<&[u8]>, what: &str| match bytes {
        Some(_) => format!("{name} ({what})"),
        None => "/dev/null".to_owned(),
    };
    TextDiff::from_lines(&old, &new)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&side(trusted, "trusted"), &side(current, "now"))
        .to_string()
}

/// Shows what could deceive as its code point.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_deceptive(c) {
            // Writing to a `String` cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_deceptive(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Without width, and marks of direction.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        let old = "{\n  \"a\": 1,\n  \"b\": 2\n}\n";
        let new = old.replace('2', "3");
        let text = diff(Path::new("hooks.json"), Some(old.as_bytes()), Some(new.as_bytes()));
        let expected = "--- hooks.json (trusted)\n+++ hooks.json (now)\n@@ -1,4 +1,4 @@\n {\n   \
                        \"a\": 1,\n-  \"b\": 2\n+  \"b\": 3\n }\n";
        assert_eq!(text, expected);
        assert!(diff(Path::new("x"), None, Some(b"a\n")).starts_with("--- /dev/null\n+++ x (now)"));
        assert_eq!(diff(Path::new("x"), Some(b"a\n"), Some(b"a\n")), "");
    }

    #[test]
    fn nothing_can_hide_in_it() {
        let text = diff(Path::new("x"), None, Some("rm \u{202e}a\u{1b}[2K\u{200b}\r\n".as_bytes()));
        assert!(text.contains("rm \\u{202e}a\\u{1b}[2K\\u{200b}\\u{d}\n"), "{text}");
    }
}
