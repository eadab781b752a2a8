//! How the statements of `query` end: their output, their exit status, and what is known of the shards
//! then.

use std::path::Path;

use super::output::Output;
use super::request::Position;
use crate::commands::error::Error;
use crate::exec::cancel::Interrupt;
use crate::output::sink::SinkError;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;
use crate::terminal::exit_status::Exit;
use crate::terminal::pager::PagerError;
use crate::terminal::summary::{Location, Summary};

/// Whether the reader received the end of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderEnd {
    ToTheEnd,
    /// The reader closed the pipe before.
    InPart,
}

/// How a statement ended.
pub struct Ended {
    pub exit: Exit,
    pub reader: ReaderEnd,
    /// Where the results of further statements go; `None` if there can be none.
    pub(super) output: Option<Output>,
    /// `None` if it has no result.
    pub coverage: Option<Coverage>,
    /// The shards that failed.
    pub failed: Vec<Shard>,
}

/// How whole a result is, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    pub answered: usize,
    pub expected: usize,
    pub location: Location,
}

impl From<&Summary> for Coverage {
    fn from(summary: &Summary) -> Self {
        Self {
            answered: summary.extent.answered,
            expected: summary.extent.expected,
            location: summary.scope.location.clone(),
        }
    }
}

impl Ended {
    pub fn finally(exit: Exit) -> Self {
        Self {
            exit,
            reader: ReaderEnd::ToTheEnd,
            output: None,
            coverage: None,
            failed: Vec::new(),
        }
    }

    /// The reader closed the pipe.
    pub fn unread(exit: Exit) -> Self {
        Self {
            reader: ReaderEnd::InPart,
            ..Self::finally(exit)
        }
    }
}

/// Reports that a file was not published.
pub(super) fn not_written(file: &Path, console: &mut Console) {
    console.error(&format!("{} was not written", file.display()));
}

/// Shows the result in a pager if it needs one. `None` if interrupted.
pub(super) async fn page(
    output: &mut Output,
    exit: Exit,
    interrupt: &Interrupt,
) -> Option<Result<(), PagerError>> {
    if ![Exit::Complete, Exit::Incomplete].contains(&exit) {
        return Some(Ok(()));
    }
    tokio::select! {
        biased;
        shown = output.page(interrupt) => Some(shown),
        () = interrupt.requested() => None,
    }
}

/// Ends the result according to the exit status.
pub(super) async fn end(
    output: Output,
    exit: Exit,
    position: Position,
) -> Result<(ReaderEnd, Option<Output>), Error> {
    let may_go_on = match exit {
        Exit::Complete => true,
        // A file would not be published in any case.
        Exit::Incomplete => !output.is_file(),
        _ => false,
    };
    let ended = match exit {
        _ if may_go_on && !position.is_last() => output.checkpoint().await.map(Some),
        Exit::Complete => output.publish().await.map(|()| None),
        Exit::Incomplete => output.finish_partial().await.map(|()| None),
        // Do not wait for a reader that may be pausing.
        Exit::Interrupted => {
            drop(output);
            Ok(None)
        }
        Exit::Failed | Exit::Usage => output.abort().await.map(|()| None),
    };
    match ended {
        Ok(output) => Ok((ReaderEnd::ToTheEnd, output)),
        Err(SinkError::Closed) => Ok((ReaderEnd::InPart, None)),
        Err(error) => Err(error.into()),
    }
}
