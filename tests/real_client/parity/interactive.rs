//! Events that only a session in a terminal fires.

use serde_json::json;

use crate::real_client::{
    both_ways,
    scenario::{Scenario, output, run},
    script::{Turn, bash, text},
    terminal::Step::{Answer, Hook, See, Type, Write},
};

#[test]
fn pre_and_post_compact() {
    let scenario = Scenario::new()
        .observe("PreCompact")
        .observe("PostCompact")
        .observe("SessionStart")
        .turn([text("first words")])
        .in_terminal([
            Type("hello"),
            See("first words"),
            Type("/compact"),
            Hook("postcompact", 1),
            Hook("sessionstart", 2),
        ]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("precompact").told()["trigger"], "manual");
        let told = outcome.run_of("postcompact").told();
        assert!(told["compact_summary"].is_string());
        assert_eq!(outcome.runs_of("sessionstart")[1].told()["source"], "compact");
    });
}

#[test]
fn a_refused_compaction_does_not_happen() {
    let scenario = Scenario::new()
        .hook("gate", "echo keep it all >&2; exit 2")
        .on("PreCompact", Some("manual"), [run("gate")])
        .observe("PostCompact")
        .turn([text("first words")])
        .in_terminal([
            Type("hello"),
            See("first words"),
            Type("/compact"),
            Hook("gate", 1),
            See("keep it all"),
        ]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert!(outcome.runs_of("postcompact").is_empty());
    });
}

#[test]
fn plain_text_before_a_compaction_instructs_it() {
    let scenario = Scenario::new()
        .hook("teller", "echo keep the milk in mind")
        .on("PreCompact", None, [run("teller")])
        .observe("PostCompact")
        .turn([text("first words")])
        .in_terminal([Type("hello"), See("first words"), Type("/compact"), Hook("postcompact", 1)]);
    both_ways(&scenario, |outcome| {
        assert!(outcome.model_saw("keep the milk in mind"));
    });
}

#[test]
fn pre_and_post_model_switch() {
    let scenario = Scenario::new()
        .observe("PreModelSwitch")
        .observe("PostModelSwitch")
        .in_terminal([Type("/model sonnet"), Hook("postmodelswitch", 1)]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("premodelswitch").told();
        assert_eq!(told["source"], "command");
        assert!(told["to_model"].as_str().unwrap().contains("sonnet"));
        outcome.run_of("postmodelswitch");
    });
}

#[test]
fn a_refused_model_switch_does_not_happen() {
    let scenario = Scenario::new()
        .hook("gate", "echo stay with this one >&2; exit 2")
        .on("PreModelSwitch", None, [run("gate")])
        .observe("PostModelSwitch")
        .in_terminal([Type("/model sonnet"), Hook("gate", 1), See("stay with this one")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert!(outcome.runs_of("postmodelswitch").is_empty());
    });
}

/// A headless client ends its `StopFailure` hooks within some milliseconds: it is on its way out.
#[test]
fn stop_failure() {
    let scenario = Scenario::new()
        .observe("StopFailure")
        .observe("Stop")
        .turn(Turn::Refusal(404, "not_found_error"))
        .in_terminal([Type("hello"), Hook("stopfailure", 1)]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.run_of("stopfailure").told()["error"], "model_not_found");
        assert!(outcome.runs_of("stop").is_empty());
    });
}

#[test]
fn config_change() {
    let scenario = Scenario::new()
        .observe("ConfigChange")
        .file(".claude/settings.local.json", "{}")
        .turn([text("first words")])
        .in_terminal([
            Type("hello"),
            See("first words"),
            Write(".claude/settings.local.json", "{\"env\": {\"CHANGED\": \"1\"}}"),
            Hook("configchange", 1),
        ]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("configchange").told();
        assert_eq!(told["source"], "local_settings");
    });
}

#[test]
fn permission_request_is_asked_of_the_user() {
    let scenario = Scenario::new()
        .observe("PermissionRequest")
        .turn([bash("touch asked.txt")])
        .argument("--permission-mode")
        .argument("default")
        .turn([text("all done")])
        .in_terminal([
            Type("hello"),
            Hook("permissionrequest", 1),
            Answer("Do you want to proceed?", "1"),
            See("all done"),
        ]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("permissionrequest").told();
        assert_eq!(told["tool_name"], "Bash");
        assert!(outcome.file("asked.txt").is_some());
    });
}

#[test]
fn a_permission_is_granted_by_a_hook() {
    let allow = output("PermissionRequest", &json!({ "decision": { "behavior": "allow" } }));
    let scenario = Scenario::new()
        .hook("gate", &allow)
        .on("PermissionRequest", Some("Bash"), [run("gate")])
        .turn([bash("touch asked.txt")])
        .argument("--permission-mode")
        .argument("default")
        .turn([text("all done")])
        .in_terminal([Type("hello"), See("all done")]);
    both_ways(&scenario, |outcome| {
        outcome.run_of("gate");
        assert!(outcome.file("asked.txt").is_some());
    });
}

#[test]
fn a_permission_is_refused_by_a_hook() {
    let deny = output(
        "PermissionRequest",
        &json!({
            "decision": { "behavior": "deny", "message": "not in this house" },
        }),
    );
    let scenario = Scenario::new()
        .hook("gate", &deny)
        .on("PermissionRequest", Some("Bash"), [run("gate")])
        .turn([bash("touch asked.txt")])
        .argument("--permission-mode")
        .argument("default")
        .turn([text("all done")])
        .in_terminal([Type("hello"), See("all done")]);
    both_ways(&scenario, |outcome| {
        assert_eq!(outcome.file("asked.txt"), None);
        assert!(outcome.model_saw("not in this house"));
    });
}

#[test]
fn notification() {
    let scenario = Scenario::new()
        .observe("Notification")
        .turn([bash("touch asked.txt")])
        .turn([text("all done")])
        .argument("--permission-mode")
        .argument("default")
        .in_terminal([
            Type("hello"),
            Hook("notification", 1),
            Answer("Do you want to proceed?", "1"),
            See("all done"),
        ]);
    both_ways(&scenario, |outcome| {
        let told = outcome.runs_of("notification")[0].told();
        assert_eq!(told["notification_type"], "permission_prompt");
    });
}

#[test]
fn a_directory_is_added() {
    let scenario =
        Scenario::new().observe("DirectoryAdded").home_file("other/there.txt", "").in_terminal([
            Type("/add-dir ~/other"),
            Answer("Adding a new directory", "Down Enter"),
            Answer("Add directory to workspace", "Enter"),
            Hook("directoryadded", 1),
        ]);
    both_ways(&scenario, |outcome| {
        let told = outcome.run_of("directoryadded").told();
        assert!(told["directory"].as_str().unwrap().ends_with("/home/other"));
    });
}
