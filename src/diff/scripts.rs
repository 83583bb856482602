//! Scripts of the project that hooks run: a hook can be changed without a word in its file.
//!
//! Does not run them. Invariant: only what both sides name in the same hook is compared; a handler
//! that itself changed is told by `weigh`.

use std::collections::BTreeMap;

use crate::config::trust::paths_named_in;

use super::{
    change::{Kind, Reason},
    git::Error,
    pair::Pairs,
    side::Side,
    tree::Tree,
};

/// Reasons by the index of the hook in `new`.
pub(super) type Reasons = BTreeMap<usize, Vec<Reason>>;

/// Scripts that are not what they were, told to the hooks that run them.
pub(super) fn reasons(
    base: &Tree<'_>,
    head: &Tree<'_>,
    (old, new): (&Side, &Side),
    pairs: &Pairs,
) -> Result<Reasons, Error> {
    let mut users: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &(before, after) in &pairs.both {
        let then = paths_named_in(old.subjects[before].hook.handler());
        let named = paths_named_in(new.subjects[after].hook.handler()).into_iter();
        for path in named.filter(|path| then.contains(path)) {
            if let Some(path) = path.to_str() {
                users.entry(path.to_owned()).or_default().push(after);
            }
        }
    }
    let paths: Vec<_> = users.keys().cloned().collect();
    let (was, is) = (base.contents(&paths)?, head.contents(&paths)?);
    let mut reasons = Reasons::new();
    for (path, (was, is)) in paths.iter().zip(was.into_iter().zip(is)) {
        let reason = match (was, is) {
            (Some(was), Some(is)) if was != is => {
                Reason::new(Kind::Changed, format!("the script `{path}` that it runs was changed"))
            }
            (Some(_), None) => {
                let text = format!("the script `{path}` that it runs is gone, so that it fails");
                Reason::new(Kind::Weakened, text)
            }
            _ => continue,
        };
        for user in &users[path] {
            reasons.entry(*user).or_default().push(reason.clone());
        }
    }
    Ok(reasons)
}
