//! From orders to a task for a worker, and from its end to what is remembered and told.

use serde_json::value::RawValue;

use super::hand_over;
use crate::{
    model::{
        Event, Processor,
        answer::{Answer, End as AnswerEnd, Reply},
        job::Durability,
    },
    store::queue::{
        jobs::{Outcome, Picked},
        order::{Order, Seen},
        run::{End, How, Start, Task},
    },
    sys::clock,
};

/// What is longer is no path, and fits into no environment variable: the kernel takes 128 KiB.
const LONGEST: usize = 100_000;

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
        streams: order.streams.clone(),
        vocabulary: order.vocabulary,
        // Once it has failed here it is ours: what comes now is the next attempt.
        hand_over: order.hand_over.clone().filter(|_| !picked.has_failed),
    }
}

/// Every item once, in the order of the events, one on each line.
fn paths(orders: &[Order]) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let mut paths = String::new();
    for item in orders.iter().filter_map(|order| order.item.as_deref()) {
        if item.len() < LONGEST && seen.insert(item) {
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
    let retry = order.terms.retry;
    let mut outcome = Outcome {
        ended: end.how.to_string(),
        took_ms: end.took_ms,
        is_failure: end.how.is_failure(),
        is_cancelled: end.how == How::Cancelled,
        retries: retry.max,
        delay_ms: retry.delay_ms(failures + 1, chance()),
        durability: order.terms.durability,
        ..Outcome::default()
    };
    if end.how == How::Elsewhere {
        return outcome;
    }
    let left = order.hand_over.as_ref().map(|one| hand_over::told(one, &order.label, end));
    // What a hook found wrong may be mended by now; that it could not be run at all is no result.
    let has_result = matches!(end.how, How::Exited(_));
    outcome.is_stale = has_result && order.fresh.iter().any(Seen::has_changed);
    outcome.is_failure &= !outcome.is_stale;
    if outcome.is_failure {
        outcome.message = Some(left.unwrap_or_else(|| complaint(order, failures, end)));
        return outcome;
    }
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
    let told = [left, outcome.message.take()].into_iter().flatten().collect::<Vec<_>>();
    outcome.message = (!told.is_empty()).then(|| told.join("; "));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::{Batch, Retry, Terms};

    fn order(item: &str, terms: Terms) -> Order {
        Order {
            id: item.to_owned(),
            told: vec![("CPH_JOB_ID".to_owned(), "of the job around it".to_owned())],
            payload: format!("{{\"item\": \"{item}\"}}\n"),
            item: Some(item.to_owned()),
            ..Order::sample("o", "h", terms)
        }
    }

    fn start() -> Start {
        Start { job: "a".to_owned(), number: 1 }
    }

    #[test]
    fn a_task_tells_its_own_names_and_no_others() {
        let picked = Picked {
            start: start(),
            orders: vec![order("a", Terms::default())],
            before: 2,
            has_failed: false,
        };
        let task = task(&picked);
        assert_eq!(task.told["CPH_JOB_ID"], "a");
        assert_eq!(task.told["CPH_ATTEMPT"], "3");
        assert_eq!(task.stdin, picked.orders[0].payload);
        assert!(!task.told.contains_key("CPH_BATCH_PATHS"));
    }

    #[test]
    fn a_batch_tells_every_payload_and_each_path_once() {
        let terms = Terms { batch: Some(Batch::default()), ..Terms::default() };
        let orders = ["a", "b", "a"].map(|item| order(item, terms.clone())).into();
        let task = task(&Picked { start: start(), orders, before: 0, has_failed: false });
        assert_eq!(task.told["CPH_BATCH_PATHS"], "a\nb");
        assert_eq!(task.told["CPH_BATCH_SIZE"], "3");
        let told: serde_json::Value = serde_json::from_str(&task.stdin).unwrap();
        assert_eq!(told["batch"].as_array().unwrap().len(), 3);
    }

    /// A complaint about what has changed since is no help, and neither is a second try.
    #[test]
    fn a_complaint_that_was_overtaken_is_stale() {
        let retry = Retry { max: 3, ..Retry::default() };
        let seen = Seen { path: "/nowhere/at/all".into(), stamp: Some((1, 2, 3, 4)) };
        let order = Order { fresh: vec![seen], ..order("a", Terms { retry, ..Terms::default() }) };
        let ended = |how: How| of(&order, &start(), 0, &End { how, ..End::default() });
        for how in [How::Exited(0), How::Exited(1)] {
            let outcome = ended(how);
            assert!(outcome.is_stale && !outcome.is_failure, "{outcome:?}");
            assert!(outcome.ended.ends_with(", stale") && outcome.message.is_none());
        }
        for how in [How::TimedOut, How::Signalled(9), How::NotStarted("gone".to_owned())] {
            let outcome = ended(how);
            assert!(!outcome.is_stale && outcome.message.is_some(), "{outcome:?}");
        }
    }

    #[test]
    fn only_exit_0_is_a_success_and_decisions_mean_nothing() {
        let retry = Retry { max: 1, ..Retry::default() };
        let order = order("a", Terms { retry, ..Terms::default() });
        let ended = |how: How, stdout: &str| {
            let end =
                End { how, stdout: stdout.to_owned(), stderr: "\nwhy\n\n".to_owned(), took_ms: 7 };
            of(&order, &start(), 1, &end)
        };
        for how in [How::Exited(2), How::Signalled(9), How::TimedOut] {
            let outcome = ended(how, "");
            assert!(
                outcome.is_failure
                    && outcome.message.unwrap().ends_with(": why; see `cph jobs --state failed`")
            );
        }
        assert!(ended(How::Cancelled, "").is_cancelled);
        let said = ended(How::Exited(0), r#"{"decision": "block", "systemMessage": "m"}"#);
        assert_eq!((said.is_failure, said.message.as_deref()), (false, Some("`h`: m")));
        let plain = ended(How::Exited(0), "all is well");
        assert_eq!((plain.message, plain.context), (None, None));
        let long = format!("{{\"systemMessage\": \"{}\"}}", "x".repeat(9000));
        let long = ended(How::Exited(0), &long).message.unwrap();
        assert!(long.len() < 4000 && long.ends_with("(all of it: `cph jobs logs a`)"), "{long}");
    }
}
