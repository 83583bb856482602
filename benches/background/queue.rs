//! What happens behind the host's back: latency, throughput, memory. Figures, not promises: they
//! depend on the machine, and so does everything but the memory of an idle runner.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::{harness, programs::Programs, yard::Yard};

/// Longer than a runner stays idle.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Figures {
    first_ms: f64,
    cold_ms: f64,
    warm_ms: f64,
    per_second: f64,
    pub(crate) idle_kib: f64,
    loaded_kib: f64,
    waiting: f64,
    bytes_per_job: f64,
}

impl Figures {
    pub(crate) fn rows(&self) -> [(&'static str, f64, &'static str); 7] {
        [
            ("from the event to the first line of the hook, with a runner", self.warm_ms, "ms"),
            ("the same, no runner", self.cold_ms, "ms"),
            ("the same, the first job that ever was", self.first_ms, "ms"),
            ("jobs that do nothing", self.per_second, "per second"),
            ("memory of an idle runner", self.idle_kib, "KiB"),
            ("memory per waiting job", (self.loaded_kib - self.idle_kib) / self.waiting, "KiB"),
            ("disk per waiting job", self.bytes_per_job, "bytes"),
        ]
    }
}

pub(crate) fn measure(programs: &Programs) -> Figures {
    let rounds = harness::rounds(200).clamp(5, 50);
    let first_ms = median((0..rounds.min(10)).map(|round| latency(&Yard::new(programs), round)));
    let cold = Yard::new(programs).impatient();
    let cold_ms = median((0..rounds).map(|round| {
        cold.await_no_runner();
        latency(&cold, round)
    }));
    let yard = Yard::new(programs);
    latency(&yard, 0);
    let warm_ms = median((1..=rounds).map(|round| latency(&yard, round)));
    let idle_kib = memory(&yard);
    let waiting = harness::rounds(200) * 2;
    for round in 0..4 {
        yard.fire("SessionStart", round);
    }
    for round in 0..waiting {
        yard.fire("Stop", round);
    }
    await_waiting(&yard, waiting);
    let loaded_kib = memory(&yard);
    let size = |name: &str| {
        let path = yard.path("home/.local/state/cph/queue").join(name);
        fs::metadata(path).map_or(0, |data| data.len())
    };
    let (count, bytes) = (as_f64(waiting), as_f64(size("jobs.db").max(size("jobs.db-wal"))));
    let began = Instant::now();
    fs::write(yard.path("log/go"), "").expect("a file");
    yard.drain();
    Figures {
        first_ms,
        cold_ms,
        warm_ms,
        per_second: count / began.elapsed().as_secs_f64(),
        idle_kib,
        loaded_kib,
        waiting: count,
        bytes_per_job: bytes / count,
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "figures are no counts")]
fn as_f64(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or(0) as f64
}

/// Milliseconds from before the dispatch until the hook has begun.
fn latency(yard: &Yard, round: usize) -> f64 {
    let began_file = yard.path("log/began");
    drop(fs::remove_file(&began_file));
    let began = Instant::now();
    yard.fire("SubagentStop", round);
    while !began_file.exists() {
        assert!(began.elapsed() < PATIENCE, "{}", yard.ask(&["health"]));
        thread::sleep(Duration::from_micros(100));
    }
    let took = began.elapsed().as_secs_f64() * 1000.0;
    yard.drain();
    took
}

fn await_waiting(yard: &Yard, count: usize) {
    let began = Instant::now();
    loop {
        let health = yard.ask(&["health", "--json"]);
        let health: serde_json::Value = serde_json::from_str(&health).expect("JSON");
        if health["jobs"]["waiting"].as_u64() >= Some(count as u64) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{health}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What the runner holds of its own, in KiB; nothing where there is no /proc.
fn memory(yard: &Yard) -> f64 {
    let home = format!("HOME={}", yard.path("home").display());
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let has =
            |name: &str, text: &str| read(name).split(|b| *b == 0).any(|p| p == text.as_bytes());
        if has("cmdline", "runner") && has("environ", &home) {
            let status = String::from_utf8_lossy(&read("status")).into_owned();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let number = line.and_then(|line| line.split_whitespace().next());
            return number.and_then(|number| number.parse().ok()).unwrap_or(f64::NAN);
        }
    }
    f64::NAN
}
