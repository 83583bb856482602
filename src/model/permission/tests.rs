use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::payload;

fn verdict_at(event: &str, rule: &str, payload: &Value) -> Verdict {
    let dirs = paths::Dirs { project: Path::new("/p"), home: Some(Path::new("/home/u")) };
    Rule::parse(rule).verdict(&payload::of(payload), &Event::claude(event), dirs)
}

/// `y`: applies; `?`: unsure, may grant; `-`: doubtful, may not grant; `n`: does not apply.
fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Applies => 'y',
        Verdict::AppliesUnsure { may_grant: true, .. } => '?',
        Verdict::AppliesUnsure { may_grant: false, .. } => '-',
        Verdict::Not(_) => 'n',
    }
}

fn call(rule: &str, tool: &str, input: &Value) -> char {
    let payload = json!({"cwd": "/p/sub", "tool_name": tool, "tool_input": input});
    letter(verdict_at("PreToolUse", rule, &payload))
}

fn command(rule: &str, line: &str) -> char {
    call(rule, "Bash", &json!({ "command": line }))
}

#[test]
fn shell_rules_are_checked_against_every_command() {
    let cases = [
        ("Bash", "anything 'at all", 'y'),
        ("Bash(*)", "anything", 'y'),
        ("Bash()", "anything", 'y'),
        ("Bash(git push *)", "git push origin", 'y'),
        ("Bash(git push *)", "git push", 'y'),
        ("Bash(git push *)", "git pull", 'n'),
        ("Bash(git push *)", "git pushes x", 'n'),
        ("Bash(git push *)", "cd x && git  push", 'y'),
        ("Bash(git push *)", "A=1 B=2 git push", 'y'),
        ("Bash(git push *)", "ls; (git push) | tee x", 'y'),
        ("Bash(git push *)", "git \"push\" 'origin'", 'y'),
        ("Bash(git push)", "git push 2>&1", 'y'),
        ("Bash(git push)", "git push origin", 'n'),
        ("Bash(git push *)", "echo 'git push'", 'n'),
        ("Bash(git push *)", "timeout -k 5 30 git push x", 'y'),
        ("Bash(git push *)", "nohup nice -n 5 git push", 'y'),
        ("Bash(grep *)", "ls | xargs grep x", 'y'),
        ("Bash(grep *)", "ls | xargs -0 grep x", 'n'),
        ("Bash(timeout *)", "timeout 5 ls", 'y'),
        // Inside substitutions, however they are written.
        ("Bash(rm *)", "echo $(rm -r x)", 'y'),
        ("Bash(rm *)", "echo `rm -r x`", 'y'),
        // More than a name is asked for, and something may be anything.
        ("Bash(git push *)", "echo $(ls)", '?'),
        ("Bash(git push *)", "git $VERB", '?'),
        ("Bash(git push *)", "git push $!", 'y'),
        ("Bash(git push *)", "kill $!", '-'),
        ("Bash(git * main)", "echo $HOME", '?'),
        ("Bash(git *)", "echo $HOME", 'n'),
        ("Bash(git *)", "$GIT push", '-'),
        ("Bash(git *)", "timeout 5 $GIT push", '-'),
        // What cannot be taken apart.
        ("Bash(git push *)", "echo 'open", '?'),
        ("Bash(git push *)", "case x in y) ls;; esac", '?'),
        // The older form, and stars anywhere.
        ("Bash(npm run:*)", "npm run test", 'y'),
        ("Bash(npm run:*)", "npm run", 'y'),
        ("Bash(npm run:*)", "npm runs", 'n'),
        ("Bash(npm:*)", "npm i", 'y'),
        ("Bash(git * main)", "git merge main", 'y'),
        ("Bash(git * main)", "git merge dev", 'n'),
        ("Bash(ls*)", "lsof", 'y'),
        ("Bash(ls *)", "lsof", 'n'),
        ("Bash(* --force)", "git push --force", 'y'),
        ("Bash(echo \\*)", "echo *", 'y'),
        ("Bash(echo \\*)", "echo x", 'n'),
        ("Bash(cat *)", "cat <<'E'\n$(rm x)\nE", 'y'),
        ("Bash(rm *)", "cat <<'E'\n$(rm x)\nE", 'n'),
        ("Bash(rm *)", "cat <<E\n$(rm x)\nE", 'y'),
        (" Bash( git push * ) ", "git push x", 'y'),
        // A broken rule.
        ("Bash(git push *", "ls", '-'),
    ];
    for (rule, line, expected) in cases {
        assert_eq!(command(rule, line), expected, "{rule} {line:?}");
    }
}

#[test]
fn the_tool_of_a_rule_is_the_called_one() {
    let line = json!({"command": "git push"});
    let cases = [
        ("Bash(git *)", "Edit", 'n'),
        ("Bash(git *)", "PowerShell", 'n'),
        ("Bash(git *)", "Monitor", '-'),
        ("Bash(ls *)", "Monitor", 'n'),
        ("Monitor", "Monitor", 'y'),
        ("PowerShell(git *)", "PowerShell", 'y'),
        ("PowerShell(ls *)", "PowerShell", '-'),
        ("Task", "Agent", 'y'),
        ("KillShell", "TaskStop", 'y'),
        ("mcp__memory__add", "mcp__memory__add", 'y'),
        ("mcp__memory__add", "mcp__memory__del", 'n'),
        ("mcp__memory", "mcp__memory__add", 'y'),
        ("mcp__memory__*", "mcp__memory__add", 'y'),
        ("mcp__mem", "mcp__memory__add", 'n'),
        ("mcp__memory__add(x)", "mcp__memory__add", '-'),
        ("Bash|Edit", "Bash", 'n'),
    ];
    for (rule, tool, expected) in cases {
        assert_eq!(call(rule, tool, &line), expected, "{rule} {tool}");
    }
}

#[test]
fn path_rules_begin_where_they_say() {
    let cases = [
        ("Edit(src/**)", "/p/sub/src/a.py", 'y'),
        ("Edit(src/**)", "/p/src/a.py", 'n'),
        ("Edit(src/**)", "/p/sub/x/src/a.py", 'n'),
        ("Edit(./src/**)", "/p/sub/src/a.py", 'y'),
        ("Edit(**/src/**)", "/p/sub/x/src/a.py", 'y'),
        ("Edit(**/src/**)", "/p/sub/src/a.py", 'y'),
        ("Edit(src/*)", "/p/sub/src/a.py", 'y'),
        ("Edit(src)", "/p/sub/x/src/a.py", 'y'),
        ("Edit(*.ts)", "/p/sub/x/a.ts", 'y'),
        ("Edit(*.ts)", "/p/sub/x/a.tsx", 'n'),
        ("Edit(*.ts)", "/elsewhere/a.ts", 'n'),
        ("Edit(/src/**)", "/p/src/a.py", 'y'),
        ("Edit(/src/**)", "/p/sub/src/a.py", 'n'),
        ("Edit(//etc/**)", "/etc/passwd", 'y'),
        ("Edit(//etc/**)", "/p/sub/etc/passwd", 'n'),
        ("Edit(~/x)", "/home/u/x", 'y'),
        ("Edit(~/x)", "/home/u/x/y", 'y'),
        ("Edit(~/x)", "/home/v/x", 'n'),
        ("Edit(src/**)", "src/../src/a.py", 'y'),
        ("Edit([a)", "/p/sub/a", '-'),
        ("Edit", "/anything", 'y'),
        ("Write(*.ts)", "/p/sub/a.ts", 'n'),
    ];
    for (rule, path, expected) in cases {
        assert_eq!(call(rule, "Edit", &json!({"file_path": path})), expected, "{rule} {path}");
    }
    assert_eq!(call("Read(~/x)", "Read", &json!({"file_path": "/home/u/x"})), 'y');
    assert_eq!(call("Grep(src/**)", "Grep", &json!({"pattern": "x"})), '-');
    let homeless = paths::Dirs { project: Path::new("/p"), home: None };
    let payload = json!({"tool_name": "Read", "tool_input": {"file_path": "/home/u/x"}});
    let (payload, event) = (payload::of(&payload), Event::claude("PreToolUse"));
    assert_eq!(letter(Rule::parse("Read(~/x)").verdict(&payload, &event, homeless)), '-');
}

#[test]
fn other_tools_have_rules_of_their_own() {
    let cases = [
        ("WebFetch(domain:example.com)", "WebFetch", "url", "https://Example.com:8/x", 'y'),
        ("WebFetch(domain:example.com)", "WebFetch", "url", "https://example.org", 'n'),
        ("WebFetch(domain:*.example.com)", "WebFetch", "url", "http://a.example.com?q", 'y'),
        ("WebFetch(domain:evil.com)", "WebFetch", "url", "https://example.com@evil.com/", 'y'),
        ("WebFetch(x)", "WebFetch", "url", "https://example.com", '-'),
        ("Agent(Explore)", "Agent", "subagent_type", "Explore", 'y'),
        ("Task(Explore)", "Agent", "subagent_type", "Plan", 'n'),
        ("Skill(deploy)", "Skill", "skill", "deploy", 'y'),
        ("Skill(deploy:*)", "Skill", "skill", "deploy now", 'y'),
        ("TodoWrite(x)", "TodoWrite", "todos", "x", '-'),
        ("Bash(git *)", "Bash", "other", "x", '-'),
    ];
    for (rule, tool, key, value, expected) in cases {
        assert_eq!(call(rule, tool, &json!({ key: value })), expected, "{rule} {value}");
    }
}

#[test]
fn only_events_of_tool_calls_know_conditions() {
    let payload = json!({"tool_name": "Bash", "tool_input": {"command": "git push"}});
    let verdict = |event| letter(verdict_at(event, "Bash(git *)", &payload));
    for event in TOOL_EVENTS {
        assert_eq!(verdict(event), 'y', "{event}");
    }
    for event in ["Stop", "SessionStart", "PostToolBatch", "Brandnew", "SpecialistAssign"] {
        assert_eq!(verdict(event), 'n', "{event}");
    }
    let monitor = json!({"tool_name": "Monitor", "tool_input": {"command": "git push"}});
    assert_eq!(letter(verdict_at("PostToolUse", "Bash(git *)", &monitor)), 'n');
    assert_eq!(letter(verdict_at("PreToolUse", "Bash", &json!({"task_type": "x"}))), 'n');
}

#[test]
fn a_command_that_is_no_text_may_be_anything() {
    let text = br#"{"tool_name":"Bash","tool_input":{"command":"\ud800"}}"#;
    let payload = Payload::parse(text.to_vec()).unwrap();
    let dirs = paths::Dirs { project: Path::new("/p"), home: None };
    let event = Event::claude("PreToolUse");
    assert_eq!(letter(Rule::parse("Bash(rm *)").verdict(&payload, &event, dirs)), '-');
}

#[test]
fn faults_are_found_without_a_payload() {
    let fault_at = |event, rule| Rule::parse(rule).fault(&Event::claude(event));
    assert!(fault_at("Stop", "Bash(git *)").is_some());
    let fault = |rule| fault_at("PreToolUse", rule);
    assert_eq!(fault("Bash(git *)"), None);
    assert_eq!(fault("Read"), None);
    for broken in ["", "Bash(git", "git)", "(x)", "Bash|Edit"] {
        assert!(fault(broken).is_some(), "{broken}");
    }
}

/// The definition of a star, written down naively.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
        Some((c, rest)) => text.first() == Some(c) && naive(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn stars_agree_with_the_naive_model(pattern in "[ab*]{0,7}", text in "[ab]{0,7}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(wildcard(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
    }

    #[test]
    fn nothing_makes_it_panic(rule in "[A-z()*:~/!\\[{]{0,12}|.*", text in "[a$()`'\"/ ]{0,12}|.*") {
        for tool in ["Bash", "Edit", "WebFetch", "Monitor", "Skill"] {
            let input = json!({"command": text, "file_path": text, "url": text, "skill": text});
            call(&rule, tool, &input);
            call(&format!("{tool}({rule})"), tool, &input);
        }
    }

    /// Whatever is put around a command, the rule that means it applies.
    #[test]
    fn a_guarded_command_is_found_in_any_surroundings(
        before in "(([a-z]{1,3} [a-z]{0,3}(;|&&|\\|\\||\\||\n))|\\(|X=[a-z]? ){0,3}",
        after in "( [a-z]{1,3}| >[a-z]{1,3}| 2>&1|;[a-z]{1,3}|\\)){0,3}",
    ) {
        let line = format!("{before}guarded{after}");
        prop_assert_ne!(command("Bash(guarded *)", &line), 'n', "{}", line);
    }
}
