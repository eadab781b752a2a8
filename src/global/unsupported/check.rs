//! Rejects what a statement's tokens show to be unsupported: before any table is known, and once
//! it is known which are sharded.

use super::UnsupportedQuery;
use crate::global::catalog::Catalog;
use crate::pg::lexer::Token;
use crate::pg::query_text::{SHARD, Text};

/// `server_version_num` of the first version with NOT MATERIALIZED.
const OLDEST: u32 = 120_000;

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
                name == SHARD || columns.any(|column| column.name == name)
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
