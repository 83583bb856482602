//! What the documents promise: commands that exist, links that lead somewhere, examples that are
//! read without an error.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::cph::Cph;

/// A place in a document.
struct Found {
    document: PathBuf,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// All Markdown files of the tree, but those of other people.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort();
    assert!(found.len() > 8, "{found:?}");
    found
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !path.is_symlink() {
            if !name.starts_with('.') && name != "target" {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The fenced blocks of a language in all documents.
fn blocks(language: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for block in text.split(&format!("\n```{language}\n")).skip(1) {
            let block = block.split("\n```").next().unwrap();
            found.push(Found { document: document.clone(), text: block.to_owned() });
        }
    }
    assert!(!found.is_empty(), "no block of {language}");
    found
}

/// The text without fenced blocks.
fn prose(text: &str) -> String {
    let mut is_fenced = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    };
    text.lines().filter(is_prose).collect::<Vec<_>>().join("\n")
}

/// Texts between single backticks.
fn codes(text: &str) -> Vec<String> {
    let prose = prose(text);
    prose
        .split("\n\n")
        .flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2).map(str::to_owned))
        .collect()
}

/// Everything that starts `cph` in the documents: in backticks, and behind the `$` of a block.
fn invocations() -> Vec<Found> {
    let mut found = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let starts = codes(&text).into_iter().filter(|code| code.starts_with("cph "));
        found.extend(starts.map(|text| Found { document: document.clone(), text }));
    }
    for Found { document, text } in blocks("console") {
        for line in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let line = line.split(" # ").next().unwrap();
            for part in line.split(" | ") {
                let words: Vec<_> =
                    part.split_whitespace().skip_while(|word| word.contains('=')).collect();
                if words.first() == Some(&"cph") {
                    found.push(Found { document: document.clone(), text: words.join(" ") });
                }
            }
        }
    }
    found
}

#[test]
fn commands_that_are_named_exist_with_their_options() {
    let cph = Cph::new();
    let help = cph.run(&["--help"]).stdout;
    // They stand in groups, between the usage and the options.
    let groups = help.lines().skip_while(|line| !line.starts_with("Usage:")).skip(1);
    let listed: BTreeSet<_> = groups
        .take_while(|line| *line != "Options:")
        .filter(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(listed.contains("dispatch"), "{help}");
    let mut seen = BTreeSet::new();
    for Found { document, text } in invocations() {
        let mut words = text.split_whitespace().skip(1);
        let Some(command) = words.find(|word| !word.starts_with('-')) else { continue };
        assert!(listed.contains(command), "{}: `{text}` is no command", document.display());
        seen.insert(command.to_owned());
        let mut help = cph.run(&[command, "--help"]).stdout;
        if let Some(nested) = words.next().filter(|word| is_listed(&help, word)) {
            help = cph.run(&[command, nested, "--help"]).stdout;
        }
        let options = text.split_whitespace().skip(2).filter(|word| word.starts_with("--"));
        for option in options {
            let option = option.trim_end_matches([',', ';', '.', ':', ')']);
            assert!(
                help.contains(option),
                "{}: `{text}`: {command} has no {option}",
                document.display()
            );
        }
    }
    let unnamed: Vec<_> = listed.iter().filter(|command| !seen.contains(**command)).collect();
    assert!(unnamed.is_empty(), "no document tells of {unnamed:?}");
}

/// Whether a command has such a command of its own.
fn is_listed(help: &str, word: &str) -> bool {
    help.lines().any(|line| {
        line.strip_prefix("  ").is_some_and(|line| line.split(' ').next() == Some(word))
    })
}

#[test]
fn links_lead_somewhere() {
    let mut faults = Vec::new();
    for document in documents() {
        let text = prose(&fs::read_to_string(&document).unwrap());
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => document.clone(),
                path => document.parent().unwrap().join(path),
            };
            if !target.exists() || !has_anchor(&target, anchor) {
                faults.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn has_anchor(target: &Path, anchor: &str) -> bool {
    anchor.is_empty()
        || prose(&fs::read_to_string(target).unwrap())
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .any(|title| slug(title.trim_start_matches('#')) == anchor)
}

/// How a heading is called in a link.
fn slug(title: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    title.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[test]
fn json_in_documents_is_json_and_hook_files_are_sound() {
    let mut hook_files = 0;
    for (index, Found { document, text }) in blocks("json").into_iter().enumerate() {
        let shown = document.display();
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{shown}: {e}"));
        let is_hook_file =
            ["hooks", "integration", "Stop"].iter().any(|key| value.get(key).is_some());
        if !is_hook_file {
            continue;
        }
        hook_files += 1;
        let name = format!("hooks-{index}.json");
        let cph = Cph::new().project_file(&name, &text);
        let ran = cph.run(&["lint", &name]);
        assert_eq!(ran.code, 0, "{shown}:\n{text}\n{}", ran.shown());
    }
    assert!(hook_files >= 6, "{hook_files}");
}

#[test]
fn commands_of_the_readme_are_run_by_ci() {
    let readme = read("README.md");
    let block = readme.split("\n```sh\n").nth(1).unwrap().split("\n```").next().unwrap();
    let commands: Vec<_> = block.lines().collect();
    assert_eq!(commands, ["cargo run --release -- demo", "cargo test"]);
    let ci = read(".ci/run").replace(" --locked", "");
    let steps: Vec<_> = ci.lines().collect();
    for command in commands {
        assert!(steps.contains(&command), "CI does not run `{command}`");
    }
    for (words, file) in [
        ("install/install.sh", "install/install.sh"),
        (".ci/fetch-client", ".ci/fetch-client"),
        (".ci/fuzz", ".ci/fuzz"),
        (".ci/deny", ".ci/deny"),
        ("install/make-plugin", "install/make-plugin"),
    ] {
        let text = readme.clone() + &read("CONTRIBUTING.md");
        assert!(text.contains(words) && root().join(file).is_file(), "{words}");
    }
}

/// What the README shows of its tour is what the tour prints.
#[test]
fn the_tour_of_the_readme_is_as_it_is_told() {
    let readme = read("README.md");
    let hooks = readme.split("\n```json\n").nth(1).unwrap().split("\n```").next().unwrap();
    let payload = readme.split("$ echo '").nth(1).unwrap().split('\'').next().unwrap();
    let cph = Cph::new().project_file(".claude/hooks.json", hooks).stdin(payload);
    let told = |text: &str| {
        // Trusting is said by an argument here: nobody can answer the question.
        for line in text.lines() {
            let line = line.replace("[ROOT]/project", "/home/me/shop");
            assert!(readme.contains(&format!("\n{line}\n")), "the README has no `{line}`");
        }
    };
    told(&cph.succeed(&["install", "--yes"]));
    told(&cph.succeed(&["explain", "PreToolUse", "--tool", "Bash"]));
    told(&cph.succeed(&["dispatch", "PreToolUse"]));
    let log = cph.succeed(&["log"]);
    assert!(log.contains("PreToolUse           claude_code       deny "), "{log}");
    assert!(log.contains("    ran           no-force-push                    exit 2 ("), "{log}");
    cph.succeed(&["uninstall"]);
    let left: Vec<_> = cph.files().into_iter().map(|(path, _)| path).collect();
    assert_eq!(left, [cph.path("project/.claude/hooks.json")]);
}

#[test]
fn versions_are_told_alike() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(read("CHANGELOG.md").contains(&format!("\n## [{version}]")));
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("rust-version")).unwrap();
    let oldest = line.split('"').nth(1).unwrap();
    assert!(read("README.md").contains(&format!("Rust {oldest} or newer")));
    assert!(read("clippy.toml").contains(&format!("msrv = \"{oldest}\"")));
    let client = read(".ci/fetch-client");
    let client = client.lines().find_map(|line| line.strip_prefix("version=")).unwrap();
    assert!(read("README.md").contains(client), "Claude Code {client}");
}

#[test]
fn rules_that_are_named_exist() {
    let rules = Cph::new().run(&["lint", "--explain", "all"]).stdout;
    let rules: BTreeSet<_> =
        rules.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(rules.contains("legacy-string"), "{rules:?}");
    // The last column of the table of forms, and what is called a rule or a warning in words.
    let configuration = read("docs/configuration.md");
    let forms = configuration.split("## Forms that are forgiven").nth(1).unwrap();
    let forms = forms.split("\n## ").next().unwrap();
    let mut named: Vec<String> = forms
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'))
        .filter_map(|line| line.trim_end_matches(" |").rsplit("| ").next())
        .map(|cell| cell.trim_matches('`').to_owned())
        .collect();
    for document in documents() {
        let text = prose(&fs::read_to_string(&document).unwrap()).replace('\n', " ");
        for mark in ["the warning `", "rule `"] {
            named.extend(
                text.split(mark)
                    .skip(1)
                    .filter_map(|rest| rest.split('`').next())
                    .map(String::from),
            );
        }
    }
    assert!(named.len() > 12, "{named:?}");
    for name in named {
        assert!(rules.contains(name.as_str()), "there is no rule `{name}`");
    }
}

#[test]
fn the_module_map_names_modules_that_are_there() {
    let text = read("docs/architecture.md");
    let map = text.split("### Module map").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: BTreeSet<_> = map
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|cell| cell.split(", ").map(|name| name.trim_matches('`').to_owned()))
        .collect();
    for name in &named {
        let is_there = root().join("src").join(name).is_dir()
            || root().join("src").join(format!("{name}.rs")).is_file();
        assert!(is_there, "there is no module {name}");
    }
    let lib = read("src/lib.rs");
    let modules = lib
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    for module in modules.filter(|module| *module != "source") {
        let is_told = named.iter().any(|name| name.split('/').next() == Some(module));
        assert!(is_told, "the module map does not tell of {module}");
    }
}

#[test]
fn presets_and_variables_that_are_told_are_those_that_there_are() {
    let configuration = read("docs/configuration.md");
    for entry in fs::read_dir(root().join("presets")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(configuration.contains(&format!("| `{name}` |")), "preset {name}");
    }
    // Every field that the schema has stands in the document.
    let schema: Value = serde_json::from_str(&read("schemas/hooks.schema.json")).unwrap();
    let fields = schema["$defs"]["integration"]["properties"].as_object().unwrap();
    for field in fields.keys() {
        assert!(configuration.contains(&format!("`{field}")), "integration.{field}");
    }
}

#[test]
fn the_checks_find_faults() {
    assert_eq!(slug(" What a hook may answer"), "what-a-hook-may-answer");
    assert_eq!(slug(" `integration`"), "integration");
    assert_eq!(codes("a `b` c\n```\n`d`\n```\n`e`"), ["b", "e"]);
    assert!(!has_anchor(&root().join("README.md"), "no-such-heading"));
}
