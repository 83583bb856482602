//! Hook sets that come with cph: `integration.presets` switches them on.
//!
//! Does not treat them otherwise than files of the lowest layer. Invariant: each is read without
//! a finding, and does what its description says with nothing but `sh` and POSIX tools.

use std::sync::Arc;

use super::{integration::Said, nearest::nearest, rules};
use crate::{diag::Diagnostic, source::SourceFile};

/// A preset: its name and the text of a hook file.
#[derive(Debug)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// All presets, by name.
pub(crate) const PRESETS: &[Preset] = &[
    Preset { name: "background", text: include_str!("../../presets/background.json") },
    Preset { name: "bell", text: include_str!("../../presets/bell.json") },
    Preset { name: "log", text: include_str!("../../presets/log.json") },
    Preset { name: "parallel", text: include_str!("../../presets/parallel.json") },
];

/// The preset that a configuration names.
///
/// # Errors
///
/// There is none of this name.
pub(crate) fn find(said: &Said<String>) -> Result<Arc<SourceFile>, Box<Diagnostic>> {
    let name = said.value.as_str();
    if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) {
        return Ok(SourceFile::new(format!("<preset {name}>"), preset.text));
    }
    let names = || PRESETS.iter().map(|preset| preset.name);
    let origin = &said.origin;
    let found = Diagnostic::new(&rules::UNKNOWN_PRESET, format!("there is no preset `{name}`")).at(
        &origin.file,
        origin.span,
        &origin.pointer,
    );
    let listed = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Err(Box::new(match nearest(name, names()) {
        Some(near) => found.help(format!("did you mean `{near}`? The presets are {listed}")),
        None => found.help(format!("the presets are {listed}")),
    }))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Write as _,
        path::Path,
        process::{Command, Stdio},
    };

    use super::*;
    use crate::{
        config::read::{Belongs, Read, Want, read},
        model::{
            hook::{Entry, Handler},
            origin::Layer,
        },
    };

    fn entries(name: &str) -> Read {
        let preset = PRESETS.iter().find(|p| p.name == name).unwrap();
        let source = SourceFile::new(name, preset.text);
        read(&source, Belongs { layer: Layer::Preset, owner: None }, Want::All)
    }

    /// What the command prints when it is told `payload`, run as a hook is.
    #[expect(clippy::disallowed_methods, reason = "a shell of its own, with an empty environment")]
    fn run(entry: &Entry, project: &Path, payload: &str) -> String {
        let Handler::Command { command, args: None, shell: None } = &entry.handler else {
            panic!("presets are plain shell lines");
        };
        let apart = crate::sys::process::apart::starting();
        let mut child = Command::new("/bin/sh")
            .args(["-c", command])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("CLAUDE_PROJECT_DIR", project)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        drop(apart);
        child.stdin.take().unwrap().write_all(payload.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn presets_are_read_without_a_finding() {
        for preset in PRESETS {
            let read = entries(preset.name);
            assert!(read.diagnostics.is_empty(), "{}: {:?}", preset.name, read.diagnostics);
            assert!(!read.entries.is_empty(), "{}", preset.name);
        }
        assert!(PRESETS.is_sorted_by_key(|preset| preset.name));
    }

    #[test]
    fn log_appends_each_payload_and_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("with blank");
        let read = entries("log");
        for entry in &read.entries {
            let event = entry.event.canonical();
            assert_eq!(run(entry, &project, &format!("{{\"hook_event_name\":\"{event}\"}}\n")), "");
        }
        let log = fs::read_to_string(project.join(".task_orchestrator/.cph/payloads.jsonl"));
        let log = log.unwrap();
        assert_eq!(log.lines().count(), read.entries.len());
        assert!(log.starts_with("{\"hook_event_name\":\"SessionStart\"}\n"), "{log}");
    }

    #[test]
    fn background_does_nothing_where_there_is_no_repository() {
        let dir = tempfile::tempdir().unwrap();
        let read = entries("background");
        assert!(read.entries.iter().all(|entry| entry.settings.background == Some(true)));
        for entry in &read.entries {
            assert_eq!(run(entry, dir.path(), "{}\n"), "", "{}", entry.event.canonical());
        }
        let log = fs::read_to_string(dir.path().join(".task_orchestrator/.cph/tools.jsonl"));
        assert_eq!(log.unwrap(), "{}\n");
    }

    #[test]
    fn bell_answers_with_the_bell() {
        for entry in &entries("bell").entries {
            let answer = run(entry, Path::new("/"), "{}\n");
            assert_eq!(answer, r#"{"terminalSequence":"\u0007"}"#);
        }
    }
}
