//! `cph watch` as a process beside an editor: whatever happens to the files, what is told last is
//! what is on the disk.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Child,
};

use serde_json::{Value, json};

use crate::{cph::Cph, wait};

/// A `cph watch --json` that runs until this is dropped.
struct Watching {
    child: Child,
    said: PathBuf,
}

impl Watching {
    fn start(cph: &Cph, more: &[&str]) -> Self {
        let said = cph.path("tmp/said");
        let mut command = cph.command(env!("CARGO_BIN_EXE_cph"));
        command.args(["watch", "--json"]).args(more).stdout(File::create(&said).unwrap());
        let watching = Self { child: command.spawn().unwrap(), said };
        watching.tells("a first look", |_| true);
        watching
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.said).unwrap();
        // The last line may not be whole yet.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until the last line is as it should be, and gives it.
    #[track_caller]
    fn tells(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let is_told = || self.lines().last().is_some_and(&holds);
        let told = wait::until(wait::PATIENCE, is_told);
        let lines = self.lines();
        assert!(told, "{what} was not told: {:#}", lines.last().unwrap_or(&Value::Null));
        lines.last().unwrap().clone()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn hook(id: &str) -> Value {
    json!({"type": "command", "id": id, "command": format!("echo {id}")})
}

fn hooks(event: &str, ids: &[&str]) -> String {
    let handlers: Vec<_> = ids.iter().map(|id| hook(id)).collect();
    json!({"hooks": {event: [{"hooks": handlers}]}}).to_string()
}

/// The ids of the hooks that a line tells of.
fn ids(line: &Value) -> BTreeSet<String> {
    let hooks = line["hooks"].as_array().unwrap().iter();
    hooks.map(|hook| hook["id"].as_str().unwrap().to_owned()).collect()
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn each_change_is_told_with_what_it_means() {
    let cph = Cph::new().project_file(".claude/hooks.json", &hooks("Stop", &["one", "two"]));
    let watching = Watching::start(&cph, &[]);
    let file = cph.path("project/.claude/hooks.json");
    let changed = hooks("Stop", &["two", "three"]).replace("echo two", "echo 2");
    // At once, so that there is no other state between.
    put(&file.with_extension("new"), &changed);
    fs::rename(file.with_extension("new"), &file).unwrap();
    let line = watching.tells("the change", |line| ids(line).contains("three"));
    let lines = watching.lines();
    assert_eq!(lines.len(), 2, "one write is one change: {lines:#?}");
    assert_eq!(line["files"], json!([file]));
    let told: Vec<_> =
        line["changes"].as_array().unwrap().iter().map(|c| (&c["what"], &c["id"])).collect();
    let expected = [("dropped", "one"), ("changed", "two"), ("added", "three")];
    assert_eq!(told.len(), 3, "{line:#}");
    for (what, id) in expected {
        assert!(told.contains(&(&json!(what), &json!(id))), "{what} {id}: {line:#}");
    }
    put(&file, r#"{"hooks": {"Stop": [{"matcher": "x", "hooks": [{"type": "comand"}]}]}}"#);
    watching.tells("the fault", |line| line["findings"].to_string().contains("unknown-type"));
    put(&cph.path("home/.claude/hooks.json"), &hooks("Stop", &["mine"]));
    watching.tells("the user's file", |line| ids(line).contains("mine"));
    put(&cph.path("project/.claude/settings.json"), &hooks("Stop", &["native"]));
    let line =
        watching.tells("a native hook", |line| line["hooks"].to_string().contains("echo native"));
    assert_eq!(line["changes"][0]["native"], true, "{line:#}");
}

#[test]
fn a_file_that_is_named_by_another_is_watched_too() {
    let named = r#"{"hooks": {}, "integration": {"shared_hooks_path": "team/hooks.json"}}"#;
    let cph = Cph::new()
        .project_file(".claude/hooks.json", named)
        .project_file("team/hooks.json", &hooks("Stop", &["one"]));
    let watching = Watching::start(&cph, &[]);
    watching.tells("the shared file", |line| ids(line).contains("one"));
    put(&cph.path("project/team/hooks.json"), &hooks("Stop", &["two"]));
    watching.tells("its change", |line| ids(line).contains("two"));
}

#[test]
fn once_ends_after_the_first_change() {
    let cph = Cph::new().project_file(".claude/hooks.json", &hooks("Stop", &["one"]));
    let mut watching = Watching::start(&cph, &["--once"]);
    assert!(watching.child.try_wait().unwrap().is_none(), "nothing has changed yet");
    put(&cph.path("project/.claude/hooks.json"), &hooks("Stop", &["two"]));
    let mut status = None;
    assert!(wait::until(wait::PATIENCE, || {
        status = watching.child.try_wait().unwrap();
        status.is_some()
    }));
    assert_eq!(status.unwrap().code(), Some(0));
    assert_eq!(watching.lines().len(), 2);
}

#[test]
fn settings_follow_what_is_trusted_and_nothing_else() {
    let cph = Cph::new().project_file(".claude/hooks.json", &hooks("Stop", &["one"]));
    cph.succeed(&["install", "--yes"]);
    let settings = cph.read("project/.claude/settings.json").unwrap();
    let watching = Watching::start(&cph, &["--sync"]);
    let file = cph.path("project/.claude/hooks.json");
    put(&file, &hooks("PreCompact", &["two"]));
    let line = watching.tells("what waits", |line| !line["waiting"].as_array().unwrap().is_empty());
    assert_eq!(line["registrations"][0]["synced"], false, "{line:#}");
    assert_eq!(cph.read("project/.claude/settings.json").as_ref(), Some(&settings));
    cph.succeed(&["trust", "--yes"]);
    watching.tells("that it is in step", |line| line["registrations"][0]["in_step"] == true);
    cph.succeed(&["install", "--check"]);
    let synced = |line: &Value| line["registrations"][0]["synced"] == true;
    assert_eq!(watching.lines().iter().filter(|line| synced(line)).count(), 1);
    put(&file, "{ no JSON");
    let line =
        watching.tells("the fault", |line| line["findings"].to_string().contains("invalid-json"));
    assert_ne!(line["registrations"][0]["synced"], true, "{line:#}");
    assert!(cph.read("project/.claude/settings.json").unwrap().contains("PreCompact"));
}

/// As good as random, and the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

const FILES: [&str; 4] = [
    "project/.claude/hooks.json",
    "project/.claude/hooks.local.json",
    "project/.task_orchestrator/hooks.json",
    "home/.claude/hooks.json",
];

/// The ids that stand on the disk, and how many files are no JSON.
fn on_disk(cph: &Cph) -> (BTreeSet<String>, usize) {
    let (mut ids, mut broken) = (BTreeSet::new(), 0);
    for text in FILES.iter().filter_map(|name| cph.read(name)) {
        let Ok(value) = serde_json::from_str::<Value>(&text) else {
            broken += 1;
            continue;
        };
        for groups in value["hooks"].as_object().unwrap().values() {
            let handlers = groups[0]["hooks"].as_array().unwrap();
            ids.extend(handlers.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        }
    }
    (ids, broken)
}

/// What a line tells of the same.
fn told(line: &Value) -> (BTreeSet<String>, usize) {
    let findings = line["findings"].as_array().unwrap().iter();
    (ids(line), findings.filter(|found| found["rule"] == "invalid-json").count())
}

/// One edit, as one of many programs makes it.
fn edit(cph: &Cph, dice: &mut Dice, number: usize) {
    let path = cph.path(FILES[dice.below(FILES.len())]);
    let id = format!("h{number}");
    let text = hooks(["Stop", "PreCompact", "Notification"][dice.below(3)], &[&id, "stays"]);
    let dir = path.parent().unwrap();
    fs::create_dir_all(dir).unwrap();
    match dice.below(8) {
        0 | 1 => put(&path, &text),
        2 => {
            let draft = path.with_extension("swp");
            put(&draft, &text);
            fs::rename(&draft, &path).unwrap();
        }
        3 => {
            let backup = path.with_extension("json~");
            drop(fs::rename(&path, &backup));
            put(&path, &text);
            drop(fs::remove_file(backup));
        }
        4 => {
            let (first, second) = text.split_at(text.len() / 2);
            let mut file = File::create(&path).unwrap();
            file.write_all(first.as_bytes()).unwrap();
            file.flush().unwrap();
            file.write_all(second.as_bytes()).unwrap();
        }
        5 => drop(fs::remove_file(&path)),
        6 => {
            fs::remove_dir_all(dir).unwrap();
            if dice.below(2) == 0 {
                put(&path, &text);
            }
        }
        _ => put(&path, &text[..text.len() / 2]),
    }
}

#[test]
fn after_a_thousand_edits_what_is_told_is_what_is_there() {
    let cph = Cph::new().project_file(".claude/hooks.json", &hooks("Stop", &["first"]));
    let watching = Watching::start(&cph, &[]);
    let mut dice = Dice(7);
    for number in 0..1000 {
        edit(&cph, &mut dice, number);
        if dice.below(40) == 0 || number == 999 {
            let expected = on_disk(&cph);
            watching.tells("what is on the disk", |line| told(line) == expected);
        }
    }
    let looks = watching.lines().len();
    assert!(looks < 1000, "bursts are one change: {looks} looks");
}
