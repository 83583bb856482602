//! JSON Pointers (RFC 6901): the address of a value in its document.

use super::{Kind, Node};

/// Appends one step; `~` and `/` are escaped.
pub(crate) fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    if !step.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
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

/// Appends the step to an item.
pub(crate) fn push_index(pointer: &mut String, index: usize) {
    pointer.push('/');
    match u8::try_from(index) {
        Ok(digit @ 0..=9) => pointer.push(char::from(b'0' + digit)),
        _ => pointer.push_str(&index.to_string()),
    }
}

/// The pointer one step further.
pub(crate) fn join(pointer: &str, step: &str) -> String {
    let mut longer = String::with_capacity(pointer.len() + 1 + step.len());
    longer.push_str(pointer);
    push(&mut longer, step);
    longer
}

/// The way to a value as the steps that led there, each kept by whoever took it: written down only
/// where somebody has to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trail<'s> {
    /// The document itself.
    Root,
    Key(&'s Trail<'s>, &'s str),
    Item(&'s Trail<'s>, usize),
}

impl<'s> Trail<'s> {
    /// To a member of it.
    pub(crate) fn key(&'s self, key: &'s str) -> Self {
        Trail::Key(self, key)
    }

    /// To an item of it.
    pub(crate) fn item(&'s self, index: usize) -> Self {
        Trail::Item(self, index)
    }

    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::with_capacity(self.length());
        self.write(&mut pointer);
        pointer
    }

    /// Bytes of the pointer, as far as they are known without writing it.
    fn length(&self) -> usize {
        match self {
            Trail::Root => 0,
            Trail::Key(before, key) => before.length() + 1 + key.len(),
            Trail::Item(before, _) => before.length() + 4,
        }
    }

    fn write(&self, pointer: &mut String) {
        match self {
            Trail::Root => {}
            Trail::Key(before, key) => {
                before.write(pointer);
                push(pointer, key);
            }
            Trail::Item(before, index) => {
                before.write(pointer);
                push_index(pointer, *index);
            }
        }
    }
}

/// The value that a pointer names, if there is one; of duplicate keys the last counts.
pub(crate) fn find<'t>(root: Node<'t>, pointer: &str) -> Option<Node<'t>> {
    let (mut node, mut rest) = (root, pointer);
    while !rest.is_empty() {
        let behind = rest.strip_prefix('/')?;
        // Steps are so short that making a searcher takes longer than this search.
        let length = behind.bytes().position(|byte| byte == b'/').unwrap_or(behind.len());
        let step;
        (step, rest) = behind.split_at(length);
        node = match node.kind() {
            Kind::Object if step.contains('~') => {
                node.get(&step.replace("~1", "/").replace("~0", "~"))?
            }
            Kind::Object => node.get(step)?,
            Kind::Array => node.item(step.parse().ok()?)?,
            _ => return None,
        };
    }
    Some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_is_the_pointer_of_its_steps() {
        let first = Trail::Root.key("a/b~");
        let second = first.item(12);
        assert_eq!(second.key("c").pointer(), "/a~1b~0/12/c");
        assert_eq!(Trail::Root.pointer(), "");
    }

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
