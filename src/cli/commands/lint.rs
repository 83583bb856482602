//! `cph lint`: everything that is wrong with hook files.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    cli::{
        args::{Format, Lint},
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, NAME, WARN, styled},
    },
    config::{locate::Roots, nearest::nearest},
    diag::{
        Rule, Severity,
        render::{
            json,
            text::{self, Look},
        },
    },
    lint::{self, Findings},
    sys::place,
    tasks,
};

use super::Desk;

/// A rule, for programs.
#[derive(Serialize)]
struct RuleReport {
    rule: &'static str,
    severity: String,
    summary: &'static str,
    explanation: &'static str,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Lint) -> Result<Exit, Failure> {
    if let Some(name) = &args.explain {
        return explain(desk, name, args.format);
    }
    let base = desk.here().root;
    let findings = look(&base, &args.paths)?;
    show(desk, &base, args.format, &findings)?;
    let worst = findings.diagnostics.iter().map(|found| found.severity).max();
    let tolerated = if args.deny.is_some() { Severity::Hint } else { Severity::Warning };
    Ok(match () {
        () if findings.has_unreadable() => Exit::Configuration,
        () if worst.is_none_or(|worst| worst <= tolerated) => Exit::Fine,
        () => Exit::Findings,
    })
}

/// Reads what is named, else the project, and nothing outside of it.
fn look(project: &Path, paths: &[PathBuf]) -> Result<Findings, Failure> {
    if paths.is_empty() {
        return Ok(of_project(project));
    }
    let here = place::working_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let mut paths: Vec<_> = paths.iter().map(|path| place::canonical(&here.join(path))).collect();
    paths.sort();
    paths.dedup();
    let mut all = Findings::default();
    for path in &paths {
        all.add(of_path(path)?);
    }
    Ok(all)
}

fn of_path(path: &Path) -> Result<Findings, Failure> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(of_project(path)),
        Ok(_) if is_task_file(path) => super::tasks::lint(path),
        Ok(_) => Ok(lint::file(path)),
        Err(error) => {
            let message = format!("cannot look at `{}`: {error}", path.display());
            Err(Failure::new(Exit::Usage, message).hint("name a hook file, or a project directory"))
        }
    }
}

/// Hook files are JSON.
fn is_task_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn of_project(project: &Path) -> Findings {
    lint::place(&Roots { claude_dir: None, project: Some(project.to_owned()) })
}

fn show(desk: &Desk<'_>, base: &Path, format: Format, findings: &Findings) -> Result<(), Failure> {
    let mut out = Vec::new();
    let rendered = match format {
        Format::Json => json::render(&findings.diagnostics, Some(base), &mut out),
        Format::Text => {
            let look = Look { is_coloured: true, base: Some(base), ..Look::default() };
            text::render(&findings.diagnostics, look, &mut out)
        }
    };
    rendered.map_err(|error| Failure::of(&error))?;
    desk.output.text(String::from_utf8_lossy(&out));
    if format == Format::Text {
        desk.output.line(summary(findings));
    }
    Ok(())
}

/// `2 errors, 1 warning in 3 files`
fn summary(findings: &Findings) -> String {
    let files = match findings.files {
        0 => return "no hook file here".to_owned(),
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let worst = findings.diagnostics.iter().map(|found| found.severity).max();
    let style = match worst {
        None => return format!("{} in {files}", styled(GOOD, "nothing wrong")),
        Some(Severity::Error) => BAD,
        Some(Severity::Warning) => WARN,
        Some(Severity::Hint) => DIM,
    };
    let counts = text::summary(&findings.diagnostics).unwrap_or_default();
    format!("{} in {files}", styled(style, counts))
}

fn explain(desk: &Desk<'_>, name: &str, format: Format) -> Result<Exit, Failure> {
    let mut rules: Vec<_> = lint::rules().chain(tasks::rules::RULES.iter().copied()).collect();
    rules.sort_by_key(|rule| rule.name);
    if name == "all" {
        match format {
            Format::Json => desk.output.json(&rules.iter().map(|r| report(r)).collect::<Vec<_>>()),
            Format::Text => rules.iter().for_each(|rule| desk.output.line(in_list(rule))),
        }
        return Ok(Exit::Fine);
    }
    let Some(rule) = rules.iter().find(|rule| rule.name == name) else {
        return Err(unknown(name, &rules));
    };
    match format {
        Format::Json => desk.output.json(&report(rule)),
        Format::Text => {
            let head = format!("{} ({})", styled(HEADING, rule.name), rule.severity);
            desk.output.line(format_args!("{head}\n{}\n", rule.summary));
            desk.output.line(wrapped(rule.explanation));
        }
    }
    Ok(Exit::Fine)
}

fn unknown(name: &str, rules: &[&Rule]) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no rule `{name}`"));
    match nearest(name, rules.iter().map(|rule| rule.name)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`cph lint --explain all` lists them"),
    }
}

fn report(rule: &Rule) -> RuleReport {
    RuleReport {
        rule: rule.name,
        severity: rule.severity.to_string(),
        summary: rule.summary,
        explanation: rule.explanation,
    }
}

fn in_list(rule: &Rule) -> String {
    let name = styled(NAME, format_args!("{:<26}", rule.name));
    format!("{name} {:<8} {}", rule.severity.to_string(), rule.summary)
}

/// Words in lines of at most 80 columns; paragraphs stay.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 80 {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::{
            Diagnostic,
            Severity::{Error, Hint, Warning},
        },
        lint::rules,
    };

    #[test]
    fn the_summary_counts_findings_and_files() {
        let shown = |files, found: &[Severity]| {
            let diagnostics = found.iter().map(|&severity| {
                let rule = rules().next().unwrap();
                Diagnostic { severity, ..Diagnostic::new(rule, "x") }
            });
            let findings = Findings { files, diagnostics: diagnostics.collect() };
            anstream::adapter::strip_str(&summary(&findings)).to_string()
        };
        assert_eq!(shown(0, &[]), "no hook file here");
        assert_eq!(shown(1, &[]), "nothing wrong in 1 file");
        assert_eq!(shown(3, &[Error, Warning, Error]), "2 errors, 1 warning in 3 files");
        assert_eq!(shown(2, &[Hint]), "1 hint in 2 files");
    }

    #[test]
    fn explanations_are_wrapped() {
        for rule in rules() {
            let text = wrapped(rule.explanation);
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            assert_eq!(text.replace('\n', " "), rule.explanation.replace('\n', " "));
        }
    }
}
