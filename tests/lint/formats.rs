//! What other programs read: SARIF and the commands of GitHub's runner.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::seeded::{self, Half};
use crate::cph::Cph;

/// As OASIS publishes it; see `tests/data/README.md`.
const SARIF: &str = include_str!("../data/sarif-2.1.0.schema.json");

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

/// Every seeded fault in one tree: rules of all families, repairs, other places, scripts.
#[test]
fn sarif_is_valid_by_its_published_schema() {
    let mut schema: Value = serde_json::from_str(SARIF).unwrap();
    for (_, definition) in schema["definitions"].as_object_mut().unwrap() {
        // Its pattern has a bracket too many, and is none; we do not say a language.
        if let Some(language) = definition.pointer_mut("/properties/language") {
            language.as_object_mut().unwrap().remove("pattern");
        }
    }
    let schema = jsonschema::draft7::new(&schema).unwrap();
    let is_valid = |text: &str| {
        let document: Value = serde_json::from_str(text).unwrap();
        let faults: Vec<_> = schema
            .iter_errors(&document)
            .take(5)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        document
    };
    let cph = Cph::new();
    is_valid(&cph.succeed(&["lint", "--format", "sarif"]));
    for (number, case) in seeded::faults().iter().enumerate() {
        let root = cph.path(&format!("project/ä {number}"));
        fs::create_dir(&root).unwrap();
        case.lay_out(Half::Wrong, &root);
    }
    let ran = cph.run(&["lint", "--format", "sarif"]);
    let document = is_valid(&ran.stdout);
    let results = document["runs"][0]["results"].as_array().unwrap();
    let rules: BTreeSet<_> =
        results.iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    let seeded: BTreeSet<_> = seeded::faults().iter().filter_map(|case| case.rule).collect();
    assert!(rules.is_superset(&seeded), "{:?}", seeded.difference(&rules));
    assert!(results.iter().any(|result| result.get("fixes").is_some()));
    assert!(results.iter().any(|result| result.get("relatedLocations").is_some()));
    // The schema is one that can say no.
    let broken = ran.stdout.replacen("\"ruleId\"", "\"ruleID\"", 1);
    assert!(!schema.is_valid(&serde_json::from_str(&broken).unwrap()));
}
