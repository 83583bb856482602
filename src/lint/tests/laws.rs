//! What holds for every repair: it comes to an end, leaves valid JSON, changes nothing that no
//! finding speaks of, and leaves nothing that could be repaired.
#![allow(clippy::disallowed_methods, reason = "cases are laid out as files")]

use std::{collections::BTreeSet, fs};

use proptest::prelude::*;

use super::{
    super::{Selection, look, mend},
    options,
};
use crate::json::{Kind, Node};

/// Handlers as people write them.
fn handler() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        Just("\"timeout\": 5"),
        Just("\"timeout\": \"5\""),
        Just("\"timeout\": 5000"),
        Just("\"timeout\": 0"),
        Just("\"timeoutSec\": 7"),
        Just("\"async\": \"true\""),
        Just("\"failClosed\": true"),
        Just("\"x\": 1.50e1"),
        Just("\"_c\": \"\\u00e4 ä\""),
        Just("\"if\": \"Bash(git *)\""),
        Just("\"//\": \"cph-lint: allow matcher-case why not\""),
    ];
    let kind = prop_oneof![
        Just("\"type\": \"command\", \"command\": \"./a\""),
        Just("\"command\": \"./a\""),
        Just("\"type\": \"command\", \"script\": \"./b\""),
        Just("\"type\": \"command\", \"command\": [\"c\", \"d\"]"),
        Just("\"type\": \"command\""),
        Just("\"type\": \"http\", \"url\": \"https://127.0.0.1/\""),
        Just("\"type\": \"comand\", \"command\": \"./a\""),
    ];
    (kind, prop::collection::vec(field, 0..3)).prop_map(|(kind, mut fields)| {
        // A key twice has no one meaning.
        let mut seen = BTreeSet::new();
        fields.retain(|field| seen.insert(field.split(':').next()));
        let fields: Vec<_> = std::iter::once(kind).chain(fields).collect();
        format!("{{{}}}", fields.join(", "))
    })
}

fn matcher() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(""),
        Just("\"matcher\": \"Bash\", "),
        Just("\"matcher\": \"bash|Task\", "),
        Just("\"matcher\": [\"Edit\", \"Write\"], "),
        Just("\"matcher\": \"mcp__db__*\", "),
        Just("\"matcher\": \"^Edit|Write$\",\r\n  "),
        Just("\"matcher\": \"Edit Write\", "),
    ]
}

/// What stands under an event.
fn entry() -> impl Strategy<Value = String> {
    let flat = (matcher(), handler())
        .prop_map(|(matcher, handler)| handler.replacen('{', &format!("{{{matcher}"), 1));
    let group = (matcher(), prop::collection::vec(handler(), 0..3)).prop_map(|(matcher, all)| {
        format!("{{ {matcher}\"hooks\": [{}] }}", all.join(",\n      "))
    });
    prop_oneof![4 => group, 1 => flat, 1 => Just("\"~/x.sh\"".to_owned()), 1 => Just("7".to_owned())]
}

fn event() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("PreToolUse"),
        Just("Stop"),
        Just("preToolUse"),
        Just("TaskComplete"),
        Just("PostFileEdit"),
    ];
    let value = prop_oneof![
        5 => prop::collection::vec(entry(), 0..3).prop_map(|all| format!("[{}]", all.join(", "))),
        1 => entry(),
    ];
    (name, value).prop_map(|(name, value)| format!("\"{name}\": {value}"))
}

fn file() -> impl Strategy<Value = String> {
    let events = prop::collection::vec(event(), 0..4).prop_map(|mut events| {
        let mut seen = BTreeSet::new();
        events.retain(|event| seen.insert(event.split(':').next().map(str::to_owned)));
        events
    });
    (events, any::<bool>()).prop_map(|(events, is_top)| {
        let events = events.join(",\n    ");
        let keep = "\"keep\" :  [ 1.0,\t\"\\u00e4\" ]";
        if is_top && !events.is_empty() {
            format!("{{ {keep},\n  {events}\n}}\n")
        } else {
            format!("{{ {keep},\n  \"hooks\": {{\n    {events}\n  }}\n}}\n")
        }
    })
}

fn names() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(".claude/settings.json"),
        Just(".claude/hooks.json"),
        Just(".task_orchestrator/hooks.json"),
    ]
}

/// Every string, number and word of a document that is no key.
fn scalars(node: Node<'_>, all: &mut Vec<String>) {
    match node.kind() {
        Kind::Object => node.members().iter().for_each(|member| scalars(member.value, all)),
        Kind::Array => node.items().iter().for_each(|item| scalars(*item, all)),
        _ => all.push(node.raw().to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn repairs_come_to_an_end_and_leave_nothing_to_repair(text in file(), name in names()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
        let selection = Selection::default();
        let options = options(&selection);
        let root = [dir.path().to_owned()];
        let before = look(&root, &options);
        let mended = mend(&root, &options).unwrap();
        let after = fs::read_to_string(&path).unwrap();
        let found: Vec<_> = mended.left.diagnostics.iter().filter(|found| found.fix.is_some()).collect();
        prop_assert!(found.is_empty(), "{text}\n{after}\n{found:?}");
        prop_assert!(Node::document(&after).is_ok(), "{after}");
        // What no finding speaks of keeps its bytes.
        let kept = "\"keep\" :  [ 1.0,\t\"\\u00e4\" ]";
        prop_assert!(after.contains(kept), "{after}");
        if before.diagnostics.iter().all(|found| found.fix.is_none()) {
            prop_assert_eq!(&after, &text);
        }
        // No command is lost, and none is made.
        let commands = |text: &str| {
            let mut all = Vec::new();
            scalars(Node::document(text).unwrap(), &mut all);
            all.retain(|one| ["\"./a\"", "\"./b\"", "\"c\"", "\"~/x.sh\""].contains(&one.as_str()));
            all.sort();
            all
        };
        let removed = mended.repaired.iter().filter(|found| found.rule.name == "duplicate-hook").count();
        let (mut was, mut is) = (commands(&text), commands(&after));
        // A handler that is removed as a duplicate need not hold a command: it may be a URL.
        prop_assert!((is.len()..=is.len() + removed).contains(&was.len()), "{text}\n{after}");
        was.dedup();
        is.dedup();
        prop_assert_eq!(was, is, "{}\n{}", text, after);
        // Once more changes nothing.
        let again = mend(&root, &options).unwrap();
        prop_assert!(again.repaired.is_empty());
        prop_assert_eq!(fs::read_to_string(&path).unwrap(), after);
    }
}
