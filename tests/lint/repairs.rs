//! `--fix`.

use crate::cph::Cph;

const OLD: &str = "{\r\n\t\"permissions\": {\"allow\": [\"Bash(ls)\"] , \"x\": 1.50},\r\n\t\"hooks\": {\r\n\t\t\"Stop\": [\"~/done.sh\"],\r\n\t\t\"PreToolUse\": [\r\n\t\t\t{\"type\": \"command\", \"command\": \"guard\", \"matcher\": \"bash\"}\r\n\t\t]\r\n\t}\r\n}";

#[test]
fn what_can_be_repaired_is_and_every_other_byte_stays() {
    let cph = Cph::new().project_file(".claude/settings.json", OLD);
    let ran = cph.run(&["lint", "--fix"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "nothing wrong in 1 file\n"), "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr, @r#"
    fixed: .claude/settings.json:4:12: a group is a string; it must be an object: write a group
    fixed: .claude/settings.json:6:4: a group without `hooks`: put the handler into a group
    fixed: .claude/settings.json:7:16: no tool is called `bash`; it is `Bash`: write `Bash`
    `.claude/settings.json` was changed; as it was: `.claude/settings.json.before-fix`
    "#);
    let text = cph.read("project/.claude/settings.json").unwrap();
    assert!(
        text.contains("{\"allow\": [\"Bash(ls)\"] , \"x\": 1.50},\r\n\t\"hooks\": {"),
        "{text}"
    );
    assert!(text.contains("\"matcher\": \"Bash\""), "{text}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text:?}");
    assert_eq!(cph.read("project/.claude/settings.json.before-fix").as_deref(), Some(OLD));
    let files = cph.files();
    assert_eq!(cph.succeed(&["lint", "--fix"]), "nothing wrong in 1 file\n");
    assert_eq!(cph.files(), files, "a second time there is nothing to do");
}

#[test]
fn without_it_nothing_is_written() {
    let cph = Cph::new().project_file(".claude/settings.json", OLD);
    let files = cph.files();
    for more in [&["lint"][..], &["lint", "--format", "sarif"], &["lint", "--explain", "all"]] {
        cph.run(more);
    }
    assert_eq!(cph.files(), files);
}

#[test]
fn what_is_not_chosen_is_not_repaired() {
    let cph = Cph::new().project_file(".claude/settings.json", OLD);
    cph.run(&["lint", "--fix", "--select", "matcher"]);
    assert_eq!(cph.read("project/.claude/settings.json").as_deref(), Some(OLD));
}
