use std::{fs, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    model::{
        Event, Processor,
        hook::{Entry, Handler, OnFailure, Settings},
        origin::{Layer, Origin},
    },
    source::{SourceFile, Span},
    sys::{atomic, clock::Deadline},
};

const TEXT: &[u8] = b"{\"hooks\": {}}\n";

/// A state directory and a project beside it.
struct Stage {
    _scratch: tempfile::TempDir,
    root: PathBuf,
    state: PathBuf,
    project: PathBuf,
}

fn stage() -> Stage {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().canonicalize().unwrap();
    let (state, project) = (root.join("state"), root.join("project"));
    fs::create_dir(&project).unwrap();
    Stage { _scratch: scratch, root, state, project }
}

impl Stage {
    fn put(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        atomic::write(&path, text.as_bytes()).unwrap();
    }

    fn store(&self) -> Store {
        Store::open(&self.state).unwrap()
    }

    fn accept_in(&self, project: &Path, name: &str, bytes: Option<&[u8]>, entries: &[Entry]) {
        let file = project.join(name);
        let accepted = Accepted { file: &file, bytes, entries };
        self.store().accept(project, &[accepted], Deadline::never()).unwrap();
    }

    fn accept(&self, name: &str, bytes: &[u8]) {
        self.accept_in(&self.project, name, Some(bytes), &[]);
    }

    fn load(&self) -> Trust {
        Trust::load(&self.state, &self.project)
    }

    /// The one record that there is.
    fn record(&self) -> PathBuf {
        let mut records: Vec<PathBuf> = fs::read_dir(self.state.join("trust"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "trust"))
            .collect();
        assert_eq!(records.len(), 1);
        records.remove(0)
    }

    /// Makes `main` a repository and `tree` a linked working tree of it.
    fn repository(&self, main: &str, tree: &str) {
        let path = |name: &str| self.root.join(name).display().to_string();
        let own = format!("{main}/.git/worktrees/{tree}");
        self.put(&format!("{main}/.git/HEAD"), "ref: refs/heads/main\n");
        self.put(&format!("{tree}/.git"), &format!("gitdir: {}\n", path(&own)));
        self.put(&format!("{own}/commondir"), "../..\n");
        self.put(&format!("{own}/gitdir"), &format!("{}\n", path(&format!("{tree}/.git"))));
    }
}

fn hook(command: &str, on_failure: Option<OnFailure>) -> Entry {
    Entry {
        event: Event::claude("PreToolUse"),
        vocabulary: Processor::ClaudeCode,
        matcher: None,
        paths: Vec::new(),
        processors: None,
        condition: None,
        handler: Handler::Command { command: command.to_owned(), args: None, shell: None },
        settings: Settings { on_failure, ..Settings::default() },
        id: None,
        label: None,
        origin: Origin {
            layer: Layer::Project,
            owner: None,
            file: Arc::clone(&SourceFile::new("hooks.json", "")),
            span: Span::new(0, 0),
            pointer: String::new(),
        },
    }
}

#[test]
fn nothing_is_trusted_at_first() {
    let stage = stage();
    let trust = stage.load();
    assert_eq!(trust.judge(&stage.project.join("x"), TEXT), Judgement::New);
    assert!(trust.notices().is_empty() && trust.removed(&[]).is_empty());
}

#[test]
fn approved_bytes_are_the_same_and_no_others() {
    let stage = stage();
    stage.accept(".claude/hooks.json", TEXT);
    stage.accept(".task_orchestrator/hooks.json", b"");
    let trust = stage.load();
    let file = stage.project.join(".claude/hooks.json");
    assert_eq!(trust.judge(&file, TEXT), Judgement::Same);
    assert_eq!(trust.judge(&file, b"{}"), Judgement::Changed { trusted: TEXT });
    assert_eq!(
        trust.judge(&stage.project.join("../project/.claude/hooks.json"), TEXT),
        Judgement::Same
    );
    assert_eq!(trust.judge(&stage.project.join(".claude/other.json"), TEXT), Judgement::New);
    let removed = trust.removed(&[&file]);
    assert_eq!(removed, [(stage.project.join(".task_orchestrator/hooks.json"), &b""[..])]);
}

#[test]
fn an_approved_removal_is_forgotten() {
    let stage = stage();
    stage.accept("hooks.json", TEXT);
    stage.accept_in(&stage.project, "hooks.json", None, &[]);
    assert!(stage.load().removed(&[]).is_empty());
}

#[test]
fn trust_is_revoked_and_listed() {
    let stage = stage();
    stage.accept("b.json", TEXT);
    stage.accept("a.json", TEXT);
    let listed = stage.store().list().unwrap();
    let files = vec![PathBuf::from("a.json"), PathBuf::from("b.json")];
    assert_eq!(listed, [Granted { key: stage.project.clone(), files, damage: None }]);
    assert!(stage.store().revoke(&stage.project, Deadline::never()).unwrap());
    assert!(!stage.store().revoke(&stage.project, Deadline::never()).unwrap());
    assert!(stage.load().removed(&[]).is_empty());
    let left: Vec<_> = fs::read_dir(stage.state.join("trust")).unwrap().collect();
    assert_eq!(left.len(), 1, "only the lock is left: {left:?}");
}

#[test]
fn working_trees_of_a_trusted_repository_are_trusted() {
    let stage = stage();
    stage.repository("project", "tree");
    stage.accept(".claude/hooks.json", TEXT);
    let tree = stage.root.join("tree");
    let trust = Trust::load(&stage.state, &tree);
    assert_eq!(trust.judge(&tree.join(".claude/hooks.json"), TEXT), Judgement::Same);
}

#[test]
fn a_forged_working_tree_is_not_trusted() {
    let stage = stage();
    stage.repository("project", "tree");
    stage.accept(".claude/hooks.json", TEXT);
    let gitdir = stage.root.join("project/.git/worktrees/tree");
    stage.put("forged/.git", &format!("gitdir: {}\n", gitdir.display()));
    let forged = stage.root.join("forged");
    let trust = Trust::load(&stage.state, &forged);
    assert_eq!(trust.judge(&forged.join(".claude/hooks.json"), TEXT), Judgement::New);
    assert!(trust.removed(&[]).is_empty());
}

#[test]
fn projects_of_one_repository_are_trusted_one_by_one() {
    let stage = stage();
    stage.repository("project", "tree");
    let (a, b) = (stage.project.join("a"), stage.project.join("b"));
    fs::create_dir(&a).unwrap();
    fs::create_dir(&b).unwrap();
    stage.accept_in(&a, ".claude/hooks.json", Some(TEXT), &[]);
    stage.accept_in(&a, "../common.json", Some(TEXT), &[]);
    let trust = Trust::load(&stage.state, &b);
    assert!(trust.removed(&[]).is_empty());
    assert_eq!(trust.judge(&stage.project.join("common.json"), TEXT), Judgement::New);
    let trust = Trust::load(&stage.state, &a);
    assert_eq!(trust.judge(&stage.project.join("common.json"), TEXT), Judgement::Same);
    assert_eq!(trust.removed(&[]).len(), 2);
}

#[test]
fn gates_are_found_again_when_the_repository_changes_its_shape() {
    let stage = stage();
    stage.repository("project", "tree");
    let inner = stage.project.join("inner");
    fs::create_dir(&inner).unwrap();
    stage.accept_in(&inner, "hooks.json", Some(TEXT), &[]);
    // `git init` in the project.
    stage.put("project/inner/.git/HEAD", "ref: refs/heads/main\n");
    let trust = Trust::load(&stage.state, &inner);
    assert_eq!(trust.judge(&inner.join("hooks.json"), TEXT), Judgement::Same);
    assert_eq!(trust.removed(&[]).len(), 1);
    // The next approval takes everything along to the new key.
    stage.accept_in(&inner, "other.json", Some(b"{}"), &[]);
    let trust = Trust::load(&stage.state, &inner);
    assert_eq!(trust.judge(&inner.join("hooks.json"), TEXT), Judgement::Same);
    assert_eq!(trust.judge(&inner.join("other.json"), b"{}"), Judgement::Same);
    assert_eq!(stage.store().list().unwrap().len(), 2);
}

#[test]
fn a_working_tree_with_a_note_survives_the_loss_of_its_git_file() {
    let stage = stage();
    stage.repository("project", "tree");
    stage.accept("hooks.json", TEXT);
    let tree = stage.root.join("tree");
    stage.store().note_place(&tree, Deadline::never()).unwrap();
    fs::remove_file(tree.join(".git")).unwrap();
    assert_eq!(Trust::load(&stage.state, &tree).removed(&[]).len(), 1);
}

#[test]
fn a_state_directory_behind_a_link_is_refused() {
    let stage = stage();
    stage.accept("hooks.json", TEXT);
    let moved = stage.root.join("moved");
    fs::create_dir(&moved).unwrap();
    fs::remove_dir_all(&stage.state).unwrap();
    std::os::unix::fs::symlink("moved", &stage.state).unwrap();
    let trust = stage.load();
    assert_eq!(trust.judge(&stage.project.join("hooks.json"), TEXT), Judgement::New);
    assert!(trust.notices()[0].contains("symbolic link"), "{:?}", trust.notices());
}

#[test]
fn a_record_of_a_newer_version_is_left_alone() {
    let stage = stage();
    stage.accept("hooks.json", TEXT);
    let text = fs::read(stage.record()).unwrap();
    let newer = [b"cph-trust 2\n", &text[b"cph-trust 1\n".len()..]].concat();
    atomic::write(&stage.record(), &newer).unwrap();
    let trust = stage.load();
    assert_eq!(trust.judge(&stage.project.join("hooks.json"), TEXT), Judgement::New);
    assert!(trust.notices()[0].contains("newer cph"));
    let file = stage.project.join("hooks.json");
    let accepted = Accepted { file: &file, bytes: Some(TEXT), entries: &[] };
    let refused = stage.store().accept(&stage.project, &[accepted], Deadline::never());
    assert!(matches!(refused, Err(Error::Newer { .. })));
    assert_eq!(fs::read(stage.record()).unwrap(), newer);
}

#[test]
fn a_torn_record_is_no_trust_and_says_so() {
    let stage = stage();
    stage.accept("a.json", TEXT);
    stage.accept("b.json", b"{\"b\": 1}");
    let whole = fs::read(stage.record()).unwrap();
    for cut in 0..whole.len() {
        atomic::write(&stage.record(), &whole[..cut]).unwrap();
        let trust = stage.load();
        assert!(trust.notices()[0].contains("damaged"), "{cut}");
        for (name, text) in [("a.json", TEXT), ("b.json", b"{\"b\": 1}")] {
            let file = stage.project.join(name);
            // Either lost, or handed out whole.
            match trust.judge(&file, b"other") {
                Judgement::Changed { trusted } => assert_eq!(trusted, text),
                Judgement::New | Judgement::Lost => {}
                Judgement::Same => panic!("{cut}: trusted by accident"),
            }
        }
    }
}

#[test]
fn what_a_damaged_record_still_holds_is_kept_by_the_next_approval() {
    let stage = stage();
    stage.accept("a.json", TEXT);
    stage.accept("b.json", b"{}");
    let mut bytes = fs::read(stage.record()).unwrap();
    let end = bytes.len() - 4;
    bytes.truncate(end - 2);
    atomic::write(&stage.record(), &bytes).unwrap();
    stage.accept("c.json", b"[]");
    let trust = stage.load();
    assert!(trust.notices().is_empty());
    assert_eq!(trust.judge(&stage.project.join("a.json"), TEXT), Judgement::Same);
    assert_eq!(trust.judge(&stage.project.join("b.json"), b"{}"), Judgement::New);
    assert_eq!(trust.judge(&stage.project.join("c.json"), b"[]"), Judgement::Same);
}

#[test]
fn a_changed_script_is_told_once_and_runs() {
    let stage = stage();
    stage.put("project/check.sh", "exit 2\n");
    let entry = hook("./check.sh --all", None);
    stage.accept_in(&stage.project, "hooks.json", Some(TEXT), std::slice::from_ref(&entry));
    assert_eq!(stage.load().scripts(&entry, true), ScriptVerdict::Same);
    stage.put("project/check.sh", "exit 0\n");
    let trust = stage.load();
    let ScriptVerdict::Told(changes) = trust.scripts(&entry, false) else { panic!() };
    assert_eq!(changes[0].path, stage.project.join("check.sh"));
    assert!(changes[0].is_news);
    trust.told(&changes).unwrap();
    let ScriptVerdict::Told(again) = stage.load().scripts(&entry, false) else { panic!() };
    assert!(!again[0].is_news);
    // Another content is news again; the approved one is none.
    stage.put("project/check.sh", "exit 1\n");
    let ScriptVerdict::Told(other) = stage.load().scripts(&entry, false) else { panic!() };
    assert!(other[0].is_news);
    stage.put("project/check.sh", "exit 2\n");
    assert_eq!(stage.load().scripts(&entry, false), ScriptVerdict::Same);
}

#[test]
fn strict_scripts_suspend_and_gates_that_fail_closed_refuse() {
    let stage = stage();
    stage.put("project/check.sh", "exit 2\n");
    let entries = [hook("./check.sh", None), hook("./check.sh", Some(OnFailure::Block))];
    stage.accept_in(&stage.project, "hooks.json", Some(TEXT), &entries);
    stage.put("project/check.sh", "exit 0\n");
    let trust = stage.load();
    for (entry, expected) in entries.iter().zip([false, true]) {
        let ScriptVerdict::Suspended { refuses, .. } = trust.scripts(entry, true) else { panic!() };
        assert_eq!(refuses, expected);
    }
}

#[test]
fn a_script_that_came_later_is_a_change() {
    let stage = stage();
    let entry = hook("sh later.sh", None);
    stage.accept_in(&stage.project, "hooks.json", Some(TEXT), std::slice::from_ref(&entry));
    assert_eq!(stage.load().scripts(&entry, false), ScriptVerdict::Same);
    stage.put("project/later.sh", "true\n");
    assert!(matches!(stage.load().scripts(&entry, false), ScriptVerdict::Told(_)));
}

#[test]
fn trust_all_asks_nothing() {
    let stage = stage();
    let trust = Trust::everything(&stage.project);
    assert_eq!(trust.judge(&stage.project.join("x"), TEXT), Judgement::Same);
    assert_eq!(trust.scripts(&hook("./x.sh", None), true), ScriptVerdict::Same);
    assert!(!stage.state.exists());
}

#[test]
fn sixteen_approvals_at_once_are_all_kept() {
    let stage = stage();
    std::thread::scope(|scope| {
        for number in 0..16 {
            let stage = &stage;
            scope.spawn(move || stage.accept(&format!("{number}.json"), TEXT));
        }
    });
    assert_eq!(stage.store().list().unwrap()[0].files.len(), 16);
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_that_does_not_panic(bytes: Vec<u8>) {
        let with_head = [&b"cph-trust 1\n"[..], &bytes].concat();
        for bytes in [bytes, with_head] {
            if let Some(record) = Record::parse(bytes) {
                prop_assert!(record.file(Path::new(""), Path::new("x")).is_none());
            }
        }
    }

    #[test]
    fn a_damaged_byte_never_yields_other_text(at: prop::sample::Index, bit in 0..8_u8) {
        let mut record = Record::default();
        let names = ["a", "b", "c"].map(|name| record::owned_name(Path::new(""), Path::new(name)));
        for name in &names {
            record.set(record::Kind::File, name, Some(&name.repeat(20)));
        }
        let mut bytes = record.bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Some(record) = Record::parse(bytes) else { return Ok(()) };
        for (name, plain) in names.iter().zip(["a", "b", "c"]) {
            let found = record.file(Path::new(""), Path::new(plain));
            if let Some(section) = found.filter(record::Section::is_whole) {
                prop_assert_eq!(section.text, name.repeat(20));
            }
        }
    }
}
