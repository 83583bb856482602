//! Texts that are too long for the host.

use super::Spill;

/// What the host takes of one text, in UTF-16 units; of more it would show the model two
/// thousand characters.
pub(super) const LIMIT: usize = 10_000;

/// The text as the host takes it: a longer one is cut, with a mark that names the file in which
/// it stands whole.
pub(super) fn fit(text: &str, spill: &mut Spill<'_>) -> String {
    if units(text) <= LIMIT {
        return text.to_owned();
    }
    let whole = match spill(text) {
        Some(path) => format!("whole in {}", path.display()),
        None => "the rest could not be kept".to_owned(),
    };
    let mark = format!("\n[cph: cut, {} of {} characters; {whole}]", LIMIT, units(text));
    let mut cut = text.to_owned();
    truncate(&mut cut, LIMIT.saturating_sub(units(&mark)));
    cut + &mark
}

/// Cuts a text to so many UTF-16 units, between characters; whether it was longer.
pub(super) fn truncate(text: &mut String, limit: usize) -> bool {
    let mut count = 0;
    let cut = text.char_indices().find(|(_, c)| {
        count += c.len_utf16();
        count > limit
    });
    if let Some((at, _)) = cut {
        text.truncate(at);
    }
    cut.is_some()
}

pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}
