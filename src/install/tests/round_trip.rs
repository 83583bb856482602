//! There and back: the bytes of every file are what they were.

use proptest::prelude::*;

use super::*;

/// Settings as they lie on people's disks.
fn found_in_the_wild() -> Vec<Vec<u8>> {
    let guard = r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"./g.sh"}]}]}}"#;
    let pretty = serde_json::to_string_pretty(&parsed(guard)).unwrap();
    let mut large = serde_json::Map::new();
    large.insert("hooks".into(), parsed(guard)["hooks"].clone());
    let rules =
        (0..12_000).map(|n| Value::from(format!("Bash(command-number-{n} with some words:*)")));
    large.insert("permissions".into(), serde_json::json!({"allow": rules.collect::<Vec<_>>()}));
    let large = serde_json::to_string_pretty(&large).unwrap();
    assert!(large.len() > 500_000);
    [
        String::new(),
        " \n".to_owned(),
        "{}".to_owned(),
        "{ }\n".to_owned(),
        "{\n}\n".to_owned(),
        "\u{feff}{\"a\": 1}".to_owned(),
        guard.to_owned(),
        pretty.clone(),
        format!("{pretty}\n"),
        format!("\u{feff}{}\r\n", pretty.replace('\n', "\r\n")),
        pretty.replace("  ", "\t"),
        pretty.replace("  ", "    ").replace(": ", " : "),
        pretty.replace('\n', "\n\n"),
        "{\"hooks\": {}, \"hooks\": {\"Stop\": [], \"Stop\": []}, \"a\": 1, \"a\": 2}".to_owned(),
        "{\"hooks\":{\"Stop\":[ ]\n,\"PreToolUse\":[\n]\n}\n,\"é\":\"\\ud83d\\ude00 ☃\"\n}"
            .to_owned(),
        "{\"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"prompt\", \"prompt\": \"done?\"}]}]}}"
            .to_owned(),
        large,
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect()
}

fn there_and_back(bed: &Bed, scope: Scope, wanted: &[Registration], adopts: bool) {
    let before = bed.files();
    bed.install_at(scope, wanted, adopts).unwrap();
    let once = bed.files();
    assert_ne!(once, before);
    assert!(differences_of(&bed.site(scope), wanted).is_empty());
    let again = bed.install_at(scope, wanted, adopts).unwrap();
    assert!(again.steps.is_empty(), "{:?}", again.steps);
    assert_eq!(bed.files(), once);
    bed.uninstall_at(scope);
    assert_eq!(bed.files(), before);
    assert!(bed.stamps().is_empty(), "{:?}", bed.stamps());
    assert!(bed.uninstall_at(scope).steps.is_empty());
}

#[test]
fn gives_back_the_exact_bytes() {
    for settings in found_in_the_wild() {
        for scope in Scope::ALL {
            for adopts in [false, true] {
                let bed = Bed::with(&[(".git/HEAD", b""), (".gitignore", b"target\r\n")]);
                let path = bed.site(scope).settings;
                let name = path.strip_prefix(bed.path("")).unwrap().to_str().unwrap().to_owned();
                bed.put(&name, &settings);
                there_and_back(&bed, scope, &some_registrations(), adopts);
            }
        }
    }
}

#[test]
fn gives_back_exact_bytes_after_several_installs() {
    for settings in found_in_the_wild() {
        let bed = Bed::with(&[(SETTINGS, &settings)]);
        let before = bed.files();
        bed.install(&some_registrations()).unwrap();
        bed.install(&[dispatch("Notification", Some("x"), 7), native("Stop", "now?")]).unwrap();
        assert!(!bed.text(SETTINGS).contains("SessionStart"));
        bed.install_at(Scope::Project, &some_registrations(), true).unwrap();
        bed.uninstall();
        assert_eq!(bed.files(), before);
    }
}

#[test]
fn a_change_of_the_plan_gives_what_a_fresh_install_gives() {
    for settings in found_in_the_wild() {
        let bed = Bed::with(&[(SETTINGS, &settings)]);
        bed.install(&[dispatch("Notification", Some("x"), 7), native("Stop", "now?")]).unwrap();
        bed.install(&some_registrations()).unwrap();
        let fresh = Bed::with(&[(SETTINGS, &settings)]);
        fresh.install(&some_registrations()).unwrap();
        assert_eq!(parsed(&bed.text(SETTINGS)), parsed(&fresh.text(SETTINGS)));
    }
}

#[test]
fn without_a_stamp_only_our_entries_go() {
    let text = "{\"a\": 1, \"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \
                \"command\": \"x\"}]}]}}";
    let bed = Bed::with(&[(SETTINGS, text.as_bytes())]);
    let mut wanted = some_registrations();
    wanted.pop();
    bed.install(&wanted).unwrap();
    let committed = bed.text(SETTINGS);

    let colleague = Bed::with(&[(SETTINGS, committed.as_bytes())]);
    assert!(differences_of(&colleague.site(Scope::Project), &wanted).is_empty());
    colleague.uninstall();
    assert_eq!(colleague.text(SETTINGS), text);

    let colleague = Bed::with(&[(SETTINGS, committed.as_bytes())]);
    assert!(colleague.install(&wanted).unwrap().is_empty());
    colleague.uninstall();
    assert_eq!(colleague.text(SETTINGS), text);
}

/// What Claude Code does when it writes settings: two blanks, no unknown keys in hooks.
fn rewritten(text: &str) -> String {
    let mut value = parsed(text);
    let known = ["type", "command", "args", "timeout", "prompt", "onFailure", "asyncRewake", "url"];
    if let Some(hooks) = value.get_mut("hooks").and_then(Value::as_object_mut) {
        for group in hooks.values_mut().flat_map(|groups| groups.as_array_mut().unwrap()) {
            group
                .as_object_mut()
                .unwrap()
                .retain(|key, _| matches!(key.as_str(), "matcher" | "hooks"));
            for handler in group["hooks"].as_array_mut().unwrap() {
                handler.as_object_mut().unwrap().retain(|key, _| known.contains(&key.as_str()));
            }
        }
    }
    serde_json::to_string_pretty(&value).unwrap()
}

/// The groups of each event in any order, without empty ones: what Claude Code makes of it.
fn meaning(text: &str) -> Value {
    let mut value = parsed(&rewritten(text));
    let Some(hooks) = value.get_mut("hooks").and_then(Value::as_object_mut) else { return value };
    for groups in hooks.values_mut() {
        let groups = groups.as_array_mut().unwrap();
        let mut handlers = Vec::new();
        for group in groups.iter() {
            for handler in group["hooks"].as_array().unwrap() {
                handlers.push(format!("{:?} {handler}", group.get("matcher")));
            }
        }
        handlers.sort();
        *groups = handlers.into_iter().map(Value::from).collect();
    }
    hooks.retain(|_, groups| groups != &Value::Array(Vec::new()));
    if hooks.is_empty() {
        value.as_object_mut().unwrap().shift_remove("hooks");
    }
    value
}

fn handlers() -> impl Strategy<Value = Value> {
    let name = "[a-zé☃ \"\\\\{}\\[\\]:,]{0,8}";
    prop_oneof![
        (name, any::<bool>()).prop_map(|(command, extra)| {
            let mut handler = serde_json::json!({"type": "command", "command": command});
            if extra {
                handler["x-note"] = 1.into();
            }
            handler
        }),
        name.prop_map(|prompt| serde_json::json!({"type": "prompt", "prompt": prompt})),
        Just(serde_json::json!({"type": "http", "url": "http://127.0.0.1:1/"})),
    ]
}

fn groups() -> impl Strategy<Value = Value> {
    let matcher = prop::option::of(prop::sample::select(vec!["", "Bash", "^x|é$"]));
    (matcher, prop::collection::vec(handlers(), 0..3)).prop_map(|(matcher, hooks)| {
        let mut group = serde_json::json!({"hooks": hooks});
        if let Some(matcher) = matcher {
            group["matcher"] = matcher.into();
        }
        group
    })
}

fn settings() -> impl Strategy<Value = Value> {
    let events = vec!["PreToolUse", "Stop", "SessionStart", "Notification"];
    let event = prop::sample::select(events).prop_map(str::to_owned);
    let hooks = prop::collection::btree_map(event, prop::collection::vec(groups(), 0..3), 0..4);
    let other = prop::option::of("[a-z\\\\ü/~]{0,5}");
    (prop::option::of(hooks), other, any::<bool>()).prop_map(|(hooks, other, first)| {
        let mut value = serde_json::json!({});
        if let Some(other) = &other
            && first
        {
            value["permissions"] = serde_json::json!({"allow": [other], "n": 1.50});
        }
        if let Some(hooks) = hooks {
            value["hooks"] = serde_json::json!(hooks);
        }
        if let Some(other) = other {
            value["env"] = serde_json::json!({"K": other});
        }
        value
    })
}

/// The value as text with odd blanks, a mark, duplicates.
fn texts() -> impl Strategy<Value = String> {
    let blank = prop::sample::select(vec!["", " ", "\n", "\r\n\t", "\n  ", "\n\n    ", "  "]);
    let blanks = prop::collection::vec(blank, 1..7);
    (settings(), blanks, any::<bool>(), any::<bool>()).prop_map(|(value, blanks, mark, double)| {
        let mut text = spaced(&value.to_string(), &blanks);
        if double && value.get("hooks").is_some() {
            text = text.replacen('{', "{\"hooks\": {\"Stop\": [ ]},", 1);
        }
        format!("{}{text}", if mark { "\u{feff}" } else { "" })
    })
}

fn spaced(compact: &str, blanks: &[&str]) -> String {
    let (mut out, mut in_string, mut escaped, mut next) = (String::new(), false, false, 0);
    for c in compact.chars() {
        out.push(c);
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else {
            in_string = c == '"';
        }
        if !in_string && ",:[]{}\"".contains(c) {
            next += 1;
            out.push_str(blanks[next % blanks.len()]);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn gives_back_the_exact_bytes_of_anything(
        text in texts(), adopts in any::<bool>(), hooks in prop::option::of(texts()),
        ignored in prop::option::of("([a-z#/]{0,5}\n){0,3}[a-z]{0,2}"),
    ) {
        let bed = Bed::with(&[(SETTINGS, text.as_bytes()), (".git/HEAD", b"")]);
        if let Some(hooks) = hooks {
            bed.put(".claude/hooks.json", hooks.as_bytes());
        }
        if let Some(ignored) = ignored {
            bed.put(".gitignore", ignored.as_bytes());
        }
        there_and_back(&bed, Scope::Project, &some_registrations(), adopts);
    }

    #[test]
    fn after_a_rewrite_the_entries_of_others_are_left(
        text in texts(), adopts in any::<bool>(), rewrites_hooks in any::<bool>(),
    ) {
        let bed = Bed::with(&[(SETTINGS, text.as_bytes())]);
        let wanted = some_registrations();
        bed.install_at(Scope::Project, &wanted, adopts).unwrap();
        bed.put(SETTINGS, rewritten(&bed.text(SETTINGS)).as_bytes());
        prop_assert!(differences_of(&bed.site(Scope::Project), &wanted).is_empty());
        prop_assert!(bed.install(&wanted).unwrap().is_empty());
        let hooks = bed.path(".claude/hooks.json");
        if rewrites_hooks && hooks.exists() {
            let pretty = serde_json::to_string_pretty(&parsed(&bed.text(".claude/hooks.json")));
            bed.put(".claude/hooks.json", pretty.unwrap().as_bytes());
        }
        bed.uninstall();
        prop_assert_eq!(meaning(&bed.text(SETTINGS)), meaning(&text));
        prop_assert!(!hooks.exists());
        prop_assert!(bed.stamps().is_empty());
    }
}
