use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    model::{
        hook::{HookId, NativeKind, OnFailure, Settings},
        origin::{Layer, Origin},
    },
    source::{SourceFile, Span},
};

fn hook(event: &str, matcher: Option<&str>, command: &str) -> Hook {
    let event = Event::claude(event);
    let entry = Entry {
        event: event.clone(),
        vocabulary: Processor::ClaudeCode,
        matcher: matcher.map(str::to_owned),
        paths: Vec::new(),
        processors: None,
        condition: None,
        handler: HookHandler::Command { command: command.to_owned(), args: None, shell: None },
        settings: Settings::default(),
        id: None,
        label: None,
        origin: Origin {
            layer: Layer::Project,
            owner: None,
            file: SourceFile::new("hooks.json", ""),
            span: Span::new(0, 0),
            pointer: String::new(),
        },
    };
    let settings = Settings::default();
    Hook { identity: HookId(command.to_owned()).into(), event, entries: vec![entry], settings }
}

fn with(mut hook: Hook, change: impl FnOnce(&mut Hook)) -> Hook {
    change(&mut hook);
    hook
}

fn native(event: &str, matcher: Option<&str>, raw: &str) -> Hook {
    with(hook(event, matcher, raw), |hook| {
        hook.entries[0].handler =
            HookHandler::Native { kind: NativeKind::Prompt, raw: raw.to_owned() };
    })
}

fn options() -> Options {
    Options { cph_command: "/opt/bin/cph".to_owned(), fail_closed: false }
}

/// Registrations beside those that cph needs for itself, as `event matcher handler`.
fn planned(hooks: &[Hook], scope: Scope) -> Vec<String> {
    let all = registrations(hooks, scope, &options());
    let line = |r: &Registration| {
        format!("{} {} {}", r.event, r.matcher.as_deref().unwrap_or("-"), r.handler_json())
    };
    let is_other = |r: &&Registration| hooks.iter().any(|hook| hook.event.canonical() == r.event);
    all.iter().filter(is_other).map(line).collect()
}

#[test]
fn without_hooks_only_what_cph_needs() {
    let all = registrations(&[], Scope::Project, &options());
    let lines: Vec<_> =
        all.iter().map(|r| (r.event.as_str(), r.matcher.as_deref(), r.handler_json())).collect();
    let handler = |event: &str, limit: u64| {
        format!(
            "{{\"type\":\"command\",\"command\":\"/opt/bin/cph\",\"args\":[\"dispatch\",\"{event}\",\
             \"--reg\",\"p1\",\"--limit\",\"{limit}\"],\"timeout\":{limit}}}"
        )
    };
    let files = ".claude/hooks.json|.task_orchestrator/hooks.json|.claude/hooks.local.json\
                 |hooks.json|hooks.local.json";
    assert_eq!(
        lines,
        [
            ("SessionStart", None, handler("SessionStart", 605)),
            ("SessionEnd", None, handler("SessionEnd", 5)),
            ("FileChanged", Some(files), handler("FileChanged", 605)),
        ]
    );
}

#[test]
fn one_registration_carries_all_hooks_of_an_event() {
    let hooks = [
        hook("PreToolUse", Some("Bash"), "a"),
        with(hook("PreToolUse", Some("Edit|Bash"), "b"), |hook| {
            hook.settings.timeout = Some(Duration::from_millis(1500));
        }),
        with(hook("PreToolUse", Some("Read"), "off"), |hook| {
            hook.settings.enabled = Some(false);
        }),
        with(hook("PreToolUse", Some("Write"), "not for Claude Code"), |hook| {
            hook.entries[0].processors = Some(vec![Processor::TaskOrchestrator]);
        }),
    ];
    assert_eq!(
        planned(&hooks, Scope::User),
        ["PreToolUse Bash|Edit {\"type\":\"command\",\"command\":\"/opt/bin/cph\",\"args\":\
          [\"dispatch\",\"PreToolUse\",\"--reg\",\"u1\",\"--limit\",\"605\"],\"timeout\":605}"]
    );
}

#[test]
fn limits_add_up_over_the_levels_and_are_bounded() {
    let timed = |event: &str, seconds, order| {
        with(hook(event, None, &format!("{seconds} {order}")), |hook| {
            hook.settings.timeout = Some(Duration::from_secs(seconds));
            hook.settings.order = Some(order);
        })
    };
    let limit = |hooks: &[Hook]| {
        let all = registrations(hooks, Scope::Local, &options());
        let of_event = all.iter().find(|r| r.event == hooks[0].event.canonical()).unwrap();
        of_event.dispatch().unwrap().limit_s
    };
    assert_eq!(limit(&[timed("Stop", 10, 0), timed("Stop", 20, 0), timed("Stop", 7, 1)]), 32);
    let after = |mut hook: Hook, id: &str, name: &str| {
        hook.settings.after = vec![id.to_owned()];
        hook.identity = HookId(name.to_owned()).into();
        hook
    };
    let first = with(timed("Stop", 10, 0), |hook| hook.identity = HookId("one".into()).into());
    let chain = [first.clone(), after(timed("Stop", 20, 0), "one", "two"), timed("Stop", 25, 0)];
    assert_eq!(limit(&chain), 35, "one after the other");
    let three = [chain[1].clone(), after(timed("Stop", 5, 0), "two", "three"), first.clone()];
    assert_eq!(limit(&three), 40, "in whatever order they stand");
    let higher = [with(first, |hook| hook.settings.order = Some(3)), chain[1].clone()];
    assert_eq!(limit(&higher), 35, "it moves up to the level of what it comes after");
    assert_eq!(limit(&[timed("SessionEnd", 300, 0)]), 60);
    assert_eq!(limit(&[timed("Stop", u64::MAX, 0), timed("Stop", 1, 1)]), 2_147_483);
    assert_eq!(limit(&[hook("UserPromptSubmit", None, "a")]), 35);
    assert_eq!(limit(&[hook("MessageDisplay", None, "a")]), 15);
    let background = with(timed("Stop", 500, 0), |hook| hook.settings.background = Some(true));
    assert_eq!(limit(&[background]), 5);
}

#[test]
fn fails_closed_where_asked_and_where_it_may() {
    let closed = |event: &str| {
        with(hook(event, None, "gate"), |hook| {
            hook.settings.on_failure = Some(OnFailure::Block);
        })
    };
    let is_closed = |event: &str, scope, fail_closed| {
        let options = Options { fail_closed, ..options() };
        let all = registrations(&[closed(event)], scope, &options);
        all.iter().find(|r| r.event == event).unwrap().dispatch().unwrap().fails_closed
    };
    assert!(is_closed("PreToolUse", Scope::User, false));
    assert!(is_closed("PreToolUse", Scope::Local, false));
    assert!(!is_closed("PreToolUse", Scope::Project, false));
    assert!(is_closed("PreToolUse", Scope::Project, true));
    for event in NEVER_CLOSED {
        assert!(!is_closed(event, Scope::User, true), "{event}");
    }
    let observers = registrations(&[hook("PreToolUse", None, "a")], Scope::User, &options());
    assert!(observers.iter().all(|r| !r.dispatch().unwrap().fails_closed));
}

#[test]
fn hooks_that_wake_have_a_registration_of_their_own() {
    let waking = with(hook("Stop", None, "wake"), |hook| hook.settings.rewake = Some(true));
    let lines = planned(&[waking.clone(), hook("Stop", None, "plain")], Scope::Project);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("\"p1\"") && !lines[0].contains("ewake"), "{}", lines[0]);
    assert!(lines[1].contains("\"p2\"") && lines[1].contains("\"--rewake\"]"), "{}", lines[1]);
    assert!(lines[1].contains("\"asyncRewake\":true"));
    assert_eq!(planned(&[waking], Scope::Project).len(), 1);
}

#[test]
fn native_handlers_are_carried_over_as_written() {
    let raw = "{\"type\": \"prompt\", \"prompt\": \"x\"}";
    let mut twice = native("Stop", None, raw);
    twice.entries.push(twice.entries[0].clone());
    let lines = planned(&[twice, native("PreToolUse", Some("^B"), raw)], Scope::Project);
    assert_eq!(lines, [format!("PreToolUse ^B {raw}"), format!("Stop - {raw}")]);
}

#[test]
fn what_only_claude_code_can_run_for_a_project_stays_out_of_the_users_settings() {
    let of_project = native("Stop", None, "{\"type\":\"prompt\",\"prompt\":\"x\"}");
    let of_user = with(of_project.clone(), |hook| hook.entries[0].origin.layer = Layer::User);
    assert_eq!(planned(std::slice::from_ref(&of_project), Scope::User), [""; 0]);
    assert_eq!(planned(&[of_project], Scope::Local).len(), 1);
    assert_eq!(planned(&[of_user], Scope::User).len(), 1);
}

#[test]
fn events_of_the_orchestrator_alone_stay_out() {
    let (event, _) = Event::named("ArtifactSave", Processor::TaskOrchestrator);
    let foreign = with(hook("Stop", None, "a"), |hook| hook.event = event);
    let all = registrations(&[foreign], Scope::Project, &options());
    assert_eq!(all.len(), OWN.len());
    let (event, _) = Event::named("PreTaskExecute", Processor::TaskOrchestrator);
    let mapped = with(hook("Stop", None, "a"), |hook| hook.event = event);
    assert_eq!(registrations(&[mapped], Scope::Project, &options())[1].event, "PreToolUse");
    let unknown = hook("Brandnew", Some("x"), "a");
    assert!(planned(&[unknown], Scope::Project)[0].starts_with("Brandnew x {"));
}

#[test]
fn watch_lists_join_those_of_cph() {
    let hooks = [
        hook("FileChanged", Some(".env|hooks.json"), "a"),
        hook("FileChanged", Some("*.ts"), "b"),
        hook("FileChanged", None, "c"),
    ];
    let lines = planned(&hooks, Scope::Project);
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("FileChanged .claude/hooks.json|"), "{}", lines[0]);
    assert!(lines[0].contains("|hooks.local.json|.env {"), "{}", lines[0]);
    assert!(lines[1].starts_with("FileChanged *.ts {") && lines[1].contains("\"p2\""));
    assert!(lines[2].contains("\"p3\""), "{}", lines[2]);
}

fn any_hook() -> impl Strategy<Value = Hook> {
    let names = EVENTS.iter().map(|row| row.claude.or(row.orchestrator).unwrap());
    let events: Vec<_> = names.chain(["Brandnew"]).collect();
    let matchers = vec![None, Some("*"), Some("Bash"), Some("A, B|C"), Some("^x$"), Some("(")];
    let some = prop::sample::select(events);
    let matcher = prop::sample::select(matchers);
    (some, matcher, "[ab]", any::<[bool; 4]>(), 0_i64..3).prop_map(
        |(event, matcher, command, [rewake, block, native, background], order)| {
            let (event, _) = [Processor::ClaudeCode, Processor::TaskOrchestrator]
                .map(|by| Event::named(event, by))
                .into_iter()
                .min_by_key(|(_, spelling)| *spelling as u8)
                .unwrap();
            with(hook("Stop", matcher, &command), |hook| {
                hook.event = event;
                hook.settings.rewake = Some(rewake);
                hook.settings.background = Some(background);
                hook.settings.order = Some(order);
                hook.settings.on_failure = block.then_some(OnFailure::Block);
                if native {
                    let raw = format!("{{\"type\":\"prompt\",\"prompt\":\"{command}\"}}");
                    hook.entries[0].handler = HookHandler::Native { kind: NativeKind::Prompt, raw };
                }
            })
        },
    )
}

proptest! {
    #[test]
    fn no_two_are_identical_in_any_scope(hooks in prop::collection::vec(any_hook(), 0..12)) {
        let mut handlers = BTreeSet::new();
        for scope in Scope::ALL {
            let all = registrations(&hooks, scope, &options());
            prop_assert_eq!(&all, &registrations(&hooks, scope, &options()));
            for registration in all.iter().filter(|r| r.dispatch().is_some()) {
                let handler = registration.handler_json();
                prop_assert!(handlers.insert((registration.event.clone(), handler)));
            }
        }
    }

    #[test]
    fn every_event_that_claude_code_fires_is_reached(
        hooks in prop::collection::vec(any_hook(), 0..12),
    ) {
        let all = registrations(&hooks, Scope::Project, &options());
        for hook in &hooks {
            let name = hook.event.name_for(Processor::ClaudeCode);
            let is_reached = all.iter().any(|r| Some(r.event.as_str()) == name);
            prop_assert_eq!(is_reached, name.is_some(), "{:?}", hook.event.canonical());
        }
    }
}
