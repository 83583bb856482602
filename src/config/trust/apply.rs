//! Which hooks of a file run, given what it says now and what was approved.
//!
//! Reads nothing and knows nothing of bytes. Invariants: every entry of the file runs or is
//! suspended, and every trusted entry that is gone is held or withdrawn; none vanishes without a
//! word. What runs was approved word for word.

use crate::model::hook::Entry;

/// Why an entry does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspension {
    /// Nothing like it was approved.
    New,
    /// It was approved in another form.
    Changed,
}

/// Why a trusted entry runs that the file does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// The file has another form of it.
    Changed,
    /// The file has it no longer.
    Removed,
}

/// What becomes of the entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged {
    /// As approved.
    pub(crate) running: Vec<Entry>,
    /// Waiting for approval.
    pub(crate) suspended: Vec<(Entry, Suspension)>,
    /// Gates that run on in their trusted form until the change is approved.
    pub(crate) held: Vec<(Entry, Held)>,
    /// Trusted observers that the file has no longer, or not in this form: they do not run.
    pub(crate) withdrawn: Vec<Entry>,
}

impl Judged {
    /// A file that is trusted as it stands.
    pub(crate) fn trusted(entries: Vec<Entry>) -> Self {
        Self { running: entries, ..Self::default() }
    }

    /// Everything that runs: what is approved, and gates that are held.
    pub(crate) fn into_running(self) -> Vec<Entry> {
        self.running.into_iter().chain(self.held.into_iter().map(|(entry, _)| entry)).collect()
    }

    /// One line for each thing that the user must be told.
    pub(crate) fn notices(&self) -> Vec<String> {
        let told = |entry: &Entry, what: &str| format!("{}: {} {what}", entry.origin, name(entry));
        let suspended = self.suspended.iter().map(|(entry, why)| {
            told(
                entry,
                match why {
                    Suspension::New => "is new and does not run until `cph trust` approves it",
                    Suspension::Changed => {
                        "was changed and does not run until `cph trust` approves it"
                    }
                },
            )
        });
        let held = self.held.iter().map(|(entry, why)| {
            told(
                entry,
                match why {
                    Held::Changed => "was changed; as a gate it runs on as it was approved",
                    Held::Removed => {
                        "was removed; as a gate it runs on until `cph trust` approves that"
                    }
                },
            )
        });
        suspended.chain(held).collect()
    }
}

fn name(entry: &Entry) -> String {
    let name = entry.label.clone().or_else(|| entry.id.clone());
    format!("hook `{}`", name.unwrap_or_else(|| entry.handler.to_string()))
}

/// Sorts the entries of one file. `is_gate` says whether an entry can stop something, by its
/// event, by `gate: true`, or because it has spoken before.
pub(crate) fn apply(
    current: Vec<Entry>,
    trusted: Vec<Entry>,
    is_gate: impl Fn(&Entry) -> bool,
) -> Judged {
    let has = |entries: &[Entry], entry: &Entry| entries.iter().any(|e| means_same(entry, e));
    let (running, unknown): (Vec<_>, Vec<_>) =
        current.into_iter().partition(|entry| has(&trusted, entry));
    let gone: Vec<Entry> = trusted.into_iter().filter(|entry| !has(&running, entry)).collect();
    let resembles = |entries: &[Entry], entry: &Entry| entries.iter().any(|e| is_form_of(entry, e));
    let mut judged = Judged { running, ..Judged::default() };
    for entry in unknown.iter().cloned() {
        let changed = resembles(&gone, &entry);
        let why = if changed { Suspension::Changed } else { Suspension::New };
        judged.suspended.push((entry, why));
    }
    for entry in gone {
        if is_gate(&entry) {
            let changed = resembles(&unknown, &entry);
            let why = if changed { Held::Changed } else { Held::Removed };
            judged.held.push((entry, why));
        } else {
            judged.withdrawn.push(entry);
        }
    }
    judged
}

/// Whether two entries say the same in all that matters; labels and places do not.
fn means_same(a: &Entry, b: &Entry) -> bool {
    a.event == b.event
        && a.vocabulary == b.vocabulary
        && a.matcher == b.matcher
        && a.paths == b.paths
        && a.processors == b.processors
        && a.condition == b.condition
        && a.handler == b.handler
        && a.settings == b.settings
        && a.id == b.id
}

/// Whether two entries are probably one hook in two forms. Only the words of a notice depend on it.
fn is_form_of(a: &Entry, b: &Entry) -> bool {
    let same_id = a.id.is_some() && a.id == b.id;
    a.event == b.event
        && (same_id || a.handler == b.handler || a.origin.pointer == b.origin.pointer)
}

#[cfg(test)]
mod tests;
