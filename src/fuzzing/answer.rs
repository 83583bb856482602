//! Answers: whatever hooks print and however they end, they get no more power than the host would
//! give them, a gate that fails closed stays closed, and folding loses no refusal.

use serde_json::{Value, json};

use crate::model::{
    Event, Processor,
    answer::{Answer, DecisionKind, End, Reply},
    event::{EVENTS, Failure, PlainText, Refusal},
    fold::{Folded, Folding, Voice, fold, join_rewrites},
    hook::OnFailure,
};

/// No UTF-8 has it, so it can stand between the hooks.
const BETWEEN: u8 = 0xff;

/// The event, one byte; then for each hook flags and end, one byte each, stdout and, after a zero
/// byte, stderr.
pub fn answer(data: &[u8]) {
    let [event, hooks @ ..] = data else { return };
    let event = event_of(*event);
    let hooks = hooks.split(|&byte| byte == BETWEEN).filter(|hook| hook.len() >= 2).take(4);
    let heard: Vec<_> = hooks.map(|hook| Heard::new(&event, hook)).collect();
    heard.iter().for_each(Heard::check);
    for fired_by in Processor::ALL {
        folds(&event, fired_by, &heard);
    }
}

fn event_of(byte: u8) -> Event {
    let row = EVENTS.get(usize::from(byte) % (EVENTS.len() + 1));
    row.map_or_else(|| Event::claude("Brandnew"), Event::Known)
}

/// What is kept for the other processor is what was read.
fn records(answer: &Answer) {
    let kept = serde_json::to_string(answer).expect("BUG: an answer that is no JSON");
    let read: Answer = serde_json::from_str(&kept).expect("BUG: a record that is no answer");
    assert_eq!(&read, answer);
}

fn end_of(byte: u8) -> End {
    match byte % 8 {
        0 | 1 => End::Exited(0),
        2 => End::Exited(2),
        3 => End::Exited(i32::from(byte)),
        4 => End::Signalled(i32::from(byte / 8)),
        5 => End::TimedOut,
        6 => End::NotStarted("no such file".to_owned()),
        _ => End::Cancelled,
    }
}

/// What one hook left behind at one event.
struct Heard<'d> {
    event: &'d Event,
    vocabulary: Processor,
    may_grant: bool,
    fails_closed: bool,
    reply: Reply<'d>,
}

impl<'d> Heard<'d> {
    fn new(event: &'d Event, hook: &'d [u8]) -> Self {
        let (flags, end) = (hook[0], hook[1]);
        let mut parts = hook[2..].splitn(2, |&byte| byte == 0);
        let mut part = || parts.next().unwrap_or_default();
        Self {
            event,
            vocabulary: Processor::ALL[usize::from(flags & 1)],
            may_grant: flags & 8 == 0,
            fails_closed: flags & 16 != 0,
            reply: Reply {
                stdout: part(),
                stderr: part(),
                end: end_of(end),
                cut: flags & 2 != 0,
                leaked: flags & 4 != 0,
            },
        }
    }

    /// The answer that counts.
    fn answer(&self) -> Answer {
        self.read(self.fails_closed.then_some(OnFailure::Block))
    }

    fn check(&self) {
        let (open, closed) = (self.read(None), self.read(Some(OnFailure::Block)));
        for answer in [&open, &closed] {
            self.bounds(answer);
            records(answer);
        }
        self.powers(&open, &closed);
        assert!(open.inert().is_silent(), "an answer from the background says something");
    }

    fn read(&self, on_failure: Option<OnFailure>) -> Answer {
        Answer::read(self.event, self.vocabulary, &self.reply, on_failure)
    }

    /// Nothing is longer than what was printed, and sentences are short.
    fn bounds(&self, answer: &Answer) {
        // A byte that is no UTF-8 becomes three.
        let printed = 3 * (self.reply.stdout.len() + self.reply.stderr.len()) + 1;
        for text in [&answer.context, &answer.message, &answer.plain, &answer.to_user] {
            let length = text.as_ref().map_or(0, String::len);
            assert!(length <= printed, "{length} bytes out of {printed}");
        }
        for fault in &answer.faults {
            assert!(fault.text.chars().count() < 4000, "a long sentence: {fault}");
        }
    }

    /// Who may refuse, grant, or must stay silent.
    fn powers(&self, open: &Answer, closed: &Answer) {
        assert!(!open.is_refusal() || closed.is_refusal(), "`onFailure` opened a gate");
        let is_over = matches!(self.reply.end, End::TimedOut | End::NotStarted(_) | End::Cancelled);
        if is_over && self.event.answers().failure == Failure::Open && !self.reply.leaked {
            let is_exit_code = self.event.answers().refusal == Refusal::ExitCode;
            assert!(open.is_silent() || is_exit_code, "a hook that did not end said something");
            assert!(!open.faults.is_empty(), "a failure without a word");
        }
        if is_over && self.event.answers().failure != Failure::AlwaysOpen && self.can_refuse() {
            assert!(closed.is_refusal(), "a gate that fails closed stood open");
        }
        let grants = |answer: &Answer| {
            let decision = answer.decision.as_ref().map(|decision| decision.kind);
            decision == Some(DecisionKind::Allow) || answer.updated_input.is_some()
        };
        if self.reply.leaked {
            assert!(!grants(open), "a process that was left behind could grant");
        }
        if is_over {
            assert!(!grants(open) && !grants(closed), "a hook that did not end could grant");
        }
    }

    fn can_refuse(&self) -> bool {
        !matches!(
            self.event.answers().refusal,
            Refusal::StderrToModel | Refusal::StderrToUser | Refusal::None
        )
    }
}

/// One answer out of all.
fn folds(event: &Event, fired_by: Processor, heard: &[Heard<'_>]) {
    let answers: Vec<_> = heard.iter().map(Heard::answer).collect();
    let voices: Vec<_> = heard
        .iter()
        .zip(&answers)
        .map(|(heard, answer)| Voice { label: "h", answer, may_grant: heard.may_grant })
        .collect();
    let input = joined_input(&voices);
    let folding = Folding { event, fired_by, voices: &voices, input: input.as_ref(), notices: &[] };
    let folded = fold(&folding, &mut |_| None);
    assert_eq!(folded, fold(&folding, &mut |_| None), "folded differently");
    form(&folding, &folded);
    meaning(&folding, &folded);
}

fn joined_input(voices: &[Voice<'_>]) -> Option<Value> {
    let rewrites: Vec<_> = voices
        .iter()
        .filter(|voice| voice.may_grant)
        .filter_map(|voice| Some((voice.label.to_owned(), voice.answer.updated_input.clone()?)))
        .collect();
    let seen = json!({"command": "ls", "nested": {"a": 1}});
    (!rewrites.is_empty()).then(|| join_rewrites(&seen, &rewrites).input)
}

/// Nothing, one object that is for this event, or plain text where that is taken.
fn form(folding: &Folding<'_>, folded: &Folded) {
    if folding.voices.iter().all(|voice| voice.answer.is_silent()) {
        let printed = (&folded.stdout[..], &folded.stderr[..], folded.exit);
        assert_eq!(printed, (&b""[..], &b""[..], 0), "nobody said anything, and yet");
    }
    assert!(matches!(folded.exit, 0 | 2), "exit {}", folded.exit);
    let says = folding.event.answers();
    let takes_text = says.plain_text == PlainText::Verbatim || says.refusal == Refusal::ExitCode;
    if folded.stdout.is_empty() || takes_text {
        return;
    }
    let text = str::from_utf8(&folded.stdout).expect("BUG: stdout is no text");
    let document: Value = serde_json::from_str(text).expect("BUG: stdout is no JSON");
    let top = document.as_object().expect("BUG: stdout is no object");
    assert!(!top.is_empty(), "an empty object is printed");
    if let Some(specific) = top.get("hookSpecificOutput") {
        let name = folding.event.name_or_own(folding.fired_by);
        assert_eq!(specific["hookEventName"], name, "for another event");
    }
}

/// What the host reads out of it is what was said: no refusal more or less, no grant more.
fn meaning(folding: &Folding<'_>, folded: &Folded) {
    let reply = Reply {
        end: End::Exited(folded.exit.into()),
        stdout: &folded.stdout,
        stderr: &folded.stderr,
        cut: false,
        leaked: false,
    };
    let read = Answer::read(folding.event, folding.fired_by, &reply, None);
    let any = |asks: &dyn Fn(&Voice<'_>) -> bool| folding.voices.iter().any(asks);
    let refused = any(&|voice| voice.answer.is_refusal());
    assert_eq!(read.is_refusal(), refused, "said {:?}, read {read:?}", text(folded));
    let is = |answer: &Answer, kind| {
        answer.decision.as_ref().is_some_and(|decision| decision.kind == kind)
    };
    if is(&read, DecisionKind::Allow) {
        let allowed = any(&|voice| voice.may_grant && is(voice.answer, DecisionKind::Allow));
        assert!(allowed && !refused, "nobody allowed that");
    }
    if read.updated_input.is_some() {
        assert_eq!(read.updated_input.as_ref(), folding.input, "another input");
    }
}

fn text(folded: &Folded) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&folded.stdout)
}
