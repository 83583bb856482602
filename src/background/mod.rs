//! Background: what dispatches have left in the queue is run.
//!
//! Does not know who left it. Two kinds of processes: the *runner*, one for each user, which decides
//! what runs when and writes down what becomes of it; and for each run a *worker*, which starts the
//! hook, holds it to its limits and writes its end down. Invariants: the death of the runner ends no
//! hook, and a hook whose end is written is never run again; a runner leaves only when nothing is
//! left to do, or for another one.

mod choose;
mod hand_over;
mod outcome;
mod runner;
mod tell;
mod worker;

pub(crate) use runner::{Left, run};
pub(crate) use worker::work;
