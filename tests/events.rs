//! `cph events`: the table, and the contract of one event.

use serde_json::Value;

use crate::cph::Cph;

#[test]
fn an_event_shows_what_an_orchestrator_tells() {
    let cph = Cph::new();
    insta::assert_snapshot!(cph.succeed(&["events", "PreTaskExecute"]), @r"
    PreToolUse / PreTaskExecute: before a tool call (gate)
    field              type      required  claude_code             meaning
    task_id            string    yes                               The task's id in the orchestrator
    task_input         object    yes       tool_input              What the task is started with; `updatedInput` replaces it
    contract_version   integer                                     The version of this contract that the payload follows; 1 when absent
    hook_event_name    string    yes       hook_event_name         The event, by the orchestrator's name
    session_id         string    yes       session_id              One run of the orchestrator, or the session it works for
    cwd                string    yes       cwd                     Absolute path of the directory that is worked in
    task_type          string                                      What kind of task it is; what a matcher's `type:` asks for
    specialist         string              agent_type              Who does, or did, the task; what a matcher's `role:` asks for
    output_dir         string                                      Where the task's results go
    workspace          string                                      The directory that belongs to the task
    correlation_id     string              correlation_id          The same for every telling of one occurrence, by whichever processor
    triggered_by       string              triggered_by            The processor whose event caused this one, such as `claude_code`
    tool_use_id        string              tool_use_id             Claude Code's id of the tool call that this is
    ");
    let same = cph.succeed(&["events", "PreToolUse"]);
    assert_eq!(same, cph.succeed(&["events", "PreTaskExecute"]));
}

#[test]
fn an_event_of_claude_code_alone_has_no_contract() {
    let cph = Cph::new();
    insta::assert_snapshot!(cph.succeed(&["events", "FileChanged"]), @r"
    FileChanged: a watched file has changed
    only Claude Code fires it, with a payload of its own
    ");
    let report: Value =
        serde_json::from_str(&cph.succeed(&["events", "FileChanged", "--json"])).unwrap();
    assert_eq!(report["fields"], Value::Array(Vec::new()));
}

#[test]
fn programs_get_the_contract_as_json() {
    let report = Cph::new().succeed(&["events", "ArtifactSave", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["contract_version"], &report["claude_code"]), (&1.into(), &Value::Null));
    let fields = report["fields"].as_array().unwrap();
    let path = fields.iter().find(|field| field["name"] == "artifact_path").unwrap();
    assert_eq!((&path["type"], &path["required"]), (&"string".into(), &true.into()));
    let task = fields.iter().find(|field| field["name"] == "task_id").unwrap();
    assert_eq!((&task["variable"], &task["required"]), (&"TASK_ID".into(), &true.into()));
}

#[test]
fn an_event_that_nobody_fires_is_a_wrong_command_line() {
    let ran = Cph::new().run(&["events", "PreTolUse"]);
    assert_eq!((ran.code, &*ran.stdout), (64, ""));
    assert!(ran.stderr.contains("did you mean `PreToolUse`?"), "{}", ran.stderr);
}

#[test]
fn samples_can_be_edited_and_dispatched() {
    let cph = Cph::new();
    insta::assert_snapshot!(cph.succeed(&["events", "PostToolUse", "--sample", "--tool", "Read"]), @r#"
    {
      "hook_event_name": "PostToolUse",
      "session_id": "sample",
      "cwd": "[ROOT]/project",
      "transcript_path": "",
      "permission_mode": "default",
      "tool_name": "Read",
      "tool_input": {
        "file_path": "[ROOT]/project/sample.txt"
      },
      "tool_response": {
        "type": "text",
        "file": {
          "filePath": "[ROOT]/project/sample.txt",
          "content": "sample\n",
          "numLines": 1,
          "startLine": 1,
          "totalLines": 1
        }
      },
      "tool_use_id": "toolu_sample",
      "duration_ms": 12
    }
    "#);
    insta::assert_snapshot!(cph.succeed(&["events", "PreTaskExecute", "--sample"]), @r#"
    {
      "hook_event_name": "PreTaskExecute",
      "session_id": "sample",
      "cwd": "[ROOT]/project",
      "task_id": "task-1",
      "task_input": {
        "prompt": "add a test for the parser"
      },
      "contract_version": 1,
      "task_type": "implementation",
      "specialist": "implementer",
      "output_dir": "[ROOT]/project/out/task-1",
      "workspace": "[ROOT]/project"
    }
    "#);
    for name in ["Stop", "TaskComplete", "ArtifactSave", "SessionStart"] {
        let sample = cph.succeed(&["events", name, "--sample"]);
        let sample: Value = serde_json::from_str(&sample).unwrap();
        assert_eq!(sample["hook_event_name"], name);
    }
    for (arguments, hint) in [
        (&["events", "Stop", "--sample", "--tool", "Bash"][..], "leave `--tool` out"),
        (&["events", "Stopp", "--sample"], "did you mean `Stop`?"),
        (&["events", "--sample"], "<EVENT>"),
    ] {
        let ran = cph.run(arguments);
        assert_eq!((ran.code, &*ran.stdout), (64, ""), "{arguments:?}");
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    }
}
