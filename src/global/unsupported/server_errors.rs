//! Translates the server's errors about a global query for a user who knows of no CTEs, or adds a
//! hint to them.

use tokio_postgres::error::SqlState;

use super::UnsupportedQuery;
use crate::client::ServerError;
use crate::global::catalog::Catalog;
use crate::pg::lexer::Token;
use crate::pg::query_text::Text;

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
pub(in crate::global) fn unsharded(
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
