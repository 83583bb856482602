//! One minimal file per shape that people write.

use proptest::prelude::*;

use super::*;
use crate::{
    diag::Severity,
    json::pointer,
    model::hook::{Handler, OnFailure, Shell},
};

const CLAUDE: Belongs = Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) };
const ORCHESTRATOR: Belongs =
    Belongs { layer: Layer::Project, owner: Some(Processor::TaskOrchestrator) };

fn read_text(text: &str) -> Read {
    read(&SourceFile::new("hooks.json", text), CLAUDE, Want::All)
}

/// `EVENT [MATCHER] handler` of every entry.
fn told(read: &Read) -> Vec<String> {
    let tell = |e: &Entry| {
        let matcher = e.matcher.as_deref().map(|m| format!(" [{m}]")).unwrap_or_default();
        format!("{}{matcher} {}", e.event.name_or_own(e.vocabulary), e.handler)
    };
    read.entries.iter().map(tell).collect()
}

fn found(read: &Read) -> Vec<&'static str> {
    read.diagnostics.iter().map(|d| d.rule.name).collect()
}

#[track_caller]
fn check(text: &str, entries: &[&str], rules: &[&str]) {
    let read = read_text(text);
    assert_eq!((told(&read), found(&read)), (to_owned(entries), rules.to_vec()), "{text}");
}

fn to_owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

#[test]
fn the_right_shape_is_read_silently() {
    check(
        r#"{"$schema":"x","hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[
            {"type":"command","command":"a.sh","timeout":5},{"type":"http","url":"http://h/"}]}],
            "Stop":[{"hooks":[{"type":"prompt","prompt":"done?"}]}]}}"#,
        &["PreToolUse [Bash] a.sh", "PreToolUse [Bash] POST http://h/", "Stop (prompt hook)"],
        &[],
    );
}

const STOP: &[&str] = &["Stop a.sh"];
const BASH: &[&str] = &["PreToolUse [Bash] a.sh"];
const EDIT: &[&str] = &["PostToolUse [Edit|Write] a.sh"];

/// Text, entries, findings.
const SHAPES: &[(&str, &[&str], &[&str])] = &[
    (r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","command":"a.sh"}]}}"#, BASH, &["flat-handler"]),
    (r#"{"hooks":{"Stop":{"command":"a.sh"}}}"#, STOP, &["single-object"]),
    (
        r#"{"hooks":{"Stop":{"hooks":[{"type":"command","command":"a.sh"}]}}}"#,
        STOP,
        &["single-object"],
    ),
    (
        r#"{"hooks":{"Stop":[{"hooks":{"type":"command","command":"a.sh"}}]}}"#,
        STOP,
        &["single-object"],
    ),
    (
        r#"{"Stop":[{"hooks":[{"type":"command","command":"a.sh"}]}]}"#,
        STOP,
        &["events-at-top-level"],
    ),
    (r#"{"hooks":[{"event":"Stop","command":"a.sh"}]}"#, STOP, &["hooks-as-records"]),
    (
        r#"[{"trigger":"Stop","hooks":[{"type":"command","command":"a.sh"}]}]"#,
        STOP,
        &["hooks-as-records"],
    ),
    (r#"{"hooks":{"Stop":["a.sh"]}}"#, STOP, &["legacy-string"]),
    (r#"{"hooks":{"Stop":"a.sh"}}"#, STOP, &["legacy-string"]),
    (r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":["a.sh"]}]}}"#, BASH, &["legacy-string"]),
    (
        r#"{"hooks":{"stop":[{"hooks":[{"type":"command","command":"a.sh"}]}]}}"#,
        STOP,
        &["event-spelling"],
    ),
    (
        r#"{"hooks":{"AssistantResponse":[{"hooks":[{"type":"command","command":"a.sh"}]}]}}"#,
        STOP,
        &["legacy-event"],
    ),
    (r#"{"hooks":{"Stop":[{"hooks":[{"command":"a.sh"}]}]}}"#, STOP, &["missing-type"]),
    (
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","script":"a.sh"}]}]}}"#,
        STOP,
        &["field-alias"],
    ),
    (
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","shell":"a.sh"}]}]}}"#,
        STOP,
        &["field-alias"],
    ),
    (
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"script","command":"a.sh"}]}]}}"#,
        STOP,
        &["unknown-type"],
    ),
    (
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":["a.sh"]}]}]}}"#,
        STOP,
        &["field-alias"],
    ),
    (
        r#"{"hooks":{"PostToolUse":[{"matcher":{"tool":["Edit","Write"],"pattern":"*.ts"},
            "command":"a.sh"}]}}"#,
        EDIT,
        &["matcher-form", "flat-handler"],
    ),
    (
        r#"{"hooks":{"PostToolUse":[{"matcher":["Edit","Write"],
            "hooks":[{"type":"command","command":"a.sh"}]}]}}"#,
        EDIT,
        &["matcher-form"],
    ),
    (
        r#"{"hooks":{"Stop":[{"type":"command","command":"a.sh"}],
            "PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"a.sh"}]}]}}"#,
        &["Stop a.sh", "PreToolUse [Bash] a.sh"],
        &["flat-handler"],
    ),
];

#[test]
fn every_shape_of_the_wild_is_read_with_a_warning() {
    for (text, entries, rules) in SHAPES {
        check(text, entries, rules);
        let read = read_text(text);
        assert!(read.diagnostics.iter().all(|d| d.severity == Severity::Warning), "{text}");
    }
}

#[test]
fn what_claude_code_would_do_is_said() {
    let note = |text| read_text(text).diagnostics[0].notes.join(" ");
    assert!(note(r#"{"hooks":{"Stop":["a"]}}"#).contains("ignores this part"));
    assert!(note(r#"{"hooks":{"PreToolUse":["a"]}}"#).contains("every hook of the file"));
    assert_eq!(note(r#"{"hooks":{"TaskBreakdown":["a"]}}"#), "");
}

#[test]
fn a_broken_entry_costs_only_itself() {
    let good = r#"{"hooks":[{"type":"command","command":"a.sh"}]}"#;
    let cases = [
        ("7", "not-a-hook"),
        ("[]", "not-a-hook"),
        (r#"{"hooks":7}"#, "not-a-hook"),
        (r#"{"hooks":[7]}"#, "not-a-hook"),
        (r#"{"hooks":[{"type":"command"}]}"#, "missing-field"),
        (r#"{"hooks":[{"type":"http","url":"ftp://x"}]}"#, "not-a-hook"),
        (r#"{"hooks":[{"type":"prompt"}]}"#, "missing-field"),
        (r#"{"hooks":[{"type":"inline","inline":{}}]}"#, "unknown-type"),
        (r#"{"hooks":[{"type":7,"command":"b"}]}"#, "unknown-type"),
        (r#"{"hooks":[{"type":"command","command":" "}]}"#, "not-a-hook"),
        (r#"{"hooks":[{"type":"command","command":"b","args":"x"}]}"#, "not-a-hook"),
        (
            r#"{"matcher":{"file_paths":["x"]},"hooks":[{"type":"command","command":"b"}]}"#,
            "unreadable-matcher",
        ),
        (r#"{"hooks":[""]}"#, "not-a-hook"),
    ];
    for (bad, rule) in cases {
        for event in ["Stop", "PreToolUse"] {
            let text = format!(r#"{{"hooks":{{"{event}":[{good},{bad},{good}]}}}}"#);
            let read = read_text(&text);
            assert_eq!(read.entries.len(), 2, "{text}");
            let errors: Vec<_> =
                read.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
            assert_eq!(errors.iter().map(|d| d.rule.name).collect::<Vec<_>>(), [rule], "{text}");
        }
    }
}

#[test]
fn files_of_other_tools_are_recognised() {
    let tool = |text: &str| {
        let read = read_text(text);
        assert_eq!(told(&read), [""; 0], "{text}");
        assert_eq!(found(&read), ["foreign-dialect"], "{text}");
        read.diagnostics[0].message.clone()
    };
    assert!(tool(r#"{"version":1,"hooks":{"preToolUse":[{"command":"a"}]}}"#).contains("Cursor"));
    assert!(tool(r#"{"hooks":{"afterFileEdit":[{"command":"a"}]}}"#).contains("Cursor"));
    assert!(
        tool(r#"{"version":1,"hooks":{"preToolUse":[{"bash":"a","timeoutSec":9}]}}"#)
            .contains("Copilot")
    );
    assert!(tool(r#"{"hooks":{"errorOccurred":[]}}"#).contains("Copilot"));
    assert!(tool(r#"{"hooks":{"BeforeTool":[{"command":"a"}]}}"#).contains("Gemini"));
    // Without a mark it is Claude Code's file in another case.
    check(
        r#"{"hooks":{"preToolUse":[{"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["PreToolUse a"],
        &["event-spelling"],
    );
}

/// What is odd about the shape under a name that means nothing is said when the name is right; what
/// is lost is said at once.
#[test]
fn under_an_unknown_event_shapes_are_not_spoken_of() {
    check(
        r#"{"hooks":{"PostDeploy":{"script":"a.sh"}}}"#,
        &["PostDeploy a.sh"],
        &["unknown-event"],
    );
    check(
        r#"{"hooks":{"PostDeploy":["a.sh",7,{"command":"b.sh","timeout":"x"}]}}"#,
        &["PostDeploy a.sh", "PostDeploy b.sh"],
        &["unknown-event", "not-a-hook", "field-type"],
    );
}

/// Keys that people take for events, in a file without any.
#[test]
fn what_people_expect_of_a_key_is_told() {
    let read = read_text(r#"{"on_save":["a.sh"],"version":1,"pre-commit":{"run":"b.sh"}}"#);
    assert_eq!(found(&read), ["no-hooks"]);
    let notes = &read.diagnostics[0].notes;
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes[1].contains("`on_save`: there is no such event; use `PostToolUse`"), "{notes:?}");
    assert!(notes[2].contains("`pre-commit`: this is the name of a git hook"), "{notes:?}");
}

#[test]
fn unknown_events_are_kept_or_explained() {
    check(
        r#"{"hooks":{"PreCommit":[{"hooks":[{"type":"command","command":"a"}]}]}}"#,
        &["PreCommit a"],
        &["unknown-event"],
    );
    let private = read_text(r#"{"hooks":{"pre-commit":{"strictness":"x","rules":[1]}}}"#);
    assert_eq!((told(&private), found(&private)), (vec![], vec!["unknown-event"]));
    assert_eq!(private.diagnostics[0].severity, Severity::Error);
    assert!(private.diagnostics[0].help.as_deref().unwrap().contains("git hook"));
    check(r#"{"on_save":["x"],"on_error":["y"]}"#, &[], &["no-hooks"]);
    check(r#"{"hooks":[]}"#, &[], &["no-hooks"]);
}

#[test]
fn duplicate_keys_lose_no_event() {
    let entry = |c| format!(r#"[{{"hooks":[{{"type":"command","command":"{c}"}}]}}]"#);
    let text = format!(r#"{{"hooks":{{"Stop":{},"Stop":{}}}}}"#, entry("a"), entry("b"));
    check(&text, &["Stop a", "Stop b"], &["duplicate-key"]);
    check(
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"a","command":"b"}]}]}}"#,
        &["Stop b"],
        &["duplicate-key"],
    );
    let twice =
        format!(r#"{{"hooks":{{"Stop":{}}},"hooks":{{"Stop":{}}}}}"#, entry("a"), entry("b"));
    check(&twice, &["Stop a", "Stop b"], &["duplicate-key"]);
}

#[test]
fn fields_become_settings() {
    let read = read_text(
        r#"{"hooks":{"Stop":[{"matcher":"m","description":"group","processors":["claude_code"],
        "paths":["src/**"],"hooks":[{"type":"command","command":"a","shell":"bash","id":"x",
        "enabled":false,"gate":false,"order":-3,"after":["y"],"timeout":1.5,"onFailure":"block",
        "async":true,"once":true,"statusMessage":"s","if":"Bash(x)","retry":{"max": 2},
        "warm":true,"processors":["task_orchestrator"],"name":"n"}]}]}}"#,
    );
    assert_eq!(found(&read), ["block-in-background"]);
    let entry = &read.entries[0];
    let shell = Some(Shell::Bash);
    assert_eq!(entry.handler, Handler::Command { command: "a".into(), args: None, shell });
    assert_eq!(entry.processors.as_deref(), Some(&[Processor::TaskOrchestrator][..]));
    assert_eq!(entry.paths, ["src/**"]);
    assert_eq!((entry.id.as_deref(), entry.label.as_deref()), (Some("x"), Some("n")));
    assert_eq!(entry.condition.as_deref(), Some("Bash(x)"));
    let settings = &entry.settings;
    assert_eq!(
        (settings.enabled, settings.gate, settings.order),
        (Some(false), Some(false), Some(-3))
    );
    assert_eq!(settings.timeout.unwrap().as_millis(), 1500);
    assert_eq!(settings.on_failure, Some(OnFailure::Block));
    assert_eq!((settings.background, settings.once), (Some(true), Some(true)));
    assert_eq!(settings.after, ["y"]);
    assert_eq!(settings.further["retry"], r#"{"max": 2}"#);
    assert_eq!(settings.further["warm"], "true");
}

#[test]
fn doubtful_fields_are_reported_and_the_hook_stays() {
    let one = |fields: &str| {
        let text = format!(
            r#"{{"hooks":{{"PreToolUse":[{{"hooks":[{{"type":"command","command":"a",{fields}}}]}}]}}}}"#
        );
        let read = read_text(&text);
        assert_eq!(read.entries.len(), 1, "{fields}");
        let settings = read.entries[0].settings.clone();
        (found(&read), settings)
    };
    let (rules, settings) = one(r#""timeout":"5""#);
    assert_eq!((rules, settings.timeout.unwrap().as_secs()), (vec!["field-type"], 5));
    for bad in ["0", "-1", "-1e400"] {
        let (rules, settings) = one(&format!(r#""timeout":{bad}"#));
        assert_eq!((rules, settings.timeout), (vec!["timeout-not-positive"], None));
    }
    assert_eq!(one(r#""timeout":5000"#).0, ["timeout-in-milliseconds"]);
    assert_eq!(one(r#""timeout":1e300"#).1.timeout.unwrap().as_secs(), 2_147_483);
    assert_eq!(one(r#""onFailure":"deny""#).1.on_failure, Some(OnFailure::Block));
    assert_eq!(one(r#""failClosed":true"#).1.on_failure, Some(OnFailure::Block));
    assert_eq!(one(r#""processors":["claude"]"#).0, ["unknown-value"]);
    assert_eq!(one(r#""timout":5"#).0, ["unknown-key"]);
    assert_eq!(one(r#""async":"true""#).1.background, Some(true));
    let (rules, settings) = one(r#""gate":true,"background":true"#);
    assert_eq!((rules, settings.background), (vec!["gate-in-background"], Some(false)));
}

#[test]
fn only_the_wanted_event_is_opened() {
    let text =
        r#"{"hooks":{"PreToolUse":[7,8],"Stop":[{"hooks":[{"type":"command","command":"a"}]}]}}"#;
    let source = SourceFile::new("hooks.json", text);
    let stop = read(&source, CLAUDE, Want::Event(&Event::claude("Stop")));
    assert_eq!((told(&stop), found(&stop)), (to_owned(&["Stop a"]), vec![]));
    let by_other_name = Event::named("TaskComplete", Processor::TaskOrchestrator).0;
    assert_eq!(read(&source, CLAUDE, Want::Event(&by_other_name)).entries.len(), 1);
}

#[test]
fn the_vocabulary_is_that_of_the_name() {
    let text = r#"{"hooks":{"TaskComplete":["a"],"Stop":["b"],"TaskCreated":["c"]}}"#;
    let source = SourceFile::new("hooks.json", text);
    let read = read(&source, ORCHESTRATOR, Want::All);
    let vocabularies: Vec<_> = read.entries.iter().map(|e| e.vocabulary).collect();
    let (claude, orchestrator) = (Processor::ClaudeCode, Processor::TaskOrchestrator);
    assert_eq!(vocabularies, [orchestrator, claude, orchestrator]);
    assert_eq!(told(&read), ["TaskComplete a", "Stop b", "TaskBreakdown c"]);
}

#[test]
fn entries_know_where_they_stand() {
    let text = "\u{feff}{\r\n \"hooks\": {\"Stop\": [\r\n  {\"hooks\": [\r\n   {\"type\": \"command\", \"command\": \"a\"}]}]}}";
    let read = read_text(text);
    let origin = &read.entries[0].origin;
    assert_eq!(origin.pointer, "/hooks/Stop/0/hooks/0");
    assert_eq!(&text[origin.span.range()], "{\"type\": \"command\", \"command\": \"a\"}");
    assert_eq!(origin.to_string(), "hooks.json:4:4");
}

#[test]
fn texts_that_are_no_json_are_explained() {
    let message = |text| {
        let read = read_text(text);
        assert_eq!(found(&read), ["invalid-json"]);
        read.diagnostics[0].one_line()
    };
    assert_eq!(message("{\n \"hooks\": {},\n}"), "hooks.json:2:13: invalid JSON: trailing comma");
    assert!(message("{\n // why\n}").ends_with("2:2: JSON has no comments"));
    assert!(message("../common/hooks.json").contains("looks like a path"));
    assert!(message(" \n").contains("empty"));
    assert!(message("{\"hooks\":").contains("invalid JSON: EOF"));
}

#[test]
fn depth_and_strangeness_do_no_harm() {
    let deep =
        format!("{{\"hooks\":{{\"Stop\":{}1{}}}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(found(&read_text(&deep)), ["not-a-hook"]);
    for text in ["null", "7", "\"x\"", "true"] {
        assert_eq!(found(&read_text(text)), ["not-a-hook-file"], "{text}");
    }
    check(r#"{"hooks":"x"}"#, &[], &["not-a-hook-file"]);
    check(r#"{"hooks":{"matcher":"Bash","hooks":[]}}"#, &[], &["not-a-hook-file"]);
    check(r#"{"hooks":{"Stop":null}}"#, &[], &[]);
    check(r#"{"hooks":{"Stop":["\ud800"]}}"#, &[], &["legacy-string", "not-a-hook"]);
}

/// A JSON value of the words that hook files are made of, in any arrangement.
fn any_json() -> impl Strategy<Value = String> {
    let words = vec![
        "null",
        "true",
        "7",
        "-0.5",
        "\"\"",
        "\"a.sh\"",
        "\"Stop\"",
        "\"command\"",
        "\"http://x\"",
        "\"\\ud800\"",
        "\"bash\"",
        "[]",
        "{}",
        "1e999",
        "\"claude_code\"",
    ];
    let keys = vec![
        "hooks",
        "Stop",
        "PreToolUse",
        "TaskComplete",
        "stop",
        "preToolUse",
        "PreCommit",
        "event",
        "matcher",
        "tool",
        "type",
        "command",
        "args",
        "script",
        "shell",
        "url",
        "headers",
        "prompt",
        "timeout",
        "if",
        "gate",
        "async",
        "processors",
        "paths",
        "after",
        "order",
        "integration",
        "presets",
        "trust",
        "deduplication_strategy",
        "version",
        "id",
        "a/b~c",
        "\\u0041",
    ];
    prop::sample::select(words).prop_map(str::to_owned).prop_recursive(6, 48, 5, move |inner| {
        let key = prop::sample::select(keys.clone());
        let array = prop::collection::vec(inner.clone(), 0..4)
            .prop_map(|items| format!("[{}]", items.join(", ")));
        let object = prop::collection::vec((key, inner), 0..5).prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(k, v)| format!("\"{k}\": {v}")).collect();
            format!("{{{}}}", members.join(",\n"))
        });
        prop_oneof![array, object]
    })
}

/// Whether a pointer into the document could mean two values.
fn has_duplicates(node: Node<'_>) -> bool {
    let members = node.members();
    let mut keys: Vec<_> = members.iter().map(|member| &member.key).collect();
    keys.sort_unstable();
    let values = members.iter().map(|member| member.value).chain(node.items());
    keys.windows(2).any(|pair| pair[0] == pair[1]) || values.into_iter().any(has_duplicates)
}

proptest! {
    #[test]
    fn any_arrangement_is_read_without_harm(value in any_json(), key in "hooks|Stop|integration|x") {
        for text in [value.clone(), format!("{{\"{key}\": {value}}}"), format!("{{\"hooks\":{{\"Stop\":{value}}}}}")] {
            let source = SourceFile::new("hooks.json", text.as_str());
            let read = read(&source, CLAUDE, Want::All);
            let root = Node::document(&text).unwrap();
            for entry in &read.entries {
                let node = pointer::find(root, &entry.origin.pointer);
                prop_assert!(has_duplicates(root) || node.map(|n| n.span()) == Some(entry.origin.span));
            }
            for place in read.diagnostics.iter().filter_map(|d| d.place.as_ref()) {
                prop_assert!(text.get(place.span.range()).is_some());
            }
            let mut out = Vec::new();
            crate::diag::render::text::render(&read.diagnostics, <_>::default(), &mut out).unwrap();
        }
    }

    #[test]
    fn one_event_alone_reads_the_same(value in any_json()) {
        let text = format!("{{\"hooks\":{{\"Stop\":{value},\"PreToolUse\":{value}}}}}");
        let source = SourceFile::new("hooks.json", text.as_str());
        let stop = Event::claude("Stop");
        let all = read(&source, CLAUDE, Want::All);
        let alone = read(&source, CLAUDE, Want::Event(&stop));
        let of_stop: Vec<_> =
            all.entries.iter().filter(|e| e.event == stop).map(|e| format!("{e:?}")).collect();
        prop_assert_eq!(of_stop, alone.entries.iter().map(|e| format!("{e:?}")).collect::<Vec<_>>());
    }

    #[test]
    fn a_cut_text_is_explained(value in any_json(), cut in 0..400_usize) {
        let text = format!("{{\"hooks\":{value}}}");
        let cut = text.floor_char_boundary(cut.min(text.len() - 1));
        let read = read_text(&text[..cut]);
        prop_assert_eq!(found(&read), ["invalid-json"]);
        prop_assert!(!read.diagnostics[0].one_line().is_empty());
    }
}
