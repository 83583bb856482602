//! What a job has to say waits in its project for the next event that can tell it.

use std::path::Path;

use crate::{
    session::place,
    store::{notices, queue::jobs::Untold},
};

/// Leaves it where the next dispatch of the project finds it; whether that worked.
pub(super) fn tell(state_dir: &Path, untold: &Untold) -> bool {
    let Ok(state) = place::project_dir(state_dir, &untold.project) else { return false };
    let message = untold.message.as_deref();
    let is_said = message.is_none_or(|text| notices::leave(&state, text).is_ok());
    let context = untold.context.as_deref();
    is_said
        && context.is_none_or(|text| notices::leave_context(&state, &untold.label, text).is_ok())
}
