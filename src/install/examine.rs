//! What stands in a settings file, whoever wrote it.
//!
//! Changes nothing and compares with nothing. Invariant: a file that is not there is an empty one.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{diag::Diagnostic, json::Node, source::SourceFile};

use super::{
    Error,
    apply::source,
    changes::read,
    registration::{Role, role},
    settings::{self, Entry},
};

/// One settings file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Examined {
    /// `None`: it is not there.
    pub(crate) file: Option<Arc<SourceFile>>,
    /// In the order of the text.
    pub(crate) handlers: Vec<Standing>,
    /// What keeps hooks of this file, or all, from running.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// One handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) event: String,
    pub(crate) matcher: Option<String>,
    /// Command, URL, or the type where it has neither.
    pub(crate) what: String,
    /// A registration of cph as `install` writes it.
    pub(crate) is_ours: bool,
    /// One that only observes: hooks stay with Claude Code.
    pub(crate) is_observer: bool,
    /// It runs `cph dispatch` in another spelling: nothing knows which delivery it is, so that
    /// beside a registration everything runs twice.
    pub(crate) is_foreign_dispatch: bool,
}

impl Examined {
    /// The program of the first registration of cph by which hooks run, if there is one.
    pub(crate) fn registered_command(&self) -> Option<&str> {
        let ours = |handler: &&Standing| handler.is_ours && !handler.is_observer;
        self.handlers.iter().find(ours).map(|handler| handler.what.as_str())
    }

    /// The program of the first observer, if there is one.
    pub(crate) fn observing_command(&self) -> Option<&str> {
        self.handlers
            .iter()
            .find(|handler| handler.is_observer)
            .map(|handler| handler.what.as_str())
    }
}

/// Reads a settings file.
///
/// # Errors
///
/// It cannot be read, or is no JSON object with an object `hooks`.
pub(crate) fn examine(path: &Path) -> Result<Examined, Error> {
    let Some(file) = source(path, read(path)?)? else { return Ok(Examined::default()) };
    let draft = settings::open(&file)?;
    let handlers = settings::entries(draft.root(), "/hooks").iter().map(standing).collect();
    let diagnostics = settings::survey(&file, draft.root());
    Ok(Examined { handlers, diagnostics, file: Some(file) })
}

/// Where an administrator's settings lie, which nobody else's outrank.
pub(crate) fn managed_settings() -> PathBuf {
    let dir = if cfg!(target_os = "macos") {
        "/Library/Application Support/ClaudeCode"
    } else {
        "/etc/claude-code"
    };
    Path::new(dir).join("managed-settings.json")
}

fn standing(entry: &Entry<'_>) -> Standing {
    let text = |key| entry.handler.get(key).and_then(|node: Node<'_>| node.as_str());
    let what = text("command").or_else(|| text("url")).or_else(|| text("type"));
    let what = what.map(std::borrow::Cow::into_owned).unwrap_or_default();
    let role = role(entry.handler);
    let is_ours = role.is_some();
    Standing {
        event: entry.event.clone(),
        matcher: entry.matcher.clone().filter(|matcher| !matcher.is_empty()),
        is_foreign_dispatch: !is_ours && dispatches(&what, entry.handler),
        what,
        is_ours,
        is_observer: role == Some(Role::Observes),
    }
}

/// Whether a command line, with its arguments, has a word `cph` and the word `dispatch` behind it.
fn dispatches(command: &str, handler: Node<'_>) -> bool {
    let args = handler.get("args").map(|args| args.items()).unwrap_or_default();
    let args: Vec<_> = args.iter().filter_map(Node::as_str).collect();
    let words = command.split_whitespace().chain(args.iter().map(AsRef::as_ref));
    let words: Vec<_> = words.map(|word| word.trim_matches(['"', '\''])).collect();
    words.windows(2).any(|pair| super::is_cph(pair[0]) && pair[1] == "dispatch")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn examined(text: &str) -> Examined {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        examine(file.path()).unwrap()
    }

    #[test]
    fn tells_ours_from_theirs() {
        let found = examined(
            r#"{"hooks": {"Stop": [{"matcher": "", "hooks": [
                {"type": "command", "command": "/x/cph", "args": ["dispatch", "Stop", "--reg", "p1"]},
                {"type": "command", "command": "exec \"/y/cph\" dispatch Stop"},
                {"type": "command", "command": "cph", "args": ["dispatch", "Stop"]},
                {"type": "command", "command": "echo cph and dispatch"},
                {"type": "prompt", "prompt": "p"}]}]}}"#,
        );
        let told: Vec<_> = found
            .handlers
            .iter()
            .map(|h| (h.what.as_str(), h.is_ours, h.is_foreign_dispatch))
            .collect();
        assert_eq!(
            told,
            [
                ("/x/cph", true, false),
                ("exec \"/y/cph\" dispatch Stop", false, true),
                ("cph", false, true),
                ("echo cph and dispatch", false, false),
                ("prompt", false, false),
            ]
        );
        assert_eq!(found.registered_command(), Some("/x/cph"));
        assert_eq!(found.handlers[0].matcher, None);
    }

    #[test]
    fn says_what_switches_hooks_off_and_forgives_absence() {
        assert_eq!(examined(r#"{"disableAllHooks": true}"#).diagnostics.len(), 1);
        let none = examine(Path::new("/nowhere/settings.json")).unwrap();
        assert!(none.file.is_none() && none.handlers.is_empty());
    }
}
