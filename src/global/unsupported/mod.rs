//! What a global query cannot answer exactly, and what to do instead, phrased for the author of the
//! statement, who sees tables and no CTEs. `check` finds it in the text, `server_errors` in what
//! the server answers.

mod check;
mod server_errors;

use std::fmt::Write as _;

use crate::global::relation::InheritedTable;
use crate::global::schema_diff::{DriftEntry, SchemaDifference};
use crate::global::table::Every;
use crate::pg::quote::Identifier;
use crate::pg::quote::parse_identifier;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;

pub use check::{check, check_tables};
pub(super) use server_errors::unsharded;
pub use server_errors::{advice, translate};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedQuery {
    #[error(
        "--global accepts SELECT, VALUES, TABLE and WITH, and EXPLAIN of them; this statement \
         begins with {0}"
    )]
    NotASelect(String),
    #[error("FOR UPDATE and FOR SHARE lock rows, but a global query only reads; remove the clause")]
    Locks,
    #[error(
        "SELECT INTO writes a table, but a global query only reads; use -o FILE --csv to keep the \
         result"
    )]
    Into,
    #[error("{0} inside WITH writes, but a global query only reads; run it in the shard concerned")]
    Writes(String),
    #[error(
        "WITH defines \"{0}\", which is also the name of a sharded table, so it is unclear which \
         one is meant; rename the CTE"
    )]
    CteName(String),
    /// Only one statement over all shards could answer it.
    #[error(
        "the shards are in several databases, and partial results from all of them may not combine \
         to the exact answer: {0}; use a hub (shardq federate, then --via), ask one database at a \
         time, or run the query per shard (shardq query without --global)"
    )]
    SeveralDatabases(String),
    #[error(
        "ONLY \"{0}\": a table across all shards has no children of its own; remove ONLY, or run \
         the query per shard (shardq query without --global)"
    )]
    Only(String),
    #[error(
        "TABLESAMPLE: Postgres cannot sample a table across all shards; sample each shard (shardq \
         query without --global), or use WHERE random() < 0.01"
    )]
    Sample,
    #[error(
        "{0} is a row's place in its own shard's table and means nothing across shards; run the \
         query per shard (shardq query without --global)"
    )]
    SystemColumn(String),
    #[error(
        "{by} looks up '{name}', and every shard has its own; name one of them ('shard_0.{name}'), \
         or run the query per shard (shardq query without --global)"
    )]
    ByName { name: String, by: String },
    #[error(
        "{0} looks up whatever name it is given, and would not find names in shards; give it a \
         constant, or run the query per shard (shardq query without --global)"
    )]
    ByUnknownName(String),
    #[error(
        "{0} may read search_path, which is where this session looks up names, not where the rows \
         are; give it a constant, or run the query per shard (shardq query without --global)"
    )]
    UnknownSetting(String),
    #[error(
        "{by} runs the SQL in its string, where \"{name}\" is not the table across all shards; \
         move it into the statement itself, or run the query per shard (shardq query without \
         --global)"
    )]
    InSqlString { name: String, by: String },
    #[error(
        "{0} runs whatever SQL it is given, where a sharded table is not one table; give it a \
         constant, or run the query per shard (shardq query without --global)"
    )]
    UnknownSqlString(String),
    #[error(
        "{0} is where this session looks up names, not where the rows are; select the column shard \
         to see which shard a row is in, or run the query per shard (shardq query without \
         --global)"
    )]
    Schema(String),
    #[error(
        "a name is longer than 63 bytes, and where this database's encoding truncates it is \
         unknown; write it as in the catalog, or run the query per shard (shardq query without \
         --global)"
    )]
    LongName,
    #[error(
        "pg_typeof({0}): across shards a row does not have the type of any table; name one of its \
         columns"
    )]
    RowType(String),
    #[error(
        "\"{0}\" is a view or a sequence in the shards, and its rows in each shard do not add up \
         to what it would be across all shards; query the tables that it reads, or run the query \
         per shard (shardq query without --global)"
    )]
    View(String),
    #[error(
        "\"{name}\" is a view or a sequence in the shards, whose rows in each shard do not add up \
         to what it would be across all shards, and elsewhere it is {other}; query the tables that \
         it reads, run the query per shard (shardq query without --global), or write {other} if \
         you mean that"
    )]
    ViewOrOther { name: String, other: String },
    #[error(
        "\"shard\" is ambiguous: it may be the column of the sharded tables or something else with \
         that name in the statement; qualify it (\"{0}\".shard), or rename the other one"
    )]
    ShardColumn(String),
    #[error(
        "NATURAL JOIN also joins on the column shard where the statement names it; list the \
         columns: JOIN … USING (…)"
    )]
    Natural,
    #[error(
        "{}: no table \"{name}\", which other shards have; select shards that have it (--shards), \
         or finish the migration{}", Ranges::of(.shards), .other.as_ref().map(|other| format!(
            ", or write {other} if you mean that")).unwrap_or_default()
    )]
    NotInShards {
        name: String,
        shards: Vec<Shard>,
        /// A relation of that name elsewhere.
        other: Option<String>,
    },
    #[error(
        "\"{}\" of {} and that of {} share rows by inheritance, which would count twice across \
         shards; query only one of the two (--shards)",
        .0.table, .0.shard, .0.of
    )]
    ReadTwice(InheritedTable),
    #[error(
        "table definitions differ between shards{}:\n{}\nshardq: hint: {}",
        .why.map(|why| format!(" ({})", why.describe())).unwrap_or_default(),
        list(.drift), advice_on_drift(.drift, *.why)
    )]
    Differ {
        drift: Vec<DriftEntry>,
        /// Why it needs columns that it does not name.
        why: Option<Every>,
    },
    #[error("--strategy partial: {0}; remove the flag to run one statement over all shards")]
    NotInParts(String),
    #[error(
        "--strategy partial: {0}() returns a different value on each call, so each partial result \
         would have its own; remove the flag to run one statement over all shards"
    )]
    VolatileInParts(String),
    #[error("global queries need PostgreSQL 12 or later (NOT MATERIALIZED); this server is {}", version(*.0))]
    Server(u32),
}

/// If each shard has its own type, neither skipping shards nor finishing a migration helps.
fn advice_on_drift(drift: &[DriftEntry], why: Option<Every>) -> String {
    let name_columns = if why.is_some() {
        "name the columns you want, or "
    } else {
        ""
    };
    if drift.iter().all(|it| it.difference.is_everywhere()) {
        return format!(
            "{name_columns}run the query per shard (shardq query without --global), or query one \
             shard (--shards N)"
        );
    }
    let having = match drift {
        [
            DriftEntry {
                table,
                difference: SchemaDifference::NoTable,
                ..
            },
            rest @ ..,
        ] if rest
            .iter()
            .all(|it| it.table == *table && it.difference.column().is_none()) =>
        {
            let is_plain = parse_identifier(table).as_deref() == Some(table);
            let name = if is_plain {
                table.clone()
            } else {
                format!("'{}'", Identifier(table))
            };
            format!(", query only those that have the table (--having-table {name})")
        }
        _ => String::new(),
    };
    format!(
        "{name_columns}finish the migration, select shards that agree (--shards){having}, or skip \
         those that lack something (--skip-missing)"
    )
}

fn list(drift: &[DriftEntry]) -> String {
    let mut text = String::new();
    for deviation in drift {
        let _ = writeln!(text, "  {deviation}");
    }
    text.trim_end().to_owned()
}

fn version(number: u32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}
