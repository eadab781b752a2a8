//! What each round runs: a query, or `drift`.

use crate::cli::query::OutputArgs;
use crate::cli::watch::WatchedArgs;
use crate::commands::error::Error;
use crate::commands::inspect::drift::repeated::RepeatedDrift;
use crate::commands::query::repeated::{RepeatedQuery, Round};
use crate::exec::cancel::Interrupt;
use crate::output::format::ResultRows;
use crate::terminal::console::Console;

pub enum Watched {
    Query(Box<RepeatedQuery>),
    Drift(Box<RepeatedDrift>),
}

impl Watched {
    /// `None` if interrupted.
    pub async fn new(args: WatchedArgs, console: &mut Console) -> Result<Option<Self>, Error> {
        Ok(match args {
            WatchedArgs::Query(args) => {
                let query = RepeatedQuery::new(*args, console).await?;
                query.map(Box::new).map(Self::Query)
            }
            WatchedArgs::Drift(args) => {
                let drift = RepeatedDrift::new(*args, console).await?;
                drift.map(Box::new).map(Self::Drift)
            }
        })
    }

    pub async fn run(&mut self, console: &mut Console) -> Result<Round, Error> {
        match self {
            Self::Query(query) => query.run(console).await,
            Self::Drift(drift) => drift.run(console).await,
        }
    }

    pub fn output(&self) -> &OutputArgs {
        match self {
            Self::Query(query) => &query.args().output,
            Self::Drift(drift) => &drift.args().output,
        }
    }

    pub fn interrupt(&self) -> &Interrupt {
        match self {
            Self::Query(query) => &query.interrupt,
            Self::Drift(drift) => drift.interrupt(),
        }
    }

    /// For `--on-change`.
    pub fn sql(&self) -> &str {
        match self {
            Self::Query(query) => query.sql(),
            Self::Drift(_) => "drift",
        }
    }

    /// How many columns in front of the result say where a row is from.
    pub fn lead_columns(&self, rows: &ResultRows) -> usize {
        match self {
            Self::Query(query) => query.lead_columns(rows),
            Self::Drift(_) => 0,
        }
    }

    /// Which rows are the same unless `--key` says otherwise: of a difference, other shards may
    /// have it in the next round. Empty if all columns count.
    pub fn usual_key(&self) -> &'static [&'static str] {
        match self {
            Self::Query(_) => &[],
            Self::Drift(_) => &["kind", "object", "has"],
        }
    }

    /// What a row is.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Query(_) => "row",
            Self::Drift(_) => "difference",
        }
    }
}
