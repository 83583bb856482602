//! `cph hand-over`: the process that a stand-down leaves behind.

use crate::{
    cli::{args, exit::Exit, failure::Failure},
    dispatch::{self, Request},
    sys::place::Env,
};

use super::Desk;

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &args::HandOver) -> Result<Exit, Failure> {
    let env = Env::current();
    let request = Request {
        trust_all: args.trust_all,
        project: desk.global.project.clone(),
        ..Request::default()
    };
    dispatch::hand_over(&args.occurrence, &request, &env).map_err(|error| Failure::of(&error))?;
    Ok(Exit::Fine)
}
