//! `install` and `uninstall`, killed before each of their system calls in turn.

use std::{fs, io, path::PathBuf};

use serde_json::json;

use super::{
    hooks,
    reply::Reply,
    strace::{self, Call},
    yard::{CPH, Yard},
};

/// Odd on purpose: what comes back must be this and not something that means the same.
const SETTINGS: &str = "{\r\n\t\"model\" : \"opus\",\n   \"env\":{ \"A\":\"1\", \"A\":\"2\" } }";

const IGNORED: &str = "target\n# no newline at the end";

const INSTALL: &[&str] = &["install", "--scope", "project", "--trust-all", "--yes"];
const UNINSTALL: &[&str] = &["uninstall", "--scope", "project"];

/// Files that the commands change, and what was in them; `None` for a file that is not there.
type Before = [(&'static str, Option<&'static str>)];

const FULL: &Before = &[(".claude/settings.json", Some(SETTINGS)), (".gitignore", Some(IGNORED))];
const BARE: &Before = &[(".claude/settings.json", None), (".gitignore", None)];

#[test]
fn a_killed_install_leaves_the_old_or_the_new() {
    for before in [FULL, BARE] {
        kill_at_every_call(before, INSTALL, false);
    }
}

#[test]
fn a_killed_uninstall_leaves_the_old_or_the_new() {
    for before in [FULL, BARE] {
        kill_at_every_call(before, UNINSTALL, true);
    }
}

/// `installs`: the killed command finds an installation.
fn kill_at_every_call(before: &Before, command: &[&str], installs: bool) {
    if !strace::is_usable() {
        return;
    }
    let yard = Yard::new();
    let hook = hooks::script(&yard, "hook", "exit 0");
    let events = json!({ "Stop": hooks::group(&[&hook]), "PreToolUse": hooks::group(&[&hook]) });
    let lay_out = || {
        lay_out(&yard, before);
        yard.configure(".claude/hooks.json", &events, &json!({}));
        let old = contents(&yard, before);
        run(&yard, INSTALL);
        let new = contents(&yard, before);
        if !installs {
            lay_out_again(&yard, before);
        }
        (old, new)
    };
    lay_out();
    let mut traced = strace::trace(&yard);
    traced.arg(CPH).args(command);
    assert!(traced.output().unwrap().status.success());
    let calls = strace::calls(&yard);
    let mut killed = 0;
    for call in &calls {
        let (old, new) = lay_out();
        assert_ne!(old[0], new[0], "an installation that changes nothing shows nothing");
        killed += usize::from(is_killed_before(&yard, command, call));
        let when = format!("{command:?} killed before {call:?}");
        for ((now, old), new) in contents(&yard, before).iter().zip(&old).zip(&new) {
            assert!(now == old || now == new, "{when}: {now:?}");
        }
        run(&yard, INSTALL);
        assert_eq!(contents(&yard, before), new, "{when}, then installed");
        run(&yard, UNINSTALL);
        assert_eq!(contents(&yard, before), old, "{when}, then installed and uninstalled");
    }
    println!("{command:?}: {killed} deaths in {} calls", calls.len());
    // Where memory is laid out differently, a run may make a call less.
    assert!(killed > 5 && killed + 10 > calls.len(), "{killed} of {calls:?}");
}

/// The project as it was, and nothing known about it.
fn lay_out(yard: &Yard, before: &Before) {
    for dir in ["home", "project"] {
        fs::remove_dir_all(yard.path(dir)).unwrap();
    }
    for dir in ["home", "project/.claude", "project/.git"] {
        fs::create_dir_all(yard.path(dir)).unwrap();
    }
    fs::write(yard.project().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    for (path, text) in before {
        if let Some(text) = text {
            yard.write(path, text);
        }
    }
}

/// The same, but for the hook file.
fn lay_out_again(yard: &Yard, before: &Before) {
    let hook_file = fs::read_to_string(yard.project().join(".claude/hooks.json")).unwrap();
    lay_out(yard, before);
    yard.write(".claude/hooks.json", &hook_file);
}

fn contents(yard: &Yard, before: &Before) -> Vec<Option<String>> {
    let read = |path: PathBuf| match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    before.iter().map(|(path, _)| read(yard.project().join(path))).collect()
}

#[track_caller]
fn run(yard: &Yard, arguments: &[&str]) {
    let output = yard.command(CPH).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// Runs the command and kills it before a call; whether that call came.
fn is_killed_before(yard: &Yard, arguments: &[&str], call: &Call) -> bool {
    let mut command = strace::kill_before(yard, call);
    let reply = Reply::of(command.arg(CPH).args(arguments).output().unwrap());
    assert!(reply.is_killed() || reply.is_success(), "{reply:?}");
    reply.is_killed()
}
