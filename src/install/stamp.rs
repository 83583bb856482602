//! What an installation did, kept in the private state directory.
//!
//! Does not know how it is done or taken back. Invariants: the stamp is written before the first
//! file is touched and goes after the last, so that whatever was interrupted can be taken back; a
//! file of a newer cph is refused, a torn one counts as none.

use std::{
    collections::BTreeSet,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::sys::dir::PrivateDir;

use super::{Error, Site, adopt::Adopted, registration::Scope};

const VERSION: u32 = 1;

/// One installation: that of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) version: u32,
    pub(crate) scope: Scope,
    /// `None` in the user's scope.
    pub(crate) project: Option<PathBuf>,
    /// Of the cph that installed.
    pub(crate) cph: String,
    /// What the caller calls the configuration that was installed.
    pub(crate) config: String,
    pub(crate) settings: FileStamp,
    /// Only when hooks were adopted.
    pub(crate) hook_file: Option<FileStamp>,
    /// Registrations that only Claude Code can run and that we put in.
    pub(super) natives: Vec<Native>,
    pub(crate) adopted: Vec<Adopted>,
    /// Containers that were there, empty, before us.
    pub(super) kept: BTreeSet<String>,
    /// Directories that we made, the outermost first.
    pub(crate) made: Vec<PathBuf>,
}

/// What a file was and what we made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileStamp {
    pub(crate) path: PathBuf,
    /// SHA-256 of its bytes before us; `None`: there was no such file.
    pub(crate) before: Option<String>,
    /// SHA-256 of what we wrote over those very bytes, each time.
    pub(crate) written: Vec<String>,
    /// A copy of the bytes before us.
    pub(crate) backup: Option<PathBuf>,
    /// Whether giving those bytes back takes our entries away and nothing else.
    pub(crate) restores: bool,
}

/// A native registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Native {
    pub(super) event: String,
    pub(super) matcher: Option<String>,
    pub(super) handler: String,
}

/// The block in `.gitignore`, shared by all scopes of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IgnoreStamp {
    pub(super) version: u32,
    pub(super) path: PathBuf,
    pub(super) existed: bool,
    pub(super) added: String,
}

impl Stamp {
    /// The stamp of what is installed in a settings file, if something is.
    pub(crate) fn load(
        state: &PrivateDir,
        scope: Scope,
        settings: &Path,
    ) -> Result<Option<Self>, Error> {
        load(state, &name(scope, settings))
    }

    /// The stamps of all installations in a project.
    pub(super) fn all_of(state: &PrivateDir, project: &Path) -> Result<Vec<Self>, Error> {
        let names = state.list()?;
        let names = names.iter().filter_map(|name| name.to_str());
        let is_stamp = |name: &&str| name.starts_with(PREFIX) && name.strip_suffix(END).is_some();
        let mut all = Vec::new();
        for name in names.filter(is_stamp) {
            all.extend(load::<Self>(state, name)?);
        }
        all.retain(|stamp| stamp.project.as_deref() == Some(project));
        Ok(all)
    }

    pub(super) fn new(site: &Site<'_>, config: &str, settings: FileStamp) -> Self {
        Self {
            version: VERSION,
            scope: site.scope,
            project: site.project.clone(),
            cph: env!("CARGO_PKG_VERSION").to_owned(),
            config: config.to_owned(),
            settings,
            hook_file: None,
            natives: Vec::new(),
            adopted: Vec::new(),
            kept: BTreeSet::new(),
            made: Vec::new(),
        }
    }
}

impl IgnoreStamp {
    pub(super) fn new(path: &Path, existed: bool, added: String) -> Self {
        Self { version: VERSION, path: path.to_owned(), existed, added }
    }

    pub(super) fn load(state: &PrivateDir, path: &Path) -> Result<Option<Self>, Error> {
        load(state, &ignore_name(path))
    }
}

impl FileStamp {
    /// Whether the file holds what was there before us.
    pub(super) fn is_before(&self, bytes: Option<&[u8]>) -> bool {
        self.before == bytes.map(sha)
    }

    /// Whether the file holds what we made of what was there before.
    pub(super) fn is_written(&self, bytes: Option<&[u8]>) -> bool {
        bytes.map(sha).is_some_and(|sha| self.written.contains(&sha))
    }
}

const PREFIX: &str = "install-";
const END: &str = ".json";

/// The file of the stamp of a settings file. Worktrees may share the directory.
pub(super) fn name(scope: Scope, settings: &Path) -> String {
    format!("{PREFIX}{scope}-{}{END}", short(settings))
}

/// The file of the stamp of a `.gitignore`.
pub(super) fn ignore_name(path: &Path) -> String {
    format!("gitignore-{}{END}", short(path))
}

fn short(path: &Path) -> String {
    sha(path.as_os_str().as_encoded_bytes())[..12].to_owned()
}

/// SHA-256 in hexadecimal.
pub(super) fn sha(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn load<T: DeserializeOwned>(state: &PrivateDir, name: &str) -> Result<Option<T>, Error> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let mut text = String::new();
    match state.open_read(name) {
        Ok(mut file) => file
            .read_to_string(&mut text)
            .map_err(|source| Error::system("read", &state.path().join(name), source))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match serde_json::from_str::<Head>(&text) {
        Ok(head) if head.version > VERSION => Err(Error::Newer { path: state.path().join(name) }),
        _ => Ok(serde_json::from_str(&text).ok()),
    }
}

/// Writes a stamp: all of it, or nothing.
pub(super) fn save(state: &PrivateDir, name: &str, json: &str) -> Result<(), Error> {
    let draft = format!("{name}.new");
    // Left over from a process that died; we hold the lock.
    state.remove(&draft)?;
    let mut file = state.create_new(&draft)?;
    let failed = |source| Error::system("write", &state.path().join(&draft), source);
    file.write_all(json.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    state.rename(&draft, name)?;
    Ok(state.sync()?)
}

pub(super) fn forget(state: &PrivateDir, name: &str) -> Result<(), Error> {
    state.remove(name)?;
    Ok(state.sync()?)
}
