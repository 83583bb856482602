//! The pieces of evidence, one function each.
//!
//! Does not weigh one piece against another. Invariant: each function says at least once what it
//! looked at, found or not, and names no secret.

use crate::{
    json::{Kind as JsonKind, Node},
    session::{
        active,
        machine::{Process, is_claude, start_agrees},
    },
    sys::project_dir::ProjectDir,
};

use super::{
    Discount, Evidence, Kind, Scene,
    session_file::{self, Note},
};

type Piece = fn(&Scene<'_>) -> Vec<Evidence>;

/// Cheapest first.
pub(super) const CHEAP: [Piece; 4] = [environment, ancestors, active_file, session_files];

/// Variables that only Claude Code sets. `CLAUDE_PROJECT_DIR` is not among them: other agents set
/// it too.
const SIGNS: [&str; 5] = [
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_PID",
    "CLAUDE_CODE_ACTIVE",
];

fn environment(scene: &Scene<'_>) -> Vec<Evidence> {
    let is_set = |name: &&&str| scene.env.get(name).is_some_and(|v| !v.is_empty() && v != "0");
    let seen: Vec<&str> = SIGNS.iter().filter(is_set).copied().collect();
    if seen.is_empty() {
        return vec![Evidence::absent(Kind::Environment, "no variable of Claude Code")];
    }
    let session = scene.env.text("CLAUDE_CODE_SESSION_ID").filter(|id| !id.is_empty());
    let pid = scene.env.text("CLAUDE_PID").and_then(|pid| pid.parse().ok());
    vec![Evidence {
        pid,
        session: session.map(str::to_owned),
        stale: of_environment(scene, pid),
        ..Evidence::found(Kind::Environment, seen.join(", "))
    }]
}

/// Variables outlive the session that set them, in whatever it left running.
fn of_environment(scene: &Scene<'_>, pid: Option<u32>) -> Option<Discount> {
    let Some(pid) = pid else {
        return Some(Discount::NoProcess);
    };
    let Some(start) = scene.machine.start_of(pid) else {
        return Some(Discount::Gone { pid });
    };
    // Whoever handed us the variable was there before us.
    if scene.machine.own_start().is_some_and(|own| start > own) {
        return Some(Discount::Reused { pid });
    }
    let told = scene.env.get("CLAUDE_PROJECT_DIR").map(std::path::PathBuf::from);
    let noted = || scene.claude_dir.and_then(|dir| session_file::of(dir, pid)?.cwd);
    let dir = told.or_else(noted).or_else(|| scene.machine.working_dir_of(pid));
    scene.elsewhere(dir.as_deref())
}

fn ancestors(scene: &Scene<'_>) -> Vec<Evidence> {
    let Some(process) = scene.machine.ancestors().into_iter().find(is_claude) else {
        return vec![Evidence::absent(Kind::Ancestor, "no `claude` started this process")];
    };
    vec![of_process(scene, Kind::Ancestor, &process)]
}

fn of_process(scene: &Scene<'_>, kind: Kind, process: &Process) -> Evidence {
    let pid = process.pid;
    let note = scene.claude_dir.and_then(|dir| session_file::of(dir, pid));
    let note = note.filter(|note| of_note(scene, note).is_none());
    let dir = scene.machine.working_dir_of(pid);
    // The working directory of the process is where it was started; its session may have moved.
    let stale = if note.is_some() { None } else { scene.elsewhere(dir.as_deref()) };
    Evidence {
        pid: Some(pid),
        session: note.and_then(|note| note.session),
        stale,
        ..Evidence::found(kind, format!("`{}`, process {pid}", process.name))
    }
}

fn active_file(scene: &Scene<'_>) -> Vec<Evidence> {
    let path = scene.project.join(active::DIRECTORY).join(active::NAME);
    let place = path.display().to_string();
    let records = match active::read(scene.project) {
        Ok(Some(records)) => records,
        Ok(None) => return vec![Evidence::absent(Kind::ActiveFile, place)],
        Err(error) => return vec![Evidence::unreadable(Kind::ActiveFile, place, error)],
    };
    if records.is_empty() {
        // Other tools leave an empty file there as a flag.
        let stale = Some(Discount::NoProcess);
        return vec![Evidence { stale, ..Evidence::found(Kind::ActiveFile, place) }];
    }
    let evidence = |record: active::Record| Evidence {
        pid: Some(record.pid),
        stale: of_record(scene, &record),
        session: Some(record.session),
        ..Evidence::found(Kind::ActiveFile, place.clone())
    };
    records.into_iter().map(evidence).collect()
}

fn of_record(scene: &Scene<'_>, record: &active::Record) -> Option<Discount> {
    let pid = record.pid;
    if record.boot != scene.machine.boot() {
        return Some(Discount::OtherBoot);
    }
    match scene.machine.start_of(pid) {
        None => Some(Discount::Gone { pid }),
        Some(start) => (start != record.start).then_some(Discount::Reused { pid }),
    }
}

fn session_files(scene: &Scene<'_>) -> Vec<Evidence> {
    let Some(claude_dir) = scene.claude_dir else {
        return vec![Evidence::absent(Kind::SessionFile, "no directory of Claude Code is known")];
    };
    let notes = session_file::all(claude_dir);
    if notes.is_empty() {
        let dir = claude_dir.join("sessions");
        return vec![Evidence::absent(Kind::SessionFile, format!("none in {}", dir.display()))];
    }
    let evidence = |(path, note): (std::path::PathBuf, Result<Note, String>)| {
        let place = path.display().to_string();
        match note {
            Ok(note) => of_session(scene, &place, note),
            Err(reason) => Evidence::unreadable(Kind::SessionFile, place, reason),
        }
    };
    notes.into_iter().map(evidence).collect()
}

fn of_session(scene: &Scene<'_>, place: &str, note: Note) -> Evidence {
    let version = note.version.as_deref().unwrap_or("unknown");
    let status = note.status.as_deref().map(|s| format!(", {s}")).unwrap_or_default();
    Evidence {
        pid: Some(note.pid),
        stale: of_note(scene, &note),
        session: note.session,
        ..Evidence::found(Kind::SessionFile, format!("{place} (version {version}{status})"))
    }
}

/// After a crash the file stays, and ids are used again.
fn of_note(scene: &Scene<'_>, note: &Note) -> Option<Discount> {
    let pid = note.pid;
    let Some(start) = scene.machine.start_of(pid) else {
        return Some(Discount::Gone { pid });
    };
    match note.start.as_deref().and_then(|noted| start_agrees(noted, start)) {
        Some(false) => return Some(Discount::Reused { pid }),
        None => {
            let reason = "it does not tell when its process was started".to_owned();
            return Some(Discount::Unreadable { reason });
        }
        Some(true) => {}
    }
    if !note.is_session() {
        return Some(Discount::NoSession);
    }
    scene.elsewhere(note.cwd.as_deref())
}

/// What only a look through all processes shows.
pub(super) fn of_processes(scene: &Scene<'_>) -> Vec<Evidence> {
    let processes = scene.machine.processes();
    let mut evidence: Vec<Evidence> = processes
        .iter()
        .filter(|process| is_claude(process))
        .map(|process| of_process(scene, Kind::Process, process))
        .collect();
    if evidence.is_empty() {
        evidence.push(Evidence::absent(Kind::Process, "no `claude` runs"));
    }
    evidence.extend(servers(scene, &processes));
    evidence
}

/// Servers that the project tells Claude Code to start.
fn servers(scene: &Scene<'_>, processes: &[Process]) -> Vec<Evidence> {
    const NAME: &str = ".mcp.json";
    let read = ProjectDir::open(scene.project, "").and_then(|dir| match dir {
        Some(dir) => dir.read(NAME),
        None => Ok(None),
    });
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return vec![Evidence::absent(Kind::McpServer, "no `.mcp.json`")],
        Err(error) => return vec![Evidence::unreadable(Kind::McpServer, NAME, error)],
    };
    let text = String::from_utf8_lossy(&bytes);
    let Ok(root) = Node::document(&text) else {
        return vec![Evidence::unreadable(Kind::McpServer, NAME, "not a JSON document")];
    };
    let servers = root.get("mcpServers").map(|servers| servers.members()).unwrap_or_default();
    servers.iter().map(|member| server(&member.key, member.value, processes)).collect()
}

/// Arguments may hold keys: only the name is shown.
fn server(name: &str, configured: Node<'_>, processes: &[Process]) -> Evidence {
    let Some(command) = configured.get("command").and_then(|node| node.as_str()) else {
        return Evidence::absent(Kind::McpServer, format!("`{name}` is not a local program"));
    };
    let args = configured.get("args").map(|args| args.items()).unwrap_or_default();
    let args: Vec<_> = args
        .iter()
        .filter(|arg| arg.kind() == JsonKind::String)
        .filter_map(Node::as_str)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    // Launchers such as `npx` are replaced by what they launch, which keeps the arguments.
    let runs = |process: &&Process| {
        let has = |arg: &str| process.args.iter().any(|own| names(own, arg));
        if args.is_empty() { has(&command) } else { args.iter().all(|arg| has(arg)) }
    };
    match processes.iter().find(runs) {
        Some(process) => Evidence {
            pid: Some(process.pid),
            stale: Some(Discount::NoSession),
            ..Evidence::found(Kind::McpServer, format!("`{name}`, process {}", process.pid))
        },
        None => Evidence::absent(Kind::McpServer, format!("`{name}` does not run")),
    }
}

/// Whether an argument is `arg`, or a path that ends with it.
fn names(own: &str, arg: &str) -> bool {
    own.strip_suffix(arg).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
