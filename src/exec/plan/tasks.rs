//! The messages of one task: the statement in a shard, the check of the tables that it read, and
//! the way back to the savepoint. Pure.

use super::{ChildTables, Plan, ShardSql};
use crate::exec::copy::CopyOptions;
use crate::pg::sql_template::{fill, split_at_statement};
use crate::sharding::shard::Shard;

impl Plan {
    /// The message that runs the statement in one shard.
    pub fn task(&self, shard: Shard) -> ShardSql {
        wrap_statement(
            self.statement.text_in(shard),
            include_str!("../../../sql/exec/run_in_shard.sql"),
            &[("set_search_path", &self.set_search_path(shard))],
        )
    }

    /// The message in front of a COPY.
    pub fn describe_in(&self, shard: Shard) -> ShardSql {
        wrap_statement(
            self.statement.as_str(),
            include_str!("../../../sql/exec/describe.sql"),
            &[("set_search_path", &self.set_search_path(shard))],
        )
    }

    fn set_search_path(&self, shard: Shard) -> String {
        if self.search_path.is_of_database() {
            return String::new();
        }
        let path = self.search_path.in_shard(shard);
        let set = include_str!("../../../sql/exec/set_search_path.sql");
        fill(set, &[("search_path", &path)]) + ";\n"
    }

    /// The COPY statement, the same in every shard.
    pub fn copy(&self, copying: &CopyOptions) -> ShardSql {
        let (format, others) = copying.options();
        wrap_statement(
            self.statement.as_str(),
            include_str!("../../../sql/exec/copy.sql"),
            &[("format", format), ("others", &others)],
        )
    }

    /// Checks the tables of the tasks before it.
    pub fn check_relations(children: ChildTables) -> String {
        fill(
            include_str!("../../../sql/exec/check_relations.sql"),
            &[("children_changed", &Self::children_changed(children))],
        )
    }

    /// Whether partitions or other child tables of a table, `c`, came or went since the snapshot.
    pub fn children_changed(children: ChildTables) -> String {
        let row_replaced = |row| {
            fill(
                include_str!("../../../sql/exec/row_replaced.sql"),
                &[("row", row)],
            )
        };
        match children {
            ChildTables::Absent => "false".to_owned(),
            ChildTables::Present => fill(
                include_str!("../../../sql/exec/children_changed.sql"),
                &[
                    ("inheritance_replaced", &row_replaced("i")),
                    ("column_replaced", &row_replaced("a")),
                ],
            ),
        }
    }

    /// Makes the transaction usable again after a check that failed.
    pub fn recover_unchecked() -> String {
        fill(include_str!("../../../sql/exec/recover_unchecked.sql"), &[])
    }

    pub fn recover() -> String {
        fill(include_str!("../../../sql/exec/recover.sql"), &[])
    }
}

fn wrap_statement(statement: &str, template: &str, values: &[(&str, &str)]) -> ShardSql {
    let (before, after) = split_at_statement(template, values);
    ShardSql {
        offset: before.chars().count(),
        sql: format!("{before}{statement}{after}"),
    }
}
