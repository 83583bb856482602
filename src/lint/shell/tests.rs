//! That no command, however strange, makes a rule panic; and that fixes are valid.

use std::{path::Path, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    config::read::{self, Belongs, Want},
    json::{Node, write},
    lint::project::{File, Kind},
    model::{Processor, origin::Layer},
    source::SourceFile,
};

/// What is found in a hook file with one command under an event.
fn found(event: &str, command: &str) -> Vec<Diagnostic> {
    let command = write::quote(command);
    let text = format!(
        r#"{{"hooks":{{"{event}":[{{"hooks":[{{"type":"command","command":{command}}}]}}]}}}}"#
    );
    let source = SourceFile::new("/none/.claude/settings.json", text);
    let belongs = Belongs { layer: Layer::Project, owner: Some(Processor::ClaudeCode) };
    let entries = read::read(&source, belongs, Want::All).entries;
    let registrations = Vec::new();
    let file = File { kind: Kind::Settings, source, entries, registrations, is_taken: true };
    let mut project = Project::new(Arc::from(Path::new("/none")));
    project.files.push(file);
    let mut diagnostics = Vec::new();
    check(&project, &mut diagnostics);
    diagnostics
}

/// Pieces of commands that the rules look at.
const PIECES: &[&str] = &[
    "jq -r .tool_input.path",
    "x=$(jq -r .file_path)",
    "$x",
    "\"$x\"",
    "eval",
    "sh -c",
    "'exit 2'",
    "exit 2",
    "exit 1",
    "exit 0",
    "echo BLOCKED",
    "echo '{\"decision\":\"deny\"}'",
    ">&2",
    "2>/dev/null",
    "&&",
    "||",
    ";",
    "|",
    "&",
    "(",
    ")",
    "{",
    "}",
    "\n",
    "if",
    "then",
    "fi",
    "while",
    "do",
    "done",
    "case $x in",
    "esac",
    "a)",
    ";;",
    "$CLAUDE_PROJECT_DIR/x.sh",
    "./y.py",
    "bash",
    "rm -rf $X/",
    "sudo",
    "claude -p x",
    "curl http://x",
    "sleep 999",
    "timeout 2m",
    "[[ -f x ]]",
    "<<EOF",
    "EOF",
    "$1",
    "${file}",
    "{{file}}",
    "~/x",
    "'",
    "\"",
    "`",
    "$(",
    "<(",
    "ä",
    "\\",
];

proptest! {
    #[test]
    fn no_command_makes_a_rule_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14),
        rubbish in ".{0,6}",
        event in prop::sample::select(&["PreToolUse", "Stop", "PermissionRequest", "SessionStart"][..]),
    ) {
        let command = format!("{} {rubbish}", pieces.join(" "));
        for found in found(event, &command) {
            let place = found.place.unwrap();
            let text = place.file.text();
            prop_assert!(text.get(place.span.range()).is_some());
            for edit in found.fix.iter().flat_map(|fix| &fix.edits) {
                let (start, end) = (&text[..edit.span.start], &text[edit.span.end..]);
                let mended = format!("{start}{}{end}", edit.text);
                prop_assert!(Node::document(&mended).is_ok(), "{mended}");
            }
        }
    }
}

#[test]
fn places_are_exact_in_escaped_commands() {
    let found = found("PostToolUse", "f=$(jq -r \".tool_input.file_path\")\tä; fmt $f");
    let one = found.iter().find(|one| one.rule.name == "payload-unquoted").unwrap();
    let place = one.place.as_ref().unwrap();
    assert_eq!(&place.file.text()[place.span.range()], "$f");
}
