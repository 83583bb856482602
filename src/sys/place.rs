//! Where we are: the environment, the user's directories, the working directory.
//!
//! The only reader of the environment. Knows no file by name below the directories that it
//! finds. What it returns depends on the given [`Env`] alone, and on the user's account where
//! `HOME` is missing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, io};

/// A snapshot of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Env(BTreeMap<OsString, OsString>);

impl Env {
    /// The environment of this process, now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(crate) fn current() -> Self {
        Self(env::vars_os().collect())
    }

    /// An environment made of `pairs`; of two pairs with one name the later counts.
    #[cfg(test)]
    pub(crate) fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The value as text; `None` when it is missing or no UTF-8.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str)
    }

    /// A copy to build the environment of a child from.
    pub(crate) fn to_map(&self) -> BTreeMap<OsString, OsString> {
        self.0.clone()
    }

    /// The variable as an absolute path; the XDG rules tell to ignore a relative one.
    fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

/// The directories of the user. None of them need exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// `HOME`, else what the user's account says; `None` for an account without a home.
    pub(crate) home: Option<PathBuf>,
    /// `CLAUDE_CONFIG_DIR`, else `~/.claude`.
    pub(crate) claude_dir: Option<PathBuf>,
    /// `XDG_STATE_HOME/cph`, else `~/.local/state/cph`.
    pub(crate) state_dir: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR/cph`: in memory, gone at logout; many systems have none.
    pub(crate) runtime_dir: Option<PathBuf>,
    /// The same; without it, on Linux, a directory of the user in `/dev/shm`. Whether it lies in
    /// memory, and belongs to the user, is to be seen when it is opened.
    pub(crate) memory_dir: Option<PathBuf>,
    /// `TMPDIR`, else `/tmp`.
    pub(crate) temp_dir: PathBuf,
}

impl Places {
    /// Finds the directories as `env` tells them.
    pub(crate) fn from_env(env: &Env) -> Self {
        let home = env.path("HOME").or_else(account_home);
        let in_home = |below: &str| home.as_ref().map(|home| home.join(below));
        let runtime_dir = env.path("XDG_RUNTIME_DIR").map(|dir| dir.join("cph"));
        Self {
            claude_dir: env.path("CLAUDE_CONFIG_DIR").or_else(|| in_home(".claude")),
            state_dir: env
                .path("XDG_STATE_HOME")
                .or_else(|| in_home(".local/state"))
                .map(|dir| dir.join("cph")),
            memory_dir: runtime_dir.clone().or_else(shared_memory),
            runtime_dir,
            temp_dir: env.path("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp")),
            home,
        }
    }
}

/// The directory of the effective user in the memory that all users share.
#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn shared_memory() -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    Some(PathBuf::from(format!("/dev/shm/cph-{user}")))
}

#[cfg(not(target_os = "linux"))]
fn shared_memory() -> Option<PathBuf> {
    None
}

/// The home directory that the user database knows for the effective user.
#[expect(unsafe_code, reason = "no safe wrapper of getpwuid_r is at hand; used without HOME only")]
fn account_home() -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;

    let mut text = vec![0; 16 * 1024];
    let mut found = std::ptr::null_mut();
    // SAFETY: a `passwd` of zeros is a valid value: null pointers and numbers.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    let uid = rustix::process::geteuid().as_raw();
    // SAFETY: `entry`, `text` and `found` live beyond the call, and `text` has the given length.
    let code = unsafe {
        libc::getpwuid_r(uid, &raw mut entry, text.as_mut_ptr(), text.len(), &raw mut found)
    };
    if code != 0 || found.is_null() || entry.pw_dir.is_null() {
        return None;
    }
    // SAFETY: on success `pw_dir` is a string that ends with NUL inside `text`, which still lives.
    let dir = unsafe { std::ffi::CStr::from_ptr(entry.pw_dir) };
    let dir = PathBuf::from(OsStr::from_bytes(dir.to_bytes()));
    dir.is_absolute().then_some(dir)
}

/// The working directory of this process; an error when it was removed.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for it")]
pub(crate) fn working_dir() -> io::Result<PathBuf> {
    env::current_dir()
}

/// The program file of this process.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    env::current_exe()
}

/// What a child of ours has to be started with to be this very program: its file, or on Linux what
/// the kernel has of it where that was replaced or removed since. In other processes the latter
/// means other programs.
pub(crate) fn own_program_for_children() -> io::Result<PathBuf> {
    let file = own_program()?;
    let kept = Path::new("/proc/self/exe");
    Ok(if file.exists() || !kept.exists() { file } else { kept.to_owned() })
}

/// The file of our own program as it was when we were started.
#[derive(Debug)]
pub(crate) struct OwnFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl OwnFile {
    /// To be asked early: a file that was replaced before is not known by its name any more.
    pub(crate) fn now() -> Option<Self> {
        let path = own_program().ok()?;
        let inode = inode(&path)?;
        Some(Self { path, inode })
    }

    /// What stands in its place if it was replaced since. Nothing if it is gone.
    pub(crate) fn successor(&self) -> Option<&Path> {
        inode(&self.path).is_some_and(|inode| inode != self.inode).then_some(&*self.path)
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().ok().map(|data| (data.dev(), data.ino()))
}

/// `path` made absolute, with symbolic links and `..` resolved as far as it exists; what does not
/// exist is kept as it is written.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for existing in absolute.ancestors() {
        if let Ok(real) = existing.canonicalize() {
            return match absolute.strip_prefix(existing) {
                Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
                _ => real,
            };
        }
    }
    absolute
}

/// Whether the POSIX halves of this floor are to be used: everywhere but on Linux, and there with
/// `CPH_SYS=posix`. Read once per process.
pub(crate) fn use_posix() -> bool {
    static CHOICE: OnceLock<bool> = OnceLock::new();
    *CHOICE.get_or_init(|| cfg!(not(target_os = "linux")) || asked_for_posix())
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn asked_for_posix() -> bool {
    env::var_os("CPH_SYS").is_some_and(|choice| choice == "posix")
}

/// How far the wall clock is ahead of the true one: for tests of clocks that jump. No released
/// program asks.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn wall_clock_is_ahead() -> std::time::Duration {
    static SECONDS: OnceLock<u64> = OnceLock::new();
    let seconds = SECONDS.get_or_init(|| {
        let text = env::var("CPH_WALL_AHEAD_S").ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(0)
    });
    std::time::Duration::from_secs(*seconds)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn places_follow_the_environment() {
        let places = Places::from_env(&Env::from_pairs([
            ("HOME", "/home/ann"),
            ("CLAUDE_CONFIG_DIR", "/cfg"),
            ("XDG_STATE_HOME", "/state"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
            ("TMPDIR", "/var/tmp"),
        ]));
        assert_eq!(places.home.as_deref(), Some(Path::new("/home/ann")));
        assert_eq!(places.claude_dir.as_deref(), Some(Path::new("/cfg")));
        assert_eq!(places.state_dir.as_deref(), Some(Path::new("/state/cph")));
        assert_eq!(places.runtime_dir.as_deref(), Some(Path::new("/run/user/7/cph")));
        assert_eq!(places.temp_dir, Path::new("/var/tmp"));
    }

    #[test]
    fn places_have_defaults_below_home() {
        let places = Places::from_env(&Env::from_pairs([("HOME", "/home/ann")]));
        assert_eq!(places.claude_dir.as_deref(), Some(Path::new("/home/ann/.claude")));
        assert_eq!(places.state_dir.as_deref(), Some(Path::new("/home/ann/.local/state/cph")));
        assert_eq!(places.runtime_dir, None);
        assert_eq!(places.temp_dir, Path::new("/tmp"));
    }

    #[test]
    fn relative_and_empty_paths_are_ignored() {
        let places = Places::from_env(&Env::from_pairs([
            ("HOME", "/home/ann"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_RUNTIME_DIR", ""),
            ("CLAUDE_CONFIG_DIR", ""),
        ]));
        assert_eq!(places.state_dir.as_deref(), Some(Path::new("/home/ann/.local/state/cph")));
        assert_eq!(places.claude_dir.as_deref(), Some(Path::new("/home/ann/.claude")));
        assert_eq!(places.runtime_dir, None);
    }

    #[test]
    fn without_home_the_account_is_asked() {
        let places = Places::from_env(&Env::default());
        assert_eq!(places.home, account_home());
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let uid = rustix::process::geteuid().as_raw().to_string();
        let ours = accounts.lines().find(|line| line.split(':').nth(2) == Some(&uid));
        if let Some(home) = ours.and_then(|line| line.split(':').nth(5)) {
            assert_eq!(places.home.as_deref(), Some(Path::new(home)));
        }
    }

    #[test]
    fn env_keeps_odd_bytes_and_sorts() {
        let odd = OsStr::from_bytes(b"\xff\xfe");
        let env = Env::from_pairs([(OsStr::new("B"), odd), (OsStr::new("A"), OsStr::new("x"))]);
        assert_eq!(env.get("B"), Some(odd));
        assert_eq!(env.text("B"), None);
        assert_eq!(env.text("A"), Some("x"));
        assert_eq!(env.get("C"), None);
        let names: Vec<_> = env.to_map().into_keys().collect();
        assert_eq!(names, ["A", "B"]);
    }

    #[test]
    fn canonical_resolves_what_exists_and_keeps_the_rest() {
        let scratch = tempfile::tempdir().unwrap();
        let real = scratch.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("dir")).unwrap();
        std::os::unix::fs::symlink("dir", real.join("link")).unwrap();
        assert_eq!(canonical(&real.join("link")), real.join("dir"));
        assert_eq!(canonical(&real.join("link/not/there")), real.join("dir/not/there"));
        assert_eq!(canonical(&real.join("dir/../link/.")), real.join("dir"));
    }
}
