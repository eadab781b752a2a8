//! What a global query cannot answer exactly, and what to do instead, phrased for the author of the
//! statement, who sees tables and no CTEs.

use std::fmt::Write as _;

use tokio_postgres::error::SqlState;

use super::catalog::Catalog;
use super::relation::InheritedTable;
use super::schema_diff::DriftEntry;
use super::table::Every;
use crate::client::ServerError;
use crate::pg::lexer::Token;
use crate::pg::query_text::Text;
use crate::sharding::ranges::Ranges;
use crate::sharding::shard::Shard;

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
    format!(
        "{name_columns}finish the migration, select shards that agree (--shards), or skip those \
         that lack something (--skip-missing)"
    )
}

/// `server_version_num` of the first version with NOT MATERIALIZED.
const OLDEST: u32 = 120_000;

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

/// Rejects what can be recognised before any table is known.
pub fn check(text: &Text<'_>) -> Result<(), UnsupportedQuery> {
    let word = |index: usize| text.tokens.get(index);
    let is = |index: usize, wanted: &str| word(index).is_some_and(|token| token.is_word(wanted));
    if let Some(first) = text.first_word()
        && !["select", "with", "values", "table"]
            .iter()
            .any(|known| first.is_word(known))
    {
        return Err(UnsupportedQuery::NotASelect(
            text.sql[first.span.clone()].to_uppercase(),
        ));
    }
    for index in 0..text.tokens.len() {
        let labels = index > 0 && (is(index - 1, "as") || text.follows_mark(index, '.'));
        if is(index, "for")
            && (is(index + 1, "update")
                || is(index + 1, "share")
                || (is(index + 1, "no") && is(index + 2, "key"))
                || (is(index + 1, "key") && is(index + 2, "share")))
        {
            return Err(UnsupportedQuery::Locks);
        }
        if is(index, "into") && !labels {
            return Err(UnsupportedQuery::Into);
        }
        let called = text.precedes_mark(index, '(');
        // Quoted it can be called too; without parentheses it is then a column.
        let calls = |function: &str| called && text.tokens[index].identifier() == Some(function);
        if (is(index, "current_schema") && !labels)
            || calls("current_schema")
            || calls("current_schemas")
        {
            let name = text.tokens[index].identifier().unwrap_or_default();
            return Err(UnsupportedQuery::Schema(name.to_owned()));
        }
        let opens_cte = text.follows_mark(index, '(')
            && index > 1
            && (is(index - 2, "as") || is(index - 2, "materialized"));
        if opens_cte
            && let Some(writes) = ["insert", "update", "delete", "merge"]
                .iter()
                .find(|known| is(index, known))
        {
            return Err(UnsupportedQuery::Writes(writes.to_uppercase()));
        }
    }
    Ok(())
}

/// Rejects what can be recognised once the sharded tables are known.
pub fn check_tables(
    text: &Text<'_>,
    catalog: &Catalog,
    server: u32,
) -> Result<(), UnsupportedQuery> {
    if server < OLDEST {
        return Err(UnsupportedQuery::Server(server));
    }
    if catalog.tables.is_empty() {
        return Ok(());
    }
    if let Some(cte) = text
        .cte_names()
        .into_iter()
        .find(|cte| catalog.table(cte).is_some())
    {
        return Err(UnsupportedQuery::CteName(cte.to_owned()));
    }
    let sharded = |token: Option<&Token<'_>>| {
        let name = token.and_then(Token::identifier)?;
        catalog.table(name).map(|table| table.name.clone())
    };
    for (index, token) in text.tokens.iter().enumerate() {
        let behind = |steps: usize| text.tokens.get(index + steps);
        if token.is_word("only")
            && let Some(table) = sharded(behind(1))
                .or_else(|| sharded(behind(2).filter(|_| text.precedes_mark(index, '('))))
        {
            return Err(UnsupportedQuery::Only(table));
        }
        let is_label = index > 0 && text.tokens[index - 1].is_word("as");
        if let Some(name) = token.identifier()
            && SYSTEM_COLUMNS.contains(&name)
            && !is_label
        {
            return Err(UnsupportedQuery::SystemColumn(name.to_owned()));
        }
        if token.is_word("pg_typeof") && text.precedes_mark(index, '(') {
            let argument = text.tokens[index + 2..text.closing(index + 1)]
                .iter()
                .filter(|token| !token.is_mark('(') && !token.is_mark(')'))
                .take(4);
            let is_column = |name: &str| {
                let mut columns = catalog.tables.iter().flat_map(|table| &table.columns);
                name == crate::pg::query_text::SHARD || columns.any(|column| column.name == name)
            };
            let row = match argument.collect::<Vec<_>>()[..] {
                [row] => row.identifier().filter(|row| !is_column(row)),
                [row, point, star] if point.is_mark('.') => row
                    .identifier()
                    .filter(|_| &text.sql[star.span.clone()] == "*"),
                _ => None,
            };
            if let Some(row) = row {
                return Err(UnsupportedQuery::RowType(row.to_owned()));
            }
        }
    }
    Ok(())
}

const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"];

/// Translates the server's error for a user who knows of no CTEs. The position in `report` is that
/// in the user's own text.
pub fn translate(
    report: &ServerError,
    text: &Text<'_>,
    catalog: &Catalog,
) -> Option<UnsupportedQuery> {
    let token = report.position.and_then(|at| text.token_at(at));
    let name = token.and_then(Token::identifier);
    if report.code == SqlState::FEATURE_NOT_SUPPORTED && text.mentions("tablesample") {
        return Some(UnsupportedQuery::Sample);
    }
    if report.code == SqlState::UNDEFINED_TABLE {
        return name.and_then(|name| unsharded(name, None, catalog));
    }
    None
}

/// Why a name does not refer to a sharded table, if more can be said than that. `other` is the
/// relation that it refers to elsewhere.
pub(super) fn unsharded(
    name: &str,
    other: Option<&str>,
    catalog: &Catalog,
) -> Option<UnsupportedQuery> {
    let other = other.map(str::to_owned);
    let name = name.to_owned();
    if catalog.views.contains(&name) {
        Some(match other {
            Some(other) => UnsupportedQuery::ViewOrOther { name, other },
            None => UnsupportedQuery::View(name),
        })
    } else if catalog.elsewhere.contains(&name) {
        Some(UnsupportedQuery::NotInShards {
            name,
            shards: catalog.shards.clone(),
            other,
        })
    } else {
        None
    }
}

/// A hint to add to the server's own error.
pub fn advice(report: &ServerError, text: &Text<'_>, catalog: &Catalog) -> Option<String> {
    let token = report.position.and_then(|at| text.token_at(at));
    let name = token.and_then(Token::identifier);
    let code = &report.code;
    let advice = if *code == SqlState::GROUPING_ERROR && !catalog.tables.is_empty() {
        "across shards there is no primary key that determines the other columns; list every \
         column in GROUP BY"
    } else if *code == SqlState::UNDEFINED_OBJECT
        && name.is_some_and(|n| catalog.table(n).is_some())
    {
        "a sharded table is not a type here, because each shard has its own; name the columns \
         instead"
    } else if [SqlState::UNDEFINED_OBJECT, SqlState::UNDEFINED_FUNCTION].contains(code)
        && name.is_some()
    {
        "types and functions are looked up in public; those that each shard defines itself, and \
         functions that take rows of a table, cannot be used across shards"
    } else if *code == SqlState::UNDEFINED_TABLE && report.position.is_none() {
        "a function or a view sees the database as it is, where a sharded table is not one table; \
         read the table in the statement itself, or run the query per shard (shardq query without \
         --global)"
    } else if *code == SqlState::UNDEFINED_TABLE {
        "neither the queried shards nor public have this table"
    } else if *code == SqlState::OUT_OF_MEMORY {
        "a global query locks every table and index that it reads; raise \
         max_locks_per_transaction, or name fewer tables or shards"
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE && report.advice.is_none() {
        "a global query reads every column of the tables that it names, in every queried shard"
    } else {
        return None;
    };
    Some(advice.to_owned())
}
