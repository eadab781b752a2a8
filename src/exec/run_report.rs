//! What a run produced: why it ended, which shards answered, which failed.

use std::collections::BTreeSet;

use crate::client::notices::Notices;
use crate::exec::cancel::Interrupt;
use crate::exec::column_types::ColumnTypes;
use crate::exec::databases::Databases;
use crate::exec::explanation::Explanations;
use crate::exec::failures::Failures;
use crate::exec::fanout::ShardStats;
use crate::exec::plan::TableName;
use crate::sharding::shard::Shard;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Every shard has completed or failed.
    Completed,
    /// At the first failure, as requested.
    Aborted,
    Interrupted,
    /// The output accepts no more data.
    OutputClosed,
    /// The snapshot is lost or does not cover what was read, and nothing was output yet: retry at a
    /// new snapshot.
    Retry,
}

/// What a run produced.
#[derive(Debug)]
pub struct RunReport {
    pub status: RunStatus,
    /// Tables that the snapshot did not cover, to be locked before the next one is taken.
    pub rewritten: Vec<TableName>,
    /// Tables of which row-level security may have hidden rows.
    pub filtered: BTreeSet<TableName>,
    pub queried: usize,
    pub answers: Vec<(Shard, ShardStats)>,
    pub failures: Failures,
    /// Of all shards that returned columns, including failed ones.
    pub columns: ColumnTypes,
    pub notices: Notices,
    pub explanations: Explanations,
}

impl RunReport {
    /// Of a run over this many shards that has not started.
    pub fn new(queried: usize) -> Self {
        Self {
            status: RunStatus::Completed,
            rewritten: Vec::new(),
            filtered: BTreeSet::new(),
            queried,
            answers: Vec::with_capacity(queried),
            failures: Failures::default(),
            columns: ColumnTypes::default(),
            notices: Notices::default(),
            explanations: Explanations::default(),
        }
    }

    /// Looks up why shards failed.
    pub(crate) async fn explain(&mut self, databases: &Databases, interrupt: &Interrupt) {
        self.explanations = databases.explain(&mut self.failures, interrupt).await;
    }

    /// Collects the servers' notices. Those of a single statement over all shards belong to no
    /// shard.
    pub(crate) fn collect_notices(&mut self, databases: &Databases, over: Option<usize>) {
        let notices = databases.take_notices();
        self.notices.extend(match over {
            Some(_) => notices.of_no_shard(),
            None => notices,
        });
    }

    /// The column types of the shards whose rows are in the result.
    pub fn answered_columns(&self) -> ColumnTypes {
        let mut columns = self.columns.clone();
        columns.retain(|shard| self.has_answered(shard));
        columns
    }

    /// Valid once the run has ended.
    pub fn has_answered(&self, shard: Shard) -> bool {
        let answers = &self.answers;
        answers
            .binary_search_by_key(&shard, |(shard, _)| *shard)
            .is_ok()
    }
}
