//! Shell texts: reading, walking, and what they end with.

use super::assert_inside;
use crate::shell::{
    ends::{Codes, ends},
    read,
    walk::walk,
};

/// Reads the bytes as a script.
pub fn script(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match read(text) {
        Ok(list) => {
            walk(&list, &mut |command, around| {
                assert_inside(text, command.span, "a command");
                assert!(around.item < around.list.0.len(), "a command stands in its list");
                for word in command.words() {
                    assert_inside(text, word.span, "a word");
                }
            });
            let all = ends(&list, &|_| Codes::ANY);
            let some = ends(&list, &|_| Codes::ZERO);
            assert!(all.holds(some), "programs that can end with more take nothing away");
        }
        Err(unclear) => assert!(unclear.at <= text.len(), "reading stops in the text"),
    }
}
