//! Laws of joining rewrites.

use proptest::prelude::*;

use super::*;
use crate::model::fold::rewrite::Joined;

fn join_all(seen: &Value, rewrites: &[Value]) -> Joined {
    let labelled =
        rewrites.iter().enumerate().map(|(index, value)| (format!("h{index}"), value.clone()));
    join_rewrites(seen, &labelled.collect::<Vec<_>>())
}

/// Rewrites, the input that they lead to, and the clashes: where, winner, loser.
type Row<'r> = (&'r [Value], Value, &'r [(&'r str, &'r str, &'r str)]);

#[test]
fn changes_are_joined_and_clashes_told() {
    let seen = json!({"a": 1, "b": {"c": 2, "d": 3}, "list": [1, 2]});
    let rows: &[Row<'_>] = &[
        (&[], seen.clone(), &[]),
        (std::slice::from_ref(&seen), seen.clone(), &[]),
        // Different members.
        (
            &[
                json!({"a": 5, "b": {"c": 2, "d": 3}, "list": [1, 2]}),
                json!({"a": 1, "b": {"c": 2, "d": 6}, "list": [1, 2], "new": true}),
            ],
            json!({"a": 5, "b": {"c": 2, "d": 6}, "list": [1, 2], "new": true}),
            &[],
        ),
        // The same change twice.
        (
            &[json!({"a": 1, "list": [1, 2]}), json!({"a": 1, "list": [1, 2]})],
            json!({"a": 1, "list": [1, 2]}),
            &[],
        ),
        // The same member, differently.
        (
            &[
                json!({"a": 5, "b": {"c": 2, "d": 3}, "list": [1, 2]}),
                json!({"a": 6, "b": {"c": 2, "d": 3}, "list": [1, 2]}),
            ],
            json!({"a": 6, "b": {"c": 2, "d": 3}, "list": [1, 2]}),
            &[("/a", "h1", "h0")],
        ),
        // One takes away what the other changes within.
        (
            &[
                json!({"a": 1, "list": [1, 2]}),
                json!({"a": 1, "b": {"c": 9, "d": 3}, "list": [1, 2]}),
            ],
            json!({"a": 1, "list": [1, 2], "b": {"c": 9}}),
            &[("/b/c", "h1", "h0")],
        ),
        // Lists are one thing.
        (
            &[
                json!({"a": 1, "b": {"c": 2, "d": 3}, "list": [1]}),
                json!({"a": 1, "b": {"c": 2, "d": 3}, "list": [2]}),
            ],
            json!({"a": 1, "b": {"c": 2, "d": 3}, "list": [2]}),
            &[("/list", "h1", "h0")],
        ),
    ];
    for (rewrites, input, clashes) in rows {
        let joined = join_all(&seen, rewrites);
        assert_eq!(joined.input, *input, "{rewrites:?}");
        let told: Vec<_> =
            joined.clashes.iter().map(|c| (&*c.pointer, &*c.winner, &*c.loser)).collect();
        assert_eq!(told, *clashes, "{rewrites:?}");
    }
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u8..4).prop_map(Value::from),
        Just(json!([1])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map("[a-d]", inner, 0..3).prop_map(|map| json!(map))
    })
}

/// A tool input is an object.
fn input() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-d]", tree(), 0..4).prop_map(|map| json!(map))
}

proptest! {
    #[test]
    fn one_rewrite_is_what_it_says(seen in tree(), wanted in tree()) {
        let joined = join_all(&seen, std::slice::from_ref(&wanted));
        prop_assert_eq!(joined, Joined { input: wanted, clashes: Vec::new() });
    }

    #[test]
    fn saying_the_same_is_no_clash(seen in input(), wanted in input()) {
        let joined = join_all(&seen, &[wanted.clone(), wanted.clone()]);
        prop_assert_eq!(joined, Joined { input: wanted, clashes: Vec::new() });
    }

    #[test]
    fn giving_the_input_back_changes_nothing(seen in input(), wanted in input()) {
        for pair in [[seen.clone(), wanted.clone()], [wanted.clone(), seen.clone()]] {
            prop_assert_eq!(join_all(&seen, &pair), Joined { input: wanted.clone(), clashes: Vec::new() });
        }
    }

    #[test]
    fn without_a_clash_the_order_does_not_matter(seen in input(), a in input(), b in input()) {
        let joined = join_all(&seen, &[a.clone(), b.clone()]);
        let turned = join_all(&seen, &[b, a]);
        prop_assert_eq!(joined.clashes.is_empty(), turned.clashes.is_empty());
        if joined.clashes.is_empty() {
            prop_assert_eq!(joined.input, turned.input);
        }
    }

    #[test]
    fn the_later_change_is_in_force(seen in input(), a in input(), b in input()) {
        let joined = join_all(&seen, &[a.clone(), b.clone()]);
        for key in ["a", "b", "c", "d"] {
            let changes = |rewrite: &Value| rewrite.get(key) != seen.get(key);
            let expected = match (changes(&a), changes(&b)) {
                (_, true) if !joined.input[key].is_object() => b.get(key),
                (true, false) => a.get(key),
                (false, false) => seen.get(key),
                // Objects are joined within.
                _ => continue,
            };
            prop_assert_eq!(joined.input.get(key), expected, "{}", key);
        }
        for clash in &joined.clashes {
            prop_assert_eq!((&*clash.winner, &*clash.loser), ("h1", "h0"));
        }
    }
}
