//! What a client gets wrong.

use std::time::Duration;

use serde::Serialize;

use crate::sys::process::Status;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// What kind it is: stays the same for programs.
    pub(crate) rule: &'static str,
    /// Whether it only deserves a look.
    pub(crate) is_advice: bool,
    /// The event that it is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) event: String,
    /// The member of the payload or of the answer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) field: String,
    /// Lower case, no full stop.
    pub(crate) message: String,
}

impl Fault {
    pub(super) fn new(rule: &'static str, event: &str, message: impl Into<String>) -> Self {
        let (event, message) = (event.to_owned(), message.into());
        Self { rule, is_advice: false, event, field: String::new(), message }
    }

    pub(super) fn advice(self) -> Self {
        Self { is_advice: true, ..self }
    }

    pub(super) fn field(self, field: &str) -> Self {
        Self { field: field.to_owned(), ..self }
    }
}

/// The same said once.
pub(super) fn once(faults: &mut Vec<Fault>) {
    let mut seen: Vec<Fault> = Vec::new();
    faults.retain(|fault| {
        let is_new = !seen.contains(fault);
        seen.push(fault.clone());
        is_new
    });
}

/// How a client ended, in words.
pub(super) fn ending(status: &Status) -> String {
    match status {
        Status::Exited(code) => format!("exit code {code}"),
        Status::Signalled(signal) => format!("signal {signal}"),
        Status::TimedOut => "ended by cph".to_owned(),
        Status::Cancelled => "cancelled".to_owned(),
        Status::NotStarted(error) | Status::Lost(error) => error.to_string(),
    }
}

/// An end that no answer asks for. An exit code is the client's own.
pub(super) fn of_ending(status: &Status, limit: Duration) -> Option<Fault> {
    match status {
        Status::Signalled(signal) => {
            Some(Fault::new("died", "", format!("the client died by signal {signal}")))
        }
        Status::TimedOut => {
            let message = format!("the client did not end within {} s", limit.as_secs());
            Some(Fault::new("hung", "", message))
        }
        _ => None,
    }
}
