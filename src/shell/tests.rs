//! What the reader understands, and that it survives what it does not.

use proptest::prelude::*;

use super::{
    ends::{Codes, ends},
    walk::{Stream, walk},
    *,
};

/// The simple commands of a text, each with its words; expansions are shown by their kind.
fn commands(text: &str) -> Option<String> {
    let list = read(text).ok()?;
    let mut all = Vec::new();
    walk(&list, &mut |command, _| {
        if let Some(simple) = command.simple() {
            let names = simple.assignments.iter().map(|a| format!("{}=", a.name));
            let words = simple.words.iter().map(|word| word.with(&shown));
            all.push(names.chain(words).collect::<Vec<_>>().join(" "));
        }
    });
    Some(all.join(" ; "))
}

fn shown(part: &Part) -> String {
    match part {
        Part::Variable(variable) => format!("${}", variable.name),
        Part::Command { .. } => "$(…)".to_owned(),
        Part::Process { .. } => "<(…)".to_owned(),
        Part::Arithmetic => "$((…))".to_owned(),
        Part::Text { .. } => String::new(),
    }
}

#[test]
fn commands_are_found_wherever_they_stand() {
    let cases = [
        ("git  push\torigin", "git push origin"),
        ("a; b && c || d | e & f\ng |& h", "a ; b ; c ; d ; e ; f ; g ; h"),
        ("A=1 B+=x C[0]=y git push", "A= B= C= git push"),
        ("1A=x git", "1A=x git"),
        ("echo $(git push)", "echo $(…) ; git push"),
        ("echo \"a $(git \"p u\") b\"", "echo a $(…) b ; git p u"),
        ("echo `git \\`x\\``", "echo $(…) ; git $(…) ; x"),
        ("(cd x; git push) > out", "cd x ; git push"),
        ("{ git push; } 2>&1", "git push"),
        ("if git x; then y; elif z; then q; else ! w; fi", "git x ; y ; z ; q ; w"),
        ("while a; do b; done < f", "a ; b"),
        ("until a; do b; done", "a ; b"),
        ("for x in a $(b); do c \"$x\"; done", "b ; c $x"),
        ("for ((i=0; i<3; i++)); do c; done", "c"),
        ("case \"$x\" in a|b) c;; (*) d ;; esac", "c ; d"),
        ("case $(a) in\n  x)\n    b\n    ;;\nesac", "a ; b"),
        ("git push 2>/dev/null >> log < in &>all", "git push"),
        ("git push >&2", "git push"),
        ("echo 'a;b' \"c;d\" e\\;f", "echo a;b c;d e;f"),
        ("git \\\n push", "git push"),
        ("cat <<EOF\n$(git push) ; x\nEOF\nls", "cat ; git push ; ls"),
        ("cat <<'EOF'\n$(git push)\nEOF\nls", "cat ; ls"),
        ("cat <<-EOF | b\n\tx\n\tEOF\nls", "cat ; b ; ls"),
        ("x=$(cat <<EOF\na b\nEOF\n)\nls", "x= ; cat ; ls"),
        ("cat <<< \"$(a)\" b", "cat b ; a"),
        ("diff <(a b) >(c)", "diff <(…) <(…) ; a b ; c"),
        ("f() { git push; }; f", "git push ; f"),
        ("function f { a; }\nfunction g() { b; }", "a ; b"),
        ("x=(a b $(c)) git", "x= git ; c"),
        ("a # b; c\nd", "a ; d"),
        ("#!/bin/bash\nset -euo pipefail\n", "set -euo pipefail"),
        ("echo a#b", "echo a#b"),
        ("echo ${x:-$(a)} ${y##*/} ${#z} ${w[@]}", "echo $x $y $z $w ; a"),
        ("echo $((1 + 2)) $", "echo $((…)) $"),
        ("[[ $a == b* && ( -n $c || $d =~ ^(x|y)$ ) ]] && e", "e"),
        ("(( a > 1 )) && b", "b"),
        ("! a | b", "a ; b"),
        ("[ -f x ] && exit 2 || exit 0", "[ -f x ] ; exit 2 ; exit 0"),
        ("export A=\"x y\" B=2", "A= B= export"),
        ("echo $'a\\tb' \"\"", "echo a\tb "),
        ("a\r\nb\r\n", "a ; b"),
        ("time -p a", "a"),
        ("", ""),
        ("\n\n# only\n", ""),
    ];
    for (text, expected) in cases {
        assert_eq!(commands(text).as_deref(), Some(expected), "{text:?}");
    }
}

#[test]
fn what_is_not_understood_is_unclear() {
    let cases = [
        "echo 'a",
        "echo \"a",
        "echo `a",
        "echo $(a",
        "(a",
        "a)",
        "a >",
        "a b(c)",
        "a\\",
        "echo ${x",
        "cat <<",
        "if a; then b",
        "case x in y",
        "; a",
        "a && ",
        "| a",
        "done",
        "coproc a",
        "for",
        "a;;",
    ];
    for text in cases {
        assert!(read(text).is_err(), "{text:?}");
    }
}

#[test]
fn rubbish_of_any_depth_is_refused_and_not_followed() {
    let openings = [
        "(",
        "$(",
        "${x:-",
        "{ ",
        "if ",
        "[[ ",
        "<(",
        "\"$(",
        "$((",
        "case x in a) ",
        "f()",
        "x=(",
    ];
    for text in openings {
        assert!(read(&text.repeat(50_000)).is_err(), "{text:?}");
    }
}

#[test]
fn spans_lie_on_what_they_name() {
    let text = "x=ä; echo \"$(cat \"$HOME/é\")\" `echo $A` 'b c' > /dev/null";
    let list = read(text).unwrap();
    let mut found = Vec::new();
    walk(&list, &mut |command, _| {
        found.push(&text[command.span.range()]);
        for word in command.simple().iter().flat_map(|simple| &simple.words) {
            found.push(&text[word.span.range()]);
        }
    });
    let expected = [
        "x=ä",
        "echo \"$(cat \"$HOME/é\")\" `echo $A` 'b c' > /dev/null",
        "echo",
        "\"$(cat \"$HOME/é\")\"",
        "`echo $A`",
        "'b c'",
        "cat \"$HOME/é\"",
        "cat",
        "\"$HOME/é\"",
        "echo $A",
        "echo",
        "$A",
    ];
    assert_eq!(found, expected);
}

#[test]
fn streams_are_followed() {
    let of = |text: &str, program: &str| {
        let list = read(text).unwrap();
        let mut found = None;
        walk(&list, &mut |command, around| {
            if command.simple().and_then(Simple::program).as_deref() == Some(program) {
                found = Some(around.streams);
            }
        });
        let streams = found.unwrap();
        [streams.stdin, streams.stdout, streams.stderr]
    };
    let (stdin, stdout, stderr) = (Stream::Own(0), Stream::Own(1), Stream::Own(2));
    assert_eq!(of("x", "x"), [stdin, stdout, stderr]);
    assert_eq!(of("x >&2", "x"), [stdin, stderr, stderr]);
    assert_eq!(of("x >&2 2>/dev/null", "x"), [stdin, stderr, Stream::Nothing]);
    assert_eq!(of("x 2>/dev/null >&2", "x"), [stdin, Stream::Nothing, Stream::Nothing]);
    assert_eq!(of("x &>/dev/null", "x"), [stdin, Stream::Nothing, Stream::Nothing]);
    assert_eq!(of("a | x | b", "x"), [Stream::Pipe, Stream::Pipe, stderr]);
    assert_eq!(of("y=$(x)", "x"), [stdin, Stream::Captured, stderr]);
    assert_eq!(of("exec >&2; x", "x"), [stdin, stderr, stderr]);
    assert_eq!(of("{ x; } 2>/dev/null < f", "x"), [Stream::File, stdout, Stream::Nothing]);
    assert_eq!(of("a |& x >\"$f\"", "x"), [Stream::Pipe, Stream::File, stderr]);
}

fn codes(text: &str) -> String {
    let programs = |simple: &Simple| match simple.program().as_deref() {
        Some("quiet") => Codes::ZERO,
        Some("one") => Codes::ONE,
        Some("gate") => Codes::ZERO | Codes::TWO,
        _ => Codes::ANY,
    };
    let found = ends(&read(text).unwrap(), &programs);
    let all = [(Codes::ZERO, '0'), (Codes::ONE, '1'), (Codes::TWO, '2'), (Codes::OTHER, '+')];
    all.iter().filter(|(code, _)| found.has(*code)).map(|(_, shown)| *shown).collect()
}

#[test]
fn exit_codes_that_are_possible_are_known() {
    let cases = [
        ("", "0"),
        ("true", "0"),
        ("exit 2", "2"),
        ("exit 258", "2"),
        ("exit", "0"),
        ("false; exit", "1"),
        ("exit $x", "012+"),
        ("[ -f x ] && exit 2 || exit 0", "02"),
        ("[ -f x ] && exit 2", "12"),
        ("gate || true", "0"),
        ("gate; exit 0", "0"),
        ("gate | quiet", "0"),
        ("set -o pipefail; gate | quiet", "02"),
        ("gate && quiet", "02"),
        ("unknown || exit 0", "0"),
        ("unknown && exit 2; true", "02"),
        ("(exit 2); true", "0"),
        ("(exit 2)", "2"),
        ("set -e; (exit 2); true", "2"),
        ("set -e; gate; true", "02"),
        ("set -e; if gate; then true; fi", "0"),
        ("x=$(gate)", "02"),
        ("x=$(gate); true", "0"),
        ("if one; then exit 2; fi", "0"),
        ("if [ a ]; then exit 2; else exit 1; fi; exit 0", "12"),
        ("case $x in a) exit 2;; *) exit 0;; esac", "02"),
        ("for x in a; do exit 2; done", "02"),
        ("while read x; do exit 2; done", "02"),
        ("a | while read x; do exit 2; done; exit 0", "0"),
        ("for x in a b; do gate; set -e; done; true", "02"),
        ("for x in a b; do case $x in b) exit;; esac; gate; done; true", "02"),
        ("while a; do gate; set -e; done; true", "02"),
        ("f() { return 2; }; f", "2"),
        ("f() { exit 2; }; f; true", "2"),
        ("f() { exit 2; }; f | quiet", "0"),
        ("f() { f; }; f", "012+"),
        ("! gate", "01"),
        ("exec gate; true", "02"),
        ("exec >&2; exit 2", "2"),
        ("eval x; exit 0", "012+"),
        ("trap 'exit 2' EXIT; exit 0", "012+"),
        ("trap 'rm -f x' EXIT; exit 0", "0"),
        ("[ a ] && set -e; gate; exit 0", "02"),
        ("gate & exit 0", "0"),
        ("$cmd", "012+"),
    ];
    for (text, expected) in cases {
        assert_eq!(codes(text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a${}()`'\"\\\\<>|&;# \n=!\\[\\]-]{0,40}|.*|(if|then|fi|do|done|case|in|esac|for|x|\\(|\\)|;|;;|\n|<<E| |\\{|\\}){0,20}") {
        if let Ok(list) = read(&text) {
            walk(&list, &mut |command, _| { let _ = &text[command.span.range()]; });
            let some = ends(&list, &|_| Codes::ZERO);
            prop_assert!(ends(&list, &|_| Codes::ANY).holds(some));
        }
    }

    #[test]
    fn a_quoted_word_comes_back(text in "[^\0]{0,20}") {
        let line = format!("echo '{}'", text.replace('\'', "'\\''"));
        let list = read(&line).unwrap();
        let simple = list.0[0].first.stages[0].simple().unwrap();
        prop_assert_eq!(simple.literal(1), Some(text.into()));
    }
}

/// Small scripts of builtins only, whose end a real shell can tell.
fn scripts() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "true",
            "false",
            "exit 0",
            "exit 1",
            "exit 2",
            "exit 3",
            "exit",
            "exit $?",
            "[ a = b ]",
            "[ a ]",
            "x=$(exit 2)",
            "x=$(false); true",
            "y=1",
            "set -e",
            "set +e",
            "! true",
            "! false",
            "echo x >&2",
            ": <<E\nE\n",
            "return 2",
            "f() { return 2; }",
            "g() { exit 2; }",
            "f",
            "g",
            "f | true",
            "break",
            "case a in a) exit 2 ;; esac",
            "case b in a) exit 2 ;; esac",
            "eval exit 2",
        ][..],
    );
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!("{a}\n{b}")),
            two.clone().prop_map(|(a, b)| format!("{{ {a}\n}} && {{ {b}\n}}")),
            two.clone().prop_map(|(a, b)| format!("{{ {a}\n}} || {{ {b}\n}}")),
            two.clone().prop_map(|(a, b)| format!("{{ {a}\n}} | {{ {b}\n}}")),
            inner.clone().prop_map(|a| format!("( {a}\n)")),
            inner.clone().prop_map(|a| format!("! {{ {a}\n}}")),
            inner.clone().prop_map(|a| format!("x=$( {a}\n)")),
            inner.clone().prop_map(|a| format!("for i in 1 2; do {a}\ndone")),
            inner.clone().prop_map(|a| format!("while {a}\ndo exit 1; done")),
            three.prop_map(|(a, b, c)| format!("if {a}\nthen {b}\nelse {c}\nfi")),
            two.prop_map(|(a, b)| format!("h() {{ {a}\n}}\nh\n{b}")),
        ]
    })
}

/// What `/bin/sh` ends with; `None`: a signal.
#[expect(clippy::disallowed_methods, reason = "the real shell is what we are compared with")]
fn real_end(text: &str) -> Option<i64> {
    let _apart = crate::sys::process::apart::starting();
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", text]).env_clear();
    Some(i64::from(shell.output().unwrap().status.code()?))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_real_shell_ends_with_a_code_that_was_foreseen(script in scripts()) {
        let list = read(&script).unwrap();
        // What is not defined is not found: 127.
        let foreseen = ends(&list, &|_| Codes::OTHER);
        if let Some(code) = real_end(&script) {
            prop_assert!(foreseen.has(Codes::of(code)), "{code}: {script}");
        }
    }
}
