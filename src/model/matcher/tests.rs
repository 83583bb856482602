use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::payload;

const CLAUDE: Processor = Processor::ClaudeCode;
const ORCHESTRATOR: Processor = Processor::TaskOrchestrator;
const ITSELF: Outcome = Outcome::Yes(MatchedAs::ITSELF);

/// The matcher of an event against a payload with one field.
fn matches(event: &str, text: &str, field: &str, value: &str) -> bool {
    let matcher = Matcher::new(Some(text), &Event::claude(event), CLAUDE);
    let payload = payload::of(&json!({ field: value }));
    matches!(matcher.matches(&payload), Outcome::Yes(_))
}

fn tool_matches(text: &str, tool: &str) -> bool {
    matches("PostToolUse", text, "tool_name", tool)
}

#[test]
fn claude_codes_forms_mean_what_they_mean_there() {
    let cases = [
        ("", "Read", true),
        ("*", "Read", true),
        ("Edit", "Edit", true),
        ("Edit", "NotebookEdit", false),
        ("Edit.*", "NotebookEdit", true),
        ("^Edit$", "Edit", true),
        ("^Edit$", "NotebookEdit", false),
        ("bash", "Bash", false),
        ("Edit | Write", "Write", true),
        ("Edit, Write", "Edit", true),
        ("Edit,|Write,", "Write", true),
        ("Edit, Write", "Edit, Write", false),
        ("Edit(src/**)", "Edit", false),
        ("Bash(git *)", "Bash", false),
        ("mcp__memory", "mcp__memory__add", false),
        ("mcp__memory__.*", "mcp__memory__add", true),
        ("mcp__memory__*", "mcp__memory__add", true),
        ("mcp__my-server__add", "mcp__my-server__add", true),
        ("*.ts", "a.ts", false),
        ("Bash\t", "Bash", false),
        (" * ", "a b", true),
        (" * ", "anything", false),
        ("Bash", "PowerShell", false),
    ];
    for (text, tool, expected) in cases {
        assert_eq!(tool_matches(text, tool), expected, "{text:?} {tool}");
    }
}

/// Where nothing can match, it is said whatever the payload.
#[test]
fn some_matchers_never_match() {
    fn never(text: &str, event: &str) -> Option<bool> {
        let matcher = Matcher::new(Some(text), &Event::claude(event), CLAUDE);
        assert!(matcher.fault().is_some(), "{text}");
        match matcher.matches(&payload::of(&json!({"tool_name": "Bash", "error": "x"}))) {
            Outcome::Never(reason) => Some(reason == Reason::NoNames),
            _ => None,
        }
    }
    assert_eq!(never(" ", "PreToolUse"), Some(true));
    assert_eq!(never("|,", "PreToolUse"), Some(true));
    assert_eq!(never("|", "StopFailure"), Some(true));
    assert_eq!(never("*.ts", "PreToolUse"), Some(false));
    assert_eq!(never(&"(".repeat(100_000), "PreToolUse"), Some(false));
    assert_eq!(never(&"[".repeat(100_000), "PreToolUse"), Some(false));
}

#[test]
fn every_event_compares_the_right_field() {
    let cases = [
        ("PreToolUse", "tool_name", true),
        ("PostToolUse", "tool_name", true),
        ("PostToolUseFailure", "tool_name", true),
        ("PermissionRequest", "tool_name", true),
        ("PermissionDenied", "tool_name", true),
        ("UserPromptExpansion", "command_name", true),
        ("SessionStart", "source", true),
        ("SessionEnd", "reason", true),
        ("Setup", "trigger", true),
        ("PreCompact", "trigger", true),
        ("PostCompact", "trigger", true),
        ("Notification", "notification_type", true),
        ("SubagentStart", "agent_type", true),
        ("SubagentStop", "agent_type", true),
        ("Elicitation", "mcp_server_name", true),
        ("ElicitationResult", "mcp_server_name", true),
        ("ConfigChange", "source", true),
        ("InstructionsLoaded", "load_reason", true),
        ("DirectoryAdded", "source", true),
        ("StopFailure", "error", false),
        ("FileChanged", "file_path", false),
    ];
    for (event, field, is_wide) in cases {
        assert!(matches(event, "a_1|b", field, "a_1"), "{event}");
        assert!(!matches(event, "a_1|b", field, "a_1b"), "{event}");
        assert!(!matches(event, "a_1|b", "other", "a_1"), "{event}");
        // Hyphen and comma make a list in the wide set, an expression in the narrow one.
        assert_eq!(matches(event, "b-c", field, "ab-cd"), !is_wide, "{event}");
        assert_eq!(matches(event, "a, b-c", field, "b-c"), is_wide, "{event}");
    }
}

#[test]
fn ten_events_take_no_notice_of_a_matcher() {
    let events = [
        "PostToolBatch",
        "UserPromptSubmit",
        "Stop",
        "TeammateIdle",
        "TaskCreated",
        "TaskCompleted",
        "CwdChanged",
        "WorktreeCreate",
        "WorktreeRemove",
        "MessageDisplay",
    ];
    for event in events {
        assert!(matches(event, "nothing-of-this-name", "x", "y"), "{event}");
        let event = Event::claude(event);
        assert!(Matcher::new(Some("x"), &event, CLAUDE).is_ignored());
        assert!(!Matcher::new(Some("*"), &event, CLAUDE).is_ignored());
    }
}

#[test]
fn former_tool_names_still_mean_the_tool() {
    let cases = [
        ("Task", "Agent", true),
        ("Agent", "Task", true),
        ("KillShell|x", "TaskStop", true),
        ("KillBash", "TaskStop", true),
        ("ListPeers", "ListAgents", true),
        ("Brief", "SendUserMessage", true),
        ("ListMcpResources", "ListMcpResourcesTool", true),
        ("ReadMcpResource", "ReadMcpResourceTool", true),
        ("ReadMcpResourceDir", "ReadMcpResourceDirTool", true),
        ("ProposeGoal", "SetGoal", true),
        ("^Task$", "Agent", true),
        ("^Kill(Bash|x)$", "TaskStop", true),
        ("^Task$", "TaskStop", false),
        ("Task", "TaskStop", false),
    ];
    for (text, tool, expected) in cases {
        assert_eq!(tool_matches(text, tool), expected, "{text} {tool}");
    }
    assert!(!matches("SubagentStart", "Task", "agent_type", "Agent"));
}

#[test]
fn a_monitor_with_a_command_is_guarded_as_bash() {
    let call = json!({"tool_name": "Monitor", "tool_input": {"command": "rm -rf /"}});
    let without = json!({"tool_name": "Monitor", "tool_input": {"id": "7"}});
    let bash = Outcome::Yes(MatchedAs { tool_name_shown: Some("Bash"), may_grant: false });
    let no = Outcome::No(Reason::Differs("tool_name"));
    let cases = [
        ("PreToolUse", "Bash", &call, bash),
        ("PreToolUse", "Edit|Bash", &call, bash),
        ("PreToolUse", "^Ba", &call, bash),
        ("PermissionRequest", "Bash", &call, bash),
        ("PreToolUse", "Bash|Monitor", &call, ITSELF),
        ("PreToolUse", "Monitor", &call, ITSELF),
        ("PreToolUse", "*", &call, ITSELF),
        ("PreToolUse", ".*", &call, ITSELF),
        ("PreToolUse", "Edit", &call, no),
        ("PreToolUse", "Bash", &without, no),
        ("PostToolUse", "Bash", &call, no),
        ("PermissionDenied", "Bash", &call, no),
    ];
    for (event, text, payload, expected) in cases {
        let event = Event::claude(event);
        let matcher = Matcher::new(Some(text), &event, CLAUDE);
        assert_eq!(matcher.matches(&payload::of(payload)), expected, "{event:?} {text}");
    }
}

#[test]
fn file_changed_compares_the_last_part_and_watches_literally() {
    let cases = [
        (".env", "/p/.env", true),
        (".env", "/p/xenv", true),
        ("^\\.env$", "/p/xenv", false),
        (".envrc|.env", "/p/.envrc", true),
        ("Makefile", "/p/Makefile", true),
        ("Makefile", "/Makefile/x", false),
        ("*", "/p/x", true),
    ];
    for (text, path, expected) in cases {
        assert_eq!(matches("FileChanged", text, "file_path", path), expected, "{text} {path}");
    }
    let watched = |text| watch_list(text).collect::<Vec<_>>();
    assert_eq!(watched(" .envrc| a/b ||"), [".envrc", "a/b"]);
    assert_eq!(watched("*"), ["*"]);
    assert!(watched("").is_empty());
}

#[test]
fn model_switches_compare_models_not_variants() {
    let cases = [
        ("claude-opus-4-6", "claude-opus-4-6", true),
        ("claude-opus-4-6[1m]", "claude-opus-4-6", true),
        ("claude-opus-4-6[2m]|x", "claude-opus-4-6[1m]", true),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", true),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929", true),
        ("sonnet", "claude-sonnet-4-5", false),
        ("sonnet.*", "claude-sonnet-4-5", true),
        ("claude-opus-4-6", "claude-sonnet-4-5", false),
        ("claude-opus-4-6", "my-own-model", true),
    ];
    for (text, model, expected) in cases {
        for event in ["PreModelSwitch", "PostModelSwitch"] {
            assert_eq!(matches(event, text, "to_model", model), expected, "{text} {model}");
        }
    }
}

#[test]
fn the_language_is_told_by_form_vocabulary_and_event() {
    let is_predicate = |text, event, by| {
        let event = Event::named(event, by).0;
        Matcher::new(Some(text), &event, by).is_predicate()
    };
    let cases = [
        ("type:feat*|fix,role:tester", "PreTaskExecute", ORCHESTRATOR, true),
        ("type:feat*|fix,role:tester", "PreToolUse", CLAUDE, true),
        ("whatever:x", "PreTaskExecute", ORCHESTRATOR, true),
        ("whatever:x", "PreToolUse", CLAUDE, false),
        ("plugin:name", "SubagentStart", CLAUDE, false),
        ("type:name", "SubagentStart", CLAUDE, false),
        ("role:name", "SubagentStop", CLAUDE, false),
        ("role:name", "SpecialistComplete", ORCHESTRATOR, true),
        ("^role:name$", "SpecialistComplete", ORCHESTRATOR, false),
        ("type:cmd", "UserPromptExpansion", CLAUDE, false),
        ("task:x", "Stop", CLAUDE, true),
        ("Bash", "PreTaskExecute", ORCHESTRATOR, false),
    ];
    for (text, event, by, expected) in cases {
        assert_eq!(is_predicate(text, event, by), expected, "{text} {event}");
    }
}

#[test]
fn what_the_payload_lacks_does_not_match() {
    let task = payload::of(&json!({"task_type": "feature", "specialist": "tester"}));
    let call = payload::of(&json!({"tool_name": "Bash"}));
    let event = Event::claude("PreToolUse");
    let outcome = |text, payload: &Payload| {
        let matcher = Matcher::new(Some(text), &event, CLAUDE);
        format!("{:?}", matcher.matches(payload))
    };
    let itself = format!("{ITSELF:?}");
    assert_eq!(outcome("Bash", &task), "No(Lacks(\"tool_name\"))");
    assert_eq!(outcome(".*", &task), "No(Lacks(\"tool_name\"))");
    assert_eq!(outcome("type:feat*,role:tester", &task), itself);
    assert_eq!(outcome("type:fix,role:tester", &task), "No(Differs(\"task_type\"))");
    assert_eq!(outcome("type:feat*", &call), "No(Lacks(\"task_type\"))");
    assert_eq!((outcome("*", &task), outcome("", &call)), (itself.clone(), itself));
}

#[test]
fn an_unknown_event_leans_towards_running() {
    assert!(matches("Brandnew", "Bash", "x", "y"));
    assert!(matches("Brandnew", "Bash", "tool_name", "Bash"));
    assert!(!matches("Brandnew", "Bash", "tool_name", "Read"));
    let event = Event::named("ArtifactSave", ORCHESTRATOR).0;
    let matcher = Matcher::new(Some("report"), &event, ORCHESTRATOR);
    assert_eq!(matcher.matches(&payload::of(&json!({}))), ITSELF);
}

#[test]
fn lists_give_their_names() {
    let event = Event::claude("PreToolUse");
    let names = |text| {
        let matcher = Matcher::new(text, &event, CLAUDE);
        let names = matcher.exact_names().map(|names| names.join("+"));
        (names, matcher.overlaps_everything())
    };
    assert_eq!(names(Some("Edit | Write,Task")), (Some("Edit+Write+Task".into()), false));
    assert_eq!(names(Some("Edit.*")), (None, false));
    assert_eq!(names(Some("*")), (None, true));
    assert_eq!(names(None), (None, true));
}

#[test]
fn nothing_is_compiled_before_it_is_needed() {
    let event = Event::claude("PreToolUse");
    let matcher = Matcher::new(Some("Edit.*"), &event, CLAUDE);
    let Form::Pattern(cell) = &matcher.form else { panic!("an expression") };
    assert!(cell.get().is_none());
    matcher.matches(&payload::of(&json!({"tool_name": "Edit"})));
    assert!(cell.get().is_some());
}

/// As Node.js 20 answers `new RegExp(pattern).test(text)`; `None` where it throws.
#[test]
fn expressions_are_those_of_javascript() {
    let cases: &[(&str, &str, Option<bool>)] = &[
        ("Edit.*", "NotebookEdit", Some(true)),
        ("^Edit$", "Edit", Some(true)),
        ("^Edit$", "NotebookEdit", Some(false)),
        ("Edit(src/**)", "Edit", None),
        ("Bash(git *)", "Bash", Some(false)),
        ("mcp__memory__*", "mcp__memory__add", Some(true)),
        ("mcp__memory__*", "mcp__memory_x", Some(true)),
        ("mcp__memory__.*", "mcp__memory__add", Some(true)),
        ("*.ts", "a.ts", None),
        ("+", "a", None),
        ("?", "a", None),
        ("[", "[", None),
        ("(", "(", None),
        (")", ")", None),
        ("]", "]", Some(true)),
        ("a{", "a{", Some(true)),
        ("a{,2}", "a{,2}", Some(true)),
        ("a{2,1}", "aa", None),
        ("\\_", "_", Some(true)),
        ("\\-", "-", Some(true)),
        ("(?i)bash", "Bash", None),
        ("\\bWrite\\b", "Write", Some(true)),
        ("Write|", "X", Some(true)),
        ("(?!Bash).*", "Bash", Some(true)),
        ("^(?!Bash$)", "Bash", Some(false)),
        ("^(?!Bash$)", "Read", Some(true)),
        ("(?<!Note)Edit", "Edit", Some(true)),
        ("(?<n>E)dit\\k<n>?", "Edit", Some(true)),
        ("\\k", "k", Some(true)),
        ("^*", "a", None),
        ("(?=a)*", "a", Some(true)),
        ("a**", "a", None),
        ("x{1", "x{1", Some(true)),
        ("\\", "\\", None),
        ("[z-a]", "z", None),
        ("\\p{L}", "p{L}", Some(true)),
        ("\\x4", "x4", Some(true)),
        ("\\c", "\\c", Some(true)),
        ("[\\b]", "\u{8}", Some(true)),
        ("\\07", "\u{0007}", Some(true)),
        ("\\1", "\u{0001}", Some(true)),
        ("(a)\\1", "aa", Some(true)),
        ("(a)\\2", "a\u{0002}", Some(true)),
        (".", "\n", Some(false)),
        ("$", "\n", Some(true)),
        ("^Edit$", "Edit\n", Some(false)),
        ("é", "é", Some(true)),
        ("\\w", "é", Some(false)),
        ("\\s", " ", Some(true)),
        ("[^]", "x", Some(true)),
        ("[]", "x", Some(false)),
        ("(?:)", "x", Some(true)),
        ("a|*", "a", None),
        (".env", ".env", Some(true)),
        (".env", "xenv", Some(true)),
        ("plugin:name", "plugin:name", Some(true)),
        ("^plugin:name$", "plugin:name", Some(true)),
        ("Bash ; Edit", "Bash", Some(false)),
        ("/Bash/", "Bash", Some(false)),
    ];
    for (pattern, text, expected) in cases {
        let found = Pattern::new(pattern).ok().map(|pattern| pattern.is_in(text));
        assert_eq!(found, *expected, "{pattern:?} {text:?}");
    }
}

/// The one difference known: `\u{61}` is 61 times a `u` in JavaScript, and `a` here.
#[test]
fn a_braced_escape_is_read_as_with_the_u_flag() {
    assert!(Pattern::new("^\\u{61}$").unwrap().is_in("a"));
}

#[test]
fn long_expressions_do_not_exhaust_the_stack() {
    for part in ["a|", "a?", "ab", "a{1}", "\\d", "^", "(?:"] {
        for count in [200, 1000, 20_000] {
            drop(Pattern::new(&part.repeat(count)).map(|pattern| pattern.is_in("a")));
        }
    }
}

/// What the contract says about lists, written down naively.
fn naive_list(text: &str, value: &str) -> bool {
    let mut names = vec![String::new()];
    for c in text.chars() {
        if c == '|' || c == ',' {
            names.push(String::new());
        } else {
            names.last_mut().unwrap().push(c);
        }
    }
    names.iter().map(|name| name.trim_matches(' ')).any(|name| !name.is_empty() && name == value)
}

proptest! {
    #[test]
    fn lists_agree_with_the_naive_model(text in "[ab ,|_1-]{1,8}", value in "[ab_1-]{1,3}") {
        prop_assert_eq!(matches("SessionStart", &text, "source", &value), naive_list(&text, &value));
    }

    #[test]
    fn no_matcher_makes_it_panic(
        text in "[(){}\\[\\]*+?^$|,.a:\\\\0-9<!=&-]{0,14}|.*",
        value in ".*",
        event in prop::sample::select(vec!["PreToolUse", "FileChanged", "PreModelSwitch", "Stop"]),
        by in prop::sample::select(vec![CLAUDE, ORCHESTRATOR]),
    ) {
        let event = Event::claude(event);
        let matcher = Matcher::new(Some(&text), &event, by);
        let fields = ["tool_name", "file_path", "to_model", "a"];
        let payload: Value = fields.iter().map(|field| (*field, value.as_str())).collect();
        let is_never = matches!(matcher.matches(&payload::of(&payload)), Outcome::Never(_));
        prop_assert!(!is_never || matcher.fault().is_some());
    }
}
