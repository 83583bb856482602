//! Disks that are full, files that are broken, formats that are too new.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use super::ground::{CPH, Ground, ended, wait_for};
use crate::wait::{PATIENCE, until};

const HOOK: &str = "echo x >> \"$LOG/ran\"";

fn health(ground: &Ground) -> Value {
    serde_json::from_str(&ground.cph(&["health", "--json"]).stdout).unwrap()
}

/// Where nothing can be queued the hook is started at once, and that is told.
#[test]
fn a_queue_that_cannot_be_used() {
    let ground = Ground::with(HOOK, &json!({"id": "h"}));
    fs::create_dir_all(ground.queue().parent().unwrap()).unwrap();
    fs::set_permissions(ground.queue().parent().unwrap(), fs::Permissions::from_mode(0o700))
        .unwrap();
    fs::write(ground.queue(), "a file").unwrap();
    let said = ground.fire("Stop");
    ground.await_log("ran", "x\n");
    let told = said.stdout + &said.stderr;
    assert!(told.contains("`h` was started without the queue"), "{told}");
}

#[test]
fn a_full_disk() {
    // It writes nothing, for it could not either.
    let ground = Ground::with("mkdir \"$LOG/ran\"", &json!({"id": "h"}));
    let mut command = ground.command("/bin/sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", CPH]);
    let said = ended(ground.dispatch(command, "Stop", &json!({})));
    assert_eq!(said.code, 0, "{said:?}");
    let told = said.stdout + &said.stderr;
    assert!(told.contains("`h` was started without the queue"), "{told}");
    assert!(until(PATIENCE, || ground.path("log/ran").is_dir()), "{}", ground.story());
}

/// Whatever keeps the runner from its work, the orders stay, and it goes on when that is over.
#[test]
fn a_runner_that_cannot_begin_leaves_nothing_unserved() {
    let ground = Ground::with(HOOK, &json!({}));
    fs::create_dir_all(ground.queue().join("jobs.db")).unwrap();
    for dir in [ground.queue(), ground.queue().parent().unwrap().to_owned()] {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
    }
    ground.fire("Stop");
    assert!(until(PATIENCE, || health(&ground)["trouble"].is_string()), "{}", ground.story());
    assert_eq!(ground.log("ran"), "");
    fs::remove_dir(ground.queue().join("jobs.db")).unwrap();
    // Nobody fires anything any more.
    ground.await_log("ran", "x\n");
    ground.drain();
    assert!(until(PATIENCE, || health(&ground)["healthy"] == true), "{}", ground.story());
}

#[test]
fn a_broken_database_is_laid_aside_and_told() {
    let ground = Ground::with(HOOK, &json!({}));
    ground.fire("Stop");
    ground.drain();
    assert!(until(PATIENCE, || ground.processes("runner").is_empty()));
    for name in ["jobs.db-wal", "jobs.db-shm"] {
        drop(fs::remove_file(ground.queue().join(name)));
    }
    fs::write(ground.queue().join("jobs.db"), "no database ".repeat(1000)).unwrap();
    ground.fire("Stop");
    ground.await_log("ran", "x\nx\n");
    ground.drain();
    let report = health(&ground);
    assert!(report["laid_aside"][0].as_str().unwrap().contains("jobs.db.broken-"), "{report}");
    assert_eq!(report["jobs"]["done"], 1, "{report}");
}

#[test]
fn broken_orders_hold_nobody_up() {
    let ground = Ground::with(HOOK, &json!({}));
    ground.fire("Stop");
    ground.drain();
    let spool = ground.queue().join("spool");
    for (name, text) in [("a.job", "torn"), ("b.job", ""), ("0.job", "\ncph1 2 0 {}\n")] {
        fs::write(spool.join(name), text).unwrap();
    }
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.log("ran"), "x\nx\n");
    assert_eq!(health(&ground)["laid_aside"], json!(["0.job", "a.job", "b.job"]));
}

/// What a newer cph has left is its own to run.
#[test]
fn newer_orders_are_left_where_they_are() {
    let ground = Ground::with(HOOK, &json!({}));
    ground.fire("Stop");
    ground.drain();
    let newer = ground.queue().join("spool/a.job");
    // The checksum is that of `{}`, as the next format may have it.
    let text = newer_frame(&ground);
    fs::write(&newer, &text).unwrap();
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.log("ran"), "x\nx\n");
    assert!(until(PATIENCE, || ground.processes("runner").is_empty()), "it waits for ever");
    assert_eq!(fs::read(&newer).unwrap(), text);
    let report = health(&ground);
    assert_eq!((&report["newer"], &report["healthy"]), (&json!(1), &json!(false)), "{report}");
}

/// A frame of this format, made into one of the next.
fn newer_frame(ground: &Ground) -> Vec<u8> {
    let secrets = fs::read_dir(ground.path("run/cph/secrets")).unwrap();
    let file = secrets.flatten().find(|entry| entry.path().extension().is_some()).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    text.replacen("cph1 ", "cph2 ", 1).into_bytes()
}

/// Of a session's end nothing is left but the disk.
#[test]
fn an_environment_that_is_gone_fails_visibly() {
    let ground = Ground::with(&format!("{}; {HOOK}", wait_for("go")), &json!({"id": "h"}));
    ground.fire("Stop");
    ground.fire("Stop");
    assert!(until(PATIENCE, || ground.jobs().iter().any(|job| job["state"] == "waiting")));
    assert!(until(PATIENCE, || ground.jobs().iter().any(|job| job["state"] == "running")));
    // The first may not have read it yet; it runs or fails as well.
    fs::remove_dir_all(ground.path("run/cph/secrets")).unwrap();
    ground.leave("go");
    ground.drain();
    let second = &ground.jobs()[1];
    let ended = second["ended"].as_str().unwrap();
    assert!(ended.contains("its environment is gone"), "{second}");
}

/// What is to survive the end of the machine does not need what the machine forgets.
#[test]
fn a_lasting_job_runs_without_its_environment() {
    let command = format!("{}; echo \"$SECRET $HOME\" > \"{{}}/ran\"", wait_for("go"));
    let ground = Ground::with("", &json!({}));
    let log = ground.path("log").display().to_string();
    let wait = wait_for("go").replace("$LOG", &log);
    let command = command.replace("{}", &log).replace(&wait_for("go"), &wait);
    let fields = json!({"durability": "power"});
    ground.configure(&json!({"Stop": [{"hooks": [super::ground::hook(&command, &fields)]}]}));
    for _ in 0..2 {
        let mut dispatch = ground.command(CPH);
        dispatch.env("SECRET", "s3cr3t");
        assert_eq!(ended(ground.dispatch(dispatch, "Stop", &json!({}))).code, 0);
    }
    assert!(until(PATIENCE, || ground.jobs().iter().any(|job| job["state"] == "running")));
    assert!(until(PATIENCE, || ground.jobs().iter().any(|job| job["state"] == "waiting")));
    fs::remove_dir_all(ground.path("run/cph/secrets")).unwrap();
    ground.leave("go");
    ground.drain();
    let home = ground.path("home");
    assert_eq!(ground.log("ran"), format!(" {}\n", home.display()), "{}", ground.story());
}

/// Of a dispatch that was killed before it could wake anybody.
#[test]
fn the_next_turn_takes_up_what_was_left_behind() {
    let ground = Ground::with(HOOK, &json!({}));
    ground.fire("Stop");
    ground.drain();
    assert!(until(PATIENCE, || ground.processes("runner").is_empty()));
    // An order as such a dispatch leaves it: with a start of ours that never was.
    let aside = ground.path("order");
    let spool = ground.queue().join("spool");
    let blocked = ground.queue().join("jobs.db");
    let kept = ground.path("jobs.db");
    fs::rename(&blocked, &kept).unwrap();
    fs::create_dir(&blocked).unwrap();
    ground.fire("Stop");
    assert!(until(PATIENCE, || ground.kill("runner") > 0));
    assert!(until(PATIENCE, || ground.processes("runner").is_empty()));
    let order = fs::read_dir(&spool).unwrap().flatten().next().unwrap();
    fs::rename(order.path(), &aside).unwrap();
    drop(fs::remove_file(ground.queue().join("bell")));
    fs::remove_dir(&blocked).unwrap();
    fs::rename(&kept, &blocked).unwrap();
    fs::rename(&aside, order.path()).unwrap();
    ground.fire_with("UserPromptSubmit", &json!({"prompt": "x"}));
    ground.await_log("ran", "x\nx\n");
}
