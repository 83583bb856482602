//! The detector against prompts that were written before it (`tests/data/prompts.jsonl`).

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
struct Sample {
    part: String,
    fire: bool,
    #[serde(default)]
    verb: String,
    #[serde(default)]
    items: Vec<String>,
    prompt: String,
}

fn samples() -> Vec<Sample> {
    let text = include_str!("../../../tests/data/prompts.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How a part of the samples went.
#[derive(Debug, Default)]
struct Figures {
    right: usize,
    missed: usize,
    /// Plans that nobody asked for, and plans with other items.
    wrong: usize,
    silent: usize,
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong) as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed) as f64
    }
}

fn is_as_labelled(sample: &Sample, found: &Parallel) -> bool {
    let names = found.items.iter().map(|item| &item.name);
    let is_said = |(name, label): (&String, &String)| {
        name.strip_suffix(label.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with(' '))
    };
    found.items.len() == sample.items.len()
        && names.zip(&sample.items).all(is_said)
        && found.verb == sample.verb
}

fn figures(part: &str, tell: bool) -> Figures {
    let mut figures = Figures::default();
    for sample in samples().iter().filter(|sample| sample.part == part) {
        let found = detect(&sample.prompt);
        let (count, word) = match &found {
            None if sample.fire => (&mut figures.missed, "missed"),
            None => (&mut figures.silent, ""),
            Some(found) if sample.fire && is_as_labelled(sample, found) => (&mut figures.right, ""),
            Some(_) => (&mut figures.wrong, "wrong"),
        };
        *count += 1;
        if tell && !word.is_empty() {
            println!("{word}: {:?}\n    {found:?}", sample.prompt);
        }
    }
    let (precision, recall) = (figures.precision(), figures.recall());
    println!("{part}: precision {precision:.3}, recall {recall:.3}, {figures:?}");
    figures
}

#[test]
fn half_of_the_samples_must_not_fire() {
    let samples = samples();
    let firing = samples.iter().filter(|sample| sample.fire).count();
    assert!(samples.len() >= 300 && firing * 2 <= samples.len() && firing >= 150, "{firing}");
}

#[test]
fn prompts_that_it_was_tuned_with() {
    let figures = figures("tuned", true);
    assert!(figures.precision() >= 0.99 && figures.recall() >= 0.95, "{figures:?}");
}

#[test]
fn prompts_that_were_held_back() {
    let figures = figures("held", false);
    assert!(figures.precision() >= 0.98 && figures.recall() >= 0.9, "{figures:?}");
}
