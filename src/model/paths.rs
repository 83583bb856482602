//! Paths that a payload names, and the `paths` globs that hooks ask for them.
//!
//! Does not look at the file system: links are not followed. Invariant: a path is compared in
//! every spelling that a person may have meant: absolute, from the project, from the working
//! directory.
//!
//! `*` and `?` stay within one name. `**` is any number of directories, none included:
//! `src/**/*.py` means `src/a.py` too, `src/**` means all below `src` but not `src`. A glob
//! without `/` means the file's name in any directory; `dir/` means all below. A leading `!`
//! takes paths out again; a list of nothing but such globs means all other paths.

use std::{borrow::Cow, path::Path};

use crate::json::{Kind, Node};

use super::{
    Payload,
    glob::{Glob, Stars},
};

/// Members of an input that hold one path.
const SINGLE: [&str; 3] = ["file_path", "notebook_path", "path"];

/// Members of the payload itself that hold one path.
const OF_PAYLOAD: [&str; 2] = ["file_path", "artifact_path"];

/// The directories that paths are seen from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dirs<'d> {
    pub(crate) project: &'d Path,
    /// The user's home, for `~/`.
    pub(crate) home: Option<&'d Path>,
}

/// The paths that a payload names, as written.
#[derive(Debug, Default)]
pub(crate) struct Named<'p> {
    paths: Vec<Cow<'p, str>>,
    is_unreadable: bool,
}

impl<'p> Named<'p> {
    /// The paths of what is about to be done, of the inputs of a batch, and of the payload itself
    /// (`FileChanged`, `InstructionsLoaded`, `ArtifactSave`).
    pub(crate) fn of(payload: &'p Payload) -> Self {
        let mut named = Self::default();
        for member in OF_PAYLOAD {
            named.add(payload.node(member));
        }
        if let Some(input) = payload.input() {
            named.add_input(input);
        }
        let calls = payload.node("tool_calls").map(|calls| calls.items()).unwrap_or_default();
        for input in calls.iter().filter_map(|call| call.get("tool_input")) {
            named.add_input(input);
        }
        named
    }

    fn add_input(&mut self, input: Node<'p>) {
        for member in input.members() {
            match &*member.key {
                key if SINGLE.contains(&key) => self.add(Some(member.value)),
                "paths" => member.value.items().into_iter().for_each(|path| self.add(Some(path))),
                "edits" => {
                    for edit in member.value.items() {
                        self.add(edit.get("file_path"));
                    }
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, node: Option<Node<'p>>) {
        let Some(node) = node.filter(|node| node.kind() == Kind::String) else { return };
        match node.as_str() {
            Some(path) if path.is_empty() => {}
            Some(path) => self.paths.push(path),
            None => self.is_unreadable = true,
        }
    }

    /// Whether there is a path that cannot be written as text.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.is_unreadable
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// All paths, absolute and without `.` and `..`.
    pub(crate) fn absolute(&self, cwd: &Path) -> impl Iterator<Item = String> {
        self.paths.iter().map(move |path| normal(&cwd.join(&**path).to_string_lossy()))
    }
}

/// Where a relative path of the payload begins.
pub(crate) fn working_dir<'p>(payload: &'p Payload, project: &'p Path) -> Cow<'p, Path> {
    match payload.cwd() {
        Some(Cow::Borrowed(cwd)) => Cow::Borrowed(Path::new(cwd)),
        Some(Cow::Owned(cwd)) => Cow::Owned(cwd.into()),
        None => Cow::Borrowed(project),
    }
}

/// How `paths` globs meet a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    Meets,
    Misses,
    /// The payload names no path.
    NoPath,
}

/// Whether one of the payload's paths is meant by the globs. A glob that cannot be read means
/// every path, negated none: the reader of the file is told, and a hook too many is better than
/// a gate too few.
pub(crate) fn meet(globs: &[String], named: &Named, cwd: &Path, project: &Path) -> Meeting {
    if named.is_unreadable() {
        return Meeting::Meets;
    }
    if named.is_empty() {
        return Meeting::NoPath;
    }
    let (out, within): (Vec<_>, Vec<_>) =
        globs.iter().map(|glob| Wanted::parse(glob)).partition(|wanted| wanted.is_negated);
    let is_meant = |path: &String| {
        let spellings = spellings(path, project, cwd);
        (within.is_empty() || within.iter().any(|wanted| wanted.means(&spellings, true)))
            && !out.iter().any(|wanted| wanted.means(&spellings, false))
    };
    let meets = named.absolute(cwd).any(|path| is_meant(&path));
    if meets { Meeting::Meets } else { Meeting::Misses }
}

/// Why a glob of `paths` cannot be read.
pub(crate) fn fault(glob: &str) -> Option<String> {
    let wanted = Wanted::parse(glob);
    Glob::new(&wanted.text, Stars::WithinName).fault().map(str::to_owned)
}

/// One glob of `paths`.
#[derive(Debug)]
struct Wanted<'g> {
    text: Cow<'g, str>,
    is_negated: bool,
    is_name: bool,
}

impl<'g> Wanted<'g> {
    fn parse(glob: &'g str) -> Self {
        let (is_negated, text) = match glob.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, glob),
        };
        let text = text.strip_prefix("./").unwrap_or(text);
        let is_name = !text.contains('/');
        let text = if text.ends_with('/') { format!("{text}**").into() } else { text.into() };
        Self { text, is_negated, is_name }
    }

    fn means(&self, spellings: &[String], if_unreadable: bool) -> bool {
        let glob = Glob::new(&self.text, Stars::WithinName);
        spellings.iter().any(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            glob.matches(if self.is_name { name } else { path }).unwrap_or(if_unreadable)
        })
    }
}

/// An absolute path, and how it looks from the project and from the working directory.
fn spellings(path: &str, project: &Path, cwd: &Path) -> Vec<String> {
    let from = |dir: &Path| below(path, &normal(&dir.to_string_lossy()));
    let mut spellings = vec![path.to_owned()];
    spellings.extend([from(project), from(cwd)].into_iter().flatten());
    spellings
}

/// What is left of a normal path behind a normal directory; `None` if it does not lie below.
pub(crate) fn below(path: &str, dir: &str) -> Option<String> {
    let rest = path.strip_prefix(dir.trim_end_matches('/'))?;
    rest.strip_prefix('/').filter(|rest| !rest.is_empty()).map(str::to_owned)
}

/// The path without `.`, `..` and doubled slashes, as far as its text tells.
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let start = if path.starts_with('/') { "/" } else { "" };
    format!("{start}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::payload;

    fn met(globs: &[&str], payload: &Value) -> Meeting {
        let globs: Vec<_> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        met_by(&globs, &payload::of(payload))
    }

    fn met_by(globs: &[String], payload: &Payload) -> Meeting {
        let project = Path::new("/p");
        meet(globs, &Named::of(payload), working_dir(payload, project).as_ref(), project)
    }

    fn edit(path: &str) -> Value {
        json!({"cwd": "/p/sub", "tool_input": {"file_path": path}})
    }

    #[test]
    fn globs_mean_what_is_documented() {
        let cases: &[(&[&str], &str, bool)] = &[
            (&["src/**/*.py"], "/p/src/a.py", true),
            (&["src/**/*.py"], "/p/src/b/c/a.py", true),
            (&["src/**/*.py"], "/p/src/a.rs", false),
            (&["src/**/*.py"], "/elsewhere/src/a.py", false),
            (&["**/src/**/*.py"], "/elsewhere/src/a.py", true),
            (&["src/*.py"], "/p/src/b/a.py", false),
            (&["src/**"], "/p/src", false),
            (&["src/"], "/p/src/b/a.py", true),
            (&["*.py"], "/p/x/y/a.py", true),
            (&["Makefile"], "/p/x/Makefile", true),
            (&["./a.py"], "/p/a.py", true),
            (&["/p/src/**"], "/p/src/a", true),
            (&["/src/**"], "/p/src/a", false),
            (&["x/a.py"], "/p/sub/x/a.py", true),
            (&["sub/x/a.py"], "/p/sub/x/a.py", true),
            (&["sub/a.py"], "a.py", true),
            (&["a.py"], "../sub/./a.py", true),
            (&["b/*"], "../b/a.py", true),
            (&["src/**", "!**/gen/**"], "/p/src/gen/a", false),
            (&["src/**", "!**/gen/**"], "/p/src/a", true),
            (&["!*.md"], "/p/a.py", true),
            (&["!*.md"], "/p/a.md", false),
            (&["[a"], "/p/x", true),
            (&["!x/[a"], "/p/x/y", true),
            (&["src/{a,b}.py"], "/p/src/b.py", true),
        ];
        for (globs, path, expected) in cases {
            let expected = if *expected { Meeting::Meets } else { Meeting::Misses };
            assert_eq!(met(globs, &edit(path)), expected, "{globs:?} {path}");
        }
    }

    #[test]
    fn every_path_of_the_payload_counts() {
        let payloads = [
            json!({"tool_input": {"file_path": "/p/a.py"}}),
            json!({"tool_input": {"notebook_path": "/p/a.py"}}),
            json!({"tool_input": {"path": "/p/a.py"}}),
            json!({"tool_input": {"paths": ["/p/x", "/p/a.py"]}}),
            json!({"tool_input": {"edits": [{"x": 1}, {"file_path": "/p/a.py"}]}}),
            json!({"task_input": {"paths": ["/p/x", "/p/a.py"]}}),
            json!({"file_path": "/p/a.py"}),
            json!({"artifact_path": "a.py"}),
            json!({"tool_calls": [{}, {"tool_input": {"file_path": "/p/a.py"}}]}),
        ];
        for payload in payloads {
            assert_eq!(met(&["*.py"], &payload), Meeting::Meets, "{payload}");
            assert_eq!(met(&["*.rs"], &payload), Meeting::Misses, "{payload}");
        }
        let none = json!({"tool_input": {"command": "cat a.py", "path": 7, "file_path": ""}});
        assert_eq!(met(&["**"], &none), Meeting::NoPath);
        assert_eq!(met(&["**"], &json!({})), Meeting::NoPath);
    }

    #[test]
    fn a_path_that_is_no_text_may_be_any() {
        let payload = Payload::parse(br#"{"file_path":"\ud800"}"#.to_vec()).unwrap();
        assert_eq!(met_by(&["x".into()], &payload), Meeting::Meets);
    }

    #[test]
    fn faults_are_found_without_a_payload() {
        assert!(fault("!src/[a").is_some());
        assert_eq!(fault("src/**/*.{a,b}"), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(glob in "[a/*!.\\[{}~]{0,8}|.*", path in "[a/.]{0,8}|.*") {
            let meeting = met(&[&glob], &edit(&path));
            prop_assert_eq!(meeting == Meeting::NoPath, path.is_empty());
        }

        #[test]
        fn a_normal_path_stays_as_it_is(path in "[a/.]{0,12}") {
            let once = normal(&path);
            prop_assert_eq!(normal(&once), once);
        }
    }
}
