//! What lies in the spool, orders and other things.

use std::os::unix::net::UnixListener;

use super::{super::spool::Obstacle, *};
use crate::sys::bell;

#[test]
fn an_order_comes_back_as_it_was_left() {
    let scratch = scratch();
    let spool = scratch.queue.spool().unwrap();
    let left = order("o-1", "h", Terms::default());
    spool.leave(&left).unwrap();
    spool.leave(&left).unwrap();
    let names = spool.names().unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    let Found::Order(found) = spool.look(&names[0]).unwrap() else { panic!() };
    assert_eq!(*found, left);
    spool.remove(&names[0]).unwrap();
    assert!(matches!(spool.look(&names[0]).unwrap(), Found::Gone));
}

#[test]
fn broken_orders_are_laid_aside_and_newer_ones_left() {
    let scratch = scratch();
    let spool = scratch.queue.spool().unwrap();
    let dir = scratch.queue.dir.subdir("spool").unwrap();
    let whole = crate::json::frame::encode(&order("o-1", "h", Terms::default())).unwrap();
    let sum = crate::json::frame::checksum(b"{}");
    let newer = format!("\ncph2 2 {sum:x} {{}}\n");
    for (name, bytes) in [
        ("a.job", &whole[..whole.len() / 2]),
        ("b.job", &b""[..]),
        ("c.job", newer.as_bytes()),
        ("d.job", &crate::json::frame::encode(&7).unwrap()),
    ] {
        put(&dir, name, bytes, false).unwrap();
    }
    fs::create_dir(dir.path().join("e.job")).unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, dir.path().join(name));
    link("/nowhere/at/all", "f.job").unwrap();
    link("a.job", "g.job").unwrap();
    drop(bell::listen(&dir, "h.job").unwrap());
    drop(UnixListener::bind(dir.path().join("i.job")).unwrap());
    let broken = ["a.job", "b.job", "d.job", "e.job", "f.job", "g.job", "h.job", "i.job"];
    for name in broken {
        assert!(matches!(spool.look(name).unwrap(), Found::Broken), "{name}");
    }
    assert!(matches!(spool.look("c.job").unwrap(), Found::Newer));
    assert!(matches!(spool.obstacle("c.job"), Some(Obstacle::Newer)));
    assert_eq!(spool.names().unwrap(), ["c.job"]);
    assert_eq!(scratch.queue.laid_aside(), broken);
    let aside = scratch.queue.dir.path().join("aside");
    for (name, what) in [
        ("a.job", "was cut short or changed"),
        ("b.job", "is empty"),
        ("d.job", "is no order that this cph knows"),
        ("e.job", "is no regular file"),
        ("f.job", "is no regular file"),
        ("h.job", "is no regular file"),
    ] {
        let why = scratch.queue.why_aside(name);
        assert_eq!(why, format!("`{}` {what}", aside.join(name).display()));
    }
}

/// What was laid aside is not replaced by what is laid aside later.
#[test]
fn what_was_laid_aside_stays() {
    let scratch = scratch();
    let spool = scratch.queue.spool().unwrap();
    let dir = scratch.queue.dir.subdir("spool").unwrap();
    for text in ["one", "two", "three"] {
        put(&dir, "a.job", text.as_bytes(), false).unwrap();
        assert!(matches!(spool.look("a.job").unwrap(), Found::Broken));
    }
    let aside = scratch.queue.dir.subdir("aside").unwrap();
    let texts = scratch.queue.laid_aside().into_iter().map(|name| {
        let text = String::from_utf8(read(&aside, &name).unwrap()).unwrap();
        (name, text)
    });
    let expected = [("a.job", "one"), ("a.job.2", "two"), ("a.job.3", "three")];
    assert_eq!(texts.collect::<Vec<_>>(), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

/// What can be neither read nor moved stays where it is.
#[test]
fn what_cannot_be_moved_is_stuck() {
    let scratch = scratch();
    let spool = scratch.queue.spool().unwrap();
    fs::create_dir(scratch.queue.dir.path().join("spool/a.job")).unwrap();
    drop(scratch.queue.dir.create_new("aside").unwrap());
    assert!(matches!(spool.look("a.job").unwrap(), Found::Stuck));
    let Some(Obstacle::Unreadable(why)) = spool.obstacle("a.job") else { panic!() };
    assert!(why.ends_with("a.job` is no regular file"), "{why}");
    assert!(matches!(spool.look("b.job").unwrap(), Found::Gone));
    assert!(spool.obstacle("b.job").is_none());
}

#[test]
fn drafts_of_the_dead_are_swept() {
    let scratch = scratch();
    let spool = scratch.queue.spool().unwrap();
    let dir = scratch.queue.dir.subdir("spool").unwrap();
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
    dir.create_new(".a.job.7").unwrap().set_modified(long_ago).unwrap();
    drop(dir.create_new(".b.job.8").unwrap());
    dir.create_new("c.job").unwrap().set_modified(long_ago).unwrap();
    spool.sweep();
    assert_eq!(dir.list().unwrap(), [".b.job.8", "c.job"]);
    assert_eq!(spool.names().unwrap(), ["c.job"]);
    let place = environments::place(&scratch);
    let beside = ["runs", "logs"].map(|name| scratch.queue.dir.subdir(name).unwrap());
    for dir in beside.iter().chain([&place, &scratch.queue.dir]) {
        dir.create_new(".a.7").unwrap().set_modified(long_ago).unwrap();
    }
    scratch.queue.sweep();
    environments::of(&scratch).sweep(&BTreeSet::new(), &scratch.queue);
    for dir in beside.iter().chain([&place, &scratch.queue.dir]) {
        assert!(!dir.path().join(".a.7").exists(), "{}", dir.path().display());
    }
}
