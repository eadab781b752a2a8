//! `shardq find --from FILE`: writes the rows of a CSV file with the shard of each key.

use std::sync::Arc;

use super::batch_report::Searched;
use super::batch_search::BatchSearch;
use super::lookup_plan;
use super::routing;
use super::scope::{LookupConnections, LookupRequest, SearchScope};
use crate::cli::find::FindArgs;
use crate::commands::attempt;
use crate::commands::databases;
use crate::commands::error::Error;
use crate::commands::setup;
use crate::commands::shard_lists::{self, StandardInput};
use crate::config::Settings;
use crate::exec::cancel::Interrupt;
use crate::find::batch::annotate::{self, Verification};
use crate::find::batch::input::{AddedColumns, Chunk, Input, InputFile};
use crate::find::batch::key_state::{KeyRule, ShardCount};
use crate::find::batch::keys::{ChunkKeys, Tally};
use crate::output::sink::{Sink, SinkError};
use crate::sharding::routing::rule::NoRoute;
use crate::sharding::selection::ShardFilter;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::text::humanize::ThousandsSeparated;

/// The input on its way to the output.
struct Batch<'a> {
    args: &'a FindArgs,
    input: Input,
    added: AddedColumns,
    /// What was read and not written yet: another attempt begins with it.
    held: Option<Chunk>,
    sink: Sink,
    /// Whether anything was written.
    is_begun: bool,
    is_closed: bool,
    tally: Tally,
}

pub async fn run(args: &FindArgs, file: InputFile) -> Result<Exit, Error> {
    let mut console = Console::new(args.quiet);
    let standard_input = if file.is_standard_input() {
        StandardInput::HoldsKeys
    } else {
        StandardInput::Free
    };
    let filter = shard_lists::filter(&args.select, standard_input)?;
    routing::key_rule(args, args.layout(), given(args))?;
    let servers = if args.no_verify {
        None
    } else {
        Some(databases::servers(&args.connection)?)
    };
    let added = match &servers {
        Some(servers) if servers.len() > 1 => AddedColumns::ServerAndShard,
        _ => AddedColumns::Shard,
    };
    let interrupt = setup::listen()?;
    let input = tokio::select! {
        input = Input::open(file, args.column.clone(), added) => input?,
        () = interrupt.requested() => return Ok(Exit::Interrupted),
    };
    let mut batch = Batch {
        args,
        input,
        added,
        held: None,
        sink: Sink::stdout()?,
        is_begun: false,
        is_closed: false,
        tally: Tally::default(),
    };
    let searched = match &servers {
        None => tokio::select! {
            computed = batch.compute() => computed.map(|()| Some(None)),
            () = interrupt.requested() => Ok(None),
        },
        Some(servers) => {
            let verified = batch.verify(filter, servers, &interrupt, &mut console);
            verified.await.map(|searched| searched.map(Some))
        }
    };
    let tally = batch.tally;
    let published = tokio::select! {
        published = batch.sink.publish() => published,
        () = interrupt.requested() => return Ok(Exit::Interrupted),
    };
    let Some(searched) = searched? else {
        return Ok(Exit::Interrupted);
    };
    let is_closed = matches!(published, Err(SinkError::Closed));
    if !is_closed {
        published?;
    }
    Ok(match searched {
        None => Exit::Complete,
        Some(searched) => searched.report(tally, is_closed, &mut console),
    })
}

/// The number of shards, where no server is asked.
fn given(args: &FindArgs) -> ShardCount {
    args.shard_count
        .map_or(ShardCount::NotGiven, ShardCount::Known)
}

impl Batch<'_> {
    async fn compute(&mut self) -> Result<(), Error> {
        let rule = routing::key_rule(self.args, self.args.layout(), given(self.args))?;
        self.begin().await;
        while !self.is_closed
            && let Some(keys) = self.next(&rule).await?
        {
            if let Some(key) = keys.of_server() {
                return Err(NoRoute::NeedsServer(key.kind()).into());
            }
            self.write(&keys).await;
        }
        Ok(())
    }

    /// `None` if interrupted.
    async fn verify(
        &mut self,
        filter: Arc<ShardFilter>,
        servers: &[Settings],
        interrupt: &Interrupt,
        console: &mut Console,
    ) -> Result<Option<Searched>, Error> {
        let args = self.args;
        let (limits, layout) = (args.limits.into(), args.layout());
        let plan = lookup_plan::plan(limits, layout, filter, &routing::any_key(args)?)?;
        let targets = super::targets(args, servers, &plan, interrupt, console);
        let Some(targets) = targets.await? else {
            return Ok(None);
        };
        let request = LookupRequest {
            targets: &targets,
            plan: &plan,
            preferred: &args.connection.prefer,
            connections: LookupConnections::AtOnce(args.connections),
            interrupt,
        };
        attempt::repeat(console, async |retry, console| {
            let search = async |scope: &SearchScope<'_>, console: &mut Console| {
                self.search(scope, console).await
            };
            match request.once(retry, console, search).await {
                // What was written cannot be taken back.
                Err(Error::Lookup(error)) if self.is_begun => Err(Error::LookupCutShort(error)),
                done => done,
            }
        })
        .await
    }

    /// All chunks at one snapshot per database.
    async fn search(
        &mut self,
        scope: &SearchScope<'_>,
        console: &mut Console,
    ) -> Result<Searched, Error> {
        scope.warn(console);
        let key = routing::any_key(self.args)?;
        let databases = scope.databases();
        let search = scope.search(&databases, &[], &key, self.args.shard_count)?;
        let shard_count = search.shard_count;
        let shard_count = shard_count.map_or(ShardCount::Unknown, ShardCount::Known);
        let rule = routing::key_rule(self.args, scope.plan.layout.clone(), shard_count)?;
        let called = format!("a key of {}", self.input.file());
        let mut searches = BatchSearch::new(search, &called);
        while !self.is_closed
            && let Some(mut keys) = self.next(&rule).await?
        {
            searches.chunk(&mut keys, &rule, console).await?;
            if let Some((column, key)) = searches.missing_column() {
                let lookup = search.of(key).lookup;
                let others = lookup_plan::others(lookup, scope.settings()?).await;
                return Err(Error::NoColumn { column, others });
            }
            self.begin().await;
            self.write(&keys).await;
            console.progress(&format!("{} keys", ThousandsSeparated(self.tally.rows)));
        }
        self.begin().await;
        let (coverage, unanswered) = searches.coverage().await;
        Ok(Searched {
            coverage,
            unanswered,
            location: scope.location(),
            snapshots: scope.snapshots(),
        })
    }

    /// The keys of the next chunk; `None` at the end.
    async fn next(&mut self, rule: &KeyRule) -> Result<Option<ChunkKeys>, Error> {
        if self.held.is_none() {
            self.held = self.input.next().await?;
        }
        let column = self.input.header().key_column;
        let keys = self
            .held
            .as_ref()
            .map(|chunk| ChunkKeys::new(chunk, column, rule, self.input.file()));
        Ok(keys.transpose()?)
    }

    /// Writes the header, once.
    async fn begin(&mut self) {
        if !self.is_begun {
            self.is_begun = true;
            let header = annotate::header(&self.input.header().record, self.added);
            self.is_closed |= !self.sink.write(header).await;
        }
    }

    /// Writes the chunk whose keys these are.
    async fn write(&mut self, keys: &ChunkKeys) {
        if let Some(chunk) = self.held.take() {
            keys.tally(&mut self.tally);
            let verification = if self.args.no_verify {
                Verification::Skipped
            } else {
                Verification::Done
            };
            let rows = chunk.rows.iter().zip(keys.rows());
            let rows = annotate::rows(rows, verification, self.added);
            self.is_closed |= !self.sink.write(rows).await;
        }
    }
}
