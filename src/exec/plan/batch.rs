//! The tasks of several shards in one message. The server answers a message at its end, with one
//! system call: 128 quick SELECTs took its process 5 ms in one message, and 10.5 ms in 128.

use super::{Plan, ShardSql};
use crate::sharding::shard::Shard;

/// One message for several tasks.
pub struct Batch {
    pub sql: String,
    /// For each task, the characters in front of the user's statement.
    pub offsets: Vec<usize>,
    /// Of each task.
    pub statements: usize,
}

impl Plan {
    pub fn batch(&self, shards: &[Shard]) -> Batch {
        let (mut sql, mut characters) = (String::new(), 0);
        let mut offsets = Vec::new();
        for shard in shards {
            if !sql.is_empty() {
                // The user's statement may end in a comment.
                const BETWEEN: &str = "\n;\n";
                sql += BETWEEN;
                characters += BETWEEN.len();
            }
            let task: ShardSql = self.task(*shard);
            offsets.push(characters + task.offset);
            characters += task.sql.chars().count();
            sql += &task.sql;
        }
        Batch {
            sql,
            offsets,
            statements: if self.search_path.is_of_database() {
                2
            } else {
                3
            },
        }
    }
}
