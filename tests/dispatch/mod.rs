//! `cph dispatch` from outside: what is fired, what hooks see and leave behind, what is answered.

mod answers;
mod background;
mod bounds;
mod choice;
mod ends;
mod forms;
mod http;
mod order;
mod payloads;
mod rewrites;
mod stage;
mod told;
mod usage;
mod worktree;

use serde_json::{Value, json};
use stage::{Stage, pre_tool_use, run};
