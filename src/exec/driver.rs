//! Drives one run: starts the fan-out, writes the merged events to the output, and records every
//! shard's result.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::client::notices::Notices;
use crate::exec::cancel::Interrupt;
use crate::exec::databases::Databases;
use crate::exec::fanout::{DatabaseRun, Fanout, Session, ShardError, ShardEvent};
use crate::exec::merge::{Merge, MergeMode, MergedEvent};
use crate::exec::row_sink::{OutputClosed, RowSink};
use crate::exec::run_report::{RunReport, RunStatus};
use crate::exec::type_names::DatabaseTypes;
use crate::output::format::RenderError;
use crate::terminal::console::Console;

/// How often the progress line is updated and rows that do not fill a block are flushed.
pub(crate) const BEAT: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnShardError {
    Continue,
    Stop,
}

/// A run whose workers have started.
pub struct Run {
    fanout: Fanout,
    merge: Merge,
    databases: Databases,
    /// For a single statement over all shards: how many.
    over: Option<usize>,
    /// Notices from earlier parts of the run.
    notices: Notices,
}

impl Run {
    pub fn new(runs: Vec<DatabaseRun>, merge_mode: MergeMode) -> Self {
        let databases = Databases::of(&runs);
        let fanout = Fanout::start(runs);
        let merge = Merge::new(
            fanout.shards().to_vec(),
            fanout.types(),
            fanout.window(),
            merge_mode,
        );
        Self {
            fanout,
            merge,
            databases,
            over: None,
            notices: Notices::default(),
        }
    }

    /// Those of every database that was opened so far.
    pub fn types(&self) -> DatabaseTypes {
        self.fanout.types()
    }

    /// Marks the run as a single statement over this many shards.
    #[must_use]
    pub fn over(self, shards: usize) -> Self {
        Self {
            over: Some(shards),
            databases: self.databases.over_all_shards(),
            ..self
        }
    }

    /// Adds the notices of the partials that ran before.
    #[must_use]
    pub fn with_notices(self, notices: Notices) -> Self {
        Self { notices, ..self }
    }
}

/// The databases of a run all of whose shards were read, kept open for follow-up queries.
pub(crate) struct OpenDatabases {
    fanout: Fanout,
    pub databases: Databases,
}

impl OpenDatabases {
    /// A session per database at the run's snapshot, if one is left.
    pub async fn into_sessions(self) -> Vec<Option<Session>> {
        self.fanout.into_sessions().await
    }
}

/// Runs to the end. Afterwards nothing runs on the servers, however the run ended.
///
/// # Errors
/// The format cannot represent the result.
pub(crate) async fn drive(
    started: Run,
    output: &mut impl RowSink,
    console: &mut Console,
    interrupt: &Interrupt,
    policy: OnShardError,
) -> Result<RunReport, RenderError> {
    let (mut outcome, open) = drive_open(started, output, console, interrupt, policy).await?;
    if let Some(open) = open {
        let OpenDatabases { fanout, databases } = open;
        drop(fanout);
        outcome.explain(&databases, interrupt).await;
        databases.close().await;
    }
    Ok(outcome)
}

/// Like [`drive`], but keeps the databases open if the run completed.
///
/// # Errors
/// The format cannot represent the result.
pub(crate) async fn drive_open(
    started: Run,
    output: &mut impl RowSink,
    console: &mut Console,
    interrupt: &Interrupt,
    policy: OnShardError,
) -> Result<(RunReport, Option<OpenDatabases>), RenderError> {
    let Run {
        mut fanout,
        mut merge,
        databases,
        over,
        notices,
    } = started;
    let mut outcome = RunReport {
        notices,
        ..RunReport::new(fanout.shards().len())
    };
    // By the clock rather than after a pause: messages may arrive without one.
    let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + BEAT, BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let work = async {
        while !merge.is_complete() {
            tokio::select! {
                biased;
                () = interrupt.requested() => return Ok(RunStatus::Interrupted),
                _ = beat.tick() => {
                    // Flushing can block on a paused reader.
                    tokio::select! {
                        biased;
                        () = interrupt.requested() => return Ok(RunStatus::Interrupted),
                        flushed = output.flush() => if flushed.is_err() {
                            return Ok(RunStatus::OutputClosed);
                        },
                    }
                    let text = match over {
                        Some(shards) => progress_of_one(shards, console.elapsed(), &output.progress(&outcome)),
                        None => progress(merge.answered(), &outcome, output, &fanout),
                    };
                    console.progress(&text);
                }
                message = fanout.next() => match message {
                    Some(message) => merge.accept(message),
                    None => merge.close(&ShardError::NotAsked),
                },
            }
            while let Some(event) = merge.pop() {
                let taken = handle_event(event, &mut outcome, output, console, policy);
                tokio::select! {
                    biased;
                    () = interrupt.requested() => return Ok(RunStatus::Interrupted),
                    taken = taken => if let Some(status) = taken? {
                        return Ok(status);
                    },
                }
            }
        }
        Ok(RunStatus::Completed)
    };
    let status = work.await;
    console.clear();
    outcome.answers.sort_by_key(|(shard, _)| *shard);
    if let Ok(RunStatus::Completed) = status {
        outcome.collect_notices(&databases, over);
        let open = OpenDatabases { fanout, databases };
        return Ok((outcome, Some(open)));
    }
    fanout.stop().await;
    drop(fanout);
    if let Ok(RunStatus::Aborted) = status {
        outcome.explain(&databases, interrupt).await;
    }
    databases.close().await;
    outcome.collect_notices(&databases, over);
    outcome.status = status?;
    Ok((outcome, None))
}

/// Whether to retry the whole run, because this shard cannot be read at this snapshot any more.
fn should_retry(error: &ShardError, policy: OnShardError) -> bool {
    match error {
        error if error.needs_new_snapshot() => true,
        // Rows that were read cannot be rolled back. With `Continue`, other shards may still
        // complete.
        ShardError::Lost { rows: 1.., .. } => policy == OnShardError::Stop,
        _ => false,
    }
}

/// Acts on an event; the status, if the run ends with it.
async fn handle_event(
    event: MergedEvent,
    outcome: &mut RunReport,
    output: &mut impl RowSink,
    console: &mut Console,
    policy: OnShardError,
) -> Result<Option<RunStatus>, RenderError> {
    let (shard, event) = match event {
        MergedEvent::Columns(columns) => {
            output.begin(&columns)?;
            return Ok(None);
        }
        MergedEvent::Notice(text) => {
            console.note(&text);
            return Ok(None);
        }
        MergedEvent::Filtered(table) => {
            outcome.filtered.insert(table);
            return Ok(None);
        }
        MergedEvent::Shard(shard, event) => (shard, event),
    };
    match &event {
        ShardEvent::Columns(columns) => outcome.columns.add(shard, columns),
        ShardEvent::Finished(stats) => outcome.answers.push((shard, *stats)),
        ShardEvent::Failed(error) if output.is_untouched() && should_retry(error, policy) => {
            console.note(&format!("{shard}: {error}"));
            outcome.rewritten = error.clone().rewritten();
            return Ok(Some(RunStatus::Retry));
        }
        ShardEvent::Failed(error) => {
            outcome.answers.retain(|(answered, _)| *answered != shard);
            outcome.failures.add(shard, error.clone());
            if policy == OnShardError::Stop {
                return Ok(Some(RunStatus::Aborted));
            }
        }
        _ => {}
    }
    let accepted = output.accept(shard, event).await;
    Ok(accepted.err().map(|OutputClosed| RunStatus::OutputClosed))
}

/// `64/128 shards · 12,345 rows · shard_30 for 2.1 s`
fn progress(
    answered: usize,
    outcome: &RunReport,
    output: &impl RowSink,
    fanout: &Fanout,
) -> String {
    let mut text = format!(
        "{answered}/{} shards · {}",
        outcome.queried,
        output.progress(outcome)
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

/// `one statement over 128 shards for 2.1 s · 12,345 rows`
fn progress_of_one(shards: usize, elapsed: Duration, rest: &str) -> String {
    let plural = if shards == 1 { "" } else { "s" };
    format!(
        "one statement over {shards} shard{plural} for {:.1} s · {rest}",
        elapsed.as_secs_f64()
    )
}
