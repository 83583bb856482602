//! Lists inside of a sentence: "A, B and C", "1 through 10", and what their items are.
//!
//! Knows no verbs. Invariant: items of a list are of one kind; where nothing says which, there is
//! no list unless the sentence says "each".

use super::{
    FEWEST, Item, Kind, MOST,
    request::{Request, reaches},
    vocabulary::{APART, ARTICLES, JOINT_AFTER, REACH, thing},
    words::{Token, is_file, is_in, is_label, is_numbered, number},
};

/// How much an item of a list may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// One word, or two that begin alike ("customer A, customer B").
    Plain,
    /// Everything up to the next comma and to the end of the sentence.
    Open,
}

/// The items of which a request speaks.
pub(super) fn find(request: &Request<'_>) -> Option<Vec<Item>> {
    after_colon(request).or_else(|| {
        let object = before_colon(&request.rest);
        (0..object.len()).find_map(|at| {
            range(request, object, at)
                .or_else(|| typed(request, object, at))
                .or_else(|| before_things(request, object, at))
        })
    })
}

fn before_colon<'a, 't>(words: &'a [Token<'t>]) -> &'a [Token<'t>] {
    let end = words.iter().position(|word| matches!(word, Token::Colon | Token::Break));
    &words[..end.unwrap_or(words.len())]
}

/// "each region: north, south, east", "these papers: a, b, c", "these files: a.rs b.rs c.rs".
fn after_colon(request: &Request<'_>) -> Option<Vec<Item>> {
    let at = request.rest.iter().position(|word| *word == Token::Colon)?;
    let (lead, list) = (&request.rest[..at], &request.rest[at + 1..]);
    let kind = announced(request, lead)?.kind();
    let (items, used) = enumeration(list, Frame::Open).or_else(|| in_a_row(list))?;
    let is_all = list[used..]
        .iter()
        .all(|token| matches!(token, Token::Break | Token::Comma | Token::Question));
    let is_of_kind = kind.is_some() || items.iter().all(|item| item.kind == Kind::File);
    (is_all && is_of_kind).then(|| as_kind(items, kind))
}

/// What the items of a list are that words before it announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    Of(Kind),
    /// Only the items themselves can say it.
    Unsaid,
}

impl Announced {
    pub(super) fn kind(self) -> Option<Kind> {
        match self {
            Self::Of(kind) => Some(kind),
            Self::Unsaid => None,
        }
    }
}

/// What the words before a list announce; `None`: no list of separate things.
pub(super) fn announced(request: &Request<'_>, lead: &[Token<'_>]) -> Option<Announced> {
    let is_each = lead.iter().any(|word| word.is_in(APART)) || request.is_apart;
    if !reaches(lead, is_each) {
        return None;
    }
    let pointed = lead.iter().position(|word| word.is_in(&["these", "following"]));
    let named = pointed
        .and_then(|at| lead[at + 1..].iter().take(4).filter_map(Token::word).find_map(thing));
    let says_each = lead.iter().any(|word| word.is_in(&["each", "every"]));
    // "Create an enum with these values": one thing is made of them.
    let makes_one = request.makes && !says_each && lead.first().is_some_and(|w| w.is_in(ARTICLES));
    match named {
        _ if makes_one => None,
        Some((_, kind)) => Some(Announced::Of(kind)),
        None if says_each => Some(Announced::Of(Kind::Text)),
        None => Some(Announced::Unsaid),
    }
}

fn as_kind(mut items: Vec<Item>, kind: Option<Kind>) -> Vec<Item> {
    for item in &mut items {
        if let (Kind::Text, Some(kind)) = (item.kind, kind) {
            item.kind = kind;
        }
    }
    items
}

/// File names with nothing but blanks between them.
fn in_a_row(list: &[Token<'_>]) -> Option<(Vec<Item>, usize)> {
    let names = list.iter().map_while(|token| token.word().filter(|word| is_file(word)));
    let items: Vec<_> = names.map(|name| item(name, Kind::File)).collect();
    let count = items.len();
    (count >= FEWEST).then_some((items, count))
}

/// "documents 1 through 10", "chapters 1-5", "meetings 1, 2, 3 and 4".
fn range(request: &Request<'_>, object: &[Token<'_>], at: usize) -> Option<Vec<Item>> {
    let (one, _) = thing(object.get(at)?.word()?)?;
    if !reaches(&object[..at], request.is_apart) || !may_follow(request, object, at) {
        return None;
    }
    let list = &object[at + 1..];
    let (numbers, used) = span(list).or_else(|| numbers(list))?;
    if !is_end(&list[used..]) {
        return None;
    }
    Some(numbers.iter().map(|number| item(&format!("{one} {number}"), Kind::Number)).collect())
}

/// The numbers from one to another.
fn span(list: &[Token<'_>]) -> Option<(Vec<String>, usize)> {
    let first = list.first()?.word()?;
    let dash = first.split_once(['-', '–']).or_else(|| first.split_once(".."));
    let (from, to, used) = if let Some((from, to)) = dash {
        (number(from)?, number(to)?, 1)
    } else {
        let is_through = list.get(1)?.is_in(&["through", "to", "thru", "until"]);
        let to = list.get(2).filter(|_| is_through)?.word()?;
        (number(first)?, number(to)?, 3)
    };
    let count = usize::try_from(to.checked_sub(from)?).ok()? + 1;
    let is_sound = (FEWEST..=MOST).contains(&count);
    is_sound.then(|| ((from..=to).map(|number| number.to_string()).collect(), used))
}

fn numbers(list: &[Token<'_>]) -> Option<(Vec<String>, usize)> {
    let (items, used) = enumeration(list, Frame::Plain)?;
    let is_number = |name: &str| number(name.trim_start_matches('#')).is_some();
    let all = items.iter().all(|item| is_number(&item.name));
    all.then(|| (items.into_iter().map(|item| item.name).collect(), used))
}

/// A list whose items say what they are, or whose noun stands before it: "a.rs, b.rs and c.rs",
/// "modules X, Y and Z", "each of A, B and C".
fn typed(request: &Request<'_>, object: &[Token<'_>], at: usize) -> Option<Vec<Item>> {
    let before = &object[..at];
    let is_each = is_each_of(before);
    if !reaches(before, is_each || request.is_apart) {
        return None;
    }
    let (items, used) = enumeration(&object[at..], Frame::Plain)?;
    let after = &object[at + used..];
    // "the Q1, Q2 and Q3 columns": parts of one thing.
    let is_attribute = before.last().is_some_and(|word| word.is("the"))
        && after.first().and_then(Token::word).is_some_and(|word| !is_in(word, REACH));
    if is_attribute || !(is_each || is_end(after)) {
        return None;
    }
    let noun = before.last().and_then(Token::word).and_then(thing);
    let is_clear = is_each || noun.is_some() || is_typed(&items);
    let is_reached = is_each || may_follow(request, object, at);
    (is_clear && is_reached && begins_here(before, noun.is_some() || is_each))
        .then(|| as_kind(items, noun.map(|(_, kind)| kind)))
}

/// "each of", also with "the models" behind it.
fn is_each_of(before: &[Token<'_>]) -> bool {
    let tail = &before[before.len().saturating_sub(4)..];
    (0..tail.len()).any(|at| {
        let rest = &tail[at..];
        let is_said = rest.first().is_some_and(|word| word.is("each"))
            && rest.get(1).is_some_and(|word| word.is("of"));
        let noun = rest.get(2..).unwrap_or_default();
        is_said
            && match noun {
                [] => true,
                [determiner, noun] => {
                    determiner.is_in(&["the", "these"]) && noun.word().and_then(thing).is_some()
                }
                _ => false,
            }
    })
}

/// "the billing, invoicing and payments modules".
fn before_things(request: &Request<'_>, object: &[Token<'_>], at: usize) -> Option<Vec<Item>> {
    let before = &object[..at];
    let is_introduced = before.last().is_some_and(|word| word.is_in(&["the", "our", "all"]));
    if !is_introduced || !reaches(before, request.is_apart) {
        return None;
    }
    let (items, used) = enumeration(&object[at..], Frame::Plain)?;
    let after = &object[at + used..];
    let (distance, (_, kind)) = after
        .iter()
        .take(2)
        .map_while(Token::word)
        .enumerate()
        .find_map(|(distance, word)| Some((distance, thing(word)?)))?;
    let is_reached = may_follow(request, object, at) && is_end(&after[distance + 1..]);
    is_reached.then(|| as_kind(items, Some(kind)))
}

/// Whether a list at `at` is what the verb reaches: what makes something reaches it only through
/// a preposition, or by the name of what is made, and not when one thing is made of all.
fn may_follow(request: &Request<'_>, object: &[Token<'_>], at: usize) -> bool {
    let before = &object[..at];
    let reach = before.iter().position(|word| word.is_in(REACH));
    let is_one = before.first().is_some_and(|word| word.is_in(ARTICLES));
    if reach.is_some() && is_one && !request.is_apart {
        return false;
    }
    // "Run the migrations 1, 2 and 3": they build on each other by nature.
    let is_migration = is_in(request.verb, &["run", "apply"])
        && object.iter().any(|word| word.is_in(&["migrations", "migration"]));
    let is_direct =
        !request.makes || reach.is_some() || object[at].word().and_then(thing).is_some();
    is_direct && !is_migration
}

/// Whether nothing stands before the list that could belong to its first item.
fn begins_here(before: &[Token<'_>], is_named: bool) -> bool {
    let Some(last) = before.last() else { return true };
    let is_open = last.is_in(REACH) || last.is_in(&["the", "both", "all"]);
    // "the images hero.png, logo.png": a noun that the table does not know, but names of files.
    is_named || is_open || last.word().is_some_and(|word| word.ends_with('s') || word == "up")
}

/// Whether every item says itself what it is.
fn is_typed(items: &[Item]) -> bool {
    let all = |test: fn(&str) -> bool| items.iter().all(|item| test(&item.name));
    all(is_file) || all(is_label) || all(is_numbered) || all(is_member)
}

/// "customer A": one of many by its letter, number or name; not "cargo test".
fn is_member(name: &str) -> bool {
    let first = name.split_once(' ').and_then(|(_, rest)| rest.chars().next());
    first.is_some_and(|c| c.is_uppercase() || c.is_ascii_digit())
}

/// Whether what follows a list does not take its items together.
fn is_end(after: &[Token<'_>]) -> bool {
    let Some(first) = after.first() else { return true };
    let into = after.iter().position(|word| word.is("into") || word.is("as"));
    let is_joined = into.is_some_and(|at| {
        after.get(at + 1).is_some_and(|word| {
            word.is_in(&["one", "a", "an", "single", "the"]) || word.word().is_some_and(is_file)
        })
    });
    !first.is_in(JOINT_AFTER)
        && !is_joined
        && !after.iter().any(|word| word.is_in(&["together", "jointly", "combined"]))
}

fn item(name: &str, kind: Kind) -> Item {
    Item { name: name.to_owned(), kind }
}

/// Items between commas and "and", and how many words they take.
pub(super) fn enumeration(words: &[Token<'_>], frame: Frame) -> Option<(Vec<Item>, usize)> {
    let width = match frame {
        Frame::Plain => plain_width(words)?,
        Frame::Open => MOST_WORDS,
    };
    let (mut items, mut at, mut had_and) = (Vec::new(), 0, false);
    loop {
        let parts: Vec<_> =
            words[at..].iter().map_while(|token| token.word().filter(|w| !is_and(w))).collect();
        let is_last = had_and || !is_joined(&words[at + parts.len()..]);
        let taken = if frame == Frame::Plain { parts.len().min(width) } else { parts.len() };
        let is_whole = taken == parts.len() || is_last;
        if taken == 0 || taken > width || !is_whole {
            break;
        }
        let name = parts[..taken].join(" ");
        items.push(item(&name, if is_file(&name) { Kind::File } else { Kind::Text }));
        at += taken;
        let separator = separator(&words[at..]);
        if is_last || separator == 0 {
            break;
        }
        had_and = words[at..at + separator].iter().any(|token| token.word().is_some());
        at += separator;
    }
    (items.len() >= FEWEST).then_some((items, at))
}

/// The longest item after a colon.
const MOST_WORDS: usize = 6;

/// How many words each item has: one, or two that begin alike.
fn plain_width(words: &[Token<'_>]) -> Option<usize> {
    let pairs = [words.first(), words.get(1), words.get(2), words.get(3)];
    let [Some(first), Some(second), Some(third), Some(fourth)] = pairs else { return None };
    let is_pair = second.word().is_some()
        && *third == Token::Comma
        && first.word().is_some_and(|word| fourth.is(word));
    Some(if is_pair { 2 } else { 1 })
}

fn is_and(word: &str) -> bool {
    matches!(word, "and" | "And" | "&" | "plus")
}

fn is_joined(rest: &[Token<'_>]) -> bool {
    separator(rest) > 0
}

/// How many tokens stand between two items: a comma, an "and", or both.
fn separator(rest: &[Token<'_>]) -> usize {
    let is_and = |token: Option<&Token<'_>>| token.and_then(Token::word).is_some_and(is_and);
    match rest.first() {
        Some(Token::Comma) if is_and(rest.get(1)) => 2,
        Some(Token::Comma) => 1,
        first if is_and(first) => 1,
        _ => 0,
    }
}
