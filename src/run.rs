//! One run, from the first message to the last: drives the fan-out, puts what
//! comes into order and out, and keeps the books on every shard.

use std::fmt::Write as _;
use std::time::Duration;

use crate::console::Console;
use crate::failures::Failures;
use crate::fanout::{Answer, Fanout, ShardError, Survey};
use crate::footer::Grouped;
use crate::interrupt::Interrupt;
use crate::merge::{Merge, Piece};
use crate::output::{Output, WriterFailed};
use crate::plan::Plan;
use crate::render::RenderError;
use crate::server::{Server, Spare};
use crate::shard::Shard;

/// How often the progress line moves, and at the latest a reader gets rows that
/// do not fill a block.
const BEAT: Duration = Duration::from_millis(100);

/// What to do about a shard that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Continue,
    Stop,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every shard was heard.
    Heard,
    /// At the first failure, as asked.
    Stopped,
    Interrupted,
    /// The sink takes no more.
    WriterFailed,
    /// The snapshot is gone, and nobody has seen any of the result: the run can
    /// be had again at another.
    SnapshotLost,
}

/// The books of a run.
#[derive(Debug)]
pub struct Outcome {
    pub ending: Ending,
    pub asked: usize,
    pub answers: Vec<(Shard, Answer)>,
    pub failures: Failures,
}

/// A run whose lanes are going.
pub struct Started {
    fanout: Fanout,
    merge: Merge,
    server: Server,
}

impl Started {
    pub fn new(
        plan: &Plan,
        shards: Vec<Shard>,
        survey: Survey,
        server: Server,
        spares: Vec<Spare>,
    ) -> Self {
        let types = survey.types.clone();
        let fanout = Fanout::start(plan.clone(), shards.clone(), server.clone(), survey, spares);
        let merge = Merge::new(shards, types, fanout.window());
        Self {
            fanout,
            merge,
            server,
        }
    }
}

/// Runs to the end. Whatever the ending, nothing runs on the server afterwards.
///
/// # Errors
/// If the format cannot express the result.
pub async fn drive(
    started: Started,
    output: &mut Output,
    console: &mut Console,
    interrupt: &Interrupt,
    policy: Policy,
) -> Result<Outcome, RenderError> {
    let Started {
        mut fanout,
        mut merge,
        server,
    } = started;
    let mut outcome = Outcome {
        ending: Ending::Heard,
        asked: fanout.shards().len(),
        answers: Vec::with_capacity(fanout.shards().len()),
        failures: Failures::default(),
    };
    let work = async {
        while !merge.is_complete() {
            tokio::select! {
                biased;
                () = interrupt.requested() => return Ok(Ending::Interrupted),
                message = fanout.next() => match message {
                    Some(message) => merge.accept(message),
                    None => merge.close(&ShardError::NotAsked),
                },
                () = tokio::time::sleep(BEAT) => {
                    if output.flush().await.is_err() {
                        return Ok(Ending::WriterFailed);
                    }
                    console.progress(&progress(&outcome, output, &fanout));
                }
            }
            while let Some(piece) = merge.pop() {
                let taken = take(piece, &mut outcome, output, console, policy);
                tokio::select! {
                    biased;
                    () = interrupt.requested() => return Ok(Ending::Interrupted),
                    taken = taken => if let Some(ending) = taken? {
                        return Ok(ending);
                    },
                }
            }
        }
        Ok(Ending::Heard)
    };
    let ending = work.await;
    console.clear();
    if !matches!(ending, Ok(Ending::Heard)) {
        fanout.stop().await;
    }
    drop(fanout);
    server.close().await;
    outcome.ending = ending?;
    Ok(outcome)
}

/// Does what a piece asks for; an ending, if it brings one.
async fn take(
    piece: Piece,
    outcome: &mut Outcome,
    output: &mut Output,
    console: &mut Console,
    policy: Policy,
) -> Result<Option<Ending>, RenderError> {
    match piece {
        Piece::Columns(columns) => output.begin(&columns)?,
        Piece::Rows(shard, rows) => {
            if let Err(WriterFailed) = output.rows(shard, &rows).await {
                return Ok(Some(Ending::WriterFailed));
            }
        }
        Piece::Answered(shard, answer) => outcome.answers.push((shard, answer)),
        Piece::Failed(_, error @ ShardError::SnapshotLost { .. }) if output.is_untouched() => {
            console.note(&error);
            return Ok(Some(Ending::SnapshotLost));
        }
        Piece::Failed(shard, error) => {
            outcome.failures.add(shard, error);
            if policy == Policy::Stop {
                return Ok(Some(Ending::Stopped));
            }
        }
        Piece::Notice(text) => console.note(&text),
    }
    Ok(None)
}

/// `64/128 shards · 12,345 rows · shard_30 for 2.1 s`
fn progress(outcome: &Outcome, output: &Output, fanout: &Fanout) -> String {
    let done = outcome.answers.len() + outcome.failures.shards();
    let mut text = format!(
        "{done}/{} shards · {} rows",
        outcome.asked,
        Grouped(output.rows_so_far())
    );
    if let Some((shard, since)) = fanout.slowest() {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            " · {shard} for {:.1} s",
            since.elapsed().as_secs_f64()
        );
    }
    text
}
