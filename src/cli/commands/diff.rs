//! `cph diff`: which hooks a change adds, drops, weakens, strengthens or moves.
//!
//! Does not judge (`diff` does). Invariant: the working tree is not touched, and nothing outside
//! of the repository decides what is said.

mod markup;
mod report;
mod text;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use crate::{
    cli::{
        args::{Diff as Args, DiffFormat, FailOn},
        exit::Exit,
        failure::Failure,
        output::{DIM, styled},
    },
    diag::render::text::clean,
    diff::{self, Comparison, Error, Git, Kind, Outside, Side, Tree},
    install, lint,
    sys::place,
};

use super::{Desk, here::Here};

/// A comparison and what it is of.
struct Compared {
    base: Side,
    head: Side,
    comparison: Comparison,
    /// The project below the repository, with a slash at the end; empty where they are one.
    prefix: String,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let here = desk.here();
    let compared = compared(&here, &args.what)?;
    for note in &compared.comparison.notes {
        desk.output.complain(format_args!("{} {}", styled(DIM, "note:"), clean(note)));
    }
    match args.format {
        DiffFormat::Text => desk.output.text(text::text(&compared)),
        DiffFormat::Json => desk.output.json(&report::report(&compared)),
        DiffFormat::Github => desk.output.text(markup::commands(&compared)),
        DiffFormat::Markdown => desk.output.text(markup::markdown(&compared)),
    }
    let worst = compared.comparison.worst();
    Ok(if args.fail_on.is_some_and(|policy| fails(policy, worst)) {
        Exit::Findings
    } else {
        Exit::Fine
    })
}

fn fails(policy: FailOn, worst: Option<Kind>) -> bool {
    let least = match policy {
        FailOn::Dropped => Kind::Dropped,
        FailOn::Weakened => Kind::Weakened,
        FailOn::Changed => Kind::Changed,
        FailOn::Any => return worst.is_some(),
    };
    worst.is_some_and(|worst| worst >= least)
}

/// What the words on the command line mean.
#[derive(Debug, PartialEq, Eq)]
enum Meant {
    /// Two revisions; with `true`, from where they parted.
    Revisions(String, String, bool),
    /// One revision and the working tree.
    Revision(String),
    /// Two files or two directories.
    Paths(PathBuf, PathBuf),
}

fn meant(words: &[OsString], is_there: &dyn Fn(&OsStr) -> bool) -> Result<Meant, Failure> {
    let text = |word: &OsStr| {
        word.to_str().map(str::to_owned).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("`{}` is no revision", word.display()))
        })
    };
    match words {
        [] => Ok(Meant::Revision("HEAD".to_owned())),
        [one] => {
            let one = text(one)?;
            let range = |dots| {
                one.split_once(dots).map(|(a, b): (&str, &str)| (a.to_owned(), b.to_owned()))
            };
            Ok(match (range("..."), range("..")) {
                (Some((base, head)), _) => Meant::Revisions(base, head, true),
                (None, Some((base, head))) => Meant::Revisions(base, head, false),
                (None, None) => Meant::Revision(one),
            })
        }
        [base, head] => match (is_there(base), is_there(head)) {
            (true, true) => Ok(Meant::Paths(base.into(), head.into())),
            (false, false) => Ok(Meant::Revisions(text(base)?, text(head)?, false)),
            (base_is, _) => {
                let missing = if base_is { head } else { base };
                let message = format!("there is no file `{}`", missing.display());
                Err(Failure::new(Exit::Usage, message)
                    .hint("name two files, two directories, or revisions as `BASE..HEAD`"))
            }
        },
        _ => Err(Failure::new(Exit::Usage, "more than two things cannot be compared")),
    }
}

fn compared(here: &Here, words: &[OsString]) -> Result<Compared, Failure> {
    let dir = place::working_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let is_there = |word: &OsStr| dir.join(word).exists();
    let meant = meant(words, &is_there)?;
    if let Meant::Paths(base, head) = &meant {
        let (base, head) = trees(&dir.join(base), &dir.join(head))?;
        return finish(&base, &head, String::new());
    }
    let git = Git::open(&here.root, &here.env, &here.places.temp_dir).map_err(|e| failure(&e))?;
    let revision = |name: &str| git.revision(name).map_err(|error| failure(&error));
    let (base, head) = match &meant {
        Meant::Revisions(base, head, from_parting) => {
            let (base, head) = (revision(base)?, revision(head)?);
            let base = if *from_parting {
                git.merge_base(&base, &head).map_err(|error| failure(&error))?
            } else {
                base
            };
            (base, Tree::Revision { git: &git, revision: head })
        }
        Meant::Revision(base) => {
            (revision(base)?, Tree::Directory { root: here.root.clone(), git: Some(&git) })
        }
        Meant::Paths(..) => unreachable!("BUG: paths were compared above"),
    };
    finish(&Tree::Revision { git: &git, revision: base }, &head, git.prefix().to_owned())
}

fn finish(base: &Tree<'_>, head: &Tree<'_>, prefix: String) -> Result<Compared, Failure> {
    let outside =
        Outside { faults: &lint::settings_faults, is_registration: &|node| install::is_ours(node) };
    let (base, head, comparison) =
        diff::compare(base, head, outside).map_err(|error| failure(&error))?;
    Ok(Compared { base, head, comparison, prefix })
}

/// Two files or two directories, as trees.
fn trees(base: &Path, head: &Path) -> Result<(Tree<'static>, Tree<'static>), Failure> {
    let directory = |path: &Path| Tree::Directory { root: place::canonical(path), git: None };
    match (base.is_dir(), head.is_dir()) {
        (true, true) => Ok((directory(base), directory(head))),
        (false, false) => {
            let name = known_name(head).or_else(|| known_name(base)).unwrap_or(HOOK_FILE);
            let file = |path: &Path| Tree::File { path: path.to_owned(), name: name.to_owned() };
            Ok((file(base), file(head)))
        }
        _ => Err(Failure::new(Exit::Usage, "a file and a directory cannot be compared")
            .hint("name two files or two directories")),
    }
}

const HOOK_FILE: &str = ".claude/hooks.json";

/// The fixed name of the kind of file that a path looks like.
fn known_name(path: &Path) -> Option<&'static str> {
    let dir = path.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or_default();
    match (dir, path.file_name()?.to_str()?) {
        (_, "settings.json") => Some(".claude/settings.json"),
        (_, "settings.local.json") => Some(".claude/settings.local.json"),
        (_, "plugin.json") => Some(".claude-plugin/plugin.json"),
        (_, "hooks.local.json") => Some(".claude/hooks.local.json"),
        (".task_orchestrator", _) => Some(".task_orchestrator/hooks.json"),
        ("hooks", "hooks.json") => Some("hooks/hooks.json"),
        _ => None,
    }
}

/// What Git says, with what to do.
fn failure(error: &Error) -> Failure {
    const SHALLOW: &str = "this is a shallow clone, which lacks older commits: `git fetch --unshallow`, \
                           or `fetch-depth: 0` where CI checks out";
    let exit = match error {
        Error::UnknownRevision { .. } | Error::NoTree { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    let failure = Failure::new(exit, error.to_string());
    match error {
        Error::NoGit => failure.hint("install Git, or compare two files: `cph diff OLD NEW`"),
        Error::NoRepository { .. } => {
            failure.hint("compare two files or two directories: `cph diff OLD NEW`")
        }
        Error::Distrusted { .. } => {
            failure.hint("`git status` there tells more; see `safe.directory` in `git help config`")
        }
        Error::UnknownRevision { is_shallow: true, .. }
        | Error::NoMergeBase { is_shallow: true, .. } => failure.hint(SHALLOW),
        Error::UnknownRevision { .. } => {
            failure.hint("`git log --oneline` shows revisions; fetch what is not here yet")
        }
        Error::MissingObject { .. } => failure.hint(
            "a partial clone fetches objects when Git needs them; `git fetch --refetch` gets all",
        ),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_revisions_or_paths() {
        let is_there = |word: &OsStr| word.to_str().is_some_and(|word| word.starts_with("f/"));
        let of = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            meant(&words, &is_there).ok()
        };
        let two = |a: &str, b: &str, parted| Some(Meant::Revisions(a.into(), b.into(), parted));
        assert_eq!(of(&[]), Some(Meant::Revision("HEAD".into())));
        assert_eq!(of(&["main"]), Some(Meant::Revision("main".into())));
        assert_eq!(of(&["main..dev"]), two("main", "dev", false));
        assert_eq!(of(&["main.."]), two("main", "", false));
        assert_eq!(of(&["main...dev"]), two("main", "dev", true));
        assert_eq!(of(&["main", "dev"]), two("main", "dev", false));
        assert_eq!(of(&["f/a", "f/b"]), Some(Meant::Paths("f/a".into(), "f/b".into())));
        assert_eq!(of(&["f/a", "dev"]), None);
        assert_eq!(of(&["a", "b", "c"]), None);
    }

    #[test]
    fn policies_are_ordered() {
        let fails = |policy, kind| fails(policy, Some(kind));
        assert!(fails(FailOn::Weakened, Kind::Dropped) && fails(FailOn::Weakened, Kind::Weakened));
        assert!(!fails(FailOn::Weakened, Kind::Changed) && fails(FailOn::Changed, Kind::Changed));
        assert!(!fails(FailOn::Dropped, Kind::Weakened) && !fails(FailOn::Changed, Kind::Added));
        assert!(fails(FailOn::Any, Kind::Moved) && !super::fails(FailOn::Any, None));
    }
}
