//! What a task says about itself, line by line.
//!
//! Does not know where the lines come from. Invariant: a line that means nothing is told as such
//! and harms nobody.

use std::time::Duration;

/// What is said after a run was named: `TOKEN TASK LINE` on the pipe of the run.
const SEPARATOR: char = '\t';

/// One report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Report {
    /// How much is done, in percent, and at what it is.
    Progress(u8, String),
    /// A file that the task has made.
    Artifact(String),
    /// It is alive.
    Heartbeat,
    /// It ran into a limit of somebody else's and is to be tried again after this time.
    RetryAfter(Duration),
    /// For the log of events.
    Note(String),
}

impl Report {
    /// Reads a line such as `progress 40 parsing`; an error is a sentence.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let (kind, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match kind {
            "progress" => {
                let (number, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                let number = number.strip_suffix('%').unwrap_or(number);
                match number.parse() {
                    Ok(percent @ 0..=100) => Ok(Self::Progress(percent, text.trim().to_owned())),
                    _ => Err(format!("`{number}` is no percentage from 0 to 100")),
                }
            }
            "artifact" if !rest.is_empty() => Ok(Self::Artifact(rest.to_owned())),
            "artifact" => Err("the path of the artifact is missing".to_owned()),
            "heartbeat" => Ok(Self::Heartbeat),
            "retry_after" => match rest.parse::<f64>().ok().map(Duration::try_from_secs_f64) {
                Some(Ok(time)) => Ok(Self::RetryAfter(time)),
                _ => Err(format!("`{rest}` is no number of seconds")),
            },
            "note" => Ok(Self::Note(rest.to_owned())),
            _ => Err(format!(
                "`{kind}` is no report: there are progress, artifact, heartbeat, retry_after, note"
            )),
        }
    }
}

/// A line on the pipe of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told<'l> {
    /// A task reports.
    Task { task: &'l str, line: &'l str },
    /// The run is to end.
    Cancel,
}

/// The line with which a task reports.
pub(crate) fn line(token: &str, task: &str, report: &str) -> String {
    format!("{token}{SEPARATOR}{task}{SEPARATOR}{}", report.replace(['\n', SEPARATOR], " "))
}

/// The line with which a run is told to end.
pub(crate) fn cancel(token: &str) -> String {
    format!("{token}{SEPARATOR}cancel")
}

/// Reads a line of the pipe; `None` for one that is not of this run.
pub(super) fn told<'l>(token: &str, line: &'l str) -> Option<Told<'l>> {
    let mut parts = line.splitn(3, SEPARATOR);
    if parts.next() != Some(token) {
        return None;
    }
    match (parts.next(), parts.next()) {
        (Some("cancel"), None) => Some(Told::Cancel),
        (Some(task), Some(line)) => Some(Told::Task { task, line }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read() {
        let read = |line| Report::parse(line).unwrap();
        assert_eq!(read("progress 40 parsing it"), Report::Progress(40, "parsing it".into()));
        assert_eq!(read(" progress 100% "), Report::Progress(100, String::new()));
        assert_eq!(read("artifact a b.json"), Report::Artifact("a b.json".into()));
        assert_eq!(read("heartbeat"), Report::Heartbeat);
        assert_eq!(read("retry_after 1.5"), Report::RetryAfter(Duration::from_millis(1500)));
        for line in
            ["", "progress", "progress 101", "progress -1", "artifact", "retry_after x", "X"]
        {
            assert!(Report::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn lines_of_others_are_refused() {
        let said = line("T", "a b", "note x\ty\nz");
        assert_eq!(told("T", &said), Some(Told::Task { task: "a b", line: "note x y z" }));
        assert_eq!(told("T", &cancel("T")), Some(Told::Cancel));
        assert_eq!((told("U", &said), told("T", "T"), told("T", "")), (None, None, None));
    }
}
