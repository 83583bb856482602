use std::{fs::File, io::Write as _};

use super::*;
use crate::session::{active::Record, machine::table::Table};

/// A project, a directory of Claude Code, and an environment.
struct Stage {
    _scratch: tempfile::TempDir,
    root: PathBuf,
    project: PathBuf,
    env: Vec<(&'static str, String)>,
}

impl Stage {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap();
        let project = root.join("project");
        std::fs::create_dir_all(project.join(".claude")).unwrap();
        std::fs::create_dir_all(root.join("config/sessions")).unwrap();
        Self { _scratch: scratch, root, project, env: Vec::new() }
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn note(&self, pid: u32, session: &str, dir: &Path, start: &str) {
        let text = format!(
            r#"{{"pid":{pid},"sessionId":"{session}","cwd":"{}","startedAt":1,"procStart":"{start}",
                "version":"2.1.329","kind":"interactive","status":"busy","new":[1]}}"#,
            dir.display()
        );
        self.put(&format!("config/sessions/{pid}.json"), &text);
    }

    fn dir(&self) -> String {
        self.project.to_str().unwrap().to_owned()
    }

    fn detect(&self, table: &Table, effort: Effort) -> Report {
        let env = Env::from_pairs(self.env.iter().map(|(name, value)| (*name, value.as_str())));
        let claude_dir = self.root.join("config");
        let scene = Scene {
            env: &env,
            claude_dir: Some(&claude_dir),
            project: &self.project,
            machine: table,
        };
        detect(&scene, effort, true)
    }

    fn live(&self, table: &Table, effort: Effort) -> bool {
        self.detect(table, effort).verdict.live
    }
}

fn stale(report: &Report, kind: Kind) -> Option<Discount> {
    report.evidence.iter().find(|piece| piece.kind == kind).unwrap().stale.clone()
}

#[test]
fn nothing_shows_nothing() {
    let stage = Stage::new().set("CLAUDE_PROJECT_DIR", "/anything").set("CLAUDECODE", "");
    let report = stage.detect(&Table::default(), Effort::Everything);
    assert!(!report.verdict.live);
    assert!(report.evidence.iter().all(|piece| !piece.found), "{report:?}");
    assert!(report.evidence.is_sorted_by_key(|piece| piece.kind));
}

#[test]
fn a_session_that_fired_us_is_found_by_its_environment_alone() {
    let stage = Stage::new().set("CLAUDECODE", "1").set("CLAUDE_CODE_SESSION_ID", "s1");
    let stage = stage.set("CLAUDE_PID", "7");
    let table = Table::default().with(7, 500, &["claude"], &stage.dir()).below(7);
    let report = stage.detect(&table, Effort::Full);
    assert!(report.verdict.live);
    assert_eq!((report.verdict.session.as_deref(), report.verdict.pid), (Some("s1"), Some(7)));
    assert_eq!((report.evidence.len(), table.climbs.get(), table.scans.get()), (1, 0, 0));
}

#[test]
fn variables_that_outlived_their_session_prove_nothing() {
    let stage = Stage::new().set("CLAUDECODE", "1").set("CLAUDE_PID", "7");
    let gone = stage.detect(&Table::default(), Effort::Full);
    assert_eq!(stale(&gone, Kind::Environment), Some(Discount::Gone { pid: 7 }));
    let younger = Table::default().with(7, 2000, &["bash"], &stage.dir());
    let reused = stage.detect(&younger, Effort::Full);
    assert_eq!(stale(&reused, Kind::Environment), Some(Discount::Reused { pid: 7 }));
    assert!(!gone.verdict.live && !reused.verdict.live);
}

#[test]
fn variables_without_a_process_need_another_proof() {
    for name in ["CLAUDECODE", "CLAUDE_CODE_ACTIVE", "CLAUDE_CODE_CHILD_SESSION"] {
        let stage = Stage::new().set(name, "1");
        let report = stage.detect(&Table::default(), Effort::Full);
        assert_eq!(stale(&report, Kind::Environment), Some(Discount::NoProcess), "{name}");
        assert!(!report.verdict.live);
        let table = Table::default().with(7, 5, &["/bin/claude"], &stage.dir()).below(7);
        assert!(stage.live(&table, Effort::Full));
    }
}

#[test]
fn a_session_of_another_project_is_none_of_ours() {
    let stage = Stage::new().set("CLAUDE_PID", "7");
    let table = Table::default().with(7, 5, &["claude"], "/elsewhere").below(7);
    stage.note(7, "s", Path::new("/elsewhere"), "5");
    let report = stage.detect(&table, Effort::Everything);
    assert!(!report.verdict.live);
    let elsewhere = Some(Discount::OtherProject { dir: "/elsewhere".into() });
    for kind in [Kind::Environment, Kind::Ancestor, Kind::SessionFile, Kind::Process] {
        assert_eq!(stale(&report, kind), elsewhere, "{}", kind.name());
    }
}

#[test]
fn a_session_in_a_subdirectory_is_ours() {
    let stage = Stage::new();
    stage.put("project/src/x", "");
    let table = Table::default().with(7, 5, &["claude"], &format!("{}/src", stage.dir())).below(7);
    assert!(stage.live(&table, Effort::Full));
}

#[test]
fn a_session_in_a_working_tree_of_the_repository_is_ours() {
    let stage = Stage::new();
    let path = |name: &str| stage.root.join(name).display().to_string();
    stage.put("project/.git/HEAD", "ref: refs/heads/main\n");
    stage.put("tree/.git", &format!("gitdir: {}\n", path("project/.git/worktrees/t")));
    stage.put("project/.git/worktrees/t/commondir", "../..\n");
    stage.put("project/.git/worktrees/t/gitdir", &path("tree/.git"));
    // A forged one: it points there, and nothing points back.
    stage.put("forged/.git", &format!("gitdir: {}\n", path("project/.git/worktrees/t")));
    let at = |dir: &str| Table::default().with(7, 5, &["claude"], &path(dir)).below(7);
    assert!(stage.live(&at("tree"), Effort::Full));
    assert!(!stage.live(&at("forged"), Effort::Full));
}

#[test]
fn session_files_count_while_their_process_lives() {
    let stage = Stage::new();
    stage.note(7, "s7", &stage.project, "500");
    stage.put("config/sessions/7.0123.key", "token");
    stage.put("config/sessions/9.json", "{\"pid\": 8}");
    let table = |start| Table::default().with(7, start, &["claude"], "/");
    let report = stage.detect(&table(500), Effort::Full);
    assert_eq!(report.verdict.session.as_deref(), Some("s7"));
    assert!(report.evidence.iter().all(|piece| !piece.detail.contains("key")));
    let reused = stage.detect(&table(501), Effort::Full);
    assert_eq!(stale(&reused, Kind::SessionFile), Some(Discount::Reused { pid: 7 }));
    let gone = stage.detect(&Table::default(), Effort::Full);
    assert_eq!(stale(&gone, Kind::SessionFile), Some(Discount::Gone { pid: 7 }));
    assert!(!reused.verdict.live && !gone.verdict.live);
    let odd = gone.evidence.iter().find(|piece| piece.detail.contains("9.json")).unwrap();
    assert!(matches!(odd.stale, Some(Discount::Unreadable { .. })));
}

#[test]
fn a_session_file_without_a_start_is_no_proof() {
    let stage = Stage::new();
    stage.note(7, "s7", &stage.project, "some day");
    let table = Table::default().with(7, 500, &["claude"], "/");
    assert!(!stage.live(&table, Effort::Full));
}

#[test]
fn the_active_file_counts_while_its_process_lives() {
    let stage = Stage::new();
    stage.put("project/.claude/.active", "");
    let report = stage.detect(&Table::default(), Effort::Full);
    assert_eq!(stale(&report, Kind::ActiveFile), Some(Discount::NoProcess));
    let record = Record { pid: 7, start: 5, boot: "b".into(), session: "s".into() };
    let private = crate::sys::dir::open_private_dir(&stage.root.join("state")).unwrap();
    let mut table = Table::default().with(7, 5, &["claude"], "/");
    table.boot = "b".into();
    let deadline = crate::sys::clock::Deadline::never();
    crate::session::active::begin(&stage.project, &private, &record, &table, deadline).unwrap();
    let report = stage.detect(&table, Effort::Full);
    assert_eq!((report.verdict.session.as_deref(), report.verdict.pid), (Some("s"), Some(7)));
    table.boot = "c".into();
    let report = stage.detect(&table, Effort::Full);
    assert_eq!(stale(&report, Kind::ActiveFile), Some(Discount::OtherBoot));
    let reused = Table { boot: "b".into(), ..Table::default() }.with(7, 6, &["x"], "/");
    let report = stage.detect(&reused, Effort::Full);
    assert_eq!(stale(&report, Kind::ActiveFile), Some(Discount::Reused { pid: 7 }));
}

#[test]
fn all_processes_are_looked_through_only_when_it_is_needed() {
    let stage = Stage::new();
    let table = Table::default().with(7, 5, &["claude"], &stage.dir());
    let report = stage.detect(&table, Effort::Full);
    assert_eq!((report.verdict.live, report.verdict.pid, table.scans.get()), (true, Some(7), 1));
    stage.note(7, "s7", &stage.project, "5");
    assert!(stage.live(&table, Effort::Full));
    assert_eq!(table.scans.get(), 1);
    stage.detect(&table, Effort::Everything);
    assert_eq!(table.scans.get(), 2);
}

#[test]
fn a_server_that_runs_is_shown_and_proves_nothing() {
    let stage = Stage::new();
    let config = r#"{"mcpServers": {
        "orchestrator": {"command": "uvx", "args": ["orchestrator-mcp", "--key", "secret"]},
        "idle": {"command": "idle-server"}, "far": {"type": "http", "url": "https://x"}}}"#;
    stage.put("project/.mcp.json", config);
    let argv = ["python", "/cache/orchestrator-mcp", "--key", "secret"];
    let table = Table::default().with(9, 5, &argv, &stage.dir());
    let report = stage.detect(&table, Effort::Everything);
    assert!(!report.verdict.live);
    let servers: Vec<_> =
        report.evidence.iter().filter(|piece| piece.kind == Kind::McpServer).collect();
    assert_eq!(servers.len(), 3);
    assert_eq!((servers[0].found, servers[0].pid), (true, Some(9)));
    assert_eq!(servers[0].stale, Some(Discount::NoSession));
    assert!(!servers[1].found && !servers[2].found);
    assert!(!format!("{report:?}").contains("secret"));
}

#[test]
fn detection_that_is_off_sees_nothing() {
    let stage = Stage::new();
    let env = Env::from_pairs([("CLAUDECODE", "1"), ("CLAUDE_PID", "7")]);
    let table = Table::default().with(7, 5, &["claude"], &stage.dir()).below(7);
    let scene = Scene { env: &env, claude_dir: None, project: &stage.project, machine: &table };
    let report = detect(&scene, Effort::Everything, false);
    assert!(!report.verdict.live && report.evidence.is_empty());
    assert_eq!((table.climbs.get(), table.scans.get()), (0, 0));
}
