//! What of a project waits for approval.
//!
//! Asks nobody. Invariant: what is approved is what was looked at, byte for byte, not what lies on
//! the disk by then.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{model::hook::Entry, source::SourceFile, sys::clock::Deadline};

use super::{Accepted, Error, Judgement, ScriptVerdict, Store, Trust};

/// Why a file waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Never approved.
    New,
    /// Approved in another form.
    Changed,
    /// Approved, and the record of it is damaged.
    Lost,
    /// Approved, and gone.
    Removed,
    /// As approved, but scripts that it names are not.
    Scripts,
}

impl Why {
    /// One word, for people and programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Lost => "lost",
            Self::Removed => "removed",
            Self::Scripts => "scripts",
        }
    }
}

/// A hook file that waits.
#[derive(Clone, Debug)]
pub(crate) struct WaitingFile {
    pub(crate) path: PathBuf,
    pub(crate) why: Why,
    /// What was approved, if it is known.
    pub(crate) trusted: Option<Vec<u8>>,
    /// What it says now; `None` when it is gone.
    pub(crate) source: Option<Arc<SourceFile>>,
    /// What it would run.
    pub(crate) entries: Vec<Entry>,
    /// Scripts of the project that it names and that are not as they were approved.
    pub(crate) scripts: Vec<PathBuf>,
}

/// All that waits in one project.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) files: Vec<WaitingFile>,
}

impl Trust {
    /// Compares hook files of a project, each with what it says, with what was approved. Of the
    /// files that were approved and are not among them, those are meant that do not exist.
    pub(crate) fn waiting<'a>(
        &self,
        present: impl IntoIterator<Item = (&'a Arc<SourceFile>, &'a [Entry])>,
    ) -> Waiting {
        let mut paths = Vec::new();
        let mut waiting = Waiting::default();
        for (source, entries) in present {
            paths.push(source.path());
            waiting.files.extend(self.waits(source, entries));
        }
        for (path, trusted) in self.removed(&paths) {
            let gone = path.symlink_metadata();
            if gone.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                waiting.files.push(WaitingFile {
                    path,
                    why: Why::Removed,
                    trusted: Some(trusted.to_vec()),
                    source: None,
                    entries: Vec::new(),
                    scripts: Vec::new(),
                });
            }
        }
        waiting
    }

    fn waits(&self, source: &Arc<SourceFile>, entries: &[Entry]) -> Option<WaitingFile> {
        let scripts = self.changed_scripts(entries);
        let (why, trusted) = match self.judge(source.path(), source.text().as_bytes()) {
            Judgement::Same if scripts.is_empty() => return None,
            Judgement::Same => (Why::Scripts, None),
            Judgement::Changed { trusted } => (Why::Changed, Some(trusted.to_vec())),
            Judgement::New => (Why::New, None),
            Judgement::Lost => (Why::Lost, None),
        };
        Some(WaitingFile {
            path: source.path().to_owned(),
            why,
            trusted,
            source: Some(Arc::clone(source)),
            entries: entries.to_vec(),
            scripts,
        })
    }

    fn changed_scripts(&self, entries: &[Entry]) -> Vec<PathBuf> {
        let changes = entries.iter().flat_map(|entry| match self.scripts(entry, false) {
            ScriptVerdict::Same => Vec::new(),
            ScriptVerdict::Told(changes) | ScriptVerdict::Suspended { changes, .. } => changes,
        });
        let mut paths: Vec<_> = changes.map(|change| change.path).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Approves all of it. Whether that may be done here is for [`super::may_grant`] to say.
    pub(crate) fn accept(
        &self,
        state_dir: &Path,
        project: &Path,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let accepted: Vec<_> = self.files.iter().map(WaitingFile::accepted).collect();
        if accepted.is_empty() {
            return Ok(());
        }
        Store::open(state_dir)?.accept(project, &accepted, deadline)
    }
}

impl WaitingFile {
    fn accepted(&self) -> Accepted<'_> {
        Accepted {
            file: &self.path,
            bytes: self.source.as_ref().map(|source| source.text().as_bytes()),
            entries: &self.entries,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write as _};

    use super::*;
    use crate::{
        config::read::{Belongs, Want, read},
        model::{Processor, origin::Layer},
    };

    struct Stage {
        scratch: tempfile::TempDir,
    }

    impl Stage {
        fn new() -> Self {
            Self { scratch: tempfile::tempdir().unwrap() }
        }

        fn project(&self) -> PathBuf {
            self.scratch.path().canonicalize().unwrap()
        }

        fn state(&self) -> PathBuf {
            self.project().join("state")
        }

        fn write(&self, name: &str, text: &str) {
            let mut file = File::create(self.project().join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        /// What waits when `hooks.json` holds this, `None`: when it is not there.
        fn waiting(&self, text: Option<&str>) -> Waiting {
            let trust = Trust::load(&self.state(), &self.project());
            let belongs = Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) };
            let source = text.map(|text| SourceFile::new(self.project().join("hooks.json"), text));
            let read = source.as_ref().map(|source| read(source, belongs, Want::All));
            let entries = read.as_ref().map(|read| read.entries.as_slice()).unwrap_or_default();
            trust.waiting(source.as_ref().map(|source| (source, entries)))
        }

        fn accept(&self, waiting: &Waiting) {
            waiting.accept(&self.state(), &self.project(), Deadline::never()).unwrap();
        }
    }

    const HOOKS: &str = r#"{"hooks": {"Stop": [{"hooks": [
        {"type": "command", "command": "./check.sh"}]}]}}"#;

    fn whys(waiting: &Waiting) -> Vec<Why> {
        waiting.files.iter().map(|file| file.why).collect()
    }

    #[test]
    fn a_file_waits_until_it_is_approved_and_again_when_it_changes() {
        let stage = Stage::new();
        let new = stage.waiting(Some(HOOKS));
        assert_eq!((whys(&new), new.files[0].entries.len()), (vec![Why::New], 1));
        stage.accept(&new);
        assert!(stage.waiting(Some(HOOKS)).is_empty());
        let changed = stage.waiting(Some("{}"));
        assert_eq!(whys(&changed), [Why::Changed]);
        assert_eq!(changed.files[0].trusted.as_deref(), Some(HOOKS.as_bytes()));
        let removed = stage.waiting(None);
        assert_eq!(whys(&removed), [Why::Removed]);
        stage.accept(&removed);
        assert!(stage.waiting(None).is_empty());
    }

    #[test]
    fn a_changed_script_waits_too() {
        let stage = Stage::new();
        stage.write("check.sh", "true");
        stage.accept(&stage.waiting(Some(HOOKS)));
        assert!(stage.waiting(Some(HOOKS)).is_empty());
        stage.write("check.sh", "false");
        let waiting = stage.waiting(Some(HOOKS));
        assert_eq!(whys(&waiting), [Why::Scripts]);
        assert_eq!(waiting.files[0].scripts, [stage.project().join("check.sh")]);
        stage.accept(&waiting);
        assert!(stage.waiting(Some(HOOKS)).is_empty());
    }

    #[test]
    fn a_file_that_is_there_but_cannot_be_read_is_not_removed() {
        let stage = Stage::new();
        stage.accept(&stage.waiting(Some(HOOKS)));
        stage.write("hooks.json", "whatever it is now");
        assert!(stage.waiting(None).is_empty());
    }
}
