//! Shell form and exec form.

use super::*;

#[test]
fn the_exec_form_needs_no_quotes_and_knows_no_shell() {
    let stage = Stage::new();
    let script =
        stage.script("my hooks/a b.sh", "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$LOG/args\"\n");
    assert!(script.is_file());
    stage.hooks(&json!({"Stop": [{"hooks": [{
        "type": "command",
        "command": "${CLAUDE_PROJECT_DIR}/my hooks/a b.sh",
        "args": ["two words", "$HOME", "*", "${CLAUDE_PROJECT_DIR}/x", ""],
    }]}]}));
    stage.fire("Stop").silence();
    let project = stage.project();
    assert_eq!(stage.log("args"), format!("two words\n$HOME\n*\n{}/x\n\n", project.display()));
}

#[test]
fn the_shell_form_is_a_shell_line() {
    let stage = Stage::of(
        "Stop",
        &[run("x='a b'; echo \"$x\" | tr a c > \"$LOG/out\" && ls *.none 2>/dev/null; true")],
    );
    stage.fire("Stop").silence();
    assert_eq!(stage.log("out"), "c b\n");
}

#[test]
fn simple_lines_mean_what_the_shell_means() {
    let stage = Stage::new();
    stage.script("h.sh", "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\" > \"$LOG/args\"\n");
    stage.hooks(&json!({"Stop": [{"hooks": [run("\"$CLAUDE_PROJECT_DIR\"/h.sh 'a  b' c")]}]}));
    stage.fire("Stop").silence();
    assert_eq!(stage.log("args"), format!("{}/h.sh\na  b\nc\n", stage.project().display()));
}

#[test]
fn a_script_without_an_interpreter_line_runs() {
    let stage = Stage::new();
    stage.script("plain.sh", "echo ran > \"$LOG/ran\"\n");
    stage.hooks(&json!({"Stop": [{"hooks": [run("./plain.sh")]}]}));
    stage.fire("Stop").silence();
    assert_eq!(stage.log("ran"), "ran\n");
}

#[test]
fn what_is_missing_is_told_as_the_shell_tells_it() {
    for command in ["no-such-program --x", "./missing.sh", "no-such | cat; no-such"] {
        let stage = Stage::of("Stop", &[run(command)]);
        let answer = stage.fire("Stop").answer();
        let message = answer["systemMessage"].as_str().unwrap();
        assert!(message.contains("127"), "{command}: {message}");
    }
    let stage = Stage::new();
    stage.write("not-executable.sh", "#!/bin/sh\n");
    stage.hooks(&json!({"Stop": [{"hooks": [run("./not-executable.sh")]}]}));
    let answer = stage.fire("Stop").answer();
    assert!(answer["systemMessage"].as_str().unwrap().contains("126"), "{answer}");
}

#[test]
fn a_working_directory_that_is_gone_does_not_keep_hooks_from_running() {
    let stage = Stage::of("Stop", &[run("pwd > \"$LOG/pwd\"")]);
    let gone = stage.root().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let cph = env!("CARGO_BIN_EXE_cph");
    let line = format!(
        "cd '{0}' && rmdir '{0}' && echo '{{}}' | '{cph}' dispatch Stop --trust-all",
        gone.display()
    );
    let said = stage.other("/bin/sh", &["-c", &line]);
    assert_eq!(said.code, 0, "{said:?}");
    let project = stage.project().canonicalize().unwrap();
    assert_eq!(stage.log("pwd"), format!("{}\n", project.display()));
}
