//! Runs the partial statement in every shard and collects the results.

use tokio::time::MissedTickBehavior;
use tokio_postgres::error::SqlState;

use crate::exec::cancel::Interrupt;
use crate::exec::driver::BEAT;
use crate::exec::fanout::{DatabaseRun, Fanout, Session, ShardError, ShardEvent, ShardStats};
use crate::exec::merge::{Merge, MergeMode, MergedEvent};
use crate::exec::plan::TableName;
use crate::global::partial::final_statement::{CannotCombine, Parts};
use crate::global::partial::in_parts::PartialPlan;
use crate::sharding::shard::Shard;
use crate::terminal::console::Console;

/// The outcome.
pub enum GatherResult {
    Complete(Box<All>),
    /// A single statement may still answer.
    Fallback(String),
    /// A single statement would wait for the same lock, or for as long.
    TimedOut(Shard, ShardError),
    /// The snapshot is lost, or does not cover these tables.
    Retry(Vec<TableName>),
    Interrupted,
}

/// The partial results of all shards.
pub struct All {
    pub parts: Parts,
    pub answers: Vec<(Shard, ShardStats)>,
    /// In the first database, at its snapshot.
    pub session: Session,
}

/// Runs the partials. Unless it returns `Complete`, nothing runs on the servers afterwards.
pub async fn gather(
    partial_plan: &PartialPlan,
    runs: Vec<DatabaseRun>,
    interrupt: &Interrupt,
    console: &mut Console,
) -> GatherResult {
    let shards = partial_plan.catalog.shards.clone();
    let mut parts = partial_plan.parts.clone();
    let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + BEAT, BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut fanout = Fanout::start(runs);
    let mut merge = Merge::new(shards, fanout.types(), fanout.window(), MergeMode::IN_ORDER);
    let mut answers = Vec::new();
    // Rows in the tables of these shards, if that matters.
    let mut read = 0.0;
    while !merge.is_complete() {
        tokio::select! {
            biased;
            () = interrupt.requested() => {
                fanout.stop().await;
                return GatherResult::Interrupted;
            }
            _ = beat.tick() => {
                let expected = partial_plan.catalog.shards.len();
                console.progress(&format!("partial results of {}/{expected} shards", answers.len()));
            }
            message = fanout.next() => match message {
                Some(message) => merge.accept(message),
                None => merge.close(&ShardError::NotAsked),
            },
        }
        while let Some(event) = merge.pop() {
            let (shard, event) = match event {
                MergedEvent::Shard(shard, event) => (shard, event),
                MergedEvent::Notice(text) => {
                    console.note(&text);
                    continue;
                }
                MergedEvent::Columns(_) | MergedEvent::Filtered(_) => continue,
            };
            let ended = match event {
                ShardEvent::Rows(rows) => match parts.add(&rows) {
                    Ok(()) => continue,
                    Err(unfit) => GatherResult::Fallback(unfit.to_string()),
                },
                ShardEvent::Finished(stats) => {
                    answers.push((shard, stats));
                    read += partial_plan.shares.rows_of(shard);
                    if !parts.are_likely_too_large(&partial_plan.shares, read) {
                        continue;
                    }
                    GatherResult::Fallback(CannotCombine::TooLarge.to_string())
                }
                ShardEvent::Failed(error) if is_timeout(&error) => {
                    GatherResult::TimedOut(shard, error)
                }
                ShardEvent::Failed(error) if error.needs_new_snapshot() || is_lost(&error) => {
                    console.clear();
                    console.note(&format!("{shard}: {error}"));
                    GatherResult::Retry(error.rewritten())
                }
                ShardEvent::Failed(error) => GatherResult::Fallback(format!("{shard}: {error}")),
                // In shard order, nothing is rolled back.
                _ => continue,
            };
            console.clear();
            fanout.stop().await;
            return ended;
        }
    }
    console.clear();
    match fanout.into_sessions().await.into_iter().next().flatten() {
        Some(session) => GatherResult::Complete(Box::new(All {
            parts,
            answers,
            session,
        })),
        None => GatherResult::Retry(Vec::new()),
    }
}

/// Whether the connections to the snapshot were lost, so that a retry may succeed.
fn is_lost(error: &ShardError) -> bool {
    matches!(
        error,
        ShardError::Lost { .. } | ShardError::NotReplaced { .. }
    )
}

fn is_timeout(error: &ShardError) -> bool {
    let ShardError::Server(report) = error else {
        return false;
    };
    [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED].contains(&report.code)
}
