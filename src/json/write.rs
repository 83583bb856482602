//! JSON text of our own making: strings and objects from values that are JSON already.

/// A JSON string.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An object on one line; the values are JSON as it is to stand there.
pub(crate) fn object<'v>(members: impl IntoIterator<Item = (&'v str, &'v str)>) -> String {
    join(members, "{", ",", ":", "}")
}

/// An object with a line for each member.
pub(crate) fn object_in_lines<'v>(members: impl IntoIterator<Item = (&'v str, &'v str)>) -> String {
    join(members, "{\n  ", ",\n  ", ": ", "\n}\n")
}

fn join<'v>(
    members: impl IntoIterator<Item = (&'v str, &'v str)>,
    open: &str,
    between: &str,
    colon: &str,
    close: &str,
) -> String {
    let members: Vec<String> =
        members.into_iter().map(|(key, value)| quote(key) + colon + value).collect();
    [open, &members.join(between), close].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Node;

    #[test]
    fn what_is_written_can_be_read() {
        let odd = "a\"b\\c\n\u{1}ä";
        for text in [object([(odd, &*quote(odd))]), object_in_lines([(odd, &*quote(odd))])] {
            let members = Node::document(&text).unwrap().members();
            assert_eq!(members[0].key, odd);
            assert_eq!(members[0].value.as_str().unwrap(), odd);
        }
        assert_eq!(object([("a", "1"), ("b", "[]")]), r#"{"a":1,"b":[]}"#);
    }
}
