//! Holders are killed at random moments while real hooks run under them.
//!
//! The hooks themselves keep the count: each appends when it starts and ends, and holds a lock
//! while it (or anything it started) runs, so that two at the same time notice each other.

use std::{collections::BTreeMap, ffi::OsString, thread};

use super::*;
use crate::{
    session::record::{Firing, Ids, Records, Terms, Verdict, Wanted, Window},
    sys::process::{Command, Limits, Set, Stdin},
};

const HOOKS: [&str; 3] = ["a", "b", "c"];

const SCRIPT: &str = r#"
    exec 9>>"lock-$HOOK"
    flock -n 9 || echo "overlap $HOOK" >> hooks
    echo "start $HOOK" >> hooks
    sleep "$TAKES"
    echo "end $HOOK" >> hooks
"#;

/// Who takes part in a round: processor and registration.
type Cast = [(Processor, &'static str)];

const ONE: &Cast =
    &[(Processor::ClaudeCode, "u"), (Processor::ClaudeCode, "p"), (Processor::ClaudeCode, "l")];

const BOTH: &Cast = &[
    (Processor::ClaudeCode, "u"),
    (Processor::ClaudeCode, "p"),
    (Processor::TaskOrchestrator, "u"),
    (Processor::TaskOrchestrator, "p"),
];

#[derive(Debug, Default)]
struct Tally {
    rounds: usize,
    /// Workers that were dead before they had said how it went.
    killed: usize,
    taken_over: usize,
    /// Rounds in which a hook was started more than once.
    repeated: usize,
}

#[test]
fn a_killed_holder_is_replaced_and_no_hook_runs_twice_at_once() {
    run(ONE, rounds(40, 300), 0x9e37_79b9_7f4a_7c15);
}

#[test]
fn processors_share_one_run_even_when_holders_are_killed() {
    run(BOTH, rounds(30, 300), 0xd1b5_4a32_d192_ed03);
}

fn run(cast: &Cast, rounds: usize, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut tally = Tally::default();
    for round in 0..rounds {
        one_round(cast, round, &mut dice, &mut tally);
    }
    eprintln!("{tally:?}");
    assert!(tally.killed * 3 > tally.rounds, "the killer came too late: {tally:?}");
    assert!(tally.taken_over > 0, "nobody was killed at work: {tally:?}");
}

fn one_round(cast: &Cast, round: usize, dice: &mut Dice, tally: &mut Tally) {
    let (_scratch, dir) = arena();
    let gate = Gate::closed(&dir.join("gate"));
    let mut workers: Vec<Worker> = cast.iter().map(|part| start(&dir, *part)).collect();
    for worker in &mut workers {
        worker.expect("ready");
    }
    // Every fifth round nobody dies, and then each hook runs exactly once.
    let is_calm = round % 5 == 4;
    let victims = if is_calm { Vec::new() } else { victims(cast, dice) };
    gate.open();
    for victim in &victims {
        thread::sleep(Duration::from_micros(dice.roll(15_000)));
        workers[*victim].kill();
    }
    tally.rounds += 1;
    for (number, worker) in workers.iter_mut().enumerate() {
        let outcome = worker.hear();
        let is_victim = victims.contains(&number);
        tally.killed += usize::from(is_victim && outcome.is_none());
        tally.taken_over += usize::from(outcome.as_deref() == Some("took over"));
        assert!(is_victim || outcome.is_some(), "round {round}: {:?} did not answer", cast[number]);
    }
    workers.into_iter().for_each(Worker::end);
    check(&dir, cast, is_calm, tally).unwrap_or_else(|fault| panic!("round {round}: {fault}"));
}

/// All but one of each processor, in random order.
fn victims(cast: &Cast, dice: &mut Dice) -> Vec<usize> {
    let mut victims = Vec::new();
    for processor in Processor::ALL {
        let mut group: Vec<usize> =
            (0..cast.len()).filter(|number| cast[*number].0 == processor).collect();
        while group.len() > 1 {
            let at = usize::try_from(dice.roll(group.len() as u64)).unwrap();
            victims.push(group.remove(at));
        }
    }
    for at in (1..victims.len()).rev() {
        let other = usize::try_from(dice.roll(at as u64 + 1)).unwrap();
        victims.swap(at, other);
    }
    victims
}

fn check(dir: &Path, cast: &Cast, is_calm: bool, tally: &mut Tally) -> Result<(), String> {
    let log = lines(&dir.join("hooks"));
    let count = |word: &str, hook: &str| {
        let wanted = format!("{word} {hook}");
        log.iter().filter(|line| **line == wanted).count()
    };
    let fault = |what: &str| Err(format!("{what}: {log:?}"));
    for hook in HOOKS {
        let (starts, ends) = (count("start", hook), count("end", hook));
        match (starts, ends) {
            _ if count("overlap", hook) > 0 => return fault("two at the same time"),
            (_, 0) => return fault("never completed"),
            (1, 1) => {}
            _ if is_calm => return fault("more than once without need"),
            _ => tally.repeated += 1,
        }
    }
    let answers = lines(&dir.join("answers"));
    for (processor, _) in cast {
        // A refusal is part of every complete answer: hook `a` always refuses.
        let full = format!("{processor}: a b c");
        if !answers.contains(&full) || answers.iter().any(|line| line.split(' ').count() != 4) {
            return Err(format!("{processor} was not answered in full: {answers:?}"));
        }
    }
    Ok(())
}

fn start(dir: &Path, (processor, registration): (Processor, &str)) -> Worker {
    let settings =
        [("PROCESSOR", processor.name().to_owned()), ("REGISTRATION", registration.to_owned())];
    Worker::start("deliver", dir, &settings)
}

/// The worker's part: what dispatch does.
pub(super) fn deliver(env: &Env) {
    let state = dir::open_private_dir(Path::new("state")).unwrap();
    let processor = Processor::named(env.text("PROCESSOR").unwrap()).unwrap();
    let delivery =
        Delivery { processor, event: "PreToolUse", ..by(env.text("REGISTRATION").unwrap()) };
    tell("ready");
    Gate::pass(Path::new("gate"));
    let deadline = Deadline::after(LONG);
    let arrival = arrive(&state, None, &delivery, &Moment::now(), deadline).unwrap();
    let (mut claim, progress, word) = match arrival {
        Arrival::First(claim) => (claim, Progress::default(), "was first"),
        Arrival::TakeOver(claim, progress) => (claim, progress, "took over"),
        Arrival::Delivered => return tell("copy"),
        Arrival::StillRunning(_) => panic!("waited in vain"),
    };
    let mut answers: BTreeMap<HookId, String> =
        progress.done.iter().map(|(id, done)| (id.clone(), done.answer.get().to_owned())).collect();
    let missing = enter(&state, processor, &claim, deadline, &mut answers);
    run_hooks(&mut claim, &missing, deadline, &mut answers);
    let all: Vec<&str> = answers.values().map(|answer| answer.trim_matches('"')).collect();
    append(Path::new("answers"), &format!("{processor}: {}", all.join(" ")));
    claim.delivered().unwrap();
    tell(word);
}

/// The hooks that have to be run here; answers of the other processor's runs are taken.
fn enter(
    state: &PrivateDir,
    processor: Processor,
    claim: &Claim,
    deadline: Deadline,
    answers: &mut BTreeMap<HookId, String>,
) -> Vec<HookId> {
    let firing = Firing {
        occurrence: claim.occurrence().clone(),
        processor,
        session: None,
        ids: Ids { correlation: None, tool_use: Some("t".to_owned()) },
        is_triggered: false,
    };
    let missing = HOOKS.map(hook).into_iter().filter(|hook| !answers.contains_key(hook));
    let wanted: Vec<_> = missing.map(|hook| Wanted { hook, stands_down: false }).collect();
    let terms = Terms { window: Window::around(LONG), is_both: false, inside: &[], deadline };
    let records = Records::open(state, "PreToolUse").unwrap();
    let mut to_run = Vec::new();
    for (hook, verdict) in records.enter(&firing, &wanted, &terms).unwrap() {
        match verdict {
            Verdict::Run => to_run.push(hook),
            Verdict::Replay(answer) => {
                answers.insert(hook, answer.get().to_owned());
            }
            other => panic!("{other:?}"),
        }
    }
    to_run
}

fn run_hooks(
    claim: &mut Claim,
    hooks: &[HookId],
    deadline: Deadline,
    answers: &mut BTreeMap<HookId, String>,
) {
    let starts = claim.start(hooks).unwrap();
    let mut set = Set::new();
    let limits = Limits { deadline, grace: SHORT, output_cap: 4096, leak_grace: SHORT };
    let ids: Vec<_> = starts.iter().map(|start| set.start(command(start), limits)).collect();
    let known = starts.iter().zip(&ids);
    claim.spawned(known.filter_map(|(start, id)| Some((start, set.identity(*id)?)))).unwrap();
    while let Some((id, _)) = set.next() {
        let at = ids.iter().position(|known| *known == id).unwrap();
        let hook = &hooks[at];
        claim.done(hook, &hook.0, false).unwrap();
        answers.insert(hook.clone(), format!("\"{hook}\""));
    }
}

fn command(start: &Start) -> Command {
    let takes = match start.hook.0.as_str() {
        "a" => "0.002",
        "b" => "0.006",
        _ => "0.012",
    };
    let env = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOOK", &start.hook.0),
        ("TAKES", takes),
        (MARK, &start.mark()),
    ];
    Command {
        argv: ["/bin/sh", "-c", SCRIPT].map(OsString::from).into(),
        env: env.map(|(name, value)| (name.into(), value.into())).into_iter().collect(),
        dir: None,
        stdin: Stdin::Null,
        marker: start.hook.0.clone(),
    }
}
