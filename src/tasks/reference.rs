//! `${tasks.NAME.output}` and the like: values of tasks that are done, in texts of later ones.
//!
//! Does not know the values. Invariant: everything else in a text stays as it is; what stands in
//! `run` goes through the shell's own variables, so that no value is ever taken for code.

use std::ops::Range;

/// One `${tasks...}` of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Where it stands in the text.
    pub(crate) range: Range<usize>,
    pub(crate) task: String,
    pub(crate) what: What,
}

/// Which value of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Its stdout, without line ends behind.
    Output,
    /// `succeeded`, `skipped`, ...
    Outcome,
    /// Paths of all artifacts, with blanks between.
    Artifacts,
    /// The path of one.
    Artifact(usize),
}

const START: &str = "${tasks.";

/// The references of a text, in order; an error is the range and what is wrong with it.
pub(crate) fn all(text: &str) -> Vec<Result<Reference, (Range<usize>, String)>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(START).map(|at| at + from) {
        let Some(length) = text[at..].find('}') else {
            found.push(Err((at..text.len(), "it is not closed".to_owned())));
            break;
        };
        let range = at..at + length + 1;
        from = range.end;
        let inner = &text[at + START.len()..range.end - 1];
        found.push(match split(inner) {
            Some((task, what)) => Ok(Reference { range, task: task.to_owned(), what }),
            None => Err((range, format!("there is no value `{inner}`"))),
        });
    }
    found
}

/// Names may hold dots; so it is read from behind.
fn split(inner: &str) -> Option<(&str, What)> {
    let (task, field) = inner.rsplit_once('.')?;
    let what = match field {
        "output" => What::Output,
        "outcome" => What::Outcome,
        "artifacts" => What::Artifacts,
        field => {
            let index = field.strip_prefix("artifacts[")?.strip_suffix(']')?;
            What::Artifact(index.parse().ok()?)
        }
    };
    (!task.is_empty()).then_some((task, what))
}

/// The text with every reference replaced; the first that has no value is the error.
pub(crate) fn replaced(
    text: &str,
    mut value: impl FnMut(&Reference) -> Result<String, String>,
) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for reference in all(text) {
        let reference = reference.map_err(|(_, why)| why)?;
        result.push_str(&text[done..reference.range.start]);
        result.push_str(&value(&reference)?);
        done = reference.range.end;
    }
    result.push_str(&text[done..]);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_nothing_else() {
        let text =
            "a $X ${Y} ${tasks.A.output} '${tasks.t[x,1].artifacts[2]}' ${tasks.a.b.outcome}";
        let found: Vec<_> = all(text).into_iter().map(Result::unwrap).collect();
        let told: Vec<_> = found.iter().map(|one| (&*one.task, one.what)).collect();
        let wanted = [("A", What::Output), ("t[x,1]", What::Artifact(2)), ("a.b", What::Outcome)];
        assert_eq!(told, wanted);
        assert_eq!(&text[found[0].range.clone()], "${tasks.A.output}");
    }

    #[test]
    fn what_stands_for_nothing_is_told() {
        for text in
            ["${tasks.A}", "${tasks.A.outputs}", "${tasks..output}", "${tasks.A.artifacts[x]}"]
        {
            assert!(all(text)[0].is_err(), "{text}");
        }
        assert!(all("x ${tasks.A.output").pop().unwrap().is_err());
    }

    #[test]
    fn texts_around_stay() {
        let text = replaced("<${tasks.A.output}${tasks.B.outcome}>", |one| Ok(one.task.clone()));
        assert_eq!(text.unwrap(), "<AB>");
        assert_eq!(replaced("${tasks.A.output}", |_| Err("no".into())), Err("no".into()));
    }
}
