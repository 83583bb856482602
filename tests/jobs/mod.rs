//! Background hooks, from the event to what is told of them.

mod batch;
mod commands;
mod example;
mod ground;
mod guide;
mod lives;
mod orders;
mod power;
mod preset;
mod storm;
mod streams;
mod terms;
mod trouble;
