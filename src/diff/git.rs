//! Git, asked for the files of a revision.
//!
//! Does not know what the files mean. The repository is not trusted: its configuration may come
//! with an unpacked archive. Invariants: nothing of the repository is run (no hook, filter, pager,
//! monitor, transport), nothing is written, no object is fetched, and what `GIT_*` variables say
//! does not count.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::sys::{
    clock::Deadline,
    memory::Shared,
    place::Env,
    process::{self, Command, Ending, Limits, Set, Status, Stdin},
};

/// For one command; the listing of a very large repository takes a second.
const LIMIT: Duration = Duration::from_mins(2);

/// Most that one command may say: hook files are small, a list of a million names is not.
const MOST_OUTPUT: usize = 256 << 20;

/// What every command is told before its name.
const OPTIONS: &[&str] = &[
    "--no-pager",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "protocol.allow=never",
    "-c",
    "safe.bareRepository=explicit",
];

/// Variables that are set whatever ours say.
const VARIABLES: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_PAGER", "cat"),
];

/// Variables of ours that are passed on: where programs and the user's own configuration are.
const KEPT: &[&str] = &["HOME", "XDG_CONFIG_HOME", "TMPDIR"];

/// Why Git gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("`git` is not on PATH")]
    NoGit,
    #[error("`{}` is not in a Git repository", dir.display())]
    NoRepository { dir: PathBuf },
    /// Git does not trust the owner of the repository, or something else about it.
    #[error("git does not read the repository of `{}`: {said}", dir.display())]
    Distrusted { dir: PathBuf, said: String },
    #[error("there is no revision `{revision}`")]
    UnknownRevision { revision: String, is_shallow: bool },
    #[error("`{revision}` is no revision with files")]
    NoTree { revision: String },
    #[error("`{base}` and `{head}` have no common ancestor here")]
    NoMergeBase { base: String, head: String, is_shallow: bool },
    /// A partial clone that has not fetched it, or a damaged repository.
    #[error("{what} of `{revision}` is not in this repository")]
    MissingObject { what: String, revision: String },
    #[error("git {command} failed: {said}")]
    Failed { command: String, said: String },
    #[error("cannot run git: {0}")]
    Run(#[from] io::Error),
}

/// What Git has for a path of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Absent,
    Blob(Vec<u8>),
    /// A link that leads out of the repository or nowhere, or no file at all.
    Odd(&'static str),
}

/// A repository, seen from one of its directories.
#[derive(Debug)]
pub(crate) struct Git {
    program: PathBuf,
    dir: PathBuf,
    env: BTreeMap<OsString, OsString>,
    scratch: PathBuf,
    /// `dir` below the top of the working tree, with a slash at the end; empty for the top.
    prefix: String,
    is_shallow: bool,
}

/// A revision that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    /// As it was written.
    pub(crate) name: String,
    /// The object, in hexadecimal digits.
    pub(crate) id: String,
}

impl Git {
    /// The repository around `dir`. `scratch`: where temporary files may lie.
    pub(crate) fn open(dir: &Path, env: &Env, scratch: &Path) -> Result<Self, Error> {
        let path = absolute_path(env.get("PATH"));
        let program =
            process::find_program("git".as_ref(), Some(&path), None).map_err(|_| Error::NoGit)?;
        let kept =
            KEPT.iter().filter_map(|name| Some((OsString::from(name), env.get(name)?.into())));
        let fixed = VARIABLES.iter().map(|(name, value)| (name.into(), value.into()));
        let mut git = Self {
            program,
            dir: dir.to_owned(),
            env: kept.chain(fixed).chain([("PATH".into(), path)]).collect(),
            scratch: scratch.to_owned(),
            prefix: String::new(),
            is_shallow: false,
        };
        let asked =
            ["rev-parse", "--is-inside-work-tree", "--is-shallow-repository", "--show-prefix"];
        let ending = git.start(&asked, None)?;
        if !matches!(ending.status, Status::Exited(0)) {
            return Err(git.no_repository(&said(&ending)));
        }
        let text = String::from_utf8_lossy(&ending.stdout).into_owned();
        let mut lines = text.splitn(3, '\n');
        if lines.next() != Some("true") {
            return Err(Error::NoRepository { dir: git.dir });
        }
        git.is_shallow = lines.next() == Some("true");
        lines.next().unwrap_or_default().trim_end_matches('\n').clone_into(&mut git.prefix);
        Ok(git)
    }

    fn no_repository(&self, said: &str) -> Error {
        let dir = self.dir.clone();
        if said.contains("not a git repository") || said.contains("must be run in a work tree") {
            return Error::NoRepository { dir };
        }
        Error::Distrusted { dir, said: said.to_owned() }
    }

    /// The directory below the top of the working tree, with a slash at the end; empty for the top.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The revision of a name; an empty one is `HEAD`.
    pub(crate) fn revision(&self, name: &str) -> Result<Revision, Error> {
        let name = if name.is_empty() { "HEAD" } else { name };
        let Some(id) = self.verified(name)? else {
            return Err(Error::UnknownRevision {
                revision: name.to_owned(),
                is_shallow: self.is_shallow,
            });
        };
        if self.verified(&format!("{id}^{{tree}}"))?.is_none() {
            return Err(Error::NoTree { revision: name.to_owned() });
        }
        Ok(Revision { name: name.to_owned(), id })
    }

    /// The newest commit that both have.
    pub(crate) fn merge_base(&self, base: &Revision, head: &Revision) -> Result<Revision, Error> {
        let ending = self.start(&["merge-base", &base.id, &head.id], None)?;
        let id = String::from_utf8_lossy(&ending.stdout).trim().to_owned();
        if !matches!(ending.status, Status::Exited(0)) || id.is_empty() {
            return Err(Error::NoMergeBase {
                base: base.name.clone(),
                head: head.name.clone(),
                is_shallow: self.is_shallow,
            });
        }
        Ok(Revision { name: format!("{}...{}", base.name, head.name), id })
    }

    fn verified(&self, name: &str) -> Result<Option<String>, Error> {
        if name.starts_with('-') || name.contains('\0') {
            return Ok(None);
        }
        let asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", name];
        let ending = self.start(&asked, None)?;
        let id = String::from_utf8_lossy(&ending.stdout).trim().to_owned();
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit());
        Ok((matches!(ending.status, Status::Exited(0)) && is_id).then_some(id))
    }

    /// The names of all files of a revision below the directory, relative to it. Names that are
    /// not UTF-8 are left out.
    pub(super) fn names(&self, revision: &Revision) -> Result<Vec<String>, Error> {
        let mut asked = vec!["ls-tree", "-r", "-z", "--name-only", "--full-tree", &revision.id];
        let own = self.prefix.trim_end_matches('/');
        if !own.is_empty() {
            asked.extend(["--", own]);
        }
        let listed = self.run(&asked, None)?;
        let names = split_names(&listed);
        Ok(names.filter_map(|name| Some(name.strip_prefix(&self.prefix)?.to_owned())).collect())
    }

    /// The names of files in the working tree below the directory that are tracked, or would be:
    /// what is ignored is left out.
    pub(super) fn present_names(&self) -> Result<Vec<String>, Error> {
        let asked = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        Ok(split_names(&self.run(&asked, None)?).map(str::to_owned).collect())
    }

    /// What a revision has for paths below the directory; links within the revision are followed.
    pub(super) fn objects(
        &self,
        revision: &Revision,
        paths: &[String],
    ) -> Result<Vec<Object>, Error> {
        let sound: Vec<_> = paths.iter().filter(|path| !path.contains('\n')).collect();
        let mut asked = String::new();
        for path in &sound {
            asked += &[revision.id.as_str(), ":", &self.prefix, path, "\n"].concat();
        }
        let batch = ["cat-file", "--batch", "--follow-symlinks"];
        let said = self.run(&batch, Some(asked.as_bytes())).map_err(|error| match error {
            // It would have to be fetched, and nothing is.
            Error::Failed { said, .. } if said.contains("promisor") => {
                Error::MissingObject { what: "a file".to_owned(), revision: revision.name.clone() }
            }
            error => error,
        })?;
        let mut rest = said.as_slice();
        let mut found = BTreeMap::new();
        for path in sound {
            let object = next_object(&mut rest).ok_or_else(|| Error::Failed {
                command: "cat-file".to_owned(),
                said: "it ended too early".to_owned(),
            })?;
            found.insert(path.as_str(), object);
        }
        let object = |path: &String| found.remove(path.as_str()).unwrap_or(Object::Absent);
        Ok(paths.iter().map(object).collect())
    }

    fn run(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Vec<u8>, Error> {
        let ending = self.start(arguments, input)?;
        let command = || arguments.first().copied().unwrap_or_default().to_owned();
        match ending.status {
            Status::Exited(0) if !ending.stdout_cut => Ok(ending.stdout),
            Status::Exited(0) => {
                Err(Error::Failed { command: command(), said: "it says too much".to_owned() })
            }
            _ => Err(Error::Failed { command: command(), said: said(&ending) }),
        }
    }

    /// Runs git to its end, whatever that is.
    fn start(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Ending, Error> {
        let words = OPTIONS.iter().chain(arguments).map(OsString::from);
        let stdin = match input {
            Some(bytes) => Stdin::File(Shared::new(bytes, &self.scratch).reader()?),
            None => Stdin::Null,
        };
        let command = Command {
            argv: std::iter::once(self.program.clone().into_os_string()).chain(words).collect(),
            env: self.env.clone().into(),
            dir: Some(self.dir.clone()),
            stdin,
            marker: "git".to_owned(),
        };
        let grace = Duration::from_secs(1);
        let deadline = Deadline::after(LIMIT);
        let mut set = Set::new();
        set.start(command, Limits { deadline, grace, output_cap: MOST_OUTPUT, leak_grace: grace });
        let Some((_, ending)) = set.next() else {
            return Err(Error::Run(io::Error::other("it was not started")));
        };
        match ending.status {
            Status::NotStarted(error) | Status::Lost(error) => Err(Error::Run(error)),
            Status::TimedOut => {
                let told = format!("it takes longer than {} s", LIMIT.as_secs());
                Err(Error::Run(io::Error::new(io::ErrorKind::TimedOut, told)))
            }
            _ => Ok(ending),
        }
    }
}

/// Without relative directories: the working directory is the project's, and what lies in it must
/// not pass for Git.
fn absolute_path(path: Option<&OsStr>) -> OsString {
    let path = path.unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    let places = path.as_bytes().split(|&byte| byte == b':');
    let absolute: Vec<_> = places.filter(|place| place.starts_with(b"/")).collect();
    OsString::from_vec(absolute.join(&b':'))
}

/// What git complained about, on one line.
fn said(ending: &Ending) -> String {
    let text = String::from_utf8_lossy(&ending.stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.take(2).collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("fatal: ").unwrap_or(&line);
    if line.is_empty() { format!("{:?}", ending.status) } else { line.to_owned() }
}

fn split_names(listed: &[u8]) -> impl Iterator<Item = &str> {
    let names = listed.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names.filter_map(|name| std::str::from_utf8(name).ok())
}

/// Takes one answer of `cat-file --batch` off the front.
fn next_object(rest: &mut &[u8]) -> Option<Object> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let head = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 1..];
    if head.ends_with(" missing") {
        return Some(Object::Absent);
    }
    let mut words = head.rsplit(' ');
    let size: usize = words.next()?.parse().ok()?;
    let kind = words.next()?;
    let body = rest.get(..size)?;
    *rest = rest.get(size + 1..)?;
    Some(match kind {
        "blob" => Object::Blob(body.to_vec()),
        "tree" => Object::Odd("it is a directory"),
        "symlink" => Object::Odd("it is a link that leads out of the repository"),
        "dangling" => Object::Odd("it is a link that leads nowhere"),
        "loop" => Object::Odd("it is a link that leads back to itself"),
        "notdir" => Object::Absent,
        _ => Object::Odd("it is no file"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_apart() {
        let mut rest: &[u8] = b"ab12 blob 3\na\nb\nab12:x y missing\nsymlink 4\n../z\n\
                                dangling 6\nab12:d\nab12 tree 0\n\nnotdir 6\nab12:n\n";
        let told: Vec<_> = std::iter::from_fn(|| next_object(&mut rest)).collect();
        assert_eq!(
            told,
            [
                Object::Blob(b"a\nb".to_vec()),
                Object::Absent,
                Object::Odd("it is a link that leads out of the repository"),
                Object::Odd("it is a link that leads nowhere"),
                Object::Odd("it is a directory"),
                Object::Absent,
            ]
        );
        assert!(rest.is_empty());
    }

    #[test]
    fn programs_of_the_working_directory_are_not_found() {
        let path = absolute_path(Some(OsStr::new(".:/usr/bin::bin:/bin")));
        assert_eq!(path, OsStr::new("/usr/bin:/bin"));
    }
}
