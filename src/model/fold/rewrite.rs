//! Rewrites of one input by several hooks, side by side: each is a difference to what the hook
//! saw, and differences are joined.

use serde_json::{Map, Value};

/// Two hooks that changed the same thing differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    /// JSON Pointer within the input.
    pub(crate) pointer: String,
    /// Whose change is in force: the later one in configuration order.
    pub(crate) winner: String,
    pub(crate) loser: String,
}

/// The input as all rewrites together make it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Joined {
    pub(crate) input: Value,
    pub(crate) clashes: Vec<Clash>,
}

/// One change at one place.
#[derive(Clone, Debug, PartialEq)]
struct Change<'r> {
    /// Keys from the root; a change of anything but a member of an object is one of the whole.
    path: Vec<String>,
    /// `None`: the member is taken away.
    value: Option<&'r Value>,
}

/// Joins the rewrites of hooks that all saw the same input; they come in configuration order,
/// each with the hook's label.
pub(crate) fn join_rewrites(seen: &Value, rewrites: &[(String, Value)]) -> Joined {
    let mut input = seen.clone();
    let mut made: Vec<(&str, Change<'_>)> = Vec::new();
    let mut clashes = Vec::new();
    for (label, wanted) in rewrites {
        let mut changes = Vec::new();
        differences(seen, wanted, &mut Vec::new(), &mut changes);
        for change in changes {
            for (other, earlier) in &made {
                if earlier != &change && overlap(&earlier.path, &change.path) {
                    clashes.push(clash(&change.path, label, other));
                }
            }
            apply(&mut input, &change);
            made.push((label, change));
        }
    }
    Joined { input, clashes }
}

fn differences<'r>(
    before: &Value,
    after: &'r Value,
    path: &mut Vec<String>,
    changes: &mut Vec<Change<'r>>,
) {
    if before == after {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        changes.push(Change { path: path.clone(), value: Some(after) });
        return;
    };
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        let path = path.iter().cloned().chain([key.clone()]).collect();
        changes.push(Change { path, value: None });
    }
    for (key, value) in new {
        path.push(key.clone());
        match old.get(key) {
            Some(before) => differences(before, value, path, changes),
            None => changes.push(Change { path: path.clone(), value: Some(value) }),
        }
        path.pop();
    }
}

/// Whether one place lies in the other.
fn overlap(a: &[String], b: &[String]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn clash(path: &[String], winner: &str, loser: &str) -> Clash {
    let mut pointer = String::new();
    for step in path {
        crate::json::pointer::push(&mut pointer, step);
    }
    Clash { pointer, winner: winner.to_owned(), loser: loser.to_owned() }
}

fn apply(input: &mut Value, change: &Change<'_>) {
    let Some((last, parents)) = change.path.split_last() else {
        *input = change.value.cloned().unwrap_or_default();
        return;
    };
    let mut place = input;
    for step in parents {
        // An earlier change may have put something else here: this one is the later.
        place = object(place).entry(step.clone()).or_insert(Value::Null);
    }
    match change.value {
        Some(value) => drop(object(place).insert(last.clone(), value.clone())),
        None => drop(object(place).shift_remove(last)),
    }
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().unwrap_or_else(|| unreachable!("BUG: it was made an object"))
}
