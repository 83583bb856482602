//! Files on a real disk that are changed while somebody watches. Every test ends with a look at
//! the final state, however late notices come.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use super::*;

/// What was seen at the latest look, and whether to end.
#[derive(Default)]
struct Shared {
    latest: Mutex<BTreeMap<PathBuf, Option<String>>>,
    looks: Mutex<usize>,
    is_over: AtomicBool,
}

/// Reads the files at each look, as the desk does.
struct Reader {
    files: Vec<PathBuf>,
    shared: Arc<Shared>,
}

impl Eye for Reader {
    fn files(&self) -> Vec<PathBuf> {
        self.files.clone()
    }

    fn is_torn(&self, _: &Path, bytes: &[u8]) -> bool {
        !bytes.ends_with(b"}")
    }

    fn look(&mut self, _: &[PathBuf]) -> ControlFlow<()> {
        let read = |path: &PathBuf| (path.clone(), fs::read_to_string(path).ok());
        *self.shared.latest.lock().unwrap() = self.files.iter().map(read).collect();
        *self.shared.looks.lock().unwrap() += 1;
        if self.shared.is_over.load(Ordering::SeqCst) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

struct Bench {
    dir: tempfile::TempDir,
    shared: Arc<Shared>,
    watcher: Option<thread::JoinHandle<()>>,
}

const PACE: Pace = Pace {
    quiet: Duration::from_millis(5),
    torn: Duration::from_millis(50),
    longest: Duration::from_millis(100),
    patrol: Duration::from_millis(50),
};

const NAMES: [&str; 3] = ["a/one.json", "a/two.json", "b/three.json"];

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shared = Arc::new(Shared::default());
        let files = NAMES.iter().map(|name| dir.path().join(name)).collect();
        let mut eye = Reader { files, shared: Arc::clone(&shared) };
        let watcher = thread::spawn(move || watch(&mut eye, PACE));
        Self { dir, shared, watcher: Some(watcher) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn on_disk(&self) -> BTreeMap<PathBuf, Option<String>> {
        let read = |name: &&str| (self.path(name), fs::read_to_string(self.path(name)).ok());
        NAMES.iter().map(read).collect()
    }

    /// Waits until what was seen is what is there.
    #[track_caller]
    fn sees_what_is_there(&self) {
        let end = Instant::now() + Duration::from_mins(1);
        while *self.shared.latest.lock().unwrap() != self.on_disk() {
            assert!(Instant::now() < end, "{:?}", self.shared.latest.lock().unwrap());
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        drop(fs::create_dir_all(self.path("b")));
        drop(fs::File::create(self.path("b/three.json")).map(|file| file.set_len(1)));
        if let Some(watcher) = self.watcher.take() {
            watcher.join().unwrap();
        }
    }
}

fn put(path: &Path, text: &str) {
    use std::io::Write as _;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn files_that_come_change_and_go_are_seen() {
    let bench = Bench::new();
    bench.sees_what_is_there();
    put(&bench.path("a/one.json"), "{1}");
    bench.sees_what_is_there();
    put(&bench.path("a/one.json"), "{2}");
    bench.sees_what_is_there();
    fs::remove_file(bench.path("a/one.json")).unwrap();
    bench.sees_what_is_there();
}

#[test]
fn folders_that_go_and_come_again_are_followed() {
    let bench = Bench::new();
    for round in 0..20 {
        put(&bench.path("a/two.json"), &format!("{{{round}}}"));
        if round % 3 == 0 {
            bench.sees_what_is_there();
        }
        fs::remove_dir_all(bench.path("a")).unwrap();
        if round % 3 == 1 {
            bench.sees_what_is_there();
        }
    }
    put(&bench.path("a/two.json"), "{last}");
    bench.sees_what_is_there();
}

#[test]
fn what_is_never_completed_is_seen_in_the_end() {
    let bench = Bench::new();
    bench.sees_what_is_there();
    put(&bench.path("a/one.json"), "{ half");
    bench.sees_what_is_there();
}

#[test]
fn changes_without_end_are_seen_now_and_then() {
    let bench = Bench::new();
    bench.sees_what_is_there();
    let before = *bench.shared.looks.lock().unwrap();
    let end = Instant::now() + Duration::from_mins(1);
    let mut round = 0;
    while *bench.shared.looks.lock().unwrap() < before + 3 {
        assert!(Instant::now() < end, "nobody looks while there are changes");
        round += 1;
        put(&bench.path("a/one.json"), &format!("{{{round}}}"));
    }
    bench.sees_what_is_there();
}

#[test]
fn what_came_and_went_makes_another_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let files = [dir.path().join("a/x")];
    let first = Snapshot::take(&files);
    assert_eq!(Snapshot::take(&files), first);
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        put(&files[0], "{1}");
        fs::remove_dir_all(dir.path().join("a")).unwrap();
        let second = Snapshot::take(&files);
        assert_eq!(second.changed_since(&first), Vec::<PathBuf>::new());
        // The clock of the file system ticks every few milliseconds.
        if second != first {
            return;
        }
        assert!(Instant::now() < end, "nothing tells that something was there");
    }
}

#[test]
fn bytes_that_came_back_make_another_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    put(&path, "{1}");
    let files = [path.clone()];
    let first = Snapshot::take(&files);
    assert_eq!(Snapshot::take(&files), first);
    // A new file cannot have the inode of one that is still there.
    put(&dir.path().join("y"), "{1}");
    drop(crate::sys::atomic::write(&path, b"{1}"));
    assert_eq!(Snapshot::take(&files).changed_since(&first), files);
}
