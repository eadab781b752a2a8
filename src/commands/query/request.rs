//! The request of `query`: the plan, the output and the format; and how the output ends.

use std::fmt;
use std::sync::Arc;

use super::lead_columns::LeadColumns;
use super::output::{self, Output, ScreenOptions};
use crate::cli::query::{OnError, QueryArgs};
use crate::commands::databases::Targets;
use crate::commands::error::Error;
use crate::commands::federate::Via;
use crate::commands::keys;
use crate::commands::session_setup::ConnectRetry;
use crate::commands::setup;
use crate::exec::cancel::Interrupt;
use crate::exec::copy::ResultProtocol;
use crate::exec::driver::OnShardError;
use crate::exec::plan::{CheckFrequency, Consistency, Determinism, Plan, RowSecurity};
use crate::export::ExportTarget;
use crate::output::format::{CollectedRows, Format, RenderOptions, Renderer};
use crate::output::sink::Sink;
use crate::sharding::script;
use crate::sharding::selection::ShardFilter;
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;

pub(super) const NEW_SNAPSHOT: &str = "nothing printed yet: retrying at a new snapshot";

/// One of the statements of a run, and what all of them share.
#[derive(Clone, Copy)]
pub(super) struct QueryRequest<'a> {
    pub args: &'a QueryArgs,
    pub format: Format,
    pub targets: &'a Targets,
    pub interrupt: &'a Interrupt,
    pub plan: &'a Plan,
    pub position: Position,
    /// The hub that answers.
    pub via: Option<&'a Via>,
    /// Where rows are kept, if a command looks at them rather than prints them.
    pub collected: Option<&'a CollectedRows>,
}

impl QueryRequest<'_> {
    pub fn renderer(&self) -> Renderer {
        match self.collected {
            Some(rows) => Renderer::Collected(rows.clone()),
            None => renderer(self.args, self.format),
        }
    }
}

/// The place of a statement among those of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub index: usize,
    pub count: usize,
}

impl Position {
    pub fn is_first(self) -> bool {
        self.index == 0
    }

    pub fn is_last(self) -> bool {
        self.index + 1 == self.count
    }
}

/// Why the statements after it did not run.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, count } = self;
        write!(
            f,
            "stopped at statement {} of {count}; the rest did not run",
            index + 1
        )
    }
}

/// One plan per statement, in order.
pub(super) fn plans(args: &QueryArgs, format: Format) -> Result<Vec<Plan>, Error> {
    if args.output.delimiter.is_some() && format != Format::Csv {
        let reason = "--delimiter is for CSV; remove it, or add --csv";
        return Err(Error::Usage(reason.to_owned()));
    }
    let filter = keys::filter(&args.shards, &args.statement)?;
    let statements = script::statements(&args.statement.sources, &args.statement.variables)?;
    if statements.len() > 1 && format == Format::Json {
        return Err(Error::Usage(format!(
            "--json writes one array, but {} statements give one result each; use --jsonl, or run \
             them separately",
            statements.len()
        )));
    }
    Ok(statements
        .into_iter()
        .map(|statement| plan(args, statement, Arc::clone(&filter)))
        .collect())
}

fn plan(args: &QueryArgs, statement: Statement, filter: Arc<ShardFilter>) -> Plan {
    Plan {
        statement,
        layout: args.shards.layout(),
        filter,
        search_path: args.shards.search_path(),
        instant: if args.run.no_snapshot {
            Consistency::PerShard
        } else {
            Consistency::SharedSnapshot
        },
        max_skew: args.run.max_skew(),
        pinned: Determinism::None,
        limits: args.limits.into(),
        transfer: ResultProtocol::SimpleQuery,
        check: CheckFrequency::Batches,
        row_security: match (args.run.row_security, args.global.global) {
            (true, _) => RowSecurity::Apply,
            (false, true) => RowSecurity::Fail,
            (false, false) => RowSecurity::Warn,
        },
        snapshot: None,
        lock: Vec::new(),
    }
}

/// Opens the output. Signals are handled before a temporary file exists, so that it is always
/// removed; but only after a pipe is open, since opening one waits for its reader.
pub(super) fn open(
    args: &QueryArgs,
    format: Format,
    console: &Console,
) -> Result<(Option<Output>, Interrupt), Error> {
    if args.output.file().is_some_and(ExportTarget::is_stream_path) {
        return Ok((output(args, format, console)?, setup::listen()?));
    }
    let interrupt = setup::listen()?;
    Ok((output(args, format, console)?, interrupt))
}

/// `None` if nothing is to be run.
fn output(args: &QueryArgs, format: Format, console: &Console) -> Result<Option<Output>, Error> {
    if args.run.dry_run || args.global.explain {
        return Ok(None);
    }
    let sink = match args.output.file() {
        Some(file) => Sink::file(file)?,
        None => Sink::stdout()?,
    };
    Ok(Some(output_to(sink, args, format, console)))
}

pub(super) fn output_to(sink: Sink, args: &QueryArgs, format: Format, console: &Console) -> Output {
    let shard_column = args.shard_column.name().filter(|_| !args.global.global);
    Output::new(
        renderer(args, format),
        LeadColumns::of_shard(shard_column.map(str::to_owned)),
        sink,
        console.progress_line(),
        ScreenOptions::of(&args.output),
    )
}

fn renderer(args: &QueryArgs, format: Format) -> Renderer {
    let shard_column = args.shard_column.name().filter(|_| !args.global.global);
    let options = RenderOptions {
        shard_column: shard_column.is_some(),
        ..output::render_options(&args.output)
    };
    Renderer::new(format, options)
}

/// The server has answered the statement before.
pub(super) fn connect_retry(request: &QueryRequest<'_>) -> ConnectRetry {
    if request.position.is_first() {
        ConnectRetry::FailFast
    } else {
        ConnectRetry::ServerRestarting
    }
}

pub(super) fn policy(on_error: OnError) -> OnShardError {
    match on_error {
        OnError::Continue => OnShardError::Continue,
        OnError::Stop => OnShardError::Stop,
    }
}
