//! Runs a statement as `shardq query` does.

use super::freeze;
use super::state::{Next, OutFile, State};
use crate::cli::query::{QueryArgs, ShardColumnArgs};
use crate::client::kept;
use crate::commands::error::Error;
use crate::commands::query::series::ReaderEnd;
use crate::sharding::script::Source;
use crate::terminal::exit_status::Exit;

/// Runs a statement with the shell's settings.
pub async fn run(state: &mut State, sql: String) -> Next {
    let args = state.query.clone();
    run_with(state, args, sql, None).await
}

/// Runs a statement with settings of its own. Its result goes to `file`, or else where those of the
/// shell go.
pub async fn run_with(
    state: &mut State,
    mut args: QueryArgs,
    sql: String,
    file: Option<&OutFile>,
) -> Next {
    if args.global.global {
        // It has no such column, and no flag about it.
        args.shard_column = ShardColumnArgs::default();
    }
    if let Err(reason) = freeze::check(state).await {
        state.console.error(&reason);
        return Next::Failed;
    }
    args.statement.sources = vec![Source::Text(sql.clone())];
    state.last = Some(sql);
    let file = match file.or(state.out.as_ref()).map(opened).transpose() {
        Ok(file) => file,
        Err(error) => {
            state.console.error(&error);
            return Next::Failed;
        }
    };
    let ran = Box::pin(state.series.run(&args, file, &mut state.console)).await;
    freeze::describe(state).await;
    match ran {
        Ok(ended) => {
            if ended.coverage.is_some() {
                state.coverage = ended.coverage;
            }
            state.failed = ended.failed;
            match ended.exit {
                // Nobody reads any more.
                _ if ended.reader == ReaderEnd::InPart => Next::Quit,
                Exit::Complete => Next::GoOn,
                Exit::Interrupted => {
                    state
                        .console
                        .error(&"interrupted; the statement was cancelled in all shards");
                    Next::Interrupted
                }
                Exit::Incomplete | Exit::Failed | Exit::Usage => {
                    if kept::have_lost_some() {
                        state.console.note(&AGAIN);
                    }
                    Next::Failed
                }
            }
        }
        Err(error) => {
            state.console.error(&error);
            if matches!(error, Error::Connect(_)) || error.is_transient() {
                state.console.note(&AGAIN);
            }
            Next::Failed
        }
    }
}

const AGAIN: &str = "\\g runs the statement again";

fn opened(out: &OutFile) -> Result<(std::path::PathBuf, std::fs::File), Error> {
    match out.file.try_clone() {
        Ok(file) => Ok((out.path.clone(), file)),
        Err(source) => Err(Error::Sink(crate::output::sink::SinkError::File {
            file: out.path.clone(),
            source,
        })),
    }
}
