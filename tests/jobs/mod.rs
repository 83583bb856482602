//! Background hooks, from the event to what is told of them.

mod batch;
mod commands;
mod ground;
mod lives;
mod storm;
mod terms;
mod trouble;
