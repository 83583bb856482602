//! Where the time goes: scopes, written as a Chrome trace when `CPH_TRACE` names a file.
//!
//! Knows nothing of what is measured. Off, a scope costs one atomic load. The file is the array
//! form of the trace format, one event a line; its closing bracket is left out, which the format
//! allows, so that several processes can append to one file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::OFlags;

use super::clock;

static ON: AtomicBool = AtomicBool::new(false);
static SINK: OnceLock<File> = OnceLock::new();

/// Writes the scopes of this process to the end of `path` from now on. To be called once, by
/// `main`; later calls change nothing.
///
/// A file that is there already must be a trace: whoever can set our environment must not make us
/// write into other files.
pub(crate) fn start(path: &Path) -> io::Result<()> {
    if ON.load(Ordering::Acquire) {
        return Ok(());
    }
    let file = open(path).map_err(|error| {
        let told = format!("cannot write a trace to `{}`: {error}", path.display());
        io::Error::new(error.kind(), told)
    })?;
    if SINK.set(file).is_ok() {
        ON.store(true, Ordering::Release);
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    const BEGIN: &[u8] = b"[\n";
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600).custom_flags(flags);
    let mut file = options.open(path)?;
    let about = file.metadata()?;
    let mut begin = [0; BEGIN.len()];
    match about.len() {
        _ if !about.is_file() => Err(io::Error::other("it is not a regular file")),
        0 => file.write_all(BEGIN).map(|()| file),
        _ if file.read_exact(&mut begin).is_ok() && begin == BEGIN => Ok(file),
        _ => Err(io::Error::other("it holds something else")),
    }
}

/// Measures until it is dropped.
#[derive(Debug)]
#[must_use = "it measures until it is dropped"]
pub(crate) struct Scope {
    name: &'static str,
    /// Since boot; `None` when nobody wants to know.
    began: Option<Duration>,
}

/// Begins a scope. `name` is made of letters, digits, dots and the like.
pub(crate) fn scope(name: &'static str) -> Scope {
    let began = ON.load(Ordering::Acquire).then(clock::boot_now);
    Scope { name, began }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let Some(began) = self.began else { return };
        let line = event(self.name, began, clock::boot_now().saturating_sub(began));
        if let Some(mut sink) = SINK.get() {
            // One write, at the end of the file: lines of several processes do not mix. A trace
            // that cannot be written is no reason to fail.
            drop(sink.write_all(line.as_bytes()));
        }
    }
}

/// One complete event; times in microseconds.
fn event(name: &str, began: Duration, took: Duration) -> String {
    let micros = |span: Duration| format!("{}.{:03}", span.as_micros(), span.subsec_nanos() % 1000);
    format!(
        "{{\"name\":\"{name}\",\"ph\":\"X\",\"ts\":{},\"dur\":{},\"pid\":{},\"tid\":{}}},\n",
        micros(began),
        micros(took),
        std::process::id(),
        thread_number(),
    )
}

/// A small number for this thread.
fn thread_number() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    thread_local!(static NUMBER: u32 = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of the line that has `name`.
    fn field<'a>(trace: &'a str, name: &str, key: &str) -> &'a str {
        let start = format!("{{\"name\":\"{name}\",");
        let line = trace.lines().find(|line| line.starts_with(&start)).unwrap();
        let (_, value) = line.split_once(&format!("\"{key}\":")).unwrap();
        value.split([',', '}']).next().unwrap()
    }

    /// The only test that switches the trace on, for it stays on in the whole process.
    #[test]
    fn scopes_become_lines_of_a_trace() {
        drop(scope("before.start"));
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("trace.json");
        start(&path).unwrap();
        {
            let _outer = scope("outer");
            drop(scope("inner"));
            std::thread::spawn(|| drop(scope("other.thread"))).join().unwrap();
        }
        start(&scratch.path().join("second.json")).unwrap();
        assert!(!scratch.path().join("second.json").exists());
        let trace = std::fs::read_to_string(&path).unwrap();
        let time = |name: &str, key: &str| field(&trace, name, key).parse::<f64>().unwrap();
        assert!(trace.starts_with("[\n{") && !trace.contains("before.start"));
        assert_eq!(field(&trace, "outer", "ph"), "\"X\"");
        assert_eq!(field(&trace, "outer", "pid"), std::process::id().to_string());
        assert!(time("inner", "ts") >= time("outer", "ts"));
        assert!(time("inner", "dur") <= time("outer", "dur"));
        assert_ne!(field(&trace, "other.thread", "tid"), field(&trace, "inner", "tid"));
    }

    #[test]
    fn only_traces_are_written_to() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("trace.json");
        drop(open(&path).unwrap());
        open(&path).unwrap().write_all(b"more").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"[\nmore");
        let other = scratch.path().join("profile");
        File::create(&other).unwrap().write_all(b"export A=b\n").unwrap();
        open(&other).unwrap_err();
        std::os::unix::fs::symlink(&path, scratch.path().join("link")).unwrap();
        open(&scratch.path().join("link")).unwrap_err();
        open(scratch.path()).unwrap_err();
        assert_eq!(std::fs::read(&other).unwrap(), b"export A=b\n");
    }

    #[test]
    fn times_are_microseconds() {
        let line = event("x", Duration::from_nanos(1_234_567), Duration::from_nanos(5));
        assert!(line.contains("\"ts\":1234.567,\"dur\":0.005,"), "{line}");
    }
}
