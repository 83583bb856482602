//! Many dispatchers at once while the runner is killed again and again: the hooks keep the count.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{fs::OpenOptionsExt as _, process::ExitStatusExt as _},
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;
use serde_json::json;

use super::ground::{CPH, Ground, ended};
use crate::wait::{Over, sleep_until};

const DISPATCHERS: usize = 8;

/// A few, or as many as were asked for.
pub(super) fn rounds(few: usize, all: usize) -> usize {
    if std::env::var_os("CPH_STRESS").is_some_and(|value| value == "1") { all } else { few }
}

/// What the hooks have counted: begins and ends of every number.
fn counts(ground: &Ground) -> BTreeMap<usize, (usize, usize)> {
    let mut counts = BTreeMap::new();
    for line in ground.log("count").lines() {
        let (word, number) = line.split_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let entry: &mut (usize, usize) = counts.entry(number.parse().unwrap()).or_default();
        match word {
            "begin" => entry.0 += 1,
            "end" => entry.1 += 1,
            _ => panic!("{line:?}"),
        }
    }
    counts
}

fn storm(victim: &'static str, total: usize, kills: usize, fields: &serde_json::Value) -> Ground {
    // One write for each line. The number stands in the payload.
    let command = "n=$(sed 's/.*\"number\":\\([0-9]*\\).*/\\1/'); echo \"begin $n\" >> \"$LOG/count\"; \
                   echo \"end $n\" >> \"$LOG/count\"";
    let mut all = json!({"limits": {"concurrency": 4}});
    for (key, value) in fields.as_object().unwrap() {
        all[key] = value.clone();
    }
    let ground = Ground::with(command, &all).idle(Duration::from_millis(20));
    let next = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = Over(&is_over);
        let fire = || {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= total {
                    return;
                }
                let child =
                    ground.dispatch(ground.command(CPH), "Stop", &json!({"number": number}));
                let said = ended(child);
                assert_eq!((said.code, &*said.stdout, &*said.stderr), (0, "", ""), "{said:?}");
            }
        };
        let dispatchers: Vec<_> = (0..DISPATCHERS).map(|_| scope.spawn(fire)).collect();
        scope.spawn(|| {
            let (mut killed, mut unheard) = (0, 0);
            let mut pause = 1_u64;
            while killed < kills && !is_over.load(Ordering::SeqCst) {
                // Spread over the whole time.
                if next.load(Ordering::SeqCst) >= killed * total / (kills + 1) {
                    killed += strike(&ground, victim, &mut unheard);
                    if victim == "runner" && killed % 2 == 1 {
                        let after = Duration::from_micros(pause * 200);
                        killed += strike_down(&ground, after, &mut unheard);
                    }
                }
                // Not random, but everywhere: in starts, in idle exits, between any two lines.
                pause = (pause * 7 + 3) % 41;
                sleep_until(Instant::now() + Duration::from_millis(pause));
            }
            println!("{victim}: killed {killed} times, {unheard} at its beginning or end");
        });
        for dispatcher in dispatchers {
            dispatcher.join().unwrap();
        }
        ground.drain();
        drop(over);
    });
    ground.drain();
    ground
}

/// Kills what there is. A runner that does not listen begins, or is on its way out: `unheard` counts
/// those.
fn strike(ground: &Ground, victim: &str, unheard: &mut usize) -> usize {
    let is_heard = is_heard(ground);
    let hit = ground.kill(victim);
    *unheard += if is_heard { 0 } else { hit };
    hit
}

/// Puts a runner in the place of one that was killed, and kills it in its first moments.
fn strike_down(ground: &Ground, after: Duration, unheard: &mut usize) -> usize {
    let mut command = ground.command(CPH);
    command.arg("runner").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut runner = command.spawn().unwrap();
    sleep_until(Instant::now() + after);
    let is_heard = is_heard(ground);
    runner.kill().unwrap();
    let hit = usize::from(runner.wait().unwrap().signal() == Some(9));
    *unheard += if is_heard { 0 } else { hit };
    hit
}

/// Whether a runner listens. One that was killed leaves its bell behind, so it has to be rung.
fn is_heard(ground: &Ground) -> bool {
    let nonblock = OFlags::NONBLOCK.bits().cast_signed();
    let bell = ground.queue().join("bell");
    fs::OpenOptions::new().write(true).custom_flags(nonblock).open(bell).is_ok()
}

/// Killed runners lose nothing and double nothing: not even what was in the middle.
#[test]
fn killed_runners_lose_and_double_nothing() {
    let total = rounds(60, 10_000);
    let ground = storm("runner", total, rounds(15, 50), &json!({}));
    let counts = counts(&ground);
    assert_eq!(counts.len(), total, "{}", ground.story());
    let odd: Vec<_> = counts.iter().filter(|(_, count)| **count != (1, 1)).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

/// Killed workers lose nothing; what had not ended may run again, what had not begun does.
#[test]
fn killed_workers_lose_nothing() {
    let total = rounds(30, 1000);
    let ground = storm("worker", total, rounds(5, 50), &json!({}));
    let counts = counts(&ground);
    let failed = ground.jobs().iter().filter(|job| job["state"] == "failed").count();
    assert_eq!(failed, 0, "{}", ground.story());
    let lost: Vec<_> = counts.iter().filter(|(_, (_, ends))| *ends == 0).collect();
    assert_eq!((counts.len(), lost), (total, vec![]), "{}", ground.story());
    let again = counts.values().filter(|(begins, _)| *begins > 1).count();
    println!("{again} of {total} ran again");
}

#[test]
fn power_safe_orders_survive_as_well() {
    let total = rounds(20, 500);
    let ground = storm("runner", total, rounds(5, 50), &json!({"durability": "power"}));
    let counts = counts(&ground);
    assert_eq!(counts.len(), total, "{}", ground.story());
    assert!(counts.values().all(|count| *count == (1, 1)), "{counts:?}");
}
