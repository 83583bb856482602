//! `examples/background` does what its README says, and the classic beside it does its part too.

use std::{fs, path::Path};

use serde_json::json;

use super::ground::{Ground, said};

#[test]
fn the_example_does_what_it_says() {
    let ground = Ground::new(&json!({}));
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/background");
    for dir in ["hooks", "before", ".claude"] {
        fs::create_dir_all(ground.project().join(dir)).unwrap();
        for entry in fs::read_dir(example.join(dir)).unwrap() {
            let entry = entry.unwrap();
            // With its mode.
            fs::copy(entry.path(), ground.project().join(dir).join(entry.file_name())).unwrap();
        }
    }
    for name in ["a.py", "b.py", "a.py", "c.txt"] {
        let fields = json!({
            "tool_name": "Edit", "tool_input": {"file_path": ground.project().join(name)},
        });
        ground.fire_with("PostToolUse", &fields);
    }
    ground.fire("Stop");
    ground.drain();
    let made = |name: &str| fs::read_to_string(ground.project().join(name)).unwrap_or_default();
    let payload = ground.payload("Stop", &json!({}));
    assert_eq!(made("last-stop.json"), payload, "{}", ground.story());
    assert!(made("journal.jsonl").contains("main"), "{}", made("journal.jsonl"));
    assert_eq!(made("uploaded.txt").lines().count(), 1);
    let formatted = made("formatted.txt");
    for name in ["a.py", "b.py"] {
        assert!(formatted.contains(&format!("/{name}\n")), "{formatted}");
    }
    assert!(!formatted.contains("c.txt"), "{formatted}");
    assert!(ground.jobs().iter().all(|job| job["state"] == "done"), "{}", ground.story());
    let mut classic = ground.command(ground.project().join("before/stop.sh"));
    classic.stdin(std::process::Stdio::null());
    let classic = said(classic);
    assert_eq!(classic.code, 0, "{classic:?}");
}
