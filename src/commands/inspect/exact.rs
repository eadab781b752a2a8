//! Counts the rows and measures the files of each table, at one snapshot per database.

use std::collections::BTreeMap;

use super::error::InspectError;
use super::per_shard::{self, ShardRun};
use super::request::InspectRequest;
use super::rows_by_shard::Reading;
use super::statement::rows;
use crate::commands::databases::PreparedDatabase;
use crate::commands::error::Error;
use crate::exec::plan::Plan;
use crate::pg::quote::Literal;
use crate::pg::row_batch::Row;
use crate::pg::sql_template;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;

/// What was counted.
pub struct Counts {
    of: BTreeMap<Shard, Vec<TableCount>>,
    pub run: ShardRun,
}

/// A table of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCount {
    pub name: String,
    /// `pg_class.relkind`
    pub kind: String,
    pub size: u64,
    pub rows: u64,
}

const READING: Reading<TableCount> = Reading {
    called: "counting",
    row: table_count,
};

/// `None` if interrupted.
pub async fn count(
    request: &InspectRequest,
    connections: usize,
    shards: &[Shard],
    console: &mut Console,
) -> Result<Option<Counts>, Error> {
    let first = plan(request.plan(), shards, &Tables::new());
    let with_tables = async |database: &mut PreparedDatabase| {
        let tables = tables(database).await?;
        database.plan = plan(&database.plan, shards, &tables);
        Ok(())
    };
    let run = per_shard::run(
        request,
        &first,
        &READING,
        connections,
        shards,
        with_tables,
        console,
    );
    let found = run.await?.map(|(counts, report)| Counts {
        of: counts.rows,
        run: ShardRun::new(report, Statement::composed(String::new())),
    });
    Ok(found)
}

/// The oids of each shard's tables, as an array of Postgres.
type Tables = BTreeMap<String, String>;

async fn tables(database: &PreparedDatabase) -> Result<Tables, InspectError> {
    let PreparedDatabase {
        plan, preflight, ..
    } = database;
    let sql = sql_template::fill(
        include_str!("../../../sql/inspect/shard_tables.sql"),
        &[("is_shard", &plan.layout.condition())],
    );
    let rows = rows(preflight.session.connection(), &sql).await?;
    let pairs = rows.into_iter().filter_map(|row| {
        let mut row = row.into_iter();
        Some((row.next()??, row.next()??))
    });
    Ok(pairs.collect())
}

/// `tables` is empty as long as they are not known.
fn plan(of: &Plan, shards: &[Shard], tables: &Tables) -> Plan {
    let template = include_str!("../../../sql/inspect/count_shard.sql");
    let text = |shard: Shard| {
        let is_table = match tables.get(shard.schema()) {
            Some(oids) => format!(
                "c.oid OPERATOR(pg_catalog.=) ANY ({}::pg_catalog.oid[])",
                Literal(oids)
            ),
            None if tables.is_empty() => "c.relnamespace OPERATOR(pg_catalog.=) n.oid \
                 AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,m}')"
                .to_owned(),
            None => "false".to_owned(),
        };
        let shard = Literal(shard.schema()).to_string();
        sql_template::fill(template, &[("shard", &shard), ("is_table", &is_table)])
    };
    let texts = shards.iter().map(|shard| (*shard, text(*shard)));
    let any = shards.first().map(|shard| text(*shard)).unwrap_or_default();
    Plan {
        statement: Statement::composed(any).with_text_in(texts.collect()),
        ..of.clone()
    }
}

impl Counts {
    /// The tables of a shard; `None` if it was not counted.
    pub fn tables(&self, shard: Shard) -> Option<&[TableCount]> {
        let counts = self.of.get(&shard)?;
        self.run.has_answered(shard).then_some(counts)
    }
}

fn table_count(row: Row<'_>) -> Option<TableCount> {
    let values: Vec<_> = row.values().collect();
    let [Some(name), Some(kind), Some(size), Some(rows)] = values[..] else {
        return None;
    };
    Some(TableCount {
        name: name.to_owned(),
        kind: kind.to_owned(),
        size: size.parse().ok()?,
        rows: rows.parse().ok()?,
    })
}
