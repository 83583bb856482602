//! Disks that are full, files that are broken, formats that are too new.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use super::ground::{CPH, Ground, ended, hook, said, wait_for};
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

/// Full for the runner, which needs more room than an order does.
#[test]
fn a_disk_that_is_full_for_the_runner() {
    let ground = Ground::with(HOOK, &json!({}));
    let mut command = ground.command("/bin/sh");
    // 8 KiB for a file: the tables alone need more.
    command.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"", CPH]);
    let said = ended(ground.dispatch(command, "Stop", &json!({})));
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "", ""));
    assert!(until(PATIENCE, || health(&ground)["trouble"].is_string()), "{}", ground.story());
    assert_eq!((health(&ground)["healthy"].as_bool(), &*ground.log("ran")), (Some(false), ""));
    // There is room again, for a runner that is started now.
    let is_gone = || {
        ground.kill("runner");
        ground.processes("runner").is_empty()
    };
    assert!(until(PATIENCE, is_gone));
    ground.fire_with("UserPromptSubmit", &json!({"prompt": "x"}));
    ground.drain();
    assert_eq!(ground.log("ran"), "x\n", "{}", ground.story());
    assert!(until(PATIENCE, || health(&ground)["healthy"] == true), "{}", ground.story());
}

/// A command before which the state directory was made read-only, if this system lets us.
fn read_only(ground: &Ground) -> Option<std::process::Command> {
    let state = ground.path("home/.local/state/cph");
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let command = || {
        let mut command = ground.command("/usr/bin/unshare");
        command.args(["-rm", "/bin/sh", "-c", script]).arg(&state);
        command
    };
    let mut probe = command();
    probe.args(["/bin/sh", "-c", "! touch \"$0/probe\""]).arg(&state);
    probe.stdin(std::process::Stdio::null());
    let is_able = std::path::Path::new("/usr/bin/unshare").exists() && said(probe).code == 0;
    if !is_able {
        println!("SKIPPED: no directory can be made read-only here");
    }
    is_able.then(|| {
        let mut command = command();
        command.arg(CPH);
        command
    })
}

#[test]
fn a_read_only_state_directory() {
    let ground = Ground::with("mkdir \"$LOG/ran-$CPH_OCCURRENCE\"", &json!({"id": "h"}));
    ground.fire("Stop");
    ground.drain();
    assert!(until(PATIENCE, || ground.processes("runner").is_empty()));
    let Some(command) = read_only(&ground) else { return };
    let fired = ended(ground.dispatch(command, "Stop", &json!({})));
    assert_eq!(fired.code, 0, "{fired:?}");
    let told = fired.stdout + &fired.stderr;
    assert!(told.contains("`h` was started without the queue"), "{told}");
    assert!(told.contains("Read-only"), "{told}");
    let ran = || fs::read_dir(ground.path("log")).unwrap().count();
    assert!(until(PATIENCE, || ran() == 2), "{}", ground.story());
    for (words, code) in [(["health", "--json"], 1), (["jobs", "--json"], 70)] {
        let Some(mut command) = read_only(&ground) else { return };
        command.args(words).stdin(std::process::Stdio::null());
        let asked = said(command);
        let text = asked.stdout + &asked.stderr;
        assert!(asked.code == code && text.contains("Read-only"), "{words:?}: {text}");
    }
}

/// Beyond its first page, which alone is looked at when it is opened.
#[test]
fn a_database_that_is_broken_in_the_middle() {
    let ground = Ground::with(HOOK, &json!({}));
    // Until the log is so long that the last one who leaves takes it in.
    let mut fired = 0;
    while fired == 0 || ground.queue().join("jobs.db-wal").exists() {
        for _ in 0..20 {
            ground.fire("Stop");
        }
        fired += 20;
        assert!(fired <= 200, "nobody takes the log in");
        ground.drain();
        assert!(until(PATIENCE, || ground.processes("runner").is_empty()));
    }
    let path = ground.queue().join("jobs.db");
    let mut bytes = fs::read(&path).unwrap();
    assert!(bytes.len() > 3 * 4096);
    bytes[4096..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    ground.fire("Stop");
    ground.await_log("ran", &"x\n".repeat(fired + 1));
    ground.drain();
    let report = health(&ground);
    assert!(report["laid_aside"][0].as_str().unwrap().contains("jobs.db.broken-"), "{report}");
    assert_eq!(
        (&report["jobs"]["done"], &report["trouble"]),
        (&json!(1), &Value::Null),
        "{report}"
    );
}

/// One row that nobody can read holds nobody else up.
#[test]
fn a_job_that_cannot_be_read_fails_alone() {
    let wait = format!("echo x >> \"$LOG/began\"; {}", wait_for("go"));
    let critical = json!({"id": "odd", "priority": "critical"});
    let hooks =
        [hook(&wait, &json!({"id": "first"})), hook("echo odd", &critical), hook(HOOK, &json!({}))];
    let ground = Ground::new(&json!({
        "Stop": [{"hooks": [hooks[0]]}], "SubagentStop": [{"hooks": [hooks[1], hooks[2]]}],
    }))
    .at_once(1);
    ground.fire("Stop");
    ground.await_log("began", "x\n");
    ground.fire("SubagentStop");
    assert!(until(PATIENCE, || ground.jobs().len() == 3), "{}", ground.story());
    let jobs = rusqlite::Connection::open(ground.queue().join("jobs.db")).unwrap();
    jobs.busy_timeout(PATIENCE).unwrap();
    jobs.execute("UPDATE jobs SET body = '{}' WHERE hook = 'odd'", []).unwrap();
    drop(jobs);
    ground.leave("go");
    ground.await_log("ran", "x\n");
    ground.drain();
    let jobs = ground.jobs();
    let odd = jobs.iter().find(|job| job["hook"] == "odd").unwrap();
    assert_eq!(
        (&odd["state"], &odd["ended"]),
        (&json!("failed"), &json!("this cph cannot read its order"))
    );
    assert_eq!(jobs.iter().filter(|job| job["state"] == "done").count(), 2);
}

/// The wall clock is for people; nothing is done by it.
#[test]
fn a_clock_that_jumps_back_an_hour() {
    let command = "echo \"$CPH_ATTEMPT $CPH_JOB_ID\" >> \"$LOG/ran\"; [ \"$CPH_ATTEMPT\" = 2 ]";
    let ground = Ground::with(command, &json!({"retry": {"max": 1, "delay_ms": 400}}));
    let mut early = ground.command(CPH);
    early.env("CPH_WALL_AHEAD_S", "3600");
    assert_eq!(ended(ground.dispatch(early, "Stop", &json!({}))).code, 0);
    ground.await_log("ran", "1 ");
    // Whoever is the runner from now on lives an hour earlier.
    let is_gone = || {
        ground.kill("runner");
        ground.processes("runner").is_empty()
    };
    assert!(until(PATIENCE, is_gone));
    ground.fire("Stop");
    ground.drain();
    let jobs = ground.jobs();
    let at = |index: usize| jobs[index]["at"].as_str().unwrap().to_owned();
    assert!(at(0) > at(1), "the clock did not jump: {jobs:?}");
    for job in &jobs {
        let id = job["id"].as_str().unwrap();
        let runs: Vec<_> = ["1", "2"].into_iter().map(|run| format!("{run} {id}\n")).collect();
        assert!(runs.iter().all(|run| ground.log("ran").matches(run).count() == 1), "{jobs:?}");
        assert_eq!(job["state"], "done");
        assert!(ground.succeed(&["jobs", "logs", id]).contains("exit 0"));
    }
    assert_eq!(jobs.len(), 2);
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
