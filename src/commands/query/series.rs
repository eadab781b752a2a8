//! Statements that come one after the other, from a shell: each is a run of its own, like one of
//! `shardq query`, by the same steps.

use std::fs::File;
use std::path::PathBuf;

use super::request::{self, Position, QueryRequest};
use super::{global, per_shard, statement};
use crate::cli::query::QueryArgs;
use crate::commands::error::Error;
use crate::commands::federate::Via;
use crate::commands::{databases, setup};
use crate::config::Settings;
use crate::output::sink::Sink;
use crate::sharding::script::Source;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

pub use request::Coverage;

/// The settings by which all statements of a series connect.
pub struct Series {
    servers: Vec<Settings>,
    /// Statements before this one.
    count: usize,
}

/// How a statement ended.
pub struct EndedStatement {
    pub exit: Exit,
    /// `None` if it has no result.
    pub coverage: Option<Coverage>,
    /// The shards that failed.
    pub failed: Vec<Shard>,
}

impl Series {
    /// # Errors
    /// If the settings are not valid.
    pub fn new(args: &QueryArgs, console: &mut Console) -> Result<Self, Error> {
        let servers = databases::servers(&args.connection)?;
        setup::say_warnings(&servers, console);
        Ok(Self { servers, count: 0 })
    }

    pub fn servers(&self) -> &[Settings] {
        &self.servers
    }

    /// Only the servers of these names from now on.
    pub fn retain(&mut self, names: &[String]) {
        self.servers
            .retain(|server| names.contains(&server.server_name()));
    }

    /// Connects and finds the shards. `None` if interrupted.
    ///
    /// # Errors
    /// If no server can be reached, or there are no shards.
    pub async fn discover(
        &mut self,
        args: &QueryArgs,
        console: &mut Console,
    ) -> Result<Option<Coverage>, Error> {
        let mut args = args.clone();
        args.global.global = false;
        args.statement.sources = vec![Source::Text("SELECT 1".to_owned())];
        let format = args.output.format()?;
        let plans = request::plans(&args, format)?;
        let interrupt = setup::listen()?;
        let (patterns, layout) = (&args.shards.layout.patterns.databases, args.shards.layout());
        let targets = databases::targets(&self.servers, patterns, &layout, &interrupt);
        let (Some(targets), Some(plan)) = (targets.await?, plans.first()) else {
            return Ok(None);
        };
        let request = QueryRequest {
            args: &args,
            format,
            settings: &self.servers[0],
            targets: &targets,
            interrupt: &interrupt,
            plan,
            position: self.position(),
            via: None,
        };
        let found = Box::pin(per_shard::discover(&request, console)).await?;
        self.count += 1;
        Ok(found)
    }

    /// Runs the statement of `args`. Its result goes to `file`, or else where `args` says.
    ///
    /// # Errors
    /// Why it has no result.
    pub async fn run(
        &mut self,
        args: &QueryArgs,
        file: Option<(PathBuf, File)>,
        console: &mut Console,
    ) -> Result<EndedStatement, Error> {
        console.start_clock();
        if args.global.global {
            global::check(args)?;
        }
        let format = args.output.format()?;
        let plans = request::plans(args, format)?;
        let (mut output, interrupt) = request::open(args, format, console)?;
        if let Some((path, file)) = file {
            let mut to_file = args.clone();
            let sink = Sink::opened(&path, file)?;
            to_file.output.output = Some(path);
            output = output.map(|_| request::output_to(sink, &to_file, format, console));
        }
        let (patterns, layout) = (&args.shards.layout.patterns.databases, args.shards.layout());
        let via = Via::of(
            args.global.via.as_deref(),
            &args.connection,
            &args.shards.layout,
        )?;
        let hub = via.as_ref().map(|via| vec![via.hub.clone()]);
        let servers = hub.as_ref().unwrap_or(&self.servers);
        // Databases that match a pattern may have been created since.
        let targets = databases::targets(servers, patterns, &layout, &interrupt);
        let (Some(targets), Some(plan)) = (targets.await?, plans.first()) else {
            return Ok(EndedStatement {
                exit: Exit::Interrupted,
                coverage: None,
                failed: Vec::new(),
            });
        };
        let request = QueryRequest {
            args,
            format,
            settings: &servers[0],
            targets: &targets,
            interrupt: &interrupt,
            plan,
            position: self.position(),
            via: via.as_ref(),
        };
        let ended = statement(request, output, console).await?;
        self.count += 1;
        Ok(EndedStatement {
            exit: ended.exit,
            coverage: ended.coverage,
            failed: ended.failed,
        })
    }

    /// The first and only statement of an output. Of a series it is the first as long as the server
    /// has not answered any.
    fn position(&self) -> Position {
        Position {
            index: self.count,
            count: self.count + 1,
        }
    }
}
