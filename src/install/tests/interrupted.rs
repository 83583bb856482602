//! Stopped before each step in turn: every file is the old or the new one, and one can go on.

use super::*;

const TEXT: &[u8] = b"{\"a\":1,\r\n \"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \
                      \"command\": \"x\"}, {\"type\": \"prompt\", \"prompt\": \"y\"}]}]} }";

fn beds() -> Vec<Bed> {
    vec![
        Bed::new(),
        Bed::with(&[(SETTINGS, TEXT), (".git/HEAD", b""), (".gitignore", b"x")]),
        Bed::with(&[(SETTINGS, TEXT), (".git/HEAD", b""), (".claude/hooks.json", b"{\"v\": 1}")]),
        Bed::with(&[(SETTINGS, b"{}"), (".claude/settings.json.original", b"{}")]),
    ]
}

/// The steps of an install with everything in it.
fn prepared(bed: &Bed) -> Changes {
    let site = bed.site(Scope::Project);
    let adoption = propose_adoption(&site).unwrap();
    let wanted = some_registrations();
    let request = Request {
        site: &site,
        registrations: &wanted,
        adoption: adoption.as_ref(),
        config: "",
        insist: false,
    };
    apply::prepare(&request).unwrap()
}

/// Does the first `count` steps; whether there were more.
fn interrupted(bed: &Bed, changes: &Changes, count: usize) -> bool {
    let mut done = 0;
    let stopped = changes.carry_out(&bed.state, &mut |_| {
        done += 1;
        if done > count { Err(Error::Busy { path: PathBuf::new() }) } else { Ok(()) }
    });
    stopped.is_err()
}

fn is_old_or_new(bed: &Bed, old: &BTreeMap<String, Vec<u8>>, changes: &Changes) {
    for step in &changes.steps {
        let (path, new) = match step {
            Step::Write { path, after, .. } => (path, Some(after.clone())),
            Step::Remove { path, .. } => (path, None),
            _ => continue,
        };
        let name = path.strip_prefix(bed.path("")).unwrap().to_str().unwrap().to_owned();
        let now = bed.files().get(&name).cloned();
        assert!(now == new || now == old.get(&name).cloned(), "{name}: {now:?}");
    }
}

#[test]
fn an_interrupted_install_can_be_taken_back() {
    for kind in 0..beds().len() {
        for count in 0.. {
            let bed = beds().remove(kind);
            let before = bed.files();
            let changes = prepared(&bed);
            let was_stopped = interrupted(&bed, &changes, count);
            is_old_or_new(&bed, &before, &changes);
            bed.uninstall();
            assert_eq!(bed.files(), before, "bed {kind}, {count} steps");
            assert!(bed.stamps().is_empty(), "{:?}", bed.stamps());
            if !was_stopped {
                break;
            }
        }
    }
}

#[test]
fn an_interrupted_install_can_be_repeated() {
    for kind in 0..beds().len() {
        let whole = beds().remove(kind);
        interrupted(&whole, &prepared(&whole), usize::MAX);
        for count in 0.. {
            let bed = beds().remove(kind);
            let before = bed.files();
            let was_stopped = interrupted(&bed, &prepared(&bed), count);
            bed.install_at(Scope::Project, &some_registrations(), true).unwrap();
            assert_eq!(bed.files(), whole.files(), "bed {kind}, {count} steps");
            bed.uninstall();
            assert_eq!(bed.files(), before, "bed {kind}, {count} steps");
            if !was_stopped {
                break;
            }
        }
    }
}

#[test]
fn an_interrupted_uninstall_can_be_repeated() {
    // Untouched since, or rewritten by somebody.
    for kind in 0..beds().len() {
        for was_rewritten in [false, true] {
            for count in 0.. {
                let bed = beds().remove(kind);
                let before = bed.files();
                bed.install_at(Scope::Project, &some_registrations(), true).unwrap();
                if was_rewritten {
                    let text = serde_json::to_string(&parsed(&bed.text(SETTINGS))).unwrap();
                    bed.put(SETTINGS, text.as_bytes());
                }
                let installed = bed.files();
                let changes = undo::prepare(&bed.site(Scope::Project)).unwrap();
                let was_stopped = interrupted(&bed, &changes, count);
                is_old_or_new(&bed, &installed, &changes);
                bed.uninstall();
                if was_rewritten {
                    let left = bed.files().remove(SETTINGS).map(|bytes| bytes.len());
                    assert_eq!(left.is_some(), before.contains_key(SETTINGS));
                    assert!(left.is_none() || !bed.text(SETTINGS).contains("dispatch"));
                    let prompts =
                        String::from_utf8_lossy(&bed.files().remove(SETTINGS).unwrap_or_default())
                            .matches("\"x\"")
                            .count();
                    assert_eq!(
                        prompts,
                        usize::from(before.get(SETTINGS).is_some_and(|b| b == TEXT))
                    );
                } else {
                    assert_eq!(bed.files(), before, "bed {kind}, {count} steps");
                }
                assert!(bed.stamps().is_empty(), "{:?}", bed.stamps());
                if !was_stopped {
                    break;
                }
            }
        }
    }
}
