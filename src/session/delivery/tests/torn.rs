//! Run files that end anywhere.

use std::os::unix::fs::FileExt as _;

use super::*;
use crate::{session::ledger::read_all, sys::process::Identity};

/// Everything that a holder writes, and the bytes of it.
fn whole(state: &PrivateDir) -> (OccurrenceId, Vec<u8>) {
    let mut claim = first(arrives_at(state, "u", &at(1)));
    let starts = claim.start([&hook("a"), &hook("b"), &hook("c")]).unwrap();
    let process = |number: u32| Identity { pid: 40 + number, start: 7 };
    claim.spawned(starts.iter().zip((0..).map(process))).unwrap();
    claim.done(&hook("a"), &serde_json::json!({"text": "a \u{e9} \n b"}), false).unwrap();
    claim.done(&hook("b"), &serde_json::json!(null), true).unwrap();
    let id = claim.occurrence().clone();
    claim.delivered().unwrap();
    let file = open_dir(state).unwrap().open_read(id.run_file()).unwrap();
    (id, read_all(&file).unwrap())
}

#[test]
fn a_prefix_never_tells_more_than_was_done() {
    let (_scratch, state) = scratch();
    let (id, bytes) = whole(&state);
    let dir = open_dir(&state).unwrap();
    let mut last = (0, 0);
    for cut in 0..=bytes.len() {
        let name = OccurrenceId::new(&at(1));
        let file = dir.create_new(name.run_file()).unwrap();
        file.write_all_at(&bytes[..cut], 0).unwrap();
        let progress = Progress::read(&file, &id).unwrap();
        let is_whole = cut + 1 >= bytes.len();
        assert_eq!(progress.is_delivered, is_whole, "cut at {cut}");
        let started = progress.unfinished.len() + progress.done.len();
        let now = (started, progress.done.len());
        assert!(now.0 >= last.0 && now.1 >= last.1, "cut at {cut}");
        for done in progress.done.values() {
            assert!(["{\"text\":\"a \u{e9} \\n b\"}", "null"].contains(&done.answer.get()));
        }
        last = now;
    }
    assert_eq!(last, (3, 2));
}

#[test]
fn a_taker_goes_on_behind_a_torn_line() {
    let (_scratch, state) = scratch();
    let (_, bytes) = whole(&state);
    let dir = open_dir(&state).unwrap();
    for cut in (0..bytes.len() - 1).step_by(7) {
        let name = OccurrenceId::new(&at(1));
        dir.create_new(name.run_file()).unwrap().write_all_at(&bytes[..cut], 0).unwrap();
        let (mut claim, before) = claim_named(&state, &name).unwrap().unwrap();
        claim.done(&hook("d"), &1, true).unwrap();
        drop(claim);
        let (claim, after) = claim_named(&state, &name).unwrap().unwrap();
        assert_eq!(after.done.len(), before.done.len() + 1, "cut at {cut}");
        assert_eq!(after.unfinished.len(), before.unfinished.len());
        claim.delivered().unwrap();
        let (_, last) = claim_named(&state, &name).unwrap().unwrap();
        assert!(last.is_delivered);
    }
}
