//! What a hook of type `orchestrator` is to do: parts of cph that run within the dispatch.
//!
//! Does not do it. Invariant: everything that is not said has the value of [`Orders::of`].

use std::time::Duration;

/// Which part it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Looks for parallel work in a prompt.
    Plan,
    /// Tells the session what has changed in its runs.
    Status,
    /// Keeps calls back that need what is not there yet.
    Gate,
    /// Keeps the session while its runs go on.
    Hold,
}

impl Action {
    pub(crate) const ALL: [Self; 4] = [Self::Plan, Self::Status, Self::Gate, Self::Hold];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Status => "status",
            Self::Gate => "gate",
            Self::Hold => "hold",
        }
    }
}

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The session is told.
    Suggest,
    /// It is run.
    Auto,
    Off,
}

impl Mode {
    pub(crate) const ALL: [Self; 3] = [Self::Suggest, Self::Auto, Self::Off];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Suggest => "suggest",
            Self::Auto => "auto",
            Self::Off => "off",
        }
    }
}

/// What becomes of runs when their session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// They go on.
    Detach,
    Cancel,
    /// They are waited for, as long as the host waits.
    Wait,
}

impl Parting {
    pub(crate) const ALL: [Self; 3] = [Self::Detach, Self::Cancel, Self::Wait];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Detach => "detach",
            Self::Cancel => "cancel",
            Self::Wait => "wait",
        }
    }
}

/// An action with everything that can be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orders {
    pub(crate) action: Action,
    /// `mode`, of `plan`.
    pub(crate) mode: Mode,
    /// `budget`, of `hold`: how often a session is kept in a row.
    pub(crate) budget: u32,
    /// `wait_s`, of `hold`: how long a run is waited for each time.
    pub(crate) wait: Duration,
    /// `block_s`, of `gate`: after which time a call is refused no longer.
    pub(crate) block: Duration,
    /// `session_end`, of `hold`.
    pub(crate) parting: Parting,
}

impl Orders {
    /// Claude Code ends a session that was kept eight times in a row.
    pub(crate) const LARGEST_BUDGET: u32 = 7;

    /// An action as it is when nothing else is said.
    pub(crate) fn of(action: Action) -> Self {
        Self {
            action,
            mode: Mode::Suggest,
            budget: 5,
            wait: Duration::from_mins(1),
            block: Duration::from_mins(5),
            parting: Parting::Detach,
        }
    }

    /// What differs from that, as it is written.
    pub(crate) fn said(&self) -> Vec<(&'static str, serde_json::Value)> {
        let usual = Self::of(self.action);
        let seconds = |span: Duration| serde_json::json!(span.as_secs_f64());
        let all = [
            ("mode", self.mode != usual.mode, self.mode.name().into()),
            ("budget", self.budget != usual.budget, self.budget.into()),
            ("wait_s", self.wait != usual.wait, seconds(self.wait)),
            ("block_s", self.block != usual.block, seconds(self.block)),
            ("session_end", self.parting != usual.parting, self.parting.name().into()),
        ];
        all.into_iter().filter(|(_, is_said, _)| *is_said).map(|(k, _, v)| (k, v)).collect()
    }
}
