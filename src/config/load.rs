//! All hook files of a place, read, judged and joined.
//!
//! Does not decide what is trusted: `trust` does. Invariants: one file on the disk is read once,
//! by whatever paths it is found; the `integration` of a project that is not approved has no
//! effect.

use std::{path::PathBuf, sync::Arc};

use super::{
    integration::Integration,
    locate::{self, Candidate, Roots},
    open::{Opened, open},
    presets,
    read::{Belongs, Want, read},
    screen::Screen,
    trust::{self, Judged, Judgement, Reviewed, Trust},
};
use crate::{
    diag::Diagnostic,
    model::{hook::Entry, origin::Layer},
    source::SourceFile,
    sys::file::FileId,
};

/// What is to be loaded, and under whose eyes.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) roots: &'a Roots,
    pub(crate) want: Want<'a>,
    /// `None`: everything counts as it stands, for who only looks.
    pub(crate) trust: Option<&'a Trust>,
    /// Whether an entry can stop something: a gate that was changed runs on as it was approved.
    pub(crate) is_gate: &'a dyn Fn(&Entry) -> bool,
    /// What has happened, for who only wants what it means: files in which nothing is meant by it
    /// are not opened any further.
    pub(crate) screen: Option<&'a Screen<'a>>,
}

/// Which of the files are looked at, and whether one of them otherwise than it stands.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// Presets come with the files that name them, whether their layer is among these or not.
    pub(crate) layers: &'a [Layer],
    /// A file with a fixed name as it will be, there or not.
    pub(crate) instead: Option<&'a Arc<SourceFile>>,
    /// Files with fixed names that are not opened.
    pub(crate) without: &'a [PathBuf],
}

impl View<'_> {
    /// All files as they stand.
    pub(crate) const ALL: View<'static> =
        View { layers: &[Layer::User, Layer::Project, Layer::Local], instead: None, without: &[] };
}

/// One hook file, what it says and what of it runs.
#[derive(Clone, Debug)]
pub(crate) struct HookFile {
    pub(crate) belongs: Belongs,
    /// As it stands now; `None` when it is gone and only its gates are left.
    pub(crate) source: Option<Arc<SourceFile>>,
    pub(crate) judged: Judged,
    /// What counts, not what stands there.
    pub(crate) integration: Integration,
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
    /// What the user must be told about files that are not trusted as they stand.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.files.iter().flat_map(|file| file.judged.notices()).collect()
    }

    /// The entries that run, for `merge`.
    pub(crate) fn into_running(self) -> Vec<Entry> {
        self.files.into_iter().flat_map(|file| file.judged.into_running()).collect()
    }
}

/// Reads all layers: the files with fixed names, then what they refer to.
pub(crate) fn load(asking: &Asking<'_>) -> Loaded {
    load_as(asking, View::ALL)
}

/// Reads the layers that are looked at.
pub(crate) fn load_as(asking: &Asking<'_>, view: View<'_>) -> Loaded {
    let mut loader = Loader::new(asking, view);
    let opened = loader.open_all();
    if asking.screen.is_some_and(|screen| !loader.may_run(&opened, screen)) {
        loader.diagnostics.extend(opened.into_iter().flat_map(|(_, file)| file.findings));
        return Loaded { diagnostics: loader.diagnostics, ..Loaded::default() };
    }
    for (candidate, file) in opened {
        loader.take(candidate.belongs, file);
    }
    loader.removed();
    if let Some(said) = &loader.joined().shared_hooks_path {
        match locate::shared(asking.roots, said) {
            Ok(candidate) => loader.shared(&candidate),
            Err(found) => loader.diagnostics.push(*found),
        }
    }
    loader.files.sort_by_key(|file| file.belongs.layer);
    let integration = loader.joined();
    for preset in &integration.presets {
        match presets::find(preset) {
            Ok(source) => loader.add(Belongs { layer: Layer::Preset, owner: None }, source),
            Err(found) => loader.diagnostics.push(*found),
        }
    }
    loader.files.sort_by_key(|file| file.belongs.layer);
    Loaded { files: loader.files, integration, diagnostics: loader.diagnostics }
}

struct Loader<'a> {
    asking: &'a Asking<'a>,
    view: View<'a>,
    files: Vec<HookFile>,
    diagnostics: Vec<Diagnostic>,
    seen: Vec<FileId>,
}

impl<'a> Loader<'a> {
    fn new(asking: &'a Asking<'a>, view: View<'a>) -> Self {
        Self { asking, view, files: Vec::new(), diagnostics: Vec::new(), seen: Vec::new() }
    }

    /// The files with fixed names, each once.
    fn open_all(&mut self) -> Vec<(Candidate, Opened)> {
        let mut opened: Vec<(Candidate, Opened)> = Vec::new();
        for candidate in self.candidates() {
            let Some(file) = self.open(&candidate) else { continue };
            match opened.iter_mut().find(|(_, earlier)| earlier.id == file.id) {
                Some((first, _)) => share(first, &candidate),
                None => opened.push((candidate, file)),
            }
        }
        opened
    }

    /// Whether anything in the files, or in their trusted forms, can be meant.
    fn may_run(&self, opened: &[(Candidate, Opened)], screen: &Screen<'_>) -> bool {
        let present: Vec<_> = opened.iter().map(|(_, file)| file.source.path()).collect();
        let is_removed = self.asking.trust.is_some_and(|trust| !trust.removed(&present).is_empty());
        is_removed
            || opened.iter().any(|(candidate, file)| self.may_run_file(candidate, file, screen))
    }

    fn may_run_file(&self, candidate: &Candidate, file: &Opened, screen: &Screen<'_>) -> bool {
        let text = file.source.text();
        let trust = self.asking.trust.filter(|_| candidate.belongs.layer.is_of_project());
        let judgement = trust.map(|trust| trust.judge(file.source.path(), text.as_bytes()));
        let was_other = match judgement {
            Some(Judgement::Changed { trusted }) => {
                std::str::from_utf8(trusted).map_or(true, |trusted| screen.may_run(trusted))
            }
            _ => false,
        };
        was_other || (file.is_sound && screen.may_run(text))
    }

    fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = locate::candidates(self.asking.roots);
        candidates.retain(|candidate| {
            self.view.layers.contains(&candidate.belongs.layer)
                && !self.view.without.contains(&candidate.path)
        });
        candidates
    }

    /// Gates of trusted files that are gone.
    fn removed(&mut self) {
        let Some(trust) = self.asking.trust else { return };
        let sources: Vec<_> = self.files.iter().filter_map(|file| file.source.clone()).collect();
        let present: Vec<_> = sources.iter().map(|source| source.path()).collect();
        let candidates = self.candidates();
        for (path, trusted) in trust.removed(&present) {
            let known = candidates.iter().find(|candidate| candidate.path == path);
            let shared = Belongs { layer: Layer::Project, owner: None };
            let belongs = known.map_or(shared, |candidate| candidate.belongs);
            let reviewed = trust::review_removed(
                path,
                trusted,
                belongs,
                self.asking.want,
                self.asking.is_gate,
            );
            self.keep(belongs, None, reviewed);
        }
    }

    fn shared(&mut self, candidate: &Candidate) {
        if let Some(file) = self.open(candidate)
            && !self.seen.contains(&file.id)
        {
            // It may have been held as removed, because it was not found by name.
            self.files.retain(|held| held.source.is_some() || held.belongs != candidate.belongs);
            self.take(candidate.belongs, file);
        }
    }

    fn open(&mut self, candidate: &Candidate) -> Option<Opened> {
        let opened = open(&candidate.path);
        if let Some(source) = self.view.instead.filter(|file| file.path() == candidate.path) {
            let id = opened.ok().flatten().map_or(FileId::NOWHERE, |file| file.id);
            return Some(Opened {
                source: Arc::clone(source),
                id,
                is_sound: true,
                findings: Vec::new(),
            });
        }
        match opened {
            Ok(opened) => opened,
            Err(found) => {
                self.diagnostics.push(*found);
                None
            }
        }
    }

    fn take(&mut self, belongs: Belongs, file: Opened) {
        self.seen.push(file.id);
        self.diagnostics.extend(file.findings);
        if file.is_sound {
            self.add(belongs, file.source);
        }
    }

    fn add(&mut self, belongs: Belongs, source: Arc<SourceFile>) {
        let Asking { want, trust, is_gate, .. } = *self.asking;
        let reviewed = if let Some(trust) = trust {
            trust::review(trust, &source, belongs, want, is_gate)
        } else {
            let read = read(&source, belongs, want);
            Reviewed {
                judged: Judged::trusted(read.entries),
                integration: read.integration,
                diagnostics: read.diagnostics,
            }
        };
        self.keep(belongs, Some(source), reviewed);
    }

    fn keep(&mut self, belongs: Belongs, source: Option<Arc<SourceFile>>, reviewed: Reviewed) {
        let Reviewed { judged, integration, diagnostics } = reviewed;
        self.diagnostics.extend(diagnostics);
        self.files.push(HookFile { belongs, source, judged, integration });
    }

    fn joined(&self) -> Integration {
        let said = |file: &HookFile| (file.belongs.layer, file.integration.clone());
        Integration::joined(self.files.iter().map(said))
    }
}

/// One file under two paths: in one layer it belongs to both processors, else the earlier layer
/// has it (a project that is the home directory is the user's).
fn share(first: &mut Candidate, again: &Candidate) {
    if first.belongs.layer == again.belongs.layer && first.belongs.owner != again.belongs.owner {
        first.belongs.owner = None;
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
            let trust = (!is_approved)
                .then(|| Trust::load(&self.dir.path().join("state"), &self.dir.path().join("p")));
            loaded(&self.roots(), trust.as_ref())
        }
    }

    fn loaded(roots: &Roots, trust: Option<&Trust>) -> Loaded {
        load(&Asking { roots, want: Want::All, trust, is_gate: &|_| false, screen: None })
    }

    fn hook(command: &str, more: &str) -> String {
        format!(
            r#"{{"hooks":{{"Stop":[{{"hooks":[{{"type":"command","command":"{command}"}}]}}]}}{more}}}"#
        )
    }

    fn told(loaded: &Loaded) -> Vec<String> {
        let entries = loaded.files.iter().flat_map(|file| &file.judged.running);
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
        assert_eq!(
            unapproved.files.iter().map(|f| f.judged.running.len()).sum::<usize>(),
            1,
            "project hooks wait for trust"
        );
        assert_eq!(unapproved.notices().len(), 3);
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
        let files = loaded(&roots, None);
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
