//! JSON Pointers (RFC 6901): the address of a value in its document.

use super::{Kind, Node};

/// Appends one step; `~` and `/` are escaped.
pub(crate) fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    if !step.contains(['~', '/']) {
        return pointer.push_str(step);
    }
    for c in step.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// The pointer one step further.
pub(crate) fn join(pointer: &str, step: &str) -> String {
    let mut longer = String::with_capacity(pointer.len() + 1 + step.len());
    longer.push_str(pointer);
    push(&mut longer, step);
    longer
}

/// The value that a pointer names, if there is one; of duplicate keys the last counts.
pub(crate) fn find<'t>(root: Node<'t>, pointer: &str) -> Option<Node<'t>> {
    let mut steps = pointer.split('/');
    if steps.next() != Some("") {
        return None;
    }
    steps.try_fold(root, |node, step| match node.kind() {
        Kind::Object if step.contains('~') => node.get(&step.replace("~1", "/").replace("~0", "~")),
        Kind::Object => node.get(step),
        Kind::Array => node.item(step.parse().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_finds() {
        let root = Node::document(r#"{"a/b~":[0,{"c":"x"}]}"#).unwrap();
        let mut pointer = join("", "a/b~");
        push(&mut pointer, "1");
        push(&mut pointer, "c");
        assert_eq!(pointer, "/a~1b~0/1/c");
        assert_eq!(find(root, &pointer).unwrap().as_str().unwrap(), "x");
        assert!(find(root, "/a~1b~0/9").is_none());
        assert_eq!(find(root, ""), Some(root));
    }
}
