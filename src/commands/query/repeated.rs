//! A query that runs again and again, each time as `shardq query` would, with rows that are kept
//! rather than printed.

use super::request::{self, Position, QueryRequest};
use crate::cli::query::QueryArgs;
use crate::commands::databases::{self, Targets};
use crate::commands::error::Error;
use crate::commands::federate::{Via, servers_or_hub};
use crate::commands::setup;
use crate::exec::cancel::Interrupt;
use crate::exec::plan::Plan;
use crate::output::format::{CollectedRows, Format, ResultRows};
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

pub struct RepeatedQuery {
    args: QueryArgs,
    plan: Plan,
    targets: Targets,
    via: Option<Via>,
    pub interrupt: Interrupt,
    rows: CollectedRows,
    runs: usize,
}

/// How a run ended.
pub enum Round {
    Complete(ResultRows),
    /// The reason was reported.
    NotComplete(Exit),
}

impl RepeatedQuery {
    /// `None` if interrupted.
    ///
    /// # Errors
    /// If the query is not a single statement, or the settings are not valid.
    pub async fn new(args: QueryArgs, console: &mut Console) -> Result<Option<Self>, Error> {
        if args.global.global {
            super::global::check(&args)?;
        }
        let mut plans = request::plans(&args, Format::Table)?;
        let (Some(plan), true) = (plans.pop(), plans.is_empty()) else {
            let reason = "this runs a single statement; remove the others";
            return Err(Error::Usage(reason.to_owned()));
        };
        let layout = &args.shards.layout;
        let via = Via::of(args.global.via.as_deref(), &args.connection, layout)?;
        let servers = servers_or_hub(via.as_ref(), &args.connection)?;
        let interrupt = setup::listen()?;
        setup::say_warnings(&servers, console);
        let (patterns, layout) = (&args.shards.layout.patterns.databases, args.shards.layout());
        let targets = databases::targets(&servers, patterns, &layout, None, &interrupt);
        let Some(targets) = targets.await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            plan,
            targets,
            via,
            interrupt,
            rows: CollectedRows::default(),
            runs: 0,
            args,
        }))
    }

    pub fn args(&self) -> &QueryArgs {
        &self.args
    }

    pub fn sql(&self) -> &str {
        self.plan.statement.as_str()
    }

    /// How many columns are in front of the query's own, in rows of these columns.
    pub fn lead_columns(&self, rows: &ResultRows) -> usize {
        let shard_column = self.args.shard_column.name();
        let shard_column = shard_column.filter(|_| !self.args.global.global);
        let is_it = |name: &str| rows.columns.iter().position(|column| column.name == name);
        shard_column.and_then(is_it).map_or(0, |place| place + 1)
    }

    /// Runs it, at a new snapshot.
    ///
    /// # Errors
    /// Why it could not be run.
    pub async fn run(&mut self, console: &mut Console) -> Result<Round, Error> {
        // Of a server that answered a moment ago, connections are waited for.
        let index = self.runs.min(1);
        self.runs += 1;
        let request = QueryRequest {
            args: &self.args,
            format: Format::Table,
            targets: &self.targets,
            interrupt: &self.interrupt,
            plan: &self.plan,
            via: self.via.as_ref(),
            collected: Some(&self.rows),
            position: Position {
                index,
                count: index + 1,
            },
        };
        let (mut output, _) = request::open(&self.args, Format::Table, console)?;
        if let Some(output) = &mut output {
            output.restart(request.renderer()).await;
        }
        let ended = Box::pin(super::statement(request, output, console)).await?;
        let rows = self.rows.take();
        Ok(match ended.exit {
            Exit::Complete => Round::Complete(rows),
            exit => Round::NotComplete(exit),
        })
    }
}
