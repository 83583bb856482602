//! How a hook ended and what it printed, as one answer.
//!
//! Does not look into the document (`document` does). The rules for exit codes are Claude Code's.

use super::{
    Answer, Decision, DecisionKind, End, Fault, FaultKind, Reply,
    document::understand,
    fault::first_line,
    stdout::{Stdout, begins_like_json, has_answer_fields},
};
use crate::model::{
    Event, Processor,
    event::{Answers, Failure, PlainText, Refusal},
    hook::OnFailure,
};

/// What a missing script looks like: interpreters exit 2 for it too, and where a refusal keeps the
/// agent going it must not count as one.
const MISSING_SCRIPT: &[&str] = &["no such file or directory", "can't open", "cannot open"];

impl Answer {
    /// Reads the reply of a hook that was written for a vocabulary.
    ///
    /// A refusal inside JSON that the host drops (for another event, say) is dropped here too:
    /// the tool would have run. Only with `onFailure: "block"` does whatever may have lost a
    /// refusal refuse.
    pub(crate) fn read(
        event: &Event,
        vocabulary: Processor,
        reply: &Reply<'_>,
        on_failure: Option<OnFailure>,
    ) -> Self {
        let stdout = String::from_utf8_lossy(reply.stdout);
        let stderr = String::from_utf8_lossy(reply.stderr);
        let reading = Reading {
            event,
            vocabulary,
            says: event.answers(),
            stdout: &stdout,
            stderr: stderr.trim(),
        };
        let mut answer = reading.by_end(&reply.end);
        if reply.cut {
            let text = "its output was longer than cph keeps: the rest is lost";
            answer.faults.push(Fault::new(FaultKind::Cut, text));
        }
        if reply.leaked {
            reading.distrust(&mut answer, &reply.end);
        }
        reading.fail_closed(answer, &reply.end, on_failure)
    }
}

/// Whether exit code 2 with this output was an interpreter's that did not find its script.
pub(crate) fn is_missing_script(stdout: &str, stderr: &str) -> bool {
    // More than one line is somebody's output, a compiler's perhaps, and a refusal.
    let stderr = stderr.trim().to_lowercase();
    Stdout::of(stdout) == Stdout::Empty
        && stderr.lines().count() == 1
        && MISSING_SCRIPT.iter().any(|sign| stderr.contains(sign))
}

struct Reading<'r> {
    event: &'r Event,
    vocabulary: Processor,
    says: &'static Answers,
    stdout: &'r str,
    /// Trimmed.
    stderr: &'r str,
}

impl Reading<'_> {
    fn by_end(&self, end: &End) -> Answer {
        if self.says.refusal == Refusal::ExitCode {
            return self.by_exit_code(end);
        }
        match end {
            End::Exited(0) => self.words(true),
            End::Exited(2) => self.refused(),
            End::Exited(_) | End::Signalled(_) => {
                // The exit code does not matter when there is an answer.
                if matches!(Stdout::of(self.stdout), Stdout::Document(_)) {
                    return self.words(false);
                }
                let mut answer = self.words(false);
                answer.faults.insert(0, self.failure(end));
                answer
            }
            End::TimedOut | End::NotStarted(_) | End::Cancelled => {
                Answer { faults: vec![self.failure(end)], ..Answer::default() }
            }
        }
    }

    /// What stdout says; text counts only after success.
    fn words(&self, succeeded: bool) -> Answer {
        match Stdout::of(self.stdout) {
            Stdout::Empty => Answer::default(),
            Stdout::Text { text, suspicion } => self.text(text, suspicion, succeeded),
            Stdout::Document(document) => {
                let verbatim = self.says.plain_text == PlainText::Verbatim;
                if verbatim && succeeded && !has_answer_fields(&document) {
                    let plain = (!document.is_empty()).then(|| self.stdout.trim().to_owned());
                    return Answer { plain, ..Answer::default() };
                }
                understand(self.event, self.vocabulary, document)
            }
            Stdout::Lost(error) => invalid_json(&error),
            Stdout::Background => {
                let text = "asks to go on in the background, but is waited for: its answer does \
                            not count (set `async` on the hook)";
                Answer {
                    faults: vec![Fault::new(FaultKind::Background, text)],
                    ..Answer::default()
                }
            }
        }
    }

    fn text(&self, text: &str, suspicion: Option<String>, succeeded: bool) -> Answer {
        let is_used = self.says.plain_text != PlainText::Dropped;
        let mut answer = match suspicion {
            Some(error) if !is_used || begins_like_json(text) => invalid_json(&error),
            _ => Answer::default(),
        };
        if succeeded {
            match self.says.plain_text {
                PlainText::Context => answer.add_context(text),
                PlainText::Verbatim => answer.plain = Some(text.to_owned()),
                PlainText::Dropped => {}
            }
        }
        answer
    }

    /// Exit 2.
    fn refused(&self) -> Answer {
        if self.says.failure == Failure::AlwaysOpen && self.is_missing_script() {
            return Answer { faults: vec![self.failure(&End::Exited(2))], ..Answer::default() };
        }
        let mut answer = match self.says.refusal {
            Refusal::Action => Answer::default(),
            _ => self.words(false),
        };
        let stderr = (!self.stderr.is_empty()).then(|| self.stderr.to_owned());
        match self.says.refusal {
            Refusal::PermissionDecision | Refusal::Block | Refusal::Action | Refusal::ExitCode => {
                let said = answer.decision.take().filter(|said| said.kind == DecisionKind::Deny);
                let reason = said.and_then(|said| said.reason).or(stderr);
                answer.decision =
                    Some(Decision { kind: DecisionKind::Deny, reason, by_exit: true });
            }
            Refusal::StderrToUser => answer.to_user = stderr,
            Refusal::StderrToModel => {
                if let Some(text) = stderr {
                    answer.add_context(&text);
                }
            }
            Refusal::PermissionBehaviour if answer.decision.is_some() => {}
            Refusal::PermissionBehaviour | Refusal::None => self.ignore_exit(&mut answer),
        }
        answer
    }

    fn ignore_exit(&self, answer: &mut Answer) {
        let name = self.event.name_or_own(self.vocabulary);
        let instead = match self.says.refusal {
            Refusal::PermissionBehaviour => {
                "; a refusal there is `\"decision\": {\"behavior\": \"deny\"}` in JSON"
            }
            _ => "",
        };
        let said = first_line(self.stderr).map(|line| format!(" ({line})")).unwrap_or_default();
        let text = format!("exit code 2 has no effect on `{name}`{instead}{said}");
        answer.faults.push(Fault::new(FaultKind::IgnoredDecision, text));
    }

    fn is_missing_script(&self) -> bool {
        is_missing_script(self.stdout, self.stderr)
    }

    /// Worktrees: success or not is all there is to say, and for a new one its path.
    fn by_exit_code(&self, end: &End) -> Answer {
        if *end == End::Exited(0) {
            return self.path();
        }
        let fault = self.failure(end);
        let stderr = (!self.stderr.is_empty()).then(|| self.stderr.to_owned());
        let reason = stderr.or_else(|| Some(fault.text.clone()));
        let decision = Some(Decision { kind: DecisionKind::Deny, reason, by_exit: true });
        // Exit 2 is how a refusal is said: nothing is wrong with that.
        let faults = if *end == End::Exited(2) { Vec::new() } else { vec![fault] };
        Answer { decision, faults, ..Answer::default() }
    }

    /// The last line that is not blank, or `worktreePath`.
    fn path(&self) -> Answer {
        if self.says.plain_text != PlainText::Verbatim {
            return Answer::default();
        }
        let mut answer = match Stdout::of(self.stdout) {
            Stdout::Document(document) => understand(self.event, self.vocabulary, document),
            _ => Answer::default(),
        };
        if answer.plain.is_none() && answer.faults.is_empty() {
            let line = self.stdout.lines().map(str::trim).rfind(|line| !line.is_empty());
            answer.plain = line.filter(|line| !line.starts_with('{')).map(ToOwned::to_owned);
        }
        if answer.plain.is_none() {
            let text = "printed no path: a worktree needs one";
            answer.faults.push(Fault::new(FaultKind::NoPath, text));
        }
        answer
    }

    fn failure(&self, end: &End) -> Fault {
        let (kind, mut text) = match end {
            End::NotStarted(why) => {
                let why = first_line(why).unwrap_or_default();
                return Fault::new(FaultKind::NotStarted, format!("could not be run: {why}"));
            }
            End::TimedOut => (FaultKind::TimedOut, "ran out of time".to_owned()),
            End::Cancelled => (FaultKind::Cancelled, "was ended before it answered".to_owned()),
            End::Signalled(signal) => {
                (FaultKind::Signalled, format!("was killed by signal {signal}"))
            }
            End::Exited(127) => {
                (FaultKind::NotFound, "was not found by the shell (exit code 127)".to_owned())
            }
            End::Exited(126) => {
                (FaultKind::NotFound, "may not be executed (exit code 126)".to_owned())
            }
            End::Exited(code) => (FaultKind::Failed, format!("failed with exit code {code}")),
        };
        if let Some(line) = first_line(self.stderr) {
            text.push_str(": ");
            text.push_str(&line);
        }
        Fault::new(kind, text)
    }

    /// A process that the hook left behind could have written what grants, rewrites or gives
    /// context: that is not taken. A refusal is, and the words of a success that become context.
    fn distrust(&self, answer: &mut Answer, end: &End) {
        let before = answer.clone();
        answer
            .decision
            .take_if(|decision| matches!(decision.kind, DecisionKind::Allow | DecisionKind::Defer));
        answer.updated_input = None;
        answer.fields.clear();
        if self.says.plain_text != PlainText::Context || *end != End::Exited(0) {
            answer.context = None;
        }
        if self.says.refusal != Refusal::ExitCode {
            answer.plain = None;
        }
        let lost = *answer != before;
        let text = "left a process behind that still holds its output";
        let text = if lost {
            format!("{text}: what it grants or gives is not taken")
        } else {
            text.to_owned()
        };
        if lost && self.says.strict_pipes && !answer.is_refusal() {
            answer.decision = Some(Decision::new(DecisionKind::Deny, Some(text.clone())));
        }
        answer.faults.push(Fault::new(FaultKind::Leaked, text));
    }

    /// Where a failure does not let the action proceed, it refuses.
    fn fail_closed(&self, answer: Answer, end: &End, on_failure: Option<OnFailure>) -> Answer {
        let asked = on_failure == Some(OnFailure::Block);
        let is_closed = match self.says.failure {
            Failure::AlwaysOpen => false,
            Failure::Closed => true,
            Failure::Open => asked,
        };
        if !is_closed || !self.can_refuse() || answer.decides(DecisionKind::Deny) {
            return answer;
        }
        let fault = answer.faults.iter().find(|fault| fault.kind.may_lose_refusal()).cloned();
        let odd_exit = match end {
            End::Exited(0 | 2) => None,
            // Without `onFailure` an answer outweighs the exit code.
            end => asked.then(|| self.failure(end)),
        };
        let Some(fault) = fault.or(odd_exit) else { return answer };
        let how = if fault.kind == FaultKind::TimedOut { "timed out" } else { "failed" };
        let why = if asked { "onFailure is \"block\"" } else { "a failure refuses on this event" };
        let reason = format!("{how}; blocking because {why} ({fault})");
        Answer {
            decision: Some(Decision::new(DecisionKind::Deny, Some(reason))),
            stop: answer.stop,
            faults: answer.faults,
            ..Answer::default()
        }
    }

    fn can_refuse(&self) -> bool {
        match self.says.refusal {
            Refusal::PermissionDecision
            | Refusal::PermissionBehaviour
            | Refusal::Block
            | Refusal::Action
            | Refusal::ExitCode => true,
            Refusal::StderrToModel | Refusal::StderrToUser | Refusal::None => false,
        }
    }
}

fn invalid_json(error: &str) -> Answer {
    let text = format!("looks like JSON but is not valid ({error}): the answer is lost");
    Answer { faults: vec![Fault::new(FaultKind::InvalidJson, text)], ..Answer::default() }
}
