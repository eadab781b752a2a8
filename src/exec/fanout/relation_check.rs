//! When a worker checks that the snapshot covers the tables that it read, and how it reads the
//! result. The statement is `sql/exec/check_relations.sql`.

use std::time::Duration;

use futures::StreamExt;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::session::ResponseStream;
use super::shard_reader::ReadError;
use crate::exec::plan::{CheckFrequency, TableName};

#[derive(Debug, Default)]
pub(super) struct RelationCheck {
    /// Number of tables that the tasks have locked, including partitions and TOAST tables.
    pub locked: usize,
    /// Tables that the snapshot does not cover.
    pub rewritten: Vec<TableName>,
    /// Tables of which row-level security may hide rows.
    pub filtered: Vec<TableName>,
}

impl RelationCheck {
    /// Reads the response to `sql/exec/check_relations.sql`.
    pub async fn read(answers: &mut ResponseStream) -> Result<Self, ReadError> {
        let mut check = None;
        while let Some(message) = answers.next().await {
            match message.map_err(|error| ReadError::by(&error, 0))? {
                SimpleQueryMessage::RowDescription(_) => check = Some(Self::default()),
                SimpleQueryMessage::Row(row) => {
                    if let Some(check) = &mut check {
                        check.add(&LockedTable::of(|column| row.get(column)));
                    }
                }
                _ => {}
            }
        }
        check.ok_or_else(|| ReadError::Lost("no answer to the check of the tables".to_owned()))
    }

    /// From the rows of the response.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a SimpleQueryRow>) -> Self {
        let mut check = Self::default();
        for row in rows {
            check.add(&LockedTable::of(|column| row.get(column)));
        }
        check
    }

    fn add(&mut self, table: &LockedTable) {
        self.locked += 1;
        if table.is_rewritten() {
            self.rewritten.push(table.name());
        }
        if table.is_filtered {
            self.filtered.push(table.name());
        }
    }
}

/// A row of `sql/exec/check_relations.sql`: a table at the snapshot and now.
struct LockedTable<'a> {
    kind: Option<&'a str>,
    schema: Option<&'a str>,
    name: Option<&'a str>,
    path: Option<&'a str>,
    path_now: Option<&'a str>,
    file: Option<&'a str>,
    file_now: Option<&'a str>,
    is_filtered: bool,
    has_other_children: bool,
}

impl<'a> LockedTable<'a> {
    fn of(value: impl Fn(usize) -> Option<&'a str>) -> Self {
        Self {
            kind: value(0),
            schema: value(1),
            name: value(2),
            path: value(3),
            path_now: value(4),
            file: value(5),
            file_now: value(6),
            is_filtered: value(7) == Some("t"),
            has_other_children: value(8) == Some("t"),
        }
    }

    fn is_rewritten(&self) -> bool {
        match self.kind {
            None => true,
            // Reading a sequence does not depend on the snapshot.
            Some("S") => false,
            Some(_) => {
                self.path != self.path_now
                    // Views have no file.
                    || self.file_now.is_some() && self.file != self.file_now
                    || self.has_other_children
            }
        }
    }

    /// The names at the snapshot, if the table existed then.
    fn name(&self) -> TableName {
        let created_since = (Some(""), self.path_now);
        let (schema, name) = match self.kind {
            Some(_) => (self.schema, self.name),
            None => created_since,
        };
        TableName {
            schema: schema.unwrap_or_default().to_owned(),
            name: name.unwrap_or_default().to_owned(),
        }
    }
}

/// How many tasks share one check.
#[derive(Debug)]
pub(super) struct CheckInterval {
    frequency: CheckFrequency,
    unknown: usize,
}

impl CheckInterval {
    /// Used until a check has shown how many tables a task locks. Few, because a statement over
    /// partitions locks hundreds, and the server's lock table is shared by everyone. One worker
    /// checks early; the others wait for its result as long as they can.
    const FIRST: usize = 2;
    const UNKNOWN: usize = 8;
    /// 32 of the smallest tasks take the server 5 ms, a check 1 ms.
    const MOST: usize = 32;
    /// Tables to keep locked on one connection, each with its indexes. The server has room for 64
    /// locks per allowed connection.
    const TABLES: usize = 64;
    /// How long a quick shard's tables may stay locked for the shards after it.
    const HOLD: Duration = Duration::from_millis(100);

    pub fn new(frequency: CheckFrequency, worker: usize) -> Self {
        Self {
            frequency,
            unknown: if worker == 0 {
                Self::FIRST
            } else {
                Self::UNKNOWN
            },
        }
    }

    /// Tasks to send between two checks, if each locks this many tables and takes this long, where
    /// known.
    pub fn tasks(&self, tables: Option<usize>, task: Option<Duration>) -> usize {
        match (self.frequency, tables) {
            (CheckFrequency::EachShard, _) => 1,
            (CheckFrequency::Batches, None) => self.unknown,
            (CheckFrequency::Batches, Some(tables)) => {
                let by_tables = Self::TABLES / tables.max(1);
                let task = task.unwrap_or_default().as_nanos().max(1);
                let by_time = usize::try_from(Self::HOLD.as_nanos() / task).unwrap_or(Self::MOST);
                by_tables.min(by_time).clamp(1, Self::MOST)
            }
        }
    }

    /// The first check was sent, so its result will come.
    pub fn sent(&mut self) {
        self.unknown = Self::UNKNOWN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_tasks_with_few_tables_share_a_check() {
        let interval = CheckInterval::new(CheckFrequency::Batches, 1);
        let tasks = |tables, task| interval.tasks(Some(tables), Some(task));
        let quick = Duration::from_micros(200);
        assert_eq!(tasks(1, quick), CheckInterval::MOST);
        assert_eq!(tasks(500, quick), 1);
        assert_eq!(tasks(10, quick), 6);
        assert_eq!(tasks(1, Duration::from_millis(5)), 20);
        assert_eq!(tasks(1, Duration::from_secs(5)), 1);
    }

    #[test]
    fn one_worker_finds_out_how_many_tables_a_task_locks() {
        let mut first = CheckInterval::new(CheckFrequency::Batches, 0);
        let other = CheckInterval::new(CheckFrequency::Batches, 1);
        let each = CheckInterval::new(CheckFrequency::EachShard, 1);
        assert_eq!(first.tasks(None, None), CheckInterval::FIRST);
        assert_eq!(other.tasks(None, None), CheckInterval::UNKNOWN);
        assert_eq!(each.tasks(None, None), 1);
        first.sent();
        assert_eq!(first.tasks(None, None), CheckInterval::UNKNOWN);
    }

    type Row = [Option<&'static str>; 9];

    /// An unchanged table.
    const SAME: Row = [
        Some("r"),
        Some("shard_1"),
        Some("a\"b"),
        Some("shard_1.\"a\"\"b\""),
        Some("shard_1.\"a\"\"b\""),
        Some("20000"),
        Some("20000"),
        None,
        Some("f"),
    ];

    fn check(column: usize, value: Option<&'static str>) -> RelationCheck {
        let mut row = SAME;
        row[column] = value;
        let mut check = RelationCheck::default();
        check.add(&LockedTable::of(|column| row[column]));
        check
    }

    #[test]
    fn a_check_names_the_tables_that_changed() {
        for (column, value) in [
            (4, Some("shard_2.\"a\"\"b\"")),
            (6, Some("20001")),
            (8, Some("t")),
        ] {
            let rewritten = check(column, value).rewritten;
            assert_eq!(rewritten[0].to_string(), "shard_1.a\"b", "{column}");
        }
        assert_eq!(
            check(0, None).rewritten[0].to_string(),
            "shard_1.\"a\"\"b\""
        );
        for (column, value) in [(0, Some("r")), (6, None), (8, None)] {
            assert!(check(column, value).rewritten.is_empty(), "{column}");
        }
        let filtered = check(7, Some("t"));
        assert_eq!((filtered.rewritten.len(), filtered.filtered.len()), (0, 1));
    }
}
