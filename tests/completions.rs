//! Completions in real shells, and manual pages in a real `man`. A shell that is not on this
//! machine is skipped, aloud.

use std::{io::Write as _, path::Path};

use crate::cph::Cph;

const HOOKS: &str = r#"{
  "hooks": {
    "Stop": [
      { "hooks": [{ "type": "command", "id": "bell", "command": "true" }] },
      { "hooks": [{ "type": "command", "name": "$(touch pwned)", "command": "false" }] }
    ]
  }
}
"#;

/// What bash does for a Tab: it sets these and calls the function. `words` are the line, the last
/// of them the one that is completed.
const BASH: &str = r#"
eval "$(cph completions bash)" || exit
tab() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMPREPLY=()
  _clap_complete_cph "$1" "${@: -1}" "${@: -2:1}"
  echo "$*: ${COMPREPLY[*]}"
}
complete -p cph >/dev/null || exit
"#;

/// The same for zsh; what would be offered is printed.
const ZSH: &str = r#"
autoload -U compinit && compinit -u -D
_describe() { local name=$@[-1]; print -rl -- "${(@P)name}" >>$TMPDIR/offered }
fpath=($TMPDIR/functions $fpath)
mkdir $TMPDIR/functions && cph completions zsh >$TMPDIR/functions/_cph || exit
autoload -U _cph
tab() {
  words=("$@") CURRENT=$# ; : >$TMPDIR/offered
  _cph
  local -a offered=(${(f)"$(<$TMPDIR/offered)"})
  offered=(${offered%%:*})
  print -r -- "$*: $offered"
}
"#;

const FISH: &str = r#"
cph completions fish | source
function tab; echo "$argv: "(complete -C "$argv" | string split -f 1 \t | string join ' '); end
"#;

const TABS: &str = r"
tab cph explain PreT
tab cph install --scope ''
tab cph lint --explain settings-
tab cph dispatch Stop --from ''
tab cph log --hook b
tab cph comp
";

const OFFERED: &str = "\
cph explain PreT: PreToolUse PreTaskExecute
cph install --scope : project user local
cph lint --explain settings-: settings-dropped settings-void
cph dispatch Stop --from : claude_code task_orchestrator
cph log --hook b: bell
cph comp: completions
";

/// The words of each line in an order of their own: shells keep theirs.
fn sorted(text: &str) -> Vec<(String, Vec<String>)> {
    let line = |line: &str| {
        let (asked, offered) = line.rsplit_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        let mut offered: Vec<_> = offered.split_whitespace().map(str::to_owned).collect();
        offered.sort();
        (asked.trim_end().to_owned(), offered)
    };
    text.lines().map(line).collect()
}

fn is_there(program: &str) -> bool {
    let found = ["/usr/bin", "/bin"].iter().any(|dir| Path::new(dir).join(program).is_file());
    if !found {
        // Past libtest's capture.
        drop(writeln!(std::io::stderr(), "SKIPPED: there is no {program} on this machine"));
    }
    found
}

fn completes_in(shell: &str, options: &[&str], setup: &str) {
    if !is_there(shell) {
        return;
    }
    let cph =
        Cph::new().project_file(".claude/hooks.json", HOOKS).home_file(".claude/hooks.json", HOOKS);
    let mut command = cph.command(shell);
    let tabs = if shell == "fish" { TABS.replace("''", "\"\"") } else { TABS.to_owned() };
    let ran = command.args(options).arg("-c").arg(format!("{setup}\n{tabs}")).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(sorted(&said), sorted(OFFERED), "{said}\n{complaints}");
    assert_eq!(complaints, "");
    assert!(cph.read("project/pwned").is_none());
}

#[test]
fn bash_completes_with_what_is_configured() {
    completes_in("bash", &["--norc", "--noprofile"], BASH);
}

#[test]
fn zsh_completes_with_what_is_configured() {
    completes_in("zsh", &["-f"], ZSH);
}

#[test]
fn fish_completes_with_what_is_configured() {
    completes_in("fish", &["--no-config"], FISH);
}

#[test]
fn pages_are_read_by_man() {
    let cph = Cph::new();
    let written = cph.succeed(&["man", "--dir", "pages"]);
    let listed = cph.succeed(&["man", "--list"]);
    assert_eq!(written.lines().count(), listed.lines().count());
    assert_eq!(
        cph.read("project/pages/cph-install.1").unwrap(),
        cph.succeed(&["man", "install"]),
        "the page in the directory is the page that is printed"
    );
    let wrong = cph.run(&["man", "instal"]);
    assert_eq!(wrong.code, 64);
    assert!(wrong.stderr.contains("did you mean `install`?"), "{}", wrong.stderr);
    if !is_there("groff") {
        return;
    }
    for name in listed.lines() {
        let mut groff = cph.command("groff");
        groff.args(["-man", "-ww", "-Tutf8", "-P-cbou"]).arg(format!("pages/{name}"));
        let ran = groff.output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{name}");
        let words = name.trim_end_matches(".1");
        assert!(text.contains(words) && text.contains("SYNOPSIS"), "{name}:\n{text}");
    }
}
