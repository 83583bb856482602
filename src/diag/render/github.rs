//! Findings as workflow commands of GitHub's runner, which shows them at the lines of a change.
//!
//! Invariant: one line for each finding, whatever stands in its texts.

use std::{io, path::Path};

use super::shown;
use crate::diag::{Diagnostic, Severity};

/// Writes all findings.
///
/// # Errors
///
/// What `out` reports.
pub(crate) fn render(
    diagnostics: &[Diagnostic],
    base: Option<&Path>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    diagnostics.iter().try_for_each(|found| writeln!(out, "{}", line(found, base)))
}

fn line(found: &Diagnostic, base: Option<&Path>) -> String {
    let command = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = &found.place {
        let (start, end) =
            (place.file.position(place.span.start), place.file.position(place.span.end));
        properties.push(format!("file={}", property(&shown(place.file.path(), base))));
        properties.push(format!("line={}", start.line));
        properties.push(format!("endLine={}", end.line));
        // The runner takes columns only within one line.
        if start.line == end.line {
            properties.push(format!("col={}", start.column));
            properties.push(format!("endColumn={}", end.column));
        }
    }
    properties.push(format!("title={}", property(found.rule.name)));
    format!("::{command} {}::{}", properties.join(","), data(&text(found, base)))
}

fn text(found: &Diagnostic, base: Option<&Path>) -> String {
    let related = found.related.iter().map(|(place, what)| {
        let at = place.file.position(place.span.start);
        format!("{what}: {}:{}:{}", shown(place.file.path(), base), at.line, at.column)
    });
    std::iter::once(found.message.clone())
        .chain(related)
        .chain(found.notes.iter().cloned())
        .chain(found.help.clone())
        .collect::<Vec<_>>()
        .join("\n")
}

/// What stands behind the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands in it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::Rule,
        source::{SourceFile, Span},
    };

    static RULE: Rule = Rule::warning("a-rule", "s", "e");

    fn rendered(found: Diagnostic) -> String {
        let mut out = Vec::new();
        render(&[found], Some(Path::new("/p")), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_line_with_everything_escaped() {
        let file = SourceFile::new("/p/a,b:c%.json", "{\n \"x\": 1}");
        let found = Diagnostic::new(&RULE, "100%\r\n:,").at(&file, Span::new(3, 6), "").help("h");
        assert_eq!(
            rendered(found),
            "::warning file=a%2Cb%3Ac%25.json,line=2,endLine=2,col=2,endColumn=5,title=a-rule\
             ::100%25%0D%0A:,%0Ah\n"
        );
    }

    #[test]
    fn several_lines_have_no_columns_and_no_place_is_fine() {
        let file = SourceFile::new("/p/f", "{\n}");
        let found = Diagnostic::new(&RULE, "m").at(&file, Span::new(0, 3), "");
        assert_eq!(rendered(found), "::warning file=f,line=1,endLine=2,title=a-rule::m\n");
        assert_eq!(rendered(Diagnostic::new(&RULE, "m")), "::warning title=a-rule::m\n");
    }
}
