//! Hints about results that are easily misread, and about errors that several commands share.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::ServerError;
use crate::exec::fanout::ShardStats;
use crate::exec::plan::TableName;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;

pub const LOCKED: &str =
    "another session holds a lock (a migration?); retry or raise --lock-timeout";

/// Only `SQL_ASCII` allows such bytes, and it converts nothing, so `convert_to` returns the same
/// bytes. A cast to bytea fails on backslashes.
pub const NOT_UTF8: &str = "a database with encoding SQL_ASCII can hold any bytes; to view them, \
     select encode(convert_to(column_name, 'SQL_ASCII'), 'escape')";

/// Names the tables of which row-level security may have hidden rows, grouped by name.
pub fn filtered(tables: &BTreeSet<TableName>) -> String {
    let mut schemas: BTreeMap<&str, BTreeSet<Shard>> = BTreeMap::new();
    for table in tables {
        let schemas = schemas.entry(&table.name).or_default();
        schemas.insert(Shard::named(&table.schema));
    }
    let places = schemas.into_iter().map(|(name, schemas)| {
        let schemas: Vec<_> = schemas.into_iter().collect();
        format!("\"{name}\" ({})", Ranges::of(&schemas))
    });
    format!(
        "row-level security may hide rows from this role: {}; add --row-security if these rows are \
         all you want",
        places.collect::<Vec<_>>().join(", ")
    )
}

pub const RAISE_TIMEOUT: &str = "raise --timeout (0 for no limit) if the statement needs more time";

/// For a statement that the server cancelled.
pub fn cancelled_hint(report: &ServerError) -> &'static str {
    if report.before_time_limit {
        "no limit of this run was reached: someone cancelled it on the server \
         (pg_cancel_backend?); run it again"
    } else {
        RAISE_TIMEOUT
    }
}

/// Aggregates whose value per shard is easily mistaken for the value over all shards.
const AGGREGATES: [&str; 14] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "bool_and",
    "bool_or",
    "every",
    "array_agg",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "stddev",
    "variance",
];

/// For one row per shard from an aggregate without GROUP BY.
///
/// A guess from the statement's words: if it is wrong, only the hint is.
pub fn ungrouped_aggregate(
    statement: &Statement,
    answers: &[(Shard, ShardStats)],
) -> Option<&'static str> {
    let one_row_each = answers.len() > 1 && answers.iter().all(|(_, answer)| answer.rows == 1);
    let lower = statement.as_str().to_lowercase();
    let grouped = lower.split_whitespace().any(|word| word == "group");
    (one_row_each && !grouped && calls_aggregate(&lower))
        .then_some("one result per shard; add --global for a single total")
}

fn calls_aggregate(sql: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    sql.match_indices('(').any(|(at, _)| {
        let before = sql[..at].trim_end();
        let start = before.rfind(|c| !is_name(c)).map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        });
        AGGREGATES.contains(&&before[start..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn hinted(sql: &str, rows: [u64; 2]) -> bool {
        let answers = rows.map(|rows| {
            let took = Duration::ZERO;
            (Shard::new(0), ShardStats { rows, took })
        });
        ungrouped_aggregate(&Statement::new(sql).unwrap(), &answers).is_some()
    }

    #[test]
    fn an_aggregate_with_one_row_a_shard_is_many_answers() {
        assert!(hinted("SELECT count(*) FROM t", [1, 1]));
        assert!(hinted("select 1 + SUM (x) from t", [1, 1]));
        assert!(!hinted("SELECT count(*) FROM t GROUP BY a", [1, 1]));
        assert!(!hinted("SELECT name FROM t", [1, 1]));
        assert!(!hinted("SELECT count(*) FROM t", [1, 2]));
        assert!(!hinted("SELECT account(1), '…('", [1, 1]));
    }
}
