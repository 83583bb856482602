//! A database of `SQLite` of ours: opened, brought to the present format, and told apart when broken.
//!
//! Does not know what is kept in it: tables belong to the modules beside this one, each with its
//! own list of migrations. Invariants: a write-ahead log, so that readers never wait for a writer;
//! the file is private to the user; a database that a newer cph wrote is left as it is.

use std::{
    ffi::{OsStr, OsString},
    fs::OpenOptions,
    os::unix::{ffi::OsStrExt as _, fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, Params, Row, TransactionBehavior, config::DbConfig,
};

use crate::sys::{clock::Deadline, trace};

/// How long one statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// How long opening waits for others who open the same new file.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two attempts to open.
const BREATH: Duration = Duration::from_millis(5);

/// Bytes of a log that is left as it is: whoever opens it reads all of it.
const SHORT: u64 = 1 << 20;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is no database, or damaged.
    #[error("{}: the database is broken: {error}", path.display())]
    Broken { path: PathBuf, error: rusqlite::Error },
    /// Written by a newer cph; nothing in it was touched.
    #[error("{}: written by a newer cph (format {found}, this one knows {known})", path.display())]
    Newer { path: PathBuf, found: usize, known: usize },
    /// Its format is an older one, and it cannot be written to.
    #[error("{}: written by an older cph, and cannot be brought up to date where nobody may write", path.display())]
    Older { path: PathBuf },
    /// What stands in its log is not to be had without writing beside it.
    #[error(
        "{}: cannot be read where nobody may write: its log (`-wal`) was not taken in; copy the \
         directory to a place that can be written to",
        path.display()
    )]
    Log { path: PathBuf },
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

/// Opens the database at `path` for who only looks: as [`open`] does where that is possible, else
/// without writing anything.
pub(crate) fn look(path: &Path, migrations: &[&str]) -> Result<Connection, Error> {
    let refused = match open(path, migrations) {
        Err(refused @ (Error::File { .. } | Error::Trouble { .. })) => refused,
        done => return done,
    };
    match read_only(path, migrations) {
        // There is no better reason.
        Err(Error::Trouble { .. }) => Err(refused),
        done => done,
    }
}

fn read_only(path: &Path, migrations: &[&str]) -> Result<Connection, Error> {
    let _opening = trace::scope("db.open");
    // Beside a log there must be its index; `SQLite` makes one in memory from what is there.
    let seen = by_flags(path.as_os_str(), path, migrations);
    let Err(Error::Trouble { .. }) = seen else { return seen };
    let has_log = beside(path, "-wal").metadata().is_ok_and(|log| log.len() > 0);
    if has_log {
        return Err(Error::Log { path: path.to_owned() });
    }
    // All of it stands in the file. Whoever could write to it would have made a log first.
    let mut uri = OsString::from("file:");
    uri.push(OsStr::from_bytes(&escaped(path)));
    uri.push("?immutable=1");
    by_flags(&uri, path, migrations)
}

fn by_flags(name: &OsStr, path: &Path, migrations: &[&str]) -> Result<Connection, Error> {
    let failed = |error| Error::of(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(name, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    let found = format_of(&connection).map_err(failed)?;
    check(path, found, migrations)?;
    if found < migrations.len() {
        return Err(Error::Older { path: path.to_owned() });
    }
    Ok(connection)
}

/// A path as it stands in a URI.
fn escaped(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => text.extend_from_slice(format!("%{byte:02x}").as_bytes()),
            byte => text.push(*byte),
        }
    }
    text
}

/// A file that belongs to the database at `path`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
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
    if is_empty(connection).map_err(failed)? {
        // Nothing can be lost yet, so nobody waits for the disk. Until the log is taken in for the
        // first time, the end of the machine leaves no database: `settle` sees to it before.
        connection.pragma_update(None, "journal_mode", "memory").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "off").map_err(failed)?;
    }
    connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
    if found < migrations.len() {
        migrate(connection, path, migrations)?;
    }
    // A crash of a process loses nothing; a crash of the machine may lose the last commits, but
    // never the database. Who needs more says so for its own writes.
    connection.pragma_update(None, "synchronous", "normal").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)
}

/// Brings what stands in the log into the database, and both to the disk. A database that was just
/// made is on neither before.
pub(crate) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    let is_busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))?;
    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    if is_busy { Err(rusqlite::Error::SqliteFailure(busy, None)) } else { Ok(()) }
}

/// All rows that a query finds.
pub(crate) fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map(values, row)?.collect()
}

/// To be called before the last connection of a process is dropped. Taking the log in costs several
/// waits for the disk, and as many when the next one makes a new log; a short one is left to whoever
/// opens the database next.
pub(crate) fn leave_short_log(connection: &Connection) {
    let Some(path) = connection.path() else { return };
    let log = PathBuf::from(format!("{path}-wal"));
    let is_short = log.metadata().is_ok_and(|log| (1..SHORT).contains(&log.len()));
    // If it cannot be said, the log is taken in.
    let _taken_in = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_short);
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.pragma_query_value(None, "page_count", |row| Ok(row.get::<_, i64>(0)? == 0))
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

    /// What is in the directory, with nothing changed; nobody may write there for as long as it
    /// lives.
    fn copy(from: &Path, names: &[&str]) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::copy(from.join(name), copy.path().join(name)).unwrap();
        }
        copy
    }

    #[test]
    fn what_cannot_be_written_to_is_read_or_it_is_told_why_not() {
        let scratch = tempfile::Builder::new().prefix("a#b?c%20 d").tempdir().unwrap();
        let path = scratch.path().join("d");
        let open_one = open(&path, &[FIRST]).unwrap();
        open_one.execute("INSERT INTO a VALUES (7)", []).unwrap();
        let sum = |read: Connection| -> i64 {
            read.query_row("SELECT sum(x) FROM a", [], |row| row.get(0)).unwrap()
        };
        // As `look` reads where opening failed. What a root may write it may not write here.
        let seen = |dir: &Path| read_only(&dir.join("d"), &[FIRST]);
        // While somebody has it open the log holds everything.
        let live = copy(scratch.path(), &["d", "d-wal", "d-shm"]);
        assert_eq!(sum(seen(live.path()).unwrap()), 7);
        drop(open_one);
        // After the end of the last one all of it stands in the file.
        assert!(!beside(&path, "-wal").exists());
        let before = std::fs::read(&path).unwrap();
        let uri = format!("file:{}?immutable=1", String::from_utf8(escaped(&path)).unwrap());
        assert_eq!(sum(by_flags(uri.as_ref(), &path, &[FIRST]).unwrap()), 7);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1, "nothing is made");
        let older = by_flags(path.as_os_str(), &path, &[FIRST, SECOND]).unwrap_err();
        assert!(matches!(older, Error::Older { .. }), "{older}");
        let newer = by_flags(path.as_os_str(), &path, &[]).unwrap_err();
        assert!(matches!(newer, Error::Newer { .. }), "{newer}");
    }
}
