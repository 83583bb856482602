//! `cph statusline`: what Claude Code shows below the prompt.
//!
//! A human waits for it as for a hook: it reads small files and opens no database. Invariants: says
//! nothing where there is nothing to say, whatever it is told; no line is wider than the terminal.

use std::{
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use anstyle::Style;
use serde_json::Value;

use crate::{
    cli::{
        args::{Colour, Global},
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, NAME, Output, WARN, styled},
    },
    config::locate,
    diag::render::text::clean,
    session::place as state_place,
    sys::{
        place::{self, Env, Places},
        trace,
    },
    tasks::live::{Live, Shown, Snapshot},
};

/// Longer than anything that Claude Code tells.
const LARGEST: u64 = 1 << 20;

/// Where nobody says how wide the terminal is.
const USUAL_WIDTH: usize = 100;

/// Runs with a line of their own.
const MOST_LINES: usize = 3;

/// Cells of the bar.
const CELLS: usize = 8;

/// How long the end of a run is shown, in milliseconds.
const SHOWN_AFTER: i64 = 10 * 60 * 1000;

pub(in crate::cli) fn run(global: &Global) -> Result<Exit, Failure> {
    let env = Env::current();
    if let Some(path) = env.get("CPH_TRACE") {
        // Without it only whoever looks at the trace misses something.
        drop(trace::start(path.as_ref()));
    }
    let _whole = trace::scope("statusline");
    let told = told();
    let Some(state_dir) = Places::from_env(&env).state_dir else { return Ok(Exit::Fine) };
    let root = project(global, &env, &told);
    let state = state_place::existing(&state_dir, &root);
    let Some(state) = state.map_err(|error| Failure::of(&error))? else { return Ok(Exit::Fine) };
    let Some(live) = Live::seen(&state) else { return Ok(Exit::Fine) };
    let session = told.get("session_id").and_then(Value::as_str);
    let output = Output::new(colour(global, &env));
    for line in lines(&live, session, width(&env)) {
        output.line(line);
    }
    Ok(Exit::Fine)
}

/// What Claude Code tells of the session; nothing where a person asks.
fn told() -> Value {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Value::Null;
    }
    let mut text = Vec::new();
    let read = stdin.take(LARGEST).read_to_end(&mut text);
    read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// The project as hooks see it.
fn project(global: &Global, env: &Env, told: &Value) -> PathBuf {
    let text = |at: &str| told.pointer(at).and_then(Value::as_str).map(Path::new);
    let here = place::working_dir().unwrap_or_else(|_| PathBuf::from("/"));
    if let Some(project) = &global.project {
        return place::canonical(&here.join(project));
    }
    let project = text("/workspace/project_dir");
    let project = project.or_else(|| env.get("CLAUDE_PROJECT_DIR").map(Path::new));
    let home = Places::from_env(env).home;
    let cwd = text("/cwd").unwrap_or(&here);
    place::canonical(&locate::find_project(project, cwd, home.as_deref()))
}

/// The reader is a program that shows colours, whatever stdout looks like.
fn colour(global: &Global, env: &Env) -> Colour {
    let is_unwanted = || env.text("NO_COLOR").is_some_and(|value| !value.is_empty());
    match global.color {
        Colour::Auto if is_unwanted() => Colour::Never,
        Colour::Auto => Colour::Always,
        wanted => wanted,
    }
}

fn width(env: &Env) -> usize {
    let told = env.text("COLUMNS").and_then(|columns| columns.parse().ok());
    told.filter(|columns| *columns > 0).unwrap_or(USUAL_WIDTH)
}

/// A line for each run of the session, one for all others.
fn lines(live: &Live<'_>, session: Option<&str>, width: usize) -> Vec<String> {
    let is_ours = |run: &Snapshot| session.is_none() || run.session.as_deref() == session;
    let is_shown = |run: &Snapshot| !run.has_ended() || run.age_ms() < SHOWN_AFTER;
    let mut runs = live.untold();
    runs.extend(live.all_told());
    runs.retain(is_shown);
    // What goes on, then what is new.
    runs.sort_by_key(|run| (run.has_ended(), std::cmp::Reverse(run.number())));
    runs.dedup_by(|one, other| one.run == other.run);
    let (ours, others): (Vec<_>, Vec<_>) = runs.into_iter().partition(is_ours);
    let mut lines: Vec<_> = ours.iter().take(MOST_LINES).map(|run| line(run, width)).collect();
    let rest = ours.iter().skip(MOST_LINES).chain(&others).filter(|run| !run.has_ended());
    let rest: Vec<_> = rest.map(|run| format!("{} {}", run.run, count(run))).collect();
    if !rest.is_empty() {
        lines.push(joined(vec![(DIM, format!("also running: {}", rest.join(", ")))], width));
    }
    lines
}

fn count(run: &Snapshot) -> String {
    format!("{}/{}", run.ended, run.total)
}

/// `R42 ▰▰▰▰▱▱▱▱ 2/4 · W3 80% parsing · W4 c.txt`
fn line(run: &Snapshot, width: usize) -> String {
    let mut parts = vec![head(run)];
    let is_running = |task: &Shown| task.state == "running" && !run.has_ended();
    let of = |test: &dyn Fn(&Shown) -> bool, style: Style| {
        let found = run.numbered().filter(|(_, task)| test(task));
        found.map(|(number, task)| (style, said(number, task))).collect::<Vec<_>>()
    };
    parts.extend(of(&Shown::has_failed, BAD));
    parts.extend(of(&is_running, Style::new()));
    joined(parts, width)
}

fn said(number: usize, task: &Shown) -> String {
    if task.has_failed() {
        return format!("W{number} {} {}", task.name, task.words());
    }
    format!("W{number} {}", task.words())
}

fn head(run: &Snapshot) -> (Style, String) {
    let (id, count) = (&run.run, count(run));
    match &*run.status {
        "succeeded" => (GOOD, format!("{id} ✓ {count}")),
        "starting" => (NAME, format!("{id} starting")),
        "running" => (NAME, format!("{id} {} {count}", bar(run))),
        "interrupted" | "cancelled" => (WARN, format!("{id} {} {count}", run.status)),
        status => (BAD, format!("{id} ✗ {status} {count}")),
    }
}

/// How far the run is, as far as its tasks say it.
fn bar(run: &Snapshot) -> String {
    let running = run.tasks.iter().filter(|task| task.state == "running");
    let percents: u64 = running.filter_map(|task| task.percent).sum();
    let done = run.ended * 100 + usize::try_from(percents).unwrap_or(0);
    let filled = (done * CELLS / (run.total.max(1) * 100)).min(CELLS);
    format!("{}{}", "▰".repeat(filled), "▱".repeat(CELLS - filled))
}

/// As many parts as there is room for.
fn joined(parts: Vec<(Style, String)>, width: usize) -> String {
    const BETWEEN: &str = " · ";
    let mut line = String::new();
    let mut room = width;
    let count = parts.len();
    for (at, (style, text)) in parts.into_iter().enumerate() {
        let text = clean(&text);
        let before = if at == 0 { "" } else { BETWEEN };
        // Behind all but the last one there must be room to say that there is more.
        let reserve = if at + 1 < count { columns(BETWEEN) + 1 } else { 0 };
        let needed = columns(before) + columns(&text) + reserve;
        if needed > room {
            let kept = cut(&text, room.saturating_sub(columns(before) + 1));
            let kept = if at == 0 { format!("{kept}…") } else { "…".to_owned() };
            line.push_str(before);
            line.push_str(&styled(style, kept));
            break;
        }
        room -= columns(before) + columns(&text);
        line.push_str(before);
        line.push_str(&styled(style, text));
    }
    line
}

fn cut(text: &str, room: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += columns_of(*c);
        used <= room
    };
    text.chars().take_while(fits).collect()
}

fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Marks on the letter before, and what is not seen.
const NARROW: &[(u32, u32)] = &[(0x300, 0x36f), (0x200b, 0x200f), (0xfe0f, 0xfe0f)];

/// East Asian letters and pictures.
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f),
    (0x2e80, 0xa4cf),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff00, 0xff60),
    (0x1f300, 0x1faff),
    (0x20000, 0x3fffd),
];

/// How many columns a terminal takes for it; near enough.
fn columns_of(c: char) -> usize {
    let code = u32::from(c);
    let is_in =
        |ranges: &[(u32, u32)]| ranges.iter().any(|(from, to)| (*from..=*to).contains(&code));
    match () {
        () if is_in(NARROW) => 0,
        () if is_in(WIDE) => 2,
        () => 1,
    }
}
