//! What one statement leaves to the next: how statements run, where results go, what ran last.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use super::editor::NamesWanted;
use crate::cli::query::QueryArgs;
use crate::cli::shell::ShellArgs;
use crate::commands::error::Error;
use crate::commands::query::names::NameKind;
use crate::commands::query::series::{Coverage, Series};
use crate::pg::variables::Variables;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;

pub struct State {
    /// How statements run.
    pub query: QueryArgs,
    pub series: Series,
    pub console: Console,
    /// Where results go, if not to standard output.
    pub out: Option<OutFile>,
    /// The statement that ran last.
    pub last: Option<String>,
    /// How whole the last result was.
    pub coverage: Option<Coverage>,
    /// The shards that failed in it.
    pub failed: Vec<Shard>,
    pub outcome: Outcome,
    /// The snapshot of several statements, as the prompt shows it.
    pub frozen: Option<String>,
    pub freeze_limit: Duration,
}

/// How the last statement or command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Failed,
}

/// What follows a statement or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    GoOn,
    /// It failed, and was reported.
    Failed,
    Interrupted,
    Quit,
}

/// An open file of `\o`.
pub struct OutFile {
    pub path: PathBuf,
    pub file: File,
}

impl State {
    pub fn new(args: &ShellArgs, mut console: Console) -> Result<Self, Error> {
        let mut query = args.query();
        let out = query.output.output.take();
        let series = Series::new(&query, &mut console)?;
        let mut state = Self {
            query,
            series,
            console,
            out: None,
            last: None,
            coverage: None,
            failed: Vec::new(),
            outcome: Outcome::Succeeded,
            frozen: None,
            freeze_limit: args.freeze_limit,
        };
        if let Some(path) = out {
            state.set_out(Some(path))?;
        }
        Ok(state)
    }

    /// Where results go from now on; `None` for standard output.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set_out(&mut self, path: Option<PathBuf>) -> Result<(), Error> {
        self.out = None;
        if let Some(path) = path {
            self.out = Some(OutFile::create(path)?);
        }
        Ok(())
    }

    /// Connects and finds the shards, for the prompt. Returns whether it did, and not whether it
    /// was interrupted.
    ///
    /// # Errors
    /// If there are no shards to ask.
    pub async fn discover(&mut self) -> Result<bool, Error> {
        let found = self.series.discover(&self.query, &mut self.console).await?;
        let is_found = found.is_some();
        self.coverage = found.or(self.coverage.take());
        Ok(is_found)
    }

    /// Finds names for completion. Nothing is said while somebody types.
    pub async fn answer(&mut self, wanted: NamesWanted) {
        let NamesWanted { kind, start, reply } = wanted;
        let console = &mut Console::new(true);
        let names = if kind == NameKind::Queries {
            let names = self.named().keys();
            names
                .filter(|name| name.starts_with(&start))
                .cloned()
                .collect()
        } else {
            self.series.names(&self.query, kind, &start, console).await
        };
        // Nobody waits any more after a while.
        let _ = reply.send(names);
    }

    /// The queries of the profile.
    pub fn named(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        let profile = self.query.connection.selected.as_ref();
        profile.map_or(&NONE, |profile| &profile.queries)
    }

    pub fn variables(&self) -> &Variables {
        &self.query.statement.variables
    }

    pub fn variables_mut(&mut self) -> &mut Variables {
        &mut self.query.statement.variables
    }

    pub fn is_global(&self) -> bool {
        self.query.global.global
    }

    pub fn is_quiet(&self) -> bool {
        self.query.run.quiet
    }
}

impl OutFile {
    pub fn create(path: PathBuf) -> Result<Self, Error> {
        match File::create(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(Error::Sink(crate::output::sink::SinkError::File {
                file: path,
                source,
            })),
        }
    }
}
