//! Statements that come one after the other, from a shell: each is a run of its own, like one of
//! `shardq query`, by the same steps.

use std::fs::File;
use std::path::PathBuf;

use super::frozen::Frozen;
use super::names::{self, NameKind};
use super::request::{self, Position, QueryRequest};
use super::{discover, global, statement};
use crate::cli::query::QueryArgs;
use crate::client::kept::Held;
use crate::commands::error::Error;
use crate::commands::federate::Via;
use crate::commands::{databases, setup};
use crate::config::Settings;
use crate::output::sink::Sink;
use crate::sharding::script::Source;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

pub use super::ended::{Coverage, Ended, ReaderEnd};

/// The settings by which all statements of a series connect.
pub struct Series {
    servers: Vec<Settings>,
    /// Where global statements run instead.
    via: Option<Via>,
    /// Statements before this one.
    count: usize,
    /// The snapshot of all statements, if they share one.
    pub frozen: Option<Frozen>,
}

impl Series {
    /// # Errors
    /// If the settings are not valid.
    pub fn new(args: &QueryArgs, console: &mut Console) -> Result<Self, Error> {
        let servers = databases::servers(&args.connection)?;
        let layout = &args.shards.layout;
        let via = Via::of(args.global.via.as_deref(), &args.connection, layout)?;
        setup::say_warnings(&servers, console);
        Ok(Self {
            servers,
            via,
            count: 0,
            frozen: None,
        })
    }

    pub fn servers(&self) -> &[Settings] {
        &self.servers
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
        let looked = self.look(args, async |request| {
            Box::pin(discover::discover(request, console)).await
        });
        looked.await
    }

    /// Takes the snapshot of all statements that follow. `None` if interrupted.
    ///
    /// # Errors
    /// If not all databases can be held at once.
    pub async fn freeze(
        &mut self,
        args: &QueryArgs,
        console: &mut Console,
    ) -> Result<Option<()>, Error> {
        let held = Held::one();
        let looked = self.look(args, async |request| {
            Box::pin(discover::hold(request, console)).await
        });
        let Some(prepared) = looked.await? else {
            return Ok(None);
        };
        self.frozen = Some(Frozen::new(prepared, held));
        Ok(Some(()))
    }

    /// Names that begin with `start`; none if nobody can tell.
    pub async fn names(
        &mut self,
        args: &QueryArgs,
        kind: NameKind,
        start: &str,
        console: &mut Console,
    ) -> Vec<String> {
        let columns = args.connection.key_kinds().columns();
        let looked = self.look(args, async |request| {
            let held = Box::pin(discover::hold(request, console)).await?;
            let Some(prepared) = held else {
                return Ok(None);
            };
            let names = names::names(&prepared, kind, start, &columns).await;
            prepared.close().await;
            Ok(Some(names))
        });
        looked.await.ok().flatten().unwrap_or_default()
    }

    /// Runs the steps before a statement, for what is done in place of one.
    async fn look<T>(
        &mut self,
        args: &QueryArgs,
        step: impl AsyncFnOnce(&QueryRequest<'_>) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let mut args = args.clone();
        args.global.global = false;
        args.statement.sources = vec![Source::Text("SELECT 1".to_owned())];
        let format = args.output.format()?;
        let plans = request::plans(&args, format)?;
        let interrupt = setup::listen()?;
        let (patterns, layout) = (&args.shards.layout.patterns.databases, args.shards.layout());
        let snapshots = args.connection.snapshots.as_ref();
        let targets = databases::targets(&self.servers, patterns, &layout, snapshots, &interrupt);
        let (Some(targets), Some(plan)) = (targets.await?, plans.first()) else {
            return Ok(None);
        };
        let request = QueryRequest {
            args: &args,
            format,
            targets: &targets,
            interrupt: &interrupt,
            plan,
            via: None,
            collected: None,
            position: self.position(),
        };
        let found = step(&request).await?;
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
    ) -> Result<Ended, Error> {
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
        let via = self.via.as_ref().filter(|_| args.global.global);
        let servers = via.map_or(&self.servers[..], |via| std::slice::from_ref(&via.hub));
        // Databases that match a pattern may have been created since.
        let snapshots = args.connection.snapshots.as_ref();
        let targets = databases::targets(servers, patterns, &layout, snapshots, &interrupt);
        let (Some(targets), Some(plan)) = (targets.await?, plans.first()) else {
            return Ok(Ended::finally(Exit::Interrupted));
        };
        let request = QueryRequest {
            args,
            format,
            targets: &targets,
            interrupt: &interrupt,
            plan,
            via,
            collected: None,
            position: self.position(),
        };
        let ended = Box::pin(statement(request, output, console)).await?;
        self.count += 1;
        Ok(ended)
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
