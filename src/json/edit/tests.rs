use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::pointer::join;

fn edited(text: &str, edit: impl FnOnce(&mut Draft) -> Result<(), Refused>) -> String {
    let mut draft = Draft::new(text).unwrap();
    edit(&mut draft).unwrap();
    draft.into_text()
}

#[test]
fn keeps_the_layout_of_the_file() {
    let cases = [
        (
            "{\n  \"a\": 1\n}\n",
            "{\n  \"a\": 1,\n  \"k\": {\n    \"x\": [\n      1\n    ]\n  }\n}\n",
        ),
        (
            "{\r\n\t\"a\":1\r\n}",
            "{\r\n\t\"a\":1,\r\n\t\"k\":{\r\n\t\t\"x\":[\r\n\t\t\t1\r\n\t\t]\r\n\t}\r\n}",
        ),
        ("{\"a\":1}", "{\"a\":1,\"k\":{\"x\":[1]}}"),
        ("{ \"a\" : 1 }\n", "{ \"a\" : 1, \"k\" : { \"x\" : [1] } }\n"),
        ("\u{feff}{}", "\u{feff}{\n  \"k\": {\n    \"x\": [\n      1\n    ]\n  }\n}"),
        ("{\n\"a\": 1\n}", "{\n\"a\": 1,\n\"k\": {\n\"x\": [\n1\n]\n}\n}"),
    ];
    for (text, wanted) in cases {
        let new = edited(text, |draft| draft.set("/k", r#"{"x":[1]}"#));
        assert_eq!(new, wanted, "{text:?}");
    }
}

#[test]
fn fills_empty_containers_in_the_layout_around_them() {
    let text = "{\n    \"a\": {},\n    \"b\": [{\"c\": []}]\n}";
    let new = edited(text, |draft| {
        draft.set("/a/x", "1")?;
        draft.push("/b/0/c", "{\"y\":2}")
    });
    assert_eq!(
        new,
        "{\n    \"a\": {\n        \"x\": 1\n    },\n    \"b\": [{\"c\": [{\"y\": 2}]}]\n}"
    );
}

#[test]
fn makes_what_is_missing_on_the_way() {
    let new = edited("{}\n", |draft| draft.push("/hooks/a~1b", "null"));
    assert_eq!(new, "{\n  \"hooks\": {\n    \"a/b\": [\n      null\n    ]\n  }\n}\n");
}

#[test]
fn edits_the_one_of_duplicate_keys_that_counts() {
    let text = r#"{"a": 1, "b": 2, "a": {"c": 3}}"#;
    assert_eq!(edited(text, |draft| draft.set("/a/c", "4")), r#"{"a": 1, "b": 2, "a": {"c": 4}}"#);
    assert_eq!(edited(text, |draft| draft.remove("/a")), r#"{"b": 2}"#);
}

#[test]
fn several_members_go_as_if_one_by_one() {
    for text in [
        r#"{"a": 1, "b": 2, "c": 3, "a": 4, "d": 5}"#,
        "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3,\n  \"d\": 4\n}\n",
    ] {
        for chosen in 0..16_u8 {
            let is_meant = |key: &str| chosen >> (key.as_bytes()[0] - b'a') & 1 == 1;
            let together = edited(text, |draft| draft.remove_members("", is_meant));
            let singly = edited(text, |draft| {
                let mut chosen = ["/a", "/b", "/c", "/d"].iter().filter(|at| is_meant(&at[1..]));
                chosen.try_for_each(|at| draft.remove(at))
            });
            assert_eq!(together, singly, "{chosen:b} {text}");
        }
    }
}

#[test]
fn copies_strings_numbers_and_duplicates_as_written() {
    let value = "{ \"s\" : \"{ \\\"a\\\" , \\ud800\", \"n\":1.50E+9,\n\"n\":[ ], \"o\":{ } }";
    let new = edited("{\"a\": 1}", |draft| draft.set("/v", value));
    assert_eq!(
        new,
        "{\"a\": 1, \"v\": {\"s\": \"{ \\\"a\\\" , \\ud800\", \"n\": 1.50E+9, \"n\": [], \"o\": {}}}"
    );
}

#[test]
fn an_item_can_keep_its_own_blanks() {
    let text = "[\n  1,\n  [2,3]\n]";
    let new = edited(text, |draft| draft.insert_as_written("", 0, "{ \"a\":  [4 ] }"));
    assert_eq!(new, "[\n  { \"a\":  [4 ] },\n  1,\n  [2,3]\n]");
    assert!(Draft::new("{}").unwrap().insert_as_written("/a", 0, "1").is_err());
}

#[test]
fn refuses_what_cannot_be_done() {
    let mut draft = Draft::new(r#"{"a": [1], "s": "x"}"#).unwrap();
    let wrong = draft.set("/a/k", "1").unwrap_err();
    assert_eq!(wrong.to_string(), "`/a` is an array, not an object");
    assert!(draft.push("/s", "1").is_err());
    assert!(draft.remove("/a/7").is_err());
    assert!(draft.set("/b", "{").is_err());
    assert_eq!(draft.text, r#"{"a": [1], "s": "x"}"#);
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let new = edited("{\"a\":1}", |draft| draft.set("/b", &deep));
    assert!(new.len() > deep.len());
}

/// Any JSON value, small.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zé\"\\\\\n{}\\[\\],: ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d/~]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A text of the value with odd blanks: each gap takes the next of `blanks`.
fn written(value: &Value, blanks: &[&str]) -> String {
    let mut next = 0;
    let mut out = String::new();
    write_value(value, &mut out, &mut || {
        next += 1;
        blanks[next % blanks.len()].to_owned()
    });
    out
}

fn write_value(value: &Value, out: &mut String, blank: &mut dyn FnMut() -> String) {
    *out += &blank();
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    let parts: Vec<(Option<&String>, &Value)> = match value {
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (Some(key), value)).collect(),
        leaf => {
            *out += &leaf.to_string();
            *out += &blank();
            return;
        }
    };
    // Blanks inside an empty container are the one thing that an edit does not give back.
    out.push(open);
    for (index, (key, value)) in parts.iter().enumerate() {
        *out += if index > 0 { "," } else { "" };
        if let Some(key) = key {
            out.extend([blank(), quoted(key), blank(), ":".to_owned()]);
        }
        write_value(value, out, blank);
    }
    out.push(close);
    *out += &blank();
}

fn blanks() -> impl Strategy<Value = Vec<&'static str>> {
    let blank = prop::sample::select(vec!["", " ", "\n", "\r\n\t", "\n  ", "\n\n    ", "  "]);
    prop::collection::vec(blank, 1..9)
}

/// Pointers of all containers.
fn containers(value: &Value, at: &str, out: &mut Vec<(String, usize, bool)>) {
    match value {
        Value::Object(map) => {
            out.push((at.to_owned(), map.len(), true));
            map.iter().for_each(|(key, value)| containers(value, &join(at, key), out));
        }
        Value::Array(items) => {
            out.push((at.to_owned(), items.len(), false));
            for (index, value) in items.iter().enumerate() {
                containers(value, &join(at, &index.to_string()), out);
            }
        }
        _ => {}
    }
}

/// An object or array with at least `least` children.
fn rooted(least: usize) -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::collection::vec(values(), least..4).prop_map(Value::from),
        prop::collection::btree_map("[a-d/~]{1,2}", values(), least..4)
            .prop_map(|map| Value::Object(map.into_iter().collect())),
    ]
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap()
}

proptest! {
    #[test]
    fn insert_then_remove_is_the_identity(
        root in rooted(0), blanks in blanks(), new in values(), pick in any::<prop::sample::Index>(),
        index in 0_usize..5, mark in any::<bool>(),
    ) {
        let text = format!("{}{}", if mark { "\u{feff}" } else { "" }, written(&root, &blanks));
        let mut places = Vec::new();
        containers(&root, "", &mut places);
        let (at, count, is_object) = pick.get(&places).clone();
        let index = index.min(count);
        let mut draft = Draft::new(text.clone()).unwrap();
        let mut model = root.clone();
        let target = model.pointer_mut(&at).unwrap();
        let place = if is_object {
            draft.set(&join(&at, "new"), &new.to_string()).unwrap();
            target["new"] = new;
            join(&at, "new")
        } else {
            draft.insert(&at, index, &new.to_string()).unwrap();
            let Value::Array(items) = target else { unreachable!() };
            items.insert(index, new);
            join(&at, &index.to_string())
        };
        prop_assert_eq!(parsed(&draft.text), model);
        draft.remove(&place).unwrap();
        prop_assert_eq!(draft.text, text);
    }

    #[test]
    fn an_edit_changes_its_own_span_only(
        root in rooted(1), blanks in blanks(), new in values(), pick in any::<prop::sample::Index>(),
        child in any::<prop::sample::Index>(), remove in any::<bool>(),
    ) {
        let text = written(&root, &blanks);
        let mut places = Vec::new();
        containers(&root, "", &mut places);
        places.retain(|(_, count, _)| *count > 0);
        let (at, count, is_object) = pick.get(&places).clone();
        let step = child.index(count);
        let mut model = root.clone();
        let target = model.pointer_mut(&at).unwrap();
        let step = if is_object {
            target.as_object().unwrap().keys().nth(step).unwrap().clone()
        } else {
            step.to_string()
        };
        let place = join(&at, &step);
        let mut draft = Draft::new(text.clone()).unwrap();
        let outer = draft.find(&at).unwrap().span();
        let inner = draft.find(&place).unwrap().span();
        let kept = if remove { outer } else { inner };
        if remove {
            draft.remove(&place).unwrap();
            match target {
                Value::Object(map) => drop(map.shift_remove(&step)),
                Value::Array(items) => drop(items.remove(step.parse().unwrap())),
                _ => unreachable!(),
            }
        } else {
            draft.set(&place, &new.to_string()).unwrap();
            *model.pointer_mut(&place).unwrap() = new;
        }
        prop_assert_eq!(parsed(&draft.text), model);
        prop_assert!(draft.text.starts_with(&text[..kept.start]));
        prop_assert!(draft.text.ends_with(&text[kept.end..]));
    }

    #[test]
    fn duplicates_follow_the_model(keys in prop::collection::vec("[ab]", 1..6), blanks in blanks()) {
        let members = keys.iter().enumerate();
        let members = members.map(|(n, key)| format!("\"{key}\"{}:{n}", blanks[0]));
        let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        let mut model = parsed(&text);
        let mut draft = Draft::new(text).unwrap();
        draft.set("/a", "[]").unwrap();
        model["a"] = json!([]);
        prop_assert_eq!(parsed(&draft.text), model.clone());
        draft.remove("/a").unwrap();
        model.as_object_mut().unwrap().shift_remove("a");
        prop_assert_eq!(parsed(&draft.text), model);
    }
}
