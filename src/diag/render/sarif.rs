//! Findings as SARIF 2.1.0, as code scanning services read it.
//!
//! Invariants: columns count characters, and the document says so; paths below the base are
//! relative to `SRCROOT`, so that the same files give the same document on every machine.

use std::{io, path::Path};

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
    let results: Vec<_> = diagnostics.iter().map(|found| result(found, &rules, base)).collect();
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
