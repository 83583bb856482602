//! Findings as SARIF 2.1.0, as code scanning services read it.
//!
//! Invariants: columns count characters, and the document says so; paths below the base are
//! relative to `SRCROOT`, so that the same files give the same document on every machine.

use std::{collections::BTreeMap, io, path::Path};

use serde_json::{Value, json};

use super::shown;
use crate::{
    diag::{Diagnostic, Fix, Place, Rule, Severity},
    source::{SourceFile, Span},
};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const BASE: &str = "SRCROOT";

/// Writes all findings as one run.
///
/// # Errors
///
/// What `out` reports.
pub(crate) fn render(
    diagnostics: &[Diagnostic],
    base: Option<&Path>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let rules = rules_of(diagnostics);
    let mut prints = Prints::default();
    let result = |found: &Diagnostic| {
        let mut result = result(found, &rules, base);
        if let Some(place) = &found.place {
            let print = prints.of(found.rule, place, base);
            result["partialFingerprints"] = json!({ "primaryLocationLineHash": print });
        }
        result
    };
    let results: Vec<_> = diagnostics.iter().map(result).collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "cph",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// Every rule that occurs, once, by name.
fn rules_of(diagnostics: &[Diagnostic]) -> Vec<&'static Rule> {
    let mut rules: Vec<_> = diagnostics.iter().map(|found| found.rule).collect();
    rules.sort_by_key(|rule| rule.name);
    rules.dedup_by_key(|rule| rule.name);
    rules
}

fn described(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": rule.explanation, "markdown": rule.explanation},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

fn result(found: &Diagnostic, rules: &[&Rule], base: Option<&Path>) -> Value {
    let index = rules.iter().position(|rule| rule.name == found.rule.name);
    let mut result = json!({
        "ruleId": found.rule.name,
        "ruleIndex": index,
        "level": level(found.severity),
        "message": {"text": text(found)},
        "locations": [],
    });
    if let Some(place) = &found.place {
        result["locations"] = json!([location(place, None, base)]);
        if let Some(fix) = &found.fix {
            result["fixes"] = json!([repair(fix, &place.file, base)]);
        }
    }
    if !found.related.is_empty() {
        let related = found.related.iter().enumerate().map(|(index, (place, what))| {
            let mut location = location(place, Some(what), base);
            location["id"] = json!(index);
            location
        });
        result["relatedLocations"] = related.collect();
    }
    result
}

/// What a finding is known by when lines before it come and go: its rule and the text of its line;
/// equal ones in a file are counted. Code scanning services make one of two findings that have the
/// same, and a new one of each that has none.
#[derive(Default)]
struct Prints(BTreeMap<(String, u64), usize>);

impl Prints {
    fn of(&mut self, rule: &Rule, place: &Place, base: Option<&Path>) -> String {
        let line = place.file.line(place.file.position(place.span.start).line).trim();
        let hash = fnv(rule.name.bytes().chain([0]).chain(line.bytes()));
        let count = self.0.entry((shown(place.file.path(), base), hash)).or_default();
        *count += 1;
        format!("{hash:016x}:{count}")
    }
}

/// FNV-1a: the same in every version, which the standard library's hashes are not.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The sentence, and what else is to be said.
fn text(found: &Diagnostic) -> String {
    let help = found.help.iter().map(|help| format!("help: {help}"));
    let notes = found.notes.iter().map(|note| format!("note: {note}"));
    std::iter::once(found.message.clone()).chain(notes).chain(help).collect::<Vec<_>>().join("\n")
}

fn location(place: &Place, what: Option<&str>, base: Option<&Path>) -> Value {
    let mut location = json!({"physicalLocation": {
        "artifactLocation": artifact(&place.file, base),
        "region": region(&place.file, place.span),
    }});
    if let Some(what) = what {
        location["message"] = json!({"text": what});
    }
    location
}

fn artifact(file: &SourceFile, base: Option<&Path>) -> Value {
    let path = shown(file.path(), base);
    if Path::new(&path).is_absolute() {
        return json!({"uri": format!("file://{}", encoded(&path))});
    }
    json!({"uri": encoded(&path), "uriBaseId": BASE})
}

/// A path as the path of a URI.
fn encoded(path: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    path.bytes()
        .map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn region(file: &SourceFile, span: Span) -> Value {
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

fn repair(fix: &Fix, file: &SourceFile, base: Option<&Path>) -> Value {
    let replacements: Vec<_> = fix
        .edits
        .iter()
        .map(|edit| {
            json!({
                "deletedRegion": region(file, edit.span),
                "insertedContent": {"text": edit.text},
            })
        })
        .collect();
    json!({
        "description": {"text": fix.title},
        "artifactChanges": [{
            "artifactLocation": artifact(file, base),
            "replacements": replacements,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static RULE: Rule = Rule::hint("a-rule", "s", "e");

    fn rendered(diagnostics: &[Diagnostic]) -> Value {
        let mut out = Vec::new();
        render(diagnostics, Some(Path::new("/p")), &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_result_has_its_rule_its_place_and_its_repair() {
        let file = SourceFile::new("/p/a b/ä.json", "{\n \"ä\": 1}");
        let span = Span::new(3, 7);
        let place = Place { file: file.clone(), span, pointer: String::new() };
        let found = Diagnostic::new(&RULE, "m").at(&file, span, "").help("h").note("n");
        let found = found.related(place, "there").fix(Fix::replace("t", span, "\"o\""));
        let document = rendered(&[found]);
        let run = &document["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "a-rule");
        let result = &run["results"][0];
        assert_eq!((&result["ruleIndex"], &result["level"]), (&0.into(), &"note".into()));
        assert_eq!(result["message"]["text"], "m\nnote: n\nhelp: h");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%A4.json");
        assert_eq!(place["artifactLocation"]["uriBaseId"], "SRCROOT");
        assert_eq!(place["region"]["startLine"], 2);
        assert_eq!(
            (&place["region"]["startColumn"], &place["region"]["endColumn"]),
            (&2.into(), &5.into())
        );
        let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(replacement["insertedContent"]["text"], "\"o\"");
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "there");
    }

    /// What GitHub asks of a document: <https://docs.github.com/code-security> "SARIF support".
    #[test]
    fn code_scanning_can_tell_findings_apart() {
        let file =
            SourceFile::new("/p/.claude/settings.json", "{\n \"a\": 1,\n \"a\": 1,\n \"b\": 2}");
        let at =
            |start: usize| Diagnostic::new(&RULE, "m").at(&file, Span::new(start, start + 3), "");
        let document = rendered(&[at(3), at(12), at(21)]);
        let results = document["runs"][0]["results"].as_array().unwrap();
        let print = |index: usize| {
            let print = &results[index]["partialFingerprints"]["primaryLocationLineHash"];
            print.as_str().unwrap().split_once(':').unwrap()
        };
        assert_eq!((print(0).0, print(0).1, print(1).1), (print(1).0, "1", "2"));
        assert_ne!(print(0).0, print(2).0);
        let moved = SourceFile::new("/p/.claude/settings.json", "\n\n{\n \"a\": 1,\n \"b\": 2}");
        let moved = rendered(&[Diagnostic::new(&RULE, "m").at(&moved, Span::new(5, 8), "")]);
        let moved = &moved["runs"][0]["results"][0]["partialFingerprints"];
        assert_eq!(*moved, results[0]["partialFingerprints"], "lines before it do not count");
        for result in results {
            assert!(result["ruleId"] == "a-rule" && result["message"]["text"] == "m");
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.starts_with('/') && !uri.contains(':'), "{uri}");
            assert!(place["region"]["startLine"].as_u64() >= Some(1));
        }
    }

    #[test]
    fn files_elsewhere_have_whole_addresses_and_nothing_is_fine() {
        let file = SourceFile::new("/q/f.json", "{}");
        let document = rendered(&[Diagnostic::new(&RULE, "m").at(&file, Span::new(0, 0), "")]);
        let result = &document["runs"][0]["results"][0];
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(
            (&place["uri"], &place["uriBaseId"]),
            (&"file:///q/f.json".into(), &Value::Null)
        );
        assert_eq!(rendered(&[])["runs"][0]["results"], json!([]));
    }
}
