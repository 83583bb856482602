//! `cph install --observe`: nothing but a line is left of a firing, and everything can be taken
//! back.

use serde_json::{Value, json};

use crate::cph::Cph;

/// Odd on purpose: all of it must be there again afterwards.
const SETTINGS: &str = "{\r\n\t\"hooks\":{\"PreToolUse\":[ {\"matcher\":\"Bash\",\"hooks\":[{\"type\":\"command\",\"command\":\"./a.sh\"},{\"type\":\"command\",\"command\":\" ./a.sh\"}]}],\r\n \"Stop\":[ {\"hooks\":[{\"type\":\"command\",\"command\":\"say done\"}]}]}\r\n}";

const HOOKS: &str =
    r#"{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "./new.sh"}]}]}}"#;

const ORCHESTRATOR: &str =
    r#"{"hooks": {"TaskComplete": [{"hooks": [{"type": "command", "command": "say done"}]}]}}"#;

fn project() -> Cph {
    Cph::new()
        .project_file(".claude/settings.json", SETTINGS)
        .project_file(".claude/hooks.json", HOOKS)
        .project_file(".task_orchestrator/hooks.json", ORCHESTRATOR)
}

/// Fires at the observer as Claude Code would, by what stands in the settings.
fn fire(cph: Cph, event: &str, more: &Value) -> Cph {
    let settings: Value =
        serde_json::from_str(&cph.read("project/.claude/settings.json").unwrap()).unwrap();
    let handlers = settings["hooks"][event].as_array().unwrap().iter();
    let handlers = handlers.flat_map(|group| group["hooks"].as_array().unwrap());
    let observer = handlers.filter(|one| one["command"] == "cph").collect::<Vec<_>>();
    assert_eq!(observer.len(), 1, "{settings:#}");
    assert_eq!(observer[0]["async"], true, "nobody waits for it");
    let args: Vec<_> =
        observer[0]["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let mut payload = json!({
        "hook_event_name": event, "session_id": "s1",
        "cwd": cph.path("project"), "transcript_path": cph.path("home/gone.jsonl"),
    });
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let cph = cph.stdin(&payload.to_string());
    let ran = cph.run(&args);
    assert_eq!(ran.shown(), "exit 0\n--- stdout\n--- stderr\n");
    cph
}

fn observed() -> Cph {
    let cph = project();
    cph.succeed(&["install", "--observe"]);
    let cph =
        fire(cph, "PreToolUse", &json!({"tool_name": "Bash", "tool_input": {"command": "secret"}}));
    let cph = fire(cph, "PreToolUse", &json!({"tool_name": "Read", "tool_input": {}}));
    fire(cph, "Stop", &json!({}))
}

#[test]
fn hooks_stay_where_they_are_and_all_of_it_goes_back() {
    let cph = project();
    let before = cph.files();
    let dry = cph.succeed(&["install", "--observe", "--dry-run"]);
    assert!(dry.contains("observe"), "{dry}");
    assert_eq!(cph.files(), before);
    assert_eq!(cph.run(&["install", "--observe", "--check"]).code, 1);
    insta::assert_snapshot!(cph.run(&["install", "--observe"]).shown(), @r"
    exit 0
    --- stdout
    observing PreToolUse, Stop in .claude/settings.json
    changed
      backup   .claude/settings.json.original
      edited   .claude/settings.json
    all hooks stay with Claude Code; work for a while, then: cph observe report
    --- stderr
    ");
    cph.succeed(&["install", "--observe", "--check"]);
    assert_eq!(cph.run(&["install", "--check"]).code, 1, "no hook runs by cph");
    let settings = cph.read("project/.claude/settings.json").unwrap();
    assert!(settings.contains("./a.sh") && settings.contains("say done"), "{settings}");
    let again = cph.files();
    cph.succeed(&["install", "--observe"]);
    assert_eq!(cph.files(), again);
    let doctor = cph.run(&["doctor"]).stdout;
    assert!(doctor.contains("only observes") && !doctor.contains("registered nowhere"), "{doctor}");
    cph.succeed(&["uninstall"]);
    assert_eq!(cph.files(), before);
}

#[test]
fn what_would_have_changed_is_told() {
    let cph = observed();
    let report: Value =
        serde_json::from_str(&cph.succeed(&["observe", "report", "--json"])).unwrap();
    for (key, number) in [
        ("sessions", 1),
        ("firings", 3),
        ("firings_with_hooks", 3),
        ("native_runs", 3),
        ("saved_runs", 1),
        ("shared_runs", 1),
        ("unread_hooks", 2),
    ] {
        assert_eq!(report[key], number, "{key} in {report:#}");
    }
    assert_eq!(report["heard"]["missing"], 1);
    let text = cph.succeed(&["observe", "report"]);
    let text: Vec<_> = text
        .lines()
        .filter(|line| !line.contains("the observer itself took"))
        .map(|line| line.split(", from ").next().unwrap())
        .collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    seen 3 firings of 1 session
    with cph
           3  runs of hooks by Claude Code itself
           1  of these saved: the same hook again for one firing
           1  of hooks that the orchestrator has too: once for both, where both fire
           0  firings with several hooks that can speak: their answers in a fixed order
           2  times a hook was meant that stands only in a file which Claude Code does not read
    hooks
      PreToolUse ./a.sh: meant 1 time, run 2, 1 saved
      Stop say done: meant 1 time, run 1, shared with the orchestrator
      PreToolUse ./new.sh: meant 2 times, run 0
    in the transcripts of 0 sessions (1 not there any more)
           0  answers of hooks that are written there
           0  that look like JSON and are none: cph says so, Claude Code does not
           0  hooks that failed
    what an observer cannot see
      what hooks print: only what Claude Code wrote into transcripts, as long as they are there
      hooks of plugins, of an administrator, and of skills and agents
      firings of an orchestrator: whether a shared hook really ran twice
      firings at the very end of a session that is not waited for: counts are lower bounds
    ");
    let nothing = cph.succeed(&["observe", "report", "--since", "2999-01-01"]);
    assert!(nothing.contains("nothing was seen"), "{nothing}");
    assert_eq!(cph.run(&["observe", "report", "--since", "soon"]).code, 64);
    cph.succeed(&["observe", "clear"]);
    assert!(cph.succeed(&["observe", "report"]).contains("nothing was seen yet"));
}

#[test]
fn nothing_of_a_payload_is_kept_but_names() {
    let cph = observed();
    let state = cph.path("state/cph/projects");
    let dir = std::fs::read_dir(state).unwrap().next().unwrap().unwrap().path();
    let lines = std::fs::read_to_string(dir.join("observed.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 3);
    assert!(!lines.contains("secret"), "{lines}");
    assert!(!dir.join("journal.jsonl").exists(), "nothing was dispatched");
}

#[test]
fn an_observer_is_silent_whatever_it_is_given() {
    let cph = project();
    for stdin in ["", "{", "[]", "{}", "\u{0}"] {
        let cph = Cph::new().stdin(stdin);
        let ran = cph.run(&["observe", "note", "No\u{e9}vent", "--scope"]);
        assert_eq!(ran.shown(), "exit 0\n--- stdout\n--- stderr\n", "{stdin:?}");
    }
    let lost = cph.env("HOME", "/nowhere").env("XDG_STATE_HOME", "/dev/null/x").stdin("{}");
    let ran = lost.run(&["observe", "note", "Stop", "--scope", "project"]);
    assert_eq!(ran.shown(), "exit 0\n--- stdout\n--- stderr\n");
}

#[test]
fn where_cph_runs_the_hooks_there_is_nothing_to_observe_and_the_other_way_is_open() {
    let cph = project();
    cph.succeed(&["install", "--observe"]);
    cph.succeed(&["install", "--yes"]);
    cph.succeed(&["install", "--check"]);
    let settings = cph.read("project/.claude/settings.json").unwrap();
    assert!(!settings.contains("\"note\""), "{settings}");
    let refused = cph.run(&["install", "--observe"]);
    assert_eq!(refused.code, 70);
    assert!(refused.stderr.contains("cph uninstall"), "{}", refused.stderr);
    cph.succeed(&["uninstall"]);
    assert_eq!(cph.read("project/.claude/settings.json").as_deref(), Some(SETTINGS));
    let empty = Cph::new();
    assert_eq!(empty.run(&["install", "--observe"]).code, 1);
    assert_eq!(empty.files(), []);
}
