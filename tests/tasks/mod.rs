//! `cph plan`, `cph run`, `cph runs`, `cph emit`, `cph maintain`.
//!
//! The order of things is proved by what tasks wait for, never by clocks.

#[cfg(target_os = "linux")]
mod board;
mod both_files;
mod bounds;
mod evidence;
mod hooks;
mod kills;
mod protocol;
mod worktree;

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    cph::Cph,
    wait::{PATIENCE, until},
};

/// A scratch world with a task file.
fn with(tasks: &str) -> Cph {
    Cph::new().project_file("tasks.yaml", tasks)
}

/// The directory of a run.
fn run_dir(cph: &Cph, id: &str) -> PathBuf {
    let projects = cph.path("state/cph/projects");
    let project = fs::read_dir(projects).unwrap().next().unwrap().unwrap().path();
    project.join("runs").join(id)
}

/// The events of a run, from the file beside the database.
fn events(cph: &Cph, id: &str) -> Vec<Value> {
    let text = fs::read_to_string(run_dir(cph, id).join("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `kind task` of every event of these kinds.
fn told(cph: &Cph, id: &str, kinds: &[&str]) -> Vec<String> {
    let all = events(cph, id);
    let told = all.iter().filter(|event| kinds.contains(&event["kind"].as_str().unwrap()));
    told.map(|event| {
        let outcome = event["detail"]["outcome"].as_str().unwrap_or_default();
        let task = event["task"].as_str().unwrap_or_default();
        format!("{} {task} {outcome}", event["kind"].as_str().unwrap()).trim().to_owned()
    })
    .collect()
}

/// What became of each task.
fn outcomes(cph: &Cph, id: &str) -> Vec<(String, String)> {
    let shown: Value = serde_json::from_str(&cph.succeed(&["runs", "show", id, "--json"])).unwrap();
    let tasks = shown["tasks"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    tasks.iter().map(|task| (text(&task["task"]), text(&task["outcome"]))).collect()
}

fn outcome(cph: &Cph, id: &str, task: &str) -> String {
    let all = outcomes(cph, id);
    all.into_iter().find(|(name, _)| name == task).unwrap_or_else(|| panic!("no {task}")).1
}

const EXAMPLE: &str = include_str!("../../examples/tasks.yaml");

#[test]
fn the_example_runs_in_the_order_of_its_dependencies() {
    let cph = with(EXAMPLE);
    cph.succeed(&["run", "tasks.yaml"]);
    let order = told(&cph, "R1", &["start", "done"]);
    let at = |what: &str| {
        order.iter().position(|one| one == what).unwrap_or_else(|| panic!("{what}: {order:?}"))
    };
    // All three start before any of them can have ended what D and E wait for.
    for first in ["start A", "start B", "start C"] {
        assert!(at(first) < 3, "{order:?}");
    }
    for (before, after) in [("A", "D"), ("B", "E"), ("D", "F"), ("E", "F")] {
        assert!(
            at(&format!("done {before} succeeded")) < at(&format!("start {after}")),
            "{order:?}"
        );
    }
    let log = cph.succeed(&["runs", "logs", "R1", "F"]);
    assert_eq!(log, "D has read alpha\nE has read beta\n");
    assert!(run_dir(&cph, "R1").join("artifacts/D/d.txt").is_file());
    assert!(events(&cph, "R1").iter().any(|event| event["kind"] == "progress"
        && event["detail"]["percent"] == 50
        && event["task"] == "C"));
    // C says nothing and has no log.
    assert!(!run_dir(&cph, "R1").join("logs/C.log").exists());
}

#[test]
fn a_real_one_runs_suites_and_reports() {
    let root = env!("CARGO_MANIFEST_DIR");
    let text = fs::read_to_string(format!("{root}/examples/suites/tasks.yaml")).unwrap();
    let mut cph = Cph::new().project_file("tasks.yaml", &text);
    for name in ["lib.sh", "suite_words.sh", "suite_numbers.sh", "suite_files.sh", "report.sh"] {
        let text = fs::read_to_string(format!("{root}/examples/suites/{name}")).unwrap();
        cph = cph.project_file(name, &text);
    }
    cph.succeed(&["run", "tasks.yaml"]);
    let report = cph.read("project/report.md").unwrap();
    insta::assert_snapshot!(report, @r"
    # Suites

    | suite | passed |
    |--|--|
    | words | 3 |
    | numbers | 2 |
    | files | 2 |
    ");
    // Nothing has changed: nothing runs again.
    cph.succeed(&["run", "tasks.yaml", "--resume"]);
    assert!(outcomes(&cph, "R1").iter().all(|(_, outcome)| outcome == "unchanged"));
    // One suite has changed: it runs again, and the report behind it.
    let path = cph.path("project/suite_words.sh");
    let longer = fs::read_to_string(&path).unwrap() + "check 'more' test 1 = 1\n";
    fs::write(&path, longer).unwrap();
    cph.succeed(&["run", "tasks.yaml", "--resume"]);
    assert_eq!(outcome(&cph, "R1", "suite[words]"), "succeeded");
    assert_eq!(outcome(&cph, "R1", "suite[numbers]"), "unchanged");
    assert!(cph.read("project/report.md").unwrap().contains("| words | 4 |"));
}

/// Two tasks that only end when both run.
#[test]
fn tasks_overlap() {
    let meet = |mine: &str, other: &str| {
        format!("touch {mine}; until test -e {other}; do sleep 0.01; done")
    };
    let cph = with(&format!(
        "max_workers: 2\ntasks:\n- name: a\n  run: {}\n- name: b\n  run: {}\n",
        meet("a", "b"),
        meet("b", "a"),
    ));
    cph.succeed(&["run", "tasks.yaml"]);
}

/// What waits for one task alone starts before or after the rest of the batch has ended.
#[test]
fn a_batch_waits_for_the_one_before_it_only_where_that_is_asked_for() {
    let tasks = |slow: &str| {
        format!(
            "max_workers: 3
tasks:
- {{name: quick, run: touch quick}}
- {{name: slow, run: 'until test -e {slow}; do sleep 0.01; done; sleep 0.1'}}
- {{name: behind, run: touch behind, dependencies: quick}}
"
        )
    };
    // It ends only when what is in the next batch has run.
    let cph = with(&tasks("behind"));
    cph.succeed(&["run", "tasks.yaml"]);
    let cph = with(&tasks("quick"));
    cph.succeed(&["run", "tasks.yaml", "--by-batch"]);
    let order = told(&cph, "R1", &["start", "done"]);
    let at = |what: &str| order.iter().position(|one| one == what).unwrap();
    assert!(at("done slow succeeded") < at("start behind"), "{order:?}");
}

/// While one holds the resource, the other would see it.
#[test]
fn a_resource_is_held_by_one() {
    let task = |name: &str| {
        format!(
            "- {{name: {name}, resources: disk, run: 'mkdir held && sleep 0.05 && rmdir held'}}\n"
        )
    };
    let tasks: String = ["a", "b", "c", "d"].map(task).concat();
    let cph = with(&format!("max_workers: 4\ntasks:\n{tasks}"));
    cph.succeed(&["run", "tasks.yaml"]);
}

const FAILING: &str = "max_workers: 1
tasks:
- {name: bad, priority: 1, run: 'echo so it goes; exit 3'}
- {name: behind, run: touch behind, dependencies: bad}
- {name: other, run: touch other}
";

#[test]
fn a_failure_stops_the_run_or_only_what_is_behind_it() {
    let cph = with(FAILING);
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stdout.contains("error bad: exit 3\n    | so it goes\n"), "{}", ran.shown());
    assert_eq!(outcome(&cph, "R1", "behind"), "blocked");
    assert_eq!(outcome(&cph, "R1", "other"), "not run");
    let ran = cph.run(&["run", "tasks.yaml", "--keep-going"]);
    assert_eq!(ran.code, 1);
    assert_eq!(outcome(&cph, "R2", "behind"), "blocked");
    assert_eq!(outcome(&cph, "R2", "other"), "succeeded");
    assert!(cph.path("project/other").exists() && !cph.path("project/behind").exists());
}

/// What is said when a run goes on counts, whoever drives it then.
#[test]
fn a_run_goes_on_as_it_is_told_to_now() {
    for detach in [false, true] {
        let cph = with(FAILING);
        assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
        assert_eq!(outcome(&cph, "R1", "other"), "not run");
        let way = if detach { vec!["--detach"] } else { Vec::new() };
        cph.run(&[&["run", "--resume", "--keep-going"], &way[..]].concat());
        let has_gone_on = || cph.path("project/other").exists();
        assert!(until(PATIENCE, has_gone_on), "{}", cph.run(&["runs", "show"]).shown());
        let has_ended = || !cph.run(&["runs"]).stdout.contains("running");
        assert!(until(PATIENCE, has_ended), "it has not ended");
    }
}

/// What counted as a success counts as the same one when it is found again.
#[test]
fn what_was_told_an_outcome_is_as_unchanged_as_that() {
    let cph = with(
        "tasks:
- {name: a, run: true}
- {name: b, run: 'echo ${tasks.a.outcome} >> told', dependencies: a}
- {name: c, run: [sh, -c, 'echo $0 $OF >> told', '${tasks.a.outcome}'], env: {OF: '${tasks.b.outcome}'}, dependencies: b}
",
    );
    cph.succeed(&["run", "tasks.yaml"]);
    for _ in 0..2 {
        cph.succeed(&["run", "--resume"]);
        assert!(outcomes(&cph, "R1").iter().all(|(_, outcome)| outcome == "unchanged"));
    }
    cph.succeed(&["run", "--resume", "--force"]);
    let once = "succeeded\nsucceeded succeeded\n";
    assert_eq!(cph.read("project/told").unwrap(), once.repeat(2));
}

#[test]
fn a_task_is_tried_again_as_often_as_it_says() {
    let cph = with(
        "tasks:
- name: second time
  run: test $CPH_ATTEMPT = 2
  retries: {times: 3, backoff: 1ms}
- name: never
  run: echo $CPH_ATTEMPT; false
  dependencies: second time
  retries: {times: 2, backoff: 1ms}
",
    );
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    let starts = told(&cph, "R1", &["start", "retry", "done"]);
    let wanted = [
        "start second time",
        "retry second time",
        "start second time",
        "done second time succeeded",
        "start never",
        "retry never",
        "start never",
        "retry never",
        "start never",
        "done never failed",
    ];
    assert_eq!(starts, wanted);
    let log = cph.succeed(&["runs", "logs", "R1", "never"]);
    assert_eq!(log, "1\n--- attempt 2\n2\n--- attempt 3\n3\n");
}

#[test]
fn limits_of_time_end_the_whole_group() {
    let cph = with(
        "on_failure: continue
tasks:
- name: slow
  timeout: 100ms
  run: sleep 600 & sleep 600; wait
- name: stalled
  stall: 200ms
  run: sleep 600
",
    );
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    let all = events(&cph, "R1");
    let reason = |task: &str| {
        let error = all.iter().find(|one| one["kind"] == "error" && one["task"] == task).unwrap();
        error["detail"]["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason("slow"), "took longer than 100ms");
    assert_eq!(reason("stalled"), "neither said anything nor worked for too long");
}

#[test]
fn conditions_values_and_directories() {
    let cph = with(
        "env: {WHO: world}
tasks:
- {name: a, run: \"printf 'x; touch oops; $(touch oops)'\"}
- {name: skipped, run: exit 1, when: '${env.NO_SUCH} == yes'}
- {name: after, run: 'echo got ${tasks.skipped.outcome}', dependencies: skipped}
- name: quoting
  dependencies: a
  run: echo \"${tasks.a.output}\" $WHO > said
- name: words
  dependencies: a
  run: [printf, '%s|', '${tasks.a.output}', a b]
- {name: made, cwd: sub, run: pwd; echo z > \"$TASK_OUTPUT_DIR/z\"}
- {name: one script, run: \"false\\ntouch oops\\n\"}
",
    )
    .project_file("sub/x", "");
    assert_eq!(cph.run(&["run", "tasks.yaml", "-k"]).code, 1);
    assert_eq!(outcome(&cph, "R1", "skipped"), "skipped");
    assert_eq!(outcome(&cph, "R1", "one script"), "failed");
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "after"]), "got skipped\n");
    assert_eq!(cph.read("project/said").unwrap(), "x; touch oops; $(touch oops) world\n");
    let words = cph.succeed(&["runs", "logs", "R1", "words"]);
    assert_eq!(words, "x; touch oops; $(touch oops)|a b|");
    assert!(!cph.path("project/oops").exists());
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "made"]), "[ROOT]/project/sub\n");
    assert!(run_dir(&cph, "R1").join("artifacts/made/z").is_file());
}

#[test]
fn a_task_knows_who_and_where_it_is() {
    let cph = with(
        "tasks:
- name: a b
  type: test
  role: tester
  cwd: sub
  run: >-
    echo \"$TASK_ID|$TASK_TYPE|$TASK_SPECIALIST|$CPH_RUN_ID|$CPH_ATTEMPT\";
    test \"$TASK_WORKSPACE\" = \"$(pwd)\" && test -d \"$TASK_OUTPUT_DIR\" && test -d \"$CPH_RUN_DIR\"
",
    )
    .project_file("sub/x", "");
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(cph.succeed(&["runs", "logs", "R1"]), "==> a b <==\na b|test|tester|R1|1\n");
}

#[test]
fn a_promised_artifact_must_be_made() {
    let cph = with("tasks: [{name: a, run: true, artifacts: 'out/*.bin'}]");
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("artifact `out/*.bin` was not made"), "{}", ran.shown());
}

#[test]
fn agents_get_their_prompt_and_are_held_when_they_ask_for_it() {
    // The first of the two calls runs into a limit.
    let agent = r#"if mkdir "$HOME/asked" 2>/dev/null; then echo '{"retry_after": 0.1}'; exit 1; fi
printf '%s,' "$@""#;
    let cph = with(
        "max_workers: 2
tasks:
- {name: agent, prompt: 'read ${tasks.a.output}', dependencies: a}
- {name: a, run: echo this}
- {name: b, run: 'cat ${tasks.agent.artifacts}; echo ${tasks.agent.output}', dependencies: agent}
",
    )
    .program("claude", agent);
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "b"]), "-p,read this,\n");
    assert_eq!(told(&cph, "R1", &["hold", "retry"]), ["hold agent"]);
    let other = cph.project_file(
        "tasks.yaml",
        "agent: [sh, -c, 'cat; echo .']\ntasks: [{name: a, prompt: on stdin}]",
    );
    other.succeed(&["run", "tasks.yaml"]);
    assert_eq!(other.succeed(&["runs", "logs", "R2", "a"]), "on stdin.\n");
}

/// A list is no option, and a long prompt is no argument.
#[test]
fn a_prompt_arrives_whatever_it_looks_like() {
    let cph = with(
        "tasks:
- {name: long, run: head -c 60000 /dev/zero | tr '\\0' x}
- {name: list, prompt: \"- one\\n- two\"}
- {name: much, prompt: '${tasks.long.output} ${tasks.long.output}', dependencies: long}
",
    )
    .program("claude", "echo $#; cat; echo .");
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "list"]), "1\n- one\n- two.\n");
    let much = cph.succeed(&["runs", "logs", "R1", "much"]);
    assert_eq!(much.len(), "1\n".len() + 120_001 + ".\n".len());
}

/// While one agent was asked to wait no other is started, and none has used up a retry.
#[test]
fn agents_wait_together_and_other_tasks_go_on() {
    let agent = r#"if mkdir "$HOME/asked" 2>/dev/null; then echo 'retry_after: 0.3'; exit 1; fi"#;
    let cph = with(
        "max_workers: 1
tasks:
- {name: first, prompt: x, priority: 3}
- {name: second, prompt: x, priority: 2}
- {name: no agent, run: true, priority: 1}
",
    )
    .program("claude", agent);
    cph.succeed(&["run", "tasks.yaml"]);
    let order = told(&cph, "R1", &["start", "hold", "retry"]);
    assert_eq!(
        order,
        ["start first", "hold first", "start no agent", "start first", "start second"]
    );
}

#[test]
fn a_wrong_file_is_not_run() {
    let cph =
        with("tasks: [{name: a, run: x, dependencies: b}, {name: b, run: x, dependencies: a}]");
    for command in ["run", "plan"] {
        let ran = cph.run(&[command, "tasks.yaml"]);
        assert_eq!(ran.code, 78, "{}", ran.shown());
        assert!(ran.stderr.contains("tasks wait for each other: a → b → a"), "{}", ran.shown());
    }
    let ran = cph.run(&["lint", "tasks.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stdout.contains("[task-cycle]"), "{}", ran.shown());
    assert_eq!(cph.run(&["run", "no.yaml"]).code, 64);
    assert_eq!(cph.run(&["run"]).code, 64);
    assert_eq!(cph.run(&["runs", "show", "R1"]).code, 64);
    assert_eq!(cph.run(&["runs", "show"]).code, 64);
    assert_eq!(cph.run(&["run", "--resume"]).code, 64);
}

#[test]
fn stdin_json_and_the_list() {
    let cph = Cph::new().stdin("{name: piped, tasks: [{name: a, run: echo hi}]}");
    let said = cph.succeed(&["run", "-", "--json"]);
    let kinds: Vec<String> = said
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(kinds, ["run_start", "start", "done", "run_end"]);
    let listed: Value = serde_json::from_str(&cph.succeed(&["runs", "--json"])).unwrap();
    assert_eq!(listed[0]["id"], "R1");
    assert_eq!(listed[0]["status"], "succeeded");
    assert_eq!(listed[0]["file"], "-");
    let log: Value = serde_json::from_str(&cph.succeed(&["runs", "logs", "R1", "--json"])).unwrap();
    assert_eq!(log, serde_json::json!({ "task": "a", "text": "hi\n" }));
    cph.succeed(&["runs", "resume", "R1"]);
    assert_eq!(outcome(&cph, "R1", "a"), "unchanged");
    cph.succeed(&["runs", "resume", "R1", "--force"]);
    assert_eq!(outcome(&cph, "R1", "a"), "succeeded");
}

#[test]
fn old_runs_are_removed_and_the_newest_stays() {
    let cph = with("tasks: [{name: a, run: echo a}]");
    for _ in 0..4 {
        cph.succeed(&["run", "tasks.yaml", "--quiet"]);
    }
    assert!(cph.succeed(&["maintain", "--keep", "2", "--dry-run"]).contains("R1 would be removed"));
    assert!(run_dir(&cph, "R1").exists());
    cph.succeed(&["maintain", "--keep", "0"]);
    let left = ["R1", "R2", "R3", "R4"].map(|id| run_dir(&cph, id).exists());
    assert_eq!(left, [false, false, false, true]);
    cph.succeed(&["run", "tasks.yaml"]);
    assert!(run_dir(&cph, "R5").exists());
}

/// Whoever needs room removes directories, and knows nothing of a database.
#[test]
fn a_run_has_nothing_of_an_earlier_one_whose_directory_was_removed() {
    let cph = with("name: old\ntasks: [{name: a, run: exit 1, retries: {times: 2, backoff: 1ms}}]");
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    fs::remove_dir_all(run_dir(&cph, "R1")).unwrap();
    let cph = cph.project_file("tasks.yaml", "name: new\ntasks: [{name: a, run: echo a}]");
    cph.succeed(&["run", "tasks.yaml"]);
    let shown: Value = serde_json::from_str(&cph.succeed(&["runs", "show", "--json"])).unwrap();
    let task = &shown["tasks"][0];
    let told = (&shown["id"], &shown["name"], &task["attempts"], &task["reason"]);
    assert_eq!(told, (&"R1".into(), &"new".into(), &1.into(), &Value::Null));
}

/// Whoever has started a run by `cph run` goes on with that word.
#[test]
fn a_run_is_shown_by_either_word() {
    let cph = with("tasks: [{name: a, run: echo hi}]")
        .project_file("show", "tasks: [{name: b, run: echo show}]");
    cph.succeed(&["run", "tasks.yaml"]);
    for words in [
        &["show", "R1"][..],
        &["logs", "R1"],
        &["logs", "R1", "a", "--json"],
        &["show", "R1", "--json"],
    ] {
        let by = |word| cph.succeed(&[&[word], words].concat());
        assert_eq!(by("run"), by("runs"), "{words:?}");
    }
    let ran = cph.run(&["run", "cancel", "R1"]);
    assert_eq!((ran.code, &*ran.stderr), (1, "error: run R1 is not running\n"));
    assert!(cph.succeed(&["run", "resume", "R1"]).contains("1 unchanged"));
    assert!(cph.succeed(&["run", "./show"]).contains("succeeded b"));
    assert_eq!(cph.run(&["run"]).code, 64);
}

/// The bare name of a matrix means all of it, as in dependencies.
#[test]
fn logs_of_a_matrix_are_had_by_its_name() {
    let cph = with(
        "max_workers: 1
tasks:
- {name: test, run: 'echo ${matrix.suite}', matrix: {suite: [unit, docs]}}
- {name: other, run: echo other}
",
    );
    cph.succeed(&["run", "tasks.yaml"]);
    let both = "==> test[unit] <==\nunit\n==> test[docs] <==\ndocs\n";
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "test", "-f"]), both);
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "test[docs]"]), "docs\n");
    let ran = cph.run(&["runs", "logs", "R1", "tests"]);
    assert_eq!(ran.code, 64, "{}", ran.shown());
    assert!(
        ran.stderr.contains("has no task `tests`\n  hint: `cph runs show R1`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn plans_are_drawn() {
    let cph = with(EXAMPLE);
    let plan = cph.succeed(&["plan", "tasks.yaml"]);
    assert!(plan.contains("longest    A → D → F\n"), "{plan}");
    assert!(cph.succeed(&["plan", "tasks.yaml", "--format", "svg"]).starts_with("<svg "));
    assert!(cph.succeed(&["plan", "tasks.yaml", "--format", "mermaid"]).starts_with("graph LR\n"));
    cph.succeed(&["run", "tasks.yaml"]);
    let plan = cph.succeed(&["plan", "tasks.yaml"]);
    assert!(plan.contains("\nexpected   about "), "{plan}");
}

#[test]
fn runs_of_one_file_at_once_do_not_meet() {
    let cph = with("tasks: [{name: a, run: 'echo $CPH_RUN_ID >> ids'}]");
    let runs: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> =
            (0..4).map(|_| scope.spawn(|| cph.run(&["run", "tasks.yaml"]))).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(runs.iter().all(|ran| ran.code == 0), "{runs:?}");
    let ids = cph.read("project/ids").unwrap();
    let mut ids: Vec<_> = ids.lines().collect();
    ids.sort_unstable();
    assert_eq!(ids, ["R1", "R2", "R3", "R4"]);
    for id in ids {
        assert_eq!(outcome(&cph, id, "a"), "succeeded");
    }
}
