//! The answer: folded and said. Whoever called marks it as delivered, as the last thing of all.
//!
//! Invariant: an answer goes out before anything is written down about it that would keep another
//! registration from answering.

use std::{io::Write as _, path::PathBuf};

use crate::{
    model::{
        answer::{Answer, Decision, DecisionKind},
        event::Refusal,
        fold::{self, Folded, Folding, Voice},
        hook::Hook,
    },
    session::delivery::Progress,
    sys::{clock, dir::PrivateDir},
};

use super::{Say, choose::Choice, keeper::Keeper, owner, report::Report, situation::Situation};

/// What goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) exit: u8,
}

/// What became of an answer.
pub(super) struct Said {
    /// In one word.
    pub(super) summary: String,
    /// All of it went out. A host that did not get it may get it from another registration.
    pub(super) is_out: bool,
}

/// Folds what was said and says it.
pub(super) fn give(
    situation: &Situation,
    voices: &[Voice<'_>],
    input: Option<&serde_json::Value>,
    keeper: &Keeper,
    report: &mut Report<'_>,
    say: &mut Say<'_>,
) -> Said {
    if let Some(fault) = keeper.fault() {
        report.notice(fault);
    }
    let late = report.take_contexts(situation);
    let answers: Vec<_> = late
        .iter()
        .map(|(_, text)| Answer { context: Some(text.clone()), ..Answer::default() })
        .collect();
    let said = late.iter().zip(&answers);
    let mut all = voices.to_vec();
    all.extend(said.map(|((label, _), answer)| Voice { label, answer, may_grant: false }));
    let folded = fold(situation, &all, input, report);
    let summary = folded.summary.clone();
    let is_out = speak(folded, report, say);
    if !is_out {
        report.keep_contexts(&late);
    }
    Said { summary, is_out }
}

/// Folds, with what the user is to be told.
fn fold(
    situation: &Situation,
    voices: &[Voice<'_>],
    input: Option<&serde_json::Value>,
    report: &mut Report<'_>,
) -> Folded {
    let state = situation.state.as_ref().ok();
    let mut spill = |text: &str| state.and_then(|state| keep_whole(state, text));
    let event = &situation.event;
    let fired_by = situation.fired_by;
    let notices = report.notices();
    let folding = Folding { event, fired_by, voices, input, notices };
    let mut folded = fold::fold(&folding, &mut spill);
    for lost in std::mem::take(&mut folded.lost) {
        if folded.has_notices {
            report.note(lost);
        } else {
            report.notice(lost);
        }
    }
    folded
}

/// Says it; whether all of it went out.
fn speak(folded: Folded, report: &mut Report<'_>, say: &mut Say<'_>) -> bool {
    let mut stderr = folded.stderr;
    if folded.has_notices {
        report.told();
    } else {
        // Hosts show the first line of stderr to nobody when the exit code is 0; logs do.
        for notice in report.notices() {
            stderr.extend_from_slice(format!("cph: {notice}\n").as_bytes());
        }
        report.postpone();
    }
    say(&Spoken { stdout: folded.stdout, stderr, exit: folded.exit })
}

/// Keeps a text that is too long for the host.
fn keep_whole(state: &PrivateDir, text: &str) -> Option<PathBuf> {
    let texts = state.subdir("texts").ok()?;
    let name = format!("{}-{}.txt", clock::boot_now().as_nanos(), std::process::id());
    let mut file = texts.create_new(&name).ok()?;
    file.write_all(text.as_bytes()).ok()?;
    Some(texts.path().join(name))
}

/// A registration that may wake the session: exit 2 and the reasons on stderr do.
pub(super) fn wake(reasons: &[String], report: &mut Report<'_>, say: &mut Say<'_>) -> Said {
    report.postpone();
    let spoken = if reasons.is_empty() {
        Spoken::default()
    } else {
        Spoken { stderr: reasons.join("\n").into_bytes(), exit: 2, ..Spoken::default() }
    };
    let summary = if reasons.is_empty() { "silent" } else { "woke" }.to_owned();
    Said { summary, is_out: say(&spoken) }
}

/// No hook runs.
pub(super) fn nothing_runs(situation: &Situation, mut report: Report<'_>, say: &mut Say<'_>) {
    give(situation, &[], None, &Keeper::default(), &mut report, say);
    report.close("no hook");
}

/// The answer was made behind us, where it was also written down.
pub(super) fn said_behind(spoken: &Spoken, mut report: Report<'_>, say: &mut Say<'_>) {
    report.postpone();
    // At the end of a session nobody else would say it.
    let _is_out = say(spoken);
    report.close_if_wrong("answered behind");
}

/// The answer will come too late for anybody to hear it.
pub(super) fn goes_on(mut report: Report<'_>, say: &mut Say<'_>) {
    report.postpone();
    let _is_out = say(&Spoken::default());
    report.close_if_wrong("goes on behind");
}

/// No hook runs, and the worktree that was wanted was made, or was not.
pub(super) fn worktree(
    situation: &Situation,
    made: Result<String, String>,
    mut report: Report<'_>,
    say: &mut Say<'_>,
) {
    let answer = match made {
        Ok(path) => Answer { plain: Some(path), ..Answer::default() },
        Err(why) => refusal(&format!("no worktree could be made: {why}")),
    };
    let voices = [Voice { label: "cph", answer: &answer, may_grant: true }];
    give(situation, &voices, None, &Keeper::default(), &mut report, say);
    report.close("no hook; made by git");
}

/// The payload cannot be read: gates that must not fail open refuse, and the user is told.
pub(super) fn unreadable(
    situation: &Situation,
    choice: &Choice,
    mut report: Report<'_>,
    say: &mut Say<'_>,
) {
    let closed: Vec<_> = choice.hooks.iter().filter(|hook| hook.fails_closed()).collect();
    let answer = refusal("the payload cannot be read; blocking because onFailure is \"block\"");
    say_for_all(situation, &closed, &answer, &mut report, say);
    report.close("unreadable payload");
}

/// A copy is still at work and our time is up: what is known is repeated, gates that must not
/// fail open refuse.
pub(super) fn still_running(
    situation: &Situation,
    hooks: &[&Hook],
    progress: &Progress,
    mut report: Report<'_>,
    say: &mut Say<'_>,
) {
    let done = owner::finished(progress);
    let refusals: Vec<_> = hooks
        .iter()
        .filter_map(|hook| {
            let known = done.get(hook.id());
            match known {
                Some(answer) if answer.is_refusal() => Some((hook.label(), answer.clone())),
                None if hook.fails_closed() => Some((
                    hook.label(),
                    refusal("timed out; blocking because onFailure is \"block\""),
                )),
                _ => None,
            }
        })
        .collect();
    let voices: Vec<_> =
        refusals.iter().map(|(label, answer)| Voice { label, answer, may_grant: true }).collect();
    give(situation, &voices, None, &Keeper::default(), &mut report, say);
    report.close("a copy is still at work");
}

/// The same words for each of some hooks.
fn say_for_all(
    situation: &Situation,
    hooks: &[&Hook],
    answer: &Answer,
    report: &mut Report<'_>,
    say: &mut Say<'_>,
) {
    let labels: Vec<_> = hooks.iter().map(|hook| hook.label()).collect();
    let can_refuse = !matches!(
        situation.event.answers().refusal,
        Refusal::None | Refusal::StderrToUser | Refusal::StderrToModel
    );
    let voices: Vec<_> = labels
        .iter()
        .filter(|_| can_refuse)
        .map(|label| Voice { label, answer, may_grant: true })
        .collect();
    give(situation, &voices, None, &Keeper::default(), report, say);
}

pub(super) fn refusal(reason: &str) -> Answer {
    let decision = Decision::new(DecisionKind::Deny, Some(reason.to_owned()));
    Answer { decision: Some(decision), ..Answer::default() }
}
