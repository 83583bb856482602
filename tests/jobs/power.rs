//! The power goes, again and again, and comes back with what was on the disk.
//!
//! Everything is stopped in one moment, the queue is copied as it lies there, all is killed, and
//! the copy takes its place. What only lies in memory is gone with it at every other cut, and so
//! are files that nobody promised to have on the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;

use super::{
    ground::{CPH, Ground, ended, hook, signal},
    storm::rounds,
};
use crate::wait::{Over, PATIENCE, sleep_until, until};

const DISPATCHERS: usize = 3;

/// What hooks wrote: begins of each job, and the numbers that were brought to their end.
fn count(ground: &Ground) -> (BTreeMap<String, usize>, BTreeSet<usize>) {
    let (mut begins, mut ends) = (BTreeMap::new(), BTreeSet::new());
    for line in ground.log("count").lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["begin", _, job] => *begins.entry(job.to_owned()).or_default() += 1,
            ["end", number, _] => drop(ends.insert(number.parse().unwrap())),
            _ => panic!("{line:?}"),
        }
    }
    (begins, ends)
}

fn copy(from: &Path, to: &Path) {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if !kind.is_fifo() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Stops all that runs, so that what lies there is of one moment.
fn stop(ground: &Ground) {
    let mut stopped: BTreeSet<i32> = BTreeSet::new();
    let is_still = || {
        let new: Vec<_> =
            ground.everything().into_iter().filter(|pid| !stopped.contains(pid)).collect();
        signal(&new, Signal::STOP);
        stopped.extend(&new);
        new.is_empty()
    };
    assert!(until(PATIENCE, is_still), "somebody starts processes without an end");
}

/// Ended processes whose parent has not asked for them have no environment any more.
fn kill(ground: &Ground) {
    let is_dark = || {
        let left = ground.everything();
        signal(&left, Signal::KILL);
        left.is_empty()
    };
    assert!(until(PATIENCE, is_dark), "{:?}", ground.everything());
}

/// The power goes and comes back.
fn cut(ground: &Ground, number: usize) {
    stop(ground);
    let (queue, kept) = (ground.queue(), ground.path("kept"));
    copy(&queue, &kept);
    kill(ground);
    fs::remove_dir_all(&queue).unwrap();
    fs::rename(&kept, &queue).unwrap();
    if number % 2 == 1 {
        // Memory, and what was with the kernel only.
        drop(fs::remove_dir_all(ground.path("run/cph")));
        for file in fs::read_dir(queue.join("runs")).into_iter().flatten().flatten() {
            if number % 4 == 1 {
                fs::remove_file(file.path()).unwrap();
            } else {
                fs::write(file.path(), "").unwrap();
            }
        }
    }
}

/// Every job that is known to have ended, by its id.
fn finished(ground: &Ground) -> BTreeSet<String> {
    let text = ground.succeed(&["jobs", "--json", "-n", "1000000", "--state", "done"]);
    let jobs: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

/// On a busy machine one job may be cut down so often that it counts as failed, and for nothing
/// else does one fail here.
fn ask_again_for_dead_letters(ground: &Ground) {
    let jobs = ground.jobs();
    let dead: Vec<_> = jobs.iter().filter(|job| job["state"] == "failed").collect();
    assert!(dead.iter().all(|job| job["ended"] == "cut down 5 times"), "{dead:?}");
    if !dead.is_empty() {
        println!("{} cut down five times, and asked for again", dead.len());
        ground.succeed(&["jobs", "retry", "--every"]);
        ground.drain();
    }
}

#[test]
fn what_was_acknowledged_is_run_and_what_has_ended_is_not_run_again() {
    let cuts = rounds(4, 40);
    let ground = Ground::new(&json!({})).idle(Duration::from_millis(50));
    // Its own words only: the environment of the host is gone with the power.
    let log = ground.path("log/count").display().to_string();
    let command = format!(
        "n=$(sed 's/.*\"number\":\\([0-9]*\\).*/\\1/'); echo \"begin $n $CPH_JOB_ID\" >> '{log}'; \
         echo \"end $n $CPH_JOB_ID\" >> '{log}'"
    );
    let terms = json!({"durability": "power", "limits": {"concurrency": 4}});
    ground.configure(&json!({"Stop": [{"hooks": [hook(&command, &terms)]}]}));
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let acknowledged = Mutex::new(BTreeSet::new());
    // Nobody fires while it is dark.
    let light = Mutex::new(());
    // What was known to have ended at some cut, and how often it had begun until then.
    let mut ended_before: BTreeMap<String, usize> = BTreeMap::new();
    thread::scope(|scope| {
        let over = Over(&is_over);
        for _ in 0..DISPATCHERS {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let fields = json!({"number": number});
                    let is_light = light.lock().unwrap();
                    let child = ground.dispatch(ground.command(CPH), "Stop", &fields);
                    drop(is_light);
                    let said = ended(child);
                    if said.code == 0 && said.stderr.is_empty() && said.stdout.is_empty() {
                        acknowledged.lock().unwrap().insert(number);
                    }
                }
            });
        }
        let mut pause = 1_u64;
        for number in 0..cuts {
            let many = 5 * (number + 1);
            // Something has to happen between two cuts.
            assert!(until(PATIENCE, || acknowledged.lock().unwrap().len() >= many));
            pause = (pause * 7 + 3) % 101;
            sleep_until(Instant::now() + Duration::from_millis(pause));
            let done = finished(&ground);
            let dark = light.lock().unwrap();
            cut(&ground, number);
            drop(dark);
            let begins = count(&ground).0;
            for id in done {
                ended_before.entry(id.clone()).or_insert(begins[&id]);
            }
        }
        drop(over);
    });
    ground.drain();
    ask_again_for_dead_letters(&ground);
    let (begins, ends) = count(&ground);
    let acknowledged = acknowledged.into_inner().unwrap();
    let lost: Vec<_> = acknowledged.difference(&ends).collect();
    assert!(lost.is_empty(), "lost {lost:?}; {}", ground.story());
    for (id, before) in &ended_before {
        assert_eq!(begins[id], *before, "{id} had ended and ran again; {}", ground.story());
    }
    let again = begins.values().filter(|count| **count > 1).count();
    println!(
        "{cuts} cuts, {} acknowledged, {} had ended at one, {again} cut down and run again",
        acknowledged.len(),
        ended_before.len(),
    );
}

/// A spool that comes back from a copy brings nothing twice.
#[test]
fn an_old_spool_doubles_nothing() {
    let ground = Ground::with("echo x >> \"$LOG/ran\"", &json!({}));
    // Nobody takes orders while there is a directory in the place of the database.
    fs::create_dir_all(ground.queue().join("jobs.db")).unwrap();
    for dir in [ground.queue(), ground.queue().parent().unwrap().to_owned()] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
    }
    for _ in 0..5 {
        ground.fire("Stop");
    }
    let spool = ground.queue().join("spool");
    copy(&spool, &ground.path("kept"));
    assert_eq!(fs::read_dir(ground.path("kept")).unwrap().count(), 5);
    fs::remove_dir(ground.queue().join("jobs.db")).unwrap();
    ground.drain();
    for file in fs::read_dir(ground.path("kept")).unwrap().flatten() {
        fs::rename(file.path(), spool.join(file.file_name())).unwrap();
    }
    ground.drain();
    assert_eq!(ground.log("ran").lines().count(), 5, "{}", ground.story());
    assert_eq!(fs::read_dir(spool).unwrap().count(), 0);
}

/// How often a dispatch of one background hook waits for the disk; nothing where nobody can tell.
fn waits_for_the_disk(terms: &serde_json::Value) -> Option<usize> {
    let ground = Ground::with("true", terms);
    let calls = ground.path("calls");
    let mut command = ground.command("/usr/bin/strace");
    command.args(["-qq", "-e", "trace=fsync,fdatasync", "-o"]).arg(&calls).arg(CPH);
    let fired = Path::new("/usr/bin/strace")
        .exists()
        .then(|| ended(ground.dispatch(command, "Stop", &json!({}))));
    if fired.is_none_or(|said| said.code != 0) {
        println!("SKIPPED: there is no `strace` here that may trace");
        return None;
    }
    ground.drain();
    Some(fs::read_to_string(calls).unwrap().matches("sync(").count())
}

/// The order, and the directory that names it.
#[test]
fn only_who_asks_for_power_waits_for_the_disk() {
    let Some(waits) = waits_for_the_disk(&json!({})) else { return };
    assert_eq!((waits, waits_for_the_disk(&json!({"durability": "power"}))), (0, Some(2)));
}
