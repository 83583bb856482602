//! What is written down while hooks run: the claim where one could be had, nothing otherwise.
//!
//! Does not know the hooks. Invariant: that nothing can be written down never keeps a hook from
//! running; it is told once.

use serde::Serialize;

use crate::{
    model::hook::HookId,
    session::delivery::{Claim, Error, Start},
    sys::process::Identity,
};

/// The claim of this dispatch, if there is one.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    claim: Option<Claim>,
    fault: Option<String>,
}

impl Keeper {
    pub(super) fn new(claim: Option<Claim>) -> Self {
        Self { claim, fault: None }
    }

    /// Before hooks are started; the marks that their processes carry, in the same order.
    pub(super) fn start(&mut self, hooks: &[&HookId]) -> Vec<Option<Start>> {
        let Some(claim) = &mut self.claim else { return vec![None; hooks.len()] };
        match claim.start(hooks.iter().copied()) {
            Ok(starts) => starts.into_iter().map(Some).collect(),
            Err(error) => {
                self.note(&error);
                vec![None; hooks.len()]
            }
        }
    }

    /// After hooks were started.
    pub(super) fn spawned(&mut self, processes: &[(&Start, Identity)]) {
        let Some(claim) = &mut self.claim else { return };
        if processes.is_empty() {
            return;
        }
        if let Err(error) = claim.spawned(processes.iter().map(|(start, pid)| (*start, *pid))) {
            self.note(&error);
        }
    }

    /// A hook has answered.
    pub(super) fn done(&mut self, hook: &HookId, answer: &impl Serialize, is_silent: bool) {
        let Some(claim) = &mut self.claim else { return };
        if let Err(error) = claim.done(hook, answer, is_silent) {
            self.note(&error);
        }
    }

    /// The answer is out: the last thing that happens.
    pub(super) fn delivered(self) -> Result<(), Error> {
        self.claim.map_or(Ok(()), Claim::delivered)
    }

    /// What could not be written down, as a sentence.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    fn note(&mut self, error: &Error) {
        self.fault.get_or_insert_with(|| format!("the claim cannot be kept: {error}"));
    }
}
