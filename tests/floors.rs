//! Holds the map in `src/lib.rs`: a module uses only modules on floors below its own, and an
//! outside crate is named only where it has its home.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Outside crates and the modules that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("notify", &["watch"]),
    ("notify", &["watch"]),
    ("anstream", &["cli"]),
    ("fd_lock", &["sys"]),
    ("globset", &["model"]),
    ("regress", &["model"]),
    ("rustix", &["sys"]),
    ("libc", &["sys"]),
    ("signal_hook", &["sys"]),
    ("sysinfo", &["sys"]),
    ("rusqlite", &["store"]),
    ("saphyr_parser", &["tasks"]),
    ("petgraph", &["tasks"]),
    ("ureq", &["dispatch"]),
    // The others hold published schemas in their tests.
    ("jsonschema", &["lint", "config", "model"]),
    ("similar", &["config", "install", "cli"]),
    (
        "serde_json",
        &[
            "background",
            "json",
            "model",
            "config",
            "session",
            "store",
            "diag",
            "conform",
            "install",
            "dispatch",
            "edit",
            "lint",
            "observe",
            "tasks",
            "cli",
            "fuzzing",
        ],
    ),
];

#[test]
fn modules_use_only_lower_floors() {
    let floors = floors(&read("src/lib.rs"));
    let mut faults = Vec::new();
    for source in sources() {
        let Some(&mine) = floors.get(&source.module) else { continue };
        for (line, used) in uses(&source.code) {
            let theirs = floors.get(&used).copied();
            if used != source.module && theirs.is_some_and(|theirs| theirs >= mine) {
                faults.push(format!("{}:{line}: `{}` uses `{used}`", source.path, source.module));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn outside_crates_stay_at_home() {
    let mut faults = Vec::new();
    for source in sources() {
        // Tests of a module may look at the system with their own eyes.
        if source.path.contains("/tests") {
            continue;
        }
        for (name, homes) in HOMES {
            let named = [format!("{name}::"), format!("use {name};")];
            let is_named = named.iter().any(|pattern| names(&source.code, pattern));
            if is_named && !homes.contains(&source.module.as_str()) {
                faults.push(format!("{} names `{name}`, at home in {homes:?}", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_stands_on_a_floor() {
    let floors = floors(&read("src/lib.rs"));
    for source in sources() {
        let known =
            floors.contains_key(&source.module) || matches!(&*source.module, "lib" | "main");
        assert!(known, "{} is on no floor of src/lib.rs", source.path);
    }
    assert!(floors["cli"] > floors["model"], "the map was not read: {floors:?}");
}

#[test]
fn the_check_itself_finds_faults() {
    let code = "use crate::{cli::x, model::{a, b}};\nfn f() { crate::store::y() }";
    let used: Vec<_> = uses(code).into_iter().map(|(_, name)| name).collect();
    assert_eq!(used, ["cli", "model", "store"]);
    assert!(names("let x = tokio::spawn();", "tokio::"));
    assert!(!names("let x = my_tokio::spawn();", "tokio::"));
}

struct Source {
    path: String,
    /// The top-level module.
    module: String,
    /// Without comments.
    code: String,
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Module → floor. A comment line after a blank line begins the next floor.
fn floors(lib: &str) -> BTreeMap<String, usize> {
    let mut floor = 0;
    let mut floors = BTreeMap::new();
    let mut after_blank = false;
    for line in lib.lines() {
        let declaration = line.trim_start_matches("pub ").strip_prefix("mod ");
        if line.starts_with("// ") && after_blank {
            floor += 1;
        } else if let Some(name) = declaration {
            floors.insert(name.trim_end_matches(';').to_owned(), floor);
        }
        after_blank = line.trim().is_empty();
    }
    floors
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    files.into_iter().map(|file| source(&root, &file)).collect()
}

fn source(root: &Path, file: &Path) -> Source {
    let inside = file.strip_prefix(root).unwrap();
    let top = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    let text = fs::read_to_string(file).unwrap();
    let code = text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>();
    Source {
        path: inside.display().to_string(),
        module: top.trim_end_matches(".rs").to_owned(),
        code: code.join("\n"),
    }
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn names(code: &str, pattern: &str) -> bool {
    code.match_indices(pattern)
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// The first path segment after every `crate::`, also within one pair of braces, with its line.
fn uses(code: &str) -> Vec<(usize, String)> {
    let mut uses = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            uses.extend(outer_items(list).into_iter().map(|name| (line, name)));
        } else {
            uses.push((line, first_word(rest)));
        }
    }
    uses
}

/// The first words of the comma-separated items of a brace list, not of nested ones.
fn outer_items(list: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0;
    for c in list.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            c if depth == 0 => items.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    let words = items.iter().map(|item| first_word(item.trim()));
    words.filter(|word| !word.is_empty()).collect()
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
