//! Findings as text: the sentence, the line, carets under the place, notes and help.
//!
//! Does not know the terminal: colour and width are told. Invariants: carets stand under what
//! they mean, whatever tabs, wide characters and long lines there are; what is said of several
//! places of a file in the same words is said once, with the other lines.

mod excerpt;

use std::{collections::BTreeMap, io, path::Path};

use anstyle::{AnsiColor, Style};

use super::shown;
use crate::diag::{Diagnostic, Place, Severity};
use excerpt::Excerpt;
pub(crate) use excerpt::{clean, columns, cut};

/// How findings look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'p> {
    pub(crate) is_coloured: bool,
    /// Columns of the terminal; long lines are cut to a window around the place.
    pub(crate) width: usize,
    /// Paths below it are shown relative to it.
    pub(crate) base: Option<&'p Path>,
}

impl Default for Look<'_> {
    fn default() -> Self {
        Self { is_coloured: false, width: 100, base: None }
    }
}

/// More lines than anybody looks up one by one.
const MOST_LINES: usize = 24;

/// Writes all findings, a blank line after each. The same about another place of the same file is
/// told with the first of them.
///
/// # Errors
///
/// What `out` reports.
pub(crate) fn render(
    diagnostics: &[Diagnostic],
    look: Look<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    for (first, more) in alike(diagnostics) {
        one(first, &more, look, out)?;
    }
    Ok(())
}

/// Findings with those that say the same of the same file, in the order of the first of each.
fn alike(diagnostics: &[Diagnostic]) -> Vec<(&Diagnostic, Vec<&Diagnostic>)> {
    let mut all: Vec<(&Diagnostic, Vec<&Diagnostic>)> = Vec::new();
    let mut known = BTreeMap::new();
    for found in diagnostics {
        // What belongs to other places is about those too.
        let Some(place) = found.place.as_ref().filter(|_| found.related.is_empty()) else {
            all.push((found, Vec::new()));
            continue;
        };
        let key = (place.file.path(), found.rule.name, found.severity, found.message.as_str());
        let at = *known.entry(key).or_insert(all.len());
        match all.get_mut(at) {
            Some((_, more)) => more.push(found),
            None => all.push((found, Vec::new())),
        }
    }
    all
}

/// `the same in line 7`, `the same 3 times more, in lines 7, 9 and 12`.
fn repeated(more: &[&Diagnostic]) -> Option<String> {
    let line = |found: &&Diagnostic| {
        found.place.as_ref().map(|place| place.file.position(place.span.start).line)
    };
    let mut lines: Vec<_> = more.iter().filter_map(line).collect();
    lines.dedup();
    let is_cut = lines.len() > MOST_LINES;
    lines.truncate(MOST_LINES);
    let shown: Vec<_> = lines.iter().map(ToString::to_string).collect();
    let times =
        if more.len() == 1 { String::new() } else { format!(" {} times more,", more.len()) };
    match shown.split_last()? {
        (last, []) => Some(format!("the same{times} in line {last}")),
        (_, _) if is_cut => {
            Some(format!("the same{times} in lines {} and others", shown.join(", ")))
        }
        (last, rest) => Some(format!("the same{times} in lines {} and {last}", rest.join(", "))),
    }
}

/// `2 errors, 1 warning`; nothing for none.
pub(crate) fn summary(diagnostics: &[Diagnostic]) -> Option<String> {
    let counts = [Severity::Error, Severity::Warning, Severity::Hint].map(|severity| {
        let count = diagnostics.iter().filter(|d| d.severity == severity).count();
        (count > 0).then(|| format!("{count} {severity}{}", if count == 1 { "" } else { "s" }))
    });
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

fn one(
    diagnostic: &Diagnostic,
    more: &[&Diagnostic],
    look: Look<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let paint = Paint { is_on: look.is_coloured };
    let severity = severity_style(diagnostic.severity);
    let head = paint.with(severity, &diagnostic.severity.to_string());
    let message = paint.with(Style::new().bold(), &clean(&diagnostic.message));
    let rule = paint.with(Style::new().dimmed(), &format!("[{}]", diagnostic.rule.name));
    writeln!(out, "{head}: {message} {rule}")?;
    let gutter = match &diagnostic.place {
        Some(place) => located(diagnostic, place, look, out)?,
        None => 1,
    };
    let frame = Style::new().fg_color(Some(AnsiColor::Blue.into())).bold();
    // What is to be done is said once.
    let repair = diagnostic.fix.as_ref().filter(|_| diagnostic.help.is_none());
    let repair = repair.map(|fix| format!("`--fix` can {}", fix.title));
    let related: Vec<_> = diagnostic.related.iter().map(|other| told(other, look)).collect();
    for (kind, text) in repeated(more)
        .iter()
        .chain(&related)
        .chain(&diagnostic.notes)
        .map(|note| ("note", note))
        .chain(diagnostic.help.iter().map(|help| ("help", help)))
        .chain(repair.iter().map(|repair| ("help", repair)))
    {
        let mark = paint.with(frame, "=");
        let kind = paint.with(Style::new().bold(), kind);
        writeln!(out, "{:gutter$} {mark} {kind}: {}", "", clean(text))?;
    }
    writeln!(out)
}

/// `WHAT: path:line:column`
fn told((place, what): &(Place, String), look: Look<'_>) -> String {
    let at = place.file.position(place.span.start);
    format!("{what}: {}:{}:{}", shown(place.file.path(), look.base), at.line, at.column)
}

/// Path, line and carets; gives back the width of the line number.
fn located(
    diagnostic: &Diagnostic,
    place: &Place,
    look: Look<'_>,
    out: &mut dyn io::Write,
) -> io::Result<usize> {
    let paint = Paint { is_on: look.is_coloured };
    let frame = Style::new().fg_color(Some(AnsiColor::Blue.into())).bold();
    let at = place.file.position(place.span.start);
    let number = at.line.to_string();
    let gutter = number.len();
    let path = clean(&shown(place.file.path(), look.base));
    let arrow = paint.with(frame, "-->");
    writeln!(out, "{:gutter$}{arrow} {path}:{}:{}", "", at.line, at.column)?;
    if place.file.text().is_empty() {
        return Ok(gutter);
    }
    let room = look.width.saturating_sub(gutter + 3).max(20);
    let excerpt = Excerpt::of(&place.file, place.span, room);
    let bar = paint.with(frame, "|");
    let number = paint.with(frame, &number);
    let carets = format!("{}{}", "^".repeat(excerpt.carets), excerpt.continues());
    let label = diagnostic.label.as_deref().map(|l| format!(" {}", clean(l))).unwrap_or_default();
    let carets = paint.with(severity_style(diagnostic.severity), &format!("{carets}{label}"));
    writeln!(out, "{:gutter$} {bar}", "")?;
    writeln!(out, "{number} {bar} {}", excerpt.text)?;
    writeln!(out, "{:gutter$} {bar} {:indent$}{carets}", "", "", indent = excerpt.indent)?;
    Ok(gutter)
}

fn severity_style(severity: Severity) -> Style {
    let colour = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Hint => AnsiColor::Cyan,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

struct Paint {
    is_on: bool,
}

impl Paint {
    fn with(&self, style: Style, text: &str) -> String {
        if self.is_on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::Rule,
        source::{SourceFile, Span},
    };

    static RULE: Rule =
        Rule { name: "a-rule", severity: Severity::Error, summary: "s", explanation: "e" };

    fn rendered(text: &str, part: &str, look: Look<'_>) -> String {
        let file = SourceFile::new("/p/f.json", text);
        let start = text.find(part).unwrap();
        let found = Diagnostic::new(&RULE, "this is wrong")
            .at(&file, Span::new(start, start + part.len()), "")
            .label("here")
            .note("it matters")
            .help("mend it");
        let mut out = Vec::new();
        render(&[found], look, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn shows_place_and_advice() {
        let look = Look { base: Some(Path::new("/p")), ..Look::default() };
        insta::assert_snapshot!(rendered("{\n\t\"a\": 7\n}", "7", look), @r#"
        error: this is wrong [a-rule]
         --> f.json:2:7
          |
        2 |     "a": 7
          |          ^ here
          = note: it matters
          = help: mend it
        "#);
    }

    #[test]
    fn places_of_several_lines_show_the_first() {
        let shown = rendered("[\n  {\n    \"a\": 1\n  }]", "{\n    \"a\": 1\n  }", Look::default());
        insta::assert_snapshot!(shown, @r#"
        error: this is wrong [a-rule]
         --> /p/f.json:2:3
          |
        2 |   {
          |   ^... here
          = note: it matters
          = help: mend it
        "#);
    }

    #[test]
    fn the_same_elsewhere_in_the_file_is_told_with_the_first() {
        let of = |lines: &[usize]| {
            let text = "x\n".repeat(40);
            let (file, other) = (SourceFile::new("/p/f", text), SourceFile::new("/p/g", "x"));
            let at = |&line: &usize| {
                Diagnostic::new(&RULE, "wrong").at(&file, Span::new(2 * line - 2, 2 * line - 1), "")
            };
            let mut all: Vec<_> = lines.iter().map(at).collect();
            all.push(Diagnostic::new(&RULE, "other").at(&file, Span::new(0, 1), ""));
            all.push(Diagnostic::new(&RULE, "wrong").at(&other, Span::new(0, 1), ""));
            let mut out = Vec::new();
            render(&all, Look::default(), &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let notes = text.lines().filter(|line| line.contains("note:")).map(str::trim);
            assert_eq!(text.matches("error:").count(), 3, "{text}");
            notes.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(of(&[3]), "");
        assert_eq!(of(&[3, 5]), "= note: the same in line 5");
        assert_eq!(of(&[3, 3, 3]), "= note: the same 2 times more, in line 3");
        assert_eq!(of(&[3, 5, 7, 9]), "= note: the same 3 times more, in lines 5, 7 and 9");
        let many = of(&(1..=40).collect::<Vec<_>>());
        assert!(many.contains("39 times more, in lines 2, 3, "), "{many}");
        assert!(many.ends_with(", 25 and others"), "{many}");
    }

    #[test]
    fn without_a_place_there_is_no_excerpt() {
        let mut out = Vec::new();
        let found = Diagnostic::new(&RULE, "with \u{1b}[31m in it").help("h");
        render(&[found], Look::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "error: with \u{fffd}[31m in it [a-rule]\n  = help: h\n\n");
    }

    #[test]
    fn colours_only_when_asked() {
        let plain = rendered("7", "7", Look::default());
        assert!(!plain.contains('\u{1b}'));
        let coloured = rendered("7", "7", Look { is_coloured: true, ..Look::default() });
        assert!(coloured.contains("\u{1b}[1m\u{1b}[31merror\u{1b}[0m"), "{coloured:?}");
    }

    #[test]
    fn counts_by_severity() {
        let hint = Diagnostic { severity: Severity::Hint, ..Diagnostic::new(&RULE, "x") };
        let all = [Diagnostic::new(&RULE, "x"), hint, Diagnostic::new(&RULE, "y")];
        assert_eq!(summary(&all).unwrap(), "2 errors, 1 hint");
        assert_eq!(summary(&[]), None);
    }
}
