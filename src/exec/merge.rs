//! Puts the workers' events into shard order, and checks that all shards have the same columns.
//!
//! A shard whose columns differ from those of the first one fails, because its rows mean something
//! else. Every shard is accounted for exactly once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::exec::fanout::{AttemptNumber, Message, ReadAhead, ShardError, ShardEvent, TaskIndex};
use crate::exec::plan::TableName;
use crate::exec::type_names::DatabaseTypes;
use crate::pg::row_batch::Column;
use crate::sharding::shard::Shard;

/// In the order of [`MergeMode`], except failures and notices, which come as soon as they are
/// known. A shard can fail after it was reported as finished.
#[derive(Debug)]
pub enum MergedEvent {
    /// The columns of the result. Once, before all rows.
    Columns(Vec<Column>),
    /// Never [`ShardEvent::Confirmed`]. [`ShardEvent::Columns`] comes before the shard's rows:
    /// its names and types are those of the result, its lengths and precisions need not be.
    Shard(Shard, ShardEvent),
    Notice(String),
    /// Row-level security may have hidden rows of this table.
    Filtered(TableName),
}

/// How events are ordered, and whether rows can be rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeMode {
    pub order: Order,
    pub restart: Restart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Order {
    /// One shard after another, by number
    #[default]
    Shard,
    /// As rows arrive, shards mixed
    Arrival,
}

/// Until when a shard can be read again and its rows rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Never: rows that were emitted stay.
    Never,
    WhileIncomplete,
}

impl MergeMode {
    /// Shards one after the other; rows that were emitted stay.
    pub const IN_ORDER: Self = Self {
        order: Order::Shard,
        restart: Restart::Never,
    };
}

#[derive(Debug)]
pub struct Merge {
    shards: Vec<Shard>,
    types: DatabaseTypes,
    window: Arc<ReadAhead>,
    mode: MergeMode,
    /// With [`Order::Shard`], the shard being emitted. With [`Order::Arrival`], how many have
    /// ended.
    current: TaskIndex,
    /// Events that cannot be emitted yet.
    waiting: BTreeMap<TaskIndex, VecDeque<(AttemptNumber, ShardEvent)>>,
    /// The columns that all shards must have, and the shard that they come from.
    reference: Option<(Shard, Vec<Column>)>,
    /// Has failed; its other events are ignored.
    failed: Vec<bool>,
    /// The latest attempt of each shard.
    attempts: Vec<AttemptNumber>,
    /// All its rows have arrived; they may be waiting for those of other shards.
    finished: Vec<bool>,
    /// All rows were emitted, or it failed.
    ended: Vec<bool>,
    /// The snapshot covers the tables that were read, or it failed.
    confirmed: Vec<bool>,
    unconfirmed: usize,
    ready: VecDeque<MergedEvent>,
}

impl Merge {
    pub fn new(
        shards: Vec<Shard>,
        types: DatabaseTypes,
        window: Arc<ReadAhead>,
        mode: MergeMode,
    ) -> Self {
        Self {
            failed: vec![false; shards.len()],
            finished: vec![false; shards.len()],
            ended: vec![false; shards.len()],
            confirmed: vec![false; shards.len()],
            unconfirmed: shards.len(),
            attempts: vec![0; shards.len()],
            shards,
            types,
            window,
            mode,
            current: 0,
            waiting: BTreeMap::new(),
            reference: None,
            ready: VecDeque::new(),
        }
    }

    /// Whether every shard has ended and can no longer fail.
    pub fn is_complete(&self) -> bool {
        self.current == self.shards.len() && self.ready.is_empty() && self.unconfirmed == 0
    }

    /// How many shards have finished or failed, whether or not their rows were emitted.
    pub fn answered(&self) -> usize {
        let shards = self.finished.iter().zip(&self.failed);
        shards
            .filter(|(finished, failed)| **finished || **failed)
            .count()
    }

    /// The next event that can be emitted.
    pub fn pop(&mut self) -> Option<MergedEvent> {
        self.ready.pop_front()
    }

    pub fn accept(&mut self, message: Message) {
        match message {
            Message::Notice(text) => self.ready.push_back(MergedEvent::Notice(text)),
            Message::Filtered(table) => self.ready.push_back(MergedEvent::Filtered(table)),
            Message::Shard {
                index,
                attempt,
                event,
            } => {
                if let ShardEvent::Confirmed = &event {
                    self.confirm(index);
                    return;
                }
                if let ShardEvent::Failed(error) = &event {
                    self.fail(index, error.clone());
                    // All its rows were emitted before they turned out not to be the snapshot's.
                    if self.ended[index] {
                        return;
                    }
                }
                // Anything else is of another attempt.
                self.finished[index] = matches!(event, ShardEvent::Finished(_));
                let waiting = self.waiting.entry(index).or_default();
                waiting.push_back((attempt, event));
            }
        }
        while let Some((index, attempt, event)) = self.due() {
            self.pass(index, attempt, event);
        }
    }

    /// The next event that can be emitted now.
    fn due(&mut self) -> Option<(TaskIndex, AttemptNumber, ShardEvent)> {
        let index = match (self.mode.order, &self.reference) {
            (Order::Shard, _) => self.current,
            (Order::Arrival, Some(_)) => *self.waiting.first_key_value()?.0,
            // The lowest shard sets the reference columns, not the fastest.
            (Order::Arrival, None) => self.ended.iter().position(|ended| !ended)?,
        };
        let waiting = self.waiting.get_mut(&index)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&index);
        }
        next.map(|(attempt, event)| (index, attempt, event))
    }

    /// No more messages will come: every shard that has not ended fails, so that none is lost
    /// silently.
    pub fn close(&mut self, error: &ShardError) {
        for index in 0..self.shards.len() {
            if !self.ended[index] || !self.confirmed[index] {
                self.fail(index, error.clone());
                self.advance(index);
            }
        }
    }

    fn confirm(&mut self, index: TaskIndex) {
        if !std::mem::replace(&mut self.confirmed[index], true) {
            self.unconfirmed -= 1;
        }
    }

    fn fail(&mut self, index: TaskIndex, error: ShardError) {
        self.confirm(index);
        if !std::mem::replace(&mut self.failed[index], true) {
            self.emit(self.shards[index], ShardEvent::Failed(error));
        }
    }

    /// Emits an event of a shard that is due.
    fn pass(&mut self, index: TaskIndex, attempt: AttemptNumber, event: ShardEvent) {
        let failed = self.failed[index];
        let shard = self.shards[index];
        let again = attempt > std::mem::replace(&mut self.attempts[index], attempt);
        if again && !failed && self.mode.restart == Restart::WhileIncomplete {
            self.emit(shard, ShardEvent::RolledBack);
        }
        match event {
            ShardEvent::Columns(columns) => {
                if !failed && let Err(error) = self.check(shard, columns) {
                    self.fail(index, error);
                }
            }
            ShardEvent::Rows(_) | ShardEvent::CopyData(_) => {
                if self.release(index, attempt, event.bytes()) && !failed {
                    self.emit(shard, event);
                }
            }
            ShardEvent::Finished(_) => {
                if !failed {
                    self.emit(shard, event);
                }
                self.advance(index);
            }
            // Already reported on arrival.
            ShardEvent::Failed(_) => self.advance(index),
            ShardEvent::Confirmed | ShardEvent::RolledBack => {}
        }
    }

    fn emit(&mut self, shard: Shard, event: ShardEvent) {
        self.ready.push_back(MergedEvent::Shard(shard, event));
    }

    /// Frees read-ahead. Returns `false` for bytes of an attempt that was given up.
    fn release(&self, index: TaskIndex, attempt: AttemptNumber, bytes: usize) -> bool {
        let valid = self.window.release(index, attempt, bytes);
        if valid && self.mode.restart == Restart::Never {
            self.window.mark_emitted(index);
        }
        valid
    }

    fn advance(&mut self, index: TaskIndex) {
        if std::mem::replace(&mut self.ended[index], true) {
            return;
        }
        self.current += 1;
        if self.mode.order == Order::Shard {
            self.waiting.remove(&index);
            self.window.advance(self.current);
        }
    }

    /// Compares a shard's columns with the reference, or makes them the reference.
    fn check(&mut self, shard: Shard, columns: Vec<Column>) -> Result<(), ShardError> {
        let Some((reference, expected)) = &self.reference else {
            self.ready.push_back(MergedEvent::Columns(columns.clone()));
            self.emit(shard, ShardEvent::Columns(columns.clone()));
            self.reference = Some((shard, columns));
            return Ok(());
        };
        let disagrees = |found: String, expected: String| ShardError::Disagrees {
            found,
            expected,
            reference: reference.to_string(),
        };
        for (number, (found, expected)) in columns.iter().zip(expected).enumerate() {
            let number = number + 1;
            if found.name != expected.name {
                return Err(disagrees(
                    format!("column {number} is \"{}\"", found.name),
                    format!("it is \"{}\"", expected.name),
                ));
            }
            if !self
                .types
                .agree((shard, found.type_oid), (*reference, expected.type_oid))
            {
                return Err(disagrees(
                    format!(
                        "column {number} \"{}\" is {}",
                        found.name,
                        self.types.name(shard, found.type_oid)
                    ),
                    format!("it is {}", self.types.name(*reference, expected.type_oid)),
                ));
            }
        }
        if columns.len() != expected.len() {
            return Err(disagrees(
                format!("the result has {} columns", columns.len()),
                format!("it has {}", expected.len()),
            ));
        }
        self.emit(shard, ShardEvent::Columns(columns));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
