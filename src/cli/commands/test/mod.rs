//! `cph test`: one hook on its own, and what the host would make of its answer.

mod find;
mod show;

use crate::{
    cli::{
        args::Test as Args,
        exit::Exit,
        failure::Failure,
        output::{DIM, HEADING, NAME, WARN, styled},
    },
    config::trust::{self, Trust},
    diag::render::{shown, text::clean},
    dispatch::{self, NotRun, Request, Trial},
    model::{
        Event, Payload, Processor,
        event::Spelling,
        hook::{Handler, Hook},
        paths::Dirs,
        sample,
    },
    sys::place::Places,
};

use super::{
    Desk, approval,
    explain::{no_tool, read, unknown},
    here::Here,
};

use find::Candidate;

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let here = desk.here();
    let trust =
        if args.trust_all { Trust::everything(&here.root) } else { here.trust_or_nothing() };
    let candidates = find::all(&here, &trust);
    let named = args.event.as_deref().map(event).transpose()?;
    let Some(text) = &args.hook else {
        show::list(desk, &here, candidates, named.as_ref().map(|(event, _)| event), args.json);
        return Ok(Exit::Fine);
    };
    let meant = find::one(&candidates, text, named.as_ref().map(|(event, _)| event), &here)?;
    let given = args.payload.as_deref().map(read).transpose()?;
    let told = given.as_ref().and_then(Payload::told_processor);
    let fired_by = named.and_then(|(_, by)| by).or(told);
    let fired_by = fired_by.unwrap_or_else(|| at_home(&meant.hook));
    let is_sample = given.is_none();
    let payload = payload(args, &meant.hook, fired_by, given, &here)?;
    let tried = try_out(desk, args, &here, &meant, fired_by, &payload)?;
    let report = show::Report { trial: &tried, payload: &payload, is_sample, here: &here };
    if args.json {
        desk.output.json(&report.document());
    } else {
        desk.output.text(report.text());
    }
    Ok(if tried.is_sound() { Exit::Fine } else { Exit::Findings })
}

/// An event that was named, and who fires it, if the name tells.
fn event(name: &str) -> Result<(Event, Option<Processor>), Failure> {
    let owner = Event::sole_owner(name);
    let (event, spelling) = Event::named(name, owner.unwrap_or(Processor::ClaudeCode));
    if spelling == Spelling::Unknown {
        return Err(
            Failure::new(Exit::Usage, unknown(name)).hint("`cph events` lists all that are known")
        );
    }
    Ok((event, owner))
}

/// Who fires where nothing says it: the processor that the hook was written for.
fn at_home(hook: &Hook) -> Processor {
    let by = hook.leading().vocabulary;
    if hook.event.name_for(by).is_some() { by } else { by.other() }
}

fn payload(
    args: &Args,
    hook: &Hook,
    fired_by: Processor,
    given: Option<Payload>,
    here: &Here,
) -> Result<Payload, Failure> {
    let tool = args.tool.as_deref();
    if tool.is_some() && !sample::takes_tool(&hook.event, fired_by) {
        return Err(no_tool(hook.event.name_or_own(fired_by)));
    }
    let places = Places::from_env(&here.env);
    let dirs = Dirs { project: &here.root, home: places.home.as_deref() };
    let payload = match (given, tool) {
        (None, tool) => sample::for_hook(hook, fired_by, tool, dirs),
        (Some(payload), Some(tool)) => payload.with_text("tool_name", tool),
        (Some(payload), None) => payload,
    };
    args.sets.iter().try_fold(payload, |payload, assignment| {
        sample::set(&payload, assignment).map_err(|error| {
            Failure::new(Exit::Usage, error.to_string())
                .hint("as in `--set tool_input.command='git push'`")
        })
    })
}

/// Runs it; what is not trusted only by the word of a person.
fn try_out(
    desk: &Desk<'_>,
    args: &Args,
    here: &Here,
    meant: &Candidate,
    fired_by: Processor,
    payload: &Payload,
) -> Result<Trial, Failure> {
    let hook = &meant.hook;
    let request = Request {
        event: hook.event.name_or_own(fired_by).to_owned(),
        from: Some(fired_by),
        project: Some(here.root.clone()),
        trust_all: args.trust_all,
        ..Request::default()
    };
    let run = |request: &Request| dispatch::try_out(request, &here.env, payload, hook.id());
    match run(&request) {
        Err(why @ (NotRun::Untrusted(_) | NotRun::Scripts(_))) => {
            if args.json || !ask(desk, here, hook, &why) {
                return Err(not_run(&why).hint(
                    "read it and run `cph trust`, or pass `--trust-all` to run it this once",
                ));
            }
            let request = Request { trust_all: true, ..request };
            run(&request).map_err(|why| not_run(&why))
        }
        done => done.map_err(|why| not_run(&why)),
    }
}

fn not_run(why: &NotRun) -> Failure {
    Failure::new(Exit::Findings, format!("not run: {why}"))
}

/// Shows what would run and asks a person whether it may, this once.
fn ask(desk: &Desk<'_>, here: &Here, hook: &Hook, why: &NotRun) -> bool {
    if approval::person_only(here, "cph test").is_err() {
        return false;
    }
    let entry = hook.leading();
    let place = shown(entry.origin.file.path(), Some(&here.root));
    let at = entry.origin.position().line;
    let head = format!("{}:{at} {why}; it would run:", trust::visible(&place));
    desk.output.complain(styled(WARN, head));
    for line in trust::visible(&find::runs(hook.handler())).lines() {
        desk.output.complain(format_args!("  {line}"));
    }
    desk.output.ask("Run it this once, without trusting it?")
}

/// What a hook is, on the lines that lists and reports begin with.
fn headline(hook: &Hook) -> String {
    let (id, label) = (hook.id().to_string(), hook.label());
    let label = if label == id { String::new() } else { format!("  {}", clean(&label)) };
    let kind = match hook.handler() {
        Handler::Native { kind, .. } => format!("  ({} hook)", kind.name()),
        _ if hook.is_background() => "  (background)".to_owned(),
        _ => String::new(),
    };
    format!("{}{label}{}", styled(NAME, clean(&id)), styled(DIM, kind))
}

/// A heading above a part of a report.
fn heading(text: &str) -> String {
    format!("\n{}\n", styled(HEADING, text))
}
