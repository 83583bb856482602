//! The processes that we descend from.
//!
//! Knows nothing of which of them matter. Cheap enough for the hot path on Linux: two small files
//! for each ancestor.

use std::ffi::OsString;

use super::process::{arguments, facts_of};

/// More ancestors than this are no ancestry but a table that changes under our eyes.
const MAX_DEPTH: usize = 256;

/// One process above us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ancestor {
    pub(crate) pid: u32,
    /// When the kernel started it; see [`super::process::Identity`].
    pub(crate) start: u64,
    /// The short name; the kernel may have cut it (to 15 bytes on Linux).
    pub(crate) name: OsString,
    /// Its command line, beginning with the name it was called by; empty when we may not read it.
    pub(crate) arguments: Vec<OsString>,
}

/// Our ancestors, the parent first, up to the first process.
pub(crate) fn ancestors() -> Vec<Ancestor> {
    let own_pid = std::process::id();
    let mut chain: Vec<Ancestor> = Vec::new();
    let mut next = facts_of(own_pid).map_or(0, |own| own.parent);
    while next != 0 && next != own_pid && chain.len() < MAX_DEPTH {
        let Some(facts) = facts_of(next) else { break };
        // A parent that is younger than its child has the id of a parent that is gone.
        if chain.last().is_some_and(|child| child.start < facts.start) {
            break;
        }
        let arguments = arguments(facts.pid);
        next = facts.parent;
        chain.push(Ancestor { pid: facts.pid, start: facts.start, name: facts.name, arguments });
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::{Identity, is_alive};

    #[test]
    fn the_chain_begins_with_our_parent_and_ends_at_the_top() {
        let chain = ancestors();
        let parent = std::os::unix::process::parent_id();
        assert_eq!(chain.first().map(|ancestor| ancestor.pid), Some(parent));
        let last = chain.last().unwrap();
        assert_eq!(facts_of(last.pid).unwrap().parent, 0);
        for ancestor in &chain {
            assert!(!ancestor.name.is_empty());
            let identity = Identity { pid: ancestor.pid, start: ancestor.start };
            assert!(is_alive(&identity), "{ancestor:?}");
        }
        let mut pids: Vec<u32> = chain.iter().map(|ancestor| ancestor.pid).collect();
        pids.sort_unstable();
        pids.dedup();
        assert_eq!(pids.len(), chain.len());
    }

    #[test]
    fn a_parent_says_how_it_was_called() {
        let chain = ancestors();
        assert!(!chain.first().unwrap().arguments.is_empty());
    }
}
