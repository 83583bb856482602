//! `cph watch`: at each change of a hook file, what is wrong with it, what it changes, and whether
//! the settings still fit.
//!
//! Introduces `watch` to `lint` and `install`. Invariant: without `--sync` nothing is written, and
//! with it only what `cph install` would write without a question.

mod picture;
mod text;

use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    cli::{args::Watch as Args, exit::Exit, failure::Failure},
    config::{locate, trust::Trust},
    install::{self, Scope},
    json::Node,
    sys::clock,
    watch::{self, Eye, Pace},
};

use super::{
    Desk, checkup,
    here::Here,
    plan::{self, Wanted},
};

use picture::{Change, Picture};

/// What is told at each look, for programs.
#[derive(Serialize)]
struct Told<'a> {
    v: u32,
    /// RFC 3339, UTC.
    at: String,
    /// Files that were written since the look before; none at the first.
    files: Vec<&'a Path>,
    changes: &'a [Change],
    /// All that is configured by now.
    #[serde(flatten)]
    picture: &'a Picture,
    registrations: &'a [Registered],
}

/// Where cph is registered, and whether that fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Registered {
    scope: &'static str,
    settings: PathBuf,
    in_step: bool,
    /// Just now, by us.
    synced: bool,
    differences: Vec<String>,
}

const VERSION: u32 = 1;

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    // Where nothing can be remembered, nothing can be trusted, and nothing is to be synced.
    here.state_dir()?;
    let mut desk_eye = DeskEye { desk, args, here, last: None };
    watch::watch(&mut desk_eye, Pace::HUMAN);
    Ok(Exit::Fine)
}

struct DeskEye<'a> {
    desk: &'a Desk<'a>,
    args: &'a Args,
    here: Here,
    last: Option<(Picture, Vec<Registered>)>,
}

impl Eye for DeskEye<'_> {
    /// Hook files with fixed names, the file that these share, settings files, and what is approved.
    fn files(&self) -> Vec<PathBuf> {
        let roots = self.here.roots();
        let mut files: BTreeSet<_> =
            locate::candidates(&roots).into_iter().map(|candidate| candidate.path).collect();
        files.extend(self.last.iter().flat_map(|(picture, _)| picture.shared.iter().cloned()));
        files.extend(self.record());
        files.extend(Scope::ALL.iter().filter_map(|scope| self.here.settings(*scope).ok()));
        files.into_iter().collect()
    }

    /// Empty, or no JSON: an editor that writes in place begins with nothing.
    fn is_torn(&self, path: &Path, bytes: &[u8]) -> bool {
        // The record is written at once.
        Some(path) != self.record().as_deref()
            && std::str::from_utf8(bytes).map_or(true, |text| Node::document(text).is_err())
    }

    fn look(&mut self, written: &[PathBuf]) -> ControlFlow<()> {
        let record = self.record();
        let written: Vec<_> =
            written.iter().filter(|path| Some(*path) != record.as_ref()).cloned().collect();
        let findings = super::lint::of_everything(&self.here);
        let is_readable = !findings.has_unreadable();
        let picture = Picture::of(&self.here, findings);
        let registrations = self.registrations(&picture, is_readable);
        let changes = match &self.last {
            Some((earlier, _)) => picture.changes_since(earlier),
            None => Vec::new(),
        };
        let is_first = self.last.is_none();
        let now = (picture, registrations);
        let is_news = self.last.as_ref() != Some(&now) || !written.is_empty();
        if is_news {
            self.tell(&written, &changes, &now);
        }
        self.last = Some(now);
        let is_enough = self.args.once && is_news && !is_first;
        // Settings are kept in step whether somebody looks or not.
        if is_enough || (self.desk.output.is_gone() && !self.args.sync) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl DeskEye<'_> {
    fn record(&self) -> Option<PathBuf> {
        Some(Trust::record_of(self.here.places.state_dir.as_deref()?, &self.here.root))
    }

    /// What is registered, brought in step where that is wanted and nothing stands against it.
    fn registrations(&self, picture: &Picture, is_readable: bool) -> Vec<Registered> {
        let may_sync = self.args.sync && is_readable && picture.waiting.is_empty();
        Scope::ALL.iter().filter_map(|scope| self.registered(*scope, may_sync)).collect()
    }

    fn registered(&self, scope: Scope, may_sync: bool) -> Option<Registered> {
        let settings = self.here.settings(scope).ok()?;
        let examined = install::examine(&settings).ok()?;
        examined.registered_command()?;
        let wanted = Wanted::of(&self.here, scope, &examined).ok()?;
        // What waits is asked for again: it may have been changed since the picture was taken.
        let is_trusted = || {
            let trust = self.here.trust_or_nothing();
            plan::waiting(&self.here, &trust, None).is_empty()
        };
        let synced = may_sync
            && !wanted.differences.is_empty()
            && is_trusted()
            && checkup::bring_in_step(&self.here, scope, &wanted.plan).is_some();
        Some(Registered {
            scope: scope.name(),
            settings,
            in_step: synced || wanted.differences.is_empty(),
            synced,
            differences: wanted.differences,
        })
    }

    fn tell(
        &self,
        written: &[PathBuf],
        changes: &[Change],
        (picture, registrations): &(Picture, Vec<Registered>),
    ) {
        if self.args.json {
            self.desk.output.json_line(&Told {
                v: VERSION,
                at: clock::wall_text(clock::wall_now()),
                files: written.iter().map(PathBuf::as_path).collect(),
                changes,
                picture,
                registrations,
            });
        } else {
            let told = text::Told { written, changes, picture, registrations };
            text::show(self.desk, &self.here, &told, self.last.is_none(), self.args.sync);
        }
    }
}
