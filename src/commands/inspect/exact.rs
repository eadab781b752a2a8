//! Counts the rows and measures the files of each table, at one snapshot per database: a run as that
//! of `query`, so that locks, rewritten tables and lost connections are handled as there.

use std::collections::BTreeMap;

use super::error::InspectError;
use super::request::{InspectRequest, Selected};
use super::statement::rows;
use crate::commands::attempt::Attempts;
use crate::commands::databases::PreparedDatabase;
use crate::commands::error::{Error, advice};
use crate::commands::interruptible;
use crate::exec::driver::{self, OnShardError};
use crate::exec::fanout::ShardEvent;
use crate::exec::merge::MergeMode;
use crate::exec::plan::Plan;
use crate::exec::row_sink::{OutputClosed, RowSink};
use crate::exec::run_report::{RunReport, RunStatus};
use crate::output::format::RenderError;
use crate::pg::quote::Literal;
use crate::pg::row_batch::Column;
use crate::pg::sql_template;
use crate::sharding::shard::Shard;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;

/// What was counted.
pub struct Counts {
    of: BTreeMap<Shard, Vec<TableCount>>,
    report: RunReport,
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

#[derive(Default)]
struct CountSink(BTreeMap<Shard, Vec<TableCount>>);

/// `None` if interrupted.
pub async fn count(
    request: &InspectRequest,
    connections: usize,
    shards: &[Shard],
    console: &mut Console,
) -> Result<Option<Counts>, Error> {
    let limits = connections.min(shards.len()).into();
    let interrupt = &request.interrupt;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let plan = attempts.plan(&plan(request.plan(), shards, &Tables::new()));
        let selected = request.select(&plan, limits, &attempts, console).await;
        let work = match selected {
            Ok(Some(selected)) => with_tables(selected, request).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let Selected { prepared, .. } = match work {
            Ok(Some(selected)) => selected,
            Ok(None) => return Ok(None),
            Err(error) if error.is_transient() => {
                attempts.retry_after(&error, console);
                continue;
            }
            Err(error) => return Err(error),
        };
        let run = prepared.start(shards, MergeMode::IN_ORDER)?;
        let mut counts = CountSink::default();
        let policy = OnShardError::Continue;
        let report = driver::drive(run, &mut counts, console, interrupt, policy).await;
        let report = report.map_err(|error| Error::Sink(error.into()))?;
        match report.status {
            RunStatus::Retry => {
                attempts.retry(report.rewritten, "retrying at a new snapshot", console);
            }
            RunStatus::Interrupted => return Ok(None),
            _ => {
                return Ok(Some(Counts {
                    of: counts.0,
                    report,
                }));
            }
        }
    }
}

/// Lists the tables of the databases that are open. `None` if interrupted.
async fn with_tables(
    mut selected: Selected,
    request: &InspectRequest,
) -> Result<Option<Selected>, Error> {
    let servers = selected.prepared.servers();
    let shards = selected.selection.shards.clone();
    let work = async {
        for database in &mut selected.prepared.databases {
            let tables = tables(database).await?;
            database.plan = plan(&database.plan, &shards, &tables);
        }
        Ok(selected)
    };
    interruptible::run_in_all(&servers, &request.interrupt, work).await
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
        self.report.has_answered(shard).then_some(counts)
    }

    pub fn has_counted(&self, shard: Shard) -> bool {
        self.tables(shard).is_some()
    }

    /// Reports why the others were not.
    pub fn say_failures(&self, console: &mut Console) {
        let RunReport {
            queried,
            failures,
            explanations,
            notices,
            ..
        } = &self.report;
        let statement = Statement::composed(String::new());
        notices.say(*queried, &statement, console);
        let advice = |error: &_| explanations.of(error).or_else(|| advice(error));
        for message in failures.describe(*queried, &statement, advice) {
            console.error(&message);
        }
    }
}

impl RowSink for CountSink {
    fn begin(&mut self, _: &[Column]) -> Result<(), RenderError> {
        Ok(())
    }

    async fn accept(&mut self, shard: Shard, event: ShardEvent) -> Result<(), OutputClosed> {
        match event {
            ShardEvent::Rows(rows) => {
                let tables = self.0.entry(shard).or_default();
                for row in rows.iter() {
                    let values: Vec<_> = row.values().collect();
                    if let [Some(name), Some(kind), Some(size), Some(rows)] = values[..]
                        && let (Ok(size), Ok(rows)) = (size.parse(), rows.parse())
                    {
                        tables.push(TableCount {
                            name: name.to_owned(),
                            kind: kind.to_owned(),
                            size,
                            rows,
                        });
                    }
                }
            }
            ShardEvent::RolledBack => {
                self.0.remove(&shard);
            }
            _ => {}
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), OutputClosed> {
        Ok(())
    }

    /// Nothing is printed before all shards are counted.
    fn is_untouched(&self) -> bool {
        true
    }

    fn progress(&self, _: &RunReport) -> String {
        "counting".to_owned()
    }
}
