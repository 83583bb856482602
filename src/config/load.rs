//! All hook files of a place, read and joined.
//!
//! Does not decide what is trusted: it asks. Invariants: one file on the disk is read once, by
//! whatever paths it is found; the `integration` of a file that is not approved has no effect.

use std::sync::Arc;

use super::{
    integration::Integration,
    locate::{self, Candidate, Roots},
    open::{Opened, open},
    presets,
    read::{Belongs, Read, Want, read},
};
use crate::{
    diag::Diagnostic,
    model::{hook::Entry, origin::Layer},
    source::SourceFile,
    sys::file::FileId,
};

/// One hook file and what it says.
#[derive(Clone, Debug)]
pub(crate) struct HookFile {
    pub(crate) belongs: Belongs,
    pub(crate) source: Arc<SourceFile>,
    /// Its diagnostics have been moved to those of all files.
    pub(crate) read: Read,
}

/// The files with fixed names; what they refer to is still to come.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    pub(crate) files: Vec<HookFile>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    seen: Vec<FileId>,
}

/// Everything that is configured.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// In layer order.
    pub(crate) files: Vec<HookFile>,
    pub(crate) integration: Integration,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// The entries of all files, for `merge`.
    pub(crate) fn into_entries(self) -> Vec<Entry> {
        self.files.into_iter().flat_map(|file| file.read.entries).collect()
    }
}

/// Reads the files with fixed names.
pub(crate) fn read_files(roots: &Roots, want: Want<'_>) -> Fixed {
    let mut files = Fixed::default();
    let mut opened: Vec<(Candidate, Opened)> = Vec::new();
    for candidate in locate::candidates(roots) {
        let Some(file) = files.open(&candidate) else {
            continue;
        };
        match opened.iter_mut().find(|(_, earlier)| earlier.id == file.id) {
            Some((first, _)) => share(first, &candidate),
            None => opened.push((candidate, file)),
        }
    }
    for (candidate, file) in opened {
        files.take(candidate.belongs, file, want);
    }
    files
}

/// One file under two paths: in one layer it belongs to both processors, else the earlier layer
/// has it (a project that is the home directory is the user's).
fn share(first: &mut Candidate, again: &Candidate) {
    if first.belongs.layer == again.belongs.layer && first.belongs.owner != again.belongs.owner {
        first.belongs.owner = None;
    }
}

impl Fixed {
    fn open(&mut self, candidate: &Candidate) -> Option<Opened> {
        match open(&candidate.path) {
            Ok(opened) => opened,
            Err(found) => {
                self.diagnostics.push(*found);
                None
            }
        }
    }

    fn take(&mut self, belongs: Belongs, file: Opened, want: Want<'_>) {
        self.seen.push(file.id);
        self.diagnostics.extend(file.findings);
        if file.is_sound {
            self.add(belongs, file.source, want);
        }
    }

    fn add(&mut self, belongs: Belongs, source: Arc<SourceFile>, want: Want<'_>) {
        let mut read = read(&source, belongs, want);
        self.diagnostics.append(&mut read.diagnostics);
        self.files.push(HookFile { belongs, source, read });
    }

    /// Adds the shared file and the presets that the files name. `is_approved` is asked for each
    /// file of the project whether its `integration` counts.
    pub(crate) fn assemble(
        mut self,
        roots: &Roots,
        want: Want<'_>,
        is_approved: impl Fn(&HookFile) -> bool,
    ) -> Loaded {
        let fixed = self.joined(&is_approved);
        if let Some(said) = &fixed.shared_hooks_path {
            match locate::shared(roots, said) {
                Ok(candidate) => self.take_shared(&candidate, want),
                Err(found) => self.diagnostics.push(*found),
            }
        }
        self.files.sort_by_key(|file| file.belongs.layer);
        let integration = self.joined(&is_approved);
        for preset in &integration.presets {
            match presets::find(preset) {
                Ok(source) => {
                    self.add(Belongs { layer: Layer::Preset, owner: None }, source, want);
                }
                Err(found) => self.diagnostics.push(*found),
            }
        }
        self.files.sort_by_key(|file| file.belongs.layer);
        Loaded { files: self.files, integration, diagnostics: self.diagnostics }
    }

    fn take_shared(&mut self, candidate: &Candidate, want: Want<'_>) {
        if let Some(file) = self.open(candidate)
            && !self.seen.contains(&file.id)
        {
            self.take(candidate.belongs, file, want);
        }
    }

    fn joined(&self, is_approved: impl Fn(&HookFile) -> bool) -> Integration {
        let speaks = |file: &&HookFile| !file.belongs.layer.is_of_project() || is_approved(file);
        let said = |file: &HookFile| (file.belongs.layer, file.read.integration.clone());
        Integration::joined(self.files.iter().filter(speaks).map(said))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{File, create_dir_all},
        io::Write as _,
        os::unix::fs::symlink,
    };

    use super::*;
    use crate::model::Processor;

    struct World {
        dir: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn roots(&self) -> Roots {
            let at = |name| Some(self.dir.path().join(name));
            Roots { claude_dir: at("home/.claude"), project: at("p") }
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.dir.path().join(name);
            create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn load(&self, is_approved: bool) -> Loaded {
            let roots = self.roots();
            read_files(&roots, Want::All).assemble(&roots, Want::All, |_| is_approved)
        }
    }

    fn hook(command: &str, more: &str) -> String {
        format!(
            r#"{{"hooks":{{"Stop":[{{"hooks":[{{"type":"command","command":"{command}"}}]}}]}}{more}}}"#
        )
    }

    fn told(loaded: &Loaded) -> Vec<String> {
        let entries = loaded.files.iter().flat_map(|file| &file.read.entries);
        entries.map(|e| format!("{} {}", e.origin.layer, e.handler)).collect()
    }

    #[test]
    fn all_layers_come_together() {
        let world = World::new();
        world.write("home/.claude/hooks.json", &hook("user", ""));
        let integration =
            r#","integration":{"shared_hooks_path":"team/h.json","presets":["bell","bel"]}"#;
        world.write("p/.claude/hooks.json", &hook("claude", integration));
        world.write("p/.task_orchestrator/hooks.json", &hook("orchestrator", ""));
        world.write("p/.claude/hooks.local.json", &hook("local", ""));
        world.write("p/team/h.json", &hook("shared", ""));
        let loaded = world.load(true);
        let told = told(&loaded);
        assert!(told[0].starts_with("preset ") && told[1].starts_with("preset "), "{told:?}");
        assert_eq!(
            told[2..],
            [
                "user user",
                "project claude",
                "project orchestrator",
                "project shared",
                "local local"
            ]
        );
        let rules: Vec<_> = loaded.diagnostics.iter().map(|d| d.rule.name).collect();
        assert_eq!(rules, ["unknown-preset"]);
        assert!(loaded.diagnostics[0].help.as_deref().unwrap().contains("`bell`"));
        let unapproved = world.load(false);
        assert_eq!(unapproved.files.len(), 4, "neither presets nor the shared file");
        assert!(unapproved.diagnostics.is_empty());
    }

    #[test]
    fn one_file_is_read_once() {
        let world = World::new();
        let integration = r#","integration":{"shared_hooks_path":".claude/hooks.json"}"#;
        world.write("p/.claude/hooks.json", &hook("a", integration));
        create_dir_all(world.dir.path().join("p/.task_orchestrator")).unwrap();
        let link = world.dir.path().join("p/.task_orchestrator/hooks.json");
        symlink("../.claude/hooks.json", link).unwrap();
        let loaded = world.load(true);
        assert_eq!(told(&loaded), ["project a"]);
        assert_eq!(loaded.files[0].belongs.owner, None, "it is the file of both");
    }

    #[test]
    fn the_home_directory_as_project_is_the_users() {
        let world = World::new();
        world.write("home/.claude/hooks.json", &hook("a", ""));
        let home = world.dir.path().join("home");
        let roots = Roots { claude_dir: Some(home.join(".claude")), project: Some(home) };
        let files = read_files(&roots, Want::All);
        assert_eq!(files.files.len(), 1);
        let user = Belongs { layer: Layer::User, owner: Some(Processor::ClaudeCode) };
        assert_eq!(files.files[0].belongs, user);
    }

    #[test]
    fn nothing_there_is_fine_and_trouble_is_told() {
        let world = World::new();
        assert!(world.load(true).files.is_empty());
        create_dir_all(world.dir.path().join("p/.claude/hooks.json")).unwrap();
        world.write("p/.task_orchestrator/hooks.json", &hook("b", ""));
        world.write("p/.claude/hooks.local.json", "{");
        let loaded = world.load(true);
        assert_eq!(told(&loaded), ["project b"]);
        let rules: Vec<_> = loaded.diagnostics.iter().map(|d| d.rule.name).collect();
        assert_eq!(rules, ["file-unreadable", "invalid-json"]);
    }
}
