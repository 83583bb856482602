//! Whole processes that race, die and meet trouble: the real program, started as hosts start it.
//!
//! The hooks themselves keep the count. Each test lays out its own home and project and builds
//! every environment from nothing. `CPH_STRESS=1` runs the full number of rounds.

mod copies;
mod deaths;
mod delivery;
mod dice;
mod hand_over;
mod hooks;
mod install;
mod journal;
mod processors;
mod recursion;
mod reply;
mod strace;
mod trouble;
mod yard;

/// As configurations call them.
const STRATEGIES: [&str; 4] =
    ["orchestrator_priority", "claude_code_priority", "first_wins", "both"];

/// How many rounds to run: a few, or all of them when asked for.
fn rounds(few: usize, all: usize) -> usize {
    if std::env::var_os("CPH_STRESS").is_some_and(|value| value == "1") { all } else { few }
}
