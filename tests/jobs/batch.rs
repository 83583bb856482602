//! Bursts that become one run.

use std::{collections::BTreeSet, thread};

use serde_json::{Value, json};

use super::{
    ground::{CPH, Ground, ended},
    storm::rounds,
};

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
