//! What becomes of one job: it ends well, fails, is tried again, is cut down, is told of.

use std::{
    collections::BTreeMap,
    fs,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::ground::{Ground, hook, wait_for};
use crate::wait::{PATIENCE, until};

#[test]
fn a_hook_gets_what_it_would_get_in_the_foreground() {
    let command = "cat > \"$LOG/payload\"; env > \"$LOG/env\"; pwd > \"$LOG/dir\"; echo said";
    let ground = Ground::with(command, &json!({}));
    let mut dispatch = ground.command(super::ground::CPH);
    dispatch.env("SECRET", "s3cr3t").env("CLAUDE_MESSAGING_TOKEN", "t0ken");
    let said = super::ground::ended(ground.dispatch(dispatch, "Stop", &json!({"x": "y"})));
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "", ""));
    ground.drain();
    assert_eq!(ground.log("payload"), ground.payload("Stop", &json!({"x": "y"})));
    let env = ground.log("env");
    for wanted in ["SECRET=s3cr3t\n", "CPH_ATTEMPT=1\n", "CPH_JOB_ID=", "CPH_OCCURRENCE="] {
        assert!(env.contains(wanted), "{wanted}: {env}");
    }
    assert!(!env.contains("t0ken"), "{env}");
    let dir = fs::canonicalize(ground.project()).unwrap();
    assert_eq!(ground.log("dir").trim(), dir.to_str().unwrap());
    let job = &ground.jobs()[0];
    assert_eq!(
        (&job["state"], &job["ended"], &job["starts"]),
        (&json!("done"), &json!("exit 0"), &json!(1))
    );
    let id = job["id"].as_str().unwrap();
    assert!(env.contains(&format!("CPH_JOB_ID={id}\n")));
    let log = ground.succeed(&["jobs", "logs", id]);
    assert!(log.contains("--- stdout\nsaid\n--- exit 0 after"), "{log}");
}

/// Neither a hook nor who runs it holds anything of the host's: descriptors, session, directory,
/// secrets.
#[test]
fn nothing_of_the_host_is_inherited() {
    let ground = Ground::with(
        &format!("echo $$ > \"$LOG/new\"; mv \"$LOG/new\" \"$LOG/pid\"; {}", wait_for("go")),
        &json!({}),
    );
    let mut host = ground.command("/bin/sh");
    let open = "exec 7< \"$TMPDIR\" 9> \"$TMPDIR/of-the-host\"; exec \"$0\" \"$@\"";
    host.args(["-c", open, super::ground::CPH]).env("SECRET", "s3cr3t-value");
    let dispatch = ground.dispatch(host, "Stop", &json!({}));
    let ours = [
        dispatch.stdout.as_ref().unwrap().as_raw_fd(),
        dispatch.stderr.as_ref().unwrap().as_raw_fd(),
    ];
    let pipes = ours.map(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).unwrap());
    let pipes = pipes.map(|pipe| pipe.display().to_string());
    assert!(pipes.iter().all(|pipe| pipe.starts_with("pipe:")), "{pipes:?}");
    let said = super::ground::ended(dispatch);
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "", ""));
    ground.await_log("pid", "\n");
    let hook: i32 = ground.log("pid").trim().parse().unwrap();
    let (runner, worker) = (ground.processes("runner"), ground.processes("worker"));
    assert_eq!((runner.len(), worker.len()), (1, 1), "{}", ground.story());
    for pid in [hook, runner[0], worker[0]] {
        let proc = Path::new("/proc").join(pid.to_string());
        let links = fs::read_dir(proc.join("fd")).unwrap().flatten();
        let held: BTreeMap<i32, String> = links
            .filter_map(|link| {
                let to = fs::read_link(link.path()).ok()?;
                Some((link.file_name().to_str()?.parse().ok()?, to.display().to_string()))
            })
            .collect();
        let is_foreign = |to: &String| to.contains("of-the-host") || pipes.contains(to);
        assert!(!held.values().any(is_foreign), "{pid}: {held:?}");
        let tmp = ground.path("tmp").display().to_string();
        assert!(!held.values().any(|to| *to == tmp), "{pid}: {held:?}");
        // State, parent, group, session, terminal.
        let stat = fs::read_to_string(proc.join("stat")).unwrap();
        let after_name = stat.rsplit_once(") ").unwrap().1;
        let words: Vec<i32> =
            after_name.split(' ').skip(1).take(4).map(|word| word.parse().unwrap()).collect();
        assert_eq!(words[1..], [pid, pid, 0], "{stat}");
        if pid == hook {
            assert_eq!(held.into_keys().collect::<Vec<_>>(), [0, 1, 2]);
        } else {
            let environ =
                String::from_utf8_lossy(&fs::read(proc.join("environ")).unwrap()).into_owned();
            assert!(!environ.contains("s3cr3t"), "{environ}");
            assert_eq!(fs::read_link(proc.join("cwd")).unwrap(), Path::new("/"));
        }
    }
    ground.leave("go");
    ground.drain();
}

/// What of the environment is secret lies in memory that goes away at logout, and nowhere else.
#[test]
fn secrets_are_kept_apart_and_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let ground = Ground::with(&wait_for("go"), &json!({}));
    let mut dispatch = ground.command(super::ground::CPH);
    dispatch.env("SECRET", "s3cr3t-value").env("X_MESSAGING_TOKEN", "t0ken-value");
    super::ground::ended(ground.dispatch(dispatch, "Stop", &json!({})));
    let holds = |dir: &str, text: &str| {
        let has = |path: &PathBuf| {
            let bytes = fs::read(path).unwrap_or_default();
            bytes.windows(text.len()).any(|part| part == text.as_bytes())
        };
        walk(&ground.path(dir)).into_iter().filter(has).collect::<Vec<_>>()
    };
    assert_eq!(holds("home", "s3cr3t-value"), [""; 0].map(std::path::PathBuf::from));
    assert_eq!(holds("run", "t0ken-value"), [""; 0].map(std::path::PathBuf::from));
    let kept = holds("run", "s3cr3t-value");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    ground.leave("go");
    ground.drain();
}

/// The same in memory that all users share, where the user's own is not named.
#[test]
fn secrets_lie_in_memory_also_without_a_runtime_directory() {
    use std::os::unix::fs::PermissionsExt as _;
    let is_memory = fs::read_to_string("/proc/mounts").unwrap().contains(" /dev/shm tmpfs ");
    if !is_memory || std::env::var_os("CPH_SYS").is_some() {
        println!("SKIPPED: /dev/shm is no memory here");
        return;
    }
    let ground = Ground::with(&wait_for("go"), &json!({}));
    let secret = format!("s3cr3t-{}", ground.path("home").display());
    let mut dispatch = ground.command(super::ground::CPH);
    dispatch.env_remove("XDG_RUNTIME_DIR").env("SECRET", &secret);
    assert_eq!(super::ground::ended(ground.dispatch(dispatch, "Stop", &json!({}))).code, 0);
    assert!(until(PATIENCE, || !ground.processes("worker").is_empty()), "{}", ground.story());
    let has = |path: &Path| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
    };
    let uid = rustix::process::geteuid().as_raw();
    let shared = fs::read_dir(format!("/dev/shm/cph-{uid}/secrets")).unwrap().flatten();
    let kept: Vec<_> = shared.map(|entry| entry.path()).filter(|path| has(path)).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let state = walk(&ground.path("home"));
    assert!(!state.is_empty() && !state.iter().any(|path| has(path)), "{state:?}");
    ground.leave("go");
    ground.drain();
    fs::remove_file(&kept[0]).unwrap();
}

/// All files below a directory.
fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(walk(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn failures_are_tried_again_and_told_once() {
    let command = "echo \"$CPH_ATTEMPT\" >> \"$LOG/ran\"; echo out of luck >&2; exit 3";
    let ground =
        Ground::with(command, &json!({"id": "unlucky", "retry": {"max": 2, "delay_ms": 10}}));
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.log("ran"), "1\n2\n3\n");
    let told = || ground.fire_with("UserPromptSubmit", &json!({"prompt": "x"})).stdout;
    let is_told =
        |text: &str| text.contains("unlucky") && text.contains("exit 3, 3 runs): out of luck");
    let mut first = String::new();
    // The end is in the database a moment before it is told.
    assert!(until(PATIENCE, || {
        first = told();
        !first.is_empty()
    }));
    assert!(is_told(&first), "{first}");
    assert_eq!(told(), "", "once");
    let health = ground.cph(&["health"]);
    assert_eq!(health.code, 1, "{health:?}");
    assert!(health.stdout.contains("1 job of `unlucky` failed for good"), "{health:?}");
}

#[test]
fn what_a_hook_says_reaches_the_next_event_that_can_tell_it() {
    let answer = json!({
        "decision": "block", "reason": "too late", "systemMessage": "for the user",
        "hookSpecificOutput": {"hookEventName": "Stop", "additionalContext": "for the model"},
    });
    let ground = Ground::with(&format!("echo '{answer}'"), &json!({"id": "speaker"}));
    ground.fire("Stop");
    ground.drain();
    let mut said = String::new();
    let is_told = until(PATIENCE, || {
        said = ground
            .fire_with("UserPromptSubmit", &json!({"prompt": "x", "session_id": "s-2"}))
            .stdout;
        !said.is_empty()
    });
    assert!(is_told, "{}", ground.story());
    let said: Value = serde_json::from_str(&said).unwrap();
    assert!(said["systemMessage"].as_str().unwrap().contains("`speaker`: for the user"), "{said}");
    assert_eq!(said["hookSpecificOutput"]["additionalContext"], "for the model");
    assert!(said.get("decision").is_none(), "{said}");
}

#[test]
fn a_time_limit_ends_the_hook_and_all_that_it_started() {
    let command = "sleep 600 & echo $! > \"$LOG/child\"; echo $$ > \"$LOG/self\"; wait";
    let ground = Ground::with(command, &json!({"timeout": 0.5}));
    ground.fire("Stop");
    ground.drain();
    assert_eq!(ground.jobs()[0]["ended"], "time limit");
    for name in ["child", "self"] {
        let pid = ground.log(name).trim().to_owned();
        // A hook that was slow to start may not have got so far.
        if !pid.is_empty() {
            let is_gone = || {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                stat.is_empty() || stat.contains(") Z ")
            };
            assert!(until(PATIENCE, is_gone), "{name} lives");
        }
    }
}

/// The death of the runner ends no hook; the next one knows its end.
#[test]
fn a_hook_outlives_its_runner() {
    let command = format!("echo x >> \"$LOG/ran\"; {}; exit 4", wait_for("go"));
    let ground = Ground::with(&command, &json!({"id": "h"}));
    ground.fire("Stop");
    ground.await_log("ran", "x");
    let is_alone = || {
        ground.kill("runner");
        ground.processes("runner").is_empty()
    };
    assert!(until(PATIENCE, is_alone));
    ground.leave("go");
    assert!(until(PATIENCE, || ground.processes("worker").is_empty()));
    ground.drain();
    assert_eq!(ground.log("ran"), "x\n");
    let job = &ground.jobs()[0];
    assert_eq!((&job["ended"], &job["starts"]), (&json!("exit 4"), &json!(1)), "{job}");
}

/// Nobody knows how far it got: what is left of it is ended, and it runs again and is told so.
#[test]
fn a_hook_whose_worker_was_killed_runs_again() {
    let command = format!(
        "echo said $CPH_ATTEMPT; echo \"$CPH_ATTEMPT $CPH_JOB_ID $$\" >> \"$LOG/ran\"; \
         [ \"$CPH_ATTEMPT\" = 2 ] || {{ {}; }}",
        wait_for("never")
    );
    let ground = Ground::with(&command, &json!({}));
    ground.fire("Stop");
    ground.await_log("ran", "\n");
    assert!(until(PATIENCE, || ground.kill("worker") > 0));
    ground.drain();
    let ran = ground.log("ran");
    let runs: Vec<Vec<&str>> = ran.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(runs.len(), 2, "{ran}");
    assert_eq!((runs[0][0], runs[1][0]), ("1", "2"));
    assert_eq!(runs[0][1], runs[1][1]);
    let is_gone = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", runs[0][2])).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    };
    assert!(until(PATIENCE, is_gone), "the first run still lives: {ran}");
    let job = &ground.jobs()[0];
    assert_eq!((&job["state"], &job["cuts"]), (&json!("done"), &json!(1)), "{job}");
    let logs = ground.succeed(&["jobs", "logs", runs[0][1]]);
    assert!(logs.contains("said 1\n--- cut down\n"), "{logs}");
    assert!(logs.contains("said 2\n--- exit 0"), "{logs}");
}

/// Nobody who waits for a dispatch waits for what a background hook leaves behind.
#[test]
fn a_grandchild_keeps_nobody_waiting() {
    let command = format!("( {}; echo late > \"$LOG/late\" ) & echo at once", wait_for("go"));
    let ground = Ground::with(&command, &json!({}));
    // Reads to the end of both outputs.
    assert_eq!(ground.fire("Stop").stdout, "");
    ground.drain();
    assert_eq!(ground.jobs()[0]["state"], "done");
    ground.leave("go");
    ground.await_log("late", "late");
}

#[test]
fn every_mark_makes_a_background_hook() {
    let of = |fields: Value| {
        let mut hook = json!({"type": "command", "command": "echo x >> \"$LOG/ran\"; exit 2"});
        for (key, value) in fields.as_object().unwrap() {
            hook[key] = value.clone();
        }
        hook
    };
    let hooks = json!([
        of(json!({"id": "a", "async": true})),
        of(json!({"id": "b", "background": true})),
        of(json!({"id": "c", "type": "background"})),
    ]);
    let ground = Ground::new(&json!({"PreToolUse": [{"hooks": hooks}]}));
    let said = ground.fire_with("PreToolUse", &json!({"tool_name": "Bash", "tool_input": {}}));
    assert_eq!((&*said.stdout, &*said.stderr), ("", ""));
    ground.drain();
    assert_eq!(ground.log("ran"), "x\nx\nx\n");
    assert!(ground.jobs().iter().all(|job| job["ended"] == "exit 2"));
}

#[test]
fn a_gate_in_the_background_is_an_error() {
    let ground = Ground::new(&json!({"PreToolUse": [{"hooks": [
        hook("exit 2", &json!({"gate": true})),
        hook("true", &json!({"retry": {"mx": 1}, "priority": "urgent"})),
        hook("true", &json!({"onFailure": "block"})),
        json!({"type": "command", "command": "true", "batch": true}),
    ]}]}));
    let said = ground.cph(&["lint"]);
    assert_eq!(said.code, 1, "{said:?}");
    let text = said.stdout + &said.stderr;
    assert!(text.contains("a gate cannot run in the background"), "{text}");
    assert!(text.contains("`retry` cannot be understood: unknown field `mx`"), "{text}");
    assert!(text.contains("`priority` cannot be understood: unknown variant `urgent`"), "{text}");
    assert!(text.contains("its failure refuses nothing"), "{text}");
    assert!(text.contains("`batch` has no effect on a hook that is waited for"), "{text}");
}
