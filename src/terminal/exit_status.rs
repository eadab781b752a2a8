//! Exit statuses, all of them.

use std::process::ExitCode;

/// How a run ended, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every shard answered.
    Complete,
    /// Nothing that could be relied on came out.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// Some shards did not answer or were left out, or a key is not where it should be.
    Incomplete,
    /// Ctrl-C, or a request to terminate.
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
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
