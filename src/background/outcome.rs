//! From orders to a task for a worker, and from its end to what is remembered and told.

use serde_json::value::RawValue;

use crate::{
    model::{
        Event, Processor,
        answer::{Answer, End as AnswerEnd, Reply},
        job::Durability,
    },
    store::queue::{
        jobs::{Outcome, Picked},
        order::Order,
        run::{End, How, Start, Task},
    },
    sys::clock,
};

/// What fits into one environment variable; the kernel takes 128 KiB.
const MOST_PATHS: usize = 100_000;

/// Characters of what a job says that are told.
const MOST_TOLD: usize = 3000;

/// What a worker is to do.
pub(super) fn task(picked: &Picked) -> Task {
    let order = &picked.orders[0];
    let mut told: std::collections::BTreeMap<_, _> = order.told.iter().cloned().collect();
    told.insert("CPH_JOB_ID".to_owned(), order.id.clone());
    told.insert("CPH_ATTEMPT".to_owned(), (picked.before + 1).to_string());
    let mut stdin = order.payload.clone();
    if order.terms.batch.is_some() {
        told.insert("CPH_BATCH_SIZE".to_owned(), picked.orders.len().to_string());
        told.insert("CPH_BATCH_PATHS".to_owned(), paths(&picked.orders));
        stdin = batch(&picked.orders);
    }
    Task {
        label: order.label.clone(),
        event: order.event.clone(),
        argv: order.argv.clone(),
        dir: order.dir.clone(),
        project: order.project.clone(),
        environment: order.environment.clone(),
        told,
        stdin,
        limit_ms: order.limit_ms,
        outlives_environment: order.terms.durability == Durability::Power,
        memory_mb: order.terms.limits.memory_mb,
        cpu_s: order.terms.limits.cpu_s,
    }
}

/// Every item once, in the order of the events, one on each line.
fn paths(orders: &[Order]) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let mut paths = String::new();
    for item in orders.iter().filter_map(|order| order.item.as_deref()) {
        if seen.insert(item) && paths.len() + item.len() < MOST_PATHS {
            if !paths.is_empty() {
                paths.push('\n');
            }
            paths.push_str(item);
        }
    }
    paths
}

/// `{"batch": [...]}` with the payloads as they were told.
fn batch(orders: &[Order]) -> String {
    #[derive(serde::Serialize)]
    struct Batch<'p> {
        batch: Vec<&'p RawValue>,
    }
    let payloads = orders.iter();
    let batch = payloads.filter_map(|order| serde_json::from_str(&order.payload).ok()).collect();
    let mut text = serde_json::to_string(&Batch { batch }).unwrap_or_default();
    text.push('\n');
    text
}

/// What becomes of a run that has ended. `failures`: of its job, before.
pub(super) fn of(order: &Order, start: &Start, failures: u32, end: &End) -> Outcome {
    let is_failure = end.how != How::Exited(0);
    let retry = order.terms.retry;
    let mut outcome = Outcome {
        ended: end.how.to_string(),
        took_ms: end.took_ms,
        is_failure,
        is_cancelled: end.how == How::Cancelled,
        retries: retry.max,
        delay_ms: retry.delay_ms(failures + 1, chance()),
        ..Outcome::default()
    };
    if is_failure {
        outcome.message = Some(complaint(order, failures, end));
        return outcome;
    }
    outcome.is_stale = order.fresh.iter().any(crate::store::queue::order::Seen::has_changed);
    if outcome.is_stale {
        outcome.ended.push_str(", stale");
    } else {
        let answer = answer(order, end);
        outcome.context = answer.context.map(|text| shortened(text, start));
        outcome.message = answer.message.map(|text| {
            let text = format!("`{}`: {text}", order.label);
            shortened(text, start)
        });
    }
    outcome
}

/// Without a name of the job: a hook that fails again and again is told of once.
fn complaint(order: &Order, failures: u32, end: &End) -> String {
    let runs = if failures > 0 { format!(", {} runs", failures + 1) } else { String::new() };
    let said = end.stderr.lines().rev().find(|line| !line.trim().is_empty());
    let said = said.map(|line| format!(": {}", line.trim())).unwrap_or_default();
    format!(
        "background hook `{}` failed ({}{runs}){said}; see `cph jobs --state failed`",
        order.label, end.how
    )
}

/// What it says to model and user. Decisions come too late to mean anything.
fn answer(order: &Order, end: &End) -> Answer {
    let event = Event::named(&order.event, Processor::ClaudeCode).0;
    let reply = Reply {
        end: AnswerEnd::Exited(0),
        stdout: end.stdout.as_bytes(),
        stderr: end.stderr.as_bytes(),
        cut: false,
        leaked: false,
    };
    if !end.stdout.trim_start().starts_with('{') {
        // Plain text that would be context of the event that is over.
        return Answer::default();
    }
    Answer::read(&event, order.vocabulary, &reply, None)
}

/// What waits to be told is kept in a small file.
fn shortened(text: String, start: &Start) -> String {
    match text.char_indices().nth(MOST_TOLD) {
        Some((cut, _)) => format!("{} … (all of it: `cph jobs logs {}`)", &text[..cut], start.job),
        None => text,
    }
}

/// Between 0 and 1, from the clock: it only has to differ.
fn chance() -> f64 {
    f64::from(clock::boot_now().subsec_nanos() % 1_000_000) / 1_000_000.0
}
