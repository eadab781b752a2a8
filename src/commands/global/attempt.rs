//! One attempt at a global query: how its start ended, and whether another one follows, at a new
//! snapshot or with the other strategy.

use crate::cli::query::GlobalArgs;
use crate::commands::attempt::Attempts;
use crate::commands::error::Error;
use crate::commands::federate::LockedTables;
use crate::exec::driver::Run;
use crate::exec::fanout::ShardStats;
use crate::exec::plan::TableName;
use crate::global::{ExecutionPlan, Strategy, UnsupportedQuery};
use crate::sharding::selection::Selection;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::summary::{Scope, SnapshotCount};

/// The state that changes between attempts.
pub(in crate::commands) struct GlobalAttempt {
    pub attempts: Attempts,
    pub strategy: Strategy,
}

/// The outcome of starting the final statement.
pub(in crate::commands) enum StartResult {
    Started(Box<RunningStatement>),
    /// The partials failed.
    PartialsFailed(String),
    /// A partial timed out; a single statement would too.
    TimedOut(Box<Error>),
    /// The snapshot is lost, or does not cover these tables.
    Retry(Vec<TableName>),
    Interrupted,
}

/// The running final statement.
pub(in crate::commands) struct RunningStatement {
    pub started: Run,
    pub execution: ExecutionPlan,
    /// The selected shards.
    pub selection: Selection,
    pub scope: Scope,
    pub snapshots: SnapshotCount,
    /// Statistics of the partials; empty for a single statement.
    pub parts: Vec<(Shard, ShardStats)>,
    /// What keeps the tables as they are that a hub reads. To be closed when the result is there.
    pub locked: Option<LockedTables>,
}

impl GlobalAttempt {
    pub fn first(global: &GlobalArgs) -> Self {
        Self {
            attempts: Attempts::new(),
            strategy: global.strategy,
        }
    }

    /// What to do if the statement was not started: exit with this status, or try again.
    ///
    /// # Errors
    /// If another attempt would fail in the same way.
    pub fn not_started(
        &mut self,
        result: StartResult,
        note: &str,
        console: &mut Console,
    ) -> Result<Option<Exit>, Error> {
        match result {
            StartResult::Started(_) => Ok(None),
            StartResult::PartialsFailed(why) => self.fall_back_to_single(why).map(|()| None),
            StartResult::TimedOut(error) => Err(*error),
            StartResult::Retry(rewritten) => {
                self.attempts.retry(rewritten, note, console);
                Ok(None)
            }
            StartResult::Interrupted => Ok(Some(Exit::Interrupted)),
        }
    }

    /// Errors of a single statement refer to the user's own text.
    ///
    /// # Errors
    /// If partials were requested explicitly.
    fn fall_back_to_single(&mut self, why: String) -> Result<(), Error> {
        if self.strategy == Strategy::Partial {
            return Err(UnsupportedQuery::NotInParts(why).into());
        }
        self.strategy = Strategy::One;
        Ok(())
    }
}
