//! The programs that are measured: cph as `install/install.sh` installs it, and an empty one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) struct Programs {
    pub(crate) cph: PathBuf,
    /// `fn main() {}`, built with cargo's default release profile.
    pub(crate) empty: PathBuf,
}

impl Programs {
    /// Finds or builds them. `CPH_BENCH_BIN` names another cph.
    pub(crate) fn ready() -> Self {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        let given = std::env::var_os("CPH_BENCH_BIN").map(PathBuf::from);
        let cph = given.unwrap_or_else(|| installed(&target.join("bench-prefix")));
        Self {
            cph: cph.canonicalize().expect("CPH_BENCH_BIN names a program"),
            empty: empty(&target.join("bench-empty")),
        }
    }

    /// A line on what is measured.
    pub(crate) fn about(&self) -> String {
        let kib = |path: &Path| fs::metadata(path).map_or(0, |about| about.len() / 1024);
        format!(
            "{} ({} KiB), empty program ({} KiB)",
            self.cph.display(),
            kib(&self.cph),
            kib(&self.empty)
        )
    }
}

fn installed(prefix: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install/install.sh");
    finish(Command::new(script).arg("--prefix").arg(prefix));
    prefix.join("bin/cph")
}

fn empty(dir: &Path) -> PathBuf {
    fs::create_dir_all(dir.join("src")).expect("target can be written");
    let manifest = "[package]\nname = \"empty\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(dir.join("Cargo.toml"), manifest).expect("target can be written");
    fs::write(dir.join("src/main.rs"), "fn main() {}\n").expect("target can be written");
    let target = dir.join("target");
    let mut cargo = Command::new(env!("CARGO"));
    finish(
        cargo.args(["build", "--release", "--quiet", "--target-dir"]).arg(&target).current_dir(dir),
    );
    target.join("release/empty")
}

fn finish(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
