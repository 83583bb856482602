//! Answers: whatever a hook prints and however it ends, it gets no more power than the host would
//! give it, and a gate that fails closed stays closed.

use crate::model::{
    Event, Processor,
    answer::{Answer, DecisionKind, End, Reply},
    event::{EVENTS, Failure, Refusal},
    hook::OnFailure,
};

/// Event, flags and end, one byte each; then stdout and, after a zero byte, stderr.
pub fn answer(data: &[u8]) {
    let [event, flags, end, said @ ..] = data else { return };
    let mut parts = said.splitn(2, |&byte| byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let heard = Heard {
        event: event_of(*event),
        vocabulary: Processor::ALL[usize::from(flags & 1)],
        reply: Reply {
            stdout: part(),
            stderr: part(),
            end: end_of(*end),
            cut: flags & 2 != 0,
            leaked: flags & 4 != 0,
        },
    };
    let (open, closed) = (heard.read(None), heard.read(Some(OnFailure::Block)));
    for answer in [&open, &closed] {
        heard.bounds(answer);
        heard.records(answer);
    }
    heard.powers(&open, &closed);
    assert!(open.inert().is_silent(), "an answer from the background says something");
}

fn event_of(byte: u8) -> Event {
    let row = EVENTS.get(usize::from(byte) % (EVENTS.len() + 1));
    row.map_or_else(|| Event::claude("Brandnew"), Event::Known)
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
    event: Event,
    vocabulary: Processor,
    reply: Reply<'d>,
}

impl Heard<'_> {
    fn read(&self, on_failure: Option<OnFailure>) -> Answer {
        Answer::read(&self.event, self.vocabulary, &self.reply, on_failure)
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

    /// What is kept for the other processor is what was read.
    fn records(&self, answer: &Answer) {
        let kept = serde_json::to_string(answer).expect("BUG: an answer that is no JSON");
        let read: Answer = serde_json::from_str(&kept).expect("BUG: a record that is no answer");
        assert_eq!(&read, answer);
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
