//! The regular expression of a matcher.
//!
//! Does not know what it is compared with. Nearly everybody writes names, `.*`, alternatives and anchors
//! at both ends: these are compared as they stand, because compiling an expression costs more than
//! all else that is done with it. Invariant: whether an expression is read here or compiled, it means
//! what it means to JavaScript.

use regress::Regex;

use crate::sys::trace;

/// More of these than anybody writes. What reads expressions is recursive, and a text from a
/// file must not exhaust the stack.
const MOST_BRACKETS: usize = 200;
const MOST_ALTERNATIVES: usize = 1000;

/// What `.` stops at.
const LINE_ENDS: [char; 4] = ['\n', '\r', '\u{2028}', '\u{2029}'];

/// An expression that can be compared with values.
#[derive(Debug)]
pub(super) enum Pattern {
    /// One of these.
    Plain(Vec<Way>),
    Compiled(Regex),
}

/// One alternative: pieces of text with anything between them.
#[derive(Debug)]
pub(super) struct Way {
    /// Whether the value begins with the first piece.
    is_start: bool,
    /// Whether the value ends with the last piece.
    is_end: bool,
    /// At least one.
    pieces: Vec<String>,
}

impl Pattern {
    /// Reads it; what JavaScript would refuse is told as a message.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        if text.matches(['(', '[']).count() > MOST_BRACKETS {
            return Err("too many brackets".to_owned());
        }
        if text.matches('|').count() > MOST_ALTERNATIVES {
            return Err("too many alternatives".to_owned());
        }
        if let Some(ways) = ways(text) {
            return Ok(Self::Plain(ways));
        }
        let _measured = trace::scope("regex.compile");
        Regex::new(text).map(Self::Compiled).map_err(|error| error.text)
    }

    /// Whether it matches somewhere in the value.
    pub(super) fn is_in(&self, value: &str) -> bool {
        let ways = match self {
            Self::Plain(ways) => ways,
            Self::Compiled(regex) => return regex.find(value).is_some(),
        };
        // Nothing that is plain reaches over the end of a line.
        let (mut is_first, mut rest) = (true, Some(value));
        while let Some(text) = rest {
            let line;
            (line, rest) = text.split_once(LINE_ENDS).map_or((text, None), |(a, b)| (a, Some(b)));
            let may_match =
                |way: &&Way| (is_first || !way.is_start) && (rest.is_none() || !way.is_end);
            if ways.iter().filter(may_match).any(|way| way.is_in(line)) {
                return true;
            }
            is_first = false;
        }
        false
    }
}

/// The alternatives of an expression, if each of them is plain.
fn ways(text: &str) -> Option<Vec<Way>> {
    let mut ways = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (before, group, behind);
        ((before, group, behind), rest) = alternative(text)?;
        match group {
            None => ways.push(Way::of(before)?),
            Some(group) => {
                for choice in group.split('|') {
                    ways.push(Way::of(&[before, choice, behind].concat())?);
                }
            }
        }
    }
    Some(ways)
}

/// What stands before the group of an alternative, in it, and behind it.
type Grouped<'t> = (&'t str, Option<&'t str>, &'t str);

/// The first alternative, and the text of the others.
fn alternative(text: &str) -> Option<(Grouped<'_>, Option<&str>)> {
    let bar = text.find(['|', '(']);
    let Some(open) = bar.filter(|at| text[*at..].starts_with('(')) else {
        let (own, rest) = split(text);
        return Some(((own, None, ""), rest));
    };
    let (group, behind) = text[open + 1..].split_once(')')?;
    let group = group.strip_prefix("?:").unwrap_or(group);
    let (behind, rest) = split(behind);
    // What repeats the group, or is repeated across its border, is no text.
    let is_plain = !behind.starts_with('*')
        && !group.split('|').any(|choice| choice.starts_with('*'))
        && !group.contains('(')
        && !behind.contains('(');
    is_plain.then_some(((&text[..open], Some(group), behind), rest))
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once('|').map_or((text, None), |(own, rest)| (own, Some(rest)))
}

impl Way {
    /// `None`: there is more in it than text, `.*`, and anchors at its ends.
    fn of(text: &str) -> Option<Self> {
        let (is_start, inner) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
        let (is_end, inner) = inner.strip_suffix('$').map_or((false, inner), |rest| (true, rest));
        let is_text = |byte: u8| byte.is_ascii_alphanumeric() || b"_- ,:/@=".contains(&byte);
        let pieces = inner.split(".*");
        let pieces = pieces.map(|piece| piece.bytes().all(is_text).then(|| piece.to_owned()));
        Some(Self { is_start, is_end, pieces: pieces.collect::<Option<_>>()? })
    }

    /// Whether it matches in a text of one line.
    fn is_in(&self, line: &str) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else {
            return match (self.is_start, self.is_end) {
                (true, true) => line == first,
                (true, false) => line.starts_with(first),
                (false, true) => line.ends_with(first),
                (false, false) => line.contains(first),
            };
        };
        let behind = |line: &str, piece: &str| line.find(piece).map(|at| at + piece.len());
        let begun = if self.is_start {
            line.strip_prefix(&**first).map(|rest| line.len() - rest.len())
        } else {
            behind(line, first)
        };
        let Some(mut at) = begun else { return false };
        for piece in middle {
            let Some(next) = behind(&line[at..], piece) else { return false };
            at += next;
        }
        if self.is_end { line[at..].ends_with(last) } else { line[at..].contains(last) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_plain(text: &str) -> bool {
        matches!(Pattern::new(text), Ok(Pattern::Plain(_)))
    }

    #[test]
    fn what_people_write_is_not_compiled() {
        for text in [
            ".*",
            "mcp__memory__.*",
            "^(Write|Edit)$",
            "^mcp__.*__(?:write_file|edit_file)$",
            "Edit.*|^Bash$",
            "Notebook.*Edit",
        ] {
            assert!(is_plain(text), "{text}");
        }
        for text in
            ["Writ[e]", "a.b", "(a|b)*", ".(*a)", "(a.)*", "((a|b)c)", "a^b", "a\\.b", "a?", "ä"]
        {
            assert!(!is_plain(text), "{text}");
        }
    }

    /// Pieces of which expressions are made.
    const PIECES: &[&str] =
        &["a", "b", "ab", ".*", "|", "(", "(?:", ")", "^", "$", "*", ".", "?", "_", "-"];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn a_plain_expression_means_the_same_as_a_compiled_one(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..8),
            value in "[ab_\n\u{2028}-]{0,6}",
        ) {
            let text = pieces.concat();
            if let Some(ways) = ways(&text) {
                let compiled = Regex::new(&text);
                prop_assert!(compiled.is_ok(), "{text}");
                let expected = compiled.unwrap().find(&value).is_some();
                prop_assert_eq!(Pattern::Plain(ways).is_in(&value), expected, "{} {:?}", text, value);
            }
        }
    }
}
