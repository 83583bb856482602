//! Which hook files there are, and in which order they count.
//!
//! Does not look into them (`open`, `read`). Invariant: a path that comes with a clone leads to
//! a file of the clone.

use std::path::{Component, Path, PathBuf};

use super::{integration::Said, read::Belongs, rules};
use crate::{
    diag::Diagnostic,
    model::{Processor, origin::Layer},
    sys::place::canonical,
};

/// Where to look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots {
    /// `~/.claude`, wherever it is.
    pub(crate) claude_dir: Option<PathBuf>,
    pub(crate) project: Option<PathBuf>,
}

/// A file that may or may not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    pub(crate) belongs: Belongs,
}

/// What makes a directory a project.
const MARKERS: &[&str] = &[".claude", ".task_orchestrator", ".git"];

const IN_PROJECT: &[(&str, Layer, Processor)] = &[
    (".claude/hooks.json", Layer::Project, Processor::ClaudeCode),
    (".task_orchestrator/hooks.json", Layer::Project, Processor::TaskOrchestrator),
    (".claude/hooks.local.json", Layer::Local, Processor::ClaudeCode),
];

/// The names of those files, whatever the directory.
pub(crate) const NAMES: &[&str] = &["hooks.json", "hooks.local.json"];

/// The files with fixed names, in layer order.
pub(crate) fn candidates(roots: &Roots) -> Vec<Candidate> {
    let user = roots.claude_dir.iter().map(|dir| Candidate {
        path: dir.join("hooks.json"),
        belongs: Belongs { layer: Layer::User, owner: Some(Processor::ClaudeCode) },
    });
    let in_project = roots.project.iter().flat_map(|project| {
        IN_PROJECT.iter().map(|&(name, layer, owner)| Candidate {
            path: project.join(name),
            belongs: Belongs { layer, owner: Some(owner) },
        })
    });
    user.chain(in_project).collect()
}

/// The file that `integration.shared_hooks_path` names.
///
/// # Errors
///
/// It leads out of the project, or there is no project.
pub(crate) fn shared(roots: &Roots, said: &Said<String>) -> Result<Candidate, Box<Diagnostic>> {
    let inside = roots.project.as_ref().and_then(|project| inside(project, &said.value));
    let Some(path) = inside else {
        let origin = &said.origin;
        let message = format!("the shared hook file `{}` is not in the project", said.value);
        let found = Diagnostic::new(&rules::PATH_OUTSIDE_PROJECT, message)
            .at(&origin.file, origin.span, &origin.pointer)
            .label("not read")
            .help("name a file below the project, such as \".claude/hooks.json\"");
        return Err(Box::new(found));
    };
    Ok(Candidate { path, belongs: Belongs { layer: Layer::Project, owner: None } })
}

/// The path below the project, if it stays there with every link and `..` resolved.
fn inside(project: &Path, written: &str) -> Option<PathBuf> {
    let written = Path::new(written);
    let climbs = written.components().any(|part| part == Component::ParentDir);
    let path = project.join(written);
    let real = canonical(project);
    (!climbs && canonical(&path).starts_with(&real)).then_some(path)
}

/// The project of a session: what `CLAUDE_PROJECT_DIR` says, else the nearest directory upwards
/// from `cwd` that is marked as one, else `cwd`.
///
/// The home directory holds a `.claude` of its own and is no project, except for who works in it.
pub(crate) fn find_project(told: Option<&Path>, cwd: &Path, home: Option<&Path>) -> PathBuf {
    if let Some(told) = told.filter(|dir| dir.is_absolute() && dir.is_dir()) {
        return told.to_owned();
    }
    let home = home.map(canonical);
    let is_marked = |dir: &&Path| MARKERS.iter().any(|marker| dir.join(marker).exists());
    let is_below_home = |dir: &&Path| home.as_deref() != Some(&canonical(dir));
    let project = cwd.ancestors().take_while(is_below_home).find(is_marked);
    project.unwrap_or(cwd).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::origin::Origin,
        source::{SourceFile, Span},
    };
    use std::{fs::create_dir_all, os::unix::fs::symlink};

    fn roots(project: &Path) -> Roots {
        Roots { claude_dir: Some("/home/.claude".into()), project: Some(project.to_owned()) }
    }

    #[test]
    fn files_come_in_layer_order() {
        let found = candidates(&roots(Path::new("/p")));
        let told: Vec<_> =
            found.iter().map(|c| (c.path.to_str().unwrap(), c.belongs.layer)).collect();
        assert_eq!(
            told,
            [
                ("/home/.claude/hooks.json", Layer::User),
                ("/p/.claude/hooks.json", Layer::Project),
                ("/p/.task_orchestrator/hooks.json", Layer::Project),
                ("/p/.claude/hooks.local.json", Layer::Local),
            ]
        );
        let names = |path: &Path| NAMES.contains(&path.file_name().unwrap().to_str().unwrap());
        assert!(found.iter().all(|candidate| names(&candidate.path)));
        assert!(candidates(&Roots::default()).is_empty());
    }

    #[test]
    fn a_shared_file_stays_in_the_project() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("p");
        create_dir_all(project.join("sub")).unwrap();
        symlink(dir.path(), project.join("out")).unwrap();
        let origin = Origin {
            layer: Layer::Project,
            owner: None,
            file: SourceFile::new("f", "\"x\""),
            span: Span::new(0, 3),
            pointer: "/integration/shared_hooks_path".into(),
        };
        let is_taken = |written: &str| {
            let said = Said { value: written.to_owned(), origin: origin.clone() };
            shared(&roots(&project), &said).is_ok()
        };
        for good in ["hooks.json", "./sub/h.json", "sub/none/h.json"] {
            assert!(is_taken(good), "{good}");
        }
        assert!(is_taken(project.join("x.json").to_str().unwrap()));
        for bad in ["../h.json", "sub/../../h.json", "out/h.json", "/etc/passwd", "sub/../h.json"] {
            assert!(!is_taken(bad), "{bad}");
        }
    }

    #[test]
    fn the_project_is_the_nearest_marked_directory_below_home() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let deep = home.join("code/p/src/x");
        create_dir_all(&deep).unwrap();
        create_dir_all(home.join(".claude")).unwrap();
        create_dir_all(dir.path().join(".git")).unwrap();
        let find = |cwd: &Path| find_project(None, cwd, Some(&home));
        assert_eq!(find(&deep), deep, "neither home nor what is above it is a project");
        create_dir_all(home.join("code/p/.git")).unwrap();
        assert_eq!(find(&deep), home.join("code/p"));
        assert_eq!(find(&home), home);
        assert_eq!(find(dir.path()), dir.path(), "outside of home its marker counts");
        assert_eq!(find_project(Some(&home), &deep, Some(&home)), home);
        assert_eq!(find_project(Some(Path::new("p")), &deep, None), home.join("code/p"));
    }
}
