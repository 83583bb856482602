//! How much memory and processor time a child may use.
//!
//! Set for ourselves while the child is started, which inherits it from its first moment on, and
//! taken back afterwards: there is no moment in which the child runs without. Only the soft
//! limits move, so that we may take them back. For a process that starts one child and then waits.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What one process of a child's may use; its children have the same each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Bytes of address space (`RLIMIT_AS`; macOS does not hold it).
    pub(crate) memory: Option<u64>,
    /// Seconds of processor time, then the system ends it with `SIGXCPU`.
    pub(crate) cpu_s: Option<u64>,
}

/// Does `start` under `allowance`.
pub(crate) fn within<T>(allowance: Allowance, start: impl FnOnce() -> T) -> T {
    let wanted = [(Resource::As, allowance.memory), (Resource::Cpu, allowance.cpu_s)];
    let before: Vec<_> = wanted
        .into_iter()
        .filter_map(|(resource, most)| {
            let most = most?;
            let before = getrlimit(resource);
            let most = before.maximum.map_or(most, |maximum| maximum.min(most));
            // What cannot be set is not held; the child is not kept from running by that.
            setrlimit(resource, Rlimit { current: Some(most), ..before }).ok()?;
            Some((resource, before))
        })
        .collect();
    let started = start();
    for (resource, before) in before {
        // To raise a soft limit again needs no right.
        let _as_before = setrlimit(resource, before);
    }
    started
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_for_the_child_and_not_for_us() {
        let before = getrlimit(Resource::Cpu);
        let allowance = Allowance { memory: None, cpu_s: Some(12_345) };
        let inside = within(allowance, || getrlimit(Resource::Cpu));
        assert_eq!(inside.current, Some(12_345));
        assert_eq!(getrlimit(Resource::Cpu), before);
    }
}
