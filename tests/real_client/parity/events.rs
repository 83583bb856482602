//! Every event that a scripted headless session can fire reaches its hook, with its payload.

use serde_json::json;

use crate::real_client::{
    both_ways,
    scenario::{Scenario, run},
    script::{Turn, agent_call, bash, text, tool},
};

#[test]
fn session_start() {
    let scenario = Scenario::new().observe("SessionStart").turn([text("hello")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("sessionstart").told();
        assert_eq!(told["source"], "startup");
        assert_eq!(told["hook_event_name"], "SessionStart");
    });
}

#[test]
fn instructions_loaded() {
    let scenario = Scenario::new()
        .observe("InstructionsLoaded")
        .file("CLAUDE.md", "Be brief.\n")
        .turn([text("hello")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("instructionsloaded").told();
        assert_eq!(told["load_reason"], "session_start");
        assert_eq!(told["memory_type"], "Project");
    });
}

#[test]
fn user_prompt_submit() {
    let scenario = Scenario::new().observe("UserPromptSubmit").turn([text("hello")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("userpromptsubmit").told()["prompt"], "go");
    });
}

#[test]
fn user_prompt_expansion() {
    let scenario = Scenario::new()
        .observe("UserPromptExpansion")
        .file(".claude/commands/greet.md", "Say hello to $ARGUMENTS.\n")
        .prompt("/greet everybody")
        .turn([text("hello")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("userpromptexpansion").told();
        assert_eq!(told["command_name"], "greet");
        assert_eq!(told["command_args"], "everybody");
        assert!(outcome.model_saw("Say hello to everybody."));
    });
}

#[test]
fn pre_tool_use() {
    let scenario = Scenario::new()
        .observe("PreToolUse")
        .turn([bash("echo one > one.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("pretooluse").told();
        assert_eq!(told["tool_name"], "Bash");
        assert_eq!(told["tool_input"]["command"], "echo one > one.txt");
        assert_eq!(told["tool_use_id"], "toolu_main_1_0");
        assert_eq!(outcome.file("one.txt"), Some("one\n"));
    });
}

#[test]
fn post_tool_use() {
    let scenario = Scenario::new()
        .observe("PostToolUse")
        .turn([tool("Write", json!({ "file_path": "{project}/new.txt", "content": "new\n" }))])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("posttooluse").told();
        assert_eq!(told["tool_name"], "Write");
        assert_eq!(told["tool_response"]["type"], "create");
        assert_eq!(outcome.file("new.txt"), Some("new\n"));
    });
}

#[test]
fn post_tool_use_failure() {
    let scenario = Scenario::new()
        .observe("PostToolUseFailure")
        .observe("PostToolUse")
        .turn([bash("exit 3")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("posttoolusefailure").told();
        assert!(told["error"].as_str().unwrap().contains('3'));
        assert!(outcome.runs_of("posttooluse").is_empty());
    });
}

#[test]
fn post_tool_batch() {
    let scenario = Scenario::new()
        .observe("PostToolBatch")
        .turn([bash("echo one"), bash("echo two")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("posttoolbatch").told();
        let calls = told["tool_calls"].as_array().unwrap();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[1]["tool_input"]["command"], "echo two");
    });
}

#[test]
fn subagent_start_and_stop() {
    let scenario = Scenario::new()
        .observe("SubagentStart")
        .observe("SubagentStop")
        .observe("PreToolUse")
        .allowed_tools("Bash,Agent")
        .turn([agent_call("INNER")])
        .turn([text("done")])
        .agent("INNER", [[bash("echo inner > inner.txt")].into(), [text("inner words")].into()]);
    both_ways(&scenario, |outcome| {
        let started = outcome.run_of("subagentstart").told();
        let stopped = outcome.run_of("subagentstop").told();
        assert_eq!(started["agent_type"], "general-purpose");
        assert_eq!(started["agent_id"], stopped["agent_id"]);
        assert_eq!(stopped["last_assistant_message"], "inner words");
        let inner = outcome.runs_of("pretooluse")[1].told();
        assert_eq!(inner["agent_id"], started["agent_id"]);
        assert_eq!(outcome.file("inner.txt"), Some("inner\n"));
    });
}

#[test]
fn file_changed() {
    let scenario = Scenario::new()
        .hook("watcher", "")
        .on("FileChanged", Some("watched.txt"), [run("watcher")])
        .file("watched.txt", "old\n")
        .turn([bash("echo new > watched.txt; echo other > unwatched.txt")])
        .turn(Turn::AfterHook("watcher", 1, Box::new([text("done")].into())));
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("watcher").told();
        assert_eq!(told["event"], "change");
        assert!(told["file_path"].as_str().unwrap().ends_with("/watched.txt"));
    });
}

#[test]
fn cwd_changed() {
    let scenario = Scenario::new()
        .observe("CwdChanged")
        .observe("PreToolUse")
        .file("sub/there.txt", "")
        .turn([bash("cd sub")])
        .turn([bash("pwd > where.txt")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("cwdchanged").told();
        assert!(told["new_cwd"].as_str().unwrap().ends_with("/project/sub"));
        let second = outcome.runs_of("pretooluse")[1];
        assert!(second.told()["cwd"].as_str().unwrap().ends_with("/project/sub"));
        assert!(second.environment["CLAUDE_PROJECT_DIR"].ends_with("/project"));
        assert!(outcome.file("sub/where.txt").is_some());
    });
}

#[test]
fn task_created_and_completed() {
    let scenario = Scenario::new()
        .observe("TaskCreated")
        .observe("TaskCompleted")
        .variable("CLAUDE_CODE_ENABLE_TODO_TOOLS", "1")
        .variable("CLAUDE_CODE_ENABLE_TASKS", "1")
        .turn([tool("TaskCreate", json!({ "subject": "Sweep", "description": "the floor" }))])
        .turn([tool("TaskUpdate", json!({ "taskId": "1", "status": "completed" }))])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let created = outcome.run_of("taskcreated").told();
        assert_eq!(created["task_subject"], "Sweep");
        let completed = outcome.run_of("taskcompleted").told();
        assert_eq!(completed["task_id"], created["task_id"]);
    });
}

#[test]
fn message_display() {
    let scenario = Scenario::new().observe("MessageDisplay").turn([text("hello there")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("messagedisplay").told();
        assert_eq!(told["delta"], "hello there");
        assert_eq!(told["final"], true);
    });
}

#[test]
fn stop() {
    let scenario = Scenario::new().observe("Stop").turn([text("last words")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("stop").told();
        assert_eq!(told["last_assistant_message"], "last words");
        assert_eq!(told["stop_hook_active"], false);
    });
}

#[test]
fn permission_denied() {
    let scenario = Scenario::new()
        .observe("PermissionDenied")
        .argument("--permission-mode")
        .argument("auto")
        .allowed_tools("Read")
        .turn([bash("curl -s http://127.0.0.1:9/ | sh")])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("permissiondenied").told();
        assert_eq!(told["tool_name"], "Bash");
    });
}

#[test]
fn session_end() {
    let scenario = Scenario::new().observe("SessionEnd").turn([text("hello")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("sessionend").told()["reason"], "other");
    });
}

#[test]
fn setup() {
    let scenario = Scenario::new().observe("Setup").argument("--init").turn([text("hello")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("setup").told()["trigger"], "init");
    });
}

#[test]
fn worktree_create_and_remove() {
    let scenario = Scenario::new()
        .hook("create", "dir={root}/tree; mkdir -p $dir; echo $dir")
        .hook("remove", "")
        .on("WorktreeCreate", None, [run("create")])
        .on("WorktreeRemove", None, [run("remove")])
        .allowed_tools("Bash,EnterWorktree,ExitWorktree")
        .turn([tool("EnterWorktree", json!({ "name": "side" }))])
        .turn([bash("pwd")])
        .turn([tool("ExitWorktree", json!({ "action": "remove", "discard_changes": true }))])
        .turn([text("done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("create").told()["name"], "side");
        assert!(outcome.model_saw("/tree"));
        outcome.run_of("remove");
    });
}
