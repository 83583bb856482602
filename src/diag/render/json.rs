//! Findings as a JSON array, one finding a line.
//!
//! Invariant: the names of the fields stay; new ones may come.

use std::{io, path::Path};

use serde::Serialize;

use super::shown;
use crate::diag::{Diagnostic, Edit, Fix, Place};

/// What a finding looks like to programs. Lines and columns start at 1; columns count characters.
#[derive(Serialize)]
struct Finding<'d> {
    rule: &'static str,
    severity: &'static str,
    message: &'d str,
    path: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
    pointer: Option<&'d str>,
    label: Option<&'d str>,
    notes: &'d [String],
    help: Option<&'d str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Related<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Repair<'d>>,
}

/// Another place.
#[derive(Serialize)]
struct Related<'d> {
    what: &'d str,
    path: String,
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Repair<'d> {
    title: &'d str,
    edits: Vec<Replacement<'d>>,
}

/// Bytes from `start` to `end` of the file become `text`.
#[derive(Serialize)]
struct Replacement<'d> {
    start: usize,
    end: usize,
    text: &'d str,
}

/// Writes all findings; those that were written before as they are.
///
/// # Errors
///
/// What `out` reports.
pub(crate) fn render(
    diagnostics: &[Diagnostic],
    base: Option<&Path>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    // One is written in a hundred pieces: so to memory.
    let mut lines = Vec::with_capacity(diagnostics.len() * USUAL);
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        lines.extend_from_slice(if index == 0 { b"[\n" } else { b",\n" });
        match &diagnostic.written {
            Some(line) => lines.extend_from_slice(line),
            None => serde_json::to_writer(&mut lines, &finding(diagnostic, base))?,
        }
    }
    lines.extend_from_slice(if diagnostics.is_empty() { b"[]\n" } else { b"\n]\n" });
    out.write_all(&lines)
}

/// Bytes that one takes mostly.
const USUAL: usize = 400;

/// One finding as it stands in [`render`], for whoever has the time to write it.
pub(crate) fn line(diagnostic: &Diagnostic, base: Option<&Path>) -> Option<Vec<u8>> {
    let mut line = Vec::with_capacity(USUAL);
    serde_json::to_writer(&mut line, &finding(diagnostic, base)).ok().map(|()| line)
}

fn finding<'d>(diagnostic: &'d Diagnostic, base: Option<&Path>) -> Finding<'d> {
    let place = diagnostic.place.as_ref();
    let start = place.map(|p| p.file.position(p.span.start));
    let end = place.map(|p| p.file.position(p.span.end));
    Finding {
        rule: diagnostic.rule.name,
        severity: diagnostic.severity.name(),
        message: &diagnostic.message,
        path: place.map(|p| shown(p.file.path(), base)),
        line: start.map(|p| p.line),
        column: start.map(|p| p.column),
        end_line: end.map(|p| p.line),
        end_column: end.map(|p| p.column),
        pointer: place.map(|p: &Place| p.pointer.as_str()),
        label: diagnostic.label.as_deref(),
        notes: &diagnostic.notes,
        help: diagnostic.help.as_deref(),
        related: diagnostic.related.iter().map(|other| related(other, base)).collect(),
        fix: diagnostic.fix.as_ref().map(repair),
    }
}

fn related<'d>((place, what): &'d (Place, String), base: Option<&Path>) -> Related<'d> {
    let at = place.file.position(place.span.start);
    let path = shown(place.file.path(), base);
    Related { what, path, line: at.line, column: at.column }
}

fn replacement(edit: &Edit) -> Replacement<'_> {
    Replacement { start: edit.span.start, end: edit.span.end, text: &edit.text }
}

fn repair(fix: &Fix) -> Repair<'_> {
    Repair { title: &fix.title, edits: fix.edits.iter().map(replacement).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::{Rule, Severity},
        source::{SourceFile, Span},
    };

    static RULE: Rule =
        Rule { name: "a-rule", severity: Severity::Warning, summary: "s", explanation: "e" };

    #[test]
    fn is_one_array_with_places() {
        let file = SourceFile::new("/p/f.json", "{\n \"ä\": 1}");
        let placed = Diagnostic::new(&RULE, "quote \" it").at(&file, Span::new(3, 7), "/ä");
        let placed = placed.note("n").help("h").label("l");
        let mut out = Vec::new();
        let both = [placed, Diagnostic::new(&RULE, "nowhere")];
        render(&both, Some(Path::new("/p")), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 4);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let first = &value[0];
        assert_eq!(first["path"], "f.json");
        assert_eq!((&first["line"], &first["column"]), (&2.into(), &2.into()));
        assert_eq!((&first["end_line"], &first["end_column"]), (&2.into(), &5.into()));
        assert_eq!((&first["pointer"], &first["severity"]), (&"/ä".into(), &"warning".into()));
        assert!(value[1]["path"].is_null() && value[1]["rule"] == "a-rule");
        let mut out = Vec::new();
        render(&[], None, &mut out).unwrap();
        assert_eq!(out, b"[]\n");
    }

    #[test]
    fn many_stand_in_their_order_whoever_has_written_them() {
        for count in [1, 2, 600] {
            let mut all: Vec<_> =
                (0..count).map(|index| Diagnostic::new(&RULE, index.to_string())).collect();
            let mut out = Vec::new();
            render(&all, None, &mut out).unwrap();
            all.iter_mut().step_by(2).for_each(|one| one.written = line(one, None));
            let mut written = Vec::new();
            render(&all, None, &mut written).unwrap();
            assert!(out == written && all[0].written.is_some());
            let value: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
            let told = value.iter().map(|one| one["message"].as_str().unwrap().to_owned());
            assert!(told.eq(all.iter().map(|one| one.message.clone())), "{count}");
            assert_eq!(out.split(|byte| *byte == b'\n').count(), count + 3);
        }
    }
}
