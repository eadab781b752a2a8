//! Why shards could not be searched: what a message says of them.

use std::collections::BTreeMap;

use tokio_postgres::error::SqlState;

use crate::client::ServerError;
use crate::exec::failures::Failures;
use crate::exec::fanout::ShardError;
use crate::find::tables::Tables;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::text::escape::one_line;

/// Why shards could not be searched.
#[derive(Debug)]
pub struct Unanswered {
    pub(super) failures: Vec<String>,
    /// The column that a table needs, if any table of its name will not do.
    pub(super) column: Option<String>,
    pub(super) lacking: BTreeMap<String, Vec<Shard>>,
}

impl Unanswered {
    /// Whether no shard at all has this table.
    pub fn is_without(&self, table: &str, shards: &[Shard]) -> bool {
        let lacking = self.lacking.get(table);
        lacking.is_some_and(|lacking| lacking.len() == shards.len())
    }

    pub fn say(&self, console: &mut Console) {
        for (table, shards) in &self.lacking {
            let column = match &self.column {
                Some(column) => format!(" with a column \"{column}\""),
                None => String::new(),
            };
            let text = one_line(&format!("no table \"{table}\"{column}"));
            console.warning(&format!("{text} in {}", Ranges::of(shards)));
        }
        for failure in &self.failures {
            console.error(failure);
        }
    }
}

/// The server's error if no shard can compare its column with the key. Its text differs between
/// shards if it names a type of the shard's own.
pub fn not_comparable(failures: &Failures) -> Option<ServerError> {
    let of_key = |error: &ShardError| match error {
        ShardError::Server(report) => {
            let code = report.code.code();
            // Invalid or out of range for the type; no operator = for it.
            code.starts_with("22") || report.code == SqlState::UNDEFINED_FUNCTION
        }
        _ => false,
    };
    let all = failures.iter().all(|(_, error)| of_key(error));
    match failures.first().filter(|_| all)? {
        ShardError::Server(report) => Some(report.clone()),
        _ => None,
    }
}

/// A shard with such tables counts as not answered.
pub fn unreadable(tables: &Tables) -> impl Iterator<Item = (Shard, ShardError)> {
    tables.unreadable.iter().map(|(&shard, names)| {
        let tables = names.iter().cloned().collect();
        (shard, ShardError::NotReadable { tables })
    })
}
