//! Installing on a real disk: there and back, twice, interrupted, after others have written.

mod interrupted;
mod round_trip;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    registration::{Dispatch, Handler},
    settings::HOOKS_SWITCHED_OFF,
    *,
};
use crate::{json::Node, source::SourceFile};

/// A project and a state directory of their own.
struct Bed {
    root: tempfile::TempDir,
    state: PrivateDir,
}

impl Bed {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let state = dir::open_private_dir(&root.path().join("state")).unwrap();
        fs::create_dir(root.path().join("project")).unwrap();
        Self { root, state }
    }

    fn with(files: &[(&str, &[u8])]) -> Self {
        let bed = Self::new();
        for (name, bytes) in files {
            bed.put(name, bytes);
        }
        bed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("project").join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "a test plays somebody else")]
    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn site(&self, scope: Scope) -> Site<'_> {
        let (settings, hook_file) = match scope {
            Scope::Project | Scope::User => (".claude/settings.json", ".claude/hooks.json"),
            Scope::Local => (".claude/settings.local.json", ".claude/hooks.local.json"),
        };
        Site {
            scope,
            settings: self.path(settings),
            hook_file: self.path(hook_file),
            project: (scope != Scope::User).then(|| self.path("")),
            state: &self.state,
        }
    }

    fn install(&self, wanted: &[Registration]) -> Result<Changes, Error> {
        self.install_at(Scope::Project, wanted, false)
    }

    fn install_at(
        &self,
        scope: Scope,
        wanted: &[Registration],
        adopts: bool,
    ) -> Result<Changes, Error> {
        let site = self.site(scope);
        let adoption = if adopts { propose_adoption(&site)? } else { None };
        let request = Request {
            site: &site,
            registrations: wanted,
            adoption: adoption.as_ref(),
            config: "fingerprint",
            insist: false,
        };
        install(&request, Deadline::never())
    }

    fn uninstall(&self) -> Changes {
        self.uninstall_at(Scope::Project)
    }

    fn uninstall_at(&self, scope: Scope) -> Changes {
        uninstall(&self.site(scope), Deadline::never()).unwrap()
    }

    /// Every file of the project by its path; directories end in a slash.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        add_files(&self.path(""), "", &mut files);
        files
    }

    /// What is left in the state directory, but for the lock.
    fn stamps(&self) -> Vec<String> {
        let names = self.state.list().unwrap();
        let names = names.iter().map(|name| name.to_string_lossy().into_owned());
        names.filter(|name| name != "install.lock").collect()
    }
}

fn add_files(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files.insert(format!("{name}/"), Vec::new());
            add_files(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

fn dispatch(event: &str, matcher: Option<&str>, limit_s: u64) -> Registration {
    Registration {
        event: event.to_owned(),
        matcher: matcher.map(str::to_owned),
        handler: Handler::Dispatch(Dispatch {
            id: "p1".to_owned(),
            command: "cph".to_owned(),
            limit_s,
            fails_closed: false,
            rewakes: false,
        }),
    }
}

fn native(event: &str, prompt: &str) -> Registration {
    Registration {
        event: event.to_owned(),
        matcher: None,
        handler: Handler::Native(format!("{{\"type\": \"prompt\", \"prompt\": \"{prompt}\"}}")),
    }
}

fn some_registrations() -> Vec<Registration> {
    vec![
        dispatch("SessionStart", None, 605),
        dispatch("PreToolUse", Some("Bash|Edit"), 30),
        dispatch("Stop", None, 605),
        native("Stop", "done?"),
    ]
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap()
}

const SETTINGS: &str = ".claude/settings.json";

#[test]
fn writes_a_file_that_was_not_there() {
    let bed = Bed::new();
    let changes = bed.install(&[dispatch("Stop", None, 9)]).unwrap();
    assert_eq!(
        bed.text(SETTINGS),
        r#"{
  "hooks": {
    "Stop": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "cph",
            "args": [
              "dispatch",
              "Stop",
              "--reg",
              "p1",
              "--limit",
              "9"
            ],
            "timeout": 9
          }
        ]
      }
    ]
  }
}
"#
    );
    assert!(changes.notes[0].contains("is made"), "{:?}", changes.notes);
    assert!(!bed.path(".gitignore").exists());
    bed.uninstall();
    assert!(bed.files().is_empty(), "{:?}", bed.files());
    assert!(bed.stamps().is_empty(), "{:?}", bed.stamps());
}

#[test]
fn a_preview_shows_the_diff_and_touches_nothing() {
    let bed = Bed::with(&[(SETTINGS, b"{\"model\": \"x\"}\n"), (".git/HEAD", b"")]);
    let before = bed.files();
    let site = bed.site(Scope::Project);
    let wanted = [dispatch("Stop", None, 9)];
    let request =
        Request { site: &site, registrations: &wanted, adoption: None, config: "", insist: false };
    let diff = preview_install(&request).unwrap().diff();
    assert!(diff.contains("-{\"model\": \"x\"}\n+{\"model\": \"x\", \"hooks\": {"), "{diff}");
    assert!(diff.contains("--- /dev/null\n+++ ") && diff.contains("+/.claude/.active\n"), "{diff}");
    assert_eq!(bed.files(), before);
    assert!(bed.stamps().is_empty());
}

#[test]
fn refuses_what_it_cannot_edit_and_names_the_place() {
    let cases = [
        ("{\n  \"a\": 1,\n}", ":2:9: ", "is no JSON: trailing comma"),
        ("[]", ":1:1: ", "the document is an array, not an object"),
        ("{\"hooks\": []}", ":1:11: ", "`hooks` is an array, not an object"),
        ("{\"hooks\": {\"Stop\": {}}}", ":1:20: ", "`/hooks/Stop` is an object, not an array"),
    ];
    for (text, place, message) in cases {
        let bed = Bed::with(&[(SETTINGS, text.as_bytes())]);
        let before = bed.files();
        let error = bed.install(&some_registrations()).unwrap_err().to_string();
        assert!(error.contains(place) && error.ends_with(message), "{error}");
        assert_eq!(bed.files(), before);
        assert!(bed.stamps().is_empty());
    }
    let bed = Bed::with(&[(SETTINGS, b"{\"a\": \"\xff\"}")]);
    let error = bed.install(&some_registrations()).unwrap_err().to_string();
    assert!(error.ends_with("is not UTF-8"), "{error}");
    let bed = Bed::with(&[(".claude/settings.json/x", b"")]);
    let error = bed.install(&some_registrations()).unwrap_err().to_string();
    assert!(error.starts_with("cannot read `"), "{error}");
}

#[test]
fn refuses_a_file_that_claude_code_would_skip() {
    let handlers = [
        "\"x.sh\"",
        r#"{"hooks": [{"type": "command", "command": "x", "timeout": "5"}]}"#,
        r#"{"hooks": [{"type": "command", "command": "x", "timeout": 0}]}"#,
        r#"{"hooks": [{"type": "command", "command": "x", "timeout": -1}]}"#,
        r#"{"hooks": [{"type": "commando", "command": "x"}]}"#,
        r#"{"hooks": [{"type": "command"}]}"#,
        r#"{"hooks": [{"command": "x"}]}"#,
        r#"{"matcher": ["Bash"], "hooks": []}"#,
        r#"{"type": "command", "command": "x"}"#,
    ];
    let mut texts: Vec<_> =
        handlers.iter().map(|h| format!("{{\"hooks\": {{\"PreToolUse\": [{h}]}}}}")).collect();
    texts.push("{\"PreToolUse\": []}".to_owned());
    texts.push("{\"hooks\": {\"PermissionRequest\": {}}}".to_owned());
    texts.push("{\"hooks\": {\"hooks\": {\"PreToolUse\": []}}}".to_owned());
    for text in texts {
        let bed = Bed::with(&[(SETTINGS, text.as_bytes())]);
        let error = bed.install(&[dispatch("Stop", None, 9)]).unwrap_err();
        let Error::NotApplied { findings, .. } = &error else { panic!("{text}: {error}") };
        assert_eq!(findings.len(), 1, "{text}");
        assert!(findings[0].place.is_some());
        assert_eq!(bed.text(SETTINGS), text);
    }
    let fine = r#"{"hooks": {"Brandnew": [7], "Stop": ["x"], "PreToolUse": [
        {"x": 1, "hooks": [{"type": "command", "command": "x", "timeout": 0.5, "y": 2}]}]}}"#;
    let bed = Bed::with(&[(SETTINGS, fine.as_bytes())]);
    assert!(bed.install(&some_registrations()).unwrap().diagnostics.is_empty());
}

#[test]
fn says_what_switches_hooks_off() {
    for text in [
        "{\"disableAllHooks\": true}",
        "{\"allowManagedHooksOnly\": true}",
        "{\"strictPluginOnlyCustomization\": [\"skills\", \"hooks\"]}",
    ] {
        let bed = Bed::with(&[(SETTINGS, text.as_bytes())]);
        let changes = bed.install(&some_registrations()).unwrap();
        assert_eq!(changes.diagnostics.len(), 1, "{text}");
        assert_eq!(changes.diagnostics[0].rule.name, HOOKS_SWITCHED_OFF.name);
        let site = bed.site(Scope::Project);
        assert_eq!(differences_of(&site, &some_registrations()).len(), 1, "{text}");
    }
    let bed = Bed::with(&[(SETTINGS, b"{\"disableAllHooks\": false}")]);
    assert!(bed.install(&some_registrations()).unwrap().diagnostics.is_empty());
}

#[test]
fn leaves_out_native_handlers_that_would_void_the_file() {
    let bed = Bed::new();
    let mut wanted = some_registrations();
    wanted.push(Registration {
        handler: Handler::Native("{\"type\": \"prompt\"}".to_owned()),
        ..native("PreToolUse", "")
    });
    let changes = bed.install(&wanted).unwrap();
    assert_eq!(changes.diagnostics.len(), 1);
    assert_eq!(changes.diagnostics[0].message, "a handler of `PreToolUse` has no `prompt`");
    assert!(
        settings::survey(&source_of(&bed), Node::document(&bed.text(SETTINGS)).unwrap()).is_empty()
    );
}

/// What the settings file on the disk lacks.
fn differences_of(site: &Site<'_>, wanted: &[Registration]) -> Vec<String> {
    let file = apply::source(&site.settings, changes::read(&site.settings).unwrap()).unwrap();
    differences(file.as_ref(), wanted)
}

fn source_of(bed: &Bed) -> std::sync::Arc<SourceFile> {
    SourceFile::new(SETTINGS, bed.text(SETTINGS))
}

#[test]
fn check_says_what_differs() {
    let bed = Bed::new();
    let site = bed.site(Scope::Project);
    let lines = |wanted: &[Registration]| differences_of(&site, wanted);
    let wanted = some_registrations();
    assert_eq!(
        lines(&wanted),
        [
            "`SessionStart` is not registered",
            "`PreToolUse` is not registered",
            "`Stop` is not registered",
            "a hook of `Stop` that only Claude Code can run is not registered"
        ]
    );
    bed.install(&wanted).unwrap();
    assert!(lines(&wanted).is_empty());
    let changed = [dispatch("PreToolUse", Some("Bash"), 31), dispatch("Stop", None, 605)];
    assert_eq!(
        lines(&changed),
        [
            "`PreToolUse` is registered with matcher `Bash|Edit` instead of `Bash` and args \
             `dispatch PreToolUse --reg p1 --limit 30` instead of \
             `dispatch PreToolUse --reg p1 --limit 31` and timeout `30` instead of `31`",
            "`SessionStart` is registered, and no hook needs it",
        ]
    );
    bed.put(SETTINGS, b"{");
    assert_eq!(lines(&wanted).len(), 1);
}

#[test]
fn two_scopes_share_the_ignore_file() {
    let bed = Bed::with(&[(".git/HEAD", b""), (".gitignore", b"target")]);
    let before = bed.files();
    let wanted = some_registrations();
    bed.install_at(Scope::Project, &wanted, false).unwrap();
    bed.install_at(Scope::Local, &wanted, false).unwrap();
    let ignored = bed.text(".gitignore");
    assert_eq!(ignored.matches("/.claude/.active").count(), 1);
    bed.uninstall_at(Scope::Project);
    assert_eq!(bed.text(".gitignore"), ignored);
    bed.uninstall_at(Scope::Local);
    assert_eq!(bed.files(), before);
}

#[test]
fn follows_a_linked_settings_file() {
    let bed = Bed::with(&[("dotfiles/settings.json", b"{\"a\":1}"), (".claude/x", b"")]);
    std::os::unix::fs::symlink("../dotfiles/settings.json", bed.path(SETTINGS)).unwrap();
    bed.install(&some_registrations()).unwrap();
    assert!(fs::symlink_metadata(bed.path(SETTINGS)).unwrap().is_symlink());
    assert!(bed.text("dotfiles/settings.json").contains("dispatch"));
    bed.uninstall();
    assert!(fs::symlink_metadata(bed.path(SETTINGS)).unwrap().is_symlink());
    assert_eq!(bed.text("dotfiles/settings.json"), "{\"a\":1}");

    fs::remove_file(bed.path("dotfiles/settings.json")).unwrap();
    bed.install(&some_registrations()).unwrap();
    assert!(bed.text("dotfiles/settings.json").contains("dispatch"));
    bed.uninstall();
    assert!(fs::symlink_metadata(bed.path(SETTINGS)).unwrap().is_symlink());
    assert!(!bed.path("dotfiles/settings.json").exists());
}

#[test]
fn keeps_a_foreign_backup() {
    let bed = Bed::with(&[(SETTINGS, b"{}"), (".claude/settings.json.original", b"theirs")]);
    let before = bed.files();
    bed.install(&some_registrations()).unwrap();
    assert_eq!(bed.text(".claude/settings.json.original"), "theirs");
    assert_eq!(bed.text(".claude/settings.json.original.1"), "{}");
    bed.uninstall();
    assert_eq!(bed.files(), before);
}

#[test]
fn a_file_that_changes_meanwhile_is_not_overwritten() {
    let bed = Bed::with(&[(SETTINGS, b"{}")]);
    let site = bed.site(Scope::Project);
    let wanted = some_registrations();
    let request =
        Request { site: &site, registrations: &wanted, adoption: None, config: "", insist: false };
    let changes = apply::prepare(&request).unwrap();
    bed.put(SETTINGS, b"{\"new\": 1}");
    let error = changes.carry_out(&bed.state, &mut |_| Ok(())).unwrap_err();
    assert!(error.to_string().ends_with("changed by somebody else in the meantime"));
    assert_eq!(bed.text(SETTINGS), "{\"new\": 1}");
}

#[test]
fn one_installation_at_a_time() {
    let bed = Bed::new();
    let _held = held(&bed.state, Deadline::never()).unwrap();
    let site = bed.site(Scope::Project);
    let error = uninstall(&site, Deadline::after(std::time::Duration::ZERO)).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
}

#[test]
fn a_newer_stamp_is_refused_and_a_torn_one_counts_as_none() {
    let bed = Bed::new();
    bed.install(&some_registrations()).unwrap();
    let name = stamp::name(Scope::Project, &bed.path(SETTINGS));
    stamp::save(&bed.state, &name, "{\"version\": 99}").unwrap();
    let error = bed.install(&some_registrations()).unwrap_err();
    assert!(matches!(error, Error::Newer { .. }), "{error}");
    stamp::save(&bed.state, &name, "{\"version\": 1, \"sco").unwrap();
    bed.install(&some_registrations()).unwrap();
    bed.uninstall();
    assert!(!bed.text(SETTINGS).contains("dispatch"));
}
