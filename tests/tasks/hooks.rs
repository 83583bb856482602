//! What a run tells hooks, and what they may do to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{events, outcome, with};
use crate::{
    cph::Cph,
    wait::{PATIENCE, until},
};

/// The user's hooks need no trust.
fn with_hooks(tasks: &str, hooks: &str) -> Cph {
    with(tasks).home_file(".claude/hooks.json", &format!("{{\"hooks\": {{{hooks}}}}}"))
}

const TASKS: &str = "max_workers: 2
tasks:
- {name: a, type: implementation, role: coder, run: 'echo a > a.txt', artifacts: a.txt}
- {name: b, type: test, role: tester, run: touch b, dependencies: a}
";

/// Keeps what it is told, each telling in a file of its own: hooks of several tasks run at once.
const LISTEN: &str = r#"[{"hooks": [{"type": "command", "gate": false,
    "command": "cat >\"$CLAUDE_PROJECT_DIR/heard/$CPH_OCCURRENCE\""}]}]"#;

/// Notes how many were told before it.
const LAST: &str = r#"[{"hooks": [{"type": "command", "gate": false,
    "command": "ls \"$CLAUDE_PROJECT_DIR/heard\" >\"$CLAUDE_PROJECT_DIR/before\""}]}]"#;

/// The payloads that are there whole.
fn heard(cph: &Cph) -> Vec<Value> {
    let files = std::fs::read_dir(cph.path("project/heard")).unwrap();
    let texts = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    texts.filter_map(|text| serde_json::from_slice(&text).ok()).collect()
}

#[test]
fn every_event_is_told_with_its_payload() {
    let names = [
        "OrchestratorInitialize",
        "TaskPlan",
        "TaskBreakdown",
        "PreTaskExecute",
        "SpecialistAssign",
        "ContextSwitch",
        "PostTaskExecute",
        "SpecialistComplete",
        "ArtifactSave",
        "DependencyResolve",
    ];
    let hooks = names.map(|name| format!("\"{name}\": {LISTEN}")).join(",");
    let cph = with_hooks(TASKS, &format!("{hooks}, \"TaskComplete\": {LAST}"))
        .project_file("heard/.keep", "");
    cph.succeed(&["run", "tasks.yaml"]);
    let payloads = heard(&cph);
    let schema = include_str!("../../schemas/orchestrator-payload.schema.json");
    let schema = jsonschema::draft202012::new(&serde_json::from_str(schema).unwrap()).unwrap();
    for payload in &payloads {
        assert!(schema.is_valid(payload), "{payload}");
        assert_eq!(payload["session_id"], "R1");
    }
    let of = |name: &str| -> Vec<&Value> {
        payloads.iter().filter(|payload| payload["hook_event_name"] == name).collect()
    };
    for name in names {
        assert!(!of(name).is_empty(), "{name} was not told: {payloads:?}");
    }
    assert_eq!(of("TaskBreakdown")[0]["subtasks"][1]["dependencies"][0], "a");
    let mut pre = of("PreTaskExecute");
    pre.sort_by_key(|payload| payload["task_id"].as_str());
    assert_eq!(
        (pre[0]["task_type"].as_str(), pre[1]["specialist"].as_str()),
        (Some("implementation"), Some("tester"))
    );
    assert_eq!(pre[1]["task_input"]["command"], "touch b");
    assert_eq!(of("PostTaskExecute")[0]["success"], true);
    assert!(of("ArtifactSave")[0]["artifact_path"].as_str().unwrap().ends_with("a.txt"));
    let resolved = of("DependencyResolve")[0];
    assert_eq!((&resolved["task_id"], &resolved["dependency_id"]), (&"b".into(), &"a".into()));
    let before = cph.read("project/before").unwrap();
    assert_eq!(before.lines().count(), payloads.len(), "the end is told last");
}

#[test]
fn a_gate_refuses_and_rewrites_by_type_and_role() {
    let hooks = r#""PreTaskExecute": [
        {"matcher": "role:tester", "hooks": [{"type": "command", "command": "echo freeze >&2; exit 2"}]},
        {"matcher": "type:implementation", "hooks": [{"type": "command",
            "command": "echo '{\"hookSpecificOutput\": {\"hookEventName\": \"PreTaskExecute\", \"updatedInput\": {\"command\": \"echo rewritten > a.txt\"}}}'"}]}]"#;
    let cph = with_hooks(TASKS, hooks);
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stdout.contains("freeze"), "{}", ran.shown());
    assert_eq!(outcome(&cph, "R1", "a"), "succeeded");
    assert_eq!(outcome(&cph, "R1", "b"), "refused");
    assert_eq!(cph.read("project/a.txt").unwrap(), "rewritten\n");
    assert!(!cph.path("project/b").exists());
}

/// The gate of one task waits until the other has run.
#[test]
fn a_slow_gate_holds_up_its_own_task_alone() {
    let tasks = "max_workers: 2
tasks:
- {name: slow, type: slow, priority: 1, run: touch slow}
- {name: other, run: touch other}
";
    let hooks = r#""PreTaskExecute": [{"matcher": "type:slow", "hooks": [{"type": "command",
        "command": "until test -e \"$CLAUDE_PROJECT_DIR/other\"; do sleep 0.01; done"}]}]"#;
    let cph = with_hooks(tasks, hooks);
    cph.succeed(&["run", "tasks.yaml"]);
    assert!(cph.path("project/slow").exists());
}

/// Refuses the first end, and lets the second pass.
const ONCE: &str = r#""PostTaskExecute": [{"matcher": "role:coder", "hooks": [{"type": "command",
    "command": "if mkdir \"$HOME/judged\"; then echo too short >&2; exit 2; fi"}]}]"#;

#[test]
fn what_a_task_has_made_may_be_refused() {
    let once = "tasks:
- {name: a, role: coder, run: 'echo \"$CPH_REFUSAL.\" >> told', artifacts: told}
- {name: b, run: touch b, dependencies: a}
";
    let cph = with_hooks(once, ONCE);
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    assert_eq!(outcome(&cph, "R1", "a"), "failed");
    assert_eq!(outcome(&cph, "R1", "b"), "blocked");
    // It is not taken for done.
    cph.succeed(&["run", "--resume"]);
    assert_eq!(outcome(&cph, "R1", "a"), "succeeded");
    assert_eq!(cph.read("project/told").unwrap(), ".\n.\n");

    let again = once.replace("role: coder", "role: coder, retries: {times: 1, backoff: 1ms}");
    let cph = with_hooks(&again, ONCE);
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(cph.read("project/told").unwrap(), ".\ntoo short.\n");
}

#[test]
fn an_agent_is_told_why_it_was_refused() {
    let agent = "agent: [sh, -c, 'echo \"$1\" >> told', sh, '${prompt}']
tasks: [{name: a, role: coder, prompt: do it, retries: {times: 1, backoff: 1ms}}]
";
    let cph = with_hooks(agent, ONCE);
    cph.succeed(&["run", "tasks.yaml"]);
    let told = cph.read("project/told").unwrap();
    assert_eq!(told, "do it\ndo it\n\nWhat you did before was refused: too short\n");
}

/// While hooks judge what a task has made it counts as nothing, whoever dies.
#[cfg(target_os = "linux")]
#[test]
fn killed_before_hooks_have_judged_a_task_runs_again() {
    let tasks = "tasks: [{name: a, run: 'echo ran >> log'}]";
    let hooks = r#""PostTaskExecute": [{"hooks": [{"type": "command",
        "command": "if mkdir \"$HOME/judged\"; then until test -e \"$HOME/go\"; do sleep 0.05; done; fi"}]}]"#;
    let cph = with_hooks(tasks, hooks);
    let mut command = cph.command(env!("CARGO_BIN_EXE_cph"));
    command.args(["run", "tasks.yaml"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let is_asked = || cph.path("home/judged").exists();
    assert!(until(PATIENCE, is_asked), "hooks are not asked");
    child.kill().unwrap();
    child.wait().unwrap();
    cph.succeed(&["run", "--resume"]);
    std::fs::write(cph.path("home/go"), "").unwrap();
    assert_eq!(cph.read("project/log").unwrap(), "ran\nran\n");
    assert_eq!(outcome(&cph, "R1", "a"), "succeeded");
}

#[test]
fn a_refused_plan_is_not_run() {
    let hooks = r#""TaskPlan": [{"hooks": [{"type": "command", "command": "echo not today >&2; exit 2"}]}]"#;
    let cph = with_hooks(TASKS, hooks);
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(
        ran.stdout.contains("the plan was refused") && ran.stdout.contains("not today"),
        "{}",
        ran.shown()
    );
    assert_eq!(outcome(&cph, "R1", "a"), "not run");
}

#[test]
fn a_broken_hook_refuses_nothing_and_without_hooks_nothing_is_asked() {
    let hooks = r#""PreTaskExecute": [{"hooks": [{"type": "command", "command": "no-such-program-here"}]}]"#;
    let cph = with_hooks(TASKS, hooks);
    cph.succeed(&["run", "tasks.yaml"]);
    let log = cph.succeed(&["log", "--json"]);
    assert_eq!(log.lines().count(), 2, "{log}");
    let cph = with(TASKS);
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(cph.succeed(&["log", "--json"]), "");
    assert!(events(&cph, "R1").iter().all(|event| event["kind"] != "trouble"));
}

/// The twelve events of the orchestrator.
const TWELVE: [&str; 12] = [
    "ArtifactSave",
    "ContextSwitch",
    "DependencyResolve",
    "MaintenanceRun",
    "OrchestratorInitialize",
    "PostTaskExecute",
    "PreTaskExecute",
    "SpecialistAssign",
    "SpecialistComplete",
    "TaskBreakdown",
    "TaskComplete",
    "TaskPlan",
];

/// The fields that the published schema has for an event.
fn described(schema: &Value, event: &str) -> BTreeSet<String> {
    let names = |properties: &Value| -> Vec<String> {
        properties.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    let mut all: BTreeSet<String> = names(&schema["properties"]).into_iter().collect();
    for part in schema["allOf"].as_array().unwrap() {
        if part["if"]["properties"]["hook_event_name"]["const"] == event {
            all.extend(names(&part["then"]["properties"]));
        }
    }
    all
}

/// What hooks were really told, by all events, has exactly the fields that are published.
#[test]
fn all_events_are_as_they_are_published() {
    let hooks = TWELVE.map(|name| format!("\"{name}\": {LISTEN}")).join(",");
    let cph = with_hooks(TASKS, &hooks).project_file("heard/.keep", "");
    cph.succeed(&["run", "tasks.yaml"]);
    cph.succeed(&["maintain"]);
    let is_maintained = || heard(&cph).iter().any(|one| one["hook_event_name"] == "MaintenanceRun");
    assert!(until(PATIENCE, is_maintained), "nobody was told of the maintenance");
    let schema = include_str!("../../schemas/orchestrator-payload.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for payload in heard(&cph) {
        let event = payload["hook_event_name"].as_str().unwrap();
        let faults: Vec<_> = validator.iter_errors(&payload).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{event}: {faults:?} in {payload:#}");
        let described = described(&schema, event);
        for (name, value) in payload.as_object().unwrap() {
            assert!(described.contains(name), "{event}: nobody publishes `{name}`");
            assert!(!value.is_null(), "{event}: `{name}` says nothing");
        }
        assert_eq!(payload["cwd"], cph.path("project").to_str().unwrap(), "{event}");
        *told.entry(event.to_owned()).or_default() += 1;
    }
    assert_eq!(told.keys().collect::<Vec<_>>(), TWELVE);
    // Two tasks, one of which waits for the other and one of which makes a file.
    let twice = [
        "ContextSwitch",
        "PostTaskExecute",
        "PreTaskExecute",
        "SpecialistAssign",
        "SpecialistComplete",
    ];
    for (event, count) in &told {
        assert_eq!(*count, if twice.contains(&&**event) { 2 } else { 1 }, "{event}");
    }
}

/// The orchestrator that comes with cph keeps the contract that others are held to.
#[test]
fn it_conforms() {
    let cph = with(TASKS);
    let client = ["conform", "--json", "--", "cph", "run", "tasks.yaml", "-k"];
    let ran = cph.run(&client);
    let report: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.shown()));
    let plays = report["plays"].as_array().unwrap();
    assert_eq!((ran.code, plays.len()), (0, 12), "{report:#}");
    for play in plays {
        assert!(play["not_fired"].is_null() && play["events"].as_u64().unwrap() > 0, "{play:#}");
        assert_eq!(play["faults"], serde_json::json!([]), "{play:#}");
    }
}

/// Refuses every end of a run that does not already go on for it.
const NOT_YET: &str = r#""TaskComplete": [{"hooks": [{"type": "command",
    "command": "cat >> \"$CLAUDE_PROJECT_DIR/ends\"; echo >> \"$CLAUDE_PROJECT_DIR/ends\"; if test -e \"$CLAUDE_PROJECT_DIR/b\" && ! test -e \"$CLAUDE_PROJECT_DIR/enough\"; then echo no docs >&2; exit 2; fi"}]}]"#;

#[test]
fn the_end_of_a_run_may_be_refused() {
    let cph = with_hooks(TASKS, NOT_YET);
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stdout.contains("a hook refused its end: no docs"), "{}", ran.shown());
    let ends: Vec<Value> = cph
        .read("project/ends")
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let told = |end: &Value| (end["success"].clone(), end["stop_hook_active"].clone());
    assert_eq!(
        ends.iter().map(told).collect::<Vec<_>>(),
        [(true.into(), false.into()), (false.into(), true.into())]
    );
    let cph = cph.project_file("enough", "");
    cph.succeed(&["run", "--resume"]);
    assert_eq!(outcome(&cph, "R1", "a"), "unchanged");
}

/// A plan that was suggested lies in the state of cph and says where its project is.
#[test]
fn events_tell_the_directory_of_the_run() {
    let cph =
        with_hooks("", &format!("\"PreTaskExecute\": {LISTEN}")).project_file("heard/.keep", "");
    let place = cph.path("project");
    let plan = format!("cwd: {}\ntasks: [{{name: a, cwd: heard, run: true}}]", place.display());
    std::fs::write(cph.path("tmp/plan.yaml"), plan).unwrap();
    cph.succeed(&["run", &cph.path("tmp/plan.yaml").display().to_string()]);
    let told = &heard(&cph)[0];
    assert_eq!(told["cwd"], place.to_str().unwrap());
    assert_eq!(told["workspace"], place.join("heard").to_str().unwrap());
}

#[test]
fn maintenance_is_told() {
    let cph =
        with_hooks(TASKS, &format!("\"MaintenanceRun\": {LISTEN}")).project_file("heard/.keep", "");
    cph.succeed(&["run", "tasks.yaml"]);
    cph.succeed(&["maintain"]);
    let is_told = || heard(&cph).iter().any(|payload| payload["action"] == "cleanup");
    assert!(until(PATIENCE, is_told), "nobody was told");
}

#[test]
fn when_a_run_is_over_nobody_waits_for_the_orchestrator() {
    let cph = with_hooks(TASKS, &format!("\"TaskPlan\": {LISTEN}")).project_file("heard/.keep", "");
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(heard(&cph).len(), 1);
    let status = cph.succeed(&["status"]);
    assert!(status.contains("task orchestrator not live: it never fired here"), "{status}");
}
