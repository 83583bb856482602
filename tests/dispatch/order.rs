//! In which order hooks run, told by what they leave, never by time.

use super::*;

/// Waits, within a hook, until another hook has left a file.
fn await_file(name: &str) -> String {
    format!(
        "i=0; while [ ! -e \"$LOG/{name}\" ] && [ $i -lt 3000 ]; do sleep 0.01; i=$((i+1)); done; "
    )
}

#[test]
fn hooks_of_one_order_run_side_by_side() {
    // Each waits for the other one: neither would end if they ran one after the other.
    let hook = |own: &str, other: &str| {
        run(&format!(
            ": > \"$LOG/{own}\"; {}[ -e \"$LOG/{other}\" ] && echo met >> \"$LOG/met\"; true",
            await_file(other)
        ))
    };
    let stage = Stage::of("Stop", &[hook("a", "b"), hook("b", "c"), hook("c", "a")]);
    stage.fire("Stop").silence();
    assert_eq!(stage.log("met"), "met\nmet\nmet\n");
}

#[test]
fn lower_orders_end_before_higher_ones_begin() {
    let hook = |name: &str, order: i64| {
        let command = format!("echo +{name} >> \"$LOG/s\"; sleep 0.05; echo -{name} >> \"$LOG/s\"");
        json!({"type": "command", "command": command, "order": order})
    };
    let stage = Stage::of("Stop", &[hook("c", 7), hook("a", -3), hook("b", 0)]);
    stage.fire("Stop").silence();
    assert_eq!(stage.log("s"), "+a\n-a\n+b\n-b\n+c\n-c\n");
}

#[test]
fn answers_come_in_configuration_order_whoever_is_first() {
    let slow = format!("{}echo '{{\"systemMessage\": \"slow\"}}'", await_file("fast"));
    let fast = "echo '{\"systemMessage\": \"fast\"}'; : > \"$LOG/fast\"";
    let stage = Stage::of("Stop", &[run(&slow), run(fast)]);
    assert_eq!(stage.fire("Stop").answer(), json!({"systemMessage": "slow\nfast"}));
}

#[test]
fn chains_hand_on_what_was_printed() {
    let first = json!({"type": "command", "command": "printf 'found 3\\n\"x\"'", "id": "first"});
    let second = json!({
        "type": "command", "command": "cat > \"$LOG/second\"; echo two", "id": "second",
        "after": ["first"]
    });
    let third = json!({
        "type": "command", "command": "cat > \"$LOG/third\"", "after": ["first", "second"]
    });
    // Written the other way round: the chain decides, not the position.
    let stage = Stage::of("Stop", &[third, second, first]);
    stage.fire("Stop").silence();
    let second = stage.log_json("second");
    assert_eq!(second["cph"]["previous"], json!({"first": "found 3\n\"x\""}));
    assert_eq!(second["cph"]["event"], "Stop");
    assert_eq!(second["hook_event_name"], "Stop");
    let previous = &stage.log_json("third")["cph"]["previous"];
    assert_eq!(*previous, json!({"first": "found 3\n\"x\"", "second": "two\n"}));
}

#[test]
fn the_same_hook_from_two_files_runs_once() {
    let stage = Stage::of("Stop", &[run("echo x >> \"$LOG/x\"")]);
    let other = json!({"hooks": {"TaskComplete": [{"hooks": [run("echo x >> \"$LOG/x\"")]}]}});
    stage.write(".task_orchestrator/hooks.json", &other.to_string());
    stage.fire("Stop").run();
    assert_eq!(stage.log("x"), "x\n");
}
