//! The program under test in a world of its own: home, project, PATH and environment are built
//! from nothing.
//!
//! Knows no command. The program is started apart from the test, as a child of nobody: it looks
//! at its ancestors, and what it does must not depend on who runs the tests.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    os::unix::{fs::symlink, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// Far more than any run takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// Starts its arguments behind it and is gone. `$1` is the shell between.
const OUTER: &str = r#"exec 3<&0; shell=$1; shift; "$shell" -c "$@" 3<&3 &"#;

/// Waits until there is no way up to the test, then runs the program.
const INNER: &str = r#"in=$1 out=$2 err=$3; shift 3
read -r go <&3
"$@" <"$in" >"$out" 2>"$err" 3<&-
echo $?"#;

/// How a run ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// How the program is started.
pub(crate) struct Launch<'a> {
    /// Where it works.
    pub(crate) dir: &'a Path,
    /// All of its environment.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) stdin: Vec<u8>,
    /// The shell that it is a child of.
    pub(crate) parent: PathBuf,
    /// What is started with the arguments: cph, unless it is something that starts cph.
    pub(crate) program: PathBuf,
    /// For what it reads and says.
    pub(crate) scratch: &'a Path,
}

impl<'a> Launch<'a> {
    pub(crate) fn new(dir: &'a Path, scratch: &'a Path) -> Self {
        let parent = "/bin/sh".into();
        let program = env!("CARGO_BIN_EXE_cph").into();
        Self { dir, environment: Vec::new(), stdin: Vec::new(), parent, program, scratch }
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let files = tempfile::tempdir_in(self.scratch).unwrap();
        let [stdin, stdout, stderr] = ["in", "out", "err"].map(|name| files.path().join(name));
        fs::write(&stdin, &self.stdin).unwrap();
        let mut outer = Command::new("/bin/sh");
        outer.args(["-c", OUTER, "sh"]).arg(&self.parent).args([INNER, "sh"]);
        outer.args([&stdin, &stdout, &stderr]);
        outer.arg(&self.program).args(arguments);
        outer.current_dir(self.dir).env_clear().envs(self.environment.iter().cloned());
        outer.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = outer.spawn().unwrap();
        assert!(wait_for_exit(&mut child), "the shell that starts cph failed");
        let code = finish(&mut child, arguments);
        let text = |path: &Path| {
            let mut text = Vec::new();
            File::open(path).unwrap().read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        };
        Ran { code, stdout: text(&stdout), stderr: text(&stderr) }
    }
}

/// The shell in between is gone when this is true: whoever it started has no parent but the first
/// process. (`Child::wait` would close the pipe that the start is told through.)
fn wait_for_exit(child: &mut Child) -> bool {
    let stdin = child.stdin.take();
    let ended = child.wait().unwrap();
    child.stdin = stdin;
    ended.success()
}

/// Lets the program start, and waits for its exit code.
fn finish(child: &mut Child, arguments: &[&str]) -> i32 {
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut said = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut code = String::new();
        let read = said.read_to_string(&mut code);
        sender.send(read.map(|_| code)).ok();
    });
    let Ok(code) = receiver.recv_timeout(PATIENCE) else {
        end_group(child.id());
        panic!("cph {arguments:?} did not end");
    };
    code.unwrap().trim().parse().unwrap()
}

/// The group of the shell: it and the program, which are nobody's children any more.
fn end_group(leader: u32) {
    let group = format!("-{leader}");
    drop(Command::new("/bin/kill").args(["-KILL", "--", &group]).status());
}

/// A scratch world.
pub(crate) struct Cph {
    root: TempDir,
    environment: Vec<(String, String)>,
    stdin: Vec<u8>,
    parent: PathBuf,
}

impl Cph {
    /// An empty home, an empty project, and `cph` on PATH.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("cph-").tempdir().unwrap();
        for dir in ["home", "project", "tmp", "bin", "config", "state", "cache", "run"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_cph"), root.path().join("bin/cph")).unwrap();
        let mut cph =
            Self { root, environment: Vec::new(), stdin: Vec::new(), parent: "/bin/sh".into() };
        for (name, dir) in [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            let path = cph.path(dir).display().to_string();
            cph = cph.env(name, &path);
        }
        let search = format!("{}:/usr/bin:/bin", cph.path("bin").display());
        cph.env("PATH", &search).env("LANG", "C.UTF-8")
    }

    /// A path below the scratch root, without symbolic links.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    #[must_use]
    pub(crate) fn project_file(self, path: &str, text: &str) -> Self {
        write(&self.path("project").join(path), text);
        self
    }

    #[must_use]
    pub(crate) fn home_file(self, path: &str, text: &str) -> Self {
        write(&self.path("home").join(path), text);
        self
    }

    /// A program on PATH.
    #[must_use]
    pub(crate) fn program(self, name: &str, script: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path("bin").join(name);
        write(&path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.as_bytes().to_vec();
        self
    }

    /// From now on the program is started by a process of this name.
    #[must_use]
    pub(crate) fn below(mut self, name: &str) -> Self {
        // Not on PATH: there it would be taken for a program to ask.
        let parent = self.path("tmp").join(name);
        symlink("/bin/sh", &parent).unwrap();
        self.parent = parent;
        self
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// Runs the program in the project.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.start(env!("CARGO_BIN_EXE_cph").as_ref(), arguments)
    }

    /// Runs a line of `cph` words at a terminal of its own, at which the text of `stdin` is typed.
    /// What both streams say comes together, with line ends as the terminal shows them.
    #[cfg(target_os = "linux")]
    pub(crate) fn at_terminal(&self, line: &str) -> Ran {
        let line = format!("{} {line}", env!("CARGO_BIN_EXE_cph"));
        let ran = self.start("/usr/bin/script".as_ref(), &["-qefc", &line, "/dev/null"]);
        Ran { stdout: ran.stdout.replace("\r\n", "\n"), ..ran }
    }

    /// The same at a terminal of this size, with everything as the terminal got it.
    #[cfg(target_os = "linux")]
    pub(crate) fn at_sized_terminal(&self, columns: usize, rows: usize, line: &str) -> Ran {
        let cph = env!("CARGO_BIN_EXE_cph");
        let line = format!("stty cols {columns} rows {rows} && {cph} {line}");
        self.start("/usr/bin/script".as_ref(), &["-qefc", &line, "/dev/null"])
    }

    fn start(&self, program: &Path, arguments: &[&str]) -> Ran {
        let (project, scratch) = (self.path("project"), self.path("tmp"));
        let launch = Launch {
            environment: self.environment.clone(),
            stdin: self.stdin.clone(),
            parent: self.parent.clone(),
            program: program.to_owned(),
            ..Launch::new(&project, &scratch)
        };
        let ran = launch.run(arguments);
        Ran { stdout: self.filtered(&ran.stdout), stderr: self.filtered(&ran.stderr), ..ran }
    }

    /// Another program in this world, or `cph` itself where it must outlive a call; a child of the
    /// test, with the project as its directory.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment.iter().cloned());
        command.current_dir(self.path("project")).stdin(Stdio::null());
        command
    }

    /// What every run is expected to do well.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "cph {arguments:?}\n{}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    /// Every file of the project and of the home, with its text, sorted.
    pub(crate) fn files(&self) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        for dir in ["project", "home"] {
            collect(&self.path(dir), &mut files);
        }
        files.sort();
        files
    }

    /// With the scratch directory as `[ROOT]`.
    fn filtered(&self, text: &str) -> String {
        let root = self.path("").display().to_string();
        let root = root.trim_end_matches('/');
        // As directories of the state are called.
        let joined = root.trim_start_matches('/').replace('/', "+");
        text.replace(root, "[ROOT]")
            .replace(&joined, "[ROOT]")
            .replace(env!("CARGO_BIN_EXE_cph"), "[CPH]")
            .replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
    }
}

impl Ran {
    /// Exit code and both texts, for snapshots.
    pub(crate) fn shown(&self) -> String {
        let Self { code, stdout, stderr } = self;
        format!("exit {code}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn collect(dir: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            files.push((path, text));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_descends_from_no_test_and_has_no_variable_of_ours() {
    // The doctor asks Claude Code for its version; what that sees is what the program has.
    let spy = r#"env >"$TMPDIR/seen"
p=$$
while [ "$p" -gt 0 ]; do
  echo "process $p" >>"$TMPDIR/seen"
  p=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$p/status")
done
echo 2.1.329"#;
    let cph = Cph::new().program("claude", spy);
    cph.run(&["doctor"]);
    let seen = cph.read("tmp/seen").unwrap();
    let processes: Vec<_> = seen.lines().filter(|line| line.starts_with("process ")).collect();
    assert!(processes.len() > 2, "{seen}");
    assert!(!processes.contains(&&*format!("process {}", std::process::id())), "{seen}");
    assert!(!seen.contains("CARGO"), "{seen}");
    assert!(seen.contains("HOME=/"), "{seen}");
}
