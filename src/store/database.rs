//! A database of `SQLite` of ours: opened, brought to the present format, and told apart when broken.
//!
//! Does not know what is kept in it: tables belong to the modules beside this one, each with its
//! own list of migrations. Invariants: a write-ahead log, so that readers never wait for a writer;
//! the file is private to the user; a database that a newer cph wrote is left as it is.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::sys::{clock::Deadline, trace};

/// How long one statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// How long opening waits for others who open the same new file.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two attempts to open.
const BREATH: Duration = Duration::from_millis(5);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is no database, or damaged.
    #[error("{}: the database is broken: {error}", path.display())]
    Broken { path: PathBuf, error: rusqlite::Error },
    /// Written by a newer cph; nothing in it was touched.
    #[error("{}: written by a newer cph (format {found}, this one knows {known})", path.display())]
    Newer { path: PathBuf, found: usize, known: usize },
    /// Full disk, no permission, out of descriptors, somebody else for too long.
    #[error("{}: {error}", path.display())]
    Trouble { path: PathBuf, error: rusqlite::Error },
    /// The file itself could not be made.
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
}

impl Error {
    /// What `SQLite` says about the database at `path`.
    pub(crate) fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Broken { path, error }
            }
            _ => Self::Trouble { path, error },
        }
    }
}

/// Opens the database at `path`, made when it is missing, in the format of the last migration.
///
/// `migrations[n]` brings format `n` to `n + 1`. Entries are never changed or removed once they
/// were released; the format stands in `user_version`.
pub(crate) fn open(path: &Path, migrations: &[&str]) -> Result<Connection, Error> {
    let _opening = trace::scope("db.open");
    touch(path)?;
    // `SQLite` refuses the second of two who switch a new file to a write-ahead log, whatever the
    // busy timeout, so opening as a whole is tried again.
    let deadline = Deadline::after(PATIENCE);
    loop {
        match attempt(path, migrations) {
            Err(Error::Trouble { error, .. }) if is_busy(&error) && !deadline.expired() => {
                std::thread::sleep(BREATH);
            }
            done => return done,
        }
    }
}

/// A database file that only its user can read; its log inherits the mode.
fn touch(path: &Path) -> Result<(), Error> {
    let made = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| Error::File { path: path.to_owned(), error })
}

fn attempt(path: &Path, migrations: &[&str]) -> Result<Connection, Error> {
    let _opening = trace::scope("db.open");
    let mut connection = Connection::open(path).map_err(|error| Error::of(path, error))?;
    prepare(&mut connection, path, migrations)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), Error> {
    let failed = |error| Error::of(path, error);
    connection.busy_timeout(BUSY).map_err(failed)?;
    let found = format_of(connection).map_err(failed)?;
    check(path, found, migrations)?;
    // A new database can only be lost as a whole, and then it is made again.
    let care = if found == 0 { "off" } else { "normal" };
    connection.pragma_update(None, "synchronous", care).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    if found < migrations.len() {
        migrate(connection, path, migrations)?;
    }
    // A crash of a process loses nothing; a crash of the machine may lose the last commits, but
    // never the database. Who needs more says so for its own writes.
    connection.pragma_update(None, "synchronous", "normal").map_err(failed)
}

fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), Error> {
    let failed = |error| Error::of(path, error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Somebody else may have been here between the first look and the lock.
    let found = format_of(&transaction).map_err(failed)?;
    check(path, found, migrations)?;
    for step in &migrations[found..] {
        transaction.execute_batch(step).map_err(failed)?;
    }
    let format = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    transaction.pragma_update(None, "user_version", format).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn check(path: &Path, found: usize, migrations: &[&str]) -> Result<(), Error> {
    let known = migrations.len();
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    Ok(())
}

fn format_of(connection: &Connection) -> rusqlite::Result<usize> {
    let format = connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))?;
    Ok(format as usize)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const FIRST: &str = "CREATE TABLE a (x INTEGER NOT NULL) STRICT;";
    const SECOND: &str = "ALTER TABLE a ADD COLUMN y TEXT;";

    #[test]
    fn an_old_database_is_brought_to_the_present_format() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("d");
        let old = open(&path, &[FIRST]).unwrap();
        old.execute("INSERT INTO a VALUES (1)", []).unwrap();
        drop(old);
        let new = open(&path, &[FIRST, SECOND]).unwrap();
        let kept: (i64, Option<String>) =
            new.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(kept, (1, None));
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("d");
        drop(open(&path, &[FIRST, SECOND]).unwrap());
        let before = std::fs::read(&path).unwrap();
        let refused = open(&path, &[FIRST]).unwrap_err();
        assert!(matches!(refused, Error::Newer { found: 2, known: 1, .. }), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_is_no_database_is_told_apart() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("d");
        crate::sys::atomic::write(
            &path,
            "this is no database, whatever its name may say".repeat(40).as_bytes(),
        )
        .unwrap();
        assert!(matches!(open(&path, &[FIRST]).unwrap_err(), Error::Broken { .. }));
        let nowhere = scratch.path().join("none/d");
        assert!(matches!(open(&nowhere, &[FIRST]).unwrap_err(), Error::File { .. }));
    }

    #[test]
    fn many_open_a_new_file_at_once() {
        let scratch = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = scratch.path().join(round.to_string());
            std::thread::scope(|scope| {
                for number in 0..8 {
                    let path = &path;
                    scope.spawn(move || {
                        let opened = open(path, &[FIRST, SECOND]).unwrap();
                        opened.execute("INSERT INTO a VALUES (?1, NULL)", [number]).unwrap();
                    });
                }
            });
            let all = open(&path, &[FIRST, SECOND]).unwrap();
            let count: i64 = all.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
            assert_eq!(count, 8);
        }
    }
}
