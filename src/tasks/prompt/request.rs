//! One sentence: does it ask for one thing of each of several, and of which.
//!
//! Knows sentences only; lists of bullets are [`super::bullets`]. Invariant: the sentence begins
//! with the request, and says nothing that limits it.

use super::{
    Parallel,
    lists::{self, Frame},
    text::{Block, QUOTED, Text},
    vocabulary::{APART, ASKING, JOINT, MAKE, NOT, ORDERED, POLITE, SUBORDINATE, TREAT},
    words::{Token, tokens},
};

/// Whether anything in a prompt speaks of an order.
pub(super) fn is_ordered(text: &Text) -> bool {
    text.blocks.iter().any(|block| match block {
        Block::Prose(prose) => is_ordered_line(prose),
        Block::List(items) => items.iter().any(|item| is_ordered_line(item)),
    })
}

fn is_ordered_line(line: &str) -> bool {
    let words = tokens(line);
    let says = |phrase: &&[&str]| {
        (0..words.len()).any(|at| {
            let rest = &words[at..];
            let is_said = starts_with(rest, phrase);
            let next = rest.get(phrase.len());
            // "in order to" says why; "they do not depend on each other" says the contrary.
            let is_why = *phrase == ["in", "order"] && next.is_some_and(|next| next.is("to"));
            let is_denied = words[..at].iter().rev().take(2).any(|word| word.is_in(NOT));
            is_said && !is_why && !is_denied
        })
    };
    let is_first = words.first().is_some_and(|word| word.is("first"));
    is_first || ORDERED.iter().any(says)
}

pub(super) fn starts_with(words: &[Token<'_>], phrase: &[&str]) -> bool {
    words.len() >= phrase.len() && phrase.iter().zip(words).all(|(want, word)| word.is(want))
}

/// A request: its verb, and what follows.
pub(super) struct Request<'t> {
    pub(super) verb: &'t str,
    /// Whether it makes something new.
    pub(super) makes: bool,
    pub(super) rest: Vec<Token<'t>>,
    /// Whether it says that each is done on its own.
    pub(super) is_apart: bool,
}

/// The parallel work that a sentence asks for.
pub(super) fn find(sentence: &str) -> Option<Parallel> {
    let words = tokens(sentence);
    if let Some(found) = for_each(&words) {
        return Some(found);
    }
    let request = Request::of(&words)?;
    let found = lists::find(&request)?;
    Some(Parallel { verb: request.verb.to_lowercase(), items: found })
}

/// "For each of A, B and C, write a note."
fn for_each(words: &[Token<'_>]) -> Option<Parallel> {
    let is_one = starts_with(words, &["for", "each", "of"]) && !is_limited(words);
    let (items, used) = lists::enumeration(words.get(3..).filter(|_| is_one)?, Frame::Plain)?;
    let rest = words.get(3 + used..)?.strip_prefix(&[Token::Comma])?;
    let request = Request::of(rest)?;
    Some(Parallel { verb: request.verb.to_lowercase(), items })
}

impl<'t> Request<'t> {
    /// The request that a sentence begins with.
    pub(super) fn of(words: &[Token<'t>]) -> Option<Self> {
        let asks = words.contains(&Token::Question);
        let (rest, is_asked) = without_courtesy(words);
        let verb = rest.first()?.word()?;
        let known = |table: &[&str]| super::words::is_in(verb, table);
        let is_known = known(TREAT) || known(MAKE);
        // Only courtesy makes a request of a question.
        if !is_known || (asks && !is_asked) || is_limited(words) {
            return None;
        }
        let is_apart = rest.iter().any(|word| word.is_in(APART))
            || (0..rest.len()).any(|at| starts_with(&rest[at..], &["in", "parallel"]));
        Some(Self { verb, makes: known(MAKE), rest: rest[1..].to_vec(), is_apart })
    }
}

/// Whether what stands between verb and list lets the verb reach each item.
pub(super) fn reaches(between: &[Token<'_>], is_each: bool) -> bool {
    let has = |table: &[&str]| between.iter().any(|word| word.is_in(table));
    let is_apart = is_each || has(&["each", "separate"]);
    between.len() <= MOST_BETWEEN
        && !has(SUBORDINATE)
        && (is_apart || !has(JOINT))
        && !between.iter().any(|token| matches!(token, Token::Break | Token::Colon))
}

/// Words that may stand between the verb and its list.
const MOST_BETWEEN: usize = 12;

fn is_limited(words: &[Token<'_>]) -> bool {
    words.iter().any(|word| word.is_in(NOT) || word.word().is_some_and(|w| w.contains(QUOTED)))
}

/// What is left without greetings and ways of asking; whether it was asked for.
fn without_courtesy<'a, 't>(words: &'a [Token<'t>]) -> (&'a [Token<'t>], bool) {
    let (mut rest, mut is_asked) = (words, false);
    loop {
        if let Some(phrase) = ASKING.iter().find(|phrase| starts_with(rest, phrase)) {
            rest = &rest[phrase.len()..];
            is_asked = true;
        } else if let [first, after @ ..] = rest
            && (first.is_in(POLITE) || matches!(first, Token::Comma | Token::Colon))
        {
            rest = after;
        } else {
            return (rest, is_asked);
        }
    }
}
