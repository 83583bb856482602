//! What tasks report, and who may.

use super::{events, run_dir, told, with};

#[test]
fn reports_come_by_command_and_by_descriptor() {
    let cph = with(
        "max_workers: 1
tasks:
- name: by command
  run: |
    cph emit progress 10 \"a b\"
    echo made > made.txt
    cph emit artifact made.txt
    cph emit --json note done with it > said.json
- name: by descriptor
  dependencies: by command
  run: echo progress 20 from sh >&9; printf 'note last words' >&$CPH_EMIT_FD
",
    );
    cph.succeed(&["run", "tasks.yaml"]);
    let all = events(&cph, "R1");
    let texts: Vec<_> = all
        .iter()
        .filter(|event| matches!(event["kind"].as_str(), Some("progress" | "note")))
        .map(|event| event["detail"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["a b", "done with it", "from sh", "last words"]);
    let said = cph.read("project/said.json").unwrap();
    assert_eq!(said.trim(), r#"{"task":"by command","report":"note done with it"}"#);
    let artifact = all.iter().find(|event| event["kind"] == "artifact").unwrap();
    assert!(artifact["detail"]["path"].as_str().unwrap().ends_with("/project/made.txt"));
    assert!(
        run_dir(&cph, "R1").join("artifacts/by+command/made.txt").exists()
            || run_dir(&cph, "R1").join("artifacts/by%20command/made.txt").exists()
    );
}

#[test]
fn python_reports_too() {
    let Ok(output) = std::process::Command::new("python3").arg("--version").output() else {
        return;
    };
    assert!(output.status.success());
    let cph = with(
        "tasks:
- name: a
  run: [python3, -c, 'import os; os.write(int(os.environ[\"CPH_EMIT_FD\"]), b\"progress 33 py\\n\")']
",
    );
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(told(&cph, "R1", &["progress"]), ["progress a"]);
}

#[test]
fn unknown_tasks_and_forged_runs_are_refused() {
    let cph = with(
        "on_failure: continue
tasks:
- name: known
  run: |
    cph emit --task knwn progress 1 2>unknown && exit 1
    CPH_RUN_TOKEN=0123 cph emit progress 1 2>forged && exit 1
    CPH_RUN_DIR=/nowhere cph emit progress 1 2>nowhere && exit 1
    cph emit progress 200 2>wrong && exit 1
    CPH_RUN_DIR= cph emit progress 1 2>outside && exit 1
    printf '0123\\tknown\\tprogress 99\\n' >>\"$CPH_RUN_DIR/reports\"
    cph emit progress 5
",
    );
    cph.succeed(&["run", "tasks.yaml"]);
    let said = |name: &str| cph.read(&format!("project/{name}")).unwrap();
    assert!(said("unknown").contains("run R1 has no task `knwn`\n  hint: did you mean `known`?"));
    assert!(said("forged").contains("the run has another token"));
    assert!(said("nowhere").contains("there is no run"));
    assert!(said("wrong").contains("`200` is no percentage"));
    assert!(said("outside").contains("this is no task of a run"));
    let percents: Vec<_> = events(&cph, "R1")
        .iter()
        .filter(|event| event["kind"] == "progress")
        .map(|event| event["detail"]["percent"].as_u64().unwrap())
        .collect();
    assert_eq!(percents, [5]);
}

#[test]
fn after_the_run_nobody_reads() {
    let cph = with("tasks: [{name: a, run: env > seen}]");
    cph.succeed(&["run", "tasks.yaml"]);
    let seen = cph.read("project/seen").unwrap();
    let value = |name: &str| {
        let line = seen.lines().find(|line| line.starts_with(&format!("{name}="))).unwrap();
        line.split_once('=').unwrap().1.to_owned()
    };
    let cph = ["CPH_RUN_DIR", "CPH_RUN_TOKEN", "CPH_TASK"]
        .into_iter()
        .fold(cph, |cph, name| cph.env(name, &value(name)));
    let late = cph.run(&["emit", "progress", "1"]);
    assert_eq!(late.code, 70, "{}", late.shown());
    assert!(late.stderr.contains("the run is over"), "{}", late.shown());
    assert_eq!(cph.run(&["runs", "cancel", "R1"]).code, 1);
}
