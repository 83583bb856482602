use super::*;
use crate::session::machine::table::Table;

const LIVE: Duration = Duration::from_mins(10);

fn private() -> (tempfile::TempDir, PrivateDir) {
    let scratch = tempfile::tempdir().unwrap();
    let private = dir::open_private_dir(&scratch.path().join("state")).unwrap();
    (scratch, private)
}

fn now(seconds: u64) -> Now {
    Now {
        boot_time: Duration::from_secs(seconds),
        boot: "b".to_owned(),
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds),
    }
}

fn fired(private: &PrivateDir, seconds: u64) -> Option<Fired> {
    last_fired(private, Processor::TaskOrchestrator, &now(seconds))
}

fn touch_at(private: &PrivateDir, seconds: u64, session: &str) {
    touch(private, Processor::TaskOrchestrator, &now(seconds), session).unwrap();
}

#[test]
fn a_firing_counts_for_a_while() {
    let (_scratch, private) = private();
    assert_eq!(fired(&private, 0), None);
    touch_at(&private, 100, "a much longer session name");
    touch_at(&private, 200, "s 1\nx");
    let last = fired(&private, 260).unwrap();
    assert_eq!(last, Fired { ago: Duration::from_mins(1), session: "s 1x".to_owned() });
    assert_eq!(last_fired(&private, Processor::ClaudeCode, &now(260)), None);
    let table = Table::default();
    let live = |seconds| {
        let fired = fired(&private, seconds);
        orchestrator(fired.as_ref(), None, &table, &now(seconds), LIVE).live
    };
    assert!(live(200) && live(800) && !live(801));
}

#[test]
fn who_is_done_is_not_live_unless_somebody_else_fired_since() {
    let (_scratch, private) = private();
    let retire = |who| retire(&private, Processor::TaskOrchestrator, &now(100), who).unwrap();
    retire("R1");
    touch_at(&private, 100, "R1");
    retire("R2");
    assert!(fired(&private, 100).is_some());
    retire("R1");
    assert_eq!(fired(&private, 100), None);
}

#[test]
fn a_firing_of_another_boot_never_was() {
    let (_scratch, private) = private();
    touch_at(&private, 100, "");
    let rebooted = Now { boot: "c".to_owned(), ..now(100) };
    assert_eq!(last_fired(&private, Processor::TaskOrchestrator, &rebooted), None);
    assert_eq!(fired(&private, 100).unwrap().session, "");
}

#[test]
fn half_a_line_is_no_firing() {
    let (_scratch, private) = private();
    touch_at(&private, 100, "session");
    let whole = std::fs::read(private.path().join("fired-task_orchestrator")).unwrap();
    for cut in 0..whole.len() {
        let file = private.open_or_create("fired-task_orchestrator").unwrap();
        file.set_len(0).unwrap();
        file.write_all_at(&whole[..cut], 0).unwrap();
        assert_eq!(fired(&private, 100), None, "{cut}");
    }
}

#[test]
fn a_heartbeat_needs_a_process_and_a_date() {
    let table = Table::default().with(7, 5, &["orchestrator"], "/");
    let beat = |pid, start, age: i64| {
        let at = now(5000).wall;
        let span = Duration::from_secs(age.unsigned_abs());
        let at = if age < 0 { at + span } else { at - span };
        let heartbeat = Heartbeat { pid, start, at };
        orchestrator(None, Some(&heartbeat), &table, &now(5000), LIVE).live
    };
    let cases = [
        (7, Some(5), 0, true),
        (7, None, 600, true),
        (7, None, 601, false),
        (7, Some(6), 0, false),
        (8, None, 0, false),
        (7, None, -60, true),
        (7, None, -61, false),
    ];
    for (pid, start, age, expected) in cases {
        assert_eq!(beat(pid, start, age), expected, "{pid} {start:?} {age}");
    }
}

#[test]
fn nobody_is_live_without_a_sign() {
    let table = Table::default().with(7, 5, &["orchestrator-mcp"], "/");
    let verdict = orchestrator(None, None, &table, &now(0), LIVE);
    assert_eq!((verdict.live, verdict.because.as_str()), (false, "it never fired here"));
}
