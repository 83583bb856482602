//! The suite of a rule: cases in Markdown, each with files and what is found in them.
//!
//! Does not run anything. A case begins with `## `. Its fenced blocks are told apart by what
//! stands behind the backticks:
//!
//! - `json PATH` (or any other language): a file of the case; with `executable` behind the path
//!   it may be run; with `link` as language the text is where the link leads, with `hex` it is the bytes;
//! - `findings`: lines of `PATH:LINE:COLUMN RULE`, all that is found; a case without such a block
//!   is clean;
//! - `fixed PATH`: what `--fix` makes of the file.
//!
//! Invariant: the first case with findings and the first without are examples for people.

/// One case.
#[derive(Debug, Default)]
#[cfg_attr(not(test), expect(dead_code, reason = "only the tests run cases"))]
pub(super) struct Case<'s> {
    pub(super) title: &'s str,
    pub(super) files: Vec<CaseFile<'s>>,
    /// Sorted lines.
    pub(super) findings: Vec<&'s str>,
    /// Path and text.
    pub(super) fixed: Vec<(&'s str, &'s str)>,
}

/// One file of a case.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "only the tests run cases"))]
pub(super) struct CaseFile<'s> {
    pub(super) path: &'s str,
    pub(super) language: &'s str,
    pub(super) is_executable: bool,
    /// Ends with a line break.
    pub(super) text: &'s str,
}

/// What a rule is about, in two texts with their paths.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Example {
    pub(crate) bad: Vec<Shown>,
    pub(crate) good: Vec<Shown>,
}

/// A file of an example.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Shown {
    pub(crate) path: String,
    pub(crate) text: String,
    #[serde(skip)]
    pub(crate) language: String,
}

/// The name in the first line, and the cases.
pub(super) fn parse(suite: &str) -> (&str, Vec<Case<'_>>) {
    let mut parts = suite.split("\n## ");
    let name = parts.next().and_then(|head| head.lines().next()).unwrap_or_default();
    (name.trim_start_matches("# "), parts.map(case).collect())
}

/// The first case that finds something, and the first clean one.
pub(super) fn example(suite: &str) -> Example {
    let (_, cases) = parse(suite);
    let shown = |is_clean: bool| {
        let case = cases.iter().find(|case| case.findings.is_empty() == is_clean);
        let files = case.map(|case| case.files.as_slice()).unwrap_or_default();
        files.iter().map(CaseFile::shown).collect()
    };
    Example { bad: shown(false), good: shown(true) }
}

impl CaseFile<'_> {
    fn shown(&self) -> Shown {
        let [path, text, language] = [self.path, self.text, self.language].map(str::to_owned);
        Shown { path, text, language }
    }
}

fn case(text: &str) -> Case<'_> {
    let (title, mut rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut case = Case { title: title.trim(), ..Case::default() };
    while let Some((info, body, behind)) = block(rest) {
        let mut words = info.split_whitespace();
        let (language, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match language {
            "findings" => case.findings.extend(body.lines().filter(|line| !line.is_empty())),
            "fixed" => case.fixed.push((path, body)),
            _ => case.files.push(CaseFile {
                path,
                language,
                is_executable: words.any(|word| word == "executable"),
                text: body,
            }),
        }
        rest = behind;
    }
    case.findings.sort_unstable();
    case
}

/// The next fenced block: what stands behind its backticks, its text, and what follows.
fn block(text: &str) -> Option<(&str, &str, &str)> {
    let start = if text.starts_with("```") { 0 } else { text.find("\n```")? + 1 };
    let (info, body) = text[start..].trim_start_matches('`').split_once('\n')?;
    let end = if body.starts_with("```") { 0 } else { body.find("\n```")? + 1 };
    let behind = body[end..].split_once('\n').map_or("", |(_, behind)| behind);
    Some((info.trim(), &body[..end], behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = "# a-rule\n\nWords.\n\n## One\n\n```json a/b.json\n{}\n```\n\nx\n\n```findings\n\
                         a/b.json:1:2 z\na/b.json:1:1 y\n```\n\n```fixed a/b.json\n[]\n```\n\n## Two\n\
                         ```sh x.sh executable\n```\n";

    #[test]
    fn cases_have_files_findings_and_fixed_texts() {
        let (name, cases) = parse(SUITE);
        assert_eq!((name, cases.len()), ("a-rule", 2));
        let one = &cases[0];
        assert_eq!((one.title, one.files[0].path, one.files[0].text), ("One", "a/b.json", "{}\n"));
        assert_eq!(one.findings, ["a/b.json:1:1 y", "a/b.json:1:2 z"]);
        assert_eq!(one.fixed, [("a/b.json", "[]\n")]);
        let two = &cases[1];
        assert!(two.files[0].is_executable && two.files[0].text.is_empty());
        assert!(two.findings.is_empty());
    }

    #[test]
    fn examples_are_the_first_of_each_sort() {
        let example = example(SUITE);
        assert_eq!(example.bad[0].path, "a/b.json");
        assert_eq!(example.good[0].path, "x.sh");
    }
}
