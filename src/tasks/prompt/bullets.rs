//! Lists of bullets or numbers under a sentence that says what to do with them.
//!
//! Knows nothing of lists inside of a sentence. Invariant: without such a sentence there is no
//! work: a list alone may be anything.

use super::{
    FEWEST, Item, Kind, Parallel, lists,
    request::{Request, starts_with},
    text::{Block, QUOTED, Text, sentences},
    vocabulary::{MAKE, NOT, SIDE_BY_SIDE, TREAT},
    words::{Token, is_file, is_in, tokens},
};

/// More words of requests than the tables have for what is done to lists.
const MORE_VERBS: &[&str] = &[
    "apply",
    "bump",
    "change",
    "configure",
    "delete",
    "drop",
    "enable",
    "disable",
    "explain",
    "install",
    "introduce",
    "merge",
    "move",
    "remove",
    "rename",
    "replace",
    "report",
    "set",
    "show",
    "send",
    "look",
    "read",
    "search",
    "support",
    "use",
];

/// Words in an item that need another item.
const BACK: &[&str] = &["above", "previous", "result", "results", "it", "them", "both", "again"];

/// The parallel work of the only list in a text.
pub(super) fn find(text: &Text) -> Option<Parallel> {
    let mut lists = text.blocks.iter().enumerate().filter_map(|(at, block)| match block {
        Block::List(items) => Some((at, items)),
        Block::Prose(_) => None,
    });
    let (at, items) = lists.next()?;
    if lists.next().is_some() || items.len() < FEWEST || items.iter().any(|i| i.contains(QUOTED)) {
        return None;
    }
    let Some(Block::Prose(lead)) = text.blocks.get(at.checked_sub(1)?) else { return None };
    let lead = sentences(lead).pop()?;
    treated(&lead, items).or_else(|| side_by_side(&lead, items))
}

/// "Review these files:" and names of files.
fn treated(lead: &str, items: &[String]) -> Option<Parallel> {
    let words = tokens(lead.trim_end_matches(':'));
    let words = without_denied_dependence(&words);
    let request = Request::of(&words)?;
    let kind = lists::announced(&request, &request.rest)?.kind();
    let are_files = items.iter().all(|item| is_file(item));
    let kind = if are_files { Kind::File } else { kind? };
    Some(Parallel { verb: request.verb.to_lowercase(), items: named(items, kind) })
}

/// The lead up to "they do not depend on each other", which limits nothing.
fn without_denied_dependence<'t>(words: &[Token<'t>]) -> Vec<Token<'t>> {
    let is_said = |at: usize| {
        let rest = &words[at..];
        [&["they", "do", "not", "depend"], &["they", "don't", "depend", "on"]]
            .iter()
            .any(|phrase| starts_with(rest, *phrase))
    };
    let end = (0..words.len()).find(|&at| is_said(at)).unwrap_or(words.len());
    words[..end].to_vec()
}

/// "Do these in parallel:" and requests.
fn side_by_side(lead: &str, items: &[String]) -> Option<Parallel> {
    let words = tokens(lead);
    let says = |phrase: &&[&str]| (0..words.len()).any(|at| starts_with(&words[at..], phrase));
    let is_said = SIDE_BY_SIDE.iter().any(says) && !words.iter().any(|word| word.is_in(NOT));
    let is_asked = words.iter().all(|word| *word != Token::Question);
    let are_requests = items.iter().all(|item| is_request(item));
    (is_said && is_asked && are_requests)
        .then(|| Parallel { verb: String::new(), items: named(items, Kind::Task) })
}

fn is_request(item: &str) -> bool {
    let words = tokens(item);
    let verb = words.first().and_then(Token::word);
    let is_verb = verb.is_some_and(|verb| [TREAT, MAKE, MORE_VERBS].iter().any(|t| is_in(verb, t)));
    is_verb && !words.iter().any(|word| word.is_in(BACK))
}

fn named(items: &[String], kind: Kind) -> Vec<Item> {
    let item =
        |text: &String| Item { name: text.trim_end_matches(['.', ',', ';']).to_owned(), kind };
    items.iter().map(item).collect()
}
