//! Puts the shards in order, and sees that they agree on their columns.
//!
//! Takes the lanes' messages as they come and gives them out shard by shard. A
//! shard whose columns are not those of the first that answered fails: its rows
//! mean something else. Every shard is accounted for exactly once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::exec::copy::CopyChunk;
use crate::exec::fanout::{
    AttemptNumber, Event, Message, ReadAhead, ShardError, ShardStats, TaskIndex,
};
use crate::exec::plan::TableName;
use crate::exec::type_names::TypeNames;
use crate::pg::row_batch::{Column, Rows};
use crate::sharding::shard::Shard;

/// What comes out, in shard order but for failures and notices, which come as
/// soon as they are known. A shard can fail after it has answered.
#[derive(Debug)]
pub enum MergedEvent {
    /// Once, before all rows.
    Columns(Vec<Column>),
    /// What a shard declares its columns as, before its rows: their names and types are
    /// those of [`MergedEvent::Columns`], their lengths and precisions need not be.
    Declared(Shard, Vec<Column>),
    Rows(Shard, Rows),
    Lines(Shard, CopyChunk),
    Answered(Shard, ShardStats),
    /// It is asked again: what came of it is void.
    RolledBack(Shard),
    Failed(Shard, ShardError),
    Notice(String),
    /// Row-level security may have hidden rows of this table.
    Filtered(TableName),
}

/// How shards' rows come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeMode {
    pub order: Order,
    pub recall: Restart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Order {
    /// One shard after another, by number
    #[default]
    Shard,
    /// As rows arrive, shards mixed
    Arrival,
}

/// Until when a shard can be asked again, and what came of it be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// What is out is out.
    Never,
    WhileIncomplete,
}

impl MergeMode {
    /// One shard after the other, and what is out is out.
    pub const IN_ORDER: Self = Self {
        order: Order::Shard,
        recall: Restart::Never,
    };
}

/// The state between two messages.
#[derive(Debug)]
pub struct Merge {
    shards: Vec<Shard>,
    types: TypeNames,
    window: Arc<ReadAhead>,
    delivery: MergeMode,
    /// By shard: the one whose pieces go out now. By arrival: how many have ended.
    current: TaskIndex,
    /// What came of later shards.
    waiting: BTreeMap<TaskIndex, VecDeque<(AttemptNumber, Event)>>,
    /// The columns all must have, and whose they are.
    reference: Option<(Shard, Vec<Column>)>,
    /// Ended with an error already; what else comes of them is void.
    failed: Vec<bool>,
    /// The latest try of each shard.
    attempts: Vec<AttemptNumber>,
    /// All rows are here, or it failed.
    ended: Vec<bool>,
    /// And the snapshot covers the tables that were read, or it failed.
    confirmed: Vec<bool>,
    unconfirmed: usize,
    ready: VecDeque<MergedEvent>,
}

impl Merge {
    pub fn new(
        shards: Vec<Shard>,
        types: TypeNames,
        window: Arc<ReadAhead>,
        delivery: MergeMode,
    ) -> Self {
        Self {
            failed: vec![false; shards.len()],
            ended: vec![false; shards.len()],
            confirmed: vec![false; shards.len()],
            unconfirmed: shards.len(),
            attempts: vec![0; shards.len()],
            shards,
            types,
            window,
            delivery,
            current: 0,
            waiting: BTreeMap::new(),
            reference: None,
            ready: VecDeque::new(),
        }
    }

    /// Whether every shard has ended, and will not fail any more.
    pub fn is_complete(&self) -> bool {
        self.current == self.shards.len() && self.ready.is_empty() && self.unconfirmed == 0
    }

    /// The next piece that can go out.
    pub fn pop(&mut self) -> Option<MergedEvent> {
        self.ready.pop_front()
    }

    pub fn accept(&mut self, message: Message) {
        match message {
            Message::Notice(text) => self.ready.push_back(MergedEvent::Notice(text)),
            Message::Filtered(table) => self.ready.push_back(MergedEvent::Filtered(table)),
            Message::Shard {
                place,
                attempt,
                event,
            } => {
                if let Event::Confirmed = &event {
                    self.confirm(place);
                    return;
                }
                if let Event::Failed(error) = &event {
                    self.fail(place, error.clone());
                    // Its rows had all been read, and turned out not to be the snapshot's.
                    if self.ended[place] {
                        return;
                    }
                }
                let waiting = self.waiting.entry(place).or_default();
                waiting.push_back((attempt, event));
            }
        }
        while let Some((place, attempt, event)) = self.due() {
            self.pass(place, attempt, event);
        }
    }

    /// What can go out now.
    fn due(&mut self) -> Option<(TaskIndex, AttemptNumber, Event)> {
        let place = match (self.delivery.order, &self.reference) {
            (Order::Shard, _) => self.current,
            (Order::Arrival, Some(_)) => *self.waiting.first_key_value()?.0,
            // Which columns all must have is not for the quickest to say.
            (Order::Arrival, None) => self.ended.iter().position(|ended| !ended)?,
        };
        let waiting = self.waiting.get_mut(&place)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&place);
        }
        next.map(|(attempt, event)| (place, attempt, event))
    }

    /// No more messages come: what has no end gets one, so that no shard vanishes.
    pub fn close(&mut self, error: &ShardError) {
        for place in 0..self.shards.len() {
            if !self.ended[place] || !self.confirmed[place] {
                self.fail(place, error.clone());
                self.advance(place);
            }
        }
    }

    fn confirm(&mut self, place: TaskIndex) {
        if !std::mem::replace(&mut self.confirmed[place], true) {
            self.unconfirmed -= 1;
        }
    }

    fn fail(&mut self, place: TaskIndex, error: ShardError) {
        self.confirm(place);
        if !std::mem::replace(&mut self.failed[place], true) {
            self.ready
                .push_back(MergedEvent::Failed(self.shards[place], error));
        }
    }

    /// An event of a shard whose turn it is to go out.
    fn pass(&mut self, place: TaskIndex, attempt: AttemptNumber, event: Event) {
        let failed = self.failed[place];
        let shard = self.shards[place];
        let again = attempt > std::mem::replace(&mut self.attempts[place], attempt);
        if again && !failed && self.delivery.recall == Restart::WhileIncomplete {
            self.ready.push_back(MergedEvent::RolledBack(shard));
        }
        match event {
            Event::Columns(columns) => {
                if !failed && let Err(error) = self.check(shard, columns) {
                    self.fail(place, error);
                }
            }
            Event::Rows(rows) => {
                if self.release(place, attempt, rows.bytes()) && !failed {
                    self.ready.push_back(MergedEvent::Rows(shard, rows));
                }
            }
            Event::Lines(lines) => {
                if self.release(place, attempt, lines.text.len()) && !failed {
                    self.ready.push_back(MergedEvent::Lines(shard, lines));
                }
            }
            Event::Answered(answer) => {
                if !failed {
                    self.ready.push_back(MergedEvent::Answered(shard, answer));
                }
                self.advance(place);
            }
            // It was reported when it came.
            Event::Failed(_) => self.advance(place),
            Event::Confirmed => {}
        }
    }

    /// Whether these bytes of a shard count: they may be of a try that was given up.
    fn release(&self, place: TaskIndex, attempt: AttemptNumber, bytes: usize) -> bool {
        let valid = self.window.release(place, attempt, bytes);
        if valid && self.delivery.recall == Restart::Never {
            self.window.mark_emitted(place);
        }
        valid
    }

    fn advance(&mut self, place: TaskIndex) {
        if std::mem::replace(&mut self.ended[place], true) {
            return;
        }
        self.current += 1;
        if self.delivery.order == Order::Shard {
            self.waiting.remove(&place);
            self.window.advance(self.current);
        }
    }

    /// Compares a shard's columns with the reference, or makes them it.
    fn check(&mut self, shard: Shard, columns: Vec<Column>) -> Result<(), ShardError> {
        let Some((reference, expected)) = &self.reference else {
            self.ready.push_back(MergedEvent::Columns(columns.clone()));
            self.ready
                .push_back(MergedEvent::Declared(shard, columns.clone()));
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
            if !self.types.agree(found.type_oid, expected.type_oid) {
                return Err(disagrees(
                    format!(
                        "column {number} \"{}\" is {}",
                        found.name,
                        self.types.name(found.type_oid)
                    ),
                    format!("it is {}", self.types.name(expected.type_oid)),
                ));
            }
        }
        if columns.len() != expected.len() {
            return Err(disagrees(
                format!("the result has {} columns", columns.len()),
                format!("it has {}", expected.len()),
            ));
        }
        self.ready.push_back(MergedEvent::Declared(shard, columns));
        Ok(())
    }
}
