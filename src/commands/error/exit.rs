//! What an error means for the run: its exit status, and whether a retry may help.

use super::Error;
use crate::commands::psql::error::PsqlError;
use crate::sharding::topology::TopologyError;
use crate::terminal::exit_status::Exit;

impl Error {
    /// Whether a retry may succeed. Connecting has been retried already.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fanout(error) => error.is_transient(),
            Self::Lookup(error) => error.is_transient(),
            Self::Inspect(error) => error.is_transient(),
            _ => false,
        }
    }

    pub fn exit(&self) -> Exit {
        match self {
            Self::Connect(error) if error.is_interrupt() => Exit::Interrupted,
            Self::Statement(_)
            | Self::ShardLists(_)
            | Self::Settings(_)
            | Self::Profile(_)
            | Self::Id(_)
            | Self::FileName(_)
            | Self::NoRoute(_)
            | Self::Kind(_)
            | Self::Psql(PsqlError::SeveralShards { .. })
            | Self::Baseline(_)
            | Self::Usage(_) => Exit::Usage,
            Self::Input(error) if error.is_usage() => Exit::Usage,
            Self::OriginElsewhere(_)
            | Self::Topology(
                TopologyError::NoShardOfOrigin { .. } | TopologyError::CountUnknown { .. },
            ) => Exit::Incomplete,
            _ => Exit::Failed,
        }
    }
}
