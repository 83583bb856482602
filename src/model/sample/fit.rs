//! A sample that a hook asks for: its matcher, `if` and `paths` turned into a payload that meets
//! them.
//!
//! Guesses, and puts every guess to `when`, which decides. Invariant: what is given back is meant
//! by the hook wherever any of the guesses is; else it is the sample that comes nearest.

use crate::model::{
    Event, Payload, Processor,
    event::Matching,
    hook::{Entry, Hook},
    matcher::Matcher,
    paths::Dirs,
    permission::Rule,
    predicate, tool,
    when::Firing,
};

use super::{payload, set, tools, values_of};

/// More guesses than this for one entry help nobody.
const MOST: usize = 60;

/// Inputs that name a file, by the member.
const FILES: &[&str] = &["file_path", "notebook_path", "path"];

/// A payload of the hook's event, fired by `fired_by`; with a tool, of that tool.
pub(crate) fn for_hook(
    hook: &Hook,
    fired_by: Processor,
    tool: Option<&str>,
    dirs: Dirs<'_>,
) -> Payload {
    let guesses = hook.active().flat_map(|entry| {
        let fit = Fit { event: &hook.event, fired_by, entry, dirs };
        fit.guesses(tool)
    });
    let mut nearest = None;
    for guess in guesses {
        if Firing::new(&guess, fired_by, dirs).selects(hook).is_some() {
            return guess;
        }
        nearest.get_or_insert(guess);
    }
    nearest.unwrap_or_else(|| payload(&hook.event, fired_by, tool, dirs.project))
}

struct Fit<'f> {
    event: &'f Event,
    fired_by: Processor,
    entry: &'f Entry,
    dirs: Dirs<'f>,
}

impl Fit<'_> {
    fn guesses(&self, tool: Option<&str>) -> Vec<Payload> {
        let of_tool = |tool: Option<&str>| {
            let plain = payload(self.event, self.fired_by, tool, self.dirs.project);
            self.for_conditions(&self.for_matcher(&plain))
        };
        let mut guesses: Vec<Payload> = match tool {
            Some(tool) => vec![of_tool(Some(tool))],
            None if super::takes_tool(self.event, self.fired_by) => {
                self.tools().iter().map(|tool| of_tool(Some(tool))).collect()
            }
            None => vec![of_tool(None)],
        };
        if let Some(first) = guesses.first().cloned() {
            guesses.extend(self.other_values(&first));
        }
        guesses.truncate(MOST);
        guesses
    }

    /// Tools that could be meant, the likeliest first.
    fn tools(&self) -> Vec<String> {
        let condition = self.entry.condition.as_deref().map(Rule::parse);
        let asked = condition.map(|rule| rule.tool().to_owned());
        let asked = asked.filter(|name| !name.is_empty() && !name.contains('*'));
        let matcher = Matcher::of(self.entry);
        let named = matcher.exact_names().unwrap_or_default();
        // A server of MCP stands for its tools.
        let whole = |name: String| match name.matches("__").count() {
            1 if name.starts_with("mcp__") => name + "__tool",
            _ => name,
        };
        let all = asked.into_iter().chain(named.into_iter().map(str::to_owned)).map(whole);
        let all = all.chain(tools().map(str::to_owned)).chain(self.literal());
        all.collect()
    }

    /// The words of an expression without its signs, as in `^mcp__github__.*`.
    fn literal(&self) -> Option<String> {
        let text = self.entry.matcher.as_deref()?;
        let first = text.split('|').next()?.trim_matches(['^', '$', '(', ')']);
        Some(first.replace(".*", "sample").replace(".+", "sample").replace('\\', ""))
    }

    /// With what the matcher asks of a field.
    fn for_matcher(&self, plain: &Payload) -> Payload {
        let matcher = Matcher::of(self.entry);
        if matcher.is_predicate() {
            let text = self.entry.matcher.as_deref().unwrap_or_default();
            let predicates = predicate::parse(text).unwrap_or_default();
            return predicates.iter().fold(plain.clone(), |told, predicate| {
                told.with_text(predicate.field(), &example_of(predicate.first_alternative()))
            });
        }
        let field = self.field().filter(|field| *field != "tool_name");
        let first = matcher.exact_names().and_then(|names| names.first().map(|&n| n.to_owned()));
        match (field, first) {
            (Some(field), Some(value)) => self.with_value(plain, field, &value),
            _ => plain.clone(),
        }
    }

    /// With the further values that the field is known to have, and the matcher's own words.
    fn other_values(&self, plain: &Payload) -> Vec<Payload> {
        let Some(field) = self.field().filter(|field| *field != "tool_name") else {
            return Vec::new();
        };
        let values = values_of(field).map(str::to_owned).chain(self.literal());
        values.map(|value| self.with_value(plain, field, &value)).collect()
    }

    fn with_value(&self, plain: &Payload, field: &str, value: &str) -> Payload {
        if field == "file_path" {
            return plain.with_text(field, &self.dirs.project.join(value).to_string_lossy());
        }
        plain.with_text(field, value)
    }

    /// The field that the event's matchers are compared with.
    fn field(&self) -> Option<&'static str> {
        match self.event.row()?.matching {
            Matching::Wide { field } | Matching::Narrow { field } => Some(field),
            Matching::Ignored => None,
        }
    }

    /// With what `paths` and `if` ask of the input.
    fn for_conditions(&self, plain: &Payload) -> Payload {
        let mut told = plain.clone();
        if let Some(glob) = self.entry.paths.iter().find(|glob| !glob.starts_with('!')) {
            told = self.with_path(&told, &example_of(glob));
        }
        let argument =
            self.entry.condition.as_deref().and_then(|rule| Rule::parse(rule).argument());
        let Some(argument) = argument else { return told };
        let name = told.tool_name().map(|name| tool::current(&name).to_owned());
        let member = |member: &str, value: &str| {
            let value = serde_json::Value::from(value);
            set(&told, &format!("tool_input.{member}={value}")).unwrap_or_else(|_| told.clone())
        };
        match name.as_deref() {
            Some(tool::BASH | "PowerShell" | "Monitor") => {
                let line = argument.strip_suffix(":*").unwrap_or(argument);
                member("command", &line.replace('*', "sample"))
            }
            Some("WebFetch") => {
                let domain = argument.strip_prefix("domain:").unwrap_or(argument);
                member("url", &format!("https://{}/", domain.replace('*', "sample")))
            }
            Some("Agent") => member("subagent_type", argument),
            Some("Skill") => member("skill", argument),
            _ => self.with_path(&told, &example_of(argument)),
        }
    }

    /// With a file under the name that the input has for one.
    fn with_path(&self, told: &Payload, path: &str) -> Payload {
        let path = match (path.strip_prefix("//"), path.strip_prefix("~/"), self.dirs.home) {
            (Some(absolute), _, _) => format!("/{absolute}").into(),
            (_, Some(below), Some(home)) => home.join(below),
            _ => self.dirs.project.join(path.trim_start_matches(['.', '/'])),
        };
        let path = serde_json::Value::from(path.to_string_lossy().as_ref()).to_string();
        let input = told.input();
        let has = |member: &&&str| input.is_some_and(|input| input.get(member).is_some());
        let place = match FILES.iter().find(has) {
            Some(member) if told.tool_input().is_some() => format!("tool_input.{member}"),
            Some(member) => format!("task_input.{member}"),
            None if told.node("file_path").is_some() => "file_path".to_owned(),
            None if told.node("artifact_path").is_some() => "artifact_path".to_owned(),
            None if self.event.canonical() == "PostToolBatch" => {
                "tool_calls.0.tool_input.file_path".to_owned()
            }
            None if self.fired_by == Processor::TaskOrchestrator && input.is_some() => {
                "task_input.path".to_owned()
            }
            None => return told.clone(),
        };
        let told = set(told, &format!("{place}={path}")).unwrap_or_else(|_| told.clone());
        with_answered_path(told, &path)
    }
}

/// The response of a tool names the file once more.
fn with_answered_path(told: Payload, path: &str) -> Payload {
    let has = |place: &str| {
        place.split('.').skip(1).try_fold(told.node("tool_response")?, |node, name| node.get(name))
    };
    let places = ["tool_response.filePath", "tool_response.file.filePath"];
    let place = places.into_iter().find(|place| has(place).is_some());
    let changed = place.and_then(|place| set(&told, &format!("{place}={path}")).ok());
    changed.unwrap_or(told)
}

/// Something that a glob means: stars become a word, of alternatives the first is taken.
fn example_of(glob: &str) -> String {
    let glob = glob.replace("**/", "");
    let mut text = String::new();
    let mut rest = glob.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => {
                while rest.next_if_eq(&'*').is_some() {}
                text.push_str("sample");
            }
            '?' => text.push('a'),
            '\\' => text.extend(rest.next()),
            '{' => {
                let inner: String = rest.by_ref().take_while(|c| *c != '}').collect();
                text.push_str(inner.split(',').next().unwrap_or_default());
            }
            '[' => {
                let inner: String = rest.by_ref().take_while(|c| *c != ']').collect();
                text.extend(inner.trim_start_matches(['!', '^']).chars().next());
            }
            c => text.push(c),
        }
    }
    if text.ends_with('/') {
        text.push_str("sample.txt");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_means_its_example() {
        for (glob, example) in [
            ("*.py", "sample.py"),
            ("src/**/*.rs", "src/sample.rs"),
            ("src/**", "src/sample"),
            ("docs/", "docs/sample.txt"),
            ("a?.{ts,js}", "aa.ts"),
            ("[ab]x", "ax"),
            ("feat*", "featsample"),
            (r"a\*", "a*"),
        ] {
            assert_eq!(example_of(glob), example, "{glob}");
        }
    }
}
