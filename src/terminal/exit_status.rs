//! All exit statuses.

use std::process::ExitCode;

/// How a run ended, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every shard answered.
    Complete,
    /// No usable result.
    Failed,
    /// Invalid command line.
    Usage,
    /// Some shards failed or were left out, or a key is in the wrong shard.
    Incomplete,
    /// Ctrl-C, SIGTERM or SIGHUP.
    Interrupted,
}

impl Exit {
    pub const fn status(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Interrupted => 130,
        }
    }

    /// Of two parts of a run.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        let severity = |exit: &Self| match exit {
            Self::Complete => 0,
            Self::Incomplete => 1,
            Self::Failed => 2,
            Self::Usage => 3,
            Self::Interrupted => 4,
        };
        std::cmp::max_by_key(self, other, severity)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
