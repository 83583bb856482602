//! What tasks may use of memory, disk and names, and what they leave.

use std::fs;

use serde_json::Value;

use super::{events, outcome, outcomes, run_dir, told, with};
use crate::cph::Cph;

/// Of much the beginning and the end are kept, and everybody is told.
#[test]
fn a_task_that_says_too_much_does_not_fill_the_disk() {
    let cph = with(
        "tasks:
- name: loud
  limits: {log: 20k}
  retries: {times: 1, backoff: 1ms}
  run: echo first; yes again | head -c 3000000; echo last; test $CPH_ATTEMPT = 2
- {name: quiet, run: echo quiet}
",
    );
    cph.succeed(&["run", "tasks.yaml"]);
    let path = run_dir(&cph, "R1").join("logs/loud.log");
    let length = fs::metadata(&path).unwrap().len();
    // Each attempt has its end.
    assert!((20_000..32_000).contains(&length), "{length}");
    let log = cph.succeed(&["runs", "logs", "R1", "loud"]);
    assert!(log.starts_with("first\nagain\n") && log.ends_with("\nlast\n"), "{log}");
    assert_eq!(log.matches("\nlast\n").count(), 2);
    let cut = |event: &Value| event["kind"] == "log_cut" && event["task"] == "loud";
    let cuts: Vec<u64> = events(&cph, "R1")
        .iter()
        .filter(|event| cut(event))
        .map(|event| event["detail"]["left_out"].as_u64().unwrap())
        .collect();
    let said = 3_000_000 + "first\nlast\n".len() as u64;
    // The first attempt has all the room there is.
    assert_eq!(cuts, [said - 20 * 1024, said - 10 * 1024]);
    for bytes in &cuts {
        assert!(log.contains(&format!("\n--- {bytes} bytes are left out here\n")), "{log}");
    }
    let shown = cph.succeed(&["runs", "show", "R1"]);
    let all: u64 = cuts.iter().sum();
    assert!(shown.contains(&format!("{all} bytes of what it said are not in its log")), "{shown}");
    assert_eq!(shown.matches("not in its log").count(), 1, "{shown}");
}

#[test]
fn a_task_may_have_so_much_memory_and_no_more() {
    let cph = with(
        "on_failure: continue
tasks:
- {name: little, limits: {memory: 100M, cpu: 60}, run: 'head -c 1000000 /dev/zero | tail -c 1000000 | wc -c'}
- {name: much, limits: {memory: 100M}, run: 'head -c 400000000 /dev/zero | tail -c 300000000 | wc -c; ulimit -v; exit 1'}
",
    );
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "little"]), "1000000\n");
    let much = cph.succeed(&["runs", "logs", "R1", "much"]);
    assert!(much.ends_with("\n102400\n") && !much.contains("300000000"), "{much}");
}

/// What an attempt has left is none of the next one's artifacts, and copies replace nothing.
#[test]
fn artifacts_are_of_the_last_attempt_and_do_not_meet() {
    let tasks = "tasks:
- name: a
  artifacts: [one/x, two/x, x]
  run: |
    mkdir -p one two
    echo 1 > one/x; echo 2 > two/x; echo 3 > x
    test $CPH_ATTEMPT = 2 && echo own > \"$TASK_OUTPUT_DIR/x\" || touch \"$TASK_OUTPUT_DIR/partial\"
    test $CPH_ATTEMPT = 2
  retries: {times: 1, backoff: 1ms}
- {name: count, dependencies: a, run: 'echo ${tasks.a.artifacts} | wc -w'}
";
    let cph = with(tasks);
    cph.succeed(&["run", "tasks.yaml"]);
    let kept = |path: &str| fs::read_to_string(run_dir(&cph, "R1").join(path)).ok();
    for (path, text) in
        [("one/x", Some("1\n")), ("two/x", Some("2\n")), ("x", Some("own\n")), ("2/x", Some("3\n"))]
    {
        assert_eq!(kept(&format!("artifacts/a/{path}")).as_deref(), text, "{path}");
    }
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "count"]), "4\n");
    assert_eq!(kept("earlier/a/partial").as_deref(), Some(""));
    assert_eq!(kept("artifacts/a/partial"), None);
    // Neither are the copies of a run that went on.
    fs::write(cph.path("project/tasks.yaml"), tasks.replace("echo 1 >", "echo 9 >")).unwrap();
    assert_eq!(cph.run(&["run", "--resume"]).code, 0);
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "count"]), "4\n4\n");
}

/// Whatever is in the way of a log, a task that says much does not bury everything else.
#[test]
fn a_log_that_cannot_be_written_is_told_once() {
    let cph = with(
        "tasks:
- {name: before, run: 'mkdir -p \"$CPH_RUN_DIR/logs/big.log\"'}
- {name: big, run: 'i=0; while test $i -lt 40; do head -c 100000 /dev/zero; i=$((i + 1)); done', dependencies: before}
",
    );
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(told(&cph, "R1", &["trouble"]).len(), 1);
}

/// A loop that reports fills neither the events nor the screen.
#[test]
fn reports_without_end_are_not_all_written_down() {
    let cph = with(
        "tasks:
- name: a
  run: |
    i=0
    while test $i -lt 10100; do echo progress 1 $i >&9; i=$((i + 1)); done
    echo made > made.txt
    echo artifact made.txt >&9
- name: nonsense
  run: |
    i=0
    while test $i -lt 300; do echo what $i >&9; i=$((i + 1)); done
",
    );
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert_eq!(told(&cph, "R1", &["progress"]).len(), 10_000);
    assert_eq!(ran.stderr.matches("that means nothing").count(), 100, "{}", ran.shown());
    assert!(ran.stderr.contains("`a` has reported 10000 times"), "{}", ran.shown());
    assert!(ran.stderr.contains("there are more such reports"), "{}", ran.shown());
    // What counts counts at any time.
    assert_eq!(told(&cph, "R1", &["artifact"]), ["artifact a"]);
}

/// `cph` behind a line of a shell.
fn behind(cph: &Cph, line: &str) -> (Option<i32>, String, String) {
    let line = line.replace("CPH", env!("CARGO_BIN_EXE_cph"));
    let output = cph.command("/bin/sh").args(["-c", &line]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A limit for the size of files stands for a full disk.
#[test]
fn a_run_that_cannot_be_written_down_goes_on_and_says_so() {
    let cph = with(
        "tasks:
- name: loud
  run: |
    i=0
    while test $i -lt 3000; do
      echo note a word that is as long as a word of a note may well be $i >&9
      i=$((i + 1))
    done
- {name: large, run: 'ulimit -S -f unlimited; head -c 3000000 /dev/zero > large.bin', artifacts: large.bin}
",
    );
    let (code, said, complained) = behind(&cph, "ulimit -S -f 200; exec CPH run tasks.yaml");
    assert_eq!(code, Some(0), "{said}{complained}");
    assert!(said.contains("R1 succeeded: 2 succeeded"), "{said}");
    assert!(complained.contains("the events of R1 are not all kept"), "{complained}");
    assert!(complained.contains("large.bin is not kept"), "{complained}");
    let half = run_dir(&cph, "R1").join("artifacts/large/large.bin");
    assert!(!half.exists(), "a part of it looks like all of it");
    cph.succeed(&["run", "--resume"]);
    assert!(outcomes(&cph, "R1").iter().all(|(_, outcome)| outcome == "unchanged"));
}

#[test]
fn a_run_that_cannot_be_made_leaves_nothing() {
    let cph = with("tasks: [{name: a, run: touch oops}]");
    let (code, _, complained) = behind(&cph, "ulimit -S -f 0; exec CPH run tasks.yaml");
    assert_eq!(code, Some(70), "{complained}");
    assert!(complained.contains("/runs/R1/tasks.yaml.new: "), "{complained}");
    assert!(complained.contains("hint: runs are kept there; XDG_STATE_HOME"), "{complained}");
    assert!(!run_dir(&cph, "R1").exists() && !cph.path("project/oops").exists());
}

/// What looks at runs works where nobody may write.
#[track_caller]
fn assert_seen(look: impl Fn(&str) -> (Option<i32>, String, String)) {
    let wanted = [
        ("runs", "R1     failed"),
        ("runs show", "  succeeded a "),
        ("runs show R1 --json", "\"outcome\": \"succeeded\""),
        ("runs logs R1", "==> a <==\nhi\n"),
        ("runs logs R1 b --json", "{\"task\":\"b\",\"text\":\"no\\n\"}\n"),
        ("plan tasks.yaml", "expected   about "),
        ("statusline --color never", "R1 ✗ failed 2/2 · W2 b ✗ failed\n"),
    ];
    for (command, text) in wanted {
        let (code, said, complained) = look(command);
        assert_eq!(code, Some(0), "{command}: {said}{complained}");
        assert!(said.contains(text) && complained.is_empty(), "{command}: {said}{complained}");
    }
}

const SEEN: &str = "tasks: [{name: a, run: echo hi}, {name: b, run: echo no; exit 1}]";

/// As an ordinary user, to whom modes mean something.
#[cfg(target_os = "linux")]
#[test]
fn a_state_that_may_only_be_read_can_be_looked_at() {
    let cph = with(SEEN).env("CPH_SESSION", "s");
    let of_root = is_root(&cph);
    let as_user = |line: &str| {
        let user = "setpriv --reuid 65534 --regid 65534 --clear-groups";
        behind(&cph, &if of_root { format!("exec {user} {line}") } else { format!("exec {line}") })
    };
    if of_root {
        let all =
            "chown -R 65534:65534 .. && chmod 755 .. ../project && exec setpriv --reuid 65534 true";
        if behind(&cph, all).0 != Some(0) || as_user("CPH --version").0 != Some(0) {
            println!("SKIPPED: nobody else can run programs here");
            return;
        }
    }
    assert_eq!(as_user("CPH run tasks.yaml").0, Some(1));
    // A log that was not taken in, and one that was.
    for is_taken_in in [false, true] {
        if is_taken_in {
            // Of these bytes there is none that the database has not.
            assert_eq!(as_user("CPH maintain").0, Some(0));
        }
        behind(&cph, "chmod -R a-w ../state");
        assert_seen(|command| as_user(&format!("CPH {command}")));
        for command in ["run tasks.yaml", "runs resume R1", "maintain"] {
            let (code, _, complained) = as_user(&format!("CPH {command}"));
            assert_eq!(code, Some(70), "{command}: {complained}");
            assert!(complained.contains("Permission denied"), "{command}: {complained}");
        }
        if !is_taken_in {
            // Without its index it cannot be read.
            let away = "d=$(dirname ../state/cph/projects/*/runs.db); chmod u+w \"$d\"; rm \"$d/runs.db-shm\"; chmod u-w \"$d\"";
            assert_eq!(behind(&cph, away).0, Some(0));
            let (code, _, complained) = as_user("CPH runs");
            assert_eq!(code, Some(70), "{complained}");
            assert!(complained.contains("its log (`-wal`) was not taken in"), "{complained}");
        }
        behind(&cph, "chmod -R u+w ../state");
    }
}

#[cfg(target_os = "linux")]
fn is_root(cph: &Cph) -> bool {
    behind(cph, "test $(id -u) = 0").0 == Some(0)
}

/// Mounted so that nobody can write there, not even root.
#[cfg(target_os = "linux")]
#[test]
fn a_state_that_nobody_can_write_is_told() {
    let cph = with("tasks: [{name: a, run: touch ran; echo hi}, {name: b, run: echo no; exit 1}]")
        .env("CPH_SESSION", "s");
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    let state = cph.path("state").display().to_string();
    let mount = format!("mount --bind '{state}' '{state}' && mount -o remount,ro,bind '{state}'");
    if behind(&cph, &format!("exec unshare -m sh -c \"{mount}\"")).0 != Some(0) {
        println!("SKIPPED: nothing can be mounted here");
        return;
    }
    fs::remove_file(cph.path("project/ran")).unwrap();
    for (command, why) in [("run tasks.yaml", "runs/R2: "), ("runs resume R1", "runs/R1/lock`: ")] {
        let line = format!("exec unshare -m sh -c \"{mount} && exec CPH {command}\"");
        let (code, said, complained) = behind(&cph, &line);
        assert_eq!(code, Some(70), "{said}{complained}");
        let is_clear = complained.contains(why) && complained.contains("Read-only file system");
        assert!(is_clear, "{complained}");
    }
    assert!(!cph.path("project/ran").exists());
    assert_seen(|command| {
        behind(&cph, &format!("exec unshare -m sh -c \"{mount} && exec CPH {command}\""))
    });
    assert_eq!(outcome(&cph, "R1", "a"), "succeeded");
}
