//! From a task to what is started: values put in, directory, environment, limits, fingerprint.
//!
//! Starts nothing. Invariants: values of other tasks reach a shell only through its variables; a
//! fingerprint covers everything that decides what a task does, as far as it is written down.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fmt::Write as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{
    model::words,
    sys::{
        memory::Shared,
        process::{self, Environment, Stdin},
    },
    tasks::{
        condition,
        file::{Limits, Task, TaskFile, Work},
        reference::{self, Reference, What},
        schedule::Outcome,
    },
};

use super::{files, state::Value};

/// How a prompt becomes a command unless the file says it.
const AGENT: &[&str] = &["claude", "-p", "${prompt}"];

/// The same for a prompt that could be taken for an option, or is too long for an argument: it comes
/// on stdin.
const AGENT_THAT_READS: &[&str] = &["claude", "-p"];

/// Bytes of a prompt in an argument; Linux takes 128 KiB.
const LONGEST_ARGUMENT: usize = 100 << 10;

/// Where the prompt goes in the words of an agent.
const PROMPT: &str = "${prompt}";

/// What a task is started with.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) work: Work,
    pub(super) cwd: PathBuf,
    /// What the file says, and the values of other tasks.
    pub(super) env: BTreeMap<String, String>,
    /// The same where every outcome is as it was when the task was run, if that differs.
    settled: Option<Box<Input>>,
}

/// Values of the tasks that have ended.
pub(super) trait Values {
    /// The values of all tasks that a name means, in the order of the file.
    fn of(&self, name: &str) -> Vec<&Value>;
}

/// A success that was found again was told as one when what comes behind it ran.
fn settled(outcome: Outcome) -> Outcome {
    if outcome == Outcome::Unchanged { Outcome::Succeeded } else { outcome }
}

/// The text that a reference stands for.
fn value(values: &dyn Values, reference: &Reference) -> Result<String, String> {
    let all = values.of(&reference.task);
    let outputs = || all.iter().map(|value| value.output.as_str());
    let artifacts = || all.iter().flat_map(|value| &value.artifacts);
    Ok(match reference.what {
        What::Output => outputs().collect::<Vec<_>>().join("\n"),
        What::Outcome => {
            let names: Vec<_> = all.iter().map(|value| value.outcome.name()).collect();
            names.join(" ")
        }
        What::Artifacts => {
            let paths: Vec<_> = artifacts().map(|path| path.display().to_string()).collect();
            paths.join(" ")
        }
        What::Artifact(number) => {
            let path = artifacts().nth(number).map(|path| path.display().to_string());
            path.ok_or_else(|| {
                let count = artifacts().count();
                format!("there is no artifact {number} of `{}`: it has {count}", reference.task)
            })?
        }
    })
}

/// Whether a task is to run at all.
pub(super) fn is_wanted(
    task: &Task,
    values: &dyn Values,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<bool, String> {
    let Some(when) = &task.when else { return Ok(true) };
    when.holds(&|text| {
        let text = reference::replaced(text, |one| value(values, one))?;
        Ok(condition::with_environment(&text, lookup))
    })
}

/// Puts the values of earlier tasks into a task.
pub(super) fn input(
    file: &TaskFile,
    task: &Task,
    base: &Path,
    values: &dyn Values,
) -> Result<Input, String> {
    let mut is_settled = true;
    let input = filled(file, task, base, |one| {
        let is_other = |value: &&Value| settled(value.outcome) != value.outcome;
        is_settled &= one.what != What::Outcome || !values.of(&one.task).iter().any(is_other);
        value(values, one)
    })?;
    if is_settled {
        return Ok(input);
    }
    let settled = filled(file, task, base, |one| match one.what {
        What::Outcome => {
            let all = values.of(&one.task);
            let names: Vec<_> = all.iter().map(|value| settled(value.outcome).name()).collect();
            Ok(names.join(" "))
        }
        _ => value(values, one),
    })?;
    Ok(Input { settled: Some(Box::new(settled)), ..input })
}

fn filled(
    file: &TaskFile,
    task: &Task,
    base: &Path,
    mut value: impl FnMut(&Reference) -> Result<String, String>,
) -> Result<Input, String> {
    let mut plain = |text: &str| reference::replaced(text, &mut value);
    let mut env = BTreeMap::new();
    for (name, text) in file.env.iter().chain(&task.env) {
        env.insert(name.clone(), plain(text)?);
    }
    let mut cwd = base.to_owned();
    for part in file.cwd.iter().chain(&task.cwd) {
        cwd.push(plain(part)?);
    }
    let work = match &task.work {
        Work::Line(line) => {
            let mut count = 0;
            let line = reference::replaced(line, |one| {
                count += 1;
                let name = format!("CPH_VALUE_{count}");
                env.insert(name.clone(), value(one)?);
                Ok(format!("${{{name}}}"))
            })?;
            Work::Line(line)
        }
        Work::Words(words) => {
            Work::Words(words.iter().map(|word| plain(word)).collect::<Result<_, _>>()?)
        }
        Work::Prompt(prompt) => Work::Prompt(plain(prompt)?),
    };
    Ok(Input { work, cwd, env, settled: None })
}

/// Tells a task why what it had made before was refused.
pub(super) fn tell_refusal(input: &mut Input, why: &str) {
    input.env.insert("CPH_REFUSAL".to_owned(), why.to_owned());
    if let Work::Prompt(prompt) = &mut input.work {
        let _ = write!(prompt, "\n\nWhat you did before was refused: {why}");
    }
}

/// What decides what a task does, in one word.
///
/// # Errors
///
/// An input cannot be read.
pub(super) fn fingerprint(
    task: &Task,
    input: &Input,
    agent: Option<&[String]>,
    before: &[&str],
) -> Result<String, String> {
    let input = input.settled.as_deref().unwrap_or(input);
    let mut hash = Sha256::new();
    let kind = match &input.work {
        Work::Line(_) => "line",
        Work::Words(_) => "words",
        Work::Prompt(_) => "prompt",
    };
    files::put(&mut hash, kind.as_bytes());
    for text in input.work.texts() {
        files::put(&mut hash, text.as_bytes());
    }
    if matches!(input.work, Work::Prompt(_)) {
        for word in agent.into_iter().flatten() {
            files::put(&mut hash, word.as_bytes());
        }
    }
    files::put(&mut hash, input.cwd.as_os_str().as_bytes());
    for (name, value) in &input.env {
        files::put(&mut hash, name.as_bytes());
        files::put(&mut hash, value.as_bytes());
    }
    for pattern in &task.inputs {
        files::put(&mut hash, pattern.as_bytes());
        for path in files::matching(&input.cwd, pattern) {
            files::hash_file(&mut hash, &path)
                .map_err(|error| format!("input {}: {error}", path.display()))?;
        }
    }
    for one in before {
        files::put(&mut hash, one.as_bytes());
    }
    let half = hash.finalize().first_chunk().copied().unwrap_or_default();
    Ok(format!("{:032x}", u128::from_be_bytes(half)))
}

/// The arguments and the stdin of a task in its environment.
pub(super) fn argv(
    input: &Input,
    limits: &Limits,
    agent: Option<&[String]>,
    environment: &Environment,
    programs: &mut Programs,
    scratch: &Path,
) -> std::io::Result<(Vec<OsString>, Stdin)> {
    let mut stdin = Stdin::Null;
    let argv = match &input.work {
        Work::Line(line) => line_argv(line, environment, programs, &input.cwd),
        Work::Words(words) => words.iter().map(OsString::from).collect(),
        Work::Prompt(prompt) => {
            let is_argument = !prompt.starts_with('-') && prompt.len() <= LONGEST_ARGUMENT;
            let usual = if is_argument { AGENT } else { AGENT_THAT_READS };
            let usual: Vec<String> = usual.iter().map(ToString::to_string).collect();
            let agent = agent.unwrap_or(&usual);
            if !agent.iter().any(|word| word.contains(PROMPT)) {
                stdin = Stdin::File(Shared::new(prompt.as_bytes(), scratch).reader()?);
            }
            agent.iter().map(|word| word.replace(PROMPT, prompt).into()).collect()
        }
    };
    Ok((limited(argv, limits), stdin))
}

/// Programs that were found on a `PATH` of absolute directories. Tasks mostly run the same few, and
/// whoever removes one meanwhile makes its task fail with or without a shell.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// By `PATH`.
    found: BTreeMap<OsString, BTreeSet<String>>,
}

impl Programs {
    fn has(&mut self, name: &str, path: &OsStr, cwd: &Path) -> bool {
        if self.found.get(path).is_some_and(|names| names.contains(name)) {
            return true;
        }
        let is_there = process::is_runnable(OsStr::new(name), Some(path), Some(cwd));
        let is_lasting =
            !name.contains('/') && std::env::split_paths(path).all(|dir| dir.is_absolute());
        if is_there && is_lasting {
            self.found.entry(path.to_owned()).or_default().insert(name.to_owned());
        }
        is_there
    }
}

/// Without a shell where it provably makes no difference.
fn line_argv(
    line: &str,
    environment: &Environment,
    programs: &mut Programs,
    cwd: &Path,
) -> Vec<OsString> {
    let lookup = |name: &str| environment.get(OsStr::new(name))?.to_str().map(str::to_owned);
    if let Some(path) = environment.get(OsStr::new("PATH"))
        && let Some(argv) = words::simple_command(line, &lookup)
        && let Some(program) = argv.first()
        && programs.has(program, path, cwd)
    {
        return argv.into_iter().map(OsString::from).collect();
    }
    // A script of several lines stops at the first that fails.
    ["/bin/sh", "-e", "-c", line].map(OsString::from).into()
}

/// Limits are set by a shell, which then becomes the task.
fn limited(argv: Vec<OsString>, limits: &Limits) -> Vec<OsString> {
    let mut script = String::new();
    if let Some(bytes) = limits.memory {
        let _ = write!(script, "ulimit -v {} || exit 126; ", bytes.div_ceil(1024));
    }
    if let Some(time) = limits.cpu {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        let _ = write!(script, "ulimit -t {seconds} || exit 126; ");
    }
    if script.is_empty() {
        return argv;
    }
    script.push_str("exec \"$@\"");
    let shell = ["/bin/sh", "-c", &script, "sh"].map(OsString::from);
    shell.into_iter().chain(argv).collect()
}

/// After how many seconds an agent wants to be asked again, if it said so.
pub(super) fn retry_after(said: &str) -> Option<std::time::Duration> {
    let said = said.to_ascii_lowercase();
    let marks = ["retry_after", "retry-after"];
    let at = marks.iter().filter_map(|mark| said.rfind(mark).map(|at| at + mark.len())).max()?;
    let behind: &str = said[at..].trim_start_matches(|c: char| "\"': =\\".contains(c));
    let end = behind.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(behind.len());
    let seconds: f64 = behind[..end].trim_end_matches('.').parse().ok()?;
    std::time::Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn agents_say_when_to_ask_again() {
        let seconds = |text| retry_after(text).map(|time| time.as_secs());
        assert_eq!(seconds(r#"{"type":"error","retry_after": 30}"#), Some(30));
        assert_eq!(seconds("429 Too Many Requests\nRetry-After: 7\n"), Some(7));
        assert_eq!(seconds("retry_after=\"2.5\"."), Some(2));
        assert_eq!(seconds("retry_after 1; later retry_after: 9"), Some(9));
        assert_eq!((seconds("no such thing"), seconds("retry_after soon")), (None, None));
    }

    #[test]
    fn limits_are_set_before_the_program() {
        let argv = || vec![OsString::from("prog"), OsString::from("a b")];
        assert_eq!(limited(argv(), &Limits::default()), argv());
        let limits = Limits {
            memory: Some(1025),
            cpu: Some(Duration::from_millis(1500)),
            ..Limits::default()
        };
        let words: Vec<_> =
            limited(argv(), &limits).iter().map(|word| word.to_str().unwrap().to_owned()).collect();
        let script = "ulimit -v 2 || exit 126; ulimit -t 2 || exit 126; exec \"$@\"";
        assert_eq!(words, ["/bin/sh", "-c", script, "sh", "prog", "a b"]);
    }
}
