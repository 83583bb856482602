//! `--set path=value`: one place of a payload gets another value.
//!
//! Invariant: what is not on the path keeps its value and its place.

use serde_json::{Map, Value};

use crate::model::Payload;

/// Why a place cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SetError {
    #[error("`{0}` is not of the form path=value")]
    NoValue(String),
    #[error("`{0}` has a part without a name")]
    EmptyPart(String),
    #[error("`{part}` of `{path}` is no place in {what}")]
    NoPlace { path: String, part: String, what: &'static str },
}

/// Sets `path=value`. The path is names with dots between (`tool_input.command`), or a JSON
/// pointer; a number is a place in an array, and the length of an array adds to its end. What is
/// missing on the way is made. The value is JSON where it is JSON, else a text.
pub(crate) fn set(payload: &Payload, assignment: &str) -> Result<Payload, SetError> {
    let (path, value) =
        assignment.split_once('=').ok_or_else(|| SetError::NoValue(assignment.to_owned()))?;
    let parts = parts(path)?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    let mut whole = Value::Object(super::object(payload));
    put(&mut whole, &parts, value, path)?;
    let Value::Object(fields) = whole else { unreachable!("BUG: an object became something else") };
    Ok(super::made(fields))
}

fn parts(path: &str) -> Result<Vec<String>, SetError> {
    let parts: Vec<String> = match path.strip_prefix('/') {
        Some(pointer) => {
            pointer.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
        }
        None => path.split('.').map(str::to_owned).collect(),
    };
    if parts.iter().any(String::is_empty) {
        return Err(SetError::EmptyPart(path.to_owned()));
    }
    Ok(parts)
}

fn put(at: &mut Value, parts: &[String], value: Value, path: &str) -> Result<(), SetError> {
    let Some((part, rest)) = parts.split_first() else {
        *at = value;
        return Ok(());
    };
    let no_place = |what| {
        let (path, part) = (path.to_owned(), part.clone());
        Err(SetError::NoPlace { path, part, what })
    };
    if at.is_null() {
        *at = Value::Object(Map::new());
    }
    match at {
        Value::Object(members) => {
            put(members.entry(part.clone()).or_insert(Value::Null), rest, value, path)
        }
        Value::Array(items) => match part.parse::<usize>() {
            Ok(index) if index < items.len() => put(&mut items[index], rest, value, path),
            Ok(index) if index == items.len() => {
                items.push(Value::Null);
                put(&mut items[index], rest, value, path)
            }
            _ => no_place("an array of that length"),
        },
        Value::String(_) => no_place("a text"),
        _ => no_place("a number or a truth value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, assignments: &[&str]) -> Result<String, SetError> {
        let mut payload = Payload::parse(text.as_bytes().to_vec()).unwrap();
        for assignment in assignments {
            payload = set(&payload, assignment)?;
        }
        Ok(payload.as_str().to_owned())
    }

    #[test]
    fn values_are_json_where_they_are_json_and_text_elsewhere() {
        let text = r#"{"z":1.50,"tool_input":{"command":"ls","n":1}}"#;
        let set = ["tool_input.command=git push -f", "tool_input.n=2.0", "a=true", "b=\"3\"", "c="];
        assert_eq!(
            after(text, &set).unwrap(),
            r#"{"z":1.50,"tool_input":{"command":"git push -f","n":2.0},"a":true,"b":"3","c":""}"#
        );
        assert_eq!(after("{}", &["x=a=b"]).unwrap(), r#"{"x":"a=b"}"#);
    }

    #[test]
    fn what_is_missing_on_the_way_is_made() {
        assert_eq!(after("{}", &["a.b.c=1"]).unwrap(), r#"{"a":{"b":{"c":1}}}"#);
        let calls = r#"{"calls":[{"x":1}]}"#;
        assert_eq!(
            after(calls, &["calls.0.x=2", "calls.1.x=3"]).unwrap(),
            r#"{"calls":[{"x":2},{"x":3}]}"#
        );
        assert_eq!(after("{}", &["/a.b/c~1d=1"]).unwrap(), r#"{"a.b":{"c/d":1}}"#);
    }

    #[test]
    fn what_is_no_place_is_told() {
        let told = |text, assignment| after(text, &[assignment]).unwrap_err().to_string();
        assert_eq!(told("{}", "a"), "`a` is not of the form path=value");
        assert_eq!(told("{}", "a..b=1"), "`a..b` has a part without a name");
        assert_eq!(told("{}", "=1"), "`` has a part without a name");
        assert_eq!(told(r#"{"a":"x"}"#, "a.b=1"), "`b` of `a.b` is no place in a text");
        assert_eq!(
            told(r#"{"a":[]}"#, "a.1=1"),
            "`1` of `a.1` is no place in an array of that length"
        );
        assert_eq!(
            told(r#"{"a":1}"#, "a.b=1"),
            "`b` of `a.b` is no place in a number or a truth value"
        );
    }
}
