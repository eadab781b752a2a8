//! When a worker checks that the snapshot covers the tables that it read, and what the
//! check tells. The statement is `sql/check_relations.sql`.

use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use super::session::Answers;
use super::turn::Broken;
use crate::plan::{CheckFrequency, TableName};
use futures::StreamExt;

/// What a check found.
#[derive(Debug, Default)]
pub(super) struct RelationCheck {
    /// Relations that the turns have locked, indexes and partitions too.
    pub locked: usize,
    /// Tables that the snapshot does not cover.
    pub rewritten: Vec<TableName>,
    /// Tables of which row-level security may hide rows.
    pub filtered: Vec<TableName>,
}

impl RelationCheck {
    /// Reads the answer to `sql/check_relations.sql`.
    pub async fn read(answers: &mut Answers) -> Result<Self, Broken> {
        let mut found = None;
        while let Some(message) = answers.next().await {
            if let SimpleQueryMessage::Row(row) = message.map_err(|error| Broken::by(&error, 0))? {
                found = Self::parse(row.get(0), row.get(1), row.get(2));
            }
        }
        found.ok_or_else(|| Broken::Lost("a check of the tables without an answer".to_owned()))
    }

    fn parse(
        locked: Option<&str>,
        rewritten: Option<&str>,
        filtered: Option<&str>,
    ) -> Option<Self> {
        Some(Self {
            locked: locked?.parse().ok()?,
            rewritten: table_names(rewritten)?,
            filtered: table_names(filtered)?,
        })
    }
}

fn table_names(json: Option<&str>) -> Option<Vec<TableName>> {
    let names: Vec<(String, String)> = match json {
        Some(json) => serde_json::from_str(json).ok()?,
        None => Vec::new(),
    };
    let names = names.into_iter();
    Some(
        names
            .map(|(schema, name)| TableName { schema, name })
            .collect(),
    )
}

/// How many turns share a check.
#[derive(Debug)]
pub(super) struct CheckInterval {
    frequency: CheckFrequency,
    turns: usize,
}

impl CheckInterval {
    /// Before any check has told how many locks a turn takes, few: a statement over
    /// partitions takes hundreds, and the server's table of locks is everybody's.
    const FIRST: usize = 2;
    const UNKNOWN: usize = 8;
    /// 32 turns of the smallest kind take the server 4 ms, a check 0.3 ms.
    const MOST: usize = 32;
    /// Locks to hold on one connection. The server has room for 64 times its connections.
    const LOCKS: usize = 256;
    /// For how long a quick shard's tables may stay locked for the shards behind it.
    const HOLD: Duration = Duration::from_millis(100);

    pub fn new(frequency: CheckFrequency) -> Self {
        Self {
            frequency,
            turns: match frequency {
                CheckFrequency::EachShard => 1,
                CheckFrequency::Batches => Self::FIRST,
            },
        }
    }

    /// Turns to send between two checks.
    pub fn turns(&self) -> usize {
        self.turns
    }

    /// The first check was sent, and its answer is on its way.
    pub fn sent(&mut self) {
        if self.turns == Self::FIRST {
            self.turns = Self::UNKNOWN;
        }
    }

    /// A check told of so many locks for so many turns, which take this long each.
    pub fn adapt(&mut self, locked: usize, turns: usize, turn: Option<Duration>) {
        if self.frequency == CheckFrequency::EachShard {
            return;
        }
        let by_locks = Self::LOCKS * turns.max(1) / locked.max(1);
        let turn = turn.unwrap_or_default().as_nanos().max(1);
        let by_time = usize::try_from(Self::HOLD.as_nanos() / turn).unwrap_or(Self::MOST);
        self.turns = by_locks.min(by_time).clamp(1, Self::MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapted(locked: usize, turns: usize, turn: Duration) -> usize {
        let mut interval = CheckInterval::new(CheckFrequency::Batches);
        interval.adapt(locked, turns, Some(turn));
        interval.turns()
    }

    #[test]
    fn quick_turns_with_few_locks_share_a_check() {
        assert_eq!(
            adapted(3, 1, Duration::from_micros(200)),
            CheckInterval::MOST
        );
        assert_eq!(adapted(500, 1, Duration::from_micros(200)), 1);
        assert_eq!(adapted(40, 1, Duration::from_micros(200)), 6);
        assert_eq!(adapted(3, 1, Duration::from_millis(5)), 20);
        assert_eq!(adapted(3, 1, Duration::from_secs(5)), 1);
    }

    #[test]
    fn a_check_names_the_tables_that_changed() {
        let json = r#"[["shard_1", "a\"b"]]"#;
        let check = RelationCheck::parse(Some("7"), Some(json), None).unwrap();
        assert_eq!(check.locked, 7);
        assert_eq!(check.rewritten[0].to_string(), "shard_1.a\"b");
        assert!(check.filtered.is_empty());
        let check = RelationCheck::parse(Some("7"), None, Some(json)).unwrap();
        assert_eq!((check.rewritten.len(), check.filtered.len()), (0, 1));
        assert!(RelationCheck::parse(None, None, None).is_none());
    }
}
