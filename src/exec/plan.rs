//! What a run sends, as values that cannot be wrong. Pure: no connection needed.

mod messages;
mod tasks;

pub use messages::shards_sql;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::exec::copy::ResultProtocol;
use crate::sharding::layout::Layout;
use crate::sharding::search_path::SearchPath;
use crate::sharding::selection::ShardFilter;
use crate::sharding::statement::Statement;
use crate::terminal::summary::SnapshotCount;

/// When the shards are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// All at one exported snapshot.
    SharedSnapshot,
    /// Each at its own moment (`--no-snapshot`).
    PerShard,
}

impl From<Consistency> for SnapshotCount {
    fn from(instant: Consistency) -> Self {
        match instant {
            Consistency::SharedSnapshot => Self::One,
            Consistency::PerShard => Self::EachShard,
        }
    }
}

/// Limits that the server enforces. Zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub statement_timeout: Duration,
    /// Short, so that an ad-hoc query never waits in the lock queue behind a migration and blocks
    /// everyone who comes after it.
    pub lock_timeout: Duration,
}

impl Timeouts {
    /// Added to the server's limit, to give it time to report what it cancelled.
    const GRACE: Duration = Duration::from_secs(5);

    /// How long the server may be silent during a task: slightly longer than its statement timeout.
    /// `None` without a timeout: then only the network tells whether the server is still there.
    pub fn patience(self) -> Option<Duration> {
        let limit = self.statement_timeout;
        (!limit.is_zero()).then(|| limit.saturating_add(Self::GRACE))
    }

    /// The same for our own statements before the first task. They are quick, but a busy server
    /// takes its time, and a pooler (`PgBouncer` by default) can keep us waiting 120 s for a server
    /// connection.
    pub fn patience_at_first(self) -> Option<Duration> {
        const SHORTEST: Duration = Duration::from_secs(30);
        const FOR_POOLERS: Duration = Duration::from_secs(120);
        let limit = match (self.statement_timeout, self.lock_timeout) {
            // Locks are waited for without limit, as requested.
            (Duration::ZERO, Duration::ZERO) => return None,
            (Duration::ZERO, lock_timeout) => lock_timeout.max(FOR_POOLERS),
            (limit, _) => limit.max(SHORTEST),
        };
        Some(limit.saturating_add(Self::GRACE))
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            statement_timeout: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(1),
        }
    }
}

/// What is fixed regardless of the settings of session, role and database. Each level includes
/// those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Determinism {
    /// Nothing: the user's settings apply, and the output is what psql would print.
    None,
    /// How values are written.
    ValueFormat,
    /// Where a table scan starts.
    ScanStart,
    /// The row order within a shard, as far as one statement has one.
    RowOrder,
}

impl Determinism {
    fn templates(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (
                Self::ValueFormat,
                include_str!("../../sql/export/values.sql"),
            ),
            (Self::ScanStart, include_str!("../../sql/export/scans.sql")),
            (
                Self::RowOrder,
                include_str!("../../sql/export/one_process.sql"),
            ),
        ];
        all.into_iter()
            .filter(move |(pinned, _)| *pinned <= self)
            .map(|(_, template)| template)
    }
}

/// How often a worker checks that the snapshot covers the tables that it read
/// (`sql/exec/check_relations.sql`). A check takes the server about 1 ms, as long as six small
/// tasks, and the locks of the tasks before it are held until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckFrequency {
    /// After each shard, before it counts as finished.
    EachShard,
    /// After several quick tasks. A shard can fail after it was reported as finished.
    Batches,
}

/// Whether tables of the database have partitions or other child tables, which can change after the
/// snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildTables {
    /// None, or a server that cannot tell; the check is quicker without them.
    Absent,
    Present,
}

/// A user's table, by its names at a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    pub schema: String,
    pub name: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.schema.as_str() {
            "" => f.write_str(&self.name),
            schema => write!(f, "{schema}.{}", self.name),
        }
    }
}

/// How to treat rows that a row-level security policy hides from this role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSecurity {
    /// Leave them out, as psql does; the summary names the tables.
    Warn,
    /// Leave them out, as requested.
    Apply,
    /// Fail the statement, as `pg_dump` does.
    Fail,
}

/// A statement, and how it runs in every shard.
#[derive(Debug, Clone)]
pub struct Plan {
    pub statement: Statement,
    /// Which schemas are shards.
    pub layout: Layout,
    /// Which shards to query.
    pub filter: Arc<ShardFilter>,
    pub search_path: SearchPath,
    pub instant: Consistency,
    /// A snapshot that another session has exported, to be read instead of a new one.
    pub snapshot: Option<Arc<str>>,
    /// How far apart the snapshots of several databases may be; `None` for no limit.
    pub max_skew: Option<Duration>,
    pub pinned: Determinism,
    pub limits: Timeouts,
    pub transfer: ResultProtocol,
    pub check: CheckFrequency,
    pub row_security: RowSecurity,
    /// Tables that were rewritten during an earlier attempt. They are locked before the snapshot is
    /// taken; those of a shard, in all shards.
    pub lock: Vec<TableName>,
}

impl Plan {
    /// For statements of our own, which look at the shards without a statement of the user's: all at
    /// one snapshot, and complete or not at all.
    pub fn of_our_own(
        statement: Statement,
        layout: Layout,
        filter: Arc<ShardFilter>,
        limits: Timeouts,
    ) -> Self {
        Self {
            statement,
            layout,
            filter,
            search_path: SearchPath::default(),
            instant: Consistency::SharedSnapshot,
            snapshot: None,
            max_skew: None,
            pinned: Determinism::None,
            limits,
            transfer: ResultProtocol::SimpleQuery,
            check: CheckFrequency::Batches,
            row_security: RowSecurity::Fail,
            lock: Vec::new(),
        }
    }
}

/// A message with the user's statement in it.
#[derive(Debug, PartialEq, Eq)]
pub struct ShardSql {
    pub sql: String,
    /// Characters in front of the statement, to subtract from error positions.
    pub offset: usize,
}
