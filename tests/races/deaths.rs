//! Holders are killed at random moments while their hooks run.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde_json::json;

use super::{
    delivery::{Cry, Delivery},
    dice::Dice,
    hooks,
    reply::Reply,
    rounds, strace,
    yard::{CPH, Yard},
};
use crate::wait::sleep_until;

/// Names and seconds. The gate refuses.
const HOOKS: [(&str, &str); 3] = [("gate", "0.03"), ("observer", "0.06"), ("slow", "0.2")];

const REASON: &str = "over my dead body";

/// Moments of death lie within this many milliseconds: longer than a whole dispatch takes.
const SPAN_MS: usize = 450;

/// Who takes part: event and registration.
type Cast = [(&'static str, &'static str)];

const ONE: &Cast =
    &[("PreToolUse", "u"), ("PreToolUse", "p"), ("PreToolUse", "l"), ("PreToolUse", "x")];

const BOTH: &Cast =
    &[("PreToolUse", "u"), ("PreToolUse", "p"), ("PreTaskExecute", "u"), ("PreTaskExecute", "p")];

#[derive(Debug, Default)]
struct Tally {
    rounds: usize,
    killed: usize,
    taken_over: usize,
    /// Rounds in which a hook was started more than once.
    repeated: usize,
    /// Refusals that only a delivery bore that was killed after it had delivered.
    last_words: usize,
}

#[test]
fn the_death_of_holders_loses_nothing() {
    run(ONE, rounds(8, 300), 1);
}

#[test]
fn the_death_of_holders_of_two_processors_loses_nothing() {
    run(BOTH, rounds(8, 300), 2);
}

/// Nobody waits when it happens: the next delivery of the same occurrence makes it good.
#[test]
fn a_holder_may_die_before_any_of_its_calls() {
    if !strace::is_usable() {
        return;
    }
    let yard = yard();
    // The first one of all makes directories.
    calls_of_a_holder(&yard);
    let calls = calls_of_a_holder(&yard);
    let mut tally = Tally::default();
    for (round, call) in calls.iter().enumerate() {
        let mut command = strace::kill_before(&yard, call);
        command.arg(CPH).args(cry(ONE[0]).arguments("300"));
        let mut holder = Delivery::start(command);
        holder.release(&payload(ONE[0].0, round));
        let mut replies = vec![holder.reply()];
        let mut heir = yard.deliver(cry(ONE[1]));
        heir.release(&payload(ONE[1].0, round));
        replies.push(heir.reply());
        // Once it is marked as delivered, what was said is all that is said.
        let is_told_twice = replies.iter().filter(|reply| !reply.is_killed()).count() == 2
            && replies.iter().all(says_so);
        assert!(!is_told_twice, "before {call:?}: {replies:?}");
        judge(round, &ONE[..2], &replies, &hooks::counts(&yard), &mut tally);
        hooks::forget(&yard);
    }
    println!("{tally:?}");
    assert!(tally.killed > calls.len() / 2, "{tally:?} of {calls:?}");
    // What was said counts only together with the mark that it was.
    assert!(tally.last_words <= 1 || calls.len() > 100, "{tally:?}");
}

fn cry((event, registration): (&'static str, &'static str)) -> Cry<'static> {
    Cry { event, registration, payload: "" }
}

/// What a holder does that runs all hooks.
fn calls_of_a_holder(yard: &Yard) -> Vec<strace::Call> {
    let mut command = strace::trace(yard);
    command.arg(CPH).args(cry(ONE[0]).arguments("300"));
    let mut holder = Delivery::start(command);
    holder.release(&payload(ONE[0].0, usize::MAX));
    assert!(says_so(&holder.reply()));
    hooks::forget(yard);
    strace::calls(yard)
}

fn run(cast: &Cast, rounds: usize, seed: u64) {
    if !Path::new("/usr/bin/flock").exists() {
        println!("SKIPPED: hooks need `flock` to see each other");
        return;
    }
    let yard = yard();
    let mut dice = Dice::new(seed);
    let mut tally = Tally::default();
    let mut round = 0;
    // Whether somebody waits for who dies is chance: rarely nobody does in few rounds.
    while round < rounds || (taken_over(&yard) == 0 && round < 10 * rounds) {
        play(&yard, cast, round, &mut dice, &mut tally);
        round += 1;
    }
    tally.taken_over = taken_over(&yard);
    println!("{tally:?}");
    assert!(tally.killed > round / 4, "{tally:?}");
    assert!(tally.taken_over > 0, "{tally:?}");
}

fn taken_over(yard: &Yard) -> usize {
    let says_so = |line: &&serde_json::Value| line.to_string().contains("its answers are used");
    yard.journal().iter().filter(says_so).count()
}

fn yard() -> Yard {
    let yard = Yard::new();
    let hooks = HOOKS.map(|(name, seconds)| hook(&yard, name, seconds));
    let hooks: Vec<_> = hooks.iter().map(String::as_str).collect();
    let events = json!({ "PreToolUse": hooks::group(&hooks) });
    yard.configure(
        ".claude/hooks.json",
        &events,
        &json!({ "deduplication_strategy": "first_wins" }),
    );
    yard
}

/// Logs its start and its end, and holds a lock as long as any of its processes lives.
fn hook(yard: &Yard, name: &str, seconds: &str) -> String {
    let dir = yard.path("").display().to_string();
    let end = if name == "gate" { format!("echo '{REASON}' >&2; exit 2") } else { String::new() };
    let text = format!(
        "cd '{dir}'\nexec 9>>lock-{name}\nflock -n 9 || echo 'overlap {name}' >> hooks.log\n\
         echo 'start {name}' >> hooks.log\nsleep {seconds}\necho 'end {name}' >> hooks.log\n{end}\n"
    );
    let path = yard.path(&format!("{name}.sh"));
    fs::write(&path, text).unwrap();
    format!("sh '{}'", path.display())
}

/// One occurrence, delivered by some of the cast; all may die but the last of each processor.
fn play(yard: &Yard, cast: &Cast, round: usize, dice: &mut Dice, tally: &mut Tally) {
    let cast = drawn(cast, dice);
    let start = |&one: &_| yard.deliver(cry(one));
    let mut deliveries: Vec<_> = cast.iter().map(start).collect();
    let mut deaths = deaths(&cast, dice);
    for (delivery, (event, _)) in deliveries.iter_mut().zip(&cast) {
        delivery.release(&payload(event, round));
    }
    deaths.sort_unstable();
    let began = std::time::Instant::now();
    for (moment, index) in deaths {
        sleep_until(began + moment);
        deliveries[index].kill();
    }
    let replies: Vec<_> = deliveries.into_iter().map(Delivery::reply).collect();
    let counts = hooks::counts(yard);
    judge(round, &cast, &replies, &counts, tally);
    hooks::forget(yard);
}

fn payload(event: &str, round: usize) -> String {
    format!(r#"{{"hook_event_name":"{event}","session_id":"s","correlation_id":"c{round}"}}"#)
}

/// Some of the cast in random order: one of each processor, and at least one more.
fn drawn(cast: &Cast, dice: &mut Dice) -> Vec<(&'static str, &'static str)> {
    let mut drawn = cast.to_vec();
    for index in (1..drawn.len()).rev() {
        drawn.swap(index, dice.below(index + 1));
    }
    let events = |some: &[(&'static str, _)]| {
        let mut events: Vec<_> = some.iter().map(|(event, _)| *event).collect();
        events.sort_unstable();
        events.dedup();
        events.len()
    };
    let all = events(cast);
    let keep = all + 1 + dice.below(drawn.len() - all);
    while drawn.len() > keep && events(&drawn[1..]) == all {
        drawn.remove(0);
    }
    drawn
}

/// Who dies when: usually whoever was let go first, and that is usually the holder.
fn deaths(cast: &[(&'static str, &'static str)], dice: &mut Dice) -> Vec<(Duration, usize)> {
    let is_last = |index: usize| cast[index + 1..].iter().all(|other| other.0 != cast[index].0);
    let mortal: Vec<_> = (0..cast.len()).filter(|&index| !is_last(index)).collect();
    let spared = dice.below(mortal.len().max(1));
    let dying = mortal.len() - if dice.below(3) == 0 { spared } else { 0 };
    let moment = |dice: &mut Dice| Duration::from_millis(dice.below(SPAN_MS) as u64);
    mortal[..dying].iter().map(|&index| (moment(dice), index)).collect()
}

fn judge(
    round: usize,
    cast: &[(&'static str, &'static str)],
    replies: &[Reply],
    counts: &BTreeMap<String, usize>,
    tally: &mut Tally,
) {
    let count =
        |what: &str, name: &str| counts.get(&format!("{what} {name}")).copied().unwrap_or(0);
    for (name, _) in HOOKS {
        assert_eq!(count("overlap", name), 0, "round {round}: {counts:?}");
        assert!(count("end", name) >= 1, "round {round}: {counts:?}");
    }
    for reply in replies.iter().filter(|reply| !reply.is_killed()) {
        reply.assert_success();
    }
    for processor in ["PreToolUse", "PreTaskExecute"] {
        let told: Vec<_> = (0..cast.len()).filter(|&index| cast[index].0 == processor).collect();
        if told.is_empty() {
            continue;
        }
        let refusers: Vec<_> =
            told.iter().map(|&index| &replies[index]).filter(|reply| says_so(reply)).collect();
        assert!(
            !refusers.is_empty(),
            "round {round}, {processor}: the refusal is lost: {replies:?}"
        );
        tally.last_words += usize::from(refusers.iter().all(|reply| reply.is_killed()));
    }
    tally.rounds += 1;
    tally.killed += replies.iter().filter(|reply| reply.is_killed()).count();
    tally.repeated += usize::from(HOOKS.iter().any(|(name, _)| count("start", name) > 1));
}

/// A killed one may have been cut off in the middle of a word.
fn says_so(reply: &Reply) -> bool {
    let is_whole =
        !reply.is_killed() || reply.stdout().ends_with('}') || reply.stdout().ends_with("}\n");
    is_whole && reply.refuses(REASON)
}
