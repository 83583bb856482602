//! Which hooks are meant: by their names, or picked from a list at a terminal.

use crate::{
    cli::{
        exit::Exit,
        failure::Failure,
        output::{DIM, NAME, styled},
    },
    diag::render::text::clean,
};

use super::{
    super::{Desk, here::Here},
    listed::{Listed, resolve},
};

/// The entries that are meant, each once, as indices. Without a name, those are offered that
/// `is_offered`.
pub(super) fn meant(
    desk: &Desk<'_>,
    here: &Here,
    all: &[Listed],
    names: &[String],
    is_offered: &dyn Fn(&Listed) -> bool,
) -> Result<Vec<usize>, Failure> {
    if names.is_empty() {
        return picked(desk, here, all, is_offered);
    }
    let mut meant = Vec::new();
    for name in names {
        let at = resolve(here, all, name)?;
        if !meant.contains(&at) {
            meant.push(at);
        }
    }
    Ok(meant)
}

fn picked(
    desk: &Desk<'_>,
    here: &Here,
    all: &[Listed],
    is_offered: &dyn Fn(&Listed) -> bool,
) -> Result<Vec<usize>, Failure> {
    let offered: Vec<usize> = (0..all.len()).filter(|&at| is_offered(&all[at])).collect();
    let no_name = || {
        Failure::new(Exit::Usage, "no hook is named")
            .hint("name one: `cph hooks list` shows the names")
    };
    if offered.is_empty() {
        return Err(Failure::new(Exit::Usage, "there is no hook here that this can be done to"));
    }
    if !crate::cli::output::has_person() {
        return Err(no_name());
    }
    for (index, &at) in offered.iter().enumerate() {
        let one = &all[at];
        let number = styled(NAME, format_args!("{:>3}", index + 1));
        let place = styled(DIM, clean(&one.place(here)));
        let what = clean(&one.entry.handler.to_string());
        desk.output.complain(format_args!("{number}  {}  {what}  {place}", clean(&one.name)));
    }
    let answer = desk.output.ask_line("Which? (numbers such as 1 3-4; nothing: none)");
    let answer = answer.unwrap_or_default();
    let numbers = numbers(&answer, offered.len()).map_err(|word| {
        Failure::new(Exit::Usage, format!("`{word}` is no number of the list"))
            .hint("nothing was changed")
    })?;
    if numbers.is_empty() {
        Err(no_name())
    } else {
        Ok(numbers.iter().map(|n| offered[n - 1]).collect())
    }
}

/// `1 3-4, 7` as numbers from 1 to `most`, each once and in this order; else the word that is none.
fn numbers(answer: &str, most: usize) -> Result<Vec<usize>, String> {
    let mut all = Vec::new();
    for word in answer.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let number = |text: &str| text.parse().ok().filter(|number| (1..=most).contains(number));
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            return Err(word.to_owned());
        };
        all.extend((first..=last).filter(|number| !all.contains(number)).collect::<Vec<_>>());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_numbers_and_ranges() {
        assert_eq!(numbers("1 3-4,7 3", 7), Ok(vec![1, 3, 4, 7]));
        assert_eq!(numbers("  ", 7), Ok(vec![]));
        assert_eq!(numbers("4-3", 7), Ok(vec![]));
        for bad in ["0", "8", "x", "1-9", "-1", "1-"] {
            assert_eq!(numbers(bad, 7), Err(bad.to_owned()), "{bad}");
        }
    }
}
