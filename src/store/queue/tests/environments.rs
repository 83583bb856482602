//! Environments of jobs: shared, and kept as long as somebody needs them.

use super::{super::environment::Environments, *};
use crate::{
    json::frame,
    sys::place::{Env, Places},
};

/// Longer ago than anything is kept.
const OLD: std::time::SystemTime = std::time::UNIX_EPOCH;

/// Where the environments of a queue are kept if the queue itself is the runtime directory.
pub(super) fn of(scratch: &Scratch) -> Environments {
    beside(&scratch.queue, scratch.queue.dir.path())
}

/// Of a queue in that state directory.
fn beside(runtime: &Queue, state_dir: &Path) -> Environments {
    let text = |path: &Path| path.display().to_string();
    let [runtime, state] = [text(runtime.dir.path()), text(state_dir)];
    let env = [("HOME", &state), ("XDG_STATE_HOME", &state), ("XDG_RUNTIME_DIR", &runtime)];
    Environments::open(&Places::from_env(&Env::from_pairs(env))).unwrap().unwrap()
}

/// The directory of [`of`].
pub(super) fn place(scratch: &Scratch) -> PrivateDir {
    scratch.queue.dir.subdir("cph").unwrap().subdir("secrets").unwrap()
}

fn date(path: &Path, time: std::time::SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn variables(value: &str) -> Variables {
    [("A".to_owned(), value.to_owned())].into()
}

#[test]
fn environments_are_shared_and_swept_when_nobody_needs_them() {
    let scratch = scratch();
    let (environments, queue, none) = (of(&scratch), &scratch.queue, BTreeSet::new());
    let variables = variables("b\nc");
    let path = environments.keep(&variables).unwrap();
    assert_eq!(environments.keep(&variables).unwrap(), path);
    assert_eq!(place(&scratch).list().unwrap().len(), 1);
    assert_eq!(environment::load(&path), Some(variables));
    assert_eq!(environment::load(Path::new("/nowhere/x")), None);
    environments.sweep(&none, queue);
    assert!(path.exists(), "somebody may be about to name it");
    date(&path, OLD);
    environments.sweep(&[path.clone()].into(), queue);
    assert!(path.exists(), "a job needs it");
    environments.sweep(&none, queue);
    assert!(!path.exists());
    for token in ["X_MESSAGING_TOKEN", "CPH_RUN_TOKEN"] {
        assert!(environment::is_token(token));
    }
    assert!(!environment::is_token("CPH_RUN_ID"));
}

/// Of a newer cph, which alone can read what it names, and of one that was laid aside.
#[test]
fn what_an_order_names_stays() {
    let scratch = scratch();
    let (environments, queue, none) = (of(&scratch), &scratch.queue, BTreeSet::new());
    let kept = ["newer", "whole", "aside", "nobody's"];
    let kept = kept.map(|value| environments.keep(&variables(value)).unwrap());
    let dirs = ["spool", "aside"].map(|name| queue.dir.subdir(name).unwrap());
    let body = format!("{{\"secrets\":[\"{}\"]}}", kept[0].display());
    let sum = frame::checksum(body.as_bytes());
    let newer = format!("\ncph2 {:x} {sum:x} {body}\n", body.len());
    put(&dirs[0], "a.job", newer.as_bytes(), false).unwrap();
    let sample = order("o-1", "h", Terms::default());
    queue.spool().unwrap().leave(&Order { environment: kept[1].clone(), ..sample }).unwrap();
    put(&dirs[1], "b.job", format!("torn {}", kept[2].display()).as_bytes(), false).unwrap();
    let left = || kept.iter().map(|path| path.exists()).collect::<Vec<_>>();
    for path in &kept {
        date(path, OLD);
    }
    // What it needs, nobody can tell.
    fs::create_dir(dirs[0].path().join("odd.job")).unwrap();
    environments.sweep(&none, queue);
    assert_eq!(left(), [true; 4]);
    fs::remove_dir(dirs[0].path().join("odd.job")).unwrap();
    environments.sweep(&none, queue);
    assert_eq!(left(), [true, true, true, false]);
    for (dir, name) in [(&dirs[0], "a.job"), (&dirs[1], "b.job")] {
        dir.remove(name).unwrap();
    }
    environments.sweep(&none, queue);
    assert_eq!(left(), [false, true, false, false]);
}

/// Several queues may share a runtime directory.
#[test]
fn files_of_other_queues_are_theirs() {
    let scratch = scratch();
    let (ours, none) = (of(&scratch), BTreeSet::new());
    let theirs = beside(&scratch.queue, Path::new("/elsewhere"));
    let [own, other] = [&ours, &theirs].map(|place| place.keep(&variables("v")).unwrap());
    assert!(own != other && own.parent() == other.parent(), "{own:?} {other:?}");
    let days = |count: u32| {
        let age = std::time::Duration::from_hours(24) * count;
        crate::sys::clock::wall_now() - age
    };
    for path in [&own, &other] {
        date(path, days(20));
    }
    ours.sweep(&none, &scratch.queue);
    assert_eq!((own.exists(), other.exists()), (false, true));
    date(&other, days(40));
    ours.sweep(&none, &scratch.queue);
    assert!(!other.exists());
}

/// A runtime directory that is only named: memory of the user's, else beside the state.
#[test]
fn a_runtime_directory_that_is_not_there_is_done_without() {
    let scratch = scratch();
    let file = scratch.queue.dir.path().join("file");
    drop(scratch.queue.dir.create_new("file").unwrap());
    let text = |path: &Path| path.display().to_string();
    let [state, file] = [text(scratch.queue.dir.path()), text(&file)];
    let env = [("HOME", &state), ("XDG_STATE_HOME", &state), ("XDG_RUNTIME_DIR", &file)];
    let places = Places::from_env(&Env::from_pairs(env));
    let path = Environments::open(&places).unwrap().unwrap().keep(&variables("v")).unwrap();
    assert_eq!(path.parent(), Some(&*scratch.queue.dir.path().join("cph/secrets")));
}

/// Files of a time that has not come yet are no old files.
#[test]
fn a_clock_that_was_set_back_sweeps_nothing_away() {
    let scratch = scratch();
    let later = crate::sys::clock::wall_now() + std::time::Duration::from_hours(1);
    let spool = scratch.queue.spool().unwrap();
    let drafts = scratch.queue.dir.subdir("spool").unwrap();
    drafts.create_new(".a.job.7").unwrap().set_modified(later).unwrap();
    let environment = of(&scratch).keep(&Variables::new()).unwrap();
    date(&environment, later);
    let (logs, start) = (scratch.queue.logs().unwrap(), Start { job: "a".to_owned(), number: 1 });
    logs.close(&start, "head\n", "foot\n").1.unwrap();
    date(&scratch.queue.dir.path().join("logs/a.1.log"), later);
    spool.sweep();
    of(&scratch).sweep(&BTreeSet::new(), &scratch.queue);
    logs.sweep(&BTreeSet::new());
    assert_eq!(drafts.list().unwrap(), [".a.job.7"]);
    assert!(environment.exists() && logs.whole(&start).is_some());
}
