//! Counts the rows and measures the files of each shard, at one snapshot: a run as that of `query`,
//! so that locks, rewritten tables and lost connections are handled as there.

use std::collections::BTreeMap;

use super::sizes::ShardSize;
use crate::client::PoolStart;
use crate::commands::attempt::Attempts;
use crate::commands::error::{Error, advice};
use crate::commands::inspect::error::InspectError;
use crate::commands::inspect::session::InspectRequest;
use crate::commands::inspect::statement::rows;
use crate::commands::session_setup;
use crate::exec::driver::{self, OnShardError, Run};
use crate::exec::fanout::{DatabaseRun, DatabaseStart, Preflight, ShardEvent};
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
    of: BTreeMap<Shard, Count>,
    report: RunReport,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    size: u64,
    rows: u64,
}

#[derive(Default)]
struct CountSink(BTreeMap<Shard, Count>);

/// `None` if interrupted.
pub async fn count(
    request: &InspectRequest,
    connections: usize,
    shards: &[Shard],
    console: &mut Console,
) -> Result<Option<Counts>, Error> {
    let connections = connections.min(shards.len());
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let plan = attempts.plan(&plan(request, shards, &BTreeMap::new()));
        let (settings, interrupt) = (request.settings(), &request.interrupt);
        let opened = tokio::select! {
            opened = session_setup::open(settings, connections, attempts.connect, console) => opened?,
            () = interrupt.requested() => return Ok(None),
        };
        let PoolStart {
            server,
            first,
            pending_connections,
            ..
        } = opened;
        let work = async {
            let preflight = session_setup::preflight(first, &plan).await?;
            let tables = tables(&preflight, &plan).await?;
            Ok((preflight, tables))
        };
        let work = session_setup::run_or_cancel(&server, interrupt, work).await;
        let (preflight, tables) = match work {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(None),
            Err(error) if error.is_transient() => {
                attempts.retry_after(&error, console);
                continue;
            }
            Err(error) => return Err(error),
        };
        let plan = attempts.plan(&self::plan(request, shards, &tables));
        let mode = MergeMode::IN_ORDER;
        let run = DatabaseRun {
            plan,
            shards: shards.to_vec(),
            server,
            start: DatabaseStart::Now {
                preflight: Box::new(preflight),
                pending_connections,
            },
        };
        let run = Run::new(vec![run], mode);
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

/// The oids of each shard's tables, as an array of Postgres.
type Tables = BTreeMap<String, String>;

async fn tables(preflight: &Preflight, plan: &Plan) -> Result<Tables, InspectError> {
    let sql = sql_template::fill(
        include_str!("../../../../sql/inspect/shard_tables.sql"),
        &[("is_shard", &plan.layout.condition())],
    );
    let rows = rows(preflight.session.connection(), &sql).await?;
    let pairs = rows.into_iter().filter_map(|row| {
        let mut row = row.into_iter();
        Some((row.next()??, row.next()??))
    });
    Ok(pairs.collect())
}

fn plan(request: &InspectRequest, shards: &[Shard], tables: &Tables) -> Plan {
    let template = include_str!("../../../../sql/inspect/count_shard.sql");
    let text = |shard: Shard| {
        let tables = tables.get(shard.name()).map_or("{}", String::as_str);
        let (shard, tables) = (Literal(shard.name()), Literal(tables));
        let values = [
            ("shard", &*shard.to_string()),
            ("tables", &*tables.to_string()),
        ];
        sql_template::fill(template, &values)
    };
    let texts = shards.iter().map(|shard| (*shard, text(*shard)));
    let any = shards.first().map(|shard| text(*shard)).unwrap_or_default();
    Plan {
        statement: Statement::composed(any).with_text_in(texts.collect()),
        ..request.plan().clone()
    }
}

impl Counts {
    /// Puts the counts in place of the estimates.
    pub fn apply(&self, sizes: &mut [ShardSize]) {
        for size in sizes {
            let count = self.of.get(&size.shard);
            let count = count.filter(|_| self.report.has_answered(size.shard));
            size.size = count.map(|count| count.size);
            size.rows = count.map(|count| count.rows);
            size.uncounted = 0;
        }
    }

    pub fn has_counted(&self, shard: Shard) -> bool {
        self.report.has_answered(shard) && self.of.contains_key(&shard)
    }

    /// How many shards were counted.
    pub fn answered(&self) -> usize {
        self.of
            .keys()
            .filter(|shard| self.has_counted(**shard))
            .count()
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
                for row in rows.iter() {
                    let mut values = row.values().map(|value| value?.parse().ok());
                    let mut next = || values.next().flatten();
                    if let (Some(size), Some(rows)) = (next(), next()) {
                        self.0.insert(shard, Count { size, rows });
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
