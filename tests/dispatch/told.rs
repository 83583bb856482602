//! What hooks are told: payload, environment, files.

use std::{fs, io::Read as _};

use super::*;

#[test]
fn the_payload_is_handed_on_byte_for_byte() {
    let stage =
        Stage::of("PreToolUse", &[run("cat > \"$LOG/got\""), run("head -c 1 > \"$LOG/first\"")]);
    // Odd spacing, digits, doubled keys, escapes and a line end that a parser would not keep.
    let payload = "{ \"session_id\":\"s\",  \"cwd\" : \"/\",\"hook_event_name\":\"PreToolUse\",\n\"tool_name\":\"Bash\",\
                   \"n\":1.50e+3,\"u\":\"\\u00e9\u{e9}\",\"a\":1,\"a\":2,\"big\":123456789012345678901234567890,\
                   \"tool_input\":{\"z\":1,\"command\":\"ls\"}}\n";
    stage.fire("PreToolUse").bytes(payload).silence();
    assert_eq!(stage.log("got"), payload);
    assert_eq!(stage.log("first"), "{");
}

#[test]
fn large_payloads_arrive_whole() {
    let stage = Stage::of("PreToolUse", &[run("wc -c > \"$LOG/count\"")]);
    let mut call = pre_tool_use("ls");
    call["tool_input"]["content"] = json!("x".repeat(20_000_000));
    stage.fire("PreToolUse").tell(&call).silence();
    let count: usize = stage.log("count").trim().parse().unwrap();
    assert!(count > 20_000_000);
}

#[test]
fn no_hook_can_change_what_another_one_reads() {
    let spoil = "echo spoilt 1<>/dev/stdin; printf ZZZZ > /dev/stdin; printf ZZZZ >&0; true";
    let stage = Stage::of(
        "Stop",
        &[
            json!({"type": "command", "command": spoil}),
            json!({"type": "command", "command": "cat > \"$LOG/got\"", "order": 1}),
        ],
    );
    let payload = "{\"session_id\":\"s\",\"hook_event_name\":\"Stop\",\"cwd\":\"/\"}\n";
    stage.fire("Stop").bytes(payload).run();
    assert_eq!(stage.log("got"), payload);
}

#[test]
fn both_families_of_variables_are_set() {
    let hooks = [run("env > \"$LOG/env.$CPH_EVENT\"")];
    let stage = Stage::of("Stop", &hooks);
    stage.fire("Stop").run();
    stage.fire("TaskComplete").tell(&json!({"task_id": "t-9", "task_type": "feature"})).run();
    let firings =
        [("Stop", "claude_code", None), ("TaskComplete", "task_orchestrator", Some("t-9"))];
    for (event, fired_by, task) in firings {
        let env = stage.log(&format!("env.{event}"));
        let value =
            |name: &str| env.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        assert_eq!(value("CLAUDE_PROJECT_DIR"), stage.project().to_str());
        assert_eq!(value("CPH_EVENT"), Some(event));
        assert_eq!(value("CPH_FIRED_BY"), Some(fired_by));
        assert_eq!(value("CPH_DEPTH"), Some("1"));
        assert!(value("CPH_OCCURRENCE").is_some_and(|id| !id.is_empty()));
        assert_eq!(value("TASK_ID"), task, "{env}");
        assert_eq!(value("TASK_TYPE"), task.map(|_| "feature"));
    }
}

#[test]
fn beyond_a_depth_nothing_runs() {
    let stage = Stage::of("Stop", &[run("echo x >> \"$LOG/ran\"")]);
    stage.fire("Stop").env("CPH_DEPTH", "4").silence();
    assert_eq!(stage.log("ran"), "x\n");
    let said = stage.fire("Stop").env("CPH_DEPTH", "5").run();
    assert_eq!((said.code, stage.log("ran").as_str()), (0, "x\n"));
    assert!(said.json()["systemMessage"].as_str().unwrap().contains("max_depth"), "{said:?}");
}

#[test]
fn a_hook_that_fires_itself_comes_to_an_end() {
    let cph = env!("CARGO_BIN_EXE_cph");
    let again = format!(
        "echo x >> \"$LOG/ran\"; cat | '{cph}' dispatch Stop --trust-all >/dev/null 2>&1; true"
    );
    let stage = Stage::of("Stop", &[run(&again)]);
    stage.fire("Stop").run();
    assert_eq!(stage.log("ran"), "x\n".repeat(5));
}

#[test]
fn variables_of_many_hooks_are_joined_in_order() {
    let stage = Stage::of(
        "SessionStart",
        &[
            run(
                "i=0; while [ ! -e \"$LOG/b\" ] && [ $i -lt 3000 ]; do sleep 0.01; i=$((i+1)); done; echo 'export A=1' >> \"$CLAUDE_ENV_FILE\"",
            ),
            // This one wipes what it finds.
            run("echo 'export B=2' > \"$CLAUDE_ENV_FILE\"; : > \"$LOG/b\""),
            run("printf 'export C=3' >> \"$CLAUDE_ENV_FILE\""),
        ],
    );
    let file = stage.root().join("tmp/env.sh");
    fs::write(&file, "export Z=0\n").unwrap();
    let starts = stage.fire("SessionStart").tell(&json!({"source": "startup"}));
    starts.env("CLAUDE_ENV_FILE", &file).run();
    let mut text = String::new();
    fs::File::open(&file).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "export Z=0\nexport A=1\nexport B=2\nexport C=3\n");
    assert_eq!(fs::read_dir(stage.root().join("tmp")).unwrap().count(), 1, "parts are removed");
}

#[test]
fn a_foreign_hook_sees_its_own_words_and_is_understood() {
    let command = "cat > \"$LOG/got\"; echo '{\"decision\": \"block\", \"reason\": \"not yet\", \
                   \"hookSpecificOutput\": {\"hookEventName\": \"TaskComplete\", \"additionalContext\": \"c\"}}'";
    let stage = Stage::with(&json!({"TaskComplete": [{"hooks": [run(command)]}]}));
    let answer = stage.fire("Stop").tell(&json!({"last_assistant_message": "bye"})).answer();
    assert_eq!(answer["decision"], "block");
    assert_eq!(
        answer["hookSpecificOutput"],
        json!({"hookEventName": "Stop", "additionalContext": "c"})
    );
    let got = stage.log_json("got");
    assert_eq!(got["hook_event_name"], "TaskComplete");
    assert_eq!(got["cph"]["event"], "Stop");
    assert_eq!(got["cph"]["fired_by"], "claude_code");
    assert_eq!(got["cph"]["payload"]["hook_event_name"], "Stop");
    assert_eq!(got["cph"]["payload"]["last_assistant_message"], "bye");
    assert!(got["cph"]["occurrence"].is_string());
}

#[test]
fn the_orchestrator_is_answered_in_its_own_words() {
    let rewrite = "echo '{\"hookSpecificOutput\": {\"hookEventName\": \"PreToolUse\", \"updatedInput\": {\"a\": 2}}}'";
    let stage = Stage::with(&json!({"PreToolUse": [{"hooks": [run(rewrite)]}]}));
    let told = json!({"task_id": "t", "task_input": {"a": 1}});
    let answer = stage.fire("PreTaskExecute").tell(&told).answer();
    let expected = json!({"hookEventName": "PreTaskExecute", "updatedInput": {"a": 2}});
    assert_eq!(answer["hookSpecificOutput"], expected);
}
