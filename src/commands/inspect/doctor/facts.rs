//! What the checks look at. Pure: made from the rows of `sql/inspect/doctor_*.sql`.

use std::time::Duration;

use super::super::drift::shape::Shape;
use super::super::statement::TextRow;
use crate::client::Authentication;
use crate::config::SslMode;
use crate::sharding::guess::Guess;
use crate::sharding::shard::Shard;
use crate::sharding::topology::Topology;

/// What was read in one database.
#[derive(Debug)]
pub struct DatabaseFacts {
    pub server: ServerFacts,
    pub connection: ConnectionFacts,
    pub shards: ShardFacts,
    pub anomalies: Vec<Anomaly>,
    /// Or why they were not read.
    pub sequences: Result<Vec<FullSequence>, String>,
    /// Or why it was not read.
    pub shape: Result<Shape, String>,
}

/// One row about the server.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts, as the server states them"
)]
pub struct ServerFacts {
    pub version: String,
    /// `server_version_num`, e.g. 150018.
    pub version_number: u32,
    pub is_standby: bool,
    /// How far a standby is behind; `None` if it has replayed all that it has received.
    pub lag: Option<Duration>,
    pub process: Option<i32>,
    pub is_network: bool,
    /// Of TLS: `TLSv1.3`
    pub tls: Option<String>,
    pub connections: u64,
    pub most_connections: u64,
    pub reserved_connections: u64,
    pub user: String,
    pub is_superuser: bool,
    /// Shards with a table that the role may write.
    pub writable_shards: u64,
    /// That all transactions can hold together.
    pub lock_capacity: u64,
    /// That a global query takes on the table with the most.
    pub locks_needed: u64,
    pub locks_per_transaction: u64,
    /// Of the oldest transaction id, in transactions.
    pub id_age: u64,
    pub oldest_database: String,
    pub has_client_certificate: bool,
}

/// How this run is connected.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionFacts {
    pub ssl_mode: SslMode,
    /// `None` if it was not seen.
    pub authentication: Option<Authentication>,
    pub pooler: Pooler,
    pub round_trip: Duration,
}

/// What is between this run and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    None,
    /// Transactions of two connections ran in one process of the server.
    TransactionMode,
    /// They ran in two.
    SessionOrTransactionMode,
}

/// The shards of the database.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShardFacts {
    pub shards: Vec<Shard>,
    /// `None` without shards.
    pub topology: Option<Topology>,
    /// How shards are named: `named shard_0, shard_1, …`
    pub naming: String,
    pub gaps: String,
    pub look_alikes: String,
    /// Layouts that the schemas suggest, if there are no shards.
    pub guesses: Vec<Guess>,
}

/// A table, an index, a transaction or a replication slot that needs attention.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    pub kind: String,
    pub shard: Option<Shard>,
    pub name: String,
    pub figure: Option<u64>,
}

/// A sequence near its end.
#[derive(Debug, Clone, PartialEq)]
pub struct FullSequence {
    pub shard: Shard,
    pub name: String,
    pub percent: f64,
}

fn text(row: &TextRow, column: usize) -> String {
    row.get(column).cloned().flatten().unwrap_or_default()
}

fn number<T: std::str::FromStr + Default>(row: &TextRow, column: usize) -> T {
    text(row, column).parse().unwrap_or_default()
}

impl ServerFacts {
    pub fn of_row(row: &TextRow) -> Self {
        let lag: Option<f64> = text(row, 3).parse().ok();
        Self {
            version: text(row, 0),
            version_number: number(row, 1),
            is_standby: text(row, 2) == "t",
            lag: lag.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()),
            process: text(row, 4).parse().ok(),
            is_network: text(row, 5) == "t",
            tls: row.get(6).cloned().flatten(),
            connections: number(row, 7),
            most_connections: number(row, 8),
            reserved_connections: number(row, 9),
            user: text(row, 10),
            is_superuser: text(row, 11) == "t",
            writable_shards: number(row, 12),
            lock_capacity: number(row, 13),
            locks_needed: number(row, 14),
            locks_per_transaction: number(row, 15),
            id_age: number(row, 16),
            oldest_database: text(row, 17),
            has_client_certificate: text(row, 18) == "t",
        }
    }
}

impl Anomaly {
    pub fn of_row(row: &TextRow, shards: &[Shard]) -> Self {
        let figure = text(row, 3);
        Self {
            kind: text(row, 0),
            shard: shard(row, 1, shards),
            name: text(row, 2),
            // The fraction of a second or a byte says nothing.
            figure: figure.split('.').next().and_then(|it| it.parse().ok()),
        }
    }
}

impl FullSequence {
    pub fn of_row(row: &TextRow, shards: &[Shard]) -> Option<Self> {
        Some(Self {
            shard: shard(row, 0, shards)?,
            name: text(row, 1),
            percent: number(row, 2),
        })
    }
}

fn shard(row: &TextRow, column: usize, shards: &[Shard]) -> Option<Shard> {
    let position: usize = text(row, column).parse().ok()?;
    shards.get(position.checked_sub(1)?).copied()
}
