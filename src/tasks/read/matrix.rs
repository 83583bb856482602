//! `matrix`: one task of the file becomes one task per combination of values.
//!
//! Works on the tree, before fields are read: so `${matrix.KEY}` may stand in every value.

use std::borrow::Cow;

use crate::{config::nearest::nearest, diag::Diagnostic, source::Span};

use super::{
    super::{
        rules,
        yaml::{Node, Value},
    },
    Reader, first_line,
};

/// Combinations of one matrix.
const MOST: usize = 1000;

/// One task of a matrix, or the task itself.
pub(super) struct Variant<'n> {
    pub(super) node: Cow<'n, Node>,
    /// The name as it is written.
    pub(super) family: String,
    /// The name of the variant, if it is not what stands in the node.
    pub(super) name: Option<String>,
}

/// A name and one of its values.
type Choice = Vec<(String, String)>;

pub(super) fn variants<'n>(reader: &mut Reader<'_>, task: &'n Node) -> Vec<Variant<'n>> {
    let written = task.get("name").and_then(Node::text).unwrap_or_default().to_owned();
    let alone = || Variant { node: Cow::Borrowed(task), family: written.clone(), name: None };
    let Some(matrix) = task.get("matrix") else {
        unknown(reader, task, &[]);
        return vec![alone()];
    };
    let Some(choices) = choices(reader, matrix) else { return vec![alone()] };
    let keys: Vec<&str> = choices
        .first()
        .map_or_else(Vec::new, |first| first.iter().map(|(key, _)| &**key).collect());
    unknown(reader, task, &keys);
    let names_values = written.contains("${matrix.");
    choices
        .iter()
        .map(|choice| {
            let node = Cow::Owned(task.map_texts(&|text| put_in(text, choice)));
            let values: Vec<_> = choice.iter().map(|(_, value)| value.as_str()).collect();
            let name = format!("{written}[{}]", values.join(","));
            Variant { node, family: written.clone(), name: (!names_values).then_some(name) }
        })
        .collect()
}

/// Every combination; `None` when the matrix is none, which is told.
fn choices(reader: &mut Reader<'_>, matrix: &Node) -> Option<Vec<Choice>> {
    let Value::Map(members) = &matrix.value else {
        let message =
            format!("`matrix` must be a mapping from names to lists, not {}", matrix.kind());
        reader.tell(Diagnostic::new(&rules::SHAPE, message), first_line(matrix.span));
        return None;
    };
    let mut all: Vec<Choice> = vec![Vec::new()];
    let mut is_sound = !members.is_empty();
    if members.is_empty() {
        reader.tell(Diagnostic::new(&rules::MATRIX, "the matrix is empty"), matrix.span);
    }
    for (key, values) in members {
        let name = key.text().unwrap_or_default();
        let texts: Option<Vec<&str>> = match &values.value {
            Value::List(items) if !items.is_empty() => items.iter().map(Node::text).collect(),
            _ => None,
        };
        let Some(texts) = texts else {
            let message = format!("`{name}` must be a list of values, not {}", values.kind());
            reader.tell(Diagnostic::new(&rules::MATRIX, message), key.span);
            is_sound = false;
            continue;
        };
        if all.len().saturating_mul(texts.len()) > MOST {
            let message = format!("the matrix makes more than {MOST} tasks");
            reader.tell(Diagnostic::new(&rules::MATRIX, message), first_line(matrix.span));
            return None;
        }
        all = all
            .iter()
            .flat_map(|before| {
                texts.iter().map(|text| {
                    let mut choice = before.clone();
                    choice.push((name.to_owned(), (*text).to_owned()));
                    choice
                })
            })
            .collect();
    }
    is_sound.then_some(all)
}

fn put_in(text: &str, choice: &Choice) -> Option<String> {
    if !text.contains("${matrix.") {
        return None;
    }
    let put = |text: String, (key, value): &(String, String)| {
        text.replace(&format!("${{matrix.{key}}}"), value)
    };
    Some(choice.iter().fold(text.to_owned(), put))
}

/// Tells of every `${matrix.KEY}` whose key there is not.
fn unknown(reader: &mut Reader<'_>, node: &Node, keys: &[&str]) {
    match &node.value {
        Value::Scalar { text, .. } => {
            for part in text.split("${matrix.").skip(1) {
                let key = part.split('}').next().unwrap_or_default();
                if !keys.contains(&key) {
                    let found =
                        Diagnostic::new(&rules::REFERENCE, format!("the matrix has no `{key}`"));
                    let found = match nearest(key, keys.iter().copied()) {
                        Some(near) => found.help(format!("did you mean `{near}`?")),
                        None => found,
                    };
                    reader.tell(found, one_line(node.span, text));
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| unknown(reader, item, keys)),
        Value::Map(members) => members.iter().for_each(|(_, value)| unknown(reader, value, keys)),
    }
}

fn one_line(span: Span, text: &str) -> Span {
    if text.contains('\n') { first_line(span) } else { span }
}
