//! `cph demo`: a scratch project, events of both processors, and a readable account.
//!
//! Knows what must come out, and says so when it does not. Invariant: what is told was seen: the
//! hooks themselves write down that they ran, and the answers are what `cph dispatch` printed.

mod stage;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    cli::{
        args::Demo,
        exit::Exit,
        failure::Failure,
        output::{BAD, DIM, GOOD, HEADING, NAME, Output, styled},
    },
    diag::render::text::clean,
    model::Processor::{self, ClaudeCode, TaskOrchestrator},
    sys::place::Env,
};

use super::Desk;
use stage::{Answered, Firing, Scene, Stage};

/// As much of an answer as is shown.
const SHOWN: usize = 150;

/// What is fired at once, and what must come of it.
struct Act {
    title: &'static str,
    firings: Vec<Firing>,
    checks: &'static [Check],
}

/// A sentence, and whether it is true of a scene.
type Check = (&'static str, fn(&Scene) -> bool);

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Demo) -> Result<Exit, Failure> {
    let fault = |error: &std::io::Error| {
        Failure::of(error).hint("the demo needs `sh` and a temporary directory")
    };
    let stage = Stage::set(&Env::current(), args.keep).map_err(|error| fault(&error))?;
    let out = desk.output;
    out.line(styled(HEADING, "Two processors, two hook files, one cph in front"));
    out.line(
        "  .claude/hooks.json             branch, guard, quiet, budget, format, notify, 1 broken",
    );
    out.line("  .task_orchestrator/hooks.json  rules, notify");
    let project = stage.project().display().to_string();
    let began = Instant::now();
    let mut results = Vec::new();
    for (index, act) in acts(&project).iter().enumerate() {
        let scene = stage.fire(&act.firings).map_err(|error| fault(&error))?;
        tell(out, &project, index + 1, act.title, &scene);
        results.extend(act.checks.iter().map(|(what, holds)| (*what, holds(&scene))));
    }
    if args.keep {
        out.line(format_args!("\nkept in {}", stage.project().display()));
    }
    Ok(verdict(out, &results, began.elapsed()))
}

fn acts(project: &str) -> Vec<Act> {
    let fire = |by, event, registration, fields| Firing {
        by,
        event,
        registration,
        payload: payload(project, by, event, fields),
    };
    let bash = |command: &str, id: &str| json!({"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": id});
    let run = |id: &str| json!({"correlation_id": id});
    vec![
        Act {
            title: "A prompt is sent, and the orchestrator plans it: the same occurrence",
            firings: vec![
                fire(
                    ClaudeCode,
                    "UserPromptSubmit",
                    "p1",
                    json!({"prompt": "fix it", "correlation_id": "run-1"}),
                ),
                fire(TaskOrchestrator, "TaskPlan", "o1", run("run-1")),
            ],
            checks: &[
                ("both were told both contexts, in the order of the files", told_both_contexts),
                ("each context hook ran once for two processors", |scene| {
                    scene.ran == ["branch", "rules"]
                }),
            ],
        },
        Act {
            title: "Claude Code is about to run `rm -rf build`, and cph is registered twice",
            firings: vec![
                fire(ClaudeCode, "PreToolUse", "p1", bash("rm -rf build", "toolu_1")),
                fire(ClaudeCode, "PreToolUse", "u1", bash("rm -rf build", "toolu_1")),
            ],
            checks: &[
                ("the command was refused, with the reason", refused_once),
                ("two registrations, one run of the guard", |scene| scene.ran == ["guard"]),
            ],
        },
        Act {
            title: "Two hooks rewrite `npm test`, the second what the first has made of it",
            firings: vec![fire(ClaudeCode, "PreToolUse", "p1", bash("npm test", "toolu_2"))],
            checks: &[
                ("the rewrites built on each other", |scene| {
                    said(&scene.answers[0], "updatedInput")["command"]
                        == "timeout 60 npm test --silent"
                }),
                ("the guard looked again at what became of the command", |scene| {
                    scene.ran.iter().filter(|name| *name == "guard").count() == 2
                }),
            ],
        },
        Act {
            title: "Files were edited, of which only one is Python",
            firings: vec![
                fire(ClaudeCode, "PostToolUse", "p1", edit("app.py", "toolu_3")),
                fire(ClaudeCode, "PostToolUse", "p1", edit("notes.md", "toolu_4")),
            ],
            checks: &[("the formatter ran for one file and nobody said a word", |scene| {
                scene.ran == ["format"]
                    && scene.answers.iter().all(|a| a.code == Some(0) && a.stdout.is_empty())
            })],
        },
        Act {
            title: "The end, told by both processors at the same moment",
            firings: vec![
                fire(ClaudeCode, "Stop", "p1", run("run-1")),
                fire(TaskOrchestrator, "TaskComplete", "o1", run("run-1")),
            ],
            checks: &[
                ("notify stands in both files and ran once", |scene| scene.ran == ["notify"]),
                ("the broken entry cost only itself, and was named", broken_was_named),
            ],
        },
    ]
}

fn payload(project: &str, by: Processor, event: &str, fields: Value) -> String {
    // Each processor has sessions of its own, and is told of a broken entry once in each.
    let session = format!("demo-{by}");
    let mut all = json!({"hook_event_name": event, "session_id": session, "cwd": project});
    if let (Some(all), Value::Object(fields)) = (all.as_object_mut(), fields) {
        all.extend(fields);
    }
    format!("{all}\n")
}

fn edit(file: &str, id: &str) -> Value {
    json!({"tool_name": "Edit", "tool_input": {"file_path": file}, "tool_use_id": id})
}

/// A field of an answer's `hookSpecificOutput`.
fn said(answer: &Answered, field: &str) -> Value {
    let answer: Value = serde_json::from_str(&answer.stdout).unwrap_or_default();
    answer["hookSpecificOutput"][field].clone()
}

fn told_both_contexts(scene: &Scene) -> bool {
    scene.answers.iter().all(|answer| {
        let context = said(answer, "additionalContext");
        let context = context.as_str().unwrap_or_default();
        let (branch, rules) = (context.find("On branch main"), context.find("House rule"));
        branch.is_some() && branch < rules
    })
}

fn refused_once(scene: &Scene) -> bool {
    let spoken: Vec<_> = scene.answers.iter().filter(|a| !a.stdout.is_empty()).collect();
    let [answer] = spoken.as_slice() else { return false };
    let reason = said(answer, "permissionDecisionReason");
    said(answer, "permissionDecision") == "deny"
        && reason.as_str().is_some_and(|reason| reason.contains("git clean"))
}

fn broken_was_named(scene: &Scene) -> bool {
    scene.answers.iter().all(|answer| {
        let told = format!("{}{}", answer.stdout, answer.stderr);
        answer.code == Some(0) && told.contains("comand")
    })
}

fn tell(out: &Output, project: &str, number: usize, title: &str, scene: &Scene) {
    let took = styled(DIM, format_args!("{} ms", scene.took.as_millis()));
    out.line(format_args!("\n{} {took}", styled(HEADING, format_args!("{number}. {title}"))));
    let mut answers: Vec<_> = scene.answers.iter().collect();
    // Of two copies either may be the one that answers.
    answers.sort_by_key(|answer| (answer.by, answer.stdout.is_empty()));
    for answer in &answers {
        let is_same = |other: &&Answered| (other.by, other.event) == (answer.by, answer.event);
        let is_copy = answers.iter().any(|other| is_same(other) && !other.stdout.is_empty());
        out.line(format_args!("   {}", answer_text(answer, is_copy, project)));
    }
    out.line(format_args!("   {} {}", styled(DIM, "ran"), ran_text(&scene.ran)));
}

fn answer_text(answer: &Answered, is_copy: bool, project: &str) -> String {
    let who = match answer.by {
        Processor::ClaudeCode => "Claude Code",
        Processor::TaskOrchestrator => "orchestrator",
    };
    let what = match (answer.code, answer.stdout.trim()) {
        (Some(0), "") if is_copy => styled(DIM, "a copy: answered already"),
        (Some(0), "") => styled(DIM, "no answer needed"),
        (Some(0), text) => shortened(text, project),
        (code, _) => {
            let told = clean(answer.stderr.trim());
            styled(BAD, format_args!("exit {}: {told}", code.unwrap_or(-1)))
        }
    };
    format!("{who:<12} {} {what}", styled(NAME, format_args!("{:<16}", answer.event)))
}

/// The answer without what is the same in all of them.
fn shortened(text: &str, project: &str) -> String {
    let mut answer: Value = serde_json::from_str(text).unwrap_or_default();
    if let Some(own) = answer["hookSpecificOutput"].as_object_mut() {
        own.shift_remove("hookEventName");
    }
    if answer["hookSpecificOutput"].is_null()
        && let Some(all) = answer.as_object_mut()
    {
        all.shift_remove("hookSpecificOutput");
    }
    let text = clean(&answer.to_string()).replace(&format!("{project}/"), "");
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// `guard ×2, quiet`
fn ran_text(ran: &[String]) -> String {
    let same = ran.chunk_by(|a, b| a == b);
    let names = same.map(|same| match same.len() {
        1 => styled(NAME, clean(&same[0])),
        count => format!("{} ×{count}", styled(NAME, clean(&same[0]))),
    });
    names.collect::<Vec<_>>().join(", ")
}

fn verdict(out: &Output, results: &[(&str, bool)], took: Duration) -> Exit {
    out.line("");
    for (what, holds) in results {
        let mark = if *holds { styled(GOOD, "✓") } else { styled(BAD, "✗") };
        out.line(format_args!(" {mark} {what}"));
    }
    let failed = results.iter().filter(|(_, holds)| !holds).count();
    let took = styled(DIM, format_args!("({} ms)", took.as_millis()));
    if failed > 0 {
        let text = format!("{failed} of {} checks failed", results.len());
        out.line(format_args!("\n{} {took}", styled(BAD, text)));
        return Exit::Findings;
    }
    let text = format!("all {} checks hold", results.len());
    out.line(format_args!("\n{} {took}; next: `cph install` in a project", styled(GOOD, text)));
    Exit::Fine
}
