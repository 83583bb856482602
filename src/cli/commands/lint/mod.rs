//! `cph lint`: everything that is wrong with hook files.
//!
//! Reads what is named, else the project, and nothing outside of it; changes files only with
//! `--fix`, and writes a baseline only where it is asked to.

mod explain;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    cli::{
        args::{Format, Lint},
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, WARN, raw_stdout, styled},
    },
    diag::{
        Severity,
        render::{
            github, json, sarif,
            text::{self, Look},
        },
    },
    install,
    lint::{self, Baseline, Deny, Findings, Mended, NoSuchRule, Options, Selection, Settled},
    source::SourceFile,
    sys::{atomic, file, place},
};

use super::{Desk, here::Here, plan};

/// More than any settled or known findings need, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What a user's own directory has that means hooks.
const OWN: &[&str] = &["hooks.json", "settings.json"];

/// What a project may have settled, without being asked.
const SETTLED: &str = ".cph-lint.json";

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Lint) -> Result<Exit, Failure> {
    if let Some(name) = &args.explain {
        return explain::explain(desk, name, args.format);
    }
    let here = desk.here();
    let (settled, settled_dir) = settled(&here, args)?;
    let both = |mut words: Vec<String>, more: &[String]| {
        words.extend_from_slice(more);
        words
    };
    let selection = Selection::new(
        both(settled.select.clone(), &args.select),
        both(settled.ignore.clone(), &args.ignore),
    );
    let selection = selection.map_err(|error| no_rule(&error))?;
    let known = known(args, &settled, &settled_dir)?;
    let known = known.as_ref();
    let (paths, is_shallow) = what(&here, &args.paths)?;
    let write = |found: &_| json::line(found, Some(&here.root));
    let options = Options {
        selection: &selection,
        is_shallow,
        known,
        root: &here.root,
        out_of_step: &out_of_step,
        write: (args.format == Format::Json).then_some(&write),
    };
    let (task_files, paths): (Vec<_>, Vec<_>) = paths.into_iter().partition(|p| is_task_file(p));
    let mut findings = if paths.is_empty() {
        Findings::default()
    } else if args.fix {
        let mended = lint::mend(&paths, &options).map_err(|error| Failure::of(&error))?;
        tell_repairs(desk, &here, &mended);
        mended.left
    } else {
        lint::look(&paths, &options)
    };
    for path in &task_files {
        let more = super::tasks::lint(path)?;
        findings.files += more.files;
        findings.diagnostics.extend(more.diagnostics);
    }
    if let Some(path) = &args.write_baseline {
        return write_baseline(desk, &here, path, &findings);
    }
    show(desk, &here.root, args.format, &findings)?;
    let is_strict = args.deny.is_some() || settled.deny == Some(Deny::Warnings);
    let verdict = verdict(&findings, is_strict);
    // The program ends here: nobody needs the room of thousands of findings.
    std::mem::forget(findings);
    Ok(verdict)
}

/// Hook files are JSON.
fn is_task_file(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// What is wrong with the files of the project, and with those of the user.
pub(in crate::cli::commands) fn of_everything(here: &Here) -> Findings {
    let selection = Selection::default();
    let look = |paths: &[PathBuf], is_shallow| {
        let (root, out_of_step) = (&here.root, &out_of_step);
        let options = Options {
            selection: &selection,
            is_shallow,
            known: None,
            root,
            out_of_step,
            write: None,
        };
        lint::look(paths, &options)
    };
    let mut findings = look(std::slice::from_ref(&here.root), true);
    let claude_dir = here.places.claude_dir.as_deref().map(place::canonical);
    let own = claude_dir.iter().flat_map(|dir| OWN.iter().map(|name| dir.join(name)));
    let own: Vec<_> = own.filter(|path| path.exists()).collect();
    if !own.is_empty() {
        let more = look(&own, false);
        findings.files += more.files;
        findings.diagnostics.extend(more.diagnostics);
    }
    findings
}

fn verdict(findings: &Findings, is_strict: bool) -> Exit {
    let worst = findings.diagnostics.iter().map(|found| found.severity).max();
    let tolerated = if is_strict { Severity::Hint } else { Severity::Warning };
    match () {
        () if findings.has_unreadable() => Exit::Configuration,
        () if worst.is_none_or(|worst| worst <= tolerated) => Exit::Fine,
        () => Exit::Findings,
    }
}

/// What the project has settled, and the directory that paths in it start from.
fn settled(here: &Here, args: &Lint) -> Result<(Settled, PathBuf), Failure> {
    let named = args.config.as_ref().map(|path| absolute(path));
    let path = named.clone().unwrap_or_else(|| here.root.join(SETTLED));
    let dir = path.parent().unwrap_or(Path::new("/")).to_owned();
    let text = match text_of(&path) {
        Ok(text) => text,
        Err(file::Error::Missing) if named.is_none() => return Ok((Settled::default(), dir)),
        Err(error) => return Err(unusable(&path, &error)),
    };
    let settled = Settled::read(&text).map_err(|error| unusable(&path, &error))?;
    Ok((settled, dir))
}

/// What was found when somebody began to look.
fn known(args: &Lint, settled: &Settled, dir: &Path) -> Result<Option<Baseline>, Failure> {
    let named = args.baseline.as_ref().map(|path| absolute(path));
    let Some(path) = named.or_else(|| settled.baseline.as_ref().map(|path| dir.join(path))) else {
        return Ok(None);
    };
    let text = text_of(&path).map_err(|error| unusable(&path, &error))?;
    Baseline::read(&text).map(Some).map_err(|error| unusable(&path, &error))
}

fn write_baseline(
    desk: &Desk<'_>,
    here: &Here,
    path: &Path,
    findings: &Findings,
) -> Result<Exit, Failure> {
    let baseline = Baseline::of(&findings.diagnostics, &here.root);
    let path = absolute(path);
    atomic::write(&path, baseline.to_text().as_bytes()).map_err(|error| Failure::of(&error))?;
    let count = findings.diagnostics.len();
    let things = if count == 1 { "finding" } else { "findings" };
    desk.output.line(format_args!("{count} {things} kept in {}", here.shown(&path)));
    Ok(Exit::Fine)
}

fn text_of(path: &Path) -> Result<String, file::Error> {
    let (bytes, _) = file::read(path, MOST_BYTES)?;
    String::from_utf8(bytes).map_err(|error| {
        std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error()).into()
    })
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Usage, format!("cannot use `{}`: {error}", path.display()))
}

fn absolute(path: &Path) -> PathBuf {
    place::working_dir().unwrap_or_else(|_| PathBuf::from("/")).join(path)
}

/// How committed settings differ from what the project's own files need. What users have is no
/// concern of theirs.
fn out_of_step(root: &Path, settings: &Arc<SourceFile>) -> Vec<String> {
    let Ok(examined) = install::examine(settings.path()) else { return Vec::new() };
    let Some(command) = examined.registered_command() else { return Vec::new() };
    let differences = |fail_closed| {
        let options = install::Options { cph_command: command.to_owned(), fail_closed };
        install::differences(Some(settings), &plan::of_project(root, &options))
    };
    // Either may have been chosen when it was installed.
    let open = differences(false);
    if open.is_empty() || differences(true).is_empty() { Vec::new() } else { open }
}

fn no_rule(error: &NoSuchRule) -> Failure {
    let near = error.near;
    let failure = Failure::new(Exit::Usage, error.to_string());
    match near {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`cph lint --explain all` lists them"),
    }
}

/// What was repaired, to stderr: stdout is for what is left.
fn tell_repairs(desk: &Desk<'_>, here: &Here, mended: &Mended) {
    for found in &mended.repaired {
        let title = found.fix.as_ref().map(|fix| fix.title.as_str()).unwrap_or_default();
        let line = found.one_line();
        let line = line.strip_prefix(&format!("{}/", here.root.display())).unwrap_or(&line);
        desk.output.complain(format_args!("fixed: {line}: {title}"));
    }
    for (path, copy) in &mended.backups {
        let (path, copy) = (here.shown(path), here.shown(copy));
        desk.output.complain(format_args!("`{path}` was changed; as it was: `{copy}`"));
    }
}

/// What is named, else the project; and whether its tree must not be walked.
fn what(here: &Here, paths: &[PathBuf]) -> Result<(Vec<PathBuf>, bool), Failure> {
    if paths.is_empty() {
        let home = here.places.home.as_deref().map(place::canonical);
        // A home directory is no project, and a walk through it would find everybody's.
        let is_home = home.is_some_and(|home| home.starts_with(&here.root));
        return Ok((vec![here.root.clone()], is_home));
    }
    let mut all = Vec::new();
    for path in paths {
        all.push(there(&absolute(path))?);
    }
    all.sort();
    all.dedup();
    Ok((all, false))
}

/// The path without links, if something is there.
fn there(path: &Path) -> Result<PathBuf, Failure> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(place::canonical(path)),
        Err(error) => {
            let message = format!("cannot look at `{}`: {error}", path.display());
            Err(Failure::new(Exit::Usage, message).hint("name a hook file, or a directory"))
        }
    }
}

fn show(desk: &Desk<'_>, base: &Path, format: Format, findings: &Findings) -> Result<(), Failure> {
    let (diagnostics, base) = (&findings.diagnostics, Some(base));
    let text = |render: &dyn Fn(&mut Vec<u8>) -> io::Result<()>| -> Result<_, Failure> {
        let mut out = Vec::new();
        render(&mut out).map_err(|error| Failure::of(&error))?;
        Ok(out)
    };
    // JSON has no signs that move a cursor; looking for some takes as long as writing it. A reader that
    // has gone wants no word about it.
    match format {
        Format::Json => drop(raw_stdout(&text(&|out| json::render(diagnostics, base, out))?)),
        Format::Sarif => {
            drop(raw_stdout(&text(&|out| sarif::render(diagnostics, base, out))?));
        }
        Format::Github => {
            let lines = text(&|out| github::render(diagnostics, base, out))?;
            desk.output.text(String::from_utf8_lossy(&lines));
        }
        Format::Text => {
            let look = Look { is_coloured: true, base, ..Look::default() };
            let lines = text(&|out| text::render(diagnostics, look, out))?;
            desk.output.text(String::from_utf8_lossy(&lines));
            desk.output.line(summary(findings));
        }
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
    let more = match findings.diagnostics.iter().filter(|found| found.fix.is_some()).count() {
        0 => String::new(),
        count => format!("; `--fix` repairs {count}"),
    };
    let known = match findings.known {
        0 => String::new(),
        count => format!("; {count} known from before"),
    };
    let worst = findings.diagnostics.iter().map(|found| found.severity).max();
    let style = match worst {
        None => return format!("{} in {files}{known}", styled(GOOD, "nothing wrong")),
        Some(Severity::Error) => BAD,
        Some(Severity::Warning) => WARN,
        Some(Severity::Hint) => DIM,
    };
    let counts = text::summary(&findings.diagnostics).unwrap_or_default();
    format!("{} in {files}{more}{known}", styled(style, counts))
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
                let rule = rules().next().unwrap().rule;
                Diagnostic { severity, ..Diagnostic::new(rule, "x") }
            });
            let findings = Findings { files, diagnostics: diagnostics.collect(), known: 0 };
            anstream::adapter::strip_str(&summary(&findings)).to_string()
        };
        assert_eq!(shown(0, &[]), "no hook file here");
        assert_eq!(shown(1, &[]), "nothing wrong in 1 file");
        assert_eq!(shown(3, &[Error, Warning, Error]), "2 errors, 1 warning in 3 files");
        assert_eq!(shown(2, &[Hint]), "1 hint in 2 files");
    }
}
