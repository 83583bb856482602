//! Many registrations deliver one occurrence at once.

use super::*;

const REGISTRATIONS: usize = 64;

/// The same payload by the same registrations in every round: each round is an occurrence of its
/// own, and one of all processes answers it.
#[test]
fn one_of_64_processes_answers_each_of_many_identical_events() {
    let rounds = rounds(40, 200);
    let (_scratch, dir) = arena();
    let mut gate = Some(Gate::closed(&dir.join("gate-0")));
    let mut workers: Vec<_> = (0..REGISTRATIONS)
        .map(|number| {
            let settings = [("REGISTRATION", format!("r{number}")), ("ROUNDS", rounds.to_string())];
            Worker::start("contest", &dir, &settings)
        })
        .collect();
    for round in 0..rounds {
        for worker in &mut workers {
            worker.expect("ready");
        }
        let next = Gate::closed(&dir.join(format!("gate-{}", round + 1)));
        gate.replace(next).unwrap().open();
        let outcomes: Vec<_> = workers.iter_mut().map(|worker| worker.hear().unwrap()).collect();
        let count = |word: &str| outcomes.iter().filter(|outcome| *outcome == word).count();
        assert_eq!((count("first"), count("copy")), (1, REGISTRATIONS - 1), "round {round}");
        let runs = lines(&dir.join("runs"));
        assert_eq!(runs.len(), round + 1);
        assert_eq!(runs[round], round.to_string());
    }
    workers.into_iter().for_each(Worker::end);
}

/// The worker's part.
pub(super) fn contest(env: &Env) {
    let state = dir::open_private_dir(Path::new("state")).unwrap();
    let rounds: usize = env.text("ROUNDS").unwrap().parse().unwrap();
    let delivery = by(env.text("REGISTRATION").unwrap());
    for round in 0..rounds {
        tell("ready");
        Gate::pass(Path::new(&format!("gate-{round}")));
        match arrive(&state, None, &delivery, &Moment::now(), Deadline::after(LONG)).unwrap() {
            Arrival::First(claim) => {
                append(Path::new("runs"), &round.to_string());
                claim.delivered().unwrap();
                tell("first");
            }
            Arrival::Delivered => tell("copy"),
            other => panic!("{other:?}"),
        }
    }
}
