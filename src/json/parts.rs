//! The index of a document: where each of its values begins and ends, written down in one pass that
//! also makes sure that it is a document.
//!
//! Does not say what is wrong with a text that is none. Invariants: what the parser of everybody
//! else refuses has no index; parts stand in the order of the text, a container before what is in
//! it, a key before its value; behind `next` the first part stands that is not in this one.

use super::scan::quote_or_other;
use crate::source::Part;

/// Of a whole text, with or without a byte order mark before it; `None`: it is no JSON, or longer
/// than a place can say.
pub(super) fn read(text: &str) -> Option<Vec<Part>> {
    // A place takes four bytes.
    u32::try_from(text.len()).ok()?;
    let at = text.len() - text.trim_start_matches('\u{feff}').len();
    if at > '\u{feff}'.len_utf8() {
        return None;
    }
    let parts = Vec::with_capacity(text.len() / 8 + 4);
    let mut index = Index { bytes: text.as_bytes(), at, parts, open: None };
    loop {
        if index.value()? && index.behind()? {
            return Some(index.parts);
        }
    }
}

struct Index<'t> {
    bytes: &'t [u8],
    at: usize,
    parts: Vec<Part>,
    /// The innermost container around the present place. As long as one is open, its `next` is the
    /// one that it lies in, or itself.
    open: Option<u32>,
}

impl Index<'_> {
    /// A value; false: a container has begun, and its first value is to come.
    fn value(&mut self) -> Option<bool> {
        let start = self.at_sign();
        match *self.bytes.get(start)? {
            sign @ (b'{' | b'[') => {
                let own = short(self.parts.len());
                self.at += 1;
                self.add(start, false);
                self.parts[own as usize].next = self.open.replace(own).unwrap_or(own);
                self.at_sign();
                // A closing sign stands two places behind its opening one in ASCII.
                if *self.bytes.get(self.at)? == sign + 2 {
                    self.close()?;
                    return Some(true);
                }
                if sign == b'{' {
                    self.key()?;
                }
                return Some(false);
            }
            b'"' => self.string()?,
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        Some(true)
    }

    /// What stands behind a value, up to where the next one begins; true: the text is over.
    fn behind(&mut self) -> Option<bool> {
        loop {
            self.at_sign();
            let Some(container) = self.open else {
                return (self.at == self.bytes.len()).then_some(true);
            };
            let opening = self.bytes[self.parts[container as usize].start as usize];
            match *self.bytes.get(self.at)? {
                b',' => {
                    self.at += 1;
                    if opening == b'{' {
                        self.key()?;
                    }
                    return Some(false);
                }
                sign if sign == opening + 2 => self.close()?,
                _ => return None,
            }
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Option<()> {
        let start = self.at_sign();
        (self.bytes.get(start) == Some(&b'"')).then(|| self.string())??;
        let colon = self.at_sign();
        self.at += 1;
        (self.bytes.get(colon) == Some(&b':')).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        let (start, mut is_plain) = (self.at, true);
        self.at += 1;
        loop {
            self.at = quote_or_other(self.bytes, self.at)?;
            match self.bytes[self.at] {
                b'"' => break,
                b'\\' => {
                    is_plain = false;
                    self.at += match *self.bytes.get(self.at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                        b'u' => {
                            let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                            digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
                        }
                        _ => return None,
                    };
                }
                _ => return None,
            }
        }
        self.at += 1;
        self.add(start, is_plain);
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let start = self.at;
        self.bytes[start..].starts_with(word).then_some(())?;
        self.at += word.len();
        self.add(start, true);
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.take(b"-");
        if !self.take(b"0") {
            self.digits()?;
        }
        if self.take(b".") {
            self.digits()?;
        }
        if self.take(b"eE") {
            self.take(b"+-");
            self.digits()?;
        }
        self.add(start, true);
        Some(())
    }

    /// One of some signs, if it comes next.
    fn take(&mut self, signs: &[u8]) -> bool {
        let is_next = self.bytes.get(self.at).is_some_and(|byte| signs.contains(byte));
        self.at += usize::from(is_next);
        is_next
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    /// Steps over blanks, of which most stand at the beginning of a line.
    fn at_sign(&mut self) -> usize {
        while let Some(blank @ (b' ' | b'\n' | b'\r' | b'\t')) = self.bytes.get(self.at) {
            self.at += 1;
            while *blank == b'\n' && self.bytes[self.at..].starts_with(&[b' '; 8]) {
                self.at += 8;
            }
        }
        self.at
    }

    /// A part from `start` up to here, with nothing in it.
    fn add(&mut self, start: usize, is_plain: bool) {
        let next = short(self.parts.len() + 1);
        self.parts.push(Part { start: short(start), end: short(self.at), next, is_plain });
    }

    /// The innermost container ends with the sign that comes next.
    fn close(&mut self) -> Option<()> {
        self.at += 1;
        let (end, next) = (short(self.at), short(self.parts.len()));
        let own = self.open?;
        let container = &mut self.parts[own as usize];
        self.open = (container.next != own).then_some(container.next);
        (container.end, container.next) = (end, next);
        Some(())
    }
}

/// At most the length of the text, which fits.
fn short(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// Pieces of which documents are made, and some of which none is.
    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            " ",
            "\n",
            "\t",
            "\r",
            "\"a\"",
            "\"\"",
            "\"\\u00e9\"",
            "\"\\ud800\"",
            "\"\\n\\/\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"a long one with an ä in it\"",
            "\"\u{1}\"",
            "\"",
            "\\",
            "0",
            "-",
            "-1",
            "12",
            "01",
            "1.",
            "1.5",
            ".5",
            "1e",
            "1e5",
            "1E+5",
            "e",
            "true",
            "false",
            "null",
            "nul",
            "truex",
            "\u{feff}",
            "\u{b}",
        ])
    }

    fn is_taken_alike(text: &str) -> bool {
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        read(text).is_some() == serde_json::from_str::<&RawValue>(body).is_ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        /// The parser of everybody else takes the same texts.
        #[test]
        fn the_same_texts_are_documents(pieces in prop::collection::vec(piece(), 0..8)) {
            prop_assert!(is_taken_alike(&pieces.concat()), "{}", pieces.concat());
        }

        /// Also where one sign of a document is another one.
        #[test]
        fn nearly_sound_texts_are_told_alike(at in 0_usize..64, sign in piece()) {
            let sound = r#"{"a": [1, -2.5e3, {"b\\\u0041": null}, [], {}], "c" : true}"#;
            let at = sound.floor_char_boundary(at.min(sound.len()));
            let end = sound.ceil_char_boundary((at + 1).min(sound.len()));
            prop_assert!(read(sound).is_some());
            for text in [
                format!("{}{sign}{}", &sound[..at], &sound[end..]),
                format!("{}{sign}{}", &sound[..at], &sound[at..]),
                sound[..at].to_owned(),
            ] {
                prop_assert!(is_taken_alike(&text), "{text}");
            }
        }
    }
}
