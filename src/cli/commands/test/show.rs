//! What came of a run, for people and for programs; and the list of hooks.
//!
//! Does not judge: the answer and its faults are the engine's.

use std::{fmt::Write as _, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    cli::output::{BAD, DIM, GOOD, HEADING, WARN, styled},
    diag::render::text::clean,
    dispatch::{Spoken, Trial},
    model::{
        Event, Payload,
        answer::{Answer, Decision, DecisionKind, End},
        hook::{Handler, Hook},
        job::Terms,
    },
};

use super::{
    super::{
        Desk,
        here::Here,
        merge::{conditions, place_report, place_text},
    },
    find::{Candidate, runs},
    heading, headline,
};

/// Lines of output that are shown to people; `--json` has all of it.
const MOST_LINES: usize = 200;

/// One run.
pub(super) struct Report<'r> {
    pub(super) trial: &'r Trial,
    pub(super) payload: &'r Payload,
    pub(super) is_sample: bool,
    pub(super) here: &'r Here,
}

/// What an answer does, in a word, and the words that go with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Effect {
    does: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<String>,
}

impl Effect {
    fn new(does: &'static str, with: Option<String>) -> Self {
        Self { does, with }
    }
}

fn effects(answer: &Answer) -> Vec<Effect> {
    let text = |value: &Value| Some(value.to_string());
    let mut all = Vec::new();
    if let Some(stop) = &answer.stop {
        all.push(Effect::new("ends the run", stop.reason.clone()));
    }
    all.extend(answer.decision.as_ref().map(decision));
    all.extend(answer.updated_input.as_ref().map(|v| Effect::new("rewrites the input", text(v))));
    let texts = [
        ("tells the model", &answer.context),
        ("tells the user", &answer.message),
        ("shows the user its stderr", &answer.to_user),
        ("passes on", &answer.plain),
    ];
    let told = texts.into_iter().filter(|(_, text)| text.is_some());
    all.extend(told.map(|(does, text)| Effect::new(does, text.clone())));
    let fields = answer.fields.iter().map(|(name, value)| format!("{name}: {value}"));
    all.extend(fields.map(|field| Effect::new("sets", Some(field))));
    if answer.terminal_sequence.is_some() {
        all.push(Effect::new("writes to the terminal", None));
    }
    all
}

fn decision(decision: &Decision) -> Effect {
    let does = match decision.kind {
        DecisionKind::Allow => "allows",
        DecisionKind::Ask => "asks the user",
        DecisionKind::Defer => "defers",
        DecisionKind::Deny => "refuses",
    };
    Effect::new(does, decision.reason.clone())
}

impl Report<'_> {
    /// Everything, for programs.
    pub(super) fn document(&self) -> Value {
        let trial = self.trial;
        let entries = trial.hook.entries.iter().zip(&trial.entries).map(|(entry, why)| {
            json!({
                "origin": place_report(&entry.origin, &self.here.root),
                "matches": why.is_none(),
                "why": why,
            })
        });
        let faults = trial.answer.faults.iter().map(|fault| {
            json!({
                "kind": fault.kind,
                "text": fault.text,
                "broken": !fault.kind.is_harmless(),
            })
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Spoken { stdout, stderr, exit } = &trial.spoken;
        json!({
            "hook": trial.hook.id(),
            "label": trial.hook.label(),
            "runs": runs(trial.hook.handler()),
            "event": trial.event.name_or_own(trial.fired_by),
            "fired_by": trial.fired_by,
            "vocabulary": trial.vocabulary,
            "background": trial.job.is_some(),
            "payload": self.payload.to_value(),
            "payload_is_sample": self.is_sample,
            "matches": trial.is_meant(),
            "entries": entries.collect::<Vec<_>>(),
            "notes": self.notes(),
            "stdin": text(&trial.stdin),
            "limit_s": trial.limit.as_secs_f64(),
            "ended": trial.ended,
            "exit": exit_code(&trial.end),
            "took_ms": u64::try_from(trial.took.as_millis()).unwrap_or(u64::MAX),
            "stdout": text(&trial.stdout),
            "stderr": text(&trial.stderr),
            "variables": trial.variables,
            "answer": {
                "effects": effects(&trial.answer),
                "faults": faults.collect::<Vec<_>>(),
                "wakes": trial.wakes,
            },
            "host": { "stdout": text(stdout), "stderr": text(stderr), "exit": exit },
            "sound": trial.is_sound(),
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let trial = self.trial;
        let mut text = self.head();
        text += &self.meant();
        let took = styled(
            DIM,
            format_args!("after {}, limit {}", duration(trial.took), duration(trial.limit)),
        );
        text += &heading(&format!("{} {took}", self.ended()));
        text += &output("stdout", &trial.stdout);
        text += &output("stderr", &trial.stderr);
        if let Some(variables) = &trial.variables {
            text += &output("CLAUDE_ENV_FILE", variables.as_bytes());
        }
        text += &heading("as the host reads it");
        text += &self.answer();
        text += &self.verdict();
        text
    }

    fn head(&self) -> String {
        let trial = self.trial;
        let event = clean(trial.event.name_or_own(trial.fired_by));
        let mut text = format!("{}  {event} fired by {}\n", headline(&trial.hook), trial.fired_by);
        for entry in &trial.hook.entries {
            let place = place_text(&entry.origin, &self.here.root);
            let _ = writeln!(text, "  {} {place}{}", styled(DIM, "from"), conditions(entry));
        }
        let command = clean(&runs(trial.hook.handler()));
        let _ = writeln!(text, "  {} {command}", styled(DIM, "runs"));
        for note in self.notes() {
            let _ = writeln!(text, "  {} {}", styled(WARN, "note"), clean(&note));
        }
        let what = if self.is_sample {
            "payload (a sample; change it with `--set`, or give one with `--payload`)"
        } else {
            "payload"
        };
        let pretty = serde_json::to_string_pretty(&self.payload.to_value()).unwrap_or_default();
        text + &heading(what) + &indented(&pretty)
    }

    /// What else is to be known.
    fn notes(&self) -> Vec<String> {
        let trial = self.trial;
        let mut notes = trial.notes.clone();
        if trial.vocabulary != trial.fired_by {
            let name = clean(trial.event.name_or_own(trial.vocabulary));
            notes.push(format!(
                "it was written for {} and reads the event as `{name}`",
                trial.vocabulary
            ));
        }
        if !trial.hook.settings.after.is_empty() {
            let names = trial.hook.settings.after.join(", ");
            notes.push(format!(
                "it comes after {names}, which does not run here: `cph.previous` is missing \
                 (`--set cph.previous.ID=TEXT`)"
            ));
        }
        notes.extend(trial.job.iter().map(job));
        if trial.is_missing_script() {
            notes.push(
                "its script seems to be missing: interpreters exit with 2 then, and hosts take \
                 that for a refusal"
                    .to_owned(),
            );
        }
        notes
    }

    fn meant(&self) -> String {
        let trial = self.trial;
        if trial.is_meant() {
            return format!("  {}\n", styled(GOOD, "the hook is meant by it"));
        }
        let mut reasons: Vec<&str> = trial.entries.iter().flatten().map(String::as_str).collect();
        reasons.dedup();
        let reasons = clean(&reasons.join("; "));
        format!(
            "  {}: {reasons}\n  it is run all the same\n",
            styled(WARN, "a dispatch would not run the hook for it")
        )
    }

    fn ended(&self) -> String {
        let is_posted = matches!(self.trial.hook.handler(), Handler::Http { .. });
        match &self.trial.end {
            End::Exited(_) if is_posted => "answered".to_owned(),
            _ => clean(&self.trial.ended),
        }
    }

    fn answer(&self) -> String {
        let trial = self.trial;
        let mut text = String::new();
        for Effect { does, with } in effects(&trial.answer) {
            let with = with.map(|with| format!(": {}", clean(with.trim()))).unwrap_or_default();
            let _ = writeln!(text, "  {}{with}", styled(GOOD, does));
        }
        if let Some(wakes) = &trial.wakes {
            let _ = writeln!(text, "  {}: {}", styled(GOOD, "wakes the session"), clean(wakes));
        }
        for fault in &trial.answer.faults {
            let (style, what) =
                if fault.kind.is_harmless() { (WARN, "ignored") } else { (BAD, "broken") };
            let _ = writeln!(text, "  {}: {}", styled(style, what), clean(&fault.text));
        }
        if text.is_empty() {
            text += "  it says nothing\n";
        }
        let Spoken { stdout, stderr, exit } = &trial.spoken;
        if trial.job.is_none() && trial.wakes.is_none() && (!stdout.is_empty() || *exit != 0) {
            let said = if stdout.is_empty() { stderr } else { stdout };
            let said = String::from_utf8_lossy(said);
            let code = if *exit == 0 { String::new() } else { format!(" with exit code {exit}") };
            let alone = format!("  {}{code}\n", styled(DIM, "alone, it makes cph answer"));
            text += &(alone + &format!("    {}\n", clean(said.trim_end())));
        }
        text
    }

    fn verdict(&self) -> String {
        let (style, verdict) = match (self.trial.is_sound(), &self.trial.job) {
            (true, _) => (GOOD, "sound"),
            (false, Some(terms)) if terms.retry.max > 0 => (BAD, "failed; it would be tried again"),
            (false, _) => (BAD, "not sound"),
        };
        let aside = "no claim, no record, no line in the journal";
        format!("\n{}  {}\n", styled(style, verdict), styled(DIM, aside))
    }
}

fn exit_code(end: &End) -> Option<i32> {
    match end {
        End::Exited(code) => Some(*code),
        _ => None,
    }
}

/// How it would run as a job.
fn job(terms: &Terms) -> String {
    let mut text = "in the background nobody waits for it: it cannot decide anything, and what it \
                    tells is told at the next event"
        .to_owned();
    if terms.retry.max > 0 {
        let _ = write!(text, "; a failed run is tried again up to {} times", terms.retry.max);
    }
    if terms.batch.is_some() {
        text += "; it reads a batch, here of one payload";
    }
    text
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_millis() {
        0 => "less than 1 ms".to_owned(),
        millis if millis < 1000 => format!("{millis} ms"),
        _ if time.subsec_millis() == 0 => format!("{} s", time.as_secs()),
        _ => format!("{seconds:.1} s"),
    }
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "  {}", clean(line));
        all
    })
}

fn output(name: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.is_empty() {
        return String::new();
    }
    let count = text.lines().count();
    let shown: Vec<_> = text.lines().take(MOST_LINES).collect();
    let more = if count > MOST_LINES {
        format!("  … {} more lines (`--json` has all)\n", count - MOST_LINES)
    } else {
        String::new()
    };
    format!("{}\n{}{more}", styled(DIM, name), indented(&shown.join("\n")))
}

/// All hooks, by event.
pub(super) fn list(
    desk: &Desk<'_>,
    here: &Here,
    mut all: Vec<Candidate>,
    event: Option<&Event>,
    is_json: bool,
) {
    all.retain(|one| event.is_none_or(|event| one.hook.event == *event));
    if is_json {
        let all: Vec<_> = all.iter().map(|one| entry_report(one, here)).collect();
        desk.output.json(&all);
        return;
    }
    if all.is_empty() {
        desk.output.line("no hook is configured here");
    }
    let mut events: Vec<&str> = all.iter().map(|one| one.hook.event.canonical()).collect();
    events.sort_unstable();
    events.dedup();
    for event in events {
        desk.output.line(styled(HEADING, clean(event)));
        for one in all.iter().filter(|one| one.hook.event.canonical() == event) {
            desk.output.text(list_text(one, here));
        }
    }
}

/// Why it cannot be tested as it stands.
fn obstacle(one: &Candidate) -> Option<&'static str> {
    match one.hook.handler() {
        Handler::Native { .. } => Some("only Claude Code itself can run it"),
        _ => one.waits,
    }
}

fn list_text(one: &Candidate, here: &Here) -> String {
    let Hook { entries, .. } = &one.hook;
    let obstacle = obstacle(one).map(|why| format!("    {}\n", styled(WARN, why)));
    let command = clean(&runs(one.hook.handler()));
    let mut text = format!("  {}\n", headline(&one.hook));
    if command != clean(&one.hook.label()) {
        let _ = writeln!(text, "    {} {command}", styled(DIM, "runs"));
    }
    for entry in entries {
        let place = place_text(&entry.origin, &here.root);
        let _ = writeln!(text, "    {} {place}{}", styled(DIM, "from"), conditions(entry));
    }
    text + &obstacle.unwrap_or_default()
}

fn entry_report(one: &Candidate, here: &Here) -> Value {
    let hook = &one.hook;
    let places = hook.entries.iter().map(|entry| place_report(&entry.origin, &here.root));
    json!({
        "hook": hook.id(),
        "label": hook.label(),
        "runs": runs(hook.handler()),
        "event": hook.event.canonical(),
        "background": hook.is_background(),
        "testable": obstacle(one).is_none(),
        "why_not": obstacle(one),
        "origins": places.collect::<Vec<_>>(),
    })
}
