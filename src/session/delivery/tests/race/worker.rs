//! The hidden test that plays the part of another process.

use super::{contest::contest, deaths::deliver, *};

#[test]
fn worker() {
    let env = Env::current();
    match env.text(ROLE) {
        None => {}
        Some("contest") => contest(&env),
        Some("deliver") => deliver(&env),
        Some(other) => panic!("no such part: {other}"),
    }
}
