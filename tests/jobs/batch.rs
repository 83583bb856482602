//! Bursts that become one run.

use std::{collections::BTreeSet, thread};

use serde_json::{Value, json};

use super::{
    ground::{CPH, Ground, ended, hook},
    storm::rounds,
};

/// Fires an edit; `number` makes it another one.
fn edit(ground: &Ground, number: usize, path: &str, command: &str) {
    let fields = json!({
        "tool_name": "Edit", "tool_input": {"file_path": path, "command": command},
        "tool_use_id": format!("toolu_{number}"),
    });
    ground.fire_with("PostToolUse", &fields);
}

/// What each run of a hook with this batch was told, if it is complete when it is full only.
fn runs(batch: &Value, edits: &[(&str, &str)]) -> BTreeSet<String> {
    let command = "printf '%s ' $CPH_BATCH_PATHS >> \"$LOG/paths\"; echo >> \"$LOG/paths\"";
    let hook = hook(command, &json!({"batch": batch}));
    let ground = Ground::new(&json!({"PostToolUse": [{"matcher": "Edit", "hooks": [hook]}]}));
    for (number, (path, command)) in edits.iter().enumerate() {
        edit(&ground, number, path, command);
    }
    ground.drain();
    ground.log("paths").lines().map(|line| line.trim().to_owned()).collect()
}

const HOUR: u32 = 3_600_000;

#[test]
fn a_batch_by_size_is_complete_when_it_is_full() {
    let batch = json!({"window_ms": HOUR, "strategy": "size", "max_size": 3});
    let edits = [("a", ""), ("b", ""), ("c", ""), ("d", ""), ("e", ""), ("f", "")];
    assert_eq!(runs(&batch, &edits), ["a b c", "d e f"].map(str::to_owned).into());
}

#[test]
fn a_batch_by_affinity_is_of_one_directory() {
    let batch = json!({"window_ms": HOUR, "strategy": "affinity", "max_size": 2});
    let edits = [("x/a", ""), ("y/a", ""), ("x/b", ""), ("y/b", "")];
    assert_eq!(runs(&batch, &edits), ["x/a x/b", "y/a y/b"].map(str::to_owned).into());
}

#[test]
fn a_batch_collects_what_it_is_asked_to() {
    let batch = json!({
        "window_ms": HOUR, "strategy": "adaptive", "max_size": 3, "by": "tool_input.command",
    });
    let edits = [("a", "make"), ("b", "test"), ("c", "make")];
    assert_eq!(runs(&batch, &edits), ["make test"].map(str::to_owned).into());
}

/// Every path of a burst arrives exactly once, in few runs.
#[test]
fn a_burst_becomes_few_runs_and_loses_nothing() {
    let (dispatchers, each) = (4, rounds(10, 250));
    // One write each: runs of a hook follow each other.
    let command = "cat >> \"$LOG/payloads\"; printf '%s\\n' \"$CPH_BATCH_PATHS\" >> \"$LOG/paths\"; \
                   echo \"$CPH_BATCH_SIZE\" >> \"$LOG/sizes\"";
    let batch = json!({"batch": {"window_ms": 2000, "max_size": 100}, "async": true,
        "type": "command", "command": command});
    let ground = Ground::new(&json!({"PostToolUse": [{"matcher": "Edit", "hooks": [batch]}]}));
    thread::scope(|scope| {
        for dispatcher in 0..dispatchers {
            let ground = &ground;
            scope.spawn(move || {
                for number in 0..each {
                    let path = format!("src/{dispatcher}/{number}.py");
                    let fields = json!({
                        "tool_name": "Edit", "tool_input": {"file_path": path},
                        "tool_use_id": format!("toolu_{dispatcher}_{number}"),
                    });
                    let child = ground.dispatch(ground.command(CPH), "PostToolUse", &fields);
                    assert_eq!(ended(child).code, 0);
                }
            });
        }
    });
    ground.drain();
    let total = dispatchers * each;
    let paths = ground.log("paths");
    let paths: Vec<_> = paths.lines().collect();
    assert_eq!(paths.len(), total, "{}", ground.story());
    assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), total);
    let sizes = ground.log("sizes");
    let sizes: Vec<usize> = sizes.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), total);
    assert!(sizes.len() < total, "{sizes:?}");
    println!("{total} events became {} runs", sizes.len());
    let payloads = ground.log("payloads");
    let payloads = payloads.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: usize = payloads.map(|run| run["batch"].as_array().unwrap().len()).sum();
    assert_eq!(told, total);
}
