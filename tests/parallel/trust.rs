//! Trust in worktrees: agents of a trusted repository work in worktrees of it.

use std::path::Path;

use serde_json::json;

use super::PROMPT;
use crate::cph::Cph;

fn git(cph: &Cph, arguments: &[&str]) {
    let mut git = cph.command("git");
    git.args(["-c", "user.name=x", "-c", "user.email=x@example.com"]).args(arguments);
    let said = git.output().unwrap();
    assert!(said.status.success(), "{arguments:?}: {said:?}");
}

/// What the plan of a prompt in a directory says.
fn planned(cph: Cph, dir: &Path) -> (Cph, String) {
    let payload = json!({
        "hook_event_name": "UserPromptSubmit", "session_id": "s", "cwd": dir, "prompt": PROMPT,
    });
    let cph = cph.env("CLAUDE_PROJECT_DIR", &dir.display().to_string());
    let cph = cph.stdin(&payload.to_string());
    let said = cph.succeed(&["dispatch", "UserPromptSubmit", "--limit", "60"]);
    (cph, said)
}

#[test]
fn what_is_trusted_in_a_repository_is_trusted_in_its_worktrees() {
    let file = json!({ "hooks": { "UserPromptSubmit": [{ "hooks": [
        { "type": "orchestrator", "action": "plan" }
    ] }] } });
    let cph = Cph::new().project_file(".claude/hooks.json", &file.to_string());
    for arguments in [
        &["init", "-q"][..],
        &["add", "."],
        &["commit", "-q", "-m", "one"],
        &["worktree", "add", "-q", "../tree"],
        &["clone", "-q", ".", "../clone"],
    ] {
        git(&cph, arguments);
    }
    let (tree, clone) = (cph.path("tree"), cph.path("clone"));
    let (cph, said) = planned(cph, &tree);
    assert!(!said.contains("cph run --detach"), "nothing is trusted yet: {said}");
    cph.succeed(&["trust", "--yes", "--project", "."]);
    let (cph, said) = planned(cph, &tree);
    assert!(said.contains("cph run --detach"), "{said}");
    let (_cph, said) = planned(cph, &clone);
    assert!(!said.contains("cph run --detach"), "a clone is another repository: {said}");
}
