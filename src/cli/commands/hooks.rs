//! `cph hooks`: the hooks of all files as one list, and edits of single entries.
//!
//! Does not edit (`edit` does). Invariant: nothing is written before all edits of a call are made,
//! and checked against what lies on the disk.

mod bench;
mod list;
mod listed;
mod pick;
mod report;
mod save;

use std::{path::Path, time::Duration};

use crate::{
    cli::{
        args::{self, HooksAdd, HooksCommand, HooksConvert, HooksList, HooksMove, HooksNamed},
        exit::Exit,
        failure::Failure,
    },
    config::{locate, nearest::nearest, read::Belongs},
    edit::{self, Edited, New, Where},
    install::Scope,
    model::{
        Event, Processor,
        event::{EVENTS, Spelling},
        hook::HookId,
        matcher::Matcher,
        origin::Layer,
        permission::Rule,
    },
};

use super::{Desk, here::Here};
use bench::Bench;
use listed::{Home, Listed, resolve};
use save::{Done, Manner};

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &args::Hooks) -> Result<Exit, Failure> {
    let is_json = args.json;
    let manner = |is_dry_run: bool| Manner { is_dry_run, is_json };
    match &args.command {
        None => list::run(desk, &HooksList::default(), is_json),
        Some(HooksCommand::List(args)) => list::run(desk, args, is_json),
        Some(HooksCommand::Add(args)) => add(desk, args, manner(args.dry_run)),
        Some(HooksCommand::Enable(args)) => named(desk, args, &ENABLE, manner(args.dry_run)),
        Some(HooksCommand::Disable(args)) => named(desk, args, &DISABLE, manner(args.dry_run)),
        Some(HooksCommand::Remove(args)) => named(desk, args, &REMOVE, manner(args.dry_run)),
        Some(HooksCommand::Move(args)) => relocate(desk, args, manner(args.dry_run)),
        Some(HooksCommand::Convert(args)) => convert(desk, args, manner(args.dry_run)),
    }
}

/// What is done to one entry of one file.
struct Verb {
    /// Told when it is done.
    done: &'static str,
    /// Why there is nothing to do.
    idle: &'static str,
    is_due: fn(&Listed) -> bool,
    edit: fn(&edit::HookText, &crate::model::hook::Entry) -> Result<Edited, edit::Error>,
}

const ENABLE: Verb =
    Verb { done: "enabled", idle: "is on already", is_due: Listed::is_off, edit: edit::enable };
const DISABLE: Verb =
    Verb { done: "disabled", idle: "is off already", is_due: is_on, edit: edit::disable };
const REMOVE: Verb = Verb { done: "removed", idle: "", is_due: |_| true, edit: edit::remove };

fn is_on(one: &Listed) -> bool {
    !one.is_off()
}

fn named(desk: &Desk<'_>, args: &HooksNamed, verb: &Verb, manner: Manner) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    let all = listed::all(&here);
    let is_offered = |one: &Listed| matches!(one.home, Home::Hooks(_)) && (verb.is_due)(one);
    let meant = pick::meant(desk, &here, &all, &args.names, &is_offered)?;
    let mut bench = Bench::new(&here);
    let mut done = Done::default();
    for at in meant {
        let one = &all[at];
        let belongs = editable(one)?;
        if !(verb.is_due)(one) {
            done.notes.push(format!("`{}` {}", one.name, verb.idle));
            continue;
        }
        let file = bench.text(one.path(), belongs)?;
        let entry = Bench::entry(&file, &one.entry)?;
        bench.take((verb.edit)(&file, &entry).map_err(|error| bench.failure(desk, &error))?);
        done.lines.push((verb.done, one.name.clone(), one.place(&here)));
        done.notes.extend(also_stands(&here, &all, at, verb));
    }
    save::finish(desk, &here, bench, done, manner)
}

/// Another entry of the same hook that runs on.
fn also_stands(here: &Here, all: &[Listed], at: usize, verb: &Verb) -> Option<String> {
    let id = crate::config::merge::normal_form(&all[at].entry);
    let is_same = |one: &&Listed| {
        matches!(one.home, Home::Hooks(_))
            && is_on(one)
            && crate::config::merge::normal_form(&one.entry) == id
    };
    let mut others = all.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, one)| one);
    let other = others.find(is_same).filter(|_| verb.done != "enabled")?;
    Some(format!("the same hook also stands in {} and runs on", other.place(here)))
}

/// Whose file it is; only hook files are edited.
fn editable(one: &Listed) -> Result<Belongs, Failure> {
    let name = &one.name;
    match one.home {
        Home::Hooks(belongs) => Ok(belongs),
        Home::Settings => Err(Failure::new(
            Exit::Usage,
            format!("`{name}` stands in a settings file, where Claude Code runs it"),
        )
        .hint("`cph install --adopt` moves such hooks into the hook file")),
        Home::Preset => Err(Failure::new(Exit::Usage, format!("`{name}` comes with cph"))
            .hint("take the preset out of `integration.presets`")),
    }
}

fn add(desk: &Desk<'_>, args: &HooksAdd, manner: Manner) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    let new = new_hook(args)?;
    let (_, vocabulary) = event(&args.event)?;
    let file = args.file.unwrap_or(match vocabulary {
        Processor::ClaudeCode => args::HookFile::Project,
        Processor::TaskOrchestrator => args::HookFile::Orchestrator,
    });
    let (path, belongs) = hook_file(&here, file)?;
    let all = listed::all(&here);
    if let Some(id) = &args.id
        && let Some(other) = all.iter().find(|one| one.entry.id.as_ref() == Some(id))
    {
        let message = format!("the id `{id}` is taken: {}", other.place(&here));
        return Err(Failure::new(Exit::Usage, message).hint("choose another"));
    }
    let mut bench = Bench::new(&here);
    let text = bench.text(&path, belongs)?;
    let edited = edit::add(&text, &new).map_err(|error| bench.failure(desk, &error))?;
    let mut done = Done::default();
    let known: Vec<_> = text.entries();
    let added = edited
        .entries()
        .into_iter()
        .find(|entry| !known.iter().any(|other| edit::says_the_same(other, entry)));
    if let Some(entry) = added {
        let line = entry.origin.position().line;
        let place = format!("{}:{line}", here.shown(&path));
        let name = args.id.clone().unwrap_or_else(|| args.event.clone());
        done.lines.push(("added", name, place));
        let form = crate::config::merge::normal_form(&entry);
        let same = all.iter().find(|one| crate::config::merge::normal_form(&one.entry) == form);
        done.notes.extend(
            same.map(|one| {
                format!("the same hook also stands in {}: it runs once", one.place(&here))
            }),
        );
    }
    bench.take(edited);
    save::finish(desk, &here, bench, done, manner)
}

/// The event of a name, and in whose words it is.
fn event(name: &str) -> Result<(Event, Processor), Failure> {
    let (event, spelling) = Event::named(name, Processor::ClaudeCode);
    match spelling {
        Spelling::Exact => Ok((event, Processor::ClaudeCode)),
        Spelling::Foreign => Ok((event, Processor::TaskOrchestrator)),
        Spelling::Legacy | Spelling::Unknown => {
            let message = format!("there is no event `{name}`");
            let names = EVENTS.iter().flat_map(|row| [row.claude, row.orchestrator]).flatten();
            Err(match nearest(name, names) {
                Some(near) => {
                    Failure::new(Exit::Usage, message).hint(format!("did you mean `{near}`?"))
                }
                None => Failure::new(Exit::Usage, message).hint("`cph events` lists the events"),
            })
        }
    }
}

/// What is asked for, if it can work.
fn new_hook(args: &HooksAdd) -> Result<New, Failure> {
    let (event, vocabulary) = event(&args.event)?;
    let wrong = |message: String| Failure::new(Exit::Usage, message);
    if args.command.trim().is_empty() {
        return Err(wrong("the command is empty".to_owned()));
    }
    let matcher = Matcher::new(args.matcher.as_deref(), &event, vocabulary);
    if let Some(fault) = matcher.fault() {
        let text = args.matcher.as_deref().unwrap_or_default();
        return Err(wrong(format!("the matcher `{text}` cannot match: {fault}")));
    }
    if matcher.is_ignored() {
        return Err(wrong(format!("`{}` takes no matcher: a hook on it always runs", args.event)));
    }
    if let Some(rule) = &args.condition
        && let Some(fault) = Rule::parse(rule).fault(&event)
    {
        return Err(wrong(format!("`{rule}` cannot be the `if` of this hook: {fault}")));
    }
    if let Some(id) = args.id.as_deref().filter(|id| HookId::is_made(id) || id.contains(['/', ':']))
    {
        return Err(wrong(format!("`{id}` cannot be an id"))
            .hint("choose a word without `/` and `:`, and not 12 hexadecimal digits"));
    }
    let seconds = |limit: f64| match Duration::try_from_secs_f64(limit) {
        Ok(limit) if !limit.is_zero() => Ok(limit),
        _ => Err(wrong(format!("a time limit of {limit} s lets nothing run"))),
    };
    Ok(New {
        event: args.event.clone(),
        matcher: args.matcher.clone(),
        paths: args.paths.clone(),
        command: args.command.clone(),
        args: args.args.clone(),
        id: args.id.clone(),
        condition: args.condition.clone(),
        timeout: args.timeout.map(seconds).transpose()?,
        order: args.order,
        gate: args.gate,
        is_async: args.is_async,
        fails_closed: args.fail_closed,
    })
}

/// A hook file by its short name.
fn hook_file(here: &Here, file: args::HookFile) -> Result<(std::path::PathBuf, Belongs), Failure> {
    let (layer, owner) = match file {
        args::HookFile::Project => (Layer::Project, Processor::ClaudeCode),
        args::HookFile::Orchestrator => (Layer::Project, Processor::TaskOrchestrator),
        args::HookFile::Local => (Layer::Local, Processor::ClaudeCode),
        args::HookFile::User => (Layer::User, Processor::ClaudeCode),
    };
    let belongs = Belongs { layer, owner: Some(owner) };
    let known = locate::candidates(&here.roots()).into_iter();
    match known.into_iter().find(|candidate| candidate.belongs == belongs) {
        Some(candidate) => Ok((candidate.path, belongs)),
        // Without a home directory there is no file of the user's.
        None => here.hook_file(Scope::User).map(|path| (path, belongs)),
    }
}

fn relocate(desk: &Desk<'_>, args: &HooksMove, manner: Manner) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    let all = listed::all(&here);
    let beside = match (&args.before, &args.after) {
        (Some(name), _) | (_, Some(name)) => Some(resolve(&here, &all, name)?),
        _ => None,
    };
    let is_offered = |one: &Listed| matches!(one.home, Home::Hooks(_));
    let meant = pick::meant(desk, &here, &all, &args.names, &is_offered)?;
    let mut bench = Bench::new(&here);
    let mut done = Done::default();
    for at in meant {
        let one = &all[at];
        let belongs = editable(one)?;
        let file = bench.text(one.path(), belongs)?;
        let entry = Bench::entry(&file, &one.entry)?;
        let edited = if let Some(target) = args.file {
            let (path, of) = hook_file(&here, target)?;
            if is_one_file(&path, one.path()) {
                done.notes.push(format!("`{}` stands there already", one.name));
                continue;
            }
            let to = bench.text(&path, of)?;
            edit::move_to_file(&file, &to, &entry).map(Vec::from)
        } else if let Some(order) = args.order {
            edit::set_order(&file, &entry, order).map(|edited| vec![edited])
        } else {
            let other = &all[beside.unwrap_or(at)];
            let other = neighbour(one, other, &file)?;
            let place =
                if args.before.is_some() { Where::Before(&other) } else { Where::After(&other) };
            edit::move_within(&file, &entry, place).map(|edited| vec![edited])
        };
        for edited in edited.map_err(|error| bench.failure(desk, &error))? {
            bench.take(edited);
        }
        done.lines.push(("moved", one.name.clone(), one.place(&here)));
    }
    save::finish(desk, &here, bench, done, manner)
}

/// The entry beside which another one is put, in the file as it is now.
fn neighbour(
    one: &Listed,
    other: &Listed,
    file: &edit::HookText,
) -> Result<crate::model::hook::Entry, Failure> {
    if one.entry.event != other.entry.event || one.path() != other.path() {
        let message = format!("`{}` is of another event or in another file", other.name);
        return Err(Failure::new(Exit::Usage, message)
            .hint("`--file` moves a hook to another file, `--order` says when it runs"));
    }
    Bench::entry(file, &other.entry)
}

fn is_one_file(a: &Path, b: &Path) -> bool {
    crate::sys::place::canonical(a) == crate::sys::place::canonical(b)
}

fn convert(desk: &Desk<'_>, args: &HooksConvert, manner: Manner) -> Result<Exit, Failure> {
    let here = Here::of(desk);
    let words_of = Processor::named(&args.to).unwrap_or(Processor::ClaudeCode);
    let all = listed::all(&here);
    let is_offered =
        |one: &Listed| matches!(one.home, Home::Hooks(_)) && one.entry.vocabulary != words_of;
    let meant = pick::meant(desk, &here, &all, &args.names, &is_offered)?;
    let target = args.file.unwrap_or(match words_of {
        Processor::ClaudeCode => args::HookFile::Project,
        Processor::TaskOrchestrator => args::HookFile::Orchestrator,
    });
    let (path, of) = hook_file(&here, target)?;
    let mut bench = Bench::new(&here);
    let mut done = Done::default();
    for at in meant {
        let one = &all[at];
        let belongs = editable(one)?;
        let file = bench.text(one.path(), belongs)?;
        let entry = Bench::entry(&file, &one.entry)?;
        let to =
            if is_one_file(&path, one.path()) { file.clone() } else { bench.text(&path, of)? };
        let converted = edit::convert(&file, &to, &entry, words_of, args.keep)
            .map_err(|error| bench.failure(desk, &error))?;
        converted.edits.into_iter().for_each(|edited| bench.take(edited));
        let name = format!("{} as {}", one.name, converted.event);
        done.lines.push(("converted", name, here.shown(&path)));
        let lost = converted.lost.iter().map(|lost| format!("{}: {lost}", one.name));
        done.warnings.extend(lost);
    }
    save::finish(desk, &here, bench, done, manner)
}
