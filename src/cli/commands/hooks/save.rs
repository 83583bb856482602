//! The end of an edit: written, trusted if a person made it, and what there is to do then.
//!
//! Invariants: only bytes that this call wrote are trusted, and only where the file was trusted
//! before them; nobody but a person at a terminal grants that.

use std::path::PathBuf;

use similar::TextDiff;

use crate::{
    cli::{
        exit::Exit,
        failure::Failure,
        output::{DIM, GOOD, NAME, WARN, has_person, styled},
    },
    config::trust::{self, Waiting},
    diag::render::text::clean,
    edit::{self, Edited, Saved},
    install::{self, Options, Scope},
    sys::{ancestry, place::canonical},
};

use super::{
    super::{
        Desk, approval,
        here::Here,
        patience,
        plan::{self, Plan},
    },
    bench::{Bench, failure},
    report::Report,
};

/// What was done, for people.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Verb, name, place.
    pub(super) lines: Vec<(&'static str, String, String)>,
    /// What is lost.
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// How an edit ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Shown, and not written.
    pub(super) is_dry_run: bool,
    /// Told to a program.
    pub(super) is_json: bool,
}

pub(super) fn finish(
    desk: &Desk<'_>,
    here: &Here,
    bench: Bench<'_>,
    mut done: Done,
    manner: Manner,
) -> Result<Exit, Failure> {
    let edits = bench.into_edits();
    if manner.is_dry_run || edits.is_empty() {
        if manner.is_json {
            let unified = |edit: &Edited| diff(here, edit);
            desk.output.json(&Report::new(&done, &edits, &[], None, unified));
        } else if manner.is_dry_run {
            tell(desk, &done, "would be ");
            dry_run(desk, here, &edits);
        } else {
            tell(desk, &done, "");
            desk.output.line("nothing to change");
        }
        return Ok(Exit::Fine);
    }
    let before = Standing::of(here, &edits);
    let saved = write(desk, here, &edits)?;
    if !manner.is_json {
        done.notes.extend(saved.iter().filter_map(|saved| {
            let copy = saved.copy.as_ref()?;
            Some(format!("{} as it was: {}", here.shown(&saved.path), here.shown(copy)))
        }));
    }
    let trusted = trusted(here, &edits, &before)?;
    let is_trusted = trusted.as_ref().map(|(is_trusted, _)| *is_trusted);
    done.notes.extend(trusted.map(|(_, why)| why));
    done.notes.extend(install_hint(here, &before));
    if manner.is_json {
        let unified = |edit: &Edited| diff(here, edit);
        desk.output.json(&Report::new(&done, &edits, &saved, is_trusted, unified));
    } else {
        tell(desk, &done, "");
    }
    Ok(Exit::Fine)
}

/// `mood` stands before the verbs.
fn tell(desk: &Desk<'_>, done: &Done, mood: &str) {
    let out = desk.output;
    for (verb, name, place) in &done.lines {
        let (name, place) = (styled(NAME, clean(name)), styled(DIM, clean(place)));
        let verb = styled(GOOD, format_args!("{mood}{verb}"));
        out.line(format_args!("{verb} {name}  {place}"));
    }
    for warning in &done.warnings {
        out.line(format_args!("{} {}", styled(WARN, "lost:"), clean(warning)));
    }
    for note in &done.notes {
        out.line(format_args!("{} {}", styled(DIM, "note:"), clean(note)));
    }
}

fn dry_run(desk: &Desk<'_>, here: &Here, edits: &[Edited]) {
    for edit in edits {
        desk.output.text(approval::coloured(&diff(here, edit)));
    }
    let what = if edits.is_empty() {
        "nothing to change"
    } else {
        "nothing was changed: this is a dry run"
    };
    desk.output.line(styled(DIM, what));
}

/// The edit as unified diff, in which nothing can hide.
fn diff(here: &Here, edit: &Edited) -> String {
    let shown = |text: &str| trust::visible(text);
    let old = shown(edit.before.as_deref().unwrap_or_default());
    let new = shown(&edit.after);
    let path = shown(&here.shown(&edit.path));
    let from = if edit.before.is_some() { path.as_str() } else { "/dev/null" };
    TextDiff::from_lines(&old, &new).unified_diff().header(from, &path).to_string()
}

fn write(desk: &Desk<'_>, here: &Here, edits: &[Edited]) -> Result<Vec<Saved>, Failure> {
    let is_users = edits.iter().all(|edit| !edit.belongs.layer.is_of_project());
    let state = here.state(if is_users { Scope::User } else { Scope::Project })?;
    edit::save(edits, &state, patience()).map_err(|error| failure(desk, here, &error))
}

/// How things stood before the edit.
struct Standing {
    /// Files of the project that had something to be approved.
    waiting: Vec<PathBuf>,
    /// What was out of step in each scope where cph is registered.
    differences: Vec<(Scope, Vec<String>)>,
}

impl Standing {
    fn of(here: &Here, edits: &[Edited]) -> Self {
        let is_of_project = edits.iter().any(|edit| edit.belongs.layer.is_of_project());
        let waiting = match here.trust() {
            Ok(trust) if is_of_project => plan::waiting(here, &trust, None),
            _ => Waiting::default(),
        };
        let waiting = waiting.files.into_iter().map(|file| canonical(&file.path)).collect();
        Self { waiting, differences: differences(here) }
    }
}

/// Trusts what was edited, if that may be; whether it did, and why or why not.
fn trusted(
    here: &Here,
    edits: &[Edited],
    before: &Standing,
) -> Result<Option<(bool, String)>, Failure> {
    let of_project: Vec<&Edited> =
        edits.iter().filter(|edit| edit.belongs.layer.is_of_project()).collect();
    if of_project.is_empty() {
        return Ok(None);
    }
    let was_waiting = of_project.iter().any(|edit| before.waiting.contains(&canonical(&edit.path)));
    if let Some(why) = untrusted(has_person(), agent(here), was_waiting) {
        let why = format!("not trusted, because {why}: `cph trust` shows and approves it");
        return Ok(Some((false, why)));
    }
    let trust = here.trust()?;
    let mut waiting = plan::waiting(here, &trust, None);
    waiting.files.retain(|file| {
        let text = file.source.as_ref().map(|source| source.text());
        let is_it = |edit: &&&Edited| canonical(&edit.path) == canonical(&file.path);
        of_project.iter().find(is_it).is_some_and(|edit| text == Some(&edit.after))
    });
    waiting.accept(here.state_dir()?, &here.root, patience()).map_err(|error| {
        Failure::of(&error).hint("the file is written; `cph trust` approves it")
    })?;
    Ok(Some((true, "trusted, because you made the edit at a terminal".to_owned())))
}

/// Why an edit is not trusted; `None` if it is.
fn untrusted(has_person: bool, agent: Option<String>, was_waiting: bool) -> Option<String> {
    match (agent, has_person, was_waiting) {
        (Some(agent), ..) => Some(agent),
        (None, false, _) => Some("nobody sits at a terminal".to_owned()),
        (None, true, true) => Some("the file had changes that nobody has approved".to_owned()),
        (None, true, false) => None,
    }
}

/// That an agent is at work, if one is.
fn agent(here: &Here) -> Option<String> {
    let refusal = trust::may_grant(&here.env, &ancestry::ancestors()).err()?.to_string();
    // What to do instead is said by the note itself.
    Some(refusal.split(';').next().unwrap_or_default().to_owned())
}

/// Whether the settings still fit, where cph is registered.
fn install_hint(here: &Here, before: &Standing) -> Option<String> {
    let now = differences(here);
    if now.is_empty() {
        return Some("cph is not registered here: `cph install` does it".to_owned());
    }
    let is_worse = |(scope, lines): &&(Scope, Vec<String>)| {
        let known = before.differences.iter().find(|(known, _)| known == scope);
        !lines.is_empty() && known.is_none_or(|(_, known)| known != lines)
    };
    let (scope, lines) = now.iter().find(is_worse)?;
    let option = super::super::install::scope_option(*scope);
    let first = lines.first().map(String::as_str).unwrap_or_default();
    Some(format!("the registration no longer fits ({first}): run `cph install{option}`"))
}

/// What is out of step in the scopes where cph is registered.
fn differences(here: &Here) -> Vec<(Scope, Vec<String>)> {
    Scope::ALL.into_iter().filter_map(|scope| Some((scope, of_scope(here, scope)?))).collect()
}

fn of_scope(here: &Here, scope: Scope) -> Option<Vec<String>> {
    let examined = install::examine(&here.settings(scope).ok()?).ok()?;
    let cph_command = examined.registered_command()?.to_owned();
    let options = Options { cph_command, fail_closed: false };
    let plan = Plan::new(here, scope, &options, None);
    Some(install::differences(examined.file.as_ref(), &plan.registrations))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_person_at_a_terminal_is_trusted_with_a_file_that_was() {
        assert_eq!(untrusted(true, None, false), None);
        assert!(untrusted(false, None, false).unwrap().contains("terminal"));
        assert!(untrusted(true, None, true).unwrap().contains("approved"));
        let agent = Some("an agent is at work here".to_owned());
        assert!(untrusted(true, agent, false).unwrap().contains("agent"));
    }
}
