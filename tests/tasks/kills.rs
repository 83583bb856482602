//! Killed at any point, a run goes on: nothing that has finished runs again, nothing is lost, and
//! nothing is left behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{outcome, outcomes, run_dir, with};
use crate::{
    cph::Cph,
    wait::{PATIENCE, until},
};

/// Who gets SIGKILL.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Orchestrator,
    Worker,
    Both,
}

fn tasks(count: usize) -> String {
    let mut text = String::from("max_workers: 4\ntasks:\n");
    for n in 0..count {
        let before = if n < 6 { String::new() } else { format!("t{}, t{}", n - 6, n / 2) };
        writeln!(
            text,
            "- {{name: t{n}, dependencies: [{before}], artifacts: out/{n}, \
             run: 'echo begin {n} $$ >> log; sleep 0.005; echo {n} > out/{n}; echo end {n} >> log'}}"
        )
        .unwrap();
    }
    text
}

fn start(cph: &Cph, arguments: &[&str]) -> Child {
    let mut command = cph.command(env!("CARGO_BIN_EXE_cph"));
    command.args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn lines(cph: &Cph) -> Vec<Vec<String>> {
    let log = cph.read("project/log").unwrap_or_default();
    log.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

fn ends(cph: &Cph) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for line in lines(cph).iter().filter(|line| line[0] == "end") {
        *ends.entry(format!("t{}", line[1])).or_insert(0) += 1;
    }
    ends
}

/// The tasks that are written down as done.
fn done(cph: &Cph) -> BTreeSet<String> {
    let text = fs::read_to_string(run_dir(cph, "R1").join("done.log")).unwrap_or_default();
    let names = text.lines().filter_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        Some(value["task"].as_str()?.to_owned())
    });
    names.collect()
}

/// Ends one of the tasks that run: by their own word, the last one that began. False when it ended
/// meanwhile.
fn kill_a_worker(cph: &Cph) -> bool {
    let lines = lines(cph);
    let ended: BTreeSet<&String> =
        lines.iter().filter(|line| line[0] == "end").map(|line| &line[1]).collect();
    let running = lines.iter().rev().find(|line| line[0] == "begin" && !ended.contains(&line[1]));
    running.filter(|line| line.len() == 3 && is_ours(cph, &line[2])).is_some_and(|line| {
        let mut kill = Command::new("/bin/kill");
        kill.args(["-KILL", &line[2]]).stderr(Stdio::null());
        kill.status().unwrap().success()
    })
}

/// Whether a process belongs to the run: numbers are used again.
fn is_ours(cph: &Cph, pid: &str) -> bool {
    let token = token(cph);
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|all| all.split(|byte| *byte == 0).any(|pair| pair == token.as_bytes()))
}

fn token(cph: &Cph) -> String {
    let text = fs::read_to_string(run_dir(cph, "R1").join("run.json")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    format!("CPH_RUN_TOKEN={}", record["token"].as_str().unwrap())
}

/// Processes of the run that live.
fn left_behind(cph: &Cph) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str().map(str::to_owned));
    pids.filter(|pid| pid.parse::<u32>().is_ok() && is_ours(cph, pid)).collect()
}

fn is_stress() -> bool {
    std::env::var_os("CPH_STRESS").is_some()
}

/// Plays one run with a kill at each of these numbers of finished tasks, then lets it end. Gives how
/// many of the kills ended the run before it was over.
fn play(count: usize, kills: &[(usize, Victim)]) -> usize {
    let mut hits = 0;
    let cph = with(&tasks(count)).project_file("out/.keep", "");
    let mut believed = BTreeMap::new();
    let mut arguments = vec!["run", "tasks.yaml"];
    for &(at, victim) in kills {
        let mut child = start(&cph, &arguments);
        let reached =
            until(PATIENCE, || ends(&cph).len() >= at || child.try_wait().unwrap().is_some());
        assert!(reached, "the run got stuck before {at}");
        if matches!(victim, Victim::Worker | Victim::Both) {
            let is_over = |child: &mut Child| child.try_wait().unwrap().is_some();
            assert!(until(PATIENCE, || kill_a_worker(&cph) || is_over(&mut child)));
        }
        if matches!(victim, Victim::Orchestrator | Victim::Both) {
            // Its own child, which nobody has waited for: the number is its own.
            drop(child.kill());
        }
        hits += usize::from(!child.wait().unwrap().success());
        let (now, ends) = (done(&cph), ends(&cph));
        for task in now {
            // What has succeeded since was written down after its end: it has ended by now.
            believed.entry(task.clone()).or_insert_with(|| ends.get(&task).copied().unwrap_or(0));
        }
        arguments = vec!["run", "--resume"];
    }
    let ran = cph.run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.shown());
    let ends = ends(&cph);
    assert_eq!(ends.len(), count, "some never ended");
    for (task, before) in &believed {
        assert!(*before > 0, "{task} was written down and had not ended");
        assert_eq!(ends[task], *before, "{task} had succeeded and ran again");
    }
    for n in 0..count {
        assert_eq!(cph.read(&format!("project/out/{n}")).unwrap(), format!("{n}\n"));
        let kept = run_dir(&cph, "R1").join(format!("artifacts/t{n}/out/{n}"));
        assert_eq!(fs::read_to_string(kept).unwrap(), format!("{n}\n"));
    }
    assert_eq!(left_behind(&cph), Vec::<String>::new());
    let done = |outcome: &str| matches!(outcome, "succeeded" | "unchanged");
    assert!(outcomes(&cph, "R1").iter().all(|(_, outcome)| done(outcome)));
    hits
}

#[cfg(target_os = "linux")]
#[test]
fn killed_at_any_point_a_run_goes_on() {
    // Those of the last tasks may come too late, and do not count.
    let (wanted, most, count, kills) = if is_stress() { (200, 60, 300, 20) } else { (0, 1, 60, 6) };
    let victims = [Victim::Orchestrator, Victim::Worker, Victim::Both];
    let mut dice = std::process::id() as usize;
    let (mut run, mut hits) = (0, 0);
    while run == 0 || (hits < wanted && run < most) {
        let moments: Vec<_> = (0..kills)
            .map(|kill| {
                dice = dice.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
                let at = kill * count / kills + dice / 1000 % (count / kills);
                (at.clamp(1, count - 1), victims[(kill + run) % 3])
            })
            .collect();
        println!("{moments:?}");
        hits += play(count, &moments);
        run += 1;
    }
    println!("{hits} of {} kills ended a run that was going on", run * kills);
    assert!(hits >= wanted, "the test shows little: {hits}");
}

/// The run is killed while a task waits, and the task with its family is found and ended.
#[cfg(target_os = "linux")]
#[test]
fn what_a_dead_run_left_behind_is_ended_before_the_next_one() {
    let cph = with("tasks: [{name: a, run: 'echo begin 0 $$ > log; sleep 600 & sleep 600; wait'}]");
    let mut child = start(&cph, &["run", "tasks.yaml"]);
    assert!(until(PATIENCE, || left_behind_count(&cph) >= 3), "it has not started");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(left_behind_count(&cph) >= 3, "the test shows nothing");
    let listed = cph.succeed(&["runs"]);
    assert!(listed.contains("R1     interrupted"), "{listed}");
    // Another run of the project finds them.
    let cph = cph.project_file("other.yaml", "tasks: [{name: b, run: true}]");
    let ran = cph.run(&["run", "other.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert!(ran.stderr.contains("run R1 had left"), "{}", ran.shown());
    assert_eq!(left_behind(&cph), Vec::<String>::new());
}

/// What a task leaves running serves the others, holds up nobody, and goes with the run.
#[cfg(target_os = "linux")]
#[test]
fn what_tasks_leave_running_goes_with_the_run() {
    let cph = with(
        "max_workers: 4
tasks:
- {name: server, run: '(until test -e ask; do sleep 0.01; done; touch answer; sleep 600) >/dev/null 2>&1 &'}
- {name: client, run: 'touch ask; until test -e answer; do sleep 0.01; done', dependencies: server}
- {name: loud, matrix: {n: [1, 2, 3, 4, 5, 6, 7, 8]}, run: 'echo said; sleep 600 & echo more'}
- {name: apart, run: 'setsid sleep 600 >/dev/null 2>&1 9>&- &'}
",
    );
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert_eq!(left_behind(&cph), Vec::<String>::new());
    assert!(ran.shown().contains("tasks had left 1"), "{}", ran.shown());
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "loud[3]"]), "said\nmore\n");
}

/// A run that a task hands to a process of its own is not ended with the run of the task.
#[test]
fn a_run_that_a_task_detaches_goes_on() {
    let inner = "tasks: [{name: b, run: 'until test -e go; do sleep 0.01; done; touch went'}]";
    let cph = with("tasks: [{name: a, run: 'cph run inner.yaml --detach'}]");
    let cph = cph.project_file("inner.yaml", inner);
    cph.succeed(&["run", "tasks.yaml"]);
    fs::write(cph.path("project/go"), "").unwrap();
    let has_ended = || cph.run(&["runs"]).stdout.contains("R2     succeeded");
    assert!(until(PATIENCE, has_ended), "it has not gone on: {}", cph.run(&["runs"]).shown());
    assert!(cph.path("project/went").exists());
}

/// A hook of the run lives in a process group of its own, below a dispatch that lives too.
#[cfg(target_os = "linux")]
#[test]
fn hooks_of_a_dead_run_are_ended_before_the_next_one() {
    let hooks = r#"{"hooks": {"PreTaskExecute": [{"hooks": [{"type": "command",
        "command": "echo begin 0 $$ > \"$CLAUDE_PROJECT_DIR/log\"; sleep 600 & wait"}]}]}}"#;
    let cph = with("tasks: [{name: a, run: true}]").home_file(".claude/hooks.json", hooks);
    let mut child = start(&cph, &["run", "tasks.yaml"]);
    // A dispatch, a shell, and what that waits for.
    assert!(until(PATIENCE, || left_behind_count(&cph) >= 3), "it has not started");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(left_behind_count(&cph) >= 3, "the test shows nothing");
    let cph = cph
        .project_file("other.yaml", "tasks: [{name: b, run: true}]")
        .home_file(".claude/hooks.json", "{}");
    let ran = cph.run(&["run", "other.yaml"]);
    assert!(ran.stderr.contains("run R1 had left"), "{}", ran.shown());
    assert_eq!(left_behind(&cph), Vec::<String>::new());
}

/// What a hook leaves to the background outlives the run, as it was promised.
#[test]
fn background_hooks_of_a_run_are_not_of_the_run() {
    let hooks = r#"{"hooks": {"PreTaskExecute": [{"hooks": [{"type": "command", "background": true,
        "command": "env > \"$CLAUDE_PROJECT_DIR/env.new\"; mv \"$CLAUDE_PROJECT_DIR/env.new\" \"$CLAUDE_PROJECT_DIR/env\""}]}]}}"#;
    let cph = with("tasks: [{name: a, run: true}]").home_file(".claude/hooks.json", hooks);
    let cph = cph.env("CPH_RUNNER_IDLE_MS", "100");
    cph.succeed(&["run", "tasks.yaml"]);
    assert!(until(PATIENCE, || cph.read("project/env").is_some()), "the hook has not run");
    let env = cph.read("project/env").unwrap();
    assert!(env.contains("CLAUDE_PROJECT_DIR=") && !env.contains("CPH_RUN_TOKEN="), "{env}");
}

fn left_behind_count(cph: &Cph) -> usize {
    let is_there = cph.path("state/cph/projects").is_dir()
        && cph.read("project/log").is_some_and(|log| log.contains('\n'));
    if is_there { left_behind(cph).len() } else { 0 }
}

#[cfg(target_os = "linux")]
#[test]
fn a_cancelled_run_ends_with_all_its_processes() {
    for by_signal in [true, false] {
        let cph = with(
            "on_failure: continue
tasks: [{name: a, run: 'echo begin 0 $$ > log; sleep 600 & sleep 600; wait'}, {name: b, run: true, dependencies: a}]",
        );
        let mut child = start(&cph, &["run", "tasks.yaml"]);
        assert!(until(PATIENCE, || left_behind_count(&cph) >= 3), "it has not started");
        if by_signal {
            let pid = child.id().to_string();
            // Not INT: whoever was started in the background of a shell ignores it.
            drop(Command::new("/bin/kill").args(["-TERM", &pid]).status());
        } else {
            // Whoever cancels waits for the end, which comes when we wait too.
            let said = cph.succeed(&["runs", "cancel", "R1", "--json"]);
            assert_eq!(said, "{\"run\":\"R1\",\"ended\":true}\n");
        }
        let code = child.wait().unwrap().code();
        assert_eq!(code, Some(130));
        assert_eq!(left_behind(&cph), Vec::<String>::new());
        assert_eq!(outcome(&cph, "R1", "a"), "cancelled");
        assert_eq!(outcome(&cph, "R1", "b"), "not run");
        assert!(cph.succeed(&["runs"]).contains("cancelled"));
    }
}

#[test]
fn a_detached_run_goes_on_by_itself_and_its_log_is_followed() {
    let cph = with(
        "tasks:
- {name: a, run: 'until test -e go; do sleep 0.01; done; echo went'}
- {name: b, run: 'echo last', dependencies: a}
",
    );
    assert_eq!(cph.succeed(&["run", "tasks.yaml", "--detach"]), "R1\n");
    let is_running = || cph.run(&["runs"]).stdout.contains("R1     running");
    assert!(until(PATIENCE, is_running), "it does not run");
    let followed = std::thread::scope(|scope| {
        let reader = scope.spawn(|| cph.succeed(&["runs", "logs", "R1", "b", "-f"]));
        fs::write(cph.path("project/go"), "").unwrap();
        reader.join().unwrap()
    });
    assert_eq!(followed, "last\n");
    let has_ended = || cph.run(&["runs"]).stdout.contains("R1     succeeded");
    assert!(until(PATIENCE, has_ended), "it has not ended");
}

#[test]
fn a_run_is_driven_by_one() {
    let cph = with("tasks: [{name: a, run: 'until test -e go; do sleep 0.01; done'}]");
    let mut child = start(&cph, &["run", "tasks.yaml"]);
    assert!(until(PATIENCE, || cph.run(&["runs"]).stdout.contains("running")), "it does not run");
    let second = cph.run(&["runs", "resume", "R1"]);
    assert_eq!(second.code, 70, "{}", second.shown());
    assert!(second.stderr.contains("run R1 is being driven"), "{}", second.shown());
    fs::write(cph.path("project/go"), "").unwrap();
    assert!(child.wait().unwrap().success());
}
