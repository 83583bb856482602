//! A plan as text, as Mermaid, as SVG, as JSON.
//!
//! Does not print. Invariant: what is drawn depends on the file and the lengths alone.

use std::fmt::Write as _;

use serde::Serialize;

use super::{
    file::{Task, TaskFile, Work},
    graph::Graph,
};

/// What there is to draw.
pub(crate) struct Drawing<'d> {
    pub(crate) file: &'d TaskFile,
    pub(crate) graph: &'d Graph,
    /// What each task took lately, in milliseconds; `None` where nobody knows.
    pub(crate) lengths: &'d [Option<f64>],
    pub(crate) workers: usize,
}

/// The plan as a whole, in numbers.
pub(crate) struct Outlook {
    pub(crate) critical_path: Vec<usize>,
    /// What the run will take with these workers, in milliseconds; `None` before the first run.
    pub(crate) expected_ms: Option<f64>,
}

impl Drawing<'_> {
    /// Lengths for planning: what nobody knows takes as long as the others do on the average.
    pub(crate) fn planned(lengths: &[Option<f64>]) -> Vec<f64> {
        let known: Vec<f64> = lengths.iter().flatten().copied().collect();
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let mean =
            if known.is_empty() { 1.0 } else { known.iter().sum::<f64>() / known.len() as f64 };
        lengths.iter().map(|length| length.unwrap_or(mean)).collect()
    }

    pub(crate) fn outlook(&self) -> Outlook {
        let lengths = Self::planned(self.lengths);
        let is_known = self.lengths.iter().any(Option::is_some);
        Outlook {
            critical_path: self.graph.critical_path(&lengths),
            expected_ms: is_known.then(|| self.expected(&lengths)),
        }
    }

    /// Plays the run with these lengths.
    fn expected(&self, lengths: &[f64]) -> f64 {
        use super::{
            file::OnFailure,
            schedule::{Outcome, Schedule},
        };
        let tasks = &self.file.tasks;
        let mut schedule = Schedule::new(tasks, self.graph, lengths, OnFailure::Stop, false);
        let mut running: Vec<(f64, usize)> = Vec::new();
        let mut now = 0.0;
        loop {
            while running.len() < self.workers {
                let Some(index) = schedule.next(|_| true) else { break };
                running.push((now + lengths[index], index));
            }
            let first = (0..running.len()).min_by(|a, b| running[*a].0.total_cmp(&running[*b].0));
            let Some(first) = first else { return now };
            let (end, index) = running.swap_remove(first);
            now = end;
            schedule.ended(index, Outcome::Succeeded);
        }
    }

    fn name(&self, index: usize) -> &str {
        &self.file.tasks[index].name
    }

    fn names(&self, indices: &[usize], between: &str) -> String {
        let names: Vec<_> = indices.iter().map(|index| self.name(*index)).collect();
        names.join(between)
    }

    /// Batches with what each task waits for.
    pub(crate) fn text(&self) -> String {
        let batches = self.graph.batches();
        let outlook = self.outlook();
        let mut text = format!(
            "{} in {}, {} at once\n",
            count(self.graph.len(), "task"),
            count(batches.len(), "batch"),
            count(self.workers, "worker"),
        );
        let longest = self.file.tasks.iter().map(|task| task.name.chars().count()).max();
        let width = longest.unwrap_or(0).min(32);
        for (number, batch) in (1..).zip(&batches) {
            for (place, index) in batch.iter().enumerate() {
                let head = if place == 0 { format!("batch {number}") } else { String::new() };
                let before = &self.graph.dependencies[*index];
                let arrow = match before.as_slice() {
                    [] => String::new(),
                    before => format!("← {}", self.names(before, ", ")),
                };
                let length =
                    self.lengths[*index].map(|ms| format!("  ({})", span(ms))).unwrap_or_default();
                let line = format!("{head:<10} {:<width$} {arrow}{length}", self.name(*index));
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        let path = self.names(&outlook.critical_path, " → ");
        let _ = writeln!(text, "{:<10} {path}", "longest");
        if let Some(expected) = outlook.expected_ms {
            let _ = writeln!(text, "{:<10} about {}", "expected", span(expected));
        }
        text
    }

    /// For Markdown.
    pub(crate) fn mermaid(&self) -> String {
        let mut text = String::from("graph LR\n");
        for index in 0..self.graph.len() {
            let name = mermaid_text(self.name(index));
            let _ = writeln!(text, "    t{index}[\"{name}\"]");
        }
        for (index, before) in self.graph.dependencies.iter().enumerate() {
            for other in before {
                let _ = writeln!(text, "    t{other} --> t{index}");
            }
        }
        text
    }

    /// Batches from left to right, the critical path in red.
    pub(crate) fn svg(&self) -> String {
        const BOX: (usize, usize) = (170, 32);
        const STEP: (usize, usize) = (230, 48);
        const MARGIN: usize = 20;
        let batches = self.graph.batches();
        let path = self.outlook().critical_path;
        let rows = batches.iter().map(Vec::len).max().unwrap_or(0);
        let mut places = vec![(0, 0); self.graph.len()];
        for (column, batch) in batches.iter().enumerate() {
            // Shorter columns stand in the middle.
            let top = (rows - batch.len()) * STEP.1 / 2;
            for (row, index) in batch.iter().enumerate() {
                places[*index] = (MARGIN + column * STEP.0, MARGIN + top + row * STEP.1);
            }
        }
        let (width, height) =
            (2 * MARGIN + batches.len() * STEP.0, 2 * MARGIN + rows.max(1) * STEP.1);
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n"
        );
        let is_critical =
            |a: usize, b: usize| path.windows(2).any(|pair| pair[0] == a && pair[1] == b);
        for (index, before) in self.graph.dependencies.iter().enumerate() {
            for &other in before {
                let (x1, y1) = (places[other].0 + BOX.0, places[other].1 + BOX.1 / 2);
                let (x2, y2) = (places[index].0, places[index].1 + BOX.1 / 2);
                let middle = usize::midpoint(x1, x2);
                let colour = if is_critical(other, index) { "#c0392b" } else { "#888" };
                let _ = writeln!(
                    text,
                    "<path d=\"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}\" fill=\"none\" \
                     stroke=\"{colour}\"/>"
                );
            }
        }
        for (index, (x, y)) in places.iter().enumerate() {
            let colour = if path.contains(&index) { "#c0392b" } else { "#555" };
            let name = escaped(&shortened(self.name(index), 22));
            let _ = writeln!(
                text,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"5\" fill=\"#fff\" \
                 stroke=\"{colour}\"/><text x=\"{}\" y=\"{}\">{name}</text>",
                BOX.0,
                BOX.1,
                x + 10,
                y + 21,
            );
        }
        text + "</svg>\n"
    }

    /// For programs; also `plan.json` of a run.
    pub(crate) fn plan(&self) -> Plan<'_> {
        let outlook = self.outlook();
        let names = |all: &[usize]| all.iter().map(|index| self.name(*index)).collect();
        Plan {
            version: 1,
            name: self.file.name.as_deref(),
            workers: self.workers,
            batches: self.graph.batches().iter().map(|batch| names(batch)).collect(),
            critical_path: names(&outlook.critical_path),
            expected_ms: outlook.expected_ms,
            tasks: (0..self.graph.len()).map(|index| self.planned_task(index)).collect(),
        }
    }

    fn planned_task(&self, index: usize) -> PlannedTask<'_> {
        let task: &Task = &self.file.tasks[index];
        let before = self.graph.dependencies[index].iter().map(|other| self.name(*other));
        PlannedTask {
            name: &task.name,
            batch: self.graph.level[index] + 1,
            dependencies: before.collect(),
            kind: task.kind.as_deref(),
            role: task.role.as_deref(),
            priority: task.priority,
            resources: &task.resources,
            expected_ms: self.lengths[index],
            work: match &task.work {
                Work::Line(line) => PlannedWork::Run(OneOrMany::One(line)),
                Work::Words(words) => PlannedWork::Run(OneOrMany::Many(words)),
                Work::Prompt(prompt) => PlannedWork::Prompt(prompt),
            },
        }
    }
}

/// A plan for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Plan<'d> {
    version: u32,
    name: Option<&'d str>,
    workers: usize,
    batches: Vec<Vec<&'d str>>,
    critical_path: Vec<&'d str>,
    expected_ms: Option<f64>,
    tasks: Vec<PlannedTask<'d>>,
}

#[derive(Debug, Serialize)]
struct PlannedTask<'d> {
    name: &'d str,
    batch: usize,
    dependencies: Vec<&'d str>,
    #[serde(rename = "type")]
    kind: Option<&'d str>,
    role: Option<&'d str>,
    priority: i64,
    resources: &'d [String],
    expected_ms: Option<f64>,
    #[serde(flatten)]
    work: PlannedWork<'d>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum PlannedWork<'d> {
    Run(OneOrMany<'d>),
    Prompt(&'d str),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OneOrMany<'d> {
    One(&'d str),
    Many(&'d [String]),
}

fn count(number: usize, what: &str) -> String {
    let ending = match (number, what) {
        (1, _) => "",
        (_, "batch") => "es",
        _ => "s",
    };
    format!("{number} {what}{ending}")
}

/// Milliseconds as people read them.
pub(crate) fn span(ms: f64) -> String {
    match ms {
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms if ms < 60_000.0 => format!("{:.1} s", ms / 1000.0),
        ms if ms < 3_600_000.0 => {
            format!("{:.0} min {:.0} s", (ms / 60_000.0).floor(), ms % 60_000.0 / 1000.0)
        }
        ms => format!("{:.0} h {:.0} min", (ms / 3_600_000.0).floor(), ms % 3_600_000.0 / 60_000.0),
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text within quotation marks, of which nothing is taken for HTML or for a code of Mermaid's own.
fn mermaid_text(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => kept.push_str("#quot;"),
            '<' => kept.push_str("#lt;"),
            '>' => kept.push_str("#gt;"),
            '&' => kept.push_str("#amp;"),
            '#' => kept.push_str("#35;"),
            c => kept.push(c),
        }
    }
    kept
}

#[cfg(test)]
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method is not general enough")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{source::SourceFile, tasks::read::read};

    const SIX: &str = "tasks:
- {name: A, run: x}
- {name: B, run: x}
- {name: C, run: x}
- {name: D, run: x, dependencies: A}
- {name: E, run: x, dependencies: B}
- {name: 'F <\"1\">', run: x, dependencies: [D, E]}
";

    fn drawn<T>(draw: impl Fn(&Drawing<'_>) -> T, lengths: &[Option<f64>]) -> T {
        let (file, graph) = read(&SourceFile::new("t", SIX)).unwrap();
        draw(&Drawing { file: &file, graph: &graph, lengths, workers: 2 })
    }

    #[test]
    fn batches_are_drawn_with_what_they_wait_for() {
        insta::assert_snapshot!(drawn(|d| d.text(), &[None; 6]), @r#"
        6 tasks in 3 batches, 2 workers at once
        batch 1    A
                   B
                   C
        batch 2    D       ← A
                   E       ← B
        batch 3    F <"1"> ← D, E
        longest    A → D → F <"1">
        "#);
    }

    #[test]
    fn what_tasks_took_tells_what_a_run_will_take() {
        let lengths = [Some(1000.0), Some(3000.0), Some(2000.0), None, Some(1000.0), Some(500.0)];
        let text = drawn(|d| d.text(), &lengths);
        // B, E and F in a row on one worker, the others on the other one.
        assert!(text.ends_with("longest    B → E → F <\"1\">\nexpected   about 5.0 s\n"), "{text}");
        let outlook = drawn(|d| d.outlook().expected_ms, &[Some(1.0); 6]);
        assert_eq!(outlook, Some(3.0));
    }

    #[test]
    fn other_programs_draw_it_too() {
        let mermaid = drawn(|d| d.mermaid(), &[None; 6]);
        assert!(mermaid.starts_with("graph LR\n    t0[\"A\"]\n"), "{mermaid}");
        let last = "t5[\"F #lt;#quot;1#quot;#gt;\"]";
        assert!(mermaid.contains(last) && mermaid.contains("    t3 --> t5\n"), "{mermaid}");
        assert_eq!(mermaid_text("#12; & co"), "#35;12; #amp; co");
        let svg = drawn(|d| d.svg(), &[None; 6]);
        assert_eq!((svg.matches("<rect").count(), svg.matches("<path").count()), (6, 4));
        assert!(svg.contains(">F &lt;\"1\"&gt;</text>"), "{svg}");
        let json = drawn(|d| serde_json::to_value(d.plan()).unwrap(), &[None; 6]);
        assert_eq!(json["batches"], json!([["A", "B", "C"], ["D", "E"], ["F <\"1\">"]]));
        assert_eq!(json["critical_path"], json!(["A", "D", "F <\"1\">"]));
    }

    #[test]
    fn spans_are_readable() {
        assert_eq!(
            [3.0, 1500.0, 90_000.0, 3_700_000.0].map(span),
            ["3 ms", "1.5 s", "1 min 30 s", "1 h 2 min"]
        );
    }
}
