//! What the guide and the reference of background hooks show, run as it stands there.

use std::{fs, io::Write as _, path::Path, process::Stdio};

use serde_json::{Map, Value, json};

use super::ground::{CPH, Ground, ended, said};
use crate::wait::{PATIENCE, until};

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The fenced blocks of a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("\n```{language}\n");
    text.split(&fence).skip(1).map(|block| block.split("\n```").next().unwrap()).collect()
}

/// The cells of every row of the tables below a heading, but for heads and lines.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let section = text.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = |line: &str| -> Vec<String> {
        let line = line.replace("\\|", "\u{1}");
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('\u{1}', "|")).collect()
    };
    let lines = section.lines().filter(|line| line.starts_with('|'));
    let rows: Vec<_> = lines.map(cells).collect();
    rows.into_iter().skip(2).collect()
}

/// The fields that a cell shows: `"retry": 2` in backticks.
fn fields(cell: &str) -> Map<String, Value> {
    let codes = cell.split('`').skip(1).step_by(2);
    let mut all = Map::new();
    for code in codes.filter(|code| code.starts_with('"') && code.contains(':')) {
        let object: Value = serde_json::from_str(&format!("{{{code}}}")).unwrap();
        all.extend(object.as_object().unwrap().clone());
    }
    all
}

/// A script of the project. By a process of its own, as [`Ground::copy_program`] tells.
fn script(ground: &Ground, path: &str, text: &str) {
    let path = ground.project().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut write = ground.command("/bin/sh");
    write.args(["-c", "cat > \"$0\" && chmod 755 \"$0\""]).arg(&path);
    let mut child = write.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// The guide's own words, from the fork to the job that is tried again until there is a place.
#[test]
fn the_guide_moves_a_hook_as_it_says() {
    let guide = document("background-migration.md");
    let (scripts, files) = (blocks(&guide, "sh"), blocks(&guide, "json"));
    assert_eq!((scripts.len(), files.len()), (2, 2));
    let mut hooks: Value = serde_json::from_str(files[0]).unwrap();
    // As often as a busy machine needs, and without the pauses.
    let retry = json!({"max": 100_000, "delay_ms": 20, "max_delay_ms": 20});
    assert_eq!(hooks["hooks"]["Stop"][0]["hooks"][0]["retry"], json!({"max": 2, "delay_ms": 5000}));
    hooks["hooks"]["Stop"][0]["hooks"][0]["retry"] = retry;
    let ground = Ground::new(&hooks["hooks"]);
    fs::write(ground.project().join("notes.md"), "a note\n").unwrap();
    let target = ground.path("log/published");
    let there = target.join("notes.md");
    let stop = || {
        let mut command = ground.command(CPH);
        command.env("PUBLISH_TO", &target);
        let said = ended(ground.dispatch(command, "Stop", &json!({})));
        assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "", ""));
    };
    // Before: it answers at once, and works behind.
    fs::create_dir(&target).unwrap();
    script(&ground, "before.sh", scripts[0]);
    let mut before = ground.command(ground.project().join("before.sh"));
    before.env("PUBLISH_TO", &target).stdin(Stdio::null());
    assert_eq!(said(before).code, 0);
    assert!(until(PATIENCE, || there.is_file()), "the fork did nothing");
    fs::remove_dir_all(&target).unwrap();
    // After: a failure is seen, and tried again.
    script(&ground, ".claude/hooks/publish.sh", scripts[1]);
    stop();
    let has_failed = || ground.jobs().iter().any(|job| job["failures"].as_u64() >= Some(1));
    assert!(until(PATIENCE, has_failed), "{}", ground.story());
    fs::create_dir(&target).unwrap();
    ground.drain();
    assert!(there.is_file(), "{}", ground.story());
    assert_eq!(ground.jobs()[0]["state"], "done");
}

#[test]
fn the_batch_of_the_guide_has_all_paths() {
    let guide = document("background-migration.md");
    let hooks: Value = serde_json::from_str(blocks(&guide, "json")[1]).unwrap();
    let ground = Ground::new(&hooks["hooks"]);
    let check =
        "#!/bin/sh\ncat >> \"$LOG/stdin\"; printf '%s\\n' \"$CPH_BATCH_PATHS\" >> \"$LOG/paths\"\n";
    script(&ground, ".claude/hooks/check.sh", check);
    for name in ["a.md", "b.md", "c.txt", "a.md"] {
        let path = ground.project().join(name);
        let fields = json!({"tool_name": "Write", "tool_input": {"file_path": path}});
        ground.fire_with("PostToolUse", &fields);
    }
    ground.drain();
    let (paths, stdin) = (ground.log("paths"), ground.log("stdin"));
    for name in ["/a.md\n", "/b.md\n"] {
        assert!(paths.contains(name), "{paths}");
    }
    assert!(!paths.contains("c.txt"), "{paths}");
    let batches = stdin.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: usize = batches.map(|run| run["batch"].as_array().unwrap().len()).sum();
    assert_eq!(told, 3, "{stdin}");
}

/// Every row of the guide's conditions: a payload that is meant, and one that is not.
#[test]
fn the_conditions_of_the_guide_hold() {
    let python = ["tool_name=Edit", "tool_input.file_path={project}/a.py"];
    let ruby = ["tool_name=Edit", "tool_input.file_path={project}/a.rb"];
    let cases: [(&str, [&str; 2], [&str; 2]); 3] = [
        ("matcher", python, ["tool_name=Read", "tool_input.file_path={project}/a.py"]),
        ("paths", python, ruby),
        (
            "if",
            ["tool_name=Bash", "tool_input.command=git commit -m x"],
            ["tool_name=Bash", "tool_input.command=git log"],
        ),
    ];
    let guide = document("background-migration.md");
    let mut rows = rows(&guide, "When it runs").into_iter().map(|row| fields(&row[1]));
    let ground = Ground::new(&json!({}));
    let is_meant = |sets: [&str; 2]| {
        let project = ground.project().display().to_string();
        let sets = sets.map(|set| set.replace("{project}", &project));
        let words = ["test", "h", "--trust-all", "--json", "--set", &sets[0], "--set", &sets[1]];
        let said = ground.cph(&words);
        let told: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
        told["matches"].as_bool().unwrap()
    };
    for (field, yes, no) in cases {
        let mut shown = rows.next().unwrap();
        assert_eq!(shown.keys().collect::<Vec<_>>(), [field]);
        let mut group = json!({});
        if let Some(matcher) = shown.remove("matcher") {
            group["matcher"] = matcher;
        }
        let mut hook = super::ground::hook("true", &json!({"id": "h"}));
        hook.as_object_mut().unwrap().extend(shown);
        group["hooks"] = json!([hook]);
        ground.configure(&json!({"PostToolUse": [group]}));
        assert_eq!((is_meant(yes), is_meant(no)), (true, false), "{field}");
    }
    // The last is about who fires.
    let shown = rows.next().unwrap();
    assert_eq!(Value::Object(shown.clone()), json!({"processors": ["task_orchestrator"]}));
    let mut hook = super::ground::hook("echo x >> \"$LOG/ran\"", &json!({"id": "h"}));
    hook.as_object_mut().unwrap().extend(shown);
    ground.configure(&json!({"Stop": [{"hooks": [hook]}]}));
    ground.fire("Stop");
    ground.drain();
    assert_eq!((ground.jobs().len(), rows.next()), (0, None));
}

/// The formatter at the head of the reference, with a formatter that only says what it was given.
#[test]
fn the_first_example_of_the_reference_formats_every_path() {
    let text = document("background.md");
    let hooks: Value = serde_json::from_str(blocks(&text, "json")[0]).unwrap();
    let ground = Ground::new(&hooks["hooks"]);
    script(&ground, "bin/ruff", "#!/bin/sh\nfor word; do echo \"$word\" >> \"$LOG/ruff\"; done\n");
    for name in ["a.py", "two words.py"] {
        let mut command = ground.command(CPH);
        let bin = ground.project().join("bin");
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        let fields =
            json!({"tool_name": "Edit", "tool_input": {"file_path": format!("/p/{name}")}});
        assert_eq!(ended(ground.dispatch(command, "PostToolUse", &fields)).code, 0);
    }
    ground.drain();
    let given = ground.log("ruff");
    for line in ["format", "/p/a.py", "/p/two words.py"] {
        assert!(given.lines().any(|given| given == line), "{given}; {}", ground.story());
    }
}

/// What the reference says to write instead of a shell's means is understood.
#[test]
fn what_is_written_instead_of_a_fork_is_sound() {
    let text = document("background.md");
    let rows = rows(&text, "Coming from `( … ) &`");
    let shown: Vec<_> =
        rows.iter().map(|row| fields(&row[1])).filter(|row| !row.is_empty()).collect();
    assert!(shown.len() >= 7, "{shown:?}");
    for fields in shown {
        let ground = Ground::with("true", &Value::Object(fields.clone()));
        let said = ground.cph(&["lint"]);
        assert_eq!(said.code, 0, "{fields:?}: {said:?}");
        ground.fire_with("Stop", &json!({}));
        ground.drain();
        assert_eq!(ground.jobs()[0]["state"], "done", "{fields:?}");
    }
}
