//! One hook file under the eyes of trust: what it says, what of it runs, whose settings count.
//!
//! Does not open files. Invariant: the text that is judged is the text that is read.

use std::{path::PathBuf, sync::Arc};

use crate::{
    config::{
        integration::Integration,
        read::{Belongs, Want, read},
    },
    diag::Diagnostic,
    model::hook::Entry,
    source::SourceFile,
};

use super::{Judged, Judgement, Trust, apply};

/// What one file comes to.
#[derive(Clone, Debug)]
pub(crate) struct Reviewed {
    pub(crate) judged: Judged,
    /// As the file says it if it is trusted as it stands, else as the trusted text says it; the
    /// default where nothing is trusted.
    pub(crate) integration: Integration,
    /// Of what the file says now.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads a file that is there. Layers that do not lie in the project need no trust.
pub(crate) fn review(
    trust: &Trust,
    source: &Arc<SourceFile>,
    belongs: Belongs,
    want: Want<'_>,
    is_gate: impl Fn(&Entry) -> bool,
) -> Reviewed {
    let now = read(source, belongs, want);
    let judgement = if belongs.layer.is_of_project() {
        trust.judge(source.path(), source.text().as_bytes())
    } else {
        Judgement::Same
    };
    let (judged, integration) = match judgement {
        Judgement::Same => (Judged::trusted(now.entries), now.integration),
        Judgement::Changed { trusted } => {
            let before = read(&trusted_source(source.path().to_owned(), trusted), belongs, want);
            (apply(now.entries, before.entries, is_gate), before.integration)
        }
        Judgement::New | Judgement::Lost => {
            (apply(now.entries, Vec::new(), is_gate), Integration::default())
        }
    };
    Reviewed { judged, integration, diagnostics: now.diagnostics }
}

/// Reads a file that is gone, as it was approved: see [`Trust::removed`].
pub(crate) fn review_removed(
    path: PathBuf,
    trusted: &[u8],
    belongs: Belongs,
    want: Want<'_>,
    is_gate: impl Fn(&Entry) -> bool,
) -> Reviewed {
    let before = read(&trusted_source(path, trusted), belongs, want);
    Reviewed {
        judged: apply(Vec::new(), before.entries, is_gate),
        integration: before.integration,
        diagnostics: Vec::new(),
    }
}

fn trusted_source(path: PathBuf, trusted: &[u8]) -> Arc<SourceFile> {
    SourceFile::new(path, String::from_utf8_lossy(trusted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::trust::{Accepted, Held, Store, Suspension},
        model::{Event, Processor, origin::Layer, strategy::Strategy},
        sys::clock::Deadline,
    };

    const PROJECT: Belongs = Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) };

    fn text(command: &str, extra: &str, strategy: &str) -> String {
        format!(
            r#"{{"hooks": {{
                "PreToolUse": [{{"hooks": [{{"type": "command", "command": "{command}"{extra}}}]}}],
                "Stop": [{{"hooks": [{{"type": "command", "command": "{command}"{extra}}}]}}]
            }}, "integration": {{"deduplication_strategy": "{strategy}"}}}}"#
        )
    }

    /// The project, and trust in `hooks.json` with this text.
    struct Stage {
        scratch: tempfile::TempDir,
    }

    impl Stage {
        fn trusting(text: &str) -> Self {
            let stage = Self { scratch: tempfile::tempdir().unwrap() };
            let (file, bytes) = (stage.file(), Some(text.as_bytes()));
            let accepted = Accepted { file: &file, bytes, entries: &[] };
            let store = Store::open(&stage.scratch.path().join("state")).unwrap();
            store.accept(&stage.project(), &[accepted], Deadline::never()).unwrap();
            stage
        }

        fn project(&self) -> PathBuf {
            self.scratch.path().canonicalize().unwrap()
        }

        fn file(&self) -> PathBuf {
            self.project().join(".claude/hooks.json")
        }

        fn review(&self, text: &str, belongs: Belongs, event: &str) -> Reviewed {
            let trust = Trust::load(&self.scratch.path().join("state"), &self.project());
            let source = SourceFile::new(self.file(), text);
            review(&trust, &source, belongs, Want::Event(&Event::claude(event)), is_gate)
        }
    }

    fn is_gate(entry: &Entry) -> bool {
        entry.event.row().is_some_and(|row| row.is_gate)
    }

    fn strategy(reviewed: &Reviewed) -> Strategy {
        reviewed.integration.strategy()
    }

    #[test]
    fn a_trusted_file_speaks_for_itself() {
        let now = text("guard", "", "both");
        let reviewed = Stage::trusting(&now).review(&now, PROJECT, "PreToolUse");
        assert_eq!(reviewed.judged.running.len(), 1);
        assert_eq!(strategy(&reviewed), Strategy::Both);
    }

    #[test]
    fn a_changed_file_holds_gates_and_its_old_settings() {
        let stage = Stage::trusting(&text("guard", "", "first_wins"));
        let now = text("guard", r#", "enabled": false"#, "both");
        let gate = stage.review(&now, PROJECT, "PreToolUse");
        assert_eq!(gate.judged.held[0].1, Held::Changed);
        assert_eq!(gate.judged.held[0].0.settings.enabled, None);
        assert_eq!(gate.judged.suspended[0].1, Suspension::Changed);
        assert_eq!(strategy(&gate), Strategy::FirstWins);
        let observer = stage.review(&now, PROJECT, "Stop").judged;
        assert!(observer.held.is_empty() && observer.running.is_empty());
        assert_eq!((observer.suspended.len(), observer.withdrawn.len()), (1, 1));
    }

    #[test]
    fn a_change_that_is_none_for_the_event_stops_nothing() {
        let stage = Stage::trusting(&text("guard", "", "both"));
        let reviewed = stage.review(&(text("guard", "", "both") + "\n"), PROJECT, "Stop");
        assert_eq!(reviewed.judged.running.len(), 1);
        assert!(reviewed.judged.notices().is_empty());
    }

    #[test]
    fn a_broken_file_keeps_its_gates() {
        let stage = Stage::trusting(&text("guard", "", "both"));
        let reviewed = stage.review("{\"hooks\": ", PROJECT, "PreToolUse");
        assert_eq!(reviewed.judged.held[0].1, Held::Removed);
        assert!(!reviewed.diagnostics.is_empty());
    }

    #[test]
    fn a_new_file_says_nothing_until_it_is_trusted_but_that_of_the_user_does() {
        let stage = Stage { scratch: tempfile::tempdir().unwrap() };
        let now = text("guard", "", "both");
        let project = stage.review(&now, PROJECT, "PreToolUse");
        assert_eq!(project.judged.suspended[0].1, Suspension::New);
        assert_eq!(strategy(&project), Strategy::default());
        let user = stage.review(&now, Belongs { layer: Layer::User, ..PROJECT }, "PreToolUse");
        assert_eq!(user.judged.running.len(), 1);
        assert_eq!(strategy(&user), Strategy::Both);
    }

    #[test]
    fn a_file_that_is_gone_keeps_its_gates() {
        let stage = Stage::trusting(&text("guard", "", "both"));
        let trust = Trust::load(&stage.scratch.path().join("state"), &stage.project());
        let (path, trusted) = trust.removed(&[]).remove(0);
        assert_eq!(path, stage.file());
        let event = Event::claude("PreToolUse");
        let reviewed = review_removed(path, trusted, PROJECT, Want::Event(&event), is_gate);
        assert_eq!(reviewed.judged.held[0].1, Held::Removed);
        assert!(reviewed.judged.notices()[0].contains("was removed"));
    }
}
