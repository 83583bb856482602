//! What other programs read: SARIF and the commands of GitHub's runner.

use serde_json::Value;

use crate::cph::Cph;

const SETTINGS: &str = r#"{
  "hooks": {
    "PreToolUse": [
      {
        "matcher": "bash",
        "hooks": [{ "type": "command", "command": "a" }]
      },
      7
    ],
    "Stop": [
      {
        "hooks": []
      }
    ]
  }
}
"#;

fn project() -> Cph {
    Cph::new().project_file("a b/.claude/settings.json", SETTINGS)
}

#[test]
fn github_gets_one_line_for_each_finding() {
    insta::assert_snapshot!(project().run(&["lint", "--format", "github"]).shown(), @r#"
    exit 1
    --- stdout
    ::warning file=a b/.claude/settings.json,line=5,endLine=5,col=20,endColumn=26,title=matcher-case::no tool is called `bash`; it is `Bash`%0Awrite `Bash`
    ::error file=a b/.claude/settings.json,line=8,endLine=8,col=7,endColumn=8,title=settings-void::a group is a number; it must be an object%0AClaude Code ignores the whole file for this
    ::notice file=a b/.claude/settings.json,line=11,endLine=13,title=empty-group::this group runs nothing%0Aremove it
    --- stderr
    "#);
}

#[test]
fn code_scanning_gets_sarif() {
    let ran = project().run(&["lint", "--format", "sarif"]);
    assert_eq!((ran.code, &*ran.stderr), (1, ""));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let results = run["results"].as_array().unwrap();
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/.claude/settings.json");
    }
    let case = results.iter().find(|result| result["ruleId"] == "empty-group").unwrap();
    let change = &case["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(change["deletedRegion"]["startLine"], 10);
}

#[test]
fn nothing_wrong_is_a_document_too() {
    let cph = Cph::new();
    let text = cph.succeed(&["lint", "--format", "sarif"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["runs"][0]["results"].as_array().unwrap().len(), 0);
    assert_eq!(cph.succeed(&["lint", "--format", "github"]), "");
    assert_eq!(cph.succeed(&["lint", "--format", "json"]), "[]\n");
}
