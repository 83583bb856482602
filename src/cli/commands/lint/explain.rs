//! `cph lint --explain`: what a rule means, with what it finds and what is right.

use serde::Serialize;

use crate::{
    cli::{
        args::Format,
        commands::Desk,
        exit::Exit,
        failure::Failure,
        output::{BAD, GOOD, HEADING, NAME, styled},
    },
    config::nearest::nearest,
    lint::{self, Listed, Shown},
    tasks,
};

/// A rule, for programs.
#[derive(Serialize)]
struct RuleReport {
    rule: &'static str,
    severity: String,
    summary: &'static str,
    explanation: &'static str,
    bad: Vec<Shown>,
    good: Vec<Shown>,
}

pub(super) fn explain(desk: &Desk<'_>, name: &str, format: Format) -> Result<Exit, Failure> {
    let mut rules: Vec<_> = lint::rules().collect();
    rules.sort_by_key(|listed| listed.rule.name);
    let is_text = matches!(format, Format::Text | Format::Github);
    if name == "all" {
        if is_text {
            for listed in &rules {
                desk.output.line(in_list(listed));
            }
        } else {
            desk.output.json(&rules.iter().map(|listed| report(listed)).collect::<Vec<_>>());
        }
        return Ok(Exit::Fine);
    }
    let Some(listed) = rules.iter().find(|listed| listed.rule.name == name) else {
        let of_tasks = tasks::rules::RULES.iter().find(|rule| rule.name == name);
        let rule = of_tasks.ok_or_else(|| unknown(name, &rules))?;
        desk.output.line(format_args!(
            "{} ({})\n{}\n\n{}",
            styled(HEADING, rule.name),
            rule.severity,
            rule.summary,
            wrapped(rule.explanation)
        ));
        return Ok(Exit::Fine);
    };
    if is_text {
        whole(desk, listed);
    } else {
        desk.output.json(&report(listed));
    }
    Ok(Exit::Fine)
}

fn whole(desk: &Desk<'_>, listed: &Listed) {
    let rule = listed.rule;
    let head = format!("{} ({})", styled(HEADING, rule.name), rule.severity);
    desk.output.line(format_args!("{head}\n{}\n", rule.summary));
    desk.output.line(wrapped(rule.explanation));
    let example = listed.example();
    for (what, style, files) in [("found", BAD, &example.bad), ("not found", GOOD, &example.good)] {
        for file in files {
            desk.output.line(format_args!("\n{} {}", styled(style, what), file.path));
            for line in file.text.lines() {
                desk.output.line(format_args!("  {line}"));
            }
        }
    }
}

fn unknown(name: &str, rules: &[&Listed]) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no rule `{name}`"));
    match nearest(name, rules.iter().map(|listed| listed.rule.name)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`cph lint --explain all` lists them"),
    }
}

fn report(listed: &Listed) -> RuleReport {
    let (rule, example) = (listed.rule, listed.example());
    RuleReport {
        rule: rule.name,
        severity: rule.severity.to_string(),
        summary: rule.summary,
        explanation: rule.explanation,
        bad: example.bad,
        good: example.good,
    }
}

fn in_list(listed: &Listed) -> String {
    let rule = listed.rule;
    let name = styled(NAME, format_args!("{:<26}", rule.name));
    format!("{name} {:<8} {}", rule.severity.to_string(), rule.summary)
}

/// Words in lines of at most 80 columns; paragraphs stay.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 80 {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_are_wrapped() {
        for rule in lint::rules().map(|listed| listed.rule) {
            let text = wrapped(rule.explanation);
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            assert_eq!(text.replace('\n', " "), rule.explanation.replace('\n', " "));
        }
    }
}
