//! Decides whether a statement can do without the columns in which a table differs between shards.
//! If it cannot, leaving them out could change the result, possibly silently: the name might then
//! resolve to a column of an outer query.
//!
//! The server's parser decides. It prepares the statement over one shard's tables, in which each
//! name that must not be used exists twice, so that any reference to it fails as ambiguous. Row
//! names (`t` and its aliases) are trapped too, because Postgres resolves them as columns first.
//! What the parser does not look up by name is found in the text: `*`, NATURAL, column alias lists.

use std::collections::BTreeSet;

use tokio_postgres::error::SqlState;

use super::catalog::{Catalog, OnSchemaDrift};
use super::drift::Needed;
use super::relation::{InheritedTable, Relation};
use super::resolve::resolve_ambiguities;
use super::single_statement::{Checked, PrepareError};
use super::table::{Every, Table};
use super::unsupported::{self, UnsupportedQuery};
use crate::client::ServerError;
use crate::exec::fanout::{FanoutError, Session};
use crate::exec::plan::Plan;
use crate::pg::lexer::{StringSyntax, Token};
use crate::pg::query_text::{SHARD, Text};
use crate::sharding::shard::Shard;

/// The catalog's contents for the tables that a statement may read.
pub struct Introspected<'a> {
    pub relations: &'a [Relation],
    pub inherited: &'a [InheritedTable],
    /// The shards that were selected.
    pub shards: &'a [Shard],
    pub differing: OnSchemaDrift,
    /// `server_version_num`.
    pub version: u32,
    pub strings: StringSyntax,
}

/// The tables over all shards, with every column that the statement needs and with ambiguous names
/// resolved.
///
/// # Errors
/// If the shards differ in a column that it needs, or the statement is invalid.
pub async fn agree(
    session: &Session,
    plan: &Plan,
    text: &Text<'_>,
    found: &Introspected<'_>,
) -> Result<Catalog, PrepareError> {
    let mut needed = Needed::default();
    let differ = |drift, needed: &Needed| {
        let why = needed.why();
        PrepareError::Unsupported(UnsupportedQuery::Differ { drift, why })
    };
    loop {
        let catalog = Catalog::new(
            found.relations,
            found.shards,
            |name| text.references_table(name),
            &needed,
            found.differing,
        )
        .map_err(|drift| differ(drift, &needed))?;
        if let Some(heir) = catalog.find_inheritance_overlap(found.inherited)
            && text.references_table(&heir.table)
        {
            return Err(PrepareError::Unsupported(UnsupportedQuery::ReadTwice(
                heir.clone(),
            )));
        }
        unsupported::check_tables(text, &catalog, found.version)
            .map_err(PrepareError::Unsupported)?;
        let catalog = resolve_ambiguities(session, plan, text, catalog).await?;
        let more = missing(session, plan, text, &catalog, found.strings).await?;
        if more == Needed::default() {
            return Ok(catalog);
        }
        if !needed.extend(more) {
            let left_out = catalog.tables.into_iter().flat_map(|it| it.left_out);
            return Err(differ(left_out.collect(), &needed));
        }
    }
}

/// What the statement needs that the catalog lacks; empty if the result is the same with and
/// without those columns.
///
/// # Errors
/// If the statement is invalid anyway.
async fn missing(
    session: &Session,
    plan: &Plan,
    text: &Text<'_>,
    catalog: &Catalog,
    strings: StringSyntax,
) -> Result<Needed, PrepareError> {
    if catalog.tables.iter().all(|it| it.left_out.is_empty()) {
        return Ok(Needed::default());
    }
    let by_text = needed_by_text(text, catalog);
    if by_text != Needed::default() {
        return Ok(by_text);
    }
    let mut trapped = catalog.in_shard(catalog.shards[0]);
    for table in &mut trapped.tables {
        table.traps = traps(text, table);
    }
    match Checked::take(session, plan, text, trapped.clone(), strings).await {
        Ok(_) => Ok(Needed::default()),
        Err(PrepareError::Server(report)) if report.code == SqlState::AMBIGUOUS_COLUMN => {
            let needed = sprung(&report, text, &trapped);
            if needed == Needed::default() {
                return Err(PrepareError::Server(report));
            }
            let client = session.connection();
            let recovered = client.simple_query(&Plan::recover()).await;
            recovered
                .map_err(|error| PrepareError::Connection(FanoutError::setup_failed(&error)))?;
            Ok(needed)
        }
        Err(refused) => Err(refused),
    }
}

fn needed_by_text(text: &Text<'_>, catalog: &Catalog) -> Needed {
    let mut needed = Needed::default();
    for table in catalog.tables.iter().filter(|it| !it.left_out.is_empty()) {
        let every = table.need.every.is_none();
        if let Some(every) = text.takes_every_column(&table.name).filter(|_| every) {
            needed.every(&table.name, every);
        }
        // Otherwise the added shard column would take its place.
        if table.columns_left_out().any(|column| column == SHARD) && text.mentions(SHARD) {
            needed.column(&table.name, SHARD);
        }
    }
    needed
}

/// The names whose use would need what is left out of this table.
fn traps(text: &Text<'_>, table: &Table) -> BTreeSet<String> {
    if table.left_out.is_empty() {
        return BTreeSet::new();
    }
    let mut traps: BTreeSet<_> = table.columns_left_out().map(str::to_owned).collect();
    if table.need.every.is_none() {
        let rows = text.row_names(&table.name);
        // `t.f` may mean the function call `f(t)`.
        let behind = |index: usize| {
            let row = text.tokens.get(index.checked_sub(2)?)?.identifier()?;
            let is_row = text.follows_mark(index, '.') && rows.contains(row);
            is_row.then(|| text.tokens[index].identifier())?
        };
        traps.extend((0..text.tokens.len()).filter_map(behind).map(str::to_owned));
        traps.extend(rows.iter().map(|&row| row.to_owned()));
    }
    traps.retain(|trap| !table.has_column(trap));
    traps
}

/// Which of the traps the server found ambiguous.
fn sprung(report: &ServerError, text: &Text<'_>, trapped: &Catalog) -> Needed {
    let used: BTreeSet<&str> = match report.position.and_then(|at| text.index_at(at)) {
        Some(index) => text.chain(index).collect(),
        // USING names columns, but its error has no position.
        None => text.tokens.iter().filter_map(Token::identifier).collect(),
    };
    let mut needed = Needed::default();
    for table in &trapped.tables {
        let columns = table.columns_left_out();
        let mut columns: Vec<_> = columns.filter(|it| used.contains(it)).collect();
        columns.dedup();
        let is_located = report.position.is_some();
        if is_located
            && columns.is_empty()
            && table.traps.iter().any(|trap| used.contains(trap.as_str()))
        {
            needed.every(&table.name, Every::WholeRow);
        }
        // A join on a column that few shards have: neither the column nor those shards can be left
        // out.
        if !is_located && columns.is_empty() && table.need.every == Some(Every::Natural) {
            needed.every(&table.name, Every::Natural);
        }
        for column in columns {
            needed.column(&table.name, column);
        }
    }
    needed
}
