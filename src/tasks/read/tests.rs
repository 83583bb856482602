use insta::assert_snapshot;
use jsonschema::draft202012;
use serde_json::Value;

use super::*;
use crate::diag::render::text;

fn read_text(text: &str) -> Result<(TaskFile, Graph), Vec<Diagnostic>> {
    read(&SourceFile::new("tasks.yaml", text))
}

fn wrong(yaml: &str) -> String {
    let found = read_text(yaml).unwrap_err();
    let mut out = Vec::new();
    text::render(&found, text::Look::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_no_process_can_be_given_is_told_before_anything_runs() {
    let long = "x".repeat(128 << 10);
    for run in [long.clone(), format!("[echo, {long}]")] {
        let told = wrong(&format!("tasks:\n- name: a\n  run: {run}\n"));
        assert!(
            told.starts_with("error: `run` has 128 KiB: no process can be given so much"),
            "{told:.200}"
        );
    }
    assert!(read_text(&format!("tasks: [{{name: a, run: {}}}]", &long[1..])).is_ok());
    // A prompt comes on stdin.
    assert!(read_text(&format!("tasks: [{{name: a, prompt: {long}}}]")).is_ok());
}

fn rules_of(yaml: &str) -> Vec<&'static str> {
    match read_text(yaml) {
        Ok(_) => Vec::new(),
        Err(found) => found.iter().map(|one| one.rule.name).collect(),
    }
}

const EVERYTHING: &str = "
version: 1
name: all of it
max_workers: 4
min_workers: 2
on_failure: continue
cwd: sub
env: {A: 1, B: two}
agent: [my-agent, --prompt, '${prompt}']
tasks:
  - name: first
    run: [make, all]
    type: build
    role: builder
    priority: -3
    timeout: 1h30m
    stall: 5m
    retries: {times: 2, backoff: 500ms, max_backoff: 3}
    env: {C: 'yes'}
    cwd: deeper
    inputs: ['src/**/*.rs', Cargo.toml]
    artifacts: out.bin
    limits: {memory: 512M, cpu: 60, log: 10M}
    resources: [disk, disk, db]
  - name: second
    prompt: summarise ${tasks.first.output}
    dependencies: first
    retries: 1
    when: ${tasks.first.outcome} == succeeded && ${env.CI} != ''
  - name: test
    run: test ${matrix.os} ${matrix.py}
    matrix: {os: [a, b], py: [1, 2]}
  - name: report
    run: cat ${tasks.test.artifacts}
    dependencies: [test, second]
";

#[test]
fn every_field_is_read() {
    let (file, graph) = read_text(EVERYTHING).unwrap();
    let names: Vec<_> = file.tasks.iter().map(|task| task.name.as_str()).collect();
    let wanted = ["first", "second", "test[a,1]", "test[a,2]", "test[b,1]", "test[b,2]", "report"];
    assert_eq!(names, wanted);
    assert_eq!(graph.dependencies[6], [1, 2, 3, 4, 5]);
    assert_eq!(file.tasks[3].work, Work::Line("test a 2".into()));
    assert_eq!(file.on_failure, OnFailure::Continue);
    let first = &file.tasks[0];
    assert_eq!(first.work, Work::Words(vec!["make".into(), "all".into()]));
    assert_eq!(first.timeout, Some(std::time::Duration::from_mins(90)));
    assert_eq!(first.retries.pause(1), std::time::Duration::from_millis(500));
    assert_eq!(first.retries.pause(9), std::time::Duration::from_secs(3));
    assert_eq!(first.limits.memory, Some(512 << 20));
    assert_eq!(first.limits.log, Some(10 << 20));
    assert_eq!(first.resources, ["db", "disk"]);
    assert_eq!(file.tasks[1].retries.times, 1);
    assert_eq!(file.agent.unwrap(), ["my-agent", "--prompt", "${prompt}"]);
}

#[test]
fn yaml_booleans_are_commands_too() {
    let (file, _) = read_text("tasks: [{name: yes, run: true}]").unwrap();
    assert_eq!(file.tasks[0].work, Work::Line("true".into()));
}

#[test]
fn a_cycle_is_spelled_out() {
    assert_snapshot!(wrong("tasks:
  - {name: a, run: x, dependencies: [c]}
  - {name: b, run: x, dependencies: a}
  - {name: c, run: x, dependencies: b}
"), @r"
    error: tasks wait for each other: a → c → b → a [task-cycle]
     --> tasks.yaml:2:38
      |
    2 |   - {name: a, run: x, dependencies: [c]}
      |                                      ^ taking this one away would end it
    ");
}

#[test]
fn all_findings_are_told_at_once() {
    assert_snapshot!(wrong("max_workers: many
tasks:
  - name: build
    run: make
    timout: 5
  - name: test
    dependencies: biuld
    run: ''
  - name: build
    run: x
    prompt: y
    timeout: soon
"), @r"
    error: `max_workers` is a whole number from 1 to 1000, not `many` [task-value]
     --> tasks.yaml:1:14
      |
    1 | max_workers: many
      |              ^^^^

    error: a task has no field `timout` [task-unknown-key]
     --> tasks.yaml:5:5
      |
    5 |     timout: 5
      |     ^^^^^^
      = help: did you mean `timeout`?

    error: `run` is empty [task-value]
     --> tasks.yaml:8:10
      |
    8 |     run: ''
      |          ^^

    error: a task has `run` or `prompt`, not both [task-missing-field]
      --> tasks.yaml:11:13
       |
    11 |     prompt: y
       |             ^

    error: `timeout` is a time such as `90`, `500ms`, `10m` or `1h30m`, not `soon` [task-value]
      --> tasks.yaml:12:14
       |
    12 |     timeout: soon
       |              ^^^^
    ");
}

#[test]
fn names_and_references_must_fit() {
    assert_snapshot!(wrong("tasks:
  - {name: a, run: x}
  - {name: a, run: x}
  - {name: b, run: 'x ${tasks.a.output}', dependencies: aa}
"), @r"
    error: there are two tasks `a` [task-duplicate-name]
     --> tasks.yaml:3:12
      |
    3 |   - {name: a, run: x}
      |            ^ the other one is in line 2

    error: there is no task `aa` [task-unknown-dependency]
     --> tasks.yaml:4:57
      |
    4 |   - {name: b, run: 'x ${tasks.a.output}', dependencies: aa}
      |                                                         ^^
    ");
}

#[test]
fn each_kind_of_fault_is_found() {
    let table = [
        ("", "task-file-unreadable"),
        ("a: [", "task-file-unreadable"),
        ("[]", "task-field-type"),
        ("name: x", "task-missing-field"),
        ("tasks: {}", "task-field-type"),
        ("tasks: []", "task-missing-field"),
        ("tasks: [x]", "task-field-type"),
        ("tasks: [{run: x}]", "task-missing-field"),
        ("tasks: [{name: x}]", "task-missing-field"),
        ("tasks: [{name: [x], run: x}]", "task-field-type"),
        ("tasks: [{name: '', run: x}]", "task-value"),
        ("tasks: [{name: 'a}', run: x}]", "task-value"),
        ("tasks: [{name: \"a\\rb\", run: x}]", "task-value"),
        ("tasks: [{name: x, run: x, run: y}]", "task-duplicate-key"),
        ("tasks: [{name: x, run: x, env: [a]}]", "task-field-type"),
        ("tasks: [{name: x, run: x, env: {'a=b': c}}]", "task-value"),
        ("tasks: [{name: x, run: x, limits: 5}]", "task-field-type"),
        ("tasks: [{name: x, run: x, limits: {memory: x}}]", "task-value"),
        ("tasks: [{name: x, run: x, retries: {time: 1}}]", "task-unknown-key"),
        ("tasks: [{name: x, run: x, retries: -1}]", "task-value"),
        ("tasks: [{name: x, run: x, inputs: ['[']}]", "task-value"),
        ("tasks: [{name: x, run: x, when: a b}]", "task-condition"),
        ("tasks: [{name: x, run: x, when: '${tasks.y.outputs}'}]", "task-condition"),
        ("tasks: [{name: x, run: x, dependencies: x}]", "task-cycle"),
        ("tasks: [{name: x, run: '${tasks.y.output}'}]", "task-reference"),
        ("tasks: [{name: x, run: x}, {name: y, run: '${tasks.x.output}'}]", "task-reference"),
        ("tasks: [{name: x, run: '${matrix.y}'}]", "task-reference"),
        ("tasks: [{name: x, run: x, matrix: {}}]", "task-matrix"),
        ("tasks: [{name: x, run: x, matrix: {a: b}}]", "task-matrix"),
        ("tasks: [{name: x, run: x, matrix: [a]}]", "task-field-type"),
        ("{on_failure: never, tasks: [{name: x, run: x}]}", "task-value"),
        ("{max_workers: 1, min_workers: 2, tasks: [{name: x, run: x}]}", "task-value"),
        ("{version: 2, tasks: [{name: x, run: x}]}", "task-value"),
    ];
    for (yaml, rule) in table {
        assert_eq!(rules_of(yaml), [rule], "{yaml}");
    }
    let told: std::collections::BTreeSet<_> = table.iter().map(|(_, rule)| *rule).collect();
    let untold: Vec<_> = rules::RULES.iter().filter(|rule| !told.contains(rule.name)).collect();
    // These two are shown above.
    assert_eq!(untold.len(), 2, "{untold:?}");
}

/// YAML as the JSON that a schema speaks of.
fn as_json(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Scalar { .. } if node.is_nothing() => Value::Null,
        yaml::Value::Scalar { text, is_plain: true } => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        yaml::Value::Scalar { text, .. } => Value::String(text.clone()),
        yaml::Value::List(items) => items.iter().map(as_json).collect(),
        yaml::Value::Map(members) => {
            let pair = |(key, value): &(Node, Node)| {
                (key.text().unwrap_or_default().to_owned(), as_json(value))
            };
            Value::Object(members.iter().map(pair).collect())
        }
    }
}

#[test]
fn the_schema_has_every_field_and_takes_what_is_sound() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../schemas/tasks.schema.json")).unwrap();
    let listed = |pointer: &str| {
        let object = schema.pointer(pointer).unwrap().as_object().unwrap();
        object.keys().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    let known = |fields: &[&str]| fields.iter().map(ToString::to_string).collect();
    assert_eq!(listed("/properties"), known(FILE));
    assert_eq!(listed("/$defs/task/properties"), known(TASK));
    let validator = draft202012::new(&schema).unwrap();
    let is_valid = |text: &str| validator.is_valid(&as_json(&yaml::parse(text).unwrap()));
    let example = include_str!("../../../examples/tasks.yaml");
    for text in [EVERYTHING, example, "tasks: [{name: yes, run: true}]"] {
        assert!(is_valid(text) && read_text(text).is_ok(), "{text}");
    }
    for text in ["tasks: []", "tasks: [{name: x}]", "tasks: [{name: x, run: x, timout: 1}]"] {
        assert!(!is_valid(text) && read_text(text).is_err(), "{text}");
    }
}
