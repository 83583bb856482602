//! Every exit code, with its sentence. 2 is reserved: hosts take it for a refusal.

/// What the process says with its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// It worked; nothing was found wrong.
    Fine,
    /// Findings, or a check that failed.
    Findings,
    /// A hook refused, where only the exit code can say so. Never anything else.
    Refused,
    /// The command line is wrong.
    Usage,
    /// Something could not be done: a file, a permission.
    Failed,
    /// A configuration file cannot be read at all.
    Configuration,
    /// A run was cancelled: Ctrl-C, TERM, `cph runs cancel`.
    Cancelled,
}

impl Exit {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::Refused => 2,
            Self::Usage => 64,
            Self::Failed => 70,
            Self::Configuration => 78,
            Self::Cancelled => 130,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_is_two() {
        use Exit::{Cancelled, Configuration, Failed, Findings, Fine, Refused, Usage};
        let codes =
            [Fine, Findings, Refused, Usage, Failed, Configuration, Cancelled].map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 64, 70, 78, 130]);
    }
}
