//! What lies in the spool and cannot be read, and a program that is replaced under its runner.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink},
        net::UnixListener,
    },
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};

use super::ground::{Ground, ended};
use crate::wait::{PATIENCE, until};

const HOOK: &str = "echo x >> \"$LOG/ran\"";

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What can be moved away by nobody but root, and what by who has made it.
const FIXED: &str = "0-fixed.job";
const MOVABLE: [&str; 5] =
    ["0-closed.job", "0-directory.job", "0-fifo.job", "0-link.job", "0-socket.job"];

/// What only root leaves: one that was put back from a copy.
const FOREIGN: &str = "0-foreign.job";

/// Things with the names of orders, which sort before all orders.
fn litter(ground: &Ground) {
    let spool = ground.queue().join("spool");
    let at = |name: &str| spool.join(name);
    fs::write(at("0-closed.job"), "unreadable").unwrap();
    fs::create_dir(at("0-directory.job")).unwrap();
    symlink("/nowhere/at/all", at("0-link.job")).unwrap();
    drop(UnixListener::bind(at("0-socket.job")).unwrap());
    let mut fifo = ground.command("/usr/bin/mkfifo");
    assert!(fifo.arg(at("0-fifo.job")).status().unwrap().success());
    fs::create_dir(at(FIXED)).unwrap();
    let owner = fs::metadata(&spool).unwrap();
    for name in MOVABLE.into_iter().chain([FIXED]) {
        lchown(at(name), Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    for name in ["0-closed.job", FIXED] {
        mode(&at(name), 0);
    }
    if rustix::process::geteuid().is_root() {
        fs::write(at(FOREIGN), "of somebody else").unwrap();
        mode(&at(FOREIGN), 0o600);
    }
}

#[test]
fn what_nobody_can_read_holds_nobody_up() {
    let Some(ground) = Ground::with(HOOK, &json!({})).of_an_ordinary_user() else { return };
    ground.fire("Stop");
    ground.drain();
    // It looks once more before it leaves.
    assert!(until(PATIENCE, || ground.processes("runner").is_empty()));
    litter(&ground);
    let foreign = rustix::process::geteuid().is_root().then_some(FOREIGN);
    let mut movable: Vec<_> = MOVABLE.into_iter().chain(foreign).collect();
    movable.sort_unstable();
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.log("ran"), "x\nx\n", "{}", ground.story());
    let asked = ground.cph(&["health", "--json"]);
    let report: Value = serde_json::from_str(&asked.stdout).unwrap();
    assert_eq!((asked.code, &report["laid_aside"]), (1, &json!(movable)), "{report}");
    let unreadable = report["unreadable"].as_array().unwrap();
    assert_eq!(unreadable.len(), 1, "{report}");
    assert!(unreadable[0].as_str().unwrap().contains("Permission denied"), "{report}");
    let told = ground.cph(&["health"]).stdout;
    for (name, why) in [
        ("0-closed.job", "Permission denied"),
        ("0-directory.job", "is no regular file"),
        ("0-fifo.job", "is no regular file"),
        (FIXED, "an order cannot be read"),
        ("0-link.job", "is no regular file"),
    ] {
        let line = told.lines().find(|line| line.contains(name)).unwrap_or_default();
        assert!(line.contains(why), "{name}: {told}");
    }
    let list = ground.cph(&["jobs"]);
    let count = format!("laid aside: {} orders that could not be read", movable.len());
    assert!(list.code == 0 && list.stderr.contains(&count), "{list:?}");
    // The runner does not stay for it, and the next one works as well.
    assert!(until(PATIENCE, || ground.processes("runner").is_empty()));
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.log("ran"), "x\nx\nx\n", "{}", ground.story());
}

/// As an installation does it while a runner has nothing to do. Orders of the new program are for
/// the new program; and as long as there is none, the old one goes on.
#[test]
fn a_runner_gives_way_when_its_program_is_replaced() {
    let ground = Ground::with(HOOK, &json!({})).idle(Duration::from_hours(1));
    let installed = ground.path("installed");
    let install = || fs::rename(ground.copy_program("new"), &installed).unwrap();
    let fire = |program: &Path| {
        let said = ended(ground.dispatch(ground.command(program), "Stop", &json!({})));
        assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "", ""));
    };
    install();
    fire(&installed);
    ground.drain();
    let first = ground.processes("runner");
    assert_eq!(first.len(), 1);
    fs::remove_file(&installed).unwrap();
    fire(&ground.program());
    ground.await_log("ran", "x\nx\n");
    ground.drain();
    assert_eq!(ground.processes("runner"), first, "{}", ground.story());
    install();
    fire(&installed);
    ground.await_log("ran", "x\nx\nx\n");
    ground.drain();
    let is_new = || matches!(ground.processes("runner")[..], [one] if one != first[0]);
    assert!(until(PATIENCE, is_new), "{}", ground.story());
    fire(&installed);
    ground.await_log("ran", "x\nx\nx\nx\n");
}
