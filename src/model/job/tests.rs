use proptest::prelude::*;

use super::*;

fn read(fields: &[(&str, &str)]) -> (Terms, Vec<(&'static str, String)>) {
    let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Terms::read(&fields.collect())
}

#[test]
fn every_field_is_read() {
    let (terms, faults) = read(&[
        ("retry", r#"{"max": 3, "delay_ms": 10}"#),
        ("rate_limit", "6"),
        ("batch", r#"{"strategy": "adaptive", "max_size": 7}"#),
        ("limits", r#"{"memory_mb": 256, "concurrency": 2}"#),
        ("priority", "\"high\""),
        ("on_busy", "\"restart\""),
        ("fresh", r#"["src/a"]"#),
        ("queue", r#"{"max": 5, "when_full": "drop_oldest"}"#),
        ("durability", "\"power\""),
    ]);
    assert_eq!(faults, []);
    assert_eq!((terms.retry.max, terms.retry.delay_ms), (3, 10));
    assert_eq!(terms.rate_limit, Some(Rate { max: 6, per_s: 60 }));
    let batch = terms.batch.unwrap();
    assert_eq!((batch.strategy, batch.max_size, batch.window_ms), (Gathering::Adaptive, 7, 50));
    assert_eq!((terms.limits.memory_mb, terms.limits.concurrency), (Some(256), Some(2)));
    assert_eq!((terms.priority, terms.on_busy), (Priority::High, OnBusy::Restart));
    assert_eq!(terms.queue.when_full, WhenFull::DropOldest);
    assert_eq!((terms.fresh, terms.durability), (vec!["src/a".to_owned()], Durability::Power));
}

#[test]
fn what_cannot_be_understood_is_named_and_left_out() {
    let (terms, faults) = read(&[
        ("retry", r#"{"mx": 3}"#),
        ("rate_limit", "0"),
        ("batch", "[]"),
        ("priority", "\"urgent\""),
        ("on_busy", "\"drop\""),
    ]);
    let fields: Vec<_> = faults.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields, ["retry", "rate_limit", "batch", "priority"]);
    assert!(faults[0].1.contains("unknown field `mx`, expected one of `max`"), "{faults:?}");
    assert!(!faults[0].1.contains("line"), "{faults:?}");
    assert_eq!(terms, Terms { on_busy: OnBusy::Drop, ..Terms::default() });
}

proptest! {
    #[test]
    fn delays_grow_up_to_the_longest(failures in 1_u32..200, chance in 0.0..1.0_f64) {
        let retry = Retry::default();
        let delay = retry.delay_ms(failures, chance);
        prop_assert!(delay <= retry.max_delay_ms);
        prop_assert!(delay >= 750);
        prop_assert!(retry.delay_ms(failures + 1, 0.0) >= retry.delay_ms(failures, 0.0));
    }
}
