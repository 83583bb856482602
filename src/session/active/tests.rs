use std::{fs, path::PathBuf};

use super::*;
use crate::session::machine::table::Table;

struct Stage {
    _scratch: tempfile::TempDir,
    /// Locks are free when they are let go.
    _apart: crate::sys::process::apart::NobodyStarts,
    project: PathBuf,
    private: PrivateDir,
}

fn stage() -> Stage {
    let scratch = tempfile::tempdir().unwrap();
    let project = scratch.path().join("project");
    fs::create_dir_all(project.join(".claude")).unwrap();
    let private = dir::open_private_dir(&scratch.path().join("state")).unwrap();
    Stage {
        _scratch: scratch,
        _apart: crate::sys::process::apart::NobodyStarts::now(),
        project,
        private,
    }
}

impl Stage {
    fn file(&self) -> PathBuf {
        self.project.join(".claude/.active")
    }

    fn begin(&self, record: &Record, table: &Table) -> Outcome {
        begin(&self.project, &self.private, record, table, Deadline::never()).unwrap()
    }

    fn end(&self, session: &str, table: &Table) -> Outcome {
        end(&self.project, &self.private, session, table, Deadline::never()).unwrap()
    }

    fn sessions(&self) -> Vec<String> {
        let records = read(&self.project).unwrap().unwrap_or_default();
        records.into_iter().map(|record| record.session).collect()
    }
}

fn record(pid: u32, session: &str) -> Record {
    Record { pid, start: u64::from(pid) * 10, boot: "b".to_owned(), session: session.to_owned() }
}

fn table(pids: &[u32]) -> Table {
    let table = Table { boot: "b".to_owned(), ..Table::default() };
    let add = |table: Table, &pid: &u32| table.with(pid, u64::from(pid) * 10, &["claude"], "/");
    pids.iter().fold(table, add)
}

#[test]
fn sessions_come_and_go() {
    let stage = stage();
    let table = table(&[1, 2]);
    assert_eq!(stage.begin(&record(1, "a"), &table), Outcome::Written);
    assert_eq!(stage.begin(&record(2, "quote\" \\ \n"), &table), Outcome::Written);
    assert_eq!(stage.sessions(), ["a", "quote\" \\ \n"]);
    assert_eq!(stage.end("a", &table), Outcome::Written);
    assert_eq!(stage.end("a", &table), Outcome::Unchanged);
    assert_eq!(stage.end("quote\" \\ \n", &table), Outcome::Written);
    assert!(!stage.file().exists());
}

#[test]
fn a_process_has_one_session_at_a_time() {
    let stage = stage();
    let table = table(&[1]);
    stage.begin(&record(1, "old"), &table);
    stage.begin(&record(1, "new"), &table);
    assert_eq!(stage.sessions(), ["new"]);
    // The end of the old one comes late.
    assert_eq!(stage.end("old", &table), Outcome::Unchanged);
    assert_eq!(stage.sessions(), ["new"]);
}

#[test]
fn records_of_the_dead_are_pruned() {
    let stage = stage();
    stage.begin(&record(1, "gone"), &table(&[1]));
    stage.begin(&record(2, "here"), &table(&[1, 2]));
    let reused = Table { boot: "b".to_owned(), ..Table::default() }.with(1, 99, &["x"], "/");
    let reused = reused.with(2, 20, &["claude"], "/");
    stage.begin(&record(3, "third"), &reused);
    assert_eq!(stage.sessions(), ["here", "third"]);
    let rebooted = Table { boot: "c".to_owned(), ..table(&[2, 3]) };
    stage.end("nobody", &rebooted);
    assert!(stage.sessions().is_empty());
}

#[test]
fn lines_of_others_stay() {
    let stage = stage();
    let foreign = b"{\"version\":9,\"pid\":1}\n\xff not ours";
    crate::sys::atomic::write(&stage.file(), foreign).unwrap();
    stage.begin(&record(1, "a"), &table(&[1]));
    assert_eq!(stage.sessions(), ["a"]);
    stage.end("a", &table(&[1]));
    assert_eq!(fs::read(stage.file()).unwrap(), [&foreign[..], b"\n"].concat());
}

#[test]
fn the_directory_is_never_made() {
    let stage = stage();
    fs::remove_dir(stage.project.join(".claude")).unwrap();
    assert_eq!(stage.begin(&record(1, "a"), &table(&[1])), Outcome::NoDirectory);
    assert!(!stage.project.join(".claude").exists());
    assert!(read(&stage.project).unwrap().is_none());
}

#[test]
fn a_link_is_not_written_through() {
    let stage = stage();
    let target = stage.project.join("precious");
    crate::sys::atomic::write(&target, b"precious").unwrap();
    std::os::unix::fs::symlink(&target, stage.file()).unwrap();
    let refused =
        begin(&stage.project, &stage.private, &record(1, "a"), &table(&[1]), Deadline::never());
    assert!(matches!(refused, Err(Error::Project(project_dir::Error::Odd { .. }))));
    assert_eq!(fs::read(target).unwrap(), b"precious");
}

#[test]
fn a_busy_lock_is_not_waited_for_longer_than_told() {
    let stage = stage();
    let _held = lock::try_lock(stage.private.open_or_create(LOCK).unwrap()).unwrap().unwrap();
    let deadline = Deadline::after(std::time::Duration::ZERO);
    let outcome =
        begin(&stage.project, &stage.private, &record(1, "a"), &table(&[1]), deadline).unwrap();
    assert_eq!(outcome, Outcome::Busy);
}

#[test]
fn sixteen_sessions_at_once_are_all_noted() {
    let stage = stage();
    let pids: Vec<u32> = (1..=16).collect();
    std::thread::scope(|scope| {
        for pid in &pids {
            let (stage, pids) = (&stage, &pids);
            scope.spawn(move || stage.begin(&record(*pid, &pid.to_string()), &table(pids)));
        }
    });
    let mut sessions: Vec<u32> = stage.sessions().iter().map(|id| id.parse().unwrap()).collect();
    sessions.sort_unstable();
    assert_eq!(sessions, pids);
}

#[test]
fn the_caller_is_named_by_the_environment_or_by_descent() {
    let table = table(&[1, 2]).below(2);
    let told = |pid: &str| Env::from_pairs([("CLAUDE_PID", pid)]);
    let of = |env: &Env| Record::of_caller("s", env, &table).map(|record| record.pid);
    assert_eq!(of(&told("1")), Some(1));
    assert_eq!(of(&told("77")), Some(2));
    assert_eq!(of(&Env::default()), Some(2));
    assert_eq!(Record::of_caller("s", &Env::default(), &Table::default()), None);
}
