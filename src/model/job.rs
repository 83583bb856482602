//! Terms of a background hook's jobs: when they run, how often they are tried, what they may use.
//!
//! Does not know the queue. Invariant: a setting that cannot be understood is named and left out;
//! the others count all the same.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The fields of a handler that are read here.
pub(crate) const FIELDS: &[&str] = &[
    "retry",
    "rate_limit",
    "batch",
    "limits",
    "priority",
    "on_busy",
    "fresh",
    "queue",
    "durability",
];

/// What counts for the jobs of one hook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Terms {
    pub(crate) retry: Retry,
    pub(crate) rate_limit: Option<Rate>,
    pub(crate) batch: Option<Batch>,
    pub(crate) limits: Limits,
    pub(crate) priority: Priority,
    pub(crate) on_busy: OnBusy,
    /// Files that the result depends on, relative to where the hook runs.
    pub(crate) fresh: Vec<String>,
    pub(crate) queue: Cap,
    pub(crate) durability: Durability,
}

/// How a failed run is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Retry {
    /// Runs after the first.
    pub(crate) max: u32,
    /// Before the first of them.
    pub(crate) delay_ms: u64,
    /// By how much each delay is longer than the one before.
    pub(crate) factor: f64,
    pub(crate) max_delay_ms: u64,
    /// The part of a delay that chance may take away, so that many do not come back at once.
    pub(crate) jitter: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max: 0, delay_ms: 1000, factor: 2.0, max_delay_ms: 300_000, jitter: 0.25 }
    }
}

impl Retry {
    /// Milliseconds before the run that follows `failures` failed ones; `chance` is 0 to 1.
    pub(crate) fn delay_ms(&self, failures: u32, chance: f64) -> u64 {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        #[expect(clippy::cast_precision_loss, reason = "a delay is no count")]
        let (first, most) = (self.delay_ms as f64, self.max_delay_ms as f64);
        let full = (first * self.factor.max(1.0).powi(exponent)).min(most).max(0.0);
        let delay = full * (1.0 - self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as meant")]
        let delay = delay as u64;
        delay
    }
}

/// At most so many runs in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rate {
    pub(crate) max: u32,
    pub(crate) per_s: u64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { max: 1, per_s: 60 }
    }
}

/// How events that come close together become one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Batch {
    pub(crate) window_ms: u64,
    pub(crate) max_size: u32,
    /// What of the payload is collected in `CPH_BATCH_PATHS`; members joined by dots.
    pub(crate) by: String,
    pub(crate) strategy: Gathering,
}

impl Default for Batch {
    fn default() -> Self {
        let by = "tool_input.file_path".to_owned();
        Self { window_ms: 50, max_size: 100, by, strategy: Gathering::Time }
    }
}

/// When a batch is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Gathering {
    /// The window after the first event.
    #[default]
    Time,
    /// When it is full; the window only sees to it that the last ones do not wait for ever.
    Size,
    /// As `time`, but only events of the same directory go together.
    Affinity,
    /// The window after the latest event, ten windows at most.
    Adaptive,
}

/// What one process of a run may use, and how many runs may go on at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) memory_mb: Option<u64>,
    pub(crate) cpu_s: Option<u64>,
    /// Runs of this hook at once; without it one, in the order of the events.
    pub(crate) concurrency: Option<u32>,
}

/// Which of the waiting jobs goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Priority {
    Critical,
    High,
    #[default]
    Normal,
    Low,
    Idle,
}

/// What becomes of a job that arrives while one of its hook waits or runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnBusy {
    /// It waits for its turn.
    #[default]
    Queue,
    /// It is dropped.
    Drop,
    /// The others are ended and dropped.
    Restart,
}

/// How many jobs of a hook may wait, and what happens to one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cap {
    pub(crate) max: u64,
    pub(crate) when_full: WhenFull,
}

impl Default for Cap {
    fn default() -> Self {
        Self { max: 1_000_000, when_full: WhenFull::Refuse }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhenFull {
    /// The one that has waited longest makes room.
    DropOldest,
    /// The new one is dropped.
    DropNew,
    /// The new one fails, which is told.
    #[default]
    Refuse,
}

/// What a job survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// The death of every process.
    #[default]
    Process,
    /// That of the machine too.
    Power,
}

impl Terms {
    /// Reads the fields of a handler, as they are written; with what cannot be understood: the
    /// field, and why.
    pub(crate) fn read(fields: &BTreeMap<String, String>) -> (Self, Vec<(&'static str, String)>) {
        let mut terms = Self::default();
        let mut faults = Vec::new();
        for &field in FIELDS {
            let Some(text) = fields.get(field) else { continue };
            if let Err(why) = terms.put(field, text) {
                faults.push((field, why));
            }
        }
        (terms, faults)
    }

    fn put(&mut self, field: &str, text: &str) -> Result<(), String> {
        match field {
            "retry" => self.retry = retry(text)?,
            "rate_limit" => self.rate_limit = Some(rate(text)?),
            "batch" => self.batch = batch(text)?,
            "limits" => self.limits = object(text)?,
            "priority" => self.priority = of(text)?,
            "on_busy" => self.on_busy = of(text)?,
            "fresh" => self.fresh = of(text)?,
            "queue" => self.queue = object(text)?,
            "durability" => self.durability = of(text)?,
            _ => unreachable!("BUG: a field that is not read"),
        }
        Ok(())
    }
}

fn of<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        // Line and column are those within the value; the finding tells the real ones.
        text.split(" at line ").next().unwrap_or_default().to_owned()
    })
}

/// The derived readers take an array of values for an object.
fn object<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if text.trim_start().starts_with('{') { of(text) } else { Err("not an object".to_owned()) }
}

/// `3` is `{"max": 3}`.
fn retry(text: &str) -> Result<Retry, String> {
    match serde_json::from_str::<u32>(text) {
        Ok(max) => Ok(Retry { max, ..Retry::default() }),
        Err(_) => object(text),
    }
}

/// `10` is ten in a minute.
fn rate(text: &str) -> Result<Rate, String> {
    let rate = match serde_json::from_str::<u32>(text) {
        Ok(max) => Rate { max, ..Rate::default() },
        Err(_) => object(text)?,
    };
    if rate.max == 0 || rate.per_s == 0 {
        Err("zero lets nothing run".to_owned())
    } else {
        Ok(rate)
    }
}

/// `true` is a batch with all defaults, `false` none.
fn batch(text: &str) -> Result<Option<Batch>, String> {
    let batch: Batch = match serde_json::from_str::<bool>(text) {
        Ok(is_wanted) => return Ok(is_wanted.then(Batch::default)),
        Err(_) => object(text)?,
    };
    if batch.max_size == 0 { Err("a batch of none is empty".to_owned()) } else { Ok(Some(batch)) }
}
