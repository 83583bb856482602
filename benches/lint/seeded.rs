//! The seeded cases as projects on disk.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

const FAULTS: &str = include_str!("faults.md");
const SOUND: &str = include_str!("sound.md");

/// One case; what is sound has no rule.
pub(crate) struct Case {
    pub(crate) title: &'static str,
    /// The rule of cph that has to speak.
    pub(crate) rule: Option<&'static str>,
    body: &'static str,
}

/// Which of the two texts stands at a seeded fault.
#[derive(Clone, Copy)]
pub(crate) enum Half {
    Wrong,
    Right,
}

pub(crate) fn faults() -> Vec<Case> {
    cases(FAULTS)
}

pub(crate) fn sound() -> Vec<Case> {
    cases(SOUND)
}

fn cases(text: &'static str) -> Vec<Case> {
    let case = |part: &'static str| {
        let (title, body) = part.split_once('\n').expect("a case has a body");
        let rule = body.split_once("Found by `").and_then(|(_, rest)| rest.split_once('`'));
        Case { title, rule: rule.map(|(rule, _)| rule), body }
    };
    text.split("\n## ").skip(1).map(case).collect()
}

impl Case {
    /// Writes its files below a directory that is there; gives how many a linter reads.
    pub(crate) fn lay_out(&self, half: Half, root: &Path) -> usize {
        let text = chosen(self.body, half);
        let mut count = 0;
        let mut rest = text.as_str();
        while let Some((_, block)) = rest.split_once("\n```") {
            let (info, body) = block.split_once('\n').expect("a block has a first line");
            let end =
                if body.starts_with("```") { 0 } else { body.find("\n```").expect("an end") + 1 };
            write(root, info, &body[..end]);
            count += usize::from(info.starts_with("json"));
            rest = &body[end + 2..];
        }
        count
    }
}

/// `language PATH [executable]`; in scripts `\r` at the end of a line is a carriage return.
fn write(root: &Path, info: &str, body: &str) {
    let mut words = info.split(' ');
    let (language, path) = (words.next(), words.next().expect("a block names its file"));
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a file lies somewhere")).expect("a directory");
    let body = if language == Some("sh") { body.replace("\\r\n", "\r\n") } else { body.to_owned() };
    fs::write(&path, body).expect("a file");
    if words.next() == Some("executable") {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }
}

/// The text with one half of each `⟪wrong¦right⟫`.
fn chosen(text: &str, half: Half) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, seeded)) = rest.split_once('⟪') {
        let (seeded, behind) = seeded.split_once('⟫').expect("a fault ends");
        let (wrong, right) = seeded.split_once('¦').expect("a fault has two halves");
        out.push_str(before);
        out.push_str(match half {
            Half::Wrong => wrong,
            Half::Right => right,
        });
        rest = behind;
    }
    out + rest
}
