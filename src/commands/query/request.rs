//! The request of `query`: the plan, the output and the format; and how the output ends.

use std::path::Path;

use super::output::Output;
use crate::cli::query::{OnError, OutputArgs, QueryArgs};
use crate::commands::error::Error;
use crate::commands::setup;
use crate::exec::cancel::Interrupt;
use crate::exec::copy::ResultProtocol;
use crate::exec::driver::OnShardError;
use crate::exec::plan::{CheckFrequency, Consistency, Determinism, Plan, RowSecurity};
use crate::export::ExportTarget;
use crate::output::format::{Format, RenderOptions, Renderer};
use crate::output::sink::{Sink, SinkError};
use crate::sharding::statement::Statement;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;

pub(super) fn plan(args: &QueryArgs) -> Result<Plan, Error> {
    if args.output.delimiter.is_some() && args.output.format()? != Format::Csv {
        let reason = "--delimiter is for CSV; remove it, or add --csv";
        return Err(Error::Usage(reason.to_owned()));
    }
    let statement = Statement::given(args.sql.as_deref(), &args.command, args.file.as_deref())?;
    Ok(Plan {
        statement,
        search_path: args.shards.search_path.clone(),
        instant: if args.run.no_snapshot {
            Consistency::PerShard
        } else {
            Consistency::SharedSnapshot
        },
        pinned: Determinism::None,
        limits: args.limits.into(),
        transfer: ResultProtocol::SimpleQuery,
        check: CheckFrequency::Batches,
        row_security: match (args.run.row_security, args.global.global) {
            (true, _) => RowSecurity::Apply,
            (false, true) => RowSecurity::Fail,
            (false, false) => RowSecurity::Warn,
        },
        lock: Vec::new(),
    })
}

/// Opens the output. Signals are handled before a temporary file exists, so that it is always
/// removed; but only after a pipe is open, since opening one waits for its reader.
pub(super) fn open(args: &QueryArgs) -> Result<(Option<Sink>, Interrupt), Error> {
    if args
        .output
        .output
        .as_deref()
        .is_some_and(ExportTarget::is_stream_path)
    {
        return Ok((sink(args)?, setup::listen()?));
    }
    let interrupt = setup::listen()?;
    Ok((sink(args)?, interrupt))
}

fn sink(args: &QueryArgs) -> Result<Option<Sink>, Error> {
    if args.run.dry_run || args.global.explain {
        return Ok(None);
    }
    Ok(Some(match &args.output.output {
        Some(file) => Sink::file(file)?,
        None => Sink::stdout()?,
    }))
}

pub(super) fn renderer(args: &OutputArgs, format: Format) -> Renderer {
    Renderer::new(format, render_options(args))
}

pub(super) fn render_options(args: &OutputArgs) -> RenderOptions {
    RenderOptions {
        tuples_only: args.tuples_only,
        null: args.null.clone(),
        bigint_as_string: args.bigint_as_string,
        delimiter: args.delimiter.unwrap_or_default(),
        shard_column: !args.no_shard_column,
    }
}

pub(super) fn shard_column(args: &OutputArgs) -> Option<String> {
    (!args.no_shard_column).then(|| args.shard_column().to_owned())
}

pub(super) fn policy(on_error: OnError) -> OnShardError {
    match on_error {
        OnError::Continue => OnShardError::Continue,
        OnError::Stop => OnShardError::Stop,
    }
}

/// Reports that a file was not published.
pub(super) fn not_written(file: &Path, console: &mut Console) {
    console.error(&format!("{} was not written", file.display()));
}

/// Whether the reader received the end of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReaderEnd {
    ToTheEnd,
    /// The reader closed the pipe before.
    InPart,
}

/// Ends the result according to the exit status.
pub(super) async fn end(output: Output, exit: Exit) -> Result<ReaderEnd, Error> {
    let ended = match exit {
        Exit::Complete => output.publish().await,
        Exit::Incomplete => output.finish_partial().await,
        // Do not wait for a reader that may be pausing.
        Exit::Interrupted => {
            drop(output);
            Ok(())
        }
        Exit::Failed | Exit::Usage => output.abort().await,
    };
    match ended {
        Ok(()) => Ok(ReaderEnd::ToTheEnd),
        Err(SinkError::Closed) => Ok(ReaderEnd::InPart),
        Err(error) => Err(error.into()),
    }
}
