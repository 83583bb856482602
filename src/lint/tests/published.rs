//! `docs/diagnostics.md` and the table of rules behind it, held in step.
//!
//! `CPH_WRITE_GENERATED=1 cargo test --lib published` writes the document anew.

use std::{fmt::Write as _, fs, path::PathBuf};

use super::super::{
    suite::Shown,
    table::{FAMILIES, Listed, rules},
};

const DOCUMENT: &str = "docs/diagnostics.md";

const HEAD: &str = "\
# What `cph lint` finds

Every kind of finding, with a file in which it is found and one in which it is not. `cph lint --explain RULE` shows the same
at the terminal. How to run, repair and suppress: [linting.md](linting.md).

An *error* is something without effect, or with a dangerous one; a *warning* works, but probably not as meant; a *hint* is
worth knowing. This document is made from the rules and their test suites.
";

fn document() -> String {
    let mut text = HEAD.to_owned();
    for family in FAMILIES {
        write!(text, "\n## {}\n\n| rule | | finds | `--fix` |\n|--|--|--|--|\n", family.title)
            .unwrap();
        for listed in family.rules {
            let rule = listed.rule;
            let fix = if listed.suite.contains("\n```fixed ") { "yes" } else { "" };
            let name = rule.name;
            writeln!(
                text,
                "| [`{name}`](#{name}) | {} | {} | {fix} |",
                rule.severity, rule.summary
            )
            .unwrap();
        }
        family.rules.iter().for_each(|listed| text.push_str(&section(listed)));
    }
    text
}

fn section(listed: &Listed) -> String {
    let rule = listed.rule;
    let (summary, severity) = (rule.summary, rule.severity);
    let mut text = format!("\n### {}\n\n{severity}: {summary}\n\n", rule.name);
    text.push_str(&wrapped(&rule.explanation.replace("```json\n", "```jsonc\n")));
    let example = listed.example();
    for (what, files) in [("Found in", &example.bad), ("Not found in", &example.good)] {
        for file in files {
            text.push_str(&shown(what, file));
        }
    }
    text
}

fn shown(what: &str, file: &Shown) -> String {
    let Shown { path, text, language } = file;
    let body = match language.as_str() {
        "link" => format!(" a link to `{}`\n", text.trim()),
        "hex" => format!(" the bytes `{}`\n", text.trim()),
        // A language that no check of documents takes for a whole hook file.
        _ => format!("\n\n```{}\n{text}```\n", if language == "json" { "jsonc" } else { language }),
    };
    format!("\n{what} `{path}`:{body}")
}

/// Words in lines of at most 125 columns; code stays as it is.
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut is_code = false;
    for paragraph in text.split('\n') {
        is_code ^= paragraph.starts_with("```");
        let mut column = 0;
        for word in paragraph.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > 125 && !is_code {
                out.push('\n');
                column = 0;
            }
            if column > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
        out.push('\n');
    }
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for developers, and a file of the tree")]
fn the_document_is_in_step_with_the_rules() {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), DOCUMENT].iter().collect();
    let made = document();
    if std::env::var_os("CPH_WRITE_GENERATED").is_some() {
        fs::write(path, &made).unwrap();
        return;
    }
    let hint = "run the tests once with CPH_WRITE_GENERATED=1";
    assert!(fs::read_to_string(path).unwrap() == made, "{DOCUMENT} is out of step: {hint}");
}

/// Code scanning services cut longer texts off, and refuse documents with more rules.
#[test]
fn code_scanning_takes_the_texts_of_all_rules() {
    let listed: Vec<_> = rules().map(|listed| listed.rule).collect();
    assert!(listed.len() <= 25_000);
    for rule in listed {
        let (summary, explanation) = (rule.summary.chars(), rule.explanation.chars());
        assert!(summary.count() <= 255 && explanation.count() <= 1024, "{}", rule.name);
    }
}
