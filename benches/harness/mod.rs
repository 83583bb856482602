//! Whole processes, measured: started, read to the end of their stdout, and waited for, as a host
//! does it with a hook.
//!
//! Does not know what it starts. Invariants: all contestants of a table take turns within one run,
//! for nothing else makes their times comparable; every one starts from an environment built from
//! nothing.

mod process;
mod table;

use std::process::Command;

pub(crate) use process::Cost;
pub(crate) use table::print;

/// One row of a table.
pub(crate) struct Contestant<'c> {
    pub(crate) name: String,
    /// Makes the command of one round, after laying out whatever the round needs; not measured.
    pub(crate) command: Box<dyn FnMut(usize) -> Command + 'c>,
    pub(crate) costs: Vec<Cost>,
    /// The exit codes that count as done; all others end the run.
    codes: &'static [i32],
}

impl<'c> Contestant<'c> {
    pub(crate) fn new(name: impl Into<String>, command: impl FnMut(usize) -> Command + 'c) -> Self {
        Self { name: name.into(), command: Box::new(command), costs: Vec::new(), codes: &[0] }
    }

    /// A linter, which ends with other codes when it has found something.
    #[allow(dead_code, reason = "not every bench has a linter")]
    pub(crate) fn may_find(self) -> Self {
        Self { codes: &[0, 1, 78], ..self }
    }

    /// Median wall time in milliseconds.
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// A quantile of the wall time in milliseconds.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        quantile(self.costs.iter().map(|cost| cost.wall.as_secs_f64() * 1e3).collect(), part)
    }

    /// Median processor time in milliseconds, of the process and its children.
    pub(crate) fn processor(&self) -> f64 {
        quantile(self.costs.iter().map(|cost| cost.processor.as_secs_f64() * 1e3).collect(), 0.5)
    }

    /// The most memory that any run held, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.costs.iter().map(|cost| cost.peak_kib).max().unwrap_or_default()
    }
}

fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index between 0 and the last one"
    )]
    let index = (part * last as f64).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}

/// Lets all contestants take turns: some rounds to warm up, then those that count. A program that
/// fails ends the run, for its time would mean nothing.
pub(crate) fn race(contestants: &mut [Contestant<'_>], rounds: usize) {
    let warm_up = rounds.div_ceil(10);
    for round in 0..warm_up + rounds {
        for contestant in &mut *contestants {
            let mut command = (contestant.command)(round);
            let cost = process::run(&mut command, contestant.codes);
            let cost = cost.unwrap_or_else(|error| panic!("{}: {error}", contestant.name));
            if round >= warm_up {
                contestant.costs.push(cost);
            }
        }
    }
}

/// How many rounds count: `CPH_BENCH_ROUNDS`, or so many.
pub(crate) fn rounds(default: usize) -> usize {
    let told = std::env::var("CPH_BENCH_ROUNDS").ok();
    told.map_or(default, |told| told.parse().expect("CPH_BENCH_ROUNDS is a number"))
}
