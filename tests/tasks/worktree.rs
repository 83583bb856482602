//! Tasks in Git worktrees of their own: what they made comes back, or stays where it can be found.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use super::{events, outcome, run_dir, told, with};
use crate::{
    cph::Cph,
    wait::{PATIENCE, until},
};

/// What is asked of an agent is a script: it does what it is told.
const AGENT: &str = "worktree: true\nagent: [sh, -e, -c, '${prompt}']\n";

/// A project in a repository with one commit, and nobody who has said who commits.
fn repository(tasks: &str) -> Cph {
    let cph = with(&format!("{AGENT}{tasks}")).project_file("base.txt", "one\ntwo\nthree\n");
    git(&cph, &["init", "--quiet", "--initial-branch=main", "."]);
    git(&cph, &["add", "."]);
    git(&cph, &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "base"]);
    cph
}

/// What Git says, which must succeed.
#[track_caller]
fn git(cph: &Cph, arguments: &[&str]) -> String {
    let output = cph.command("git").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn branches(cph: &Cph) -> Vec<String> {
    let all = git(cph, &["for-each-ref", "--format=%(refname:short)", "refs/heads/cph"]);
    all.lines().map(str::to_owned).collect()
}

/// The branch of a task.
fn branch(cph: &Cph, task: &str) -> String {
    let all = branches(cph);
    let of_task = |branch: &&String| branch.ends_with(&format!("/{task}"));
    all.iter().find(of_task).unwrap_or_else(|| panic!("{task} has no branch: {all:?}")).clone()
}

fn tree(cph: &Cph, task: &str) -> PathBuf {
    run_dir(cph, "R1").join("worktrees").join(task)
}

/// What is checked out in the project, but for the hidden.
fn files(cph: &Cph) -> Vec<String> {
    let entries = fs::read_dir(cph.path("project")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// A hook of the repository that runs whenever a worktree has been made.
fn when_made(cph: &Cph, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = cph.path("project/.git/hooks/post-checkout");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn start(cph: &Cph, arguments: &[&str]) -> Child {
    let mut command = cph.command(env!("CARGO_BIN_EXE_cph"));
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

const THREE: &str = "tasks:
- {name: a, prompt: 'echo A > a.txt', artifacts: a.txt}
- {name: b, prompt: 'echo B > b.txt; git add b.txt; git -c user.name=x -c user.email=x@x commit -qm mine'}
- {name: between, run: 'test ! -e a.txt; touch seen', dependencies: a}
- {name: 'c (both)', prompt: 'cat a.txt b.txt base.txt > c.txt; echo $TASK_BRANCH > branch.txt', dependencies: [between, b]}
";

#[test]
fn work_of_agents_is_apart_until_it_is_merged() {
    let cph = repository(THREE);
    cph.succeed(&["run", "tasks.yaml"]);
    assert_eq!(files(&cph), ["base.txt", "seen", "tasks.yaml"]);
    let copy = run_dir(&cph, "R1").join("artifacts/a/a.txt");
    assert_eq!(fs::read_to_string(copy).unwrap(), "A\n");
    let merged = cph.succeed(&["runs", "merge", "R1"]);
    assert_eq!(merged, "merged   a\nmerged   b\nmerged   c (both)\n");
    assert_eq!(cph.read("project/c.txt").unwrap(), "A\nB\none\ntwo\nthree\n");
    let branch = cph.read("project/branch.txt").unwrap();
    assert!(branches(&cph).contains(&branch.trim().to_owned()), "{branch}");
    let again = cph.succeed(&["runs", "merge", "R1", "b"]);
    assert_eq!(again, "nothing  b\n");
    // What is merged is not done again, and its artifact is where it was.
    cph.succeed(&["runs", "resume", "R1"]);
    assert_eq!(outcome(&cph, "R1", "a"), "unchanged");
    assert_eq!(outcome(&cph, "R1", "c (both)"), "unchanged");
}

/// The bare name of a matrix means what of it has succeeded.
#[test]
fn a_matrix_is_merged_by_its_name() {
    let cph = repository(
        "on_failure: continue
tasks:
- {name: m, prompt: 'test ${matrix.k} != z && echo > ${matrix.k}', matrix: {k: [x, y, z]}}
- {name: other, prompt: 'echo > other'}
- {name: no, prompt: 'false', matrix: {k: [p, q]}}
",
    );
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    let merged = cph.succeed(&["runs", "merge", "R1", "m"]);
    assert_eq!(merged, "merged   m[x]\nmerged   m[y]\n");
    assert!(cph.path("project/x").exists() && !cph.path("project/other").exists());
    let ran = cph.run(&["runs", "merge", "R1", "no"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stderr.contains("`no` has not succeeded"), "{}", ran.shown());
}

#[test]
fn a_run_that_ends_well_is_merged_where_that_is_asked_for() {
    let cph = repository("tasks: [{name: a, prompt: 'echo A > a.txt'}]");
    let said = cph.succeed(&["run", "tasks.yaml", "--merge"]);
    assert!(said.ends_with("merged   a\n"), "{said}");
    assert_eq!(cph.read("project/a.txt").unwrap(), "A\n");
}

const CONFLICT: &str = "on_failure: continue
tasks:
- {name: a, prompt: 'sed -i s/two/TWO/ base.txt'}
- {name: b, prompt: 'sed -i s/two/2/ base.txt; echo B > b.txt'}
- {name: both, prompt: 'true', dependencies: [a, b]}
";

#[test]
fn a_conflict_leaves_everything_as_it_was() {
    let cph = repository(CONFLICT);
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    let b = branch(&cph, "b");
    let why = format!("conflict in base.txt; the work of `{b}` does not fit");
    assert!(ran.stdout.contains(&why), "{}", ran.shown());
    let ran = cph.run(&["runs", "merge", "R1"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(
        ran.stdout.starts_with("merged   a\nfailed   b: conflict in base.txt\n"),
        "{}",
        ran.shown()
    );
    assert!(ran.stdout.contains(&format!("`git merge {b}`")), "{}", ran.shown());
    assert_eq!(cph.read("project/base.txt").unwrap(), "one\nTWO\nthree\n");
    assert_eq!(git(&cph, &["status", "--porcelain", "--untracked-files=no"]), "");
    assert!(!cph.path("project/b.txt").exists());
    // Nothing is lost: whoever merges by hand has it all.
    let by_hand = ["-c", "user.name=t", "-c", "user.email=t@t", "merge", "-q", "-X", "theirs", &b];
    git(&cph, &by_hand);
    assert_eq!(cph.read("project/base.txt").unwrap(), "one\n2\nthree\n");
    assert_eq!(cph.succeed(&["runs", "merge", "R1"]), "nothing  a\nnothing  b\n");
}

#[test]
fn what_is_not_committed_is_not_merged_over() {
    let cph = repository("tasks: [{name: a, prompt: 'echo A >> base.txt'}]");
    cph.succeed(&["run", "tasks.yaml"]);
    fs::write(cph.path("project/base.txt"), "mine\n").unwrap();
    let ran = cph.run(&["runs", "merge", "R1"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stdout.contains("commit or stash them first"), "{}", ran.shown());
    assert_eq!(cph.read("project/base.txt").unwrap(), "mine\n");
    let ran = cph.run(&["runs", "merge", "R1", "nobody"]);
    assert_eq!(ran.code, 64, "{}", ran.shown());
}

/// The worktree of one task is not ready before the other has run.
#[test]
fn making_a_worktree_holds_up_its_own_task_alone() {
    let cph = repository(
        "max_workers: 2
tasks:
- {name: slow, priority: 1, prompt: 'touch slow'}
- {name: other, run: touch other}
",
    );
    let other = cph.path("project/other");
    when_made(&cph, &format!("until test -e {}; do sleep 0.01; done", other.display()));
    cph.succeed(&["run", "tasks.yaml"]);
    assert!(tree(&cph, "slow").join("slow").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn killed_while_a_worktree_is_made_it_is_made_anew() {
    let cph = repository("tasks: [{name: a, prompt: 'cat base.txt > a.txt'}]");
    // The first one never comes to its end.
    let made = cph.path("tmp/made");
    when_made(&cph, &format!("if mkdir {}; then sleep 600; fi", made.display()));
    let mut child = start(&cph, &["run", "tasks.yaml"]);
    assert!(until(PATIENCE, || made.exists()), "no worktree is made");
    child.kill().unwrap();
    child.wait().unwrap();
    // As if it had been killed earlier: a part is missing.
    fs::remove_file(tree(&cph, "a").join("base.txt")).unwrap();
    cph.succeed(&["run", "--resume"]);
    cph.succeed(&["runs", "merge", "R1"]);
    assert_eq!(cph.read("project/a.txt").unwrap(), "one\ntwo\nthree\n");
    assert!(cph.path("project/base.txt").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn killed_while_an_agent_works_its_worktree_is_used_again() {
    let cph = repository(
        "tasks: [{name: a, prompt: 'echo x >> half; until test -e $HOME/go; do sleep 0.01; done'}]",
    );
    let mut child = start(&cph, &["run", "tasks.yaml"]);
    let half = || run_dir_exists(&cph) && tree(&cph, "a").join("half").exists();
    assert!(until(PATIENCE, half), "the agent does not work");
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(cph.path("home/go"), "").unwrap();
    cph.succeed(&["run", "--resume"]);
    cph.succeed(&["runs", "merge", "R1"]);
    assert_eq!(cph.read("project/half").unwrap(), "x\nx\n");
}

fn run_dir_exists(cph: &Cph) -> bool {
    cph.path("state/cph/projects").is_dir()
        && fs::read_dir(cph.path("state/cph/projects")).unwrap().next().is_some()
}

#[test]
fn maintenance_keeps_what_is_not_merged() {
    let cph = repository(
        "on_failure: continue
tasks:
- {name: merged, prompt: 'echo A > a.txt'}
- {name: idle, prompt: 'true'}
- {name: failed, prompt: 'echo half > f.txt; exit 1'}
",
    );
    assert_eq!(cph.run(&["run", "tasks.yaml"]).code, 1);
    cph.succeed(&["runs", "merge", "R1"]);
    let (failed, dir) = (branch(&cph, "failed"), run_dir(&cph, "R1"));
    let cph = cph.project_file("other.yaml", "tasks: [{name: x, run: true}]");
    cph.succeed(&["run", "other.yaml"]);
    let said = cph.succeed(&["maintain", "--keep", "1"]);
    assert!(said.contains(&format!("branch {failed} stays: it is not merged")), "{said}");
    assert!(!dir.exists());
    assert_eq!(branches(&cph), [failed.as_str()]);
    assert_eq!(git(&cph, &["show", &format!("{failed}:f.txt")]), "half\n");
    assert_eq!(git(&cph, &["worktree", "list"]).lines().count(), 1);
}

/// A run may end in any way: what was made in its worktrees is told, and stays until it is merged.
#[test]
fn work_that_is_not_merged_is_told() {
    let tasks = "on_failure: continue
tasks:
- {name: made, prompt: 'echo A > a.txt'}
- {name: idle, prompt: 'true'}
- {name: half, prompt: 'echo H > h.txt; until test -e $HOME/go; do sleep 0.01; done', dependencies: made}
";
    let cph = repository(tasks).env("CPH_SESSION", "s1");
    let mut child = start(&cph, &["run", "tasks.yaml"]);
    let half = || run_dir_exists(&cph) && tree(&cph, "half").join("h.txt").exists();
    assert!(until(PATIENCE, half), "the agent does not work");
    cph.succeed(&["runs", "cancel", "R1"]);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let told = "Not merged yet: the work of made, half. `cph runs merge R1` brings in";
    let shown = cph.succeed(&["runs", "show", "R1"]);
    assert!(shown.contains(told), "{shown}");
    let end = events(&cph, "R1").pop().unwrap();
    assert_eq!(end["detail"]["unmerged"], serde_json::json!(["made", "half"]), "{end}");
    // The session that the run belongs to is told the same.
    let live = run_dir(&cph, "R1").join("../../live/R1.json");
    let live: serde_json::Value = serde_json::from_slice(&fs::read(live).unwrap()).unwrap();
    assert_eq!(live["unmerged"], end["detail"]["unmerged"]);
    fs::write(cph.path("home/go"), "").unwrap();
    let said = cph.succeed(&["runs", "resume", "R1"]);
    assert!(said.contains(&told.replace(" brings in", "")), "{said}");
    cph.succeed(&["runs", "merge", "R1"]);
    let shown = cph.succeed(&["runs", "show", "R1"]);
    assert!(!shown.contains("Not merged"), "{shown}");
    assert_eq!(cph.read("project/h.txt").unwrap(), "H\n");
}

/// Where Git is.
fn git_itself() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut found = std::env::split_paths(&path).map(|dir| dir.join("git"));
    found.find(|git| git.is_file()).expect("these tests need git")
}

/// In place of Git: while it does one thing for the first time somebody else holds the lock for it.
const LOCKING: &str = r#"
case " $* " in
*" worktree add "*)
  kind=add previous=
  for word; do test "$previous" != -b || lock=.git/refs/heads/$word.lock; previous=$word; done
  mkdir -p "${lock%/*}" ;;
*" add -A "*) kind=stage lock=$("$GIT" rev-parse --git-path index.lock) ;;
*" merge --quiet "*) kind=merge lock=.git/index.lock ;;
*" branch --quiet -D "*)
  kind=branch
  for word; do lock=.git/refs/heads/$word.lock; done ;;
*) exec "$GIT" "$@" ;;
esac
mkdir "$HOME/$kind" 2>/dev/null || exec "$GIT" "$@"
: >"$lock"
"$GIT" "$@"
code=$?
rm "$lock"
echo "$code" >"$HOME/$kind/code"
exit "$code"
"#;

#[test]
fn locks_that_somebody_else_holds_are_waited_for() {
    let cph = repository("tasks: [{name: a, prompt: 'echo A > a.txt'}]");
    let cph = cph.program("git", &format!("GIT={}\n{LOCKING}", git_itself().display()));
    // Nothing of ours is in the configuration: whoever writes it is in nobody's way.
    let cph = cph.project_file(".git/config.lock", "");
    let said = cph.succeed(&["run", "tasks.yaml", "--merge"]);
    assert!(said.ends_with("merged   a\n"), "{said}");
    assert_eq!(cph.read("project/a.txt").unwrap(), "A\n");
    let cph = cph.project_file("other.yaml", "tasks: [{name: x, run: true}]");
    cph.succeed(&["run", "other.yaml"]);
    assert_eq!(cph.succeed(&["maintain", "--keep", "1"]), "R1 removed\n1 run stays\n");
    assert_eq!(branches(&cph), [""; 0]);
    for kind in ["add", "stage", "merge", "branch"] {
        let code = cph.read(&format!("home/{kind}/code"));
        assert!(code.is_some_and(|code| code != "0\n"), "nothing was in the way of {kind}");
    }
}

#[test]
fn a_lock_that_a_killed_agent_left_is_taken_away() {
    let cph = repository(
        "tasks: [{name: a, prompt: 'echo A > a.txt; : > \"$(git rev-parse --git-path index.lock)\"'}]",
    );
    cph.succeed(&["run", "tasks.yaml", "--merge"]);
    assert_eq!(cph.read("project/a.txt").unwrap(), "A\n");
}

#[test]
fn many_worktrees_are_made_at_once() {
    let count = if std::env::var_os("CPH_STRESS").is_some() { 60 } else { 12 };
    let task = |n: usize| format!("- {{name: t{n}, prompt: 'echo {n} > {n}.txt'}}\n");
    let tasks: String = (0..count).map(task).collect();
    let cph = repository(&format!("max_workers: {count}\ntasks:\n{tasks}"));
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert_eq!(branches(&cph).len(), count);
    cph.succeed(&["runs", "merge", "R1"]);
    for n in 0..count {
        assert_eq!(cph.read(&format!("project/{n}.txt")).unwrap(), format!("{n}\n"));
    }
}

#[test]
fn without_a_repository_nothing_is_started() {
    let cph = with(&format!("{AGENT}tasks: [{{name: a, prompt: touch oops}}]"));
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 70, "{}", ran.shown());
    assert!(ran.stderr.contains("`worktree` needs a Git repository"), "{}", ran.shown());
    assert!(!cph.path("project/oops").exists());
    git(&cph, &["init", "--quiet", "."]);
    let ran = cph.run(&["run", "tasks.yaml"]);
    assert_eq!(ran.code, 70, "{}", ran.shown());
    assert!(ran.stderr.contains("needs a commit"), "{}", ran.shown());
}

#[test]
fn a_task_says_for_itself_whether_it_has_one() {
    let cph = repository(
        "tasks:
- {name: here, worktree: false, prompt: pwd}
- {name: there, worktree: true, cwd: sub, run: 'pwd; echo changed > x'}
- {name: outside, worktree: true, cwd: /, run: 'pwd'}
",
    )
    .project_file("sub/x", "");
    git(&cph, &["add", "."]);
    git(&cph, &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "sub"]);
    assert_eq!(cph.run(&["run", "tasks.yaml", "-k"]).code, 1);
    assert_eq!(cph.succeed(&["runs", "logs", "R1", "here"]), "[ROOT]/project\n");
    let there = cph.succeed(&["runs", "logs", "R1", "there"]);
    assert!(there.trim_end().ends_with("/runs/R1/worktrees/there/sub"), "{there}");
    assert_eq!(outcome(&cph, "R1", "outside"), "failed");
    let all = events(&cph, "R1");
    let error = all.iter().find(|event| event["kind"] == "error").unwrap();
    let reason = error["detail"]["reason"].as_str().unwrap();
    assert!(reason.contains("`/` is not in the repository"), "{reason}");
    assert_eq!(told(&cph, "R1", &["error"]), ["error outside"]);
    assert!(Path::new(&tree(&cph, "there")).join("sub/x").is_file());
}
