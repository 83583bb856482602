//! What a change does to the hooks of a project: which it adds, drops, weakens, strengthens or
//! moves.
//!
//! Runs no hook, writes nothing and does not print. Invariants: both sides are read by the same
//! rules, from revisions or from the disk; the result depends on the two sides alone; what
//! vanishes, for whatever reason, is never silent.

mod change;
mod git;
mod pair;
mod reach;
mod scripts;
mod side;
#[cfg(test)]
mod tests;
mod tree;
mod weigh;

use crate::{
    config::{effective, integration::Integration},
    model::{Event, Processor, hook::Hook},
};

pub(crate) use change::{Change, Comparison, Kind, Reason, Runner, Spot, Subject};
pub(crate) use git::{Error, Git};
pub(crate) use side::{Outside, Side, side};
pub(crate) use tree::Tree;

use pair::Pairs;
use side::{Fault, Subject as Sided};

/// Compares two trees.
pub(crate) fn compare(
    base: &Tree<'_>,
    head: &Tree<'_>,
    outside: Outside<'_>,
) -> Result<(Side, Side, Comparison), Error> {
    let (old, new) = (side(base, outside)?, side(head, outside)?);
    let pairs = pair::pair(&old.subjects, &new.subjects);
    let scripts = scripts::reasons(base, head, (&old, &new), &pairs)?;
    let mut comparison = compare_sides(&old, &new, &pairs, scripts);
    for change in &mut comparison.changes {
        rename(base, &mut change.before);
        rename(head, &mut change.after);
    }
    Ok((old, new, comparison))
}

/// A file that was compared alone has its own path again, not the name of its kind.
fn rename(tree: &Tree<'_>, spot: &mut Option<Spot>) {
    if let (Tree::File { path, name }, Some(spot)) = (tree, spot)
        && spot.path == *name
    {
        spot.path = path.display().to_string();
    }
}

impl Side {
    /// How people call it.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }
}

fn compare_sides(
    base: &Side,
    head: &Side,
    pairs: &Pairs,
    mut scripts: scripts::Reasons,
) -> Comparison {
    let mut changes = Vec::new();
    let moved = reordered(base, head, &pairs.both);
    for &(old, new) in &pairs.both {
        let mut reasons = weigh::weigh(&base.subjects[old], &head.subjects[new]);
        reasons.extend(scripts.remove(&new).unwrap_or_default());
        reasons.extend(
            moved
                .iter()
                .find(|(at, _)| *at == new)
                .map(|(_, text)| Reason::new(Kind::Moved, text.clone())),
        );
        if !reasons.is_empty() {
            changes.push(changed(&base.subjects[old], &head.subjects[new], reasons));
        }
    }
    changes.extend(pairs.gone.iter().map(|&old| gone(&base.subjects[old], head)));
    changes.extend(pairs.new.iter().map(|&new| added(&head.subjects[new])));
    changes.extend(faults(base, head));
    changes.extend(switches(base, head));
    changes.extend(integration(&base.integration, &head.integration));
    let mut notes: Vec<_> = base.notes.iter().chain(&head.notes).cloned().collect();
    notes.sort();
    notes.dedup();
    sort(&mut changes);
    Comparison { changes, notes }
}

/// By event, in the order of the table of events; within one from grave to harmless.
fn sort(changes: &mut [Change]) {
    let rank = |change: &Change| {
        let names = &change.event;
        let known = crate::model::event::EVENTS.iter().position(|row| {
            let of_row = |name: &String| row.claude == Some(name) || row.orchestrator == Some(name);
            names.iter().any(of_row)
        });
        (names.is_empty(), known.unwrap_or(usize::MAX), names.clone())
    };
    changes.sort_by(|a, b| {
        let place = |change: &Change| change.after.clone().or_else(|| change.before.clone());
        rank(a)
            .cmp(&rank(b))
            .then_with(|| b.kind.cmp(&a.kind))
            .then_with(|| place(a).cmp(&place(b)))
            .then_with(|| subject_name(a).cmp(subject_name(b)))
    });
}

fn subject_name(change: &Change) -> &str {
    match &change.subject {
        Subject::Hook { label, .. } => label,
        Subject::File { path } => path,
    }
}

/// What processors call an event, Claude Code first.
fn names(event: &Event) -> Vec<String> {
    let names = Processor::ALL.iter().filter_map(|&by| event.name_for(by));
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.dedup();
    names
}

fn about(subject: &Sided, is_gate: bool) -> Subject {
    Subject::Hook {
        label: subject.hook.label(),
        runs: weigh::full(subject.hook.handler()),
        is_gate,
        runner: subject.runner.clone(),
    }
}

fn spot(hook: &Hook) -> Spot {
    let origin = &hook.leading().origin;
    side::spot(&origin.file, origin.span.start)
}

fn is_gate(subject: &Sided) -> bool {
    subject.is_registration || weigh::is_gate(&subject.hook)
}

fn changed(old: &Sided, new: &Sided, reasons: Vec<Reason>) -> Change {
    let change = Change {
        kind: Kind::Moved,
        event: names(&new.hook.event),
        subject: about(new, weigh::is_gate(&old.hook) || weigh::is_gate(&new.hook)),
        reasons,
        before: Some(spot(&old.hook)),
        after: Some(spot(&new.hook)),
    };
    change.settled()
}

fn added(new: &Sided) -> Change {
    let mut reasons = vec![Reason::new(Kind::Added, weigh::headline(&new.hook))];
    if new.is_registration {
        reasons.push(Reason::new(Kind::Added, "the event reaches cph now"));
    }
    Change {
        kind: Kind::Added,
        event: names(&new.hook.event),
        subject: about(new, is_gate(new)),
        reasons,
        before: None,
        after: Some(spot(&new.hook)),
    }
}

/// A hook that is gone, with the fault that took it away, if one did.
fn gone(old: &Sided, head: &Side) -> Change {
    let hook = &old.hook;
    let mut reasons = vec![Reason::new(Kind::Dropped, format!("was: {}", weigh::headline(hook)))];
    if old.is_registration {
        reasons.push(Reason::new(
            Kind::Dropped,
            "the event no longer reaches cph, so no hook file counts for it under Claude Code",
        ));
    }
    let origin = &hook.leading().origin;
    let path = origin.file.path().display().to_string();
    if let Some(fault) = head.faults.iter().find(|fault| takes_away(fault, &path, &origin.pointer))
    {
        let Fault { spot, message, .. } = fault;
        reasons.push(Reason::new(Kind::Dropped, format!("is off: {message} ({spot})")));
    }
    Change {
        kind: Kind::Dropped,
        event: names(&hook.event),
        subject: about(old, is_gate(old)),
        reasons,
        before: Some(spot_of(old)),
        after: None,
    }
}

fn spot_of(subject: &Sided) -> Spot {
    spot(&subject.hook)
}

/// Whether a fault is about the place at which a hook stood, or about the whole file.
fn takes_away(fault: &Fault, path: &str, pointer: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    let group = pointer.rsplit_once("/hooks/").map_or(pointer, |(group, _)| group);
    fault.spot.path == path
        && (fault.is_whole_file
            || within(pointer, &fault.pointer)
            || within(&fault.pointer, pointer)
            || fault.pointer == format!("{group}/matcher"))
}

/// Faults that were not there before, and whole files that count again.
fn faults(base: &Side, head: &Side) -> Vec<Change> {
    let key = |fault: &Fault| (fault.spot.path.clone(), fault.rule, fault.message.clone());
    let mut known: Vec<_> = base.faults.iter().map(key).collect();
    let mut changes = Vec::new();
    for fault in &head.faults {
        let key = key(fault);
        if let Some(at) = known.iter().position(|other| *other == key) {
            known.swap_remove(at);
            continue;
        }
        let kind = if fault.is_whole_file { Kind::Dropped } else { Kind::Weakened };
        let what = if fault.is_whole_file {
            format!("nothing of the file counts: {}", fault.message)
        } else {
            format!("a part of the file is off: {}", fault.message)
        };
        changes.push(of_file(&fault.spot, Reason::new(kind, what), &fault.pointer, true));
    }
    for fault in base.faults.iter().filter(|fault| fault.is_whole_file) {
        let path = &fault.spot.path;
        let still = |other: &Fault| other.is_whole_file && other.spot.path == *path;
        if !head.faults.iter().any(still) {
            let reason =
                Reason::new(Kind::Strengthened, format!("counts again: {}", fault.message));
            changes.push(of_file(&fault.spot, reason, "", false));
        }
    }
    changes
}

fn of_file(spot: &Spot, reason: Reason, pointer: &str, is_new: bool) -> Change {
    let event = pointer.strip_prefix("/hooks/").and_then(|rest| rest.split('/').next());
    let event = event.map(|name| names(&Event::named(name, Processor::ClaudeCode).0));
    Change {
        kind: reason.kind,
        event: event.unwrap_or_default(),
        subject: Subject::File { path: spot.path.clone() },
        reasons: vec![reason],
        before: (!is_new).then(|| spot.clone()),
        after: is_new.then(|| spot.clone()),
    }
}

/// `disableAllHooks`.
fn switches(base: &Side, head: &Side) -> Vec<Change> {
    let is_in = |spot: &Spot, side: &Side| side.switched_off.iter().any(|s| s.path == spot.path);
    let off = head.switched_off.iter().filter(|spot| !is_in(spot, base)).map(|spot| {
        let text = "`disableAllHooks` switches off every hook, and with them cph";
        of_file(spot, Reason::new(Kind::Dropped, text), "", true)
    });
    let on = base.switched_off.iter().filter(|spot| !is_in(spot, head)).map(|spot| {
        let text = "`disableAllHooks` is gone: hooks run again";
        of_file(spot, Reason::new(Kind::Strengthened, text), "", false)
    });
    off.chain(on).collect()
}

/// Fields of `integration` whose change is seen in the hooks.
const SEEN: &[&str] = &["presets", "shared_hooks_path"];

fn integration(base: &Integration, head: &Integration) -> Vec<Change> {
    let (old, new) = (effective::integration(base), effective::integration(head));
    let mut fields: Vec<&str> = old.iter().chain(&new).map(|said| said.field).collect();
    fields.sort_unstable();
    fields.dedup();
    let mut changes = Vec::new();
    for field in fields.into_iter().filter(|field| !SEEN.contains(field)) {
        let values = |all: &[effective::InForce<'_>]| -> Vec<String> {
            let of_field = all.iter().filter(|said| said.field == field);
            of_field.map(|said| said.value.to_string()).collect()
        };
        let (was, is) = (values(&old), values(&new));
        if was == is {
            continue;
        }
        let text = |values: &[String]| match values {
            [] => "nothing".to_owned(),
            values => values.join(" and "),
        };
        let place = |all: &[effective::InForce<'_>]| {
            let said = all.iter().find(|said| said.field == field && !said.origins.is_empty())?;
            let origin = said.origins.first()?;
            Some(side::spot(&origin.file, origin.span.start))
        };
        let (before, after) = (place(&old), place(&new));
        let Some(at) = after.clone().or_else(|| before.clone()) else { continue };
        let what = format!("`integration.{field}` {} → {}", text(&was), text(&is));
        let kind = weight(field, &is);
        changes.push(Change { before, after, ..of_file(&at, Reason::new(kind, what), "", true) });
    }
    changes
}

/// What a change of an `integration` field amounts to.
fn weight(field: &str, is: &[String]) -> Kind {
    match field {
        "trust.scripts" if is.iter().any(|value| value.contains("tell")) => Kind::Weakened,
        "trust.scripts" => Kind::Strengthened,
        "allowed_http_hook_urls" | "http_hook_allowed_env_vars" if is.is_empty() => Kind::Weakened,
        _ => Kind::Changed,
    }
}

/// Hooks of one event that come in another order than before, as indices into `head`, and after
/// what they come now: as few of them as explain the new order.
fn reordered(base: &Side, head: &Side, pairs: &[(usize, usize)]) -> Vec<(usize, String)> {
    let mut moved = Vec::new();
    let mut seen: Vec<&Event> = Vec::new();
    for &(_, at) in pairs {
        let event = &head.subjects[at].hook.event;
        let runner = &head.subjects[at].runner;
        if seen.contains(&event) || *runner != Runner::Cph {
            continue;
        }
        seen.push(event);
        let of_event = pairs.iter().filter(|(old, new)| {
            let (old, new) = (&base.subjects[*old], &head.subjects[*new]);
            new.hook.event == *event
                && old.runner == Runner::Cph
                && new.runner == Runner::Cph
                && old.hook.order() == new.hook.order()
        });
        // Sorted by the place in `base`; subjects are in configuration order.
        let places: Vec<usize> = of_event.map(|(_, new)| *new).collect();
        let kept = longest_rising(&places);
        for &place in places.iter().filter(|place| !kept.contains(place)) {
            let before = places.iter().filter(|other| **other < place).max();
            let text = match before {
                Some(&other) => format!("comes after `{}` now", head.subjects[other].hook.label()),
                None => "comes first now".to_owned(),
            };
            moved.push((place, text));
        }
    }
    moved
}

/// The longest part of a list that rises, of several the first.
fn longest_rising(list: &[usize]) -> Vec<usize> {
    let mut best: Vec<Vec<usize>> = Vec::new();
    for (at, &value) in list.iter().enumerate() {
        let before = best[..at].iter().filter(|run| run.last().is_some_and(|last| *last < value));
        let mut run =
            before.fold(
                Vec::new(),
                |longest: Vec<usize>, run| {
                    if run.len() > longest.len() { run.clone() } else { longest }
                },
            );
        run.push(value);
        best.push(run);
    }
    best.into_iter().fold(
        Vec::new(),
        |longest, run| {
            if run.len() > longest.len() { run } else { longest }
        },
    )
}
