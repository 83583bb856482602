//! No state can be kept: hooks run all the same, and the user is told.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

use serde_json::json;

use super::{
    delivery::{Cry, Delivery},
    hooks,
    reply::Reply,
    yard::{CPH, Yard},
};

const REASON: &str = "not with me";

/// A user without an account, and so without a home.
const NOBODY_AT_ALL: u32 = 64_321;

const CRY: Cry<'static> = Cry {
    event: "PreToolUse",
    registration: "u",
    payload: r#"{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{},"tool_use_id":"t"}"#,
};

/// Its hook writes no file, for it could not.
fn yard() -> Yard {
    let yard = Yard::new();
    let gate = format!("cat > /dev/null; echo '{REASON}' >&2; exit 2");
    let events = json!({ "PreToolUse": hooks::group(&[&gate]) });
    yard.configure(".claude/hooks.json", &events, &json!({}));
    yard
}

fn fire(mut command: Command) -> Reply {
    command.args(CRY.arguments("300"));
    let mut delivery = Delivery::start(command);
    delivery.release(CRY.payload);
    delivery.reply()
}

/// The hook has run and refused, and the user is told about this.
#[track_caller]
fn assert_ran_and_told(reply: &Reply, about: &str) {
    reply.assert_success();
    assert!(reply.refuses(REASON), "{reply:?}");
    assert!(reply.message().contains(about), "{reply:?}");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The state directory, which is not there yet.
fn state(yard: &Yard) -> std::path::PathBuf {
    fs::create_dir_all(yard.path("home/.local/state")).unwrap();
    yard.path("home/.local/state/cph")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A command of a user who is stopped by permissions: root is not.
fn command_of_mortal(yard: &Yard) -> Command {
    let mut command = yard.command(CPH);
    if is_root() {
        for path in ["", "home", "tmp", "run", "project", "project/.claude"] {
            set_mode(&yard.path(path), 0o755);
        }
        for path in ["tmp", "run", "project/.task_orchestrator"] {
            chown(yard.path(path), Some(NOBODY_AT_ALL), None).unwrap();
        }
        command.uid(NOBODY_AT_ALL);
    }
    command
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let yard = yard();
    let command = command_of_mortal(&yard);
    let state = state(&yard);
    fs::create_dir(&state).unwrap();
    if is_root() {
        chown(&state, Some(NOBODY_AT_ALL), None).unwrap();
    }
    set_mode(&state, 0o500);
    assert_ran_and_told(&fire(command), "no state can be kept");
    set_mode(&state, 0o700);
}

#[test]
fn a_home_that_cannot_be_written() {
    let yard = yard();
    let command = command_of_mortal(&yard);
    set_mode(&yard.path("home"), 0o555);
    assert_ran_and_told(&fire(command), "no state can be kept");
    set_mode(&yard.path("home"), 0o755);
}

#[test]
fn a_state_directory_behind_a_link() {
    let yard = yard();
    fs::create_dir(yard.path("elsewhere")).unwrap();
    symlink(yard.path("elsewhere"), state(&yard)).unwrap();
    assert_ran_and_told(&fire(yard.command(CPH)), "symbolic link");
    assert_eq!(fs::read_dir(yard.path("elsewhere")).unwrap().count(), 0, "it was followed");
}

#[test]
fn a_file_where_the_state_directory_belongs() {
    let yard = yard();
    fs::write(state(&yard), "mine").unwrap();
    assert_ran_and_told(&fire(yard.command(CPH)), "no state can be kept");
    assert_eq!(fs::read_to_string(state(&yard)).unwrap(), "mine");
}

#[test]
fn a_state_directory_of_somebody_else() {
    let yard = yard();
    if !is_root() {
        println!("SKIPPED: only root can give a directory away");
        return;
    }
    fs::create_dir(state(&yard)).unwrap();
    chown(state(&yard), Some(NOBODY_AT_ALL), None).unwrap();
    assert_ran_and_told(&fire(yard.command(CPH)), "belongs to user");
    assert_eq!(fs::read_dir(state(&yard)).unwrap().count(), 0, "it was used");
}

#[test]
fn a_state_directory_that_others_may_write_to() {
    let yard = yard();
    fs::create_dir(state(&yard)).unwrap();
    set_mode(&state(&yard), 0o777);
    assert_ran_and_told(&fire(yard.command(CPH)), "may be written by others");
}

/// Without `HOME` the account says where the home is; this user has no account either.
#[test]
fn no_home_at_all() {
    let yard = yard();
    if !is_root() {
        println!("SKIPPED: without HOME the real home of this user would be written to");
        return;
    }
    let mut command = command_of_mortal(&yard);
    command.env_remove("HOME");
    assert_ran_and_told(&fire(command), "no state can be kept");
}

/// No file can grow, as on a full disk: neither state nor a copy of the payload.
#[test]
fn a_full_disk() {
    let yard = yard();
    let mut command = yard.command("/bin/sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", CPH]);
    assert_ran_and_told(&fire(command), "cannot");
    // Where there is room again, nothing is left of it.
    assert!(yard.fire(&[CRY])[0].refuses(REASON));
}

/// The same, where the disk becomes full between one delivery and the next.
#[test]
fn a_disk_that_becomes_full() {
    let yard = yard();
    assert!(yard.fire(&[CRY])[0].refuses(REASON));
    let mut command = yard.command("/bin/sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", CPH]);
    assert_ran_and_told(&fire(command), "cannot");
}

/// Who tells nothing of it is ended by the kernel at the first write that is too long: cph too,
/// and a host takes a killed hook for a hook that failed.
#[test]
fn the_signal_of_a_full_disk_ends_nothing() {
    let yard = yard();
    let mut command = yard.command("/bin/sh");
    command.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\"", CPH]);
    assert_ran_and_told(&fire(command), "cannot");
}
